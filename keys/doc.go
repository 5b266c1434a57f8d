// Package keys knows the life of keys: when a signing key is published, signs,
// retires and goes, and how new keys get under everything that is sealed.
//
// It owns the rules of both as rows, and the walk through the sealed columns.
// It must not know what a key looks like or how a token is signed: whoever
// makes keys is told by a plan which ones are missing.
package keys

// Package webauthntest is a virtual authenticator for tests, with the browser in front of it: it answers the options of a relying
// party with what PublicKeyCredential.toJSON gives, from real keys. Every part of an answer can be tampered with before it is signed,
// and after.
//
// It is written from the specification and must not know who judges its answers.
package webauthntest

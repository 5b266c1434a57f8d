// Package rpcheck plays the provider for a relying party and finds out what it gets wrong.
//
// It owns an issuer of its own on loopback, the sign-ins it drives there, and the rules it judges by, each with the section of the
// standard it comes from. The issuer lies on purpose, which no real one may: nothing here is used by the provider, and the package
// knows none of our others.
package rpcheck

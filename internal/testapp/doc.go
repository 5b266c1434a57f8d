// Package testapp runs the whole server inside a test: a real database, real HTTP on loopback, mail and SMS that are caught, a clock
// the test sets, the demo's accounts, and a client that keeps cookies like a browser.
//
// It must not replace any part of the server with something simpler; what it adds stands outside.
package testapp

// Package signin decides what a sign-in needs next and what may be said about it.
//
// It owns the order of the steps (Next), the levels of assurance and the words that tokens use for them (acr, amr).
// It is pure: state and policy come in as values, a step goes out. It must not know about HTTP, rows, clocks or
// where its values came from, so that every combination can be tested.
package signin

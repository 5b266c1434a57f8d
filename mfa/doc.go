// Package mfa keeps the second factor: setting one up, asking for it at sign-in, changing it, and taking it away.
//
// It owns the rules for codes (how long they live, how often they may be guessed and sent), the factors, backup codes and
// trusted devices of an account, the reset, and the pages of all these: the steps of a sign-in that deal with a second
// factor, and the self-service page. One file holds one method (email.go, backup.go); what methods that send a code have
// in common is in challenge.go.
//
// It must not know how passwords are checked, how a sign-in begins or ends, or what a token is. It meets those in rows: a
// step adds its evidence to the flow's row and sends the browser to /signin/continue, where somebody else decides.
package mfa

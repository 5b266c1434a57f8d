// Package mfa keeps the second factor: setting one up, asking for it at sign-in, changing it, and taking it away.
//
// It owns the rules for codes (how long they live, how often they may be guessed and sent), the factors, passkeys, backup codes
// and trusted devices of an account, the reset, and the pages of all these: the steps of a sign-in that deal with a second
// factor, sign-in by passkey, and the self-service page.
//
// It must not know how passwords are checked, how a sign-in begins or ends, or what a token is. It meets those in rows: a
// step adds its evidence to the flow's row and sends the browser to /signin/continue, where somebody else decides.
//
// # Where things are
//
// service.go has the Service, and who acts: a sign-in (attempted) or a session (acting).
//
// One method each: sent.go the addresses that codes are sent to, mail and SMS alike; app.go authenticator apps; passkey.go passkeys
// and security keys; backup.go backup codes; device.go trusted devices. What they compute without rows is beside them: address.go
// and phone.go read what people type, code.go codes, totp.go RFC 6238 and its QR code, browser.go names of browsers, and
// webauthn.go with its siblings the ceremonies: webauthn_read.go parses an answer, webauthn_verify.go has every check of it,
// webauthn_credential.go is what is kept.
//
// What methods have in common, along the life of a factor: enrolment.go proves a new one, factor.go writes it down with all that
// follows, prove.go asks a sign-in for one, challenge.go sends codes and judges them, ceremony.go keeps what a page prepared until
// its form comes back, change.go ends what rests on the former state, limits.go has every budget and pause.
//
// What people do with what they have: session.go the self-service page and its sessions, manage.go order and removal, undo.go the
// link that takes a change of address back, drift.go a registered address that changed alone, notice.go the mails about all that.
//
// What staff do: pass.go a code that takes the place of a factor once, status.go what is set up, plan.go what a reset would take,
// reset.go all factors or one, reenrol.go the ticket that a set-up after a reset may need, operator.go what a surface can ask for,
// imported.go and its siblings what an import brings along.
//
// The pages are in handler.go and handler_*.go, named after the files whose services they call.
package mfa

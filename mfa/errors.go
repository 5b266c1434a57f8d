package mfa

import (
	"errors"
	"fmt"
	"time"
)

var (
	// ErrTooManyCeremonies means that a sign-in asked for more challenges of passkeys, or keys of apps, than anybody needs.
	ErrTooManyCeremonies = errors.New("too many ceremonies in one sign-in")
	// ErrFlowGone means that the sign-in is over, or its account's credentials changed since the password was given.
	ErrFlowGone = errors.New("sign-in is over")
	// ErrSessionGone means that the session is over, or its account's credentials changed since.
	ErrSessionGone = errors.New("session is over")
	// ErrWrongStep means that the sign-in does not need this step now.
	ErrWrongStep = errors.New("sign-in is at another step")
	// ErrNotFresh means that the session's proofs are too old for a change of security settings.
	ErrNotFresh = errors.New("proof is not fresh")
	// ErrAlreadySetUp means that the account has a factor, so that a sign-in cannot set up another.
	ErrAlreadySetUp = errors.New("a factor is already set up")
	// ErrMethod means that the method is not set up, not allowed here, or not offered by this installation.
	ErrMethod = errors.New("no such method")
	// ErrNothingSetUp means that the account has no factor.
	ErrNothingSetUp = errors.New("no factor is set up")

	// ErrEmailBlank, ErrEmailForm and ErrEmailLong say why an email address was not accepted.
	ErrEmailBlank = errors.New("no email address given")
	ErrEmailForm  = errors.New("not an email address")
	ErrEmailLong  = errors.New("email address is too long")

	// ErrAddress says that nothing can be sent to an address that looked good.
	ErrAddress = errors.New("address cannot be sent to")

	// ErrCodeBlank and ErrCodeForm say that what was typed cannot be a code. It was compared with nothing.
	ErrCodeBlank = errors.New("no code given")
	ErrCodeForm  = errors.New("not a code")
	// ErrPasskey means that a passkey's answer was not accepted: one answer for everything that can be wrong with it.
	ErrPasskey = errors.New("passkey was not accepted")
	// ErrLastPasskey means that the passkey is the only one, so that the method goes with it.
	ErrLastPasskey = errors.New("the only passkey")
	// ErrTooManyPasskeys means that the account has as many passkeys as it can.
	ErrTooManyPasskeys = errors.New("too many passkeys")
	// ErrNameBlank, ErrNameLong and ErrNameForm say why a passkey's name was not accepted.
	ErrNameBlank = errors.New("no name given")
	ErrNameLong  = errors.New("name is too long")
	ErrNameForm  = errors.New("name has characters that cannot be shown")
	// ErrNotBegun means that what the answer is checked against is not there: it was used, is too old, or was never made.
	ErrNotBegun = errors.New("nothing to check the answer against")
	// ErrNotSent means that no code was sent in this attempt yet.
	ErrNotSent = errors.New("no code was sent")
	// ErrAddressChanged means that the newest code went to another address than the one now given.
	ErrAddressChanged = errors.New("address was edited after sending")
	// ErrWrongCode means that the code is wrong, old, used or somebody else's: one answer for all of them.
	ErrWrongCode = errors.New("code is wrong or expired")
	// ErrTriesSpent means that the code takes no further tries: a new one is needed.
	ErrTriesSpent = errors.New("code takes no further tries")
	// ErrJustDone means that the same form was posted twice at once, and the other one did what it asks for.
	ErrJustDone = errors.New("already done a moment ago")
	// ErrTooManySends means that a sending budget is used up.
	ErrTooManySends = errors.New("too many codes sent")
	// ErrTooManyCodes means that backup codes were replaced too often today.
	ErrTooManyCodes = errors.New("backup codes replaced too often")
	// ErrBusy means that too much is being hashed right now. Nothing was decided; trying again soon is right.
	ErrBusy = errors.New("too many codes are being checked")
	// ErrFactorDisabled means that the factor was guessed at too often and stays closed until it is set up anew.
	ErrFactorDisabled = errors.New("factor is disabled")
	// ErrNoCodes means that there are no backup codes to show.
	ErrNoCodes = errors.New("no backup codes to show")

	// ErrOrder means that an order does not name exactly the methods that the account has.
	ErrOrder = errors.New("order does not name the account's methods")
	// ErrLastFactor means that the account needs a second factor and has no other that would do.
	ErrLastFactor = errors.New("last factor of an account that needs one")
	// ErrTicket means that a ticket opens nothing: wrong, old, used, void or somebody else's, one answer for all of them.
	ErrTicket = errors.New("ticket opens nothing")
	// ErrFrozen means that changes of the account's security settings are stopped for a while.
	ErrFrozen = errors.New("security settings are frozen")
)

// WaitError says that a code was sent a moment ago and the next one has to wait.
type WaitError struct{ Seconds int }

// Error implements error.
func (e *WaitError) Error() string { return fmt.Sprintf("next code in %d seconds", e.Seconds) }

// LockedError says that the account's codes are not looked at until a time, after too many wrong ones.
type LockedError struct{ Until time.Time }

// Error implements error.
func (e *LockedError) Error() string { return "codes are paused" }

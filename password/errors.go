package password

import (
	"errors"
	"time"

	"github.com/futakagi/futakagi/delivery"
)

var (
	// ErrSessionGone means that the session is over, or its account's credentials changed since.
	ErrSessionGone = errors.New("session is over")
	// ErrNotFresh means that the session's proofs are too old for a change of security settings.
	ErrNotFresh = errors.New("proof is not fresh")
	// ErrWrongPassword means that the present password is another one.
	ErrWrongPassword = errors.New("present password is wrong")
	// ErrTooManyNotices means that an address got too many notices to be told of one more change.
	ErrTooManyNotices = delivery.ErrTooManyNotices
	// ErrTicket means that a link opens nothing: it is wrong, old, used, void or for somebody else, one answer for all of them.
	ErrTicket = errors.New("link opens nothing")
)

// BudgetError says that too many new passwords were asked for, from one client network or by all together. Whose password it was
// makes no difference to it.
type BudgetError struct {
	// Wait is how long it is until the next request is taken.
	Wait time.Duration
	// All is true when it is everybody's budget that is used up.
	All bool
}

// Error implements error.
func (e *BudgetError) Error() string { return "too many requests for a new password" }

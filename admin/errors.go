package admin

import "errors"

var (
	// ErrForbidden says that the actor may not do this. It was written down.
	ErrForbidden = errors.New("not allowed")
	// ErrOwnAccount says that nobody may do this to their own account. It is also [ErrForbidden].
	ErrOwnAccount error = &ownAccountError{}
	// ErrEnforced says that an account cannot be set to do without a second factor while its surface demands one (M11).
	ErrEnforced = errors.New("two-factor authentication is enforced")
	// ErrConflict says that somebody else changed the thing after the actor looked at it. Nothing was changed.
	ErrConflict = errors.New("changed by somebody else")
	// ErrLockout says that a change would leave the actor, or everybody who could take it back, without a factor that the console
	// accepts. It was written down.
	ErrLockout = errors.New("nobody could take the change back")
	// ErrLastManager says that nobody who can sign in could manage roles any more. It was written down.
	ErrLastManager = errors.New("nobody could manage roles any more")
	// ErrFrozen says that somebody stopped changes of the account's security settings from a notice. It was written down.
	ErrFrozen = errors.New("security settings are frozen")
	// ErrApprovalRequired says that this takes a second operator's approval, and that there is none. It was written down.
	ErrApprovalRequired = errors.New("another operator has to approve this")
	// ErrApprovalVoid says that what a request was about has changed since, or that whoever asked may not do it any more.
	ErrApprovalVoid = errors.New("the request is void")
	// ErrNoApproval says that something was asked for that takes no approval.
	ErrNoApproval = errors.New("no approval is needed")
	// ErrNotPartner says that the actor cannot decide a request: they made it, or whoever did has just had a hand in the actor's own
	// account or role. It was written down.
	ErrNotPartner = errors.New("not a second operator")
	// ErrRoleInUse says that operators still have the role. It was written down.
	ErrRoleInUse = errors.New("role is in use")
	// ErrActorGone says that the actor's session ended, or their account was disabled, after the request came in.
	ErrActorGone = errors.New("actor is no longer signed in")
)

type ownAccountError struct{}

func (*ownAccountError) Error() string        { return "not allowed on one's own account" }
func (*ownAccountError) Is(target error) bool { return target == ErrForbidden }

// refusal is an error that leaves an audit row. The row is written after the transaction it stopped was rolled back.
type refusal struct {
	err error
	// word is the reason in the audit row.
	word string
}

func (r *refusal) Error() string { return r.err.Error() }
func (r *refusal) Unwrap() error { return r.err }

// The reasons of refusals, as the audit rows have them.
const (
	wordRight    = "no_right"
	wordOwn      = "own_account"
	wordEnforced = "enforced"
	wordLockout  = "lockout"
	wordInUse    = "in_use"

	wordLastManager = "last_manager"
	wordRate        = "rate"
	wordFrozen      = "frozen"
	wordApproval    = "approval"
	wordPartner     = "partner"
)

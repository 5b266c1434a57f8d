package templates

// The states of a signing key, as views and the catalogues spell them.
const (
	KeyWaiting = "waiting"
	KeySigning = "signing"
	KeyRetired = "retired"
	KeyGone    = "gone"
	KeyRevoked = "revoked"
)

// KeysView is シングルサインオン → 署名鍵.
type KeysView struct {
	// JWKSURL is where the public keys are.
	JWKSURL string
	// RotateURL asks before the next keys take over, ResealURL before new keys go under what is sealed.
	RotateURL, ResealURL string
	// Days is after how many days a key gives way to the next; 0: when an operator says so.
	Days int
	Keys []KeyRow
	// Reseal is the last run that put new keys under what is sealed; nil if there was none.
	Reseal *ResealStatus
}

// KeyRow is one signing key. Times that are not known are empty.
type KeyRow struct {
	ID, Alg, State         string
	CreatedAt, CreatedISO  string
	SignsFrom, SignsISO    string
	PublishedUntil, EndISO string
	RevokeURL              string
}

// ResealStatus is how far a run got.
type ResealStatus struct {
	// State is requested, settling, spreading, walking or done.
	State                string
	Part, Parts          int
	Resealed, Unreadable int
	// At is when it was asked for, or when it was done.
	At, ISO string
}

// Running reports whether the run is not done yet.
func (s ResealStatus) Running() bool { return s.State != "done" }

// The acts that KeyConfirmView asks about.
const (
	KeyRotate = "rotate"
	KeyRevoke = "revoke"
	KeyReseal = "reseal"
)

// KeyConfirmView asks before keys change. Fields, to revoke one: typed, reason.
type KeyConfirmView struct {
	Action, BackURL string
	// What is one of the acts above.
	What string
	// Changes are the keys that would take over. NotReady says that there is none yet.
	Changes  []KeyChange
	NotReady bool
	// Key is the one to be revoked, and Word what is typed to confirm it.
	Key    KeyRow
	Word   string
	Reason string
	Errors map[string]string
}

// KeyChange is a key that takes over; At is empty if it does at once.
type KeyChange struct {
	Alg, ID string
	At, ISO string
}

// Invalid reports whether the page answers a refused form.
func (v KeyConfirmView) Invalid() bool { return len(v.Errors) > 0 }

package templates

// StopView asks before changes of an account's security settings are stopped, by a link from a notice.
type StopView struct {
	Action  string
	Hidden  []Hidden
	LoginID string
	// Hours is how long they are stopped.
	Hours int
}

// FreezeNotice says on an account's pages in the console that changes of its security settings are stopped.
type FreezeNotice struct {
	At, Until string
	// By is the mailbox that read the notice, masked.
	By string
	// LiftAction receives the POST that allows changes again; empty hides the button.
	LiftAction string
}

package templates

// RolloutView is how far a surface is on its way to enforcement. Field: grace.
type RolloutView struct {
	BackURL string
	// ID is the surface; Name is needed for a further one only.
	ID, Name string
	Enforced bool
	// Since is when enforcement was switched on, while it is.
	Since string
	// NoMethod, Unreachable, Unusable and their sum Stopped count whom enforcement stops; Seen and Never say how soon.
	Stopped, NoMethod, Unreachable, Unusable, Seen, Never int
	// CountedAt is when that was counted.
	CountedAt string
	// ListURL and DownloadURL lead to them one by one; empty hides the link.
	ListURL, DownloadURL string
	// ReadOnly hides whatever changes something.
	ReadOnly bool
	// Announced is the day that the banner names; empty: none.
	Announced   string
	AnnounceURL string
	// Mails is the state of the newest announcement's mails; nil if there was none.
	Mails          *RolloutMails
	WithdrawAction string
	GraceAction    string
	// Grace is the number of days as typed; GraceFormer is the number that is stored, and GraceDays says it.
	Grace, GraceFormer string
	GraceDays          int
	// EnforceURL leads to the confirmation of enforcement, LiftAction takes it back at once.
	EnforceURL, LiftAction string
	Errors                 map[string]string
}

// RolloutMails is how many mails of an announcement went out.
type RolloutMails struct {
	At, ISO string
	// Running is whether there are more to come.
	Running             bool
	Mailed, Skipped, Of int
}

// Invalid reports whether the page answers a refused form.
func (v RolloutView) Invalid() bool { return len(v.Errors) > 0 }

// RolloutAnnounceView asks for the day of an announcement. Field: date.
type RolloutAnnounceView struct {
	Action, BackURL string
	ID, Name        string
	// Accounts counts those who get a mail.
	Accounts int
	Date     string
	// First and Last bound the day.
	First, Last string
	Errors      map[string]string
}

// Invalid reports whether the page answers a refused form.
func (v RolloutAnnounceView) Invalid() bool { return len(v.Errors) > 0 }

// RolloutRow is one account that enforcement stops.
type RolloutRow struct {
	URL, Name, LoginID, Customer, Group string
	// Kind is its main factor, which is of no use here; empty: none.
	Kind string
	Use  bool
	// Undeliverable says that it would be of use if anything arrived at its address.
	Undeliverable bool
	// GraceUntil is until when it may put the set-up off; empty: not begun.
	GraceUntil              string
	LastSignIn, LastSignISO string
}

// RolloutAccountsView lists the accounts that enforcement stops.
type RolloutAccountsView struct {
	BackURL, DownloadURL string
	ID, Name             string
	// Operators is true where the accounts are those of operators.
	Operators bool
	Rows      []RolloutRow
	Pager     Pager
}

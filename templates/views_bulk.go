package templates

// BulkRow is one account of a change of many.
type BulkRow struct {
	// Field is the tick box that picks it.
	Field         string
	Name, LoginID string
	URL           string
	// Use is the switch as stored, Kind the main factor.
	Use      bool
	Kind     string
	Disabled bool
	// Changes and Resets say what the change would do to it; LeftOut that it takes a second operator and stays as it is.
	Changes, Resets, LeftOut bool
	// At and ISO are when it was changed, Refused whether that was refused; in a result.
	At, ISO string
	Refused bool
}

// BulkView picks the accounts of a customer whose switch is to be set. Fields: use=on|off, scope=all|some, one tick box per account.
type BulkView struct {
	Action, BackURL string
	Customer        string
	// Use and Scope are what was chosen before an error.
	Use, Scope string
	// Enforced is whether 利用しない cannot be had (M11).
	Enforced bool
	Rows     []BulkRow
	Pager    Pager
	Errors   map[string]string
}

// Invalid reports whether the page answers a refused form.
func (v BulkView) Invalid() bool { return len(v.Errors) > 0 }

// BulkConfirmView says what setting the switch of many accounts does, before it is done.
type BulkConfirmView struct {
	Action, BackURL string
	CustomerURL     string
	Customer        string
	// Use is the value to be set.
	Use bool
	// Total, Changing and Resetting count the accounts.
	Total, Changing, Resetting int
	// LeftOut counts those that take a second operator.
	LeftOut int
	// Refused is whether none of them can be changed (M11); there is no button then.
	Refused bool
	Hidden  []Hidden
	Rows    []BulkRow
	// More counts the accounts that change and are not listed.
	More int
}

// BulkResultView lists what became of it.
type BulkResultView struct {
	BackURL  string
	Customer string
	Use      bool
	Changed  int
	Rows     []BulkRow
	// Left counts the accounts that are still to be changed, RestAction goes on with them; 0 if there are none.
	Left       int
	RestAction string
	Hidden     []Hidden
}

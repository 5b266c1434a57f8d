package templates

// ExemptionState is the exemption that an account has now.
type ExemptionState struct {
	Since, Until, UntilISO string
	// By is the login ID of the operator who granted it.
	By     string
	Reason string
	// EndAction is where its end is posted to; empty hides the button.
	EndAction string
	Version   string
}

// PassState is the pass of an account that is still open.
type PassState struct {
	// WithdrawAction is where its withdrawal is posted to; empty hides the button.
	WithdrawAction string

	Until string
	// By is the login ID of the operator who issued it.
	By string
}

// ExemptView asks for how long and why an account does without its second factor. Fields: hours, reason, identity.
type ExemptView struct {
	Action, BackURL string
	Who             AccountRef
	// Hours are the choices, Hour the chosen one.
	Hours    []int
	Hour     int
	Reason   string
	Identity bool
	Errors   map[string]string
}

// Invalid reports whether the page answers a refused form.
func (v ExemptView) Invalid() bool { return len(v.Errors) > 0 }

// ExemptionRow is one live exemption in the list.
type ExemptionRow struct {
	// Operator is true for an operator's account, which has no Customer.
	Operator      bool
	Name, LoginID string
	Customer      string
	URL           string
	State         ExemptionState
}

// ExemptionsView is the list 一時免除. The end of one is posted with the fields version and back.
type ExemptionsView struct {
	// Total is how many there are, zero if nobody counted; Many says that there are more.
	Total int
	Many  bool
	Rows  []ExemptionRow
	Pager Pager
}

// PassView asks for how long and why a pass is issued. Fields: minutes, reason, identity.
type PassView struct {
	Action, BackURL string
	Who             AccountRef
	// Open is the pass that the new one replaces, nil if there is none.
	Open *PassState
	// Minutes are the choices, Minute the chosen one.
	Minutes  []int
	Minute   int
	Reason   string
	Identity bool
	Errors   map[string]string
}

// Invalid reports whether the page answers a refused form.
func (v PassView) Invalid() bool { return len(v.Errors) > 0 }

// PassIssuedView shows a pass, once.
type PassIssuedView struct {
	BackURL string
	Who     AccountRef
	// Code is empty when it was shown before.
	Code, Until string
}

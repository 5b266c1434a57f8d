package templates

// ApprovalLine is one request in the list.
type ApprovalLine struct {
	URL string
	// Act is what is asked for, Method the one factor of a reset.
	Act, Method string
	// Name and LoginID are whom it is about, Customer where they belong; Surface stands for them where it is about a surface.
	Name, LoginID, Customer, Surface string
	Operator                         bool
	By, At, ISO, Until               string
	State                            string
}

// ApprovalsView is the list 承認.
type ApprovalsView struct {
	// All is whether it also lists what waits for nobody any more; OpenURL and AllURL lead to the two lists.
	All             bool
	OpenURL, AllURL string
	Rows            []ApprovalLine
	Pager           Pager
}

// ApprovalView is one request, for whoever decides it and for whoever made it.
type ApprovalView struct {
	ListURL string
	// Who is whom it is about; Surface stands for them where it is about a surface.
	Who     AccountRef
	Surface string

	Act, Method, Handover, Email string
	Hours, Minutes               int

	// Reason and the next three are what whoever asked has said; Checks are names of checks.
	Reason, Inquiry, Note string
	Checks                []string
	By, At, ISO, Until    string
	State                 string
	// Decider, DecidedAt and Decision are who decided, when, and why it was refused; UsedAt is when it was done.
	Decider, DecidedAt, Decision, UsedAt string

	// Plan is what a reset would do now; nil for any other act, and where it waits for nobody.
	Plan *AccountResetView
	// ApproveAction, RefuseAction (field: reason), WithdrawAction and UseAction (field: password, if Password) receive what can be done;
	// empty hides it.
	ApproveAction, RefuseAction, WithdrawAction, UseAction string
	Password                                               bool
	PasswordMin                                            int
	// Typed is the reason of a refusal that was refused.
	Typed  string
	Errors map[string]string
}

// Invalid reports whether the page answers a refused form.
func (v ApprovalView) Invalid() bool { return len(v.Errors) > 0 }

// Waits reports whether the request waits for somebody.
func (v ApprovalView) Waits() bool { return v.State == "waiting" || v.State == "approved" }

// ApprovalAskView asks for an act that takes a second operator. Fields: reason, identity, those of ResetMore, and hours, minutes or
// email where the act has them.
type ApprovalAskView struct {
	Action, BackURL string
	Who             AccountRef
	Surface         string
	Act, Method     string
	// Hours and Minutes are choices, Hour and Minute the chosen ones; empty where the act has none.
	Hours, Minutes []int
	Hour, Minute   int
	// Email is the new address, Address whether there is one.
	Address bool
	Email   string
	// Plan is what a reset would do; nil for any other act.
	Plan     *AccountResetView
	Reason   string
	Identity bool
	More     ResetMore
	Errors   map[string]string
}

// Invalid reports whether the page answers a refused form.
func (v ApprovalAskView) Invalid() bool { return len(v.Errors) > 0 }

// Operator is whether the account is an operator's, for the form.
func (v ApprovalAskView) Operator() bool { return v.Who.Operator }

// Guard is whether opening an account takes a second operator.
type Guard struct {
	// On is the account's own choice, All that of its surface.
	On, All bool
	// OnAction receives the POST that makes it so, OffURL leads to the form that asks for the opposite; empty hides them.
	OnAction, OffURL string
	// EmailURL, PasswordURL and SwitchURL lead to the forms that ask for what the page itself does not do then.
	EmailURL, PasswordURL, SwitchURL string
}

// Needed reports whether opening the account takes a second operator.
func (g Guard) Needed() bool { return g.On || g.All }

package templates

// TicketView asks a sign-in for the ticket that staff issued after a reset. Field: code.
type TicketView struct {
	Action, LoginID, CancelAction string
	// NearLimit warns that further failures pause the sign-in.
	NearLimit bool
	Errors    map[string]string
}

// Invalid reports whether the page answers a refused form.
func (v TicketView) Invalid() bool { return len(v.Errors) > 0 }

// ResetMore is what the form of a reset asks for besides the reason and whether the identity was checked. Fields: those of the
// checks, inquiry, note, handover, form.
type ResetMore struct {
	// Form makes that sending the form twice does its work once.
	Form    string
	Checks  []ResetCheck
	Inquiry string
	Note    string
	// Ticket asks how the ticket is handed over; Mail is the registered address it can go to, empty when there is none.
	Ticket   bool
	Handover string
	Mail     string
	// MaxInquiry and MaxNote are for the hints.
	MaxInquiry, MaxNote int
}

// ResetCheck is a tick box that says how the identity was checked. Its field is Field.
type ResetCheck struct {
	Name, Field string
	Checked     bool
}

// The ways a ticket is handed over, as forms spell them.
const (
	HandoverStaff = "staff"
	HandoverMail  = "mail"
)

// HeldClient is a relying party that holds live tokens of an account.
type HeldClient struct {
	Name          string
	RefreshTokens int
}

// Notice is one message about a reset and what became of it.
type Notice struct {
	// To is an address, or the name of a relying party if Party is set.
	To    string
	Party bool
	// State is one of the Delivery constants; Reply the other side's last answer.
	State, Reply string
	Tries        int
	// DoneAt is when it was accepted or given up.
	DoneAt string
}

// Pending is whether the state will still change.
func (n Notice) Pending() bool { return n.State == DeliveryQueued }

// TicketState is how an account stands with tickets.
type TicketState struct {
	// Code is the ticket as people read it, for whoever has to pass it on; DoneAction receives the POST that says that they have it.
	Code, DoneAction string
	// Live and Spent are what became of the newest ticket: good until ExpiresAt, or guessed at too often; neither: there is none.
	Live, Spent bool
	ExpiresAt   string
	// Mail is the mail that carries it; nil when staff pass it on.
	Mail *Notice
	// RefreshURL is where the state of the mail can be seen again, by a page that looks by itself; empty where none does.
	RefreshURL string
	// NewURL leads to the form for another one; empty hides it.
	NewURL string
}

// ResetDoneView is what a reset did and whom it told.
type ResetDoneView struct {
	Who     AccountRef
	BackURL string
	At, ISO string
	// By is who did it.
	By string
	// Method is the kind of the one factor that was reset; empty means everything.
	Method string
	SetUp  bool
	// Factors and Left are kinds: what went and what stayed.
	Factors, Left                      []string
	Codes, Devices, Sessions, Attempts int
	Clients                            []HeldClient
	Notices                            []Notice
	// RefreshURL is the page's own address.
	RefreshURL string
	// Ticket is nil when none is needed.
	Ticket *TicketState
}

// Pending is whether a notice is still on its way.
func (v ResetDoneView) Pending() bool {
	for _, n := range v.Notices {
		if n.Pending() {
			return true
		}
	}
	return false
}

// TicketIssueView shows how an account stands with tickets and issues another. Field: handover.
type TicketIssueView struct {
	Action, BackURL string
	Who             AccountRef
	// Needed is whether the account needs one at all.
	Needed bool
	State  TicketState
	// Handover is the choice; Mail the registered address, empty when there is none.
	Handover, Mail string
	// ReadOnly hides the form: the operator may look but not issue.
	ReadOnly bool
	// AskURL leads to the form that asks for a second operator, in the place of this one; empty where none is needed.
	AskURL string
	Errors map[string]string
}

// Invalid reports whether the page answers a refused form.
func (v TicketIssueView) Invalid() bool { return len(v.Errors) > 0 }

// BulkAccount is one account of a customer that is reset as a whole.
type BulkAccount struct {
	Name, LoginID, Group string
	URL                  string
	// Use is the account's switch; Kinds are its factors, the main one first.
	Use            bool
	Kinds          []string
	Codes, Devices int
	Disabled       bool
	// Guarded is whether it is only asked for, as it takes a second operator.
	Guarded bool
}

// BulkResetView is the list of a customer's accounts before they are all reset, with the form. Fields: reason, identity, version and
// those of ResetMore.
type BulkResetView struct {
	Action, BackURL, Customer string
	Accounts                  []BulkAccount
	Reason                    string
	Identity                  bool
	More                      ResetMore
	Version                   string
	Errors                    map[string]string
}

// Invalid reports whether the page answers a refused form.
func (v BulkResetView) Invalid() bool { return len(v.Errors) > 0 }

// Operator is for the form: the accounts of a customer are no operators'.
func (v BulkResetView) Operator() bool { return false }

// Operator is whether the account is an operator's.
func (v AccountResetView) Operator() bool { return v.Who.Operator }

// BulkResult is what became of one account.
type BulkResult struct {
	Name, LoginID, Group string
	// Done is whether it was reset, SetUp whether anything was set up.
	Done, SetUp bool
	// ReportURL leads to what was done.
	ReportURL string
	// AskedURL leads to the request for a second operator.
	AskedURL string
	// Notices are the messages about it.
	Notices []Notice
}

// BulkDoneView is what became of a customer's accounts.
type BulkDoneView struct {
	BackURL, Customer, RefreshURL string
	Rows                          []BulkResult
	// Done and Missing count the accounts that were reset and those that were not; Asked those that take a second operator.
	Done, Missing, Asked int
}

// Pending is whether a notice is still on its way.
func (v BulkDoneView) Pending() bool {
	for _, r := range v.Rows {
		for _, n := range r.Notices {
			if n.Pending() {
				return true
			}
		}
	}
	return false
}

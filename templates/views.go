package templates

// Conventions shared by every view:
//
//   - Times come formatted (see Time, TimeSeconds, Date) beside an ISO string for <time datetime>.
//   - URLs come whole; a template never builds one from pieces.
//   - Errors maps a form field's name to a finished sentence (see Set.T). The key FormError holds the
//     message that belongs to no single field. A view with errors gets "エラー：" before its title.
//   - An optional part is left out when its URL or text is empty.

// FormError is the key of Errors for the message that belongs to no single field.
const FormError = "form"

// Frame is what surrounds every page and does not depend on the page itself.
type Frame struct {
	// Lang is the language of the page; empty means Ja.
	Lang Lang
	// Path is the local URL (path and query) at which this page can be fetched again; the language links lead to it.
	Path string
	// Flash is a one-shot banner, shown at the top of the page.
	Flash *Flash
	// Admin draws the operators' bar instead of the customers' masthead on sign-in and account pages.
	Admin bool
	// Operator is the signed-in operator; needed by the console pages only.
	Operator *OperatorFrame
}

// Flash is a one-shot banner.
type Flash struct {
	// Tone is "ok" (the default), "info", "warn" or "danger".
	Tone string
	// Title is the banner's sentence; Body is optional and follows it.
	Title, Body string
}

// OperatorFrame is the console's own surroundings: who is signed in and where in the menu the page is.
type OperatorFrame struct {
	// Name and Role are shown in the bar; Role is a finished label.
	Name, Role string
	// Active is the menu entry of the page: one of the Nav constants.
	Active string
	// Items are the menu entries to show, by Nav constant; nil shows all.
	Items []string
	// Waiting is what waits for the operator among the requests for a second one.
	Waiting int
	// SecurityURL leads to the operator's own security settings.
	SecurityURL string
	// SignOutAction receives the sign-out POST.
	SignOutAction string
}

// The entries of the console's menu.
const (
	NavDashboard  = "dashboard"
	NavCustomers  = "customers"
	NavAudit      = "audit"
	NavDeliveries = "deliveries"
	NavOperators  = "operators"
	NavSettings   = "settings"
	NavMethods    = "methods"
	NavExemptions = "exemptions"
	NavKeys       = "keys"
	NavClients    = "clients"
	NavApprovals  = "approvals"
)

// The addresses the console's menu leads to.
const (
	PathCustomers  = "/admin/customers"
	PathAudit      = "/admin/audit"
	PathDeliveries = "/admin/deliveries"
	PathDashboard  = "/admin"
	PathOperators  = "/admin/operators"
	PathRoles      = "/admin/roles"
	PathActs       = "/admin/audit/operators"
	PathSettings   = "/admin/settings/two-factor"
	PathMethods    = "/admin/settings/methods"
	PathExemptions = "/admin/exemptions"
	PathKeys       = "/admin/keys"
	PathClients    = "/admin/clients"
	PathApprovals  = "/admin/approvals"
)

// The kinds of factor, as views spell them.
const (
	KindTOTP    = "totp"
	KindSMS     = "sms"
	KindEmail   = "email"
	KindPasskey = "passkey"
)

// Hidden is one hidden form field.
type Hidden struct{ Name, Value string }

// Option is one choice of a select.
type Option struct {
	Value, Label string
	Selected     bool
}

// Fact is one labelled value.
type Fact struct{ Label, Value string }

// Pager is the page navigation under a list. The zero Pager shows nothing.
type Pager struct {
	// Prev and Next are empty at the ends.
	Prev, Next string
	// First leads back to the beginning.
	First string
}

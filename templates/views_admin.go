package templates

import "slices"

// AccountRef says whose account a console page is about.
type AccountRef struct {
	// Operator is true for an operator's account; its path is システム設定 → 管理者 instead of 販売先.
	Operator      bool
	Customer      string
	CustomerURL   string
	Group         string
	Name, LoginID string
	// URL is the account's own page.
	URL string
}

// CustomerRow is one customer in the list.
type CustomerRow struct {
	URL                     string
	Name, Code              string
	Accounts                int
	WithTwoFactor           int
	LastSignIn, LastSignISO string
}

// The values of the two-factor filter in the customers list.
const (
	FilterAll    = ""
	FilterSet    = "set"
	FilterPartly = "partly"
	FilterNone   = "none"
)

// CustomersView is the list 販売先. GET fields: q, status, page.
type CustomersView struct {
	Action string
	Query  string
	Status string
	// Total is how many there are, zero if nobody counted; Many says that there are more.
	Total int
	Many  bool
	Rows  []CustomerRow
	Pager Pager
	// Short says that the page looked no further for rows, though there are some to look at.
	Short bool
	// NewURL leads to the form for a new customer, ImportURL to the import of many accounts; empty hides them.
	NewURL, ImportURL string
}

// AccountRow is one store account of a group.
type AccountRow struct {
	// Role is a finished label (see Set.RoleLabel).
	Name, LoginID, Role string
	EditURL             string
	// Use is the account's switch (利用する); Kind is the main factor's kind, empty when nothing is set up.
	Use                     bool
	Kind                    string
	Disabled                bool
	LastSignIn, LastSignISO string
}

// GroupCard is one user group with its accounts.
type GroupCard struct {
	Name          string
	EditURL       string
	NewAccountURL string
	Accounts      []AccountRow
}

// The tabs of the customer page.
const (
	TabProfile = "profile"
	TabGroups  = "groups"
)

// CustomerView is one customer, tab 基本情報 or ユーザーグループ (M1).
type CustomerView struct {
	Tab        string
	ProfileURL string
	GroupsURL  string
	Name, Code string
	// Facts are further lines of the profile.
	Facts   []Fact
	EditURL string
	Groups  []GroupCard
	// NewGroupURL leads to the form for a new group; empty hides it.
	NewGroupURL string
	// BulkURL leads to setting the switch of many accounts; empty hides it.
	BulkURL string
}

// CustomerFormView creates or edits a customer. Fields: name, code, version.
type CustomerFormView struct {
	Action, BackURL string
	New             bool
	Name, Code      string
	Version         string
	// RemoveURL leads to the page that deletes it.
	RemoveURL string
	Errors    map[string]string
}

// Invalid reports whether the page answers a refused form.
func (v CustomerFormView) Invalid() bool { return len(v.Errors) > 0 }

// GroupFormView creates or edits a user group. Fields: name, version.
type GroupFormView struct {
	Action, BackURL       string
	New                   bool
	Customer, CustomerURL string
	Name                  string
	Version               string
	// RemoveURL leads to the page that deletes it.
	RemoveURL string
	Errors    map[string]string
}

// Invalid reports whether the page answers a refused form.
func (v GroupFormView) Invalid() bool { return len(v.Errors) > 0 }

// FactorState is one factor as staff see it (M5): whole address where their role may see it, verified to the second.
type FactorState struct {
	Kind                    string
	Address                 string
	VerifiedAt, VerifiedISO string
	// Disabled is true when too many wrong codes closed the factor.
	Disabled bool
	// BouncedAt is since when messages do not arrive; empty: they may.
	BouncedAt string
	// Passkeys are the keys that a factor of kind passkey stands for.
	Passkeys []PasskeyRow
	// ResetURL leads to the reset of this factor alone; empty hides it.
	ResetURL string
	// UnmaskAction receives the POST that shows the address whole (field: field, the kind); empty hides the button.
	UnmaskAction string
}

// PasskeyRow is one passkey as staff see it.
type PasskeyRow struct {
	Name, CreatedAt string
	// UsedAt is empty for a key that was never used.
	UsedAt string
}

// AccountFormView creates or edits a store account or an operator.
// Fields: login_id (new only), name, email, role, password (new only), version.
type AccountFormView struct {
	Action, BackURL string
	New             bool
	// Who names the account and its place; for a new one only the place.
	Who                  AccountRef
	LoginID, Name, Email string
	// Masked is the registered address as the operator may see it, where they may not see it whole: the field is then empty and may
	// stay so. UnmaskAction receives the POST that shows it once; empty hides the button.
	Masked, UnmaskAction string
	// Roles is empty when the kind of account has none.
	Roles   []Option
	Version string
	// ReadOnly hides every button: the operator may look but not change.
	ReadOnly bool
	// Freeze is nil unless changes of the security settings are stopped.
	Freeze *FreezeNotice
	// Guard is whether opening the account takes a second operator; nil hides it.
	Guard *Guard

	// Access is where the person is signed in and what they allow; nil for a new account.
	Access *AccountAccess

	// ActivityURL leads to 利用状況.
	ActivityURL string
	// TwoFactorURL leads to 二要素認証設定; the next fields sum it up.
	TwoFactorURL string
	Use          bool
	Enforced     bool
	Main         *FactorState
	BackupLeft   int
	// Backups are the kinds of the factors that are not the main one, in the person's order.
	Backups []string

	// PasswordMin is the least number of characters of a password, for the hint.
	PasswordMin int
	// PasswordAction receives the POST of a new password (field: password).
	PasswordAction string
	// ResetMailAction receives the POST that sends the person a link to choose one; empty hides the button.
	ResetMailAction string
	// Disabled is the account's state; StateAction receives the POST that changes it (field: do=disable|enable).
	Disabled    bool
	StateAction string
	// MoveURL and RemoveURL lead to the pages that move and delete the account; empty hides the link.
	MoveURL, RemoveURL string
	Errors             map[string]string
}

// Invalid reports whether the page answers a refused form.
func (v AccountFormView) Invalid() bool { return len(v.Errors) > 0 }

// DeviceRow is one trusted device (M7).
type DeviceRow struct {
	// Name is empty for a browser that could not be told.
	Name                         string
	CreatedAt, UsedAt, ExpiresAt string
	// RemoveAction receives the POST that removes the device; empty hides it.
	RemoveAction string
}

// AccountTwoFactorView is 二要素認証設定 of one account (M2 to M8). Fields: use=on|off, version.
type AccountTwoFactorView struct {
	Action, BackURL string
	Who             AccountRef
	// Use is the stored switch.
	Use bool
	// Enforced disables 利用しない; SettingsURL leads to the setting that causes it. While 利用しない is stored, the
	// form then sends no use at all unless 利用する is chosen: no use means no change (M12).
	Enforced    bool
	SettingsURL string
	// Main is nil when nothing is set up.
	Main       *FactorState
	BackupLeft int
	// Backups are the factors that are not the main one, in the person's order.
	Backups []FactorState
	Devices []DeviceRow
	// DevicesURL leads to the page that removes all devices; empty hides it.
	DevicesURL string
	// DeliveriesURL leads to the messages that were sent to the account.
	DeliveriesURL string
	// ResetURL leads to the reset's page, BulkURL to that of all accounts of the customer; empty hides it.
	ResetURL, BulkURL string
	// TicketURL leads to the ticket that is needed to set up a factor; empty where none is.
	TicketURL string
	// Exemption is nil while the account is not exempt; ExemptURL leads to the page that exempts it, empty hides it.
	Exemption *ExemptionState
	ExemptURL string
	// Pass is nil while no pass is open; PassURL leads to the page that issues one, empty hides it.
	Pass    *PassState
	PassURL string
	Version string
	// ReadOnly hides 更新: the operator may look but not change.
	ReadOnly bool
	// Freeze is nil unless changes of the security settings are stopped.
	Freeze *FreezeNotice
	// Guard is whether opening the account takes a second operator; nil if it does not.
	Guard  *Guard
	Errors map[string]string
}

// Invalid reports whether the page answers a refused form.
func (v AccountTwoFactorView) Invalid() bool { return len(v.Errors) > 0 }

// Unmask gives the factors whose address the operator may ask to see whole the button for it.
func (v *AccountTwoFactorView) Unmask(action string, may func(kind, address string) bool) {
	if v.Main != nil && may(v.Main.Kind, v.Main.Address) {
		v.Main.UnmaskAction = action
	}
	for i, f := range v.Backups {
		if may(f.Kind, f.Address) {
			v.Backups[i].UnmaskAction = action
		}
	}
}

// NoSMS is true when the page says that SMS is not used (M6).
func (v AccountTwoFactorView) NoSMS() bool {
	return (v.Main == nil || v.Main.Kind != KindSMS) &&
		!slices.ContainsFunc(v.Backups, func(f FactorState) bool { return f.Kind == KindSMS })
}

// Single are the factors that can be reset alone: there are others besides.
func (v AccountTwoFactorView) Single() []FactorState {
	if v.ResetURL == "" || v.Main == nil || len(v.Backups) == 0 {
		return nil
	}
	return append([]FactorState{*v.Main}, v.Backups...)
}

// AccountDevicesView confirms that all trusted devices of an account are removed.
type AccountDevicesView struct {
	Action, BackURL string
	Who             AccountRef
	Devices         []DeviceRow
}

// AccountResetView is the reset's confirmation (M8, M9), of everything or of one factor. Fields: reason, identity and those of
// ResetMore.
type AccountResetView struct {
	Action, BackURL string
	Who             AccountRef
	// Method is the kind of the one factor that is reset; empty means everything.
	Method string
	// Main is nil when nothing is set up; the page then says that the reset changes nothing. So it does when Method names a factor
	// that neither Main nor one of Backups is.
	Main       *FactorState
	Backups    []FactorState
	BackupLeft int
	Devices    int
	Sessions   int
	// Attempts are the sign-ins under way, Clients the relying parties with live tokens, Told who gets a notice, Parties the names of
	// the relying parties that are told of the sign-out.
	Attempts int
	Clients  []HeldClient
	Told     []string
	Parties  []string
	Reason   string
	Identity bool
	More     ResetMore
	Errors   map[string]string
}

// Invalid reports whether the page answers a refused form.
func (v AccountResetView) Invalid() bool { return len(v.Errors) > 0 }

// Factors are all factors, the main one first.
func (v AccountResetView) Factors() []FactorState {
	if v.Main == nil {
		return nil
	}
	return append([]FactorState{*v.Main}, v.Backups...)
}

// Gone are the factors that the reset deletes.
func (v AccountResetView) Gone() []FactorState {
	return slices.DeleteFunc(v.Factors(), func(f FactorState) bool { return v.Method != "" && f.Kind != v.Method })
}

// NextMain is the kind that becomes the main one because the main one goes; empty when none does.
func (v AccountResetView) NextMain() string {
	if v.Main == nil || v.Method != v.Main.Kind || len(v.Backups) == 0 {
		return ""
	}
	return v.Backups[0].Kind
}

// All is true when nothing is left afterwards.
func (v AccountResetView) All() bool { return len(v.Gone()) == len(v.Factors()) }

// SurfaceSetting is the enforcement of one surface. Its form field has the name of ID.
type SurfaceSetting struct {
	// ID is "admin", "store" or the name of a further surface; Name is needed for a further one only.
	ID, Name string
	Enforced bool
	// Unset is the number of its accounts without a second factor.
	Unset int
	// ByTicket is whether a factor is set up after a reset with a ticket only; its form field, open|ticket, is ReenrolField, and
	// empty hides it.
	ByTicket     bool
	ReenrolField string
	// Guarded is whether opening any of its accounts takes a second operator; its form field, none|all, is GuardField, and empty hides
	// it. UnguardURL leads to the form that asks for the opposite.
	Guarded                bool
	GuardField, UnguardURL string
	// RolloutURL leads to the preparation of its enforcement.
	RolloutURL string
}

// SettingsView is システム設定 → 二要素認証設定 (M10). Fields: one on|off per surface ID.
type SettingsView struct {
	Action, BackURL string
	// MethodsURL leads to the methods that the surfaces accept.
	MethodsURL string
	Surfaces   []SurfaceSetting
	// ReadOnly hides 確認.
	ReadOnly bool
	Errors   map[string]string
}

// Invalid reports whether the page answers a refused form.
func (v SettingsView) Invalid() bool { return len(v.Errors) > 0 }

// SurfaceChange is what the confirmation says about one surface.
type SurfaceChange struct {
	ID, Name      string
	Before, After bool
	// Affected is the number of accounts that must set up a factor because of the change.
	Affected int
	// TicketBefore and TicketAfter are whether a factor is set up after a reset with a ticket only.
	TicketBefore, TicketAfter bool
	// GuardBefore and GuardAfter are whether opening any of its accounts takes a second operator.
	GuardBefore, GuardAfter bool
}

// SettingsConfirmView confirms a change of enforcement (M10).
type SettingsConfirmView struct {
	Action, BackURL string
	Changes         []SurfaceChange
	// Hidden carries the chosen values.
	Hidden []Hidden
}

// The levels that a surface can demand of two factors, as views and forms spell them.
const (
	LevelStandard = "2fa-email"
	LevelHigh     = "2fa"
	LevelHighest  = "phr"
)

// SurfaceMethods is what a surface accepts as a second factor.
type SurfaceMethods struct {
	// ID is "admin", "store" or the name of a further surface; Name is needed for a further one only.
	ID, Name string
	// Kinds are the kinds of factor accepted.
	Kinds []string
	// Level is one of the Level constants.
	Level string
	// Days is for how many days a device can be trusted; 0: not at all.
	Days int
	// EditURL leads to the form; empty hides it.
	EditURL string
}

// MethodsView is システム設定 → 認証方式.
type MethodsView struct {
	Surfaces []SurfaceMethods
}

// MethodOption is one kind of factor that a surface may accept. Its field has the name of Field.
type MethodOption struct {
	Kind, Field string
	Checked     bool
	// Missing is true when the installation cannot do it.
	Missing bool
}

// MethodsFormView changes what one surface accepts. Fields: those of the options, level, days, version.
type MethodsFormView struct {
	Action, BackURL string
	ID, Name        string
	Options         []MethodOption
	// Levels are the Level constants to choose from; Level is the one chosen.
	Levels []string
	Level  string
	// Days are the choices for trusted devices, Day is the one chosen; no choice: the surface never trusts a device.
	Days    []int
	Day     int
	Version string
	Errors  map[string]string
}

// Invalid reports whether the page answers a refused form.
func (v MethodsFormView) Invalid() bool { return len(v.Errors) > 0 }

// MethodsConfirmView confirms a change of what a surface accepts.
type MethodsConfirmView struct {
	Action, BackURL string
	Before, After   SurfaceMethods
	// Stopped is the number of accounts that have no accepted method left because of the change.
	Stopped int
	// Hidden carries the chosen values.
	Hidden []Hidden
}

// AuditRow is one audit event.
type AuditRow struct {
	At, ISO string
	// Event is the code; its label comes from the catalogue.
	Event  string
	Actor  string
	From   string
	Target string
	// Detail is a further line, e.g. the reason of a reset.
	Detail string
	// Result is one of the Result constants.
	Result string
	// Client is the relying party, and Request the number of the request, which leads to RequestURL: all that it did.
	Client              string
	Request, RequestURL string
}

// The results of an audit event.
const (
	ResultSuccess = "success"
	ResultFailure = "failure"
	ResultRefused = "refused"
)

// AuditView is 監査ログ. GET fields: from, to, kind, result, client, q, request, account, before.
type AuditView struct {
	// ActsURL leads to what each operator did.
	ActsURL string

	Action   string
	From, To string // YYYY-MM-DD
	Kinds    []Option
	Result   string // one of the Result constants; empty: all
	Actor    string // a kind of actor; empty: all
	Clients  []Option
	Query    string
	Request  string // the number of one request
	Account  string // the id of one account, carried along
	// Total is how many there are, zero if nobody counted; Many says that there are more.
	Total int
	Many  bool
	Rows  []AuditRow
	Pager Pager
	// Short says that the page looked no further for rows, though there are some to look at.
	Short bool
	// ExportAction takes the filter in Hidden and the format; empty when the operator may not export.
	ExportAction string
	Hidden       []Hidden
}

// ActivityRow is one thing that happened to an account. One of Event, Message and Issued says what.
type ActivityRow struct {
	At, ISO string
	// Event is an audit event's code, Result one of the Result constants.
	Event, Result string
	// Message is the kind of a message to the person, Channel the kind of factor it went to, State one of the Delivery constants. One
	// to a relying party has Party, its name, instead of Channel.
	Message, Channel, Party, State string
	// Issued names the relying party that got tokens; Renewed says that it had some before.
	Issued  string
	Renewed bool
	// By is staff who did it, App the relying party; System says that the server did.
	By, App string
	System  bool
	// From is the client's address, Client the relying party that an event was about, Detail a further line.
	From, Client, Detail string
	RequestURL           string
}

// ActivityView is 利用状況. GET field: before.
type ActivityView struct {
	Who AccountRef
	// AuditURL leads to the account's rows in the audit log.
	AuditURL string
	Rows     []ActivityRow
	Pager    Pager
}

// The states of a message.
const (
	DeliveryQueued    = "queued"
	DeliveryAccepted  = "accepted"
	DeliveryFailed    = "failed"
	DeliveryExpired   = "expired"
	DeliveryCancelled = "cancelled"
	DeliveryDelivered = "delivered"
	DeliveryBounced   = "bounced"
)

// DeliveryRow is one message: never its content.
type DeliveryRow struct {
	At, ISO string
	// To is an address, or the name of a relying party if Party is set.
	To      string
	Party   bool
	LoginID string
	// Kind is the message's kind; one of the Message constants; its label comes from the catalogue.
	Kind string
	// State is one of the Delivery constants.
	State string
	Tries int
	// Reply is the mail server's last answer.
	Reply string
	// DoneAt is when it was accepted or given up.
	DoneAt string
	// URL is the message's own page; empty without one.
	URL string
}

// DeliveriesView is 配信状況. GET fields: q, state, account, page.
type DeliveriesView struct {
	Action string
	Query  string
	State  string
	// Account keeps the list to the messages of one account (GET field account), which AccountName is the login ID of.
	Account, AccountName string

	// Total is how many there are, zero if nobody counted; Many says that there are more.
	Total int
	Many  bool
	Rows  []DeliveryRow
	Pager Pager
	// Short says that the page looked no further for rows, though there are some to look at.
	Short bool
}

// OperatorRow is one operator.
type OperatorRow struct {
	Name, LoginID, Role     string
	EditURL, TwoFactorURL   string
	Use                     bool
	Kind                    string
	Disabled                bool
	LastSignIn, LastSignISO string
}

// OperatorsView is システム設定 → 管理者.
type OperatorsView struct {
	Total  int
	Rows   []OperatorRow
	Pager  Pager
	NewURL string
	// RolesURL leads to what operators may do.
	RolesURL string
}

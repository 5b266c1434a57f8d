package templates

import "html/template"

// LoginView is the page that asks for login ID and password. With Frame.Admin it is the operators' own.
// Fields: username, password.
type LoginView struct {
	Action string
	// App is the name of the application the person is signing in to.
	App string
	// LogoURL is where its logo is; empty for none.
	LogoURL string
	// PasskeyAction receives the passkey that the person used, PasskeyOptionsURL answers a POST with what the browser needs for it.
	// Empty where passkeys do not sign in.
	PasskeyAction, PasskeyOptionsURL string
	// Username is kept after an error, or comes from login_hint.
	Username string
	// Announced is the day from which two factors will be required; empty: nothing is announced.
	Announced string
	// Notice explains why the page appears although the person was signed in.
	Notice string
	// ForgotURL is where a person goes who forgot the password; empty hides the link.
	ForgotURL string
	Errors    map[string]string
}

// Invalid reports whether the page answers a refused form.
func (v LoginView) Invalid() bool { return len(v.Errors) > 0 }

// Progress is "step N of Of" of a set-up.
type Progress struct{ N, Of int }

// MethodChoice is one method on the choice page.
type MethodChoice struct {
	// Kind is one of the Kind constants and the value of the radio.
	Kind string
	// Available is false when the method cannot be chosen; Reason then says why.
	Available bool
	Reason    string
	// Recommended adds the badge おすすめ.
	Recommended bool
}

// TwoFactorView is the choice of a method when nothing is set up yet (M15). Field: method.
type TwoFactorView struct {
	Action   string
	Progress *Progress
	Methods  []MethodChoice
	// Selected is the kind chosen before an error; a fresh page selects nothing.
	Selected string
	// LaterAction receives the POST of あとで設定する, which is offered for LaterDays more days; empty where it is not.
	LaterAction string
	LaterDays   int
	// BackURL is where 戻る leads; with BackPost it is posted to instead.
	BackURL  string
	BackPost bool
	Errors   map[string]string
}

// Invalid reports whether the page answers a refused form.
func (v TwoFactorView) Invalid() bool { return len(v.Errors) > 0 }

// EmailSetupView is the page メールの設定: one form, two steps (M16, M21).
// Fields: email, code, do=send|verify. Both buttons send both fields.
type EmailSetupView struct {
	Action   string
	Progress *Progress
	// Change is the same page reached from My Page: the current address is filled in.
	Change bool
	Email  string
	// SentTo is the address the newest code went to, whole; empty before the first 送信.
	SentTo string
	// JustSent shows the banner that the code was sent.
	JustSent bool
	// WaitSeconds is how long 再送信 still has to wait.
	WaitSeconds int
	BackURL     string
	BackPost    bool
	Errors      map[string]string
}

// Invalid reports whether the page answers a refused form.
func (v EmailSetupView) Invalid() bool { return len(v.Errors) > 0 }

// SMSSetupView is the page SMSの設定: one form, two steps, like EmailSetupView.
// Fields: country, tel, code, do=send|verify. Both buttons send all of them.
type SMSSetupView struct {
	Action   string
	Progress *Progress
	// Change is the same page reached from My Page: the current number is filled in.
	Change bool
	// Countries are those whose numbers are accepted; a single one is not asked for.
	Countries []Option
	Tel       string
	// SentTo is the number the newest code went to, whole; empty before the first 送信.
	SentTo string
	// JustSent shows the banner that the code was sent.
	JustSent bool
	// WaitSeconds is how long 再送信 still has to wait.
	WaitSeconds int
	BackURL     string
	BackPost    bool
	Errors      map[string]string
}

// Invalid reports whether the page answers a refused form.
func (v SMSSetupView) Invalid() bool { return len(v.Errors) > 0 }

// PasskeySetupView is the page パスキーの設定 inside a sign-in. Fields: name, credential (filled in by script).
type PasskeySetupView struct {
	Action   string
	Progress *Progress
	// OptionsURL answers a POST with what the browser needs to make a passkey.
	OptionsURL string
	Name       string
	BackURL    string
	Errors     map[string]string
}

// Invalid reports whether the page answers a refused form.
func (v PasskeySetupView) Invalid() bool { return len(v.Errors) > 0 }

// PasskeyChallengeView asks for the use of a passkey. Field: credential (filled in by script).
type PasskeyChallengeView struct {
	Action       string
	OptionsURL   string
	LoginID      string
	CancelAction string
	// TrustDays and Trust are those of ChallengeView.
	TrustDays  int
	Trust      bool
	MethodsURL string
	BackupURL  string
	// Bounced is that of ChallengeView.
	Bounced *MethodLink
	Errors  map[string]string
}

// Invalid reports whether the page answers a refused form.
func (v PasskeyChallengeView) Invalid() bool { return len(v.Errors) > 0 }

// PasskeyLine is one passkey of the person.
type PasskeyLine struct {
	ID, Name string
	// Synced is true for one that may exist in more than one place.
	Synced                bool
	CreatedAt, CreatedISO string
	UsedAt, UsedISO       string // empty: never
	// Typed is the new name that was refused, beside its error.
	Typed string
	// RenameAction receives the POST of a new name; RemoveURL leads to the removal.
	RenameAction, RemoveURL string
}

// PasskeysView is the page of a person's passkeys. Fields: name, credential (filled in by script).
type PasskeysView struct {
	BackURL  string
	Passkeys []PasskeyLine
	// Action receives a new passkey, empty when there are enough; OptionsURL answers a POST with what the browser needs to make it.
	Action, OptionsURL string
	Name               string
	Errors             map[string]string
}

// Invalid reports whether the page answers a refused form.
func (v PasskeysView) Invalid() bool { return len(v.Errors) > 0 }

// Field is the field that the errors are about, where they are about one.
func (v PasskeysView) Field() string {
	for field := range v.Errors {
		if field != FormError {
			return field
		}
	}
	return "name"
}

// PasskeyRemoveView asks before a passkey is removed.
type PasskeyRemoveView struct {
	Action, BackURL, Name string
}

// AppSetupView is the page 認証アプリの設定. Fields: code, do=begin|verify.
type AppSetupView struct {
	Action   string
	Progress *Progress
	// Begun is false when there is no key to show: the page then has a button that makes one.
	Begun bool
	// Replaces warns that the app set up before stops working.
	Replaces bool
	// Key is the key in groups; URI opens it in an app on this device.
	Key string
	URI template.URL
	QR  QRCode
	// LoginID is the account's name in the app.
	LoginID  string
	BackURL  string
	BackPost bool
	Errors   map[string]string
}

// Invalid reports whether the page answers a refused form.
func (v AppSetupView) Invalid() bool { return len(v.Errors) > 0 }

// BackupCodesView shows fresh backup codes once (M17). Field: saved.
type BackupCodesView struct {
	Action   string
	Progress *Progress
	// Codes are shown as given, e.g. "7KQ4-M2XP-R9TD-5HWC".
	Codes []string
	// SetUp is the kind of factor just set up, for the banner; empty after a reissue.
	SetUp string
	// LoginID and Date are printed with the codes.
	LoginID, Date string
	// DownloadURL answers the codes as a text file.
	DownloadURL string
	Errors      map[string]string
}

// Invalid reports whether the page answers a refused form.
func (v BackupCodesView) Invalid() bool { return len(v.Errors) > 0 }

// BackupRenewView asks before new backup codes replace the old ones.
type BackupRenewView struct {
	Action  string
	BackURL string
	// Left is the number of codes that still work.
	Left int
}

// ChallengeView asks for the code that was sent. Field: code; do=verify|resend.
type ChallengeView struct {
	Action  string
	LoginID string
	// CancelAction receives the POST of 別のIDを使う.
	CancelAction string
	// Kind is the factor in use; empty means KindEmail.
	Kind string
	// To is the masked destination.
	To string
	// JustSent shows the banner that a code was sent just now.
	JustSent bool
	// Unsent shows one button that sends the first code instead of the code form.
	Unsent bool
	// WaitSeconds is how long the next sending still has to wait.
	WaitSeconds int
	// NearLimit adds the warning that further failures pause the verification.
	NearLimit bool
	// Bounced is a factor that would be asked for first if messages to it arrived; nil for none. ToBounced is true where the one asked
	// for is such a factor itself.
	Bounced   *MethodLink
	ToBounced bool
	// Others are the methods to take instead, shown before the form when the code could not be sent.
	Others     []MethodLink
	MethodsURL string
	BackupURL  string
	// TrustDays offers not to ask in this browser again for so many days (field: trust_device); 0 offers nothing. Trust keeps
	// the box ticked after an error.
	TrustDays int
	Trust     bool
	Errors    map[string]string
}

// Invalid reports whether the page answers a refused form.
func (v ChallengeView) Invalid() bool { return len(v.Errors) > 0 }

// MethodLink is one method that can answer the challenge.
type MethodLink struct {
	Kind string
	// To is the masked destination, where the kind has one.
	To  string
	URL string
	// Bounced is true when messages to it do not arrive.
	Bounced bool
}

// ChallengeMethodsView lists the other ways to answer the challenge.
type ChallengeMethodsView struct {
	LoginID      string
	CancelAction string
	Methods      []MethodLink
	// BackupURL is empty when no backup code is left.
	BackupURL string
	// PassURL leads to where a code from staff is typed; empty where none would do.
	PassURL string
	BackURL string
}

// ChallengePassView asks for the code of a pass. Field: code.
type ChallengePassView struct {
	Action       string
	LoginID      string
	CancelAction string
	NearLimit    bool
	BackURL      string
	Errors       map[string]string
}

// Invalid reports whether the page answers a refused form.
func (v ChallengePassView) Invalid() bool { return len(v.Errors) > 0 }

// ChallengeBackupView asks for a backup code. Field: code.
type ChallengeBackupView struct {
	Action       string
	LoginID      string
	CancelAction string
	NearLimit    bool
	// Foreign asks for a code of another system, which can look like anything.
	Foreign bool
	BackURL string
	Errors  map[string]string
}

// Invalid reports whether the page answers a refused form.
func (v ChallengeBackupView) Invalid() bool { return len(v.Errors) > 0 }

// LockedView says that verification is paused. It must be the same for real and unknown accounts.
type LockedView struct {
	// SignInURL leads back to the start.
	SignInURL string
	// MethodsURL leads to the ways that are not paused; empty hides the link.
	MethodsURL string
	// ForgotURL is where the password can be changed without signing in; empty hides the link.
	ForgotURL string
}

// LogoutView asks whether to sign out. Field: everywhere.
type LogoutView struct {
	Action string
	// Hidden carries the logout request through the confirmation.
	Hidden  []Hidden
	BackURL string
}

// SignedOutView says that the person is signed out.
type SignedOutView struct {
	// SignInURL and ContinueURL are optional ways on.
	SignInURL   string
	ContinueURL string
	// Frames are pages of other applications that sign the person out there; the page waits for them before it leads on.
	Frames []string
}

// ErrorKind selects the fixed texts of the error page.
type ErrorKind string

// The error pages.
const (
	ErrorServer      ErrorKind = "server"       // 500: something went wrong here
	ErrorUnavailable ErrorKind = "unavailable"  // 503: the service or its database is away
	ErrorProtocol    ErrorKind = "protocol"     // 400: the application's request was wrong and redirecting is unsafe
	ErrorNotFound    ErrorKind = "not_found"    // 404
	ErrorForbidden   ErrorKind = "forbidden"    // 403: no right
	ErrorCrossSite   ErrorKind = "cross_site"   // 403: the form came from another site
	ErrorBadRequest  ErrorKind = "bad_request"  // 400: the request cannot be read
	ErrorMethod      ErrorKind = "method"       // 405
	ErrorConflict    ErrorKind = "conflict"     // 409: someone else changed it
	ErrorTooLarge    ErrorKind = "too_large"    // 413
	ErrorMisdirected ErrorKind = "misdirected"  // 421: unknown host
	ErrorTooMany     ErrorKind = "too_many"     // 429
	ErrorCookies     ErrorKind = "cookies"      // 400: the browser sends no cookies
	ErrorFlowGone    ErrorKind = "flow_gone"    // 410: the step is over or was never there
	ErrorOtherPerson ErrorKind = "other_person" // the session belongs to somebody else than was asked for
	ErrorLinkGone    ErrorKind = "link_gone"    // 404: a link from a mail opens nothing
)

// ErrorView is the error page. The zero value renders as ErrorServer.
type ErrorView struct {
	Kind ErrorKind
	// Message replaces the kind's own sentence; it is a finished text.
	Message string
	// Ref is the correlation id, e.g. "E-7K2M-93QF".
	Ref string
	// Code and Description are the protocol error, At its time; shown folded away.
	Code, Description, At string
	// RetryURL and HomeURL are optional ways on.
	RetryURL, HomeURL string
}

// SessionExpiredView says that a session or a sign-in in progress is over.
type SessionExpiredView struct {
	// Flow is true when a sign-in in progress ran out, false when a session did.
	Flow bool
	// SignInURL is where to start again; empty asks the person to go back to the application.
	SignInURL string
}

// SecurityMethod is one method on the self-service page (M21).
type SecurityMethod struct {
	Kind string
	// Set is true when the method is set up; the next four fields then describe it.
	Set         bool
	Main        bool
	Address     string // masked
	VerifiedAt  string
	VerifiedISO string
	// Disabled is true when too many wrong codes closed it.
	Disabled bool
	// Bounced is true when messages to the address do not arrive.
	Bounced bool
	// Passkeys are the passkeys that the method stands for, with name and day of last use.
	Passkeys []PasskeyLine
	// URL is where 設定 leads, RemoveURL where 削除 leads.
	URL, RemoveURL string
}

// SecuritySession is one signed-in browser.
type SecuritySession struct {
	// Browser is e.g. "Chrome / Windows", which the page shows in its own language; empty shows a neutral name.
	Browser string
	Current bool
	// Apps are the applications signed in to.
	Apps                  []string
	SignedInAt, SignedISO string
	SeenAt, SeenISO       string
	Address               string
	// EndAction receives the POST of 終了; empty hides the button.
	EndAction string
}

// SecurityDevice is one browser that is not asked for a code.
type SecurityDevice struct {
	// Name is e.g. "Chrome / Windows"; empty shows a neutral name.
	Name string
	// Phone draws a phone instead of a computer.
	Phone   bool
	Current bool
	// Until is the date of its end.
	Until           string
	UsedAt, UsedISO string
	// RemoveAction receives the POST of 解除.
	RemoveAction string
}

// DevicesRemoveView asks before browsers are asked for a code again.
type DevicesRemoveView struct {
	Action, BackURL string
	// All is true for every device, false for the one named.
	All bool
	// Devices names them; an empty name shows a neutral one.
	Devices []string
}

// Activity is one line of recent activity.
type Activity struct {
	// Event is the audit event's code; its label comes from the catalogue.
	Event string
	// OK is false for a refusal or failure.
	OK          bool
	At, ISO     string
	Browser     string
	FromAddress string
	// ByStaff is true for what the provider did, from wherever.
	ByStaff bool
}

// SecurityView is the self-service page (M20 to M23).
type SecurityView struct {
	// BackURL leads to My Page.
	BackURL string
	// Company, Name and LoginID say whose page it is.
	Company, Name, LoginID string
	// On is true when a second factor is asked for at sign-in and one is set up.
	On bool
	// Enforced is true when the surface demands two factors.
	Enforced bool
	Methods  []SecurityMethod
	// OrderURL leads to the order of the methods; empty while there is nothing to order.
	OrderURL string
	// Announced is the day from which a person without a method needs one, GraceUntil when they do who put it off; empty: neither.
	Announced, GraceUntil string
	// DriftTo is the masked address that codes still go to although the registered address was changed; empty if they agree.
	DriftTo string
	// BackupLeft is the number of codes that still work; BackupURL leads to their reissue and is empty when
	// no factor is set up.
	BackupLeft   int
	BackupIssued string
	BackupURL    string
	// Devices are the browsers that are not asked for a code. Without any, OffersTrust decides whether the section is shown.
	Devices     []SecurityDevice
	OffersTrust bool
	// RemoveDevicesURL is where すべて解除 leads; empty hides it.
	RemoveDevicesURL string
	Sessions         []SecuritySession
	// Apps are the applications of others that the person has allowed something.
	Apps []SecurityApp
	// EndOthersAction receives the POST of ほかをすべて終了.
	EndOthersAction string
	Activities      []Activity
	// PasswordURL leads to the change of the password.
	PasswordURL string
	// SignOutAction receives the sign-out POST.
	SignOutAction string
}

// FactorOrderRow is one method in the order it is offered in.
type FactorOrderRow struct {
	Kind string
	// Address is masked; empty for kinds without one.
	Address string
	// UpURL and DownURL propose the order in which it has changed places with its neighbour; empty at the ends.
	UpURL, DownURL string
}

// FactorOrderView is the order in which the methods are offered: the first is the main one. Field: order.
type FactorOrderView struct {
	Action, BackURL string
	// Order is the order shown, as the field carries it.
	Order string
	// Changed is true when that is not the order in force.
	Changed bool
	Rows    []FactorOrderRow
	Errors  map[string]string
}

// Invalid reports whether the page answers a refused form.
func (v FactorOrderView) Invalid() bool { return len(v.Errors) > 0 }

// FactorRemoveView asks before a method is removed, or says why it cannot be.
type FactorRemoveView struct {
	Action, BackURL string
	Kind            string
	// Address is masked; empty for kinds without one.
	Address string
	// NextMain is the kind that becomes the main one; empty if that stays as it is.
	NextMain string
	// Last is true when no method would be left.
	Last bool
	// Refused is true when two factors are required and this is the last one that would do.
	Refused bool
	Errors  map[string]string
}

// Invalid reports whether the page answers a refused form.
func (v FactorRemoveView) Invalid() bool { return len(v.Errors) > 0 }

// AddressUndoView asks before a change of the 2FA address is taken back, by a link from a mail.
type AddressUndoView struct {
	Action  string
	Hidden  []Hidden
	LoginID string
	// Former is the masked address that comes back, Present the one in force; empty when there is none.
	Former, Present string
}

// AddressUndoneView says what to do after that.
type AddressUndoneView struct {
	SignInURL string
}

// FormPostView carries an authorization response to the application by POST.
type FormPostView struct {
	// Action is the application's registered http(s) address.
	Action string
	Fields []Hidden
}

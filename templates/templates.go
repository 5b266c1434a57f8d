package templates

import (
	"embed"
	"fmt"
	"html/template"
	"strings"
	"sync"
	texttemplate "text/template"
)

//go:embed layout partial page mail locales static
var embedded embed.FS

// Config is what New needs.
type Config struct {
	// Brand is the provider's name, links and badge; the zero value gives neutral ones.
	Brand Brand
}

// New parses every page and mail in both languages and renders each once, so that whatever is wrong with a
// template, a text or a file is found at the start. That takes half a second of a processor, and nothing of a [Set] changes
// afterwards: the same configuration gives the same one.
func New(cfg Config) (*Set, error) {
	made.Lock()
	defer made.Unlock()
	if s, ok := made.sets[cfg]; ok {
		return s, nil
	}
	s, err := parse(cfg)
	if err != nil {
		return nil, err
	}
	made.sets[cfg] = s
	return s, nil
}

// made has the sets of this process, of which a server needs one.
var made = struct {
	sync.Mutex
	sets map[Config]*Set
}{sets: map[Config]*Set{}}

func parse(cfg Config) (*Set, error) {
	s := &Set{brand: cfg.Brand.withDefaults(), catalogs: map[Lang]catalog{}, fallbacks: map[Lang][]byte{}}
	var err error
	if s.assets, err = loadAssets(embedded); err != nil {
		return nil, err
	}
	for _, lang := range Langs() {
		if s.catalogs[lang], err = loadCatalog(embedded, lang); err != nil {
			return nil, err
		}
	}
	if err := sameKeys(s.catalogs[Ja], s.catalogs[En]); err != nil {
		return nil, err
	}

	b, err := newBinder(s)
	if err != nil {
		return nil, err
	}
	bindPage(b, &s.Login, "auth", "login")
	bindPage(b, &s.TwoFactor, "auth", "2fa-select")
	bindPage(b, &s.Ticket, "auth", "2fa-ticket")
	bindPage(b, &s.EmailSetup, "auth", "2fa-email")
	bindPage(b, &s.SMSSetup, "auth", "2fa-sms")
	bindPage(b, &s.PasskeySetup, "auth", "2fa-passkey")
	bindPage(b, &s.PasskeyChallenge, "auth", "challenge-passkey")
	bindPage(b, &s.Passkeys, "account", "passkeys")
	bindPage(b, &s.PasskeyRemove, "auth", "passkey-remove")
	bindPage(b, &s.AppSetup, "auth", "2fa-totp")
	bindPage(b, &s.BackupCodes, "auth", "2fa-backup-codes")
	bindPage(b, &s.BackupRenew, "auth", "2fa-backup-renew")
	bindPage(b, &s.Challenge, "auth", "challenge")
	bindPage(b, &s.ChallengeMethods, "auth", "challenge-methods")
	bindPage(b, &s.ChallengeBackup, "auth", "challenge-backup")
	bindPage(b, &s.ChallengePass, "auth", "challenge-pass")
	bindPage(b, &s.Locked, "auth", "challenge-locked")
	bindPage(b, &s.Device, "auth", "device")
	bindPage(b, &s.DeviceConfirm, "auth", "device-confirm")
	bindPage(b, &s.DeviceDone, "auth", "device-done")
	bindPage(b, &s.Logout, "auth", "logout")
	bindPage(b, &s.SignedOut, "auth", "signed-out")
	bindPage(b, &s.Consent, "auth", "consent")
	bindPage(b, &s.AppRevoke, "auth", "app-revoke")
	bindPage(b, &s.Error, "auth", "error")
	bindPage(b, &s.SessionExpired, "auth", "session-expired")
	bindPage(b, &s.Security, "account", "security")
	bindPage(b, &s.DevicesRemove, "auth", "devices-remove")
	bindPage(b, &s.FactorOrder, "account", "2fa-order")
	bindPage(b, &s.FactorRemove, "auth", "2fa-remove")
	bindPage(b, &s.Stop, "auth", "account-stop")
	bindPage(b, &s.Stopped, "auth", "account-stopped")
	bindPage(b, &s.AddressUndo, "auth", "2fa-undo")
	bindPage(b, &s.AddressUndone, "auth", "2fa-undone")
	bindPage(b, &s.FormPost, "auth", "form-post")

	bindPage(b, &s.PasswordChange, "auth", "password-change")
	bindPage(b, &s.PasswordForgot, "auth", "password-forgot")
	bindPage(b, &s.PasswordSent, "auth", "password-sent")
	bindPage(b, &s.PasswordReset, "auth", "password-reset")
	bindPage(b, &s.PasswordVoid, "auth", "password-void")
	bindPage(b, &s.PasswordDone, "auth", "password-done")

	bindPage(b, &s.Customers, "admin", "admin-customers")
	bindPage(b, &s.Customer, "admin", "admin-customer")
	bindPage(b, &s.Import, "admin", "admin-import")
	bindPage(b, &s.ImportRun, "admin", "admin-import-run")
	bindPage(b, &s.Remove, "admin", "admin-remove")
	bindPage(b, &s.Move, "admin", "admin-move")
	bindPage(b, &s.Search, "admin", "admin-search")
	bindPage(b, &s.Bulk, "admin", "admin-bulk")
	bindPage(b, &s.BulkConfirm, "admin", "admin-bulk-confirm")
	bindPage(b, &s.BulkResult, "admin", "admin-bulk-result")
	bindPage(b, &s.CustomerForm, "admin", "admin-customer-form")
	bindPage(b, &s.GroupForm, "admin", "admin-group-form")
	bindPage(b, &s.AccountForm, "admin", "admin-account")
	bindPage(b, &s.AccountTwoFactor, "admin", "admin-account-2fa")
	bindPage(b, &s.AccountReset, "admin", "admin-account-2fa-reset")
	bindPage(b, &s.AccountDevices, "admin", "admin-account-2fa-devices")
	bindPage(b, &s.AccountTicket, "admin", "admin-account-2fa-ticket")
	bindPage(b, &s.ResetDone, "admin", "admin-reset-done")
	bindPage(b, &s.BulkReset, "admin", "admin-customer-reset")
	bindPage(b, &s.BulkDone, "admin", "admin-customer-reset-done")
	bindPage(b, &s.Exempt, "admin", "admin-account-2fa-exempt")
	bindPage(b, &s.Exemptions, "admin", "admin-exemptions")
	bindPage(b, &s.Approvals, "admin", "admin-approvals")
	bindPage(b, &s.Approval, "admin", "admin-approval")
	bindPage(b, &s.ApprovalAsk, "admin", "admin-approval-ask")
	bindPage(b, &s.Pass, "admin", "admin-account-2fa-pass")
	bindPage(b, &s.PassIssued, "admin", "admin-account-2fa-pass-issued")
	bindPage(b, &s.Settings, "admin", "admin-settings-2fa")
	bindPage(b, &s.SettingsConfirm, "admin", "admin-settings-2fa-confirm")
	bindPage(b, &s.Rollout, "admin", "admin-rollout")
	bindPage(b, &s.RolloutAnnounce, "admin", "admin-rollout-announce")
	bindPage(b, &s.RolloutAccounts, "admin", "admin-rollout-accounts")
	bindPage(b, &s.Methods, "admin", "admin-settings-methods")
	bindPage(b, &s.MethodsForm, "admin", "admin-settings-methods-edit")
	bindPage(b, &s.MethodsConfirm, "admin", "admin-settings-methods-confirm")
	bindPage(b, &s.Audit, "admin", "admin-audit")
	bindPage(b, &s.Activity, "admin", "admin-activity")
	bindPage(b, &s.Deliveries, "admin", "admin-deliveries")
	bindPage(b, &s.Message, "admin", "admin-message")
	bindPage(b, &s.Dashboard, "admin", "admin-dashboard")
	bindPage(b, &s.Operators, "admin", "admin-operators")
	bindPage(b, &s.Acts, "admin", "admin-acts")
	bindPage(b, &s.Roles, "admin", "admin-roles")
	bindPage(b, &s.RoleForm, "admin", "admin-role-form")
	bindPage(b, &s.RoleDelete, "admin", "admin-role-delete")
	bindPage(b, &s.Keys, "admin", "admin-keys")
	bindPage(b, &s.KeyConfirm, "admin", "admin-key-confirm")
	bindPage(b, &s.Clients, "admin", "admin-clients")
	bindPage(b, &s.ClientKinds, "admin", "admin-client-kinds")
	bindPage(b, &s.ClientForm, "admin", "admin-client-form")
	bindPage(b, &s.Client, "admin", "admin-client")
	bindPage(b, &s.ClientSecret, "admin", "admin-client-secret")
	bindPage(b, &s.ClientLogo, "admin", "admin-client-logo")
	bindPage(b, &s.ClientScim, "admin", "admin-client-scim")
	bindPage(b, &s.ClientIssued, "admin", "admin-client-issued")
	bindPage(b, &s.RegistrationTokens, "admin", "admin-registration-tokens")
	bindPage(b, &s.RegistrationTokenIssued, "admin", "admin-registration-token-issued")
	bindPage(b, &s.RegistrationTokenRevoke, "admin", "admin-registration-token-revoke")
	bindPage(b, &s.ClientSwitch, "admin", "admin-client-switch")
	bindPage(b, &s.ClientDelete, "admin", "admin-client-delete")
	bindPage(b, &s.StreamDelete, "admin", "admin-client-stream-delete")

	bindPage(b, &s.APIReference, "account", "api-reference")

	bindMail(b, &s.MailCode, "code")
	bindMail(b, &s.MailSetUp, "set-up")
	bindMail(b, &s.MailAddressChanged, "address-changed")
	bindMail(b, &s.MailReset, "reset")
	bindMail(b, &s.MailCodesReissued, "codes-reissued")
	bindMail(b, &s.MailCodesLow, "codes-low")
	bindMail(b, &s.MailDeviceVoided, "device-voided")
	bindMail(b, &s.MailExempted, "exempted")
	bindMail(b, &s.MailPassIssued, "pass-issued")
	bindMail(b, &s.MailPassUsed, "pass-used")
	bindMail(b, &s.MailFactorRemoved, "factor-removed")
	bindMail(b, &s.MailOrderChanged, "order-changed")
	bindMail(b, &s.MailFrozen, "frozen")
	bindMail(b, &s.MailFreezeLifted, "freeze-lifted")
	bindMail(b, &s.MailAddressRestored, "address-restored")
	bindMail(b, &s.MailRegisteredChanged, "registered-changed")
	bindMail(b, &s.MailEnforcement, "enforcement")
	bindMail(b, &s.MailPasswordChanged, "password-changed")
	bindMail(b, &s.MailPasswordResetLink, "password-reset-link")
	bindMail(b, &s.MailReenrolTicket, "reenrol-ticket")
	if b.err != nil {
		return nil, b.err
	}

	for _, lang := range Langs() {
		if s.fallbacks[lang], err = s.Error.Bytes(Frame{Lang: lang}, ErrorView{}); err != nil {
			return nil, fmt.Errorf("pre-render error page: %w", err)
		}
	}
	return s, nil
}

// T returns the sentence of key in lang; args are name, value pairs for its placeholders:
//
//	set.T(lang, templates.MsgResendWait, "seconds", 47)
func (s *Set) T(lang Lang, key string, args ...any) string {
	return s.catalogs[frameLang(Frame{Lang: lang})].text(key, args...)
}

// Flash returns the banner of one of the Flash keys, or nil for any other text, so that a cookie can only
// ever choose among our own sentences.
func (s *Set) Flash(lang Lang, key string) *Flash {
	tone, ok := flashTones()[key]
	if !ok {
		return nil
	}
	flash := &Flash{Tone: tone, Title: s.T(lang, key)}
	c := s.catalogs[frameLang(Frame{Lang: lang})]
	if body, ok := c[key+".more"]; ok {
		flash.Body = body
	}
	return flash
}

// EventKinds names the groups of audit events, by the first part of their codes, for the filter of the list.
func (s *Set) EventKinds(lang Lang, selected string) []Option {
	c := s.catalogs[frameLang(Frame{Lang: lang})]
	options := make([]Option, 0, 12)
	for _, kind := range []string{"signin", "session", "2fa", "device", "password", "account", "customer", "user_group", "role", "settings", "client", "key", "token", "audit"} {
		options = append(options, Option{Value: kind, Label: label(c, "event_kind.", kind), Selected: kind == selected})
	}
	return options
}

// RoleLabel names an operator's role for people; a role without a name is returned as it is.
func (s *Set) RoleLabel(lang Lang, role string) string {
	return label(s.catalogs[frameLang(Frame{Lang: lang})], "role.", role)
}

// ReasonLabel says for people why something in the audit log went as it went; what somebody typed is returned as it is.
func (s *Set) ReasonLabel(lang Lang, reason string) string {
	return label(s.catalogs[frameLang(Frame{Lang: lang})], "audit_reason.", reason)
}

// KindLabels names kinds of factor for people, as one text.
func (s *Set) KindLabels(lang Lang, kinds []string) string {
	return kindLabels(s.catalogs[frameLang(Frame{Lang: lang})], kinds)
}

// CountryLabel names a country by its ISO 3166 code; a country without a name is returned as its code.
func (s *Set) CountryLabel(lang Lang, country string) string {
	return label(s.catalogs[frameLang(Frame{Lang: lang})], "country.", country)
}

// Fallback is the error page for the moment when nothing else can be rendered.
func (s *Set) Fallback(lang Lang) []byte { return s.fallbacks[frameLang(Frame{Lang: lang})] }

// Brand returns the brand with its defaults filled in.
func (s *Set) Brand() Brand { return s.brand }

func label(c catalog, prefix, code string) string {
	if text, ok := c[prefix+code]; ok {
		return text
	}
	return code
}

// binder binds pages and keeps the first error.
type binder struct {
	set   *Set
	pages map[Lang]*template.Template
	err   error
}

func newBinder(s *Set) (*binder, error) {
	b := &binder{set: s, pages: map[Lang]*template.Template{}}
	for _, lang := range Langs() {
		base, err := template.New("base").Option("missingkey=error").Funcs(s.funcs(lang)).
			ParseFS(embedded, "layout/*.html", "partial/*.html")
		if err != nil {
			return nil, fmt.Errorf("parse layouts: %w", err)
		}
		b.pages[lang] = base
	}
	return b, nil
}

// bindPage binds page/<name>.html, which defines "title" and "main", to T inside a layout.
func bindPage[T any](b *binder, page *Page[T], layout, name string) {
	if b.err != nil {
		return
	}
	page.layout, page.brand, page.byLang = layout, b.set.brand, map[Lang]*template.Template{}
	for lang, base := range b.pages {
		t, err := template.New("base").Option("missingkey=error").Funcs(b.set.funcs(lang)).ParseFS(embedded, "page/"+name+".html")
		if err == nil {
			err = takeReached(t, base, layout)
		}
		if err != nil {
			b.err = fmt.Errorf("parse page %s: %w", name, err)
			return
		}
		page.byLang[lang] = t
		var zero T
		if _, err := page.Bytes(Frame{Lang: lang}, zero); err != nil {
			b.err = fmt.Errorf("page %s: %w", name, err)
			return
		}
	}
}

// bindMail binds mail/<name>.txt and mail/<name>.html to T. The subject is the sentence mail.<name>.subject.
func bindMail[T any](b *binder, mail *Mail[T], name string) {
	if b.err != nil {
		return
	}
	mail.subject, mail.brand, mail.catalogs = "mail."+strings.ReplaceAll(name, "-", "_")+".subject", b.set.brand, b.set.catalogs
	mail.text, mail.html = map[Lang]*texttemplate.Template{}, map[Lang]*template.Template{}
	for _, lang := range Langs() {
		funcs := b.set.funcs(lang)
		text, err := texttemplate.New("base").Option("missingkey=error").Funcs(funcs).
			ParseFS(embedded, "mail/layout.txt", "mail/"+name+".txt")
		if err != nil {
			b.err = fmt.Errorf("parse mail %s: %w", name, err)
			return
		}
		html, err := template.New("base").Option("missingkey=error").Funcs(funcs).
			ParseFS(embedded, "mail/layout.html", "mail/"+name+".html")
		if err != nil {
			b.err = fmt.Errorf("parse mail %s: %w", name, err)
			return
		}
		mail.text[lang], mail.html[lang] = text, html
		var zero T
		if _, err := mail.Build(lang, zero); err != nil {
			b.err = fmt.Errorf("mail %s: %w", name, err)
			return
		}
	}
}

// funcs are the functions of the templates in one language.
func (s *Set) funcs(lang Lang) template.FuncMap {
	c := s.catalogs[lang]
	return template.FuncMap{
		// What applications learn and may do.
		"scope":     func(name string) string { return scopeName(c, name) },
		"scopeMore": func(name string) string { return scopeMore(c, name) },
		"scopes":    func(names []string) []string { return scopeNames(c, names) },

		"t":        c.text,
		"event":    func(code string) string { return label(c, "event.", code) },
		"activity": func(code string, done bool) string { return activity(c, code, done) },
		"browser":  func(name string) string { return browser(c, name) },
		"around":   around,
		"message":  func(kind string) string { return label(c, "message.", kind) },
		"kind":     func(kind string) string { return label(c, "kind.", kind) },
		"kinds":    func(kinds []string) string { return kindLabels(c, kinds) },
		"days":     func(n int) string { return trustDays(c, n) },
		"surface": func(id, name string) string {
			if name != "" {
				return name
			}
			return label(c, "surface.", id)
		},
		"asset":         s.assets.path,
		"grouped":       Grouped,
		"initial":       initial,
		"chosen":        chosen,
		"kindIcon":      func(kind string) string { return kindIcons[kind] },
		"icon":          drawIcon(),
		"langURL":       func(path, lang string) string { return langURL(path, Lang(lang)) },
		"dict":          dict,
		"field":         field,
		"summary":       summary,
		"summaryOf":     summaryOf,
		"summaryIn":     func(errs map[string]string, order []string) []summaryItem { return summary(errs, order...) },
		"crumbs":        crumbs,
		"accountCrumbs": func(who AccountRef, page string) []crumbItem { return accountCrumbs(c, who, page) },
		"navGroups":     func(o *OperatorFrame) []navGroup { return navGroups(c, o) },
		"passwordHint": func(least int) string {
			if least < 1 {
				return ""
			}
			return c.text("admin.account.password_hint", "min", least)
		},
		"join": strings.Join,
	}
}

// dict gives a partial its arguments: name, value pairs.
func dict(pairs ...any) (map[string]any, error) {
	if len(pairs)%2 != 0 {
		return nil, fmt.Errorf("dict: odd number of arguments")
	}
	m := make(map[string]any, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("dict: argument %d is not a name", i)
		}
		m[name] = pairs[i+1]
	}
	return m, nil
}

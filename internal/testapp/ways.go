package testapp

import (
	"fmt"
	"hash/crc32"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/demo"
	"github.com/futakagi/futakagi/mfa/webauthntest"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
)

// Way is a way through a sign-in: a row of the table of amr and acr.
type Way string

// The ways. All but the passkeys that verify their user begin with the password; those do so where the sign-in knows the person
// already, or where the passkey is yet to be made.
const (
	ByPassword      Way = "password"
	ByDevice        Way = "trusted device"
	ByEmail         Way = "email code"
	BySMS           Way = "SMS code"
	ByApp           Way = "authenticator app"
	ByBackup        Way = "backup code"
	ByKey           Way = "security key" // is touched and verifies nobody
	ByPasskey       Way = "passkey"      // verifies its user and stays where it was made
	BySyncedPasskey Way = "synced passkey"
)

// Pause is how long people take before each proof.
const Pause = 7 * time.Second

// Method is what the way proves besides the password.
func (w Way) Method() signin.Method {
	switch w {
	case ByEmail:
		return signin.Email
	case BySMS:
		return signin.SMS
	case ByApp:
		return signin.TOTP
	case ByBackup:
		return signin.Backup
	case ByKey, ByPasskey, BySyncedPasskey:
		return signin.Passkey
	default:
		return ""
	}
}

// newKey makes what the way's passkeys are kept in.
func (w Way) newKey() *webauthntest.Authenticator {
	synced := w == BySyncedPasskey
	return &webauthntest.Authenticator{
		Origin: PasskeyOrigin, Counts: w == ByKey, Verifies: w != ByKey, Discovers: w != ByKey, BackupEligible: synced, BackedUp: synced,
	}
}

// Key is the authenticator of an account's way.
func (a *App) Key(login string, way Way) *webauthntest.Authenticator {
	owner := login + " by " + string(way)
	if a.Keys[owner] == nil {
		a.Keys[owner] = way.newKey()
	}
	return a.Keys[owner]
}

// PhoneNumber is where an account gets its codes by SMS, as people type it.
func PhoneNumber(login string) string {
	return fmt.Sprintf("0901%07d", crc32.ChecksumIEEE([]byte(login))%10_000_000)
}

// e164 is that number as messages have it.
func e164(login string) string { return "+81" + PhoneNumber(login)[1:] }

// AddAccount makes an account with the demo's password and nothing set up.
func (a *App) AddAccount(t testing.TB, kind, login, twoFactor string) store.Account {
	t.Helper()
	hash, err := a.Hasher.Hash(t.Context(), demo.Password)
	if err != nil {
		t.Fatal(err)
	}
	in := account.NewAccount{
		Kind: kind, LoginID: login, DisplayName: login, Role: account.RoleAdministrator, RegisteredEmail: login + "@example.jp",
		TwoFactor: twoFactor, Password: account.PasswordHash(hash),
	}
	if kind == account.KindStore {
		in.Role, in.UserGroupID = account.RoleBuyer, *a.Account(t, "tanaka").UserGroupID
	}
	accounts, err := account.New(account.Config{DB: a.DB, Hasher: a.Hasher, Now: a.Clock.Now, Logger: a.logger})
	if err != nil {
		t.Fatal(err)
	}
	var row store.Account
	err = a.DB.InTx(t.Context(), func(tx *store.Tx) error {
		row, err = accounts.Create(t.Context(), tx, in)
		return err
	})
	if err != nil {
		t.Fatalf("add account %s: %v", login, err)
	}
	return row
}

// Account reads an account's row.
func (a *App) Account(t testing.TB, login string) store.Account {
	t.Helper()
	for _, kind := range []string{account.KindStore, account.KindOperator} {
		row, err := a.DB.Read().GetAccountByLogin(t.Context(), store.GetAccountByLoginParams{Kind: kind, LoginKey: login})
		if err == nil {
			return row
		}
	}
	t.Fatalf("no account %s", login)
	return store.Account{}
}

// Walk is a sign-in of one person by one way.
type Walk struct {
	// Trust asks, with the second factor, that this browser be trusted.
	Trust bool

	app          *App
	t            testing.TB
	b            *Browser
	login        string
	way          Way
	mails, texts int // what the person had got before
}

// Walk begins nothing yet: Step goes on from whatever page the sign-in is at.
func (a *App) Walk(t testing.TB, b *Browser, login string, way Way) *Walk {
	return &Walk{
		app: a, t: t, b: b, login: login, way: way,
		mails: len(a.Mail.Mails(FactorAddress(login))), texts: len(a.SMS.Texts(e164(login))),
	}
}

// SignInBy goes through a sign-in by one way, setting up its factor if the sign-in asks for that. It returns the answer that ends
// it, or the page where the way leads no further: one that asks for something else.
func (a *App) SignInBy(t testing.TB, b *Browser, start, login string, way Way) Page {
	t.Helper()
	return a.Walk(t, b, login, way).From(b.Open(start))
}

// From goes on from a page as far as the way leads.
func (w *Walk) From(p Page) Page {
	w.t.Helper()
	for range 20 {
		next, ok := w.Step(p)
		if !ok {
			return p
		}
		p = next
	}
	w.t.Fatalf("sign-in by %s goes in circles at %s", w.way, p.URL)
	return p
}

// Step does what a page asks for and returns the one after it. Ok is false where the way has no answer.
func (w *Walk) Step(p Page) (next Page, ok bool) {
	w.t.Helper()
	if p.Status != 200 {
		return p, false
	}
	method := string(w.way.Method())
	const setUp, challenge = "/signin/two-factor", "/signin/challenge"
	switch path := p.URL.Path; {
	case path == "/signin":
		return w.begin(p), true
	case path == setUp && offers(p, method):
		return w.submit(p, url.Values{"method": {method}}), true
	case path == setUp+"/"+method:
		w.prepare()
		return w.setUp(p), true
	case path == "/signin/backup-codes":
		w.app.BackupCodes[w.login] = codesOn(p)
		return w.submit(p, url.Values{"saved": {"yes"}}), true
	case strings.HasPrefix(path, challenge) && method != "":
		own := challenge + "/" + method
		if path != own {
			p = w.b.Open(own + "?flow=" + p.Flow())
		}
		if p.Status != 200 || p.URL.Path != own {
			return p, false
		}
		return w.prove(p), true
	}
	return p, false
}

func (w *Walk) submit(p Page, form url.Values) Page {
	w.t.Helper()
	if w.Trust {
		form.Set("trust_device", "yes")
	}
	return w.b.Submit(p.URL.RequestURI(), form)
}

// begin answers the login page.
func (w *Walk) begin(p Page) Page {
	w.t.Helper()
	w.app.Clock.Advance(Pause)
	if key := w.app.Key(w.login, w.way); key.Discovers && len(key.Passkeys) > 0 {
		return w.credential("/signin/passkey", p, key.Get)
	}
	return w.submit(p, url.Values{"username": {w.login}, "password": {demo.Password}})
}

// credential lets an authenticator answer.
func (w *Walk) credential(path string, p Page, do func([]byte, ...webauthntest.Tamper) ([]byte, error)) Page {
	w.t.Helper()
	query := ""
	if flow := p.Flow(); flow != "" {
		query = "?flow=" + flow
	}
	options := w.b.Post(path+"/options"+query, nil)
	answer, err := do([]byte(options.Body))
	if err != nil {
		w.t.Fatalf("%s with options %d %s: %v", w.way, options.Status, options.Body, err)
	}
	form := url.Values{"credential": {string(answer)}, "name": {string(w.way)}}
	if w.Trust {
		form.Set("trust_device", "yes")
	}
	return w.b.Submit(path+query, form)
}

// prepare forgets what had come before.
func (w *Walk) prepare() {
	w.mails, w.texts = len(w.app.Mail.Mails(FactorAddress(w.login))), len(w.app.SMS.Texts(e164(w.login)))
}

// setUp goes through the page that sets the way's factor up, inside a sign-in or among the person's own settings.
func (w *Walk) setUp(p Page) Page {
	w.t.Helper()
	here := p.URL.RequestURI()
	pause := func() { w.app.Clock.Advance(Pause) }
	switch w.way {
	case ByEmail:
		address := FactorAddress(w.login)
		w.b.Submit(here, url.Values{"do": {"send"}, "email": {address}})
		code := w.app.Code(w.t, address, w.mails)
		pause()
		return w.submit(p, url.Values{"do": {"verify"}, "email": {address}, "code": {code}})
	case BySMS:
		form := url.Values{"do": {"send"}, "country": {"JP"}, "tel": {PhoneNumber(w.login)}}
		w.b.Submit(here, form)
		form.Set("do", "verify")
		form.Set("code", w.app.TextCode(w.t, e164(w.login), w.texts))
		pause()
		return w.submit(p, form)
	case ByApp:
		app := Scan(w.t, p.Body)
		w.app.Apps[w.login] = app
		pause()
		return w.submit(p, url.Values{"do": {"verify"}, "code": {app.Fresh(w.app.Clock)}})
	default:
		pause()
		return w.credential(p.URL.Path, p, w.app.Key(w.login, w.way).Create)
	}
}

// prove answers the page that asks for the way's factor.
func (w *Walk) prove(p Page) Page {
	w.t.Helper()
	code := ""
	switch w.way {
	case ByEmail:
		code = w.app.Code(w.t, FactorAddress(w.login), w.mails)
	case BySMS:
		code = w.app.TextCode(w.t, e164(w.login), w.texts)
	}
	w.app.Clock.Advance(Pause)
	switch w.way {
	case ByApp:
		code = w.app.Apps[w.login].Fresh(w.app.Clock)
	case ByBackup:
		codes := w.app.BackupCodes[w.login]
		code, w.app.BackupCodes[w.login] = codes[0], codes[1:]
	case ByKey, ByPasskey, BySyncedPasskey:
		return w.credential(p.URL.Path, p, w.app.Key(w.login, w.way).Get)
	}
	return w.submit(p, url.Values{"do": {"verify"}, "code": {code}})
}

var shownCode = regexp.MustCompile(`<li>([0-9A-Za-z-]{8,})</li>`)

// codesOn reads the backup codes that a page shows.
func codesOn(p Page) []string {
	var codes []string
	for _, m := range shownCode.FindAllStringSubmatch(p.Body, -1) {
		codes = append(codes, m[1])
	}
	return codes
}

// Equip sets up what ways need for an account: the first inside a sign-in, if that asks for it or has it already, the others among
// the person's own settings.
func (a *App) Equip(t testing.TB, login string, ways ...Way) {
	t.Helper()
	home := "/account/security"
	if a.Account(t, login).Kind == account.KindOperator {
		home = "/admin/security"
	}
	b := a.NewBrowser(t)
	if p := a.SignInBy(t, b, home, login, ways[0]); p.Status != 200 || p.URL.Path != home {
		t.Fatalf("sign-in of %s by %s: %d %s", login, ways[0], p.Status, p.URL)
	}
	for _, way := range ways {
		if a.has(t, login, way) {
			continue
		}
		p := a.Walk(t, b, login, way).setUp(b.Open(home + "/" + string(way.Method())))
		if p.URL.Path == home+"/backup-codes" {
			a.BackupCodes[login] = codesOn(p)
			p = b.Submit(p.URL.RequestURI(), url.Values{"saved": {"yes"}})
		}
		if p.Status != 200 || !strings.HasPrefix(p.URL.Path, home) || !a.has(t, login, way) {
			t.Fatalf("set-up of %s for %s: %d %s\n%s", way, login, p.Status, p.URL, p.Body)
		}
	}
}

// has reports whether an account has what a way needs.
func (a *App) has(t testing.TB, login string, way Way) bool {
	t.Helper()
	if way.Method() == signin.Passkey {
		return len(a.Key(login, way).Passkeys) > 0
	}
	factors, err := a.DB.Read().ListFactors(t.Context(), a.Account(t, login).ID)
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(factors, func(f store.Factor) bool { return f.Kind == string(way.Method()) })
}

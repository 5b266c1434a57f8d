package testapp_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/mfa/webauthntest"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
)

// newcomer adds an account with nothing set up that uses the fixtures' password.
func newcomer(t *testing.T, a *testapp.App, kind, login string) store.Account {
	t.Helper()
	model := accountOf(t, a, "sato")
	in := account.NewAccount{
		Kind: kind, LoginID: login, DisplayName: "新規 " + login, Role: account.RoleAdministrator, RegisteredEmail: login + "@example.jp",
		TwoFactor: account.TwoFactorUse, Password: account.PasswordHash(model.PasswordHash),
	}
	if kind == account.KindStore {
		in.Role, in.UserGroupID = account.RoleBuyer, *model.UserGroupID
	}
	var made store.Account
	inTx(t, a, func(tx *store.Tx) (err error) {
		made, err = accounts(t, a).Create(t.Context(), tx, in)
		return err
	})
	return made
}

// allowEverything lets operators use every method, as customers may.
func allowEverything(t *testing.T, a *testapp.App) {
	t.Helper()
	policies, err := a.Admin.SurfacePolicies(t.Context(), admin.System())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range policies {
		p.Allowed, p.Level = signin.FactorMethods(), signin.Level2FAEmail
		if _, err := a.Admin.SetSurfacePolicy(t.Context(), admin.System(), p); err != nil {
			t.Fatal(err)
		}
	}
}

// homeOf is the page of a person's own security settings.
func homeOf(kind string) string {
	if kind == account.KindOperator {
		return "/admin/security"
	}
	return "/account/security"
}

// person is somebody who has set up everything there is.
type person struct {
	account store.Account
	// home is the page of their settings, b a browser that is signed in and has proved everything a moment ago.
	home string
	b    *testapp.Browser
	// address and phone are where codes go, the phone as it was typed.
	address, phone string
	app            *testapp.Authenticator
	keys           []*webauthntest.Authenticator
	// undo is the ticket that takes the change of their address back.
	undo string
	// session is another of their sessions; passkeys and devices are what they have.
	session  store.SessionID
	passkeys []store.Passkey
	devices  []store.TrustedDevice
}

func newKey() *webauthntest.Authenticator {
	return &webauthntest.Authenticator{
		Origin: testapp.PasskeyOrigin, Verifies: true, Discovers: true, BackupEligible: true, BackedUp: true,
	}
}

// answer lets an authenticator answer what a page's script would ask for.
func answerTo(t *testing.T, b *testapp.Browser, path string, do func([]byte, ...webauthntest.Tamper) ([]byte, error)) string {
	t.Helper()
	p := b.Post(path, nil)
	if p.Status != http.StatusOK {
		t.Fatalf("%s: %d to %s\n%s", path, p.Status, p.Location(), p.Body)
	}
	credential, err := do([]byte(p.Body))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return string(credential)
}

// e164 is a phone number of Japan as it is stored.
func e164(phone string) string { return "+81" + strings.TrimPrefix(phone, "0") }

// settle goes through a set-up form and wants it to end on the person's settings.
func (p *person) settle(t *testing.T, what string, got testapp.Page) {
	t.Helper()
	if got.Status != http.StatusOK || !strings.HasPrefix(got.URL.Path, p.home) || got.URL.Path == p.home+"/"+what {
		t.Fatalf("set-up of %s by %s ends at %d %s\n%s", what, p.account.LoginID, got.Status, got.URL, got.Body)
	}
}

// everythingSetUp adds an account, and sets up in its pages whatever there is: mail, which is then changed, a phone, an app, two
// passkeys, backup codes, and for customers two trusted devices. The number keeps phones apart.
func everythingSetUp(t *testing.T, a *testapp.App, kind, login string, number int) *person {
	t.Helper()
	p := &person{
		account: newcomer(t, a, kind, login), home: homeOf(kind), b: a.NewBrowser(t),
		address: login + "-new@example.jp", phone: fmt.Sprintf("0901234%04d", number), keys: []*webauthntest.Authenticator{newKey(), newKey()},
	}
	p.settle(t, "everything", a.SignIn(t, p.b, p.home, login))

	p.b.Submit(p.home+"/sms", value("do", "send", "country", "JP", "tel", p.phone))
	p.settle(t, "sms", p.b.Submit(p.home+"/sms", value("do", "verify", "country", "JP", "tel", p.phone, "code", a.TextCode(t, e164(p.phone), 0))))
	p.app = testapp.Scan(t, p.b.Get(p.home+"/totp").Body)
	p.settle(t, "totp", p.b.Submit(p.home+"/totp", value("do", "verify", "code", p.app.Fresh(a.Clock))))
	for i, key := range p.keys {
		credential := answerTo(t, p.b, p.home+"/passkey/options", key.Create)
		p.settle(t, "passkeys", p.b.Submit(p.home+"/passkey", value("credential", credential, "name", fmt.Sprint("鍵", i+1))))
	}
	p.b.Submit(p.home+"/email", value("do", "send", "email", p.address))
	p.settle(t, "email", p.b.Submit(p.home+"/email", value("do", "verify", "email", p.address, "code", a.Code(t, p.address, 0))))
	p.undo = undoTicketOf(t, a, testapp.FactorAddress(login))

	start := p.home
	for i := range 2 {
		b := a.NewBrowser(t)
		sent := len(a.Mail.Mails(p.address))
		page := a.Password(t, b, start, login)
		page = b.Submit(page.URL.RequestURI(), value("do", "verify", "code", a.Code(t, p.address, sent), "trust_device", "yes"))
		if page.URL.Path != p.home {
			t.Fatalf("sign-in %d of %s ends at %d %s", i, login, page.Status, page.URL)
		}
	}
	p.look(t, a)
	return p
}

func undoTicketOf(t *testing.T, a *testapp.App, to string) string {
	t.Helper()
	m := undoLink.FindStringSubmatch(mailOf(t, a, to, "メールアドレスが変更されました"))
	if m == nil {
		t.Fatalf("no link came to %s", to)
	}
	return m[2]
}

// look reads the person's rows.
func (p *person) look(t *testing.T, a *testapp.App) {
	t.Helper()
	q, now := a.DB.Read(), a.Clock.Now()
	acc, err := q.GetAccount(t.Context(), p.account.ID)
	if err != nil {
		t.Fatal(err)
	}
	p.account = acc
	if p.passkeys, err = q.ListPasskeys(t.Context(), acc.ID); err != nil || len(p.passkeys) != len(p.keys) {
		t.Fatalf("%s has %d passkeys, %v", acc.LoginID, len(p.passkeys), err)
	}
	if p.devices, err = q.ListTrustedDevices(t.Context(), store.ListTrustedDevicesParams{AccountID: acc.ID, Now: now}); err != nil {
		t.Fatal(err)
	}
	if len(p.devices) != 2 && acc.Kind == account.KindStore {
		t.Fatalf("%s has %d devices", acc.LoginID, len(p.devices))
	}
	sessions, err := q.ListSessions(t.Context(), store.ListSessionsParams{
		AccountID: acc.ID, Now: now, IdleSince: now.Add(-time.Hour), CredentialEpoch: acc.CredentialEpoch,
	})
	if err != nil || len(sessions) != 3 {
		t.Fatalf("%s has %d sessions, %v", acc.LoginID, len(sessions), err)
	}
	for _, s := range sessions {
		p.session = max(p.session, s.ID) // ids grow with time: the first one is that of b
	}
}

// calm forgets all wrong guesses, so that the next ones are looked at.
func (a *watched) calm(t *testing.T) {
	t.Helper()
	rows, err := a.db.Query("SELECT key FROM throttles")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var keys []string
	for rows.Next() {
		var key string
		if err := rows.Scan(&key); err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	inTx(t, a.App, func(tx *store.Tx) error {
		for _, key := range keys {
			if err := tx.ClearThrottle(t.Context(), key); err != nil {
				return err
			}
		}
		return nil
	})
}

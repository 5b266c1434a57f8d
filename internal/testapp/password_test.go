package testapp_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/store"
)

const newPassword = "another good passphrase"

// forgetful puts the accounts of the tests into all the states that nobody may learn of: sato exists, suzuki is disabled, tanaka
// has no address, and nobody is nobody.
func forgetful(t *testing.T, a *testapp.App) {
	t.Helper()
	disable(t, a, "suzuki")
	inTx(t, a, func(tx *store.Tx) error {
		p := accountOf(t, a, "tanaka")
		_, err := tx.UpdateAccountProfile(t.Context(), store.UpdateAccountProfileParams{
			ID: p.ID, DisplayName: p.DisplayName, SearchKey: p.SearchKey, Role: p.Role, Now: a.Clock.Now(),
		})
		return err
	})
}

func TestI9_ForgotTellsNothing(t *testing.T) {
	t.Parallel()
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		forgetful(t, a)
		b := a.NewBrowser(t)
		try := func(login string) string {
			p := b.Post("/password/forgot", value("username", login))
			return answer(p, login) + answer(b.Follow(p), login)
		}
		want := try("nobody")
		if !strings.HasPrefix(want, "303 ") || !strings.Contains(want, "200 ") {
			t.Fatalf("answer to an unknown login ID:\n%s", want)
		}
		for _, login := range []string{"sato", "suzuki", "tanaka", "operator", "not a login ID"} {
			if diff := cmp.Diff(want, try(login)); diff != "" {
				t.Errorf("%s differs from unknown:\n%s", login, diff)
			}
		}
		if link := a.Link(t, testapp.RegisteredAddress("sato"), 0); !strings.HasPrefix(link, a.URL+"/password/reset?ticket=") {
			t.Errorf("link %s", link)
		}
	})
}

// Whoever has the mailbox gets a new password, and no further: the second factor is asked for as ever.
func TestI18_MailboxAloneSignsNobodyIn(t *testing.T) {
	t.Parallel()
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		rp := a.RelyingParty(t, "store")
		b := a.NewBrowser(t)
		start := b.Open(rp.AuthorizeURL())
		if !strings.Contains(start.Body, `href="/password/forgot?flow=`+start.Flow()) {
			t.Error("the sign-in page does not lead to the form and back")
		}
		done := a.ResetPassword(t, b, "sato", newPassword)
		if done.URL.Path != "/password/done" || done.Status != http.StatusOK {
			t.Fatalf("reset: %d %s", done.Status, done.URL)
		}
		for _, c := range b.Cookies() {
			if !strings.HasPrefix(c.Name, "__Host-futakagi-flow-") {
				t.Errorf("the browser has %s", c.Name)
			}
		}
		for _, path := range []string{"/account/security", "/account/security/password", "/signin/continue?flow=" + start.Flow()} {
			if p := b.Open(path); p.URL.Path != "/signin" {
				t.Errorf("%s leads to %d %s", path, p.Status, p.URL)
			}
		}
		// The sign-in that was begun before goes on with the new password, as far as the second factor.
		if p := b.Submit(start.URL.RequestURI(), value("username", "sato", "password", "futakagi-demo")); p.Status != http.StatusUnprocessableEntity {
			t.Errorf("the former password: %d %s", p.Status, p.URL)
		}
		sent := len(a.Mail.Mails(testapp.FactorAddress("sato")))
		p := b.Submit(start.URL.RequestURI(), value("username", "sato", "password", newPassword))
		if p.URL.Path != "/signin/challenge" {
			t.Fatalf("after the new password: %d %s to %s", p.Status, p.URL, p.Location())
		}
		p = b.Submit(p.URL.RequestURI(), value("do", "verify", "code", a.Code(t, testapp.FactorAddress("sato"), sent)))
		claims := rp.Redeem(p.Location().Query().Get("code")).IDToken(t)
		if claims["acr"] != acrEmail {
			t.Errorf("acr is %v", claims["acr"])
		}
		subjects := map[string]bool{}
		for _, to := range []string{testapp.RegisteredAddress("sato"), testapp.FactorAddress("sato")} {
			for _, m := range a.Mail.Mails(to) {
				subjects[to+" "+m.Subject] = true
			}
		}
		for _, to := range []string{testapp.RegisteredAddress("sato"), testapp.FactorAddress("sato")} {
			if !subjects[to+" 【Futakagi】パスワードが変更されました"] {
				t.Errorf("%s was not told: %v", to, subjects)
			}
		}
		if log := a.Log.String(); strings.Contains(log, "ticket=") || strings.Contains(log, newPassword) {
			t.Error("the log holds a secret")
		}
	})
}

// I24: where the link leads depends on the configuration alone.
func TestI24_LinkIsOurs(t *testing.T) {
	t.Parallel()
	a := testapp.New(t)
	for i, h := range hostileHeaders() {
		if i > 0 && i%25 == 0 {
			a.Pass(t, time.Hour) // the network's budget
		}
		headers := map[string]string{"Sec-Fetch-Site": "same-origin"}
		for name, values := range h {
			headers[name] = strings.Join(values, ", ")
		}
		a.Pass(t, 25*time.Hour) // the account's
		n := len(a.Mail.Mails(testapp.RegisteredAddress("sato")))
		if p := a.NewBrowser(t).PostWith("/password/forgot", value("username", "sato"), headers); p.Status != http.StatusSeeOther || p.Header.Get("Location") != "/password/sent" {
			t.Errorf("%v: %d to %s", h, p.Status, p.Header.Get("Location"))
			continue
		}
		if link := a.Link(t, testapp.RegisteredAddress("sato"), n); !strings.HasPrefix(link, a.URL+"/password/reset?ticket=") {
			t.Errorf("%v: the link is %s", h, link)
		}
	}
	for _, e := range events(t, a, "sato") {
		if e.ClientAddress != "127.0.0.1" {
			t.Errorf("audit names %s", e.ClientAddress)
		}
	}
}

func events(t *testing.T, a *testapp.App, login string) []store.AuditEvent {
	t.Helper()
	id := accountOf(t, a, login).ID
	rows, err := a.DB.Read().ListAccountEvents(t.Context(), store.ListAccountEventsParams{AccountID: &id, PageSize: 500})
	if err != nil || len(rows) == 0 {
		t.Fatalf("%d audit rows, %v", len(rows), err)
	}
	return rows
}

// What people typed and got appears nowhere but where it has to (I15).
func TestI15_PasswordsAndLinksStaySecret(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *watched) {
		b := a.NewBrowser(t)
		const typed = "not the password at all"
		b.Submit("/password/forgot", value("username", typed))
		rp := a.RelyingParty(t, "store")
		a.CodeOf(t, b, rp.AuthorizeURL(), "suzuki")
		b.Submit("/account/security/password", value("current", typed, "password", newPassword))
		if p := b.Submit("/account/security/password", value("current", "futakagi-demo", "password", newPassword)); p.URL.Path != "/account/security" {
			t.Fatalf("change: %d %s", p.Status, p.URL)
		}
		b.Submit("/password/forgot", value("username", "sato"))
		link := a.Link(t, testapp.RegisteredAddress("sato"), 0)
		_, secret, _ := strings.Cut(link, "ticket=")
		rows := strings.Join(a.rows(t), "\n")
		for name, text := range map[string]string{"rows": rows, "log": a.Log.String()} {
			for _, s := range []string{typed, newPassword, "futakagi-demo", secret} {
				if strings.Contains(text, s) {
					t.Errorf("the %s hold %q", name, s)
				}
			}
		}
		if !strings.Contains(rows, "password.change") || !strings.Contains(rows, "password.forgot") {
			t.Error("the rows lack what happened")
		}
	})
}

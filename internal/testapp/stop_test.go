package testapp_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/store"
)

var stopLink = regexp.MustCompile(`(?m)^\s*(http\S+/account/stop\?ticket=(\S+))$`)

// stopTicketOf is the link and the ticket in the newest notice of a reset that came to an address.
func stopTicketOf(t *testing.T, a *testapp.App, to string) (link, ticket string) {
	t.Helper()
	m := stopLink.FindStringSubmatch(mailOf(t, a, to, "二要素認証の設定が初期化されました"))
	if m == nil || !strings.HasPrefix(m[1], a.URL+"/account/stop?") {
		t.Fatalf("no link in the mail to %s: %q", to, m)
	}
	return m[1], m[2]
}

// deskResets lets the support desk reset a fixture's account in the console.
func deskResets(t *testing.T, a *testapp.App, desk *testapp.Browser, login string) testapp.Page {
	t.Helper()
	return desk.Submit("/admin/accounts/"+string(accountOf(t, a, login).ID)+"/two-factor/reset", value("reason", "電話で依頼", "identity", "yes"))
}

// The whole story of a support desk that was talked into a reset: the notice's link stops what would follow.
func TestR4_TheNoticesLinkStopsChanges(t *testing.T) {
	t.Parallel()
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		rp := a.RelyingParty(t, "store")
		desk, chief, thief, owner := a.NewBrowser(t), a.NewBrowser(t), a.NewBrowser(t), a.NewBrowser(t)
		a.SignIn(t, desk, "/admin", "support")
		page := "/admin/accounts/" + string(accountOf(t, a, "sato").ID)
		if p := deskResets(t, a, desk, "sato"); p.Status != http.StatusOK || !strings.HasPrefix(p.URL.Path, "/admin/resets/") {
			t.Fatalf("reset: %d %s", p.Status, p.URL)
		}
		link, ticket := stopTicketOf(t, a, "sato-2fa@example.jp")
		registered, other := stopTicketOf(t, a, "sato@example.jp")
		if ticket == other || registered == "" {
			t.Error("two mailboxes share a link")
		}
		// The thief has the password and is at the set-up.
		if p := a.Password(t, thief, rp.AuthorizeURL(), "sato"); p.URL.Path != "/signin/two-factor" {
			t.Fatalf("%d %s", p.Status, p.URL)
		}

		// Opening the link only asks, and another site's form does not press the button.
		if p := owner.Get(link); p.Status != http.StatusOK || !strings.Contains(p.Body, "設定の変更を止めますか？") {
			t.Fatalf("page: %d\n%s", p.Status, p.Body)
		}
		if p := owner.PostWith("/account/stop", value("ticket", ticket), map[string]string{"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}); p.Status != http.StatusForbidden {
			t.Errorf("from another site: %d", p.Status)
		}
		if accountOf(t, a, "sato").Frozen(a.Clock.Now()) {
			t.Fatal("it froze without being asked")
		}
		if p := owner.Submit("/account/stop", value("ticket", ticket)); p.Status != http.StatusOK || p.URL.RequestURI() != "/account/stop/done" {
			t.Fatalf("stop: %d %s", p.Status, p.URL)
		}
		if p := owner.Submit("/account/stop", value("ticket", ticket)); p.URL.RequestURI() != "/account/stop/done" {
			t.Errorf("second press: %d %s", p.Status, p.URL)
		}
		mailOf(t, a, "sato-2fa@example.jp", "設定の変更を止めました")
		mailOf(t, a, "sato@example.jp", "設定の変更を止めました")

		// The thief is out, and finds no set-up when they come back.
		p := a.Password(t, thief, rp.AuthorizeURL(), "sato")
		if p.Status != http.StatusForbidden || !strings.Contains(p.Body, "一時的に止めています") {
			t.Errorf("set-up inside of sign-in: %d %s", p.Status, p.URL)
		}
		if p := thief.Submit("/signin/two-factor/email?flow="+p.Flow(), value("do", "send", "email", "thief@example.com")); p.Status != http.StatusForbidden {
			t.Errorf("a code for a new factor: %d %s", p.Status, p.URL)
		}
		// Staff can do nothing about it, and see why.
		for path, form := range map[string][]string{
			"/two-factor/reset": {"reason", "r", "identity", "yes"}, "/two-factor": {"use", "off", "version", "use"}, "/reset-mail": {"x", ""},
		} {
			if p := desk.Post(page+path, value(form[0], form[1], form[2:]...)); p.Status != http.StatusUnprocessableEntity || !strings.Contains(p.Body, "凍結中です") {
				t.Errorf("%s: %d", path, p.Status)
			}
		}
		body := desk.Get(page + "/two-factor").Body
		if !strings.Contains(body, "凍結中") || !strings.Contains(body, "sa•••••@example.jp") || strings.Contains(body, "凍結を解除する</button>") {
			t.Error("the desk does not see it, or may lift it")
		}
		if p := desk.Post(page+"/two-factor/thaw", value("x", "")); p.Status != http.StatusForbidden {
			t.Errorf("the desk lifts it: %d", p.Status)
		}

		// An administrator lifts it, everybody is told, and the sign-in goes on.
		a.SignIn(t, chief, "/admin", "operator")
		if p := chief.Submit(page+"/two-factor/thaw", value("x", "")); p.Status != http.StatusOK || !strings.Contains(p.Body, "凍結を解除しました") {
			t.Errorf("lift: %d", p.Status)
		}
		mailOf(t, a, "sato@example.jp", "変更できるようになりました")
		if p := a.Password(t, owner, rp.AuthorizeURL(), "sato"); p.Status != http.StatusOK || p.URL.Path != "/signin/two-factor" {
			t.Errorf("set-up after it was lifted: %d %s", p.Status, p.URL)
		}
		kinds := map[string]int{}
		events, err := a.DB.Read().ListAccountEvents(t.Context(), store.ListAccountEventsParams{AccountID: new(accountOf(t, a, "sato").ID), PageSize: 100})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			kinds[e.Type+" "+e.Result+" "+e.ActorName]++
		}
		for _, want := range []string{
			string(audit.SettingsFreeze) + " success ", string(audit.FreezeLift) + " success operator", string(audit.FreezeLift) + " refused support",
			string(audit.FactorReset) + " refused support", string(audit.TwoFactorSet) + " refused support", string(audit.PasswordLink) + " refused support",
		} {
			if kinds[want] != 1 {
				t.Errorf("audit rows of %q: %d", want, kinds[want])
			}
		}
		if log := a.Log.String(); strings.Contains(log, ticket) || !strings.Contains(log, `"route":"/account/stop"`) {
			t.Error("the log holds the ticket, or nothing of the request")
		}
	})
}

// What opens nothing gets one answer; a link works once and for three days, a freeze lasts one; a second reset voids neither.
func TestI19_StopTickets(t *testing.T) {
	t.Parallel()
	a := testapp.New(t)
	desk, b := a.NewBrowser(t), a.NewBrowser(t)
	a.SignIn(t, desk, "/admin", "support")
	deskResets(t, a, desk, "sato")
	_, ticket := stopTicketOf(t, a, "sato-2fa@example.jp")
	_, second := stopTicketOf(t, a, "sato@example.jp")
	resetFactors(t, a, "sato")
	gone := b.Get("/account/stop?ticket=" + strings.Repeat("A", 43))
	if gone.Status != http.StatusNotFound {
		t.Fatal(gone.Status)
	}
	same := func(name, ticket string) {
		t.Helper()
		for _, p := range []testapp.Page{b.Get("/account/stop?ticket=" + ticket), b.Post("/account/stop", value("ticket", ticket))} {
			if p.Status != gone.Status || p.URL.Path == "/account/stop/done" {
				t.Errorf("%s: %d", name, p.Status)
			}
		}
	}
	same("blank", "")
	same("cut", ticket[:42])
	if p := b.Submit("/account/stop", value("ticket", ticket)); p.URL.Path != "/account/stop/done" {
		t.Fatalf("%d %s", p.Status, p.URL)
	}
	a.Pass(t, time.Hour)
	same("used", ticket)
	a.Pass(t, 24*time.Hour)
	if accountOf(t, a, "sato").Frozen(a.Clock.Now()) {
		t.Error("the freeze did not end after a day")
	}
	a.Pass(t, 48*time.Hour)
	same("three days old", second)
}

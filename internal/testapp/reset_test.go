package testapp_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/store"
)

var shownTicket = regexp.MustCompile(`id="ticket">(\d{4} \d{4})<`)

// byTicket makes accounts of the store need a ticket after a reset.
func byTicket(t *testing.T, a *testapp.App) {
	t.Helper()
	_, err := a.Admin.SetEnforcement(t.Context(), admin.System(), []admin.EnforcementChange{{Surface: admin.SurfaceStore, Reenrol: store.ReenrolByTicket}})
	if err != nil {
		t.Fatal(err)
	}
}

// resetFactors resets an account from the command line.
func resetFactors(t *testing.T, a *testapp.App, login string) {
	t.Helper()
	reason := admin.Reason{Text: "電話で依頼", IdentityChecked: true}
	if _, err := a.Admin.ResetFactors(t.Context(), admin.System(), accountOf(t, a, login).ID, reason); err != nil {
		t.Fatal(err)
	}
}

// resetBy resets an account in the console and returns the page that says what was done.
func resetBy(t *testing.T, a *testapp.App, staff *testapp.Browser, login string, pairs ...string) testapp.Page {
	t.Helper()
	form := url.Values{"reason": {"機種変更"}, "identity": {"yes"}}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	p := staff.Submit("/admin/accounts/"+string(accountOf(t, a, login).ID)+"/two-factor/reset", form)
	if p.Status != http.StatusOK || !strings.HasPrefix(p.URL.Path, "/admin/resets/") {
		t.Fatalf("reset of %s: %d %s\n%s", login, p.Status, p.URL, p.Body)
	}
	return p
}

// The case it was born from, with the ticket: a press of a button for staff, and nothing for whoever has only the password.
func TestReenrolByTicket(t *testing.T) {
	t.Parallel()
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		byTicket(t, a)
		staff, b := a.NewBrowser(t), a.NewBrowser(t)
		a.SignIn(t, staff, "/admin", "support")
		done := resetBy(t, a, staff, "sato", "check-callback", "yes", "inquiry", "A-77", "note", "折り返し済み")
		shown := shownTicket.FindStringSubmatch(done.Body)
		if shown == nil || !strings.Contains(done.Body, "sato-2fa@example.jp") || !strings.Contains(done.Body, "sato@example.jp") {
			t.Fatalf("result page:\n%s", done.Body)
		}
		ticket := shown[1]

		// The deliveries follow.
		for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			if p := staff.Open(done.URL.Path); strings.Count(p.Body, "受付済み") == 2 && !strings.Contains(p.Body, "data-refresh") {
				break
			} else if time.Now().After(deadline) {
				t.Fatalf("deliveries:\n%s", p.Body)
			}
		}
		// Shown until the operator says that they have it, and not after.
		if p := staff.Submit("/admin/accounts/"+string(accountOf(t, a, "sato").ID)+"/two-factor/ticket/done", nil); p.Status != http.StatusOK || strings.Contains(p.Body, ticket) {
			t.Errorf("%d %s", p.Status, p.URL)
		}
		if p := staff.Open(done.URL.Path); strings.Contains(p.Body, ticket) {
			t.Error("the ticket is shown again")
		}
		if p := staff.Open("/admin/audit?kind=2fa&q=sato"); !strings.Contains(p.Body, "A-77") || !strings.Contains(p.Body, "折り返し済み") || strings.Contains(p.Body, ticket) {
			t.Errorf("audit log:\n%s", p.Body)
		}

		rp := a.RelyingParty(t, "store")
		p := a.Password(t, b, rp.AuthorizeURL(), "sato")
		if p.URL.Path != "/signin/ticket" || p.Status != http.StatusOK {
			t.Fatalf("%d %s", p.Status, p.URL)
		}
		here := p.URL.RequestURI()
		for _, path := range []string{"/signin/two-factor", "/signin/two-factor/email", "/signin/two-factor/totp", "/signin/challenge", "/signin/continue"} {
			if p := b.Open(path + "?flow=" + p.Flow()); p.URL.Path != "/signin/ticket" {
				t.Errorf("%s leads to %s", path, p.URL)
			}
		}
		for typed, says := range map[string]string{"": "再設定チケットを入力してください。", "123": "再設定チケットは8桁の数字です。", "0000 0000": "再設定チケットが正しくないか、有効期限が切れています。"} {
			if p := b.Submit(here, url.Values{"code": {typed}}); p.Status != http.StatusUnprocessableEntity || !strings.Contains(p.Body, says) {
				t.Errorf("%q: %d\n%s", typed, p.Status, p.Body)
			}
		}
		if p = b.Submit(here, url.Values{"code": {ticket}}); p.URL.Path != "/signin/two-factor" {
			t.Fatalf("with the ticket: %d %s", p.Status, p.URL)
		}
		end := a.Walk(t, b, "sato", testapp.ByEmail).From(p)
		code := end.Location().Query().Get("code")
		if code == "" {
			t.Fatalf("%d %s to %s", end.Status, end.URL, end.Location())
		}
		reply := rp.Redeem(code)
		claims := reply.IDToken(t)
		two, _ := claims["urn:futakagi:2fa"].(map[string]any)
		if two["via"] != "ticket" || two["method"] != "email" || claims["acr"] != acrEmail {
			t.Errorf("claims %v", claims)
		}
		if strings.Contains(a.Log.String(), strings.ReplaceAll(ticket, " ", "")) {
			t.Error("the ticket is in the log")
		}
	})
}

// A ticket can be mailed; then staff never see it, and five wrong tries end it.
func TestReenrolByMailedTicket(t *testing.T) {
	t.Parallel()
	a := testapp.New(t)
	byTicket(t, a)
	staff, b := a.NewBrowser(t), a.NewBrowser(t)
	a.SignIn(t, staff, "/admin", "support")
	mails := len(a.Mail.Mails("sato@example.jp"))
	done := resetBy(t, a, staff, "sato", "handover", "mail")
	if shownTicket.MatchString(done.Body) {
		t.Error("staff see the ticket that is mailed")
	}
	ticket := ""
	for deadline := time.Now().Add(30 * time.Second); ticket == "" && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		for _, m := range a.Mail.Mails("sato@example.jp")[mails:] {
			if found := regexp.MustCompile(`(?m)^\s+(\d{4} \d{4})$`).FindStringSubmatch(m.Text); found != nil {
				ticket = found[1]
			}
		}
	}
	if ticket == "" {
		t.Fatal("no ticket came")
	}
	p := a.Password(t, b, "/account/security", "sato")
	for range 5 {
		b.Submit(p.URL.RequestURI(), url.Values{"code": {"00000000"}})
	}
	if p := b.Submit(p.URL.RequestURI(), url.Values{"code": {ticket}}); p.Status != http.StatusTooManyRequests {
		t.Errorf("after five wrong ones: %d %s", p.Status, p.URL)
	}
	a.Pass(t, 16*time.Minute)
	p = a.Password(t, a.NewBrowser(t), "/account/security", "sato")
	if p.URL.Path != "/signin/ticket" {
		t.Fatal(p.URL)
	}
	if p := b.Submit(p.URL.RequestURI(), url.Values{"code": {ticket}}); p.URL.Path == "/signin/two-factor" {
		t.Error("a ticket was accepted after five wrong tries")
	}
}

// Sign-ins and resets by two operators at the same moment: whatever comes first, everything that rests on the former settings is
// over, and each reset has one audit row.
func TestI11_ResetsBesideSignIns(t *testing.T) {
	t.Parallel()
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		one, two := a.NewBrowser(t), a.NewBrowser(t)
		a.SignIn(t, one, "/admin", "support")
		a.SignIn(t, two, "/admin", "operator")
		rp := a.RelyingParty(t, "store")
		sent := len(a.Mail.Mails(testapp.FactorAddress("sato")))
		b := a.NewBrowser(t)
		p := a.Password(t, b, rp.AuthorizeURL(), "sato")
		code := a.Code(t, testapp.FactorAddress("sato"), sent)
		id := accountOf(t, a, "sato").ID
		var wg sync.WaitGroup
		wg.Go(func() { b.Submit(p.URL.RequestURI(), url.Values{"do": {"verify"}, "code": {code}}) })
		reset := func(staff *testapp.Browser) {
			staff.Post("/admin/accounts/"+string(id)+"/two-factor/reset", url.Values{"reason": {"機種変更"}, "identity": {"yes"}})
		}
		wg.Go(func() { reset(one) })
		wg.Go(func() { reset(two) })
		wg.Wait()
		events, err := a.DB.Read().ListAccountEvents(t.Context(), store.ListAccountEventsParams{AccountID: &id, PageSize: 100})
		if err != nil {
			t.Fatal(err)
		}
		resets := 0
		for _, e := range events {
			if e.Type == "2fa.reset" && e.Result == "success" {
				resets++
			}
		}
		if resets != 2 {
			t.Errorf("%d audit rows of resets, want 2", resets)
		}
		if p := b.Open("/account/security"); p.URL.Path != "/signin" {
			t.Errorf("a session survives: %s", p.URL)
		}
		factors, err := a.DB.Read().ListFactors(t.Context(), id)
		if err != nil || len(factors) != 0 {
			t.Errorf("factors %+v, %v", factors, err)
		}
	})
}

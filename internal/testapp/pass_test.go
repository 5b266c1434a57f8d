package testapp_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/demo"
	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

func issuePass(t *testing.T, a *testapp.App, login string) string {
	t.Helper()
	pass, err := a.Admin.IssuePass(t.Context(), admin.System(), a.Account(t, login).ID, 30, asked)
	if err != nil {
		t.Fatal(err)
	}
	return pass.Code
}

// toPass goes through a sign-in to the page that takes a pass.
func toPass(t *testing.T, a *testapp.App, b *testapp.Browser, start, login string) testapp.Page {
	t.Helper()
	p := a.SignInBy(t, b, start, login, testapp.ByPassword)
	p = b.Open("/signin/challenge/pass?flow=" + p.Flow())
	if p.Status != http.StatusOK || p.URL.Path != "/signin/challenge/pass" {
		t.Fatalf("the page that takes a pass: %d %s", p.Status, p.URL)
	}
	return p
}

// heardOfPass waits for the notice of a pass's use at every address, with the time, the method, and the link that stops what follows.
func heardOfPass(t *testing.T, a *testapp.App, addresses ...string) {
	t.Helper()
	for _, to := range addresses {
		var text string
		for deadline := time.Now().Add(30 * time.Second); text == "" && time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
			for _, m := range a.Mail.Mails(to) {
				if strings.Contains(m.Text, "職員発行のパスコード") {
					text = m.Text
				}
			}
		}
		at := templates.Time(a.Clock.Now(), time.FixedZone("JST", 9*60*60))
		if !strings.Contains(text, at) || !strings.Contains(text, "/account/stop?ticket=") {
			t.Errorf("notice to %s: %q", to, text)
		}
	}
}

func typePass(b *testapp.Browser, p testapp.Page, code string) testapp.Page {
	return b.Submit(p.URL.RequestURI(), url.Values{"code": {code}})
}

// TestAPassLetsOneSignInThrough follows a pass from the operator to the tokens: it takes the place of the factor once, proves nothing,
// changes nothing, and what comes of it ends with the session.
func TestAPassLetsOneSignInThrough(t *testing.T) {
	t.Parallel()
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		rp := a.RelyingParty(t, "store")
		enforceStore(t, a, true)
		pass, b := issuePass(t, a, "sato"), a.NewBrowser(t)
		p := toPass(t, a, b, rp.AuthorizeURL(), "sato")
		if others := b.Open("/signin/challenge/methods?flow=" + p.Flow()); !strings.Contains(others.Body, "/signin/challenge/pass?flow=") {
			t.Error("the other methods do not lead to the pass")
		}
		at := a.Clock.Now()
		p = typePass(b, p, pass)
		code := p.Location().Query().Get("code")
		if code == "" {
			t.Fatalf("the pass: %d %s\n%s", p.Status, p.URL, p.Body)
		}
		tokens := rp.Redeem(code)
		heardOfPass(t, a, "sato-2fa@example.jp", "sato@example.jp")
		saysOnlyPassword(t, tokens.IDToken(t), map[string]any{"method": "pass", "via": "ticket", "verified_at": float64(at.Unix())})
		tokens = rp.Refresh(tokens.Str("refresh_token"))
		if tokens.Status != http.StatusOK {
			t.Fatalf("refresh: %d %s", tokens.Status, tokens.Body)
		}

		// The session is one, and changes nothing (I13); a level is asked for.
		if p := b.Get("/account/security"); p.Status != http.StatusOK {
			t.Errorf("the session's own page: %d", p.Status)
		}
		for _, page := range []string{"/account/security/email", "/account/security/password", "/account/security/backup-codes", rp.AuthorizeURL("acr_values", acrEmail)} {
			p := b.Open(page)
			if !strings.HasPrefix(p.URL.Path, "/signin/challenge") {
				t.Errorf("%s: %d %s", page, p.Status, p.URL)
				continue
			}
			if b.Open("/signin/challenge/pass?flow="+p.Flow()).URL.Path == "/signin/challenge/pass" ||
				strings.Contains(b.Open("/signin/challenge/methods?flow="+p.Flow()).Body, "/signin/challenge/pass") {
				t.Errorf("%s: a pass is offered", page)
			}
		}

		// It was used: neither another browser nor this one comes in by it again.
		for _, again := range []*testapp.Browser{a.NewBrowser(t), b} {
			a.Pass(t, 2*time.Minute) // the cool-down of codes
			p := toPass(t, a, again, rp.AuthorizeURL("prompt", "login"), "sato")
			if p = typePass(again, p, pass); p.Status != http.StatusUnprocessableEntity {
				t.Errorf("a second use: %d %s", p.Status, p.URL)
			}
		}
		a.Pass(t, 23*time.Hour)
		tokens = rp.Refresh(tokens.Str("refresh_token"))
		if tokens.Status != http.StatusOK {
			t.Errorf("refresh within the session: %d %s", tokens.Status, tokens.Body)
		}
		a.Pass(t, time.Hour)
		if r := rp.Refresh(tokens.Str("refresh_token")); r.Status != http.StatusBadRequest {
			t.Errorf("refresh after the session: %d %s", r.Status, r.Body)
		}
	})
}

// TestOfTwoUsesOfAPassOneWins types one pass into two sign-ins at once.
func TestOfTwoUsesOfAPassOneWins(t *testing.T) {
	t.Parallel()
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		rp := a.RelyingParty(t, "store")
		pass := issuePass(t, a, "sato")
		const n = 4
		var browsers [n]*testapp.Browser
		var pages, ends [n]testapp.Page
		for i := range n {
			browsers[i] = a.NewBrowser(t)
			pages[i] = toPass(t, a, browsers[i], rp.AuthorizeURL(), "sato")
		}
		var group sync.WaitGroup
		for i := range n {
			group.Go(func() { ends[i] = typePass(browsers[i], pages[i], pass) })
		}
		group.Wait()
		won := 0
		for _, p := range ends {
			if p.Location().Query().Get("code") != "" {
				won++
			} else if p.Status != http.StatusUnprocessableEntity {
				t.Errorf("a loser got %d %s", p.Status, p.URL)
			}
		}
		if won != 1 {
			t.Errorf("%d came in", won)
		}
	})
}

// TestWhatVoidsAPass holds every end that a pass has besides its use.
func TestWhatVoidsAPass(t *testing.T) {
	t.Parallel()
	a := testapp.New(t)
	rp := a.RelyingParty(t, "store")
	refused := func(t *testing.T, code string) {
		t.Helper()
		a.Pass(t, 2*time.Minute)
		b := a.NewBrowser(t)
		if p := typePass(b, toPass(t, a, b, rp.AuthorizeURL(), "sato"), code); p.Status != http.StatusUnprocessableEntity {
			t.Errorf("it is taken: %d %s", p.Status, p.URL)
		}
	}
	t.Run("five wrong tries", func(t *testing.T) {
		pass := issuePass(t, a, "sato")
		wrong := pass[:len(pass)-1] + string('0'+(pass[len(pass)-1]-'0'+1)%10)
		for i := range 5 {
			b := a.NewBrowser(t) // a new sign-in does not begin a new count
			p := typePass(b, toPass(t, a, b, rp.AuthorizeURL(), "sato"), wrong)
			if spent := strings.Contains(p.Body, "このコードは使えなくなりました"); p.Status != http.StatusUnprocessableEntity || spent != (i == 4) {
				t.Fatalf("try %d: %d, spent %v", i+1, p.Status, spent)
			}
		}
		refused(t, pass)
		// The next one works at once.
		b := a.NewBrowser(t)
		pass = issuePass(t, a, "sato")
		if p := typePass(b, toPass(t, a, b, rp.AuthorizeURL(), "sato"), pass); p.Location().Query().Get("code") == "" {
			t.Errorf("the next pass: %d %s", p.Status, p.URL)
		}
	})
	t.Run("a newer one", func(t *testing.T) {
		pass := issuePass(t, a, "sato")
		newer := issuePass(t, a, "sato")
		if newer != pass {
			refused(t, pass)
		}
	})
	t.Run("time", func(t *testing.T) {
		pass := issuePass(t, a, "sato")
		a.Pass(t, 28*time.Minute)
		refused(t, pass)
	})
	t.Run("another password", func(t *testing.T) {
		pass := issuePass(t, a, "sato")
		if err := a.Admin.SetPassword(t.Context(), admin.System(), a.Account(t, "sato").ID, demo.Password); err != nil {
			t.Fatal(err)
		}
		refused(t, pass)
	})
	t.Run("disabling", func(t *testing.T) {
		pass := issuePass(t, a, "sato")
		for _, off := range []bool{true, false} {
			if _, err := a.Admin.SetDisabled(t.Context(), admin.System(), a.Account(t, "sato").ID, off); err != nil {
				t.Fatal(err)
			}
		}
		refused(t, pass)
	})
	t.Run("a reset", func(t *testing.T) {
		pass := issuePass(t, a, "sato")
		if _, err := a.Admin.ResetFactors(t.Context(), admin.System(), a.Account(t, "sato").ID, asked); err != nil {
			t.Fatal(err)
		}
		a.Equip(t, "sato", testapp.ByEmail)
		refused(t, pass)
	})
}

// TestThePassIsNowhere looks for the code where it must not be: in rows, logs and mails (I15).
func TestThePassIsNowhere(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *watched) {
		rp := a.RelyingParty(t, "store")
		pass, b := issuePass(t, a.App, "sato"), a.NewBrowser(t)
		if p := typePass(b, toPass(t, a.App, b, rp.AuthorizeURL(), "sato"), pass); p.Location().Query().Get("code") == "" {
			t.Fatalf("the pass: %d %s", p.Status, p.URL)
		}
		bare := strings.ReplaceAll(pass, " ", "")
		for _, row := range append(a.rows(t), a.Log.String()) {
			if strings.Contains(row, bare) || strings.Contains(row, pass) {
				t.Errorf("the code is in %.200s", row)
			}
		}
		for _, to := range []string{a.Account(t, "sato").RegisteredEmail, testapp.FactorAddress("sato")} {
			told := false
			for _, m := range a.Mail.Mails(to) {
				told = told || strings.Contains(m.Subject, "ログイン用コード")
				if strings.Contains(m.Text, bare) || strings.Contains(m.Text, pass) || strings.Contains(m.HTML, bare) {
					t.Errorf("the code is in a mail to %s", to)
				}
			}
			if !told {
				t.Errorf("%s was not told", to)
			}
		}
		events, err := a.DB.Read().ListAccountEvents(t.Context(), store.ListAccountEventsParams{AccountID: new(a.Account(t, "sato").ID), PageSize: 20})
		if err != nil {
			t.Fatal(err)
		}
		n := map[string]int{}
		for _, e := range events {
			n[e.Type+" "+e.Result]++
		}
		if n["2fa.pass_issue success"] != 1 || n["signin.factor success"] != 1 {
			t.Errorf("events: %v", n)
		}
	})
}

// TestNoPassWhereItHasNoPlace holds who can have none: operators, accounts that are asked for nothing, and those that have nothing to
// pass by.
func TestNoPassWhereItHasNoPlace(t *testing.T) {
	t.Parallel()
	a := testapp.New(t)
	a.AddAccount(t, account.KindOperator, "clerk", account.TwoFactorUse)
	a.Equip(t, "clerk", testapp.ByApp)
	for login, why := range map[string]string{"clerk": "an operator", "suzuki": "asked for nothing", "tanaka": "nothing set up"} {
		if _, err := a.Admin.IssuePass(t.Context(), admin.System(), a.Account(t, login).ID, 30, asked); err == nil {
			t.Errorf("%s (%s) got a pass", login, why)
		}
	}
	b := a.NewBrowser(t)
	p := a.SignInBy(t, b, "/admin", "clerk", testapp.ByPassword)
	if !strings.HasPrefix(p.URL.Path, "/signin/challenge") {
		t.Fatalf("%d %s", p.Status, p.URL)
	}
	if b.Open("/signin/challenge/pass?flow="+p.Flow()).URL.Path == "/signin/challenge/pass" {
		t.Error("the console takes a pass")
	}
	if p := b.Submit("/signin/challenge/pass?flow="+p.Flow(), url.Values{"code": {"12345678"}}); p.URL.Path == "/admin" || p.Status == http.StatusUnprocessableEntity {
		t.Errorf("posted: %d %s", p.Status, p.URL)
	}
}

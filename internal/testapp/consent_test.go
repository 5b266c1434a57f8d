package testapp_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/client"
	"github.com/futakagi/futakagi/demo"
	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/store"
)

// thirdParty makes one of the fixtures' clients somebody else's.
func thirdParty(t *testing.T, a *testapp.App) *testapp.RelyingParty {
	t.Helper()
	settle(t, a, "plain", client.Settings{
		ThirdParty: true, ClientURI: "https://partner.example/", PolicyURI: "https://partner.example/privacy", TermsURI: "javascript:alert(1)",
	})
	return a.RelyingParty(t, "plain")
}

// shopperWithout is a person who needs nothing but the password.
func shopperWithout(t *testing.T, a *testapp.App, login string) store.Account {
	t.Helper()
	return a.AddAccount(t, account.KindStore, login, store.TwoFactorDontUse)
}

// asksAt opens a request and wants the page that asks.
func asksAt(t *testing.T, b *testapp.Browser, at string) testapp.Page {
	t.Helper()
	p := b.Open(at)
	if p.URL.Path != "/signin/consent" || p.Status != http.StatusOK {
		t.Fatalf("%s: %d %s", at, p.Status, p.URL)
	}
	return p
}

// decide presses one of the page's buttons and returns what the relying party is told.
func decide(t *testing.T, b *testapp.Browser, p testapp.Page, decision string) url.Values {
	t.Helper()
	p = b.Submit(p.URL.RequestURI(), testapp.Decision(p, decision))
	if p.Location().Host != "store.example.jp" {
		t.Fatalf("%s: %d %s", decision, p.Status, p.URL)
	}
	return p.Location().Query()
}

// allowed is what an account allows a client; empty for nothing.
func allowed(t *testing.T, a *testapp.App, id store.AccountID, client string) string {
	t.Helper()
	rows, err := a.DB.Read().ListConsents(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if row.Client.ID == client {
			return row.Consent.Scope
		}
	}
	return ""
}

// TestConsent_IsAskedOnceAndForWhatIsNew follows one person and one application of somebody else's.
func TestConsent_IsAskedOnceAndForWhatIsNew(t *testing.T) {
	t.Parallel()
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		rp, b := thirdParty(t, a), a.NewBrowser(t)
		who := shopperWithout(t, a, "asked")
		p := a.Password(t, b, rp.AuthorizeURL("scope", "openid profile"), who.LoginID)
		if p.URL.Path != "/signin/consent" {
			t.Fatalf("after the password: %d %s", p.Status, p.URL)
		}
		for _, text := range []string{"「plain」", "氏名・ログインID", "asked", "https://partner.example/privacy", "https://partner.example/", "store.example.jp"} {
			if !strings.Contains(p.Body, text) {
				t.Errorf("the page lacks %q", text)
			}
		}
		for _, text := range []string{"メールアドレス", "ログアウト後", "javascript:", "追加"} {
			if strings.Contains(p.Body, text) {
				t.Errorf("the page has %q", text)
			}
		}
		// Nothing came of it yet: nobody is signed in, and nothing is remembered.
		wantNoSession(t, b, rp)
		if got := allowed(t, a, who.ID, "plain"); got != "" {
			t.Errorf("allowed %q", got)
		}
		tokens := rp.Redeem(decide(t, b, p, "allow").Get("code"))
		if tokens.Str("scope") != "openid profile" || allowed(t, a, who.ID, "plain") != "openid profile" {
			t.Errorf("scope %q, allowed %q", tokens.Str("scope"), allowed(t, a, who.ID, "plain"))
		}

		// The same, less, and without a page: no question.
		for _, scope := range []string{"openid profile", "openid"} {
			if q := b.Get(rp.AuthorizeURL("scope", scope, "prompt", "none")).Location().Query(); q.Get("code") == "" {
				t.Errorf("%s: %v", scope, q)
			}
		}
		// More: the page tells what is new, offline access among it (OpenID Connect Core section 11), and refusing it leaves all as it was.
		const more = "openid profile email offline_access"
		if q := b.Get(rp.AuthorizeURL("scope", more, "prompt", "none")).Location().Query(); q.Get("error") != "consent_required" || q.Has("code") {
			t.Errorf("without a page: %v", q)
		}
		p = asksAt(t, b, rp.AuthorizeURL("scope", more))
		if strings.Count(p.Body, "追加") != 2 || !strings.Contains(p.Body, "asked@example.jp") || !strings.Contains(p.Body, "あなたが利用していない間も") {
			t.Errorf("the page does not tell what is new:\n%s", p.Body)
		}
		if q := decide(t, b, p, "deny"); q.Get("error") != "access_denied" || q.Has("code") || q.Get("state") != "state-1" || q.Get("iss") != a.URL {
			t.Errorf("refused: %v", q)
		}
		if got := allowed(t, a, who.ID, "plain"); got != "openid profile" {
			t.Errorf("after the refusal: %q", got)
		}
		tokens = rp.Redeem(decide(t, b, asksAt(t, b, rp.AuthorizeURL("scope", more)), "allow").Get("code"))
		if tokens.Str("refresh_token") == "" || allowed(t, a, who.ID, "plain") != more {
			t.Errorf("scope %q, allowed %q", tokens.Str("scope"), allowed(t, a, who.ID, "plain"))
		}
		if got := rp.Refresh(tokens.Str("refresh_token")); got.Status != http.StatusOK {
			t.Errorf("refresh: %d %s", got.Status, got.Body)
		}
		// What is known is asked again when the request says so; less than before takes nothing back.
		p = asksAt(t, b, rp.AuthorizeURL("scope", "openid", "prompt", "consent"))
		if q := decide(t, b, p, "allow"); q.Get("code") == "" || allowed(t, a, who.ID, "plain") != more {
			t.Errorf("asked again: %v, allowed %q", q, allowed(t, a, who.ID, "plain"))
		}
		// The installation's own applications ask nobody.
		if q := b.Get(a.RelyingParty(t, "store").AuthorizeURL()).Location().Query(); q.Get("code") == "" {
			t.Errorf("own application: %v", q)
		}
		rows := audited(t, a, who.ID)
		if rows["app.consent"] != 3 || rows["app.refuse"] != 1 {
			t.Errorf("audit rows: %v", rows)
		}
	})
}

func wantNoSession(t *testing.T, b *testapp.Browser, rp *testapp.RelyingParty) {
	t.Helper()
	if q := b.Get(rp.AuthorizeURL("prompt", "none")).Location().Query(); q.Get("error") != "login_required" {
		t.Errorf("prompt=none: %v", q)
	}
}

// audited counts an account's audit rows by type.
func audited(t *testing.T, a *testapp.App, id store.AccountID) map[string]int {
	t.Helper()
	rows, err := a.DB.Read().ListAccountEvents(t.Context(), store.ListAccountEventsParams{AccountID: &id, PageSize: 100})
	if err != nil {
		t.Fatal(err)
	}
	n := map[string]int{}
	for _, row := range rows {
		if row.Result == "success" {
			n[row.Type]++
		}
	}
	return n
}

// TestConsent_BelongsToItsSignIn: the decision counts for the sign-in, browser and person that the page was shown to.
func TestConsent_BelongsToItsSignIn(t *testing.T) {
	t.Parallel()
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		rp, b := thirdParty(t, a), a.NewBrowser(t)
		first, second := shopperWithout(t, a, "first"), shopperWithout(t, a, "second")
		p := a.Password(t, b, rp.AuthorizeURL(), first.LoginID)
		here, form := p.URL.RequestURI(), testapp.Decision(p, "allow")
		for name, got := range map[string]testapp.Page{
			"no such flow": b.Post("/signin/consent?flow="+string(store.NewID[store.FlowID]()), form),
		} {
			if got.Status != http.StatusGone {
				t.Errorf("%s: %d to %s", name, got.Status, got.Location())
			}
		}
		if got := a.NewBrowser(t).Post(here, form); got.Status != http.StatusBadRequest {
			t.Errorf("another browser: %d to %s", got.Status, got.Location())
		}
		if got := b.PostWith(here, form, map[string]string{"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}); got.Status != http.StatusForbidden {
			t.Errorf("from another site: %d", got.Status)
		}
		if got := b.Get(here + "&decision=allow"); got.Status != http.StatusOK {
			t.Errorf("by a link: %d", got.Status)
		}
		for _, decision := range []string{"", "yes", "ALLOW"} {
			if got := b.Post(here, testapp.Decision(p, decision)); got.Status != http.StatusUnprocessableEntity || !strings.Contains(got.Body, "許可するかどうか") {
				t.Errorf("decision %q: %d", decision, got.Status)
			}
		}
		if got := b.Post(here, value("decision", "allow", "account", string(second.ID))); got.Status != http.StatusSeeOther || got.Location().Path != "/signin/consent" {
			t.Errorf("the page of somebody else: %d to %s", got.Status, got.Location())
		}
		if got := allowed(t, a, first.ID, "plain"); got != "" {
			t.Fatalf("allowed %q by none of these", got)
		}
		// Allowed, and then somebody else signs in to the same flow: they are asked themselves.
		if got := b.Post(here, form); got.Location().Path != "/signin/continue" {
			t.Errorf("allowed: %d to %s", got.Status, got.Location())
		}
		b.Submit("/signin/cancel?flow="+p.Flow(), url.Values{})
		p = b.Submit("/signin?flow="+p.Flow(), value("username", second.LoginID, "password", demo.Password))
		if p.URL.Path != "/signin/consent" || !strings.Contains(p.Body, string(second.ID)) {
			t.Errorf("somebody else: %d %s", p.Status, p.URL)
		}
		// A page that was left open leads to the page that says so, and the request can be made again.
		a.Pass(t, time.Hour)
		if got := b.Post(p.URL.RequestURI(), testapp.Decision(p, "allow")); got.Status != http.StatusGone {
			t.Errorf("too late: %d", got.Status)
		}
		if q := decide(t, b, a.Password(t, b, rp.AuthorizeURL(), second.LoginID), "allow"); q.Get("code") == "" || allowed(t, a, first.ID, "plain") != "" {
			t.Errorf("again: %v", q)
		}
	})
}

// TestConsent_CanBeTakenBack: by the person and by staff; the application keeps nothing, others keep everything, and it asks again.
func TestConsent_CanBeTakenBack(t *testing.T) {
	t.Parallel()
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		rp, own := thirdParty(t, a), a.RelyingParty(t, "store")
		ctx := t.Context()
		for name, revoke := range map[string]func(b *testapp.Browser, who store.Account) error{
			"person": func(b *testapp.Browser, _ store.Account) error {
				p := b.Open("/account/security")
				if !strings.Contains(p.Body, `href="/account/security/apps/plain/revoke"`) || strings.Contains(p.Body, "apps/store/") {
					t.Errorf("the page lists other applications than those allowed")
				}
				a.Pass(t, 10*time.Minute)
				// The proof is old: it is asked for first, and leads back to a page that asks.
				if p = b.Post("/account/security/apps/plain/revoke", nil); p.Location().Path != "/signin/start" {
					t.Errorf("with an old proof: %d %s", p.Status, p.Location())
				}
				p = a.SignIn(t, b, p.Location().RequestURI(), "leaves-person")
				if p.URL.Path != "/account/security/apps/plain/revoke" || !strings.Contains(p.Body, "連携を解除しますか") {
					return fmt.Errorf("after the proof: %d %s", p.Status, p.URL)
				}
				p = b.Submit(p.URL.Path, url.Values{})
				if p.URL.Path != "/account/security" || !strings.Contains(p.Body, "連携を解除しました") || strings.Contains(p.Body, "/apps/plain/") {
					return fmt.Errorf("taken back: %d %s", p.Status, p.URL)
				}
				for _, id := range []string{"plain", "nobody", "store", "%00", "%ff", "a%2Fb"} {
					if p := b.Post("/account/security/apps/"+id+"/revoke", nil); p.Status != http.StatusNotFound {
						t.Errorf("%s: %d", id, p.Status)
					}
				}
				return nil
			},
			"staff": func(_ *testapp.Browser, who store.Account) error {
				return a.Admin.RevokeConsent(ctx, admin.System(), who.ID, "plain")
			},
		} {
			who, b := shopperWithout(t, a, "leaves-"+name), a.NewBrowser(t)
			tokens := rp.TokensOf(b, who.LoginID)
			code := a.CodeOf(t, b, rp.AuthorizeURL(), who.LoginID)
			others := own.TokensOf(b, who.LoginID)
			if err := revoke(b, who); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if rp.Active(tokens.Str("access_token")) || rp.Refresh(tokens.Str("refresh_token")).Str("error") != "invalid_grant" ||
				a.Userinfo(t, tokens.Str("access_token")).Status == http.StatusOK || rp.Redeem(code).Str("error") != "invalid_grant" {
				t.Errorf("%s: the application keeps something", name)
			}
			if own.Refresh(others.Str("refresh_token")).Status != http.StatusOK || !stillIn(t, b, own) {
				t.Errorf("%s: another application lost something", name)
			}
			asksAt(t, b, rp.AuthorizeURL())
			if n := audited(t, a, who.ID)["app.revoke"]; n != 1 {
				t.Errorf("%s: %d audit rows", name, n)
			}
		}
	})
}

// TestConsent_GoesWithWhatItIsAbout: no consent outlives its client, its person, or the surface it was given on.
func TestConsent_GoesWithWhatItIsAbout(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *watched) {
		ctx := t.Context()
		rp := thirdParty(t, a.App)
		settle(t, a.App, "plain", client.Settings{ThirdParty: true}) // the console takes no client with an address like the one above
		row := func() store.Client {
			c, err := a.DB.Read().GetClient(ctx, "plain")
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		count := func(want int, what string) {
			t.Helper()
			if n := a.count(t, "SELECT count(*) FROM consents"); n != want {
				t.Errorf("%s: %d consents, want %d", what, n, want)
			}
		}
		who, stays := shopperWithout(t, a.App, "goes"), shopperWithout(t, a.App, "stays")
		for _, login := range []string{"goes", "stays"} {
			rp.TokensOf(a.NewBrowser(t), login)
		}
		count(2, "allowed")
		if err := a.Admin.DeleteAccount(ctx, admin.System(), who.ID, who.LoginID); err != nil {
			t.Fatal(err)
		}
		count(1, "account deleted")
		if _, err := a.Admin.SetClientDisabled(ctx, admin.System(), "plain", true); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Admin.SetClientDisabled(ctx, admin.System(), "plain", false); err != nil {
			t.Fatal(err)
		}
		count(1, "client disabled and enabled")
		if allowed(t, a.App, stays.ID, "plain") == "" {
			t.Error("somebody else's consent went")
		}
		move := func(to string) {
			c := row()
			if _, _, err := a.Admin.UpdateClient(ctx, admin.System(), c.ID, c.UpdatedAt, admin.ClientChange{
				Surface: &to, SettingsChange: admin.SettingsChange{TermsURI: new("")}, // nobody can save what the fixture has
			}); err != nil {
				t.Fatal(err)
			}
		}
		move("admin")
		count(0, "moved to another surface")
		move("store")
		if err := a.Provider.ReloadClients(ctx); err != nil {
			t.Fatal(err)
		}
		rp.TokensOf(a.NewBrowser(t), "stays")
		count(1, "allowed again")
		c := row()
		if err := a.Admin.DeleteClient(ctx, admin.System(), c.ID, c.UpdatedAt, c.ID); err != nil {
			t.Fatal(err)
		}
		count(0, "client deleted")
	})
}

// TestConsent_TakenBackBesideSingleSignOn: whatever is signed in to while the consent is taken back, what is left afterwards is either a
// consent with its grants or nothing at all.
func TestConsent_TakenBackBesideSingleSignOn(t *testing.T) {
	t.Parallel()
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		rp, who, b := thirdParty(t, a), shopperWithout(t, a, "races"), a.NewBrowser(t)
		rp.TokensOf(b, who.LoginID)
		for range 4 {
			if q := b.Open(rp.AuthorizeURL()); q.URL.Path == "/signin/consent" {
				decide(t, b, q, "allow")
			}
			codes := make([]string, 8)
			var all sync.WaitGroup
			for i := range codes {
				all.Go(func() { codes[i] = b.Get(rp.AuthorizeURL()).Location().Query().Get("code") })
			}
			all.Go(func() {
				if err := a.Admin.RevokeConsent(t.Context(), admin.System(), who.ID, "plain"); err != nil {
					t.Error(err)
				}
			})
			all.Wait()
			if got := allowed(t, a, who.ID, "plain"); got != "" {
				t.Fatalf("still allowed: %q", got)
			}
			for _, code := range slices.DeleteFunc(codes, func(c string) bool { return c == "" }) {
				if r := rp.Redeem(code); r.Status == http.StatusOK {
					t.Error("a code that was made beside it buys tokens")
				}
			}
		}
	})
}

// TestConsent_StaffSeeAndEndIt: the page of an account lists what it allows, and its forms take that back and sign the person out.
func TestConsent_StaffSeeAndEndIt(t *testing.T) {
	t.Parallel()
	a := testapp.New(t)
	rp, who, b := thirdParty(t, a), shopperWithout(t, a, "seen"), a.NewBrowser(t)
	tokens := rp.TokensOf(b, who.LoginID)
	desk := a.NewBrowser(t)
	a.SignIn(t, desk, "/admin", "operator")
	page := "/admin/accounts/" + string(who.ID)
	p := desk.Open(page)
	if p.Status != http.StatusOK || !strings.Contains(p.Body, page+"/apps/plain/revoke") || !strings.Contains(p.Body, page+"/sessions/end") {
		t.Fatalf("%d %s\n%s", p.Status, p.URL, p.Body)
	}
	if p = desk.Submit(page+"/apps/plain/revoke", url.Values{}); p.URL.Path != page || rp.Active(tokens.Str("access_token")) || strings.Contains(p.Body, "/apps/plain/") {
		t.Errorf("%d %s", p.Status, p.URL)
	}
	if p = desk.Submit(page+"/sessions/end", url.Values{}); p.URL.Path != page || stillIn(t, b, a.RelyingParty(t, "store")) {
		t.Errorf("%d %s", p.Status, p.URL)
	}
}

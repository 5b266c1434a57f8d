package provider_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/futakagi/futakagi/internal/server"
	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/store"
)

// stepUp opens a step-up of suzuki's password session, which then waits for a first factor, and returns its page.
func stepUp(t *testing.T, a *testapp.App, b *testapp.Browser) testapp.Page {
	t.Helper()
	rp := a.RelyingParty(t, "store")
	rp.TokensOf(b, "suzuki")
	p := b.Open(rp.AuthorizeURL("acr_values", "urn:futakagi:acr:2fa-email"))
	if p.Status != http.StatusOK || p.URL.Path != "/signin/two-factor" {
		t.Fatalf("step-up leads to %d %s", p.Status, p.URL)
	}
	return p
}

func signOut(t *testing.T, b *testapp.Browser) {
	t.Helper()
	if p := b.Submit("/logout/confirm", url.Values{"kind": {"store"}}); p.Status != http.StatusOK {
		t.Fatalf("sign-out: %d", p.Status)
	}
}

// TestI11_SignOutEndsSignInsThatRestOnTheSession is the shared computer: whoever comes after must not go on where the last
// person stepped up.
func TestI11_SignOutEndsSignInsThatRestOnTheSession(t *testing.T) {
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		b := a.NewBrowser(t)
		p := stepUp(t, a, b)
		signOut(t, b)
		for _, path := range []string{p.URL.RequestURI(), "/signin/two-factor/email?flow=" + p.Flow(), "/signin/continue?flow=" + p.Flow(), "/signin?flow=" + p.Flow()} {
			if got := b.Get(path); got.Status != http.StatusGone {
				t.Errorf("%s after the sign-out: %d to %s", path, got.Status, got.Location())
			}
		}
		form := url.Values{"do": {"send"}, "email": {"thief@example.jp"}}
		if got := b.Follow(b.Post("/signin/two-factor/email?flow="+p.Flow(), form)); got.Status == http.StatusOK {
			t.Errorf("a code was sent after the sign-out: %s", got.URL)
		}
		if n := len(a.Mail.Mails("thief@example.jp")); n != 0 {
			t.Errorf("%d mails went out", n)
		}
	})
}

// TestI11_StepUpDiesWithAnEndedSession tries the same where only the session row ended.
func TestI11_StepUpDiesWithAnEndedSession(t *testing.T) {
	a := testapp.New(t)
	b := a.NewBrowser(t)
	p := stepUp(t, a, b)
	now := a.Clock.Now()
	err := a.DB.InTx(t.Context(), func(tx *store.Tx) error {
		acc, err := tx.GetAccountByLogin(t.Context(), store.GetAccountByLoginParams{Kind: "store", LoginKey: "suzuki"})
		if err != nil {
			return err
		}
		_, err = tx.CloseAccountSessions(t.Context(), store.CloseAccountSessionsParams{Now: &now, AccountID: acc.ID})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := b.Get("/signin/continue?flow=" + p.Flow()); got.Status != http.StatusGone {
		t.Errorf("continue: %d", got.Status)
	}
	if got := b.Open(p.URL.RequestURI()); got.Status != http.StatusGone {
		t.Errorf("set-up page: %d %s", got.Status, got.URL)
	}
}

// TestI11_NoCodeOutlivesASignOutBesideIt races single sign-on against the sign-out of the same session. A code that was
// granted in the gap must be worth nothing once the sign-out is answered.
func TestI11_NoCodeOutlivesASignOutBesideIt(t *testing.T) {
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		for range 4 {
			b := a.NewBrowser(t)
			rp := a.RelyingParty(t, "store")
			rp.TokensOf(b, "suzuki")
			codes := make(chan string, 12)
			var wg sync.WaitGroup
			for range cap(codes) {
				wg.Go(func() { codes <- b.Get(rp.AuthorizeURL()).Location().Query().Get("code") })
			}
			signOut(t, b)
			wg.Wait()
			close(codes)
			granted := 0
			for code := range codes {
				if code == "" {
					continue
				}
				granted++
				if r := rp.Redeem(code); r.Status != http.StatusBadRequest {
					t.Errorf("a code granted beside the sign-out was redeemed: %d", r.Status)
				}
			}
			t.Logf("%d codes granted beside the sign-out", granted)
		}
	})
}

func TestI1_ProofsDoNotOutliveASession(t *testing.T) {
	a := testapp.New(t)
	b := a.NewBrowser(t)
	rp := a.RelyingParty(t, "store")
	rp.TokensOf(b, "sato")
	// Every twelve hours the password anew, and never again the code: prompt=login asks for what policy demands, so the switch
	// is off while nobody looks.
	setTwoFactor(t, a, "sato", store.TwoFactorUse, store.TwoFactorDontUse)
	for range 3 {
		a.Clock.Advance(40 * time.Minute)
		b.Open(rp.AuthorizeURL()) // keeps the session from idling
	}
	for range 30 {
		a.Clock.Advance(50 * time.Minute)
		rp.TokensOf(b, "sato", "prompt", "login")
	}
	token := rp.TokensOf(b, "sato", "prompt", "login").IDToken(t)
	if amr := token["amr"].([]any); len(amr) != 1 {
		t.Errorf("26 hours after the code amr is still %v", amr)
	}
}

func setTwoFactor(t *testing.T, a *testapp.App, login, from, to string) {
	t.Helper()
	err := a.DB.InTx(t.Context(), func(tx *store.Tx) error {
		acc, err := tx.GetAccountByLogin(t.Context(), store.GetAccountByLoginParams{Kind: "store", LoginKey: login})
		if err != nil {
			return err
		}
		_, err = tx.SetTwoFactor(t.Context(), store.SetTwoFactorParams{ID: acc.ID, TwoFactor: to, Former: from, Now: a.Clock.Now()})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestI21_AnswersGoWhereTheClientIsRegisteredNow takes a redirect URI away while somebody signs in.
func TestI21_AnswersGoWhereTheClientIsRegisteredNow(t *testing.T) {
	a := testapp.New(t)
	b := a.NewBrowser(t)
	rp := a.RelyingParty(t, "store")
	p := b.Open(rp.AuthorizeURL())
	moved := json.RawMessage(`["https://store.example.jp/elsewhere"]`)
	err := a.DB.InTx(t.Context(), func(tx *store.Tx) error {
		c, err := tx.GetClient(t.Context(), "store")
		if err != nil {
			return err
		}
		return tx.PutClient(t.Context(), store.PutClientParams{
			ID: c.ID, Name: c.Name, SurfaceID: c.SurfaceID, AuthMethod: c.AuthMethod, SecretHash: c.SecretHash, RedirectURIs: moved,
			PostLogoutRedirectURIs: c.PostLogoutRedirectURIs, GrantTypes: c.GrantTypes, Scopes: c.Scopes, IDTokenAlg: c.IDTokenAlg,
			RequirePkce: c.RequirePkce, Now: a.Clock.Now(),
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Provider.ReloadClients(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := b.Submit(p.URL.RequestURI(), url.Values{"username": {"suzuki"}, "password": {"futakagi-demo"}})
	if got.Status != http.StatusBadRequest || got.Header.Get("Location") != "" {
		t.Errorf("the sign-in ended with %d to %q, want an error page here", got.Status, got.Header.Get("Location"))
	}
}

// TestI25_HeadChangesNothing asks for headers where GET acts.
func TestI25_HeadChangesNothing(t *testing.T) {
	a := testapp.New(t)
	b := a.NewBrowser(t)
	rp := a.RelyingParty(t, "store")
	tokens := rp.TokensOf(b, "suzuki")
	for _, path := range []string{
		rp.AuthorizeURL(), "/signin/start?to=/account/security&fresh=1", "/signin/continue?flow=x",
		"/logout?id_token_hint=" + tokens.Str("id_token"),
	} {
		if p := b.Do(http.MethodHead, path, nil, nil); p.Status != http.StatusMethodNotAllowed || p.Header.Get("Location") != "" {
			t.Errorf("HEAD %.40s: %d to %q", path, p.Status, p.Header.Get("Location"))
		}
	}
	if p := b.Get("/account/security"); p.Status != http.StatusOK {
		t.Errorf("the session is gone: %d", p.Status)
	}
}

// TestNoStepIsSkippedByStartingOver posts the password page again from behind it.
func TestNoStepIsSkippedByStartingOver(t *testing.T) {
	a := testapp.New(t)
	b := a.NewBrowser(t)
	rp := a.RelyingParty(t, "store")
	p := a.Password(t, b, rp.AuthorizeURL(), "tanaka")
	flow := p.Flow()
	address := testapp.FactorAddress("tanaka")
	email := "/signin/two-factor/email?flow=" + flow
	b.Submit(email, url.Values{"do": {"send"}, "email": {address}})
	p = b.Submit(email, url.Values{"do": {"verify"}, "email": {address}, "code": {a.Code(t, address, 0)}})
	if p.URL.Path != "/signin/backup-codes" {
		t.Fatalf("after the code: %s", p.URL)
	}
	p = b.Submit("/signin?flow="+flow, url.Values{"username": {"tanaka"}, "password": {"futakagi-demo"}})
	if p.URL.Path != "/signin/backup-codes" || p.Status != http.StatusOK {
		t.Errorf("the password posted again leads to %d %s to %s: the codes were never saved", p.Status, p.URL, p.Location())
	}
}

func TestI29_SignInsBegunFromOneAddressAreBounded(t *testing.T) {
	a := testapp.New(t, func(c *server.Config) { c.FlowsPerAddress = 5 })
	rp := a.RelyingParty(t, "store")
	for range 5 {
		if p := a.NewBrowser(t).Open(rp.AuthorizeURL()); p.Status != http.StatusOK {
			t.Fatalf("within the budget: %d", p.Status)
		}
	}
	for _, path := range []string{rp.AuthorizeURL(), "/signin/start?to=/admin/customers"} {
		if p := a.NewBrowser(t).Open(path); p.Status != http.StatusTooManyRequests || p.Header.Get("Retry-After") == "" {
			t.Errorf("beyond the budget: %d, Retry-After %q", p.Status, p.Header.Get("Retry-After"))
		}
	}
	a.Clock.Advance(5 * time.Minute)
	if p := a.NewBrowser(t).Open(rp.AuthorizeURL()); p.Status != http.StatusOK {
		t.Errorf("after the window: %d", p.Status)
	}
}

// TestBadBytesAreRefusedNotStored sends what PostgreSQL cannot keep.
func TestBadBytesAreRefusedNotStored(t *testing.T) {
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		b := a.NewBrowser(t)
		rp := a.RelyingParty(t, "store")
		for _, signedIn := range []bool{false, true} {
			if signedIn {
				rp.TokensOf(b, "suzuki")
			}
			for _, name := range []string{"state", "nonce", "login_hint", "ui_locales", "scope", "acr_values", "prompt", "max_age", "display", "x\x00y"} {
				for _, value := range []string{"a\x00b", "a\xffb", "a\r\nb", "\xed\xa0\x80", strings.Repeat("あ", 4000)} {
					p := b.Get(rp.AuthorizeURL(name, value))
					if p.Status >= 500 || p.Status == http.StatusSeeOther && p.Location().Query().Get("error") == "" {
						t.Errorf("signed in %v, %q = %.20q: %d to %s", signedIn, name, value, p.Status, p.Location())
					}
				}
			}
		}
		// The user agent is written down when a sign-in ends.
		c := a.NewBrowser(t)
		c.UserAgent = "Browser \xe9\xff " + strings.Repeat("é", 2000)
		if r := rp.TokensOf(c, "suzuki"); r.Status != http.StatusOK {
			t.Errorf("sign-in of a browser with a strange name: %d", r.Status)
		}
	})
}

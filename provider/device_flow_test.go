package provider_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
)

// trust signs in with a mailed code in a browser that is not to be asked again, signs out, and returns when that was.
func trust(t *testing.T, a *testapp.App, b *testapp.Browser, login string) time.Time {
	t.Helper()
	rp, address := a.RelyingParty(t, "store"), testapp.FactorAddress(login)
	sent := len(a.Mail.Mails(address))
	p := a.Password(t, b, rp.AuthorizeURL(), login)
	if p.URL.Path != "/signin/challenge" {
		t.Fatalf("sign-in leads to %d %s", p.Status, p.URL)
	}
	p = b.Submit(p.URL.RequestURI(), url.Values{"do": {"verify"}, "code": {a.Code(t, address, sent)}, "trust_device": {"yes"}})
	if rp.Redeem(answerOf(t, p, rp.RedirectURI).Get("code")).Status != http.StatusOK {
		t.Fatalf("sign-in ends at %d %s", p.Status, p.URL)
	}
	at := a.Clock.Now()
	signOut(t, b)
	a.Clock.Advance(time.Hour)
	return at
}

// spared signs in with the password alone and returns the tokens.
func spared(t *testing.T, a *testapp.App, b *testapp.Browser, rp *testapp.RelyingParty, login string, changes ...string) testapp.Reply {
	t.Helper()
	p := a.Password(t, b, rp.AuthorizeURL(changes...), login)
	r := rp.Redeem(answerOf(t, p, rp.RedirectURI).Get("code"))
	if r.Status != http.StatusOK {
		t.Fatalf("redeem: %d %s", r.Status, r.Body)
	}
	return r
}

func setTrustDays(t *testing.T, a *testapp.App, surface string, days int64) {
	t.Helper()
	err := a.DB.InTx(t.Context(), func(tx *store.Tx) error {
		s, err := tx.GetSurface(t.Context(), surface)
		if err != nil {
			return err
		}
		_, err = tx.SetSurfaceMethods(t.Context(), store.SetSurfaceMethodsParams{
			ID: surface, Version: s.UpdatedAt, AllowedMethods: s.AllowedMethods, SecondLevel: s.SecondLevel, TrustDays: days, Now: a.Clock.Now(),
		})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

var (
	byDevice = []any{"urn:futakagi:acr:1fa", []any{"pwd", "rba"}}
	byCode   = []any{"urn:futakagi:acr:2fa-email", []any{"pwd", "mca", "mfa"}}
)

func wantProof(t *testing.T, name string, claims map[string]any, want []any) {
	t.Helper()
	if diff := cmp.Diff(want, []any{claims["acr"], claims["amr"]}); diff != "" {
		t.Errorf("%s: acr and amr (-want +got):\n%s", name, diff)
	}
}

func TestI12_TokensOfATrustedDevice(t *testing.T) {
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		b := a.NewBrowser(t)
		proved := trust(t, a, b, "sato")
		rp := a.RelyingParty(t, "store")
		r := spared(t, a, b, rp, "sato")
		id := r.IDToken(t)
		for where, claims := range map[string]map[string]any{
			"ID token": id, "userinfo": a.Userinfo(t, r.Str("access_token")).JSON,
			"introspection": rp.Introspect(r.Str("access_token")).JSON, "refreshed": rp.Refresh(r.Str("refresh_token")).IDToken(t),
		} {
			wantProof(t, where, claims, byDevice)
			want := map[string]any{"method": "email", "via": "trusted_device", "verified_at": float64(proved.Unix())}
			if diff := cmp.Diff(any(want), claims["urn:futakagi:2fa"]); diff != "" {
				t.Errorf("%s: %s", where, diff)
			}
			if claims["auth_time"] != float64(a.Clock.Now().Unix()) {
				t.Errorf("%s: auth_time = %v", where, claims["auth_time"])
			}
		}

		// Single sign-on carries it to the next relying party, as it is.
		other := a.RelyingParty(t, "plain")
		claims := other.Redeem(answerOf(t, b.Get(other.AuthorizeURL("prompt", "none")), other.RedirectURI).Get("code")).IDToken(t)
		wantProof(t, "single sign-on", claims, byDevice)

		// A level above is not reached by it: the challenge steps the session up, and offers no trust on the way.
		email := signin.Level2FAEmail.ACR()
		wantTold(t, a, b.Get(rp.AuthorizeURL("prompt", "none", "acr_values", email)), rp.RedirectURI, "interaction_required")
		sent := len(a.Mail.Mails(testapp.FactorAddress("sato")))
		p := b.Open(rp.AuthorizeURL("acr_values", email))
		if p.URL.Path != "/signin/challenge" || strings.Contains(p.Body, "trust_device") {
			t.Fatalf("step-up leads to %d %s", p.Status, p.URL)
		}
		code := a.Code(t, testapp.FactorAddress("sato"), sent)
		p = b.Submit(p.URL.RequestURI(), url.Values{"do": {"verify"}, "code": {code}, "trust_device": {"yes"}})
		raised := rp.Redeem(answerOf(t, p, rp.RedirectURI).Get("code")).IDToken(t)
		wantProof(t, "step-up", raised, byCode)
		if raised["sid"] != id["sid"] {
			t.Errorf("sid %v became %v", id["sid"], raised["sid"])
		}

		// The password anew: the device is asked for nothing more, and for nothing less.
		a.Clock.Advance(time.Minute)
		again := spared(t, a, b, rp, "sato", "prompt", "login").IDToken(t)
		wantProof(t, "prompt=login", again, byDevice)
		if again["auth_time"] != float64(a.Clock.Now().Unix()) {
			t.Errorf("auth_time = %v", again["auth_time"])
		}
		a.Clock.Advance(time.Minute)
		wantProof(t, "max_age", spared(t, a, b, rp, "sato", "max_age", "30").IDToken(t), byDevice)
		a.Clock.Advance(time.Minute)
		if p := a.Password(t, b, rp.AuthorizeURL("prompt", "login", "acr_values", email), "sato"); p.URL.Path != "/signin/challenge" {
			t.Errorf("a level with prompt=login leads to %d %s", p.Status, p.URL)
		}

		// Nor does it open the settings of the account.
		a.Clock.Advance(10 * time.Minute)
		p = b.Open("/account/security/email")
		if p.URL.Path == "/signin" {
			p = b.Submit(p.URL.RequestURI(), url.Values{"username": {"sato"}, "password": {"futakagi-demo"}})
		}
		if p.URL.Path != "/signin/challenge" || strings.Contains(p.Body, "trust_device") {
			t.Errorf("a change of settings leads to %d %s", p.Status, p.URL)
		}
	})
}

func TestI12_TrustUnderEnforcement(t *testing.T) {
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		b := a.NewBrowser(t)
		trust(t, a, b, "sato")
		// The account's own switch is off, the surface's demand alone is left: M13, I16.
		setTwoFactor(t, a, "sato", store.TwoFactorUse, store.TwoFactorDontUse)
		rp := a.RelyingParty(t, "store")
		wantProof(t, "no demand", spared(t, a, b, rp, "sato").IDToken(t), []any{"urn:futakagi:acr:1fa", []any{"pwd"}})
		enforce(t, a, "store", true)
		a.Clock.Advance(time.Minute)
		p := a.Password(t, b, rp.AuthorizeURL("prompt", "login"), "sato")
		wantProof(t, "enforced", rp.Redeem(answerOf(t, p, rp.RedirectURI).Get("code")).IDToken(t), byDevice)
		if p := a.Password(t, a.NewBrowser(t), rp.AuthorizeURL(), "sato"); p.URL.Path != "/signin/challenge" {
			t.Errorf("another browser: %d %s", p.Status, p.URL)
		}
	})
}

func TestI12_TrustSwitchedOff(t *testing.T) {
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		b := a.NewBrowser(t)
		trust(t, a, b, "sato")
		rp := a.RelyingParty(t, "store")
		wantProof(t, "while it is on", spared(t, a, b, rp, "sato").IDToken(t), byDevice)
		setTrustDays(t, a, "store", 0)
		// It ends what rests on it, at once: the session is worth its password.
		wantTold(t, a, b.Get(rp.AuthorizeURL("prompt", "none")), rp.RedirectURI, "interaction_required")
		if p := b.Get("/account/security"); p.Location().Path != "/signin/start" {
			t.Errorf("the session opens settings: %d to %s", p.Status, p.Location())
		}
		signOut(t, b)
		p := a.Password(t, b, rp.AuthorizeURL(), "sato")
		if p.URL.Path != "/signin/challenge" || strings.Contains(p.Body, "trust_device") {
			t.Errorf("the next sign-in: %d %s", p.Status, p.URL)
		}
		// Switched on again it counts again, for it was neither used nor voided meanwhile.
		setTrustDays(t, a, "store", 30)
		wantProof(t, "on again", spared(t, a, b, rp, "sato").IDToken(t), byDevice)
		if n := len(a.Mail.Mails("sato@example.jp")); n != 0 {
			t.Errorf("%d notices", n)
		}
	})
}

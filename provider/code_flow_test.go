package provider_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/store"
)

func TestI20_Code(t *testing.T) {
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		rp := a.RelyingParty(t, "store")
		b := a.NewBrowser(t)
		code := func() string { return a.CodeOf(t, b, rp.AuthorizeURL(), "suzuki") }
		refused := func(name string, r testapp.Reply) {
			t.Helper()
			if r.Status != http.StatusBadRequest || r.Str("error") != "invalid_grant" || r.JSON["access_token"] != nil {
				t.Errorf("%s: %d %s", name, r.Status, r.Body)
			}
		}

		for name, changes := range map[string][]string{
			"redirect URI":         {"redirect_uri", testapp.StoreCallback + "/"},
			"another of the shop":  {"redirect_uri", testapp.StoreLoggedOut},
			"wrong verifier":       {"code_verifier", strings.Repeat("x", 43)},
			"the challenge itself": {"code_verifier", rp.Challenge()},
			"no verifier":          {"code_verifier", ""},
		} {
			c := code()
			refused(name, rp.Redeem(c, changes...))
			refused(name+", then right", rp.Redeem(c))
		}
		c := code()
		refused("another client", a.RelyingParty(t, "plain").Redeem(c))
		refused("another client, then right", rp.Redeem(c))

		c = code()
		refused("truncated", rp.Redeem(c[:len(c)-1]))
		refused("extended", rp.Redeem(c+"A"))
		refused("changed", rp.Redeem(c[:len(c)-2]+string(c[len(c)-2]^1)+c[len(c)-1:]))
		if r := rp.Redeem(c); r.Status != http.StatusOK {
			t.Errorf("none of those was this code: %d %s", r.Status, r.Body)
		}

		c = code()
		a.Clock.Advance(59 * time.Second)
		if r := rp.Redeem(c); r.Status != http.StatusOK {
			t.Errorf("after 59 s: %d %s", r.Status, r.Body)
		}
		c = code()
		a.Clock.Advance(60 * time.Second)
		refused("after 60 s", rp.Redeem(c))

		// A second presentation ends what the first one gave.
		c = code()
		first := rp.Redeem(c)
		if !rp.Active(first.Str("access_token")) || !rp.Active(first.Str("refresh_token")) {
			t.Fatal("tokens are dead from the start")
		}
		refused("second presentation", rp.Redeem(c))
		if rp.Active(first.Str("access_token")) || rp.Active(first.Str("refresh_token")) {
			t.Error("tokens of a code that was presented twice live on")
		}
		if r := a.Userinfo(t, first.Str("access_token")); r.Status != http.StatusUnauthorized {
			t.Errorf("userinfo: %d", r.Status)
		}
		refused("refresh", rp.Refresh(first.Str("refresh_token")))
	})
}

// The end of a sign-in belongs to the browser that began it: whoever else knows its address gets neither code nor session.
func TestI20_TheBrowserThatStarted(t *testing.T) {
	a := testapp.New(t)
	rp := a.RelyingParty(t, "store")
	victim, thief := a.NewBrowser(t), a.NewBrowser(t)
	thief.Get("/signed-out?lang=ja") // a browser that keeps cookies
	p := a.Password(t, victim, rp.AuthorizeURL(), "sato")
	flow := "?flow=" + p.Flow()
	for _, path := range []string{"/signin/continue", "/signin", "/signin/challenge", "/signin/cancel"} {
		if got := thief.Get(path + flow); got.Status != http.StatusGone || got.Header.Get("Location") != "" {
			t.Errorf("%s in another browser: %d to %s", path, got.Status, got.Location())
		}
	}
	// Not even with a flow of its own beside.
	thief.Open(rp.AuthorizeURL())
	if got := thief.Get("/signin/continue" + flow); got.Status != http.StatusGone {
		t.Errorf("with a flow of its own: %d", got.Status)
	}
	// Nor by carrying its own secret under the other's name.
	for _, c := range thief.Cookies() {
		if _, secret, ok := strings.Cut(c.Value, "."); ok {
			id := p.Flow()
			thief.SetCookie(&http.Cookie{Name: "__Host-futakagi-flow-" + id[len(id)-8:], Value: id + "." + secret})
		}
	}
	if got := thief.Get("/signin/continue" + flow); got.Status != http.StatusGone {
		t.Errorf("with a foreign secret: %d", got.Status)
	}
	// The end comes once.
	a.Clock.Advance(61 * time.Second)
	q := a.SignIn(t, victim, rp.AuthorizeURL(), "sato")
	if got := victim.Get(q.URL.RequestURI()); got.Status != http.StatusGone {
		t.Errorf("the end of a sign-in, opened again: %d to %s", got.Status, got.Location())
	}
}

func TestI22_Refresh(t *testing.T) {
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		rp := a.RelyingParty(t, "store")
		first := rp.TokensOf(a.NewBrowser(t), "suzuki")
		second := rp.Refresh(first.Str("refresh_token"))
		if second.Status != http.StatusOK || second.Str("refresh_token") == first.Str("refresh_token") {
			t.Fatalf("%d %s", second.Status, second.Body)
		}
		if rp.Active(first.Str("access_token")) {
			t.Error("the former access token lives on")
		}
		if got, want := second.IDToken(t), first.IDToken(t); got["auth_time"] != want["auth_time"] || got["sub"] != want["sub"] || got["sid"] != want["sid"] {
			t.Errorf("claims = %v, first %v", got, want)
		}
		if r := rp.Refresh(first.Str("refresh_token")); r.Str("error") != "invalid_grant" {
			t.Errorf("replay: %d %s", r.Status, r.Body)
		}
		if rp.Active(second.Str("access_token")) || rp.Refresh(second.Str("refresh_token")).Str("error") != "invalid_grant" {
			t.Error("the family survived a replay")
		}

		// Whatever takes the right away takes the tokens away at once.
		for name, take := range map[string]func(tokens testapp.Reply){
			"enforcement": func(testapp.Reply) { enforce(t, a, "store", true) },
			"the absolute limit": func(testapp.Reply) {
				enforce(t, a, "store", false)
				a.Clock.Advance(91 * 24 * time.Hour)
			},
			"revocation": func(tokens testapp.Reply) {
				rp.Post("/revoke", map[string][]string{"token": {tokens.Str("refresh_token")}})
			},
		} {
			enforce(t, a, "store", false)
			tokens := rp.TokensOf(a.NewBrowser(t), "suzuki")
			take(tokens)
			if r := rp.Refresh(tokens.Str("refresh_token")); r.Str("error") != "invalid_grant" {
				t.Errorf("after %s: %d %s", name, r.Status, r.Body)
			}
			enforce(t, a, "store", false)
		}
	})
}

func TestI16_EnforcementInTheMiddle(t *testing.T) {
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		rp := a.RelyingParty(t, "store")

		// Switched on between the password and the end.
		b := a.NewBrowser(t)
		p := b.Open(rp.AuthorizeURL())
		p = b.Post(p.URL.RequestURI(), map[string][]string{"username": {"suzuki"}, "password": {"futakagi-demo"}})
		enforce(t, a, "store", true)
		if p = b.Follow(p); p.URL.Path != "/signin/two-factor" {
			t.Errorf("the sign-in goes on to %d %s %s", p.Status, p.URL, p.Location())
		}
		enforce(t, a, "store", false)

		// Switched on between code and token.
		code := a.CodeOf(t, a.NewBrowser(t), rp.AuthorizeURL(), "suzuki")
		enforce(t, a, "store", true)
		if r := rp.Redeem(code); r.Str("error") != "invalid_grant" {
			t.Errorf("code from before: %d %s", r.Status, r.Body)
		}
		enforce(t, a, "store", false)
		if r := rp.Redeem(code); r.Str("error") != "invalid_grant" {
			t.Errorf("code that was refused once: %d %s", r.Status, r.Body)
		}

		// Switched on over a session: it gives no code and opens no page of ours any more.
		b = a.NewBrowser(t)
		tokens := rp.TokensOf(b, "suzuki")
		enforce(t, a, "store", true)
		if p := b.Open(rp.AuthorizeURL()); p.URL.Path != "/signin/two-factor" {
			t.Errorf("single sign-on leads to %d %s %s", p.Status, p.URL, p.Location())
		}
		if r := rp.Refresh(tokens.Str("refresh_token")); r.Str("error") != "invalid_grant" {
			t.Errorf("refresh: %d %s", r.Status, r.Body)
		}
		// Whoever sets up a factor gets on, and says so truly.
		claims := rp.TokensOf(b, "suzuki").IDToken(t)
		if claims["acr"] != "urn:futakagi:acr:2fa-email" {
			t.Errorf("claims = %v", claims)
		}
		// Enforcement of one surface is nobody else's.
		enforce(t, a, "store", false)
		enforce(t, a, "admin", true)
		if p := a.SignIn(t, a.NewBrowser(t), rp.AuthorizeURL(), "tanaka"); p.Location().Query().Get("code") == "" {
			t.Errorf("%d %s", p.Status, p.URL)
		}
		enforce(t, a, "admin", false)

		// The switch of the account counts like enforcement.
		b = a.NewBrowser(t)
		p = a.SignIn(t, b, a.RelyingParty(t, "staff").AuthorizeURL(), "operator")
		code = p.Location().Query().Get("code")
		operator, err := a.DB.Read().GetAccountByLogin(t.Context(), store.GetAccountByLoginParams{Kind: "operator", LoginKey: "operator"})
		if err != nil {
			t.Fatal(err)
		}
		if err := a.DB.InTx(t.Context(), func(tx *store.Tx) error {
			_, err := tx.SetTwoFactor(t.Context(), store.SetTwoFactorParams{ID: operator.ID, TwoFactor: "use", Former: "dont_use", Now: a.Clock.Now()})
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if r := a.RelyingParty(t, "staff").Redeem(code); r.Str("error") != "invalid_grant" {
			t.Errorf("code of an account that uses two factors now: %d %s", r.Status, r.Body)
		}
	})
}

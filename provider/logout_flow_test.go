package provider_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/futakagi/futakagi/internal/testapp"
)

func logoutURL(values ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(values); i += 2 {
		q.Add(values[i], values[i+1])
	}
	return "/logout?" + q.Encode()
}

func TestLogoutByRelyingParty(t *testing.T) {
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		rp := a.RelyingParty(t, "store")
		b := a.NewBrowser(t)
		tokens := rp.TokensOf(b, "sato")
		code := a.CodeOf(t, b, rp.AuthorizeURL(), "sato")
		session := b.Cookies()

		p := b.Get(logoutURL("id_token_hint", tokens.Str("id_token"), "post_logout_redirect_uri", testapp.StoreLoggedOut, "state", "a b&c"))
		if p.Status != http.StatusSeeOther || p.Header.Get("Location") != testapp.StoreLoggedOut+"?state=a+b%26c" {
			t.Fatalf("logout: %d %q", p.Status, p.Header.Get("Location"))
		}
		// The session is dead, not merely forgotten by this browser, and so is all it gave out.
		wantTold(t, a, b.Get(rp.AuthorizeURL("prompt", "none")), rp.RedirectURI, "login_required")
		again := a.NewBrowser(t)
		for _, c := range session {
			again.SetCookie(c)
		}
		wantTold(t, a, again.Get(rp.AuthorizeURL("prompt", "none")), rp.RedirectURI, "login_required")
		if rp.Active(tokens.Str("access_token")) || rp.Refresh(tokens.Str("refresh_token")).Str("error") != "invalid_grant" {
			t.Error("tokens of the session live on")
		}
		if r := rp.Redeem(code); r.Str("error") != "invalid_grant" {
			t.Errorf("code of the session: %d %s", r.Status, r.Body)
		}
		// Once more is no error.
		p = b.Get(logoutURL("id_token_hint", tokens.Str("id_token"), "post_logout_redirect_uri", testapp.StoreLoggedOut))
		if p.Header.Get("Location") != testapp.StoreLoggedOut {
			t.Errorf("second logout: %d %q", p.Status, p.Header.Get("Location"))
		}
	})
}

// A session that nobody used for too long opens nothing, but what it gave out lives on until its person signs out.
func TestI11_SignOutEndsAnUnusedSession(t *testing.T) {
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		rp := a.RelyingParty(t, "store")
		for name, signOut := range map[string]func(b *testapp.Browser, hint string) testapp.Page{
			"button": func(b *testapp.Browser, _ string) testapp.Page {
				return b.Post("/logout/confirm", url.Values{"kind": {"store"}})
			},
			"relying party": func(b *testapp.Browser, hint string) testapp.Page { return b.Get(logoutURL("id_token_hint", hint)) },
		} {
			b := a.NewBrowser(t)
			tokens := rp.TokensOf(b, "suzuki")
			a.Clock.Advance(2 * time.Hour)
			if p := b.Get("/account/security"); p.Location().Path != "/signin/start" {
				t.Fatalf("%s: after two hours the session opens %d %s", name, p.Status, p.Location())
			}
			if p := signOut(b, tokens.Str("id_token")); p.Location().Path != "/signed-out" {
				t.Errorf("%s leads to %d %s", name, p.Status, p.Location())
			}
			if r := rp.Refresh(tokens.Str("refresh_token")); r.Str("error") != "invalid_grant" {
				t.Errorf("%s: the refresh token lives on: %d %s", name, r.Status, r.Body)
			}
		}
	})
}

// Nobody is signed out by a link: without a hint that means this very session the person is asked first, and the browser goes to
// registered places only.
func TestTrap_LogoutWithoutConfirmation(t *testing.T) {
	a := testapp.New(t)
	rp := a.RelyingParty(t, "store")
	b := a.NewBrowser(t)
	hint := rp.TokensOf(b, "suzuki").Str("id_token")
	other := rp.TokensOf(a.NewBrowser(t), "tanaka").Str("id_token")
	elsewhere := rp.TokensOf(a.NewBrowser(t), "suzuki").Str("id_token")
	foreign := a.RelyingParty(t, "plain").TokensOf(b, "suzuki").Str("id_token")
	to := []string{"post_logout_redirect_uri", testapp.StoreLoggedOut, "state", "s"}
	for name, values := range map[string][]string{
		"nothing":             {},
		"state alone":         {"state", "s"},
		"client":              append([]string{"client_id", "store"}, to...),
		"no client":           to,
		"bad hint":            append([]string{"id_token_hint", "x"}, to...),
		"modified hint":       append([]string{"id_token_hint", hint[:len(hint)-3] + "AAA"}, to...),
		"another person's":    append([]string{"id_token_hint", other}, to...),
		"another session's":   append([]string{"id_token_hint", elsewhere}, to...),
		"another client's":    append([]string{"id_token_hint", foreign, "client_id", "store"}, to...),
		"hint twice":          append([]string{"id_token_hint", hint, "id_token_hint", hint}, to...),
		"unknown client":      append([]string{"client_id", "nobody"}, to...),
		"unregistered target": {"client_id", "store", "post_logout_redirect_uri", "https://evil.example/", "state", "s"},
		"target with query":   {"client_id", "store", "post_logout_redirect_uri", testapp.StoreLoggedOut + "?x=1", "state", "s"},
		"target off by one":   {"client_id", "store", "post_logout_redirect_uri", testapp.StoreLoggedOut[:len(testapp.StoreLoggedOut)-1], "state", "s"},
		"redirect URI":        {"client_id", "store", "post_logout_redirect_uri", testapp.StoreCallback, "state", "s"},
	} {
		p := b.Get(logoutURL(values...))
		if p.Status != http.StatusOK || !strings.HasPrefix(p.Header.Get("Content-Type"), "text/html") || !strings.Contains(p.Body, `action="/logout/confirm"`) {
			t.Errorf("%s: %d %s to %q", name, p.Status, p.Header.Get("Content-Type"), p.Header.Get("Location"))
		}
		for _, m := range hidden.FindAllStringSubmatch(p.Body, -1) {
			if m[1] == "post_logout_redirect_uri" && m[2] != testapp.StoreLoggedOut {
				t.Errorf("%s: the form carries %s", name, m[2])
			}
		}
		// By POST from another site too.
		form := url.Values{}
		for i := 0; i+1 < len(values); i += 2 {
			form.Add(values[i], values[i+1])
		}
		p = b.Follow(b.PostWith("/logout", form, map[string]string{"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}))
		if p.Status != http.StatusOK || !strings.Contains(p.Body, `action="/logout/confirm"`) {
			t.Errorf("%s by POST: %d %s", name, p.Status, p.URL)
		}
	}
	if q := answerOf(t, b.Get(rp.AuthorizeURL("prompt", "none")), rp.RedirectURI); q.Get("code") == "" {
		t.Fatalf("the session ended: %v", q)
	}

	// The right hint with a wrong target signs out and stays here.
	p := b.Follow(b.Get(logoutURL("id_token_hint", hint, "post_logout_redirect_uri", "https://evil.example/", "state", "s")))
	if p.Status != http.StatusOK || p.URL.Path != "/signed-out" {
		t.Errorf("wrong target: %d %s", p.Status, p.URL)
	}
	wantTold(t, a, b.Get(rp.AuthorizeURL("prompt", "none")), rp.RedirectURI, "login_required")
}

func TestLogoutConfirmed(t *testing.T) {
	a := testapp.New(t)
	rp := a.RelyingParty(t, "store")
	b := a.NewBrowser(t)
	rp.TokensOf(b, "suzuki")
	p := b.Get(logoutURL("client_id", "store", "post_logout_redirect_uri", testapp.StoreLoggedOut, "state", "s"))
	form := url.Values{}
	for _, m := range hidden.FindAllStringSubmatch(p.Body, -1) {
		form.Set(m[1], m[2])
	}
	if csp := p.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "form-action 'self' https://store.example.jp;") {
		t.Errorf("the form may not lead to the relying party: %s", csp)
	}
	for _, site := range []map[string]string{{"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "null"}, {}} {
		if p := b.PostWith("/logout/confirm", form, site); p.Status != http.StatusForbidden {
			t.Errorf("confirmed from %v: %d", site, p.Status)
		}
	}
	p = b.Post("/logout/confirm", form)
	if p.Header.Get("Location") != testapp.StoreLoggedOut+"?state=s" {
		t.Errorf("confirmed: %d %q", p.Status, p.Header.Get("Location"))
	}
	wantTold(t, a, b.Get(rp.AuthorizeURL("prompt", "none")), rp.RedirectURI, "login_required")

	// A form that somebody edited leads nowhere else.
	a.Clock.Advance(time.Minute)
	rp.TokensOf(b, "suzuki")
	form.Set("post_logout_redirect_uri", "https://evil.example/")
	if p := b.Post("/logout/confirm", form); p.Location().Path != "/signed-out" || p.Location().Host != p.URL.Host {
		t.Errorf("edited form: %d %s", p.Status, p.Location())
	}
}

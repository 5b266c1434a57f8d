package provider_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/store"
)

// Like the tests of trap_test.go, for the endpoints that browsers visit: what the library does when it is left alone, with the
// opposite result.

func TestTrap_CallbackIsNotBoundToTheBrowser(t *testing.T) {
	a := testapp.New(t)
	rp := a.RelyingParty(t, "store")
	victim, thief := a.NewBrowser(t), a.NewBrowser(t)
	thief.Get("/signed-out?lang=ja") // a browser that keeps cookies
	// The victim gives a password in a sign-in whose address the thief has.
	p := victim.Open(rp.AuthorizeURL())
	last := victim.Post(p.URL.RequestURI(), url.Values{"username": {"suzuki"}, "password": {"futakagi-demo"}}).Location().RequestURI()
	if got := thief.Get(last); got.Status != http.StatusGone {
		t.Errorf("the thief's browser: %d to %s", got.Status, got.Location())
	}
	first := victim.Get(last)
	if first.Location().Query().Get("code") == "" {
		t.Fatalf("%d to %s", first.Status, first.Location())
	}
	for range 3 {
		if got := victim.Get(last); got.Location().Query().Has("code") {
			t.Error("one sign-in gave two codes")
		}
	}
	// The other way round: the thief begins, the victim follows the link and gives the password. The victim's browser has no
	// secret of that sign-in, so nothing it types reaches it.
	theirs := thief.Open(rp.AuthorizeURL()).URL.RequestURI()
	if got := victim.Post(theirs, url.Values{"username": {"suzuki"}, "password": {"futakagi-demo"}}); got.Status != http.StatusGone {
		t.Errorf("password in another browser's sign-in: %d to %s", got.Status, got.Location())
	}
}

func TestTrap_PKCEIsOptionalAtAuthorize(t *testing.T) {
	a := testapp.New(t)
	for _, id := range []string{"store", "public"} {
		rp := a.RelyingParty(t, id)
		wantTold(t, a, a.NewBrowser(t).Get(rp.AuthorizeURL("code_challenge", "", "code_challenge_method", "")), rp.RedirectURI, "invalid_request")
	}
	for _, id := range []string{"store", "public", "plain"} {
		rp := a.RelyingParty(t, id)
		for _, method := range []string{"plain", "", "S512"} {
			wantTold(t, a, a.NewBrowser(t).Get(rp.AuthorizeURL("code_challenge_method", method)), rp.RedirectURI, "invalid_request")
		}
	}
	// The client that may do without: with a challenge it must bring the verifier, without one it must not.
	rp := a.RelyingParty(t, "plain")
	b := a.NewBrowser(t)
	code := a.CodeOf(t, b, rp.AuthorizeURL("code_challenge", "", "code_challenge_method", ""), "suzuki")
	if r := rp.Redeem(code); r.Str("error") != "invalid_grant" {
		t.Errorf("verifier nobody asked for: %d %s", r.Status, r.Body)
	}
	code = a.CodeOf(t, b, rp.AuthorizeURL("code_challenge", "", "code_challenge_method", ""), "suzuki")
	if r := rp.Redeem(code, "code_verifier", ""); r.Status != http.StatusOK {
		t.Errorf("without PKCE: %d %s", r.Status, r.Body)
	}
}

func TestTrap_AnyTokenIsAHint(t *testing.T) {
	a := testapp.New(t)
	rp := a.RelyingParty(t, "store")
	b := a.NewBrowser(t)
	tokens := rp.TokensOf(b, "suzuki")
	parts := strings.Split(tokens.Str("id_token"), ".")
	none := "eyJhbGciOiJub25lIn0." + parts[1] + "."
	for name, hint := range map[string]string{
		"access token": tokens.Str("access_token"), "refresh token": tokens.Str("refresh_token"), "alg none": none,
		"no signature": parts[0] + "." + parts[1] + ".", "other signature": parts[0] + "." + parts[1] + "." + strings.Repeat("A", 86),
	} {
		t.Run(name, func(t *testing.T) {
			wantTold(t, a, b.Get(rp.AuthorizeURL("prompt", "none", "id_token_hint", hint)), rp.RedirectURI, "invalid_request")
		})
	}
}

func TestTrap_MethodsOfBrowserEndpoints(t *testing.T) {
	a := testapp.New(t)
	b := a.NewBrowser(t)
	rp := a.RelyingParty(t, "store")
	for _, path := range []string{"/authorize", "/logout", "/signin", "/signin/continue", "/signin/start", "/signed-out", "/signin/cancel"} {
		for _, method := range []string{"PUT", "PATCH", "DELETE", "TRACE", "OPTIONS", "PROPFIND"} {
			p := b.Do(method, path+"?"+rp.Request().Encode(), nil, map[string]string{"Origin": a.URL, "Sec-Fetch-Site": "same-origin"})
			if p.Status != http.StatusMethodNotAllowed || p.Header.Get("Allow") == "" {
				t.Errorf("%s %s: %d, Allow %q", method, path, p.Status, p.Header.Get("Allow"))
			}
		}
	}
}

func TestTrap_BrowserEndpointsReadableByOthers(t *testing.T) {
	a := testapp.New(t)
	b := a.NewBrowser(t)
	rp := a.RelyingParty(t, "store")
	p := b.Open(rp.AuthorizeURL())
	for _, path := range []string{rp.AuthorizeURL(), "/logout", p.URL.RequestURI(), "/signin/start?to=/account/security", "/signed-out", "/account/security"} {
		for _, method := range []string{http.MethodGet, http.MethodOptions, http.MethodPost} {
			h := b.Do(method, path, nil, map[string]string{
				"Origin": "https://store.example.jp", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x",
			}).Header
			for name := range h {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("%s %s: %s = %q", method, path, name, h.Get(name))
				}
			}
			if h.Get("Cross-Origin-Resource-Policy") != "same-origin" || !strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
				t.Errorf("%s %s: %v", method, path, h)
			}
		}
	}
}

func TestTrap_ScopesTheLibraryDoesNotKnow(t *testing.T) {
	a := testapp.New(t)
	a.AddClient(t, "api", store.InsertClientParams{
		SurfaceID: "store", AuthMethod: "none", RedirectURIs: []byte(`["https://x.example/cb"]`), PostLogoutRedirectURIs: []byte(`[]`),
		GrantTypes: []byte(`["authorization_code"]`), Scopes: []byte(`["openid","stock:read"]`), IDTokenAlg: "EdDSA", RequirePkce: true, Now: a.Clock.Now(),
	})
	if err := a.Provider.ReloadClients(t.Context()); err != nil {
		t.Fatal(err)
	}
	rp := a.RelyingParty(t, "api")
	rp.Secret, rp.RedirectURI = "", "https://x.example/cb"
	r := rp.TokensOf(a.NewBrowser(t), "suzuki", "scope", "stock:read openid profile offline_access stock:write")
	if got := strings.Fields(r.Str("scope")); len(got) != 2 || !strings.Contains(r.Str("scope"), "stock:read") {
		t.Errorf("scope = %q", r.Str("scope"))
	}
	if r.Str("refresh_token") != "" || r.IDToken(t)["name"] != nil {
		t.Errorf("more than the client is registered for: %s", r.Body)
	}
}

func TestTrap_HeadersOfBrowserEndpoints(t *testing.T) {
	a := testapp.New(t)
	rp := a.RelyingParty(t, "store")
	b := a.NewBrowser(t)
	pages := map[string]testapp.Page{
		"error":        b.Get("/authorize"),
		"error told":   b.Get(rp.AuthorizeURL("prompt", "none")),
		"start":        b.Get(rp.AuthorizeURL()),
		"sign-in":      b.Open(rp.AuthorizeURL()),
		"unknown":      b.Get("/nowhere"),
		"logout":       b.Get("/logout"),
		"end":          a.SignIn(t, a.NewBrowser(t), rp.AuthorizeURL(), "suzuki"),
		"form_post":    a.SignIn(t, a.NewBrowser(t), rp.AuthorizeURL("response_mode", "form_post"), "suzuki"),
		"gone":         b.Get("/signin/continue?flow=x"),
		"wrong form":   b.Post("/signin", nil),
		"cross-site":   b.PostWith("/signin", nil, map[string]string{"Sec-Fetch-Site": "cross-site"}),
		"self-service": b.Get("/account/security"),
	}
	for name, p := range pages {
		for header, want := range map[string]string{
			"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff",
			"Cross-Origin-Opener-Policy": "same-origin",
		} {
			if got := p.Header.Get(header); got != want {
				t.Errorf("%s: %s = %q, want %q", name, header, got, want)
			}
		}
		if csp := p.Header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none';") || strings.Contains(csp, "unsafe-") || strings.Contains(csp, "*") {
			t.Errorf("%s: Content-Security-Policy = %q", name, csp)
		}
		for _, line := range p.Header.Values("Set-Cookie") {
			if !strings.HasPrefix(line, "__Host-futakagi") || !strings.Contains(line, "; Path=/;") || !strings.Contains(line, "HttpOnly") ||
				!strings.Contains(line, "Secure") || !strings.Contains(line, "SameSite=Lax") || strings.Contains(line, "Domain") || len(line) > 4096 {
				t.Errorf("%s: Set-Cookie %s", name, line)
			}
		}
	}
}

package provider_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
)

// The tests here speak to the whole server as a browser and a relying party do.

var hidden = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`)

// answerOf reads the authorization response out of a redirect or of a form that posts itself, and checks where it goes.
func answerOf(t *testing.T, p testapp.Page, redirectURI string) url.Values {
	t.Helper()
	if p.Status == http.StatusSeeOther {
		to := p.Header.Get("Location")
		rest, ok := strings.CutPrefix(to, redirectURI)
		if !ok || len(rest) == 0 || rest[0] != '?' && rest[0] != '&' {
			t.Fatalf("redirect to %q, want %q", to, redirectURI)
		}
		q, err := url.ParseQuery(rest[1:])
		if err != nil {
			t.Fatal(err)
		}
		return q
	}
	if p.Status != http.StatusOK || !strings.Contains(p.Body, `action="`+html.EscapeString(redirectURI)+`"`) {
		t.Fatalf("no answer: %d %s\n%s", p.Status, p.URL, p.Body)
	}
	q := url.Values{}
	for _, m := range hidden.FindAllStringSubmatch(p.Body, -1) {
		q.Add(html.UnescapeString(m[1]), html.UnescapeString(m[2]))
	}
	return q
}

// wantTold checks that the relying party hears of an error.
func wantTold(t *testing.T, a *testapp.App, p testapp.Page, redirectURI, code string) {
	t.Helper()
	q := answerOf(t, p, redirectURI)
	if q.Get("error") != code || q.Get("state") != "state-1" || q.Get("iss") != a.URL || q.Has("code") || q.Get("error_description") == "" {
		t.Errorf("answer = %v, want error %s with state and iss", q, code)
	}
}

// wantHere checks that an error is shown on a page of ours and that the browser is sent nowhere.
func wantHere(t *testing.T, name string, p testapp.Page) {
	t.Helper()
	if p.Status != http.StatusBadRequest || p.Header.Get("Location") != "" || p.Header.Get("Refresh") != "" ||
		!strings.HasPrefix(p.Header.Get("Content-Type"), "text/html") || !strings.Contains(p.Body, "invalid_request") {
		t.Errorf("%s: %d %q to %q", name, p.Status, p.Header.Get("Content-Type"), p.Header.Get("Location"))
	}
	for _, m := range regexp.MustCompile(`(?:href|action)="([^"]*)"`).FindAllStringSubmatch(p.Body, -1) {
		if m[1] != "#main" && (!strings.HasPrefix(m[1], "/") || strings.HasPrefix(m[1], "//")) {
			t.Errorf("%s: the page leads to %s", name, m[1])
		}
	}
}

func TestI21_UnsafeErrorsAreShownHere(t *testing.T) {
	a := testapp.New(t)
	b := a.NewBrowser(t)
	rp := a.RelyingParty(t, "store")
	requests := map[string]url.Values{
		"no client":           rp.Request("client_id", ""),
		"unknown client":      rp.Request("client_id", "stor"),
		"client in capitals":  rp.Request("client_id", "STORE"),
		"client with NUL":     rp.Request("client_id", "store\x00"),
		"no redirect URI":     rp.Request("redirect_uri", ""),
		"upper case":          rp.Request("redirect_uri", strings.ToUpper(testapp.StoreCallback)),
		"upper case host":     rp.Request("redirect_uri", "https://STORE.example.jp/callback"),
		"http":                rp.Request("redirect_uri", "http://store.example.jp/callback"),
		"default port":        rp.Request("redirect_uri", "https://store.example.jp:443/callback"),
		"slash":               rp.Request("redirect_uri", testapp.StoreCallback+"/"),
		"query":               rp.Request("redirect_uri", testapp.StoreCallback+"?x=1"),
		"empty query":         rp.Request("redirect_uri", testapp.StoreCallback+"?"),
		"fragment":            rp.Request("redirect_uri", testapp.StoreCallback+"#"),
		"escaped":             rp.Request("redirect_uri", "https://store.example.jp/%63allback"),
		"dot segment":         rp.Request("redirect_uri", "https://store.example.jp/x/../callback"),
		"user part":           rp.Request("redirect_uri", "https://store.example.jp@evil.example/callback"),
		"suffix":              rp.Request("redirect_uri", testapp.StoreCallback+".evil.example"),
		"space":               rp.Request("redirect_uri", " "+testapp.StoreCallback),
		"line break":          rp.Request("redirect_uri", testapp.StoreCallback+"\r\nX: y"),
		"script":              rp.Request("redirect_uri", "javascript:alert(1)"),
		"logout target":       rp.Request("redirect_uri", testapp.StoreLoggedOut),
		"other client's":      rp.Request("redirect_uri", "http://127.0.0.1/native"),
		"loopback of nobody":  rp.Request("redirect_uri", "http://127.0.0.1:8080/callback"),
		"twice":               {"client_id": {"store"}, "redirect_uri": {testapp.StoreCallback, "https://evil.example/"}},
		"twice the same":      {"client_id": {"store"}, "redirect_uri": {testapp.StoreCallback, testapp.StoreCallback}},
		"client twice":        {"client_id": {"store", "public"}, "redirect_uri": {testapp.StoreCallback}},
		"everything else bad": {"client_id": {"store"}, "redirect_uri": {"https://evil.example/"}, "response_type": {"token"}, "request": {"x"}},
	}
	// Off by one character, at every place: left out, doubled, another one.
	uri := testapp.StoreCallback
	for i := range uri {
		requests["without "+uri[:i]+"|"] = rp.Request("redirect_uri", uri[:i]+uri[i+1:])
		requests["changed "+uri[:i]+"|"] = rp.Request("redirect_uri", uri[:i]+string(uri[i]^1)+uri[i+1:])
		requests["doubled "+uri[:i]+"|"] = rp.Request("redirect_uri", uri[:i+1]+uri[i:])
	}
	for name, q := range requests {
		if q.Get("redirect_uri") == uri && q.Get("client_id") == "store" && len(q["redirect_uri"]) == 1 && len(q["client_id"]) == 1 {
			t.Fatalf("%s is no change", name)
		}
		wantHere(t, name, b.Get("/authorize?"+q.Encode()))
		// A post from any site is the same request.
		p := b.PostWith("/authorize", q, map[string]string{"Origin": "https://store.example.jp", "Sec-Fetch-Site": "cross-site"})
		if to := p.Location(); p.Status != http.StatusSeeOther || to.Host != p.URL.Host || to.Path != "/authorize" {
			t.Fatalf("%s: POST leads to %d %s", name, p.Status, to)
		}
		wantHere(t, name+" by POST", b.Follow(p))
	}
	wantHere(t, "query that cannot be read", b.Get("/authorize?client_id=store&redirect_uri=%zz"))
	if got := b.Cookies(); len(got) != 0 {
		t.Errorf("cookies were set: %v", got)
	}
}

func TestI21_LoopbackPort(t *testing.T) {
	a := testapp.New(t)
	rp := a.RelyingParty(t, "public")
	for _, good := range []string{"http://127.0.0.1/native", "http://127.0.0.1:1/native", "http://127.0.0.1:65535/native", "jp.example.app:/callback"} {
		p := a.NewBrowser(t).Open(rp.AuthorizeURL("redirect_uri", good))
		if p.Status != http.StatusOK || p.URL.Path != "/signin" {
			t.Errorf("%s: %d %s", good, p.Status, p.URL)
		}
	}
	for _, bad := range []string{
		"http://localhost/native", "http://localhost:5000/native", "https://127.0.0.1:5000/native", "http://127.0.0.1:5000/Native",
		"http://127.0.0.1:5000/native/", "http://127.0.0.1:5000/native?x", "http://127.0.0.1:5000/native#x", "http://127.0.0.1:/native",
		"http://127.0.0.1:5000@evil.example/native", "http://127.0.0.1.evil.example/native", "http://127.0.0.1:123456/native",
		"http://127.0.0.1:80:90/native", "http://127.0.0.2:5000/native", "http://[::1]:5000/native", "http://127.1:5000/native",
		"http://127.0.0.1:5000\\@evil.example/native", "jp.example.app://callback", "jp.example.app:/callback2",
	} {
		wantHere(t, bad, a.NewBrowser(t).Get(rp.AuthorizeURL("redirect_uri", bad)))
	}
	// The code goes to the very URI that was asked for, and can be redeemed with no other.
	rp.RedirectURI = "http://127.0.0.1:49152/native"
	p := a.SignIn(t, a.NewBrowser(t), rp.AuthorizeURL(), "suzuki")
	code := answerOf(t, p, rp.RedirectURI).Get("code")
	if r := rp.Redeem(code, "redirect_uri", "http://127.0.0.1:49153/native"); r.Str("error") != "invalid_grant" {
		t.Errorf("another port at the token endpoint: %d %s", r.Status, r.Body)
	}
	code = a.CodeOf(t, a.NewBrowser(t), rp.AuthorizeURL(), "suzuki")
	if r := rp.Redeem(code); r.Status != http.StatusOK {
		t.Errorf("redeem: %d %s", r.Status, r.Body)
	}
}

func TestAuthorizeErrorsAreTold(t *testing.T) {
	a := testapp.New(t)
	hint := func() string { // one of another issuer's making
		return "eyJhbGciOiJFUzI1NiIsImtpZCI6IngiLCJ0eXAiOiJKV1QifQ.eyJzdWIiOiJ4In0.AAAA"
	}
	for _, c := range []struct {
		name, code string
		changes    []string
	}{
		{"token", "unsupported_response_type", []string{"response_type", "token"}},
		{"id_token", "unsupported_response_type", []string{"response_type", "id_token"}},
		{"id_token token", "unsupported_response_type", []string{"response_type", "id_token token"}},
		{"hybrid", "unsupported_response_type", []string{"response_type", "code id_token"}},
		{"capitals", "unsupported_response_type", []string{"response_type", "CODE"}},
		{"none", "unsupported_response_type", []string{"response_type", "none"}},
		{"no response type", "invalid_request", []string{"response_type", ""}},
		{"fragment", "invalid_request", []string{"response_mode", "fragment"}},
		{"unknown mode", "invalid_request", []string{"response_mode", "web_message"}},
		{"jwt mode", "invalid_request", []string{"response_mode", "jwt"}},
		{"no scope", "invalid_scope", []string{"scope", ""}},
		{"no openid", "invalid_scope", []string{"scope", "profile email"}},
		{"openid in capitals", "invalid_scope", []string{"scope", "OPENID"}},
		{"no challenge", "invalid_request", []string{"code_challenge", "", "code_challenge_method", ""}},
		{"method without challenge", "invalid_request", []string{"code_challenge", ""}},
		{"plain", "invalid_request", []string{"code_challenge_method", "plain"}},
		{"plain by default", "invalid_request", []string{"code_challenge_method", ""}},
		{"s256", "invalid_request", []string{"code_challenge_method", "s256"}},
		{"short challenge", "invalid_request", []string{"code_challenge", "abc"}},
		{"long challenge", "invalid_request", []string{"code_challenge", strings.Repeat("a", 44)}},
		{"padded challenge", "invalid_request", []string{"code_challenge", strings.Repeat("a", 42) + "="}},
		{"prompt", "invalid_request", []string{"prompt", "create"}},
		{"none and login", "invalid_request", []string{"prompt", "none login"}},
		{"max_age in words", "invalid_request", []string{"max_age", "abc"}},
		{"negative max_age", "invalid_request", []string{"max_age", "-1"}},
		{"huge max_age", "invalid_request", []string{"max_age", "99999999999999999999"}},
		{"fractional max_age", "invalid_request", []string{"max_age", "1.5"}},
		{"request object", "request_not_supported", []string{"request", "a.b.c"}},
		{"request_uri", "request_uri_not_supported", []string{"request_uri", "https://store.example.jp/r"}},
		{"registration", "registration_not_supported", []string{"registration", "{}"}},
		{"hint", "invalid_request", []string{"id_token_hint", "x"}},
		{"forged hint", "invalid_request", []string{"id_token_hint", hint()}},
		{"long nonce", "invalid_request", []string{"nonce", strings.Repeat("n", 2049)}},
		{"nobody is signed in", "login_required", []string{"prompt", "none"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			rp := a.RelyingParty(t, "store")
			wantTold(t, a, a.NewBrowser(t).Get(rp.AuthorizeURL(c.changes...)), rp.RedirectURI, c.code)
			if slices.Contains(c.changes, "response_mode") {
				return
			}
			p := a.NewBrowser(t).Get(rp.AuthorizeURL(append(c.changes, "response_mode", "form_post")...))
			if p.Status != http.StatusOK {
				t.Fatalf("form_post: %d to %s", p.Status, p.Location())
			}
			wantTold(t, a, p, rp.RedirectURI, c.code)
		})
	}
	t.Run("parameter twice", func(t *testing.T) {
		rp := a.RelyingParty(t, "store")
		for _, name := range []string{"scope", "nonce", "response_type", "prompt", "max_age", "code_challenge", "something"} {
			q := rp.Request(name, "x")
			q.Add(name, "y")
			wantTold(t, a, a.NewBrowser(t).Get("/authorize?"+q.Encode()), rp.RedirectURI, "invalid_request")
		}
		// Two states are none, and so none goes back.
		q := rp.Request()
		q.Add("state", "state-2")
		got := answerOf(t, a.NewBrowser(t).Get("/authorize?"+q.Encode()), rp.RedirectURI)
		if got.Get("error") != "invalid_request" || got.Has("state") {
			t.Errorf("answer = %v", got)
		}
	})
	t.Run("grant", func(t *testing.T) {
		c := store.InsertClientParams{
			SurfaceID: "store", AuthMethod: "none", RedirectURIs: []byte(`["https://x.example/cb"]`), PostLogoutRedirectURIs: []byte(`[]`),
			GrantTypes: []byte(`["client_credentials"]`), Scopes: []byte(`["openid"]`), IDTokenAlg: "ES256", Now: a.Clock.Now(),
		}
		a.AddClient(t, "machine", c)
		if err := a.Provider.ReloadClients(t.Context()); err != nil {
			t.Fatal(err)
		}
		rp := a.RelyingParty(t, "machine")
		rp.RedirectURI = "https://x.example/cb"
		wantTold(t, a, a.NewBrowser(t).Get(rp.AuthorizeURL()), rp.RedirectURI, "unauthorized_client")
	})
}

// The description helps a developer; what the request held has no place in it.
func TestAuthorizeErrorsDoNotEcho(t *testing.T) {
	a := testapp.New(t)
	rp := a.RelyingParty(t, "store")
	for _, name := range []string{"response_type", "prompt", "max_age", "scope", "response_mode", "code_challenge_method", "id_token_hint", "client_id", "redirect_uri"} {
		p := a.NewBrowser(t).Get(rp.AuthorizeURL(name, "zzz<script>\u2028 evil"))
		if strings.Contains(p.Header.Get("Location"), "zzz") {
			t.Errorf("%s comes back: %q", name, p.Header.Get("Location"))
		}
		if strings.Contains(p.Body, "<script>\u2028") {
			t.Errorf("%s comes back unescaped", name)
		}
	}
}

func TestFormPost(t *testing.T) {
	a := testapp.New(t)
	rp := a.RelyingParty(t, "store")
	state := `"><script>&'` + "漢字 "
	p := a.SignIn(t, a.NewBrowser(t), rp.AuthorizeURL("response_mode", "form_post", "state", state), "suzuki")
	q := answerOf(t, p, rp.RedirectURI)
	if q.Get("state") != state || q.Get("iss") != a.URL || q.Get("code") == "" || len(q) != 3 {
		t.Errorf("answer = %v", q)
	}
	if csp := p.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "form-action 'self' https://store.example.jp;") ||
		strings.Contains(csp, "unsafe") || !strings.Contains(csp, "script-src 'self';") {
		t.Errorf("Content-Security-Policy = %q", csp)
	}
	if strings.Contains(p.Body, "<script>&") || regexp.MustCompile(`(?i)\son[a-z]+=`).MatchString(p.Body) {
		t.Errorf("page holds inline script:\n%s", p.Body)
	}
	if !strings.Contains(p.Body, "<noscript") && !strings.Contains(p.Body, `type="submit"`) && !strings.Contains(p.Body, "<button") {
		t.Error("no button for browsers without scripts")
	}
	if p.Header.Get("Cache-Control") != "no-store" || p.Header.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("headers = %v", p.Header)
	}
	if r := rp.Redeem(q.Get("code")); r.Status != http.StatusOK {
		t.Errorf("redeem: %d %s", r.Status, r.Body)
	}
}

func TestStateAndNonceComeBackAsTheyWere(t *testing.T) {
	a := testapp.New(t)
	rp := a.RelyingParty(t, "store")
	for _, value := range []string{"a b+c%20&d=e#f", "状態\u2028\"'<>", strings.Repeat("x", 2048), "0"} {
		b := a.NewBrowser(t)
		p := a.SignIn(t, b, rp.AuthorizeURL("state", value, "nonce", value), "suzuki")
		q := answerOf(t, p, rp.RedirectURI)
		if q.Get("state") != value {
			t.Errorf("state %q came back as %q", value, q.Get("state"))
		}
		if got := rp.Redeem(q.Get("code")).IDToken(t)["nonce"]; got != value {
			t.Errorf("nonce %q came back as %q", value, got)
		}
	}
	b := a.NewBrowser(t)
	q := answerOf(t, a.SignIn(t, b, rp.AuthorizeURL("state", "", "nonce", ""), "suzuki"), rp.RedirectURI)
	if q.Has("state") {
		t.Errorf("a state nobody sent: %v", q)
	}
	if _, ok := rp.Redeem(q.Get("code")).IDToken(t)["nonce"]; ok {
		t.Error("a nonce nobody sent")
	}
}

func TestRedirectURIWithQuery(t *testing.T) {
	a := testapp.New(t)
	c := store.InsertClientParams{
		SurfaceID: "store", AuthMethod: "none", RedirectURIs: []byte(`["https://x.example/cb?shop=1"]`), PostLogoutRedirectURIs: []byte(`[]`),
		GrantTypes: []byte(`["authorization_code"]`), Scopes: []byte(`["openid"]`), IDTokenAlg: "ES256", RequirePkce: true, Now: a.Clock.Now(),
	}
	a.AddClient(t, "query", c)
	if err := a.Provider.ReloadClients(t.Context()); err != nil {
		t.Fatal(err)
	}
	rp := a.RelyingParty(t, "query")
	rp.Secret, rp.RedirectURI = "", "https://x.example/cb?shop=1"
	p := a.SignIn(t, a.NewBrowser(t), rp.AuthorizeURL(), "suzuki")
	if q := p.Location().Query(); q.Get("shop") != "1" || q.Get("code") == "" || q.Get("state") != "state-1" {
		t.Errorf("redirect to %s", p.Location())
	}
}

func TestPostedAuthorizationRequest(t *testing.T) {
	a := testapp.New(t)
	rp := a.RelyingParty(t, "store")
	b := a.NewBrowser(t)
	a.SignIn(t, b, rp.AuthorizeURL(), "suzuki")
	p := b.PostWith("/authorize", rp.Request("prompt", "none"), map[string]string{"Origin": "https://store.example.jp", "Sec-Fetch-Site": "cross-site"})
	if p.Status != http.StatusSeeOther || p.Location().Path != "/authorize" {
		t.Fatalf("%d %s", p.Status, p.Location())
	}
	if q := answerOf(t, b.Get(p.Location().RequestURI()), rp.RedirectURI); q.Get("code") == "" {
		t.Errorf("answer = %v", q)
	}
	if p := b.PostWith("/authorize", url.Values{"x": {strings.Repeat("x", 70<<10)}}, nil); p.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("oversized: %d", p.Status)
	}
}

func TestPrompt(t *testing.T) {
	a := testapp.New(t)
	rp := a.RelyingParty(t, "store")
	b := a.NewBrowser(t)
	first := rp.TokensOf(b, "suzuki").IDToken(t)
	a.Clock.Advance(time.Minute)

	t.Run("none with a session", func(t *testing.T) {
		code := answerOf(t, b.Get(rp.AuthorizeURL("prompt", "none")), rp.RedirectURI).Get("code")
		if got := rp.Redeem(code).IDToken(t); got["auth_time"] != first["auth_time"] || got["sub"] != first["sub"] || got["sid"] != first["sid"] {
			t.Errorf("claims = %v, first %v", got, first)
		}
	})
	for _, prompt := range []string{"login", "select_account", "login consent"} {
		t.Run(prompt, func(t *testing.T) {
			a.Clock.Advance(time.Minute)
			p := b.Open(rp.AuthorizeURL("prompt", prompt))
			if p.URL.Path != "/signin" {
				t.Fatalf("%d %s", p.Status, p.URL)
			}
			got := rp.TokensOf(b, "suzuki", "prompt", prompt).IDToken(t)
			if got["auth_time"] != float64(a.Clock.Now().Unix()) {
				t.Errorf("auth_time = %v, want %v", got["auth_time"], a.Clock.Now().Unix())
			}
		})
	}
	t.Run("consent", func(t *testing.T) {
		// The shop's own client: it is asked because the request says so, and nothing is remembered.
		for range 2 {
			p := b.Open(rp.AuthorizeURL("prompt", "consent"))
			if p.URL.Path != "/signin/consent" {
				t.Fatalf("%d %s", p.Status, p.URL)
			}
			if q := answerOf(t, b.Submit(p.URL.RequestURI(), testapp.Decision(p, "allow")), rp.RedirectURI); q.Get("code") == "" {
				t.Errorf("answer = %v", q)
			}
		}
		if q := answerOf(t, b.Get(rp.AuthorizeURL()), rp.RedirectURI); q.Get("code") == "" {
			t.Errorf("answer = %v", q)
		}
	})
	t.Run("none when a second factor is demanded", func(t *testing.T) {
		enforce(t, a, "store", true)
		wantTold(t, a, b.Get(rp.AuthorizeURL("prompt", "none")), rp.RedirectURI, "interaction_required")
		enforce(t, a, "store", false)
	})
	t.Run("none when a level is demanded", func(t *testing.T) {
		wantTold(t, a, b.Get(rp.AuthorizeURL("prompt", "none", "acr_values", signin.Level2FAEmail.ACR())), rp.RedirectURI, "interaction_required")
		wantTold(t, a, b.Get(rp.AuthorizeURL("prompt", "none", "acr_values", signin.Level2FA.ACR())), rp.RedirectURI, "interaction_required")
	})
	t.Run("none when the proof is old", func(t *testing.T) {
		a.Clock.Advance(time.Minute)
		wantTold(t, a, b.Get(rp.AuthorizeURL("prompt", "none", "max_age", "30")), rp.RedirectURI, "login_required")
	})
	t.Run("none after the session is idle", func(t *testing.T) {
		a.Clock.Advance(61 * time.Minute)
		wantTold(t, a, b.Get(rp.AuthorizeURL("prompt", "none")), rp.RedirectURI, "login_required")
	})
}

func enforce(t *testing.T, a *testapp.App, surface string, on bool) {
	t.Helper()
	err := a.DB.InTx(t.Context(), func(tx *store.Tx) error {
		_, err := tx.SetSurfaceEnforced(t.Context(), store.SetSurfaceEnforcedParams{ID: surface, Enforced: on, Former: !on, Now: a.Clock.Now()})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestMaxAge(t *testing.T) {
	a := testapp.New(t)
	rp := a.RelyingParty(t, "store")
	b := a.NewBrowser(t)
	a.SignIn(t, b, rp.AuthorizeURL(), "suzuki")
	a.Clock.Advance(100 * time.Second)
	for _, c := range []struct {
		age   string
		again bool
	}{{"10000", false}, {"101", false}, {"100", false}, {"99", true}, {"1", true}, {"0", true}} {
		p := b.Open(rp.AuthorizeURL("max_age", c.age))
		if again := p.URL.Path == "/signin"; again != c.again {
			t.Errorf("max_age %s: sign-in again is %v", c.age, again)
		}
	}
	got := rp.TokensOf(b, "suzuki", "max_age", "1").IDToken(t)
	if got["auth_time"] != float64(a.Clock.Now().Unix()) {
		t.Errorf("auth_time = %v", got["auth_time"])
	}
}

func TestLoginHint(t *testing.T) {
	a := testapp.New(t)
	rp := a.RelyingParty(t, "store")
	for _, hint := range []string{"suzuki", `"><b>x</b>`, "nobody@example.jp"} {
		p := a.NewBrowser(t).Open(rp.AuthorizeURL("login_hint", hint))
		if !strings.Contains(p.Body, `value="`+html.EscapeString(hint)+`"`) && !strings.Contains(html.UnescapeString(p.Body), `value="`+hint+`"`) {
			t.Errorf("hint %q is not filled in", hint)
		}
		if strings.Contains(p.Body, "<b>x") {
			t.Error("the hint is not escaped")
		}
	}
}

func TestIDTokenHint(t *testing.T) {
	a := testapp.New(t)
	rp := a.RelyingParty(t, "store")
	suzuki, tanaka := a.NewBrowser(t), a.NewBrowser(t)
	hint := rp.TokensOf(suzuki, "suzuki").Str("id_token")
	rp.TokensOf(tanaka, "tanaka")

	if q := answerOf(t, suzuki.Get(rp.AuthorizeURL("prompt", "none", "id_token_hint", hint)), rp.RedirectURI); q.Get("code") == "" {
		t.Errorf("own hint: %v", q)
	}
	// Somebody else is signed in: the relying party must not be given that person.
	wantTold(t, a, tanaka.Get(rp.AuthorizeURL("prompt", "none", "id_token_hint", hint)), rp.RedirectURI, "login_required")
	p := tanaka.Open(rp.AuthorizeURL("id_token_hint", hint))
	if p.URL.Path != "/signin" {
		t.Fatalf("with another's hint: %d %s", p.Status, p.URL)
	}
	b := a.NewBrowser(t)
	wantTold(t, a, a.SignIn(t, b, rp.AuthorizeURL("id_token_hint", hint), "tanaka"), rp.RedirectURI, "login_required")
	if q := answerOf(t, a.SignIn(t, a.NewBrowser(t), rp.AuthorizeURL("id_token_hint", hint), "suzuki"), rp.RedirectURI); q.Get("code") == "" {
		t.Errorf("the hinted person: %v", q)
	}
	// An expired token is still a hint.
	a.Clock.Advance(50 * time.Minute)
	if q := answerOf(t, suzuki.Get(rp.AuthorizeURL("prompt", "none", "id_token_hint", hint)), rp.RedirectURI); q.Get("code") == "" {
		t.Errorf("expired hint: %v", q)
	}
}

func TestUILocales(t *testing.T) {
	a := testapp.New(t)
	rp := a.RelyingParty(t, "store")
	for locales, want := range map[string]string{
		"en": "en", "ja": "ja", "en-GB": "en", "fr en": "en", "fr": "ja", "": "ja", "../../etc": "ja", "EN": "en", "ja-JP en": "ja",
	} {
		p := a.NewBrowser(t).Open(rp.AuthorizeURL("ui_locales", locales))
		if !strings.Contains(p.Body, `<html lang="`+want+`"`) {
			t.Errorf("ui_locales %q: page is not in %s", locales, want)
		}
	}
}

func TestACRValues(t *testing.T) {
	email, full, single := signin.Level2FAEmail.ACR(), signin.Level2FA.ACR(), signin.Level1FA.ACR()
	for _, c := range []struct {
		name, login, values string
		acr                 any // nil: cannot be reached
		amr                 []any
	}{
		{"nothing asked", "suzuki", "", single, []any{"pwd"}},
		{"single", "suzuki", single, single, []any{"pwd"}},
		{"unknown is passed over", "suzuki", "urn:example:gold", single, []any{"pwd"}},
		{"email by set-up", "suzuki", email, email, []any{"pwd", "mca", "mfa"}},
		{"lowest of several", "suzuki", full + " " + single, single, []any{"pwd"}},
		{"full by set-up", "suzuki", full, full, []any{"pwd", "otp", "mfa"}},
		{"email by challenge", "sato", email, email, []any{"pwd", "mca", "mfa"}},
		{"phr out of reach with factor", "sato", "phr", nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := testapp.New(t)
			rp := a.RelyingParty(t, "store")
			p := a.SignIn(t, a.NewBrowser(t), rp.AuthorizeURL("acr_values", c.values), c.login)
			if c.acr == nil {
				wantTold(t, a, p, rp.RedirectURI, "unmet_authentication_requirements")
				return
			}
			claims := rp.Redeem(answerOf(t, p, rp.RedirectURI).Get("code")).IDToken(t)
			if diff := cmp.Diff([]any{c.acr, c.amr}, []any{claims["acr"], claims["amr"]}); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("essential acr of the claims parameter", func(t *testing.T) {
		a := testapp.New(t)
		rp := a.RelyingParty(t, "store")
		asks := func(acr string) string { return `{"id_token":{"acr":{"essential":true,"value":"` + acr + `"}}}` }
		claims := rp.Redeem(a.CodeOf(t, a.NewBrowser(t), rp.AuthorizeURL("claims", asks(full)), "suzuki")).IDToken(t)
		if claims["acr"] != full {
			t.Errorf("claims = %v", claims)
		}
		wantTold(t, a, a.NewBrowser(t).Get(rp.AuthorizeURL("claims", asks("urn:example:gold"))), rp.RedirectURI, "unmet_authentication_requirements")
		wantTold(t, a, a.NewBrowser(t).Get(rp.AuthorizeURL("claims", "[]")), rp.RedirectURI, "invalid_request")
		wantTold(t, a, a.SignIn(t, a.NewBrowser(t), rp.AuthorizeURL("claims", asks("phr")), "sato"), rp.RedirectURI, "unmet_authentication_requirements")
	})
	t.Run("sub of the claims parameter", func(t *testing.T) {
		a := testapp.New(t)
		rp := a.RelyingParty(t, "store")
		p := a.SignIn(t, a.NewBrowser(t), rp.AuthorizeURL("claims", `{"id_token":{"sub":{"value":"somebody-else"}}}`), "suzuki")
		wantTold(t, a, p, rp.RedirectURI, "login_required")
	})
	t.Run("full by backup code", func(t *testing.T) {
		a := testapp.New(t)
		rp := a.RelyingParty(t, "store")
		b := a.NewBrowser(t)
		// An email code does not reach what is asked, so it is not offered.
		p := a.Password(t, b, rp.AuthorizeURL("acr_values", full), "sato")
		if p.URL.Path != "/signin/challenge/methods" || strings.Contains(p.Body, "/signin/challenge/email") {
			t.Fatalf("%d %s", p.Status, p.URL)
		}
		p = b.Submit("/signin/challenge/backup?flow="+p.Flow(), url.Values{"code": {a.BackupCodes["sato"][0]}})
		claims := rp.Redeem(answerOf(t, p, rp.RedirectURI).Get("code")).IDToken(t)
		if claims["acr"] != full {
			t.Errorf("claims = %v", claims)
		}
	})
	t.Run("step-up of a session", func(t *testing.T) {
		a := testapp.New(t)
		rp := a.RelyingParty(t, "store")
		b := a.NewBrowser(t)
		first := rp.TokensOf(b, "suzuki").IDToken(t)
		p := b.Open(rp.AuthorizeURL("acr_values", email))
		if p.URL.Path != "/signin/two-factor" {
			t.Fatalf("step-up asks for %s", p.URL)
		}
		second := rp.Redeem(a.CodeOf(t, b, rp.AuthorizeURL("acr_values", email), "suzuki")).IDToken(t)
		if second["acr"] != email || second["sid"] != first["sid"] {
			t.Errorf("claims = %v, first %v", second, first)
		}
	})
}

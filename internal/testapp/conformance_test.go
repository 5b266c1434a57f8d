package testapp_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"html"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/store"
)

// The conformance tests ask what the modules of the OpenID Foundation's conformance suite ask, under the modules' names and in the
// order of the plans. They are written anew from the modules' descriptions and the standards: the suite itself wants an address on
// the internet and a person at the browser. What the suite only warns of is an error here, unless a comment says otherwise.

// The clients of the plans. A static client of the Basic plan sends no PKCE, and RS256 is the standard's default.
const (
	suiteCallback = "https://suite.example.jp/test/a/futakagi/callback"
	suiteFirst    = "suite"
	suiteSecond   = "suite-second"
	suitePost     = "suite-post"
)

// suite is what a module has at hand.
type suite struct {
	*testapp.App
	// mode is the response mode that the plan asks for; empty asks for none.
	mode string
	rp   *testapp.RelyingParty
	// home is a browser that is signed in, for modules that are about something else. login is who signs in.
	home  *testapp.Browser
	login string
	// op is a library's view of the provider.
	op       *oidc.Provider
	metadata map[string]any
}

// module is one of a plan. It has a reason why it does not apply, or what it asks.
type module struct {
	name string
	skip string
	ask  func(t *testing.T, s *suite)
}

// newSuite registers the clients of the plans and signs a person in.
func newSuite(t *testing.T, a *testapp.App, mode string) *suite {
	t.Helper()
	secret := sha256.Sum256([]byte(testapp.ClientSecret))
	base := store.InsertClientParams{
		SurfaceID: "store", AuthMethod: "client_secret_basic", SecretHash: secret[:], IDTokenAlg: "RS256",
		RedirectURIs: json.RawMessage(`["` + suiteCallback + `"]`), PostLogoutRedirectURIs: json.RawMessage(`[]`),
		GrantTypes: json.RawMessage(`["authorization_code","refresh_token"]`),
		Scopes:     json.RawMessage(`["openid","profile","email","offline_access"]`), Now: a.Clock.Now(),
	}
	a.AddClient(t, suiteFirst, base)
	a.AddClient(t, suiteSecond, base)
	base.AuthMethod = "client_secret_post"
	a.AddClient(t, suitePost, base)
	if err := a.Provider.ReloadClients(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := &suite{App: a, mode: mode, login: "suzuki", home: a.NewBrowser(t)}
	s.rp = s.client(t, suiteFirst)
	var err error
	if s.op, err = oidc.NewProvider(t.Context(), a.URL); err != nil {
		t.Fatal(err)
	}
	if err := s.op.Claims(&s.metadata); err != nil {
		t.Fatal(err)
	}
	s.authorize(t, s.home)
	return s
}

func (s *suite) client(t *testing.T, id string) *testapp.RelyingParty {
	rp := s.RelyingParty(t, id)
	rp.RedirectURI = suiteCallback
	return rp
}

// runPlan runs a plan's modules one after the other.
func runPlan(t *testing.T, s *suite, plan []module) {
	for _, m := range plan {
		t.Run(m.name, func(t *testing.T) {
			if m.skip != "" {
				t.Skip("does not apply: " + m.skip)
			}
			m.ask(t, s)
		})
	}
}

// listed reports whether a list of the discovery document has a value.
func (s *suite) listed(member, value string) bool {
	values, _ := s.metadata[member].([]any)
	return slices.Contains(values, any(value))
}

// start is the path of a plain authorization request of the plan: no PKCE, no refresh, with changes as in Request.
func (s *suite) start(rp *testapp.RelyingParty, changes ...string) string {
	plain := []string{"scope", "openid", "code_challenge", "", "code_challenge_method", "", "response_mode", s.mode}
	return rp.AuthorizeURL(append(plain, changes...)...)
}

var hiddenField = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`)

// answer reads an authorization response in the plan's mode. In form_post errors come by POST like everything else
// (CheckCallbackHttpMethodIsPost), and nothing is in the URL.
func (s *suite) answer(t *testing.T, p testapp.Page) url.Values {
	t.Helper()
	if s.mode != "form_post" {
		rest, ok := strings.CutPrefix(p.Header.Get("Location"), suiteCallback+"?")
		if !ok || p.Status != http.StatusSeeOther && p.Status != http.StatusFound {
			t.Fatalf("no answer: %d %s to %q\n%s", p.Status, p.URL, p.Header.Get("Location"), p.Body)
		}
		q, err := url.ParseQuery(rest)
		if err != nil {
			t.Fatal(err)
		}
		return q
	}
	if p.Status != http.StatusOK || !strings.Contains(p.Body, `method="post"`) || !strings.Contains(p.Body, `action="`+suiteCallback+`"`) {
		t.Fatalf("no form for the relying party: %d %s\n%s", p.Status, p.URL, p.Body)
	}
	if !strings.Contains(p.Header.Get("Content-Security-Policy"), "https://suite.example.jp") {
		t.Errorf("the browser may not post the form: %q", p.Header.Get("Content-Security-Policy"))
	}
	q := url.Values{}
	for _, m := range hiddenField.FindAllStringSubmatch(p.Body, -1) {
		q.Add(html.UnescapeString(m[1]), html.UnescapeString(m[2]))
	}
	return q
}

// granted is an answer that must hold a code.
func (s *suite) granted(t *testing.T, p testapp.Page, state string) string {
	t.Helper()
	q := s.answer(t, p)
	if q.Get("state") != state || q.Get("iss") != s.URL || len(q) != 3 {
		t.Errorf("answer = %v", q)
	}
	// EnsureMinimumAuthorizationCodeLength and …Entropy: 128 bits are 22 characters of base64.
	if len(q.Get("code")) < 22 {
		t.Fatalf("code %q", q.Get("code"))
	}
	return q.Get("code")
}

// refused is an answer that must hold one of some errors (OpenID Connect Core 3.1.2.6, RFC 6749 4.1.2.1).
func (s *suite) refused(t *testing.T, p testapp.Page, state string, codes ...string) {
	t.Helper()
	q := s.answer(t, p)
	if !slices.Contains(codes, q.Get("error")) || q.Get("state") != state || q.Get("iss") != s.URL || q.Has("code") {
		t.Errorf("answer = %v, want %v", q, codes)
	}
	for name := range q {
		if !slices.Contains([]string{"error", "error_description", "error_uri", "state", "iss"}, name) {
			t.Errorf("unexpected parameter %s", name)
		}
	}
	s.describes(t, q.Get("error_description"))
}

// describes checks the characters of an error_description (RFC 6749 4.1.2.1 and 5.2).
func (*suite) describes(t *testing.T, description string) {
	t.Helper()
	if description == "" || strings.ContainsFunc(description, func(r rune) bool { return r < 0x20 || r > 0x7e || r == '"' || r == '\\' }) {
		t.Errorf("error_description = %q", description)
	}
}

// authorize goes through an authorization in a browser, with a sign-in where one is asked for, and returns the code.
func (s *suite) authorize(t *testing.T, b *testapp.Browser, changes ...string) string {
	t.Helper()
	return s.granted(t, s.SignIn(t, b, s.start(s.rp, changes...), s.login), "state-1")
}

// issued is what the token endpoint said, and the ID token as a library verified it.
type issued struct {
	testapp.Reply
	id     *oidc.IDToken
	claims map[string]any
}

// redeem presents a code and judges the answer (OpenID Connect Core 3.1.3.3 to 3.1.3.7).
func (s *suite) redeem(t *testing.T, rp *testapp.RelyingParty, code string, changes ...string) issued {
	t.Helper()
	return s.judge(t, rp, rp.Redeem(code, append([]string{"code_verifier", ""}, changes...)...), "nonce-1")
}

func (s *suite) judge(t *testing.T, rp *testapp.RelyingParty, r testapp.Reply, nonce string) issued {
	t.Helper()
	if r.Status != http.StatusOK {
		t.Fatalf("token endpoint: %d %s", r.Status, r.Body)
	}
	s.isJSON(t, r)
	if !strings.Contains(r.Header.Get("Cache-Control"), "no-store") {
		t.Errorf("Cache-Control = %q", r.Header.Get("Cache-Control"))
	}
	lifetime, _ := r.JSON["expires_in"].(float64)
	if !strings.EqualFold(r.Str("token_type"), "Bearer") || r.Str("access_token") == "" || lifetime < 1 {
		t.Errorf("token response: %v", slices.Sorted(maps.Keys(r.JSON)))
	}
	got := issued{Reply: r}
	verifier := s.op.Verifier(&oidc.Config{ClientID: rp.ID, SupportedSigningAlgs: []string{oidc.RS256}, Now: s.Clock.Now})
	var err error
	if got.id, err = verifier.Verify(t.Context(), r.Str("id_token")); err != nil {
		t.Fatal(err)
	}
	if err := got.id.Claims(&got.claims); err != nil {
		t.Fatal(err)
	}
	if err := got.id.VerifyAccessToken(r.Str("access_token")); err != nil {
		t.Errorf("at_hash: %v", err)
	}
	if got.id.Nonce != nonce || len(got.id.Subject) == 0 || len(got.id.Subject) > 255 || got.id.IssuedAt.After(s.Clock.Now().Add(time.Minute)) {
		t.Errorf("ID token: %v", got.claims)
	}
	if azp, has := got.claims["azp"]; has && azp != rp.ID {
		t.Errorf("azp = %v", azp)
	}
	return got
}

func (*suite) isJSON(t *testing.T, r testapp.Reply) {
	t.Helper()
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" || r.JSON == nil {
		t.Errorf("Content-Type = %q of %d %s", r.Header.Get("Content-Type"), r.Status, r.Body)
	}
}

// flow is a whole round: authorization and code exchange.
func (s *suite) flow(t *testing.T, b *testapp.Browser, changes ...string) issued {
	t.Helper()
	return s.redeem(t, s.rp, s.authorize(t, b, changes...))
}

// userinfo judges an answer of the userinfo endpoint (OpenID Connect Core 5.3.2).
func (*suite) userinfo(t *testing.T, r testapp.Reply, of issued) {
	t.Helper()
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if r.Status != http.StatusOK || kind != "application/json" || r.Str("sub") != of.id.Subject {
		t.Errorf("userinfo: %d %q %s", r.Status, r.Header.Get("Content-Type"), r.Body)
	}
}

func b64(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// jwtHeader reads the header of a JWT.
func jwtHeader(t *testing.T, raw string) map[string]any {
	t.Helper()
	encoded, _, _ := strings.Cut(raw, ".")
	text, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	var header map[string]any
	if err := json.Unmarshal(text, &header); err != nil {
		t.Fatal(err)
	}
	return header
}

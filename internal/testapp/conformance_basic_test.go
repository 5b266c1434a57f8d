package testapp_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/futakagi/futakagi/internal/testapp"
)

// TestConformance_Basic is the plan oidcc-basic-certification-test-plan with a static client.
func TestConformance_Basic(t *testing.T) {
	t.Parallel()
	testapp.Each(t, func(t *testing.T, a *testapp.App) { runPlan(t, newSuite(t, a, ""), basicPlan()) })
}

// basicPlan lists the modules of the Basic OP plan.
func basicPlan() []module {
	const (
		noScope = "scopes_supported does not list what it asks for; the suite skips it"
		noNone  = "id_token_signing_alg_values_supported does not list none; the suite skips it"
	)
	return []module{
		{name: "oidcc-server", ask: moduleServer},
		{name: "oidcc-response-type-missing", ask: moduleResponseTypeMissing},
		{name: "oidcc-idtoken-signature", ask: moduleIDTokenSignature},
		{name: "oidcc-idtoken-unsigned", skip: noNone},
		{name: "oidcc-userinfo-get", ask: moduleUserinfoGet},
		{name: "oidcc-userinfo-post-header", ask: moduleUserinfoPostHeader},
		{name: "oidcc-userinfo-post-body", ask: moduleUserinfoPostBody},
		{name: "oidcc-ensure-request-without-nonce-succeeds-for-code-flow", ask: moduleNoNonce},
		{name: "oidcc-scope-profile", ask: moduleScopeProfile},
		{name: "oidcc-scope-email", ask: moduleScopeEmail},
		{name: "oidcc-scope-address", skip: noScope},
		{name: "oidcc-scope-phone", skip: noScope},
		{name: "oidcc-scope-all", skip: noScope},
		{name: "oidcc-alternate-happy-flow", ask: moduleAlternateHappyFlow},
		{name: "oidcc-display-page", ask: shown("display", "page")},
		{name: "oidcc-display-popup", ask: shown("display", "popup")},
		{name: "oidcc-prompt-login", ask: modulePromptLogin},
		{name: "oidcc-prompt-none-not-logged-in", ask: modulePromptNoneNotLoggedIn},
		{name: "oidcc-prompt-none-logged-in", ask: modulePromptNoneLoggedIn},
		{name: "oidcc-max-age-1", ask: moduleMaxAge1},
		{name: "oidcc-max-age-10000", ask: moduleMaxAge10000},
		{name: "oidcc-ensure-request-with-unknown-parameter-succeeds", ask: passedOver("extra", "foobar")},
		{name: "oidcc-id-token-hint", ask: moduleIDTokenHint},
		{name: "oidcc-login-hint", ask: moduleLoginHint},
		{name: "oidcc-ui-locales", ask: moduleUILocales},
		{name: "oidcc-claims-locales", ask: passedOver("claims_locales", "se")},
		{name: "oidcc-ensure-request-with-acr-values-succeeds", ask: moduleACRValues},
		{name: "oidcc-codereuse", ask: moduleCodeReuse},
		{name: "oidcc-codereuse-30seconds", ask: moduleCodeReuse30},
		{name: "oidcc-ensure-registered-redirect-uri", ask: moduleRegisteredRedirectURI},
		{name: "oidcc-ensure-post-request-succeeds", ask: modulePostRequest},
		{name: "oidcc-server-client-secret-post", ask: moduleServerSecretPost},
		{name: "oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported", ask: moduleRequestURI},
		{name: "oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported", ask: moduleRequestObject},
		{name: "oidcc-claims-essential", ask: moduleClaimsEssential},
		{name: "oidcc-ensure-request-object-with-redirect-uri", ask: moduleRequestObjectRedirectURI},
		{name: "oidcc-refresh-token", ask: moduleRefreshToken},
		{name: "oidcc-ensure-request-with-valid-pkce-succeeds", ask: modulePKCE},
	}
}

// TestConformanceSkipsWhatIsNotPromised holds the reasons for what the Basic plan leaves out.
func TestConformanceSkipsWhatIsNotPromised(t *testing.T) {
	t.Parallel()
	s := newSuite(t, testapp.New(t), "")
	for _, m := range basicPlan() {
		if m.skip == "" {
			continue
		}
		promised := s.listed("id_token_signing_alg_values_supported", "none")
		if scope, ok := strings.CutPrefix(m.name, "oidcc-scope-"); ok {
			promised = s.listed("scopes_supported", scope) || scope == "all" && s.listed("scopes_supported", "address") && s.listed("scopes_supported", "phone")
		}
		if promised {
			t.Errorf("%s is skipped, but discovery promises what it asks for", m.name)
		}
	}
}

// TestConformanceIsWrittenDown: the page about it has every module, in order, and says what does not apply.
func TestConformanceIsWrittenDown(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/conformance.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "| `oidcc-") {
			rows = append(rows, line)
		}
	}
	plan := basicPlan()
	if len(rows) != len(plan) {
		t.Fatalf("%d rows for %d modules", len(rows), len(plan))
	}
	for i, m := range plan {
		if !strings.HasPrefix(rows[i], "| `"+m.name+"` |") || strings.Contains(rows[i], "does not apply") != (m.skip != "") {
			t.Errorf("module %s is written down as %s", m.name, rows[i])
		}
	}
	// The other plans are lists.
	module := regexp.MustCompile(`oidcc-[[:alnum:]-]+`)
	asked := map[string]bool{}
	for _, file := range []string{"conformance_dynamic_test.go", "conformance_logout_test.go"} {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range module.FindAllString(string(source), -1) {
			asked[name] = true
			if !strings.Contains(string(text), "`"+name+"`") && !strings.HasSuffix(name, "-") {
				t.Errorf("%s is not written down", name)
			}
		}
	}
	_, lists, _ := strings.Cut(string(text), "## Dynamic OP")
	for _, name := range module.FindAllString(lists, -1) {
		if !asked[name] && !strings.HasSuffix(name, "-certification-test-plan") {
			t.Errorf("%s is written down, and nothing asks it", name)
		}
	}
}

// moduleServer is the whole round with a second factor, without any session before it.
func moduleServer(t *testing.T, s *suite) {
	b := s.NewBrowser(t)
	got := s.redeem(t, s.rp, s.granted(t, s.SignIn(t, b, s.start(s.rp), "sato"), "state-1"))
	s.userinfo(t, s.Userinfo(t, got.Str("access_token")), got)
	// EnsureIdTokenDoesNotContainName, EnsureIdTokenDoesNotContainNonRequestedClaims: what no scope asked for is not told.
	for _, name := range []string{"name", "preferred_username", "email", "email_verified"} {
		if _, has := got.claims[name]; has {
			t.Errorf("ID token tells %s", name)
		}
	}
	if got.Str("refresh_token") != "" {
		t.Error("a refresh token that nobody asked for")
	}
}

func moduleResponseTypeMissing(t *testing.T, s *suite) {
	p := s.home.Get(s.start(s.rp, "response_type", ""))
	s.refused(t, p, "state-1", "invalid_request", "unsupported_response_type")
}

func moduleIDTokenSignature(t *testing.T, s *suite) {
	got := s.flow(t, s.home)
	header := jwtHeader(t, got.Str("id_token"))
	if header["alg"] != "RS256" || header["kid"] == "" || header["kid"] == nil {
		t.Errorf("header = %v", header)
	}
}

func moduleUserinfoGet(t *testing.T, s *suite) {
	got := s.flow(t, s.home)
	s.userinfo(t, s.Userinfo(t, got.Str("access_token")), got)
}

func moduleUserinfoPostHeader(t *testing.T, s *suite) {
	got := s.flow(t, s.home)
	s.userinfo(t, s.Ask(t, http.MethodPost, "/userinfo", "", "Authorization", "Bearer "+got.Str("access_token")), got)
}

func moduleUserinfoPostBody(t *testing.T, s *suite) {
	got := s.flow(t, s.home)
	form := url.Values{"access_token": {got.Str("access_token")}}
	s.userinfo(t, s.Ask(t, http.MethodPost, "/userinfo", form.Encode(), "Content-Type", "application/x-www-form-urlencoded"), got)
}

func moduleNoNonce(t *testing.T, s *suite) {
	code := s.authorize(t, s.home, "nonce", "")
	got := s.judge(t, s.rp, s.rp.Redeem(code, "code_verifier", ""), "")
	if _, has := got.claims["nonce"]; has {
		t.Error("a nonce that nobody sent")
	}
}

// told checks the claims that a scope stands for, as far as there is anything to tell (OpenID Connect Core 5.4).
func told(t *testing.T, s *suite, scope string, changes ...string) map[string]any {
	t.Helper()
	got := s.flow(t, s.home, append([]string{"scope", scope}, changes...)...)
	info := s.Userinfo(t, got.Str("access_token"))
	s.userinfo(t, info, got)
	return info.JSON
}

func moduleScopeProfile(t *testing.T, s *suite) {
	info := told(t, s, "openid profile")
	who := accountOf(t, s.App, s.login)
	if info["name"] != who.DisplayName || info["preferred_username"] != who.LoginID || info["email"] != nil {
		t.Errorf("userinfo = %v", info)
	}
}

func toldEmail(t *testing.T, s *suite, info map[string]any) {
	t.Helper()
	if info["email"] != accountOf(t, s.App, s.login).RegisteredEmail || info["email_verified"] != false || info["name"] != nil {
		t.Errorf("userinfo = %v", info)
	}
}

func moduleScopeEmail(t *testing.T, s *suite) { toldEmail(t, s, told(t, s, "openid email")) }

// moduleAlternateHappyFlow turns the scopes round, and the parameters, which url.Values always sorts.
func moduleAlternateHappyFlow(t *testing.T, s *suite) {
	path, query, _ := strings.Cut(s.start(s.rp, "scope", "email openid"), "?")
	pairs := strings.Split(query, "&")
	slices.Reverse(pairs)
	got := s.redeem(t, s.rp, s.granted(t, s.SignIn(t, s.home, path+"?"+strings.Join(pairs, "&"), s.login), "state-1"))
	toldEmail(t, s, s.Userinfo(t, got.Str("access_token")).JSON)
}

// passedOver is a module that sends a parameter which must do no harm.
func passedOver(name, value string) func(*testing.T, *suite) {
	return func(t *testing.T, s *suite) { s.flow(t, s.home, name, value) }
}

// shown is a module that sends a parameter which must do no harm to the sign-in page either.
func shown(name, value string) func(*testing.T, *suite) {
	return func(t *testing.T, s *suite) { s.flow(t, s.NewBrowser(t), name, value) }
}

// again checks that a second request asks the person to sign in, and that the ID token tells of it.
func again(t *testing.T, s *suite, changes ...string) {
	t.Helper()
	b := s.NewBrowser(t)
	first := s.flow(t, b)
	s.Pass(t, 2*time.Second)
	if p := b.Open(s.start(s.rp, changes...)); p.URL.Path != "/signin" || p.Status != http.StatusOK {
		t.Fatalf("second authorization: %d %s", p.Status, p.URL)
	}
	second := s.flow(t, b, changes...)
	before, ok := first.claims["auth_time"].(float64)
	after, there := second.claims["auth_time"].(float64)
	if !ok || !there || after <= before || after < float64(s.Clock.Now().Unix()) || first.id.Subject != second.id.Subject {
		t.Errorf("auth_time was %v, is %v", first.claims["auth_time"], second.claims["auth_time"])
	}
}

func modulePromptLogin(t *testing.T, s *suite) { again(t, s, "prompt", "login") }

func moduleMaxAge1(t *testing.T, s *suite) { again(t, s, "max_age", "1") }

func modulePromptNoneNotLoggedIn(t *testing.T, s *suite) {
	state := strings.Repeat("0123456789ABCDEFabcdef-_.~%+ /&=", 4)
	p := s.NewBrowser(t).Get(s.start(s.rp, "prompt", "none", "state", state))
	s.refused(t, p, state, "login_required", "interaction_required", "session_selection_required", "consent_required")
}

// twice checks that a second request asks the person nothing and speaks of the same sign-in.
func twice(t *testing.T, s *suite, first []string, second func(former issued) []string) {
	t.Helper()
	b := s.NewBrowser(t)
	was := s.flow(t, b, first...)
	s.Pass(t, 2*time.Second)
	code := s.granted(t, b.Get(s.start(s.rp, second(was)...)), "state-1")
	is := s.redeem(t, s.rp, code)
	if was.claims["auth_time"] == nil || was.claims["auth_time"] != is.claims["auth_time"] || was.id.Subject != is.id.Subject {
		t.Errorf("first %v, second %v", was.claims, is.claims)
	}
}

func modulePromptNoneLoggedIn(t *testing.T, s *suite) {
	twice(t, s, nil, func(issued) []string { return []string{"prompt", "none"} })
}

func moduleMaxAge10000(t *testing.T, s *suite) {
	twice(t, s, []string{"max_age", "15000"}, func(issued) []string { return []string{"max_age", "10000"} })
}

func moduleIDTokenHint(t *testing.T, s *suite) {
	twice(t, s, nil, func(former issued) []string {
		return []string{"prompt", "none", "id_token_hint", former.Str("id_token")}
	})
}

func moduleLoginHint(t *testing.T, s *suite) {
	b := s.NewBrowser(t)
	if p := b.Open(s.start(s.rp, "login_hint", "suzuki")); !strings.Contains(p.Body, `value="suzuki"`) {
		t.Errorf("the sign-in page does not take the hint: %d %s", p.Status, p.URL)
	}
	s.flow(t, b, "login_hint", "suzuki")
}

func moduleUILocales(t *testing.T, s *suite) {
	b := s.NewBrowser(t)
	if p := b.Open(s.start(s.rp, "ui_locales", "en")); !strings.Contains(p.Body, `lang="en"`) {
		t.Errorf("the sign-in page is not in the language asked for: %d %s", p.Status, p.URL)
	}
	s.flow(t, b, "ui_locales", "se")
}

// moduleACRValues asks for everything that discovery lists, by which any of them will do.
func moduleACRValues(t *testing.T, s *suite) {
	listed, _ := s.metadata["acr_values_supported"].([]any)
	var asked []string
	for _, v := range listed {
		asked = append(asked, fmt.Sprint(v))
	}
	got := s.flow(t, s.home, "acr_values", strings.Join(asked, " "))
	if len(asked) == 0 || !slices.Contains(listed, got.claims["acr"]) {
		t.Errorf("acr = %v of %v", got.claims["acr"], asked)
	}
}

// reused presents a spent code and judges the refusal (RFC 6749 5.2).
func reused(t *testing.T, s *suite, code string) {
	t.Helper()
	r := s.rp.Redeem(code, "code_verifier", "")
	s.isJSON(t, r)
	if r.Status != http.StatusBadRequest || r.Str("error") != "invalid_grant" {
		t.Errorf("second use: %d %s", r.Status, r.Body)
	}
	s.describes(t, r.Str("error_description"))
}

func moduleCodeReuse(t *testing.T, s *suite) {
	code := s.authorize(t, s.home)
	s.redeem(t, s.rp, code)
	reused(t, s, code)
}

// moduleCodeReuse30 also wants the access token dead (RFC 6749 4.1.2).
func moduleCodeReuse30(t *testing.T, s *suite) {
	code := s.authorize(t, s.home)
	got := s.redeem(t, s.rp, code)
	s.Pass(t, 30*time.Second)
	s.userinfo(t, s.Userinfo(t, got.Str("access_token")), got)
	reused(t, s, code)
	if r := s.Userinfo(t, got.Str("access_token")); r.Status != http.StatusUnauthorized {
		t.Errorf("access token of a code that was presented twice: %d", r.Status)
	}
}

// shownHere checks that a page of ours tells of an error and that the browser goes nowhere.
func shownHere(t *testing.T, p testapp.Page) {
	t.Helper()
	if p.Status != http.StatusBadRequest || p.Header.Get("Location") != "" || !strings.HasPrefix(p.Header.Get("Content-Type"), "text/html") ||
		!strings.Contains(p.Body, "redirect_uri") || strings.Contains(p.Body, `action="https://suite`) {
		t.Errorf("%d %q to %q", p.Status, p.Header.Get("Content-Type"), p.Header.Get("Location"))
	}
}

func moduleRegisteredRedirectURI(t *testing.T, s *suite) {
	shownHere(t, s.home.Get(s.start(s.rp, "redirect_uri", suiteCallback+"/n6d8Tj2vQx")))
}

func modulePostRequest(t *testing.T, s *suite) {
	path, query, _ := strings.Cut(s.start(s.rp), "?")
	form, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	p := s.home.PostWith(path, form, map[string]string{"Origin": "https://suite.example.jp", "Sec-Fetch-Site": "cross-site"})
	s.redeem(t, s.rp, s.granted(t, s.home.Follow(p), "state-1"))
}

// moduleServerSecretPost is oidcc-server with the other way of client authentication, which is bound to its client.
func moduleServerSecretPost(t *testing.T, s *suite) {
	rp := s.client(t, suitePost)
	code := s.granted(t, s.home.Get(s.start(rp)), "state-1")
	r := s.secretPost(t, rp, code)
	got := s.judge(t, rp, r, "nonce-1")
	s.userinfo(t, s.Userinfo(t, got.Str("access_token")), got)
}

func (s *suite) secretPost(t *testing.T, rp *testapp.RelyingParty, code string) testapp.Reply {
	t.Helper()
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {rp.RedirectURI}, "client_id": {rp.ID}, "client_secret": {rp.Secret},
	}
	return s.Ask(t, http.MethodPost, "/token", form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
}

// unsignedRequest is the header {"alg":"none"} with the claims of a request, unsigned.
func unsignedRequest(claims string) string { return b64(`{"alg":"none"}`) + "." + b64(claims) + "." }

// The modules of request objects want them done right or refused by name; which of the two, discovery tells.
func moduleRequestURI(t *testing.T, s *suite) {
	p := s.home.Get(s.start(s.rp, "request_uri", "https://suite.example.jp/request.jwt"))
	s.refused(t, p, "state-1", "request_uri_not_supported")
	// Its absence would mean that it is supported (OpenID Connect Discovery 3).
	if supported, said := s.metadata["request_uri_parameter_supported"].(bool); !said || supported {
		t.Error("discovery promises request_uri")
	}
}

func moduleRequestObject(t *testing.T, s *suite) {
	claims := fmt.Sprintf(`{"client_id":%q,"redirect_uri":%q,"response_type":"code","scope":"openid","state":"state-1","nonce":"nonce-1"}`, suiteFirst, suiteCallback)
	p := s.home.Get(s.start(s.rp, "request", unsignedRequest(claims)))
	s.refused(t, p, "state-1", "request_not_supported", "invalid_request_object")
}

// moduleRequestObjectRedirectURI has a bad redirect URI outside of the request object: that must not be forgiven for the one inside.
func moduleRequestObjectRedirectURI(t *testing.T, s *suite) {
	claims := fmt.Sprintf(`{"redirect_uri":%q}`, suiteCallback)
	shownHere(t, s.home.Get(s.start(s.rp, "redirect_uri", suiteCallback+"/bad", "request", unsignedRequest(claims))))
}

// moduleClaimsEssential asks for the name at the userinfo endpoint. The suite warns when it does not come: what is told follows from
// scopes alone here, which the standard permits (OpenID Connect Core 5.5.1), so that the module passes with a warning.
func moduleClaimsEssential(t *testing.T, s *suite) {
	got := s.flow(t, s.home, "claims", `{"userinfo":{"name":{"essential":true}}}`)
	if _, has := got.claims["name"]; has {
		t.Error("ID token tells the name")
	}
	info := s.Userinfo(t, got.Str("access_token"))
	s.userinfo(t, info, got)
	// The suite would leave it at a warning.
	if name := accountOf(t, s.App, s.login).DisplayName; info.Str("name") != name {
		t.Errorf("userinfo tells the name %q, want %q", info.Str("name"), name)
	}
}

var refreshTokenText = func(s string) bool { // RFC 6749 A.17
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r > 0x7e })
}

// moduleRefreshToken refreshes with two clients; each one's token is its own.
func moduleRefreshToken(t *testing.T, s *suite) {
	if !s.listed("grant_types_supported", "refresh_token") {
		t.Error("discovery does not promise refresh tokens")
	}
	second := s.client(t, suiteSecond)
	var token string
	for _, rp := range []*testapp.RelyingParty{s.rp, second} {
		start := s.start(rp, "scope", "openid offline_access", "prompt", "consent")
		first := s.redeem(t, rp, s.granted(t, s.SignIn(t, s.home, start, s.login), "state-1"))
		if !refreshTokenText(first.Str("refresh_token")) {
			t.Fatalf("refresh token of %s: %q", rp.ID, first.Str("refresh_token"))
		}
		s.Pass(t, time.Second)
		next := s.judge(t, rp, rp.Refresh(first.Str("refresh_token")), "")
		// CompareIdTokenClaims (OpenID Connect Core 12.2): the same person, audience and sign-in, issued later, without nonce.
		for _, name := range []string{"iss", "sub", "aud", "azp", "auth_time"} {
			if first.claims[name] != next.claims[name] {
				t.Errorf("%s: %s was %v, is %v", rp.ID, name, first.claims[name], next.claims[name])
			}
		}
		if !next.id.IssuedAt.After(first.id.IssuedAt) || next.Str("access_token") == first.Str("access_token") {
			t.Errorf("%s: nothing new", rp.ID)
		}
		s.userinfo(t, s.Userinfo(t, next.Str("access_token")), next)
		token = next.Str("refresh_token")
	}
	if r := s.rp.Refresh(token); r.Status != http.StatusBadRequest || r.Str("error") != "invalid_grant" {
		t.Errorf("refresh token of another client: %d %s", r.Status, r.Body)
	}
}

func modulePKCE(t *testing.T, s *suite) {
	code := s.authorize(t, s.home, "code_challenge", s.rp.Challenge(), "code_challenge_method", "S256")
	s.redeem(t, s.rp, code, "code_verifier", s.rp.Verifier)
}

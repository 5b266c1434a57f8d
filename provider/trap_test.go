package provider

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store/storetest"
)

// Each test here is something the library does when it is left alone, with the opposite result.

func TestTrap_EveryMethodIsRouted(t *testing.T) {
	b := newMachineBench(t, storetest.SQLite(t))
	for path, allowed := range map[string]string{
		pathToken: "POST", pathIntrospect: "POST", pathRevoke: "POST", pathUserinfo: "GET, POST",
		PathJWKS: "GET, HEAD", pathDiscovery: "GET, HEAD", pathOAuthMetadata: "GET, HEAD",
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "OPTIONS"} {
			if strings.Contains(allowed, method) {
				continue
			}
			r := b.do(httptest.NewRequest(method, path, nil))
			if r.Code != http.StatusMethodNotAllowed || r.Header().Get("Allow") != allowed {
				t.Errorf("%s %s: %d, Allow %q", method, path, r.Code, r.Header().Get("Allow"))
			}
		}
	}
}

func TestTrap_SecretsInTheURL(t *testing.T) {
	b := newMachineBench(t, storetest.SQLite(t))
	code, _ := b.authorize(testGrant{client: "legacy", challenge: testChallenge})
	form := codeForm(code, testVerifier)
	form.Set("client_id", "legacy")
	form.Set("client_secret", b.secrets["legacy"])
	get := httptest.NewRequest(http.MethodGet, pathToken+"?"+form.Encode(), nil)
	wantRefused(t, b.do(get), http.StatusMethodNotAllowed, codeInvalidRequest)
	post := httptest.NewRequest(http.MethodPost, pathToken+"?"+form.Encode(), nil)
	post.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	wantRefused(t, b.do(post), http.StatusBadRequest, codeInvalidRequest)
	mixed := b.request(pathToken, "legacy", codeForm(code, testVerifier))
	mixed.URL.RawQuery = "scope=openid"
	wantRefused(t, b.do(mixed), http.StatusBadRequest, codeInvalidRequest)
	if r := b.redeemCode("legacy", code, testVerifier); r.Code != http.StatusOK {
		t.Errorf("the refused requests spent the code: %s", r.Body)
	}
}

func TestTrap_InvalidClientIsNot401(t *testing.T) {
	b := newMachineBench(t, storetest.SQLite(t))
	for _, path := range []string{pathToken, pathIntrospect, pathRevoke} {
		form := url.Values{"grant_type": {"authorization_code"}, "code": {"x"}, "redirect_uri": {testCallback}, "token": {"x"}}
		r := b.request(path, "shop", form)
		r.SetBasicAuth("shop", "wrong")
		got := b.do(r)
		wantRefused(t, got, http.StatusUnauthorized, codeInvalidClient)
		if got.Header().Get("WWW-Authenticate") == "" {
			t.Errorf("%s: no WWW-Authenticate", path)
		}
	}
}

func TestTrap_UserinfoWithoutChallenge(t *testing.T) {
	b := newMachineBench(t, storetest.SQLite(t))
	r := b.getUserinfo("at_" + strings.Repeat("A", 43))
	wantRefused(t, r, http.StatusUnauthorized, codeInvalidToken)
	if got := r.Header().Get("WWW-Authenticate"); !strings.HasPrefix(got, `Bearer realm="futakagi", error="invalid_token"`) {
		t.Errorf("WWW-Authenticate = %q", got)
	}
	dpop := httptest.NewRequest(http.MethodGet, pathUserinfo, nil)
	dpop.Header.Set("Authorization", "DPoP x")
	if got := b.do(dpop); got.Code != http.StatusUnauthorized || got.Header().Get("WWW-Authenticate") == "" {
		t.Errorf("another scheme: %d", got.Code)
	}
}

func TestTrap_IDTokenAsAccessToken(t *testing.T) {
	b := newMachineBench(t, storetest.SQLite(t))
	first, _ := b.signIn("shop", testGrant{})
	wantRefused(t, b.getUserinfo(first.str("id_token")), http.StatusUnauthorized, codeInvalidToken)
	wantRefused(t, b.getUserinfo(first.str("refresh_token")), http.StatusUnauthorized, codeInvalidToken)
	wantRefused(t, b.refreshWith("shop", first.str("access_token")), http.StatusBadRequest, codeInvalidGrant)
	wantRefused(t, b.redeemCode("shop", first.str("access_token"), testVerifier), http.StatusBadRequest, codeInvalidGrant)
	if _, err := b.verifyHint(first.str("access_token"), b.clock()); err == nil {
		t.Error("an access token passed as a hint")
	}
}

func TestTrap_PKCE(t *testing.T) {
	b := newMachineBench(t, storetest.SQLite(t))
	t.Run("confidential client leaves the verifier out", func(t *testing.T) {
		code, _ := b.authorize(testGrant{client: "legacy", challenge: testChallenge})
		wantRefused(t, b.redeemCode("legacy", code, ""), http.StatusBadRequest, codeInvalidGrant)
	})
	t.Run("public client without PKCE", func(t *testing.T) {
		code, _ := b.authorize(testGrant{client: "app"})
		wantRefused(t, b.redeemCode("app", code, ""), http.StatusBadRequest, codeInvalidGrant)
	})
	t.Run("plain", func(t *testing.T) {
		plain := strings.Repeat("a", 43)
		code, _ := b.authorize(testGrant{client: "shop", challenge: plain})
		wantRefused(t, b.redeemCode("shop", code, plain), http.StatusBadRequest, codeInvalidGrant)
	})
	t.Run("short verifier", func(t *testing.T) {
		code, _ := b.authorize(testGrant{client: "shop", challenge: "ypeBEsobvcr6wjGzmiPcTaeG7_gUfE5yuYB3ha_uSLs"}) // S256("a")
		wantRefused(t, b.redeemCode("shop", code, "a"), http.StatusBadRequest, codeInvalidGrant)
	})
	t.Run("confidential client that is allowed to do without", func(t *testing.T) {
		code, _ := b.authorize(testGrant{client: "legacy"})
		if r := b.redeemCode("legacy", code, ""); r.Code != http.StatusOK {
			t.Errorf("%d %s", r.Code, r.Body)
		}
	})
}

func TestTrap_ClientCredentialsByAssertion(t *testing.T) {
	b := newMachineBench(t, storetest.SQLite(t))
	form := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {"legacy"}, "client_assertion": {"a.b.c"},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
	}
	wantRefused(t, b.post(pathToken, "none", form), http.StatusUnauthorized, codeInvalidClient)
}

func TestTrap_GrantsNobodyAskedFor(t *testing.T) {
	b := newMachineBench(t, storetest.SQLite(t))
	for _, grant := range []string{
		"urn:ietf:params:oauth:grant-type:jwt-bearer",
		"password", "implicit", "urn:openid:params:grant-type:ciba",
	} {
		form := url.Values{
			"grant_type": {grant}, "assertion": {"a.b.c"},
			"subject_token": {"x"}, "subject_token_type": {"urn:ietf:params:oauth:token-type:access_token"},
		}
		r := b.post(pathToken, "shop", form)
		wantRefused(t, r, http.StatusBadRequest, codeUnsupportedGrantType)
	}
	// The library would let any client begin, and redeem, whatever it is registered for.
	for path, form := range map[string]url.Values{
		pathDeviceAuth: {"scope": {"openid"}}, pathToken: {"grant_type": {grantDevice}, "device_code": {prefixDevice + strings.Repeat("A", 43)}},
	} {
		wantRefused(t, b.post(path, "shop", form), http.StatusBadRequest, codeUnauthorizedClient)
	}
	for _, path := range []string{"/oauth/token", "/healthz", "/ready", "/keys", "/end_session"} {
		if r := b.do(httptest.NewRequest(http.MethodPost, path, nil)); r.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, r.Code)
		}
	}
}

func TestTrap_CrossOriginWithCredentials(t *testing.T) {
	b := newMachineBench(t, storetest.SQLite(t))
	for path, open := range map[string]bool{
		pathToken: true, pathUserinfo: true, pathIntrospect: false, pathRevoke: false, pathDiscovery: true, PathJWKS: true,
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodOptions} {
			r := httptest.NewRequest(method, path, nil)
			r.Header.Set("Origin", "https://evil.example")
			r.Header.Set("Access-Control-Request-Method", "POST")
			h := b.do(r).Header()
			if h.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s %s allows credentials", method, path)
			}
			want := ""
			if open {
				want = "*"
			}
			if got := h.Get("Access-Control-Allow-Origin"); got != want {
				t.Errorf("%s %s: Access-Control-Allow-Origin = %q, want %q", method, path, got, want)
			}
		}
	}
	preflight := httptest.NewRequest(http.MethodOptions, pathToken, nil)
	preflight.Header.Set("Origin", "https://spa.example")
	preflight.Header.Set("Access-Control-Request-Method", "POST")
	if r := b.do(preflight); r.Code != http.StatusNoContent || r.Header().Get("Access-Control-Allow-Methods") != "POST" {
		t.Errorf("preflight: %d %v", r.Code, r.Header())
	}
}

func TestTrap_DuplicateParameters(t *testing.T) {
	b := newMachineBench(t, storetest.SQLite(t))
	code, _ := b.authorize(testGrant{client: "shop", challenge: testChallenge})
	for _, name := range []string{"grant_type", "code", "redirect_uri", "code_verifier", "anything"} {
		form := codeForm(code, testVerifier)
		form.Add(name, form.Get(name))
		form.Add(name, "x")
		wantRefused(t, b.post(pathToken, "shop", form), http.StatusBadRequest, codeInvalidRequest)
	}
	if r := b.redeemCode("shop", code, testVerifier); r.Code != http.StatusOK {
		t.Errorf("the refused requests spent the code: %s", r.Body)
	}
}

func TestTrap_BodyLimitAndForm(t *testing.T) {
	b := newMachineBench(t, storetest.SQLite(t))
	wantRefused(t, b.post(pathToken, "shop", url.Values{"x": {strings.Repeat("a", maxMachineBody)}}), http.StatusRequestEntityTooLarge, codeInvalidRequest)
	wantRefused(t, b.post(pathToken, "shop", url.Values{"x": {strings.Repeat("a", maxField+1)}}), http.StatusBadRequest, codeInvalidRequest)
	for name, body := range map[string]string{"NUL": "grant_type=refresh_token&refresh_token=%00", "UTF-8": "grant_type=%ff", "escape": "grant_type=%zz"} {
		r := httptest.NewRequest(http.MethodPost, pathToken, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if got := b.do(r); got.str("error") != codeInvalidRequest {
			t.Errorf("%s: %d %s", name, got.Code, got.Body)
		}
	}
	for _, contentType := range []string{"", "application/json", "multipart/form-data; boundary=x", ";"} {
		r := b.request(pathToken, "shop", url.Values{"grant_type": {"client_credentials"}})
		r.Header.Set("Content-Type", contentType)
		wantRefused(t, b.do(r), http.StatusBadRequest, codeInvalidRequest)
	}
	for _, missing := range []url.Values{{}, {"grant_type": {"authorization_code"}}, {"grant_type": {"refresh_token"}}} {
		wantRefused(t, b.post(pathToken, "shop", missing), http.StatusBadRequest, codeInvalidRequest)
	}
}

func TestTrap_NoStoreIsMissing(t *testing.T) {
	b := newMachineBench(t, storetest.SQLite(t))
	first, _ := b.signIn("shop", testGrant{})
	for name, r := range map[string]reply{
		"token": first, "userinfo": b.getUserinfo(first.str("access_token")),
		"introspect": b.post(pathIntrospect, "shop", url.Values{"token": {"x"}}),
		"revoke":     b.post(pathRevoke, "shop", url.Values{"token": {"x"}}),
		"refusal":    b.post(pathToken, "shop", nil),
	} {
		if r.Header().Get("Cache-Control") != "no-store" || r.Header().Get("Pragma") != "no-cache" {
			t.Errorf("%s: %v", name, r.Header())
		}
	}
}

func TestTrap_ErrorTextLeaks(t *testing.T) {
	b := newMachineBench(t, storetest.SQLite(t))
	first, _ := b.signIn("shop", testGrant{})
	code, _ := b.authorize(testGrant{client: "shop", challenge: testChallenge})
	if err := b.db.Close(); err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]reply{
		"code":       b.redeemCode("shop", code, testVerifier),
		"refresh":    b.refreshWith("shop", first.str("refresh_token")),
		"userinfo":   b.getUserinfo(first.str("access_token")),
		"introspect": b.post(pathIntrospect, "shop", url.Values{"token": {first.str("access_token")}}),
		"revoke":     b.post(pathRevoke, "shop", url.Values{"token": {first.str("access_token")}}),
		"client":     b.post(pathToken, "legacy", url.Values{"grant_type": {"client_credentials"}}),
	} {
		wantRefused(t, r, http.StatusServiceUnavailable, codeUnavailable)
		if r.Header().Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", name)
		}
		if r.str("error_description") != "The server is busy. Try again shortly." {
			t.Errorf("%s: %s", name, r.Body)
		}
	}
	// What is broken in a way nobody foresaw.
	unforeseen := json.Unmarshal([]byte("postgres://u:p@db/x"), &code)
	rec, logs := httptest.NewRecorder(), &strings.Builder{}
	testKit(t, b.db, logs).ServeHTTP(rec, httptest.NewRequest(http.MethodGet, testIssuer+"/x", nil), func(w http.ResponseWriter, r *http.Request) {
		b.writeError(w, r, unforeseen)
	})
	if !strings.Contains(logs.String(), "invalid character") {
		t.Errorf("the cause is not in the log: %s", logs)
	}
	if rec.Code != http.StatusInternalServerError || strings.Contains(rec.Body.String(), "invalid character") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	if got := libraryError(http.StatusInternalServerError, []byte(`{"error":"server_error","error_description":"dial tcp 10.0.0.1"}`)); got.code != codeServerError {
		t.Errorf("library error: %v", got)
	}
	if got := libraryError(http.StatusBadRequest, []byte(`{"error":"made_up"}`)); got.code != codeServerError {
		t.Errorf("library error: %v", got)
	}
}

func TestTrap_DiscoveryPromisesWhatIsNot(t *testing.T) {
	b := newMachineBench(t, storetest.SQLite(t))
	r := b.do(httptest.NewRequest(http.MethodGet, pathDiscovery, nil))
	for _, wrong := range []string{"implicit", "id_token token", "plain", "fragment", "HS256", "none\",\"HS", "registration_endpoint", "check_session"} {
		if strings.Contains(r.Body.String(), wrong) {
			t.Errorf("discovery mentions %s", wrong)
		}
	}
	// Every endpoint it names exists, apart from those that are mounted with the pages.
	for name, v := range r.json {
		path, ok := strings.CutPrefix(asString(v), testIssuer)
		if !ok || path == "" || path == pathAuthorize || path == pathLogout || path == pathPAR {
			continue
		}
		if got := b.do(httptest.NewRequest(http.MethodPost, path, nil)); got.Code == http.StatusNotFound {
			t.Errorf("%s: %s does not exist", name, path)
		}
	}
}

func asString(v any) string {
	s, _ := v.(string)
	return s
}

func TestTrap_RefreshedIDTokenLosesAssurance(t *testing.T) {
	b := newMachineBench(t, storetest.SQLite(t))
	first, _ := b.signIn("shop", testGrant{evidence: passwordAndEmail()})
	second := b.refreshWith("shop", first.str("refresh_token"))
	claims := b.claims(second.str("id_token"), algES256)
	if claims["acr"] != signin.Level2FAEmail.ACR() || claims["sid"] == nil || claims["auth_time"] == nil {
		t.Errorf("claims after refresh: %v", claims)
	}
}

func TestTrap_IssuerFromHost(t *testing.T) {
	b := newMachineBench(t, storetest.SQLite(t))
	code, _ := b.authorize(testGrant{client: "shop", challenge: testChallenge})
	for _, header := range []string{"Forwarded", "X-Forwarded-Host"} {
		r := httptest.NewRequest(http.MethodGet, pathDiscovery, nil)
		r.Host = "evil.example"
		r.Header.Set(header, "host=evil.example")
		if got := b.do(r); strings.Contains(got.Body.String(), "evil") {
			t.Errorf("%s changes discovery", header)
		}
	}
	r := b.request(pathToken, "shop", codeForm(code, testVerifier))
	r.Host = "evil.example"
	if got := b.claims(b.do(r).str("id_token"), algES256)["iss"]; got != testIssuer {
		t.Errorf("iss = %v", got)
	}
}

func TestTrap_NestedRouterRenamesTheRoute(t *testing.T) {
	b := newMachineBench(t, storetest.SQLite(t))
	var pattern string
	outer := chi.NewRouter()
	outer.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r)
			pattern = chi.RouteContext(r.Context()).RoutePattern()
		})
	})
	b.mount(outer)
	rec := httptest.NewRecorder()
	outer.ServeHTTP(rec, b.request(pathRevoke, "shop", url.Values{"token": {"x"}}))
	if rec.Code != http.StatusOK || pattern != pathRevoke {
		t.Errorf("%d, route %q", rec.Code, pattern)
	}
}

// Not parallel: it replaces the process's default logger.
func TestTrap_LibraryLogsRefusals(t *testing.T) {
	b := newMachineBench(t, storetest.SQLite(t))
	before := slog.Default()
	var out strings.Builder
	slog.SetDefault(slog.New(slog.NewTextHandler(&out, nil)))
	defer slog.SetDefault(before)
	b.post(pathToken, "shop", nil)
	b.post(pathToken, "shop", url.Values{"grant_type": {"password"}})
	b.post(pathToken, "codeonly", url.Values{"grant_type": {"client_credentials"}})
	b.post(pathToken, "nobody", url.Values{"grant_type": {"client_credentials"}})
	b.redeemCode("shop", "ac_x", testVerifier)
	b.redeemCode("shop", "", testVerifier)
	b.refreshWith("shop", "rt_x")
	b.post(pathIntrospect, "app", url.Values{"token": {"x"}})
	b.post(pathIntrospect, "shop", nil)
	b.post(pathRevoke, "shop", nil)
	b.getUserinfo("x")
	b.getUserinfo("")
	b.do(httptest.NewRequest(http.MethodGet, pathUserinfo, nil))
	if out.Len() > 0 {
		t.Errorf("a refusal was logged beside the request's own record:\n%s", out.String())
	}
}

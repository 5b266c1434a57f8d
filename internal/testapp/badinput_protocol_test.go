package testapp_test

import (
	"crypto/sha256"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/futakagi/futakagi/client"
	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/store"
)

// protocolRequest is a request of an endpoint of the protocol, with every parameter that the endpoint reads.
type protocolRequest struct {
	name, method, path string
	// client says that the client says who it is; page that people see the answer, or are sent back with it.
	client, page bool
	form         url.Values
}

func protocolRequests(rp *testapp.RelyingParty) []protocolRequest {
	authorize := rp.Request(
		"prompt", "login", "max_age", "60", "acr_values", "urn:futakagi:acr:2fa", "login_hint", "sato", "ui_locales", "ja", "id_token_hint", "x.y.z",
		"claims", `{"id_token":{"acr":{"essential":true}}}`, "response_mode", "query", "display", "page", "resource", testAPI,
		"dpop_jkt", strings.Repeat("A", 43), "request", "x.y.z", "request_uri", "urn:ietf:params:oauth:request_uri:x", "registration", "{}",
	)
	const grants = "urn:ietf:params:oauth:grant-type:"
	token := func(grant string, values ...string) url.Values {
		form := url.Values{"grant_type": {grant}, "scope": {"openid"}, "resource": {testAPI}}
		for i := 0; i+1 < len(values); i += 2 {
			form.Set(values[i], values[i+1])
		}
		return form
	}
	post := func(name, path string, form url.Values) protocolRequest {
		return protocolRequest{name: name, method: http.MethodPost, path: path, client: true, form: form}
	}
	return []protocolRequest{
		{name: "authorize", method: http.MethodGet, path: "/authorize", page: true, form: authorize},
		{name: "logout", method: http.MethodGet, path: "/logout", page: true, form: url.Values{
			"id_token_hint": {"x.y.z"}, "client_id": {rp.ID}, "post_logout_redirect_uri": {testapp.StoreLoggedOut}, "state": {"s"}, "ui_locales": {"ja"},
			"logout_hint": {"sato"},
		}},
		{name: "userinfo", method: http.MethodPost, path: "/userinfo", form: url.Values{"access_token": {"at_x"}}},
		post("par", "/par", authorize),
		post("code", "/token", token("authorization_code", "code", "ac_x", "redirect_uri", rp.RedirectURI, "code_verifier", rp.Verifier)),
		post("refresh", "/token", token("refresh_token", "refresh_token", "rt_x")),
		post("client_credentials", "/token", token("client_credentials")),
		post("device_code", "/token", token(grants+"device_code", "device_code", "dc_x")),
		post("exchange", "/token", token(grants+"token-exchange", "subject_token", "at_x", "subject_token_type", "urn:ietf:params:oauth:token-type:access_token",
			"requested_token_type", "urn:ietf:params:oauth:token-type:access_token", "audience", testAPI, "actor_token", "at_x", "actor_token_type", "x")),
		post("device_authorization", "/device_authorization", token("", "client_id", rp.ID)),
		post("introspect", "/introspect", url.Values{"token": {"at_x"}, "token_type_hint": {"access_token"}}),
		post("revoke", "/revoke", url.Values{"token": {"at_x"}, "token_type_hint": {"access_token"}}),
	}
}

const testAPI = "https://api.example.jp/"

// answersOfProtocol are the codes that a program can act on (RFC 6749 §4.1.2.1 and §5.2, RFC 6750 §3.1, OpenID Connect Core §3.1.2.6,
// RFC 8628 §3.5, RFC 8693 §2.2.2, RFC 8707 §2, RFC 9101 §6, RFC 9126 §2.3).
var answersOfProtocol = []string{
	"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope", "invalid_token",
	"access_denied", "unsupported_response_type", "login_required", "interaction_required", "consent_required", "invalid_request_uri",
	"invalid_request_object", "request_not_supported", "request_uri_not_supported", "registration_not_supported", "invalid_target",
	"unmet_authentication_requirements", "temporarily_unavailable", "slow_down", "authorization_pending", "expired_token",
}

// TestBadInputAtTheProtocol sends every parameter of every endpoint of the protocol missing, twice, and as what it cannot be: the answer is
// the right kind of error, tells a developer something, gives nothing away, and leads nowhere but to where the client is registered.
func TestBadInputAtTheProtocol(t *testing.T) {
	t.Parallel()
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		secret := sha256.Sum256([]byte(testapp.ClientSecret))
		a.AddClient(t, "every", store.InsertClientParams{
			SurfaceID: "store", AuthMethod: "client_secret_basic", SecretHash: secret[:], IDTokenAlg: "ES256", Now: a.Clock.Now(),
			RedirectURIs:           json.RawMessage(`["` + testapp.StoreCallback + `"]`),
			PostLogoutRedirectURIs: json.RawMessage(`["` + testapp.StoreLoggedOut + `"]`),
			Scopes:                 json.RawMessage(`["openid","profile","offline_access","stock:read"]`),
			GrantTypes: json.RawMessage(`["authorization_code","refresh_token","client_credentials","urn:ietf:params:oauth:grant-type:device_code",
				"urn:ietf:params:oauth:grant-type:token-exchange"]`),
			Settings: client.Settings{Resources: []string{testAPI}, ResourceServers: []string{testAPI}}.Encode(),
		})
		if err := a.Provider.ReloadClients(t.Context()); err != nil {
			t.Fatal(err)
		}
		rp := a.RelyingParty(t, "every")
		for _, q := range protocolRequests(rp) {
			for _, name := range slices.Sorted(maps.Keys(q.form)) {
				for what, values := range wrongValues(a.DB.Engine() == store.SQLite, q.form[name]) {
					form := maps.Clone(q.form)
					if name != "request" && name != "request_uri" && name != "registration" {
						// These are looked at first, and stand for everything else.
						form.Del("request")
						form.Del("request_uri")
						form.Del("registration")
					}
					if form[name] = values; values == nil {
						delete(form, name)
					}
					judge(t, q.name+": "+name+" "+what, a, rp, q, form)
				}
			}
		}
		if log := a.Log.String(); strings.Contains(log, `"status":5`) || strings.Contains(log, "panic") {
			t.Error("something broke: see the log")
		}
	})
}

func wrongValues(all bool, good []string) map[string][]string {
	wrong := map[string][]string{"missing": nil, "twice": {good[0], good[0]}, "twice, differing": {good[0], "x"}, "foreign": {"https://evil.example/"}}
	for _, s := range samples() {
		if all || s.engine {
			wrong["as "+s.name] = []string{s.value}
		}
	}
	return wrong
}

// judge sends a request and looks at what comes back.
func judge(t *testing.T, what string, a *testapp.App, rp *testapp.RelyingParty, q protocolRequest, form url.Values) {
	t.Helper()
	var r testapp.Reply
	switch {
	case q.client:
		r = rp.Post(q.path, form)
	case q.method == http.MethodGet:
		p := a.NewBrowser(t).Get(q.path + "?" + form.Encode())
		r = testapp.Reply{Status: p.Status, Header: p.Header, Body: p.Body}
	default:
		r = a.Ask(t, q.method, q.path, form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	}
	if r.Status >= 500 {
		t.Errorf("%s: %d %s", what, r.Status, r.Body)
		return
	}
	if innards.MatchString(r.Body) {
		t.Errorf("%s: gives away what it is made of: %s", what, r.Body)
	}
	if to := r.Header.Get("Location"); to != "" {
		u, err := url.Parse(to)
		if err != nil {
			t.Errorf("%s: leads to %q", what, to)
			return
		}
		here := u.Host == "" && strings.HasPrefix(u.Path, "/") && !strings.HasPrefix(to, "//")
		if !here && !strings.HasPrefix(to, testapp.StoreCallback+"?") && !strings.HasPrefix(to, testapp.StoreLoggedOut) && !strings.HasPrefix(to, a.URL+"/") {
			t.Errorf("%s: leads to %q", what, to)
		}
		if code := u.Query().Get("error"); code != "" && !slices.Contains(answersOfProtocol, code) {
			t.Errorf("%s: error %q", what, code)
		}
		return
	}
	if q.page || r.Status < 300 {
		return // a page for people: TestBadInput has those
	}
	code, description := r.Str("error"), r.Str("error_description")
	if !slices.Contains(answersOfProtocol, code) || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		if r.Status != http.StatusUnauthorized || r.Header.Get("WWW-Authenticate") == "" { // RFC 6750 §3.1: no token, no error
			t.Errorf("%s: %d %s", what, r.Status, r.Body)
		}
		return
	}
	if description == "" || strings.ContainsFunc(description, func(c rune) bool { return c < 0x20 || c > 0x7e || c == '"' || c == '\\' }) {
		t.Errorf("%s: description %q", what, description)
	}
	if r.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s: may be kept", what)
	}
}

package provider_test

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/client"
	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
)

// registerLike registers clients that differ from "store" in their settings.
func registerLike(t *testing.T, a *testapp.App, settings map[string]client.Settings) {
	t.Helper()
	row, err := a.DB.Read().GetClient(t.Context(), "store")
	if err != nil {
		t.Fatal(err)
	}
	for id, s := range settings {
		a.AddClient(t, id, store.InsertClientParams{
			SurfaceID: row.SurfaceID, AuthMethod: row.AuthMethod, SecretHash: row.SecretHash, RedirectURIs: row.RedirectURIs,
			PostLogoutRedirectURIs: row.PostLogoutRedirectURIs, GrantTypes: row.GrantTypes, Scopes: row.Scopes, IDTokenAlg: "ES256",
			RequirePkce: true, Settings: s.Encode(), Now: a.Clock.Now(),
		})
	}
	if err := a.Provider.ReloadClients(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// payload is what a JWT says, unverified.
func payload(t *testing.T, token string) map[string]any {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("no JWT: %q", token)
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(raw, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

// RFC 8707 §2.1: what an authorization names is what its tokens are for; nothing else in a request may be said twice.
func TestAuthorizationNamesResources(t *testing.T) {
	const api, ledger = "https://api.example.jp/", "urn:example:ledger"
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		registerLike(t, a, map[string]client.Settings{"apis": {AccessTokenFormat: client.FormatJWT, Resources: []string{api, ledger}}})
		rp, b := a.RelyingParty(t, "apis"), a.NewBrowser(t)
		with := func(resources ...string) url.Values {
			q := rp.Request()
			q["resource"] = resources
			return q
		}
		// Through a sign-in, by GET; then on the session, by POST.
		code := a.CodeOf(t, b, "/authorize?"+with(api, ledger, api).Encode(), "suzuki")
		if diff := cmp.Diff(any([]any{api, ledger}), payload(t, rp.Redeem(code).Str("access_token"))["aud"]); diff != "" {
			t.Error(diff)
		}
		p := b.Post("/authorize", with(api, a.URL))
		if p = b.Follow(p); p.Location().Query().Get("code") == "" {
			t.Fatalf("%d %s", p.Status, p.URL)
		}
		got := rp.Redeem(p.Location().Query().Get("code"))
		if diff := cmp.Diff(any([]any{api, a.URL}), payload(t, got.Str("access_token"))["aud"]); diff != "" {
			t.Error(diff)
		}
		if r := a.Userinfo(t, got.Str("access_token")); r.Status != http.StatusOK || payload(t, got.Str("id_token"))["aud"] != "apis" {
			t.Errorf("userinfo: %d %s", r.Status, r.Body)
		}
		for name, c := range map[string]struct {
			q    url.Values
			code string
		}{
			"not registered":          {with("https://other.example/"), "invalid_target"},
			"beside one that is":      {with(api, "https://other.example/"), "invalid_target"},
			"relative":                {with("/"), "invalid_target"},
			"empty":                   {with(""), "invalid_target"},
			"too often":               {with(slices.Repeat([]string{api}, 11)...), "invalid_request"},
			"control characters":      {with(api, "https://api.example.jp/\x01"), "invalid_request"},
			"too long":                {with(api + strings.Repeat("x", 4096)), "invalid_request"},
			"another one twice":       {url.Values{"scope": {"openid", "openid"}}, "invalid_request"},
			"a client without any":    {url.Values{"client_id": {"store"}, "resource": {api}}, "invalid_target"},
			"this server in its APIs": {with(a.URL + "/"), "invalid_target"},
		} {
			q := rp.Request()
			maps.Copy(q, c.q)
			t.Log(name)
			wantTold(t, a, b.Get("/authorize?"+q.Encode()), rp.RedirectURI, c.code)
		}
	})
}

// OpenID Connect Registration §2: the registration says what a request does not; its least level holds whatever a request says.
func TestRegistrationSpeaksWhereTheRequestDoesNot(t *testing.T) {
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		email, one, never := signin.Level2FAEmail.ACR(), signin.Level1FA.ACR(), int64(0)
		registerLike(t, a, map[string]client.Settings{
			"defaults": {DefaultACRValues: []string{email}, RequireAuthTime: true}, "least": {MinACR: email}, "phr": {MinACR: "phr"},
			"fresh": {DefaultMaxAge: &never},
		})
		b := a.NewBrowser(t)
		plain, defaults, least, fresh := a.RelyingParty(t, "store"), a.RelyingParty(t, "defaults"), a.RelyingParty(t, "least"), a.RelyingParty(t, "fresh")
		if got := plain.TokensOf(b, "suzuki").IDToken(t)["acr"]; got != one {
			t.Fatalf("acr = %v", got)
		}
		told := func(rp *testapp.RelyingParty, want string, changes ...string) {
			t.Helper()
			p := b.Get(rp.AuthorizeURL(append(changes, "prompt", "none")...))
			if want == "" {
				if p.Location().Query().Get("code") == "" {
					t.Errorf("%s %v: %d to %s", rp.ID, changes, p.Status, p.Location())
				}
				return
			}
			wantTold(t, a, p, rp.RedirectURI, want)
		}
		// A session with the password alone.
		told(defaults, "interaction_required")
		told(defaults, "", "acr_values", one)
		told(defaults, "", "claims", `{"id_token":{"acr":{"value":"`+one+`"}}}`)
		told(least, "interaction_required")
		told(least, "interaction_required", "acr_values", one)
		told(least, "interaction_required", "claims", `{"id_token":{"acr":{"essential":true,"value":"`+one+`"}}}`)
		// Stepped up, it has what they want; the ID token always says when.
		p := a.SignInBy(t, b, least.AuthorizeURL(), "suzuki", testapp.ByEmail)
		claims := least.Redeem(p.Location().Query().Get("code")).IDToken(t)
		if claims["acr"] != email || claims["auth_time"] == nil {
			t.Errorf("claims = %v", claims)
		}
		told(least, "")
		told(defaults, "")
		// A max age of none, unless the request knows better.
		a.Pass(t, time.Minute)
		told(fresh, "login_required")
		told(fresh, "", "max_age", "600")
		told(plain, "")
		// Whoever cannot get there, cannot.
		phr := a.RelyingParty(t, "phr")
		wantTold(t, a, a.SignIn(t, a.NewBrowser(t), phr.AuthorizeURL(), "sato"), phr.RedirectURI, "unmet_authentication_requirements")

		// Claims asked for by name are kept with the grant, whether the person signs in first or not.
		named := `{"id_token":{"email":{"essential":true},"email_verified":{"value":true},"name#ja":null},"userinfo":{"name":null,"birthdate":null}}`
		for range 2 {
			got := plain.TokensOf(b, "suzuki", "scope", "openid", "claims", named)
			id, info := got.IDToken(t), a.Userinfo(t, got.Str("access_token")).JSON
			if id["email"] != "suzuki@example.jp" || id["email_verified"] != false || id["name"] != nil || info["name"] == nil || info["email"] != nil {
				t.Errorf("ID token %v, userinfo %v", id, info)
			}
			b = a.NewBrowser(t)
		}
	})
}

// The administration API takes the tokens of clients in either format, and none that is for another resource.
func TestJWTOfAClientAtTheAPI(t *testing.T) {
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		row, err := a.DB.Read().GetClient(t.Context(), "service")
		if err != nil {
			t.Fatal(err)
		}
		a.AddClient(t, "program", store.InsertClientParams{
			SurfaceID: row.SurfaceID, AuthMethod: row.AuthMethod, SecretHash: row.SecretHash, RedirectURIs: row.RedirectURIs,
			PostLogoutRedirectURIs: row.PostLogoutRedirectURIs, GrantTypes: row.GrantTypes, Scopes: []byte(`["api:accounts.read"]`),
			IDTokenAlg: "EdDSA", Now: a.Clock.Now(),
			Settings: client.Settings{AccessTokenFormat: client.FormatJWT, Resources: []string{"https://api.example.jp/"}}.Encode(),
		})
		if err := a.Provider.ReloadClients(t.Context()); err != nil {
			t.Fatal(err)
		}
		rp := a.RelyingParty(t, "program")
		for resource, want := range map[string]int{"": 200, a.URL: 200, "https://api.example.jp/": 401} {
			form := url.Values{"grant_type": {"client_credentials"}}
			if resource != "" {
				form.Set("resource", resource)
			}
			token := rp.Post("/token", form).Str("access_token")
			ask := func() int {
				return a.Ask(t, http.MethodGet, "/api/v1/accounts", "", "Authorization", "Bearer "+token).Status
			}
			if got := ask(); got != want {
				t.Errorf("resource %q: %d", resource, got)
			}
			rp.Post("/revoke", url.Values{"token": {token}})
			if got := ask(); got != 401 {
				t.Errorf("resource %q, revoked: %d", resource, got)
			}
		}
	})
}

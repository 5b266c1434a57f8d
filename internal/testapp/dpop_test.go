package testapp_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/client"
	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/store"
)

// A client that says at /authorize which key it has is the only one that can redeem the code; and when its resource finds the level of the
// token too low (RFC 9470), the next request brings a token of that level, bound to the same key.
func TestStepUpWithABoundToken(t *testing.T) {
	t.Parallel()
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		a.Equip(t, "suzuki", testapp.ByApp)
		leaveToPassword(t, a, "suzuki")
		rp, p, b := a.RelyingParty(t, "store"), a.NewProver(t), a.NewBrowser(t)
		levelOf := func(start string, way testapp.Way) (acr string, authTime float64, token string) {
			t.Helper()
			page := a.SignInBy(t, b, start, "suzuki", way)
			r := p.Post(rp, rp.Exchange(page.Location().Query().Get("code")))
			if r.Status != 200 || r.Str("token_type") != "DPoP" {
				t.Fatalf("redeem: %d %s (sign-in ended at %d %s)", r.Status, r.Body, page.Status, page.URL)
			}
			info := rp.Introspect(r.Str("access_token"))
			cnf, _ := info.JSON["cnf"].(map[string]any)
			if cnf["jkt"] != p.Thumbprint() || info.Str("token_type") != "DPoP" {
				t.Errorf("introspection: %s", info.Body)
			}
			authTime, _ = info.JSON["auth_time"].(float64)
			if me := p.Get("/userinfo", r.Str("access_token")); me.Status != 200 || me.Str("acr") != info.Str("acr") {
				t.Errorf("userinfo: %d %s", me.Status, me.Body)
			}
			return info.Str("acr"), authTime, r.Str("access_token")
		}
		acr, before, low := levelOf(rp.AuthorizeURL("dpop_jkt", p.Thumbprint()), testapp.ByPassword)
		if acr != acrPassword {
			t.Fatalf("first acr %s", acr)
		}
		if r := a.Userinfo(t, low); r.Status != 401 || r.Str("error") != "invalid_token" {
			t.Errorf("without the key: %d %s", r.Status, r.Body)
		}
		a.Pass(t, 10*time.Minute)
		acr, after, _ := levelOf(rp.AuthorizeURL("dpop_jkt", p.Thumbprint(), "acr_values", acrFull, "max_age", "300"), testapp.ByApp)
		if acr != acrFull || after-before < 600 {
			t.Errorf("after the challenge: acr %s, auth_time %v then %v", acr, before, after)
		}

		code := a.CodeOf(t, b, rp.AuthorizeURL("dpop_jkt", p.Thumbprint()), "suzuki")
		if r := a.NewProver(t).Post(rp, rp.Exchange(code)); r.Status != 400 || r.Str("error") != "invalid_grant" {
			t.Errorf("another key: %d %s", r.Status, r.Body)
		}
		for _, bad := range []string{"x", strings.Repeat("A", 44), strings.Repeat("=", 43)} {
			if page := b.Get(rp.AuthorizeURL("dpop_jkt", bad)); page.Location().Query().Get("error") != "invalid_request" {
				t.Errorf("dpop_jkt %q: %d %s", bad, page.Status, page.Location())
			}
		}
	})
}

// Tokens of programs that are bound to a key open the API, SCIM and streams of security events with it, and nothing without.
func TestAPITakesBoundTokens(t *testing.T) {
	t.Parallel()
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		rp, plain := apiClient(t, a, "api:customers.read", "scim", "ssf.manage")
		p := a.NewProver(t)
		own := url.Values{"grant_type": {"client_credentials"}}
		token := p.Post(rp, own).Str("access_token")
		for _, path := range []string{"/api/v1/customers", "/scim/v2/Users", "/ssf/stream"} {
			if r := p.Get(path, token); r.Status == 401 {
				t.Errorf("%s with a proof: %d %s", path, r.Status, r.Body)
			}
			proof := p.Proof(http.MethodGet, path, token)
			for name, c := range map[string]struct {
				token, scheme, proof, says string
			}{
				"as a bearer token":       {token, "Bearer", "", `Bearer error="invalid_token"`},
				"as one with a proof":     {token, "Bearer", proof, `Bearer error="invalid_token"`},
				"without a proof":         {token, "DPoP", "", `error="invalid_dpop_proof"`},
				"with another key":        {token, "DPoP", a.NewProver(t).Proof(http.MethodGet, path, token), `error="invalid_token"`},
				"for another address":     {token, "DPoP", p.Proof(http.MethodGet, path+"/x", token), `error="invalid_dpop_proof"`},
				"for another token":       {token, "DPoP", p.Proof(http.MethodGet, path, plain), `error="invalid_dpop_proof"`},
				"a bearer token as bound": {plain, "DPoP", p.Proof(http.MethodGet, path, plain), `error="invalid_token"`},
			} {
				headers := []string{"Authorization", c.scheme + " " + c.token}
				if c.proof != "" {
					headers = append(headers, "DPoP", c.proof)
				}
				r := a.Ask(t, http.MethodGet, path, "", headers...)
				if r.Status != 401 || !strings.Contains(r.Header.Get("WWW-Authenticate"), c.says) {
					t.Errorf("%s %s: %d %q", path, name, r.Status, r.Header.Get("WWW-Authenticate"))
				}
			}
			if r := a.Ask(t, http.MethodGet, path, "", "Authorization", "Bearer "+plain); r.Status == 401 {
				t.Errorf("%s as before: %d %s", path, r.Status, r.Body)
			}
		}

		// A client that must bind its tokens gets in with nothing else, its secret least of all.
		row, err := a.DB.Read().GetClient(t.Context(), rp.ID)
		if err != nil {
			t.Fatal(err)
		}
		a.AddClient(t, "bound", store.InsertClientParams{
			SurfaceID: admin.SurfaceStore, AuthMethod: "client_secret_basic", SecretHash: row.SecretHash, RedirectURIs: row.RedirectURIs,
			PostLogoutRedirectURIs: row.PostLogoutRedirectURIs, GrantTypes: row.GrantTypes, Scopes: row.Scopes, IDTokenAlg: "ES256",
			Settings: client.Settings{DPoP: true}.Encode(), Now: a.Clock.Now(),
		})
		if err := a.Provider.ReloadClients(t.Context()); err != nil {
			t.Fatal(err)
		}
		rp.ID = "bound"
		if r := rp.Post("/token", own); r.Status != 400 || r.Str("error") != "invalid_dpop_proof" {
			t.Errorf("without a proof: %d %s", r.Status, r.Body)
		}
		r := p.Post(rp, own)
		if got := p.Get("/api/v1/customers", r.Str("access_token")); r.Status != 200 || got.Status != 200 {
			t.Errorf("with proofs and nonces: %d %s, %d %s", r.Status, r.Body, got.Status, got.Body)
		}
		made := p.Ask(http.MethodPost, "/ssf/stream", r.Str("access_token"), `{}`)
		stream := made.Str("stream_id")
		if made.Status != http.StatusCreated {
			t.Fatalf("create stream: %d %s", made.Status, made.Body)
		}
		for _, c := range []struct {
			method, path, body string
			want               int
		}{
			{http.MethodGet, "/ssf/stream?stream_id=" + stream, "", 200},
			{http.MethodPatch, "/ssf/stream", `{"stream_id":"` + stream + `","description":"x"}`, 200},
			{http.MethodPut, "/ssf/stream", `{"stream_id":"` + stream + `"}`, 200},
			{http.MethodGet, "/ssf/status?stream_id=" + stream, "", 200},
			{http.MethodPost, "/ssf/status", `{"stream_id":"` + stream + `","status":"enabled"}`, 200},
			{http.MethodPost, "/ssf/verify", `{"stream_id":"` + stream + `"}`, 204},
			{http.MethodPost, "/ssf/poll/" + stream, `{"returnImmediately":true}`, 200},
			{http.MethodDelete, "/ssf/stream?stream_id=" + stream, "", 204},
		} {
			path, _, _ := strings.Cut(c.path, "?")
			proof := p.Proof(c.method, path, r.Str("access_token"))
			for i, headers := range [][]string{
				{"Authorization", "Bearer " + r.Str("access_token"), "Content-Type", "application/json"},
				{"Authorization", "DPoP " + r.Str("access_token"), "Content-Type", "application/json"},
				{"Authorization", "DPoP " + r.Str("access_token"), "Content-Type", "application/json", "DPoP", proof},
				{"Authorization", "DPoP " + r.Str("access_token"), "Content-Type", "application/json", "DPoP", proof}, // used before
			} {
				want := 401
				if i == 2 {
					want = c.want
				}
				if got := a.Ask(t, c.method, c.path, c.body, headers...); got.Status != want || want == 401 && got.Header.Get("WWW-Authenticate") == "" {
					t.Errorf("%s %s, %d: %d %s", c.method, c.path, i, got.Status, got.Body)
				}
			}
		}
		basic := "Basic " + basicPair(rp.ID, rp.Secret)
		if got := a.Ask(t, http.MethodGet, "/scim/v2/Users", "", "Authorization", basic); got.Status != 401 {
			t.Errorf("with its secret: %d %s", got.Status, got.Body)
		}
	})
}

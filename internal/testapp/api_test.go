package testapp_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/store"
)

// ask sends a request to the API with a bearer token.
func ask(t *testing.T, a *testapp.App, method, path, token, body string, headers ...string) testapp.Reply {
	t.Helper()
	return a.Ask(t, method, "/api/v1"+path, body, append([]string{"Authorization", "Bearer " + token, "Content-Type", "application/json"}, headers...)...)
}

// apiClient registers a client of the API and returns it with a token of its own.
func apiClient(t *testing.T, a *testapp.App, scopes ...string) (*testapp.RelyingParty, string) {
	t.Helper()
	c, err := a.Admin.CreateClient(t.Context(), admin.System(), admin.NewClient{
		ID: "program", Name: "program", GrantTypes: []string{"client_credentials"}, Scopes: scopes,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Provider.ReloadClients(t.Context()); err != nil {
		t.Fatal(err)
	}
	rp := a.RelyingParty(t, c.ID)
	rp.Secret = c.Secret
	token := rp.Post("/token", url.Values{"grant_type": {"client_credentials"}}).Str("access_token")
	if token == "" {
		t.Fatal("no token")
	}
	return rp, token
}

// The story of the product in one request: a program resets an account, and the person sets up anew.
func TestM8_ResetByAProgram(t *testing.T) {
	t.Parallel()
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		rp, token := apiClient(t, a, "api:accounts.read", "api:reset")
		sato := accountOf(t, a, "sato")
		b := a.NewBrowser(t)
		tokens := a.RelyingParty(t, "store").TokensOf(b, "sato")
		path := "/accounts/" + string(sato.ID) + "/two-factor"
		if r := ask(t, a, http.MethodGet, path, token, ""); r.Status != 200 || r.JSON["backup_codes_left"] != 10.0 || strings.Contains(r.Body, testapp.FactorAddress("sato")) {
			t.Errorf("before: %d %s", r.Status, r.Body)
		}
		body := `{"reason":"mailbox gone","identity_checked":true}`
		for range 2 { // the network ate the first answer
			r := ask(t, a, http.MethodPost, path+"/reset", token, body, "Idempotency-Key", "ticket-4711")
			if r.Status != 200 || r.JSON["set_up"] != true || r.JSON["notices"] != 2.0 {
				t.Errorf("reset: %d %s", r.Status, r.Body)
			}
		}
		if r := a.RelyingParty(t, "store").Refresh(tokens.Str("refresh_token")); r.Status != 400 {
			t.Errorf("a token of before: %d", r.Status)
		}
		if p := a.Password(t, a.NewBrowser(t), a.RelyingParty(t, "store").AuthorizeURL(), "sato"); p.URL.Path != "/signin/two-factor" {
			t.Errorf("the next sign-in leads to %s", p.URL)
		}
		rows, err := a.DB.Read().ListAccountEvents(t.Context(), store.ListAccountEventsParams{AccountID: &sato.ID, PageSize: 50})
		if err != nil {
			t.Fatal(err)
		}
		resets := 0
		for _, e := range rows {
			if e.Type == "2fa.reset" {
				resets++
				if e.ActorKind != "client" || e.ActorID != "program" || e.Reason != "mailbox gone" || e.ClientAddress != "127.0.0.1" || e.RequestID == "" {
					t.Errorf("audit row %+v", e)
				}
			}
		}
		if resets != 1 {
			t.Errorf("%d resets", resets)
		}

		if r := ask(t, a, http.MethodGet, "/audit-events", token, ""); r.Status != 403 || r.Str("code") != "insufficient_scope" {
			t.Errorf("without its scope: %d %s", r.Status, r.Body)
		}
		rp.Post("/revoke", url.Values{"token": {token}})
		if r := ask(t, a, http.MethodGet, path, token, ""); r.Status != 401 || !strings.Contains(r.Header.Get("WWW-Authenticate"), "invalid_token") {
			t.Errorf("a revoked token: %d %s", r.Status, r.Body)
		}
	})
}

// The API takes a client's own token, and no token of a person, whatever its scope.
func TestAPIRefusesTokensOfPeople(t *testing.T) {
	t.Parallel()
	a := testapp.New(t)
	row, err := a.DB.Read().GetClient(t.Context(), "store")
	if err != nil {
		t.Fatal(err)
	}
	a.AddClient(t, "greedy", store.InsertClientParams{
		SurfaceID: row.SurfaceID, AuthMethod: row.AuthMethod, SecretHash: row.SecretHash, RedirectURIs: row.RedirectURIs,
		PostLogoutRedirectURIs: row.PostLogoutRedirectURIs, GrantTypes: row.GrantTypes, IDTokenAlg: row.IDTokenAlg, Now: a.Clock.Now(),
		Scopes: []byte(`["openid", "offline_access", "api:accounts.read"]`),
	})
	if err := a.Provider.ReloadClients(t.Context()); err != nil {
		t.Fatal(err)
	}
	rp := a.RelyingParty(t, "greedy")
	b := a.NewBrowser(t)
	p := a.SignIn(t, b, rp.AuthorizeURL("scope", "openid offline_access api:accounts.read"), "suzuki")
	tokens := rp.Redeem(p.Location().Query().Get("code"))
	if !strings.Contains(tokens.Str("scope"), "api:accounts.read") {
		t.Fatalf("tokens: %s", tokens.Body)
	}
	for name, token := range map[string]string{
		"access": tokens.Str("access_token"), "refresh": tokens.Str("refresh_token"), "ID": tokens.Str("id_token"), "empty": "", "session": "x",
	} {
		if r := ask(t, a, http.MethodGet, "/accounts", token, ""); r.Status != 401 {
			t.Errorf("%s token: %d %s", name, r.Status, r.Body)
		}
	}
}

// An operator's browser can use the API with its session, and changes something only with a fresh proof (I13).
func TestI13_APIWithASession(t *testing.T) {
	t.Parallel()
	a := testapp.New(t)
	b := a.NewBrowser(t)
	if p := a.SignIn(t, b, "/admin", "operator"); p.Status != 200 {
		t.Fatalf("sign-in ends at %d %s", p.Status, p.URL)
	}
	path := "/api/v1/accounts/" + string(accountOf(t, a, "suzuki").ID) + "/disabled"
	same := map[string]string{"Origin": a.URL, "Sec-Fetch-Site": "same-origin"}
	if p := b.Do(http.MethodGet, "/api/v1/customers", nil, same); p.Status != 200 {
		t.Errorf("a look: %d %s", p.Status, p.Body)
	}
	if p := b.Do(http.MethodPut, path, nil, map[string]string{"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}); p.Status != 403 {
		t.Errorf("from another site: %d %s", p.Status, p.Body)
	}
	if p := b.Do(http.MethodPut, path, nil, same); p.Status != 200 || !strings.Contains(p.Body, "disabled_at") {
		t.Errorf("a change: %d %s", p.Status, p.Body)
	}
	a.Pass(t, 6*time.Minute)
	if p := b.Do(http.MethodDelete, path, nil, same); p.Status != 403 || !strings.Contains(p.Body, "fresh_proof_required") {
		t.Errorf("six minutes later: %d %s", p.Status, p.Body)
	}
	if p := a.NewBrowser(t).Do(http.MethodGet, "/api/v1/customers", nil, same); p.Status != 401 || p.Header.Get("WWW-Authenticate") != "Bearer" {
		t.Errorf("nobody: %d %v", p.Status, p.Header)
	}
}

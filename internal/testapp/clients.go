package testapp

import (
	"crypto/sha256"
	"encoding/json"
	"testing"

	"github.com/futakagi/futakagi/store"
)

// seedClients registers what the tests sign in to: "store" (confidential, PKCE demanded), "plain" (confidential, PKCE
// accepted), "public" (no secret, native redirect), "apps" on surface admin, and "service" (client_credentials).
func (a *App) seedClients(t testing.TB) {
	t.Helper()
	secret := sha256.Sum256([]byte(ClientSecret))
	base := store.InsertClientParams{
		SurfaceID: "store", AuthMethod: "client_secret_basic", SecretHash: secret[:],
		RedirectURIs: list(StoreCallback), PostLogoutRedirectURIs: list(StoreLoggedOut),
		GrantTypes: list("authorization_code", "refresh_token"), Scopes: list("openid", "profile", "email", "offline_access"),
		IDTokenAlg: "ES256", RequirePkce: true, Now: a.Clock.Now(),
	}
	a.AddClient(t, "store", base)
	plain := base
	plain.RequirePkce = false
	a.AddClient(t, "plain", plain)
	post := base
	post.AuthMethod = "client_secret_post"
	a.AddClient(t, "post", post)
	rsa := base
	rsa.IDTokenAlg = "RS256"
	a.AddClient(t, "rsa", rsa)
	public := base
	public.AuthMethod, public.SecretHash = "none", nil
	public.RedirectURIs = list("http://127.0.0.1/native", "jp.example.app:/callback")
	a.AddClient(t, "public", public)
	staff := base
	staff.SurfaceID = "admin"
	a.AddClient(t, "staff", staff)
	service := base
	service.GrantTypes, service.RedirectURIs = list("client_credentials"), list()
	service.Scopes = list("stock:read")
	a.AddClient(t, "service", service)
	if err := a.Provider.ReloadClients(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// AddClient registers a client; ReloadClients makes it known.
func (a *App) AddClient(t testing.TB, id string, c store.InsertClientParams) {
	t.Helper()
	c.ID, c.Name = id, id
	if err := a.DB.InTx(t.Context(), func(tx *store.Tx) error { return tx.InsertClient(t.Context(), c) }); err != nil {
		t.Fatalf("add client %s: %v", id, err)
	}
}

func list(values ...string) json.RawMessage {
	if values == nil {
		values = []string{}
	}
	raw, err := json.Marshal(values)
	if err != nil {
		panic(err) // strings only: cannot fail
	}
	return raw
}

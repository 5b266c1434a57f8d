package testapp_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/client"
	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/store"
)

// Whatever staff can save is served: a registration that the use cases take is none that the provider refuses when it reads it. The
// rules of the document alone are compared member by member in package provider.
func TestWhatStaffSaveIsServed(t *testing.T) {
	t.Parallel()
	a := testapp.New(t)
	const unusable = "client not usable"
	keysOf := func(n int, alg string) json.RawMessage {
		keys := make([]*testapp.ClientKey, n)
		for i := range keys {
			keys[i] = testapp.NewClientKey(t, fmt.Sprint("k", i), alg)
		}
		return testapp.KeySet(keys...)
	}
	const code, device, service, exchange = "authorization_code", "urn:ietf:params:oauth:grant-type:device_code", "client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange"
	uris := []string{"https://rp.example.jp/cb"}
	strict := func(s client.Settings) client.Settings {
		s.Profile, s.RequirePAR, s.DPoP = client.ProfileFAPI2, true, true
		if s.JWKSURI == "" {
			s.JWKS = keysOf(1, "ES256")
		}
		return s
	}
	for i, c := range []struct {
		taken  bool
		method string
		grants []string
		uris   []string
		alg    string
		s      client.Settings
	}{
		{true, "", []string{code}, uris, "", client.Settings{}},
		{true, "none", []string{code}, []string{"jp.example.app:/cb", "http://127.0.0.1/cb"}, "EdDSA", client.Settings{ApplicationType: client.TypeNative}},
		{true, "none", []string{device}, nil, "", client.Settings{}},
		{true, "client_secret_post", []string{service, exchange}, nil, "", client.Settings{ResourceServers: []string{"api://stock"}, Resources: []string{"urn:x:y"}}},
		{true, "private_key_jwt", []string{service}, nil, "RS256", client.Settings{JWKS: keysOf(client.MaxKeys, "ES256"), AssertionAlg: "ES384"}},
		{true, "private_key_jwt", []string{code}, uris, "", client.Settings{JWKS: keysOf(1, "ES384"), RequireRequestObject: true}},
		{true, "private_key_jwt", []string{code}, uris, "", client.Settings{JWKSURI: "https://rp.example.jp/jwks"}},
		{true, "private_key_jwt", []string{code}, uris, "", strict(client.Settings{AssertionAlg: "PS256", RequestObjectAlg: "EdDSA"})},
		{true, "private_key_jwt", []string{code}, uris, "EdDSA", strict(client.Settings{JWKSURI: "https://rp.example.jp/jwks"})},
		{true, "", []string{code}, append(uris, "https://b.example.jp/cb"), "", client.Settings{SubjectType: client.SubjectPairwise, SectorIdentifierURI: "https://s.example.jp/"}},
		{true, "", []string{code}, uris, "", client.Settings{AccessTokenFormat: client.FormatJWT, UserinfoAlg: "RS256", IntrospectionAlg: "EdDSA", MinACR: "phr", AccessLifetime: 60}},
		{false, "private_key_jwt", []string{code}, uris, "", client.Settings{}},
		{false, "private_key_jwt", []string{code}, uris, "", client.Settings{JWKS: keysOf(client.MaxKeys+1, "ES256")}},
		{false, "private_key_jwt", []string{code}, uris, "RS256", strict(client.Settings{})},
		{false, "private_key_jwt", []string{code}, uris, "", strict(client.Settings{AssertionAlg: "ES384"})},
		{false, "", []string{code}, uris, "", strict(client.Settings{})},
		{false, "none", []string{code}, uris, "", client.Settings{ResourceServers: []string{"api://stock"}}},
		{false, "none", []string{code}, []string{"jp.example.app://cb"}, "", client.Settings{SubjectType: client.SubjectPairwise}},
		{false, "client_secret_jwt", []string{code}, uris, "", client.Settings{}},
		{false, "", []string{code}, uris, "PS256", client.Settings{}},
	} {
		id := fmt.Sprint("served-", i)
		_, err := a.Admin.CreateClient(t.Context(), admin.System(), admin.NewClient{
			ID: id, Name: id, AuthMethod: c.method, GrantTypes: c.grants, RedirectURIs: c.uris, IDTokenAlg: c.alg, Settings: c.s,
		})
		if (err == nil) != c.taken {
			t.Errorf("%d: %v", i, err)
		}
	}
	reload := func() {
		if err := a.Provider.ReloadClients(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if reload(); strings.Contains(a.Log.String(), unusable) {
		t.Errorf("%s", a.Log.String())
	}
	// One that no use case wrote is complained about: silence above means something.
	a.AddClient(t, "foreign", store.InsertClientParams{
		SurfaceID: "store", AuthMethod: "private_key_jwt", RedirectURIs: json.RawMessage(`[]`), PostLogoutRedirectURIs: json.RawMessage(`[]`),
		GrantTypes: json.RawMessage(`[]`), Scopes: json.RawMessage(`[]`), IDTokenAlg: "ES256", Now: a.Clock.Now(),
	})
	if reload(); !strings.Contains(a.Log.String(), unusable) {
		t.Error("nobody hears of a registration that is not served")
	}
}

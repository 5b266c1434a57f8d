package provider

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/futakagi/futakagi/client"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
)

// keySetOf is a key set of n keys on a curve, each with its own id.
func keySetOf(t *testing.T, n int, curve elliptic.Curve) json.RawMessage {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var set jose.JSONWebKeySet
	for i := range n {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: &key.PublicKey, KeyID: "k" + strings.Repeat("x", i)})
	}
	raw, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// Whatever passes the rules of a registration is served: nothing that the console, the API or a registration saved is refused afterwards
// by the server that reads it. The rules look at more than this package does, so the reverse does not hold.
func TestWhatPassesTheRulesIsServed(t *testing.T) {
	algs := []string{"PS256", "RS256", "ES256", "ES384", "ES512", "EdDSA", "Ed25519", "HS256", "none"}
	var changes []func(*client.Settings)
	add := func(f func(*client.Settings)) { changes = append(changes, f) }
	for _, alg := range algs {
		add(func(s *client.Settings) { s.AssertionAlg = alg })
		add(func(s *client.Settings) { s.RequestObjectAlg = alg })
		add(func(s *client.Settings) { s.UserinfoAlg = alg })
		add(func(s *client.Settings) { s.IntrospectionAlg = alg })
	}
	for _, word := range []string{"", "x", client.ProfileFAPI2, client.FormatJWT, client.FormatOpaque, client.SubjectPairwise, client.SubjectPublic, client.TypeNative} {
		add(func(s *client.Settings) { s.ApplicationType = word })
		add(func(s *client.Settings) { s.AccessTokenFormat = word })
		add(func(s *client.Settings) { s.SubjectType = word })
		add(func(s *client.Settings) { s.Profile = word })
	}
	for _, acr := range append(signin.ACRValues(), "x", "0") {
		add(func(s *client.Settings) { s.MinACR = acr })
		add(func(s *client.Settings) { s.DefaultACRValues = []string{acr} })
	}
	for _, seconds := range []int64{-1, 0, 59, 60, 1 << 40} {
		add(func(s *client.Settings) {
			s.AccessLifetime, s.RefreshLifetime, s.IDTokenLifetime, s.DefaultMaxAge = seconds, seconds, seconds, &seconds
		})
		add(func(s *client.Settings) { s.DefaultMaxAge = &seconds })
		add(func(s *client.Settings) { s.RefreshLifetime = seconds })
	}
	for _, r := range []string{"urn:x:y", "https://api.example/", "https://api.example/#a", "https://api.example/ä", "https://api.example/" + strings.Repeat("x", 600), "mailto:"} {
		add(func(s *client.Settings) { s.Resources = []string{r} })
		add(func(s *client.Settings) { s.ResourceServers = []string{r} })
		add(func(s *client.Settings) { s.SectorIdentifierURI, s.SubjectType = r, client.SubjectPairwise })
	}
	keys := []json.RawMessage{
		nil, json.RawMessage(`{}`), json.RawMessage(`{"keys":[]}`), json.RawMessage(`{"KEYS":[]}`), keySetOf(t, 1, elliptic.P256()), keySetOf(t, 1, elliptic.P384()),
		keySetOf(t, 1, elliptic.P521()), keySetOf(t, client.MaxKeys, elliptic.P256()), keySetOf(t, client.MaxKeys+1, elliptic.P256()), keySetOf(t, maxClientKeys+1, elliptic.P256()),
		json.RawMessage(`{"keys":[{"kty":"RSA","use":"enc","n":"AQAB","e":"AQAB"}]}`),
		json.RawMessage(`{"keys":[{"kty":"EC","kty":"RSA"}],"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","alg":"Ed25519"}]}`),
		json.RawMessage(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","key_ops":["verify","sign"]}]}`),
	}
	redirects := [][]string{{"https://a.example/cb"}, {"https://a.example/cb", "https://b.example/cb"}, {"jp.example.app:/cb"}, {"jp.example.app://host/cb"}, {}}
	served, refused := 0, 0
	try := func(s client.Settings, in registration) {
		s = s.Normal()
		base := client.Base{
			AuthMethod: in.authMethod, GrantTypes: in.grants, Scopes: in.scopes, RedirectURIs: in.redirects, IDTokenAlg: in.idTokenAlg, PKCE: true, ACRs: signin.ACRValues(),
		}
		if len(s.Check(base)) > 0 {
			refused++
			return
		}
		in.settings = s
		row := in.row()
		if c, err := newClient(row); err != nil {
			t.Errorf("%s with %s, %s, %v is accepted, and not served: %v", s.Encode(), in.authMethod, in.idTokenAlg, in.redirects, err)
		} else if len(s.JWKS) > 0 && len(c.keys) != len(s.KeyIDs()) {
			t.Errorf("%s: %d keys are used", s.JWKS, len(c.keys))
		}
		served++
	}
	for _, method := range registrableMethods() {
		for _, alg := range signingAlgs() {
			for _, uris := range redirects {
				for _, set := range keys {
					in := registration{authMethod: method, idTokenAlg: alg, redirects: uris, grants: []string{"authorization_code"}, scopes: []string{scopeOpenID}}
					for _, profile := range []string{"", client.ProfileFAPI2} {
						strict := profile != ""
						base := client.Settings{Profile: profile, RequirePAR: strict, DPoP: strict, JWKS: set}
						if set == nil && method == "private_key_jwt" {
							base.JWKSURI = "https://a.example/jwks"
						}
						try(base, in)
						// Every other member with the keys that are there, and that are not: they do not hang together otherwise.
						if set != nil && !slices.Equal(set, keys[4]) {
							continue
						}
						for _, f := range changes {
							s := base
							f(&s)
							try(s, in)
						}
					}
				}
			}
		}
	}
	if served < 1000 || refused < 1000 {
		t.Errorf("%d served, %d refused: the table shows nothing", served, refused)
	}
	if _, err := newClient(store.Client{AuthMethod: "none", IDTokenAlg: "none", SecretHash: make([]byte, sha256.Size)}); err == nil {
		t.Error("everything is served")
	}
}

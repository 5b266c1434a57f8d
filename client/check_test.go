package client

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"strings"
	"testing"
)

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// jwk spells a public key, with more members after it.
func jwk(t testing.TB, key any, more string) string {
	t.Helper()
	switch k := key.(type) {
	case *rsa.PrivateKey:
		return `{"kty":"RSA","n":"` + b64(k.N.Bytes()) + `","e":"` + b64(big.NewInt(int64(k.E)).Bytes()) + `"` + more + `}`
	case *ecdsa.PrivateKey:
		point, err := k.PublicKey.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		half := len(point) / 2
		return `{"kty":"EC","crv":"` + k.Params().Name + `","x":"` + b64(point[1:1+half]) + `","y":"` + b64(point[1+half:]) + `"` + more + `}`
	case ed25519.PublicKey:
		return `{"kty":"OKP","crv":"Ed25519","x":"` + b64(k) + `"` + more + `}`
	}
	t.Fatalf("a key of %T", key)
	return ""
}

func set(keys ...string) json.RawMessage {
	return json.RawMessage(`{"keys":[` + strings.Join(keys, ",") + `]}`)
}

func ecKey(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func rsaKey(t testing.TB, bits int) *rsa.PrivateKey {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// weakModulus is of the form that can be factored: 1 modulo every small prime.
func weakModulus() *big.Int {
	n := big.NewInt(1)
	for _, p := range []int64{
		2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149,
		151, 157, 163, 167,
	} {
		n.Mul(n, big.NewInt(p))
	}
	n.Lsh(n, 2048-uint(n.BitLen()))
	return n.Add(n, big.NewInt(1))
}

// A key set has public keys for signatures, of the types that we verify with, and nothing else.
func TestOnlyPublicKeysForSignaturesAreTaken(t *testing.T) {
	t.Setenv("GODEBUG", "rsa1024min=0")
	p256, big2048 := ecKey(t, elliptic.P256()), rsaKey(t, 2048)
	ed, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	fine := jwk(t, p256, `,"kid":"a"`)
	for name, c := range map[string]struct {
		raw    json.RawMessage
		reason string
	}{
		"RSA":                 {set(jwk(t, big2048, `,"alg":"PS256","use":"sig","kid":"r"`)), ""},
		"P-256":               {set(jwk(t, p256, `,"alg":"ES256","key_ops":["verify"]`)), ""},
		"P-384":               {set(jwk(t, ecKey(t, elliptic.P384()), `,"alg":"ES384"`)), ""},
		"P-521":               {set(jwk(t, ecKey(t, elliptic.P521()), "")), "jwks_key"},
		"Ed25519 by name":     {set(jwk(t, ed, `,"alg":"Ed25519"`)), "jwks_key"},
		"Ed25519":             {set(jwk(t, ed, `,"alg":"EdDSA"`)), ""},
		"a certificate":       {set(jwk(t, p256, `,"x5c":["MII"],"x5t":"x"`)), ""},
		"beside encryption":   {set(fine, `{"kty":"RSA","use":"enc","n":"AQAB","e":"AQAB"}`), ""},
		"encryption alone":    {set(`{"kty":"RSA","use":"enc","n":"AQAB","e":"AQAB"}`), "jwks_form"},
		"private":             {set(fine, jwk(t, p256, `,"d":"AQAB"`)), "jwks_private"},
		"private, encryption": {set(fine, jwk(t, p256, `,"use":"enc","d":"AQAB"`)), "jwks_private"},
		"private and null":    {set(jwk(t, big2048, `,"p":null`)), "jwks_private"},
		"symmetric":           {set(`{"kty":"oct","k":"c2VjcmV0"}`), "jwks_private"},
		"another type":        {set(`{"kty":"oct"}`), "jwks_key"},
		"no type":             {set(`{}`), "jwks_key"},
		"short RSA":           {set(jwk(t, rsaKey(t, 1024), "")), "jwks_key"},
		"even exponent":       {set(strings.Replace(jwk(t, big2048, ""), `"AQAB"`, `"AQAA"`, 1)), "jwks_key"},
		"long exponent":       {set(strings.Replace(jwk(t, big2048, ""), `"AQAB"`, `"AQABAQAB"`, 1)), "jwks_key"},
		"padded":              {set(strings.Replace(jwk(t, p256, ""), `","y"`, `=","y"`, 1)), "jwks_key"},
		"off the curve":       {set(`{"kty":"EC","crv":"P-256","x":"` + b64(make([]byte, 32)) + `","y":"` + b64(make([]byte, 32)) + `"}`), "jwks_key"},
		"another curve":       {set(strings.Replace(jwk(t, p256, ""), "P-256", "secp256k1", 1)), "jwks_key"},
		"curve of another":    {set(strings.Replace(jwk(t, p256, ""), "P-256", "P-384", 1)), "jwks_key"},
		"factorable":          {set(strings.Replace(jwk(t, big2048, ""), b64(big2048.N.Bytes()), b64(weakModulus().Bytes()), 1)), "jwks_key"},
		"X25519":              {set(strings.Replace(jwk(t, ed, ""), "Ed25519", "X25519", 1)), "jwks_key"},
		"algorithm of others": {set(jwk(t, p256, `,"alg":"RS256"`)), "jwks_key"},
		"no algorithm":        {set(jwk(t, p256, `,"alg":"none"`)), "jwks_key"},
		"another use":         {set(jwk(t, p256, `,"use":"x"`)), "jwks_key"},
		"another operation":   {set(jwk(t, p256, `,"key_ops":["sign"]`)), "jwks_key"},
		"a number as kid":     {set(jwk(t, p256, `,"kid":7`)), "jwks_key"},
		"NUL in the kid":      {set(jwk(t, p256, `,"kid":"a\u0000"`)), "jwks_key"},
		"two of a kid":        {set(fine, fine), "jwks_twice"},
		"many":                {set(strings.Split(strings.Repeat(jwk(t, ed, "")+" ", MaxKeys+1), " ")[:MaxKeys+1]...), "jwks_many"},
		"none":                {set(), "jwks_form"},
		"a list":              {json.RawMessage(`[]`), "jwks_form"},
		"a text":              {json.RawMessage(`"{}"`), "jwks_form"},
		"two":                 {json.RawMessage(string(set(fine)) + "{}"), "jwks_form"},
		"nothing":             {json.RawMessage(``), "jwks_form"},
		"long":                {json.RawMessage(strings.Repeat(" ", MaxJWKS) + string(set(fine))), "jwks_size"},
	} {
		keys, err := ParseJWKS(c.raw)
		if (err == nil) != (c.reason == "") || err == nil && len(keys) != 1 || err != nil && (problemOf(err).Reason != c.reason || problemOf(err).Text == "") {
			t.Errorf("%s: %v %v, want %q", name, keys, err, c.reason)
		}
	}
}

// Settings that say the same are the same, whatever a database or a person made of them.
func TestNormalSettingsAreTheSame(t *testing.T) {
	key := ecKey(t, elliptic.P256())
	a := Settings{JWKS: set(jwk(t, key, `,"kid":"a","x5t":"x"`)), ApplicationType: TypeWeb, SubjectType: SubjectPublic, AccessTokenFormat: FormatOpaque}
	b := Settings{JWKS: json.RawMessage(strings.ReplaceAll(string(set(`{"kid":"a",`+jwk(t, key, "")[1:])), ",", " ,\n ")), Resources: []string{}}
	if x, y := a.Normal(), b.Normal(); string(x.Encode()) != string(y.Encode()) || strings.Contains(string(x.JWKS), "x5t") {
		t.Errorf("%s\n%s", x.Encode(), y.Encode())
	}
	if ids := a.KeyIDs(); len(ids) != 1 || ids[0] != "a" {
		t.Errorf("%v", ids)
	}
	for _, none := range []string{"", "null", " {} "} {
		if s := (Settings{JWKS: json.RawMessage(none)}).Normal(); s.JWKS != nil {
			t.Errorf("%q is a key set", none)
		}
	}
}

func base() Base {
	return Base{
		AuthMethod: "client_secret_basic", GrantTypes: []string{grantCode}, Scopes: []string{"openid"}, IDTokenAlg: "ES256", PKCE: true,
		RedirectURIs: []string{"https://rp.example.jp/cb", "https://RP.example.jp:443/cb2"}, ACRs: []string{"one", "two"},
	}
}

// Every rule of the document refuses what breaks it, and names the member; what keeps it passes.
func TestCheckNamesWhatIsWrong(t *testing.T) {
	keys := set(jwk(t, ecKey(t, elliptic.P256()), ""))
	many := func(n int) (out []string) {
		for i := range n {
			out = append(out, "https://api.example.jp/"+strings.Repeat("x", i))
		}
		return out
	}
	fapi := func(change func(*Settings, *Base)) (Settings, Base) {
		b := base()
		b.AuthMethod = authPrivateKeyJWT
		s := Settings{Profile: ProfileFAPI2, JWKS: keys, RequirePAR: true, DPoP: true}
		change(&s, &b)
		return s, b
	}
	of := func(s Settings) func() (Settings, Base) { return func() (Settings, Base) { return s, base() } }
	with := func(s Settings, change func(*Base)) func() (Settings, Base) {
		return func() (Settings, Base) { b := base(); change(&b); return s, b }
	}
	strict := func(change func(*Settings, *Base)) func() (Settings, Base) {
		return func() (Settings, Base) { return fapi(change) }
	}
	for _, c := range []struct {
		name string
		in   func() (Settings, Base)
		want string // "member reason", one or more
	}{
		{"nothing", of(Settings{}), ""},
		{"type", of(Settings{ApplicationType: "desktop"}), "application_type one_of"},
		{"profile", of(Settings{Profile: "fapi1"}), "profile one_of"},
		{"assertion alg", of(Settings{AssertionAlg: "HS256"}), "token_endpoint_auth_signing_alg one_of"},
		{"request alg", of(Settings{RequestObjectAlg: "none"}), "request_object_signing_alg one_of"},
		{"format", of(Settings{AccessTokenFormat: "saml"}), "access_token_format one_of"},
		{"userinfo alg", of(Settings{UserinfoAlg: "PS256"}), "userinfo_signed_response_alg one_of"},
		{"introspection alg", of(Settings{IntrospectionAlg: "x"}), "introspection_signed_response_alg one_of"},
		{"subject", of(Settings{SubjectType: "x"}), "subject_type one_of"},
		{"words", of(Settings{
			ApplicationType: TypeNative, AssertionAlg: "PS256", RequestObjectAlg: "EdDSA", AccessTokenFormat: FormatJWT, UserinfoAlg: "RS256", IntrospectionAlg: "ES256",
		}), ""},
		{"keys", of(Settings{JWKS: keys, RequireRequestObject: true}), ""},
		{"no keys at all", of(Settings{JWKS: json.RawMessage(`{"keys":[]}`)}), "jwks jwks_form"},
		{"both", of(Settings{JWKS: keys, JWKSURI: "https://rp.example.jp/jwks"}), "jwks_uri jwks_both"},
		{"keys for assertions", with(Settings{}, func(b *Base) { b.AuthMethod = authPrivateKeyJWT }), "jwks jwks_missing"},
		{"keys elsewhere", with(Settings{JWKSURI: "https://rp.example.jp/jwks"}, func(b *Base) { b.AuthMethod = authPrivateKeyJWT }), ""},
		{"keys for requests", of(Settings{RequireRequestObject: true}), "jwks jwks_missing"},
		{"short", of(Settings{AccessLifetime: 59, IDTokenLifetime: 59, RefreshLifetime: 299}), "access_token_lifetime range, id_token_lifetime range, refresh_token_lifetime range"},
		{"long", of(Settings{AccessLifetime: 86401, IDTokenLifetime: 86401, RefreshLifetime: 31536001}), "access_token_lifetime range, id_token_lifetime range, refresh_token_lifetime range"},
		{"negative", of(Settings{AccessLifetime: -60}), "access_token_lifetime range"},
		{"bounds", of(Settings{AccessLifetime: 60, IDTokenLifetime: 86400, RefreshLifetime: 31536000, DefaultMaxAge: new(int64(0))}), ""},
		{"max age", of(Settings{DefaultMaxAge: new(int64(-1))}), "default_max_age range"},
		{"resources", of(Settings{Resources: []string{"https://api.example.jp/a?b=c", "urn:example:api"}}), ""},
		{"resource", of(Settings{Resources: []string{"/api", "https://api.example.jp/#a"}}), "resources resource, resources resource"},
		{"resource servers", of(Settings{ResourceServers: []string{"https://api.example.jp/", "api://stock"}}), ""},
		{"resource server", of(Settings{ResourceServers: []string{"https://api.example.jp/ /", "https://api.example.jp/" + strings.Repeat("x", 512)}}), "resource_servers resource, resource_servers resource"},
		{"resource servers, many", of(Settings{ResourceServers: many(MaxResources + 1)}), "resource_servers many"},
		{"resource servers, public", with(Settings{ResourceServers: many(1)}, func(b *Base) { b.AuthMethod = authNone }), "resource_servers resource_public"},
		{"resources, many", of(Settings{Resources: many(MaxResources + 1)}), "resources many"},
		{"level", of(Settings{MinACR: "three", DefaultACRValues: []string{"one", "four"}}), "min_acr one_of, default_acr_values one_of"},
		{"levels", of(Settings{MinACR: "two", DefaultACRValues: []string{"one", "two"}}), ""},
		{"levels, many", of(Settings{DefaultACRValues: []string{"one", "two", "one"}}), "default_acr_values many"},
		{"addresses", of(Settings{
			JWKSURI: "http://rp.example.jp/jwks", SectorIdentifierURI: "x", ClientURI: "javascript:alert(1)", PolicyURI: "https://u@rp.example.jp/",
			TermsURI: "https://rp.example.jp/#a", InitiateLoginURI: "https:///x",
		}), "jwks_uri uri, sector_identifier_uri uri, client_uri uri, policy_uri uri, tos_uri uri, initiate_login_uri uri"},
		{"a long address", of(Settings{ClientURI: "https://rp.example.jp/" + strings.Repeat("x", MaxURI)}), "client_uri uri"},
		{"hidden characters", of(Settings{ClientURI: "https://rp.example.jp/\u2028"}), "client_uri uri"},
		{"loopback", of(Settings{JWKSURI: "http://localhost:8081/jwks", ClientURI: "http://127.0.0.1/", PolicyURI: "http://[::1]:1/"}), ""},
		{"like loopback", of(Settings{ClientURI: "http://localhost.example.jp/"}), "client_uri uri"},
		{"pairwise", of(Settings{SubjectType: SubjectPairwise}), ""},
		{"pairwise, hosts", with(Settings{SubjectType: SubjectPairwise}, func(b *Base) { b.RedirectURIs = append(b.RedirectURIs, "https://b.example.jp/") }), "sector_identifier_uri sector"},
		{"pairwise, scheme", with(Settings{SubjectType: SubjectPairwise}, func(b *Base) { b.RedirectURIs = []string{"jp.example.app:/cb"} }), "sector_identifier_uri sector"},
		{"pairwise, scheme with a host", with(Settings{SubjectType: SubjectPairwise}, func(b *Base) { b.RedirectURIs = []string{"jp.example.app://cb"} }), "sector_identifier_uri sector"},
		{"pairwise, nowhere", with(Settings{SubjectType: SubjectPairwise}, func(b *Base) { b.RedirectURIs = nil }), "sector_identifier_uri sector"},
		{"pairwise, loopback", with(Settings{SubjectType: SubjectPairwise}, func(b *Base) { b.RedirectURIs = []string{"http://127.0.0.1/cb", "http://127.0.0.1:8080/cb"} }), "sector_identifier_uri sector_loopback"},
		{"pairwise, loopback by IPv6", with(Settings{SubjectType: SubjectPairwise}, func(b *Base) { b.RedirectURIs = []string{"http://[::1]/cb"} }), "sector_identifier_uri sector_loopback"},
		{"pairwise, loopback by name", with(Settings{SubjectType: SubjectPairwise}, func(b *Base) { b.RedirectURIs = []string{"https://App.LocalHost/cb"} }), "sector_identifier_uri sector_loopback"},
		{"pairwise, loopback and a sector", with(Settings{SubjectType: SubjectPairwise, SectorIdentifierURI: "https://rp.example.jp/s"}, func(b *Base) { b.RedirectURIs = []string{"http://127.0.0.1/cb"} }), ""},
		{"public, loopback", with(Settings{}, func(b *Base) { b.RedirectURIs = []string{"http://127.0.0.1/cb"} }), ""},
		{"pairwise, sector", with(Settings{SubjectType: SubjectPairwise, SectorIdentifierURI: "https://rp.example.jp/s"}, func(b *Base) { b.RedirectURIs = nil }), ""},
		{"frame", of(Settings{FrontchannelLogoutURI: "https://rp.example.jp/out"}), ""},
		{"frame, port", of(Settings{FrontchannelLogoutURI: "https://rp.example.jp:8443/out"}), "frontchannel_logout_uri frontchannel"},
		{"frame, host", of(Settings{FrontchannelLogoutURI: "https://b.example.jp/out"}), "frontchannel_logout_uri frontchannel"},
		{"frame, no address", of(Settings{FrontchannelLogoutURI: "about:blank"}), "frontchannel_logout_uri uri"},
		{"contacts", of(Settings{Contacts: []string{"a@example.jp"}}), ""},
		{"contact", of(Settings{Contacts: []string{"A <a@example.jp>", "x"}}), "contacts contact, contacts contact"},
		{"contacts, many", of(Settings{Contacts: many(MaxContacts + 1)}), "contacts many"},
		{"third party", of(Settings{ThirdParty: true}), ""},
		{"third party, API", with(Settings{ThirdParty: true}, func(b *Base) { b.Scopes = []string{"api:clients"} }), "third_party third_party"},
		{"fapi2", strict(func(*Settings, *Base) {}), ""},
		{"fapi2, no code", strict(func(_ *Settings, b *Base) { b.GrantTypes = []string{"client_credentials"} }), "profile fapi_grant"},
		{"fapi2, secret", strict(func(_ *Settings, b *Base) { b.AuthMethod = "client_secret_basic" }), "profile fapi_auth"},
		{"fapi2, public", strict(func(_ *Settings, b *Base) { b.AuthMethod = authNone }), "profile fapi_auth"},
		{"fapi2, open requests", strict(func(s *Settings, _ *Base) { s.RequirePAR = false }), "profile fapi_par"},
		{"fapi2, bearer", strict(func(s *Settings, _ *Base) { s.DPoP = false }), "profile fapi_dpop"},
		{"fapi2, no PKCE", strict(func(_ *Settings, b *Base) { b.PKCE = false }), "profile fapi_pkce"},
		{"fapi2, P-384", strict(func(s *Settings, _ *Base) { s.RequestObjectAlg = "ES384" }), "profile fapi_alg"},
		{"fapi2, RS256 for userinfo", strict(func(s *Settings, _ *Base) { s.UserinfoAlg = "RS256" }), "profile fapi_alg"},
		{"fapi2, RS256 for introspection", strict(func(s *Settings, _ *Base) { s.IntrospectionAlg = "RS256" }), "profile fapi_alg"},
		{"fapi2, RS256", strict(func(s *Settings, _ *Base) { s.AssertionAlg = "RS256" }), "profile fapi_alg"},
	} {
		s, b := c.in()
		var got []string
		for _, p := range s.Check(b) {
			got = append(got, p.Member+" "+p.Reason)
			if !strings.HasSuffix(p.Text, p.Rule) || p.Rule == "" || len(p.Args)%2 != 0 {
				t.Errorf("%s: %+v", c.name, p)
			}
		}
		if text := strings.Join(got, ", "); text != c.want {
			t.Errorf("%s: %s, want %s", c.name, text, c.want)
		}
	}
}

// Whatever comes in as a key set is refused in words, or read in a form that is read the same again and has nothing secret in it.
func FuzzParseJWKS(f *testing.F) {
	f.Add([]byte(set(jwk(f, ecKey(f, elliptic.P256()), `,"kid":"a"`))))
	f.Add([]byte(set(jwk(f, rsaKey(f, 2048), `,"alg":"PS256","d":"x"`))))
	f.Add([]byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"` + b64(make([]byte, 32)) + `","D":"x"}]}`))
	f.Add([]byte(`{"keys":[{"kty":"EC","use":"enc"},null]}`))
	f.Add([]byte(`{"KEYS":[{}],"keys":1e400000}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		keys, err := ParseJWKS(raw)
		if err != nil {
			if p := problemOf(err); p.Reason == "" || p.Member != memberJWKS || strings.ContainsRune(p.Text, 0) {
				t.Errorf("%q: %+v", raw, p)
			}
			return
		}
		once := Settings{JWKS: raw}.Normal()
		twice := once.Normal()
		again, err := ParseJWKS(once.JWKS)
		if err != nil || len(again) != len(keys) || string(once.JWKS) != string(twice.JWKS) {
			t.Errorf("%q: read as %s, and again as %s: %v", raw, once.JWKS, twice.JWKS, err)
		}
		var members struct{ Keys []map[string]any }
		if err := json.Unmarshal(once.JWKS, &members); err != nil {
			t.Fatal(err)
		}
		for _, k := range members.Keys {
			for _, name := range privateMembers() {
				if _, ok := k[name]; ok {
					t.Errorf("%q: kept %s", raw, name)
				}
			}
		}
	})
}

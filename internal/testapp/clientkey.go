package testapp

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/big"
	"net/url"
	"testing"
	"time"

	"github.com/futakagi/futakagi/client"
	"github.com/futakagi/futakagi/store"
)

// ClientKey is a key pair that a client signs with, by the standard library alone: it also signs what no library of ours would.
type ClientKey struct {
	ID, Alg string
	Private crypto.Signer
}

// NewClientKey makes a key pair.
func NewClientKey(t testing.TB, id, alg string) *ClientKey {
	t.Helper()
	var private crypto.Signer
	var err error
	switch alg {
	case "ES256":
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ES384":
		private, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "EdDSA":
		_, private, err = ed25519.GenerateKey(rand.Reader)
	case "RS256", "PS256":
		private, err = (&keyPool{url: t.Name()}).nextRSA()
	default:
		t.Fatalf("no keys for %s", alg)
	}
	if err != nil {
		t.Fatal(err)
	}
	return &ClientKey{ID: id, Alg: alg, Private: private}
}

// JWK is the public half (RFC 7517).
func (k *ClientKey) JWK() map[string]any {
	jwk := map[string]any{"use": "sig"}
	if k.ID != "" {
		jwk["kid"] = k.ID
	}
	switch public := k.Private.Public().(type) {
	case *ecdsa.PublicKey:
		point, err := public.Bytes()
		if err != nil {
			panic(err) // made here, on a curve that there is
		}
		half := len(point) / 2
		jwk["kty"], jwk["crv"] = "EC", public.Curve.Params().Name
		jwk["x"], jwk["y"] = b64(point[1:1+half]), b64(point[1+half:])
	case ed25519.PublicKey:
		jwk["kty"], jwk["crv"], jwk["x"] = "OKP", "Ed25519", b64(public)
	case *rsa.PublicKey:
		jwk["kty"], jwk["n"], jwk["e"] = "RSA", b64(public.N.Bytes()), b64(big.NewInt(int64(public.E)).Bytes())
	}
	return jwk
}

// Thumbprint names the key (RFC 7638): what a map is encoded as is in the order that the RFC wants.
func (k *ClientKey) Thumbprint() string {
	jwk := k.JWK()
	delete(jwk, "use")
	delete(jwk, "kid")
	sum := sha256.Sum256(encodeJSON(jwk))
	return b64(sum[:])
}

// KeySet is what a client publishes.
func KeySet(keys ...*ClientKey) json.RawMessage {
	all := make([]any, len(keys))
	for i, k := range keys {
		all[i] = k.JWK()
	}
	return encodeJSON(map[string]any{"keys": all})
}

// Sign makes a JWT. The header gets alg and kid of the key unless it says something else; one that is nil is left out.
func (k *ClientKey) Sign(header, claims map[string]any) string {
	full := map[string]any{"alg": k.Alg, "kid": k.ID}
	if k.ID == "" {
		delete(full, "kid")
	}
	merge(full, header)
	return k.SignRaw(string(encodeJSON(full)), string(encodeJSON(claims)))
}

// SignRaw signs any header and payload with the key's own algorithm.
func (k *ClientKey) SignRaw(header, payload string) string {
	input := b64([]byte(header)) + "." + b64([]byte(payload))
	return input + "." + b64(k.signature([]byte(input)))
}

func (k *ClientKey) signature(input []byte) []byte {
	sum256, sum384 := sha256.Sum256(input), sha512.Sum384(input)
	digest, hash := sum256[:], crypto.SHA256
	if k.Alg == "ES384" {
		digest, hash = sum384[:], crypto.SHA384
	}
	var sig []byte
	var err error
	switch private := k.Private.(type) {
	case *ecdsa.PrivateKey:
		size := (private.Curve.Params().BitSize + 7) / 8
		var r, s *big.Int
		if r, s, err = ecdsa.Sign(rand.Reader, private, digest); err == nil {
			sig = make([]byte, 2*size)
			r.FillBytes(sig[:size])
			s.FillBytes(sig[size:])
		}
	case ed25519.PrivateKey:
		sig = ed25519.Sign(private, input)
	case *rsa.PrivateKey:
		if k.Alg == "PS256" {
			sig, err = rsa.SignPSS(rand.Reader, private, hash, digest, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		} else {
			sig, err = rsa.SignPKCS1v15(rand.Reader, private, hash, digest)
		}
	}
	if err != nil {
		panic(err) // a key of the right kind: cannot fail
	}
	return sig
}

func b64(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

func encodeJSON(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // maps of plain values: cannot fail
	}
	return raw
}

// merge applies changes; nil takes a member away.
func merge(into, changes map[string]any) {
	maps.Copy(into, changes)
	maps.DeleteFunc(into, func(_ string, v any) bool { return v == nil })
}

// KeyClient registers a confidential client that proves itself by the first of its keys, with settings beside those of the fixtures. Its
// keys go into the registration unless the settings say where they are. Change, if any, is applied to the row.
func (a *App) KeyClient(t testing.TB, id string, s client.Settings, change func(*store.InsertClientParams), keys ...*ClientKey) *RelyingParty {
	t.Helper()
	if s.JWKSURI == "" && len(keys) > 0 {
		s.JWKS = KeySet(keys...)
	}
	row := store.InsertClientParams{
		SurfaceID: "store", AuthMethod: "private_key_jwt", RedirectURIs: list(StoreCallback), PostLogoutRedirectURIs: list(StoreLoggedOut),
		GrantTypes: list("authorization_code", "refresh_token", "client_credentials"),
		Scopes:     list("openid", "profile", "email", "offline_access", "stock:read"),
		IDTokenAlg: "ES256", RequirePkce: true, Now: a.Clock.Now(), Settings: s.Encode(),
	}
	if change != nil {
		change(&row)
	}
	a.AddClient(t, id, row)
	if err := a.Provider.ReloadClients(t.Context()); err != nil {
		t.Fatal(err)
	}
	rp := a.RelyingParty(t, id)
	if rp.Secret = ""; len(keys) > 0 {
		rp.Key = keys[0]
	}
	return rp
}

// Assertion is a client assertion (RFC 7523 section 3), with changes; nil takes a claim away.
func (rp *RelyingParty) Assertion(changes map[string]any) string {
	return rp.Key.Sign(nil, rp.AssertionClaims(changes))
}

// AssertionClaims are the claims of a good assertion with changes.
func (rp *RelyingParty) AssertionClaims(changes map[string]any) map[string]any {
	now := rp.app.Clock.Now()
	claims := map[string]any{
		"iss": rp.ID, "sub": rp.ID, "aud": rp.app.URL, "jti": rand.Text(), "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Minute).Unix(),
	}
	merge(claims, changes)
	return claims
}

// AssertionForm is a form with an assertion in it and no client_id.
func AssertionForm(assertion string, form url.Values) url.Values {
	form = cloneValues(form)
	form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
	form.Set("client_assertion", assertion)
	return form
}

// Proof is a DPoP proof (RFC 9449 section 4.2) for a request to an endpoint.
func (rp *RelyingParty) Proof(method, path string) string {
	jwk := rp.ProofKey.JWK()
	delete(jwk, "use")
	delete(jwk, "kid")
	claims := map[string]any{"jti": rand.Text(), "htm": method, "htu": rp.app.URL + path, "iat": rp.app.Clock.Now().Unix()}
	if rp.nonce != "" {
		claims["nonce"] = rp.nonce
	}
	merge(claims, rp.ProofChanges)
	return rp.ProofKey.Sign(map[string]any{"typ": "dpop+jwt", "jwk": jwk, "kid": nil}, claims)
}

// RequestObject is a good signed request (RFC 9101) with changes to its claims; nil takes one away.
func (rp *RelyingParty) RequestObject(changes map[string]any) string {
	return rp.Key.Sign(map[string]any{"typ": "oauth-authz-req+jwt"}, rp.RequestClaims(changes))
}

// RequestClaims are the claims of that request.
func (rp *RelyingParty) RequestClaims(changes map[string]any) map[string]any {
	now := rp.app.Clock.Now()
	claims := map[string]any{
		"iss": rp.ID, "aud": rp.app.URL, "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(), "jti": rand.Text(),
	}
	for name, values := range rp.Request() {
		claims[name] = values[0]
	}
	merge(claims, changes)
	return claims
}

// Push pushes an authorization request with changes as in Request.
func (rp *RelyingParty) Push(changes ...string) Reply {
	rp.t.Helper()
	return rp.Post("/par", rp.Request(changes...))
}

// PushedURL pushes a request and returns the path that opens it.
func (rp *RelyingParty) PushedURL(changes ...string) string {
	rp.t.Helper()
	r := rp.Push(changes...)
	if r.Status != 201 || r.Str("request_uri") == "" {
		rp.t.Fatalf("push: %d %s", r.Status, r.Body)
	}
	return rp.OpenURL(r.Str("request_uri"))
}

// OpenURL is the path that opens a pushed request.
func (rp *RelyingParty) OpenURL(requestURI string) string {
	return "/authorize?" + url.Values{"client_id": {rp.ID}, "request_uri": {requestURI}}.Encode()
}

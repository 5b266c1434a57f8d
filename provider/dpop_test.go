package provider

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/futakagi/futakagi/client"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
)

// prover makes proofs as a client does.
type prover struct {
	t   testing.TB
	alg jose.SignatureAlgorithm
	key crypto.Signer
}

func newProver(t testing.TB) prover {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return prover{t, jose.ES256, key}
}

func (p prover) thumbprint() string {
	p.t.Helper()
	sum, err := (&jose.JSONWebKey{Key: p.key.Public()}).Thumbprint(crypto.SHA256)
	if err != nil {
		p.t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(sum)
}

func (p prover) jwk() json.RawMessage {
	p.t.Helper()
	raw, err := jose.JSONWebKey{Key: p.key.Public()}.MarshalJSON()
	if err != nil {
		p.t.Fatal(err)
	}
	return raw
}

func asJSON(t testing.TB, v any) []byte {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// seal signs a header and claims as they are, however wrong.
func (p prover) seal(header, claims []byte) string {
	p.t.Helper()
	input := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(claims)
	sum := sha256.Sum256([]byte(input))
	var signature []byte
	var err error
	switch key := p.key.(type) {
	case *ecdsa.PrivateKey:
		r, s, e := ecdsa.Sign(rand.Reader, key, sum[:])
		err, signature = e, append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	case ed25519.PrivateKey:
		signature = ed25519.Sign(key, []byte(input))
	case *rsa.PrivateKey:
		if p.alg == jose.PS256 {
			signature, err = rsa.SignPSS(rand.Reader, key, crypto.SHA256, sum[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		} else {
			signature, err = rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
		}
	}
	if err != nil {
		p.t.Fatal(err)
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// claims are those of a good proof.
func proofClaims(method, address string, at time.Time, more map[string]any) map[string]any {
	c := map[string]any{"jti": rand.Text(), "htm": method, "htu": address, "iat": at.Unix()}
	maps.Copy(c, more)
	return c
}

func (p prover) header() map[string]any {
	return map[string]any{"typ": "dpop+jwt", "alg": string(p.alg), "jwk": p.jwk()}
}

// proof is a good proof, with more claims.
func (p prover) proof(method, address string, at time.Time, more map[string]any) string {
	return p.seal(asJSON(p.t, p.header()), asJSON(p.t, proofClaims(method, address, at, more)))
}

// forToken is a good proof for an access token.
func (p prover) forToken(method, address, token string, at time.Time, more map[string]any) string {
	sum := sha256.Sum256([]byte(token))
	claims := map[string]any{"ath": base64.RawURLEncoding.EncodeToString(sum[:])}
	maps.Copy(claims, more)
	return p.proof(method, address, at, claims)
}

func TestProofsOfEveryAlgorithm(t *testing.T) {
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	bits := func(n int) *rsa.PrivateKey {
		key, err := rsa.GenerateKey(rand.Reader, n)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	large := bits(2048)
	for name, p := range map[string]prover{
		"ES256": newProver(t), "EdDSA": {t, jose.EdDSA, edwards}, "RS256": {t, jose.RS256, large}, "PS256": {t, jose.PS256, large},
	} {
		got, err := readProof(p.proof(http.MethodPost, testIssuer+"/token", testStart, nil), http.MethodPost, testIssuer+"/token", testStart)
		if err != nil || got.key != p.thumbprint() {
			t.Errorf("%s: %v, key %s, want %s", name, err, got.key, p.thumbprint())
		}
	}
	small := prover{t, jose.RS256, bits(1024)}
	if _, err := readProof(small.proof(http.MethodPost, testIssuer+"/token", testStart, nil), http.MethodPost, testIssuer+"/token", testStart); err == nil {
		t.Error("an RSA key of 1024 bits was accepted")
	}
	curve, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES384, Key: curve}, (&jose.SignerOptions{EmbedJWK: true}).WithType(typProof))
	if err != nil {
		t.Fatal(err)
	}
	jws, err := signer.Sign(asJSON(t, proofClaims(http.MethodGet, testIssuer+"/userinfo", testStart, nil)))
	if err != nil {
		t.Fatal(err)
	}
	text, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := readProof(text, http.MethodGet, testIssuer+"/userinfo", testStart); err != nil {
		t.Errorf("ES384: %v", err)
	}
	if fits(jose.JSONWebKey{Key: curve.Public()}, joseHeader{Alg: algES256}) {
		t.Error("a P-384 key passes for ES256")
	}
}

// wrongProofs are proofs that are wrong in one thing each.
func wrongProofs(p prover, method, address string, at time.Time, more map[string]any) map[string]string {
	t := p.t
	head := func(change func(h map[string]any)) string {
		h := p.header()
		change(h)
		return p.seal(asJSON(t, h), asJSON(t, proofClaims(method, address, at, more)))
	}
	body := func(name string, value any) string {
		c := proofClaims(method, address, at, more)
		if c[name] = value; value == nil {
			delete(c, name)
		}
		return p.seal(asJSON(t, p.header()), asJSON(t, c))
	}
	private, err := jose.JSONWebKey{Key: p.key}.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	good := p.proof(method, address, at, more)
	parts := strings.Split(good, ".")
	claims := string(asJSON(t, proofClaims(method, address, at, more)))
	header := string(asJSON(t, p.header()))
	twice := func(object, name, value string) []byte { return []byte(`{"` + name + `":` + value + "," + object[1:]) }
	return map[string]string{
		"empty":                      "",
		"no JWT":                     "x",
		"JSON serialization":         `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
		"without signature":          parts[0] + "." + parts[1] + ".",
		"another's signature":        parts[0] + "." + parts[1] + "." + strings.Split(p.proof(method, address, at, more), ".")[2],
		"unknown members in front":   "." + good,
		"alg none":                   head(func(h map[string]any) { h["alg"] = "none" }),
		"alg HS256":                  head(func(h map[string]any) { h["alg"] = "HS256" }),
		"alg RS256 with an EC key":   head(func(h map[string]any) { h["alg"] = "RS256" }),
		"alg ES384 with a P-256 key": head(func(h map[string]any) { h["alg"] = "ES384" }),
		"alg missing":                head(func(h map[string]any) { delete(h, "alg") }),
		"typ missing":                head(func(h map[string]any) { delete(h, "typ") }),
		"typ JWT":                    head(func(h map[string]any) { h["typ"] = "JWT" }),
		"typ a number":               head(func(h map[string]any) { h["typ"] = 1 }),
		"jwk missing":                head(func(h map[string]any) { delete(h, "jwk") }),
		"jwk private":                head(func(h map[string]any) { h["jwk"] = json.RawMessage(private) }),
		"jwk symmetric":              head(func(h map[string]any) { h["jwk"] = map[string]string{"kty": "oct", "k": "c2VjcmV0"} }),
		"jwk of another key":         head(func(h map[string]any) { h["jwk"] = newProver(t).jwk() }),
		"jwk off the curve": head(func(h map[string]any) {
			h["jwk"] = map[string]string{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}
		}),
		"jwk of unknown kind":   head(func(h map[string]any) { h["jwk"] = map[string]string{"kty": "XX"} }),
		"jwk a string":          head(func(h map[string]any) { h["jwk"] = "x" }),
		"crit":                  head(func(h map[string]any) { h["crit"] = []string{"x"}; h["x"] = 1 }),
		"b64 false":             head(func(h map[string]any) { h["crit"] = []string{"b64"}; h["b64"] = false }),
		"jti missing":           body("jti", nil),
		"jti empty":             body("jti", ""),
		"jti a number":          body("jti", 1),
		"jti huge":              body("jti", strings.Repeat("x", maxProofID+1)),
		"htm missing":           body("htm", nil),
		"htm of another method": body("htm", http.MethodPut),
		"htm in small letters":  body("htm", strings.ToLower(method)),
		"htm a list":            body("htm", []string{method}),
		"htu missing":           body("htu", nil),
		"htu of another path":   body("htu", address+"/x"),
		"htu of another host":   body("htu", strings.Replace(address, "://", "://evil.", 1)),
		"htu of another scheme": body("htu", "ftp"+strings.TrimPrefix(strings.TrimPrefix(address, "https"), "http")),
		"htu of another port":   body("htu", strings.Replace(address, ".com/", ".com:444/", 1)),
		"htu with a user":       body("htu", strings.Replace(address, "://", "://user@", 1)),
		"htu relative":          body("htu", "/token"),
		"htu not an address":    body("htu", "%zz"),
		"htu null":              p.seal([]byte(header), []byte(strings.Replace(claims, `"htu":"`+address+`"`, `"htu":null`, 1))),
		"iat missing":           body("iat", nil),
		"iat a string":          body("iat", "now"),
		"iat too long ago":      body("iat", at.Add(-proofWindow-time.Second).Unix()),
		"iat in the future":     body("iat", at.Add(proofWindow+time.Second).Unix()),
		"iat beyond numbers":    p.seal([]byte(header), []byte(strings.Replace(claims, `"iat":`, `"iat":1e300,"x":`, 1))),
		"iat negative":          body("iat", -1e18),
		"claims twice":          p.seal([]byte(header), twice(claims, "jti", `"other"`)),
		"claims a list":         p.seal([]byte(header), []byte(`["jti"]`)),
		"claims and more":       p.seal([]byte(header), []byte(claims+"{}")),
		"claims broken":         p.seal([]byte(header), []byte(claims[:len(claims)-1])),
		"nonce a number":        body("nonce", 1),
		"huge":                  body("x", strings.Repeat("x", maxProof)),
	}
}

// Nothing but a proof that is right in everything counts, and every other gets the one error that the standard has for it.
func TestWrongProofsAreRefused(t *testing.T) {
	b := newMachineBench(t, storetest.SQLite(t))
	p := newProver(t)
	ask := func(proofs ...string) reply {
		r := b.request(pathToken, "shop", url.Values{"grant_type": {"client_credentials"}})
		for _, text := range proofs {
			r.Header.Add(headerProof, text)
		}
		return b.do(r)
	}
	for name, text := range wrongProofs(p, http.MethodPost, testIssuer+pathToken, testStart, nil) {
		if got := ask(text); got.Code != http.StatusBadRequest || got.str("error") != codeInvalidProof {
			t.Errorf("%s: %d %s", name, got.Code, got.Body)
		}
	}
	one, two := p.proof(http.MethodPost, testIssuer+pathToken, testStart, nil), p.proof(http.MethodPost, testIssuer+pathToken, testStart, nil)
	wantRefused(t, ask(one, two), http.StatusBadRequest, codeInvalidProof)
	if got := ask(one); got.Code != http.StatusOK || got.str("token_type") != tokenTypeDPoP {
		t.Errorf("a good proof: %d %s", got.Code, got.Body)
	}
	wantRefused(t, ask(one), http.StatusBadRequest, codeInvalidProof) // it counted
	if got := ask(two); got.Code != http.StatusOK {
		t.Errorf("another good proof: %d %s", got.Code, got.Body)
	}
}

func TestAddressesOfProofsAreNormalised(t *testing.T) {
	const address = "https://id.example.com/a/b%2Fc"
	for htu, same := range map[string]bool{
		"https://id.example.com/a/b%2Fc":       true,
		"HTTPS://ID.example.com:443/a/b%2fc":   true,
		"https://id.example.com/%61/b%2Fc?x#y": true,
		"https://id.example.com/a/b/c":         false,
		"https://id.example.com/a/b%2Fc/":      false,
		"http://id.example.com/a/b%2Fc":        false,
		"https://id.example.com:8443/a/b%2Fc":  false,
		"https://id.example.com":               false,
	} {
		if got := sameAddress(htu, address); got != same {
			t.Errorf("%s: %v", htu, got)
		}
	}
	if !sameAddress("https://id.example.com", "https://id.example.com/") {
		t.Error("an empty path is not the root")
	}
}

// Of any number of requests with one proof, one is answered.
func TestProofCountsOnceAmongParallelRequests(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newMachineBench(t, db)
		text := newProver(t).proof(http.MethodPost, testIssuer+pathToken, testStart, nil)
		replies := make([]reply, 16)
		var wg sync.WaitGroup
		for i := range replies {
			wg.Go(func() {
				r := b.request(pathToken, "shop", url.Values{"grant_type": {"client_credentials"}})
				r.Header.Set(headerProof, text)
				replies[i] = b.do(r)
			})
		}
		wg.Wait()
		won := 0
		for _, r := range replies {
			if r.Code == http.StatusOK {
				won++
				continue
			}
			wantRefused(t, r, http.StatusBadRequest, codeInvalidProof)
		}
		if won != 1 {
			t.Errorf("%d requests were answered", won)
		}
	})
}

// addSettings registers a client with a document of settings.
func (b *machineBench) addSettings(id string, s client.Settings) {
	b.t.Helper()
	secret, hash := NewClientSecret()
	b.secrets[id] = secret
	b.write(func(ctx context.Context, tx *store.Tx) error {
		return tx.InsertClient(ctx, store.InsertClientParams{
			ID: id, Name: id, SurfaceID: "store", AuthMethod: "client_secret_basic", SecretHash: hash, RedirectURIs: rawList([]string{testCallback}),
			PostLogoutRedirectURIs: rawList(nil), GrantTypes: rawList([]string{"authorization_code", "refresh_token", "client_credentials"}),
			Scopes: rawList([]string{"openid", "offline_access", "stock.read"}), IDTokenAlg: algES256, RequirePkce: true, Settings: s.Encode(), Now: testStart,
		})
	})
	if err := b.ReloadClients(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

// prove posts to the token endpoint with a proof.
func (b *machineBench) prove(p prover, client string, form url.Values, more map[string]any) reply {
	b.t.Helper()
	r := b.request(pathToken, client, form)
	r.Header.Set(headerProof, p.proof(http.MethodPost, testIssuer+pathToken, b.clock(), more))
	return b.do(r)
}

func (b *machineBench) present(method, token, proof string) reply {
	r := httptest.NewRequest(method, pathUserinfo, nil)
	r.Header.Set("Authorization", "DPoP "+token)
	if proof != "" {
		r.Header.Set(headerProof, proof)
	}
	return b.do(r)
}

func refreshForm(token string) url.Values {
	return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
}

// A token that is bound to a key is of no use without it, everywhere.
func TestBoundTokens(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newMachineBench(t, db)
		p, thief := newProver(t), newProver(t)
		code, _ := b.authorize(testGrant{client: "shop", challenge: testChallenge})
		first := b.prove(p, "shop", codeForm(code, testVerifier), nil)
		if first.Code != http.StatusOK || first.str("token_type") != tokenTypeDPoP {
			t.Fatalf("code with a proof: %d %s", first.Code, first.Body)
		}
		token, address, now := first.str("access_token"), testIssuer+pathUserinfo, testStart

		good := p.forToken(http.MethodGet, address, token, now, nil)
		if got := b.present(http.MethodGet, token, good); got.Code != http.StatusOK || got.str("sub") != string(b.account) {
			t.Fatalf("with a proof: %d %s", got.Code, got.Body)
		}
		bearer := b.getUserinfo(token)
		wantRefused(t, bearer, http.StatusUnauthorized, codeInvalidToken)
		for name, c := range map[string]struct{ proof, code string }{
			"used before":          {good, codeInvalidProof},
			"none":                 {"", codeInvalidProof},
			"of another key":       {thief.forToken(http.MethodGet, address, token, now, nil), codeInvalidToken},
			"without ath":          {p.proof(http.MethodGet, address, now, nil), codeInvalidProof},
			"of another token":     {p.forToken(http.MethodGet, address, token+"x", now, nil), codeInvalidProof},
			"with ath of bytes":    {p.proof(http.MethodGet, address, now, map[string]any{"ath": "AAAA"}), codeInvalidProof},
			"for another method":   {p.forToken(http.MethodPost, address, token, now, nil), codeInvalidProof},
			"for another endpoint": {p.forToken(http.MethodGet, testIssuer+pathToken, token, now, nil), codeInvalidProof},
			"with a made-up nonce": {p.forToken(http.MethodGet, address, token, now, map[string]any{"nonce": "AAAAAAAAAAAAAAAAAAAA"}), codeUseNonce},
		} {
			got := b.present(http.MethodGet, token, c.proof)
			challenge := got.Header().Get("WWW-Authenticate")
			if got.Code != http.StatusUnauthorized || got.str("error") != c.code || !strings.HasPrefix(challenge, "DPoP ") ||
				!strings.Contains(challenge, `error="`+c.code+`"`) || !strings.Contains(challenge, `algs="ES256 `) {
				t.Errorf("proof %s: %d %s %q", name, got.Code, got.Body, challenge)
			}
			if (got.Header().Get(headerNonce) != "") != (c.code == codeUseNonce) {
				t.Errorf("proof %s: DPoP-Nonce %q", name, got.Header().Get(headerNonce))
			}
		}
		for name, text := range wrongProofs(p, http.MethodGet, address, now, map[string]any{"ath": "x"}) {
			if got := b.present(http.MethodGet, token, text); text != "" && (got.Code != http.StatusUnauthorized || got.str("error") != codeInvalidProof) {
				t.Errorf("proof with %s: %d %s", name, got.Code, got.Body)
			}
		}

		info := b.post(pathIntrospect, "shop", url.Values{"token": {token}})
		cnf, _ := info.json["cnf"].(map[string]any)
		if info.str("token_type") != tokenTypeDPoP || cnf["jkt"] != p.thumbprint() {
			t.Errorf("introspection: %s", info.Body)
		}
		// A token that is bound to nothing is no bound one, whoever presents it so.
		plain, _ := b.signIn("shop", testGrant{})
		unbound := plain.str("access_token")
		wantRefused(t, b.present(http.MethodGet, unbound, p.forToken(http.MethodGet, address, unbound, now, nil)), http.StatusUnauthorized, codeInvalidToken)
		if got := b.post(pathIntrospect, "shop", url.Values{"token": {unbound}}); got.str("token_type") != tokenTypeBearer || got.json["cnf"] != nil {
			t.Errorf("introspection of a bearer token: %s", got.Body)
		}
		// Whoever asks without a token learns of both schemes.
		if got := b.do(httptest.NewRequest(http.MethodGet, pathUserinfo, nil)); len(got.Header().Values("WWW-Authenticate")) != 2 {
			t.Errorf("challenges: %q", got.Header().Values("WWW-Authenticate"))
		}
	})
}

// Refresh tokens of public clients are bound to their key, those of confidential ones to the client alone (RFC 9449 section 5).
func TestI22_BoundRefreshTokens(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newMachineBench(t, db)
		p, other := newProver(t), newProver(t)
		signIn := func(client string) string {
			code, _ := b.authorize(testGrant{client: client, challenge: testChallenge})
			r := b.prove(p, client, codeForm(code, testVerifier), nil)
			if r.Code != http.StatusOK {
				t.Fatalf("%s: %d %s", client, r.Code, r.Body)
			}
			return r.str("refresh_token")
		}
		token := signIn("app")
		wantRefused(t, b.refreshWith("app", token), http.StatusBadRequest, codeInvalidGrant)
		wantRefused(t, b.prove(other, "app", refreshForm(token), nil), http.StatusBadRequest, codeInvalidGrant)
		next := b.prove(p, "app", refreshForm(token), nil)
		if next.Code != http.StatusOK || next.str("token_type") != tokenTypeDPoP {
			t.Fatalf("with the key: %d %s", next.Code, next.Body)
		}
		// One that was used kills the family all the same.
		wantRefused(t, b.prove(p, "app", refreshForm(token), nil), http.StatusBadRequest, codeInvalidGrant)
		wantRefused(t, b.prove(p, "app", refreshForm(next.str("refresh_token")), nil), http.StatusBadRequest, codeInvalidGrant)

		next = b.prove(other, "shop", refreshForm(signIn("shop")), nil)
		info := b.post(pathIntrospect, "shop", url.Values{"token": {next.str("access_token")}})
		if cnf, _ := info.json["cnf"].(map[string]any); cnf["jkt"] != other.thumbprint() {
			t.Errorf("a confidential client's next key: %d %s, introspection %s", next.Code, next.Body, info.Body)
		}
	})
}

// A code that was asked for with dpop_jkt is redeemed with that key and no other (RFC 9449 section 10).
func TestI20_CodeOfAKey(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newMachineBench(t, db)
		p := newProver(t)
		for name, c := range map[string]struct {
			redeem func(form url.Values) reply
			status int
		}{
			"the key":     {func(f url.Values) reply { return b.prove(p, "shop", f, nil) }, http.StatusOK},
			"another key": {func(f url.Values) reply { return b.prove(newProver(t), "shop", f, nil) }, http.StatusBadRequest},
			"no key":      {func(f url.Values) reply { return b.post(pathToken, "shop", f) }, http.StatusBadRequest},
		} {
			code, hash := newCode()
			account, err := db.Read().GetAccount(t.Context(), b.account)
			if err != nil {
				t.Fatal(err)
			}
			b.write(func(ctx context.Context, tx *store.Tx) error {
				return tx.InsertGrant(ctx, store.InsertGrantParams{
					ID: store.NewID[store.GrantID](), ClientID: "shop", AccountID: b.account, SessionID: store.NewID[store.SessionID](), SurfaceID: "store",
					CredentialEpoch: account.CredentialEpoch, Scope: "openid", Evidence: passwordOnly().Encode(), RedirectURI: testCallback,
					CodeHash: hash, CodeChallenge: testChallenge, KeyThumbprint: p.thumbprint(), CodeExpiresAt: testStart.Add(time.Minute), Now: testStart,
					ExpiresAt: testStart.Add(time.Hour),
				})
			})
			if got := c.redeem(codeForm(code, testVerifier)); got.Code != c.status {
				t.Errorf("%s: %d %s", name, got.Code, got.Body)
			}
		}
	})
}

// asFAPI puts a client under the rules of FAPI 2.0, but for how it authenticates: fapi_flow_test.go has that.
func (b *machineBench) asFAPI(id string) {
	b.t.Helper()
	c, ok := b.clients.Lookup(id)
	if !ok {
		b.t.Fatalf("no client %s", id)
	}
	c.settings.Profile = client.ProfileFAPI2
}

// Who must bind tokens gets none that is bound to nothing, and must use our nonces, which every server on one database accepts.
func TestClientsThatMustBindTokens(t *testing.T) {
	b := newMachineBench(t, storetest.SQLite(t))
	b.addSettings("bound", client.Settings{DPoP: true})
	b.addSettings("fapi", client.Settings{})
	b.asFAPI("fapi")
	own := url.Values{"grant_type": {"client_credentials"}}
	for _, id := range []string{"bound", "fapi"} {
		p := newProver(t)
		wantRefused(t, b.post(pathToken, id, own), http.StatusBadRequest, codeInvalidProof)
		told := b.prove(p, id, own, nil)
		wantRefused(t, told, http.StatusBadRequest, codeUseNonce)
		nonce := map[string]any{"nonce": told.Header().Get(headerNonce)}
		if got := b.prove(p, id, own, nonce); got.Code != http.StatusOK || got.Header().Get(headerNonce) != "" {
			t.Errorf("%s with the nonce: %d %s %q", id, got.Code, got.Body, got.Header().Get(headerNonce))
		}
		b.advance(nonceStep)
		got := b.prove(p, id, own, nonce)
		if got.Code != http.StatusOK || got.Header().Get(headerNonce) == "" || got.Header().Get(headerNonce) == nonce["nonce"] {
			t.Errorf("%s with the former nonce: %d %s %q", id, got.Code, got.Body, got.Header().Get(headerNonce))
		}
		b.advance(nonceStep)
		wantRefused(t, b.prove(p, id, own, nonce), http.StatusBadRequest, codeUseNonce)
		wantRefused(t, b.prove(p, id, own, map[string]any{"nonce": "x"}), http.StatusBadRequest, codeUseNonce)
	}
	forged := &nonces{box: testBox(t), clock: b.clock}
	wantRefused(t, b.prove(newProver(t), "shop", own, map[string]any{"nonce": forged.now()}), http.StatusBadRequest, codeUseNonce)
	replica := &nonces{box: b.nonces.box, clock: func() time.Time { return b.clock().Add(nonceStep) }}
	if got := b.prove(newProver(t), "shop", own, map[string]any{"nonce": replica.now()}); got.Code != http.StatusOK {
		t.Errorf("a nonce of a server whose clock is ahead: %d %s", got.Code, got.Body)
	}
}

// Scripts of other origins can send proofs and read nonces.
func TestProofsAcrossOrigins(t *testing.T) {
	b := newMachineBench(t, storetest.SQLite(t))
	for _, path := range []string{pathToken, pathUserinfo} {
		r := httptest.NewRequest(http.MethodOptions, path, nil)
		r.Header.Set("Origin", "https://spa.example")
		r.Header.Set("Access-Control-Request-Method", http.MethodPost)
		got := b.do(r).Header()
		if !strings.Contains(got.Get("Access-Control-Allow-Headers"), "DPoP") || !strings.Contains(got.Get("Access-Control-Expose-Headers"), headerNonce) {
			t.Errorf("%s: %q", path, got)
		}
	}
}

func FuzzReadProof(f *testing.F) {
	p := newProver(f)
	f.Add(p.proof(http.MethodPost, testIssuer+pathToken, testStart, map[string]any{"ath": "x", "nonce": "y"}))
	for _, text := range wrongProofs(p, http.MethodPost, testIssuer+pathToken, testStart, nil) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := readProof(text, http.MethodPost, testIssuer+pathToken, testStart)
		if err == nil && (!validThumbprint(got.key) || got.id == "" || len(got.id) > maxProofID) {
			t.Errorf("accepted without a key or an identifier: %+v", got)
		}
	})
}

package rpcheck

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// round is one sign-in at the test issuer: what was asked for, what is answered, and what came of it.
type round struct {
	probe   probe
	request url.Values
	code    string
	access  string
	// subject and name belong to nobody else: where they show up, this sign-in was believed.
	subject, name string

	// What the relying party did.
	redeemed int
	broken   []string // rules of the token request
}

// issuer is a provider that lies when a probe says so.
type issuer struct {
	url      string
	clientID string
	alg      string
	now      func() time.Time

	key, stranger crypto.Signer

	mu     sync.Mutex
	rounds []*round
}

const keyID = "check-1"

func newIssuer(c Config) (*issuer, error) {
	i := &issuer{url: strings.TrimSuffix(c.Issuer, "/"), clientID: c.ClientID, alg: c.Alg, now: c.Now}
	var err error
	if i.key, err = newKey(c.Alg); err != nil {
		return nil, err
	}
	if i.stranger, err = newKey(c.Alg); err != nil {
		return nil, err
	}
	return i, nil
}

func newKey(alg string) (crypto.Signer, error) {
	if alg == "ES256" {
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	return rsa.GenerateKey(rand.Reader, 2048)
}

// begin keeps a sign-in for its token request.
func (i *issuer) begin(p probe, request url.Values) *round {
	r := &round{probe: p, request: request, code: rand.Text(), access: rand.Text(), subject: "check-" + rand.Text(), name: "Check " + rand.Text()}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.rounds = append(i.rounds, r)
	return r
}

// seen is what a relying party did in a sign-in so far.
func (i *issuer) seen(r *round) (redeemed int, broken []string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return r.redeemed, slices.Clone(r.broken)
}

func (i *issuer) find(match func(*round) bool) *round {
	for _, r := range i.rounds {
		if match(r) {
			return r
		}
	}
	return nil
}

// ServeHTTP is the issuer's whole site.
func (i *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	base, err := url.Parse(i.url)
	if err != nil {
		http.Error(w, "issuer", http.StatusInternalServerError)
		return
	}
	switch strings.TrimPrefix(r.URL.Path, base.Path) {
	case "/.well-known/openid-configuration":
		reply(w, http.StatusOK, i.metadata())
	case "/jwks":
		reply(w, http.StatusOK, map[string]any{"keys": []any{i.jwk()}})
	case "/token":
		i.token(w, r)
	case "/userinfo":
		i.userinfo(w, r)
	case "/authorize":
		http.Error(w, "This is futakagi client check: sign-ins are driven by the command, not by a browser.", http.StatusOK)
	default:
		http.NotFound(w, r)
	}
}

func (i *issuer) metadata() map[string]any {
	return map[string]any{
		"issuer": i.url, "authorization_endpoint": i.url + "/authorize", "token_endpoint": i.url + "/token",
		"userinfo_endpoint": i.url + "/userinfo", "jwks_uri": i.url + "/jwks", "end_session_endpoint": i.url + "/logout",
		"response_types_supported": []string{"code"}, "response_modes_supported": []string{"query", "form_post"},
		"grant_types_supported": []string{"authorization_code", "refresh_token"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{i.alg}, "code_challenge_methods_supported": []string{"S256"},
		"token_endpoint_auth_methods_supported":          []string{"client_secret_basic", "client_secret_post", "none"},
		"scopes_supported":                               []string{"openid", "profile", "email", "offline_access"},
		"claims_supported":                               []string{"iss", "sub", "aud", "exp", "iat", "nonce", "at_hash", "acr", "amr", "name", "email"},
		"authorization_response_iss_parameter_supported": true,
	}
}

func (i *issuer) jwk() map[string]any {
	switch key := i.key.Public().(type) {
	case *ecdsa.PublicKey:
		point, err := key.Bytes()
		if err != nil {
			panic("rpcheck: a P-256 key without its point: " + err.Error()) // made by this package
		}
		return map[string]any{"kty": "EC", "crv": "P-256", "x": b64(point[1:33]), "y": b64(point[33:]), "use": "sig", "alg": "ES256", "kid": keyID}
	case *rsa.PublicKey:
		return map[string]any{"kty": "RSA", "n": b64(key.N.Bytes()), "e": "AQAB", "use": "sig", "alg": "RS256", "kid": keyID}
	}
	panic("rpcheck: a key of an unknown kind")
}

// token redeems a code and notes what is wrong about the request.
func (i *issuer) token(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if err := r.ParseForm(); r.Method != http.MethodPost || err != nil {
		reply(w, http.StatusBadRequest, map[string]any{"error": "invalid_request"})
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if r.PostForm.Get("grant_type") == "refresh_token" {
		reply(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
		return
	}
	of := i.find(func(x *round) bool { return x.code == r.PostForm.Get("code") })
	if of == nil {
		reply(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
		return
	}
	of.redeemed++
	i.judge(of, r)
	if of.redeemed > 1 || of.probe.refuse {
		reply(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
		return
	}
	answer := map[string]any{"access_token": of.access, "token_type": "Bearer", "expires_in": 300, "scope": of.request.Get("scope")}
	if strings.Contains(of.request.Get("scope"), "offline_access") {
		answer["refresh_token"] = rand.Text()
	}
	if raw := i.idToken(of); !of.probe.noIDToken {
		answer["id_token"] = raw
	}
	reply(w, http.StatusOK, answer)
}

func (i *issuer) judge(of *round, r *http.Request) {
	broke := func(id string, yes bool) {
		if yes {
			of.broken = append(of.broken, id)
		}
	}
	broke("token.redirect_uri", r.PostForm.Get("redirect_uri") != of.request.Get("redirect_uri"))
	if challenge := of.request.Get("code_challenge"); challenge != "" && of.request.Get("code_challenge_method") == "S256" {
		sum := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
		broke("token.verifier", b64(sum[:]) != challenge)
	}
	id, _, basic := r.BasicAuth()
	if decoded, err := url.QueryUnescape(id); err == nil {
		id = decoded
	}
	posted := r.PostForm.Get("client_id")
	twice := basic && r.PostForm.Get("client_secret") != ""
	broke("token.client", twice || basic && id != i.clientID || !basic && posted != i.clientID || r.URL.Query().Has("client_secret"))
}

func (i *issuer) userinfo(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	of := i.find(func(x *round) bool { return x.access == token })
	if of == nil {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		reply(w, http.StatusUnauthorized, map[string]any{"error": "invalid_token"})
		return
	}
	claims := of.profile()
	claims["sub"] = of.subject
	if of.probe.otherSubject {
		other := of.other()
		claims["sub"], claims["name"], claims["preferred_username"], claims["email"] = other, other, other, other+"@example.com"
	}
	reply(w, http.StatusOK, claims)
}

// other is somebody else, whom userinfo speaks of where it lies.
func (r *round) other() string {
	return "other-" + strings.ToLower(strings.TrimPrefix(r.subject, "check-"))
}

func (r *round) profile() map[string]any {
	return map[string]any{
		"name": r.name, "preferred_username": r.subject, "email": strings.ToLower(r.subject) + "@example.com", "email_verified": true,
	}
}

// idToken makes the ID token of a sign-in, with the lie of its probe.
func (i *issuer) idToken(of *round) string {
	now := i.now()
	sum := sha256.Sum256([]byte(of.access))
	claims := map[string]any{
		"iss": i.url, "sub": of.subject, "aud": i.clientID, "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(), "auth_time": now.Unix(),
		"at_hash": b64(sum[:16]), "acr": "urn:futakagi:acr:2fa", "amr": []string{"pwd", "otp", "mfa"}, "sid": of.code[:8],
	}
	if nonce := of.request.Get("nonce"); nonce != "" {
		claims["nonce"] = nonce
	}
	maps.Copy(claims, of.profile())
	if of.probe.claims != nil {
		of.probe.claims(claims, now)
	}
	header := map[string]any{"typ": "JWT", "alg": i.alg, "kid": keyID}
	switch of.probe.sign {
	case signNone:
		header["alg"] = "none"
		return encode(header, claims) + "."
	case signHMAC:
		header["alg"] = "HS256"
		der, err := x509.MarshalPKIXPublicKey(i.key.Public())
		if err != nil {
			panic("rpcheck: a public key that cannot be written: " + err.Error()) // made by this package
		}
		text := encode(header, claims)
		mac := hmac.New(sha256.New, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
		mac.Write([]byte(text))
		return text + "." + b64(mac.Sum(nil))
	case signBroken:
		text := encode(header, claims)
		signature := i.sign(i.key, text)
		signature[len(signature)/2] ^= 1
		return text + "." + b64(signature)
	case signStranger:
		header["kid"] = "check-unknown"
		text := encode(header, claims)
		return text + "." + b64(i.sign(i.stranger, text))
	}
	text := encode(header, claims)
	return text + "." + b64(i.sign(i.key, text))
}

func (i *issuer) sign(key crypto.Signer, text string) []byte {
	sum := sha256.Sum256([]byte(text))
	if k, ok := key.(*ecdsa.PrivateKey); ok {
		r, s, err := ecdsa.Sign(rand.Reader, k, sum[:])
		if err != nil {
			panic("rpcheck: sign: " + err.Error()) // fails only without randomness
		}
		out := make([]byte, 64)
		r.FillBytes(out[:32])
		s.FillBytes(out[32:])
		return out
	}
	out, err := key.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		panic("rpcheck: sign: " + err.Error()) // fails only without randomness
	}
	return out
}

func encode(header, claims map[string]any) string {
	h, errH := json.Marshal(header)
	c, errC := json.Marshal(claims)
	if errH != nil || errC != nil {
		panic(fmt.Sprint("rpcheck: encode token: ", errH, errC)) // strings, numbers and lists: cannot fail
	}
	return b64(h) + "." + b64(c)
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func reply(w http.ResponseWriter, status int, body map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

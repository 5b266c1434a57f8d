package testapp

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// Prover is a client's key that tokens can be bound to (RFC 9449).
type Prover struct {
	t     testing.TB
	app   *App
	key   *ecdsa.PrivateKey
	x, y  string
	nonce string
}

// NewProver makes a key.
func (a *App) NewProver(t testing.TB) *Prover {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := key.PublicKey.Bytes() // 4, x, y
	if err != nil {
		t.Fatal(err)
	}
	return &Prover{t: t, app: a, key: key, x: encoded(point[1:33]), y: encoded(point[33:])}
}

func encoded(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// Thumbprint is that of the key (RFC 7638).
func (p *Prover) Thumbprint() string {
	sum := sha256.Sum256(fmt.Appendf(nil, `{"crv":"P-256","kty":"EC","x":"%s","y":"%s"}`, p.x, p.y))
	return encoded(sum[:])
}

// Proof is a proof for a request to a path, with an access token if it is not empty.
func (p *Prover) Proof(method, path, token string) string {
	p.t.Helper()
	claims := map[string]any{"jti": rand.Text(), "htm": method, "htu": p.app.URL + path, "iat": p.app.Clock.Now().Unix()}
	if token != "" {
		sum := sha256.Sum256([]byte(token))
		claims["ath"] = encoded(sum[:])
	}
	if p.nonce != "" {
		claims["nonce"] = p.nonce
	}
	head := map[string]any{"typ": "dpop+jwt", "alg": "ES256", "jwk": map[string]string{"kty": "EC", "crv": "P-256", "x": p.x, "y": p.y}}
	var parts []string
	for _, v := range []any{head, claims} {
		raw, err := json.Marshal(v)
		if err != nil {
			p.t.Fatal(err)
		}
		parts = append(parts, encoded(raw))
	}
	input := strings.Join(parts, ".")
	sum := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, p.key, sum[:])
	if err != nil {
		p.t.Fatal(err)
	}
	return input + "." + encoded(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
}

// Post sends a form to the token endpoint as a client of method client_secret_basic or none, with a proof, and once more with the nonce if
// one is demanded.
func (p *Prover) Post(rp *RelyingParty, form url.Values) Reply {
	p.t.Helper()
	form = maps.Clone(form)
	headers := []string{"Content-Type", "application/x-www-form-urlencoded"}
	if rp.Secret == "" {
		form.Set("client_id", rp.ID)
	} else {
		pair := url.QueryEscape(rp.ID) + ":" + url.QueryEscape(rp.Secret)
		headers = append(headers, "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(pair)))
	}
	for range 2 {
		r := p.app.Ask(p.t, http.MethodPost, "/token", form.Encode(), append(headers, "DPoP", p.Proof(http.MethodPost, "/token", ""))...)
		if nonce := r.Header.Get("DPoP-Nonce"); nonce != "" {
			p.nonce = nonce
		}
		if r.Str("error") != "use_dpop_nonce" {
			return r
		}
	}
	p.t.Fatal("a nonce that was given out is not accepted")
	return Reply{}
}

// Get fetches a path with a bound token and a proof.
func (p *Prover) Get(path, token string) Reply {
	p.t.Helper()
	return p.Ask(http.MethodGet, path, token, "")
}

// Ask sends a request with a body in JSON, a bound token and a proof.
func (p *Prover) Ask(method, path, token, body string) Reply {
	p.t.Helper()
	at, _, _ := strings.Cut(path, "?")
	return p.app.Ask(p.t, method, path, body, "Authorization", "DPoP "+token, "DPoP", p.Proof(method, at, token), "Content-Type", "application/json")
}

// Exchange is the form of a code exchange.
func (rp *RelyingParty) Exchange(code string) url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {rp.RedirectURI}, "code_verifier": {rp.Verifier}}
}

// Poll asks as a device whether it was let in.
func (rp *RelyingParty) Poll(code string) Reply {
	rp.t.Helper()
	return rp.Post("/token", url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "device_code": {code}})
}

// PollPause is how long a device waits between two questions.
const PollPause = 5 * time.Second

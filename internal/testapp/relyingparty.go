package testapp

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// RelyingParty speaks the protocol by hand: it also does what no client library would let a test do.
type RelyingParty struct {
	// ID is the client's; Secret is empty for a public one.
	ID, Secret string
	// RedirectURI is where it wants the answer.
	RedirectURI string
	// Verifier is its PKCE verifier.
	Verifier string
	// Key is what it signs assertions and requests with; nil for those that have a secret or nothing.
	Key *ClientKey
	// ProofKey is the key that its tokens are bound to; nil for none. ProofChanges are changes to the claims of its proofs; nil takes one away.
	ProofKey     *ClientKey
	ProofChanges map[string]any

	app   *App
	t     testing.TB
	nonce string // of the server, for proofs
}

// RelyingParty returns one of the fixtures' clients.
func (a *App) RelyingParty(t testing.TB, id string) *RelyingParty {
	rp := &RelyingParty{ID: id, Secret: ClientSecret, RedirectURI: StoreCallback, Verifier: strings.Repeat("verifier-", 6), app: a, t: t}
	if id == "public" {
		rp.Secret, rp.RedirectURI = "", "http://127.0.0.1:50000/native"
	}
	return rp
}

// Challenge is the S256 challenge of the verifier.
func (rp *RelyingParty) Challenge() string {
	sum := sha256.Sum256([]byte(rp.Verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Request is a good authorization request with changes, given as names and values. An empty value takes a parameter away.
func (rp *RelyingParty) Request(changes ...string) url.Values {
	q := url.Values{
		"client_id": {rp.ID}, "redirect_uri": {rp.RedirectURI}, "response_type": {"code"},
		"scope": {"openid profile email offline_access"}, "state": {"state-1"}, "nonce": {"nonce-1"},
		"code_challenge": {rp.Challenge()}, "code_challenge_method": {"S256"},
	}
	for i := 0; i+1 < len(changes); i += 2 {
		if q.Set(changes[i], changes[i+1]); changes[i+1] == "" {
			q.Del(changes[i])
		}
	}
	return q
}

// AuthorizeURL is the path of that request.
func (rp *RelyingParty) AuthorizeURL(changes ...string) string {
	return "/authorize?" + rp.Request(changes...).Encode()
}

// Reply is the answer of a machine endpoint.
type Reply struct {
	Status int
	Header http.Header
	Body   string
	JSON   map[string]any
}

// Str is a member of the answer if it is a string.
func (r Reply) Str(name string) string {
	s, _ := r.JSON[name].(string)
	return s
}

// IDToken is the content of the answer's ID token, unverified.
func (r Reply) IDToken(t testing.TB) map[string]any {
	t.Helper()
	parts := strings.Split(r.Str("id_token"), ".")
	if len(parts) != 3 {
		t.Fatalf("no ID token in %d %s", r.Status, r.Body)
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(raw, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

// Post sends a form to a machine endpoint with the client's authentication, and once more with the nonce if one is demanded of its proof.
func (rp *RelyingParty) Post(path string, form url.Values) Reply {
	rp.t.Helper()
	r := rp.post(path, form)
	if nonce := r.Header.Get("DPoP-Nonce"); nonce != "" && rp.ProofKey != nil {
		if rp.nonce = nonce; r.Str("error") == "use_dpop_nonce" {
			r = rp.post(path, form)
		}
	}
	return r
}

func (rp *RelyingParty) post(path string, form url.Values) Reply {
	rp.t.Helper()
	form = cloneValues(form)
	basic := false
	switch {
	case rp.Key != nil:
		form = AssertionForm(rp.Assertion(nil), form)
	case rp.Secret == "":
		form.Set("client_id", rp.ID)
	case rp.ID == "post":
		form.Set("client_id", rp.ID)
		form.Set("client_secret", rp.Secret)
	default:
		basic = true
	}
	req := rp.app.request(rp.t, http.MethodPost, path, strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if basic {
		req.SetBasicAuth(url.QueryEscape(rp.ID), url.QueryEscape(rp.Secret))
	}
	if rp.ProofKey != nil {
		req.Header.Set("DPoP", rp.Proof(http.MethodPost, path))
	}
	return rp.app.send(rp.t, req)
}

// Redeem presents a code, with changes to the form as in Request.
func (rp *RelyingParty) Redeem(code string, changes ...string) Reply {
	rp.t.Helper()
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {rp.RedirectURI}, "code_verifier": {rp.Verifier},
	}
	for i := 0; i+1 < len(changes); i += 2 {
		if form.Set(changes[i], changes[i+1]); changes[i+1] == "" {
			form.Del(changes[i])
		}
	}
	return rp.Post("/token", form)
}

// Refresh presents a refresh token.
func (rp *RelyingParty) Refresh(token string) Reply {
	rp.t.Helper()
	return rp.Post("/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
}

// Introspect asks about a token.
func (rp *RelyingParty) Introspect(token string) Reply {
	rp.t.Helper()
	return rp.Post("/introspect", url.Values{"token": {token}})
}

// Active reports whether a token is one.
func (rp *RelyingParty) Active(token string) bool {
	rp.t.Helper()
	active, _ := rp.Introspect(token).JSON["active"].(bool)
	return active
}

// Userinfo asks with an access token.
func (a *App) Userinfo(t testing.TB, token string) Reply {
	t.Helper()
	req := a.request(t, http.MethodGet, "/userinfo", nil)
	req.Header.Set("Authorization", "Bearer "+token)
	return a.send(t, req)
}

func (a *App) request(t testing.TB, method, path string, body io.Reader) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), method, a.URL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func (a *App) send(t testing.TB, req *http.Request) Reply {
	t.Helper()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	r := Reply{Status: res.StatusCode, Header: res.Header, Body: string(body)}
	_ = json.Unmarshal(body, &r.JSON) // not every answer is JSON
	return r
}

func cloneValues(v url.Values) url.Values {
	out := make(url.Values, len(v))
	for name, values := range v {
		out[name] = append([]string(nil), values...)
	}
	return out
}

// Ask sends a request of a program, with headers as names and values.
func (a *App) Ask(t testing.TB, method, path, body string, headers ...string) Reply {
	t.Helper()
	req := a.request(t, method, path, strings.NewReader(body))
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return a.send(t, req)
}

package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/futakagi/futakagi/internal/testapp"
)

// operation is one thing that is measured.
type operation struct {
	name string
	// targetCPU is the most it may cost, in milliseconds of server and database together; statements and commits bound its
	// work with the database. Zero: no target.
	targetCPU           float64
	statements, commits int
	// prepare makes one client's state and returns what that client does over and over.
	prepare func(ctx context.Context, p *person) (func(ctx context.Context) error, error)
}

func operations() []operation {
	document := func(path string) func(context.Context, *person) (func(context.Context) error, error) {
		return func(_ context.Context, p *person) (func(context.Context) error, error) {
			return func(ctx context.Context) error { return p.get(ctx, path, "", nil) }, nil
		}
	}
	return []operation{
		// What net/http itself costs here and now: the measure for everything below on a machine that is busy or slow.
		{name: "empty answer of net/http", prepare: func(_ context.Context, p *person) (func(context.Context) error, error) {
			return func(ctx context.Context) error {
				req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.t.Control+"/empty", nil)
				if err == nil {
					_, err = p.send(req, http.StatusOK, nil)
				}
				return err
			}, nil
		}},
		{name: "discovery", targetCPU: 0.025, prepare: document("/.well-known/openid-configuration")},
		{name: "JWKS", targetCPU: 0.025, prepare: document("/jwks")},
		{name: "client_credentials, opaque", targetCPU: 0.35, prepare: credentials("ES256")},
		{name: "client_credentials, JWT ES256", targetCPU: 0.15, prepare: credentials("JWT-ES256")},
		{name: "client_credentials, JWT RS256", targetCPU: 1.5, prepare: credentials("JWT-RS256")},
		{name: "client_credentials, private_key_jwt ES256", statements: 2, commits: 2, prepare: keyedCredentials},
		{name: "client_credentials with a proof (DPoP), opaque", statements: 2, commits: 2, prepare: boundCredentials},
		{name: "userinfo", targetCPU: 0.15, prepare: userinfo},
		{name: "introspection", targetCPU: 0.15, prepare: introspection("ES256")},
		{name: "introspection of a JWT ES256", prepare: introspection("JWT-ES256")},
		{name: "refresh with rotation, ES256", targetCPU: 0.6, prepare: refresh("ES256")},
		{name: "refresh with rotation, RS256", targetCPU: 1.9, prepare: refresh("RS256")},
		{name: "code + PKCE on a session, ES256", targetCPU: 1.0, statements: 3, commits: 2, prepare: codes("ES256")},
		{name: "code + PKCE on a session, RS256", targetCPU: 2.9, statements: 3, commits: 2, prepare: codes("RS256")},
		{name: "code + PKCE on a session, ES256, access token a JWT", statements: 3, commits: 2, prepare: codes("JWT-ES256")},
		{name: "code + PKCE on a session, EdDSA", statements: 3, commits: 2, prepare: codes("EdDSA")},
		{name: "pushed request (PAR) + code + PKCE on a session, ES256", commits: 3, prepare: pushedCodes},
		{name: "sign-in with a password", prepare: func(_ context.Context, p *person) (func(context.Context) error, error) {
			return func(ctx context.Context) error {
				_, err := signIn(ctx, p.t)
				return err
			}, nil
		}},
		{name: "sign-in of nobody, refused", prepare: func(_ context.Context, p *person) (func(context.Context) error, error) {
			return func(ctx context.Context) error {
				if _, err := signInAs(ctx, p.t, "nobody-"+rand.Text(), password); !errors.Is(err, errNoSession) {
					return fmt.Errorf("an unknown login ID: %w", err)
				}
				return nil
			}, nil
		}},
	}
}

// person is the one account's browser, and the relying parties it uses.
type person struct {
	t       *target
	session string // the Cookie header of its session
}

var errNoSession = errors.New("no session")

// signIn gives the password once.
func signIn(ctx context.Context, t *target) (*person, error) {
	return signInAs(ctx, t, login, password)
}

// signInAs comes from an address of its own, since each may only try so often.
func signInAs(ctx context.Context, t *target, login, password string) (*person, error) {
	p := &person{t: t}
	var at [4]byte
	_, _ = rand.Read(at[:]) // never fails: the runtime stops the program instead
	address := netip.AddrFrom4([4]byte{100, at[1], at[2], at[3]}).String()
	given := false
	jar := map[string]string{}
	// do returns where the answer leads, or the path it is the page of.
	do := func(method, path string, form url.Values) (to, page string, err error) {
		req, err := http.NewRequestWithContext(ctx, method, path, strings.NewReader(form.Encode()))
		if err != nil {
			return "", "", err
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", t.Public)
		req.Header.Set("X-Forwarded-For", address)
		var cookies []string
		for name, v := range jar {
			cookies = append(cookies, name+"="+v)
		}
		req.Header.Set("Cookie", strings.Join(cookies, "; "))
		res, err := t.http.Do(req)
		if err != nil {
			return "", "", err
		}
		defer res.Body.Close()
		for _, c := range res.Cookies() {
			if jar[c.Name] = c.Value; c.MaxAge < 0 {
				delete(jar, c.Name)
			}
		}
		if res.StatusCode == http.StatusOK {
			page = res.Request.URL.Path
		}
		_, err = io.Copy(io.Discard, res.Body)
		return res.Header.Get("Location"), page, err
	}
	path, form := t.Public+"/signin/start?to=/account/security", url.Values(nil)
	method := http.MethodGet
	for range 8 {
		to, page, err := do(method, path, form)
		if err != nil {
			return nil, err
		}
		method, form = http.MethodGet, nil
		if to != "" {
			path = t.Public + to
			continue
		}
		if page != "/signin" || given {
			break
		}
		given = true
		method, form = http.MethodPost, url.Values{"username": {login}, "password": {password}}
	}
	token, ok := jar["__Host-futakagi"]
	if !ok {
		return nil, fmt.Errorf("sign-in ended at %s: %w", path, errNoSession)
	}
	p.session = "__Host-futakagi=" + token
	return p, nil
}

// send makes a request, reads the answer to its end and fails unless it has the status.
func (p *person) send(req *http.Request, status int, into any) (http.Header, error) {
	res, err := p.t.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != status {
		return nil, fmt.Errorf("%s %s: %d %s", req.Method, req.URL.Path, res.StatusCode, body)
	}
	if into != nil {
		err = json.Unmarshal(body, into)
	}
	return res.Header, err
}

func (p *person) get(ctx context.Context, path, token string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.t.Public+path, nil)
	if err != nil {
		return err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	_, err = p.send(req, http.StatusOK, into)
	return err
}

func (p *person) post(ctx context.Context, path, client string, form url.Values, into any) error {
	return p.postFor(ctx, http.StatusOK, path, client, form, into)
}

// postFor posts a form, in the name of a client with a secret unless it is empty, and wants a status.
func (p *person) postFor(ctx context.Context, status int, path, client string, form url.Values, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.t.Public+path, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if client != "" {
		req.SetBasicAuth(client, secret)
	}
	_, err = p.send(req, status, into)
	return err
}

// tokens is an answer of the token endpoint.
type tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	ID      string `json:"id_token"`
}

const verifier = "a-code-verifier-that-is-long-enough-for-the-rules-of-rfc-7636"

// code asks for tokens as the browser of somebody who is signed in already does.
func (p *person) code(ctx context.Context, client, scope string) (tokens, error) {
	location, err := p.authorize(ctx, request(client, scope))
	if err != nil {
		return tokens{}, err
	}
	return p.redeem(ctx, client, location)
}

// redeem takes a redirect to its tokens.
func (p *person) redeem(ctx context.Context, client, location string) (tokens, error) {
	var got tokens
	to, err := url.Parse(location)
	if err != nil || to.Query().Get("code") == "" {
		return got, fmt.Errorf("no code in %s", location)
	}
	err = p.post(ctx, "/token", client, url.Values{
		"grant_type": {"authorization_code"}, "code": {to.Query().Get("code")}, "redirect_uri": {callback}, "code_verifier": {verifier},
	}, &got)
	if err == nil && (got.Access == "" || got.ID == "") {
		err = fmt.Errorf("tokens are missing")
	}
	return got, err
}

// authorize opens an authorization request in the browser of somebody who is signed in, and returns where it leads.
func (p *person) authorize(ctx context.Context, q url.Values) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.t.Public+"/authorize?"+q.Encode(), nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("Cookie", p.session)
	header, err := p.send(req, http.StatusSeeOther, nil)
	return header.Get("Location"), err
}

func request(client, scope string) url.Values {
	sum := sha256.Sum256([]byte(verifier))
	return url.Values{
		"client_id": {client}, "redirect_uri": {callback}, "response_type": {"code"}, "scope": {scope}, "state": {"state"}, "nonce": {"nonce"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
}

func pushedCodes(_ context.Context, p *person) (func(context.Context) error, error) {
	return func(ctx context.Context) error {
		var pushed struct {
			RequestURI string `json:"request_uri"`
		}
		if err := p.postFor(ctx, http.StatusCreated, "/par", "ES256", request("ES256", "openid offline_access"), &pushed); err != nil {
			return err
		}
		location, err := p.authorize(ctx, url.Values{"client_id": {"ES256"}, "request_uri": {pushed.RequestURI}})
		if err == nil {
			_, err = p.redeem(ctx, "ES256", location)
		}
		return err
	}, nil
}

// clientKey is what the client "keyed" signs with: the same here and in the server, and of no use elsewhere.
func clientKey() (*testapp.ClientKey, error) {
	sum := sha256.Sum256([]byte("the client of the benchmark"))
	private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), sum[:])
	return &testapp.ClientKey{ID: "bench", Alg: "ES256", Private: private}, err
}

func keyedCredentials(_ context.Context, p *person) (func(context.Context) error, error) {
	key, err := clientKey()
	return func(ctx context.Context) error {
		now := time.Now()
		form := testapp.AssertionForm(key.Sign(nil, map[string]any{
			"iss": "keyed", "sub": "keyed", "aud": p.t.Public, "jti": rand.Text(), "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
		}), url.Values{"grant_type": {"client_credentials"}, "scope": {"stock:read"}})
		return p.postFor(ctx, http.StatusOK, "/token", "", form, nil)
	}, err
}

func codes(client string) func(context.Context, *person) (func(context.Context) error, error) {
	return func(_ context.Context, p *person) (func(context.Context) error, error) {
		return func(ctx context.Context) error {
			_, err := p.code(ctx, client, "openid offline_access")
			return err
		}, nil
	}
}

func refresh(client string) func(context.Context, *person) (func(context.Context) error, error) {
	return func(ctx context.Context, p *person) (func(context.Context) error, error) {
		got, err := p.code(ctx, client, "openid offline_access")
		return func(ctx context.Context) error {
			form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {got.Refresh}}
			return p.post(ctx, "/token", client, form, &got)
		}, err
	}
}

func userinfo(ctx context.Context, p *person) (func(context.Context) error, error) {
	got, err := p.code(ctx, "ES256", "openid profile")
	return func(ctx context.Context) error { return p.get(ctx, "/userinfo", got.Access, nil) }, err
}

func introspection(client string) func(context.Context, *person) (func(context.Context) error, error) {
	return func(ctx context.Context, p *person) (func(context.Context) error, error) {
		got, err := p.code(ctx, client, "openid profile")
		return func(ctx context.Context) error {
			return p.post(ctx, "/introspect", client, url.Values{"token": {got.Access}}, nil)
		}, err
	}
}

func credentials(client string) func(context.Context, *person) (func(context.Context) error, error) {
	return func(_ context.Context, p *person) (func(context.Context) error, error) {
		return func(ctx context.Context) error {
			return p.post(ctx, "/token", client, url.Values{"grant_type": {"client_credentials"}, "scope": {"stock:read"}}, nil)
		}, nil
	}
}

package provider_test

import (
	"crypto/x509"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/futakagi/futakagi/client"
	"github.com/futakagi/futakagi/internal/server"
	"github.com/futakagi/futakagi/internal/testapp"
)

// formPost sends a form as it is.
func formPost(t *testing.T, a *testapp.App, path string, form url.Values, headers ...string) testapp.Reply {
	t.Helper()
	return a.Ask(t, http.MethodPost, path, form.Encode(), append([]string{"Content-Type", "application/x-www-form-urlencoded"}, headers...)...)
}

func credentialsForm() url.Values {
	return url.Values{"grant_type": {"client_credentials"}, "scope": {"stock:read"}}
}

// wantClientRefused checks the one answer that every failed authentication gets.
func wantClientRefused(t *testing.T, name string, r testapp.Reply) {
	t.Helper()
	if r.Status != http.StatusUnauthorized || r.Str("error") != "invalid_client" || r.Str("error_description") != "Client authentication failed." ||
		r.Header.Get("WWW-Authenticate") == "" {
		t.Errorf("%s: %d %s", name, r.Status, r.Body)
	}
}

// TestPrivateKeyJWT lets a client of every algorithm prove itself at every endpoint that asks for it.
func TestPrivateKeyJWT(t *testing.T) {
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		for _, alg := range []string{"ES256", "ES384", "EdDSA", "PS256", "RS256"} {
			kid := "kid-" + alg
			if alg == "EdDSA" {
				kid = "" // a client with one key need not name it
			}
			rp := a.KeyClient(t, "key-"+strings.ToLower(alg), client.Settings{AssertionAlg: alg}, nil, testapp.NewClientKey(t, kid, alg))
			token := rp.Post("/token", credentialsForm())
			if token.Status != http.StatusOK || token.Str("access_token") == "" {
				t.Fatalf("%s: token: %d %s", alg, token.Status, token.Body)
			}
			if !rp.Active(token.Str("access_token")) {
				t.Errorf("%s: introspection does not know the token", alg)
			}
			if r := rp.Push(); r.Status != http.StatusCreated {
				t.Errorf("%s: push: %d %s", alg, r.Status, r.Body)
			}
			if r := rp.Post("/revoke", url.Values{"token": {token.Str("access_token")}}); r.Status != http.StatusOK || rp.Active(token.Str("access_token")) {
				t.Errorf("%s: revoke: %d %s", alg, r.Status, r.Body)
			}
		}

		rp := a.KeyClient(t, "many", client.Settings{}, nil, testapp.NewClientKey(t, "a", "ES256"), testapp.NewClientKey(t, "b", "ES384"))
		for name, changes := range map[string]map[string]any{
			"as it is":               {},
			"token endpoint":         {"aud": a.URL + "/token"},
			"own endpoint":           {"aud": a.URL + "/revoke"},
			"list":                   {"aud": []string{"https://elsewhere.example", a.URL}},
			"8 s ahead":              {"iat": a.Clock.Now().Unix() + 8, "nbf": a.Clock.Now().Unix() + 8},
			"no iat and nbf":         {"iat": nil, "nbf": nil},
			"parts of seconds":       {"exp": float64(a.Clock.Now().Unix()) + 30.5},
			"an hour ahead":          {"exp": a.Clock.Now().Add(time.Hour).Unix()},
			"claims that we pass by": {"https://example.jp/x": map[string]any{"y": []any{1, nil}}},
		} {
			form := testapp.AssertionForm(rp.Assertion(changes), url.Values{"token": {"x"}})
			if r := formPost(t, a, "/revoke", form); r.Status != http.StatusOK {
				t.Errorf("%s: %d %s", name, r.Status, r.Body)
			}
		}
		// Beside the client_id, which must then be the same.
		both := testapp.AssertionForm(rp.Assertion(nil), url.Values{"token": {"x"}, "client_id": {"many"}})
		if r := formPost(t, a, "/revoke", both); r.Status != http.StatusOK {
			t.Errorf("with client_id: %d %s", r.Status, r.Body)
		}
	})
}

// TestAssertionsAreRefused changes a good assertion in every way that must not pass. Each failure has one and the same answer.
func TestAssertionsAreRefused(t *testing.T) {
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		key, other, third := testapp.NewClientKey(t, "mine", "ES256"), testapp.NewClientKey(t, "theirs", "ES256"), testapp.NewClientKey(t, "third", "ES384")
		rp := a.KeyClient(t, "keyed", client.Settings{}, nil, key)
		otherRP := a.KeyClient(t, "other", client.Settings{AssertionAlg: "ES256"}, nil, other, third)
		fresh := func() map[string]any { return rp.AssertionClaims(nil) }
		now := a.Clock.Now()

		tokens := badJWTs(key, other, nil, fresh)
		claims := badClaims([]string{"iss", "sub", "aud", "jti", "exp"}, []string{"iss", "sub", "aud", "jti", "exp", "iat", "nbf"}, fresh)
		maps.Copy(claims, map[string]map[string]any{
			"another issuer":            with(fresh(), "iss", "other"),
			"another subject":           with(fresh(), "sub", "other"),
			"both another":              with(with(fresh(), "sub", "other"), "iss", "other"),
			"unknown client":            with(with(fresh(), "sub", "nobody"), "iss", "nobody"),
			"client without keys":       with(with(fresh(), "sub", "store"), "iss", "store"),
			"public client":             with(with(fresh(), "sub", "public"), "iss", "public"),
			"subject with NUL":          with(with(fresh(), "sub", "keyed\x00"), "iss", "keyed\x00"),
			"empty jti":                 with(fresh(), "jti", ""),
			"long jti":                  with(fresh(), "jti", strings.Repeat("j", 300)),
			"number as jti":             with(fresh(), "jti", 7),
			"another audience":          with(fresh(), "aud", "https://elsewhere.example"),
			"issuer with a slash":       with(fresh(), "aud", a.URL+"/"),
			"another endpoint":          with(fresh(), "aud", a.URL+"/introspect"),
			"authorization endpoint":    with(fresh(), "aud", a.URL+"/authorize"),
			"audiences of others":       with(fresh(), "aud", []string{"x", "y"}),
			"expired":                   with(fresh(), "exp", now.Add(-5*time.Minute).Unix()),
			"expires now":               with(fresh(), "exp", now.Unix()),
			"lives too long":            with(fresh(), "exp", now.Add(2*time.Hour).Unix()),
			"exp in milliseconds":       with(fresh(), "exp", now.UnixMilli()),
			"exp as text":               with(fresh(), "exp", fmt.Sprint(now.Add(time.Minute).Unix())),
			"exp below zero":            with(fresh(), "exp", -1),
			"iat over 60 s in advance":  with(fresh(), "iat", now.Add(61*time.Second).Unix()),
			"nbf over 60 s in advance":  with(fresh(), "nbf", now.Add(61*time.Second).Unix()),
			"iat as text":               with(fresh(), "iat", "now"),
			"nothing but the signature": {},
		})
		for name, c := range claims {
			tokens["claims: "+name] = key.Sign(nil, c)
		}
		tokens["another client's, in its name"] = otherRP.Assertion(map[string]any{"iss": "keyed", "sub": "keyed"})
		spent := rp.Assertion(nil)
		if r := formPost(t, a, "/token", testapp.AssertionForm(spent, credentialsForm())); r.Status != http.StatusOK {
			t.Fatalf("the unchanged assertion: %d %s", r.Status, r.Body)
		}
		tokens["used before"] = spent
		otherRP.Key = third
		tokens["algorithm of another key than is registered"] = otherRP.Assertion(nil)
		for name, token := range tokens {
			r := formPost(t, a, "/token", testapp.AssertionForm(token, credentialsForm()))
			// What is too long or no text never gets as far.
			if strings.Contains(name, "huge") || strings.Contains(name, "not UTF-8") && strings.HasPrefix(name, "spelling") {
				if r.Status != http.StatusBadRequest || r.Str("error") != "invalid_request" {
					t.Errorf("%s: %d %s", name, r.Status, r.Body)
				}
				continue
			}
			wantClientRefused(t, name, r)
		}
		if len(tokens) < 150 {
			t.Errorf("only %d mutations", len(tokens))
		}

		// Around the assertion.
		form := func() url.Values { return testapp.AssertionForm(rp.Assertion(nil), credentialsForm()) }
		for name, change := range map[string]func(url.Values){
			"another client_id": func(f url.Values) { f.Set("client_id", "other") },
			"no type":           func(f url.Values) { f.Del("client_assertion_type") },
			"another type": func(f url.Values) {
				f.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer")
			},
			"type alone": func(f url.Values) { f.Del("client_assertion") },
		} {
			f := form()
			change(f)
			wantClientRefused(t, name, formPost(t, a, "/token", f))
		}
		f := form()
		f.Set("client_secret", "x")
		if r := formPost(t, a, "/token", f); r.Status != http.StatusBadRequest || r.Str("error") != "invalid_request" {
			t.Errorf("with a secret: %d %s", r.Status, r.Body)
		}
		if r := formPost(t, a, "/token", form(), "Authorization", "Basic c3RvcmU6eA=="); r.Status != http.StatusBadRequest || r.Str("error") != "invalid_request" {
			t.Errorf("with a header: %d %s", r.Status, r.Body)
		}
		f = form()
		f["client_assertion"] = append(f["client_assertion"], f.Get("client_assertion"))
		if r := formPost(t, a, "/token", f); r.Status != http.StatusBadRequest || r.Str("error") != "invalid_request" {
			t.Errorf("twice: %d %s", r.Status, r.Body)
		}
		// Whoever has keys cannot come without.
		wantClientRefused(t, "no proof", formPost(t, a, "/token", with2(credentialsForm(), "client_id", "keyed")))
		wantClientRefused(t, "a secret", formPost(t, a, "/token", with2(with2(credentialsForm(), "client_id", "keyed"), "client_secret", "")))
		if log := a.Log.String(); strings.Contains(log, spent) {
			t.Error("the log holds an assertion")
		}
	})
}

func with2(form url.Values, name, value string) url.Values {
	form.Set(name, value)
	return form
}

// TestOneAssertionCountsOnce sends one assertion in sixteen requests at once, to endpoints of both kinds.
func TestOneAssertionCountsOnce(t *testing.T) {
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		rp := a.KeyClient(t, "racer", client.Settings{}, nil, testapp.NewClientKey(t, "k", "ES256"))
		for range 3 {
			assertion := rp.Assertion(nil)
			var won atomic.Int64
			var wg sync.WaitGroup
			for i := range 16 {
				wg.Go(func() {
					path, form := "/token", credentialsForm()
					if i%2 == 1 {
						path, form = "/revoke", url.Values{"token": {"x"}}
					}
					r := formPost(t, a, path, testapp.AssertionForm(assertion, form))
					if r.Status == http.StatusOK {
						won.Add(1)
						return
					}
					wantClientRefused(t, "a loser", r)
				})
			}
			wg.Wait()
			if won.Load() != 1 {
				t.Errorf("%d requests went through with one assertion", won.Load())
			}
		}
		// Its jti may come from another client, and its id is remembered until it has expired.
		jti := map[string]any{"jti": "the same", "exp": a.Clock.Now().Add(10 * time.Minute).Unix()}
		other := a.KeyClient(t, "beside", client.Settings{}, nil, testapp.NewClientKey(t, "k", "ES256"))
		for _, one := range []*testapp.RelyingParty{rp, other} {
			if r := formPost(t, a, "/token", testapp.AssertionForm(one.Assertion(jti), credentialsForm())); r.Status != http.StatusOK {
				t.Errorf("%s: %d %s", one.ID, r.Status, r.Body)
			}
		}
		a.Pass(t, 9*time.Minute)
		wantClientRefused(t, "the same jti later", formPost(t, a, "/token", testapp.AssertionForm(rp.Assertion(jti), credentialsForm())))
	})
}

// keyServer publishes a client's keys.
type keyServer struct {
	*httptest.Server
	mu     sync.Mutex
	answer func(w http.ResponseWriter)
	asked  int
}

func newKeyServer(t *testing.T) *keyServer {
	t.Helper()
	s := &keyServer{}
	s.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.asked++
		s.answer(w)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *keyServer) serve(answer func(w http.ResponseWriter)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

func (s *keyServer) publish(keys ...*testapp.ClientKey) {
	s.serve(func(w http.ResponseWriter) {
		w.Header().Set("Cache-Control", "max-age=600")
		_, _ = w.Write(testapp.KeySet(keys...))
	})
}

func (s *keyServer) requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// TestClientKeysBehindAnAddress follows a client that keeps its keys at an address: through a rotation, an outage, and answers that are
// none. However often somebody comes with keys that are not there, the address is asked once a minute.
func TestClientKeysBehindAnAddress(t *testing.T) {
	s := newKeyServer(t)
	reach := func(c *server.Config) {
		c.OutboundAllow = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		c.OutboundRoots = x509.NewCertPool()
		c.OutboundRoots.AddCert(s.Certificate())
	}
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		first, second, stranger := testapp.NewClientKey(t, "1", "ES256"), testapp.NewClientKey(t, "2", "EdDSA"), testapp.NewClientKey(t, "3", "ES256")
		s.publish(first)
		began := s.requests()
		rp := a.KeyClient(t, "remote", client.Settings{JWKSURI: s.URL + "/jwks"}, nil, first)
		try := func() testapp.Reply { return rp.Post("/token", credentialsForm()) }
		good := func(name string, requests int) {
			t.Helper()
			if r := try(); r.Status != http.StatusOK {
				t.Errorf("%s: %d %s", name, r.Status, r.Body)
			}
			if n := s.requests() - began; n != requests {
				t.Errorf("%s: %d requests so far, want %d", name, n, requests)
			}
		}
		bad := func(name string, requests int) {
			t.Helper()
			wantClientRefused(t, name, try())
			if n := s.requests() - began; n != requests {
				t.Errorf("%s: %d requests so far, want %d", name, n, requests)
			}
		}
		// Whoever comes first fetches for all.
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if r := try(); r.Status != http.StatusOK {
					t.Errorf("at once: %d %s", r.Status, r.Body)
				}
			})
		}
		wg.Wait()
		good("first", 1)
		rp.Key = stranger
		for range 5 {
			bad("an unknown key", 1)
		}
		s.publish(first, second)
		rp.Key = second
		bad("a new key within a minute of the last look", 1)
		a.Pass(t, time.Minute)
		good("a new key", 2)
		rp.Key = stranger
		bad("an unknown key again", 2)
		rp.Key = first
		good("both keys", 2)

		// The former key is withdrawn: that is known when the answer has been kept for as long as it said.
		s.publish(second)
		a.Pass(t, 10*time.Minute)
		bad("withdrawn", 3)

		// No answer, or none of use: the last good one counts for a day.
		rp.Key = second
		requests := 3
		for name, answer := range map[string]func(w http.ResponseWriter){
			"an error":  func(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) },
			"elsewhere": func(w http.ResponseWriter) { w.Header().Set("Location", "/other"); w.WriteHeader(http.StatusFound) },
			"too much": func(w http.ResponseWriter) {
				_, _ = w.Write([]byte(`{"keys":[],"x":"` + strings.Repeat("x", 70<<10) + `"}`))
			},
			"not JSON":     func(w http.ResponseWriter) { _, _ = w.Write([]byte("<html>")) },
			"no keys":      func(w http.ResponseWriter) { _, _ = w.Write([]byte(`{"keys":[]}`)) },
			"private keys": func(w http.ResponseWriter) { _, _ = w.Write([]byte(`{"keys":[{"kty":"oct","k":"AAAA"}]}`)) },
		} {
			s.serve(answer)
			a.Pass(t, 11*time.Minute)
			requests++
			good(name, requests)
		}
		a.Pass(t, 24*time.Hour)
		bad("a day without an answer", requests+1)
		s.publish(second)
		a.Pass(t, time.Minute)
		good("an answer at last", requests+2)
	}, reach)
}

// TestH6_ClientKeysAreNotFetchedFromWithin: an address that leads into a network of ours is never asked.
func TestH6_ClientKeysAreNotFetchedFromWithin(t *testing.T) {
	s := newKeyServer(t)
	key := testapp.NewClientKey(t, "1", "ES256")
	s.publish(key)
	a := testapp.New(t, func(c *server.Config) {
		c.OutboundRoots = x509.NewCertPool()
		c.OutboundRoots.AddCert(s.Certificate())
	})
	for i, uri := range []string{s.URL + "/jwks", strings.Replace(s.URL, "https", "http", 1), "https://localhost:1/", "https://169.254.169.254/", "file:///etc/passwd", "::"} {
		rp := a.KeyClient(t, fmt.Sprint("inside-", i), client.Settings{JWKSURI: uri}, nil, key)
		wantClientRefused(t, uri, rp.Post("/token", credentialsForm()))
	}
	if n := s.requests(); n != 0 {
		t.Errorf("%d requests arrived", n)
	}
}

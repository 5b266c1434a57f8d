package provider_test

import (
	"fmt"
	"maps"
	"net/http"
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

// wantRequestURIDead checks that a request_uri leads nowhere but to a page of ours.
func wantRequestURIDead(t *testing.T, name string, p testapp.Page) {
	t.Helper()
	if p.Status != http.StatusBadRequest || p.Header.Get("Location") != "" || !strings.Contains(p.Body, "invalid_request_uri") {
		t.Errorf("%s: %d to %q", name, p.Status, p.Header.Get("Location"))
	}
}

// wantPushRefused checks the answer to a push that would have been refused at the authorization endpoint.
func wantPushRefused(t *testing.T, name string, r testapp.Reply, codes ...string) {
	t.Helper()
	ok := false
	for _, code := range codes {
		ok = ok || r.Str("error") == code
	}
	if r.Status != http.StatusBadRequest || !ok || r.Str("error_description") == "" || r.Header.Get("Cache-Control") != "no-store" ||
		!strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		t.Errorf("%s: %d %s, want %v", name, r.Status, r.Body, codes)
	}
}

// TestPushedRequests takes clients of every kind through RFC 9126.
func TestPushedRequests(t *testing.T) {
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		b := a.NewBrowser(t)
		keyed := a.KeyClient(t, "keyed", client.Settings{}, nil, testapp.NewClientKey(t, "k", "ES256"))
		for _, rp := range []*testapp.RelyingParty{a.RelyingParty(t, "store"), a.RelyingParty(t, "post"), a.RelyingParty(t, "public"), keyed} {
			r := rp.Push("state", "state of "+rp.ID)
			uri := r.Str("request_uri")
			if r.Status != http.StatusCreated || !strings.HasPrefix(uri, "urn:ietf:params:oauth:request_uri:") || len(uri) != 34+43 ||
				r.JSON["expires_in"] != float64(90) || r.Header.Get("Cache-Control") != "no-store" || r.Header.Get("Content-Type") != "application/json" {
				t.Fatalf("%s: push: %d %v %s", rp.ID, r.Status, r.Header, r.Body)
			}
			// What stands beside it counts for nothing.
			open := rp.OpenURL(uri) + "&state=another&redirect_uri=https%3A%2F%2Fevil.example%2F&scope=openid&response_type=token&code_challenge=x"
			p := a.SignIn(t, b, open, "suzuki")
			q := p.Location().Query()
			if !strings.HasPrefix(p.Location().String(), rp.RedirectURI) || q.Get("state") != "state of "+rp.ID || q.Get("iss") != a.URL {
				t.Fatalf("%s: sign-in ends at %d %s", rp.ID, p.Status, p.Location())
			}
			tokens := rp.Redeem(q.Get("code"))
			if tokens.Status != http.StatusOK || tokens.Str("scope") != "openid profile email offline_access" || tokens.IDToken(t)["nonce"] != "nonce-1" {
				t.Errorf("%s: %d %s", rp.ID, tokens.Status, tokens.Body)
			}
			wantRequestURIDead(t, rp.ID+": used", b.Get(rp.OpenURL(uri)))
		}
		// A good one asked for by somebody else, whose it is not; unknown ones; one that has expired.
		rp, other := a.RelyingParty(t, "store"), a.RelyingParty(t, "plain")
		r := rp.Push()
		wantRequestURIDead(t, "another client", b.Get(other.OpenURL(r.Str("request_uri"))))
		for name, uri := range map[string]string{
			"unknown": "urn:ietf:params:oauth:request_uri:" + strings.Repeat("A", 43), "empty": "urn:ietf:params:oauth:request_uri:",
			"long": r.Str("request_uri") + "A", "cut": r.Str("request_uri")[:60], "NUL": "urn:ietf:params:oauth:request_uri:" + strings.Repeat("\x00", 43),
		} {
			wantRequestURIDead(t, name, b.Get(rp.OpenURL(uri)))
		}
		if p := b.Get("/authorize?request_uri=" + url.QueryEscape(r.Str("request_uri"))); p.Status != http.StatusBadRequest || p.Header.Get("Location") != "" {
			t.Errorf("without client_id: %d to %q", p.Status, p.Header.Get("Location"))
		}
		if p := b.Get(rp.OpenURL(r.Str("request_uri")) + "&request_uri=" + url.QueryEscape(r.Str("request_uri"))); p.Status != http.StatusBadRequest {
			t.Errorf("twice: %d", p.Status)
		}
		if p := b.PostWith("/authorize", url.Values{"client_id": {"store"}, "request_uri": {r.Str("request_uri")}}, nil); b.Follow(p).Location().Query().Get("code") == "" {
			t.Errorf("opened by POST: %d to %s", p.Status, p.Location())
		}
		late := rp.PushedURL()
		a.Pass(t, 90*time.Second)
		wantRequestURIDead(t, "expired", b.Get(late))
		if p := b.Get(rp.AuthorizeURL("request_uri", "https://store.example.jp/request.jwt")); p.Location().Query().Get("error") != "request_uri_not_supported" {
			t.Errorf("by reference to the web: %d to %s", p.Status, p.Location())
		}
	})
}

// TestPushedRequestsCountOnce: a request may be opened as often as one likes until it has been answered with a code, and then no more, by
// whichever browser, whether it signs in or is signed in.
func TestPushedRequestsCountOnce(t *testing.T) {
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		rp := a.RelyingParty(t, "store")
		open := rp.PushedURL()
		// Two browsers wait at the password; each was sent here with the same request.
		first, second := a.NewBrowser(t), a.NewBrowser(t)
		here, there := first.Open(open), second.Open(open)
		if reload := first.Open(open); reload.URL.Path != "/signin" {
			t.Errorf("a reload leads to %d %s", reload.Status, reload.URL)
		}
		// Longer than the request can be opened.
		a.Pass(t, 5*time.Minute)
		secrets := url.Values{"username": {"suzuki"}, "password": {"futakagi-demo"}}
		if p := first.Submit(here.URL.RequestURI(), secrets); p.Location().Query().Get("code") == "" {
			t.Fatalf("the first ends at %d %s", p.Status, p.Location())
		}
		p := second.Submit(there.URL.RequestURI(), secrets)
		if q := p.Location().Query(); q.Get("error") != "invalid_request" || q.Get("code") != "" || q.Get("state") != "state-1" {
			t.Errorf("the second ends at %d %s", p.Status, p.Location())
		}
		// On a session, at once from many tabs.
		for range 3 {
			open := rp.PushedURL()
			var codes atomic.Int64
			var wg sync.WaitGroup
			for range 16 {
				wg.Go(func() {
					p := first.Get(open)
					switch {
					case p.Location().Query().Get("code") != "":
						codes.Add(1)
					case p.Location().Query().Get("error") == "invalid_request", p.Status == http.StatusBadRequest:
					default:
						t.Errorf("a tab ends at %d %s", p.Status, p.Location())
					}
				})
			}
			wg.Wait()
			if codes.Load() != 1 {
				t.Errorf("%d codes for one request", codes.Load())
			}
		}
		// An answer that is none of a sign-in leaves it.
		quiet := a.NewBrowser(t)
		open = rp.PushedURL("prompt", "none")
		for range 2 {
			if p := quiet.Get(open); p.Location().Query().Get("error") != "login_required" {
				t.Errorf("prompt=none: %d to %s", p.Status, p.Location())
			}
		}
		if p := first.Get(open); p.Location().Query().Get("code") == "" {
			t.Errorf("prompt=none on a session: %d to %s", p.Status, p.Location())
		}
	})
}

// TestPushedRequestsAreCheckedWhenTheyArePushed: what the authorization endpoint would refuse is refused at once.
func TestPushedRequestsAreCheckedWhenTheyArePushed(t *testing.T) {
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		rp := a.RelyingParty(t, "store")
		for _, c := range []struct {
			name, code string
			changes    []string
		}{
			{"redirect URI of nobody", "invalid_request", []string{"redirect_uri", "https://evil.example/"}},
			{"no redirect URI", "invalid_request", []string{"redirect_uri", ""}},
			{"no scope", "invalid_scope", []string{"scope", ""}},
			{"no response type", "invalid_request", []string{"response_type", ""}},
			{"another response type", "unsupported_response_type", []string{"response_type", "token"}},
			{"another response mode", "invalid_request", []string{"response_mode", "fragment"}},
			{"no challenge", "invalid_request", []string{"code_challenge", "", "code_challenge_method", ""}},
			{"plain", "invalid_request", []string{"code_challenge_method", "plain"}},
			{"prompts", "invalid_request", []string{"prompt", "none login"}},
			{"max_age", "invalid_request", []string{"max_age", "-1"}},
			{"claims", "invalid_request", []string{"claims", "{"}},
			{"level of nobody", "unmet_authentication_requirements", []string{"claims", `{"id_token":{"acr":{"essential":true,"value":"urn:x"}}}`}},
			{"hint", "invalid_request", []string{"id_token_hint", "a.b.c"}},
			{"a request_uri within", "invalid_request", []string{"request_uri", "urn:ietf:params:oauth:request_uri:x"}},
			{"a request_uri of the web within", "invalid_request", []string{"request_uri", "https://store.example.jp/r"}},
			{"long state", "invalid_request", []string{"state", strings.Repeat("s", 3000)}},
			{"registration", "registration_not_supported", []string{"registration", "{}"}},
			{"a signed request of a client without keys", "request_not_supported", []string{"request", "a.b.c"}},
		} {
			wantPushRefused(t, c.name, rp.Push(c.changes...), c.code)
		}
		form := rp.Request()
		wantClientRefused(t, "no proof", formPost(t, a, "/par", form))
		wantClientRefused(t, "nobody", formPost(t, a, "/par", nil))
		if r := rp.Post("/par", with2(rp.Request(), "client_id", "plain")); r.Status != http.StatusBadRequest || r.Str("error") != "invalid_request" {
			t.Errorf("in another's name: %d %s", r.Status, r.Body)
		}
		for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete, http.MethodHead} {
			if r := a.Ask(t, method, "/par", ""); r.Status != http.StatusMethodNotAllowed || r.Header.Get("Allow") != "POST" {
				t.Errorf("%s: %d, Allow %q", method, r.Status, r.Header.Get("Allow"))
			}
		}
		if r := a.Ask(t, http.MethodPost, "/par?client_id=store", ""); r.Status != http.StatusBadRequest {
			t.Errorf("parameters in the URL: %d", r.Status)
		}
		if r := a.Ask(t, http.MethodPost, "/par", `{"client_id":"store"}`, "Content-Type", "application/json"); r.Status != http.StatusBadRequest {
			t.Errorf("JSON: %d", r.Status)
		}
		if r := rp.Push("x", strings.Repeat("x", 17<<10)); r.Status != http.StatusRequestEntityTooLarge {
			t.Errorf("too long: %d %s", r.Status, r.Body)
		}
	})
}

// TestClientsThatMustPush have nothing at the authorization endpoint but what was pushed.
func TestClientsThatMustPush(t *testing.T) {
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		rp := a.KeyClient(t, "pusher", client.Settings{RequirePAR: true}, nil, testapp.NewClientKey(t, "k", "ES256"))
		b := a.NewBrowser(t)
		for name, path := range map[string]string{
			"plain": rp.AuthorizeURL(), "signed": "/authorize?" + url.Values{"client_id": {"pusher"}, "redirect_uri": {rp.RedirectURI}, "request": {rp.RequestObject(nil)}}.Encode(),
		} {
			if q := b.Get(path).Location().Query(); q.Get("error") != "invalid_request" || !strings.Contains(q.Get("error_description"), "push") || q.Get("iss") != a.URL {
				t.Errorf("%s: %v", name, q)
			}
		}
		if p := b.Get(rp.AuthorizeURL("redirect_uri", "https://evil.example/")); p.Status != http.StatusBadRequest || p.Header.Get("Location") != "" {
			t.Errorf("to nobody's redirect URI: %d to %q", p.Status, p.Header.Get("Location"))
		}
		if p := a.SignIn(t, b, rp.PushedURL(), "suzuki"); p.Location().Query().Get("code") == "" {
			t.Errorf("pushed: %d to %s", p.Status, p.Location())
		}
	})
}

func TestI29_PushesOfPublicClientsAreBounded(t *testing.T) {
	a := testapp.New(t, func(c *server.Config) { c.FlowsPerAddress = 3 })
	rp := a.RelyingParty(t, "public")
	for range 3 {
		if r := rp.Push(); r.Status != http.StatusCreated {
			t.Fatalf("within the budget: %d %s", r.Status, r.Body)
		}
	}
	if r := rp.Push(); r.Status != http.StatusTooManyRequests || r.Header.Get("Retry-After") == "" || r.Str("error") != "temporarily_unavailable" {
		t.Errorf("beyond the budget: %d %s", r.Status, r.Body)
	}
	if r := a.RelyingParty(t, "store").Push(); r.Status != http.StatusCreated {
		t.Errorf("a client that proved itself: %d", r.Status)
	}
}

// signedURL is the path of a signed request by value, with nothing beside it but what OAuth needs there.
func signedURL(rp *testapp.RelyingParty, object string, more ...string) string {
	q := url.Values{"client_id": {rp.ID}, "request": {object}}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	return "/authorize?" + q.Encode()
}

// TestSignedRequests takes requests by value through RFC 9101, directly and pushed.
func TestSignedRequests(t *testing.T) {
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		b := a.NewBrowser(t)
		rp := a.KeyClient(t, "signer", client.Settings{RequireRequestObject: true}, nil, testapp.NewClientKey(t, "k", "EdDSA"))
		a.SignIn(t, b, signedURL(rp, rp.RequestObject(nil)), "suzuki")

		// Each is sent twice, as a browser that goes back does, and pushed. What is inside wins; what is outside counts for nothing.
		for name, changes := range map[string]map[string]any{
			"as it is":         {},
			"numbers":          {"max_age": 3600},
			"objects":          {"claims": map[string]any{"id_token": map[string]any{"acr": map[string]any{"values": []string{"urn:x"}}}}},
			"list of aud":      {"aud": []string{"https://elsewhere.example", a.URL}},
			"client_id inside": {"client_id": "signer"},
			"no times":         {"exp": nil, "nbf": nil, "iat": nil, "jti": nil},
			"a little ahead":   {"nbf": a.Clock.Now().Unix() + 8, "iat": a.Clock.Now().Unix() + 8},
			"unknown member":   {"https://example.jp/x": true},
		} {
			object := rp.RequestObject(with(changes, "state", name))
			for range 2 {
				p := b.Get(signedURL(rp, object, "state", "outside", "scope", "x", "response_type", "code", "redirect_uri", "https://evil.example/", "prompt", "none login"))
				q := p.Location().Query()
				if q.Get("code") == "" || q.Get("state") != name || !strings.HasPrefix(p.Location().String(), testapp.StoreCallback+"?") {
					t.Errorf("%s: %d to %s", name, p.Status, p.Location())
				}
			}
			r := rp.Post("/par", url.Values{"request": {object}, "state": {"outside"}, "nonce": {"outside"}})
			if r.Status != http.StatusCreated {
				t.Errorf("%s, pushed: %d %s", name, r.Status, r.Body)
				continue
			}
			q := b.Get(rp.OpenURL(r.Str("request_uri"))).Location().Query()
			if tokens := rp.Redeem(q.Get("code")); q.Get("state") != name || tokens.Status != http.StatusOK || tokens.IDToken(t)["nonce"] != "nonce-1" {
				t.Errorf("%s, pushed: %v, %d %s", name, q, tokens.Status, tokens.Body)
			}
		}
		// typ may be missing, or be that of any JWT.
		for _, typ := range []any{nil, "JWT", "jwt", "application/oauth-authz-req+jwt"} {
			if p := b.Get(signedURL(rp, rp.Key.Sign(map[string]any{"typ": typ}, rp.RequestClaims(nil)))); p.Location().Query().Get("code") == "" {
				t.Errorf("typ %v: %d to %s", typ, p.Status, p.Location())
			}
		}
		// max_age counts as a number would in a query.
		a.Pass(t, 10*time.Minute)
		if p := b.Open(signedURL(rp, rp.RequestObject(map[string]any{"max_age": 60}))); p.URL.Path != "/signin" {
			t.Errorf("max_age 60 after ten minutes: %d %s", p.Status, p.URL)
		}
		for _, prompt := range []string{"max_age", "claims"} {
			value := map[string]any{"max_age": -1, "claims": []any{1}}[prompt]
			if q := b.Get(signedURL(rp, rp.RequestObject(map[string]any{prompt: value}))).Location().Query(); q.Get("error") != "invalid_request" {
				t.Errorf("%s %v: %v", prompt, value, q)
			}
		}
		// Unsigned, from a client that must sign.
		if q := b.Get(rp.AuthorizeURL()).Location().Query(); q.Get("error") != "invalid_request" || q.Get("state") != "state-1" {
			t.Errorf("unsigned: %v", q)
		}
		wantPushRefused(t, "unsigned", rp.Push(), "invalid_request")
	})
}

// TestRequestObjectsAreRefused changes a good signed request in every way that must not pass.
func TestRequestObjectsAreRefused(t *testing.T) {
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		key, other := testapp.NewClientKey(t, "mine", "ES256"), testapp.NewClientKey(t, "theirs", "ES256")
		rp := a.KeyClient(t, "signer", client.Settings{RequestObjectAlg: "ES256"}, nil, key, testapp.NewClientKey(t, "ed", "EdDSA"))
		otherRP := a.KeyClient(t, "other", client.Settings{}, nil, other)
		fresh := func() map[string]any { return rp.RequestClaims(nil) }
		now := a.Clock.Now()
		objects := badJWTs(key, other, map[string]any{"typ": "oauth-authz-req+jwt"}, fresh)
		claims := badClaims([]string{"iss", "aud"}, []string{"iss", "aud", "exp", "nbf", "iat", "sub"}, fresh)
		maps.Copy(claims, map[string]map[string]any{
			"another issuer":          with(fresh(), "iss", "other"),
			"an assertion's sub":      with(fresh(), "sub", "signer"),
			"another audience":        with(fresh(), "aud", "https://elsewhere.example"),
			"endpoint as audience":    with(fresh(), "aud", a.URL+"/authorize"),
			"expired":                 with(fresh(), "exp", now.Unix()),
			"exp as text":             with(fresh(), "exp", "soon"),
			"iat in the future":       with(fresh(), "iat", now.Add(61*time.Second).Unix()),
			"nbf in the future":       with(fresh(), "nbf", now.Add(61*time.Second).Unix()),
			"a request within":        with(fresh(), "request", "x.y.z"),
			"a request_uri within":    with(fresh(), "request_uri", "urn:ietf:params:oauth:request_uri:x"),
			"another client_id":       with(fresh(), "client_id", "other"),
			"client_id as a number":   with(fresh(), "client_id", 1),
			"a parameter that is nil": with(fresh(), "state", nil),
		})
		for name, c := range claims {
			objects["claims: "+name] = key.Sign(map[string]any{"typ": "oauth-authz-req+jwt"}, c)
		}
		objects["another client's"] = otherRP.RequestObject(nil)
		objects["another client's, in its name"] = otherRP.RequestObject(map[string]any{"iss": "signer", "client_id": "signer"})
		objects["a client assertion"] = rp.Assertion(nil)
		ed := *rp
		ed.Key = testapp.NewClientKey(t, "ed", "EdDSA")
		objects["another algorithm than is registered"] = ed.RequestObject(nil)
		b := a.NewBrowser(t)
		for name, object := range objects {
			r := rp.Post("/par", url.Values{"request": {object}})
			if strings.Contains(name, "huge") || strings.Contains(name, "not UTF-8") && strings.HasPrefix(name, "spelling") {
				wantPushRefused(t, name, r, "invalid_request")
			} else {
				wantPushRefused(t, name, r, "invalid_request_object")
			}
			// In the browser the relying party is told, if a redirect URI of its own stands outside; nobody else ever is.
			p := b.Get(signedURL(rp, object, "redirect_uri", rp.RedirectURI, "state", "s"))
			if q := p.Location().Query(); q.Get("error") != "invalid_request_object" || q.Get("state") != "s" || q.Get("iss") != a.URL {
				t.Errorf("%s: %d to %s", name, p.Status, p.Location())
			}
		}
		if len(objects) < 140 {
			t.Errorf("only %d mutations", len(objects))
		}
		for name, more := range map[string][]string{"alone": nil, "to nobody's redirect URI": {"redirect_uri", "https://evil.example/"}} {
			if p := b.Get(signedURL(rp, "a.b.c", more...)); p.Status != http.StatusBadRequest || p.Header.Get("Location") != "" {
				t.Errorf("%s: %d to %q", name, p.Status, p.Header.Get("Location"))
			}
		}
		// What stands outside must not contradict; what is inside leads nowhere that is not registered.
		if q := b.Get(signedURL(rp, rp.RequestObject(nil), "redirect_uri", rp.RedirectURI, "response_type", "token")).Location().Query(); q.Get("error") != "invalid_request_object" {
			t.Errorf("another response_type outside: %v", q)
		}
		evil := rp.RequestObject(map[string]any{"redirect_uri": "https://evil.example/"})
		if p := b.Get(signedURL(rp, evil, "redirect_uri", rp.RedirectURI)); p.Status != http.StatusBadRequest || p.Header.Get("Location") != "" {
			t.Errorf("nobody's redirect URI inside: %d to %q", p.Status, p.Header.Get("Location"))
		}
		wantPushRefused(t, "nobody's redirect URI inside", rp.Post("/par", url.Values{"request": {evil}}), "invalid_request")
		twice := "/authorize?" + url.Values{"client_id": {"signer"}, "redirect_uri": {rp.RedirectURI}, "request": {rp.RequestObject(nil), rp.RequestObject(nil)}}.Encode()
		if q := b.Get(twice).Location().Query(); q.Get("error") != "invalid_request" {
			t.Errorf("twice: %v", q)
		}
		if q := b.Get(signedURL(rp, rp.RequestObject(nil), "redirect_uri", rp.RedirectURI, "request_uri", "https://x.example/")).Location().Query(); q.Get("error") != "invalid_request" {
			t.Errorf("with request_uri: %v", q)
		}
		encrypted := fmt.Sprint(b64(`{"alg":"RSA-OAEP","enc":"A128GCM"}`), ".a.b.c.d")
		if r := rp.Post("/par", url.Values{"request": {encrypted}}); !strings.Contains(r.Str("error_description"), "encrypted") {
			t.Errorf("encrypted: %s", r.Body)
		}
		if n := len(b.Cookies()); n != 0 {
			t.Errorf("%d cookies were set", n)
		}
	})
}

package provider_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/futakagi/futakagi/client"
	"github.com/futakagi/futakagi/internal/server"
	"github.com/futakagi/futakagi/internal/testapp"
)

// fapiWorld is a server with two clients that follow FAPI 2.0, a third that signs its requests too, and a browser that is signed in.
type fapiWorld struct {
	*testapp.App
	one, two, signer *testapp.RelyingParty
	rsa              *testapp.ClientKey // of one, too
	b                *testapp.Browser
}

func newFAPIWorld(t *testing.T, a *testapp.App) *fapiWorld {
	t.Helper()
	w := &fapiWorld{App: a, b: a.NewBrowser(t), rsa: testapp.NewClientKey(t, "rsa", "PS256")}
	s := client.Settings{Profile: client.ProfileFAPI2}
	w.one = a.KeyClient(t, "fapi-1", s, nil, testapp.NewClientKey(t, "a", "ES256"), w.rsa)
	w.two = a.KeyClient(t, "fapi-2", s, nil, testapp.NewClientKey(t, "b", "EdDSA"))
	s.RequireRequestObject = true
	w.signer = a.KeyClient(t, "fapi-3", s, nil, testapp.NewClientKey(t, "c", "ES256"), testapp.NewClientKey(t, "rsa", "PS256"))
	for _, rp := range []*testapp.RelyingParty{w.one, w.two, w.signer} {
		rp.ProofKey = testapp.NewClientKey(t, "", "ES256")
	}
	if p := a.SignIn(t, w.b, w.one.PushedURL(), "suzuki"); p.Location().Query().Get("code") == "" {
		t.Fatalf("sign-in ends at %d %s", p.Status, p.Location())
	}
	return w
}

// code asks for a code on the session, with changes to the request.
func (w *fapiWorld) code(t *testing.T, rp *testapp.RelyingParty, changes ...string) url.Values {
	t.Helper()
	q := w.b.Get(rp.PushedURL(changes...)).Location().Query()
	if q.Get("code") == "" || q.Get("iss") != w.URL {
		t.Fatalf("no code in %v", q)
	}
	return q
}

// pushSigned pushes a signed request with changes to its claims.
func (w *fapiWorld) pushSigned(header, claims map[string]any) testapp.Reply {
	all := map[string]any{"typ": "oauth-authz-req+jwt"}
	maps.Copy(all, header)
	return w.signer.Post("/par", url.Values{"request": {w.signer.Key.Sign(all, w.signer.RequestClaims(claims))}})
}

// pushAs pushes a good request with an assertion of one's own making.
func (w *fapiWorld) pushAs(t *testing.T, assertion string) testapp.Reply {
	t.Helper()
	return formPost(t, w.App, "/par", testapp.AssertionForm(assertion, w.one.Request()))
}

// TestConformance_fapi2_security_profile_final runs what the modules of the OpenID Foundation's plans fapi2-security-profile-final and,
// for signed requests, fapi2-message-signing-final ask of an authorization server whose tokens are bound by DPoP. Each subtest has the
// name of its module.
func TestConformance_fapi2_security_profile_final(t *testing.T) {
	longCodes := func(c *server.Config) { c.Lifetimes.Code = 10 * time.Minute }
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		w := newFAPIWorld(t, a)
		for name, module := range map[string]func(*testing.T){
			"discovery-end-point-verification": w.discovery,
			"happy-flow":                       w.happyFlow,
			"requests":                         w.requests,
			"request-objects":                  w.requestObjects,
			"pushed-requests":                  w.pushedRequests,
			"assertions":                       w.assertions,
			"token-endpoint":                   w.tokenEndpoint,
			"refresh-token":                    w.refreshToken,
			"dpop":                             w.dpop,
		} {
			t.Run(name, module)
		}
	}, longCodes)
}

func (w *fapiWorld) discovery(t *testing.T) {
	var doc struct {
		PAR      string   `json:"pushed_authorization_request_endpoint"`
		Methods  []string `json:"token_endpoint_auth_methods_supported"`
		Algs     []string `json:"token_endpoint_auth_signing_alg_values_supported"`
		PKCE     []string `json:"code_challenge_methods_supported"`
		ISS      bool     `json:"authorization_response_iss_parameter_supported"`
		Requests bool     `json:"request_parameter_supported"`
		Signed   []string `json:"request_object_signing_alg_values_supported"`
		Web      *bool    `json:"request_uri_parameter_supported"`
		All      *bool    `json:"require_pushed_authorization_requests"`
	}
	r := w.Ask(t, http.MethodGet, "/.well-known/openid-configuration", "")
	if err := json.Unmarshal([]byte(r.Body), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.PAR != w.URL+"/par" || !slices.Contains(doc.Methods, "private_key_jwt") || !doc.ISS || !doc.Requests ||
		doc.Web == nil || *doc.Web || doc.All == nil || *doc.All || !slices.Equal(doc.PKCE, []string{"S256"}) {
		t.Errorf("metadata: %s", r.Body)
	}
	for _, alg := range []string{"PS256", "ES256", "EdDSA"} {
		if !slices.Contains(doc.Algs, alg) || !slices.Contains(doc.Signed, alg) {
			t.Errorf("%s is not offered", alg)
		}
	}
	if slices.Contains(doc.Signed, "none") || slices.Contains(doc.Algs, "HS256") {
		t.Error("an algorithm without a key pair is offered")
	}
}

// happyFlow is also EnsureAuthorizationRequestWithoutStateSuccess, …WithoutNonceSuccess, …With64CharNonceSuccess, …WithLongNonce,
// …WithLongState and EnsureOtherScopeOrderSucceeds.
func (w *fapiWorld) happyFlow(t *testing.T) {
	for name, changes := range map[string][]string{
		"HappyFlow": {}, "EnsureAuthorizationRequestWithoutStateSuccess": {"state", ""}, "EnsureAuthorizationRequestWithoutNonceSuccess": {"nonce", ""},
		"EnsureAuthorizationRequestWith64CharNonceSuccess": {"nonce", strings.Repeat("n", 64)},
		"EnsureAuthorizationRequestWithLongNonce":          {"nonce", strings.Repeat("n", 384)},
		"EnsureAuthorizationRequestWithLongState":          {"state", strings.Repeat("s", 1000)},
		"EnsureOtherScopeOrderSucceeds":                    {"scope", "offline_access email openid"},
	} {
		for _, rp := range []*testapp.RelyingParty{w.one, w.two} {
			q := w.code(t, rp, changes...)
			want := rp.Request(changes...)
			tokens := rp.Redeem(q.Get("code"))
			if tokens.Status != http.StatusOK || q.Get("state") != want.Get("state") {
				t.Fatalf("%s: %v, %d %s", name, q, tokens.Status, tokens.Body)
			}
			if nonce, _ := tokens.IDToken(t)["nonce"].(string); nonce != want.Get("nonce") {
				t.Errorf("%s: nonce %q", name, nonce)
			}
		}
	}
	// Each at its end: the request has been pushed, signed and opened.
	r := w.pushSigned(nil, nil)
	if q := w.b.Get(w.signer.OpenURL(r.Str("request_uri"))).Location().Query(); w.signer.Redeem(q.Get("code")).Status != http.StatusOK {
		t.Errorf("signed: %d %s, %v", r.Status, r.Body, q)
	}
}

func (w *fapiWorld) requests(t *testing.T) {
	for name, c := range map[string]struct {
		changes []string
		code    string
	}{
		"EnsureRegisteredRedirectUri":             {[]string{"redirect_uri", testapp.StoreCallback + "/x"}, "invalid_request"},
		"TolerateUnregisteredRedirectUri":         {[]string{"redirect_uri", "https://elsewhere.example/"}, "invalid_request"},
		"EnsureRedirectUriInAuthorizationRequest": {[]string{"redirect_uri", ""}, "invalid_request"},
		"EnsureResponseTypeCodeIdTokenFails":      {[]string{"response_type", "code id_token"}, "unsupported_response_type"},
		"EnsureResponseTypeTokenFails":            {[]string{"response_type", "token"}, "unsupported_response_type"},
		"PAREnsurePKCERequired":                   {[]string{"code_challenge", "", "code_challenge_method", ""}, "invalid_request"},
		"PAREnsurePlainPKCERejected":              {[]string{"code_challenge_method", "plain"}, "invalid_request"},
	} {
		wantPushRefused(t, name, w.one.Push(c.changes...), c.code)
	}
	t.Run("EnsureUnsignedAuthorizationRequestWithoutUsingParFails", func(t *testing.T) {
		if q := w.b.Get(w.one.AuthorizeURL()).Location().Query(); q.Get("error") != "invalid_request" || q.Get("code") != "" {
			t.Errorf("%v", q)
		}
	})
	t.Run("EnsureUnsignedRequestAtParEndpointFails", func(t *testing.T) {
		wantPushRefused(t, "unsigned", w.signer.Push(), "invalid_request", "invalid_request_object")
	})
}

func (w *fapiWorld) requestObjects(t *testing.T) {
	now := w.Clock.Now()
	for name, c := range map[string]struct{ header, claims map[string]any }{
		"EnsureRequestObjectWithoutExpFails":             {nil, map[string]any{"exp": nil}},
		"EnsureRequestObjectWithoutNbfFails":             {nil, map[string]any{"nbf": nil}},
		"EnsureExpiredRequestObjectFails":                {nil, map[string]any{"exp": now.Add(-5 * time.Minute).Unix()}},
		"EnsureRequestObjectWithBadAudFails":             {nil, map[string]any{"aud": "https://elsewhere.example"}},
		"EnsureRequestObjectWithExpOver60Fails":          {nil, map[string]any{"exp": now.Add(70 * time.Minute).Unix()}},
		"EnsureRequestObjectWithNbfOver60Fails":          {nil, map[string]any{"nbf": now.Add(-70 * time.Minute).Unix()}},
		"EnsureRequestObjectSignatureAlgorithmIsNotNone": {map[string]any{"alg": "none"}, nil},
		"EnsureMatchingKeyInAuthorizationRequest":        {map[string]any{"kid": "rsa"}, nil},
		"PARRejectRequestUriInParAuthorizationRequest":   {nil, map[string]any{"request_uri": "urn:ietf:params:oauth:request_uri:x"}},
		"EnsureRequestObjectWithInvalidSignatureFails":   {map[string]any{"alg": "EdDSA"}, nil},
		"EnsureSignedRequestObjectWithRS256Fails":        {map[string]any{"alg": "RS256"}, nil},
	} {
		wantPushRefused(t, name, w.pushSigned(c.header, c.claims), "invalid_request_object")
	}
	wantPushRefused(t, "EnsureRequestObjectWithoutRedirectUriFails", w.pushSigned(nil, map[string]any{"redirect_uri": nil}), "invalid_request")
	for name, claims := range map[string]map[string]any{
		"EnsureServerAcceptsRequestObjectWithMultipleAud":         {"aud": []string{"https://elsewhere.example", w.URL}},
		"EnsureRequestObjectWithNbf8SecondsInTheFutureIsAccepted": {"nbf": now.Unix() + 8},
	} {
		if r := w.pushSigned(nil, claims); r.Status != http.StatusCreated {
			t.Errorf("%s: %d %s", name, r.Status, r.Body)
		}
	}
	t.Run("EnsureDifferentNonceInsideAndOutsideRequestObject", func(t *testing.T) {
		object := w.signer.RequestObject(nil)
		r := w.signer.Post("/par", url.Values{"request": {object}, "nonce": {"outside"}, "state": {"outside"}})
		q := w.b.Get(w.signer.OpenURL(r.Str("request_uri"))).Location().Query()
		if tokens := w.signer.Redeem(q.Get("code")); q.Get("state") != "state-1" || tokens.IDToken(t)["nonce"] != "nonce-1" {
			t.Errorf("%v %s", q, tokens.Body)
		}
	})
	t.Run("StateOnlyOutsideRequestObjectNotUsed", func(t *testing.T) {
		r := w.signer.Post("/par", url.Values{"request": {w.signer.RequestObject(map[string]any{"state": nil})}, "state": {"outside"}})
		if q := w.b.Get(w.signer.OpenURL(r.Str("request_uri"))).Location().Query(); q.Get("code") == "" || q.Has("state") {
			t.Errorf("%v", q)
		}
	})
}

func (w *fapiWorld) pushedRequests(t *testing.T) {
	t.Run("PAREnsureServerAcceptsReusedRequestUriBeforeAuthenticationCompletion", func(t *testing.T) {
		open, b := w.one.PushedURL(), w.NewBrowser(t)
		for range 2 {
			if p := b.Open(open); p.URL.Path != "/signin" {
				t.Errorf("%d %s", p.Status, p.URL)
			}
		}
	})
	t.Run("PARAttemptReuseRequestUri", func(t *testing.T) {
		open := w.one.PushedURL()
		if p := w.b.Get(open); p.Location().Query().Get("code") == "" {
			t.Fatalf("%d to %s", p.Status, p.Location())
		}
		wantRequestURIDead(t, "used", w.b.Get(open))
	})
	t.Run("PARAttemptToUseExpiredRequestUri", func(t *testing.T) {
		r := w.one.Push()
		if r.JSON["expires_in"] != float64(60) {
			t.Errorf("expires_in: %s", r.Body)
		}
		w.Pass(t, time.Minute)
		wantRequestURIDead(t, "expired", w.b.Get(w.one.OpenURL(r.Str("request_uri"))))
	})
	t.Run("PAREnsureRequestUriIsBoundToClient", func(t *testing.T) {
		wantRequestURIDead(t, "of another client", w.b.Get(w.two.OpenURL(w.one.Push().Str("request_uri"))))
	})
	t.Run("PARRejectRequestUriInParAuthorizationFormParams", func(t *testing.T) {
		wantPushRefused(t, "request_uri", w.one.Push("request_uri", "urn:ietf:params:oauth:request_uri:x"), "invalid_request")
	})
	t.Run("PARRejectInvalidHttpVerb", func(t *testing.T) {
		if r := w.Ask(t, http.MethodGet, "/par", ""); r.Status != http.StatusMethodNotAllowed {
			t.Errorf("%d", r.Status)
		}
	})
}

func (w *fapiWorld) assertions(t *testing.T) {
	now := w.Clock.Now()
	for name, claims := range map[string]map[string]any{
		"PAREndpointAsArrayAudienceFails":                                    {"aud": []string{w.URL, w.URL + "/par"}},
		"PAREndpointAsAudienceFails":                                         {"aud": w.URL + "/par"},
		"PARTokenEndpointAsAudienceFails":                                    {"aud": w.URL + "/token"},
		"issuer in a list":                                                   {"aud": []string{w.URL}},
		"EnsureClientAssertionWithExpIs5MinutesInPastFails":                  {"exp": now.Add(-5 * time.Minute).Unix()},
		"EnsureClientAssertionWithWrongAudFails":                             {"aud": "https://elsewhere.example"},
		"EnsureClientAssertionWithNoSubFails":                                {"sub": nil},
		"PAREnsureJWTClientAssertionWithIatNbfOver60SecondsInTheFutureFails": {"iat": now.Unix() + 65, "nbf": now.Unix() + 65},
	} {
		wantClientRefused(t, name, w.pushAs(t, w.one.Assertion(claims)))
	}
	ahead := w.one.Assertion(map[string]any{"iat": now.Unix() + 8, "nbf": now.Unix() + 8})
	if r := w.pushAs(t, ahead); r.Status != http.StatusCreated {
		t.Errorf("PAREnsureJWTClientAssertionWithIatNbf8SecondsInTheFutureIsAccepted: %d %s", r.Status, r.Body)
	}
	t.Run("EnsureSignedClientAssertionWithRS256Fails", func(t *testing.T) {
		if r := w.pushAs(t, w.rsa.Sign(nil, w.one.AssertionClaims(nil))); r.Status != http.StatusCreated {
			t.Fatalf("by PS256: %d %s", r.Status, r.Body)
		}
		rs256 := &testapp.ClientKey{ID: "rsa", Alg: "RS256", Private: w.rsa.Private}
		wantClientRefused(t, "RS256", w.pushAs(t, rs256.Sign(nil, w.one.AssertionClaims(nil))))
	})
	t.Run("EnsureClientAssertionInTokenEndpoint", func(t *testing.T) {
		form := url.Values{"grant_type": {"authorization_code"}, "code": {"x"}, "redirect_uri": {testapp.StoreCallback}, "client_id": {"fapi-1"}}
		wantClientRefused(t, "no assertion", formPost(t, w.App, "/token", form))
	})
}

func (w *fapiWorld) tokenEndpoint(t *testing.T) {
	refused := func(name string, r testapp.Reply) {
		t.Helper()
		if r.Status != http.StatusBadRequest || r.Str("error") != "invalid_grant" {
			t.Errorf("%s: %d %s", name, r.Status, r.Body)
		}
	}
	// EnsureClientIdInTokenEndpoint is the same with the other client's name in the assertion.
	refused("EnsureAuthorizationCodeIsBoundToClient", w.two.Redeem(w.code(t, w.one).Get("code")))
	refused("PAREnsurePKCECodeVerifierRequired", w.one.Redeem(w.code(t, w.one).Get("code"), "code_verifier", ""))
	refused("PARIncorrectPKCECodeVerifierRejected", w.one.Redeem(w.code(t, w.one).Get("code"), "code_verifier", strings.Repeat("x", 43)))
	used := w.code(t, w.one).Get("code")
	if r := w.one.Redeem(used); r.Status != http.StatusOK {
		t.Errorf("redeem: %d %s", r.Status, r.Body)
	}
	w.Pass(t, time.Second)
	refused("AttemptReuseAuthorizationCodeAfterOneSecond", w.one.Redeem(used))
	late := w.code(t, w.one).Get("code")
	w.Pass(t, 61*time.Second)
	refused("AttemptToUseExpiredAuthCode", w.one.Redeem(late))
	form := testapp.AssertionForm(w.one.Assertion(nil), url.Values{"grant_type": {"authorization_code"}, "code": {"x"}, "redirect_uri": {"x"}, "client_id": {"fapi-2"}})
	wantClientRefused(t, "EnsureClientIdInTokenEndpoint", formPost(t, w.App, "/token", form))
}

// refreshToken is FAPI2SPFinalRefreshToken: a refresh token is bound to its client and is not rotated, so that a client whose answer was
// lost asks again.
func (w *fapiWorld) refreshToken(t *testing.T) {
	tokens := w.one.Redeem(w.code(t, w.one).Get("code"))
	refresh := tokens.Str("refresh_token")
	if refresh == "" {
		t.Fatalf("no refresh token: %d %s", tokens.Status, tokens.Body)
	}
	access := map[string]bool{tokens.Str("access_token"): true}
	last := ""
	for range 3 {
		r := w.one.Refresh(refresh)
		if r.Status != http.StatusOK || r.Str("refresh_token") != refresh || access[r.Str("access_token")] || r.IDToken(t)["sub"] != tokens.IDToken(t)["sub"] {
			t.Fatalf("refresh: %d %s", r.Status, r.Body)
		}
		last = r.Str("access_token")
		access[last] = true
	}
	for token := range access {
		if w.one.Active(token) != (token == last) {
			t.Error("the newest access token is not the one that counts")
		}
	}
	if r := w.two.Refresh(refresh); r.Status != http.StatusBadRequest || r.Str("error") != "invalid_grant" {
		t.Errorf("by another client: %d %s", r.Status, r.Body)
	}
	if r := w.one.Post("/revoke", url.Values{"token": {refresh}}); r.Status != http.StatusOK {
		t.Errorf("revoke: %d", r.Status)
	}
	if r := w.one.Refresh(refresh); r.Status != http.StatusBadRequest {
		t.Errorf("refresh after the revocation: %d", r.Status)
	}
	for token := range access {
		if w.one.Active(token) {
			t.Error("an access token outlives its grant")
		}
	}
}

// TestFAPIRegistrationsThatBreakItsRulesAreNotServed: a client that should follow the profile and cannot is no client.
func TestFAPIRegistrationsThatBreakItsRulesAreNotServed(t *testing.T) {
	a := testapp.New(t)
	key := testapp.NewClientKey(t, "k", "ES256")
	for name, s := range map[string]client.Settings{
		"unknown-profile": {Profile: "fapi3"},
		"rs256":           {Profile: client.ProfileFAPI2, AssertionAlg: "RS256"},
		"rs256-requests":  {Profile: client.ProfileFAPI2, RequestObjectAlg: "RS256"},
		"unknown-alg":     {AssertionAlg: "HS256"},
		"none":            {RequestObjectAlg: "none"},
		"no-key":          {JWKS: json.RawMessage(`{"keys":[]}`)},
		"bad-keys":        {JWKS: json.RawMessage(`{"keys":[{"kty":"oct","k":"AAAA"}]}`)},
		"keys-twice":      {JWKS: testapp.KeySet(key), JWKSURI: "https://store.example.jp/jwks"},
	} {
		var keys []*testapp.ClientKey
		if s.JWKS == nil {
			keys = append(keys, key)
		}
		rp := a.KeyClient(t, name, s, nil, keys...)
		rp.Key = key
		wantClientRefused(t, name, rp.Push())
		if p := a.NewBrowser(t).Get(rp.AuthorizeURL()); p.Status != http.StatusBadRequest {
			t.Errorf("%s: %d to %s", name, p.Status, p.Location())
		}
	}
	secret := a.KeyClient(t, "fapi-with-a-secret", client.Settings{Profile: client.ProfileFAPI2}, nil)
	secret.Key = key
	wantClientRefused(t, "no keys", secret.Push())
}

// dpop are the modules about proofs of keys; dpop_test.go has every way in which a proof can be wrong.
func (w *fapiWorld) dpop(t *testing.T) {
	other := testapp.NewClientKey(t, "", "ES256")
	as := func(key *testapp.ClientKey) *testapp.RelyingParty {
		rp := *w.one
		rp.ProofKey = key
		return &rp
	}
	if r := w.one.Redeem(w.code(t, w.one).Get("code")); r.Status != http.StatusOK || r.Str("token_type") != "DPoP" {
		t.Errorf("EnsureDpopProofAtParEndpointBindingSuccess: %d %s", r.Status, r.Body)
	}
	if r := as(other).Redeem(w.code(t, w.one).Get("code")); r.Status != http.StatusBadRequest || r.Str("error") != "invalid_grant" {
		t.Errorf("EnsureTokenEndpointFailsWithMismatchedDpopProofJkt: %d %s", r.Status, r.Body)
	}
	named := w.code(t, as(nil), "dpop_jkt", w.one.ProofKey.Thumbprint()).Get("code")
	if r := w.one.Redeem(named); r.Status != http.StatusOK {
		t.Errorf("EnsureDpopAuthCodeBindingSuccess: %d %s", r.Status, r.Body)
	}
	named = w.code(t, as(nil), "dpop_jkt", w.one.ProofKey.Thumbprint()).Get("code")
	if r := as(other).Redeem(named); r.Status != http.StatusBadRequest || r.Str("error") != "invalid_grant" {
		t.Errorf("EnsureTokenEndpointFailsWithMismatchedDpopJkt: %d %s", r.Status, r.Body)
	}
	wantPushRefused(t, "EnsureMismatchedDpopJktFails", w.one.Push("dpop_jkt", other.Thumbprint()), "invalid_request")
	now := w.Clock.Now().Unix()
	for name, changes := range map[string]map[string]any{
		"CheckDpopProofNbfExp":                          {"nbf": now, "exp": now + 60},
		"EnsureDpopProofWithIat10SecondsBeforeSucceeds": {"iat": now - 10},
		"EnsureDpopProofWithIat10SecondsAfterSucceeds":  {"iat": now + 10},
		"AccessTokenTypeHeaderCaseSensitivity":          {},
	} {
		rp := as(w.one.ProofKey)
		rp.ProofChanges = changes
		tokens := rp.Redeem(w.code(t, rp).Get("code"))
		if tokens.Status != http.StatusOK {
			t.Errorf("%s: %d %s", name, tokens.Status, tokens.Body)
			continue
		}
		access := tokens.Str("access_token")
		sum := sha256.Sum256([]byte(access))
		rp.ProofChanges = maps.Clone(changes)
		rp.ProofChanges["ath"] = base64.RawURLEncoding.EncodeToString(sum[:])
		for _, scheme := range []string{"DPoP", "dpop", "DPOP"} {
			r := w.Ask(t, http.MethodGet, "/userinfo", "", "Authorization", scheme+" "+access, "DPoP", rp.Proof(http.MethodGet, "/userinfo"))
			if r.Status != http.StatusOK {
				t.Errorf("%s, %s at userinfo: %d %s", name, scheme, r.Status, r.Body)
			}
		}
	}
	// FAPI 2.0 section 5.4.1: no RS256, for proofs no more than for anything else.
	rs256 := as(&testapp.ClientKey{Alg: "RS256", Private: w.rsa.Private})
	if r := rs256.Redeem(w.code(t, as(nil)).Get("code")); r.Status != http.StatusBadRequest || r.Str("error") != "invalid_dpop_proof" {
		t.Errorf("proof by RS256: %d %s", r.Status, r.Body)
	}
	if r := as(nil).Redeem(w.code(t, w.one).Get("code")); r.Status != http.StatusBadRequest || r.Str("error") != "invalid_dpop_proof" {
		t.Errorf("no proof: %d %s", r.Status, r.Body)
	}
}

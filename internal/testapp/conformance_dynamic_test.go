package testapp_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/provider"
)

// TestConformance_oidcc_dynamic does what the modules of the plan oidcc-dynamic-certification-test-plan of the OpenID conformance suite do,
// each in a test of its name, with response_type code. Not here, as there is nothing to do it with:
//
//   - oidcc-idtoken-unsigned, oidcc-request-uri-unsigned: unsigned tokens and request objects are never accepted; the refusals are shown.
//   - oidcc-request-uri-signed-rs256, oidcc-ensure-request-object-with-redirect-uri: request objects are not fetched from an address that
//     the browser brings; the refusal is shown.
//   - response_type other than code in any module: there is neither implicit nor hybrid flow (OAuth 2.0 Security BCP, RFC 9700 §2.1.2).
//     The suite's check that discovery names "id_token" and "id_token token" fails for the same reason.
func TestConformance_oidcc_dynamic(t *testing.T) {
	t.Parallel()
	const query = "https://rp.example.jp/cb?foo=bar"
	site := sectorSite(t, `["`+testapp.StoreCallback+`","https://rp.example.jp/cb"]`, `["https://other.example.jp/cb"]`, `{"redirect_uris":[]}`, `[1]`, strings.Repeat("x", 70<<10))
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		b := a.NewBrowser(t)
		first, second := testapp.NewClientKey(t, "first", "ES256"), testapp.NewClientKey(t, "second", "ES256")
		keys, served := keySite(t)
		served.Store(string(testapp.KeySet(first)))
		// signs is metadata of a relying party that proves itself with the keys at its site.
		signs := func(more map[string]any) map[string]any {
			more["token_endpoint_auth_method"], more["jwks_uri"] = "private_key_jwt", keys.URL+"/jwks"
			return more
		}
		refused := func(t *testing.T, metadata, code string) {
			t.Helper()
			r := register(t, a, "", metadata)
			if r.Status != http.StatusBadRequest || r.Str("error") != code || r.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%s: %d %s", metadata, r.Status, r.Body)
			}
		}
		// ownPage is an error that must not go to the relying party (RFC 6749 §4.1.2.1).
		ownPage := func(t *testing.T, rp *testapp.RelyingParty, redirect string) {
			t.Helper()
			p := b.Get(rp.AuthorizeURL("redirect_uri", redirect))
			if p.Status != http.StatusBadRequest || p.Header.Get("Location") != "" || !strings.HasPrefix(p.Header.Get("Content-Type"), "text/html") {
				t.Errorf("redirect_uri %q: %d %s", redirect, p.Status, p.Header)
			}
		}
		for _, module := range []struct {
			name string
			run  func(t *testing.T)
		}{
			{"oidcc-server", func(t *testing.T) {
				rp, made := registered(t, a, map[string]any{"client_name": "conformance", "response_types": []string{"code"}, "contacts": []string{"a@rp.example.jp"}})
				if made.Str("token_endpoint_auth_method") != "client_secret_basic" || len(rp.Secret) < 43 || made.Str("application_type") != "web" {
					t.Errorf("%s", made.Body)
				}
				// Without PKCE, as the suite does it.
				code := codeFor(t, a, b, rp, "code_challenge", "", "code_challenge_method", "", "scope", "openid")
				r := rp.Redeem(code, "code_verifier", "")
				claims := r.IDToken(t)
				if claims["aud"] != rp.ID || claims["iss"] != a.URL || claims["nonce"] != "nonce-1" || a.Userinfo(t, r.Str("access_token")).Str("sub") != claims["sub"] {
					t.Errorf("%d %s", r.Status, r.Body)
				}
				if r.JSON["refresh_token"] != nil {
					t.Error("a refresh token that the registration does not know of")
				}
			}},
			{"oidcc-idtoken-rs256", func(t *testing.T) {
				rp, _ := registered(t, a, map[string]any{"id_token_signed_response_alg": "RS256"})
				if alg := algOf(t, tokensFor(t, a, b, rp).Str("id_token")); alg != "RS256" {
					t.Errorf("signed with %s", alg)
				}
				def, _ := registered(t, a, map[string]any{})
				if alg := algOf(t, tokensFor(t, a, b, def).Str("id_token")); alg != "RS256" {
					t.Errorf("signed with %s where nothing was said", alg)
				}
			}},
			{"oidcc-idtoken-unsigned", func(t *testing.T) {
				refused(t, `{"redirect_uris":["https://rp.example.jp/cb"],"id_token_signed_response_alg":"none"}`, "invalid_client_metadata")
			}},
			{"oidcc-ensure-redirect-uri-in-authorization-request", func(t *testing.T) {
				rp, _ := registered(t, a, map[string]any{})
				ownPage(t, rp, "")
			}},
			{"oidcc-ensure-registered-redirect-uri", func(t *testing.T) {
				rp, _ := registered(t, a, map[string]any{})
				ownPage(t, rp, "https://rp.example.jp/other")
			}},
			{"oidcc-redirect-uri-query-OK", func(t *testing.T) {
				rp, _ := registered(t, a, map[string]any{"redirect_uris": []string{query}})
				to := a.SignIn(t, b, rp.AuthorizeURL(), "suzuki").Location()
				if to.Query().Get("foo") != "bar" || to.Query().Get("code") == "" || to.Query().Get("iss") != a.URL {
					t.Errorf("%s", to)
				}
			}},
			{"oidcc-redirect-uri-query-mismatch", func(t *testing.T) {
				rp, _ := registered(t, a, map[string]any{"redirect_uris": []string{query}})
				ownPage(t, rp, "https://rp.example.jp/cb?bar=foo")
			}},
			{"oidcc-redirect-uri-query-added", func(t *testing.T) {
				rp, _ := registered(t, a, map[string]any{"redirect_uris": []string{"https://rp.example.jp/cb"}})
				ownPage(t, rp, query)
			}},
			{"oidcc-redirect-uri-regfrag", func(t *testing.T) {
				refused(t, `{"redirect_uris":["https://rp.example.jp/cb#fragment"]}`, "invalid_redirect_uri")
			}},
			{"oidcc-discovery-endpoint-verification", func(t *testing.T) {
				d := a.Ask(t, http.MethodGet, "/.well-known/openid-configuration", "")
				if d.Status != http.StatusOK || !strings.HasPrefix(d.Header.Get("Content-Type"), "application/json") || d.Str("issuer") != a.URL {
					t.Errorf("%d %s", d.Status, d.Body)
				}
				for _, endpoint := range []string{"authorization_endpoint", "token_endpoint", "userinfo_endpoint", "registration_endpoint", "jwks_uri", "end_session_endpoint"} {
					if !strings.HasPrefix(d.Str(endpoint), a.URL+"/") {
						t.Errorf("%s is %q", endpoint, d.Str(endpoint))
					}
				}
				for member, values := range map[string][]string{
					"subject_types_supported": {"public", "pairwise"}, "id_token_signing_alg_values_supported": {"RS256"}, "response_types_supported": {"code"},
					"scopes_supported": {"openid"}, "token_endpoint_auth_methods_supported": {"client_secret_basic", "client_secret_post"}, "claims_supported": {"sub", "iss"},
				} {
					for _, v := range values {
						if list, _ := d.JSON[member].([]any); !slices.Contains(list, any(v)) {
							t.Errorf("%s lacks %s: %v", member, v, list)
						}
					}
				}
				if v, ok := d.JSON["request_uri_parameter_supported"].(bool); !ok || v {
					t.Errorf("request_uri_parameter_supported: %v", d.JSON["request_uri_parameter_supported"])
				}
			}},
			{"oidcc-registration-logo-uri", func(t *testing.T) {
				rp, made := registered(t, a, map[string]any{"logo_uri": "https://rp.example.jp/logo.png"})
				if made.JSON["logo_uri"] != nil {
					t.Error("the address of a logo is kept, though nobody is shown it")
				}
				tokensFor(t, a, b, rp)
			}},
			{"oidcc-registration-policy-uri", func(t *testing.T) {
				rp, made := registered(t, a, map[string]any{"policy_uri": "https://rp.example.jp/policy"})
				if made.Str("policy_uri") != "https://rp.example.jp/policy" {
					t.Errorf("%s", made.Body)
				}
				tokensFor(t, a, b, rp)
			}},
			{"oidcc-registration-tos-uri", func(t *testing.T) {
				rp, made := registered(t, a, map[string]any{"tos_uri": "https://rp.example.jp/tos"})
				if made.Str("tos_uri") != "https://rp.example.jp/tos" {
					t.Errorf("%s", made.Body)
				}
				tokensFor(t, a, b, rp)
			}},
			{"oidcc-registration-jwks-uri", func(t *testing.T) {
				rp, made := registered(t, a, signs(map[string]any{"token_endpoint_auth_signing_alg": "ES256"}))
				if made.Str("jwks_uri") != keys.URL+"/jwks" || made.Str("token_endpoint_auth_method") != "private_key_jwt" || made.JSON["client_secret"] != nil {
					t.Errorf("%s", made.Body)
				}
				rp.Key = first
				tokensFor(t, a, b, rp)
			}},
			{"oidcc-ensure-client-assertion-with-iss-aud-succeeds", func(t *testing.T) {
				rp, _ := registered(t, a, signs(map[string]any{}))
				rp.Key = first
				form := url.Values{"grant_type": {"authorization_code"}, "code": {codeFor(t, a, b, rp)}, "redirect_uri": {rp.RedirectURI}, "code_verifier": {rp.Verifier}}
				assertion := rp.Assertion(map[string]any{"aud": a.URL})
				rp.Key = nil
				if r := rp.Post("/token", testapp.AssertionForm(assertion, form)); r.Status != http.StatusOK || r.IDToken(t)["aud"] != rp.ID {
					t.Errorf("%d %s", r.Status, r.Body)
				}
			}},
			{"oidcc-refresh-token-rp-key-rotation", func(t *testing.T) {
				rp, _ := registered(t, a, signs(map[string]any{"grant_types": []string{"authorization_code", "refresh_token"}}))
				rp.Key = first
				held := tokensFor(t, a, b, rp)
				served.Store(string(testapp.KeySet(second)))
				defer served.Store(string(testapp.KeySet(first)))
				a.Pass(t, 2*time.Minute) // keys are not asked for more often than once a minute
				rp.Key = second
				next := rp.Refresh(held.Str("refresh_token"))
				if next.Status != http.StatusOK || next.IDToken(t)["sub"] != held.IDToken(t)["sub"] {
					t.Errorf("by the new key: %d %s", next.Status, next.Body)
				}
				rp.Key = first
				if r := rp.Refresh(next.Str("refresh_token")); r.Status != http.StatusUnauthorized || r.Str("error") != "invalid_client" {
					t.Errorf("by the key that is gone: %d %s", r.Status, r.Body)
				}
			}},
			{"oidcc-userinfo-rs256", func(t *testing.T) {
				rp, made := registered(t, a, map[string]any{"userinfo_signed_response_alg": "RS256"})
				tokens := tokensFor(t, a, b, rp)
				r := a.Userinfo(t, tokens.Str("access_token"))
				claims := testapp.Reply{JSON: map[string]any{"id_token": r.Body}}.IDToken(t)
				if made.Str("userinfo_signed_response_alg") != "RS256" || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/jwt") || algOf(t, r.Body) != "RS256" ||
					claims["iss"] != a.URL || claims["aud"] != rp.ID || claims["sub"] != tokens.IDToken(t)["sub"] {
					t.Errorf("%d %s: %v", r.Status, r.Header, claims)
				}
			}},
			{"oidcc-registration-sector-uri", func(t *testing.T) {
				rp, made := registered(t, a, map[string]any{
					"redirect_uris": []string{testapp.StoreCallback, "https://rp.example.jp/cb"}, "subject_type": "pairwise", "sector_identifier_uri": site.URL + "/0",
				})
				if made.Str("sector_identifier_uri") != site.URL+"/0" || made.Str("subject_type") != "pairwise" {
					t.Errorf("%s", made.Body)
				}
				if sub := tokensFor(t, a, b, rp).IDToken(t)["sub"]; sub == string(a.Account(t, "suzuki").ID) {
					t.Errorf("sub %v", sub)
				}
			}},
			{"oidcc-registration-sector-bad", func(t *testing.T) {
				for _, document := range []string{"/1", "/2", "/3", "/4", "/redirects"} {
					for _, kind := range []string{"pairwise", "public"} {
						refused(t, `{"redirect_uris":["https://rp.example.jp/cb"],"subject_type":"`+kind+`","sector_identifier_uri":"`+site.URL+document+`"}`, "invalid_client_metadata")
					}
				}
			}},
			{"oidcc-request-uri-unsigned, oidcc-request-uri-signed-rs256", func(t *testing.T) {
				rp, _ := registered(t, a, map[string]any{"request_uris": []string{"https://rp.example.jp/request.jwt"}})
				if got := b.Get(rp.AuthorizeURL("request_uri", "https://rp.example.jp/request.jwt")); got.Location().Query().Get("error") != "request_uri_not_supported" {
					t.Errorf("%d %s", got.Status, got.Location())
				}
				refused(t, `{"redirect_uris":["https://rp.example.jp/cb"],"request_object_signing_alg":"none"}`, "invalid_client_metadata")
			}},
			{"oidcc-refresh-token", func(t *testing.T) {
				rp, _ := registered(t, a, map[string]any{"grant_types": []string{"authorization_code", "refresh_token"}})
				first := tokensFor(t, a, b, rp)
				next := rp.Refresh(first.Str("refresh_token"))
				was, is := first.IDToken(t), next.IDToken(t)
				if next.Header.Get("Cache-Control") != "no-store" || is["sub"] != was["sub"] || is["aud"] != was["aud"] || is["auth_time"] != was["auth_time"] || is["iss"] != was["iss"] {
					t.Errorf("%v, refreshed %v", was, is)
				}
			}},
			{"oidcc-server-rotate-keys", func(t *testing.T) {
				before := kids(t, a)
				tend := func() {
					if err := a.Provider.TendKeys(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				tend() // the next ones are made and published
				if _, err := a.Admin.RotateKeys(t.Context(), admin.System(), "RS256"); err != nil {
					t.Fatal(err)
				}
				tend()
				after := kids(t, a)
				for _, kid := range before {
					if !slices.Contains(after, kid) {
						t.Errorf("%s is published no more", kid)
					}
				}
				if len(after) <= len(before) {
					t.Errorf("no new key: %v, then %v", before, after)
				}
			}},
		} {
			t.Run(module.name, module.run)
		}
	}, registrar(site, provider.Registration{Mode: provider.RegistrationOpen, PerNetwork: 1000, MaxUnused: 1000, PerHour: 1000}))
}

// keySite publishes a document that can be replaced. The certificate is that of every test server.
func keySite(t testing.TB) (*httptest.Server, *atomic.Value) {
	t.Helper()
	served := &atomic.Value{}
	site := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(served.Load().(string))) //nolint:forcetypeassert // stored before anybody asks
	}))
	t.Cleanup(site.Close)
	return site, served
}

// algOf is the algorithm that a token says it is signed with.
func algOf(t testing.TB, token string) string {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[0])
	var header struct{ Alg string }
	if err != nil || json.Unmarshal(raw, &header) != nil {
		t.Fatalf("header of %q", token)
	}
	return header.Alg
}

// kids are the ids of the published keys, which must differ.
func kids(t testing.TB, a *testapp.App) []string {
	t.Helper()
	var set struct {
		Keys []struct {
			Kid string `json:"kid"`
		} `json:"keys"`
	}
	if err := json.Unmarshal([]byte(a.Ask(t, http.MethodGet, "/jwks", "").Body), &set); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, k := range set.Keys {
		if k.Kid == "" || slices.Contains(ids, k.Kid) {
			t.Errorf("kid %q", k.Kid)
		}
		ids = append(ids, k.Kid)
	}
	return ids
}

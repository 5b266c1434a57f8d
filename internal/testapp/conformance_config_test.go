package testapp_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/language"

	"github.com/futakagi/futakagi/internal/server"
	"github.com/futakagi/futakagi/internal/testapp"
)

// TestConformance_Config is the plan oidcc-config-certification-test-plan: what the provider says of itself under a public address.
func TestConformance_Config(t *testing.T) {
	t.Parallel()
	const issuer = "https://auth.example.jp"
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		runPlan(t, &suite{App: a}, []module{{name: "oidcc-discovery-endpoint-verification", ask: moduleDiscovery}})
	}, func(c *server.Config) { c.Issuer = issuer })
}

// askAt sends a request as the proxy in front of a server does.
func askAt(t *testing.T, a *testapp.App, address string) testapp.Reply {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodGet, a.URL+u.RequestURI(), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = u.Host
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	r := testapp.Reply{Status: res.StatusCode, Header: res.Header}
	if err := json.NewDecoder(res.Body).Decode(&r.JSON); err != nil {
		t.Fatalf("%s: %d %v", address, res.StatusCode, err)
	}
	return r
}

func moduleDiscovery(t *testing.T, s *suite) {
	const issuer = "https://auth.example.jp"
	r := askAt(t, s.App, issuer+"/.well-known/openid-configuration")
	if r.Status != http.StatusOK {
		t.Fatalf("discovery: %d", r.Status)
	}
	s.isJSON(t, r)
	s.metadata = r.JSON
	if r.JSON["issuer"] != issuer {
		t.Errorf("issuer = %v", r.JSON["issuer"])
	}
	// What must be there (OpenID Connect Discovery 3), and for this plan.
	for member, value := range map[string]string{
		"response_types_supported": "code", "subject_types_supported": "public", "id_token_signing_alg_values_supported": "RS256",
		"grant_types_supported": "authorization_code", "scopes_supported": "openid", "code_challenge_methods_supported": "S256",
		"token_endpoint_auth_methods_supported": "client_secret_basic", "claims_supported": "sub",
	} {
		if !s.listed(member, value) {
			t.Errorf("%s = %v, without %s", member, r.JSON[member], value)
		}
	}
	for _, member := range []string{"authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"} {
		if s.metadata[member] == nil {
			t.Errorf("%s is missing", member)
		}
	}
	for name, value := range s.metadata {
		checkMember(t, name, value)
	}
	checkKeys(t, askAt(t, s.App, s.metadata["jwks_uri"].(string)))
}

// checkMember judges one member by the kind that its name tells: endpoints and URIs are https without fragment, lists hold distinct
// words, locales are BCP 47 in their canonical case, switches are booleans.
func checkMember(t *testing.T, name string, value any) {
	t.Helper()
	switch {
	case strings.HasSuffix(name, "_endpoint"), strings.HasSuffix(name, "_uri"), strings.HasSuffix(name, "_iframe"), name == "service_documentation", name == "issuer":
		u, err := url.Parse(asText(value))
		if err != nil || u.Scheme != "https" || u.Host == "" || u.Fragment != "" || name == "issuer" && u.RawQuery != "" {
			t.Errorf("%s = %v", name, value)
		}
	case strings.HasSuffix(name, "_parameter_supported"), name == "backchannel_logout_supported", name == "frontchannel_logout_supported",
		strings.HasSuffix(name, "_session_supported"), strings.HasPrefix(name, "require_"), strings.HasSuffix(name, "_bound_access_tokens"):
		if _, ok := value.(bool); !ok {
			t.Errorf("%s = %v, want true or false", name, value)
		}
	default:
		checkList(t, name, value)
	}
}

func checkList(t *testing.T, name string, value any) {
	t.Helper()
	list, ok := value.([]any)
	if !ok || len(list) == 0 {
		t.Errorf("%s = %v, want a list", name, value)
		return
	}
	for i, v := range list {
		text := asText(v)
		if text == "" || strings.ContainsAny(text, "\"\\ ") && name == "scopes_supported" || slices.Contains(list[:i], v) {
			t.Errorf("%s holds %v", name, v)
		}
		if strings.HasSuffix(name, "_locales_supported") {
			if tag, err := language.Parse(text); err != nil || tag.String() != text {
				t.Errorf("%s holds %v, want %v", name, v, tag)
			}
		}
	}
}

func asText(v any) string {
	s, _ := v.(string)
	return s
}

// checkKeys judges the key set (ValidateServerJWKs and its kin): public keys alone, each with its use, an algorithm and a kid of its own.
func checkKeys(t *testing.T, r testapp.Reply) {
	t.Helper()
	keys, _ := r.JSON["keys"].([]any)
	if r.Status != http.StatusOK || len(keys) == 0 {
		t.Fatalf("jwks: %d %v", r.Status, r.JSON)
	}
	seen := map[string]bool{}
	rsa := false
	for _, k := range keys {
		key, _ := k.(map[string]any)
		for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "k", "oth"} {
			if _, has := key[private]; has {
				t.Errorf("key %v has its private %s", key["kid"], private)
			}
		}
		kid := asText(key["kid"])
		if kid == "" || seen[kid] || key["use"] != "sig" || asText(key["alg"]) == "" {
			t.Errorf("key %v", key)
		}
		seen[kid] = true
		switch key["kty"] {
		case "RSA":
			rsa = true
			if n, err := base64.RawURLEncoding.DecodeString(asText(key["n"])); err != nil || len(n) < 256 {
				t.Errorf("modulus of %d bytes, %v", len(n), err)
			}
		case "EC", "OKP":
			if key["crv"] == nil || key["x"] == nil {
				t.Errorf("key %v", key)
			}
		default:
			t.Errorf("kty %v", key["kty"])
		}
		if chain, has := key["x5c"].([]any); has {
			for _, c := range chain {
				if raw, err := base64.StdEncoding.DecodeString(asText(c)); err != nil {
					t.Error(err)
				} else if _, err := x509.ParseCertificate(raw); err != nil {
					t.Error(err)
				}
			}
		}
	}
	if !rsa {
		t.Error("no RSA key for RS256")
	}
}

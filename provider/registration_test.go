package provider

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/futakagi/futakagi/client"
	"github.com/futakagi/futakagi/store"
)

// A registration with nothing but what must be said gets the values of the standards: RFC 7591 section 2, OpenID Connect Dynamic Client
// Registration section 2.
func TestRegistrationDefaults(t *testing.T) {
	in, err := parseRegistration([]byte(`{"redirect_uris":["https://rp.example/cb"],"unknown":{"a":[1]},"client_uri":null}`))
	if err != nil {
		t.Fatal(err)
	}
	if in.authMethod != "client_secret_basic" || in.idTokenAlg != "RS256" || !slices.Equal(in.grants, []string{"authorization_code"}) ||
		!slices.Equal(in.scopes, []string{"openid", "profile", "email"}) || !in.settings.ThirdParty || in.shownName("id") != "rp.example" {
		t.Errorf("%+v", in)
	}
}

func TestRegistrationTakesOfListsWhatWeDo(t *testing.T) {
	in, err := parseRegistration([]byte(`{"redirect_uris":["https://rp.example/cb","https://rp.example/cb"],
		"grant_types":["authorization_code","implicit","refresh_token"],"response_types":["code","id_token"],"scope":"email offline_access address",
		"default_acr_values":["urn:other"]}`))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(in.grants, []string{"authorization_code", "refresh_token"}) || len(in.redirects) != 1 || in.settings.DefaultACRValues != nil ||
		!slices.Equal(in.scopes, []string{"openid", "email", "offline_access"}) {
		t.Errorf("%+v", in)
	}
}

func TestRegistrationPrefersJapanese(t *testing.T) {
	for body, want := range map[string]string{
		`"client_name":"Shop","client_name#ja":"店"`:             "店",
		`"client_name":"Shop","client_name#ja-Kana-JP":"ミセ"`:    "ミセ",
		`"client_name":"Shop","client_name#en":"The Shop"`:      "Shop",
		`"client_name#fr":"Boutique","client_name#de":"Laden"`:  "Laden",
		`"client_name":"  A   Shop "`:                           "A Shop",
		`"client_name#ja":"","client_name":"Shop"`:              "Shop",
		`"tos_uri#en":"https://rp.example/t","client_name":"S"`: "S",
	} {
		in, err := parseRegistration([]byte(`{"redirect_uris":["https://rp.example/cb"],` + body + `}`))
		if err != nil || in.name != want {
			t.Errorf("%s: %q, %v", body, in.name, err)
		}
	}
}

// badMetadata are registrations that are refused, by the code of RFC 7591 section 3.2.2.
func badMetadata() map[string][]string {
	const good = `"redirect_uris":["https://rp.example/cb"]`
	with := func(more ...string) []string {
		for i, m := range more {
			more[i] = `{` + good + `,` + m + `}`
		}
		return more
	}
	redirects := func(uris ...string) (bodies []string) {
		for _, uri := range uris {
			raw, _ := json.Marshal(uri)
			bodies = append(bodies, `{"redirect_uris":[`+string(raw)+`]}`)
		}
		return bodies
	}
	return map[string][]string{
		codeInvalidRedirect: append(redirects(
			"", "/cb", "rp.example/cb", "https:///cb", "https:", "http://rp.example/cb", "http://127.0.0.1.example/cb", "https://rp.example/cb#f", "https://rp.example/cb#",
			"https://*.rp.example/cb", "https://rp.example\\@evil.example/", "https://u:p@rp.example/cb", "https://rp.example/c b", "javascript:alert(1)", "data:text/html,x",
			"ftp://rp.example/", "file:///etc/passwd", "myapp:/cb", "jp.example.app:/cb", "urn:ietf:wg:oauth:2.0:oob", "https://rp.例/cb",
		), `{}`, `{"redirect_uris":[]}`, `{"redirect_uris":null}`),
		codeInvalidStatement: with(`"software_statement":"eyJ"`),
		codeInvalidMetadata: append(with(
			`"redirect_uris":["https://rp.example/2"]`, `"client_name":1`, `"client_name":"a","client_name":"b"`, `"client_name#ja":["x"]`,
			`"client_name":"`+strings.Repeat("x", 101)+`"`, `"client_name":"a\u202eb"`, `"client_name":"a\u0000b"`, `"client_name":"\u200b"`,
			`"scope":["openid"]`, `"scope":"openid api:accounts.write"`, `"scope":"ssf.manage"`, `"scope":"openid ssf.new"`, `"scope":"api:"`, `"grant_types":"authorization_code"`, `"grant_types":["client_credentials"]`,
			`"grant_types":["implicit"]`, `"grant_types":[]`, `"grant_types":[null]`, `"response_types":["id_token"]`, `"response_types":[]`,
			`"token_endpoint_auth_method":"tls_client_auth"`, `"token_endpoint_auth_method":"private_key_jwt"`, `"token_endpoint_auth_signing_alg":"HS256"`,
			`"token_endpoint_auth_signing_alg":"none"`, `"require_signed_request_object":true`, `"request_object_signing_alg":"none"`, `"userinfo_signed_response_alg":"PS256"`,
			`"introspection_signed_response_alg":"none"`, `"client_uri":"http://rp.example/"`, `"contacts":["call us"]`, `"default_max_age":31536001`,
			`"jwks":{"keys":[{"kty":"EC","crv":"P-521","x":"AA","y":"AA"}]}`, `"jwks_uri":"https://rp.example/`+strings.Repeat("x", 2040)+`"`, `"token_endpoint_auth_method":"client_secret_jwt"`, `"token_endpoint_auth_method":7`,
			`"application_type":"desktop"`, `"subject_type":"both"`, `"id_token_signed_response_alg":"none"`, `"id_token_signed_response_alg":"HS256"`,
			`"id_token_encrypted_response_alg":"RSA-OAEP"`, `"userinfo_encrypted_response_alg":"RSA-OAEP"`, `"request_object_encryption_alg":"RSA-OAEP"`,
			`"authorization_signed_response_alg":"RS256"`, `"tls_client_certificate_bound_access_tokens":true`, `"require_auth_time":"yes"`,
			`"default_max_age":-1`, `"default_max_age":"60"`, `"default_max_age":1.5`, `"default_max_age":99999999999`, `"jwks":{}`, `"jwks":{"keys":[]}`, `"jwks":[]`, `"jwks":"{}"`,
			`"jwks":{"keys":[{"kty":"oct","k":"AAAA"}]}`, `"jwks":{"keys":[{"kty":"XX"}]}`,
			`"jwks":{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}]}`,
			`"jwks":{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"\u0000"}]}`,
			`"jwks":{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]},"jwks_uri":"https://rp.example/jwks"`,
			`"jwks_uri":"http://rp.example/jwks"`, `"jwks_uri":"https://u@rp.example/jwks"`, `"jwks_uri":"https://rp.example/#k"`, `"jwks_uri":"jp.example.app:/k"`,
			`"sector_identifier_uri":"http://rp.example/s"`, `"initiate_login_uri":"http://rp.example/"`, `"backchannel_logout_uri":"ldap://rp.example/"`,
			`"frontchannel_logout_uri":"https://other.example/out"`, `"client_uri":"javascript:alert(1)"`, `"policy_uri":"x"`, `"tos_uri":"data:,x"`, `"logo_uri":"javascript:x"`,
			`"post_logout_redirect_uris":["http://rp.example/"]`, `"contacts":"a@rp.example"`, `"contacts":[1]`, `"dpop_bound_access_tokens":1`,
		), `[]`, `"x"`, `1`, ``, `{`, `{"redirect_uris":["https://rp.example/cb"]}{}`, `{"redirect_uris":["https://rp.example/cb"]} x`, "{\"client_name\":\"\xff\"}",
			strings.Repeat(`{"a":`, 20)+`1`+strings.Repeat(`}`, 20), `{"redirect_uris":"https://rp.example/cb"}`, `{"redirect_uris":[1]}`,
			`{"redirect_uris":["https://a.example/cb","https://b.example/cb"],"subject_type":"pairwise"}`,
			`{"redirect_uris":["jp.example.app:/cb"],"application_type":"native","token_endpoint_auth_method":"none","subject_type":"pairwise"}`,
			`{"redirect_uris":["`+strings.Repeat("x", 3000)+`"]}`,
			`{"redirect_uris":["https://rp.example/`+strings.Join(strings.Split(strings.Repeat("a", 51), ""), `","https://rp.example/`)+`"],"contacts":["`+strings.Join(strings.Split(strings.Repeat("ab", 60), ""), `","x`)+`"],"grant_types":["1`+strings.Repeat(`","1`, 60)+`"]}`),
	}
}

func TestRegistrationRefusesByTheCodeOfTheStandard(t *testing.T) {
	for code, bodies := range badMetadata() {
		for _, body := range bodies {
			_, err := parseRegistration([]byte(body))
			if e := asProtocolError(err); err == nil || e.code != code {
				t.Errorf("%.120s: %v, want %s", body, err, code)
			}
		}
	}
}

// Whatever a client signs or has signed for it can be registered, and is served as it was registered.
func TestRegistrationTakesWhatWeSignAndVerify(t *testing.T) {
	in, err := parseRegistration([]byte(`{"redirect_uris":["https://rp.example/cb"],"token_endpoint_auth_method":"private_key_jwt","jwks_uri":"https://rp.example/jwks",
		"token_endpoint_auth_signing_alg":"ES384","request_object_signing_alg":"PS256","userinfo_signed_response_alg":"RS256","introspection_signed_response_alg":"EdDSA",
		"require_pushed_authorization_requests":true,"require_signed_request_object":true,"dpop_bound_access_tokens":true,"default_max_age":0,"require_auth_time":true,
		"frontchannel_logout_uri":"https://rp.example:443/out","frontchannel_logout_session_required":true,"application_type":"web","subject_type":"public"}`))
	want := client.Settings{
		ThirdParty: true, JWKSURI: "https://rp.example/jwks", AssertionAlg: "ES384", RequestObjectAlg: "PS256", UserinfoAlg: "RS256", IntrospectionAlg: "EdDSA",
		RequirePAR: true, RequireRequestObject: true, DPoP: true, DefaultMaxAge: new(int64), RequireAuthTime: true,
		FrontchannelLogoutURI: "https://rp.example:443/out", FrontchannelLogoutSession: true,
	}
	if err != nil || string(in.settings.Encode()) != string(want.Encode()) || in.newSecret().text != "" {
		t.Fatalf("%s, %v", in.settings.Encode(), err)
	}
	c, err := newClient(in.row())
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := c.logoutFrame("https://op.example", "sid"); !ok || !c.requiresPAR() || !c.requiresDPoP() {
		t.Errorf("%+v", c)
	}
}

// row is what is stored of a registration.
func (in registration) row() store.Client {
	return store.Client{
		ID: "x", AuthMethod: in.authMethod, RedirectURIs: encodeList(in.redirects), PostLogoutRedirectURIs: encodeList(in.postLogout),
		GrantTypes: encodeList(in.grants), Scopes: encodeList(in.scopes), IDTokenAlg: in.idTokenAlg, Settings: in.settings.Encode(), SecretHash: in.newSecret().hash,
	}
}

// Whoever is refused hears what a member must be, and nothing that was sent.
func TestRegistrationRefusesWithoutRepeatingValues(t *testing.T) {
	for _, member := range []string{
		`"subject_type":"ZZZ"`, `"application_type":"ZZZ"`, `"userinfo_signed_response_alg":"ZZZ"`, `"client_uri":"ZZZ:x"`, `"contacts":["ZZZ"]`, `"jwks":{"keys":[{"kty":"ZZZ"}]}`,
		`"jwks":{"keys":[{"kty":"EC","crv":"ZZZ"}]}`, `"jwks":{"keys":[{"kty":"RSA","alg":"ZZZ"}]}`, `"jwks":{"keys":[{"kty":"RSA","use":"ZZZ"}]}`, `"default_max_age":-777`,
	} {
		_, err := parseRegistration([]byte(`{"redirect_uris":["https://rp.example/cb"],` + member + `}`))
		name, _, _ := strings.Cut(member[1:], `"`)
		if e := asProtocolError(err); err == nil || !strings.HasPrefix(e.say, name+" ") || strings.Contains(e.say, "ZZZ") || strings.Contains(e.say, "777") {
			t.Errorf("%s: %v", member, err)
		}
	}
}

// A native application without a secret can be sent back to by a scheme of its own and to this machine.
func TestRegistrationOfNativeApplications(t *testing.T) {
	body := `{"redirect_uris":["jp.example.app:/cb","http://127.0.0.1/cb","http://localhost:7/cb","https://rp.example/cb"],"application_type":"native","token_endpoint_auth_method":"none"}`
	in, err := parseRegistration([]byte(body))
	if err != nil || len(in.redirects) != 4 || in.settings.ApplicationType != client.TypeNative {
		t.Errorf("%+v, %v", in, err)
	}
}

// What is kept of a key set has no member that we did not read: not certificates, and nothing private.
func TestRegistrationKeepsPublicKeysAlone(t *testing.T) {
	in, err := parseRegistration([]byte(`{"redirect_uris":["https://rp.example/cb"],"jwks":{"keys":[
		{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"k","use":"sig","x5u":"https://evil.example/","extra":"\u0000"}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal(in.settings.JWKS, &set); err != nil || len(set.Keys) != 1 || len(set.Keys[0]) != 5 || set.Keys[0]["kid"] != "k" {
		t.Errorf("%s, %v", in.settings.JWKS, err)
	}
}

// Whatever comes, parsing ends in a registration that can be stored and read again, or in an error with a code of the standard.
func FuzzRegistration(f *testing.F) {
	f.Add([]byte(`{"redirect_uris":["https://rp.example/cb"],"client_name#ja":"店","scope":"openid email"}`))
	f.Add([]byte(`{"redirect_uris":["https://rp.example/cb"],"jwks":{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}}`))
	f.Add([]byte(`{"redirect_uris":["https://rp.example%80"]}`))
	f.Add([]byte(`{"redirect_uris":["https://rp.example%E2%80%AEpj.knab/cb"]}`)) // turns the line around
	for _, bodies := range badMetadata() {
		for _, body := range bodies {
			f.Add([]byte(body))
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		in, err := parseRegistration(body)
		if err != nil {
			if e := asProtocolError(err); !strings.HasPrefix(e.code, "invalid_") || !cleanText(e.say) {
				t.Fatalf("%v says %q", err, e.say)
			}
			return
		}
		if len(in.redirects) == 0 || !slices.Contains(in.scopes, scopeOpenID) || slices.ContainsFunc(in.scopes, client.StaffOnly) {
			t.Fatalf("%+v", in)
		}
		if _, err := newClient(in.row()); err != nil {
			t.Fatalf("not served: %v", err)
		}
		if name := in.shownName("id"); name == "" || !cleanText(name) || !goodName(name) {
			t.Fatalf("name %q", name)
		}
		if kept, err := client.Parse(in.settings.Encode()); err != nil || kept.SubjectType != in.settings.SubjectType {
			t.Fatalf("%+v, %v", kept, err)
		}
		if strings.Contains(string(in.settings.Encode()), `\u0000`) {
			t.Fatal("NUL would not be stored")
		}
	})
}

func TestPairwiseSubjectsDependOnTheSector(t *testing.T) {
	s := &subjects{salt: []byte("0123456789abcdef0123456789abcdef")}
	other := &subjects{salt: []byte("another salt of thirty-two bytes")}
	public, a, b := &Client{}, &Client{sector: "a.example"}, &Client{sector: "b.example"}
	if s.subjectFor(public, "id") != "id" || s.sessionFor(public, "sid") != "sid" {
		t.Error("public subjects are the ids")
	}
	seen := map[string]bool{"id": true}
	for _, name := range []string{
		s.subjectFor(a, "id"), s.subjectFor(b, "id"), s.subjectFor(a, "id2"), other.subjectFor(a, "id"), s.sessionFor(a, "id"), s.sessionFor(b, "id"),
	} {
		if seen[name] || len(name) != 43 {
			t.Errorf("%q", name)
		}
		seen[name] = true
	}
	if !s.isSubject(a, s.subjectFor(a, "id"), "id") || s.isSubject(b, s.subjectFor(a, "id"), "id") || s.isSubject(a, "id", "id") || s.sessionFor(a, "") != "" {
		t.Error("a name means whom it was made for, to its sector")
	}
	// Fixed for good: people would be strangers to their applications if it changed.
	if got := s.subjectFor(a, "01900000-0000-7000-8000-000000000001"); got != "G0WoZIkfZkQ2dibr_CdTQhCV5eCMxtQZV3uE8H8qZaY" {
		t.Errorf("subject %s", got)
	}
}

// A client that replaces its registration leaves what staff decided about it as it was, and sees none of it.
func TestReplacedRegistrationKeepsWhatStaffDecided(t *testing.T) {
	staffs := client.Settings{
		ThirdParty: true, Profile: client.ProfileFAPI2, MinACR: "urn:futakagi:acr:2fa", AccessTokenFormat: client.FormatJWT,
		Resources: []string{"https://api.example/"}, ResourceServers: []string{"https://own.example/"},
		AccessLifetime: 60, RefreshLifetime: 600, IDTokenLifetime: 60,
	}
	if got := keepStaffs(client.Settings{}, staffs); !reflect.DeepEqual(got, staffs) {
		t.Errorf("kept %+v", got)
	}
	if got := keepStaffs(staffs, client.Settings{}); !reflect.DeepEqual(got, client.Settings{}) {
		t.Errorf("shown %+v", got)
	}
}

package provider

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestWycheproofSignatures holds what we verify with against the vectors of Project Wycheproof: what they call valid is accepted if it is
// of an algorithm that we verify, and everything else is refused.
func TestWycheproofSignatures(t *testing.T) {
	raw, err := os.ReadFile("testdata/wycheproof/jws.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			File, Group string
			Keys        json.RawMessage
			Tests       []struct {
				ID                   int
				Comment, JWS, Result string
			}
		}
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	accepted, refused := 0, 0
	for _, g := range file.Groups {
		keys, err := parseKeySet(g.Keys)
		if err != nil {
			t.Fatalf("%s %s: %v", g.File, g.Group, err)
		}
		for _, v := range g.Tests {
			h, _, err := verifyJWS(v.JWS, keys, verifiedAlgs())
			// Keys for other algorithms are passed over by parseKeySet, so that algorithms that we do not know verify nothing.
			want := v.Result == "valid" && slices.Contains(verifiedAlgs(), algOfHeader(v.JWS))
			if got := err == nil; got != want {
				t.Errorf("%s %s %d %s: accepted %v, want %v (%v)", g.File, g.Group, v.ID, v.Comment, got, want, err)
			}
			if err == nil {
				accepted++
				if !slices.Contains(verifiedAlgs(), h.Alg) {
					t.Errorf("accepted algorithm %q", h.Alg)
				}
			} else {
				refused++
			}
		}
	}
	if accepted < 15 || refused < 300 {
		t.Errorf("%d vectors accepted, %d refused: the file is not what it was", accepted, refused)
	}
}

func algOfHeader(jws string) string {
	head, _, _ := strings.Cut(jws, ".")
	raw, _ := base64.RawURLEncoding.DecodeString(head)
	var h struct{ Alg string }
	_ = json.Unmarshal(raw, &h) // no header, no algorithm
	return h.Alg
}

func TestParseObject(t *testing.T) {
	for raw, ok := range map[string]bool{
		`{}`: true, `{"a":1}`: true, ` {"a":{"b":[1,2]},"A":null} `: true,
		``: false, `[]`: false, `null`: false, `"x"`: false, `{"a":1,}`: false, `{"a":1} {}`: false, `{"a":1}x`: false, `{"a"}`: false,
		`{"a":1,"a":2}`: false, `{"a":1,"\u0061":2}`: false, `{'a':1}`: false, "{\"a\":\"\xff\"}": false, `{"a":1`: false, `{"a":}`: false, `{1:2}`: false,
	} {
		members, err := parseObject([]byte(raw))
		if (err == nil) != ok {
			t.Errorf("%s: %v, %v", raw, members, err)
		}
	}
}

func TestClaimSetReadsDatesAndAudiences(t *testing.T) {
	claims, err := parseClaimSet([]byte(`{
		"whole":1700000000,"part":1700000000.5,"zero":0,"text":"1700000000","null":null,"past":-1,"far":1e12,"huge":1e999,"list":[1],
		"s":"x","n":1}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]time.Time{
		"whole": time.Unix(1700000000, 0), "part": time.Unix(1700000000, 5e8), "zero": time.Unix(0, 0),
	} {
		if at, ok := claims.time(name); !ok || at == nil || !at.Equal(want) {
			t.Errorf("%s: %v, %v", name, at, ok)
		}
	}
	for _, name := range []string{"text", "null", "past", "far", "huge", "list"} {
		if at, ok := claims.time(name); ok {
			t.Errorf("%s was read as %v", name, at)
		}
	}
	if at, ok := claims.time("absent"); !ok || at != nil {
		t.Errorf("absent: %v, %v", at, ok)
	}
	if _, ok := claims.text("n"); ok {
		t.Error("a number was read as a string")
	}
	for raw, want := range map[string][]string{
		`"a"`: {"a"}, `["a","b"]`: {"a", "b"}, `[]`: nil, `null`: nil, `1`: nil, `["a",1]`: nil, `["a",null]`: nil, `{"a":"b"}`: nil,
	} {
		got, single, ok := claimSet{"aud": json.RawMessage(raw)}.audience()
		if ok != (want != nil) || ok && cmp.Diff(want, got) != "" || single != (raw == `"a"`) {
			t.Errorf("aud %s: %v, %v, %v", raw, got, single, ok)
		}
	}
}

func TestClientKeySetsAreReadStrictly(t *testing.T) {
	const (
		ec  = `"kty":"EC","crv":"P-256","x":"04N0xi21hshyvBp7I167sbE_bXqyqkAPfefdklMO7wY","y":"UI8exy-C06a7DUnjIdENkxeFtHM4-l_41LqEw9nVgmw"`
		okp = `"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"`
	)
	for set, want := range map[string]int{
		`{"keys":[]}`:             0,
		`{"keys":[{` + ec + `}]}`: 1,
		`{"keys":[{` + ec + `},{` + okp + `,"use":"sig","kid":"a"},{` + okp + `,"use":"enc"}]}`:                               2,
		`{"keys":[{` + ec + `,"key_ops":["verify"]},{` + okp + `,"key_ops":["deriveKey"]},{` + okp + `,"key_ops":"verify"}]}`: 1,
		`{"keys":[{"kty":"new","z":1},{"kty":"EC","crv":"P-521","x":"AA","y":"AA"}]}`:                                         0,
		// Not on the curve.
		`{"keys":[{"kty":"EC","crv":"P-256","x":"04N0xi21hshyvBp7I167sbE_bXqyqkAPfefdklMO7wY","y":"04N0xi21hshyvBp7I167sbE_bXqyqkAPfefdklMO7wY"}]}`: 0,
		// 16 bits, and an exponent of one.
		`{"keys":[{"kty":"RSA","n":"wQE","e":"AQAB"}]}`:                            0,
		`{"keys":[{"kty":"RSA","n":"` + strings.Repeat("_", 342) + `","e":"AQ"}]}`: 0,
		// 16 384 bits: each verification would keep a core busy.
		`{"keys":[{"kty":"RSA","n":"` + strings.Repeat("_", 2731) + `","e":"AQAB"}]}`: 0,
		`{"keys":[{"kty":"RSA","n":"` + strings.Repeat("_", 342) + `","e":"AQAB"}]}`:  1,

		``: -1, `[]`: -1, `{}`: -1, `{"keys":null}`: -1, `{"keys":{}}`: -1, `{"keys":[1]}`: -1, `{"keys":[],"keys":[]}`: -1,
		`{"keys":[{` + ec + `,"d":"AA"}]}`:               -1,
		`{"keys":[{"kty":"oct","k":"AAAA"}]}`:            -1,
		`{"keys":[{` + ec + `,"kid":"a","kid":"b"}]}`:    -1,
		`{"keys":[` + strings.Repeat(`{},`, 50) + `{}]}`: -1,
	} {
		keys, err := parseKeySet([]byte(set))
		if (err != nil) != (want < 0) || err == nil && len(keys) != want {
			t.Errorf("%.120s: %d keys, %v; want %d", set, len(keys), err, want)
		}
	}
}

func TestFreshnessIsBounded(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"": time.Minute, "max-age=0": time.Minute, "max-age=300": 5 * time.Minute, "public, MAX-AGE=600": 10 * time.Minute,
		"max-age=86400": time.Hour, "no-store": time.Minute, "max-age=x": time.Minute, `max-age="120"`: 2 * time.Minute, "max-age=99999999999": time.Minute,
		"s-maxage=900": time.Minute,
	} {
		if got := freshness(map[string][]string{"Cache-Control": {header}}); got != want {
			t.Errorf("%q: %v, want %v", header, got, want)
		}
	}
}

func FuzzParseJWS(f *testing.F) {
	for _, s := range []string{
		"eyJhbGciOiJFUzI1NiIsImtpZCI6ImtpZC1lYy1zaWduIn0.Zm9v.5cA0OHyMP7ezamUd5c9kV-FrGxdx4hbGXOdplQkutrqWrte5P-pAvsE3Ve6xSyU3YDQwUHjVVOtvcrEbbnZ8yA",
		"eyJhbGciOiJub25lIn0.e30.", "a.b.c", "..", "", "e30.e30.e30", "eyJhbGciOiJFUzI1NiIsImNyaXQiOlsiYjY0Il0sImI2NCI6ZmFsc2V9.x.y",
		`{"payload":"Zm9v","protected":"eyJhbGciOiJFUzI1NiJ9","signature":"AA"}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		s, err := parseJWS(raw, verifiedAlgs())
		if err != nil {
			return
		}
		if !slices.Contains(verifiedAlgs(), s.header.Alg) {
			t.Errorf("algorithm %q", s.header.Alg)
		}
		// One token has one spelling.
		parts := strings.Split(raw, ".")
		if len(parts) != 3 || base64.RawURLEncoding.EncodeToString(s.payload) != parts[1] {
			t.Errorf("%q is spelled in two ways", raw)
		}
		if s.verify(nil) == nil {
			t.Error("verified by no key")
		}
	})
}

func FuzzParseKeySet(f *testing.F) {
	for _, s := range []string{
		`{"keys":[]}`, `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`,
		`{"keys":[{"kty":"oct","k":"AA"}]}`, `{"keys":[{"kty":"RSA","n":"wQE","e":"AQAB"}]}`, `{"keys":[{"x5c":["AA"]}]}`, `[`,
		`{"keys":[{"kty":"EC","crv":"P-256","x":"04N0xi21hshyvBp7I167sbE_bXqyqkAPfefdklMO7wY","y":"UI8exy-C06a7DUnjIdENkxeFtHM4-l_41LqEw9nVgmw"}]}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		keys, err := parseKeySet(raw)
		if err != nil {
			return
		}
		for _, k := range keys {
			if !usableKey(k.Key) || !k.IsPublic() {
				t.Errorf("key %T", k.Key)
			}
		}
	})
}

func FuzzRequestObjectClaims(f *testing.F) {
	c := &Client{id: "shop"}
	now := testStart
	for _, s := range []string{
		`{"iss":"shop","aud":"https://id.example.com","scope":"openid","max_age":60,"claims":{"id_token":{"acr":null}}}`,
		`{"iss":"shop","aud":["https://id.example.com"],"request":"x"}`, `{"iss":"shop","aud":"https://id.example.com","exp":"x"}`,
		`{"iss":"shop","aud":"https://id.example.com","client_id":"other"}`, `{}`, `[]`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		claims, err := parseClaimSet(payload)
		if err != nil || checkRequestObject(c, claims, testIssuer, now) != nil {
			return
		}
		form, err := requestParameters(c, claims, nil)
		if err != nil {
			return
		}
		if form.Get("client_id") != "shop" || form.Has("request") || form.Has("request_uri") {
			t.Errorf("%s became %v", payload, form)
		}
		for name, values := range form {
			if len(values) != 1 || slices.Contains(jwtClaims(), name) {
				t.Errorf("%s became %v", payload, form)
			}
		}
	})
}

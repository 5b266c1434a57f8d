package provider

import (
	"encoding/json"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// RFC 8707 §2, RFC 9101 §4: what may repeat in a request is an array in a request object; everything else has one value.
func TestRequestObjectsRepeatResources(t *testing.T) {
	for _, tt := range []struct {
		name, raw string
		want      []string
		ok        bool
	}{
		{"resource", `"https://a.example/"`, []string{"https://a.example/"}, true},
		{"resource", `["https://a.example/","https://b.example/"]`, []string{"https://a.example/", "https://b.example/"}, true},
		{"resource", `["https://a.example/",1]`, nil, false},
		{"resource", `null`, nil, false},
		{"scope", `["openid"]`, []string{`["openid"]`}, true}, // no array there: refused as a scope
		{"max_age", `60`, []string{"60"}, true},
	} {
		got, ok := parametersOf(tt.name, json.RawMessage(tt.raw))
		if ok != tt.ok || ok && !cmp.Equal(got, tt.want) {
			t.Errorf("%s %s: %q %v", tt.name, tt.raw, got, ok)
		}
	}
}

// RFC 9449 §10.1: the key that was proved as a request was pushed is the one that may redeem its code.
func TestPushedRequestsAreBoundToTheKeyOfTheirProof(t *testing.T) {
	for _, tt := range []struct{ named, proved, want string }{
		{"", "", ""}, {"a", "", "a"}, {"", "a", "a"}, {"a", "a", "a"}, {"a", "b", "refused"},
	} {
		asked := url.Values{}
		if tt.named != "" {
			asked.Set("dpop_jkt", tt.named)
		}
		err := bindRequest(asked, tt.proved)
		if got := asked.Get("dpop_jkt"); (err != nil) != (tt.want == "refused") || err == nil && got != tt.want {
			t.Errorf("%+v: %q %v", tt, got, err)
		}
	}
}

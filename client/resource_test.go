package client

import (
	"strings"
	"testing"
)

func TestResourceIsAnAbsoluteURIWithoutFragment(t *testing.T) {
	for s, want := range map[string]bool{
		"https://api.example.jp/": true, "https://api.example.jp/v1?tenant=a": true, "urn:example:archive": true, "api://stock": true,
		"": false, "api": false, "/api": false, "//api.example.jp/": false, "https:": false, "https://": false, "https://api.example.jp/#": false,
		"https://api.example.jp/#x": false, "https://a.example https://b.example": false, "https://a.example/\"": false, "https://例え.jp/": false,
		"https://a.example/\x00": false, "https://a.example/" + strings.Repeat("x", maxResource): false,
	} {
		if got := ValidResource(s); got != want {
			t.Errorf("%q: %v", s, got)
		}
	}
}

func FuzzValidResource(f *testing.F) {
	f.Add("https://api.example.jp/")
	f.Add("urn:example:archive")
	f.Fuzz(func(t *testing.T, s string) {
		if ValidResource(s) && (len(strings.Fields(s)) != 1 || strings.Fields(s)[0] != s || strings.Contains(s, "#")) {
			t.Errorf("%q is a resource", s)
		}
	})
}

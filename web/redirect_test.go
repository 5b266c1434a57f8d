package web

import (
	"net/http/httptest"
	"net/url"
	"path"
	"strings"
	"testing"
)

func TestI21_LocalPath(t *testing.T) {
	for _, ok := range []string{
		"/", "/admin", "/admin/", "/admin/customers?page=2&q=%E7%94%B0", "/account/security/email?lang=en", "/a?to=//evil.example",
	} {
		if got, good := LocalPath(ok); !good || got != ok {
			t.Errorf("LocalPath(%q) = %q, %v", ok, got, good)
		}
	}
	for _, bad := range []string{
		"", "admin", "//evil.example", "///evil.example", "/\\evil.example", "\\/evil.example", "/\t/evil.example", "/\n/evil.example",
		" /admin", "/ad min", "https://evil.example/", "HTTPS://evil.example", "javascript:alert(1)", "/a\\b", "/a/../admin", "/./admin",
		"/..//evil.example", "/a//b", "/%2fevil.example", "/%2e%2e/admin", "/a%00b", "/a\x00b", "/日本", "/a#b", "/a;b", "/%5cevil.example",
		"/%zz", "@evil.example", "?to=/", "/" + strings.Repeat("a", maxLocalPath),
	} {
		if got, good := LocalPath(bad); good {
			t.Errorf("LocalPath(%q) = %q accepted", bad, got)
		}
	}
}

func FuzzI21_LocalPath(f *testing.F) {
	for _, s := range []string{"/", "//x", "/\\x", "/a?b=c", "/%2f/x", "/..//x"} {
		f.Add(s)
	}
	origin := &url.URL{Scheme: "https", Host: "id.example.jp", Path: "/signin"}
	f.Fuzz(func(t *testing.T, s string) {
		p, ok := LocalPath(s)
		if !ok {
			return
		}
		if p != s {
			t.Fatalf("LocalPath(%q) changed it to %q", s, p)
		}
		// A browser strips these and takes a backslash for a slash (WHATWG URL).
		seen := strings.NewReplacer("\t", "", "\n", "", "\r", "", "\\", "/").Replace(strings.TrimSpace(p))
		u, err := origin.Parse(seen)
		if err != nil {
			t.Fatalf("accepted %q does not parse: %v", p, err)
		}
		if u.Scheme != origin.Scheme || u.Host != origin.Host || u.User != nil {
			t.Fatalf("%q leads to %s", p, u)
		}
		if c := path.Clean(u.Path); u.Path != c && u.Path != c+"/" {
			t.Fatalf("%q has an unclean path", p)
		}
	})
}

func TestSeeOther(t *testing.T) {
	w := httptest.NewRecorder()
	if err := SeeOther(w, httptest.NewRequest("POST", "/x", nil), "/signin?flow=1"); err != nil {
		t.Fatal(err)
	}
	if w.Code != 303 || w.Header().Get("Location") != "/signin?flow=1" {
		t.Errorf("answer %d %v", w.Code, w.Header())
	}
	if got, want := StartURL("/admin?a=b&c=d", true), "/signin/start?fresh=1&to=%2Fadmin%3Fa%3Db%26c%3Dd"; got != want {
		t.Errorf("StartURL = %q, want %q", got, want)
	}
}

func TestFormSource(t *testing.T) {
	for target, want := range map[string]string{
		"https://shop.example.jp:/cb":          "https://shop.example.jp",
		"https://shop.example.jp/callback?x=1": "https://shop.example.jp",
		"http://127.0.0.1:8123/cb":             "http://127.0.0.1:8123",
		"http://[::1]:8123/cb":                 "http:",
		"jp.example.shop:/cb":                  "jp.example.shop:",
		"javascript:alert(1)":                  "",
		"data:text/html,x":                     "",
		"//evil.example":                       "",
		"/local":                               "",
		"https:///cb":                          "",
		"https://a;script-src *":               "",
		"https://a b/":                         "",
		"https://*/":                           "",
		"https://'self'/":                      "",
		"":                                     "",
	} {
		if got, ok := formSource(target); got != want || ok != (want != "") {
			t.Errorf("formSource(%q) = %q, %v; want %q", target, got, ok, want)
		}
	}
}

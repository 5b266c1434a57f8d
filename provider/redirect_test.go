package provider

import (
	"net/url"
	"strings"
	"testing"
)

// TestI21_OnlyRegisteredRedirectURIs tries what people try: everything that is not byte for byte registered is refused.
func TestI21_OnlyRegisteredRedirectURIs(t *testing.T) {
	registered := []string{
		"https://store.example.jp/callback",
		"https://store.example.jp/callback?shop=1",
		"http://127.0.0.1/native",
		"http://[::1]:9999/native",
		"jp.example.app:/callback",
	}
	good := []string{
		"https://store.example.jp/callback",
		"https://store.example.jp/callback?shop=1",
		"http://127.0.0.1/native",
		"http://127.0.0.1:1/native",
		"http://127.0.0.1:65535/native",
		"http://[::1]/native",
		"http://[::1]:49152/native",
		"jp.example.app:/callback",
	}
	bad := []string{
		"", " ", "/", "//", "callback",
		"https://store.example.jp", "https://store.example.jp/", "https://store.example.jp/callback/", "https://store.example.jp/Callback",
		"https://store.example.jp/callbac", "https://store.example.jp/callbackx", "https://store.example.jp/callback#", "https://store.example.jp/callback#x",
		"https://store.example.jp/callback?", "https://store.example.jp/callback?shop=2", "https://store.example.jp/callback?shop=1&x=2",
		"https://store.example.jp/callback?shop=1#", "https://store.example.jp/callback;x", "https://store.example.jp/callback%20",
		"https://store.example.jp/callback ", " https://store.example.jp/callback", "https://store.example.jp/callback\n", "https://store.example.jp/callback\x00",
		"HTTPS://store.example.jp/callback", "https://STORE.example.jp/callback", "https://store.example.jp./callback",
		"https://store.example.jp:443/callback", "https://store.example.jp:/callback", "http://store.example.jp/callback",
		"https://user@store.example.jp/callback", "https://store.example.jp@evil.example/callback", "https://user:pw@store.example.jp/callback",
		"https://evil.example/https://store.example.jp/callback", "https://store.example.jp.evil.example/callback",
		"https://evilstore.example.jp/callback", "https://store.example.jp\\@evil.example/callback", "https:\\\\store.example.jp/callback",
		"https:/store.example.jp/callback", "https:store.example.jp/callback", "//store.example.jp/callback", "///store.example.jp/callback",
		"https://store.example.jp//callback", "https://store.example.jp/./callback", "https://store.example.jp/x/../callback",
		"https://store.example.jp/%63allback", "https://store.example.jp%2fcallback", "https://store.example.jp/%2e/callback",
		"https://store.example.jp/callback%00", "https://store.example.jp/callback%0d%0aX: 1", "https://ｓtore.example.jp/callback",
		"https://xn--store.example.jp/callback", "https://*.example.jp/callback", "https://store.example.jp/*",
		"http://localhost/native", "http://localhost:1/native", "http://127.0.0.2/native", "http://127.1/native", "http://2130706433/native",
		"http://0.0.0.0/native", "http://127.0.0.1.evil.example/native", "http://127.0.0.1:80@evil.example/native",
		"http://127.0.0.1@evil.example/native", "http://evil.example@127.0.0.1/native", "http://127.0.0.1:/native", "http://127.0.0.1:x/native",
		"http://127.0.0.1:123456/native", "http://127.0.0.1:1/native/", "http://127.0.0.1:1/Native", "http://127.0.0.1:1/native?x=1",
		"http://127.0.0.1:1/native#", "http://127.0.0.1:1\\native", "https://127.0.0.1:1/native", "http://127.0.0.1:1", "http://[::1]:1",
		"http://[::ffff:127.0.0.1]/native", "http://[0:0:0:0:0:0:0:1]/native", "http://[::1%25lo]/native",
		"jp.example.app:/callback/", "jp.example.app://callback", "JP.example.app:/callback", "jp.example.app:callback",
		"javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "null",
	}
	for _, uri := range good {
		if !redirectAllowed(uri, registered) {
			t.Errorf("refused %q", uri)
		}
	}
	for _, uri := range bad {
		if redirectAllowed(uri, registered) {
			t.Errorf("allowed %q", uri)
		}
	}
	t.Logf("%d variants refused", len(bad))
}

// FuzzRedirect holds that whatever is allowed is registered, or is a registered loopback URI on another port.
func FuzzRedirect(f *testing.F) {
	registered := []string{"https://store.example.jp/callback", "http://127.0.0.1/native?x=1"}
	for _, s := range []string{"https://store.example.jp/callback", "http://127.0.0.1:81/native?x=1", "http://127.0.0.1:@x/native?x=1", "http://127.0.0.1\\@x/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		if !redirectAllowed(uri, registered) {
			return
		}
		if uri == registered[0] || uri == registered[1] {
			return
		}
		u, err := url.Parse(uri)
		if err != nil {
			t.Fatalf("allowed %q, which does not parse: %v", uri, err)
		}
		if u.Scheme != "http" || u.Hostname() != "127.0.0.1" || u.User != nil || u.Path != "/native" || u.RawQuery != "x=1" || u.Fragment != "" || strings.Contains(uri, "#") {
			t.Fatalf("allowed %q", uri)
		}
	})
}

func TestValidRedirectURI(t *testing.T) {
	for _, uri := range []string{"https://a.example/cb", "http://127.0.0.1/cb", "http://[::1]:8080/cb", "http://localhost:8081/cb", "jp.example.app:/cb", "jp.example.app:/a//b%20c", "https://a.example/a%20b"} {
		if why := ValidRedirectURI(uri); why != "" {
			t.Errorf("%q: %s", uri, why)
		}
	}
	for _, uri := range []string{"", "/cb", "http://a.example/cb", "https://a.example/cb#f", "https://*.example/cb", "https://u@a.example/cb", "javascript:alert(1)", "myapp:/cb", "https:///cb", "https://a.example/a b", "https://a.example%80/cb", "https://a.example%E2%80%AEpj.knab/cb", "https://a.example/\x7f"} {
		if ValidRedirectURI(uri) == "" {
			t.Errorf("%q may be registered", uri)
		}
	}
}

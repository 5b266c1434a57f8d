package provider

import (
	"net/url"
	"strings"
	"testing"

	"github.com/futakagi/futakagi/client"
	"github.com/futakagi/futakagi/web"
)

// FuzzLogoutFrame: whatever is registered, a page of ours opens nothing but a page at an origin of a redirect URI, which is what the policy
// then names, and its own parameters stay.
func FuzzLogoutFrame(f *testing.F) {
	for _, s := range []string{
		"https://store.example.jp/out", "https://store.example.jp/out?a=1&b", "https://store.example.jp:443/", "https://store.example.jp.evil/",
		"https://store.example.jp@evil.example/", "http://store.example.jp/", "https://store.example.jp/%2e%2e;x", "https://STORE.example.jp/",
		"https://store.example.jp\\@evil.example/", "//store.example.jp/", "javascript:alert(1)//", "http://127.0.0.1:8081/out", "http://[::1]/", "https://store.example.jp:",
	} {
		f.Add(s, true)
		f.Add(s, false)
	}
	redirects := []string{"https://store.example.jp/callback", "http://127.0.0.1:8081/callback", "http://[::1]/callback", "jp.example.app:/callback"}
	f.Fuzz(func(t *testing.T, uri string, session bool) {
		c := &Client{redirectURIs: redirects, settings: client.Settings{FrontchannelLogoutURI: uri, FrontchannelLogoutSession: session}}
		frame, ok := c.logoutFrame("https://id.example.jp", "sid-1")
		if !ok {
			if frame != "" {
				t.Errorf("%q: refused with %q", uri, frame)
			}
			return
		}
		source, named := web.FrameSource(frame)
		if !named || strings.TrimSuffix(source, ":443") != "https://store.example.jp" && source != "http://127.0.0.1:8081" { // 443 is that of https
			t.Errorf("%q opens %q, and the policy says %q", uri, frame, source)
		}
		u, err := url.Parse(frame)
		if err != nil || u.Scheme+"://"+strings.TrimSuffix(u.Host, ":") != source || u.User != nil || u.Fragment != "" || !strings.HasPrefix(frame, uri) {
			t.Errorf("%q opens %q: %v", uri, frame, err)
		}
		if q := u.Query(); session && (q["iss"][len(q["iss"])-1] != "https://id.example.jp" || q["sid"][len(q["sid"])-1] != "sid-1") || !session && frame != uri {
			t.Errorf("%q opens %q", uri, frame)
		}
	})
}

func TestCovers(t *testing.T) {
	for _, tt := range []struct {
		allowed, asked string
		want           bool
	}{
		{"", "openid", false},
		{"", "", true},
		{"openid email", "email openid", true},
		{"openid email", "openid emails", false},
		{"openid email2", "openid email", false},
		{"openid", "openid offline_access", false},
	} {
		if got := covers(tt.allowed, tt.asked); got != tt.want {
			t.Errorf("%q covers %q: %v", tt.allowed, tt.asked, got)
		}
	}
	if got := union("openid email", "profile openid"); got != "openid email profile" {
		t.Errorf("union = %q", got)
	}
}

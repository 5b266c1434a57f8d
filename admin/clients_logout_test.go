package admin

import (
	"testing"

	"github.com/futakagi/futakagi/provider"
)

// TestBackChannel_RegisteredAddress holds Back-Channel Logout 1.0 §2.2: an absolute URI without a fragment, by https, or by http to this
// machine.
func TestBackChannel_RegisteredAddress(t *testing.T) {
	for uri, good := range map[string]bool{
		"":                                  true,
		"https://shop.example/logout-token": true,
		"https://shop.example:8443/l?a=b":   true,
		"http://localhost:8081/l":           true,
		"http://127.0.0.1/l":                true,
		"http://shop.example/l":             false,
		"https://shop.example/l#x":          false,
		"https://u:p@shop.example/l":        false,
		"https:///l":                        false,
		"/l":                                false,
		"jp.example.app:/l":                 false,
		"ftp://shop.example/l":              false,
		"https://shop.example/a b":          false,
	} {
		_, err := NewClient{Name: "x", RedirectURIs: []string{"https://shop.example/cb"}, BackchannelLogoutURI: uri}.orDefaults().check(provider.ValidRedirectURI)
		if (err == nil) != good {
			t.Errorf("%q: %v", uri, err)
		}
	}
}

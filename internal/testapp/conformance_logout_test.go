package testapp_test

import (
	"crypto/rand"
	"encoding/base64"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/client"
	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/store"
)

// The modules of the OpenID Foundation's conformance suite for providers' logout, under their names there. Each signs in, ends the
// session as the module has it, and asks with prompt=none whether it is over.

// logoutModule is one of them: what it changes of a good logout request, and what must come of it.
type logoutModule struct {
	name string
	// change is of the parameters; hint is the ID token.
	change func(q url.Values, hint string)
	// back is whether the browser goes back to the relying party, and state whether with the state.
	back, state bool
	// over is whether the session is over at once; where it is not, a page asks the person.
	over bool
}

func rpInitiated() []logoutModule {
	del := func(names ...string) func(url.Values, string) {
		return func(q url.Values, _ string) {
			for _, name := range names {
				q.Del(name)
			}
		}
	}
	return []logoutModule{
		{"oidcc-rp-initiated-logout", del(), true, true, true},
		{"oidcc-rp-initiated-logout-bad-post-logout-redirect-uri", func(q url.Values, _ string) {
			q.Set("post_logout_redirect_uri", testapp.StoreLoggedOut+rand.Text())
		}, false, false, true},
		{"oidcc-rp-initiated-logout-modified-id-token-hint", func(q url.Values, hint string) {
			none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`))
			q.Set("id_token_hint", none+"."+strings.Split(hint, ".")[1]+".")
		}, false, false, false},
		{"oidcc-rp-initiated-logout-no-id-token-hint", del("id_token_hint"), false, false, false},
		{"oidcc-rp-initiated-logout-no-params", del("id_token_hint", "post_logout_redirect_uri", "state"), false, false, false},
		{"oidcc-rp-initiated-logout-no-post-logout-redirect-uri", del("post_logout_redirect_uri"), false, false, true},
		{"oidcc-rp-initiated-logout-no-state", del("state"), true, false, true},
		{"oidcc-rp-initiated-logout-only-state", del("id_token_hint", "post_logout_redirect_uri"), false, false, false},
		{"oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri", func(q url.Values, _ string) {
			q.Set("post_logout_redirect_uri", testapp.StoreLoggedOut+"?foo=bar")
		}, false, false, true},
		{"oidcc-rp-initiated-logout-bad-id-token-hint", func(q url.Values, hint string) {
			parts := strings.Split(hint, ".")
			forged := make([]byte, 64)
			_, _ = rand.Read(forged)
			q.Set("id_token_hint", parts[0]+"."+parts[1]+"."+base64.RawURLEncoding.EncodeToString(forged))
		}, false, false, false},
	}
}

// state is as long as the suite's.
var longState = strings.Repeat("s~", 64)

func goodLogout(hint string) url.Values {
	return url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {testapp.StoreLoggedOut}, "state": {longState}}
}

// stillIn asks with prompt=none whether a browser's person is signed in.
func stillIn(t *testing.T, b *testapp.Browser, rp *testapp.RelyingParty) bool {
	t.Helper()
	q := b.Get(rp.AuthorizeURL("prompt", "none")).Location().Query()
	if q.Has("code") == q.Has("error") || q.Has("error") && q.Get("error") != "login_required" {
		t.Fatalf("prompt=none: %v", q)
	}
	return q.Has("code")
}

// metadata reads a member of the discovery document.
func metadata(t *testing.T, a *testapp.App, name string) any {
	t.Helper()
	return a.Ask(t, http.MethodGet, "/.well-known/openid-configuration", "").JSON[name]
}

func TestConformance_oidcc_rp_initiated_logout_certification_test_plan(t *testing.T) {
	t.Parallel()
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		t.Run("oidcc-rp-initiated-logout-discovery-endpoint-verification", func(t *testing.T) {
			if got := metadata(t, a, "end_session_endpoint"); got != a.URL+"/logout" {
				t.Errorf("end_session_endpoint = %v", got)
			}
		})
		rp := a.RelyingParty(t, "store")
		for _, m := range rpInitiated() {
			t.Run(m.name, func(t *testing.T) {
				b := a.NewBrowser(t)
				q := goodLogout(rp.TokensOf(b, "suzuki").Str("id_token"))
				m.change(q, q.Get("id_token_hint"))
				p := b.Get("/logout?" + q.Encode())
				want := testapp.StoreLoggedOut
				if m.state {
					want += "?state=" + url.QueryEscape(longState)
				}
				if back := p.Header.Get("Location") == want; back != m.back {
					t.Errorf("%d to %q", p.Status, p.Header.Get("Location"))
				}
				if !m.back {
					if p = b.Follow(p); p.Status != http.StatusOK || strings.Contains(p.Body, testapp.StoreLoggedOut) {
						t.Errorf("%d %s, which may lead away", p.Status, p.URL)
					}
				}
				if stillIn(t, b, rp) == m.over {
					t.Errorf("over at once: %v, want %v", !m.over, m.over)
				}
				if m.over {
					return
				}
				// The person is asked, and says yes: they are told that they are signed out, and go nowhere.
				if !strings.Contains(p.Body, `action="/logout/confirm"`) {
					t.Fatalf("%s asks nobody", p.URL)
				}
				if p = b.Submit("/logout/confirm", value("kind", "store")); p.Status != http.StatusOK || p.URL.Path != "/signed-out" {
					t.Errorf("confirmed: %d %s", p.Status, p.URL)
				}
				if stillIn(t, b, rp) {
					t.Error("confirmed, and still signed in")
				}
			})
		}
	})
}

func TestConformance_oidcc_frontchannel_rp_initiated_logout_certification_test_plan(t *testing.T) {
	t.Parallel()
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		t.Run("oidcc-frontchannel-logout-discovery-endpoint-verification", func(t *testing.T) {
			for _, name := range []string{"frontchannel_logout_supported", "frontchannel_logout_session_supported"} {
				if metadata(t, a, name) != true {
					t.Errorf("%s = %v", name, metadata(t, a, name))
				}
			}
		})
		t.Run("oidcc-frontchannel-rp-initiated-logout", func(t *testing.T) {
			const page = "https://store.example.jp/frontchannel?tenant=1"
			settle(t, a, "store", client.Settings{FrontchannelLogoutURI: page, FrontchannelLogoutSession: true})
			rp, b := a.RelyingParty(t, "store"), a.NewBrowser(t)
			tokens := rp.TokensOf(b, "suzuki")
			p := b.Get("/logout?" + goodLogout(tokens.Str("id_token")).Encode())
			sid, _ := tokens.IDToken(t)["sid"].(string)
			if diff := cmp.Diff([]string{page + "&" + url.Values{"iss": {a.URL}, "sid": {sid}}.Encode()}, frames(p)); diff != "" || p.Status != http.StatusOK {
				t.Fatalf("%d, frames (-want +got):\n%s", p.Status, diff)
			}
			if want := testapp.StoreLoggedOut + "?state=" + url.QueryEscape(longState); onward(p) != want {
				t.Errorf("leads to %q, want %q", onward(p), want)
			}
			if stillIn(t, b, rp) {
				t.Error("still signed in")
			}
		})
	})
}

func TestConformance_oidcc_backchannel_rp_initiated_logout_certification_test_plan(t *testing.T) {
	t.Parallel()
	parties := newParties(t)
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		parties.t = t
		parties.register(a, "store")
		t.Run("oidcc-backchannel-logout-discovery-endpoint-verification", func(t *testing.T) {
			for _, name := range []string{"backchannel_logout_supported", "backchannel_logout_session_supported"} {
				if metadata(t, a, name) != true {
					t.Errorf("%s = %v", name, metadata(t, a, name))
				}
			}
		})
		t.Run("oidcc-backchannel-rp-initiated-logout", func(t *testing.T) {
			rp, b := a.RelyingParty(t, "store"), a.NewBrowser(t)
			tokens := rp.TokensOf(b, "suzuki")
			p := b.Get("/logout?" + goodLogout(tokens.Str("id_token")).Encode())
			if p.Header.Get("Location") != testapp.StoreLoggedOut+"?state="+url.QueryEscape(longState) {
				t.Errorf("%d to %q", p.Status, p.Header.Get("Location"))
			}
			claims := tokens.IDToken(t)
			// What a logout token must be is checked where it is heard.
			sub, _ := claims["sub"].(string)
			sid, _ := claims["sid"].(string)
			if diff := cmp.Diff([]string{"store " + sid}, parties.told(store.AccountID(sub))); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
			if stillIn(t, b, rp) {
				t.Error("still signed in")
			}
		})
	}, parties.reach)
}

// settle gives a client settings, and makes them known.
func settle(t *testing.T, a *testapp.App, id string, s client.Settings) {
	t.Helper()
	inTx(t, a, func(tx *store.Tx) error {
		c, err := tx.GetClient(t.Context(), id)
		if err != nil {
			return err
		}
		return tx.PutClient(t.Context(), store.PutClientParams{
			ID: c.ID, Name: c.Name, SurfaceID: c.SurfaceID, AuthMethod: c.AuthMethod, SecretHash: c.SecretHash, RedirectURIs: c.RedirectURIs,
			PostLogoutRedirectURIs: c.PostLogoutRedirectURIs, GrantTypes: c.GrantTypes, Scopes: c.Scopes, IDTokenAlg: c.IDTokenAlg,
			RequirePkce: c.RequirePkce, BackchannelLogoutURI: c.BackchannelLogoutURI, Settings: s.Encode(), Now: a.Clock.Now(),
		})
	})
	if err := a.Provider.ReloadClients(t.Context()); err != nil {
		t.Fatal(err)
	}
}

var (
	frameSource = regexp.MustCompile(`<iframe src="([^"]*)"`)
	leadsOn     = regexp.MustCompile(`href="([^"]*)" data-leave`)
)

// frames are the addresses of a page's frames, in order.
func frames(p testapp.Page) []string {
	var out []string
	for _, m := range frameSource.FindAllStringSubmatch(p.Body, -1) {
		out = append(out, html.UnescapeString(m[1]))
	}
	slices.Sort(out)
	return out
}

// onward is where a page leads when its frames are done.
func onward(p testapp.Page) string {
	if m := leadsOn.FindStringSubmatch(p.Body); m != nil {
		return html.UnescapeString(m[1])
	}
	return ""
}

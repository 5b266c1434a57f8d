package e2e

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/client"
	"github.com/futakagi/futakagi/demo/relyingparty"
)

// farewells are what sites of a test heard in frames, in order.
type farewells struct {
	mu    sync.Mutex
	heard []url.Values
}

func (f *farewells) take() []url.Values {
	f.mu.Lock()
	defer f.mu.Unlock()
	heard := f.heard
	f.heard = nil
	return heard
}

const farewellPath = "/frontchannel-logout"

// partner registers a site of a test, as somebody else's or as one of the installation's own, which is signed out of in frames.
func (w *world) partner(t *testing.T, id, name string, thirdParty bool, scopes ...string) (*site, *farewells) {
	t.Helper()
	s, heard := newSite(t), &farewells{}
	made, err := w.Server.Admin.CreateClient(t.Context(), admin.System(), admin.NewClient{
		ID: id, Name: name, RedirectURIs: []string{relyingparty.CallbackURL(s.url)}, PostLogoutRedirectURIs: []string{relyingparty.AfterLogoutURL(s.url)},
		Scopes: scopes,
		Settings: client.Settings{
			ThirdParty: thirdParty, FrontchannelLogoutURI: s.url + farewellPath, FrontchannelLogoutSession: true,
			ClientURI: "https://minato.example/", PolicyURI: "https://minato.example/privacy", TermsURI: "https://minato.example/terms",
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Server.Provider.ReloadClients(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.configure(t, w, id, made.Secret)
	inner := *s.inner.Load()
	var outer http.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path != farewellPath {
			inner.ServeHTTP(rw, r)
			return
		}
		rw.Header().Set("Cache-Control", "no-store")
		heard.mu.Lock()
		defer heard.mu.Unlock()
		heard.heard = append(heard.heard, r.URL.Query())
	})
	s.inner.Store(&outer)
	return s, heard
}

// widen changes what a client may ask for.
func (w *world) widen(t *testing.T, id string, scopes ...string) {
	t.Helper()
	row, err := w.Server.DB.Read().GetClient(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.Server.Admin.UpdateClient(t.Context(), admin.System(), id, row.UpdatedAt, admin.ClientChange{Scopes: scopes}); err != nil {
		t.Fatal(err)
	}
	if err := w.Server.Provider.ReloadClients(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Somebody else's application asks once, asks again for what is new, takes no for an answer, and loses what it has when the person says so.
func TestConsent_InABrowser(t *testing.T) {
	one(t, func(t *testing.T, w *world) {
		app, _ := w.partner(t, "e2e-partner", "ミナト経費", true, "openid", "profile")
		p, b := w.person(t, withoutTwoFactor), w.browser(t)
		b.signIn(app.url, p)
		b.on("/signin/consent")
		b.heading("「ミナト経費」に情報の提供を許可しますか？")
		b.see("氏名・ログインID", p.Name, p.LoginID, "外部のアプリケーション")
		b.miss("メールアドレス")
		b.press("許可しない")
		b.origin(app.url)
		b.see("access_denied")

		b.signIn(app.url, p)
		b.press("許可する")
		b.signedIn(app.url, p)
		b.signOut(app.url)

		// Known, and asked nothing.
		b.signIn(app.url, p)
		b.signedIn(app.url, p)
		// More is asked for: what is new is marked. In a second browser, so that the first stays signed in.
		w.widen(t, "e2e-partner", "openid", "profile", "email", "offline_access")
		second := w.browser(t)
		second.signIn(app.url, p)
		second.on("/signin/consent")
		second.see("メールアドレス", p.RegisteredEmail, "追加", "ログアウト後も続く利用")
		second.press("許可する")
		second.signedIn(app.url, p)

		// Taken back where the person sees what they allowed.
		second.open(w.Addresses.Provider + "/account/security")
		second.see("連携中のアプリケーション", "ミナト経費", "氏名・ログインID、メールアドレス、ログアウト後も続く利用")
		second.press("連携解除（ミナト経費）")
		second.heading("「ミナト経費」との連携を解除しますか？")
		second.press("連携解除")
		second.see("連携を解除しました")
		second.miss("ミナト経費")
		second.open(app.url + "/login")
		second.on("/signin/consent")
		second.miss("追加")
	})
}

// Signing out at one application signs out of the others in the browser too, with script and without, and goes back where it began.
func TestFrontChannel_InABrowser(t *testing.T) {
	one(t, func(t *testing.T, w *world) {
		first, told := w.partner(t, "e2e-frame-one", "一つ目", false)
		second, alsoTold := w.partner(t, "e2e-frame-two", "二つ目", false)
		p := w.person(t, withoutTwoFactor)
		for _, script := range []bool{true, false} {
			b := w.browser(t)
			b.signIn(first.url, p)
			sid := b.signedIn(first.url, p).sid
			b.follow(second.url, p)
			if !script { // both sites are one to the browser's cookies: the second one's is there
				b.noScript()
			}
			b.press("ログアウト")
			if !script {
				b.heading("ログアウトしました")
			}
			b.until("back at the application", func() bool { return strings.HasPrefix(b.url(), second.url) })
			for name, heard := range map[string][]url.Values{"first": told.take(), "second": alsoTold.take()} {
				want := url.Values{"iss": {w.Addresses.Provider}, "sid": {sid}}
				if !slices.ContainsFunc(heard, func(v url.Values) bool { return v.Encode() == want.Encode() }) || len(heard) != 1 {
					t.Errorf("script %v: the %s site heard %v, want %v", script, name, heard, want)
				}
			}
		}
	})
}

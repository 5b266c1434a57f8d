package e2e

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/demo"
	"github.com/futakagi/futakagi/demo/relyingparty"
	"github.com/futakagi/futakagi/signin/standing"
	"github.com/futakagi/futakagi/store"
)

// site is an application of a test: a sample site that gets its credentials when the test has them.
type site struct {
	url   string
	inner atomic.Pointer[http.Handler]
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h := s.inner.Load(); h != nil {
			(*h).ServeHTTP(w, r)
			return
		}
		http.NotFound(w, r)
	}))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// configure gives the application its secret, as whoever runs it does.
func (s *site) configure(t *testing.T, w *world, id, secret string) {
	t.Helper()
	h, err := relyingparty.New(relyingparty.Config{
		Kind: relyingparty.Store, Issuer: w.Addresses.Provider, ClientID: id, ClientSecret: secret, BaseURL: s.url,
		Logger: slog.New(slog.DiscardHandler), Now: w.clock.now,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.inner.Store(&h)
}

// An application from its registration to its end, with a relying party that speaks through go-oidc: what it was told works, its
// former secret works until the overlap ends, and nobody signs in to it once it is disabled.
func TestApplicationLife(t *testing.T) {
	one(t, func(t *testing.T, w *world) {
		app, p := newSite(t), w.person(t, withoutTwoFactor)
		console := w.operator(t)
		clients := w.Addresses.Provider + "/admin/clients"
		console.open(clients)
		console.press("登録")
		console.hit("a[href$='/web']")
		console.fill("name", "検証アプリ")
		console.fill("id", "e2e-app")
		console.fill("redirect_uris", relyingparty.CallbackURL(app.url))
		console.press("登録")
		console.heading("連携アプリケーションを登録しました")
		first := console.text("#secret")
		app.configure(t, w, "e2e-app", first)
		tries := func(works bool) {
			t.Helper()
			b := w.browser(t)
			b.open(app.url)
			b.press("ログイン")
			b.password(p)
			if works {
				b.signedIn(app.url, p)
				return
			}
			if b.origin(app.url); b.status() < http.StatusBadRequest {
				t.Errorf("signed in with a secret that works no more: %s", b.text("h1"))
			}
		}
		tries(true)

		console.open(clients + "/e2e-app/secret")
		console.choose("overlap", "24h")
		console.press("発行する")
		console.heading("新しいシークレット")
		second := console.text("#secret")
		tries(true) // with the former one
		console.press("アプリケーションの画面へ")
		console.see("以前のシークレットは", "最後に使われた日時")
		console.press("以前のシークレットを今すぐ無効にする")
		console.see("以前のシークレットを無効にしました。")
		tries(false)
		app.configure(t, w, "e2e-app", second)
		tries(true)

		console.open(clients + "/e2e-app/state")
		console.press("停止する")
		console.see("利用を停止しました。", "停止中")
		b := w.browser(t)
		b.open(app.url)
		b.press("ログイン")
		b.origin(w.Addresses.Provider)
		b.heading("ログインを続けられません")
	})
}

// A stream that is deleted and a token that is revoked are gone for good: a page asks first, and the operator proves who they are.
func TestWhatIsGoneForGoodIsAskedAbout(t *testing.T) {
	one(t, func(t *testing.T, w *world) {
		const id, ask = "e2e-receiver", "「受信アプリ」への配信を削除しますか？"
		w.program(t, id, "受信アプリ")
		console := w.operator(t)
		console.open(w.Addresses.Provider + "/admin/clients/" + id)
		console.press("配信を削除（Minato " + store.StreamPoll + "）")
		console.heading(ask)
		console.press("戻る")
		console.see("Minato "+store.StreamPoll, "Minato "+store.StreamPush)
		console.press("配信を削除（Minato " + store.StreamPoll + "）")
		w.clock.advance(standing.FreshFor + time.Second)
		console.press("削除する")
		console.fill("password", demo.Password)
		console.hit(submit)
		console.heading(ask)
		console.press("削除する")
		console.see("削除しました。", "Minato "+store.StreamPush)
		console.miss("Minato " + store.StreamPoll)

		console.open(w.Addresses.Provider + "/admin/registration-tokens")
		console.fill("label", "市場")
		console.press("発行する")
		console.press("一覧へ戻る")
		console.press("無効にする（市場）")
		console.heading("初期アクセストークン「市場」を無効にしますか？")
		console.press("無効にする")
		console.see("初期アクセストークンを無効にしました。", "無効化済み")
		console.miss("無効にする（市場）")
	})
}

// clients looks at the pages of applications.
func (v *viewer) clients(w *world) {
	base := w.Addresses.Provider + "/admin"
	b := v.browser(w)
	b.open(base + "/clients")
	v.password(b, w.person(v.t, isOperator))
	v.look(b, "admin-clients")
	b.open(base + "/clients?q=nothing-like-it")
	v.look(b, "admin-clients-none")
	b.open(base + "/register-client")
	v.look(b, "admin-client-kinds")
	for _, kind := range []string{"web", "browser", "native", "device", "service"} {
		b.open(base + "/register-client/" + kind)
		v.look(b, "admin-client-new-"+kind)
	}
	b.hit(submit)
	v.look(b, "admin-client-new-error")
	b.open(base + "/register-client/web")
	b.fill("name", "My app")
	b.fill("id", "screens-"+v.lang)
	b.fill("redirect_uris", "https://app.example.jp/callback")
	b.hit(submit)
	v.look(b, "admin-client-registered")
	page := base + "/clients/screens-" + v.lang
	b.open(page)
	v.look(b, "admin-client")
	js[int](b, `document.querySelectorAll("details").forEach((d) => { d.open = true }), 1`)
	v.look(b, "admin-client-settings")
	b.open(page + "/logo")
	v.look(b, "admin-client-logo")
	b.hit(submit)
	v.look(b, "admin-client-logo-error")
	b.open(page + "/provisioning")
	v.look(b, "admin-client-scim-lacks")
	b.open(page)
	b.fill("name", "")
	b.fill("redirect_uris", "http://app.example.jp/callback")
	b.hit(submit)
	v.look(b, "admin-client-error")
	b.open(page + "/secret")
	v.look(b, "admin-client-secret")
	b.hit(submit)
	v.look(b, "admin-client-issued")
	b.reload()
	v.look(b, "admin-client-issued-gone")
	b.open(page)
	v.look(b, "admin-client-rotating")
	b.open(page + "/state")
	v.look(b, "admin-client-disable")
	b.hit(submit)
	v.look(b, "admin-client-disabled")
	b.open(page + "/state")
	v.look(b, "admin-client-enable")
	b.open(page + "/delete")
	v.look(b, "admin-client-delete")
	b.hit(submit)
	v.look(b, "admin-client-delete-error")
	v.lockedClient(w, base)
}

// lockedClient looks at an application that has more rights than whoever looks at it: everything is text, down to the folds.
func (v *viewer) lockedClient(w *world, base string) {
	ctx := v.t.Context()
	_, err := w.Server.Admin.CreateClient(ctx, admin.System(), admin.NewClient{
		ID: "e2e-mighty", Name: "Mighty", RedirectURIs: []string{"https://mighty.example.jp/callback", "https://mighty.example.jp/other"},
		GrantTypes: []string{"authorization_code", "client_credentials"}, Scopes: []string{"openid", "email", "api:passwords"},
	})
	if err != nil {
		v.t.Fatal(err)
	}
	role, err := w.Server.Admin.CreateRole(ctx, admin.System(), admin.RoleInput{Name: "App desk", Rights: []string{"view", "manage_clients"}})
	if err != nil {
		v.t.Fatal(err)
	}
	b := v.browser(w)
	b.open(base + "/clients/e2e-mighty")
	v.password(b, w.person(v.t, isOperator, func(p *person) { p.Role = role.ID }))
	js[int](b, `document.querySelectorAll("details").forEach((d) => { d.open = true }), 1`)
	if left := js[[]string](b, `[...document.querySelectorAll("main .card :is(input:not([type=hidden]), select, textarea)")].map((e) => e.name)`); len(left) > 0 {
		v.t.Errorf("a locked application has controls: %v", left)
	}
	if !js[bool](b, `getSelection().selectAllChildren(document.querySelector("main form")), getSelection().toString().includes("https://mighty.example.jp/other")`) {
		v.t.Error("the addresses of a locked application cannot be copied")
	}
	js[any](b, `getSelection().removeAllRanges(), null`)
	v.look(b, "admin-client-locked")
}

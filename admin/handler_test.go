package admin

import (
	"context"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// console is the handler with a browser in front of it.
type console struct {
	*world
	mux *chi.Mux
	// What the next request finds out about its proof.
	stale, insufficient bool
	// cookies are what the browser holds.
	cookies map[string]string
}

func newConsole(t *testing.T, as func(w *world) store.AccountID) *console {
	t.Helper()
	c := &console{world: newWorld(t, storetest.SQLite(t)), cookies: map[string]string{}}
	kit, err := web.New(web.Config{
		Issuer: "https://id.example.jp", DB: c.db, Templates: c.set, Logger: slog.New(slog.DiscardHandler), Now: c.clock.now,
		Uploads:      Uploads(),
		CustomerIdle: time.Hour, OperatorIdle: 15 * time.Minute,
		Sufficient: func(context.Context, web.Session) (bool, error) { return !c.insufficient, nil },
		Fresh: func(_ context.Context, _ web.Session, within time.Duration) (bool, error) {
			if within != 5*time.Minute {
				t.Errorf("a proof may be %v old", within)
			}
			return !c.stale, nil
		},
	})
	must(t, err)
	h, err := NewHandler(HandlerConfig{Service: c.Service, Templates: c.set, Toolkit: kit, Issuer: "https://id.example.jp", Zone: tokyo(), Now: c.clock.now, JWKSURL: "https://id.example.jp/jwks"})
	must(t, err)
	c.mux = kit.Mux()
	h.Mount(c.mux)
	if as != nil {
		c.signIn(as(c.world))
	}
	return c
}

func root(w *world) store.AccountID { return w.root }
func desk(w *world) store.AccountID { return w.desk }

func (c *console) signIn(id store.AccountID) {
	c.t.Helper()
	token, hash := web.NewToken()
	c.session(id, hash)
	name := "__Host-futakagi"
	if c.row(id).Kind == account.KindOperator {
		name += "-admin"
	}
	c.cookies[name] = token
}

func (c *console) do(method, path string, form url.Values) *httptest.ResponseRecorder {
	c.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	r.Host = "id.example.jp"
	r.Header.Set("Accept-Language", "ja")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for name, value := range c.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	c.mux.ServeHTTP(w, r)
	for _, cookie := range w.Result().Cookies() {
		if !strings.HasPrefix(cookie.Name, "__Host-") || !cookie.Secure || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" || cookie.Domain != "" || len(cookie.String()) > 4096 {
			c.t.Errorf("cookie %s", cookie)
		}
		if cookie.MaxAge < 0 {
			delete(c.cookies, cookie.Name)
		} else {
			c.cookies[cookie.Name] = cookie.Value
		}
	}
	return w
}

// get fetches a page that must be there.
func (c *console) get(path string) string {
	c.t.Helper()
	w := c.do(http.MethodGet, path, nil)
	if w.Code != http.StatusOK {
		c.t.Fatalf("GET %s: %d %s", path, w.Code, w.Header().Get("Location"))
	}
	return w.Body.String()
}

// post sends a form and returns where it leads, or the page that refused it.
func (c *console) post(path string, pairs ...string) (location, page string) {
	c.t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	w := c.do(http.MethodPost, path, form)
	switch w.Code {
	case http.StatusSeeOther:
		return w.Header().Get("Location"), ""
	case http.StatusUnprocessableEntity:
		if !strings.Contains(w.Body.String(), "<title>エラー：") {
			c.t.Errorf("POST %s: the title does not say that there is an error", path)
		}
		return "", w.Body.String()
	}
	c.t.Fatalf("POST %s: %d\n%s", path, w.Code, w.Body)
	return "", ""
}

func (c *console) wants(page string, words ...string) {
	c.t.Helper()
	plain := html.UnescapeString(page)
	for _, word := range words {
		if !strings.Contains(plain, word) {
			c.t.Errorf("the page lacks %q:\n%s", word, plain)
		}
	}
}

var versionField = regexp.MustCompile(`name="version" value="([^"]*)"`)

func (c *console) version(page string) string {
	c.t.Helper()
	m := versionField.FindStringSubmatch(page)
	if m == nil {
		c.t.Fatal("the page has no version")
	}
	return m[1]
}

// postRoutes are all routes that take a form, with ids that exist.
func (c *console) postRoutes() []string {
	c.t.Helper()
	c.signingKeys()
	var routes []string
	err := chi.Walk(c.mux, func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		if !strings.HasPrefix(route, "/admin") || method != http.MethodGet && method != http.MethodPost {
			c.t.Errorf("route %s %s", method, route)
		}
		if method == http.MethodPost {
			id := string(c.tanaka)
			if strings.HasPrefix(route, templates.PathImport) {
				id = string(c.importJob())
			} else if strings.HasPrefix(route, "/admin/customers/") {
				id = string(c.customer)
			} else if strings.HasPrefix(route, "/admin/groups/") {
				id = string(c.group)
			} else if strings.HasPrefix(route, registrationTokensURL) {
				id = string(c.spareToken())
			}
			routes = append(routes, strings.NewReplacer(
				"{id}", id, "{method}", "email", "{device}", string(c.device(c.tanaka)), "{surface}", SurfaceStore, "{role}", c.spareRole(), "{kid}", firstKey, "{client}", c.spareClient(), "{stream}", string(c.stream(c.spareClient())), "{kind}", "web",
				"{act}", string(ActReset),
			).Replace(route))
		}
		return nil
	})
	must(c.t, err)
	if len(routes) < 12 {
		c.t.Fatalf("only %d routes take forms", len(routes))
	}
	return routes
}

func everyField() url.Values {
	return url.Values{
		"name": {"n"}, "code": {"N-1"}, "login_id": {"new"}, "email": {"n@example.jp"}, "role": {"viewer"}, "password": {"futakagi-demo"},
		"use": {"off"}, "do": {"disable"}, "reason": {"r"}, "identity": {"yes"}, "admin": {"on"}, "store": {"on"},
		"allow-email": {"yes"}, "level": {"2fa-email"}, "days": {"7"},
	}
}

func TestI13_EveryFormNeedsAFreshProof(t *testing.T) {
	c := newConsole(t, root)
	c.enrol(c.tanaka)
	c.stale = true
	routes := c.postRoutes()
	before := len(c.events("%"))
	for _, route := range routes {
		w := c.do(http.MethodPost, route, everyField())
		location, err := url.Parse(w.Header().Get("Location"))
		if err != nil || w.Code != http.StatusSeeOther || location.Path != "/signin/start" || location.Query().Get("fresh") != "1" || location.Query().Get("to") != route {
			t.Errorf("POST %s: %d %s", route, w.Code, w.Header().Get("Location"))
		}
		for name, value := range c.cookies {
			if strings.Contains(value, "ZnV0YWthZ2ktZGVtbw") { // the password
				t.Errorf("POST %s: the cookie %s holds the password", route, name)
			}
		}
		// And every address can be fetched after that.
		if w := c.do(http.MethodGet, route, nil); w.Code != http.StatusOK && w.Code != http.StatusSeeOther {
			t.Errorf("GET %s: %d", route, w.Code)
		}
	}
	if n, s := len(c.events("%")), c.status(c.tanaka).Status; n != before || !s.SetUp() || len(s.Devices) == 0 {
		t.Error("something was changed")
	}
}

func TestFormsNeedASession(t *testing.T) {
	c := newConsole(t, nil)
	for _, kind := range []string{"nobody", "customer"} {
		if kind == "customer" {
			c.signIn(c.tanaka)
		}
		for _, route := range c.postRoutes() {
			if w := c.do(http.MethodPost, route, everyField()); w.Code != http.StatusUnauthorized {
				t.Errorf("%s: POST %s: %d", kind, route, w.Code)
			}
			w := c.do(http.MethodGet, route, nil)
			if l := w.Header().Get("Location"); w.Code != http.StatusSeeOther || !strings.HasPrefix(l, "/signin/start?to=%2Fadmin") {
				t.Errorf("%s: GET %s: %d %s", kind, route, w.Code, l)
			}
		}
	}
}

// I16: sessions made with the password alone stop working in the console once it demands more.
func TestI16_SessionsNeedWhatIsDemandedNow(t *testing.T) {
	c := newConsole(t, root)
	c.insufficient = true
	routes := c.postRoutes()
	before := len(c.events("%"))
	for _, route := range routes {
		if w := c.do(http.MethodPost, route, everyField()); w.Code != http.StatusUnauthorized {
			t.Errorf("POST %s: %d", route, w.Code)
		}
		w := c.do(http.MethodGet, route, nil)
		if l := w.Header().Get("Location"); w.Code != http.StatusSeeOther || l != web.StartURL(route, false) {
			t.Errorf("GET %s: %d %s", route, w.Code, l)
		}
	}
	for _, page := range []string{"/admin", "/admin/customers", "/admin/audit", "/admin/deliveries", "/admin/operators"} {
		if w := c.do(http.MethodGet, page, nil); w.Header().Get("Location") != web.StartURL(page, false) {
			t.Errorf("GET %s: %d %s", page, w.Code, w.Header().Get("Location"))
		}
	}
	if n := len(c.events("%")); n != before {
		t.Error("something was done")
	}
}

func TestDraftSurvivesTheProof(t *testing.T) {
	c := newConsole(t, root)
	page := "/admin/accounts/" + string(c.tanaka) + "/two-factor/reset"
	c.stale = true
	if l, _ := c.post(page, "reason", "機種変更 A-77", "identity", "yes"); !strings.HasPrefix(l, "/signin/start?") {
		t.Fatal(l)
	}
	c.stale = false
	body := c.get(page)
	c.wants(body, `value="機種変更 A-77"`, "checked", "まだ保存されていません")
	if body = c.get(page); strings.Contains(body, "A-77") || strings.Contains(body, "まだ保存されていません") {
		t.Error("the draft was shown twice")
	}

	// Another operator in the same browser does not see it, nor does another page.
	c.stale = true
	c.post(page, "reason", "secret")
	c.stale = false
	if body := c.get("/admin/accounts/" + string(c.suzuki) + "/two-factor/reset"); strings.Contains(body, "secret") {
		t.Error("another page took the draft")
	}
	c.signIn(c.chief)
	if body := c.get(page); strings.Contains(body, "secret") {
		t.Error("another operator saw the draft")
	}
	c.cookies["__Host-futakagi-draft"] = "!!"
	c.get(page)

	// A form that passes leaves none.
	delete(c.cookies, "__Host-futakagi-draft")
	c.post("/admin/customers/new", "name", "x", "code", "bad code")
	if _, left := c.cookies["__Host-futakagi-draft"]; left {
		t.Error("a form that was let through left a draft")
	}
	// One that is too long to keep is only lost.
	c.stale = true
	if l, _ := c.post("/admin/customers/new", "name", strings.Repeat("あ", 4000), "code", "x"); l == "" || c.cookies["__Host-futakagi-draft"] != "" {
		t.Errorf("long draft: %s", l)
	}
}

func TestM01_PathToTheAccount(t *testing.T) {
	c := newConsole(t, desk)
	c.wants(c.get("/admin"), "ダッシュボード", `href="/admin/customers"`)
	page := c.get("/admin/customers?q=tanaka")
	groups := "/admin/customers/" + string(c.customer) + "/groups"
	c.wants(page, "株式会社サンプル商事", `href="`+groups+`"`)
	page = c.get(groups)
	edit := "/admin/accounts/" + string(c.tanaka)
	c.wants(page, "ユーザーグループ", "本社", `href="`+edit+`"`, "編集")
	page = c.get(edit)
	c.wants(page, `href="`+edit+`/two-factor"`, "二要素認証設定", "株式会社サンプル商事")
	c.wants(c.get(edit+"/two-factor"), "利用しない", "利用する", "更新", "戻る", "認証設定初期化")
	c.wants(c.get("/admin/customers?q=nobody"), "見つかりませんでした")
	c.wants(c.get("/admin/customers/"+string(c.customer)), "基本情報", "アカウント数")
	c.wants(c.get("/admin/customers?status=none"), "検索結果 1件")
}

func TestCustomerForms(t *testing.T) {
	c := newConsole(t, root)
	l, page := c.post("/admin/customers/new", "name", "", "code", "x y")
	if l != "" {
		t.Fatal(l)
	}
	c.wants(page, "販売先名を入力してください。", `value="x y"`, "32文字以内")
	l, _ = c.post("/admin/customers/new", "name", "別の販売先", "code", "D-1")
	id := strings.TrimSuffix(strings.TrimPrefix(l, "/admin/customers/"), "/groups")
	c.wants(c.get(l), "別の販売先", "登録しました。")

	edit := "/admin/customers/" + id + "/edit"
	v := c.version(c.get(edit))
	if l, _ = c.post(edit, "name", "別の販売先", "code", "D-2", "version", v); l != "/admin/customers/"+id {
		t.Fatal(l)
	}
	c.wants(c.get(l), "D-2", "更新しました。")
	_, page = c.post(edit, "name", "typed", "code", "D-3", "version", v)
	c.wants(page, "ほかの担当者が更新しました", `value="typed"`)
	if l, _ = c.post(edit, "name", "typed", "code", "D-3", "version", c.version(page)); l == "" {
		t.Error("the second try failed too")
	}
	_, page = c.post(edit, "name", "typed", "code", "C-100248", "version", c.version(c.get(edit)))
	c.wants(page, "この販売先コードはすでに使われています。")

	group := "/admin/customers/" + id + "/groups/new"
	_, page = c.post(group, "name", " ")
	c.wants(page, "ユーザーグループ名を入力してください。")
	l, _ = c.post(group, "name", "本社")
	page = c.get(l)
	c.wants(page, "本社", "ストアアカウントはまだありません。")
	gid := regexp.MustCompile(`/admin/groups/([0-9a-f-]{36})/edit`).FindStringSubmatch(page)[1]
	_, page = c.post(group, "name", "本社")
	c.wants(page, "同じ名前のユーザーグループがあります。", `value="本社"`)
	editGroup := "/admin/groups/" + gid + "/edit"
	v = c.version(c.get(editGroup))
	if l, _ = c.post(editGroup, "name", "支店", "version", v); l != "/admin/customers/"+id+"/groups" {
		t.Fatal(l)
	}
	for _, version := range []string{"", "zzz", "-1", "-9223372036854775808", "9223372036854775807"} {
		_, page = c.post(editGroup, "name", "別名", "version", version)
		c.wants(page, "ほかの担当者が更新しました", `value="別名"`)
	}

	accounts := "/admin/groups/" + gid + "/accounts/new"
	c.get(accounts)
	_, page = c.post(accounts, "login_id", "新人", "name", "新人", "email", "x", "role", "owner", "password", "short")
	c.wants(page, `value="新人"`, "メールアドレスの形式が正しくありません。", "権限を選択してください。", "8文字以上", "半角の英数字")
	if strings.Contains(page, "short") {
		t.Error("the password came back")
	}
	l, _ = c.post(accounts, "login_id", "sato", "name", "佐藤 陽子", "email", "sato@example.jp", "role", "buyer", "password", "futakagi-demo")
	c.wants(c.get(l), "佐藤 陽子", "sato@example.jp", "登録しました。", "購買担当")
}

func TestAccountForms(t *testing.T) {
	c := newConsole(t, root)
	page := "/admin/accounts/" + string(c.tanaka)
	v := c.version(c.get(page))
	_, body := c.post(page, "name", "", "email", "new@example.jp", "role", "viewer", "version", v)
	c.wants(body, "氏名を入力してください。", `value="new@example.jp"`, `value="viewer" selected`)
	if l, _ := c.post(page, "name", "田中 二郎", "email", "new@example.jp", "role", "viewer", "version", v); l != page {
		t.Fatal(l)
	}
	c.wants(c.get(page), "田中 二郎", "更新しました。")
	if l, _ := c.post(page, "name", "田中 二郎", "email", "new@example.jp", "role", "viewer", "version", c.version(c.get(page))); l != page {
		t.Fatal(l)
	}
	c.wants(c.get(page), "変更はありませんでした。")
	_, body = c.post(page, "name", "x", "email", "new@example.jp", "role", "viewer", "version", v)
	c.wants(body, "ほかの担当者が更新しました")

	for _, sub := range []string{"password", "state"} {
		if w := c.do(http.MethodGet, page+"/"+sub, nil); w.Code != http.StatusSeeOther || w.Header().Get("Location") != page {
			t.Errorf("GET %s: %d", sub, w.Code)
		}
	}
	_, body = c.post(page+"/password", "password", "1234567")
	c.wants(body, "パスワードは8文字以上にしてください。")
	hash := c.row(c.tanaka).PasswordHash
	for password, want := range map[string]string{
		"12345678": "12345678 のような並びは推測されやすい", "Password1": "よく使われている推測されやすいパスワード", "tanaka2026": "サービス名から推測されやすい",
	} {
		_, body = c.post(page+"/password", "password", password)
		c.wants(body, want)
	}
	if c.row(c.tanaka).PasswordHash != hash {
		t.Error("a refused password was stored")
	}
	if l, _ := c.post(page+"/password", "password", "violet-8"); l != page || c.row(c.tanaka).PasswordHash == hash {
		t.Errorf("password: %s", l)
	}
	c.wants(c.get(page), "パスワードを変更しました。")
	for _, do := range []string{"disable", "disable", "enable"} {
		if l, _ := c.post(page+"/state", "do", do); l != page {
			t.Errorf("%s: %s", do, l)
		}
	}
	if w := c.do(http.MethodPost, page+"/state", url.Values{"do": {"delete"}}); w.Code != http.StatusBadRequest {
		t.Errorf("unknown act: %d", w.Code)
	}
	if n := len(c.events(audit.AccountDisable)); n != 1 || c.row(c.tanaka).DisabledAt != nil {
		t.Errorf("%d rows", n)
	}
}

func TestM08_ResetPages(t *testing.T) {
	c := newConsole(t, desk)
	c.enrol(c.tanaka)
	page := "/admin/accounts/" + string(c.tanaka) + "/two-factor"
	c.wants(c.get(page), "tanaka-2fa@example.jp", "バックアップコード認証（10個利用可能）", "登録済みの端末はありません。", `href="`+page+`/reset"`)
	c.wants(c.get(page+"/reset"), "元に戻せません", "tanaka-2fa@example.jp", "1件")
	_, body := c.post(page+"/reset", "reason", "問い合わせ")
	c.wants(body, "ご本人からの依頼であることを確認してください。", `value="問い合わせ"`)
	_, body = c.post(page+"/reset", "reason", strings.Repeat("あ", 129), "identity", "yes")
	c.wants(body, "128文字以内", "checked")
	l, _ := c.post(page+"/reset", "reason", "問い合わせ", "identity", "yes")
	c.wants(c.get(l), "認証設定を初期化しました", "次回ログイン時に、お客様が認証方式を設定します。", `href="`+page+`"`)
	c.wants(c.get(page), "未設定")
	c.wants(c.get(page+"/reset"), "認証方式は設定されていません")
	l, _ = c.post(page+"/reset", "reason", "もう一度", "identity", "yes")
	c.wants(c.get(l), "認証方式は設定されていませんでした。", "通知はありません。")
	c.wants(c.get("/admin/audit?kind=2fa&q=tanaka"), "認証設定を初期化", "もう一度", "desk", "株式会社サンプル商事 / tanaka", "2件")
	c.wants(c.get("/admin/deliveries?q=tanaka-2fa"), "tanaka-2fa@example.jp", "初期化のお知らせ", "送信待ち")
}

func TestM02_M11_M12_SwitchPages(t *testing.T) {
	c := newConsole(t, root)
	page := "/admin/accounts/" + string(c.tanaka) + "/two-factor"
	_, body := c.post(page, "version", "use")
	c.wants(body, "「利用する」または「利用しない」を選択してください。")
	for want, use := range map[string]string{"変更はありませんでした。": "on", "二要素認証を「利用しない」に変更しました。": "off"} {
		c.post(page, "use", use, "version", account.TwoFactorUse)
		c.wants(c.get(page), want)
		if use == "on" {
			continue
		}
		// The page of before, saved once more without a change.
		_, body = c.post(page, "use", "on", "version", account.TwoFactorUse)
		c.wants(body, "ほかの担当者が更新しました")
		c.post(page, "use", "on", "version", account.TwoFactorDont)
		c.wants(c.get(page), "二要素認証を「利用する」に変更しました。")
	}
	c.post(page, "use", "off", "version", account.TwoFactorUse)

	c.enforce(SurfaceStore, true)
	body = c.get(page)
	c.wants(body, "「利用しない」は選択できません", "選択不可", "disabled")
	_, body = c.post(page, "use", "off", "version", account.TwoFactorDont)
	c.wants(body, "「利用しない」は選択できません。")
	if l, _ := c.post(page, "version", account.TwoFactorDont); l != page || c.row(c.tanaka).TwoFactor != account.TwoFactorDont {
		t.Errorf("no choice under enforcement: %s", l)
	}
}

func TestM10_SettingsPages(t *testing.T) {
	c := newConsole(t, root)
	settings := "/admin/settings/two-factor"
	c.wants(c.get(settings), "管理画面", "ストア画面", "強制する", "強制しない", "確認")
	_, body := c.post(settings, "admin", "on", "store", "maybe")
	c.wants(body, "「強制する」または「強制しない」を選択してください。")
	confirm, _ := c.post(settings, "admin", "off", "store", "on")
	if !strings.HasPrefix(confirm, settings+"/confirm?") {
		t.Fatal(confirm)
	}
	body = c.get(confirm)
	c.wants(body, "変更内容の確認", "2件のアカウントに影響します", "更新", "戻る", `action="`+confirm+`"`)
	if s, _ := c.db.Read().GetSurface(t.Context(), SurfaceStore); s.Enforced {
		t.Fatal("it was saved before the confirmation")
	}
	hidden := []string{"admin", "off", "admin.former", "off", "store", "on", "store.former", "off"}
	for name := range slices.Chunk(hidden, 2) {
		c.wants(body, `name="`+name[0]+`" value="`+name[1]+`"`)
	}
	if l, _ := c.post(confirm, hidden...); l != settings {
		t.Fatal(l)
	}
	c.wants(c.get(settings), "システム設定を更新しました。")
	if s, _ := c.db.Read().GetSurface(t.Context(), SurfaceStore); !s.Enforced {
		t.Error("it was not saved")
	}
	if l, _ := c.post(confirm, hidden...); l != settings {
		t.Fatal(l)
	}
	c.wants(c.get(settings), "変更はありませんでした。")
	_, body = c.post(confirm, "admin", "on", "admin.former", "off", "store", "off", "store.former", "off")
	c.wants(body, "ほかの担当者が更新しました")
	if w := c.do(http.MethodGet, settings+"/confirm", nil); w.Header().Get("Location") != settings {
		t.Errorf("confirmation of nothing: %d", w.Code)
	}
	c.wants(c.get("/admin/audit?kind=settings"), "ストア画面", "強制しない → 強制する")
}

func TestOperatorPages(t *testing.T) {
	c := newConsole(t, root)
	c.wants(c.get("/admin/operators"), "chief", "運用管理者", "サポート担当", "/admin/operators/new")
	c.get("/admin/operators?after=chief")
	_, body := c.post("/admin/operators/new", "login_id", "desk", "name", "x", "email", "x@example.jp", "role", "support", "password", "futakagi-demo")
	c.wants(body, "このログインIDはすでに使われています。", `value="support" selected`)
	l, _ := c.post("/admin/operators/new", "login_id", "newcomer", "name", "新人", "email", "x@example.jp", "role", "support", "password", "futakagi-demo")
	c.wants(c.get(l), "新人", "管理者の編集")

	c.enrol(c.chief)
	page := "/admin/accounts/" + string(c.chief) + "/two-factor"
	c.wants(c.get(page), "chief-2fa@example.jp", page+"/reset")
	l, _ = c.post(page+"/reset", "reason", "機種変更", "identity", "yes")
	// The console asks for a ticket after a reset: the page says so instead of promising a set-up at the next sign-in.
	body = c.get(l)
	c.wants(body, "認証設定を初期化しました", "再設定チケット")
	if strings.Contains(body, "ご本人が認証方式を設定します。") {
		t.Error("the page promises a set-up that needs a ticket first")
	}

	// One's own page shows no button that would be refused; what is sent all the same is.
	own := "/admin/accounts/" + string(c.root)
	if body := c.get(own); strings.Contains(body, own+"/state") {
		t.Error("the page offers to disable oneself")
	}
	if body := c.get(own + "/two-factor"); strings.Contains(body, "/reset") || strings.Contains(body, ">更新<") {
		t.Error("the page offers to reset oneself")
	}
	device := c.device(c.root)
	for _, path := range []string{"/state", "/two-factor", "/two-factor/reset", "/two-factor/reset/email", "/two-factor/devices", "/two-factor/devices/" + string(device)} {
		if w := c.do(http.MethodPost, own+path, everyField()); w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "自分のアカウント") {
			t.Errorf("POST %s: %d", path, w.Code)
		}
	}
}

func TestSupportSeesWhatItMayDo(t *testing.T) {
	c := newConsole(t, desk)
	body := c.get("/admin/customers")
	if strings.Contains(body, "/admin/customers/new") || strings.Contains(body, "/admin/operators") {
		t.Error("the support desk is offered what it may not do")
	}
	body = c.get("/admin/accounts/" + string(c.tanaka))
	if strings.Contains(body, "/password") || !strings.Contains(body, "/state") {
		t.Error("buttons of the account's page")
	}
	if body = c.get("/admin/settings/two-factor"); strings.Contains(body, ">確認<") {
		t.Error("the support desk may change the settings")
	}
	for path, want := range map[string]int{
		"/admin/operators": 403, "/admin/operators/new": 403, "/admin/customers/new": 403,
		"/admin/customers/" + string(c.customer) + "/edit":         403,
		"/admin/groups/" + string(c.group) + "/accounts/new":       403,
		"/admin/settings/two-factor/confirm?admin=on&store=on":     403,
		"/admin/accounts/" + string(c.chief):                       404,
		"/admin/accounts/" + string(c.desk) + "/two-factor":        404,
		"/admin/accounts/" + string(c.chief) + "/two-factor/reset": 404,
		"/admin/accounts/" + store.NewID[string]() + "/two-factor": 404,
		"/admin/accounts/" + strings.ToUpper(string(c.tanaka)):     404,
		"/admin/customers/1":                                  404,
		"/admin/groups/" + string(c.customer) + "/edit":       404,
		"/admin/nowhere":                                      404,
		"/admin/customers?after=x&back=y&status=%27":          200,
		"/admin/audit?from=x&to=2026-99-99&after=-1&kind=%25": 200,
		"/admin/deliveries?state=%27&back=~.~&after=WyIxIl0":  200,
		"/admin/audit?from=&to=&q=desk":                       200,
		"/admin/customers?lang=en":                            200,

		"/admin/accounts/" + string(c.chief) + "/two-factor/reset/email":   404,
		"/admin/accounts/" + string(c.chief) + "/two-factor/devices":       404,
		"/admin/accounts/" + string(c.tanaka) + "/two-factor/reset/backup": 404,
		"/admin/accounts/" + string(c.tanaka) + "/two-factor/reset/%00":    404,
		"/admin/settings/methods":                         200,
		"/admin/settings/methods/store":                   403,
		"/admin/settings/methods/store/confirm?level=2fa": 403,
	} {
		if w := c.do(http.MethodGet, path, nil); w.Code != want {
			t.Errorf("GET %s: %d, want %d", path, w.Code, want)
		}
	}
	// I14: an operator is like nobody to the support desk, whatever is posted.
	for _, id := range []store.AccountID{c.chief, store.NewID[store.AccountID]()} {
		for _, path := range []string{"", "/password", "/state", "/two-factor", "/two-factor/reset", "/two-factor/reset/email", "/two-factor/devices", "/two-factor/devices/" + string(id)} {
			if w := c.do(http.MethodPost, "/admin/accounts/"+string(id)+path, everyField()); w.Code != http.StatusNotFound {
				t.Errorf("POST %s of %s: %d", path, id, w.Code)
			}
		}
	}
}

func TestPagesInEnglish(t *testing.T) {
	c := newConsole(t, root)
	c.enrol(c.tanaka)
	c.get("/admin/customers?lang=en")
	account := "/admin/accounts/" + string(c.tanaka)
	for _, path := range []string{
		"/admin/customers", "/admin/customers/new", account, account + "/two-factor", account + "/two-factor/reset", "/admin/audit",
		"/admin/deliveries", "/admin/operators", "/admin/settings/two-factor", account + "/two-factor/reset/email", account + "/two-factor/devices",
		"/admin/settings/methods", "/admin/settings/methods/admin",
	} {
		if body := c.get(path); !strings.Contains(body, `<html lang="en">`) || !strings.Contains(body, "/logout/confirm?kind=operator") {
			t.Errorf("%s is not in English, or has no sign-out", path)
		}
	}
}

func TestNewChecksItsConfiguration(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("a service of nothing was made")
	}
	if _, err := NewHandler(HandlerConfig{Templates: new(templates.Set)}); err == nil {
		t.Error("a handler of nothing was made")
	}
}

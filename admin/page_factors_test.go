package admin

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
)

// lacks fails the test if a page says one of the words.
func (c *console) lacks(page string, words ...string) {
	c.t.Helper()
	for _, word := range words {
		if strings.Contains(page, word) {
			c.t.Errorf("the page says %q:\n%s", word, page)
		}
	}
}

func TestM05_M06_M07_Pages(t *testing.T) {
	c := newConsole(t, desk)
	c.enrol(c.tanaka)
	c.add(c.tanaka, signin.TOTP, signin.SMS, signin.Passkey)
	device := c.device(c.tanaka)
	page := "/admin/accounts/" + string(c.tanaka) + "/two-factor"
	c.wants(c.get(page), "（tanaka-2fa@example.jp）", "認証アプリ", "SMS認証", "（09012345678）", "（2件）", "会社のノートPC", "未使用",
		"Windows の Chrome", "登録：2026-11-22 10:00", `action="`+page+"/devices/"+string(device)+`"`, `href="`+page+`/devices"`,
		`href="`+page+`/reset/email"`, "メールだけを初期化", `href="`+page+`/reset/passkey"`)
	c.wants(c.get("/admin/accounts/"+string(c.tanaka)), "バックアップコード（10個利用可能）", "認証アプリ、SMS、パスキー")
	c.wants(c.get(page+"/reset"), "tanaka-2fa@example.jp", "09012345678", "会社のノートPC", "10個利用可能")
}

// Wherever the console names the main method, every kind has a name.
func TestMainMethodsHaveNames(t *testing.T) {
	c := newConsole(t, root)
	groups := "/admin/customers/" + string(c.customer) + "/groups"
	for _, m := range signin.FactorMethods() {
		c.add(c.person("p-"+string(m), "buyer"), m)
		c.add(c.operator("o-"+string(m), "support"), m)
	}
	c.wants(c.get(groups), ">認証アプリ<", ">SMS<", ">メール<", ">パスキー<")
	c.wants(c.get("/admin/operators"), ">認証アプリ<", ">SMS<", ">メール<", ">パスキー<")
}

func TestM08_ResetOfOneFactorPages(t *testing.T) {
	c := newConsole(t, desk)
	c.enrol(c.tanaka)
	c.add(c.tanaka, signin.TOTP)
	page := "/admin/accounts/" + string(c.tanaka) + "/two-factor"
	reset := page + "/reset/email"
	c.wants(c.get(reset), "tanakaさんのメールを初期化しますか？", "次のメインは認証アプリになります。", `action="`+reset+`"`, "初期化すると、元に戻せません")
	_, body := c.post(reset, "reason", strings.Repeat("あ", 129))
	c.wants(body, "128文字以内", "ご本人からの依頼であることを確認してください。", "メールを初期化しますか？")
	for name, form := range map[string]url.Values{
		"twice":   {"reason": {"x", "y"}, "identity": {"yes"}},
		"no text": {"reason": {"\xff"}, "identity": {"yes"}},
	} {
		if w := c.do(http.MethodPost, reset, form); w.Code != http.StatusBadRequest {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
	if got := c.kinds(c.tanaka); got != "email totp" {
		t.Fatalf("a refused form changed something: %q", got)
	}
	l, _ := c.post(reset, "reason", "機種変更", "identity", "yes")
	c.wants(c.get(l), "認証方式を初期化しました", "ほかの認証方式は、そのまま使えます。", "認証アプリ")
	body = c.get(page)
	c.wants(body, "バックアップコード認証（10個利用可能）")
	c.lacks(body, "tanaka-2fa@example.jp", "だけを初期化")
	c.wants(c.get("/admin/audit?kind=2fa&q=tanaka"), "認証設定を初期化", "メール 機種変更")

	c.wants(c.get(reset), "メールは設定されていません", "初期化しても何も変わりません。")
	l, _ = c.post(reset, "reason", "もう一度", "identity", "yes")
	c.wants(c.get(l), "この認証方式は設定されていませんでした。")
	c.wants(c.get(page+"/reset/totp"), "最後の認証方式のため", "10個利用可能")
	l, _ = c.post(page+"/reset/totp", "reason", "最後", "identity", "yes")
	c.wants(c.get(l), "次回ログイン時に、お客様が認証方式を設定します。")
	c.wants(c.get(page), "未設定")
	if w := c.do(http.MethodPost, page+"/reset/password", url.Values{"reason": {"x"}, "identity": {"yes"}}); w.Code != http.StatusNotFound {
		t.Errorf("a method that is none: %d", w.Code)
	}
}

func TestM07_DevicePages(t *testing.T) {
	c := newConsole(t, desk)
	page := "/admin/accounts/" + string(c.tanaka) + "/two-factor"
	c.lacks(c.get(page), "/devices")
	body := c.get(page + "/devices")
	c.wants(body, "登録済みの端末はありません。", `href="`+page+`"`)
	c.lacks(body, "解除する")
	first := c.device(c.tanaka)
	c.device(c.tanaka)
	c.device(c.tanaka)
	if l, _ := c.post(page + "/devices/" + string(first)); l != page {
		t.Fatal(l)
	}
	body = c.get(page)
	c.wants(body, "端末を解除しました。次回のログインから認証コードを要求します。", "すべて解除")
	c.lacks(body, string(first))
	for _, id := range []string{string(first), string(c.device(c.suzuki)), store.NewID[string](), "x", "%00"} {
		if w := c.do(http.MethodPost, page+"/devices/"+id, nil); w.Code != http.StatusNotFound {
			t.Errorf("device %s: %d, want 404", id, w.Code)
		}
	}
	c.wants(c.get(page+"/devices"), "tanakaさんの端末をすべて解除しますか？", "Windows の Chrome", "解除する")
	if l, _ := c.post(page + "/devices"); l != page {
		t.Fatal(l)
	}
	c.wants(c.get(page), "端末をすべて解除しました。", "登録済みの端末はありません。")
	c.post(page + "/devices")
	c.wants(c.get(page), "変更はありませんでした。")
	c.wants(c.get("/admin/audit?kind=device"), "認証コードを要求しない端末を解除", "Chrome / Windows", "すべて", "株式会社サンプル商事 / tanaka", "2件")
	if len(c.status(c.suzuki).Status.Devices) != 1 {
		t.Error("another account's device went too")
	}
}

// formOf is what the methods form of a surface would send, changed by pairs; an empty value unticks a box.
func (c *console) formOf(surface string, pairs ...string) []string {
	c.t.Helper()
	p := c.policy(surface)
	fields := p.fields()
	fields.Set("version", c.version(c.get("/admin/settings/methods/"+surface)))
	for pair := range slices.Chunk(pairs, 2) {
		if pair[1] == "" {
			fields.Del(pair[0])
		} else {
			fields.Set(pair[0], pair[1])
		}
	}
	var form []string
	for name := range fields {
		form = append(form, name, fields.Get(name))
	}
	return form
}

func TestMethodsPages(t *testing.T) {
	c := newConsole(t, root)
	c.anything()
	c.add(c.tanaka, signin.Email)
	list, edit := "/admin/settings/methods", "/admin/settings/methods/store"
	c.wants(c.get("/admin/settings/two-factor"), `href="`+list+`"`, "使える認証方式を設定")
	c.wants(c.get(list), "管理画面", "認証アプリ、パスキー", "ストア画面", "認証アプリ、SMS、メール、パスキー", "標準", "30日間", "提供しない", `href="`+edit+`"`)
	body := c.get(edit)
	c.wants(body, "ストア画面の認証方式", "メールの認証コードではログインできません。", `name="days"`, `<option value="30" selected>30日間`)
	if n := strings.Count(body, "checkbox"); n != 4 || strings.Count(body, `value="yes" checked`) != 4 {
		t.Errorf("%d tick boxes, not all of four ticked", n)
	}
	c.lacks(c.get(list+"/admin"), `name="days"`)

	confirm, _ := c.post(edit, c.formOf(SurfaceStore, "allow-email", "", "level", "2fa", "days", "7")...)
	if !strings.HasPrefix(confirm, edit+"/confirm?") {
		t.Fatal(confirm)
	}
	body = c.get(confirm)
	c.wants(body, "変更内容の確認", "1件のアカウントで、使える認証方式がなくなります", "認証アプリ、SMS、パスキー", "高い", "7日間", `action="`+confirm+`"`)
	if !c.policy(SurfaceStore).equal(SurfacePolicy{Allowed: signin.FactorMethods(), Level: signin.Level2FAEmail, TrustDays: 30}) {
		t.Fatal("it was saved before the confirmation")
	}
	u, err := url.Parse(confirm)
	must(t, err)
	var hidden []string
	for name := range u.Query() {
		hidden = append(hidden, name, u.Query().Get(name))
		c.wants(body, `name="`+name+`" value="`+u.Query().Get(name)+`"`)
	}
	if l, _ := c.post(confirm, hidden...); l != list {
		t.Fatal(l)
	}
	c.wants(c.get(list), "システム設定を更新しました。", "認証アプリ、SMS、パスキー", "高い", "7日間")
	if l, _ := c.post(confirm, hidden...); l != list { // the second click
		t.Fatal(l)
	}
	c.wants(c.get(list), "変更はありませんでした。")
	c.wants(c.get("/admin/audit?kind=settings"), "認証方式の設定を変更", "ストア画面", "認証アプリ、SMS、メール、パスキー → 認証アプリ、SMS、パスキー、標準 → 高い、30 → 7日間")

	// A page that was left open says so, keeps what was chosen, and can be sent again.
	old := c.formOf(SurfaceStore, "days", "3")
	c.allow(SurfaceStore, signin.TOTP, signin.Passkey)
	_, body = c.post(edit, old...)
	c.wants(body, "ほかの担当者が更新しました", `<option value="3" selected>`)
	_, body = c.post(edit+"/confirm", old...)
	c.wants(body, "ほかの担当者が更新しました")
	if l, _ := c.post(edit, c.formOf(SurfaceStore, "days", "3")...); !strings.HasPrefix(l, edit+"/confirm?") {
		t.Errorf("sent again: %s", l)
	}
	if l, _ := c.post(edit, c.formOf(SurfaceStore)...); l != list {
		t.Errorf("no change: %s", l)
	}
	// An address that somebody kept leads back to the form.
	for _, kept := range []string{confirm, edit + "/confirm", edit + "/confirm?level=%27&days=x"} {
		if w := c.do(http.MethodGet, kept, nil); w.Code != http.StatusSeeOther || w.Header().Get("Location") != edit {
			t.Errorf("GET %s: %d %s", kept, w.Code, w.Header().Get("Location"))
		}
	}
}

func TestMethodsPagesRefuseWhatCannotWork(t *testing.T) {
	c := newConsole(t, root)
	c.anything()
	edit := "/admin/settings/methods/store"
	for name, tc := range map[string]struct {
		change []string
		want   []string
	}{
		"no method":     {[]string{"allow-totp", "", "allow-sms", "", "allow-email", "", "allow-passkey", ""}, []string{"使える認証方式を1つ以上選択してください。"}},
		"email for 2fa": {[]string{"allow-totp", "", "allow-sms", "", "allow-passkey", "", "level", "2fa"}, []string{"選択した認証方式では、求める安全性に達しません。"}},
		"no level":      {[]string{"level", ""}, []string{"求める安全性を選択してください。"}},
		"a wrong level": {[]string{"level", "1fa"}, []string{"求める安全性を選択してください。"}},
		"no days":       {[]string{"days", ""}, []string{"「提供しない」または30日間までの日数を選択してください。"}},
		"wrong days":    {[]string{"days", "31"}, []string{"30日間までの日数"}},
		"days in words": {[]string{"days", "３０"}, []string{"30日間までの日数"}},
		"long":          {[]string{"days", strings.Repeat("9", 3000), "level", strings.Repeat("あ", 3000)}, []string{"30日間までの日数", "求める安全性を選択してください。"}},
	} {
		_, body := c.post(edit, c.formOf(SurfaceStore, tc.change...)...)
		c.wants(body, tc.want...)
		if strings.Contains(body, "9999999999") {
			t.Errorf("%s: the page repeats what was sent", name)
		}
		_, body = c.post(edit+"/confirm", c.formOf(SurfaceStore, tc.change...)...)
		c.wants(body, tc.want...)
	}
	for name, form := range map[string]url.Values{
		"an array":  {"level": {"2fa", "phr"}},
		"two boxes": {"allow-totp": {"yes", "yes"}, "level": {"2fa"}, "days": {"3"}},
		"no text":   {"level": {"\x00"}},
	} {
		if w := c.do(http.MethodPost, edit, form); w.Code != http.StatusBadRequest {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
	for _, surface := range []string{"nowhere", "%00", strings.Repeat("x", 4000), "STORE"} {
		for _, path := range []string{"", "/confirm"} {
			if w := c.do(http.MethodPost, "/admin/settings/methods/"+surface+path, everyField()); w.Code != http.StatusNotFound {
				t.Errorf("POST %.20s: %d, want 404", surface+path, w.Code)
			}
		}
	}
	if n := len(c.events(audit.MethodsSet)); n != 0 {
		t.Errorf("%d audit rows for forms that were refused", n)
	}

	// The console: whoever would lock themselves out is told so, on both pages, and days that its form does not have count for nothing.
	c.allow(SurfaceAdmin, signin.FactorMethods()...)
	c.add(c.root, signin.Email)
	console := "/admin/settings/methods/admin"
	for _, page := range []string{console, console + "/confirm"} {
		_, body := c.post(page, c.formOf(SurfaceAdmin, "allow-email", "")...)
		c.wants(body, "管理画面の設定を変更できなくなります。")
	}
	if l, _ := c.post(console+"/confirm", c.formOf(SurfaceAdmin, "allow-sms", "", "days", "30")...); l != "/admin/settings/methods" || c.policy(SurfaceAdmin).TrustDays != 0 {
		t.Errorf("%s, %+v", l, c.policy(SurfaceAdmin))
	}
}

func TestMethodsDraftSurvivesTheProof(t *testing.T) {
	c := newConsole(t, root)
	c.anything()
	edit := "/admin/settings/methods/store"
	form := c.formOf(SurfaceStore, "allow-email", "", "days", "7")
	c.stale = true
	if l, _ := c.post(edit, form...); !strings.HasPrefix(l, "/signin/start?") {
		t.Fatal(l)
	}
	c.stale = false
	body := c.get(edit)
	c.wants(body, "まだ保存されていません", `<option value="7" selected>`, `name="allow-totp" value="yes" checked`)
	c.lacks(body, `name="allow-email" value="yes" checked`)
	if body = c.get(edit); !strings.Contains(body, `name="allow-email" value="yes" checked`) {
		t.Error("the draft was shown twice")
	}
}

func TestSupportMayNotChangeMethods(t *testing.T) {
	c := newConsole(t, desk)
	c.lacks(c.get("/admin/settings/methods"), ">変更", "/admin/settings/methods/store")
	before := c.policy(SurfaceStore)
	for _, path := range []string{"/store", "/store/confirm", "/nowhere"} {
		if w := c.do(http.MethodPost, "/admin/settings/methods"+path, everyField()); w.Code != http.StatusForbidden {
			t.Errorf("POST %s: %d, want 403", path, w.Code)
		}
	}
	if !c.policy(SurfaceStore).equal(before) {
		t.Error("something was changed")
	}
}

package admin

import (
	"html"
	"net/http"
	"strings"
	"testing"

	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/templates"
)

// TestApprovalPages goes the way of two operators: one asks, the other decides, the first does it once.
func TestApprovalPages(t *testing.T) {
	c := newConsole(t, desk)
	c.add(c.tanaka, signin.Email)
	account := accountURL(c.tanaka)
	page := account + "/two-factor"
	c.wants(c.get(account), "別の担当者の承認", `action="`+account+`/guard"`)
	if l, _ := c.post(account + "/guard"); l != account {
		t.Fatalf("guard: %q", l)
	}
	c.wants(c.get(account), "別の担当者の承認を必要にしました。", `href="`+account+`/approval/unguard"`, `href="`+account+`/approval/email"`)
	c.lacks(c.get(account), account+"/guard", account+"/approval/password") // the support desk sets no passwords

	// Every form that would be refused leads to the one that asks.
	for path, want := range map[string]string{
		page + "/reset": "/approval/reset", page + "/reset/email": "/approval/reset/email", page + "/exemption": "/approval/exempt", page + "/pass": "/approval/pass",
	} {
		if w := c.do(http.MethodGet, path, nil); w.Code != http.StatusSeeOther || w.Header().Get("Location") != account+want {
			t.Errorf("%s: %d %s", path, w.Code, w.Header().Get("Location"))
		}
	}
	c.wants(c.get(page), "このアカウントの操作には、別の担当者の承認が必要です", account+"/approval/switch_off")
	_, body := c.post(page, "use", "off", "version", "use")
	c.wants(body, "この操作には、別の担当者の承認が必要です。")
	_, body = c.post(page+"/exemption", "hours", "4", "reason", "x", "identity", "yes")
	c.wants(body, "この操作には、別の担当者の承認が必要です。")

	ask := account + "/approval/reset"
	c.wants(c.get(ask), "認証設定初期化", "申請しても、まだ何も変わりません。", "tanaka-2fa@example.jp")
	_, body = c.post(ask)
	c.wants(body, "理由を入力してください。", "ご本人からの依頼であることを確認してください。")
	c.stale = true
	c.post(ask, "reason", "機種変更 A-77", "identity", "yes", "check-callback", "yes", "note", "折り返し済み")
	c.stale = false
	c.wants(c.get(ask), `value="機種変更 A-77"`, "折り返し済み", "まだ保存されていません")
	request, body := c.post(ask, "reason", "機種変更 A-77", "identity", "yes", "check-callback", "yes", "note", "折り返し済み")
	if !strings.HasPrefix(request, templates.PathApprovals+"/") {
		t.Fatalf("asked: %q %s", request, body)
	}
	body = c.get(request)
	c.wants(body, "別の担当者の承認を待っています", "承認を申請しました。", "機種変更 A-77", "折り返し済み", "登録されている電話番号に折り返した", "tanaka-2fa@example.jp", request+"/withdraw")
	c.lacks(body, request+"/approve", request+"/use")
	_, body = c.post(request + "/approve")
	c.wants(body, "この申請は、あなたには判断できません。")
	c.lacks(c.get("/admin"), "承認を待っている申請が")

	c.signIn(c.root)
	c.wants(c.get("/admin"), "承認を待っている申請が1件あります", "件の対応待ち")
	c.wants(c.get(templates.PathApprovals), request, "認証設定初期化", "tanaka", "desk", "承認待ち")
	body = c.get(request)
	c.wants(body, request+"/approve", request+"/refuse")
	c.lacks(body, request+"/use", request+"/withdraw")
	_, body = c.post(request+"/refuse", "reason", " ")
	c.wants(body, "理由を入力してください。")
	if l, _ := c.post(request + "/approve"); l != request {
		t.Errorf("approved: %s", l)
	}
	body = c.get(request)
	c.wants(body, "rootが承認しました", "申請した担当者が")
	c.lacks(body, request+"/use")
	_, body = c.post(request + "/approve")
	c.wants(body, "ほかの担当者が更新しました。")

	c.signIn(c.desk)
	c.wants(c.get("/admin"), "承認され、実行できる申請が1件あります")
	c.wants(c.get(request), request+"/use")
	done, body := c.post(request + "/use")
	if !strings.HasPrefix(done, "/admin/resets/") {
		t.Fatalf("done: %q %s", done, body)
	}
	if again, _ := c.post(request + "/use"); again != done {
		t.Errorf("pressed twice: %q", again)
	}
	c.wants(c.get(request), "実行済み")
	c.lacks(c.get(templates.PathApprovals), request)
	c.wants(c.get(templates.PathApprovals+"?list=all"), request, "実行済み")
	c.wants(c.get("/admin/audit"), "承認を申請", "申請を承認")
	for _, path := range []string{account + "/approval/nothing", account + "/approval/pass/email", templates.PathApprovals + "/" + string(c.tanaka), templates.PathSettings + "/approval/store/x"} {
		if w := c.do(http.MethodGet, path, nil); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

// TestI15_WhatIsApprovedIsShownToWhoAsked holds that codes and passwords come into being when they are used, not when asked for.
func TestI15_WhatIsApprovedIsShownToWhoAsked(t *testing.T) {
	c := newConsole(t, root)
	c.add(c.tanaka, signin.Email)
	c.guard(c.tanaka)
	account := accountURL(c.tanaka)
	approved := func(act string, fields ...string) string {
		t.Helper()
		c.signIn(c.root)
		request, body := c.post(account+"/approval/"+act, append(fields, "reason", "r", "identity", "yes")...)
		if request == "" {
			t.Fatal(body)
		}
		c.signIn(c.chief)
		c.post(request + "/approve")
		c.signIn(c.root)
		return request
	}
	pass := approved("pass", "minutes", "30")
	l, _ := c.post(pass + "/use")
	if m := shownPass.FindStringSubmatch(html.UnescapeString(c.get(l))); m == nil {
		t.Error("no code was shown to who asked")
	}
	words := approved("password")
	c.wants(c.get(words), `name="password"`)
	_, body := c.post(words+"/use", "password", "short")
	c.wants(body, "文字以上")
	if l, _ := c.post(words+"/use", "password", "quite-another-one"); l != words {
		t.Errorf("set: %q", l)
	}
	email := approved("email", "email", "new@example.jp")
	if l, _ := c.post(email + "/use"); l != email || c.row(c.tanaka).RegisteredEmail != "new@example.jp" {
		t.Errorf("address: %q, %s", l, c.row(c.tanaka).RegisteredEmail)
	}
}

// TestApprovalOfEveryAccountPages holds the setting of a surface: on by its confirmation, off by a second operator alone.
func TestApprovalOfEveryAccountPages(t *testing.T) {
	c := newConsole(t, root)
	confirm, _ := c.post(templates.PathSettings, "admin", "off", "store", "off", "store.approval", "all")
	page := c.get(confirm)
	c.wants(page, "：別の担当者の承認", "元に戻すには、別の担当者の承認が必要です")
	if l, _ := c.post(confirm, "admin", "off", "admin.former", "off", "store", "off", "store.former", "off", "store.approval", "all", "store.former-approval", "none"); l != templates.PathSettings {
		t.Fatalf("on: %q", l)
	}
	ask := unguardURL(SurfaceStore)
	c.wants(c.get(templates.PathSettings), ask)
	c.wants(c.get(accountURL(c.tanaka)), "システム設定により、すべてのアカウントで必要です。")
	_, body := c.post(templates.PathSettings, "admin", "off", "store", "off", "store.approval", "none")
	c.wants(body, "この操作には、別の担当者の承認が必要です。")
	_, body = c.post(ask)
	c.wants(body, "理由を入力してください。")
	c.wants(c.get(ask), "すべてのアカウントで承認を不要にする")
	request, _ := c.post(ask, "reason", "試行の終わり", "identity", "yes")
	c.signIn(c.chief)
	c.wants(c.get(request), "試行の終わり")
	c.post(request + "/approve")
	c.signIn(c.root)
	if l, _ := c.post(request + "/use"); l != templates.PathSettings {
		t.Errorf("off: %q", l)
	}
	c.lacks(c.get(templates.PathSettings), ask)
}

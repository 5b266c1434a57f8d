package admin

import (
	"html"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/futakagi/futakagi/signin"
)

func TestExemptionPages(t *testing.T) {
	c := newConsole(t, desk)
	c.add(c.tanaka, signin.Email)
	page := "/admin/accounts/" + string(c.tanaka) + "/two-factor"
	c.wants(c.get(page), "認証方式が使えないとき", `href="`+page+`/exemption"`, `href="`+page+`/pass"`)
	c.wants(c.get("/admin/exemptions"), "免除しているアカウントはありません", `href="/admin/exemptions" aria-current="page"`)

	_, body := c.post(page+"/exemption", "hours", "73", "reason", " ")
	c.wants(body, "1時間から72時間", "理由を入力してください。", "ご本人からの依頼であることを確認してください。")
	c.stale = true
	c.post(page+"/exemption", "hours", "48", "reason", "故障 A-77", "identity", "yes")
	c.stale = false
	c.wants(c.get(page+"/exemption"), `value="故障 A-77"`, `<option value="48" selected>`, "まだ保存されていません")
	if l, body := c.post(page+"/exemption", "hours", "48", "reason", "故障 A-77", "identity", "yes"); l != page {
		t.Fatalf("granted: %q %s", l, body)
	}
	body = c.get(page)
	c.wants(body, "まで、二要素認証を免除しています", "故障 A-77", "deskが免除しました", "二要素認証を一時的に免除しました。")
	c.lacks(body, page+"/exemption\"", page+"/pass\"")
	_, refused := c.post(page+"/exemption", "hours", "4", "reason", "もう一度", "identity", "yes")
	c.wants(refused, "すでに免除されています")

	list := c.get("/admin/exemptions")
	c.wants(list, "tanaka", "故障 A-77", "desk", "株式会社サンプル商事", `action="`+page+`/exemption/end"`)
	former := c.version(list)
	if l, _ := c.post(page+"/exemption/end", "version", former, "back", "list"); l != "/admin/exemptions" {
		t.Errorf("ended: %s", l)
	}
	c.wants(c.get("/admin/exemptions"), "免除を終了しました", "免除しているアカウントはありません")
	c.wants(c.get("/admin/audit"), "二要素認証を一時免除", "二要素認証の一時免除を終了", "まで 故障 A-77")

	// The button of a page left open ends no later exemption.
	c.post(page+"/exemption", "hours", "4", "reason", "x", "identity", "yes")
	if w := c.do("POST", page+"/exemption/end", map[string][]string{"version": {former}}); w.Code != 409 {
		t.Errorf("an old page: %d", w.Code)
	}
	c.clock.pass(4 * time.Hour)
	c.signIn(c.desk)
	c.lacks(c.get(page), "まで、二要素認証を免除しています")
	if l, _ := c.post(page+"/exemption/end", "version", former); l != page {
		t.Errorf("over by itself: %s", l)
	}
}

var shownPass = regexp.MustCompile(`id="pass" translate="no">(\d{4} \d{4})<`)

// TestI15_APassIsShownOnce holds that the code is on one page once, in the operator's own browser, and in no address.
func TestI15_APassIsShownOnce(t *testing.T) {
	c := newConsole(t, desk)
	c.add(c.tanaka, signin.Email)
	page := "/admin/accounts/" + string(c.tanaka) + "/two-factor"
	_, body := c.post(page+"/pass", "minutes", "5")
	c.wants(body, "15分から60分", "理由を入力してください。")
	l, body := c.post(page+"/pass", "minutes", "45", "reason", "電池切れ", "identity", "yes")
	if l != page+"/pass/issued" {
		t.Fatalf("issued: %q %s", l, body)
	}
	body = c.get(l)
	m := shownPass.FindStringSubmatch(body)
	if m == nil {
		t.Fatalf("no code:\n%s", body)
	}
	c.wants(body, "いま一度だけ表示されます", "［別の方法で認証する］→［スタッフから受け取ったコード］")
	again := html.UnescapeString(c.get(l))
	if strings.Contains(again, m[1]) || shownPass.MatchString(again) {
		t.Error("the code is shown twice")
	}
	c.wants(again, "発行したときに一度だけ表示されます")
	for name, value := range c.cookies {
		if strings.Contains(value, m[1]) {
			t.Errorf("cookie %s keeps the code", name)
		}
	}
	body = c.get(page)
	c.wants(body, "発行済みのコードがあります", "発行者 desk")
	c.lacks(body, m[1])
	c.wants(c.get(page+"/pass"), "発行済みのコード（")

	c.wants(c.get(page), `action="`+page+`/pass/withdraw"`)
	if l, _ := c.post(page + "/pass/withdraw"); l != page {
		t.Errorf("withdrawn: %q", l)
	}
	c.lacks(c.get(page), "発行済みのコードがあります")

	// Somebody else in the same browser does not see what was issued a moment ago.
	l, _ = c.post(page+"/pass", "minutes", "15", "reason", "もう一度", "identity", "yes")
	c.signIn(c.chief)
	if shownPass.MatchString(c.get(l)) {
		t.Error("another operator sees the code")
	}
}

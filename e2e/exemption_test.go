package e2e

import (
	"regexp"
	"testing"

	"github.com/futakagi/futakagi/store"
)

// An account is exempt while the store stays enforced: the password is enough, the list shows it, and the button there ends it.
func TestExemptionInTheConsole(t *testing.T) {
	on(t, store.SQLite, func(t *testing.T, w *world) {
		p := w.person(t, withEmail)
		b := w.operator(t)
		b.openTwoFactor(p)
		b.press("二要素認証を一時免除")
		b.heading(p.Name + "さんの二要素認証を一時的に免除しますか？")
		b.press("免除する")
		b.see("理由を入力してください。", "ご本人からの依頼であることを確認してください。")
		b.fill("reason", "スマートフォンの故障（A-77）")
		b.choose("identity", "yes")
		b.press("免除する")
		b.heading("二要素認証設定")
		b.see("まで、二要素認証を免除しています", "スマートフォンの故障（A-77）")
		w.notice(t, p.mailbox(), "二要素認証が一時的に免除されました")
		w.notice(t, p.RegisteredEmail, "二要素認証が一時的に免除されました")

		c := w.browser(t)
		c.signIn(w.Addresses.Store, p)
		c.proof(p, byPassword)

		b.press("一時免除")
		b.heading("一時免除")
		b.see(p.LoginID, "スマートフォンの故障（A-77）")
		b.press("免除を終了（" + p.Name + "）")
		b.heading("一時免除")
		b.see("免除を終了しました。")
		b.miss(p.LoginID)
		c.signOut(w.Addresses.Store)
		c.signIn(w.Addresses.Store, p)
		c.on("/signin/challenge")
	})
}

var passText = regexp.MustCompile(`\d{4} \d{4}`)

// A code goes from the console over the phone to the customer, who types it once.
func TestPassFromTheConsole(t *testing.T) {
	on(t, store.SQLite, func(t *testing.T, w *world) {
		p := w.person(t, withEmail)
		b := w.operator(t)
		b.openTwoFactor(p)
		b.press("ログイン用コードを発行")
		b.heading(p.Name + "さんにログイン用コードを発行しますか？")
		b.fill("reason", "電池切れ")
		b.choose("identity", "yes")
		b.press("発行する")
		b.heading(p.Name + "さんのログイン用コード")
		code := passText.FindString(b.text("#pass"))
		if code == "" {
			t.Fatalf("no code: %s", b.text("main"))
		}
		b.reload()
		b.see("コードは、発行したときに一度だけ表示されます")
		b.miss(code)
		w.notice(t, p.mailbox(), "ログイン用コードが発行されました")

		c := w.browser(t)
		c.noScript()
		c.signIn(w.Addresses.Store, p)
		c.press("別の方法で認証する")
		c.hit("a[href*='/challenge/pass']")
		c.heading("スタッフから受け取ったコードの入力")
		c.fill("code", "1234")
		c.press("認証確認")
		c.see("8桁の数字で入力してください。")
		c.fill("code", code)
		c.press("認証確認")
		c.proof(p, byPassword)
		c.signOut(w.Addresses.Store)
		c.signIn(w.Addresses.Store, p)
		c.on("/signin/challenge")
	})
}

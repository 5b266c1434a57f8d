package e2e

import "testing"

// TestBackChannel_ResetSignsOutOfMyPage: whoever is reset is signed out of My Page too, without another click; staff see that it was
// told. Where the customer ends the other sessions themselves, their own goes on.
func TestBackChannel_ResetSignsOutOfMyPage(t *testing.T) {
	one(t, func(t *testing.T, w *world) {
		p := w.person(t, withEmail)
		c, phone := w.browser(t), w.browser(t)
		for _, b := range []*tab{c, phone} {
			b.signIn(w.Addresses.MyPage, p)
			b.answerChallenge(p.mailbox())
			b.signedIn(w.Addresses.MyPage, p)
		}
		phone.openSecurity()
		phone.press("ほかをすべて終了")
		c.signedOut(w.Addresses.MyPage)
		phone.open(w.Addresses.MyPage)
		phone.signedIn(w.Addresses.MyPage, p)

		b := w.operator(t)
		b.openTwoFactor(p)
		b.press("認証設定初期化")
		b.see("ログアウトを知らせる連携先", "マイページ")
		b.fill("reason", "機種変更")
		b.choose("identity", "yes")
		b.press("初期化する")
		b.heading("認証設定初期化の結果")
		phone.signedOut(w.Addresses.MyPage)
		b.await("受付済み")
		b.see("マイページ", "連携先")
	})
}

// signedOut looks at a site again and again until it knows nobody in this browser.
func (b *tab) signedOut(site string) {
	b.t.Helper()
	b.until("signed out of "+site, func() bool {
		b.open(site)
		return b.text("#login") != ""
	})
}

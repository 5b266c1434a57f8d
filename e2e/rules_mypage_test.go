package e2e

import (
	"testing"
	"time"
)

// openSecurity goes the way of the manual: My Page, 会員情報, the link.
func (b *tab) openSecurity() {
	b.t.Helper()
	b.open(b.w.Addresses.MyPage)
	b.press("会員情報")
	b.heading("会員情報")
	b.press("二要素認証の設定はこちら")
	b.origin(b.w.Addresses.Provider)
	b.on("/account/security")
}

// changeEmail changes the 2FA address in My Page.
func (b *tab) changeEmail(to string) {
	b.t.Helper()
	b.openSecurity()
	b.press("設定（メール）")
	b.verify(b.sendCode(to))
	b.on("/account/security")
	b.see("メールアドレスを変更しました。")
}

// My Page 会員情報 has the link to the self-service page.
func TestM20_Path(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.person(t, withEmail)
		b := w.browser(t)
		b.signIn(w.Addresses.MyPage, p)
		b.answerChallenge(p.mailbox())
		b.signedIn(w.Addresses.MyPage, p)
		b.openSecurity()
		b.heading("セキュリティ設定")
		b.see(p.LoginID, "二要素認証は有効です")

		// Without a session the page asks to sign in, and leads back.
		b = w.browser(t)
		b.open(w.Addresses.Provider + "/account/security")
		b.password(p)
		b.answerChallenge(p.mailbox())
		b.on("/account/security")
	})
}

// Each method shows its state and a 設定 button; メール is the same two-step page with the current address filled in.
func TestM21_ChangeEmail(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.person(t, withEmail)
		b := w.browser(t)
		b.signIn(w.Addresses.MyPage, p)
		b.answerChallenge(p.mailbox())
		b.openSecurity()
		b.see("メール", "メイン", "認証済み", "バックアップコード", "残り10個")
		b.miss(p.mailbox()) // masked in self-service
		b.press("設定（メール）")
		b.heading("メールの設定")
		if got := b.value("email"); got != p.mailbox() {
			t.Errorf("the page offers %q, want the current address %q", got, p.mailbox())
		}
		b.see("1. メールアドレスを入力", "2. 届いた認証コードを入力", "会員情報のメールアドレスとは連動しません。")
		fresh := "new-" + p.mailbox()
		code := b.sendCode(fresh)
		if sent := w.messages(t, p.mailbox()); len(sent) != 1 {
			t.Errorf("the former address got %d mails, want only the code of the sign-in", len(sent))
		}
		b.verify(code)
		b.on("/account/security")
		b.see("メールアドレスを変更しました。", "認証済み")
		b.press("設定（メール）")
		if got := b.value("email"); got != fresh {
			t.Errorf("afterwards the page offers %q, want %q", got, fresh)
		}
		// The change did not sign the person out, and counts at the next sign-in.
		b.open(w.Addresses.MyPage)
		b.signedIn(w.Addresses.MyPage, p)
		b = w.browser(t)
		b.signIn(w.Addresses.Store, p)
		b.answerChallenge(fresh)
		b.proof(p, byEmail)
	})
}

// Until 認証確認 succeeds the old address stays in force.
func TestM22_OldAddressUntilVerified(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.person(t, withEmail)
		b := w.browser(t)
		b.signIn(w.Addresses.MyPage, p)
		b.answerChallenge(p.mailbox())
		b.openSecurity()
		b.press("設定（メール）")
		fresh := "new-" + p.mailbox()
		code := b.sendCode(fresh)
		b.verify(other(code))
		b.see("認証コードが正しくないか、有効期限が切れています。")

		second := w.browser(t)
		second.signIn(w.Addresses.Store, p)
		second.answerChallenge(p.mailbox())
		second.proof(p, byEmail)

		b.verify(code)
		b.see("メールアドレスを変更しました。")
		third := w.browser(t)
		third.signIn(w.Addresses.Store, p)
		third.answerChallenge(fresh)
		third.proof(p, byEmail)
	})
}

// 利用しない may set up a method, which turns the switch on; a change needs a fresh proof; both addresses hear of it.
func TestM23_SelfService(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.person(t, withoutTwoFactor)
		b := w.browser(t)
		b.signIn(w.Addresses.MyPage, p)
		b.signedIn(w.Addresses.MyPage, p)
		b.openSecurity()
		b.see("二要素認証は設定されていません")
		b.press("設定（メール）")
		b.verify(b.sendCode(p.mailbox()))
		b.on("/account/security/backup-codes")
		b.saveCodes()
		b.on("/account/security")
		b.see("二要素認証は有効です")
		w.notice(t, p.RegisteredEmail, "二要素認証を設定しました")

		b.signOut(w.Addresses.MyPage)
		b.signIn(w.Addresses.MyPage, p)
		b.answerChallenge(p.mailbox())
		b.signedIn(w.Addresses.MyPage, p)

		// Six minutes later a change wants both factors again.
		w.clock.advance(6 * time.Minute)
		b.openSecurity()
		b.press("設定（メール）")
		b.on("/signin")
		b.see("もう一度ログインしてください。")
		b.password(p)
		b.answerChallenge(p.mailbox())
		b.on("/account/security/email")
		fresh := "new-" + p.mailbox()
		b.verify(b.sendCode(fresh))
		b.see("メールアドレスを変更しました。")
		w.notice(t, p.mailbox(), "二要素認証のメールアドレスが変更されました")
		w.notice(t, p.RegisteredEmail, "二要素認証のメールアドレスが変更されました")
	})
}

package e2e

import "testing"

// bySMS is what tokens say of a password and a code by SMS.
const bySMS = "pwd sms mca mfa urn:futakagi:acr:2fa"

// A phone number from its first sign-in to its change and removal, typed as people type it.
func TestSMS(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.person(t)
		number, next := w.number(), w.number()
		b := w.browser(t)
		b.signIn(w.Addresses.Store, p)
		b.on("/signin/two-factor")
		b.choose("method", "sms")
		b.press("進む")
		b.heading("SMSの設定")
		b.see("SMSは番号の乗っ取りに弱いため")
		b.fill("tel", "03-1234-5678")
		b.press("送信")
		b.see("携帯電話の番号ではありません。")
		b.fill("tel", "")
		b.press("送信")
		b.see("携帯電話番号を入力してください。")
		b.verify("123456")
		b.see("先に［送信］を選び、認証コードを受け取ってください。")
		b.fill("tel", number.typed)
		b.press("送信")
		b.see("に認証コードを送信しました。10分以内に入力してください。")
		b.verify(w.code(t, number.e164))
		b.saveCodes()
		b.proof(p, bySMS)

		b.signOut(w.Addresses.Store)
		b.signIn(w.Addresses.Store, p)
		b.on("/signin/challenge")
		b.see("•••-••••-••"+number.e164[len(number.e164)-2:], "認証コードが届かない場合")
		b.verify(w.code(t, number.e164))
		b.proof(p, bySMS)

		// A new number in My Page; the former one gets nothing any more.
		b.follow(w.Addresses.MyPage, p)
		b.openSecurity()
		b.see("SMS", "メイン")
		b.press("設定（SMS）")
		b.fill("tel", next.typed)
		b.press("送信")
		b.verify(w.code(t, next.e164))
		b.on("/account/security")
		b.see("携帯電話番号を変更しました。")
		w.notice(t, p.RegisteredEmail, "変更")
		b = w.browser(t)
		b.signIn(w.Addresses.Store, p)
		b.verify(w.code(t, next.e164))
		b.proof(p, bySMS)

		// It cannot be removed while it is the only one and two factors are required.
		b.follow(w.Addresses.MyPage, p)
		b.openSecurity()
		b.press("削除（SMS）")
		b.see("二要素認証が必須のため、最後の認証方式は削除できません。先に別の方式を設定してください。")
	})
}

package e2e

import (
	"testing"
	"time"

	"github.com/futakagi/futakagi/internal/testapp"
)

// byApp is what tokens say of a password and an authenticator app.
const byApp = "pwd otp mfa urn:futakagi:acr:2fa"

// scan types the key of the set-up page into an app.
func (b *tab) scan() *testapp.Authenticator {
	b.t.Helper()
	b.heading("認証アプリの設定")
	return testapp.TypeIn(b.t, b.text("#key"))
}

// freshCode is what the app shows now, or in the next half minute where this one's was used.
func (w *world) freshCode(app *testapp.Authenticator) string {
	w.clock.advance(30 * time.Second)
	return app.Code(w.clock.now())
}

// setUpApp does the whole set-up inside a sign-in, from the choice to the store.
func (b *tab) setUpApp() *testapp.Authenticator {
	b.t.Helper()
	b.on("/signin/two-factor")
	b.choose("method", "totp")
	b.press("進む")
	b.on("/signin/two-factor/totp")
	app := b.scan()
	b.verify(app.Code(b.w.clock.now()))
	b.see("認証アプリの設定が完了しました。")
	b.saveCodes()
	return app
}

// An authenticator app from its first sign-in to its removal from the phone.
func TestAuthenticatorApp(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.person(t)
		b := w.browser(t)
		b.signIn(w.Addresses.Store, p)
		b.on("/signin/two-factor")
		b.choose("method", "totp")
		b.press("進む")
		app := b.scan()
		b.see("認証アプリでQRコードを読み取る", "アプリに表示されたコードを入力")
		if b.text(".qr svg") != "" || js[int](b, `document.querySelector(".qr path").getBBox().width`) < 21 {
			t.Error("the QR code is not drawn")
		}
		b.verify(other(app.Code(w.clock.now())))
		b.see("認証コードが正しくないか、有効期限が切れています。")
		b.verify("abc")
		b.see("認証コードは6桁の数字です。")
		if again := b.scan(); again.Code(w.clock.now()) != app.Code(w.clock.now()) {
			t.Error("a wrong code changed the key")
		}
		b.verify(app.Code(w.clock.now()))
		b.saveCodes()
		b.proof(p, byApp)

		// The next sign-in asks the app, and each code once.
		b.signOut(w.Addresses.Store)
		b.signIn(w.Addresses.Store, p)
		b.on("/signin/challenge")
		b.heading("認証アプリのコードを入力")
		code := w.freshCode(app)
		b.verify(code)
		b.proof(p, byApp)
		b = w.browser(t)
		b.signIn(w.Addresses.Store, p)
		b.verify(code)
		b.see("認証コードが正しくないか、有効期限が切れています。")
		b.verify(w.freshCode(app))
		b.proof(p, byApp)

		// A new phone: the page in My Page replaces the app, and the former one's codes are worth nothing.
		b.follow(w.Addresses.MyPage, p)
		b.openSecurity()
		b.see("認証アプリ", "メイン", "認証済み")
		b.press("設定（認証アプリ）")
		b.see("設定し直すと、これまでの認証アプリのコードは使えなくなります。")
		fresh := b.scan()
		b.verify(fresh.Code(w.clock.now()))
		b.on("/account/security")
		b.see("認証アプリを設定し直しました。")
		b = w.browser(t)
		b.signIn(w.Addresses.Store, p)
		b.verify(w.freshCode(app))
		b.see("認証コードが正しくないか、有効期限が切れています。")
		b.verify(w.freshCode(fresh))
		b.proof(p, byApp)
	})
}

// An operator's console takes an app, and no code by mail.
func TestOperatorsUseAnApp(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.person(t, isOperator, func(p *person) { p.TwoFactor = "use" })
		b := w.browser(t)
		b.open(w.Addresses.Provider + "/admin")
		b.password(p)
		b.on("/signin/two-factor")
		if !js[bool](b, `document.querySelector("input[value=email]").disabled && document.querySelector("input[value=sms]").disabled`) {
			t.Error("mail or SMS can be chosen for the console")
		}
		app := b.setUpApp()
		b.on("/admin")
		b = w.browser(t)
		b.open(w.Addresses.Provider + "/admin")
		b.password(p)
		b.verify(w.freshCode(app))
		b.on("/admin")
		b.open(w.Addresses.Provider + "/admin/security")
		b.see("セキュリティ設定", "認証アプリ")
	})
}

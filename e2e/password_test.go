package e2e

import (
	"regexp"
	"testing"
	"time"

	"github.com/futakagi/futakagi/demo"
)

const newPassword = "another good passphrase"

// passwordIs fills in the login page with a password other than everybody's.
func (b *tab) passwordIs(p person, secret string) {
	b.t.Helper()
	b.on("/signin")
	b.fill("username", p.LoginID)
	b.fill("password", secret)
	b.press("ログイン")
}

// changePassword fills in the form of a change.
func (b *tab) changePassword(current, next string) {
	b.t.Helper()
	b.heading("パスワードの変更")
	b.fill("current", current)
	b.fill("password", next)
	b.press("変更する")
}

// link waits for the newest link to a new password and returns it.
func (w *world) link(t testing.TB, to string) string {
	t.Helper()
	return w.linkTo(t, to, "/password/reset")
}

// linkTo waits for the newest mail with a link to a page that a ticket opens, and returns the link.
func (w *world) linkTo(t testing.TB, to, page string) string {
	t.Helper()
	link := regexp.MustCompile(`(?m)^\s*(http\S+` + regexp.QuoteMeta(page) + `\?ticket=[\w-]{43})$`)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		for _, m := range w.messages(t, to) {
			if found := link.FindStringSubmatch(m.Text); found != nil {
				return found[1]
			}
		}
	}
	t.Fatalf("no link to %s came to %s", page, to)
	return ""
}

// A person changes the password: with a fresh proof and the present one; every other device is signed out.
func TestPasswordChange(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.person(t, withEmail)
		change := w.Addresses.Provider + "/account/security/password"
		elsewhere := w.browser(t)
		elsewhere.signIn(w.Addresses.MyPage, p)
		elsewhere.answerChallenge(p.mailbox())
		elsewhere.signedIn(w.Addresses.MyPage, p)
		w.clock.advance(2 * time.Minute)

		b := w.browser(t)
		b.open(w.Addresses.Provider + "/account/security")
		b.password(p)
		b.answerChallenge(p.mailbox())
		b.press("パスワードを変更")
		b.on("/account/security/password")
		b.see(p.LoginID, "8文字以上にしてください。")
		for _, field := range []string{"current", "password"} {
			shown := js[string](b, `(() => { document.querySelector("[data-reveal=" + %s + "]").click(); return document.getElementById(%[1]s).type; })()`, field)
			if shown != "text" {
				t.Errorf("表示 leaves %s a field of type %s", field, shown)
			}
		}
		b.changePassword("not the password", newPassword)
		b.see("現在のパスワードが正しくありません。")
		b.changePassword(demo.Password, demo.Password)
		b.see("現在と同じパスワードです。別のパスワードにしてください。")
		b.changePassword(demo.Password, newPassword)
		b.on("/account/security")
		b.see("パスワードを変更しました。", "ほかの端末からはログアウトしました。")
		for _, to := range []string{p.RegisteredEmail, p.mailbox()} {
			w.notice(t, to, "パスワードが変更されました")
		}

		elsewhere.open(w.Addresses.Provider + "/account/security")
		elsewhere.on("/signin")
		elsewhere.password(p)
		elsewhere.see("ログインIDまたはパスワードが正しくありません。")
		elsewhere.passwordIs(p, newPassword)
		elsewhere.answerChallenge(p.mailbox())
		elsewhere.on("/account/security")

		// Six minutes later both factors are asked for again.
		w.clock.advance(6 * time.Minute)
		b.open(change)
		b.on("/signin")
		b.passwordIs(p, newPassword)
		b.answerChallenge(p.mailbox())
		b.changePassword(newPassword, "walnut ferry teapot")
		b.see("パスワードを変更しました。")
	})
}

// Whoever forgot the password gets a link by mail, without script too, and the second factor is asked for as ever.
func TestPasswordForgotten(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.person(t, withEmail)
		b := w.browser(t)
		b.open(w.Addresses.Store)
		b.press("ログイン")
		b.press("パスワードをお忘れの方")
		b.heading("パスワードの再設定")
		b.press("送信")
		b.see("ログインIDを入力してください。")
		b.fill("username", "no-such-person")
		b.press("送信")
		b.heading("メールを確認してください")
		unknown := b.text("main")
		b.press("もう一度送信する")
		b.fill("username", p.LoginID)
		b.press("送信")
		b.heading("メールを確認してください")
		if known := b.text("main"); known != unknown {
			t.Errorf("a login ID that exists is told from one that does not:\n%s\n%s", known, unknown)
		}

		phone := w.browser(t)
		phone.noScript()
		link := w.link(t, p.RegisteredEmail)
		phone.open(link)
		phone.heading("新しいパスワードの設定")
		phone.see(p.LoginID)
		phone.fill("password", "password1")
		phone.press("変更する")
		phone.see("よく使われている推測されやすいパスワードのため、設定できません。")
		phone.fill("password", newPassword)
		phone.press("変更する")
		phone.heading("パスワードを変更しました")
		for _, to := range []string{p.RegisteredEmail, p.mailbox()} {
			w.notice(t, to, "パスワードが変更されました")
		}
		// Nobody is signed in by that.
		phone.press("ログイン")
		phone.on("/signin")
		phone.open(link)
		phone.heading("このリンクは使えません")
		phone.press("リンクを受け取る")
		phone.on("/password/forgot")

		// The sign-in that was begun goes on, with the new password and the second factor.
		b.press("ログイン画面へ戻る")
		b.password(p)
		b.see("ログインIDまたはパスワードが正しくありません。")
		b.passwordIs(p, newPassword)
		b.answerChallenge(p.mailbox())
		b.proof(p, byEmail)
	})
}

// An operator who forgot the password has pages of their own, and staff can send a customer the link.
func TestPasswordForgottenByAnOperator(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.person(t, isOperator)
		b := w.browser(t)
		b.open(w.Addresses.Provider + "/admin")
		b.press("パスワードをお忘れの方")
		b.on("/admin/password/forgot")
		b.fill("username", p.LoginID)
		b.press("送信")
		b.on("/admin/password/sent")
		b.open(w.link(t, p.RegisteredEmail))
		b.on("/admin/password/reset")
		b.fill("password", "short one")
		b.press("変更する")
		b.see("パスワードは15文字以上にしてください。")
		b.fill("password", newPassword)
		b.press("変更する")
		b.press("ログイン")
		b.passwordIs(p, newPassword)
		b.on("/admin")

		customer := w.person(t)
		b.openAccount(customer)
		b.press("再設定メールを送信")
		b.see("再設定メールを送信しました。")
		phone := w.browser(t)
		phone.open(w.link(t, customer.RegisteredEmail))
		phone.fill("password", newPassword)
		phone.press("変更する")
		phone.heading("パスワードを変更しました")
	})
}

// passwords looks at the pages of passwords.
func (v *viewer) passwords(w *world) {
	p := w.person(v.t, withEmail)
	b := v.browser(w)
	b.open(w.Addresses.Provider + "/password/forgot")
	v.look(b, "password-forgot")
	b.hit(submit)
	v.look(b, "password-forgot-error")
	b.fill("username", p.LoginID)
	b.hit(submit)
	v.look(b, "password-sent")
	b.open(w.link(v.t, p.RegisteredEmail))
	v.look(b, "password-reset")
	b.fill("password", "password1")
	b.hit(submit)
	v.look(b, "password-reset-error")
	b.fill("password", newPassword)
	b.hit(submit)
	v.look(b, "password-done")
	b.open(w.Addresses.Provider + "/password/reset?ticket=none")
	v.look(b, "password-void")

	b.open(w.Addresses.Provider + "/account/security/password")
	b.fill("username", p.LoginID)
	b.fill("password", newPassword)
	b.hit(submit)
	b.on("/signin/challenge")
	b.fill("code", w.code(v.t, p.mailbox()))
	b.hit("button[value=verify]")
	b.on("/account/security/password")
	v.look(b, "password-change")
	b.hit(submit)
	v.look(b, "password-change-error")

	c := v.browser(w)
	c.open(w.Addresses.Provider + "/admin/password/forgot")
	v.look(c, "admin-password-forgot")
	c.open(w.Addresses.Provider + "/admin/password/sent")
	v.look(c, "admin-password-sent")
}

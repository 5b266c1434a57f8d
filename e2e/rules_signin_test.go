package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Login ID and password first; then, if the switch or the surface says so, the second factor.
func TestM14_PasswordThenSecondFactor(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.person(t, withEmail)
		b := w.browser(t)
		b.open(w.Addresses.Store)
		b.press("ログイン")
		b.on("/signin")
		// Nothing behind the password can be reached before it.
		flow := js[string](b, `new URLSearchParams(location.search).get("flow")`)
		for _, step := range []string{"/signin/challenge", "/signin/two-factor", "/signin/two-factor/email", "/signin/backup-codes", "/signin/continue"} {
			b.open(w.Addresses.Provider + step + "?flow=" + flow)
			b.on("/signin")
		}
		b.password(p)
		b.on("/signin/challenge")
		b.heading("認証コードの入力")
		// The password alone has not signed anybody in: neither at the store nor at the provider.
		b.open(w.Addresses.Provider + "/signin/continue?flow=" + flow)
		b.on("/signin/challenge")
		other := b.sibling()
		other.open(w.Addresses.Provider + "/account/security")
		other.on("/signin")
		b.answerChallenge(p.mailbox())
		b.proof(p, byEmail)

		off := w.person(t, withoutTwoFactor)
		b = w.browser(t)
		b.signIn(w.Addresses.Store, off)
		b.proof(off, byPassword)
	})
}

// Nothing set up yet: the choice of methods. With a factor there is no set-up inside sign-in.
func TestM15_ChoiceOfMethods(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.person(t)
		b := w.browser(t)
		b.signIn(w.Addresses.Store, p)
		b.on("/signin/two-factor")
		b.heading("二要素認証設定")
		b.see("二要素認証の設定が必要です。次の認証方式から二要素認証の設定を行ってください。")
		want := []string{"認証アプリ", "SMS", "メール", "パスキー"}
		got := js[[]string](b, `[...document.querySelectorAll(".choice__title")].map((e) => e.firstChild.textContent.trim())`)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("methods (-want +got):\n%s", diff)
		}
		if n := js[int](b, `document.querySelectorAll("input[name=method]:checked").length`); n != 0 {
			t.Error("a method is chosen already")
		}
		b.press("進む")
		if b.status() != 422 {
			t.Errorf("進む without a choice answers %d", b.status())
		}
		b.see("認証方式を選択してください。")
		b.press("戻る") // ends this attempt: the person may be somebody else
		b.on("/signin")
		b.password(p)
		b.setUpEmail(p.mailbox())
		b.proof(p, byEmail)

		// The password alone must not be able to put another factor in the place of this one.
		b = w.browser(t)
		b.signIn(w.Addresses.Store, p)
		b.on("/signin/challenge")
		flow := js[string](b, `location.search`)
		for _, step := range []string{"/signin/two-factor", "/signin/two-factor/email"} {
			b.open(w.Addresses.Provider + step + flow)
			b.on("/signin/challenge")
		}
	})
}

// One page with two steps, and 戻る to the choice.
func TestM16_EmailPage(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.person(t)
		b := w.browser(t)
		b.signIn(w.Addresses.Store, p)
		b.chooseEmail()
		b.heading("メールの設定")
		b.see("1. メールアドレスを入力 必須", "入力したメールアドレスに認証コードが届きます。", "2. 届いた認証コードを入力 必須")
		b.at("送信")
		b.at("認証確認")
		b.press("戻る")
		b.on("/signin/two-factor")
		b.chooseEmail()
		code := b.sendCode(p.mailbox())
		b.on("/signin/two-factor/email") // the same page
		if got := b.value("email"); got != p.mailbox() {
			t.Errorf("after 送信 the address is %q", got)
		}
		b.verify(code)
		b.heading("バックアップコードの保存")
	})
}

// A right code stores the address with the time, shows ten backup codes once, and the sign-in goes on.
func TestM17_RightCode(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.person(t)
		b := w.browser(t)
		b.signIn(w.Addresses.Store, p)
		b.chooseEmail()
		b.verify(b.sendCode(p.mailbox()))
		b.heading("バックアップコードの保存")
		b.see("メール認証の設定が完了しました。", "この画面を閉じると、コードは再表示できません。")
		page := b.url()
		b.press("完了")
		if b.status() != 422 {
			t.Errorf("完了 without the tick answers %d", b.status())
		}
		b.see("コードを保存し、チェックを入れてください。")
		codes := b.saveCodes()
		proved := b.proof(p, byEmail)

		// They are shown once.
		b.open(page)
		for _, c := range codes {
			b.miss(c)
		}
		b.open(strings.Replace(page, "/backup-codes", "/backup-codes.txt", 1))
		for _, c := range codes {
			b.miss(c)
		}
		b.open(w.Addresses.Provider + "/account/security")
		b.see("認証済み", "残り10個", w.clock.now().In(tokyo).Format("2006-01-02"))

		// Each opens the account once.
		b = w.browser(t)
		b.signIn(w.Addresses.Store, p)
		b.press("バックアップコードを使う")
		b.fill("code", strings.ToLower(strings.ReplaceAll(codes[3], "-", " ")))
		b.press("認証確認")
		if again := b.proof(p, byBackup); !again.authTime.After(proved.authTime.Add(-time.Second)) {
			t.Error("auth_time went back")
		}
		b = w.browser(t)
		b.signIn(w.Addresses.Store, p)
		b.press("バックアップコードを使う")
		b.fill("code", codes[3])
		b.press("認証確認")
		b.see("バックアップコードが正しくないか、すでに使われています。")
	})
}

// The 2FA address and the registered one know nothing of each other.
func TestM18_NotLinked(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.person(t)
		b := w.browser(t)
		b.signIn(w.Addresses.MyPage, p)
		b.chooseEmail()
		b.miss(p.RegisteredEmail)
		if got := b.value("email"); got != "" {
			t.Errorf("the set-up offers %q", got)
		}
		b.verify(b.sendCode(p.mailbox()))
		b.saveCodes()
		b.open(w.Addresses.MyPage + "/member")
		if got := b.text("#member-email"); got != p.RegisteredEmail {
			t.Errorf("registered address is %q, want %q", got, p.RegisteredEmail)
		}
		b.miss(p.mailbox())

		// The other way round: staff change the registered address, and codes go where they went.
		staff := w.operator(t)
		staff.openAccount(p)
		staff.fill("email", "moved-"+p.RegisteredEmail)
		staff.press("更新")
		staff.see("更新しました。")
		staff.openTwoFactor(p)
		staff.see(p.mailbox())
		b = w.browser(t)
		b.signIn(w.Addresses.Store, p)
		b.answerChallenge(p.mailbox())
		b.proof(p, byEmail)
		for _, m := range append(w.messages(t, p.RegisteredEmail), w.messages(t, "moved-"+p.RegisteredEmail)...) {
			if sixDigits.MatchString(m.Text) {
				t.Errorf("a code went to a registered address: %+v", m)
			}
		}
	})
}

// Six digits, single use, ten minutes, bound to the attempt, the account, the address and the purpose.
func TestM19_CodeRules(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const wrong = "認証コードが正しくないか、有効期限が切れています。"
		p := w.person(t)
		b := w.browser(t)
		b.signIn(w.Addresses.Store, p)
		b.chooseEmail()

		refused := func(b *tab, why string) {
			t.Helper()
			b.on("/signin/two-factor/email")
			b.see(why)
			if b.status() != 422 {
				t.Errorf("%s: status %d", why, b.status())
			}
			if title := js[string](b, `document.title`); !strings.HasPrefix(title, "エラー：") {
				t.Errorf("%s: title %q", why, title)
			}
		}
		// 認証確認 before 送信.
		b.fill("email", p.mailbox())
		b.verify("123456")
		refused(b, "先に［送信］を選び、認証コードを受け取ってください。")
		if got := b.value("email"); got != p.mailbox() {
			t.Errorf("the address is lost: %q", got)
		}
		if len(w.messages(t, p.mailbox())) != 0 {
			t.Error("認証確認 sent a code")
		}
		first := b.sendCode(p.mailbox())
		for _, c := range []struct{ typed, why string }{
			{"", "認証コードを入力してください。"},
			{"12345", "認証コードは6桁の数字です。"},
			{"abcdef", "認証コードは6桁の数字です。"},
			{other(first), wrong},
		} {
			b.verify(c.typed)
			refused(b, c.why)
			if got := b.value("code"); got != "" {
				t.Errorf("the page repeats the code %q", got)
			}
		}

		// Another attempt and another account: the code is of no use there.
		stranger := w.person(t)
		s := w.browser(t)
		s.signIn(w.Addresses.Store, stranger)
		s.chooseEmail()
		s.fill("email", p.mailbox())
		s.verify(first)
		refused(s, "先に［送信］を選び、認証コードを受け取ってください。")
		again := w.browser(t)
		again.signIn(w.Addresses.Store, p)
		again.chooseEmail()
		again.fill("email", p.mailbox())
		again.verify(first)
		refused(again, "先に［送信］を選び、認証コードを受け取ってください。")

		// The address edited after 送信.
		b.fill("email", "edited-"+p.mailbox())
		b.verify(first)
		refused(b, "メールアドレスが変更されました。［再送信］を選び、新しいアドレスで認証コードを受け取ってください。")

		// 送信 again too early, and after a minute: the former code is void.
		b.open(b.url())
		b.fill("email", p.mailbox())
		js[any](b, `document.querySelector("button[value=send]").removeAttribute("aria-disabled")`)
		b.leave(func() {
			js[any](b, `document.querySelector("form.tasks").requestSubmit(document.querySelector("button[value=send]"))`)
		})
		b.see("秒ほど待ってから再送信してください。")
		w.clock.advance(61 * time.Second)
		b.open(b.url())
		b.press("再送信")
		second := w.code(t, p.mailbox())
		if second != first {
			b.verify(first)
			refused(b, wrong)
		}
		// More than ten minutes old.
		w.clock.advance(10*time.Minute + time.Second)
		b.verify(second)
		refused(b, wrong)
		third := b.sendCode(p.mailbox())

		// As an input method types it.
		wide := strings.Map(func(r rune) rune { return r - '0' + '０' }, third)
		b.verify(wide[:9] + "　" + wide[9:])
		b.saveCodes()
		b.proof(p, byEmail)

		// Used once, it is of no use for the next sign-in, which has its own.
		b.signOut(w.Addresses.Store)
		b.signIn(w.Addresses.Store, p)
		b.on("/signin/challenge")
		fourth := w.code(t, p.mailbox())
		if third != fourth {
			b.verify(third)
			b.on("/signin/challenge")
			b.see(wrong)
		}
		b.verify(fourth)
		b.proof(p, byEmail)
	})
}

var tokyo = time.FixedZone("JST", 9*60*60)

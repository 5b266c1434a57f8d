package e2e

import (
	"strings"
	"testing"
	"time"
)

// The back button leads to pages that say where the person stands, and lets nobody skip or repeat a step.
func TestMisuse_BackButton(t *testing.T) {
	one(t, func(t *testing.T, w *world) {
		p := w.person(t)
		b := w.browser(t)
		b.signIn(w.Addresses.Store, p)
		b.on("/signin/two-factor")
		b.back(1)
		// The login page of a sign-in that has a password already leads on; typing it again is no harm either.
		if strings.HasSuffix(js[string](b, `location.pathname`), "/signin") {
			b.password(p)
		}
		b.chooseEmail()
		b.verify(b.sendCode(p.mailbox()))
		b.heading("バックアップコードの保存")
		b.back(1)
		b.miss("認証コードを送信しました")
		b.open(w.Addresses.Provider + "/signin/continue" + js[string](b, `location.search`))
		b.saveCodes()
		first := b.proof(p, byEmail)

		// Back into the finished sign-in: no page of it works any more, and the store stays signed in.
		for range 3 {
			b.back(1)
			if js[string](b, `location.origin`) != w.Addresses.Provider {
				break
			}
			if b.has("認証確認") || b.has("進む") || b.has("完了") {
				t.Errorf("a finished sign-in still shows %s", b.url())
			}
		}
		b.open(w.Addresses.Store)
		if again := b.proof(p, byEmail); again.sid != first.sid {
			t.Errorf("the session changed from %s to %s", first.sid, again.sid)
		}
	})
}

// Pressing twice does once.
func TestMisuse_DoubleClick(t *testing.T) {
	one(t, func(t *testing.T, w *world) {
		p := w.person(t)
		b := w.browser(t)
		twice := func(label string) {
			t.Helper()
			s := b.at(label)
			b.leave(func() { b.click(s); b.click(s) })
		}
		// Once with the page's script, which stops the second press, and once without, where the server has to.
		for round, script := range []bool{true, false} {
			if !script {
				b = w.browser(t)
				b.noScript()
				p = w.person(t)
			}
			b.open(w.Addresses.Store)
			b.press("ログイン")
			b.fill("username", p.LoginID)
			b.fill("password", "futakagi-demo")
			twice("ログイン")
			b.on("/signin/two-factor")
			b.choose("method", "email")
			twice("進む")
			b.fill("email", p.mailbox())
			twice("送信")
			code := w.code(t, p.mailbox())
			time.Sleep(100 * time.Millisecond) // a second mail would come right behind the first
			if n := len(w.messages(t, p.mailbox())); n != 1 {
				t.Errorf("round %d: pressing 送信 twice sent %d codes", round, n)
			}
			b.fill("code", code)
			twice("認証確認")
			b.heading("バックアップコードの保存")
			b.choose("saved", "yes")
			twice("完了")
			if !script && js[string](b, `location.origin`) == w.Addresses.Provider {
				// The browser dropped the answer to the first press, and with it the code, of which a sign-in has one. The page says
				// what to do, and nothing is lost: the store asks once more and is answered at once.
				b.see("もう一度ログインしてください")
				b.open(w.Addresses.Store)
				b.press("ログイン")
			}
			b.proof(p, byEmail)
		}
	})
}

// Two sign-ins in two tabs of one browser do not get in each other's way.
func TestMisuse_TwoTabs(t *testing.T) {
	one(t, func(t *testing.T, w *world) {
		p, q := w.person(t), w.person(t)
		one := w.browser(t)
		two := one.sibling()
		one.open(w.Addresses.Store)
		one.press("ログイン")
		two.open(w.Addresses.MyPage)
		two.press("ログイン")
		one.password(p)
		two.password(q)
		one.chooseEmail()
		two.chooseEmail()
		code := one.sendCode(p.mailbox())
		other := two.sendCode(q.mailbox())
		// Each code belongs to its tab.
		if code != other {
			one.verify(other)
			one.see("認証コードが正しくないか、有効期限が切れています。")
		}
		two.verify(other)
		two.saveCodes()
		two.signedIn(w.Addresses.MyPage, q)
		one.verify(code)
		one.saveCodes()
		one.proof(p, byEmail)
	})
}

// Reloading the answer to a POST neither repeats it nor loses the page.
func TestMisuse_Reload(t *testing.T) {
	one(t, func(t *testing.T, w *world) {
		p := w.person(t)
		b := w.browser(t)
		b.signIn(w.Addresses.Store, p)
		b.reload()
		b.chooseEmail()
		code := b.sendCode(p.mailbox())
		b.reload()
		if n := len(w.messages(t, p.mailbox())); n != 1 {
			t.Errorf("reloading sent %d codes", n)
		}
		b.verify(other(code))
		b.reload() // sends the wrong code a second time, which counts as a second try and no more
		b.see("認証コードが正しくないか、有効期限が切れています。")
		b.verify(code)
		b.heading("バックアップコードの保存")
		b.reload() // not saved yet: still there
		b.saveCodes()
		b.proof(p, byEmail)
		b.reload()
		b.proof(p, byEmail)
	})
}

// The id of somebody else's sign-in opens nothing.
func TestMisuse_ForeignFlow(t *testing.T) {
	one(t, func(t *testing.T, w *world) {
		p := w.person(t)
		victim := w.browser(t)
		victim.signIn(w.Addresses.Store, p)
		victim.chooseEmail()
		code := victim.sendCode(p.mailbox())

		thief := w.browser(t)
		for _, step := range []string{"/signin", "/signin/two-factor", "/signin/two-factor/email", "/signin/challenge", "/signin/backup-codes", "/signin/continue"} {
			thief.open(w.Addresses.Provider + step + js[string](victim, `location.search`))
			thief.miss(p.LoginID, p.mailbox(), "認証確認", "進む")
			if thief.status() >= 500 {
				t.Errorf("%s answers %d", step, thief.status())
			}
		}
		// Not even on top of an own sign-in.
		thief.signIn(w.Addresses.Store, w.person(t))
		thief.open(victim.url())
		thief.miss(p.mailbox(), "認証確認")

		victim.verify(code)
		victim.saveCodes()
		victim.proof(p, byEmail)
	})
}

// A sign-in left alone for too long says so.
func TestMisuse_ExpiredFlow(t *testing.T) {
	one(t, func(t *testing.T, w *world) {
		p := w.person(t)
		b := w.browser(t)
		b.signIn(w.Addresses.Store, p)
		b.chooseEmail()
		code := b.sendCode(p.mailbox())
		idle := w.browser(t)
		idle.open(w.Addresses.Store)
		idle.press("ログイン")
		idle.on("/signin")

		w.clock.advance(31 * time.Minute)
		b.verify(code)
		b.heading("もう一度ログインしてください")
		if b.status() >= 500 {
			t.Errorf("status %d", b.status())
		}
		idle.fill("username", p.LoginID)
		idle.fill("password", "futakagi-demo")
		idle.press("ログイン")
		idle.heading("もう一度ログインしてください")
		// The way out works.
		b.signIn(w.Addresses.Store, p)
		b.setUpEmail(p.mailbox())
		b.proof(p, byEmail)
	})
}

// Without cookies the page says what to do.
func TestMisuse_NoCookies(t *testing.T) {
	one(t, func(t *testing.T, w *world) {
		p := w.person(t)
		b := w.browser(t)
		b.open(w.Addresses.Store)
		b.press("ログイン")
		b.on("/signin")
		b.forget()
		b.fill("username", p.LoginID)
		b.fill("password", "futakagi-demo")
		b.press("ログイン")
		b.see("Cookie")
		if s := b.status(); s < 400 || s >= 500 {
			t.Errorf("status %d", s)
		}
	})
}

// Everything works without JavaScript, from the store to the store.
func TestMisuse_NoScript(t *testing.T) {
	one(t, func(t *testing.T, w *world) {
		p := w.person(t)
		b := w.browser(t)
		b.noScript()
		b.signIn(w.Addresses.Store, p)
		b.press("進む")
		b.see("認証方式を選択してください。")
		b.chooseEmail()
		b.verify("123456")
		b.see("先に［送信］を選び、認証コードを受け取ってください。")
		code := b.sendCode(p.mailbox())
		// What only a script could do is not shown, and what waits can be pressed and says how long.
		b.press("再送信")
		b.see("秒ほど待ってから再送信してください。")
		b.verify(code)
		for _, label := range []string{"コピー", "印刷"} {
			if n := js[int](b, `(() => {`+finder+`return pressable(%s, "main").length })()`, label); n != 0 {
				t.Errorf("%s is offered without script", label)
			}
		}
		codes := b.saveCodes()
		b.proof(p, byEmail)
		b.signOut(w.Addresses.Store)

		b.signIn(w.Addresses.Store, p)
		b.on("/signin/challenge")
		b.press("別の方法で認証する")
		b.press("バックアップコード保存しておいたコードを入力")
		b.fill("code", codes[0])
		b.press("認証確認")
		b.proof(p, byBackup)
		b.follow(w.Addresses.MyPage, p)
		w.clock.advance(time.Minute)
		b.changeEmail("new-" + p.mailbox())

		// The console as well.
		staff := w.browser(t)
		staff.noScript()
		staff.open(w.Addresses.Provider + "/admin")
		staff.password(w.person(t, isOperator))
		staff.resize(390)
		staff.reset(p, "スクリプトなし")
	})
}

// Another site cannot make the browser act.
func TestMisuse_ForeignSite(t *testing.T) {
	one(t, func(t *testing.T, w *world) {
		p := w.person(t, withEmail)
		staff := w.operator(t)
		staff.openTwoFactor(p)
		target := staff.url()
		staff.press("認証設定初期化")
		reset := staff.url()
		// A page of another origin with a form that posts to the console.
		for address, fields := range map[string]string{target: "use=off&version=use", reset: "reason=x&identity=yes"} {
			staff.open("data:text/html,<form method=post action='" + address + "'>" + hidden(fields) + "<button>go</button></form>")
			staff.press("go")
			if s := staff.status(); s != 403 {
				t.Errorf("a foreign form to %s answers %d", address, s)
			}
		}
		staff.open(target)
		staff.see(p.mailbox())
		if got := staff.state("use", "on"); got != "on" {
			t.Errorf("利用する is %s", got)
		}
	})
}

func hidden(fields string) string {
	var b strings.Builder
	for pair := range strings.SplitSeq(fields, "&") {
		name, value, _ := strings.Cut(pair, "=")
		b.WriteString("<input type=hidden name='" + name + "' value='" + value + "'>")
	}
	return b.String()
}

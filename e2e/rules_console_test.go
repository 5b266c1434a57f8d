package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/demo"
)

// save presses 更新 on 二要素認証設定 after choosing a radio.
func (b *tab) save(use, banner string) {
	b.t.Helper()
	b.choose("use", use)
	b.press("更新")
	b.heading("二要素認証設定")
	b.see(banner)
}

const (
	turnedOn  = "二要素認証を「利用する」に変更しました。"
	turnedOff = "二要素認証を「利用しない」に変更しました。"
	unchanged = "変更はありませんでした。"
)

// reset presses 認証設定初期化, answers the dialog, and goes back from the result to the account. It returns what the result said.
func (b *tab) reset(p person, reason string) string {
	b.t.Helper()
	b.openTwoFactor(p)
	b.press("認証設定初期化")
	b.heading(p.Name + "さんの認証設定を初期化しますか？")
	b.fill("reason", reason)
	b.choose("identity", "yes")
	b.press("初期化する")
	return b.leaveResult()
}

// leaveResult goes back from the result of a reset to the account, and returns what it said.
func (b *tab) leaveResult() string {
	b.t.Helper()
	b.heading("認証設定初期化の結果")
	said := b.text("main")
	b.press("二要素認証設定に戻る")
	b.heading("二要素認証設定")
	return said
}

// enforce saves the system settings and reports what the confirmation page said.
func (b *tab) enforce(surface string, on bool) string {
	b.t.Helper()
	said := b.saveEnforcement(surface, on)
	b.on("/admin/settings/two-factor")
	b.see("システム設定を更新しました。")
	return said
}

// saveEnforcement is enforce without a look at where it leads.
func (b *tab) saveEnforcement(surface string, on bool) string {
	b.t.Helper()
	value := map[bool]string{true: "on", false: "off"}[on]
	b.open(b.w.Addresses.Provider + "/admin/settings/two-factor")
	b.choose(surface, value)
	b.press("確認")
	b.heading("変更内容の確認")
	said := b.text("main")
	b.press("更新")
	return said
}

// enforced turns a surface on for the rest of a test.
func (w *world) enforced(t *testing.T, surface string) {
	t.Helper()
	t.Cleanup(func() {
		// The next test must find the settings as they were, also when this one failed half-way.
		w.lift(t)
	})
	b := w.operator(t)
	if surface == "admin" {
		b.saveEnforcement(surface, true)
		b.on("/signin/two-factor") // it holds for whoever saved it, at once
		return
	}
	b.enforce(surface, true)
}

// block is the text of one block of 設定状況.
func (b *tab) block(id string) string {
	b.t.Helper()
	return bare(b.text("#state-" + id + " dd"))
}

// 販売先 → ユーザーグループ → 編集 → 二要素認証設定.
func TestM01_Path(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.person(t)
		b := w.operator(t)
		b.heading("ダッシュボード")
		b.press("販売先")
		b.heading("販売先")
		b.fill("q", demo.CustomerCode)
		b.press("検索")
		b.press(demo.CustomerName)
		b.heading(demo.CustomerName)
		b.press("ユーザーグループ")
		b.see(demo.GroupName, p.Name, p.LoginID)
		b.press("編集（" + p.Name + "）")
		b.heading("ストアアカウントの編集")
		b.see(p.LoginID)
		if got := b.value("email"); got != p.RegisteredEmail {
			t.Errorf("registered address %q, want %q", got, p.RegisteredEmail)
		}
		b.press("二要素認証設定")
		b.heading("二要素認証設定")
		b.see(p.Name)
		b.press("戻る")
		b.heading("ストアアカウントの編集")
	})
}

// Title, 更新, 戻る, two radios; moving one does nothing until 更新.
func TestM02_SwitchNeedsUpdate(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.person(t, withEmail)
		b := w.operator(t)
		b.openTwoFactor(p)
		b.at("更新")
		b.at("戻る")
		b.see("利用しない", "利用する")
		if on, off := b.state("use", "on"), b.state("use", "off"); on != "on" || off != "off" {
			t.Fatalf("the switch shows 利用する %s, 利用しない %s", on, off)
		}
		b.choose("use", "off")
		if got := b.state("use", "off"); got != "on" {
			t.Fatalf("利用しない is %s after a click", got)
		}
		b.press("戻る")
		b.press("二要素認証設定")
		if got := b.state("use", "on"); got != "on" {
			t.Errorf("without 更新 利用する is %s", got)
		}
		b.see(p.mailbox())
		c := w.browser(t)
		c.signIn(w.Addresses.Store, p)
		c.on("/signin/challenge")

		b.save("off", turnedOff)
		if got := b.state("use", "off"); got != "on" {
			t.Errorf("after 更新 利用しない is %s", got)
		}
	})
}

// Off→on resets, on→on does not.
func TestM03_OffThenOnResets(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.person(t, withEmail)
		b := w.operator(t)
		b.openTwoFactor(p)
		b.save("on", unchanged)
		if got := b.block("main"); !strings.Contains(got, p.mailbox()) {
			t.Fatalf("on→on left メイン %q", got)
		}
		c := w.browser(t)
		c.signIn(w.Addresses.Store, p)
		c.answerChallenge(p.mailbox())
		c.proof(p, byEmail)

		b.save("off", turnedOff)
		b.save("on", turnedOn)
		if got := b.block("main"); !strings.HasPrefix(got, "未設定") {
			t.Errorf("off→on left メイン %q", got)
		}
		if got := b.block("backup"); !strings.HasPrefix(got, "バックアップコード認証（利用なし）") {
			t.Errorf("off→on left バックアップ %q", got)
		}
		c = w.browser(t)
		c.signIn(w.Addresses.Store, p)
		c.setUpEmail("new-" + p.mailbox())
		c.proof(p, byEmail)
	})
}

// While 利用しない is stored and nothing enforces, the password alone is enough.
func TestM04_PasswordAlone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.person(t, withEmail)
		b := w.operator(t)
		b.openTwoFactor(p)
		b.save("off", turnedOff)
		c := w.browser(t)
		c.signIn(w.Addresses.Store, p)
		c.proof(p, byPassword)
	})
}

// メイン: method, 認証済み, time to the second, address. The operator sees a new one at once.
func TestM05_StateMain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.person(t)
		b := w.operator(t)
		b.openTwoFactor(p)
		if got := b.block("main"); !strings.HasPrefix(got, "未設定") {
			t.Errorf("メイン %q before the set-up", got)
		}
		c := w.browser(t)
		c.signIn(w.Addresses.Store, p)
		c.chooseEmail()
		code := c.sendCode(p.mailbox())
		b.reload()
		if got := b.block("main"); !strings.HasPrefix(got, "未設定") {
			t.Errorf("メイン %q before the code", got)
		}
		c.verify(code) // the sign-in itself is not complete yet
		b.reload()
		verified := func(address string) {
			t.Helper()
			got := b.text("#state-main dd")
			m := regexp.MustCompile(`^メール 認証済み (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) ?（` + regexp.QuoteMeta(address) + `）$`).FindStringSubmatch(got)
			if m == nil {
				t.Fatalf("メイン %q, want メール 認証済み, a time and %s", got, address)
			}
			at, err := time.ParseInLocation("2006-01-02 15:04:05", m[1], tokyo)
			if err != nil {
				t.Fatal(err)
			}
			if off := w.clock.now().Sub(at); off < -time.Second || off > time.Minute {
				t.Errorf("認証済み %v is %v ago", at, off)
			}
		}
		verified(p.mailbox())
		c.saveCodes()
		c.follow(w.Addresses.MyPage, p)
		c.changeEmail("new-" + p.mailbox())
		b.reload()
		verified("new-" + p.mailbox())

		// Every other method is shown the same way.
		for kind, want := range map[string]string{
			"sms":     `^SMS 認証済み %s ?（09012345634）$`,
			"totp":    `^認証アプリ 認証済み %s$`,
			"passkey": `^パスキー 認証済み %s ?（2件） 会社のノートPC 登録：\d{4}-\d\d-\d\d 最終使用：\d{4}-\d\d-\d\d \d\d:\d\d 予備の鍵 登録：\d{4}-\d\d-\d\d 未使用$`,
		} {
			q := w.person(t)
			w.seed(t, q, kind)
			b.openTwoFactor(q)
			if got := b.text("#state-main dd"); !regexp.MustCompile(fmt.Sprintf(want, `\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`)).MatchString(got) {
				t.Errorf("メイン %q, want %s", got, want)
			}
		}
	})
}

// バックアップ: the number of codes still usable, and SMS.
func TestM06_StateBackup(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.person(t, withEmail)
		b := w.operator(t)
		b.openTwoFactor(p)
		if got, want := b.block("backup"), "バックアップコード認証（10個利用可能）SMS認証利用なし"; got != want {
			t.Fatalf("バックアップ %q, want %q", got, want)
		}
		for left := 9; left >= 8; left-- {
			c := w.browser(t)
			c.signIn(w.Addresses.Store, p)
			c.press("バックアップコードを使う")
			c.fill("code", p.codes[left])
			c.press("認証確認")
			c.proof(p, byBackup)
			b.reload()
			if got, want := b.block("backup"), fmt.Sprintf("バックアップコード認証（%d個利用可能）SMS認証利用なし", left); got != want {
				t.Fatalf("バックアップ %q, want %q", got, want)
			}
		}

		// Further factors follow in the person's order, SMS with its number.
		w.seed(t, p, "totp", "sms")
		b.reload()
		want := regexp.MustCompile(`^バックアップコード認証（8個利用可能）認証アプリ認証済み[\d:-]{18}SMS認証認証済み[\d:-]{18}（09012345634）$`)
		if got := b.block("backup"); !want.MatchString(got) {
			t.Errorf("バックアップ %q, want %s", got, want)
		}
	})
}

// 認証コードを要求しない端末.
func TestM07_StateDevices(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.person(t, withEmail)
		b := w.operator(t)
		b.openTwoFactor(p)
		b.see("認証コードを要求しない端末")
		if got := b.block("devices"); got != "登録済みの端末はありません。" {
			t.Errorf("認証コードを要求しない端末 %q", got)
		}
		w.trust(t, p, "", "Chrome / Windows") // the newest comes first
		b.reload()
		got, minute := b.text("#state-devices dd"), `\d{4}-\d\d-\d\d \d\d:\d\d`
		want := regexp.MustCompile(`^Windows の Chrome 解除 ?（Windows の Chrome） 登録：` + minute + ` 最終使用：` + minute + ` 有効期限：` + minute +
			` 不明なブラウザー 解除 ?（不明なブラウザー） 登録：` + minute + ` 最終使用：` + minute + ` 有効期限：` + minute + ` すべて解除$`)
		if !want.MatchString(got) {
			t.Errorf("認証コードを要求しない端末 %q, want %s", got, want)
		}
	})
}

// 認証設定初期化: its note, its dialog, under enforcement too, harmless with nothing set up; the switch keeps its value.
func TestM08_Reset(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.person(t, withEmail)
		b := w.operator(t)
		b.openTwoFactor(p)
		b.see("このアカウントの認証設定を初期化します。")
		if js[float64](b, `document.querySelector(".dangerzone").getBoundingClientRect().top`) <
			js[float64](b, `document.querySelector("#state-devices").getBoundingClientRect().bottom`) {
			t.Error("認証設定初期化 is not at the foot of the screen")
		}
		b.press("認証設定初期化")
		b.see(p.mailbox(), "10個利用可能", "初期化すると、元に戻せません")
		b.press("初期化する")
		b.see("初期化の理由を入力してください。", "ご本人からの依頼であることを確認してください。")
		if b.status() != 422 {
			t.Errorf("an empty dialog answers %d", b.status())
		}
		b.press("戻る")
		b.see(p.mailbox())

		if said := b.reset(p, "メールアドレス変更のため"); !strings.Contains(said, "次回ログイン時に、お客様が認証方式を設定します。") || !strings.Contains(said, p.mailbox()) {
			t.Errorf("the result says %q", said)
		}
		if got := b.state("use", "on"); got != "on" {
			t.Errorf("after the reset 利用する is %s", got)
		}
		if got := b.block("main"); !strings.HasPrefix(got, "未設定") {
			t.Errorf("after the reset メイン %q", got)
		}
		if said := b.reset(p, "もう一度"); !strings.Contains(said, "認証方式は設定されていませんでした。") {
			t.Errorf("the result says %q", said)
		}

		c := w.browser(t)
		c.signIn(w.Addresses.Store, p)
		c.setUpEmail("new-" + p.mailbox())
		c.proof(p, byEmail)

		// 利用しない is kept as well.
		off := w.person(t, withoutTwoFactor)
		b.reset(off, "念のため")
		if got := b.state("use", "off"); got != "on" {
			t.Errorf("after the reset 利用しない is %s", got)
		}

		w.enforced(t, "store")
		if said := b.reset(p, "強制中"); !strings.Contains(said, "次回ログイン時に、お客様が認証方式を設定します。") {
			t.Errorf("the result says %q", said)
		}
		c = w.browser(t)
		c.signIn(w.Addresses.Store, p)
		c.on("/signin/two-factor")

		b.open(w.Addresses.Provider + "/admin/audit?q=" + p.LoginID)
		b.see("認証設定を初期化", "メールアドレス変更のため")
	})
}

// Reset clears everything and ends every open attempt.
func TestM09_ResetClearsAll(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.person(t, withEmail)
		// A session, a challenge with a code, and a grant that can be refreshed.
		session := w.browser(t)
		session.signIn(w.Addresses.Store, p)
		session.answerChallenge(p.mailbox())
		session.proof(p, byEmail)
		session.press("トークンを更新")
		session.proof(p, byEmail)
		open := w.browser(t)
		open.signIn(w.Addresses.Store, p)
		open.on("/signin/challenge")
		code := w.code(t, p.mailbox())
		// Another address is half-way through.
		change := session.sibling()
		change.open(w.Addresses.Provider + "/account/security/email")
		pending := change.sendCode("pending-" + p.mailbox())

		w.operator(t).reset(p, "機種変更のため")
		w.notice(t, p.mailbox(), "二要素認証の設定が初期化されました")
		w.notice(t, p.RegisteredEmail, "二要素認証の設定が初期化されました")

		open.verify(code)
		open.see("もう一度ログインしてください")
		change.verify(pending)
		change.see("もう一度ログインしてください")
		session.open(w.Addresses.Provider + "/account/security")
		session.on("/signin")
		session.signedOut(w.Addresses.Store) // which was told

		// And with the backup codes of before nobody gets in.
		c := w.browser(t)
		c.signIn(w.Addresses.Store, p)
		c.on("/signin/two-factor")
		c.open(strings.Replace(c.url(), "/two-factor", "/challenge/backup", 1))
		c.on("/signin/two-factor")
		c.setUpEmail("new-" + p.mailbox())
		c.proof(p, byEmail)
		c = w.browser(t)
		c.signIn(w.Addresses.Store, p)
		c.press("バックアップコードを使う")
		c.fill("code", p.codes[0])
		c.press("認証確認")
		c.see("バックアップコードが正しくないか、すでに使われています。")
	})
}

// Two independent settings, and a confirmation page before saving.
func TestM10_Enforcement(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.accept(t, "admin")
		t.Cleanup(func() { w.lift(t) })
		me := w.person(t, isOperator)
		b := w.staff(t, me)
		b.press("二要素認証設定")
		b.on("/admin/settings/two-factor")
		b.see("管理画面", "ストア画面", "強制する", "強制しない")
		want := func(admin, store string) {
			t.Helper()
			if a, s := b.state("admin", "on"), b.state("store", "on"); a != admin || s != store {
				t.Fatalf("強制する: 管理画面 %s, ストア画面 %s; want %s, %s", a, s, admin, store)
			}
		}
		want("off", "off")
		b.choose("store", "on")
		b.press("確認")
		b.heading("変更内容の確認")
		b.see("ストア画面", "件のアカウントに影響します")
		// Nothing is saved before 更新.
		b.press("戻る")
		b.reload()
		want("off", "off")

		if said := b.enforce("store", true); !strings.Contains(said, "管理画面 強制しない （変更なし）") {
			t.Errorf("the confirmation says %q", said)
		}
		want("off", "on")
		// It holds for whoever saved it, from the next page on.
		b.saveEnforcement("admin", true)
		b.on("/signin/two-factor")
		b.setUpApp()
		b.on("/admin/settings/two-factor")
		want("on", "on")
		if said := b.enforce("store", false); !strings.Contains(said, "ストア画面：強制を解除します") {
			t.Errorf("the confirmation says %q", said)
		}
		want("on", "off")

		// 管理画面 asks operators alone.
		p := w.person(t, withoutTwoFactor)
		c := w.browser(t)
		c.signIn(w.Addresses.Store, p)
		c.proof(p, byPassword)
		colleague := w.browser(t)
		colleague.open(w.Addresses.Provider + "/admin")
		colleague.password(w.person(t, isOperator))
		colleague.on("/signin/two-factor")

		b.enforce("admin", false)
		want("off", "off")
	})
}

// While ストア画面 is enforced 利用しない cannot be chosen; admin enforcement does not grey out store accounts.
func TestM11_OffNotAvailable(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.accept(t, "admin")
		p := w.person(t, withEmail)
		staff := w.person(t, isOperator, func(p *person) { p.TwoFactor = account.TwoFactorUse })
		b := w.browser(t)
		b.open(w.Addresses.Provider + "/admin")
		b.password(staff)
		b.setUpApp()
		b.on("/admin")
		w.enforced(t, "admin")
		b.openTwoFactor(p)
		if got := b.state("use", "off"); got != "off" {
			t.Fatalf("while 管理画面 is enforced, 利用しない is %s", got)
		}
		w.lift(t)
		w.enforced(t, "store")
		b.reload()
		if got := b.state("use", "off"); got != "off disabled" {
			t.Fatalf("while ストア画面 is enforced, 利用しない is %s", got)
		}
		b.see("「利用しない」は選択できません", "ストア画面の二要素認証が「強制する」に設定されています。", "選択不可")
		if described := js[string](b, `document.querySelector("#" + document.querySelector("#use").getAttribute("aria-describedby")).innerText`); !strings.Contains(described, "選択できません") {
			t.Errorf("the reason is not tied to the group: %q", described)
		}
		// Who removes the lock in the page meets the server.
		js[any](b, `document.querySelector("input[name=use][value=off]").disabled = false`)
		b.choose("use", "off")
		b.press("更新")
		if b.status() != 422 {
			t.Errorf("the server answers %d", b.status())
		}
		b.see("「強制する」に設定されているため、「利用しない」は選択できません。")
		b.open(b.url())
		if got := b.state("use", "on"); got != "on" {
			t.Errorf("利用する is %s", got)
		}
		b.see(p.mailbox())
	})
}

// The stored choice survives enforcement.
func TestM12_ChoiceSurvives(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.person(t, withoutTwoFactor)
		b := w.operator(t)
		w.enforced(t, "store")
		b.openTwoFactor(p)
		if got := b.state("use", "off"); got != "on disabled" {
			t.Errorf("利用しない is %s", got)
		}
		b.see("強制を解除すると、この設定に戻ります。")
		c := w.browser(t)
		c.signIn(w.Addresses.Store, p)
		c.setUpEmail(p.mailbox())
		c.proof(p, byEmail)

		w.lift(t)
		b.reload()
		if on, off := b.state("use", "on"), b.state("use", "off"); on != "off" || off != "on" {
			t.Errorf("afterwards 利用する is %s, 利用しない %s", on, off)
		}
		c = w.browser(t)
		c.signIn(w.Addresses.Store, p)
		c.proof(p, byPassword)
	})
}

// Enforcement on ストア画面 covers the store and My Page.
func TestM13_StoreAndMyPage(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.enforced(t, "store")
		for _, site := range []string{w.Addresses.Store, w.Addresses.MyPage} {
			p := w.person(t, withoutTwoFactor)
			c := w.browser(t)
			c.signIn(site, p)
			c.on("/signin/two-factor")
			c.setUpEmail(p.mailbox())
			c.signedIn(site, p)
			// One sign-in serves both.
			for _, other := range []string{w.Addresses.MyPage, w.Addresses.Store} {
				c.open(other + "/login")
				c.signedIn(other, p)
			}
		}
	})
}

package e2e

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"

	"github.com/futakagi/futakagi/demo"
	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/store"
)

var screensDir = flag.String("screens", "", "write a picture of every screen into this directory")

const envNode = "FUTAKAGI_TEST_NODE"

// looks are the ways every screen is looked at.
var looks = []struct {
	scheme string
	width  int64
}{{"light", 1280}, {"dark", 1280}, {"light", 390}, {"dark", 390}}

// TestScreens walks past every screen in both languages. Each is checked for accessibility with axe-core, for layout on a phone,
// and for what the browser complains about (policy violations, scripts that fail), light and dark, wide and narrow.
func TestScreens(t *testing.T) {
	axe := axeSource(t)
	for _, lang := range []string{"ja", "en"} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			w := enter(t, store.SQLite+"-"+lang)
			v := &viewer{t: t, lang: lang, axe: axe, seen: map[string]bool{}}
			v.customer(w)
			v.methods(w)
			v.selfService(w)
			v.passwords(w)
			v.consent(w)
			v.appliance(w)
			v.console(w)
			v.clients(w)
			v.programs(w)
			v.resets(w)
			v.approvals(w)
			v.manyAccounts(w)
			v.frozen(w)
			v.masked(w)
			for _, line := range w.log.take() {
				t.Errorf("the server logged: %s", line)
			}
		})
	}
}

// axeSource is the checker's script, which npm fetches.
func axeSource(t *testing.T) string {
	t.Helper()
	source, err := os.ReadFile(filepath.Join("node", "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		const missing = "axe-core is not there: run npm ci --prefix e2e/node"
		if os.Getenv(envNode) == "1" {
			t.Fatal(missing)
		}
		t.Skip("SCREENS NOT CHECKED: " + missing)
	}
	return string(source)
}

// viewer looks at screens in one language.
type viewer struct {
	t    *testing.T
	lang string
	axe  string
	seen map[string]bool
}

// browser opens a browser whose owner reads the viewer's language.
func (v *viewer) browser(w *world) *tab {
	v.t.Helper()
	b := w.browser(v.t)
	agent := js[string](b, `navigator.userAgent`)
	_, err := call(b, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: agent, AcceptLanguage: v.lang})
	b.do(err)
	return b
}

// finding is what axe-core found wrong.
type finding struct {
	Rule, Help string
	Where      []string
}

const audit = `axe.run(document, {resultTypes: ["violations"], runOnly: {type: "tag", values:
	["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}}).then((r) => r.violations.map((f) =>
	({Rule: f.id, Help: f.help, Where: f.nodes.map((n) => n.target.join(" ") + " " + n.html.slice(0, 160) + " " + (n.any[0]?.message ?? n.failureSummary ?? ""))})))`

// look checks the screen that a tab shows.
func (v *viewer) look(b *tab, name string) {
	v.t.Helper()
	if v.seen[name] {
		v.t.Errorf("two screens are called %s", name)
	}
	v.seen[name] = true
	if got := js[string](b, `document.documentElement.lang`); got != v.lang {
		v.t.Errorf("%s: the page is in %q, want %q", name, got, v.lang)
	}
	if v.lang == "en" {
		if left := js[[]string](b, `(() => {
			const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), left = [];
			for (let n; n = walk.nextNode();)
				if (/[ぁ-んァ-ヶ]/.test(n.data) && !n.parentElement.closest("[lang=ja], script, .applogo, .apps__logo") && n.parentElement.checkVisibility()) left.push(n.data.trim());
			return left; })()`); len(left) > 0 {
			for _, text := range left {
				if !fixtureText(text) {
					v.t.Errorf("%s: not translated: %q", name, text)
				}
			}
		}
	}
	if _, err := evaluate[any](b, v.axe+"; null"); err != nil {
		v.t.Fatalf("load axe-core: %v", err)
	}
	// One of the four looks in each language, the opposite one in the other, and another pair for the next screen: every screen is
	// seen light and dark, wide and narrow, in a quarter of the time. Pictures are taken of all.
	one := len(v.seen) % len(looks)
	if v.lang == "en" {
		one = len(looks) - 1 - one
	}
	for i, l := range looks {
		if *screensDir == "" && i != one {
			continue
		}
		b.scheme(l.scheme)
		b.resize(l.width)
		what := fmt.Sprintf("%s, %s, %s, %d px", name, v.lang, l.scheme, l.width)
		found, err := evaluate[[]finding](b, audit)
		if err != nil {
			v.t.Fatalf("%s: run axe-core: %v", what, err)
		}
		for _, f := range found {
			v.t.Errorf("%s: %s: %s\n\t%s", what, f.Rule, f.Help, strings.Join(f.Where, "\n\t"))
		}
		if over := js[[]string](b, `(() => {
			if (document.documentElement.scrollWidth <= innerWidth) return [];
			return [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1)
				.map((e) => e.outerHTML.slice(0, 120)).slice(0, 3); })()`); len(over) > 0 {
			v.t.Errorf("%s: scrolls sideways:\n\t%s", what, strings.Join(over, "\n\t"))
		}
		v.photograph(b, fmt.Sprintf("%s-%s-%s-%d", name, v.lang, l.scheme, l.width))
	}
	for _, p := range b.complaints() {
		v.t.Errorf("%s, %s: the browser complains: %s", name, v.lang, p)
	}
	b.scheme("light")
	b.resize(1280)
}

// fixtureText reports whether a text belongs to the demo's data, which has one language.
func fixtureText(text string) bool {
	for _, own := range []string{demo.CustomerName, demo.GroupName, "検証", "管理者", "サポート担当", "ストア", "マイページ", "二つ目の販売先", "メールアドレス変更のため", "日本語", "会社のノートPC", "予備の鍵"} {
		text = strings.ReplaceAll(text, own, "")
	}
	for _, a := range demo.Accounts() {
		text = strings.ReplaceAll(text, a.Name, "")
	}
	return !strings.ContainsFunc(text, func(r rune) bool { return r >= 'ぁ' && r <= 'ヶ' })
}

func (v *viewer) photograph(b *tab, name string) {
	if *screensDir == "" {
		return
	}
	picture, err := b.picture()
	if err == nil {
		err = os.MkdirAll(*screensDir, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(*screensDir, name+".png"), picture, 0o644)
	}
	if err != nil {
		v.t.Errorf("photograph %s: %v", name, err)
	}
}

// hit presses what a selector finds, whatever it is called in this language.
func (b *tab) hit(selector string) {
	b.t.Helper()
	s := b.aim(`const all = %[1]s, e = [...document.querySelectorAll("main " + all), ...document.querySelectorAll(all)].find(shown);`, selector)
	b.leave(func() { b.click(s) })
}

const submit = `form[method=post] button[type=submit]:not(.reveal__btn)`

func (v *viewer) signIn(b *tab, site string, p person) {
	v.t.Helper()
	b.open(site + "/login")
	v.password(b, p)
}

func (v *viewer) password(b *tab, p person) {
	v.t.Helper()
	b.on("/signin")
	b.fill("username", p.LoginID)
	b.fill("password", demo.Password)
	b.hit(submit)
}

// customer looks at the sign-in.
func (v *viewer) customer(w *world) {
	p := w.person(v.t)
	b := v.browser(w)
	b.open(w.Addresses.Store)
	v.look(b, "store")
	b.hit("#login")
	v.look(b, "login")
	b.hit(submit)
	v.look(b, "login-blank")
	b.fill("username", p.LoginID)
	b.fill("password", "not the password")
	b.hit(submit)
	v.look(b, "login-error")
	v.password(b, p)
	v.look(b, "2fa-select")
	b.hit(".actions " + "button.actions__grow")
	v.look(b, "2fa-select-error")
	b.choose("method", "email")
	b.hit("button.actions__grow")
	v.look(b, "2fa-email")
	b.fill("email", "nobody")
	b.hit("button[value=send]")
	v.look(b, "2fa-email-error")
	b.fill("email", p.mailbox())
	b.hit("button[value=send]")
	v.look(b, "2fa-email-sent")
	code := w.code(v.t, p.mailbox())
	b.fill("code", other(code))
	b.hit("button[value=verify]")
	v.look(b, "2fa-email-code-error")
	b.fill("code", code)
	b.hit("button[value=verify]")
	v.look(b, "2fa-backup-codes")
	b.hit(submit)
	v.look(b, "2fa-backup-codes-error")
	codes := js[[]string](b, `[...document.querySelectorAll("#codes li")].map((e) => e.innerText.trim())`)
	b.choose("saved", "yes")
	b.hit(submit)
	b.origin(w.Addresses.Store)
	v.look(b, "store-signed-in")

	c := v.browser(w)
	v.signIn(c, w.Addresses.Store, p)
	v.look(c, "challenge")
	code = w.code(v.t, p.mailbox())
	wrong := func(n int) {
		v.t.Helper()
		for range n {
			c.fill("code", other(code))
			c.hit("button[value=verify]")
		}
	}
	wrong(1)
	v.look(c, "challenge-error")
	c.hit("a[href*='/challenge/methods']")
	v.look(c, "challenge-methods")
	c.hit("a[href*='/challenge/backup']")
	v.look(c, "challenge-backup")
	c.hit("form button.btn--block")
	v.look(c, "challenge-backup-error")
	c.fill("code", codes[0])
	c.hit("form button.btn--block")
	c.origin(w.Addresses.Store)
	w.clock.advance(31 * time.Minute)
	c.open(w.Addresses.Provider + "/signin/two-factor?flow=" + store.MaxID)
	v.look(c, "flow-expired")
	c.open(w.Addresses.Provider + "/nothing")
	v.look(c, "error-not-found")
	c.open(w.Addresses.Provider + "/authorize?client_id=nobody&ui_locales=" + v.lang)
	v.look(c, "error-protocol")
	c.open(w.Addresses.Provider + "/logout")
	v.look(c, "logout")
	c.hit("button.actions__grow")
	v.look(c, "signed-out")

	// Guessing goes on until the account's codes are paused.
	locked := w.person(v.t, withEmail)
	c = v.browser(w)
	v.signIn(c, w.Addresses.Store, locked)
	code = w.code(v.t, locked.mailbox())
	wrong(4)
	v.look(c, "challenge-near-limit")
	for range 12 {
		if js[bool](c, `!document.querySelector("button[value=verify]")`) {
			break
		}
		wrong(1)
	}
	c.open(c.url())
	if js[bool](c, `!document.querySelector("button[value=verify]")`) {
		v.look(c, "challenge-locked")
	} else {
		v.t.Errorf("guessing is not paused: %s", c.text("main"))
	}
}

// methods looks at the set-up and the use of every method but mail.
func (v *viewer) methods(w *world) {
	app := w.person(v.t)
	b := v.browser(w)
	v.signIn(b, w.Addresses.Store, app)
	b.choose("method", "totp")
	b.hit("button.actions__grow")
	v.look(b, "2fa-totp")
	key := testapp.TypeIn(v.t, b.text("#key"))
	b.fill("code", other(key.Code(w.clock.now())))
	b.hit("button[value=verify]")
	v.look(b, "2fa-totp-error")
	b.fill("code", key.Code(w.clock.now()))
	b.hit("button[value=verify]")
	b.choose("saved", "yes")
	b.hit(submit)
	b.origin(w.Addresses.Store)
	b = v.browser(w)
	v.signIn(b, w.Addresses.Store, app)
	v.look(b, "challenge-totp")

	texts, number := w.person(v.t), w.number()
	b = v.browser(w)
	v.signIn(b, w.Addresses.Store, texts)
	b.choose("method", "sms")
	b.hit("button.actions__grow")
	v.look(b, "2fa-sms")
	b.fill("tel", "03-1234-5678")
	b.hit("button[value=send]")
	v.look(b, "2fa-sms-error")
	b.fill("tel", number.typed)
	b.hit("button[value=send]")
	v.look(b, "2fa-sms-sent")
	b.fill("code", w.code(v.t, number.e164))
	b.hit("button[value=verify]")
	b.choose("saved", "yes")
	b.hit(submit)
	b.origin(w.Addresses.Store)
	b = v.browser(w)
	v.signIn(b, w.Addresses.Store, texts)
	v.look(b, "challenge-sms")

	keys := w.person(v.t)
	b = v.browser(w)
	b.withoutAutofill()
	b.plug(phone)
	v.signIn(b, w.Addresses.MyPage, keys)
	b.choose("method", "passkey")
	b.hit("button.actions__grow")
	v.look(b, "2fa-passkey")
	b.hit("form[data-passkey] button[type=submit]")
	b.choose("saved", "yes")
	b.hit(submit)
	v.look(b, "challenge-passkey")
	b.hit("form[data-passkey] button[type=submit]")
	b.origin(w.Addresses.MyPage)
	b.open(w.Addresses.Provider + "/account/security/passkey")
	v.look(b, "security-passkeys")
	b.plug(plainKey)
	b.open(w.Addresses.Provider + "/account/security/sms")
	v.look(b, "security-sms")
	b.open(w.Addresses.Provider + "/account/security/totp")
	v.look(b, "security-totp")
}

// selfService looks at My Page and the security page.
func (v *viewer) selfService(w *world) {
	p := w.person(v.t, withoutTwoFactor)
	b := v.browser(w)
	v.signIn(b, w.Addresses.MyPage, p)
	b.origin(w.Addresses.MyPage)
	v.look(b, "mypage")
	b.open(w.Addresses.MyPage + "/member")
	v.look(b, "mypage-member")
	b.hit("#two-factor")
	v.look(b, "security-off")
	b.hit("a[href='/account/security/email']")
	v.look(b, "security-email")
	b.fill("email", p.mailbox())
	b.hit("button[value=send]")
	b.fill("code", w.code(v.t, p.mailbox()))
	b.hit("button[value=verify]")
	v.look(b, "security-backup-codes")
	b.choose("saved", "yes")
	b.hit(submit)
	v.look(b, "security")
	second := v.browser(w)
	v.signIn(second, w.Addresses.Store, p)
	second.fill("code", w.code(v.t, p.mailbox()))
	second.choose("trust_device", "yes")
	second.hit("button[value=verify]")
	second.origin(w.Addresses.Store)
	b.reload()
	v.look(b, "security-sessions")
	b.open(js[string](b, `document.querySelector("form[action*='/devices/']").action`))
	v.look(b, "security-device-remove")
	b.open(w.Addresses.Provider + "/account/security/devices/remove-all")
	v.look(b, "security-devices-remove")
	b.open(w.Addresses.Provider + "/account/security")
	b.hit("a[href='/account/security/backup-codes']")
	v.look(b, "security-backup-renew")
	b.open(w.Addresses.Provider + "/account/security/email")
	v.look(b, "security-email-change")
	b.fill("email", "new-"+p.mailbox())
	b.hit("button[value=send]")
	v.look(b, "security-email-sent")
	b.fill("code", w.code(v.t, "new-"+p.mailbox()))
	b.hit("button[value=verify]")
	v.look(b, "security-changed")
	w.withApp(v.t, p)
	b.reload()
	v.look(b, "security-methods")
	b.hit("a[href='/account/security/order']")
	v.look(b, "security-order")
	b.hit("a[href*='?order=']")
	v.look(b, "security-order-proposed")
	b.open(w.Addresses.Provider + "/account/security/totp/remove")
	v.look(b, "security-remove")
	b.hit(submit)
	v.look(b, "security-removed")
	b.open(w.Addresses.Provider + "/account/security/email/remove")
	v.look(b, "security-remove-refused")
	w.clock.advance(6 * time.Minute)
	b.open(w.Addresses.Provider + "/account/security/email")
	v.look(b, "login-again")
	w.clock.advance(2 * time.Hour)
	b.open(w.Addresses.Provider + "/account/security")
	v.look(b, "login-security")
	link := w.undoLink(v.t, p.mailbox())
	b.open(link)
	v.look(b, "undo")
	b.hit(submit)
	v.look(b, "undone")
	b.open(link)
	v.look(b, "undo-gone")
	b.open(w.Addresses.Inbox)
	v.look(b, "inbox")
}

// spare looks at what staff have for somebody who cannot use their factors, on both sides.
func (v *viewer) spare(b *tab, w *world, account string) {
	base := w.Addresses.Provider
	b.open(base + "/admin/exemptions")
	v.look(b, "admin-exemptions-empty")
	b.open(account + "/two-factor/pass")
	v.look(b, "admin-account-2fa-pass")
	b.hit(submit)
	v.look(b, "admin-account-2fa-pass-error")
	b.fill("reason", "メールアドレス変更のため")
	b.choose("identity", "yes")
	b.hit(submit)
	v.look(b, "admin-account-2fa-pass-issued")
	b.reload()
	v.look(b, "admin-account-2fa-pass-gone")
	b.open(account + "/two-factor")
	v.look(b, "admin-account-2fa-pass-open")
	b.open(account + "/two-factor/exemption")
	v.look(b, "admin-account-2fa-exempt")
	b.hit(submit)
	v.look(b, "admin-account-2fa-exempt-error")
	b.fill("reason", "メールアドレス変更のため")
	b.choose("identity", "yes")
	b.hit(submit)
	v.look(b, "admin-account-2fa-exempted")
	b.open(base + "/admin/exemptions")
	v.look(b, "admin-exemptions")
	b.hit("td form button")
	v.look(b, "admin-exemptions-ended")

	p := w.person(v.t, withEmail)
	c := v.browser(w)
	c.open(base + "/account/security")
	v.password(c, p)
	c.hit("a[href*='/challenge/methods']")
	c.hit("a[href*='/challenge/pass']")
	v.look(c, "challenge-pass")
	c.fill("code", "12345678")
	c.hit("form[action*='/challenge/pass'] button")
	v.look(c, "challenge-pass-error")
}

// console looks at the operators' side.
func (v *viewer) console(w *world) {
	me, p, empty := w.person(v.t, isOperator), w.person(v.t, withEmail), w.person(v.t, withoutTwoFactor)
	full := w.person(v.t, withEmail)
	w.seed(v.t, full, "totp", "sms", "passkey")
	w.trust(v.t, full, "Chrome / Windows", "")
	base := w.Addresses.Provider
	b := v.browser(w)
	b.open(base + "/admin")
	v.look(b, "admin-login")
	v.password(b, me)
	v.look(b, "admin-dashboard")
	b.open(base + "/admin/customers")
	v.look(b, "admin-customers")
	b.open(base + "/admin/customers?q=nothing-like-it")
	v.look(b, "admin-customers-empty")
	v.importing(b, base)
	b.open(base + "/admin/customers/new")
	v.look(b, "admin-customer-new")
	b.hit(submit)
	v.look(b, "admin-customer-new-error")
	b.fill("name", "二つ目の販売先")
	b.fill("code", "C-2")
	b.hit(submit)
	v.look(b, "admin-customer-created")
	b.hit("a[href$='/groups']")
	v.look(b, "admin-groups-empty")
	b.hit("a[href$='/groups/new']")
	v.look(b, "admin-group-new")
	b.hit(submit)
	v.look(b, "admin-group-new-error")
	b.open(base + "/admin/customers?q=" + demo.CustomerCode)
	b.hit("table a")
	b.hit(".tabs a:not([href$='/groups'])")
	v.look(b, "admin-customer")
	b.hit(".pagehead a[href$='/edit']")
	v.look(b, "admin-customer-edit")
	b.back(1)
	b.hit(".tabs a[href$='/groups']")
	b.hit("section a[href$='/edit']")
	v.look(b, "admin-group-edit")
	b.back(1)
	v.look(b, "admin-groups")
	edit := func(p person) string {
		v.t.Helper()
		return js[string](b, `[...document.querySelectorAll("tbody tr")].find((r) => r.innerText.includes(%s)).querySelector("a").href`, p.LoginID)
	}
	account, blank, all := edit(p), edit(empty), edit(full)
	b.hit("a[href$='/accounts/new']")
	v.look(b, "admin-account-new")
	b.hit(submit)
	v.look(b, "admin-account-new-error")
	b.open(account)
	v.look(b, "admin-account")
	b.hit("a[href$='/two-factor']")
	v.look(b, "admin-account-2fa")
	b.hit("a[href$='/reset']")
	v.look(b, "admin-account-2fa-reset")
	b.hit(submit)
	v.look(b, "admin-account-2fa-reset-error")
	b.fill("reason", "メールアドレス変更のため")
	b.choose("identity", "yes")
	b.hit(submit)
	v.look(b, "admin-reset-done")
	b.hit(".actions a")
	v.look(b, "admin-account-2fa-done")
	b.open(account + "/activity")
	v.look(b, "admin-activity")
	b.open(all + "/two-factor")
	v.look(b, "admin-account-2fa-all")
	b.hit("a[href$='/devices']")
	v.look(b, "admin-account-2fa-devices")
	v.spare(b, w, all)
	b.open(all + "/two-factor/reset")
	v.look(b, "admin-account-2fa-reset-all")
	b.open(all + "/two-factor/reset/email")
	v.look(b, "admin-account-2fa-reset-main")
	b.hit(submit)
	v.look(b, "admin-account-2fa-reset-main-error")
	b.open(all + "/two-factor/reset/passkey")
	v.look(b, "admin-account-2fa-reset-passkey")
	b.open(account + "/two-factor/reset/sms")
	v.look(b, "admin-account-2fa-reset-missing")
	b.open(blank + "/two-factor/reset")
	v.look(b, "admin-account-2fa-reset-nothing")
	b = v.browser(w) // signs in anew: the way here may have taken longer than a proof stays fresh
	b.open(base + "/admin/settings/two-factor")
	v.password(b, me)
	v.look(b, "admin-settings-2fa")
	b.choose("store", "on")
	b.hit(submit)
	v.look(b, "admin-settings-2fa-confirm")
	b.hit(submit)
	v.look(b, "admin-settings-2fa-done")
	b.open(blank + "/two-factor")
	v.look(b, "admin-account-2fa-enforced")
	w.lift(v.t)
	b.open(base + "/admin/settings/methods")
	v.look(b, "admin-settings-methods")
	b.hit("a[href$='/methods/admin']")
	v.look(b, "admin-settings-methods-admin")
	b.open(base + "/admin/settings/methods/store")
	v.look(b, "admin-settings-methods-store")
	for _, kind := range []string{"totp", "sms", "passkey"} {
		b.choose("allow-"+kind, "yes")
	}
	b.choose("level", "2fa")
	b.hit(submit)
	v.look(b, "admin-settings-methods-error")
	b.choose("level", "2fa-email")
	b.hit(submit)
	v.look(b, "admin-settings-methods-confirm")
	b.open(base + "/admin/audit")
	v.look(b, "admin-audit")
	b.open(base + "/admin/audit?q=nothing-like-it")
	v.look(b, "admin-audit-empty")
	b.open(base + "/admin/deliveries")
	v.look(b, "admin-deliveries")
	b.hit("table a[href^='/admin/deliveries/']")
	v.look(b, "admin-message")
	b.open(base + "/admin/deliveries?q=nothing-like-it")
	v.look(b, "admin-deliveries-empty")
	b.open(base + "/admin/operators")
	v.look(b, "admin-operators")
	b.open(base + "/admin/roles")
	v.look(b, "admin-roles")
	b.open(base + "/admin/roles/new")
	v.look(b, "admin-role-new")
	b.open(base + "/admin/audit/operators")
	v.look(b, "admin-acts")
	kid := w.waiting(v.t, "EdDSA")
	b.open(base + "/admin/keys")
	v.look(b, "admin-keys")
	b.hit("a[href$='/keys/rotate']")
	v.look(b, "admin-key-rotate")
	b.open(base + "/admin/keys/" + kid + "/revoke")
	v.look(b, "admin-key-revoke")
	b.hit(submit)
	v.look(b, "admin-key-revoke-error")
	b.open(base + "/admin/keys/reseal")
	v.look(b, "admin-key-reseal")
	b.open(base + "/admin/operators")
	b.hit("a[href$='/operators/new']")
	v.look(b, "admin-operator-new")
	b.open(base + "/admin/operators")
	b.hit("table a[href^='/admin/accounts/']")
	v.look(b, "admin-operator")
	b.open(base + "/api/v1")
	// More than a hundred operations look alike, and all of them keep the checker busy for half a minute.
	if left := js[int](b, `(() => {
		const all = [...document.querySelectorAll("section.card[id]")];
		for (const one of all.slice(20)) { document.querySelector('a[href="#' + one.id + '"]').closest("li").remove(); one.remove(); }
		return all.length - 20; })()`); left < 20 {
		v.t.Errorf("api-reference: only %d operations more", left)
	}
	v.look(b, "api-reference")
	b.open(base + "/admin/customers/" + store.MaxID)
	v.look(b, "admin-not-found")
	b.hit("a[href='/admin']") // no dead end
	b.on("/admin")

	// The support desk may not do everything.
	desk := v.browser(w)
	desk.open(base + "/admin")
	v.password(desk, fixture(v.t, "support"))
	desk.open(base + "/admin/settings/two-factor")
	v.look(desk, "admin-settings-2fa-support")
	desk.open(base + "/admin/settings/two-factor/confirm?admin=on&store=on")
	v.look(desk, "admin-forbidden")
	b.open(base + "/admin")
	b.hit("form[action*='/logout/confirm'] button")
	v.look(b, "admin-signed-out")
}

// TestDetector proves that what the tests rely on to notice trouble does notice it.
func TestDetector(t *testing.T) {
	w := enter(t, store.SQLite)
	b := w.browser(t)
	b.open(w.Addresses.Provider + "/nothing")
	for name, script := range map[string]string{
		"inline style":  `document.head.append(Object.assign(document.createElement("style"), {textContent: "p{color:red}"}))`,
		"inline script": `document.head.append(Object.assign(document.createElement("script"), {textContent: "1"}))`,
		"foreign image": `document.body.append(Object.assign(document.createElement("img"), {src: "https://example.com/x.png"}))`,
		"console":       `console.error("trouble")`,
		"exception":     `setTimeout(() => { throw new Error("trouble") })`,
	} {
		js[any](b, "try { "+script+" } catch {}; null")
		deadline := time.Now().Add(patience)
		var said []string
		for len(said) == 0 && time.Now().Before(deadline) {
			said = b.complaints()
			time.Sleep(tick)
		}
		if len(said) == 0 {
			t.Errorf("%s was not noticed", name)
		}
	}
	if picture, err := b.picture(); err != nil || !bytes.HasPrefix(picture, []byte("\x89PNG")) {
		t.Errorf("no picture: %v", err)
	}
	time.Sleep(50 * time.Millisecond)
	b.complaints()
}

package testapp_test

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/store"
)

// The guide's words.
const (
	saysLoginFailed    = "ログインIDまたはパスワードが正しくありません。"
	saysLoginBlank     = "ログインIDを入力してください。"
	saysPasswordBlank  = "パスワードを入力してください。"
	saysPasskeyFailed  = "パスキーの認証を完了できませんでした。もう一度試すか、別の方法を使ってください。"
	saysPasskeyNotMade = "パスキーを作成できませんでした。もう一度試すか、別の方法を使ってください。"
	saysNameBlank      = "パスキーの名前を入力してください。"
	saysNameLong       = "パスキーの名前は40文字以内で入力してください。"
	saysNameForm       = "使えない文字が含まれています。別の名前を入力してください。"
	saysMethodBlank    = "認証方式を選択してください。"
	saysEmailBlank     = "メールアドレスを入力してください。"
	saysEmailForm      = "メールアドレスの形式が正しくありません。例：name@example.co.jp"
	saysEmailLong      = "メールアドレスが長すぎます。254文字以内で入力してください。"
	saysPhoneBlank     = "携帯電話番号を入力してください。"
	saysPhoneForm      = "携帯電話番号の形式が正しくありません。例：09012345678"
	saysPhoneCountry   = "この国・地域の番号には送信できません。"
	saysCodeBlank      = "認証コードを入力してください。"
	saysCodeForm       = "認証コードは6桁の数字です。"
	saysBackupBlank    = "バックアップコードを入力してください。"
	saysBackupWrong    = "バックアップコードが正しくないか、すでに使われています。"
	saysSavedBlank     = "コードを保存し、チェックを入れてください。"
	saysOrderStale     = "設定済みの認証方式が変わりました。"
	saysLinkGone       = "このリンクは使えません"
	saysReasonBlank    = "初期化の理由を入力してください。"
	saysReasonLong     = "理由は128文字以内で入力してください。"
	saysIdentityBlank  = "ご本人からの依頼であることを確認してください。"
	saysUseBlank       = "「利用する」または「利用しない」を選択してください。"
	saysSettingBlank   = "「強制する」または「強制しない」を選択してください。"
	saysElsewhere      = "ほかの担当者が更新しました。最新の内容を確認してください。"
	saysMethodsBlank   = "使える認証方式を1つ以上選択してください。"
	saysLevelBlank     = "求める安全性を選択してください。"
	saysDaysForm       = "「提供しない」または30日間までの日数を選択してください。"
	saysCustomerName   = "販売先名を入力してください。"
	saysCustomerCode   = "販売先コードを入力してください。"
	saysCustomerForm   = "販売先コードは半角の英数字とハイフンで、32文字以内で入力してください。"
	saysGroupName      = "ユーザーグループ名を入力してください。"
	saysHundred        = "100文字以内で入力してください。"
	saysPersonName     = "氏名を入力してください。"
	saysLoginIDForm    = "ログインIDは半角の英数字と . _ - @ で、64文字以内で入力してください。"
	saysRoleBlank      = "権限を選択してください。"
	saysPasswordLong   = "パスワードは256文字以内にしてください。"
	saysPasswordShort  = "文字以上にしてください。"
	saysHoursBlank     = "免除する時間を、1時間から72時間の間で選んでください。"
	saysMinutesBlank   = "有効な時間を、15分から60分の間で選んでください。"
	saysSpareBlank     = "理由を入力してください。"
	saysPassForm       = "8桁の数字で入力してください。"
	saysPassWrong      = "コードが正しくないか、有効な時間を過ぎています。"
	saysDecide         = "許可するかどうかを選択してください。"
	saysCurrentBlank   = "現在のパスワードを入力してください。"
	saysCurrentWrong   = "現在のパスワードが正しくありません。"
)

// cast is everybody and everything that bad input is tried on.
type cast struct {
	*watched

	t *testing.T
	// customer and operator have everything; other is a customer who has it too, and whose things are foreign to everybody else.
	customer, operator, other *person
	// staff is an operator's browser that may do everything in the console.
	staff *testapp.Browser
	// code, text and shown are codes of the other person's: by mail, by SMS, of their app.
	code, text, shown string
	// credential is what the other person's passkey answered in their own sign-in.
	credential string
}

// badInputCases sets the stage, and lists every form and page with what may be wrong about it.
func badInputCases(t *testing.T, a *watched) ([]form, []look) {
	t.Helper()
	allowEverything(t, a.App)
	c := &cast{
		watched: a, t: t,
		customer: everythingSetUp(t, a.App, account.KindStore, "kikuchi", 1),
		operator: everythingSetUp(t, a.App, account.KindOperator, "kanri", 2),
		other:    everythingSetUp(t, a.App, account.KindStore, "mori", 3),
		staff:    a.NewBrowser(t),
	}
	a.SignIn(t, c.staff, "/admin", "operator")
	c.foreign()
	start, looks := c.signIn()
	self, more := c.selfService()
	console, rest := c.console()
	passwords, words := c.passwords()
	roles, table := c.roles()
	rollout, lists := c.rollout()
	many, results := c.many()
	keys, shown := c.keys()
	clients, parties := c.clients()
	tokens, issued := c.registration()
	second, requests := c.approvals()
	devices, asked := c.devices()
	forms := slices.Concat(start, c.setUp(), c.challenge(), self, console, passwords, roles, rollout, many, keys, clients, devices, tokens, second)
	return forms, slices.Concat(looks, more, rest, words, table, lists, results, shown, parties, asked, issued, requests)
}

// quiet forgets wrong guesses.
func (c *cast) quiet() { c.watched.calm(c.t) }

// foreign brings the other person's sign-in to its challenge by every method.
func (c *cast) foreign() {
	c.t.Helper()
	b := c.NewBrowser(c.t)
	sent, texts := len(c.Mail.Mails(c.other.address)), len(c.SMS.Texts(e164(c.other.phone)))
	flow := "?flow=" + c.Password(c.t, b, c.other.home, c.other.account.LoginID).Flow()
	c.code = c.Code(c.t, c.other.address, sent)
	b.Get("/signin/challenge/sms" + flow)
	c.text = c.TextCode(c.t, e164(c.other.phone), texts)
	c.shown = c.other.app.Code(c.Clock.Now())
	c.credential = answerTo(c.t, b, "/signin/challenge/passkey/options"+flow, c.other.keys[0].Get)
}

// same says one thing of every bad value.
func same(name, text string, with url.Values) field {
	return field{name: name, with: with, blank: text, bad: text}
}

// codeField is a code of six digits.
func codeField(with url.Values, foreign ...string) field {
	return field{name: "code", with: with, blank: saysCodeBlank, bad: saysCodeForm, foreign: foreign, wrong: wrongText}
}

// signIn are the pages before anybody has said who they are, and those that need no sign-in.
func (c *cast) signIn() ([]form, []look) {
	c.t.Helper()
	rp := c.RelyingParty(c.t, "store")
	b, elsewhere := c.NewBrowser(c.t), c.NewBrowser(c.t)
	flow := "?flow=" + b.Open(rp.AuthorizeURL()).Flow()
	theirs := "?flow=" + elsewhere.Open(rp.AuthorizeURL()).Flow()
	login := answerTo(c.t, elsewhere, "/signin/passkey/options"+theirs, c.customer.keys[0].Get)
	leaving := c.NewBrowser(c.t)
	c.SignIn(c.t, leaving, "/account/security", "suzuki")
	forms := []form{
		{pattern: "/signin", path: "/signin" + flow, b: b, fields: []field{
			{name: "username", with: value("password", "wrong"), blank: saysLoginBlank, bad: saysLoginFailed, refilled: true},
			{name: "password", with: value("username", "nobody"), blank: saysPasswordBlank, bad: saysLoginFailed, raw: true, before: c.quiet},
		}},
		{pattern: "/signin/passkey", path: "/signin/passkey" + flow, page: "/signin" + flow, b: b, leads: "/signin" + flow, fields: []field{
			{
				name: "credential", blank: saysPasskeyFailed, bad: saysPasskeyFailed, foreign: []string{login, c.credential}, wrong: saysPasskeyFailed,
				before: func() { b.Post("/signin/passkey/options"+flow, nil) },
			},
		}},
		{pattern: "/signin/passkey/options", path: "/signin/passkey/options" + flow, b: b, script: true},
		{pattern: "/account/undo", path: "/account/undo", page: "/account/undo?ticket=" + c.other.undo, b: c.NewBrowser(c.t), status: http.StatusNotFound, fields: []field{
			{name: "ticket", blank: saysLinkGone, bad: saysLinkGone, foreign: []string{strings.Repeat("A", 43), c.other.undo[:42], c.other.undo + "A"}, wrong: saysLinkGone},
		}},
		{pattern: "/logout/confirm", path: "/logout/confirm", page: "/logout", b: leaving, acts: true, fields: []field{
			{name: "kind", fits: anything},
			{name: "everywhere", fits: anything},
		}},
		c.consent(),
	}
	looks := []look{
		{pattern: "/signin/continue", path: "/signin/continue" + flow, b: b, parameters: []string{"step"}},
		{pattern: "/signin/backup-codes.txt", path: "/signin/backup-codes.txt" + flow, b: b, parameters: []string{"q"}},
		{pattern: "/signin/challenge/methods", path: "/signin/challenge/methods" + flow, b: b, parameters: []string{"method"}},
		{pattern: "/signin/start", path: "/signin/start", b: c.NewBrowser(c.t), parameters: []string{"to", "fresh"}},
		{pattern: "/account/undo", path: "/account/undo", b: c.NewBrowser(c.t), parameters: []string{"ticket"}},
		{pattern: "/account/undo/done", path: "/account/undo/done", b: c.NewBrowser(c.t), parameters: []string{"kind"}},
		{pattern: "/signed-out", path: "/signed-out", b: c.NewBrowser(c.t), parameters: []string{"kind"}},
	}
	return forms, looks
}

// consent is the page that asks what an application may learn.
func (c *cast) consent() form {
	c.t.Helper()
	b, rp := c.NewBrowser(c.t), thirdParty(c.t, c.App)
	who := string(shopperWithout(c.t, c.App, "kyodaku").ID)
	page := c.SignInBy(c.t, b, rp.AuthorizeURL(), "kyodaku", testapp.ByEmail)
	return form{pattern: "/signin/consent", path: page.URL.RequestURI(), b: b, fields: []field{
		{name: "decision", with: value("account", who), blank: saysDecide, bad: saysDecide, foreign: []string{"ALLOW", "yes", "true"}, wrong: saysDecide},
		{name: "account", with: value("decision", "allow"), status: http.StatusSeeOther, foreign: []string{string(c.other.account.ID), strings.ToUpper(who)}},
	}}
}

// setUp are the pages that set up the first factor inside a sign-in.
func (c *cast) setUp() []form {
	c.t.Helper()
	rp := c.RelyingParty(c.t, "store")
	b := c.NewBrowser(c.t)
	newcomer(c.t, c.App, account.KindStore, "shinki")
	flow := "?flow=" + c.Password(c.t, b, rp.AuthorizeURL(), "shinki").Flow()
	const address, phone = "shinki-2fa@example.jp", "09012349001"
	b.Submit("/signin/two-factor/email"+flow, value("do", "send", "email", address))
	b.Submit("/signin/two-factor/sms"+flow, value("do", "send", "country", "JP", "tel", phone))
	b.Get("/signin/two-factor/totp" + flow)

	done := c.NewBrowser(c.t)
	newcomer(c.t, c.App, account.KindStore, "owari")
	end := "?flow=" + c.Password(c.t, done, rp.AuthorizeURL(), "owari").Flow()
	done.Submit("/signin/two-factor/email"+end, value("do", "send", "email", "owari-2fa@example.jp"))
	done.Submit("/signin/two-factor/email"+end, value("do", "verify", "email", "owari-2fa@example.jp", "code", c.Code(c.t, "owari-2fa@example.jp", 0)))

	at := func(what string) form {
		pattern := "/signin/two-factor" + what
		return form{pattern: pattern, path: pattern + flow, b: b, calm: c.quiet}
	}
	choice := at("")
	choice.fields = []field{{
		name: "method", blank: saysMethodBlank, bad: saysMethodBlank,
		foreign: []string{"backup", "trusted_device", "password", "EMAIL", "email/../../admin"}, wrong: saysMethodBlank,
	}}
	forms := []form{choice}
	forms = append(forms, c.addresses(at, address, phone)...)
	forms = append(forms, c.others(at, func() { b.Post("/signin/two-factor/passkey/options"+flow, nil) })...)
	later := at("/later")
	later.unseen = true // nobody has days to put it off
	return append(forms, later, form{
		pattern: "/signin/backup-codes", path: "/signin/backup-codes" + end, b: done,
		fields: []field{{name: "saved", blank: saysSavedBlank, fits: ticked}},
	})
}

// addresses are the two-step pages of mail and SMS, with a code under way.
func (c *cast) addresses(at func(string) form, address, phone string) []form {
	email, sms := at("/email"), at("/sms")
	email.fields = []field{
		same("do", saysEmailBlank, value("email", "", "code", "")),
		{name: "email", with: value("do", "send"), blank: saysEmailBlank, bad: saysEmailForm, long: saysEmailLong, refilled: true},
		codeField(value("do", "verify", "email", address), c.code),
	}
	number := value("do", "send", "country", "JP")
	sms.fields = []field{
		same("do", saysPhoneBlank, value("country", "JP", "tel", "", "code", "")),
		{
			name: "country", with: value("do", "send", "tel", phone), blank: saysPhoneCountry, bad: saysPhoneCountry,
			foreign: []string{"US", "jp", "81"}, wrong: saysPhoneCountry,
		},
		{name: "tel", with: number, blank: saysPhoneBlank, bad: saysPhoneForm, refilled: true},
		codeField(value("do", "verify", "country", "JP", "tel", phone), c.text),
	}
	return []form{email, sms}
}

// others are the set-up pages of an app and of a passkey.
func (c *cast) others(at func(string) form, ask func()) []form {
	app, passkey, options := at("/totp"), at("/passkey"), at("/passkey/options")
	app.fields = []field{same("do", saysCodeBlank, value("code", "")), codeField(value("do", "verify"), c.shown)}
	passkey.fields = []field{
		{name: "name", with: value("credential", ""), blank: saysPasskeyNotMade, bad: saysPasskeyNotMade, long: saysNameLong, refilled: true},
		{
			name: "credential", with: value("name", "鍵"), blank: saysPasskeyNotMade, bad: saysPasskeyNotMade, before: ask,
			foreign: []string{c.credential, "{}", "null", "[]", `{"id":"x"}`}, wrong: saysPasskeyNotMade,
		},
	}
	options.script = true
	return []form{app, passkey, options}
}

// challenge are the pages that ask for a second factor.
func (c *cast) challenge() []form {
	c.t.Helper()
	b := c.NewBrowser(c.t)
	p := c.Password(c.t, b, c.customer.home, c.customer.account.LoginID)
	flow := "?flow=" + p.Flow()
	b.Get("/signin/challenge/sms" + flow)
	at := func(what string) form {
		pattern := "/signin/challenge" + what
		return form{pattern: pattern, path: pattern + flow, b: b, calm: c.quiet}
	}
	// Anything but its own code is foreign to a page, also what is right on the next one.
	coded := func(f form, foreign ...string) form {
		f.fields = []field{
			same("do", saysCodeBlank, value("code", "")), codeField(value("do", "verify"), foreign...),
			same("trust_device", saysCodeForm, value("do", "verify", "code", "x")),
		}
		return f
	}
	email, sms, app := at(""), at("/sms"), at("/totp")
	for _, f := range []*form{&sms, &app} {
		f.pattern, f.elsewhere = "/signin/challenge/{method}", "/signin/challenge/methods"
		f.own, _, _ = strings.Cut(strings.TrimPrefix(f.path, "/signin/challenge/"), "?")
		f.foreign = append([]string{"trusted_device", "password", "EMAIL", "none"}, malformedIDs()...)
	}
	passkey, options, backup := at("/passkey"), at("/passkey/options"), at("/backup")
	pass := at("/pass")
	pass.fields = []field{{
		name: "code", blank: saysPassForm, bad: saysPassForm, foreign: []string{"12345678", "8765 4321"}, wrong: saysPassWrong,
	}}
	ask := func() { b.Post(options.path, nil) }
	passkey.fields = []field{
		{
			name: "credential", blank: saysPasskeyFailed, bad: saysPasskeyFailed, before: ask,
			foreign: []string{c.credential, "{}", "null"}, wrong: saysPasskeyFailed,
		},
		same("trust_device", saysPasskeyFailed, value("credential", "")),
	}
	options.script = true
	backup.fields = []field{{
		name: "code", blank: saysBackupBlank, bad: saysBackupWrong,
		foreign: []string{c.BackupCodes["sato"][0], "2345-6789-ABCD-EFGH"}, wrong: saysBackupWrong,
	}}
	return []form{
		coded(email, c.code, c.shown), coded(sms, c.text), coded(app, c.shown), passkey, options, backup, pass,
		{pattern: "/signin/cancel", path: "/signin/cancel" + flow, page: email.path, b: b},
	}
}

// selfService are the pages of people's own settings, once for customers and once for operators.
func (c *cast) selfService() ([]form, []look) {
	c.t.Helper()
	var forms []form
	var looks []look
	for _, p := range []*person{c.customer, c.operator} {
		address, phone := p.account.LoginID+"-next@example.jp", "0901234"+p.phone[7:10]+"9"
		p.b.Submit(p.home+"/email", value("do", "send", "email", address))
		p.b.Submit(p.home+"/sms", value("do", "send", "country", "JP", "tel", phone))
		p.b.Get(p.home + "/totp")
		at := func(what string) form {
			return form{pattern: p.home + what, path: p.home + what, b: p.b, calm: c.quiet}
		}
		forms = append(forms, c.addresses(at, address, phone)...)
		forms = append(forms, c.others(at, func() { p.b.Post(p.home+"/passkey/options", nil) })...)
		forms = append(forms, c.lists(at, p)...)

		// Somebody who has codes to save.
		saving := c.NewBrowser(c.t)
		login := "kodo-" + p.account.Kind
		newcomer(c.t, c.App, p.account.Kind, login)
		c.SignIn(c.t, saving, p.home, login)
		saving.Post(p.home+"/backup-codes", nil)
		codes, again := at("/backup-codes"), at("/backup-codes")
		codes.b, codes.fields = saving, []field{{name: "saved", blank: saysSavedBlank, fits: ticked}}
		forms = append(forms, codes, again)

		looks = append(looks,
			look{pattern: p.home, path: p.home, b: p.b, parameters: []string{"q"}},
			look{pattern: p.home + "/order", path: p.home + "/order", b: p.b, parameters: []string{"order"}},
			look{pattern: p.home + "/backup-codes.txt", path: p.home + "/backup-codes.txt", b: p.b, parameters: []string{"q"}},
		)
	}
	return forms, looks
}

// lists are the pages of what a person has: its order, and the end of each.
func (c *cast) lists(at func(string) form, p *person) []form {
	foreign := malformedIDs()
	for _, id := range []string{
		string(c.other.passkeys[0].ID), string(c.other.devices[0].ID), string(c.other.session), string(c.other.account.ID), string(p.account.ID),
	} {
		foreign = append(foreign, id, strings.ToUpper(id))
	}
	one := func(what, id, page string) form {
		f := at(strings.Replace(what, "{id}", id, 1))
		f.pattern, f.own, f.foreign = p.home+what, id, foreign
		if page != "" {
			f.page = p.home + strings.TrimPrefix(page, "/home")
		}
		return f
	}
	key := string(p.passkeys[0].ID)
	rename := one("/passkey/{id}/rename", key, "/passkey")
	rename.fields = []field{{
		name: "name-" + key, blank: saysNameBlank, long: saysNameLong, fits: words, refilled: true,
		foreign: []string{"a\u00adb", "a\ufffdb", "a\U000e0041b"}, wrong: saysNameForm,
	}}
	order := at("/order")
	order.fields = []field{{
		name: "order", blank: saysOrderStale, bad: saysOrderStale,
		foreign: []string{"email", "email.sms", "email.email.sms.totp.passkey", "email.sms.totp.passkey.backup", "email sms totp passkey", "email,sms,totp,passkey"},
		wrong:   saysOrderStale,
	}}
	remove := one("/{method}/remove", "", "")
	remove.path, remove.own = p.home+"/totp/remove", "totp"
	remove.foreign = append([]string{"backup", "trusted_device", "password", "TOTP", "totp ", "sessions"}, malformedIDs()...)
	end := one("/sessions/{id}/end", string(p.session), "/home")
	others := at("/sessions/end-others")
	others.page = p.home
	all := at("/devices/remove-all")
	device := one("/devices/{id}/remove", string(store.NewID[store.DeviceID]()), "")
	if len(p.devices) > 0 {
		device = one("/devices/{id}/remove", string(p.devices[0].ID), "")
	} else {
		device.unseen, all.unseen = true, true // operators have none
	}
	app := one("/apps/{client}/revoke", "plain", "")
	app.path, app.unseen = strings.Replace(app.path, "{client}", "plain", 1), p != c.customer
	if !app.unseen {
		inTx(c.t, c.App, func(tx *store.Tx) error {
			return tx.PutConsent(c.t.Context(), store.PutConsentParams{AccountID: p.account.ID, ClientID: "plain", Scope: "openid", Now: c.Clock.Now()})
		})
	}
	return []form{rename, one("/passkey/{id}/remove", key, ""), order, remove, end, others, device, all, app}
}

// passable says which samples are good passwords.
func passable(v sample) bool { return !v.long && utf8.RuneCountInString(v.value) >= 8 }

// passwords are the pages that change a password, and those for people who forgot it.
func (c *cast) passwords() ([]form, []look) {
	c.t.Helper()
	var forms []form
	var looks []look
	for _, at := range []struct {
		base string
		p    *person
	}{{"/password", c.other}, {"/admin/password", c.operator}} {
		b, to := c.NewBrowser(c.t), testapp.RegisteredAddress(at.p.account.LoginID)
		sent := len(c.Mail.Mails(to))
		b.Post(at.base+"/forgot", value("username", at.p.account.LoginID))
		_, ticket, _ := strings.Cut(c.Link(c.t, to, sent), "?ticket=")
		const good = "とてもよい合言葉です"
		choice := func(with url.Values) field {
			return field{
				name: "password", with: with, blank: saysPasswordBlank, bad: saysPasswordShort, long: saysPasswordLong, raw: true, fits: passable,
			}
		}
		accepted := func(f field) field { // its ticket is, so that its form comes back
			f.status = http.StatusUnprocessableEntity
			return f
		}
		forms = append(forms,
			form{pattern: at.base + "/forgot", path: at.base + "/forgot", b: b, fields: []field{
				{name: "username", blank: saysLoginBlank, fits: ticked}, // whatever else it is, the answer is one
			}},
			form{pattern: at.base + "/reset", path: at.base + "/reset", page: at.base + "/reset?ticket=" + ticket, b: b, status: http.StatusGone, fields: []field{
				{
					name: "ticket", with: value("password", good), blank: saysLinkGone, bad: saysLinkGone, wrong: saysLinkGone,
					foreign: []string{c.customer.undo, ticket[:42], ticket + "A", strings.Repeat("A", 43)},
				},
				accepted(choice(value("ticket", ticket))), accepted(same("username", saysPasswordBlank, value("ticket", ticket))),
			}},
			form{pattern: at.p.home + "/password", path: at.p.home + "/password", b: at.p.b, fields: []field{
				{name: "current", with: value("password", good), blank: saysCurrentBlank, bad: saysCurrentWrong, raw: true, before: c.quiet},
				choice(value("current", "futakagi-demo")), same("username", saysCurrentBlank, value("password", good)),
			}},
		)
		looks = append(looks,
			look{pattern: at.base + "/forgot", path: at.base + "/forgot", b: b, parameters: []string{"flow"}},
			look{pattern: at.base + "/sent", path: at.base + "/sent", b: b, parameters: []string{"flow"}},
			look{pattern: at.base + "/reset", path: at.base + "/reset", b: b, parameters: []string{"ticket"}},
			look{pattern: at.base + "/done", path: at.base + "/done", b: b, parameters: []string{"q"}},
		)
	}
	return forms, looks
}

// message is one that was sent.
func (c *cast) message() string {
	c.t.Helper()
	messages, err := c.DB.Read().ListMessages(c.t.Context(), store.ListMessagesParams{Since: time.Unix(0, 0), BeforeAt: time.Unix(1<<33, 0), BeforeID: store.MaxID, PageSize: 1})
	if err != nil || len(messages) == 0 {
		c.t.Fatalf("no message was sent: %v", err)
	}
	return string(messages[0].ID)
}

// console are the console's pages.
func (c *cast) console() ([]form, []look) {
	c.t.Helper()
	target := c.other.account
	group, err := c.DB.Read().GetUserGroup(c.t.Context(), *target.UserGroupID)
	if err != nil {
		c.t.Fatal(err)
	}
	foreign := append(malformedIDs(), string(c.other.session), string(c.other.passkeys[0].ID))
	at := func(pattern, id string, fields ...field) form {
		f := form{pattern: "/admin" + pattern, path: "/admin" + strings.Replace(pattern, "{id}", id, 1), b: c.staff, fields: fields}
		if id != "" {
			f.own, f.foreign = id, foreign
		}
		return f
	}
	on := func(f form, page string) form {
		f.page = page
		return f
	}
	person, customer, place := string(target.ID), string(group.CustomerID), string(group.ID)
	accountPage := "/admin/accounts/" + person
	version := func(with url.Values) field { return same("version", saysElsewhere, with) }
	// current completes what is posted by the version of what its page shows.
	current := func(f form) form {
		shown, _ := formsOf(c.staff.Get(f.path).Body, f.path)
		for i, known := range f.fields {
			if known.name != "version" {
				f.fields[i].with = maps.Clone(known.with)
				f.fields[i].with.Set("version", shown["version"])
			}
		}
		return f
	}
	names := func(blank string, with url.Values, otherwise string) field {
		return field{name: "name", with: with, blank: blank, bad: otherwise, long: saysHundred, refilled: true}
	}
	email := field{name: "email", with: value("name", ""), blank: saysEmailBlank, bad: saysEmailForm, long: saysEmailLong, refilled: true}
	role := same("role", saysRoleBlank, value("name", ""))
	role.foreign, role.wrong = []string{"administrator", "ADMIN"}, saysRoleBlank
	newAccount := []field{
		names(saysPersonName, value("login_id", ""), saysLoginBlank), email, role,
		{name: "login_id", with: value("name", ""), blank: saysLoginBlank, bad: saysLoginIDForm, refilled: true},
		{name: "password", with: value("name", ""), blank: saysPasswordBlank, bad: saysPersonName, long: saysPasswordLong, raw: true},
	}
	newOperator := slices.Clone(newAccount)
	newOperator[2].foreign = []string{"buyer", "ADMINISTRATOR"}
	reset := resetFields()
	one := at("/accounts/{id}/two-factor/reset/{method}", person, reset...)
	one.path, one.own = strings.Replace(one.path, "{method}", "totp", 1), "totp"
	one.foreign = []string{"backup", "trusted_device", "TOTP", "x", "🔑", "' OR ''='"}
	device := on(at("/accounts/{id}/two-factor/devices/{device}", person), accountPage+"/two-factor")
	device.own = string(c.other.devices[0].ID)
	device.path, device.foreign = strings.Replace(device.path, "{device}", device.own, 1), append(foreign, string(c.customer.devices[0].ID))
	inTx(c.t, c.App, func(tx *store.Tx) error {
		return tx.PutConsent(c.t.Context(), store.PutConsentParams{AccountID: target.ID, ClientID: "plain", Scope: "openid", Now: c.Clock.Now()})
	})
	app := on(at("/accounts/{id}/apps/{client}/revoke", person), accountPage)
	app.path, app.own = strings.Replace(app.path, "{client}", "plain", 1), "plain"
	// Neither form is ever complete: the one asks for hours, the other for minutes.
	spare := func(what, length, says string, foreign ...string) form {
		whole := value("reason", "電話で本人確認", "identity", "yes")
		lasts := same(length, says, whole)
		lasts.foreign, lasts.wrong = append(foreign, "-1", "1e1", "99999999999999999999", "0x1"), says
		return at("/accounts/{id}/two-factor/"+what, person, lasts,
			field{name: "reason", blank: saysSpareBlank, bad: saysIdentityBlank, long: saysReasonLong, refilled: true},
			field{name: "identity", with: value("reason", "電話で本人確認"), blank: saysIdentityBlank, bad: says},
		)
	}
	newcomer(c.t, c.App, account.KindStore, "menjo")
	exempt(c.t, c.App, "menjo", 72)
	spared := string(c.Account(c.t, "menjo").ID)
	over := on(at("/accounts/{id}/two-factor/exemption/end", spared, field{name: "version"}), "/admin/accounts/"+spared+"/two-factor")
	over.status = http.StatusConflict
	state := on(at("/accounts/{id}/state", person, field{name: "do"}), accountPage)
	state.status, state.press = http.StatusBadRequest, value("do", "disable")

	confirm := at("/settings/two-factor/confirm", "",
		same("store", saysSettingBlank, value("admin", "off")), same("admin", saysSettingBlank, value("store", "off")),
		field{name: "store.former", fits: anything}, field{name: "admin.former", fits: anything},
	)
	confirm.path += "?admin=off&store=off"
	chosen := value("allow-email", "yes", "allow-totp", "yes", "allow-sms", "yes", "allow-passkey", "yes", "level", "2fa-email", "days", "30")
	boxes := func(fits func(sample) bool) []field {
		var out []field
		for _, m := range []string{"email", "sms", "totp", "passkey"} {
			out = append(out, field{name: "allow-" + m, with: value("level", "2fa-email", "days", "30"), blank: saysMethodsBlank, fits: fits})
		}
		return out
	}
	policy := []field{same("level", saysLevelBlank, chosen), same("days", saysDaysForm, chosen)}
	policy[1].foreign, policy[1].wrong = []string{"31", "-1", "1e1", "99999999999999999999", "0x1"}, saysDaysForm
	const store = "/admin/settings/methods/store"
	shown, _ := formsOf(c.staff.Get(store).Body, store)
	fewer := maps.Clone(chosen)
	fewer.Set("days", "7")
	fewer.Set("version", shown["version"])
	policy = append(policy, version(fewer))
	methods := at("/settings/methods/{surface}", "", append(boxes(ticked), policy...)...)
	methods.path, methods.own, methods.foreign = store, "store", []string{"x", "STORE", "operator", "🔑", "' OR ''='"}
	sure := at("/settings/methods/{surface}/confirm", "", append(boxes(anything), policy...)...)
	sure.path, sure.own, sure.foreign = store+"/confirm?"+fewer.Encode(), "store", methods.foreign

	forms := []form{
		at("/customers/new", "", names(saysCustomerName, value("code", ""), saysCustomerCode),
			field{name: "code", with: value("name", ""), blank: saysCustomerCode, bad: saysCustomerForm, refilled: true}),
		current(at("/customers/{id}/edit", customer, version(value("name", "x", "code", "C-1")), names(saysCustomerName, value("code", ""), saysCustomerCode),
			field{name: "code", with: value("name", ""), blank: saysCustomerCode, bad: saysCustomerForm, refilled: true})),
		at("/customers/{id}/groups/new", customer, field{name: "name", blank: saysGroupName, long: saysHundred, fits: words, refilled: true}),
		current(at("/groups/{id}/edit", place, version(value("name", "x")),
			field{name: "name", with: url.Values{}, blank: saysGroupName, long: saysHundred, fits: words, refilled: true})),
		at("/groups/{id}/accounts/new", place, newAccount...),
		at("/operators/new", "", newOperator...),
		current(at("/accounts/{id}", person, version(value("name", "x", "email", "x@example.jp", "role", "buyer")),
			names(saysPersonName, value("email", "", "role", "buyer"), saysEmailBlank), email, role)),
		on(at("/accounts/{id}/password", person, field{
			name: "password", blank: saysPasswordBlank, bad: saysPasswordShort, long: saysPasswordLong, raw: true, fits: passable,
		}), accountPage),
		state, on(at("/accounts/{id}/reset-mail", person), accountPage),
		at("/accounts/{id}/two-factor", person, same("use", saysUseBlank, value("version", target.TwoFactor)),
			field{name: "version", with: value("use", "off"), bad: saysElsewhere, fits: blank}),
		at("/accounts/{id}/two-factor/reset", person, reset...), one,
		at("/accounts/{id}/two-factor/devices", person), device, app, on(at("/accounts/{id}/sessions/end", person), accountPage),
		spare("exemption", "hours", saysHoursBlank, "0", "73"), spare("pass", "minutes", saysMinutesBlank, "14", "61"),
		over,
		at("/settings/two-factor", "", withReenrol(same("store", saysSettingBlank, value("admin", "off")), same("admin", saysSettingBlank, value("store", "off")))...),
		confirm, methods, sure,
	}
	export := on(at("/audit/export", "", field{name: "format"}, field{name: "from", fits: anything}), "/admin/audit")
	export.status = http.StatusBadRequest
	forms = append(forms, export)
	message := c.message()
	looks := []look{
		{pattern: "/admin/deliveries/{id}", path: "/admin/deliveries/" + message, b: c.staff, own: message, foreign: foreign},
		{pattern: "/admin", path: "/admin", b: c.staff, parameters: []string{"q"}},
		{pattern: "/admin/customers", path: "/admin/customers", b: c.staff, parameters: []string{"q", "status", "kind", "after", "back"}},
		{pattern: "/admin/customers/{id}", path: "/admin/customers/" + customer, b: c.staff, own: customer, foreign: foreign},
		{pattern: "/admin/customers/{id}/groups", path: "/admin/customers/" + customer + "/groups", b: c.staff, own: customer, foreign: foreign},
		{pattern: "/admin/accounts/{id}/activity", path: accountPage + "/activity", b: c.staff, own: person, foreign: foreign, parameters: []string{"after", "back"}},
		{pattern: "/admin/operators", path: "/admin/operators", b: c.staff, parameters: []string{"after"}},
		{pattern: "/admin/settings/methods", path: "/admin/settings/methods", b: c.staff, parameters: []string{"q"}},
		{pattern: "/admin/exemptions", path: "/admin/exemptions", b: c.staff, parameters: []string{"after", "back"}},
		{
			pattern: "/admin/accounts/{id}/two-factor/pass/issued", path: accountPage + "/two-factor/pass/issued", b: c.staff, own: person,
			foreign: foreign, parameters: []string{"pass"},
		},
		{pattern: "/admin/audit", path: "/admin/audit", b: c.staff, parameters: []string{"from", "to", "q", "kind", "result", "client", "account", "request", "actor", "after", "back"}},
		{pattern: "/admin/deliveries", path: "/admin/deliveries", b: c.staff, parameters: []string{"q", "state", "account", "after", "back"}},
	}
	resets, reports := c.reset(person, customer, foreign)
	return slices.Concat(forms, resets), slices.Concat(looks, reports)
}

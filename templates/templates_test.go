package templates

import (
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func newSet(t *testing.T) *Set {
	t.Helper()
	set, err := New(Config{Brand: testBrand()})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// tag is one start tag. Our templates escape ">" in attributes, so reading tags with an expression is exact.
type tag struct {
	name  string
	attrs map[string]string
	order int
}

var (
	tagExpr  = regexp.MustCompile(`<([a-z][a-z0-9]*)((?:\s+[^\s=>/]+(?:="[^"]*")?)*)\s*/?>`)
	attrExpr = regexp.MustCompile(`([^\s=>/]+)(?:="([^"]*)")?`)
)

func tags(page string) []tag {
	var list []tag
	for i, m := range tagExpr.FindAllStringSubmatch(page, -1) {
		item := tag{name: m[1], attrs: map[string]string{}, order: i}
		for _, a := range attrExpr.FindAllStringSubmatch(m[2], -1) {
			item.attrs[a[1]] = a[2]
		}
		list = append(list, item)
	}
	return list
}

func TestPages(t *testing.T) {
	set := newSet(t)
	for _, lang := range Langs() {
		for _, f := range fixtures(textIn(set, lang)) {
			t.Run(f.name+"/"+string(lang), func(t *testing.T) {
				body, err := f.render(set, Frame{Lang: lang, Path: "/" + f.name + "?flow=1"})
				if err != nil {
					t.Fatal(err)
				}
				checkPage(t, string(body), lang)
			})
		}
	}
}

// checkPage looks for what a browser or a screen reader would stumble over.
func checkPage(t *testing.T, page string, lang Lang) {
	t.Helper()
	if !strings.HasPrefix(page, "<!DOCTYPE html>\n<html lang=\""+string(lang)+"\">") {
		t.Errorf("page does not start with its language: %.80q", page)
	}
	for _, bad := range []string{"ZgotmplZ", "<no value>", "%!", "{{"} {
		if strings.Contains(page, bad) {
			t.Errorf("page contains %q", bad)
		}
	}
	// The script of every page, and that of passkeys where there is one to use; none of anybody else's, and none in the page itself.
	if n := strings.Count(page, "<script"); n != strings.Count(page, `<script src="/assets/`) || n < 1 || n > 2 || strings.Count(page, "</script>") != strings.Count(page, `defer></script>`) {
		t.Errorf("page has %d scripts, or one that is not ours", n)
	}

	all := tags(page)
	ids := map[string]bool{}
	labelled := map[string]bool{}
	h1, lastHeading := 0, 0
	for _, tg := range all {
		if id, ok := tg.attrs["id"]; ok {
			if id == "" || ids[id] {
				t.Errorf("id %q is empty or used twice", id)
			}
			ids[id] = true
		}
		if tg.name == "label" && tg.attrs["for"] != "" {
			labelled[tg.attrs["for"]] = true
		}
		for name := range tg.attrs {
			if name == "style" || strings.HasPrefix(name, "on") {
				t.Errorf("<%s> has the inline attribute %s", tg.name, name)
			}
		}
		if len(tg.name) == 2 && tg.name[0] == 'h' && tg.name[1] >= '1' && tg.name[1] <= '6' {
			level := int(tg.name[1] - '0')
			if level == 1 {
				h1++
			}
			if level > lastHeading+1 {
				t.Errorf("heading <%s> skips a level", tg.name)
			}
			lastHeading = level
		}
	}
	if h1 != 1 {
		t.Errorf("page has %d h1, want 1", h1)
	}

	for _, tg := range all {
		for _, name := range []string{"for", "aria-describedby", "aria-labelledby", "aria-controls", "form", "popovertarget", "data-copy", "data-status", "data-reveal"} {
			for id := range strings.FieldsSeq(tg.attrs[name]) {
				if !ids[id] {
					t.Errorf("<%s %s> points to the missing id %q", tg.name, name, id)
				}
			}
		}
		if href, ok := strings.CutPrefix(tg.attrs["href"], "#"); ok && !ids[href] {
			t.Errorf("link to the missing id %q", href)
		}
		switch tg.name {
		case "script":
			if !strings.HasPrefix(tg.attrs["src"], AssetPrefix) {
				t.Errorf("script from %q", tg.attrs["src"])
			}
		case "button":
			if tg.attrs["type"] == "" {
				t.Errorf("button without a type: %v", tg.attrs)
			}
		case "form":
			if tg.attrs["method"] == "" || tg.attrs["action"] == "" {
				t.Errorf("form without method or action: %v", tg.attrs)
			}
		case "input", "select":
			checkControl(t, tg, labelled)
		}
	}
	for _, other := range Langs() {
		if !strings.Contains(page, "lang="+string(other)+`" lang="`+string(other)+`"`) {
			t.Errorf("page has no link to language %s", other)
		}
	}
}

func checkControl(t *testing.T, tg tag, labelled map[string]bool) {
	t.Helper()
	kind := tg.attrs["type"]
	if tg.name == "input" && slices.Contains([]string{"hidden", "submit"}, kind) {
		return
	}
	if kind == "radio" || kind == "checkbox" {
		return // wrapped in their label
	}
	if !labelled[tg.attrs["id"]] {
		t.Errorf("%s %q has no label", tg.name, tg.attrs["name"])
	}
	if tg.attrs["id"] != tg.attrs["name"] {
		t.Errorf("control %q has the id %q: the error summary leads to names", tg.attrs["name"], tg.attrs["id"])
	}
	want := map[string][]string{
		"username": {"username"},
		"password": {"current-password", "new-password"},
		"current":  {"current-password"},
		"code":     {"one-time-code", "off"},
		"email":    {"email", "off"},
	}[tg.attrs["name"]]
	if want != nil && !slices.Contains(want, tg.attrs["autocomplete"]) {
		t.Errorf("control %q has autocomplete %q", tg.attrs["name"], tg.attrs["autocomplete"])
	}
	if kind == "text" || kind == "email" || kind == "password" {
		if tg.attrs["autocomplete"] == "" {
			t.Errorf("control %q has no autocomplete", tg.attrs["name"])
		}
		for _, name := range []string{"placeholder", "maxlength", "pattern", "readonly", "disabled"} {
			if _, ok := tg.attrs[name]; ok {
				t.Errorf("control %q has %s", tg.attrs["name"], name)
			}
		}
	}
}

func render[T any](t *testing.T, page Page[T], f Frame, v T) string {
	t.Helper()
	body, err := page.Bytes(f, v)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// words is the page's text without tags, spaces collapsed.
func words(page string) string {
	_, page, _ = strings.Cut(page, "<main")
	_, page, _ = strings.Cut(page, ">")
	return strings.Join(strings.Fields(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(page, "")), " ")
}

func wantWords(t *testing.T, page string, want ...string) {
	t.Helper()
	text := words(page)
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("page lacks %q in\n%s", w, text)
		}
	}
}

func TestM02_AccountPageButtonsAndRadios(t *testing.T) {
	set := newSet(t)
	page := render(t, set.AccountTwoFactor, Frame{}, AccountTwoFactorView{Action: "/a", BackURL: "/b", Use: true})
	wantWords(t, page, "二要素認証設定", "利用しない", "利用する", "更新", "戻る")
	if !strings.Contains(page, `name="use" value="on" checked`) {
		t.Error("利用する is not checked although stored")
	}
}

func TestM05_MainStateBlock(t *testing.T) {
	set := newSet(t)
	page := render(t, set.AccountTwoFactor, Frame{}, AccountTwoFactorView{Use: true, Main: &FactorState{
		Kind: KindEmail, Address: "newmail@example.jp", VerifiedAt: "2025-09-03 17:45:22", VerifiedISO: "2025-09-03T17:45:22+09:00",
	}})
	wantWords(t, page, "メイン", "メール認証済み2025-09-03 17:45:22（newmail@example.jp）")
}

func TestM06_BackupStateBlock(t *testing.T) {
	set := newSet(t)
	page := render(t, set.AccountTwoFactor, Frame{}, AccountTwoFactorView{Use: true, BackupLeft: 10})
	wantWords(t, page, "バックアップ", "バックアップコード認証（10個利用可能）", "SMS認証利用なし")
}

func TestM07_NoTrustedDevices(t *testing.T) {
	set := newSet(t)
	page := render(t, set.AccountTwoFactor, Frame{}, AccountTwoFactorView{})
	wantWords(t, page, "認証コードを要求しない端末", "登録済みの端末はありません。")
}

func TestM05_M06_EveryKindOfFactor(t *testing.T) {
	set := newSet(t)
	at := func(f FactorState) FactorState {
		f.VerifiedAt, f.VerifiedISO = "2025-09-03 17:45:22", "2025-09-03T17:45:22+09:00"
		return f
	}
	passkey := at(FactorState{Kind: KindPasskey, Passkeys: []PasskeyRow{
		{Name: "会社のノートPC", CreatedAt: "2025-09-03", UsedAt: "2026-11-22 09:14"}, {Name: "鍵", CreatedAt: "2025-10-01"},
	}})
	sms, totp := at(FactorState{Kind: KindSMS, Address: "09012345678"}), at(FactorState{Kind: KindTOTP, Disabled: true})
	page := render(t, set.AccountTwoFactor, Frame{}, AccountTwoFactorView{Main: &passkey, Backups: []FactorState{totp, sms}, BackupLeft: 2})
	wantWords(t, page, "メインパスキー認証済み2025-09-03 17:45:22（2件）会社のノートPC 登録：2025-09-03 最終使用：2026-11-22 09:14",
		"鍵 登録：2025-10-01 未使用",
		"バックアップコード認証（2個利用可能）認証アプリ認証済み2025-09-03 17:45:22無効認証の失敗が続いたため、使えなくなりました。SMS認証認証済み2025-09-03 17:45:22（09012345678）")
	if strings.Contains(words(page), "SMS認証利用なし") || strings.Contains(page, "だけを初期化") {
		t.Errorf("SMS is called unused, or a reset is offered to who may not:\n%s", words(page))
	}
	// As the main factor SMS is not unused either.
	page = render(t, set.AccountTwoFactor, Frame{}, AccountTwoFactorView{Main: &sms, ResetURL: "/reset"})
	wantWords(t, page, "メインSMS認証済み2025-09-03 17:45:22（09012345678）")
	if text := words(page); strings.Contains(text, "利用なし）SMS認証") || strings.Contains(text, "だけを初期化") {
		t.Errorf("the only factor is SMS:\n%s", text)
	}
}

func TestM07_DevicesAndTheirButtons(t *testing.T) {
	set := newSet(t)
	devices := []DeviceRow{{Name: "Chrome / Windows", CreatedAt: "2026-11-20 09:14", UsedAt: "2026-11-22 09:14", ExpiresAt: "2026-12-20 09:14", RemoveAction: "/d/1"}, {ExpiresAt: "2026-12-21 09:14"}}
	page := render(t, set.AccountTwoFactor, Frame{}, AccountTwoFactorView{Devices: devices, DevicesURL: "/d"})
	wantWords(t, page, "Windows の Chrome解除（Windows の Chrome）登録：2026-11-20 09:14 最終使用：2026-11-22 09:14 有効期限：2026-12-20 09:14", "不明なブラウザー有効期限：2026-12-21 09:14", "すべて解除")
	if !strings.Contains(page, `<form method="post" action="/d/1">`) || strings.Count(page, `action="/d/`) != 1 || !strings.Contains(page, `href="/d"`) {
		t.Error("the buttons are not those of the devices that can be removed")
	}
}

func TestPhoneAsDialled(t *testing.T) {
	for in, want := range map[string]string{"+819012345678": "09012345678", "+12025550123": "+12025550123", "": ""} {
		if got := Phone(in); got != want {
			t.Errorf("Phone(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestM08_ResetButtonAndNote(t *testing.T) {
	set := newSet(t)
	page := render(t, set.AccountTwoFactor, Frame{}, AccountTwoFactorView{Enforced: true, ResetURL: "/reset"})
	wantWords(t, page, "認証設定初期化", "このアカウントの認証設定を初期化します。")
}

func TestM08_ResetOfOneFactorSaysWhatGoes(t *testing.T) {
	set := newSet(t)
	email, totp := FactorState{Kind: KindEmail, Address: "a@example.jp"}, FactorState{Kind: KindTOTP}
	passkey := FactorState{Kind: KindPasskey, Passkeys: []PasskeyRow{{Name: "鍵"}, {Name: "鍵2"}}}
	who := AccountRef{Name: "佐藤 陽子", LoginID: "sato"}
	for _, tc := range []struct {
		name      string
		view      AccountResetView
		want, not []string
	}{
		{
			"the main one",
			AccountResetView{Who: who, Method: KindEmail, Main: &email, Backups: []FactorState{totp}, BackupLeft: 4},
			[]string{"佐藤 陽子さんのメールを初期化しますか？", "a@example.jp", "次のメインは認証アプリになります。", "メールの設定が削除されます。", "端末がすべて解除されます。"},
			[]string{"4個利用可能", "最後の認証方式"},
		},
		{
			"a backup",
			AccountResetView{Who: who, Method: KindPasskey, Main: &email, Backups: []FactorState{passkey, totp}},
			[]string{"パスキーを初期化しますか？", "登録済みのパスキー（2件）がすべて削除されます。"},
			[]string{"次のメイン", "a@example.jp"},
		},
		{
			"the last one",
			AccountResetView{Who: who, Method: KindEmail, Main: &email, BackupLeft: 4},
			[]string{"最後の認証方式のため", "4個利用可能"},
			[]string{"ほかの認証方式"},
		},
		{
			"none",
			AccountResetView{Who: who, Method: KindSMS, Main: &email, BackupLeft: 4, Sessions: 3},
			[]string{"SMSは設定されていません", "初期化しても何も変わりません。", "未設定"},
			[]string{"a@example.jp", "4個", "3件", "元に戻せません"},
		},
		{
			"everything",
			AccountResetView{Who: who, Main: &email, Backups: []FactorState{totp, passkey}, BackupLeft: 4},
			[]string{"認証設定を初期化しますか？", "a@example.jp", "認証アプリ", "鍵2", "4個利用可能", "がすべて削除されます。"},
			[]string{"ほかの認証方式"},
		},
	} {
		page := render(t, set.AccountReset, Frame{}, tc.view)
		wantWords(t, page, tc.want...)
		for _, text := range tc.not {
			if strings.Contains(words(page), text) {
				t.Errorf("%s: the page says %q in\n%s", tc.name, text, words(page))
			}
		}
	}
}

func TestM10_TwoSettings(t *testing.T) {
	set := newSet(t)
	page := render(t, set.Settings, Frame{}, SettingsView{Action: "/s", Surfaces: []SurfaceSetting{{ID: "admin"}, {ID: "store"}}})
	wantWords(t, page, "管理画面", "ストア画面", "強制する", "強制しない", "確認")
}

func TestM11_OffIsDisabledWithReason(t *testing.T) {
	set := newSet(t)
	page := render(t, set.AccountTwoFactor, Frame{}, AccountTwoFactorView{Use: true, Enforced: true})
	wantWords(t, page, "「利用しない」は選択できません", "選択不可")
	if !strings.Contains(page, `name="use" value="off" disabled`) {
		t.Error("利用しない can be chosen")
	}
}

func TestM12_StoredChoiceStaysVisible(t *testing.T) {
	set := newSet(t)
	page := render(t, set.AccountTwoFactor, Frame{}, AccountTwoFactorView{Enforced: true})
	if !strings.Contains(page, `name="use" value="off" disabled checked`) || strings.Contains(page, `value="on" checked`) {
		t.Error("the stored choice is not the one shown")
	}
	wantWords(t, page, "このアカウントの設定は「利用しない」です。")
}

func TestM15_ChoiceTexts(t *testing.T) {
	set := newSet(t)
	v := TwoFactorView{Action: "/signin/two-factor", BackURL: "/signin", Methods: []MethodChoice{
		{Kind: KindTOTP, Reason: "r"}, {Kind: KindSMS, Available: true}, {Kind: KindEmail, Available: true},
	}}
	page := render(t, set.TwoFactor, Frame{}, v)
	wantWords(t, page, "二要素認証設定", "二要素認証の設定が必要です。次の認証方式から二要素認証の設定を行ってください。",
		"認証アプリ", "SMS", "メール", "戻る", "進む", "選択不可")
	if strings.Contains(page, " checked") {
		t.Error("a fresh page preselects a method")
	}
	if strings.Count(page, " disabled") != 1 {
		t.Error("only the unavailable method must be disabled")
	}
}

func TestM16_EmailPageTexts(t *testing.T) {
	set := newSet(t)
	page := render(t, set.EmailSetup, Frame{}, EmailSetupView{Action: "/e", BackURL: "/signin/two-factor"})
	wantWords(t, page, "メールの設定", "1. メールアドレスを入力 必須", "入力したメールアドレスに認証コードが届きます。", "送信",
		"2. 届いた認証コードを入力 必須", "認証確認", "戻る")
	if strings.Count(page, "<form") != 1 {
		t.Error("both steps must be one form, so that an edited address reaches the server with the code")
	}
}

// Enter in either field presses the first submit button of the form.
func TestM16_EnterPressesTheButtonOfTheStep(t *testing.T) {
	set := newSet(t)
	for name, tc := range map[string]struct {
		v    EmailSetupView
		want string
	}{
		"fresh": {EmailSetupView{Action: "/e"}, "send"},
		"sent":  {EmailSetupView{Action: "/e", SentTo: "tanaka@example.jp"}, "verify"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, tg := range tags(render(t, set.EmailSetup, Frame{}, tc.v)) {
				if tg.attrs["type"] == "submit" {
					if tg.attrs["value"] != tc.want {
						t.Errorf("first button is %q, want %q", tg.attrs["value"], tc.want)
					}
					return
				}
			}
		})
	}
}

func TestM17_TenCodesOnce(t *testing.T) {
	set := newSet(t)
	page := render(t, set.BackupCodes, Frame{}, BackupCodesView{Action: "/c", Codes: []string{"7KQ4-M2XP-R9TD-5HWC"}, SetUp: KindEmail, DownloadURL: "/c.txt"})
	wantWords(t, page, "7KQ4-M2XP-R9TD-5HWC", "コピー", "印刷", "ダウンロード", "バックアップコードを保存しました", "完了", "メール認証の設定が完了しました。")
}

// The browser is trusted only by whoever asks for it.
func TestI12_TrustIsOfferedUnticked(t *testing.T) {
	set := newSet(t)
	page := render(t, set.Challenge, Frame{}, ChallengeView{Action: "/c", TrustDays: 30})
	wantWords(t, page, "この端末では30日間、認証コードを要求しない", "共用の端末では選択しないでください。")
	if strings.Contains(page, "checked") {
		t.Error("the box is ticked")
	}
	page = render(t, set.Challenge, Frame{}, ChallengeView{Action: "/c", TrustDays: 7, Trust: true})
	wantWords(t, page, "この端末では7日間")
	if !strings.Contains(page, `name="trust_device" value="yes" checked`) {
		t.Error("an error unticks the box")
	}
	for name, v := range map[string]ChallengeView{"not offered": {Action: "/c"}, "no form": {Action: "/c", Unsent: true, TrustDays: 30}} {
		if page := render(t, set.Challenge, Frame{}, v); strings.Contains(page, "trust_device") {
			t.Errorf("%s: the box is there", name)
		}
	}
}

func TestM21_SelfServiceRows(t *testing.T) {
	set := newSet(t)
	page := render(t, set.Security, Frame{}, SecurityView{Methods: []SecurityMethod{{Kind: KindEmail, Set: true, Main: true, Address: "sa•••••@example.jp", URL: "/account/security/email"}}})
	wantWords(t, page, "メール メイン 認証済み", "設定（メール）")
}

// Nothing that is written down may reach a person as its code.
func TestEveryEventHasALabel(t *testing.T) {
	set := newSet(t)
	source, err := os.ReadFile(filepath.Join("..", "audit", "audit.go"))
	if err != nil {
		t.Fatal(err)
	}
	types := regexp.MustCompile(`\bType\s+= "([^"]+)"`).FindAllStringSubmatch(string(source), -1)
	if len(types) < 25 {
		t.Fatalf("found only %d types", len(types))
	}
	for _, lang := range Langs() {
		c := set.catalogs[lang]
		for _, m := range types {
			code := m[1]
			if _, ok := c["event."+code]; !ok {
				t.Errorf("event %s has no label in %s", code, lang)
			}
			for _, done := range []bool{true, false} {
				if text := activity(c, code, done); text == "" || strings.Contains(text, code) || strings.Contains(text, "{") {
					t.Errorf("event %s, done %v, reads %q in %s", code, done, text, lang)
				}
			}
			kind, _, _ := strings.Cut(code, ".")
			if _, ok := c["event_kind."+kind]; !ok && kind != "console" {
				t.Errorf("kind %s of events has no name in %s", kind, lang)
			}
		}
		for key := range c {
			if code, ok := strings.CutPrefix(key, "activity."); ok {
				code = strings.TrimSuffix(code, ".failed")
				if !slices.ContainsFunc(types, func(m []string) bool { return m[1] == code }) {
					t.Errorf("sentence %q tells of an event that there is not", key)
				}
			}
		}
	}
}

func TestBrowserNames(t *testing.T) {
	set := newSet(t)
	for _, tc := range []struct {
		lang       Lang
		name, want string
	}{
		{Ja, "Chrome / Windows", "Windows の Chrome"},
		{En, "Chrome / Windows", "Chrome on Windows"},
		{Ja, "Safari / iPhone", "iPhone の Safari"},
		{Ja, "Firefox", "Firefox"},
		{En, "", ""},
		{Ja, "{system} / {browser}", "{browser} の {system}"},
	} {
		if got := set.Browser(tc.lang, tc.name); got != tc.want {
			t.Errorf("Browser(%q, %q) = %q, want %q", tc.lang, tc.name, got, tc.want)
		}
	}
	page := render(t, set.Security, Frame{}, SecurityView{
		Sessions:   []SecuritySession{{Browser: "Chrome / Windows"}},
		Activities: []Activity{{Event: "signin.factor", Browser: "Safari / iPhone"}, {Event: "2fa.reset", OK: true, ByStaff: true}},
	})
	wantWords(t, page, "Windows の Chrome", "認証コードの入力に失敗しました", "iPhone の Safari", "認証設定を初期化しました", "事業者による操作")
}

func TestSecurityPageLinks(t *testing.T) {
	set := newSet(t)
	v := SecurityView{
		Methods: []SecurityMethod{
			{Kind: KindTOTP, Set: true, Main: true, URL: "/s/totp", RemoveURL: "/s/totp/remove"},
			{Kind: KindEmail, Set: true, Disabled: true, RemoveURL: "/s/email/remove"},
			{Kind: KindSMS, URL: "/s/sms"},
		},
		OrderURL: "/s/order", PasswordURL: "/s/password", DriftTo: "sa•••••@example.jp", Activities: []Activity{{Event: "signin.complete", OK: true}},
	}
	page := render(t, set.Security, Frame{}, v)
	wantWords(t, page, "設定（認証アプリ）削除（認証アプリ）", "削除（メール）", "利用停止中", "順序を変更", "登録メールアドレスが変更されています",
		"これまでどおり sa•••••@example.jp に届きます", "心当たりのない操作がある場合は、パスワードを変更し、ご契約の事業者にご連絡ください。")
	for _, url := range []string{"/s/totp", "/s/totp/remove", "/s/email/remove", "/s/sms", "/s/order", "/s/password"} {
		if strings.Count(page, `href="`+url+`"`) != 1 {
			t.Errorf("page has not one link to %s", url)
		}
	}
	if strings.Contains(page, "/s/sms/remove") || strings.Contains(words(page), "設定（メール）") {
		t.Error("page offers what it was not given")
	}
	operator := render(t, set.Security, Frame{Admin: true}, v)
	wantWords(t, operator, "パスワードを変更し、ほかの管理者に連絡してください。")
	bare := render(t, set.Security, Frame{}, SecurityView{})
	wantWords(t, bare, "現在、設定できる認証方式はありません。")
}

func TestErrorKinds(t *testing.T) {
	set := newSet(t)
	kinds := []ErrorKind{
		"", ErrorServer, ErrorUnavailable, ErrorProtocol, ErrorNotFound, ErrorForbidden, ErrorCrossSite, ErrorBadRequest, ErrorMethod,
		ErrorConflict, ErrorTooLarge, ErrorMisdirected, ErrorTooMany, ErrorCookies, ErrorFlowGone, ErrorOtherPerson,
		ErrorLinkGone,
	}
	for _, kind := range kinds {
		for _, lang := range Langs() {
			page := render(t, set.Error, Frame{Lang: lang}, ErrorView{Kind: kind})
			if strings.Contains(page, "page_error.") {
				t.Errorf("%q has no texts in %s", kind, lang)
			}
		}
	}
	for _, lang := range Langs() {
		checkPage(t, string(set.Fallback(lang)), lang)
	}
}

// Every key a template or a message names exists, and every sentence is used.
// A key that a catalogue has twice says the later of two sentences, and nobody sees that.
func TestCataloguesHaveEachKeyOnce(t *testing.T) {
	key := regexp.MustCompile(`(?m)^\s*"([^"]+)":`)
	for _, lang := range Langs() {
		text, err := fs.ReadFile(embedded, "locales/"+string(lang)+".json")
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, m := range key.FindAllStringSubmatch(string(text), -1) {
			if seen[m[1]] {
				t.Errorf("%s has %q twice", lang, m[1])
			}
			seen[m[1]] = true
		}
	}
}

func TestCatalogues(t *testing.T) {
	set := newSet(t)
	ja, en := set.catalogs[Ja], set.catalogs[En]
	if err := sameKeys(ja, en); err != nil {
		t.Fatal(err)
	}

	used := map[string]bool{}
	literal := regexp.MustCompile(`\bt "([^"]+)"`)
	err := fs.WalkDir(embedded, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".html") && !strings.HasSuffix(path, ".txt") {
			return err
		}
		text, err := fs.ReadFile(embedded, path)
		for _, m := range literal.FindAllStringSubmatch(string(text), -1) {
			used[m[1]] = true
			if _, ok := ja[m[1]]; !ok {
				t.Errorf("%s names the unknown sentence %q", path, m[1])
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("messages.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`= "([^"]+)"`).FindAllStringSubmatch(string(source), -1) {
		used[m[1]] = true
		if _, ok := ja[m[1]]; !ok {
			t.Errorf("messages.go names the unknown sentence %q", m[1])
		}
	}
	source, err = os.ReadFile("activity.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`c\.text\("([^"]+)"`).FindAllStringSubmatch(string(source), -1) {
		used[m[1]] = true
	}
	for key := range flashTones() {
		used[key+".more"] = true
	}
	// Sentences chosen by a value: the rest of the key is the value.
	prefixes := []string{"activity.", "event.", "event_kind.", "audit_reason.", "kind.", "message.", "method.desc.", "methods.desc.", "method.done.", "page_error.", "country.", "role.", "right.", "surface.", "level.", "nav.", "admin.account.title_", "admin.account.password_hint", "admin.crumb_", "admin.methods.days", "admin.reset.check.", "admin.approval.act.", "admin.approval.state.", "admin.import.state_", "import.reason_", "import.kept_", "import.file_", "import.value_", "api.op.", "api.scope.", "api.problem.", "step.", "scope.", "device.scope.", "source.", "channel.", "admin.search.kind.", "admin.remove.title.", "admin.remove.more.", "admin.keys.state.", "admin.tokens.state.", "admin.keys.title.", "admin.keys.ask.", "admin.keys.do.", "client."}
	for _, key := range ja.keys() {
		byValue := slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(key, p) })
		if !used[key] && !byValue && !(strings.HasPrefix(key, "mail.") && strings.HasSuffix(key, ".subject")) {
			t.Errorf("sentence %q is never used", key)
		}
		if ja[key] == "" || en[key] == "" {
			t.Errorf("sentence %q is empty", key)
		}
		if diff := cmp.Diff(placeholders(ja[key]), placeholders(en[key])); diff != "" {
			t.Errorf("sentence %q has other placeholders in the two languages:\n%s", key, diff)
		}
	}
	for _, kind := range []string{KindEmail, KindSMS, KindTOTP, KindPasskey} {
		for _, prefix := range []string{"kind.", "method.desc.", "method.done."} {
			if _, ok := ja[prefix+kind]; !ok {
				t.Errorf("kind %s lacks %s", kind, prefix)
			}
		}
		if _, ok := icons()[kind]; !ok {
			t.Errorf("kind %s has no icon", kind)
		}
	}
}

func placeholders(sentence string) []string {
	found := regexp.MustCompile(`\{[a-z]+\}|%s`).FindAllString(sentence, -1)
	slices.Sort(found)
	return slices.Compact(found)
}

func TestIconsExist(t *testing.T) {
	err := fs.WalkDir(embedded, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".html") {
			return err
		}
		text, err := fs.ReadFile(embedded, path)
		for _, m := range regexp.MustCompile(`icon "([^"]+)"`).FindAllStringSubmatch(string(text), -1) {
			if _, ok := icons()[m[1]]; !ok {
				t.Errorf("%s draws the unknown icon %q", path, m[1])
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestT(t *testing.T) {
	set := newSet(t)
	for _, tc := range []struct {
		lang Lang
		key  string
		args []any
		want string
	}{
		{Ja, MsgResendWait, []any{"seconds", 47}, "47秒ほど待ってから再送信してください。"},
		{En, MsgResendWait, []any{"seconds", 47}, "Wait about 47 seconds before sending again."},
		{"", MsgCodeBlank, nil, "認証コードを入力してください。"},
		{"fr", MsgCodeBlank, nil, "認証コードを入力してください。"},
		{Ja, "no.such.key", nil, "no.such.key"},
		{Ja, "ui.person", []any{"name", "{id}", "id", "x"}, "{id}（x）"},
	} {
		if got := set.T(tc.lang, tc.key, tc.args...); got != tc.want {
			t.Errorf("T(%q, %q) = %q, want %q", tc.lang, tc.key, got, tc.want)
		}
	}
}

func TestFlashOnlyKnownKeys(t *testing.T) {
	set := newSet(t)
	if f := set.Flash(Ja, FlashTurnedOn); f == nil || f.Tone != "ok" || f.Title != "二要素認証を「利用する」に変更しました。" || f.Body == "" {
		t.Errorf("Flash(turned on) = %+v", f)
	}
	for _, key := range []string{"", "error.login_failed", MsgLoginFailed, "<b>", "flash.reset.more"} {
		if f := set.Flash(Ja, key); f != nil {
			t.Errorf("Flash(%q) = %+v, want nil", key, f)
		}
	}
}

func TestLabels(t *testing.T) {
	set := newSet(t)
	if got := set.RoleLabel(En, "support"); got != "Support desk" {
		t.Errorf("RoleLabel = %q", got)
	}
	if got := set.RoleLabel(En, "owner"); got != "owner" {
		t.Errorf("RoleLabel of an unknown role = %q", got)
	}
	for _, o := range set.EventKinds(En, "2fa") {
		if o.Label == o.Value || o.Selected != (o.Value == "2fa") {
			t.Errorf("event kind %+v", o)
		}
	}
}

func TestRender(t *testing.T) {
	set := newSet(t)
	w := httptest.NewRecorder()
	if err := set.Locked.Render(w, http.StatusTooManyRequests, Frame{Lang: En}, LockedView{SignInURL: "/signin"}); err != nil {
		t.Fatal(err)
	}
	want := http.Header{
		"Content-Type":     {"text/html; charset=utf-8"},
		"Content-Language": {"en"},
		"Content-Length":   {fmt.Sprint(w.Body.Len())},
	}
	if diff := cmp.Diff(want, w.Header()); w.Code != http.StatusTooManyRequests || diff != "" {
		t.Errorf("status %d, headers differ:\n%s", w.Code, diff)
	}
}

func TestRenderErrorWritesNothing(t *testing.T) {
	w := httptest.NewRecorder()
	var page Page[LockedView]
	if err := page.Render(w, http.StatusOK, Frame{}, LockedView{}); err == nil {
		t.Fatal("a page not made by New rendered")
	}
	if len(w.Header()) != 0 || w.Body.Len() != 0 {
		t.Errorf("an error left %v and %d bytes", w.Header(), w.Body.Len())
	}
}

func TestPagesEscape(t *testing.T) {
	set := newSet(t)
	const attack = `"><script>alert(1)</script>`
	page := render(t, set.Login, Frame{Path: "/signin?x=" + attack}, LoginView{Action: "javascript:alert(1)", App: attack, Username: attack})
	if strings.Count(page, "<script") != 1 || strings.Contains(page, "javascript:") {
		t.Errorf("page is not escaped:\n%s", page)
	}
}

func TestTitleSaysError(t *testing.T) {
	set := newSet(t)
	for lang, want := range map[Lang]string{Ja: "<title>エラー：ログイン | Futakagi アカウント</title>", En: "<title>Error: Sign in | Futakagi Account</title>"} {
		page := render(t, set.Login, Frame{Lang: lang}, LoginView{Errors: map[string]string{"username": "x"}})
		if !strings.Contains(page, want) {
			t.Errorf("title is not %q", want)
		}
	}
}

func TestNavShowsOnlyItems(t *testing.T) {
	set := newSet(t)
	page := render(t, set.Audit, Frame{Operator: &OperatorFrame{Active: NavAudit, Items: []string{NavCustomers, NavAudit}}}, AuditView{Action: PathAudit})
	for path, want := range map[string]bool{PathCustomers: true, PathAudit: true, PathDeliveries: false, PathOperators: false, PathSettings: false} {
		if got := strings.Contains(page, `href="`+path+`"`); got != want {
			t.Errorf("menu entry %s shown: %v, want %v", path, got, want)
		}
	}
	if !strings.Contains(page, `href="`+PathAudit+`" aria-current="page"`) {
		t.Error("the page's own entry is not marked")
	}
}

func TestBrandDefaults(t *testing.T) {
	set, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	page := render(t, set.Login, Frame{}, LoginView{Action: "/signin"})
	wantWords(t, page, "ログイン")
	if !strings.Contains(page, "Futakagi アカウント") || strings.Contains(page, "Aoba") || strings.Contains(page, `href=""`) {
		t.Errorf("page without configuration:\n%s", page)
	}
}

// A shop may have a page of its own for forgotten passwords of its customers, not of its operators.
func TestBrandForgot(t *testing.T) {
	for _, tc := range []struct {
		brand    Brand
		operator bool
		flow     string
		want     string
	}{
		{Brand{}, false, "", "/password/forgot"},
		{Brand{}, false, "a&b", "/password/forgot?flow=a%26b"},
		{Brand{}, true, "1", "/admin/password/forgot?flow=1"},
		{Brand{ForgotURL: "https://www.example.jp/password"}, false, "1", "https://www.example.jp/password"},
		{Brand{ForgotURL: "https://www.example.jp/password"}, true, "", "/admin/password/forgot"},
	} {
		if got := tc.brand.Forgot(tc.operator, tc.flow); got != tc.want {
			t.Errorf("Forgot(%v, %q) of %q = %q, want %q", tc.operator, tc.flow, tc.brand.ForgotURL, got, tc.want)
		}
	}
}

func TestNegotiate(t *testing.T) {
	for _, tc := range []struct {
		uiLocales, cookie, accept string
		want                      Lang
	}{
		{"", "", "", Ja},
		{"fr en", "ja", "ja", En},
		{"en-GB ja", "", "", En},
		{"fr", "en", "ja", En},
		{"", "fr", "fr-FR,en;q=0.8,ja;q=0.9", Ja},
		{"", "", "en-US,en;q=0.9,ja;q=0.8", En},
		{"", "", "ja;q=0,en;q=0.1", En},
		{"", "", "en;q=x, de", Ja},
		{"", "", "*", Ja},
		{"", "<script>", "en", En},
	} {
		if got := Negotiate(tc.uiLocales, tc.cookie, tc.accept); got != tc.want {
			t.Errorf("Negotiate(%q, %q, %q) = %s, want %s", tc.uiLocales, tc.cookie, tc.accept, got, tc.want)
		}
	}
}

func TestLangURL(t *testing.T) {
	for path, want := range map[string]string{
		"/signin?flow=1":           "/signin?flow=1&lang=en",
		"/signin?flow=1&lang=ja#x": "/signin?flow=1&lang=en",
		"":                         "/?lang=en",
		"//evil.example/x":         "/?lang=en",
		"https://evil.example/":    "/?lang=en",
		"javascript:alert(1)":      "/?lang=en",
		"signin":                   "/?lang=en",
		"/%zz":                     "/?lang=en",
	} {
		if got := langURL(path, En); got != want {
			t.Errorf("langURL(%q) = %q, want %q", path, got, want)
		}
	}
}

func FuzzLangURL(f *testing.F) {
	for _, s := range []string{"/", "/a?b=c", "//x", `/\x`, "http://x", "/\t/x", ":"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, path string) {
		got := langURL(path, En)
		if !strings.HasPrefix(got, "/") || strings.HasPrefix(got, "//") || strings.HasPrefix(got, `/\`) {
			t.Errorf("langURL(%q) = %q leaves the site", path, got)
		}
	})
}

func TestTimes(t *testing.T) {
	tokyo := time.FixedZone("JST", 9*60*60)
	at := time.Date(2025, 9, 3, 8, 45, 22, 0, time.UTC)
	got := []string{Time(at, tokyo), TimeSeconds(at, tokyo), Date(at, tokyo), ISO(at, tokyo), Time(time.Time{}, tokyo)}
	want := []string{"2025-09-03 17:45", "2025-09-03 17:45:22", "2025-09-03", "2025-09-03T17:45:22+09:00", ""}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestMaskEmail(t *testing.T) {
	for address, want := range map[string]string{
		"newmail@example.jp": "ne•••••@example.jp",
		"abc@example.jp":     "a•••••@example.jp",
		"a@example.jp":       "•••••@example.jp",
		"田中太郎@example.jp":    "田中•••••@example.jp",
		"no address":         "•••••",
	} {
		if got := MaskEmail(address); got != want {
			t.Errorf("MaskEmail(%q) = %q, want %q", address, got, want)
		}
	}
}

func TestMaskPhone(t *testing.T) {
	for number, want := range map[string]string{
		"+819012345634": "•••-••••-••34",
		"+6591234507":   "•••-••••-••07",
		"09012345634":   "•••-••••-••34",
		"+8134":         "•••-••••-••••",
		"no number":     "•••-••••-••••",
		"１２３４５６７":       "•••-••••-••••",
		"":              "•••-••••-••••",
	} {
		if got := MaskPhone(number); got != want {
			t.Errorf("MaskPhone(%q) = %q, want %q", number, got, want)
		}
	}
}

func TestReasonLabelLeavesWhatSomebodyTyped(t *testing.T) {
	set := newSet(t)
	for reason, want := range map[string]string{"wrong_code": "認証コードが正しくありません", "メールアドレス変更のため": "メールアドレス変更のため", "": ""} {
		if got := set.ReasonLabel(Ja, reason); got != want {
			t.Errorf("ReasonLabel(%q) = %q, want %q", reason, got, want)
		}
	}
}

func TestCountryLabel(t *testing.T) {
	set := newSet(t)
	for _, tc := range []struct {
		lang          Lang
		country, want string
	}{{Ja, "JP", "日本"}, {En, "JP", "Japan"}, {Ja, "ZZ", "ZZ"}, {En, "", ""}} {
		if got := set.CountryLabel(tc.lang, tc.country); got != tc.want {
			t.Errorf("CountryLabel(%q, %q) = %q, want %q", tc.lang, tc.country, got, tc.want)
		}
	}
}

func TestAssets(t *testing.T) {
	set := newSet(t)
	get := func(path string, header ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		set.Assets().ServeHTTP(w, r)
		return w
	}
	for name, kind := range map[string]string{"app.css": "text/css; charset=utf-8", "app.js": "text/javascript; charset=utf-8", "icon.svg": "image/svg+xml"} {
		path := set.AssetPath(name)
		w := get(path)
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != kind || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") || w.Body.Len() == 0 {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
		if again := get(path, "If-None-Match", w.Header().Get("ETag")); again.Code != http.StatusNotModified {
			t.Errorf("%s again: %d, want 304", path, again.Code)
		}
		if old := get("/assets/0123456789ab/" + name); old.Code != http.StatusOK || old.Header().Get("Cache-Control") != "no-cache" {
			t.Errorf("%s of another release: %d %v", name, old.Code, old.Header())
		}
	}
	for _, path := range []string{"/assets/", "/assets/app.css", "/assets/0123456789ab/", "/assets/0123456789ab/x.css", "/assets/0123456789ab/../app.css"} {
		if w := get(path); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d, want 404", path, w.Code)
		}
	}
}

// Raw colours live in one file, so that a theme can be checked for contrast.
func TestColoursOnlyInTokens(t *testing.T) {
	colour := regexp.MustCompile(`#[0-9a-fA-F]{3,8}\b|\brgb\(`)
	for _, name := range stylesheets() {
		text, err := fs.ReadFile(embedded, "static/css/"+name)
		if err != nil {
			t.Fatal(err)
		}
		if found := colour.FindString(string(text)); name != "tokens.css" && found != "" {
			t.Errorf("%s has the raw colour %s", name, found)
		}
	}
}

func TestNewParsesABrandOnce(t *testing.T) {
	again, err := New(Config{Brand: testBrand()})
	if err != nil || again != newSet(t) {
		t.Errorf("the same brand was parsed twice, %v", err)
	}
	if other, err := New(Config{Brand: Brand{Name: "Other"}}); err != nil || other == again || other.Brand().Name != "Other" {
		t.Errorf("another brand has the first one's pages, %v", err)
	}
}

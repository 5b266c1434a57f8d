package e2e

import (
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/webauthn"
)

// What tokens say of passkeys.
const (
	byPasskey       = "pop user mfa swk phr"
	byKey           = "pwd pop user mfa phr"
	byPasswordAndPK = "pwd pop user mfa swk phr"
)

// A phone verifies its user and syncs its passkeys; a plain key is only touched.
var (
	phone = webauthn.VirtualAuthenticatorOptions{
		Protocol: "ctap2", Ctap2version: "ctap2_1", Transport: "internal", HasResidentKey: true, HasUserVerification: true,
		IsUserVerified: true, DefaultBackupEligibility: true, DefaultBackupState: true, AutomaticPresenceSimulation: true,
	}
	plainKey = webauthn.VirtualAuthenticatorOptions{
		Protocol: "ctap2", Ctap2version: "ctap2_0", Transport: "usb", AutomaticPresenceSimulation: true,
	}
)

// plug connects an authenticator to the tab's browser.
func (b *tab) plug(options webauthn.VirtualAuthenticatorOptions) webauthn.AuthenticatorID {
	b.t.Helper()
	_, err := call(b, webauthn.Enable, webauthn.EnableParams{})
	b.do(err)
	added, err := call(b, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &options})
	b.do(err)
	return added.AuthenticatorID
}

// unplug takes an authenticator away.
func (b *tab) unplug(id webauthn.AuthenticatorID) {
	b.t.Helper()
	_, err := call(b, webauthn.RemoveVirtualAuthenticator, webauthn.RemoveVirtualAuthenticatorParams{AuthenticatorID: id})
	b.do(err)
}

// recognise says whether the authenticator recognises its user's finger; where it does not, the browser's prompt fails as if the
// person had cancelled it.
func (b *tab) recognise(id webauthn.AuthenticatorID, yes bool) {
	b.t.Helper()
	_, err := call(b, webauthn.SetUserVerified, webauthn.SetUserVerifiedParams{AuthenticatorID: id, IsUserVerified: yes})
	b.do(err)
}

// withoutAutofill is a browser that does not offer passkeys in the login field: Chromium's virtual authenticators pick one there at
// once, and nobody could press the button.
func (b *tab) withoutAutofill() {
	b.t.Helper()
	_, err := call(b, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
		Source: `if (window.PublicKeyCredential) PublicKeyCredential.isConditionalMediationAvailable = async () => false;`,
	})
	b.do(err)
}

// withoutPasskeys is a browser of before passkeys.
func (b *tab) withoutPasskeys() {
	b.t.Helper()
	_, err := call(b, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
		Source: `delete window.PublicKeyCredential;`,
	})
	b.do(err)
}

// await waits for a text that script puts on the page.
func (b *tab) await(text string) {
	b.t.Helper()
	b.until("the text "+text, func() bool { return b.has(text) })
}

// until waits for what script or the network brings about.
func (b *tab) until(what string, happened func() bool) {
	b.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(tick) {
		if happened() {
			return
		}
	}
	b.t.Fatalf("%s did not come", what)
}

const passkeyFailed = "パスキーの認証を完了できませんでした。もう一度試すか、別の方法を使ってください。"

// A passkey from the first sign-in on: set up, used behind the password and in its place, by button and by autofill.
func TestPasskey_SetUpAndSignIn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.person(t)
		b := w.browser(t)
		b.withoutAutofill()
		device := b.plug(phone)
		b.signIn(w.Addresses.Store, p)
		b.on("/signin/two-factor")
		b.choose("method", "passkey")
		b.press("進む")
		b.heading("パスキーの設定")
		b.fill("name", "会社のノートPC")
		b.press("パスキーを作成")
		b.see("パスキーの設定が完了しました。")
		b.saveCodes()
		// It counts from its first use on.
		b.on("/signin/challenge")
		b.heading("パスキーで認証")
		b.press("パスキーを使う")
		b.proof(p, byPasswordAndPK)

		// In the place of login ID and password.
		b.signOut(w.Addresses.Store)
		b.open(w.Addresses.Store)
		b.press("ログイン")
		b.on("/signin")
		b.recognise(device, false)
		b.tap("パスキーでログイン")
		b.await(passkeyFailed)
		b.recognise(device, true)
		b.press("パスキーでログイン")
		b.proof(p, byPasskey)

		// Behind the password; a prompt that fails leads back to a choice.
		b.signOut(w.Addresses.Store)
		b.signIn(w.Addresses.Store, p)
		b.heading("パスキーで認証")
		b.press("別の方法で認証する")
		b.see("パスキー", "指紋・顔・画面ロックで認証", "バックアップコード")
		b.press("戻る")
		b.press("パスキーを使う")
		b.proof(p, byPasswordAndPK)
	})
}

// The browser offers the passkey in the login field by itself.
func TestPasskey_Autofill(t *testing.T) {
	one(t, func(t *testing.T, w *world) {
		p := w.person(t)
		b := w.browser(t)
		b.plug(phone)
		b.signIn(w.Addresses.Store, p)
		b.choose("method", "passkey")
		b.press("進む")
		b.press("パスキーを作成")
		b.saveCodes()
		b.press("パスキーを使う")
		b.proof(p, byPasswordAndPK)
		b.signOut(w.Addresses.Store)
		b.open(w.Addresses.Store)
		b.press("ログイン")
		if got := js[string](b, `document.querySelector("#username")?.autocomplete ?? "gone"`); got != "username webauthn" && got != "gone" {
			t.Errorf("autocomplete of the login field is %q", got)
		}
		b.until("sign-in by autofill", func() bool { return js[bool](b, `!!document.querySelector("#claim-sid")`) })
		b.proof(p, byPasskey)
	})
}

// A key that is only touched is a second factor, and no sign-in of its own.
func TestPasskey_PlainSecurityKey(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.person(t)
		b := w.browser(t)
		b.withoutAutofill()
		b.plug(plainKey)
		b.signIn(w.Addresses.Store, p)
		b.choose("method", "passkey")
		b.press("進む")
		b.press("パスキーを作成")
		b.saveCodes()
		b.press("パスキーを使う")
		b.proof(p, byKey)
	})
}

// Several passkeys in My Page: added, named, removed one by one, the last with the method.
func TestPasskey_SelfService(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.person(t, withEmail)
		b := w.browser(t)
		b.withoutAutofill()
		b.signIn(w.Addresses.MyPage, p)
		b.answerChallenge(p.mailbox())
		b.signedIn(w.Addresses.MyPage, p)
		b.openSecurity()
		first := b.plug(phone)
		b.press("設定（パスキー）")
		b.heading("パスキーの設定")
		b.fill("name", "電話")
		b.press("パスキーを作成")
		b.on("/account/security")
		b.see("パスキーの設定が完了しました。", "1件", "電話")
		b.unplug(first)
		b.plug(plainKey)
		b.press("設定（パスキー）")
		b.fill("name", "あ"+"いうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろ")
		b.press("パスキーを作成")
		b.see("パスキーの名前は40文字以内で入力してください。")
		b.fill("name", "鍵")
		b.press("パスキーを作成")
		b.on("/account/security")
		b.see("2件", "電話", "鍵")
		w.notice(t, p.mailbox(), "設定")

		b.press("設定（パスキー）")
		b.see("登録済みのパスキー", "同期")
		b.tap("名前を変更（鍵）")
		id := js[string](b, `[...document.querySelectorAll("input[id^='name-']")].find((e) => e.value === "鍵").id`)
		b.fill(id, "予備の鍵")
		b.leave(func() { js[any](b, `document.getElementById(%s).form.requestSubmit()`, id) })
		b.see("パスキーの名前を変更しました。", "予備の鍵")
		b.press("削除（電話）")
		b.heading("パスキー「電話」を削除しますか？")
		b.press("削除する")
		b.see("パスキーを削除しました。", "予備の鍵")
		b.miss("電話")
		b.press("削除（予備の鍵）")
		b.on("/account/security/passkey/remove")
		b.press("削除する")
		b.on("/account/security")
		b.see("パスキー", "未設定")
		b = w.browser(t)
		b.signIn(w.Addresses.Store, p)
		b.answerChallenge(p.mailbox())
		b.proof(p, byEmail)
	})
}

// A browser without passkeys says so, and every other way stays open.
func TestPasskey_UnsupportedBrowser(t *testing.T) {
	one(t, func(t *testing.T, w *world) {
		p := w.person(t)
		b := w.browser(t)
		b.withoutPasskeys()
		b.signIn(w.Addresses.Store, p)
		b.choose("method", "passkey")
		b.press("進む")
		b.tap("パスキーを作成")
		b.await("このブラウザーではパスキーを利用できません。別の方法を使ってください。")
		b.press("戻る")
		b.setUpEmail(p.mailbox())
		b.proof(p, byEmail)
	})
}

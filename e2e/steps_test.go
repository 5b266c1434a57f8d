package e2e

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/demo"
)

// The steps people take, from the store's first page on. Each wants the page it needs and ends on the next.

// signIn goes from a site's front page to its provider and answers with ID and password.
func (b *tab) signIn(site string, p person) {
	b.t.Helper()
	b.open(site)
	b.press("ログイン")
	b.password(p)
}

// follow goes to a second site with the session of the first: nobody asks anything.
func (b *tab) follow(site string, p person) {
	b.t.Helper()
	b.open(site)
	b.press("ログイン")
	b.signedIn(site, p)
}

// password fills in the login page.
func (b *tab) password(p person) {
	b.t.Helper()
	b.on("/signin")
	b.fill("username", p.LoginID)
	b.fill("password", demo.Password)
	b.press("ログイン")
}

// chooseEmail picks メール from the methods.
func (b *tab) chooseEmail() {
	b.t.Helper()
	b.on("/signin/two-factor")
	b.choose("method", "email")
	b.press("進む")
	b.on("/signin/two-factor/email")
}

// sendCode asks for a code to an address and returns it.
func (b *tab) sendCode(address string) string {
	b.t.Helper()
	b.fill("email", address)
	b.press("送信")
	b.see(address + " に認証コードを送信しました。10分以内に入力してください。")
	return b.w.code(b.t, address)
}

// verify answers with a code.
func (b *tab) verify(code string) {
	b.t.Helper()
	b.fill("code", code)
	b.press("認証確認")
}

// saveCodes reads the backup codes, says that they are kept, and goes on.
func (b *tab) saveCodes() []string {
	b.t.Helper()
	b.heading("バックアップコードの保存")
	codes := js[[]string](b, `[...document.querySelectorAll("#codes li")].map((e) => e.innerText.trim())`)
	if len(codes) != 10 {
		b.t.Fatalf("%d backup codes, want 10: %q", len(codes), codes)
	}
	b.choose("saved", "yes")
	b.press("完了")
	return codes
}

// setUpEmail does the whole set-up inside a sign-in, from the choice to the store.
func (b *tab) setUpEmail(address string) []string {
	b.t.Helper()
	b.chooseEmail()
	b.verify(b.sendCode(address))
	return b.saveCodes()
}

// answerChallenge enters the code that came to an address.
func (b *tab) answerChallenge(address string) {
	b.t.Helper()
	b.on("/signin/challenge")
	b.verify(b.w.code(b.t, address))
}

// claims are what a site shows of its ID token.
type claims struct {
	amr, acr, name, sid string
	authTime            time.Time
}

// signedIn wants to be at a site as somebody, and returns what the token says.
func (b *tab) signedIn(site string, p person) claims {
	b.t.Helper()
	b.origin(site)
	c := claims{
		amr: b.text("#claim-amr"), acr: b.text("#claim-acr"), name: b.text("#claim-name"), sid: b.text("#claim-sid"),
	}
	if c.name != p.Name {
		b.t.Fatalf("signed in as %q, want %q", c.name, p.Name)
	}
	at, err := time.Parse(time.RFC3339, js[string](b, `document.querySelector("#claim-auth_time").dateTime`))
	b.do(err)
	c.authTime = at
	if off := b.w.clock.now().Sub(at); off < -2*time.Second || off > 30*time.Minute {
		b.t.Fatalf("auth_time %v is %v ago", at, off)
	}
	return c
}

// What tokens say about how a person signed in.
const (
	byPassword = "pwd urn:futakagi:acr:1fa"
	byEmail    = "pwd mca mfa urn:futakagi:acr:2fa-email"
	byBackup   = "pwd otp mfa urn:futakagi:acr:2fa"
)

// proof wants to be at the store as somebody, signed in in a certain way.
func (b *tab) proof(p person, want string) claims {
	b.t.Helper()
	c := b.signedIn(b.w.Addresses.Store, p)
	got := strings.Join(regexp.MustCompile(`[a-z]+`).FindAllString(c.amr, -1), " ") + " " + c.acr
	if got != want {
		b.t.Fatalf("amr and acr are %q, want %q", got, want)
	}
	return c
}

// signOut ends the session at a site and at the provider.
func (b *tab) signOut(site string) {
	b.t.Helper()
	b.open(site)
	b.press("ログアウト")
	b.origin(site)
}

// operator signs in to the console as an administrator that nobody else uses.
func (w *world) operator(t testing.TB) *tab {
	t.Helper()
	return w.staff(t, w.person(t, isOperator))
}

// staff signs in to the console with a password.
func (w *world) staff(t testing.TB, p person) *tab {
	t.Helper()
	b := w.browser(t)
	b.open(w.Addresses.Provider + "/admin")
	b.password(p)
	b.on("/admin")
	return b
}

// openAccount goes to a store account in the console the way of the manual, as far as 「編集」.
func (b *tab) openAccount(p person) {
	b.t.Helper()
	b.open(b.w.Addresses.Provider + "/admin/customers")
	b.press(demo.CustomerName)
	b.press("ユーザーグループ")
	b.press("編集（" + p.Name + "）")
	b.heading("ストアアカウントの編集")
}

// openTwoFactor goes on to 二要素認証設定.
func (b *tab) openTwoFactor(p person) {
	b.t.Helper()
	b.openAccount(p)
	b.press("二要素認証設定")
	b.heading("二要素認証設定")
}

// lift takes all enforcement back, without the console: it cleans up after tests that failed in it.
func (w *world) lift(t testing.TB) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	surfaces, err := w.Server.Admin.Enforcement(ctx, admin.System())
	if err != nil {
		t.Fatal(err)
	}
	var changes []admin.EnforcementChange
	for _, s := range surfaces {
		changes = append(changes, admin.EnforcementChange{Surface: s.ID, Former: s.Enforced})
	}
	if _, err := w.Server.Admin.SetEnforcement(ctx, admin.System(), changes); err != nil {
		t.Fatal(err)
	}
}

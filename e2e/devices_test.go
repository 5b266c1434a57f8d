package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
)

// byDevice is what a token says of a password given in a browser that is not asked for a code.
const byDevice = "pwd rba urn:futakagi:acr:1fa"

// trust signs in at the store, asks not to be asked in this browser again, and signs out.
func (b *tab) trust(p person) {
	b.t.Helper()
	b.signIn(b.w.Addresses.Store, p)
	b.on("/signin/challenge")
	if got := b.state("trust_device", "yes"); got != "off" {
		b.t.Fatalf("the box is %s on a fresh page, want off", got)
	}
	b.choose("trust_device", "yes")
	b.answerChallenge(p.mailbox())
	b.proof(p, byEmail)
	b.signOut(b.w.Addresses.Store)
}

// prove answers the code that a change of security settings asks for right after the password, whatever the browser is trusted with.
func (b *tab) prove(p person) {
	b.t.Helper()
	b.on("/signin/challenge")
	if got := b.state("trust_device", "yes"); got != "missing" {
		b.t.Fatalf("the challenge before a change offers to trust the browser: the box is %s", got)
	}
	b.answerChallenge(p.mailbox())
}

// Tick, sign out, sign in without a code; take it back in self-service; be asked again.
func TestI12_TrustedDevice(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.person(t, withEmail)
		b := w.browser(t)

		// A wrong code keeps the box as it is, and makes no device.
		b.signIn(w.Addresses.Store, p)
		b.on("/signin/challenge")
		b.see("この端末では30日間、認証コードを要求しない", "共用の端末では選択しないでください。")
		b.choose("trust_device", "yes")
		code := w.code(t, p.mailbox())
		b.verify(other(code))
		if got := b.state("trust_device", "yes"); got != "on" {
			t.Errorf("after a wrong code the box is %s, want on", got)
		}
		b.choose("trust_device", "yes") // changed their mind
		b.verify(code)
		b.proof(p, byEmail)
		b.signOut(w.Addresses.Store)
		b.trust(p) // so the challenge came again

		b.signIn(w.Addresses.Store, p)
		b.proof(p, byDevice)
		b.follow(w.Addresses.MyPage, p)
		b.signOut(w.Addresses.Store)
		second := w.browser(t)
		second.signIn(w.Addresses.Store, p)
		second.on("/signin/challenge")

		// Without scripts it is the same.
		w.clock.advance(24 * time.Hour)
		b.noScript()
		b.signIn(w.Addresses.MyPage, p)
		b.signedIn(w.Addresses.MyPage, p)
		b.openSecurity()
		b.see("認証コードを要求しない端末", "Chrome / Linux この端末", "有効期限：", "最終使用：")

		// Taking it back is a change of security settings, for which the device does not speak.
		b.press("解除（Chrome / Linux）")
		b.prove(p)
		b.heading("端末の登録を解除しますか？")
		b.press("解除する")
		b.on("/account/security")
		b.see("端末の登録を解除しました。", "登録済みの端末はありません。", "二要素認証は有効です")
		b.signOut(w.Addresses.MyPage)
		b.trust(p) // so the code was asked for again

		// With a second device all can go at once.
		second = w.browser(t)
		second.trust(p)
		b.signIn(w.Addresses.MyPage, p)
		b.openSecurity()
		b.press("すべて解除")
		b.prove(p)
		b.heading("すべての端末の登録を解除しますか？")
		b.press("戻る")
		b.see("すべて解除")
		b.press("すべて解除")
		b.press("解除する")
		b.see("すべての端末の登録を解除しました。", "登録済みの端末はありません。")
		for _, each := range []*tab{b, second} {
			if each == b {
				b.signOut(w.Addresses.MyPage)
			}
			each.signIn(w.Addresses.Store, p)
			each.on("/signin/challenge")
		}
	})
}

// A copy of the browser's cookie is found out, and its owner hears of it.
func TestI12_CopiedCookie(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.person(t, withEmail)
		b := w.browser(t)
		b.trust(p)
		stolen := b.cookies("__Host-futakagi-device-")
		if len(stolen) != 1 || !stolen[0].HTTPOnly || !stolen[0].Secure || stolen[0].SameSite != network.CookieSameSiteLax {
			t.Fatalf("device cookies: %+v", stolen)
		}
		b.signIn(w.Addresses.Store, p)
		b.proof(p, byDevice)
		b.signOut(w.Addresses.Store)

		w.clock.advance(time.Minute)
		thief := w.browser(t)
		thief.setCookie(stolen[0])
		thief.signIn(w.Addresses.Store, p)
		thief.on("/signin/challenge")
		if left := thief.cookies("__Host-futakagi-device-"); len(left) != 0 {
			t.Errorf("the thief keeps %v", left)
		}
		for _, to := range []string{p.mailbox(), p.RegisteredEmail} {
			w.notice(t, to, "認証コードを要求しない端末の登録を解除しました")
		}
		w.clock.advance(2 * time.Minute) // the pause between two codes
		b.signIn(w.Addresses.Store, p)
		b.on("/signin/challenge")
	})
}

// cookies are those the browser holds for the provider under a prefix.
func (b *tab) cookies(prefix string) []*network.Cookie {
	b.t.Helper()
	all, err := call(b, network.GetCookies, network.GetCookiesParams{URLs: []string{b.w.Addresses.Provider}})
	b.do(err)
	return slices.DeleteFunc(all.Cookies, func(c *network.Cookie) bool { return !strings.HasPrefix(c.Name, prefix) })
}

// setCookie plants a cookie of the provider's.
func (b *tab) setCookie(c *network.Cookie) {
	b.t.Helper()
	yes := true
	_, err := call(b, network.SetCookie, network.SetCookieParams{
		Name: c.Name, Value: c.Value, URL: strings.Replace(b.w.Addresses.Provider, "http://", "https://", 1), Path: "/", Secure: &yes, HTTPOnly: &yes,
	})
	b.do(err)
	if got := b.cookies(c.Name); len(got) != 1 {
		b.t.Fatalf("the cookie was not taken: %v", got)
	}
}

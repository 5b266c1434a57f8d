package testapp_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/client"
	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/store"
)

// TestFrontChannel_FramesAreThoseOfTheSession: the page opens the clients that had tokens from this very session and have a good page, no
// others, and the policy lets in no more than their origins.
func TestFrontChannel_FramesAreThoseOfTheSession(t *testing.T) {
	t.Parallel()
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		const at = "https://store.example.jp/out"
		settle(t, a, "store", client.Settings{FrontchannelLogoutURI: at + "?of=store"})
		settle(t, a, "plain", client.Settings{FrontchannelLogoutURI: at + "?of=plain", FrontchannelLogoutSession: true})
		settle(t, a, "rsa", client.Settings{FrontchannelLogoutURI: at + "?of=rsa"}) // nobody signs in there
		rp := a.RelyingParty(t, "store")
		here, away := a.NewBrowser(t), a.NewBrowser(t)
		a.RelyingParty(t, "rsa").TokensOf(away, "suzuki")
		tokens := rp.TokensOf(here, "suzuki")
		a.RelyingParty(t, "plain").TokensOf(here, "suzuki")
		a.RelyingParty(t, "post").TokensOf(here, "suzuki") // has no such page
		sid, _ := tokens.IDToken(t)["sid"].(string)
		told := []string{at + "?of=plain&" + url.Values{"iss": {a.URL}, "sid": {sid}}.Encode(), at + "?of=store"}

		p := here.Get("/logout?" + url.Values{"id_token_hint": {tokens.Str("id_token")}, "post_logout_redirect_uri": {"https://evil.example/"}}.Encode())
		if diff := cmp.Diff(told, frames(p)); diff != "" || p.Status != http.StatusOK {
			t.Errorf("%d (-want +got):\n%s", p.Status, diff)
		}
		if onward(p) != "" || strings.Contains(p.Body, "evil.example") || strings.Contains(p.Body, "http-equiv") {
			t.Errorf("leads to %q", onward(p))
		}
		csp := p.Header.Get("Content-Security-Policy")
		if !strings.Contains(csp, "; frame-src https://store.example.jp; ") || !strings.Contains(p.Body, `referrerpolicy="no-referrer"`) || strings.Contains(p.Body, "sandbox") {
			t.Errorf("policy %s", csp)
		}
		// Everywhere else there is no room for a frame, and once more there is nothing to tell.
		if p := here.Get("/signed-out"); strings.Contains(p.Header.Get("Content-Security-Policy"), "frame-src") || len(frames(p)) > 0 {
			t.Errorf("page without frames: %s", p.Header.Get("Content-Security-Policy"))
		}
		if p := here.Get("/logout?" + goodLogout(tokens.Str("id_token")).Encode()); p.Status != http.StatusSeeOther {
			t.Errorf("again: %d", p.Status)
		}

		// The button of our own page, for this session and for all: the browser can tell of its own session only.
		for _, everywhere := range []string{"", "yes"} {
			rp.TokensOf(here, "suzuki")
			other := a.NewBrowser(t)
			rp.TokensOf(other, "suzuki")
			form := value("kind", "store", "client_id", "store", "post_logout_redirect_uri", testapp.StoreLoggedOut, "state", "a b")
			if everywhere != "" {
				form.Set("everywhere", everywhere)
			}
			p := here.Post("/logout/confirm", form)
			if diff := cmp.Diff([]string{at + "?of=store"}, frames(p)); diff != "" || onward(p) != testapp.StoreLoggedOut+"?state=a+b" {
				t.Errorf("everywhere %q: %d to %q\n%s", everywhere, p.Status, onward(p), diff)
			}
			if !strings.Contains(p.Body, `<noscript><meta http-equiv="refresh" content="4; url=https://store.example.jp/bye?state=a&#43;b"></noscript>`) {
				t.Errorf("without script nothing leads on:\n%s", p.Body)
			}
			if stillIn(t, here, rp) || stillIn(t, other, rp) == (everywhere != "") {
				t.Errorf("everywhere %q: here %v, elsewhere %v", everywhere, stillIn(t, here, rp), stillIn(t, other, rp))
			}
		}
		// Tokens that were given out before are void too, and what is signed in to afterwards is not.
		s := a.AddAccount(t, account.KindStore, "leaver", store.TwoFactorDontUse)
		former := rp.TokensOf(here, s.LoginID)
		here.Submit("/logout/confirm", value("kind", "store", "everywhere", "yes"))
		if rp.Active(former.Str("access_token")) || rp.Refresh(former.Str("refresh_token")).Status == http.StatusOK {
			t.Error("tokens outlive the end of all sessions")
		}
		if !rp.Active(rp.TokensOf(here, s.LoginID).Str("access_token")) {
			t.Error("nothing can be signed in to afterwards")
		}
	})
}

// TestFrontChannel_AddressesAreCheckedAgain: whatever came to stand in a registration, a page of ours opens only what its client could
// have been answered at.
func TestFrontChannel_AddressesAreCheckedAgain(t *testing.T) {
	t.Parallel()
	a := testapp.New(t)
	rp, b := a.RelyingParty(t, "store"), a.NewBrowser(t)
	for _, bad := range []string{
		"https://evil.example/out", "http://store.example.jp/out", "https://store.example.jp:8443/out", "https://store.example.jp.evil.example/",
		"https://store.example.jp@evil.example/", "https://user@store.example.jp/out", "https://store.example.jp/out#x", "javascript:alert(1)",
		"data:text/html,x", "//store.example.jp/out", "/logout", "https://[::1]/out", "https://store.example.jp/a b", "https:///out",
		"jp.example.app:/out",
	} {
		settle(t, a, "store", client.Settings{FrontchannelLogoutURI: bad})
		p := b.Get("/logout?" + goodLogout(rp.TokensOf(b, "suzuki").Str("id_token")).Encode())
		if p.Status != http.StatusSeeOther || p.Location().Host != "store.example.jp" || len(frames(p)) > 0 {
			t.Errorf("%s: %d to %s with %v", bad, p.Status, p.Location(), frames(p))
		}
	}
	// A disabled client is told nothing any more.
	settle(t, a, "store", client.Settings{FrontchannelLogoutURI: "https://store.example.jp/out"})
	a.RelyingParty(t, "plain").TokensOf(b, "suzuki")
	rp.TokensOf(b, "suzuki")
	now := a.Clock.Now()
	inTx(t, a, func(tx *store.Tx) error {
		_, err := tx.SetClientDisabled(t.Context(), store.SetClientDisabledParams{ID: "store", DisabledAt: &now, Now: now})
		return err
	})
	if err := a.Provider.ReloadClients(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p := b.Post("/logout/confirm", value("kind", "store")); p.Status != http.StatusSeeOther {
		t.Errorf("disabled: %d with %v", p.Status, frames(p))
	}
}

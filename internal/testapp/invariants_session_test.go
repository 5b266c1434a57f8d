package testapp_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/internal/testapp"
)

var discard = slog.New(slog.DiscardHandler)

func TestI1_NoSecondFactorWithoutProof(t *testing.T) {
	t.Parallel()
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		rp := a.RelyingParty(t, "store")
		// What the ID token says, every other answer says too.
		check := func(name string, r testapp.Reply, acr string, amr ...any) {
			t.Helper()
			claims := r.IDToken(t)
			want := map[string]any{"acr": acr, "amr": amr, "auth_time": claims["auth_time"]}
			for where, got := range map[string]map[string]any{
				"ID token": claims, "userinfo": a.Userinfo(t, r.Str("access_token")).JSON,
				"introspection": rp.Introspect(r.Str("access_token")).JSON, "refresh token": rp.Introspect(r.Str("refresh_token")).JSON,
			} {
				if diff := cmp.Diff(want, map[string]any{"acr": got["acr"], "amr": got["amr"], "auth_time": got["auth_time"]}); diff != "" {
					t.Errorf("%s, %s:\n%s", name, where, diff)
				}
				if (got["urn:futakagi:2fa"] != nil) != (acr != acrPassword) {
					t.Errorf("%s, %s: urn:futakagi:2fa = %v", name, where, got["urn:futakagi:2fa"])
				}
			}
		}
		b := a.NewBrowser(t)
		check("password alone", rp.TokensOf(b, "suzuki"), acrPassword, "pwd")
		// The same person proves a second factor in another browser: this session has not.
		other := a.NewBrowser(t)
		check("second factor", rp.TokensOf(other, "suzuki", "acr_values", acrEmail), acrEmail, "pwd", "mca", "mfa")

		// Setting up a factor turned nobody's switch; a later sign-in without the factor says so.
		check("password, with a factor", rp.TokensOf(a.NewBrowser(t), "suzuki"), acrPassword, "pwd")

		// A proof that is older than max_age does not count, however the session came by it.
		a.Pass(t, 10*time.Minute)
		check("same session", rp.TokensOf(other, "suzuki"), acrEmail, "pwd", "mca", "mfa")
		renewed := rp.TokensOf(other, "suzuki", "max_age", "60")
		check("password renewed", renewed, acrPassword, "pwd")
		// What was given before is what it was.
		check("refresh", rp.Refresh(renewed.Str("refresh_token")), acrPassword, "pwd")

		// A factor that was enrolled is no proof: sato is asked, and nothing comes without the answer.
		b = a.NewBrowser(t)
		p := a.Password(t, b, rp.AuthorizeURL(), "sato")
		for range 3 {
			if p = b.Open("/signin/continue?flow=" + p.Flow()); p.URL.Path != "/signin/challenge" {
				t.Fatalf("%d %s %s", p.Status, p.URL, p.Location())
			}
		}
		for _, form := range []map[string][]string{value("saved", "yes"), value("method", "email"), value("acr", acrFull), value("do", "verify")} {
			for _, path := range []string{"/signin/backup-codes", "/signin/two-factor", "/signin/two-factor/email", "/signin/challenge", "/signin/challenge/backup"} {
				if p := b.Submit(path+"?flow="+p.Flow(), form); !strings.HasPrefix(p.URL.Path, "/signin/") || p.Location().Host != "" {
					t.Errorf("%s with %v leads to %s %s", path, form, p.URL, p.Location())
				}
			}
		}
		a.Pass(t, 61*time.Second) // the pause between two codes
		check("challenge", rp.TokensOf(b, "sato"), acrEmail, "pwd", "mca", "mfa")
	})
}

// A pending session can do the steps of its own sign-in and nothing else.
func TestI2_PendingSessionReachesNothingElse(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *watched) {
		rp := a.RelyingParty(t, "store")
		b, stranger := a.NewBrowser(t), a.NewBrowser(t)
		p := a.Password(t, b, rp.AuthorizeURL(), "sato")
		if p.URL.Path != "/signin/challenge" {
			t.Fatalf("%d %s", p.Status, p.URL)
		}
		flow := "?flow=" + p.Flow()
		// Also under the names of full sessions the flow's secret is worth nothing.
		for _, c := range b.Cookies() {
			if _, secret, ok := strings.Cut(c.Value, "."); ok {
				b.SetCookie(&http.Cookie{Name: "__Host-futakagi", Value: secret})
				b.SetCookie(&http.Cookie{Name: "__Host-futakagi-admin", Value: secret})
			}
		}
		before := a.rows(t)
		for _, r := range routes(t, a.App) {
			own := strings.HasPrefix(r.path, "/signin") // the steps themselves, and the start of another sign-in
			if own || r.method == http.MethodConnect || r.method == http.MethodTrace {
				continue
			}
			for _, query := range []string{"", flow} {
				headers := map[string]string{"Origin": a.URL, "Sec-Fetch-Site": "same-origin"}
				got := b.Do(r.method, r.path+query, value("do", "send", "email", "evil@example.com", "saved", "yes"), headers)
				want := stranger.Do(r.method, r.path+query, value("do", "send", "email", "evil@example.com", "saved", "yes"), headers)
				name := r.method + " " + r.path + query
				if got.Status != want.Status || got.Location().Path != want.Location().Path {
					t.Errorf("%s: %d to %s, for a stranger %d to %s", name, got.Status, got.Location(), want.Status, want.Location())
				}
				public := got.Status == http.StatusOK && slices.Contains([]string{"/jwks", "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/.well-known/ssf-configuration", "/signed-out", "/account/undo/done", "/api/v1", "/api/v1/openapi.json", "/account/stop/done", "/device", "/device/done"}, r.path)
				// Whoever forgot a password has no session at all.
				forgotten := strings.HasPrefix(strings.TrimPrefix(r.path, "/admin"), "/password/") && (got.Status == http.StatusOK || got.Status == http.StatusUnprocessableEntity)
				// Codes of devices can be typed before anybody signs in.
				forgotten = forgotten || r.path == "/device" && got.Status == http.StatusUnprocessableEntity
				leads := got.Status == http.StatusSeeOther && slices.Contains([]string{"/signin/start", "/signed-out", "/authorize", "/logout"}, got.Location().Path)
				// The bare address leads everybody to a page that asks who they are.
				leads = leads || r.path == "/" && got.Location().Path == "/account/security"
				refused := slices.Contains([]int{302, 400, 401, 403, 404, 405, 410, 415}, got.Status)
				if !public && !forgotten && !leads && !refused {
					t.Errorf("%s: %d to %s", name, got.Status, got.Location())
				}
			}
		}
		if d := difference(before, a.rows(t)); len(d) != 0 {
			t.Errorf("rows changed:\n%s", strings.Join(d, "\n"))
		}
		// Starting another sign-in does not carry anything over.
		for _, start := range []string{rp.AuthorizeURL(), "/signin/start?to=/account/security", "/signin/start?to=/admin", a.RelyingParty(t, "staff").AuthorizeURL()} {
			if p := b.Open(start); p.URL.Path != "/signin" {
				t.Errorf("%s leads to %d %s", start, p.Status, p.URL)
			}
		}
		// Inside the sign-in: no set-up beside the factor that exists (I3).
		for _, path := range []string{"/signin/two-factor", "/signin/two-factor/email", "/signin/backup-codes"} {
			for _, form := range []map[string][]string{value("method", "email"), value("do", "send", "email", "evil@example.com")} {
				if p := b.Submit(path+flow, form); p.URL.Path != "/signin/challenge" {
					t.Errorf("%s: %d %s", path, p.Status, p.URL)
				}
			}
		}
		if p := b.Get("/signin/backup-codes.txt" + flow); p.Status == http.StatusOK {
			t.Error("the backup codes are shown")
		}
		if n := len(a.Mail.Mails("evil@example.com")); n != 0 {
			t.Errorf("%d mails to an address of the intruder's", n)
		}
	})
}

func cookie(b *testapp.Browser, prefix string) *http.Cookie {
	for _, c := range b.Cookies() {
		if strings.HasPrefix(c.Name, prefix) && (prefix != "__Host-futakagi" || c.Name == prefix) {
			return c
		}
	}
	return nil
}

func TestI10_EveryRiseRenewsTheSecret(t *testing.T) {
	t.Parallel()
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		rp := a.RelyingParty(t, "store")
		b := a.NewBrowser(t)
		seen := map[string]bool{}
		// dead plants a former cookie into another browser and visits what it opened.
		dead := func(what, path string, former *http.Cookie) {
			t.Helper()
			other := a.NewBrowser(t)
			other.SetCookie(former)
			p := other.Get(path)
			opened := p.Status == http.StatusOK || p.Status == http.StatusSeeOther && p.Location().Path != "/signin/start"
			if opened {
				t.Errorf("%s: the former secret opens %s: %d to %s", what, path, p.Status, p.Location())
			}
			if seen[former.Value] {
				t.Errorf("%s: a secret came twice", what)
			}
			if _, secret, _ := strings.Cut(former.Value, "."); len(former.Value) < 43 || strings.Contains(former.Value, ".") && len(secret) < 43 {
				t.Errorf("%s: %q has no 256 bits", what, former.Value)
			}
			seen[former.Value] = true
		}
		p := b.Open(rp.AuthorizeURL())
		flow := p.URL.Query().Get("flow")
		next := "/signin/continue?flow=" + flow
		anonymous := cookie(b, "__Host-futakagi-flow-")
		p = b.Submit(p.URL.RequestURI(), value("username", "sato", "password", "futakagi-demo"))
		dead("password", next, anonymous)
		pending := cookie(b, "__Host-futakagi-flow-")
		p = b.Post(p.URL.RequestURI(), value("do", "verify", "code", a.Code(t, testapp.FactorAddress("sato"), 0)))
		dead("second factor", next, pending)
		proved := cookie(b, "__Host-futakagi-flow-")
		if p = b.Follow(p); p.Location().Query().Get("code") == "" {
			t.Fatalf("%d %s", p.Status, p.URL)
		}
		dead("end of the sign-in", next, proved)
		if c := cookie(b, "__Host-futakagi-flow-"); c != nil {
			t.Errorf("the browser keeps %s", c.Name)
		}

		// A step-up renews the session's token and keeps its name to relying parties.
		full := cookie(b, "__Host-futakagi")
		if full == nil {
			t.Fatal("no session cookie")
		}
		a.Pass(t, 2*time.Minute)
		sid := rp.Redeem(p.Location().Query().Get("code"))
		if sid.Status != http.StatusBadRequest {
			t.Errorf("a code of two minutes: %d", sid.Status)
		}
		first := rp.TokensOf(b, "sato").IDToken(t)
		second := rp.TokensOf(b, "sato", "prompt", "login").IDToken(t)
		dead("step-up", "/account/security", full)
		if first["sid"] != second["sid"] {
			t.Errorf("sid %v became %v", first["sid"], second["sid"])
		}
		// Sign-out kills it too; and so does another person's sign-in in the same browser.
		raised := cookie(b, "__Host-futakagi")
		a.Pass(t, time.Second)
		rp.TokensOf(b, "tanaka", "prompt", "login")
		dead("change of person", "/account/security", raised)
		last := cookie(b, "__Host-futakagi")
		if p := b.Submit("/logout/confirm", value("kind", "store")); p.URL.Path != "/signed-out" {
			t.Fatalf("%d %s", p.Status, p.URL)
		}
		dead("sign-out", "/account/security", last)
	})
}

// A secret that somebody planted before the sign-in is worth nothing after it.
func TestI10_Fixation(t *testing.T) {
	t.Parallel()
	a := testapp.New(t)
	rp := a.RelyingParty(t, "store")
	thief, victim := a.NewBrowser(t), a.NewBrowser(t)
	p := thief.Open(rp.AuthorizeURL())
	planted := cookie(thief, "__Host-futakagi-flow-")
	victim.SetCookie(planted)
	victim.SetCookie(&http.Cookie{Name: "__Host-futakagi", Value: strings.Repeat("A", 43)})
	p = victim.Submit(p.URL.RequestURI(), value("username", "suzuki", "password", "futakagi-demo"))
	if p.Location().Query().Get("code") == "" {
		t.Fatalf("%d %s", p.Status, p.URL)
	}
	if got := thief.Get("/signin/continue?flow=" + p.URL.Query().Get("flow")); got.Status != http.StatusGone {
		t.Errorf("the planted flow: %d to %s", got.Status, got.Location())
	}
	if c := cookie(victim, "__Host-futakagi"); c == nil || c.Value == strings.Repeat("A", 43) {
		t.Errorf("the planted session token stays: %v", c)
	}
}

func TestI11_RevocationIsCompleteAndImmediate(t *testing.T) {
	t.Parallel()
	const address = "sato-2fa@example.jp"
	events := map[string]func(t *testing.T, a *testapp.App, acting *testapp.Browser){
		"password change": func(t *testing.T, a *testapp.App, _ *testapp.Browser) {
			if err := a.Admin.SetPassword(t.Context(), admin.System(), accountOf(t, a, "sato").ID, "another good passphrase"); err != nil {
				t.Fatal(err)
			}
		},
		"own password change": func(t *testing.T, _ *testapp.App, acting *testapp.Browser) {
			p := acting.Submit("/account/security/password", value("current", "futakagi-demo", "password", "another good passphrase"))
			if p.URL.Path != "/account/security" || p.Status != http.StatusOK {
				t.Fatalf("change: %d %s", p.Status, p.URL)
			}
		},
		"forgotten password": func(t *testing.T, a *testapp.App, _ *testapp.Browser) {
			if p := a.ResetPassword(t, a.NewBrowser(t), "sato", "another good passphrase"); p.URL.Path != "/password/done" {
				t.Fatalf("reset: %d %s", p.Status, p.URL)
			}
		},
		"account disabled": func(t *testing.T, a *testapp.App, _ *testapp.Browser) {
			disable(t, a, "sato")
		},
		"reset": func(t *testing.T, a *testapp.App, _ *testapp.Browser) {
			resetFactors(t, a, "sato")
		},
		"change of the address": func(t *testing.T, a *testapp.App, acting *testapp.Browser) {
			acting.Submit("/account/security/email", value("do", "send", "email", "new@example.jp"))
			p := acting.Submit("/account/security/email", value("do", "verify", "email", "new@example.jp", "code", a.Code(t, "new@example.jp", 0)))
			if p.URL.Path != "/account/security" || p.Status != http.StatusOK {
				t.Fatalf("change: %d %s", p.Status, p.URL)
			}
		},
		"new backup codes": func(t *testing.T, _ *testapp.App, acting *testapp.Browser) {
			if p := acting.Submit("/account/security/backup-codes", nil); p.Status != http.StatusOK {
				t.Fatalf("regenerate: %d %s", p.Status, p.URL)
			}
		},
		"end others": func(t *testing.T, _ *testapp.App, acting *testapp.Browser) {
			if p := acting.Submit("/account/security/sessions/end-others", nil); p.Status != http.StatusOK {
				t.Fatalf("end others: %d %s", p.Status, p.URL)
			}
		},
	}
	for name, event := range events {
		t.Run(name, func(t *testing.T) {
			testapp.Each(t, func(t *testing.T, a *testapp.App) {
				rp := a.RelyingParty(t, "store")
				acting, other, pending := a.NewBrowser(t), a.NewBrowser(t), a.NewBrowser(t)
				mine := rp.TokensOf(acting, "sato")
				a.Pass(t, 2*time.Minute)
				theirs := rp.TokensOf(other, "sato")
				code := a.CodeOf(t, other, rp.AuthorizeURL(), "sato")
				sent := len(a.Mail.Mails(address))
				p := a.Password(t, pending, rp.AuthorizeURL(), "sato")
				digits := a.Code(t, address, sent)

				event(t, a, acting)

				if got := other.Get("/account/security"); got.Location().Path != "/signin/start" {
					t.Errorf("the other session: %d to %s", got.Status, got.Location())
				}
				if got := other.Get(rp.AuthorizeURL("prompt", "none")); got.Location().Query().Get("error") != "login_required" {
					t.Errorf("single sign-on of the other session: %s", got.Location())
				}
				if rp.Active(theirs.Str("access_token")) || a.Userinfo(t, theirs.Str("access_token")).Status != http.StatusUnauthorized {
					t.Error("the other session's access token lives on")
				}
				if r := rp.Refresh(theirs.Str("refresh_token")); r.Str("error") != "invalid_grant" {
					t.Errorf("the other session's refresh token: %d %s", r.Status, r.Body)
				}
				if r := rp.Redeem(code); r.Str("error") != "invalid_grant" {
					t.Errorf("the unredeemed code: %d %s", r.Status, r.Body)
				}
				got := pending.Submit(p.URL.RequestURI(), value("do", "verify", "code", digits))
				if got.Status != http.StatusGone {
					t.Errorf("the pending sign-in: %d %s to %s", got.Status, got.URL, got.Location())
				}
				// The acting session of a change of one's own goes on, and what it gave out too.
				own := slices.Contains([]string{"own password change", "change of the address", "new backup codes", "end others"}, name)
				if got := rp.Active(mine.Str("access_token")); got != own {
					t.Errorf("the acting session's access token: active is %v", got)
				}
				if got := acting.Get("/account/security").Status == http.StatusOK; got != own {
					t.Errorf("the acting session: alive is %v", got)
				}
			})
		})
	}
	t.Run("end one session", func(t *testing.T) {
		a := testapp.New(t)
		rp := a.RelyingParty(t, "store")
		acting, other, third := a.NewBrowser(t), a.NewBrowser(t), a.NewBrowser(t)
		rp.TokensOf(acting, "suzuki")
		theirs := rp.TokensOf(other, "suzuki")
		rp.TokensOf(third, "suzuki")
		path := fmt.Sprintf("/account/security/sessions/%s/end", theirs.IDToken(t)["sid"])
		stranger := a.NewBrowser(t)
		rp.TokensOf(stranger, "tanaka")
		if p := stranger.Post(path, nil); p.Status != http.StatusNotFound {
			t.Errorf("another person ends it: %d", p.Status)
		}
		if p := acting.Submit(path, nil); p.Status != http.StatusOK {
			t.Fatalf("%d %s", p.Status, p.URL)
		}
		for name, c := range map[string]struct {
			b    *testapp.Browser
			want bool
		}{"acting": {acting, true}, "ended": {other, false}, "third": {third, true}} {
			if got := c.b.Get("/account/security").Status == http.StatusOK; got != c.want {
				t.Errorf("%s: alive is %v", name, got)
			}
		}
		if rp.Active(theirs.Str("access_token")) || rp.Refresh(theirs.Str("refresh_token")).Str("error") != "invalid_grant" {
			t.Error("the ended session's tokens live on")
		}
	})
}

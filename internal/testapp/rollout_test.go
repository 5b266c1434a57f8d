package testapp_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/store"
)

// setGrace gives the accounts of a surface days in which they may put their set-up off.
func setGrace(t *testing.T, a *testapp.App, surface string, former, days int) {
	t.Helper()
	if _, err := a.Admin.SetGrace(t.Context(), admin.System(), surface, former, days); err != nil {
		t.Fatal(err)
	}
}

const later = "/signin/two-factor/later"

// choice brings a browser to the choice of a first factor.
func choice(t *testing.T, a *testapp.App, b *testapp.Browser, start, login string) testapp.Page {
	t.Helper()
	p := a.Password(t, b, start, login)
	if p.URL.Path != "/signin/two-factor" || p.Status != http.StatusOK {
		t.Fatalf("the sign-in of %s leads to %d %s, not to the choice", login, p.Status, p.URL)
	}
	return p
}

// putOff presses あとで設定する.
func putOff(t *testing.T, b *testapp.Browser, p testapp.Page) testapp.Page {
	t.Helper()
	if !strings.Contains(p.Body, later+"?flow=") {
		t.Fatalf("nothing is offered at %s", p.URL)
	}
	return b.Follow(b.Post(later+"?flow="+url.QueryEscape(p.Flow()), nil))
}

// TestGrace walks through enforcement with days of grace: put off, the tokens say that a password was proved and no more, and all of
// them end with the days; whoever set something up has no days any more.
func TestGrace(t *testing.T) {
	t.Parallel()
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		rp := a.RelyingParty(t, "store")
		b := a.NewBrowser(t)
		before := rp.TokensOf(b, "suzuki")
		a.Pass(t, time.Second)
		setGrace(t, a, admin.SurfaceStore, 0, 7)
		enforceStore(t, a, true)

		// What was made before knows no days: it is asked for a second factor at the next opportunity, by the password first.
		if r := rp.Refresh(before.Str("refresh_token")); r.Str("error") != "invalid_grant" {
			t.Errorf("refresh from before: %d %s", r.Status, r.Body)
		}
		a.Pass(t, 10*time.Minute)
		p := choice(t, a, b, rp.AuthorizeURL(), "suzuki")
		if !strings.Contains(p.Body, "あと7日間") {
			t.Error("the choice does not say how many days there are")
		}
		if acc := a.Account(t, "suzuki"); acc.GraceFrom != nil || acc.TwoFactor != store.TwoFactorDontUse {
			t.Errorf("before the first press: %+v", acc)
		}
		p = putOff(t, b, p)
		tokens := rp.Redeem(p.Location().Query().Get("code"))
		if tokens.Status != http.StatusOK {
			t.Fatalf("redeem: %d %s (%s)", tokens.Status, tokens.Body, p.Location())
		}
		if claims := tokens.IDToken(t); claims["acr"] != "urn:futakagi:acr:1fa" || claims["urn:futakagi:2fa"] != nil {
			t.Errorf("claims: %v", claims)
		}
		if r := rp.Refresh(before.Str("refresh_token")); r.Status != http.StatusOK {
			t.Errorf("within the days, the password suffices for grants from before, too: %d %s", r.Status, r.Body)
		}
		// The session goes on without another press; a level that is asked for is not put off.
		if p := b.Open(rp.AuthorizeURL()); p.Location().Query().Get("code") == "" {
			t.Errorf("the session: %d %s", p.Status, p.URL)
		}
		if p := b.Open("/account/security"); p.Status != http.StatusOK || !strings.Contains(p.Body, "までに設定してください") {
			t.Errorf("self-service: %d %s", p.Status, p.URL)
		}
		p = b.Open(rp.AuthorizeURL("acr_values", "urn:futakagi:acr:2fa-email"))
		if p.URL.Path != "/signin/two-factor" || strings.Contains(p.Body, later) {
			t.Errorf("a level asked for: %d %s", p.Status, p.URL)
		}
		if p := b.Follow(b.Post(later+"?flow="+url.QueryEscape(p.Flow()), nil)); p.URL.Path != "/signin/two-factor" {
			t.Errorf("a level asked for, put off by hand: %d %s", p.Status, p.URL)
		}
		// An account that demands it itself has nothing to put off.
		if p := choice(t, a, a.NewBrowser(t), rp.AuthorizeURL(), "tanaka"); strings.Contains(p.Body, later) {
			t.Error("the account's own switch can be put off")
		}

		// The next sign-in asks again, and the days go on.
		a.Pass(t, 3*24*time.Hour)
		b2 := a.NewBrowser(t)
		p = choice(t, a, b2, rp.AuthorizeURL(), "suzuki")
		if !strings.Contains(p.Body, "あと4日間") {
			t.Error("the days do not go on")
		}
		waiting := putOff(t, b2, p).Location().Query().Get("code")
		last := rp.Redeem(waiting)
		a.Pass(t, 4*24*time.Hour-time.Minute)
		if p := choice(t, a, a.NewBrowser(t), rp.AuthorizeURL(), "suzuki"); !strings.Contains(p.Body, "あと1日です") {
			t.Error("the last minute is not the last day")
		}
		b3 := a.NewBrowser(t)
		code := putOff(t, b3, choice(t, a, b3, rp.AuthorizeURL(), "suzuki")).Location().Query().Get("code")
		a.Pass(t, time.Minute)

		// Over, to the second: code, refresh token, session, sign-in.
		if r := rp.Redeem(code); r.Str("error") != "invalid_grant" {
			t.Errorf("a code after the days: %d %s", r.Status, r.Body)
		}
		if r := rp.Refresh(last.Str("refresh_token")); r.Str("error") != "invalid_grant" {
			t.Errorf("a refresh after the days: %d %s", r.Status, r.Body)
		}
		if p := b3.Get("/account/security"); p.Status != http.StatusSeeOther {
			t.Errorf("a session after the days: %d", p.Status)
		}
		p = choice(t, a, a.NewBrowser(t), rp.AuthorizeURL(), "suzuki")
		if strings.Contains(p.Body, later) {
			t.Error("days beyond their end")
		}

		// Set up and reset: no days. Enforced anew: all of them.
		a.Equip(t, "suzuki", testapp.ByEmail)
		if _, err := a.Admin.ResetFactors(t.Context(), admin.System(), a.Account(t, "suzuki").ID, admin.Reason{Text: "x", IdentityChecked: true}); err != nil {
			t.Fatal(err)
		}
		if p := choice(t, a, a.NewBrowser(t), rp.AuthorizeURL(), "suzuki"); strings.Contains(p.Body, later) {
			t.Error("a reset gave days")
		}
		a.Pass(t, time.Second)
		enforceStore(t, a, false)
		if p := a.Password(t, a.NewBrowser(t), rp.AuthorizeURL(), "suzuki"); p.Location().Query().Get("code") == "" {
			t.Errorf("M12: lifted, the account's own switch holds again: %d %s", p.Status, p.URL)
		}
		enforceStore(t, a, true)
		if p := choice(t, a, a.NewBrowser(t), rp.AuthorizeURL(), "suzuki"); !strings.Contains(p.Body, "あと7日間") {
			t.Error("enforced anew, there are no days")
		}
		setGrace(t, a, admin.SurfaceStore, 7, 0)
		if p := choice(t, a, a.NewBrowser(t), rp.AuthorizeURL(), "suzuki"); strings.Contains(p.Body, later) {
			t.Error("days without days")
		}
	})
}

// TestGraceAfterAReset is the back door that there is not: whoever had a factor when enforcement came, and loses it by a reset, cannot
// put the new one off, though they never did before.
func TestGraceAfterAReset(t *testing.T) {
	t.Parallel()
	a := testapp.New(t)
	rp := a.RelyingParty(t, "store")
	a.Equip(t, "suzuki", testapp.ByEmail)
	switchOf(t, a, "suzuki", store.TwoFactorDontUse)
	a.Pass(t, time.Second)
	setGrace(t, a, admin.SurfaceStore, 0, 30)
	enforceStore(t, a, true)
	a.Pass(t, time.Second)
	if _, err := a.Admin.ResetFactors(t.Context(), admin.System(), a.Account(t, "suzuki").ID, admin.Reason{Text: "x", IdentityChecked: true}); err != nil {
		t.Fatal(err)
	}
	if p := choice(t, a, a.NewBrowser(t), rp.AuthorizeURL(), "suzuki"); strings.Contains(p.Body, later) {
		t.Error("a reset gave days")
	}
}

// TestAnnouncement tells everybody whom enforcement would stop, once and in their language, and shows the day where they sign in.
func TestAnnouncement(t *testing.T) {
	t.Parallel()
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		// suzuki signs in in English once; sato has a method; a disabled account and one without an address get nothing.
		rp := a.RelyingParty(t, "store")
		if p := a.Password(t, a.NewBrowser(t), rp.AuthorizeURL("ui_locales", "en"), "suzuki"); p.Location().Query().Get("code") == "" {
			t.Fatalf("sign-in: %d %s", p.Status, p.URL)
		}
		if lang := a.Account(t, "suzuki").Lang; lang != "en" {
			t.Fatalf("language of the sign-in: %q", lang)
		}
		gone := newcomer(t, a, "store", "gone")
		if _, err := a.Admin.SetDisabled(t.Context(), admin.System(), gone.ID, true); err != nil {
			t.Fatal(err)
		}
		mute := newcomer(t, a, "store", "mute")
		inTx(t, a, func(tx *store.Tx) error {
			_, err := tx.UpdateAccountProfile(t.Context(), store.UpdateAccountProfileParams{ID: mute.ID, DisplayName: "x", Role: mute.Role, Now: a.Clock.Now()})
			return err
		})
		day := a.Clock.Now().AddDate(0, 0, 10)
		for _, bad := range []time.Time{{}, a.Clock.Now().AddDate(0, 0, -2), a.Clock.Now().AddDate(1, 0, 2)} {
			if err := a.Admin.Announce(t.Context(), admin.System(), admin.SurfaceStore, bad); err == nil {
				t.Errorf("announced for %v", bad)
			}
		}
		if err := a.Admin.Announce(t.Context(), admin.System(), admin.SurfaceStore, day); err != nil {
			t.Fatal(err)
		}
		for i := range 20 {
			more, err := a.Admin.QueueAnnouncements(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if !more {
				break
			}
			if i == 19 {
				t.Fatal("the announcement does not end")
			}
		}
		a.Pass(t, time.Second) // waits for the outbox
		subjects := func(login string) (found []string) {
			for _, m := range a.Mail.Mails(testapp.RegisteredAddress(login)) {
				if strings.Contains(m.Subject, "二要素認証の設定のお願い") || strings.Contains(m.Subject, "please set up") {
					found = append(found, m.Subject)
				}
			}
			return found
		}
		for login, want := range map[string]string{
			"tanaka": "【Futakagi】二要素認証の設定のお願い", "suzuki": "Futakagi: please set up two-factor authentication", "sato": "", "gone": "", "operator": "",
		} {
			if got := strings.Join(subjects(login), "|"); got != want {
				t.Errorf("%s was told %q, want %q", login, got, want)
			}
		}
		ro, err := a.Admin.Rollout(t.Context(), admin.System(), admin.SurfaceStore)
		if err != nil || ro.Announcement == nil || ro.Announcement.FinishedAt == nil || ro.Announcement.Mailed != 2 || ro.Announcement.Skipped != 1 || ro.Announcement.Total != 3 {
			t.Errorf("progress: %+v, %v", ro.Announcement, err)
		}
		if n := ro.Count; n.Unset != 3 || n.Unreachable != 0 || n.Unusable != 0 || n.Seen != 1 || n.Never != 2 {
			t.Errorf("preview: %+v", ro)
		}

		want := day.In(time.FixedZone("JST", 9*60*60)).Format(time.DateOnly) // days are those of Japan
		p := a.NewBrowser(t).Open(rp.AuthorizeURL())
		if !strings.Contains(p.Body, want) {
			t.Error("the sign-in page does not name the day")
		}
		b := a.NewBrowser(t)
		if p := a.Password(t, b, "/signin/start?to=/account/security", "suzuki"); !strings.Contains(p.Body, want) {
			t.Errorf("self-service does not name the day: %d %s", p.Status, p.URL)
		}
		if p := a.SignIn(t, a.NewBrowser(t), "/account/security", "sato"); strings.Contains(p.Body, want) {
			t.Error("self-service names the day to somebody who is done")
		}
		changed, err := a.Admin.WithdrawAnnouncement(t.Context(), admin.System(), admin.SurfaceStore)
		if err != nil || !changed {
			t.Fatal(changed, err)
		}
		if p := a.NewBrowser(t).Open(rp.AuthorizeURL()); strings.Contains(p.Body, want) {
			t.Error("the sign-in page names a day that was withdrawn")
		}
		found := 0
		page, err := a.Admin.ListAudit(t.Context(), admin.System(), admin.AuditQuery{Kind: "settings"})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Rows {
			if audit.Type(e.AuditEvent.Type) == audit.EnforcementTell && e.AuditEvent.Result == string(audit.Success) {
				found++
			}
		}
		if found != 2 {
			t.Errorf("%d rows of the announcement and its end", found)
		}
	})
}

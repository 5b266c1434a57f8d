package testapp_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/internal/testapp"
)

// flowCookie is what a browser holds of the sign-in it is in.
func flowCookie(b *testapp.Browser) *http.Cookie { return cookie(b, "__Host-futakagi-flow-") }

// rotates walks through a sign-in and holds every step of it against I10: whatever was proved in it, the browser has a new secret, and
// the former one opens nothing from then on. It returns the steps that renewed it.
func rotates(t *testing.T, a *testapp.App, start, login string, way testapp.Way) (renewed []string) {
	t.Helper()
	b := a.NewBrowser(t)
	w := a.Walk(t, b, login, way)
	p := b.Open(start)
	seen := map[string]bool{}
	for {
		before, flow := flowCookie(b), p.Flow()
		next, ok := w.Step(p)
		if !ok {
			break
		}
		after := flowCookie(b)
		switch {
		case before == nil:
			t.Fatalf("%s: no secret at %s", way, p.URL.Path)
		case after != nil && after.Value == before.Value:
			if p.URL.Path != "/signin/two-factor" { // a choice proves nothing
				t.Errorf("%s: the secret outlives %s", way, p.URL.Path)
			}
		default:
			renewed = append(renewed, strings.TrimPrefix(p.URL.Path, "/signin"))
			if seen[before.Value] {
				t.Errorf("%s: a secret came twice", way)
			}
			seen[before.Value] = true
			thief := a.NewBrowser(t)
			thief.SetCookie(&http.Cookie{Name: before.Name, Value: before.Value})
			for _, path := range []string{"/signin/continue", "/signin", "/signin/challenge", "/signin/backup-codes"} {
				got := thief.Open(path + "?flow=" + flow)
				if got.Status != http.StatusGone {
					t.Errorf("%s: after %s the former secret opens %s: %d %s", way, p.URL.Path, path, got.Status, got.URL)
				}
			}
		}
		p = next
	}
	code := p.Location().Query().Get("code")
	if code == "" || flowCookie(b) != nil || cookie(b, "__Host-futakagi") == nil {
		t.Fatalf("%s: sign-in ends at %d %s with %v", way, p.Status, p.URL, b.Cookies())
	}
	return renewed
}

// TestI10_EveryProofRenewsTheSecret walks through the set-up and the challenge of every method.
func TestI10_EveryProofRenewsTheSecret(t *testing.T) {
	t.Parallel()
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		start := a.RelyingParty(t, "store").AuthorizeURL()
		for _, c := range []struct {
			way              testapp.Way
			setUp, challenge string
		}{
			{testapp.ByEmail, " /two-factor/email /backup-codes", " /challenge"},
			{testapp.BySMS, " /two-factor/sms /backup-codes", " /challenge"},
			{testapp.ByApp, " /two-factor/totp /backup-codes", " /challenge"},
			{testapp.ByKey, " /two-factor/passkey /backup-codes /challenge", " /challenge"},
			{testapp.ByPasskey, " /two-factor/passkey /backup-codes /challenge", ""},
			{testapp.BySyncedPasskey, " /two-factor/passkey /backup-codes /challenge", ""},
		} {
			login := "by-" + strings.ReplaceAll(strings.ToLower(string(c.way)), " ", "-")
			a.AddAccount(t, account.KindStore, login, account.TwoFactorUse)
			if got := strings.Join(rotates(t, a, start, login, c.way), " "); got != c.setUp {
				t.Errorf("%s: set-up renewed the secret at%s, want%s", c.way, got, c.setUp)
			}
			if got := strings.Join(rotates(t, a, start, login, c.way), " "); got != c.challenge {
				t.Errorf("%s: sign-in renewed the secret at%s, want%s", c.way, got, c.challenge)
			}
			a.Pass(t, 2*time.Minute)
			if got := strings.Join(rotates(t, a, start, login, testapp.ByBackup), " "); got != " /challenge" {
				t.Errorf("%s: backup code renewed the secret at%s", c.way, got)
			}
		}
	})
}

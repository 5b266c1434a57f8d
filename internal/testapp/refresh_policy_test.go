package testapp_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
)

// enforceStore sets whether the store demands a second factor.
func enforceStore(t *testing.T, a *testapp.App, on bool) {
	t.Helper()
	if _, err := a.Admin.SetEnforcement(t.Context(), admin.System(), []admin.EnforcementChange{{Surface: admin.SurfaceStore, Former: !on, Enforced: on}}); err != nil {
		t.Fatal(err)
	}
}

// switchOf sets an account's own demand, as the row has it.
func switchOf(t *testing.T, a *testapp.App, login, to string) {
	t.Helper()
	row := a.Account(t, login)
	inTx(t, a, func(tx *store.Tx) error {
		_, err := tx.SetTwoFactor(t.Context(), store.SetTwoFactorParams{ID: row.ID, TwoFactor: to, Former: row.TwoFactor, Now: a.Clock.Now()})
		return err
	})
}

// TestI22_RefreshAfterAPolicyChange tightens what is demanded, in every way there is: grants that do not satisfy it give no tokens from
// the next request on, those that do go on, and the tokens that are out say what they always said.
func TestI22_RefreshAfterAPolicyChange(t *testing.T) {
	t.Parallel()
	a := testapp.New(t)
	rp := a.RelyingParty(t, "store")
	a.Equip(t, "tanaka", testapp.ByApp, testapp.ByEmail, testapp.ByKey, testapp.ByPasskey)
	trusted := a.NewBrowser(t)
	w := a.Walk(t, trusted, "tanaka", testapp.ByEmail)
	w.Trust = true
	w.From(trusted.Open(rp.AuthorizeURL()))
	all := signin.FactorMethods()
	without := func(gone signin.Method) (left []signin.Method) {
		for _, m := range all {
			if m != gone {
				left = append(left, m)
			}
		}
		return left
	}
	methods := func(allowed []signin.Method, second signin.Level, days int) func(t *testing.T) {
		return func(t *testing.T) { setMethods(t, a, admin.SurfaceStore, allowed, second, days) }
	}
	back := methods(all, signin.Level2FAEmail, admin.MaxTrustDays)
	for _, c := range []struct {
		name        string
		login       string
		by          testapp.Way // what is not enough any more
		enough      testapp.Way // of tanaka
		change, end func(t *testing.T)
	}{
		{
			"enforcement", "suzuki", testapp.ByPassword, testapp.ByEmail,
			func(t *testing.T) { enforceStore(t, a, true) }, func(t *testing.T) { enforceStore(t, a, false) },
		},
		{
			"the account's own switch", "suzuki", testapp.ByPassword, testapp.ByApp,
			func(t *testing.T) { switchOf(t, a, "suzuki", store.TwoFactorUse) },
			func(t *testing.T) { switchOf(t, a, "suzuki", store.TwoFactorDontUse) },
		},
		{"no mail", "tanaka", testapp.ByEmail, testapp.ByApp, methods(without(signin.Email), signin.Level2FAEmail, 30), back},
		{"no passkeys", "tanaka", testapp.ByPasskey, testapp.ByApp, methods(without(signin.Passkey), signin.Level2FAEmail, 30), back},
		{"2fa", "tanaka", testapp.ByEmail, testapp.ByApp, methods(all, signin.Level2FA, 30), back},
		{"phr", "tanaka", testapp.ByApp, testapp.ByKey, methods(all, signin.LevelPHR, 30), back},
		{"a device that stands for mail", "tanaka", testapp.ByDevice, testapp.ByApp, methods(all, signin.Level2FA, 30), back},
		{"no trusted devices", "tanaka", testapp.ByDevice, testapp.ByEmail, methods(all, signin.Level2FAEmail, 0), back},
	} {
		t.Run(c.name, func(t *testing.T) {
			a.Pass(t, time.Hour) // the budget of codes
			enter := func(login string, way testapp.Way) string {
				b := a.NewBrowser(t)
				if way == testapp.ByDevice {
					b = trusted
				}
				p := a.SignInBy(t, b, rp.AuthorizeURL("prompt", "login"), login, way)
				return p.Location().Query().Get("code")
			}
			good := rp.Redeem(enter("tanaka", c.enough))
			tokens := rp.Redeem(enter(c.login, c.by))
			waiting := enter(c.login, c.by)
			if tokens.Status != http.StatusOK || waiting == "" {
				t.Fatalf("sign-in: %d %s, code %q", tokens.Status, tokens.Body, waiting)
			}
			before := tokens.IDToken(t)

			a.Pass(t, time.Second)
			c.change(t)
			for range 2 {
				if r := rp.Refresh(tokens.Str("refresh_token")); r.Status != http.StatusBadRequest || r.Str("error") != "invalid_grant" {
					t.Errorf("refresh: %d %s", r.Status, r.Body)
				}
			}
			if rp.Active(tokens.Str("refresh_token")) {
				t.Error("introspection calls the refresh token active")
			}
			if r := rp.Redeem(waiting); r.Status != http.StatusBadRequest || r.Str("error") != "invalid_grant" {
				t.Errorf("the code from before: %d %s", r.Status, r.Body)
			}
			// RFC 9470: whoever gets the access token sees what it rests on, and asks for more itself.
			access := tokens.Str("access_token")
			for where, answer := range map[string]testapp.Reply{"userinfo": a.Userinfo(t, access), "introspection": rp.Introspect(access)} {
				for _, name := range []string{"acr", "amr", "auth_time", "urn:futakagi:2fa"} {
					if diff := cmp.Diff(before[name], answer.JSON[name]); answer.Status != http.StatusOK || diff != "" {
						t.Errorf("%s: %d, %s %s", where, answer.Status, name, diff)
					}
				}
			}
			r := rp.Refresh(good.Str("refresh_token"))
			if r.Status != http.StatusOK || r.IDToken(t)["acr"] != good.IDToken(t)["acr"] {
				t.Errorf("what satisfies it: %d %s", r.Status, r.Body)
			}

			// Taken back, it stands against nothing: the token was refused and not spent.
			c.end(t)
			if r := rp.Refresh(tokens.Str("refresh_token")); r.Status != http.StatusOK || r.IDToken(t)["auth_time"] != before["auth_time"] {
				t.Errorf("taken back: %d %s", r.Status, r.Body)
			}
		})
	}
}

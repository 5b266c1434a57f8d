package testapp_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/store"
)

// I16: when a surface begins to demand a second factor, sessions made with the password alone open none of its pages any more,
// and open them again, in the same session, once a second factor is proved. The other surface's sessions go on.
func TestI16_EnforcementReachesLiveSessions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ login, surface, page, other, otherPage string }{
		{"operator", admin.SurfaceAdmin, "/admin/customers", "suzuki", "/account/security"},
		{"suzuki", admin.SurfaceStore, "/account/security", "operator", "/admin/customers"},
	} {
		t.Run(c.surface, func(t *testing.T) {
			testapp.Each(t, func(t *testing.T, a *testapp.App) {
				inTx(t, a, func(tx *store.Tx) error {
					_, err := tx.SetTwoFactor(t.Context(), store.SetTwoFactorParams{
						ID: accountOf(t, a, "operator").ID, TwoFactor: store.TwoFactorDontUse, Former: store.TwoFactorUse, Now: a.Clock.Now(),
					})
					return err
				})
				b, other := a.NewBrowser(t), a.NewBrowser(t)
				for _, s := range []struct {
					b           *testapp.Browser
					login, page string
				}{{b, c.login, c.page}, {other, c.other, c.otherPage}} {
					p := a.Password(t, s.b, "/signin/start?to="+s.page, s.login)
					if p.Status != http.StatusOK || p.URL.Path != s.page {
						t.Fatalf("sign-in of %s ends at %d %s", s.login, p.Status, p.URL)
					}
				}

				if _, err := a.Admin.SetEnforcement(t.Context(), admin.System(), []admin.EnforcementChange{{Surface: c.surface, Enforced: true}}); err != nil {
					t.Fatal(err)
				}
				p := b.Get(c.page)
				if p.Status != http.StatusSeeOther || p.Location().Path != "/signin/start" || p.Location().Query().Get("to") != c.page {
					t.Errorf("GET: %d to %s", p.Status, p.Location())
				}
				action := strings.Replace(c.page, "/account/security", "/account/security/sessions/end-others", 1)
				action = strings.Replace(action, "/admin/customers", "/admin/customers/new", 1)
				if p := b.Post(action, nil); p.Status != http.StatusUnauthorized {
					t.Errorf("POST: %d to %s", p.Status, p.Location())
				}
				if p := other.Get(c.otherPage); p.Status != http.StatusOK {
					t.Errorf("the other surface: %d to %s", p.Status, p.Location())
				}

				if p := b.Open(c.page); p.URL.Path != "/signin/two-factor" {
					t.Errorf("the way on leads to %s, not to the set-up", p.URL)
				}
				if p := a.SignIn(t, b, c.page, c.login); p.Status != http.StatusOK || p.URL.Path != c.page {
					t.Errorf("after the second factor: %d %s", p.Status, p.URL)
				}
			})
		})
	}
}

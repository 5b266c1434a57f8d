package testapp_test

import (
	"net/http"
	"testing"

	"github.com/futakagi/futakagi/internal/testapp"
)

// The bare address of the provider, which people type, leads to their own page.
func TestBareAddressLeadsToOnesOwnPage(t *testing.T) {
	t.Parallel()
	a := testapp.New(t)
	b := a.NewBrowser(t)
	if p := b.Get("/"); p.Status != http.StatusSeeOther || p.Location().Path != "/account/security" {
		t.Errorf("%d %s", p.Status, p.Location())
	}
	if p := a.SignIn(t, b, "/", "sato"); p.Status != http.StatusOK || p.URL.Path != "/account/security" {
		t.Errorf("signed in: %d %s", p.Status, p.URL)
	}
}

package testapp_test

import (
	"bytes"
	"image"
	"image/png"
	"strings"
	"testing"

	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/templates"
)

// giveLogo gives a client a picture and returns its address.
func giveLogo(t *testing.T, a *testapp.App, id string) string {
	t.Helper()
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 4, 4))); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Admin.SetLogo(t.Context(), admin.System(), id, &picture); err != nil {
		t.Fatal(err)
	}
	if err := a.Provider.ReloadClients(t.Context()); err != nil {
		t.Fatal(err)
	}
	row, err := a.DB.Read().GetClient(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return templates.LogoURL(row.ID, row.LogoVersion)
}

// TestLogoIsShownWherePeopleDecide wants an application's logo on the pages that ask about it and on the list of what was allowed.
func TestLogoIsShownWherePeopleDecide(t *testing.T) {
	t.Parallel()
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		rp, till := thirdParty(t, a), deviceClient(t, a, "till")
		shown := func(p testapp.Page, logo string) {
			t.Helper()
			if !strings.Contains(p.Body, `<img src="`+logo+`"`) {
				t.Errorf("%s shows no %s: %s", p.URL, logo, p.Body)
			}
		}
		logo, tillLogo := giveLogo(t, a, "plain"), giveLogo(t, a, "till")
		shopperWithout(t, a, "looks")
		b := a.NewBrowser(t)
		a.SignIn(t, b, rp.AuthorizeURL(), "looks")
		p := b.Open(rp.AuthorizeURL("prompt", "consent"))
		shown(p, logo)
		decide(t, b, p, "allow")
		shown(b.Open("/account/security"), logo)
		_, user := began(t, till)
		shown(b.Open("/device/confirm?user_code="+user), tillLogo)
	})
}

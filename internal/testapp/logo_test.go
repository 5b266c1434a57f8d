package testapp_test

import (
	"bytes"
	"image"
	"image/png"
	"net/http"
	"strings"
	"testing"

	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/templates"
)

// Anybody sees the logo of an application, for as long as its address names it; nothing in it can do anything. Whoever signs in to the
// application sees it there.
func TestLogoIsServedToAnybody(t *testing.T) {
	t.Parallel()
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		b := a.NewBrowser(t)
		for _, path := range []string{"/logo/nobody", "/logo/store", "/logo/a%20b", "/logo/%00", "/logo/" + strings.Repeat("x", 300), "/logo/..%2Fx"} {
			if p := b.Get(path); p.Status != http.StatusNotFound && p.Status != http.StatusBadRequest {
				t.Errorf("%s: %d", path, p.Status)
			}
		}
		var picture bytes.Buffer
		if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 4, 4))); err != nil {
			t.Fatal(err)
		}
		whole := picture.String()
		if _, err := a.Admin.SetLogo(t.Context(), admin.System(), "store", &picture); err != nil {
			t.Fatal(err)
		}
		if err := a.Provider.ReloadClients(t.Context()); err != nil {
			t.Fatal(err)
		}
		row, err := a.DB.Read().GetClient(t.Context(), "store")
		if err != nil {
			t.Fatal(err)
		}
		at := templates.LogoURL(row.ID, row.LogoVersion)
		p := b.Get(at)
		for name, want := range map[string]string{
			"Content-Type": "image/png", "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox",
			"Cache-Control": "public, max-age=31536000, immutable",
		} {
			if got := p.Header.Get(name); got != want {
				t.Errorf("%s: %q", name, got)
			}
		}
		if p.Status != http.StatusOK || p.Body != whole {
			t.Errorf("%d, %d bytes", p.Status, len(p.Body))
		}
		if p := b.Get("/logo/" + row.ID + "?v=former"); p.Status != http.StatusOK || p.Header.Get("Cache-Control") != "no-cache" || p.Header.Get("ETag") == "" {
			t.Errorf("by another name: %d %v", p.Status, p.Header)
		}
		signIn := b.Open(a.RelyingParty(t, "store").AuthorizeURL())
		if !strings.Contains(signIn.Body, `class="appchip__logo" src="`+at+`"`) {
			t.Errorf("the sign-in page does not show it: %s", signIn.Body)
		}
	})
}

package e2e

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"testing"
	"time"

	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/demo"
	"github.com/futakagi/futakagi/signin/standing"
	"github.com/futakagi/futakagi/store"
)

// draw gives a client a logo, which is wider than it is high.
func (w *world) draw(t *testing.T, id string) {
	t.Helper()
	m, file := image.NewRGBA(image.Rect(0, 0, 96, 64)), bytes.Buffer{}
	draw.Draw(m, m.Bounds(), image.NewUniform(color.RGBA{0, 110, 90, 255}), image.Point{}, draw.Src)
	draw.Draw(m, image.Rect(16, 16, 48, 48), image.White, image.Point{}, draw.Src)
	err := png.Encode(&file, m)
	if err == nil {
		_, err = w.Server.Admin.SetLogo(t.Context(), admin.System(), id, &file)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// consent looks at what people allow applications of others, and at the sign-out that tells applications.
func (v *viewer) consent(w *world) {
	app, _ := w.partner(v.t, "e2e-screen", "Minato Expenses", true, "openid", "profile", "email")
	p := w.person(v.t, withoutTwoFactor)
	b := v.browser(w)
	v.signIn(b, app.url, p)
	v.look(b, "consent")
	b.hit("button[value=allow]")
	b.origin(app.url)
	w.draw(v.t, "e2e-screen")
	w.widen(v.t, "e2e-screen", "openid", "profile", "email", "offline_access")
	b.open(app.url + "/login")
	v.look(b, "consent-more")
	b.hit("button[value=allow]")
	b.open(w.Addresses.Provider + "/account/security")
	v.look(b, "security-apps")
	w.clock.advance(standing.FreshFor + time.Second)
	b.hit("a[href$='/apps/e2e-screen/revoke']")
	b.fill("password", demo.Password)
	b.hit(submit)
	v.look(b, "app-revoke")
	c := v.browser(w)
	c.open(w.Addresses.Provider + "/admin")
	v.password(c, w.person(v.t, isOperator))
	account, err := w.Server.DB.Read().GetAccountByLogin(v.t.Context(), store.GetAccountByLoginParams{Kind: p.Kind, LoginKey: p.LoginID})
	c.do(err)
	c.open(w.Addresses.Provider + "/admin/accounts/" + string(account.ID))
	v.look(c, "admin-account-apps")
	b.open(w.Addresses.Provider + "/logout")
	v.look(b, "logout-everywhere")
	b.hit("button.actions__grow")
	v.look(b, "signed-out-frames")
}

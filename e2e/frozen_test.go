package e2e

import (
	"time"

	"github.com/futakagi/futakagi/admin"
)

// frozen looks at what stops changes of an account from a notice, on both sides.
func (v *viewer) frozen(w *world) {
	me, p := w.person(v.t, isOperator), w.person(v.t, withEmail)
	id := w.accountID(v.t, p)
	why := admin.Reason{Text: "電話で依頼", IdentityChecked: true}
	if _, err := w.Server.Admin.ResetFactors(v.t.Context(), admin.System(), id, why); err != nil {
		v.t.Fatal(err)
	}
	link := w.linkTo(v.t, p.mailbox(), "/account/stop")
	c := v.browser(w)
	c.open(link)
	v.look(c, "stop")
	c.hit(submit)
	v.look(c, "stopped")
	w.clock.advance(time.Minute) // after the second press of a button
	c.open(link)
	v.look(c, "stop-gone")

	b := v.browser(w)
	account := w.Addresses.Provider + "/admin/accounts/" + string(id)
	b.open(account)
	v.password(b, me)
	v.look(b, "admin-account-frozen")
	b.open(account + "/two-factor")
	v.look(b, "admin-account-2fa-frozen")
}

// masked looks at what an operator sees who may not see addresses, and at what is made and taken away around it.
func (v *viewer) masked(w *world) {
	var roles []string
	for _, name := range []string{"受付 ", "夜間受付 "} {
		role, err := w.Server.Admin.CreateRole(v.t.Context(), admin.System(), admin.RoleInput{
			Name: name + v.lang, Rights: []string{"view", "view_audit", "view_deliveries", "unmask"},
		})
		if err != nil {
			v.t.Fatal(err)
		}
		roles = append(roles, role.ID)
	}
	me, p := w.person(v.t, isOperator), w.person(v.t, withEmail)
	blind := w.person(v.t, isOperator, func(p *person) { p.Role = roles[0] })
	base := w.Addresses.Provider
	account := base + "/admin/accounts/" + string(w.accountID(v.t, p))
	b := v.browser(w)
	b.open(account)
	v.password(b, blind)
	v.look(b, "admin-account-masked")
	b.hit("button[form=unmask]")
	v.look(b, "admin-account-unmasked")
	b.open(account + "/two-factor")
	v.look(b, "admin-account-2fa-masked")
	b.open(base + "/admin/deliveries")
	v.look(b, "admin-deliveries-masked")

	b = v.browser(w)
	b.open(base + "/admin/audit/operators")
	v.password(b, me)
	v.look(b, "admin-acts-done")
	b.open(base + "/admin/roles/" + roles[1]) // nobody has it
	v.look(b, "admin-role-edit")
	b.hit("a[href$='/delete']")
	v.look(b, "admin-role-delete")
	b.open(account)
	b.hit(".crumbs a[href$='/groups']")
	b.hit("section a[href$='/edit']")
	b.hit("a[href$='/delete']")
	v.look(b, "admin-group-delete")
}

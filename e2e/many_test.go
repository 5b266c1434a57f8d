package e2e

import (
	"time"

	"github.com/futakagi/futakagi/demo"
)

// manyAccounts looks at what staff do to many accounts: search, the switch of a whole customer, the way to enforcement, and where
// accounts leave or move.
func (v *viewer) manyAccounts(w *world) {
	me, p := w.person(v.t, isOperator), w.person(v.t, withEmail)
	off := w.person(v.t, withoutTwoFactor)
	base := w.Addresses.Provider
	b := v.browser(w)
	b.open(base + "/admin/customers?q=" + p.LoginID)
	v.password(b, me)
	v.look(b, "admin-search")
	b.hit("table a[href^='/admin/accounts/']")
	account := b.url()
	b.open(account + "/move?code=" + demo.CustomerCode)
	v.look(b, "admin-move")
	b.open(account + "/delete")
	v.look(b, "admin-account-delete")
	b.hit(submit)
	v.look(b, "admin-account-delete-error")

	b.open(base + "/admin/customers?q=" + demo.CustomerCode)
	b.hit("table a[href^='/admin/customers/']")
	b.hit(".tabs a:not([href$='/groups'])")
	customer := b.url()
	b.open(customer + "/delete")
	v.look(b, "admin-customer-delete")
	b.open(customer + "/two-factor")
	v.look(b, "admin-bulk")
	b.hit(submit)
	v.look(b, "admin-bulk-error")
	js[any](b, `document.querySelector("[name=use][value=on]").checked = true`)
	js[any](b, `document.querySelector("[name=scope][value=some]").checked = true`)
	js[any](b, `[...document.querySelectorAll("tbody tr")].find((r) => r.innerText.includes(%s)).querySelector("input").checked = true`, off.LoginID)
	b.hit(submit)
	v.look(b, "admin-bulk-confirm")
	b.hit(submit)
	b.until("the switch is changed", func() bool {
		time.Sleep(tick)
		return js[bool](b, `document.querySelector("main table") !== null`)
	})
	v.look(b, "admin-bulk-result")

	rollout := base + "/admin/settings/two-factor/rollout/store"
	b.open(rollout)
	v.look(b, "admin-rollout")
	b.open(rollout + "/accounts")
	v.look(b, "admin-rollout-accounts")
	b.open(rollout + "/announce")
	v.look(b, "admin-rollout-announce")
	js[any](b, `document.getElementById("date").value = ""`)
	b.hit(submit)
	v.look(b, "admin-rollout-announce-error")
}

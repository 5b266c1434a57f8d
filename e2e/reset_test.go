package e2e

import (
	"context"
	"strings"
	"testing"

	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/store"
)

// byTicket makes customers who are reset need a ticket, until the test ends.
func (w *world) byTicket(t testing.TB) {
	t.Helper()
	set := func(ctx context.Context, reenrol string) {
		t.Helper()
		_, err := w.Server.Admin.SetEnforcement(ctx, admin.System(), []admin.EnforcementChange{{Surface: admin.SurfaceStore, Reenrol: reenrol}})
		if err != nil {
			t.Fatal(err)
		}
	}
	set(t.Context(), store.ReenrolByTicket)
	t.Cleanup(func() { set(context.WithoutCancel(t.Context()), store.ReenrolOpen) })
}

// After a reset by ticket, the password alone sets nothing up: staff pass the ticket on, the customer types it and goes on.
func TestReenrolByTicket(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.byTicket(t)
		p := w.person(t, withEmail)
		b := w.operator(t)
		b.openTwoFactor(p)
		b.press("認証設定初期化")
		b.see("通知先", p.mailbox(), p.RegisteredEmail, "再設定チケットの渡し方")
		b.fill("reason", "機種変更")
		b.choose("identity", "yes")
		b.choose("check-callback", "yes")
		b.fill("inquiry", "A-77")
		b.fill("note", "折り返し済み")
		b.press("初期化する")
		b.heading("認証設定初期化の結果")
		ticket := b.text("#ticket")
		if len(strings.ReplaceAll(ticket, " ", "")) != 8 {
			t.Fatalf("ticket %q", ticket)
		}
		b.await("受付済み") // without a click: the page looks again by itself

		c := w.browser(t)
		c.signIn(w.Addresses.Store, p)
		c.on("/signin/ticket")
		c.fill("code", "00000000")
		c.press("確認")
		c.see("再設定チケットが正しくないか、有効期限が切れています。")
		c.fill("code", ticket)
		c.press("確認")
		c.on("/signin/two-factor")
		c.setUpEmail("new-" + p.mailbox())
		c.proof(p, byEmail)

		b.press("二要素認証設定に戻る")
		b.see("new-" + p.mailbox())
		b.miss("再設定チケット")
		b.open(w.Addresses.Provider + "/admin/audit?kind=2fa&q=" + p.LoginID)
		b.see("再設定チケットの入力", "登録されている電話番号に折り返した", "問い合わせ番号 A-77", "折り返し済み")
	})
}

// resets looks at the screens of resets and tickets.
func (v *viewer) resets(w *world) {
	me, p, q := w.person(v.t, isOperator), w.person(v.t, withEmail), w.person(v.t, withEmail)
	w.seed(v.t, q, "sms")
	w.trust(v.t, q, "Chrome / Windows")
	base := w.Addresses.Provider
	b := v.browser(w)
	b.open(base + "/admin/settings/two-factor")
	v.password(b, me)
	b.choose("store.reenrol", "ticket")
	v.look(b, "admin-settings-reenrol")
	b.hit(submit)
	v.look(b, "admin-settings-reenrol-confirm")
	b.hit(submit)
	b.on("/admin/settings/two-factor")
	defer w.byTicket(v.t) // whose end opens it again

	account := func(p person) string {
		v.t.Helper()
		row, err := w.Server.DB.Read().GetAccountByLogin(v.t.Context(), store.GetAccountByLoginParams{Kind: p.Kind, LoginKey: p.LoginID})
		if err != nil {
			v.t.Fatal(err)
		}
		return base + "/admin/accounts/" + string(row.ID) + "/two-factor"
	}
	b.open(account(q) + "/reset")
	v.look(b, "admin-account-2fa-reset-ticket")
	b.fill("reason", "機種変更")
	b.choose("identity", "yes")
	b.choose("check-callback", "yes")
	b.fill("inquiry", "12345")
	b.fill("note", "折り返し済み")
	b.hit("form.card button.btn--danger")
	v.look(b, "admin-reset-done-ticket")
	b.open(account(q))
	v.look(b, "admin-account-2fa-ticket-needed")
	b.open(account(q) + "/ticket")
	v.look(b, "admin-account-2fa-ticket-shown")
	b.hit("form[action$='/done'] button")
	v.look(b, "admin-account-2fa-ticket")
	b.choose("handover", "mail")
	b.hit("form.card button.btn")
	v.look(b, "admin-account-2fa-ticket-mailed")
	b.open(account(p) + "/ticket")
	v.look(b, "admin-account-2fa-ticket-none")

	c := v.browser(w)
	v.signIn(c, w.Addresses.Store, q)
	v.look(c, "2fa-ticket")
	c.fill("code", "0000")
	c.hit("button.btn--block")
	v.look(c, "2fa-ticket-error")

	b.open(account(p))
	b.hit(".dangerzone a[href^='/admin/customers/']")
	v.look(b, "admin-customer-reset")
	b.hit("form.card button.btn--danger")
	v.look(b, "admin-customer-reset-error")
	b.fill("reason", "販売先の依頼")
	b.choose("identity", "yes")
	b.hit("form.card button.btn--danger")
	v.look(b, "admin-customer-reset-done")
}

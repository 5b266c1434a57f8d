package e2e

import (
	"testing"

	"github.com/futakagi/futakagi/store"
)

// What opens a chosen account takes two: one operator asks, another approves, the first does it once, and the customer sets up anew.
func TestSecondOperatorInTheConsole(t *testing.T) {
	on(t, store.SQLite, func(t *testing.T, w *world) {
		p := w.person(t, withEmail)
		b, c := w.operator(t), w.staff(t, fixture(t, "operator"))
		b.openAccount(p)
		b.press("承認を必要にする")
		b.see("別の担当者の承認を必要にしました。")
		b.press("二要素認証設定")
		b.see("このアカウントの操作には、別の担当者の承認が必要です")
		b.press("認証設定初期化")
		b.heading("認証設定初期化")
		b.see("この操作には、別の担当者の承認が必要です", p.mailbox())
		b.press("承認を申請する")
		b.see("理由を入力してください。", "ご本人からの依頼であることを確認してください。")
		b.fill("reason", "機種変更（A-77）")
		b.choose("identity", "yes")
		b.press("承認を申請する")
		b.heading("認証設定初期化")
		b.see("別の担当者の承認を待っています", "機種変更（A-77）")
		b.miss("承認しない理由")
		request := b.url()

		c.reload()
		c.see("承認を待っている申請が1件あります")
		c.press("申請を確認する")
		c.heading("承認待ち")
		c.see(p.LoginID)
		c.open(request)
		c.see("機種変更（A-77）", p.mailbox())
		c.press("承認する")
		c.see("が承認しました")
		c.miss("実行する")

		b.reload()
		b.see("承認されました。")
		b.press("実行する")
		b.heading("認証設定初期化の結果")
		w.notice(t, p.mailbox(), "二要素認証の設定が初期化されました")
		b.open(request)
		b.see("実行済み")
		b.miss("実行する")

		d := w.browser(t)
		d.signIn(w.Addresses.Store, p)
		d.on("/signin/two-factor")
	})
}

// approvals looks at what another operator has to approve.
func (v *viewer) approvals(w *world) {
	me, p := w.person(v.t, isOperator), w.person(v.t, withEmail)
	base := w.Addresses.Provider
	b := v.browser(w)
	b.open(base + "/admin/approvals")
	v.password(b, me)
	v.look(b, "admin-approvals-empty")
	row, err := w.Server.DB.Read().GetAccountByLogin(v.t.Context(), store.GetAccountByLoginParams{Kind: p.Kind, LoginKey: p.LoginID})
	if err != nil {
		v.t.Fatal(err)
	}
	account := base + "/admin/accounts/" + string(row.ID)
	b.open(account)
	b.hit("form[action$='/guard'] button")
	v.look(b, "admin-account-guarded")
	b.open(account + "/two-factor")
	v.look(b, "admin-account-2fa-guarded")
	b.open(account + "/two-factor/exemption")
	v.look(b, "admin-approval-ask-exempt")
	b.hit("form.card button.btn")
	v.look(b, "admin-approval-ask-error")
	b.open(account + "/two-factor/reset")
	v.look(b, "admin-approval-ask")
	b.fill("reason", "機種変更")
	b.choose("identity", "yes")
	b.choose("check-callback", "yes")
	b.hit("form.card button.btn")
	v.look(b, "admin-approval-waiting")
	request := b.url()
	b.open(base + "/admin/approvals")
	v.look(b, "admin-approvals")

	c := v.browser(w)
	c.open(base + "/admin")
	v.password(c, w.person(v.t, isOperator))
	v.look(c, "admin-dashboard-approvals")
	c.open(request)
	v.look(c, "admin-approval")
	c.hit("form[action$='/refuse'] button")
	v.look(c, "admin-approval-error")
	c.hit("form[action$='/approve'] button")
	b.open(request)
	v.look(b, "admin-approval-approved")
	b.hit("form[action$='/use'] button")
	b.open(request)
	v.look(b, "admin-approval-used")
}

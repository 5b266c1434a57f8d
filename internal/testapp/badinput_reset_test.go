package testapp_test

import (
	"net/url"
	"strings"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/store"
)

// The guide's words about resets and tickets.
const (
	saysInquiryLong   = "問い合わせ番号は40文字以内で入力してください。"
	saysNoteLong      = "メモは500文字以内で入力してください。"
	saysHandoverBlank = "再設定チケットの渡し方を選択してください。"
	saysTicketBlank   = "再設定チケットを入力してください。"
	saysTicketForm    = "再設定チケットは8桁の数字です。"
	saysTicketWrong   = "再設定チケットが正しくないか、有効期限が切れています。"
)

// resetFields are the fields of a reset's form.
func resetFields() []field {
	checked := value("identity", "yes")
	fields := []field{
		{name: "reason", blank: saysReasonBlank, bad: saysIdentityBlank, long: saysReasonLong, refilled: true},
		{name: "identity", with: value("reason", "電話で本人確認"), blank: saysIdentityBlank, fits: ticked},
		{name: "inquiry", with: checked, blank: saysReasonBlank, bad: saysReasonBlank, long: saysInquiryLong, refilled: true},
		{name: "note", with: checked, blank: saysReasonBlank, bad: saysReasonBlank, long: saysNoteLong},
		same("form", saysReasonBlank, checked),
	}
	for _, check := range admin.IdentityChecks() {
		fields = append(fields, same("check-"+check, saysReasonBlank, checked))
	}
	return fields
}

// demand makes an account need a ticket.
func (c *cast) demand(id store.AccountID) {
	c.t.Helper()
	inTx(c.t, c.App, func(tx *store.Tx) error {
		now := c.Clock.Now()
		return tx.SetTicketDemand(c.t.Context(), store.SetTicketDemandParams{ID: id, DemandedAt: &now})
	})
}

// reset are the pages of resets and tickets.
func (c *cast) reset(person, customer string, foreign []string) ([]form, []look) {
	c.t.Helper()
	at := func(path, id string, fields ...field) form {
		return form{pattern: path, path: strings.Replace(path, "{id}", id, 1), b: c.staff, fields: fields, own: id, foreign: foreign}
	}
	bulk := at("/admin/customers/{id}/reset", customer, resetFields()...)
	seen := value("reason", "x", "identity", "yes")
	bulk.fields = append(bulk.fields, same("version", saysElsewhere, seen))

	// Somebody who needs a ticket: one waits to be passed on.
	c.demand(store.AccountID(person))
	ticket := at("/admin/accounts/{id}/two-factor/ticket", person, same("handover", saysHandoverBlank, url.Values{}))
	c.staff.Submit(ticket.path, value("handover", "staff"))
	done := at("/admin/accounts/{id}/two-factor/ticket/done", person)
	done.page = ticket.path

	b := c.NewBrowser(c.t)
	c.demand(newcomer(c.t, c.App, account.KindStore, "kippu").ID)
	flow := "?flow=" + c.Password(c.t, b, "/account/security", "kippu").Flow()
	give := form{pattern: "/signin/ticket", path: "/signin/ticket" + flow, b: b, calm: c.quiet, fields: []field{{
		name: "code", blank: saysTicketBlank, bad: saysTicketForm, foreign: []string{"98765432", "9876 5432"}, wrong: saysTicketWrong,
	}}}

	ctx, reason := c.t.Context(), admin.Reason{Text: "x", IdentityChecked: true}
	one, err := c.Admin.ResetFactors(ctx, admin.System(), newcomer(c.t, c.App, account.KindStore, "shokika").ID, reason)
	if err != nil {
		c.t.Fatal(err)
	}
	made, err := c.Admin.CreateCustomer(ctx, admin.System(), account.CustomerInput{Code: "R-1", Name: "初期化商事"})
	if err != nil {
		c.t.Fatal(err)
	}
	group, err := c.Admin.CreateUserGroup(ctx, admin.System(), made.ID, "本社")
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.Admin.CreateAccount(ctx, admin.System(), group.ID, admin.NewAccount{
		LoginID: "zenin", DisplayName: "全員", RegisteredEmail: "zenin@example.jp", Role: account.RoleBuyer, Password: newPassword,
	}); err != nil {
		c.t.Fatal(err)
	}
	all, err := c.Admin.ResetCustomer(ctx, admin.System(), made.ID, c.Clock.Now(), reason)
	if err != nil {
		c.t.Fatal(err)
	}
	every := "/admin/customers/" + string(made.ID) + "/reset/"
	return []form{bulk, ticket, done, give}, []look{
		{pattern: "/admin/resets/{id}", path: "/admin/resets/" + string(one.ID), b: c.staff, parameters: []string{"q"}, own: string(one.ID), foreign: foreign},
		{pattern: "/admin/customers/{id}/reset/{form}", path: every + string(all.Form), b: c.staff, parameters: []string{"q"}, own: string(all.Form), foreign: foreign},
	}
}

// withReenrol are the fields of the settings with the choices of who may set up a factor after a reset, and of a second operator.
func withReenrol(fields ...field) []field {
	for _, name := range []string{"store.reenrol", "admin.reenrol", "store.approval", "admin.approval"} {
		fields = append(fields, same(name, saysSettingBlank, url.Values{}))
	}
	return fields
}

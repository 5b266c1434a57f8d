package testapp_test

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/store"
)

const saysNoApproval = "この操作に承認は必要ありません。"

// approvals are the pages about a second operator.
func (c *cast) approvals() ([]form, []look) {
	c.t.Helper()
	ctx, reason := c.t.Context(), admin.Reason{Text: "x", IdentityChecked: true}
	foreign := append(malformedIDs(), string(c.other.session))
	person := newcomer(c.t, c.App, account.KindStore, "shonin").ID
	if _, err := c.Admin.SetGuard(ctx, admin.System(), person, time.Time{}, true); err != nil {
		c.t.Fatal(err)
	}
	ask := "/admin/accounts/" + string(person) + "/approval/"
	asked, err := c.Admin.AskApproval(ctx, admin.System(), person, admin.Proposal{Act: admin.ActReset}, reason)
	if err != nil {
		c.t.Fatal(err)
	}
	// One of the operator's own, which somebody else approved.
	mine := c.staff.Submit(ask+"exempt", value("hours", "4", "reason", "x", "identity", "yes"))
	own := store.ApprovalID(strings.TrimPrefix(mine.URL.Path, "/admin/approvals/"))
	if err := c.Admin.Approve(ctx, admin.System(), own); err != nil {
		c.t.Fatal(err)
	}
	on := func(id store.ApprovalID, what string, fields ...field) form {
		page := "/admin/approvals/" + string(id)
		return form{pattern: "/admin/approvals/{id}/" + what, path: page + "/" + what, page: page, b: c.staff, own: string(id), foreign: foreign, fields: fields}
	}
	whole := value("reason", "電話で本人確認", "identity", "yes")
	hours := same("hours", saysHoursBlank, whole)
	hours.foreign, hours.wrong = []string{"0", "73", "-1", "1e1", "99999999999999999999", "0x1"}, saysHoursBlank
	some := askFields()
	one := form{pattern: "/admin/accounts/{id}/approval/{act}/{method}", path: ask + "reset/totp", b: c.staff, own: "totp", fields: some}
	one.foreign = []string{"backup", "trusted_device", "TOTP", "x", "🔑", "' OR ''='"}
	forms := []form{
		{
			pattern: "/admin/accounts/{id}/approval/{act}", path: ask + "exempt", b: c.staff, own: string(person), foreign: foreign,
			fields: append(slices.Clone(some), hours),
		},
		one,
		{
			pattern: "/admin/settings/two-factor/approval/{surface}", path: "/admin/settings/two-factor/approval/store", b: c.staff,
			own: "store", foreign: []string{"x", "STORE", "operator", "🔑", "' OR ''='"}, fields: []field{same("reason", saysNoApproval, url.Values{})},
		},
		{
			pattern: "/admin/accounts/{id}/guard", path: "/admin/accounts/" + string(c.other.account.ID) + "/guard",
			page: "/admin/accounts/" + string(c.other.account.ID), b: c.staff, own: string(c.other.account.ID), foreign: foreign,
		},
		on(asked, "approve"), on(asked, "refuse", field{name: "reason", blank: saysSpareBlank, long: saysReasonLong, fits: words, refilled: true}),
		on(own, "withdraw"), on(own, "use"),
	}
	return forms, []look{
		{pattern: "/admin/approvals", path: "/admin/approvals", b: c.staff, parameters: []string{"list", "before", "after"}},
		{pattern: "/admin/approvals/{id}", path: "/admin/approvals/" + string(asked), b: c.staff, parameters: []string{"q"}, own: string(asked), foreign: foreign},
	}
}

// askFields are the fields of every form that asks for a second operator for an account.
func askFields() []field {
	const says = saysSpareBlank
	checked := value("identity", "yes")
	fields := []field{
		{name: "reason", blank: says, bad: saysIdentityBlank, long: saysReasonLong, refilled: true},
		{name: "identity", with: value("inquiry", "x"), blank: says, bad: says},
		{name: "inquiry", with: checked, blank: says, bad: says, long: saysInquiryLong, refilled: true},
		{name: "note", with: checked, blank: says, bad: says, long: saysNoteLong},
		same("form", says, url.Values{}),
	}
	for _, check := range admin.IdentityChecks() {
		fields = append(fields, same("check-"+check, says, checked))
	}
	return fields
}

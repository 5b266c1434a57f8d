package testapp_test

import (
	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/store"
)

const (
	saysTokenLabel = "用途を入力してください。"
	saysTokenLong  = "用途は100文字以内で入力してください。"
	saysTokenDays  = "有効日数は1〜90の数字で入力してください。"
	saysTokenUses  = "登録できる数は1〜1000の数字で入力してください。"
)

// registration are the pages of initial access tokens.
func (c *cast) registration() ([]form, []look) {
	c.t.Helper()
	_, made, err := c.Admin.CreateRegistrationToken(c.t.Context(), admin.System(), admin.NewRegistrationToken{Label: "入力", Days: 90, Uses: 1})
	if err != nil {
		c.t.Fatal(err)
	}
	const page = "/admin/registration-tokens"
	id := string(made.ID)
	forms := []form{
		{pattern: page, path: page, b: c.staff, fields: []field{
			{name: "label", with: value("days", "0"), blank: saysTokenLabel, bad: saysTokenDays, long: saysTokenLong, refilled: true},
			same("days", saysTokenDays, value("uses", "1")), same("uses", saysTokenUses, value("days", "1")),
		}},
		{
			pattern: page + "/{id}/revoke", path: page + "/" + id + "/revoke", b: c.staff, own: id,
			foreign: append(malformedIDs(), string(store.NewID[store.RegistrationTokenID]())),
		},
	}
	return forms, []look{{pattern: page + "/issued", path: page + "/issued", b: c.staff, parameters: []string{"secret"}}}
}

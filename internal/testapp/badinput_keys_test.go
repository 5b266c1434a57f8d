package testapp_test

import "github.com/futakagi/futakagi/store"

const saysKeyTyped = "鍵IDの先頭8文字が一致しません。"

// keys are the pages of the keys that sign and seal.
func (c *cast) keys() ([]form, []look) {
	c.t.Helper()
	now := c.Clock.Now()
	rows, err := c.DB.Read().ListSigningKeys(c.t.Context(), &now)
	if err != nil || len(rows) == 0 {
		c.t.Fatal(len(rows), err)
	}
	kid := rows[0].ID
	foreign := append(malformedIDs(), string(store.NewID[store.AccountID]()), kid[1:]+"A")
	forms := []form{
		{pattern: "/admin/keys/rotate", path: "/admin/keys/rotate", b: c.staff},
		{pattern: "/admin/keys/reseal", path: "/admin/keys/reseal", b: c.staff},
		{
			pattern: "/admin/keys/{kid}/revoke", path: "/admin/keys/" + kid + "/revoke", b: c.staff, own: kid, foreign: foreign,
			fields: []field{
				{name: "reason", with: value("typed", "x"), blank: saysSpareBlank, bad: saysKeyTyped, refilled: true},
				same("typed", saysKeyTyped, value("reason", "x")),
			},
		},
	}
	return forms, []look{{pattern: "/admin/keys", path: "/admin/keys", b: c.staff, parameters: []string{"q"}}}
}

package testapp_test

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/store"
)

const (
	saysRoleName    = "ロールの名前を入力してください。"
	saysRightsBlank = "できることを1つ以上選択してください。"
)

// roles are the pages of what operators may do.
func (c *cast) roles() ([]form, []look) {
	c.t.Helper()
	ctx := c.t.Context()
	id := store.NewID[string]()
	if err := c.DB.InTx(ctx, func(tx *store.Tx) error {
		return tx.InsertRole(ctx, store.InsertRoleParams{ID: id, Name: "夜間担当", NameKey: "夜間担当", Rights: "view", Now: c.Clock.Now()})
	}); err != nil {
		c.t.Fatal(err)
	}
	foreign := append(malformedIDs(), string(c.other.session))
	boxes := func(with url.Values) []field {
		var out []field
		for _, name := range admin.RightNames() {
			out = append(out, field{name: "may-" + name, with: with, blank: saysRightsBlank, bad: saysRoleName})
		}
		return out
	}
	name := field{name: "name", with: url.Values{}, blank: saysRoleName, bad: saysRightsBlank, long: saysHundred, refilled: true}
	page := "/admin/roles/" + id
	edit := form{
		pattern: "/admin/roles/{role}", path: page, b: c.staff, own: id, foreign: foreign,
		fields: append(boxes(value("name", "")), name, same("version", saysElsewhere, value("name", "x", "may-view", "yes"))),
	}
	remove := form{pattern: "/admin/roles/{role}/delete", path: page + "/delete", b: c.staff, own: id, foreign: foreign}
	account := "/admin/accounts/" + string(c.other.account.ID)
	unmask := form{pattern: "/admin/accounts/{id}/unmask", path: account + "/unmask", page: account, b: c.staff, own: string(c.other.account.ID), foreign: foreign, unseen: true}
	one := form{
		pattern: "/admin/accounts/{id}/two-factor/unmask", path: account + "/two-factor/unmask", page: account + "/two-factor", b: c.staff,
		own: string(c.other.account.ID), foreign: foreign, unseen: true,
	}
	thaw := form{
		pattern: "/admin/accounts/{id}/two-factor/thaw", path: account + "/two-factor/thaw", page: account + "/two-factor", b: c.staff,
		own: string(c.other.account.ID), foreign: foreign, unseen: true,
	}
	withdraw := form{
		pattern: "/admin/accounts/{id}/two-factor/pass/withdraw", path: account + "/two-factor/pass/withdraw", page: account + "/two-factor", b: c.staff,
		own: string(c.other.account.ID), foreign: foreign, unseen: true,
	}
	stop := form{
		pattern: "/account/stop", path: "/account/stop", b: c.NewBrowser(c.t), status: http.StatusNotFound, unseen: true,
		fields: []field{{name: "ticket", blank: saysLinkGone, bad: saysLinkGone, foreign: []string{strings.Repeat("A", 43), c.other.undo}, wrong: saysLinkGone}},
	}
	forms := []form{
		unmask, one, thaw, withdraw, stop,
		{pattern: "/admin/roles/new", path: "/admin/roles/new", b: c.staff, fields: append(boxes(value("name", "")), name)},
		edit, remove,
	}
	looks := []look{
		{pattern: "/account/stop", path: "/account/stop", b: c.NewBrowser(c.t), parameters: []string{"ticket"}},
		{pattern: "/account/stop/done", path: "/account/stop/done", b: c.NewBrowser(c.t), parameters: []string{"kind"}},
		{pattern: "/admin/audit/operators", path: "/admin/audit/operators", b: c.staff, parameters: []string{"q"}},
		{pattern: "/admin/roles", path: "/admin/roles", b: c.staff, parameters: []string{"q"}},
	}
	return forms, looks
}

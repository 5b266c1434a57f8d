package testapp_test

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/store"
)

// The guide's words about the way to enforcement, and about many accounts at once.
const (
	saysGraceForm    = "猶予は0日から30日までの数字で入力してください。"
	saysAnnounceDate = "今日から1年以内の日付を入力してください。"
	saysScopeBlank   = "対象を選択してください。"
	saysPickBlank    = "アカウントを1件以上選択してください。"
	saysTypedWrong   = "ログインIDが一致しません。"
	saysGroupBlank   = "移動先のユーザーグループを選択してください。"
)

// rollout are the pages of the way to enforcement.
func (c *cast) rollout() ([]form, []look) {
	c.t.Helper()
	const page = "/admin/settings/two-factor/rollout/store"
	foreign := []string{"x", "STORE", "operator", "🔑", "' OR ''='"}
	at := func(what string, fields ...field) form {
		return form{
			pattern: "/admin/settings/two-factor/rollout/{surface}" + what, path: page + what, page: page, b: c.staff, fields: fields,
			own: "store", foreign: foreign,
		}
	}
	// Announced, but with no mails under way that would change rows beside what is posted.
	inTx(c.t, c.App, func(tx *store.Tx) error {
		day := c.Clock.Now().AddDate(0, 1, 0)
		_, err := tx.SetSurfaceAnnounced(c.t.Context(), store.SetSurfaceAnnouncedParams{ID: "store", AnnouncedFor: &day})
		return err
	})
	days := []string{"31", "-1", "1e1", "99999999999999999999", "0x1"}
	announce := at("/announce", field{
		name: "date", blank: saysAnnounceDate, bad: saysAnnounceDate, refilled: true,
		foreign: []string{"2020-01-01", "2199-01-01", "2027-02-30", "99999-01-01", "01/02/2027"}, wrong: saysAnnounceDate,
	})
	announce.page = announce.path
	lift := at("/lift")
	lift.unseen = true // nothing is enforced
	looks := []look{
		{pattern: "/admin/settings/two-factor/rollout/{surface}", path: page, parameters: []string{"q"}},
		{pattern: "/admin/settings/two-factor/rollout/{surface}/accounts", path: page + "/accounts", parameters: []string{"after", "back"}},
		{pattern: "/admin/settings/two-factor/rollout/{surface}/accounts.csv", path: page + "/accounts.csv", parameters: []string{"q"}},
	}
	for i := range looks {
		looks[i].b, looks[i].own, looks[i].foreign = c.staff, "store", foreign
	}
	return []form{
		at("/grace",
			field{name: "grace", with: value("former", "0"), blank: saysGraceForm, bad: saysGraceForm, foreign: days, wrong: saysGraceForm, refilled: true},
			same("former", saysElsewhere, value("grace", "30"))),
		announce, at("/withdraw"), lift,
	}, looks
}

// many are the pages that change many accounts, and those that take accounts away.
func (c *cast) many() ([]form, []look) {
	c.t.Helper()
	ctx := c.t.Context()
	made, err := c.Admin.CreateCustomer(ctx, admin.System(), account.CustomerInput{Code: "B-1", Name: "一括商事"})
	if err != nil {
		c.t.Fatal(err)
	}
	var groups [2]string
	for i, name := range []string{"本社", "支社"} {
		g, err := c.Admin.CreateUserGroup(ctx, admin.System(), made.ID, name)
		if err != nil {
			c.t.Fatal(err)
		}
		groups[i] = string(g.ID)
	}
	a, err := c.Admin.CreateAccount(ctx, admin.System(), store.UserGroupID(groups[0]), admin.NewAccount{
		LoginID: "ikkatsu", DisplayName: "一括", RegisteredEmail: "ikkatsu@example.jp", Role: account.RoleBuyer, Password: newPassword,
	})
	if err != nil {
		c.t.Fatal(err)
	}
	customer, person := string(made.ID), string(a.ID)
	foreign := append(malformedIDs(), string(c.other.session), string(c.other.passkeys[0].ID))
	at := func(pattern, id string, fields ...field) form {
		return form{pattern: pattern, path: strings.Replace(pattern, "{id}", id, 1), b: c.staff, fields: fields, own: id, foreign: foreign}
	}
	bulk := at("/admin/customers/{id}/two-factor", customer,
		same("use", saysUseBlank, value("scope", "all")), same("scope", saysScopeBlank, value("use", "on")),
		field{name: "account-" + person, with: value("use", "on", "scope", "some"), blank: saysPickBlank, fits: ticked},
	)
	whom := url.Values{"use": {"on"}, "accounts": {person}}
	// What names no choice leads back to where it is made; nobody is an account that is not there.
	sure := at("/admin/customers/{id}/two-factor/confirm", customer,
		field{name: "use", with: value("accounts", person)}, field{name: "accounts", with: value("use", "on"), fits: blank, status: http.StatusNotFound})
	sure.path += "?" + whom.Encode()
	sure.status, sure.press = http.StatusSeeOther, whom
	result := look{
		pattern: "/admin/customers/{id}/two-factor/result", path: "/admin/customers/" + customer + "/two-factor/result?use=on", b: c.staff,
		parameters: []string{"since", "accounts"}, own: customer, foreign: foreign,
	}
	remove := at("/admin/accounts/{id}/delete", person, field{
		name: "typed", blank: saysTypedWrong, bad: saysTypedWrong, foreign: []string{"tanaka", person, "一括"}, wrong: saysTypedWrong,
	})
	move := at("/admin/accounts/{id}/move", person)
	shown, _ := formsOf(c.staff.Get(move.path).Body, move.path)
	group := same("group", saysGroupBlank, value("version", shown["version"]))
	group.foreign, group.wrong = []string{customer, person, string(store.NewID[store.UserGroupID]())}, saysGroupBlank
	move.fields = []field{
		group, same("version", saysElsewhere, value("group", groups[1])),
		{name: "code", fits: anything}, // of the form that looks for another customer
	}
	forms := []form{
		bulk, sure, remove, move, at("/admin/customers/{id}/delete", customer), at("/admin/groups/{id}/delete", groups[1]),
	}
	looks := []look{
		result,
		{pattern: move.pattern, path: move.path, b: c.staff, parameters: []string{"code"}},
		{pattern: bulk.pattern, path: bulk.path, b: c.staff, parameters: []string{"after", "back"}},
		{pattern: sure.pattern, path: bulk.path + "/confirm?use=on", b: c.staff, parameters: []string{"accounts"}},
	}
	return forms, looks
}

package admin

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
	"github.com/futakagi/futakagi/templates"
)

// role makes a role with the rights named and returns its id.
func (w *world) role(name string, rights ...string) string {
	w.t.Helper()
	made, err := w.CreateRole(w.t.Context(), System(), RoleInput{Name: name, Rights: rights})
	must(w.t, err)
	return made.ID
}

// spareRole is a role that nobody has.
func (c *console) spareRole() string {
	all, err := c.Roles(c.t.Context(), System())
	must(c.t, err)
	if i := slices.IndexFunc(all, func(r Role) bool { return r.Name == "spare" }); i >= 0 {
		return all[i].ID
	}
	return c.role("spare", "view")
}

// grant sets what a role may do.
func (w *world) grant(id string, rights ...string) error {
	r, err := w.Role(w.t.Context(), System(), id)
	must(w.t, err)
	_, err = w.UpdateRole(w.t.Context(), System(), id, r.UpdatedAt, RoleInput{Name: r.Name, Rights: rights})
	return err
}

func TestRightsHaveNamesThatReadBack(t *testing.T) {
	var all rights
	for _, r := range rightList() {
		if all&r.bit != 0 || rightsNamed(r.name) != r.bit || strings.Contains(r.name, " ") {
			t.Errorf("%s: %b", r.name, r.bit)
		}
		all |= r.bit
	}
	if all != everything {
		t.Errorf("the names cover %b of %b", all, everything)
	}
	if got := rightsNamed("view no_such_right reset"); got != mayView|mayReset || got.spell() != "view reset" {
		t.Errorf("%b %q", got, got.spell())
	}
	if everything.spell() != "*" || rightsNamed("*") != everything || rightsNamed("") != 0 {
		t.Error("all and nothing")
	}
	for _, l := range []templates.Lang{templates.Ja, templates.En} {
		set, err := pages()
		must(t, err)
		for _, name := range RightNames() {
			if set.T(l, "right."+name) == "right."+name || set.T(l, "right."+name+".more") == "right."+name+".more" {
				t.Errorf("%s: no words for %s", l, name)
			}
		}
	}
}

func TestRolesAsMigrated(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		all, err := w.Roles(t.Context(), w.actor(w.root))
		must(t, err)
		want := []string{
			"administrator 2 " + strings.Join(RightNames(), " "),
			"support 1 view view_audit view_deliveries see_addresses unmask reset exempt pass edit_accounts",
			"auditor 0 view view_audit view_deliveries",
			"read_only 0 view",
		}
		for i, r := range all {
			got := r.ID + " " + string(rune('0'+r.Holders)) + " " + strings.Join(r.Names, " ")
			if i >= len(want) || got != want[i] {
				t.Errorf("%s", got)
			}
		}
	})
}

// Rights are read in the transaction that acts: what was taken away a moment ago is gone, whoever still holds a page.
func TestRightsAreNeverStale(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		desk := w.actor(w.desk)
		w.enrol(w.tanaka)
		must(t, w.grant(account.RoleSupport, "view"))
		if _, err := w.ResetFactors(t.Context(), desk, w.tanaka, goodReason); !errors.Is(err, ErrForbidden) {
			t.Errorf("reset: %v", err)
		}
		if _, err := w.ListAudit(t.Context(), desk, AuditQuery{}); !errors.Is(err, ErrForbidden) {
			t.Errorf("audit: %v", err)
		}
		must(t, w.grant(account.RoleSupport, "view", "reset"))
		if _, err := w.ResetFactors(t.Context(), desk, w.tanaka, goodReason); err != nil {
			t.Errorf("reset: %v", err)
		}
	})
}

func TestRolesAreMadeAndChanged(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, root := t.Context(), w.actor(w.root)
		made, err := w.CreateRole(ctx, root, RoleInput{Name: " 夜間  担当 ", Rights: []string{"reset"}})
		must(t, err)
		if made.Name != "夜間 担当" || made.Rights != "view reset" {
			t.Errorf("%+v", made)
		}
		night := w.operator("night", made.ID)
		w.enrol(w.tanaka)
		if _, err := w.ResetFactors(ctx, w.actor(night), w.tanaka, goodReason); err != nil {
			t.Error(err)
		}
		for name, in := range map[string]RoleInput{
			"blank": {Rights: []string{"view"}}, "taken": {Name: "夜間担当", Rights: []string{"view"}}, "ours": {Name: "Support", Rights: []string{"view"}},
			"long": {Name: strings.Repeat("あ", account.MaxName+1), Rights: []string{"view"}}, "nothing": {Name: "x"},
			"unknown": {Name: "x", Rights: []string{"view", "fly"}}, "all": {Name: "x", Rights: []string{"*"}},
		} {
			if _, err := w.CreateRole(ctx, root, in); !isInvalid(err) {
				t.Errorf("%s: %v", name, err)
			}
		}
		r, err := w.Role(ctx, root, made.ID)
		must(t, err)
		change := RoleInput{Name: "夜勤", Rights: []string{"view"}}
		if changed, err := w.UpdateRole(ctx, root, made.ID, r.UpdatedAt, change); err != nil || !changed {
			t.Errorf("%v %v", changed, err)
		}
		if _, err := w.UpdateRole(ctx, root, made.ID, r.UpdatedAt, RoleInput{Name: "x", Rights: []string{"view"}}); !errors.Is(err, ErrConflict) {
			t.Errorf("stale page: %v", err)
		}
		if err := w.DeleteRole(ctx, root, made.ID); !errors.Is(err, ErrRoleInUse) {
			t.Errorf("in use: %v", err)
		}
		a := w.row(night)
		_, err = w.UpdateAccount(ctx, root, night, a.UpdatedAt, account.Profile{DisplayName: a.DisplayName, RegisteredEmail: a.RegisteredEmail, Role: account.RoleReadOnly})
		must(t, err)
		must(t, w.DeleteRole(ctx, root, made.ID))
		if err := w.DeleteRole(ctx, root, made.ID); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("twice: %v", err)
		}
		if err := w.DeleteRole(ctx, root, account.RoleSupport); !errors.Is(err, ErrForbidden) {
			t.Errorf("one of ours: %v", err)
		}
		if _, err := w.CreateOperator(ctx, root, w.input("late", made.ID)); !isInvalid(err) {
			t.Errorf("a role that is gone was given: %v", err)
		}
		rows := w.events("role.%")
		kinds := map[string]int{}
		for _, e := range rows {
			kinds[e.Type+" "+e.Result]++
		}
		if kinds["role.create success"] != 1 || kinds["role.update success"] != 1 || kinds["role.delete success"] != 1 || kinds["role.delete refused"] != 2 {
			t.Errorf("audit rows: %v", kinds)
		}
		for _, e := range rows {
			if e.Type == string(audit.RoleUpdate) && e.Result == "success" {
				if d := dataOf(t, e); d["rights.from"] != "view reset" || d["rights.to"] != "view" || d["name.to"] != "夜勤" {
					t.Errorf("%v", d)
				}
			}
		}
	})
}

func isInvalid(err error) bool {
	_, ok := errors.AsType[*account.ValidationError](err)
	return ok
}

// Nobody grants what they lack, nor takes it from those who have it (Z-2).
func TestNobodyGrantsRightsTheyLack(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	ctx := t.Context()
	manager := w.actor(w.operator("manager", w.role("人事", "manage_roles", "reset")))
	small := w.role("小", "view")
	for name, do := range map[string]func() error{
		"make a stronger role": func() error {
			_, err := w.CreateRole(ctx, manager, RoleInput{Name: "x", Rights: []string{"enforce"}})
			return err
		},
		"strengthen one": func() error {
			r, _ := w.Role(ctx, manager, small)
			_, err := w.UpdateRole(ctx, manager, small, r.UpdatedAt, RoleInput{Name: "小", Rights: []string{"enforce"}})
			return err
		},
		"weaken a stronger one": func() error {
			r, _ := w.Role(ctx, manager, account.RoleAdministrator)
			_, err := w.UpdateRole(ctx, manager, account.RoleAdministrator, r.UpdatedAt, RoleInput{Rights: []string{"view"}})
			return err
		},
		"delete a stronger one": func() error { return w.DeleteRole(ctx, manager, w.role("強", "enforce")) },
		"give a stronger one": func() error {
			_, err := w.CreateOperator(ctx, manager, w.input("puppet", account.RoleAdministrator))
			return err
		},
		"without the right": func() error {
			_, err := w.CreateRole(ctx, w.actor(w.desk), RoleInput{Name: "x", Rights: []string{"view"}})
			return err
		},
	} {
		if err := do(); !errors.Is(err, ErrForbidden) {
			t.Errorf("%s: %v", name, err)
		}
	}
	r, err := w.Role(ctx, manager, small)
	must(t, err)
	if _, err := w.UpdateRole(ctx, manager, small, r.UpdatedAt, RoleInput{Name: "小", Rights: []string{"reset"}}); err != nil {
		t.Errorf("what they have: %v", err)
	}
}

// Somebody is always left who can take a change of roles back.
func TestTheLastManagerOfRolesStays(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		must(t, w.grant(account.RoleAdministrator, "view"))
		r, err := w.Role(ctx, w.actor(w.root), account.RoleAdministrator)
		must(t, err)
		if got := strings.Join(r.Names, " "); got != "view manage_operators manage_roles" {
			t.Errorf("administrators kept %q", got)
		}
		must(t, w.grant(account.RoleAdministrator, RightNames()...))
		_, err = w.SetDisabled(ctx, w.actor(w.root), w.chief, true)
		must(t, err)
		if _, err := w.SetDisabled(ctx, System(), w.root, true); !errors.Is(err, ErrLastManager) {
			t.Errorf("disable the last: %v", err)
		}
		a := w.row(w.root)
		demote := account.Profile{DisplayName: a.DisplayName, RegisteredEmail: a.RegisteredEmail, Role: account.RoleSupport}
		if _, err := w.UpdateAccount(ctx, System(), w.root, a.UpdatedAt, demote); !errors.Is(err, ErrLastManager) {
			t.Errorf("demote the last: %v", err)
		}
		// Another role with those rights does as well, but then it is that one which must not lose them.
		other := w.role("副", "manage_roles", "reset", "view_audit")
		w.operator("deputy", other)
		_, err = w.SetDisabled(ctx, System(), w.root, true)
		must(t, err)
		if err := w.grant(other, "reset"); !errors.Is(err, ErrLastManager) {
			t.Errorf("weaken the last role: %v", err)
		}
		must(t, w.grant(other, "manage_roles"))
	})
}

func TestRoleRaces(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for n := range 5 {
			id := w.role("r"+string(rune('a'+n)), "view")
			login := "o" + string(rune('a'+n))
			var wg sync.WaitGroup
			var gave, took error
			root, chief := w.actor(w.root), w.actor(w.chief)
			wg.Go(func() { _, gave = w.CreateOperator(t.Context(), root, w.input(login, id)) })
			wg.Go(func() { took = w.DeleteRole(t.Context(), chief, id) })
			wg.Wait()
			if (gave == nil) == (took == nil) {
				t.Errorf("given: %v, taken: %v", gave, took)
			}
		}
	})
}

func TestRolePages(t *testing.T) {
	c := newConsole(t, root)
	c.wants(c.get("/admin/operators"), `href="/admin/roles"`)
	c.wants(c.get("/admin/roles"), "ロールごとの権限", "監査担当", "閲覧専用", "二要素認証を初期化・変更する")
	_, body := c.post("/admin/roles/new", "name", "", "may-reset", "yes")
	c.wants(body, "ロールの名前を入力してください", `name="may-reset" value="yes" checked`)
	if l, _ := c.post("/admin/roles/new", "name", "夜間", "may-reset", "yes"); l != "/admin/roles" {
		t.Fatal(l)
	}
	all, err := c.Roles(t.Context(), System())
	must(t, err)
	page := "/admin/roles/" + all[len(all)-1].ID
	form := c.get(page)
	c.wants(form, `value="夜間"`, `name="may-reset" value="yes" checked`)

	// A stale proof leads back to the form as it was filled in.
	c.stale = true
	if l, _ := c.post(page, "version", c.version(form), "name", "夜勤", "may-view_audit", "yes"); !strings.HasPrefix(l, "/signin/start?") {
		t.Fatal(l)
	}
	c.stale = false
	form = c.get(page)
	c.wants(form, `value="夜勤"`, `name="may-view_audit" value="yes" checked`, "まだ保存されていません")
	if strings.Contains(form, `name="may-reset" value="yes" checked`) {
		t.Error("the draft was mixed with what is stored")
	}
	if l, _ := c.post(page, "version", c.version(form), "name", "夜勤", "may-view_audit", "yes"); l != "/admin/roles" {
		t.Fatal(l)
	}
	// Two refusals by the pages, and the end.
	form = c.get("/admin/roles/administrator")
	c.wants(form, "disabled", "このロールの名前は変更できません")
	_, body = c.post(page, "version", "1", "name", "x", "may-view", "yes")
	c.wants(body, "ほかの担当者が更新しました")
	c.wants(c.get(page+"/delete"), "「夜勤」を削除しますか")
	if l, _ := c.post(page + "/delete"); l != "/admin/roles" {
		t.Fatal(l)
	}
	if w := c.do(http.MethodGet, page, nil); w.Code != http.StatusNotFound {
		t.Error(w.Code)
	}
	c.signIn(c.desk)
	if w := c.do(http.MethodGet, "/admin/roles", nil); w.Code != http.StatusForbidden {
		t.Error(w.Code)
	}
}

// The console shows an auditor the log and a reader nothing but customers.
func TestMenusFollowTheRole(t *testing.T) {
	for role, want := range map[string][2]bool{account.RoleAuditor: {true, true}, account.RoleReadOnly: {false, false}} {
		c := newConsole(t, nil)
		c.signIn(c.operator("reader", role))
		body := c.get("/admin/customers")
		if got := [2]bool{strings.Contains(body, `href="/admin/audit"`), strings.Contains(body, `href="/admin/deliveries"`)}; got != want {
			t.Errorf("%s: %v", role, got)
		}
		page := "/admin/accounts/" + string(c.tanaka)
		if body := c.get(page + "/two-factor"); strings.Contains(body, "更新</button>") || strings.Contains(body, "認証設定初期化") {
			t.Errorf("%s sees what it may not do", role)
		}
		if w := c.do(http.MethodPost, page+"/two-factor/reset", everyField()); w.Code != http.StatusForbidden {
			t.Errorf("%s resets: %d", role, w.Code)
		}
	}
}

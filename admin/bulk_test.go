package admin

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/store"
)

// TestM03_M11_SwitchMany sets the switch of a whole customer and of some accounts: as the switch of one account does it, each in its own
// transaction with its own audit row, and never twice.
func TestM03_M11_SwitchMany(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		other, err := w.CreateCustomer(ctx, System(), account.CustomerInput{Code: "C-2", Name: "別の販売先"})
		must(t, err)
		g, err := w.CreateUserGroup(ctx, System(), other.ID, "本社")
		must(t, err)
		stranger, err := w.CreateAccount(ctx, System(), g.ID, w.input("stranger", account.RoleBuyer))
		must(t, err)
		w.enrol(w.tanaka)
		epoch := w.row(w.tanaka).CredentialEpoch
		desk := w.actor(w.desk)
		off := BulkSwitch{Customer: w.customer, Want: account.TwoFactorDont}

		p, err := w.PreviewSwitch(ctx, desk, off)
		must(t, err)
		if p.Total != 2 || p.Changing != 2 || p.Resetting != 1 || p.Refused || len(p.Rows) != 2 || !p.Rows[1].Resets || p.Rows[0].Resets {
			t.Errorf("preview: %+v", p)
		}
		if a := w.row(w.tanaka); a.TwoFactor != account.TwoFactorUse || len(w.events(audit.TwoFactorSet)) != 0 {
			t.Error("the preview did something")
		}
		since := w.clock.now()
		n, err := w.SwitchMany(ctx, desk, off)
		if err != nil || n != 2 {
			t.Fatalf("changed %d, %v", n, err)
		}
		w.cleared(w.tanaka, epoch)
		for id, want := range map[store.AccountID]string{w.tanaka: "dont_use", w.suzuki: "dont_use", stranger.ID: "use"} {
			if got := w.row(id).TwoFactor; got != want {
				t.Errorf("%s: %s", id, got)
			}
		}
		// Again: nothing, and no row.
		n, err = w.SwitchMany(ctx, desk, off)
		if err != nil || n != 0 || len(w.events(audit.TwoFactorSet)) != 2 {
			t.Errorf("again: %d, %v, %d rows", n, err, len(w.events(audit.TwoFactorSet)))
		}
		out, err := w.SwitchResults(ctx, desk, w.customer, since)
		must(t, err)
		if len(out.Rows) != 2 || out.Rows[0].Result != "success" {
			t.Errorf("results: %+v", out.Rows)
		}
		if out, err = w.SwitchResults(ctx, w.actor(w.root), w.customer, since); err != nil || len(out.Rows) != 0 {
			t.Errorf("another operator's results: %+v, %v", out.Rows, err)
		}

		// Some: those of the customer, and nobody else.
		on := BulkSwitch{Customer: w.customer, Want: account.TwoFactorUse, Accounts: []store.AccountID{w.suzuki, stranger.ID, w.root, w.suzuki}}
		if n, err = w.SwitchMany(ctx, desk, on); err != nil || n != 1 {
			t.Errorf("some: %d, %v", n, err)
		}
		if w.row(w.tanaka).TwoFactor != "dont_use" || w.row(w.suzuki).TwoFactor != "use" {
			t.Error("some: others were changed")
		}
		none := BulkSwitch{Customer: w.customer, Want: account.TwoFactorDont, Accounts: []store.AccountID{}}
		if n, err = w.SwitchMany(ctx, desk, none); err != nil || n != 0 {
			t.Errorf("none picked: %d, %v", n, err)
		}

		// M11: refused for all, written down once; the other way goes.
		w.enforce(SurfaceStore, true)
		if p, err = w.PreviewSwitch(ctx, desk, off); err != nil || !p.Refused || p.Changing != 1 {
			t.Errorf("preview under enforcement: %+v, %v", p, err)
		}
		if _, err = w.SwitchMany(ctx, desk, off); !errors.Is(err, ErrEnforced) || w.row(w.suzuki).TwoFactor != "use" {
			t.Errorf("off under enforcement: %v", err)
		}
		if n, err = w.SwitchMany(ctx, desk, BulkSwitch{Customer: w.customer, Want: account.TwoFactorUse}); err != nil || n != 1 {
			t.Errorf("on under enforcement: %d, %v", n, err)
		}
		if rows := w.events(audit.TwoFactorSet); rows[len(rows)-2].Result != "refused" || rows[len(rows)-2].Reason != wordEnforced {
			t.Errorf("refusal: %+v", rows[len(rows)-2])
		}
		for _, bad := range []BulkSwitch{
			{Customer: w.customer},
			{Customer: "x", Want: "use"},
			{Customer: w.customer, Want: "use", Accounts: []store.AccountID{"x"}},
			{Customer: w.customer, Want: "use", Accounts: make([]store.AccountID, MaxSelection+1)},
			{Customer: store.NewID[store.CustomerID](), Want: "use"},
		} {
			if _, err := w.PreviewSwitch(ctx, desk, bad); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%+v: %v", bad, err)
			}
		}
		if _, err := w.SwitchMany(ctx, Actor{Account: w.row(w.tanaka)}, off); !errors.Is(err, ErrForbidden) {
			t.Errorf("by a customer: %v", err)
		}
	})
}

// TestSwitchManyPages goes the way of an operator: pick, confirm, result, the rest.
func TestSwitchManyPages(t *testing.T) {
	c := newConsole(t, desk)
	base := fmt.Sprintf("/admin/customers/%s/two-factor", c.customer)
	c.wants(c.get(fmt.Sprintf("/admin/customers/%s/groups", c.customer)), base)
	c.wants(c.get(base), "account-"+string(c.tanaka), "利用しない")
	_, page := c.post(base)
	c.wants(page, "対象を選択してください。")
	_, page = c.post(base, "use", "off", "scope", "some")
	c.wants(page, "アカウントを1件以上選択してください。")
	confirm, _ := c.post(base, "use", "off", "scope", "some", "account-"+string(c.suzuki), "yes")
	c.wants(c.get(confirm), "suzuki", "変更")
	if strings.Contains(c.get(confirm), "tanaka") {
		t.Error("the confirmation names somebody who was not picked")
	}
	for _, form := range []url.Values{
		{"use": {"off"}, "scope": {"all"}}, {"use": {"off"}, "scope": {"some"}, "account-" + string(c.suzuki): {"yes"}}, {"use": {"off"}}, nil,
	} {
		for _, path := range []string{"", "/confirm"} {
			nowhere := fmt.Sprintf("/admin/customers/%s/two-factor%s", store.NewID[store.CustomerID](), path)
			if w := c.do(http.MethodPost, nowhere, form); w.Code != http.StatusNotFound {
				t.Errorf("%s of a customer that is none, %v: %d", path, form, w.Code)
			}
		}
	}
	c.stale = true
	if to, _ := c.post(base+"/confirm", "use", "off", "accounts", string(c.suzuki)); !strings.HasPrefix(to, "/signin/start") {
		t.Errorf("without a fresh proof: %s", to)
	}
	c.stale = false
	if c.row(c.suzuki).TwoFactor != "use" {
		t.Fatal("changed without a fresh proof")
	}
	result, _ := c.post(base+"/confirm", "use", "off", "accounts", string(c.suzuki))
	c.wants(c.get(result), "1件を「利用しない」に変更しました。", "suzuki")
	result, _ = c.post(base+"/confirm", "use", "off")
	c.wants(c.get(result), "1件を「利用しない」に変更しました。", "tanaka")
	result, _ = c.post(base+"/confirm", "use", "off")
	c.wants(c.get(result), "変更するアカウントはありません。")
	c.enforce(SurfaceStore, true)
	c.wants(c.get(base), "「利用しない」にはできません。")
	must(t, func() error { _, err := c.SetTwoFactor(t.Context(), System(), c.suzuki, "", "use"); return err }())
	back, _ := c.post(base+"/confirm", "use", "off")
	c.wants(c.get(back), "変更できません")
}

package admin

import (
	"encoding/csv"
	"net/http"
	"strings"
	"testing"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
)

// TestRolloutPages goes the way to enforcement and one click back.
func TestRolloutPages(t *testing.T) {
	c := newConsole(t, root)
	const at = "/admin/settings/two-factor/rollout/store"
	c.enrol(c.suzuki)
	evil := c.input("evil", account.RoleBuyer)
	evil.DisplayName = "=HYPERLINK(1)"
	must(t, func() error { _, err := c.CreateAccount(t.Context(), System(), c.group, evil); return err }())
	c.wants(c.get("/admin/settings/two-factor"), at)
	c.wants(c.get(at), "2件のアカウント", "まだ案内していません", "/confirm?admin=off&store=on")
	page := c.get(at + "/accounts")
	c.wants(page, "tanaka", "株式会社サンプル商事")
	if strings.Contains(page, "suzuki") {
		t.Error("the list has somebody with a method")
	}
	w := c.do(http.MethodGet, at+"/accounts.csv", nil)
	rows, err := csv.NewReader(strings.NewReader(w.Body.String())).ReadAll()
	if err != nil || w.Code != http.StatusOK || len(rows) != 3 || rows[1][4] != "'=HYPERLINK(1)" || rows[2][3] != "tanaka" {
		t.Errorf("download: %d %q, %v", w.Code, rows, err)
	}
	if len(c.events(audit.EnforcementList)) != 1 {
		t.Error("the download was not written down")
	}

	_, page = c.post(at+"/grace", "grace", "31", "former", "0")
	c.wants(page, "0日から30日まで", `value="31"`)
	if to, _ := c.post(at+"/grace", "grace", "7", "former", "0"); to != at {
		t.Errorf("leads to %s", to)
	}
	_, page = c.post(at+"/grace", "grace", "9", "former", "0")
	c.wants(page, "ほかの")
	_, page = c.post(at+"/announce", "date", "2026-11-01")
	c.wants(page, "今日から1年以内")
	c.post(at+"/announce", "date", "2026-12-01")
	c.wants(c.get(at), "「2026-12-01から必要」と案内しています。", "0 / 2件を送信", "送信中")
	must(t, func() error { _, err := c.QueueAnnouncements(t.Context()); return err }())
	c.wants(c.get(at), "2 / 2件を送信", "完了")
	c.post(at + "/withdraw")
	c.wants(c.get(at), "まだ案内していません")

	c.enforce(SurfaceStore, true)
	c.wants(c.get(at), "強制をやめる")
	if w := c.do(http.MethodPost, at+"/announce", map[string][]string{"date": {"2026-12-01"}}); w.Code != http.StatusConflict {
		t.Errorf("announced what is enforced: %d", w.Code)
	}
	c.post(at + "/lift")
	if row, err := c.db.Read().GetSurface(t.Context(), "store"); err != nil || row.Enforced || row.EnforcedSince != nil {
		t.Errorf("one click back: %+v, %v", row, err)
	}
	for _, path := range []string{"", "/accounts", "/accounts.csv", "/announce"} {
		if w := c.do(http.MethodGet, "/admin/settings/two-factor/rollout/nowhere"+path, nil); w.Code != http.StatusNotFound {
			t.Errorf("a surface that is none, %s: %d", path, w.Code)
		}
	}
}

// TestRolloutRights: the support desk sees how things stand and changes nothing; operators are not theirs to see.
func TestRolloutRights(t *testing.T) {
	c := newConsole(t, desk)
	const at = "/admin/settings/two-factor/rollout/"
	page := c.get(at + "store")
	for _, action := range []string{"/grace", "/announce", "/lift", "accounts.csv"} {
		if strings.Contains(page, at+"store"+action) {
			t.Errorf("%s is shown", action)
		}
	}
	c.get(at + "store/accounts")
	for path, want := range map[string]int{"admin/accounts": 404, "admin/accounts.csv": 404, "store/accounts.csv": 403, "store/announce": 403} {
		if w := c.do(http.MethodGet, at+path, nil); w.Code != want {
			t.Errorf("GET %s: %d", path, w.Code)
		}
	}
	for path, form := range map[string]map[string][]string{
		"store/grace": {"grace": {"3"}, "former": {"0"}}, "store/announce": {"date": {"2026-12-01"}}, "store/withdraw": nil, "store/lift": nil,
	} {
		if w := c.do(http.MethodPost, at+path, form); w.Code != http.StatusForbidden {
			t.Errorf("POST %s: %d", path, w.Code)
		}
	}
}

package testapp_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/store/storetest"
)

// I13: whatever takes a form under /admin changes nothing for an operator whose proof is older than five minutes, and leads them
// to prove who they are again. The routes come from the server's table, so that none can be added without this.
func TestI13_EveryChangeUnderAdminNeedsAFreshProof(t *testing.T) {
	t.Parallel()
	file := storetest.SQLiteURL(t)
	a := watch(t, "sqlite", "file:"+strings.TrimPrefix(file, "sqlite:")+"?mode=ro", testapp.Start(t, file))
	b := a.NewBrowser(t)
	a.SignIn(t, b, "/admin", "operator")
	a.Pass(t, 6*time.Minute)
	b.Get("/admin/customers") // the use of the session is written down here, not by what follows
	before := a.rows(t)
	n := 0
	for _, r := range routes(t, a.App) {
		if !strings.HasPrefix(r.path, "/admin/") || slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodOptions}, r.method) {
			continue
		}
		if strings.HasPrefix(r.path, "/admin/password/") {
			continue // for people who forgot theirs and have no session at all
		}
		if strings.HasPrefix(r.path, "/admin/security/sessions/") {
			continue // ending one's own sessions takes access away and gives nothing: it is no change of settings
		}
		p := b.Do(r.method, r.path, consoleForm(), map[string]string{"Origin": a.URL, "Sec-Fetch-Site": "same-origin"})
		if l := p.Location(); p.Status != http.StatusSeeOther || l.Path != "/signin/start" || l.Query().Get("fresh") != "1" {
			t.Errorf("%s %s: %d to %s", r.method, r.path, p.Status, l)
		}
		n++
	}
	if n < 20 {
		t.Fatalf("only %d routes", n)
	}
	if d := difference(before, a.rows(t)); len(d) != 0 {
		t.Errorf("rows changed:\n%s", strings.Join(d, "\n"))
	}
}

// consoleForm is a form that fills in every field the console has.
func consoleForm() url.Values {
	return value("name", "n", "code", "N-1", "login_id", "new", "email", "n@example.jp", "role", "viewer", "password", "futakagi-demo",
		"use", "off", "do", "disable", "reason", "r", "identity", "yes", "admin", "on", "store", "on", "allow-email", "yes", "level", "2fa-email",
		"days", "7", "may-view", "yes", "saved", "yes", "method", "email")
}

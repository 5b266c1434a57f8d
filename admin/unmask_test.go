package admin

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

// hasWhole reports whether a page shows an address of an account whole.
func (c *console) hasWhole(body string, id store.AccountID) bool {
	if strings.Contains(body, c.row(id).RegisteredEmail) {
		return true
	}
	for _, f := range c.status(id).Status.Factors {
		if f.Address != "" && (strings.Contains(body, f.Address) || strings.Contains(body, "0"+strings.TrimPrefix(f.Address, "+81"))) {
			return true
		}
	}
	return false
}

// No page of the console shows an address to a role that may not see it, nor is anything found by one.
func TestAddressesAreMaskedEverywhere(t *testing.T) {
	c := newConsole(t, nil)
	c.add(c.tanaka, signin.Email, signin.SMS)
	_, err := c.ResetFactor(t.Context(), c.actor(c.root), c.tanaka, signin.SMS, Reason{Text: "電話 09012345678 と tanaka@example.jp で確認", IdentityChecked: true})
	must(t, err)
	c.add(c.tanaka, signin.SMS)
	acc := c.row(c.tanaka)
	_, err = c.UpdateAccount(t.Context(), c.actor(c.root), c.tanaka, acc.UpdatedAt, account.Profile{DisplayName: acc.DisplayName, RegisteredEmail: "moved@example.jp", Role: acc.Role})
	must(t, err)
	_, err = c.GrantExemption(t.Context(), c.actor(c.root), c.tanaka, 1, Reason{Text: "moved@example.jp に変更", IdentityChecked: true})
	must(t, err)
	messages, err := c.db.Read().ListMessages(t.Context(), store.ListMessagesParams{Since: time.Unix(0, 0), BeforeAt: time.Unix(1<<33, 0), BeforeID: store.MaxID, PageSize: 10})
	must(t, err)
	page := "/admin/accounts/" + string(c.tanaka)
	pages := []string{
		page, page + "/two-factor", page + "/activity", "/admin/audit", "/admin/deliveries", "/admin/deliveries/" + string(messages[0].ID),
		templates.PathExemptions, "/admin/customers?q=tanaka", rolloutURL(SurfaceStore) + "/accounts", "/admin/customers/" + string(c.customer) + "/groups",
	}
	for role, whole := range map[string]bool{account.RoleSupport: true, account.RoleAuditor: false} {
		c.signIn(c.operator("s-"+role, role))
		found := 0
		for _, p := range pages {
			body := c.get(p)
			if c.hasWhole(body, c.tanaka) || strings.Contains(body, "tanaka@example.jp") || strings.Contains(body, "09012345678") {
				found++
				if !whole {
					t.Errorf("%s sees an address whole on %s", role, p)
				}
			}
		}
		if whole && found < 3 {
			t.Errorf("%s sees addresses on %d pages only", role, found)
		}
		body := c.get("/admin/deliveries?q=moved%40example")
		if got := strings.Contains(body, "該当するメッセージはありません"); got == whole {
			t.Errorf("%s finds deliveries by address: %v", role, !got)
		}
		body = c.get("/admin/customers?q=moved%40example")
		if got := strings.Contains(body, accountURL(c.tanaka)); got != whole {
			t.Errorf("%s finds accounts by address: %v", role, got)
		}
		if body = c.get("/admin/customers?q=tanaka"); !strings.Contains(body, accountURL(c.tanaka)) {
			t.Errorf("%s does not find a login ID", role)
		}
	}
	// What the log itself holds is masked too: it outlives the address.
	for _, e := range c.events(audit.AccountUpdate) {
		if strings.Contains(string(e.Data), "moved@") {
			t.Errorf("%s", e.Data)
		}
	}
}

// Unmasking shows one field to one request, needs its right, and is written down each time.
func TestUnmaskingShowsOneFieldOnceAndIsWrittenDown(t *testing.T) {
	c := newConsole(t, nil)
	c.add(c.tanaka, signin.Email, signin.SMS)
	reader := c.operator("reader", c.role("読み手", "view", "unmask"))
	c.signIn(reader)
	page := "/admin/accounts/" + string(c.tanaka)
	form := c.get(page + "/two-factor")
	c.wants(form, `action="`+page+`/two-factor/unmask"`, `value="sms"`, "•••-••••-••")
	w := c.do(http.MethodPost, page+"/two-factor/unmask", map[string][]string{"field": {"email"}})
	body := w.Body.String()
	email, sms := "", ""
	for _, f := range c.status(c.tanaka).Status.Factors {
		switch f.Kind {
		case "email":
			email = f.Address
		case "sms":
			sms = "0" + strings.TrimPrefix(f.Address, "+81")
		}
	}
	if w.Code != http.StatusOK || !strings.Contains(body, email) || strings.Contains(body, sms) {
		t.Errorf("%d: email %v, sms %v", w.Code, strings.Contains(body, email), strings.Contains(body, sms))
	}
	if body := c.get(page + "/two-factor"); strings.Contains(body, email) {
		t.Error("it stayed unmasked")
	}
	body = c.do(http.MethodPost, page+"/unmask", nil).Body.String()
	if !strings.Contains(body, c.row(c.tanaka).RegisteredEmail) {
		t.Error("the registered address was not shown")
	}
	for _, field := range []string{"totp", "passkey", "registered", "x", "\x00"} {
		if w := c.do(http.MethodPost, page+"/two-factor/unmask", map[string][]string{"field": {field}}); w.Code != http.StatusNotFound && w.Code != http.StatusBadRequest {
			t.Errorf("%q: %d", field, w.Code)
		}
	}
	// An operator's address is like a missing one.
	if w := c.do(http.MethodPost, "/admin/accounts/"+string(c.root)+"/unmask", nil); w.Code != http.StatusNotFound {
		t.Error(w.Code)
	}
	// Without the right there is neither button nor look.
	c.signIn(c.operator("auditor", account.RoleAuditor))
	if body := c.get(page); strings.Contains(body, "/unmask") {
		t.Error("a button that would be refused")
	}
	if w := c.do(http.MethodPost, page+"/unmask", nil); w.Code != http.StatusForbidden {
		t.Error(w.Code)
	}
	fields := map[string]int{}
	for _, e := range c.events(audit.AddressUnmask) {
		if e.Result == "success" {
			fields[e.ActorName+" "+dataOf(t, e)["field"]]++
		} else {
			fields[e.ActorName+" "+e.Result]++
		}
		if strings.Contains(string(e.Data), "@") {
			t.Errorf("the row holds the address: %s", e.Data)
		}
	}
	if fields["reader email"] != 1 || fields["reader registered"] != 1 || fields["auditor refused"] != 1 {
		t.Errorf("%v", fields)
	}
}

// Who may edit accounts but not see addresses leaves the one that is there alone unless they type another.
func TestMaskedAddressStaysWhenTheFieldIsLeftBlank(t *testing.T) {
	c := newConsole(t, nil)
	c.signIn(c.operator("clerk", c.role("事務", "edit_accounts")))
	page := "/admin/accounts/" + string(c.tanaka)
	before := c.row(c.tanaka)
	form := c.get(page)
	if strings.Contains(form, before.RegisteredEmail) {
		t.Error("the address is in the form")
	}
	if l, body := c.post(page, "version", c.version(form), "name", "田中 次郎", "email", "", "role", before.Role); l != page {
		t.Fatal(body)
	}
	if got := c.row(c.tanaka); got.RegisteredEmail != before.RegisteredEmail || got.DisplayName != "田中 次郎" {
		t.Errorf("%+v", got)
	}
	form = c.get(page)
	c.post(page, "version", c.version(form), "name", "田中 次郎", "email", "other@example.jp", "role", before.Role)
	if got := c.row(c.tanaka); got.RegisteredEmail != "other@example.jp" {
		t.Errorf("%+v", got)
	}
}

func TestRedact(t *testing.T) {
	for text, want := range map[string]string{
		"":                                     "",
		"550 <sato@example.jp>: user unknown":  "550 <sa•••••@example.jp>: user unknown",
		"電話 09012345678 で確認":                   "電話 •••-••••-••78 で確認",
		"+819012345678":                        "•••-••••-••78",
		"queued as 4F2A1B, 250 2.0.0 Ok":       "queued as 4F2A1B, 250 2.0.0 Ok",
		"a@example.jp, 'sato.y@example.co.jp'": "•••••@example.jp, 'sa•••••@example.co.jp'",
	} {
		if got := redact(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// One operator does what opens accounts only so often; the refusal says until when, and is written down.
func TestOperatorsAreLimited(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.limits = Limits{Reset: Rate{2, 3}, SwitchOff: Rate{1, 9}, PasswordLink: Rate{1, 9}, Unmask: Rate{1, 9}}
		desk, root := w.actor(w.desk), w.actor(w.root)
		first := w.clock.now()
		try := func(a Actor) error { _, err := w.ResetFactors(ctx, a, w.tanaka, goodReason); return err }
		must(t, try(desk))
		w.clock.pass(10 * time.Minute)
		must(t, try(desk))
		limited, ok := errors.AsType[*RateError](try(desk))
		if !ok || limited.Until.Sub(first) < time.Hour || limited.Until.Sub(first) > time.Hour+time.Second {
			t.Fatalf("the third in an hour: %v", limited)
		}
		must(t, try(root)) // everybody has their own
		must(t, func() error { _, err := w.ResetFactors(ctx, System(), w.tanaka, goodReason); return err }())
		// What fails does not count, and the hour ends.
		if _, err := w.ResetFactors(ctx, desk, w.tanaka, Reason{}); !isInvalid(err) {
			t.Error(err)
		}
		w.clock.pass(51 * time.Minute)
		must(t, try(desk))
		w.clock.pass(2 * time.Hour)
		if limited, ok = errors.AsType[*RateError](try(desk)); !ok || limited.Until.Sub(first) < 24*time.Hour {
			t.Errorf("the fourth in a day: %v", limited)
		}
		for name, do := range map[string]func() error{
			"switch off": func() error {
				_, err := w.SetTwoFactor(ctx, desk, w.suzuki, "", account.TwoFactorDont)
				if err == nil {
					_, err2 := w.SetTwoFactor(ctx, desk, w.suzuki, "", account.TwoFactorUse)
					must(t, err2) // switching on is not limited
				}
				return err
			},
			"link": func() error { return w.SendPasswordReset(ctx, desk, w.tanaka) },
			"unmask": func() error {
				_, err := w.Unmask(ctx, desk, w.tanaka, fieldRegistered)
				return err
			},
		} {
			if err := do(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if err := do(); !isRate(err) {
				t.Errorf("%s again: %v", name, err)
			}
		}
		n := 0
		for _, e := range w.events("%") {
			if e.Result == "refused" && e.Reason == wordRate && e.ActorName == "desk" && e.Target != "" {
				n++
			}
		}
		if n != 5 {
			t.Errorf("%d refusals were written down", n)
		}
	})
}

func TestRateIsSaidOnThePage(t *testing.T) {
	c := newConsole(t, desk)
	c.limits = Limits{Reset: Rate{1, 1}, SwitchOff: Rate{1, 1}, PasswordLink: Rate{1, 1}, Unmask: Rate{1, 1}}
	page := "/admin/accounts/" + string(c.tanaka)
	for _, form := range [][]string{
		{page + "/two-factor/reset", "reason", "r", "identity", "yes"}, {page + "/two-factor", "use", "off"}, {page + "/reset-mail"},
	} {
		if l, body := c.post(form[0], form[1:]...); l == "" {
			t.Fatalf("%s: %s", form[0], body)
		}
		if form[0] == page+"/two-factor" {
			c.post(form[0], "use", "on")
		}
		_, body := c.post(form[0], form[1:]...)
		c.wants(body, "上限に達しました", "2026-11-22 11:", "もう一度お試しください")
	}
}

func TestActsOfOperators(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		desk := w.actor(w.desk)
		reset := func() { _, err := w.ResetFactors(ctx, desk, w.tanaka, goodReason); must(t, err) }
		reset()
		w.clock.pass(8 * 24 * time.Hour)
		desk = w.actor(w.desk)
		reset()
		w.clock.pass(2 * 24 * time.Hour)
		desk = w.actor(w.desk)
		reset()
		reset()
		_, err := w.CreateCustomer(ctx, desk, account.CustomerInput{Code: "C-9", Name: "x"})
		if !errors.Is(err, ErrForbidden) {
			t.Fatal(err)
		}
		_, err = w.ResetFactors(ctx, w.actor(w.root), w.desk, goodReason)
		must(t, err)
		rows, err := w.OperatorActs(ctx, w.actor(w.root))
		must(t, err)
		found := map[string]bool{}
		for _, r := range rows {
			switch r.ActorName + " " + r.Type + " " + r.Result {
			case "desk 2fa.reset success":
				found["reset"] = r.InDay == 2 && r.InWeek == 3 && r.InAll == 4
			case "desk customer.create refused":
				found["refused"] = r.InDay == 1 && r.InAll == 1
			case "root 2fa.reset success":
				found["operator"] = true
			}
		}
		if len(found) != 3 || !found["reset"] || !found["refused"] {
			t.Errorf("%+v", rows)
		}
		rows, err = w.OperatorActs(ctx, w.actor(w.operator("auditor", account.RoleAuditor)))
		must(t, err)
		for _, r := range rows {
			if r.ActorName == "root" {
				t.Error("an auditor sees what was done to operators")
			}
		}
	})
}

func TestActsPageLeadsToTheLog(t *testing.T) {
	c := newConsole(t, root)
	_, err := c.ResetFactors(t.Context(), c.actor(c.desk), c.tanaka, goodReason)
	must(t, err)
	c.wants(c.get("/admin/audit"), `href="/admin/audit/operators"`)
	body := c.get("/admin/audit/operators")
	c.wants(body, "desk", "認証設定を初期化", "1回")
	link := "/admin/audit?from=2026-11-21&kind=2fa.reset&q=desk"
	c.wants(body, link)
	log := c.get(link)
	c.wants(log, "認証設定を初期化")
	if strings.Contains(log, "アカウントを登録</span>") {
		t.Error("the log shows other kinds of events")
	}
}

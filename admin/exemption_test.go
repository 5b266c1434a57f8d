package admin

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
)

var because = Reason{Text: "電話で本人確認（12345）", IdentityChecked: true}

// TestWhoMayExempt holds the rights over both ways to spare an account its second factor: a right, never oneself, nobody with more
// rights, and operators by those alone who manage operators.
func TestWhoMayExempt(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.add(w.tanaka, signin.Email)
		w.enforce(SurfaceAdmin, true)
		ctx := t.Context()
		for _, c := range []struct {
			name    string
			actor   Actor
			id      store.AccountID
			want    error // nil: it is done
			refused string
		}{
			{"administrator, themselves", w.actor(w.root), w.root, ErrOwnAccount, wordOwn},
			{"support desk, themselves", w.actor(w.desk), w.desk, store.ErrNotFound, wordRight},
			{"support desk, administrator", w.actor(w.desk), w.root, store.ErrNotFound, wordRight},
			{"customer", Actor{Account: w.row(w.suzuki), Session: w.actor(w.suzuki).Session}, w.tanaka, ErrForbidden, wordRight},
			{"support desk, customer", w.actor(w.desk), w.tanaka, nil, ""},
			{"administrator, another administrator", w.actor(w.root), w.chief, nil, ""},
			{"administrator, support desk", w.actor(w.root), w.desk, nil, ""},
		} {
			before := len(w.events(audit.ExemptionGrant))
			_, err := w.GrantExemption(ctx, c.actor, c.id, 4, because)
			if !errors.Is(err, c.want) || c.want == nil && err != nil {
				t.Errorf("%s: %v, want %v", c.name, err, c.want)
			}
			if got := w.row(c.id).Exempt(w.clock.now()); got != (c.want == nil) {
				t.Errorf("%s: exempt %v", c.name, got)
			}
			events := w.events(audit.ExemptionGrant)
			if len(events) != before+1 {
				t.Errorf("%s: %d events", c.name, len(events)-before)
				continue
			}
			if e := events[len(events)-1]; c.want == nil && (e.Result != "success" || e.Reason != because.Text || dataOf(t, e)["until"] == "") ||
				c.want != nil && (e.Result != "refused" || e.Reason != c.refused) {
				t.Errorf("%s: %+v", c.name, e)
			}
			if c.want != nil {
				if ended, err := w.EndExemption(ctx, c.actor, c.id, time.Time{}); ended || err == nil {
					t.Errorf("%s: end %v, %v", c.name, ended, err)
				}
			}
		}
		// A pass is for customers alone.
		for _, id := range []store.AccountID{w.chief, w.root} {
			if _, err := w.IssuePass(ctx, w.actor(w.root), id, 30, because); err == nil {
				t.Errorf("an operator got a pass")
			}
		}
		if _, err := w.IssuePass(ctx, w.actor(w.desk), w.tanaka, 30, because); err != nil {
			t.Errorf("the support desk: %v", err)
		}
		if e := w.events(audit.PassIssue); len(e) != 3 || e[0].Result != "refused" || e[1].Result != "refused" || e[2].Result != "success" {
			t.Errorf("events of passes: %+v", e)
		}
		// Who cannot see operators does not see their exemptions.
		for actor, want := range map[store.AccountID]int{w.root: 3, w.desk: 1} {
			page, err := w.ListExemptions(ctx, w.actor(actor), Place{})
			if err != nil || len(page.Rows) != want || page.Total != want {
				t.Errorf("%s sees %d of %d: %v", w.row(actor).LoginID, len(page.Rows), page.Total, err)
			}
		}
	})
}

func TestAnExemptionIsCheckedAndTold(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.add(w.tanaka, signin.Email)
		ctx, desk := t.Context(), w.actor(w.desk)
		for _, c := range []struct {
			hours  int
			reason Reason
			fields []string
		}{
			{0, Reason{}, []string{FieldHours, FieldIdentity, FieldReason}},
			{73, because, []string{FieldHours}},
			{-1, because, []string{FieldHours}},
			{4, Reason{Text: " \t", IdentityChecked: true}, []string{FieldReason}},
			{4, Reason{Text: strings.Repeat("あ", MaxReason+1), IdentityChecked: true}, []string{FieldReason}},
			{4, Reason{Text: "x"}, []string{FieldIdentity}},
		} {
			_, err := w.GrantExemption(ctx, desk, w.tanaka, c.hours, c.reason)
			invalid, ok := errors.AsType[*account.ValidationError](err)
			if !ok {
				t.Errorf("%+v: %v", c, err)
				continue
			}
			var fields []string
			for field := range invalid.Fields {
				fields = append(fields, field)
			}
			slices.Sort(fields)
			if !slices.Equal(fields, c.fields) {
				t.Errorf("%+v: fields %v", c, fields)
			}
		}
		for _, minutes := range []int{0, 14, 61, -5} {
			if _, err := w.IssuePass(ctx, desk, w.tanaka, minutes, because); err == nil {
				t.Errorf("a pass of %d minutes", minutes)
			}
		}
		if w.row(w.tanaka).ExemptUntil != nil || len(w.events(audit.ExemptionGrant)) != 0 || len(w.told(w.tanaka)) != 0 {
			t.Error("a form that is not complete did something")
		}

		until, err := w.GrantExemption(ctx, desk, w.tanaka, 72, because)
		must(t, err)
		acc := w.row(w.tanaka)
		if !until.Equal(acc.ExemptSince.Add(MaxExemption)) || !acc.ExemptUntil.Equal(until) || *acc.ExemptReason != because.Text || *acc.ExemptBy != "desk" {
			t.Errorf("until %v, row %+v", until, acc)
		}
		if got := w.told(w.tanaka); len(got) != 2 || !slices.Contains(got, "tanaka@example.jp") || !slices.Contains(got, "tanaka-2fa@example.jp") {
			t.Errorf("told: %v", got)
		}
		if _, err := w.GrantExemption(ctx, w.actor(w.root), w.tanaka, 1, because); !errors.Is(err, ErrExempt) {
			t.Errorf("a second one: %v", err)
		}
		// A page left open ends no other exemption than the one it shows.
		if _, err := w.EndExemption(ctx, desk, w.tanaka, acc.ExemptSince.Add(-time.Hour)); !errors.Is(err, ErrConflict) {
			t.Errorf("an old page: %v", err)
		}
		if ended, err := w.EndExemption(ctx, w.actor(w.root), w.tanaka, *acc.ExemptSince); err != nil || !ended {
			t.Errorf("another operator ends it: %v, %v", ended, err)
		}
		if ended, err := w.EndExemption(ctx, desk, w.tanaka, *acc.ExemptSince); err != nil || ended {
			t.Errorf("a second press: %v, %v", ended, err)
		}
		if e := w.events(audit.ExemptionEnd); len(e) != 1 || dataOf(t, e[len(e)-1])["granted_by"] != "desk" {
			t.Errorf("events of the end: %+v", e)
		}

		// Nothing to spare: the switch is off and nothing enforces.
		_, err = w.SetTwoFactor(ctx, desk, w.suzuki, "", account.TwoFactorDont)
		must(t, err)
		if _, err := w.GrantExemption(ctx, desk, w.suzuki, 4, because); !errors.Is(err, ErrNotDemanded) {
			t.Errorf("nothing is asked for: %v", err)
		}
		w.enforce(SurfaceStore, true)
		if _, err := w.GrantExemption(ctx, desk, w.suzuki, 4, because); err != nil {
			t.Errorf("enforced: %v", err)
		}
	})
}

// told are the addresses that heard of an exemption.
func (w *world) told(id store.AccountID) []string {
	w.t.Helper()
	rows, err := w.db.Read().ListMessages(w.t.Context(), store.ListMessagesParams{Since: time.Unix(0, 0), BeforeAt: time.Unix(1<<33, 0), BeforeID: store.MaxID, PageSize: 100})
	must(w.t, err)
	var to []string
	for _, m := range rows {
		if m.Kind == "exempted" && m.LoginID != nil && *m.LoginID == w.row(id).LoginID {
			to = append(to, m.Recipient)
		}
	}
	return to
}

// TestI17_AResetEndsAnExemption holds that a reset leaves an account where it has to set a factor up.
func TestI17_AResetEndsAnExemption(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.add(w.tanaka, signin.Email)
		_, err := w.GrantExemption(t.Context(), w.actor(w.desk), w.tanaka, 4, because)
		must(t, err)
		_, err = w.ResetFactors(t.Context(), w.actor(w.desk), w.tanaka, because)
		must(t, err)
		if w.row(w.tanaka).Exempt(w.clock.now()) {
			t.Error("the account is exempt still")
		}
		if e := w.events(audit.FactorReset); len(e) != 1 || dataOf(t, e[0])["exemption_ended"] != "true" {
			t.Errorf("events %+v", e)
		}
	})
}

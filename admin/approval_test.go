package admin

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
)

// guard makes opening an account take a second operator.
func (w *world) guard(id store.AccountID) {
	w.t.Helper()
	changed, err := w.SetGuard(w.t.Context(), System(), id, time.Time{}, true)
	must(w.t, err)
	if !changed {
		w.t.Fatal("it took one before")
	}
}

// ask asks for an act.
func (w *world) ask(actor Actor, id store.AccountID, p Proposal) store.ApprovalID {
	w.t.Helper()
	request, err := w.AskApproval(w.t.Context(), actor, id, p, because)
	must(w.t, err)
	return request
}

// results counts the rows of a type by result.
func (w *world) results(typ audit.Type) map[string]int {
	n := map[string]int{}
	for _, e := range w.events(typ) {
		n[e.Result]++
	}
	return n
}

// guarded are the acts, what their plain use case is, and which row tells of it.
var guarded = []struct {
	proposal Proposal
	plain    func(ctx context.Context, w *world, actor Actor, id store.AccountID) error
	event    audit.Type
}{
	{Proposal{Act: ActReset}, func(ctx context.Context, w *world, actor Actor, id store.AccountID) error {
		_, err := w.ResetFactors(ctx, actor, id, because)
		return err
	}, audit.FactorReset},
	{Proposal{Act: ActReset, Method: signin.Email}, func(ctx context.Context, w *world, actor Actor, id store.AccountID) error {
		_, err := w.ResetFactor(ctx, actor, id, signin.Email, because)
		return err
	}, audit.FactorReset},
	{Proposal{Act: ActExempt, Hours: 4}, func(ctx context.Context, w *world, actor Actor, id store.AccountID) error {
		_, err := w.GrantExemption(ctx, actor, id, 4, because)
		return err
	}, audit.ExemptionGrant},
	{Proposal{Act: ActPass, Minutes: 30}, func(ctx context.Context, w *world, actor Actor, id store.AccountID) error {
		_, err := w.IssuePass(ctx, actor, id, 30, because)
		return err
	}, audit.PassIssue},
	{Proposal{Act: ActTicket, Handover: mfa.HandoverStaff}, func(ctx context.Context, w *world, actor Actor, id store.AccountID) error {
		_, err := w.IssueTicket(ctx, actor, id, mfa.HandoverStaff)
		return err
	}, audit.TicketIssue},
	{Proposal{Act: ActPassword}, func(ctx context.Context, w *world, actor Actor, id store.AccountID) error {
		return w.SetPassword(ctx, actor, id, "quite-another-one")
	}, audit.PasswordSet},
	{Proposal{Act: ActEmail, Email: "new@example.jp"}, func(ctx context.Context, w *world, actor Actor, id store.AccountID) error {
		a := w.row(id)
		_, err := w.UpdateAccount(ctx, actor, id, a.UpdatedAt, account.Profile{DisplayName: a.DisplayName, Role: a.Role, RegisteredEmail: "new@example.jp"})
		return err
	}, audit.AccountUpdate},
	{Proposal{Act: ActSwitchOff}, func(ctx context.Context, w *world, actor Actor, id store.AccountID) error {
		_, err := w.SetTwoFactor(ctx, actor, id, "", account.TwoFactorDont)
		return err
	}, audit.TwoFactorSet},
	{Proposal{Act: ActUnguard}, func(ctx context.Context, w *world, actor Actor, id store.AccountID) error {
		_, err := w.SetGuard(ctx, actor, id, time.Time{}, false)
		return err
	}, audit.AccountGuard},
}

// TestEveryActTakesASecondOperator goes through the acts: alone it is refused and changes nothing, approved it is done once, by whoever
// asked, and the row of the act says who approved.
func TestEveryActTakesASecondOperator(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, root, chief := t.Context(), w.actor(w.root), w.actor(w.chief)
		for i, c := range guarded {
			id := w.person("person"+string(rune('a'+i)), account.RoleBuyer)
			w.enrol(id)
			if c.proposal.Act == ActTicket {
				w.tx(func(tx *store.Tx) error {
					return tx.SetTicketDemand(ctx, store.SetTicketDemandParams{ID: id, DemandedAt: new(w.clock.now())})
				})
			}
			w.guard(id)
			before, rows := w.row(id), w.results(c.event)
			if err := c.plain(ctx, w, root, id); !errors.Is(err, ErrApprovalRequired) {
				t.Errorf("%+v, alone: %v", c.proposal, err)
			}
			request := w.ask(root, id, c.proposal)
			if again := w.ask(root, id, c.proposal); again != request {
				t.Errorf("%+v: asked twice", c.proposal)
			}
			if _, err := w.UseApproval(ctx, root, request, "quite-another-one"); !errors.Is(err, ErrConflict) {
				t.Errorf("%+v, not approved yet: %v", c.proposal, err)
			}
			if !cmp.Equal(w.row(id), before) || w.results(c.event)["refused"] != rows["refused"]+1 || w.results(c.event)["success"] != rows["success"] {
				t.Errorf("%+v: something was done", c.proposal)
			}
			if err := w.Approve(ctx, chief, request); err != nil {
				t.Errorf("%+v: approve: %v", c.proposal, err)
				continue
			}
			if _, err := w.UseApproval(ctx, chief, request, "quite-another-one"); !errors.Is(err, ErrForbidden) {
				t.Errorf("%+v, used by who approved: %v", c.proposal, err)
			}
			if _, err := w.UseApproval(ctx, root, request, "quite-another-one"); err != nil {
				t.Errorf("%+v: use: %v", c.proposal, err)
				continue
			}
			events := w.events(c.event)
			data := dataOf(t, events[len(events)-1])
			if w.results(c.event)["success"] != rows["success"]+1 || data["approval"] != string(request) || data["approved_by"] != "chief" {
				t.Errorf("%+v: %v", c.proposal, data)
			}
			if c.proposal.Act == ActUnguard || c.proposal.Act == ActSwitchOff || c.proposal.Act == ActExempt || c.proposal.Act == ActEmail {
				continue // there is nothing left to do
			}
			if err := c.plain(ctx, w, root, id); !errors.Is(err, ErrApprovalRequired) && !errors.Is(err, mfa.ErrNoTicketDemanded) {
				t.Errorf("%+v, a second time: %v", c.proposal, err)
			}
		}
		n := len(guarded)
		if a, b := w.results(audit.ApprovalRequest), w.results(audit.ApprovalGrant); a["success"] != n || b["success"] != n {
			t.Errorf("requests %v, grants %v of %d", a, b, n)
		}
	})
}

// TestWhoMayDecide holds who is a second operator.
func TestWhoMayDecide(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.enrol(w.tanaka)
		w.guard(w.tanaka)
		w.guard(w.root)
		mine := w.operator("lately", account.RoleAdministrator)
		root := w.actor(w.root)
		made, err := w.CreateOperator(ctx, root, w.input("made", account.RoleAdministrator))
		must(t, err)
		w.clock.pass(time.Second)
		for _, c := range []struct {
			name  string
			asker Actor
			id    store.AccountID
			by    Actor
			want  error
		}{
			{"who asked", w.actor(w.chief), w.tanaka, w.actor(w.chief), ErrNotPartner},
			{"made by who asked", root, w.tanaka, w.actor(made.ID), ErrNotPartner},
			{"whom it is about", w.actor(w.chief), w.root, root, ErrNotPartner},
			{"somebody who cannot see it", w.actor(w.chief), w.root, w.actor(w.desk), store.ErrNotFound},
			{"a customer", w.actor(w.chief), w.tanaka, Actor{Account: w.row(w.suzuki), Session: w.actor(w.suzuki).Session}, ErrForbidden},
			{"an operator, for the command line", System(), w.tanaka, w.actor(mine), nil},
			{"the support desk", w.actor(w.chief), w.tanaka, w.actor(w.desk), nil},
			{"an administrator", w.actor(w.desk), w.tanaka, w.actor(mine), nil},
			{"the command line", w.actor(w.chief), w.tanaka, System(), nil},
		} {
			w.tx(func(tx *store.Tx) error { // every case begins anew
				_, err := tx.SweepApprovals(ctx, store.SweepApprovalsParams{Before: w.clock.now().Add(72 * time.Hour), BatchSize: 100})
				return err
			})
			request := w.ask(c.asker, c.id, Proposal{Act: ActReset})
			if err := w.Approve(ctx, c.by, request); !errors.Is(err, c.want) || c.want == nil && err != nil {
				t.Errorf("%s: %v, want %v", c.name, err, c.want)
			}
			v, err := w.Approval(ctx, System(), request)
			if err != nil || (v.State == ApprovalApproved) != (c.want == nil) {
				t.Errorf("%s: %s, %v", c.name, v.State, err)
			}
		}
		// A day later nobody's hand is in it any more.
		w.clock.pass(partnerAfter + time.Hour)
		request := w.ask(w.actor(w.root), w.tanaka, Proposal{Act: ActReset})
		must(t, w.Approve(ctx, w.actor(made.ID), request))
		// Nor may who asked have changed the role of who decides.
		role := w.role("second", "view", "reset")
		helper := w.operator("helper", role)
		w.clock.pass(partnerAfter + time.Hour)
		r, err := w.Role(ctx, System(), role)
		must(t, err)
		if _, err := w.UpdateRole(ctx, w.actor(w.root), role, r.UpdatedAt, RoleInput{Name: "renamed", Rights: []string{"view", "reset", "exempt"}}); err != nil {
			t.Fatal(err)
		}
		request = w.ask(w.actor(w.root), w.tanaka, Proposal{Act: ActReset})
		if err := w.Approve(ctx, w.actor(helper), request); !errors.Is(err, ErrNotPartner) {
			t.Errorf("after a change of the role: %v", err)
		}
	})
}

// TestNobodyApprovesForAClientOfTheirOwn holds that a program is no disguise: whoever may know its secret is no second operator for it.
func TestNobodyApprovesForAClientOfTheirOwn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, root, chief := t.Context(), w.actor(w.root), w.actor(w.chief)
		w.enrol(w.tanaka)
		w.guard(w.tanaka)
		c, err := w.CreateClient(ctx, root, NewClient{Name: "desk", GrantTypes: []string{"client_credentials"}, Scopes: []string{scopeReset}})
		must(t, err)
		program, err := Actor{client: &clientActor{id: c.ID}}.present(ctx, w.db.Read(), w.clock.now())
		must(t, err)
		rotate := func(actor Actor, overlap string) {
			t.Helper()
			w.clock.pass(time.Minute)
			must(t, ignore(w.RotateSecret(ctx, actor, c.ID, w.clientRow(c.ID).UpdatedAt, overlap)))
		}
		ask := func() store.ApprovalID {
			t.Helper()
			w.tx(func(tx *store.Tx) error { // anew
				_, err := tx.SweepApprovals(ctx, store.SweepApprovalsParams{Before: w.clock.now().Add(72 * time.Hour), BatchSize: 100})
				return err
			})
			return w.ask(program, w.tanaka, Proposal{Act: ActReset})
		}
		if err := w.Approve(ctx, root, ask()); !errors.Is(err, ErrNotPartner) {
			t.Errorf("who registered it: %v", err)
		}
		must(t, w.Approve(ctx, chief, ask()))
		rotate(chief, "1h")
		for _, actor := range []Actor{root, chief} {
			if err := w.Approve(ctx, actor, ask()); !errors.Is(err, ErrNotPartner) {
				t.Errorf("while both secrets work, %s: %v", actor.Account.LoginID, err)
			}
		}
		w.clock.pass(2 * time.Hour)
		request := ask()
		if err := w.Approve(ctx, chief, request); !errors.Is(err, ErrNotPartner) {
			t.Errorf("who gave it its secret: %v", err)
		}
		must(t, w.Approve(ctx, root, request))
		// Nor does who approved take the permit over with a secret of their own.
		rotate(root, "now")
		if _, err := w.UseApproval(ctx, program, request, ""); !errors.Is(err, ErrApprovalRequired) {
			t.Errorf("in the hands of who approved: %v", err)
		}
		if len(w.factors(w.tanaka)) == 0 {
			t.Error("the account was reset")
		}
		request = ask()
		must(t, w.Approve(ctx, chief, request))
		must(t, ignore(w.UseApproval(ctx, program, request, "")))
	})
}

// TestAnApprovalIsGoodForOneThing holds what makes one void.
func TestAnApprovalIsGoodForOneThing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, want := t.Context(), Proposal{Act: ActExempt, Hours: 4}
		exempt := func(actor Actor, id store.AccountID, hours int) error {
			_, err := w.GrantExemption(ctx, actor, id, hours, because)
			return err
		}
		i := 0
		for name, c := range map[string]struct {
			change func(id, asker, approver store.AccountID, request store.ApprovalID)
			hours  int
			fits   bool
		}{
			"nothing changed": {func(_, _, _ store.AccountID, _ store.ApprovalID) {}, 4, true},
			"more hours":      {func(_, _, _ store.AccountID, _ store.ApprovalID) {}, 5, false},
			"credentials changed": {func(id, _, _ store.AccountID, _ store.ApprovalID) {
				must(t, ignore(w.ResetFactors(ctx, System(), id, because)))
				w.enrol(id)
			}, 4, false},
			"address changed": {func(id, _, _ store.AccountID, _ store.ApprovalID) {
				a := w.row(id)
				must(t, ignore(w.UpdateAccount(ctx, System(), id, a.UpdatedAt, account.Profile{DisplayName: a.DisplayName, Role: a.Role, RegisteredEmail: "x@example.jp"})))
			}, 4, false},
			"too late": {func(_, _, _ store.AccountID, _ store.ApprovalID) { w.clock.pass(ApprovalLife + time.Minute) }, 4, false},
			"who approved is gone": {func(_, _, approver store.AccountID, _ store.ApprovalID) {
				must(t, ignore(w.SetDisabled(ctx, System(), approver, true)))
			}, 4, false},
			"withdrawn": {func(_, asker, _ store.AccountID, request store.ApprovalID) {
				must(t, w.Withdraw(ctx, w.actor(asker), request))
			}, 4, false},
		} {
			i++
			suffix := string(rune('a' + i))
			id := w.person("customer"+suffix, account.RoleBuyer)
			asker, approver := w.operator("asks"+suffix, account.RoleSupport), w.operator("approves"+suffix, account.RoleSupport)
			w.enrol(id)
			w.guard(id)
			request := w.ask(w.actor(asker), id, want)
			must(t, w.Approve(ctx, w.actor(approver), request))
			c.change(id, asker, approver, request)
			if err := exempt(w.actor(asker), id, c.hours); (err == nil) != c.fits || err != nil && !errors.Is(err, ErrApprovalRequired) {
				t.Errorf("%s: %v", name, err)
			}
		}
		// What changed while it waited is not approved.
		w.enrol(w.tanaka)
		w.guard(w.tanaka)
		request := w.ask(w.actor(w.root), w.tanaka, want)
		must(t, ignore(w.SetDisabled(ctx, System(), w.root, true)))
		if err := w.Approve(ctx, w.actor(w.chief), request); !errors.Is(err, ErrApprovalVoid) {
			t.Errorf("who asked is gone: %v", err)
		}
		request = w.ask(w.actor(w.desk), w.tanaka, want)
		w.clock.pass(ApprovalLife + time.Minute)
		if err := w.Approve(ctx, w.actor(w.chief), request); !errors.Is(err, ErrConflict) {
			t.Errorf("too late: %v", err)
		}
		if v, err := w.Approval(ctx, w.actor(w.chief), request); err != nil || v.Shown != ApprovalExpired || v.MayDecide {
			t.Errorf("%+v, %v", v.Shown, err)
		}
		request = w.ask(w.actor(w.desk), w.tanaka, want)
		if err := w.Refuse(ctx, w.actor(w.chief), request, " "); !errors.As(err, new(*account.ValidationError)) {
			t.Errorf("refused without a reason: %v", err)
		}
		must(t, w.Refuse(ctx, w.actor(w.chief), request, "本人確認が不十分です"))
		if v, err := w.Approval(ctx, w.actor(w.desk), request); err != nil || v.State != ApprovalRefused || v.Decision != "本人確認が不十分です" {
			t.Errorf("%+v, %v", v.Approval, err)
		}
		// What cannot be done is not asked for, and neither is what takes nobody.
		if _, err := w.AskApproval(ctx, w.actor(w.desk), w.tanaka, Proposal{Act: ActExempt, Hours: 73}, Reason{}); err == nil {
			t.Error("anything can be asked for")
		} else if e, ok := errors.AsType[*account.ValidationError](err); !ok || e.Fields[FieldHours] == "" || e.Fields[FieldReason] == "" || e.Fields[FieldIdentity] == "" {
			t.Errorf("%v", err)
		}
		w.enrol(w.suzuki)
		if _, err := w.AskApproval(ctx, w.actor(w.desk), w.suzuki, want, because); !errors.Is(err, ErrNoApproval) {
			t.Errorf("not needed: %v", err)
		}
	})
}

func ignore[T any](_ T, err error) error { return err }

// TestOneOutcomeOfARequest races those who decide, withdraw and come back: one of them is first, and the log has one row.
func TestOneOutcomeOfARequest(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.enrol(w.tanaka)
		w.guard(w.tanaka)
		for round := range 4 {
			root, chief, desk := w.actor(w.root), w.actor(w.chief), w.actor(w.desk)
			request := w.ask(root, w.tanaka, Proposal{Act: ActReset})
			if round == 3 {
				w.clock.pass(ApprovalLife - 20*time.Millisecond) // some come too late
				chief, desk = w.actor(w.chief), w.actor(w.desk)
			}
			types := []audit.Type{audit.ApprovalGrant, audit.ApprovalRefuse, audit.ApprovalWithdraw}
			count := func() (n int) {
				for _, typ := range types {
					n += w.results(typ)["success"]
				}
				return n
			}
			before := count()
			var wg sync.WaitGroup
			errs := make([]error, 4)
			for i, f := range []func() error{
				func() error { return w.Approve(ctx, chief, request) },
				func() error { return w.Approve(ctx, desk, request) },
				func() error { return w.Refuse(ctx, chief, request, "no") },
				func() error { return w.Refuse(ctx, desk, request, "no") },
			} {
				wg.Go(func() { errs[i] = f() })
			}
			wg.Wait()
			won := 0
			for _, err := range errs {
				if err == nil {
					won++
				} else if !errors.Is(err, ErrConflict) {
					t.Errorf("round %d: %v", round, err)
				}
			}
			if won > 1 || round < 3 && won == 0 || count() != before+won {
				t.Errorf("round %d: %d won, %d rows", round, won, count()-before)
			}
			w.clock.pass(ApprovalLife + time.Hour)
		}
		// Approved beside withdrawn, and done twice at once.
		root, chief := w.actor(w.root), w.actor(w.chief)
		request := w.ask(root, w.tanaka, Proposal{Act: ActExempt, Hours: 4})
		var wg sync.WaitGroup
		var approved, withdrawn error
		wg.Go(func() { approved = w.Approve(ctx, chief, request) })
		wg.Go(func() { withdrawn = w.Withdraw(ctx, root, request) })
		wg.Wait()
		if v, err := w.Approval(ctx, root, request); err != nil || withdrawn != nil || v.State != ApprovalWithdrawn {
			t.Errorf("approve %v, withdraw %v: %s, %v", approved, withdrawn, v.State, err)
		}
		request = w.ask(root, w.tanaka, Proposal{Act: ActPass, Minutes: 30})
		must(t, w.Approve(ctx, chief, request))
		errs := make([]error, 4)
		for i := range errs {
			wg.Go(func() { _, errs[i] = w.UseApproval(ctx, root, request, "") })
		}
		wg.Wait()
		if done := len(slices.DeleteFunc(errs, func(err error) bool { return err != nil })); done != 1 || w.results(audit.PassIssue)["success"] != 1 {
			t.Errorf("%d passes, %v", done, w.results(audit.PassIssue))
		}
	})
}

// TestNoWayAroundASecondOperator holds that many accounts at once, files and the surface's setting are none.
func TestNoWayAroundASecondOperator(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, root, chief := t.Context(), w.actor(w.root), w.actor(w.chief)
		w.enrol(w.tanaka)
		w.guard(w.tanaka)
		all := BulkSwitch{Customer: w.customer, Want: account.TwoFactorDont}
		p, err := w.PreviewSwitch(ctx, root, all)
		must(t, err)
		if p.Changing != 1 || p.LeftOut != 1 {
			t.Errorf("%+v", p)
		}
		n, err := w.SwitchMany(ctx, root, all)
		must(t, err)
		picked := all
		picked.Accounts = []store.AccountID{w.tanaka}
		m, err := w.SwitchMany(ctx, root, picked)
		must(t, err)
		if n != 1 || m != 0 || w.row(w.tanaka).TwoFactor != account.TwoFactorUse {
			t.Errorf("%d and %d were switched off", n, m)
		}
		// Resetting all asks for those that take it, by the same form.
		done, err := w.ResetCustomer(ctx, root, w.customer, w.clock.now(), because)
		must(t, err)
		report, err := w.CustomerReport(ctx, root, w.customer, done.Form)
		must(t, err)
		if len(report.Resets) != 1 || len(report.Asked) != 1 || report.Asked[w.tanaka].State != ApprovalWaiting {
			t.Errorf("%+v, %+v", report.Resets, report.Asked)
		}
		// Nor does an account's address go with anything else.
		a := w.row(w.tanaka)
		_, err = w.UpdateAccount(ctx, root, w.tanaka, a.UpdatedAt, account.Profile{DisplayName: "other", Role: a.Role, RegisteredEmail: "o@example.jp"})
		if e, ok := errors.AsType[*account.ValidationError](err); !ok || e.Fields["email"] == "" {
			t.Errorf("with a name: %v", err)
		}
		if ok, err := w.UpdateAccount(ctx, root, w.tanaka, a.UpdatedAt, account.Profile{DisplayName: "other", Role: a.Role, RegisteredEmail: a.RegisteredEmail}); !ok || err != nil {
			t.Errorf("a name alone: %v", err)
		}

		// The setting of a surface stands for every account, and goes off with a second operator alone.
		set := func(actor Actor, value string) error {
			_, err := w.SetEnforcement(ctx, actor, []EnforcementChange{{Surface: SurfaceStore, Approval: value}})
			return err
		}
		must(t, set(root, ApprovalAll))
		if _, err := w.ResetFactors(ctx, root, w.suzuki, because); !errors.Is(err, ErrApprovalRequired) {
			t.Errorf("an account of the surface: %v", err)
		}
		if p, err := w.PreviewSwitch(ctx, root, all); err != nil || p.Changing != 0 || p.LeftOut != 1 {
			t.Errorf("%+v, %v", p, err)
		}
		if err := set(root, ApprovalNone); !errors.Is(err, ErrApprovalRequired) {
			t.Errorf("off, alone: %v", err)
		}
		request, err := w.AskUnguardAll(ctx, root, SurfaceStore, "r")
		must(t, err)
		must(t, w.Approve(ctx, chief, request))
		must(t, ignore(w.UseApproval(ctx, root, request, "")))
		if surface, err := w.db.Read().GetSurface(ctx, SurfaceStore); err != nil || surface.Approval {
			t.Errorf("%+v, %v", surface, err)
		}
		if e := w.events(audit.GuardSet); len(e) != 2 || dataOf(t, e[1])["approved_by"] != "chief" {
			t.Errorf("%+v", e)
		}
		// Whoever has the database goes on alone, and the log says so.
		must(t, ignore(w.ResetFactors(ctx, System(), w.tanaka, because)))
		if e := w.events(audit.FactorReset); dataOf(t, e[len(e)-1])["approval"] != "none" {
			t.Errorf("%+v", e[len(e)-1])
		}
		if c, err := w.CountApprovals(ctx, chief); err != nil || c.Waiting != 0 {
			t.Errorf("void requests still wait: %+v, %v", c, err)
		}
	})
}

// TestAnApprovalThatIsNotNeededStopsNobody holds for one whose decider may not decide any more, once the account takes none.
func TestAnApprovalThatIsNotNeededStopsNobody(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, root := t.Context(), w.actor(w.root)
		w.enrol(w.tanaka)
		w.guard(w.tanaka)
		must(t, w.Approve(ctx, w.actor(w.chief), w.ask(root, w.tanaka, Proposal{Act: ActReset})))
		must(t, ignore(w.SetDisabled(ctx, System(), w.chief, true)))
		if _, err := w.ResetFactors(ctx, root, w.tanaka, because); !errors.Is(err, ErrApprovalRequired) {
			t.Errorf("while it is needed: %v", err)
		}
		must(t, ignore(w.SetGuard(ctx, System(), w.tanaka, time.Time{}, false)))
		if _, err := w.ResetFactors(ctx, root, w.tanaka, because); err != nil {
			t.Errorf("once it is not: %v", err)
		}
	})
}

// TestSwitchOnClearsNothingAlone holds that 利用する, which clears what was set up under enforcement while the switch said otherwise, is no
// reset without a second operator.
func TestSwitchOnClearsNothingAlone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, root := t.Context(), w.actor(w.root)
		setUp, other := w.person("setup", account.RoleBuyer), w.person("other", account.RoleBuyer)
		w.enrol(setUp)
		w.enrol(w.suzuki)
		for _, id := range []store.AccountID{w.tanaka, w.suzuki, setUp, other} {
			w.tx(func(tx *store.Tx) error {
				_, err := tx.SetTwoFactor(ctx, store.SetTwoFactorParams{ID: id, Former: account.TwoFactorUse, TwoFactor: account.TwoFactorDont, Now: w.clock.now()})
				return err
			})
		}
		w.guard(setUp)
		w.guard(other)
		if _, err := w.SetTwoFactor(ctx, root, setUp, "", account.TwoFactorUse); !errors.Is(err, ErrApprovalRequired) {
			t.Errorf("on, alone: %v", err)
		}
		all := BulkSwitch{Customer: w.customer, Want: account.TwoFactorUse}
		for _, c := range []struct {
			approval string
			want     [3]int
		}{{ApprovalAll, [3]int{2, 0, 2}}, {ApprovalNone, [3]int{3, 1, 1}}} {
			_, err := w.SetEnforcement(ctx, System(), []EnforcementChange{{Surface: SurfaceStore, Approval: c.approval}})
			must(t, err)
			p, err := w.PreviewSwitch(ctx, root, all)
			must(t, err)
			if got := [3]int{p.Changing, p.Resetting, p.LeftOut}; got != c.want {
				t.Errorf("%s: %v, want %v", c.approval, got, c.want)
			}
		}
		n, err := w.SwitchMany(ctx, root, all)
		must(t, err)
		picked := all
		picked.Accounts = []store.AccountID{setUp}
		m, err := w.SwitchMany(ctx, root, picked)
		must(t, err)
		if a := w.row(setUp); n != 3 || m != 0 || a.TwoFactor != account.TwoFactorDont || len(w.factors(setUp)) == 0 {
			t.Errorf("%d and %d were switched on: %+v, %+v", n, m, a, w.factors(setUp))
		}
		if a := w.row(other); a.TwoFactor != account.TwoFactorUse {
			t.Errorf("nothing was set up: %+v", a)
		}
		// Nor is an approval of a reset one of this; after the reset nothing is left that it could open.
		request := w.ask(root, setUp, Proposal{Act: ActReset})
		must(t, w.Approve(ctx, w.actor(w.chief), request))
		if _, err := w.SetTwoFactor(ctx, root, setUp, "", account.TwoFactorUse); !errors.Is(err, ErrApprovalRequired) {
			t.Errorf("by an approval of a reset: %v", err)
		}
		must(t, ignore(w.UseApproval(ctx, root, request, "")))
		if r, err := w.SetTwoFactor(ctx, root, setUp, "", account.TwoFactorUse); err != nil || !r.Changed {
			t.Errorf("after a reset: %+v, %v", r, err)
		}
	})
}

// TestImportKeepsWhatTakesASecondOperator holds that a file of one operator opens no account that takes two, on demand neither.
func TestImportKeepsWhatTakesASecondOperator(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		row := func(name, email, hash, address string) string {
			return importHead + "C-100248,,本社,moved," + name + "," + email + "," + hash + ",use,email," + address + ",2025-09-03 10:00:00,,,,\n"
		}
		replace := func(o *ImportOptions) { o.ReplaceFactors = true }
		w.imported(row("移行", "a@example.jp", horse, "a@example.jp"))
		id := w.byLogin("moved").ID
		w.guard(id)
		before := w.row(id)
		r, found, err := w.imports(w.actor(w.root), row("変更", "thief@example.jp", horseSalt, "thief@example.jp"), replace)
		must(t, err)
		for _, f := range found {
			if f.Refused || f.Reason != reasonApprovalKept {
				t.Errorf("%+v", f)
			}
		}
		after, f := w.row(id), w.factors(id)
		if importCounts(r) != [4]int64{0, 1, 0, 0} || len(found) != 3 || after.DisplayName != "変更" || after.RegisteredEmail != before.RegisteredEmail ||
			after.PasswordHash != before.PasswordHash || after.CredentialEpoch != before.CredentialEpoch || len(f) != 1 || f[0].Address != "a@example.jp" {
			t.Errorf("%+v, found %+v, account %+v, factors %+v", r, found, after, f)
		}
		// The command line goes on alone, and so does an operator where nobody asks for a second one.
		w.imported(row("変更", "b@example.jp", horseSalt, "b@example.jp"), replace)
		if after, f := w.row(id), w.factors(id); after.RegisteredEmail != "b@example.jp" || after.PasswordHash != horseSalt || f[0].Address != "b@example.jp" {
			t.Errorf("account %+v, factors %+v", after, f)
		}
	})
}

// TestI14_RequestsAboutOperatorsAreHidden holds that whoever cannot see operators finds no request about one.
func TestI14_RequestsAboutOperatorsAreHidden(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, desk := t.Context(), w.actor(w.desk)
		w.enrol(w.tanaka)
		w.guard(w.tanaka)
		w.guard(w.chief)
		about := w.ask(w.actor(w.root), w.chief, Proposal{Act: ActReset})
		w.ask(w.actor(w.root), w.tanaka, Proposal{Act: ActEmail, Email: "secret@example.jp"})
		if _, err := w.Approval(ctx, desk, about); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("seen: %v", err)
		}
		for _, act := range []func() error{
			func() error { return w.Approve(ctx, desk, about) }, func() error { return w.Refuse(ctx, desk, about, "no") },
			func() error { return w.Withdraw(ctx, desk, about) },
		} {
			if err := act(); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("acted on: %v", err)
			}
		}
		for id, want := range map[store.AccountID]int{w.desk: 1, w.chief: 2} {
			rows, more, err := w.Approvals(ctx, w.actor(id), Place{}, 10, true)
			n, cerr := w.CountApprovals(ctx, w.actor(id))
			if err != nil || cerr != nil || more || len(rows) != want || n.Waiting != want {
				t.Errorf("%s: %d rows, %+v, %v %v", w.row(id).LoginID, len(rows), n, err, cerr)
			}
		}
		rows, more, err := w.Approvals(ctx, w.actor(w.chief), Place{}, 1, false)
		must(t, err)
		next, end, err := w.Approvals(ctx, w.actor(w.chief), placeOfApproval(rows[0]), 1, false)
		must(t, err)
		if !more || end || len(next) != 1 || next[0].Approval.ID != about {
			t.Errorf("paging: %v %v %d", more, end, len(next))
		}
		for _, e := range w.events(audit.ApprovalRequest) {
			if strings.Contains(string(e.Data), "secret@") {
				t.Errorf("the log has the address: %s", e.Data)
			}
		}
	})
}

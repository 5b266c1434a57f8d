package admin

import (
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
	"github.com/futakagi/futakagi/templates"
)

// byTicket makes accounts of a surface need a ticket after a reset.
func (w *world) byTicket(surface string) {
	w.t.Helper()
	_, err := w.SetEnforcement(w.t.Context(), System(), []EnforcementChange{{Surface: surface, Reenrol: store.ReenrolByTicket}})
	must(w.t, err)
}

// tokens gives an account a relying party with a live refresh token.
func (w *world) tokens(id store.AccountID) {
	w.t.Helper()
	ctx, now, a, set := w.t.Context(), w.clock.now(), w.row(id), store.NewID[store.TokenSetID]()
	code := []byte(store.NewID[string]())
	w.tx(func(tx *store.Tx) error {
		return errors.Join(
			tx.PutClient(ctx, store.PutClientParams{
				ID: "shop", Name: "shop", SurfaceID: SurfaceStore, RedirectURIs: jsonList(nil), PostLogoutRedirectURIs: jsonList(nil),
				GrantTypes: jsonList(nil), Scopes: jsonList(nil), Now: now,
			}),
			tx.InsertGrant(ctx, store.InsertGrantParams{
				ID: store.NewID[store.GrantID](), ClientID: "shop", AccountID: id, SessionID: store.NewID[store.SessionID](), SurfaceID: SurfaceStore,
				CredentialEpoch: a.CredentialEpoch, SecondFactor: true, Scope: "openid offline_access", Evidence: []byte(`[]`), RedirectURI: "x",
				CodeHash: code, CodeChallenge: "x", CodeExpiresAt: now.Add(time.Minute), Now: now, ExpiresAt: now.Add(24 * time.Hour),
			}),
			func() error {
				_, err := tx.RedeemCode(ctx, store.RedeemCodeParams{CodeHash: code, ClientID: "shop", RedirectURI: "x", CodeChallenge: "x", Now: &now, TokenSetID: &set})
				return err
			}(),
			func() error {
				_, err := tx.InsertCodeTokenSet(ctx, store.InsertCodeTokenSetParams{
					CodeHash: code, TokenSetID: &set, AccessHash: []byte(store.NewID[string]()), AccessExpiresAt: now.Add(5 * time.Minute),
					Offline: true, RefreshHash: []byte(store.NewID[string]()), RefreshExpiresAt: now.Add(time.Hour), Now: now,
				})
				return err
			}())
	})
}

// TestM09_ThePlanIsWhatHappens holds the numbers of the dialog against those of the reset and of its audit row.
func TestM09_ThePlanIsWhatHappens(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, desk := t.Context(), w.actor(w.desk)
		w.enrol(w.tanaka)
		w.add(w.tanaka, signin.SMS)
		w.device(w.tanaka)
		w.session(w.tanaka, []byte("another"))
		w.tokens(w.tanaka)
		plan, err := w.PlanReset(ctx, desk, w.status(w.tanaka), "")
		must(t, err)
		want := mfa.Holdings{
			BackupCodes: 10, Devices: 1, Sessions: 2, Attempts: 1, Clients: []mfa.HeldClient{{ID: "shop", Name: "shop", RefreshTokens: 1}},
		}
		if diff := cmp.Diff(want, plan.Holdings); diff != "" || len(plan.Factors) != 2 || plan.Ticket {
			t.Errorf("plan %+v:\n%s", plan, diff)
		}
		reason := goodReason
		reason.Checks, reason.Inquiry, reason.Note = []string{"manager", "callback", "callback"}, " A-77 ", "折り返し済み\n番号は登録どおり"
		r, err := w.ResetFactors(ctx, desk, w.tanaka, reason)
		must(t, err)
		if diff := cmp.Diff(plan.Holdings, r.Took); diff != "" || !slices.Equal(plan.Told, r.Notified) || len(r.Messages) != 2 {
			t.Errorf("told %v, planned %v:\n%s", r.Notified, plan.Told, diff)
		}
		rows := w.events(audit.FactorReset)
		data := map[string]string{
			"factors": "email sms", "set_up": "true", "notices": "2", "identity_checked": "true", "checked": "callback manager",
			"inquiry": "A-77", "note": "折り返し済み\n番号は登録どおり", "codes": "10", "devices": "1", "sessions": "2", "attempts": "1", "clients": "shop",
		}
		if len(rows) != 1 || rows[0].Reason != goodReason.Text {
			t.Fatalf("audit rows %+v", rows)
		}
		if diff := cmp.Diff(data, dataOf(t, rows[0])); diff != "" {
			t.Errorf("audit data:\n%s", diff)
		}
		report, err := w.ResetReport(ctx, desk, r.ID)
		must(t, err)
		if report.ActorName != "desk" || report.Record.Codes != 10 || len(report.Notices) != 2 || report.Notices[0].State != "queued" {
			t.Errorf("report %+v", report)
		}
		after, err := w.PlanReset(ctx, desk, w.status(w.tanaka), "")
		if err != nil || cmp.Diff(mfa.ResetPlan{Factors: []store.Factor{}}, after) != "" && after.SetUp() || after.Sessions != 0 || len(after.Clients) != 0 || len(after.Told) != 0 {
			t.Errorf("afterwards %+v, %v", after, err)
		}
	})
}

func TestM08_EveryFieldOfAResetIsChecked(t *testing.T) {
	for _, tc := range []struct {
		change func(r *Reason)
		field  string
		want   string
	}{
		{func(r *Reason) { r.Inquiry = strings.Repeat("1", MaxInquiry+1) }, FieldInquiry, templates.MsgInquiryLong},
		{func(r *Reason) { r.Note = strings.Repeat("あ", MaxNote+1) }, FieldNote, templates.MsgNoteLong},
		{func(r *Reason) { r.Checks = []string{"callback", "horoscope"} }, FieldIdentity, templates.MsgIdentityBlank},
		{func(r *Reason) { r.Handover = "pigeon" }, FieldHandover, templates.MsgHandoverBlank},
		{func(r *Reason) { r.IdentityChecked = false }, FieldIdentity, templates.MsgIdentityBlank},
	} {
		reason := goodReason
		tc.change(&reason)
		_, err := reason.check()
		e, ok := errors.AsType[*account.ValidationError](err)
		if !ok || cmp.Diff(map[string]string{tc.field: tc.want}, e.Fields) != "" {
			t.Errorf("%s: %v", tc.field, err)
		}
	}
	if r, err := goodReason.check(); err != nil || r.Form == "" || r.Handover != mfa.HandoverStaff {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestTheSameFormResetsOnce: a button pressed twice, at once or later, is one reset with one audit row.
func TestTheSameFormResetsOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, desk := t.Context(), w.actor(w.desk)
		w.enrol(w.tanaka)
		reason := goodReason
		reason.Form = store.NewID[store.FormID]()
		var wg sync.WaitGroup
		var got [4]Reset
		var errs [4]error
		for i := range got {
			wg.Go(func() { got[i], errs[i] = w.ResetFactors(ctx, desk, w.tanaka, reason) })
		}
		wg.Wait()
		must(t, errors.Join(errs[:]...))
		again := 0
		for _, r := range got {
			if r.ID != got[0].ID || !r.SetUp {
				t.Errorf("%+v beside %+v", r, got[0])
			}
			if r.Again {
				again++
			}
		}
		if n := len(w.events(audit.FactorReset)); again != 3 || n != 1 || len(w.notices(w.tanaka)) != 2 {
			t.Errorf("%d again, %d rows, notices %v", again, n, w.notices(w.tanaka))
		}
		// Another operator's, or about something else, it is no second press.
		if _, err := w.ResetFactors(ctx, w.actor(w.root), w.tanaka, reason); !errors.Is(err, ErrConflict) {
			t.Errorf("another operator: %v", err)
		}
		if _, err := w.ResetFactor(ctx, desk, w.tanaka, signin.Email, reason); !errors.Is(err, ErrConflict) {
			t.Errorf("one method: %v", err)
		}
		if _, err := w.ResetFactors(ctx, desk, w.suzuki, reason); err != nil {
			t.Errorf("another account: %v", err)
		}
	})
}

// TestTwoOperatorsResetAtOnce: each of them does it, one after the other, with one audit row and one report each.
func TestTwoOperatorsResetAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, root, chief := t.Context(), w.actor(w.root), w.actor(w.chief)
		w.enrol(w.tanaka)
		epoch := w.row(w.tanaka).CredentialEpoch
		var wg sync.WaitGroup
		var one, two Reset
		var oneErr, twoErr error
		wg.Go(func() { one, oneErr = w.ResetFactors(ctx, root, w.tanaka, goodReason) })
		wg.Go(func() { two, twoErr = w.ResetFactors(ctx, chief, w.tanaka, goodReason) })
		wg.Wait()
		must(t, errors.Join(oneErr, twoErr))
		if one.SetUp == two.SetUp || one.ID == two.ID {
			t.Errorf("%+v and %+v", one, two)
		}
		if got := w.row(w.tanaka).CredentialEpoch; got != epoch+2 || len(w.events(audit.FactorReset)) != 2 || len(w.notices(w.tanaka)) != 2 {
			t.Errorf("epoch %d after %d, %d rows, notices %v", got, epoch, len(w.events(audit.FactorReset)), w.notices(w.tanaka))
		}
	})
}

func TestReenrolByTicket(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, desk := t.Context(), w.actor(w.desk)
		w.enrol(w.tanaka)
		w.byTicket(SurfaceStore)
		if r, err := w.ResetFactors(ctx, desk, w.suzuki, goodReason); err != nil || w.row(w.suzuki).TicketDemandedAt != nil || r.SetUp {
			t.Errorf("an account with nothing set up: %+v, %v", r, err)
		}
		if _, err := w.IssueTicket(ctx, desk, w.suzuki, mfa.HandoverStaff); !errors.Is(err, mfa.ErrNoTicketDemanded) {
			t.Errorf("a ticket nobody needs: %v", err)
		}
		r, err := w.ResetFactors(ctx, desk, w.tanaka, goodReason)
		must(t, err)
		report, err := w.ResetReport(ctx, desk, r.ID)
		if err != nil || !report.Ticket.Live || len(report.Ticket.Code) != 8 || report.Record.Ticket != mfa.HandoverStaff {
			t.Fatalf("%+v, %v", report.Ticket, err)
		}
		// It is for whoever issued it, until they say that they have it, and in no row that stays.
		if other, err := w.ResetReport(ctx, w.actor(w.root), r.ID); err != nil || other.Ticket.Code != "" || !other.Ticket.Live {
			t.Errorf("somebody else sees %+v, %v", other.Ticket, err)
		}
		for _, e := range w.events("%") {
			if strings.Contains(string(e.Data)+e.Reason, report.Ticket.Code) {
				t.Errorf("the ticket is in the audit log: %+v", e)
			}
		}
		must(t, w.ForgetTicket(ctx, w.actor(w.root), w.tanaka))
		if report, err = w.ResetReport(ctx, desk, r.ID); err != nil || report.Ticket.Code == "" {
			t.Errorf("somebody else took it away: %+v, %v", report.Ticket, err)
		}
		must(t, w.ForgetTicket(ctx, desk, w.tanaka))
		if report, err = w.ResetReport(ctx, desk, r.ID); err != nil || report.Ticket.Code != "" || !report.Ticket.Live {
			t.Errorf("%+v, %v", report.Ticket, err)
		}
		w.clock.pass(30 * time.Minute)
		if report, err = w.ResetReport(ctx, desk, r.ID); err != nil || report.Ticket.Live || !report.Ticket.Demanded {
			t.Errorf("after half an hour: %+v, %v", report.Ticket, err)
		}

		// Another one, by mail: its text is nobody's business here.
		desk = w.actor(w.desk)
		_, err = w.IssueTicket(ctx, desk, w.tanaka, mfa.HandoverMail)
		must(t, err)
		state, err := w.TicketStatus(ctx, desk, w.status(w.tanaka))
		if err != nil || !state.Live || state.Code != "" || state.Mail == nil || state.Mail.Recipient != "tanaka@example.jp" || state.Mail.State != "queued" {
			t.Errorf("%+v, %v", state, err)
		}
		rows := w.events(audit.TicketIssue)
		if len(rows) != 1 || rows[0].Result != "success" || rows[0].ActorName != "desk" || *rows[0].AccountID != w.tanaka || dataOf(t, rows[0])["ticket"] != "mail" {
			t.Errorf("audit rows %+v", rows)
		}
		// Not to an address that staff just changed, and not by somebody without the right.
		_, err = w.UpdateAccount(ctx, desk, w.tanaka, w.row(w.tanaka).UpdatedAt, account.Profile{DisplayName: "tanaka", RegisteredEmail: "new@example.jp", Role: account.RoleBuyer})
		must(t, err)
		_, err = w.IssueTicket(ctx, desk, w.tanaka, mfa.HandoverMail)
		if e, ok := errors.AsType[*account.ValidationError](err); !ok || e.Fields[FieldHandover] != templates.MsgTicketMoved {
			t.Errorf("to a changed address: %v", err)
		}
		if _, err := w.IssueTicket(ctx, Actor{Account: w.row(w.suzuki), Session: w.session(w.suzuki, []byte("s"))}, w.tanaka, mfa.HandoverStaff); !errors.Is(err, ErrForbidden) {
			t.Errorf("a customer: %v", err)
		}

		// The switch is no way round it, a reset under the open policy is.
		must(t, err1(w.SetTwoFactor(ctx, desk, w.tanaka, "", account.TwoFactorDont)))
		must(t, err1(w.SetTwoFactor(ctx, desk, w.tanaka, "", account.TwoFactorUse)))
		if w.row(w.tanaka).TicketDemandedAt == nil {
			t.Error("off and on again took the demand away")
		}
		_, err = w.SetEnforcement(ctx, System(), []EnforcementChange{{Surface: SurfaceStore, FormerReenrol: store.ReenrolByTicket, Reenrol: store.ReenrolOpen}})
		must(t, err)
		if w.row(w.tanaka).TicketDemandedAt == nil {
			t.Error("the setting alone took the demand away")
		}
		must(t, err1(w.ResetFactors(ctx, desk, w.tanaka, goodReason)))
		if w.row(w.tanaka).TicketDemandedAt != nil {
			t.Error("a reset under the open policy demands a ticket")
		}
		if changes := w.events(audit.ReenrolSet); len(changes) != 2 || cmp.Diff(map[string]string{"from": "ticket", "to": "open"}, dataOf(t, changes[1])) != "" {
			t.Errorf("audit rows %+v", changes)
		}
	})
}

func err1[T any](_ T, err error) error { return err }

func TestReenrolDefaults(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		surfaces, err := w.Enforcement(t.Context(), System())
		must(t, err)
		for _, s := range surfaces {
			if want := map[string]string{SurfaceAdmin: store.ReenrolByTicket, SurfaceStore: store.ReenrolOpen}[s.ID]; s.Reenrol != want {
				t.Errorf("%s: %s, want %s", s.ID, s.Reenrol, want)
			}
		}
		_, err = w.SetEnforcement(t.Context(), System(), []EnforcementChange{{Surface: SurfaceStore, FormerReenrol: store.ReenrolByTicket, Reenrol: store.ReenrolByTicket}})
		if !errors.Is(err, ErrConflict) {
			t.Errorf("somebody else's change: %v", err)
		}
		// An operator who is reset needs a ticket; their colleague hands it over.
		w.enrol(w.chief)
		r, err := w.ResetFactors(t.Context(), w.actor(w.root), w.chief, goodReason)
		if err != nil || r.Account.TicketDemandedAt == nil {
			t.Errorf("%+v, %v", r, err)
		}
		if _, err := w.ResetReport(t.Context(), w.actor(w.desk), r.ID); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("the report of an operator's reset, for the support desk: %v", err)
		}
	})
}

func TestResetOfEveryAccountOfACustomer(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, desk := t.Context(), w.actor(w.desk)
		w.enrol(w.tanaka)
		w.add(w.tanaka, signin.SMS)
		w.device(w.tanaka)
		other, err := w.CreateCustomer(ctx, System(), account.CustomerInput{Code: "C-2", Name: "別の販売先"})
		must(t, err)
		seen, err := w.CustomerHoldings(ctx, desk, w.customer)
		must(t, err)
		if len(seen.Accounts) != 2 || seen.Accounts[1].LoginID != "tanaka" || strings.Join(seen.Accounts[1].Kinds, " ") != "email sms" ||
			seen.Accounts[1].BackupCodes != 10 || seen.Accounts[1].Devices != 1 {
			t.Errorf("list %+v", seen.Accounts)
		}
		late := w.person("late", account.RoleBuyer)
		w.enrol(late)

		for name, try := range map[string]func() error{
			"no reason": func() error { return err1(w.ResetCustomer(ctx, desk, w.customer, seen.At, Reason{})) },
			"customer":  func() error { return err1(w.ResetCustomer(ctx, w.actor(w.suzuki), w.customer, seen.At, goodReason)) },
			"no list":   func() error { return err1(w.ResetCustomer(ctx, desk, w.customer, time.Unix(0, 0), goodReason)) },
			"nobody": func() error {
				return err1(w.ResetCustomer(ctx, desk, store.CustomerID(store.MaxID), seen.At, goodReason))
			},
			"empty": func() error { return err1(w.ResetCustomer(ctx, desk, other.ID, seen.At, goodReason)) },
		} {
			if err := try(); err == nil {
				t.Errorf("%s: no error", name)
			}
		}
		if !w.status(w.tanaka).Status.SetUp() {
			t.Fatal("a refused form changed something")
		}

		reason := goodReason
		reason.Form = store.NewID[store.FormID]()
		epoch := w.row(w.tanaka).CredentialEpoch
		done, err := w.ResetCustomer(ctx, desk, w.customer, seen.At, reason)
		form := done.Form
		if err != nil || form != reason.Form || len(done.Tickets) != 0 {
			t.Fatalf("%+v, %v", done, err)
		}
		w.cleared(w.tanaka, epoch)
		if !w.status(late).Status.SetUp() {
			t.Error("an account that was not in the list was reset")
		}
		rows := w.events(audit.FactorReset)
		if success := slices.DeleteFunc(rows, func(e store.AuditEvent) bool { return e.Result != "success" }); len(success) != 2 {
			t.Errorf("%d audit rows, want one per account", len(success))
		}
		report, err := w.CustomerReport(ctx, desk, w.customer, form)
		if err != nil || len(report.Resets) != 2 || !report.Records[w.tanaka].SetUp || report.Records[w.suzuki].SetUp || len(report.Accounts) != 3 {
			t.Errorf("report %+v, %v", report, err)
		}
		if n := report.Notices[report.Resets[w.tanaka].ID]; len(n) != 2 {
			t.Errorf("notices %+v", n)
		}
		// The same form again does nothing more, and is not somebody else's.
		epoch = w.row(w.tanaka).CredentialEpoch
		must(t, err1(w.ResetCustomer(ctx, desk, w.customer, seen.At, reason)))
		if w.row(w.tanaka).CredentialEpoch != epoch {
			t.Error("sent twice, reset twice")
		}
		if _, err := w.CustomerReport(ctx, desk, other.ID, form); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("another customer's report: %v", err)
		}
	})
}

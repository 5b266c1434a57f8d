package admin

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
)

// happened writes an event as it would have been written a while ago.
func (w *world) happened(ago time.Duration, typ audit.Type, result audit.Result, by audit.Actor) {
	w.t.Helper()
	w.tx(func(tx *store.Tx) error {
		return audit.Write(w.t.Context(), tx, w.clock.now().Add(-ago), audit.Event{Type: typ, Result: result, Actor: by})
	})
}

// queued writes a message to an account and ends it in a state.
func (w *world) queued(id store.AccountID, state string) store.MessageID {
	w.t.Helper()
	message, owner, now := store.NewID[store.MessageID](), "w", w.clock.now()
	w.tx(func(tx *store.Tx) error {
		ctx := w.t.Context()
		err := tx.EnqueueMessage(ctx, store.EnqueueMessageParams{
			ID: message, Channel: delivery.ChannelEmail, Kind: delivery.KindCode, AccountID: &id, Recipient: w.row(id).LoginID + "-2fa@example.jp",
			PayloadSealed: []byte{1}, Now: now.Add(-time.Hour), Deadline: now.Add(time.Hour),
		})
		if err != nil {
			return err
		}
		until := now.Add(time.Minute)
		if _, err := tx.ClaimMessages(ctx, store.ClaimMessagesParams{Channel: delivery.ChannelEmail, Owner: &owner, LeasedUntil: &until, Now: now, BatchSize: 100}); err != nil {
			return err
		}
		first := state
		if state == delivery.StateBounced {
			first = delivery.StateAccepted
		}
		if _, err := tx.FinishMessage(ctx, store.FinishMessageParams{ID: message, Owner: &owner, State: first, Reply: "250 2.0.0 Ok: queued as 4Xk2", RemoteID: "4Xk2", Now: &now}); err != nil {
			return err
		}
		if first == state {
			return nil
		}
		if _, err := tx.InsertMessageReport(ctx, store.InsertMessageReportParams{
			MessageID: message, Outcome: state, Hard: true, Status: "5.1.1", Reply: "550 5.1.1 no such user", Source: delivery.SourceDSN, Now: now.Add(time.Minute),
		}); err != nil {
			return err
		}
		_, err = tx.SettleMessage(ctx, store.SettleMessageParams{ID: message, State: state, Now: now})
		return err
	})
	return message
}

func TestDashboard(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.enrol(w.tanaka)
		w.add(w.suzuki, signin.TOTP)
		w.allow("store", signin.TOTP, signin.Passkey) // tanaka's mail is not accepted any more
		w.queued(w.tanaka, delivery.StateFailed)
		w.queued(w.tanaka, delivery.StateBounced)
		w.queued(w.tanaka, delivery.StateAccepted)
		w.queued(w.desk, delivery.StateFailed)
		customer, staff := audit.OfAccount(w.row(w.tanaka)), audit.OfAccount(w.row(w.desk))
		const day = 24 * time.Hour
		for _, ago := range []time.Duration{0, day, day, 29 * day, 30 * day} {
			w.happened(ago, audit.SignInComplete, audit.Success, customer)
			w.happened(ago, audit.SignInComplete, audit.Success, staff)
			w.happened(ago, audit.SignInPassword, audit.Failure, audit.Anonymous())
		}
		w.happened(2*day, audit.FactorReset, audit.Success, staff)
		w.happened(2*day, audit.FactorReset, audit.Refused, staff)
		w.happened(20*day, audit.FactorReset, audit.Success, staff)
		w.happened(40*day, audit.FactorReset, audit.Success, staff)

		all, err := w.Dashboard(ctx, w.actor(w.root))
		must(t, err)
		seen, err := w.Dashboard(ctx, w.actor(w.desk))
		must(t, err)
		// The desk does not see operators (I14): neither their accounts, nor their messages and sign-ins.
		operators := all.Accounts - seen.Accounts
		if operators < 2 || len(all.Surfaces) != 2 || len(seen.Surfaces) != 1 || all.Failed != 2 || seen.Failed != 1 {
			t.Errorf("all %+v\nseen %+v", all, seen)
		}
		want := Dashboard{
			At: seen.At, Accounts: seen.Accounts, Enrolled: 2, Failed: 1, Bounced: 1, Resets7: 1, Resets30: 2,
			Surfaces: []SurfaceCount{{ID: "store", Accounts: seen.Accounts, Unset: seen.Accounts - 2, Unusable: 1, Never: seen.Accounts - 1}},
			Methods:  seen.Methods, Days: seen.Days,
		}
		if diff := cmp.Diff(want, seen); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		byMethod := map[signin.Method]int64{}
		for _, m := range seen.Methods {
			byMethod[m.Method] = m.Accounts
		}
		if byMethod[signin.Email] != 1 || byMethod[signin.TOTP] != 1 || byMethod[signin.Passkey] != 0 {
			t.Errorf("methods = %v", byMethod)
		}
		days := func(d Dashboard) (n []int64) {
			for _, one := range []DayCount{d.Days[0], d.Days[28], d.Days[29]} {
				n = append(n, one.SignIns, one.Failed)
			}
			return n
		}
		if len(seen.Days) != 30 {
			t.Fatalf("%d days", len(seen.Days))
		}
		if diff := cmp.Diff([]int64{1, 1, 2, 2, 1, 1}, days(seen)); diff != "" {
			t.Errorf("days as the desk sees them (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]int64{2, 1, 4, 2, 2, 1}, days(all)); diff != "" {
			t.Errorf("days (-want +got):\n%s", diff)
		}

		// For a minute nothing is counted again, then today is, and what is over stays.
		w.happened(0, audit.SignInComplete, audit.Success, customer)
		w.happened(5*day, audit.SignInComplete, audit.Success, customer)
		again, err := w.Dashboard(ctx, w.actor(w.desk))
		must(t, err)
		if diff := cmp.Diff(seen, again); diff != "" {
			t.Errorf("counted within the minute:\n%s", diff)
		}
		w.clock.pass(dashboardAge)
		later, err := w.Dashboard(ctx, w.actor(w.desk))
		must(t, err)
		if !later.At.After(seen.At) || later.Days[29].SignIns != 2 || later.Days[24].SignIns != 0 {
			t.Errorf("a minute later: %+v", later.Days)
		}
	})
}

func TestDashboardPage(t *testing.T) {
	c := newConsole(t, desk)
	c.enrol(c.tanaka)
	page := c.get("/admin")
	c.wants(page, "ダッシュボード", "時点", "本日のログイン", "<svg", "表で見る", "すぐにログインできないアカウント")
	if strings.Contains(page, "style=") || strings.Contains(page, "<script>") {
		t.Error("the chart needs what the policy forbids")
	}
}

func TestI14_MessagePage(t *testing.T) {
	c := newConsole(t, desk)
	id := c.queued(c.tanaka, delivery.StateBounced)
	page := c.get("/admin/deliveries/" + string(id))
	c.wants(page, "メールサーバーが受け取りました", "queued as 4Xk2", "この宛先には届きません", "550 5.1.1 no such user", "5.1.1", "配信状況通知", "tanaka-2fa@example.jp",
		`href="/admin/accounts/`+string(c.tanaka)+`/two-factor"`)
	c.wants(c.get("/admin/accounts/"+string(c.tanaka)+"/two-factor"), "届いた？", `href="/admin/deliveries?account=`+string(c.tanaka)+`"`)
	other := c.queued(c.suzuki, delivery.StateFailed)
	list := c.get("/admin/deliveries?account=" + string(c.tanaka))
	c.wants(list, "tanaka-2fa@example.jp", "届きませんでした", `href="/admin/deliveries/`+string(id)+`"`)
	if strings.Contains(list, "suzuki-2fa") || strings.Contains(list, string(other)) {
		t.Error("the list of one account shows another's messages")
	}
	// A message to an operator is like none to those who do not see operators.
	hidden := c.queued(c.chief, delivery.StateFailed)
	for _, path := range []string{string(hidden), string(store.NewID[store.MessageID]()), "1"} {
		if w := c.do("GET", "/admin/deliveries/"+path, nil); w.Code != 404 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	c.signIn(c.root)
	c.wants(c.get("/admin/deliveries/"+string(hidden)), "送信できませんでした")
}

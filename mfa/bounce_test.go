package mfa_test

import (
	"strings"
	"testing"
	"time"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
)

// hear tells of a message to an address that was written just now.
func (w *world) hear(id store.AccountID, to string, r delivery.Report, change ...func(*delivery.Heard)) {
	w.t.Helper()
	h := delivery.Heard{
		Report: r, Account: id, MessageID: store.NewID[store.MessageID](), Channel: delivery.ChannelEmail, To: to,
		WrittenAt: w.clock.now(), At: w.clock.now().Add(time.Second),
	}
	for _, c := range change {
		c(&h)
	}
	w.tx(func(tx *store.Tx) error { return w.Heard(w.t.Context(), tx, h) })
}

var (
	hard      = delivery.Report{Outcome: delivery.OutcomeBounced, Bounce: delivery.HardBounce, Status: "5.1.1", Source: delivery.SourceDSN}
	soft      = delivery.Report{Outcome: delivery.OutcomeBounced, Bounce: delivery.SoftBounce, Status: "4.2.2", Source: delivery.SourceDSN}
	policy    = delivery.Report{Outcome: delivery.OutcomeBounced, Bounce: delivery.OtherBounce, Status: "5.7.1", Source: delivery.SourceDSN}
	delayed   = delivery.Report{Outcome: delivery.OutcomeDelayed, Status: "4.4.1", Source: delivery.SourceDSN}
	delivered = delivery.Report{Outcome: delivery.OutcomeDelivered, Source: delivery.SourceSES}
)

func (w *world) bounced(id store.AccountID) bool {
	w.t.Helper()
	return w.factor(id).BouncedAt != nil
}

// A hard bounce marks the address it is about, and a code that arrives takes the mark away.
func TestHardBounceMarksTheAddress(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.account("sato", "use")
		w.enrol(id, "sato-2fa@example.jp")
		w.clock.pass(time.Hour)
		for name, report := range map[string]func(){
			"another address": func() { w.hear(id, "sato@example.jp", hard) },
			"another channel": func() {
				w.hear(id, "sato-2fa@example.jp", hard, func(h *delivery.Heard) { h.Channel = delivery.ChannelSMS })
			},
			"written before it was verified": func() {
				w.hear(id, "sato-2fa@example.jp", hard, func(h *delivery.Heard) { h.WrittenAt = h.WrittenAt.Add(-2 * time.Hour) })
			},
			"a policy": func() { w.hear(id, "sato-2fa@example.jp", policy) },
			"a delay":  func() { w.hear(id, "sato-2fa@example.jp", delayed) },
			"delivery": func() { w.hear(id, "sato-2fa@example.jp", delivered) },
		} {
			if report(); w.bounced(id) {
				t.Fatalf("%s marked the factor", name)
			}
		}
		w.hear(id, "sato-2fa@example.jp", hard)
		w.hear(id, "sato-2fa@example.jp", hard)
		if !w.bounced(id) || w.events(id, string(audit.FactorBounce), string(audit.Success)) != 1 {
			t.Errorf("marked %v, %d events", w.bounced(id), w.events(id, string(audit.FactorBounce), string(audit.Success)))
		}
		if got := w.status(id).Factors; len(got) != 1 || got[0].BouncedAt.IsZero() {
			t.Errorf("status = %+v", got)
		}
		events, err := w.db.Read().ListAccountEvents(t.Context(), store.ListAccountEventsParams{AccountID: &id, PageSize: 1})
		if err != nil || strings.Contains(events[0].Target+string(events[0].Data), "sato-2fa") {
			t.Errorf("the event shows the address: %+v, %v", events, err)
		}

		f := w.flow(id)
		if err := w.SendSignInCode(t.Context(), f, signin.Email, "ja"); err != nil {
			t.Fatalf("a marked factor cannot be used: %v", err)
		}
		if _, err := w.VerifySignInCode(t.Context(), f, signin.Email, w.code("sato-2fa@example.jp"), false); err != nil {
			t.Fatal(err)
		}
		if w.bounced(id) {
			t.Error("the mark outlived a code that arrived")
		}
		// What was written before that code was read says nothing any more.
		w.hear(id, "sato-2fa@example.jp", hard, func(h *delivery.Heard) { h.WrittenAt = h.WrittenAt.Add(-time.Minute) })
		if w.bounced(id) {
			t.Error("an old bounce marked an address that works")
		}
	})
}

func TestChangeOfAddressTakesTheMarkAway(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.account("sato", "use")
		w.enrol(id, "sato-2fa@example.jp")
		w.clock.pass(time.Minute)
		w.hear(id, "sato-2fa@example.jp", hard)
		w.with(id, signin.Email, "sato-new@example.jp")
		if w.bounced(id) || w.factor(id).SoftBounces != 0 {
			t.Error("the mark outlived the address")
		}
	})
}

// Bounces that were not for good mark an address when there are too many in a row.
func TestSoftBouncesCount(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.account("sato", "use")
		w.enrol(id, "sato-2fa@example.jp")
		w.clock.pass(time.Minute)
		for _, r := range []delivery.Report{soft, soft, delivered, soft, soft} {
			if w.hear(id, "sato-2fa@example.jp", r); w.bounced(id) {
				t.Fatal("marked too soon")
			}
		}
		if w.hear(id, "sato-2fa@example.jp", soft); !w.bounced(id) {
			t.Error("three in a row did not mark the factor")
		}
		w.hear(id, "sato-2fa@example.jp", soft)
		if n := w.events(id, string(audit.FactorBounce), string(audit.Success)); n != 1 {
			t.Errorf("%d events", n)
		}
	})
}

// What is marked is offered last, and nothing else about a sign-in changes: neither what it must prove, nor what would do.
func TestI16_BounceChangesOnlyTheOrder(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.account("sato", "use")
		w.enrol(id, "sato-2fa@example.jp")
		w.with(id, signin.SMS, "+819012345678")
		w.clock.pass(time.Minute)
		f := w.flow(id)
		challenge := func(m signin.Method) mfa.Challenge {
			t.Helper()
			c, err := w.Challenge(t.Context(), f, m)
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		before, order := challenge(""), w.order(id)
		if before.Method != signin.Email || before.Methods[0].Bounced {
			t.Fatalf("before: %+v", before)
		}
		w.hear(id, "sato-2fa@example.jp", hard)
		after := challenge("")
		if after.Method != signin.SMS || len(after.Methods) != len(before.Methods) || after.BackupLeft != before.BackupLeft {
			t.Errorf("after: %+v", after)
		}
		last := after.Methods[len(after.Methods)-1]
		if !last.Bounced || last.Method != signin.Email || strings.Contains(last.To, "sato-2fa") {
			t.Errorf("offered last: %+v", last)
		}
		if c := challenge(signin.Email); c.Method != signin.Email {
			t.Errorf("asked for by name: %+v", c)
		}
		if got := w.order(id); got != order {
			t.Errorf("the person's order is %q, was %q", got, order)
		}
		w.hear(id, "+819012345678", hard, func(h *delivery.Heard) { h.Channel = delivery.ChannelSMS })
		if c := challenge(""); c.Method != signin.Email {
			t.Errorf("nothing arrives anywhere, and the order is another: %+v", c)
		}
	})
}

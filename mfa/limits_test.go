package mfa_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
	"github.com/futakagi/futakagi/templates"
)

// waits reports whether an error is the cool-down's.
func waits(err error) bool {
	_, ok := errors.AsType[*mfa.WaitError](err)
	return ok
}

func TestI26_NewSignInsShareTheCooldown(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id, _ := w.enrolled("sato")
		var flows []store.Flow
		for range 5 {
			flows = append(flows, w.flow(id))
		}
		ends := race(t, 5, func(i int) error { return w.SendSignInCode(ctx, flows[i], signin.Email, templates.Ja) })
		if mails := w.mails(); len(mails) != 1 || ends["ok"] != 1 {
			t.Fatalf("%d mails, ends = %v; want one", len(mails), ends)
		}
		w.clock.pass(time.Minute)
		f := w.flow(id)
		if err := w.SendSignInCode(ctx, f, signin.Email, templates.Ja); err != nil {
			t.Fatalf("after a minute: %v", err)
		}
		// Who entered the code need not wait before the next sign-in, on the phone say.
		if _, err := w.VerifySignInCode(ctx, f, signin.Email, w.code("sato-2fa@example.jp"), false); err != nil {
			t.Fatal(err)
		}
		if err := w.SendSignInCode(ctx, w.flow(id), signin.Email, templates.Ja); err != nil {
			t.Errorf("after a proof: %v", err)
		}
	})
}

func TestI26_OnePageOpenedTwiceAtOnceSendsOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id, _ := w.enrolled("sato")
		f := w.flow(id)
		ends := race(t, 10, func(int) error { return w.SendSignInCode(t.Context(), f, signin.Email, templates.Ja) })
		if mails := w.mails(); len(mails) != 1 || ends["ok"] != 10 {
			t.Errorf("%d mails, ends = %v; want one, and no error", len(mails), ends)
		}
	})
}

func TestI26_AddressesOfOneMailboxShareABudget(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id := w.account("tanaka", "use")
		f := w.flow(id)
		if err := w.SendSetUpCode(ctx, f, mfa.EmailTo("victim@example.jp"), templates.Ja); err != nil {
			t.Fatal(err)
		}
		for _, same := range []string{"Victim@example.jp", "victim+1@example.jp", "VICTIM+x+y@EXAMPLE.JP"} {
			if err := w.SendSetUpCode(ctx, f, mfa.EmailTo(same), templates.Ja); !waits(err) {
				t.Errorf("%s: %v, want the cool-down", same, err)
			}
		}
		for i := range 4 {
			other := w.account(fmt.Sprintf("other%d", i), "use")
			if err := w.SendSetUpCode(ctx, w.flow(other), mfa.EmailTo(fmt.Sprintf("victim+%d@example.jp", i)), templates.Ja); err != nil {
				t.Fatal(err)
			}
		}
		last := w.account("last", "use")
		wantErr(t, "sixth to the mailbox", w.SendSetUpCode(ctx, w.flow(last), mfa.EmailTo("VICTIM@example.jp"), templates.Ja), mfa.ErrTooManySends)
		if err := w.SendSetUpCode(ctx, w.flow(last), mfa.EmailTo("+@example.jp"), templates.Ja); err != nil {
			t.Errorf("an address that is nothing but a tag: %v", err)
		}
	})
}

func TestI26_SettingUpAStrangersAddressDoesNotStopTheirSignIn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id, _ := w.enrolled("sato")
		for i := range 5 {
			stranger := w.account(fmt.Sprintf("stranger%d", i), "use")
			if err := w.SendSetUpCode(ctx, w.flow(stranger), mfa.EmailTo("sato-2fa@example.jp"), templates.Ja); (err != nil) != (i == 4) {
				t.Fatalf("stranger %d: %v", i, err) // the owner's set-up was the first of the hour
			}
		}
		if err := w.SendSignInCode(ctx, w.flow(id), signin.Email, templates.Ja); err != nil {
			t.Errorf("the owner's code: %v", err)
		}
	})
}

func TestI26_NoSpanOfAnHourHoldsMoreThanTheBudget(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id, _ := w.enrolled("sato")
		w.clock.pass(24*time.Hour - 4*time.Minute) // 56 minutes past the hour
		var sent []time.Time
		f := w.flow(id)
		for range 110 {
			err := w.ResendSignInCode(ctx, f, signin.Email, templates.Ja)
			if errors.Is(err, mfa.ErrFlowGone) {
				f = w.flow(id)
				err = w.ResendSignInCode(ctx, f, signin.Email, templates.Ja)
			}
			if err == nil {
				sent = append(sent, w.clock.now())
			} else if !errors.Is(err, mfa.ErrTooManySends) {
				t.Fatal(err)
			}
			w.clock.pass(time.Minute)
		}
		for i := 5; i < len(sent); i++ {
			if d := sent[i].Sub(sent[i-5]); d < time.Hour {
				t.Errorf("six codes within %v", d)
			}
		}
		if len(sent) != 10 {
			t.Errorf("%d sent in 110 minutes, want 10", len(sent))
		}
	})
}

func TestI26_ParallelSendingsKeepTheBudget(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		var flows []store.Flow
		for i := range 20 {
			flows = append(flows, w.flow(w.account(fmt.Sprintf("user%02d", i), "use")))
		}
		ends := race(t, len(flows), func(i int) error {
			return w.SendSetUpCode(ctx, flows[i], mfa.EmailTo("shared@example.jp"), templates.Ja)
		})
		if diff := cmp.Diff(map[string]int{"ok": 5, mfa.ErrTooManySends.Error(): 15}, ends); diff != "" {
			t.Errorf("ends (-want +got):\n%s", diff)
		}
	})
}

func TestI26_GlobalBudgetOfTheDay(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, mfa.Limits{GlobalPerDay: 3})
		ctx := t.Context()
		for i := range 4 {
			id := w.account(fmt.Sprintf("user%d", i), "use")
			err := w.SendSetUpCode(ctx, w.flow(id), mfa.EmailTo(fmt.Sprintf("user%d@example.com", i)), templates.Ja)
			if i < 3 && err != nil {
				t.Fatal(err)
			}
			if i == 3 {
				wantErr(t, "fourth of the day", err, mfa.ErrTooManySends)
			}
		}
		w.clock.pass(24 * time.Hour)
		id := w.account("tomorrow", "use")
		if err := w.SendSetUpCode(ctx, w.flow(id), mfa.EmailTo("tomorrow@example.com"), templates.Ja); err != nil {
			t.Errorf("the next day: %v", err)
		}
	})
}

func TestI29_ReplacingBackupCodesHasABudget(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id, _ := w.enrolled("sato")
		session := w.session(id, signin.Password, signin.Email)
		made := w.made.Load()
		ends := map[string]int{}
		for range 25 {
			end := "ok"
			if _, err := w.RegenerateCodes(ctx, session, templates.Ja); err != nil {
				end = err.Error()
			}
			ends[end]++
		}
		if diff := cmp.Diff(map[string]int{"ok": 5, mfa.ErrTooManyCodes.Error(): 20}, ends); diff != "" {
			t.Errorf("ends (-want +got):\n%s", diff)
		}
		if n := w.made.Load() - made; n != 50 {
			t.Errorf("%d hashes, want 50", n)
		}
		if mails := w.mails(); len(mails) != 10 {
			t.Errorf("%d mails, want two for each of five", len(mails))
		}
	})
}

func TestI26_NoticesHaveABudgetThatStaffPasses(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, mfa.Limits{NoticesHour: 2})
		ctx := t.Context()
		id, _ := w.enrolled("sato")                            // one notice to either address
		w.enrol(w.account("suzuki", "use"), "sato@example.jp") // and the last one to the registered address
		session := w.session(id, signin.Password, signin.Email)
		w.mails()
		codes := w.status(id).BackupIssuedAt
		w.clock.pass(time.Second)
		_, err := w.RegenerateCodes(ctx, session, templates.Ja)
		wantErr(t, "a change nobody would hear of", err, mfa.ErrTooManySends)
		if !w.status(id).BackupIssuedAt.Equal(codes) || len(w.mails()) != 0 {
			t.Error("the refused change did something")
		}
		r := w.reset(id)
		if diff := cmp.Diff([]string{"sato-2fa@example.jp"}, r.Notified); diff != "" {
			t.Errorf("notified by the reset (-want +got):\n%s", diff)
		}
		mails := w.mails()
		if len(mails) != 1 || mails[0].Kind != delivery.KindReset {
			t.Errorf("mails = %+v", mails)
		}
	})
}

func TestResetsDoNotOpenBudgetsWithoutEnd(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id := w.account("tanaka", "use")
		sent := 0
		for i := range 60 { // each to another address
			if i%5 == 0 {
				w.reset(id)
			}
			err := w.SendSetUpCode(ctx, w.flow(id), mfa.EmailTo(fmt.Sprintf("address%d@example.com", i)), templates.Ja)
			if err == nil {
				sent++
			} else if !errors.Is(err, mfa.ErrTooManySends) {
				t.Fatal(err)
			}
		}
		if sent != 10 {
			t.Errorf("%d sent beside twelve resets within the hour, want 10", sent)
		}
	})
}

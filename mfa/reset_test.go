package mfa_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

func (w *world) reset(id store.AccountID) mfa.ResetResult {
	w.t.Helper()
	var r mfa.ResetResult
	w.tx(func(tx *store.Tx) error {
		var err error
		r, err = w.Reset(w.t.Context(), tx, w.row(id), w.clock.now())
		return err
	})
	return r
}

func TestI17_ResetTakesEverything(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id, codes := w.enrolled("sato")
		session, pending := w.session(id, signin.Password, signin.Email), w.flow(id)
		grant := w.grant(id, session)
		if err := w.SendSignInCode(ctx, pending, signin.Email, templates.Ja); err != nil {
			t.Fatal(err)
		}
		epoch := w.row(id).CredentialEpoch

		r := w.reset(id)
		if !r.SetUp || len(r.Factors) != 1 {
			t.Errorf("result = %+v, want one factor taken", r)
		}
		if diff := cmp.Diff([]string{"sato-2fa@example.jp", "sato@example.jp"}, r.Notified); diff != "" {
			t.Errorf("notified (-want +got):\n%s", diff)
		}
		if s := w.status(id); s.SetUp() || s.BackupCodesLeft != 0 || len(s.Devices) != 0 {
			t.Errorf("status = %+v, want nothing set up", s)
		}
		acc := w.row(id)
		if acc.TwoFactor != "use" || acc.CredentialEpoch <= epoch {
			t.Errorf("account = %+v, want the switch kept and the epoch raised", acc)
		}
		if !w.dead(session) || !w.gone(pending) || !w.revoked(grant) {
			t.Error("a session, sign-in or grant goes on")
		}
		mails := w.mails()
		for _, m := range mails {
			if m.Kind != delivery.KindReset {
				t.Errorf("mail of kind %s leaves after the reset", m.Kind)
			}
		}
		if len(mails) != 2 {
			t.Errorf("%d mails, want 2", len(mails))
		}

		// The state is "set-up required", never "off".
		f := w.flow(id)
		if err := w.checkSetUp(ctx, f); err != nil {
			t.Errorf("set-up after the reset: %v", err)
		}
		_, err := w.VerifyBackupCode(ctx, f, codes[0], templates.Ja)
		wantErr(t, "old backup code", err, mfa.ErrWrongStep)
	})
}

func TestM08_ResetWithNothingSetUpIsHarmless(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.account("tanaka", "use")
		for range 2 {
			if r := w.reset(id); r.SetUp || len(r.Notified) != 0 {
				t.Errorf("result = %+v, want nothing", r)
			}
		}
		if mails := w.mails(); len(mails) != 0 {
			t.Errorf("mails = %+v", mails)
		}
	})
}

func TestI11_ResetAgainstASetUpAtTheSameTime(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id := w.account("tanaka", "use")
		f := w.flow(id)
		if err := w.SendSetUpCode(ctx, f, mfa.EmailTo("tanaka-2fa@example.jp"), templates.Ja); err != nil {
			t.Fatal(err)
		}
		code := w.code("tanaka-2fa@example.jp")
		ends := race(t, 2, func(i int) error {
			if i == 0 {
				_, err := w.VerifySetUpCode(ctx, f, mfa.EmailTo("tanaka-2fa@example.jp"), code, templates.Ja)
				return err
			}
			return w.db.InTx(ctx, func(tx *store.Tx) error {
				acc, err := tx.GetAccount(ctx, id)
				if err != nil {
					return err
				}
				_, err = w.Reset(ctx, tx, acc, w.clock.now())
				return err
			})
		})
		// Whichever came first, nothing of the sign-in is left that the reset did not see, or the reset came first and the
		// sign-in was refused.
		if w.status(id).SetUp() {
			t.Errorf("a factor survives the reset (ends %v)", ends)
		}
		if !w.gone(f) {
			t.Errorf("the sign-in survives the reset (ends %v)", ends)
		}
	})
}

func TestI14_SessionsOfOthersAreNotFound(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id, _ := w.enrolled("sato")
		mine, second := w.session(id, signin.Password, signin.Email), w.session(id, signin.Password, signin.Email)
		foreign := w.session(w.account("suzuki", "dont_use"), signin.Password)
		grant := w.grant(id, second)

		wantErr(t, "another account's", w.EndSession(ctx, mine, foreign), store.ErrNotFound)
		wantErr(t, "unknown", w.EndSession(ctx, mine, store.NewID[store.SessionID]()), store.ErrNotFound)
		if w.dead(foreign) {
			t.Error("another account's session ended")
		}
		if err := w.EndSession(ctx, mine, second); err != nil {
			t.Fatal(err)
		}
		if !w.dead(second) || !w.revoked(grant) {
			t.Error("the session or what it gave out goes on")
		}
		wantErr(t, "a second time", w.EndSession(ctx, mine, second), store.ErrNotFound)

		third, pending := w.session(id, signin.Password, signin.Email), w.flow(id)
		if err := w.EndOtherSessions(ctx, mine); err != nil {
			t.Fatal(err)
		}
		if !w.dead(third) || !w.gone(pending) || w.dead(mine) {
			t.Error("others go on, or the acting session ended")
		}
		o, err := w.Overview(ctx, mine)
		if err != nil || len(o.Sessions) != 1 || o.Sessions[0].ID != mine || o.Current != mine {
			t.Errorf("overview = %+v, %v", o.Sessions, err)
		}
	})
}

func TestOverviewOfADisabledAccount(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id, _ := w.enrolled("sato")
		s := w.session(id, signin.Password, signin.Email)
		now := w.clock.now()
		w.tx(func(tx *store.Tx) error {
			_, err := tx.SetAccountDisabled(t.Context(), store.SetAccountDisabledParams{DisabledAt: &now, Now: now, ID: id})
			return err
		})
		_, err := w.Overview(t.Context(), s)
		if !errors.Is(err, mfa.ErrSessionGone) {
			t.Errorf("error %v, want the session gone", err)
		}
	})
}

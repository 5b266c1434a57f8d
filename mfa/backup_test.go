package mfa_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

// enrolled makes an account with a factor and returns its backup codes.
func (w *world) enrolled(login string) (store.AccountID, []string) {
	w.t.Helper()
	id := w.account(login, "use")
	f := w.enrol(id, login+"-2fa@example.jp")
	codes, err := w.FlowCodes(w.t.Context(), f)
	if err != nil {
		w.t.Fatal(err)
	}
	w.mails()
	return id, codes.Codes
}

func TestI6_BackupCodeWorksOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id, codes := w.enrolled("sato")
		other, _ := w.enrolled("suzuki")
		_, err := w.VerifyBackupCode(ctx, w.flow(other), codes[0], templates.Ja)
		wantErr(t, "another account's code", err, mfa.ErrWrongCode)

		f := w.flow(id)
		secret, err := w.VerifyBackupCode(ctx, f, strings.ToLower(codes[0][:9])+" "+codes[0][10:], templates.Ja)
		if err != nil {
			t.Fatal(err)
		}
		row, err := w.db.Read().GetFlowAccount(ctx, store.GetFlowAccountParams{
			ID: f.ID, SecretHash: w.next(f, secret).SecretHash, Now: w.clock.now(),
		})
		if err != nil {
			t.Fatal(err)
		}
		if proved, _ := signin.ParseEvidence(row.Flow.Evidence); proved.Level() != signin.Level2FA {
			t.Errorf("evidence = %+v", proved)
		}
		_, err = w.VerifyBackupCode(ctx, w.flow(id), codes[0], templates.Ja)
		wantErr(t, "a second time", err, mfa.ErrWrongCode)
		if left := w.status(id).BackupCodesLeft; left != 9 {
			t.Errorf("%d left, want 9", left)
		}
	})
}

// foreignCodes gives an account codes that another system hashed.
func (w *world) foreignCodes(id store.AccountID, codes ...string) {
	w.t.Helper()
	now := w.clock.now()
	w.tx(func(tx *store.Tx) error {
		if _, err := tx.VoidBackupBatches(w.t.Context(), store.VoidBackupBatchesParams{AccountID: id, Now: &now}); err != nil {
			return err
		}
		batch := store.NewID[store.BatchID]()
		if err := tx.InsertImportedBatch(w.t.Context(), store.InsertImportedBatchParams{ID: batch, AccountID: id, Now: now}); err != nil {
			return err
		}
		for i, code := range codes {
			hash, err := hashFor(w.t.Context(), code)
			if err != nil {
				return err
			}
			if err := tx.InsertBackupCode(w.t.Context(), store.InsertBackupCodeParams{BatchID: batch, Selector: fmt.Sprintf("#%02d", i), CodeHash: hash}); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestI6_ForeignBackupCodeWorksOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id, _ := w.enrolled("sato")
		other, _ := w.enrolled("suzuki")
		w.foreignCodes(id, "abcd1234", "Wxyz-5678", "87654321", "ABCD2345EFGH6789")
		_, err := w.VerifyBackupCode(ctx, w.flow(other), "87654321", templates.Ja)
		wantErr(t, "in another account", err, mfa.ErrCodeForm)
		for typed, want := range map[string]error{
			"ab12": mfa.ErrCodeForm, "": mfa.ErrCodeBlank, strings.Repeat("a", 65): mfa.ErrCodeForm, "ABCD1234": mfa.ErrWrongCode,
		} {
			_, err := w.VerifyBackupCode(ctx, w.flow(id), typed, templates.Ja)
			wantErr(t, typed, err, want)
		}
		before := w.hashed.Load()
		if _, err = w.VerifyBackupCode(ctx, w.flow(id), " abcd-1234 ", templates.Ja); err != nil {
			t.Fatal(err)
		}
		if n := w.hashed.Load() - before; n != 4 {
			t.Errorf("%d hashes were compared, want those that are left", n)
		}
		_, err = w.VerifyBackupCode(ctx, w.flow(id), "abcd1234", templates.Ja)
		wantErr(t, "a second time", err, mfa.ErrWrongCode)
		for _, typed := range []string{"Wxyz-5678", "８７６５ 4321", "ABCD-2345-EFGH-6789"} {
			if _, err := w.VerifyBackupCode(ctx, w.flow(id), typed, templates.Ja); err != nil {
				t.Errorf("%s: %v", typed, err)
			}
		}
		if left := w.status(id).BackupCodesLeft; left != 0 {
			t.Errorf("%d left", left)
		}
	})
}

func TestI7_GuessesAtForeignBackupCodesAreCounted(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id, _ := w.enrolled("sato")
		w.foreignCodes(id, "abcd1234")
		for range 5 {
			_, err := w.VerifyBackupCode(t.Context(), w.flow(id), "12345678", templates.Ja)
			wantErr(t, "a guess", err, mfa.ErrWrongCode)
		}
		if _, err := w.VerifyBackupCode(t.Context(), w.flow(id), "abcd1234", templates.Ja); err == nil {
			t.Error("a sixth try was looked at")
		}
	})
}

func TestBackup_FewLeftIsTold(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id, codes := w.enrolled("sato")
		for i, code := range codes {
			if _, err := w.VerifyBackupCode(t.Context(), w.flow(id), code, templates.En); err != nil {
				t.Fatal(err)
			}
			var told []string
			for _, m := range w.mails() {
				if m.Kind == delivery.KindCodesLow {
					told = append(told, m.To)
					if want := fmt.Sprintf("Codes left: %d.", 9-i); !strings.Contains(m.Text, want) {
						t.Errorf("%q is not in %s", want, m.Text)
					}
				}
			}
			var want []string
			if left := 9 - i; left <= 3 {
				want = []string{"sato-2fa@example.jp", "sato@example.jp"}
			}
			if diff := cmp.Diff(want, told); diff != "" {
				t.Errorf("after %d codes, notices to (-want +got):\n%s", i+1, diff)
			}
		}
	})
}

func TestI6_FiftyParallelUsesHaveOneWinner(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id, codes := w.enrolled("sato")
		var flows []store.Flow
		for range 5 { // the throttle would stop more
			flows = append(flows, w.flow(id))
		}
		ends := race(t, 5, func(i int) error {
			_, err := w.VerifyBackupCode(t.Context(), flows[i], codes[0], templates.Ja)
			return err
		})
		if ends["ok"] != 1 {
			t.Errorf("ends = %v, want one winner", ends)
		}
		same := w.flow(id)
		ends = race(t, 50, func(int) error {
			_, err := w.VerifyBackupCode(t.Context(), same, codes[1], templates.Ja)
			return err
		})
		if ends["ok"] > 1 {
			t.Errorf("ends = %v, want at most one winner", ends)
		}
	})
}

func TestI6_NewBatchKillsTheOld(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id, codes := w.enrolled("sato")
		session, other := w.session(id, signin.Password, signin.Email), w.session(id, signin.Password, signin.Email)
		if err := w.ForgetSessionCodes(ctx, session); err != nil {
			t.Fatal(err)
		}
		_, left, err := w.SessionCodes(ctx, session)
		if !errors.Is(err, mfa.ErrNoCodes) || left != 10 {
			t.Errorf("%d left, %v; want nothing to show", left, err)
		}
		if _, err := w.RegenerateCodes(ctx, session, templates.Ja); err != nil {
			t.Fatal(err)
		}
		if !w.dead(other) || w.dead(session) {
			t.Error("other sessions go on, or the acting one ended")
		}
		fresh, _, err := w.SessionCodes(ctx, session)
		if err != nil || len(fresh.Codes) != 10 {
			t.Fatalf("codes = %+v, %v", fresh, err)
		}
		_, err = w.VerifyBackupCode(ctx, w.flow(id), codes[0], templates.Ja)
		wantErr(t, "old code", err, mfa.ErrWrongCode)
		if _, err := w.VerifyBackupCode(ctx, w.flow(id), fresh.Codes[0], templates.Ja); err != nil {
			t.Errorf("new code: %v", err)
		}
		var to []string
		for _, m := range w.mails() {
			if m.Kind == delivery.KindCodesReissued {
				to = append(to, m.To)
			}
		}
		if diff := cmp.Diff([]string{"sato-2fa@example.jp", "sato@example.jp"}, to); diff != "" {
			t.Errorf("notices to (-want +got):\n%s", diff)
		}
	})
}

func TestI7_BackupGuessesAreCountedAndCostTheSame(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id, codes := w.enrolled("sato")
		f := w.flow(id)
		used := codes[0][:18] + "2"
		if used == codes[0] {
			used = codes[0][:18] + "3"
		}
		ends := race(t, 50, func(i int) error {
			guess := used // a known selector
			if i%2 == 0 {
				guess = "ZZZZ-ZZZZ-ZZZZ-ZZZZ"
			}
			_, err := w.VerifyBackupCode(ctx, f, guess, templates.Ja)
			return err
		})
		if ends[mfa.ErrWrongCode.Error()] != 5 || w.hashed.Load() != 5 {
			t.Errorf("ends = %v with %d comparisons, want 5 compared", ends, w.hashed.Load())
		}
		state, err := w.Backup(ctx, f)
		if err != nil || state.LockedUntil == nil || !state.LockedUntil.Equal(w.clock.now().Add(time.Minute)) {
			t.Errorf("page = %+v, %v; want a minute's pause", state, err)
		}
		// The pause of backup codes is not that of the email factor.
		if err := w.SendSignInCode(ctx, f, signin.Email, templates.Ja); err != nil {
			t.Errorf("email code: %v", err)
		}
		for range 5 {
			w.clock.pass(time.Minute)
			_, err = w.VerifyBackupCode(ctx, f, used, templates.Ja)
			wantErr(t, "after the pause", err, mfa.ErrWrongCode)
		}
		if state, err = w.Backup(ctx, f); err != nil || state.LockedUntil == nil || !state.LockedUntil.Equal(w.clock.now().Add(15*time.Minute)) {
			t.Errorf("page = %+v, %v; want the long pause", state, err)
		}
	})
}

func TestI7_HundredGuessesCloseABatch(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id, codes := w.enrolled("sato")
		for range 100 {
			w.clock.pass(time.Hour)
			_, err := w.VerifyBackupCode(ctx, w.flow(id), "ZZZZ-ZZZZ-ZZZZ-ZZZZ", templates.Ja)
			wantErr(t, "guess", err, mfa.ErrWrongCode)
		}
		w.clock.pass(time.Hour)
		_, err := w.VerifyBackupCode(ctx, w.flow(id), codes[0], templates.Ja)
		wantErr(t, "the right one, too late", err, mfa.ErrFactorDisabled)
	})
}

func TestBackupCodesAreNotReadable(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id, codes := w.enrolled("sato")
		b, err := w.db.Read().GetBackupBatch(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, c := range codes {
			plain := strings.ReplaceAll(c, "-", "")
			if strings.Contains(string(b.CodesSealed), plain) {
				t.Error("a code is stored in the clear")
			}
			if seen[plain[:2]] {
				t.Errorf("selector %s twice", plain[:2])
			}
			seen[plain[:2]] = true
			if strings.Trim(plain, "23456789ABCDEFGHJKMNPQRSTVWXYZ") != "" || len(plain) != 16 {
				t.Errorf("code %s has a character that is misread", c)
			}
		}
	})
}

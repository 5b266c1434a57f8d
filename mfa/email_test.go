package mfa_test

import (
	"errors"
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

func TestM17_RightCodeStoresAddressAndShowsCodesOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id := w.account("tanaka", "use")
		f := w.flow(id)
		if err := w.SendSetUpCode(ctx, f, mfa.EmailTo("Tanaka-2fa@Example.JP"), templates.Ja); err != nil {
			t.Fatal(err)
		}
		state, err := w.SetUpSending(ctx, f, signin.Email)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(mfa.Sending{Address: "Tanaka-2fa@example.jp", Just: true, Wait: 60}, state); diff != "" {
			t.Errorf("page after sending (-want +got):\n%s", diff)
		}
		code := w.code("Tanaka-2fa@example.jp")
		w.clock.pass(3 * time.Minute)
		secret, err := w.VerifySetUpCode(ctx, f, mfa.EmailTo("Tanaka-2fa@example.jp"), code[:3]+" "+code[3:], templates.Ja)
		if err != nil {
			t.Fatal(err)
		}
		if !w.gone(f) {
			t.Error("the flow's former secret still works")
		}
		f = w.next(f, secret)

		s := w.status(id)
		main, ok := s.Main()
		if !ok || main.Address != "Tanaka-2fa@example.jp" || !main.VerifiedAt.Equal(w.clock.now()) || main.Kind != "email" {
			t.Errorf("main factor = %+v, want the address verified now", main)
		}
		if s.BackupCodesLeft != 10 {
			t.Errorf("backup codes left = %d, want 10", s.BackupCodesLeft)
		}
		row, err := w.db.Read().GetFlowAccount(ctx, store.GetFlowAccountParams{ID: f.ID, SecretHash: f.SecretHash, Now: w.clock.now()})
		if err != nil {
			t.Fatal(err)
		}
		proved, err := signin.ParseEvidence(row.Flow.Evidence)
		if err != nil || proved.Level() != signin.Level2FAEmail {
			t.Errorf("evidence = %+v (%v), want password and email", proved, err)
		}

		codes, err := w.FlowCodes(ctx, f)
		if err != nil || len(codes.Codes) != 10 || len(codes.Codes[0]) != 19 || codes.LoginID != "tanaka" {
			t.Fatalf("codes = %+v, %v; want ten", codes, err)
		}
		secret, err = w.ForgetFlowCodes(ctx, f)
		if err != nil {
			t.Fatal(err)
		}
		f = w.next(f, secret)
		_, err = w.FlowCodes(ctx, f)
		wantErr(t, "codes once saved", err, mfa.ErrWrongStep)
		b, err := w.db.Read().GetBackupBatch(ctx, id)
		if err != nil || b.CodesSealed != nil {
			t.Errorf("codes are still readable once saved (%v)", err)
		}

		if diff := cmp.Diff([]string{"set_up tanaka@example.jp", "set_up Tanaka-2fa@example.jp"}, w.notices()); diff != "" {
			t.Errorf("notices to the registered and to the new address (-want +got):\n%s", diff)
		}
		for _, typ := range []string{"2fa.code_send", "2fa.enrol", "2fa.backup_issue"} {
			if n := w.events(id, typ, "success"); n != 1 {
				t.Errorf("%d events %s, want 1", n, typ)
			}
		}
	})
}

func TestM18_AddressIsNotLinkedToTheRegisteredOne(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.account("tanaka", "use")
		before := w.row(id)
		w.enrol(id, "elsewhere@example.com")
		after := w.row(id)
		if after.RegisteredEmail != before.RegisteredEmail {
			t.Errorf("registered address became %s", after.RegisteredEmail)
		}
		for _, m := range w.mails() {
			if strings.Contains(m.Text, "elsewhere@example.com") {
				t.Errorf("notice to the registered address reveals the 2FA address:\n%s", m.Text)
			}
		}
	})
}

func TestM19_CodeRules(t *testing.T) {
	const address = "tanaka-2fa@example.jp"
	type env struct {
		*world
		f    store.Flow
		id   store.AccountID
		code string
	}
	verify := func(e env, address, code string) error {
		_, err := e.VerifySetUpCode(e.t.Context(), e.f, mfa.EmailTo(address), code, templates.Ja)
		return err
	}
	for _, tt := range []struct {
		name string
		f    func(e env) error
		want error
	}{
		{"six digits", func(e env) error { return verify(e, address, e.code[:5]) }, mfa.ErrCodeForm},
		{"blank", func(e env) error { return verify(e, address, " ") }, mfa.ErrCodeBlank},
		{"wrong", func(e env) error { return verify(e, address, wrong(e.code)) }, mfa.ErrWrongCode},
		{"after ten minutes", func(e env) error { e.clock.pass(10 * time.Minute); return verify(e, address, e.code) }, mfa.ErrWrongCode},
		{"just before ten minutes", func(e env) error { e.clock.pass(10*time.Minute - time.Second); return verify(e, address, e.code) }, nil},
		{"spaces and full width", func(e env) error {
			return verify(e, address, strings.NewReplacer("0", "０", "1", "１", "2", "２", "3", "３").Replace(e.code[:3]+"　-"+e.code[3:]))
		}, nil},
		{"address edited", func(e env) error { return verify(e, "other@example.jp", e.code) }, mfa.ErrAddressChanged},
		{"address edited to nonsense", func(e env) error { return verify(e, "other", e.code) }, mfa.ErrEmailForm},
		{"former code after another", func(e env) error {
			e.clock.pass(time.Minute)
			if err := e.SendSetUpCode(e.t.Context(), e.f, mfa.EmailTo(address), templates.Ja); err != nil {
				return err
			}
			if newer := e.world.code(address); newer == e.code {
				return mfa.ErrWrongCode // one chance in a million
			}
			return verify(e, address, e.code)
		}, mfa.ErrWrongCode},
		{"another sign-in of the account", func(e env) error {
			e.f = e.flow(e.id)
			return verify(e, address, e.code)
		}, mfa.ErrNotSent},
		{"another account", func(e env) error {
			e.f = e.flow(e.account("suzuki", "use"))
			return verify(e, address, e.code)
		}, mfa.ErrNotSent},
		{"used twice", func(e env) error {
			if err := verify(e, address, e.code); err != nil {
				return err
			}
			return verify(e, address, e.code)
		}, mfa.ErrFlowGone},
		{"sixth try", func(e env) error {
			for range 4 {
				wantErr(e.t, "wrong try", verify(e, address, wrong(e.code)), mfa.ErrWrongCode)
			}
			wantErr(e.t, "fifth wrong try", verify(e, address, wrong(e.code)), mfa.ErrTriesSpent)
			e.clock.pass(2 * time.Minute) // the pause is over
			return verify(e, address, e.code)
		}, mfa.ErrTriesSpent},
	} {
		t.Run(tt.name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				e := env{world: w, id: w.account("tanaka", "use")}
				e.f = w.flow(e.id)
				wantErr(t, "before sending", verify(e, address, "123456"), mfa.ErrNotSent)
				if err := w.SendSetUpCode(t.Context(), e.f, mfa.EmailTo(address), templates.Ja); err != nil {
					t.Fatal(err)
				}
				e.code = w.code(address)
				wantErr(t, tt.name, tt.f(e), tt.want)
				if set := w.status(e.id).SetUp(); set != (tt.want == nil || tt.name == "used twice") {
					t.Errorf("factor set up: %v", set)
				}
			})
		})
	}
}

func TestM22_OldAddressHoldsUntilTheNewOneIsProved(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id := w.account("sato", "use")
		w.enrol(id, "old@example.jp")
		w.mails()
		session := w.session(id, signin.Password, signin.Email)
		other, pending := w.session(id, signin.Password, signin.Email), w.flow(id)
		kept, lost := w.grant(id, session), w.grant(id, other)

		state, err := w.AddressChange(ctx, session, signin.Email)
		if err != nil || state.Current != "old@example.jp" {
			t.Fatalf("page = %+v, %v; want the current address filled in", state, err)
		}
		if err := w.SendChangeCode(ctx, session, mfa.EmailTo("new@example.jp"), templates.Ja); err != nil {
			t.Fatal(err)
		}
		code := w.code("new@example.jp")
		_, err = w.VerifyChangeCode(ctx, session, mfa.EmailTo("new@example.jp"), wrong(code), templates.Ja)
		wantErr(t, "wrong code", err, mfa.ErrWrongCode)
		if got := w.factor(id).Address; got != "old@example.jp" {
			t.Fatalf("address is %s before the proof", got)
		}
		// Sign-in still goes to the old address.
		if err := w.SendSignInCode(ctx, pending, signin.Email, templates.Ja); err != nil {
			t.Fatal(err)
		}
		w.code("old@example.jp")

		w.clock.pass(time.Minute)
		done, err := w.VerifyChangeCode(ctx, session, mfa.EmailTo("new@example.jp"), code, templates.Ja)
		if err != nil {
			t.Fatal(err)
		}
		if done.First || done.Token == "" {
			t.Errorf("done = %+v, want a new token and no first set-up", done)
		}
		f := w.factor(id)
		if f.Address != "new@example.jp" || !f.VerifiedAt.Equal(w.clock.now()) || !f.Main {
			t.Errorf("factor = %+v, want the new address verified now", f)
		}
		if w.dead(session) || w.revoked(kept) {
			t.Error("the acting session or what it gave out ended")
		}
		if !w.dead(other) || !w.revoked(lost) || !w.gone(pending) {
			t.Error("something else of the account goes on")
		}
		if left := w.status(id).BackupCodesLeft; left != 10 {
			t.Errorf("backup codes left = %d, want the former ten", left)
		}
		var to []string
		for _, m := range w.mails() {
			if m.Kind != delivery.KindAddressChanged || strings.Contains(m.Text, "new@example.jp") || strings.Contains(m.Text, "old@example.jp") {
				t.Errorf("mail %s to %s:\n%s", m.Kind, m.To, m.Text)
			}
			to = append(to, m.To)
		}
		if diff := cmp.Diff([]string{"old@example.jp", "sato@example.jp", "new@example.jp"}, to); diff != "" {
			t.Errorf("notices to (-want +got):\n%s", diff)
		}
	})
}

func TestM23_SelfServiceTurnsTheSwitchOn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id := w.account("suzuki", "dont_use")
		session := w.session(id, signin.Password)
		if err := w.SendChangeCode(ctx, session, mfa.EmailTo("suzuki-2fa@example.jp"), templates.En); err != nil {
			t.Fatal(err)
		}
		if got := w.row(id).TwoFactor; got != "dont_use" {
			t.Errorf("switch is %s before the proof", got)
		}
		done, err := w.VerifyChangeCode(ctx, session, mfa.EmailTo("suzuki-2fa@example.jp"), w.code("suzuki-2fa@example.jp"), templates.En)
		if err != nil || !done.First {
			t.Fatalf("done = %+v, %v; want the first set-up", done, err)
		}
		if got := w.row(id).TwoFactor; got != "use" {
			t.Errorf("switch is %s, want use", got)
		}
		if n := w.events(id, "2fa.switch", "success"); n != 1 {
			t.Errorf("%d events for the switch, want 1", n)
		}
		codes, left, err := w.SessionCodes(ctx, session)
		if err != nil || len(codes.Codes) != 10 || left != 10 {
			t.Errorf("codes = %v, %d left, %v; want ten to show", codes.Codes, left, err)
		}
		s, err := w.db.Read().GetSession(ctx, session)
		if err != nil {
			t.Fatal(err)
		}
		if proved, _ := signin.ParseEvidence(s.Evidence); !proved.SecondFactor() {
			t.Errorf("evidence = %+v, want the proof of the new factor in it", proved)
		}
		if diff := cmp.Diff([]string{"set_up suzuki@example.jp", "set_up suzuki-2fa@example.jp"}, w.notices()); diff != "" {
			t.Errorf("notices to the registered and to the new address (-want +got):\n%s", diff)
		}
	})
}

func TestI13_ChangesNeedAFreshProof(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id := w.account("sato", "use")
		w.enrol(id, "sato-2fa@example.jp")
		w.mails()
		stale := w.session(id, signin.Password, signin.Email)
		if err := w.SendChangeCode(ctx, stale, mfa.EmailTo("new@example.jp"), templates.Ja); err != nil {
			t.Fatal(err)
		}
		code := w.code("new@example.jp")
		w.clock.pass(5*time.Minute + time.Second)
		half := w.session(id, signin.Password) // a fresh password, no fresh factor
		for _, s := range []store.SessionID{stale, half} {
			_, err := w.AddressChange(ctx, s, signin.Email)
			wantErr(t, "page", err, mfa.ErrNotFresh)
			wantErr(t, "send", w.SendChangeCode(ctx, s, mfa.EmailTo("new@example.jp"), templates.Ja), mfa.ErrNotFresh)
			_, err = w.VerifyChangeCode(ctx, s, mfa.EmailTo("new@example.jp"), code, templates.Ja)
			wantErr(t, "verify", err, mfa.ErrNotFresh)
			_, err = w.RegenerateCodes(ctx, s, templates.Ja)
			wantErr(t, "regenerate", err, mfa.ErrNotFresh)
			_, _, err = w.SessionCodes(ctx, s)
			wantErr(t, "see codes", err, mfa.ErrNotFresh)
		}
		if got := w.factor(id).Address; got != "sato-2fa@example.jp" {
			t.Errorf("address became %s", got)
		}
	})
}

func TestI3_OfTwoParallelSetUpsOneWins(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id := w.account("tanaka", "use")
		addresses := []string{"one@example.jp", "two@example.jp"}
		flows := []store.Flow{w.flow(id), w.flow(id)}
		var codes []string
		for i, a := range addresses {
			if err := w.SendSetUpCode(ctx, flows[i], mfa.EmailTo(a), templates.Ja); err != nil {
				t.Fatal(err)
			}
			codes = append(codes, w.code(a))
		}
		ends := race(t, 2, func(i int) error {
			_, err := w.VerifySetUpCode(ctx, flows[i], mfa.EmailTo(addresses[i]), codes[i], templates.Ja)
			return err
		})
		if ends["ok"] != 1 {
			t.Errorf("ends = %v, want one winner", ends)
		}
		if s := w.status(id); len(s.Factors) != 1 || s.BackupCodesLeft != 10 {
			t.Errorf("status = %+v, want one factor and one batch", s)
		}
	})
}

func TestI3_SetUpOnlyWhileNothingIsSetUp(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id := w.account("sato", "use")
		w.enrol(id, "sato-2fa@example.jp")
		f := w.flow(id)
		wantErr(t, "page", w.checkSetUp(ctx, f), mfa.ErrAlreadySetUp)
		wantErr(t, "send", w.SendSetUpCode(ctx, f, mfa.EmailTo("evil@example.com"), templates.Ja), mfa.ErrAlreadySetUp)
		_, err := w.VerifySetUpCode(ctx, f, mfa.EmailTo("evil@example.com"), "123456", templates.Ja)
		wantErr(t, "verify", err, mfa.ErrAlreadySetUp)

		off := w.flow(w.account("suzuki", "dont_use"))
		wantErr(t, "nothing is asked for", w.checkSetUp(ctx, off), mfa.ErrWrongStep)
	})
}

func TestI5_FiftyParallelVerifiesHaveOneWinner(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id := w.account("sato", "use")
		w.enrol(id, "sato-2fa@example.jp")
		w.mails()
		f := w.flow(id)
		if err := w.SendSignInCode(ctx, f, signin.Email, templates.Ja); err != nil {
			t.Fatal(err)
		}
		code := w.code("sato-2fa@example.jp")
		ends := race(t, 50, func(int) error {
			_, err := w.VerifySignInCode(ctx, f, signin.Email, code, false)
			return err
		})
		if ends["ok"] != 1 {
			t.Errorf("ends = %v, want one winner", ends)
		}
		if n := w.events(id, "signin.factor", "success"); n != 1 {
			t.Errorf("%d events, want 1", n)
		}
	})
}

func TestI5_ParallelChangesHaveOneWinner(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id, _ := w.enrolled("sato")
		session := w.session(id, signin.Password, signin.Email)
		if err := w.SendChangeCode(ctx, session, mfa.EmailTo("new@example.jp"), templates.Ja); err != nil {
			t.Fatal(err)
		}
		code := w.code("new@example.jp")
		ends := race(t, 5, func(int) error {
			_, err := w.VerifyChangeCode(ctx, session, mfa.EmailTo("new@example.jp"), code, templates.Ja)
			return err
		})
		if n := w.events(id, "2fa.change", "success"); ends["ok"] != 1 || n != 1 {
			t.Errorf("ends = %v with %d events, want one winner", ends, n)
		}
		_, err := w.VerifyChangeCode(ctx, session, mfa.EmailTo("new@example.jp"), code, templates.Ja)
		wantErr(t, "pressed twice", err, mfa.ErrJustDone)
		w.clock.pass(time.Minute)
		_, err = w.VerifyChangeCode(ctx, session, mfa.EmailTo("new@example.jp"), code, templates.Ja)
		wantErr(t, "used code", err, mfa.ErrWrongCode)
	})
}

func TestI5_SignInCodeIsBoundToItsAttempt(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id := w.account("sato", "use")
		w.enrol(id, "sato-2fa@example.jp")
		w.mails()
		f, g := w.flow(id), w.flow(id)
		_, err := w.VerifySignInCode(ctx, f, signin.Email, "123456", false)
		wantErr(t, "before sending", err, mfa.ErrNotSent)
		if err := w.SendSignInCode(ctx, f, signin.Email, templates.Ja); err != nil {
			t.Fatal(err)
		}
		first := w.code("sato-2fa@example.jp")
		w.clock.pass(time.Minute)
		if err := w.SendSignInCode(ctx, g, signin.Email, templates.Ja); err != nil {
			t.Fatal(err)
		}
		second := w.code("sato-2fa@example.jp")
		if first != second {
			_, err = w.VerifySignInCode(ctx, g, signin.Email, first, false)
			wantErr(t, "another attempt's code", err, mfa.ErrWrongCode)
		}
		// A code made for a change proves nothing at sign-in, and the reverse.
		session := w.session(id, signin.Password, signin.Email)
		if err := w.SendChangeCode(ctx, session, mfa.EmailTo("sato-2fa@example.jp"), templates.Ja); err != nil {
			t.Fatal(err)
		}
		_, err = w.VerifyChangeCode(ctx, session, mfa.EmailTo("sato-2fa@example.jp"), first, templates.Ja)
		if !errors.Is(err, mfa.ErrWrongCode) && err != nil {
			t.Errorf("sign-in code for a change: %v", err)
		}
		if _, err := w.VerifySignInCode(ctx, f, signin.Email, first, false); err != nil {
			t.Errorf("right code: %v", err)
		}
	})
}

func TestI7_EveryGuessIsCounted(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id := w.account("sato", "use")
		w.enrol(id, "sato-2fa@example.jp")
		w.mails()
		f := w.flow(id)
		if err := w.SendSignInCode(ctx, f, signin.Email, templates.Ja); err != nil {
			t.Fatal(err)
		}
		bad := wrong(w.code("sato-2fa@example.jp"))
		ends := race(t, 50, func(int) error {
			_, err := w.VerifySignInCode(ctx, f, signin.Email, bad, false)
			return err
		})
		c, err := w.db.Read().GetFlowChallenge(ctx, store.GetFlowChallengeParams{Kind: "email", FlowID: &f.ID, AccountID: id})
		if err != nil {
			t.Fatal(err)
		}
		if got := w.factor(id).Failures; got != 5 || c.Tries != 5 {
			t.Errorf("failures = %d, tries = %d, want 5 each (ends %v)", got, c.Tries, ends)
		}
		if ends[mfa.ErrWrongCode.Error()] != 4 || ends[mfa.ErrTriesSpent.Error()] != 1 || ends[(&mfa.LockedError{}).Error()] != 45 {
			t.Errorf("ends = %v, want 4 wrong, 1 spent, 45 paused", ends)
		}
		if n := w.events(id, "signin.factor", "failure") + w.events(id, "signin.factor", "refused"); n != 50 {
			t.Errorf("%d events, want 50", n)
		}

		// A new sign-in does not reset the count; a pause holds there too.
		g := w.flow(id)
		_, lerr := errors.AsType[*mfa.LockedError](w.SendSignInCode(ctx, g, signin.Email, templates.Ja))
		if !lerr {
			t.Error("a code is sent during the pause")
		}
		state, err := w.Challenge(ctx, g, "")
		if err != nil || state.LockedUntil == nil || !state.NearLimit {
			t.Errorf("page = %+v, %v; want the pause", state, err)
		}
	})
}

func TestI7_HundredFailuresDisableTheFactor(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id := w.account("sato", "use")
		w.enrol(id, "sato-2fa@example.jp")
		w.mails()
		disabled := 0
		var open store.Flow // a second attempt with a live code
		for guesses := 0; guesses < 130 && disabled == 0; {
			w.clock.pass(4 * time.Hour) // past every pause and budget
			f := w.flow(id)
			if err := w.SendSignInCode(ctx, f, signin.Email, templates.Ja); errors.Is(err, mfa.ErrFactorDisabled) {
				disabled = guesses
				continue
			} else if err != nil {
				t.Fatal(err)
			}
			bad := wrong(w.code("sato-2fa@example.jp"))
			if guesses == 95 {
				w.clock.pass(time.Minute)
				open = w.flow(id)
				if err := w.SendSignInCode(ctx, open, signin.Email, templates.Ja); err != nil {
					t.Fatal(err)
				}
			}
			for range 5 {
				if _, err := w.VerifySignInCode(ctx, f, signin.Email, bad, false); err == nil {
					t.Fatal("wrong code accepted")
				}
				guesses++
			}
			if guesses == 100 {
				w.clock.pass(2 * time.Minute)
				_, err := w.VerifySignInCode(ctx, open, signin.Email, bad, false)
				wantErr(t, "guess 101", err, mfa.ErrFactorDisabled)
				if got := w.factor(id).Failures; got != 100 {
					t.Errorf("%d guesses compared, want 100", got)
				}
			}
		}
		if disabled != 100 {
			t.Errorf("disabled after %d guesses, want 100", disabled)
		}
		// It stays closed to the set-up page too: a locked factor is not a missing one.
		wantErr(t, "set-up", w.checkSetUp(ctx, w.flow(id)), mfa.ErrAlreadySetUp)
	})
}

func TestI10_ProofRenewsTheSecret(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id := w.account("sato", "use")
		w.enrol(id, "sato-2fa@example.jp")
		w.mails()
		f := w.flow(id)
		if err := w.SendSignInCode(ctx, f, signin.Email, templates.Ja); err != nil {
			t.Fatal(err)
		}
		done, err := w.VerifySignInCode(ctx, f, signin.Email, w.code("sato-2fa@example.jp"), false)
		if err != nil {
			t.Fatal(err)
		}
		if !w.gone(f) || w.gone(w.next(f, done.Secret)) {
			t.Error("former secret works or new one does not")
		}
		session := w.session(id, signin.Password, signin.Email)
		before, _ := w.db.Read().GetSession(ctx, session)
		if _, err := w.RegenerateCodes(ctx, session, templates.Ja); err != nil {
			t.Fatal(err)
		}
		after, _ := w.db.Read().GetSession(ctx, session)
		if string(before.TokenHash) == string(after.TokenHash) {
			t.Error("the session's token is the former one")
		}
	})
}

func TestI11_FirstSetUpEndsEverythingElse(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id := w.account("tanaka", "use")
		old, pending := w.session(id, signin.Password), w.flow(id)
		grant := w.grant(id, old)
		f := w.enrol(id, "tanaka-2fa@example.jp")
		if !w.dead(old) || !w.gone(pending) || !w.revoked(grant) {
			t.Error("a session, sign-in or grant of before goes on")
		}
		if w.gone(f) {
			t.Error("the sign-in itself ended")
		}
		_, err := w.Overview(ctx, old)
		wantErr(t, "old session", err, mfa.ErrSessionGone)
		// Not only the epoch says so: the rows themselves are ended.
		s, err := w.db.Read().GetSession(ctx, old)
		if err != nil || s.EndedAt == nil {
			t.Errorf("session = %+v, %v; want it ended", s, err)
		}
		g, err := w.db.Read().GetGrantByCode(ctx, grant)
		if err != nil || g.RevokedAt == nil {
			t.Errorf("grant = %+v, %v; want it revoked", g, err)
		}
	})
}

func TestI18_MailboxAloneProvesNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id := w.account("sato", "use")
		w.enrol(id, "sato-2fa@example.jp")
		// A sign-in without an accepted password has no account: no step finds it.
		hash := []byte("0123456789abcdef0123456789abcdef")
		f := store.Flow{ID: store.NewID[store.FlowID](), SecretHash: hash}
		w.tx(func(tx *store.Tx) error {
			return tx.InsertFlow(ctx, store.InsertFlowParams{
				ID: f.ID, SecretHash: hash, SurfaceID: "store", Request: []byte("{}"), ReturnTo: "/", Evidence: []byte("[]"),
				Now: w.clock.now(), ExpiresAt: w.clock.now().Add(time.Hour),
			})
		})
		wantErr(t, "send", w.SendSignInCode(ctx, f, signin.Email, templates.Ja), mfa.ErrFlowGone)
		_, err := w.VerifySignInCode(ctx, f, signin.Email, "123456", false)
		wantErr(t, "verify", err, mfa.ErrFlowGone)
		_, err = w.VerifyBackupCode(ctx, f, "23456789ABCDEFGH", templates.Ja)
		wantErr(t, "backup", err, mfa.ErrFlowGone)
		wantErr(t, "set up", w.SendSetUpCode(ctx, f, mfa.EmailTo("evil@example.com"), templates.Ja), mfa.ErrFlowGone)
	})
}

func TestI26_SendingBudgets(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id := w.account("sato", "use")
		w.enrol(id, "sato-2fa@example.jp") // the first sending of the day
		f := w.flow(id)
		if err := w.SendSignInCode(ctx, f, signin.Email, templates.Ja); err != nil {
			t.Fatal(err)
		}
		if err := w.SendSignInCode(ctx, f, signin.Email, templates.Ja); err != nil {
			t.Errorf("page opened again: %v", err)
		}
		err := w.ResendSignInCode(ctx, f, signin.Email, templates.Ja)
		if wait, ok := errors.AsType[*mfa.WaitError](err); !ok || wait.Seconds != 60 {
			t.Errorf("at once again: %v, want a wait of 60 s", err)
		}
		sent := 1
		for range 10 {
			w.clock.pass(time.Minute)
			if err = w.ResendSignInCode(ctx, f, signin.Email, templates.Ja); err != nil {
				break
			}
			sent++
		}
		wantErr(t, "sixth in the hour", err, mfa.ErrTooManySends)
		if sent != 5 {
			t.Errorf("%d sent within the hour, want 5", sent)
		}
		if n := w.events(id, "2fa.code_send", "refused"); n != 1 {
			t.Errorf("%d refusals written down, want 1", n)
		}
		for range 12 {
			w.clock.pass(time.Hour)
			err = w.ResendSignInCode(ctx, f, signin.Email, templates.Ja)
			if errors.Is(err, mfa.ErrFlowGone) {
				f = w.flow(id)
				err = w.SendSignInCode(ctx, f, signin.Email, templates.Ja)
			}
			if err != nil {
				break
			}
			sent++
		}
		wantErr(t, "eleventh of the day", err, mfa.ErrTooManySends)
		if sent != 9 {
			t.Errorf("%d sent within the day, want 9 and the one of the set-up", sent)
		}

		// The mailbox is dead, staff reset the account: the person must be able to set up another one today.
		w.tx(func(tx *store.Tx) error {
			_, err := w.Reset(ctx, tx, w.row(id), w.clock.now())
			return err
		})
		w.enrol(id, "alive@example.jp")
	})
}

func TestUnreachableRegisteredAddressStopsNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.account("佐藤", "use")
		w.enrol(id, "sato-2fa@example.jp")
		if !w.status(id).SetUp() {
			t.Error("not set up")
		}
		if diff := cmp.Diff([]string{"set_up sato-2fa@example.jp"}, w.notices()); diff != "" {
			t.Errorf("notices (-want +got):\n%s", diff)
		}
	})
}

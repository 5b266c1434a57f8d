package mfa_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

// app opens the set-up page of a sign-in and types its key into an app.
func (w *world) app(f store.Flow) *testapp.Authenticator {
	w.t.Helper()
	page, err := w.AppSetUp(w.t.Context(), f, true)
	if err != nil || !page.Begun {
		w.t.Fatalf("set-up page: %+v, %v", page, err)
	}
	return testapp.TypeIn(w.t, page.Key)
}

// enrolApp sets up an app inside a sign-in. The next code it shows is one that was not used yet.
func (w *world) enrolApp(id store.AccountID) (*testapp.Authenticator, store.Flow) {
	w.t.Helper()
	f := w.flow(id)
	app := w.app(f)
	secret, err := w.VerifySetUpApp(w.t.Context(), f, app.Code(w.clock.now()), templates.Ja)
	if err != nil {
		w.t.Fatal(err)
	}
	f = w.next(f, secret)
	w.clock.pass(30 * time.Second)
	return app, f
}

// parallel runs f many times at once and counts what came back.
func parallel(n int, f func() error) (won int, errs []error) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	start := make(chan struct{})
	for range n {
		wg.Go(func() {
			<-start
			err := f()
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
			} else {
				errs = append(errs, err)
			}
		})
	}
	close(start)
	wg.Wait()
	return won, errs
}

func TestM15_SetUpAnAuthenticatorApp(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id := w.account("tanaka", "use")
		f := w.flow(id)
		if page, err := w.AppSetUp(ctx, f, false); err != nil || page.Begun {
			t.Fatalf("a look made a seed: %+v, %v", page, err)
		}
		_, err := w.VerifySetUpApp(ctx, f, "123456", templates.Ja)
		wantErr(t, "before the key was shown", err, mfa.ErrNotBegun)
		app := w.app(f)
		if again := w.app(f); again.Code(w.clock.now()) != app.Code(w.clock.now()) {
			t.Error("the page shows another key every time")
		}
		_, err = w.VerifySetUpApp(ctx, f, "", templates.Ja)
		wantErr(t, "blank", err, mfa.ErrCodeBlank)
		_, err = w.VerifySetUpApp(ctx, f, "12345", templates.Ja)
		wantErr(t, "short", err, mfa.ErrCodeForm)
		_, err = w.VerifySetUpApp(ctx, f, wrong(app.Code(w.clock.now())), templates.Ja)
		wantErr(t, "wrong", err, mfa.ErrWrongCode)
		if factors, _ := w.db.Read().ListFactors(ctx, id); len(factors) != 0 {
			t.Fatalf("a factor without proof: %+v", factors)
		}
		secret, err := w.VerifySetUpApp(ctx, f, app.Code(w.clock.now()), templates.Ja)
		if err != nil {
			t.Fatal(err)
		}
		f = w.next(f, secret)
		proved, err := signin.ParseEvidence(f.Evidence)
		if err != nil || proved.Level() != signin.Level2FA || f.BackupBatchID == nil {
			t.Errorf("evidence %s, codes %v", f.Evidence, f.BackupBatchID)
		}
		if mails := w.mails(); len(mails) != 1 || mails[0].Kind != delivery.KindSetUp || mails[0].To != "tanaka@example.jp" {
			t.Errorf("notices: %+v", mails)
		}
	})
}

func TestI4_EachStepOnceAndForward(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id := w.account("sato", "use")
		app, _ := w.enrolApp(id)
		try := func(code string) error {
			_, err := w.VerifySignInCode(ctx, w.flow(id), signin.TOTP, code, false)
			return err
		}
		now := w.clock.now()
		wantErr(t, "the code of the set-up again", try(app.Code(now.Add(-30*time.Second))), mfa.ErrWrongCode)
		if err := try(app.Code(now)); err != nil {
			t.Fatalf("fresh code: %v", err)
		}
		wantErr(t, "the same code again", try(app.Code(now)), mfa.ErrWrongCode)
		w.clock.pass(time.Minute)
		now = w.clock.now()
		if err := try(app.Code(now.Add(30 * time.Second))); err != nil {
			t.Fatalf("the step ahead: %v", err)
		}
		wantErr(t, "an older step after a newer one", try(app.Code(now)), mfa.ErrWrongCode)
		wantErr(t, "two steps ahead", try(app.Code(now.Add(time.Minute))), mfa.ErrWrongCode)
	})
}

func TestI4_OneOfManyParallelSubmitsWins(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.account("sato", "use")
		app, _ := w.enrolApp(id)
		code := app.Code(w.clock.now())
		var flows [32]store.Flow
		for i := range flows {
			flows[i] = w.flow(id)
		}
		var mu sync.Mutex
		next := 0
		won, errs := parallel(len(flows), func() error {
			mu.Lock()
			f := flows[next]
			next++
			mu.Unlock()
			_, err := w.VerifySignInCode(t.Context(), f, signin.TOTP, code, false)
			return err
		})
		if won != 1 {
			t.Errorf("%d of %d won", won, len(flows))
		}
		for _, err := range errs {
			if _, locked := errors.AsType[*mfa.LockedError](err); !locked && !errors.Is(err, mfa.ErrWrongCode) {
				t.Errorf("lost with %v", err)
			}
		}
	})
}

func TestI7_GuessesAtAnAppAreCountedAndPaused(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id := w.account("sato", "use")
		app, _ := w.enrolApp(id)
		bad := wrong(app.Code(w.clock.now()))
		for i := range 5 {
			_, err := w.VerifySignInCode(ctx, w.flow(id), signin.TOTP, bad, false)
			wantErr(t, "guess", err, mfa.ErrWrongCode)
			f, ferr := w.db.Read().GetFactorByKind(ctx, store.GetFactorByKindParams{AccountID: id, Kind: string(signin.TOTP)})
			if ferr != nil || f.Failures != int64(i+1) {
				t.Fatalf("after %d guesses %d are counted, %v", i+1, f.Failures, ferr)
			}
		}
		// A new sign-in, and the right code, do not open what is paused.
		_, err := w.VerifySignInCode(ctx, w.flow(id), signin.TOTP, app.Code(w.clock.now()), false)
		if _, locked := errors.AsType[*mfa.LockedError](err); !locked {
			t.Errorf("after five guesses: %v", err)
		}
		w.clock.pass(time.Minute)
		if _, err := w.VerifySignInCode(ctx, w.flow(id), signin.TOTP, app.Code(w.clock.now()), false); err != nil {
			t.Errorf("after the pause: %v", err)
		}
	})
}

func TestI7_AnAppIsClosedAtItsCeiling(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id := w.account("sato", "use")
		app, _ := w.enrolApp(id)
		for range 100 {
			_, err := w.VerifySignInCode(ctx, w.flow(id), signin.TOTP, wrong(app.Code(w.clock.now())), false)
			wantErr(t, "guess", err, mfa.ErrWrongCode)
			w.clock.pass(time.Hour)
		}
		_, err := w.VerifySignInCode(ctx, w.flow(id), signin.TOTP, app.Code(w.clock.now()), false)
		wantErr(t, "the right code afterwards", err, mfa.ErrFactorDisabled)
		if c, err := w.Challenge(ctx, w.flow(id), ""); err != nil || c.Method != "" || c.BackupLeft != 10 {
			t.Errorf("what is offered: %+v, %v", c, err)
		}
	})
}

func TestI5_ASeedTakesFiveTries(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		f := w.flow(w.account("tanaka", "use"))
		app := w.app(f)
		for i := range 5 {
			_, err := w.VerifySetUpApp(ctx, f, wrong(app.Code(w.clock.now())), templates.Ja)
			want := mfa.ErrWrongCode
			if i == 4 {
				want = mfa.ErrTriesSpent
			}
			wantErr(t, "guess", err, want)
		}
		w.clock.pass(time.Minute)
		_, err := w.VerifySetUpApp(ctx, f, app.Code(w.clock.now()), templates.Ja)
		wantErr(t, "the right code of a spent key", err, mfa.ErrNotBegun)
		if w.app(f).Code(w.clock.now()) == app.Code(w.clock.now()) {
			t.Error("the next key is the same")
		}
	})
}

func TestA8_AnUnprovedSeedExpiresAndOpensNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id := w.account("tanaka", "use")
		f := w.flow(id)
		app := w.app(f)
		_, err := w.VerifySignInCode(ctx, f, signin.TOTP, app.Code(w.clock.now()), false)
		wantErr(t, "as a challenge", err, mfa.ErrWrongStep)
		w.clock.pass(10 * time.Minute)
		_, err = w.VerifySetUpApp(ctx, f, app.Code(w.clock.now()), templates.Ja)
		wantErr(t, "after ten minutes", err, mfa.ErrNotBegun)
		// What one sign-in was shown is nothing to another, of the same account.
		other := w.flow(id)
		w.app(f)
		_, err = w.VerifySetUpApp(ctx, other, "123456", templates.Ja)
		wantErr(t, "in another sign-in", err, mfa.ErrNotBegun)
	})
}

func TestI28_SeedsAreSealedToTheirRow(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		sato, suzuki := w.account("sato", "use"), w.account("suzuki", "use")
		app, _ := w.enrolApp(sato)
		w.enrolApp(suzuki)
		row := func(id store.AccountID) store.Factor {
			f, err := w.db.Read().GetFactorByKind(ctx, store.GetFactorByKindParams{AccountID: id, Kind: string(signin.TOTP)})
			if err != nil {
				t.Fatal(err)
			}
			return f
		}
		sealed := row(sato).SecretSealed
		if len(sealed) == 0 || app.Holds(string(sealed)) {
			t.Fatal("the seed is not sealed")
		}
		// Somebody moves their own seed into another account's row.
		w.tx(func(tx *store.Tx) error {
			f := row(suzuki)
			_, err := tx.UpsertFactor(ctx, store.UpsertFactorParams{
				ID: f.ID, AccountID: suzuki, Kind: f.Kind, Main: true, SecretSealed: sealed, Now: w.clock.now(),
			})
			return err
		})
		if _, err := w.VerifySignInCode(ctx, w.flow(suzuki), signin.TOTP, app.Code(w.clock.now()), false); err == nil {
			t.Error("a seed works in a row it was not sealed for")
		}
	})
}

func TestM21_ReplaceAnAuthenticatorApp(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id := w.account("sato", "use")
		former, _ := w.enrolApp(id)
		session, other := w.session(id, signin.Password, signin.TOTP), w.session(id, signin.Password, signin.TOTP)
		w.mails()
		page, err := w.AppChange(ctx, session, true)
		if err != nil || !page.Replaces {
			t.Fatalf("page: %+v, %v", page, err)
		}
		fresh := testapp.TypeIn(t, page.Key)
		if _, err := w.VerifySignInCode(ctx, w.flow(id), signin.TOTP, former.Code(w.clock.now()), false); err != nil {
			t.Errorf("the former app before the change: %v", err)
		}
		done, err := w.VerifyChangeApp(ctx, session, fresh.Code(w.clock.now()), templates.Ja)
		if err != nil || !done.Replaced || done.First || done.Token == "" {
			t.Fatalf("change: %+v, %v", done, err)
		}
		if !w.dead(other) || w.dead(session) {
			t.Error("the change ended the wrong sessions (I11)")
		}
		w.clock.pass(time.Minute)
		_, err = w.VerifySignInCode(ctx, w.flow(id), signin.TOTP, former.Code(w.clock.now()), false)
		wantErr(t, "the former app", err, mfa.ErrWrongCode)
		if _, err := w.VerifySignInCode(ctx, w.flow(id), signin.TOTP, fresh.Code(w.clock.now()), false); err != nil {
			t.Errorf("the new app: %v", err)
		}
		if mails := w.mails(); len(mails) != 1 || mails[0].Kind != delivery.KindSetUp {
			t.Errorf("notices: %+v", mails)
		}
		w.clock.pass(10 * time.Minute)
		_, err = w.AppChange(ctx, session, true)
		wantErr(t, "I13: without fresh proof", err, mfa.ErrNotFresh)
	})
}

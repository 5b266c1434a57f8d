package mfa_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// resetOne takes one factor away, in a transaction of its own.
func (w *world) resetOne(id store.AccountID, method signin.Method) mfa.ResetResult {
	w.t.Helper()
	var r mfa.ResetResult
	w.tx(func(tx *store.Tx) (err error) {
		r, err = w.ResetOne(w.t.Context(), tx, w.row(id), method, w.clock.now())
		return err
	})
	return r
}

// give adds factors to an account as if they had been set up; the first of an account is its main one.
func (w *world) give(id store.AccountID, methods ...signin.Method) {
	w.t.Helper()
	ctx, now := w.t.Context(), w.clock.now()
	for _, m := range methods {
		address := map[signin.Method]string{signin.SMS: "+819012345678", signin.Email: w.row(id).LoginID + "-2fa@example.jp"}[m]
		w.tx(func(tx *store.Tx) error {
			factors, err := tx.ListFactors(ctx, id)
			if err != nil {
				return err
			}
			f, err := tx.UpsertFactor(ctx, store.UpsertFactorParams{
				ID: store.NewID[store.FactorID](), AccountID: id, Kind: string(m), Address: address, Main: len(factors) == 0,
				Position: int64(len(factors)), Now: now,
			})
			if err != nil || m != signin.Passkey {
				return err
			}
			key := store.NewID[store.PasskeyID]()
			return tx.InsertPasskey(ctx, store.InsertPasskeyParams{
				ID: key, AccountID: id, FactorID: f.ID, CredentialID: []byte(key), Record: []byte("x"), Name: "鍵", Now: now,
			})
		})
	}
}

// pending gives an account a ceremony that a browser could still answer.
func (w *world) pending(id store.AccountID) store.CeremonyID {
	w.t.Helper()
	c := store.NewID[store.CeremonyID]()
	w.tx(func(tx *store.Tx) error {
		return tx.InsertCeremony(w.t.Context(), store.InsertCeremonyParams{
			ID: c, Kind: "passkey", Purpose: "signin", AccountID: &id, DataSealed: []byte("x"), Now: w.clock.now(),
			ExpiresAt: w.clock.now().Add(5 * time.Minute),
		})
	})
	return c
}

// spent reports whether a ceremony takes no answer any more.
func (w *world) spent(c store.CeremonyID) bool {
	w.t.Helper()
	var err error
	w.tx(func(tx *store.Tx) error {
		_, err = tx.TakeCeremony(w.t.Context(), store.TakeCeremonyParams{ID: c, Now: w.clock.now()})
		return nil
	})
	return errors.Is(err, store.ErrNotFound)
}

func kindsOf(s mfa.Status) (kinds []string) {
	for _, f := range s.Factors {
		kinds = append(kinds, f.Kind)
	}
	return kinds
}

func TestI17_ResetOfOneFactorKeepsTheOthers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id, codes := w.enrolled("sato")
		w.give(id, signin.Passkey, signin.SMS, signin.TOTP)
		session, flow := w.session(id, signin.Password, signin.Email), w.flow(id)
		grant, ceremony := w.grant(id, session), w.pending(id)
		if err := w.SendSignInCode(ctx, flow, signin.Email, templates.Ja); err != nil {
			t.Fatal(err)
		}
		code := w.code("sato-2fa@example.jp")
		epoch := w.row(id).CredentialEpoch

		r := w.resetOne(id, signin.Passkey)
		if !r.SetUp || len(r.Factors) != 1 || r.Factors[0].Kind != "passkey" || len(r.Left) != 3 {
			t.Errorf("result = %+v, want the passkeys taken", r)
		}
		if diff := cmp.Diff([]string{"sato-2fa@example.jp", "sato@example.jp"}, r.Notified); diff != "" {
			t.Errorf("notified (-want +got):\n%s", diff)
		}
		s := w.status(id)
		if diff := cmp.Diff([]string{"email", "sms", "totp"}, kindsOf(s)); diff != "" || !s.Factors[0].Main || s.BackupCodesLeft != 10 || len(s.Passkeys) != 0 {
			t.Errorf("status = %+v", s)
		}
		if keys, err := w.db.Read().ListPasskeys(ctx, id); err != nil || len(keys) != 0 {
			t.Errorf("keys = %+v, %v", keys, err)
		}
		// Everything that rests on the former factors is over, that by other factors included.
		if acc := w.row(id); acc.CredentialEpoch != epoch+1 || acc.TwoFactor != "use" {
			t.Errorf("account = %+v", acc)
		}
		if !w.dead(session) || !w.gone(flow) || !w.revoked(grant) || !w.spent(ceremony) {
			t.Error("a session, sign-in, grant or ceremony goes on")
		}
		_, err := w.VerifySignInCode(ctx, flow, signin.Email, code, false)
		wantErr(t, "a code of before", err, mfa.ErrFlowGone)
		mails := w.mails()
		for _, m := range mails {
			if m.Kind != delivery.KindReset {
				t.Errorf("mail of kind %s leaves after the reset", m.Kind)
			}
		}
		if len(mails) != 2 {
			t.Errorf("%d mails, want 2", len(mails))
		}
		// With what stayed the person signs in.
		f := w.flow(id)
		if _, err := w.VerifyBackupCode(ctx, f, codes[0]); err != nil {
			t.Errorf("backup code: %v", err)
		}
	})
}

func TestI17_ResetOfTheMainFactorMakesTheNextOneThat(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id, _ := w.enrolled("sato")
		w.give(id, signin.SMS, signin.TOTP)
		w.tx(func(tx *store.Tx) error { // the person wants the app before SMS
			totp, err := tx.GetFactorByKind(t.Context(), store.GetFactorByKindParams{AccountID: id, Kind: "totp"})
			if err != nil {
				return err
			}
			_, err = tx.SetFactorPosition(t.Context(), store.SetFactorPositionParams{ID: totp.ID, AccountID: id, Position: -1})
			return err
		})
		// The address that went hears of it as well as the registered one.
		if r := w.resetOne(id, signin.Email); !slices.Equal(r.Notified, []string{"sato-2fa@example.jp", "sato@example.jp"}) || r.Left[0].Kind != "totp" || !r.Left[0].Main {
			t.Errorf("result = %+v", r)
		}
		s := w.status(id)
		if main, ok := s.Main(); !ok || main.Kind != "totp" || len(s.Factors) != 2 || s.BackupCodesLeft != 10 {
			t.Errorf("status = %+v, want the app as the main factor", s)
		}
		// A phone number is no mail address, and no mail may try to get there.
		if r := w.resetOne(id, signin.SMS); !slices.Equal(r.Notified, []string{"sato@example.jp"}) {
			t.Errorf("result = %+v", r)
		}
	})
}

func TestI17_ResetOfTheLastFactorIsAFullOne(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id, codes := w.enrolled("sato")
		if r := w.resetOne(id, signin.Email); !r.SetUp || len(r.Left) != 0 || len(r.Factors) != 1 || len(r.Notified) != 2 {
			t.Errorf("result = %+v", r)
		}
		if s := w.status(id); s.SetUp() || s.BackupCodesLeft != 0 {
			t.Errorf("status = %+v, want nothing set up", s)
		}
		f := w.flow(id)
		if err := w.checkSetUp(ctx, f); err != nil {
			t.Errorf("set-up after the reset: %v", err)
		}
		_, err := w.VerifyBackupCode(ctx, f, codes[0])
		wantErr(t, "old backup code", err, mfa.ErrWrongStep)
	})
}

func TestM08_ResetOfAFactorThatIsNotThereChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id, _ := w.enrolled("sato")
		session, flow := w.session(id, signin.Password, signin.Email), w.flow(id)
		before, status := w.row(id), w.status(id)
		for range 2 {
			if r := w.resetOne(id, signin.TOTP); r.SetUp || len(r.Factors) != 0 || len(r.Notified) != 0 {
				t.Errorf("result = %+v, want nothing", r)
			}
		}
		if diff := cmp.Diff(before, w.row(id)); diff != "" {
			t.Errorf("account (-before +after):\n%s", diff)
		}
		if diff := cmp.Diff(status, w.status(id)); diff != "" || w.dead(session) || w.gone(flow) || len(w.mails()) != 0 {
			t.Errorf("a session or sign-in ended, or status (-before +after):\n%s", diff)
		}
		none := w.account("tanaka", "use")
		if r := w.resetOne(none, signin.Email); r.SetUp {
			t.Errorf("result = %+v, want nothing", r)
		}
	})
}

// An operator's reset lets people try again who failed with what is gone, but forgets no failures of what stays.
func TestI7_ResetOfOneFactorKeepsTheCountsOfOthers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id, _ := w.enrolled("sato")
		w.give(id, signin.TOTP)
		w.tx(func(tx *store.Tx) error {
			_, err := tx.RecordFactorFailure(ctx, store.RecordFactorFailureParams{ID: w.factor(id).ID, Ceiling: 100, Now: w.clock.now()})
			return err
		})
		w.resetOne(id, signin.TOTP)
		if f := w.factor(id); f.Failures != 1 {
			t.Errorf("%d failures are counted, want the 1 of before", f.Failures)
		}
	})
}

// What was mailed to undo a change of the address must not bring it back after staff took it away.
func TestI19_ResetVoidsTickets(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		ticket := func(id store.AccountID) []byte {
			hash := []byte(store.NewID[string]())
			w.tx(func(tx *store.Tx) error {
				return tx.InsertTicket(ctx, store.InsertTicketParams{
					ID: store.NewID[store.TicketID](), Purpose: "undo", AccountID: id, SecretHash: hash, Data: []byte(`{}`),
					Now: w.clock.now(), ExpiresAt: w.clock.now().Add(72 * time.Hour),
				})
			})
			return hash
		}
		opens := func(hash []byte) bool {
			_, err := w.db.Read().GetTicket(ctx, store.GetTicketParams{SecretHash: hash, Purpose: "undo", Now: w.clock.now()})
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				t.Fatal(err)
			}
			return err == nil
		}
		id, _ := w.enrolled("sato")
		w.give(id, signin.TOTP, signin.SMS)
		own, foreign := ticket(id), ticket(w.account("suzuki", "use"))
		if w.resetOne(id, signin.SMS); !opens(own) {
			t.Error("the reset of another factor voids the ticket of the address")
		}
		if w.resetOne(id, signin.Email); opens(own) {
			t.Error("the ticket survives the reset of the address")
		}
		own = ticket(id)
		if w.reset(id); opens(own) || !opens(foreign) {
			t.Error("the ticket survives the reset, or another account's does not")
		}
	})
}

func TestI11_ResetOfOneFactorAgainstASignInAtTheSameTime(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		for _, method := range []signin.Method{signin.Email, signin.TOTP} {
			id, _ := w.enrolled("p-" + string(method))
			w.give(id, signin.TOTP, signin.SMS)
			f := w.flow(id)
			if err := w.SendSignInCode(ctx, f, signin.Email, templates.Ja); err != nil {
				t.Fatal(err)
			}
			address := w.factor(id).Address
			code := w.code(address)
			var secret string
			ends := race(t, 2, func(i int) error {
				if i == 0 {
					done, err := w.VerifySignInCode(ctx, f, signin.Email, code, false)
					secret = done.Secret
					return err
				}
				return w.db.InTx(ctx, func(tx *store.Tx) error {
					acc, err := tx.GetAccount(ctx, id)
					if err != nil {
						return err
					}
					_, err = w.ResetOne(ctx, tx, acc, method, w.clock.now())
					return err
				})
			})
			// Whichever came first, the sign-in that began with the factor goes no further.
			if secret != "" {
				f.SecretHash = web.HashToken(secret)
			}
			if !w.gone(f) {
				t.Errorf("%s: the sign-in survives the reset (ends %v)", method, ends)
			}
			if kinds := kindsOf(w.status(id)); len(kinds) != 2 || slices.Contains(kinds, string(method)) {
				t.Errorf("%s: factors %v (ends %v)", method, kinds, ends)
			}
		}
	})
}

func TestI11_ResetOfOneFactorAgainstASetUpAtTheSameTime(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		for range 3 {
			id := w.account("tanaka-"+store.NewID[string](), "use")
			address := w.row(id).LoginID + "@mail.example.jp"
			f := w.flow(id)
			if err := w.SendSetUpCode(ctx, f, mfa.EmailTo(address), templates.Ja); err != nil {
				t.Fatal(err)
			}
			code := w.code(address)
			var r mfa.ResetResult
			ends := race(t, 2, func(i int) error {
				if i == 0 {
					_, err := w.VerifySetUpCode(ctx, f, mfa.EmailTo(address), code, templates.Ja)
					return err
				}
				return w.db.InTx(ctx, func(tx *store.Tx) error {
					acc, err := tx.GetAccount(ctx, id)
					if err != nil {
						return err
					}
					r, err = w.ResetOne(ctx, tx, acc, signin.Email, w.clock.now())
					return err
				})
			})
			// The reset came first and found nothing, or the set-up did and all of it is gone again: never half of either.
			s := w.status(id)
			if ends["ok"] != 2 || s.SetUp() == r.SetUp || s.SetUp() != (s.BackupCodesLeft == 10) || r.SetUp && !w.gone(f) {
				t.Errorf("status %+v, reset %+v (ends %v)", s, r, ends)
			}
		}
	})
}

func TestI11_ResetOfOneFactorAgainstAChangeAtTheSameTime(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id, _ := w.enrolled("sato")
		w.give(id, signin.TOTP)
		session := w.session(id, signin.Password, signin.Email)
		if err := w.SendChangeCode(ctx, session, mfa.EmailTo("new@example.jp"), templates.Ja); err != nil {
			t.Fatal(err)
		}
		code := w.code("new@example.jp")
		ends := race(t, 2, func(i int) error {
			if i == 0 {
				_, err := w.VerifyChangeCode(ctx, session, mfa.EmailTo("new@example.jp"), code, templates.Ja)
				return err
			}
			return w.db.InTx(ctx, func(tx *store.Tx) error {
				acc, err := tx.GetAccount(ctx, id)
				if err != nil {
					return err
				}
				_, err = w.ResetOne(ctx, tx, acc, signin.Email, w.clock.now())
				return err
			})
		})
		// Whichever came first, the address is gone and so is the session.
		if diff := cmp.Diff([]string{"totp"}, kindsOf(w.status(id))); diff != "" || !w.dead(session) {
			t.Errorf("the session goes on, or factors (-want +got):\n%s (ends %v)", diff, ends)
		}
	})
}

// Whoever signs in with a passkey holds it before its factor, and so does whoever takes both away: neither may stop the other.
func TestI11_ResetAgainstAPasskeySignInAtTheSameTime(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		for i := range 6 {
			id, key := w.account("tanaka-"+store.NewID[string](), "use"), phoneKey()
			w.enrolPasskey(id, key)
			if i%2 == 0 {
				w.give(id, signin.SMS)
			}
			f := w.stranger("store")
			options, err := w.PasskeyLogin(ctx, f)
			answer := answerTo(t, key.Get, options, err)
			secret := ""
			ends := race(t, 2, func(n int) error {
				if n == 0 {
					var err error
					secret, err = w.VerifyLogin(ctx, f, answer)
					return err
				}
				return w.db.InTx(ctx, func(tx *store.Tx) error {
					acc, err := tx.GetAccount(ctx, id)
					if err != nil {
						return err
					}
					_, err = w.ResetOne(ctx, tx, acc, signin.Passkey, w.clock.now())
					return err
				})
			})
			if secret != "" {
				f.SecretHash = web.HashToken(secret)
				if !w.gone(f) {
					t.Errorf("the sign-in survives the reset (ends %v)", ends)
				}
			}
			if s := w.status(id); len(s.Passkeys) != 0 || slices.Contains(kindsOf(s), "passkey") {
				t.Errorf("status = %+v (ends %v)", s, ends)
			}
		}
	})
}

func TestCouldProve(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		surface := func(allowed string, level signin.Level) store.Surface {
			return store.Surface{ID: "store", AccountKind: "store", Enforced: true, AllowedMethods: allowed, SecondLevel: int64(level)}
		}
		id, _ := w.enrolled("sato") // email and ten backup codes
		for name, tc := range map[string]struct {
			account store.AccountID
			surface store.Surface
			want    bool
		}{
			"accepted":             {id, surface("email totp", signin.Level2FAEmail), true},
			"everything accepted":  {id, surface("", signin.Level2FAEmail), true},
			"not accepted":         {id, surface("totp passkey", signin.Level2FAEmail), false},
			"too weak, codes left": {id, surface("", signin.Level2FA), false},
			"nothing set up":       {w.account("tanaka", "use"), surface("totp", signin.Level2FA), true},
		} {
			got, err := w.CouldProve(ctx, w.db.Read(), w.row(tc.account), tc.surface)
			if err != nil || got != tc.want {
				t.Errorf("%s: %v, %v; want %v", name, got, err, tc.want)
			}
		}
		// Where signing in needs no factor, changes of settings still do.
		off := surface("totp", signin.Level2FA)
		off.Enforced = false
		acc := w.row(id)
		acc.TwoFactor = "dont_use"
		if got, err := w.CouldProve(ctx, w.db.Read(), acc, off); err != nil || got {
			t.Errorf("password alone: %v, %v; want false", got, err)
		}
	})
}

package mfa_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// with gives an account a factor of a kind behind those it has, as its set-up would have left it.
func (w *world) with(id store.AccountID, kind signin.Method, address string) store.Factor {
	w.t.Helper()
	var f store.Factor
	w.tx(func(tx *store.Tx) error {
		factors, err := tx.ListFactors(w.t.Context(), id)
		if err != nil {
			return err
		}
		f, err = tx.UpsertFactor(w.t.Context(), store.UpsertFactorParams{
			ID: store.NewID[store.FactorID](), AccountID: id, Kind: string(kind), Address: address, Main: len(factors) == 0,
			Position: int64(len(factors)), Now: w.clock.now(),
		})
		return err
	})
	return f
}

// order is how the account's factors are offered.
func (w *world) order(id store.AccountID) string {
	w.t.Helper()
	var kinds []string
	mains := 0
	for _, f := range w.status(id).Factors {
		kinds = append(kinds, f.Kind)
		if f.Main {
			mains++
		}
	}
	if len(kinds) > 0 && (mains != 1 || !w.status(id).Factors[0].Main) {
		w.t.Errorf("%d main factors among %v, want the first", mains, kinds)
	}
	return strings.Join(kinds, " ")
}

// notices takes the mails out and names kind and recipient of each, codes apart.
func (w *world) notices() []string {
	w.t.Helper()
	var out []string
	for _, m := range w.mails() {
		if m.Kind != "code" {
			out = append(out, m.Kind+" "+m.To)
		}
	}
	return out
}

// trustABrowser makes a browser that is not asked for a code.
func (w *world) trustABrowser(id store.AccountID) {
	w.t.Helper()
	_, hash := web.NewToken()
	w.tx(func(tx *store.Tx) error {
		return tx.InsertTrustedDevice(w.t.Context(), store.InsertTrustedDeviceParams{
			ID: store.NewID[store.DeviceID](), AccountID: id, CredentialEpoch: w.row(id).CredentialEpoch, Name: "Chrome / Windows", SecretHash: hash, Method: "email",
			Now: w.clock.now(), ExpiresAt: w.clock.now().AddDate(0, 0, 30),
		})
	})
}

// enforce makes a surface demand two factors of everybody.
func (w *world) enforce(surface string) {
	w.t.Helper()
	w.tx(func(tx *store.Tx) error {
		n, err := tx.SetSurfaceEnforced(w.t.Context(), store.SetSurfaceEnforcedParams{ID: surface, Enforced: true, Now: w.clock.now()})
		if err == nil && n != 1 {
			err = errors.New("surface was enforced already")
		}
		return err
	})
}

func TestI11_ANewOrderEndsTheRest(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id, _ := w.enrolled("sato")
		w.with(id, signin.TOTP, "")
		w.with(id, signin.SMS, "+819012345678")
		session := w.session(id, signin.Password, signin.Email)
		other, pending := w.session(id, signin.Password, signin.Email), w.flow(id)
		kept, lost := w.grant(id, session), w.grant(id, other)
		w.trustABrowser(id)
		before, err := w.db.Read().GetSession(ctx, session)
		if err != nil {
			t.Fatal(err)
		}

		want := []signin.Method{signin.SMS, signin.Email, signin.TOTP}
		token, err := w.SetOrder(ctx, session, want, templates.Ja)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.order(id); got != "sms email totp" {
			t.Errorf("order is %s", got)
		}
		after, err := w.db.Read().GetSession(ctx, session)
		if err != nil || string(after.TokenHash) != string(web.HashToken(token)) || string(after.TokenHash) == string(before.TokenHash) {
			t.Errorf("the acting session has no new token (%v)", err)
		}
		if w.dead(session) || w.revoked(kept) {
			t.Error("the acting session or what it gave out ended")
		}
		if !w.dead(other) || !w.gone(pending) || !w.revoked(lost) || len(w.status(id).Devices) != 0 {
			t.Error("something else of the account goes on")
		}
		if diff := cmp.Diff([]string{"order_changed sato-2fa@example.jp", "order_changed sato@example.jp"}, w.notices()); diff != "" {
			t.Errorf("notices (-want +got):\n%s", diff)
		}
		if n := w.events(id, "2fa.order", "success"); n != 1 {
			t.Errorf("%d events, want 1", n)
		}

		// The challenge offers them in that order, as far as this installation can.
		f := w.flow(id)
		c, err := w.Challenge(ctx, f, "")
		if err != nil || c.Method != signin.SMS {
			t.Errorf("offered first: %s, %v", c.Method, err)
		}

		// The button pressed again changes nothing and tells nobody.
		epoch := w.row(id).CredentialEpoch
		_, err = w.SetOrder(ctx, session, want, templates.Ja)
		wantErr(t, "the same order", err, mfa.ErrJustDone)
		if w.row(id).CredentialEpoch != epoch || len(w.mails()) != 0 || w.gone(f) {
			t.Error("the same order changed something")
		}
	})
}

func TestOrdersThatAreNotTheAccounts(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id, _ := w.enrolled("sato")
		w.with(id, signin.TOTP, "")
		session := w.session(id, signin.Password, signin.Email)
		epoch := w.row(id).CredentialEpoch
		for _, order := range [][]signin.Method{
			nil,
			{signin.TOTP},
			{signin.TOTP, signin.TOTP},
			{signin.TOTP, signin.Email, signin.Email},
			{signin.TOTP, signin.Email, signin.SMS},
			{signin.TOTP, signin.SMS},
			{signin.TOTP, "email "},
			{signin.TOTP, signin.Password},
			{"", signin.TOTP, signin.Email},
		} {
			_, err := w.SetOrder(t.Context(), session, order, templates.Ja)
			wantErr(t, fmt.Sprint(order), err, mfa.ErrOrder)
		}
		if got := w.order(id); got != "email totp" || w.row(id).CredentialEpoch != epoch || len(w.mails()) != 0 {
			t.Errorf("order is %s, or something else changed", got)
		}
	})
}

func TestI13_OrderAndRemovalNeedAFreshProof(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id, _ := w.enrolled("sato")
		w.with(id, signin.TOTP, "")
		stale := w.session(id, signin.Password, signin.Email)
		w.clock.pass(5*time.Minute + time.Second)
		half := w.session(id, signin.Password) // a fresh password, no fresh factor
		for _, s := range []store.SessionID{stale, half} {
			_, err := w.Order(ctx, s)
			wantErr(t, "order's page", err, mfa.ErrNotFresh)
			_, err = w.SetOrder(ctx, s, []signin.Method{signin.TOTP, signin.Email}, templates.Ja)
			wantErr(t, "order", err, mfa.ErrNotFresh)
			_, err = w.Removal(ctx, s, signin.TOTP)
			wantErr(t, "removal's page", err, mfa.ErrNotFresh)
			_, err = w.RemoveFactor(ctx, s, signin.TOTP, templates.Ja)
			wantErr(t, "removal", err, mfa.ErrNotFresh)
		}
		if got := w.order(id); got != "email totp" || len(w.mails()) != 0 {
			t.Errorf("order is %s, or somebody was told", got)
		}
	})
}

func TestI11_ARemovalEndsTheRest(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id, codes := w.enrolled("sato")
		w.with(id, signin.TOTP, "")
		w.with(id, signin.Passkey, "")
		session := w.session(id, signin.Password, signin.Email)
		other, pending := w.session(id, signin.Password, signin.Email), w.flow(id)
		kept, lost := w.grant(id, session), w.grant(id, other)
		w.trustABrowser(id)
		if err := w.SendSignInCode(ctx, pending, signin.Email, templates.Ja); err != nil {
			t.Fatal(err)
		}
		w.mails()

		r, err := w.Removal(ctx, session, signin.Email)
		if diff := cmp.Diff(mfa.Removal{Method: signin.Email, Address: "sato-2fa@example.jp", NextMain: signin.TOTP}, r); diff != "" || err != nil {
			t.Errorf("page: %v (-want +got):\n%s", err, diff)
		}
		token, err := w.RemoveFactor(ctx, session, signin.Email, templates.Ja)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.order(id); got != "totp passkey" {
			t.Errorf("left are %s", got)
		}
		s, err := w.db.Read().GetSession(ctx, session)
		if err != nil || string(s.TokenHash) != string(web.HashToken(token)) || w.dead(session) || w.revoked(kept) {
			t.Errorf("the acting session does not go on under a new token (%v)", err)
		}
		if !w.dead(other) || !w.gone(pending) || !w.revoked(lost) || len(w.status(id).Devices) != 0 {
			t.Error("something else of the account goes on")
		}
		if left := w.status(id).BackupCodesLeft; left != len(codes) {
			t.Errorf("%d backup codes left, want all", left)
		}
		if diff := cmp.Diff([]string{"factor_removed sato-2fa@example.jp", "factor_removed sato@example.jp"}, w.notices()); diff != "" {
			t.Errorf("notices (-want +got):\n%s", diff)
		}
		if n := w.events(id, "2fa.remove", "success"); n != 1 {
			t.Errorf("%d events, want 1", n)
		}
		_, err = w.RemoveFactor(ctx, session, signin.Email, templates.Ja)
		wantErr(t, "once more", err, mfa.ErrMethod)
		for _, m := range []signin.Method{signin.SMS, signin.Backup, signin.Password, signin.TrustedDevice, ""} {
			_, err = w.RemoveFactor(ctx, session, m, templates.Ja)
			wantErr(t, string(m), err, mfa.ErrMethod)
		}
	})
}

func TestRemovalOfPasskeysTakesThemAll(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id, _ := w.enrolled("sato")
		other, _ := w.enrolled("suzuki")
		for i, owner := range []store.AccountID{id, id, other} {
			f := w.with(owner, signin.Passkey, "")
			w.tx(func(tx *store.Tx) error {
				return tx.InsertPasskey(ctx, store.InsertPasskeyParams{
					ID: store.NewID[store.PasskeyID](), AccountID: owner, FactorID: f.ID, CredentialID: []byte{byte(i)}, Record: []byte{1},
					Name: "iPhone", Now: w.clock.now(),
				})
			})
		}
		if _, err := w.RemoveFactor(ctx, w.session(id, signin.Password, signin.Passkey), signin.Passkey, templates.Ja); err != nil {
			t.Fatal(err)
		}
		for owner, want := range map[store.AccountID]int{id: 0, other: 1} {
			keys, err := w.db.Read().ListPasskeys(ctx, owner)
			if err != nil || len(keys) != want {
				t.Errorf("%d passkeys, want %d (%v)", len(keys), want, err)
			}
		}
		if mine, theirs := w.order(id), w.order(other); mine != "email" || theirs != "email passkey" {
			t.Errorf("left are %q and, of somebody else, %q", mine, theirs)
		}
	})
}

func TestI16_TheLastFactorThatWouldDoStays(t *testing.T) {
	for name, tt := range map[string]struct {
		twoFactor string
		prepare   func(w *world, id store.AccountID)
		refused   bool
	}{
		"switch is use":                    {"use", func(*world, store.AccountID) {}, true},
		"surface enforces":                 {"dont_use", func(w *world, _ store.AccountID) { w.enforce("store") }, true},
		"neither":                          {"dont_use", func(*world, store.AccountID) {}, false},
		"another surface enforces":         {"dont_use", func(w *world, _ store.AccountID) { w.enforce("admin") }, false},
		"another factor":                   {"use", func(w *world, id store.AccountID) { w.with(id, signin.TOTP, "") }, false},
		"another that is closed":           {"use", func(w *world, id store.AccountID) { w.close(w.with(id, signin.TOTP, "")) }, true},
		"another the surface accepts":      {"use", func(w *world, id store.AccountID) { w.with(id, signin.TOTP, ""); w.allow("totp passkey", 20) }, false},
		"another the surface does not":     {"use", func(w *world, id store.AccountID) { w.with(id, signin.SMS, "+819012345678"); w.allow("email totp", 20) }, true},
		"another that proves too little":   {"use", func(w *world, id store.AccountID) { w.with(id, signin.SMS, "+819012345678"); w.allow("", 40) }, true},
		"nothing demanded, none would do":  {"dont_use", func(w *world, id store.AccountID) { w.close(w.with(id, signin.TOTP, "")) }, false},
		"enforced, another would do there": {"dont_use", func(w *world, id store.AccountID) { w.enforce("store"); w.with(id, signin.TOTP, "") }, false},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				ctx := t.Context()
				id := w.account("sato", tt.twoFactor)
				w.with(id, signin.Email, "sato-2fa@example.jp")
				session := w.session(id, signin.Password, signin.Email, signin.Passkey) // as much as any surface asks for
				if _, err := w.RegenerateCodes(ctx, session, templates.Ja); err != nil {
					t.Fatal(err)
				}
				w.mails()
				tt.prepare(w, id)
				epoch, before := w.row(id).CredentialEpoch, w.order(id)

				r, err := w.Removal(ctx, session, signin.Email)
				if err != nil || r.Refused != tt.refused {
					t.Errorf("page = %+v, %v; want refused %v", r, err, tt.refused)
				}
				_, err = w.RemoveFactor(ctx, session, signin.Email, templates.Ja)
				if !tt.refused {
					if err != nil {
						t.Fatal(err)
					}
					if strings.Contains(w.order(id), "email") || w.status(id).BackupCodesLeft != map[bool]int{true: 0, false: 10}[r.Last] {
						t.Errorf("status = %+v after a removal, last %v", w.status(id), r.Last)
					}
					return
				}
				wantErr(t, "removal", err, mfa.ErrLastFactor)
				if w.order(id) != before || w.row(id).CredentialEpoch != epoch || len(w.mails()) != 0 {
					t.Error("the refused removal did something")
				}
				if n := w.events(id, "2fa.remove", "refused"); n != 1 {
					t.Errorf("%d refusals written down, want 1", n)
				}
			})
		})
	}
}

// close closes a factor, as too many wrong codes do.
func (w *world) close(f store.Factor) {
	w.t.Helper()
	w.tx(func(tx *store.Tx) error {
		_, err := tx.RecordFactorFailure(w.t.Context(), store.RecordFactorFailureParams{Ceiling: 1, Now: w.clock.now(), ID: f.ID})
		return err
	})
}

// allow sets what the store's surface accepts and how much two factors must prove.
func (w *world) allow(methods string, level int64) {
	w.t.Helper()
	surface, err := w.db.Read().GetSurface(w.t.Context(), "store")
	if err != nil {
		w.t.Fatal(err)
	}
	w.tx(func(tx *store.Tx) error {
		n, err := tx.SetSurfaceMethods(w.t.Context(), store.SetSurfaceMethodsParams{
			ID: "store", AllowedMethods: methods, SecondLevel: level, TrustDays: 30, Version: surface.UpdatedAt, Now: w.clock.now(),
		})
		if err == nil && n != 1 {
			err = errors.New("the surface was changed meanwhile")
		}
		return err
	})
}

// Whoever removes what, from whichever sessions, at the same moment: an account that needs a second factor keeps one.
func TestI11_ParallelRemovalsLeaveAFactor(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id, _ := w.enrolled("sato")
		for round := range 6 {
			for _, m := range []signin.Method{signin.TOTP, signin.SMS} {
				w.with(id, m, map[signin.Method]string{signin.SMS: "+819012345678"}[m])
			}
			if !strings.Contains(w.order(id), "email") {
				w.with(id, signin.Email, "sato-2fa@example.jp")
			}
			one := w.session(id, signin.Password, signin.Email)
			sessions := []store.SessionID{one, one, one}
			if round%2 == 1 {
				sessions = []store.SessionID{one, w.session(id, signin.Password, signin.Email), w.session(id, signin.Password, signin.Email)}
			}
			methods := []signin.Method{signin.Email, signin.TOTP, signin.SMS}
			ends := race(t, 9, func(i int) error {
				_, err := w.RemoveFactor(ctx, sessions[i%3], methods[i/3], templates.Ja)
				return err
			})
			if left := len(w.status(id).Factors); left == 0 {
				t.Fatalf("nothing is left (ends %v)", ends)
			}
			w.order(id) // one of them is the main one
			if ends["ok"] == 0 || ends["ok"] > 2 {
				t.Errorf("ends = %v, want one or two removals", ends)
			}
			for end := range ends {
				if !slices.Contains([]string{"ok", mfa.ErrLastFactor.Error(), mfa.ErrMethod.Error(), mfa.ErrSessionGone.Error()}, end) {
					t.Errorf("end %q", end)
				}
			}
			w.clock.pass(time.Hour) // budgets of notices
			w.mails()
			for _, f := range w.status(id).Factors {
				w.tx(func(tx *store.Tx) error {
					_, err := tx.DeleteFactor(ctx, store.DeleteFactorParams{ID: f.ID, AccountID: id})
					return err
				})
			}
			w.with(id, signin.Email, "sato-2fa@example.jp")
		}
	})
}

// A sign-in that proves a factor and ends beside the factor's removal leaves nothing that opens anything.
func TestI11_RemovalBesideSignIns(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id, _ := w.enrolled("sato")
		w.with(id, signin.TOTP, "")
		for range 4 {
			if !strings.Contains(w.order(id), "email") {
				w.with(id, signin.Email, "sato-2fa@example.jp")
			}
			acting := w.session(id, signin.Password, signin.TOTP)
			flows := []store.Flow{w.flow(id), w.flow(id), w.flow(id)}
			if err := w.SendSignInCode(ctx, flows[0], signin.Email, templates.Ja); err != nil {
				t.Fatal(err)
			}
			code := w.code("sato-2fa@example.jp")
			made := make([]store.SessionID, 8)
			ends := race(t, len(made), func(i int) error {
				switch i % 4 {
				case 0:
					_, err := w.VerifySignInCode(ctx, flows[0], signin.Email, code, false)
					return err
				case 1:
					_, err := w.RemoveFactor(ctx, acting, signin.Email, templates.Ja)
					return err
				default:
					s, err := w.finish(flows[i%4-1], i < 4)
					if err == nil {
						made[i] = s
					}
					return err
				}
			})
			if strings.Contains(w.order(id), "email") {
				t.Fatalf("the factor was not removed (ends %v)", ends)
			}
			for _, s := range made {
				if s != "" && !w.dead(s) {
					t.Error("a session that was made beside it survives")
				}
			}
			for _, f := range flows {
				if !w.gone(f) {
					t.Error("a sign-in survives")
				}
			}
			if w.dead(acting) {
				t.Fatal("the acting session ended")
			}
			if _, err := w.VerifySignInCode(ctx, w.flow(id), signin.Email, code, false); !errors.Is(err, mfa.ErrMethod) && !errors.Is(err, mfa.ErrNotSent) {
				t.Errorf("the removed factor's code: %v", err)
			}
			w.clock.pass(time.Hour)
			w.mails()
		}
	})
}

// Everything that changes one account from its own page, at once: each waits its turn or comes too late.
func TestI11_OrdersRemovalsAndChangesAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id, _ := w.enrolled("sato")
		orders := [][]signin.Method{
			{signin.SMS, signin.TOTP, signin.Email}, {signin.TOTP, signin.Email, signin.SMS}, {signin.Email, signin.SMS, signin.TOTP},
		}
		for round := range 3 {
			w.with(id, signin.TOTP, "")
			w.with(id, signin.SMS, "+819012345678")
			session := w.session(id, signin.Password, signin.Email)
			address := fmt.Sprintf("new%d@example.jp", round)
			if err := w.SendChangeCode(ctx, session, mfa.EmailTo(address), templates.Ja); err != nil {
				t.Fatal(err)
			}
			code := w.code(address)
			race(t, 12, func(i int) error {
				var err error
				switch i % 4 {
				case 0:
					_, err = w.SetOrder(ctx, session, orders[i/4], templates.Ja)
				case 1:
					_, err = w.RemoveFactor(ctx, session, []signin.Method{signin.TOTP, signin.SMS, signin.TOTP}[i/4], templates.Ja)
				case 2:
					_, err = w.VerifyChangeCode(ctx, session, mfa.EmailTo(address), code, templates.Ja)
				default:
					err = w.EndOtherSessions(ctx, session)
				}
				return err
			})
			if got := w.order(id); got != "email" || w.dead(session) {
				t.Errorf("left are %s, acting session dead %v", got, w.dead(session))
			}
			w.clock.pass(time.Hour)
			w.mails()
		}
	})
}

func TestI14_OrderAndRemovalTouchTheOwnAccountAlone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		mine, _ := w.enrolled("sato")
		theirs, _ := w.enrolled("suzuki")
		for _, id := range []store.AccountID{mine, theirs} {
			w.with(id, signin.TOTP, "")
		}
		held := w.session(theirs, signin.Password, signin.Email)
		session := w.session(mine, signin.Password, signin.Email)
		if _, err := w.SetOrder(ctx, session, []signin.Method{signin.TOTP, signin.Email}, templates.Ja); err != nil {
			t.Fatal(err)
		}
		if _, err := w.RemoveFactor(ctx, session, signin.TOTP, templates.Ja); err != nil {
			t.Fatal(err)
		}
		if a, b := w.order(mine), w.order(theirs); a != "email" || b != "email totp" || w.dead(held) {
			t.Errorf("orders are %q and %q", a, b)
		}
		_, err := w.SetOrder(ctx, store.NewID[store.SessionID](), nil, templates.Ja)
		wantErr(t, "no session", err, mfa.ErrSessionGone)
		_, err = w.RemoveFactor(ctx, store.NewID[store.SessionID](), signin.Email, templates.Ja)
		wantErr(t, "no session", err, mfa.ErrSessionGone)
	})
}

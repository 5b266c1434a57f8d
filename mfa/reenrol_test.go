package mfa_test

import (
	"strings"
	"testing"
	"time"

	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

const issuer = "desk"

// byTicket makes store accounts need a ticket after a reset.
func (w *world) byTicket() {
	w.t.Helper()
	w.tx(func(tx *store.Tx) error {
		_, err := tx.SetSurfaceReenrol(w.t.Context(), store.SetSurfaceReenrolParams{
			ID: "store", Reenrol: store.ReenrolByTicket, Former: store.ReenrolOpen, Now: w.clock.now(),
		})
		return err
	})
}

// reenrolTicket issues a ticket and returns it, as it is mailed or shown to its issuer.
func (w *world) reenrolTicket(id store.AccountID, by mfa.Handover) string {
	w.t.Helper()
	w.tx(func(tx *store.Tx) error {
		acc, err := tx.HoldAccount(w.t.Context(), id)
		if err != nil {
			return err
		}
		_, err = w.IssueTicket(w.t.Context(), tx, acc, issuer, by, w.clock.now())
		return err
	})
	if by == mfa.HandoverMail {
		for _, m := range w.mails() {
			if m.Kind == delivery.KindReenrolTicket {
				return m.Code
			}
		}
		w.t.Fatal("no ticket was mailed")
	}
	s, err := w.TicketStatus(w.t.Context(), w.db.Read(), w.row(id), issuer)
	if err != nil || s.Code == "" {
		w.t.Fatalf("%+v, %v", s, err)
	}
	return s.Code
}

// wrongTicket is a ticket that is not the right one.
func wrongTicket(code string) string {
	if code == "00000000" {
		return "00000001"
	}
	return "00000000"
}

// resetByTicket gives an account a past: it was set up and reset while tickets were demanded.
func (w *world) resetByTicket(login string) store.AccountID {
	w.t.Helper()
	id, _ := w.enrolled(login)
	w.byTicket()
	w.reset(id)
	w.mails()
	return id
}

func TestReenrolAsksForTheTicketFirst(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id := w.resetByTicket("sato")
		address := mfa.EmailTo("sato-new@example.jp")
		f := w.flow(id)
		wantErr(t, "the choice of methods", w.checkSetUp(ctx, f), mfa.ErrWrongStep)
		wantErr(t, "a code", w.SendSetUpCode(ctx, f, address, templates.Ja), mfa.ErrWrongStep)
		_, err := w.VerifyTicket(ctx, f, "12345678")
		wantErr(t, "a guess where there is no ticket", err, mfa.ErrWrongCode)

		code := w.reenrolTicket(id, mfa.HandoverStaff)
		for typed, want := range map[string]error{"": mfa.ErrCodeBlank, "1234567": mfa.ErrCodeForm, "1234567x": mfa.ErrCodeForm, wrongTicket(code): mfa.ErrWrongCode} {
			_, err := w.VerifyTicket(ctx, f, typed)
			wantErr(t, typed, err, want)
		}
		secret, err := w.VerifyTicket(ctx, f, code[:4]+" "+code[4:])
		if err != nil {
			t.Fatal(err)
		}
		if !w.gone(f) {
			t.Error("the former secret of the sign-in goes on (I10)")
		}
		f = w.next(f, secret)
		_, err = w.VerifyTicket(ctx, f, code)
		wantErr(t, "where it was given", err, mfa.ErrWrongStep)
		// It is used up, and opens one sign-in.
		_, err = w.VerifyTicket(ctx, w.flow(id), code)
		wantErr(t, "in another sign-in", err, mfa.ErrWrongCode)

		if err := w.SendSetUpCode(ctx, f, address, templates.Ja); err != nil {
			t.Fatal(err)
		}
		if secret, err = w.VerifySetUpCode(ctx, f, address, w.code("sato-new@example.jp"), templates.Ja); err != nil {
			t.Fatal(err)
		}
		f = w.next(f, secret)
		evidence, err := signin.ParseEvidence(f.Evidence)
		if err != nil || evidence.Has(signin.Ticket) || evidence.TwoFactor() == nil || evidence.TwoFactor().Via != "ticket" {
			t.Errorf("evidence %s, %v", f.Evidence, err)
		}
		if w.row(id).TicketDemandedAt != nil {
			t.Error("the demand outlives the set-up")
		}
		if ok, wrong := w.events(id, "2fa.ticket", "success"), w.events(id, "2fa.ticket", "failure"); ok != 1 || wrong != 3 {
			t.Errorf("%d and %d audit rows", ok, wrong)
		}
		// The next sign-in proves what was set up, and says so.
		next := w.flow(id)
		if err := w.SendSignInCode(ctx, next, signin.Email, templates.Ja); err != nil {
			t.Fatal(err)
		}
	})
}

func TestFirstSetUpNeedsNoTicket(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.byTicket()
		w.enrol(w.account("tanaka", "use"), "tanaka-2fa@example.jp")
	})
}

func TestI7_ATicketIsVoidAfterFiveTries(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id := w.resetByTicket("sato")
		code := w.reenrolTicket(id, mfa.HandoverMail)
		for range 5 {
			_, err := w.VerifyTicket(ctx, w.flow(id), wrongTicket(code)) // each in a sign-in of its own: that splits no counter
			wantErr(t, "wrong", err, mfa.ErrWrongCode)
		}
		_, err := w.VerifyTicket(ctx, w.flow(id), code)
		if err == nil || !strings.Contains(err.Error(), "paused") {
			t.Errorf("right away: %v, want the pause", err)
		}
		w.clock.pass(20 * time.Minute)
		_, err = w.VerifyTicket(ctx, w.flow(id), code)
		wantErr(t, "after five wrong ones", err, mfa.ErrWrongCode)
		s, err := w.TicketStatus(ctx, w.db.Read(), w.row(id), issuer)
		if err != nil || s.Live || !s.Spent || s.Code != "" || s.Mail == nil {
			t.Errorf("%+v, %v", s, err)
		}
		again := w.reenrolTicket(id, mfa.HandoverStaff)
		if _, err := w.VerifyTicket(ctx, w.flow(id), again); err != nil {
			t.Errorf("another one: %v", err)
		}
	})
}

func TestI7_GuessesAtATicketAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id := w.resetByTicket("sato")
		code := w.reenrolTicket(id, mfa.HandoverStaff)
		f := w.flow(id)
		flows := []store.Flow{f, f, f, w.flow(id), w.flow(id)}
		if ends := race(t, 5, func(i int) error { _, err := w.VerifyTicket(ctx, flows[i], code); return err }); ends["ok"] != 1 {
			t.Errorf("ends %v, want one winner", ends)
		}
		code = w.reenrolTicket(id, mfa.HandoverStaff)
		var wrong []store.Flow
		for range 16 {
			wrong = append(wrong, w.flow(id))
		}
		ends := race(t, 16, func(i int) error { _, err := w.VerifyTicket(ctx, wrong[i], wrongTicket(code)); return err })
		if ends[mfa.ErrWrongCode.Error()] != 5 {
			t.Errorf("ends %v, want five that were compared", ends)
		}
	})
}

func TestI19_WhatEndsATicket(t *testing.T) {
	for name, end := range map[string]func(w *world, id store.AccountID){
		"half an hour":  func(w *world, _ store.AccountID) { w.clock.pass(30 * time.Minute) },
		"another one":   func(w *world, id store.AccountID) { w.reenrolTicket(id, mfa.HandoverStaff) },
		"another reset": func(w *world, id store.AccountID) { w.reset(id) },
		"another password": func(w *world, id store.AccountID) {
			w.tx(func(tx *store.Tx) error {
				_, err := tx.SetPassword(w.t.Context(), store.SetPasswordParams{ID: id, PasswordHash: "y", Now: new(w.clock.now())})
				return err
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				id := w.resetByTicket("sato")
				code := w.reenrolTicket(id, mfa.HandoverStaff)
				other := w.account("suzuki", "use")
				w.tx(func(tx *store.Tx) error {
					now := w.clock.now()
					return tx.SetTicketDemand(t.Context(), store.SetTicketDemandParams{ID: other, DemandedAt: &now})
				})
				_, err := w.VerifyTicket(t.Context(), w.flow(other), code)
				wantErr(t, "another account's", err, mfa.ErrWrongCode)
				end(w, id)
				if w.row(id).TicketDemandedAt == nil {
					t.Error("the demand ended with the ticket")
				}
				_, err = w.VerifyTicket(t.Context(), w.flow(id), code)
				wantErr(t, name, err, mfa.ErrWrongCode)
			})
		})
	}
}

// TestI13_APasswordIsNoFreshProofAfterAReset: the self-service page is no way round the ticket.
func TestI13_APasswordIsNoFreshProofAfterAReset(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id := w.resetByTicket("sato")
		w.tx(func(tx *store.Tx) error { // the password alone signs in
			_, err := tx.SetTwoFactor(ctx, store.SetTwoFactorParams{ID: id, TwoFactor: "dont_use", Former: "use", Now: w.clock.now()})
			return err
		})
		to := mfa.EmailTo("thief@example.jp")
		wantErr(t, "with the password", w.SendChangeCode(ctx, w.session(id, signin.Password), to, templates.Ja), mfa.ErrNotFresh)
		if err := w.SendChangeCode(ctx, w.session(id, signin.Password, signin.Ticket), to, templates.Ja); err != nil {
			t.Errorf("with the ticket: %v", err)
		}
	})
}

// TestI11_ATicketAndAResetAtOnce: whoever gave the ticket first is stopped by the reset all the same, and the ticket is void.
func TestI11_ATicketAndAResetAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id := w.resetByTicket("sato")
		code := w.reenrolTicket(id, mfa.HandoverStaff)
		f := w.flow(id)
		race(t, 2, func(i int) error {
			if i == 0 {
				_, err := w.VerifyTicket(ctx, f, code)
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
		if !w.gone(f) {
			t.Error("the sign-in survives the reset")
		}
		_, err := w.VerifyTicket(ctx, w.flow(id), code)
		wantErr(t, "afterwards", err, mfa.ErrWrongCode)
	})
}

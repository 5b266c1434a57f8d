package mfa_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

var errOver = errors.New("sign-in was over")

// finish ends a sign-in in a new session, the way a program must that looks first and writes then. Held is whether it holds the
// account meanwhile; a change must leave nothing alive either way.
func (w *world) finish(f store.Flow, held bool) (store.SessionID, error) {
	ctx, now := w.t.Context(), w.clock.now()
	id := store.NewID[store.SessionID]()
	_, hash := web.NewToken()
	return id, w.db.InTx(ctx, func(tx *store.Tx) error {
		if held {
			if err := tx.SetLastSignIn(ctx, store.SetLastSignInParams{Now: &now, ID: *f.AccountID}); err != nil {
				return err
			}
		}
		row, err := tx.GetFlowAccount(ctx, store.GetFlowAccountParams{ID: f.ID, SecretHash: f.SecretHash, Now: now})
		if err != nil {
			return fmt.Errorf("%w: %w", errOver, err)
		}
		if _, err := tx.FinishFlow(ctx, store.FinishFlowParams{ID: f.ID, SecretHash: f.SecretHash, Now: &now}); err != nil {
			return fmt.Errorf("%w: %w", errOver, err)
		}
		return tx.InsertSession(ctx, store.InsertSessionParams{
			ID: id, TokenHash: hash, AccountID: row.Account.ID, AccountKind: row.Account.Kind, CredentialEpoch: row.Account.CredentialEpoch,
			Evidence: row.Flow.Evidence, Now: now, ExpiresAt: now.Add(24 * time.Hour),
		})
	})
}

func TestI11_EndOtherSessionsBesideSignInsThatFinish(t *testing.T) {
	for _, held := range []bool{true, false} {
		t.Run(fmt.Sprintf("held=%v", held), func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				ctx := t.Context()
				id, _ := w.enrolled("sato")
				acting := w.session(id, signin.Password, signin.Email)
				for range 4 {
					var flows []store.Flow
					for range 12 {
						flows = append(flows, w.flow(id))
					}
					made := make([]store.SessionID, len(flows)+1)
					race(t, len(flows)+1, func(i int) error {
						if i == len(flows)/2 {
							return w.EndOtherSessions(ctx, acting)
						}
						s, err := w.finish(flows[i%len(flows)], held)
						if err == nil {
							made[i] = s
						} else if !errors.Is(err, errOver) {
							t.Errorf("finish: %v", err)
						}
						return err
					})
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
				}
			})
		})
	}
}

func TestI11_EndOtherSessionsKeepsWhatTheActingOneGaveOut(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id, _ := w.enrolled("sato")
		acting, other := w.session(id, signin.Password, signin.Email), w.session(id, signin.Password, signin.Email)
		kept, lost := w.grant(id, acting), w.grant(id, other)
		before, _ := w.db.Read().GetSession(ctx, acting)
		for range 2 { // the second press of the button
			if err := w.EndOtherSessions(ctx, acting); err != nil {
				t.Fatal(err)
			}
		}
		after, err := w.db.Read().GetSession(ctx, acting)
		if err != nil || string(after.TokenHash) != string(before.TokenHash) || w.dead(acting) || w.revoked(kept) {
			t.Errorf("the acting session or what it gave out ended (%v)", err)
		}
		if !w.dead(other) || !w.revoked(lost) {
			t.Error("the other session or what it gave out goes on")
		}
	})
}

func TestI11_EndingOneSessionBesideItsStepUp(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id, _ := w.enrolled("sato")
		acting := w.session(id, signin.Password, signin.Email)
		for range 8 {
			target := w.session(id, signin.Password, signin.Email)
			epoch := w.row(id).CredentialEpoch
			race(t, 6, func(i int) error {
				if i == 3 {
					return w.EndSession(ctx, acting, target)
				}
				_, hash := web.NewToken()
				now := w.clock.now()
				return w.db.InTx(ctx, func(tx *store.Tx) error {
					if err := tx.SetLastSignIn(ctx, store.SetLastSignInParams{Now: &now, ID: id}); err != nil {
						return err
					}
					n, err := tx.RaiseSession(ctx, store.RaiseSessionParams{
						TokenHash: hash, Evidence: w.evidence(signin.Password, signin.Email).Encode(), Now: now, ExpiresAt: now.Add(time.Hour),
						ID: target, AccountID: id, CredentialEpoch: epoch,
					})
					if err == nil && n != 1 {
						err = errOver
					}
					return err
				})
			})
			if !w.dead(target) {
				t.Error("the session survives its end")
			}
		}
		if w.dead(acting) {
			t.Error("the acting session ended")
		}
	})
}

// Everything that ends something of one account, at once: each waits its turn, none meets a lock in the wrong order.
func TestI11_EndingsOfOneAccountAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id, codes := w.enrolled("sato")
		for round := range 3 {
			var sessions []store.SessionID
			var flows []store.Flow
			for range 6 {
				sessions, flows = append(sessions, w.session(id, signin.Password, signin.Email)), append(flows, w.flow(id))
			}
			if err := w.SendSignInCode(ctx, flows[0], signin.Email, templates.Ja); err != nil {
				t.Fatal(err)
			}
			code := w.code("sato-2fa@example.jp")
			w.clock.pass(time.Minute)
			race(t, 24, func(i int) error {
				switch i % 8 {
				case 0:
					return w.EndSession(ctx, sessions[0], sessions[1+i/8])
				case 1:
					return w.EndSession(ctx, sessions[1], sessions[2+i/8])
				case 2:
					return w.EndOtherSessions(ctx, sessions[5])
				case 3:
					_, err := w.VerifySignInCode(ctx, flows[0], signin.Email, code, false)
					return err
				case 4:
					return w.ResendSignInCode(ctx, flows[i/8], signin.Email, templates.Ja)
				case 5:
					_, err := w.VerifyBackupCode(ctx, flows[1+i/8], codes[round*3+i/8], templates.Ja)
					return err
				case 6:
					_, err := w.finish(flows[3+i/8], true)
					return err
				default:
					_, err := w.VerifySignInCode(ctx, flows[i/8], signin.Email, wrong(code), false)
					return err
				}
			})
			w.clock.pass(time.Hour)
			w.mails()
		}
	})
}

func TestI11_ChangesOfOneAccountAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id, _ := w.enrolled("sato")
		for round := range 3 {
			sessions := []store.SessionID{w.session(id, signin.Password, signin.Email), w.session(id, signin.Password, signin.Email)}
			address := fmt.Sprintf("new%d@example.jp", round)
			if err := w.SendChangeCode(ctx, sessions[0], mfa.EmailTo(address), templates.Ja); err != nil {
				t.Fatal(err)
			}
			code := w.code(address)
			ends := race(t, 4, func(i int) error {
				switch i {
				case 0:
					_, err := w.VerifyChangeCode(ctx, sessions[0], mfa.EmailTo(address), code, templates.Ja)
					return err
				case 1:
					_, err := w.RegenerateCodes(ctx, sessions[1], templates.Ja)
					return err
				case 2:
					return w.EndOtherSessions(ctx, sessions[0])
				default:
					return w.EndOtherSessions(ctx, sessions[1])
				}
			})
			alive := 0
			for _, s := range sessions {
				if !w.dead(s) {
					alive++
				}
			}
			if alive != 1 {
				t.Errorf("%d of two sessions that ended each other go on (ends %v)", alive, ends)
			}
			if ends[mfa.ErrSessionGone.Error()] == 0 {
				t.Errorf("ends = %v, want somebody to come too late", ends)
			}
			w.clock.pass(time.Hour)
			w.mails()
		}
	})
}

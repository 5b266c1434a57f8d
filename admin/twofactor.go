package admin

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
)

// SwitchResult is what became of a change of the switch.
type SwitchResult struct {
	// Changed is false when the switch had the value already: then nothing at all was done (M3).
	Changed bool
	// SetUp is whether anything was set up, and so cleared.
	SetUp bool
}

// SetTwoFactor sets an account's switch, 利用する or 利用しない (M2 to M4). A change clears what was set up (M3); no change does
// nothing. former is the value the actor saw, so that a page left open changes nothing behind somebody's back: it fails with
// [ErrConflict]; "" means whatever it is. It fails with [ErrEnforced] for 利用しない while the account's surface is enforced
// (M11).
func (s *Service) SetTwoFactor(ctx context.Context, actor Actor, id store.AccountID, former, want string) (SwitchResult, error) {
	return s.setTwoFactor(ctx, actor, id, want, func(acc store.Account) bool { return former == "" || former == acc.TwoFactor })
}

// SetTwoFactorAt is SetTwoFactor for an actor who saw the whole account at a version.
func (s *Service) SetTwoFactorAt(ctx context.Context, actor Actor, id store.AccountID, version time.Time, want string) (SwitchResult, error) {
	return s.setTwoFactor(ctx, actor, id, want, func(acc store.Account) bool { return acc.UpdatedAt.Equal(version) })
}

// setTwoFactor sets the switch; seen reports whether the account is as the actor saw it.
func (s *Service) setTwoFactor(ctx context.Context, actor Actor, id store.AccountID, want string, seen func(store.Account) bool) (SwitchResult, error) {
	if want != account.TwoFactorUse && want != account.TwoFactorDont {
		return SwitchResult{}, fmt.Errorf("set two-factor switch: unknown value %q", want)
	}
	if s.factors == nil {
		return SwitchResult{}, errNoFactors
	}
	var r mfa.ResetResult
	changed, err := s.act(ctx, actor, mayView, audit.Event{Type: audit.TwoFactorSet}, func(w *work) error {
		acc, err := w.other(ctx, id, mayReset)
		if err != nil {
			return err
		}
		if want == account.TwoFactorDont {
			if err := holdOff(ctx, w, acc.Kind); err != nil {
				return err
			}
		}
		switch {
		case acc.TwoFactor == want:
			return errUnchanged // on→on, a second click, or somebody else who wanted the same
		case !seen(acc):
			return ErrConflict // the actor left the switch as they saw it, and that is not how it stands
		}
		if err := w.unfrozen(ctx, acc.ID); err != nil {
			return err
		}
		if want == account.TwoFactorDont {
			if err := s.spend(ctx, w, "switch_off", s.limits.SwitchOff); err != nil {
				return err
			}
		}
		if err := s.allowSwitch(ctx, w, id, want); err != nil {
			return err
		}
		n, err := w.tx.SetTwoFactor(ctx, store.SetTwoFactorParams{ID: id, TwoFactor: want, Former: acc.TwoFactor, Now: w.now})
		if err != nil {
			return fmt.Errorf("set two-factor switch: %w", err)
		}
		if n == 0 {
			return errUnchanged // somebody else did the same a moment ago
		}
		if r, err = s.factors.Reset(ctx, w.tx, acc, w.now); err != nil {
			return err
		}
		w.event.Data = resetData(r)
		w.event.Data["from"], w.event.Data["to"] = acc.TwoFactor, want
		return nil
	})
	if err != nil || !changed {
		return SwitchResult{}, err
	}
	s.outbox.Wake()
	return SwitchResult{Changed: true, SetUp: r.SetUp}, nil
}

// allowSwitch is [Service.allow] for the switch. 利用する opens an account too where something is set up, as under enforcement: the change
// clears it (M3), so that whoever signs in first sets up what they like. Nobody approves of that: where it is meant, a reset comes first.
func (s *Service) allowSwitch(ctx context.Context, w *work, id store.AccountID, want string) error {
	p := Proposal{Act: ActSwitchOff}
	if want == account.TwoFactorUse {
		// Held before the factors are read: what is set up beside this comes before it or after it.
		acc, err := w.tx.HoldAccount(ctx, id)
		if err != nil {
			return fmt.Errorf("hold account: %w", err)
		}
		status, err := s.factors.Status(ctx, w.tx.Queries, acc.ID)
		if err != nil {
			return err
		}
		if len(status.Factors) == 0 && status.BackupCodesLeft == 0 {
			return nil
		}
		p = Proposal{Act: ActReset} // no request is for it: each says how a ticket is handed over
	}
	return s.allow(ctx, w, id, p)
}

// ResetFactors takes an account back to where nothing is set up (認証設定初期化; M8, M9, I17): factors, backup codes, trusted
// devices, open attempts, sessions and tokens go, notices are queued to every address known, and the switch keeps its value. It
// works under enforcement, and on an account with nothing set up, of which the result tells. The same form sent again does nothing
// more. It fails with an [account.ValidationError], [ErrConflict] for a form that was sent about something else, or
// [store.ErrNotFound].
func (s *Service) ResetFactors(ctx context.Context, actor Actor, id store.AccountID, reason Reason) (Reset, error) {
	return s.reset(ctx, actor, id, "", reason)
}

// ResetFactor takes one factor of an account away and leaves the others as they are; the last one takes everything with it, as
// [Service.ResetFactors] does. It works under enforcement, and on an account without that factor, of which the result tells. It
// fails like that, with [store.ErrNotFound] also for what is no method of a second factor.
func (s *Service) ResetFactor(ctx context.Context, actor Actor, id store.AccountID, method signin.Method, reason Reason) (Reset, error) {
	if !slices.Contains(signin.FactorMethods(), method) {
		return Reset{}, store.ErrNotFound
	}
	return s.reset(ctx, actor, id, method, reason)
}

// reset takes away the factor of a method, or everything if none is named.
func (s *Service) reset(ctx context.Context, actor Actor, id store.AccountID, method signin.Method, reason Reason) (Reset, error) {
	if s.factors == nil {
		return Reset{}, errNoFactors
	}
	var out Reset
	_, err := s.act(ctx, actor, mayView, audit.Event{Type: audit.FactorReset}, func(w *work) error {
		if _, err := w.other(ctx, id, mayReset); err != nil {
			return err
		}
		checked, err := reason.check()
		if err != nil {
			return err
		}
		acc, err := w.tx.HoldAccount(ctx, id) // the same form, sent twice at once, comes one after the other
		if err != nil {
			return fmt.Errorf("hold account: %w", err)
		}
		var again bool
		if out, again, err = w.doneBefore(ctx, id, method, checked.Form); err != nil {
			return err
		} else if again {
			return errUnchanged
		}
		var r mfa.ResetResult
		if err := w.unfrozen(ctx, acc.ID); err != nil {
			return err
		}
		if err := s.spend(ctx, w, "reset", s.limits.Reset); err != nil {
			return err
		}
		if err := s.allow(ctx, w, id, Proposal{Act: ActReset, Method: method, Handover: checked.Handover}); err != nil {
			return err
		}
		if method == "" {
			r, err = s.factors.Reset(ctx, w.tx, acc, w.now)
		} else {
			r, err = s.factors.ResetOne(ctx, w.tx, acc, method, w.now)
		}
		if err != nil {
			return err
		}
		out, err = s.keepReset(ctx, w, method, checked, r)
		return err
	})
	if err != nil {
		return Reset{}, err
	}
	s.outbox.Wake()
	return out, nil
}

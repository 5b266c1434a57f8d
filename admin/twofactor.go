package admin

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
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

// Reason is why an operator resets an account, and whether they made sure of who asked for it.
type Reason struct {
	Text            string
	IdentityChecked bool
}

// The fields that a [account.ValidationError] of a [Reason] can name; they are the names of the form fields.
const (
	FieldReason   = "reason"
	FieldIdentity = "identity"
)

// MaxReason is how long a reason may be, in characters: as much as an audit row always holds.
const MaxReason = 128

func (r Reason) check() (Reason, error) {
	fields := map[string]string{}
	r.Text = strings.Join(strings.Fields(r.Text), " ")
	switch {
	case r.Text == "":
		fields[FieldReason] = templates.MsgReasonBlank
	case utf8.RuneCountInString(r.Text) > MaxReason:
		fields[FieldReason] = templates.MsgReasonLong
	}
	if !r.IdentityChecked {
		fields[FieldIdentity] = templates.MsgIdentityBlank
	}
	if len(fields) > 0 {
		return r, &account.ValidationError{Fields: fields}
	}
	return r, nil
}

// ResetFactors takes an account back to where nothing is set up (認証設定初期化; M8, M9, I17): factors, backup codes, trusted
// devices, open attempts, sessions and tokens go, notices are queued to every address known, and the switch keeps its value. It
// works under enforcement, and on an account with nothing set up, of which the result tells. It fails with an
// [account.ValidationError] or [store.ErrNotFound].
func (s *Service) ResetFactors(ctx context.Context, actor Actor, id store.AccountID, reason Reason) (mfa.ResetResult, error) {
	return s.reset(ctx, actor, id, "", reason)
}

// ResetFactor takes one factor of an account away and leaves the others as they are; the last one takes everything with it, as
// [Service.ResetFactors] does. It works under enforcement, and on an account without that factor, of which the result tells. It
// fails with an [account.ValidationError] or [store.ErrNotFound], also for what is no method of a second factor.
func (s *Service) ResetFactor(ctx context.Context, actor Actor, id store.AccountID, method signin.Method, reason Reason) (mfa.ResetResult, error) {
	if !slices.Contains(signin.FactorMethods(), method) {
		return mfa.ResetResult{}, store.ErrNotFound
	}
	return s.reset(ctx, actor, id, method, reason)
}

// reset takes away the factor of a method, or everything if none is named.
func (s *Service) reset(ctx context.Context, actor Actor, id store.AccountID, method signin.Method, reason Reason) (r mfa.ResetResult, err error) {
	if s.factors == nil {
		return mfa.ResetResult{}, errNoFactors
	}
	_, err = s.act(ctx, actor, mayView, audit.Event{Type: audit.FactorReset}, func(w *work) error {
		acc, err := w.other(ctx, id, mayReset)
		if err != nil {
			return err
		}
		checked, err := reason.check()
		if err != nil {
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
		w.event.Reason = checked.Text
		w.event.Data = resetData(r)
		w.event.Data["identity_checked"] = "true"
		if method != "" {
			w.event.Data["method"] = string(method)
		}
		return nil
	})
	if err != nil {
		return mfa.ResetResult{}, err
	}
	s.outbox.Wake()
	return r, nil
}

// resetData describes what a reset took away. The addresses are not part of it: the log outlives them.
func resetData(r mfa.ResetResult) map[string]string {
	kinds := make([]string, 0, len(r.Factors))
	for _, f := range r.Factors {
		kinds = append(kinds, f.Kind)
	}
	return map[string]string{
		"set_up": strconv.FormatBool(r.SetUp), "factors": strings.Join(kinds, " "), "notices": strconv.Itoa(len(r.Notified)),
	}
}

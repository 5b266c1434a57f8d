package admin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

// FieldMinutes is the field that a [account.ValidationError] of a pass can name besides those of a [Reason].
const FieldMinutes = "minutes"

// ErrNoPass says that an account can have no pass: it is an operator's.
var ErrNoPass = errors.New("accounts of this kind have no passes")

// IssuePass makes a code that the actor hands over to a customer, to be typed once in the place of the second factor, and tells the
// customer. A former one is void from then on. The code is in the answer and nowhere else. It fails with an
// [account.ValidationError], [ErrNoPass], [ErrNotDemanded] also where nothing is set up, or [store.ErrNotFound].
func (s *Service) IssuePass(ctx context.Context, actor Actor, id store.AccountID, minutes int, reason Reason) (pass mfa.Pass, err error) {
	if s.factors == nil {
		return mfa.Pass{}, errNoFactors
	}
	_, err = s.act(ctx, actor, mayView, audit.Event{Type: audit.PassIssue}, func(w *work) error {
		acc, err := w.exempt(ctx, id, mayPass)
		if err != nil {
			return err
		}
		if err := w.unfrozen(ctx, acc.ID); err != nil {
			return err
		}
		if acc.Kind != account.KindStore {
			return &refusal{err: ErrNoPass, word: wordRight}
		}
		life := time.Duration(minutes) * time.Minute
		checked, err := checkSpare(reason, FieldMinutes, life >= mfa.MinPass && life <= mfa.MaxPass, templates.MsgMinutesBlank)
		if err != nil {
			return err
		}
		if asked, err := demanded(ctx, w.tx.Queries, acc); err != nil {
			return err
		} else if !asked {
			return ErrNotDemanded
		}
		if err := s.allow(ctx, w, id, Proposal{Act: ActPass, Minutes: minutes}); err != nil {
			return err
		}
		pass, err = s.factors.IssuePass(ctx, w.tx, acc, w.actor.audit().Name, life, w.now)
		if errors.Is(err, mfa.ErrNothingSetUp) {
			return ErrNotDemanded // the sign-in asks for the set-up, and a pass does not stand in for that
		}
		if err != nil {
			return fmt.Errorf("issue pass: %w", err)
		}
		w.event.Reason = checked.Text
		w.event.Data = map[string]string{"until": pass.ExpiresAt.Format(time.RFC3339), "identity_checked": "true"}
		return nil
	})
	if err != nil {
		return mfa.Pass{}, err
	}
	s.outbox.Wake()
	return pass, nil
}

// WithdrawPass makes the open pass of an account void before its time. It reports whether there was one, and fails with [ErrNoPass] or
// [store.ErrNotFound].
func (s *Service) WithdrawPass(ctx context.Context, actor Actor, id store.AccountID) (bool, error) {
	return s.act(ctx, actor, mayView, audit.Event{Type: audit.PassWithdraw}, func(w *work) error {
		acc, err := w.exempt(ctx, id, mayPass)
		if err != nil {
			return err
		}
		if acc.Kind != account.KindStore {
			return &refusal{err: ErrNoPass, word: wordRight}
		}
		pass, err := w.tx.GetOpenPass(ctx, store.GetOpenPassParams{AccountID: acc.ID, Now: w.now})
		if errors.Is(err, store.ErrNotFound) {
			return errUnchanged
		}
		if err != nil {
			return fmt.Errorf("load pass: %w", err)
		}
		if _, err := w.tx.VoidPasses(ctx, store.VoidPassesParams{Now: w.now, AccountID: acc.ID}); err != nil {
			return fmt.Errorf("void passes: %w", err)
		}
		w.event.Data = map[string]string{"until": pass.ExpiresAt.Format(time.RFC3339), "issued_by": pass.IssuedBy}
		return nil
	})
}

// openPass is the account's pass while it opens anything; nil if there is none.
func (s *Service) openPass(ctx context.Context, id store.AccountID) (*store.Pass, error) {
	pass, err := s.db.Read().GetOpenPass(ctx, store.GetOpenPassParams{AccountID: id, Now: s.now()})
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("load pass: %w", err)
	}
	return &pass, nil
}

package mfa

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/store"
)

// ResetResult is what a reset took away.
type ResetResult struct {
	// SetUp is true when anything was set up.
	SetUp bool
	// Factors are the factors that were deleted, main one first.
	Factors []store.Factor
	// Notified are the addresses a notice was queued for.
	Notified []string
}

// Reset takes an account back to where nothing is set up (M3, M8, M9, I17): factors, backup codes, trusted devices and open
// codes go, every session, sign-in and grant of the account ends, and a notice is queued to every address known. The account's
// switch keeps its value. An account with nothing set up comes to no harm.
//
// It is part of the caller's transaction; the caller checks the right to do it, records who did it and why, and calls Wake
// after the commit.
func (s *Service) Reset(ctx context.Context, tx *store.Tx, acc store.Account, now time.Time) (ResetResult, error) {
	if _, err := tx.RaiseCredentialEpoch(ctx, store.RaiseCredentialEpochParams{Now: now, ID: acc.ID}); err != nil {
		return ResetResult{}, fmt.Errorf("raise credential epoch: %w", err)
	}
	for _, key := range []string{codeThrottle(acc.ID), backupThrottle(acc.ID)} {
		if err := tx.ClearThrottle(ctx, key); err != nil {
			return ResetResult{}, fmt.Errorf("clear pause: %w", err)
		}
	}
	// The day's sending budget is counted anew from each reset, see takeSend.
	if _, err := tx.TakeBudget(ctx, store.TakeBudgetParams{
		Key: resetBudget(acc.ID, now.UTC()), Now: now, ExpiresAt: now.Add(24 * time.Hour), Ceiling: maxResetsCounted,
	}); err != nil && !errors.Is(err, store.ErrNotFound) {
		return ResetResult{}, fmt.Errorf("count reset: %w", err)
	}
	if err := voidCodes(ctx, tx, now, acc.ID); err != nil {
		return ResetResult{}, err
	}
	var r ResetResult
	var err error
	if r.Factors, err = tx.DeleteFactors(ctx, acc.ID); err != nil {
		return ResetResult{}, fmt.Errorf("delete factors: %w", err)
	}
	batches, err := tx.VoidBackupBatches(ctx, store.VoidBackupBatchesParams{Now: &now, AccountID: acc.ID})
	if err != nil {
		return ResetResult{}, fmt.Errorf("void backup codes: %w", err)
	}
	if err := endRest(ctx, tx, now, acc.ID, nil, nil); err != nil {
		return ResetResult{}, err
	}
	r.SetUp = len(r.Factors) > 0 || batches > 0
	if !r.SetUp {
		return r, nil
	}
	for _, f := range r.Factors {
		r.Notified = appendAddress(r.Notified, f.Address)
	}
	r.Notified = appendAddress(r.Notified, acc.RegisteredEmail)
	return r, s.notify(ctx, tx, now, notice{kind: delivery.KindReset, account: acc, lang: s.noticeLang, to: r.Notified})
}

// maxResetsCounted bounds how many fresh sending budgets a day's resets can open.
const maxResetsCounted = 20

// Wake lets messages leave that a transaction of the caller queued.
func (s *Service) Wake() { s.outbox.Wake() }

package mfa

import (
	"context"
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
// It is part of the caller's transaction; the caller checks the right to do it, records who did it and why, and wakes the outbox
// after the commit.
func (s *Service) Reset(ctx context.Context, tx *store.Tx, acc store.Account, now time.Time) (ResetResult, error) {
	if _, err := tx.RaiseCredentialEpoch(ctx, store.RaiseCredentialEpochParams{Now: now, ID: acc.ID}); err != nil {
		return ResetResult{}, fmt.Errorf("raise credential epoch: %w", err)
	}
	// Whoever reads an address that the account used to have must not take anything back behind this.
	if err := voidUndo(ctx, tx, acc.ID, now); err != nil {
		return ResetResult{}, err
	}
	for _, key := range []string{codeThrottle(acc.ID), backupThrottle(acc.ID)} {
		if err := tx.ClearThrottle(ctx, key); err != nil {
			return ResetResult{}, fmt.Errorf("clear pause: %w", err)
		}
	}
	if err := noteReset(ctx, tx, acc.ID, now); err != nil {
		return ResetResult{}, err
	}
	if err := tx.EndCodes(ctx, now, acc.ID); err != nil {
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
	if err := tx.EndAccess(ctx, now, acc.ID, store.Keep{}); err != nil {
		return ResetResult{}, err
	}
	r.SetUp = len(r.Factors) > 0 || batches > 0
	if !r.SetUp {
		return r, nil
	}
	var to []string
	for _, f := range r.Factors {
		to = appendAddress(to, f.Address)
	}
	r.Notified, err = s.notify(ctx, tx, now, notice{
		kind: delivery.KindReset, account: acc, lang: s.noticeLang, to: appendAddress(to, acc.RegisteredEmail), always: true,
	})
	return r, err
}

package mfa

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/web"
)

// A change of what an account signs in with ends everything that rests on the former state (I11), in the same transaction and
// in the order of locks that store.Tx.EndAccount names.

// hold locks the account's row for the rest of the transaction, so that what is read of the account from here on stays so.
func hold(ctx context.Context, tx *store.Tx, id store.AccountID, gone error) error {
	_, err := tx.HoldAccount(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return gone
	}
	if err != nil {
		return fmt.Errorf("hold account: %w", err)
	}
	return nil
}

// beginChange raises the account's credential epoch. From here to the commit nobody else changes the account; if somebody did
// since it was read, gone is returned and nothing happens.
func beginChange(ctx context.Context, tx *store.Tx, now time.Time, acc store.Account, gone error) (epoch int64, err error) {
	epoch, err = tx.BeginChange(ctx, now, acc)
	if errors.Is(err, store.ErrConflict) {
		return 0, gone
	}
	return epoch, err
}

// carry takes the acting session over the raised epoch, with what it gave out, ends everything else of the account, and gives
// the session a new token (I10).
func carry(ctx context.Context, tx *store.Tx, now time.Time, p acting, epoch int64, proved signin.EvidenceList) (token string, err error) {
	token, hash := web.NewToken()
	err = tx.CarrySession(ctx, now, p.session, epoch, proved.Encode(), hash)
	if errors.Is(err, store.ErrNotFound) {
		return "", ErrSessionGone
	}
	return token, err
}

// prove adds evidence to a flow under a new secret (I10). Of two parallel proofs one finds the secret changed.
func prove(
	ctx context.Context, tx *store.Tx, now time.Time, p attempted, proved signin.EvidenceList, epoch int64, batch *store.BatchID,
) (secret string, err error) {
	secret, hash := web.NewToken()
	n, err := tx.SetFlowEvidence(ctx, store.SetFlowEvidenceParams{
		Evidence: proved.Encode(), NewSecretHash: hash, NewEpoch: &epoch, BackupBatchID: batch,
		ID: p.flow.ID, SecretHash: p.flow.SecretHash, Now: now, AccountID: &p.account.ID, CredentialEpoch: p.flow.CredentialEpoch,
	})
	if err != nil {
		return "", fmt.Errorf("add evidence: %w", err)
	}
	if n != 1 {
		return "", ErrFlowGone
	}
	return secret, nil
}

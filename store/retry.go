package store

import (
	"context"
	"fmt"
	"time"
)

// RenewAccess replaces the access token beside a refresh token that stays. It returns [ErrNotFound] if the token was refused, in which
// case nothing has changed.
func (db *DB) RenewAccess(ctx context.Context, arg RefreshRotation) error {
	err := db.InTx(ctx, func(tx *Tx) error {
		if err := oneRow(tx.RenewAccessToken(ctx, RenewAccessTokenParams{
			AccessHash: arg.AccessHash, AccessExpiresAt: arg.AccessExpiresAt, RefreshExpiresAt: &arg.RefreshExpiresAt, Scope: arg.Scope,
			KeyThumbprint: arg.KeyThumbprint, Audience: arg.Audience, ID: arg.ID, Now: &arg.Now, Confidential: arg.Confidential,
		})); err != nil {
			return err
		}
		// What was exchanged for the former access token ends with it.
		_, err := tx.RevokeExchanged(ctx, RevokeExchangedParams{Now: &arg.Now, ID: arg.ID})
		return err
	})
	if err != nil {
		return fmt.Errorf("renew access token: %w", err)
	}
	return nil
}

// RetryRefresh answers a client that presents a refresh token again because the answer of the first time was lost: what was issued then
// is void, and something else is issued in its place. It returns [ErrNotFound], and nothing has changed, unless the token was used
// after the given time, for the same scope, key and audience, and nothing of what it bought was used. Of any number of retries the last
// one leaves the only tokens that count.
func (db *DB) RetryRefresh(ctx context.Context, arg RefreshRotation, after time.Time) error {
	err := db.InTx(ctx, func(tx *Tx) error {
		used, err := tx.LockTokenSet(ctx, arg.ID)
		if err != nil {
			return err
		}
		if used.RefreshUsedAt == nil || !used.RefreshUsedAt.After(after) || used.SuccessorID == nil {
			return ErrNotFound
		}
		void := VoidTokenSetParams{
			ID: *used.SuccessorID, Scope: arg.Scope, KeyThumbprint: arg.KeyThumbprint, Audience: arg.Audience, Now: &arg.Now,
		}
		if err := oneRow(tx.VoidTokenSet(ctx, void)); err != nil {
			return err
		}
		if err := oneRow(tx.SetSuccessor(ctx, SetSuccessorParams{ID: arg.ID, SuccessorID: &arg.SuccessorID})); err != nil {
			return err
		}
		return oneRow(tx.InsertReissuedTokenSet(ctx, InsertReissuedTokenSetParams{
			ID: arg.ID, VoidID: void.ID, SuccessorID: &arg.SuccessorID, AccessHash: arg.AccessHash, AccessExpiresAt: arg.AccessExpiresAt,
			RefreshHash: arg.RefreshHash, RefreshExpiresAt: arg.RefreshExpiresAt, Now: arg.Now,
		}))
	})
	if err != nil {
		return fmt.Errorf("retry refresh: %w", err)
	}
	return nil
}

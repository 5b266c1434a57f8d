package store

import (
	"context"
	"fmt"
	"time"
)

// VoidClient ends everything that a client holds, for people and for itself, and says how many sign-ins and tokens that were.
func (tx *Tx) VoidClient(ctx context.Context, id string, now time.Time) (grants, tokens int64, err error) {
	if grants, err = tx.RevokeClientGrants(ctx, RevokeClientGrantsParams{ClientID: id, Now: &now}); err != nil {
		return 0, 0, fmt.Errorf("revoke grants: %w", err)
	}
	if tokens, err = tx.RevokeClientTokens(ctx, RevokeClientTokensParams{ClientID: id, Now: &now}); err != nil {
		return 0, 0, fmt.Errorf("revoke tokens: %w", err)
	}
	return grants, tokens, nil
}

// RenameForClient ends what a client holds, as [Tx.VoidClient] does, when people get other names for it. It learns the new ones from those
// who sign in again: it is told nothing more of whom it knew by the former ones, which no token says any more.
func (tx *Tx) RenameForClient(ctx context.Context, id string, now time.Time) (grants, tokens int64, err error) {
	if _, err := tx.CancelClientPushes(ctx, CancelClientPushesParams{Now: &now, Recipient: id}); err != nil {
		return 0, 0, fmt.Errorf("cancel messages: %w", err)
	}
	if _, err := tx.DropClientSignals(ctx, id); err != nil {
		return 0, 0, fmt.Errorf("drop signals: %w", err)
	}
	return tx.forgetful(ctx, id, now)
}

// forgetful is VoidClient for a client that has to forget whom it knew.
func (tx *Tx) forgetful(ctx context.Context, id string, now time.Time) (grants, tokens int64, err error) {
	if grants, tokens, err = tx.VoidClient(ctx, id, now); err != nil {
		return 0, 0, err
	}
	if _, err := tx.ForgetClientGrants(ctx, ForgetClientGrantsParams{Now: &now, ClientID: id}); err != nil {
		return 0, 0, fmt.Errorf("forget grants: %w", err)
	}
	return grants, tokens, nil
}

// EndClient deletes a client and ends everything that it holds, as [Tx.VoidClient] does. Whatever is registered under its id one day is
// another: it is told nothing of the people who signed in to this one.
func (tx *Tx) EndClient(ctx context.Context, id string, now time.Time) (grants, tokens int64, err error) {
	if _, err := tx.DeleteClient(ctx, id); err != nil {
		return 0, 0, fmt.Errorf("delete client: %w", err)
	}
	if _, err := tx.CancelClientPushes(ctx, CancelClientPushesParams{Now: &now, Recipient: id, Everything: true}); err != nil {
		return 0, 0, fmt.Errorf("cancel messages: %w", err)
	}
	return tx.forgetful(ctx, id, now)
}

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

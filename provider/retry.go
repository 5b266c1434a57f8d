package provider

import (
	"context"
	"crypto/subtle"
	"errors"
	"time"

	"github.com/futakagi/futakagi/store"
)

// maxRefreshRetry bounds how late a used refresh token can come without being taken for a stolen one.
const maxRefreshRetry = time.Minute

// retries reports whether a refresh token that was used comes from a client that may not have got the answer: it comes soon, from the
// same client, which has the key if there is one, and nothing stands against the grant.
func (m *machine) retries(ctx context.Context, c *Client, row store.GetRefreshRow, g granted, now time.Time) bool {
	used := row.RefreshUsedAt
	if m.lifetimes.RefreshRetry == 0 || used == nil || row.SuccessorID == nil || row.ClientID != c.id || !used.After(now.Add(-m.lifetimes.RefreshRetry)) {
		return false
	}
	bound := row.KeyThumbprint
	if bound != "" && !c.confidential() && subtle.ConstantTimeCompare([]byte(bound), []byte(exchangeOf(ctx).key)) != 1 {
		return false
	}
	return c.reaches(g.evidence) && refreshBarrier(row, g, now) == ""
}

// storeRefreshed stores what follows a refresh token: beside it if the client keeps it, else in its place, or in the place of what a lost
// answer held. kept says that the refresh token is still the client's.
func (m *machine) storeRefreshed(ctx context.Context, c *Client, row store.GetRefreshRow, next store.RefreshRotation) (kept bool, err error) {
	switch {
	case row.RefreshUsedAt != nil:
		return false, m.db.RetryRefresh(ctx, next, next.Now.Add(-m.lifetimes.RefreshRetry))
	case !c.rotates():
		return true, m.db.RenewAccess(ctx, next)
	}
	err = m.db.RotateRefresh(ctx, next)
	if errors.Is(err, store.ErrNotFound) && m.lifetimes.RefreshRetry > 0 {
		// Perhaps the same client was quicker: of requests sent at once, all but one are retries.
		err = m.db.RetryRefresh(ctx, next, next.Now.Add(-m.lifetimes.RefreshRetry))
	}
	return false, err
}

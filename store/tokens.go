package store

import (
	"context"
	"time"
)

// AccessToken is a live access token of a person, with what its grant and its account say to those who ask about it.
type AccessToken = GetAccessTokenRow

// AccessToken finds a live access token of a person by its hash. It fails with [ErrNotFound] for every other, also for one that was
// exchanged for another that has ended.
//
// Of an exchanged token each of the two statements sees a moment of its own, both after the call began: what was ended before it is
// seen by either. What ends a grant, its account's credentials or its session is in the first, all that ends a line of tokens in the
// second, so that none of them must agree with one that only the other sees.
func (db *DB) AccessToken(ctx context.Context, hash []byte, now time.Time) (AccessToken, error) {
	token, err := db.Read().GetAccessToken(ctx, GetAccessTokenParams{Now: now, AccessHash: hash})
	if err == nil && token.ParentID != nil {
		_, err = db.Read().GetExchangedToken(ctx, token.ID)
	}
	if err != nil {
		return AccessToken{}, err
	}
	return token, nil
}

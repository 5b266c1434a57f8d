package provider

import (
	"context"
	"errors"
	"fmt"

	"github.com/futakagi/futakagi/store"
)

// ErrNotClientToken says that a bearer token is none that a client got for itself, or is not live any more: one answer for every
// reason.
var ErrNotClientToken = errors.New("not a live token of a client's own")

// ClientToken finds the access token that a client got for itself (client_credentials). A token that stands for a person is none,
// whatever its scope. It fails with [ErrNotClientToken].
func (p *Provider) ClientToken(ctx context.Context, token string) (store.TokenSetID, error) {
	hash, ok := bearerHash(prefixAccess, token)
	if !ok {
		return "", ErrNotClientToken
	}
	set, err := p.db.Read().GetClientAccessToken(ctx, store.GetClientAccessTokenParams{Now: p.now(), AccessHash: hash})
	if errors.Is(err, store.ErrNotFound) {
		return "", ErrNotClientToken
	}
	if err != nil {
		return "", fmt.Errorf("read client token: %w", err)
	}
	return set.ID, nil
}

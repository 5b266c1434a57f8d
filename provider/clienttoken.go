package provider

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/futakagi/futakagi/store"
)

// ErrNotClientToken says that a bearer token is none that a client got for itself, or is not live any more: one answer for every
// reason.
var ErrNotClientToken = errors.New("not a live token of a client's own")

// ClientToken finds the access token that a client got for itself (client_credentials). A token that stands for a person is none,
// whatever its scope. It fails with [ErrNotClientToken].
func (p *Provider) ClientToken(ctx context.Context, token string) (store.TokenSetID, error) {
	hash, _, ok := p.accessHash(token)
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
	if !isForUs(set, p.machine.issuer) {
		return "", ErrNotClientToken // an API it was shown to must not use it here
	}
	return set.ID, nil
}

// ClientSecret finds the client that proves itself with its secret in the Authorization header (RFC 6749 section 2.3.1), if it could
// get tokens of its own with it. It fails with [ErrNotClientToken].
func (p *Provider) ClientSecret(ctx context.Context, header http.Header) (id string, err error) {
	c, err := p.machine.authenticate(ctx, header, nil)
	if err != nil || !c.confidential() || !c.AllowsGrant(string(oidc.GrantTypeClientCredentials)) {
		return "", ErrNotClientToken
	}
	return c.id, nil
}

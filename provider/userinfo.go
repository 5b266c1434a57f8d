package provider

import (
	"context"
	"errors"
	"fmt"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
)

// UserInfo implements [op.Server] (OpenID Connect Core §5.3).
func (s *server) UserInfo(ctx context.Context, _ *op.Request[oidc.UserInfoRequest]) (*op.Response, error) {
	// Not the request's field: the library also takes a token from the URL.
	claims, err := s.userinfo(ctx, exchangeOf(ctx).presented)
	return answer(ctx, claims, err)
}

func (m *machine) userinfo(ctx context.Context, t presented) (*userinfoClaims, error) {
	hash, ok := bearerHash(prefixAccess, t.token)
	if !ok {
		return nil, refuseToken("not an access token")
	}
	row, err := m.db.Read().GetAccessToken(ctx, store.GetAccessTokenParams{Now: m.now(), AccessHash: hash})
	if errors.Is(err, store.ErrNotFound) {
		return nil, refuseToken("unknown, expired, revoked or of a client itself")
	}
	if err != nil {
		return nil, fmt.Errorf("read access token: %w", err)
	}
	if _, ok := m.clients.Lookup(row.TokenSet.ClientID); !ok {
		return nil, refuseToken("its client is not active")
	}
	if err := m.allow(ctx, t, row.TokenSet); err != nil {
		return nil, err
	}
	if !hasScope(row.TokenSet.Scope, scopeOpenID) {
		return nil, &protocolError{code: codeInsufficientScope}
	}
	evidence, err := signin.ParseEvidence(row.Grant.Evidence)
	if err != nil {
		return nil, fmt.Errorf("grant %s: %w", row.Grant.ID, err)
	}
	return &userinfoClaims{
		Subject:   string(row.Account.ID),
		identity:  identityOf(row.Account, row.TokenSet.Scope),
		assurance: assuranceOf(evidence, m.emailMFA),
	}, nil
}

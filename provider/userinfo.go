package provider

import (
	"context"
	"errors"
	"fmt"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/futakagi/futakagi/store"
)

// UserInfo implements [op.Server] (OpenID Connect Core §5.3).
func (s *server) UserInfo(ctx context.Context, _ *op.Request[oidc.UserInfoRequest]) (*op.Response, error) {
	// Not the request's field: the library also takes a token from the URL.
	x := exchangeOf(ctx)
	claims, c, err := s.userinfo(ctx, x.presented)
	if err == nil && c.settings.UserinfoAlg != "" {
		x.signed, err = s.signUserinfo(c, claims)
	}
	return answer(ctx, claims, err)
}

func (m *machine) userinfo(ctx context.Context, t presented) (*userinfoClaims, *Client, error) {
	hash, _, ok := m.accessHash(t.token)
	if !ok {
		return nil, nil, refuseToken("not an access token")
	}
	row, err := m.db.AccessToken(ctx, hash, m.now())
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil, refuseToken("unknown, expired, revoked or of a client itself")
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read access token: %w", err)
	}
	c, ok := m.clients.Lookup(row.ClientID)
	switch {
	case !ok:
		return nil, nil, refuseToken("its client is not active")
	case !isForUs(row.Audience, m.issuer):
		// Else whoever runs an API could read here about everybody who uses it.
		return nil, nil, refuseToken("for another resource")
	case !hasScope(row.Scope, scopeOpenID):
		return nil, nil, &protocolError{code: codeInsufficientScope}
	}
	if err := m.allow(ctx, t, row.ClientID, row.KeyThumbprint); err != nil {
		return nil, nil, err
	}
	g, err := grantOfAccess(row)
	if err != nil {
		return nil, nil, err
	}
	asked, err := readNamedClaims(g.claims)
	if err != nil {
		return nil, nil, fmt.Errorf("grant %s: %w", g.id, err)
	}
	if row.ParentID != nil {
		asked = namedClaims{} // it was another client that asked
	}
	return &userinfoClaims{
		Subject:   m.subjects.subjectFor(c, g.account),
		identity:  identityOf(row.LoginID, row.DisplayName, row.RegisteredEmail, c.tells(row.Scope, asked.Userinfo)),
		assurance: assuranceOf(g.evidence, m.emailMFA),
	}, c, nil
}

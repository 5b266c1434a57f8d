package provider

import (
	"context"
	"errors"
	"fmt"

	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
)

// Introspect implements [op.Server] (RFC 7662).
func (s *server) Introspect(ctx context.Context, r *op.Request[op.IntrospectionRequest]) (*op.Response, error) {
	info, err := s.introspect(ctx, exchangeOf(ctx).client, r.Data.Token)
	return answer(ctx, info, err)
}

// introspect tells a client about a token of its own. About every other value it says one and the same: not active
// (RFC 7662 §4).
func (m *machine) introspect(ctx context.Context, c *Client, token string) (*introspection, error) {
	var info *introspection
	var err error
	if hash, ok := bearerHash(prefixAccess, token); ok {
		info, err = m.introspectAccess(ctx, c, hash)
	} else if hash, ok := bearerHash(prefixRefresh, token); ok {
		info, err = m.introspectRefresh(ctx, c, hash)
	}
	if err != nil {
		return nil, fmt.Errorf("introspect token: %w", err)
	}
	if info == nil {
		return &introspection{}, nil
	}
	return info, nil
}

func (m *machine) introspectAccess(ctx context.Context, c *Client, hash []byte) (*introspection, error) {
	now := m.now()
	row, err := m.db.Read().GetAccessToken(ctx, store.GetAccessTokenParams{Now: now, AccessHash: hash})
	if errors.Is(err, store.ErrNotFound) {
		return m.introspectClientToken(ctx, c, hash)
	}
	if err != nil || row.TokenSet.ClientID != c.id {
		return nil, err
	}
	info := m.describe(c, row.TokenSet)
	info.TokenType = tokenTypeFor(row.TokenSet.KeyThumbprint)
	info.Expiry = earlier(row.TokenSet.AccessExpiresAt, row.Grant.ExpiresAt).Unix()
	info.Username = row.Account.LoginID
	return info, info.addGrant(row.Grant, m.emailMFA)
}

func (m *machine) introspectClientToken(ctx context.Context, c *Client, hash []byte) (*introspection, error) {
	set, err := m.db.Read().GetClientAccessToken(ctx, store.GetClientAccessTokenParams{Now: m.now(), AccessHash: hash})
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil || set.ClientID != c.id {
		return nil, err
	}
	info := m.describe(c, set)
	info.TokenType = tokenTypeFor(set.KeyThumbprint)
	info.Expiry = set.AccessExpiresAt.Unix()
	info.Subject = c.id
	return info, nil
}

func (m *machine) introspectRefresh(ctx context.Context, c *Client, hash []byte) (*introspection, error) {
	row, err := m.db.Read().GetRefresh(ctx, hash)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	now := m.now()
	if row.TokenSet.ClientID != c.id || row.TokenSet.RefreshUsedAt != nil || refreshBarrier(row, now) != "" {
		return nil, nil
	}
	info := m.describe(c, row.TokenSet)
	info.Scope = row.Grant.Scope
	if c.confidential() {
		info.Confirmation = nil // bound to the client, whatever key it uses (RFC 9449 section 5)
	}
	info.Expiry = earlier(*row.TokenSet.RefreshExpiresAt, row.Grant.ExpiresAt).Unix()
	return info, info.addGrant(row.Grant, m.emailMFA)
}

func (m *machine) describe(c *Client, set store.TokenSet) *introspection {
	return &introspection{
		Active:   true,
		Scope:    set.Scope,
		ClientID: c.id,
		IssuedAt: set.CreatedAt.Unix(),
		Audience: c.id,
		Issuer:   m.issuer,

		Confirmation: confirmationOf(set.KeyThumbprint),
	}
}

func (i *introspection) addGrant(g store.Grant, emailMFA bool) error {
	evidence, err := signin.ParseEvidence(g.Evidence)
	if err != nil {
		return fmt.Errorf("grant %s: %w", g.ID, err)
	}
	i.Subject = string(g.AccountID)
	i.SessionID = string(g.SessionID)
	i.assurance = assuranceOf(evidence, emailMFA)
	return nil
}

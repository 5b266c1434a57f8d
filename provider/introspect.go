package provider

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/futakagi/futakagi/store"
)

// Introspect implements [op.Server] (RFC 7662).
func (s *server) Introspect(ctx context.Context, r *op.Request[op.IntrospectionRequest]) (*op.Response, error) {
	x := exchangeOf(ctx)
	info, err := s.introspect(ctx, x.client, r.Data.Token)
	if err == nil && x.wantsSigned(x.client) {
		x.signed, err = s.signIntrospection(x.client, info)
	}
	return answer(ctx, info, err)
}

// introspect tells a client about a token of its own, or for a resource that it serves. About every other value it says one and the same:
// not active (RFC 7662 §4).
func (m *machine) introspect(ctx context.Context, c *Client, token string) (*introspection, error) {
	var info *introspection
	var err error
	if hash, isJWT, ok := m.accessHash(token); ok {
		if info, err = m.introspectAccess(ctx, c, hash); info != nil && len(info.Audience) == 0 {
			if info.Audience = (audience{info.ClientID}); isJWT {
				info.Audience = m.mint.audienceOf(nil) // as the token says
			}
		}
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
	row, err := m.db.AccessToken(ctx, hash, m.now())
	if errors.Is(err, store.ErrNotFound) {
		return m.introspectClientToken(ctx, c, hash)
	}
	own := row.ClientID == c.id
	if err != nil || !own && !c.serves(row.Audience) {
		return nil, err
	}
	g, err := grantOfAccess(row)
	if err != nil {
		return nil, err
	}
	info := m.describe(described{
		clientID: row.ClientID, scope: row.Scope, audience: row.Audience, actors: row.Actors, key: row.KeyThumbprint, issued: row.CreatedAt,
	})
	info.TokenType = tokenTypeFor(row.KeyThumbprint)
	info.Expiry = earlier(row.AccessExpiresAt, row.GrantExpiresAt).Unix()
	if c.sector == "" && (!c.settings.ThirdParty || hasScope(row.Scope, scopeProfile)) {
		// The same everywhere, as no pairwise name may be, and what somebody else's application is told by the scope profile alone.
		info.Username = row.LoginID
	}
	if m.addGrant(info, c, g); own {
		return info, nil
	}
	// A resource is told what it needs to decide; what else there is, is between the person and the client.
	info.Username, info.SessionID, info.TwoFactor = "", "", nil
	return info, nil
}

func (m *machine) introspectClientToken(ctx context.Context, c *Client, hash []byte) (*introspection, error) {
	set, err := m.db.Read().GetClientAccessToken(ctx, store.GetClientAccessTokenParams{Now: m.now(), AccessHash: hash})
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil || set.ClientID != c.id && !c.serves(set.Audience) {
		return nil, err
	}
	info := m.describe(described{
		clientID: set.ClientID, scope: set.Scope, audience: set.Audience, key: set.KeyThumbprint, issued: set.CreatedAt,
	})
	info.TokenType = tokenTypeFor(set.KeyThumbprint)
	info.Expiry = set.AccessExpiresAt.Unix()
	info.Subject = set.ClientID
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
	g, err := grantOfRefresh(row)
	if err != nil || row.ClientID != c.id || row.RefreshUsedAt != nil || refreshBarrier(row, g, m.now()) != "" || !c.reaches(g.evidence) {
		return nil, err
	}
	info := m.describe(described{clientID: row.ClientID, scope: row.GrantScope, key: row.KeyThumbprint, issued: row.CreatedAt})
	info.Audience = audience{c.id} // whom the tokens it is good for are for, is said when they are asked for
	if c.confidential() {
		info.Confirmation = nil // bound to the client, whatever key it uses (RFC 9449 section 5)
	}
	info.Expiry = earlier(*row.RefreshExpiresAt, row.GrantExpiresAt).Unix()
	m.addGrant(info, c, g)
	return info, nil
}

func (m *machine) describe(t described) *introspection {
	return &introspection{
		Active:   true,
		Scope:    t.scope,
		ClientID: t.clientID,
		IssuedAt: t.issued.Unix(),
		Audience: strings.Fields(t.audience),
		Issuer:   m.issuer,
		Actor:    actorOf(strings.Fields(t.actors)),

		Confirmation: confirmationOf(t.key),
	}
}

func (m *machine) addGrant(i *introspection, c *Client, g granted) {
	i.Subject = m.subjects.subjectFor(c, g.account)
	i.SessionID = m.subjects.sessionFor(c, g.session)
	i.assurance = assuranceOf(g.evidence, m.emailMFA)
}

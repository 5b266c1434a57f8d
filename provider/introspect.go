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
	now := m.now()
	row, err := m.db.Read().GetAccessToken(ctx, store.GetAccessTokenParams{Now: now, AccessHash: hash})
	if errors.Is(err, store.ErrNotFound) {
		return m.introspectClientToken(ctx, c, hash)
	}
	own := row.TokenSet.ClientID == c.id
	if err != nil || !own && !c.serves(row.TokenSet) {
		return nil, err
	}
	info := m.describe(row.TokenSet)
	info.TokenType = tokenTypeFor(row.TokenSet.KeyThumbprint)
	info.Expiry = earlier(row.TokenSet.AccessExpiresAt, row.Grant.ExpiresAt).Unix()
	if c.sector == "" && (!c.settings.ThirdParty || hasScope(row.TokenSet.Scope, scopeProfile)) {
		// The same everywhere, as no pairwise name may be, and what somebody else's application is told by the scope profile alone.
		info.Username = row.Account.LoginID
	}
	if err := m.addGrant(info, c, row.Grant); err != nil || own {
		return info, err
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
	if err != nil || set.ClientID != c.id && !c.serves(set) {
		return nil, err
	}
	info := m.describe(set)
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
	now := m.now()
	if row.TokenSet.ClientID != c.id || row.TokenSet.RefreshUsedAt != nil || refreshBarrier(row, now) != "" {
		return nil, nil
	}
	if evidence, err := evidenceOf(row.Grant); err != nil || !c.reaches(evidence) {
		return nil, err
	}
	info := m.describe(row.TokenSet)
	info.Audience = audience{c.id} // whom the tokens it is good for are for, is said when they are asked for
	info.Scope = row.Grant.Scope
	if c.confidential() {
		info.Confirmation = nil // bound to the client, whatever key it uses (RFC 9449 section 5)
	}
	info.Expiry = earlier(*row.TokenSet.RefreshExpiresAt, row.Grant.ExpiresAt).Unix()
	return info, m.addGrant(info, c, row.Grant)
}

func (m *machine) describe(set store.TokenSet) *introspection {
	return &introspection{
		Active:   true,
		Scope:    set.Scope,
		ClientID: set.ClientID,
		IssuedAt: set.CreatedAt.Unix(),
		Audience: audienceOfSet(set),
		Issuer:   m.issuer,
		Actor:    actorOf(strings.Fields(set.Actors)),

		Confirmation: confirmationOf(set.KeyThumbprint),
	}
}

func (m *machine) addGrant(i *introspection, c *Client, g store.Grant) error {
	evidence, err := evidenceOf(g)
	if err != nil {
		return err
	}
	i.Subject = m.subjects.subjectFor(c, g.AccountID)
	i.SessionID = m.subjects.sessionFor(c, g.SessionID)
	i.assurance = assuranceOf(evidence, m.emailMFA)
	return nil
}

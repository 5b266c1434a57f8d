package provider

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/store"
)

// maxActors is how many clients may stand between a person and whom a token is for: the statements that ask whether a token lives look
// that far back and no further.
const maxActors = 3

// checkExchange refuses what of RFC 8693 is not done here. Everything that is exchanged and that comes of it is an access token, and a client
// acts as itself: it says who it is by its authentication, not by an actor token.
func checkExchange(form url.Values) error {
	if t := oidc.TokenType(form.Get("subject_token_type")); t != "" && t != oidc.AccessTokenType {
		return refuseRequest("subject_token_type is not that of access tokens")
	}
	if t := oidc.TokenType(form.Get("requested_token_type")); t != "" && t != oidc.AccessTokenType {
		return refuseRequest("requested_token_type is not that of access tokens")
	}
	if form.Has("actor_token") || form.Has("actor_token_type") {
		return refuseRequest("actor tokens are not supported")
	}
	return nil
}

// TokenExchange implements [op.Server]: an access token of a person, for one that its resource goes on with (RFC 8693).
func (s *server) TokenExchange(ctx context.Context, r *op.ClientRequest[oidc.TokenExchangeRequest]) (*op.Response, error) {
	resp, err := s.exchangeToken(ctx, exchangeOf(ctx).client, r.Data)
	return answer(ctx, resp, err)
}

// exchangeToken gives a client that was shown an access token one to show on. Whose token may be exchanged was settled when it was issued: it
// must be for a resource that this client serves. What comes of it says no more than the other and lives no longer; it names the client
// as the one who acts, so that nobody takes it for the person (RFC 8693 §1.1: delegation, never impersonation).
func (m *machine) exchangeToken(ctx context.Context, c *Client, r *oidc.TokenExchangeRequest) (*tokenResponse, error) {
	if !c.confidential() {
		return nil, refuseClient("a public client cannot exchange tokens")
	}
	row, hash, err := m.subjectToken(ctx, c, r.SubjectToken)
	if err != nil {
		return nil, err
	}
	key := exchangeOf(ctx).key
	if row.KeyThumbprint != "" && row.KeyThumbprint != key {
		return nil, refuseSubject("bound to another key than the request proves")
	}
	g, err := grantOfAccess(row)
	if err != nil {
		return nil, err
	}
	if !c.reaches(g.evidence) {
		return nil, refuseSubject("less was proved than this client demands")
	}
	actors := append([]string{c.id}, strings.Fields(row.Actors)...)
	if len(actors) > maxActors {
		return nil, refuseSubject("exchanged too often")
	}
	// Of this server's own answers, too, only if that is registered: an API does not read about people because they use it.
	resources, ok := targets(slices.Concat(exchangeOf(ctx).resources, r.Audience), c.settings.Resources)
	if !ok || len(resources) == 0 {
		return nil, refuseTarget("no resource, or none of the client's registration")
	}
	scope, ok := narrowScope(r.Scopes, c.passesOn(row.Scope))
	if !ok || len(scope) == 0 {
		return nil, &protocolError{code: codeInvalidScope, reason: "not a scope of both the subject token and the client"}
	}
	now := m.now()
	expires := earlier(earlier(now.Add(m.accessLife(c)), row.AccessExpiresAt), row.GrantExpiresAt)
	access := c.newAccess()
	token, err := m.grantedAccess(c, access, g, accessFacts{
		scope: formatScope(scope), audience: resources, key: key, actors: actors, now: now, expires: expires,
	})
	if err != nil {
		return nil, err
	}
	err = m.insertExchanged(ctx, c, row, store.InsertExchangedTokenSetParams{
		ID: string(store.NewID[store.TokenSetID]()), ParentID: row.ID, ParentHash: hash, ClientID: c.id, Actors: strings.Join(actors, " "),
		Scope: formatScope(scope), AccessHash: access.hash, AccessExpiresAt: expires, KeyThumbprint: key,
		Audience: formatScope(resources), Now: now,
	})
	if err != nil {
		return nil, err
	}
	return &tokenResponse{
		AccessToken: token, TokenType: tokenTypeFor(key), ExpiresIn: seconds(expires.Sub(now)), Scope: formatScope(scope),
		IssuedTokenType: string(oidc.AccessTokenType),
	}, nil
}

// subjectToken finds the token that is to be exchanged, and the hash it is known by. One that a client got for itself stands for nobody on
// whose behalf to act.
func (m *machine) subjectToken(ctx context.Context, c *Client, token string) (row store.AccessToken, hash []byte, err error) {
	hash, _, ok := m.accessHash(token)
	if !ok {
		return row, nil, refuseSubject("not an access token")
	}
	row, err = m.db.AccessToken(ctx, hash, m.now())
	switch {
	case errors.Is(err, store.ErrNotFound):
		return row, nil, refuseSubject("unknown, expired, revoked or of a client itself")
	case err != nil:
		return row, nil, fmt.Errorf("read subject token: %w", err)
	case !c.serves(row.Audience):
		return row, nil, refuseSubject("for no resource that this client serves")
	}
	return row, hash, nil
}

// passesOn is what of a token's scope the client may have in exchange: nothing that it is not registered for, and nothing that outlives
// the token.
func (c *Client) passesOn(scope string) []string {
	return slices.DeleteFunc(strings.Fields(scope), func(s string) bool { return s == scopeOffline || !c.IsScopeAllowed(s) })
}

// insertExchanged writes the token down, if the one it is made of still lives at that moment.
func (m *machine) insertExchanged(ctx context.Context, c *Client, from store.AccessToken, arg store.InsertExchangedTokenSetParams) error {
	err := m.db.InTx(ctx, func(tx *store.Tx) error {
		_, err := tx.LockTokenSet(ctx, arg.ParentID)
		var n int64
		if err == nil {
			n, err = tx.InsertExchangedTokenSet(ctx, arg)
		}
		if errors.Is(err, store.ErrNotFound) || err == nil && n == 0 {
			return refuseSubject("ended while it was exchanged")
		}
		if err != nil {
			return err
		}
		return audit.Write(ctx, tx, arg.Now, audit.Event{
			Type: audit.TokenExchange, Result: audit.Success,
			Actor:   audit.Actor{Kind: audit.ByClient, ID: c.id, Name: c.name},
			Account: from.AccountID, ClientID: c.id, Target: string(from.GrantID),
			Data: map[string]string{"client": from.ClientID, "scope": arg.Scope, "audience": arg.Audience},
		})
	})
	if err != nil {
		return fmt.Errorf("store exchanged token: %w", err)
	}
	return nil
}

func refuseSubject(reason string) *protocolError {
	return &protocolError{code: codeSubjectToken, reason: reason}
}

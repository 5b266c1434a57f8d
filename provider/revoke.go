package provider

import (
	"context"
	"errors"
	"fmt"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/store"
)

// Revocation implements [op.Server] (RFC 7009). A token that is unknown, already dead or somebody else's is answered like one
// that was revoked: the client has nothing left to do, and learns nothing.
func (s *server) Revocation(ctx context.Context, r *op.ClientRequest[oidc.RevocationRequest]) (*op.Response, error) {
	return answer(ctx, nil, s.revoke(ctx, exchangeOf(ctx).client, r.Data.Token))
}

func (m *machine) revoke(ctx context.Context, c *Client, token string) error {
	if hash, _, ok := m.accessHash(token); ok {
		return m.revokeAccess(ctx, c, hash)
	}
	if hash, ok := bearerHash(prefixRefresh, token); ok {
		return m.revokeRefresh(ctx, c, hash)
	}
	return nil
}

func (m *machine) revokeAccess(ctx context.Context, c *Client, hash []byte) error {
	now := m.now()
	err := m.db.InTx(ctx, func(tx *store.Tx) error {
		n, err := tx.RevokeAccessToken(ctx, store.RevokeAccessTokenParams{Now: &now, AccessHash: hash, ClientID: c.id})
		if err != nil || n == 0 {
			return err
		}
		return audit.Write(ctx, tx, now, audit.Event{
			Type: audit.TokenRevoke, Result: audit.Success, Reason: "access_token",
			Actor: audit.Actor{Kind: audit.ByClient, ID: c.id, Name: c.name}, ClientID: c.id,
		})
	})
	if err != nil {
		return fmt.Errorf("revoke access token: %w", err)
	}
	return nil
}

// revokeRefresh ends the whole grant: RFC 7009 §2.1 wants the access tokens of a revoked refresh token dead too.
func (m *machine) revokeRefresh(ctx context.Context, c *Client, hash []byte) error {
	row, err := m.db.Read().GetRefresh(ctx, hash)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read refresh token: %w", err)
	}
	if row.ClientID != c.id {
		return nil
	}
	now := m.now()
	err = m.db.InTx(ctx, func(tx *store.Tx) error {
		n, err := tx.RevokeGrant(ctx, store.RevokeGrantParams{Now: &now, ID: row.GrantID})
		if err != nil || n == 0 {
			return err
		}
		return audit.Write(ctx, tx, now, audit.Event{
			Type: audit.TokenRevoke, Result: audit.Success, Reason: "refresh_token",
			Actor:   audit.Actor{Kind: audit.ByClient, ID: c.id, Name: c.name},
			Account: row.AccountID, ClientID: c.id, Target: string(row.GrantID),
		})
	})
	if err != nil {
		return fmt.Errorf("revoke grant: %w", err)
	}
	return nil
}

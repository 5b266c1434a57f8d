package provider

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/signin/standing"
	"github.com/futakagi/futakagi/store"
)

const tokenTypeBearer = "Bearer"

// CodeExchange implements [op.Server]: an authorization code for tokens.
func (s *server) CodeExchange(ctx context.Context, r *op.ClientRequest[oidc.AccessTokenRequest]) (*op.Response, error) {
	resp, err := s.redeem(ctx, exchangeOf(ctx).client, r.Data.Code, r.Data.RedirectURI, r.Data.CodeVerifier)
	return answer(ctx, resp, err)
}

// RefreshToken implements [op.Server]: a refresh token for the next tokens.
func (s *server) RefreshToken(ctx context.Context, r *op.ClientRequest[oidc.RefreshTokenRequest]) (*op.Response, error) {
	resp, err := s.refresh(ctx, exchangeOf(ctx).client, r.Data.RefreshToken, r.Data.Scopes)
	return answer(ctx, resp, err)
}

// ClientCredentialsExchange implements [op.Server]: a token for the client itself.
func (s *server) ClientCredentialsExchange(ctx context.Context, r *op.ClientRequest[oidc.ClientCredentialsRequest]) (*op.Response, error) {
	resp, err := s.issueToClient(ctx, exchangeOf(ctx).client, r.Data.Scope)
	return answer(ctx, resp, err)
}

// redeem spends a code. Everything the request must prove is compared in the statement that spends it, so of any number of
// requests one wins; whoever fails spends the code too, and whoever comes second ends what the first one got (I20).
func (m *machine) redeem(ctx context.Context, c *Client, code, redirectURI, verifier string) (*tokenResponse, error) {
	hash, ok := bearerHash(prefixCode, code)
	if !ok {
		return nil, refuseGrant("not a code")
	}
	challenge, ok := challengeOf(c, verifier)
	if !ok {
		return nil, m.explainCode(ctx, c, hash, "no usable code verifier")
	}
	return m.redeemGrant(ctx, c, hash, redirectURI, challenge)
}

// redeemGrant spends what a grant is redeemed with, a code or a device code, by its hash.
func (m *machine) redeemGrant(ctx context.Context, c *Client, hash []byte, redirectURI, challenge string) (*tokenResponse, error) {
	now := m.now()
	resources, err := m.codeAudience(ctx, c, hash)
	if err != nil {
		return nil, err
	}
	access, accessExpiry := c.newAccess(), now.Add(m.accessLife(c))
	refresh, refreshHash := newBearer(prefixRefresh)
	offline := c.AllowsGrant(string(oidc.GrantTypeRefreshToken))
	key := exchangeOf(ctx).key
	row, err := m.db.RedeemCode(ctx, store.CodeRedemption{
		CodeHash: hash, ClientID: c.id, RedirectURI: redirectURI, CodeChallenge: challenge, Now: now,
		KeyThumbprint: key, Audience: formatScope(resources),
		TokenSetID: store.NewID[store.TokenSetID](), AccessHash: access.hash, AccessExpiresAt: accessExpiry,
		Offline: offline, RefreshHash: refreshHash, RefreshExpiresAt: now.Add(m.refreshLife(c)),
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, m.explainCode(ctx, c, hash, "wrong client, redirect URI or verifier, or too late, or no longer allowed")
	}
	if err != nil {
		return nil, err
	}
	g, err := grantOfCode(row)
	if err != nil {
		return nil, err
	}
	if len(resources) == 0 {
		resources = strings.Fields(row.Resources)
	}
	accessExpiry = earlier(accessExpiry, row.ExpiresAt)
	token, err := m.grantedAccess(c, access, g, accessFacts{scope: row.Scope, audience: resources, key: key, now: now, expires: accessExpiry})
	if err != nil {
		return nil, err
	}
	resp := &tokenResponse{
		AccessToken: token,
		TokenType:   tokenTypeFor(key),
		ExpiresIn:   seconds(accessExpiry.Sub(now)),
		Scope:       row.Scope,
	}
	if offline && hasScope(row.Scope, scopeOffline) {
		resp.RefreshToken = refresh
	}
	if err := m.addIDToken(ctx, resp, c, g, row.Nonce, now); err != nil {
		return nil, err
	}
	return resp, nil
}

// challengeOf computes the code challenge a verifier stands for (RFC 7636 §4.6), before anything is compared. No verifier
// stands for no challenge: it fits only a code that was asked for without one, and a verifier that comes with such a code
// fits nothing, which stops the downgrade of RFC 9700 §4.8.
func challengeOf(c *Client, verifier string) (challenge string, ok bool) {
	if verifier == "" {
		return "", !c.RequiresPKCE()
	}
	if len(verifier) < 43 || len(verifier) > 128 {
		return "", false
	}
	for _, b := range []byte(verifier) {
		if !unreserved(b) {
			return "", false
		}
	}
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:]), true
}

// explainCode says why a code was refused, after doing what the refusal demands: an unspent code is spent, and for a spent one
// everything issued for it is revoked (RFC 6749 §4.1.2).
func (m *machine) explainCode(ctx context.Context, c *Client, hash []byte, reason string) error {
	g, err := m.db.Read().GetGrantByCode(ctx, hash)
	if errors.Is(err, store.ErrNotFound) {
		return refuseGrant("unknown code")
	}
	if err != nil {
		return fmt.Errorf("read code: %w", err)
	}
	now := m.now()
	if g.RedeemedAt == nil {
		var n int64
		if err := m.db.InTx(ctx, func(tx *store.Tx) error {
			n, err = tx.BurnCode(ctx, store.BurnCodeParams{Now: &now, CodeHash: hash})
			return err
		}); err != nil {
			return fmt.Errorf("burn code: %w", err)
		}
		if n > 0 {
			return refuseGrant(reason)
		}
		// Somebody spent it just now, so this is the second presentation after all.
	}
	if err := m.revokeReused(ctx, c, family{id: g.ID, account: g.AccountID, clientID: g.ClientID}, "code", now); err != nil {
		return err
	}
	return refuseGrant("code was spent before")
}

// revokeReused ends a family because a single-use value of it was presented twice: one of the two holders is not the client.
// Only the first such event writes a row, so that a thief cannot fill the audit log with one value.
func (m *machine) revokeReused(ctx context.Context, c *Client, f family, what string, now time.Time) error {
	err := m.db.InTx(ctx, func(tx *store.Tx) error {
		n, err := tx.RevokeGrant(ctx, store.RevokeGrantParams{Now: &now, ID: f.id})
		if err != nil || n == 0 {
			return err
		}
		return audit.Write(ctx, tx, now, audit.Event{
			Type: audit.TokenReuse, Result: audit.Refused, Reason: what + "_reused",
			Actor:   audit.Actor{Kind: audit.ByClient, ID: c.id, Name: c.name},
			Account: f.account, ClientID: f.clientID, Target: string(f.id),
		})
	})
	if err != nil {
		return fmt.Errorf("revoke grant after reuse: %w", err)
	}
	return nil
}

// refresh spends a refresh token and issues its successor. The statement that spends it decides; what is read before only
// says which statement, and why not (I22).
func (m *machine) refresh(ctx context.Context, c *Client, token string, asked []string) (*tokenResponse, error) {
	hash, ok := bearerHash(prefixRefresh, token)
	if !ok {
		return nil, refuseGrant("not a refresh token")
	}
	row, err := m.db.Read().GetRefresh(ctx, hash)
	if errors.Is(err, store.ErrNotFound) {
		return nil, refuseGrant("unknown refresh token")
	}
	if err != nil {
		return nil, fmt.Errorf("read refresh token: %w", err)
	}
	g, err := grantOfRefresh(row)
	if err != nil {
		return nil, err
	}
	now := m.now()
	if !m.retries(ctx, c, row, g, now) {
		if err := m.checkRefresh(ctx, c, row, g, now); err != nil {
			return nil, err
		}
	}
	resp, err := m.issueRefreshed(ctx, c, row, g, token, asked, now)
	if errors.Is(err, store.ErrNotFound) {
		return nil, m.explainRefresh(ctx, c, hash, now)
	}
	return resp, err
}

// issueRefreshed makes the tokens that follow a refresh token and stores them in its place. It fails with [store.ErrNotFound] if what was
// read of it holds no more.
func (m *machine) issueRefreshed(
	ctx context.Context, c *Client, row store.GetRefreshRow, g granted, token string, asked []string, now time.Time,
) (*tokenResponse, error) {
	// The client's registration may have shrunk since.
	registered := strings.Fields(c.GrantedScope(strings.Fields(row.GrantScope)))
	if !slices.Contains(registered, scopeOffline) {
		return nil, refuseGrant("the client may not have offline access any more")
	}
	scope, ok := narrowScope(asked, registered)
	if !ok {
		return nil, &protocolError{code: codeInvalidScope, reason: "more than was granted"}
	}
	resources, err := m.refreshAudience(ctx, c, row.Resources)
	if err != nil {
		return nil, err
	}
	access, key := c.newAccess(), exchangeOf(ctx).key
	next, nextHash := newBearer(prefixRefresh)
	accessExpiry := earlier(now.Add(m.accessLife(c)), row.GrantExpiresAt)
	kept, err := m.storeRefreshed(ctx, c, row, store.RefreshRotation{
		ID: row.ID, Now: now, SuccessorID: store.NewID[store.TokenSetID](), Scope: formatScope(scope),
		Confidential: c.confidential(), KeyThumbprint: key, Audience: formatScope(resources),
		AccessHash: access.hash, AccessExpiresAt: accessExpiry,
		RefreshHash: nextHash, RefreshExpiresAt: earlier(now.Add(m.refreshLife(c)), row.GrantExpiresAt),
	})
	if err != nil {
		return nil, err
	}
	signed, err := m.grantedAccess(c, access, g, accessFacts{
		scope: formatScope(scope), audience: resources, key: key, now: now, expires: accessExpiry,
	})
	if err != nil {
		return nil, err
	}
	if kept {
		next = token
	}
	resp := &tokenResponse{
		AccessToken:  signed,
		TokenType:    tokenTypeFor(key),
		ExpiresIn:    seconds(accessExpiry.Sub(now)),
		RefreshToken: next,
		Scope:        formatScope(scope),
	}
	if err := m.addIDToken(ctx, resp, c, g, "", now); err != nil {
		return nil, err
	}
	return resp, nil
}

// explainRefresh says why the statement refused a token that looked good when it was read.
func (m *machine) explainRefresh(ctx context.Context, c *Client, hash []byte, now time.Time) error {
	row, err := m.db.Read().GetRefresh(ctx, hash)
	if errors.Is(err, store.ErrNotFound) {
		return refuseGrant("unknown refresh token")
	}
	if err != nil {
		return fmt.Errorf("read refresh token: %w", err)
	}
	g, err := grantOfRefresh(row)
	if err != nil {
		return err
	}
	if err := m.checkRefresh(ctx, c, row, g, now); err != nil {
		return err
	}
	return refuseGrant("refresh token no longer allowed")
}

// checkRefresh says why a refresh token is refused, and revokes the family of one that comes a second time.
func (m *machine) checkRefresh(ctx context.Context, c *Client, row store.GetRefreshRow, g granted, now time.Time) error {
	if row.ClientID != c.id {
		// It proves nothing about the rightful client, whose family must not die by somebody else's request.
		return refuseGrant("another client's refresh token")
	}
	if bound := row.KeyThumbprint; bound != "" && !c.confidential() && bound != exchangeOf(ctx).key && row.RefreshUsedAt == nil {
		// Whoever this is lacks the key, and the rightful client has lost nothing yet.
		return refuseGrant("bound to another key")
	}
	if row.RefreshUsedAt != nil {
		if err := m.revokeReused(ctx, c, familyOfRefresh(row), "refresh_token", now); err != nil {
			return err
		}
		return refuseGrant("refresh token was used before")
	}
	reason := refreshBarrier(row, g, now)
	if reason == "" && !c.reaches(g.evidence) {
		reason = "less than the client demands now"
	}
	if reason != "" {
		if err := m.recordRefusal(ctx, c, familyOfRefresh(row), reason, now); err != nil {
			return err
		}
		return refuseGrant(reason)
	}
	return nil
}

// refusalWindow is how long a family's further refusals are not written down again: a client that keeps trying must not fill the log.
const refusalWindow = time.Hour

// recordRefusal writes down that a rightful client's refresh token was refused.
func (m *machine) recordRefusal(ctx context.Context, c *Client, f family, reason string, now time.Time) error {
	err := m.db.InTx(ctx, func(tx *store.Tx) error {
		_, err := tx.TakeBudget(ctx, store.TakeBudgetParams{
			Key: "refresh-refused:" + string(f.id), Now: now, ExpiresAt: now.Add(refusalWindow), Ceiling: 1,
		})
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		return audit.Write(ctx, tx, now, audit.Event{
			Type: audit.TokenRefuse, Result: audit.Refused, Reason: strings.ReplaceAll(reason, " ", "_"),
			Actor:   audit.Actor{Kind: audit.ByClient, ID: c.id, Name: c.name},
			Account: f.account, ClientID: f.clientID, Target: string(f.id),
		})
	})
	if err != nil {
		return fmt.Errorf("record refused refresh token: %w", err)
	}
	return nil
}

// refreshBarrier says what stands against a refresh token besides having been used; empty when nothing does.
func refreshBarrier(row store.GetRefreshRow, g granted, now time.Time) string {
	switch {
	case row.RevokedAt != nil:
		return "grant revoked"
	case !row.GrantExpiresAt.After(now):
		return "grant at its absolute limit"
	case row.RefreshExpiresAt == nil || !row.RefreshExpiresAt.After(now):
		return "refresh token expired"
	case row.AccountDisabledAt != nil:
		return "account disabled"
	case row.AccountEpoch != row.CredentialEpoch:
		return "credentials changed since"
	case !sufficient(row, g, now):
		return "a second factor is required now"
	}
	return ""
}

// sufficient reports whether what the grant rests on is what its surface demands of the account now.
func sufficient(row store.GetRefreshRow, g granted, now time.Time) bool {
	account := store.Account{TwoFactor: row.TwoFactor, ExemptUntil: row.ExemptUntil, GraceFrom: row.GraceFrom, GraceUntil: row.GraceUntil}
	return standing.Suffices(row.Surface, account, g.evidence, now)
}

// issueToClient makes an access token of the client's own (RFC 6749 §4.4). There is nobody to refresh it for.
func (m *machine) issueToClient(ctx context.Context, c *Client, asked []string) (*tokenResponse, error) {
	if !c.confidential() {
		return nil, refuseClient("a public client has no token of its own")
	}
	scope, ok := narrowScope(asked, c.apiScopes())
	if !ok {
		return nil, &protocolError{code: codeInvalidScope, reason: "not a scope of the client's own"}
	}
	resources, ok := targets(exchangeOf(ctx).resources, m.mayTarget(c))
	if !ok {
		return nil, refuseTarget("not a resource of the client's registration")
	}
	now := m.now()
	access, key := c.newAccess(), exchangeOf(ctx).key
	expires := now.Add(m.accessLife(c))
	token, err := m.mint.accessToken(c, access, accessFacts{
		subject: c.id, scope: formatScope(scope), audience: resources, key: key, now: now, expires: expires,
	})
	if err != nil {
		return nil, err
	}
	arg := store.InsertClientTokenSetParams{
		ID: store.NewID[store.TokenSetID](), ClientID: c.id, Scope: formatScope(scope), KeyThumbprint: key, Audience: formatScope(resources),
		AccessHash: access.hash, AccessExpiresAt: expires, Now: now,
	}
	if err := m.db.Once(ctx, func(q *store.Queries) error { return q.InsertClientTokenSet(ctx, arg) }); err != nil {
		return nil, fmt.Errorf("store client token: %w", err)
	}
	return &tokenResponse{
		AccessToken: token, TokenType: tokenTypeFor(key), ExpiresIn: seconds(expires.Sub(now)), Scope: formatScope(scope),
	}, nil
}

// addIDToken adds the ID token to an answer whose scope holds openid. The account is read only when its claims were asked for.
func (m *machine) addIDToken(ctx context.Context, resp *tokenResponse, c *Client, g granted, nonce string, now time.Time) error {
	if !hasScope(resp.Scope, scopeOpenID) {
		return nil
	}
	asked, err := readNamedClaims(g.claims)
	if err != nil {
		return fmt.Errorf("grant %s: %w", g.id, err)
	}
	var id identity
	if told := c.tells(resp.Scope, asked.IDToken); told != (disclosure{}) {
		a, err := m.db.Read().GetAccount(ctx, g.account)
		if err != nil {
			return fmt.Errorf("read account of grant: %w", err)
		}
		id = identityOf(a.LoginID, a.DisplayName, a.RegisteredEmail, told)
	}
	resp.IDToken, err = m.mint.idToken(c, g, id, resp.AccessToken, nonce, now)
	return err
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }

package provider

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/web"
)

// ErrNotClientToken says that a bearer token is none that a client got for itself, or is not live any more: one answer for every
// reason.
var ErrNotClientToken = errors.New("not a live token of a client's own")

// ClientToken finds the access token that a client got for itself (client_credentials) and presents with a request, with a proof if it
// is bound to a key. A token that stands for a person is none, whatever its scope. It fails with [ErrNotClientToken], and writes into
// the answer's header what the client must do.
func (p *Provider) ClientToken(answer http.Header, r *http.Request) (store.TokenSetID, error) {
	set, err := p.ownToken(answer, r)
	return set.ID, err
}

// ClientGrant is [Provider.ClientToken] for those who need no more than to know who asks, and for what the token may be used: the scopes
// that the client's registration still has.
func (p *Provider) ClientGrant(answer http.Header, r *http.Request) (clientID string, scopes []string, err error) {
	set, err := p.ownToken(answer, r)
	if err != nil {
		return "", nil, err
	}
	c, known := p.clients.Lookup(set.ClientID)
	if !known {
		answer.Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		return "", nil, ErrNotClientToken
	}
	for s := range strings.FieldsSeq(set.Scope) {
		if slices.Contains(c.scopes, s) {
			scopes = append(scopes, s)
		}
	}
	return c.id, scopes, nil
}

// ownToken is the row of the token that [Provider.ClientToken] finds.
func (p *Provider) ownToken(answer http.Header, r *http.Request) (store.GetClientAccessTokenRow, error) {
	t, err := p.present(answer, r)
	var set store.GetClientAccessTokenRow
	if err == nil {
		set, err = p.clientToken(r.Context(), t)
	}
	refused, ok := errors.AsType[*protocolError](err)
	if !ok {
		return set, err
	}
	web.Event(r.Context()).Add(slog.String("oauth_error", refused.code), slog.String("oauth_reason", refused.reason))
	switch entry, _ := catalogue(refused.code); {
	case refused.code == codeNoToken:
		answer.Set("WWW-Authenticate", "Bearer")
		answer.Add("WWW-Authenticate", challengeDPoP("", ""))
	case ofProof(refused.code):
		answer.Set("WWW-Authenticate", challengeDPoP(entry.sent, entry.description))
	case byDPoP(r):
		answer.Set("WWW-Authenticate", challengeDPoP(codeInvalidToken, entry.description))
	default:
		answer.Set("WWW-Authenticate", `Bearer error="invalid_token"`)
	}
	return store.GetClientAccessTokenRow{}, ErrNotClientToken
}

func (m *machine) clientToken(ctx context.Context, t presented) (store.GetClientAccessTokenRow, error) {
	hash, _, ok := m.accessHash(t.token)
	if !ok {
		return store.GetClientAccessTokenRow{}, refuseToken("not an access token")
	}
	set, err := m.db.Read().GetClientAccessToken(ctx, store.GetClientAccessTokenParams{Now: m.now(), AccessHash: hash})
	if errors.Is(err, store.ErrNotFound) {
		return set, refuseToken("not a live token of a client's own")
	}
	if err != nil {
		return set, fmt.Errorf("read client token: %w", err)
	}
	if !isForUs(set.Audience, m.issuer) {
		return set, refuseToken("for somebody else: an API it was shown to must not use it here")
	}
	return set, m.allow(ctx, t, set.ClientID, set.KeyThumbprint)
}

// ClientSecret finds the client that proves itself with its secret in the Authorization header (RFC 6749 section 2.3.1), if it could
// get tokens of its own with nothing else. It fails with [ErrNotClientToken].
func (p *Provider) ClientSecret(ctx context.Context, header http.Header) (id string, err error) {
	c, err := p.machine.authenticate(ctx, pathToken, header, nil)
	if err != nil || !c.confidential() || c.requiresDPoP() || !c.AllowsGrant(string(oidc.GrantTypeClientCredentials)) {
		return "", ErrNotClientToken
	}
	return c.id, nil
}

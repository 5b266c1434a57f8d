package provider

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/store"
)

// logoutTokenLife is short, as OpenID Connect Back-Channel Logout 1.0 §4 wants it: a token is made when it is sent.
const logoutTokenLife = 2 * time.Minute

// logoutEvent is the one event a logout token tells of (§2.4).
const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// logoutClaims are those of a logout token. There is no nonce, so that it can never pass for an ID token.
type logoutClaims struct {
	Issuer    string              `json:"iss"`
	Subject   string              `json:"sub"`
	Audience  string              `json:"aud"`
	IssuedAt  int64               `json:"iat"`
	Expiry    int64               `json:"exp"`
	ID        string              `json:"jti"`
	Events    map[string]struct{} `json:"events"`
	SessionID string              `json:"sid,omitempty"`
}

// logoutToken makes the token that tells a client of the end of a session; of all that it has of the account, if session is empty.
func (m *minter) logoutToken(c *Client, account store.AccountID, session store.SessionID, now time.Time) (string, error) {
	return m.keys.Sign(c.idTokenAlg, typLogoutToken, logoutClaims{
		Issuer: m.issuer, Subject: m.subjects.subjectFor(c, account), Audience: c.id, IssuedAt: now.Unix(), Expiry: now.Add(logoutTokenLife).Unix(),
		ID: rand.Text(), Events: map[string]struct{}{logoutEvent: {}}, SessionID: m.subjects.sessionFor(c, session),
	})
}

// Push makes the request that tells a relying party of the end of a session (OpenID Connect Back-Channel Logout 1.0 §2.5). It is called
// at each try: by then the address may be another, and the token is signed with the key of the day. It fails with [delivery.ErrMoot]
// for a client that is disabled, deleted or does not ask to be told any more.
func (m *machine) Push(ctx context.Context, p delivery.Push) (delivery.PushRequest, error) {
	if p.Kind != delivery.KindSignOut {
		return delivery.PushRequest{}, fmt.Errorf("push of unknown kind %q", p.Kind)
	}
	// From the database: the copy in memory may be some seconds old, and this is said once.
	row, err := m.db.Read().GetClient(ctx, p.Recipient)
	if errors.Is(err, store.ErrNotFound) || err == nil && (row.DisabledAt != nil || row.BackchannelLogoutURI == "") {
		return delivery.PushRequest{}, delivery.ErrMoot
	}
	if err != nil {
		return delivery.PushRequest{}, fmt.Errorf("load client: %w", err)
	}
	c, err := newClient(row)
	if err != nil {
		return delivery.PushRequest{}, err
	}
	token, err := m.mint.logoutToken(c, p.AccountID, p.SessionID, m.now())
	if err != nil {
		return delivery.PushRequest{}, err
	}
	return delivery.PushRequest{
		URL: c.backchannelLogoutURI, ContentType: "application/x-www-form-urlencoded",
		Body: []byte(url.Values{"logout_token": {token}}.Encode()),
	}, nil
}

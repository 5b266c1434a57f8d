package provider

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/futakagi/futakagi/client"
	"github.com/futakagi/futakagi/signin"
)

// prefixJTI begins the jti of access tokens that are JWTs. It is as random as an opaque token, and its hash is what the row is found by; as
// it is no bearer value, whoever sees only the jti has nothing.
const prefixJTI = "jt_"

// newAccess is an access token whose row is yet to be written, or whose content is known only when it is.
type newAccess struct {
	value string // the token itself if it is opaque, the jti of a JWT
	hash  []byte
}

// newAccess begins an access token in the client's format.
func (c *Client) newAccess() newAccess {
	prefix := prefixAccess
	if c.settings.AccessTokenFormat == client.FormatJWT {
		prefix = prefixJTI
	}
	var a newAccess
	a.value, a.hash = newBearer(prefix)
	return a
}

// accessFacts are what an access token says, in whichever format.
type accessFacts struct {
	subject  string
	scope    string
	audience []string // none: this server
	key      string   // the thumbprint of the key it is bound to (RFC 9449 §6); empty: none
	actors   []string // the clients that act for the subject, the present one first
	evidence signin.EvidenceList
	now      time.Time
	expires  time.Time
}

// accessClaims is an access token as a JWT (RFC 9068 §2.2; act by RFC 8693 §4.1, cnf by RFC 9449 §6.1). What a sign-in proved is told by
// auth_time, acr and amr; who the person is, and which session it was, is for the client and not for whoever the token is shown to.
type accessClaims struct {
	Issuer   string        `json:"iss"`
	Subject  string        `json:"sub"`
	Audience audience      `json:"aud"`
	ClientID string        `json:"client_id"`
	Expiry   int64         `json:"exp"`
	IssuedAt int64         `json:"iat"`
	ID       string        `json:"jti"`
	Scope    string        `json:"scope,omitempty"`
	AuthTime int64         `json:"auth_time,omitempty"`
	ACR      string        `json:"acr,omitempty"`
	AMR      []string      `json:"amr,omitempty"`
	Key      *confirmation `json:"cnf,omitempty"`
	Actor    *actor        `json:"act,omitempty"`
}

// actor is a client that acts for the subject; the one that acted before it stands inside (RFC 8693 §4.1).
type actor struct {
	Subject string `json:"sub"`
	Before  *actor `json:"act,omitempty"`
}

// actorOf is the claim act of a list of clients, the present one first; nil for none.
func actorOf(clients []string) *actor {
	var a *actor
	for _, id := range slices.Backward(clients) {
		a = &actor{Subject: id, Before: a}
	}
	return a
}

// accessToken finishes an access token.
func (m *minter) accessToken(c *Client, a newAccess, f accessFacts) (string, error) {
	if !strings.HasPrefix(a.value, prefixJTI) {
		return a.value, nil
	}
	proved := assuranceOf(f.evidence, m.emailMFA)
	claims := accessClaims{
		Issuer: m.issuer, Subject: f.subject, Audience: m.audienceOf(f.audience), ClientID: c.id,
		Expiry: f.expires.Unix(), IssuedAt: f.now.Unix(), ID: a.value, Scope: f.scope,
		AuthTime: proved.AuthTime, ACR: proved.ACR, AMR: proved.AMR, Actor: actorOf(f.actors),
	}
	claims.Key = confirmationOf(f.key)
	return m.keys.Sign(c.idTokenAlg, typAccessToken, claims)
}

// audienceOf is whom a token is for. One for no resource in particular is for this server, at whose userinfo endpoint it can be used
// (RFC 9068 §3).
func (m *minter) audienceOf(resources []string) audience {
	if len(resources) == 0 {
		return audience{m.issuer}
	}
	return resources
}

// grantedAccess finishes the access token of a grant, and returns it with what the answer says of it.
func (m *machine) grantedAccess(c *Client, a newAccess, g granted, f accessFacts) (string, error) {
	f.subject, f.evidence = m.subjects.subjectFor(c, g.account), g.evidence
	return m.mint.accessToken(c, a, f)
}

// accessHash is what the row of an access token is found by. Of all that we sign only an access token has one: a JWT must be of that typ, be
// signed with a key that counts still, and name a jti as we make them. Whether the token lives is for its row to say.
func (m *machine) accessHash(token string) (hash []byte, isJWT, ok bool) {
	if hash, ok = bearerHash(prefixAccess, token); ok || strings.HasPrefix(token, prefixAccess) {
		return hash, false, ok
	}
	raw, err := m.keys.Verify(token, typAccessToken)
	if err != nil {
		return nil, false, false
	}
	var c struct {
		Issuer string `json:"iss"`
		ID     string `json:"jti"`
	}
	if err := json.Unmarshal(raw, &c); err != nil || c.Issuer != m.issuer {
		return nil, false, false
	}
	hash, ok = bearerHash(prefixJTI, c.ID)
	return hash, true, ok
}

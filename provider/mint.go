package provider

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Bearer values are opaque: 256 random bits behind a prefix that says what they are, so that one is never looked up as
// another and scanners find them in leaked files. Only their SHA-256 is stored.
const (
	prefixCode    = "ac_"
	prefixAccess  = "at_"
	prefixRefresh = "rt_"
)

const bearerBytes = 32

// newBearer makes a bearer value and the hash to store.
func newBearer(prefix string) (value string, hash []byte) {
	var b [bearerBytes]byte
	_, _ = rand.Read(b[:]) // never fails: the runtime stops the program instead
	value = prefix + base64.RawURLEncoding.EncodeToString(b[:])
	return value, hashSecret(value)
}

// newCode makes an authorization code.
func newCode() (code string, hash []byte) { return newBearer(prefixCode) }

// bearerHash returns the stored hash of a value with the prefix. What we cannot have made never reaches the database.
func bearerHash(prefix, value string) (hash []byte, ok bool) {
	random, ok := strings.CutPrefix(value, prefix)
	if !ok || len(random) != base64.RawURLEncoding.EncodedLen(bearerBytes) || strings.ContainsAny(random, "\r\n") {
		return nil, false
	}
	if _, err := base64.RawURLEncoding.Strict().DecodeString(random); err != nil {
		return nil, false
	}
	return hashSecret(value), true
}

// minter writes ID tokens and the other things that are signed.
type minter struct {
	issuer   string
	keys     *Keyring
	subjects *subjects
	lifetime time.Duration
	emailMFA bool
}

// idToken makes the ID token of a grant for the access token beside it. Nonce belongs to the authorization alone: a
// refreshed token has none (OpenID Connect Core §12.2).
func (m *minter) idToken(c *Client, g granted, id identity, accessToken, nonce string, now time.Time) (string, error) {
	return m.keys.Sign(c.idTokenAlg, typIDToken, idTokenClaims{
		Issuer:          m.issuer,
		Subject:         m.subjects.subjectFor(c, g.account),
		Audience:        c.id,
		AuthorizedParty: c.id,
		Expiry:          now.Add(m.lifetimeOf(c)).Unix(),
		IssuedAt:        now.Unix(),
		assurance:       assuranceOf(g.evidence, m.emailMFA),
		Nonce:           nonce,
		SessionID:       m.subjects.sessionFor(c, g.session),
		AccessTokenHash: halfHash(c.idTokenAlg, accessToken),
		identity:        id,
	})
}

// hintClaims is what an ID token handed back to us says.
type hintClaims struct {
	Subject   string
	SessionID string
	Audience  []string
}

// verifyHint reads an id_token_hint. One that has expired still tells whom it is about (OpenID Connect Core §3.1.2.1); one of
// another issuer, another kind or from the future does not, nor does one for a client that is no more.
func (m *machine) verifyHint(token string, now time.Time) (hintClaims, error) {
	raw, err := m.keys.Verify(token, typIDToken)
	if err != nil {
		return hintClaims{}, err
	}
	var c struct {
		Issuer    string `json:"iss"`
		Subject   string `json:"sub"`
		Audience  string `json:"aud"`
		SessionID string `json:"sid"`
		IssuedAt  int64  `json:"iat"`
		Expiry    int64  `json:"exp"`
	}
	if err := json.Unmarshal(raw, &c); err != nil {
		return hintClaims{}, fmt.Errorf("%w: claims cannot be read", errTokenInvalid)
	}
	switch {
	case c.Issuer != m.issuer:
		return hintClaims{}, fmt.Errorf("%w: another issuer's", errTokenInvalid)
	case c.Subject == "" || c.Expiry == 0:
		return hintClaims{}, fmt.Errorf("%w: claims are missing", errTokenInvalid)
	case c.IssuedAt > now.Add(time.Minute).Unix():
		return hintClaims{}, fmt.Errorf("%w: from the future", errTokenInvalid)
	}
	if _, ok := m.clients.Lookup(c.Audience); !ok {
		return hintClaims{}, fmt.Errorf("%w: its client is not known", errTokenInvalid)
	}
	return hintClaims{Subject: c.Subject, SessionID: c.SessionID, Audience: []string{c.Audience}}, nil
}

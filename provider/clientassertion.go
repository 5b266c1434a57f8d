package provider

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/futakagi/futakagi/store"
)

const (
	// maxAssertionLife is how far ahead an assertion may expire: as long as its jti must be remembered.
	maxAssertionLife = time.Hour
	// maxJTI bounds what is hashed and logged of a jti.
	maxJTI = 256
)

// clientOfAssertion is whom an assertion says it comes from, before anything of it is believed: it chooses the keys to verify with.
func clientOfAssertion(assertion *signed) (string, bool) {
	claims, err := parseClaimSet(assertion.payload)
	if err != nil {
		return "", false
	}
	sub, ok := claims.text("sub")
	return sub, ok && sub != "" && cleanText(sub)
}

// authenticateByKey returns the client that signed the assertion (private_key_jwt: OpenID Connect Core section 9, RFC 7523 section 3).
// Whatever is wrong, the answer is one and the same.
func (m *machine) authenticateByKey(ctx context.Context, path string, cred credentials) (*Client, error) {
	assertion, err := parseJWS(cred.assertion, verifiedAlgs())
	if err != nil {
		return nil, refuseClient(err.Error())
	}
	sub, ok := clientOfAssertion(assertion)
	if !ok || cred.id != "" && cred.id != sub {
		return nil, refuseClient("the assertion's sub is not the client")
	}
	c, known := m.clients.Lookup(sub)
	switch {
	case !known:
		return nil, refuseClient("unknown client")
	case c.authMethod != oidc.AuthMethodPrivateKeyJWT:
		return nil, refuseClient("the client is registered for another method of authentication")
	case !slices.Contains(c.algs(c.settings.AssertionAlg), assertion.header.Alg):
		return nil, refuseClient("the assertion's algorithm is not the client's")
	}
	keys, err := m.clientKeys.of(ctx, c, assertion.header.KeyID)
	if errors.Is(err, errNoKeys) {
		return nil, refuseClient(err.Error())
	}
	if err != nil {
		return nil, fmt.Errorf("find keys of client: %w", err)
	}
	if err := assertion.verify(keys); err != nil {
		return nil, refuseClient(err.Error())
	}
	jti, expires, err := m.checkAssertion(c, path, assertion.payload)
	if err != nil {
		return nil, err
	}
	return c, m.useAssertion(ctx, c, jti, expires)
}

// checkAssertion checks the claims of an assertion whose signature holds.
func (m *machine) checkAssertion(c *Client, path string, payload []byte) (jti string, expires time.Time, err error) {
	claims, err := parseClaimSet(payload)
	if err != nil {
		return "", expires, refuseClient("the assertion's claims cannot be read")
	}
	iss, ok1 := claims.text("iss")
	sub, ok2 := claims.text("sub")
	jti, ok3 := claims.text("jti")
	if !ok1 || !ok2 || iss != c.id || sub != c.id {
		return "", expires, refuseClient("the assertion's iss and sub are not the client")
	}
	if !ok3 || jti == "" || len(jti) > maxJTI {
		return "", expires, refuseClient("the assertion has no usable jti")
	}
	values, single, ok := claims.audience()
	allowed, mustBeSingle := m.assertionAudiences(c, path)
	if !ok || mustBeSingle && !single || !slices.ContainsFunc(values, func(v string) bool { return slices.Contains(allowed, v) }) {
		return "", expires, refuseClient("the assertion is for somebody else")
	}
	now := m.now()
	exp, ok := claims.time("exp")
	switch {
	case !ok || exp == nil:
		return "", expires, refuseClient("the assertion has no exp")
	case !exp.After(now):
		return "", expires, refuseClient("the assertion has expired")
	case exp.After(now.Add(maxAssertionLife + clockLead)):
		return "", expires, refuseClient("the assertion lives too long")
	case !claims.started(now):
		return "", expires, refuseClient("the assertion is from the future")
	}
	return jti, *exp, nil
}

// useAssertion spends an assertion: of any number of requests with it, on any number of servers, one goes through.
func (m *machine) useAssertion(ctx context.Context, c *Client, jti string, expires time.Time) error {
	key := hashSecret("assertion\x00" + c.id + "\x00" + jti)
	var n int64
	err := m.db.Once(ctx, func(q *store.Queries) (err error) {
		// Another server's clock may be behind, and take it a little longer.
		n, err = q.UseOnce(ctx, store.UseOnceParams{Key: key, ExpiresAt: expires.Add(clockLead)})
		return err
	})
	if err != nil {
		return fmt.Errorf("use client assertion: %w", err)
	}
	if n == 0 {
		return refuseClient("the assertion was used before")
	}
	return nil
}

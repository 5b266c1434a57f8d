package provider

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/futakagi/futakagi/client"
)

// The FAPI 2.0 Security Profile, for the clients that are registered for it. What it asks of every server holds for every client here
// anyway: no response type but code, S256 alone, iss in every answer, exact redirect URIs, one use of each code. What it asks beside
// that is on this page, and what asks is named with each rule (section 5.3.2 unless it says otherwise).

// fapiCodeLife is the longest a code may live (5.3.2.1).
const fapiCodeLife = time.Minute

// fapi reports whether the rules of this page hold.
func (c *Client) fapi() bool { return c.settings.Profile == client.ProfileFAPI2 }

// checkFAPI says why a registration cannot be served by these rules: the client must be confidential and prove itself by a key (5.3.2.1,
// 5.3.3.1).
func (c *Client) checkFAPI() error {
	if c.fapi() && c.authMethod != oidc.AuthMethodPrivateKeyJWT {
		return fmt.Errorf("client %q must authenticate by private_key_jwt (FAPI 2.0)", c.id)
	}
	return nil
}

// algs are those a client may sign something with of which its registration names one, or none.
func (c *Client) algs(registered string) []string {
	all := verifiedAlgs()
	if c.fapi() {
		all = client.FAPIAlgs()
	}
	if registered == "" {
		return all
	}
	return slices.DeleteFunc(all, func(alg string) bool { return alg != registered })
}

// assertionAudiences are the values of aud that a client assertion may have at an endpoint, and whether it must be one string: by FAPI 2.0
// it is the issuer, so that an assertion made for one server is no use at another; else also where it is sent (RFC 7523 section 3, RFC
// 9126 section 2).
func (m *machine) assertionAudiences(c *Client, path string) (values []string, single bool) {
	if c.fapi() {
		return []string{m.issuer}, true
	}
	base := strings.TrimSuffix(m.issuer, "/")
	return []string{m.issuer, base + pathToken, base + path}, false
}

// requiresPAR reports whether the authorization endpoint takes pushed requests alone (5.3.2.2; RFC 9126 section 6).
func (c *Client) requiresPAR() bool { return c.settings.RequirePAR || c.fapi() }

// requiresDPoP reports whether every token must be bound to a key (5.3.2.1; RFC 9449 section 5.2).
func (c *Client) requiresDPoP() bool { return c.settings.DPoP || c.fapi() }

// pushedFor is how long a pushed request may be opened; less than 10 minutes by 5.3.2.2.
func (c *Client) pushedFor() time.Duration {
	if c.fapi() {
		return time.Minute
	}
	return pushedLife
}

// codeLife is how long a code may be redeemed.
func (c *Client) codeLife(configured time.Duration) time.Duration {
	if c.fapi() {
		return min(configured, fapiCodeLife)
	}
	return configured
}

// rotates reports whether a refresh gives a new refresh token. By 5.3.2.1 it does not: the token is bound to a key, and a client whose
// answer was lost must be able to ask again.
func (c *Client) rotates() bool { return !c.fapi() }

// checkFAPIRequest applies what the profile asks of an authorization request: a redirect URI by https, or to a loopback address of a
// native application (5.3.2.2).
func (q *authRequest) checkFAPIRequest(c *Client) error {
	if !c.fapi() || strings.HasPrefix(q.RedirectURI, "https://") {
		return nil
	}
	if _, ok := loopback(q.RedirectURI); ok {
		return nil
	}
	return refuse("invalid_request", "redirect_uri must use https")
}

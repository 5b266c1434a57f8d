package provider

import (
	"mime"
	"net/http"
	"strings"
	"time"
)

const mediaIntrospection = "application/token-introspection+jwt"

// signedAnswer is an answer that is a JWT instead of plain JSON.
type signedAnswer struct {
	mediaType string
	token     string
}

func (a *signedAnswer) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", a.mediaType)
	_, _ = w.Write([]byte(a.token)) // nobody is left to tell
}

// signedUserinfo is an answer of the userinfo endpoint with who says it, and to whom (OpenID Connect Core §5.3.2).
type signedUserinfo struct {
	Issuer   string `json:"iss"`
	Audience string `json:"aud"`
	*userinfoClaims
}

func (m *machine) signUserinfo(c *Client, claims *userinfoClaims) (*signedAnswer, error) {
	token, err := m.keys.Sign(c.settings.UserinfoAlg, typUserinfo, signedUserinfo{m.issuer, c.id, claims})
	if err != nil {
		return nil, err
	}
	return &signedAnswer{"application/jwt", token}, nil
}

// signedIntrospection is an answer about a token, for the client that asked (RFC 9701 §5). It has neither sub nor exp of its own, so that it
// passes for no token.
type signedIntrospection struct {
	Issuer        string         `json:"iss"`
	Audience      string         `json:"aud"`
	IssuedAt      int64          `json:"iat"`
	Introspection *introspection `json:"token_introspection"`
}

// wantsSigned reports whether the answer about a token is to be signed: the client is registered for that, or asks for it (RFC 9701 §4).
func (x *exchange) wantsSigned(c *Client) bool {
	if c.settings.IntrospectionAlg != "" {
		return true
	}
	for part := range strings.SplitSeq(strings.Join(x.accept, ","), ",") {
		if mediaType, _, err := mime.ParseMediaType(part); err == nil && mediaType == mediaIntrospection {
			return true
		}
	}
	return false
}

// introspectionAlg is what answers about tokens are signed with. What RFC 9701 §6 has for a client that did not say is none of FAPI 2.0
// (§5.4.1): there it is what the client's ID tokens are signed with, which its registration was held to.
func (c *Client) introspectionAlg() string {
	switch {
	case c.settings.IntrospectionAlg != "":
		return c.settings.IntrospectionAlg
	case c.fapi():
		return c.idTokenAlg
	}
	return algRS256
}

func (m *machine) signIntrospection(c *Client, info *introspection) (*signedAnswer, error) {
	token, err := m.keys.Sign(c.introspectionAlg(), typIntrospection, signedIntrospection{m.issuer, c.id, m.now().Truncate(time.Second).Unix(), info})
	if err != nil {
		return nil, err
	}
	return &signedAnswer{mediaIntrospection, token}, nil
}

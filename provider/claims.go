package provider

import (
	"time"

	"github.com/futakagi/futakagi/signin"
)

// claimTwoFactor is the name of our claim about the second factor.
const claimTwoFactor = "urn:futakagi:2fa"

// assurance is how a person was authenticated. It comes from the evidence of the session the grant was made in and from
// nothing else (I1).
type assurance struct {
	AuthTime  int64                  `json:"auth_time,omitempty"`
	ACR       string                 `json:"acr,omitempty"`
	AMR       []string               `json:"amr,omitempty"`
	TwoFactor *signin.TwoFactorClaim `json:"urn:futakagi:2fa,omitempty"`
}

// assuranceOf derives the claims; emailMFA is whether a code by mail counts as a second factor in amr.
func assuranceOf(evidence signin.EvidenceList, emailMFA bool) assurance {
	a := assurance{
		ACR:       evidence.Level().ACR(),
		AMR:       evidence.AMR(emailMFA),
		TwoFactor: evidence.TwoFactor(),
	}
	if t := evidence.AuthTime(); !t.IsZero() {
		a.AuthTime = t.Unix()
	}
	return a
}

// identity is what the scopes profile and email tell about a person (OpenID Connect Core §5.4).
type identity struct {
	Name              string `json:"name,omitempty"`
	PreferredUsername string `json:"preferred_username,omitempty"`
	Email             string `json:"email,omitempty"`
	// EmailVerified is always false beside an address: a registered address was typed in by staff, and nobody has shown to us
	// that it is read by this person (I18).
	EmailVerified *bool `json:"email_verified,omitempty"`
}

// identityOf is what of an account is told.
func identityOf(loginID, name, email string, told disclosure) identity {
	var id identity
	if told.name {
		id.Name = name
	}
	if told.username {
		id.PreferredUsername = loginID
	}
	if told.email {
		id.Email = email
	}
	if told.verified && email != "" {
		id.EmailVerified = new(bool)
	}
	return id
}

// idTokenClaims is an ID token (OpenID Connect Core §2).
type idTokenClaims struct {
	Issuer          string `json:"iss"`
	Subject         string `json:"sub"`
	Audience        string `json:"aud"`
	AuthorizedParty string `json:"azp"`
	Expiry          int64  `json:"exp"`
	IssuedAt        int64  `json:"iat"`
	assurance
	Nonce           string `json:"nonce,omitempty"`
	SessionID       string `json:"sid"`
	AccessTokenHash string `json:"at_hash,omitempty"`
	identity
}

// userinfoClaims is the answer of the userinfo endpoint (OpenID Connect Core §5.3.2).
type userinfoClaims struct {
	Subject string `json:"sub"`
	identity
	assurance
}

// introspection is the answer of the introspection endpoint (RFC 7662 §2.2; acr and auth_time by RFC 9470 §6.2).
type introspection struct {
	Active    bool     `json:"active"`
	Scope     string   `json:"scope,omitempty"`
	ClientID  string   `json:"client_id,omitempty"`
	Username  string   `json:"username,omitempty"`
	TokenType string   `json:"token_type,omitempty"`
	Expiry    int64    `json:"exp,omitempty"`
	IssuedAt  int64    `json:"iat,omitempty"`
	Subject   string   `json:"sub,omitempty"`
	Audience  audience `json:"aud,omitempty"`
	Issuer    string   `json:"iss,omitempty"`
	SessionID string   `json:"sid,omitempty"`
	Actor     *actor   `json:"act,omitempty"`
	// Confirmation is the key that the token is bound to (RFC 9449 §6.2).
	Confirmation *confirmation `json:"cnf,omitempty"`
	assurance
}

// tokenResponse is the answer of the token endpoint (RFC 6749 §5.1, OpenID Connect Core §3.1.3.3).
type tokenResponse struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"`
	RefreshToken string `json:"refresh_token,omitempty"`
	IDToken      string `json:"id_token,omitempty"`
	Scope        string `json:"scope,omitempty"`
	// IssuedTokenType is of an exchange alone (RFC 8693 §2.2.1).
	IssuedTokenType string `json:"issued_token_type,omitempty"`
}

// earlier returns the earlier of two times.
func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

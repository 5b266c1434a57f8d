package provider

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/futakagi/futakagi/signin"
)

// PathJWKS is where the public halves of the signing keys are (RFC 7517).
const PathJWKS = "/jwks"

// The paths of the protocol. They are fixed: clients write them down.
const (
	pathAuthorize     = "/authorize"
	pathToken         = "/token"
	pathUserinfo      = "/userinfo"
	pathIntrospect    = "/introspect"
	pathRevoke        = "/revoke"
	pathLogout        = "/logout"
	pathDiscovery     = oidc.DiscoveryEndpoint
	pathOAuthMetadata = "/.well-known/oauth-authorization-server"
)

// discoveryMaxAge is short: after an update, clients should learn of a new feature within minutes.
const discoveryMaxAge = 5 * time.Minute

// metadata is what we say about ourselves (OpenID Connect Discovery §3, Front-Channel Logout §3, Back-Channel Logout §2.1, RFC 8414 §2, RFC 9207 §3). It names
// what works and nothing else; members whose absence would mean "yes" are written out.
type metadata struct {
	Issuer                       string            `json:"issuer"`
	AuthorizationEndpoint        string            `json:"authorization_endpoint"`
	TokenEndpoint                string            `json:"token_endpoint"`
	UserinfoEndpoint             string            `json:"userinfo_endpoint"`
	JWKSURI                      string            `json:"jwks_uri"`
	IntrospectionEndpoint        string            `json:"introspection_endpoint"`
	RevocationEndpoint           string            `json:"revocation_endpoint"`
	EndSessionEndpoint           string            `json:"end_session_endpoint"`
	ScopesSupported              []string          `json:"scopes_supported"`
	ResponseTypesSupported       []string          `json:"response_types_supported"`
	ResponseModesSupported       []string          `json:"response_modes_supported"`
	GrantTypesSupported          []oidc.GrantType  `json:"grant_types_supported"`
	SubjectTypesSupported        []string          `json:"subject_types_supported"`
	IDTokenAlgs                  []string          `json:"id_token_signing_alg_values_supported"`
	TokenAuthMethods             []oidc.AuthMethod `json:"token_endpoint_auth_methods_supported"`
	IntrospectionAuthMethods     []oidc.AuthMethod `json:"introspection_endpoint_auth_methods_supported"`
	RevocationAuthMethods        []oidc.AuthMethod `json:"revocation_endpoint_auth_methods_supported"`
	CodeChallengeMethods         []string          `json:"code_challenge_methods_supported"`
	ACRValues                    []string          `json:"acr_values_supported"`
	PromptValues                 []string          `json:"prompt_values_supported"`
	ClaimTypes                   []string          `json:"claim_types_supported"`
	Claims                       []string          `json:"claims_supported"`
	UILocales                    []string          `json:"ui_locales_supported"`
	ServiceDocumentation         string            `json:"service_documentation"`
	ClaimsParameter              bool              `json:"claims_parameter_supported"`
	RequestParameter             bool              `json:"request_parameter_supported"`
	RequestURIParameter          bool              `json:"request_uri_parameter_supported"`
	AuthorizationResponseIssuers bool              `json:"authorization_response_iss_parameter_supported"`
	FrontchannelLogout           bool              `json:"frontchannel_logout_supported"`
	FrontchannelLogoutSession    bool              `json:"frontchannel_logout_session_supported"`
	BackchannelLogout            bool              `json:"backchannel_logout_supported"`
	BackchannelLogoutSession     bool              `json:"backchannel_logout_session_supported"`
}

func newDiscovery(issuer string) (*document, error) {
	base := strings.TrimSuffix(issuer, "/")
	secrets := []oidc.AuthMethod{oidc.AuthMethodBasic, oidc.AuthMethodPost}
	anyMethod := []oidc.AuthMethod{oidc.AuthMethodBasic, oidc.AuthMethodPost, oidc.AuthMethodNone}
	body, err := json.Marshal(metadata{
		Issuer:                   issuer,
		AuthorizationEndpoint:    base + pathAuthorize,
		TokenEndpoint:            base + pathToken,
		UserinfoEndpoint:         base + pathUserinfo,
		JWKSURI:                  base + PathJWKS,
		IntrospectionEndpoint:    base + pathIntrospect,
		RevocationEndpoint:       base + pathRevoke,
		EndSessionEndpoint:       base + pathLogout,
		ScopesSupported:          identityScopes(),
		ResponseTypesSupported:   []string{"code"},
		ResponseModesSupported:   []string{"query", "form_post"},
		GrantTypesSupported:      []oidc.GrantType{oidc.GrantTypeCode, oidc.GrantTypeRefreshToken, oidc.GrantTypeClientCredentials},
		SubjectTypesSupported:    []string{"public"},
		IDTokenAlgs:              signingAlgs(),
		TokenAuthMethods:         anyMethod,
		IntrospectionAuthMethods: secrets,
		RevocationAuthMethods:    anyMethod,
		CodeChallengeMethods:     []string{"S256"},
		ACRValues:                signin.ACRValues(),
		PromptValues:             []string{"none", "login", "consent", "select_account"},
		ClaimTypes:               []string{"normal"},
		Claims: []string{
			"iss", "sub", "aud", "azp", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid", "at_hash", claimTwoFactor,
			"name", "preferred_username", "email", "email_verified",
		},
		UILocales:                    []string{"ja", "en"},
		ServiceDocumentation:         "https://github.com/futakagi/futakagi",
		ClaimsParameter:              true,
		AuthorizationResponseIssuers: true,
		FrontchannelLogout:           true,
		FrontchannelLogoutSession:    true,
		BackchannelLogout:            true,
		BackchannelLogoutSession:     true,
	})
	if err != nil {
		return nil, fmt.Errorf("encode discovery document: %w", err)
	}
	return newDocument(body, discoveryMaxAge), nil
}

package provider

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/futakagi/futakagi/client"
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
	pathDeviceAuth    = "/device_authorization"
	pathRevoke        = "/revoke"
	pathLogout        = "/logout"
	pathDiscovery     = oidc.DiscoveryEndpoint
	pathOAuthMetadata = "/.well-known/oauth-authorization-server"
)

// grantDevice is the grant type of devices without a browser (RFC 8628 §3.4).
const grantDevice = string(oidc.GrantTypeDeviceCode)

// discoveryMaxAge is short: after an update, clients should learn of a new feature within minutes.
const discoveryMaxAge = 5 * time.Minute

// metadata is what we say about ourselves (OpenID Connect Discovery §3, Front-Channel Logout §3, Back-Channel Logout §2.1, RFC 8414 §2,
// RFC 8628 §4, RFC 9101 §10.5, RFC 9126 §5, RFC 9207 §3, RFC 9449 §5.1, RFC 9701 §7). It names what works and nothing else; members
// whose absence would mean "yes" are written out.
type metadata struct {
	Issuer                       string            `json:"issuer"`
	AuthorizationEndpoint        string            `json:"authorization_endpoint"`
	TokenEndpoint                string            `json:"token_endpoint"`
	UserinfoEndpoint             string            `json:"userinfo_endpoint"`
	JWKSURI                      string            `json:"jwks_uri"`
	IntrospectionEndpoint        string            `json:"introspection_endpoint"`
	RevocationEndpoint           string            `json:"revocation_endpoint"`
	EndSessionEndpoint           string            `json:"end_session_endpoint"`
	PushedRequestEndpoint        string            `json:"pushed_authorization_request_endpoint"`
	DeviceAuthorizationEndpoint  string            `json:"device_authorization_endpoint"`
	RegistrationEndpoint         string            `json:"registration_endpoint,omitempty"`
	ScopesSupported              []string          `json:"scopes_supported"`
	ResponseTypesSupported       []string          `json:"response_types_supported"`
	ResponseModesSupported       []string          `json:"response_modes_supported"`
	UserinfoAlgs                 []string          `json:"userinfo_signing_alg_values_supported"`
	IntrospectionAlgs            []string          `json:"introspection_signing_alg_values_supported"`
	GrantTypesSupported          []oidc.GrantType  `json:"grant_types_supported"`
	SubjectTypesSupported        []string          `json:"subject_types_supported"`
	IDTokenAlgs                  []string          `json:"id_token_signing_alg_values_supported"`
	RequestObjectAlgs            []string          `json:"request_object_signing_alg_values_supported"`
	TokenAuthMethods             []oidc.AuthMethod `json:"token_endpoint_auth_methods_supported"`
	IntrospectionAuthMethods     []oidc.AuthMethod `json:"introspection_endpoint_auth_methods_supported"`
	TokenAuthAlgs                []string          `json:"token_endpoint_auth_signing_alg_values_supported"`
	IntrospectionAuthAlgs        []string          `json:"introspection_endpoint_auth_signing_alg_values_supported"`
	RevocationAuthAlgs           []string          `json:"revocation_endpoint_auth_signing_alg_values_supported"`
	RevocationAuthMethods        []oidc.AuthMethod `json:"revocation_endpoint_auth_methods_supported"`
	CodeChallengeMethods         []string          `json:"code_challenge_methods_supported"`
	DPoPAlgs                     []string          `json:"dpop_signing_alg_values_supported"`
	ACRValues                    []string          `json:"acr_values_supported"`
	PromptValues                 []string          `json:"prompt_values_supported"`
	ClaimTypes                   []string          `json:"claim_types_supported"`
	Claims                       []string          `json:"claims_supported"`
	UILocales                    []string          `json:"ui_locales_supported"`
	ServiceDocumentation         string            `json:"service_documentation"`
	ClaimsParameter              bool              `json:"claims_parameter_supported"`
	RequestParameter             bool              `json:"request_parameter_supported"`
	RequestURIParameter          bool              `json:"request_uri_parameter_supported"`
	RequirePushedRequests        bool              `json:"require_pushed_authorization_requests"`
	AuthorizationResponseIssuers bool              `json:"authorization_response_iss_parameter_supported"`
	FrontchannelLogout           bool              `json:"frontchannel_logout_supported"`
	FrontchannelLogoutSession    bool              `json:"frontchannel_logout_session_supported"`
	BackchannelLogout            bool              `json:"backchannel_logout_supported"`
	BackchannelLogoutSession     bool              `json:"backchannel_logout_session_supported"`
}

func newDiscovery(issuer string, registration bool) (*document, error) {
	base := strings.TrimSuffix(issuer, "/")
	proofs := []oidc.AuthMethod{oidc.AuthMethodBasic, oidc.AuthMethodPost, oidc.AuthMethodPrivateKeyJWT}
	anyMethod := append(slices.Clone(proofs), oidc.AuthMethodNone)
	register := ""
	if registration {
		register = base + PathRegister
	}
	body, err := json.Marshal(metadata{
		Issuer:                      issuer,
		AuthorizationEndpoint:       base + pathAuthorize,
		TokenEndpoint:               base + pathToken,
		UserinfoEndpoint:            base + pathUserinfo,
		JWKSURI:                     base + PathJWKS,
		IntrospectionEndpoint:       base + pathIntrospect,
		RevocationEndpoint:          base + pathRevoke,
		EndSessionEndpoint:          base + pathLogout,
		PushedRequestEndpoint:       base + pathPAR,
		DeviceAuthorizationEndpoint: base + pathDeviceAuth,
		RegistrationEndpoint:        register,
		ScopesSupported:             identityScopes(),
		ResponseTypesSupported:      []string{"code"},
		ResponseModesSupported:      []string{"query", "form_post"},
		UserinfoAlgs:                signingAlgs(),
		IntrospectionAlgs:           signingAlgs(),
		GrantTypesSupported:         []oidc.GrantType{oidc.GrantTypeCode, oidc.GrantTypeRefreshToken, oidc.GrantTypeClientCredentials, oidc.GrantTypeTokenExchange, oidc.GrantTypeDeviceCode},
		SubjectTypesSupported:       []string{client.SubjectPublic, client.SubjectPairwise},
		IDTokenAlgs:                 signingAlgs(),
		RequestObjectAlgs:           verifiedAlgs(),
		TokenAuthAlgs:               verifiedAlgs(),
		IntrospectionAuthAlgs:       verifiedAlgs(),
		RevocationAuthAlgs:          verifiedAlgs(),
		TokenAuthMethods:            anyMethod,
		IntrospectionAuthMethods:    proofs,
		RevocationAuthMethods:       anyMethod,
		CodeChallengeMethods:        []string{"S256"},
		DPoPAlgs:                    proofAlgs(),
		ACRValues:                   signin.ACRValues(),
		PromptValues:                []string{"none", "login", "consent", "select_account"},
		ClaimTypes:                  []string{"normal"},
		Claims: []string{
			"iss", "sub", "aud", "azp", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid", "at_hash", claimTwoFactor,
			"name", "preferred_username", "email", "email_verified",
		},
		UILocales:                    []string{"ja", "en"},
		ServiceDocumentation:         "https://github.com/futakagi/futakagi",
		ClaimsParameter:              true,
		RequestParameter:             true,
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

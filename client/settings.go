package client

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
)

// Settings are the members of a registration that no statement of the database looks at. The zero value is a registration that says
// nothing, and every member's zero value is what then holds. Lifetimes are in seconds.
type Settings struct {
	// ApplicationType is web (if empty) or native (OpenID Connect Registration section 2).
	ApplicationType string `json:"application_type,omitempty"`
	// ThirdParty says that the application is somebody else's: people are asked before it learns anything about them.
	ThirdParty bool `json:"third_party,omitempty"`
	// Profile is fapi2 for the rules of the FAPI 2.0 Security Profile, whatever else is said; empty for none.
	Profile string `json:"profile,omitempty"`

	// JWKS is the key set that the client signs with, inline (RFC 7517 section 5); JWKSURI is where it is. There is one of them at most.
	JWKS    json.RawMessage `json:"jwks,omitempty"`
	JWKSURI string          `json:"jwks_uri,omitempty"`
	// AssertionAlg is the algorithm of private_key_jwt; any that we verify if empty.
	AssertionAlg string `json:"token_endpoint_auth_signing_alg,omitempty"`

	// RequirePAR refuses authorization requests that were not pushed (RFC 9126 section 6).
	RequirePAR bool `json:"require_pushed_authorization_requests,omitempty"`
	// RequireRequestObject refuses authorization requests that are not signed (RFC 9101 section 10.5); RequestObjectAlg is the algorithm
	// they must be signed with, any that we verify if empty.
	RequireRequestObject bool   `json:"require_signed_request_object,omitempty"`
	RequestObjectAlg     string `json:"request_object_signing_alg,omitempty"`
	// DPoP refuses tokens that are bound to no key (RFC 9449 section 5.2).
	DPoP bool `json:"dpop_bound_access_tokens,omitempty"`

	// AccessTokenFormat is opaque (if empty) or jwt (RFC 9068).
	AccessTokenFormat string `json:"access_token_format,omitempty"`
	// Resources are the resource servers that tokens may be for (RFC 8707).
	Resources []string `json:"resources,omitempty"`
	// ResourceServers are the resources that this client serves itself: it may ask what a token for one of them says (RFC 7662), and
	// exchange it for one to go on with (RFC 8693).
	ResourceServers []string `json:"resource_servers,omitempty"`
	// UserinfoAlg signs answers of the userinfo endpoint, IntrospectionAlg those of introspection (RFC 9701); they are plain JSON if empty.
	UserinfoAlg      string `json:"userinfo_signed_response_alg,omitempty"`
	IntrospectionAlg string `json:"introspection_signed_response_alg,omitempty"`
	// AccessLifetime, RefreshLifetime and IDTokenLifetime shorten or lengthen those of the installation; 0 leaves them.
	AccessLifetime  int64 `json:"access_token_lifetime,omitempty"`
	RefreshLifetime int64 `json:"refresh_token_lifetime,omitempty"`
	IDTokenLifetime int64 `json:"id_token_lifetime,omitempty"`

	// MinACR is the least level that a sign-in must have, as a value of acr; the surface's policy holds beside it.
	MinACR string `json:"min_acr,omitempty"`
	// DefaultMaxAge, RequireAuthTime and DefaultACRValues are those of OpenID Connect Registration section 2. A max age of 0 is one.
	DefaultMaxAge    *int64   `json:"default_max_age,omitempty"`
	RequireAuthTime  bool     `json:"require_auth_time,omitempty"`
	DefaultACRValues []string `json:"default_acr_values,omitempty"`

	// SubjectType is public (if empty) or pairwise; people's subject then differs by sector (OpenID Connect Core section 8.1).
	SubjectType         string `json:"subject_type,omitempty"`
	SectorIdentifierURI string `json:"sector_identifier_uri,omitempty"`

	// FrontchannelLogoutURI is opened in a frame of the page that signs somebody out (Front-Channel Logout 1.0 section 2), with iss and
	// sid if FrontchannelLogoutSession. BackchannelLogoutSession demands that back-channel logout names the session.
	FrontchannelLogoutURI     string `json:"frontchannel_logout_uri,omitempty"`
	FrontchannelLogoutSession bool   `json:"frontchannel_logout_session_required,omitempty"`
	BackchannelLogoutSession  bool   `json:"backchannel_logout_session_required,omitempty"`

	// What people are shown of the application, or can open.
	ClientURI        string   `json:"client_uri,omitempty"`
	PolicyURI        string   `json:"policy_uri,omitempty"`
	TermsURI         string   `json:"tos_uri,omitempty"`
	InitiateLoginURI string   `json:"initiate_login_uri,omitempty"`
	Contacts         []string `json:"contacts,omitempty"`
}

// The words of a registration that have more than one use.
const (
	ProfileFAPI2    = "fapi2"
	FormatOpaque    = "opaque"
	FormatJWT       = "jwt"
	SubjectPublic   = "public"
	SubjectPairwise = "pairwise"
	TypeWeb         = "web"
	TypeNative      = "native"
)

// Parse reads the document of a row, of which there may be none. A member that is not known here is an error: a server that does not
// understand a restriction must not serve the client without it.
func Parse(raw json.RawMessage) (Settings, error) {
	var s Settings
	if len(raw) == 0 {
		return s, nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return Settings{}, fmt.Errorf("read client settings: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Settings{}, errors.New("read client settings: more than one document")
	}
	return s, nil
}

// Encode is the document of a row; none for settings that say nothing.
func (s Settings) Encode() json.RawMessage {
	if reflect.DeepEqual(s, Settings{}) {
		return nil
	}
	raw, err := json.Marshal(s)
	if err != nil {
		panic(fmt.Sprintf("client: encode settings: %v", err)) // a key set that was parsed, and plain values: cannot fail
	}
	return raw
}

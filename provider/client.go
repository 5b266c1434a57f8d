package provider

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/futakagi/futakagi/client"
	"github.com/futakagi/futakagi/store"
)

// Client is a registered relying party: an immutable snapshot of its row.
type Client struct {
	id                     string
	name                   string
	surface                string
	authMethod             oidc.AuthMethod
	secretHash             []byte
	formerHash             []byte // of the secret that the present one replaced, which may count still
	redirectURIs           []string
	postLogoutRedirectURIs []string
	backchannelLogoutURI   string // empty: it is not told
	grantTypes             []oidc.GrantType
	scopes                 []string
	idTokenAlg             string
	requirePKCE            bool
	settings               client.Settings
	logoVersion            string            // empty: it has none
	keys                   []jose.JSONWebKey // of settings.JWKS
	sector                 string            // of its pairwise subjects; empty: they are public
	unused                 bool              // it registered itself, and nobody signed in to it yet
}

var _ op.Client = (*Client)(nil)

// NewClientSecret makes a secret for a confidential client and the hash to store in its row. With 256 random bits a plain
// SHA-256 cannot be guessed backwards, and costs nothing to check.
func NewClientSecret() (secret string, hash []byte) {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails: the runtime stops the program instead
	secret = base64.RawURLEncoding.EncodeToString(b[:])
	return secret, hashSecret(secret)
}

// newClient reads a row. A row that says something we do not know is refused whole, rather than served without the part
// that was not understood.
func newClient(row store.Client) (*Client, error) {
	c := &Client{
		id:          row.ID,
		name:        row.Name,
		surface:     row.SurfaceID,
		authMethod:  oidc.AuthMethod(row.AuthMethod),
		secretHash:  row.SecretHash,
		formerHash:  row.FormerSecretHash,
		idTokenAlg:  row.IDTokenAlg,
		requirePKCE: row.RequirePkce,

		backchannelLogoutURI: row.BackchannelLogoutURI,
		logoVersion:          row.LogoVersion,
	}
	for _, list := range []struct {
		name string
		raw  json.RawMessage
		into any
	}{
		{"redirect_uris", row.RedirectURIs, &c.redirectURIs},
		{"post_logout_redirect_uris", row.PostLogoutRedirectURIs, &c.postLogoutRedirectURIs},
		{"grant_types", row.GrantTypes, &c.grantTypes},
		{"scopes", row.Scopes, &c.scopes},
	} {
		if err := json.Unmarshal(list.raw, list.into); err != nil {
			return nil, fmt.Errorf("read %s of client %q: %w", list.name, row.ID, err)
		}
	}
	settings, err := client.Parse(row.Settings)
	if err != nil {
		return nil, fmt.Errorf("client %q: %w", row.ID, err)
	}
	if err := checkTokenSettings(settings); err != nil {
		return nil, fmt.Errorf("client %q: %w", row.ID, err)
	}
	c.settings = settings
	if err := c.readKeys(); err != nil {
		return nil, fmt.Errorf("client %q: %w", row.ID, err)
	}
	if err := c.checkFAPI(); err != nil {
		return nil, err
	}
	sector, ok := settings.Sector(c.redirectURIs)
	if !ok {
		return nil, fmt.Errorf("client %q wants pairwise subjects and has no sector", row.ID)
	}
	c.sector, c.unused = sector, row.RegisteredAt != nil && row.UsedAt == nil
	switch c.authMethod {
	case oidc.AuthMethodBasic, oidc.AuthMethodPost:
		if len(c.secretHash) != sha256.Size {
			return nil, fmt.Errorf("client %q has no secret", row.ID)
		}
	case oidc.AuthMethodNone:
		// Nothing but the verifier ties a public client's code to whoever asked for it.
		c.requirePKCE = true
	case oidc.AuthMethodPrivateKeyJWT:
		if !c.hasKeys() {
			return nil, fmt.Errorf("client %q has no keys", row.ID)
		}
	default:
		return nil, fmt.Errorf("client %q authenticates by unknown method %q", row.ID, row.AuthMethod)
	}
	if !slices.Contains(signingAlgs(), c.idTokenAlg) {
		return nil, fmt.Errorf("client %q wants ID tokens signed by unknown algorithm %q", row.ID, row.IDTokenAlg)
	}
	return c, nil
}

// ID is the client_id.
func (c *Client) ID() string { return c.id }

// Name is what people are shown.
func (c *Client) Name() string { return c.name }

// Surface is the id of the surface whose sign-in policy holds for this client.
func (c *Client) Surface() string { return c.surface }

// RequiresPKCE reports whether an authorization request without a code challenge is refused.
func (c *Client) RequiresPKCE() bool { return c.requirePKCE || c.fapi() }

// AllowsGrant reports whether the client is registered for a grant type.
func (c *Client) AllowsGrant(grantType string) bool {
	return slices.Contains(c.grantTypes, oidc.GrantType(grantType))
}

// GrantedScope returns what of the scope asked for the client may have, each value once and in the order asked, in the form
// that is stored. offline_access needs the refresh token grant too: a scope must not promise a token that never comes.
func (c *Client) GrantedScope(asked []string) string {
	var granted []string
	for _, s := range asked {
		if c.IsScopeAllowed(s) && !slices.Contains(granted, s) {
			granted = append(granted, s)
		}
	}
	return formatScope(granted)
}

// confidential reports whether the client can keep a secret.
func (c *Client) confidential() bool { return c.authMethod != oidc.AuthMethodNone }

// apiScopes are the scopes the client may use for itself: all but those about a person.
func (c *Client) apiScopes() []string {
	return slices.DeleteFunc(slices.Clone(c.scopes), func(s string) bool { return slices.Contains(identityScopes(), s) })
}

// What follows implements op.Client for the routing in front of our Server methods.

// GetID implements [op.Client].
func (c *Client) GetID() string { return c.id }

// RedirectURIs implements [op.Client]: the registered URIs, to be compared byte for byte.
func (c *Client) RedirectURIs() []string { return c.redirectURIs }

// PostLogoutRedirectURIs implements [op.Client].
func (c *Client) PostLogoutRedirectURIs() []string { return c.postLogoutRedirectURIs }

// ApplicationType implements [op.Client]. The library would relax its redirect URI rules for the other types; we check
// redirect URIs ourselves.
func (c *Client) ApplicationType() op.ApplicationType { return op.ApplicationTypeWeb }

// AuthMethod implements [op.Client].
func (c *Client) AuthMethod() oidc.AuthMethod { return c.authMethod }

// ResponseTypes implements [op.Client]: only the code flow exists.
func (c *Client) ResponseTypes() []oidc.ResponseType {
	return []oidc.ResponseType{oidc.ResponseTypeCode}
}

// GrantTypes implements [op.Client].
func (c *Client) GrantTypes() []oidc.GrantType { return c.grantTypes }

// LoginURL implements [op.Client]; the authorization endpoint is ours and does not ask.
func (c *Client) LoginURL(string) string { return "" }

// AccessTokenType implements [op.Client]: access tokens are opaque.
func (c *Client) AccessTokenType() op.AccessTokenType { return op.AccessTokenTypeBearer }

// IDTokenLifetime implements [op.Client]; tokens are minted by us and the library does not ask.
func (c *Client) IDTokenLifetime() time.Duration { return 0 }

// DevMode implements [op.Client]. It would lift the https rule, so it is never on.
func (c *Client) DevMode() bool { return false }

// RestrictAdditionalIdTokenScopes implements [op.Client].
func (c *Client) RestrictAdditionalIdTokenScopes() func([]string) []string { //nolint:revive // the library's spelling
	return slices.Clone[[]string]
}

// RestrictAdditionalAccessTokenScopes implements [op.Client].
func (c *Client) RestrictAdditionalAccessTokenScopes() func([]string) []string {
	return slices.Clone[[]string]
}

// IsScopeAllowed implements [op.Client].
func (c *Client) IsScopeAllowed(scope string) bool {
	if scope == scopeOffline && !c.AllowsGrant(string(oidc.GrantTypeRefreshToken)) {
		return false
	}
	return slices.Contains(c.scopes, scope)
}

// IDTokenUserinfoClaimsAssertion implements [op.Client]; claims are chosen by us.
func (c *Client) IDTokenUserinfoClaimsAssertion() bool { return false }

// ClockSkew implements [op.Client].
func (c *Client) ClockSkew() time.Duration { return 0 }

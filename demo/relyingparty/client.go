package relyingparty

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// claims are what this site reads in an ID token.
type claims struct {
	Subject  string           `json:"sub"`
	SID      string           `json:"sid"`
	ACR      string           `json:"acr"`
	AMR      []string         `json:"amr"`
	AuthTime int64            `json:"auth_time"`
	TwoFA    *twoFactorClaims `json:"urn:futakagi:2fa"`
}

// twoFactorClaims is the provider's claim on how the second factor was proven.
type twoFactorClaims struct {
	Method string `json:"method"`
	Via    string `json:"via"`
}

// profile is what this site reads at the userinfo endpoint.
type profile struct {
	Name     string `json:"name"`
	LoginID  string `json:"preferred_username"`
	Email    string `json:"email"`
	Verified bool   `json:"email_verified"`
}

// errUnreachable says that the provider's discovery document cannot be had.
var errUnreachable = errors.New("provider cannot be reached")

// protocolError is an error answer of the provider.
type protocolError struct {
	Code, Description string
}

func (e *protocolError) Error() string {
	return fmt.Sprintf("provider answered %q: %s", e.Code, e.Description)
}

// discoveryWaits are the pauses between tries to reach the provider: it may be
// starting at this very moment.
var discoveryWaits = [...]time.Duration{200 * time.Millisecond, 500 * time.Millisecond, time.Second}

// client speaks OpenID Connect with one provider. It discovers the provider at
// first use and keeps what it found.
type client struct {
	issuer, id, secret    string
	redirectURL, afterURL string
	scopes                []string
	http                  *http.Client
	now                   func() time.Time

	mu    sync.Mutex
	found *endpoints
}

// endpoints is what discovery gave.
type endpoints struct {
	oauth      oauth2.Config
	provider   *oidc.Provider
	verifier   *oidc.IDTokenVerifier
	endSession string
	// mustHaveIssuer says that responses always carry iss (RFC 9207 section 2.4).
	mustHaveIssuer bool
}

// discover returns the provider's endpoints, trying a few times.
func (c *client) discover(ctx context.Context) (*endpoints, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.found != nil {
		return c.found, nil
	}
	for try := 0; ; try++ {
		found, err := c.tryDiscover(ctx)
		if err == nil {
			c.found = found
			return found, nil
		}
		if try == len(discoveryWaits) {
			return nil, fmt.Errorf("%w: %w", errUnreachable, err)
		}
		select {
		case <-time.After(discoveryWaits[try]):
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", errUnreachable, ctx.Err())
		}
	}
}

func (c *client) tryDiscover(ctx context.Context) (*endpoints, error) {
	provider, err := oidc.NewProvider(c.context(ctx), c.issuer)
	if err != nil {
		return nil, fmt.Errorf("discover provider: %w", err)
	}
	var extra struct {
		EndSession     string `json:"end_session_endpoint"`
		MustHaveIssuer bool   `json:"authorization_response_iss_parameter_supported"`
	}
	if err := provider.Claims(&extra); err != nil {
		return nil, fmt.Errorf("read discovery document: %w", err)
	}
	endpoint := provider.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInHeader
	return &endpoints{
		oauth: oauth2.Config{
			ClientID: c.id, ClientSecret: c.secret, Endpoint: endpoint,
			RedirectURL: c.redirectURL, Scopes: c.scopes,
		},
		provider:       provider,
		verifier:       provider.Verifier(&oidc.Config{ClientID: c.id, Now: c.now}),
		endSession:     extra.EndSession,
		mustHaveIssuer: extra.MustHaveIssuer,
	}, nil
}

// context carries the HTTP client to both libraries.
func (c *client) context(ctx context.Context) context.Context {
	return oidc.ClientContext(ctx, c.http)
}

// checkIssuer refuses a response that another provider gave (mix-up attack,
// RFC 9207 section 2.4).
func (c *client) checkIssuer(e *endpoints, response url.Values) error {
	got := response["iss"]
	switch {
	case len(got) == 0 && !e.mustHaveIssuer:
		return nil
	case len(got) != 1 || got[0] != c.issuer:
		return fmt.Errorf("check response issuer: got %q, want %q", got, c.issuer)
	}
	return nil
}

// redeem turns an authorization response into a signed-in person.
func (c *client) redeem(ctx context.Context, l login, response url.Values) (*user, error) {
	e, err := c.discover(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.checkIssuer(e, response); err != nil {
		return nil, err
	}
	if code := response.Get("error"); code != "" {
		return nil, &protocolError{Code: code, Description: response.Get("error_description")}
	}
	token, err := e.oauth.Exchange(c.context(ctx), response.Get("code"), oauth2.VerifierOption(l.verifier))
	if err != nil {
		return nil, tokenError("redeem code", err)
	}
	u := &user{accessToken: token.AccessToken, refreshToken: token.RefreshToken}
	idToken, err := c.verify(ctx, e, token, u)
	if err != nil {
		return nil, err
	}
	if idToken.Nonce != l.nonce {
		return nil, errors.New("verify ID token: nonce is not ours")
	}
	if err := c.userinfo(ctx, e, u); err != nil {
		return nil, err
	}
	return u, nil
}

// refresh gets new tokens for a person.
func (c *client) refresh(ctx context.Context, old *user) (*user, error) {
	e, err := c.discover(ctx)
	if err != nil {
		return nil, err
	}
	token, err := e.oauth.TokenSource(c.context(ctx), &oauth2.Token{RefreshToken: old.refreshToken}).Token()
	if err != nil {
		return nil, tokenError("refresh", err)
	}
	u := &user{
		claims: old.claims, idToken: old.idToken,
		accessToken: token.AccessToken, refreshToken: token.RefreshToken, refreshed: c.now(),
	}
	if token.Extra("id_token") != nil {
		if _, err := c.verify(ctx, e, token, u); err != nil {
			return nil, err
		}
		// OpenID Connect Core section 12.2: still the same person, still the
		// same authentication.
		if u.claims.Subject != old.claims.Subject || u.claims.AuthTime != old.claims.AuthTime {
			return nil, errors.New("verify refreshed ID token: another subject or auth_time")
		}
	}
	if err := c.userinfo(ctx, e, u); err != nil {
		return nil, err
	}
	return u, nil
}

// verify checks the ID token of a token response and puts it into u.
func (c *client) verify(ctx context.Context, e *endpoints, token *oauth2.Token, u *user) (*oidc.IDToken, error) {
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return nil, errors.New("verify ID token: there is none in the response")
	}
	idToken, err := e.verifier.Verify(c.context(ctx), raw)
	if err != nil {
		return nil, fmt.Errorf("verify ID token: %w", err)
	}
	if idToken.AccessTokenHash == "" {
		return nil, errors.New("verify ID token: no at_hash")
	}
	if err := idToken.VerifyAccessToken(token.AccessToken); err != nil {
		return nil, fmt.Errorf("verify at_hash: %w", err)
	}
	u.claims = claims{}
	if err := idToken.Claims(&u.claims); err != nil {
		return nil, fmt.Errorf("read ID token: %w", err)
	}
	u.idToken = raw
	return idToken, nil
}

// userinfo asks for the person's profile with u's access token.
func (c *client) userinfo(ctx context.Context, e *endpoints, u *user) error {
	info, err := e.provider.UserInfo(c.context(ctx), oauth2.StaticTokenSource(&oauth2.Token{AccessToken: u.accessToken}))
	if err != nil {
		return fmt.Errorf("ask userinfo: %w", err)
	}
	// OpenID Connect Core section 5.3.2: or the profile may be someone else's.
	if info.Subject != u.claims.Subject {
		return errors.New("ask userinfo: another subject than in the ID token")
	}
	if err := info.Claims(&u.profile); err != nil {
		return fmt.Errorf("read userinfo: %w", err)
	}
	return nil
}

// logoutURL is where the browser goes to end the provider's session too; empty
// when the provider has no such endpoint.
func (c *client) logoutURL(ctx context.Context, idToken, state string) (string, error) {
	e, err := c.discover(ctx)
	if err != nil {
		return "", err
	}
	if e.endSession == "" {
		return "", nil
	}
	u, err := url.Parse(e.endSession)
	if err != nil {
		return "", fmt.Errorf("parse end_session_endpoint: %w", err)
	}
	q := u.Query()
	q.Set("id_token_hint", idToken)
	q.Set("client_id", c.id)
	q.Set("post_logout_redirect_uri", c.afterURL)
	q.Set("state", state)
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// loggedOut is what a logout token says has ended.
type loggedOut struct {
	subject, sid string
}

// logoutEvent is the event a logout token tells of.
const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// logoutToken checks a logout token (OpenID Connect Back-Channel Logout 1.0 section 2.6). Signature, issuer, audience and times are
// checked as an ID token's are.
func (c *client) logoutToken(ctx context.Context, raw string) (loggedOut, error) {
	e, err := c.discover(ctx)
	if err != nil {
		return loggedOut{}, err
	}
	token, err := e.verifier.Verify(c.context(ctx), raw)
	if err != nil {
		return loggedOut{}, fmt.Errorf("%w: %w", errLogoutToken, err)
	}
	var claims struct {
		SID    string                     `json:"sid"`
		ID     string                     `json:"jti"`
		Events map[string]json.RawMessage `json:"events"`
		Nonce  *string                    `json:"nonce"`
	}
	if err := token.Claims(&claims); err != nil {
		return loggedOut{}, fmt.Errorf("%w: %w", errLogoutToken, err)
	}
	_, told := claims.Events[logoutEvent]
	switch {
	case typeOf(raw) != "logout+jwt":
		return loggedOut{}, fmt.Errorf("%w: another kind of token", errLogoutToken)
	case !told || claims.Nonce != nil || claims.ID == "" || token.Subject == "" && claims.SID == "":
		return loggedOut{}, fmt.Errorf("%w: claims", errLogoutToken)
	case c.now().Sub(token.IssuedAt) > logoutAge:
		return loggedOut{}, fmt.Errorf("%w: too old", errLogoutToken)
	}
	return loggedOut{subject: token.Subject, sid: claims.SID}, nil
}

// errLogoutToken says that a logout token is not one of the provider's for this site.
var errLogoutToken = errors.New("logout token not accepted")

// logoutAge is the oldest logout token that is believed.
const logoutAge = 5 * time.Minute

// typeOf reads the kind of a token from its header, which the verifier does not look at.
func typeOf(raw string) string {
	encoded, _, _ := strings.Cut(raw, ".")
	header, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		return ""
	}
	var h struct {
		Type string `json:"typ"`
	}
	if json.Unmarshal(header, &h) != nil {
		return ""
	}
	return h.Type
}

// tokenError keeps the provider's own code when there is one.
func tokenError(doing string, err error) error {
	if e, ok := errors.AsType[*oauth2.RetrieveError](err); ok && e.ErrorCode != "" {
		return fmt.Errorf("%s: %w", doing, &protocolError{Code: e.ErrorCode, Description: e.ErrorDescription})
	}
	return fmt.Errorf("%s: %w", doing, err)
}

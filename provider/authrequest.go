package provider

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/futakagi/futakagi/signin"
)

// authRequest is an authorization request (OpenID Connect Core §3.1.2.1) after validation: everything its answer depends on.
// It is kept as JSON in the flow's row while the person signs in.
type authRequest struct {
	ClientID      string `json:"client_id"`
	RedirectURI   string `json:"redirect_uri"`
	ResponseMode  string `json:"response_mode"`
	State         string `json:"state,omitempty"`
	Scope         string `json:"scope"` // granted, not merely asked for
	Nonce         string `json:"nonce,omitempty"`
	CodeChallenge string `json:"code_challenge,omitempty"`
	// Resources are what tokens may be for (RFC 8707); Claims are the claims asked for by name, as they are stored.
	Resources []string `json:"resources,omitempty"`
	Claims    string   `json:"claims,omitempty"`
	// KeyThumbprint is the key that may redeem the code (RFC 9449 §10); empty: any.
	KeyThumbprint string `json:"dpop_jkt,omitempty"`
	// Subject is who the id_token_hint names; the answer may be about nobody else.
	Subject string `json:"subject,omitempty"`
	// Pushed is the key of the pushed request that this one was, if it was (RFC 9126).
	Pushed []byte `json:"pushed,omitempty"`
	// AskConsent asks the person whatever was allowed before: prompt=consent.
	AskConsent bool `json:"ask_consent,omitempty"`

	// What follows shapes the sign-in and has columns of its own in the flow's row.
	prompt    []string
	maxAge    *time.Duration
	level     signin.Level
	loginHint string
	uiLocales string
}

// The response modes we answer in (OAuth 2.0 Multiple Response Types §2.1, Form Post Response Mode).
const (
	modeQuery    = "query"
	modeFormPost = "form_post"
)

// The prompts of OpenID Connect Core §3.1.2.1.
const (
	promptNone          = "none"
	promptLogin         = "login"
	promptConsent       = "consent"
	promptSelectAccount = "select_account"
)

func (q authRequest) encode() json.RawMessage {
	raw, err := json.Marshal(q)
	if err != nil {
		panic(fmt.Sprintf("provider: encode authorization request: %v", err)) // strings only: cannot fail
	}
	return raw
}

func decodeAuthRequest(raw []byte) (authRequest, error) {
	var q authRequest
	if err := json.Unmarshal(raw, &q); err != nil {
		return authRequest{}, fmt.Errorf("decode authorization request: %w", err)
	}
	return q, nil
}

func (q authRequest) prompts(p string) bool { return slices.Contains(q.prompt, p) }

// evidenceAfter is the time before which proofs do not count for this request.
func (q authRequest) evidenceAfter(now time.Time) time.Time {
	switch {
	case q.prompts(promptLogin), q.prompts(promptSelectAccount):
		return now
	case q.maxAge != nil:
		return now.Add(-*q.maxAge)
	default:
		return time.Time{}
	}
}

// authError is an error of the authorization endpoint (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6).
// The description helps the developer of the relying party and says nothing about anybody's account.
type authError struct {
	code        string
	description string
}

func (e *authError) Error() string { return e.code + ": " + e.description }

func refuse(code, format string, args ...any) *authError {
	return &authError{code: code, description: fmt.Sprintf(format, args...)}
}

// unsafeError is an error that must be shown here: before client and redirect URI are known to be good, sending the
// browser anywhere would make us an open redirector (RFC 6749 §4.1.2.1).
type unsafeError struct{ authError }

func (e *unsafeError) Error() string { return e.authError.Error() }

func refuseHere(format string, args ...any) *unsafeError {
	return &unsafeError{authError{code: "invalid_request", description: fmt.Sprintf(format, args...)}}
}

// maxParam bounds each parameter, in bytes. State and nonce are handed back or kept, so they may not be huge.
const maxParam = 2048

// longest is what a parameter may measure. Hints are kept in the flow's row, which anybody can cause; an ID token is not kept.
func longest(name string) int {
	switch name {
	case "login_hint", "ui_locales":
		return 256
	case "id_token_hint":
		return 4 * maxParam
	default:
		return maxParam
	}
}

// parseAuthRequest validates a request. An *unsafeError is for our own page. With an *authError the returned request says
// where and how the relying party gets to hear of it.
func (p *Provider) parseAuthRequest(form url.Values, now time.Time) (authRequest, *Client, error) {
	q, client, err := p.addressOf(form)
	if err != nil {
		return q, client, err
	}
	return q, client, p.fillAuthRequest(&q, client, form, now)
}

// atMostOnce refuses what decides where an answer goes, if it is said twice.
func atMostOnce(form url.Values, name string) error {
	if len(form[name]) > 1 {
		return refuseHere("%s appears more than once", name)
	}
	return nil
}

// requestingClient says who asks.
func (p *Provider) requestingClient(form url.Values) (*Client, error) {
	if err := atMostOnce(form, "client_id"); err != nil {
		return nil, err
	}
	if form.Get("client_id") == "" {
		return nil, refuseHere("client_id is missing")
	}
	client, ok := p.clients.Lookup(form.Get("client_id"))
	if !ok {
		return nil, refuseHere("client_id is not known")
	}
	return client, nil
}

// addressOf says who asks, and where and how the answer may go. Nothing else matters before that.
func (p *Provider) addressOf(form url.Values) (authRequest, *Client, error) {
	client, err := p.requestingClient(form)
	if err != nil {
		return authRequest{}, nil, err
	}
	if err := atMostOnce(form, "redirect_uri"); err != nil {
		return authRequest{}, nil, err
	}
	if form.Get("redirect_uri") == "" {
		return authRequest{}, nil, refuseHere("redirect_uri is missing")
	}
	if !redirectAllowed(form.Get("redirect_uri"), client.RedirectURIs()) {
		return authRequest{}, nil, refuseHere("redirect_uri is not registered for this client")
	}

	q := authRequest{ClientID: client.ID(), RedirectURI: form.Get("redirect_uri"), ResponseMode: modeQuery}
	if m := form["response_mode"]; len(m) == 1 && m[0] == modeFormPost {
		q.ResponseMode = modeFormPost
	}
	// From here on the relying party is told. State goes back whatever else is wrong, as long as it is one.
	if s := form["state"]; len(s) == 1 && len(s[0]) <= maxParam && cleanText(s[0]) {
		q.State = s[0]
	}
	return q, client, nil
}

func (p *Provider) fillAuthRequest(q *authRequest, client *Client, form url.Values, now time.Time) error {
	for name, values := range form {
		if len(values) > repeats(name) {
			return refuse("invalid_request", "%s appears more than once, or too often", printable(name))
		}
		for _, v := range values {
			if len(v) > longest(name) {
				return refuse("invalid_request", "%s is too long", printable(name))
			}
			if !cleanText(v) {
				return refuse("invalid_request", "%s has control characters or is not UTF-8", printable(name))
			}
		}
	}
	switch {
	case form.Has("request_uri"):
		return refuse("request_uri_not_supported", "request_uri must be one of pushed_authorization_request_endpoint")
	case form.Has("registration"):
		return refuse("registration_not_supported", "the registration parameter is not supported")
	}
	switch m := form.Get("response_mode"); m {
	case "", modeQuery, modeFormPost:
	default:
		return refuse("invalid_request", "response_mode must be query or form_post")
	}
	switch t := form.Get("response_type"); t {
	case "code":
	case "":
		return refuse("invalid_request", "response_type is missing")
	default:
		return refuse("unsupported_response_type", "response_type must be code")
	}
	if !client.AllowsGrant("authorization_code") {
		return refuse("unauthorized_client", "this client may not use the authorization code flow")
	}

	if err := q.checkFAPIRequest(client); err != nil {
		return err
	}
	asked := strings.Fields(form.Get("scope"))
	if !slices.Contains(asked, "openid") {
		return refuse("invalid_scope", "scope must contain openid")
	}
	q.Scope = client.GrantedScope(asked)
	q.Nonce = form.Get("nonce")
	resources, ok := targets(form["resource"], p.mayTarget(client))
	if !ok {
		return refuse("invalid_target", "resource is not one that this client is registered for")
	}
	q.Resources = resources

	if err := q.fillPKCE(client, form); err != nil {
		return err
	}
	if q.KeyThumbprint = form.Get("dpop_jkt"); form.Has("dpop_jkt") && !validThumbprint(q.KeyThumbprint) {
		return refuse("invalid_request", "dpop_jkt must be the base64url SHA-256 thumbprint of a key (43 characters)")
	}
	if err := q.fillPrompt(form); err != nil {
		return err
	}
	if v := form.Get("max_age"); form.Has("max_age") {
		// 31 bits of seconds are 68 years: enough for anyone, and no overflow as a duration.
		seconds, err := strconv.ParseUint(v, 10, 31)
		if err != nil {
			return refuse("invalid_request", "max_age must be a number of seconds")
		}
		age := time.Duration(seconds) * time.Second
		q.maxAge = &age
	}
	q.level = signin.RequestedLevel(form.Get("acr_values"))
	q.loginHint = form.Get("login_hint")
	q.uiLocales = form.Get("ui_locales")

	if hint := form.Get("id_token_hint"); hint != "" {
		claims, err := p.verifyHint(hint, now)
		if err != nil {
			return refuse("invalid_request", "id_token_hint is not an ID token of this issuer")
		}
		if !p.sameNames(client, claims.Audience[0]) {
			return refuse("invalid_request", "id_token_hint was issued to a client that knows people by other names")
		}
		q.Subject = claims.Subject
	}
	claims, err := q.fillClaims(form)
	if err != nil {
		return err
	}
	q.fillRegistered(client, form, claims)
	return nil
}

// fillRegistered adds what the registration says where the request does not (OpenID Connect Registration §2), and the least level of all
// sign-ins to this client, below which nothing in a request leads.
func (q *authRequest) fillRegistered(client *Client, form url.Values, asked claimsRequest) {
	s := client.settings
	if !form.Has("max_age") && s.DefaultMaxAge != nil {
		age := time.Duration(min(*s.DefaultMaxAge, 1<<31-1)) * time.Second
		q.maxAge = &age
	}
	if !form.Has("acr_values") && !asked.acr {
		q.level = max(q.level, signin.LowestLevel(s.DefaultACRValues))
	}
	q.level = max(q.level, signin.ParseACR(s.MinACR))
}

// fillClaims reads the claims parameter, which may name a level and a person too.
func (q *authRequest) fillClaims(form url.Values) (claimsRequest, error) {
	if !form.Has("claims") {
		return claimsRequest{}, nil
	}
	asked, err := parseClaims(form.Get("claims"))
	if err != nil {
		return asked, err
	}
	if asked.unmet {
		return asked, refuse("unmet_authentication_requirements", "claims asks for an acr that is not known here")
	}
	q.Claims = asked.named.encode()
	q.level = max(q.level, asked.level)
	switch {
	case asked.subject == "":
	case q.Subject != "" && q.Subject != asked.subject:
		return asked, refuse("invalid_request", "claims and id_token_hint name different people")
	default:
		q.Subject = asked.subject
	}
	return asked, nil
}

// fillPKCE reads the code challenge (RFC 7636). Only S256 is accepted: with plain, whoever reads the request has the verifier.
func (q *authRequest) fillPKCE(client *Client, form url.Values) error {
	challenge, method := form.Get("code_challenge"), form.Get("code_challenge_method")
	switch {
	case challenge == "" && method != "":
		return refuse("invalid_request", "code_challenge_method without code_challenge")
	case challenge == "" && client.RequiresPKCE():
		return refuse("invalid_request", "code_challenge is missing: this client must use PKCE with S256")
	case challenge == "":
		return nil
	case method != "S256":
		return refuse("invalid_request", "code_challenge_method must be S256")
	case !validChallenge(challenge):
		return refuse("invalid_request", "code_challenge must be the base64url SHA-256 of the verifier (43 characters)")
	}
	q.CodeChallenge = challenge
	return nil
}

// validChallenge reports whether s can be BASE64URL(SHA256(verifier)): 43 characters of that alphabet (RFC 7636 §4.2).
func validChallenge(s string) bool {
	if len(s) != 43 {
		return false
	}
	for _, c := range []byte(s) {
		ok := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
		if !ok {
			return false
		}
	}
	return true
}

func (q *authRequest) fillPrompt(form url.Values) error {
	q.prompt = strings.Fields(form.Get("prompt"))
	for _, v := range q.prompt {
		switch v {
		case promptNone, promptLogin, promptConsent, promptSelectAccount:
		default:
			return refuse("invalid_request", "prompt has a value that is not known")
		}
	}
	q.AskConsent = q.prompts(promptConsent)
	if q.prompts(promptNone) && len(q.prompt) > 1 {
		return refuse("invalid_request", "prompt=none cannot be combined with another prompt")
	}
	return nil
}

// printable cuts a parameter's name to what may go into an error_description (RFC 6749 §4.1.2.1: %x20-21, %x23-5B, %x5D-7E).
func printable(name string) string {
	out := strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e || r == '"' || r == '\\' {
			return -1
		}
		return r
	}, name)
	return out[:min(len(out), 40)]
}

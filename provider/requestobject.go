package provider

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"
)

// maxRequestObject bounds a signed request, in bytes: it comes in a URL or in a form with an assertion beside it.
const maxRequestObject = maxField

// requestObjectLife is how long a request object may count and how old it may be, for clients of the FAPI 2.0 profile (FAPI 2.0 Message
// Signing section 5.3.1).
const requestObjectLife = time.Hour

// codeInvalidRequestObject is the error of RFC 9101 section 7.
const codeInvalidRequestObject = "invalid_request_object"

// resolveRequest turns what a client sent into the parameters that count (RFC 9101 section 6.3): of a signed request those within the
// signature and none beside it, else those that came. How the client must send requests is checked here: a request that was pushed is
// resolved when it is pushed, and needs no more of that.
func (p *Provider) resolveRequest(ctx context.Context, c *Client, form url.Values, pushed bool, now time.Time) (url.Values, error) {
	if c.requiresPAR() && !pushed {
		return nil, refuse("invalid_request", "this client must push its requests: see pushed_authorization_request_endpoint")
	}
	if !form.Has("request") {
		if c.settings.RequireRequestObject {
			return nil, refuse("invalid_request", "this client must sign its requests: the parameter request is missing")
		}
		return form, nil
	}
	raw := form.Get("request")
	switch {
	case len(form["request"]) > 1:
		return nil, refuse("invalid_request", "request appears more than once")
	case form.Has("request_uri"):
		return nil, refuse("invalid_request", "request and request_uri cannot be combined")
	case !c.hasKeys():
		return nil, refuse("request_not_supported", "this client has no keys registered to sign requests with")
	case len(raw) > maxRequestObject:
		return nil, refuseObject("it is too long")
	}
	payload, err := p.verifyRequestObject(ctx, c, raw)
	if err != nil {
		return nil, err
	}
	claims, err := parseClaimSet(payload)
	if err != nil {
		return nil, refuseObject("its claims are no JSON object, or say something twice")
	}
	if err := checkRequestObject(c, claims, p.issuer, now); err != nil {
		return nil, err
	}
	return requestParameters(c, claims, form)
}

func refuseObject(why string) *authError {
	return refuse(codeInvalidRequestObject, "the request object cannot be used: %s", why)
}

// verifyRequestObject returns the payload of a request object that the client signed.
func (p *Provider) verifyRequestObject(ctx context.Context, c *Client, raw string) ([]byte, error) {
	if strings.Count(raw, ".") == 4 {
		return nil, refuseObject("encrypted ones are not supported")
	}
	algs := c.algs(c.settings.RequestObjectAlg)
	object, err := parseJWS(raw, algs)
	if err != nil {
		return nil, refuseObject("it must be a JWT signed with " + strings.Join(algs, ", "))
	}
	if !requestType(object.header.Type) {
		return nil, refuseObject("its typ must be oauth-authz-req+jwt")
	}
	keys, err := p.clientKeys.of(ctx, c, object.header.KeyID)
	if errors.Is(err, errNoKeys) {
		return nil, refuseObject("the client's keys cannot be had now")
	}
	if err != nil {
		return nil, err
	}
	if object.verify(keys) != nil {
		return nil, refuseObject("its signature is by none of the client's keys")
	}
	return object.payload, nil
}

// requestType reports whether a typ is that of a request object (RFC 9101 section 10.8) or that of any JWT, which OpenID Connect Core
// section 6.1 leaves open. Other kinds of JWT that a client signs have other types, so that none passes for this one.
func requestType(typ string) bool {
	typ = strings.TrimPrefix(strings.ToLower(typ), "application/")
	return typ == "" || typ == "jwt" || typ == "oauth-authz-req+jwt"
}

// checkRequestObject checks who speaks to whom, and when. A request object is no credential, and a browser may come with it again: its
// jti is not looked at.
func checkRequestObject(c *Client, claims claimSet, issuer string, now time.Time) error {
	if iss, ok := claims.text("iss"); !ok || iss != c.id {
		return refuseObject("its iss must be the client_id")
	}
	// An assertion of the client has it as sub (RFC 9101 section 10.8).
	if sub, ok := claims.text("sub"); !ok || sub == c.id {
		return refuseObject("its sub must not be the client_id")
	}
	if values, _, ok := claims.audience(); !ok || !slices.Contains(values, issuer) {
		return refuseObject("its aud must contain the issuer")
	}
	exp, okExp := claims.time("exp")
	nbf, okNbf := claims.time("nbf")
	switch {
	case !okExp || !okNbf:
		return refuseObject("its exp and nbf must be numbers of seconds")
	case exp != nil && !exp.After(now):
		return refuseObject("it has expired")
	case !claims.started(now):
		return refuseObject("its iat or nbf is in the future")
	}
	if !c.fapi() {
		return nil
	}
	switch {
	case exp == nil || nbf == nil:
		return refuseObject("it must have exp and nbf")
	case nbf.Before(now.Add(-requestObjectLife)):
		return refuseObject("its nbf is more than 60 minutes ago")
	case exp.After(nbf.Add(requestObjectLife)):
		return refuseObject("its exp is more than 60 minutes after its nbf")
	}
	return nil
}

// jwtClaims are those of a JWT about itself, which are no parameters of the request.
func jwtClaims() []string { return []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti"} }

// requestParameters are the claims as parameters: a string as it is, a number or a truth value as JSON writes it, an object or an array as
// JSON. What stands outside may not contradict what OAuth reads there (OpenID Connect Core section 6.1), and counts for nothing.
func requestParameters(c *Client, claims claimSet, outside url.Values) (url.Values, error) {
	form := url.Values{}
	for name, raw := range claims {
		if slices.Contains(jwtClaims(), name) {
			continue
		}
		if name == "request" || name == "request_uri" {
			return nil, refuseObject("it must not hold another request")
		}
		values, ok := parametersOf(name, raw)
		if !ok {
			return nil, refuseObject("it has a member that is null, or a resource that is no string")
		}
		form[name] = values
	}
	if form.Has("client_id") && form.Get("client_id") != c.id {
		return nil, refuseObject("its client_id is another than the one beside it")
	}
	form.Set("client_id", c.id)
	if outside.Has("response_type") && outside.Get("response_type") != form.Get("response_type") {
		return nil, refuseObject("its response_type is another than the one beside it")
	}
	return form, nil
}

// parametersOf are the values of a parameter; one that may repeat is an array there (RFC 8707 section 2).
func parametersOf(name string, raw json.RawMessage) ([]string, bool) {
	var all []json.RawMessage
	if repeats(name) == 1 || json.Unmarshal(raw, &all) != nil || all == nil {
		value, ok := parameterOf(raw)
		return []string{value}, ok
	}
	values := make([]string, 0, len(all))
	for _, one := range all {
		s, ok := textOf(one)
		if !ok {
			return nil, false
		}
		values = append(values, s)
	}
	return values, true
}

func parameterOf(raw json.RawMessage) (string, bool) {
	if s, ok := textOf(raw); ok {
		return s, true
	}
	if bytes.Equal(raw, []byte("null")) {
		return "", false
	}
	var compact bytes.Buffer
	if json.Compact(&compact, raw) != nil {
		return "", false
	}
	return compact.String(), true
}

package client

import (
	"fmt"
	"net/mail"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// Base is what the columns of a registration say, as far as the settings depend on it.
type Base struct {
	AuthMethod                       string
	GrantTypes, Scopes, RedirectURIs []string
	IDTokenAlg                       string
	PKCE                             bool
	// ACRs are the values of acr that there are.
	ACRs []string
}

// A Problem is one thing that is wrong with the settings of a registration.
type Problem struct {
	// Member is the name of the member as a document has it (RFC 7591 section 2).
	Member string
	// Text says what is wrong, for developers. It follows the member's name. Rule is the same without the value that was sent.
	Text, Rule string
	// Reason is a word for what is wrong, and Args are name and value of what a sentence about it is filled in with.
	Reason string
	Args   []any
}

// The ways to authenticate and the grant types that the rules look at.
const (
	authNone          = "none"
	authPrivateKeyJWT = "private_key_jwt"
	grantCode         = "authorization_code"
	grantDevice       = "urn:ietf:params:oauth:grant-type:device_code"
)

const (
	// MinLifetime and MaxLifetime bound the lifetimes of access and ID tokens, in seconds: a minute and a day.
	MinLifetime, MaxLifetime = 60, 24 * 60 * 60
	// MinRefresh and MaxRefresh bound those of refresh tokens, in seconds: five minutes and a year.
	MinRefresh, MaxRefresh = 5 * 60, 365 * 24 * 60 * 60
	// MaxAge bounds default_max_age, in seconds: a year.
	MaxAge = 365 * 24 * 60 * 60
	// MaxURI is how many bytes a URI has, MaxResources how many resources of a kind there are, and MaxContacts how many contacts.
	MaxURI, MaxResources, MaxContacts = 2048, 20, 10
)

// The members that are checked in more than one place.
const (
	memberProfile = "profile"
	memberJWKS    = "jwks"
	memberJWKSURI = "jwks_uri"

	memberResourceServers = "resource_servers"
)

// AssertionAlgs are the algorithms of what clients sign: assertions and request objects.
func AssertionAlgs() []string { return []string{"PS256", "RS256", "ES256", "ES384", "EdDSA"} }

// ResponseAlgs are the algorithms of the answers that we sign for clients.
func ResponseAlgs() []string { return []string{"ES256", "RS256", "EdDSA"} }

// FAPIAlgs are the algorithms that the FAPI 2.0 Security Profile has (section 5.4.1).
func FAPIAlgs() []string { return []string{"PS256", "ES256", "EdDSA"} }

// Normal spells out nothing that holds anyway and brings the key set into one form, so that settings that say the same are the same.
// What Check refuses is left as it is.
func (s Settings) Normal() Settings {
	for field, def := range map[*string]string{
		&s.ApplicationType: TypeWeb, &s.AccessTokenFormat: FormatOpaque, &s.SubjectType: SubjectPublic,
	} {
		if *field == def {
			*field = ""
		}
	}
	s.Resources, s.ResourceServers = once(s.Resources), once(s.ResourceServers)
	s.DefaultACRValues, s.Contacts = once(s.DefaultACRValues), once(s.Contacts)
	s.JWKS = normalJWKS(s.JWKS)
	return s
}

// once takes repeated values away; nil if there are none.
func once(values []string) []string {
	var out []string
	for _, v := range values {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

// checker collects what is wrong.
type checker struct {
	Settings
	base  Base
	wrong []Problem
}

func (c *checker) add(member, reason, rule string, args ...any) {
	c.wrong = append(c.wrong, Problem{Member: member, Text: rule, Rule: rule, Reason: reason, Args: args})
}

// addSaid is add for a value that was sent, which said repeats.
func (c *checker) addSaid(member, reason, said, rule string, args ...any) {
	c.wrong = append(c.wrong, Problem{Member: member, Text: said + ", " + rule, Rule: rule, Reason: reason, Args: args})
}

// is repeats the value of a member, and have one of several.
func is(value string) string   { return fmt.Sprintf("is %q", short(value)) }
func have(value string) string { return fmt.Sprintf("have %q", short(value)) }

// Check says everything that is wrong with the settings of a registration, in the order of its parts.
func (s Settings) Check(base Base) []Problem {
	c := &checker{Settings: s, base: base}
	c.words()
	c.keys()
	c.lifetimes()
	c.resources()
	c.levels()
	c.uris()
	c.sector()
	c.frontchannel()
	c.contacts()
	c.party()
	c.fapi()
	return c.wrong
}

func (c *checker) words() {
	for _, word := range []struct {
		member, value string
		allowed       []string
	}{
		{"application_type", c.ApplicationType, []string{TypeWeb, TypeNative}},
		{memberProfile, c.Profile, []string{ProfileFAPI2}},
		{"token_endpoint_auth_signing_alg", c.AssertionAlg, AssertionAlgs()},
		{"request_object_signing_alg", c.RequestObjectAlg, AssertionAlgs()},
		{"access_token_format", c.AccessTokenFormat, []string{FormatOpaque, FormatJWT}},
		{"userinfo_signed_response_alg", c.UserinfoAlg, ResponseAlgs()},
		{"introspection_signed_response_alg", c.IntrospectionAlg, ResponseAlgs()},
		{"subject_type", c.SubjectType, []string{SubjectPublic, SubjectPairwise}},
	} {
		if word.value != "" && !slices.Contains(word.allowed, word.value) {
			values := strings.Join(word.allowed, ", ")
			c.addSaid(word.member, "one_of", is(word.value), "must be "+values, "values", values)
		}
	}
}

// keys checks the key set, and that there is one where something is verified with it.
func (c *checker) keys() {
	if len(c.JWKS) > 0 {
		if _, err := ParseJWKS(c.JWKS); err != nil {
			c.wrong = append(c.wrong, problemOf(err))
		}
	}
	if len(c.JWKS) > 0 && c.JWKSURI != "" {
		c.add(memberJWKSURI, "jwks_both", "must not be there beside jwks: a registration has one of them (RFC 7591 section 2)")
	}
	if len(c.JWKS) > 0 || c.JWKSURI != "" {
		return
	}
	switch {
	case c.base.AuthMethod == authPrivateKeyJWT:
		c.add(memberJWKS, "jwks_missing", "or jwks_uri must be there: private_key_jwt is verified with it")
	case c.RequireRequestObject:
		c.add(memberJWKS, "jwks_missing", "or jwks_uri must be there: request objects are verified with it")
	}
}

func (c *checker) lifetimes() {
	within := func(member string, value, least, most int64) {
		if value < least || value > most {
			rule := fmt.Sprintf("must be %d to %d seconds", least, most)
			c.addSaid(member, "range", fmt.Sprintf("is %d", value), rule, "min", least, "max", most)
		}
	}
	for _, l := range []struct {
		member             string
		value, least, most int64
	}{
		{"access_token_lifetime", c.AccessLifetime, MinLifetime, MaxLifetime},
		{"id_token_lifetime", c.IDTokenLifetime, MinLifetime, MaxLifetime},
		{"refresh_token_lifetime", c.RefreshLifetime, MinRefresh, MaxRefresh},
	} {
		if l.value != 0 {
			within(l.member, l.value, l.least, l.most)
		}
	}
	if c.DefaultMaxAge != nil {
		within("default_max_age", *c.DefaultMaxAge, 0, MaxAge)
	}
}

func (c *checker) resources() {
	for _, list := range []struct {
		member string
		uris   []string
	}{{"resources", c.Resources}, {memberResourceServers, c.ResourceServers}} {
		if len(list.uris) > MaxResources {
			c.add(list.member, "many", fmt.Sprintf("must be %d at most", MaxResources), "max", MaxResources)
			continue
		}
		for _, uri := range list.uris {
			if !ValidResource(uri) {
				rule := fmt.Sprintf("must be absolute URIs of %d ASCII characters at most without a fragment (RFC 8707 section 2)", maxResource)
				c.addSaid(list.member, "resource", have(uri), rule, "uri", short(uri))
			}
		}
	}
	if len(c.ResourceServers) > 0 && c.base.AuthMethod == authNone {
		c.add(memberResourceServers, "resource_public", "must not be there for a public client: what it says of itself, everybody can")
	}
}

func (c *checker) levels() {
	known := strings.Join(c.base.ACRs, ", ")
	level := func(member, value string) {
		if !slices.Contains(c.base.ACRs, value) {
			c.addSaid(member, "one_of", is(value), "must be "+known, "values", known)
		}
	}
	if c.MinACR != "" {
		level("min_acr", c.MinACR)
	}
	if len(c.DefaultACRValues) > len(c.base.ACRs) {
		c.add("default_acr_values", "many", fmt.Sprintf("must be %d at most", len(c.base.ACRs)), "max", len(c.base.ACRs))
		return
	}
	for _, value := range c.DefaultACRValues {
		level("default_acr_values", value)
	}
}

func (c *checker) uris() {
	for _, m := range []struct{ member, uri string }{
		{memberJWKSURI, c.JWKSURI},
		{"sector_identifier_uri", c.SectorIdentifierURI},
		{"frontchannel_logout_uri", c.FrontchannelLogoutURI},
		{"client_uri", c.ClientURI},
		{"policy_uri", c.PolicyURI},
		{"tos_uri", c.TermsURI},
		{"initiate_login_uri", c.InitiateLoginURI},
	} {
		if m.uri == "" {
			continue
		}
		if rule := wrongURI(m.uri); rule != "" {
			c.addSaid(m.member, "uri", is(m.uri), rule)
		}
	}
}

// outsideURI are the characters that no URI of a registration has: people are shown hosts, and what hides or turns a line around would
// let one look like another.
func outsideURI(r rune) bool {
	return strings.ContainsRune(`#*\`, r) || unicode.IsSpace(r) || unicode.In(r, unicode.C)
}

// EscapedHost reports whether the host of a URI is written with escapes. Browsers and libraries read such hosts differently, and what is
// escaped can be anything once it is shown.
func EscapedHost(uri string) bool {
	_, rest, _ := strings.Cut(uri, ":")
	rest, ok := strings.CutPrefix(rest, "//")
	if !ok {
		return false
	}
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	return strings.Contains(rest, "%")
}

// wrongURI says what is wrong with the URI of something that a browser or we open: empty for nothing.
func wrongURI(uri string) string {
	u, err := url.Parse(uri)
	switch {
	case len(uri) > MaxURI:
		return fmt.Sprintf("must be %d bytes at most", MaxURI)
	case err != nil || !u.IsAbs():
		return "must be an absolute URI"
	case strings.ContainsFunc(uri, outsideURI):
		return "must have no fragment, wildcard, backslash or space"
	case u.User != nil:
		return "must not carry a user name or password"
	case u.Hostname() == "" || EscapedHost(uri):
		return "must have a host"
	case u.Scheme == "https":
		return ""
	case u.Scheme == "http" && slices.Contains([]string{"127.0.0.1", "::1", "localhost"}, u.Hostname()):
		return ""
	}
	return "must use https; http is for loopback addresses only"
}

// sector demands what pairwise subjects are made from where the redirect URIs do not tell (OpenID Connect Core section 8.1).
func (c *checker) sector() {
	const member = "sector_identifier_uri"
	switch sector, ok := c.Sector(c.base.RedirectURIs); {
	case !ok && c.SectorIdentifierURI == "":
		c.add(member, "sector", "must be there: the subject type is pairwise, and the redirect URIs do not have one host")
	case c.SectorIdentifierURI == "" && isLoopback(sector):
		// Whoever runs on a device has this host, so that any two applications with it could compare whom they know. The sector of one that
		// is registered stays what it is, since everybody would get another subject with it.
		c.addSaid(member, "sector_loopback", fmt.Sprintf("is missing beside %q", sector), "must be there, on a host of the application's own: the subject type is pairwise, and redirect URIs to a loopback address name none")
	}
}

// isLoopback reports whether a host is the device that asks for it, whichever that is.
func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && ip.Unmap().IsLoopback()
}

// frontchannel holds a page that we show in a frame to the origin of the application (Front-Channel Logout 1.0 section 2).
func (c *checker) frontchannel() {
	if c.FrontchannelLogoutURI == "" || wrongURI(c.FrontchannelLogoutURI) != "" {
		return
	}
	if !slices.ContainsFunc(c.base.RedirectURIs, func(uri string) bool { return SameOrigin(uri, c.FrontchannelLogoutURI) }) {
		c.add("frontchannel_logout_uri", "frontchannel", "must have the scheme, host and port of one of redirect_uris (Front-Channel Logout 1.0 section 2)")
	}
}

// SameOrigin reports whether two URIs have scheme, host and port in common.
func SameOrigin(a, b string) bool { return originOf(a) != "" && originOf(a) == originOf(b) }

// originOf is scheme, host and port of a URI; empty if it has none.
func originOf(uri string) string {
	u, err := url.Parse(uri)
	if err != nil || u.Hostname() == "" {
		return ""
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	return u.Scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port
}

func (c *checker) contacts() {
	const member, long = "contacts", 254
	if len(c.Contacts) > MaxContacts {
		c.add(member, "many", fmt.Sprintf("must be %d at most", MaxContacts), "max", MaxContacts)
		return
	}
	for _, contact := range c.Contacts {
		if a, err := mail.ParseAddress(contact); err != nil || a.Address != contact || len(contact) > long {
			c.addSaid(member, "contact", have(contact), "must be mail addresses", "contact", short(contact))
		}
	}
}

// party keeps our own API from other people's applications.
func (c *checker) party() {
	for _, s := range c.base.Scopes {
		if c.ThirdParty && strings.HasPrefix(s, "api:") {
			c.addSaid("third_party", "third_party", fmt.Sprintf("is set beside %q", short(s)), "must not be set for an application with scopes of the API (api:…)")
		}
	}
}

// fapi holds a registration to what the FAPI 2.0 Security Profile demands of clients (section 5.3.2), so that it says what holds.
func (c *checker) fapi() {
	if c.Profile != ProfileFAPI2 {
		return
	}
	for _, rule := range []struct {
		broken       bool
		reason, text string
	}{
		{!slices.Contains(c.base.GrantTypes, grantCode), "fapi_grant", "authorization_code among grant_types"},
		{c.base.AuthMethod == authNone, "fapi_auth", "private_key_jwt as token_endpoint_auth_method: there are no public clients"},
		{c.base.AuthMethod != authNone && c.base.AuthMethod != authPrivateKeyJWT, "fapi_auth", "private_key_jwt as token_endpoint_auth_method: there are no shared secrets"},
		{!c.RequirePAR, "fapi_par", "require_pushed_authorization_requests"},
		{!c.DPoP, "fapi_dpop", "dpop_bound_access_tokens: tokens are bound to a key"},
		{!c.base.PKCE, "fapi_pkce", "PKCE"},
	} {
		if rule.broken {
			c.add(memberProfile, rule.reason, "is fapi2, which needs "+rule.text)
		}
	}
	for _, alg := range []struct{ member, value string }{
		{"id_token_signed_response_alg", c.base.IDTokenAlg},
		{"userinfo_signed_response_alg", c.UserinfoAlg},
		{"introspection_signed_response_alg", c.IntrospectionAlg},
		{"token_endpoint_auth_signing_alg", c.AssertionAlg},
		{"request_object_signing_alg", c.RequestObjectAlg},
	} {
		if alg.value != "" && !slices.Contains(FAPIAlgs(), alg.value) {
			c.add(memberProfile, "fapi_alg", "is fapi2, which needs PS256, ES256 or EdDSA as "+alg.member, "member", alg.member)
		}
	}
}

// maxShort is how many characters of a value are repeated to whoever sent it.
const maxShort = 80

func short(text string) string {
	if r := []rune(text); len(r) > maxShort {
		return string(r[:maxShort]) + "…"
	}
	return text
}

package provider

import (
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/client"
	"github.com/futakagi/futakagi/signin"
)

// registration is what a client may say of itself (RFC 7591 section 2, OpenID Connect Dynamic Client Registration section 2), checked,
// and with what holds where it says nothing.
type registration struct {
	name                  string
	authMethod            string
	redirects, postLogout []string
	backchannel           string
	grants, scopes        []string
	idTokenAlg            string
	settings              client.Settings

	// id and secret are said in a change (RFC 7592 section 2.2).
	id, secret string
}

// registrableMethods are the methods of client authentication that a registration can name.
func registrableMethods() []string {
	return []string{string(oidc.AuthMethodBasic), string(oidc.AuthMethodPost), string(oidc.AuthMethodPrivateKeyJWT), string(oidc.AuthMethodNone)}
}

// beyondUs are members that ask for what we do not do. To pass over them would leave the client with less than it relies on.
func beyondUs() []string {
	return []string{
		"id_token_encrypted_response_alg", "id_token_encrypted_response_enc", "userinfo_encrypted_response_alg", "userinfo_encrypted_response_enc",
		"request_object_encryption_alg", "request_object_encryption_enc", "introspection_encrypted_response_alg",
		"introspection_encrypted_response_enc", "authorization_signed_response_alg", "authorization_encrypted_response_alg",
		"authorization_encrypted_response_enc",
	}
}

// parseRegistration reads and checks a registration. held are the scopes that it has already.
func parseRegistration(body []byte, held ...string) (registration, error) {
	r, err := readMetadata(body)
	if err != nil {
		return registration{}, err
	}
	if r.has("software_statement") {
		return registration{}, &protocolError{code: codeInvalidStatement}
	}
	for _, member := range beyondUs() {
		if r.has(member) {
			return registration{}, refuseMetadata("%s is not supported", member)
		}
	}
	in := registration{id: r.text("client_id"), secret: r.text("client_secret")}
	in.settings.ThirdParty = true
	in.readFlow(r, held)
	in.readKeys(r)
	in.readPeople(r)
	in.readRequests(r)
	if r.err != nil {
		return registration{}, r.err
	}
	if err := in.checkRedirects(); err != nil {
		return registration{}, err
	}
	if in.backchannel != "" && !askedURI(in.backchannel) {
		return registration{}, refuseMetadata("backchannel_logout_uri must be an https URL without a fragment")
	}
	return in, in.check(in.mustPKCE())
}

// among is a text that must be one of some, and what it is if it is not said.
func (r *metadataReader) among(name, unsaid string, allowed ...string) string {
	switch v := r.text(name); {
	case v == "":
		return unsaid
	case !slices.Contains(allowed, v):
		r.refuse("%s must be %s", name, strings.Join(allowed, ", "))
		return unsaid
	default:
		return v
	}
}

// readFlow reads how people come and go. Of lists is taken what we can do (RFC 7591 section 2 lets us), as long as a sign-in is left.
func (in *registration) readFlow(r *metadataReader, held []string) {
	in.redirects, in.postLogout = r.texts("redirect_uris"), r.texts("post_logout_redirect_uris")
	in.settings.ApplicationType = r.text("application_type")
	in.authMethod = r.among("token_endpoint_auth_method", string(oidc.AuthMethodBasic), registrableMethods()...)
	code, refresh := string(oidc.GrantTypeCode), string(oidc.GrantTypeRefreshToken)
	in.grants = []string{code}
	if asked := r.texts("grant_types"); asked != nil {
		if !slices.Contains(asked, code) {
			r.refuse("grant_types must contain %s", code)
		}
		if slices.Contains(asked, refresh) {
			in.grants = append(in.grants, refresh)
		}
	}
	if asked := r.texts("response_types"); asked != nil && !slices.Contains(asked, "code") {
		r.refuse("response_types must contain code")
	}
	in.readScopes(r, held)
	in.backchannel = r.text("backchannel_logout_uri")
	s := &in.settings
	s.BackchannelLogoutSession = r.flag("backchannel_logout_session_required")
	s.FrontchannelLogoutURI = r.text("frontchannel_logout_uri")
	s.FrontchannelLogoutSession = r.flag("frontchannel_logout_session_required")
	s.InitiateLoginURI = r.text("initiate_login_uri")
}

// readScopes reads what the client may ask for: of people, and never more than that. Nobody gets a scope that is for staff to
// give by asking; but who has one may say so, as they were told.
func (in *registration) readScopes(r *metadataReader, held []string) {
	asked := strings.Fields(r.text("scope"))
	if slices.ContainsFunc(asked, func(s string) bool { return client.StaffOnly(s) && !slices.Contains(held, s) }) {
		r.refuse("scope must not contain scopes that begin with api: or ssf.")
		return
	}
	for _, s := range identityScopes() {
		switch {
		case s == scopeOffline && !slices.Contains(in.grants, string(oidc.GrantTypeRefreshToken)):
		case len(asked) == 0 || s == scopeOpenID || slices.Contains(asked, s):
			in.scopes = append(in.scopes, s)
		}
	}
}

// readKeys reads what is signed and by what.
func (in *registration) readKeys(r *metadataReader) {
	s := &in.settings
	in.idTokenAlg = r.among("id_token_signed_response_alg", string(jose.RS256), signingAlgs()...)
	s.UserinfoAlg, s.IntrospectionAlg = r.text("userinfo_signed_response_alg"), r.text("introspection_signed_response_alg")
	s.RequestObjectAlg, s.AssertionAlg = r.text("request_object_signing_alg"), r.text("token_endpoint_auth_signing_alg")
	s.JWKS, s.JWKSURI = r.members["jwks"], r.text("jwks_uri")
}

// readPeople reads by what name people are known, and what they are shown.
func (in *registration) readPeople(r *metadataReader) {
	s := &in.settings
	s.SubjectType = r.text("subject_type")
	s.SectorIdentifierURI = r.text("sector_identifier_uri")
	in.name = strings.Join(strings.Fields(r.localized("client_name")), " ")
	if !goodName(in.name) {
		r.refuse("client_name must have %d characters at most, all of which can be seen", account.MaxName)
	}
	s.ClientURI, s.PolicyURI, s.TermsURI = r.localized("client_uri"), r.localized("policy_uri"), r.localized("tos_uri")
	if logo := r.localized("logo_uri"); logo != "" && !shownURI(logo) {
		r.refuse("logo_uri must be an http or https URL") // it is not kept: people's browsers are not sent there
	}
	s.Contacts = r.texts("contacts")
}

// readRequests reads what the client binds its own requests to.
func (in *registration) readRequests(r *metadataReader) {
	s := &in.settings
	s.DefaultMaxAge, s.RequireAuthTime = r.seconds("default_max_age"), r.flag("require_auth_time")
	for _, acr := range r.texts("default_acr_values") {
		if slices.Contains(signin.ACRValues(), acr) {
			s.DefaultACRValues = append(s.DefaultACRValues, acr)
		}
	}
	s.RequirePAR = r.flag("require_pushed_authorization_requests")
	s.RequireRequestObject = r.flag("require_signed_request_object")
	s.DPoP = r.flag("dpop_bound_access_tokens")
	if r.flag("tls_client_certificate_bound_access_tokens") {
		r.refuse("tls_client_certificate_bound_access_tokens is not supported")
	}
}

// goodName reports whether a name can be shown to people as it is. One that is not there is as good.
func goodName(name string) bool {
	return utf8.RuneCountInString(name) <= account.MaxName && !strings.ContainsFunc(name, func(r rune) bool {
		// Characters that turn the line around, hide, or look like nothing would let a name say something else than it is.
		return unicode.In(r, unicode.C) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r)
	})
}

// checkRedirects checks where sign-in answers may go.
func (in *registration) checkRedirects() error {
	if len(in.redirects) == 0 {
		return refuseRedirect("redirect_uris must have at least one")
	}
	for i, uri := range in.redirects {
		if text := in.wrongRedirect(uri); text != "" {
			return refuseRedirect("redirect_uris: number %d %s", i+1, text)
		}
	}
	for i, uri := range in.postLogout {
		if text := in.wrongRedirect(uri); text != "" {
			return refuseMetadata("post_logout_redirect_uris: number %d %s", i+1, text)
		}
	}
	return nil
}

// wrongRedirect says what is wrong with an address that a browser is sent to; empty if nothing is.
func (in *registration) wrongRedirect(uri string) string {
	if strings.ContainsFunc(uri, func(r rune) bool { return r > unicode.MaxASCII }) {
		return "must be ASCII, with other characters percent-encoded"
	}
	if text := ValidRedirectURI(uri); text != "" {
		return text
	}
	native := in.settings.ApplicationType == client.TypeNative && in.authMethod == string(oidc.AuthMethodNone)
	if !native && !strings.HasPrefix(uri, "https:") && !strings.HasPrefix(uri, "http:") {
		// Another app of the same device can take a scheme, and with it the code (RFC 8252 section 8.1).
		return "must use https: private-use schemes are for native applications without a secret"
	}
	return ""
}

// check holds the document to the rules that hold for every registration, whoever makes it. What is wrong is said without the values.
func (in *registration) check(pkce bool) error {
	problems := in.settings.Check(client.Base{
		AuthMethod: in.authMethod, GrantTypes: in.grants, Scopes: in.scopes, RedirectURIs: in.redirects, IDTokenAlg: in.idTokenAlg,
		PKCE: pkce, ACRs: signin.ACRValues(),
	})
	if len(problems) > 0 {
		return refuseMetadata("%s %s", problems[0].Member, problems[0].Rule) // one is enough: an answer has one sentence
	}
	in.settings = in.settings.Normal()
	return nil
}

// mustPKCE reports whether nothing but the verifier ties a code to whoever asked for it.
func (in *registration) mustPKCE() bool { return in.authMethod == string(oidc.AuthMethodNone) }

// shownURI reports whether people can be given a link.
func shownURI(uri string) bool {
	u, err := url.Parse(uri)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && u.User == nil
}

// askedURI reports whether an address can be one that we ask: https, or this machine.
func askedURI(uri string) bool {
	return ValidRedirectURI(uri) == "" && (strings.HasPrefix(uri, "https:") || strings.HasPrefix(uri, "http:")) &&
		!strings.ContainsFunc(uri, func(r rune) bool { return r > unicode.MaxASCII })
}

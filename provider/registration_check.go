package provider

import (
	"crypto/rsa"
	"encoding/json"
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
	return []string{string(oidc.AuthMethodBasic), string(oidc.AuthMethodPost), string(oidc.AuthMethodNone)}
}

// registrableAlgs are the algorithms that a registration can name for what is signed besides ID tokens. A member without any is one
// that we do not do.
func registrableAlgs() map[string][]string {
	return map[string][]string{
		"userinfo_signed_response_alg": {}, "introspection_signed_response_alg": {}, "request_object_signing_alg": {}, "token_endpoint_auth_signing_alg": {},
	}
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

// parseRegistration reads and checks a registration.
func parseRegistration(body []byte) (registration, error) {
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
	in.readFlow(r)
	in.readKeys(r)
	in.readPeople(r)
	in.readRequests(r)
	if r.err != nil {
		return registration{}, r.err
	}
	if err := in.checkRedirects(); err != nil {
		return registration{}, err
	}
	return in, in.checkURIs()
}

// among is a text that must be one of some, and what it is if it is not said.
func (r *metadataReader) among(name, unsaid string, allowed ...string) string {
	switch v := r.text(name); {
	case v == "":
		return unsaid
	case !slices.Contains(allowed, v):
		if len(allowed) == 0 {
			r.refuse("%s is not supported", name)
		} else {
			r.refuse("%s must be %s", name, strings.Join(allowed, ", "))
		}
		return unsaid
	default:
		return v
	}
}

// readFlow reads how people come and go. Of lists is taken what we can do (RFC 7591 section 2 lets us), as long as a sign-in is left.
func (in *registration) readFlow(r *metadataReader) {
	in.redirects, in.postLogout = r.texts("redirect_uris"), r.texts("post_logout_redirect_uris")
	in.settings.ApplicationType = r.among("application_type", "", client.TypeWeb, client.TypeNative)
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
	in.readScopes(r)
	in.backchannel = r.text("backchannel_logout_uri")
	s := &in.settings
	s.BackchannelLogoutSession = r.flag("backchannel_logout_session_required")
	s.FrontchannelLogoutURI = r.text("frontchannel_logout_uri")
	s.FrontchannelLogoutSession = r.flag("frontchannel_logout_session_required")
	s.InitiateLoginURI = r.text("initiate_login_uri")
}

// readScopes reads what the client may ask for: of people, and never more than that. Nobody gets a scope of the API by asking.
func (in *registration) readScopes(r *metadataReader) {
	asked := strings.Fields(r.text("scope"))
	for _, s := range asked {
		if strings.HasPrefix(s, "api:") {
			r.refuse("scope must not contain scopes that begin with api:")
			return
		}
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
	for member, to := range map[string]*string{
		"userinfo_signed_response_alg": &s.UserinfoAlg, "introspection_signed_response_alg": &s.IntrospectionAlg,
		"request_object_signing_alg": &s.RequestObjectAlg, "token_endpoint_auth_signing_alg": &s.AssertionAlg,
	} {
		*to = r.among(member, "", registrableAlgs()[member]...)
	}
	s.JWKSURI = r.text("jwks_uri")
	raw, ok := r.members["jwks"]
	if !ok {
		return
	}
	if s.JWKSURI != "" {
		r.refuse("jwks and jwks_uri must not be said both")
	}
	var err *protocolError
	if s.JWKS, err = publicKeys(raw); err != nil && r.err == nil {
		r.err = err
	}
}

// readPeople reads by what name people are known, and what they are shown.
func (in *registration) readPeople(r *metadataReader) {
	s := &in.settings
	s.SubjectType = r.among("subject_type", "", client.SubjectPublic, client.SubjectPairwise)
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

// checkURIs checks the other addresses, and that pairwise subjects have a sector.
func (in *registration) checkURIs() error {
	s := in.settings
	for _, shown := range []struct{ member, uri string }{
		{"client_uri", s.ClientURI}, {"policy_uri", s.PolicyURI}, {"tos_uri", s.TermsURI},
	} {
		if shown.uri != "" && !shownURI(shown.uri) {
			return refuseMetadata("%s must be an http or https URL", shown.member)
		}
	}
	for _, asked := range []struct{ member, uri string }{
		{"jwks_uri", s.JWKSURI},
		{"sector_identifier_uri", s.SectorIdentifierURI},
		{"initiate_login_uri", s.InitiateLoginURI},
		{"backchannel_logout_uri", in.backchannel},
		{"frontchannel_logout_uri", s.FrontchannelLogoutURI},
	} {
		if asked.uri != "" && !askedURI(asked.uri) {
			return refuseMetadata("%s must be an https URL without a fragment", asked.member)
		}
	}
	if uri := s.FrontchannelLogoutURI; uri != "" && !slices.ContainsFunc(in.redirects, func(r string) bool { return sameOrigin(r, uri) }) {
		return refuseMetadata("frontchannel_logout_uri must have scheme, host and port of one of redirect_uris")
	}
	if _, ok := sectorOf(s, in.redirects); !ok {
		return refuseMetadata("subject_type pairwise needs redirect_uris of one host, or sector_identifier_uri")
	}
	return nil
}

// shownURI reports whether people can be given a link.
func shownURI(uri string) bool {
	u, err := url.Parse(uri)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && u.User == nil
}

// askedURI reports whether an address can be one that we, or a browser for us, ask: https, or this machine.
func askedURI(uri string) bool {
	return ValidRedirectURI(uri) == "" && (strings.HasPrefix(uri, "https:") || strings.HasPrefix(uri, "http:")) &&
		!strings.ContainsFunc(uri, func(r rune) bool { return r > unicode.MaxASCII })
}

func sameOrigin(a, b string) bool {
	u, err := url.Parse(a)
	v, verr := url.Parse(b)
	return err == nil && verr == nil && u.Scheme == v.Scheme && strings.EqualFold(u.Host, v.Host)
}

const maxClientKeys = 20

// publicKeys reads a key set and spells it anew with nothing but public keys that we know how to use.
func publicKeys(raw json.RawMessage) (json.RawMessage, *protocolError) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if json.Unmarshal(raw, &set) != nil || len(set.Keys) == 0 || len(set.Keys) > maxClientKeys {
		return nil, refuseMetadata("jwks must be a key set of 1 to %d keys", maxClientKeys)
	}
	var kept jose.JSONWebKeySet
	for i, one := range set.Keys {
		var key jose.JSONWebKey
		if err := key.UnmarshalJSON(one); err != nil || !key.Valid() {
			return nil, refuseMetadata("jwks: key number %d cannot be read", i+1)
		}
		if !key.IsPublic() {
			return nil, refuseMetadata("jwks: key number %d must be a public key: nobody else may know the other kind", i+1)
		}
		if k, ok := key.Key.(*rsa.PublicKey); ok && k.N.BitLen() < 2048 {
			return nil, refuseMetadata("jwks: key number %d must have 2048 bits or more", i+1)
		}
		if !goodText(key.KeyID) || !goodText(key.Algorithm) || !goodText(key.Use) {
			return nil, refuseMetadata("jwks: key number %d has control characters", i+1)
		}
		kept.Keys = append(kept.Keys, jose.JSONWebKey{Key: key.Key, KeyID: key.KeyID, Algorithm: key.Algorithm, Use: key.Use})
	}
	out, err := json.Marshal(kept)
	if err != nil {
		return nil, refuseMetadata("jwks cannot be read")
	}
	return out, nil
}

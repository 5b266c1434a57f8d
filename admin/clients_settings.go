package admin

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"

	"github.com/futakagi/futakagi/client"
	"github.com/futakagi/futakagi/signin"
)

// SettingsChange says what becomes of the settings of a registration. What is nil stays as it is. Its members are those of
// [client.Settings], and its names and words are the API's and the command line's.
type SettingsChange struct {
	ApplicationType           *string         `json:"application_type,omitempty" enum:"web,native" doc:"where it runs: on servers and in browsers, or on devices"`
	ThirdParty                *bool           `json:"third_party,omitempty" doc:"it is somebody else's: people are asked before it learns anything about them"`
	Profile                   *string         `json:"profile,omitempty" max:"16" doc:"fapi2 for the rules of the FAPI 2.0 Security Profile; empty for none"`
	JWKS                      json.RawMessage `json:"jwks,omitempty" any:"object" doc:"the public keys it signs with (RFC 7517 section 5); an empty object for none"`
	JWKSURI                   *string         `json:"jwks_uri,omitempty" max:"2048" doc:"where its public keys are, in place of jwks; empty for none"`
	AssertionAlg              *string         `json:"token_endpoint_auth_signing_alg,omitempty" max:"16" doc:"of private_key_jwt: PS256, RS256, ES256, ES384 or EdDSA; empty for any of them"`
	RequirePAR                *bool           `json:"require_pushed_authorization_requests,omitempty" doc:"refuse authorization requests that were not pushed (RFC 9126)"`
	RequireRequestObject      *bool           `json:"require_signed_request_object,omitempty" doc:"refuse authorization requests that are not signed (RFC 9101)"`
	RequestObjectAlg          *string         `json:"request_object_signing_alg,omitempty" max:"16" doc:"PS256, RS256, ES256, ES384 or EdDSA; empty for any of them"`
	DPoP                      *bool           `json:"dpop_bound_access_tokens,omitempty" doc:"refuse tokens that are bound to no key (RFC 9449)"`
	AccessTokenFormat         *string         `json:"access_token_format,omitempty" enum:"opaque,jwt" doc:"jwt for access tokens that resource servers read themselves (RFC 9068)"`
	Resources                 []string        `json:"resources,omitempty" max:"512" max_items:"20" doc:"the resource servers that tokens may be for (RFC 8707)"`
	ResourceServers           []string        `json:"resource_servers,omitempty" max:"512" max_items:"20" doc:"the resources it serves itself: it may introspect tokens for them (RFC 7662), and exchange them (RFC 8693)"`
	UserinfoAlg               *string         `json:"userinfo_signed_response_alg,omitempty" max:"16" doc:"ES256, RS256 or EdDSA; empty for plain JSON"`
	IntrospectionAlg          *string         `json:"introspection_signed_response_alg,omitempty" max:"16" doc:"ES256, RS256 or EdDSA (RFC 9701); empty for plain JSON"`
	AccessLifetime            *int64          `json:"access_token_lifetime,omitempty" min:"0" max:"86400" doc:"in seconds, at least 60; 0 for that of the installation"`
	RefreshLifetime           *int64          `json:"refresh_token_lifetime,omitempty" min:"0" max:"31536000" doc:"in seconds, at least 300; 0 for that of the installation"`
	IDTokenLifetime           *int64          `json:"id_token_lifetime,omitempty" min:"0" max:"86400" doc:"in seconds, at least 60; 0 for that of the installation"`
	MinACR                    *string         `json:"min_acr,omitempty" max:"64" doc:"the least level of a sign-in, as a value of acr; empty for what the surface demands"`
	DefaultMaxAge             *int64          `json:"default_max_age,omitempty" min:"-1" max:"31536000" doc:"how old a sign-in may be where a request does not say, in seconds; -1 for any age"`
	RequireAuthTime           *bool           `json:"require_auth_time,omitempty" doc:"ID tokens always say when the person signed in"`
	DefaultACRValues          []string        `json:"default_acr_values,omitempty" max:"64" max_items:"4" doc:"the levels that are asked for where a request does not say"`
	SubjectType               *string         `json:"subject_type,omitempty" enum:"public,pairwise" doc:"pairwise for subjects that applications of others cannot compare; what the client holds is void when they change"`
	SectorIdentifierURI       *string         `json:"sector_identifier_uri,omitempty" max:"2048" doc:"what pairwise subjects are made from, where redirect URIs have several hosts; empty for none"`
	FrontchannelLogoutURI     *string         `json:"frontchannel_logout_uri,omitempty" max:"2048" doc:"opened in a frame of the page that signs somebody out; empty for none"`
	FrontchannelLogoutSession *bool           `json:"frontchannel_logout_session_required,omitempty" doc:"with iss and sid"`
	BackchannelLogoutSession  *bool           `json:"backchannel_logout_session_required,omitempty" doc:"back-channel logout always names the session"`
	ClientURI                 *string         `json:"client_uri,omitempty" max:"2048" doc:"its home page, which people can open; empty for none"`
	PolicyURI                 *string         `json:"policy_uri,omitempty" max:"2048" doc:"its privacy policy; empty for none"`
	TermsURI                  *string         `json:"tos_uri,omitempty" max:"2048" doc:"its terms of service; empty for none"`
	InitiateLoginURI          *string         `json:"initiate_login_uri,omitempty" max:"2048" doc:"where a sign-in to it can begin; empty for none"`
	Contacts                  []string        `json:"contacts,omitempty" max:"254" max_items:"10" doc:"mail addresses of who is responsible for it"`
}

// anyAge takes default_max_age away, where nothing is said by what is left out.
const anyAge = -1

// apply returns settings after the change. Every member of the change is one of the settings by the same name; a list or a key set that is
// there replaces the former one.
func (c SettingsChange) apply(s client.Settings) client.Settings {
	from, to := reflect.ValueOf(c), reflect.ValueOf(&s).Elem()
	for i := range from.NumField() {
		value, field := from.Field(i), to.FieldByName(from.Type().Field(i).Name)
		switch {
		case value.IsNil():
		case value.Kind() == reflect.Pointer && field.Kind() != reflect.Pointer:
			field.Set(value.Elem())
		default:
			field.Set(value)
		}
	}
	if s.DefaultMaxAge != nil && *s.DefaultMaxAge == anyAge {
		s.DefaultMaxAge = nil
	}
	return s
}

// settingsChange is a change to just these settings.
func settingsChange(s client.Settings) SettingsChange {
	var c SettingsChange
	from, to := reflect.ValueOf(&s).Elem(), reflect.ValueOf(&c).Elem()
	for i := range to.NumField() {
		value, field := from.FieldByName(to.Type().Field(i).Name), to.Field(i)
		switch {
		case value.Kind() == reflect.Pointer:
			field.Set(value)
		case value.Kind() == reflect.Slice && value.IsNil():
			field.Set(reflect.MakeSlice(field.Type(), 0, 0))
		case value.Kind() == reflect.Slice:
			field.Set(value)
		default:
			field.Set(value.Addr())
		}
	}
	if c.DefaultMaxAge == nil {
		c.DefaultMaxAge = new(int64(anyAge))
	}
	return c
}

// settingWords spells settings for an audit row, by member: keys by their identifiers, and what is not said as nothing.
func settingWords(s client.Settings) map[string]string {
	out := map[string]string{}
	v := reflect.ValueOf(s)
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		out[name] = settingWord(v.Field(i).Interface())
	}
	out["jwks"] = spellList(s.KeyIDs())
	return out
}

func settingWord(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		if v {
			return "true"
		}
	case int64:
		if v != 0 {
			return strconv.FormatInt(v, 10)
		}
	case *int64:
		if v != nil {
			return strconv.FormatInt(*v, 10)
		}
	case []string:
		return spellList(v)
	}
	return ""
}

// settingsChanges are the changes of settings for an audit row.
func settingsChanges(a, b client.Settings) map[string]string {
	from, to := settingWords(a), settingWords(b)
	data := map[string]string{}
	for name := range to {
		if from[name] != to[name] {
			data[name+".from"], data[name+".to"] = from[name], to[name]
		}
	}
	// Another key of the same name is a change that the names do not show.
	if from["jwks"] == to["jwks"] && string(a.JWKS) != string(b.JWKS) {
		data["jwks.from"], data["jwks.to"] = from["jwks"], to["jwks"]
	}
	return data
}

// checkSettings adds what is wrong with the settings of a registration.
func (in NewClient) checkSettings(wrong *ClientError) {
	problems := in.Check(client.Base{
		AuthMethod: in.AuthMethod, GrantTypes: in.GrantTypes, Scopes: in.Scopes, RedirectURIs: in.RedirectURIs, IDTokenAlg: in.IDTokenAlg,
		PKCE: !in.NoPKCE, ACRs: signin.ACRValues(),
	})
	for _, p := range problems {
		wrong.add(p.Member, p.Text, "client.wrong."+p.Reason, p.Args...)
	}
}

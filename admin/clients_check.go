package admin

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

// The fields of a registration that a [ClientError] can name.
const (
	clientFieldID          = "id"
	clientFieldName        = "name"
	clientFieldSurface     = "surface"
	clientFieldAuth        = "auth_method"
	clientFieldRedirects   = "redirect_uris"
	clientFieldPostLogout  = "post_logout_redirect_uris"
	clientFieldBackchannel = "backchannel_logout_uri"
	clientFieldGrants      = "grant_types"
	clientFieldScopes      = "scopes"
	clientFieldAlg         = "id_token_alg"
	clientFieldOverlap     = "overlap"
)

const (
	// maxURIs is how many URIs of a kind a registration has, maxURI how many bytes each, and maxScopes how many scopes.
	maxURIs, maxURI, maxScopes = 50, 2048, 50
	// maxTold is how many wrong lines of a field the console names at once.
	maxTold = 3
)

// A ClientError lists what is wrong with a registration: one sentence per field, for programs and whoever runs a command. The console
// has sentences of its own.
type ClientError struct {
	Fields map[string]string

	sentences map[string][]clientSentence
}

// clientSentence is one of the catalogue, with what it is filled in with, and what it says for programs.
type clientSentence struct {
	key, text string
	args      []any
}

func (e *ClientError) Error() string {
	var parts []string
	for _, field := range slices.Sorted(maps.Keys(e.Fields)) {
		parts = append(parts, field+" "+e.Fields[field])
	}
	return strings.Join(parts, "; ")
}

// add notes what is wrong with a field.
func (e *ClientError) add(field, text, key string, args ...any) {
	if e.Fields == nil {
		e.Fields, e.sentences = map[string]string{}, map[string][]clientSentence{}
	}
	if e.Fields[field] == "" {
		e.Fields[field] = text
	}
	e.sentences[field] = append(e.sentences[field], clientSentence{key, text, args})
}

// namesValue reports whether it is about one value of a list, which it names whole.
func (s clientSentence) namesValue() bool {
	return strings.HasPrefix(s.text, `have "`) && !strings.Contains(s.text, shortened)
}

// since is what of it was not wrong with the former registration already: with the same value, or in a field that holds nothing which it
// did not hold then. It is nil for nothing. Rules grow, and a registration that breaks a younger one must still be changed in other things,
// and mended one by one.
func (e *ClientError) since(former *ClientError, held func(field string) bool) *ClientError {
	left := &ClientError{}
	for field, list := range e.sentences {
		for _, s := range list {
			was := slices.ContainsFunc(former.sentences[field], func(f clientSentence) bool { return f.key == s.key && f.text == s.text })
			if !was || !s.namesValue() && !held(field) {
				left.add(field, s.text, s.key, s.args...)
			}
		}
	}
	if len(left.Fields) == 0 {
		return nil
	}
	return left
}

// texts are the sentences of the console, by field.
func (e *ClientError) texts(say func(key string, args ...any) string) map[string]string {
	out := map[string]string{}
	for field, list := range e.sentences {
		var lines []string
		for _, s := range list[:min(len(list), maxTold)] {
			if line := say(s.key, s.args...); !slices.Contains(lines, line) {
				lines = append(lines, line)
			}
		}
		out[field] = strings.Join(lines, " ")
	}
	return out
}

func clientError(field, text, key string) *ClientError {
	e := &ClientError{}
	e.add(field, text, key)
	return e
}

func idTaken() error { return clientError(clientFieldID, "is taken", templates.MsgClientIDTaken) }

func noSurface(id string) error {
	return clientError(clientFieldSurface, fmt.Sprintf("is %q, which does not exist", id), templates.MsgClientSurface)
}

// check returns a registration as it is stored, or says everything that is wrong with it. validRedirect says what is wrong with one URI.
func (in NewClient) check(validRedirect func(string) string) (NewClient, error) {
	wrong := &ClientError{}
	in.Name = strings.Join(strings.Fields(strings.ToValidUTF8(in.Name, "")), " ")
	in.RedirectURIs, in.PostLogoutRedirectURIs = once(in.RedirectURIs), once(in.PostLogoutRedirectURIs)
	in.GrantTypes, in.Scopes = once(in.GrantTypes), once(in.Scopes)
	in.Settings = in.Normal()
	in.NoPKCE = in.NoPKCE && in.AuthMethod != authNone // nothing but the verifier ties a public client's code to whoever asked for it
	in.checkWords(wrong)
	in.checkGrants(wrong)
	in.checkURIs(wrong, validRedirect)
	in.checkSettings(wrong)
	if len(wrong.Fields) > 0 {
		return in, wrong
	}
	return in, nil
}

// checkChange is check for a registration that takes the place of another.
func (in NewClient) checkChange(former NewClient, validRedirect func(string) string) (NewClient, error) {
	next, err := in.check(validRedirect)
	wrong, ok := errors.AsType[*ClientError](err)
	if !ok {
		return next, err
	}
	former, err = former.check(validRedirect)
	was, ok := errors.AsType[*ClientError](err)
	if !ok {
		return next, wrong
	}
	if left := wrong.since(was, func(field string) bool { return next.holdsOnly(former, field) }); left != nil {
		return next, left
	}
	return next, nil
}

// holdsOnly reports whether a field holds nothing that it does not hold in another registration.
func (in NewClient) holdsOnly(other NewClient, field string) bool {
	from, is := other.field(field), in.field(field)
	list, ok := is.([]string)
	if !ok {
		return reflect.DeepEqual(from, is)
	}
	held, _ := from.([]string)
	return !slices.ContainsFunc(list, func(value string) bool { return !slices.Contains(held, value) })
}

// field is the value of a field that a [ClientError] names.
func (in *NewClient) field(name string) any {
	switch name {
	case clientFieldID:
		return in.ID
	case clientFieldName:
		return in.Name
	case clientFieldAuth:
		return in.AuthMethod
	case clientFieldRedirects:
		return in.RedirectURIs
	case clientFieldPostLogout:
		return in.PostLogoutRedirectURIs
	case clientFieldBackchannel:
		return in.BackchannelLogoutURI
	case clientFieldGrants:
		return in.GrantTypes
	case clientFieldScopes:
		return in.Scopes
	case clientFieldAlg:
		return in.IDTokenAlg
	}
	return settingOf(&in.Settings, name).Interface()
}

// once takes repeated values away.
func once(values []string) []string {
	out := []string{}
	for _, v := range values {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

func (in NewClient) checkWords(wrong *ClientError) {
	// An id that could be an account's would be taken for that account wherever the log says who acted.
	if !clientID.MatchString(in.ID) || store.ValidID(in.ID) {
		wrong.add(clientFieldID, "must be 1 to 64 of A-Z a-z 0-9 . _ -, begin with a letter or digit, and be no UUID", templates.MsgClientIDForm)
	}
	switch text := fmt.Sprintf("must have 1 to %d characters", account.MaxName); {
	case in.Name == "":
		wrong.add(clientFieldName, text, templates.MsgClientName)
	case utf8.RuneCountInString(in.Name) > account.MaxName:
		wrong.add(clientFieldName, text, templates.MsgNameLong, "max", account.MaxName)
	}
	oneOf := func(field, value, key string, allowed []string) {
		if !slices.Contains(allowed, value) {
			wrong.add(field, fmt.Sprintf("is %q, must be %s", short(value), strings.Join(allowed, ", ")), key)
		}
	}
	oneOf(clientFieldAuth, in.AuthMethod, templates.MsgClientAuth, authMethods())
	oneOf(clientFieldAlg, in.IDTokenAlg, templates.MsgClientAlg, signingAlgs())
}

func (in NewClient) checkGrants(wrong *ClientError) {
	for _, g := range in.GrantTypes {
		if !slices.Contains(clientGrants(), g) {
			wrong.add(clientFieldGrants, fmt.Sprintf("is %q, must be %s", short(g), strings.Join(clientGrants(), ", ")), templates.MsgClientGrants)
		}
	}
	has := func(g string) bool { return slices.Contains(in.GrantTypes, g) }
	if len(in.GrantTypes) == 0 {
		wrong.add(clientFieldGrants, "must have at least one", templates.MsgClientGrants)
	}
	if has(grantRefresh) && !signsIn(in.GrantTypes) {
		wrong.add(clientFieldGrants, "have refresh_token without authorization_code or the device grant", templates.MsgClientRefresh)
	}
	if has(grantCredentials) && in.AuthMethod == authNone {
		wrong.add(clientFieldGrants, "have client_credentials, which a public client cannot use", templates.MsgClientPublic)
	}
	if has(grantExchange) && in.AuthMethod == authNone {
		// Whoever trades tokens is somebody that we know (RFC 8693 section 2.1 leaves it open).
		wrong.add(clientFieldGrants, "have token-exchange, which a public client cannot use", templates.MsgClientExchange)
	}
	if len(in.Scopes) > maxScopes {
		wrong.add(clientFieldScopes, fmt.Sprintf("must be %d at most", maxScopes), templates.MsgClientScopesMany, "max", maxScopes)
	}
	for _, s := range in.Scopes {
		if !scope.MatchString(s) || !knownScope(s) {
			wrong.add(clientFieldScopes, fmt.Sprintf("have %q, which is no scope", short(s)), templates.MsgClientScope, "scope", short(s))
		}
	}
}

func (in NewClient) checkURIs(wrong *ClientError, validRedirect func(string) string) {
	if slices.Contains(in.GrantTypes, grantCode) && len(in.RedirectURIs) == 0 {
		wrong.add(clientFieldRedirects, "must have at least one for authorization_code", templates.MsgClientRedirects)
	}
	problem := func(uri string) string {
		if len(uri) > maxURI {
			return fmt.Sprintf("must be %d bytes at most", maxURI)
		}
		return validRedirect(uri)
	}
	for _, list := range []struct {
		field string
		uris  []string
	}{{clientFieldRedirects, in.RedirectURIs}, {clientFieldPostLogout, in.PostLogoutRedirectURIs}} {
		if len(list.uris) > maxURIs {
			wrong.add(list.field, fmt.Sprintf("must be %d at most", maxURIs), templates.MsgClientURIsMany, "max", maxURIs)
		}
		for i, uri := range list.uris {
			text, key := problem(uri), templates.MsgClientURI
			if text == "" && (in.AuthMethod != authNone || in.Browser) && !overHTTP(uri) {
				// Another app of the same device can take a scheme, and with it the code (RFC 8252 section 8.1): it is worth nothing
				// without the verifier, but a secret would not be one on a device anyway.
				text, key = "must use https: private-use schemes are for native applications, which keep no secret", templates.MsgClientURIScheme
			}
			if text != "" {
				wrong.add(list.field, fmt.Sprintf("have %q, which %s", short(uri), text), key, "n", i+1, "uri", short(uri))
			}
		}
	}
	uri := in.BackchannelLogoutURI
	if uri == "" {
		return
	}
	text := problem(uri)
	if text == "" && !overHTTP(uri) {
		text = "must use https"
	}
	if text != "" {
		wrong.add(clientFieldBackchannel, fmt.Sprintf("is %q, which %s", short(uri), text), templates.MsgClientBackchannel)
	}
}

func overHTTP(uri string) bool {
	return strings.HasPrefix(uri, "https:") || strings.HasPrefix(uri, "http:")
}

// maxShort is how many characters of a value are repeated to whoever sent it; shortened says that there are more.
const (
	maxShort  = 80
	shortened = "…"
)

// short shortens a value for a sentence.
func short(text string) string {
	if r := []rune(text); len(r) > maxShort {
		return string(r[:maxShort]) + shortened
	}
	return text
}

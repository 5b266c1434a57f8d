package admin

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/futakagi/futakagi/client"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/templates"
)

// formSetting is a setting of a registration as the console's form has it: what kind of field it needs is told by its type.
type formSetting struct {
	// part is the part of the form, name the member.
	part, name string
	// people is whether it means something only where people sign in, returns only where a browser comes back.
	people, returns bool
	// proves is whether it is for those alone that prove who they are.
	proves bool
	// words are the values of a choice; the first is what holds if nothing is said.
	words []string
}

// formSettings are all of them, in the order of the form.
func formSettings() []formSetting {
	algs := append([]string{""}, client.AssertionAlgs()...)
	answers := append([]string{""}, client.ResponseAlgs()...)
	levels := append([]string{""}, signin.ACRValues()...)
	return []formSetting{
		{part: "basic", name: "application_type", words: []string{client.TypeWeb, client.TypeNative}, people: true},
		{part: "basic", name: "profile", words: []string{"", client.ProfileFAPI2}, returns: true},
		{part: "basic", name: "contacts"},
		{part: "return", name: "initiate_login_uri", returns: true},
		{part: "auth", name: "jwks"},
		{part: "auth", name: "jwks_uri"},
		{part: "auth", name: "token_endpoint_auth_signing_alg", words: algs},
		{part: "request", name: "require_pushed_authorization_requests", returns: true},
		{part: "request", name: "require_signed_request_object", returns: true},
		{part: "request", name: "request_object_signing_alg", words: algs, returns: true},
		{part: "request", name: "min_acr", words: levels, people: true},
		{part: "request", name: "default_acr_values", people: true},
		{part: "request", name: "default_max_age", people: true},
		{part: "request", name: "require_auth_time", people: true},
		{part: "token", name: "access_token_format", words: []string{client.FormatOpaque, client.FormatJWT}},
		{part: "token", name: "dpop_bound_access_tokens"},
		{part: "token", name: "resources"},
		{part: "token", name: "resource_servers", proves: true},
		{part: "token", name: "access_token_lifetime"},
		{part: "token", name: "refresh_token_lifetime", people: true},
		{part: "token", name: "id_token_lifetime", people: true},
		{part: "token", name: "userinfo_signed_response_alg", words: answers, people: true},
		{part: "token", name: "introspection_signed_response_alg", words: answers},
		{part: "token", name: "subject_type", words: []string{client.SubjectPublic, client.SubjectPairwise}, people: true},
		{part: "token", name: "sector_identifier_uri", people: true},
		{part: "logout", name: "backchannel_logout_session_required", returns: true},
		{part: "logout", name: "frontchannel_logout_uri", returns: true},
		{part: "logout", name: "frontchannel_logout_session_required", returns: true},
		{part: "owner", name: "third_party", people: true},
		{part: "consent", name: "client_uri", people: true},
		{part: "consent", name: "policy_uri", people: true},
		{part: "consent", name: "tos_uri", people: true},
	}
}

// IsSetting is whether a field of a registration's form is one of its settings, and none of what every registration has.
func IsSetting(name string) bool {
	return slices.ContainsFunc(formSettings(), func(f formSetting) bool { return f.name == name })
}

// fits is whether the form of a kind has the setting.
func (f formSetting) fits(k clientKind) bool {
	return (!f.people || k.people()) && (!f.returns || k.returns()) && (!f.proves || k.proves())
}

// settingOf is the field of settings that a member's name stands for.
func settingOf(s *client.Settings, name string) reflect.Value {
	v := reflect.ValueOf(s).Elem()
	for i := range v.NumField() {
		if tag, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ","); tag == name {
			return v.Field(i)
		}
	}
	panic("no setting is called " + name) // the names are constants of the form
}

// noNumber stands for a number that was not typed as one: no bound admits it.
const noNumber = -2

func typedNumber(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return noNumber
	}
	return n
}

// typedSettings reads the settings of a form; typed is what was sent.
func typedSettings(typed func(field string) string) client.Settings {
	var s client.Settings
	for _, f := range formSettings() {
		text := typed(f.name)
		switch to := settingOf(&s, f.name).Addr().Interface().(type) {
		case *string:
			*to = text
		case *bool:
			*to = text != ""
		case *[]string:
			*to = linesOf(text)
		case *json.RawMessage:
			*to = json.RawMessage(text)
		case *int64:
			if text != "" {
				*to = typedNumber(text)
			}
		case **int64:
			if text != "" {
				*to = new(typedNumber(text))
			}
		}
	}
	return s
}

// settingParts fills the parts of the form. Where typed is not nil, it is what somebody typed, and numbers and keys are shown as that.
func (h *Handler) settingParts(lang templates.Lang, s client.Settings, k clientKind, typed func(field string) string) (parts []templates.ClientPart) {
	for _, f := range formSettings() {
		if !f.fits(k) {
			continue
		}
		if len(parts) == 0 || parts[len(parts)-1].Name != f.part {
			parts = append(parts, templates.ClientPart{Name: f.part})
		}
		part := &parts[len(parts)-1]
		part.Settings = append(part.Settings, h.setting(lang, &s, f, typed))
	}
	return parts
}

func (h *Handler) setting(lang templates.Lang, s *client.Settings, f formSetting, typed func(field string) string) templates.ClientSetting {
	v := templates.ClientSetting{Name: f.name, Kind: templates.SettingLine}
	switch value := settingOf(s, f.name).Interface().(type) {
	case string:
		v.Value = value
		if f.words != nil {
			v.Kind, v.Options = templates.SettingChoice, h.settingOptions(lang, f.words, value)
		}
	case bool:
		v.Kind, v.Checked = templates.SettingBox, value
	case []string:
		v.Kind, v.Value = templates.SettingLines, strings.Join(value, "\n")
	case json.RawMessage:
		v.Kind, v.Value = templates.SettingLines, string(value)
		var pretty bytes.Buffer
		if json.Indent(&pretty, value, "", "  ") == nil {
			v.Value = pretty.String()
		}
	case int64:
		v.Kind = templates.SettingNumber
		if value != 0 {
			v.Value = strconv.FormatInt(value, 10)
		}
	case *int64:
		v.Kind = templates.SettingNumber
		if value != nil {
			v.Value = strconv.FormatInt(*value, 10)
		}
	}
	if typed != nil && (v.Kind == templates.SettingNumber || f.name == "jwks") {
		v.Value = typed(f.name)
	}
	return v
}

// settingOptions are the words of a choice; what is none of them is shown as what holds if nothing is said, and was refused.
func (h *Handler) settingOptions(lang templates.Lang, words []string, value string) (out []templates.Option) {
	for i, word := range words {
		o := templates.Option{Value: word, Label: word, Selected: word == value || i == 0 && value == ""}
		switch {
		case word == "":
			o.Label = h.templates.T(lang, "client.word.none")
		case signin.ParseACR(word) != signin.LevelNone:
			o.Label = h.templates.T(lang, "client.level."+word)
		case strings.ToLower(word) == word: // names of algorithms are the same everywhere
			o.Label = h.templates.T(lang, "client.word."+word)
		}
		out = append(out, o)
	}
	return out
}

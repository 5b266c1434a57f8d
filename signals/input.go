package signals

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/futakagi/futakagi/store"
)

// The delivery methods.
const (
	methodPush = "urn:ietf:rfc:8935"
	methodPoll = "urn:ietf:rfc:8936"
)

const (
	maxEndpoint      = 2048
	maxAuthorization = 4096
	maxRequested     = 50
	maxURI           = 256
	maxDescription   = 255 // characters
	maxReason        = 255
	maxState         = 1024 // bytes
)

// invalid is what is wrong with a request, in words that repeat nothing of it.
type invalid struct{ detail string }

func (e *invalid) Error() string { return e.detail }

func wrong(format string, args ...any) error { return &invalid{fmt.Sprintf(format, args...)} }

// decode reads one JSON object. Members that are not known are passed over, as receivers send back what they were given.
func decode(raw []byte, into any) error {
	if !utf8.Valid(raw) {
		return wrong("the body is not UTF-8")
	}
	if !bytes.HasPrefix(bytes.TrimLeft(raw, " \t\r\n"), []byte("{")) { // null would be taken for an object without members
		return wrong("the body is not a JSON object of this form")
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	if err := d.Decode(into); err != nil {
		if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && e.Field != "" {
			return wrong("%s has the wrong type", member(e.Field))
		}
		return wrong("the body is not a JSON object of this form")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return wrong("the body has something behind the JSON object")
	}
	return nil
}

// member is the name of a member, which may be the sender's own words.
func member(path string) string {
	if len(path) > 64 || strings.ContainsFunc(path, func(r rune) bool {
		return r != '.' && r != '_' && (r < 'a' || r > 'z')
	}) {
		return "a member"
	}
	return path
}

// clean reports whether text can be kept: PostgreSQL takes no NUL.
func clean(s string) bool { return !strings.ContainsRune(s, 0) }

// given is a member of which it counts whether it was sent at all, and whether as null.
type given[T any] struct {
	sent  bool
	value *T
}

// UnmarshalJSON implements [json.Unmarshaler].
func (g *given[T]) UnmarshalJSON(raw []byte) error {
	g.sent = true
	return json.Unmarshal(raw, &g.value)
}

// streamInput is a stream's configuration as a receiver sends it (Shared Signals Framework 1.0 section 8.1.1).
type streamInput struct {
	Requested   given[[]string]      `json:"events_requested"`
	Delivery    given[deliveryInput] `json:"delivery"`
	Description given[string]        `json:"description"`

	// What is ours to say, and has to be as we say it.
	StreamID        given[string]          `json:"stream_id"`
	Issuer          given[string]          `json:"iss"`
	Audience        given[json.RawMessage] `json:"aud"`
	Supported       given[[]string]        `json:"events_supported"`
	Delivered       given[[]string]        `json:"events_delivered"`
	MinVerification given[int64]           `json:"min_verification_interval"`
}

type deliveryInput struct {
	Method        string        `json:"method"`
	Endpoint      string        `json:"endpoint_url"`
	Authorization given[string] `json:"authorization_header"`
}

// settings are what a receiver decides of a stream.
type settings struct {
	method, endpoint string
	// authorization is the header that it wants; keep leaves the one there is.
	authorization string
	keep          bool
	requested     []string
	description   string
}

// parseStream reads a configuration.
func parseStream(raw []byte) (streamInput, error) {
	var in streamInput
	if err := decode(raw, &in); err != nil {
		return in, err
	}
	if list := in.Requested.value; list != nil {
		if len(*list) > maxRequested {
			return in, wrong("events_requested has more than %d members", maxRequested)
		}
		for _, uri := range *list {
			if uri == "" || len(uri) > maxURI || strings.ContainsFunc(uri, func(r rune) bool { return r <= ' ' || r > '~' }) {
				return in, wrong("events_requested has a member that is no URI of at most %d characters", maxURI)
			}
		}
	}
	if d := in.Description.value; d != nil && (!clean(*d) || utf8.RuneCountInString(*d) > maxDescription) {
		return in, wrong("description must be text of at most %d characters", maxDescription)
	}
	if d := in.Delivery.value; d != nil {
		return in, d.check()
	}
	return in, nil
}

// check judges the form of a delivery; where it leads is judged by whoever goes there.
func (d deliveryInput) check() error {
	switch d.Method {
	case methodPoll:
		return nil
	case methodPush:
	default:
		return wrong("delivery.method must be %s or %s", methodPush, methodPoll)
	}
	switch {
	case d.Endpoint == "":
		return wrong("delivery.endpoint_url is missing")
	case len(d.Endpoint) > maxEndpoint || strings.ContainsFunc(d.Endpoint, func(r rune) bool { return r <= ' ' || r > '~' || r == '#' || r == '\\' }):
		return wrong("delivery.endpoint_url must be an https URL of at most %d characters without a fragment", maxEndpoint)
	}
	if a := d.Authorization.value; a != nil {
		if len(*a) > maxAuthorization || strings.ContainsFunc(*a, func(r rune) bool { return r < ' ' || r > '~' }) {
			return wrong("delivery.authorization_header must be printable ASCII of at most %d characters", maxAuthorization)
		}
	}
	return nil
}

// apply puts what was sent over what there is. Members that were not sent stay as they are, or are taken for deleted where the whole
// is replaced.
func (in streamInput) apply(s settings, whole bool) settings {
	if in.Delivery.value != nil {
		d := *in.Delivery.value
		// What was read of a stream does not have the header in it: whoever sends that back means to keep it.
		s.keep = !d.Authorization.sent && s.method == store.StreamPush && d.Method == methodPush && d.Endpoint == s.endpoint
		s.authorization, s.method, s.endpoint = "", store.StreamPoll, ""
		if d.Method == methodPush {
			s.method, s.endpoint = store.StreamPush, d.Endpoint
			if a := d.Authorization.value; a != nil {
				s.authorization = *a
			}
		}
	} else if whole || in.Delivery.sent {
		s.method, s.endpoint, s.authorization, s.keep = store.StreamPoll, "", "", false
	}
	switch {
	case in.Requested.value != nil:
		s.requested = *in.Requested.value
	case whole || in.Requested.sent:
		s.requested = EventURIs()
	}
	switch {
	case in.Description.value != nil:
		s.description = *in.Description.value
	case whole || in.Description.sent:
		s.description = ""
	}
	return s
}

// kindsOf are the events among those that were asked for that we know.
func kindsOf(requested []string) string {
	var kinds []string
	for _, t := range eventTypes() {
		if slices.Contains(requested, t.uri) {
			kinds = append(kinds, t.kind)
		}
	}
	return strings.Join(kinds, " ")
}

// matches checks what is ours to say against what we say.
func (in streamInput) matches(c configuration) error {
	differs := func(name string) error { return wrong("%s is not the receiver's to change", name) }
	if v := in.Issuer.value; v != nil && *v != c.Issuer {
		return differs("iss")
	}
	if v := in.Audience.value; v != nil {
		var one string
		var many []string
		if json.Unmarshal(*v, &one) == nil {
			many = []string{one}
		} else if json.Unmarshal(*v, &many) != nil {
			return wrong("aud has the wrong type")
		}
		if !slices.Equal(many, []string{c.Audience}) {
			return differs("aud")
		}
	}
	if v := in.Supported.value; v != nil && !same(*v, c.Supported) {
		return differs("events_supported")
	}
	if v := in.Delivered.value; v != nil && !same(*v, c.Delivered) {
		return differs("events_delivered")
	}
	if v := in.MinVerification.value; v != nil && *v != c.MinVerification {
		return differs("min_verification_interval")
	}
	if d := in.Delivery.value; d != nil && d.Method == methodPoll && d.Endpoint != "" &&
		(c.Delivery.Method != methodPoll || d.Endpoint != c.Delivery.Endpoint) {
		return differs("delivery.endpoint_url of a stream that is polled")
	}
	return nil
}

func same(a, b []string) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(slices.Compact(a), slices.Compact(b))
}

// statusInput is a wish for another status.
type statusInput struct {
	StreamID string `json:"stream_id"`
	Status   string `json:"status"`
	Reason   string `json:"reason"`
}

func parseStatus(raw []byte) (statusInput, error) {
	var in statusInput
	if err := decode(raw, &in); err != nil {
		return in, err
	}
	if !slices.Contains([]string{store.StreamEnabled, store.StreamPaused, store.StreamDisabled}, in.Status) {
		return in, wrong("status must be enabled, paused or disabled")
	}
	if !clean(in.Reason) || utf8.RuneCountInString(in.Reason) > maxReason {
		return in, wrong("reason must be text of at most %d characters", maxReason)
	}
	return in, nil
}

// verificationInput is a wish for a verification.
type verificationInput struct {
	StreamID string `json:"stream_id"`
	State    string `json:"state"`
}

func parseVerification(raw []byte) (verificationInput, error) {
	var in verificationInput
	if err := decode(raw, &in); err != nil {
		return in, err
	}
	if !clean(in.State) || len(in.State) > maxState {
		return in, wrong("state must be text of at most %d bytes", maxState)
	}
	return in, nil
}

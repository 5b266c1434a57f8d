package signals

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/futakagi/futakagi/store"
)

// FuzzStream holds that whatever is sent as a configuration is refused as a bad request, or can be stored as it is.
func FuzzStream(f *testing.F) {
	for _, seed := range []string{
		`{}`, `null`, `[]`, `{"delivery":null,"events_requested":null,"description":null}`,
		`{"stream_id":"x","iss":"https://id.example","aud":["a"],"events_delivered":[],"min_verification_interval":60}`,
		`{"delivery":{"method":"urn:ietf:rfc:8935","endpoint_url":"https://rp.example/e","authorization_header":"Bearer x"}}`,
		`{"delivery":{"method":"urn:ietf:rfc:8935","endpoint_url":"https://rp.example/e","authorization_header":null}}`,
		`{"delivery":{"method":"urn:ietf:rfc:8936","endpoint_url":""},"events_requested":["urn:x","urn:x"],"description":"説明"}`,
		`{"events_requested":["a b","\u0000"]}`, `{"description":"\ud800"}`, `{"aud":1}`, `{"aud":{"a":[1]}}`, "{\"description\":\"\xff\"}",
	} {
		f.Add([]byte(seed))
	}
	c := configuration{Issuer: "https://id.example", Audience: "shop", Supported: EventURIs(), Delivered: EventURIs(), MinVerification: 60}
	f.Fuzz(func(t *testing.T, raw []byte) {
		in, err := parseStream(raw)
		if err == nil {
			err = in.matches(c)
		}
		if err != nil {
			if e, ok := errors.AsType[*invalid](err); !ok || e.detail == "" || !utf8.ValidString(e.detail) || len(e.detail) > 300 {
				t.Errorf("%q: %v", raw, err)
			}
			return
		}
		for _, whole := range []bool{true, false} {
			s := in.apply(settings{method: store.StreamPush, endpoint: "https://rp.example/e", keep: true, requested: EventURIs()}, whole)
			if s.method != store.StreamPush && s.method != store.StreamPoll || (s.method == store.StreamPush) != (s.endpoint != "") {
				t.Errorf("%q becomes %+v", raw, s)
			}
			for _, text := range append(slices.Clone(s.requested), s.endpoint, s.authorization, s.description) {
				if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
					t.Errorf("%q leaves %q", raw, text)
				}
			}
			if strings.ContainsAny(s.authorization, "\r\n") || len(strings.Fields(strings.Join(s.requested, " "))) != len(s.requested) {
				t.Errorf("%q becomes %+v", raw, s)
			}
			for kind := range strings.FieldsSeq(kindsOf(s.requested)) {
				if uriOf(kind) == "" {
					t.Errorf("%q asks for %q", raw, kind)
				}
			}
		}
	})
}

// FuzzPoll holds that whatever is sent as a poll, or as a wish for a status or a verification, is refused as a bad request or bounded.
func FuzzPoll(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"maxEvents":0}`, `{"maxEvents":1e400}`, `{"maxEvents":-1}`, `{"ack":["x"],"returnImmediately":true}`, `null`,
		`{"ack":["01900000-0000-7000-8000-000000000001"],"setErrs":{"01900000-0000-7000-8000-000000000002":{"err":"invalid_key","description":"d"}}}`,
		`{"setErrs":{"x":{"err":"<script>"}}}`, `{"setErrs":[]}`, `{"status":"paused","reason":"r"}`, `{"stream_id":"x","state":"\u0000"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if p, err := parsePoll(raw); err == nil {
			if p.max < 0 || p.max > maxFetched || len(p.done) > maxAnswered || p.err != "" && !errorCode.MatchString(p.err) {
				t.Errorf("%q becomes %+v", raw, p)
			}
			if slices.ContainsFunc(p.done, func(id store.MessageID) bool { return !store.ValidID(string(id)) }) {
				t.Errorf("%q acknowledges %v", raw, p.done)
			}
		}
		if s, err := parseStatus(raw); err == nil && (!clean(s.Reason) || utf8.RuneCountInString(s.Reason) > maxReason) {
			t.Errorf("%q becomes %+v", raw, s)
		}
		if v, err := parseVerification(raw); err == nil && (!clean(v.State) || len(v.State) > maxState) {
			t.Errorf("%q becomes %+v", raw, v)
		}
	})
}

// TestHeaderStaysUnlessItIsNamed: what was read of a stream has no header in it, and can be sent back.
func TestHeaderStaysUnlessItIsNamed(t *testing.T) {
	present := settings{method: store.StreamPush, endpoint: "https://rp.example/e", keep: true}
	push := func(endpoint, more string) string {
		return `{"delivery":{"method":"` + methodPush + `","endpoint_url":"` + endpoint + `"` + more + `}}`
	}
	for _, c := range []struct {
		body  string
		whole bool
		keep  bool
		value string
	}{
		{`{}`, false, true, ""},
		{`{}`, true, false, ""}, // a stream without a delivery is polled
		{push("https://rp.example/e", ""), false, true, ""},
		{push("https://rp.example/e", ""), true, true, ""},
		{push("https://rp.example/other", ""), false, false, ""}, // it is not for others to see
		{push("https://rp.example/e", `,"authorization_header":null`), false, false, ""},
		{push("https://rp.example/e", `,"authorization_header":"Bearer 2"`), true, false, "Bearer 2"},
		{`{"delivery":{"method":"` + methodPoll + `"}}`, false, false, ""},
	} {
		in, err := parseStream([]byte(c.body))
		if err != nil {
			t.Fatal(err)
		}
		if s := in.apply(present, c.whole); s.keep != c.keep || s.authorization != c.value {
			t.Errorf("%s, whole %v: keep %v, %q", c.body, c.whole, s.keep, s.authorization)
		}
	}
}

// TestWaitingRoomHasSoManyPlaces: one for each stream, and some for all.
func TestWaitingRoomHasSoManyPlaces(t *testing.T) {
	w := newWaitingRoom()
	ids := make([]store.StreamID, maxWaiting+1)
	for i := range ids {
		ids[i] = store.NewID[store.StreamID]()
	}
	for _, id := range ids[:maxWaiting] {
		if !w.enter(id) || w.enter(id) {
			t.Fatal("one place for one stream")
		}
	}
	if w.enter(ids[maxWaiting]) {
		t.Error("a place too many")
	}
	w.leave(ids[0])
	if !w.enter(ids[maxWaiting]) {
		t.Error("a place that was left stays taken")
	}
	bell, _ := w.next()
	w.ring()
	select {
	case <-bell:
	default:
		t.Error("the bell was not heard")
	}
	w.close()
	w.ring()
	if _, open := w.next(); open || w.enter(ids[0]) {
		t.Error("a room that is closed lets somebody in")
	}
}

func TestLimiterCountsEachReceiver(t *testing.T) {
	l, now := &limiter{}, time.Date(2026, 11, 2, 9, 0, 30, 0, time.UTC)
	for range requestsPerMinute {
		if _, ok := l.take("a", now); !ok {
			t.Fatal("too early")
		}
	}
	if until, ok := l.take("a", now); ok || until != 30*time.Second {
		t.Errorf("one too many: %v, %v", until, ok)
	}
	if _, ok := l.take("b", now); !ok {
		t.Error("another one")
	}
	if _, ok := l.take("a", now.Add(30*time.Second)); !ok {
		t.Error("a minute later")
	}
}

// TestEventsLeaveNothingEmpty: members that an event does not have are not part of it.
func TestEventsLeaveNothingEmpty(t *testing.T) {
	raw, err := json.Marshal(claims{Subject: subject{Format: "opaque", ID: "s"}, Events: map[string]event{"v": {State: "x"}}})
	if err != nil || string(raw) != `{"iss":"","aud":"","iat":0,"jti":"","sub_id":{"format":"opaque","id":"s"},"events":{"v":{"state":"x"}}}` {
		t.Errorf("%s, %v", raw, err)
	}
}

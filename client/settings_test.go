package client

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSettingsSurviveTheirRow(t *testing.T) {
	age := int64(0)
	for name, in := range map[string]Settings{
		"nothing said":          {},
		"a max age of 0 is one": {DefaultMaxAge: &age},
		"everything a word": {
			JWKS: json.RawMessage(`{"keys":[]}`), Resources: []string{"https://api.example.jp/"}, Profile: ProfileFAPI2, AccessLifetime: 60,
		},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := Parse(in.Encode())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(in, out); diff != "" {
				t.Errorf("(-written +read):\n%s", diff)
			}
		})
	}
	if raw := (Settings{}).Encode(); raw != nil {
		t.Errorf("settings that say nothing are stored as %s", raw)
	}
}

func TestSettingsThatAreNotUnderstoodAreRefused(t *testing.T) {
	for _, raw := range []string{`{"require_something_new":true}`, `{"profile":1}`, `{}{}`, `[]`, `{`, `null x`} {
		if s, err := Parse(json.RawMessage(raw)); err == nil {
			t.Errorf("%s was read as %+v", raw, s)
		}
	}
}

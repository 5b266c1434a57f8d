package provider

import (
	"reflect"
	"testing"

	"github.com/futakagi/futakagi/signin"
)

func TestParseClaims(t *testing.T) {
	for in, want := range map[string]claimsRequest{
		`{}`: {},
		`{"id_token":null,"userinfo":{"email":null,"name":{"essential":true},"name#ja":null,"birthdate":null}}`: {
			named: namedClaims{Userinfo: []string{"email", "name"}},
		},
		`{"id_token":{"email_verified":{"value":true},"preferred_username":null,"sid":null}}`: {
			named: namedClaims{IDToken: []string{"email_verified", "preferred_username"}},
		},
		`{"id_token":{"acr":null}}`:                                                                                            {acr: true},
		`{"id_token":{"acr":{"essential":true}}}`:                                                                              {acr: true},
		`{"id_token":{"acr":{"value":"phr"}}}`:                                                                                 {acr: true},
		`{"id_token":{"acr":{"essential":true,"value":"phr"}}}`:                                                                {acr: true, level: signin.LevelPHR},
		`{"id_token":{"acr":{"essential":true,"values":["phr","urn:futakagi:acr:2fa"]}}}`:                                      {acr: true, level: signin.Level2FA},
		`{"userinfo":{"acr":{"essential":true,"values":["urn:futakagi:acr:2fa-email"]}}}`:                                      {acr: true, level: signin.Level2FAEmail},
		`{"userinfo":{"acr":{"essential":true,"value":"phr"}},"id_token":{"acr":{"essential":true,"value":"urn:x"}}}`:          {acr: true, level: signin.LevelPHR, unmet: true},
		`{"id_token":{"acr":{"essential":true,"values":["urn:example:gold"]}}}`:                                                {acr: true, unmet: true},
		`{"id_token":{"sub":{"value":"248289761001"}}}`:                                                                        {subject: "248289761001"},
		`{"id_token":{"sub":{"essential":true,"value":"1"},"auth_time":{"essential":true}},"unknown":{"a":1},"userinfo":null}`: {subject: "1"},
	} {
		if got, err := parseClaims(in); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v; want %+v", in, got, err, want)
		}
	}
	for _, in := range []string{
		``, `[]`, `"x"`, `{`, `{"id_token":[]}`, `{"id_token":{"acr":true}}`, `{"id_token":{"acr":{"essential":"yes"}}}`,
		`{"id_token":{"acr":{"essential":true,"value":1}}}`, `{"id_token":{"acr":{"essential":true,"values":"phr"}}}`,
		`{"id_token":{"sub":{"values":["a","b"]}}}`, `{"id_token":{"sub":{"value":{}}}}`, `{}{}`,
	} {
		if got, err := parseClaims(in); err == nil {
			t.Errorf("%s was read as %+v", in, got)
		}
	}
}

func FuzzParseClaims(f *testing.F) {
	f.Add(`{"id_token":{"acr":{"essential":true,"values":["phr"]},"sub":{"value":"x"}}}`)
	f.Fuzz(func(t *testing.T, in string) {
		q, err := parseClaims(in)
		if err != nil && (q.level != signin.LevelNone || q.subject != "") && q.unmet {
			t.Errorf("%q: an error with an answer: %+v", in, q)
		}
		if q.level.ACR() == "" && q.level != signin.LevelNone {
			t.Errorf("%q: level %d", in, q.level)
		}
	})
}

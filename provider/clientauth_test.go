package provider

import (
	"encoding/base64"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/futakagi/futakagi/store/storetest"
)

func TestClientAuthentication(t *testing.T) {
	b := newMachineBench(t, storetest.SQLite(t))
	basic := func(id, secret string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(secret)))
	}
	shop, legacy := b.secrets["shop"], b.secrets["legacy"]
	tests := map[string]struct {
		authorization []string
		form          url.Values
		code          string // empty: authenticated
	}{
		"basic":                 {[]string{basic("shop", shop)}, nil, ""},
		"basic, any case":       {[]string{"bAsIc " + basic("shop", shop)[6:]}, nil, ""},
		"basic with client_id":  {[]string{basic("shop", shop)}, url.Values{"client_id": {"shop"}}, ""},
		"post":                  {nil, url.Values{"client_id": {"legacy"}, "client_secret": {legacy}}, ""},
		"none":                  {nil, url.Values{"client_id": {"app"}}, ""},
		"nothing":               {nil, nil, codeInvalidClient},
		"unknown":               {[]string{basic("nobody", shop)}, nil, codeInvalidClient},
		"unknown public":        {nil, url.Values{"client_id": {"nobody"}}, codeInvalidClient},
		"wrong secret":          {[]string{basic("shop", legacy)}, nil, codeInvalidClient},
		"empty secret":          {[]string{basic("shop", "")}, nil, codeInvalidClient},
		"stored hash as secret": {[]string{basic("shop", string(hashSecret(shop)))}, nil, codeInvalidClient},
		"truncated secret":      {[]string{basic("shop", shop[:42])}, nil, codeInvalidClient},
		"secret of another":     {nil, url.Values{"client_id": {"legacy"}, "client_secret": {shop}}, codeInvalidClient},
		"confidential as none":  {nil, url.Values{"client_id": {"shop"}}, codeInvalidClient},
		"post as none":          {nil, url.Values{"client_id": {"legacy"}}, codeInvalidClient},
		"basic as post":         {nil, url.Values{"client_id": {"shop"}, "client_secret": {shop}}, codeInvalidClient},
		"post as basic":         {[]string{basic("legacy", legacy)}, nil, codeInvalidClient},
		"public with a secret":  {nil, url.Values{"client_id": {"app"}, "client_secret": {"x"}}, codeInvalidClient},
		"public as basic":       {[]string{basic("app", "")}, nil, codeInvalidClient},
		"basic and post":        {[]string{basic("shop", shop)}, url.Values{"client_id": {"shop"}, "client_secret": {shop}}, codeInvalidRequest},
		"basic and secret":      {[]string{basic("shop", shop)}, url.Values{"client_secret": {shop}}, codeInvalidRequest},
		"two names":             {[]string{basic("shop", shop)}, url.Values{"client_id": {"app"}}, codeInvalidRequest},
		"two headers":           {[]string{basic("shop", shop), basic("shop", shop)}, nil, codeInvalidRequest},
		"another scheme":        {[]string{"Bearer " + shop}, url.Values{"client_id": {"app"}}, codeInvalidClient},
		"not base64":            {[]string{"Basic ???"}, nil, codeInvalidClient},
		"no colon":              {[]string{"Basic " + base64.StdEncoding.EncodeToString([]byte("shop"))}, nil, codeInvalidClient},
		"bad escape":            {[]string{"Basic " + base64.StdEncoding.EncodeToString([]byte("shop:%zz"))}, nil, codeInvalidClient},
		"NUL":                   {[]string{"Basic " + base64.StdEncoding.EncodeToString([]byte("shop%00:x"))}, nil, codeInvalidClient},
		"assertion": {nil, url.Values{
			"client_id": {"app"}, "client_assertion": {"x.y.z"},
			"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		}, codeInvalidClient},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			form := url.Values{"token": {"unknown"}}
			maps.Copy(form, tt.form)
			r := httptest.NewRequest(http.MethodPost, pathRevoke, strings.NewReader(form.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header["Authorization"] = tt.authorization
			got := b.do(r)
			switch tt.code {
			case "":
				if got.Code != http.StatusOK {
					t.Errorf("refused: %d %s", got.Code, got.Body)
				}
			case codeInvalidClient:
				wantRefused(t, got, http.StatusUnauthorized, codeInvalidClient)
				if !strings.HasPrefix(got.Header().Get("WWW-Authenticate"), "Basic realm=") {
					t.Errorf("WWW-Authenticate = %q", got.Header().Get("WWW-Authenticate"))
				}
				// One answer, whatever was wrong.
				if got.str("error_description") != "Client authentication failed." {
					t.Errorf("description tells more: %s", got.Body)
				}
			default:
				wantRefused(t, got, http.StatusBadRequest, tt.code)
			}
		})
	}
}

func TestBasicCredentialsAreFormEncoded(t *testing.T) {
	// RFC 6749 §2.3.1: the colon belongs to the id, the plus is a space.
	id, secret, ok := parseBasic("Basic " + base64.StdEncoding.EncodeToString([]byte("urn%3Ashop:a+b%25")))
	if !ok || id != "urn:shop" || secret != "a b%" {
		t.Errorf("got %q, %q, %v", id, secret, ok)
	}
}

func FuzzParseBasic(f *testing.F) {
	for _, s := range []string{"Basic c2hvcDpzZWNyZXQ=", "basic ", "Basic  YTpi", "Bearer x", "Basic OjpB", "Basic YSUwMDpi", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, header string) {
		id, secret, ok := parseBasic(header)
		if !ok {
			if id != "" && secret != "" {
				t.Errorf("refused but returned %q", id)
			}
			return
		}
		if id == "" || !cleanText(id) || !cleanText(secret) {
			t.Errorf("accepted %q %q", id, secret)
		}
		// What was read is what a client would send for it.
		again := "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(secret)))
		id2, secret2, ok := parseBasic(again)
		if !ok || id2 != id || secret2 != secret {
			t.Errorf("%q does not survive a round trip", header)
		}
	})
}

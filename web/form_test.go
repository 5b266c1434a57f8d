package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func parse(body, contentType string) (Form, error) {
	r := httptest.NewRequest(http.MethodPost, "/x?flow=query", strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	return ParseForm(httptest.NewRecorder(), r)
}

func TestParseForm(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	if _, err := parse("id=%E3%80%80tanaka%20&pw=%20a%20b%09&do=send&name=a%E2%80%AEb%00&note=one%0D%0Atwo%07", form); err == nil {
		t.Error("NUL accepted")
	}
	f, err := parse("id=%E3%80%80tanaka%20&pw=%20a%20b%09&do=send&name=a%E2%80%AEb%0Ac&note=one%0D%0Atwo%07&empty=", form+"; charset=UTF-8")
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string][2]string{
		"id":      {f.Get("id"), "tanaka"},
		"raw":     {f.Raw("pw"), " a b\t"},
		"bidi":    {f.Get("name"), "ab c"},
		"text":    {f.Text("note"), "one\ntwo"},
		"missing": {f.Get("other"), ""},
		"query":   {f.Get("flow"), ""},
	} {
		if got[0] != got[1] {
			t.Errorf("%s = %q, want %q", name, got[0], got[1])
		}
	}
	if !f.Has("empty") || f.Has("other") || f.Checked("empty") || !f.Checked("do") {
		t.Error("Has or Checked is wrong")
	}
}

func TestParseFormRefuses(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	many := url.Values{}
	for i := range maxFields + 1 {
		many.Set(fmt.Sprint("f", i), "x")
	}
	for name, tt := range map[string]struct {
		body, ct string
		status   int
	}{
		"duplicate":       {"code=1&code=2", form, 400},
		"array":           {"code=1&code=1", form, 400},
		"too many":        {many.Encode(), form, 400},
		"bad escape":      {"a=%zz", form, 400},
		"semicolon":       {"a=1;b=2", form, 400},
		"not UTF-8":       {"a=%ff", form, 400},
		"name not UTF-8":  {"%ff=a", form, 400},
		"NUL":             {"a=%00", form, 400},
		"multipart":       {"--x--", "multipart/form-data; boundary=x", 415},
		"text/plain":      {"a=1", "text/plain", 415},
		"JSON":            {`{"a":1}`, "application/json", 415},
		"no content type": {"a=1", "", 415},
		"too big":         {"a=" + strings.Repeat("x", maxBody), form, 413},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parse(tt.body, tt.ct)
			if err == nil {
				t.Fatal("accepted")
			}
			if got := asError(t.Context(), err).Status; got != tt.status {
				t.Errorf("status %d (%v), want %d", got, err, tt.status)
			}
		})
	}
}

func FuzzParseForm(f *testing.F) {
	f.Add("a=1&b=%E3%81%82")
	f.Add("a=1&a=2")
	f.Add("%00=%zz;")
	f.Fuzz(func(t *testing.T, body string) {
		form, err := parse(body, "application/x-www-form-urlencoded")
		if err != nil {
			if _, ok := errors.AsType[*Error](err); !ok && asError(t.Context(), err).Status >= 500 {
				t.Fatalf("body %q gives %v", body, err)
			}
			return
		}
		if len(form.values) > maxFields {
			t.Fatal("too many fields")
		}
		for name := range form.values {
			v := form.Get(name)
			if !utf8.ValidString(v) || strings.TrimSpace(v) != v || strings.IndexFunc(v, unicode.IsControl) >= 0 {
				t.Fatalf("Get gives %q", v)
			}
			if strings.ContainsFunc(form.Text(name), func(r rune) bool { return unprintable(r) && r != '\n' && r != '\t' }) {
				t.Fatalf("Text gives %q", form.Text(name))
			}
		}
	})
}

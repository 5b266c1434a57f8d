package web

import (
	"errors"
	"mime"
	"net/http"
	"net/url"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxBody   = 64 << 10
	maxFields = 100 // the form of an application has most
	// maxParameters bounds the parameters of an address.
	maxParameters = 50
	// maxAPIBody bounds what programs send under /api/.
	maxAPIBody = 1 << 20
)

// FieldErrors maps a field's name to the text shown beside it, in the user's
// language.
type FieldErrors map[string]string

// Form is a decoded form body. Every field has at most one value.
type Form struct {
	values url.Values
}

// ParseForm reads a posted form: URL-encoded, at most 100 fields, each once,
// all of it UTF-8. The query string is not part of it.
func ParseForm(w http.ResponseWriter, r *http.Request) (Form, error) {
	mt, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mt != "application/x-www-form-urlencoded" {
		return Form{}, &Error{Status: http.StatusUnsupportedMediaType, Code: "unsupported_media_type"}
	}
	// The stack limits the body already; a second limit costs nothing and
	// holds for a handler mounted elsewhere.
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if err := r.ParseForm(); err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok || errors.Is(err, os.ErrDeadlineExceeded) {
			return Form{}, err
		}
		return Form{}, BadRequest(err)
	}
	return newForm(r.PostForm)
}

// ParseQuery reads the query string under the same rules as ParseForm.
func ParseQuery(r *http.Request) (Form, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return Form{}, BadRequest(err)
	}
	return newForm(q)
}

func newForm(values url.Values) (Form, error) {
	if len(values) > maxFields {
		return Form{}, BadRequest(errors.New("too many fields"))
	}
	for name, vs := range values {
		if len(vs) != 1 {
			return Form{}, BadRequest(errors.New("field given more than once"))
		}
		if !utf8.ValidString(name) || !utf8.ValidString(vs[0]) || strings.ContainsRune(vs[0], 0) {
			return Form{}, BadRequest(errors.New("field is not text"))
		}
	}
	return Form{values: values}, nil
}

// Has reports whether the field was sent at all.
func (f Form) Has(name string) bool { return f.values.Has(name) }

// Get returns a one-line value: trimmed (ideographic spaces too), line breaks
// and tabs turned into spaces, control characters and the invisible ones that
// reorder text removed.
func (f Form) Get(name string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			return ' '
		case unprintable(r):
			return -1
		}
		return r
	}, f.values.Get(name)))
}

// Text returns a value of several lines, ends of lines as "\n".
func (f Form) Text(name string) string {
	s := strings.ReplaceAll(f.values.Get(name), "\r\n", "\n")
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r == '\r':
			return '\n'
		case unprintable(r):
			return -1
		}
		return r
	}, s))
}

// Raw returns a value exactly as sent; passwords only.
func (f Form) Raw(name string) string { return f.values.Get(name) }

// Checked reports whether a tick box was sent. One with nothing but spaces in it was not ticked by anybody.
func (f Form) Checked(name string) bool { return f.Get(name) != "" }

// Pressed checks the body of a form that has nothing but its button: as long as it is a form, what is in it does not matter.
func Pressed(w http.ResponseWriter, r *http.Request) error {
	_, err := ParseForm(w, r)
	return err
}

// unprintable characters hide or reorder what a person reads (Unicode
// Bidi_Control, line separators) or break what a machine reads (Cc).
func unprintable(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' || r == '\ufeff'
}

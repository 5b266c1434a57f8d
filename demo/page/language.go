package page

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// Language is a language the demo's sites speak.
type Language string

// The languages, the default first.
const (
	Japanese Language = "ja"
	English  Language = "en"
)

// languageCookie keeps a choice made with ?lang=. Cookies ignore the port, so
// one choice serves every site of the demo.
const languageCookie = "aoba_lang"

// Text is one sentence in every language.
type Text struct {
	// JA is the Japanese wording.
	JA string
	// EN is the English wording.
	EN string
}

// In returns the wording in language l.
func (t Text) In(l Language) string {
	if l == English {
		return t.EN
	}
	return t.JA
}

// Texts is a catalogue: key to sentence. A sentence may hold fmt verbs.
type Texts map[string]Text

// lookup returns the sentence for key with args filled in. An unknown key is an
// error, so that a test which renders the page finds it.
func (t Texts) lookup(l Language, key string, args ...any) (string, error) {
	text, ok := t[key]
	if !ok {
		return "", fmt.Errorf("look up text %q: no such key", key)
	}
	if len(args) == 0 {
		return text.In(l), nil
	}
	return fmt.Sprintf(text.In(l), args...), nil
}

// LanguageOf tells the language of a request: ?lang=, then the cookie, then
// Accept-Language, then Japanese.
func LanguageOf(r *http.Request) Language {
	if l, ok := Chosen(r); ok {
		return l
	}
	return accepted(r.Header.Get("Accept-Language"))
}

// Chosen tells the language the person picked, if they did pick one.
func Chosen(r *http.Request) (Language, bool) {
	if l, ok := parseLanguage(r.URL.Query().Get("lang")); ok {
		return l, true
	}
	if c, err := r.Cookie(languageCookie); err == nil {
		return parseLanguage(c.Value)
	}
	return "", false
}

func parseLanguage(s string) (Language, bool) {
	switch l := Language(s); l {
	case Japanese, English:
		return l, true
	default:
		return "", false
	}
}

// accepted picks the language with the highest weight in an Accept-Language
// header; the first one named wins a tie.
func accepted(header string) Language {
	best, weight := Japanese, 0.0
	for part := range strings.SplitSeq(header, ",") {
		tag, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		primary, _, _ := strings.Cut(strings.ToLower(tag), "-")
		l, ok := parseLanguage(primary)
		if !ok {
			continue
		}
		q := 1.0
		if v, found := strings.CutPrefix(strings.TrimSpace(params), "q="); found {
			parsed, err := strconv.ParseFloat(v, 64)
			if err != nil {
				continue
			}
			q = parsed
		}
		if q > weight {
			best, weight = l, q
		}
	}
	return best
}

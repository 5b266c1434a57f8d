package templates

import (
	"strconv"
	"strings"
)

// Lang is a language the pages and mails exist in.
type Lang string

// The languages; Ja is the default.
const (
	Ja Lang = "ja"
	En Lang = "en"
)

// Langs lists the languages in the order the pages offer them.
func Langs() []Lang { return []Lang{Ja, En} }

// ParseLang reads a language tag such as "ja", "en-GB" or "JA_jp"; ok is false for any other language.
func ParseLang(tag string) (lang Lang, ok bool) {
	primary, _, _ := strings.Cut(strings.ReplaceAll(strings.TrimSpace(tag), "_", "-"), "-")
	switch Lang(strings.ToLower(primary)) {
	case Ja:
		return Ja, true
	case En:
		return En, true
	}
	return Ja, false
}

// Negotiate chooses the language of an answer: the request's ui_locales first, then the person's own choice
// (the language cookie), then the browser's Accept-Language, then Ja.
func Negotiate(uiLocales, cookie, acceptLanguage string) Lang {
	for tag := range strings.FieldsSeq(uiLocales) {
		if lang, ok := ParseLang(tag); ok {
			return lang
		}
	}
	if lang, ok := ParseLang(cookie); ok {
		return lang
	}
	best, bestQ := Ja, 0.0
	for part := range strings.SplitSeq(acceptLanguage, ",") {
		tag, params, _ := strings.Cut(part, ";")
		lang, ok := ParseLang(tag)
		if !ok {
			continue
		}
		q := 1.0
		if name, value, found := strings.Cut(strings.TrimSpace(params), "="); found && strings.TrimSpace(name) == "q" {
			parsed, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil || parsed < 0 || parsed > 1 {
				continue
			}
			q = parsed
		}
		if q > bestQ {
			best, bestQ = lang, q
		}
	}
	return best
}

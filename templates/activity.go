package templates

import "strings"

// Browser names a browser in a language: "Windows の Chrome" for what is kept as "Chrome / Windows". A name of another form is
// returned as it is.
func (s *Set) Browser(lang Lang, name string) string {
	return browser(s.catalogs[frameLang(Frame{Lang: lang})], name)
}

func browser(c catalog, name string) string {
	program, system, ok := strings.Cut(name, " / ")
	if !ok {
		return name
	}
	return c.text("ui.browser_on", "browser", program, "system", system)
}

// EventLabel is what staff calls an event.
func (s *Set) EventLabel(lang Lang, code string) string {
	return label(s.catalogs[frameLang(Frame{Lang: lang})], "event.", code)
}

// ActivityText says what happened to an account, to its owner.
func (s *Set) ActivityText(lang Lang, code string) string {
	return activity(s.catalogs[frameLang(Frame{Lang: lang})], code, true)
}

// activity says what happened to an account, to its owner. An event without a sentence of its own is called by its label.
func activity(c catalog, code string, done bool) string {
	key := "activity." + code
	if !done {
		key += ".failed"
	}
	if sentence, ok := c[key]; ok {
		return sentence
	}
	name := label(c, "event.", code)
	if done {
		return name
	}
	return c.text("security.failed_event", "event", name)
}

// parts are the two sides of a sentence around its placeholder {link}, so that the sentence stays one in the catalogue.
type parts struct{ Before, After string }

func around(sentence string) parts {
	before, after, _ := strings.Cut(sentence, "{link}")
	return parts{Before: before, After: after}
}

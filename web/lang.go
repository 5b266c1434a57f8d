package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

// langCookieAge is how long a chosen language is remembered, in seconds.
const langCookieAge = 365 * 24 * 60 * 60

// language remembers a choice made by a "?lang=" link. It changes nothing but
// the browser's own cookie, so GET may do it.
func (k *Toolkit) language(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if lang, ok := queryLang(r); ok {
			setLang(r, lang)
			setCookie(w, langCookie, string(lang)+"."+strconv.FormatInt(k.now().Unix(), 10), langCookieAge)
		}
		next.ServeHTTP(w, r)
	})
}

func queryLang(r *http.Request) (templates.Lang, bool) {
	if !isSafe(r.Method) || !strings.Contains(r.URL.RawQuery, "lang=") {
		return "", false
	}
	return templates.ParseLang(r.URL.Query().Get("lang"))
}

// chosenLang reads the remembered choice and when it was made.
func chosenLang(r *http.Request) (lang string, at time.Time) {
	lang, unix, _ := strings.Cut(cookieValue(r, langCookie), ".")
	if _, ok := templates.ParseLang(lang); !ok {
		return "", time.Time{}
	}
	sec, err := strconv.ParseInt(unix, 10, 64)
	if err != nil {
		return lang, time.Time{}
	}
	return lang, time.Unix(sec, 0)
}

func setLang(r *http.Request, lang templates.Lang) {
	ev := Event(r.Context())
	ev.mu.Lock()
	defer ev.mu.Unlock()
	ev.lang = lang
}

// Lang returns the language to answer in: what this request or its flow
// settled, else the remembered choice, else Accept-Language.
func Lang(r *http.Request) templates.Lang { return LangOf(r, "") }

// LangOf is Lang where the relying party's ui_locales are known. They outrank
// the remembered choice, but not one made by a link in this very request.
func LangOf(r *http.Request, uiLocales string) templates.Lang {
	if lang, ok := queryLang(r); ok {
		return lang
	}
	ev := Event(r.Context())
	ev.mu.Lock()
	settled := ev.lang
	ev.mu.Unlock()
	if settled != "" && uiLocales == "" {
		return settled
	}
	remembered, _ := chosenLang(r)
	return templates.Negotiate(uiLocales, remembered, strings.Join(r.Header["Accept-Language"], ","))
}

// settleFlowLang makes the flow's language that of the request. What the
// relying party asked for at the start gives way to what the person chose since.
func settleFlowLang(r *http.Request, f store.Flow) {
	locales := f.Locale
	if _, at := chosenLang(r); at.Unix() >= f.CreatedAt.Unix() {
		locales = ""
	}
	setLang(r, LangOf(r, locales))
}

// langPath is where the present page can be fetched in another language: the
// request's address without a "lang" parameter of its own.
func langPath(r *http.Request) string {
	u := url.URL{Path: r.URL.Path, RawQuery: r.URL.RawQuery}
	if strings.Contains(u.RawQuery, "lang=") {
		q := u.Query()
		q.Del("lang")
		u.RawQuery = q.Encode()
	}
	p, ok := LocalPath(u.RequestURI())
	if !ok {
		return "/"
	}
	return p
}

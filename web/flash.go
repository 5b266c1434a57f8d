package web

import (
	"net/http"
	"strings"

	"github.com/futakagi/futakagi/templates"
)

// SetFlash shows a one-shot banner on the next page. The cookie carries only
// its catalogue key, and only a key the templates know as a banner is ever
// shown, so nobody can put words in our mouth. An unknown key is a
// programmer's error and shows nothing.
func (k *Toolkit) SetFlash(w http.ResponseWriter, key string) {
	if k.templates.Flash(templates.Ja, key) != nil {
		setCookie(w, flashCookie, key, 0)
	}
}

// Frame describes what surrounds the page of this request: its language, its
// address for the language links, and the banner left by the request before,
// which is thereby used up. Console pages add the operator.
func (k *Toolkit) Frame(w http.ResponseWriter, r *http.Request) templates.Frame {
	f := k.errorFrame(r)
	if key := cookieValue(r, flashCookie); key != "" {
		setCookie(w, flashCookie, "", -1)
		f.Flash = k.templates.Flash(f.Lang, key)
	}
	return f
}

// errorFrame leaves the banner for the page it was meant for.
func (k *Toolkit) errorFrame(r *http.Request) templates.Frame {
	return templates.Frame{Lang: Lang(r), Path: langPath(r), Admin: isAdminPath(r.URL.Path)}
}

func isAdminPath(p string) bool { return p == "/admin" || strings.HasPrefix(p, "/admin/") }

package web

import (
	"net/http"
	"net/url"
	"path"
	"strings"
)

const maxLocalPath = 2048

// LocalPath accepts a path with optional query on our own origin, in its one
// plain spelling, and nothing a browser could read as another host: no scheme,
// no "//", no backslash, no control character or space, no dot segments.
func LocalPath(s string) (string, bool) {
	if len(s) == 0 || len(s) > maxLocalPath || s[0] != '/' {
		return "", false
	}
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == '\\' || c == '#' {
			return "", false
		}
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" || u.RawPath != "" || !cleanPath(u.Path) {
		return "", false
	}
	return s, true
}

// cleanPath reports whether a path is its own canonical form, so that the
// route that is guarded is the route that is served.
func cleanPath(p string) bool {
	if p == "" || p[0] != '/' || strings.ContainsAny(p, "\\;") {
		return false
	}
	for i := range len(p) {
		if p[i] < ' ' || p[i] == 0x7f {
			return false
		}
	}
	c := path.Clean(p)
	return p == c || (p != "/" && p == c+"/")
}

// SeeOther answers with 303, so that the browser continues with GET whatever
// the request was. The caller vouches for the target.
func SeeOther(w http.ResponseWriter, _ *http.Request, target string) error {
	w.Header().Set("Location", target)
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// StartURL returns the address that signs somebody in and then leads to the
// local path to. With fresh the proof must be made now, whatever session exists.
func StartURL(to string, fresh bool) string {
	q := url.Values{"to": {to}}
	if fresh {
		q.Set("fresh", "1")
	}
	return "/signin/start?" + q.Encode()
}

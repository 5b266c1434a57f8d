package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const permissionsPolicy = "accelerometer=(), camera=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), payment=(), usb=()"

// secure sets the security headers. Handlers may replace Cache-Control; the
// Content-Security-Policy is completed when the answer begins, since a handler
// may have allowed a form target by then.
func (k *Toolkit) secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Permissions-Policy", permissionsPolicy)
		h.Set("Cache-Control", "no-store")
		if k.issuer.Scheme == "https" {
			h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
		}
		if rec, ok := w.(*recorder); ok {
			ev := Event(r.Context())
			rec.before = func(h http.Header) {
				if h.Get("Content-Security-Policy") == "" { // what is no page of ours has a stricter one
					h.Set("Content-Security-Policy", contentPolicy(ev))
				}
				if len(h["Set-Cookie"]) > 0 {
					h.Set("Cache-Control", "no-store") // a cookie is for one browser only
				}
			}
		}
		next.ServeHTTP(w, r)
	})
}

func contentPolicy(ev *RequestEvent) string {
	ev.mu.Lock()
	defer ev.mu.Unlock()
	action := strings.Join(append([]string{"'self'"}, ev.formAction...), " ")
	frames := ""
	if len(ev.frames) > 0 {
		frames = "frame-src " + strings.Join(ev.frames, " ") + "; "
	}
	return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " + frames +
		"form-action " + action + "; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
}

// AllowFormAction lets forms of this answer lead to the origin of target.
// Browsers apply form-action to the redirect that follows a post, so every
// page of a sign-in must allow the registered redirect URI it will end at.
// A target that is not an absolute URI is ignored, and the browser refuses it.
func AllowFormAction(r *http.Request, target string) {
	source, ok := formSource(target)
	if !ok {
		return
	}
	ev := Event(r.Context())
	ev.mu.Lock()
	defer ev.mu.Unlock()
	if !slices.Contains(ev.formAction, source) {
		ev.formAction = append(ev.formAction, source)
	}
}

// AllowFrame lets this answer open target in a frame, and whatever else is at its origin. Without it no page has frames. It reports
// whether the policy can say so: it has no words for a target that is not of the web, or at an IPv6 address.
func AllowFrame(r *http.Request, target string) bool {
	source, ok := FrameSource(target)
	if !ok {
		return false
	}
	ev := Event(r.Context())
	ev.mu.Lock()
	defer ev.mu.Unlock()
	if !slices.Contains(ev.frames, source) {
		ev.frames = append(ev.frames, source)
	}
	return true
}

// FrameSource is how the policy names the origin of a page in a frame.
func FrameSource(target string) (string, bool) {
	source, ok := formSource(target)
	return source, ok && strings.Contains(source, "://")
}

func formSource(target string) (string, bool) {
	u, err := url.Parse(target)
	if err != nil || u.Scheme == "" {
		return "", false
	}
	switch {
	case u.Scheme == "javascript" || u.Scheme == "data" || u.Scheme == "blob" || u.Scheme == "filesystem":
		return "", false
	case u.Scheme != "http" && u.Scheme != "https":
		return u.Scheme + ":", true // a native app's own scheme
	case u.Host == "":
		return "", false
	case strings.HasPrefix(u.Host, "["):
		// The policy's grammar has no IPv6 host (the loopback of a native app).
		return u.Scheme + ":", true
	}
	for i := range len(u.Host) {
		c := u.Host[i]
		if c != '.' && c != '-' && c != ':' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return "", false
		}
	}
	return u.Scheme + "://" + strings.TrimSuffix(u.Host, ":"), true // the policy's grammar has no empty port
}

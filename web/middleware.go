package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/futakagi/futakagi/templates"
)

const (
	maxHeaderBytes  = 16 << 10
	maxCookies      = 40
	bodyReadTimeout = 10 * time.Second
)

// Stack returns the middleware every public request passes, outermost first.
// It belongs inside a chi router (Use), which knows the route for log and
// metrics. The management listener does not use it.
func (k *Toolkit) Stack() []func(http.Handler) http.Handler {
	return []func(http.Handler) http.Handler{k.observe, k.secure, k.limit, k.crossOrigin, k.language}
}

// recorder notes what was answered, and completes the headers at the last moment.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
	before func(http.Header)
}

func (w *recorder) WriteHeader(status int) {
	if w.status != 0 {
		return
	}
	if status >= 200 {
		w.status = status
		if w.before != nil {
			w.before(w.Header())
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// Unwrap serves http.ResponseController.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// observe gives the request its id and address, turns a panic into a 500, and
// writes the one log record and the measurement.
func (k *Toolkit) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now() // a measurement, not a fact anything is decided by
		ev := &RequestEvent{id: newRequestID(), addr: k.proxies.client(r)}
		r = r.WithContext(context.WithValue(r.Context(), eventKey{}, ev))
		rec := &recorder{ResponseWriter: w}
		rec.Header().Set("X-Request-Id", ev.id)

		defer func() {
			v := recover()
			aborted := false
			if v != nil {
				if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
					aborted = true
				} else {
					ev.Add(slog.String("stack", string(debug.Stack())))
					aborted = k.answerPanic(rec, r, fmt.Errorf("panic: %v", v))
				}
			}
			k.record(r, ev, rec, time.Since(start))
			if aborted {
				panic(http.ErrAbortHandler)
			}
		}()
		next.ServeHTTP(rec, r)
	})
}

// answerPanic reports true if the answer was already under way, so that the
// connection has to be cut.
func (k *Toolkit) answerPanic(w *recorder, r *http.Request, cause error) (aborted bool) {
	defer func() {
		if recover() != nil {
			aborted = true
		}
	}()
	k.Error(w, r, cause)
	return false
}

func (k *Toolkit) record(r *http.Request, ev *RequestEvent, rec *recorder, took time.Duration) {
	status := rec.status
	if status == 0 {
		status = http.StatusOK // net/http answers so for a handler that wrote nothing
	}
	route, method := routeOf(r), knownMethod(r.Method)
	k.requests.WithLabelValues(route, method, statusLabel(status)).Observe(took.Seconds())

	ev.mu.Lock()
	defer ev.mu.Unlock()
	attrs := make([]slog.Attr, 0, 9+len(ev.attrs))
	attrs = append(attrs,
		slog.String("request_id", ev.id),
		slog.String("method", method),
		slog.String("route", route),
		slog.Int("status", status),
		slog.Int64("bytes", rec.bytes),
		slog.Float64("duration_ms", float64(took.Microseconds())/1000),
		slog.String("client", ev.addr.String()),
	)
	attrs = append(attrs, ev.attrs...)
	level := slog.LevelInfo
	if ev.cause != nil {
		attrs = append(attrs, slog.String("error", ev.cause.Error()))
		level = slog.LevelError
		if status == http.StatusServiceUnavailable {
			level = slog.LevelWarn
		}
	}
	k.logger.LogAttrs(r.Context(), level, "request", attrs...)
}

// routeOf names the route by its pattern: a bounded set that holds no id. For
// what no route matched, it is "unmatched", whatever was asked for.
func routeOf(r *http.Request) string {
	rctx := chi.RouteContext(r.Context())
	if rctx == nil {
		return "unmatched"
	}
	p := rctx.RoutePattern()
	if p == "" || strings.HasSuffix(p, "/*") && !strings.HasPrefix(p, "/assets/") {
		return "unmatched"
	}
	return p
}

func knownMethod(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return m
	}
	return "other"
}

func isSafe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// limit refuses what is too big, unclean or meant for another host before any
// handler spends work on it.
func (k *Toolkit) limit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := k.checkRequest(r); err != nil {
			k.Error(w, r, err)
			return
		}
		if r.Body != nil && r.Body != http.NoBody {
			rc := http.NewResponseController(w)
			if rc.SetReadDeadline(time.Now().Add(bodyReadTimeout)) == nil { // a deadline of the connection, in its own time
				r.Body = &timedBody{ReadCloser: r.Body, rc: rc}
			}
			r.Body = http.MaxBytesReader(w, r.Body, k.bodyLimit(r))
		}
		if r.Method == http.MethodHead {
			// HEAD is GET without the body, which net/http drops.
			if rctx := chi.RouteContext(r.Context()); rctx != nil {
				rctx.RouteMethod = http.MethodGet
			}
		}
		next.ServeHTTP(w, r)
	})
}

func (k *Toolkit) checkRequest(r *http.Request) error {
	if !k.hosts[k.canonicalHost(r.Host)] {
		return &Error{Status: http.StatusMisdirectedRequest, Code: "unknown_host"}
	}
	size, cookies := len(r.URL.RequestURI()), 0
	for name, values := range r.Header {
		for _, v := range values {
			size += len(name) + len(v)
			if name == "Cookie" {
				cookies += strings.Count(v, ";") + 1
			}
		}
	}
	if size > maxHeaderBytes || cookies > maxCookies {
		return &Error{Status: http.StatusRequestHeaderFieldsTooLarge, Code: "headers_too_large"}
	}
	if r.ContentLength > k.bodyLimit(r) {
		return tooLarge(nil)
	}
	if strings.Count(r.URL.RawQuery, "&") >= maxParameters {
		return BadRequest(errors.New("too many query parameters"))
	}
	// One spelling per address: guards that look at the path and the router
	// must see the same one.
	if r.URL.RawPath != "" || !cleanPath(r.URL.Path) {
		return NotFound(nil)
	}
	return nil
}

// timedBody lifts the read deadline once the body is in, so that it does not
// end a handler that has all it needs.
type timedBody struct {
	io.ReadCloser
	rc *http.ResponseController
}

func (b *timedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		_ = b.rc.SetReadDeadline(time.Time{}) // it could be set, so it can be lifted
	}
	return n, err
}

// crossOrigin refuses what another site made the browser do (I25). A browser
// always says where a form came from, by Sec-Fetch-Site or Origin; a request
// that has our cookies and says nothing is refused too, although the standard
// library would let it pass.
func (k *Toolkit) crossOrigin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isSafe(r.Method) && !k.crossSite[r.URL.Path] {
			err := k.csrf.Check(r)
			if err == nil && r.Header.Get("Sec-Fetch-Site") == "" && r.Header.Get("Origin") == "" && hasOurCookie(r) {
				err = errors.New("request with cookies does not say where it comes from")
			}
			if err != nil {
				k.Error(w, r, &Error{Status: http.StatusForbidden, Code: "cross_site", Kind: templates.ErrorCrossSite, Cause: err})
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
	"github.com/futakagi/futakagi/templates"
)

const canary = "canary-7f3a"

// clock is a clock that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// fixture is a toolkit over a real database, with its log kept.
type fixture struct {
	*Toolkit
	db      *store.DB
	clock   *clock
	log     *bytes.Buffer
	metrics *prometheus.Registry
	fresh   bool
	// insufficient makes sessions not enough for Require.
	insufficient bool
}

func newFixture(t *testing.T, change ...func(*Config)) *fixture {
	t.Helper()
	set, err := templates.New(templates.Config{})
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{
		db:      storetest.SQLite(t),
		clock:   &clock{now: time.Date(2026, 4, 1, 9, 0, 0, 0, time.UTC)},
		log:     &bytes.Buffer{},
		metrics: prometheus.NewRegistry(),
	}
	c := Config{
		Issuer:         "https://id.example.jp",
		AllowedHosts:   []string{"admin.example.jp"},
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
		CrossSitePaths: []string{"/token"},
		DB:             f.db,
		Templates:      set,
		Logger:         slog.New(slog.NewJSONHandler(f.log, nil)),
		Metrics:        f.metrics,
		Now:            f.clock.Now,
		CustomerIdle:   time.Hour,
		OperatorIdle:   15 * time.Minute,
		Sufficient: func(context.Context, Session) (bool, error) {
			return !f.insufficient, nil
		},
		Fresh: func(context.Context, Session, time.Duration) (bool, error) {
			return f.fresh, nil
		},
	}
	for _, ch := range change {
		ch(&c)
	}
	if f.Toolkit, err = New(c); err != nil {
		t.Fatal(err)
	}
	return f
}

// routes mounts a page at /page (GET and POST) that answers with f.
func (f *fixture) routes(h HandlerFunc) *chi.Mux {
	m := f.Mux()
	m.Get("/page", f.Handle(h))
	m.Post("/page", f.Handle(h))
	m.Post("/token", f.Handle(h))
	return m
}

func ok(w http.ResponseWriter, _ *http.Request) error {
	_, err := io.WriteString(w, "fine")
	return err
}

func request(method, target string, headers ...string) *http.Request {
	r := httptest.NewRequest(method, target, nil)
	r.Host = "id.example.jp"
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			r.Host = value
			continue
		}
		r.Header.Add(name, value)
	}
	return r
}

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// records returns the log records so far.
func (f *fixture) records(t *testing.T) []map[string]any {
	t.Helper()
	var out []map[string]any
	for line := range bytes.Lines(f.log.Bytes()) {
		var rec map[string]any
		if err := json.Unmarshal(line, &rec); err != nil {
			t.Fatalf("log line %q: %v", line, err)
		}
		out = append(out, rec)
	}
	return out
}

// A browser that keeps no cookies is told so; an old link opened elsewhere is not.
func TestCookielessBrowser(t *testing.T) {
	f := newFixture(t)
	h := f.routes(func(http.ResponseWriter, *http.Request) error { return ErrFlowGone })
	at := func(age time.Duration) string {
		ms := fmt.Sprintf("%012x", f.now().Add(-age).UnixMilli())
		return "/page?flow=" + ms[:8] + "-" + ms[8:] + "-7000-8000-000000000000"
	}
	for _, tt := range []struct {
		name, target, cookie string
		status               int
	}{
		{"no cookies", at(time.Second), "", 400},
		{"cookies", at(time.Second), "a=b", 410},
		{"old", at(2 * time.Minute), "", 410},
		{"no flow", "/page", "", 410},
		{"no id", "/page?flow=x", "", 410},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := request("GET", tt.target, "Accept: text/html", "Accept-Language: en")
			if tt.cookie != "" {
				r.Header.Set("Cookie", tt.cookie)
			}
			w := serve(h, r)
			if told := strings.Contains(w.Body.String(), "ookies"); w.Code != tt.status || told != (tt.status == 400) {
				t.Errorf("status %d, told of cookies %v; want %d", w.Code, told, tt.status)
			}
		})
	}
}

func TestErrorsBecomePages(t *testing.T) {
	const cause = "inner-5d21" // what the answer must not tell
	f := newFixture(t)
	var err error
	h := f.routes(func(http.ResponseWriter, *http.Request) error { return err })
	for _, tt := range []struct {
		name   string
		err    error
		status int
		level  string
		reason string
	}{
		{"not found", fmt.Errorf("get account: %w", store.ErrNotFound), 404, "INFO", "get account: "},
		{"unavailable", fmt.Errorf("get %s: %w", cause, store.ErrUnavailable), 503, "WARN", ""},
		{"closed", store.ErrClosed, 503, "WARN", ""},
		{"deadline", context.DeadlineExceeded, 503, "WARN", ""},
		{"too large", &http.MaxBytesError{Limit: 1}, 413, "INFO", "request body too large"},
		{"flow gone", fmt.Errorf("x: %w", ErrFlowGone), 410, "INFO", "x: sign-in is over"},
		{"no session", ErrNoSession, 401, "INFO", "no live session"},
		{"conflict", Conflict(errors.New(cause)), 409, "INFO", cause},
		{"forbidden", &Error{Status: 403, Code: "forbidden", Message: "error.no_right", Cause: errors.New(cause)}, 403, "INFO", cause},
		{"too many", TooMany(1500*time.Millisecond, nil), 429, "INFO", ""},
		{"wrapped", fmt.Errorf("x: %w", BadRequest(errors.New(cause))), 400, "INFO", cause},
		{"described", &Error{Status: 400, Code: "invalid_request", Kind: templates.ErrorProtocol, Description: "client_id is not known", Cause: errors.New(cause)}, 400, "INFO", "client_id is not known"},
		{"quoting", BadRequest(fmt.Errorf("parse form: %w", url.EscapeError("%"+canary))), 400, "INFO", ""},
		{"unknown", errors.New("sql: " + cause), 500, "ERROR", ""},
	} {
		for _, accept := range []string{"text/html,*/*", "application/json"} {
			t.Run(tt.name+" "+accept, func(t *testing.T) {
				f.log.Reset()
				err = tt.err
				w := serve(h, request("GET", "/page?secret="+canary, "Accept: "+accept, "Accept-Language: en"))
				if w.Code != tt.status {
					t.Errorf("status %d, want %d", w.Code, tt.status)
				}
				// The way back may repeat the address that was asked for.
				body := strings.ReplaceAll(w.Body.String(), "secret="+canary, "")
				body = strings.ReplaceAll(body, url.QueryEscape("secret="+canary), "")
				if strings.Contains(body, canary) || strings.Contains(body, cause) || strings.Contains(body, "sql") {
					t.Errorf("answer leaks the cause: %s", body)
				}
				wantType := "text/html; charset=utf-8"
				if strings.Contains(accept, "json") {
					wantType = "application/problem+json"
				}
				if got := w.Header().Get("Content-Type"); got != wantType {
					t.Errorf("Content-Type %q, want %q", got, wantType)
				}
				if got := w.Header().Get("Cache-Control"); got != "no-store" {
					t.Errorf("Cache-Control %q", got)
				}
				if tt.status == 503 && w.Header().Get("Retry-After") == "" {
					t.Error("no Retry-After")
				}
				if tt.status == 429 && w.Header().Get("Retry-After") != "2" {
					t.Errorf("Retry-After %q, want 2", w.Header().Get("Retry-After"))
				}
				recs := f.records(t)
				if len(recs) != 1 {
					t.Fatalf("%d log records, want 1", len(recs))
				}
				if recs[0]["level"] != tt.level {
					t.Errorf("level %v, want %s", recs[0]["level"], tt.level)
				}
				if tt.status == 500 && recs[0]["error"] != "sql: "+cause {
					t.Errorf("cause not logged: %v", recs[0])
				}
				if reason, _ := recs[0]["reason"].(string); !strings.Contains(reason, tt.reason) || (reason == "") != (tt.reason == "") {
					t.Errorf("reason %q, want %q", reason, tt.reason)
				}
				if strings.Contains(f.log.String(), canary) {
					t.Errorf("log holds what the client sent: %s", f.log)
				}
				id, _ := recs[0]["request_id"].(string)
				if w.Header().Get("X-Request-Id") != id || !regexp.MustCompile(`^E-[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4}$`).MatchString(id) {
					t.Errorf("request id %q, header %q", id, w.Header().Get("X-Request-Id"))
				}
				if tt.status >= 500 && !strings.Contains(body, id) {
					t.Errorf("answer does not name %s: %s", id, body)
				}
			})
		}
	}
}

func TestProblemDocument(t *testing.T) {
	f := newFixture(t)
	m := f.Mux()
	m.Get("/api/v1/things", f.Handle(func(http.ResponseWriter, *http.Request) error {
		return &Error{Status: 422, Code: "invalid", Message: "error.no_right", Fields: []FieldProblem{{Field: "name", Reason: "blank"}}}
	}))
	w := serve(m, request("GET", "/api/v1/things", "Accept: text/html"))
	var got map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"type": "urn:futakagi:problem:invalid", "title": "Unprocessable Entity", "status": 422.0, "code": "invalid",
		"detail": f.templates.T(templates.Ja, "error.no_right"), "instance": w.Header().Get("X-Request-Id"), "errors": []any{map[string]any{"field": "name", "reason": "blank"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestPanicBecomes500(t *testing.T) {
	f := newFixture(t)
	h := f.routes(func(http.ResponseWriter, *http.Request) error { panic("boom " + canary) })
	w := serve(h, request("GET", "/page"))
	if w.Code != 500 || strings.Contains(w.Body.String(), canary) {
		t.Errorf("answer %d %s", w.Code, w.Body)
	}
	recs := f.records(t)
	if len(recs) != 1 || recs[0]["error"] != "panic: boom "+canary || recs[0]["stack"] == nil || recs[0]["status"] != 500.0 {
		t.Errorf("log %v", recs)
	}
}

func TestErrorAfterTheAnswerBeganCutsIt(t *testing.T) {
	f := newFixture(t)
	srv := httptest.NewServer(f.routes(func(w http.ResponseWriter, _ *http.Request) error {
		_, _ = io.WriteString(w, strings.Repeat("x", 1<<16))
		return errors.New(canary)
	}))
	defer srv.Close()
	req, _ := http.NewRequestWithContext(t.Context(), "GET", srv.URL+"/page", nil)
	req.Host = "id.example.jp"
	resp, err := srv.Client().Do(req)
	if err == nil {
		defer resp.Body.Close()
		_, err = io.ReadAll(resp.Body)
	}
	if err == nil {
		t.Error("a cut answer reads as a whole one")
	}
}

func TestOneRecordPerRequest(t *testing.T) {
	f := newFixture(t)
	m := f.Mux()
	m.Get("/things/{id}", f.Handle(func(w http.ResponseWriter, r *http.Request) error {
		Event(r.Context()).Add(slog.String("step", "look"), slog.String("odd", "a\r\nb\x1b[1m"))
		return ok(w, r)
	}))
	r := request("GET", "/things/42?code="+canary, "X-Forwarded-For: 203.0.113.9", "Cookie: x="+canary,
		"User-Agent: "+canary, "X-Request-Id: "+canary, "Authorization: Bearer "+canary)
	r.RemoteAddr = "10.0.0.1:99"
	serve(m, r)
	recs := f.records(t)
	if len(recs) != 1 || bytes.Count(f.log.Bytes(), []byte("\n")) != 1 {
		t.Fatalf("log %s", f.log)
	}
	if strings.Contains(f.log.String(), canary) || strings.Contains(f.log.String(), "\x1b") {
		t.Errorf("log holds what the client sent: %s", f.log)
	}
	rec := recs[0]
	for _, k := range []string{"time", "request_id", "duration_ms"} {
		if rec[k] == nil {
			t.Errorf("no %s", k)
		}
		delete(rec, k)
	}
	want := map[string]any{
		"level": "INFO", "msg": "request", "method": "GET", "route": "/things/{id}", "status": 200.0, "bytes": 4.0,
		"client": "203.0.113.9", "step": "look", "odd": "a\r\nb\x1b[1m",
	}
	if diff := cmp.Diff(want, rec); diff != "" {
		t.Error(diff)
	}
}

func TestMetricsHaveBoundedLabels(t *testing.T) {
	f := newFixture(t)
	h := f.routes(ok)
	for _, r := range []*http.Request{
		request("GET", "/page"), request("GET", "/a"), request("GET", "/b/c"), request("BREW", "/page"), request("HEAD", "/page"),
	} {
		serve(h, r)
	}
	families, err := f.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]uint64{}
	for _, fam := range families {
		if fam.GetName() != "futakagi_http_request_duration_seconds" {
			t.Errorf("metric %s", fam.GetName())
		}
		for _, m := range fam.GetMetric() {
			var l []string
			for _, p := range m.GetLabel() {
				l = append(l, p.GetValue())
			}
			got[strings.Join(l, " ")] = m.GetHistogram().GetSampleCount()
		}
	}
	want := map[string]uint64{"200 GET /page": 1, "404 GET unmatched": 2, "405 other unmatched": 1, "200 HEAD /page": 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSecurityHeaders(t *testing.T) {
	f := newFixture(t)
	h := f.routes(func(w http.ResponseWriter, r *http.Request) error {
		AllowFormAction(r, "https://shop.example.jp/callback?x=1")
		AllowFormAction(r, "https://shop.example.jp/other")
		AllowFormAction(r, "https://a;script-src *")
		return ok(w, r)
	})
	const csp = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
		"form-action 'self'%s; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
	for _, tt := range []struct{ target, formAction string }{
		{"/page", " https://shop.example.jp"}, {"/missing", ""},
	} {
		got := serve(h, request("GET", tt.target)).Header()
		for name, want := range map[string]string{
			"Content-Security-Policy":      fmt.Sprintf(csp, tt.formAction),
			"Strict-Transport-Security":    "max-age=31536000; includeSubDomains",
			"X-Content-Type-Options":       "nosniff",
			"Cross-Origin-Opener-Policy":   "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Referrer-Policy":              "no-referrer",
			"Permissions-Policy":           permissionsPolicy,
			"Cache-Control":                "no-store",
		} {
			if got.Get(name) != want {
				t.Errorf("%s: %s = %q, want %q", tt.target, name, got.Get(name), want)
			}
		}
	}

	framed := serve(f.routes(func(w http.ResponseWriter, r *http.Request) error {
		for target, want := range map[string]bool{
			"https://shop.example.jp/out?x=1": true, "http://127.0.0.1:8081/out": true, "https://a;script-src *": false, "jp.example.app:/x": false,
			"https://[::1]/x": false, "javascript:alert(1)": false, "/out": false,
		} {
			if got := AllowFrame(r, target); got != want {
				t.Errorf("a frame of %s: %v", target, got)
			}
		}
		return ok(w, r)
	}), request("GET", "/page")).Header().Get("Content-Security-Policy")
	_, frames, _ := strings.Cut(framed, "; frame-src ")
	frames, _, _ = strings.Cut(frames, ";")
	list := strings.Fields(frames)
	slices.Sort(list)
	if !slices.Equal(list, []string{"http://127.0.0.1:8081", "https://shop.example.jp"}) {
		t.Errorf("policy with frames: %s", framed)
	}

	plain := newFixture(t, func(c *Config) { c.Issuer = "http://localhost:8080" })
	w := serve(plain.routes(ok), request("GET", "/page", "Host: localhost:8080"))
	if w.Code != 200 || w.Header().Get("Strict-Transport-Security") != "" {
		t.Errorf("http issuer: %d %q", w.Code, w.Header().Get("Strict-Transport-Security"))
	}
}

func TestCookiesAreNeverCached(t *testing.T) {
	f := newFixture(t)
	h := f.routes(func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Cache-Control", "public, max-age=3600")
		return ok(w, r)
	})
	if got := serve(h, request("GET", "/page")).Header().Get("Cache-Control"); got != "public, max-age=3600" {
		t.Errorf("handler's Cache-Control lost: %q", got)
	}
	if got := serve(h, request("GET", "/page?lang=en")).Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("answer with a cookie has Cache-Control %q", got)
	}
}

func TestI24_UnknownHost(t *testing.T) {
	h := newFixture(t).routes(ok)
	for host, want := range map[string]int{
		"id.example.jp": 200, "ID.example.jp": 200, "id.example.jp:443": 200, "admin.example.jp": 200,
		"id.example.jp:8443": 421, "evil.example": 421, "id.example.jp.evil.example": 421, "id.example.jp.": 421, "": 421, "localhost": 421,
	} {
		r := request("GET", "/page", "X-Forwarded-Host: id.example.jp", "Forwarded: host=id.example.jp")
		r.Host = host
		w := serve(h, r)
		if w.Code != want {
			t.Errorf("Host %q: %d, want %d", host, w.Code, want)
		}
		if want == 421 && host != "" && strings.Contains(w.Body.String(), host) {
			t.Errorf("page repeats the unknown host %q", host)
		}
	}
}

func TestLimits(t *testing.T) {
	f := newFixture(t)
	h := f.routes(func(w http.ResponseWriter, r *http.Request) error {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return err
		}
		return ok(w, r)
	})
	same := "Sec-Fetch-Site: same-origin"
	post := func(n int64, known bool) *http.Request {
		r := request("POST", "/page", same)
		r.Body = io.NopCloser(io.LimitReader(zeros{}, n))
		if r.ContentLength = -1; known {
			r.ContentLength = n
		}
		return r
	}
	for name, tt := range map[string]struct {
		r      *http.Request
		status int
	}{
		"body at the limit":  {post(maxBody, true), 200},
		"body too big":       {post(maxBody+1, true), 413},
		"chunked too big":    {post(maxBody+1, false), 413},
		"header too big":     {request("GET", "/page", "X-Big: "+strings.Repeat("x", maxHeaderBytes)), 431},
		"address too long":   {request("GET", "/page?x="+strings.Repeat("x", maxHeaderBytes)), 431},
		"40 cookies":         {request("GET", "/page", "Cookie: a=b"+strings.Repeat("; a=b", 39)), 200},
		"41 cookies":         {request("GET", "/page", "Cookie: a=b"+strings.Repeat("; a=b", 40)), 431},
		"50 parameters":      {request("GET", "/page?a=b"+strings.Repeat("&a=b", 49)), 200},
		"51 parameters":      {request("GET", "/page?a=b"+strings.Repeat("&a=b", 50)), 400},
		"dot segments":       {request("GET", "/x/../page"), 404},
		"double slash":       {request("GET", "//page"), 404},
		"encoded slash":      {request("GET", "/%2fpage"), 404},
		"encoded dots":       {request("GET", "/x/%2e%2e/page"), 404},
		"path parameter":     {request("GET", "/x;/page"), 404},
		"backslash":          {request("GET", "/%5cpage"), 404},
		"encoded NUL":        {request("GET", "/page%00"), 404},
		"needless encoding":  {request("GET", "/p%61ge"), 404},
		"HEAD":               {request("HEAD", "/page"), 200},
		"wrong method":       {request("DELETE", "/page", same), 405},
		"unknown path":       {request("GET", "/nothing"), 404},
		"post, unknown path": {request("POST", "/nothing", same), 404},
	} {
		t.Run(name, func(t *testing.T) {
			w := serve(h, tt.r)
			if w.Code != tt.status {
				t.Errorf("status %d, want %d", w.Code, tt.status)
			}
			if tt.status == 405 && w.Header().Get("Allow") != "GET, POST" {
				t.Errorf("Allow %q", w.Header().Get("Allow"))
			}
		})
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// A slow body is cut off by the deadline; a handler that has its body may take longer.
func TestBodyReadDeadline(t *testing.T) {
	server, client := net.Pipe()
	defer server.Close()
	defer client.Close()
	body := &timedBody{ReadCloser: server, rc: http.NewResponseController(deadliner{ResponseWriter: httptest.NewRecorder(), c: server})}
	if err := body.rc.SetReadDeadline(time.Now().Add(10 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	_, err := io.ReadAll(body)
	if got := asError(t.Context(), err).Status; got != http.StatusRequestTimeout {
		t.Errorf("slow body: %v is %d", err, got)
	}

	if err := body.rc.SetReadDeadline(time.Now().Add(10 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	ended := &timedBody{ReadCloser: io.NopCloser(strings.NewReader("x")), rc: body.rc}
	if _, err := io.ReadAll(ended); err != nil {
		t.Fatal(err)
	}
	time.Sleep(20 * time.Millisecond)
	go func() { _, _ = client.Write([]byte("y")) }()
	if _, err := server.Read(make([]byte, 1)); err != nil {
		t.Errorf("deadline was not lifted: %v", err)
	}
}

type deadliner struct {
	http.ResponseWriter
	c net.Conn
}

func (d deadliner) SetReadDeadline(t time.Time) error { return d.c.SetReadDeadline(t) }

func TestI25_CrossOrigin(t *testing.T) {
	f := newFixture(t)
	ran := false
	h := f.routes(func(w http.ResponseWriter, r *http.Request) error {
		ran = true
		return ok(w, r)
	})
	token, _ := NewToken()
	ours := "Cookie: other=1; __Host-futakagi=" + token
	for _, tt := range []struct {
		name    string
		method  string
		path    string
		headers []string
		status  int
	}{
		{"same origin", "POST", "/page", []string{ours, "Sec-Fetch-Site: same-origin", "Origin: https://id.example.jp"}, 200},
		{"same origin, null Origin under no-referrer", "POST", "/page", []string{ours, "Sec-Fetch-Site: same-origin", "Origin: null"}, 200},
		{"old browser, own Origin", "POST", "/page", []string{ours, "Origin: https://id.example.jp"}, 200},
		{"cross-site", "POST", "/page", []string{ours, "Sec-Fetch-Site: cross-site", "Origin: https://evil.example"}, 403},
		{"cross-site without cookie", "POST", "/page", []string{"Sec-Fetch-Site: cross-site"}, 403},
		{"sibling", "POST", "/page", []string{ours, "Sec-Fetch-Site: same-site", "Origin: https://shop.example.jp"}, 403},
		{"null origin", "POST", "/page", []string{ours, "Origin: null"}, 403},
		{"other Origin only", "POST", "/page", []string{"Origin: https://evil.example"}, 403},
		{"other port", "POST", "/page", []string{"Origin: https://id.example.jp:8443"}, 403},
		{"silent with our cookie", "POST", "/page", []string{ours}, 403},
		{"silent with our flow cookie", "POST", "/page", []string{"Cookie: __Host-futakagi-flow-12345678=x"}, 403},
		{"silent with a foreign cookie", "POST", "/page", []string{"Cookie: a=b"}, 200},
		{"silent program", "POST", "/page", nil, 200},
		{"unknown Sec-Fetch-Site", "POST", "/page", []string{"Sec-Fetch-Site: odd"}, 403},
		{"machine endpoint", "POST", "/token", []string{ours, "Sec-Fetch-Site: cross-site", "Origin: https://evil.example"}, 200},
		{"below a machine endpoint", "POST", "/token/x", []string{"Sec-Fetch-Site: cross-site"}, 403},
		{"cross-site GET", "GET", "/page", []string{ours, "Sec-Fetch-Site: cross-site"}, 200},
		{"cross-site DELETE", "DELETE", "/page", []string{"Sec-Fetch-Site: cross-site"}, 403},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ran = false
			w := serve(h, request(tt.method, tt.path, tt.headers...))
			if w.Code != tt.status || ran != (tt.status == 200) {
				t.Errorf("status %d, handler ran %v; want %d", w.Code, ran, tt.status)
			}
		})
	}
	w := serve(h, request("POST", "/page", "Sec-Fetch-Site: cross-site", "Accept-Language: en"))
	if got := w.Header().Get("Content-Language"); got != "en" {
		t.Errorf("refusal in %q, want the user's language", got)
	}
}

func TestLanguage(t *testing.T) {
	f := newFixture(t)
	var got templates.Lang
	var frame templates.Frame
	h := f.routes(func(w http.ResponseWriter, r *http.Request) error {
		got = LangOf(r, r.URL.Query().Get("ui_locales"))
		frame = f.Frame(w, r)
		return ok(w, r)
	})
	for _, tt := range []struct {
		target, cookie, accept string
		want                   templates.Lang
		sets                   bool
		path                   string
	}{
		{"/page", "", "", templates.Ja, false, "/page"},
		{"/page", "", "en-GB,ja;q=0.5", templates.En, false, "/page"},
		{"/page", "ja.1", "en", templates.Ja, false, "/page"},
		{"/page", "en.junk", "ja", templates.En, false, "/page"},
		{"/page", "<script>", "ja", templates.Ja, false, "/page"},
		{"/page?ui_locales=fr+en", "ja.1", "ja", templates.En, false, "/page?ui_locales=fr+en"},
		{"/page?lang=en&a=b", "ja.1", "ja", templates.En, true, "/page?a=b"},
		{"/page?lang=en&ui_locales=ja", "", "", templates.En, true, "/page?ui_locales=ja"},
		{"/page?lang=fr", "", "", templates.Ja, false, "/page"},
	} {
		r := request("GET", tt.target, "Accept-Language: "+tt.accept)
		if tt.cookie != "" {
			r.AddCookie(&http.Cookie{Name: langCookie, Value: tt.cookie})
		}
		w := serve(h, r)
		if got != tt.want || frame.Path != tt.path {
			t.Errorf("%s: language %q, path %q; want %q, %q", tt.target, got, frame.Path, tt.want, tt.path)
		}
		if sets := len(w.Result().Cookies()) == 1; sets != tt.sets {
			t.Errorf("%s: cookie set %v, want %v", tt.target, sets, tt.sets)
		}
	}
	if w := serve(h, request("POST", "/page?lang=en", "Sec-Fetch-Site: same-origin")); len(w.Result().Cookies()) != 0 {
		t.Error("POST sets the language")
	}
}

func TestFlash(t *testing.T) {
	f := newFixture(t)
	var frame templates.Frame
	h := f.routes(func(w http.ResponseWriter, r *http.Request) error {
		frame = f.Frame(w, r)
		return ok(w, r)
	})
	w := httptest.NewRecorder()
	f.SetFlash(w, templates.FlashSaved)
	f.SetFlash(w, "error.no_right") // a text, but no banner
	f.SetFlash(w, "Your account is blocked, call 03-...")
	cookies := w.Result().Cookies()
	if len(cookies) != 1 || cookies[0].Value != templates.FlashSaved {
		t.Fatalf("cookies %v", cookies)
	}
	r := request("GET", "/page")
	r.AddCookie(cookies[0])
	out := serve(h, r)
	if frame.Flash == nil || frame.Flash.Title != f.templates.T(templates.Ja, templates.FlashSaved) {
		t.Errorf("flash %+v", frame.Flash)
	}
	if cs := out.Result().Cookies(); len(cs) != 1 || cs[0].MaxAge >= 0 {
		t.Errorf("flash not used up: %v", cs)
	}
	r = request("GET", "/page")
	r.AddCookie(&http.Cookie{Name: flashCookie, Value: "Pay here: evil.example"})
	serve(h, r)
	if frame.Flash != nil {
		t.Errorf("foreign text shown: %+v", frame.Flash)
	}
}

func TestNewRefusesBadConfig(t *testing.T) {
	good := newFixture(t)
	base := Config{
		Issuer: "https://id.example.jp", DB: good.db, Templates: good.templates, Logger: slog.New(slog.DiscardHandler),
		Now: time.Now, CustomerIdle: 1, OperatorIdle: 1,
		Sufficient: func(context.Context, Session) (bool, error) { return true, nil },
		Fresh:      func(context.Context, Session, time.Duration) (bool, error) { return false, nil },
	}
	if _, err := New(base); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Config){
		"issuer":           func(c *Config) { c.Issuer = "id.example.jp" },
		"issuer scheme":    func(c *Config) { c.Issuer = "ftp://id.example.jp" },
		"DB":               func(c *Config) { c.DB = nil },
		"Templates":        func(c *Config) { c.Templates = nil },
		"Logger":           func(c *Config) { c.Logger = nil },
		"Now":              func(c *Config) { c.Now = nil },
		"Sufficient":       func(c *Config) { c.Sufficient = nil },
		"Fresh":            func(c *Config) { c.Fresh = nil },
		"idle":             func(c *Config) { c.OperatorIdle = 0 },
		"cross-site path":  func(c *Config) { c.CrossSitePaths = []string{"token"} },
		"forwarded header": func(c *Config) { c.ForwardedHeader = "X-Real-IP" },
		"metrics twice":    func(c *Config) { c.Metrics = good.metrics },
	} {
		c := base
		change(&c)
		if _, err := New(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestOutsideARequest(t *testing.T) {
	ctx := t.Context()
	Event(ctx).Add(slog.String("a", "b"))
	if RequestID(ctx) != "" || !ClientAddr(ctx).IsValid() {
		t.Error("outside a request there should be no id, and a valid address")
	}
}

func TestRequestIDsDiffer(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		id := newRequestID()
		if seen[id] || strings.ContainsAny(id, "0") || len(id) != 11 {
			t.Fatalf("id %q", id)
		}
		seen[id] = true
	}
}

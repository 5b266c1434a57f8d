package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

var (
	// ErrFlowGone means that the sign-in a request names is over, expired,
	// unknown, or another browser's: one answer for all of them.
	ErrFlowGone = errors.New("sign-in is over or not this browser's")
	// ErrNoSession means that the request carries no live full session.
	ErrNoSession = errors.New("no live session")
)

// statusClientGone is written to the log for requests whose client went away
// before the answer; nobody receives it.
const statusClientGone = 499

// retryAfter is what a 503 asks a client to wait.
const retryAfter = 5 * time.Second

// Error is an answer a handler wants to give instead of its page. Everything
// but Cause may reach the user.
type Error struct {
	// Status is the HTTP status.
	Status int
	// Code is the machine-readable name, for problem documents and, where Kind
	// is templates.ErrorProtocol, the protocol's error code.
	Code string
	// Kind selects the texts of the page; empty is chosen from Status.
	Kind templates.ErrorKind
	// Message is a catalogue key whose text replaces the kind's own sentence.
	Message string
	// Description says more about a protocol error, to developers. It must be
	// fixed text: what the request contained does not belong in it.
	Description string
	// Fields are the errors of single fields, for problem documents.
	Fields []FieldProblem
	// RetryAfter, when positive, is sent as the header of that name.
	RetryAfter time.Duration
	// HomeURL is an optional way on from the page.
	HomeURL string
	// Cause is for the log and errors.Is; it never reaches the user.
	Cause error
}

// FieldProblem is what is wrong with one member of a request, for programs.
type FieldProblem struct {
	// Field is the member's path, as "body/scopes/0", or the name of a parameter or header.
	Field string `json:"field"`
	// Reason is a stable word.
	Reason string `json:"reason"`
	// Message is a sentence for people, where there is one.
	Message string `json:"message,omitempty"`
}

// Error describes the error for logs.
func (e *Error) Error() string {
	s := strconv.Itoa(e.Status) + " " + e.Code
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// reason is what the log says about a refusal: why, and nothing of what the
// request contained.
func (e *Error) reason() string {
	switch {
	case e.Description != "":
		return e.Description
	case e.Cause == nil || quotesRequest(e.Cause):
		return ""
	}
	return e.Cause.Error()
}

// quotesRequest reports whether an error is of the standard library's kinds
// that repeat what they could not read.
func quotesRequest(err error) bool {
	if _, ok := errors.AsType[url.EscapeError](err); ok {
		return true
	}
	if _, ok := errors.AsType[*url.Error](err); ok {
		return true
	}
	if _, ok := errors.AsType[*strconv.NumError](err); ok {
		return true
	}
	_, ok := errors.AsType[*time.ParseError](err)
	return ok
}

// NotFound is the answer for what does not exist or is not the caller's: both
// look the same.
func NotFound(cause error) *Error {
	return &Error{Status: http.StatusNotFound, Code: "not_found", Cause: cause}
}

// BadRequest is the answer to a request that cannot be read.
func BadRequest(cause error) *Error {
	return &Error{Status: http.StatusBadRequest, Code: "bad_request", Cause: cause}
}

// Forbidden is the answer to a known person without the right.
func Forbidden(cause error) *Error {
	return &Error{Status: http.StatusForbidden, Code: "forbidden", Cause: cause}
}

// Conflict is the answer when somebody else changed the thing meanwhile.
func Conflict(cause error) *Error {
	return &Error{Status: http.StatusConflict, Code: "conflict", Cause: cause}
}

// TooMany is the answer to somebody who must wait.
func TooMany(wait time.Duration, cause error) *Error {
	return &Error{Status: http.StatusTooManyRequests, Code: "too_many_requests", RetryAfter: wait, Cause: cause}
}

// tooLarge is the answer to a body that is longer than it may be.
func tooLarge(cause error) *Error {
	return &Error{
		Status: http.StatusRequestEntityTooLarge, Code: "too_large", Cause: cause, Fields: []FieldProblem{{Field: "body", Reason: "too_long"}},
	}
}

// unavailable is the answer while something we need is away.
func unavailable(cause error) *Error {
	return &Error{Status: http.StatusServiceUnavailable, Code: "unavailable", RetryAfter: retryAfter, Cause: cause}
}

// asError decides what an error means to the outside. What nothing below knows
// is a 500, whose cause may hold anything and is kept from the answer.
func asError(ctx context.Context, err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge(err)
	}
	switch {
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return &Error{Status: statusClientGone, Code: "client_gone", Cause: err}
	case errors.Is(err, ErrFlowGone):
		return &Error{Status: http.StatusGone, Code: "flow_gone", Cause: err}
	case errors.Is(err, ErrNoSession):
		return &Error{Status: http.StatusUnauthorized, Code: "unauthenticated", Cause: err}
	case errors.Is(err, store.ErrNotFound):
		return NotFound(err)
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, store.ErrClosed),
		errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return unavailable(err)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &Error{Status: http.StatusRequestTimeout, Code: "timeout", Cause: err}
	}
	return &Error{Status: http.StatusInternalServerError, Code: "internal", Cause: err}
}

// kindOf chooses the page for a status.
func kindOf(status int) templates.ErrorKind {
	switch status {
	case http.StatusNotFound:
		return templates.ErrorNotFound
	case http.StatusForbidden:
		return templates.ErrorForbidden
	case http.StatusMethodNotAllowed:
		return templates.ErrorMethod
	case http.StatusConflict:
		return templates.ErrorConflict
	case http.StatusGone:
		return templates.ErrorFlowGone
	case http.StatusRequestEntityTooLarge:
		return templates.ErrorTooLarge
	case http.StatusMisdirectedRequest:
		return templates.ErrorMisdirected
	case http.StatusTooManyRequests:
		return templates.ErrorTooMany
	case http.StatusServiceUnavailable:
		return templates.ErrorUnavailable
	}
	if status >= 500 {
		return templates.ErrorServer
	}
	return templates.ErrorBadRequest
}

// Error answers a request with an error: as a page in the user's language, or
// as a problem document (RFC 9457) where a program asked. The cause goes to
// the request's log record and nowhere else, as "error" when the fault is ours
// and as "reason" when it is not.
func (k *Toolkit) Error(w http.ResponseWriter, r *http.Request, err error) {
	ctx := r.Context()
	ev := Event(ctx)
	e := asError(ctx, err)
	ev.Add(slog.String("error_code", e.Code))
	if e.Status >= 500 {
		ev.Fail(err)
	} else if reason := e.reason(); reason != "" {
		ev.Add(slog.String("reason", reason))
	}
	if rec, ok := w.(*recorder); ok && rec.status != 0 {
		// The answer is under way; what is left is to cut it off, so that half
		// a page is not taken for a whole one. If the client is gone that is
		// its own doing and nothing to report.
		if ctx.Err() == nil {
			ev.Fail(err)
		}
		panic(http.ErrAbortHandler)
	}
	if e.Status == statusClientGone {
		if rec, ok := w.(*recorder); ok {
			rec.status = statusClientGone
		}
		return
	}

	h := w.Header()
	if e.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int((e.RetryAfter+time.Second-1)/time.Second)))
	}
	if e.Status == http.StatusRequestEntityTooLarge || e.Status == http.StatusRequestTimeout {
		h.Set("Connection", "close") // the rest of the body is not worth reading
	}
	h.Set("Cache-Control", "no-store")
	if e.Status == http.StatusUnauthorized && isAPI(r) && h.Get("WWW-Authenticate") == "" {
		h.Set("WWW-Authenticate", "Bearer") // RFC 9110 section 15.5.2
	}
	if wantsProblem(r) {
		k.writeProblem(w, r, e)
		return
	}
	if rerr := k.renderError(w, r, e); rerr != nil {
		if rec, ok := w.(*recorder); ok && rec.status != 0 {
			return // the page is made but the client is gone
		}
		ev.Fail(errors.Join(err, rerr))
		h.Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(e.Status)
		_, _ = w.Write(k.templates.Fallback(Lang(r))) // as above: nobody may be there to read it
	}
}

func (k *Toolkit) renderError(w http.ResponseWriter, r *http.Request, e *Error) error {
	f := k.errorFrame(r)
	here, isLocal := LocalPath(r.URL.RequestURI())
	switch e.Code {
	case "flow_gone":
		if k.cookieless(r) {
			return k.templates.Error.Render(w, http.StatusBadRequest, f, templates.ErrorView{Kind: templates.ErrorCookies})
		}
		return k.templates.SessionExpired.Render(w, e.Status, f, templates.SessionExpiredView{Flow: true})
	case "unauthenticated":
		v := templates.SessionExpiredView{}
		if isLocal {
			v.SignInURL = StartURL(here, false)
		}
		return k.templates.SessionExpired.Render(w, e.Status, f, v)
	}
	v := templates.ErrorView{Kind: e.Kind, Ref: RequestID(r.Context()), HomeURL: e.HomeURL}
	if v.Kind == "" {
		v.Kind = kindOf(e.Status)
	}
	if v.HomeURL == "" && v.Kind != templates.ErrorProtocol && e.Status < 500 {
		v.HomeURL = k.templates.Brand().MyPageURL
		if f.Admin {
			v.HomeURL = "/admin"
		}
	}
	if e.Message != "" {
		v.Message = k.templates.T(f.Lang, e.Message)
	}
	if v.Kind == templates.ErrorProtocol {
		v.Code, v.Description = e.Code, e.Description
		v.At = k.now().UTC().Format("2006-01-02 15:04:05 UTC")
	}
	if e.Status >= 500 && isSafe(r.Method) && isLocal {
		v.RetryURL = here
	}
	return k.templates.Error.Render(w, e.Status, f, v)
}

// cookielessFor is how old a flow may be for cookieless to tell.
const cookielessFor = time.Minute

// cookieless reports whether a request belongs to a browser that keeps no
// cookies: it comes for a flow that began a moment ago, which its id tells, and
// brings none at all. An old link opened in another browser is not meant.
func (k *Toolkit) cookieless(r *http.Request) bool {
	id := r.URL.Query().Get("flow")
	if len(r.Header["Cookie"]) > 0 || !store.ValidID(id) {
		return false
	}
	ms, err := strconv.ParseInt(id[:8]+id[9:13], 16, 64) // UUIDv7 begins with the time
	if err != nil {
		return false
	}
	age := k.now().Sub(time.UnixMilli(ms))
	return age > -cookielessFor && age < cookielessFor
}

// ProblemType begins the type of every problem document; its code follows.
const ProblemType = "urn:futakagi:problem:"

// Problem is an RFC 9457 document. Its title depends on the status alone.
type Problem struct {
	Type     string         `json:"type"`
	Title    string         `json:"title"`
	Status   int            `json:"status"`
	Code     string         `json:"code"`
	Detail   string         `json:"detail,omitempty"`
	Instance string         `json:"instance,omitempty"`
	Errors   []FieldProblem `json:"errors,omitempty"`
}

func (k *Toolkit) writeProblem(w http.ResponseWriter, r *http.Request, e *Error) {
	p := Problem{
		Type: ProblemType + e.Code, Title: http.StatusText(e.Status), Status: e.Status, Code: e.Code,
		Instance: RequestID(r.Context()), Detail: e.Description, Errors: e.Fields,
	}
	if e.Message != "" {
		p.Detail = k.templates.T(Lang(r), e.Message)
	}
	var buf bytes.Buffer
	if err := json.NewEncoder(&buf).Encode(p); err != nil {
		Event(r.Context()).Fail(err)
		http.Error(w, http.StatusText(e.Status), e.Status)
		return
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(e.Status)
	_, _ = w.Write(buf.Bytes()) // the client may be gone; nothing can be done about it
}

// wantsProblem reports whether a program asks rather than a person.
func wantsProblem(r *http.Request) bool {
	if isAPI(r) {
		return true
	}
	accept := strings.ToLower(strings.Join(r.Header["Accept"], ","))
	return strings.Contains(accept, "json") && !strings.Contains(accept, "html") && !strings.Contains(accept, "*/*")
}

// isAPI reports whether a request is for the programs' part of the server.
func isAPI(r *http.Request) bool {
	return r.URL.Path == "/api" || strings.HasPrefix(r.URL.Path, "/api/") || strings.HasPrefix(r.URL.Path, "/scim/") ||
		strings.HasPrefix(r.URL.Path, "/ssf/")
}

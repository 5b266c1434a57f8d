package admin

import (
	"cmp"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// The scimTypes of errors that we answer with (RFC 7644 table 9, RFC 9865 section 2.1).
const (
	scimInvalidFilter = "invalidFilter"
	scimTooMany       = "tooMany"
	scimUniqueness    = "uniqueness"
	scimMutability    = "mutability"
	scimInvalidSyntax = "invalidSyntax"
	scimInvalidPath   = "invalidPath"
	scimNoTarget      = "noTarget"
	scimInvalidValue  = "invalidValue"
	scimInvalidCursor = "invalidCursor"
)

// scimError is an error as SCIM tells of it (RFC 7644 section 3.12).
type scimError struct {
	status int
	// kind is the scimType, if there is one; detail is for whoever runs the client.
	kind, detail string
	retryAfter   time.Duration
	cause        error
}

func (e *scimError) Error() string { return strconv.Itoa(e.status) + " " + e.kind + ": " + e.detail }
func (e *scimError) Unwrap() error { return e.cause }

// scimFault is an error of the request's own.
func scimFault(kind, detail string) *scimError {
	status := http.StatusBadRequest
	if kind == scimUniqueness {
		status = http.StatusConflict
	}
	return &scimError{status: status, kind: kind, detail: detail}
}

// The answers that need no more than a status.
var (
	errSCIMMissing = &scimError{status: http.StatusNotFound, detail: "there is no such resource"}
	errSCIMVersion = &scimError{status: http.StatusPreconditionFailed, detail: "somebody else changed the resource"}
)

// fail answers with an error. What SCIM has no words for is left to the toolkit.
func (s *scim) fail(w http.ResponseWriter, r *http.Request, err error) error {
	e := s.explain(err)
	if e == nil {
		return err
	}
	ev := web.Event(r.Context())
	ev.Add(slog.String("error_code", cmp.Or(e.kind, strconv.Itoa(e.status))))
	doc := map[string]any{"schemas": []string{scimErrorMessage}, "status": strconv.Itoa(e.status), "detail": e.detail}
	if e.kind != "" {
		doc["scimType"] = e.kind
	}
	h := w.Header()
	if e.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int((e.retryAfter+time.Second-1)/time.Second)))
	}
	switch e.status {
	case http.StatusUnauthorized:
		if h.Get("WWW-Authenticate") == "" {
			h.Set("WWW-Authenticate", "Bearer")
		}
	case http.StatusRequestEntityTooLarge:
		h.Set("Connection", "close") // the rest of the body is not worth reading
	}
	return writeSCIM(w, e.status, doc)
}

// writeSCIM sends a document.
func writeSCIM(w http.ResponseWriter, status int, doc any) error {
	raw, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", scimMedia)
	h.Set("Content-Length", strconv.Itoa(len(raw)))
	w.WriteHeader(status)
	_, err = w.Write(raw)
	return err
}

// explain turns an error of a use case into one of SCIM; nil for what is nobody's fault but ours.
func (s *scim) explain(err error) *scimError {
	known := func(status int, detail string) *scimError {
		return &scimError{status: status, detail: detail, cause: err}
	}
	if e, ok := errors.AsType[*scimError](err); ok {
		return e
	}
	if e, ok := errors.AsType[*account.ValidationError](err); ok {
		return s.explainFields(e)
	}
	if e, ok := errors.AsType[*web.Error](err); ok && e.Status < http.StatusInternalServerError {
		detail := http.StatusText(e.Status)
		if e.Message != "" {
			detail = s.api.templates.T(templates.En, e.Message)
		}
		return &scimError{status: e.Status, detail: detail, retryAfter: e.RetryAfter, cause: err}
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return known(http.StatusRequestEntityTooLarge, "the request is too large")
	}
	switch {
	case errors.Is(err, store.ErrNotFound):
		return errSCIMMissing
	case errors.Is(err, errMember):
		return scimFault(scimInvalidValue, "members: there is no such account")
	case errors.Is(err, errLanding):
		return scimFault(scimMutability, "accounts that are in no other group are in this one: it stays, and they leave it for another alone")
	case errors.Is(err, errRename):
		return scimFault(scimMutability, "userName cannot be changed")
	case errors.Is(err, errExternalID):
		return scimFault(scimUniqueness, "another resource has this externalId")
	case errors.Is(err, errScan), errors.Is(err, errListed), errors.Is(err, errMembers):
		return scimFault(scimTooMany, err.Error())
	case errors.Is(err, ErrConflict):
		return errSCIMVersion
	case errors.Is(err, ErrForbidden):
		return known(http.StatusForbidden, "the client may not do this")
	case errors.Is(err, ErrFrozen):
		return known(http.StatusForbidden, "the account's owner has stopped changes of its security settings for now")
	case errors.Is(err, ErrApprovalRequired):
		return known(http.StatusForbidden, "an operator has to approve this change of the account")
	case isRate(err):
		e := known(http.StatusTooManyRequests, "done too often")
		e.retryAfter = time.Hour
		return e
	case errors.Is(err, ErrNotEmpty):
		return known(http.StatusConflict, "the group is not empty")
	case errors.Is(err, ErrActorGone), errors.Is(err, web.ErrNoSession):
		return known(http.StatusUnauthorized, "the access token is missing or does not count any more")
	case errors.Is(err, account.ErrBusy):
		e := known(http.StatusServiceUnavailable, "the server is busy")
		e.retryAfter = busyFor
		return e
	}
	return nil
}

// explainFields names what was refused by the names of SCIM.
func (s *scim) explainFields(e *account.ValidationError) *scimError {
	names := map[string]string{
		account.FieldLoginID: "userName", account.FieldName: "displayName", account.FieldEmail: "emails", account.FieldPassword: "password",
	}
	parts, kind := []string{}, scimInvalidValue
	if e.Taken() {
		kind = scimUniqueness
	}
	for _, field := range slices.Sorted(maps.Keys(e.Fields)) {
		key := e.Fields[field]
		parts = append(parts, cmp.Or(names[field], field)+": "+s.api.templates.T(templates.En, key, e.Args(field)...))
	}
	return scimFault(kind, strings.Join(parts, "; "))
}

package provider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/web"
)

// protocolError is an answer of a machine endpoint (RFC 6749 §5.2, RFC 6750 §3.1). What is sent comes from the catalogue
// below and from nowhere else: never from an error's text, which may name a host or hold a value.
type protocolError struct {
	// code is the catalogue's key.
	code string
	// reason says more, for the log record only.
	reason string
	// say replaces the catalogue's description: a sentence of ours about the form of the request, without values from it.
	say string
}

func (e *protocolError) Error() string { return e.code + ": " + e.reason }

// What a machine endpoint can answer.
const (
	codeInvalidRequest       = "invalid_request"
	codeInvalidClient        = "invalid_client"
	codeInvalidGrant         = "invalid_grant"
	codeUnauthorizedClient   = "unauthorized_client"
	codeUnsupportedGrantType = "unsupported_grant_type"
	codeInvalidScope         = "invalid_scope"
	codeInvalidToken         = "invalid_token"
	codeInsufficientScope    = "insufficient_scope"
	codeInvalidTarget        = "invalid_target"
	codeServerError          = "server_error"
	codeInvalidRedirect      = "invalid_redirect_uri"
	codeInvalidMetadata      = "invalid_client_metadata"
	codeInvalidStatement     = "invalid_software_statement"
	codeUnavailable          = "temporarily_unavailable"
	codeInvalidProof         = "invalid_dpop_proof"
	codeUseNonce             = "use_dpop_nonce"
	codePending              = "authorization_pending"
	codeSlowDown             = "slow_down"
	codeAccessDenied         = "access_denied"
	codeExpiredToken         = "expired_token"

	// These have an entry of their own but no code in any standard.
	codeMethod  = "method_not_allowed"
	codeTooBig  = "too_large"
	codeTooMany = "too_many"
	codeNoToken = "no_token"
	// RFC 8693 §2.2.2 has no code of its own for a token that may not be exchanged.
	codeSubjectToken = "invalid_subject_token"
)

type catalogueEntry struct {
	status      int
	sent        string // the error member; empty sends no body
	description string
}

func catalogue(code string) (catalogueEntry, bool) {
	switch code {
	case codeInvalidRequest:
		return catalogueEntry{http.StatusBadRequest, code, "The request is incomplete or malformed."}, true
	case codeMethod:
		return catalogueEntry{http.StatusMethodNotAllowed, codeInvalidRequest, "This method is not allowed here."}, true
	case codeTooBig:
		return catalogueEntry{http.StatusRequestEntityTooLarge, codeInvalidRequest, "The request is too large."}, true
	case codeTooMany:
		return catalogueEntry{http.StatusTooManyRequests, codeUnavailable, "Too many requests from this address. Try again later."}, true
	case codeInvalidClient:
		return catalogueEntry{http.StatusUnauthorized, code, "Client authentication failed."}, true
	case codeInvalidGrant:
		return catalogueEntry{http.StatusBadRequest, code, "The code or refresh token is invalid, expired, used or was issued to another client."}, true
	case codeUnauthorizedClient:
		return catalogueEntry{http.StatusBadRequest, code, "The client is not registered for this grant type."}, true
	case codeUnsupportedGrantType:
		return catalogueEntry{http.StatusBadRequest, code, "The grant type is not supported."}, true
	case codeInvalidScope:
		return catalogueEntry{http.StatusBadRequest, code, "The scope exceeds what was granted."}, true
	case codeInvalidTarget:
		return catalogueEntry{http.StatusBadRequest, code, "The resource is not one that this client or this grant may have tokens for."}, true
	case codeSubjectToken:
		return catalogueEntry{http.StatusBadRequest, codeInvalidRequest, "The subject token cannot be exchanged: it must be a live access token of " +
			"a person, for a resource that this client serves."}, true
	case codeInvalidRedirect:
		return catalogueEntry{http.StatusBadRequest, code, "A redirect URI is not allowed."}, true
	case codeInvalidMetadata:
		return catalogueEntry{http.StatusBadRequest, code, "The client metadata is not valid."}, true
	case codeInvalidStatement:
		return catalogueEntry{http.StatusBadRequest, code, "Software statements are not supported."}, true
	case codeNoToken:
		// RFC 6750 §3.1: a request without any token learns the scheme and nothing else.
		return catalogueEntry{http.StatusUnauthorized, "", ""}, true
	case codeInvalidToken:
		return catalogueEntry{http.StatusUnauthorized, code, "The access token is invalid, expired or revoked."}, true
	case codeInsufficientScope:
		return catalogueEntry{http.StatusForbidden, code, "The access token does not carry the scope openid."}, true
	case codeInvalidProof:
		return catalogueEntry{http.StatusBadRequest, code, "The DPoP proof is missing, malformed, used before or not made for this request."}, true
	case codePending:
		return catalogueEntry{http.StatusBadRequest, code, "Nobody has allowed or denied this yet. Ask again after the interval."}, true
	case codeSlowDown:
		return catalogueEntry{http.StatusBadRequest, code, "Asked too early. Wait five seconds longer between requests from now on."}, true
	case codeAccessDenied:
		return catalogueEntry{http.StatusBadRequest, code, "The person denied it."}, true
	case codeExpiredToken:
		return catalogueEntry{http.StatusBadRequest, code, "The device code has expired. Begin again."}, true
	case codeUseNonce:
		return catalogueEntry{http.StatusBadRequest, code, "The DPoP proof must hold the nonce of the header DPoP-Nonce."}, true
	case codeServerError:
		return catalogueEntry{http.StatusInternalServerError, code, "The server could not answer."}, true
	case codeUnavailable:
		return catalogueEntry{http.StatusServiceUnavailable, code, "The server is busy. Try again shortly."}, true
	}
	return catalogueEntry{}, false
}

func refuseRequest(reason string) *protocolError {
	return &protocolError{code: codeInvalidRequest, reason: reason}
}

func refuseClient(reason string) *protocolError {
	return &protocolError{code: codeInvalidClient, reason: reason}
}

func refuseGrant(reason string) *protocolError {
	return &protocolError{code: codeInvalidGrant, reason: reason}
}

func refuseToken(reason string) *protocolError {
	return &protocolError{code: codeInvalidToken, reason: reason}
}

// asProtocolError maps any error to an answer.
func asProtocolError(err error) *protocolError {
	if e, ok := errors.AsType[*protocolError](err); ok {
		return e
	}
	switch {
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, store.ErrClosed), errors.Is(err, context.Canceled):
		return &protocolError{code: codeUnavailable}
	default:
		return &protocolError{code: codeServerError}
	}
}

// writeError answers a failed request; an unexpected cause goes into the request's log record.
func (m *machine) writeError(w http.ResponseWriter, r *http.Request, err error) {
	if refused, ok := errors.AsType[*authError](err); ok {
		m.writeRefusal(w, r, refused)
		return
	}
	e := asProtocolError(err)
	entry, ok := catalogue(e.code)
	if !ok {
		entry, _ = catalogue(codeServerError)
	}
	if e.say != "" {
		entry.description = e.say
	}
	ctx, id := r.Context(), web.RequestID(r.Context())
	event := web.Event(ctx)
	event.Add(slog.String("oauth_error", e.code))
	if e.reason != "" {
		event.Add(slog.String("oauth_reason", e.reason))
	}
	h := w.Header()
	switch {
	case e.code == codeTooMany:
		h.Set("Retry-After", "60")
	case e.code == codeInvalidClient:
		h.Set("WWW-Authenticate", `Basic realm="futakagi", charset="UTF-8"`)
	case e.code == codeNoToken:
		h.Set("WWW-Authenticate", `Bearer realm="futakagi"`)
		h.Add("WWW-Authenticate", challengeDPoP("", ""))
	case bearerEndpoint(r) && (ofProof(e.code) || byDPoP(r)):
		if ofProof(e.code) {
			entry.status = http.StatusUnauthorized // RFC 9449 section 7.1 and 9
		}
		h.Set("WWW-Authenticate", challengeDPoP(entry.sent, entry.description))
	case e.code == codeInvalidToken || e.code == codeInsufficientScope || bearerEndpoint(r):
		h.Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="futakagi", error="%s", error_description="%s"`, entry.sent, entry.description))
	}
	if entry.status == http.StatusTooManyRequests {
		h.Set("Retry-After", "60")
	}
	if entry.status >= http.StatusInternalServerError {
		h.Del("WWW-Authenticate")
		if entry.status == http.StatusServiceUnavailable {
			h.Set("Retry-After", "1")
		}
		if !errors.Is(err, context.Canceled) { // else the caller has gone, and nothing is wrong here
			event.Fail(err)
		}
		if id != "" {
			entry.description += " Reference: " + id
		}
	}
	if entry.sent == "" {
		h.Del("Content-Type")
		w.WriteHeader(entry.status)
		return
	}
	h.Set("Content-Type", "application/json")
	w.WriteHeader(entry.status)
	body, err := json.Marshal(struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}{entry.sent, entry.description})
	if err == nil { // two strings cannot fail
		_, _ = w.Write(body) // nobody is left to tell
	}
}

// libraryError reads what the library wrote about a failure we did not cause ourselves. Only the code is believed, and only
// if the catalogue has it.
func libraryError(status int, body []byte) *protocolError {
	var e struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	_ = json.Unmarshal(body, &e) // what cannot be read has no code
	if _, ok := catalogue(e.Error); ok && e.Error != codeServerError {
		return &protocolError{code: e.Error, reason: "found while parsing"}
	}
	if status == http.StatusNotFound {
		return refuseRequest("no such endpoint")
	}
	return &protocolError{code: codeServerError, reason: "answered by the library"}
}

package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/keys"
	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// The codes of the API's own problems. Each has a sentence in the catalogue, as "api.problem." + code.
const (
	codeInvalidToken = "invalid_token"
	codeScope        = "insufficient_scope"
	codeFresh        = "fresh_proof_required" // an operator's session alone
	codeMalformed    = "malformed_json"
	codeInvalid      = "invalid"
	codeMediaType    = "unsupported_media_type"
	codeTooLarge     = "too_large"
	codeMatchMissing = "precondition_required"
	codeMatchFailed  = "precondition_failed"
	codeInProgress   = "request_in_progress"
	codeKeyReused    = "idempotency_key_reused"
	codeAlreadyDone  = "already_done"
	codeForbidden    = "forbidden"
	codeOwnAccount   = "own_account"
	codeApproval     = "approval_required"
	codeVoid         = "approval_void"
	codeNoApproval   = "no_approval"
	codeNotPartner   = "not_partner"
	codeNotFound     = "not_found"
	codeConflict     = "conflict"
	codeEnforced     = "enforced"
	codeLockout      = "lockout"
	codeNotSent      = "not_sent"
	codeNotReady     = "not_ready"
	codeTooMany      = "too_many_requests"
	codeBusy         = "busy"
	codeFrozen       = "frozen"
	codeExempt       = "exempt"
	codeNotDemanded  = "not_demanded"
	codeNoTicket     = "no_ticket_needed"
	codeNotEmpty     = "not_empty"
	codeInUse        = "in_use"
	codeLastManager  = "last_manager"
	codeEnough       = "enough"
)

// statusOf is the status of each problem.
func statusOf(code string) int {
	return map[string]int{
		codeInvalidToken: http.StatusUnauthorized, "unauthenticated": http.StatusUnauthorized,
		codeScope: http.StatusForbidden, codeFresh: http.StatusForbidden, codeForbidden: http.StatusForbidden, codeOwnAccount: http.StatusForbidden,
		codeApproval: http.StatusForbidden, codeNotPartner: http.StatusForbidden, codeVoid: http.StatusConflict, codeNoApproval: http.StatusConflict,
		codeMalformed: http.StatusBadRequest, codeInvalid: http.StatusUnprocessableEntity, codeMediaType: http.StatusUnsupportedMediaType,
		codeTooLarge: http.StatusRequestEntityTooLarge, codeMatchMissing: http.StatusPreconditionRequired, codeMatchFailed: http.StatusPreconditionFailed,
		codeInProgress: http.StatusConflict, codeKeyReused: http.StatusUnprocessableEntity, codeAlreadyDone: http.StatusConflict,
		codeNotFound: http.StatusNotFound, codeConflict: http.StatusConflict, codeEnforced: http.StatusConflict, codeLockout: http.StatusConflict,
		codeNotSent: http.StatusConflict, codeNotReady: http.StatusConflict, codeTooMany: http.StatusTooManyRequests, codeBusy: http.StatusServiceUnavailable,
		codeFrozen: http.StatusConflict, codeExempt: http.StatusConflict, codeNotDemanded: http.StatusConflict, codeNoTicket: http.StatusConflict,
		codeNotEmpty: http.StatusConflict, codeInUse: http.StatusConflict, codeLastManager: http.StatusConflict, codeEnough: http.StatusConflict,
	}[code]
}

// problem is a problem of a code, with its sentence.
func problem(code string) *web.Error {
	return &web.Error{Status: statusOf(code), Code: code, Message: "api.problem." + code}
}

// invalid is the problem of a request that can be read and does not fit.
func invalid(fields ...web.FieldProblem) *web.Error {
	e := problem(codeInvalid)
	e.Fields = fields
	return e
}

// problems are the codes that an operation can answer with, beside those of a server in trouble.
func (op *operation) problems() []string {
	codes := []string{"unauthenticated", codeInvalidToken, codeScope, codeForbidden}
	if op.method != http.MethodGet {
		codes = append(codes, codeFresh)
	}
	if strings.Contains(op.path, "{") {
		codes = append(codes, codeNotFound)
	}
	if op.body != nil {
		codes = append(codes, codeMalformed)
	}
	if op.body != nil || op.uploads {
		codes = append(codes, codeMediaType)
	}
	codes = append(codes, codeInvalid, codeTooLarge)
	if op.matches {
		codes = append(codes, codeMatchMissing, codeMatchFailed)
	}
	codes = append(codes, op.codes...)
	if op.keyed() {
		codes = append(codes, codeInProgress, codeAlreadyDone, codeKeyReused)
	}
	return append(codes, codeTooMany)
}

// standingProblems are the problems that an error of a use case always is.
func standingProblems() []struct {
	err  error
	code string
} {
	return []struct {
		err  error
		code string
	}{
		{store.ErrNotFound, codeNotFound},
		{ErrOwnAccount, codeOwnAccount},
		{ErrNoPass, codeForbidden},
		{ErrEnforced, codeEnforced},
		{ErrLockout, codeLockout},
		{ErrLastManager, codeLastManager},
		{ErrFrozen, codeFrozen},
		{ErrExempt, codeExempt},
		{ErrNotDemanded, codeNotDemanded},
		{mfa.ErrNoTicketDemanded, codeNoTicket},
		{ErrNotEmpty, codeNotEmpty},
		{ErrRoleInUse, codeInUse},
		{errClaimLost, codeInProgress},
	}
}

// explain turns an error of a use case into a problem. What it does not know stays as it is: [web.Toolkit.Error] has the rest.
func (a *API) explain(c *call, err error) error {
	known := func(code string) *web.Error {
		e := problem(code)
		e.Cause = err
		return e
	}
	for _, standing := range standingProblems() {
		if errors.Is(err, standing.err) {
			return known(standing.code)
		}
	}
	switch {
	case errors.Is(err, ErrForbidden):
		return known(codeForbidden)
	case errors.Is(err, ErrApprovalRequired):
		return known(codeApproval)
	case errors.Is(err, ErrNotPartner):
		return known(codeNotPartner)
	case errors.Is(err, ErrApprovalVoid):
		return known(codeVoid)
	case errors.Is(err, ErrNoApproval):
		return known(codeNoApproval)
	case errors.Is(err, ErrActorGone) && c.actor.client != nil:
		c.w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		return known(codeInvalidToken)
	case errors.Is(err, ErrActorGone):
		return web.ErrNoSession
	case errors.Is(err, ErrConflict) && c.op.matches:
		return known(codeMatchFailed)
	case errors.Is(err, ErrConflict), errors.Is(err, keys.ErrGone), errors.Is(err, keys.ErrUnderWay):
		return known(codeConflict)
	case errors.Is(err, keys.ErrNoNext):
		return known(codeNotReady)
	case errors.Is(err, account.ErrBusy):
		e := known(codeBusy)
		e.RetryAfter = busyFor
		return e
	}
	if e, ok := errors.AsType[*RateError](err); ok {
		p := known(codeTooMany)
		p.RetryAfter = max(e.Until.Sub(a.service.now()), time.Second)
		return p
	}
	if e, ok := errors.AsType[*UploadError](err); ok {
		_, reason, _ := strings.Cut(e.Reason, ".")
		return invalid(web.FieldProblem{Field: "body", Reason: reason, Message: a.sentence(web.Lang(c.r), e.Reason)})
	}
	if e, ok := errors.AsType[*ClientError](err); ok {
		fields := make([]web.FieldProblem, 0, len(e.Fields))
		for _, name := range slices.Sorted(maps.Keys(e.Fields)) {
			fields = append(fields, web.FieldProblem{Field: name, Reason: "invalid", Message: e.Fields[name]})
		}
		return invalid(fields...)
	}
	if e, ok := errors.AsType[*account.ValidationError](err); ok {
		return a.explainFields(web.Lang(c.r), e)
	}
	return err
}

// sentence is a sentence of the catalogue; the command line has no pages, and speaks English.
func (a *API) sentence(lang templates.Lang, key string, args ...any) string {
	if a.templates == nil {
		return templates.English(key, args...)
	}
	return a.templates.T(lang, key, args...)
}

// explainFields names what was refused by the words of the catalogue's keys.
func (a *API) explainFields(lang templates.Lang, e *account.ValidationError) error {
	if key, ok := e.Fields[templates.FormError]; ok {
		p := problem(codeNotSent)
		if key == templates.MsgRolesEnough {
			p = problem(codeEnough)
		}
		p.Message = key
		return p
	}
	fields := make([]web.FieldProblem, 0, len(e.Fields))
	for _, name := range slices.Sorted(maps.Keys(e.Fields)) {
		key := e.Fields[name]
		args := e.Args(name)
		if key == templates.MsgReasonLong {
			args = []any{"max", MaxReason}
		}
		_, reason, _ := strings.Cut(key, ".")
		fields = append(fields, web.FieldProblem{Field: apiField(name), Reason: reason, Message: a.sentence(lang, key, args...)})
	}
	return invalid(fields...)
}

// apiField is what the API calls a field that a form calls otherwise.
func apiField(name string) string {
	switch name {
	case FieldIdentity:
		return "identity_checked"
	case FieldDays:
		return "trust_days"
	case FieldGrace:
		return "grace_days"
	case FieldDate:
		return "on"
	case FieldTyped:
		return "login_id"
	case FieldGroup:
		return "user_group_id"
	}
	return name
}

// asNumber is a number as readJSON returns it.
func asNumber(n int) json.Number { return json.Number(strconv.Itoa(n)) }

// decode reads a body that was checked.
func decode(raw []byte, into reflect.Value) error {
	if err := json.Unmarshal(raw, into.Addr().Interface()); err != nil {
		return fmt.Errorf("decode checked body: %w", err)
	}
	return nil
}

package mfa

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// HandlerConfig is what a Handler is made of.
type HandlerConfig struct {
	// Service has the rules.
	Service *Service
	// Templates draw the pages.
	Templates *templates.Set
	// Toolkit finds sign-ins and sessions and answers errors.
	Toolkit *web.Toolkit
	// AllowReturn lets a page's forms lead back to the application that a sign-in is for.
	AllowReturn func(r *http.Request, flow store.Flow)
	// Zone is the time zone of times on pages; nil means UTC.
	Zone *time.Location
}

// Handler serves the pages of the second factor.
type Handler struct {
	service   *Service
	templates *templates.Set
	kit       *web.Toolkit
	allow     func(r *http.Request, flow store.Flow)
	zone      *time.Location
}

// NewHandler makes a Handler.
func NewHandler(c HandlerConfig) (*Handler, error) {
	switch {
	case c.Service == nil:
		return nil, errors.New("mfa: Service is missing")
	case c.Templates == nil:
		return nil, errors.New("mfa: Templates is missing")
	case c.Toolkit == nil:
		return nil, errors.New("mfa: Toolkit is missing")
	case c.AllowReturn == nil:
		return nil, errors.New("mfa: AllowReturn is missing")
	}
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	return &Handler{service: c.Service, templates: c.Templates, kit: c.Toolkit, allow: c.AllowReturn, zone: c.Zone}, nil
}

// The addresses of the pages.
const (
	pathSignIn    = "/signin"
	pathContinue  = "/signin/continue"
	pathCancel    = "/signin/cancel"
	pathTicket    = "/signin/ticket"
	pathMethods   = "/signin/two-factor"
	pathLater     = "/signin/two-factor/later"
	pathEmail     = "/signin/two-factor/email"
	pathSMS       = "/signin/two-factor/sms"
	pathApp       = "/signin/two-factor/totp"
	pathPasskey   = "/signin/two-factor/passkey"
	pathChallenge = "/signin/challenge"
	pathOthers    = "/signin/challenge/methods"
	pathBackup    = "/signin/challenge/backup"
	pathCodes     = "/signin/backup-codes"
	pathCodesText = "/signin/backup-codes.txt"

	pathLogin            = "/signin/passkey"
	pathLoginOptions     = pathLogin + "/options"
	pathPasskeyOptions   = pathPasskey + "/options"
	pathChallengePasskey = pathChallenge + "/passkey"
	pathChallengeOptions = pathChallengePasskey + "/options"

	pathSecurity         = "/account/security"
	pathOperatorSecurity = "/admin/security"

	pathUndo   = "/account/undo"
	pathUndone = "/account/undo/done"

	pathStop    = "/account/stop"
	pathStopped = "/account/stop/done"

	pathConsole         = "/admin"
	pathSignOut         = "/logout"
	pathOperatorSignOut = "/logout/confirm?kind=operator"
)

// The pages of a person's own security settings, below the page that shows them all.
const (
	selfEmail          = "/email"
	selfSMS            = "/sms"
	selfPasskeys       = "/passkey"
	selfApp            = "/totp"
	selfCodes          = "/backup-codes"
	selfCodesText      = "/backup-codes.txt"
	selfPasskeyOptions = selfPasskeys + "/options"
	selfPasskeyRename  = selfPasskeys + "/{id}/rename"
	selfPasskeyRemove  = selfPasskeys + "/{id}/remove"
	selfEndSession     = "/sessions/{id}/end"
	selfEndOthers      = "/sessions/end-others"
	selfOrder          = "/order"
	selfRemove         = "/{method}/remove"
	selfPassword       = "/password"
)

// The fields that an error can be about.
const (
	fieldCode  = "code"
	fieldEmail = "email"
	fieldPhone = "tel"
)

// Mount adds the pages to a router that carries the toolkit's stack.
func (h *Handler) Mount(r chi.Router) {
	r.Get(pathTicket, h.inFlow(h.getTicket))
	r.Post(pathTicket, h.inFlow(h.postTicket))
	r.Get(pathMethods, h.inFlow(h.getMethods))
	r.Post(pathMethods, h.inFlow(h.postMethods))
	r.Get(pathLater, h.inFlow(h.getLater))
	r.Post(pathLater, h.inFlow(h.postLater))
	r.Get(pathEmail, h.inFlow(h.getSetUpAddress(signin.Email)))
	r.Post(pathEmail, h.inFlow(h.postSetUpAddress(signin.Email)))
	r.Get(pathSMS, h.inFlow(h.getSetUpAddress(signin.SMS)))
	r.Post(pathSMS, h.inFlow(h.postSetUpAddress(signin.SMS)))
	r.Get(pathApp, h.inFlow(h.getSetUpApp))
	r.Post(pathApp, h.inFlow(h.postSetUpApp))
	r.Get(pathPasskey, h.inFlow(h.getSetUpPasskey))
	r.Post(pathPasskey, h.inFlow(h.postSetUpPasskey))
	r.Post(pathPasskeyOptions, h.inFlow(h.postSetUpOptions))
	r.Post(pathLoginOptions, h.kit.Handle(h.postLoginOptions))
	r.Post(pathLogin, h.kit.Handle(h.postLogin))
	r.Post(pathChallengeOptions, h.inFlow(h.postChallengeOptions))
	r.Post(pathChallengePasskey, h.inFlow(h.postPasskeyChallenge))
	r.Get(pathChallengePasskey, h.inFlow(h.getChallengePasskey))
	r.Get(pathChallenge, h.inFlow(h.getChallenge))
	r.Post(pathChallenge, h.inFlow(h.postChallenge))
	r.Get(pathChallenge+"/{method}", h.inFlow(h.getChallenge))
	r.Post(pathChallenge+"/{method}", h.inFlow(h.postChallenge))
	r.Get(pathOthers, h.inFlow(h.getOthers))
	r.Get(pathBackup, h.inFlow(h.getBackup))
	r.Post(pathBackup, h.inFlow(h.postBackup))
	r.Get(pathPass, h.inFlow(h.getPass))
	r.Post(pathPass, h.inFlow(h.postPass))
	r.Get(pathCodes, h.inFlow(h.getFlowCodes))
	r.Post(pathCodes, h.inFlow(h.postFlowCodes))
	r.Get(pathCodesText, h.inFlow(h.getFlowCodesText))

	// Whoever types the provider's bare address looks for what is theirs.
	r.Get("/", h.kit.Handle(func(w http.ResponseWriter, r *http.Request) error { return web.SeeOther(w, r, pathSecurity) }))

	r.Get(pathUndo, h.kit.Handle(h.getUndo))
	r.Post(pathUndo, h.kit.Handle(h.postUndo))
	r.Get(pathUndone, h.kit.Handle(h.getUndone))
	r.Get(pathStop, h.kit.Handle(h.getStop))
	r.Post(pathStop, h.kit.Handle(h.postStop))
	r.Get(pathStopped, h.kit.Handle(h.getStopped))

	for _, place := range []place{{pathSecurity, web.Customer}, {pathOperatorSecurity, web.Operator}} {
		r.Group(func(r chi.Router) {
			r.Use(h.kit.Sessions.Require(place.kind))
			h.mountSelfService(r, place)
		})
	}
}

// place is where people of a kind find the pages of their own security settings.
type place struct {
	base string
	kind web.Kind
}

func (h *Handler) mountSelfService(r chi.Router, at place) {
	in := func(step func(sessionRequest) error) http.HandlerFunc { return h.inSession(at, step) }
	r.Get(at.base, in(h.getSecurity))
	r.Get(at.base+selfEmail, in(h.getChangeAddress(signin.Email)))
	r.Post(at.base+selfEmail, in(h.postChangeAddress(signin.Email)))
	r.Get(at.base+selfSMS, in(h.getChangeAddress(signin.SMS)))
	r.Post(at.base+selfSMS, in(h.postChangeAddress(signin.SMS)))
	r.Get(at.base+selfApp, in(h.getChangeApp))
	r.Post(at.base+selfApp, in(h.postChangeApp))
	r.Get(at.base+selfPasskeys, in(h.getPasskeys))
	r.Post(at.base+selfPasskeys, in(h.postAddPasskey))
	r.Post(at.base+selfPasskeyOptions, in(h.postAddOptions))
	r.Post(at.base+selfPasskeyRename, in(h.postRenamePasskey))
	r.Get(at.base+selfPasskeyRemove, in(h.getRemovePasskey))
	r.Post(at.base+selfPasskeyRemove, in(h.postRemovePasskey))
	r.Get(at.base+selfCodes, in(h.getSessionCodes))
	r.Post(at.base+selfCodes, in(h.postSessionCodes))
	r.Get(at.base+selfCodesText, in(h.getSessionCodesText))
	r.Get(at.base+selfRemoveDevice, in(h.getRemoveDevice))
	r.Post(at.base+selfRemoveDevice, in(h.postRemoveDevice))
	r.Get(at.base+selfRemoveDevices, in(h.getRemoveDevices))
	r.Post(at.base+selfRemoveDevices, in(h.postRemoveDevices))
	r.Get(at.base+selfRevokeApp, in(h.getRevokeApp))
	r.Post(at.base+selfRevokeApp, in(h.postRevokeApp))
	r.Post(at.base+selfEndSession, in(h.postEndSession))
	r.Post(at.base+selfEndOthers, in(h.postEndOtherSessions))
	r.Get(at.base+selfOrder, in(h.getOrder))
	r.Post(at.base+selfOrder, in(h.postOrder))
	r.Get(at.base+selfRemove, in(h.getRemove))
	r.Post(at.base+selfRemove, in(h.postRemove))
}

// flowRequest is a request that belongs to a sign-in whose password was accepted.
type flowRequest struct {
	w    http.ResponseWriter
	r    *http.Request
	flow store.Flow
	acc  store.Account
}

// to is the address of one of the sign-in's pages.
func (q flowRequest) to(path string) string {
	return path + "?flow=" + url.QueryEscape(string(q.flow.ID))
}

// inFlow finds the sign-in of a request, and answers what every step answers alike: a sign-in that stands elsewhere goes back
// to the dispatcher, which knows where it belongs. So a second tab, the back button or a double click never meets an error and
// never skips a step.
func (h *Handler) inFlow(step func(flowRequest) error) http.HandlerFunc {
	return h.kit.Handle(func(w http.ResponseWriter, r *http.Request) error {
		row, err := h.kit.Flows.LoadAccount(r)
		if errors.Is(err, web.ErrFlowGone) {
			return h.astray(w, r, err)
		}
		if err != nil {
			return err
		}
		h.allow(r, row.Flow)
		q := flowRequest{w: w, r: r, flow: row.Flow, acc: row.Account}
		err = step(q)
		switch {
		case errors.Is(err, ErrFlowGone):
			return h.astray(w, r, web.ErrFlowGone)
		case errors.Is(err, ErrWrongStep), errors.Is(err, ErrAlreadySetUp), errors.Is(err, ErrMethod):
			return web.SeeOther(w, r, q.to(pathContinue))
		}
		return later(err)
	})
}

// later answers those who must try again another time.
func later(err error) error {
	switch {
	case errors.Is(err, ErrFrozen):
		return &web.Error{Status: http.StatusForbidden, Code: "frozen", Message: templates.MsgFrozen, Cause: err}
	case errors.Is(err, ErrBusy):
		return &web.Error{Status: http.StatusServiceUnavailable, Code: "busy", RetryAfter: busyRetry, Cause: err}
	case errors.Is(err, ErrTooManyCodes), errors.Is(err, ErrTooManySends), errors.Is(err, ErrTooManyCeremonies):
		return web.TooMany(limitRetry, err)
	}
	return err
}

const (
	// busyRetry is how soon somebody may try again who met a full queue.
	busyRetry = 5 * time.Second
	// limitRetry is how soon somebody may try again whose budget is used up.
	limitRetry = time.Hour
)

// astray answers a request whose sign-in was not found. A posted form may be the second press of a button whose first press
// renewed the flow's secret, and a page may belong to a sign-in that has no account yet: the dispatcher tells these from a
// sign-in that is over.
func (h *Handler) astray(w http.ResponseWriter, r *http.Request, gone error) error {
	id := r.URL.Query().Get("flow")
	if !store.ValidID(id) {
		return gone
	}
	if r.Method != http.MethodPost {
		if _, err := h.kit.Flows.Load(r); err != nil {
			return err
		}
	}
	return web.SeeOther(w, r, pathContinue+"?flow="+url.QueryEscape(id))
}

// frame surrounds a page of the sign-in.
func (h *Handler) frame(q flowRequest) templates.Frame {
	f := h.kit.Frame(q.w, q.r)
	f.Admin = web.Kind(q.acc.Kind) == web.Operator
	return f
}

// proved hands the browser the secret that a proof renewed, and sends it to the dispatcher.
func (h *Handler) proved(q flowRequest, secret string) error {
	web.SetFlowCookie(q.w, q.r, q.flow.ID, secret)
	return web.SeeOther(q.w, q.r, q.to(pathContinue))
}

// passed is proved after a challenge, which may have made the browser a trusted device.
func (h *Handler) passed(q flowRequest, done Proved) error {
	if done.Device != "" {
		web.SetDeviceCookie(q.w, q.r, q.acc.ID, done.Device)
	}
	return h.proved(q, done.Secret)
}

// sessionRequest is a request with a full session.
type sessionRequest struct {
	w       http.ResponseWriter
	r       *http.Request
	session web.Session
	at      place
}

// inSession hands a request's session to a step, and answers what every step answers alike.
func (h *Handler) inSession(at place, step func(sessionRequest) error) http.HandlerFunc {
	return h.kit.Handle(func(w http.ResponseWriter, r *http.Request) error {
		session, ok := web.SessionFrom(r.Context())
		if !ok {
			return web.ErrNoSession
		}
		err := step(sessionRequest{w: w, r: r, session: session, at: at})
		switch {
		case errors.Is(err, ErrJustDone), errors.Is(err, ErrSessionGone):
			// A second press whose first one renewed the token, or a session that ended this very moment.
			return web.SeeOther(w, r, at.base)
		case errors.Is(err, ErrNotFresh):
			return web.SeeOther(w, r, web.StartURL(r.URL.Path, true))
		case errors.Is(err, ErrNothingSetUp):
			return web.SeeOther(w, r, at.base)
		case errors.Is(err, ErrMethod):
			return web.NotFound(err)
		}
		return later(err)
	})
}

// selfFrame surrounds a page of the person's own settings.
func (h *Handler) selfFrame(q sessionRequest) templates.Frame {
	f := h.kit.Frame(q.w, q.r)
	f.Admin = q.at.kind == web.Operator
	return f
}

// codeErrors maps what may be wrong with the two-step form and with the code forms to their fields.
func (h *Handler) codeErrors(lang templates.Lang, method signin.Method, err error) (web.FieldErrors, bool) {
	field, key := fieldCode, ""
	address := fieldEmail
	if method == signin.SMS {
		address = fieldPhone
	}
	var args []any
	wait, waits := errors.AsType[*WaitError](err)
	_, locked := errors.AsType[*LockedError](err)
	switch {
	case waits:
		field, key, args = address, templates.MsgResendWait, []any{"seconds", wait.Seconds}
	case locked, errors.Is(err, ErrFactorDisabled):
		key = templates.MsgPaused
	case errors.Is(err, ErrEmailBlank):
		field, key = fieldEmail, templates.MsgEmailBlank
	case errors.Is(err, ErrEmailForm), errors.Is(err, ErrAddress) && method == signin.Email:
		field, key = fieldEmail, templates.MsgEmailForm
	case errors.Is(err, ErrPhoneBlank):
		field, key = fieldPhone, templates.MsgPhoneBlank
	case errors.Is(err, ErrPhoneForm), errors.Is(err, ErrPhoneLong), errors.Is(err, ErrAddress):
		field, key = fieldPhone, templates.MsgPhoneForm
	case errors.Is(err, ErrPhoneCountry):
		field, key = fieldPhone, templates.MsgPhoneCountry
	case errors.Is(err, ErrPhoneNotMobile):
		field, key = fieldPhone, templates.MsgPhoneNotMobile
	case errors.Is(err, ErrAddressChanged) && method == signin.SMS:
		field, key = fieldPhone, templates.MsgPhoneEdited
	case errors.Is(err, ErrEmailLong):
		field, key = fieldEmail, templates.MsgEmailLong
	case errors.Is(err, ErrAddressChanged):
		field, key = address, templates.MsgAddressEdited
	case errors.Is(err, ErrTooManySends):
		field, key = address, templates.MsgSendLimit
	case errors.Is(err, ErrNotSent):
		key = templates.MsgSendFirst
	case errors.Is(err, ErrCodeBlank):
		key = templates.MsgCodeBlank
	case errors.Is(err, ErrCodeForm):
		key = templates.MsgCodeForm
	case errors.Is(err, ErrWrongCode):
		key = templates.MsgCodeWrong
	case errors.Is(err, ErrTriesSpent):
		key = templates.MsgCodeTries
	default:
		return nil, false
	}
	return web.FieldErrors{field: h.templates.T(lang, key, args...)}, true
}

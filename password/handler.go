package password

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// HandlerConfig is what a [Handler] is made of. Every field is required.
type HandlerConfig struct {
	// Service has the use cases.
	Service *Service
	// Templates draw the pages.
	Templates *templates.Set
	// Toolkit finds sessions and answers errors.
	Toolkit *web.Toolkit
}

// Handler serves the pages of passwords.
type Handler struct {
	service   *Service
	templates *templates.Set
	kit       *web.Toolkit
}

// NewHandler returns a Handler.
func NewHandler(c HandlerConfig) (*Handler, error) {
	if c.Service == nil || c.Templates == nil || c.Toolkit == nil {
		return nil, errors.New("make password handler: Service, Templates and Toolkit are required")
	}
	return &Handler{service: c.Service, templates: c.Templates, kit: c.Toolkit}, nil
}

// place is where people of a kind find the pages. Customers and operators have pages apart, so that an installation can keep
// everything of the console within its own network.
type place struct {
	kind web.Kind
	// forgot asks whose password is forgotten, sent says that a mail is on its way.
	forgot, sent string
	// reset takes the new password behind a link, done says that it counts.
	reset, done string
	// security is the page that change is reached from.
	security, change string
	// home is a page that needs a sign-in.
	home string
}

// places are those of customers and of operators.
func places() []place {
	return []place{
		{
			kind: web.Customer, forgot: templates.PathForgot, sent: "/password/sent", reset: "/password/reset", done: "/password/done",
			security: "/account/security", change: "/account/security/password", home: "/account/security",
		},
		{
			kind: web.Operator, forgot: templates.PathOperatorForgot, sent: "/admin/password/sent", reset: "/admin/password/reset",
			done: "/admin/password/done", security: "/admin/security", change: "/admin/security/password", home: "/admin",
		},
	}
}

func placeOf(kind web.Kind) place {
	all := places()
	if kind == web.Operator {
		return all[1]
	}
	return all[0]
}

// resetURL is where a link leads.
func resetURL(at place, secret string) string {
	return at.reset + "?" + url.Values{"ticket": {secret}}.Encode()
}

// Mount adds the pages to a router that carries the toolkit's stack.
func (h *Handler) Mount(r chi.Router) {
	for _, at := range places() {
		in := func(step func(request) error) http.HandlerFunc {
			return h.kit.Handle(func(w http.ResponseWriter, r *http.Request) error { return later(step(request{w: w, r: r, at: at})) })
		}
		r.Get(at.forgot, in(h.getForgot))
		r.Post(at.forgot, in(h.postForgot))
		r.Get(at.sent, in(h.getSent))
		r.Get(at.reset, in(h.getReset))
		r.Post(at.reset, in(h.postReset))
		r.Get(at.done, in(h.getDone))
		r.Group(func(r chi.Router) {
			r.Use(h.kit.Sessions.Require(at.kind))
			r.Get(at.change, in(h.inSession(h.getChange)))
			r.Post(at.change, in(h.inSession(h.postChange)))
		})
	}
}

// request is a request for one of the pages.
type request struct {
	w  http.ResponseWriter
	r  *http.Request
	at place
}

const (
	// busyRetry is how soon somebody may try again who met a full queue.
	busyRetry = 2 * time.Second
	// limitRetry is how soon somebody may try again whose budget is used up.
	limitRetry = time.Hour
)

// later answers those who must try again another time.
func later(err error) error {
	switch {
	case errors.Is(err, account.ErrBusy):
		return &web.Error{Status: http.StatusServiceUnavailable, Code: "busy", RetryAfter: busyRetry, Cause: err}
	case errors.Is(err, ErrTooManyNotices):
		return web.TooMany(limitRetry, err)
	}
	if b, ok := errors.AsType[*BudgetError](err); ok {
		if b.All {
			return &web.Error{Status: http.StatusServiceUnavailable, Code: "busy", RetryAfter: b.Wait, Cause: err}
		}
		return web.TooMany(b.Wait, err)
	}
	return err
}

// fieldErrors turns what a person can correct into the sentences of a form; ok is false for any other error.
func (h *Handler) fieldErrors(lang templates.Lang, err error) (texts web.FieldErrors, ok bool) {
	e, ok := errors.AsType[*account.ValidationError](err)
	if !ok {
		return nil, false
	}
	texts = web.FieldErrors{}
	for field, key := range e.Fields {
		texts[field] = h.templates.T(lang, key, e.Args(field)...)
	}
	return texts, true
}

// flowOf is the sign-in that somebody came from, as the address says; "" if none.
func flowOf(r *http.Request) store.FlowID {
	ids := r.URL.Query()["flow"]
	if len(ids) != 1 || !store.ValidID(ids[0]) {
		return ""
	}
	return store.FlowID(ids[0])
}

// of adds the sign-in that somebody came from to an address.
func (q request) of(path string) string {
	if id := flowOf(q.r); id != "" {
		return path + "?" + url.Values{"flow": {string(id)}}.Encode()
	}
	return path
}

// signIn leads back to the sign-in that somebody came from, or to the beginning of another.
func (q request) signIn() string {
	if flowOf(q.r) != "" {
		return q.of("/signin")
	}
	return web.StartURL(q.at.home, false)
}

func (h *Handler) getForgot(q request) error { return h.renderForgot(q, http.StatusOK, "", nil) }

func (h *Handler) postForgot(q request) error {
	form, err := web.ParseForm(q.w, q.r)
	if err != nil {
		return err
	}
	lang := web.Lang(q.r)
	login := form.Text("username")
	if login == "" {
		return h.renderForgot(q, http.StatusUnprocessableEntity, login, web.FieldErrors{
			"username": h.templates.T(lang, templates.MsgLoginUsernameBlank),
		})
	}
	if err := h.service.Request(q.r.Context(), q.at.kind, login, lang); err != nil {
		return err
	}
	return web.SeeOther(q.w, q.r, q.of(q.at.sent))
}

func (h *Handler) renderForgot(q request, status int, login string, errs web.FieldErrors) error {
	return h.templates.PasswordForgot.Render(q.w, status, h.kit.Frame(q.w, q.r), templates.PasswordForgotView{
		Action: q.of(q.at.forgot), BackURL: q.signIn(), Username: login, Errors: errs,
	})
}

// getSent says the same to everybody: whether a mail was sent is told by the mail alone.
func (h *Handler) getSent(q request) error {
	return h.templates.PasswordSent.Render(q.w, http.StatusOK, h.kit.Frame(q.w, q.r), templates.PasswordSentView{
		BackURL: q.signIn(), AgainURL: q.of(q.at.forgot), Minutes: h.service.LinkMinutes(),
	})
}

// getReset shows the form behind a link. The link stays good: programs open links before people do.
func (h *Handler) getReset(q request) error {
	query, err := web.ParseQuery(q.r)
	if err != nil {
		return err
	}
	return h.renderReset(q, http.StatusOK, query.Raw("ticket"), nil)
}

func (h *Handler) postReset(q request) error {
	form, err := web.ParseForm(q.w, q.r)
	if err != nil {
		return err
	}
	lang := web.Lang(q.r)
	ticket := form.Raw("ticket")
	err = h.service.Reset(q.r.Context(), q.at.kind, ticket, form.Raw("password"), lang)
	if err == nil {
		web.Event(q.r.Context()).Add(slog.String("outcome", "password_reset"))
		return web.SeeOther(q.w, q.r, q.at.done)
	}
	if errors.Is(err, ErrTicket) {
		return h.renderVoid(q)
	}
	errs, ok := h.fieldErrors(lang, err)
	if !ok {
		return err
	}
	return h.renderReset(q, http.StatusUnprocessableEntity, ticket, errs)
}

func (h *Handler) renderReset(q request, status int, ticket string, errs web.FieldErrors) error {
	c, err := h.service.Resetting(q.r.Context(), q.at.kind, ticket)
	if errors.Is(err, ErrTicket) {
		return h.renderVoid(q)
	}
	if err != nil {
		return err
	}
	f := h.kit.Frame(q.w, q.r)
	f.Path = resetURL(q.at, ticket) // in the other language it is the same form, also after a post
	return h.templates.PasswordReset.Render(q.w, status, f, templates.PasswordResetView{
		Action: q.at.reset, Ticket: ticket, LoginID: c.LoginID, Min: c.Min, Errors: errs,
	})
}

// renderVoid says that a link opens nothing, in one way for all that there may be wrong with it.
func (h *Handler) renderVoid(q request) error {
	web.Event(q.r.Context()).Add(slog.String("outcome", "link_void"))
	return h.templates.PasswordVoid.Render(q.w, http.StatusGone, h.kit.Frame(q.w, q.r), templates.PasswordVoidView{AgainURL: q.at.forgot})
}

func (h *Handler) getDone(q request) error {
	return h.templates.PasswordDone.Render(q.w, http.StatusOK, h.kit.Frame(q.w, q.r), templates.PasswordDoneView{
		SignInURL: web.StartURL(q.at.home, false),
	})
}

// inSession hands a request's session to a step, and answers what both steps answer alike.
func (h *Handler) inSession(step func(q request, session web.Session) error) func(request) error {
	return func(q request) error {
		session, ok := web.SessionFrom(q.r.Context())
		if !ok {
			return web.ErrNoSession
		}
		err := step(q, session)
		switch {
		case errors.Is(err, ErrSessionGone):
			// A second press whose first one renewed the token, or a session that ended this very moment.
			return web.SeeOther(q.w, q.r, q.at.security)
		case errors.Is(err, ErrNotFresh):
			return web.SeeOther(q.w, q.r, web.StartURL(q.at.change, true))
		}
		return err
	}
}

func (h *Handler) getChange(q request, session web.Session) error {
	return h.renderChange(q, session, http.StatusOK, nil)
}

func (h *Handler) postChange(q request, session web.Session) error {
	form, err := web.ParseForm(q.w, q.r)
	if err != nil {
		return err
	}
	ctx, lang := q.r.Context(), web.Lang(q.r)
	token, err := h.service.Change(ctx, session.ID, form.Raw(FieldCurrent), form.Raw(account.FieldPassword), lang)
	if err == nil {
		web.Event(ctx).Add(slog.String("outcome", "password_changed"))
		web.SetSessionCookie(q.w, session.Kind, token)
		h.kit.SetFlash(q.w, templates.FlashPasswordChanged)
		return web.SeeOther(q.w, q.r, q.at.security)
	}
	if _, paused := errors.AsType[*account.ThrottledError](err); paused {
		return h.renderChange(q, session, http.StatusTooManyRequests, web.FieldErrors{FieldCurrent: h.templates.T(lang, templates.MsgPasswordPaused)})
	}
	if errors.Is(err, ErrWrongPassword) {
		return h.renderChange(q, session, http.StatusUnprocessableEntity, web.FieldErrors{FieldCurrent: h.templates.T(lang, templates.MsgCurrentWrong)})
	}
	errs, ok := h.fieldErrors(lang, err)
	if !ok {
		return err
	}
	return h.renderChange(q, session, http.StatusUnprocessableEntity, errs)
}

func (h *Handler) renderChange(q request, session web.Session, status int, errs web.FieldErrors) error {
	c, err := h.service.Changing(q.r.Context(), session.ID)
	if err != nil {
		return err
	}
	return h.templates.PasswordChange.Render(q.w, status, h.kit.Frame(q.w, q.r), templates.PasswordChangeView{
		Action: q.at.change, BackURL: q.at.security, LoginID: c.LoginID, Min: c.Min, Errors: errs,
	})
}

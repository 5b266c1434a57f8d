package admin

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// freshFor is how old the proofs of an operator who changes something may be (I13).
const freshFor = 5 * time.Minute

// busyFor is how long whoever finds too much being hashed should wait.
const busyFor = 2 * time.Second

// signOutAction is where the console's sign-out button posts to.
const signOutAction = "/logout/confirm?kind=operator"

// securityURL is where operators find their own security settings.
const securityURL = "/admin/security"

// HandlerConfig is what a [Handler] is made of. Every field is required.
type HandlerConfig struct {
	// Service has the use cases.
	Service *Service
	// Templates renders the pages.
	Templates *templates.Set
	// Toolkit guards the routes and answers errors.
	Toolkit *web.Toolkit
	// Issuer is the public base URL, which applications are told.
	Issuer string
	// Zone is the time zone of the times shown and of the days in filters.
	Zone *time.Location
	// Now is the clock.
	Now func() time.Time
	// JWKSURL is where the public halves of signing keys are.
	JWKSURL string
}

// Handler serves the console's pages.
type Handler struct {
	service   *Service
	templates *templates.Set
	kit       *web.Toolkit
	issuer    string
	zone      *time.Location
	now       func() time.Time
	jwksURL   string
}

// NewHandler returns a Handler.
func NewHandler(c HandlerConfig) (*Handler, error) {
	if c.Service == nil || c.Templates == nil || c.Toolkit == nil || c.Issuer == "" || c.Zone == nil || c.Now == nil || c.JWKSURL == "" {
		return nil, errors.New("make admin handler: Service, Templates, Toolkit, Issuer, Zone, Now and JWKSURL are required")
	}
	return &Handler{service: c.Service, templates: c.Templates, kit: c.Toolkit, issuer: c.Issuer, zone: c.Zone, now: c.Now, jwksURL: c.JWKSURL}, nil
}

// Mount adds the console's routes. All need an operator's session; whatever changes something needs a fresh proof too, which one
// gate before all of them sees to.
func (h *Handler) Mount(r chi.Router) {
	r.Group(func(r chi.Router) {
		pages := formPages{}
		r.Use(h.kit.Sessions.Require(web.Operator), h.withActor, h.gate(pages))
		get := func(path string, f web.HandlerFunc) { r.Get(path, h.kit.Handle(f)) }
		form := func(path string, show, save web.HandlerFunc) {
			get(path, show)
			r.Post(path, h.kit.Handle(save))
		}
		// formOn is form for one that another page shows.
		formOn := func(page formPage, path string, save web.HandlerFunc) {
			pages[path] = page
			form(path, toForm(page), save)
		}

		get(templates.PathDashboard, h.getDashboard)
		get("/admin/customers", h.getCustomers)
		form("/admin/customers/new", h.getNewCustomer, h.postNewCustomer)
		h.mountImport(r, get, form)
		get("/admin/customers/{id}", h.getCustomer)
		get("/admin/customers/{id}/groups", h.getCustomerGroups)
		form("/admin/customers/{id}/edit", h.getEditCustomer, h.postEditCustomer)
		form("/admin/customers/{id}/groups/new", h.getNewGroup, h.postNewGroup)
		h.mountBulk(get, form)
		h.mountRemove(form)
		form("/admin/groups/{id}/edit", h.getEditGroup, h.postEditGroup)
		form("/admin/groups/{id}/accounts/new", h.getNewAccount, h.postNewAccount)

		get("/admin/operators", h.getOperators)
		form("/admin/operators/new", h.getNewOperator, h.postNewOperator)
		get(templates.PathRoles, h.getRoles)
		form(templates.PathRoles+"/new", h.getNewRole, h.postNewRole)
		form(templates.PathRoles+"/{role}", h.getRole, h.postRole)
		form(templates.PathRoles+"/{role}/delete", h.getDeleteRole, h.postDeleteRole)

		form("/admin/accounts/{id}", h.getAccount, h.postAccount)
		// Their forms are on the account's page.
		parent := func(r *http.Request) string { return accountURL(store.AccountID(chi.URLParam(r, "id"))) }
		for path, save := range map[string]web.HandlerFunc{"password": h.postPassword, "state": h.postState, "reset-mail": h.postResetMail} {
			formOn(parent, "/admin/accounts/{id}/"+path, save)
		}
		h.mountAccess(formOn)
		get("/admin/accounts/{id}/activity", h.getActivity)
		formOn(parent, "/admin/accounts/{id}/unmask", h.postUnmask)
		form("/admin/accounts/{id}/two-factor", h.getTwoFactor, h.postTwoFactor)
		form("/admin/accounts/{id}/two-factor/reset", h.getReset, h.postReset)
		form("/admin/accounts/{id}/two-factor/reset/{method}", h.getReset, h.postReset)
		get("/admin/resets/{id}", h.getResetDone)
		form("/admin/customers/{id}/reset", h.getBulkReset, h.postBulkReset)
		get("/admin/customers/{id}/reset/{form}", h.getBulkDone)
		form("/admin/accounts/{id}/two-factor/ticket", h.getTicket, h.postTicket)
		form("/admin/accounts/{id}/two-factor/devices", h.getDevices, h.postDevices)
		// The button of one device is on the page of the account's second factor.
		twoFactor := func(r *http.Request) string {
			return accountURL(store.AccountID(chi.URLParam(r, "id"))) + "/two-factor"
		}
		ticket := func(r *http.Request) string { return twoFactor(r) + "/ticket" }
		formOn(ticket, "/admin/accounts/{id}/two-factor/ticket/done", h.postTicketDone)
		formOn(twoFactor, "/admin/accounts/{id}/two-factor/devices/{device}", h.postDevice)
		formOn(twoFactor, "/admin/accounts/{id}/two-factor/unmask", h.postUnmaskFactor)
		formOn(twoFactor, "/admin/accounts/{id}/two-factor/thaw", h.postThaw)

		form("/admin/accounts/{id}/two-factor/exemption", h.getExempt, h.postExempt)
		formOn(twoFactor, "/admin/accounts/{id}/two-factor/exemption/end", h.postExemptionEnd)
		form("/admin/accounts/{id}/two-factor/pass", h.getPass, h.postPass)
		formOn(twoFactor, "/admin/accounts/{id}/two-factor/pass/withdraw", h.postPassWithdraw)
		get("/admin/accounts/{id}/two-factor/pass/issued", h.getPassIssued)
		get(templates.PathExemptions, h.getExemptions)

		h.mountApprovals(get, form, formOn)
		form("/admin/settings/two-factor", h.getSettings, h.postSettings)
		form("/admin/settings/two-factor/confirm", h.getSettingsConfirm, h.postSettingsConfirm)
		h.mountRollout(get, form, pages)
		h.mountClients(r, get, form, pages)
		h.mountRegistration(get, form)
		get(templates.PathMethods, h.getMethods)
		form(templates.PathMethods+"/{surface}", h.getMethodsForm, h.postMethodsForm)
		form(templates.PathMethods+"/{surface}/confirm", h.getMethodsConfirm, h.postMethodsConfirm)

		h.mountKeys(get, form)

		get("/admin/audit", h.getAudit)
		pages[exportURL] = func(*http.Request) string { return templates.PathAudit }
		form(exportURL, redirectTo(templates.PathAudit), h.postAuditExport)
		get(templates.PathActs, h.getActs)
		get("/admin/deliveries", h.getDeliveries)
		get("/admin/deliveries/{id}", h.getMessage)
	})
}

// mountPage adds a page, mountForm a form and what it does.
type (
	mountPage func(path string, show web.HandlerFunc)
	mountForm func(path string, show, save web.HandlerFunc)
)

func redirectTo(path string) web.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error { return web.SeeOther(w, r, path) }
}

// toForm leads from an address that only takes posts to the page of an account that has the form.
func toForm(page formPage) web.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		if !store.ValidID(chi.URLParam(r, "id")) {
			return store.ErrNotFound
		}
		return web.SeeOther(w, r, page(r))
	}
}

type (
	actorKey   struct{}
	waitingKey struct{}
)

// waitingFor is what waits for the operator of a request that passed withActor.
func waitingFor(r *http.Request) ApprovalCount {
	n, _ := r.Context().Value(waitingKey{}).(ApprovalCount)
	return n
}

// withActor looks up what the operator of a request may do, for the pages that leave out what would be refused, and what waits for
// them, which every page tells.
func (h *Handler) withActor(next http.Handler) http.Handler {
	return h.kit.Handle(func(w http.ResponseWriter, r *http.Request) error {
		s, ok := web.SessionFrom(r.Context())
		if !ok {
			return web.ErrNoSession
		}
		actor, err := h.service.operator(r.Context(), s.Account, s.ID)
		if err != nil {
			return err
		}
		waiting, err := h.service.CountApprovals(r.Context(), actor)
		if err != nil {
			return err
		}
		ctx := context.WithValue(context.WithValue(r.Context(), actorKey{}, actor), waitingKey{}, waiting)
		next.ServeHTTP(w, r.WithContext(ctx))
		return nil
	})
}

// actorOf is the operator of a request that passed withActor.
func actorOf(r *http.Request) Actor {
	actor, _ := r.Context().Value(actorKey{}).(Actor)
	return actor
}

// frame surrounds a console page.
func (h *Handler) frame(w http.ResponseWriter, r *http.Request, active string) templates.Frame {
	f := h.kit.Frame(w, r)
	actor := actorOf(r)
	o := templates.OperatorFrame{
		Name: actor.Account.DisplayName, Role: h.roleLabel(f.Lang, actor, actor.Account.Role), Active: active,
		Items:       []string{templates.NavDashboard, templates.NavCustomers, templates.NavExemptions, templates.NavApprovals},
		SecurityURL: securityURL, SignOutAction: signOutAction,
	}
	waiting := waitingFor(r)
	o.Waiting = waiting.Waiting + waiting.Ready
	if actor.rights().has(mayViewAudit) {
		o.Items = append(o.Items, templates.NavAudit)
	}
	if actor.rights().has(mayViewDeliveries) {
		o.Items = append(o.Items, templates.NavDeliveries)
	}
	if actor.rights().has(mayManageClients) {
		o.Items = append(o.Items, templates.NavClients)
	}
	if actor.rights().has(mayManageOperators) {
		o.Items = append(o.Items, templates.NavOperators)
	}
	if actor.rights().has(mayManageKeys) {
		o.Items = append(o.Items, templates.NavKeys)
	}
	o.Items = append(o.Items, templates.NavSettings, templates.NavMethods)
	f.Operator = &o
	return f
}

// formFrame is frame for a page with a form; it also returns the draft that waits for it.
func (h *Handler) formFrame(w http.ResponseWriter, r *http.Request, active string) (templates.Frame, draft) {
	f := h.frame(w, r, active)
	d, ok := takeDraft(w, r)
	if ok {
		f.Flash = h.proved(f.Lang)
	}
	return f, d
}

// done ends a form that did its work: a banner, and the page it leads to.
func (h *Handler) done(w http.ResponseWriter, r *http.Request, flash, target string) error {
	h.kit.SetFlash(w, flash)
	return web.SeeOther(w, r, target)
}

// savedOr chooses the banner after saving a form.
func savedOr(changed bool) string {
	if changed {
		return templates.FlashSaved
	}
	return templates.FlashUnchanged
}

// answer turns an error of the service into what the browser is told, unless a form shows it.
func answer(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrOwnAccount):
		return &web.Error{Status: http.StatusForbidden, Code: "own_account", Message: templates.MsgOwnAccount, Cause: err}
	case errors.Is(err, ErrApprovalRequired):
		return &web.Error{Status: http.StatusConflict, Code: codeApproval, Message: templates.MsgApprovalNeeded, Cause: err}
	case errors.Is(err, ErrForbidden), errors.Is(err, ErrNoPass):
		return web.Forbidden(err)
	case errors.Is(err, ErrLastManager):
		return &web.Error{Status: http.StatusConflict, Code: "last_manager", Message: templates.MsgLastManager, Cause: err}
	case errors.Is(err, ErrActorGone):
		return web.ErrNoSession
	case errors.Is(err, ErrConflict):
		return web.Conflict(err)
	case errors.Is(err, ErrFrozen):
		return &web.Error{Status: http.StatusConflict, Code: "frozen", Message: templates.MsgFrozenAdmin, Cause: err}
	case isRate(err):
		return &web.Error{Status: http.StatusTooManyRequests, Code: "rate", Kind: templates.ErrorTooMany, Cause: err}
	case errors.Is(err, account.ErrBusy):
		return &web.Error{Status: http.StatusServiceUnavailable, Code: "busy", RetryAfter: busyFor, Cause: err}
	}
	return err
}

// fieldErrors turns what a person can correct into the sentences of a form; ok is false for any other error.
func (h *Handler) fieldErrors(lang templates.Lang, err error) (texts map[string]string, ok bool) {
	if errors.Is(err, ErrConflict) {
		return map[string]string{templates.FormError: h.templates.T(lang, templates.MsgEditedElsewhere)}, true
	}
	if errors.Is(err, ErrApprovalRequired) {
		return map[string]string{templates.FormError: h.templates.T(lang, templates.MsgApprovalNeeded)}, true
	}
	if errors.Is(err, ErrFrozen) {
		return map[string]string{templates.FormError: h.templates.T(lang, templates.MsgFrozenAdmin)}, true
	}
	if rate, ok := errors.AsType[*RateError](err); ok {
		return map[string]string{templates.FormError: h.templates.T(lang, templates.MsgRate, "time", templates.Time(rate.Until, h.zone))}, true
	}
	e, ok := errors.AsType[*account.ValidationError](err)
	if !ok {
		return nil, false
	}
	texts = make(map[string]string, len(e.Fields))
	for field, key := range e.Fields {
		args := e.Args(field)
		if limit, ok := reasonLimits[key]; ok {
			args = []any{"max", limit}
		}
		texts[field] = h.templates.T(lang, key, args...)
	}
	return texts, true
}

// version spells a row's version for a hidden field.
func version(t time.Time) string { return strconv.FormatInt(t.UnixMicro(), 10) }

// maxVersion is the last moment that both engines can hold.
const maxVersion = 253402300799999999

// versionOf reads it back. What is no version matches no row.
func versionOf(form web.Form) time.Time {
	n, _ := micros(form.Get("version"))
	return time.UnixMicro(n).UTC()
}

// micros reads a moment that both engines can hold; 0 for anything else.
func micros(s string) (n int64, ok bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > maxVersion {
		return 0, false
	}
	return n, true
}

// at formats a moment for people and for machines; nothing for one that never was.
func (h *Handler) at(t *time.Time) (text, iso string) {
	if t == nil {
		return "", ""
	}
	return templates.Time(*t, h.zone), templates.ISO(*t, h.zone)
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

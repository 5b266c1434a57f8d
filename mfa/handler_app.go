package mfa

import (
	"errors"
	"html/template"
	"net/http"

	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// The set-up page of an authenticator app makes the seed it shows when it is opened, unless the request carries somebody else's
// intent (I25): then the page has a button for it.

func (h *Handler) getSetUpApp(q flowRequest) error {
	return h.renderSetUpApp(q, http.StatusOK, ownIntent(q.r), nil)
}

func (h *Handler) postSetUpApp(q flowRequest) error {
	form, err := web.ParseForm(q.w, q.r)
	if err != nil {
		return err
	}
	if form.Get("do") == "begin" {
		if _, err := h.service.AppSetUp(q.r.Context(), q.flow, true); err != nil {
			return err
		}
		return web.SeeOther(q.w, q.r, q.to(q.r.URL.Path))
	}
	secret, err := h.service.VerifySetUpApp(q.r.Context(), q.flow, form.Get("code"), web.Lang(q.r))
	if err == nil {
		return h.proved(q, secret)
	}
	errs, ok := h.appErrors(web.Lang(q.r), err)
	if !ok {
		return err
	}
	return h.renderSetUpApp(q, http.StatusUnprocessableEntity, false, errs)
}

func (h *Handler) renderSetUpApp(q flowRequest, status int, begin bool, errs web.FieldErrors) error {
	app, err := h.service.AppSetUp(q.r.Context(), q.flow, begin)
	if err != nil {
		return err
	}
	v := appView(app, errs)
	v.Action = q.to(q.r.URL.Path)
	v.Progress = &templates.Progress{N: 2, Of: setUpSteps}
	v.BackURL = q.to(pathMethods)
	return h.templates.AppSetup.Render(q.w, status, h.frame(q), v)
}

func (h *Handler) getChangeApp(q sessionRequest) error {
	return h.renderChangeApp(q, http.StatusOK, ownIntent(q.r), nil)
}

func (h *Handler) postChangeApp(q sessionRequest) error {
	form, err := web.ParseForm(q.w, q.r)
	if err != nil {
		return err
	}
	if form.Get("do") == "begin" {
		if _, err := h.service.AppChange(q.r.Context(), q.session.ID, true); err != nil {
			return err
		}
		return web.SeeOther(q.w, q.r, q.r.URL.Path)
	}
	done, err := h.service.VerifyChangeApp(q.r.Context(), q.session.ID, form.Get("code"), web.Lang(q.r))
	if err == nil {
		return h.changed(q, done, templates.FlashAppSet, templates.FlashAppReplaced)
	}
	errs, ok := h.appErrors(web.Lang(q.r), err)
	if !ok {
		return err
	}
	return h.renderChangeApp(q, http.StatusUnprocessableEntity, false, errs)
}

func (h *Handler) renderChangeApp(q sessionRequest, status int, begin bool, errs web.FieldErrors) error {
	app, err := h.service.AppChange(q.r.Context(), q.session.ID, begin)
	if err != nil {
		return err
	}
	v := appView(app, errs)
	v.Action = q.r.URL.Path
	v.BackURL = q.at.base
	return h.templates.AppSetup.Render(q.w, status, h.selfFrame(q), v)
}

func appView(app App, errs web.FieldErrors) templates.AppSetupView {
	return templates.AppSetupView{
		Begun: app.Begun, Replaces: app.Replaces, Key: app.Key, QR: app.QR, LoginID: app.LoginID, Errors: errs,
		URI: template.URL(app.URI), //nolint:gosec // ours from its scheme to its end, every part escaped
	}
}

// appErrors maps what may be wrong with the code of an app that is being set up.
func (h *Handler) appErrors(lang templates.Lang, err error) (web.FieldErrors, bool) {
	if errors.Is(err, ErrNotBegun) || errors.Is(err, ErrTriesSpent) {
		return web.FieldErrors{templates.FormError: h.templates.T(lang, templates.MsgAppExpired)}, true
	}
	return h.codeErrors(lang, "", err)
}

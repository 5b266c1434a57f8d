package mfa

import (
	"net/http"

	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// setUpSteps is how many pages the set-up inside a sign-in has.
const setUpSteps = 3

func (h *Handler) getMethods(q flowRequest) error {
	if err := h.service.CheckSetUp(q.r.Context(), q.flow); err != nil {
		return err
	}
	return h.renderMethods(q, http.StatusOK, "", nil)
}

func (h *Handler) postMethods(q flowRequest) error {
	form, err := web.ParseForm(q.w, q.r)
	if err != nil {
		return err
	}
	if err := h.service.CheckSetUp(q.r.Context(), q.flow); err != nil {
		return err
	}
	if form.Get("method") == templates.KindEmail {
		return web.SeeOther(q.w, q.r, q.to(pathEmail))
	}
	return h.renderMethods(q, http.StatusUnprocessableEntity, form.Get("method"), web.FieldErrors{
		"method": h.templates.T(web.Lang(q.r), templates.MsgMethodBlank),
	})
}

func (h *Handler) renderMethods(q flowRequest, status int, selected string, errs web.FieldErrors) error {
	f := h.frame(q)
	missing := h.templates.T(f.Lang, templates.ReasonNotOffered)
	return h.templates.TwoFactor.Render(q.w, status, f, templates.TwoFactorView{
		Action:   q.to(pathMethods),
		Progress: &templates.Progress{N: 1, Of: setUpSteps},
		Methods: []templates.MethodChoice{
			{Kind: templates.KindTOTP, Reason: missing},
			{Kind: templates.KindSMS, Reason: missing},
			{Kind: templates.KindEmail, Available: true},
			{Kind: templates.KindPasskey, Reason: missing},
		},
		Selected: selected,
		BackURL:  q.to(pathCancel),
		BackPost: true,
		Errors:   errs,
	})
}

func (h *Handler) getSetUpEmail(q flowRequest) error {
	return h.renderSetUpEmail(q, http.StatusOK, "", nil)
}

func (h *Handler) postSetUpEmail(q flowRequest) error {
	form, err := web.ParseForm(q.w, q.r)
	if err != nil {
		return err
	}
	ctx, lang := q.r.Context(), web.Lang(q.r)
	address := form.Get("email")
	if form.Get("do") == "verify" {
		var secret string
		secret, err = h.service.VerifySetUpCode(ctx, q.flow, address, form.Get("code"), lang)
		if err == nil {
			return h.proved(q, secret)
		}
	} else if err = h.service.SendSetUpCode(ctx, q.flow, address, lang); err == nil {
		return web.SeeOther(q.w, q.r, q.to(pathEmail))
	}
	errs, ok := h.codeErrors(lang, err)
	if !ok {
		return err
	}
	return h.renderSetUpEmail(q, http.StatusUnprocessableEntity, address, errs)
}

func (h *Handler) renderSetUpEmail(q flowRequest, status int, typed string, errs web.FieldErrors) error {
	state, err := h.service.EmailSetUp(q.r.Context(), q.flow)
	if err != nil {
		return err
	}
	f := h.frame(q)
	v := h.emailView(f.Lang, status, state, typed, errs)
	v.Action = q.to(pathEmail)
	v.Progress = &templates.Progress{N: 2, Of: setUpSteps}
	v.BackURL = q.to(pathMethods)
	return h.templates.EmailSetup.Render(q.w, status, f, v)
}

// emailView fills in what the two-step page shows about the newest code, wherever the page stands.
func (h *Handler) emailView(lang templates.Lang, status int, state Sending, typed string, errs web.FieldErrors) templates.EmailSetupView {
	v := templates.EmailSetupView{
		Email: typed, SentTo: state.Address, JustSent: state.Just && status == http.StatusOK, WaitSeconds: state.Wait, Errors: errs,
	}
	if status == http.StatusOK && state.Address != "" {
		v.Email = state.Address
		if state.Failed {
			v.JustSent = false
			v.Errors = web.FieldErrors{"email": h.templates.T(lang, templates.MsgSendFailed)}
		}
	}
	return v
}

package mfa

import (
	"net/http"
	"slices"

	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// setUpSteps is how many pages the set-up inside a sign-in has.
const setUpSteps = 3

func (h *Handler) getMethods(q flowRequest) error {
	return h.renderMethods(q, http.StatusOK, "", nil)
}

func (h *Handler) postMethods(q flowRequest) error {
	form, err := web.ParseForm(q.w, q.r)
	if err != nil {
		return err
	}
	methods, err := h.service.SetUpMethods(q.r.Context(), q.flow)
	if err != nil {
		return err
	}
	if chosen := signin.Method(form.Get("method")); slices.Contains(methods, chosen) {
		return web.SeeOther(q.w, q.r, q.to(pathMethods+"/"+string(chosen)))
	}
	return h.renderMethods(q, http.StatusUnprocessableEntity, form.Get("method"), web.FieldErrors{
		"method": h.templates.T(web.Lang(q.r), templates.MsgMethodBlank),
	})
}

func (h *Handler) renderMethods(q flowRequest, status int, selected string, errs web.FieldErrors) error {
	methods, err := h.service.SetUpMethods(q.r.Context(), q.flow)
	if err != nil {
		return err
	}
	f := h.frame(q)
	v := templates.TwoFactorView{
		Action:   q.to(pathMethods),
		Progress: &templates.Progress{N: 1, Of: setUpSteps},
		Selected: selected,
		BackURL:  q.to(pathCancel),
		BackPost: true,
		Errors:   errs,
	}
	grace, err := h.service.Grace(q.r.Context(), q.flow)
	if err != nil {
		return err
	}
	if v.LaterDays = grace.Days; v.LaterDays > 0 {
		v.LaterAction = q.to(pathLater)
	}
	for _, m := range signin.FactorMethods() {
		choice := templates.MethodChoice{
			Kind: string(m), Available: slices.Contains(methods, m), Recommended: m == signin.Passkey,
		}
		if !choice.Available {
			choice.Reason = h.templates.T(f.Lang, templates.ReasonNotOffered)
		}
		v.Methods = append(v.Methods, choice)
	}
	return h.templates.TwoFactor.Render(q.w, status, f, v)
}

// getSetUpAddress shows the two-step page of a method that sends codes.
func (h *Handler) getSetUpAddress(method signin.Method) func(flowRequest) error {
	return func(q flowRequest) error { return h.renderSetUpAddress(q, http.StatusOK, Address{Method: method}, nil) }
}

func (h *Handler) postSetUpAddress(method signin.Method) func(flowRequest) error {
	return func(q flowRequest) error {
		form, err := web.ParseForm(q.w, q.r)
		if err != nil {
			return err
		}
		ctx, lang := q.r.Context(), web.Lang(q.r)
		to := typedAddress(method, form)
		if form.Get("do") == "verify" {
			var secret string
			secret, err = h.service.VerifySetUpCode(ctx, q.flow, to, form.Get("code"), lang)
			if err == nil {
				return h.proved(q, secret)
			}
		} else if err = h.service.SendSetUpCode(ctx, q.flow, to, lang); err == nil {
			return web.SeeOther(q.w, q.r, q.to(q.r.URL.Path))
		}
		errs, ok := h.codeErrors(lang, method, err)
		if !ok {
			return err
		}
		return h.renderSetUpAddress(q, http.StatusUnprocessableEntity, to, errs)
	}
}

// typedAddress reads the fields that name an address.
func typedAddress(method signin.Method, form web.Form) Address {
	a := Address{Method: method, Text: form.Get(fieldEmail)}
	if method == signin.SMS {
		a.Country, a.Text = form.Get("country"), form.Get(fieldPhone)
	}
	return a
}

func (h *Handler) renderSetUpAddress(q flowRequest, status int, typed Address, errs web.FieldErrors) error {
	state, err := h.service.SetUpSending(q.r.Context(), q.flow, typed.Method)
	if err != nil {
		return err
	}
	f := h.frame(q)
	if typed.Method == signin.SMS {
		v := h.smsView(f.Lang, status, state, typed, errs)
		v.Action = q.to(q.r.URL.Path)
		v.Progress = &templates.Progress{N: 2, Of: setUpSteps}
		v.BackURL = q.to(pathMethods)
		return h.templates.SMSSetup.Render(q.w, status, f, v)
	}
	v := h.emailView(f.Lang, status, state, typed.Text, errs)
	v.Action = q.to(q.r.URL.Path)
	v.Progress = &templates.Progress{N: 2, Of: setUpSteps}
	v.BackURL = q.to(pathMethods)
	return h.templates.EmailSetup.Render(q.w, status, f, v)
}

// smsView is emailView for the page of phone numbers.
func (h *Handler) smsView(lang templates.Lang, status int, state Sending, typed Address, errs web.FieldErrors) templates.SMSSetupView {
	v := templates.SMSSetupView{
		Tel: typed.Text, JustSent: state.Just && status == http.StatusOK, WaitSeconds: state.Wait, Errors: errs,
	}
	if state.Address != "" {
		country, national := splitPhone(state.Address)
		v.SentTo = national
		if status == http.StatusOK {
			typed.Country, v.Tel = country, national
			if state.Failed {
				v.JustSent = false
				v.Errors = web.FieldErrors{fieldPhone: h.templates.T(lang, templates.MsgSendFailed)}
			}
		}
	}
	v.Countries = countryOptions(h.templates, lang, h.service.countries, typed.Country)
	return v
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

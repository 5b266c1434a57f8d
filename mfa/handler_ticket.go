package mfa

import (
	"errors"
	"net/http"

	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// getTicket asks a sign-in for the ticket that staff issued after a reset.
func (h *Handler) getTicket(q flowRequest) error { return h.renderTicket(q, http.StatusOK, nil) }

func (h *Handler) postTicket(q flowRequest) error {
	form, err := web.ParseForm(q.w, q.r)
	if err != nil {
		return err
	}
	secret, err := h.service.VerifyTicket(q.r.Context(), q.flow, form.Get(fieldCode))
	if err == nil {
		return h.proved(q, secret)
	}
	key := ""
	_, locked := errors.AsType[*LockedError](err)
	switch {
	case locked:
		return web.SeeOther(q.w, q.r, q.to(pathTicket)) // shows the pause
	case errors.Is(err, ErrCodeBlank):
		key = templates.MsgTicketBlank
	case errors.Is(err, ErrCodeForm):
		key = templates.MsgTicketForm
	case errors.Is(err, ErrWrongCode):
		key = templates.MsgTicketWrong
	default:
		return err
	}
	return h.renderTicket(q, http.StatusUnprocessableEntity, web.FieldErrors{fieldCode: h.templates.T(web.Lang(q.r), key)})
}

func (h *Handler) renderTicket(q flowRequest, status int, errs web.FieldErrors) error {
	state, err := h.service.TicketPage(q.r.Context(), q.flow)
	if err != nil {
		return err
	}
	f := h.frame(q)
	if state.LockedUntil != nil && status == http.StatusOK {
		return h.templates.Locked.Render(q.w, http.StatusTooManyRequests, f, templates.LockedView{
			SignInURL: q.to(pathContinue), ForgotURL: h.templates.Brand().Forgot(f.Admin, string(q.flow.ID)),
		})
	}
	return h.templates.Ticket.Render(q.w, status, f, templates.TicketView{
		Action: q.to(pathTicket), LoginID: q.acc.LoginID, CancelAction: q.to(pathCancel),
		NearLimit: state.NearLimit && status == http.StatusUnprocessableEntity, Errors: errs,
	})
}

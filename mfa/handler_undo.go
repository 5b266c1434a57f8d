package mfa

import (
	"errors"
	"net/http"

	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// fieldTicket carries a ticket, in the link's address and in the page's form. It is written nowhere else.
const fieldTicket = "ticket"

// getUndo asks before a change of address is taken back. Mail servers and phones open links by themselves, so opening one must do
// nothing (I25).
func (h *Handler) getUndo(w http.ResponseWriter, r *http.Request) error {
	tickets := r.URL.Query()[fieldTicket]
	if len(tickets) != 1 {
		return linkGone(ErrTicket)
	}
	u, err := h.service.Undo(r.Context(), tickets[0])
	if err != nil {
		return linkGone(err)
	}
	v := templates.AddressUndoView{
		Action: pathUndo, Hidden: []templates.Hidden{{Name: fieldTicket, Value: tickets[0]}}, LoginID: u.Account.LoginID,
		Former: mask(signin.Email, u.Former),
	}
	if u.Present != "" {
		v.Present = mask(signin.Email, u.Present)
	}
	f := h.kit.Frame(w, r)
	f.Admin = web.Kind(u.Account.Kind) == web.Operator
	return h.templates.AddressUndo.Render(w, http.StatusOK, f, v)
}

func (h *Handler) postUndo(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(w, r)
	if err != nil {
		return err
	}
	u, err := h.service.UndoChange(r.Context(), form.Get(fieldTicket), web.Lang(r))
	if err != nil && !errors.Is(err, ErrJustDone) {
		return linkGone(err)
	}
	target := pathUndone
	if web.Kind(u.Account.Kind) == web.Operator {
		target += "?kind=" + string(web.Operator)
	}
	return web.SeeOther(w, r, target)
}

// linkGone answers a link that opens nothing, whatever the reason.
func linkGone(err error) error {
	if errors.Is(err, ErrTicket) {
		return &web.Error{Status: http.StatusNotFound, Code: "link_gone", Kind: templates.ErrorLinkGone, Cause: err}
	}
	return err
}

// getUndone says what to do next. It knows nothing of what was undone, so that its address is worth nothing.
func (h *Handler) getUndone(w http.ResponseWriter, r *http.Request) error {
	f := h.kit.Frame(w, r)
	v := templates.AddressUndoneView{SignInURL: pathSecurity}
	if web.Kind(r.URL.Query().Get("kind")) == web.Operator {
		f.Admin, v.SignInURL = true, pathOperatorSecurity
	}
	return h.templates.AddressUndone.Render(w, http.StatusOK, f, v)
}

package mfa

import (
	"errors"
	"net/http"

	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// getStop asks before changes are stopped. Opening the link does nothing, as with the one that undoes a change (I25).
func (h *Handler) getStop(w http.ResponseWriter, r *http.Request) error {
	tickets := r.URL.Query()[fieldTicket]
	if len(tickets) != 1 {
		return linkGone(ErrTicket)
	}
	acc, err := h.service.Stop(r.Context(), tickets[0])
	if err != nil {
		return linkGone(err)
	}
	f := h.kit.Frame(w, r)
	f.Admin = web.Kind(acc.Kind) == web.Operator
	return h.templates.Stop.Render(w, http.StatusOK, f, templates.StopView{
		Action: pathStop, Hidden: []templates.Hidden{{Name: fieldTicket, Value: tickets[0]}}, LoginID: acc.LoginID,
		Hours: int(frozenFor.Hours()),
	})
}

func (h *Handler) postStop(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(w, r)
	if err != nil {
		return err
	}
	acc, err := h.service.Freeze(r.Context(), form.Get(fieldTicket), web.Lang(r))
	if err != nil && !errors.Is(err, ErrJustDone) {
		return linkGone(err)
	}
	target := pathStopped
	if web.Kind(acc.Kind) == web.Operator {
		target += "?kind=" + string(web.Operator)
	}
	return web.SeeOther(w, r, target)
}

// getStopped says what to do next. It knows nothing of what was stopped, so that its address is worth nothing.
func (h *Handler) getStopped(w http.ResponseWriter, r *http.Request) error {
	f := h.kit.Frame(w, r)
	f.Admin = web.Kind(r.URL.Query().Get("kind")) == web.Operator
	return h.templates.Stopped.Render(w, http.StatusOK, f, templates.AddressUndoneView{})
}

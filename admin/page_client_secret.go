package admin

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// proposedOverlap is what the form of a new secret has chosen already.
const proposedOverlap = "24h"

func (h *Handler) getClientSecret(w http.ResponseWriter, r *http.Request) error {
	f, d := h.formFrame(w, r, templates.NavClients)
	return h.renderClientSecret(w, r, http.StatusOK, f, d.or(clientFieldOverlap, proposedOverlap), nil)
}

func (h *Handler) renderClientSecret(
	w http.ResponseWriter, r *http.Request, status int, f templates.Frame, chosen string, errs map[string]string,
) error {
	c, err := h.changeableClient(r)
	if err != nil {
		return err
	}
	v := templates.ClientSecretView{
		Action: clientURL(c.ID) + "/secret", BackURL: clientURL(c.ID), ID: c.ID, Name: c.Name, Version: version(c.UpdatedAt), Errors: errs,
	}
	v.FormerUntil, _ = h.at(c.FormerUntil)
	for _, word := range OverlapWords() {
		v.Overlaps = append(v.Overlaps, templates.Option{Value: word, Selected: word == chosen})
	}
	return h.templates.ClientSecret.Render(w, status, f, v)
}

func (h *Handler) postClientSecret(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(w, r)
	if err != nil {
		return err
	}
	id, word := chi.URLParam(r, "client"), form.Get(clientFieldOverlap)
	made, err := h.service.RotateSecret(r.Context(), actorOf(r), id, versionOf(form), word)
	if err == nil {
		return h.handOverSecret(w, r, id, made, false)
	}
	f := h.frame(w, r, templates.NavClients)
	texts, ok := h.clientErrors(f.Lang, err)
	if !ok {
		return answer(err)
	}
	if text, none := texts[clientFieldAuth]; none { // there is no field for it here
		texts = map[string]string{templates.FormError: text}
	}
	return h.renderClientSecret(w, r, http.StatusUnprocessableEntity, f, word, texts)
}

// A secret goes to the page that shows it as the code of a pass does: see handOver.
const (
	handOverSecretText = "secret"
	handOverFormer     = "former"
	handOverNew        = "new"
)

func (h *Handler) handOverSecret(w http.ResponseWriter, r *http.Request, id string, made NewSecret, isNew bool) error {
	page := clientURL(id) + "/secret/issued"
	d := draft{Page: page, Account: actorOf(r).Account.ID, Fields: map[string]string{handOverSecretText: made.Secret}}
	if made.FormerUntil != nil {
		d.Fields[handOverFormer] = templates.Time(*made.FormerUntil, h.zone)
	}
	if isNew {
		d.Fields[handOverNew] = "yes"
	}
	if err := d.keep(w, handOverAge); err != nil {
		return err
	}
	return web.SeeOther(w, r, page)
}

func (h *Handler) getClientIssued(w http.ResponseWriter, r *http.Request) error {
	c, err := h.client(r)
	if err != nil {
		return err
	}
	d, _ := takeDraft(w, r)
	v := templates.ClientIssuedView{
		BackURL: clientURL(c.ID), ID: c.ID, Name: c.Name, Secret: d.Fields[handOverSecretText], FormerUntil: d.Fields[handOverFormer],
		New: d.Fields[handOverNew] != "", Connect: h.connectOf(c.Registration),
	}
	return h.templates.ClientIssued.Render(w, http.StatusOK, h.frame(w, r, templates.NavClients), v)
}

// toClient leads from an address that only takes posts to the page of the client.
func (h *Handler) toClient(w http.ResponseWriter, r *http.Request) error {
	c, err := h.client(r)
	if err != nil {
		return err
	}
	return web.SeeOther(w, r, clientURL(c.ID))
}

func (h *Handler) postEndFormer(w http.ResponseWriter, r *http.Request) error {
	if err := web.Pressed(w, r); err != nil {
		return err
	}
	id := chi.URLParam(r, "client")
	ended, err := h.service.EndFormerSecret(r.Context(), actorOf(r), id)
	if err != nil {
		return answer(err)
	}
	if !ended {
		return h.done(w, r, templates.FlashUnchanged, clientURL(id))
	}
	return h.done(w, r, templates.FlashFormerEnded, clientURL(id))
}

package admin

import (
	"errors"
	"net/http"
	"slices"

	"github.com/go-chi/chi/v5"

	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

func scimURL(id string) string { return clientURL(id) + "/provisioning" }

func (h *Handler) getScim(w http.ResponseWriter, r *http.Request) error {
	query, err := web.ParseQuery(r)
	if err != nil {
		return err
	}
	return h.renderScim(w, r, http.StatusOK, query.Get("code"), nil)
}

// renderScim shows whose accounts a client keeps, and the user groups of the customer with a code, or of that one.
func (h *Handler) renderScim(w http.ResponseWriter, r *http.Request, status int, code string, errs map[string]string) error {
	c, err := h.changeableClient(r)
	if err != nil {
		return err
	}
	actor := actorOf(r)
	kept, err := h.service.Provisioning(r.Context(), actor, c.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return answer(err)
	}
	f, _ := h.formFrame(w, r, templates.NavClients)
	v := templates.ClientScimView{
		Action: scimURL(c.ID), BackURL: clientURL(c.ID), ID: c.ID, Name: c.Name, Code: code,
		Lacks: !slices.Contains(c.Registration.Scopes, scopeSCIM), Errors: errs,
	}
	if kept.Customer.ID != "" {
		v.EndAction, v.Kept, v.KeptGroup = scimURL(c.ID)+"/end", kept.Customer.Name, kept.Group.Name
	}
	if v.Lacks || code == "" && kept.Customer.ID == "" {
		return h.templates.ClientScim.Render(w, status, f, v)
	}
	customer, groups, err := h.service.Destinations(r.Context(), actor, kept.Customer.ID, code)
	switch {
	case errors.Is(err, store.ErrNotFound):
		v.Errors = map[string]string{"code": h.templates.T(f.Lang, templates.MsgCodeUnknown)}
	case err != nil:
		return answer(err)
	}
	v.Customer = customer.Name
	for _, g := range groups {
		v.Groups = append(v.Groups, templates.Option{Value: string(g.ID), Label: g.Name, Selected: g.ID == kept.Group.ID})
	}
	return h.templates.ClientScim.Render(w, status, f, v)
}

func (h *Handler) postScim(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(w, r)
	if err != nil {
		return err
	}
	if _, err := h.changeableClient(r); err != nil {
		return err
	}
	id := chi.URLParam(r, "client")
	err = h.service.SetProvisioning(r.Context(), actorOf(r), id, store.UserGroupID(form.Get(FieldGroup)))
	switch {
	case errors.Is(err, store.ErrNotFound):
		// The group was not chosen or is gone; a client that is gone has no such page.
		return h.renderScim(w, r, http.StatusUnprocessableEntity, form.Get("code"), map[string]string{FieldGroup: h.templates.T(web.Lang(r), "client.wrong.group")})
	case isClientError(err):
		return h.renderScim(w, r, http.StatusUnprocessableEntity, form.Get("code"), map[string]string{templates.FormError: h.templates.T(web.Lang(r), templates.MsgClientSCIM)})
	case err != nil:
		return answer(err)
	}
	return h.done(w, r, templates.FlashSaved, clientURL(id))
}

func (h *Handler) postScimEnd(w http.ResponseWriter, r *http.Request) error {
	if err := web.Pressed(w, r); err != nil {
		return err
	}
	id := chi.URLParam(r, "client")
	err := h.service.RemoveProvisioning(r.Context(), actorOf(r), id)
	if errors.Is(err, store.ErrNotFound) {
		// Somebody else was faster, or there is no such client.
		c, err := h.client(r)
		if err != nil {
			return err
		}
		return h.done(w, r, templates.FlashUnchanged, c.page())
	}
	if err != nil {
		return answer(err)
	}
	return h.done(w, r, templates.FlashSaved, clientURL(id))
}

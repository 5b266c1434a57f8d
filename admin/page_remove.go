package admin

import (
	"errors"
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

func (h *Handler) mountRemove(form mountForm) {
	form("/admin/customers/{id}/delete", h.getRemoveCustomer, h.postRemoveCustomer)
	form("/admin/groups/{id}/delete", h.getRemoveGroup, h.postRemoveGroup)
	form("/admin/accounts/{id}/delete", h.getRemoveAccount, h.postRemoveAccount)
	form("/admin/accounts/{id}/move", h.getMove, h.postMove)
}

// removeCustomer is the page that asks before a customer is deleted.
func (h *Handler) removeCustomer(r *http.Request) (templates.RemoveView, error) {
	actor := actorOf(r)
	c, err := h.service.Customer(r.Context(), actor, store.CustomerID(chi.URLParam(r, "id")))
	if err == nil && !actor.rights().has(mayManageCustomers) {
		err = ErrForbidden
	}
	return templates.RemoveView{
		Action: customerURL(c.ID) + "/delete", BackURL: customerURL(c.ID) + "/edit", What: "customer", Name: c.Name, Detail: c.Code,
	}, answer(err)
}

func (h *Handler) removeGroup(r *http.Request) (templates.RemoveView, error) {
	actor := actorOf(r)
	g, err := h.service.UserGroup(r.Context(), actor, store.UserGroupID(chi.URLParam(r, "id")))
	if err == nil && !actor.rights().has(mayManageCustomers) {
		err = ErrForbidden
	}
	return templates.RemoveView{Action: groupURL(g.ID) + "/delete", BackURL: groupURL(g.ID) + "/edit", What: "group", Name: g.Name, Detail: g.Customer.Name}, answer(err)
}

func (h *Handler) removeAccount(r *http.Request) (templates.RemoveView, Account, error) {
	actor, a, err := h.account(r)
	switch {
	case err != nil:
	case actor.is(a.ID):
		err = answer(ErrOwnAccount)
	case !mayChangeOther(actor, a, mayManageCustomers):
		err = answer(ErrForbidden)
	}
	return templates.RemoveView{
		Action: accountURL(a.ID) + "/delete", BackURL: accountURL(a.ID), What: "account", Name: a.DisplayName, Detail: a.LoginID,
	}, a, err
}

// ask shows the page that asks, with what was wrong.
func (h *Handler) ask(w http.ResponseWriter, r *http.Request, nav string, v templates.RemoveView, err error) error {
	f, _ := h.formFrame(w, r, nav)
	status := http.StatusOK
	if err != nil {
		status = http.StatusUnprocessableEntity
		switch texts, ok := h.fieldErrors(f.Lang, err); {
		case errors.Is(err, ErrNotEmpty):
			v.Errors = map[string]string{templates.FormError: h.templates.T(f.Lang, templates.MsgNotEmpty)}
		case errors.Is(err, ErrLockout):
			v.Errors = map[string]string{templates.FormError: h.templates.T(f.Lang, templates.MsgLastAdmin)}
		case ok:
			v.Errors = texts
		default:
			return answer(err)
		}
	}
	return h.templates.Remove.Render(w, status, f, v)
}

func (h *Handler) getRemoveCustomer(w http.ResponseWriter, r *http.Request) error {
	v, err := h.removeCustomer(r)
	if err != nil {
		return err
	}
	return h.ask(w, r, templates.NavCustomers, v, nil)
}

func (h *Handler) postRemoveCustomer(w http.ResponseWriter, r *http.Request) error {
	if err := web.Pressed(w, r); err != nil {
		return err
	}
	err := h.service.DeleteCustomer(r.Context(), actorOf(r), store.CustomerID(chi.URLParam(r, "id")))
	if err == nil {
		return h.done(w, r, templates.FlashDeleted, templates.PathCustomers)
	}
	if !errors.Is(err, ErrNotEmpty) {
		return answer(err)
	}
	v, verr := h.removeCustomer(r)
	if verr != nil {
		return verr
	}
	return h.ask(w, r, templates.NavCustomers, v, err)
}

func (h *Handler) getRemoveGroup(w http.ResponseWriter, r *http.Request) error {
	v, err := h.removeGroup(r)
	if err != nil {
		return err
	}
	return h.ask(w, r, templates.NavCustomers, v, nil)
}

func (h *Handler) postRemoveGroup(w http.ResponseWriter, r *http.Request) error {
	if err := web.Pressed(w, r); err != nil {
		return err
	}
	id := store.UserGroupID(chi.URLParam(r, "id"))
	g, err := h.service.UserGroup(r.Context(), actorOf(r), id)
	if err == nil {
		err = h.service.DeleteUserGroup(r.Context(), actorOf(r), id)
	}
	if err == nil {
		return h.done(w, r, templates.FlashDeleted, customerGroupsURL(g.Customer.ID))
	}
	if !errors.Is(err, ErrNotEmpty) {
		return answer(err)
	}
	v, verr := h.removeGroup(r)
	if verr != nil {
		return verr
	}
	return h.ask(w, r, templates.NavCustomers, v, err)
}

func (h *Handler) getRemoveAccount(w http.ResponseWriter, r *http.Request) error {
	v, a, err := h.removeAccount(r)
	if err != nil {
		return err
	}
	return h.ask(w, r, navOf(a.Kind), v, nil)
}

func (h *Handler) postRemoveAccount(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(w, r)
	if err != nil {
		return err
	}
	v, a, err := h.removeAccount(r)
	if err != nil {
		if _, _, lerr := h.account(r); lerr == nil {
			// The refusal is written down.
			err = answer(h.service.DeleteAccount(r.Context(), actorOf(r), a.ID, ""))
		}
		return err
	}
	if err := h.service.DeleteAccount(r.Context(), actorOf(r), a.ID, form.Get(FieldTyped)); err != nil {
		return h.ask(w, r, navOf(a.Kind), v, err)
	}
	if a.Customer != nil {
		return h.done(w, r, templates.FlashDeleted, customerGroupsURL(a.Customer.ID))
	}
	return h.done(w, r, templates.FlashDeleted, templates.PathOperators)
}

func (h *Handler) getMove(w http.ResponseWriter, r *http.Request) error {
	query, err := web.ParseQuery(r)
	if err != nil {
		return err
	}
	return h.renderMove(w, r, http.StatusOK, query.Get("code"), nil)
}

func (h *Handler) renderMove(w http.ResponseWriter, r *http.Request, status int, code string, errs map[string]string) error {
	actor, a, err := h.account(r)
	if err != nil {
		return err
	}
	if a.Customer == nil {
		return web.NotFound(store.ErrNotFound)
	}
	c, groups, err := h.service.Destinations(r.Context(), actor, a.Customer.ID, code)
	f, _ := h.formFrame(w, r, navOf(a.Kind))
	v := templates.MoveView{
		Action: accountURL(a.ID) + "/move", BackURL: accountURL(a.ID), Who: who(a, false), Code: code, Customer: c.Name, Version: version(a.UpdatedAt), Errors: errs,
	}
	switch {
	case errors.Is(err, store.ErrNotFound):
		v.Errors = map[string]string{"code": h.templates.T(f.Lang, templates.MsgCodeUnknown)}
	case err != nil:
		return answer(err)
	}
	for _, g := range groups {
		v.Groups = append(v.Groups, templates.Option{Value: string(g.ID), Label: g.Name, Selected: g.ID == a.Group.ID})
	}
	return h.templates.Move.Render(w, status, f, v)
}

func (h *Handler) postMove(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(w, r)
	if err != nil {
		return err
	}
	id := store.AccountID(chi.URLParam(r, "id"))
	changed, err := h.service.MoveAccount(r.Context(), actorOf(r), id, versionOf(form), store.UserGroupID(form.Get(FieldGroup)))
	switch {
	case errors.Is(err, store.ErrNotFound):
		// The group was not chosen or is gone; an account that is gone has no such page.
		return h.renderMove(w, r, http.StatusUnprocessableEntity, "", map[string]string{FieldGroup: h.templates.T(web.Lang(r), templates.MsgGroupBlank)})
	case errors.Is(err, ErrConflict):
		return h.renderMove(w, r, http.StatusUnprocessableEntity, "", map[string]string{templates.FormError: h.templates.T(web.Lang(r), templates.MsgEditedElsewhere)})
	case err != nil:
		return answer(err)
	case !changed:
		return h.done(w, r, templates.FlashUnchanged, accountURL(id))
	}
	return h.done(w, r, templates.FlashMoved, accountURL(id))
}

// removable adds to an account's page where it is moved and deleted.
func removable(v templates.AccountFormView, actor Actor, a Account) templates.AccountFormView {
	if mayChangeOther(actor, a, mayManageCustomers) {
		v.RemoveURL = accountURL(a.ID) + "/delete"
		if a.Kind == account.KindStore {
			v.MoveURL = accountURL(a.ID) + "/move"
		}
	}
	return v
}

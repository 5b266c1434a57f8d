package admin

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/web"
)

// postUnmask answers with the account's page and its registered address whole. It does not redirect, unlike every other form:
// the address is shown to this one request, and no address of a page opens it again.
func (h *Handler) postUnmask(w http.ResponseWriter, r *http.Request) error {
	if _, err := web.ParseForm(w, r); err != nil {
		return err
	}
	actor, id := actorOf(r), store.AccountID(chi.URLParam(r, "id"))
	a, err := h.service.Unmask(r.Context(), actor, id, fieldRegistered)
	if isRate(err) {
		return h.refillAccount(w, r, err, nil)
	}
	if err != nil {
		return answer(err)
	}
	f := h.frame(w, r, navOf(a.Kind))
	return h.templates.AccountForm.Render(w, http.StatusOK, f, h.accountForm(f.Lang, actor, a))
}

// postUnmaskFactor is postUnmask for the address of a factor, on the page of the account's second factor.
func (h *Handler) postUnmaskFactor(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(w, r)
	if err != nil {
		return err
	}
	field := form.Get("field")
	if field == fieldRegistered {
		return store.ErrNotFound
	}
	actor, id := actorOf(r), store.AccountID(chi.URLParam(r, "id"))
	a, err := h.service.Unmask(r.Context(), actor, id, field)
	if isRate(err) {
		return h.showTwoFactor(w, r, err)
	}
	if err != nil {
		return answer(err)
	}
	return h.templates.AccountTwoFactor.Render(w, http.StatusOK, h.frame(w, r, navOf(a.Kind)), h.twoFactorView(actor, a))
}

// showTwoFactor shows the page of an account's second factor again, with what the operator is told.
func (h *Handler) showTwoFactor(w http.ResponseWriter, r *http.Request, cause error) error {
	actor, a, err := h.account(r)
	if err != nil {
		return err
	}
	f := h.frame(w, r, navOf(a.Kind))
	texts, ok := h.fieldErrors(f.Lang, cause)
	if !ok {
		return answer(cause)
	}
	v := h.twoFactorView(actor, a)
	v.Errors = texts
	return h.templates.AccountTwoFactor.Render(w, http.StatusUnprocessableEntity, f, v)
}

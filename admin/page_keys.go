package admin

import (
	"errors"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/keys"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

const (
	rotateURL = templates.PathKeys + "/rotate"
	resealURL = templates.PathKeys + "/reseal"
)

func revokeURL(kid string) string { return templates.PathKeys + "/" + kid + "/revoke" }

func (h *Handler) mountKeys(get mountPage, form mountForm) {
	get(templates.PathKeys, h.getKeys)
	form(rotateURL, h.getRotate, h.postRotate)
	form(resealURL, h.getReseal, h.postReseal)
	form(templates.PathKeys+"/{kid}/revoke", h.getRevoke, h.postRevoke)
}

func (h *Handler) getKeys(w http.ResponseWriter, r *http.Request) error {
	actor := actorOf(r)
	list, err := h.service.SigningKeys(r.Context(), actor)
	if err != nil {
		return answer(err)
	}
	run, ran, err := h.service.LastReseal(r.Context(), actor)
	if err != nil {
		return answer(err)
	}
	v := templates.KeysView{
		JWKSURL: h.jwksURL, RotateURL: rotateURL, ResealURL: resealURL, Days: int(h.service.RotateEvery() / (24 * time.Hour)),
	}
	for _, k := range list {
		v.Keys = append(v.Keys, h.keyRow(k))
	}
	if ran {
		v.Reseal = h.resealStatus(run)
		if v.Reseal.Running() {
			v.ResealURL = ""
		}
	}
	return h.templates.Keys.Render(w, http.StatusOK, h.frame(w, r, templates.NavKeys), v)
}

func (h *Handler) keyRow(k SigningKey) templates.KeyRow {
	row := templates.KeyRow{ID: k.ID, Alg: k.Alg, State: string(k.State)}
	row.CreatedAt, row.CreatedISO = h.at(&k.CreatedAt)
	row.SignsFrom, row.SignsISO = h.at(k.SignsFrom)
	row.PublishedUntil, row.EndISO = h.at(k.PublishedUntil)
	if k.Revocable() {
		row.RevokeURL = revokeURL(k.ID)
	}
	return row
}

func (h *Handler) resealStatus(run store.Reseal) *templates.ResealStatus {
	s := &templates.ResealStatus{State: run.State, Resealed: int(run.Resealed), Unreadable: int(run.Unreadable)}
	s.Part, s.Parts = keys.PartOf(run)
	s.At, s.ISO = h.at(&run.RequestedAt)
	if run.FinishedAt != nil {
		s.At, s.ISO = h.at(run.FinishedAt)
	}
	return s
}

// confirmKeys shows a page that asks before keys change.
func (h *Handler) confirmKeys(w http.ResponseWriter, r *http.Request, v templates.KeyConfirmView) error {
	v.BackURL = templates.PathKeys
	f, d := h.formFrame(w, r, templates.NavKeys)
	if v.Errors == nil {
		v.Reason = d.or(FieldReason, v.Reason)
	}
	status := http.StatusOK
	if v.Invalid() {
		status = http.StatusUnprocessableEntity
	}
	return h.templates.KeyConfirm.Render(w, status, f, v)
}

// sayOf is a sentence above a form that could not do its work.
func (h *Handler) sayOf(r *http.Request, key string) map[string]string {
	return map[string]string{templates.FormError: h.templates.T(web.Lang(r), key)}
}

func (h *Handler) getRotate(w http.ResponseWriter, r *http.Request) error {
	v := templates.KeyConfirmView{What: templates.KeyRotate, Action: rotateURL}
	changes, err := h.service.NextKeys(r.Context(), actorOf(r))
	switch {
	case errors.Is(err, keys.ErrNoNext):
		v.NotReady = true
	case err != nil:
		return answer(err)
	}
	now := h.now()
	for _, c := range changes {
		row := templates.KeyChange{Alg: c.Alg, ID: c.ID}
		if c.At.After(now) {
			row.At, row.ISO = h.at(&c.At)
		}
		v.Changes = append(v.Changes, row)
	}
	return h.confirmKeys(w, r, v)
}

func (h *Handler) postRotate(w http.ResponseWriter, r *http.Request) error {
	if err := web.Pressed(w, r); err != nil {
		return err
	}
	_, err := h.service.RotateKeys(r.Context(), actorOf(r), "")
	switch {
	case errors.Is(err, keys.ErrNoNext):
		return h.confirmKeys(w, r, templates.KeyConfirmView{
			What: templates.KeyRotate, Action: rotateURL, NotReady: true, Errors: h.sayOf(r, templates.MsgKeysNotReady),
		})
	case err != nil:
		return answer(err)
	}
	return h.done(w, r, templates.FlashKeysRotated, templates.PathKeys)
}

func (h *Handler) getReseal(w http.ResponseWriter, r *http.Request) error {
	if _, _, err := h.service.LastReseal(r.Context(), actorOf(r)); err != nil {
		return answer(err) // who may not do it may not see it either
	}
	return h.confirmKeys(w, r, templates.KeyConfirmView{What: templates.KeyReseal, Action: resealURL})
}

func (h *Handler) postReseal(w http.ResponseWriter, r *http.Request) error {
	if err := web.Pressed(w, r); err != nil {
		return err
	}
	_, err := h.service.Reseal(r.Context(), actorOf(r))
	switch {
	case errors.Is(err, keys.ErrUnderWay):
		return h.confirmKeys(w, r, templates.KeyConfirmView{
			What: templates.KeyReseal, Action: resealURL, Errors: h.sayOf(r, templates.MsgResealUnderWay),
		})
	case err != nil:
		return answer(err)
	}
	return h.done(w, r, templates.FlashResealStarted, templates.PathKeys)
}

// revocable is the page that asks before the key of a request is revoked. One that is gone is as if it had never been.
func (h *Handler) revocable(r *http.Request) (templates.KeyConfirmView, error) {
	list, err := h.service.SigningKeys(r.Context(), actorOf(r))
	if err != nil {
		return templates.KeyConfirmView{}, answer(err)
	}
	for _, k := range list {
		if k.ID == chi.URLParam(r, "kid") && k.Revocable() {
			return templates.KeyConfirmView{What: templates.KeyRevoke, Action: revokeURL(k.ID), Key: h.keyRow(k), Word: k.Word()}, nil
		}
	}
	return templates.KeyConfirmView{}, web.NotFound(store.ErrNotFound)
}

func (h *Handler) getRevoke(w http.ResponseWriter, r *http.Request) error {
	v, err := h.revocable(r)
	if err != nil {
		return err
	}
	return h.confirmKeys(w, r, v)
}

func (h *Handler) postRevoke(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(w, r)
	if err != nil {
		return err
	}
	_, err = h.service.RevokeKey(r.Context(), actorOf(r), chi.URLParam(r, "kid"), form.Get(FieldTyped), form.Get(FieldReason))
	if err == nil {
		return h.done(w, r, templates.FlashKeyRevoked, templates.PathKeys)
	}
	if _, ok := errors.AsType[*account.ValidationError](err); !ok && !errors.Is(err, keys.ErrGone) {
		return answer(err)
	}
	v, verr := h.revocable(r)
	if verr != nil {
		return verr
	}
	v.Errors, _ = h.fieldErrors(web.Lang(r), err)
	v.Reason = form.Get(FieldReason)
	return h.confirmKeys(w, r, v)
}

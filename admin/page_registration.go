package admin

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// registrationTokensURL leads to the initial access tokens. It is not below the list of clients, where any word could be an id.
const registrationTokensURL = "/admin/registration-tokens"

// What is proposed for a new initial access token.
const (
	proposedDays = "7"
	proposedUses = "1"
)

func (h *Handler) mountRegistration(get mountPage, form mountForm) {
	form(registrationTokensURL, h.getRegistrationTokens, h.postRegistrationToken)
	get(registrationTokensURL+"/issued", h.getRegistrationTokenIssued)
	form(registrationTokensURL+"/{id}/revoke", h.getRevokeRegistrationToken, h.postRevokeRegistrationToken)
}

func (h *Handler) getRegistrationTokens(w http.ResponseWriter, r *http.Request) error {
	f, d := h.formFrame(w, r, templates.NavClients)
	v := templates.RegistrationTokensView{Label: d.or(fieldLabel, ""), Days: d.or(fieldDays, proposedDays), Uses: d.or(fieldUses, proposedUses)}
	return h.renderRegistrationTokens(w, r, http.StatusOK, f, v)
}

func (h *Handler) renderRegistrationTokens(
	w http.ResponseWriter, r *http.Request, status int, f templates.Frame, v templates.RegistrationTokensView,
) error {
	list, err := h.service.RegistrationTokens(r.Context(), actorOf(r))
	if err != nil {
		return answer(err)
	}
	v.Action, v.BackURL = registrationTokensURL, templates.PathClients
	for _, t := range list {
		v.Rows = append(v.Rows, h.registrationTokenRow(t))
	}
	return h.templates.RegistrationTokens.Render(w, status, f, v)
}

func (h *Handler) registrationTokenRow(t RegistrationToken) templates.RegistrationTokenRow {
	row := templates.RegistrationTokenRow{Label: t.Label, State: t.State, CreatedBy: t.CreatedBy, Uses: t.Uses, MaxUses: t.MaxUses}
	row.CreatedAt, row.CreatedISO = h.at(&t.CreatedAt)
	row.ExpiresAt, row.ExpiresISO = h.at(&t.ExpiresAt)
	if t.State == TokenLive {
		row.RevokeURL = registrationTokensURL + "/" + string(t.ID) + "/revoke"
	}
	return row
}

func (h *Handler) postRegistrationToken(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(w, r)
	if err != nil {
		return err
	}
	v := templates.RegistrationTokensView{Label: form.Text(fieldLabel), Days: form.Get(fieldDays), Uses: form.Get(fieldUses)}
	in := NewRegistrationToken{Label: v.Label, Days: numberOf(v.Days), Uses: numberOf(v.Uses)}
	token, made, err := h.service.CreateRegistrationToken(r.Context(), actorOf(r), in)
	if err == nil {
		d := draft{Page: registrationTokensURL + "/issued", Account: actorOf(r).Account.ID, Fields: map[string]string{
			handOverSecretText: token, fieldLabel: made.Label,
		}}
		if err := d.keep(w, handOverAge); err != nil {
			return err
		}
		return web.SeeOther(w, r, d.Page)
	}
	f := h.frame(w, r, templates.NavClients)
	texts, ok := h.fieldErrors(f.Lang, err)
	if !ok {
		return answer(err)
	}
	v.Errors = texts
	return h.renderRegistrationTokens(w, r, http.StatusUnprocessableEntity, f, v)
}

// numberOf reads a small number as people type it; 0 for what is none.
func numberOf(text string) int {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		return 0
	}
	return n
}

func (h *Handler) getRegistrationTokenIssued(w http.ResponseWriter, r *http.Request) error {
	if err := h.service.view(r.Context(), actorOf(r), mayManageClients); err != nil {
		return answer(err)
	}
	d, _ := takeDraft(w, r)
	return h.templates.RegistrationTokenIssued.Render(w, http.StatusOK, h.frame(w, r, templates.NavClients), templates.RegistrationTokenIssuedView{
		BackURL: registrationTokensURL, Label: d.Fields[fieldLabel], Token: d.Fields[handOverSecretText], Endpoint: h.issuer + "/register",
	})
}

func (h *Handler) getRevokeRegistrationToken(w http.ResponseWriter, r *http.Request) error {
	list, err := h.service.RegistrationTokens(r.Context(), actorOf(r))
	if err != nil {
		return answer(err)
	}
	i := slices.IndexFunc(list, func(t RegistrationToken) bool { return string(t.ID) == chi.URLParam(r, "id") })
	if i < 0 {
		return store.ErrNotFound
	}
	row := h.registrationTokenRow(list[i])
	if row.RevokeURL == "" { // the list says why there is nothing to revoke
		return web.SeeOther(w, r, registrationTokensURL)
	}
	f, _ := h.formFrame(w, r, templates.NavClients)
	return h.templates.RegistrationTokenRevoke.Render(w, http.StatusOK, f, templates.RegistrationTokenRevokeView{
		Action: row.RevokeURL, BackURL: registrationTokensURL, Token: row,
	})
}

func (h *Handler) postRevokeRegistrationToken(w http.ResponseWriter, r *http.Request) error {
	if err := web.Pressed(w, r); err != nil {
		return err
	}
	if err := h.service.RevokeRegistrationToken(r.Context(), actorOf(r), store.RegistrationTokenID(chi.URLParam(r, "id"))); err != nil {
		return answer(err)
	}
	return h.done(w, r, templates.FlashTokenRevoked, registrationTokensURL)
}

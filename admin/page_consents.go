package admin

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// mountAccess adds the forms of an account's page that sign the person out.
func (h *Handler) mountAccess(formOn func(page formPage, path string, save web.HandlerFunc)) {
	page := func(r *http.Request) string { return accountURL(store.AccountID(chi.URLParam(r, "id"))) }
	formOn(page, "/admin/accounts/{id}/sessions/end", h.postEndSessions)
	formOn(page, "/admin/accounts/{id}/apps/{client}/revoke", h.postRevokeConsent)
}

// access is what an account's page says of where the person is signed in and what they allow.
func (h *Handler) access(actor Actor, a Account) *templates.AccountAccess {
	may := mayChangeOther(actor, a, mayReset)
	v := &templates.AccountAccess{Sessions: a.Sessions}
	if may {
		v.EndAction = accountURL(a.ID) + "/sessions/end"
	}
	for _, c := range a.Consents {
		app := templates.SecurityApp{
			Name: c.Client.Name, LogoURL: templates.LogoURL(c.Client.ID, c.Client.LogoVersion), Scopes: strings.Fields(c.Consent.Scope),
			GrantedAt: templates.Date(c.Consent.GrantedAt, h.zone), GrantISO: templates.ISO(c.Consent.GrantedAt, h.zone),
		}
		if may {
			app.RevokeAction = accountURL(a.ID) + "/apps/" + url.PathEscape(c.Client.ID) + "/revoke"
		}
		v.Apps = append(v.Apps, app)
	}
	return v
}

func (h *Handler) postEndSessions(w http.ResponseWriter, r *http.Request) error {
	if err := web.Pressed(w, r); err != nil {
		return err
	}
	id := store.AccountID(chi.URLParam(r, "id"))
	if err := h.service.EndSessions(r.Context(), actorOf(r), id); err != nil {
		return answer(err)
	}
	return h.done(w, r, templates.FlashAccountSessionsEnded, accountURL(id))
}

func (h *Handler) postRevokeConsent(w http.ResponseWriter, r *http.Request) error {
	if err := web.Pressed(w, r); err != nil {
		return err
	}
	id := store.AccountID(chi.URLParam(r, "id"))
	client, err := url.PathUnescape(chi.URLParam(r, "client"))
	if err != nil {
		return web.NotFound(err)
	}
	if err := h.service.RevokeConsent(r.Context(), actorOf(r), id, client); err != nil {
		return answer(err)
	}
	return h.done(w, r, templates.FlashAccountAppRevoked, accountURL(id))
}

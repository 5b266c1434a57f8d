package mfa

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// selfRevokeApp takes back what an application was allowed.
const selfRevokeApp = "/apps/{client}/revoke"

// appLines are the applications on the page of the person's own settings.
func (h *Handler) appLines(q sessionRequest, list []ConnectedApp) []templates.SecurityApp {
	var lines []templates.SecurityApp
	for _, a := range list {
		lines = append(lines, templates.SecurityApp{
			Name: a.Name, LogoURL: templates.LogoURL(a.ID, a.LogoVersion), Scopes: a.Scopes,
			GrantedAt: templates.Date(a.GrantedAt, h.zone), GrantISO: templates.ISO(a.GrantedAt, h.zone),
			RevokeAction: q.at.base + strings.Replace(selfRevokeApp, "{client}", url.PathEscape(a.ID), 1),
		})
	}
	return lines
}

// clientOf is the client that an address names. The router leaves what is escaped in it as it is.
func clientOf(q sessionRequest) (string, error) {
	id, err := url.PathUnescape(chi.URLParam(q.r, "client"))
	if err != nil {
		return "", web.NotFound(err)
	}
	return id, nil
}

// getRevokeApp asks before an application loses what it has: whoever had to prove everything again comes back to it.
func (h *Handler) getRevokeApp(q sessionRequest) error {
	id, err := clientOf(q)
	if err != nil {
		return err
	}
	list, err := h.service.Apps(q.r.Context(), q.session.ID)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(a ConnectedApp) bool { return a.ID == id })
	if i < 0 {
		return web.NotFound(nil)
	}
	return h.templates.AppRevoke.Render(q.w, http.StatusOK, h.selfFrame(q), templates.AppRevokeView{
		Action: q.r.URL.EscapedPath(), BackURL: q.at.base, App: list[i].Name, LogoURL: templates.LogoURL(list[i].ID, list[i].LogoVersion), Scopes: list[i].Scopes,
	})
}

func (h *Handler) postRevokeApp(q sessionRequest) error {
	if err := web.Pressed(q.w, q.r); err != nil {
		return err
	}
	id, err := clientOf(q)
	if err != nil {
		return err
	}
	if err := h.service.RevokeApp(q.r.Context(), q.session.ID, id); err != nil {
		return err
	}
	h.kit.SetFlash(q.w, templates.FlashAppRevoked)
	return web.SeeOther(q.w, q.r, q.at.base)
}

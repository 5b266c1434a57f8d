package admin

import (
	"errors"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// mountLogo adds the page of a client's logo. A form with a file leaves no draft, so that the proof is asked for before it is shown as
// well as after.
func (h *Handler) mountLogo(r chi.Router, pages formPages, form mountForm) {
	page := templates.PathClients + "/{client}/logo"
	r.With(h.kit.Sessions.RequireFresh(freshFor)).Get(page, h.kit.Handle(h.getLogo))
	r.Post(page, h.kit.Handle(h.postLogo))
	pages[page+"/remove"] = func(r *http.Request) string { return logoPage(chi.URLParam(r, "client")) }
	form(page+"/remove", h.toLogo, h.postRemoveLogo)
}

func logoPage(id string) string { return clientURL(id) + "/logo" }

func (h *Handler) toLogo(w http.ResponseWriter, r *http.Request) error {
	c, err := h.client(r)
	if err != nil {
		return err
	}
	return web.SeeOther(w, r, logoPage(c.ID))
}

func (h *Handler) getLogo(w http.ResponseWriter, r *http.Request) error {
	c, err := h.changeableClient(r)
	if err != nil {
		return err
	}
	return h.renderLogo(w, r, http.StatusOK, c, nil)
}

func (h *Handler) renderLogo(w http.ResponseWriter, r *http.Request, status int, c ClientState, errs map[string]string) error {
	f, _ := h.formFrame(w, r, templates.NavClients)
	v := templates.ClientLogoView{
		Action: logoPage(c.ID), BackURL: clientURL(c.ID), ID: c.ID, Name: c.Name, LogoURL: templates.LogoURL(c.ID, c.LogoVersion),
		Kinds: strings.Join(logoKinds(), ","), MaxKB: MaxLogo >> 10, MaxSide: maxLogoSide, Errors: errs,
	}
	if v.LogoURL != "" {
		v.RemoveAction = logoPage(c.ID) + "/remove"
	}
	return h.templates.ClientLogo.Render(w, status, f, v)
}

func (h *Handler) postLogo(w http.ResponseWriter, r *http.Request) error {
	c, err := h.changeableClient(r) // nobody's file is read who may not change the client
	if err != nil {
		return err
	}
	parts, err := web.Upload(w, r)
	if err != nil {
		return err
	}
	_, file, err := uploadParts(parts)
	if err != nil {
		return web.BadRequest(err)
	}
	lang := web.Lang(r)
	if file == nil {
		return h.renderLogo(w, r, http.StatusUnprocessableEntity, c, map[string]string{"file": h.templates.T(lang, "client.wrong.logo_kind")})
	}
	changed, err := h.service.SetLogo(r.Context(), actorOf(r), c.ID, file)
	if err == nil {
		return h.done(w, r, savedOr(changed), c.page())
	}
	if e, ok := errors.AsType[*ClientError](err); ok {
		texts := e.texts(func(key string, args ...any) string { return h.templates.T(lang, key, args...) })
		return h.renderLogo(w, r, http.StatusUnprocessableEntity, c, map[string]string{"file": texts[clientFieldLogo]})
	}
	return answer(err)
}

// page is the client's own page.
func (c ClientState) page() string { return clientURL(c.ID) }

func (h *Handler) postRemoveLogo(w http.ResponseWriter, r *http.Request) error {
	if err := web.Pressed(w, r); err != nil {
		return err
	}
	id := chi.URLParam(r, "client")
	changed, err := h.service.RemoveLogo(r.Context(), actorOf(r), id)
	if err != nil {
		return answer(err)
	}
	return h.done(w, r, savedOr(changed), clientURL(id))
}

package mfa

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

func (h *Handler) getSecurity(q sessionRequest) error {
	o, err := h.service.Overview(q.r.Context(), q.session.ID)
	if err != nil {
		return err
	}
	return h.templates.Security.Render(q.w, http.StatusOK, h.kit.Frame(q.w, q.r), h.securityView(o))
}

func (h *Handler) securityView(o Overview) templates.SecurityView {
	v := templates.SecurityView{
		BackURL:       h.templates.Brand().MyPageURL,
		Company:       o.Company,
		Name:          o.Account.DisplayName,
		LoginID:       o.Account.LoginID,
		On:            o.Required && o.Status.SetUp(),
		Enforced:      o.Enforced,
		BackupLeft:    o.Status.BackupCodesLeft,
		BackupIssued:  templates.Date(o.Status.BackupIssuedAt, h.zone),
		SignOutAction: pathSignOut,
	}
	email := templates.SecurityMethod{Kind: templates.KindEmail, URL: pathSecurityEmail}
	for _, f := range o.Status.Factors {
		if f.Kind == templates.KindEmail {
			email.Set, email.Main, email.Address = true, f.Main, templates.MaskEmail(f.Address)
			email.VerifiedAt, email.VerifiedISO = templates.Time(f.VerifiedAt, h.zone), templates.ISO(f.VerifiedAt, h.zone)
		}
	}
	v.Methods = []templates.SecurityMethod{email}
	if o.Status.SetUp() {
		v.BackupURL = pathSecurityCodes
	}
	for _, s := range o.Sessions {
		line := templates.SecuritySession{
			Browser:    browserName(s.UserAgent),
			Current:    s.ID == o.Current,
			SignedInAt: templates.Time(s.CreatedAt, h.zone), SignedISO: templates.ISO(s.CreatedAt, h.zone),
			SeenAt: templates.Time(s.SeenAt, h.zone), SeenISO: templates.ISO(s.SeenAt, h.zone),
			Address: s.ClientAddress,
		}
		if !line.Current {
			line.EndAction = pathSecurity + "/sessions/" + string(s.ID) + "/end"
		}
		v.Sessions = append(v.Sessions, line)
	}
	if len(o.Sessions) > 1 {
		v.EndOthersAction = pathSecurityEndAll
	}
	for _, e := range o.Events {
		v.Activities = append(v.Activities, templates.Activity{
			Event: e.Type, OK: e.Result == string(audit.Success),
			At: templates.Time(e.At, h.zone), ISO: templates.ISO(e.At, h.zone),
			Browser: browserName(e.UserAgent), FromAddress: e.ClientAddress,
		})
	}
	return v
}

func (h *Handler) getChangeEmail(q sessionRequest) error {
	return h.renderChangeEmail(q, http.StatusOK, "", nil)
}

func (h *Handler) postChangeEmail(q sessionRequest) error {
	form, err := web.ParseForm(q.w, q.r)
	if err != nil {
		return err
	}
	ctx, lang := q.r.Context(), web.Lang(q.r)
	address := form.Get("email")
	if form.Get("do") == "verify" {
		var done Changed
		done, err = h.service.VerifyChangeCode(ctx, q.session.ID, address, form.Get("code"), lang)
		if err == nil {
			return h.changedEmail(q, done)
		}
	} else if err = h.service.SendChangeCode(ctx, q.session.ID, address, lang); err == nil {
		return web.SeeOther(q.w, q.r, pathSecurityEmail)
	}
	errs, ok := h.codeErrors(lang, err)
	if !ok {
		return err
	}
	return h.renderChangeEmail(q, http.StatusUnprocessableEntity, address, errs)
}

func (h *Handler) changedEmail(q sessionRequest, done Changed) error {
	web.SetSessionCookie(q.w, q.session.Kind, done.Token)
	if done.First {
		h.kit.SetFlash(q.w, templates.FlashEmailSet)
		return web.SeeOther(q.w, q.r, pathSecurityCodes)
	}
	h.kit.SetFlash(q.w, templates.FlashEmailChanged)
	return web.SeeOther(q.w, q.r, pathSecurity)
}

func (h *Handler) renderChangeEmail(q sessionRequest, status int, typed string, errs web.FieldErrors) error {
	state, err := h.service.EmailChange(q.r.Context(), q.session.ID)
	if err != nil {
		return err
	}
	if status == http.StatusOK {
		typed = state.Current
	}
	f := h.kit.Frame(q.w, q.r)
	v := h.emailView(f.Lang, status, state.Sending, typed, errs)
	v.Action = pathSecurityEmail
	v.Change = true
	v.BackURL = pathSecurity
	return h.templates.EmailSetup.Render(q.w, status, f, v)
}

func (h *Handler) postEndSession(q sessionRequest) error {
	id := chi.URLParam(q.r, "id")
	if !store.ValidID(id) {
		return web.NotFound(nil)
	}
	if err := h.service.EndSession(q.r.Context(), q.session.ID, store.SessionID(id)); err != nil {
		return err
	}
	h.kit.SetFlash(q.w, templates.FlashSessionEnded)
	return web.SeeOther(q.w, q.r, pathSecurity)
}

func (h *Handler) postEndOtherSessions(q sessionRequest) error {
	if err := h.service.EndOtherSessions(q.r.Context(), q.session.ID); err != nil {
		return err
	}
	h.kit.SetFlash(q.w, templates.FlashSessionsEnded)
	return web.SeeOther(q.w, q.r, pathSecurity)
}

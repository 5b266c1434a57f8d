package mfa

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

func (h *Handler) getFlowCodes(q flowRequest) error {
	return h.renderFlowCodes(q, http.StatusOK, nil)
}

func (h *Handler) postFlowCodes(q flowRequest) error {
	form, err := web.ParseForm(q.w, q.r)
	if err != nil {
		return err
	}
	if !form.Checked("saved") {
		return h.renderFlowCodes(q, http.StatusUnprocessableEntity, h.savedBlank(q.r))
	}
	secret, err := h.service.ForgetFlowCodes(q.r.Context(), q.flow)
	if err != nil {
		return err
	}
	return h.proved(q, secret)
}

func (h *Handler) savedBlank(r *http.Request) web.FieldErrors {
	return web.FieldErrors{"saved": h.templates.T(web.Lang(r), templates.MsgSavedBlank)}
}

func (h *Handler) renderFlowCodes(q flowRequest, status int, errs web.FieldErrors) error {
	codes, err := h.service.FlowCodes(q.r.Context(), q.flow)
	if err != nil {
		return err
	}
	v := h.codesView(codes, errs)
	v.Action = q.to(pathCodes)
	v.Progress = &templates.Progress{N: setUpSteps, Of: setUpSteps}
	v.SetUp = string(codes.Method)
	v.DownloadURL = q.to(pathCodesText)
	return h.templates.BackupCodes.Render(q.w, status, h.frame(q), v)
}

func (h *Handler) codesView(codes FreshCodes, errs web.FieldErrors) templates.BackupCodesView {
	return templates.BackupCodesView{
		Codes: codes.Codes, LoginID: codes.LoginID, Date: templates.Date(codes.IssuedAt, h.zone), Errors: errs,
	}
}

func (h *Handler) getFlowCodesText(q flowRequest) error {
	codes, err := h.service.FlowCodes(q.r.Context(), q.flow)
	if err != nil {
		return err
	}
	return h.writeCodes(q.w, q.r, codes)
}

// writeCodes answers the codes as a file. The names in it are the brand's and the login ID, so that a file found later says
// what it is for.
func (h *Handler) writeCodes(w http.ResponseWriter, r *http.Request, codes FreshCodes) error {
	var b strings.Builder
	b.WriteString(h.templates.Brand().AccountName.In(web.Lang(r)) + " / " + codes.LoginID + " / " + templates.Date(codes.IssuedAt, h.zone) + "\r\n\r\n")
	for _, c := range codes.Codes {
		b.WriteString(c + "\r\n")
	}
	head := w.Header()
	head.Set("Content-Type", "text/plain; charset=utf-8")
	head.Set("Content-Disposition", `attachment; filename="futakagi-backup-codes.txt"`)
	head.Set("Content-Length", strconv.Itoa(b.Len()))
	_, err := w.Write([]byte(b.String()))
	return err
}

// getSessionCodes shows codes that are not saved yet, else asks before new ones are made.
func (h *Handler) getSessionCodes(q sessionRequest) error {
	return h.renderSessionCodes(q, http.StatusOK, nil)
}

// postSessionCodes makes new codes, or ends their showing: which of the two, the page shown decides.
func (h *Handler) postSessionCodes(q sessionRequest) error {
	form, err := web.ParseForm(q.w, q.r)
	if err != nil {
		return err
	}
	ctx := q.r.Context()
	_, _, err = h.service.SessionCodes(ctx, q.session.ID)
	switch {
	case errors.Is(err, ErrNoCodes) && form.Checked("saved"):
		return web.SeeOther(q.w, q.r, q.at.base) // pressed twice
	case errors.Is(err, ErrNoCodes):
		token, err := h.service.RegenerateCodes(ctx, q.session.ID, web.Lang(q.r))
		if err != nil {
			return err
		}
		web.SetSessionCookie(q.w, q.session.Kind, token)
		h.kit.SetFlash(q.w, templates.FlashCodesReissued)
		return web.SeeOther(q.w, q.r, q.at.base+selfCodes)
	case err != nil:
		return err
	case !form.Checked("saved"):
		return h.renderSessionCodes(q, http.StatusUnprocessableEntity, h.savedBlank(q.r))
	}
	if err := h.service.ForgetSessionCodes(ctx, q.session.ID); err != nil {
		return err
	}
	return web.SeeOther(q.w, q.r, q.at.base)
}

func (h *Handler) renderSessionCodes(q sessionRequest, status int, errs web.FieldErrors) error {
	codes, left, err := h.service.SessionCodes(q.r.Context(), q.session.ID)
	if errors.Is(err, ErrNoCodes) {
		return h.templates.BackupRenew.Render(q.w, http.StatusOK, h.selfFrame(q), templates.BackupRenewView{
			Action: q.at.base + selfCodes, BackURL: q.at.base, Left: left,
		})
	}
	if err != nil {
		return err
	}
	v := h.codesView(codes, errs)
	v.Action = q.at.base + selfCodes
	v.DownloadURL = q.at.base + selfCodesText
	return h.templates.BackupCodes.Render(q.w, status, h.selfFrame(q), v)
}

func (h *Handler) getSessionCodesText(q sessionRequest) error {
	codes, _, err := h.service.SessionCodes(q.r.Context(), q.session.ID)
	if errors.Is(err, ErrNoCodes) {
		return web.NotFound(err)
	}
	if err != nil {
		return err
	}
	return h.writeCodes(q.w, q.r, codes)
}

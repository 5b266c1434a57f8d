package mfa

import (
	"errors"
	"log/slog"
	"net/http"

	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// pathPass is the page that takes the code of a pass.
const pathPass = pathChallenge + "/pass"

func (h *Handler) getPass(q flowRequest) error { return h.renderPass(q, http.StatusOK, nil) }

func (h *Handler) postPass(q flowRequest) error {
	form, err := web.ParseForm(q.w, q.r)
	if err != nil {
		return err
	}
	ctx := q.r.Context()
	secret, err := h.service.VerifyPass(ctx, q.flow, form.Get(fieldCode))
	if err == nil {
		web.Event(ctx).Add(slog.String("factor", "pass"))
		return h.proved(q, secret)
	}
	key := ""
	_, locked := errors.AsType[*LockedError](err)
	switch {
	case locked:
		return web.SeeOther(q.w, q.r, q.to(pathPass)) // shows the pause
	case errors.Is(err, ErrCodeBlank), errors.Is(err, ErrPassForm):
		key = templates.MsgPassForm
	case errors.Is(err, ErrWrongCode):
		key = templates.MsgPassWrong
	case errors.Is(err, ErrTriesSpent):
		key = templates.MsgPassSpent
	default:
		return err
	}
	return h.renderPass(q, http.StatusUnprocessableEntity, web.FieldErrors{fieldCode: h.templates.T(web.Lang(q.r), key)})
}

func (h *Handler) renderPass(q flowRequest, status int, errs web.FieldErrors) error {
	state, err := h.service.PassEntry(q.r.Context(), q.flow)
	if err != nil {
		return err
	}
	if state.LockedUntil != nil && status == http.StatusOK {
		return h.renderLocked(q)
	}
	return h.templates.ChallengePass.Render(q.w, status, h.frame(q), templates.ChallengePassView{
		Action:       q.to(pathPass),
		LoginID:      q.acc.LoginID,
		CancelAction: q.to(pathCancel),
		NearLimit:    state.NearLimit && status == http.StatusUnprocessableEntity,
		BackURL:      q.to(pathOthers),
		Errors:       errs,
	})
}

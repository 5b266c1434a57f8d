package mfa

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// named is the method that a challenge's address names; empty for the one offered first.
func named(q flowRequest) signin.Method { return signin.Method(chi.URLParam(q.r, "method")) }

// challengeOf reads the challenge that a request is about. A method that would not do leads to those that would.
func (h *Handler) challengeOf(q flowRequest, method signin.Method) (state Challenge, elsewhere bool, err error) {
	state, err = h.service.Challenge(q.r.Context(), q.flow, method)
	if errors.Is(err, ErrMethod) || err == nil && state.Method == "" {
		return state, true, web.SeeOther(q.w, q.r, q.to(pathOthers))
	}
	return state, false, err
}

// getChallenge shows the challenge's page. The first time in a sign-in it sends the code, where the method sends any, unless the
// request carries somebody else's intent or the browser only looks ahead (I25): then the page has a button for it.
func (h *Handler) getChallenge(q flowRequest) error {
	state, elsewhere, err := h.challengeOf(q, named(q))
	if elsewhere || err != nil {
		return err
	}
	if state.Method == signin.Passkey {
		return h.renderPasskeyChallenge(q, http.StatusOK, state, false, nil)
	}
	var errs web.FieldErrors
	if sends(state.Method) && !state.Sent && state.LockedUntil == nil && ownIntent(q.r) {
		ctx, lang := q.r.Context(), web.Lang(q.r)
		if err := h.service.SendSignInCode(ctx, q.flow, state.Method, lang); err != nil {
			var ok bool
			if errs, ok = h.sendErrors(lang, state.Method, err); !ok {
				return err
			}
		}
		if state, elsewhere, err = h.challengeOf(q, named(q)); elsewhere || err != nil {
			return err
		}
	}
	return h.renderChallenge(q, http.StatusOK, state, false, errs)
}

// getChallengePasskey is getChallenge for the page of the passkey, whose form is posted here.
func (h *Handler) getChallengePasskey(q flowRequest) error {
	state, elsewhere, err := h.challengeOf(q, signin.Passkey)
	if elsewhere || err != nil {
		return err
	}
	return h.renderPasskeyChallenge(q, http.StatusOK, state, false, nil)
}

// ownIntent reports whether a GET comes from our own pages or the person's own hand. A chain of redirects that another site
// began does not, nor does a prefetch. Clients that say nothing about it are no browsers that others could steer.
func ownIntent(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
	default:
		return false
	}
	return !strings.Contains(r.Header.Get("Sec-Purpose"), "prefetch") && r.Header.Get("Purpose") != "prefetch"
}

// sendErrors are the errors of a sending, on a form that has no address field.
func (h *Handler) sendErrors(lang templates.Lang, method signin.Method, err error) (web.FieldErrors, bool) {
	if errors.Is(err, ErrFactorDisabled) {
		return web.FieldErrors{templates.FormError: h.templates.T(lang, templates.MsgSendFailed)}, true
	}
	errs, ok := h.codeErrors(lang, method, err)
	for _, field := range []string{fieldEmail, fieldPhone} {
		if text := errs[field]; text != "" {
			return web.FieldErrors{templates.FormError: text}, ok
		}
	}
	return errs, ok
}

func (h *Handler) postChallenge(q flowRequest) error {
	form, err := web.ParseForm(q.w, q.r)
	if err != nil {
		return err
	}
	state, elsewhere, err := h.challengeOf(q, named(q))
	if elsewhere || err != nil {
		return err
	}
	ctx, lang := q.r.Context(), web.Lang(q.r)
	if form.Get("do") == "resend" {
		if err = h.service.ResendSignInCode(ctx, q.flow, state.Method, lang); err == nil {
			return web.SeeOther(q.w, q.r, q.to(q.r.URL.Path))
		}
	} else {
		var done Proved
		done, err = h.service.VerifySignInCode(ctx, q.flow, state.Method, form.Get("code"), form.Checked(fieldTrust))
		if err == nil {
			web.Event(ctx).Add(slog.String("factor", string(state.Method)))
			return h.passed(q, done)
		}
	}
	if errors.Is(err, ErrFactorDisabled) || errors.Is(err, ErrMethod) {
		return web.SeeOther(q.w, q.r, q.to(pathOthers))
	}
	if _, ok := errors.AsType[*LockedError](err); ok {
		return web.SeeOther(q.w, q.r, q.to(q.r.URL.Path)) // shows the pause
	}
	errs, ok := h.sendErrors(lang, state.Method, err)
	if !ok {
		return err
	}
	if state, elsewhere, err = h.challengeOf(q, named(q)); elsewhere || err != nil {
		return err
	}
	return h.renderChallenge(q, http.StatusUnprocessableEntity, state, form.Checked(fieldTrust), errs)
}

// renderChallenge shows the challenge's page. trust is whether the person has asked to trust the browser.
func (h *Handler) renderChallenge(q flowRequest, status int, state Challenge, trust bool, errs web.FieldErrors) error {
	// The answer to the try that brought the pause says what was wrong with it; the next one meets the pause.
	if state.LockedUntil != nil && status == http.StatusOK {
		return h.renderLocked(q)
	}
	f := h.frame(q)
	v := templates.ChallengeView{
		Action:       q.to(q.r.URL.Path),
		LoginID:      q.acc.LoginID,
		CancelAction: q.to(pathCancel),
		Kind:         string(state.Method),
		To:           state.To,
		JustSent:     state.Just && status == http.StatusOK,
		Unsent:       sends(state.Method) && !state.Sent,
		WaitSeconds:  state.Wait,
		NearLimit:    state.NearLimit && status == http.StatusUnprocessableEntity,
		MethodsURL:   q.to(pathOthers),
		TrustDays:    state.TrustDays,
		Trust:        trust,
		Errors:       errs,
	}
	v.Bounced, v.ToBounced = bounced(q, state)
	if state.BackupLeft > 0 {
		v.BackupURL = q.to(pathBackup)
	}
	if state.Failed {
		v.Others = otherMethods(q, state)
	}
	if state.Failed && status == http.StatusOK {
		v.JustSent = false
		v.Errors = web.FieldErrors{templates.FormError: h.templates.T(f.Lang, templates.MsgSendFailed)}
	}
	return h.templates.Challenge.Render(q.w, status, f, v)
}

func (h *Handler) renderLocked(q flowRequest) error {
	f := h.frame(q)
	return h.templates.Locked.Render(q.w, http.StatusTooManyRequests, f, templates.LockedView{
		SignInURL: q.to(pathContinue), MethodsURL: q.to(pathOthers), ForgotURL: h.templates.Brand().Forgot(f.Admin, string(q.flow.ID)),
	})
}

func methodLink(q flowRequest, m ChallengeMethod) templates.MethodLink {
	return templates.MethodLink{Kind: string(m.Method), To: m.To, URL: q.to(pathChallenge + "/" + string(m.Method)), Bounced: m.Bounced}
}

// bounced is the factor that gives way to the one asked for because its messages do not arrive, if there is one, and whether the one
// asked for is such a factor itself.
func bounced(q flowRequest, state Challenge) (other *templates.MethodLink, itself bool) {
	for _, m := range state.Methods {
		switch {
		case !m.Bounced:
		case m.Method == state.Method:
			return nil, true
		case other == nil:
			link := methodLink(q, m)
			other = &link
		}
	}
	return other, false
}

// otherMethods are the factors that would do instead of the one asked for.
func otherMethods(q flowRequest, state Challenge) []templates.MethodLink {
	var links []templates.MethodLink
	for _, m := range state.Methods {
		if m.Method != state.Method {
			links = append(links, methodLink(q, m))
		}
	}
	return links
}

// getOthers lists every way to answer the challenge.
func (h *Handler) getOthers(q flowRequest) error {
	state, err := h.service.Challenge(q.r.Context(), q.flow, "")
	if err != nil {
		return err
	}
	v := templates.ChallengeMethodsView{LoginID: q.acc.LoginID, CancelAction: q.to(pathCancel)}
	for _, m := range state.Methods {
		v.Methods = append(v.Methods, methodLink(q, m))
	}
	if len(state.Methods) > 0 {
		v.BackURL = q.to(pathChallenge)
	}
	if state.BackupLeft > 0 {
		v.BackupURL = q.to(pathBackup)
	}
	if state.Pass {
		v.PassURL = q.to(pathPass)
	}
	return h.templates.ChallengeMethods.Render(q.w, http.StatusOK, h.frame(q), v)
}

func (h *Handler) getBackup(q flowRequest) error {
	return h.renderBackup(q, http.StatusOK, nil)
}

func (h *Handler) postBackup(q flowRequest) error {
	form, err := web.ParseForm(q.w, q.r)
	if err != nil {
		return err
	}
	ctx := q.r.Context()
	secret, err := h.service.VerifyBackupCode(ctx, q.flow, form.Get("code"), web.Lang(q.r))
	if err == nil {
		web.Event(ctx).Add(slog.String("factor", "backup"))
		return h.proved(q, secret)
	}
	key := ""
	_, locked := errors.AsType[*LockedError](err)
	switch {
	case locked:
		return web.SeeOther(q.w, q.r, q.to(pathBackup)) // shows the pause
	case errors.Is(err, ErrCodeBlank):
		key = templates.MsgBackupBlank
	case errors.Is(err, ErrCodeForm), errors.Is(err, ErrWrongCode), errors.Is(err, ErrFactorDisabled):
		key = templates.MsgBackupWrong
	default:
		return err
	}
	return h.renderBackup(q, http.StatusUnprocessableEntity, web.FieldErrors{"code": h.templates.T(web.Lang(q.r), key)})
}

func (h *Handler) renderBackup(q flowRequest, status int, errs web.FieldErrors) error {
	state, err := h.service.Backup(q.r.Context(), q.flow)
	if err != nil {
		return err
	}
	if state.LockedUntil != nil && status == http.StatusOK {
		return h.renderLocked(q)
	}
	return h.templates.ChallengeBackup.Render(q.w, status, h.frame(q), templates.ChallengeBackupView{
		Action:       q.to(pathBackup),
		LoginID:      q.acc.LoginID,
		CancelAction: q.to(pathCancel),
		NearLimit:    state.NearLimit && status == http.StatusUnprocessableEntity,
		Foreign:      state.Foreign,
		BackURL:      q.to(pathOthers),
		Errors:       errs,
	})
}

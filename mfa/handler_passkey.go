package mfa

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"slices"

	"github.com/go-chi/chi/v5"

	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// What a passkey needs from the browser is asked for by script, with a POST, since asking draws a challenge; the answer comes with a
// plain form, so that everything that follows it is like any other step.

// fieldCredential carries what the browser's authenticator answered.
const fieldCredential = "credential"

// writeOptions answers a script.
func writeOptions(w http.ResponseWriter, options json.RawMessage) error {
	w.Header().Set("Content-Type", "application/json")
	_, err := w.Write(options)
	return err
}

// proposedName is what a passkey is called whose maker does not name it: the browser, which its owner knows it by.
func (h *Handler) proposedName(r *http.Request) string {
	return h.templates.Browser(web.Lang(r), browserName(r.UserAgent()))
}

// nameErrors are what may be wrong with the set-up of a passkey, or with its new name; name is the field of that.
func (h *Handler) nameErrors(lang templates.Lang, name string, err error) (web.FieldErrors, bool) {
	field, key := templates.FormError, ""
	switch {
	case errors.Is(err, ErrNameBlank):
		field, key = name, templates.MsgPasskeyNameBlank
	case errors.Is(err, ErrNameLong):
		field, key = name, templates.MsgPasskeyNameLong
	case errors.Is(err, ErrNameForm):
		field, key = name, templates.MsgNameForm
	case errors.Is(err, ErrPasskey), errors.Is(err, ErrNotBegun), errors.Is(err, ErrTriesSpent):
		key = templates.MsgPasskeyNotMade
	case errors.Is(err, ErrTooManyPasskeys):
		key = templates.MsgPasskeysEnough
	default:
		return nil, false
	}
	return web.FieldErrors{field: h.templates.T(lang, key)}, true
}

// postLoginOptions answers the login page's script. Nobody has said who they are yet.
func (h *Handler) postLoginOptions(w http.ResponseWriter, r *http.Request) error {
	flow, err := h.kit.Flows.Load(r)
	if err != nil {
		return err
	}
	options, err := h.service.PasskeyLogin(r.Context(), flow)
	if errors.Is(err, ErrMethod) {
		return web.NotFound(err)
	}
	if err != nil {
		return later(err)
	}
	return writeOptions(w, options)
}

// postLogin takes a passkey in the place of login ID and password.
func (h *Handler) postLogin(w http.ResponseWriter, r *http.Request) error {
	flow, err := h.kit.Flows.Load(r)
	if err != nil {
		return err
	}
	form, err := web.ParseForm(w, r)
	if err != nil {
		return err
	}
	to := func(path string) string { return flowRequest{flow: flow}.to(path) }
	secret, err := h.service.VerifyLogin(r.Context(), flow, []byte(form.Raw(fieldCredential)))
	switch {
	case errors.Is(err, ErrPasskey):
		web.Event(r.Context()).Add(slog.String("outcome", "bad_credentials"))
		h.kit.SetFlash(w, templates.FlashPasskeyFailed)
		return web.SeeOther(w, r, to(pathSignIn))
	case errors.Is(err, ErrFlowGone):
		return h.astray(w, r, web.ErrFlowGone)
	case errors.Is(err, ErrMethod):
		return web.NotFound(err)
	case err != nil:
		return err
	}
	web.Event(r.Context()).Add(slog.String("factor", string(signin.Passkey)))
	web.SetFlowCookie(w, r, flow.ID, secret)
	return web.SeeOther(w, r, to(pathContinue))
}

func (h *Handler) getSetUpPasskey(q flowRequest) error {
	return h.renderSetUpPasskey(q, http.StatusOK, h.proposedName(q.r), nil)
}

func (h *Handler) postSetUpOptions(q flowRequest) error {
	options, err := h.service.PasskeySetUp(q.r.Context(), q.flow)
	if err != nil {
		return err
	}
	return writeOptions(q.w, options)
}

func (h *Handler) postSetUpPasskey(q flowRequest) error {
	form, err := web.ParseForm(q.w, q.r)
	if err != nil {
		return err
	}
	ctx, lang := q.r.Context(), web.Lang(q.r)
	name, err := ParsePasskeyName(form.Text("name"), h.proposedName(q.r))
	if err == nil {
		var secret string
		secret, err = h.service.SetUpPasskey(ctx, q.flow, name, []byte(form.Raw(fieldCredential)), lang)
		if err == nil {
			return h.proved(q, secret)
		}
	}
	errs, ok := h.nameErrors(lang, "name", err)
	if !ok {
		return err
	}
	return h.renderSetUpPasskey(q, http.StatusUnprocessableEntity, form.Text("name"), errs)
}

func (h *Handler) renderSetUpPasskey(q flowRequest, status int, name string, errs web.FieldErrors) error {
	if err := h.service.CheckSetUp(q.r.Context(), q.flow, signin.Passkey); err != nil {
		return err
	}
	return h.templates.PasskeySetup.Render(q.w, status, h.frame(q), templates.PasskeySetupView{
		Action: q.to(pathPasskey), OptionsURL: q.to(pathPasskeyOptions), Progress: &templates.Progress{N: 2, Of: setUpSteps},
		Name: name, BackURL: q.to(pathMethods), Errors: errs,
	})
}

func (h *Handler) postChallengeOptions(q flowRequest) error {
	options, err := h.service.PasskeyChallenge(q.r.Context(), q.flow)
	if err != nil {
		return err
	}
	return writeOptions(q.w, options)
}

func (h *Handler) postPasskeyChallenge(q flowRequest) error {
	form, err := web.ParseForm(q.w, q.r)
	if err != nil {
		return err
	}
	trust := form.Checked("trust_device")
	done, err := h.service.VerifyPasskey(q.r.Context(), q.flow, []byte(form.Raw(fieldCredential)), trust)
	if err == nil {
		web.Event(q.r.Context()).Add(slog.String("factor", string(signin.Passkey)))
		return h.passed(q, done)
	}
	if !errors.Is(err, ErrPasskey) && !errors.Is(err, ErrNotBegun) {
		return err
	}
	state, elsewhere, err := h.challengeOf(q, signin.Passkey)
	if elsewhere || err != nil {
		return err
	}
	return h.renderPasskeyChallenge(q, http.StatusUnprocessableEntity, state, trust, web.FieldErrors{
		templates.FormError: h.templates.T(web.Lang(q.r), templates.MsgPasskeyFailed),
	})
}

func (h *Handler) renderPasskeyChallenge(q flowRequest, status int, state Challenge, trust bool, errs web.FieldErrors) error {
	v := templates.PasskeyChallengeView{
		Action: q.to(pathChallengePasskey), OptionsURL: q.to(pathChallengeOptions), LoginID: q.acc.LoginID, CancelAction: q.to(pathCancel),
		TrustDays: state.TrustDays, Trust: trust, MethodsURL: q.to(pathOthers), Errors: errs,
	}
	v.Bounced, _ = bounced(q, state)
	if state.BackupLeft > 0 {
		v.BackupURL = q.to(pathBackup)
	}
	return h.templates.PasskeyChallenge.Render(q.w, status, h.frame(q), v)
}

func (h *Handler) getPasskeys(q sessionRequest) error {
	return h.renderPasskeys(q, http.StatusOK, typedNames{"name": h.proposedName(q.r)}, nil)
}

func (h *Handler) postAddOptions(q sessionRequest) error {
	options, err := h.service.PasskeyAdd(q.r.Context(), q.session.ID)
	if errors.Is(err, ErrTooManyPasskeys) {
		return &web.Error{
			Status: http.StatusConflict, Code: "too_many_passkeys", Kind: templates.ErrorMethod, Message: templates.MsgPasskeysEnough, Cause: err,
		}
	}
	if err != nil {
		return err
	}
	return writeOptions(q.w, options)
}

func (h *Handler) postAddPasskey(q sessionRequest) error {
	form, err := web.ParseForm(q.w, q.r)
	if err != nil {
		return err
	}
	ctx, lang := q.r.Context(), web.Lang(q.r)
	name, err := ParsePasskeyName(form.Text("name"), h.proposedName(q.r))
	if err == nil {
		var done Changed
		done, err = h.service.AddPasskey(ctx, q.session.ID, name, []byte(form.Raw(fieldCredential)), lang)
		if err == nil {
			return h.changed(q, done, templates.FlashPasskeySet, templates.FlashPasskeySet)
		}
	}
	errs, ok := h.nameErrors(lang, "name", err)
	if !ok {
		return err
	}
	return h.renderPasskeys(q, http.StatusUnprocessableEntity, typedNames{"name": form.Text("name")}, errs)
}

// renameField is the field of a passkey's new name. There is one for each on the page.
func renameField(id store.PasskeyID) string { return "name-" + string(id) }

func (h *Handler) postRenamePasskey(q sessionRequest) error {
	form, err := web.ParseForm(q.w, q.r)
	if err != nil {
		return err
	}
	list, err := h.service.Passkeys(q.r.Context(), q.session.ID)
	if err != nil {
		return err
	}
	id := store.PasskeyID(chi.URLParam(q.r, "id"))
	if !slices.ContainsFunc(list, func(p PasskeyStatus) bool { return p.ID == id }) {
		return web.NotFound(nil) // before its name is looked at: there is no form to show the error in
	}
	field := renameField(id)
	name, err := ParsePasskeyName(form.Text(field), "")
	if err == nil {
		err = h.service.RenamePasskey(q.r.Context(), q.session.ID, id, name)
	}
	if err == nil {
		h.kit.SetFlash(q.w, templates.FlashPasskeyRenamed)
		return web.SeeOther(q.w, q.r, q.at.base+selfPasskeys)
	}
	errs, ok := h.nameErrors(web.Lang(q.r), field, err)
	if !ok {
		return err
	}
	return h.renderPasskeys(q, http.StatusUnprocessableEntity, typedNames{"name": h.proposedName(q.r), field: form.Text(field)}, errs)
}

// getRemovePasskey asks before a passkey goes. The only one is the method itself, whose removal has a page of its own.
func (h *Handler) getRemovePasskey(q sessionRequest) error {
	list, err := h.service.Passkeys(q.r.Context(), q.session.ID)
	if err != nil {
		return err
	}
	id := store.PasskeyID(chi.URLParam(q.r, "id"))
	i := slices.IndexFunc(list, func(p PasskeyStatus) bool { return p.ID == id })
	switch {
	case i < 0:
		return web.NotFound(nil)
	case len(list) == 1:
		return web.SeeOther(q.w, q.r, q.at.base+selfPasskeys+"/remove")
	}
	return h.templates.PasskeyRemove.Render(q.w, http.StatusOK, h.selfFrame(q), templates.PasskeyRemoveView{
		Action: q.r.URL.Path, BackURL: q.at.base + selfPasskeys, Name: list[i].Name,
	})
}

func (h *Handler) postRemovePasskey(q sessionRequest) error {
	if err := web.Pressed(q.w, q.r); err != nil {
		return err
	}
	id := chi.URLParam(q.r, "id")
	if !store.ValidID(id) {
		return web.NotFound(nil)
	}
	token, err := h.service.RemovePasskey(q.r.Context(), q.session.ID, store.PasskeyID(id), web.Lang(q.r))
	if errors.Is(err, ErrLastPasskey) {
		return web.SeeOther(q.w, q.r, q.at.base+selfPasskeys+"/remove")
	}
	if err != nil {
		return err
	}
	web.SetSessionCookie(q.w, q.session.Kind, token)
	h.kit.SetFlash(q.w, templates.FlashPasskeyRemoved)
	return web.SeeOther(q.w, q.r, q.at.base+selfPasskeys)
}

// typedNames is what the fields of the page hold that takes names of passkeys.
type typedNames map[string]string

func (h *Handler) renderPasskeys(q sessionRequest, status int, typed typedNames, errs web.FieldErrors) error {
	list, err := h.service.Passkeys(q.r.Context(), q.session.ID)
	if err != nil {
		return err
	}
	v := templates.PasskeysView{BackURL: q.at.base, Name: typed["name"], Errors: errs}
	if len(list) < maxPasskeys {
		v.Action, v.OptionsURL = q.at.base+selfPasskeys, q.at.base+selfPasskeyOptions
	}
	for _, p := range list {
		line := templates.PasskeyLine{
			ID: string(p.ID), Name: p.Name, Typed: typed[renameField(p.ID)], Synced: p.Synced,
			CreatedAt: templates.Time(p.CreatedAt, h.zone), CreatedISO: templates.ISO(p.CreatedAt, h.zone),
			RenameAction: q.at.base + selfPasskeys + "/" + string(p.ID) + "/rename",
			RemoveURL:    q.at.base + selfPasskeys + "/" + string(p.ID) + "/remove",
		}
		if !p.LastUsedAt.IsZero() {
			line.UsedAt, line.UsedISO = templates.Time(p.LastUsedAt, h.zone), templates.ISO(p.LastUsedAt, h.zone)
		}
		v.Passkeys = append(v.Passkeys, line)
	}
	return h.templates.Passkeys.Render(q.w, status, h.selfFrame(q), v)
}

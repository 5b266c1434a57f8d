package admin

import (
	"errors"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

func (h *Handler) twoFactorView(actor Actor, a Account) templates.AccountTwoFactorView {
	may := mayChangeOther(actor, a, mayReset)
	v := templates.AccountTwoFactorView{
		Action: accountURL(a.ID) + "/two-factor", BackURL: accountURL(a.ID), Who: who(a, false),
		Use: a.TwoFactor == account.TwoFactorUse, Enforced: a.Enforced, SettingsURL: templates.PathSettings,
		Main: h.mainFactor(a), BackupLeft: a.Status.BackupCodesLeft, Version: a.TwoFactor, ReadOnly: !may,
	}
	if may {
		v.ResetURL = accountURL(a.ID) + "/two-factor/reset"
	}
	for _, f := range a.Status.Factors {
		if f.Kind == templates.KindSMS && !f.Main {
			v.SMS = &templates.FactorState{
				Kind: f.Kind, Address: f.Address,
				VerifiedAt: templates.TimeSeconds(f.VerifiedAt, h.zone), VerifiedISO: templates.ISO(f.VerifiedAt, h.zone),
			}
		}
	}
	for _, d := range a.Status.Devices {
		v.Devices = append(v.Devices, templates.DeviceRow{Name: d.Name, ExpiresAt: templates.Time(d.ExpiresAt, h.zone)})
	}
	return v
}

func (h *Handler) getTwoFactor(w http.ResponseWriter, r *http.Request) error {
	actor, a, err := h.account(r)
	if err != nil {
		return err
	}
	f, _ := h.formFrame(w, r, navOf(a.Kind))
	return h.templates.AccountTwoFactor.Render(w, http.StatusOK, f, h.twoFactorView(actor, a))
}

func (h *Handler) postTwoFactor(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(w, r)
	if err != nil {
		return err
	}
	ctx, id := r.Context(), store.AccountID(chi.URLParam(r, "id"))
	page := accountURL(id) + "/two-factor"
	var want string
	switch form.Get("use") {
	case "on":
		want = account.TwoFactorUse
	case "off":
		want = account.TwoFactorDont
	default:
		// Nothing chosen: no change where 利用しない is stored and cannot be sent (M12), a blank form otherwise.
		_, a, err := h.account(r)
		if err != nil {
			return err
		}
		if a.Enforced && a.TwoFactor == account.TwoFactorDont {
			return h.done(w, r, templates.FlashUnchanged, page)
		}
		return h.refillTwoFactor(w, r, "use", templates.MsgUseBlank)
	}
	done, err := h.service.SetTwoFactor(ctx, actorOf(r), id, form.Get("version"), want)
	switch {
	case errors.Is(err, ErrEnforced):
		return h.refillTwoFactor(w, r, "use", templates.MsgOffForbidden)
	case errors.Is(err, ErrConflict):
		return h.refillTwoFactor(w, r, templates.FormError, templates.MsgEditedElsewhere)
	case err != nil:
		return answer(err)
	case !done.Changed:
		return h.done(w, r, templates.FlashUnchanged, page)
	case want == account.TwoFactorUse:
		return h.done(w, r, templates.FlashTurnedOn, page)
	}
	return h.done(w, r, templates.FlashTurnedOff, page)
}

// refillTwoFactor shows the page again as things stand, with what was wrong.
func (h *Handler) refillTwoFactor(w http.ResponseWriter, r *http.Request, field, message string) error {
	actor, a, err := h.account(r)
	if err != nil {
		return err
	}
	f := h.frame(w, r, navOf(a.Kind))
	v := h.twoFactorView(actor, a)
	v.Errors = map[string]string{field: h.templates.T(f.Lang, message)}
	return h.templates.AccountTwoFactor.Render(w, http.StatusUnprocessableEntity, f, v)
}

func (h *Handler) resetView(a Account) templates.AccountResetView {
	return templates.AccountResetView{
		Action: accountURL(a.ID) + "/two-factor/reset", BackURL: accountURL(a.ID) + "/two-factor", Who: who(a, false),
		Main: h.mainFactor(a), BackupLeft: a.Status.BackupCodesLeft, Sessions: a.Sessions,
	}
}

func (h *Handler) getReset(w http.ResponseWriter, r *http.Request) error {
	actor, a, err := h.account(r)
	if err != nil {
		return err
	}
	switch {
	case actor.is(a.ID):
		return answer(ErrOwnAccount)
	case !mayChange(actor, a, mayReset):
		return answer(ErrForbidden)
	}
	f, d := h.formFrame(w, r, navOf(a.Kind))
	v := h.resetView(a)
	v.Reason, v.Identity = d.or(FieldReason, ""), d.or(FieldIdentity, "") != ""
	return h.templates.AccountReset.Render(w, http.StatusOK, f, v)
}

func (h *Handler) postReset(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(w, r)
	if err != nil {
		return err
	}
	id := store.AccountID(chi.URLParam(r, "id"))
	reason := Reason{Text: form.Get(FieldReason), IdentityChecked: form.Checked(FieldIdentity)}
	result, err := h.service.ResetFactors(r.Context(), actorOf(r), id, reason)
	if err != nil {
		texts, ok := h.fieldErrors(web.Lang(r), err)
		if !ok {
			return answer(err)
		}
		_, a, err := h.account(r)
		if err != nil {
			return err
		}
		v := h.resetView(a)
		v.Reason, v.Identity, v.Errors = strings.TrimSpace(reason.Text), reason.IdentityChecked, texts
		return h.templates.AccountReset.Render(w, http.StatusUnprocessableEntity, h.frame(w, r, navOf(a.Kind)), v)
	}
	flash := templates.FlashReset
	if !result.SetUp {
		flash = templates.FlashResetNothing
	} else if _, a, err := h.account(r); err == nil && a.Kind == account.KindOperator {
		flash = templates.FlashResetOperator
	}
	return h.done(w, r, flash, accountURL(id)+"/two-factor")
}

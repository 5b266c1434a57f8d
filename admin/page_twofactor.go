package admin

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

func (h *Handler) twoFactorView(actor Actor, a Account) templates.AccountTwoFactorView {
	may, page := mayChangeOther(actor, a, mayReset), accountURL(a.ID)+"/two-factor"
	v := templates.AccountTwoFactorView{
		Action: page, BackURL: accountURL(a.ID), Who: who(a, false),
		Use: a.TwoFactor == account.TwoFactorUse, Enforced: a.Enforced, SettingsURL: templates.PathSettings,
		BackupLeft: a.Status.BackupCodesLeft, Devices: h.devices(a), Version: a.TwoFactor, ReadOnly: !may,
		DeliveriesURL: templates.PathDeliveries + "?account=" + string(a.ID),
	}
	v.Main, v.Backups = h.factors(actor, a)
	if !may {
		return v
	}
	v.ResetURL, v.DevicesURL = page+"/reset", page+"/devices"
	for i, d := range a.Status.Devices {
		v.Devices[i].RemoveAction = page + "/devices/" + string(d.ID)
	}
	return v
}

func (h *Handler) devices(a Account) []templates.DeviceRow {
	rows := make([]templates.DeviceRow, 0, len(a.Status.Devices))
	for _, d := range a.Status.Devices {
		rows = append(rows, templates.DeviceRow{
			Name: d.Name, CreatedAt: templates.Time(d.CreatedAt, h.zone), UsedAt: templates.Time(d.LastUsedAt, h.zone),
			ExpiresAt: templates.Time(d.ExpiresAt, h.zone),
		})
	}
	return rows
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

// resetView is the page of a reset: of everything, or of one method.
func (h *Handler) resetView(actor Actor, a Account, method signin.Method) templates.AccountResetView {
	v := templates.AccountResetView{
		Action: accountURL(a.ID) + "/two-factor/reset", BackURL: accountURL(a.ID) + "/two-factor", Who: who(a, false),
		Method: string(method), BackupLeft: a.Status.BackupCodesLeft, Devices: len(a.Status.Devices), Sessions: a.Sessions,
	}
	v.Main, v.Backups = h.factors(actor, a)
	if method != "" {
		v.Action += "/" + string(method)
	}
	return v
}

// resetMethod is the one method that a reset is about, or "" for all of them.
func resetMethod(r *http.Request) (signin.Method, error) {
	method := signin.Method(chi.URLParam(r, "method"))
	if method != "" && !slices.Contains(signin.FactorMethods(), method) {
		return "", store.ErrNotFound
	}
	return method, nil
}

// changeable is the account of a page whose form would be refused to an operator who may not change it, or whose own it is.
func (h *Handler) changeable(r *http.Request) (Actor, Account, error) {
	actor, a, err := h.account(r)
	switch {
	case err != nil:
		return actor, a, err
	case actor.is(a.ID):
		return actor, a, answer(ErrOwnAccount)
	case !mayChange(actor, a, mayReset):
		return actor, a, answer(ErrForbidden)
	}
	return actor, a, nil
}

func (h *Handler) getReset(w http.ResponseWriter, r *http.Request) error {
	method, err := resetMethod(r)
	if err != nil {
		return err
	}
	actor, a, err := h.changeable(r)
	if err != nil {
		return err
	}
	f, d := h.formFrame(w, r, navOf(a.Kind))
	v := h.resetView(actor, a, method)
	v.Reason, v.Identity = d.or(FieldReason, ""), d.or(FieldIdentity, "") != ""
	return h.templates.AccountReset.Render(w, http.StatusOK, f, v)
}

func (h *Handler) postReset(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(w, r)
	if err != nil {
		return err
	}
	method, err := resetMethod(r)
	if err != nil {
		return err
	}
	id := store.AccountID(chi.URLParam(r, "id"))
	reason := Reason{Text: form.Get(FieldReason), IdentityChecked: form.Checked(FieldIdentity)}
	var result mfa.ResetResult
	if method == "" {
		result, err = h.service.ResetFactors(r.Context(), actorOf(r), id, reason)
	} else {
		result, err = h.service.ResetFactor(r.Context(), actorOf(r), id, method, reason)
	}
	if err != nil {
		texts, ok := h.fieldErrors(web.Lang(r), err)
		if !ok {
			return answer(err)
		}
		actor, a, err := h.account(r)
		if err != nil {
			return err
		}
		v := h.resetView(actor, a, method)
		v.Reason, v.Identity, v.Errors = strings.TrimSpace(reason.Text), reason.IdentityChecked, texts
		return h.templates.AccountReset.Render(w, http.StatusUnprocessableEntity, h.frame(w, r, navOf(a.Kind)), v)
	}
	flash := templates.FlashReset
	switch {
	case method != "" && !result.SetUp:
		flash = templates.FlashResetOneNothing
	case len(result.Left) > 0:
		flash = templates.FlashResetOne
	case !result.SetUp:
		flash = templates.FlashResetNothing
	default:
		if _, a, err := h.account(r); err == nil && a.Kind == account.KindOperator {
			flash = templates.FlashResetOperator
		}
	}
	return h.done(w, r, flash, accountURL(id)+"/two-factor")
}

func (h *Handler) getDevices(w http.ResponseWriter, r *http.Request) error {
	_, a, err := h.changeable(r)
	if err != nil {
		return err
	}
	f, _ := h.formFrame(w, r, navOf(a.Kind))
	page := accountURL(a.ID) + "/two-factor"
	return h.templates.AccountDevices.Render(w, http.StatusOK, f, templates.AccountDevicesView{
		Action: page + "/devices", BackURL: page, Who: who(a, false), Devices: h.devices(a),
	})
}

func (h *Handler) postDevices(w http.ResponseWriter, r *http.Request) error {
	id := store.AccountID(chi.URLParam(r, "id"))
	removed, err := h.service.RemoveDevices(r.Context(), actorOf(r), id)
	if err != nil {
		return answer(err)
	}
	flash := templates.FlashAccountDevicesRemoved
	if !removed {
		flash = templates.FlashUnchanged
	}
	return h.done(w, r, flash, accountURL(id)+"/two-factor")
}

func (h *Handler) postDevice(w http.ResponseWriter, r *http.Request) error {
	id, device := store.AccountID(chi.URLParam(r, "id")), store.DeviceID(chi.URLParam(r, "device"))
	if err := h.service.RemoveDevice(r.Context(), actorOf(r), id, device); err != nil {
		return answer(err)
	}
	return h.done(w, r, templates.FlashAccountDeviceRemoved, accountURL(id)+"/two-factor")
}

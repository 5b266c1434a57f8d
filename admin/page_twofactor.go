package admin

import (
	"errors"
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/futakagi/futakagi/account"
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
	h.spare(&v, actor, a)
	v.Freeze = h.freezeNotice(actor, a)
	if a.Guarded {
		v.Guard = guardOf(actor, a)
	}
	v.Unmask(page+"/unmask", func(kind, address string) bool { return mayUnmaskField(actor, a, kind, address) })
	if !may {
		return v
	}
	v.ResetURL, v.DevicesURL = page+"/reset", page+"/devices"
	if a.Customer != nil {
		v.BulkURL = customerURL(a.Customer.ID) + "/reset"
	}
	if a.TicketDemandedAt != nil {
		v.TicketURL = page + "/ticket"
	}
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
	f, d := h.formFrame(w, r, navOf(a.Kind))
	v := h.twoFactorView(actor, a)
	if typed := d.or(fieldUse, ""); typed == "on" || typed == "off" && !a.Enforced {
		v.Use = typed == "on"
	}
	return h.templates.AccountTwoFactor.Render(w, http.StatusOK, f, v)
}

// fieldUse is the form field of the switch.
const fieldUse = "use"

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
	case isRate(err), errors.Is(err, ErrFrozen), errors.Is(err, ErrApprovalRequired):
		return h.showTwoFactor(w, r, err)
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

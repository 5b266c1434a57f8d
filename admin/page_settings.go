package admin

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

const confirmPath = templates.PathSettings + "/confirm"

// formerField is the hidden field with the value of a surface that the confirmation showed.
func formerField(surface string) string { return surface + ".former" }

// reenrolField is the choice of who may set up a factor after a reset on a surface.
func reenrolField(surface string) string { return surface + ".reenrol" }

// formerReenrolField is the hidden field with its value that the confirmation showed.
func formerReenrolField(surface string) string { return surface + ".former-reenrol" }

// guardField is the choice of whether opening any account of a surface takes a second operator.
func guardField(surface string) string { return surface + ".approval" }

// formerGuardField is the hidden field with its value that the confirmation showed.
func formerGuardField(surface string) string { return surface + ".former-approval" }

// guardChoice reads that choice; what is none leaves it as it is.
func guardChoice(value string) string {
	if value == ApprovalNone || value == ApprovalAll {
		return value
	}
	return ""
}

// reenrolOf reads that choice; what is none leaves it as it is.
func reenrolOf(value string) string {
	if value == store.ReenrolOpen || value == store.ReenrolByTicket {
		return value
	}
	return ""
}

// chosen reads the choices of a form or query for the surfaces there are. ok is false when one is missing.
func chosen(surfaces []Surface, get func(field string) string) (changes []EnforcementChange, ok bool) {
	for _, s := range surfaces {
		value := get(s.ID)
		if value != "on" && value != "off" {
			return nil, false
		}
		changes = append(changes, EnforcementChange{
			Surface: s.ID, Former: s.Enforced, Enforced: value == "on", FormerReenrol: s.Reenrol, Reenrol: reenrolOf(get(reenrolField(s.ID))),
			FormerApproval: approvalWord(s.Approval), Approval: guardChoice(get(guardField(s.ID))),
		})
	}
	return changes, true
}

// settingsView shows the surfaces; where get has a choice, that instead of what is stored.
func settingsView(actor Actor, surfaces []Surface, get func(field, stored string) string) templates.SettingsView {
	v := templates.SettingsView{
		Action: templates.PathSettings, MethodsURL: templates.PathMethods, ReadOnly: !actor.rights().has(mayEnforce),
	}
	for _, s := range surfaces {
		unguard := ""
		if s.Approval && !v.ReadOnly {
			unguard = unguardURL(s.ID)
		}
		v.Surfaces = append(v.Surfaces, templates.SurfaceSetting{
			GuardField: guardField(s.ID), Guarded: get(guardField(s.ID), approvalWord(s.Approval)) == ApprovalAll, UnguardURL: unguard,
			ID: s.ID, Enforced: get(s.ID, onOff(s.Enforced)) == "on", Unset: int(s.Unset), RolloutURL: rolloutURL(s.ID),
			ReenrolField: reenrolField(s.ID), ByTicket: get(reenrolField(s.ID), s.Reenrol) == store.ReenrolByTicket,
		})
	}
	return v
}

func (h *Handler) getSettings(w http.ResponseWriter, r *http.Request) error {
	actor := actorOf(r)
	surfaces, err := h.service.Enforcement(r.Context(), actor)
	if err != nil {
		return answer(err)
	}
	f, d := h.formFrame(w, r, templates.NavSettings)
	return h.templates.Settings.Render(w, http.StatusOK, f, settingsView(actor, surfaces, d.or))
}

// refillSettings shows the page again with what was chosen and what was wrong.
func (h *Handler) refillSettings(w http.ResponseWriter, r *http.Request, form web.Form, surfaces []Surface, field, message string) error {
	f := h.frame(w, r, templates.NavSettings)
	v := settingsView(actorOf(r), surfaces, func(field, stored string) string {
		if form.Has(field) {
			return form.Get(field)
		}
		return stored
	})
	v.Errors = map[string]string{field: h.templates.T(f.Lang, message)}
	return h.templates.Settings.Render(w, http.StatusUnprocessableEntity, f, v)
}

// postSettings leads to the confirmation, which carries the choices in its address; nothing is saved yet.
func (h *Handler) postSettings(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(w, r)
	if err != nil {
		return err
	}
	actor := actorOf(r)
	surfaces, err := h.service.Enforcement(r.Context(), actor)
	if err == nil && !actor.rights().has(mayEnforce) {
		err = ErrForbidden
	}
	if err != nil {
		return answer(err)
	}
	q := url.Values{}
	for _, s := range surfaces {
		value := form.Get(s.ID)
		if value != "on" && value != "off" {
			return h.refillSettings(w, r, form, surfaces, s.ID, templates.MsgSettingBlank)
		}
		q.Set(s.ID, value)
		if reenrol := reenrolOf(form.Get(reenrolField(s.ID))); reenrol != "" {
			q.Set(reenrolField(s.ID), reenrol)
		}
		switch guard := guardChoice(form.Get(guardField(s.ID))); {
		case guard == ApprovalNone && s.Approval:
			return h.refillSettings(w, r, form, surfaces, guardField(s.ID), templates.MsgApprovalNeeded)
		case guard != "":
			q.Set(guardField(s.ID), guard)
		}
	}
	return web.SeeOther(w, r, confirmPath+"?"+q.Encode())
}

func (h *Handler) getSettingsConfirm(w http.ResponseWriter, r *http.Request) error {
	query, err := web.ParseQuery(r)
	if err != nil {
		return err
	}
	actor := actorOf(r)
	surfaces, err := h.service.Enforcement(r.Context(), actor)
	if err == nil && !actor.rights().has(mayEnforce) {
		err = ErrForbidden
	}
	if err != nil {
		return answer(err)
	}
	changes, ok := chosen(surfaces, query.Get)
	if !ok {
		return web.SeeOther(w, r, templates.PathSettings)
	}
	q := url.Values{}
	v := templates.SettingsConfirmView{BackURL: templates.PathSettings}
	for i, c := range changes {
		q.Set(c.Surface, onOff(c.Enforced))
		change := templates.SurfaceChange{
			ID: c.Surface, Before: c.Former, After: c.Enforced, Affected: int(surfaces[i].Unset),
			TicketBefore: c.FormerReenrol == store.ReenrolByTicket, TicketAfter: c.FormerReenrol == store.ReenrolByTicket,
		}
		if c.Reenrol != "" {
			change.TicketAfter = c.Reenrol == store.ReenrolByTicket
			q.Set(reenrolField(c.Surface), c.Reenrol)
			v.Hidden = append(v.Hidden,
				templates.Hidden{Name: reenrolField(c.Surface), Value: c.Reenrol},
				templates.Hidden{Name: formerReenrolField(c.Surface), Value: c.FormerReenrol})
		}
		change.GuardBefore, change.GuardAfter = c.FormerApproval == ApprovalAll, c.FormerApproval == ApprovalAll
		if c.Approval != "" {
			change.GuardAfter = c.Approval == ApprovalAll
			q.Set(guardField(c.Surface), c.Approval)
			v.Hidden = append(v.Hidden,
				templates.Hidden{Name: guardField(c.Surface), Value: c.Approval},
				templates.Hidden{Name: formerGuardField(c.Surface), Value: c.FormerApproval})
		}
		v.Changes = append(v.Changes, change)
		v.Hidden = append(v.Hidden,
			templates.Hidden{Name: c.Surface, Value: onOff(c.Enforced)},
			templates.Hidden{Name: formerField(c.Surface), Value: onOff(c.Former)})
	}
	v.Action = confirmPath + "?" + q.Encode() // so that the page can be fetched again where the form was sent
	f, _ := h.formFrame(w, r, templates.NavSettings)
	return h.templates.SettingsConfirm.Render(w, http.StatusOK, f, v)
}

func (h *Handler) postSettingsConfirm(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(w, r)
	if err != nil {
		return err
	}
	actor := actorOf(r)
	surfaces, err := h.service.Enforcement(r.Context(), actor)
	if err != nil {
		return answer(err)
	}
	changes, ok := chosen(surfaces, form.Get)
	if !ok {
		return h.refillSettings(w, r, form, surfaces, templates.FormError, templates.MsgSettingBlank)
	}
	for i := range changes {
		changes[i].Former = form.Get(formerField(changes[i].Surface)) == "on"
		changes[i].FormerReenrol = reenrolOf(form.Get(formerReenrolField(changes[i].Surface)))
		changes[i].FormerApproval = guardChoice(form.Get(formerGuardField(changes[i].Surface)))
	}
	changed, err := h.service.SetEnforcement(r.Context(), actor, changes)
	switch {
	case errors.Is(err, ErrConflict):
		return h.refillSettings(w, r, form, surfaces, templates.FormError, templates.MsgEditedElsewhere)
	case errors.Is(err, ErrApprovalRequired):
		return h.refillSettings(w, r, form, surfaces, templates.FormError, templates.MsgApprovalNeeded)
	case err != nil:
		return answer(err)
	case !changed:
		return h.done(w, r, templates.FlashUnchanged, templates.PathSettings)
	}
	return h.done(w, r, templates.FlashSettingsSaved, templates.PathSettings)
}

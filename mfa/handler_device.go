package mfa

import (
	"net/http"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// The pages of trusted devices, below the page that shows all settings.
const (
	selfRemoveDevice  = "/devices/{id}/remove"
	selfRemoveDevices = "/devices/remove-all"
)

// fieldTrust is the box of a challenge that asks not to be asked in this browser again.
const fieldTrust = "trust_device"

// heldDevice is the trusted device that the browser says it is. It only marks a line on a page: what it is worth is judged at
// sign-in.
func heldDevice(q sessionRequest) store.DeviceID {
	id, _, _ := strings.Cut(web.DeviceCookie(q.r, q.session.AccountID), ".")
	return store.DeviceID(id)
}

// deviceLines are the trusted devices on the page of the person's own settings.
func (h *Handler) deviceLines(q sessionRequest, list []Device) []templates.SecurityDevice {
	var lines []templates.SecurityDevice
	here := heldDevice(q)
	for _, d := range list {
		lines = append(lines, templates.SecurityDevice{
			Name: d.Name, Current: d.ID == here,
			Phone:  strings.HasSuffix(d.Name, "iPhone") || strings.HasSuffix(d.Name, "Android"),
			Until:  templates.Date(d.ExpiresAt, h.zone),
			UsedAt: templates.Time(d.LastUsedAt, h.zone), UsedISO: templates.ISO(d.LastUsedAt, h.zone),
			RemoveAction: q.at.base + strings.Replace(selfRemoveDevice, "{id}", string(d.ID), 1),
		})
	}
	return lines
}

// getRemoveDevice asks before one device is removed: whoever had to prove everything again comes back to it.
func (h *Handler) getRemoveDevice(q sessionRequest) error {
	list, err := h.service.Devices(q.r.Context(), q.session.ID)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(d Device) bool { return string(d.ID) == chi.URLParam(q.r, "id") })
	if i < 0 {
		return web.NotFound(nil)
	}
	return h.renderRemoveDevices(q, list[i:i+1], false)
}

// getRemoveDevices asks before all of them are.
func (h *Handler) getRemoveDevices(q sessionRequest) error {
	list, err := h.service.Devices(q.r.Context(), q.session.ID)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return web.SeeOther(q.w, q.r, q.at.base)
	}
	return h.renderRemoveDevices(q, list, true)
}

func (h *Handler) renderRemoveDevices(q sessionRequest, list []Device, all bool) error {
	v := templates.DevicesRemoveView{Action: q.r.URL.Path, BackURL: q.at.base, All: all}
	for _, d := range list {
		v.Devices = append(v.Devices, d.Name)
	}
	return h.templates.DevicesRemove.Render(q.w, http.StatusOK, h.selfFrame(q), v)
}

func (h *Handler) postRemoveDevice(q sessionRequest) error {
	if err := web.Pressed(q.w, q.r); err != nil {
		return err
	}
	id := chi.URLParam(q.r, "id")
	if !store.ValidID(id) {
		return web.NotFound(nil)
	}
	if err := h.service.RemoveDevice(q.r.Context(), q.session.ID, store.DeviceID(id)); err != nil {
		return err
	}
	if heldDevice(q) == store.DeviceID(id) {
		web.SetDeviceCookie(q.w, q.r, q.session.AccountID, "")
	}
	h.kit.SetFlash(q.w, templates.FlashDeviceRemoved)
	return web.SeeOther(q.w, q.r, q.at.base)
}

func (h *Handler) postRemoveDevices(q sessionRequest) error {
	if err := web.Pressed(q.w, q.r); err != nil {
		return err
	}
	if err := h.service.RemoveDevices(q.r.Context(), q.session.ID); err != nil {
		return err
	}
	web.SetDeviceCookie(q.w, q.r, q.session.AccountID, "")
	h.kit.SetFlash(q.w, templates.FlashDevicesRemoved)
	return web.SeeOther(q.w, q.r, q.at.base)
}

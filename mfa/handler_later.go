package mfa

import "github.com/futakagi/futakagi/web"

// postLater puts the set-up off (あとで設定する): the sign-in goes on without it.
func (h *Handler) postLater(q flowRequest) error {
	if err := web.Pressed(q.w, q.r); err != nil {
		return err
	}
	if err := h.service.Postpone(q.r.Context(), q.flow); err != nil {
		return err
	}
	return web.SeeOther(q.w, q.r, q.to(pathContinue))
}

// getLater is where a language link on an error page of the button leads.
func (h *Handler) getLater(q flowRequest) error {
	return web.SeeOther(q.w, q.r, q.to(pathContinue))
}

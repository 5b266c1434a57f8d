package mfa

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// getOrder shows the order the methods are offered in. A link of the page proposes another one, which nothing comes of before it
// is posted.
func (h *Handler) getOrder(q sessionRequest) error {
	return h.renderOrder(q, http.StatusOK, readOrder(q.r.URL.Query().Get("order")), nil)
}

func (h *Handler) postOrder(q sessionRequest) error {
	form, err := web.ParseForm(q.w, q.r)
	if err != nil {
		return err
	}
	order := readOrder(form.Get("order"))
	token, err := h.service.SetOrder(q.r.Context(), q.session.ID, order, web.Lang(q.r))
	switch {
	case errors.Is(err, ErrNotFresh):
		return web.SeeOther(q.w, q.r, web.StartURL(orderURL(q.at, order), true)) // what was chosen waits behind the proof
	case errors.Is(err, ErrOrder):
		return h.renderOrder(q, http.StatusUnprocessableEntity, nil, web.FieldErrors{
			templates.FormError: h.templates.T(web.Lang(q.r), templates.MsgOrderStale),
		})
	case err != nil:
		return err
	}
	web.SetSessionCookie(q.w, q.session.Kind, token)
	h.kit.SetFlash(q.w, templates.FlashOrderChanged)
	return web.SeeOther(q.w, q.r, q.at.base)
}

// orderSeparator stands between the methods of an order. It needs no escaping in an address.
const orderSeparator = "."

// readOrder reads an order of methods that can be set up, as the page writes it; nil if it is none.
func readOrder(text string) []signin.Method {
	var order []signin.Method
	for name := range strings.SplitSeq(text, orderSeparator) {
		m := signin.Method(name)
		if !slices.Contains(signin.FactorMethods(), m) || slices.Contains(order, m) {
			return nil
		}
		order = append(order, m)
	}
	return order
}

func writeOrder(order []signin.Method) string {
	return strings.ReplaceAll(joinMethods(order), " ", orderSeparator)
}

func orderURL(at place, order []signin.Method) string {
	if len(order) == 0 {
		return at.base + selfOrder
	}
	return at.base + selfOrder + "?order=" + writeOrder(order)
}

func (h *Handler) renderOrder(q sessionRequest, status int, proposed []signin.Method, errs web.FieldErrors) error {
	factors, err := h.service.Order(q.r.Context(), q.session.ID)
	if err != nil {
		return err
	}
	var present []signin.Method
	address := map[signin.Method]string{}
	for _, f := range factors {
		m := signin.Method(f.Kind)
		present, address[m] = append(present, m), f.Address
	}
	order := present
	if sameMethods(present, proposed) {
		order = proposed
	}
	v := templates.FactorOrderView{
		Action: q.at.base + selfOrder, BackURL: q.at.base, Order: writeOrder(order), Changed: !slices.Equal(order, present), Errors: errs,
	}
	for i, m := range order {
		row := templates.FactorOrderRow{Kind: string(m), Address: mask(m, address[m])}
		if i > 0 {
			row.UpURL = orderURL(q.at, swapped(order, i-1))
		}
		if i < len(order)-1 {
			row.DownURL = orderURL(q.at, swapped(order, i))
		}
		v.Rows = append(v.Rows, row)
	}
	return h.templates.FactorOrder.Render(q.w, status, h.selfFrame(q), v)
}

// swapped is an order with the method at a place behind its successor.
func swapped(order []signin.Method, i int) []signin.Method {
	out := slices.Clone(order)
	out[i], out[i+1] = out[i+1], out[i]
	return out
}

func (h *Handler) getRemove(q sessionRequest) error {
	return h.renderRemove(q, http.StatusOK, nil)
}

func (h *Handler) postRemove(q sessionRequest) error {
	if err := web.Pressed(q.w, q.r); err != nil {
		return err
	}
	lang := web.Lang(q.r)
	method := signin.Method(chi.URLParam(q.r, "method"))
	token, err := h.service.RemoveFactor(q.r.Context(), q.session.ID, method, lang)
	switch {
	case errors.Is(err, ErrLastFactor):
		return h.renderRemove(q, http.StatusUnprocessableEntity, web.FieldErrors{
			templates.FormError: h.templates.T(lang, templates.MsgLastFactor),
		})
	case errors.Is(err, ErrMethod) && slices.Contains(signin.FactorMethods(), method):
		return web.SeeOther(q.w, q.r, q.at.base) // it is gone, as was asked for
	case err != nil:
		return err
	}
	web.SetSessionCookie(q.w, q.session.Kind, token)
	h.kit.SetFlash(q.w, templates.FlashFactorRemoved)
	return web.SeeOther(q.w, q.r, q.at.base)
}

func (h *Handler) renderRemove(q sessionRequest, status int, errs web.FieldErrors) error {
	r, err := h.service.Removal(q.r.Context(), q.session.ID, signin.Method(chi.URLParam(q.r, "method")))
	if err != nil {
		return err
	}
	return h.templates.FactorRemove.Render(q.w, status, h.selfFrame(q), templates.FactorRemoveView{
		Action: q.r.URL.Path, BackURL: q.at.base, Kind: string(r.Method), Address: mask(r.Method, r.Address),
		NextMain: string(r.NextMain), Last: r.Last, Refused: r.Refused, Errors: errs,
	})
}

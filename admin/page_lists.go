package admin

import (
	"net/http"

	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

func (h *Handler) getDeliveries(w http.ResponseWriter, r *http.Request) error {
	query, err := web.ParseQuery(r)
	if err != nil {
		return err
	}
	in := DeliveryQuery{Who: query.Get("q"), State: query.Get("state"), PageNumber: pageNumber(query)}
	page, err := h.service.ListDeliveries(r.Context(), actorOf(r), in)
	if err != nil {
		return answer(err)
	}
	v := templates.DeliveriesView{
		Action: templates.PathDeliveries, Query: in.Who, State: in.State, Total: int(page.Total),
		Pager: templates.NewPager(page.Page, page.Pages, func(n int) string {
			return listURL(templates.PathDeliveries, n, map[string]string{"q": in.Who, "state": in.State})
		}),
	}
	for _, m := range page.Rows {
		row := templates.DeliveryRow{
			To: m.Recipient, LoginID: text(m.LoginID), Kind: m.Kind, State: m.State, Tries: int(m.Attempts), Reply: m.Reply,
		}
		row.At, row.ISO = h.at(&m.CreatedAt)
		row.DoneAt, _ = h.at(m.FinishedAt)
		v.Rows = append(v.Rows, row)
	}
	return h.templates.Deliveries.Render(w, http.StatusOK, h.frame(w, r, templates.NavDeliveries), v)
}

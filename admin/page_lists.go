package admin

import (
	"net/http"
	"net/url"

	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

func (h *Handler) getDeliveries(w http.ResponseWriter, r *http.Request) error {
	query, err := web.ParseQuery(r)
	if err != nil {
		return err
	}
	in := DeliveryQuery{Who: query.Get("q"), State: query.Get("state"), Account: store.AccountID(query.Get("account"))}
	in.After, _ = readPlace(query.Get(afterField)) // what is none is the beginning
	page, err := h.service.ListDeliveries(r.Context(), actorOf(r), in)
	if err != nil {
		return answer(err)
	}
	filter := url.Values{}
	for name, value := range map[string]string{"q": in.Who, "state": in.State, "account": string(in.Account)} {
		if value != "" {
			filter.Set(name, value)
		}
	}
	v := templates.DeliveriesView{
		Action: templates.PathDeliveries, Query: in.Who, State: in.State, Total: page.Total, Many: page.Many,
		Short: !page.Next.IsZero() && len(page.Rows) < pageSize,
		Pager: pager(templates.PathDeliveries, filter, query, page.Next.cursor()),
	}
	if store.ValidID(string(in.Account)) {
		v.Account = string(in.Account)
	}
	whole := actorOf(r).rights().has(maySeeAddresses)
	for _, m := range page.Rows {
		row := templates.DeliveryRow{
			To: m.Recipient, LoginID: text(m.LoginID), Kind: m.Kind, State: m.State, Tries: int(m.Attempts), Reply: m.Reply,
		}
		if m.Channel == delivery.ChannelPush {
			row.To, row.Party = partyName(m.Party, m.Recipient), true
		}
		if !whole {
			row.To, row.Reply = redact(row.To), redact(row.Reply)
		}
		row.At, row.ISO = h.at(&m.CreatedAt)
		row.DoneAt, _ = h.at(m.FinishedAt)
		row.URL = templates.PathDeliveries + "/" + string(m.ID)
		if v.Account != "" {
			v.AccountName = row.LoginID
		}
		v.Rows = append(v.Rows, row)
	}
	return h.templates.Deliveries.Render(w, http.StatusOK, h.frame(w, r, templates.NavDeliveries), v)
}

package admin

import (
	"net/http"
	"net/url"
	"time"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

func (h *Handler) getActs(w http.ResponseWriter, r *http.Request) error {
	rows, err := h.service.OperatorActs(r.Context(), actorOf(r))
	if err != nil {
		return answer(err)
	}
	v := templates.ActsView{AuditURL: templates.PathAudit}
	for _, row := range rows {
		// The rows come in the order of the operators.
		if n := len(v.Operators); n == 0 || v.Operators[n-1].ID != row.ActorID || v.Operators[n-1].LoginID != row.ActorName {
			v.Operators = append(v.Operators, templates.OperatorActs{ID: row.ActorID, LoginID: row.ActorName})
		}
		o := &v.Operators[len(v.Operators)-1]
		o.Acts = append(o.Acts, templates.ActRow{
			Event: row.Type, Refused: row.Result == string(audit.Refused),
			Day: int(row.InDay), DayURL: h.actsURL(row, actsDay), Week: int(row.InWeek), WeekURL: h.actsURL(row, actsWeek),
			Month: int(row.InAll), MonthURL: h.actsURL(row, actsMonth),
		})
	}
	return h.templates.Acts.Render(w, http.StatusOK, h.frame(w, r, templates.NavAudit), v)
}

// actsURL leads to the events behind a number. The log is filtered by days, so it may show a few more.
func (h *Handler) actsURL(row store.CountOperatorActsRow, span time.Duration) string {
	q := url.Values{"from": {templates.Date(h.now().Add(-span), h.zone)}, "kind": {row.Type}, "q": {row.ActorName}}
	return templates.PathAudit + "?" + q.Encode()
}

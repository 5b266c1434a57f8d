package admin

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// auditDays is how many days the audit log shows when nobody asked for others.
const auditDays = 30

func (h *Handler) getAudit(w http.ResponseWriter, r *http.Request) error {
	query, err := web.ParseQuery(r)
	if err != nil {
		return err
	}
	in := AuditQuery{Kind: query.Get("kind"), Who: query.Get("q"), PageNumber: pageNumber(query)}
	in.From, in.To = h.day(query.Get("from")), h.day(query.Get("to"))
	if !query.Has("from") && !query.Has("to") {
		in.From = h.now().In(h.zone).AddDate(0, 0, -auditDays)
	}
	page, err := h.service.ListAudit(r.Context(), actorOf(r), in)
	if err != nil {
		return answer(err)
	}
	f := h.frame(w, r, templates.NavAudit)
	v := templates.AuditView{
		Action: templates.PathAudit, From: templates.Date(in.From, h.zone), To: templates.Date(in.To, h.zone),
		Kinds: h.templates.EventKinds(f.Lang, in.Kind), Query: in.Who, Total: int(page.Total),
	}
	v.Pager = templates.NewPager(page.Page, page.Pages, func(n int) string {
		u := listURL(templates.PathAudit, n, map[string]string{"from": v.From, "to": v.To, "kind": in.Kind, "q": in.Who})
		if v.From == "" && v.To == "" { // no limit is not the same as none asked for
			u = strings.Replace(u, "?", "?from=&", 1)
		}
		return u
	})
	for _, row := range page.Rows {
		v.Rows = append(v.Rows, h.auditRow(f.Lang, row))
	}
	return h.templates.Audit.Render(w, http.StatusOK, f, v)
}

// day reads a date in the display zone; what is none is no limit.
func (h *Handler) day(s string) time.Time {
	t, err := time.ParseInLocation(time.DateOnly, s, h.zone)
	if err != nil {
		return time.Time{}
	}
	return t
}

func (h *Handler) auditRow(lang templates.Lang, row store.SearchAuditEventsRow) templates.AuditRow {
	e := row.AuditEvent
	v := templates.AuditRow{
		At: templates.TimeSeconds(e.At, h.zone), ISO: templates.ISO(e.At, h.zone), Event: e.Type,
		Actor: e.ActorName, From: e.ClientAddress, Target: e.Target, Detail: e.Reason, Result: e.Result,
	}
	switch audit.ActorKind(e.ActorKind) {
	case audit.BySystem:
		v.Actor = ""
	case audit.ByAnonymous:
		v.Actor = h.templates.T(lang, templates.ActorUnknown)
	}
	switch {
	case e.Target == "" || store.ValidID(e.Target):
		v.Target = text(row.LoginID) // an id says nothing to people
	case e.Target == SurfaceStore || e.Target == SurfaceAdmin:
		v.Target = h.templates.T(lang, "surface."+e.Target)
	}
	if change := h.changeText(lang, e); change != "" {
		v.Detail = strings.TrimSpace(change + " " + v.Detail)
	}
	return v
}

// changeText says in words from what to what a switch was turned, or what a change was about.
func (h *Handler) changeText(lang templates.Lang, e store.AuditEvent) string {
	words := map[string]string{}
	switch audit.Type(e.Type) {
	case audit.FactorReset, audit.DeviceRemove, audit.MethodsSet:
		var data map[string]string
		if json.Unmarshal(e.Data, &data) != nil {
			return ""
		}
		return h.detailText(lang, data)
	case audit.EnforcementSet:
		words = map[string]string{"on": "admin.settings.on", "off": "admin.settings.off"}
	case audit.TwoFactorSet:
		words = map[string]string{"use": "admin.account_2fa.on", "dont_use": "admin.account_2fa.off"}
	}
	var data map[string]string
	if len(words) == 0 || json.Unmarshal(e.Data, &data) != nil || words[data["from"]] == "" || words[data["to"]] == "" {
		return ""
	}
	return h.templates.T(lang, words[data["from"]]) + " → " + h.templates.T(lang, words[data["to"]])
}

// detailText says what an event's data hold: the method that was reset, the device that was removed, what a surface accepts now.
func (h *Handler) detailText(lang templates.Lang, data map[string]string) string {
	var parts []string
	if method := data["method"]; method != "" {
		parts = append(parts, h.templates.KindLabels(lang, []string{method}))
	}
	if name := data["name"]; name != "" {
		parts = append(parts, name)
	}
	if data["all"] != "" {
		parts = append(parts, h.templates.T(lang, "ui.all"))
	}
	arrow := func(from, to string) { parts = append(parts, from+" → "+to) }
	if to, ok := data["methods.to"]; ok {
		arrow(h.templates.KindLabels(lang, strings.Fields(data["methods.from"])), h.templates.KindLabels(lang, strings.Fields(to)))
	}
	if to, ok := data["level.to"]; ok {
		arrow(h.levelLabel(lang, data["level.from"]), h.levelLabel(lang, to))
	}
	if to, ok := data["trust_days.to"]; ok {
		arrow(data["trust_days.from"], h.templates.T(lang, "admin.methods.days", "n", to))
	}
	return strings.Join(parts, h.templates.T(lang, "ui.list_separator"))
}

// levelLabel names a level by its acr value.
func (h *Handler) levelLabel(lang templates.Lang, acr string) string {
	return h.templates.T(lang, "level."+levelNames[signin.ParseACR(acr)])
}

func (h *Handler) getDeliveries(w http.ResponseWriter, r *http.Request) error {
	query, err := web.ParseQuery(r)
	if err != nil {
		return err
	}
	in := DeliveryQuery{Who: query.Get("q"), State: query.Get("state"), Account: store.AccountID(query.Get("account")), PageNumber: pageNumber(query)}
	page, err := h.service.ListDeliveries(r.Context(), actorOf(r), in)
	if err != nil {
		return answer(err)
	}
	v := templates.DeliveriesView{
		Action: templates.PathDeliveries, Query: in.Who, State: in.State, Total: int(page.Total),
		Pager: templates.NewPager(page.Page, page.Pages, func(n int) string {
			return listURL(templates.PathDeliveries, n, map[string]string{"q": in.Who, "state": in.State, "account": string(in.Account)})
		}),
	}
	if store.ValidID(string(in.Account)) {
		v.Account = string(in.Account)
	}
	for _, m := range page.Rows {
		row := templates.DeliveryRow{
			To: m.Recipient, LoginID: text(m.LoginID), Kind: m.Kind, State: m.State, Tries: int(m.Attempts), Reply: m.Reply,
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

package admin

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
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

// auditFields are the fields of the filter.
func auditFields() []string {
	return []string{"from", "to", "kind", "result", "actor", "client", "q", "account", "request"}
}

// auditFilter is what the filter's form holds, as it was typed.
func auditFilter(form web.Form) url.Values {
	v := url.Values{}
	for _, name := range auditFields() {
		if text := strings.TrimSpace(form.Get(name)); text != "" {
			v.Set(name, text)
		}
	}
	return v
}

// auditQuery reads a filter.
func (h *Handler) auditQuery(v url.Values) AuditQuery {
	return AuditQuery{
		From: h.day(v.Get("from")), To: h.day(v.Get("to")), Kind: v.Get("kind"), Result: v.Get("result"), Client: v.Get("client"),
		Who: v.Get("q"), Actor: audit.ActorKind(v.Get("actor")), Account: store.AccountID(v.Get("account")), Request: v.Get("request"),
	}
}

func (h *Handler) getAudit(w http.ResponseWriter, r *http.Request) error {
	query, err := web.ParseQuery(r)
	if err != nil {
		return err
	}
	filter := auditFilter(query)
	in := h.auditQuery(filter)
	in.After, _ = readPlace(query.Get(afterField)) // what is none is the beginning
	if !query.Has("from") && !query.Has("to") && in.Account == "" && in.Request == "" {
		in.From = h.now().In(h.zone).AddDate(0, 0, -auditDays)
		filter.Set("from", templates.Date(in.From, h.zone))
	}
	page, err := h.service.ListAudit(r.Context(), actorOf(r), in)
	if err != nil {
		return answer(err)
	}
	clients, err := h.service.AuditClients(r.Context(), actorOf(r))
	if err != nil {
		return answer(err)
	}
	f, _ := h.formFrame(w, r, templates.NavAudit)
	v := templates.AuditView{
		Action: templates.PathAudit, From: templates.Date(in.From, h.zone), To: templates.Date(in.To, h.zone),
		Kinds: h.templates.EventKinds(f.Lang, first(in.Kind)), Result: in.Result, Actor: string(in.Actor), Query: in.Who, Request: in.Request, Total: page.Total, Many: page.Many,
		Short:   !page.Next.IsZero() && len(page.Rows) < pageSize,
		Account: string(in.Account), ActsURL: templates.PathActs,
	}
	for _, c := range clients {
		v.Clients = append(v.Clients, templates.Option{Value: c.ID, Label: c.Name, Selected: c.ID == in.Client})
	}
	if actorOf(r).rights().has(exportsAudit) {
		v.ExportAction = exportURL
		for _, name := range auditFields() {
			if filter.Has(name) {
				v.Hidden = append(v.Hidden, templates.Hidden{Name: name, Value: filter.Get(name)})
			}
		}
	}
	if in.From.IsZero() && in.To.IsZero() {
		filter.Set("from", "") // no limit is not the same as none asked for
	}
	v.Pager = pager(templates.PathAudit, filter, query, page.Next.cursor())
	whole := actorOf(r).rights().has(maySeeAddresses)
	for _, row := range page.Rows {
		shown := h.auditRow(f.Lang, row)
		if !whole {
			shown.Detail, shown.Target = redact(shown.Detail), redact(shown.Target)
		}
		v.Rows = append(v.Rows, shown)
	}
	return h.templates.Audit.Render(w, http.StatusOK, f, v)
}

// first is the first part of an event's type.
func first(kind string) string {
	kind, _, _ = strings.Cut(kind, ".")
	return kind
}

// exportURL is where the export's form posts to.
const exportURL = templates.PathAudit + "/export"

func (h *Handler) postAuditExport(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(w, r)
	if err != nil {
		return err
	}
	format := audit.Format(form.Get("format"))
	kind, ok := map[audit.Format]string{audit.CSV: "text/csv; charset=utf-8", audit.NDJSON: "application/x-ndjson"}[format]
	if !ok {
		return web.BadRequest(errors.New("unknown format of export"))
	}
	_, err = h.service.ExportAudit(r.Context(), actorOf(r), h.auditQuery(auditFilter(form)), format, func() io.Writer {
		// However long the log is: the file ends when it ends.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // a limit that stays is no harm but to the longest
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Content-Disposition", `attachment; filename="audit-`+h.now().In(h.zone).Format("20060102-150405")+"."+string(format)+`"`)
		return w
	})
	return answer(err)
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
		Actor: e.ActorName, From: e.ClientAddress, Target: e.Target, Detail: h.templates.ReasonLabel(lang, e.Reason), Result: e.Result,
		Client: e.ClientID,
	}
	if e.RequestID != "" {
		v.Request, v.RequestURL = e.RequestID, templates.PathAudit+"?"+url.Values{"request": {e.RequestID}}.Encode()
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
	case audit.FactorReset, audit.DeviceRemove, audit.AppRevoke, audit.SessionEnd, audit.MethodsSet, audit.TicketIssue, audit.ExemptionGrant, audit.PassIssue:
		var data map[string]string
		if json.Unmarshal(e.Data, &data) != nil {
			return ""
		}
		return h.detailText(lang, data)
	case audit.ClientUpdate:
		var data map[string]string
		if json.Unmarshal(e.Data, &data) != nil {
			return ""
		}
		return fromTo(data)
	case audit.EnforcementSet:
		words = map[string]string{"on": "admin.settings.on", "off": "admin.settings.off"}
	case audit.ReenrolSet:
		words = map[string]string{"open": "admin.settings.reenrol_open", "ticket": "admin.settings.reenrol_ticket"}
	case audit.TwoFactorSet:
		words = map[string]string{"use": "admin.account_2fa.on", "dont_use": "admin.account_2fa.off"}
	}
	var data map[string]string
	if len(words) == 0 || json.Unmarshal(e.Data, &data) != nil || words[data["from"]] == "" || words[data["to"]] == "" {
		return ""
	}
	return h.templates.T(lang, words[data["from"]]) + " → " + h.templates.T(lang, words[data["to"]])
}

// fromTo spells what [changes] listed.
func fromTo(data map[string]string) string {
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(data)) {
		if field, ok := strings.CutSuffix(key, ".from"); ok {
			parts = append(parts, field+": "+cmp.Or(short(data[key]), "—")+" → "+cmp.Or(short(data[field+".to"]), "—"))
		}
	}
	return strings.Join(parts, "; ")
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
	if until, err := time.Parse(time.RFC3339, data["until"]); err == nil {
		parts = append(parts, h.templates.T(lang, templates.AuditUntil, "time", templates.Time(until, h.zone)))
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
	return strings.Join(append(parts, h.resetDetails(lang, data)...), h.templates.T(lang, "ui.list_separator"))
}

// levelLabel names a level by its acr value.
func (h *Handler) levelLabel(lang templates.Lang, acr string) string {
	return h.templates.T(lang, "level."+levelNames[signin.ParseACR(acr)])
}

package admin

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

func activityURL(id store.AccountID) string { return accountURL(id) + "/activity" }

func (h *Handler) getActivity(w http.ResponseWriter, r *http.Request) error {
	query, err := web.ParseQuery(r)
	if err != nil {
		return err
	}
	actor := actorOf(r)
	after, _ := readPlace(query.Get(afterField)) // what is none is the beginning
	page, err := h.service.Activity(r.Context(), actor, store.AccountID(chi.URLParam(r, "id")), after)
	if err != nil {
		return answer(err)
	}
	f := h.frame(w, r, navOf(page.Account.Kind))
	v := templates.ActivityView{
		Who: who(page.Account, false), AuditURL: templates.PathAudit + "?" + url.Values{"account": {string(page.Account.ID)}}.Encode(),
	}
	v.Pager = pager(activityURL(page.Account.ID), nil, query, page.Next.cursor())
	whole := actor.rights().has(maySeeAddresses)
	for _, e := range page.Rows {
		row := h.activityRow(f.Lang, actor, page.Account, e)
		if !whole {
			row.Detail = redact(row.Detail)
		}
		v.Rows = append(v.Rows, row)
	}
	return h.templates.Activity.Render(w, http.StatusOK, f, v)
}

func (h *Handler) activityRow(lang templates.Lang, actor Actor, a Account, e ActivityEntry) templates.ActivityRow {
	v := templates.ActivityRow{At: templates.TimeSeconds(e.At, h.zone), ISO: templates.ISO(e.At, h.zone)}
	switch {
	case e.Event != nil:
		row := h.auditRow(lang, store.SearchAuditEventsRow{AuditEvent: *e.Event, LoginID: &a.LoginID})
		v.Event, v.Result, v.Detail, v.From, v.RequestURL = row.Event, row.Result, row.Detail, row.From, row.RequestURL
		v.Client = e.Event.ClientID
		switch audit.ActorKind(e.Event.ActorKind) {
		case audit.ByOperator:
			if e.Event.ActorID != string(a.ID) {
				v.By = e.Event.ActorName
			}
		case audit.ByClient:
			v.App = e.Event.ActorName
		case audit.BySystem:
			v.System = true
		}
	case e.Message != nil:
		if e.Message.Channel == delivery.ChannelPush {
			v.Message, v.Party, v.State, v.Detail = e.Message.Kind, partyName(e.Message.Party, e.Message.Recipient), e.Message.State, e.Message.Reply
			break
		}
		kind := templates.KindEmail
		if e.Message.Channel == delivery.ChannelSMS {
			kind = templates.KindSMS
		}
		v.Message, v.Channel, v.State = e.Message.Kind, kind, e.Message.State
		v.Detail = strings.TrimSpace(seenAddress(actor, Account{}, kind, e.Message.Recipient) + " " + e.Message.Reply)
	case e.Issued != nil:
		v.Issued, v.Renewed = e.Issued.ClientName, e.Renewed()
		v.Detail = e.Issued.Scope
	}
	return v
}

package admin

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/web"
)

// apiEvent is one row of the audit log.
type apiEvent struct {
	ID            string            `json:"id"`
	At            time.Time         `json:"at"`
	Type          string            `json:"type"`
	Result        string            `json:"result" enum:"success,failure,refused"`
	Reason        string            `json:"reason,omitempty"`
	ActorKind     string            `json:"actor_kind" enum:"account,operator,client,system,anonymous"`
	ActorID       string            `json:"actor_id,omitempty"`
	ActorName     string            `json:"actor_name,omitempty"`
	AccountID     string            `json:"account_id,omitempty"`
	LoginID       string            `json:"login_id,omitempty" doc:"of the account"`
	Target        string            `json:"target,omitempty"`
	ClientID      string            `json:"client_id,omitempty"`
	ClientAddress string            `json:"client_address,omitempty"`
	RequestID     string            `json:"request_id,omitempty"`
	Data          map[string]string `json:"data"`
}

// eventOf is an event as the actor may see it: what people typed and what rows keep may hold addresses.
func eventOf(actor Actor, row store.SearchAuditEventsRow) apiEvent {
	e := row.AuditEvent
	v := apiEvent{
		ID: string(e.ID), At: e.At, Type: e.Type, Result: e.Result, Reason: e.Reason, ActorKind: e.ActorKind, ActorID: e.ActorID,
		ActorName: e.ActorName, LoginID: text(row.LoginID), Target: e.Target, ClientID: e.ClientID, ClientAddress: e.ClientAddress,
		RequestID: e.RequestID, Data: map[string]string{},
	}
	if e.AccountID != nil {
		v.AccountID = string(*e.AccountID)
	}
	if json.Unmarshal(e.Data, &v.Data) != nil {
		v.Data = map[string]string{} // written by a version that had other data
	}
	if !actor.rights().has(maySeeAddresses) {
		v.Reason, v.Target = redact(v.Reason), redact(v.Target)
		for name, value := range v.Data {
			v.Data[name] = redact(value)
		}
	}
	return v
}

// apiDelivery is a message and what became of it; never its content.
type apiDelivery struct {
	ID         string     `json:"id"`
	Channel    string     `json:"channel" enum:"email,sms"`
	Kind       string     `json:"kind"`
	To         string     `json:"to" doc:"masked without api:addresses.read"`
	AccountID  string     `json:"account_id,omitempty"`
	LoginID    string     `json:"login_id,omitempty"`
	State      string     `json:"state" enum:"queued,accepted,delivered,bounced,failed,expired,cancelled"`
	Attempts   int        `json:"attempts"`
	Reply      string     `json:"reply,omitempty" doc:"what the last receiver said"`
	CreatedAt  time.Time  `json:"created_at"`
	FinishedAt *time.Time `json:"finished_at,omitempty"`
}

// deliveryOf masks where a message went as the address of a factor is masked: channels and factors are spelled alike.
func deliveryOf(actor Actor) func(store.ListMessagesRow) apiDelivery {
	return func(m store.ListMessagesRow) apiDelivery {
		v := apiDelivery{
			ID: string(m.ID), Channel: m.Channel, Kind: m.Kind, To: seenAddress(actor, Account{}, m.Channel, m.Recipient), LoginID: text(m.LoginID),
			State: m.State, Attempts: int(m.Attempts), CreatedAt: m.CreatedAt, FinishedAt: m.FinishedAt,
		}
		if actor.rights().has(maySeeAddresses) {
			v.Reply = m.Reply // it may repeat the address
		}
		if m.AccountID != nil {
			v.AccountID = string(*m.AccountID)
		}
		return v
	}
}

type (
	findEvents struct {
		paging
		Since   time.Time `query:"since"`
		Until   time.Time `query:"until" doc:"not included"`
		Kind    string    `query:"kind" max:"32" doc:"the first part of the type, such as 2fa"`
		Actor   string    `query:"actor_kind" enum:"account,operator,client,system,anonymous" doc:"who acted"`
		Account string    `query:"account_id" max:"64"`
		Search  string    `query:"search" max:"100" doc:"looked for in actor, target and login ID"`
	}
	findDeliveries struct {
		paging
		State   string `query:"state" enum:"queued,accepted,delivered,bounced,failed,expired,cancelled"`
		Account string `query:"account_id" max:"64"`
	}
)

func (a *API) logs(t *table) {
	s := a.service
	add(t, scopeAuditRead, http.MethodGet, "/audit-events", "listAuditEvents",
		func(ctx context.Context, actor Actor, in findEvents) (list[apiEvent], error) {
			after, err := in.place()
			if err != nil {
				return list[apiEvent]{}, err
			}
			if in.Kind != "" && !eventKind.MatchString(in.Kind) {
				return list[apiEvent]{}, invalid(web.FieldProblem{Field: "kind", Reason: reasonFormat})
			}
			rows, next, err := s.EventsAfter(ctx, actor, AuditQuery{
				Since: in.Since, Until: in.Until, Kind: in.Kind, Actor: audit.ActorKind(in.Actor), Who: in.Search,
				Account: store.AccountID(in.Account), After: after,
			}, in.limit())
			return listTo(rows, next.cursor(), func(row store.SearchAuditEventsRow) apiEvent { return eventOf(actor, row) }), err
		})
	add(t, scopeDeliveriesRead, http.MethodGet, "/deliveries", "listDeliveries",
		func(ctx context.Context, actor Actor, in findDeliveries) (list[apiDelivery], error) {
			after, err := in.place()
			if err != nil {
				return list[apiDelivery]{}, err
			}
			if in.Account != "" && !store.ValidID(in.Account) {
				return listTo(nil, "", deliveryOf(actor)), nil
			}
			rows, next, err := s.MessagesAfter(ctx, actor, DeliveryQuery{
				State: in.State, Account: store.AccountID(in.Account), After: after,
			}, in.limit())
			return listTo(rows, next.cursor(), deliveryOf(actor)), err
		})
}

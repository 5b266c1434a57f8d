package admin

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/delivery"
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
	Channel    string     `json:"channel" enum:"email,sms,push"`
	Kind       string     `json:"kind"`
	To         string     `json:"to" doc:"masked without api:addresses.read; an application's client_id with push"`
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
		if m.Channel == delivery.ChannelPush {
			v.To, v.Reply = m.Recipient, m.Reply
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

// apiDeliveryReport is what was heard of a message after it had left.
type apiDeliveryReport struct {
	At      time.Time `json:"at"`
	Outcome string    `json:"outcome"`
	Hard    bool      `json:"hard" doc:"whether trying again is of no use"`
	Status  string    `json:"status,omitempty"`
	Reply   string    `json:"reply,omitempty" doc:"absent without api:addresses.read"`
	Source  string    `json:"source"`
}

// apiDeliveryDetail is a message with everything that was heard of it.
type apiDeliveryDetail struct {
	apiDelivery

	Deadline time.Time           `json:"deadline" doc:"until when it is tried"`
	Reports  []apiDeliveryReport `json:"reports" doc:"the oldest first"`
}

func deliveryDetailOf(actor Actor, m Message) apiDeliveryDetail {
	v := apiDeliveryDetail{
		apiDelivery: deliveryOf(actor)(store.ListMessagesRow{
			ID: m.ID, Channel: m.Channel, Kind: m.Kind, AccountID: m.AccountID, Recipient: m.Recipient, State: m.State, Attempts: m.Attempts,
			Reply: m.Reply, CreatedAt: m.CreatedAt, FinishedAt: m.FinishedAt, LoginID: m.LoginID,
		}),
		Deadline: m.Deadline, Reports: []apiDeliveryReport{},
	}
	for _, r := range m.Reports {
		report := apiDeliveryReport{At: r.At, Outcome: r.Outcome, Hard: r.Hard, Status: r.Status, Source: r.Source}
		if actor.rights().has(maySeeAddresses) {
			report.Reply = r.Reply
		}
		v.Reports = append(v.Reports, report)
	}
	return v
}

// apiActs is how often an operator did something, or was refused it.
type apiActs struct {
	OperatorID string `json:"operator_id"`
	Operator   string `json:"operator"`
	Type       string `json:"type"`
	Result     string `json:"result" enum:"success,failure,refused"`
	Day        int    `json:"day" doc:"within 24 hours"`
	Week       int    `json:"week" doc:"within 7 days"`
	Month      int    `json:"month" doc:"within 30 days"`
}

func actsOf(r store.CountOperatorActsRow) apiActs {
	return apiActs{
		OperatorID: r.ActorID, Operator: r.ActorName, Type: r.Type, Result: r.Result, Day: int(r.InDay), Week: int(r.InWeek), Month: int(r.InAll),
	}
}

type (
	deliveryByID struct {
		ID string `path:"id" max:"64"`
	}
	findEvents struct {
		paging
		Since   time.Time `query:"since" doc:"the earliest"`
		Until   time.Time `query:"until" doc:"not included"`
		Kind    string    `query:"kind" max:"32" doc:"the first part of the type, such as 2fa"`
		Actor   string    `query:"actor_kind" enum:"account,operator,client,system,anonymous" doc:"who acted"`
		Account string    `query:"account_id" max:"64" doc:"the account concerned"`
		Search  string    `query:"search" max:"100" doc:"looked for in actor, target and login ID"`
	}
	findDeliveries struct {
		paging
		State   string `query:"state" enum:"queued,accepted,delivered,bounced,failed,expired,cancelled"`
		Account string `query:"account_id" max:"64" doc:"the account concerned"`
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
	add(t, scopeDeliveriesRead, http.MethodGet, "/deliveries/{id}", "getDelivery",
		func(ctx context.Context, actor Actor, in deliveryByID) (apiDeliveryDetail, error) {
			m, err := s.Message(ctx, actor, store.MessageID(in.ID))
			if err != nil {
				return apiDeliveryDetail{}, err
			}
			return deliveryDetailOf(actor, m), nil
		})
	add(t, scopeAuditRead, http.MethodGet, "/operator-acts", "listOperatorActs",
		func(ctx context.Context, actor Actor, _ nothing) (list[apiActs], error) {
			rows, err := s.OperatorActs(ctx, actor)
			return listOf(rows, false, actsOf, nil), err
		})
}

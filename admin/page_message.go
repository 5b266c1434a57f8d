package admin

import (
	"net/http"
	"slices"

	"github.com/go-chi/chi/v5"

	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

func (h *Handler) getMessage(w http.ResponseWriter, r *http.Request) error {
	m, err := h.service.Message(r.Context(), actorOf(r), store.MessageID(chi.URLParam(r, "id")))
	if err != nil {
		return answer(err)
	}
	if !actorOf(r).rights().has(maySeeAddresses) {
		m.Recipient, m.Reply = redact(m.Recipient), redact(m.Reply)
		for i := range m.Reports {
			m.Reports[i].Reply = redact(m.Reports[i].Reply)
		}
	}
	if m.Channel == delivery.ChannelPush {
		m.Recipient = partyName(m.Party, m.Recipient)
	}
	v := templates.MessageView{
		BackURL: templates.PathDeliveries, To: m.Recipient, LoginID: text(m.LoginID), Kind: m.Kind, Channel: m.Channel,
		State: m.State, Tries: int(m.Attempts), RemoteID: m.RemoteID, Steps: h.steps(m),
	}
	if m.AccountID != nil && m.LoginID != nil {
		v.AccountURL = accountURL(*m.AccountID) + "/two-factor"
		v.BackURL += "?account=" + string(*m.AccountID)
	}
	return h.templates.Message.Render(w, http.StatusOK, h.frame(w, r, templates.NavDeliveries), v)
}

// steps tells a message's way in order.
func (h *Handler) steps(m Message) []templates.MessageStep {
	step := func(kind string) templates.MessageStep { return templates.MessageStep{Kind: kind} }
	created := step(templates.StepCreated)
	created.At, created.ISO = templates.TimeSeconds(m.CreatedAt, h.zone), templates.ISO(m.CreatedAt, h.zone)
	steps := []templates.MessageStep{created}

	last := step(m.State)
	switch m.State {
	case delivery.StateQueued:
		if last.Kind = templates.StepWaiting; m.Reply != "" {
			last.Kind = templates.StepTried
		}
	case delivery.StateDelivered, delivery.StateBounced:
		last.Kind = delivery.StateAccepted // what came after it is in the reports
	}
	if last.Reply = m.Reply; m.FinishedAt != nil {
		last.At, last.ISO = templates.TimeSeconds(*m.FinishedAt, h.zone), templates.ISO(*m.FinishedAt, h.zone)
	}
	steps = append(steps, last)
	for _, r := range m.Reports {
		s := step(r.Outcome)
		s.Hard, s.Status, s.Reply, s.Source = r.Hard, r.Status, r.Reply, r.Source
		s.At, s.ISO = templates.TimeSeconds(r.At, h.zone), templates.ISO(r.At, h.zone)
		steps = append(steps, s)
	}
	// A report can overtake the answer of the mail server.
	slices.SortStableFunc(steps[1:], func(a, b templates.MessageStep) int {
		if a.At == b.At || a.At == "" || b.At == "" {
			return 0
		}
		if a.At < b.At {
			return -1
		}
		return 1
	})
	return steps
}

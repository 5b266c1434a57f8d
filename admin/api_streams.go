package admin

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/futakagi/futakagi/store"
)

// apiStream is a stream of security events. What its receiver wants to be shown with each event is not part of it.
type apiStream struct {
	ID          string     `json:"stream_id"`
	Method      string     `json:"method" enum:"push,poll"`
	Endpoint    string     `json:"endpoint_url,omitempty" doc:"where events are pushed"`
	Events      []string   `json:"events" doc:"session_revoked, credential_change, assurance_change"`
	Description string     `json:"description,omitempty"`
	Status      string     `json:"status" enum:"enabled,paused,disabled"`
	StatusBy    string     `json:"status_by" enum:"receiver,operator" doc:"what an operator paused, the receiver cannot go on with"`
	Waiting     int64      `json:"waiting" doc:"events that wait to be sent or fetched"`
	Sent        int64      `json:"sent" doc:"pushes that arrived, of those that messages are kept of"`
	Failed      int64      `json:"failed"`
	LastReply   string     `json:"last_failure,omitempty" doc:"what the receiver last refused with"`
	LastSentAt  *time.Time `json:"last_sent_at,omitempty"`
	PolledAt    *time.Time `json:"polled_at,omitempty"`
	CreatedAt   time.Time  `json:"created_at"`
}

func apiStreamOf(s StreamState) apiStream {
	return apiStream{
		ID: string(s.ID), Method: s.Method, Endpoint: s.Endpoint, Events: append([]string{}, strings.Fields(s.Events)...), Description: s.Description,
		Status: s.Status, StatusBy: s.StatusBy, Waiting: s.Waiting, Sent: s.Sent, Failed: s.Failed, LastReply: s.lastReply(),
		LastSentAt: s.SentAt, PolledAt: s.PolledAt, CreatedAt: s.CreatedAt,
	}
}

// lastReply is what a receiver last refused an event with: it answered a push, or said so in a poll.
func (s StreamState) lastReply() string {
	if s.Method == store.StreamPoll {
		return s.Error
	}
	return s.FailedReply
}

type streamByID struct {
	ID     string `path:"id" max:"64"`
	Stream string `path:"stream" format:"uuid"`
}

func (a *API) streams(t *table) {
	s := a.service
	add(t, scopeClientsRead, http.MethodGet, "/clients/{id}/streams", "listStreams",
		func(ctx context.Context, actor Actor, in clientByID) (list[apiStream], error) {
			rows, err := s.ClientStreams(ctx, actor, in.ID)
			return listTo(rows, "", apiStreamOf), err
		})
	add(t, scopeClients, http.MethodPut, "/clients/{id}/streams/{stream}/paused", "pauseStream",
		func(ctx context.Context, actor Actor, in streamByID) (none, error) {
			_, err := s.SetStreamPaused(ctx, actor, in.ID, store.StreamID(in.Stream), true)
			return none{}, err
		})
	add(t, scopeClients, http.MethodDelete, "/clients/{id}/streams/{stream}/paused", "resumeStream",
		func(ctx context.Context, actor Actor, in streamByID) (none, error) {
			_, err := s.SetStreamPaused(ctx, actor, in.ID, store.StreamID(in.Stream), false)
			return none{}, err
		})
	add(t, scopeClients, http.MethodDelete, "/clients/{id}/streams/{stream}", "deleteStream",
		func(ctx context.Context, actor Actor, in streamByID) (none, error) {
			return none{}, s.DeleteStream(ctx, actor, in.ID, store.StreamID(in.Stream))
		})
}

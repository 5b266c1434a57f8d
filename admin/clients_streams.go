package admin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/store"
)

// StreamState is a stream of security events of a client, with what became of them.
type StreamState struct {
	store.SignalStream
	// Waiting is how many events wait to be sent or fetched.
	Waiting int64
	// Sent and Failed count the pushes that messages are kept of, Failed those that were given up; SentAt is the last of those that arrived,
	// and FailedReply what was answered to the last that did not, if it is tried again or not.
	Sent, Failed int64
	SentAt       *time.Time
	FailedReply  string
}

// ClientStreams are the streams of a client, the oldest first. It fails with [store.ErrNotFound] for a client that does not exist.
func (s *Service) ClientStreams(ctx context.Context, actor Actor, clientID string) ([]StreamState, error) {
	if _, err := s.GetClient(ctx, actor, clientID); err != nil {
		return nil, err
	}
	q, now := s.db.Read(), s.now()
	rows, err := q.ListStreams(ctx, clientID)
	if err != nil {
		return nil, fmt.Errorf("list streams: %w", err)
	}
	states := make([]StreamState, len(rows))
	for i, row := range rows {
		row.AuthorizationSealed = nil // nobody's to see
		state := StreamState{SignalStream: row}
		if state.Waiting, err = q.CountSignals(ctx, store.CountSignalsParams{StreamID: row.ID, Now: now}); err != nil {
			return nil, fmt.Errorf("count signals: %w", err)
		}
		sent, err := q.LastStreamMessage(ctx, store.LastStreamMessageParams{StreamID: &row.ID, State: delivery.StateAccepted})
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, fmt.Errorf("last message of stream: %w", err)
		}
		failed, err := q.StreamFailures(ctx, &row.ID)
		if err != nil {
			return nil, fmt.Errorf("failures of stream: %w", err)
		}
		state.Sent, state.SentAt, state.Failed, state.FailedReply = sent.Number, sent.FinishedAt, failed.Number, failed.Reply
		states[i] = state
	}
	return states, nil
}

// SetStreamPaused pauses a stream of a client, or lets it go on, whoever stopped it; then everything that waits to be tried again is tried
// at once. Its receiver is told, and cannot undo a pause. It fails with [store.ErrNotFound], and reports whether anything was changed.
func (s *Service) SetStreamPaused(ctx context.Context, actor Actor, clientID string, id store.StreamID, paused bool) (bool, error) {
	want := store.StreamEnabled
	if paused {
		want = store.StreamPaused
	}
	return s.act(ctx, actor, mayManageClients, audit.Event{Type: audit.StreamStatus}, func(w *work) error {
		row, err := w.stream(ctx, clientID, id)
		if err != nil {
			return err
		}
		if row.Status == want && (!paused || row.StatusBy == store.ByOperator) {
			return errUnchanged
		}
		w.event.Data["from"], w.event.Data["to"] = row.Status, want
		return w.tx.ChangeStreamStatus(ctx, w.now, row, want, store.ByOperator, "")
	})
}

// DeleteStream deletes a stream of a client with what waits on it. Its receiver may make another one. It fails with [store.ErrNotFound].
func (s *Service) DeleteStream(ctx context.Context, actor Actor, clientID string, id store.StreamID) error {
	_, err := s.act(ctx, actor, mayManageClients, audit.Event{Type: audit.StreamDelete}, func(w *work) error {
		if _, err := w.stream(ctx, clientID, id); err != nil {
			return err
		}
		if _, err := w.tx.EndStream(ctx, id, clientID); err != nil {
			return fmt.Errorf("delete stream: %w", err)
		}
		return nil
	})
	return err
}

// stream holds a stream of a client that the actor may change.
func (w *work) stream(ctx context.Context, clientID string, id store.StreamID) (store.SignalStream, error) {
	if _, err := w.client(ctx, clientID); err != nil {
		return store.SignalStream{}, err
	}
	if !store.ValidID(string(id)) {
		return store.SignalStream{}, store.ErrNotFound
	}
	w.event.Data = map[string]string{"stream": string(id)}
	return w.tx.HoldStream(ctx, store.HoldStreamParams{ID: id, ClientID: clientID})
}

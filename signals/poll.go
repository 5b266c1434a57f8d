package signals

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/futakagi/futakagi/store"
)

const (
	// longestWait is how long a poll waits for something to come.
	longestWait = 20 * time.Second
	// lookEvery is how often polls look again where no notification came.
	lookEvery = 5 * time.Second
	// maxWaiting is how many polls of all receivers wait on one server; of one stream one does. The others are answered at once.
	maxWaiting = 64
	// notePollEvery is how exactly it is known when a stream was last polled.
	notePollEvery = time.Minute
)

// waitingRoom is where polls wait for something to come.
type waitingRoom struct {
	mu      sync.Mutex
	bell    chan struct{}
	streams map[store.StreamID]bool
	closed  bool
}

func newWaitingRoom() *waitingRoom {
	return &waitingRoom{bell: make(chan struct{}), streams: map[store.StreamID]bool{}}
}

// ring wakes all that wait.
func (w *waitingRoom) ring() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed {
		close(w.bell)
		w.bell = make(chan struct{})
	}
}

// close wakes all that wait for the last time.
func (w *waitingRoom) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed {
		w.closed = true
		close(w.bell)
	}
}

// enter takes a place. It reports whether there is one, and whoever got one leaves it.
func (w *waitingRoom) enter(id store.StreamID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || w.streams[id] || len(w.streams) >= maxWaiting {
		return false
	}
	w.streams[id] = true
	return true
}

func (w *waitingRoom) leave(id store.StreamID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.streams, id)
}

// next is closed when the bell is rung next.
func (w *waitingRoom) next() (bell <-chan struct{}, open bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.bell, !w.closed
}

// fetched is what a poll is answered with.
type fetched struct {
	Sets map[string]string `json:"sets"`
	More bool              `json:"moreAvailable,omitempty"`
}

// poll takes what a receiver is through with, and gives it what waits (RFC 8936 section 2.4).
func (s *Service) poll(ctx context.Context, row store.SignalStream, in poll) (fetched, error) {
	if err := s.settle(ctx, row, in); err != nil {
		return fetched{}, err
	}
	if in.max == 0 {
		return fetched{Sets: map[string]string{}}, nil
	}
	bell, _ := s.waiting.next() // before looking, so that nothing comes in between
	rows, err := s.list(ctx, row, in.max)
	if err != nil {
		return fetched{}, err
	}
	if len(rows) == 0 && !in.immediate && s.waiting.enter(row.ID) {
		defer s.waiting.leave(row.ID)
		if rows, err = s.wait(ctx, row, in.max, bell); err != nil {
			return fetched{}, err
		}
	}
	out := fetched{Sets: map[string]string{}, More: len(rows) > in.max}
	for _, signal := range rows[:min(len(rows), in.max)] {
		if out.Sets[string(signal.ID)], err = s.token(signal, row.ClientID); err != nil {
			return fetched{}, err
		}
	}
	return out, nil
}

// wait looks again whenever something came on any stream, until there is something on this one or the time is up.
func (s *Service) wait(ctx context.Context, row store.SignalStream, n int, bell <-chan struct{}) ([]store.Signal, error) {
	limit := time.NewTimer(longestWait)
	defer limit.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-limit.C:
			return nil, nil
		case <-bell:
		}
		var open bool
		if bell, open = s.waiting.next(); !open {
			return nil, nil // the server stops
		}
		present, err := s.stream(ctx, row.ClientID, row.ID)
		if err != nil {
			return nil, err
		}
		rows, err := s.list(ctx, present, n)
		if err != nil || len(rows) > 0 {
			return rows, err
		}
	}
}

// list is what waits, one more than asked for if there is more.
func (s *Service) list(ctx context.Context, row store.SignalStream, n int) ([]store.Signal, error) {
	rows, err := s.cfg.DB.Read().ListSignals(ctx, store.ListSignalsParams{
		StreamID: row.ID, Now: s.now(), Enabled: row.Status == store.StreamEnabled, PageSize: int32(n + 1),
	})
	if err != nil {
		return nil, fmt.Errorf("list signals: %w", err)
	}
	return rows, nil
}

// settle notes the poll, and lets go of what the receiver is through with.
func (s *Service) settle(ctx context.Context, row store.SignalStream, in poll) error {
	now := s.now()
	due := row.PolledAt == nil || now.Sub(*row.PolledAt) >= notePollEvery
	if !due && len(in.done) == 0 && in.err == "" {
		return nil
	}
	return s.cfg.DB.InTx(ctx, func(tx *store.Tx) error {
		if due {
			if err := tx.NoteStreamPoll(ctx, store.NoteStreamPollParams{Now: &now, ID: row.ID}); err != nil {
				return fmt.Errorf("note poll: %w", err)
			}
		}
		if in.err != "" {
			if err := tx.NoteStreamError(ctx, store.NoteStreamErrorParams{Error: in.err, Now: &now, ID: row.ID}); err != nil {
				return fmt.Errorf("note error: %w", err)
			}
		}
		var steps []func(*store.Queries) error
		for _, id := range in.done {
			steps = append(steps, func(q *store.Queries) error {
				_, err := q.AcknowledgeSignal(ctx, store.AcknowledgeSignalParams{ID: id, StreamID: row.ID})
				return err
			})
		}
		if len(steps) == 0 {
			return nil
		}
		if err := tx.Together(ctx, steps); err != nil {
			return fmt.Errorf("acknowledge signals: %w", err)
		}
		return nil
	})
}

package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

type notification struct{ channel, payload string }

// Notify tells every listener of channel, on all replicas, once the transaction has committed. Channels are identifiers of ours,
// payloads short and free of secrets: anyone on the database may listen.
func (tx *Tx) Notify(ctx context.Context, channel, payload string) error {
	if tx.local {
		tx.pending = append(tx.pending, notification{channel, payload})
		return nil
	}
	if _, err := tx.db.Exec(ctx, "SELECT pg_notify($1, $2)", channel, payload); err != nil {
		return fmt.Errorf("notify %s: %w", channel, err)
	}
	return nil
}

// Listen calls f for every notification on channel until ctx ends, and once with an empty payload whenever it has begun to
// listen, as others may have been missed before that. It reconnects for ever. f runs on the listener's goroutine and must be
// quick. On SQLite, whose file belongs to one server, notifications stay within the process.
func (db *DB) Listen(ctx context.Context, channel string, f func(payload string)) error {
	if db.local != nil {
		return db.local.listen(ctx, channel, f)
	}
	const first, longest = 200 * time.Millisecond, 15 * time.Second
	wait, interrupted := first, false
	for {
		err := db.listenOnce(ctx, channel, func(payload string) {
			if interrupted {
				db.logger.InfoContext(ctx, "listening again", "channel", channel)
			}
			wait, interrupted = first, false
			f(payload)
		})
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !interrupted { // one record per outage, not per try
			db.logger.WarnContext(ctx, "listening interrupted, trying again", "channel", channel, "error", err)
		}
		interrupted = true
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
		wait = min(2*wait, longest)
	}
}

// Follow calls do when it has begun to listen on channel, for every notification from then on, and at least every so often, until ctx
// ends. Notifications that come while do is at work are one call. What fails is tried again at the next occasion.
func (db *DB) Follow(ctx context.Context, channel string, every time.Duration, do func(context.Context) error) {
	changed := make(chan struct{}, 1)
	var listener sync.WaitGroup
	listener.Go(func() {
		// Listen reconnects by itself and returns only because ctx has ended.
		_ = db.Listen(ctx, channel, func(string) {
			select {
			case changed <- struct{}{}:
			default:
			}
		})
	})
	defer listener.Wait()
	poll := time.NewTicker(every)
	defer poll.Stop()
	healthy := true
	for {
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-poll.C:
		}
		err := do(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, ErrUnavailable): // Listen says that the database is away
		case err != nil && healthy:
			db.logger.WarnContext(ctx, "following failed, the last state stays in force", "channel", channel, "error", err)
		case err == nil && !healthy:
			db.logger.InfoContext(ctx, "following works again", "channel", channel)
		}
		healthy = err == nil
	}
}

// listenOnce listens on a connection of its own until it breaks.
func (db *DB) listenOnce(ctx context.Context, channel string, f func(payload string)) error {
	config := db.postgres.config.Copy()
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer func() {
		closeCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(closeCtx)
	}()
	if _, err := conn.Exec(ctx, "LISTEN "+pgx.Identifier{channel}.Sanitize()); err != nil {
		return err
	}
	f("")
	for {
		// A silent connection may be dead: look after it now and then.
		waitCtx, cancel := context.WithTimeout(ctx, time.Minute)
		n, err := conn.WaitForNotification(waitCtx)
		quiet := waitCtx.Err() != nil && ctx.Err() == nil
		cancel()
		switch {
		case err == nil:
			f(n.Payload)
		case quiet && !conn.IsClosed():
			if err := conn.Ping(ctx); err != nil {
				return err
			}
		default:
			return err
		}
	}
}

// broker passes notifications within the process.
type broker struct {
	mu        sync.Mutex
	listeners map[string]map[*mailbox]struct{}
}

// mailbox holds what a listener has not taken yet.
type mailbox struct {
	mu      sync.Mutex
	letters []string
	ready   chan struct{}
}

func newBroker() *broker { return &broker{listeners: make(map[string]map[*mailbox]struct{})} }

func (b *broker) publish(notifications []notification) {
	if len(notifications) == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, n := range notifications {
		for box := range b.listeners[n.channel] {
			box.mu.Lock()
			box.letters = append(box.letters, n.payload)
			box.mu.Unlock()
			select {
			case box.ready <- struct{}{}:
			default:
			}
		}
	}
}

func (b *broker) listen(ctx context.Context, channel string, f func(string)) error {
	box := &mailbox{ready: make(chan struct{}, 1)}
	b.mu.Lock()
	if b.listeners[channel] == nil {
		b.listeners[channel] = make(map[*mailbox]struct{})
	}
	b.listeners[channel][box] = struct{}{}
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		delete(b.listeners[channel], box)
		b.mu.Unlock()
	}()
	f("")
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-box.ready:
		}
		box.mu.Lock()
		letters := box.letters
		box.letters = nil
		box.mu.Unlock()
		for _, payload := range letters {
			f(payload)
		}
	}
}

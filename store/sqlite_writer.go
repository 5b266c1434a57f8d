package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// What one commit may hold, so that the first of a group does not wait long for the last.
const (
	maxGroup    = 64
	maxGroupAge = 25 * time.Millisecond
)

// sqliteWriter runs write transactions one after another on the only connection that writes. Waiting transactions share a
// commit: each runs inside a savepoint, and whoever finds nobody waiting behind it commits for all. None of them returns before
// that commit is on disk.
type sqliteWriter struct {
	db   *sql.DB
	keys func(columns string) string

	commits atomic.Int64

	mu      sync.Mutex
	busy    bool
	waiting []chan struct{} // in order of arrival; closing one hands it the connection
	closed  bool

	// The rest belongs to whoever holds the connection.
	conn    *sql.Conn
	querier *sqliteQuerier
	group   *commitGroup
}

// commitGroup is the fate that transactions share.
type commitGroup struct {
	started time.Time
	size    int
	broken  error // SQLite gave up the whole transaction
	done    chan struct{}
	err     error // of the commit; set before done is closed
}

// acquire waits for the connection.
func (w *sqliteWriter) acquire(ctx context.Context) error {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return ErrClosed
	}
	if !w.busy {
		w.busy = true
		w.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	w.waiting = append(w.waiting, turn)
	w.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if i := slices.Index(w.waiting, turn); i >= 0 {
		w.waiting = slices.Delete(w.waiting, i, i+1)
		return ctx.Err()
	}
	return nil // the turn came at the same moment: others may rely on us to commit
}

// pass hands the connection to the next in line and reports whether there was one.
func (w *sqliteWriter) pass() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.waiting) == 0 {
		return false
	}
	close(w.waiting[0])
	w.waiting = w.waiting[1:]
	return true
}

// release gives the connection up, to the next in line or to nobody.
func (w *sqliteWriter) release() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.waiting) == 0 {
		w.busy = false
		return
	}
	close(w.waiting[0])
	w.waiting = w.waiting[1:]
}

// run executes f in a transaction and returns after its commit.
func (w *sqliteWriter) run(ctx context.Context, deadline time.Time, observe func(string), f func(DBTX) error) error {
	waitCtx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	if err := w.acquire(waitCtx); err != nil {
		return mapError(err, w.keys)
	}
	if w.group == nil {
		if err := w.begin(waitCtx); err != nil {
			w.release()
			return mapError(err, w.keys)
		}
	}
	group := w.group
	group.size++

	// A panic in f must not leave the others of the group without a commit.
	finished := false
	defer func() {
		if !finished {
			w.settle(group)
		}
	}()
	err := w.step(ctx, deadline, observe, group, f)
	finished = true
	w.settle(group)
	if err != nil {
		return err
	}
	<-group.done
	return mapError(group.err, w.keys)
}

// settle ends one member's turn: either the next in line joins the group, or the group is committed.
func (w *sqliteWriter) settle(group *commitGroup) {
	if group.broken == nil && group.size < maxGroup && time.Since(group.started) < maxGroupAge && w.pass() {
		return
	}
	w.group = nil
	group.err = w.commit(group)
	close(group.done)
	w.release()
}

// step runs one member inside its savepoint.
func (w *sqliteWriter) step(ctx context.Context, deadline time.Time, observe func(string), group *commitGroup, f func(DBTX) error) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	if _, err := w.querier.Exec(context.Background(), "SAVEPOINT member"); err != nil {
		group.broken = err
		return mapError(err, w.keys)
	}
	committed := false
	defer func() {
		if committed {
			return
		}
		// Either statement fails if SQLite rolled the whole transaction back on its own (disk full, I/O error).
		for _, undo := range []string{"ROLLBACK TO member", "RELEASE member"} {
			if _, undoErr := w.querier.Exec(context.Background(), undo); undoErr != nil {
				group.broken = undoErr
				return
			}
		}
	}()
	tx := &guarded{db: w.querier, keys: w.keys, observe: observe, deadline: deadline}
	if err := f(tx); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err // nobody waits for the answer any more
	}
	if _, err := w.querier.Exec(context.Background(), "RELEASE member"); err != nil {
		return mapError(err, w.keys)
	}
	committed = true
	return nil
}

// begin opens a transaction. It waits while a command beside the server writes.
func (w *sqliteWriter) begin(ctx context.Context) error {
	if w.conn == nil {
		conn, err := w.db.Conn(ctx)
		if err != nil {
			return err
		}
		w.conn, w.querier = conn, newSQLiteQuerier(conn, true)
	}
	if _, err := w.conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		w.drop()
		return err
	}
	w.group = &commitGroup{started: time.Now(), done: make(chan struct{})}
	return nil
}

// commit ends the transaction of a group. A broken one is rolled back, and its connection given up with it.
func (w *sqliteWriter) commit(group *commitGroup) error {
	err := group.broken
	if err == nil {
		if _, err = w.conn.ExecContext(context.Background(), "COMMIT"); err == nil {
			w.commits.Add(1)
			return nil
		}
	}
	_, _ = w.conn.ExecContext(context.Background(), "ROLLBACK") // fails if there is nothing left to roll back
	w.drop()
	if !errors.Is(err, ErrUnavailable) {
		err = fmt.Errorf("%w: commit: %w", ErrUnavailable, err)
	}
	return err
}

// drop closes the connection; the next transaction opens another.
func (w *sqliteWriter) drop() {
	w.querier.close()
	// Bad, so that the pool does not hand it out again in whatever state it is.
	_ = w.conn.Raw(func(any) error { return driver.ErrBadConn })
	_ = w.conn.Close()
	w.conn, w.querier = nil, nil
}

// close waits for the transactions that have begun to wait or run.
func (w *sqliteWriter) close() error {
	w.mu.Lock()
	w.closed = true
	idle := !w.busy
	w.busy = true
	var turn chan struct{}
	if !idle {
		turn = make(chan struct{})
		w.waiting = append(w.waiting, turn)
	}
	w.mu.Unlock()
	if turn != nil {
		<-turn
	}
	if w.group != nil {
		group := w.group
		w.group = nil
		group.err = w.commit(group)
		close(group.done)
	}
	if w.conn != nil {
		w.drop()
	}
	return w.db.Close()
}

package store

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Pipeline runs steps inside of a running transaction, in their order and, on PostgreSQL, in one round trip: every statement is
// sent before the first answer is read. A step may not look at what an earlier one found, may read in its last statement alone, and
// is called twice: what it makes up (ids, times) must be made before, and what it finds is that of its last call. A step that
// returns an error ends the pipeline; a failed statement fails the transaction.
func (tx *Tx) Pipeline(ctx context.Context, steps ...func(tx *Tx) error) error {
	g, connection := batching(tx.db)
	if connection == nil || len(steps) == 0 {
		for _, step := range steps {
			if err := step(tx); err != nil {
				return err
			}
		}
		return nil
	}
	ctx, cancel := context.WithDeadline(ctx, g.deadline)
	defer cancel()
	batch := &quietRecorder{recorder{observe: g.observe}}
	recording := &Tx{Queries: New(batch), db: batch}
	for _, step := range steps {
		_ = step(recording)
	}
	if batch.err != nil {
		return batch.err
	}
	results := connection.SendBatch(ctx, &batch.batch)
	answers := &replay{results}
	replaying := &Tx{Queries: New(answers), db: answers}
	var err error
	for _, step := range steps {
		if err = step(replaying); err != nil {
			break
		}
	}
	// Close reads what is left, and has the failure of a statement that no step asked about.
	if closed := mapError(results.Close(), nil); err == nil {
		err = closed
	}
	return mapError(err, nil)
}

// sender is what can send many statements at once: a transaction of PostgreSQL.
type sender interface {
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// batching returns the two layers of a transaction that can; no sender for one that cannot.
func batching(db DBTX) (*guarded, sender) {
	g, ok := db.(*guarded)
	if !ok || g.deadline.IsZero() {
		return nil, nil
	}
	s, _ := g.db.(sender)
	return g, s
}

// quietRecorder lets a step go on after a statement that reads nothing.
type quietRecorder struct{ recorder }

func (r *quietRecorder) Exec(_ context.Context, query string, args ...any) (pgconn.CommandTag, error) {
	r.queue(query, args)
	return pgconn.CommandTag{}, nil
}

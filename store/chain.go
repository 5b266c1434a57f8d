package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// AuditLink makes one entry of the audit log for the place it is given: the number in its stream, and the hash of the entry before
// it, which is empty for the first. It returns the entry's own hash and the one statement that stores it.
type AuditLink func(seq int64, prev []byte) (hash []byte, write func(ctx context.Context, q *Queries) error, err error)

// AppendAudit puts an entry at the end of a stream when the transaction commits. Until then nothing is locked, and then the
// streams are taken in one order and after everything else: so two transactions never wait for each other's streams, and nobody
// waits for one while a transaction does its work.
func (tx *Tx) AppendAudit(stream string, link AuditLink) {
	if tx.links == nil {
		tx.links = make(map[string][]AuditLink)
	}
	tx.links[stream] = append(tx.links[stream], link)
}

// ChainAudit does now what the end of the transaction does: it gives the entries their places and stores them.
func (tx *Tx) ChainAudit(ctx context.Context) error {
	if len(tx.links) == 0 {
		return nil
	}
	links := tx.links
	tx.links = nil
	ctx, cancel := context.WithDeadline(ctx, tx.deadline)
	defer cancel()

	streams := slices.Sorted(maps.Keys(links))
	ends := make([]AdvanceAuditStreamRow, len(streams))
	var steps []func(*Queries) error
	for i, stream := range streams {
		steps = append(steps, func(q *Queries) error {
			var err error
			ends[i], err = q.AdvanceAuditStream(ctx, AdvanceAuditStreamParams{ID: stream, Places: int64(len(links[stream])), NoHash: []byte{}})
			return err
		})
	}
	if err := tx.together(ctx, steps); err != nil {
		return fmt.Errorf("take places in the audit log: %w", err)
	}

	steps = steps[:0]
	for i, stream := range streams {
		hash, last := ends[i].Hash, ends[i].Seq
		for n, link := range links[stream] {
			own, write, err := link(last-int64(len(links[stream])-1-n), hash)
			if err != nil {
				return err
			}
			steps = append(steps, func(q *Queries) error { return write(ctx, q) })
			hash = own
		}
		steps = append(steps, func(q *Queries) error {
			return oneRow(q.SetAuditStreamHash(ctx, SetAuditStreamHashParams{Hash: hash, ID: stream, Seq: last}))
		})
	}
	if err := tx.together(ctx, steps); err != nil {
		return fmt.Errorf("write audit log: %w", err)
	}
	return nil
}

// Together runs steps, each of one statement whose arguments were made beforehand, in one round trip where the engine can. Each step
// is called twice.
func (tx *Tx) Together(ctx context.Context, steps []func(*Queries) error) error {
	ctx, cancel := context.WithDeadline(ctx, tx.deadline)
	defer cancel()
	return tx.together(ctx, steps)
}

func (tx *Tx) together(ctx context.Context, steps []func(*Queries) error) error {
	if tx.batches == nil {
		return inOrder(tx.Queries, steps)
	}
	batch := &recorder{observe: tx.observe}
	for _, step := range steps {
		_ = step(New(batch))
	}
	if batch.err != nil {
		return batch.err
	}
	results := tx.batches.SendBatch(ctx, &batch.batch)
	err := inOrder(New(&replay{results}), steps)
	// What was not read is an error of a statement after the one that failed first.
	if closeErr := mapError(results.Close(), nil); err == nil {
		err = closeErr
	}
	return mapError(err, nil)
}

// ending is what a transaction needs to come to its end.
type ending struct {
	deadline time.Time
	batches  pgx.Tx // nil on SQLite, where a round trip costs nothing
	observe  func(query string)
	links    map[string][]AuditLink
}

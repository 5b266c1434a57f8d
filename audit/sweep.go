package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/futakagi/futakagi/store"
)

// sweepRows is how many rows of a stream one transaction removes.
const sweepRows = 1000

// sweepStreams is how many streams are looked up at once.
const sweepStreams = 100

// sweepClaims says that the beginning of a stream is gone on purpose, and what its last row was.
type sweepClaims struct {
	Stream string    `json:"stream"`
	Seq    int64     `json:"seq"`
	Hash   []byte    `json:"hash"`
	At     time.Time `json:"at"`
}

// Sweep removes what is older than before: of each stream the rows at its beginning, none from its middle. A signed statement in
// their place carries the hash of the last one, so that what follows can still be checked. It returns how many rows it removed, and
// needs a role of the database that may delete.
func (s *Signer) Sweep(ctx context.Context, db *store.DB, now, before time.Time) (int64, error) {
	var removed int64
	for after := ""; ; {
		streams, err := db.Read().ListSweepableStreams(ctx, store.ListSweepableStreamsParams{After: after, Before: before, PageSize: sweepStreams})
		if err != nil {
			return removed, fmt.Errorf("sweep audit log: %w", err)
		}
		for _, stream := range streams {
			after = stream.ID
			for {
				n, err := s.sweep(ctx, db, now, before, stream.ID)
				if err != nil {
					return removed, fmt.Errorf("sweep audit stream %s: %w", stream.ID, err)
				}
				if removed += n; n < sweepRows {
					break
				}
			}
		}
		if len(streams) < sweepStreams {
			break
		}
	}
	if removed == 0 {
		return 0, nil
	}
	err := db.InTx(ctx, func(tx *store.Tx) error {
		return Write(ctx, tx, now, Event{
			Type: LogSweep, Result: Success, Actor: System(), Target: before.UTC().Format(time.RFC3339), Data: map[string]string{"rows": fmt.Sprint(removed)},
		})
	})
	return removed, err
}

func (s *Signer) sweep(ctx context.Context, db *store.DB, now, before time.Time, id string) (removed int64, err error) {
	err = db.InTx(ctx, func(tx *store.Tx) error {
		stream, err := tx.GetAuditStream(ctx, id)
		if err != nil {
			return err
		}
		last := stream.BaseSeq + sweepRows
		end, err := tx.SearchSweepEnd(ctx, store.SearchSweepEndParams{Stream: &id, BaseSeq: &stream.BaseSeq, LastSeq: &last, Before: before})
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		base, err := s.sign(typSweep, sweepClaims{Stream: id, Seq: *end.Seq, Hash: end.Hash, At: now.UTC()})
		if err != nil {
			return err
		}
		n, err := tx.SetAuditStreamBase(ctx, store.SetAuditStreamBaseParams{BaseSeq: *end.Seq, Base: base, ID: id, FormerSeq: stream.BaseSeq})
		if err != nil || n == 0 {
			return err // another sweep was quicker
		}
		gate := store.NewID[string]()
		if err := tx.OpenAuditGate(ctx, store.OpenAuditGateParams{ID: gate, OpenedAt: now}); err != nil {
			return err
		}
		if removed, err = tx.SweepAuditEvents(ctx, store.SweepAuditEventsParams{Stream: &id, BaseSeq: end.Seq}); err != nil {
			return err
		}
		return tx.CloseAuditGate(ctx, gate)
	})
	return removed, err
}

// base returns where the rows of a stream begin, and checks the statement that says so.
func (c *check) base(head store.AuditStream) position {
	at := position{stream: head.ID, seq: head.BaseSeq}
	if head.BaseSeq == 0 && head.Base == "" {
		return at
	}
	var claims sweepClaims
	kid, err := c.keys.open(typSweep, head.Base, &claims)
	if err == nil && (claims.Stream != head.ID || claims.Seq != head.BaseSeq) {
		err = errors.New("the statement speaks of another place")
	}
	if err != nil {
		c.add(Finding{Problem: BadBase, Stream: head.ID, Seq: head.BaseSeq, Detail: "the beginning of the stream is gone: " + err.Error()})
		return at
	}
	c.signedBy(kid)
	at.hash = claims.Hash
	return at
}

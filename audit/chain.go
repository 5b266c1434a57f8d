package audit

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/futakagi/futakagi/store"
)

// sharedStreams is how many streams hold what concerns no account. A stream takes one transaction at a time, so that one for all
// would make everybody who is refused wait for everybody else.
const sharedStreams = 32

// sharedPrefix begins the names of those; the others are named after their account.
const sharedPrefix = "installation-"

// streamOf chooses the stream of an event. The end of an id is random.
func streamOf(account *store.AccountID, id store.EventID) string {
	if account != nil {
		return string(*account)
	}
	n, err := strconv.ParseUint(string(id[len(id)-2:]), 16, 8)
	if err != nil {
		n = 0
	}
	return fmt.Sprintf(sharedPrefix+"%02d", n%sharedStreams)
}

// adoptBatch is how many rows one transaction gives their places.
const adoptBatch = 500

// Adopt gives rows from before there were streams their places, oldest first, and returns how many it found. It may be interrupted
// and called again, and servers may write meanwhile.
func Adopt(ctx context.Context, db *store.DB, now func() time.Time) (int, error) {
	after := store.ListUnchainedEventsParams{AfterAt: time.Unix(0, 0), AfterID: store.EventID(store.MinID), PageSize: adoptBatch}
	for total := 0; ; {
		found := 0
		err := db.InTx(ctx, func(tx *store.Tx) error {
			rows, err := tx.ListUnchainedEvents(ctx, after)
			if found = len(rows); err != nil || found == 0 {
				return err
			}
			after.AfterAt, after.AfterID = rows[found-1].At, rows[found-1].ID
			gate := store.NewID[string]()
			if err := tx.OpenAuditGate(ctx, store.OpenAuditGateParams{ID: gate, OpenedAt: now()}); err != nil {
				return err
			}
			for _, row := range rows {
				adopt(tx, row)
			}
			if err := tx.ChainAudit(ctx); err != nil {
				return err
			}
			return tx.CloseAuditGate(ctx, gate)
		})
		if err != nil {
			return total, fmt.Errorf("chain audit log: %w", err)
		}
		if total += found; found < adoptBatch {
			return total, nil
		}
	}
}

func adopt(tx *store.Tx, row store.AuditEvent) {
	stream := streamOf(row.AccountID, row.ID)
	tx.AppendAudit(stream, func(seq int64, prev []byte) ([]byte, func(context.Context, *store.Queries) error, error) {
		row.Stream, row.Seq, row.PrevHash = &stream, &seq, prev
		record, err := recordOf(row)
		if err != nil {
			return nil, nil, fmt.Errorf("row %s: %w", row.ID, err)
		}
		hash := record.Hash()
		return hash, func(ctx context.Context, q *store.Queries) error {
			n, err := q.ChainAuditEvent(ctx, store.ChainAuditEventParams{Stream: &stream, Seq: &seq, PrevHash: prev, Hash: hash, ID: row.ID})
			if err == nil && n == 0 {
				err = store.ErrConflict // somebody else gave it one: begin again
			}
			return err
		}, nil
	})
}

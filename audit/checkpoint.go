package audit

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/futakagi/futakagi/store"
)

// checkpointStreams is how many streams one checkpoint speaks of: while it is written their writers wait.
const checkpointStreams = 256

// checkpointClaims is what a checkpoint says. Prev ties it to all before it, so that the newest one vouches for the whole log.
type checkpointClaims struct {
	Number  int64     `json:"number"`
	At      time.Time `json:"at"`
	Prev    []byte    `json:"prev,omitempty"` // hash of the statement before
	Streams int       `json:"streams"`
	Marks   []byte    `json:"marks"` // hash over where they end
}

// markHash adds one mark to a hash over marks.
type markHash struct{ sum [sha256.Size]byte }

func (h *markHash) add(stream string, seq int64, hash []byte) {
	in := append(h.sum[:], stream...)
	in = binary.BigEndian.AppendUint64(in, uint64(len(stream)))
	in = binary.BigEndian.AppendUint64(in, uint64(seq))
	h.sum = sha256.Sum256(append(in, hash...))
}

// Checkpoint signs where every stream ends that has grown since it was last called, and returns the signed statements: one, or
// several where many streams have grown, or none. Several servers may try at once: one of them does it.
func (s *Signer) Checkpoint(ctx context.Context, db *store.DB, now time.Time) ([]string, error) {
	now = now.UTC().Truncate(time.Microsecond) // as rows keep it
	var statements []string
	for after := ""; ; {
		var statement string
		more := false
		err := db.InTx(ctx, func(tx *store.Tx) error {
			heads, err := tx.ListUnsignedStreams(ctx, store.ListUnsignedStreamsParams{After: after, PageSize: checkpointStreams})
			if err != nil || len(heads) == 0 {
				return err
			}
			after, more = heads[len(heads)-1].ID, len(heads) == checkpointStreams
			statement, err = s.checkpoint(ctx, tx, now, heads)
			return err
		})
		if errors.Is(err, store.ErrConflict) {
			return statements, nil // another server was quicker
		}
		if err != nil {
			return statements, fmt.Errorf("write audit checkpoint: %w", err)
		}
		if statement != "" {
			statements = append(statements, statement)
		}
		if !more {
			return statements, nil
		}
	}
}

func (s *Signer) checkpoint(ctx context.Context, tx *store.Tx, now time.Time, heads []store.AuditStream) (string, error) {
	claims := checkpointClaims{Number: 1, At: now, Streams: len(heads)}
	last, err := tx.GetLastCheckpoint(ctx)
	switch {
	case err == nil:
		claims.Number, claims.Prev = last.Number+1, last.Hash
	case !errors.Is(err, store.ErrNotFound):
		return "", err
	}
	var marks markHash
	for _, head := range heads {
		marks.add(head.ID, head.Seq, head.Hash)
	}
	claims.Marks = marks.sum[:]
	statement, err := s.sign(typCheckpoint, claims)
	if err != nil {
		return "", err
	}
	own := sha256.Sum256([]byte(statement))
	// First of all, so that of two who try the second one holds nothing while it waits.
	if err := tx.InsertCheckpoint(ctx, store.InsertCheckpointParams{Number: claims.Number, At: now, Hash: own[:], Statement: statement}); err != nil {
		return "", err
	}
	var steps []func(*store.Queries) error
	for _, head := range heads {
		steps = append(steps, func(q *store.Queries) error {
			return q.InsertAuditMark(ctx, store.InsertAuditMarkParams{Checkpoint: claims.Number, Stream: head.ID, Seq: head.Seq, Hash: head.Hash})
		}, func(q *store.Queries) error {
			return q.SetAuditStreamSigned(ctx, store.SetAuditStreamSignedParams{Seq: head.Seq, ID: head.ID})
		})
	}
	return statement, tx.Together(ctx, steps)
}

// checkpointPage is how many checkpoints are held at once.
const checkpointPage = 100

// checkpoints walks through every checkpoint and compares it with the rows it speaks of.
func (c *check) checkpoints(ctx context.Context) error {
	var number int64
	var prev []byte
	for {
		page, err := c.q.ListCheckpoints(ctx, store.ListCheckpointsParams{After: number, PageSize: checkpointPage})
		if err != nil {
			return err
		}
		for _, row := range page {
			c.report.Checkpoints++
			say := func(detail string) { c.add(Finding{Problem: BadMark, Seq: row.Number, Detail: detail}) }
			var claims checkpointClaims
			kid, err := c.keys.open(typCheckpoint, row.Statement, &claims)
			own := sha256.Sum256([]byte(row.Statement))
			switch {
			case err != nil:
				say(err.Error())
			case claims.Number != row.Number || row.Number != number+1:
				say(fmt.Sprintf("it says that it is number %d, and the one before it is number %d", claims.Number, number))
			case !bytes.Equal(claims.Prev, prev):
				say("it does not carry the hash of the checkpoint before it")
			case !bytes.Equal(own[:], row.Hash) || !claims.At.Equal(row.At):
				say("the row beside the signed statement says something else")
			default:
				c.signedBy(kid)
				if err := c.marks(ctx, claims); err != nil {
					return err
				}
			}
			number, prev = row.Number, own[:]
		}
		if len(page) < checkpointPage {
			return nil
		}
	}
}

// marks compares the places a checkpoint names with what is there.
func (c *check) marks(ctx context.Context, claims checkpointClaims) error {
	rows, err := c.q.ListAuditMarks(ctx, claims.Number)
	if err != nil {
		return err
	}
	var sum markHash
	for _, row := range rows {
		sum.add(row.Stream, row.Seq, row.Hash)
		say := func(detail string) {
			c.add(Finding{Problem: BadMark, Stream: row.Stream, Seq: row.Seq, Detail: fmt.Sprintf(detail, claims.Number)})
		}
		swept := row.BaseSeq != nil && *row.BaseSeq >= row.Seq
		switch {
		case swept: // the statement about the sweep was checked with the stream
		case row.EventHash == nil:
			say("checkpoint %d speaks of a row that is not there")
		case !bytes.Equal(row.EventHash, row.Hash):
			say("the row is another one than when checkpoint %d was written")
		}
	}
	if len(rows) != claims.Streams || !bytes.Equal(sum.sum[:], claims.Marks) {
		c.add(Finding{Problem: BadMark, Seq: claims.Number, Detail: "the places beside it are not those that were signed"})
	}
	return nil
}

// VerifyCheckpoints compares checkpoints that were kept outside of the database, a statement in each line, with those in it. Since
// each vouches for all before it, this finds what was removed from the end of the log.
func VerifyCheckpoints(ctx context.Context, db *store.DB, keys []string, file io.Reader, found func(Finding)) (Report, error) {
	c := &check{q: db.Read(), found: found}
	var err error
	if c.keys, err = loadKeys(ctx, c.q, keys); err != nil {
		return c.report, fmt.Errorf("verify checkpoints: %w", err)
	}
	lines := bufio.NewScanner(file)
	for n := 1; lines.Scan(); n++ {
		c.report.Checkpoints++
		var claims checkpointClaims
		kid, err := c.keys.open(typCheckpoint, lines.Text(), &claims)
		if err != nil {
			c.add(Finding{Problem: BadMark, Seq: claims.Number, Detail: fmt.Sprintf("line %d of the file: %v", n, err)})
			continue
		}
		row, err := c.q.GetCheckpoint(ctx, claims.Number)
		switch {
		case errors.Is(err, store.ErrNotFound):
			c.add(Finding{Problem: BadMark, Seq: claims.Number, Detail: "it is in the file and not in the database"})
		case err != nil:
			return c.report, fmt.Errorf("verify checkpoints: %w", err)
		case row.Statement != lines.Text():
			c.add(Finding{Problem: BadMark, Seq: claims.Number, Detail: "the database has another one than the file"})
		default:
			c.signedBy(kid)
		}
	}
	if err := lines.Err(); err != nil {
		return c.report, fmt.Errorf("read checkpoints: %w", err)
	}
	return c.report, nil
}

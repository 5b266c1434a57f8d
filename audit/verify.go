package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/futakagi/futakagi/store"
)

// Problem says in a fixed word what is wrong with a place in the log.
type Problem string

// The problems there are.
const (
	Changed   Problem = "changed"    // the row does not fit its own hash
	Unlinked  Problem = "unlinked"   // the row does not carry the hash of the row before it
	Missing   Problem = "missing"    // rows are missing before this one
	Truncated Problem = "truncated"  // rows are missing at the end of the stream
	BadHead   Problem = "head"       // the stream's end says something else than its last row
	NoHead    Problem = "no_head"    // the stream has rows and no end
	Unchained Problem = "unchained"  // rows have no place in any stream
	BadBase   Problem = "base"       // nobody signed that the beginning of the stream was swept
	BadMark   Problem = "checkpoint" // a checkpoint says something else, or is missing, or is not signed
)

// Finding is one thing that is wrong.
type Finding struct {
	Problem Problem `json:"problem"`
	// Stream and Seq are the place; Event is the row there, if there is one. Seq is a checkpoint's number where no stream is named.
	Stream string `json:"stream,omitempty"`
	Seq    int64  `json:"seq,omitempty"`
	Event  string `json:"event,omitempty"`
	// Detail says more, for people to read.
	Detail string `json:"detail"`
}

func (f Finding) String() string {
	place := fmt.Sprintf("stream %s, row %d", f.Stream, f.Seq)
	switch {
	case f.Stream == "" && f.Seq == 0:
		place = "the log"
	case f.Stream == "":
		place = fmt.Sprintf("checkpoint %d", f.Seq)
	}
	if f.Event != "" {
		place += " (event " + f.Event + ")"
	}
	return fmt.Sprintf("%s: %s: %s", place, f.Problem, f.Detail)
}

// Report is what a check found.
type Report struct {
	// Rows, Streams and Checkpoints count what was looked at.
	Rows        int64 `json:"rows"`
	Streams     int64 `json:"streams"`
	Checkpoints int64 `json:"checkpoints"`
	// Findings counts what is wrong; zero means that the log is whole.
	Findings int64 `json:"findings"`
	// Keys are the ids of the keys that signed what was checked.
	Keys []string `json:"keys"`
}

// checkPage is how many rows are held at once.
const checkPage = 2000

// check is one walk through the log.
type check struct {
	q      *store.Queries
	found  func(Finding)
	keys   verifier
	report Report
}

func (c *check) add(f Finding) {
	c.report.Findings++
	c.found(f)
}

// signedBy notes whose signature was good.
func (c *check) signedBy(kid string) {
	if !slices.Contains(c.report.Keys, kid) {
		c.report.Keys = append(c.report.Keys, kid)
	}
}

// Verify walks through the whole log, stream by stream, and calls found for whatever is wrong. It believes the signatures of the keys
// named, or of every key in the database if none is. It holds a few thousand rows at a time; servers may write, and rows past their
// time may be swept, meanwhile. It fails only when it cannot read.
func Verify(ctx context.Context, db *store.DB, keys []string, found func(Finding)) (Report, error) {
	c := &check{q: db.Read(), found: found}
	var err error
	if c.keys, err = loadKeys(ctx, c.q, keys); err != nil {
		return c.report, fmt.Errorf("verify audit log: %w", err)
	}
	for _, part := range []func(context.Context) error{c.unchained, c.streams, c.checkpoints} {
		if err := part(ctx); err != nil {
			return c.report, fmt.Errorf("verify audit log: %w", err)
		}
	}
	return c.report, nil
}

func (c *check) unchained(ctx context.Context) error {
	n, err := c.q.CountUnchainedEvents(ctx)
	if err == nil && n > 0 {
		c.add(Finding{Problem: Unchained, Detail: fmt.Sprintf("%d rows have no place in a chain; those of an older version get theirs by futakagi migrate up", n)})
	}
	return err
}

// position is how far a stream was followed.
type position struct {
	stream string
	seq    int64
	hash   []byte
	// swept is up to where rows were removed while the stream was read: those that were read before are not looked at.
	swept int64
}

// step follows a stream by one row.
func (c *check) step(ctx context.Context, at *position, row store.AuditEvent) error {
	seq := *row.Seq
	if seq > at.seq+1 {
		if _, err := c.catchUp(ctx, at); err != nil {
			return err
		}
	}
	if seq <= at.seq && at.swept == 0 {
		// The stream was swept after its rows were read and before its beginning was, or somebody put rows there.
		still, err := c.q.ListStreamEvents(ctx, store.ListStreamEventsParams{Stream: &at.stream, AfterSeq: new(seq - 1), LastSeq: &seq, PageSize: 1})
		if err != nil {
			return err
		}
		if len(still) == 0 {
			at.swept = at.seq
		}
	}
	if seq <= at.swept {
		return nil
	}
	c.report.Rows++
	say := func(p Problem, detail string) {
		c.add(Finding{Problem: p, Stream: at.stream, Seq: seq, Event: string(row.ID), Detail: detail})
	}
	switch {
	case seq != at.seq+1:
		say(Missing, fmt.Sprintf("the row before this one has the number %d", at.seq))
	case !bytes.Equal(row.PrevHash, at.hash):
		say(Unlinked, "the row carries another hash than that of the row before it")
	}
	record, err := recordOf(row)
	switch {
	case err != nil:
		say(Changed, err.Error())
	case !bytes.Equal(record.Hash(), row.Hash):
		say(Changed, "the row does not fit its hash")
	case row.AccountID != nil && at.stream != string(*row.AccountID):
		say(Changed, "the row belongs to another account's stream")
	}
	at.seq, at.hash = seq, row.Hash
	return nil
}

// catchUp goes on to where a stream begins now, if its beginning was swept while it was read, and reports whether it was.
func (c *check) catchUp(ctx context.Context, at *position) (bool, error) {
	head, err := c.q.GetAuditStream(ctx, at.stream)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil // said where the stream began
	}
	if err != nil || head.BaseSeq <= at.seq {
		return false, err
	}
	*at = c.base(head)
	at.swept = at.seq
	return true, nil
}

// streams walks through heads and rows side by side, both in the order of the streams' names.
func (c *check) streams(ctx context.Context) error {
	heads := &headCursor{q: c.q}
	var at *position // the stream the walk is in
	from := store.ListAuditChainParams{AfterStream: new(""), AfterSeq: new(int64(0)), PageSize: checkPage}
	// enter goes on to a stream and settles those before it that have no rows.
	enter := func(stream string) error {
		for {
			head, ok, err := heads.next(ctx, stream)
			if err != nil {
				return err
			}
			if !ok { // or it was begun after the heads were read
				if head, err = c.q.GetAuditStream(ctx, stream); err == nil {
					at = new(c.base(head))
					return nil
				}
				if !errors.Is(err, store.ErrNotFound) {
					return err
				}
				c.add(Finding{Problem: NoHead, Stream: stream, Detail: "the stream has rows, and nothing says where it ends"})
				at = &position{stream: stream}
				return nil
			}
			start := c.base(head)
			if head.ID == stream {
				at = &start
				return nil
			}
			if err := c.settle(ctx, start); err != nil {
				return err
			}
		}
	}
	for {
		rows, err := c.q.ListAuditChain(ctx, from)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if row.Seq == nil {
				c.add(Finding{Problem: Changed, Stream: *row.Stream, Event: string(row.ID), Detail: "the row has no number"})
				continue
			}
			if at == nil || at.stream != *row.Stream {
				if at != nil {
					if err := c.settle(ctx, *at); err != nil {
						return err
					}
				}
				if err := enter(*row.Stream); err != nil {
					return err
				}
			}
			if err := c.step(ctx, at, row); err != nil {
				return err
			}
			from.AfterStream, from.AfterSeq = row.Stream, row.Seq
		}
		if len(rows) < checkPage {
			break
		}
	}
	if at != nil {
		if err := c.settle(ctx, *at); err != nil {
			return err
		}
	}
	for {
		head, ok, err := heads.next(ctx, "")
		if err != nil || !ok {
			return err
		}
		if err := c.settle(ctx, c.base(head)); err != nil {
			return err
		}
	}
}

// settle compares the end of a stream with its head. Both may have grown since they were read: the head is read anew, and then what
// was written up to there.
func (c *check) settle(ctx context.Context, at position) error {
	c.report.Streams++
	head, err := c.q.GetAuditStream(ctx, at.stream)
	if errors.Is(err, store.ErrNotFound) {
		return nil // said where the stream began
	}
	if err != nil {
		return err
	}
	for at.seq < head.Seq {
		rows, err := c.q.ListStreamEvents(ctx, store.ListStreamEventsParams{
			Stream: &at.stream, AfterSeq: &at.seq, LastSeq: &head.Seq, PageSize: checkPage,
		})
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			swept, err := c.catchUp(ctx, &at)
			if err != nil {
				return err
			}
			if swept {
				continue
			}
			c.add(Finding{
				Problem: Truncated, Stream: at.stream, Seq: head.Seq, Detail: fmt.Sprintf("rows %d to %d are missing", at.seq+1, head.Seq),
			})
			return nil
		}
		for _, row := range rows {
			if err := c.step(ctx, &at, row); err != nil {
				return err
			}
		}
	}
	if at.seq > head.Seq || !bytes.Equal(at.hash, head.Hash) {
		c.add(Finding{Problem: BadHead, Stream: at.stream, Seq: head.Seq, Detail: "the end of the stream is not its last row"})
	}
	return nil
}

// headCursor reads heads in the order of their names.
type headCursor struct {
	q     *store.Queries
	page  []store.AuditStream
	after string
	done  bool
}

// next returns the next head, if its name is not after limit; "" is no limit.
func (h *headCursor) next(ctx context.Context, limit string) (store.AuditStream, bool, error) {
	if len(h.page) == 0 && !h.done {
		var err error
		if h.page, err = h.q.ListAuditStreams(ctx, store.ListAuditStreamsParams{After: h.after, PageSize: checkPage}); err != nil {
			return store.AuditStream{}, false, err
		}
		if len(h.page) == 0 {
			h.done = true
		} else {
			h.after = h.page[len(h.page)-1].ID
		}
	}
	if len(h.page) == 0 || limit != "" && h.page[0].ID > limit {
		return store.AuditStream{}, false, nil
	}
	head := h.page[0]
	h.page = h.page[1:]
	return head, true, nil
}

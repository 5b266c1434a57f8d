package audit_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
)

// verify checks the whole log and returns what is wrong in a line each.
func verify(t *testing.T, db *store.DB) ([]string, audit.Report) {
	t.Helper()
	var lines []string
	report, err := audit.Verify(t.Context(), db, nil, func(f audit.Finding) { lines = append(lines, f.String()) })
	if err != nil {
		t.Fatal(err)
	}
	if report.Findings != int64(len(lines)) {
		t.Errorf("%d findings are counted, %d were told", report.Findings, len(lines))
	}
	return lines, report
}

func mustBeWhole(t *testing.T, db *store.DB, rows int64) {
	t.Helper()
	if lines, report := verify(t, db); len(lines) > 0 || report.Rows != rows {
		t.Errorf("%d rows, want %d; wrong: %s", report.Rows, rows, strings.Join(lines, "\n"))
	}
}

// TestI27_ParallelWritersMakeOneChain lets a hundred transactions end at once that write into the same streams in different orders.
func TestI27_ParallelWritersMakeOneChain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		const writers = 100
		tanaka, suzuki := store.NewID[store.AccountID](), store.NewID[store.AccountID]()
		undone := errors.New("undone")
		var group sync.WaitGroup
		for i := range writers {
			group.Go(func() {
				first, second := tanaka, suzuki
				if i%2 == 0 {
					first, second = second, first
				}
				err := db.InTx(t.Context(), func(tx *store.Tx) error {
					for _, account := range []store.AccountID{first, second, tanaka} {
						e := audit.Event{Type: audit.SignInFactor, Result: audit.Success, Actor: audit.System(), Account: account, Reason: fmt.Sprint(i)}
						if err := audit.Write(t.Context(), tx, now, e); err != nil {
							return err
						}
					}
					if i%10 == 0 {
						return undone // leaves no gap
					}
					return nil
				})
				if err != nil && !(i%10 == 0 && errors.Is(err, undone)) {
					t.Errorf("writer %d: %v", i, err)
				}
			})
		}
		group.Wait()
		mustBeWhole(t, db, writers*9/10*3)
		head, err := db.Read().GetAuditStream(t.Context(), string(tanaka))
		if err != nil || head.Seq != writers*9/10*2 {
			t.Errorf("the stream ends at %d, %v", head.Seq, err)
		}
	})
}

// TestEventsWithoutAccountAreSpread guards that refusals of strangers do not wait for one another.
func TestEventsWithoutAccountAreSpread(t *testing.T) {
	db := storetest.SQLite(t)
	for range 300 {
		write(t, t.Context(), db, audit.Event{Type: audit.SignInPassword, Result: audit.Failure, Actor: audit.Anonymous()})
	}
	heads, err := db.Read().ListAuditStreams(t.Context(), store.ListAuditStreamsParams{PageSize: 100})
	if err != nil {
		t.Fatal(err)
	}
	if len(heads) < 24 || len(heads) > 32 {
		t.Errorf("300 events are in %d streams", len(heads))
	}
	mustBeWhole(t, db, 300)
}

// TestOldRowsAreChained writes rows as the version before did, and gives them their places in two goes beside a writer.
func TestOldRowsAreChained(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		tanaka := store.NewID[store.AccountID]()
		const old = 1200
		err := db.InTx(t.Context(), func(tx *store.Tx) error {
			for i := range old {
				p := store.InsertAuditEventParams{
					ID: store.NewID[store.EventID](), At: now.Add(time.Duration(i/7) * time.Second), Type: "signin.password", Result: "failure",
					ActorKind: "anonymous", Data: []byte(`{"kind": "store"}`),
				}
				if i%2 == 0 {
					p.AccountID = &tanaka
				}
				if err := tx.InsertAuditEvent(t.Context(), p); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if lines, _ := verify(t, db); len(lines) != 1 || !strings.Contains(lines[0], "unchained") {
			t.Errorf("before: %v", lines)
		}
		write(t, t.Context(), db, audit.Event{Type: audit.SignOut, Result: audit.Success, Actor: audit.System(), Account: tanaka})
		stopped, stop := context.WithCancel(t.Context())
		n := 0
		_, err = audit.Adopt(stopped, db, func() time.Time {
			if n++; n == 2 {
				stop()
			}
			return now
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("interrupted: %v", err)
		}
		if found, err := audit.Adopt(t.Context(), db, func() time.Time { return now }); err != nil || found != old-500 {
			t.Errorf("the second go found %d, %v", found, err)
		}
		mustBeWhole(t, db, old+1)
		rows, err := db.Read().ListStreamEvents(t.Context(), store.ListStreamEventsParams{
			Stream: new(string(tanaka)), AfterSeq: new(int64(1)), LastSeq: new(int64(old)), PageSize: old,
		})
		if err != nil || len(rows) != old/2 {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		for i := range rows[1:] {
			if rows[i].At.After(rows[i+1].At) {
				t.Errorf("row %d is older than the one before it", i+2)
			}
		}
	})
}

func TestRecordOfARow(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := audit.WithOrigin(t.Context(), audit.Origin{Address: "192.0.2.7", UserAgent: "Mozilla/5.0", RequestID: "r1"})
		data := map[string]string{"b": "\u2028\"é\ufffd", "a": "<&>", "aa": "", "": "x"}
		write(t, ctx, db, audit.Event{Type: audit.SignOut, Result: audit.Success, Actor: audit.System(), Reason: "機種変更\r\n", Data: data})
		row := storetest.Events(t, db, "")[0]
		record, err := audit.RecordOf(row)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(data, record.Data); diff != "" {
			t.Error(diff)
		}
		mustBeWhole(t, db, 1)
		for _, bad := range []string{`[]`, `{"a":1}`, `{"a":{}}`, `{"a":"1","a":"2"}`, `{"a":"1"`, ``, `{} x`, `null`} {
			row.Data = []byte(bad)
			if r, err := audit.RecordOf(row); err == nil {
				t.Errorf("%s was read as %v", bad, r.Data)
			}
		}
	})
}

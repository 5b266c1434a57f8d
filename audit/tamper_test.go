package audit_test

import (
	"bytes"
	"database/sql"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/internal/seal"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
)

var chainTables = []string{"audit_events", "audit_streams", "audit_checkpoints", "audit_marks", "audit_keys"}

// intruder is somebody who holds the database itself and has taken away what guards it.
type intruder struct {
	t    *testing.T
	db   *sql.DB
	lite bool
}

func newIntruder(t *testing.T, url string) *intruder {
	t.Helper()
	in := &intruder{t: t, lite: strings.HasPrefix(url, "sqlite:")}
	driver, source := "pgx", url
	if in.lite {
		driver, source = "sqlite", "file:"+strings.TrimPrefix(url, "sqlite:")+"?_pragma=busy_timeout(5000)"
	}
	var err error
	if in.db, err = sql.Open(driver, source); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.db.Close() })
	return in
}

func (in *intruder) try(statement string) error {
	_, err := in.db.ExecContext(in.t.Context(), statement)
	return err
}

func (in *intruder) do(statements ...string) {
	in.t.Helper()
	for _, s := range statements {
		if err := in.try(s); err != nil {
			in.t.Fatalf("%s: %v", s, err)
		}
	}
}

func (in *intruder) breakIn() {
	in.t.Helper()
	if !in.lite {
		for _, table := range chainTables {
			in.do("ALTER TABLE " + table + " DISABLE TRIGGER ALL")
		}
		return
	}
	rows, err := in.db.QueryContext(in.t.Context(), "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'audit_%'")
	if err != nil {
		in.t.Fatal(err)
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			in.t.Fatal(err)
		}
		names = append(names, name)
	}
	if err := rows.Err(); err != nil || len(names) < 10 {
		in.t.Fatalf("triggers %v, %v", names, err)
	}
	for _, name := range names {
		in.do("DROP TRIGGER " + name)
	}
}

func (in *intruder) keep() {
	for _, table := range chainTables {
		in.do("CREATE TABLE kept_" + table + " AS SELECT * FROM " + table)
	}
}

func (in *intruder) restore() {
	for _, table := range chainTables {
		in.do("DELETE FROM "+table, "INSERT INTO "+table+" SELECT * FROM kept_"+table)
	}
}

// blob spells bytes for the engine.
func (in *intruder) blob(b []byte) string {
	if in.lite {
		return "x'" + hex.EncodeToString(b) + "'"
	}
	return `'\x` + hex.EncodeToString(b) + `'`
}

func testBox(t *testing.T) *seal.Box {
	t.Helper()
	key := bytes.Repeat([]byte("k"), seal.MasterKeySize)
	wrapped, err := seal.Generate(key)
	if err != nil {
		t.Fatal(err)
	}
	box, err := seal.New(key, wrapped)
	if err != nil {
		t.Fatal(err)
	}
	return box
}

// log is a log with three accounts' streams and a few shared ones, signed twice and written on after that.
type log struct {
	url      string
	db       *store.DB
	signer   *audit.Signer
	accounts []store.AccountID
	rows     int64
	signed   []string
}

func newLog(t *testing.T, url string) *log {
	t.Helper()
	return newLogOn(t, url, storetest.Open(t, url))
}

func newLogOn(t *testing.T, url string, db *store.DB) *log {
	t.Helper()
	l := &log{url: url, db: db}
	var err error
	if l.signer, err = audit.OpenSigner(t.Context(), l.db, testBox(t), now); err != nil {
		t.Fatal(err)
	}
	l.rows = 1 // the making of the key
	for range 3 {
		l.accounts = append(l.accounts, store.NewID[store.AccountID]())
	}
	for round := range 3 {
		for i := range 4 {
			for _, account := range append(l.accounts, "") {
				l.write(t, account, fmt.Sprintf("%d-%d", round, i), now.Add(time.Duration(round)*time.Hour))
			}
		}
		if round < 2 {
			l.checkpoint(t)
		}
	}
	return l
}

func (l *log) write(t *testing.T, account store.AccountID, reason string, at time.Time) {
	t.Helper()
	ctx := audit.WithOrigin(t.Context(), audit.Origin{Address: "192.0.2.7", UserAgent: "Mozilla/5.0", RequestID: "r-" + reason})
	err := l.db.InTx(ctx, func(tx *store.Tx) error {
		return audit.Write(ctx, tx, at, audit.Event{
			Type: audit.SignInFactor, Result: audit.Failure, Reason: reason, Actor: audit.Actor{Kind: audit.ByAccount, ID: "a", Name: "tanaka"},
			Account: account, Target: "t", ClientID: "store", Data: map[string]string{"method": "email"},
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	l.rows++
}

func (l *log) checkpoint(t *testing.T) {
	t.Helper()
	signed, err := l.signer.Checkpoint(t.Context(), l.db, now)
	if err != nil || len(signed) != 1 {
		t.Fatalf("checkpoint: %d statements, %v", len(signed), err)
	}
	l.signed = append(l.signed, signed...)
}

// rechain is what somebody does who knows how hashes are made: a row is changed, and it and all after it get new hashes, as does the
// end of the stream.
func (l *log) rechain(t *testing.T, in *intruder, stream store.AccountID, seq int64, reason string) {
	t.Helper()
	name := string(stream)
	rows, err := l.db.Read().ListStreamEvents(t.Context(), store.ListStreamEventsParams{
		Stream: &name, AfterSeq: new(seq - 1), LastSeq: new(int64(1000)), PageSize: 1000,
	})
	if err != nil {
		t.Fatal(err)
	}
	prev := rows[0].PrevHash
	for i, row := range rows {
		row.PrevHash = prev
		if i == 0 {
			row.Reason = reason
		}
		record, err := audit.RecordOf(row)
		if err != nil {
			t.Fatal(err)
		}
		prev = record.Hash()
		in.do(fmt.Sprintf("UPDATE audit_events SET reason = '%s', prev_hash = %s, hash = %s WHERE id = '%s'", row.Reason, in.blob(row.PrevHash), in.blob(prev), row.ID))
	}
	in.do(fmt.Sprintf("UPDATE audit_streams SET hash = %s WHERE id = '%s'", in.blob(prev), name))
}

// TestI27_TamperingIsFound is a corpus of everything that can be done to rows by somebody without the signing key.
func TestI27_TamperingIsFound(t *testing.T) {
	for engine, url := range engines() {
		t.Run(engine, func(t *testing.T) {
			l := newLog(t, url(t))
			mustBeWhole(t, l.db, l.rows)
			in := newIntruder(t, l.url)
			in.breakIn()
			in.keep()
			mine, other := string(l.accounts[0]), string(l.accounts[1])
			row := func(seq int) string { return fmt.Sprintf("stream = '%s' AND seq = %d", mine, seq) }
			const columns = "id, at, type, result, reason, actor_kind, actor_id, actor_name, account_id, target, client_id, client_address, user_agent, request_id, data, stream, seq, prev_hash, hash"
			copied := func(replace ...string) string {
				return "INSERT INTO audit_events (" + columns + ") SELECT " + strings.NewReplacer(replace...).Replace(columns) + " FROM audit_events WHERE " + row(6)
			}
			newID, later := "'"+store.NewID[string]()+"'", "at + interval '1 microsecond'"
			bytesOf := func(column string) string { return "set_byte(" + column + ", 3, 255 - get_byte(" + column + ", 3))" }
			if in.lite {
				later = "at + 1"
				bytesOf = func(string) string { return in.blob(bytes.Repeat([]byte{7}, 32)) }
			}
			swap := func(column string) []string {
				return []string{
					"CREATE TABLE pair AS SELECT seq, " + column + " AS v FROM audit_events WHERE stream = '" + mine + "' AND seq IN (5, 6)",
					"UPDATE audit_events SET " + column + " = (SELECT v FROM pair WHERE seq = 6) WHERE " + row(5),
					"UPDATE audit_events SET " + column + " = (SELECT v FROM pair WHERE seq = 5) WHERE " + row(6),
					"DROP TABLE pair",
				}
			}
			cases := map[string]func(){
				"insert a copy without a place": func() { in.do(copied("id, at", newID+", at", "stream", "NULL", " seq", " NULL")) },
				"insert a copy at the end":      func() { in.do(copied("id, at", newID+", at", " seq", " 13")) },
				"insert into a new stream":      func() { in.do(copied("id, at", newID+", at", "stream", "'other'")) },
				"insert into a gap": func() {
					in.do("UPDATE audit_events SET seq = seq + 100 WHERE stream = '"+mine+"' AND seq > 6", copied("id, at", newID+", at", " seq", " 7"))
				},
				"swap two rows": func() {
					in.do("UPDATE audit_events SET seq = 100 WHERE "+row(5), "UPDATE audit_events SET seq = 5 WHERE "+row(6), "UPDATE audit_events SET seq = 6 WHERE "+row(100))
				},
				"swap their reasons": func() { in.do(swap("reason")...) },
				"swap their times of two rounds": func() {
					in.do("UPDATE audit_events SET at = (SELECT at FROM audit_events WHERE " + row(1) + ") WHERE " + row(9))
				},
				"move a row to another stream": func() { in.do("UPDATE audit_events SET stream = '" + other + "', seq = 13 WHERE " + row(12)) },
				"swap two streams": func() {
					in.do("UPDATE audit_events SET stream = 'x' WHERE stream = '"+mine+"'", "UPDATE audit_events SET stream = '"+mine+"' WHERE stream = '"+other+"'",
						"UPDATE audit_events SET stream = '"+other+"' WHERE stream = 'x'")
				},
				"truncate":             func() { in.do("DELETE FROM audit_events WHERE stream = '" + mine + "' AND seq > 8") },
				"remove the beginning": func() { in.do("DELETE FROM audit_events WHERE stream = '" + mine + "' AND seq < 4") },
				"remove it and claim a sweep": func() {
					in.do("DELETE FROM audit_events WHERE stream = '"+mine+"' AND seq < 4", "UPDATE audit_streams SET base_seq = 3 WHERE id = '"+mine+"'")
				},
				"remove a whole stream": func() { in.do("DELETE FROM audit_events WHERE stream = '" + mine + "'") },
				"remove a stream and its end": func() {
					in.do("DELETE FROM audit_events WHERE stream = '"+mine+"'", "DELETE FROM audit_streams WHERE id = '"+mine+"'")
				},
				"remove the end of a stream":     func() { in.do("DELETE FROM audit_streams WHERE id = '" + mine + "'") },
				"set the end back":               func() { in.do("UPDATE audit_streams SET seq = 8 WHERE id = '" + mine + "'") },
				"change the hash of the end":     func() { in.do("UPDATE audit_streams SET hash = " + bytesOf("hash") + " WHERE id = '" + mine + "'") },
				"take another sweep's statement": func() { in.do("UPDATE audit_streams SET base = 'e30.e30.e30', base_seq = 1 WHERE id = '" + mine + "'") },
				"change a row and all hashes":    func() { l.rechain(t, in, l.accounts[0], 3, "forged") },
				"change the last signed row":     func() { l.rechain(t, in, l.accounts[0], 8, "forged") },
				"truncate and set the end back": func() {
					in.do("DELETE FROM audit_events WHERE stream = '"+mine+"' AND seq > 6", "UPDATE audit_streams SET seq = 6, hash = (SELECT hash FROM audit_events WHERE "+row(6)+") WHERE id = '"+mine+"'")
				},
				"remove the first checkpoint": func() { in.do("DELETE FROM audit_checkpoints WHERE number = 1") },
				"renumber a checkpoint":       func() { in.do("UPDATE audit_checkpoints SET number = 3 WHERE number = 2") },
				"change a checkpoint's time":  func() { in.do("UPDATE audit_checkpoints SET at = " + later + " WHERE number = 2") },
				"change a checkpoint's hash":  func() { in.do("UPDATE audit_checkpoints SET hash = " + bytesOf("hash") + " WHERE number = 2") },
				"change a checkpoint's statement": func() {
					in.do("UPDATE audit_checkpoints SET statement = replace(statement, '.', '.A') WHERE number = 1")
				},
				"take the first statement again": func() {
					in.do("UPDATE audit_checkpoints SET statement = (SELECT statement FROM audit_checkpoints WHERE number = 1) WHERE number = 2")
				},
				"remove a mark":    func() { in.do("DELETE FROM audit_marks WHERE stream = '" + mine + "' AND checkpoint = 1") },
				"remove all marks": func() { in.do("DELETE FROM audit_marks") },
				"move a mark":      func() { in.do("UPDATE audit_marks SET seq = 3 WHERE stream = '" + mine + "' AND checkpoint = 1") },
				"change a mark": func() {
					in.do("UPDATE audit_marks SET hash = " + bytesOf("hash") + " WHERE stream = '" + mine + "' AND checkpoint = 1")
				},
				"remove the key":               func() { in.do("DELETE FROM audit_keys") },
				"put another key in its place": func() { in.do("UPDATE audit_keys SET public_key = " + bytesOf("public_key")) },
				"change a row and its mark": func() {
					l.rechain(t, in, l.accounts[0], 3, "forged")
					in.do("UPDATE audit_marks SET hash = (SELECT e.hash FROM audit_events e WHERE e.stream = audit_marks.stream AND e.seq = audit_marks.seq)")
				},
			}
			for _, column := range []string{
				"type", "result", "reason", "actor_kind", "actor_id", "actor_name", "target", "client_id", "client_address", "user_agent", "request_id",
			} {
				cases["change "+column] = func() { in.do("UPDATE audit_events SET " + column + " = " + column + " || 'x' WHERE " + row(6)) }
				cases["empty "+column] = func() { in.do("UPDATE audit_events SET " + column + " = '' WHERE " + row(6)) }
			}
			for column, value := range map[string]string{
				"id": newID, "at": later, "account_id": "NULL", "account_id ": "'" + other + "'", "data": `'{"method": "sms"}'`, "data ": `'{}'`, "data  ": `'[]'`,
				"seq": "1000", "seq ": "NULL", "stream": "NULL", "prev_hash": bytesOf("prev_hash"), "hash": bytesOf("hash"), "hash ": "NULL", "prev_hash ": "NULL",
			} {
				cases["set "+column+" to "+value] = func() { in.do("UPDATE audit_events SET " + column + " = " + value + " WHERE " + row(6)) }
			}
			for seq := 1; seq <= 12; seq++ {
				cases[fmt.Sprintf("delete row %d", seq)] = func() { in.do("DELETE FROM audit_events WHERE " + row(seq)) }
			}
			for name, tamper := range cases {
				tamper()
				lines, _ := verify(t, l.db)
				if len(lines) == 0 {
					t.Errorf("%s: nothing was found", name)
				}
				if strings.HasPrefix(name, "set ") || strings.HasPrefix(name, "change ") && strings.Contains(name, "_") || strings.HasPrefix(name, "delete") {
					if !strings.Contains(strings.Join(lines, "\n"), mine) && !strings.Contains(name, "NULL") {
						t.Errorf("%s: the stream is not named: %s", name, strings.Join(lines, "\n"))
					}
				}
				in.restore()
			}
			mustBeWhole(t, l.db, l.rows)
			if len(cases) < 70 {
				t.Errorf("only %d cases", len(cases))
			}
		})
	}
}

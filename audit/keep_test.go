package audit_test

import (
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
)

func engines() map[string]func(testing.TB) string {
	return map[string]func(testing.TB) string{store.SQLite: storetest.SQLiteURL, store.PostgreSQL: storetest.PostgreSQLURL}
}

// changes are what the log must not let happen to it.
func changes() []string {
	var all []string
	for _, table := range []string{"audit_events", "audit_checkpoints", "audit_marks"} {
		column := map[string]string{"audit_events": "reason = 'forged'", "audit_checkpoints": "statement = ''", "audit_marks": "seq = 1"}[table]
		all = append(all, "UPDATE "+table+" SET "+column, "DELETE FROM "+table)
	}
	return append(all,
		"UPDATE audit_keys SET public_key = private_sealed", "DELETE FROM audit_keys",
		"DELETE FROM audit_streams", "UPDATE audit_streams SET seq = 1", "UPDATE audit_streams SET id = 'x'",
		"UPDATE audit_events SET seq = seq + 1000", "UPDATE audit_events SET stream = NULL")
}

// TestI27_LogIsAppendOnly tries to change it with plain statements, as the owner of the tables.
func TestI27_LogIsAppendOnly(t *testing.T) {
	for engine, url := range engines() {
		t.Run(engine, func(t *testing.T) {
			l := newLog(t, url(t))
			in := newIntruder(t, l.url)
			tries := changes()
			if !in.lite {
				tries = append(tries, "TRUNCATE audit_events", "TRUNCATE audit_streams", "TRUNCATE audit_keys", "TRUNCATE audit_marks", "TRUNCATE audit_checkpoints")
			}
			for _, s := range tries {
				if err := in.try(s); err == nil || !strings.Contains(err.Error(), "append-only") {
					t.Errorf("%s: %v", s, err)
				}
			}
			mustBeWhole(t, l.db, l.rows)
		})
	}
}

// TestI27_ServersRoleCannotChangeTheLog connects as the role that servers are meant to have.
func TestI27_ServersRoleCannotChangeTheLog(t *testing.T) {
	l := newLog(t, storetest.PostgreSQLURL(t))
	owner := newIntruder(t, l.url)
	role := "app " + strings.ToLower(t.Name()) // roles belong to the whole server
	owner.do(fmt.Sprintf(`DROP ROLE IF EXISTS %q`, role), fmt.Sprintf(`CREATE ROLE %q LOGIN PASSWORD 'secret'`, role))
	t.Cleanup(func() {
		for _, s := range []string{"DROP OWNED BY %q", "DROP ROLE %q"} {
			if _, err := owner.db.Exec(fmt.Sprintf(s, role)); err != nil {
				t.Error(err)
			}
		}
	})
	if err := l.db.Grant(t.Context(), role); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(l.url)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(role, "secret")
	app := newIntruder(t, u.String())
	tries := append(changes(), "TRUNCATE audit_events", "DROP TABLE audit_events", "ALTER TABLE audit_events DISABLE TRIGGER ALL", "DROP TRIGGER audit_events_append_only ON audit_events",
		"INSERT INTO audit_gate (id, opened_at) VALUES ('"+store.NewID[string]()+"', '2026-01-01')", "CREATE TABLE t (x int)", "UPDATE schema_migrations SET version_id = 1")
	for _, s := range tries {
		if err := app.try(s); err == nil {
			t.Errorf("%s: done", s)
		}
	}
	// What servers do goes on.
	l.db = storetest.Open(t, u.String())
	if state, err := l.db.MigrationStatus(t.Context()); err != nil || state.Check() != nil {
		t.Errorf("the role cannot see the schema's version: %+v, %v", state, err)
	}
	l.write(t, l.accounts[0], "by the role", now)
	l.checkpoint(t)
	if removed, err := l.signer.Sweep(t.Context(), l.db, now, now.Add(24*time.Hour)); err == nil {
		t.Errorf("the role swept %d rows", removed)
	}
	if err := l.db.Grant(t.Context(), "nobody"); err == nil {
		t.Error("the role granted something")
	}
	mustBeWhole(t, l.db, l.rows)
}

func TestSQLiteHasNoRoles(t *testing.T) {
	if err := storetest.SQLite(t).Grant(t.Context(), "x"); err == nil {
		t.Error("SQLite granted something")
	}
}

// TestSweepLeavesWhatCanBeChecked removes the first of three hours, twice, and tampers with what is left.
func TestSweepLeavesWhatCanBeChecked(t *testing.T) {
	for engine, url := range engines() {
		t.Run(engine, func(t *testing.T) {
			l := newLog(t, url(t))
			mine := string(l.accounts[0])
			removed, err := l.signer.Sweep(t.Context(), l.db, now.Add(3*time.Hour), now.Add(time.Minute))
			if err != nil || removed != 1+4*3+4 {
				t.Fatalf("removed %d, %v", removed, err)
			}
			l.rows += 1 - removed // its own row
			mustBeWhole(t, l.db, l.rows)
			if again, err := l.signer.Sweep(t.Context(), l.db, now.Add(3*time.Hour), now.Add(time.Minute)); err != nil || again != 0 {
				t.Errorf("again: %d, %v", again, err)
			}
			l.write(t, l.accounts[0], "after", now.Add(4*time.Hour))
			l.checkpoint(t)
			mustBeWhole(t, l.db, l.rows)

			in := newIntruder(t, l.url)
			in.breakIn()
			in.keep()
			for name, tamper := range map[string]func(){
				"remove more": func() { in.do("DELETE FROM audit_events WHERE stream = '" + mine + "' AND seq = 5") },
				"remove more and say so": func() {
					in.do("DELETE FROM audit_events WHERE stream = '"+mine+"' AND seq = 5", "UPDATE audit_streams SET base_seq = 5 WHERE id = '"+mine+"'")
				},
				"take another's statement": func() {
					in.do("UPDATE audit_streams SET base = (SELECT base FROM audit_streams WHERE id = '" + string(l.accounts[1]) + "') WHERE id = '" + mine + "'")
				},
				"remove the statement": func() { in.do("UPDATE audit_streams SET base = '' WHERE id = '" + mine + "'") },
				"remove the sweep":     func() { in.do("UPDATE audit_streams SET base = '', base_seq = 0 WHERE id = '" + mine + "'") },
				"change what is left":  func() { in.do("UPDATE audit_events SET reason = '' WHERE stream = '" + mine + "' AND seq = 5") },
			} {
				tamper()
				if lines, _ := verify(t, l.db); !strings.Contains(strings.Join(lines, "\n"), mine) {
					t.Errorf("%s: found %v", name, lines)
				}
				in.restore()
			}

			// Everything may go; what comes after is still one chain.
			removed, err = l.signer.Sweep(t.Context(), l.db, now, now.Add(24*time.Hour))
			if err != nil || removed != l.rows {
				t.Errorf("removed %d of %d, %v", removed, l.rows, err)
			}
			mustBeWhole(t, l.db, 1)
		})
	}
}

// TestOutsideCheckpointsFindWhatIsGoneFromTheEnd removes the newest rows together with the newest checkpoint, as if they had never been.
func TestOutsideCheckpointsFindWhatIsGoneFromTheEnd(t *testing.T) {
	l := newLog(t, storetest.SQLiteURL(t))
	l.checkpoint(t)
	kept := strings.Join(l.signed, "\n") + "\n"
	check := func(keys ...string) (lines []string, report audit.Report) {
		t.Helper()
		report, err := audit.VerifyCheckpoints(t.Context(), l.db, keys, strings.NewReader(kept), func(f audit.Finding) { lines = append(lines, f.String()) })
		if err != nil {
			t.Fatal(err)
		}
		return lines, report
	}
	if lines, report := check(l.signer.ID()); len(lines) > 0 || report.Checkpoints != 3 || len(report.Keys) != 1 || report.Keys[0] != l.signer.ID() {
		t.Errorf("%v, %+v", lines, report)
	}
	in := newIntruder(t, l.url)
	in.breakIn()
	in.do("DELETE FROM audit_checkpoints WHERE number = 3", "DELETE FROM audit_marks WHERE checkpoint = 3",
		"DELETE FROM audit_events WHERE seq > (SELECT max(seq) FROM audit_marks m WHERE m.stream = audit_events.stream)",
		"DELETE FROM audit_events WHERE NOT EXISTS (SELECT 1 FROM audit_marks m WHERE m.stream = audit_events.stream)",
		"DELETE FROM audit_streams WHERE NOT EXISTS (SELECT 1 FROM audit_events e WHERE e.stream = audit_streams.id)",
		"UPDATE audit_streams SET seq = (SELECT max(seq) FROM audit_events e WHERE e.stream = audit_streams.id)",
		"UPDATE audit_streams SET hash = (SELECT hash FROM audit_events e WHERE e.stream = audit_streams.id AND e.seq = audit_streams.seq), signed_seq = 0")
	if lines, _ := verify(t, l.db); len(lines) > 0 {
		t.Errorf("the database alone cannot know: %v", lines)
	}
	if lines, _ := check(); len(lines) != 1 || !strings.Contains(lines[0], "checkpoint 3") {
		t.Errorf("the file finds %v", lines)
	}
	// A key of the intruder's own does not help: who checks can name the one they know.
	if _, err := audit.Verify(t.Context(), l.db, []string{"another"}, func(audit.Finding) {}); err == nil {
		t.Error("a key that is not there was believed")
	}
	other, err := audit.OpenSigner(t.Context(), storetest.SQLite(t), testBox(t), now)
	if err != nil {
		t.Fatal(err)
	}
	statements, err := other.Checkpoint(t.Context(), l.db, now)
	if err != nil || len(statements) == 0 {
		t.Fatal(statements, err)
	}
	if lines, _ := verify(t, l.db); len(lines) != 1 || !strings.Contains(lines[0], "not known") {
		t.Errorf("a checkpoint of somebody else: %v", lines)
	}
}

func TestCheckpointsAreBounded(t *testing.T) {
	l := newLog(t, storetest.SQLiteURL(t))
	err := l.db.InTx(t.Context(), func(tx *store.Tx) error {
		for range 600 {
			if err := audit.Write(t.Context(), tx, now, audit.Event{Type: audit.SignOut, Result: audit.Success, Actor: audit.System(), Account: store.NewID[store.AccountID]()}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	signed, err := l.signer.Checkpoint(t.Context(), l.db, now)
	if err != nil || len(signed) != 3 {
		t.Errorf("%d statements, %v", len(signed), err)
	}
	if signed, err = l.signer.Checkpoint(t.Context(), l.db, now); err != nil || len(signed) != 0 {
		t.Errorf("with nothing new: %d statements, %v", len(signed), err)
	}
	mustBeWhole(t, l.db, l.rows+600)
}

// TestVerifyBesideASweep sweeps most of a long stream at each moment of a check in turn: what goes meanwhile is not missing, and what
// is wrong is still found.
func TestVerifyBesideASweep(t *testing.T) {
	const old, young = 2050, 50 // more than the check, and more than the sweep, takes at once
	for moment := range 8 {
		var l *log
		watching, statements := false, 0
		url := storetest.SQLiteURL(t)
		db, err := store.Open(t.Context(), store.Config{URL: url, Logger: slog.New(slog.DiscardHandler), OnStatement: func(string) {
			if !watching {
				return
			}
			if statements++; statements != moment+3 {
				return
			}
			watching = false
			if removed, err := l.signer.Sweep(t.Context(), l.db, now, now.Add(4*time.Hour)); err != nil || removed < old {
				t.Errorf("swept %d rows, %v", removed, err)
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		l = newLogOn(t, url, db)
		err = db.InTx(t.Context(), func(tx *store.Tx) error {
			for i := range old + young {
				at := now
				if i >= old {
					at = now.Add(5 * time.Hour)
				}
				e := audit.Event{Type: audit.SignOut, Result: audit.Success, Actor: audit.System(), Account: l.accounts[0]}
				if err := audit.Write(t.Context(), tx, at, e); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		forged := moment%4 == 3
		if forged {
			in := newIntruder(t, l.url)
			in.breakIn()
			in.do("UPDATE audit_events SET reason = 'forged' WHERE stream = '" + string(l.accounts[0]) + "' AND seq = " + fmt.Sprint(old+30))
		}
		watching = true
		lines, _ := verify(t, db)
		if want := map[bool]int{true: 1}[forged]; len(lines) != want || watching {
			t.Errorf("sweep at statement %d: %v", moment+3, lines)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

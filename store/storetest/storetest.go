// Package storetest opens migrated databases for tests: an SQLite file, a PostgreSQL database, or both in turn.
//
// It must not know what the tests put in.
package storetest

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/futakagi/futakagi/internal/pgtest"
	"github.com/futakagi/futakagi/store"
)

// EnvEngine names the one engine that tests which run on both are to use: the race detector makes what goes to SQLite slower
// and finds nothing on it that it does not find on PostgreSQL. With "postgresql" their SQLite halves are skipped; with "sqlite" those are
// all that runs. So two runs cover everything once.
const EnvEngine = "FUTAKAGI_TEST_ENGINE"

// divided skips a test that is for the other run.
func divided(t testing.TB, engine string) {
	t.Helper()
	half := strings.Contains(t.Name()+"/", "/"+store.SQLite+"/")
	switch os.Getenv(EnvEngine) {
	case store.PostgreSQL:
		if half {
			t.Skip("runs with " + EnvEngine + "=" + store.SQLite)
		}
	case store.SQLite:
		if !half || engine != store.SQLite {
			t.Skip("runs with " + EnvEngine + "=" + store.PostgreSQL)
		}
	}
}

// Each runs f once per engine as subtests "sqlite" and "postgresql", each with an empty, migrated database.
func Each(t *testing.T, f func(t *testing.T, db *store.DB)) {
	t.Helper()
	t.Run(store.SQLite, func(t *testing.T) { f(t, SQLite(t)) })
	t.Run(store.PostgreSQL, func(t *testing.T) { f(t, PostgreSQL(t)) })
}

// SQLite returns an empty, migrated database in a file of the test's own.
func SQLite(t testing.TB) *store.DB {
	t.Helper()
	return Open(t, SQLiteURL(t))
}

// PostgreSQL returns an empty, migrated database, or skips the test on a machine without a server.
func PostgreSQL(t testing.TB) *store.DB {
	t.Helper()
	return Open(t, PostgreSQLURL(t))
}

// SQLiteURL returns the URL of an empty, migrated file.
func SQLiteURL(t testing.TB) string {
	t.Helper()
	divided(t, store.SQLite)
	template, err := sqliteTemplate()
	if err != nil {
		t.Fatalf("migrate SQLite: %v", err)
	}
	path := filepath.Join(t.TempDir(), "futakagi.db")
	if err := os.WriteFile(path, template, 0o600); err != nil {
		t.Fatal(err)
	}
	return "sqlite:" + path
}

// PostgreSQLURL returns the URL of an empty, migrated database, or skips the test on a machine without a server.
func PostgreSQLURL(t testing.TB) string {
	t.Helper()
	divided(t, store.PostgreSQL)
	return pgtest.Clone(t, "migrated", migrate)
}

// Open opens a URL and closes it after the test.
func Open(t testing.TB, url string) *store.DB {
	t.Helper()
	db, err := store.Open(context.Background(), store.Config{URL: url, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close store: %v", err)
		}
	})
	return db
}

// sqliteTemplate migrates a file once per process; copying its bytes is much quicker than migrating again.
var sqliteTemplate = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "futakagi-sqlite-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "template.db")
	if err := migrate("sqlite:" + path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

func migrate(url string) error {
	ctx := context.Background()
	db, err := store.Open(ctx, store.Config{URL: url, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	if _, err := db.Migrate(ctx); err != nil {
		db.Close()
		return err
	}
	return db.Close()
}

// Events returns all audit rows whose type is like a pattern, newest first; an empty pattern is like every type.
func Events(t testing.TB, db *store.DB, pattern string) []store.AuditEvent {
	t.Helper()
	rows, err := db.Read().SearchAuditEvents(context.Background(), store.SearchAuditEventsParams{
		Since: time.Unix(0, 0), BeforeAt: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), BeforeID: store.MaxID, TypePattern: pattern, PageSize: 1000,
	})
	if err != nil {
		t.Fatal(err)
	}
	events := make([]store.AuditEvent, len(rows))
	for i, r := range rows {
		events[i] = r.AuditEvent
	}
	return events
}

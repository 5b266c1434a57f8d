package testapp_test

import (
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
)

const (
	acrPassword = "urn:futakagi:acr:1fa"
	acrEmail    = "urn:futakagi:acr:2fa-email"
	acrFull     = "urn:futakagi:acr:2fa"
	acrPasskey  = "phr"
)

// watched is an app whose tables a test can compare.
type watched struct {
	*testapp.App
	db *sql.DB
}

// each runs f on both engines with the tables in view.
func each(t *testing.T, f func(t *testing.T, a *watched), options ...testapp.Option) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		url := storetest.SQLiteURL(t)
		f(t, watch(t, "sqlite", "file:"+strings.TrimPrefix(url, "sqlite:")+"?mode=ro", testapp.Start(t, url, options...)))
	})
	t.Run("postgresql", func(t *testing.T) {
		url := storetest.PostgreSQLURL(t)
		f(t, watch(t, "pgx", url, testapp.Start(t, url, options...)))
	})
}

func watch(t *testing.T, driver, url string, a *testapp.App) *watched {
	t.Helper()
	db, err := sql.Open(driver, url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	// What servers make by themselves is made now, and not while a test compares rows.
	if err := a.Provider.TendKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	return &watched{App: a, db: db}
}

// rows is the content of every table, as one line per row, without the columns named as table.column. It waits until the outbox is
// at rest.
func (a *watched) rows(t *testing.T, masked ...string) []string {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		var n int
		if err := a.db.QueryRow("SELECT count(*) FROM outbox WHERE state IN ('queued', 'sending')").Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("messages wait in the outbox")
		}
	}
	list := "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
	if a.DB.Engine() == store.PostgreSQL {
		list = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
	}
	names, err := a.db.Query(list)
	if err != nil {
		t.Fatal(err)
	}
	defer names.Close()
	var tables []string
	for names.Next() {
		var name string
		if err := names.Scan(&name); err != nil {
			t.Fatal(err)
		}
		tables = append(tables, name)
	}
	if err := names.Err(); err != nil || len(tables) < 20 {
		t.Fatalf("%d tables, %v", len(tables), err)
	}
	var out []string
	for _, name := range tables {
		out = append(out, a.table(t, name, masked)...)
	}
	slices.Sort(out)
	return out
}

func (a *watched) table(t *testing.T, name string, masked []string) []string {
	t.Helper()
	rows, err := a.db.Query("SELECT * FROM " + name)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for rows.Next() {
		values, targets := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			targets[i] = &values[i]
		}
		if err := rows.Scan(targets...); err != nil {
			t.Fatal(err)
		}
		for i, column := range columns {
			if slices.Contains(masked, name+"."+column) {
				values[i] = "…"
			}
		}
		out = append(out, fmt.Sprintf("%s %v", name, values))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// difference lists the rows that came and went, without those of the tables named.
func difference(before, after []string, but ...string) []string {
	keep := func(line string) bool {
		table, _, _ := strings.Cut(line, " ")
		return !slices.Contains(but, table)
	}
	var out []string
	for _, line := range before {
		if keep(line) && !slices.Contains(after, line) {
			out = append(out, "- "+line)
		}
	}
	for _, line := range after {
		if keep(line) && !slices.Contains(before, line) {
			out = append(out, "+ "+line)
		}
	}
	return out
}

func (a *watched) count(t *testing.T, query string) int {
	t.Helper()
	var n int
	if err := a.db.QueryRow(query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// account reads a fixture's account.
func accountOf(t *testing.T, a *testapp.App, login string) store.Account {
	t.Helper()
	for _, kind := range []string{account.KindStore, account.KindOperator} {
		row, err := a.DB.Read().GetAccountByLogin(t.Context(), store.GetAccountByLoginParams{Kind: kind, LoginKey: login})
		if err == nil {
			return row
		}
		if !errors.Is(err, store.ErrNotFound) {
			t.Fatal(err)
		}
	}
	t.Fatalf("no account %s", login)
	return store.Account{}
}

func inTx(t *testing.T, a *testapp.App, f func(tx *store.Tx) error) {
	t.Helper()
	if err := a.DB.InTx(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

func accounts(t *testing.T, a *testapp.App) *account.Service {
	t.Helper()
	s, err := account.New(account.Config{DB: a.DB, Hasher: a.Hasher, Now: a.Clock.Now, Logger: discard})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// route is one line of the server's route table.
type route struct{ method, path string }

// routes walks the route table, with a plausible value for every placeholder.
func routes(t *testing.T, a *testapp.App) []route {
	t.Helper()
	table, ok := a.Handler.(chi.Routes)
	if !ok {
		t.Fatal("the handler has no route table")
	}
	id := string(accountOf(t, a, "sato").ID)
	var out []route
	err := chi.Walk(table, func(method, path string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		for {
			open, shut := strings.IndexByte(path, '{'), strings.IndexByte(path, '}')
			if open < 0 {
				break
			}
			path = path[:open] + id + path[shut+1:]
		}
		out = append(out, route{method, strings.ReplaceAll(path, "*", "x")})
		return nil
	})
	if err != nil || len(out) < 30 {
		t.Fatalf("%d routes, %v", len(out), err)
	}
	return out
}

// value is a form of one field.
func value(name, v string, more ...string) url.Values {
	out := url.Values{name: {v}}
	for i := 0; i+1 < len(more); i += 2 {
		out.Set(more[i], more[i+1])
	}
	return out
}

// wrongCode is a code that is not this one.
func wrongCode(code string) string {
	return code[:5] + string('0'+(code[5]-'0'+1)%10)
}

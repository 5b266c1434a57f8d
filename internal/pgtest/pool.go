package pgtest

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// template is a database that others are copied from.
type template struct {
	name string

	mu   sync.Mutex
	free []*lent
	// shape and restore are those of every copy; empty before the first one was made.
	shape   string
	restore []step
}

// lent is a copy of a template that goes from test to test.
type lent struct {
	name string
	db   *sql.DB
}

// step is a statement with its arguments.
type step struct {
	sql  string
	args []any
}

// lend hands a copy out until the test ends.
func (c *cluster) lend(t testing.TB, from *template) string {
	t.Helper()
	l := from.take()
	if l == nil {
		var err error
		if l, err = c.copy(t.Context(), from); err != nil {
			t.Fatalf("create test database: %v", err)
		}
	}
	t.Cleanup(func() {
		// What a failed test left may be anything, and whoever looks for the cause is better off with a database of their own.
		if !t.Failed() && from.reset(l) == nil {
			from.give(l)
			return
		}
		_ = l.db.Close()
		if err := c.admin("DROP DATABASE IF EXISTS " + l.name + " WITH (FORCE)"); err != nil {
			t.Logf("drop test database: %v", err)
		}
	})
	return c.named(l.name)
}

func (t *template) take() *lent {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.free) == 0 {
		return nil
	}
	l := t.free[len(t.free)-1]
	t.free = t.free[:len(t.free)-1]
	return l
}

func (t *template) give(l *lent) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.free = append(t.free, l)
}

// copy makes a database of a template, and learns from the first one how to bring one back to what it was.
func (c *cluster) copy(ctx context.Context, from *template) (*lent, error) {
	l := &lent{name: newName()}
	if err := c.admin("CREATE DATABASE " + l.name + " TEMPLATE " + from.name); err != nil {
		return nil, err
	}
	var err error
	if l.db, err = sql.Open("pgx", c.named(l.name)); err != nil {
		return nil, err
	}
	l.db.SetMaxOpenConns(1)
	from.mu.Lock()
	defer from.mu.Unlock()
	if from.shape != "" {
		return l, nil
	}
	if from.restore, err = restoring(ctx, l.db); err != nil {
		return nil, err
	}
	from.shape, err = shape(ctx, l.db)
	return l, err
}

// shape tells whether anybody changed what tables, triggers, functions, rights and the like there are: each change of one writes a
// row of a catalogue anew.
func shape(ctx context.Context, db *sql.DB) (string, error) {
	var parts []string
	for _, catalogue := range []string{
		"pg_class", "pg_attribute", "pg_attrdef", "pg_constraint", "pg_index", "pg_trigger", "pg_proc", "pg_type", "pg_namespace", "pg_sequence",
		"pg_policy", "pg_rewrite", "pg_extension", "pg_default_acl", "pg_event_trigger", "pg_publication",
	} {
		parts = append(parts, "(SELECT count(*) || '/' || coalesce(sum(hashtext(xmin::text)::bigint), 0) FROM "+catalogue+")")
	}
	parts = append(parts, `(SELECT count(*)::text FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase WHERE d.datname = current_database())`,
		`(SELECT coalesce(datacl::text, '') FROM pg_database WHERE datname = current_database())`)
	var out string
	err := db.QueryRowContext(ctx, "SELECT concat_ws(' ', "+strings.Join(parts, ", ")+")").Scan(&out)
	return out, err
}

// restoring are the statements that bring rows and sequences back to what they are now.
func restoring(ctx context.Context, db *sql.DB) ([]step, error) {
	tables, err := texts(ctx, db, `SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind = 'r' AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema' ORDER BY 1`)
	if err != nil {
		return nil, err
	}
	// Neither triggers nor foreign keys are asked.
	var erase strings.Builder
	erase.WriteString("SET LOCAL session_replication_role = replica")
	for _, table := range tables {
		erase.WriteString("; DELETE FROM " + table)
	}
	steps := []step{{sql: erase.String()}}
	for _, table := range tables {
		var rows sql.NullString
		if err := db.QueryRowContext(ctx, "SELECT json_agg(t) FROM "+table+" t").Scan(&rows); err != nil {
			return nil, err
		}
		if rows.Valid {
			steps = append(steps, step{
				"INSERT INTO " + table + " OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_recordset(NULL::" + table + ", $1::json)", []any{rows.String},
			})
		}
	}
	sequences, err := texts(ctx, db, `SELECT c.oid::regclass::text FROM pg_class c WHERE c.relkind = 'S' ORDER BY 1`)
	if err != nil {
		return nil, err
	}
	for _, sequence := range sequences {
		var last int64
		var called bool
		if err := db.QueryRowContext(ctx, "SELECT last_value, is_called FROM "+sequence).Scan(&last, &called); err != nil {
			return nil, err
		}
		steps = append(steps, step{"SELECT setval($1::text::regclass, $2, $3)", []any{sequence, last, called}})
	}
	return steps, nil
}

func texts(ctx context.Context, db *sql.DB, query string) ([]string, error) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var one string
		if err := rows.Scan(&one); err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, rows.Err()
}

// reset brings a copy back to what its template is. It fails for one whose tables were changed.
func (t *template) reset(l *lent) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, err := l.db.ExecContext(ctx, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE datname = current_database() AND pid <> pg_backend_pid()`); err != nil {
		return fmt.Errorf("end connections: %w", err)
	}
	now, err := shape(ctx, l.db)
	if err != nil {
		return fmt.Errorf("look at tables: %w", err)
	}
	if now != t.shape {
		return fmt.Errorf("the tables of %s were changed", l.name)
	}
	tx, err := l.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	for _, s := range t.restore {
		if _, err := tx.ExecContext(ctx, s.sql, s.args...); err != nil {
			return err
		}
	}
	return tx.Commit()
}

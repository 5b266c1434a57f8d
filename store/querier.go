package store

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// guarded is the DBTX behind every generated query on both engines. It gives each statement a deadline, sends nil slices that
// mean "none" as empty arrays, and turns driver errors into the package's sentinels.
type guarded struct {
	db   DBTX
	keys func(columns string) string
	// observe is told every statement; nil for none.
	observe func(query string)
	// deadline is the end of the transaction; zero outside of one, where limit counts from the statement's start.
	deadline time.Time
	limit    time.Duration
}

var _ DBTX = (*guarded)(nil)

// begin starts a statement.
func (g *guarded) begin(ctx context.Context, query string) (context.Context, context.CancelFunc) {
	if g.observe != nil {
		g.observe(query)
	}
	if !g.deadline.IsZero() {
		return context.WithDeadline(ctx, g.deadline)
	}
	return context.WithTimeout(ctx, g.limit)
}

func (g *guarded) Exec(ctx context.Context, query string, args ...any) (pgconn.CommandTag, error) {
	if err := normalizeArgs(args); err != nil {
		return pgconn.CommandTag{}, err
	}
	ctx, cancel := g.begin(ctx, query)
	defer cancel()
	tag, err := g.db.Exec(ctx, query, args...)
	return tag, mapError(err, g.keys)
}

func (g *guarded) Query(ctx context.Context, query string, args ...any) (pgx.Rows, error) {
	if err := normalizeArgs(args); err != nil {
		return nil, err
	}
	ctx, cancel := g.begin(ctx, query)
	rows, err := g.db.Query(ctx, query, args...)
	if err != nil {
		cancel()
		return nil, mapError(err, g.keys)
	}
	return &guardedRows{Rows: rows, cancel: cancel, keys: g.keys}, nil
}

func (g *guarded) QueryRow(ctx context.Context, query string, args ...any) pgx.Row {
	if err := normalizeArgs(args); err != nil {
		return failedRow{err}
	}
	ctx, cancel := g.begin(ctx, query)
	return &guardedRow{row: g.db.QueryRow(ctx, query, args...), cancel: cancel, keys: g.keys}
}

type guardedRows struct {
	pgx.Rows
	cancel context.CancelFunc
	keys   func(string) string
}

func (r *guardedRows) Close() {
	r.Rows.Close()
	r.cancel()
}

func (r *guardedRows) Err() error             { return mapError(r.Rows.Err(), r.keys) }
func (r *guardedRows) Scan(dest ...any) error { return mapError(r.Rows.Scan(dest...), r.keys) }

type guardedRow struct {
	row    pgx.Row
	cancel context.CancelFunc
	keys   func(string) string
}

func (r *guardedRow) Scan(dest ...any) error {
	defer r.cancel()
	return mapError(r.row.Scan(dest...), r.keys)
}

type failedRow struct{ err error }

func (r failedRow) Scan(...any) error { return r.err }

// normalizeArgs makes both engines see the same values: microseconds, and no NULL where an empty list is meant.
func normalizeArgs(args []any) error {
	for i, arg := range args {
		switch v := arg.(type) {
		case nil, string, *string, int64, *int64, int32, bool, []byte:
		case time.Time:
			if err := checkTime(v); err != nil {
				return fmt.Errorf("argument %d: %w", i+1, err)
			}
		case *time.Time:
			if v != nil {
				if err := checkTime(*v); err != nil {
					return fmt.Errorf("argument %d: %w", i+1, err)
				}
			}
		case []string:
			if v == nil {
				args[i] = []string{}
			}
		default:
			if t := reflect.TypeOf(arg); t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.String && reflect.ValueOf(arg).IsNil() {
				args[i] = reflect.MakeSlice(t, 0, 0).Interface()
			}
		}
	}
	return nil
}

// checkTime refuses the zero time: as a column value it is always a forgotten field, and the engines disagree on it.
func checkTime(t time.Time) error {
	if t.IsZero() {
		return fmt.Errorf("zero time")
	}
	return nil
}

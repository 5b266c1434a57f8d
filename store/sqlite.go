package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// preparer is what *sql.DB and *sql.Conn have in common.
type preparer interface {
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
}

// sqliteQuerier implements the generated DBTX over database/sql. Statements are prepared once: their number is that of the
// generated queries.
type sqliteQuerier struct {
	db preparer
	// uninterrupted keeps a running statement from being broken off. SQLite answers an interrupted write by rolling back the
	// whole transaction, which others may share.
	uninterrupted bool

	mu         sync.RWMutex
	statements map[string]*sql.Stmt
}

var _ DBTX = (*sqliteQuerier)(nil)

func newSQLiteQuerier(db preparer, uninterrupted bool) *sqliteQuerier {
	return &sqliteQuerier{db: db, uninterrupted: uninterrupted, statements: make(map[string]*sql.Stmt)}
}

// castNames are the types a query may name in a CAST. SQLite knows none of the left ones and would turn bytes into numbers.
var castNames = regexp.MustCompile(`(?i)\bAS (timestamptz|bytea|jsonb|uuid|boolean|bigint)\)`)

func sqliteText(query string) string {
	return castNames.ReplaceAllStringFunc(query, func(m string) string {
		switch strings.ToLower(m[3 : len(m)-1]) {
		case "bytea":
			return "AS BLOB)"
		case "jsonb", "uuid":
			return "AS TEXT)"
		default:
			return "AS INTEGER)"
		}
	})
}

func (q *sqliteQuerier) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	q.mu.RLock()
	stmt := q.statements[query]
	q.mu.RUnlock()
	if stmt != nil {
		return stmt, nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if stmt := q.statements[query]; stmt != nil {
		return stmt, nil
	}
	stmt, err := q.db.PrepareContext(context.WithoutCancel(ctx), sqliteText(query))
	if err != nil {
		return nil, err
	}
	q.statements[query] = stmt
	return stmt, nil
}

func (q *sqliteQuerier) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, stmt := range q.statements {
		stmt.Close()
	}
	clear(q.statements)
}

// start prepares a statement and its arguments.
func (q *sqliteQuerier) start(ctx context.Context, query string, args []any) (context.Context, *sql.Stmt, []any, error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, nil, err
	}
	if q.uninterrupted {
		ctx = context.WithoutCancel(ctx)
	}
	bound := make([]any, len(args))
	for i, arg := range args {
		v, err := sqliteValue(arg)
		if err != nil {
			return nil, nil, nil, fmt.Errorf("bind argument %d: %w", i+1, err)
		}
		bound[i] = v
	}
	stmt, err := q.prepare(ctx, query)
	return ctx, stmt, bound, err
}

func (q *sqliteQuerier) Exec(ctx context.Context, query string, args ...any) (pgconn.CommandTag, error) {
	ctx, stmt, bound, err := q.start(ctx, query, args)
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	result, err := stmt.ExecContext(ctx, bound...)
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	n, err := result.RowsAffected()
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	return pgconn.NewCommandTag("UPDATE " + strconv.FormatInt(n, 10)), nil
}

func (q *sqliteQuerier) Query(ctx context.Context, query string, args ...any) (pgx.Rows, error) {
	ctx, stmt, bound, err := q.start(ctx, query, args)
	if err != nil {
		return nil, err
	}
	rows, err := stmt.QueryContext(ctx, bound...)
	if err != nil {
		return nil, err
	}
	return &sqliteRows{rows: rows}, nil
}

func (q *sqliteQuerier) QueryRow(ctx context.Context, query string, args ...any) pgx.Row {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return failedRow{err}
	}
	return sqliteRow{rows}
}

type sqliteRow struct{ rows pgx.Rows }

func (r sqliteRow) Scan(dest ...any) error {
	defer r.rows.Close()
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return pgx.ErrNoRows
	}
	if err := r.rows.Scan(dest...); err != nil {
		return err
	}
	r.rows.Close() // a statement that writes is complete only once it is reset
	return r.rows.Err()
}

// sqliteRows lets generated code read database/sql rows. It decides how to read a value by the type of the destination: what a
// column was declared as is lost in any expression.
type sqliteRows struct {
	rows   *sql.Rows
	values []any
	count  int64
	err    error
	closed bool
}

var _ pgx.Rows = (*sqliteRows)(nil)

func (r *sqliteRows) Close() {
	if r.closed {
		return
	}
	r.closed = true
	err := r.rows.Err()
	if closeErr := r.rows.Close(); err == nil {
		err = closeErr
	}
	if r.err == nil {
		r.err = err
	}
}

func (r *sqliteRows) Err() error {
	if r.err != nil {
		return r.err
	}
	return r.rows.Err()
}

func (r *sqliteRows) Next() bool {
	if r.closed {
		return false
	}
	if !r.rows.Next() {
		r.Close()
		return false
	}
	r.count++
	return true
}

func (r *sqliteRows) Scan(dest ...any) error {
	if r.values == nil {
		r.values = make([]any, 2*len(dest))
		for i := range dest {
			r.values[len(dest)+i] = &r.values[i]
		}
	}
	if len(r.values) != 2*len(dest) {
		return r.fail(fmt.Errorf("scan row: %d destinations, %d before", len(dest), len(r.values)/2))
	}
	if err := r.rows.Scan(r.values[len(dest):]...); err != nil {
		return r.fail(fmt.Errorf("scan row: %w", err))
	}
	for i, d := range dest {
		if err := assign(d, r.values[i]); err != nil {
			return r.fail(fmt.Errorf("scan column %d: %w", i+1, err))
		}
	}
	return nil
}

func (r *sqliteRows) fail(err error) error {
	if r.err == nil {
		r.err = err
	}
	r.Close()
	return err
}

func (r *sqliteRows) CommandTag() pgconn.CommandTag {
	return pgconn.NewCommandTag("SELECT " + strconv.FormatInt(r.count, 10))
}

func (r *sqliteRows) Values() ([]any, error) {
	return nil, errors.New("values without destinations are not supported")
}
func (r *sqliteRows) FieldDescriptions() []pgconn.FieldDescription { return nil }
func (r *sqliteRows) RawValues() [][]byte                          { return nil }
func (r *sqliteRows) Conn() *pgx.Conn                              { return nil }
func (r *sqliteRows) TypeMap() *pgtype.Map                         { return nil }

// sqliteValue returns what to bind for an argument of a generated query. A type it does not know is refused: the driver would
// store its own idea of it.
func sqliteValue(arg any) (any, error) {
	switch v := arg.(type) {
	case nil:
		return nil, nil
	case string:
		return v, nil
	case int64:
		return v, nil
	case bool:
		return boolInt(v), nil
	case time.Time:
		return v.UnixMicro(), nil
	case []byte:
		if v == nil {
			return nil, nil
		}
		return v, nil
	case json.RawMessage:
		if v == nil {
			return nil, nil
		}
		return string(v), nil
	case int:
		return int64(v), nil
	case int32:
		return int64(v), nil
	case int16:
		return int64(v), nil
	case float64:
		return v, nil
	}
	v := reflect.ValueOf(arg)
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil, nil
		}
		return sqliteValue(v.Elem().Interface())
	case reflect.String:
		return v.String(), nil
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.String {
			text, err := json.Marshal(arg)
			return string(text), err
		}
	}
	return nil, fmt.Errorf("type %T is not supported", arg)
}

func boolInt(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// assign stores a value SQLite returned (nil, int64, float64, string or []byte) in a destination of a generated query.
func assign(dest, value any) error {
	switch d := dest.(type) {
	case *string:
		if s, ok := value.(string); ok {
			*d = s
			return nil
		}
	case *int64:
		if n, ok := value.(int64); ok {
			*d = n
			return nil
		}
	case *bool:
		if n, ok := value.(int64); ok && (n == 0 || n == 1) {
			*d = n == 1
			return nil
		}
	case *time.Time:
		if n, ok := value.(int64); ok {
			*d = time.UnixMicro(n).UTC()
			return nil
		}
	case *[]byte:
		switch b := value.(type) {
		case nil:
			*d = nil
			return nil
		case []byte:
			if b == nil {
				b = []byte{}
			}
			*d = b
			return nil
		}
	case *json.RawMessage:
		switch s := value.(type) {
		case nil:
			*d = nil
			return nil
		case string:
			*d = json.RawMessage(s)
			return nil
		}
	case *float64:
		switch n := value.(type) {
		case float64:
			*d = n
			return nil
		case int64:
			*d = float64(n)
			return nil
		}
	default:
		return assignReflect(dest, value)
	}
	return mismatch(dest, value)
}

func assignReflect(dest, value any) error {
	p := reflect.ValueOf(dest)
	if p.Kind() != reflect.Pointer || p.IsNil() {
		return fmt.Errorf("destination %T is not a pointer", dest)
	}
	v := p.Elem()
	switch v.Kind() {
	case reflect.Pointer:
		if value == nil {
			v.SetZero()
			return nil
		}
		target := reflect.New(v.Type().Elem())
		if err := assign(target.Interface(), value); err != nil {
			return err
		}
		v.Set(target)
		return nil
	case reflect.String:
		if s, ok := value.(string); ok {
			v.SetString(s)
			return nil
		}
	case reflect.Int, reflect.Int32, reflect.Int16:
		if n, ok := value.(int64); ok {
			if v.OverflowInt(n) {
				return fmt.Errorf("value %d does not fit %T", n, dest)
			}
			v.SetInt(n)
			return nil
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() != reflect.String {
			break
		}
		switch s := value.(type) {
		case nil:
			v.SetZero()
			return nil
		case string:
			return json.Unmarshal([]byte(s), dest)
		}
	}
	return mismatch(dest, value)
}

func mismatch(dest, value any) error {
	if value == nil {
		return fmt.Errorf("NULL does not fit %T", dest)
	}
	return fmt.Errorf("%T does not fit %T", value, dest)
}

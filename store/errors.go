package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/puddle/v2"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// What a statement can fail with, the same on both engines. Anything else is a fault of the code or of the machine.
var (
	// ErrNotFound says that a query for one row, or a guarded statement with RETURNING, matched none.
	ErrNotFound = errors.New("not found")
	// ErrConflict says that a row with the same unique key exists; [Constraint] names the key.
	ErrConflict = errors.New("already exists")
	// ErrForeignKey says that a row refers to one that does not exist, or is still referred to.
	ErrForeignKey = errors.New("referenced row missing or still in use")
	// ErrInvalid says that a value breaks a NOT NULL or CHECK rule of the schema.
	ErrInvalid = errors.New("value refused by the schema")
	// ErrUnavailable says that the database could not be reached, went away or did not answer in time. After it, a
	// write may or may not have happened.
	ErrUnavailable = errors.New("database unavailable")
	// ErrLocked says that another server has the SQLite file open.
	ErrLocked = errors.New("database file in use by another process")
	// ErrNoDatabase says that a guest named a SQLite file that does not exist. Only a server or a migration makes one.
	ErrNoDatabase = errors.New("there is no such database file")
	// ErrClosed says that the DB was closed before the call.
	ErrClosed = errors.New("database closed")
)

// A ConstraintError is a refusal by a named rule of the schema. It matches [ErrConflict], [ErrForeignKey] or [ErrInvalid].
type ConstraintError struct {
	// Constraint is the name of the index or constraint, spelled alike on both engines. SQLite does not say which
	// foreign key or check refused a row; there it is empty.
	Constraint string

	kind  error
	cause error
}

func (e *ConstraintError) Error() string {
	if e.Constraint == "" {
		return fmt.Sprintf("%v: %v", e.kind, e.cause)
	}
	return fmt.Sprintf("%v (%s): %v", e.kind, e.Constraint, e.cause)
}

// Unwrap returns the sentinel and the driver's error.
func (e *ConstraintError) Unwrap() []error { return []error{e.kind, e.cause} }

// Constraint returns the name of the constraint that err is about, or "".
func Constraint(err error) string {
	if e, ok := errors.AsType[*ConstraintError](err); ok {
		return e.Constraint
	}
	return ""
}

// mapped tells whether err already speaks the package's language, so that it is not wrapped twice on its way up.
func mapped(err error) bool {
	for _, s := range []error{ErrNotFound, ErrConflict, ErrForeignKey, ErrInvalid, ErrUnavailable, ErrClosed} {
		if errors.Is(err, s) {
			return true
		}
	}
	return false
}

// databaseClosed is the text of database/sql's own error, which it does not export.
const databaseClosed = "sql: database is closed"

// mapError turns what either driver returned into the package's sentinels. keys names the unique key behind SQLite's list of
// columns.
func mapError(err error, keys func(columns string) string) error {
	switch {
	case err == nil || mapped(err):
		return err
	case errors.Is(err, pgx.ErrNoRows):
		return ErrNotFound
	case errors.Is(err, context.Canceled):
		return err // the caller went away: nobody waits for an answer
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	case errors.Is(err, puddle.ErrClosedPool), errors.Is(err, sql.ErrConnDone), err.Error() == databaseClosed:
		return fmt.Errorf("%w: %w", ErrClosed, err)
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return mapPostgres(e, err)
	}
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return mapSQLite(e, err, keys)
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, pgconn.ErrConnClosed) || pgconn.SafeToRetry(err) {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}

func mapPostgres(e *pgconn.PgError, err error) error {
	switch e.Code {
	case "23505":
		return &ConstraintError{Constraint: e.ConstraintName, kind: ErrConflict, cause: err}
	case "23503":
		return &ConstraintError{Constraint: e.ConstraintName, kind: ErrForeignKey, cause: err}
	case "23502", "23514":
		return &ConstraintError{Constraint: e.ConstraintName, kind: ErrInvalid, cause: err}
	case "57P01", "57P02", "57P03", // shut down by an operator, crashed, starting up
		"57014",                   // statement_timeout
		"25P03",                   // idle_in_transaction_session_timeout
		"40001", "40P01", "55P03", // serialization, deadlock, lock timeout
		"53000", "53100", "53200", "53300", "53400": // out of disk, memory, connections
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if strings.HasPrefix(e.Code, "08") { // connection exceptions
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}

func mapSQLite(e *sqlite.Error, err error, keys func(string) string) error {
	switch e.Code() {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		// "constraint failed: UNIQUE constraint failed: t.a, t.b (2067)"
		name := ""
		if _, columns, ok := strings.Cut(e.Error(), "UNIQUE constraint failed: "); ok && keys != nil {
			columns, _, _ = strings.Cut(columns, " (")
			name = keys(columns)
		}
		return &ConstraintError{Constraint: name, kind: ErrConflict, cause: err}
	case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return &ConstraintError{kind: ErrForeignKey, cause: err}
	case sqlite3.SQLITE_CONSTRAINT_NOTNULL, sqlite3.SQLITE_CONSTRAINT_CHECK:
		return &ConstraintError{kind: ErrInvalid, cause: err}
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_INTERRUPT:
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}

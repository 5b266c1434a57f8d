package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// The engines a DB can run on.
const (
	PostgreSQL = "postgresql"
	SQLite     = "sqlite"
)

const (
	defaultMaxConns = 16
	// statementLimit bounds a statement outside of a transaction, transactionLimit a whole transaction, if the caller's context
	// does not end sooner.
	statementLimit   = 10 * time.Second
	transactionLimit = 10 * time.Second
	// endTimeout bounds a commit or rollback, which outlives its caller.
	endTimeout = 5 * time.Second
)

// Config says where the data lives.
type Config struct {
	// URL names the engine and the database: postgres://user:password@host/database, or sqlite:PATH.
	URL string
	// MaxConns is how many connections each of the two pools (reads, transactions) may open; 16 if zero. SQLite uses it for
	// reads, as it writes on one.
	MaxConns int
	// Guest opens a SQLite file beside the server that holds it, for a command that runs and ends. Guests may not migrate and
	// their notifications do not reach the server.
	Guest bool
	// Logger receives what no caller can be told, such as a lost LISTEN connection.
	Logger *slog.Logger
	// OnStatement, if set, is called with the name of every query as it starts, for measuring and for tests.
	OnStatement func(name string)
	// Audited refuses to commit what raises an account's credential epoch without an audit row of that account, see [ErrUnaudited]. Whatever
	// opens a database to work with sets it; parts that are tested by themselves leave the row to their callers.
	Audited bool
}

// DB is an open database. It is safe for concurrent use.
type DB struct {
	engine   string
	logger   *slog.Logger
	observe  func(query string)
	postgres *postgresEngine // one of the two is set
	sqlite   *sqliteEngine
	read     *Queries
	local    *broker // in-process notifications on SQLite
	audited  bool
	closing  sync.Once
	closed   error // what the first Close returned
}

// Open connects to the database. A PostgreSQL server need not be up yet: [DB.Ping] tells. Open does not migrate.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	if cfg.Logger == nil {
		return nil, errors.New("open store: no logger")
	}
	maxConns := cfg.MaxConns
	switch {
	case maxConns == 0:
		maxConns = defaultMaxConns
	case maxConns < 0:
		return nil, fmt.Errorf("open store: MaxConns is %d", maxConns)
	}
	db := &DB{logger: cfg.Logger, audited: cfg.Audited}
	if cfg.OnStatement != nil {
		db.observe = func(query string) { cfg.OnStatement(queryName(query)) }
	}
	scheme, rest, _ := strings.Cut(cfg.URL, ":")
	switch scheme {
	case "sqlite":
		engine, err := openSQLite(ctx, strings.TrimPrefix(rest, "//"), maxConns, cfg.Guest)
		if err != nil {
			return nil, err
		}
		db.engine, db.sqlite, db.local = SQLite, engine, newBroker()
		db.read = New(&guarded{db: engine.reader, keys: engine.keyName, observe: db.observe, limit: statementLimit})
	case "postgres", "postgresql":
		engine, err := openPostgres(ctx, cfg.URL, maxConns)
		if err != nil {
			return nil, err
		}
		db.engine, db.postgres = PostgreSQL, engine
		db.read = New(&guarded{db: engine.reads, observe: db.observe, limit: statementLimit})
	default:
		return nil, errors.New("open store: the URL is neither postgres://… nor sqlite:PATH")
	}
	return db, nil
}

// queryName returns the name that generated statements carry in their first line.
func queryName(query string) string {
	if rest, ok := strings.CutPrefix(query, "-- name: "); ok {
		name, _, _ := strings.Cut(rest, " ")
		return name
	}
	return query
}

// Close waits for running transactions and closes every connection. Closing again does nothing.
func (db *DB) Close() error {
	db.closing.Do(func() {
		if db.sqlite != nil {
			db.closed = db.sqlite.close()
			return
		}
		db.postgres.close()
	})
	return db.closed
}

// Engine returns [PostgreSQL] or [SQLite].
func (db *DB) Engine() string { return db.engine }

// Read returns the queries on connections that refuse to write. Each call sees its own snapshot.
func (db *DB) Read() *Queries { return db.read }

// Ping reports whether the database answers now.
func (db *DB) Ping(ctx context.Context) error {
	if db.sqlite != nil {
		return mapError(db.sqlite.reads.PingContext(ctx), nil)
	}
	return mapError(db.postgres.writes.Ping(ctx), nil)
}

// Tx is a running transaction with every query. It must not outlive the function it was given to.
type Tx struct {
	*Queries
	ending
	db      DBTX
	local   bool
	audited bool // see Config
	pending []notification
	told    []Told
	waiting waiting
}

// InTx runs f in one transaction, which commits if f returns nil and rolls back if it returns an error or panics. When InTx
// returns nil, the change is durable. f must not call InTx, must not wait for anything but the database, and must return at
// once after a failed statement: PostgreSQL refuses every further one. If ctx ends before the commit, nothing is changed.
func (db *DB) InTx(ctx context.Context, f func(tx *Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	deadline := time.Now().Add(transactionLimit)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	if db.postgres != nil {
		return db.postgres.run(ctx, deadline, db.observe, func(q DBTX, batches pgx.Tx) error {
			tx := &Tx{Queries: New(q), ending: ending{deadline: deadline, batches: batches, observe: db.observe}, db: q, audited: db.audited}
			return tx.do(ctx, f)
		})
	}
	var pending []notification
	err := db.sqlite.writer.run(ctx, deadline, db.observe, func(q DBTX) error {
		tx := &Tx{Queries: New(q), ending: ending{deadline: deadline}, db: q, local: true, audited: db.audited}
		err := tx.do(ctx, f)
		pending = tx.pending
		return err
	})
	if err == nil {
		db.local.publish(pending)
	}
	return err
}

// do runs a transaction's own work and then what comes last.
func (tx *Tx) do(ctx context.Context, f func(tx *Tx) error) error {
	if err := f(tx); err != nil {
		return err
	}
	if err := tx.sendSignals(ctx); err != nil {
		return err
	}
	return tx.ChainAudit(ctx)
}

// Stats describes the pools, for metrics.
type Stats struct {
	// ReadConns and WriteConns are the open connections; the Busy ones are at work.
	ReadConns, ReadBusy, WriteConns, WriteBusy int
	// Waits counts how often a caller waited for a connection, WaitTime for how long in total.
	Waits    int64
	WaitTime time.Duration
	// Commits counts the commits of transactions since the start. On SQLite waiting transactions share one.
	Commits int64
}

// Stats returns the present state of the pools.
func (db *DB) Stats() Stats {
	if db.sqlite != nil {
		r := db.sqlite.reads.Stats()
		w := db.sqlite.writer.db.Stats()
		return Stats{
			ReadConns: r.OpenConnections, ReadBusy: r.InUse, WriteConns: w.OpenConnections, WriteBusy: w.InUse,
			Waits: r.WaitCount, WaitTime: r.WaitDuration, Commits: db.sqlite.writer.commits.Load(),
		}
	}
	r, w := db.postgres.reads.Stat(), db.postgres.writes.Stat()
	return Stats{
		ReadConns: int(r.TotalConns()), ReadBusy: int(r.AcquiredConns()), WriteConns: int(w.TotalConns()), WriteBusy: int(w.AcquiredConns()),
		Waits: r.EmptyAcquireCount() + w.EmptyAcquireCount(), WaitTime: r.EmptyAcquireWaitTime() + w.EmptyAcquireWaitTime(),
		Commits: db.postgres.commits.Load(),
	}
}

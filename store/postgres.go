package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
)

// postgresEngine is a pool for transactions and one whose connections refuse to write.
type postgresEngine struct {
	config *pgx.ConnConfig
	writes *pgxpool.Pool
	reads  *pgxpool.Pool

	commits atomic.Int64
}

func openPostgres(ctx context.Context, url string, maxConns int) (*postgresEngine, error) {
	base, err := pgxpool.ParseConfig(url)
	if err != nil {
		// pgx's error repeats the URL without its password.
		return nil, fmt.Errorf("open PostgreSQL: %w", err)
	}
	base.MaxConns = int32(maxConns)
	base.MaxConnLifetime = time.Hour
	base.MaxConnLifetimeJitter = 10 * time.Minute
	base.MaxConnIdleTime = 10 * time.Minute
	base.HealthCheckPeriod = 30 * time.Second
	base.ConnConfig.ConnectTimeout = 5 * time.Second
	base.AfterConnect = func(_ context.Context, conn *pgx.Conn) error {
		// Otherwise times arrive in the zone of the machine.
		conn.TypeMap().RegisterType(&pgtype.Type{
			Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
		})
		conn.TypeMap().RegisterType(&pgtype.Type{
			Name: "jsonb", OID: pgtype.JSONBOID, Codec: &pgtype.JSONBCodec{Marshal: json.Marshal, Unmarshal: readJSON},
		})
		return nil
	}
	params := base.ConnConfig.RuntimeParams
	params["timezone"] = "UTC"
	if params["application_name"] == "" {
		params["application_name"] = "futakagi"
	}

	e := &postgresEngine{config: base.ConnConfig.Copy()}
	if e.writes, err = pgxpool.NewWithConfig(ctx, base); err != nil {
		return nil, fmt.Errorf("open PostgreSQL: %w", err)
	}
	readConfig := base.Copy()
	readConfig.ConnConfig.RuntimeParams["default_transaction_read_only"] = "on"
	if e.reads, err = pgxpool.NewWithConfig(ctx, readConfig); err != nil {
		e.writes.Close()
		return nil, fmt.Errorf("open PostgreSQL: %w", err)
	}
	return e, nil
}

// readJSON takes a document as it is: whoever reads it parses it, and the database holds no other.
func readJSON(document []byte, target any) error {
	raw, ok := target.(*json.RawMessage)
	if !ok {
		return json.Unmarshal(document, target)
	}
	*raw = bytes.Clone(document)
	return nil
}

func (e *postgresEngine) close() {
	e.reads.Close()
	e.writes.Close()
}

// stdlib opens a database/sql handle for the migration library. It is the caller's to close.
func (e *postgresEngine) stdlib() *sql.DB { return stdlib.OpenDB(*e.config) }

// run executes f in a transaction. Its end does not depend on the caller's context, so that a browser that goes away cannot leave
// a connection in doubt.
func (e *postgresEngine) run(ctx context.Context, deadline time.Time, observe func(string), f func(DBTX, pgx.Tx) error) error {
	beginCtx, cancel := context.WithDeadline(ctx, deadline)
	tx, err := e.writes.Begin(beginCtx)
	cancel()
	if err != nil {
		return mapError(err, nil)
	}
	// Also for panics; after a commit it does nothing.
	defer func() {
		endCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
		defer cancel()
		_ = tx.Rollback(endCtx)
	}()
	if err := f(&guarded{db: tx, observe: observe, deadline: deadline}, tx); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err // nobody waits for the answer any more
	}
	endCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	if err := tx.Commit(endCtx); err != nil {
		return fmt.Errorf("commit: %w", mapError(err, nil))
	}
	e.commits.Add(1)
	return nil
}

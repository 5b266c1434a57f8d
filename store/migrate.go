package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed schema/postgres/*.sql schema/sqlite/*.sql
var schemaFiles embed.FS

const migrationTable = "schema_migrations"

// Why a schema does not fit the program.
var (
	// ErrSchemaOld says that migrations are pending.
	ErrSchemaOld = errors.New("database schema is older than this program: run futakagi migrate up")
	// ErrSchemaNew says that a newer program has migrated the database.
	ErrSchemaNew = errors.New("database schema is newer than this program")
)

// MigrationState compares the database's schema with the program's.
type MigrationState struct {
	// Current is the newest applied migration, 0 for an empty database; Target is the newest the program knows.
	Current, Target int64
	// Pending are the files still to apply, in order.
	Pending []string
}

// Check returns nil if the schema fits, else [ErrSchemaOld] or [ErrSchemaNew].
func (s MigrationState) Check() error {
	switch {
	case len(s.Pending) > 0:
		return fmt.Errorf("%w (at %d, wants %d)", ErrSchemaOld, s.Current, s.Target)
	case s.Current > s.Target:
		return fmt.Errorf("%w (at %d, knows %d)", ErrSchemaNew, s.Current, s.Target)
	}
	return nil
}

// Migrate applies what is pending, in order, and returns the names of the files it applied. Several processes may try at once:
// one migrates, the others wait and find nothing to do. There is no way back: a schema only moves forward.
func (db *DB) Migrate(ctx context.Context) ([]string, error) {
	if db.sqlite != nil && db.sqlite.lock == nil {
		return nil, fmt.Errorf("migrate: %w", ErrLocked)
	}
	var applied []string
	err := db.withProvider(func(p *goose.Provider) error {
		results, err := p.Up(ctx)
		for _, r := range results {
			applied = append(applied, r.Source.Path)
		}
		return err
	})
	if err != nil {
		return applied, fmt.Errorf("migrate: %w", mapError(err, nil))
	}
	return applied, nil
}

// MigrationStatus reads how far the schema is.
func (db *DB) MigrationStatus(ctx context.Context) (MigrationState, error) {
	var state MigrationState
	err := db.withProvider(func(p *goose.Provider) error {
		statuses, err := p.Status(ctx)
		if err != nil {
			return err
		}
		for _, s := range statuses {
			if s.State == goose.StatePending {
				state.Pending = append(state.Pending, s.Source.Path)
			}
		}
		state.Current, state.Target, err = p.GetVersions(ctx)
		return err
	})
	if err != nil {
		return MigrationState{}, fmt.Errorf("read migration status: %w", mapError(err, nil))
	}
	return state, nil
}

func (db *DB) withProvider(f func(*goose.Provider) error) (err error) {
	var (
		handle  *sql.DB
		dialect goose.Dialect
		options = []goose.ProviderOption{
			goose.WithTableName(migrationTable), goose.WithDisableGlobalRegistry(true), goose.WithSlog(slog.New(slog.DiscardHandler)),
		}
		dir string
	)
	if db.sqlite != nil {
		dialect, dir = goose.DialectSQLite3, "schema/sqlite"
		if handle, err = sql.Open("sqlite", sqliteDSN(db.sqlite.path, "_txlock=immediate")); err != nil {
			return err
		}
	} else {
		dialect, dir = goose.DialectPostgres, "schema/postgres"
		handle = db.postgres.stdlib()
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300))
		if err != nil {
			return err
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	defer func() { err = errors.Join(err, handle.Close()) }()
	files, err := fs.Sub(schemaFiles, dir)
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(dialect, handle, files, options...)
	if err != nil {
		return err
	}
	return f(provider)
}

package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// ErrNoRoles says that the engine knows no roles.
var ErrNoRoles = errors.New("SQLite has no roles: who may write to the file may write everything but the audit log's past, which triggers guard")

// readOnly are the tables that a server reads and its role may not write: they change with the schema, or in a sweep of the audit log.
var readOnly = []string{migrationTable, "audit_gate"}

// appendOnly are the tables that a server may add rows to and never change, but for how the private half of a key is sealed.
var appendOnly = []string{"audit_events", "audit_checkpoints", "audit_marks", "audit_keys"}

// Grant lets a role of PostgreSQL do what servers do, and no more: read and write every table, but of the audit log only add to it. It
// must be called by the owner of the tables, after every migration. The role exists already.
func (db *DB) Grant(ctx context.Context, role string) error {
	if db.postgres == nil {
		return ErrNoRoles
	}
	name := pgx.Identifier{role}.Sanitize()
	statements := []string{
		"REVOKE CREATE ON SCHEMA public FROM " + name,
		"GRANT USAGE ON SCHEMA public TO " + name,
		"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO " + name,
	}
	for _, table := range readOnly {
		statements = append(statements, "REVOKE INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER ON "+table+" FROM "+name)
	}
	for _, table := range appendOnly {
		statements = append(statements, "REVOKE UPDATE, DELETE, TRUNCATE, TRIGGER ON "+table+" FROM "+name)
	}
	statements = append(statements,
		"REVOKE DELETE, TRUNCATE, TRIGGER ON audit_streams FROM "+name,
		"GRANT UPDATE (private_sealed) ON audit_keys TO "+name, // sealed anew when keys change
	)
	conn, err := pgx.ConnectConfig(ctx, db.postgres.config)
	if err != nil {
		return fmt.Errorf("grant: %w", mapError(err, nil))
	}
	defer func() { _ = conn.Close(ctx) }() // what matters is said by the commit
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		for _, s := range statements {
			if _, err := tx.Exec(ctx, s); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("grant: %w", mapError(err, nil))
	}
	return nil
}

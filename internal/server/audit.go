package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/internal/seal"
	"github.com/futakagi/futakagi/store"
)

// checkpointEvery is how often the ends of the audit log's streams are signed.
const checkpointEvery = 15 * time.Minute

// AuditLog is the audit log of a database, for the command line, and the console over it.
type AuditLog struct {
	*Command
	DB *store.DB
	// Signer signs; nil unless asked for.
	Signer *audit.Signer
}

// OpenAuditLog opens the audit log of a configuration as [OpenCommand] does, and what it is signed with if asked for: then MasterKey is
// used, too.
func OpenAuditLog(ctx context.Context, c Config, signing bool) (*AuditLog, error) {
	var sign func(context.Context, *store.DB) (*audit.Signer, error)
	if signing {
		master, err := newMasterKey(c)
		if err != nil {
			return nil, err
		}
		sign = func(ctx context.Context, db *store.DB) (*audit.Signer, error) {
			box, err := existingBox(ctx, db, master)
			if err != nil {
				return nil, err
			}
			return audit.OpenSigner(ctx, db, box, c.Now())
		}
	}
	command, err := openCommand(ctx, c, commandParts{sign: sign})
	if err != nil {
		return nil, err
	}
	return &AuditLog{Command: command, DB: command.db, Signer: command.signer}, nil
}

// existingBox opens what a server has sealed, and makes nothing.
func existingBox(ctx context.Context, db *store.DB, master masterKey) (*seal.Box, error) {
	row, err := db.Read().GetKeyset(ctx, store.KeysetName)
	if err != nil {
		return nil, fmt.Errorf("load keyset, which the first start of a server makes: %w", err)
	}
	key, err := master.load(true)
	if err != nil {
		return nil, err
	}
	return master.open(key, row.Wrapped)
}

// notary signs where the audit log ends, again and again. Every replica runs one; each stretch of the log is signed by one of them.
func (s *Server) notary(signer *audit.Signer, file string, now func() time.Time) func(context.Context) {
	return func(ctx context.Context) {
		for {
			if err := checkpoint(ctx, s.DB, signer, file, now()); err != nil && ctx.Err() == nil {
				s.logger.LogAttrs(ctx, slog.LevelError, "audit checkpoint failed", slog.String("error", err.Error()))
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(checkpointEvery + upTo(checkpointEvery/4)):
			}
		}
	}
}

// checkpoint signs once and appends the statements to the file, if there is one: a copy that whoever changes the database does not
// change with it.
func checkpoint(ctx context.Context, db *store.DB, signer *audit.Signer, file string, now time.Time) (err error) {
	statements, err := signer.Checkpoint(ctx, db, now)
	if err != nil || file == "" || len(statements) == 0 {
		return err
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open audit.checkpoint_file: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	for _, statement := range statements {
		if _, err := f.WriteString(statement + "\n"); err != nil {
			return fmt.Errorf("write audit.checkpoint_file: %w", err)
		}
	}
	return f.Sync()
}

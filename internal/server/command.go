package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/internal/seal"
	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/provider"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

// Command is what the command line needs: the use cases of the console, over the database alone. It may work beside a server
// that holds the SQLite file, makes no file, brings up no schema, and has no key, so that it can neither open nor seal anything.
type Command struct {
	// Admin is the console without what concerns second factors.
	Admin *admin.Service

	db     *store.DB
	signer *audit.Signer
}

// OpenCommand opens the database of a configuration, of which DatabaseURL, MaxConns, Hashing, Passwords, Now, Zone and Logger are
// used.
func OpenCommand(ctx context.Context, c Config) (*Command, error) {
	return openCommand(ctx, c, false, nil)
}

// OpenMover is [OpenCommand] for moving accounts in and out, seeds of authenticator apps among them: it uses the MasterKey and
// SMSCountries of the configuration as well, and for notices, which a server sends, Issuer, Brand and Language. Where there is no key, or nothing was sealed yet, it goes without, and never makes one.
func OpenMover(ctx context.Context, c Config) (*Command, error) {
	return openCommand(ctx, c, true, nil)
}

// openCommand opens the database, and the key of what is sealed in it if key says so, and has sign make what the console signs with,
// if it is to sign.
func openCommand(ctx context.Context, c Config, key bool, sign func(context.Context, *store.DB) (*audit.Signer, error)) (_ *Command, err error) {
	if err := c.checkDatabase(); err != nil {
		return nil, err
	}
	db, err := store.Open(ctx, store.Config{URL: c.DatabaseURL, MaxConns: c.MaxConns, Guest: true, Logger: c.Logger})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, db.Close())
		}
	}()
	if err := checkSchema(ctx, db); err != nil {
		return nil, err
	}
	hasher, err := account.NewHasher(c.Hashing)
	if err != nil {
		return nil, err
	}
	accounts, err := account.New(account.Config{DB: db, Hasher: hasher, Now: c.Now, Logger: c.Logger, Passwords: c.Passwords})
	if err != nil {
		return nil, err
	}
	imports := mfa.Imports{Countries: c.SMSCountries}
	if key {
		if imports.Box, err = boxIfAny(ctx, db, c); err != nil {
			return nil, err
		}
		if imports.Box != nil && c.Issuer != "" {
			if imports.Note, err = noteImports(c, db, imports.Box, hasher); err != nil {
				return nil, err
			}
		}
	}
	var signer *audit.Signer
	if sign != nil {
		if signer, err = sign(ctx, db); err != nil {
			return nil, err
		}
	}
	console, err := admin.New(admin.Config{
		DB: db, Accounts: accounts, Imports: imports, Signer: signer, ValidRedirect: provider.ValidRedirectURI, Now: c.Now, Zone: c.Zone,
	})
	if err != nil {
		return nil, err
	}
	return &Command{Admin: console, db: db, signer: signer}, nil
}

// noteImports queues the notices of an import, for a server to send.
func noteImports(c Config, db *store.DB, box *seal.Box, hasher *account.Hasher) (
	func(context.Context, *store.Tx, time.Time, store.Account, mfa.ImportPlan) error, error,
) {
	pages, err := templates.New(templates.Config{Brand: c.Brand})
	if err != nil {
		return nil, err
	}
	outbox, err := delivery.New(delivery.Config{DB: db, Box: box, Templates: pages, Now: c.Now, Logger: c.Logger, Zone: c.Zone})
	if err != nil {
		return nil, err
	}
	factors, err := mfa.New(mfa.Config{
		Issuer: c.Issuer, DB: db, Outbox: outbox, Box: box, HashAll: hasher.HashAll, CheckCode: hasher.CheckCode, Now: c.Now, NoticeLang: c.Language,
	})
	if err != nil {
		return nil, err
	}
	return factors.NoteImport, nil
}

// Close releases the database.
func (c *Command) Close() error {
	if err := c.db.Close(); err != nil {
		return fmt.Errorf("close database: %w", err)
	}
	return nil
}

// boxIfAny opens what a server has sealed with the key of the configuration; nil where either is missing.
func boxIfAny(ctx context.Context, db *store.DB, c Config) (*seal.Box, error) {
	master, err := newMasterKey(c.MasterKey, c.DatabaseURL)
	if errors.Is(err, ErrNoMasterKey) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	box, err := existingBox(ctx, db, master)
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, ErrMasterKeyLost) {
		return nil, nil
	}
	return box, err
}

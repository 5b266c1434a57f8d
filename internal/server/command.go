package server

import (
	"context"
	"errors"
	"fmt"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/internal/seal"
	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/provider"
	"github.com/futakagi/futakagi/store"
)

// Command is what the command line needs: the use cases of the console, over the database alone. It may work beside a server
// that holds the SQLite file, makes no file, brings up no schema, and has no key, so that it can neither open nor seal anything.
type Command struct {
	// Admin is the console without what concerns second factors.
	Admin *admin.Service

	db *store.DB
}

// OpenCommand opens the database of a configuration, of which DatabaseURL, MaxConns, Hashing, Passwords, Now, Zone and Logger are
// used.
func OpenCommand(ctx context.Context, c Config) (*Command, error) { return openCommand(ctx, c, false) }

// OpenMover is [OpenCommand] for moving accounts in and out, seeds of authenticator apps among them: it uses the MasterKey and
// SMSCountries of the configuration as well. Where there is no key, or nothing was sealed yet, it goes without, and never makes one.
func OpenMover(ctx context.Context, c Config) (*Command, error) { return openCommand(ctx, c, true) }

func openCommand(ctx context.Context, c Config, key bool) (_ *Command, err error) {
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
		if imports.Box, err = existingBox(ctx, db, c); err != nil {
			return nil, err
		}
	}
	console, err := admin.New(admin.Config{
		DB: db, Accounts: accounts, Imports: imports, ValidRedirect: provider.ValidRedirectURI, Now: c.Now, Zone: c.Zone,
	})
	if err != nil {
		return nil, err
	}
	return &Command{Admin: console, db: db}, nil
}

// Close releases the database.
func (c *Command) Close() error {
	if err := c.db.Close(); err != nil {
		return fmt.Errorf("close database: %w", err)
	}
	return nil
}

// existingBox opens the keyset of a database that has one with the key of the configuration; nil where either is missing.
func existingBox(ctx context.Context, db *store.DB, c Config) (*seal.Box, error) {
	master, err := newMasterKey(c.MasterKey, c.DatabaseURL)
	if errors.Is(err, ErrNoMasterKey) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	row, err := db.Read().GetKeyset(ctx, store.KeysetName)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("load keyset: %w", err)
	}
	bytes, err := master.load(true)
	if errors.Is(err, ErrMasterKeyLost) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return seal.New(bytes, row.Wrapped)
}

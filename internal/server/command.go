package server

import (
	"context"
	"errors"
	"fmt"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/provider"
	"github.com/futakagi/futakagi/store"
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
func OpenCommand(ctx context.Context, c Config) (*Command, error) { return openCommand(ctx, c, nil) }

// openCommand opens the database and has sign make what the console signs with, if it is to sign.
func openCommand(ctx context.Context, c Config, sign func(context.Context, *store.DB) (*audit.Signer, error)) (_ *Command, err error) {
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
	var signer *audit.Signer
	if sign != nil {
		if signer, err = sign(ctx, db); err != nil {
			return nil, err
		}
	}
	console, err := admin.New(admin.Config{
		DB: db, Accounts: accounts, Signer: signer, ValidRedirect: provider.ValidRedirectURI, Now: c.Now, Zone: c.Zone,
	})
	if err != nil {
		return nil, err
	}
	return &Command{Admin: console, db: db, signer: signer}, nil
}

// Close releases the database.
func (c *Command) Close() error {
	if err := c.db.Close(); err != nil {
		return fmt.Errorf("close database: %w", err)
	}
	return nil
}

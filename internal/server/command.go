package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/internal/seal"
	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/provider"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

// Command is what the command line needs: the use cases of the console, over the database and, where it is asked for and at hand, the
// server's key. It may work beside a server that holds the SQLite file, makes neither file nor key, and brings up no schema.
type Command struct {
	// Admin is the console, without what concerns second factors and mail where Keyless says why.
	Admin *admin.Service
	// Keyless is why the keys of the server are not there: [ErrNoMasterKey] and the like; nil if they are.
	Keyless error

	db     *store.DB
	signer *audit.Signer
}

// commandParts say what a command takes besides the database.
type commandParts struct {
	// seeds opens and seals seeds of authenticator apps where there is a key, features does everything a server does where there is one.
	seeds, features bool
	// sign makes what the console signs with; nil if it does not sign.
	sign func(context.Context, *store.DB) (*audit.Signer, error)
}

// OpenCommand opens the database of a configuration, of which DatabaseURL, MaxConns, Hashing, Passwords, Lifetimes, RotateKeysEvery, Now,
// Zone and Logger are used.
func OpenCommand(ctx context.Context, c Config) (*Command, error) {
	return openCommand(ctx, c, commandParts{})
}

// OpenMover is [OpenCommand] for moving accounts in and out, seeds of authenticator apps among them: it uses the MasterKey and
// SMSCountries of the configuration as well, and for notices, which a server sends, Issuer, Brand and Language. Where there is no key, or
// nothing was sealed yet, it goes without, and never makes one.
func OpenMover(ctx context.Context, c Config) (*Command, error) {
	return openCommand(ctx, c, commandParts{seeds: true})
}

// OpenConsole is [OpenCommand] for everything that the console does: it uses the whole configuration, as a server does. Where the key
// cannot be used, for whatever reason, it goes without what needs it, and Keyless says why.
func OpenConsole(ctx context.Context, c Config) (*Command, error) {
	return openCommand(ctx, c, commandParts{features: true})
}

func openCommand(ctx context.Context, c Config, parts commandParts) (_ *Command, err error) {
	if err := c.checkDatabase(); err != nil {
		return nil, err
	}
	db, err := store.Open(ctx, store.Config{URL: c.DatabaseURL, MaxConns: c.MaxConns, Guest: true, Audited: true, Logger: c.Logger})
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
	out := &Command{db: db}
	a := admin.Config{
		DB: db, Accounts: accounts, Imports: mfa.Imports{Countries: c.SMSCountries}, ValidRedirect: provider.ValidRedirectURI, Now: c.Now, Zone: c.Zone,
		CustomerIdle: c.CustomerIdle, OperatorIdle: c.OperatorIdle, NoticeLang: c.Language, Limits: c.Staff, Keys: c.keyRules(),
	}
	if parts.seeds {
		if a.Imports.Box, err = boxIfAny(ctx, db, c); err != nil {
			return nil, err
		}
		if a.Imports.Box != nil && c.Issuer != "" {
			if a.Imports.Note, err = noteImports(&c, ground{db: db, box: a.Imports.Box, hasher: hasher, accounts: accounts}); err != nil {
				return nil, err
			}
		}
	}
	if parts.features {
		out.Keyless = addKeyed(ctx, &c, &a, ground{db: db, hasher: hasher, accounts: accounts})
	}
	if parts.sign != nil {
		if out.signer, err = parts.sign(ctx, db); err != nil {
			return nil, err
		}
		a.Signer = out.signer
	}
	out.Admin, err = admin.New(a)
	return out, err
}

// addKeyed adds what needs the key to a console that is to be made, or says why it cannot.
func addKeyed(ctx context.Context, c *Config, a *admin.Config, g ground) error {
	if err := c.check(); err != nil {
		return err
	}
	master, err := newMasterKey(*c)
	if err != nil {
		return err
	}
	if g.box, err = existingBox(ctx, g.db, master); err != nil {
		return err
	}
	if g.pages, err = templates.New(templates.Config{Brand: c.Brand}); err != nil {
		return err
	}
	k, err := newKeyed(c, g)
	if err != nil {
		return err
	}
	a.Factors, a.Outbox, a.Passwords, a.Imports.Box = k.factors, k.outbox, k.passwords, g.box
	return nil
}

// noteImports queues the notices of an import, for a server to send.
func noteImports(c *Config, g ground) (func(context.Context, *store.Tx, time.Time, store.Account, mfa.ImportPlan) error, error) {
	var err error
	if g.pages, err = templates.New(templates.Config{Brand: c.Brand}); err != nil {
		return nil, err
	}
	k, err := newKeyed(c, g)
	if err != nil {
		return nil, err
	}
	return k.factors.NoteImport, nil
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
	master, err := newMasterKey(c)
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

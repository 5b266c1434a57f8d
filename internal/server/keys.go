package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/futakagi/futakagi/internal/seal"
	"github.com/futakagi/futakagi/keys"
	"github.com/futakagi/futakagi/store"
)

var (
	// ErrNoMasterKey says that the database is not embedded and no master key was given.
	ErrNoMasterKey = errors.New("no master key: set FUTAKAGI_MASTER_KEY or FUTAKAGI_MASTER_KEY_FILE (make one with: openssl rand -base64 32)")
	// ErrMasterKeyLost says that an embedded database has sealed data, and the file with its key is gone.
	ErrMasterKeyLost = errors.New("the master key of this database is missing")
)

// masterKey is the key of a configuration, or the place where one is kept for it.
type masterKey struct {
	// bytes is the configured key; nil when there is none.
	bytes []byte
	// former are those it came after.
	former [][]byte
	// file holds the key beside an embedded database when none is configured.
	file string
}

func newMasterKey(c Config) (masterKey, error) {
	former, err := seal.ParseMasterKeys(c.FormerMasterKeys)
	if err != nil {
		return masterKey{}, fmt.Errorf("former master keys: %w", err)
	}
	if c.MasterKey != "" {
		key, err := seal.ParseMasterKey(c.MasterKey)
		return masterKey{bytes: key, former: former}, err
	}
	path, embedded := strings.CutPrefix(c.DatabaseURL, "sqlite:")
	if !embedded {
		return masterKey{}, ErrNoMasterKey
	}
	return masterKey{file: strings.TrimPrefix(path, "//") + ".key", former: former}, nil
}

// load returns the key. A missing file is made only for a database that has nothing sealed: any other key than the lost one
// would be of no use to it, and would lie where a backup of the right one belongs.
func (m masterKey) load(sealed bool) ([]byte, error) {
	if m.file == "" {
		return m.bytes, nil
	}
	text, err := os.ReadFile(m.file)
	switch {
	case errors.Is(err, fs.ErrNotExist) && sealed:
		return nil, fmt.Errorf("%w: restore %s from a backup, or set FUTAKAGI_MASTER_KEY_FILE to where the key is", ErrMasterKeyLost, m.file)
	case errors.Is(err, fs.ErrNotExist):
		return createMasterKey(m.file)
	case err != nil:
		return nil, fmt.Errorf("read master key: %w", err)
	}
	key, err := seal.ParseMasterKey(string(text))
	if err != nil {
		return nil, fmt.Errorf("master key file %s: %w", m.file, err)
	}
	return key, nil
}

// createMasterKey writes a new key so that a crash leaves either no file or a whole one.
func createMasterKey(file string) ([]byte, error) {
	key, text := seal.NewMasterKey()
	tmp, err := os.CreateTemp(filepath.Dir(file), ".master-key-*") // mode 0600
	if err != nil {
		return nil, fmt.Errorf("create master key: %w", err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.WriteString(text + "\n")
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err == nil {
		// Link, not rename: it never replaces a key that is there.
		err = os.Link(tmp.Name(), file)
	}
	if err != nil {
		return nil, fmt.Errorf("create master key: %w", err)
	}
	return key, nil
}

// openBox unwraps the keyset in the database, which the first start makes. Several servers may start at once: one keyset
// wins and all use it.
func openBox(ctx context.Context, db *store.DB, master masterKey, now time.Time) (*seal.Box, error) {
	row, err := db.Read().GetKeyset(ctx, store.KeysetName)
	missing := errors.Is(err, store.ErrNotFound)
	if err != nil && !missing {
		return nil, fmt.Errorf("load keyset: %w", err)
	}
	key, err := master.load(!missing)
	if err != nil {
		return nil, err
	}
	if missing {
		wrapped, err := seal.Generate(key)
		if err != nil {
			return nil, err
		}
		err = db.InTx(ctx, func(tx *store.Tx) error {
			_, err := tx.InsertKeyset(ctx, store.InsertKeysetParams{Name: store.KeysetName, Wrapped: wrapped, Now: now})
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("store keyset: %w", err)
		}
		if row, err = db.Read().GetKeyset(ctx, store.KeysetName); err != nil {
			return nil, fmt.Errorf("load keyset: %w", err)
		}
	}
	return master.open(key, row.Wrapped)
}

// open unwraps a keyset with the key, or with one of the former ones.
func (m masterKey) open(key, wrapped []byte) (*seal.Box, error) {
	box, err := seal.New(key, wrapped, m.former...)
	if errors.Is(err, seal.ErrWrongMasterKey) {
		const fix = "if it was replaced, name the former one with FUTAKAGI_FORMER_MASTER_KEYS_FILE until 'futakagi key reseal' is done"
		if m.file != "" {
			return nil, fmt.Errorf("master key file %s: %w; %s", m.file, err, fix)
		}
		return nil, fmt.Errorf("%w; %s", err, fix)
	}
	return box, err
}

// jwksCacheFor is how long verifiers may keep the published signing keys; a new one signs after twice that, at the soonest.
const jwksCacheFor = 5 * time.Minute

// clockSkew is how far the clocks of two servers may be apart.
const clockSkew = time.Minute

// keyRules are the life of signing keys. An ID token is of use for as long as the session it speaks of: a sign-out names it.
func (c *Config) keyRules() keys.Rules {
	l := c.Lifetimes
	return keys.Rules{
		Every: c.RotateKeysEvery, CacheFor: jwksCacheFor, Skew: clockSkew,
		TokenLife: max(l.IDToken, l.Access, l.CustomerSession, l.OperatorSession),
	}
}

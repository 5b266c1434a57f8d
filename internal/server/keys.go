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
	"github.com/futakagi/futakagi/store"
)

// ErrNoMasterKey says that the database is not embedded and no master key was given.
var ErrNoMasterKey = errors.New("no master key: set FUTAKAGI_MASTER_KEY or FUTAKAGI_MASTER_KEY_FILE (make one with: head -c 32 /dev/urandom | base64)")

// keysetName is the row under which the wrapped keyset lies.
const keysetName = "main"

// masterKey returns the configured key, or the one beside the SQLite file, which the first start makes.
func masterKey(configured, databaseURL string) ([]byte, error) {
	if configured != "" {
		return seal.ParseMasterKey(configured)
	}
	path, embedded := strings.CutPrefix(databaseURL, "sqlite:")
	if !embedded {
		return nil, ErrNoMasterKey
	}
	file := strings.TrimPrefix(path, "//") + ".key"
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return createMasterKey(file)
	}
	if err != nil {
		return nil, fmt.Errorf("read master key: %w", err)
	}
	key, err := seal.ParseMasterKey(string(text))
	if err != nil {
		return nil, fmt.Errorf("master key file %s: %w", file, err)
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
		// Link, not rename: it fails if another process was first, whose key is then the one to use.
		err = os.Link(tmp.Name(), file)
	}
	if errors.Is(err, fs.ErrExist) {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read master key: %w", err)
		}
		return seal.ParseMasterKey(string(text))
	}
	if err != nil {
		return nil, fmt.Errorf("create master key: %w", err)
	}
	return key, nil
}

// openBox unwraps the keyset in the database, which the first start makes. Several servers may start at once: one keyset
// wins and all use it.
func openBox(ctx context.Context, db *store.DB, master []byte, now time.Time) (*seal.Box, error) {
	row, err := db.Read().GetKeyset(ctx, keysetName)
	if errors.Is(err, store.ErrNotFound) {
		wrapped, err := seal.Generate(master)
		if err != nil {
			return nil, err
		}
		err = db.InTx(ctx, func(tx *store.Tx) error {
			_, err := tx.InsertKeyset(ctx, store.InsertKeysetParams{Name: keysetName, Wrapped: wrapped, Now: now})
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("store keyset: %w", err)
		}
		if row, err = db.Read().GetKeyset(ctx, keysetName); err != nil {
			return nil, fmt.Errorf("load keyset: %w", err)
		}
	} else if err != nil {
		return nil, fmt.Errorf("load keyset: %w", err)
	}
	return seal.New(master, row.Wrapped)
}

package store_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/futakagi/futakagi/store"
)

// TestGuestMakesNoFile guards that a command in the wrong folder leaves nothing behind.
func TestGuestMakesNoFile(t *testing.T) {
	dir := t.TempDir()
	_, err := store.Open(t.Context(), store.Config{URL: "sqlite:" + filepath.Join(dir, "f.db"), Guest: true, Logger: slog.New(slog.DiscardHandler)})
	if !errors.Is(err, store.ErrNoDatabase) {
		t.Errorf("got %v, want ErrNoDatabase", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

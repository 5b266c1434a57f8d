package store_test

import (
	"errors"
	"testing"

	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
)

func TestClosedDatabaseSaysSo(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for range 2 {
			if err := db.Close(); err != nil {
				t.Fatalf("Close: %v", err)
			}
		}
		if _, err := db.Read().ListSurfaces(t.Context()); !errors.Is(err, store.ErrClosed) {
			t.Errorf("read after Close: %v, want ErrClosed", err)
		}
		if err := db.InTx(t.Context(), func(*store.Tx) error { return nil }); !errors.Is(err, store.ErrClosed) {
			t.Errorf("transaction after Close: %v, want ErrClosed", err)
		}
	})
}

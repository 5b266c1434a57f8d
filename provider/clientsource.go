package provider

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/futakagi/futakagi/store"
)

// pollInterval bounds how long a lost notification can leave a replica behind.
const pollInterval = 5 * time.Second

// ClientSource holds every client in memory, so that no request reads one from the database.
type ClientSource struct {
	db      *store.DB
	logger  *slog.Logger
	current atomic.Pointer[map[string]clientEntry]
	loading sync.Mutex // one reload at a time, so that an older list never replaces a newer one
}

// clientEntry keeps the row beside the client made of it: an unchanged row keeps its client, and a broken one is complained
// about once.
type clientEntry struct {
	row    store.Client
	client *Client // nil: broken
}

// newClientSource returns a source that knows no client before its first Reload.
func newClientSource(db *store.DB, logger *slog.Logger) *ClientSource {
	s := &ClientSource{db: db, logger: logger}
	s.current.Store(&map[string]clientEntry{})
	return s
}

// Lookup returns the client of that id, unless it is disabled.
func (s *ClientSource) Lookup(id string) (*Client, bool) {
	e := (*s.current.Load())[id]
	if e.client == nil || e.row.DisabledAt != nil {
		return nil, false
	}
	return e.client, true
}

// Reload reads all clients again. When it returns, changes committed before are in force.
func (s *ClientSource) Reload(ctx context.Context) error {
	s.loading.Lock()
	defer s.loading.Unlock()
	rows, err := s.db.Read().ListClients(ctx)
	if err != nil {
		return fmt.Errorf("load clients: %w", err)
	}
	old := *s.current.Load()
	next := make(map[string]clientEntry, len(rows))
	for _, row := range rows {
		if e, ok := old[row.ID]; ok && sameClient(e.row, row) {
			next[row.ID] = e
			continue
		}
		c, err := newClient(row)
		if err != nil {
			s.logger.ErrorContext(ctx, "client not usable", "client_id", row.ID, "error", err)
		}
		next[row.ID] = clientEntry{row: row, client: c}
	}
	s.current.Store(&next)
	return nil
}

// Run keeps the clients up to date until ctx ends.
func (s *ClientSource) Run(ctx context.Context) {
	s.db.Follow(ctx, store.ClientsChannel, pollInterval, s.Reload)
}

func sameClient(a, b store.Client) bool {
	// Times of one instant can differ as structs; a difference costs one more parse, nothing else.
	return a.UpdatedAt.Equal(b.UpdatedAt) && bytes.Equal(a.SecretHash, b.SecretHash) && reflect.DeepEqual(a, b)
}

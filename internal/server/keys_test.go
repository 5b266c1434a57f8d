package server

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/futakagi/futakagi/internal/seal"
	"github.com/futakagi/futakagi/keys"
	"github.com/futakagi/futakagi/provider"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
)

// replicas runs two servers on one database, whose clock stands still unless a test moves it.
func replicas(t *testing.T, c Config) (both []*Server, forward func(time.Duration)) {
	t.Helper()
	var mu sync.Mutex
	now := time.Now().UTC()
	c.Now = func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	}
	for range 2 {
		s, l := start(t, c), listen(t)
		ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx, l, nil) }()
		t.Cleanup(func() {
			stop()
			if err := <-done; err != nil {
				t.Error(err)
			}
			s.Close()
		})
		both = append(both, s)
	}
	return both, func(d time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(d)
	}
}

// soon waits for what must become true within seconds.
func soon(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(what)
		}
	}
}

// I11, I23: within seconds of the commit no server publishes a revoked key or lets it sign.
func TestI23_ReplicasAgreeAfterARevocation(t *testing.T) {
	c := testConfig(t, storetest.PostgreSQLURL(t))
	_, c.MasterKey = seal.NewMasterKey()
	c.AutoMigrate = true
	both, _ := replicas(t, c)
	if err := both[0].Provider.TendKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC()
	rows, err := both[0].DB.Read().ListSigningKeys(t.Context(), &now)
	if err != nil {
		t.Fatal(err)
	}
	published := func(kid string) (n int) {
		for _, s := range both {
			w := httptest.NewRecorder()
			s.Handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, c.Issuer+provider.PathJWKS, nil))
			if strings.Contains(w.Body.String(), kid) {
				n++
			}
		}
		return n
	}
	for id, state := range keys.StatesOf(rows, now) {
		if state != keys.Signing {
			continue
		}
		soon(t, "the servers publish different keys", func() bool { return published(id) == len(both) })
		if err := both[1].DB.InTx(t.Context(), func(tx *store.Tx) error {
			_, err := keys.Revoke(t.Context(), tx, id, now)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		soon(t, "a server publishes a revoked key", func() bool { return published(id) == 0 })
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("it took them %s", took)
		}
	}
}

// I28: the master key is replaced while two servers run; each opens what the other sealed, at every step.
func TestI28_MasterKeyIsReplacedOnline(t *testing.T) {
	c := testConfig(t, storetest.PostgreSQLURL(t))
	c.AutoMigrate = true
	_, former := seal.NewMasterKey()
	c.MasterKey = former
	start(t, c).Close()

	_, c.MasterKey = seal.NewMasterKey()
	if _, err := New(t.Context(), c); err == nil || !strings.Contains(err.Error(), "FUTAKAGI_FORMER_MASTER_KEYS") {
		t.Fatalf("the new key alone: %v", err)
	}
	c.FormerMasterKeys = former
	both, forward := replicas(t, c)
	if err := both[0].DB.InTx(t.Context(), func(tx *store.Tx) error {
		_, err := keys.Request(t.Context(), tx, time.Now())
		return err
	}); err != nil {
		t.Fatal(err)
	}
	place := seal.Place{Table: "t", Row: "r"}
	soon(t, "the run does not end", func() bool {
		for i, s := range both {
			sealed, err := s.Box.Seal([]byte("secret"), place)
			if err != nil {
				t.Fatal(err)
			}
			soon(t, "a server does not open what the other sealed", func() bool {
				_, err := both[1-i].Box.Open(sealed, place)
				return err == nil
			})
		}
		run, err := both[0].DB.Read().GetNewestReseal(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if run.State == keys.StateSettling || run.State == keys.StateSpreading {
			time.Sleep(300 * time.Millisecond) // what thirty seconds are for
			forward(keys.Settle)
			if err := both[0].DB.InTx(t.Context(), func(tx *store.Tx) error {
				return tx.Notify(t.Context(), store.KeysetChannel, "")
			}); err != nil {
				t.Fatal(err)
			}
		}
		return run.State == keys.StateDone
	})
	c.FormerMasterKeys = ""
	start(t, c).Close()
	c.MasterKey = former
	if _, err := New(t.Context(), c); err == nil {
		t.Error("the former master key opens the database still")
	}
}

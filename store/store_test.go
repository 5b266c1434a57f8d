package store_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/internal/pgtest"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
)

func addCustomer(ctx context.Context, tx *store.Tx, n int) error {
	return tx.InsertCustomer(ctx, store.InsertCustomerParams{ID: id[store.CustomerID](n), Code: fmt.Sprintf("C-%05d", n), Now: t0})
}

func hasCustomer(t *testing.T, db *store.DB, n int) bool {
	t.Helper()
	_, err := db.Read().GetCustomer(context.Background(), id[store.CustomerID](n))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		t.Fatal(err)
	}
	return err == nil
}

func TestInTxRollsBack(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		refusal := errors.New("refused")
		err := db.InTx(ctx, func(tx *store.Tx) error {
			return errors.Join(addCustomer(ctx, tx, 1), refusal)
		})
		if !errors.Is(err, refusal) || hasCustomer(t, db, 1) {
			t.Errorf("error: %v, stored: %v", err, hasCustomer(t, db, 1))
		}

		func() {
			defer func() {
				if p := recover(); p != "boom" {
					t.Errorf("recovered %v", p)
				}
			}()
			_ = db.InTx(ctx, func(tx *store.Tx) error {
				if err := addCustomer(ctx, tx, 2); err != nil {
					t.Error(err)
				}
				panic("boom")
			})
		}()
		if hasCustomer(t, db, 2) {
			t.Error("a panic committed")
		}

		gone, cancel := context.WithCancel(ctx)
		err = db.InTx(gone, func(tx *store.Tx) error {
			err := addCustomer(gone, tx, 3)
			cancel()
			return err
		})
		if !errors.Is(err, context.Canceled) || hasCustomer(t, db, 3) {
			t.Errorf("cancelled before the commit: %v, stored: %v", err, hasCustomer(t, db, 3))
		}
		if err := db.InTx(gone, func(*store.Tx) error { t.Error("ran with a cancelled context"); return nil }); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}

		late, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
		err = db.InTx(late, func(tx *store.Tx) error {
			time.Sleep(60 * time.Millisecond)
			return addCustomer(context.Background(), tx, 4) // the transaction's own deadline counts
		})
		if !errors.Is(err, store.ErrUnavailable) || hasCustomer(t, db, 4) {
			t.Errorf("after the deadline: %v, stored: %v", err, hasCustomer(t, db, 4))
		}

		if err := db.InTx(ctx, func(tx *store.Tx) error { return addCustomer(ctx, tx, 5) }); err != nil || !hasCustomer(t, db, 5) {
			t.Errorf("the connection did not recover: %v", err)
		}
	})
}

// TestTransactionsAreIndependent mixes transactions that succeed, fail, panic and are abandoned: each must have its own fate even
// where they share a commit.
func TestTransactionsAreIndependent(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		const n = 400
		want := make([]bool, n)
		var group sync.WaitGroup
		for i := range n {
			want[i] = i%4 == 0
			group.Go(func() {
				defer func() { _ = recover() }()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if i%4 == 3 {
					time.AfterFunc(time.Duration(i%7)*time.Millisecond, cancel)
				}
				err := db.InTx(ctx, func(tx *store.Tx) error {
					if err := addCustomer(ctx, tx, i); err != nil {
						return err
					}
					switch i % 4 {
					case 1:
						return addCustomer(ctx, tx, i) // the same row again
					case 2:
						panic("boom")
					case 3:
						<-ctx.Done()
					}
					return nil
				})
				if i%4 == 0 && err != nil {
					t.Errorf("transaction %d: %v", i, err)
				}
				if i%4 == 1 && !errors.Is(err, store.ErrConflict) {
					t.Errorf("transaction %d: %v", i, err)
				}
			})
		}
		group.Wait()
		for i := range n {
			if got := hasCustomer(t, db, i); got != want[i] {
				t.Errorf("customer %d stored: %v", i, got)
			}
		}
	})
}

func TestConstraintNames(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		add := func(n int, code string) error {
			return db.InTx(ctx, func(tx *store.Tx) error {
				return tx.InsertCustomer(ctx, store.InsertCustomerParams{ID: id[store.CustomerID](n), Code: code, Now: t0})
			})
		}
		if err := add(1, "A"); err != nil {
			t.Fatal(err)
		}
		got := []string{store.Constraint(add(2, "A")), store.Constraint(add(1, "B")), store.Constraint(errors.New("other"))}
		if diff := cmp.Diff([]string{"customers_code", "customers_pkey", ""}, got); diff != "" {
			t.Error(diff)
		}
	})
}

// TestValues guards that what is stored comes back the same, whatever the zone of the process and of the value.
func TestValues(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		sealed := []byte{}
		err := db.InTx(ctx, func(tx *store.Tx) error {
			return tx.EnqueueMessage(ctx, store.EnqueueMessageParams{
				ID: id[store.MessageID](1), Recipient: "改行\n'\"\\ 𠮷", PayloadSealed: sealed, Now: t0, Deadline: time.Date(1960, 1, 2, 3, 4, 5, 678901000, time.UTC),
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		var got []store.Outbox
		err = db.InTx(ctx, func(tx *store.Tx) error {
			got, err = tx.ClaimMessages(ctx, store.ClaimMessagesParams{Owner: new("w"), LeasedUntil: at(time.Minute), Now: t0, BatchSize: 1})
			return err
		})
		if err != nil || len(got) != 1 {
			t.Fatalf("%v, %v", got, err)
		}
		want := store.Outbox{
			ID: id[store.MessageID](1), Recipient: "改行\n'\"\\ 𠮷", PayloadSealed: []byte{}, State: "queued", Attempts: 1, LeaseOwner: new("w"),
			AvailableAt: t0.Truncate(time.Microsecond).UTC(), CreatedAt: t0.Truncate(time.Microsecond).UTC(),
			LeasedUntil: new(t0.Add(time.Minute).Truncate(time.Microsecond).UTC()), Deadline: time.Date(1960, 1, 2, 3, 4, 5, 678901000, time.UTC),
		}
		if diff := cmp.Diff(want, got[0]); diff != "" {
			t.Error(diff)
		}
		for name, tm := range map[string]time.Time{"deadline": got[0].Deadline, "leased": *got[0].LeasedUntil} {
			if tm.Location() != time.UTC {
				t.Errorf("%s is in %v", name, tm.Location())
			}
		}

		err = db.InTx(ctx, func(tx *store.Tx) error {
			return tx.EnqueueMessage(ctx, store.EnqueueMessageParams{ID: id[store.MessageID](2), Now: t0})
		})
		if err == nil || !strings.Contains(err.Error(), "zero time") {
			t.Errorf("a forgotten time was stored: %v", err)
		}
	})
}

func TestNotify(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		heard := make(chan string, 10)
		done := make(chan error, 1)
		go func() { done <- db.Listen(ctx, "clients-Changed", func(payload string) { heard <- payload }) }()
		receive := func() string {
			t.Helper()
			select {
			case s := <-heard:
				return s
			case <-time.After(5 * time.Second):
				t.Fatal("nothing heard")
				return ""
			}
		}
		if s := receive(); s != "" {
			t.Fatalf("began with %q", s)
		}
		_ = db.InTx(ctx, func(tx *store.Tx) error {
			_ = tx.Notify(ctx, "clients-Changed", "rolled back")
			return errors.New("no")
		})
		err := db.InTx(ctx, func(tx *store.Tx) error {
			return errors.Join(tx.Notify(ctx, "other", "elsewhere"), tx.Notify(ctx, "clients-Changed", "one"), tx.Notify(ctx, "clients-Changed", "two"))
		})
		if err != nil {
			t.Fatal(err)
		}
		if first, second := receive(), receive(); first != "one" || second != "two" {
			t.Errorf("heard %q, %q", first, second)
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Listen ended with %v", err)
		}
	})
}

func TestSweep(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		const expired, live = 1203, 7
		err := db.InTx(ctx, func(tx *store.Tx) error {
			for n := range expired + live {
				ends := after(-time.Hour)
				if n < live {
					ends = after(-time.Hour + time.Microsecond)
				}
				if err := tx.InsertFlow(ctx, store.InsertFlowParams{ID: id[store.FlowID](n), SecretHash: hash(1), Request: doc(`{}`), Evidence: doc(`[]`), Now: t0, ExpiresAt: ends}); err != nil {
					return err
				}
			}
			return tx.EnqueueMessage(ctx, store.EnqueueMessageParams{ID: id[store.MessageID](1), Now: after(-1000 * time.Hour), Deadline: t0})
		})
		if err != nil {
			t.Fatal(err)
		}
		removed, err := db.Sweep(ctx, t0.Add(time.Microsecond), store.Retention{Flows: time.Hour})
		if err != nil || removed["flows"] != expired || removed["outbox"] != 0 {
			t.Fatalf("removed %v, %v", removed, err)
		}
	})
}

func TestMigrate(t *testing.T) {
	urls := map[string]func() string{
		store.SQLite:     func() string { return "sqlite:" + filepath.Join(t.TempDir(), "new.db") },
		store.PostgreSQL: func() string { return pgtest.URL(t) },
	}
	for engine, fresh := range urls {
		t.Run(engine, func(t *testing.T) {
			db := storetest.Open(t, fresh())
			ctx := t.Context()
			state, err := db.MigrationStatus(ctx)
			if err != nil || state.Current != 0 || !errors.Is(state.Check(), store.ErrSchemaOld) {
				t.Fatalf("empty: %+v, %v", state, err)
			}
			var group sync.WaitGroup
			applied := make([]int, 4)
			for i := range applied {
				if engine == store.SQLite && i > 0 {
					break // one process owns the file
				}
				group.Go(func() {
					names, err := db.Migrate(ctx)
					if err != nil {
						t.Errorf("migrator %d: %v", i, err)
					}
					applied[i] = len(names)
				})
			}
			group.Wait()
			total := 0
			for _, n := range applied {
				total += n
			}
			if total != len(state.Pending) {
				t.Errorf("applied %v of %d", applied, len(state.Pending))
			}
			if state, err = db.MigrationStatus(ctx); err != nil || state.Check() != nil || state.Current != state.Target {
				t.Errorf("migrated: %+v, %v", state, err)
			}
			if names, err := db.Migrate(ctx); err != nil || len(names) != 0 {
				t.Errorf("again: %v, %v", names, err)
			}
		})
	}
}

func TestOpenRefusals(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	for _, cfg := range []store.Config{
		{URL: "sqlite:x.db"},
		{URL: "sqlite:", Logger: log},
		{URL: "sqlite::memory:", Logger: log},
		{URL: "mysql://localhost", Logger: log},
		{URL: "", Logger: log},
		{URL: "sqlite:" + filepath.Join(t.TempDir(), "missing", "x.db"), Logger: log},
		{URL: "sqlite:" + filepath.Join(t.TempDir(), "x.db"), MaxConns: -1, Logger: log},
		{URL: "postgres://user:hunter2@host:port/db", Logger: log},
	} {
		db, err := store.Open(t.Context(), cfg)
		if err == nil {
			db.Close()
			t.Errorf("opened %q", cfg.URL)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error shows the password: %v", err)
		}
	}
}

func TestSQLiteFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "名前 with?odd#chars%20.db")
	cfg := store.Config{URL: "sqlite:" + path, Logger: slog.New(slog.DiscardHandler)}
	db, err := store.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := db.InTx(t.Context(), func(tx *store.Tx) error { return addCustomer(t.Context(), tx, 2) }); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal", "-shm", ".lock"} {
		info, err := os.Stat(path + suffix)
		if err != nil {
			t.Errorf("%s: %v", suffix, err)
		} else if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", suffix, info.Mode())
		}
	}

	// A second server must not serve the file; a command may look into it.
	if second, err := store.Open(t.Context(), cfg); !errors.Is(err, store.ErrLocked) {
		second.Close()
		t.Errorf("second server: %v", err)
	}
	guestConfig := cfg
	guestConfig.Guest = true
	guest, err := store.Open(t.Context(), guestConfig)
	if err != nil {
		t.Fatal(err)
	}
	if err := guest.InTx(t.Context(), func(tx *store.Tx) error { return addCustomer(t.Context(), tx, 1) }); err != nil {
		t.Error(err)
	}
	if _, err := guest.Migrate(t.Context()); !errors.Is(err, store.ErrLocked) {
		t.Errorf("a guest migrated: %v", err)
	}
	if err := guest.Close(); err != nil {
		t.Error(err)
	}
	if !hasCustomer(t, db, 1) {
		t.Error("the guest's row is missing")
	}

	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := db.InTx(t.Context(), func(*store.Tx) error { return nil }); !errors.Is(err, store.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	again := storetest.Open(t, cfg.URL)
	if !hasCustomer(t, again, 1) {
		t.Error("the row did not survive")
	}
}

// TestUnavailable guards that a database that is away is told apart from every other fault, and that the pool recovers by itself.
func TestUnavailable(t *testing.T) {
	t.Run("never there", func(t *testing.T) {
		db := storetest.Open(t, "postgres://nobody@127.0.0.1:1/none?connect_timeout=2")
		ctx := t.Context()
		_, readErr := db.Read().ListClients(ctx)
		for name, err := range map[string]error{
			"ping":   db.Ping(ctx),
			"read":   readErr,
			"write":  db.InTx(ctx, func(tx *store.Tx) error { return nil }),
			"rotate": db.RotateRefresh(ctx, store.RefreshRotation{Now: t0, AccessExpiresAt: t0, RefreshExpiresAt: t0}),
		} {
			if !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
	t.Run("goes and comes back", func(t *testing.T) {
		address := storetest.PostgreSQLURL(t)
		db := storetest.Open(t, address)
		ctx := t.Context()
		if _, err := db.Read().ListClients(ctx); err != nil {
			t.Fatal(err)
		}
		err := db.InTx(ctx, func(tx *store.Tx) error {
			if err := addCustomer(ctx, tx, 1); err != nil {
				return err
			}
			pgtest.Disconnect(t, address)
			return addCustomer(ctx, tx, 2)
		})
		if !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("in a transaction: %v", err)
		}
		deadline := time.Now().Add(5 * time.Second)
		for n := 3; ; n++ {
			_, readErr := db.Read().ListClients(ctx)
			writeErr := db.InTx(ctx, func(tx *store.Tx) error { return addCustomer(ctx, tx, n) })
			if readErr == nil && writeErr == nil {
				break
			}
			for _, err := range []error{readErr, writeErr} {
				if err != nil && !errors.Is(err, store.ErrUnavailable) {
					t.Fatalf("while it is away: %v", err)
				}
			}
			if time.Now().After(deadline) {
				t.Fatalf("no recovery: %v, %v", readErr, writeErr)
			}
		}
		if hasCustomer(t, db, 1) {
			t.Error("half a transaction was kept")
		}
	})
	t.Run("SQLite file busy", func(t *testing.T) {
		address := storetest.SQLiteURL(t)
		db := storetest.Open(t, address)
		guest, err := store.Open(t.Context(), store.Config{URL: address, Guest: true, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		defer guest.Close()
		err = guest.InTx(t.Context(), func(tx *store.Tx) error {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			if err := db.InTx(ctx, func(tx *store.Tx) error { return nil }); !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("beside another writer: %v", err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := db.InTx(t.Context(), func(tx *store.Tx) error { return addCustomer(t.Context(), tx, 1) }); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}

// TestPasswordStaysSecret guards that a refused connection does not print the password.
func TestPasswordStaysSecret(t *testing.T) {
	u := url.URL{Scheme: "postgres", User: url.UserPassword("u", "hunter2"), Host: "127.0.0.1:1", Path: "/d"}
	db := storetest.Open(t, u.String())
	if err := db.Ping(t.Context()); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Fatalf("ping: %v", err)
	}
}

package keys

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/futakagi/futakagi/internal/seal"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
)

var t0 = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

// TestEverySealedColumnIsKnown guards that a new sealed column, and a new place in the code that seals, is not forgotten by the walk.
func TestEverySealedColumnIsKnown(t *testing.T) {
	var found []string
	table := regexp.MustCompile(`^(?:CREATE TABLE|ALTER TABLE) (\w+)`)
	column := regexp.MustCompile(`(?:^|\s)(\w+_sealed) bytea`)
	files, err := filepath.Glob("../store/schema/postgres/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		current := ""
		for line := range strings.Lines(string(text)) {
			if m := table.FindStringSubmatch(line); m != nil {
				current = m[1]
			}
			if m := column.FindStringSubmatch(line); m != nil {
				found = append(found, current+"."+m[1])
			}
		}
	}
	known := Columns()
	slices.Sort(found)
	slices.Sort(known)
	if !slices.Equal(found, known) {
		t.Errorf("the schema seals %v, the walk knows %v", found, known)
	}

	// Which file seals what. A value sealed into a column that is not named so would not be found above.
	want := map[string]int{
		"provider/keyring.go": 1, "provider/subject.go": 1, "audit/sign.go": 1, "mfa/app.go": 1, "mfa/imported_plan.go": 1, "mfa/backup.go": 1, "mfa/ceremony.go": 1,
		"mfa/reenrol.go": 1, "delivery/outbox.go": 1, "admin/api_idempotency.go": 1, "admin/upload.go": 1, "keys/reseal.go": 1, "signals/service.go": 1,
		"admin/page_search.go": 1, // a place in a list, which the browser keeps
	}
	seals := regexp.MustCompile(`(?i)box\.Seal\(`)
	err = filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == ".git" || d.Name() == "node_modules") {
			return fs.SkipDir
		}
		if strings.HasSuffix(path, "_test.go") || !strings.HasSuffix(path, ".go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(strings.TrimPrefix(path, ".."+string(filepath.Separator)))
		if n := len(seals.FindAll(text, -1)); n != want[name] {
			t.Errorf("%s seals at %d places, %d are known: see that the column is among those of the walk", name, n, want[name])
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// vault is a database with a keyset and a server's sealer over it.
type vault struct {
	t       *testing.T
	db      *store.DB
	masters [][]byte
	at      time.Time
}

func newVault(t *testing.T, db *store.DB) *vault {
	t.Helper()
	master, _ := seal.NewMasterKey()
	wrapped, err := seal.Generate(master)
	check(t, err)
	v := &vault{t: t, db: db, masters: [][]byte{master}, at: t0}
	v.tx(func(tx *store.Tx) error {
		_, err := tx.InsertKeyset(t.Context(), store.InsertKeysetParams{Name: store.KeysetName, Wrapped: wrapped, Now: t0})
		return err
	})
	return v
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (v *vault) tx(f func(tx *store.Tx) error) {
	v.t.Helper()
	check(v.t, v.db.InTx(v.t.Context(), f))
}

// server starts a server with the master keys there are.
func (v *vault) server() *Sealer {
	v.t.Helper()
	row, err := v.db.Read().GetKeyset(v.t.Context(), store.KeysetName)
	check(v.t, err)
	box, err := seal.New(v.masters[0], row.Wrapped, v.masters[1:]...)
	check(v.t, err)
	return &Sealer{DB: v.db, Box: box, Now: func() time.Time { return v.at }, Logger: slog.New(slog.DiscardHandler)}
}

// request asks for new keys.
func (v *vault) request() error {
	return v.db.InTx(v.t.Context(), func(tx *store.Tx) error {
		_, err := Request(v.t.Context(), tx, v.at)
		return err
	})
}

func (v *vault) state() store.Reseal {
	v.t.Helper()
	run, err := v.db.Read().GetNewestReseal(v.t.Context())
	check(v.t, err)
	return run
}

// fill seals n values into every column.
func (v *vault) fill(box *seal.Box, n int) {
	v.t.Helper()
	ctx := v.t.Context()
	v.tx(func(tx *store.Tx) error {
		var errs []error
		sealed := func(table, row, account string) []byte {
			out, err := box.Seal([]byte("plain"), seal.Place{Table: table, Row: row, Account: account})
			errs = append(errs, err)
			return out
		}
		for range n {
			account, id := store.NewID[store.AccountID](), string(store.NewID[store.FormID]())
			_, kerr := tx.InsertSigningKey(ctx, store.InsertSigningKeyParams{
				ID: id, Alg: "ES256", PublicJWK: []byte(`{}`), PrivateSealed: sealed("signing_keys", id, ""), Now: t0, SignsFrom: t0,
			})
			_, cerr := tx.ClaimAPIRequest(ctx, store.ClaimAPIRequestParams{
				Actor: "client", Key: id, RequestHash: []byte{1}, ClaimID: id, ClaimedUntil: t0, ExpiresAt: t0.Add(time.Hour), Now: t0,
			})
			_, aerr := tx.AnswerAPIRequest(ctx, store.AnswerAPIRequestParams{
				Actor: "client", Key: id, ClaimID: id, Status: 200, AnswerSealed: sealed("api_requests", id, "client"),
			})
			_, serr := tx.InsertSalt(ctx, store.InsertSaltParams{Name: id, ValueSealed: sealed("salts", id, ""), Now: t0})
			errs = append(errs, kerr, cerr, aerr, serr,
				tx.InsertAccount(ctx, store.InsertAccountParams{
					ID: account, Kind: "store", LoginID: id, LoginKey: id, Role: "buyer", TwoFactor: "use", Now: t0,
				}),
				tx.InsertAuditKey(ctx, store.InsertAuditKeyParams{
					ID: id, PublicKey: []byte{1}, PrivateSealed: sealed("audit_keys.private_sealed", id, ""), Now: t0,
				}),
				tx.InsertBackupBatch(ctx, store.InsertBackupBatchParams{
					ID: store.BatchID(id), AccountID: account, CodesSealed: sealed("backup_batches", id, string(account)), Now: t0,
				}),
				tx.InsertCeremony(ctx, store.InsertCeremonyParams{
					ID: store.CeremonyID(id), DataSealed: sealed("ceremonies", id, ""), Now: t0, ExpiresAt: t0,
				}),
				tx.InsertReenrolTicket(ctx, store.InsertReenrolTicketParams{
					ID: store.ReenrolTicketID(id), AccountID: account, CodeMAC: []byte{1},
					CodeSealed: sealed("reenrol_tickets", id, string(account)), Now: t0, ExpiresAt: t0,
				}),
				tx.EnqueueMessage(ctx, store.EnqueueMessageParams{
					ID: store.MessageID(id), AccountID: &account, PayloadSealed: sealed("outbox", id, string(account)), TagHash: []byte(id),
					Now: t0, Deadline: t0,
				}),
				tx.InsertClient(ctx, store.InsertClientParams{
					ID: id, SurfaceID: "store", RedirectURIs: []byte(`[]`), PostLogoutRedirectURIs: []byte(`[]`), GrantTypes: []byte(`[]`), Scopes: []byte(`[]`), Now: t0,
				}),
				tx.InsertStream(ctx, store.InsertStreamParams{
					ID: store.StreamID(id), ClientID: id, Method: "push", AuthorizationSealed: sealed("signal_streams", id, ""), Now: t0,
				}),
				tx.InsertImportJob(ctx, store.InsertImportJobParams{
					ID: store.ImportID(id), FileHash: []byte{1}, Options: "{}", State: "uploading", Now: t0,
				}),
				tx.InsertImportChunk(ctx, store.InsertImportChunkParams{
					JobID: store.ImportID(id), Number: 1, DataSealed: sealed("import_chunks", id+"/1", ""),
				}),
			)
			_, ferr := tx.UpsertFactor(ctx, store.UpsertFactorParams{
				ID: store.FactorID(id), AccountID: account, Kind: "totp", Main: true, SecretSealed: sealed("factors", id, string(account)), Now: t0,
			})
			errs = append(errs, ferr)
		}
		return errors.Join(errs...)
	})
}

// opens counts the values that a server opens, and those of them that are under the key it seals with.
func (v *vault) opens(s *Sealer) (opened, current int) {
	v.t.Helper()
	for _, p := range parts() {
		values, err := p.list(v.t.Context(), v.db.Read(), "", []byte{0}, 1000)
		check(v.t, err)
		for _, one := range values {
			if _, err := s.Box.Open(one.sealed, one.at); err != nil {
				v.t.Errorf("%s %s: %v", p.column, one.at.Row, err)
				continue
			}
			opened++
			if s.Box.Current(one.sealed) {
				current++
			}
		}
	}
	return opened, current
}

// finish lets servers take turns until the run is done.
func (v *vault) finish(servers ...*Sealer) {
	v.t.Helper()
	for range 1000 {
		if v.state().State == StateDone {
			return
		}
		for _, s := range servers {
			check(v.t, s.Reload(v.t.Context()))
			_, err := s.Step(v.t.Context())
			check(v.t, err)
		}
		v.at = v.at.Add(Settle / 4)
	}
	v.t.Fatal("the run does not end")
}

// I28: the master key and the keys under it are replaced while servers run, one of them dies in the middle, and no value is lost.
func TestI28_ResealUnderWayAndAfterACrash(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		v := newVault(t, db)
		const rows = 3
		all := rows * len(Columns())
		v.fill(v.server().Box, rows)
		mac := v.server().Box.MAC("code", "123456")

		next, _ := seal.NewMasterKey()
		v.masters = [][]byte{next, v.masters[0]}
		dies, lives, late := v.server(), v.server(), v.server()
		if !lives.Box.ByFormer() {
			t.Error("the former master key is said to be needed no more before anything was done")
		}
		if more, err := lives.Step(t.Context()); more || err != nil {
			t.Errorf("something to do before anybody asked: %v", err)
		}
		check(t, v.request())
		if err := v.request(); !errors.Is(err, ErrUnderWay) {
			t.Errorf("asked twice: %v", err)
		}

		// The one dies in a transaction of the walk, each time after a few values.
		deadly, kill := context.WithCancel(t.Context())
		steps := 0
		for v.state().State != StateWalking || v.state().Part != "factors.secret_sealed" {
			_, err := dies.Step(deadly)
			check(t, err)
			check(t, lives.Reload(t.Context()))
			if opened, _ := v.opens(lives); opened != all {
				t.Fatalf("step %d: %d of %d values open", steps, opened, all)
			}
			v.at = v.at.Add(Settle / 2)
			if steps++; steps > 100 {
				t.Fatal("the walk does not begin")
			}
		}
		kill()
		if _, err := dies.Step(deadly); err == nil {
			t.Error("a step of a server that is gone")
		}

		// A server that has not heard of the new key yet seals behind the walk's back; the next pass finds that.
		old, err := late.Box.Seal([]byte("plain"), seal.Place{Table: "signing_keys", Row: "late"})
		check(t, err)
		v.tx(func(tx *store.Tx) error {
			_, err := tx.InsertSigningKey(t.Context(), store.InsertSigningKeyParams{
				ID: "late", Alg: "ES256", PublicJWK: []byte(`{}`), PrivateSealed: old, Now: t0, SignsFrom: t0,
			})
			return err
		})
		v.finish(v.server(), lives)
		run := v.state()
		if run.FinishedAt == nil || run.Unreadable != 0 || run.Resealed != int64(all)+1 {
			t.Errorf("%+v", run)
		}

		// The former master key is needed no more, and does not open anything.
		former := v.masters[1]
		v.masters = v.masters[:1]
		after := v.server()
		if opened, current := v.opens(after); opened != all+1 || current != all+1 || after.Box.ByFormer() {
			t.Errorf("%d open, %d of %d under the newest key", opened, current, all+1)
		}
		if !after.Box.CheckMAC(mac, "code", "123456") {
			t.Error("a code on its way is void")
		}
		row, err := db.Read().GetKeyset(t.Context(), store.KeysetName)
		check(t, err)
		if _, err := seal.New(former, row.Wrapped); !errors.Is(err, seal.ErrWrongMasterKey) {
			t.Errorf("the former master key: %v", err)
		}
	})
}

// I28: after the next run, what an old copy of the keyset opens is nothing that is stored now.
func TestI28_FormerKeysGo(t *testing.T) {
	v := newVault(t, storetest.SQLite(t))
	first := v.server()
	v.fill(first.Box, 1)
	stolen, err := v.db.Read().GetKeyset(t.Context(), store.KeysetName)
	check(t, err)
	thief, err := seal.New(v.masters[0], stolen.Wrapped)
	check(t, err)
	old, err := first.Box.Seal([]byte("plain"), seal.Place{Table: "x"})
	check(t, err)
	for range 2 {
		check(t, v.request())
		v.finish(v.server())
	}
	now := v.server()
	if _, err := now.Box.Open(old, seal.Place{Table: "x"}); !errors.Is(err, seal.ErrOpen) {
		t.Errorf("a key of before the last run opens still: %v", err)
	}
	for _, p := range parts() {
		values, err := p.list(t.Context(), v.db.Read(), "", []byte{0}, 10)
		if err != nil || len(values) != 1 {
			t.Fatalf("%s: %d values, %v", p.column, len(values), err)
		}
		if _, err := thief.Open(values[0].sealed, values[0].at); !errors.Is(err, seal.ErrOpen) {
			t.Errorf("%s opens with the stolen keyset: %v", p.column, err)
		}
	}
}

// TestUnreadableValuesDoNotStopTheWalk: what no key opens is counted and left as it is.
func TestUnreadableValuesDoNotStopTheWalk(t *testing.T) {
	v := newVault(t, storetest.SQLite(t))
	s := v.server()
	v.fill(s.Box, 2)
	moved, err := s.Box.Seal([]byte("plain"), seal.Place{Table: "signing_keys", Row: "elsewhere"})
	check(t, err)
	v.tx(func(tx *store.Tx) error {
		_, err := tx.InsertSigningKey(t.Context(), store.InsertSigningKeyParams{
			ID: "moved", Alg: "ES256", PublicJWK: []byte(`{}`), PrivateSealed: moved, Now: t0, SignsFrom: t0,
		})
		return err
	})
	check(t, v.request())
	v.finish(s)
	if run := v.state(); run.Unreadable != 1 || run.Resealed != int64(2*len(Columns())) {
		t.Errorf("%+v", run)
	}
	k, err := v.db.Read().GetSigningKey(t.Context(), "moved")
	if err != nil || !bytes.Equal(k.PrivateSealed, moved) {
		t.Errorf("it was changed: %v", err)
	}
}

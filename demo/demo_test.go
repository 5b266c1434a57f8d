package demo

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
)

func TestABusyPortIsNamedWithItsFlag(t *testing.T) {
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	_, err = listen(t.Context(), Options{StorePort: port, InboxPort: port})
	var busy *PortError
	if !errors.As(err, &busy) || busy.Port != port || busy.Flag != "--store-port" {
		t.Fatalf("err = %v", err)
	}
	for _, want := range []string{fmt.Sprint(port), "--store-port", "--inbox-port"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not name %s", err, want)
		}
	}
	if _, err := listen(t.Context(), Options{Port: 70000}); err == nil || !strings.Contains(err.Error(), "--port") {
		t.Errorf("port 70000: %v", err)
	}
}

func TestAnnounce(t *testing.T) {
	var b bytes.Buffer
	a := Addresses{
		Provider: "http://localhost:8080", Store: "http://localhost:8081",
		MyPage: "http://localhost:8082", Inbox: "http://localhost:8025",
	}
	if err := announce(&b, a, map[string][]string{"sato": {"AAAA-BBBB", "CCCC-DDDD", "EEEE-FFFF"}}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"  ストア        Store     http://localhost:8081\n", "  管理画面      Console   http://localhost:8080/admin\n",
		"  suzuki    鈴木 花子       利用しない                  2FA off\n", "futakagi-demo", "sato-2fa@example.jp", "AAAA-BBBB   CCCC-DDDD\n  EEEE-FFFF\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("announcement has no %q:\n%s", want, b.String())
		}
	}
}

func newSeeder(t *testing.T, db *store.DB) *seeder {
	t.Helper()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	hasher, err := account.NewHasher(account.HasherConfig{MemoryKiB: 64, Iterations: 1})
	if err != nil {
		t.Fatal(err)
	}
	accounts, err := account.New(account.Config{
		DB: db, Hasher: hasher, Now: func() time.Time { return now }, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return &seeder{
		db: db, accounts: accounts, hasher: hasher, now: now,
	}
}

func TestSeedTwice(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		s := newSeeder(t, db)
		for i, codes := range []int{10, 0} {
			made, err := s.people(ctx)
			if err != nil {
				t.Fatalf("start %d: %v", i+1, err)
			}
			if len(made["sato"]) != codes {
				t.Errorf("start %d made %v", i+1, made)
			}
			if err := s.clients(ctx,
				client{id: StoreClient, name: "Store", baseURL: fmt.Sprintf("http://localhost:%d", 8081+i), secretHash: []byte{byte(i)}},
				client{id: MyPageClient, name: "My Page", baseURL: "http://localhost:8082", secretHash: []byte{9}},
			); err != nil {
				t.Fatalf("start %d: %v", i+1, err)
			}
		}

		customers, err := s.accounts.Customers(ctx, account.CustomerQuery{})
		if err != nil || len(customers.Rows) != 1 || customers.Rows[0].Accounts != 3 || customers.Rows[0].SetUp != 1 {
			t.Errorf("customers = %+v, %v", customers, err)
		}
		sato, err := db.Read().GetAccountByLogin(ctx, store.GetAccountByLoginParams{Kind: "store", LoginKey: "sato"})
		if err != nil || sato.TwoFactor != "use" {
			t.Errorf("sato = %+v, %v", sato, err)
		}
		signedIn, err := s.accounts.Verify(ctx, account.KindStore, "sato", Password)
		if err != nil || signedIn.ID != sato.ID {
			t.Errorf("sign in as sato: %+v, %v", signedIn, err)
		}
		factors, err := db.Read().ListFactors(ctx, sato.ID)
		if err != nil || len(factors) != 1 || factors[0].Address != "sato-2fa@example.jp" || !factors[0].Main {
			t.Errorf("factors = %+v, %v", factors, err)
		}
		if n, err := db.Read().CountBackupCodes(ctx, sato.ID); err != nil || n != 10 {
			t.Errorf("backup codes = %d, %v", n, err)
		}
		c, err := db.Read().GetClient(ctx, StoreClient)
		if err != nil || !strings.Contains(string(c.RedirectURIs), `"http://localhost:8082/callback"`) || !bytes.Equal(c.SecretHash, []byte{1}) {
			t.Errorf("client = %+v, %v", c, err)
		}
	})
}

func TestADatabaseInUseIsNotSeeded(t *testing.T) {
	db := storetest.SQLite(t)
	s := newSeeder(t, db)
	hash, err := s.accounts.HashPassword(t.Context(), "a real password", account.PasswordOwner{Kind: account.KindOperator})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.InTx(t.Context(), func(tx *store.Tx) error {
		_, err := s.accounts.Create(t.Context(), tx, account.NewAccount{
			Kind: account.KindOperator, LoginID: "root", DisplayName: "Root", Role: "administrator",
			RegisteredEmail: "root@example.jp", Password: hash,
		})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.people(t.Context()); !errors.Is(err, ErrNotDemo) {
		t.Errorf("err = %v, want ErrNotDemo", err)
	}
	if operators, _, err := s.accounts.Operators(t.Context(), "", 10); err != nil || len(operators) != 1 {
		t.Errorf("operators = %v, %v", operators, err)
	}
}

func TestBackupCodes(t *testing.T) {
	s := newSeeder(t, storetest.SQLite(t))
	texts, rows, err := s.backupCodes(t.Context())
	if err != nil || len(texts) != 10 || len(rows) != 10 {
		t.Fatalf("batch = %v, %v, %v", texts, rows, err)
	}
	for i, text := range texts {
		code, err := mfa.NormalizeBackupCode(text)
		if err != nil {
			t.Fatal(err)
		}
		ok, err := s.hasher.Check(t.Context(), rows[i].CodeHash, code)
		if rows[i].Selector != code[:2] || !ok || err != nil {
			t.Errorf("code %s: %+v, %v, %v", text, rows[i], ok, err)
		}
	}
}

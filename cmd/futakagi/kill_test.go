package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2" //nolint:depguard // nothing secret: when to kill
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/delivery/smtptest"
	"github.com/futakagi/futakagi/internal/seal"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
	"github.com/futakagi/futakagi/templates"
)

// envProgram makes the test binary the program itself.
const envProgram = "FUTAKAGI_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(envProgram) != "" {
		os.Unsetenv(envProgram)
		main()
	}
	os.Exit(m.Run())
}

// program is the server as a process of its own.
type program struct {
	t       *testing.T
	environ []string
	cmd     *exec.Cmd
	log     bytes.Buffer
}

func (p *program) start() {
	p.t.Helper()
	exe, err := os.Executable()
	if err != nil {
		p.t.Fatal(err)
	}
	p.cmd = exec.Command(exe, "serve")
	p.cmd.Env, p.cmd.Dir = p.environ, p.t.TempDir()
	p.cmd.Stderr = &p.log
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
}

// kill ends it with SIGKILL: nothing is put in order.
func (p *program) kill() {
	p.t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		p.t.Fatalf("the server ended by itself: %v\n%s", err, p.log.String())
	}
}

// A notice that was committed arrives, and a message to a relying party, whenever the server is killed between the commit and the mail
// server's answer, and arrives at most twice: the second time only because the answer to the first was lost with the server.
func TestI30_KillBetweenCommitAndDelivery(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		url := storetest.SQLiteURL(t)
		killed(t, url, "sqlite", "file:"+strings.TrimPrefix(url, "sqlite:")+"?_pragma=busy_timeout(5000)", "0")
	})
	t.Run("postgresql", func(t *testing.T) {
		t.Parallel()
		url := storetest.PostgreSQLURL(t)
		killed(t, url, "pgx", url, "TIMESTAMPTZ '1970-01-01 00:00:00+00'")
	})
}

func killed(t *testing.T, url, driver, source, longAgo string) {
	var mu sync.Mutex
	arrived := map[string]int{}
	mail := smtptest.Start(t, smtptest.Config{Data: func(_ int, m smtptest.Message) error {
		time.Sleep(time.Duration(rand.Int64N(int64(4 * time.Millisecond))))
		mu.Lock()
		arrived[m.To[0]]++
		mu.Unlock()
		// From here on it is ours, and the client does not know yet.
		time.Sleep(time.Duration(rand.Int64N(int64(4 * time.Millisecond))))
		return nil
	}})
	party := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		time.Sleep(time.Duration(rand.Int64N(int64(4 * time.Millisecond))))
		mu.Lock()
		arrived[subjectOf(t, r.PostFormValue("logout_token"))]++
		mu.Unlock()
		time.Sleep(time.Duration(rand.Int64N(int64(4 * time.Millisecond))))
	}))
	t.Cleanup(party.Close)
	master, text := seal.NewMasterKey()
	p := &program{t: t, environ: append(os.Environ(), envProgram+"=1",
		"FUTAKAGI_ISSUER=http://localhost:8080", "FUTAKAGI_LISTEN=127.0.0.1:0", "FUTAKAGI_MANAGEMENT_LISTEN=127.0.0.1:0",
		"FUTAKAGI_DATABASE__URL="+url, "FUTAKAGI_MASTER_KEY="+text, "FUTAKAGI_SMTP__HOST="+mail.Host, fmt.Sprintf("FUTAKAGI_SMTP__PORT=%d", mail.Port),
		"FUTAKAGI_SMTP__TLS=none", "FUTAKAGI_SMTP__FROM=no-reply@example.jp", "FUTAKAGI_OUTBOUND__LOOPBACK=allow")}
	p.start()
	defer func() { _ = p.cmd.Process.Kill() }()

	rows, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	notify := notifier(t, url, master, party.URL)
	count := func(where string) (n int) {
		t.Helper()
		if err := rows.QueryRow("SELECT count(*) FROM outbox WHERE " + where).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	var sent []string
	const rounds, each = 4, 12
	for round := range rounds {
		for i := range each {
			to := fmt.Sprintf("r%d-%d@example.jp", round, i)
			sent = append(sent, to, notify(to))
		}
		// Some of them are on their way, some wait; the later rounds begin with a server that is not up yet.
		if round < rounds/2 {
			for deadline := time.Now().Add(30 * time.Second); count("attempts > 0") <= 2*round*each && time.Now().Before(deadline); {
				time.Sleep(time.Millisecond)
			}
		}
		time.Sleep(time.Duration(rand.Int64N(int64(20 * time.Millisecond))))
		p.kill()
		// A minute later, the lease of the dead is over.
		if _, err := rows.Exec("UPDATE outbox SET leased_until = " + longAgo + " WHERE leased_until IS NOT NULL"); err != nil {
			t.Fatal(err)
		}
		p.start()
		for deadline := time.Now().Add(time.Minute); count("state = 'queued'") > 0; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("round %d: %d messages are left\n%s", round, count("state = 'queued'"), p.log.String())
			}
		}
	}
	p.kill()

	if n := count("state = 'accepted'"); n != len(sent) {
		t.Errorf("%d of %d messages were accepted", n, len(sent))
	}
	twice := 0
	for _, to := range sent {
		switch n := arrived[to]; {
		case n == 0:
			t.Errorf("%s: lost", to)
		case n > 2:
			t.Errorf("%s: sent %d times", to, n)
		case n == 2:
			twice++
		}
	}
	t.Logf("%d messages over %d kills, %d of them twice", len(sent), rounds, twice)
}

// subjectOf is whom a logout token is about.
func subjectOf(t *testing.T, token string) string {
	parts := strings.Split(token, ".")
	var claims struct {
		Subject string `json:"sub"`
	}
	if len(parts) != 3 {
		t.Errorf("not a token: %q", token)
		return ""
	}
	if raw, err := base64.RawURLEncoding.DecodeString(parts[1]); err != nil || json.Unmarshal(raw, &claims) != nil {
		t.Errorf("token cannot be read: %q", token)
	}
	return claims.Subject
}

// notifier commits notices beside the server, as any of its transactions would, and with each a message to a relying party about an
// account, whose id it returns.
func notifier(t *testing.T, url string, master []byte, party string) func(to string) string {
	t.Helper()
	db, err := store.Open(t.Context(), store.Config{URL: url, Guest: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	var keys store.Keyset
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if keys, err = db.Read().GetKeyset(t.Context(), store.KeysetName); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the server made no keys: %v", err)
		}
	}
	box, err := seal.New(master, keys.Wrapped)
	if err != nil {
		t.Fatal(err)
	}
	pages, err := templates.New(templates.Config{})
	if err != nil {
		t.Fatal(err)
	}
	outbox, err := delivery.New(delivery.Config{DB: db, Box: box, Templates: pages, Now: time.Now, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	list := json.RawMessage(`[]`)
	if err := db.InTx(t.Context(), func(tx *store.Tx) error {
		return tx.InsertClient(t.Context(), store.InsertClientParams{
			ID: "shop", Name: "shop", SurfaceID: "store", AuthMethod: "none", IDTokenAlg: "ES256", BackchannelLogoutURI: party,
			RedirectURIs: list, PostLogoutRedirectURIs: list, GrantTypes: list, Scopes: list, Now: time.Now(),
		})
	}); err != nil {
		t.Fatal(err)
	}
	return func(to string) string {
		t.Helper()
		id := store.NewID[store.AccountID]()
		err := db.InTx(context.Background(), func(tx *store.Tx) error {
			now := time.Now()
			if err := tx.EnqueuePush(context.Background(), store.EnqueuePushParams{
				ID: store.NewID[store.MessageID](), Kind: delivery.KindSignOut, AccountID: &id, Recipient: "shop", Now: now, Deadline: now.Add(time.Hour),
			}); err != nil {
				return err
			}
			return outbox.Notice(context.Background(), tx, delivery.NoticeMessage{
				Kind: delivery.KindReset, AccountID: id, LoginID: "sato", To: to, Lang: templates.Ja,
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		return string(id)
	}
}

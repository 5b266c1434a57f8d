package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/demo"
	"github.com/futakagi/futakagi/internal/pgtest"
	"github.com/futakagi/futakagi/store"
)

// world is a running demo with its sites, as one database engine carries it. The tests of an engine share it and make their
// own accounts; they run one after the other.
type world struct {
	*demo.Demo
	clock *clock
	log   *record

	mu       sync.Mutex
	accounts int
	numbers  int
	read     map[string]int
}

// clock is real time that a test can move forward. The next test finds it set right again.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

func (c *clock) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead = 0
}

// record keeps what the servers logged as errors. There is nothing in these tests that may make a server log one.
type record struct {
	mu    sync.Mutex
	lines []string
}

// Write takes one line of the log.
func (r *record) Write(line []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, string(line))
	return len(line), nil
}

func (r *record) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	lines := r.lines
	r.lines = nil
	return lines
}

// worlds are the demos that run, by engine. They are stopped in TestMain.
var worlds struct {
	mu      sync.Mutex
	running map[string]*world
	stops   []func() error
}

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	code := m.Run()
	worlds.mu.Lock()
	defer worlds.mu.Unlock()
	if chromium.stop != nil {
		chromium.stop()
	}
	var problems []error
	for i := len(worlds.stops) - 1; i >= 0; i-- {
		problems = append(problems, worlds.stops[i]())
	}
	if err := errors.Join(problems...); err != nil {
		fmt.Fprintln(os.Stderr, "stop:", err)
		return max(code, 1)
	}
	return code
}

// each runs a test on both engines, side by side.
func each(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	for _, engine := range []string{store.SQLite, store.PostgreSQL} {
		on(t, engine, f)
	}
}

// on runs a test on an engine.
func on(t *testing.T, engine string, f func(t *testing.T, w *world)) {
	t.Helper()
	t.Run(engine, func(t *testing.T) {
		t.Parallel()
		w := enter(t, engine)
		defer w.clock.reset()
		defer func() {
			for _, line := range w.log.take() {
				t.Errorf("the server logged: %s", line)
			}
		}()
		f(t, w)
	})
}

// one runs a test of what browsers do, which no engine changes, on one of the engines: half of such tests on each.
func one(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	engine := store.SQLite
	if len(t.Name())%2 == 1 {
		engine = store.PostgreSQL
	}
	on(t, engine, f)
}

// enter returns the demo of an engine, started if need be. Behind a hyphen an engine may have a name, for a demo of its own.
func enter(t *testing.T, name string) *world {
	t.Helper()
	startBrowser(t)
	worlds.mu.Lock()
	defer worlds.mu.Unlock()
	engine, _, _ := strings.Cut(name, "-")
	if w := worlds.running[name]; w != nil {
		return w
	}
	dir, err := os.MkdirTemp("", "futakagi-e2e-") //nolint:usetesting // outlives the test that comes first
	if err != nil {
		t.Fatal(err)
	}
	worlds.stops = append(worlds.stops, func() error { return os.RemoveAll(dir) })
	database := "sqlite:" + filepath.Join(dir, "demo.db")
	if engine == store.PostgreSQL {
		// The database outlives the test that comes first.
		keep := &keeper{TB: t}
		database = pgtest.URL(keep)
		worlds.stops = append(worlds.stops, keep.end)
	}
	w := &world{clock: &clock{}, read: map[string]int{}, log: &record{}}
	ctx, cancel := context.WithCancel(context.Background())
	w.Demo, err = demo.Start(ctx, demo.Options{
		Database: database, Now: w.clock.now,
		Logger: slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelError})),
	})
	if err != nil {
		cancel()
		t.Fatalf("start demo: %v", err)
	}
	worlds.stops = append(worlds.stops, func() error {
		cancel()
		return w.Wait()
	})
	if worlds.running == nil {
		worlds.running = map[string]*world{}
	}
	worlds.running[name] = w
	return w
}

// keeper collects what is to be cleaned up at the end of the run instead of that of one test.
type keeper struct {
	testing.TB
	ends []func()
}

// Cleanup keeps f for later.
func (k *keeper) Cleanup(f func()) { k.ends = append(k.ends, f) }

// Logf is called by what runs when the test is long over.
func (k *keeper) Logf(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

func (k *keeper) end() error {
	for i := len(k.ends) - 1; i >= 0; i-- {
		k.ends[i]()
	}
	return nil
}

// person is an account of a test, and what only its owner knows.
type person struct {
	demo.Account
	codes []string
}

// mailbox is the address that a person's second factor uses in the tests.
func (p person) mailbox() string { return p.LoginID + "-2fa@example.jp" }

// person makes an account of the demo's customer with the switch use and nothing set up, changed as wanted.
func (w *world) person(t testing.TB, changes ...func(*person)) person {
	t.Helper()
	w.mu.Lock()
	w.accounts++
	id := fmt.Sprintf("person-%02d", w.accounts)
	w.mu.Unlock()
	p := person{Account: demo.Account{
		LoginID: id, Name: "検証 " + id, Kind: account.KindStore, Role: "buyer", RegisteredEmail: id + "@example.jp",
		TwoFactor: account.TwoFactorUse,
	}}
	for _, change := range changes {
		change(&p)
	}
	codes, err := w.AddAccount(t.Context(), p.Account, w.clock.now().UTC())
	if err != nil {
		t.Fatal(err)
	}
	p.codes = codes
	return p
}

// number is a mobile number that no other test uses, as somebody types it and as it is kept.
func (w *world) number() (n struct{ typed, e164 string }) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.numbers++
	// Every number is of a range of its own, whose budget no other test spends.
	n.typed = fmt.Sprintf("０９０－１%03d－００００", w.numbers)
	n.e164 = fmt.Sprintf("+81901%03d0000", w.numbers)
	return n
}

// withEmail gives a person a verified address and backup codes.
func withEmail(p *person) { p.FactorEmail = p.mailbox() }

// isOperator makes a person an administrator of the console, without second factor.
func isOperator(p *person) {
	p.Kind, p.Role, p.TwoFactor = account.KindOperator, "administrator", account.TwoFactorDont
}

// withoutTwoFactor sets the switch to 利用しない.
func withoutTwoFactor(p *person) { p.TwoFactor = account.TwoFactorDont }

// message is one of the inbox's.
type message struct {
	Channel, To, Subject, Text string
	At                         time.Time
}

// messages asks the inbox, newest first.
func (w *world) messages(t testing.TB, to string) []message {
	t.Helper()
	address := w.Addresses.Inbox + "/api/messages?" + url.Values{"to": {to}}.Encode()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	var all []message
	if err := json.Unmarshal(body, &all); err != nil {
		t.Fatalf("inbox: %v\n%s", err, body)
	}
	return all
}

// sixDigits finds the code of a mail, on a line of its own, and of an SMS.
var sixDigits = regexp.MustCompile(`(?m)(?:^\s*|：)(\d{6})(?:\D|$)`)

// code waits for a code that was not read yet and returns it.
func (w *world) code(t testing.TB, to string) string {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		var codes []string
		for _, m := range w.messages(t, to) {
			if found := sixDigits.FindStringSubmatch(m.Text); found != nil {
				codes = append(codes, found[1])
			}
		}
		w.mu.Lock()
		fresh := len(codes) > w.read[to]
		w.read[to] = max(w.read[to], len(codes))
		w.mu.Unlock()
		if fresh {
			return codes[0]
		}
	}
	t.Fatalf("no code came to %s", to)
	return ""
}

// notice waits for a mail whose subject holds a text.
func (w *world) notice(t testing.TB, to, subject string) message {
	t.Helper()
	var all []message
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		all = w.messages(t, to)
		for _, m := range all {
			if regexp.MustCompile(subject).MatchString(m.Subject) {
				return m
			}
		}
	}
	t.Fatalf("no mail about %q came to %s, only %+v", subject, to, all)
	return message{}
}

// other is a code that is not the right one.
func other(code string) string {
	if code == "123456" {
		return "654321"
	}
	return "123456"
}

package server

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/internal/seal"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
)

func testConfig(t *testing.T, url string) Config {
	t.Helper()
	c := Defaults()
	c.Issuer, c.DatabaseURL = "http://localhost:1", url
	c.Mailer, c.MailFrom = &delivery.Capture{}, "no-reply@auth.example.jp"
	c.Hashing = account.HasherConfig{MemoryKiB: 64, Iterations: 1}
	c.Logger = slog.New(slog.DiscardHandler)
	return c
}

func start(t *testing.T, c Config) *Server {
	t.Helper()
	s, err := New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func TestStopFailsReadinessFirstAndServesOn(t *testing.T) {
	t.Parallel() // most of it is the delay
	c := testConfig(t, storetest.SQLiteURL(t))
	public, management := listen(t), listen(t)
	c.Issuer, c.DrainDelay = "http://"+public.Addr().String(), 3*time.Second
	s := start(t, c)
	defer s.Close()
	probes := "http://" + management.Addr().String()

	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, public, management) }()
	soon(t, "it does not become ready", func() bool {
		status, _ := get(t, probes+"/readyz")
		return status == http.StatusOK
	})
	for path, want := range map[string]string{"/livez": "ok", "/readyz": "ok", "/metrics": "futakagi_outbox_oldest_age_seconds"} {
		if status, body := get(t, probes+path); status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %d %.200s", path, status, body)
		}
	}

	stop()
	soon(t, "it is ready after the stop began", func() bool {
		status, _ := get(t, probes+"/readyz")
		return status == http.StatusServiceUnavailable
	})
	if status, _ := get(t, probes+"/livez"); status != http.StatusOK {
		t.Errorf("livez answers %d while stopping", status)
	}
	if status, _ := get(t, c.Issuer+"/jwks"); status != http.StatusOK {
		t.Errorf("requests are refused (%d) before load balancers could notice", status)
	}
	if err := <-done; err != nil {
		t.Errorf("stop: %v", err)
	}
	if status, _ := get(t, c.Issuer+"/jwks"); status != 0 {
		t.Errorf("still serving after the stop: %d", status)
	}
}

func TestStopWaitsForRequestsUnderWay(t *testing.T) {
	s := start(t, testConfig(t, storetest.SQLiteURL(t)))
	defer s.Close()
	entered, release := make(chan struct{}), make(chan struct{})
	s.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-release
		w.WriteHeader(http.StatusTeapot)
	})
	public := listen(t)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, public, nil) }()
	answered := make(chan int, 1)
	go func() {
		status, _ := get(t, "http://"+public.Addr().String())
		answered <- status
	}()
	<-entered
	stop()
	select {
	case err := <-done:
		t.Errorf("stopped while a request was under way: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	close(release)
	if status := <-answered; status != http.StatusTeapot {
		t.Errorf("the request under way got %d", status)
	}
	if err := <-done; err != nil {
		t.Errorf("stop: %v", err)
	}
}

// TestStopCutsOffBackgroundWork guards that a job which does not end cannot keep the server from stopping.
func TestStopCutsOffBackgroundWork(t *testing.T) {
	var logged bytes.Buffer
	c := testConfig(t, storetest.SQLiteURL(t))
	c.Logger = slog.New(slog.NewTextHandler(&logged, nil))
	s := start(t, c)
	defer s.Close()
	s.stopLimit = 200 * time.Millisecond
	hang := make(chan struct{})
	defer close(hang)
	s.jobs = []func(context.Context){func(context.Context) { <-hang }}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	begun := time.Now()
	if err := s.Run(ctx, listen(t), nil); err != nil {
		t.Errorf("stop: %v", err)
	}
	if d := time.Since(begun); d < s.stopLimit || d > 5*time.Second {
		t.Errorf("stopping took %v", d)
	}
	if !strings.Contains(logged.String(), "level=ERROR") {
		t.Errorf("log: %s", &logged)
	}
}

func TestComplaintsOfConnections(t *testing.T) {
	for line, want := range map[string]string{
		"http: Accept error: accept tcp [::]:8080: accept4: too many open files; retrying in 5ms": "level=WARN",
		"http: TLS handshake error from 192.0.2.1:1234: EOF":                                      "level=DEBUG",
		"http: URL query contains semicolon, which is no longer a supported separator":            "level=DEBUG",
	} {
		var logged bytes.Buffer
		slog.NewLogLogger(complaints{slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug})}, slog.LevelWarn).Print(line)
		if !strings.Contains(logged.String(), want) {
			t.Errorf("%s: want %s in %s", line, want, &logged)
		}
	}
}

func TestMasterKeyLiesBesideTheFile(t *testing.T) {
	url := storetest.SQLiteURL(t)
	file := strings.TrimPrefix(url, "sqlite:") + ".key"
	s := start(t, testConfig(t, url))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode of the key file is %v", info.Mode())
	}
	first, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s = start(t, testConfig(t, url)) // the same key opens what it sealed
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if second, err := os.ReadFile(file); err != nil || !bytes.Equal(first, second) {
		t.Errorf("the second start changed the key: %v", err)
	}

	_, other := seal.NewMasterKey()
	if err := os.WriteFile(file, []byte(other+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(t.Context(), testConfig(t, url)); !errors.Is(err, seal.ErrWrongMasterKey) {
		t.Errorf("start with another key: %v", err)
	}
	if err := os.WriteFile(file, []byte("not a key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(t.Context(), testConfig(t, url)); err == nil || !strings.Contains(err.Error(), filepath.Base(file)) {
		t.Errorf("start with a broken key file: %v", err)
	}
}

// TestLostMasterKeyIsNotReplaced guards that nobody is led to believe that a new key is as good as the lost one.
func TestLostMasterKeyIsNotReplaced(t *testing.T) {
	url := storetest.SQLiteURL(t)
	file := strings.TrimPrefix(url, "sqlite:") + ".key"
	if err := start(t, testConfig(t, url)).Close(); err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if _, err := New(t.Context(), testConfig(t, url)); !errors.Is(err, ErrMasterKeyLost) || !strings.Contains(err.Error(), file) {
		t.Errorf("start without the key: %v", err)
	}
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a key was made: %v", err)
	}
	c := testConfig(t, url) // the key may as well be configured
	c.MasterKey = string(key)
	if err := start(t, c).Close(); err != nil {
		t.Fatal(err)
	}
}

func TestCommandWorksBesideAServerWithoutKeys(t *testing.T) {
	url := storetest.SQLiteURL(t)
	c := testConfig(t, url)
	if _, err := OpenCommand(t.Context(), Config{DatabaseURL: url + ".other", Logger: c.Logger}); !errors.Is(err, store.ErrNoDatabase) {
		t.Errorf("no database: %v", err)
	}
	s := start(t, c)
	defer s.Close()
	if err := os.Remove(strings.TrimPrefix(url, "sqlite:") + ".key"); err != nil {
		t.Fatal(err)
	}
	command, err := OpenCommand(t.Context(), Config{DatabaseURL: url, Hashing: c.Hashing, Logger: c.Logger})
	if err != nil {
		t.Fatal(err)
	}
	defer command.Close()
	made, err := command.Admin.CreateOperator(t.Context(), admin.System(), admin.NewAccount{
		LoginID: "operator", DisplayName: "管理者", Role: account.Roles(account.KindOperator)[0],
		RegisteredEmail: "operator@example.jp", Password: "a long pass phrase",
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Admin.Account(t.Context(), admin.System(), made.ID); err != nil {
		t.Errorf("the server does not see the account: %v", err)
	}
	if _, err := command.Admin.ResetFactors(t.Context(), admin.System(), made.ID, admin.Reason{}); err == nil {
		t.Error("a command without keys reset second factors")
	}
}

func TestMasterKeyIsDemandedForAServerDatabase(t *testing.T) {
	_, err := New(t.Context(), testConfig(t, "postgres://nobody@127.0.0.1:1/none"))
	if !errors.Is(err, ErrNoMasterKey) {
		t.Errorf("got %v, want ErrNoMasterKey", err)
	}
}

func TestTwoServersOnOneFileAreRefused(t *testing.T) {
	url := storetest.SQLiteURL(t)
	s := start(t, testConfig(t, url))
	defer s.Close()
	if _, err := New(t.Context(), testConfig(t, url)); err == nil {
		t.Error("a second server opened the same file")
	}
}

func TestServersOnOneDatabaseShareTheirKeys(t *testing.T) {
	url := storetest.PostgreSQLURL(t)
	_, key := seal.NewMasterKey()
	c := testConfig(t, url)
	c.MasterKey = key
	const n = 4
	servers := make(chan *Server, n)
	for range n {
		go func() {
			s, err := New(context.WithoutCancel(t.Context()), c)
			if err != nil {
				t.Error(err)
			}
			servers <- s
		}()
	}
	var sealed []byte
	for range n {
		s := <-servers
		if s == nil {
			continue
		}
		defer s.Close()
		place := seal.Place{Table: "t", Row: "r"}
		if sealed == nil {
			var err error
			if sealed, err = s.Box.Seal([]byte("secret"), place); err != nil {
				t.Fatal(err)
			}
		}
		if plain, err := s.Box.Open(sealed, place); err != nil || string(plain) != "secret" {
			t.Errorf("a server cannot open what another sealed: %v", err)
		}
	}
}

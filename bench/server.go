package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"runtime/pprof"
	"sync"
	"time"

	"github.com/futakagi/futakagi/client"
	"github.com/futakagi/futakagi/internal/server"
	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/store"
)

// What the measured server holds.
const (
	secret   = "not-a-secret-but-long-enough-for-a-benchmark-0123456789"
	callback = "https://shop.example.jp/callback"
	login    = "bench"
	password = "a passphrase for benchmarks"
)

// counters is what the server says about its work with the database so far.
type counters struct {
	Statements map[string]int64 `json:"statements"`
	Commits    int64            `json:"commits"`
}

func (c counters) total() (n int64) {
	for _, v := range c.Statements {
		n += v
	}
	return n
}

// hello is the first line the server says.
type hello struct {
	Public, Control string
}

// serve is the child: the server with every default of production, a few fixtures, and a second listener for the figures.
func serve(ctx context.Context, url string) error {
	var mu sync.Mutex
	seen := map[string]int64{}
	public, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	control, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	// Log records are written as in production, to where they cost a system call and nothing else.
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	c := server.Defaults()
	c.Issuer, c.DatabaseURL, c.AutoMigrate = "http://"+public.Addr().String(), url, true
	c.MasterKey = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="             // base64 of 32 times the letter k: nobody's
	c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")} // so that a client can be many
	c.Logger = slog.New(slog.NewJSONHandler(null, nil))
	slog.SetDefault(c.Logger)
	c.OnStatement = func(name string) {
		mu.Lock()
		seen[name]++
		mu.Unlock()
	}
	s, err := server.New(ctx, c)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := seed(ctx, s); err != nil {
		return err
	}

	mux := http.NewServeMux()
	mux.HandleFunc("/counters", func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		_ = json.NewEncoder(w).Encode(counters{Statements: seen, Commits: s.DB.Stats().Commits}) // the parent would notice
	})
	mux.HandleFunc("/empty", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/profile", func(w http.ResponseWriter, r *http.Request) {
		length, err := time.ParseDuration(r.URL.Query().Get("for"))
		if err == nil {
			err = pprof.StartCPUProfile(w)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		time.Sleep(length)
		pprof.StopCPUProfile()
	})
	side := &http.Server{Handler: mux, ReadHeaderTimeout: time.Second}
	go func() { _ = side.Serve(control) }() // it ends with the process
	if err := json.NewEncoder(os.Stdout).Encode(hello{Public: c.Issuer, Control: "http://" + control.Addr().String()}); err != nil {
		return err
	}
	return s.Run(ctx, public, nil)
}

// seed writes one account and the clients.
func seed(ctx context.Context, s *server.Server) error {
	hash, err := s.Hasher.Hash(ctx, password)
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	sum := sha256.Sum256([]byte(secret))
	customer, group := store.NewID[store.CustomerID](), store.NewID[store.UserGroupID]()
	registration := store.InsertClientParams{
		SurfaceID: "store", AuthMethod: "client_secret_basic", SecretHash: sum[:],
		RedirectURIs: json.RawMessage(`["` + callback + `"]`), PostLogoutRedirectURIs: json.RawMessage(`[]`),
		GrantTypes:  json.RawMessage(`["authorization_code","refresh_token","client_credentials"]`),
		Scopes:      json.RawMessage(`["openid","profile","offline_access","stock:read"]`),
		RequirePkce: true, Now: now,
	}
	err = s.DB.InTx(ctx, func(tx *store.Tx) error {
		if err := tx.InsertCustomer(ctx, store.InsertCustomerParams{ID: customer, Code: "C-1", Name: "Bench", SearchKey: "bench", Now: now}); err != nil {
			return err
		}
		if err := tx.InsertUserGroup(ctx, store.InsertUserGroupParams{ID: group, CustomerID: customer, Name: "Bench", Now: now}); err != nil {
			return err
		}
		if err := tx.InsertAccount(ctx, store.InsertAccountParams{
			ID: store.NewID[store.AccountID](), Kind: "store", LoginID: login, LoginKey: login, DisplayName: "Bench", SearchKey: login, Role: "buyer",
			UserGroupID: &group, PasswordHash: hash, RegisteredEmail: "bench@example.jp", TwoFactor: "dont_use", Now: now,
		}); err != nil {
			return err
		}
		for _, alg := range []string{"ES256", "RS256", "EdDSA"} {
			for id, settings := range map[string]client.Settings{alg: {}, "JWT-" + alg: {AccessTokenFormat: client.FormatJWT}} {
				registration.ID, registration.Name, registration.IDTokenAlg, registration.Settings = id, id, alg, settings.Encode()
				if err := tx.InsertClient(ctx, registration); err != nil {
					return err
				}
			}
		}
		key, err := clientKey()
		if err != nil {
			return err
		}
		registration.ID, registration.Name, registration.IDTokenAlg, registration.AuthMethod, registration.SecretHash = "keyed", "keyed", "ES256", "private_key_jwt", nil
		registration.Settings = client.Settings{JWKS: testapp.KeySet(key)}.Encode()
		return tx.InsertClient(ctx, registration)
	})
	if err != nil {
		return fmt.Errorf("write fixtures: %w", err)
	}
	return s.Provider.ReloadClients(ctx)
}

// target is the running child.
type target struct {
	hello

	cmd  *exec.Cmd
	http *http.Client
}

func startServer(ctx context.Context, url string) (*target, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, "-serve", "-database", url)
	cmd.Stderr = os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 30 * time.Second
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	t := &target{cmd: cmd, http: &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: 512, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &t.hello)
	}
	if err != nil {
		t.stop()
		return nil, fmt.Errorf("the server did not start: %w", err)
	}
	return t, nil
}

func (t *target) stop() {
	_ = t.cmd.Process.Signal(os.Interrupt) // it may be gone already
	_ = t.cmd.Wait()                       // how it ended is on its standard error
}

func (t *target) counters() (counters, error) {
	var c counters
	res, err := t.http.Get(t.Control + "/counters")
	if err != nil {
		return c, err
	}
	defer res.Body.Close()
	return c, json.NewDecoder(res.Body).Decode(&c)
}

// profile writes a CPU profile of the server to a file while an operation runs.
func (t *target) profile(file string, length time.Duration) error {
	res, err := t.http.Get(t.Control + "/profile?for=" + length.String())
	if err != nil {
		return err
	}
	defer res.Body.Close()
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	if _, err = io.Copy(f, res.Body); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

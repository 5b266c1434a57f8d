package testapp

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/demo"
	"github.com/futakagi/futakagi/internal/server"
	"github.com/futakagi/futakagi/mfa/webauthntest"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
	"github.com/futakagi/futakagi/templates"
)

// The addresses the fixtures' clients may be sent back to. Nothing listens there: a test reads the redirect.
const (
	StoreCallback  = "https://store.example.jp/callback"
	StoreLoggedOut = "https://store.example.jp/bye"
	// PasskeyOrigin is where passkeys of tests are made and used.
	PasskeyOrigin = "http://localhost"
	// ClientSecret is that of every confidential client of the fixtures.
	ClientSecret = "not-a-secret-but-long-enough-for-tests-0123456789"
)

// App is a running server with the demo's accounts.
type App struct {
	*server.Server
	// URL is the issuer.
	URL string
	// Clock is the server's clock.
	Clock *Clock
	// Mail caught what was sent by mail, SMS what was sent to phones.
	Mail *delivery.Capture
	SMS  *delivery.CaptureSMS
	// BackupCodes are those of the fixtures, by login id.
	BackupCodes map[string][]string
	// Apps are the authenticator apps set up in SignIn, by login id.
	Apps map[string]*Authenticator
	// Keys are the security keys and passkeys of those who have any: see Key.
	Keys map[string]*webauthntest.Authenticator
	// Log holds what was logged so far.
	Log *Buffer

	logger *slog.Logger
}

// Buffer is a log that can be read while it is written.
type Buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write appends to the log.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// String returns the log so far.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// Take returns the log so far and forgets it.
func (b *Buffer) Take() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	text := b.b.String()
	b.b.Reset()
	return text
}

// Option changes the server's configuration before it is made.
type Option func(*server.Config)

// New starts a server on SQLite.
func New(t testing.TB, options ...Option) *App {
	t.Helper()
	return Start(t, storetest.SQLiteURL(t), options...)
}

// Each runs f once per engine.
func Each(t *testing.T, f func(t *testing.T, a *App), options ...Option) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { f(t, Start(t, storetest.SQLiteURL(t), options...)) })
	t.Run("postgresql", func(t *testing.T) { f(t, Start(t, storetest.PostgreSQLURL(t), options...)) })
}

// MasterKey is the one of every server: not a key anybody uses, base64 of 32 times the letter k.
const MasterKey = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="

// Start starts a server on a database.
func Start(t testing.TB, databaseURL string, options ...Option) *App {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a := &App{
		URL:   "http://" + listener.Addr().String(),
		Clock: &Clock{at: time.Now().UTC().Truncate(time.Second)},
		Mail:  &delivery.Capture{},
		Apps:  map[string]*Authenticator{},
		Keys:  map[string]*webauthntest.Authenticator{},
		SMS:   &delivery.CaptureSMS{},
		Log:   &Buffer{},
	}
	c := server.Defaults()
	c.Issuer, c.DatabaseURL = a.URL, databaseURL
	c.MasterKey = MasterKey
	// The issuer is an address, which can have no passkeys; a virtual authenticator says it is wherever it likes.
	c.PasskeyRPID, c.PasskeyOrigins = "localhost", []string{PasskeyOrigin}
	c.Mailer, c.MailFrom, c.MailFromName = a.Mail, "no-reply@auth.example.jp", "Futakagi"
	c.SMS = a.SMS
	c.Brand = templates.Brand{Environment: templates.EnvironmentDemo, MailFrom: c.MailFrom}
	// The cheapest argon2id there is: what a hash costs is measured elsewhere.
	c.Hashing = account.HasherConfig{MemoryKiB: 64, Iterations: 1, Queue: 1024}
	c.FlowsPerAddress = 1_000_000 // all tests share one address and a clock that stands still
	c.Lifetimes.RefreshRetry = 0  // the clock stands still: with any, a replay were a retry
	c.Now = a.Clock.Now
	c.NewSigningKey = (&keyPool{url: databaseURL}).next
	a.logger = slog.New(slog.NewJSONHandler(a.Log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	c.Logger = a.logger
	for _, o := range options {
		o(&c)
	}
	if a.Server, err = server.New(t.Context(), c); err != nil {
		listener.Close()
		t.Fatalf("start server: %v", err)
	}
	a.seed(t)

	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx, listener, nil) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("stop server: %v", err)
		}
		if err := a.Close(); err != nil {
			t.Errorf("close server: %v", err)
		}
	})
	return a
}

// seed writes the demo's accounts and a few clients.
func (a *App) seed(t testing.TB) {
	t.Helper()
	codes, err := demo.Seed(t.Context(), a.DB, a.Hasher, a.Clock.Now(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatalf("write fixtures: %v", err)
	}
	a.BackupCodes = codes
	a.seedClients(t)
}

// Pass waits until no message is under way and moves the clock forward: one whose lease ran out between the sending and the note of
// it would be sent a second time.
func (a *App) Pass(t testing.TB, d time.Duration) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for _, channel := range delivery.Channels() {
		for {
			_, err := a.DB.Read().OldestQueuedMessage(t.Context(), channel)
			if errors.Is(err, store.ErrNotFound) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if time.Now().After(deadline) {
				t.Fatalf("messages wait in the outbox: %s", channel)
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	a.Clock.Advance(d)
}

var sixDigits = regexp.MustCompile(`(?m)^\s*(\d{6})\s*$`)

// Code waits for the newest code sent to an address after the first n mails to it, and returns it.
func (a *App) Code(t testing.TB, to string, n int) string {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for time.Now().Before(deadline) {
		if mails := a.Mail.Mails(to); len(mails) > n {
			for i := len(mails) - 1; i >= n; i-- {
				if m := sixDigits.FindStringSubmatch(mails[i].Text); m != nil {
					return m[1]
				}
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("no code came to %s", to)
	return ""
}

var textCode = regexp.MustCompile(`(?m)(?:^|：)(\d{6})(?:\D|$)`)

// TextCode waits for the newest code sent to a number after the first n text messages to it, and returns it.
func (a *App) TextCode(t testing.TB, to string, n int) string {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		texts := a.SMS.Texts(to)
		for i := len(texts) - 1; i >= n; i-- {
			if m := textCode.FindStringSubmatch(texts[i].Body); m != nil {
				return m[1]
			}
		}
	}
	t.Fatalf("no code came to %s", to)
	return ""
}

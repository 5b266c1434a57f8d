package demo

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/demo/inbox"
	"github.com/futakagi/futakagi/demo/relyingparty"
	"github.com/futakagi/futakagi/internal/server"
	"github.com/futakagi/futakagi/provider"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

// The shop that the demo plays, and the sender of its mail.
const (
	brand    = "Aoba"
	mailFrom = "no-reply@aoba.example"
)

// stopLimit bounds how long the sample sites wait for requests under way.
const stopLimit = 5 * time.Second

// Demo is a running demo.
type Demo struct {
	// Addresses are where its parts are reached.
	Addresses Addresses
	// BackupCodes are the codes made at this start, by login id.
	BackupCodes map[string][]string
	// Server is the provider; Inbox is where its mail and its SMS arrive.
	Server *server.Server
	Inbox  *inbox.Inbox

	group  *errgroup.Group
	folder string
}

// Run starts a demo, announces it, and serves until ctx ends.
func Run(ctx context.Context, o Options) error {
	d, err := Start(ctx, o)
	if err != nil {
		return err
	}
	if o.Out != nil {
		if err := announce(o.Out, d.Addresses, d.BackupCodes); err != nil {
			o.Logger.WarnContext(ctx, "announce demo", "err", err)
		}
	}
	return d.Wait()
}

// Start starts a demo that runs until ctx ends. Whoever starts one waits for it
// with Wait.
func Start(ctx context.Context, o Options) (_ *Demo, err error) {
	if o.Logger == nil {
		return nil, errors.New("start demo: Logger is missing")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	ports, err := listen(ctx, o)
	if err != nil {
		return nil, err
	}
	d := &Demo{Addresses: Addresses{
		Provider: baseURL(ports.provider), Store: baseURL(ports.store), MyPage: baseURL(ports.mypage), Inbox: baseURL(ports.inbox),
	}}
	defer func() {
		if err != nil {
			ports.close()
			err = errors.Join(err, d.release())
		}
	}()
	smsSecret := rand.Text() + rand.Text()
	config, err := d.config(o, ports, smsSecret)
	if err != nil {
		return nil, err
	}
	secrets, err := d.seed(ctx, config)
	if err != nil {
		return nil, err
	}
	sites, err := d.sites(o, secrets)
	if err != nil {
		return nil, err
	}
	if d.Inbox, err = inbox.New(inbox.Config{BaseURL: d.Addresses.Inbox, SMSSecret: smsSecret, Logger: o.Logger}); err != nil {
		return nil, err
	}
	if d.Server, err = server.New(ctx, config); err != nil {
		return nil, fmt.Errorf("start provider: %w", err)
	}

	var running context.Context
	d.group, running = errgroup.WithContext(ctx)
	d.group.Go(func() error { return d.Server.Run(running, ports.provider, nil) })
	d.group.Go(func() error { return d.Inbox.ServeSMTP(running, ports.smtp) })
	d.group.Go(func() error { return serve(running, ports.inbox, d.Inbox.Handler(), o.Logger) })
	d.group.Go(func() error { return serve(running, ports.store, sites[StoreClient], o.Logger) })
	d.group.Go(func() error { return serve(running, ports.mypage, sites[MyPageClient], o.Logger) })
	return d, nil
}

// Wait returns when everything has stopped and the temporary folder is gone.
func (d *Demo) Wait() error {
	return errors.Join(d.group.Wait(), d.release())
}

func (d *Demo) release() error {
	var problems []error
	if d.Server != nil {
		problems = append(problems, d.Server.Close())
	}
	if d.folder != "" {
		problems = append(problems, os.RemoveAll(d.folder))
	}
	return errors.Join(problems...)
}

// config is the provider's configuration: that of any server, with the demo's
// addresses, database, mail server and SMS gateway.
func (d *Demo) config(o Options, ports *listeners, smsSecret string) (server.Config, error) {
	mailPort := ports.smtp.Addr().(*net.TCPAddr).Port
	mailer, err := delivery.NewSMTP(delivery.SMTPConfig{
		Host: "127.0.0.1", Port: mailPort, TLS: delivery.TLSNone, Hello: "localhost",
	})
	if err != nil {
		return server.Config{}, fmt.Errorf("configure mail: %w", err)
	}
	// The inbox looks at the machine's clock, also when the provider's is moved.
	sms, err := delivery.NewWebhook(delivery.WebhookConfig{URL: d.Addresses.Inbox + inbox.SMSPath, Secret: smsSecret, Now: time.Now})
	if err != nil {
		return server.Config{}, fmt.Errorf("configure SMS: %w", err)
	}
	c := server.Defaults()
	c.Issuer = d.Addresses.Provider
	c.DatabaseURL = o.Database
	c.AutoMigrate = true
	c.Mailer, c.MailFrom, c.MailFromName = mailer, mailFrom, brand
	c.SMS, c.SMSFrom, c.SMSCountries = sms, brand, []string{"JP"}
	c.OutboundLoopback = true // the sample sites are on this machine
	c.Registration = provider.Registration{Mode: provider.RegistrationOpen, Surface: "store"}
	c.Logger, c.Now = o.Logger, o.Now
	c.Brand = templates.Brand{
		Name: brand, MyPageURL: d.Addresses.MyPage, MailFrom: mailFrom, Environment: templates.EnvironmentDemo,
	}
	if c.DatabaseURL == "" {
		if d.folder, err = os.MkdirTemp("", "futakagi-demo-"); err != nil {
			return server.Config{}, fmt.Errorf("make temporary folder: %w", err)
		}
		c.DatabaseURL = "sqlite:" + filepath.Join(d.folder, "demo.db")
	}
	if !strings.HasPrefix(c.DatabaseURL, "sqlite:") {
		// There is no file to keep a key beside. A demo's data is no secret, so
		// that the same key for everybody will do.
		key := sha256.Sum256([]byte("the master key of every Futakagi demo"))
		c.MasterKey = base64.StdEncoding.EncodeToString(key[:])
	}
	return c, nil
}

// seed writes the fixtures before the provider starts, which reads the clients
// at its start. It returns the clients' secrets.
func (d *Demo) seed(ctx context.Context, c server.Config) (_ map[string]string, err error) {
	db, err := server.OpenStore(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	hasher, err := account.NewHasher(c.Hashing)
	if err != nil {
		return nil, fmt.Errorf("write fixtures: %w", err)
	}
	if d.BackupCodes, err = Seed(ctx, db, hasher, c.Now().UTC(), c.Logger); err != nil {
		return nil, err
	}
	s := &seeder{db: db, now: c.Now().UTC()}
	secrets := map[string]string{StoreClient: rand.Text(), MyPageClient: rand.Text()}
	err = s.clients(
		ctx,
		client{id: StoreClient, name: "ストア", baseURL: d.Addresses.Store, secretHash: sum(secrets[StoreClient])},
		client{id: MyPageClient, name: "マイページ", baseURL: d.Addresses.MyPage, secretHash: sum(secrets[MyPageClient])},
	)
	if err != nil {
		return nil, fmt.Errorf("write fixtures: %w", err)
	}
	return secrets, nil
}

// Seed writes the demo's customer and accounts into a database, as far as they are missing, and returns the backup codes it
// made, by login id.
func Seed(ctx context.Context, db *store.DB, hasher *account.Hasher, now time.Time, log *slog.Logger) (map[string][]string, error) {
	s, err := seederFor(db, hasher, now, log)
	if err != nil {
		return nil, fmt.Errorf("write fixtures: %w", err)
	}
	codes, err := s.people(ctx)
	if err != nil {
		return nil, fmt.Errorf("write fixtures: %w", err)
	}
	return codes, nil
}

// AddAccount writes one more account into a running demo, beside the fixtures and with their password, and returns its backup
// codes if it has a factor. For tests.
func (d *Demo) AddAccount(ctx context.Context, a Account, now time.Time) ([]string, error) {
	s, err := seederFor(d.Server.DB, d.Server.Hasher, now, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, fmt.Errorf("add account %s: %w", a.LoginID, err)
	}
	group, err := s.group(ctx)
	if err != nil {
		return nil, fmt.Errorf("add account %s: %w", a.LoginID, err)
	}
	codes, err := s.account(ctx, a, group)
	if err != nil {
		return nil, fmt.Errorf("add account %s: %w", a.LoginID, err)
	}
	return codes, nil
}

func seederFor(db *store.DB, hasher *account.Hasher, now time.Time, log *slog.Logger) (*seeder, error) {
	accounts, err := account.New(account.Config{DB: db, Hasher: hasher, Now: func() time.Time { return now }, Logger: log})
	if err != nil {
		return nil, err
	}
	return &seeder{db: db, accounts: accounts, hasher: hasher, now: now}, nil
}

func sum(secret string) []byte {
	h := sha256.Sum256([]byte(secret))
	return h[:]
}

// sites makes the sample store and My Page, by client id.
func (d *Demo) sites(o Options, secrets map[string]string) (map[string]http.Handler, error) {
	made := map[string]http.Handler{}
	for id, site := range map[string]struct {
		kind relyingparty.Kind
		url  string
	}{
		StoreClient:  {relyingparty.Store, d.Addresses.Store},
		MyPageClient: {relyingparty.MyPage, d.Addresses.MyPage},
	} {
		h, err := relyingparty.New(relyingparty.Config{
			Kind: site.kind, Issuer: d.Addresses.Provider, ClientID: id, ClientSecret: secrets[id], BaseURL: site.url,
			StoreURL: d.Addresses.Store, MyPageURL: d.Addresses.MyPage, InboxURL: d.Addresses.Inbox, Logger: o.Logger, Now: o.Now,
		})
		if err != nil {
			return nil, fmt.Errorf("make site %s: %w", id, err)
		}
		made[id] = h
	}
	return made, nil
}

// serve serves one of the small sites until ctx ends.
func serve(ctx context.Context, l net.Listener, h http.Handler, log *slog.Logger) error {
	s := &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 60 * time.Second,
		IdleTimeout: 2 * time.Minute, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopLimit)
		defer cancel()
		stopped <- s.Shutdown(limited)
	})
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		stop()
		return fmt.Errorf("serve %s: %w", l.Addr(), err)
	}
	if err := <-stopped; err != nil {
		return fmt.Errorf("stop %s: %w", l.Addr(), err)
	}
	return nil
}

package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/internal/outbound"
	"github.com/futakagi/futakagi/internal/seal"
	"github.com/futakagi/futakagi/keys"
	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/password"
	"github.com/futakagi/futakagi/provider"
	"github.com/futakagi/futakagi/signals"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/signin/standing"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// Server is Futakagi, constructed and connected.
type Server struct {
	// Handler is the public side; Management answers probes and metrics and belongs on an inner network.
	Handler, Management http.Handler
	// DB, Admin, Hasher and Box are for the command line, the demo's fixtures and tests.
	DB     *store.DB
	Admin  *admin.Service
	Hasher *account.Hasher
	Box    *seal.Box
	MFA    *mfa.Service
	// Passwords changes passwords and answers who forgot theirs.
	Passwords *password.Service
	// Outbox sends what waits; tests look into it.
	Outbox   *delivery.Outbox
	Provider *provider.Provider

	logger                *slog.Logger
	drainDelay, stopLimit time.Duration
	ready                 atomic.Bool
	jobs                  []func(context.Context)
}

// OpenStore opens the database of a configuration and checks or brings up its schema.
func OpenStore(ctx context.Context, c Config) (*store.DB, error) {
	db, err := store.Open(ctx, store.Config{
		URL: c.DatabaseURL, MaxConns: c.MaxConns, OnStatement: c.OnStatement, Audited: true, Logger: c.Logger,
	})
	if err != nil {
		return nil, err
	}
	if c.AutoMigrate || db.Engine() == store.SQLite {
		if _, err = db.Migrate(ctx); err == nil {
			_, err = audit.Adopt(ctx, db, time.Now)
		}
	} else {
		err = checkSchema(ctx, db)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

func checkSchema(ctx context.Context, db *store.DB) error {
	state, err := db.MigrationStatus(ctx)
	if err != nil {
		return err
	}
	return state.Check()
}

// New constructs the server. Nothing runs before Run; Close releases the database.
func New(ctx context.Context, c Config) (_ *Server, err error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	master, err := newMasterKey(c)
	if err != nil {
		return nil, err
	}
	db, err := OpenStore(ctx, c)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, db.Close())
		}
	}()
	box, err := openBox(ctx, db, master, c.Now())
	if err != nil {
		return nil, err
	}
	if box.ByFormer() {
		c.Logger.WarnContext(ctx, "a former master key is still needed: run 'futakagi key reseal' once every server has the new one")
	}
	signer, err := audit.OpenSigner(ctx, db, box, c.Now())
	if err != nil {
		return nil, err
	}
	pages, err := templates.New(templates.Config{Brand: c.Brand})
	if err != nil {
		return nil, err
	}
	metrics := prometheus.NewRegistry()

	// Ground.
	hasher, err := account.NewHasher(c.Hashing)
	if err != nil {
		return nil, err
	}
	accounts, err := account.New(account.Config{DB: db, Hasher: hasher, Now: c.Now, Logger: c.Logger, Passwords: c.Passwords})
	if err != nil {
		return nil, err
	}
	var op *provider.Provider        // signs what relying parties are told; the toolkit asks it, and it renders with the toolkit
	var transmitter *signals.Service // says what receivers of security events are told
	others, err := outbound.New(outbound.Config{Allow: c.OutboundAllow, Loopback: c.OutboundLoopback, Roots: c.OutboundRoots})
	if err != nil {
		return nil, err
	}
	k, err := newKeyed(&c, ground{
		db: db, box: box, pages: pages, hasher: hasher, accounts: accounts, observe: newDeliveryCounter(metrics), outbound: others,
		push: func(ctx context.Context, p delivery.Push) (delivery.PushRequest, error) {
			if p.Kind == delivery.KindSignOut {
				return op.Push(ctx, p)
			}
			return transmitter.Push(ctx, p)
		},
	})
	if err != nil {
		return nil, err
	}
	outbox, factors, passwords := k.outbox, k.factors, k.passwords
	kit, err := web.New(web.Config{
		Issuer: c.Issuer, AllowedHosts: c.AllowedHosts, TrustedProxies: c.TrustedProxies, ForwardedHeader: c.ForwardedHeader,
		CrossSitePaths: provider.CrossSitePaths(), Uploads: admin.Uploads(),
		DB: db, Templates: pages, Logger: c.Logger, Metrics: metrics, Now: c.Now,
		CustomerIdle: c.CustomerIdle, OperatorIdle: c.OperatorIdle,
		Sufficient: func(ctx context.Context, s web.Session) (bool, error) { return op.Sufficient(ctx, s) },
		Fresh: func(ctx context.Context, s web.Session, within time.Duration) (bool, error) {
			return op.Fresh(ctx, s, within)
		},
	})
	if err != nil {
		return nil, err
	}

	// Features.
	op, err = provider.New(provider.Config{
		Issuer: c.Issuer, DB: db, Box: box, Accounts: accounts, Templates: pages, Toolkit: kit,
		Outbound: others, Now: c.Now, Logger: c.Logger, Lifetimes: c.Lifetimes, Keys: c.keyRules(), NewSigningKey: c.NewSigningKey, CustomerIdle: c.CustomerIdle, OperatorIdle: c.OperatorIdle,
		Zone: c.Zone, EmailNotMFA: c.EmailNotMFA, FlowsPerAddress: c.FlowsPerAddress, Registration: c.Registration, Fetch: fetchWith(others),
		Offers: func(m signin.Method) bool { return factors.Offers(m) },
		TrustedDevice: func(
			ctx context.Context, tx *store.Tx, now time.Time, flow store.Flow, st standing.Standing, held string,
		) (signin.Evidence, string, error) {
			return factors.UseDevice(ctx, tx, now, flow, st, held)
		},
	})
	if err != nil {
		return nil, err
	}
	if err := op.Start(ctx); err != nil {
		return nil, err
	}
	transmitter, err = signals.New(signals.Config{
		Issuer: c.Issuer, JWKSURL: c.Issuer + provider.PathJWKS, DB: db, Box: box, Sign: op.SignEvent, Client: op.ClientGrant,
		NotToken: provider.ErrNotClientToken, Subject: op.EventSubject, Session: op.EventSession, Transaction: op.EventTransaction, Outbound: others, Templates: pages, Toolkit: kit, Now: c.Now, Logger: c.Logger,
	})
	if err != nil {
		return nil, err
	}
	factorPages, err := mfa.NewHandler(mfa.HandlerConfig{
		Service: factors, Templates: pages, Toolkit: kit, AllowReturn: op.AllowReturn, Zone: c.Zone,
	})
	if err != nil {
		return nil, err
	}
	passwordPages, err := password.NewHandler(password.HandlerConfig{Service: passwords, Templates: pages, Toolkit: kit})
	if err != nil {
		return nil, err
	}
	console, err := admin.New(admin.Config{
		DB: db, Accounts: accounts, Factors: factors, Outbox: outbox, Passwords: passwords, Signer: signer,
		ValidRedirect: provider.ValidRedirectURI, Zone: c.Zone, Now: c.Now, CustomerIdle: c.CustomerIdle, OperatorIdle: c.OperatorIdle,
		Imports: mfa.Imports{Box: box, Countries: c.SMSCountries}, NoticeLang: c.Language, Limits: c.Staff, Keys: c.keyRules(),
	})
	if err != nil {
		return nil, err
	}
	consolePages, err := admin.NewHandler(admin.HandlerConfig{
		Service: console, Templates: pages, Toolkit: kit, Issuer: c.Issuer, Zone: c.Zone, Now: c.Now, JWKSURL: c.Issuer + provider.PathJWKS,
	})
	if err != nil {
		return nil, err
	}
	api, err := admin.NewAPI(admin.APIConfig{
		Service: console, Issuer: c.Issuer, ClientToken: op.ClientToken, NotToken: provider.ErrNotClientToken,
		ClientSecret: op.ClientSecret, DB: db, Box: box,
		Templates: pages, Toolkit: kit, RequestsPerMinute: c.APIRequestsPerMinute, Now: c.Now,
	})
	if err != nil {
		return nil, err
	}

	reports := c.Reports
	reports.Outbox, reports.Now = outbox, c.Now
	hooks, err := delivery.NewHooks(reports)
	if err != nil {
		return nil, err
	}

	s := &Server{
		DB: db, Admin: console, Hasher: hasher, Box: box, MFA: factors, Passwords: passwords, Outbox: outbox, Provider: op,
		logger: c.Logger, drainDelay: c.DrainDelay, stopLimit: stopLimit,
	}
	root := kit.Mux()
	root.Use(withOrigin)
	op.Mount(root)
	transmitter.Mount(root)
	factorPages.Mount(root)
	passwordPages.Mount(root)
	consolePages.Mount(root)
	api.Mount(root)
	for path, f := range hooks.Routes() {
		root.Post(path, f)
	}
	root.Handle("/assets/*", pages.Assets())
	root.Get("/favicon.ico", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, pages.AssetPath("icon.svg"), http.StatusFound)
	})
	s.Handler = root
	s.Management = s.management(metrics, outbox)
	sealer := &keys.Sealer{DB: db, Box: box, Now: c.Now, Logger: c.Logger}
	s.jobs = []func(context.Context){
		op.Run, transmitter.Run, sealer.Run, s.mailman(outbox), passwords.Run, console.RunImports, s.janitor(c.Now),
		s.notary(signer, c.AuditCheckpointFile, c.Now), s.announcer(console), s.indexer(accounts),
	}
	return s, nil
}

// Close releases the database.
func (s *Server) Close() error {
	if err := s.DB.Close(); err != nil {
		return fmt.Errorf("close database: %w", err)
	}
	return nil
}

// withOrigin gives audit rows the request's origin.
func withOrigin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := audit.WithOrigin(r.Context(), audit.Origin{
			Address: web.ClientAddr(r.Context()).String(), UserAgent: r.UserAgent(), RequestID: web.RequestID(r.Context()),
		})
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

package provider

import (
	"cmp"
	"context"
	"crypto"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/futakagi/futakagi/internal/outbound"
	"github.com/futakagi/futakagi/internal/seal"
	"github.com/futakagi/futakagi/keys"
	"github.com/futakagi/futakagi/store"
)

// machineConfig is what the machine endpoints are made of.
type machineConfig struct {
	Issuer    string
	DB        *store.DB
	Box       *seal.Box
	Now       func() time.Time
	Logger    *slog.Logger
	Lifetimes Lifetimes
	Keys      keys.Rules
	// NewSigningKey is that of Config.
	NewSigningKey func(alg string) (crypto.Signer, error)
	// EmailNotMFA and Outbound are those of Config.
	EmailNotMFA bool
	Outbound    *outbound.Client
	// FlowsPerAddress is that of Config.
	FlowsPerAddress int
	// Registration and Fetch are those of Config.
	Registration Registration
	Fetch        func(ctx context.Context, uri string) ([]byte, error)
}

// machine is the side of the provider that programs talk to: token, userinfo, introspection, revocation, keys, discovery.
// None of it reads a cookie.
type machine struct {
	issuer    string
	db        *store.DB
	now       func() time.Time
	logger    *slog.Logger
	lifetimes Lifetimes
	clients   *ClientSource
	// clientKeys are what clients sign with.
	clientKeys *clientKeys
	keys       *Keyring
	subjects   *subjects
	box        *seal.Box
	mint       *minter
	discovery  *document
	library    http.Handler
	nonces     *nonces
	noSecret   []byte // compared when there is no client to compare with
	emailMFA   bool

	// deviceBudget bounds how many devices may begin, and proofBudget how many proofs come from clients without a secret.
	deviceBudget, proofBudget *flowBudget

	registration Registration
	fetch        func(ctx context.Context, uri string) ([]byte, error)
}

// newMachine builds the endpoints; start makes them ready.
func newMachine(c machineConfig) (*machine, error) {
	if c.Issuer == "" || c.DB == nil || c.Box == nil || c.Now == nil || c.Logger == nil {
		return nil, errors.New("provider: a part of the machine endpoints is missing")
	}
	if err := c.Registration.check(); err != nil {
		return nil, err
	}
	discovery, err := newDiscovery(c.Issuer, c.Registration.on())
	if err != nil {
		return nil, err
	}
	ring := newKeyring(c.DB, c.Box, c.Keys, c.Now, c.Logger)
	if c.NewSigningKey != nil {
		ring.newKey = c.NewSigningKey
	}
	_, noSecret := NewClientSecret()
	names := &subjects{} // filled in by start
	m := &machine{
		issuer:     c.Issuer,
		db:         c.DB,
		now:        c.Now,
		logger:     c.Logger,
		lifetimes:  c.Lifetimes,
		clients:    newClientSource(c.DB, c.Logger),
		clientKeys: newClientKeys(c.Outbound, c.Now, c.Logger),
		keys:       ring,
		subjects:   names,
		box:        c.Box,
		mint:       &minter{issuer: c.Issuer, keys: ring, subjects: names, lifetime: c.Lifetimes.IDToken, emailMFA: !c.EmailNotMFA},
		emailMFA:   !c.EmailNotMFA,
		nonces:     &nonces{box: c.Box, clock: c.Now},
		discovery:  discovery,
		noSecret:   noSecret,

		deviceBudget: newFlowBudget(c.FlowsPerAddress), proofBudget: newFlowBudget(proofsPerFlow * cmp.Or(c.FlowsPerAddress, defaultFlowsPerAddress)),

		registration: c.Registration.orDefaults(),
		fetch:        c.Fetch,
	}
	// Endpoints that are not named are not routed. The library's default cross-origin policy, which reflects any origin with
	// credentials, is switched off; ours is in guard.
	m.library = op.RegisterServer(&server{machine: m}, op.Endpoints{
		Token:         op.NewEndpoint(pathToken),
		Userinfo:      op.NewEndpoint(pathUserinfo),
		Introspection: op.NewEndpoint(pathIntrospect),
		Revocation:    op.NewEndpoint(pathRevoke),
	}, op.WithServerCORSOptions(nil))
	return m, nil
}

// start loads clients and keys; the first start on an empty database makes the keys.
func (m *machine) start(ctx context.Context) error {
	if err := m.clients.Reload(ctx); err != nil {
		return fmt.Errorf("provider: %w", err)
	}
	if err := m.keys.load(ctx); err != nil {
		return fmt.Errorf("provider: %w", err)
	}
	if err := m.subjects.loadSalt(ctx, m.db, m.box, m.now()); err != nil {
		return fmt.Errorf("provider: %w", err)
	}
	return nil
}

// Run keeps clients and keys in memory up to date with the database until ctx ends.
func (m *machine) Run(ctx context.Context) {
	var followers sync.WaitGroup
	followers.Go(func() { m.clients.Run(ctx) })
	followers.Go(func() { m.keys.Run(ctx) })
	followers.Wait()
}

// ReloadClients reads the clients again at once. When it returns, changes committed before are in force here; other replicas
// learn of them by [store.ClientsChannel].
func (m *machine) ReloadClients(ctx context.Context) error { return m.clients.Reload(ctx) }

// TendKeys does what is due in the life of the signing keys, as [machine.Run] does now and then.
func (m *machine) TendKeys(ctx context.Context) error { return m.keys.Tend(ctx) }

// machinePaths are the endpoints that other origins may post to: they take no cookie.
func machinePaths() []string {
	var paths []string
	for _, e := range endpoints() {
		paths = append(paths, e.path)
	}
	return paths
}

// mount adds the routes of the machine endpoints.
func (m *machine) mount(r chi.Router) {
	for _, e := range endpoints() {
		next := m.library
		if e.path == pathDeviceAuth {
			// The library would not ask whether the client may.
			next = http.HandlerFunc(m.serveDeviceAuthorization)
		}
		r.Handle(e.path, m.guard(e, next))
	}
	m.mountRegistration(r)
	discovery := m.serveDocument(func() *document { return m.discovery })
	r.Handle(pathDiscovery, discovery)
	r.Handle(pathOAuthMetadata, discovery)
	r.Handle(PathJWKS, m.serveDocument(func() *document { return m.keys.current.Load().jwks }))
}

// server implements the library's Server interface: each method takes a parsed request to the decision it asks for. What we
// do not offer is answered as unsupported.
type server struct {
	op.UnimplementedServer
	*machine
}

var _ op.Server = (*server)(nil)

// VerifyClient implements [op.Server]. The client was authenticated before the library saw the request: there, two methods at
// once and the registered method can still be told apart, and a failure is a 401.
func (s *server) VerifyClient(ctx context.Context, _ *op.Request[op.ClientCredentials]) (op.Client, error) {
	c := exchangeOf(ctx).client
	if c == nil {
		return nil, errors.New("request without an authenticated client")
	}
	return c, nil
}

// answer turns a decision into what the library wants. A refusal is left with the exchange, whose guard words it: an error
// given to the library would be sent as it is, and logged a second time.
func answer(ctx context.Context, data any, err error) (*op.Response, error) {
	if err != nil {
		exchangeOf(ctx).failure = err
		return op.NewResponse(nil), nil //nolint:nilerr // left with the exchange
	}
	return op.NewResponse(data), nil
}

package provider

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/internal/outbound"
	"github.com/futakagi/futakagi/internal/seal"
	"github.com/futakagi/futakagi/keys"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/signin/standing"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// Config is what a Provider is made of. Every field is required unless it says otherwise.
type Config struct {
	// Issuer is the public base URL, without a slash at its end (OpenID Connect Discovery §3).
	Issuer string
	// DB holds flows, sessions, grants, clients and keys.
	DB *store.DB
	// Box seals the private signing keys.
	Box *seal.Box
	// Accounts checks passwords.
	Accounts *account.Service
	// Templates renders the pages.
	Templates *templates.Set
	// Toolkit carries sessions, flows and the error pages.
	Toolkit *web.Toolkit
	// Outbound fetches the key sets of clients that keep them at an address. Optional: without it those clients prove nothing.
	Outbound *outbound.Client
	// Now is the clock.
	Now func() time.Time
	// Logger receives what no caller can be told.
	Logger *slog.Logger
	// Lifetimes bound what is issued.
	Lifetimes Lifetimes
	// Keys is the life of signing keys.
	Keys keys.Rules
	// NewSigningKey makes the key pairs of an algorithm, ES256, RS256 or EdDSA. Optional: without it they are made here; tests, which start
	// hundreds of servers, give some that were made before.
	NewSigningKey func(alg string) (crypto.Signer, error)
	// CustomerIdle and OperatorIdle end a session that is not used; a sign-in that rests on a session ends no later.
	CustomerIdle, OperatorIdle time.Duration
	// EmailNotMFA keeps "mfa" out of amr where the second factor is a code by mail, for those who follow NIST SP 800-63B-4 §3.1.3.1
	// to the letter. acr says what was proved all the same.
	EmailNotMFA bool
	// Offers reports whether the installation can do a method, whatever a surface allows. Optional: without it, it can do all.
	Offers func(signin.Method) bool
	// TrustedDevice looks at the browser whose person gave the right password. Optional: without it no browser is trusted.
	TrustedDevice UseDevice
	// Zone is the time zone of days on pages; UTC if nil.
	Zone *time.Location
	// Registration says whether clients may register themselves; nobody may if it is zero.
	Registration Registration
	// Fetch reads a document from an address that somebody else chose, and sees to it that nothing of ours is reached. Optional:
	// without it no client can name such an address.
	Fetch func(ctx context.Context, uri string) ([]byte, error)
	// FlowsPerAddress is how many sign-ins one client network may begin in five minutes; 120 if zero.
	FlowsPerAddress int
}

// UseDevice decides, in the transaction that accepts a password and before it touches the flow, whether the browser stands in for
// the second factor. st is where the sign-in will stand with the password, held what the browser holds of a trusted device. The
// proof is zero if that does not count. hold is what the browser is to hold from here on; empty: nothing.
type UseDevice func(
	ctx context.Context, tx *store.Tx, now time.Time, flow store.Flow, st standing.Standing, held string,
) (proof signin.Evidence, hold string, err error)

// Lifetimes bound what is issued.
type Lifetimes struct {
	// Flow is how long a sign-in may take.
	Flow time.Duration
	// Session is the absolute limit of a session, by kind of account.
	CustomerSession, OperatorSession time.Duration
	// Code, IDToken, Access and Refresh are those of the tokens; RefreshAbsolute ends a family however often it was refreshed.
	Code, IDToken, Access, Refresh, RefreshAbsolute time.Duration
	// RefreshRetry is how long a client that lost the answer may present a used refresh token again; 0: not at all.
	RefreshRetry time.Duration
}

// Provider is the OpenID provider: protocol endpoints, sign-in and sessions.
type Provider struct {
	*machine // the endpoints that programs call

	issuer    string
	db        *store.DB
	accounts  *account.Service
	templates *templates.Set
	kit       *web.Toolkit
	now       func() time.Time
	zone      *time.Location
	lifetimes Lifetimes
	limits    standing.Limits
	idle      map[web.Kind]time.Duration

	surfaces   map[string]web.Kind
	flowBudget *flowBudget
	useDevice  UseDevice
}

// New checks the configuration and builds the provider. Call Start before serving.
func New(c Config) (*Provider, error) {
	switch {
	case c.Issuer == "":
		return nil, errors.New("provider: Issuer is missing")
	case c.DB == nil, c.Box == nil, c.Accounts == nil, c.Templates == nil, c.Toolkit == nil, c.Now == nil, c.Logger == nil:
		return nil, errors.New("provider: a part is missing")
	case c.Keys.CacheFor <= 0 || c.Keys.TokenLife <= 0 || c.Keys.Every < 0:
		return nil, errors.New("provider: the rules of signing keys are missing")
	case c.CustomerIdle <= 0 || c.OperatorIdle <= 0:
		return nil, errors.New("provider: the idle limits must be positive")
	}
	l := c.Lifetimes
	for _, d := range []time.Duration{l.Flow, l.CustomerSession, l.OperatorSession, l.Code, l.IDToken, l.Access, l.Refresh, l.RefreshAbsolute} {
		if d <= 0 {
			return nil, errors.New("provider: every lifetime must be positive")
		}
	}
	if l.RefreshRetry < 0 || l.RefreshRetry > maxRefreshRetry {
		return nil, errors.New("provider: a refresh token may be presented again for a minute at most")
	}
	m, err := newMachine(machineConfig{
		Issuer: c.Issuer, DB: c.DB, Box: c.Box, Now: c.Now, Logger: c.Logger, Lifetimes: l, Keys: c.Keys, NewSigningKey: c.NewSigningKey,
		EmailNotMFA: c.EmailNotMFA, Outbound: c.Outbound, FlowsPerAddress: c.FlowsPerAddress, Registration: c.Registration, Fetch: c.Fetch,
	})
	if err != nil {
		return nil, err
	}
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	return &Provider{
		machine: m, zone: c.Zone,
		issuer: c.Issuer, db: c.DB, accounts: c.Accounts, templates: c.Templates, kit: c.Toolkit, now: c.Now, lifetimes: l,
		limits:     standing.Limits{Customer: l.CustomerSession, Operator: l.OperatorSession, Offers: c.Offers},
		idle:       map[web.Kind]time.Duration{web.Customer: c.CustomerIdle, web.Operator: c.OperatorIdle},
		flowBudget: newFlowBudget(c.FlowsPerAddress), useDevice: c.TrustedDevice,
	}, nil
}

// Start loads surfaces, clients and keys; the first start on an empty database makes the keys.
func (p *Provider) Start(ctx context.Context) error {
	rows, err := p.db.Read().ListSurfaces(ctx)
	if err != nil {
		return fmt.Errorf("load surfaces: %w", err)
	}
	p.surfaces = make(map[string]web.Kind, len(rows))
	for _, s := range rows {
		p.surfaces[s.ID] = web.Kind(s.AccountKind)
	}
	if kind := p.surfaces[p.registration.Surface]; p.registration.on() && kind != web.Customer {
		return fmt.Errorf("clients cannot register themselves on surface %q: it must be one of customers", p.registration.Surface)
	}
	return p.machine.start(ctx)
}

// CrossSitePaths are the endpoints that other origins may post to: machines, which carry no cookie, and the two browser
// endpoints whose posts do no more than a link could.
func CrossSitePaths() []string {
	return append(machinePaths(), pathPAR, "/authorize", "/logout")
}

// Mount adds the provider's routes.
func (p *Provider) Mount(r chi.Router) {
	h := p.kit.Handle
	r.Get("/authorize", h(getOnly(p.getAuthorize)))
	r.Post("/authorize", h(p.postAuthorize))

	r.Get("/signin/start", h(getOnly(p.getStart)))
	r.Get("/signin", h(p.getSignIn))
	r.Post("/signin", h(p.postSignIn))
	r.Get("/signin/continue", h(getOnly(p.getContinue)))
	r.Post("/signin/cancel", h(p.postCancel))
	r.Get("/signin/cancel", h(p.getCancel))

	r.Get(templates.PathLogo+"/{client}", h(p.getLogo))
	r.Get(pathConsent, h(p.getConsent))
	r.Post(pathConsent, h(p.postConsent))

	r.Get("/logout", h(getOnly(p.getLogout)))
	r.Post("/logout", h(p.postLogout))
	r.Post("/logout/confirm", h(p.postLogoutConfirm))
	r.Get("/logout/confirm", h(getOnly(p.getLogout)))
	r.Get("/signed-out", h(p.getSignedOut))

	r.Get(PathDevice, h(getOnly(p.getDevice)))
	r.Post(PathDevice, h(p.postDevice))
	r.Get(pathDeviceConfirm, h(getOnly(p.getDeviceConfirm)))
	r.Post(pathDeviceConfirm, h(p.postDeviceConfirm))
	r.Get(PathDevice+"/done", h(p.getDeviceDone))

	p.machine.mount(r)
	par := pushEndpoint()
	r.Handle(par.path, p.guard(par, http.HandlerFunc(p.postPushed)))
}

// getOnly keeps HEAD away from the addresses that the protocols define to act on GET: asking for headers must change nothing
// (RFC 9110 §9.2.1).
func getOnly(next web.HandlerFunc) web.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		if r.Method != http.MethodGet {
			w.Header().Set("Allow", http.MethodGet)
			return &web.Error{Status: http.StatusMethodNotAllowed, Code: "method_not_allowed"}
		}
		return next(w, r)
	}
}

// page shows an error of the authorization endpoint on our own page.
func (e *unsafeError) page() error {
	return &web.Error{Status: http.StatusBadRequest, Code: e.code, Kind: templates.ErrorProtocol, Description: e.description, Cause: e}
}

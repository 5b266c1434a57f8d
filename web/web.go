package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

// Config is what a Toolkit is made of.
type Config struct {
	// Issuer is the public base URL. Its host is always accepted, and an https
	// issuer turns on Strict-Transport-Security.
	Issuer string
	// AllowedHosts are further Host header values to answer to, with port
	// unless it is the default one.
	AllowedHosts []string
	// TrustedProxies are the networks whose forwarding header is believed.
	TrustedProxies []netip.Prefix
	// ForwardedHeader is the one header those proxies write: X-Forwarded-For
	// (when empty) or Forwarded. The other one is never read, since a proxy
	// passes on what it does not write itself.
	ForwardedHeader string
	// CrossSitePaths are the exact paths that other origins may POST to:
	// machine endpoints, which take no cookie, and protocol endpoints that
	// relying parties post to by design.
	CrossSitePaths []string
	// Uploads are the paths whose posted form brings a file, and how many
	// bytes its body may have; a star is one part of a path. Their handlers
	// read it with [Upload].
	Uploads map[string]int64

	// DB holds sessions and flows.
	DB *store.DB
	// Templates renders the error pages and knows the texts and banners.
	Templates *templates.Set
	// Logger receives one record per request.
	Logger *slog.Logger
	// Metrics is where the request histogram is registered; nil means nowhere.
	Metrics prometheus.Registerer
	// Now is the clock for sessions and flows.
	Now func() time.Time

	// CustomerIdle and OperatorIdle end a session that was not used for so
	// long. The absolute limit is written in the session when it is made.
	CustomerIdle, OperatorIdle time.Duration
	// Sufficient reports whether the session proved what its surface demands
	// now: enforcement may have been switched on since it was made. It decides
	// for Require.
	Sufficient func(ctx context.Context, s Session) (bool, error)
	// Fresh reports whether the session proved all factors its account needs
	// no longer ago than within. It decides for RequireFresh.
	Fresh func(ctx context.Context, s Session, within time.Duration) (bool, error)
}

// HandlerFunc is a handler that leaves its errors to the toolkit.
type HandlerFunc func(w http.ResponseWriter, r *http.Request) error

// Toolkit carries what handlers of all features share. It is immutable and
// safe for concurrent use.
type Toolkit struct {
	// Sessions finds and guards full sessions.
	Sessions *Sessions
	// Flows finds the sign-in a request belongs to.
	Flows *Flows

	issuer    *url.URL
	hosts     map[string]bool
	proxies   proxies
	crossSite map[string]bool
	uploads   map[string]int64
	csrf      *http.CrossOriginProtection
	templates *templates.Set
	logger    *slog.Logger
	requests  *prometheus.HistogramVec
	now       func() time.Time
}

// New checks the configuration and builds the toolkit.
func New(c Config) (*Toolkit, error) {
	switch {
	case c.DB == nil:
		return nil, errors.New("web: DB is missing")
	case c.Templates == nil:
		return nil, errors.New("web: Templates is missing")
	case c.Logger == nil:
		return nil, errors.New("web: Logger is missing")
	case c.Now == nil:
		return nil, errors.New("web: Now is missing")
	case c.Sufficient == nil:
		return nil, errors.New("web: Sufficient is missing")
	case c.Fresh == nil:
		return nil, errors.New("web: Fresh is missing")
	case c.CustomerIdle <= 0 || c.OperatorIdle <= 0:
		return nil, errors.New("web: idle limits must be positive")
	}
	issuer, err := url.Parse(c.Issuer)
	if err != nil || issuer.Host == "" || (issuer.Scheme != "https" && issuer.Scheme != "http") {
		return nil, fmt.Errorf("web: issuer %q is not an http(s) URL", c.Issuer)
	}
	px, err := newProxies(c.TrustedProxies, c.ForwardedHeader)
	if err != nil {
		return nil, err
	}
	requests, err := newRequestHistogram(c.Metrics)
	if err != nil {
		return nil, err
	}
	k := &Toolkit{
		issuer:    issuer,
		hosts:     map[string]bool{},
		proxies:   px,
		crossSite: map[string]bool{},
		uploads:   c.Uploads,
		csrf:      http.NewCrossOriginProtection(),
		templates: c.Templates,
		logger:    c.Logger,
		requests:  requests,
		now:       c.Now,
	}
	k.hosts[k.canonicalHost(issuer.Host)] = true
	for _, h := range c.AllowedHosts {
		k.hosts[k.canonicalHost(h)] = true
	}
	for _, p := range c.CrossSitePaths {
		if !strings.HasPrefix(p, "/") {
			return nil, fmt.Errorf("web: cross-site path %q must begin with /", p)
		}
		k.crossSite[p] = true
	}
	k.Sessions = &Sessions{
		db:         c.DB,
		kit:        k,
		now:        c.Now,
		idle:       map[Kind]time.Duration{Customer: c.CustomerIdle, Operator: c.OperatorIdle},
		sufficient: c.Sufficient,
		fresh:      c.Fresh,
	}
	k.Flows = &Flows{db: c.DB, now: c.Now}
	return k, nil
}

// Mux returns a router with the whole middleware stack and the pages for
// unknown paths and methods. Features mount their routes on it.
func (k *Toolkit) Mux() *chi.Mux {
	m := chi.NewRouter()
	m.Use(k.Stack()...)
	m.NotFound(k.Handle(func(http.ResponseWriter, *http.Request) error {
		return NotFound(nil)
	}))
	m.MethodNotAllowed(k.Handle(func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Allow", strings.Join(allowedMethods(r), ", "))
		return &Error{Status: http.StatusMethodNotAllowed, Code: "method_not_allowed"}
	}))
	return m
}

// Handle adapts a handler that returns an error.
func (k *Toolkit) Handle(f HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := f(w, r); err != nil {
			k.Error(w, r, err)
		}
	}
}

// canonicalHost lower-cases a host and drops the port that the issuer's scheme
// implies, so that the two spellings of one authority are one entry.
func (k *Toolkit) canonicalHost(h string) string {
	h = strings.ToLower(h)
	if k.issuer.Scheme == "https" {
		return strings.TrimSuffix(h, ":443")
	}
	return strings.TrimSuffix(h, ":80")
}

func allowedMethods(r *http.Request) []string {
	rctx := chi.RouteContext(r.Context())
	if rctx == nil || rctx.Routes == nil {
		return nil
	}
	var out []string
	for _, m := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		if rctx.Routes.Match(chi.NewRouteContext(), m, r.URL.Path) {
			out = append(out, m)
		}
	}
	return out
}

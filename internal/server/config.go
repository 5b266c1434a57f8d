package server

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/provider"
	"github.com/futakagi/futakagi/templates"
)

// Config is what a Server is made of.
type Config struct {
	// Issuer is the public base URL without a slash at its end.
	Issuer string
	// AllowedHosts are further Host header values to answer to.
	AllowedHosts []string
	// TrustedProxies are the networks whose forwarding header is believed.
	TrustedProxies []netip.Prefix
	// ForwardedHeader is the header they write: X-Forwarded-For when empty, or Forwarded.
	ForwardedHeader string

	// DatabaseURL is sqlite:PATH or postgres://…; MaxConns bounds each of its two pools, 0 means the store's default.
	DatabaseURL string
	MaxConns    int
	// MasterKey wraps the keys that seal secrets at rest: 32 bytes in base64. Empty is allowed with SQLite only: the key then
	// lies beside the file and is made at the first start.
	MasterKey string
	// NewSigningKey is provider.Config's; optional.
	NewSigningKey func(alg string) (crypto.Signer, error)
	// FormerMasterKeys open the database until everything was sealed anew under MasterKey: separated by white space or commas.
	FormerMasterKeys string
	// RotateKeysEvery is after how long a signing key gives way to the next; 0: when an operator says so.
	RotateKeysEvery time.Duration
	// AutoMigrate brings the schema up to date at start. SQLite always does.
	AutoMigrate bool

	// Brand is what the pages and mails call the provider.
	Brand templates.Brand
	// Zone is where times are shown.
	Zone *time.Location
	// Language is that of mails to people whose language is not known.
	Language templates.Lang

	// CustomerIdle and OperatorIdle end a session that is not used.
	CustomerIdle, OperatorIdle time.Duration
	// Lifetimes bound what is issued.
	Lifetimes provider.Lifetimes
	// EmailNotMFA keeps "mfa" out of amr where the second factor is a code by mail.
	EmailNotMFA bool
	// PasskeyRPID is the domain that passkeys belong to, the issuer's host if empty; PasskeyOrigins are the addresses whose pages
	// may use them, the issuer's if none.
	PasskeyRPID    string
	PasskeyOrigins []string
	// FlowsPerAddress is how many sign-ins one client network may begin in five minutes; the provider's default if zero.
	FlowsPerAddress int
	// APIRequestsPerMinute is how many requests one client or operator may send to the API of one server; 600 if zero.
	APIRequestsPerMinute int
	// Hashing bounds the work of password hashing.
	Hashing account.HasherConfig
	// Passwords are the rules of new passwords.
	Passwords account.PasswordRules
	// Mailer sends mail, From and FromName are who it comes from. Without one, messages wait until they expire.
	Mailer                 delivery.Mailer
	MailFrom, MailFromName string
	// BounceTo is the address that bounces come back to, with a token of their own before the @; MailFrom if empty.
	BounceTo string
	// Reports are who may tell what became of messages: nobody if it is empty. Outbox and Now are filled in.
	Reports delivery.HooksConfig
	// SMS sends text messages, and SMSFrom is the sender that phones show; optional. Without SMS, codes go by mail alone.
	SMS     delivery.SMS
	SMSFrom string
	// SMSCountries are the countries whose mobile numbers may be used (ISO 3166-1 alpha-2).
	SMSCountries []string
	// SMSPerDay is how many text messages may leave in one day in all, and SMSPerPrefixDay to one range of numbers: those that
	// differ in their last five digits only.
	SMSPerDay, SMSPerPrefixDay int
	// Registration says whether clients may register themselves; nobody may if it is zero.
	Registration provider.Registration
	// OutboundAllow are networks besides the public internet where relying parties are told of sign-outs; OutboundLoopback allows this
	// machine, by http as well. OutboundRoots are the certificate authorities; those of the system if nil.
	OutboundAllow    []netip.Prefix
	OutboundLoopback bool
	OutboundRoots    *x509.CertPool
	// Staff is how often one operator may do what opens accounts; zero fields take admin.DefaultLimits.
	Staff admin.Limits

	// AuditCheckpointFile is appended to whenever the audit log was signed; empty: no copy is kept outside of the database.
	AuditCheckpointFile string

	// DrainDelay is how long the server goes on serving after readiness failed, so that load balancers notice.
	DrainDelay time.Duration
	// OnStatement, when set, hears the name of every database statement; for measurements.
	OnStatement func(name string)
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Logger receives one record per request and what no caller can be told.
	Logger *slog.Logger
}

// Defaults are the limits of the documentation; a caller overrides what it wants.
func Defaults() Config {
	return Config{
		Zone:            time.FixedZone("JST", 9*60*60),
		Language:        templates.Ja,
		RotateKeysEvery: 90 * 24 * time.Hour,
		CustomerIdle:    time.Hour, OperatorIdle: 15 * time.Minute,
		Lifetimes: provider.Lifetimes{
			Flow: 30 * time.Minute, CustomerSession: 24 * time.Hour, OperatorSession: 12 * time.Hour,
			Code: time.Minute, IDToken: 10 * time.Minute, Access: 15 * time.Minute,
			Refresh: 30 * 24 * time.Hour, RefreshAbsolute: 90 * 24 * time.Hour, RefreshRetry: 10 * time.Second,
		},
		SMSCountries: []string{"JP"}, SMSPerDay: 5000, SMSPerPrefixDay: 100,
	}
}

// passkeys returns the domain that passkeys belong to and the addresses that may use them, from the issuer where nothing else is
// said. An issuer that is an IP address has no domain, and so no passkeys.
func (c *Config) passkeys() (rpID string, origins []string, err error) {
	issuer, err := url.Parse(c.Issuer)
	if err != nil {
		return "", nil, fmt.Errorf("server: Issuer: %w", err)
	}
	rpID, origins = c.PasskeyRPID, c.PasskeyOrigins
	if rpID == "" {
		if rpID = issuer.Hostname(); net.ParseIP(rpID) != nil {
			return "", nil, nil
		}
	}
	if len(origins) == 0 {
		origins = []string{issuer.Scheme + "://" + issuer.Host}
	}
	return rpID, origins, nil
}

// ErrNoIssuer says that a configuration lacks the public address.
var ErrNoIssuer = errors.New("server: Issuer is missing")

func (c *Config) check() error {
	switch {
	case c.Issuer == "":
		return ErrNoIssuer
	case c.Zone == nil:
		return errors.New("server: Zone is missing")
	}
	return c.checkDatabase()
}

// checkDatabase checks what everything over a database needs.
func (c *Config) checkDatabase() error {
	switch {
	case c.DatabaseURL == "":
		return errors.New("server: DatabaseURL is missing")
	case c.Logger == nil:
		return errors.New("server: Logger is missing")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return nil
}

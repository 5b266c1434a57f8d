package password

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/signin/standing"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

// Config is what a [Service] is made of. Fields are required unless they say otherwise.
type Config struct {
	// DB holds everything.
	DB *store.DB
	// Accounts has the rules of passwords.
	Accounts *account.Service
	// Outbox takes links and notices.
	Outbox *delivery.Outbox
	// Issuer is the public base URL: links in mails begin with it.
	Issuer string
	// Now is the clock.
	Now func() time.Time
	// Logger receives failures that nobody waits for.
	Logger *slog.Logger
	// Proofs is how long a proof counts at most: the absolute limits of sessions.
	Proofs standing.Limits
	// StaffLang is the language of mails that staff causes; Japanese if empty.
	StaffLang templates.Lang
	// Limits bound what is asked for and sent.
	Limits Limits
	// Poll is how often requests are looked for; 1 s if zero.
	Poll time.Duration
}

// Limits bound requests for new passwords and the mails that come of them. Zero fields take the values named; none may be more
// generous than that unless it says so.
type Limits struct {
	// LinkLifetime is how long a link works: 30 minutes.
	LinkLifetime time.Duration
	// LinksHour and LinksDay are how many links an account gets in any hour and in any 24 hours: 3 and 10. Those that staff sends
	// are counted apart, 3 in any hour.
	LinksHour, LinksDay int
	// MailboxHour is how many links one mailbox gets in any hour, whosever accounts they are for: 10.
	MailboxHour int
	// NoticesHour is how many notices one mailbox gets in any hour, with those of second factors: 20.
	NoticesHour int
	// LoginHour is how many requests for one login ID are looked at in an hour of the clock, whether it exists or not: 10.
	LoginHour int
	// NetworkHour is how many requests one client network may make in an hour of the clock: 30. A larger one may be set.
	NetworkHour int
	// GlobalHour is how many requests all clients may make in an hour of the clock: 10 000. A larger one may be set.
	GlobalHour int
}

// withDefaults fills in the zero fields and refuses what would weaken the rules.
func (l Limits) withDefaults() (Limits, error) {
	var problem error
	for _, f := range []struct {
		name            string
		field           *int
		standard, limit int
	}{
		{"LinksHour", &l.LinksHour, 3, 3},
		{"LinksDay", &l.LinksDay, 10, 10},
		{"MailboxHour", &l.MailboxHour, 10, 10},
		{"NoticesHour", &l.NoticesHour, 20, 20},
		{"LoginHour", &l.LoginHour, 10, 10},
		{"NetworkHour", &l.NetworkHour, 30, 1 << 30},
		{"GlobalHour", &l.GlobalHour, 10_000, 1 << 30},
	} {
		if *f.field == 0 {
			*f.field = f.standard
		}
		if *f.field < 1 || *f.field > f.limit {
			problem = errors.Join(problem, fmt.Errorf("password: limit %s is %d, must be 1 to %d", f.name, *f.field, f.limit))
		}
	}
	if l.LinkLifetime == 0 {
		l.LinkLifetime = 30 * time.Minute
	}
	if l.LinkLifetime < time.Minute || l.LinkLifetime > 30*time.Minute { // I19
		problem = errors.Join(problem, fmt.Errorf("password: limit LinkLifetime is %v, must be 1m to 30m", l.LinkLifetime))
	}
	return l, problem
}

// Service has the use cases. It knows nothing of HTTP and is safe for concurrent use.
type Service struct {
	db        *store.DB
	accounts  *account.Service
	outbox    *delivery.Outbox
	issuer    string
	clock     func() time.Time
	logger    *slog.Logger
	proofs    standing.Limits
	staffLang templates.Lang
	limits    Limits
	poll      time.Duration
}

// New checks the configuration and makes a Service.
func New(c Config) (*Service, error) {
	if c.DB == nil || c.Accounts == nil || c.Outbox == nil || c.Now == nil || c.Logger == nil {
		return nil, errors.New("make password service: DB, Accounts, Outbox, Now and Logger are required")
	}
	if u, err := url.Parse(c.Issuer); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("make password service: issuer %q is not an http(s) URL", c.Issuer)
	}
	if c.Proofs.Customer <= 0 || c.Proofs.Operator <= 0 || c.Poll < 0 {
		return nil, errors.New("make password service: the limits of proofs must be positive, and Poll not negative")
	}
	limits, err := c.Limits.withDefaults()
	if err != nil {
		return nil, err
	}
	if c.StaffLang == "" {
		c.StaffLang = templates.Ja
	}
	if c.Poll == 0 {
		c.Poll = time.Second
	}
	return &Service{
		db: c.DB, accounts: c.Accounts, outbox: c.Outbox, issuer: strings.TrimSuffix(c.Issuer, "/"), clock: c.Now, logger: c.Logger,
		proofs: c.Proofs, staffLang: c.StaffLang, limits: limits, poll: c.Poll,
	}, nil
}

// now is the present time as rows keep it.
func (s *Service) now() time.Time { return s.clock().UTC().Truncate(time.Microsecond) }

// LinkMinutes is how long a link works, for pages.
func (s *Service) LinkMinutes() int { return int(s.limits.LinkLifetime / time.Minute) }

// hold locks the account's row for the rest of the transaction and returns it: what is decided about the account from here on
// stays so. An account that is not there any more is gone.
func hold(ctx context.Context, tx *store.Tx, id store.AccountID, gone error) (store.Account, error) {
	acc, err := tx.HoldAccount(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return store.Account{}, gone
	}
	if err != nil {
		return store.Account{}, fmt.Errorf("hold account: %w", err)
	}
	return acc, nil
}

package mfa

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/internal/seal"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/signin/standing"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// Config is what a Service is made of.
type Config struct {
	// Issuer is the public base URL: links in mails begin with it.
	Issuer string
	// DB holds everything.
	DB *store.DB
	// Outbox takes codes and notices.
	Outbox *delivery.Outbox
	// Box seals backup codes until they are saved, and authenticates the codes that were sent.
	Box *seal.Box
	// HashAll makes the stored forms of backup codes, each as slowly as that of a password, as one piece of work.
	HashAll func(ctx context.Context, secrets []string) ([]string, error)
	// CheckCode finds which of several stored forms of backup codes a code belongs to, in any of its spellings; -1 for none.
	CheckCode func(ctx context.Context, hashes, spellings []string) (index int, err error)
	// Busy is what the two fail with when too much is being hashed already; nil if they never do.
	Busy error
	// Now is the clock.
	Now func() time.Time
	// NoticeLang is the language of notices that no page of the person's own caused; Japanese if empty.
	NoticeLang templates.Lang
	// Proofs is how long a proof counts at most: the absolute limits of sessions; a day and 12 hours if zero.
	Proofs standing.Limits
	// SessionIdle is after how long without use a session is not listed as live any more; an hour if zero. OperatorIdle is that
	// of operators, the same if zero.
	SessionIdle, OperatorIdle time.Duration
	// Brand is what authenticator apps call the provider, beside the login ID; "Futakagi" if empty.
	Brand string
	// RPID is the domain that passkeys belong to, and Origins the addresses whose pages may use them: both from configuration, never
	// from a request. Without RPID there are no passkeys.
	RPID    string
	Origins []string
	// SMSCountries are the countries whose mobile numbers can be set up, as ISO 3166 codes; Japan if none.
	SMSCountries []string
	// Limits bound guessing and sending.
	Limits Limits
}

// Service holds the rules. It knows nothing of HTTP and is safe for concurrent use.
type Service struct {
	issuer     string
	db         *store.DB
	outbox     *delivery.Outbox
	box        *seal.Box
	hashAll    func(ctx context.Context, secrets []string) ([]string, error)
	checkCode  func(ctx context.Context, hashes, spellings []string) (index int, err error)
	busy       error
	clock      func() time.Time
	noticeLang templates.Lang
	proofs     standing.Limits
	idle       map[web.Kind]time.Duration
	limits     Limits
	brand      string
	countries  []string
	rp         *relyingParty // nil: no passkeys
	// decoy is compared when there is nothing to compare, so that a guess costs the same whatever it hits.
	decoy string
}

// New checks the configuration and makes a Service.
func New(c Config) (*Service, error) {
	if u, err := url.Parse(c.Issuer); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("mfa: issuer %q is not an http(s) URL", c.Issuer)
	}
	switch {
	case c.DB == nil:
		return nil, errors.New("mfa: DB is missing")
	case c.Outbox == nil:
		return nil, errors.New("mfa: Outbox is missing")
	case c.Box == nil:
		return nil, errors.New("mfa: Box is missing")
	case c.HashAll == nil || c.CheckCode == nil:
		return nil, errors.New("mfa: HashAll or CheckCode is missing")
	case c.Now == nil:
		return nil, errors.New("mfa: Now is missing")
	case c.SessionIdle < 0 || c.OperatorIdle < 0 || c.Proofs.Customer < 0 || c.Proofs.Operator < 0:
		return nil, errors.New("mfa: an idle limit or a limit of Proofs is negative")
	}
	if len(c.SMSCountries) == 0 {
		c.SMSCountries = []string{"JP"}
	}
	if err := checkCountries(c.SMSCountries); err != nil {
		return nil, err
	}
	limits, err := c.Limits.withDefaults()
	if err != nil {
		return nil, err
	}
	if c.SessionIdle == 0 {
		c.SessionIdle = time.Hour
	}
	if c.OperatorIdle == 0 {
		c.OperatorIdle = c.SessionIdle
	}
	if c.Brand == "" {
		c.Brand = "Futakagi"
	}
	var rp *relyingParty
	if c.RPID != "" {
		if rp, err = newRelyingParty(c.RPID, c.Brand, c.Origins); err != nil {
			return nil, fmt.Errorf("mfa: %w", err)
		}
	}
	if c.NoticeLang == "" {
		c.NoticeLang = templates.Ja
	}
	if c.Proofs.Customer == 0 {
		c.Proofs.Customer = 24 * time.Hour
	}
	if c.Proofs.Operator == 0 {
		c.Proofs.Operator = 12 * time.Hour
	}
	decoys, err := c.HashAll(context.Background(), []string{rand.Text()})
	if err != nil {
		return nil, fmt.Errorf("mfa: hash decoy: %w", err)
	}
	s := &Service{
		issuer: strings.TrimSuffix(c.Issuer, "/"), db: c.DB, outbox: c.Outbox, box: c.Box, hashAll: c.HashAll, checkCode: c.CheckCode, busy: c.Busy, clock: c.Now,
		noticeLang: c.NoticeLang, proofs: c.Proofs, limits: limits, brand: c.Brand, countries: c.SMSCountries, rp: rp, decoy: decoys[0],
		idle: map[web.Kind]time.Duration{web.Customer: c.SessionIdle, web.Operator: c.OperatorIdle},
	}
	s.proofs.Offers = s.offered
	return s, nil
}

// now is the present time as rows keep it.
func (s *Service) now() time.Time { return s.clock().UTC().Truncate(time.Microsecond) }

// subject is whoever a step is about, as the rows say it now.
type subject struct {
	standing.Standing

	account store.Account
}

// evidence is everything proved so far, whether it counts for what is asked or not.
func (p subject) evidence() signin.EvidenceList { return p.State.Evidence }

// attempted is a sign-in in progress whose password was accepted.
type attempted struct {
	subject

	flow store.Flow
	// frozen is whether changes of the account's security settings are stopped now.
	frozen bool
}

// attempt is the flow's own attempt.
func (p attempted) attempt() attempt { return attempt{flow: &p.flow.ID} }

// event is something that happened in the sign-in.
func (p attempted) event(t audit.Type, r audit.Result, reason string) audit.Event {
	e := audit.Event{Type: t, Result: r, Reason: reason, Actor: audit.OfAccount(p.account), Account: p.account.ID}
	if p.flow.ClientID != nil {
		e.ClientID = *p.flow.ClientID
	}
	return e
}

// attempted reads where a sign-in stands. The flow is as it was when the request came in: a proof accepted meanwhile changed its
// secret, and this one has to look again.
func (s *Service) attempted(ctx context.Context, q *store.Queries, flow store.Flow, now time.Time) (attempted, error) {
	st, err := standing.OfFlow(ctx, q, flow, now, s.proofs)
	if errors.Is(err, standing.ErrGone) {
		return attempted{}, ErrFlowGone
	}
	if err != nil {
		return attempted{}, err
	}
	if !st.State.Account {
		return attempted{}, ErrFlowGone // without a password no step of ours is anybody's
	}
	return attempted{flow: flow, subject: subject{Standing: st, account: st.Account}, frozen: st.Account.Frozen(now)}, nil
}

// setUp returns nil when the sign-in may set up its first factor now (M15, I3), and with that method if one is named.
func (p attempted) setUp(method signin.Method) error {
	switch {
	case p.Next() == signin.StepSetUpFactor:
		if p.frozen {
			return ErrFrozen
		}
		if method != "" && !slices.Contains(p.Policy.SetUpMethods(), method) {
			return ErrMethod
		}
		return nil
	case p.State.Enrolled:
		return ErrAlreadySetUp
	default:
		return ErrWrongStep
	}
}

// challenge returns nil when the sign-in asks for a factor now. A level that no factor reaches is the dispatcher's to refuse;
// proving what one has does no harm meanwhile.
func (p attempted) challenge() error {
	switch p.Next() {
	case signin.StepChallenge:
		return nil
	case signin.StepUnmet:
		if p.State.Enrolled {
			return nil
		}
	}
	return ErrWrongStep
}

// acting is a person with a full session.
type acting struct {
	subject

	session  store.Session
	enforced bool
	// announced is the day from which enforcement is announced; zero if none is.
	announced time.Time
}

// fresh reports whether the person proved everything they have a moment ago (I13).
func (p acting) fresh() bool { return p.Next() == signin.StepIssue }

// attempt is the session's own attempt.
func (p acting) attempt() attempt { return attempt{session: &p.session.ID} }

// event is something that the session's person did.
func (p acting) event(t audit.Type, r audit.Result, reason string) audit.Event {
	return audit.Event{Type: t, Result: r, Reason: reason, Actor: audit.OfAccount(p.account), Account: p.account.ID}
}

// acting reads a session with its account and factors.
func (s *Service) acting(ctx context.Context, q *store.Queries, id store.SessionID, now time.Time) (acting, error) {
	a, err := standing.OfActing(ctx, q, id, now, s.proofs)
	if errors.Is(err, standing.ErrGone) {
		return acting{}, ErrSessionGone
	}
	if err != nil {
		return acting{}, err
	}
	return acting{subject: subject{Standing: a.Standing, account: a.Account}, session: a.Session, enforced: a.Surface.Enforced, announced: standing.Announced(a.Surface, now)}, nil
}

// actingFresh is acting for changes of security settings (I13).
func (s *Service) actingFresh(ctx context.Context, q *store.Queries, id store.SessionID, now time.Time) (acting, error) {
	p, err := s.acting(ctx, q, id, now)
	if err == nil {
		err = p.mayChange(now)
	}
	return p, err
}

// mayChange returns nil if the person may change security settings now.
func (p acting) mayChange(now time.Time) error {
	switch {
	case !p.fresh():
		return ErrNotFresh
	case p.account.Frozen(now):
		return ErrFrozen
	}
	return nil
}

// hashing turns the hasher's own error for too much work at once into ErrBusy.
func (s *Service) hashing(err error) error {
	if s.busy != nil && errors.Is(err, s.busy) {
		return fmt.Errorf("%w: %w", ErrBusy, err)
	}
	return err
}

// offered reports whether this installation can do a method at all.
func (s *Service) offered(method signin.Method) bool {
	switch method {
	case signin.Email, signin.TOTP:
		return true
	case signin.Passkey:
		return s.rp != nil
	case signin.SMS:
		return s.outbox.Sends(delivery.ChannelSMS)
	default:
		return false
	}
}

// record writes an event of its own transaction: a refusal whose act left nothing else behind.
func (s *Service) record(ctx context.Context, now time.Time, e audit.Event) error {
	return s.db.InTx(ctx, func(tx *store.Tx) error { return audit.Write(ctx, tx, now, e) })
}

package mfa

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/internal/seal"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// Config is what a Service is made of.
type Config struct {
	// DB holds everything.
	DB *store.DB
	// Outbox takes codes and notices.
	Outbox *delivery.Outbox
	// Box seals backup codes until they are saved, and authenticates the codes that were sent.
	Box *seal.Box
	// Hash makes the stored form of a backup code, as slowly as that of a password.
	Hash func(ctx context.Context, secret string) (string, error)
	// CheckHash compares a backup code with its stored form.
	CheckHash func(ctx context.Context, hash, secret string) (bool, error)
	// Now is the clock.
	Now func() time.Time
	// NoticeLang is the language of notices that no page of the person's own caused; Japanese if empty.
	NoticeLang templates.Lang
	// SessionIdle is after how long without use a session is not listed as live any more; an hour if zero.
	SessionIdle time.Duration
	// Limits bound guessing and sending.
	Limits Limits
}

// Service holds the rules. It knows nothing of HTTP and is safe for concurrent use.
type Service struct {
	db         *store.DB
	outbox     *delivery.Outbox
	box        *seal.Box
	hash       func(ctx context.Context, secret string) (string, error)
	checkHash  func(ctx context.Context, hash, secret string) (bool, error)
	clock      func() time.Time
	noticeLang templates.Lang
	idle       time.Duration
	limits     Limits
	// decoy is compared when there is nothing to compare, so that a guess costs the same whatever it hits.
	decoy string
}

// New checks the configuration and makes a Service.
func New(c Config) (*Service, error) {
	switch {
	case c.DB == nil:
		return nil, errors.New("mfa: DB is missing")
	case c.Outbox == nil:
		return nil, errors.New("mfa: Outbox is missing")
	case c.Box == nil:
		return nil, errors.New("mfa: Box is missing")
	case c.Hash == nil || c.CheckHash == nil:
		return nil, errors.New("mfa: Hash or CheckHash is missing")
	case c.Now == nil:
		return nil, errors.New("mfa: Now is missing")
	case c.SessionIdle < 0:
		return nil, errors.New("mfa: SessionIdle is negative")
	}
	limits, err := c.Limits.withDefaults()
	if err != nil {
		return nil, err
	}
	if c.SessionIdle == 0 {
		c.SessionIdle = time.Hour
	}
	if c.NoticeLang == "" {
		c.NoticeLang = templates.Ja
	}
	decoy, err := c.Hash(context.Background(), rand.Text())
	if err != nil {
		return nil, fmt.Errorf("mfa: hash decoy: %w", err)
	}
	return &Service{
		db: c.DB, outbox: c.Outbox, box: c.Box, hash: c.Hash, checkHash: c.CheckHash, clock: c.Now,
		noticeLang: c.NoticeLang, idle: c.SessionIdle, limits: limits, decoy: decoy,
	}, nil
}

// now is the present time as rows keep it.
func (s *Service) now() time.Time { return s.clock().UTC().Truncate(time.Microsecond) }

// subject is whoever a step is about, as the rows say it now.
type subject struct {
	account  store.Account
	evidence signin.EvidenceList
	factors  []store.Factor
	step     signin.Step
}

// factor returns the account's factor of a kind.
//
//nolint:unparam // email is the first kind of factor, not the last
func (p subject) factor(kind signin.Method) (store.Factor, bool) {
	for _, f := range p.factors {
		if f.Kind == string(kind) {
			return f, true
		}
	}
	return store.Factor{}, false
}

// usable lists the methods the account can be challenged with.
func (s *Service) usable(ctx context.Context, q *store.Queries, id store.AccountID, factors []store.Factor) ([]signin.Method, error) {
	var methods []signin.Method
	for _, f := range factors {
		if f.DisabledAt == nil {
			methods = append(methods, signin.Method(f.Kind))
		}
	}
	if len(factors) == 0 {
		return nil, nil
	}
	left, err := q.CountBackupCodes(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("count backup codes: %w", err)
	}
	if left > 0 {
		methods = append(methods, signin.Backup)
	}
	return methods, nil
}

// attempted is a sign-in in progress whose password was accepted.
type attempted struct {
	subject
	flow store.Flow
	// toShow are the codes made in this sign-in that are still to be saved; zero when there are none.
	toShow store.BackupBatch
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

// attempted reads a flow with its account and factors, and where it stands. The flow is found by its id and the secret the
// browser held when the request came in: a proof accepted meanwhile changed the secret, and this one has to look again.
func (s *Service) attempted(ctx context.Context, q *store.Queries, flow store.Flow, now time.Time) (attempted, error) {
	row, err := q.GetFlowAccount(ctx, store.GetFlowAccountParams{ID: flow.ID, SecretHash: flow.SecretHash, Now: now})
	if errors.Is(err, store.ErrNotFound) {
		return attempted{}, ErrFlowGone
	}
	if err != nil {
		return attempted{}, fmt.Errorf("load flow: %w", err)
	}
	p := attempted{flow: row.Flow, subject: subject{account: row.Account}}
	if p.evidence, err = signin.ParseEvidence(row.Flow.Evidence); err != nil {
		return attempted{}, err
	}
	if p.factors, err = q.ListFactors(ctx, p.account.ID); err != nil {
		return attempted{}, fmt.Errorf("list factors: %w", err)
	}
	usable, err := s.usable(ctx, q, p.account.ID, p.factors)
	if err != nil {
		return attempted{}, err
	}
	policy := signin.Policy{
		TwoFactor:     row.Enforced || row.Account.TwoFactor == "use",
		RequiredLevel: signin.Level(row.Flow.RequiredLevel),
		AllFactors:    row.Flow.AllFactors,
	}
	if row.Flow.EvidenceAfter != nil {
		policy.EvidenceAfter = *row.Flow.EvidenceAfter
	}
	state := signin.State{Account: true, Evidence: p.evidence, Factors: usable, Enrolled: len(p.factors) > 0}
	if row.Flow.BackupBatchID != nil {
		b, err := q.GetBackupBatch(ctx, p.account.ID)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return attempted{}, fmt.Errorf("load backup codes: %w", err)
		}
		if err == nil && b.ID == *row.Flow.BackupBatchID && b.CodesSealed != nil {
			p.toShow, state.BackupCodesToShow = b, true
		}
	}
	p.step = signin.Next(state, policy)
	return p, nil
}

// setUp returns nil when the sign-in may set up its first factor now (M15, I3).
func (p attempted) setUp() error {
	switch {
	case p.step == signin.StepSetUpFactor:
		return nil
	case len(p.factors) > 0:
		return ErrAlreadySetUp
	default:
		return ErrWrongStep
	}
}

// challenge returns nil when the sign-in asks for a factor now. A level that no factor reaches is the dispatcher's to refuse;
// proving what one has does no harm meanwhile.
func (p attempted) challenge() error {
	if p.step == signin.StepChallenge || p.step == signin.StepUnmet && len(p.factors) > 0 {
		return nil
	}
	return ErrWrongStep
}

// acting is a person with a full session.
type acting struct {
	subject
	session  store.Session
	enforced bool
	fresh    bool
}

// attempt is the session's own attempt.
func (p acting) attempt() attempt { return attempt{session: &p.session.ID} }

// event is something that the session's person did.
func (p acting) event(t audit.Type, r audit.Result, reason string) audit.Event {
	return audit.Event{Type: t, Result: r, Reason: reason, Actor: audit.OfAccount(p.account), Account: p.account.ID}
}

// freshFor is how old proofs may be for a change of security settings (I13).
const freshFor = 5 * time.Minute

// acting reads a session with its account and factors.
func (s *Service) acting(ctx context.Context, q *store.Queries, id store.SessionID, now time.Time) (acting, error) {
	session, err := q.GetSession(ctx, id)
	if errors.Is(err, store.ErrNotFound) || err == nil && (session.EndedAt != nil || !session.ExpiresAt.After(now)) {
		return acting{}, ErrSessionGone
	}
	if err != nil {
		return acting{}, fmt.Errorf("load session: %w", err)
	}
	p := acting{session: session}
	if p.account, err = q.GetAccount(ctx, session.AccountID); err != nil {
		return acting{}, fmt.Errorf("load account: %w", err)
	}
	if p.account.DisabledAt != nil || p.account.CredentialEpoch != session.CredentialEpoch {
		return acting{}, ErrSessionGone
	}
	if p.evidence, err = signin.ParseEvidence(session.Evidence); err != nil {
		return acting{}, err
	}
	if p.factors, err = q.ListFactors(ctx, p.account.ID); err != nil {
		return acting{}, fmt.Errorf("list factors: %w", err)
	}
	surface, err := q.GetSurface(ctx, surfaceOf(p.account.Kind))
	if err != nil {
		return acting{}, fmt.Errorf("load surface: %w", err)
	}
	p.enforced = surface.Enforced
	usable, err := s.usable(ctx, q, p.account.ID, p.factors)
	if err != nil {
		return acting{}, err
	}
	p.step = signin.Next(
		signin.State{Account: true, Evidence: p.evidence, Factors: usable, Enrolled: len(p.factors) > 0},
		signin.Policy{
			TwoFactor:     p.enforced || p.account.TwoFactor == "use",
			AllFactors:    true,
			EvidenceAfter: now.Add(-freshFor),
		})
	p.fresh = p.step == signin.StepIssue
	return p, nil
}

// actingFresh is acting for changes of security settings (I13).
func (s *Service) actingFresh(ctx context.Context, q *store.Queries, id store.SessionID, now time.Time) (acting, error) {
	p, err := s.acting(ctx, q, id, now)
	if err == nil && !p.fresh {
		err = ErrNotFresh
	}
	return p, err
}

// surfaceOf is where accounts of a kind use our own pages.
func surfaceOf(kind string) string {
	if web.Kind(kind) == web.Operator {
		return "admin"
	}
	return "store"
}

// record writes an event of its own transaction: a refusal whose act left nothing else behind.
func (s *Service) record(ctx context.Context, now time.Time, e audit.Event) error {
	return s.db.InTx(ctx, func(tx *store.Tx) error { return audit.Write(ctx, tx, now, e) })
}

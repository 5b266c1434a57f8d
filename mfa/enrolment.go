package mfa

import (
	"context"
	"time"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

// enrolment is a factor being set up: the account's first one inside a sign-in (M15), or any from the self-service page (M21).
// What differs between the two is here; how the methods prove themselves is theirs.
type enrolment struct {
	method  signin.Method
	attempt attempt
	purpose string
	account store.AccountID
	// first is whether it is the account's first factor, so that backup codes come with it.
	first bool
	// gone is returned for an account that is not there any more.
	gone error
	// again reads, with the account held, who asks and what a wrong proof is written down as; an error says that they may not.
	again func(tx *store.Tx, now time.Time) (store.Account, audit.Event, error)
	// apply makes the change that a right proof brings about.
	apply func(tx *store.Tx, now time.Time, f newFactor, b batch) error
	// after is what else a right proof brings about, last of all since it takes budgets' locks; nil where nothing does.
	after func() error

	// What came of it: a sign-in's new secret, or what the self-service page needs.
	secret string
	done   Changed
}

// flowEnrolment sets up the account's first factor inside a sign-in.
func (s *Service) flowEnrolment(ctx context.Context, flow store.Flow, method signin.Method, lang templates.Lang) (*enrolment, error) {
	p, err := s.attempted(ctx, s.db.Read(), flow, s.now())
	if err != nil {
		return nil, err
	}
	if err := p.setUp(method); err != nil {
		return nil, err
	}
	e := &enrolment{
		method: method, attempt: p.attempt(), purpose: purposeEnrol, account: p.account.ID, first: true, gone: ErrFlowGone,
	}
	e.again = func(tx *store.Tx, now time.Time) (store.Account, audit.Event, error) {
		if p, err = s.attempted(ctx, tx.Queries, flow, now); err != nil {
			return store.Account{}, audit.Event{}, err
		}
		return p.account, p.event(audit.FactorEnrol, audit.Failure, ""), p.setUp(method)
	}
	e.apply = func(tx *store.Tx, now time.Time, f newFactor, b batch) error {
		e.secret, err = s.enrol(ctx, tx, now, p, f, b, lang)
		return err
	}
	return e, nil
}

// sessionEnrolment sets up or replaces a factor from the self-service page.
func (s *Service) sessionEnrolment(ctx context.Context, session store.SessionID, method signin.Method, lang templates.Lang) (*enrolment, error) {
	p, err := s.actingFresh(ctx, s.db.Read(), session, s.now())
	if err != nil {
		return nil, err
	}
	if err := s.mayAdd(p, method); err != nil {
		return nil, err
	}
	e := &enrolment{
		method: method, attempt: p.attempt(), purpose: purposeChange, account: p.account.ID, first: !p.State.Enrolled,
		gone: ErrSessionGone,
	}
	e.again = func(tx *store.Tx, now time.Time) (store.Account, audit.Event, error) {
		if p, err = s.actingFresh(ctx, tx.Queries, session, now); err != nil {
			return store.Account{}, audit.Event{}, err
		}
		return p.account, p.event(p.changeType(method), audit.Failure, ""), s.mayAdd(p, method)
	}
	e.apply = func(tx *store.Tx, now time.Time, f newFactor, b batch) error {
		e.done, err = s.change(ctx, tx, now, p, f, b, lang)
		return err
	}
	return e, nil
}

// settle judges the proof of a new factor and, if it is right, makes the change, in one transaction. Backup codes are made before
// it, for a proof that is live, as far as could be seen: hashing takes long, and a right proof must not be spent when it fails.
// A verdict is committed and then returned: the guess was counted.
func (s *Service) settle(
	ctx context.Context, e *enrolment, live bool,
	judge func(tx *store.Tx, now time.Time, acc store.Account, event audit.Event) (f newFactor, verdict, err error),
) error {
	var b batch
	if e.first && live {
		var err error
		if b, err = s.newBatch(ctx, e.account); err != nil {
			return err
		}
	}
	now := s.now()
	var verdict error
	err := s.db.InTx(ctx, func(tx *store.Tx) error {
		if err := hold(ctx, tx, e.account, e.gone); err != nil {
			return err
		}
		acc, event, err := e.again(tx, now)
		if err != nil {
			return err
		}
		var f newFactor
		if f, verdict, err = judge(tx, now, acc, event); err != nil || verdict != nil {
			return err
		}
		if e.first && b.id == "" {
			return ErrWrongCode // the proof was void when the form was read: it cannot have been right then
		}
		if err := e.apply(tx, now, f, b); err != nil {
			return err
		}
		if e.after != nil {
			return e.after()
		}
		return nil
	})
	if err == nil {
		err = verdict
	}
	if err == nil {
		s.outbox.Wake()
	}
	return err
}

// mayAdd returns nil if the person may set up a method from the self-service page: it is offered, and their surface allows it or
// they have it already.
func (s *Service) mayAdd(p acting, method signin.Method) error {
	if _, had := p.Factor(method); !had && !p.Policy.Allows(method) || !s.offered(method) {
		return ErrMethod
	}
	return nil
}

package mfa

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

// What a code is for. The values are stored.
const (
	purposeSignIn = "signin" // prove a factor
	purposeEnrol  = "enrol"  // set up the first factor inside a sign-in
	purposeChange = "change" // set up or change a factor from the self-service page
)

// attempt is what a code is bound to: one sign-in, or one session.
type attempt struct {
	flow    *store.FlowID
	session *store.SessionID
}

func (a attempt) String() string {
	if a.flow != nil {
		return "flow:" + string(*a.flow)
	}
	return "session:" + string(*a.session)
}

// newest returns the attempt's newest code by a method for a purpose, whatever became of it, or ErrNotSent.
func (a attempt) newest(ctx context.Context, q *store.Queries, id store.AccountID, method signin.Method, purpose string) (store.Challenge, error) {
	var c store.Challenge
	var err error
	if a.flow != nil {
		c, err = q.GetFlowChallenge(ctx, store.GetFlowChallengeParams{FlowID: a.flow, AccountID: id, Kind: string(method)})
	} else {
		c, err = q.GetSessionChallenge(ctx, store.GetSessionChallengeParams{SessionID: a.session, AccountID: id, Kind: string(method)})
	}
	if errors.Is(err, store.ErrNotFound) || err == nil && c.Purpose != purpose {
		return store.Challenge{}, ErrNotSent
	}
	if err != nil {
		return store.Challenge{}, fmt.Errorf("load challenge: %w", err)
	}
	return c, nil
}

// void takes back every code that the attempt sent by a method and stops messages that have not left.
func (a attempt) void(ctx context.Context, tx *store.Tx, method signin.Method, now time.Time) error {
	kind := string(method)
	if a.flow != nil {
		if err := tx.VoidFlowChallenges(ctx, store.VoidFlowChallengesParams{Now: &now, FlowID: a.flow, Kind: kind}); err != nil {
			return fmt.Errorf("void challenges: %w", err)
		}
		if _, err := tx.CancelFlowMessages(ctx, store.CancelFlowMessagesParams{Now: &now, FlowID: a.flow, Kind: kind}); err != nil {
			return fmt.Errorf("cancel messages: %w", err)
		}
		return nil
	}
	if err := tx.VoidSessionChallenges(ctx, store.VoidSessionChallengesParams{Now: &now, SessionID: a.session, Kind: kind}); err != nil {
		return fmt.Errorf("void challenges: %w", err)
	}
	if _, err := tx.CancelSessionMessages(ctx, store.CancelSessionMessagesParams{Now: &now, SessionID: a.session, Kind: kind}); err != nil {
		return fmt.Errorf("cancel messages: %w", err)
	}
	return nil
}

// macData binds a code to everything it was made for: a row whose address, account, purpose or attempt was tampered with
// accepts no code at all.
func macData(c store.Challenge, code string) []string {
	a := attempt{flow: c.FlowID, session: c.SessionID}
	return []string{string(c.ID), string(c.AccountID), c.Kind, c.Address, c.Purpose, a.String(), code}
}

const macPurpose = "two-factor-code"

// codeMessage is a code to be sent.
type codeMessage struct {
	attempt attempt
	account store.Account
	purpose string
	method  signin.Method   // whose codes travel: email or SMS
	factor  *store.FactorID // nil while the factor is being set up
	address string
	lang    templates.Lang
	// event is who sends; sendCode adds what.
	event audit.Event
}

// send makes a code, takes back the attempt's former ones and puts the message into the outbox, all or nothing. The caller wakes
// the outbox after the commit.
func (s *Service) send(ctx context.Context, tx *store.Tx, now time.Time, m codeMessage) error {
	// A code that nobody looks at would only grow old.
	until, _, err := s.pause(ctx, tx.Queries, codeThrottle(m.account.ID), now)
	if err != nil {
		return err
	}
	if until != nil {
		return &LockedError{Until: *until}
	}
	if err := m.attempt.void(ctx, tx, m.method, now); err != nil {
		return err
	}
	// Budgets are the last locks that any transaction takes.
	if err := s.takeSend(ctx, tx, m, now); err != nil {
		return err
	}
	code, err := newCode()
	if err != nil {
		return err
	}
	c := store.Challenge{
		ID: store.NewID[store.ChallengeID](), AccountID: m.account.ID, Purpose: m.purpose,
		FlowID: m.attempt.flow, SessionID: m.attempt.session, FactorID: m.factor,
		Kind: string(m.method), Address: m.address,
		CreatedAt: now, ExpiresAt: now.Add(s.limits.CodeLifetime),
	}
	if err := tx.InsertChallenge(ctx, store.InsertChallengeParams{
		ID: c.ID, AccountID: c.AccountID, Purpose: c.Purpose, FlowID: c.FlowID, SessionID: c.SessionID, FactorID: c.FactorID,
		Kind: c.Kind, Address: c.Address, CodeMAC: s.box.MAC(macPurpose, macData(c, code)...),
		Now: c.CreatedAt, ExpiresAt: c.ExpiresAt,
	}); err != nil {
		return fmt.Errorf("insert challenge: %w", err)
	}
	err = s.outbox.Code(ctx, tx, delivery.CodeMessage{
		AccountID: c.AccountID, ChallengeID: c.ID, Channel: channelOf(m.method), To: c.Address, Code: code, Lang: m.lang, ExpiresAt: c.ExpiresAt,
	})
	if errors.Is(err, delivery.ErrRecipient) {
		return ErrAddress
	}
	if err != nil {
		return fmt.Errorf("queue code: %w", err)
	}
	return audit.Write(ctx, tx, now, m.event)
}

// sendCode sends the code that ready describes after reading, in the same transaction, whether it may be sent. The worker is woken
// after the commit, and a refusal by a budget is written down.
func (s *Service) sendCode(ctx context.Context, ready func(q *store.Queries, now time.Time) (codeMessage, error)) error {
	now := s.now()
	var m codeMessage
	err := s.db.InTx(ctx, func(tx *store.Tx) error {
		var err error
		if m, err = ready(tx.Queries, now); err != nil {
			return err
		}
		m.event.Target = mask(m.method, m.address)
		m.event.Data = map[string]string{"purpose": m.purpose, "method": string(m.method)}
		return s.send(ctx, tx, now, m)
	})
	if err == nil {
		s.outbox.Wake()
		return nil
	}
	if errors.Is(err, ErrTooManySends) {
		m.event.Result, m.event.Reason = audit.Refused, "too_many"
		if werr := s.record(ctx, now, m.event); werr != nil {
			return werr
		}
	}
	return err
}

// guess is a code to be judged.
type guess struct {
	attempt attempt
	account store.Account
	purpose string
	method  signin.Method
	// address is the one the form showed, where the form shows one.
	address string
	code    string
	// event is what a failure is written down as.
	event audit.Event
}

// judge compares a code with the newest one of its attempt. The try is counted before the code is looked at, in the same
// transaction, on the account's throttle and on the code itself; a wrong one is counted on the factor as well. The verdict is
// nil when the code is right. The caller commits in every case, and only then gives the answer (I7).
//
// Locks are taken in the order throttle, challenge, factor, flow, as everywhere: see store.Tx.EndAccount.
func (s *Service) judge(ctx context.Context, tx *store.Tx, now time.Time, g guess) (c store.Challenge, verdict, err error) {
	c, err = g.attempt.newest(ctx, tx.Queries, g.account.ID, g.method, g.purpose)
	if errors.Is(err, ErrNotSent) {
		return c, ErrNotSent, nil
	}
	if err != nil {
		return c, nil, err
	}
	if g.address != "" && g.address != c.Address {
		return c, ErrAddressChanged, nil
	}
	fail := func(r audit.Result, reason string, verdict error) (store.Challenge, error, error) {
		e := g.event
		e.Result, e.Reason = r, reason
		return c, verdict, audit.Write(ctx, tx, now, e)
	}

	err = s.takeThrottle(ctx, tx, codeThrottle(g.account.ID), now)
	if locked, ok := errors.AsType[*LockedError](err); ok {
		return fail(audit.Refused, "paused", locked)
	}
	if err != nil {
		return c, nil, fmt.Errorf("count try: %w", err)
	}
	if c.FactorID != nil {
		// Read behind the throttle's lock: what another guess counted is seen here.
		f, err := tx.GetFactor(ctx, store.GetFactorParams{ID: *c.FactorID, AccountID: g.account.ID})
		if errors.Is(err, store.ErrNotFound) || err == nil && f.Address != c.Address {
			return fail(audit.Failure, "expired", ErrWrongCode)
		}
		if err != nil {
			return c, nil, fmt.Errorf("load factor: %w", err)
		}
		if f.DisabledAt != nil {
			return fail(audit.Refused, "factor_disabled", ErrFactorDisabled)
		}
	}

	spent := c.Tries >= int64(s.limits.CodeTries) && c.UsedAt == nil && c.VoidedAt == nil && c.ExpiresAt.After(now)
	counted, err := tx.CountChallengeTry(ctx, store.CountChallengeTryParams{ID: c.ID, Now: now, MaxTries: int64(s.limits.CodeTries)})
	if errors.Is(err, store.ErrNotFound) {
		if spent {
			return fail(audit.Failure, "tries_spent", ErrTriesSpent)
		}
		return fail(audit.Failure, "expired", ErrWrongCode)
	}
	if err != nil {
		return c, nil, fmt.Errorf("count try: %w", err)
	}
	c = counted
	if s.box.CheckMAC(c.CodeMAC, macPurpose, macData(c, g.code)...) {
		return c, nil, nil
	}

	if c.FactorID != nil {
		if _, err := tx.RecordFactorFailure(ctx, store.RecordFactorFailureParams{
			Ceiling: int64(s.limits.FactorFailures), Now: now, ID: *c.FactorID,
		}); err != nil {
			return c, nil, fmt.Errorf("count failure: %w", err)
		}
	}
	if c.Tries >= int64(s.limits.CodeTries) {
		return fail(audit.Failure, "wrong_code", ErrTriesSpent)
	}
	return fail(audit.Failure, "wrong_code", ErrWrongCode)
}

// live reports whether a code can still be right.
func (s *Service) live(c store.Challenge, now time.Time) bool {
	return c.UsedAt == nil && c.VoidedAt == nil && c.ExpiresAt.After(now) && c.Tries < int64(s.limits.CodeTries)
}

// use spends a code that was right.
func (s *Service) use(ctx context.Context, tx *store.Tx, now time.Time, c store.Challenge) error {
	n, err := tx.UseChallenge(ctx, store.UseChallengeParams{Now: &now, ID: c.ID})
	if err != nil {
		return fmt.Errorf("use challenge: %w", err)
	}
	if n != 1 {
		return ErrWrongCode
	}
	return nil
}

// Sending is what a page has to say about the newest code.
type Sending struct {
	// Address is where it went, whole; empty when there is no code that is still accepted.
	Address string
	// Just is true right after it was sent.
	Just bool
	// Failed is true when the message could not be delivered so far, whether it is tried again or not.
	Failed bool
	// Wait is how many seconds the next one to this address has to wait.
	Wait int
}

// sending describes an attempt's newest code for a purpose.
func (s *Service) sending(
	ctx context.Context, q *store.Queries, a attempt, id store.AccountID, method signin.Method, purpose string, now time.Time,
) (Sending, error) {
	c, err := a.newest(ctx, q, id, method, purpose)
	if errors.Is(err, ErrNotSent) {
		return Sending{}, nil
	}
	if err != nil {
		return Sending{}, err
	}
	var v Sending
	if s.live(c, now) {
		v.Address = c.Address
		v.Just = c.Tries == 0 && now.Sub(c.CreatedAt) < s.limits.ResendAfter
	}
	if v.Wait, err = s.wait(ctx, q, cooldown(id, purpose, c.Address), now); err != nil {
		return Sending{}, err
	}
	m, err := q.GetChallengeMessage(ctx, &c.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return Sending{}, fmt.Errorf("load message: %w", err)
	}
	v.Failed = err == nil && c.UsedAt == nil && undelivered(m)
	return v, nil
}

// undelivered reports whether a message was refused or tried in vain. One that waits for its next try may arrive yet, but whoever
// looks at an empty inbox shall not wait for that: the other side may be away for longer than the code lives.
func undelivered(m store.GetChallengeMessageRow) bool {
	switch m.State {
	case delivery.StateFailed, delivery.StateExpired, delivery.StateBounced:
		return true
	case delivery.StateQueued:
		return m.Reply != "" // of a try before
	}
	return false
}

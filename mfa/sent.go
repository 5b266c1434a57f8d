package mfa

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

// Address is where a person wants to receive codes, as typed.
type Address struct {
	// Method says what kind of address it is: email or SMS.
	Method signin.Method
	// Country is the region whose numbers are meant, for a phone number: an ISO 3166 code as the form's select has it.
	Country string
	Text    string
}

// EmailTo is a mail address.
func EmailTo(address string) Address { return Address{Method: signin.Email, Text: address} }

// parse returns the one spelling of an address that is stored, compared and sent to.
func (s *Service) parse(a Address) (string, error) {
	switch a.Method {
	case signin.Email:
		return ParseEmail(a.Text)
	default:
		return "", ErrMethod
	}
}

// SetUpSending describes the set-up page of a sign-in for a method that sends codes.
func (s *Service) SetUpSending(ctx context.Context, flow store.Flow, method signin.Method) (Sending, error) {
	now, q := s.now(), s.db.Read()
	p, err := s.attempted(ctx, q, flow, now)
	if err != nil {
		return Sending{}, err
	}
	if err := p.setUp(method); err != nil {
		return Sending{}, err
	}
	return s.sending(ctx, q, p.attempt(), p.account.ID, method, purposeEnrol, now)
}

// SetUpMethods are the methods that the sign-in may set up its first factor with.
func (s *Service) SetUpMethods(ctx context.Context, flow store.Flow) ([]signin.Method, error) {
	p, err := s.attempted(ctx, s.db.Read(), flow, s.now())
	if err != nil {
		return nil, err
	}
	if err := p.setUp(""); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(p.Policy.SetUpMethods(), func(m signin.Method) bool { return !s.offered(m) }), nil
}

// SendSetUpCode sends a code to the address a person wants to receive codes at (M16, M18).
func (s *Service) SendSetUpCode(ctx context.Context, flow store.Flow, to Address, lang templates.Lang) error {
	address, err := s.parse(to)
	if err != nil {
		return err
	}
	now := s.now()
	var event audit.Event
	err = s.db.InTx(ctx, func(tx *store.Tx) error {
		p, err := s.attempted(ctx, tx.Queries, flow, now)
		if err != nil {
			return err
		}
		if err := p.setUp(to.Method); err != nil {
			return err
		}
		event = sendEvent(p.event(audit.CodeSend, audit.Success, ""), to.Method, purposeEnrol, address)
		return s.send(ctx, tx, now, codeMessage{
			attempt: p.attempt(), account: p.account, purpose: purposeEnrol, method: to.Method, address: address, lang: lang, event: event,
		})
	})
	return s.sent(ctx, now, err, event)
}

// VerifySetUpCode sets up the address as the account's first factor when the code is right, makes the backup codes, and adds
// the proof to the sign-in (M17 to M19). It returns the flow's new secret.
func (s *Service) VerifySetUpCode(ctx context.Context, flow store.Flow, to Address, code string, lang templates.Lang) (secret string, err error) {
	p, err := s.attempted(ctx, s.db.Read(), flow, s.now())
	if err != nil {
		return "", err
	}
	if err := p.setUp(to.Method); err != nil {
		return "", err
	}
	err = s.verifyAddress(ctx, newAddress{
		attempt: p.attempt(), account: p.account.ID, purpose: purposeEnrol, to: to, code: code, first: true, gone: ErrFlowGone,
		again: func(tx *store.Tx, now time.Time) (store.Account, audit.Event, error) {
			if p, err = s.attempted(ctx, tx.Queries, flow, now); err != nil {
				return store.Account{}, audit.Event{}, err
			}
			return p.account, p.event(audit.FactorEnrol, audit.Failure, ""), p.setUp(to.Method)
		},
		apply: func(tx *store.Tx, now time.Time, f newFactor, b batch) error {
			secret, err = s.enrol(ctx, tx, now, p, f, b, lang)
			return err
		},
	})
	if err != nil {
		return "", err
	}
	return secret, nil
}

// newAddress is an address that becomes a factor if a code is right.
type newAddress struct {
	attempt attempt
	account store.AccountID
	purpose string
	// to and code are as typed.
	to   Address
	code string
	// first is whether it is the account's first factor, so that backup codes come with it.
	first bool
	// gone is returned for an account that is not there any more.
	gone error
	// again reads, with the account held, who asks and what a wrong code is written down as; an error says that they may not.
	again func(tx *store.Tx, now time.Time) (store.Account, audit.Event, error)
	// apply makes the change that a right code brings about.
	apply func(tx *store.Tx, now time.Time, f newFactor, b batch) error
}

// verifyAddress judges a code that was sent to a new address and makes the change, in one transaction. Backup codes are made
// before it: hashing takes long, and a right code must not be spent when it fails.
func (s *Service) verifyAddress(ctx context.Context, a newAddress) error {
	address, code, live, err := s.readForm(ctx, a)
	if err != nil {
		return err
	}
	var b batch
	if a.first && live {
		if b, err = s.newBatch(ctx, a.account); err != nil {
			return err
		}
	}
	now := s.now()
	var verdict error
	err = s.db.InTx(ctx, func(tx *store.Tx) error {
		if err := hold(ctx, tx, a.account, a.gone); err != nil {
			return err
		}
		acc, event, err := a.again(tx, now)
		if err != nil {
			return err
		}
		var c store.Challenge
		c, verdict, err = s.judge(ctx, tx, now, guess{
			attempt: a.attempt, account: acc, purpose: a.purpose, method: a.to.Method, address: address, code: code,
			event: enrolEvent(event, a.to.Method, address),
		})
		if err != nil || verdict != nil {
			return err
		}
		if a.first && b.id == "" {
			return ErrWrongCode // the code was taken back when the form was read: it cannot have been right then
		}
		if err := s.use(ctx, tx, now, c); err != nil {
			return err
		}
		if err := a.apply(tx, now, newFactor{method: a.to.Method, address: c.Address}, b); err != nil {
			return err
		}
		return s.endCooldown(ctx, tx, c, now)
	})
	if err == nil {
		err = verdict
	}
	if err == nil {
		s.outbox.Wake()
	}
	return err
}

// readForm checks what the two-step form holds, in the order a person fills it in. Whether a code was sent at all is said
// first: it is what a person who pressed the wrong button needs to know. Live is whether the code that was sent can still be
// right.
func (s *Service) readForm(ctx context.Context, a newAddress) (address, code string, live bool, err error) {
	now, q := s.now(), s.db.Read()
	c, err := a.attempt.newest(ctx, q, a.account, a.to.Method, a.purpose)
	if err != nil {
		return "", "", false, err
	}
	if address, err = s.parse(a.to); err != nil {
		return "", "", false, err
	}
	if address != c.Address {
		return "", "", false, ErrAddressChanged
	}
	if code, err = NormalizeCode(a.code); err != nil {
		return "", "", false, err
	}
	if !s.live(c, now) {
		return address, code, false, nil
	}
	until, _, err := s.pause(ctx, q, codeThrottle(a.account), now)
	if err != nil || until != nil {
		return address, code, false, err
	}
	return address, code, true, s.takePreparation(ctx, c, now)
}

// AddressChange is the state of the self-service page of a method that sends codes.
type AddressChange struct {
	Sending
	// Current is the address in force, whole; empty when none is set up.
	Current string
}

// AddressChange describes the self-service page of a method that sends codes.
func (s *Service) AddressChange(ctx context.Context, session store.SessionID, method signin.Method) (AddressChange, error) {
	now, q := s.now(), s.db.Read()
	p, err := s.actingFresh(ctx, q, session, now)
	if err != nil {
		return AddressChange{}, err
	}
	if err := s.mayAdd(p, method); err != nil {
		return AddressChange{}, err
	}
	var v AddressChange
	if f, ok := p.Factor(method); ok {
		v.Current = f.Address
	}
	v.Sending, err = s.sending(ctx, q, p.attempt(), p.account.ID, method, purposeChange, now)
	return v, err
}

// SendChangeCode sends a code to the new address. The one in force stays so (M21, M22).
func (s *Service) SendChangeCode(ctx context.Context, session store.SessionID, to Address, lang templates.Lang) error {
	address, err := s.parse(to)
	if err != nil {
		return err
	}
	now := s.now()
	var event audit.Event
	err = s.db.InTx(ctx, func(tx *store.Tx) error {
		p, err := s.actingFresh(ctx, tx.Queries, session, now)
		if err != nil {
			return err
		}
		if err := s.mayAdd(p, to.Method); err != nil {
			return err
		}
		event = sendEvent(p.event(audit.CodeSend, audit.Success, ""), to.Method, purposeChange, address)
		return s.send(ctx, tx, now, codeMessage{
			attempt: p.attempt(), account: p.account, purpose: purposeChange, method: to.Method, address: address, lang: lang, event: event,
		})
	})
	return s.sent(ctx, now, err, event)
}

// VerifyChangeCode makes the new address the factor when the code is right, and turns the account's switch to use (M21 to
// M23). Every other session, sign-in, token and device of the account ends; the acting session goes on under a new token.
func (s *Service) VerifyChangeCode(ctx context.Context, session store.SessionID, to Address, code string, lang templates.Lang) (Changed, error) {
	done, err := s.verifyChange(ctx, session, to, code, lang)
	if !errors.Is(err, ErrWrongCode) {
		return done, err
	}
	// The session outlives the change, so a second press of the button comes here: its person must not read that it failed.
	c, rerr := s.db.Read().GetSessionChallenge(ctx, store.GetSessionChallengeParams{
		SessionID: &session, AccountID: done.account, Kind: string(to.Method),
	})
	if rerr == nil && c.UsedAt != nil && s.now().Sub(*c.UsedAt) < pressedTwice {
		return Changed{}, ErrJustDone
	}
	return Changed{}, err
}

// pressedTwice is how long after a change its form counts as posted twice.
const pressedTwice = 10 * time.Second

func (s *Service) verifyChange(ctx context.Context, session store.SessionID, to Address, code string, lang templates.Lang) (Changed, error) {
	p, err := s.actingFresh(ctx, s.db.Read(), session, s.now())
	if err != nil {
		return Changed{}, err
	}
	if err := s.mayAdd(p, to.Method); err != nil {
		return Changed{}, err
	}
	var done Changed
	id := p.account.ID
	err = s.verifyAddress(ctx, newAddress{
		attempt: p.attempt(), account: id, purpose: purposeChange, to: to, code: code,
		first: !p.State.Enrolled, gone: ErrSessionGone,
		again: func(tx *store.Tx, now time.Time) (store.Account, audit.Event, error) {
			if p, err = s.actingFresh(ctx, tx.Queries, session, now); err != nil {
				return store.Account{}, audit.Event{}, err
			}
			return p.account, p.event(p.changeType(to.Method), audit.Failure, ""), nil
		},
		apply: func(tx *store.Tx, now time.Time, f newFactor, b batch) error {
			done, err = s.change(ctx, tx, now, p, f, b, lang)
			return err
		},
	})
	done.account = id
	return done, err
}

// mayAdd returns nil if the person may set up a method from the self-service page: it is offered, and their surface allows it or
// they have it already.
func (s *Service) mayAdd(p acting, method signin.Method) error {
	if _, had := p.Factor(method); !had && !p.Policy.Allows(method) || !s.offered(method) {
		return ErrMethod
	}
	return nil
}

package mfa

import (
	"context"
	"errors"
	"time"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/delivery"
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

// channelOf is how a method's codes travel.
func channelOf(method signin.Method) string {
	if method == signin.SMS {
		return delivery.ChannelSMS
	}
	return delivery.ChannelEmail
}

// parse returns the one spelling of an address that is stored, compared and sent to.
func (s *Service) parse(a Address) (string, error) {
	switch a.Method {
	case signin.Email:
		return ParseEmail(a.Text)
	case signin.SMS:
		return ParsePhone(a.Country, a.Text, s.countries)
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
	return p.Policy.SetUpMethods(), nil
}

// CheckSetUp returns nil when the sign-in may set up its first factor by a method now.
func (s *Service) CheckSetUp(ctx context.Context, flow store.Flow, method signin.Method) error {
	p, err := s.attempted(ctx, s.db.Read(), flow, s.now())
	if err != nil {
		return err
	}
	return p.setUp(method)
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
	e, err := s.flowEnrolment(ctx, flow, to.Method, lang)
	if err != nil {
		return "", err
	}
	if err := s.verifyAddress(ctx, e, to, code); err != nil {
		return "", err
	}
	return e.secret, nil
}

// verifyAddress judges a code that was sent to a new address and makes the change.
func (s *Service) verifyAddress(ctx context.Context, e *enrolment, to Address, code string) error {
	address, code, live, err := s.readForm(ctx, e, to, code)
	if err != nil {
		return err
	}
	return s.settle(ctx, e, live, func(tx *store.Tx, now time.Time, acc store.Account, event audit.Event) (f newFactor, verdict, err error) {
		c, verdict, err := s.judge(ctx, tx, now, guess{
			attempt: e.attempt, account: acc, purpose: e.purpose, method: e.method, address: address, code: code,
			event: enrolEvent(event, e.method, address),
		})
		if err != nil || verdict != nil {
			return f, verdict, err
		}
		if err := s.use(ctx, tx, now, c); err != nil {
			return f, nil, err
		}
		// The next code may leave at once: the person has shown that the last one was read.
		e.after = func() error { return s.endCooldown(ctx, tx, c, now) }
		return newFactor{method: e.method, address: c.Address}, nil, nil
	})
}

// readForm checks what the two-step form holds, in the order a person fills it in. Whether a code was sent at all is said
// first: it is what a person who pressed the wrong button needs to know. Live is whether the code that was sent can still be
// right.
func (s *Service) readForm(ctx context.Context, e *enrolment, to Address, typed string) (address, code string, live bool, err error) {
	now, q := s.now(), s.db.Read()
	c, err := e.attempt.newest(ctx, q, e.account, e.method, e.purpose)
	if err != nil {
		return "", "", false, err
	}
	if address, err = s.parse(to); err != nil {
		return "", "", false, err
	}
	if address != c.Address {
		return "", "", false, ErrAddressChanged
	}
	if code, err = NormalizeCode(typed); err != nil {
		return "", "", false, err
	}
	if !s.live(c, now) {
		return address, code, false, nil
	}
	until, _, err := s.pause(ctx, q, codeThrottle(e.account), now)
	if err != nil || until != nil {
		return address, code, false, err
	}
	return address, code, true, s.takePreparation(ctx, string(c.ID), c.ExpiresAt, now)
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
	e, err := s.sessionEnrolment(ctx, session, to.Method, lang)
	if err != nil {
		return Changed{}, err
	}
	if err = s.verifyAddress(ctx, e, to, code); !errors.Is(err, ErrWrongCode) {
		return e.done, err
	}
	// The session outlives the change, so a second press of the button comes here: its person must not read that it failed.
	c, rerr := s.db.Read().GetSessionChallenge(ctx, store.GetSessionChallengeParams{
		SessionID: &session, AccountID: e.account, Kind: string(to.Method),
	})
	if rerr == nil && c.UsedAt != nil && s.now().Sub(*c.UsedAt) < pressedTwice {
		return Changed{}, ErrJustDone
	}
	return Changed{}, err
}

// pressedTwice is how long after a change its form counts as posted twice.
const pressedTwice = 10 * time.Second

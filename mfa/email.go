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

// EmailSetUp describes the set-up page of a sign-in.
func (s *Service) EmailSetUp(ctx context.Context, flow store.Flow) (Sending, error) {
	now, q := s.now(), s.db.Read()
	p, err := s.attempted(ctx, q, flow, now)
	if err != nil {
		return Sending{}, err
	}
	if err := p.setUp(); err != nil {
		return Sending{}, err
	}
	return s.sending(ctx, q, p.attempt(), p.account.ID, purposeEnrol, now)
}

// CheckSetUp returns nil when the sign-in may set up its first factor now.
func (s *Service) CheckSetUp(ctx context.Context, flow store.Flow) error {
	p, err := s.attempted(ctx, s.db.Read(), flow, s.now())
	if err != nil {
		return err
	}
	return p.setUp()
}

// SendSetUpCode sends a code to the address a person wants to receive codes at (M16, M18).
func (s *Service) SendSetUpCode(ctx context.Context, flow store.Flow, address string, lang templates.Lang) error {
	address, err := ParseEmail(address)
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
		if err := p.setUp(); err != nil {
			return err
		}
		event = sendEvent(p.event(audit.CodeSend, audit.Success, ""), purposeEnrol, address)
		return s.send(ctx, tx, now, codeMail{
			attempt: p.attempt(), account: p.account, purpose: purposeEnrol, address: address, lang: lang, event: event,
		})
	})
	return s.sent(ctx, now, err, event)
}

// VerifySetUpCode sets up the address as the account's first factor when the code is right, makes the backup codes, and adds
// the proof to the sign-in (M17 to M19). It returns the flow's new secret.
func (s *Service) VerifySetUpCode(ctx context.Context, flow store.Flow, address, code string, lang templates.Lang) (secret string, err error) {
	p, err := s.attempted(ctx, s.db.Read(), flow, s.now())
	if err != nil {
		return "", err
	}
	if err := p.setUp(); err != nil {
		return "", err
	}
	err = s.verifyAddress(ctx, newAddress{
		attempt: p.attempt(), account: p.account.ID, purpose: purposeEnrol, address: address, code: code, first: true, gone: ErrFlowGone,
		again: func(tx *store.Tx, now time.Time) (store.Account, audit.Event, error) {
			if p, err = s.attempted(ctx, tx.Queries, flow, now); err != nil {
				return store.Account{}, audit.Event{}, err
			}
			return p.account, p.event(audit.FactorEnrol, audit.Failure, ""), p.setUp()
		},
		apply: func(tx *store.Tx, now time.Time, c store.Challenge, b batch) error {
			secret, err = s.enrol(ctx, tx, now, p, c, b, lang)
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
	// address and code are as typed.
	address, code string
	// first is whether it is the account's first factor, so that backup codes come with it.
	first bool
	// gone is returned for an account that is not there any more.
	gone error
	// again reads, with the account held, who asks and what a wrong code is written down as; an error says that they may not.
	again func(tx *store.Tx, now time.Time) (store.Account, audit.Event, error)
	// apply makes the change that a right code brings about.
	apply func(tx *store.Tx, now time.Time, c store.Challenge, b batch) error
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
			attempt: a.attempt, account: acc, purpose: a.purpose, address: address, code: code, event: enrolEvent(event, address),
		})
		if err != nil || verdict != nil {
			return err
		}
		if a.first && b.id == "" {
			return ErrWrongCode // the code was taken back when the form was read: it cannot have been right then
		}
		if err := a.apply(tx, now, c, b); err != nil {
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

// enrol does everything that a right code brings about, in one transaction.
func (s *Service) enrol(ctx context.Context, tx *store.Tx, now time.Time, p attempted, c store.Challenge, batch batch, lang templates.Lang) (secret string, err error) {
	epoch, err := beginChange(ctx, tx, now, p.account, ErrFlowGone)
	if err != nil {
		return "", err
	}
	if err := tx.ClearThrottle(ctx, codeThrottle(p.account.ID)); err != nil {
		return "", fmt.Errorf("clear pause: %w", err)
	}
	if err := s.use(ctx, tx, now, c); err != nil {
		return "", err
	}
	if err := tx.EndCodes(ctx, now, p.account.ID); err != nil {
		return "", err
	}
	factor := store.NewID[store.FactorID]()
	n, err := tx.InsertFirstFactor(ctx, store.InsertFirstFactorParams{
		ID: string(factor), Kind: string(signin.Email), Address: c.Address, Now: now, AccountID: p.account.ID, CredentialEpoch: epoch,
	})
	if errors.Is(err, store.ErrConflict) || err == nil && n != 1 {
		return "", ErrAlreadySetUp
	}
	if err != nil {
		return "", fmt.Errorf("insert factor: %w", err)
	}
	if err := s.insertBatch(ctx, tx, now, p.account.ID, batch); err != nil {
		return "", err
	}
	// The session that the sign-in steps up is worth what it was; its token is renewed when the sign-in ends.
	keep := store.Keep{Flow: p.flow.ID, Epoch: epoch}
	if p.flow.SessionID != nil {
		keep.Session = *p.flow.SessionID
	}
	if err := tx.EndAccess(ctx, now, p.account.ID, keep); err != nil {
		return "", err
	}
	proved := p.evidence().With(signin.Evidence{Method: signin.Email, At: now, FactorID: string(factor)})
	if secret, err = prove(ctx, tx, now, p, proved, epoch, &batch.id); err != nil {
		return "", err
	}
	for _, e := range []audit.Event{
		enrolEvent(p.event(audit.FactorEnrol, audit.Success, ""), c.Address),
		p.event(audit.BackupIssue, audit.Success, "set_up"),
	} {
		if err := audit.Write(ctx, tx, now, e); err != nil {
			return "", err
		}
	}
	_, err = s.notify(ctx, tx, now, notice{
		kind: delivery.KindSetUp, account: p.account, lang: lang, method: signin.Email, address: c.Address,
		to: []string{p.account.RegisteredEmail},
	})
	return secret, err
}

// enrolEvent describes a factor that is, or would be, set up.
func enrolEvent(e audit.Event, address string) audit.Event {
	e.Target = templates.MaskEmail(address)
	e.Data = map[string]string{"method": string(signin.Email)}
	return e
}

// factorEvent describes the proof of a factor.
func factorEvent(e audit.Event, m signin.Method) audit.Event {
	e.Data = map[string]string{"method": string(m)}
	return e
}

// readForm checks what the two-step form holds, in the order a person fills it in. Whether a code was sent at all is said
// first: it is what a person who pressed the wrong button needs to know. Live is whether the code that was sent can still be
// right.
func (s *Service) readForm(ctx context.Context, a newAddress) (address, code string, live bool, err error) {
	now, q := s.now(), s.db.Read()
	c, err := a.attempt.newest(ctx, q, a.account, a.purpose)
	if err != nil {
		return "", "", false, err
	}
	if address, err = ParseEmail(a.address); err != nil {
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

// Challenge is the state of the challenge page.
type Challenge struct {
	Sending
	// To is the masked address of the factor.
	To string
	// Sent is whether a code was sent in this sign-in, whatever became of it.
	Sent bool
	// Disabled is true when the factor takes no codes any more.
	Disabled bool
	// LockedUntil is set while codes of the account are not looked at.
	LockedUntil *time.Time
	// NearLimit is true when further failures pause the codes.
	NearLimit bool
	// BackupLeft is how many backup codes are usable.
	BackupLeft int
}

// Challenge describes the challenge page of a sign-in.
func (s *Service) Challenge(ctx context.Context, flow store.Flow) (Challenge, error) {
	now, q := s.now(), s.db.Read()
	p, err := s.attempted(ctx, q, flow, now)
	if err != nil {
		return Challenge{}, err
	}
	if err := p.challenge(); err != nil {
		return Challenge{}, err
	}
	v := Challenge{Disabled: true}
	if f, ok := p.Factor(signin.Email); ok {
		v.To, v.Disabled = templates.MaskEmail(f.Address), f.DisabledAt != nil
	}
	if v.LockedUntil, v.NearLimit, err = s.pause(ctx, q, codeThrottle(p.account.ID), now); err != nil {
		return Challenge{}, err
	}
	left, err := q.CountBackupCodes(ctx, p.account.ID)
	if err != nil {
		return Challenge{}, fmt.Errorf("count backup codes: %w", err)
	}
	v.BackupLeft = int(left)
	if _, err := p.attempt().newest(ctx, q, p.account.ID, purposeSignIn); err == nil {
		v.Sent = true
	} else if !errors.Is(err, ErrNotSent) {
		return Challenge{}, err
	}
	v.Sending, err = s.sending(ctx, q, p.attempt(), p.account.ID, purposeSignIn, now)
	return v, err
}

// SendSignInCode sends the first code of a sign-in. When one was sent already it does nothing: pages are opened twice.
func (s *Service) SendSignInCode(ctx context.Context, flow store.Flow, lang templates.Lang) error {
	err := s.sendSignInCode(ctx, flow, lang, true)
	if errors.Is(err, errAlreadySent) {
		return nil
	}
	if _, ok := errors.AsType[*WaitError](err); !ok {
		return err
	}
	// The code that the cool-down comes from may be this sign-in's own, if its page was opened twice at once.
	p, rerr := s.attempted(ctx, s.db.Read(), flow, s.now())
	if rerr != nil {
		return rerr
	}
	if _, rerr := p.attempt().newest(ctx, s.db.Read(), p.account.ID, purposeSignIn); !errors.Is(rerr, ErrNotSent) {
		return rerr
	}
	return err
}

// errAlreadySent says that a sign-in has sent its first code.
var errAlreadySent = errors.New("a code was sent already")

// ResendSignInCode sends another code and takes back the former.
func (s *Service) ResendSignInCode(ctx context.Context, flow store.Flow, lang templates.Lang) error {
	return s.sendSignInCode(ctx, flow, lang, false)
}

func (s *Service) sendSignInCode(ctx context.Context, flow store.Flow, lang templates.Lang, first bool) error {
	now := s.now()
	var event audit.Event
	err := s.db.InTx(ctx, func(tx *store.Tx) error {
		p, err := s.attempted(ctx, tx.Queries, flow, now)
		if err != nil {
			return err
		}
		if err := p.challenge(); err != nil {
			return err
		}
		f, ok := p.Factor(signin.Email)
		if !ok || f.DisabledAt != nil {
			return ErrFactorDisabled
		}
		if first {
			_, err := p.attempt().newest(ctx, tx.Queries, p.account.ID, purposeSignIn)
			if err == nil {
				return errAlreadySent
			}
			if !errors.Is(err, ErrNotSent) {
				return err
			}
		}
		event = sendEvent(p.event(audit.CodeSend, audit.Success, ""), purposeSignIn, f.Address)
		return s.send(ctx, tx, now, codeMail{
			attempt: p.attempt(), account: p.account, purpose: purposeSignIn, factor: &f.ID, address: f.Address, lang: lang, event: event,
		})
	})
	return s.sent(ctx, now, err, event)
}

// VerifySignInCode adds the proof of the email factor to the sign-in when the code is right. It returns the flow's new secret.
func (s *Service) VerifySignInCode(ctx context.Context, flow store.Flow, code string) (secret string, err error) {
	code, formErr := NormalizeCode(code)
	now := s.now()
	var verdict error
	err = s.db.InTx(ctx, func(tx *store.Tx) error {
		p, err := s.attempted(ctx, tx.Queries, flow, now)
		if err != nil {
			return err
		}
		if err := p.challenge(); err != nil {
			return err
		}
		if formErr != nil {
			if _, err := p.attempt().newest(ctx, tx.Queries, p.account.ID, purposeSignIn); err != nil {
				return err
			}
			return formErr
		}
		var c store.Challenge
		c, verdict, err = s.judge(ctx, tx, now, guess{
			attempt: p.attempt(), account: p.account, purpose: purposeSignIn, code: code,
			event: factorEvent(p.event(audit.SignInFactor, audit.Failure, ""), signin.Email),
		})
		if err != nil || verdict != nil {
			return err
		}
		if err := s.use(ctx, tx, now, c); err != nil {
			return err
		}
		n, err := tx.RecordFactorSuccess(ctx, store.RecordFactorSuccessParams{Now: &now, ID: *c.FactorID})
		if err != nil {
			return fmt.Errorf("record success: %w", err)
		}
		if n != 1 {
			return ErrFactorDisabled
		}
		proved := p.evidence().With(signin.Evidence{Method: signin.Email, At: now, FactorID: string(*c.FactorID)})
		if secret, err = prove(ctx, tx, now, p, proved, *p.flow.CredentialEpoch, p.flow.BackupBatchID); err != nil {
			return err
		}
		if err := tx.ClearThrottle(ctx, codeThrottle(p.account.ID)); err != nil {
			return fmt.Errorf("clear pause: %w", err)
		}
		if err := s.endCooldown(ctx, tx, c, now); err != nil {
			return err
		}
		return audit.Write(ctx, tx, now, factorEvent(p.event(audit.SignInFactor, audit.Success, ""), signin.Email))
	})
	if err == nil {
		err = verdict
	}
	if err != nil {
		return "", err
	}
	return secret, nil
}

// EmailChange is the state of the self-service page for email.
type EmailChange struct {
	Sending
	// Current is the address in force, whole; empty when none is set up.
	Current string
}

// EmailChange describes the self-service page for email.
func (s *Service) EmailChange(ctx context.Context, session store.SessionID) (EmailChange, error) {
	now, q := s.now(), s.db.Read()
	p, err := s.actingFresh(ctx, q, session, now)
	if err != nil {
		return EmailChange{}, err
	}
	var v EmailChange
	if f, ok := p.Factor(signin.Email); ok {
		v.Current = f.Address
	}
	v.Sending, err = s.sending(ctx, q, p.attempt(), p.account.ID, purposeChange, now)
	return v, err
}

// SendChangeCode sends a code to the new address. The one in force stays so (M21, M22).
func (s *Service) SendChangeCode(ctx context.Context, session store.SessionID, address string, lang templates.Lang) error {
	address, err := ParseEmail(address)
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
		event = sendEvent(p.event(audit.CodeSend, audit.Success, ""), purposeChange, address)
		return s.send(ctx, tx, now, codeMail{
			attempt: p.attempt(), account: p.account, purpose: purposeChange, address: address, lang: lang, event: event,
		})
	})
	return s.sent(ctx, now, err, event)
}

// Changed is what a change from the self-service page left behind.
type Changed struct {
	// Token is the session's new token.
	Token string
	// First is true when the account had no factor before; backup codes then wait to be shown.
	First bool

	account store.AccountID
}

// VerifyChangeCode makes the new address the factor when the code is right, and turns the account's switch to use (M21 to
// M23). Every other session, sign-in, token and device of the account ends; the acting session goes on under a new token.
func (s *Service) VerifyChangeCode(ctx context.Context, session store.SessionID, address, code string, lang templates.Lang) (Changed, error) {
	done, err := s.verifyChange(ctx, session, address, code, lang)
	if !errors.Is(err, ErrWrongCode) {
		return done, err
	}
	// The session outlives the change, so a second press of the button comes here: its person must not read that it failed.
	c, rerr := s.db.Read().GetSessionChallenge(ctx, store.GetSessionChallengeParams{SessionID: &session, AccountID: done.account})
	if rerr == nil && c.UsedAt != nil && s.now().Sub(*c.UsedAt) < pressedTwice {
		return Changed{}, ErrJustDone
	}
	return Changed{}, err
}

// pressedTwice is how long after a change its form counts as posted twice.
const pressedTwice = 10 * time.Second

func (s *Service) verifyChange(ctx context.Context, session store.SessionID, address, code string, lang templates.Lang) (Changed, error) {
	p, err := s.actingFresh(ctx, s.db.Read(), session, s.now())
	if err != nil {
		return Changed{}, err
	}
	var done Changed
	id := p.account.ID
	err = s.verifyAddress(ctx, newAddress{
		attempt: p.attempt(), account: id, purpose: purposeChange, address: address, code: code,
		first: !p.State.Enrolled, gone: ErrSessionGone,
		again: func(tx *store.Tx, now time.Time) (store.Account, audit.Event, error) {
			if p, err = s.actingFresh(ctx, tx.Queries, session, now); err != nil {
				return store.Account{}, audit.Event{}, err
			}
			return p.account, p.event(p.changeType(), audit.Failure, ""), nil
		},
		apply: func(tx *store.Tx, now time.Time, c store.Challenge, b batch) error {
			done, err = s.changeEmail(ctx, tx, now, p, c, b, lang)
			return err
		},
	})
	done.account = id
	return done, err
}

// changeType is what setting an address is, seen from the account.
func (p acting) changeType() audit.Type {
	if !p.State.Enrolled {
		return audit.FactorEnrol
	}
	return audit.FactorChange
}

// changeEmail does everything that a right code brings about, in one transaction.
func (s *Service) changeEmail(ctx context.Context, tx *store.Tx, now time.Time, p acting, c store.Challenge, fresh batch, lang templates.Lang) (Changed, error) {
	former, had := p.Factor(signin.Email)
	done := Changed{First: !p.State.Enrolled}
	if done.First && fresh.id == "" {
		return done, ErrSessionGone // staff took the factor away meanwhile
	}
	epoch, err := beginChange(ctx, tx, now, p.account, ErrSessionGone)
	if err != nil {
		return Changed{}, err
	}
	var events []audit.Event
	if p.account.TwoFactor != "use" {
		n, err := tx.SetTwoFactor(ctx, store.SetTwoFactorParams{TwoFactor: "use", Now: now, ID: p.account.ID, Former: p.account.TwoFactor})
		if err != nil {
			return Changed{}, fmt.Errorf("turn on: %w", err)
		}
		if n != 1 {
			return Changed{}, ErrSessionGone
		}
		e := p.event(audit.TwoFactorSet, audit.Success, "set_up")
		e.Data = map[string]string{"from": p.account.TwoFactor, "to": "use"}
		events = append(events, e)
	}
	if err := tx.ClearThrottle(ctx, codeThrottle(p.account.ID)); err != nil {
		return Changed{}, fmt.Errorf("clear pause: %w", err)
	}
	if err := s.use(ctx, tx, now, c); err != nil {
		return Changed{}, err
	}
	if err := tx.EndCodes(ctx, now, p.account.ID); err != nil {
		return Changed{}, err
	}
	factor, err := tx.UpsertFactor(ctx, store.UpsertFactorParams{
		ID: store.NewID[store.FactorID](), AccountID: p.account.ID, Kind: string(signin.Email), Address: c.Address, Main: done.First, Now: now,
	})
	if err != nil {
		return Changed{}, fmt.Errorf("store factor: %w", err)
	}
	e := enrolEvent(p.event(p.changeType(), audit.Success, ""), c.Address)
	if had {
		e.Data["former"] = templates.MaskEmail(former.Address)
	}
	events = append(events, e)
	if done.First {
		if err := s.insertBatch(ctx, tx, now, p.account.ID, fresh); err != nil {
			return Changed{}, err
		}
		events = append(events, p.event(audit.BackupIssue, audit.Success, "set_up"))
	}
	proved := p.evidence().With(signin.Evidence{Method: signin.Email, At: now, FactorID: string(factor.ID)})
	if done.Token, err = carry(ctx, tx, now, p, epoch, proved); err != nil {
		return Changed{}, err
	}
	for _, e := range events {
		if err := audit.Write(ctx, tx, now, e); err != nil {
			return Changed{}, err
		}
	}
	n := notice{
		kind: delivery.KindSetUp, account: p.account, lang: lang, method: signin.Email, address: c.Address,
		to: []string{p.account.RegisteredEmail},
	}
	if had {
		n.kind, n.to = delivery.KindAddressChanged, []string{former.Address, p.account.RegisteredEmail}
	}
	_, err = s.notify(ctx, tx, now, n)
	return done, err
}

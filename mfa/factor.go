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

// newFactor is a factor whose proof was just made: setting it up, or replacing the account's one of the same method, is all that
// is left to do.
type newFactor struct {
	method signin.Method
	// address is where codes go, for the methods that send them.
	address string
	// seal seals what the server keeps of the factor under the row it is for; nil for factors without a secret.
	seal func(id store.FactorID) ([]byte, error)
	// step is the time step of the code that proved an authenticator app.
	step *int64
	// after writes what else belongs to the factor, once its row is there; nil where nothing does.
	after func(ctx context.Context, tx *store.Tx, factor store.Factor) error
	// unproved is true where setting the factor up proves nothing: it has to be used once before it counts.
	unproved bool
}

// keep seals what is to be kept of a factor that gets that row.
func (f newFactor) keep(id store.FactorID) ([]byte, error) {
	if f.seal == nil {
		return nil, nil
	}
	sealed, err := f.seal(id)
	if err != nil {
		return nil, fmt.Errorf("seal factor: %w", err)
	}
	return sealed, nil
}

// finish writes what belongs to a factor's row and adds its proof to those there are.
func (f newFactor) finish(
	ctx context.Context, tx *store.Tx, now time.Time, row store.Factor, proved signin.EvidenceList,
) (signin.EvidenceList, error) {
	if f.after != nil {
		if err := f.after(ctx, tx, row); err != nil {
			return nil, err
		}
	}
	// The ticket has done what it is for.
	ticketed := proved.Has(signin.Ticket)
	proved = proved.Without(signin.Ticket)
	if f.unproved {
		return proved, nil
	}
	return proved.With(signin.Evidence{Method: f.method, At: now, FactorID: string(row.ID), Ticketed: ticketed}), nil
}

// factorEvent describes the proof of a factor.
func factorEvent(e audit.Event, m signin.Method) audit.Event {
	e.Data = map[string]string{"method": string(m)}
	return e
}

// enrolEvent describes a factor that is, or would be, set up.
func enrolEvent(e audit.Event, method signin.Method, address string) audit.Event {
	e.Target = mask(method, address)
	return factorEvent(e, method)
}

// mask shows enough of an address for its owner to know it. Factors without an address have none to show.
func mask(method signin.Method, address string) string {
	switch method {
	case signin.Email:
		return templates.MaskEmail(address)
	case signin.SMS:
		return templates.MaskPhone(address)
	default:
		return ""
	}
}

// enrol sets up the account's first factor inside a sign-in (M17), with its backup codes and everything that follows from it, in
// one transaction. It returns the flow's new secret. What proved the factor was spent before, in the same transaction.
func (s *Service) enrol(ctx context.Context, tx *store.Tx, now time.Time, p attempted, f newFactor, batch batch, lang templates.Lang) (secret string, err error) {
	epoch, err := beginChange(ctx, tx, now, p.account, ErrFlowGone)
	if err != nil {
		return "", err
	}
	if err := tx.ClearThrottle(ctx, codeThrottle(p.account.ID)); err != nil {
		return "", fmt.Errorf("clear pause: %w", err)
	}
	if err := tx.EndCodes(ctx, now, p.account.ID); err != nil {
		return "", err
	}
	id := store.NewID[store.FactorID]()
	sealed, err := f.keep(id)
	if err != nil {
		return "", err
	}
	n, err := tx.InsertFirstFactor(ctx, store.InsertFirstFactorParams{
		ID: string(id), Kind: string(f.method), Address: f.address, SecretSealed: sealed, TOTPStep: f.step, Now: now,
		AccountID: p.account.ID, CredentialEpoch: epoch,
	})
	if errors.Is(err, store.ErrConflict) || err == nil && n != 1 {
		return "", ErrAlreadySetUp
	}
	if err != nil {
		return "", fmt.Errorf("insert factor: %w", err)
	}
	if err := s.endTicketDemand(ctx, tx, p.account, now); err != nil {
		return "", err
	}
	row := store.Factor{ID: id, AccountID: p.account.ID, Kind: string(f.method), Main: true}
	proved, err := f.finish(ctx, tx, now, row, p.evidence())
	if err != nil {
		return "", err
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
	if secret, err = prove(ctx, tx, now, p, proved, epoch, &batch.id); err != nil {
		return "", err
	}
	for _, e := range []audit.Event{
		enrolEvent(p.event(audit.FactorEnrol, audit.Success, ""), f.method, f.address),
		p.event(audit.BackupIssue, audit.Success, "set_up"),
	} {
		if err := audit.Write(ctx, tx, now, e); err != nil {
			return "", err
		}
	}
	_, err = s.notify(ctx, tx, now, notice{
		kind: delivery.KindSetUp, account: p.account, lang: lang, method: f.method, address: mask(f.method, f.address),
		to: f.mailboxes(p.subject),
	})
	return secret, err
}

// Changed is what a change from the self-service page left behind.
type Changed struct {
	// Token is the session's new token.
	Token string
	// First is true when the account had no factor before; backup codes then wait to be shown.
	First bool
	// Replaced is true when the account had a factor of the same method, which the new one took the place of.
	Replaced bool
}

// change sets up a factor from the self-service page, or replaces the one of its method, with everything that follows from it, in
// one transaction (M21 to M23): the account's switch turns to use, every other session, sign-in, token and device ends, and the
// acting session goes on under a new token. What proved the factor was spent before, in the same transaction.
func (s *Service) change(ctx context.Context, tx *store.Tx, now time.Time, p acting, f newFactor, fresh batch, lang templates.Lang) (Changed, error) {
	former, had := p.Factor(f.method)
	done := Changed{First: !p.State.Enrolled, Replaced: had}
	if done.First && fresh.id == "" {
		return done, ErrSessionGone // staff took the factor away meanwhile
	}
	epoch, err := beginChange(ctx, tx, now, p.account, ErrSessionGone)
	if err != nil {
		return Changed{}, err
	}
	var events []audit.Event
	if p.account.TwoFactor != store.TwoFactorUse {
		n, err := tx.SetTwoFactor(ctx, store.SetTwoFactorParams{
			TwoFactor: store.TwoFactorUse, Now: now, ID: p.account.ID, Former: p.account.TwoFactor,
		})
		if err != nil {
			return Changed{}, fmt.Errorf("turn on: %w", err)
		}
		if n != 1 {
			return Changed{}, ErrSessionGone
		}
		e := p.event(audit.TwoFactorSet, audit.Success, "set_up")
		e.Data = map[string]string{"from": p.account.TwoFactor, "to": store.TwoFactorUse}
		events = append(events, e)
	}
	if err := tx.ClearThrottle(ctx, codeThrottle(p.account.ID)); err != nil {
		return Changed{}, fmt.Errorf("clear pause: %w", err)
	}
	if err := tx.EndCodes(ctx, now, p.account.ID); err != nil {
		return Changed{}, err
	}
	factor, err := s.putFactor(ctx, tx, now, p, f)
	if err != nil {
		return Changed{}, err
	}
	if err := s.endTicketDemand(ctx, tx, p.account, now); err != nil {
		return Changed{}, err
	}
	proved, err := f.finish(ctx, tx, now, factor, p.evidence())
	if err != nil {
		return Changed{}, err
	}
	e := enrolEvent(p.event(p.changeType(f.method), audit.Success, ""), f.method, f.address)
	if had && former.Address != "" {
		e.Data["former"] = mask(f.method, former.Address)
	}
	events = append(events, e)
	if done.First {
		if err := s.insertBatch(ctx, tx, now, p.account.ID, fresh); err != nil {
			return Changed{}, err
		}
		events = append(events, p.event(audit.BackupIssue, audit.Success, "set_up"))
	}
	if done.Token, err = carry(ctx, tx, now, p, epoch, proved); err != nil {
		return Changed{}, err
	}
	for _, e := range events {
		if err := audit.Write(ctx, tx, now, e); err != nil {
			return Changed{}, err
		}
	}
	n := notice{
		kind: delivery.KindSetUp, account: p.account, lang: lang, method: f.method, address: mask(f.method, f.address),
		to: f.mailboxes(p.subject),
	}
	if had && former.Address != f.address {
		n.kind = delivery.KindAddressChanged
		if n.undo, err = s.offerUndo(ctx, tx, now, former, f.address); err != nil {
			return Changed{}, err
		}
	}
	_, err = s.notify(ctx, tx, now, n)
	return done, err
}

// putFactor writes a factor's row. One that was there keeps its id and its place.
func (s *Service) putFactor(ctx context.Context, tx *store.Tx, now time.Time, p acting, f newFactor) (store.Factor, error) {
	id := store.NewID[store.FactorID]()
	if former, had := p.Factor(f.method); had {
		id = former.ID
	}
	sealed, err := f.keep(id)
	if err != nil {
		return store.Factor{}, err
	}
	position := int64(0)
	for _, other := range p.Factors {
		position = max(position, other.Position+1)
	}
	row, err := tx.UpsertFactor(ctx, store.UpsertFactorParams{
		ID: id, AccountID: p.account.ID, Kind: string(f.method), Address: f.address, Main: !p.State.Enrolled, Position: position,
		SecretSealed: sealed, TOTPStep: f.step, Now: now,
	})
	if err != nil {
		return store.Factor{}, fmt.Errorf("store factor: %w", err)
	}
	return row, nil
}

// changeType is what setting up a method is, seen from the account.
func (p acting) changeType(method signin.Method) audit.Type {
	if _, had := p.Factor(method); had {
		return audit.FactorChange
	}
	return audit.FactorEnrol
}

// mailboxes are who hears that a factor is set up or changed: the account's mailboxes until now, and the new one.
func (f newFactor) mailboxes(p subject) []string {
	to := p.mailboxes()
	if f.method == signin.Email {
		to = append(to, f.address)
	}
	return to
}

// mailboxes are the verified addresses of the account and its registered one: who hears of a change.
func (p subject) mailboxes() []string {
	var to []string
	if f, ok := p.Factor(signin.Email); ok {
		to = append(to, f.Address)
	}
	return append(to, p.account.RegisteredEmail)
}

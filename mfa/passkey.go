package mfa

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// An account has one factor row for all its passkeys, and a row for each. Making a passkey proves nothing yet: what it is worth is
// shown by using it, which the sign-in then asks for.

const (
	// maxPasskeys is how many passkeys an account can have: enough for anyone, and few enough for one request to name them all.
	maxPasskeys = 20
	// maxPasskeyName is how long a passkey's name is, in characters.
	maxPasskeyName = 40
	// purposeLogin is a ceremony that stands for the password too.
	purposeLogin = "login"
)

// handleOf is how authenticators know an account. The id's time of creation is all it tells, and to the page's own script only.
func handleOf(id store.AccountID) ([]byte, error) {
	u, err := uuid.Parse(string(id))
	if err != nil {
		return nil, fmt.Errorf("handle of account: %w", err)
	}
	return u[:], nil
}

// ParsePasskeyName reads the name a person gives a passkey. An empty one becomes the fallback, what the page proposed, and is
// ErrNameBlank without one.
func ParsePasskeyName(typed, fallback string) (string, error) {
	name := strings.Join(strings.FieldsFunc(typed, unicode.IsSpace), " ")
	if name == "" {
		name = fallback
	}
	if name == "" {
		return "", ErrNameBlank
	}
	if len([]rune(name)) > maxPasskeyName {
		return "", ErrNameLong
	}
	for _, r := range name {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == unicode.ReplacementChar {
			return "", ErrNameForm
		}
	}
	return name, nil
}

// credentials are an account's passkeys as the ceremony needs them.
func credentials(ctx context.Context, q *store.Queries, id store.AccountID) ([]credential, error) {
	rows, err := q.ListPasskeys(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("list passkeys: %w", err)
	}
	list := make([]credential, 0, len(rows))
	for _, row := range rows {
		c, err := readCredential(row.Record)
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, nil
}

// PasskeySetUp returns what a sign-in's browser needs to make the account's first passkey.
func (s *Service) PasskeySetUp(ctx context.Context, flow store.Flow) (json.RawMessage, error) {
	now := s.now()
	return s.beginPasskey(ctx, now, func(tx *store.Tx) (subject, attempt, string, error) {
		p, err := s.attempted(ctx, tx.Queries, flow, now)
		if err == nil {
			err = p.setUp(signin.Passkey)
		}
		return p.subject, p.attempt(), purposeEnrol, err
	})
}

// PasskeyAdd returns what a session's browser needs to make another passkey.
func (s *Service) PasskeyAdd(ctx context.Context, session store.SessionID) (json.RawMessage, error) {
	now := s.now()
	return s.beginPasskey(ctx, now, func(tx *store.Tx) (subject, attempt, string, error) {
		p, err := s.actingFresh(ctx, tx.Queries, session, now)
		if err == nil {
			err = s.mayAdd(p, signin.Passkey)
		}
		return p.subject, p.attempt(), purposeChange, err
	})
}

func (s *Service) beginPasskey(
	ctx context.Context, now time.Time, read func(tx *store.Tx) (subject, attempt, string, error),
) (options json.RawMessage, err error) {
	err = s.db.InTx(ctx, func(tx *store.Tx) error {
		p, a, purpose, err := read(tx)
		if err != nil {
			return err
		}
		existing, err := credentials(ctx, tx.Queries, p.account.ID)
		if err != nil {
			return err
		}
		if len(existing) >= maxPasskeys {
			return ErrTooManyPasskeys
		}
		handle, err := handleOf(p.account.ID)
		if err != nil {
			return err
		}
		var data []byte
		options, data, err = s.rp.beginRegistration(
			passkeyHolder{Handle: handle, Name: p.account.LoginID, DisplayName: p.account.DisplayName}, existing, now)
		if err != nil {
			return err
		}
		_, err = s.begin(ctx, tx, now, a, &p.account.ID, signin.Passkey, purpose, data, ceremonyLifetime)
		return err
	})
	return options, err
}

// SetUpPasskey keeps the passkey that a sign-in's browser made as the account's first factor. It returns the flow's new secret.
func (s *Service) SetUpPasskey(ctx context.Context, flow store.Flow, name string, answer []byte, lang templates.Lang) (secret string, err error) {
	e, err := s.flowEnrolment(ctx, flow, signin.Passkey, lang)
	if err != nil {
		return "", err
	}
	if err := s.keepPasskey(ctx, e, name, answer); err != nil {
		return "", err
	}
	return e.secret, nil
}

// AddPasskey keeps a passkey that a session's browser made.
func (s *Service) AddPasskey(ctx context.Context, session store.SessionID, name string, answer []byte, lang templates.Lang) (Changed, error) {
	e, err := s.sessionEnrolment(ctx, session, signin.Passkey, lang)
	if err != nil {
		return Changed{}, err
	}
	err = s.keepPasskey(ctx, e, name, answer)
	return e.done, err
}

func (s *Service) keepPasskey(ctx context.Context, e *enrolment, name string, answer []byte) error {
	c, err := s.ceremony(ctx, s.db.Read(), s.now(), e.attempt, signin.Passkey, e.purpose)
	if err != nil {
		return err
	}
	if e.first {
		if err := s.takePreparation(ctx, string(c.ID), c.ExpiresAt, s.now()); err != nil {
			return err
		}
	}
	err = s.settle(ctx, e, true, func(tx *store.Tx, now time.Time, acc store.Account, event audit.Event) (f newFactor, verdict, err error) {
		data, err := s.takeData(ctx, tx, now, c.ID)
		if err != nil {
			return f, nil, err
		}
		handle, err := handleOf(acc.ID)
		if err != nil {
			return f, nil, err
		}
		made, err := s.rp.finishRegistration(data, answer, handle, now)
		if refusal, refused := errors.AsType[passkeyRefusal](err); refused {
			event.Reason = string(refusal)
			return f, ErrPasskey, audit.Write(ctx, tx, now, factorEvent(event, signin.Passkey))
		}
		if err != nil {
			return f, nil, err
		}
		return newFactor{
			method: signin.Passkey, unproved: true,
			after: func(ctx context.Context, tx *store.Tx, factor store.Factor) error {
				return s.insertPasskey(ctx, tx, now, factor, name, made)
			},
		}, nil, nil
	})
	if errors.Is(err, store.ErrConflict) {
		return fmt.Errorf("%w: %w", ErrPasskey, err) // some account has it already, this one or another
	}
	return err
}

func (s *Service) insertPasskey(ctx context.Context, tx *store.Tx, now time.Time, factor store.Factor, name string, made credential) error {
	rows, err := tx.ListPasskeys(ctx, factor.AccountID)
	if err != nil {
		return fmt.Errorf("list passkeys: %w", err)
	}
	if len(rows) >= maxPasskeys {
		return ErrTooManyPasskeys
	}
	record, err := made.record()
	if err != nil {
		return err
	}
	if err := tx.InsertPasskey(ctx, store.InsertPasskeyParams{
		ID: store.NewID[store.PasskeyID](), AccountID: factor.AccountID, FactorID: factor.ID, CredentialID: made.ID, Record: record,
		SignCount: int64(made.SignCount), Name: name, Now: now,
	}); err != nil {
		return fmt.Errorf("insert passkey: %w", err)
	}
	return nil
}

// takeData uses a ceremony up and returns what it holds.
func (s *Service) takeData(ctx context.Context, tx *store.Tx, now time.Time, id store.CeremonyID) ([]byte, error) {
	c, err := s.take(ctx, tx, now, id)
	if err != nil {
		return nil, err
	}
	return s.opened(c)
}

// PasskeyChallenge returns what a sign-in's browser needs to use one of the account's passkeys as the second factor.
func (s *Service) PasskeyChallenge(ctx context.Context, flow store.Flow) (options json.RawMessage, err error) {
	now := s.now()
	err = s.db.InTx(ctx, func(tx *store.Tx) error {
		p, err := s.attempted(ctx, tx.Queries, flow, now)
		if err != nil {
			return err
		}
		if _, err := p.challenged(signin.Passkey); err != nil {
			return err
		}
		existing, err := credentials(ctx, tx.Queries, p.account.ID)
		if err != nil {
			return err
		}
		handle, err := handleOf(p.account.ID)
		if err != nil {
			return err
		}
		var data []byte
		if options, data, err = s.rp.beginAssertion(handle, existing, false, now); err != nil {
			return err
		}
		_, err = s.begin(ctx, tx, now, p.attempt(), &p.account.ID, signin.Passkey, purposeSignIn, data, ceremonyLifetime)
		return err
	})
	return options, err
}

// VerifyPasskey adds the proof of a passkey to a sign-in. With trust the browser is not asked again, where that is offered.
func (s *Service) VerifyPasskey(ctx context.Context, flow store.Flow, answer []byte, trust bool) (done Proved, err error) {
	now := s.now()
	var verdict error
	err = s.db.InTx(ctx, func(tx *store.Tx) error {
		p, err := s.attempted(ctx, tx.Queries, flow, now)
		if err != nil {
			return err
		}
		if _, err := p.challenged(signin.Passkey); err != nil {
			return err
		}
		c, err := s.ceremony(ctx, tx.Queries, now, p.attempt(), signin.Passkey, purposeSignIn)
		if err != nil {
			return err
		}
		used, err := s.judgePasskey(ctx, tx, now, c.ID, answer)
		if err == nil {
			err = s.usePasskey(ctx, tx, now, used)
		}
		if refusal, refused := errors.AsType[passkeyRefusal](err); refused {
			verdict = ErrPasskey
			return audit.Write(ctx, tx, now, factorEvent(p.event(audit.SignInFactor, audit.Failure, string(refusal)), signin.Passkey))
		}
		if err != nil {
			return err
		}
		done, err = s.proved(ctx, tx, now, p, used.evidence(now), trust)
		return err
	})
	if err == nil {
		err = verdict
	}
	if err != nil {
		return Proved{}, err
	}
	return done, nil
}

// usedPasskey is a passkey that was used just now.
type usedPasskey struct {
	row    store.Passkey // as it was before
	result assertion
}

func (u usedPasskey) evidence(now time.Time) signin.Evidence {
	return signin.Evidence{
		Method: signin.Passkey, At: now, FactorID: string(u.row.ID),
		UserVerified: u.result.UserVerified, Synced: u.result.Credential.BackupEligible,
	}
}

// judgePasskey uses a ceremony up and judges the answer to it. It fails with a passkeyRefusal for one that is not accepted; the caller
// commits that too, since the ceremony is spent. The row is that of the passkey named by either, if there is one.
func (s *Service) judgePasskey(ctx context.Context, tx *store.Tx, now time.Time, id store.CeremonyID, answer []byte) (u usedPasskey, err error) {
	data, err := s.takeData(ctx, tx, now, id)
	if err != nil {
		return usedPasskey{}, err
	}
	u.result, err = s.rp.finishAssertion(data, answer, func(id, _ []byte) (storedCredential, error) {
		row, err := tx.GetPasskeyByCredential(ctx, id)
		if err != nil {
			return storedCredential{}, err
		}
		u.row = row
		stored := storedCredential{}
		if stored.Owner, err = handleOf(row.AccountID); err != nil {
			return storedCredential{}, err
		}
		stored.Credential, err = readCredential(row.Record)
		return stored, err
	}, now)
	return u, err
}

// usePasskey writes down the use of a passkey whose answer was accepted. It fails with refusedCounter if another use came first.
func (s *Service) usePasskey(ctx context.Context, tx *store.Tx, now time.Time, u usedPasskey) error {
	record, err := u.result.Credential.record()
	if err != nil {
		return err
	}
	n, err := tx.UsePasskey(ctx, store.UsePasskeyParams{
		ID: u.row.ID, FormerCount: u.row.SignCount, SignCount: int64(u.result.Credential.SignCount), Record: record, Now: &now,
	})
	if err != nil {
		return fmt.Errorf("use passkey: %w", err)
	}
	if n != 1 {
		return refusedCounter
	}
	if _, err := tx.RecordFactorSuccess(ctx, store.RecordFactorSuccessParams{Now: &now, ID: u.row.FactorID}); err != nil {
		return fmt.Errorf("record success: %w", err)
	}
	return nil
}

// PasskeyLogin returns what the login page's browser needs to offer a passkey in the place of login ID and password. It is the same
// for everybody (I9).
func (s *Service) PasskeyLogin(ctx context.Context, flow store.Flow) (options json.RawMessage, err error) {
	if !s.offered(signin.Passkey) {
		return nil, ErrMethod
	}
	now := s.now()
	options, data, err := s.rp.beginAssertion(nil, nil, true, now)
	if err != nil {
		return nil, err
	}
	err = s.db.InTx(ctx, func(tx *store.Tx) error {
		_, err := s.begin(ctx, tx, now, attempt{flow: &flow.ID}, nil, signin.Passkey, purposeLogin, data, ceremonyLifetime)
		return err
	})
	return options, err
}

// VerifyLogin binds a sign-in to the account of the passkey that was used, whose user must have been verified: it is the whole
// sign-in, where the surface wants no more than that. It returns the flow's new secret. Whatever is wrong is ErrPasskey, and takes as
// long, for passkeys that nobody has, of accounts that are disabled or of another kind, and of ones that do not fit (I9).
func (s *Service) VerifyLogin(ctx context.Context, flow store.Flow, answer []byte) (secret string, err error) {
	now := s.now()
	var verdict error
	err = s.db.InTx(ctx, func(tx *store.Tx) error {
		c, err := s.ceremony(ctx, tx.Queries, now, attempt{flow: &flow.ID}, signin.Passkey, purposeLogin)
		if errors.Is(err, ErrNotBegun) {
			verdict = ErrPasskey
			return nil
		}
		if err != nil {
			return err
		}
		event := audit.Event{Type: audit.SignInPasskey, Result: audit.Failure, Actor: audit.Anonymous(), Target: flow.SurfaceID}
		if flow.ClientID != nil {
			event.ClientID = *flow.ClientID
		}
		used, err := s.judgePasskey(ctx, tx, now, c.ID, answer)
		refusal, refused := errors.AsType[passkeyRefusal](err)
		if err != nil && !refused {
			return err
		}
		acc, barred, err := s.passkeyOwner(ctx, tx, flow, used.row)
		if err != nil {
			return err
		}
		if !refused {
			event.Account, refusal = acc.ID, barred
		}
		if refusal == "" {
			err := s.usePasskey(ctx, tx, now, used)
			if refusal, refused = errors.AsType[passkeyRefusal](err); err != nil && !refused {
				return err
			}
		}
		if refusal != "" {
			verdict, event.Reason = ErrPasskey, string(refusal)
			return audit.Write(ctx, tx, now, event)
		}
		if secret, err = s.bindPasskey(ctx, tx, now, flow, acc, used); err != nil {
			return err
		}
		event.Result, event.Actor = audit.Success, audit.OfAccount(acc)
		return audit.Write(ctx, tx, now, event)
	})
	if err == nil {
		err = verdict
	}
	if err != nil {
		return "", err
	}
	return secret, nil
}

// passkeyOwner is the account of a passkey, and what bars it from a sign-in. It is looked up whatever came of the answer, and also
// where there is no passkey: then it is nobody.
func (s *Service) passkeyOwner(
	ctx context.Context, tx *store.Tx, flow store.Flow, row store.Passkey,
) (acc store.Account, barred passkeyRefusal, err error) {
	id := row.AccountID
	if id == "" {
		id = store.NewID[store.AccountID]()
	}
	if acc, err = tx.GetAccount(ctx, id); err != nil && !errors.Is(err, store.ErrNotFound) {
		return acc, "", fmt.Errorf("load account: %w", err)
	}
	surface, err := tx.GetSurface(ctx, flow.SurfaceID)
	if err != nil {
		return acc, "", fmt.Errorf("load surface: %w", err)
	}
	switch {
	case acc.ID == "":
		barred = refusedUnknown
	case acc.DisabledAt != nil:
		barred = barredDisabled
	case acc.Kind != surface.AccountKind:
		barred = barredKind
	}
	return acc, barred, nil
}

// bindPasskey binds a flow to the account of a passkey, under a new secret (I10).
func (s *Service) bindPasskey(
	ctx context.Context, tx *store.Tx, now time.Time, flow store.Flow, acc store.Account, used usedPasskey,
) (secret string, err error) {
	former := signin.EvidenceList{}
	bind := store.BindFlowAccountParams{
		AccountID: &acc.ID, CredentialEpoch: &acc.CredentialEpoch, ID: flow.ID, SecretHash: flow.SecretHash, Now: now,
	}
	if flow.AccountID != nil && *flow.AccountID == acc.ID && flow.CredentialEpoch != nil && *flow.CredentialEpoch == acc.CredentialEpoch {
		// The same person again, in the same session: what they proved before still stands beside the passkey.
		if former, err = signin.ParseEvidence(flow.Evidence); err != nil {
			return "", err
		}
		bind.SessionID, bind.BackupBatchID = flow.SessionID, flow.BackupBatchID
	}
	bind.Evidence = former.With(used.evidence(now)).Encode()
	secret, bind.NewSecretHash = web.NewToken()
	n, err := tx.BindFlowAccount(ctx, bind)
	if err != nil {
		return "", fmt.Errorf("bind account to flow: %w", err)
	}
	if n == 0 {
		return "", ErrFlowGone
	}
	return secret, nil
}

// PasskeyStatus is one passkey of an account.
type PasskeyStatus struct {
	ID         store.PasskeyID
	Name       string
	CreatedAt  time.Time
	LastUsedAt time.Time // zero: never
	// Synced is whether it may exist in more than one place.
	Synced bool
}

// passkeys lists an account's passkeys, oldest first.
func passkeys(ctx context.Context, q *store.Queries, id store.AccountID) ([]PasskeyStatus, error) {
	rows, err := q.ListPasskeys(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("list passkeys: %w", err)
	}
	list := make([]PasskeyStatus, 0, len(rows))
	for _, row := range rows {
		p := PasskeyStatus{ID: row.ID, Name: row.Name, CreatedAt: row.CreatedAt}
		// A record that cannot be read opens nothing; the list shows it all the same, so that it can be removed.
		if c, err := readCredential(row.Record); err == nil {
			p.Synced = c.BackupEligible
		}
		if row.LastUsedAt != nil {
			p.LastUsedAt = *row.LastUsedAt
		}
		list = append(list, p)
	}
	return list, nil
}

// Passkeys lists the passkeys of a session's person, for the page that adds, names and removes them.
func (s *Service) Passkeys(ctx context.Context, session store.SessionID) ([]PasskeyStatus, error) {
	p, err := s.actingFresh(ctx, s.db.Read(), session, s.now())
	if err != nil {
		return nil, err
	}
	if err := s.mayAdd(p, signin.Passkey); err != nil {
		return nil, err
	}
	return passkeys(ctx, s.db.Read(), p.account.ID)
}

// RemovePasskey takes one of several passkeys away. Like any change of what the account signs in with, it ends every other session.
// It returns the session's new token. The only passkey is the method itself, which RemoveFactor removes: ErrLastPasskey. One that is
// unknown or somebody else's is store.ErrNotFound (I14).
func (s *Service) RemovePasskey(ctx context.Context, session store.SessionID, id store.PasskeyID, lang templates.Lang) (token string, err error) {
	now := s.now()
	err = s.db.InTx(ctx, func(tx *store.Tx) error {
		p, err := s.actingFreshHeld(ctx, tx, session, now)
		if err != nil {
			return err
		}
		row, err := tx.GetPasskey(ctx, store.GetPasskeyParams{ID: id, AccountID: p.account.ID})
		if err != nil {
			return fmt.Errorf("load passkey: %w", err)
		}
		rows, err := tx.ListPasskeys(ctx, p.account.ID)
		if err != nil {
			return fmt.Errorf("list passkeys: %w", err)
		}
		if len(rows) == 1 {
			return ErrLastPasskey
		}
		epoch, err := beginChange(ctx, tx, now, p.account, ErrSessionGone)
		if err != nil {
			return err
		}
		if err := tx.EndCodes(ctx, now, p.account.ID); err != nil {
			return err
		}
		if _, err := tx.DeletePasskey(ctx, store.DeletePasskeyParams{ID: id, AccountID: p.account.ID}); err != nil {
			return fmt.Errorf("delete passkey: %w", err)
		}
		if token, err = carry(ctx, tx, now, p, epoch, p.evidence()); err != nil {
			return err
		}
		e := factorEvent(p.event(audit.FactorRemove, audit.Success, ""), signin.Passkey)
		e.Target, e.Data["passkey"] = row.Name, string(id)
		if err := audit.Write(ctx, tx, now, e); err != nil {
			return err
		}
		_, err = s.notify(ctx, tx, now, notice{
			kind: delivery.KindFactorRemoved, account: p.account, lang: lang, method: signin.Passkey, to: p.mailboxes(),
		})
		return err
	})
	if err != nil {
		return "", err
	}
	s.outbox.Wake()
	return token, nil
}

// RenamePasskey names a passkey. One that is unknown or somebody else's is store.ErrNotFound (I14).
func (s *Service) RenamePasskey(ctx context.Context, session store.SessionID, id store.PasskeyID, name string) error {
	now := s.now()
	return s.db.InTx(ctx, func(tx *store.Tx) error {
		p, err := s.actingFresh(ctx, tx.Queries, session, now)
		if err != nil {
			return err
		}
		n, err := tx.RenamePasskey(ctx, store.RenamePasskeyParams{ID: id, AccountID: p.account.ID, Name: name})
		if err != nil {
			return fmt.Errorf("rename passkey: %w", err)
		}
		if n != 1 {
			return fmt.Errorf("rename passkey: %w", store.ErrNotFound)
		}
		e := factorEvent(p.event(audit.PasskeyRename, audit.Success, ""), signin.Passkey)
		e.Data["passkey"], e.Data["name"] = string(id), name
		return audit.Write(ctx, tx, now, e)
	})
}

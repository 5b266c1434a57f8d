package password

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/signin/standing"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// FieldCurrent is the field of the present password, as an [account.ValidationError] names it; the new one is
// [account.FieldPassword].
const FieldCurrent = "current"

// Choosing is what a page needs that asks for a new password.
type Choosing struct {
	LoginID string
	// Min is the fewest characters of the new password.
	Min int
}

// Changing describes the form by which a session's person changes their password. It fails with [ErrSessionGone] or [ErrNotFresh].
func (s *Service) Changing(ctx context.Context, session store.SessionID) (Choosing, error) {
	p, err := s.acting(ctx, s.db.Read(), session, s.now())
	if err != nil {
		return Choosing{}, err
	}
	return s.choosing(p.Account), nil
}

func (s *Service) choosing(acc store.Account) Choosing {
	return Choosing{LoginID: acc.LoginID, Min: s.accounts.PasswordMin(account.OwnerOf(acc))}
}

// acting is the person of a session who proved everything they have a moment ago (I13).
func (s *Service) acting(ctx context.Context, q *store.Queries, session store.SessionID, now time.Time) (standing.Acting, error) {
	p, err := standing.OfActing(ctx, q, session, now, s.proofs)
	switch {
	case errors.Is(err, standing.ErrGone):
		return standing.Acting{}, ErrSessionGone
	case err != nil:
		return standing.Acting{}, err
	case !p.Fresh():
		return standing.Acting{}, ErrNotFresh
	}
	return p, nil
}

// Change gives a session's person a new password. They have to know the present one as well, whatever else they proved: a session
// that was left open is then worth nothing to whoever finds it, and neither is a passkey that others may use. Everything else of
// the account ends; the session goes on under the token returned (I10, I11).
//
// It fails with an [account.ValidationError], [ErrWrongPassword], an [account.ThrottledError] or [account.ErrBusy], as a sign-in
// does that tries passwords, with [ErrTooManyNotices], [ErrSessionGone] or [ErrNotFresh].
func (s *Service) Change(ctx context.Context, session store.SessionID, current, next string, lang templates.Lang) (token string, err error) {
	p, err := s.acting(ctx, s.db.Read(), session, s.now())
	if err != nil {
		return "", err
	}
	owner := account.OwnerOf(p.Account)
	// What is wrong with the new password is said before the present one is looked at: that costs a try.
	if err := s.checkChange(current, next, owner); err != nil {
		return "", err
	}
	known, err := s.accounts.Verify(ctx, p.Account.Kind, p.Account.LoginID, current)
	switch {
	case errors.Is(err, account.ErrBadCredentials):
		return "", ErrWrongPassword
	case err != nil:
		return "", err
	case known.ID != p.Account.ID || known.CredentialEpoch != p.Account.CredentialEpoch:
		return "", ErrSessionGone // what was proved is not what the session rests on
	}
	hash, err := s.accounts.HashPassword(ctx, next, owner)
	if err != nil {
		return "", err
	}
	now := s.now()
	err = s.db.InTx(ctx, func(tx *store.Tx) error {
		token, err = s.change(ctx, tx, now, session, known, hash, lang)
		return err
	})
	if err != nil {
		return "", err
	}
	s.outbox.Wake()
	return token, nil
}

// checkChange says everything that is wrong with the form at once, as far as that can be told without trying a password.
func (s *Service) checkChange(current, next string, owner account.PasswordOwner) error {
	err := s.accounts.CheckPassword(next, owner)
	wrong, ok := errors.AsType[*account.ValidationError](err)
	switch {
	case err != nil && !ok:
		return err
	case err == nil:
		wrong = &account.ValidationError{Fields: map[string]string{}}
		if account.SamePassword(current, next) {
			wrong.Fields[account.FieldPassword] = templates.MsgPasswordSame
		}
	}
	if current == "" {
		wrong.Fields[FieldCurrent] = templates.MsgCurrentBlank
	}
	if len(wrong.Fields) == 0 {
		return nil
	}
	return wrong
}

// change writes the new password and everything that follows from it, in the order of locks that [store.Tx.EndAccount] names.
func (s *Service) change(
	ctx context.Context, tx *store.Tx, now time.Time, session store.SessionID, known store.Account, hash account.PasswordHash, lang templates.Lang,
) (token string, err error) {
	acc, err := hold(ctx, tx, known.ID, ErrSessionGone)
	if err != nil {
		return "", err
	}
	p, err := s.acting(ctx, tx.Queries, session, now)
	if err != nil {
		return "", err
	}
	if p.Account.ID != known.ID || acc.CredentialEpoch != known.CredentialEpoch {
		return "", ErrSessionGone // another change came first, perhaps the same form's
	}
	if _, err := tx.SetPassword(ctx, store.SetPasswordParams{ID: acc.ID, PasswordHash: string(hash), Now: &now}); err != nil {
		return "", fmt.Errorf("set password: %w", err)
	}
	if err := voidLinks(ctx, tx, now, acc.ID); err != nil {
		return "", err
	}
	if err := s.accounts.RecordSuccess(ctx, tx, acc); err != nil {
		return "", err
	}
	if err := tx.EndCodes(ctx, now, acc.ID); err != nil {
		return "", err
	}
	token, tokenHash := web.NewToken()
	// The statement above raised the epoch of the row that is held.
	err = tx.CarrySession(ctx, now, p.Session, acc.CredentialEpoch+1, p.State.Evidence.Encode(), tokenHash)
	if errors.Is(err, store.ErrNotFound) {
		return "", ErrSessionGone
	}
	if err != nil {
		return "", err
	}
	if err := audit.Write(ctx, tx, now, audit.Event{
		Type: audit.PasswordChange, Result: audit.Success, Actor: audit.OfAccount(acc), Account: acc.ID,
	}); err != nil {
		return "", err
	}
	return token, s.notify(ctx, tx, now, acc, lang, mustTell)
}

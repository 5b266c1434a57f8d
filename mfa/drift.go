package mfa

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
)

// The address of the second factor is not linked to the registered one (M18). Whoever has just given the shop a new address may
// not know that, and wait for codes there.

// drifted reports whether the account's registered address was changed after a factor was verified that sends its codes
// elsewhere.
func drifted(acc store.Account, f store.Factor) bool {
	return f.Kind == string(signin.Email) && acc.RegisteredEmailChangedAt != nil && acc.RegisteredEmailChangedAt.After(f.VerifiedAt) &&
		elsewhere(acc, f)
}

// elsewhere reports whether an email factor is not the mailbox that the account is registered with.
func elsewhere(acc store.Account, f store.Factor) bool {
	return acc.RegisteredEmail != "" && !strings.EqualFold(f.Address, acc.RegisteredEmail)
}

// NoteRegisteredChange tells a person that their registered address was changed, and that their codes still go where they went if
// that is elsewhere. The notice goes to the former address too: a new password can be asked for at the new one from here on, and
// whoever had somebody's address changed must not be the only one to hear of it. It shows none of the addresses (M18).
//
// It is part of the caller's transaction; the caller wakes the outbox after the commit.
func (s *Service) NoteRegisteredChange(ctx context.Context, tx *store.Tx, before, after store.Account, now time.Time) error {
	if before.RegisteredEmail == after.RegisteredEmail {
		return nil
	}
	f, err := tx.GetFactorByKind(ctx, store.GetFactorByKindParams{AccountID: after.ID, Kind: string(signin.Email)})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("load factor: %w", err)
	}
	n := notice{
		kind: delivery.KindRegisteredChanged, account: after, lang: s.noticeLang, always: true,
		to: []string{f.Address, before.RegisteredEmail, after.RegisteredEmail},
	}
	if err == nil && elsewhere(after, f) {
		n.method = signin.Email
	}
	_, err = s.notify(ctx, tx, now, n)
	return err
}

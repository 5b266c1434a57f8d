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

// NoteRegisteredChange tells a person whose registered address was changed that their codes still go where they went. The notice
// goes to both addresses and shows neither of them (M18). Where nothing is out of step it does nothing.
//
// It is part of the caller's transaction; the caller wakes the outbox after the commit.
func (s *Service) NoteRegisteredChange(ctx context.Context, tx *store.Tx, before, after store.Account, now time.Time) error {
	if before.RegisteredEmail == after.RegisteredEmail {
		return nil
	}
	f, err := tx.GetFactorByKind(ctx, store.GetFactorByKindParams{AccountID: after.ID, Kind: string(signin.Email)})
	if errors.Is(err, store.ErrNotFound) || err == nil && !elsewhere(after, f) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("load factor: %w", err)
	}
	_, err = s.notify(ctx, tx, now, notice{
		kind: delivery.KindRegisteredChanged, account: after, lang: s.noticeLang, always: true,
		to: []string{f.Address, after.RegisteredEmail},
	})
	return err
}

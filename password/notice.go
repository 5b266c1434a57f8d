package password

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

// urgency says what becomes of a change when an address got too many notices to be told of it.
type urgency bool

const (
	// mustTell stops the change: whoever makes it can make it later.
	mustTell urgency = false
	// mayPass lets it happen: nobody outside may stop it by filling a mailbox.
	mayPass urgency = true
)

// notify tells the account's owner of a new password, in the transaction that sets it: at the registered address and at every one
// that is verified.
func (s *Service) notify(ctx context.Context, tx *store.Tx, now time.Time, acc store.Account, lang templates.Lang, u urgency) error {
	to := []string{acc.RegisteredEmail}
	f, err := tx.GetFactorByKind(ctx, store.GetFactorByKindParams{AccountID: acc.ID, Kind: string(signin.Email)})
	switch {
	case err == nil && !strings.EqualFold(f.Address, acc.RegisteredEmail):
		to = append(to, f.Address)
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return fmt.Errorf("load factor: %w", err)
	}
	// Sorted, so that two changes with the same addresses take their budgets in the same order.
	slices.Sort(to)
	for _, address := range to {
		if address == "" {
			continue
		}
		slot, err := tx.TakeSlot(ctx, delivery.NoticeBudget(address), s.limits.NoticesHour, time.Hour, now)
		if err != nil {
			return err
		}
		if slot == "" {
			if u == mustTell {
				return ErrTooManyNotices
			}
			continue
		}
		err = s.outbox.Notice(ctx, tx, delivery.NoticeMessage{
			Kind: delivery.KindPasswordChanged, AccountID: acc.ID, LoginID: acc.LoginID, To: address, Lang: lang, At: now,
		})
		// A registered address may be older than the rules for addresses; that must not stop a new password.
		if err != nil && !errors.Is(err, delivery.ErrRecipient) {
			return fmt.Errorf("queue notice: %w", err)
		}
	}
	return nil
}

// NoteSet tells the owner of an account that staff gave it a new password. It is part of the caller's transaction; the caller wakes
// the outbox after the commit.
func (s *Service) NoteSet(ctx context.Context, tx *store.Tx, acc store.Account, now time.Time) error {
	return s.notify(ctx, tx, now, acc, s.staffLang, mayPass)
}

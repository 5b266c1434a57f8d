package password

import (
	"context"
	"errors"
	"fmt"
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
// that is verified. It fails with ErrTooManyNotices.
func (s *Service) notify(ctx context.Context, tx *store.Tx, now time.Time, acc store.Account, lang templates.Lang, u urgency) error {
	f, err := tx.GetFactorByKind(ctx, store.GetFactorByKindParams{AccountID: acc.ID, Kind: string(signin.Email)})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("load factor: %w", err)
	}
	_, err = s.outbox.Tell(ctx, tx, now, delivery.Notices{
		To: []string{f.Address, acc.RegisteredEmail}, PerHour: s.limits.NoticesHour, Always: u == mayPass,
		Write: func(string) (delivery.NoticeMessage, error) {
			return delivery.NoticeMessage{Kind: delivery.KindPasswordChanged, AccountID: acc.ID, LoginID: acc.LoginID, Lang: lang, At: now}, nil
		},
	})
	if err != nil && !errors.Is(err, ErrTooManyNotices) {
		return fmt.Errorf("queue notice: %w", err)
	}
	return err
}

// NoteSet tells the owner of an account that staff gave it a new password. It is part of the caller's transaction; the caller wakes
// the outbox after the commit.
func (s *Service) NoteSet(ctx context.Context, tx *store.Tx, acc store.Account, now time.Time) error {
	return s.notify(ctx, tx, now, acc, s.staffLang, mayPass)
}

package mfa

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

// notice tells a person of a change to their second factor.
type notice struct {
	kind    string // one of delivery's
	account store.Account
	lang    templates.Lang
	// method and the masked address name the factor, where the notice is about one.
	method  signin.Method
	address string
	// device names the browser, where the notice is about one.
	device string
	// until is when what the notice tells of ends by itself, where it does.
	until time.Time
	// left is how many backup codes are left, where the notice is about that.
	left int
	// to are the addresses that must hear of it; empty ones and repetitions are passed over.
	to []string
	// always is set where too many notices to an address must not stop the change: what staff does, what takes a change back, the
	// voiding of a device, and a sign-in.
	always bool
	// queued, where set, is told the row of every message.
	queued func(store.MessageID)
	// undo goes to one of the addresses alone.
	undo undoLink
	// stop gives every address a link of its own by which its reader stops further changes.
	stop bool
}

// notify tells every address of a notice; see [delivery.Outbox.Tell]. It fails with ErrTooManySends, and returns the addresses that
// hear of it.
func (s *Service) notify(ctx context.Context, tx *store.Tx, now time.Time, n notice) (told []string, err error) {
	queued := map[string]store.MessageID{}
	told, err = s.outbox.Tell(ctx, tx, now, delivery.Notices{
		To: n.to, PerHour: s.limits.NoticesHour, Always: n.always,
		Write: func(address string) (delivery.NoticeMessage, error) {
			m, err := s.write(ctx, tx, now, n, address)
			queued[address] = m.ID
			return m, err
		},
	})
	if errors.Is(err, delivery.ErrTooManyNotices) {
		return nil, ErrTooManySends
	}
	if err != nil {
		return nil, fmt.Errorf("queue notice: %w", err)
	}
	if n.queued != nil {
		for _, address := range told {
			n.queued(queued[address])
		}
	}
	return told, nil
}

// write is the notice to one address.
func (s *Service) write(ctx context.Context, tx *store.Tx, now time.Time, n notice, address string) (m delivery.NoticeMessage, err error) {
	m = delivery.NoticeMessage{
		ID: store.NewID[store.MessageID](), Kind: n.kind, AccountID: n.account.ID, LoginID: n.account.LoginID, Lang: n.lang, At: now,
		FactorKind: string(n.method), Address: n.address, Device: n.device, Left: n.left, Until: n.until,
	}
	if address == n.undo.to {
		m.URL, m.Hours = n.undo.url, int(undoFor/time.Hour)
	}
	if n.stop {
		m.StopURL, err = s.offerStop(ctx, tx, now, n.account.ID, address, n.kind)
		m.Hours = int(stopFor / time.Hour)
	}
	return m, err
}

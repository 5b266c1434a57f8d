package mfa

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

// notify queues one mail per address in the transaction of the change: no change without its notice. An address that no mail
// can be sent to (a registered address may be older than the rules for it) must not stop the change. One that got too many
// notices already stops it with ErrTooManySends, unless nobody may stop it from outside.
// It returns the addresses that hear of it.
func (s *Service) notify(ctx context.Context, tx *store.Tx, now time.Time, n notice) (told []string, err error) {
	var to []string
	for _, address := range n.to {
		to = appendAddress(to, address)
	}
	spent := map[string]bool{}
	// Sorted, so that two changes with the same addresses take their budgets in the same order.
	for _, address := range slices.Sorted(slices.Values(to)) {
		slot, err := takeSlot(ctx, tx, delivery.NoticeBudget(address), s.limits.NoticesHour, time.Hour, now)
		if err != nil {
			return nil, err
		}
		if slot == "" && !n.always {
			return nil, ErrTooManySends
		}
		spent[address] = slot == ""
	}
	for _, address := range to {
		if spent[address] {
			continue
		}
		m := delivery.NoticeMessage{
			ID: store.NewID[store.MessageID](), Kind: n.kind, AccountID: n.account.ID, LoginID: n.account.LoginID, To: address, Lang: n.lang, At: now,
			FactorKind: string(n.method), Address: n.address, Device: n.device, Left: n.left, Until: n.until,
		}
		if address == n.undo.to {
			m.URL, m.Hours = n.undo.url, int(undoFor/time.Hour)
		}
		if n.stop {
			if m.StopURL, err = s.offerStop(ctx, tx, now, n.account.ID, address, n.kind); err != nil {
				return nil, err
			}
			m.Hours = int(stopFor / time.Hour)
		}
		err := s.outbox.Notice(ctx, tx, m)
		if errors.Is(err, delivery.ErrRecipient) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("queue notice: %w", err)
		}
		told = append(told, address)
		if n.queued != nil {
			n.queued(m.ID)
		}
	}
	return told, nil
}

// appendAddress adds an address unless it is empty or there already.
func appendAddress(list []string, address string) []string {
	if address == "" || slices.ContainsFunc(list, func(t string) bool { return strings.EqualFold(t, address) }) {
		return list
	}
	return append(list, address)
}

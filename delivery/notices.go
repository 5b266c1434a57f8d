package delivery

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/futakagi/futakagi/store"
)

// ErrTooManyNotices means that an address got too many notices to be told of one more change.
var ErrTooManyNotices = errors.New("too many notices to an address")

// Notices says who is to hear of a change.
type Notices struct {
	// To are the addresses; empty ones and repetitions are passed over.
	To []string
	// PerHour is how many notices an address gets in any hour.
	PerHour int
	// Always lets the change happen where an address got too many: nobody outside may stop it by filling a mailbox.
	Always bool
	// Write writes the notice to an address, all but its recipient.
	Write func(address string) (NoticeMessage, error)
}

// Recipients are addresses without empty ones and repetitions.
func Recipients(addresses []string) []string {
	var to []string
	for _, address := range addresses {
		if address != "" && !slices.ContainsFunc(to, func(t string) bool { return strings.EqualFold(t, address) }) {
			to = append(to, address)
		}
	}
	return to
}

// Tell queues one mail per address in the transaction of a change: no change without its notice. An address that no mail can be sent
// to (a registered address may be older than the rules for it) must not stop the change. One that got too many notices already stops
// it with [ErrTooManyNotices], unless nobody may stop it from outside. It returns the addresses that hear of it.
func (o *Outbox) Tell(ctx context.Context, tx *store.Tx, now time.Time, n Notices) (told []string, err error) {
	to := Recipients(n.To)
	spent := map[string]bool{}
	// Sorted, so that two changes with the same addresses take their budgets in the same order.
	for _, address := range slices.Sorted(slices.Values(to)) {
		slot, err := tx.TakeSlot(ctx, NoticeBudget(address), n.PerHour, time.Hour, now)
		if err != nil {
			return nil, err
		}
		if slot == "" && !n.Always {
			return nil, ErrTooManyNotices
		}
		spent[address] = slot == ""
	}
	for _, address := range to {
		if spent[address] {
			continue
		}
		m, err := n.Write(address)
		if err != nil {
			return nil, err
		}
		m.To = address
		err = o.Notice(ctx, tx, m)
		if errors.Is(err, ErrRecipient) {
			continue
		}
		if err != nil {
			return nil, err
		}
		told = append(told, address)
	}
	return told, nil
}

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
	// method and address name the factor, where the notice is about one.
	method  signin.Method
	address string
	// to are the addresses that must hear of it; empty ones and repetitions are passed over.
	to []string
}

// notify queues one mail per address in the transaction of the change: no change without its notice. An address that no mail
// can be sent to (a registered address may be older than the rules for it) must not stop the change.
func (s *Service) notify(ctx context.Context, tx *store.Tx, now time.Time, n notice) error {
	var told []string
	for _, to := range n.to {
		before := len(told)
		if told = appendAddress(told, to); len(told) == before {
			continue
		}
		err := s.outbox.Notice(ctx, tx, delivery.NoticeMessage{
			Kind: n.kind, AccountID: n.account.ID, LoginID: n.account.LoginID, To: to, Lang: n.lang, At: now,
			FactorKind: string(n.method), Address: n.address,
		})
		if err != nil && !errors.Is(err, delivery.ErrRecipient) {
			return fmt.Errorf("queue notice: %w", err)
		}
	}
	return nil
}

// appendAddress adds an address unless it is empty or there already.
func appendAddress(list []string, address string) []string {
	if address == "" || slices.ContainsFunc(list, func(t string) bool { return strings.EqualFold(t, address) }) {
		return list
	}
	return append(list, address)
}

package admin

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/store"
)

// pageSize is how many rows the console's lists show at once.
const pageSize = 50

// contains is the LIKE pattern that finds a text in what the queries lower; "" for "".
func contains(text string) string { return strings.ToLower(account.Contains(text)) }

// hiddenKind is the kind of account that an actor may not see; what concerns one of those is like what does not exist to them
// (I14).
func hiddenKind(actor Actor) string {
	if actor.rights().has(mayManageOperators) {
		return ""
	}
	return account.KindOperator
}

// maskedFor tells queries not to find by address what an actor may not see whole.
func maskedFor(actor Actor) string {
	return account.Masked(!actor.rights().has(maySeeAddresses))
}

var (
	eventKind = regexp.MustCompile(`^[a-z0-9_]{1,32}$`)
	eventType = regexp.MustCompile(`^[a-z0-9_]{1,32}\.[a-z0-9_]{1,32}$`)
)

// DeliveryQuery chooses a page of messages, newest first.
type DeliveryQuery struct {
	// Who is looked for in address and login ID.
	Who string
	// State is one of the states of a message; empty finds all.
	State string
	// Account is whose messages are looked for; empty finds those of all.
	Account store.AccountID
	// PageNumber counts from 1.
	PageNumber int
}

// DeliveryPage is one page of messages, without their content.
type DeliveryPage struct {
	account.Paging
	Rows []store.ListMessagesRow
}

// ListDeliveries returns a page of messages, without those to accounts that the actor may not see.
func (s *Service) ListDeliveries(ctx context.Context, actor Actor, in DeliveryQuery) (DeliveryPage, error) {
	actor, err := s.viewer(ctx, actor, mayViewDeliveries)
	if err != nil {
		return DeliveryPage{}, err
	}
	if !eventKind.MatchString(in.State) {
		in.State = ""
	}
	q := s.db.Read()
	p := store.ListMessagesParams{State: in.State, Who: contains(in.Who), Masked: maskedFor(actor), HiddenKind: hiddenKind(actor), PageSize: pageSize}
	if store.ValidID(string(in.Account)) {
		p.AccountID = new(string(in.Account))
	}
	total, err := q.CountMessages(ctx, store.CountMessagesParams{
		State: p.State, AccountID: p.AccountID, Who: p.Who, Masked: p.Masked, HiddenKind: p.HiddenKind, Ceiling: account.PagingCeiling(pageSize),
	})
	if err != nil {
		return DeliveryPage{}, fmt.Errorf("count messages: %w", err)
	}
	var out DeliveryPage
	out.Paging = account.PageOf(total, in.PageNumber, pageSize)
	p.Skip = out.Skip()
	if out.Rows, err = q.ListMessages(ctx, p); err != nil {
		return DeliveryPage{}, fmt.Errorf("list messages: %w", err)
	}
	return out, nil
}

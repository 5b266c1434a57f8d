package admin

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

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
	// After is the message after which the page begins; zero begins with the newest.
	After Place
}

// DeliveryPage is one page of messages, without their content.
type DeliveryPage struct {
	Rows []store.ListMessagesRow
	// Next is where the next page begins; zero at the end. A page that is not full and has one looked no further.
	Next Place
	// Total is how many messages there are in all, zero if nobody counted; Many says that there are more than were counted.
	Total int
	Many  bool
}

// ListDeliveries returns a page of messages, without those to accounts that the actor may not see.
func (s *Service) ListDeliveries(ctx context.Context, actor Actor, in DeliveryQuery) (DeliveryPage, error) {
	var out DeliveryPage
	var err error
	out.Rows, out.Next, err = s.MessagesAfter(ctx, actor, in, pageSize)
	switch {
	case err != nil || !in.After.IsZero():
		return out, err
	case out.Next.IsZero():
		out.Total = len(out.Rows)
		return out, nil
	}
	if actor, err = s.viewer(ctx, actor, mayViewDeliveries); err != nil {
		return DeliveryPage{}, err
	}
	if p, exact := s.messages(actor, &in); exact {
		_, last := messageIndex(ctx, s.db.Read(), in)
		_, n, err := last(p, listCeiling)
		if err != nil {
			return DeliveryPage{}, fmt.Errorf("count messages: %w", err)
		}
		out.Total, out.Many = int(n), n == listCeiling
	}
	return out, nil
}

// messages turns a query into what the statements take; exact says that an index knows every filter there is.
func (s *Service) messages(actor Actor, in *DeliveryQuery) (p store.ListMessagesParams, exact bool) {
	if !eventKind.MatchString(in.State) {
		in.State = ""
	}
	at, id := in.After.newest(s.now())
	p = store.ListMessagesParams{
		Since: orEpoch(time.Time{}), BeforeAt: at, BeforeID: store.MessageID(id), Who: contains(in.Who), Masked: maskedFor(actor),
		HiddenKind: hiddenKind(actor),
	}
	return p, p.Who == "" && p.HiddenKind == "" && (in.State == "" || in.Account == "")
}

// MessagesAfter returns at most limit messages, without those to accounts that the actor may not see, and where the next ones begin.
func (s *Service) MessagesAfter(ctx context.Context, actor Actor, in DeliveryQuery, limit int) ([]store.ListMessagesRow, Place, error) {
	actor, err := s.viewer(ctx, actor, mayViewDeliveries)
	if err != nil {
		return nil, Place{}, err
	}
	size := min(max(limit, 1), maxAfter)
	p, exact := s.messages(actor, &in)
	p.PageSize = int32(size + 1)
	read, last := messageIndex(ctx, s.db.Read(), in)
	var rows []store.ListMessagesRow
	var end time.Time
	if exact {
		rows, err = read(p)
	} else {
		rows, end, err = lookBack(size, p.Since, func(look int32) (time.Time, int64, error) { return last(p, look) },
			func(since time.Time) ([]store.ListMessagesRow, error) {
				p := p
				p.Since = since
				return read(p)
			})
	}
	if err != nil {
		return nil, Place{}, fmt.Errorf("list messages: %w", err)
	}
	rows, next := cutPage(rows, size, end, func(m store.ListMessagesRow) Place { return Place{m.CreatedAt, string(m.ID)} })
	return rows, next, nil
}

// messageIndex is the way through the messages that has the fewest to look at: how they are read, and when the last of the next so
// many was made.
func messageIndex(ctx context.Context, q *store.Queries, in DeliveryQuery) (
	read func(p store.ListMessagesParams) ([]store.ListMessagesRow, error), last func(p store.ListMessagesParams, look int32) (time.Time, int64, error),
) {
	switch {
	case store.ValidID(string(in.Account)):
		return func(p store.ListMessagesParams) ([]store.ListMessagesRow, error) {
				rows, err := q.ListMessagesOfAccount(ctx, store.ListMessagesOfAccountParams{
					AccountID: &in.Account, State: in.State, Since: p.Since, BeforeAt: p.BeforeAt, BeforeID: p.BeforeID, Who: p.Who, Masked: p.Masked,
					HiddenKind: p.HiddenKind, PageSize: p.PageSize,
				})
				return messageRows(rows), err
			}, func(p store.ListMessagesParams, look int32) (time.Time, int64, error) {
				row, err := q.LastOfMessagesOfAccount(ctx, store.LastOfMessagesOfAccountParams{
					AccountID: &in.Account, BeforeAt: p.BeforeAt, BeforeID: p.BeforeID, Look: look,
				})
				return row.CreatedAt, row.Looked, err
			}
	case in.State != "":
		return func(p store.ListMessagesParams) ([]store.ListMessagesRow, error) {
				rows, err := q.ListMessagesInState(ctx, store.ListMessagesInStateParams{
					State: in.State, Since: p.Since, BeforeAt: p.BeforeAt, BeforeID: p.BeforeID, Who: p.Who, Masked: p.Masked,
					HiddenKind: p.HiddenKind, PageSize: p.PageSize,
				})
				return messageRows(rows), err
			}, func(p store.ListMessagesParams, look int32) (time.Time, int64, error) {
				row, err := q.LastOfMessagesInState(ctx, store.LastOfMessagesInStateParams{
					State: in.State, BeforeAt: p.BeforeAt, BeforeID: p.BeforeID, Look: look,
				})
				return row.CreatedAt, row.Looked, err
			}
	}
	return func(p store.ListMessagesParams) ([]store.ListMessagesRow, error) { return q.ListMessages(ctx, p) },
		func(p store.ListMessagesParams, look int32) (time.Time, int64, error) {
			row, err := q.LastOfMessages(ctx, store.LastOfMessagesParams{BeforeAt: p.BeforeAt, BeforeID: p.BeforeID, Look: look})
			return row.CreatedAt, row.Looked, err
		}
}

// messageRows are the rows of one statement as those of another that finds the same columns.
func messageRows[R store.ListMessagesInStateRow | store.ListMessagesOfAccountRow](rows []R) []store.ListMessagesRow {
	out := make([]store.ListMessagesRow, 0, len(rows))
	for _, row := range rows {
		out = append(out, store.ListMessagesRow(row))
	}
	return out
}

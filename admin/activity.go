package admin

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/futakagi/futakagi/store"
)

// ActivityEntry is one thing that happened to an account: an event, a message to its person, or what a relying party got.
type ActivityEntry struct {
	At time.Time
	// ID orders what happened at the same moment.
	ID string

	Event   *store.AuditEvent
	Message *store.ListAccountMessagesRow
	Issued  *store.ListAccountActivityRow
}

// Renewed reports whether a relying party got this in exchange for what it had before.
func (e ActivityEntry) Renewed() bool {
	return e.Issued != nil && (e.Issued.RedemptionID == nil || *e.Issued.RedemptionID != e.Issued.ID)
}

// ActivityPage is one page of what happened to an account, newest first.
type ActivityPage struct {
	Account Account
	Rows    []ActivityEntry
	// Next is where the next page begins; zero at the end.
	Next Place
}

// Activity returns what happened to an account before a place in the list; zero begins with the newest. An account the actor may not see is
// like a missing one (I14).
func (s *Service) Activity(ctx context.Context, actor Actor, id store.AccountID, after Place) (ActivityPage, error) {
	acc, err := s.Account(ctx, actor, id)
	if err != nil {
		return ActivityPage{}, err
	}
	before, first := after.newest(s.now())
	q := s.db.Read()
	out := ActivityPage{Account: acc}
	// A page of each, of which the newest make the page.
	events, err := q.SearchAccountAuditEvents(ctx, store.SearchAccountAuditEventsParams{
		AccountID: &acc.ID, Since: time.Unix(0, 0), BeforeAt: before, BeforeID: store.EventID(first), PageSize: pageSize + 1,
	})
	if err != nil {
		return out, fmt.Errorf("list account's events: %w", err)
	}
	for _, row := range events {
		out.Rows = append(out.Rows, ActivityEntry{At: row.AuditEvent.At, ID: string(row.AuditEvent.ID), Event: &row.AuditEvent})
	}
	messages, err := q.ListAccountMessages(ctx, store.ListAccountMessagesParams{
		AccountID: &acc.ID, BeforeAt: before, BeforeID: store.MessageID(first), PageSize: pageSize + 1,
	})
	if err != nil {
		return out, fmt.Errorf("list account's messages: %w", err)
	}
	for _, row := range messages {
		out.Rows = append(out.Rows, ActivityEntry{At: row.CreatedAt, ID: string(row.ID), Message: &row})
	}
	issued, err := q.ListAccountActivity(ctx, store.ListAccountActivityParams{
		AccountID: acc.ID, BeforeAt: before, BeforeID: store.TokenSetID(first), PageSize: pageSize + 1,
	})
	if err != nil {
		return out, fmt.Errorf("list what relying parties got: %w", err)
	}
	for _, row := range issued {
		out.Rows = append(out.Rows, ActivityEntry{At: row.CreatedAt, ID: string(row.ID), Issued: &row})
	}
	slices.SortFunc(out.Rows, func(a, b ActivityEntry) int {
		return cmp.Or(b.At.Compare(a.At), strings.Compare(b.ID, a.ID))
	})
	out.Rows, out.Next = cutPage(out.Rows, pageSize, time.Time{}, func(e ActivityEntry) Place { return Place{e.At, e.ID} })
	return out, nil
}

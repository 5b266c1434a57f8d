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

// AuditQuery chooses a page of the audit log, newest first.
type AuditQuery struct {
	// From and To are the first and last day, in the service's zone; only the date counts. Zero means no limit.
	From, To time.Time
	// Kind is the first part of the events' types, such as "2fa"; empty finds all.
	Kind string
	// Who is looked for in actor and target.
	Who string
	// PageNumber counts from 1.
	PageNumber int
}

// AuditPage is one page of the audit log.
type AuditPage struct {
	account.Paging
	Rows []store.SearchAuditEventsRow
}

var eventKind = regexp.MustCompile(`^[a-z0-9_]{1,32}$`)

// ListAudit returns a page of the audit log, without what concerns accounts that the actor may not see.
func (s *Service) ListAudit(ctx context.Context, actor Actor, in AuditQuery) (AuditPage, error) {
	if err := s.view(ctx, actor, mayView); err != nil {
		return AuditPage{}, err
	}
	p := store.SearchAuditEventsParams{
		Since: time.Unix(0, 0), Until: s.now().Add(24 * time.Hour), Who: contains(in.Who), HiddenKind: hiddenKind(actor),
		PageSize: pageSize,
	}
	day := func(t time.Time, n int) time.Time {
		return time.Date(t.Year(), t.Month(), t.Day()+n, 0, 0, 0, 0, s.zone)
	}
	if !in.From.IsZero() {
		p.Since = day(in.From, 0)
	}
	if !in.To.IsZero() {
		p.Until = day(in.To, 1)
	}
	if eventKind.MatchString(in.Kind) {
		p.TypePattern = in.Kind + ".%"
	}
	q := s.db.Read()
	total, err := q.CountAuditEvents(ctx, store.CountAuditEventsParams{
		Since: p.Since, Until: p.Until, TypePattern: p.TypePattern, Who: p.Who, HiddenKind: p.HiddenKind,
		Ceiling: account.PagingCeiling(pageSize),
	})
	if err != nil {
		return AuditPage{}, fmt.Errorf("count audit events: %w", err)
	}
	var out AuditPage
	out.Paging = account.PageOf(total, in.PageNumber, pageSize)
	p.Skip = out.Skip()
	if out.Rows, err = q.SearchAuditEvents(ctx, p); err != nil {
		return AuditPage{}, fmt.Errorf("list audit events: %w", err)
	}
	return out, nil
}

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
	if err := s.view(ctx, actor, mayView); err != nil {
		return DeliveryPage{}, err
	}
	if !eventKind.MatchString(in.State) {
		in.State = ""
	}
	q := s.db.Read()
	p := store.ListMessagesParams{State: in.State, Who: contains(in.Who), HiddenKind: hiddenKind(actor), PageSize: pageSize}
	if store.ValidID(string(in.Account)) {
		p.AccountID = new(string(in.Account))
	}
	total, err := q.CountMessages(ctx, store.CountMessagesParams{
		State: p.State, AccountID: p.AccountID, Who: p.Who, HiddenKind: p.HiddenKind, Ceiling: account.PagingCeiling(pageSize),
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

package admin

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/futakagi/futakagi/store"
)

// Lists are leafed through in pages of pageSize for at most maxPages pages: who looks further must search.
const (
	pageSize = 50
	maxPages = 200
	// maxSearch bounds what people search for, in characters.
	maxSearch = 100
)

// Page says which page of a list some rows are.
type Page struct {
	// Total counts what was found, no further than the last page.
	Total int64
	// Page counts from 1 to Pages.
	Page, Pages int
}

// pageOf brings the page asked for into the list.
func pageOf(total int64, asked int) (page Page, skip int32) {
	page = Page{Total: total, Pages: max(1, int((total+pageSize-1)/pageSize))}
	page.Page = min(max(asked, 1), page.Pages)
	return page, int32((page.Page - 1) * pageSize)
}

// contains is the LIKE pattern that finds a text, in small letters, inside of another; "" for "".
func contains(text string) string {
	runes := []rune(strings.TrimSpace(strings.ToValidUTF8(text, "")))
	text = strings.ReplaceAll(string(runes[:min(len(runes), maxSearch)]), "\x00", "")
	if text == "" {
		return ""
	}
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(strings.ToLower(text)) + "%"
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
	Page
	Rows []store.SearchAuditEventsRow
}

var eventKind = regexp.MustCompile(`^[a-z0-9_]{1,32}$`)

// ListAudit returns a page of the audit log.
func (s *Service) ListAudit(ctx context.Context, actor Actor, in AuditQuery) (AuditPage, error) {
	if err := s.view(ctx, actor, mayView); err != nil {
		return AuditPage{}, err
	}
	p := store.SearchAuditEventsParams{
		Since: time.Unix(0, 0), Until: s.now().Add(24 * time.Hour), Who: contains(in.Who), PageSize: pageSize,
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
		Since: p.Since, Until: p.Until, TypePattern: p.TypePattern, Who: p.Who, Ceiling: pageSize * maxPages,
	})
	if err != nil {
		return AuditPage{}, fmt.Errorf("count audit events: %w", err)
	}
	var out AuditPage
	out.Page, p.Skip = pageOf(total, in.PageNumber)
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
	// PageNumber counts from 1.
	PageNumber int
}

// DeliveryPage is one page of messages, without their content.
type DeliveryPage struct {
	Page
	Rows []store.ListMessagesRow
}

// ListDeliveries returns a page of messages.
func (s *Service) ListDeliveries(ctx context.Context, actor Actor, in DeliveryQuery) (DeliveryPage, error) {
	if err := s.view(ctx, actor, mayView); err != nil {
		return DeliveryPage{}, err
	}
	if !eventKind.MatchString(in.State) {
		in.State = ""
	}
	q, who := s.db.Read(), contains(in.Who)
	total, err := q.CountMessages(ctx, store.CountMessagesParams{State: in.State, Who: who, Ceiling: pageSize * maxPages})
	if err != nil {
		return DeliveryPage{}, fmt.Errorf("count messages: %w", err)
	}
	var out DeliveryPage
	p := store.ListMessagesParams{State: in.State, Who: who, PageSize: pageSize}
	out.Page, p.Skip = pageOf(total, in.PageNumber)
	if out.Rows, err = q.ListMessages(ctx, p); err != nil {
		return DeliveryPage{}, fmt.Errorf("list messages: %w", err)
	}
	return out, nil
}

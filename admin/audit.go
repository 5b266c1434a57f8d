package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/store"
)

// AuditQuery chooses rows of the audit log, newest first.
type AuditQuery struct {
	// From and To are the first and last day, in the service's zone; only the date counts. Zero means no limit.
	From, To time.Time
	// Kind is the first part of the events' types, such as "2fa"; empty finds all.
	Kind string
	// Result is one of the results; empty finds all.
	Result string
	// Client is the id of a relying party; empty finds all.
	Client string
	// Who is looked for in actor and target.
	Who string
	// Account is the account concerned, and Request the id that one request's rows share; empty finds all.
	Account store.AccountID
	Request string
	// Before and First are the place after which the page begins: time and id of the row before it. Zero begins with the newest.
	Before time.Time
	First  string
}

// AuditPage is one page of the audit log.
type AuditPage struct {
	Rows []store.SearchAuditEventsRow
	// More says that there are older rows.
	More bool
	// Total is how many rows there are in all, zero if nobody counted; Many says that there are more than were counted.
	Total int
	Many  bool
}

// auditCeiling is how far rows are counted.
const auditCeiling = 1000

// search turns a query into what the statements take; ok is false for what cannot find anything.
func (s *Service) search(actor Actor, in AuditQuery) (p store.SearchAuditEventsParams, ok bool) {
	p = store.SearchAuditEventsParams{
		Since: time.Unix(0, 0), BeforeAt: s.now().Add(24 * time.Hour), BeforeID: store.EventID(store.MaxID), Who: contains(in.Who), Result: in.Result,
		ClientID: in.Client, HiddenKind: hiddenKind(actor), PageSize: pageSize + 1,
	}
	day := func(t time.Time, n int) time.Time {
		return time.Date(t.Year(), t.Month(), t.Day()+n, 0, 0, 0, 0, s.zone)
	}
	if !in.From.IsZero() {
		p.Since = day(in.From, 0)
	}
	if !in.To.IsZero() {
		p.BeforeAt = day(in.To, 1).Add(-time.Microsecond)
	}
	if !in.Before.IsZero() && in.Before.Before(p.BeforeAt) {
		p.BeforeAt, p.BeforeID = in.Before, store.EventID(in.First)
	}
	switch {
	case eventType.MatchString(in.Kind):
		p.TypePattern = strings.ReplaceAll(in.Kind, "_", `\_`)
	case eventKind.MatchString(in.Kind):
		p.TypePattern = in.Kind + ".%"
	}
	return p, in.Account == "" || store.ValidID(string(in.Account))
}

// rows reads one page. What is looked for by account or request has an index of its own.
func (s *Service) rows(ctx context.Context, in AuditQuery, p store.SearchAuditEventsParams) ([]store.SearchAuditEventsRow, error) {
	q := s.db.Read()
	var out []store.SearchAuditEventsRow
	switch {
	case in.Account != "" && in.Request == "":
		rows, err := q.SearchAccountAuditEvents(ctx, store.SearchAccountAuditEventsParams{
			AccountID: &in.Account, Since: p.Since, BeforeAt: p.BeforeAt, BeforeID: p.BeforeID, TypePattern: p.TypePattern, Result: p.Result,
			ClientID: p.ClientID, Who: p.Who, HiddenKind: p.HiddenKind, PageSize: p.PageSize,
		})
		for _, row := range rows {
			out = append(out, store.SearchAuditEventsRow(row))
		}
		return out, err
	case in.Request != "":
		rows, err := q.SearchRequestAuditEvents(ctx, store.SearchRequestAuditEventsParams{
			RequestID: in.Request, Since: p.Since, BeforeAt: p.BeforeAt, BeforeID: p.BeforeID, TypePattern: p.TypePattern, Result: p.Result,
			ClientID: p.ClientID, Who: p.Who, HiddenKind: p.HiddenKind, PageSize: p.PageSize,
		})
		for _, row := range rows { // one request has few
			if id := row.AuditEvent.AccountID; in.Account == "" || id != nil && *id == in.Account {
				out = append(out, store.SearchAuditEventsRow(row))
			}
		}
		return out, err
	}
	return q.SearchAuditEvents(ctx, p)
}

// ListAudit returns a page of the audit log, without what concerns accounts that the actor may not see.
func (s *Service) ListAudit(ctx context.Context, actor Actor, in AuditQuery) (AuditPage, error) {
	actor, err := s.viewer(ctx, actor, mayViewAudit)
	if err != nil {
		return AuditPage{}, err
	}
	p, ok := s.search(actor, in)
	if !ok {
		return AuditPage{}, nil
	}
	rows, err := s.rows(ctx, in, p)
	if err != nil {
		return AuditPage{}, fmt.Errorf("list audit events: %w", err)
	}
	out := AuditPage{Rows: rows, More: len(rows) > pageSize}
	if out.More {
		out.Rows = rows[:pageSize]
	}
	switch {
	case !in.Before.IsZero():
	case !out.More:
		out.Total = len(rows)
	case in.Account == "" && in.Request == "":
		total, err := s.db.Read().CountAuditEvents(ctx, store.CountAuditEventsParams{
			Since: p.Since, BeforeAt: p.BeforeAt, BeforeID: p.BeforeID, TypePattern: p.TypePattern, Result: p.Result, ClientID: p.ClientID,
			Who: p.Who, HiddenKind: p.HiddenKind, Ceiling: auditCeiling,
		})
		if err != nil {
			return AuditPage{}, fmt.Errorf("count audit events: %w", err)
		}
		out.Total, out.Many = int(total), total == auditCeiling
	}
	return out, nil
}

// AuditClients are the relying parties to choose from in a filter.
func (s *Service) AuditClients(ctx context.Context, actor Actor) ([]store.Client, error) {
	if err := s.view(ctx, actor, mayViewAudit); err != nil {
		return nil, err
	}
	rows, err := s.db.Read().ListClients(ctx)
	if err != nil {
		return nil, fmt.Errorf("list clients: %w", err)
	}
	return rows, nil
}

// errNoSigner is the answer of a Service made without a key to sign with.
var errNoSigner = errors.New("this service was made without a key that signs exports")

// auditExportPage is how many rows an export holds at once.
const auditExportPage = 1000

// exportsAudit is what an export asks for: its rows are signed as they are, so that nothing in them can be masked.
const exportsAudit = mayExportAudit | maySeeAddresses

// ExportAudit writes every row that a query finds, newest first, into the file that begin opens once the actor's right is known. That
// somebody took it away is written down before the first row leaves. It returns how many rows there were.
func (s *Service) ExportAudit(ctx context.Context, actor Actor, in AuditQuery, format audit.Format, begin func() io.Writer) (int64, error) {
	if s.signer == nil {
		return 0, errNoSigner
	}
	p, ok := s.search(actor, in)
	_, err := s.act(ctx, actor, exportsAudit, audit.Event{Type: audit.LogExport}, func(w *work) error {
		if !ok {
			return store.ErrNotFound
		}
		w.event.Data = exportData(in, format)
		return nil
	})
	if err != nil {
		return 0, err
	}
	p.PageSize = auditExportPage
	out, err := s.signer.NewExport(begin(), format, s.now())
	if err != nil {
		return 0, err
	}
	for {
		rows, err := s.rows(ctx, in, p)
		if err != nil {
			return out.Rows(), fmt.Errorf("export audit events: %w", err)
		}
		for _, row := range rows {
			if err := out.Add(row.AuditEvent, text(row.LoginID)); err != nil {
				return out.Rows(), err
			}
			p.BeforeAt, p.BeforeID = row.AuditEvent.At, row.AuditEvent.ID
		}
		if err := out.Flush(); err != nil {
			return out.Rows(), err
		}
		if len(rows) < auditExportPage {
			break
		}
	}
	return out.Rows(), out.Close()
}

// exportData says in the row of an export what was looked for.
func exportData(in AuditQuery, format audit.Format) map[string]string {
	data := map[string]string{"format": string(format)}
	for name, value := range map[string]string{
		"kind": in.Kind, "result": in.Result, "client": in.Client, "q": in.Who, "account": string(in.Account), "request": in.Request,
	} {
		if value != "" {
			data[name] = audit.Clip(value)
		}
	}
	for name, day := range map[string]time.Time{"from": in.From, "to": in.To} {
		if !day.IsZero() {
			data[name] = day.Format(time.DateOnly)
		}
	}
	return data
}

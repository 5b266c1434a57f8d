package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
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
	// Actor is one of the kinds of actor; empty finds all.
	Actor audit.ActorKind
	// Account is the account concerned, and Request the id that one request's rows share; empty finds all.
	Account store.AccountID
	Request string
	// Since and Until bound the time to the moment, the second one not included; zero means no limit.
	Since, Until time.Time
	// After is the row after which the page begins; zero begins with the newest.
	After Place
}

// AuditPage is one page of the audit log.
type AuditPage struct {
	Rows []store.SearchAuditEventsRow
	// Next is where the next page begins; zero at the end. A page that is not full and has one looked no further.
	Next Place
	// Total is how many rows there are in all, zero if nobody counted; Many says that there are more than were counted.
	Total int
	Many  bool
}

// search turns a query into what the statements take; ok is false for what cannot find anything.
func (s *Service) search(actor Actor, in AuditQuery) (p store.SearchAuditEventsParams, ok bool) {
	at, id := in.After.newest(s.now())
	p = store.SearchAuditEventsParams{
		Since: orEpoch(in.Since), BeforeAt: at, BeforeID: store.EventID(id), Who: contains(in.Who), Result: in.Result,
		ActorKind: string(in.Actor), ClientID: in.Client, HiddenKind: hiddenKind(actor),
	}
	day := func(t time.Time, n int) time.Time {
		return time.Date(t.Year(), t.Month(), t.Day()+n, 0, 0, 0, 0, s.zone)
	}
	if !in.From.IsZero() {
		p.Since = day(in.From, 0)
	}
	until := in.Until
	if !in.To.IsZero() {
		until = day(in.To, 1)
	}
	if !until.IsZero() && !until.After(p.BeforeAt) {
		p.BeforeAt, p.BeforeID = until, store.EventID(store.MinID)
	}
	switch {
	case eventType.MatchString(in.Kind):
		p.TypePattern = strings.ReplaceAll(in.Kind, "_", `\_`)
	case eventKind.MatchString(in.Kind):
		p.TypePattern = in.Kind + ".%"
	}
	return p, in.Account == "" || store.ValidID(string(in.Account))
}

// eventIndex is one way to walk through the audit log, newest first: along an index that knows one filter.
type eventIndex struct {
	read func(p store.SearchAuditEventsParams) ([]store.SearchAuditEventsRow, error)
	// last is when the last of the next so many rows was, and how many there are; nil where there are always few.
	last func(p store.SearchAuditEventsParams, look int32) (time.Time, int64, error)
	// exact says that the index knows every filter there is.
	exact bool
}

// index chooses the way that has the fewest rows to look at.
func (s *Service) index(ctx context.Context, in AuditQuery, p store.SearchAuditEventsParams) eventIndex {
	q := s.db.Read()
	wide := p.Result == "" && p.ClientID == "" && p.Who == "" && p.HiddenKind == ""
	switch {
	case in.Request != "":
		return requestIndex(ctx, q, in)
	case in.Account != "":
		x := accountIndex(ctx, q, in.Account)
		x.exact = wide && p.TypePattern == "" && p.ActorKind == ""
		return x
	case p.TypePattern != "" && !strings.HasSuffix(p.TypePattern, "%"):
		x := typeIndex(ctx, q, in.Kind)
		x.exact = wide && p.ActorKind == ""
		return x
	case p.TypePattern != "":
		x := kindIndex(ctx, q, p.TypePattern[:min(len(p.TypePattern), kindLength)])
		x.exact = wide && p.ActorKind == ""
		return x
	case p.ActorKind != "":
		x := actorIndex(ctx, q)
		x.exact = wide
		return x
	}
	return eventIndex{
		read: func(p store.SearchAuditEventsParams) ([]store.SearchAuditEventsRow, error) {
			return q.SearchAuditEvents(ctx, p)
		},
		last: func(p store.SearchAuditEventsParams, look int32) (time.Time, int64, error) {
			row, err := q.LastOfAuditEvents(ctx, store.LastOfAuditEventsParams{Since: p.Since, BeforeAt: p.BeforeAt, BeforeID: p.BeforeID, Look: look})
			return row.At, row.Looked, err
		},
		exact: wide,
	}
}

// kindLength is how many characters of a type the index of kinds holds: no two kinds share them.
const kindLength = 4

func kindIndex(ctx context.Context, q *store.Queries, kind string) eventIndex {
	return eventIndex{
		read: func(p store.SearchAuditEventsParams) ([]store.SearchAuditEventsRow, error) {
			rows, err := q.SearchAuditEventsOfKind(ctx, store.SearchAuditEventsOfKindParams{
				Kind: kind, Since: p.Since, BeforeAt: p.BeforeAt, BeforeID: p.BeforeID, TypePattern: p.TypePattern, Result: p.Result,
				ActorKind: p.ActorKind, ClientID: p.ClientID, Who: p.Who, HiddenKind: p.HiddenKind, PageSize: p.PageSize,
			})
			return eventRows(rows), err
		},
		last: func(p store.SearchAuditEventsParams, look int32) (time.Time, int64, error) {
			row, err := q.LastOfAuditEventsOfKind(ctx, store.LastOfAuditEventsOfKindParams{
				Kind: kind, Since: p.Since, BeforeAt: p.BeforeAt, BeforeID: p.BeforeID, Look: look,
			})
			return row.At, row.Looked, err
		},
	}
}

func typeIndex(ctx context.Context, q *store.Queries, name string) eventIndex {
	return eventIndex{
		read: func(p store.SearchAuditEventsParams) ([]store.SearchAuditEventsRow, error) {
			rows, err := q.SearchAuditEventsOfType(ctx, store.SearchAuditEventsOfTypeParams{
				Type: name, Since: p.Since, BeforeAt: p.BeforeAt, BeforeID: p.BeforeID, Result: p.Result,
				ActorKind: p.ActorKind, ClientID: p.ClientID, Who: p.Who, HiddenKind: p.HiddenKind, PageSize: p.PageSize,
			})
			return eventRows(rows), err
		},
		last: func(p store.SearchAuditEventsParams, look int32) (time.Time, int64, error) {
			row, err := q.LastOfAuditEventsOfType(ctx, store.LastOfAuditEventsOfTypeParams{
				Type: name, Since: p.Since, BeforeAt: p.BeforeAt, BeforeID: p.BeforeID, Look: look,
			})
			return row.At, row.Looked, err
		},
	}
}

func actorIndex(ctx context.Context, q *store.Queries) eventIndex {
	return eventIndex{
		read: func(p store.SearchAuditEventsParams) ([]store.SearchAuditEventsRow, error) {
			rows, err := q.SearchAuditEventsBy(ctx, store.SearchAuditEventsByParams{
				ActorKind: p.ActorKind, Since: p.Since, BeforeAt: p.BeforeAt, BeforeID: p.BeforeID, TypePattern: p.TypePattern, Result: p.Result,
				ClientID: p.ClientID, Who: p.Who, HiddenKind: p.HiddenKind, PageSize: p.PageSize,
			})
			return eventRows(rows), err
		},
		last: func(p store.SearchAuditEventsParams, look int32) (time.Time, int64, error) {
			row, err := q.LastOfAuditEventsBy(ctx, store.LastOfAuditEventsByParams{
				ActorKind: p.ActorKind, Since: p.Since, BeforeAt: p.BeforeAt, BeforeID: p.BeforeID, Look: look,
			})
			return row.At, row.Looked, err
		},
	}
}

func accountIndex(ctx context.Context, q *store.Queries, id store.AccountID) eventIndex {
	return eventIndex{
		read: func(p store.SearchAuditEventsParams) ([]store.SearchAuditEventsRow, error) {
			rows, err := q.SearchAccountAuditEvents(ctx, store.SearchAccountAuditEventsParams{
				AccountID: &id, Since: p.Since, BeforeAt: p.BeforeAt, BeforeID: p.BeforeID, TypePattern: p.TypePattern, Result: p.Result,
				ActorKind: p.ActorKind, ClientID: p.ClientID, Who: p.Who, HiddenKind: p.HiddenKind, PageSize: p.PageSize,
			})
			return eventRows(rows), err
		},
		last: func(p store.SearchAuditEventsParams, look int32) (time.Time, int64, error) {
			row, err := q.LastOfAccountAuditEvents(ctx, store.LastOfAccountAuditEventsParams{
				AccountID: &id, Since: p.Since, BeforeAt: p.BeforeAt, BeforeID: p.BeforeID, Look: look,
			})
			return row.At, row.Looked, err
		},
	}
}

func requestIndex(ctx context.Context, q *store.Queries, in AuditQuery) eventIndex {
	return eventIndex{
		read: func(p store.SearchAuditEventsParams) ([]store.SearchAuditEventsRow, error) {
			rows, err := q.SearchRequestAuditEvents(ctx, store.SearchRequestAuditEventsParams{
				RequestID: in.Request, Since: p.Since, BeforeAt: p.BeforeAt, BeforeID: p.BeforeID, TypePattern: p.TypePattern, Result: p.Result,
				ActorKind: p.ActorKind, ClientID: p.ClientID, Who: p.Who, HiddenKind: p.HiddenKind, PageSize: p.PageSize,
			})
			return slices.DeleteFunc(eventRows(rows), func(row store.SearchAuditEventsRow) bool {
				id := row.AuditEvent.AccountID
				return in.Account != "" && (id == nil || *id != in.Account)
			}), err
		},
		exact: true,
	}
}

// eventRows are the rows of one statement as those of another that finds the same columns.
func eventRows[R ~struct {
	AuditEvent store.AuditEvent
	LoginID    *string
}](rows []R) []store.SearchAuditEventsRow {
	out := make([]store.SearchAuditEventsRow, 0, len(rows))
	for _, row := range rows {
		out = append(out, store.SearchAuditEventsRow(row))
	}
	return out
}

// events reads one page, and says where the next one begins.
func (s *Service) events(ctx context.Context, in AuditQuery, p store.SearchAuditEventsParams, size int) ([]store.SearchAuditEventsRow, Place, error) {
	p.PageSize = int32(size + 1)
	x := s.index(ctx, in, p)
	var rows []store.SearchAuditEventsRow
	var end time.Time
	var err error
	if x.exact {
		rows, err = x.read(p)
	} else {
		rows, end, err = lookBack(size, p.Since, func(look int32) (time.Time, int64, error) { return x.last(p, look) },
			func(since time.Time) ([]store.SearchAuditEventsRow, error) {
				p := p
				p.Since = since
				return x.read(p)
			})
	}
	if err != nil {
		return nil, Place{}, fmt.Errorf("list audit events: %w", err)
	}
	rows, next := cutPage(rows, size, end, func(row store.SearchAuditEventsRow) Place {
		return Place{row.AuditEvent.At, string(row.AuditEvent.ID)}
	})
	return rows, next, nil
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
	var out AuditPage
	if out.Rows, out.Next, err = s.events(ctx, in, p, pageSize); err != nil || !in.After.IsZero() {
		return out, err
	}
	if out.Next.IsZero() {
		out.Total = len(out.Rows)
		return out, nil
	}
	x := s.index(ctx, in, p)
	if !x.exact || x.last == nil {
		out.Total, out.Many = len(out.Rows), true
		return out, nil
	}
	_, n, err := x.last(p, listCeiling)
	if err != nil {
		return AuditPage{}, fmt.Errorf("count audit events: %w", err)
	}
	out.Total, out.Many = int(n), n == listCeiling
	return out, nil
}

// EventsAfter returns at most limit audit events for a program, as [Service.ListAudit] does, and where the next ones begin.
func (s *Service) EventsAfter(ctx context.Context, actor Actor, in AuditQuery, limit int) ([]store.SearchAuditEventsRow, Place, error) {
	actor, err := s.viewer(ctx, actor, mayViewAudit)
	if err != nil {
		return nil, Place{}, err
	}
	p, ok := s.search(actor, in)
	if !ok {
		return nil, Place{}, nil
	}
	return s.events(ctx, in, p, min(max(limit, 1), maxAfter))
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
	out, err := s.signer.NewExport(begin(), format, s.now())
	if err != nil {
		return 0, err
	}
	for {
		rows, next, err := s.events(ctx, in, p, auditExportPage)
		if err != nil {
			return out.Rows(), err
		}
		for _, row := range rows {
			if err := out.Add(row.AuditEvent, text(row.LoginID)); err != nil {
				return out.Rows(), err
			}
		}
		if err := out.Flush(); err != nil {
			return out.Rows(), err
		}
		if next.IsZero() {
			break
		}
		p.BeforeAt, p.BeforeID = next.At, store.EventID(next.ID)
	}
	return out.Rows(), out.Close()
}

// exportData says in the row of an export what was looked for.
func exportData(in AuditQuery, format audit.Format) map[string]string {
	data := map[string]string{"format": string(format)}
	for name, value := range map[string]string{
		"kind": in.Kind, "result": in.Result, "client": in.Client, "q": in.Who, "account": string(in.Account), "request": in.Request,
		"actor": string(in.Actor),
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

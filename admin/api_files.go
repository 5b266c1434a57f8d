package admin

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/web"
)

// importsPath is where files with accounts are sent to.
const importsPath = "/imports"

// apiImport is a run of an import.
type apiImport struct {
	ID        string `json:"id"`
	State     string `json:"state" enum:"checking,checked,running,done,stopped" doc:"checked: it waits to be started, for a day"`
	FileName  string `json:"file_name"`
	Problem   string `json:"problem,omitempty" doc:"why it stopped"`
	Total     int    `json:"total" doc:"how many rows there are"`
	Done      int    `json:"done" doc:"how many were worked on"`
	Created   int    `json:"created"`
	Updated   int    `json:"updated"`
	Unchanged int    `json:"unchanged"`
	Refused   int    `json:"refused"`
	Findings  int    `json:"findings" doc:"how many things are to be said of rows"`

	StartedAt  time.Time  `json:"started_at"`
	FinishedAt *time.Time `json:"finished_at,omitempty"`
}

// apiUploaded is a run that was just made.
type apiUploaded struct{ apiImport }

func (u apiUploaded) location() string { return importsPath + "/" + u.ID }

func importOf(r ImportRun) apiImport {
	v := apiImport{
		ID: string(r.ID), State: r.State, FileName: r.FileName, Total: int(r.RowsTotal), Done: int(r.RowsDone), Created: int(r.Created),
		Updated: int(r.Updated), Unchanged: int(r.Unchanged), Refused: int(r.Refused), Findings: int(r.Found), StartedAt: r.StartedAt,
		FinishedAt: r.FinishedAt,
	}
	switch r.State {
	case importUploading, importUploaded:
		v.State = "checking"
	case importStopped:
		v.Problem = r.Reason
	}
	return v
}

// apiFinding is what is to be said of a row. Its words are ours: nothing of what the row holds is among them.
type apiFinding struct {
	Line    int    `json:"line"`
	Column  string `json:"column"`
	Value   string `json:"value" doc:"what kind of value it is"`
	Refused bool   `json:"refused" doc:"whether the row was left out for it"`
	Reason  string `json:"reason"`
	Detail  string `json:"detail,omitempty"`
}

func findingOf(f store.ImportFinding) apiFinding {
	return apiFinding{Line: int(f.Line), Column: f.Field, Value: f.ValueClass, Refused: f.Refused, Reason: f.Reason, Detail: f.Detail}
}

type (
	apiExport struct {
		Format    string `json:"format" enum:"csv,ndjson"`
		Operators bool   `json:"operators,omitempty" doc:"writes operators as well"`
	}
	apiExportAudit struct {
		Format  string `json:"format" enum:"csv,ndjson"`
		From    string `json:"from,omitempty" max:"10" doc:"the first day, as 2026-11-01"`
		To      string `json:"to,omitempty" max:"10" doc:"the last day"`
		Kind    string `json:"kind,omitempty" max:"32" doc:"the first part of the types, such as 2fa"`
		Result  string `json:"result,omitempty" max:"16" doc:"success, failure or refused"`
		Client  string `json:"client_id,omitempty" max:"64"`
		Account string `json:"account_id,omitempty" max:"64"`
		Search  string `json:"search,omitempty" max:"100" doc:"looked for in actor, target and login ID"`
		Request string `json:"request_id,omitempty" max:"64"`
	}

	uploadImport struct {
		FileName string `query:"file_name" max:"256" doc:"for the log"`
		Encoding string `query:"encoding" enum:"utf-8,shift_jis" doc:"utf-8 if absent"`
		Body     upload
	}
	importByID struct {
		ID string `path:"id" max:"64"`
	}
	findFindings struct {
		ID string `path:"id" max:"64"`
		paging
	}
	exportAccounts struct{ Body apiExport }
	exportAudit    struct{ Body apiExportAudit }
)

// name is what the log calls the file: its end tells the format, which the request's media type says.
func (in uploadImport) name() string {
	if account.FormatOf(in.FileName) == in.Body.format {
		return in.FileName
	}
	return in.FileName + "." + string(in.Body.format)
}

// query is what to look for.
func (in exportAudit) query() (AuditQuery, error) {
	b := in.Body
	q := AuditQuery{Kind: b.Kind, Result: b.Result, Client: b.Client, Who: b.Search, Account: store.AccountID(b.Account), Request: b.Request}
	for _, day := range []struct {
		field, text string
		into        *time.Time
	}{{"from", b.From, &q.From}, {"to", b.To, &q.To}} {
		if day.text == "" {
			continue
		}
		var err error
		if *day.into, err = time.Parse(time.DateOnly, day.text); err != nil {
			return q, invalid(web.FieldProblem{Field: day.field, Reason: reasonFormat})
		}
	}
	return q, nil
}

// files are what takes files in and hands them out.
func (a *API) files(t *table) {
	s := a.service
	get := func(ctx context.Context, actor Actor, id store.ImportID) (apiImport, error) {
		run, err := s.ImportRun(ctx, actor, id, 0)
		return importOf(run), err
	}
	add(t, scopeAccountsWrite, http.MethodPost, importsPath, "uploadImport",
		func(ctx context.Context, actor Actor, in uploadImport) (apiUploaded, error) {
			if in.Encoding == "" {
				in.Encoding = account.UTF8
			}
			id, err := s.Upload(ctx, actor, in.name(), in.Encoding, in.Body)
			if err != nil {
				return apiUploaded{}, err
			}
			run, err := get(ctx, actor, id)
			return apiUploaded{run}, err
		})
	add(t, scopeAccountsWrite, http.MethodGet, importsPath+"/{id}", "getImport",
		func(ctx context.Context, actor Actor, in importByID) (apiImport, error) {
			return get(ctx, actor, store.ImportID(in.ID))
		})
	add(t, scopeAccountsWrite, http.MethodPost, importsPath+"/{id}/start", "startImport",
		func(ctx context.Context, actor Actor, in importByID) (apiImport, error) {
			if _, err := s.StartImport(ctx, actor, store.ImportID(in.ID)); err != nil {
				return apiImport{}, err
			}
			return get(ctx, actor, store.ImportID(in.ID))
		})
	add(t, scopeAccountsWrite, http.MethodGet, importsPath+"/{id}/findings", "listFindings",
		func(ctx context.Context, actor Actor, in findFindings) (list[apiFinding], error) {
			span, err := in.numbered()
			if err != nil {
				return list[apiFinding]{}, err
			}
			rows, more, err := s.FindingsAfter(ctx, actor, span, store.ImportID(in.ID))
			return listOf(rows, more, findingOf, func(f store.ImportFinding) string { return number64(f.Number) }), err
		})
	add(t, scopeAccountsWrite, http.MethodPost, "/accounts/export", "exportAccounts",
		func(ctx context.Context, actor Actor, in exportAccounts) (download, error) {
			o := ExportOptions{Format: account.Format(in.Body.Format), Operators: in.Body.Operators}
			return download{
				kind: kindOf(o.Format), name: "accounts-" + s.now().In(s.zone).Format("20060102") + "." + in.Body.Format,
				write: func(to io.Writer) error { _, err := s.Export(ctx, actor, to, o); return err },
			}, nil
		})
	add(t, scopeAuditRead, http.MethodPost, "/audit-events/export", "exportAuditEvents",
		func(ctx context.Context, actor Actor, in exportAudit) (download, error) {
			q, err := in.query()
			if err != nil {
				return download{}, err
			}
			format := account.Format(in.Body.Format)
			return download{
				kind: kindOf(format), name: "audit-" + s.now().In(s.zone).Format("20060102-150405") + "." + in.Body.Format,
				write: func(to io.Writer) error {
					_, err := s.ExportAudit(ctx, actor, q, audit.Format(format), func() io.Writer { return to })
					return err
				},
			}, nil
		})
}

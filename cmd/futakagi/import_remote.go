package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/templates"
)

// A server is asked how far an import is, first soon and then less and less often.
const (
	importPollFirst = 50 * time.Millisecond
	importPollLast  = 2 * time.Second
)

// remoteImport is a run of an import as the API tells of it.
type remoteImport struct {
	ID        string `json:"id"`
	State     string `json:"state"`
	Problem   string `json:"problem"`
	Total     int64  `json:"total"`
	Done      int64  `json:"done"`
	Created   int64  `json:"created"`
	Updated   int64  `json:"updated"`
	Unchanged int64  `json:"unchanged"`
	Refused   int64  `json:"refused"`
}

// importThere has a server take over accounts: it checks the whole file first, and takes it over unless that is a dry run.
func (a *app) importThere(ctx context.Context, to target, file *os.File, o admin.ImportOptions, report string) error {
	if o.Operators || o.ReplaceFactors {
		return usageError{"--operators and --replace-factors work on the database at hand, not with --url"}
	}
	r, err := a.remote(to)
	if err != nil {
		return err
	}
	pages, err := templates.New(templates.Config{})
	if err != nil {
		return err
	}
	kind := map[account.Format]string{account.CSV: "text/csv", account.NDJSON: "application/x-ndjson"}[o.Format]
	body, err := r.upload(ctx, "uploadImport", admin.OperationInput{
		Query: url.Values{"file_name": {o.FileName}, "encoding": {o.Encoding}},
	}, kind, file)
	if err != nil {
		return err
	}
	run, err := a.await(ctx, r, body, "checking")
	if err != nil {
		return err
	}
	if run.State == "checked" && !o.DryRun {
		if body, _, err = r.do(ctx, "startImport", run.named()); err != nil {
			return err
		}
		if run, err = a.await(ctx, r, body, "running"); err != nil {
			return err
		}
	}
	if err := a.reportThere(ctx, r, run, pages, report); err != nil {
		return err
	}
	if run.State == "stopped" {
		return dataError{"nothing more was taken: " + pages.T(templates.En, run.Problem)}
	}
	return a.imported(o.DryRun, admin.ImportResult{ImportCounts: admin.ImportCounts{
		Total: run.Total, Created: run.Created, Updated: run.Updated, Unchanged: run.Unchanged, Refused: run.Refused,
	}})
}

func (i remoteImport) named() admin.OperationInput {
	return admin.OperationInput{Path: map[string]string{"id": i.ID}}
}

// await asks for a run again and again while it is in a state; body is what was said of it last.
func (a *app) await(ctx context.Context, r *remote, body json.RawMessage, state string) (run remoteImport, err error) {
	bar := newBar(a.err, "rows")
	defer bar.end()
	for wait := importPollFirst; ; wait = min(2*wait, importPollLast) {
		if err := json.Unmarshal(body, &run); err != nil {
			return run, fmt.Errorf("read answer: %w", err)
		}
		bar.show(run.Done, run.Total)
		if run.State != state {
			return run, nil
		}
		select {
		case <-ctx.Done():
			return run, errors.New("interrupted; the server goes on: 'futakagi account import-status " + run.ID + " --url …' says how far it is")
		case <-time.After(wait):
		}
		if body, _, err = r.do(ctx, "getImport", run.named()); err != nil {
			return run, err
		}
	}
}

// reportThere writes what is said of the rows of a run.
func (a *app) reportThere(ctx context.Context, r *remote, run remoteImport, pages *templates.Set, report string) (err error) {
	out, err := newFindings(pages, a.err, report)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.close()) }()
	in := run.named()
	in.Query = url.Values{"limit": {"200"}}
	for {
		body, _, err := r.do(ctx, "listFindings", in)
		if err != nil {
			return err
		}
		var page struct {
			Items []struct {
				Line    int    `json:"line"`
				Column  string `json:"column"`
				Value   string `json:"value"`
				Refused bool   `json:"refused"`
				Reason  string `json:"reason"`
				Detail  string `json:"detail"`
			} `json:"items"`
			Next string `json:"next"`
		}
		if err := json.Unmarshal(body, &page); err != nil {
			return fmt.Errorf("read answer: %w", err)
		}
		for _, f := range page.Items {
			if err := out.add(account.Finding{Line: f.Line, Column: f.Column, ValueClass: f.Value, Refused: f.Refused, Reason: f.Reason, Detail: f.Detail}); err != nil {
				return err
			}
		}
		if page.Next == "" {
			return nil
		}
		in.Query.Set("cursor", page.Next)
	}
}

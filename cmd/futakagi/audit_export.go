package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/internal/server"
	"github.com/futakagi/futakagi/store"
)

// auditFilter are the flags that choose rows of the audit log.
type auditFilter struct {
	from, to, account                         string
	kind, result, actor, client, who, request string
}

func (f *auditFilter) flags(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.from, "from", "", "first day, like 2026-11-01, in time_zone")
	flags.StringVar(&f.to, "to", "", "last day")
	flags.StringVar(&f.account, "account", "", "id of the account concerned")
	flags.StringVar(&f.kind, "kind", "", "first part of the events' types, such as signin or 2fa")
	flags.StringVar(&f.result, "result", "", "success, failure or refused")
	flags.StringVar(&f.actor, "actor", "", "kind of who acted: account, operator, client, system or anonymous")
	flags.StringVar(&f.client, "client", "", "client_id of an application")
	flags.StringVar(&f.who, "who", "", "part of the name of actor or target")
	flags.StringVar(&f.request, "request", "", "number that the log and error pages give a request")
}

func (f *auditFilter) query() (admin.AuditQuery, error) {
	q := admin.AuditQuery{
		Kind: f.kind, Result: f.result, Actor: audit.ActorKind(f.actor), Client: f.client, Who: f.who, Account: store.AccountID(f.account),
		Request: f.request,
	}
	for flag, day := range map[string]struct {
		text string
		into *time.Time
	}{"--from": {f.from, &q.From}, "--to": {f.to, &q.To}} {
		if day.text == "" {
			continue
		}
		t, err := time.Parse(time.DateOnly, day.text)
		if err != nil {
			return q, usageError{flag + " is a day like 2026-11-01"}
		}
		*day.into = t
	}
	if f.account != "" && !store.ValidID(f.account) {
		return q, usageError{"--account is an id"}
	}
	return q, nil
}

// body is the filter as the API takes it.
func (f *auditFilter) body(format string) ([]byte, error) {
	body := map[string]string{"format": format}
	for name, text := range map[string]string{
		"from": f.from, "to": f.to, "account_id": f.account, "kind": f.kind, "result": f.result, "client_id": f.client, "search": f.who, "request_id": f.request,
	} {
		if text != "" {
			body[name] = text
		}
	}
	return json.Marshal(body)
}

func (a *app) auditExportCommand() *cobra.Command {
	var filter auditFilter
	var to target
	var format, output string
	c := &cobra.Command{
		Use:   "export",
		Short: "Write rows of the audit log into a signed file",
		Long: `Writes every row that the flags choose, newest first, as CSV or as one JSON object in
each line. The last line is a signature over all others; 'futakagi audit verify FILE'
checks it. That it was exported is written into the log. Needs the master key, or
--url.`,
		Example: `  futakagi audit export --from 2026-11-01 --to 2026-11-30 --format csv --output november.csv`,
		Args:    cobra.NoArgs,
		RunE: action(func(c *cobra.Command, _ []string) error {
			in, err := filter.query()
			if err != nil {
				return err
			}
			if format != string(audit.CSV) && format != string(audit.NDJSON) {
				return usageError{"--format is csv or ndjson"}
			}
			if to.url != "" {
				to.output = output
				body, err := filter.body(format)
				if err != nil {
					return err
				}
				return a.save(c, to, "exportAuditEvents", admin.OperationInput{Body: body})
			}
			return a.intoFile(output, func(w io.Writer) error {
				return a.withAudit(c, true, func(log *server.AuditLog) error {
					rows, err := log.Admin.ExportAudit(c.Context(), admin.System(), in, audit.Format(format), func() io.Writer { return w })
					if err == nil && output != "" {
						fmt.Fprintf(a.out, "wrote %d rows to %s\n", rows, output)
					}
					return err
				})
			})
		}),
	}
	filter.flags(c)
	c.Flags().StringVar(&format, "format", "ndjson", "csv or ndjson")
	c.Flags().StringVar(&output, "output", "", "file to write, which must not exist yet (default: standard output)")
	to.flags(c)
	return c
}

func (a *app) verifyExport(c *cobra.Command, keys []string, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return usageError{err.Error()}
	}
	defer func() { _ = f.Close() }() // it was only read
	return a.withAudit(c, false, func(log *server.AuditLog) error {
		report, err := audit.VerifyExport(c.Context(), log.DB, keys, f)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(a.out, "%d rows, exported %s, signed by key %s\n", report.Rows, report.At.Format(time.RFC3339), report.Key)
		return err
	})
}

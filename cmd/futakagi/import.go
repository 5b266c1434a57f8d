package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/templates"
)

// shownFindings is how many rows are spoken of without a report file.
const shownFindings = 20

func (a *app) accountImportCommand() *cobra.Command {
	var o admin.ImportOptions
	var to target
	var format, report string
	c := &cobra.Command{
		Use:   "import FILE",
		Short: "Take over accounts from another system",
		Long: `Takes over accounts with their passwords, switches and second factors from a CSV
or NDJSON file; - is standard input. docs/import.md explains every column.

A file that cannot be read to its end changes nothing. Rows that cannot be taken
are reported and left out, and the others are taken: the exit code is 65 then.
The same file again changes nothing, and a run that was interrupted goes on where
it stopped. What people set up or chose here stays as it is, and no switch is
turned to dont_use.

Seeds of authenticator apps (totp_secret) are sealed, for which the command needs
the master key: it reads the one of the server's configuration (master_key, or the
file beside a SQLite database) once the server has started for the first time, and
never makes one. Without it rows with a seed are refused, and so are rows that
--replace-factors lets change what people set up here: the server mails them about
it. Nobody else is sent a message, and the rest needs the database alone.

With --url a server does the same: the file, of at most 64 MiB, is sent to it, checked
and, unless it is a dry run, taken over.`,
		Example: `  futakagi account import people.csv --dry-run --report report.ndjson
  futakagi account import people.csv
  futakagi account import people.csv --url https://id.example.jp --token-file token`,
		Args: cobra.ExactArgs(1),
		RunE: action(func(c *cobra.Command, args []string) error {
			o.Format = account.Format(format)
			if format == "" {
				o.Format = account.FormatOf(args[0])
			}
			switch {
			case o.Format != account.CSV && o.Format != account.NDJSON:
				return usageError{"--format is csv or ndjson"}
			case o.Encoding != account.UTF8 && o.Encoding != account.ShiftJIS:
				return usageError{"--encoding is " + account.UTF8 + " or " + account.ShiftJIS}
			}
			file, err := a.seekable(args[0])
			if err != nil {
				return err
			}
			defer func() { _ = file.Close() }()
			o.FileName = filepath.Base(args[0])
			if to.url != "" {
				return a.importThere(c.Context(), to, file, o, report)
			}
			return a.withMover(c, func(console *admin.Service) error {
				return a.importAccounts(c.Context(), console, file, o, report)
			})
		}),
	}
	flags := c.Flags()
	flags.StringVar(&format, "format", "", "csv or ndjson (default: by the file's name)")
	flags.StringVar(&o.Encoding, "encoding", account.UTF8, "utf-8, or shift_jis as Japanese spreadsheets save CSV")
	flags.BoolVar(&o.DryRun, "dry-run", false, "check every row and change nothing")
	flags.StringVar(&report, "report", "", "file for what is said of rows: a table, or NDJSON if its name ends so (default: the first on the terminal)")
	flags.BoolVar(&o.Operators, "operators", false, "take operators as well (rows of kind operator)")
	flags.BoolVar(&o.ReplaceFactors, "replace-factors", false, "let second factors of the file take the place of those that people set up here")
	to.flags(c)
	return c
}

// seekable opens a file that can be read twice. What comes on standard input is
// kept in one that nobody else can read and that is gone afterwards.
func (a *app) seekable(name string) (*os.File, error) {
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, usageError{err.Error()}
		}
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			return f, nil
		}
		defer func() { _ = f.Close() }()
		return spool(f)
	}
	return spool(a.in)
}

func spool(from io.Reader) (_ *os.File, err error) {
	f, err := os.CreateTemp("", "futakagi-import-*") // mode 0600
	if err != nil {
		return nil, fmt.Errorf("keep input: %w", err)
	}
	// Without a name it goes with the process, whatever ends that.
	err = os.Remove(f.Name())
	if err == nil {
		_, err = io.Copy(f, from)
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("keep input: %w", err)
	}
	return f, nil
}

// importAccounts runs an import and says what became of it.
func (a *app) importAccounts(ctx context.Context, console *admin.Service, file *os.File, o admin.ImportOptions, report string) error {
	pages, err := templates.New(templates.Config{})
	if err != nil {
		return err
	}
	out, err := newFindings(pages, a.err, report)
	if err != nil {
		return err
	}
	bar := newBar(a.err, "rows")
	o.Finding = out.add
	o.Progress = func(c admin.ImportCounts) { bar.show(c.Done, c.Total) }
	r, err := console.Import(ctx, admin.System(), file, o)
	bar.end()
	err = errors.Join(err, out.close())
	if broken, ok := errors.AsType[*account.FileError](err); ok {
		return dataError{"nothing was taken: " + broken.Error()}
	}
	if ctx.Err() != nil && r.Job != "" {
		return errors.New("interrupted; the same command goes on where this one stopped")
	}
	if err != nil {
		return err
	}
	return a.imported(o.DryRun, r)
}

// imported says what became of an import.
func (a *app) imported(dryRun bool, r admin.ImportResult) error {
	done, resumed := "imported", ""
	if dryRun {
		done = "would import"
	}
	if r.Resumed > 0 {
		resumed = fmt.Sprintf(" (resumed after row %d)", r.Resumed)
	}
	if _, err := fmt.Fprintf(a.out, "%s %d rows%s: %d created, %d updated, %d unchanged, %d refused\n",
		done, r.Total, resumed, r.Created, r.Updated, r.Unchanged, r.Refused); err != nil {
		return err
	}
	if r.Refused > 0 {
		return dataError{fmt.Sprintf("%d rows were refused", r.Refused)}
	}
	return nil
}

// findings writes what is said of rows: to a file, or the first ones to the terminal.
type findings struct {
	pages *templates.Set
	to    io.Writer
	file  *os.File
	json  bool
	n     int
}

func newFindings(pages *templates.Set, terminal io.Writer, report string) (*findings, error) {
	f := &findings{pages: pages, to: terminal}
	if report == "" {
		return f, nil
	}
	var err error
	if f.file, err = os.OpenFile(report, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600); err != nil {
		return nil, usageError{err.Error()}
	}
	f.to, f.json = f.file, account.FormatOf(report) == account.NDJSON
	if !f.json {
		_, err = fmt.Fprintln(f.to, "line\trow\tcolumn\tvalue\treason")
	}
	return f, err
}

func (f *findings) add(one account.Finding) error {
	f.n++
	row := "taken"
	if one.Refused {
		row = "refused"
	}
	reason := f.pages.T(templates.En, one.Reason)
	if strings.HasPrefix(one.Reason, "error.") {
		// These are made for a form and name their bounds.
		reason = f.pages.T(templates.En, one.Reason, "max", account.MaxName)
	}
	if one.Detail != "" {
		reason += " (" + one.Detail + ")"
	}
	value := admin.ValueText(f.pages, templates.En, one.ValueClass)
	var err error
	switch {
	case f.json:
		err = json.NewEncoder(f.to).Encode(map[string]any{
			"line": one.Line, "row": row, "column": one.Column, "value": value, "reason": one.Reason, "text": reason,
		})
	case f.file != nil:
		_, err = fmt.Fprintf(f.to, "%d\t%s\t%s\t%s\t%s\n", one.Line, row, one.Column, value, reason)
	case f.n <= shownFindings:
		_, err = fmt.Fprintf(f.to, "line %d, %s (%s): %s [%s]\n", one.Line, one.Column, value, reason, row)
	}
	return err
}

func (f *findings) close() error {
	if f.file != nil {
		return f.file.Close()
	}
	if f.n > shownFindings {
		_, err := fmt.Fprintf(f.to, "and %d more; --report FILE has them all\n", f.n-shownFindings)
		return err
	}
	return nil
}

// bar shows on a terminal how far something is.
type bar struct {
	to    io.Writer // nil: nobody looks
	what  string
	begun time.Time
	shown time.Time
}

func newBar(to io.Writer, what string) *bar {
	b := &bar{what: what, begun: time.Now()}
	if f, ok := to.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		b.to = to
	}
	return b
}

func (b *bar) show(done, total int64) {
	const width = 30
	now := time.Now()
	if b.to == nil || now.Sub(b.shown) < 200*time.Millisecond && done < total {
		return
	}
	b.shown = now
	rate := float64(done) / max(now.Sub(b.begun).Seconds(), 0.001)
	if total <= 0 {
		fmt.Fprintf(b.to, "\r%d %s, %.0f/s ", done, b.what, rate)
		return
	}
	full := int(done * width / total)
	fmt.Fprintf(b.to, "\r[%s%s] %3d %% %d/%d %s, %.0f/s ", strings.Repeat("#", full), strings.Repeat(".", width-full), done*100/total,
		done, total, b.what, rate)
}

func (b *bar) end() {
	if b.to != nil && !b.shown.IsZero() {
		fmt.Fprintln(b.to)
	}
}

func (a *app) accountExportCommand() *cobra.Command {
	var o admin.ExportOptions
	var to target
	var format, output string
	c := &cobra.Command{
		Use:   "export",
		Short: "Write accounts in the form that import reads",
		Long: `Writes accounts as a file that 'account import' reads: to standard output, or to
a file that only its owner can read.

Without --with-secrets it holds no password hashes, no seeds of authenticator apps
and no hashes of backup codes. With them, whoever has the file can try passwords at
leisure: keep it like the database itself. Seeds are opened with the master key,
as import seals them with it. Passkeys stay behind: they belong to this domain.`,
		Example: `  futakagi account export --output people.csv
  futakagi account export --format ndjson --with-secrets --output all.ndjson`,
		Args: cobra.NoArgs,
		RunE: action(func(c *cobra.Command, _ []string) error {
			o.Format = account.Format(format)
			if format == "" {
				if o.Format = account.FormatOf(output); o.Format == "" {
					o.Format = account.CSV
				}
			}
			if o.Format != account.CSV && o.Format != account.NDJSON {
				return usageError{"--format is csv or ndjson"}
			}
			if to.url != "" {
				to.output = output
				return a.exportThere(c, to, o)
			}
			return a.intoFile(output, func(w io.Writer) error {
				return a.withMover(c, func(console *admin.Service) error {
					bar := newBar(a.err, "accounts")
					o.Progress = func(n int64) { bar.show(n, 0) }
					n, err := console.Export(c.Context(), admin.System(), w, o)
					bar.end()
					if errors.Is(err, mfa.ErrNoKey) {
						return usageError{"--with-secrets needs the master key of this database: " + err.Error()}
					}
					if err == nil {
						_, err = fmt.Fprintf(a.err, "exported %d accounts\n", n)
					}
					return err
				})
			})
		}),
	}
	flags := c.Flags()
	flags.StringVar(&format, "format", "", "csv or ndjson (default: by --output's name, or csv)")
	flags.StringVarP(&output, "output", "o", "", "file to make (default: standard output)")
	flags.BoolVar(&o.Operators, "operators", false, "write operators as well")
	flags.BoolVar(&o.WithSecrets, "with-secrets", false, "add password hashes, seeds and hashes of backup codes")
	to.flags(c)
	return c
}

// exportThere has a server write the file.
func (a *app) exportThere(c *cobra.Command, to target, o admin.ExportOptions) error {
	if o.WithSecrets {
		return usageError{"--with-secrets works on the database at hand, not with --url: no server hands out secrets"}
	}
	body, err := json.Marshal(map[string]any{"format": o.Format, "operators": o.Operators})
	if err != nil {
		return err
	}
	return a.save(c, to, "exportAccounts", admin.OperationInput{Body: body})
}

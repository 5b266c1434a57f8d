package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/internal/server"
	"github.com/futakagi/futakagi/store"
)

func (a *app) auditCommand() *cobra.Command {
	parent := &cobra.Command{
		Use:   "audit",
		Short: "Check, sign, shorten, list or export the audit log, and list messages",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	parent.AddCommand(a.auditVerifyCommand(), a.auditCheckpointCommand(), a.auditSweepCommand(), a.auditExportCommand())
	a.addVerbs(parent, auditVerbs())
	return parent
}

// errBroken ends a check that found something.
var errBroken = errors.New("the audit log is not what was written")

// shownFlaws is how many findings are printed: a log that was cut in half has as many as it has rows.
const shownFlaws = 100

// checked is what 'audit verify' found out.
type checked struct {
	audit.Report
	Whole         bool            `json:"whole"`
	Seconds       float64         `json:"seconds"`
	RowsPerSecond float64         `json:"rows_per_second"`
	Found         []audit.Finding `json:"found"` // the first ones
}

func (a *app) auditVerifyCommand() *cobra.Command {
	var keys []string
	var checkpoints string
	var asJSON bool
	c := &cobra.Command{
		Use:   "verify [FILE]",
		Short: "Check that no row of the audit log was changed, removed, added or moved; or check an export",
		Long: `Walks through the whole log: every row against its hash, every hash against the
next row, the ends of the streams, and every signed checkpoint against the rows it
speaks of. The exit code is 0 if all is well, else 1; each line says which stream
and row, and why. Servers may run meanwhile.

Whoever can write into the database can also remove its newest checkpoints, or add
a key. So keep the checkpoints elsewhere (audit.checkpoint_file) and give them with
--checkpoints, and name the key you know with --key.

With FILE it checks that this is a file that 'futakagi audit export' or the console
wrote, whole and unchanged.`,
		Args: cobra.MaximumNArgs(1),
		RunE: action(func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				return a.verifyExport(c, keys, args[0])
			}
			return a.withAudit(c, false, func(log *server.AuditLog) error {
				out := checked{Found: []audit.Finding{}}
				found := func(f audit.Finding) {
					if len(out.Found) < shownFlaws {
						out.Found = append(out.Found, f)
					}
				}
				begun := time.Now()
				var err error
				if out.Report, err = audit.Verify(c.Context(), log.DB, keys, found); err != nil {
					return err
				}
				out.Seconds = time.Since(begun).Seconds()
				out.RowsPerSecond = float64(out.Rows) / max(out.Seconds, 1e-9)
				if checkpoints != "" {
					if err := verifyCheckpoints(c, log.DB, keys, checkpoints, found, &out.Report); err != nil {
						return err
					}
				}
				out.Whole = out.Findings == 0
				if err := a.printChecked(out, asJSON); err != nil {
					return err
				}
				if !out.Whole {
					return errBroken
				}
				return nil
			})
		}),
	}
	c.Flags().StringArrayVar(&keys, "key", nil, "id of a signing key to believe, and no other (repeatable)")
	c.Flags().StringVar(&checkpoints, "checkpoints", "", "file of checkpoints that was kept outside of the database")
	c.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	return c
}

func verifyCheckpoints(c *cobra.Command, db *store.DB, keys []string, path string, found func(audit.Finding), into *audit.Report) (err error) {
	f, err := os.Open(path)
	if err != nil {
		return usageError{err.Error()}
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	report, err := audit.VerifyCheckpoints(c.Context(), db, keys, f, found)
	into.Findings += report.Findings
	return err
}

func (a *app) printChecked(out checked, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(a.out)
		e.SetIndent("", "  ")
		return e.Encode(out)
	}
	for _, f := range out.Found {
		fmt.Fprintln(a.out, f)
	}
	if more := out.Findings - int64(len(out.Found)); more > 0 {
		fmt.Fprintf(a.out, "and %d more\n", more)
	}
	for _, key := range out.Keys {
		fmt.Fprintln(a.out, "signed by key "+key)
	}
	_, err := fmt.Fprintf(a.out, "%d rows in %d streams and %d checkpoints checked in %.1f s (%.0f rows/s), %d findings\n",
		out.Rows, out.Streams, out.Checkpoints, out.Seconds, out.RowsPerSecond, out.Findings)
	return err
}

func (a *app) auditCheckpointCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "checkpoint",
		Short: "Sign where the audit log ends now, and print the statement",
		Long: `Servers do this every quarter of an hour. Keep the lines printed where nobody who
can write into the database can write; 'futakagi audit verify --checkpoints FILE'
reads them. Nothing is printed when nothing was written since the last time. Needs
the master key.`,
		Args: cobra.NoArgs,
		RunE: action(func(c *cobra.Command, _ []string) error {
			return a.withAudit(c, true, func(log *server.AuditLog) error {
				statements, err := log.Signer.Checkpoint(c.Context(), log.DB, time.Now())
				for _, s := range statements {
					fmt.Fprintln(a.out, s)
				}
				return err
			})
		}),
	}
}

func (a *app) auditSweepCommand() *cobra.Command {
	var keep time.Duration
	c := &cobra.Command{
		Use:   "sweep",
		Short: "Remove rows that are older than they must be kept",
		Long: `Removes the rows at the beginning of each stream that are older than --keep. In
their place stays a signed statement, so that 'futakagi audit verify' still holds
for what is left. Servers never do this by themselves.

With PostgreSQL, run it as the owner of the tables: the role that servers use
cannot delete from the log (see 'futakagi migrate grant'). Needs the master key.`,
		Example: `  futakagi audit sweep --keep 17520h   # two years`,
		Args:    cobra.NoArgs,
		RunE: action(func(c *cobra.Command, _ []string) error {
			if keep < 24*time.Hour {
				return usageError{"--keep is at least 24h"}
			}
			return a.withAudit(c, true, func(log *server.AuditLog) error {
				now := time.Now().UTC()
				removed, err := log.Signer.Sweep(c.Context(), log.DB, now, now.Add(-keep))
				fmt.Fprintf(a.out, "removed %d rows\n", removed)
				return err
			})
		}),
	}
	c.Flags().DurationVar(&keep, "keep", 0, "how long rows are kept, such as 8760h for a year")
	_ = c.MarkFlagRequired("keep") // fails for unknown flags only
	return c
}

package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/store"
)

func (a *app) migrateCommand() *cobra.Command {
	parent := &cobra.Command{
		Use:   "migrate",
		Short: "Bring the database schema up to this version, or show how far it is",
		Long: `The schema only moves forward. Several replicas may run 'migrate up' at once: one
does the work, the others wait. With SQLite, 'serve' migrates by itself.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	parent.AddCommand(
		&cobra.Command{
			Use:   "up",
			Short: "Apply every pending migration",
			Args:  cobra.NoArgs,
			RunE: action(func(c *cobra.Command, _ []string) error {
				return a.withStore(c, false, func(db *store.DB) error {
					applied, err := db.Migrate(c.Context())
					for _, name := range applied {
						fmt.Fprintln(a.out, "applied "+name)
					}
					if err != nil {
						return err
					}
					chained, err := audit.Adopt(c.Context(), db, time.Now)
					switch {
					case chained > 0:
						fmt.Fprintf(a.out, "chained %d rows of the audit log\n", chained)
					case len(applied) == 0:
						fmt.Fprintln(a.out, "The schema is up to date.")
					}
					return err
				})
			}),
		},
		&cobra.Command{
			Use:   "status",
			Short: "Show the schema's version; exit code 78 when it does not fit this program",
			Args:  cobra.NoArgs,
			RunE: action(func(c *cobra.Command, _ []string) error {
				return a.withStore(c, true, func(db *store.DB) error {
					state, err := db.MigrationStatus(c.Context())
					if err != nil {
						return err
					}
					fmt.Fprintf(a.out, "database %d, program %d\n", state.Current, state.Target)
					for _, name := range state.Pending {
						fmt.Fprintln(a.out, "pending "+name)
					}
					return state.Check()
				})
			}),
		},
		a.migrateGrantCommand(),
	)
	return parent
}

func (a *app) migrateGrantCommand() *cobra.Command {
	var role string
	c := &cobra.Command{
		Use:   "grant",
		Short: "Let a role of PostgreSQL do what servers do: all but change the audit log's past",
		Long: `Gives a role that exists already the right to read and write every table, and to
add to the audit log without changing or removing what is in it. Servers that
connect as this role cannot rewrite the log even when somebody takes them over.

Run it as the owner of the tables, after every 'futakagi migrate up'.`,
		Example: `  createuser futakagi_app --pwprompt
  futakagi migrate grant --role futakagi_app`,
		Args: cobra.NoArgs,
		RunE: action(func(c *cobra.Command, _ []string) error {
			return a.withStore(c, true, func(db *store.DB) error {
				if err := db.Grant(c.Context(), role); err != nil {
					return err
				}
				_, err := fmt.Fprintf(a.out, "%s may do what servers do\n", role)
				return err
			})
		}),
	}
	c.Flags().StringVar(&role, "role", "", "name of the role")
	_ = c.MarkFlagRequired("role") // fails for unknown flags only
	return c
}

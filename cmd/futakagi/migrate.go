package main

import (
	"fmt"

	"github.com/spf13/cobra"

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
					if err == nil && len(applied) == 0 {
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
	)
	return parent
}

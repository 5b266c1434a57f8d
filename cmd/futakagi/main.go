package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := (&app{
		in: os.Stdin, out: os.Stdout, err: os.Stderr, environ: os.Environ(),
	}).run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// app is one run of the program: its streams, its environment and the flags that
// every command knows.
type app struct {
	in         io.Reader
	out, err   io.Writer
	environ    []string
	configPath string
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "futakagi",
		Short: "OpenID Connect provider with two-factor sign-in",
		Long: `Futakagi signs people in to your store with a password and a second factor,
and tells applications truthfully how they proved who they are.

Try it without any set-up:   futakagi demo
Run it:                      futakagi config example > futakagi.yaml
                             futakagi config check
                             futakagi serve

Exit codes: 0 fine, 1 failed, 64 wrong usage, 65 an input file was not wholly
taken, 69 a needed service is away, 70 internal error, 75 try again later, 78 the configuration or the schema does not fit.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.PersistentFlags().StringVarP(&a.configPath, "config", "c", "",
		"configuration file (default: $FUTAKAGI_CONFIG, or futakagi.yaml if there is one)")
	root.AddCommand(
		a.serveCommand(),
		a.demoCommand(),
		a.migrateCommand(),
		a.accountCommand(),
		a.verbGroup("customer", "Look after customers, their user groups, and all accounts of one at once", customerVerbs()),
		a.verbGroup("operator", "Create and list operators", operatorVerbs()),
		a.verbGroup("role", "Look after what operators may do", roleVerbs()),
		a.verbGroup("mfa", "Look after second factors, and what surfaces demand and accept", mfaVerbs()),
		a.clientCommand(),
		a.verbGroup("key", "Look after the keys that sign tokens and seal what the database holds", keyVerbs()),
		a.mailCommand(),
		a.auditCommand(),
		a.configCommand(),
		a.healthcheckCommand(),
		a.versionCommand(),
	)
	return root
}

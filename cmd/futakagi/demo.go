package main

import (
	"errors"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/futakagi/futakagi/demo"
)

func (a *app) demoCommand() *cobra.Command {
	options := demo.DefaultOptions()
	verbose := false
	c := &cobra.Command{
		Use:   "demo",
		Short: "Run the provider with two sample applications, an inbox and accounts to try",
		Long: `Needs no configuration and leaves nothing behind. It listens on this machine
alone, since its passwords are known to everybody. Ctrl-C ends it.`,
		Args: cobra.NoArgs,
		RunE: action(func(c *cobra.Command, _ []string) error {
			level := slog.LevelWarn
			if verbose {
				level = slog.LevelInfo
			}
			options.Out = a.out
			options.Logger = a.newLogger("text", level)
			err := demo.Run(c.Context(), options)
			if _, ok := errors.AsType[*demo.PortError](err); ok {
				return err
			}
			return explain(err)
		}),
	}
	flags := c.Flags()
	flags.IntVar(&options.Port, "port", options.Port, "port of the provider")
	flags.IntVar(&options.StorePort, "store-port", options.StorePort, "port of the sample store")
	flags.IntVar(&options.MyPagePort, "mypage-port", options.MyPagePort, "port of the sample My Page")
	flags.IntVar(&options.InboxPort, "inbox-port", options.InboxPort, "port of the inbox")
	flags.StringVar(&options.Database, "database", options.Database, "keep the data: sqlite:PATH or postgres://… (default: a temporary folder)")
	flags.BoolVarP(&verbose, "verbose", "v", false, "log every request")
	return c
}

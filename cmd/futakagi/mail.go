package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/futakagi/futakagi/delivery"
)

func (a *app) mailCommand() *cobra.Command {
	parent := &cobra.Command{
		Use:   "mail",
		Short: "Hand mail that came back to the server",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	parent.AddCommand(a.mailBounceCommand())
	return parent
}

func (a *app) mailBounceCommand() *cobra.Command {
	var to string
	c := &cobra.Command{
		Use:   "bounce",
		Short: "Read one message from standard input, and report it if it is a bounce of ours",
		Long: `For the mail server's pipe. The message is read, and if it is a delivery status
notification (RFC 3464) about a mail of ours, the server is told over HTTPS. Of the
configuration only issuer and reports.secret are used: neither the database nor the
master key has to be on this machine.

Any other message is ignored. If the server does not answer, the exit code is 75,
and the mail server tries again later.`,
		Example: `  # Postfix, master.cf
  bounce  unix  -  n  n  -  2  pipe
    flags=q user=futakagi argv=/usr/bin/futakagi -c /etc/futakagi.yaml mail bounce --to ${recipient}`,
		Args: cobra.NoArgs,
		RunE: action(func(c *cobra.Command, _ []string) error {
			settings, err := a.load()
			if err != nil {
				return err
			}
			if settings.Issuer == "" {
				return settingError{"issuer", "write the address of the server", exitConfig, errors.New("it is missing")}
			}
			if !settings.Reports.Secret.IsSet() {
				return settingError{"reports.secret", "write the secret that the server has", exitConfig, errors.New("it is missing")}
			}
			ours, err := delivery.Forward(c.Context(), delivery.ForwardConfig{
				URL: settings.Issuer + delivery.PathReports, Secret: settings.Reports.Secret.Reveal(), Now: time.Now,
			}, a.in, to)
			if err != nil {
				return err
			}
			if !ours {
				fmt.Fprintln(a.out, "ignored: not a bounce of ours")
			}
			return nil
		}),
	}
	c.Flags().StringVar(&to, "to", "", "address the message came back to, as the mail server knows it")
	return c
}

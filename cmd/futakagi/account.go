package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

// maxSecretInput bounds what is read as a password.
const maxSecretInput = 4096

func (a *app) accountCommand() *cobra.Command {
	parent := &cobra.Command{
		Use:   "account",
		Short: "Create accounts, the first operator among them",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	parent.AddCommand(a.accountCreateCommand())
	return parent
}

func (a *app) accountCreateCommand() *cobra.Command {
	var in admin.NewAccount
	var kind, group, passwordFile string
	c := &cobra.Command{
		Use:   "create",
		Short: "Create an account",
		Long: `Creates an account. The password is the first line of standard input, or of the
file named by --password-file; it is never a flag, since others can see those.`,
		Example: `  futakagi account create --login-id operator --name 管理者 --email ops@example.jp < password.txt`,
		Args:    cobra.NoArgs,
		RunE: action(func(c *cobra.Command, _ []string) error {
			roles := account.Roles(kind)
			switch {
			case roles == nil:
				return usageError{"--kind is " + account.KindOperator + " or " + account.KindStore}
			case kind == account.KindStore && !store.ValidID(group):
				return usageError{"a store account needs --group with the id of its user group"}
			case kind == account.KindOperator && group != "":
				return usageError{"--group is for store accounts"}
			case in.TwoFactor != account.TwoFactorUse && in.TwoFactor != account.TwoFactorDont:
				return usageError{"--two-factor is " + account.TwoFactorUse + " or " + account.TwoFactorDont}
			}
			if in.Role == "" {
				in.Role = roles[0]
			}
			var err error
			if in.Password, err = a.password(passwordFile); err != nil {
				return err
			}
			return a.withConsole(c, func(console *admin.Service) error {
				var created store.Account
				if kind == account.KindOperator {
					created, err = console.CreateOperator(c.Context(), admin.System(), in)
				} else {
					created, err = console.CreateAccount(c.Context(), admin.System(), store.UserGroupID(group), in)
				}
				if invalid, ok := errors.AsType[*account.ValidationError](err); ok {
					return readable(invalid)
				}
				if errors.Is(err, store.ErrNotFound) {
					return usageError{"there is no user group " + group}
				}
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(a.out, "created %s account %s (%s)\n", created.Kind, created.LoginID, created.ID)
				return err
			})
		}),
	}
	flags := c.Flags()
	flags.StringVar(&kind, "kind", account.KindOperator, "operator (the console) or store (a customer's login)")
	flags.StringVar(&in.LoginID, "login-id", "", "what the person types to sign in")
	flags.StringVar(&in.DisplayName, "name", "", "the person's name")
	flags.StringVar(&in.RegisteredEmail, "email", "", "registered mail address, for notices")
	flags.StringVar(&in.Role, "role", "", "administrator or support; for store accounts admin, buyer or viewer (default: the first)")
	flags.StringVar(&group, "group", "", "id of the user group of a store account")
	flags.StringVar(&in.TwoFactor, "two-factor", account.TwoFactorUse, "use or dont_use")
	flags.StringVar(&passwordFile, "password-file", "", "file that holds the password (default: standard input)")
	for _, name := range []string{"login-id", "name", "email"} {
		_ = c.MarkFlagRequired(name) // fails for unknown flags only
	}
	return c
}

// readable turns refused fields into the sentences the console shows for them.
func readable(invalid *account.ValidationError) error {
	pages, err := templates.New(templates.Config{})
	if err != nil {
		return err
	}
	var lines []string
	for _, field := range slices.Sorted(maps.Keys(invalid.Fields)) {
		lines = append(lines, field+": "+pages.T(templates.En, invalid.Fields[field], invalid.Args(field)...))
	}
	return usageError{strings.Join(lines, "\n")}
}

// password reads one line.
func (a *app) password(path string) (_ string, err error) {
	in := a.in
	if path != "" {
		f, err := os.Open(path)
		if err != nil {
			return "", fmt.Errorf("read password: %w", err)
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	line, err := bufio.NewReader(io.LimitReader(in, maxSecretInput)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read password: %w", err)
	}
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return "", usageError{"no password: give it on standard input or with --password-file"}
	}
	return line, nil
}

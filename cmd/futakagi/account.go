package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

func (a *app) accountCommand() *cobra.Command {
	parent := &cobra.Command{
		Use:   "account",
		Short: "Create accounts, the first operator among them, look after them, and move many at once",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	parent.AddCommand(a.accountCreateCommand(), a.accountImportCommand(), a.accountExportCommand())
	a.addVerbs(parent, accountVerbs())
	return parent
}

func (a *app) accountCreateCommand() *cobra.Command {
	var in admin.NewAccount
	var to target
	var kind, customer, group, passwordFile string
	c := &cobra.Command{
		Use:   "create",
		Short: "Create an account",
		Long: `Creates an account. In a terminal it asks for the password; otherwise that is the
first line of standard input, or of the file named by --password-file. It is
never a flag, since others can see those.`,
		Example: `  futakagi account create --login-id admin --name 管理者 --email admin@example.jp
  futakagi account create --kind store --customer C-100248 --group 本社 \
    --login-id yamada --name 担当者 --email buyer@example.jp < password.txt`,
		Args: cobra.NoArgs,
		RunE: action(func(c *cobra.Command, _ []string) error {
			roles := account.Roles(kind)
			switch {
			case roles == nil:
				return usageError{"--kind is " + account.KindOperator + " or " + account.KindStore}
			case kind == account.KindStore && (customer == "" || group == ""):
				return usageError{"a store account needs --customer with the customer's code and --group with the name of its user group"}
			case kind == account.KindOperator && (customer != "" || group != ""):
				return usageError{"--customer and --group are for store accounts"}
			case in.TwoFactor != account.TwoFactorUse && in.TwoFactor != account.TwoFactorDont:
				return usageError{"--two-factor is " + account.TwoFactorUse + " or " + account.TwoFactorDont}
			}
			if in.Role == "" {
				in.Role = roles[0]
			}
			if to.url != "" {
				return a.createAccountThere(c, to, in, kind, customer, group, passwordFile)
			}
			return a.withConsole(c, func(console *admin.Service) error {
				// Before the password, which nobody likes to type in vain.
				var place store.UserGroupID
				if kind == account.KindStore {
					var err error
					if place, err = findGroup(c.Context(), console, customer, group); err != nil {
						return err
					}
				}
				var err error
				if in.Password, err = a.password(c.Context(), passwordFile); err != nil {
					return err
				}
				var created store.Account
				if kind == account.KindOperator {
					created, err = console.CreateOperator(c.Context(), admin.System(), in)
				} else {
					created, err = console.CreateAccount(c.Context(), admin.System(), place, in)
				}
				if invalid, ok := errors.AsType[*account.ValidationError](err); ok {
					return readable(invalid)
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
	flags.StringVar(&in.Role, "role", "", "administrator, support, auditor, read_only or the id of a role made in the console; for store accounts admin, buyer or viewer (default: the first)")
	flags.StringVar(&customer, "customer", "", "code of the customer a store account belongs to")
	flags.StringVar(&group, "group", "", "name of the customer's user group it belongs to")
	flags.StringVar(&in.TwoFactor, "two-factor", account.TwoFactorUse, "use or dont_use")
	flags.StringVar(&passwordFile, "password-file", "", "file that holds the password (default: ask, or standard input)")
	to.flags(c)
	for _, name := range []string{"login-id", "name", "email"} {
		_ = c.MarkFlagRequired(name) // fails for unknown flags only
	}
	return c
}

// createAccountThere has a server create an account.
func (a *app) createAccountThere(c *cobra.Command, to target, in admin.NewAccount, kind, customer, group, passwordFile string) error {
	operation, place := "createOperator", map[string]string(nil)
	body := map[string]string{"login_id": in.LoginID, "name": in.DisplayName, "email": in.RegisteredEmail, "role": in.Role}
	if kind == account.KindStore {
		operation, body["two_factor"] = "createAccount", in.TwoFactor
		id, err := a.groupThere(c, to, customer, group)
		if err != nil {
			return err
		}
		place = map[string]string{"id": id}
	}
	var err error
	if body["password"], err = a.password(c.Context(), passwordFile); err != nil {
		return err
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	answer, err := a.operate(c, to, operation, admin.OperationInput{Path: place, Body: raw})
	if err != nil {
		return err
	}
	return printTable(a.out, accountColumns, answer)
}

// groupThere is findGroup on a server.
func (a *app) groupThere(c *cobra.Command, to target, code, name string) (string, error) {
	customer, err := a.findThere(c, to, "listCustomers", admin.OperationInput{Query: url.Values{"search": {code}}}, "code", code)
	if err != nil {
		return "", err
	}
	if customer == "" {
		return "", usageError{"there is no customer with the code " + code}
	}
	group, err := a.findThere(c, to, "listUserGroups", admin.OperationInput{Path: map[string]string{"id": customer}, Query: url.Values{}}, "name", name)
	if err == nil && group == "" {
		err = usageError{"customer " + code + " has no user group " + name}
	}
	return group, err
}

// findThere looks through a list on a server for the id of the item whose member has a value; "" if there is none.
func (a *app) findThere(c *cobra.Command, to target, operation string, in admin.OperationInput, member, value string) (string, error) {
	for {
		body, err := a.operate(c, to, operation, in)
		if err != nil {
			return "", err
		}
		var page struct {
			Items []map[string]any `json:"items"`
			Next  string           `json:"next"`
		}
		if err := json.Unmarshal(body, &page); err != nil {
			return "", fmt.Errorf("read answer: %w", err)
		}
		for _, item := range page.Items {
			if id, ok := item["id"].(string); ok && item[member] == value {
				return id, nil
			}
		}
		if page.Next == "" {
			return "", nil
		}
		in.Query.Set("cursor", page.Next)
	}
}

// findGroup returns the user group of that name of the customer with that code.
func findGroup(ctx context.Context, console *admin.Service, code, name string) (store.UserGroupID, error) {
	c, err := console.CustomerByCode(ctx, admin.System(), code)
	if errors.Is(err, store.ErrNotFound) {
		return "", usageError{"there is no customer with the code " + code}
	}
	if err != nil {
		return "", err
	}
	found, err := console.Customer(ctx, admin.System(), c.ID)
	if err != nil {
		return "", err
	}
	var names []string
	for _, g := range found.Groups {
		if g.Name == name {
			return g.ID, nil
		}
		names = append(names, g.Name)
	}
	return "", usageError{"customer " + code + " has no user group " + name + "; it has: " + strings.Join(names, ", ")}
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

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/futakagi/futakagi/admin"
)

func (a *app) clientCommand() *cobra.Command {
	parent := &cobra.Command{
		Use:   "client",
		Short: "Register applications, or list them",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	parent.AddCommand(a.clientCreateCommand(), a.clientListCommand())
	a.addVerbs(parent, clientVerbs())
	return parent
}

func (a *app) clientCreateCommand() *cobra.Command {
	var in admin.NewClient
	var to target
	c := &cobra.Command{
		Use:   "create",
		Short: "Register an application and print its secret, once",
		Long: `Registers an application. The secret is made here, printed once, and stored only
as a hash. A running server knows the application within seconds.`,
		Example: `  futakagi client create --id store --name ストア --redirect-uri https://store.example.jp/callback
  futakagi client create --id app --auth-method none --redirect-uri jp.example.app:/callback`,
		Args: cobra.NoArgs,
		RunE: action(func(c *cobra.Command, _ []string) error {
			if in.Name == "" {
				in.Name = in.ID
			}
			if to.url != "" {
				return a.createClientThere(c, to, in)
			}
			return a.withConsole(c, func(console *admin.Service) error {
				created, err := console.CreateClient(c.Context(), admin.System(), in)
				if invalid, ok := errors.AsType[*admin.ClientError](err); ok {
					return usageError{invalid.Error()}
				}
				if err != nil {
					return err
				}
				a.showClient(created.ID, created.Secret)
				return nil
			})
		}),
	}
	flags := c.Flags()
	flags.StringVar(&in.ID, "id", "", "client_id")
	flags.StringVar(&in.Name, "name", "", "name people see (default: the id)")
	flags.StringVar(&in.Surface, "surface", "store", "whose sign-in policy holds: store or admin")
	flags.StringVar(&in.AuthMethod, "auth-method", "client_secret_basic", "client_secret_basic, client_secret_post, or none for an application that can keep no secret")
	flags.StringVar(&in.IDTokenAlg, "id-token-alg", "ES256", "ES256, RS256 or EdDSA")
	flags.StringArrayVar(&in.RedirectURIs, "redirect-uri", nil, "where sign-in answers go, compared byte for byte (repeatable)")
	flags.StringArrayVar(&in.PostLogoutRedirectURIs, "post-logout-redirect-uri", nil, "where sign-out may lead (repeatable)")
	flags.StringVar(&in.BackchannelLogoutURI, "backchannel-logout-uri", "", "where the application hears that somebody was signed out")
	flags.StringSliceVar(&in.GrantTypes, "grant-type", []string{"authorization_code", "refresh_token"}, "authorization_code, refresh_token, client_credentials")
	flags.StringSliceVar(&in.Scopes, "scope", []string{"openid", "profile", "email", "offline_access"}, "scopes it may ask for")
	flags.BoolVar(&in.NoPKCE, "no-pkce", false, "accept sign-in without PKCE (only with a secret)")
	to.flags(c)
	_ = c.MarkFlagRequired("id") // fails for unknown flags only
	return c
}

func (a *app) showClient(id, secret string) {
	fmt.Fprintln(a.out, "client_id: "+id)
	if secret != "" {
		fmt.Fprintln(a.out, "client_secret: "+secret)
	}
}

// createClientThere has a server register an application.
func (a *app) createClientThere(c *cobra.Command, to target, in admin.NewClient) error {
	body, err := json.Marshal(map[string]any{
		"client_id": in.ID, "client_name": in.Name, "surface": in.Surface, "token_endpoint_auth_method": in.AuthMethod,
		"redirect_uris": words(in.RedirectURIs), "post_logout_redirect_uris": words(in.PostLogoutRedirectURIs),
		"backchannel_logout_uri": in.BackchannelLogoutURI, "grant_types": words(in.GrantTypes), "scopes": words(in.Scopes),
		"id_token_signed_response_alg": in.IDTokenAlg, "no_pkce": in.NoPKCE,
	})
	if err != nil {
		return err
	}
	answer, err := a.operate(c, to, "createClient", admin.OperationInput{Body: body})
	if err != nil {
		return err
	}
	var made struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
	}
	if err := json.Unmarshal(answer, &made); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	a.showClient(made.ID, made.Secret)
	return nil
}

// words is a list as JSON has it also where it is empty.
func words(list []string) []string { return append([]string{}, list...) }

// listed is one client as 'client list' prints it.
type listed struct {
	ID           string          `json:"client_id"`
	Name         string          `json:"name"`
	Surface      string          `json:"surface"`
	AuthMethod   string          `json:"auth_method"`
	Algorithm    string          `json:"id_token_alg"`
	GrantTypes   json.RawMessage `json:"grant_types"`
	RedirectURIs json.RawMessage `json:"redirect_uris"`
	Disabled     bool            `json:"disabled"`
}

func (a *app) clientListCommand() *cobra.Command {
	var asJSON bool
	var to target
	c := &cobra.Command{
		Use:   "list",
		Short: "List the registered applications",
		Args:  cobra.NoArgs,
		RunE: action(func(c *cobra.Command, _ []string) error {
			if to.url != "" {
				return a.listClientsThere(c, to, asJSON)
			}
			return a.withConsole(c, func(console *admin.Service) error {
				rows, err := console.ListClients(c.Context(), admin.System())
				if err != nil {
					return err
				}
				out := make([]listed, len(rows))
				for i, row := range rows {
					out[i] = listed{
						ID: row.ID, Name: row.Name, Surface: row.SurfaceID, AuthMethod: row.AuthMethod, Algorithm: row.IDTokenAlg,
						GrantTypes: row.GrantTypes, RedirectURIs: row.RedirectURIs, Disabled: row.DisabledAt != nil,
					}
				}
				if asJSON {
					e := json.NewEncoder(a.out)
					e.SetIndent("", "  ")
					return e.Encode(out)
				}
				w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
				fmt.Fprintln(w, "CLIENT_ID\tNAME\tSURFACE\tAUTH\tALG\tREDIRECT_URIS")
				for _, one := range out {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", one.ID, one.Name, one.Surface, one.AuthMethod, one.Algorithm, one.RedirectURIs)
				}
				return w.Flush()
			})
		}),
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	to.flags(c)
	return c
}

// listClientsThere prints the applications of a server as the API has them.
func (a *app) listClientsThere(c *cobra.Command, to target, asJSON bool) error {
	var all struct {
		Items []json.RawMessage `json:"items"`
	}
	for query := (url.Values{"limit": {"200"}}); ; {
		body, err := a.operate(c, to, "listClients", admin.OperationInput{Query: query})
		if err != nil {
			return err
		}
		var page struct {
			Items []json.RawMessage `json:"items"`
			Next  string            `json:"next"`
		}
		if err := json.Unmarshal(body, &page); err != nil {
			return fmt.Errorf("read answer: %w", err)
		}
		all.Items = append(all.Items, page.Items...)
		if page.Next == "" {
			break
		}
		query.Set("cursor", page.Next)
	}
	body, err := json.Marshal(all)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(a.out, body)
	}
	return printTable(a.out, clientColumns, body)
}

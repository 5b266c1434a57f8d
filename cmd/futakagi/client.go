package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/futakagi/futakagi/admin"
)

func (a *app) clientCommand() *cobra.Command {
	parent := &cobra.Command{
		Use:   "client",
		Short: "Register applications, manage them, and let them provision",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	parent.AddCommand(a.clientCreateCommand(), a.clientListCommand(), a.clientCheckCommand())
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
as a hash. A running server knows the application within seconds.

Works on the database of the configuration, or with --url on a server: with the
access token of a client in the file of --token-file, or in $` + tokenVariable + `.`,
		Example: `  futakagi client create --id store --name ストア --redirect-uri https://store.example.jp/callback
  futakagi client create --id app --auth-method none --redirect-uri jp.example.app:/callback`,
		Args: cobra.NoArgs,
		RunE: action(func(c *cobra.Command, _ []string) error {
			if in.Name == "" {
				in.Name = in.ID
			}
			created, err := a.createClient(c, to, in)
			if err != nil {
				return err
			}
			fmt.Fprintln(a.out, "client_id: "+created.ID)
			if created.Secret != "" {
				fmt.Fprintln(a.out, "client_secret: "+created.Secret)
			}
			return nil
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

// createClient registers an application here or on a server.
func (a *app) createClient(c *cobra.Command, to target, in admin.NewClient) (admin.Client, error) {
	var created admin.Client
	if to.url == "" {
		err := a.withConsole(c, func(console *admin.Service) (err error) {
			created, err = console.CreateClient(c.Context(), admin.System(), in)
			if invalid, ok := errors.AsType[*admin.ClientError](err); ok {
				err = usageError{invalid.Error()}
			}
			return err
		})
		return created, err
	}
	raw, err := json.Marshal(map[string]any{
		"client_id": in.ID, "client_name": in.Name, "surface": in.Surface, "token_endpoint_auth_method": in.AuthMethod,
		"redirect_uris": orNone(in.RedirectURIs), "post_logout_redirect_uris": orNone(in.PostLogoutRedirectURIs),
		"backchannel_logout_uri": in.BackchannelLogoutURI, "grant_types": orNone(in.GrantTypes), "scopes": orNone(in.Scopes),
		"id_token_signed_response_alg": in.IDTokenAlg, "no_pkce": in.NoPKCE,
	})
	if err != nil {
		return created, err
	}
	body, err := a.operate(c, to, "createClient", admin.OperationInput{Body: raw})
	if err != nil {
		return created, err
	}
	var answer struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return created, fmt.Errorf("read answer: %w", err)
	}
	return admin.Client(answer), nil
}

// orNone spells no list as an empty one.
func orNone(list []string) []string { return append([]string{}, list...) }

// listed is one client as 'client list' prints it.
type listed struct {
	ID           string   `json:"client_id"`
	Name         string   `json:"name"`
	Surface      string   `json:"surface"`
	AuthMethod   string   `json:"auth_method"`
	Algorithm    string   `json:"id_token_alg"`
	GrantTypes   []string `json:"grant_types"`
	RedirectURIs []string `json:"redirect_uris"`
	Disabled     bool     `json:"disabled"`
}

func (a *app) clientListCommand() *cobra.Command {
	var asJSON bool
	var to target
	c := &cobra.Command{
		Use:   "list",
		Short: "List the registered applications",
		Args:  cobra.NoArgs,
		RunE: action(func(c *cobra.Command, _ []string) error {
			out, err := a.listClients(c, to)
			if err != nil {
				return err
			}
			if asJSON {
				e := json.NewEncoder(a.out)
				e.SetIndent("", "  ")
				return e.Encode(out)
			}
			w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "CLIENT_ID\tNAME\tSURFACE\tAUTH\tALG\tSTATE\tREDIRECT_URIS")
			for _, one := range out {
				state := "active"
				if one.Disabled {
					state = "disabled"
				}
				cells := []string{one.ID, cell(one.Name), one.Surface, one.AuthMethod, one.Algorithm, state, strings.Join(one.RedirectURIs, ",")}
				fmt.Fprintln(w, strings.Join(cells, "\t"))
			}
			return w.Flush()
		}),
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	to.flags(c)
	return c
}

// listClients reads all applications, here or on a server, page by page.
func (a *app) listClients(c *cobra.Command, to target) ([]listed, error) {
	out := []listed{}
	query := url.Values{"limit": {"200"}}
	for {
		body, err := a.operate(c, to, "listClients", admin.OperationInput{Query: query})
		if err != nil {
			return nil, err
		}
		var page struct {
			Items []struct {
				ID           string   `json:"client_id"`
				Name         string   `json:"client_name"`
				Surface      string   `json:"surface"`
				AuthMethod   string   `json:"token_endpoint_auth_method"`
				Algorithm    string   `json:"id_token_signed_response_alg"`
				GrantTypes   []string `json:"grant_types"`
				RedirectURIs []string `json:"redirect_uris"`
				DisabledAt   string   `json:"disabled_at"`
			} `json:"items"`
			Next string `json:"next"`
		}
		if err := json.Unmarshal(body, &page); err != nil {
			return nil, fmt.Errorf("read answer: %w", err)
		}
		for _, i := range page.Items {
			out = append(out, listed{
				ID: i.ID, Name: i.Name, Surface: i.Surface, AuthMethod: i.AuthMethod, Algorithm: i.Algorithm, GrantTypes: i.GrantTypes,
				RedirectURIs: i.RedirectURIs, Disabled: i.DisabledAt != "",
			})
		}
		if page.Next == "" {
			return out, nil
		}
		query.Set("cursor", page.Next)
	}
}

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/store"
)

func (a *app) clientCommand() *cobra.Command {
	parent := &cobra.Command{
		Use:   "client",
		Short: "Register applications, manage them, and let them provision",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	parent.AddCommand(a.clientCreateCommand(), a.clientListCommand(), a.clientLogoCommand(), a.clientCheckCommand())
	a.addVerbs(parent, clientVerbs())
	for _, c := range parent.Commands() {
		c.Flags().SetNormalizeFunc(shortFlags)
	}
	return parent
}

// shortFlags lets the members of a registration be given by short names, too: the same ones for a new application and for a change.
func shortFlags(_ *pflag.FlagSet, name string) pflag.NormalizedName {
	if long, ok := map[string]string{
		"id": "client-id", "name": "client-name", "auth-method": "token-endpoint-auth-method", "id-token-alg": "id-token-signed-response-alg",
		"redirect-uri": "redirect-uris", "post-logout-redirect-uri": "post-logout-redirect-uris", "grant-type": "grant-types", "scope": "scopes",
		"resource": "resources", "resource-server": "resource-servers", "contact": "contacts",
	}[name]; ok {
		name = long
	}
	return pflag.NormalizedName(name)
}

func (a *app) clientCreateCommand() *cobra.Command {
	var to target
	fields := described().Fields("createClient")
	for i, f := range fields {
		fields[i].Required = f.Name == "client_id" // whoever runs a command wants to know it; the name is the id if there is none
	}
	c := &cobra.Command{
		Use:   "create",
		Short: "Register an application and print its secret, once",
		Long: `Registers an application. The secret is made here, printed once, and stored only
as a hash. A running server knows the application within seconds.

The flags are those of 'client update', by the names of RFC 7591. --id, --name,
--auth-method, --redirect-uri, --post-logout-redirect-uri, --grant-type, --scope
and --id-token-alg are short for what they begin or end. A list is repeated, or
separated by commas.

Works on the database of the configuration, or with --url on a server: with the
access token of a client in the file of --token-file, or in $` + tokenVariable + `.`,
		Example: `  futakagi client create --id store --name ストア --redirect-uri https://store.example.jp/callback
  futakagi client create --id app --auth-method none --redirect-uri jp.example.app:/callback
  futakagi client create --id bank --auth-method private_key_jwt --jwks keys.json --redirect-uri https://bank.example.jp/cb`,
		Args: cobra.NoArgs,
		RunE: action(func(c *cobra.Command, _ []string) error {
			created, err := a.createClient(c, to, fields)
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
	for _, f := range fields {
		addFieldFlag(c, f)
	}
	to.flags(c)
	return c
}

// createClient registers an application here or on a server.
func (a *app) createClient(c *cobra.Command, to target, fields []admin.OperationField) (admin.Client, error) {
	var created admin.Client
	if name := c.Flags().Lookup("client-name"); !name.Changed {
		if err := c.Flags().Set("client-name", c.Flags().Lookup("client-id").Value.String()); err != nil {
			return created, err
		}
	}
	in, err := inputOf(c, fields, nil, nil)
	if err != nil {
		return created, err
	}
	body, err := a.operate(c, to, "createClient", in)
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

func (a *app) clientLogoCommand() *cobra.Command {
	var to target
	c := &cobra.Command{
		Use:   "set-logo ID FILE",
		Short: "Give an application a logo, which everybody can see",
		Long: `Gives an application a logo: a PNG, JPEG or GIF file of at most 512 KiB, and 1024
pixels each way.

Works on the database of the configuration, or with --url on a server.`,
		Args: cobra.ExactArgs(2),
		RunE: action(func(c *cobra.Command, args []string) (err error) {
			picture, err := readSmall(args[1], admin.MaxLogo)
			if err != nil {
				return err
			}
			kind := http.DetectContentType(picture)
			switch {
			case !strings.HasPrefix(kind, "image/"):
				return usageError{args[1] + " is no picture"}
			case to.url != "":
				err = a.setLogoThere(c, to, args[0], kind, picture)
			default:
				err = a.withConsole(c, func(console *admin.Service) error { return setLogoHere(c, console, args[0], picture) })
			}
			if err == nil {
				_, err = fmt.Fprintln(a.out, "done")
			}
			return err
		}),
	}
	to.flags(c)
	return c
}

func setLogoHere(c *cobra.Command, console *admin.Service, id string, picture []byte) error {
	_, err := console.SetLogo(c.Context(), admin.System(), id, bytes.NewReader(picture))
	if invalid, ok := errors.AsType[*admin.ClientError](err); ok {
		return usageError{invalid.Error()}
	}
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("there is no application %q", id)
	}
	return err
}

func (a *app) setLogoThere(c *cobra.Command, to target, id, kind string, picture []byte) error {
	r, err := a.remote(to)
	if err != nil {
		return err
	}
	in := admin.OperationInput{Path: map[string]string{"id": id}}
	_, err = r.upload(c.Context(), "setClientLogo", in, kind, bytes.NewReader(picture))
	return err
}

// readSmall reads a file that a command names, and one byte more than it may have: whoever checks it sees that it is too long.
func readSmall(name string, most int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, usageError{err.Error()}
	}
	raw, err := io.ReadAll(io.LimitReader(f, most+1))
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, usageError{err.Error()}
	}
	return raw, nil
}

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

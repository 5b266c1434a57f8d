package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/futakagi/futakagi/admin"
)

// verb is a command that does one operation of the API.
type verb struct {
	use, short, operation string
	// columns are the members that a table shows.
	columns []string
}

var (
	accountColumns = []string{"id", "kind", "login_id", "name", "role", "two_factor", "disabled_at"}
	mfaColumns     = []string{"two_factor", "enforced", "backup_codes_left", "trusted_devices"}
	resealColumns  = []string{"state", "part", "parts", "resealed", "unreadable", "finished_at"}
	resetColumns   = []string{"set_up", "removed", "left", "notices"}
)

func accountVerbs() []verb {
	return []verb{
		{"list", "List store accounts", "listAccounts", accountColumns},
		{"operators", "List operators", "listOperators", accountColumns},
		{"get", "Show an account", "getAccount", accountColumns},
		{"update", "Change an account's name, address and role", "updateAccount", accountColumns},
		{"disable", "Disable an account, which ends everything it holds", "disableAccount", accountColumns},
		{"enable", "Enable an account again", "enableAccount", accountColumns},
		{"send-reset", "Send the mail to reset the password (with --url)", "sendPasswordReset", nil},
	}
}

func mfaVerbs() []verb {
	return []verb{
		{"status", "Show where an account's second factor stands", "getTwoFactor", mfaColumns},
		{"switch", "Set whether an account uses two-factor authentication", "setTwoFactor", mfaColumns},
		{"reset", "Take an account back to where nothing is set up", "resetFactors", resetColumns},
		{"reset-one", "Take one factor of an account away", "resetFactor", resetColumns},
		{"devices", "List the trusted devices of an account", "listDevices", []string{"id", "name", "last_used_at", "expires_at"}},
		{"remove-device", "Make one browser be asked for a code again", "removeDevice", nil},
		{"remove-devices", "Make every browser of an account be asked for a code again", "removeDevices", nil},
		{"surfaces", "Show what surfaces enforce", "listSurfaces", []string{"surface", "enforced", "unset"}},
		{"enforce", "Set whether a surface demands a second factor", "setEnforcement", []string{"surface", "enforced", "unset"}},
		{"policy", "Show what a surface accepts", "getPolicy", []string{"surface", "methods", "level", "trust_days"}},
		{"set-policy", "Set what a surface accepts", "setPolicy", []string{"surface", "methods", "level", "trust_days"}},
	}
}

func keyVerbs() []verb {
	return []verb{
		{"list", "List signing keys", "listSigningKeys", []string{"kid", "alg", "state", "signs_from", "published_until"}},
		{"rotate", "Let the next signing keys take over", "rotateSigningKeys", []string{"kid", "alg", "former", "signs_from"}},
		{"revoke", "Take a signing key back at once, if it may have leaked", "revokeSigningKey", []string{"kid", "alg", "revoked_at", "successor"}},
		{"reseal", "Put new keys under everything that is sealed, wrapped by the present master key", "startReseal", resealColumns},
		{"reseal-status", "Show how far that got, and whether former master keys are needed still", "getReseal", resealColumns},
	}
}

func auditVerbs() []verb {
	return []verb{
		{"list", "List audit events, newest first", "listAuditEvents", []string{"at", "type", "result", "actor_name", "target", "reason"}},
		{"deliveries", "List messages and what became of them", "listDeliveries", []string{"created_at", "kind", "to", "state", "attempts"}},
	}
}

// verbGroup is a command with nothing but verbs.
func (a *app) verbGroup(use, short string, verbs []verb) *cobra.Command {
	parent := &cobra.Command{
		Use: use, Short: short, Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	a.addVerbs(parent, verbs)
	return parent
}

func (a *app) addVerbs(parent *cobra.Command, verbs []verb) {
	described := admin.NewOperations(nil)
	for _, v := range verbs {
		parent.AddCommand(a.verbCommand(v, described.Fields(v.operation)))
	}
}

// tokenVariable names the environment variable with the access token for --url.
const tokenVariable = "FUTAKAGI_TOKEN"

// target is where a verb does its work.
type target struct {
	url, tokenFile, output string
}

// verbCommand makes the command of an operation: what its path names are arguments, everything else are flags.
func (a *app) verbCommand(v verb, fields []admin.OperationField) *cobra.Command {
	var to target
	use, args := v.use, []string{}
	for _, f := range fields {
		if f.Place == "path" {
			args = append(args, f.Name)
			use += " " + strings.ToUpper(f.Name)
		}
	}
	c := &cobra.Command{
		Use:   use,
		Short: v.short,
		Long: v.short + `.

Works on the database of the configuration, or with --url on a server: with the
access token of a client in the file of --token-file, or in $` + tokenVariable + `.
What concerns second factors and mail needs the server's keys, and so --url.`,
		Args: cobra.ExactArgs(len(args)),
	}
	flags := c.Flags()
	for _, f := range fields {
		name := flagName(f.Name)
		switch {
		case f.Place == "path":
		case f.Type == "integer":
			flags.Int(name, 0, f.Usage)
		case f.Type == "boolean":
			flags.Bool(name, false, f.Usage)
		case f.Type == "array":
			flags.StringSlice(name, nil, f.Usage)
		default:
			flags.String(name, "", f.Usage)
		}
		if f.Required && f.Place != "path" {
			_ = c.MarkFlagRequired(name) // fails for unknown flags only
		}
	}
	flags.StringVarP(&to.output, "output", "o", "table", "table or json")
	flags.StringVar(&to.url, "url", "", "public address of a server (default: the database of the configuration)")
	flags.StringVar(&to.tokenFile, "token-file", "", "file with the access token for --url (default: $"+tokenVariable+")")
	_ = c.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"table", "json"}, cobra.ShellCompDirectiveNoFileComp))
	c.RunE = action(func(c *cobra.Command, values []string) error {
		if to.output != "table" && to.output != "json" {
			return usageError{"--output is table or json"}
		}
		in, err := inputOf(c, fields, values)
		if err != nil {
			return err
		}
		body, err := a.operate(c, to, v.operation, in)
		if err != nil {
			return err
		}
		if to.output == "json" {
			return printJSON(a.out, body)
		}
		return printTable(a.out, v.columns, body)
	})
	return c
}

func flagName(field string) string { return strings.ReplaceAll(field, "_", "-") }

// inputOf reads the arguments and those flags that were given.
func inputOf(c *cobra.Command, fields []admin.OperationField, args []string) (admin.OperationInput, error) {
	in := admin.OperationInput{Path: map[string]string{}, Query: url.Values{}}
	body, hasBody := map[string]any{}, false
	for _, f := range fields {
		hasBody = hasBody || f.Place == "body"
		if f.Place == "path" {
			in.Path[f.Name], args = args[0], args[1:]
			continue
		}
		flag := c.Flags().Lookup(flagName(f.Name))
		if !flag.Changed {
			continue
		}
		var value any = flag.Value.String()
		var err error
		switch f.Type {
		case "integer":
			value, err = c.Flags().GetInt(flag.Name)
		case "boolean":
			value, err = c.Flags().GetBool(flag.Name)
		case "array":
			value, err = c.Flags().GetStringSlice(flag.Name)
		}
		if err != nil {
			return in, err
		}
		if f.Place == "query" {
			in.Query.Set(f.Name, fmt.Sprint(value))
			continue
		}
		body[f.Name] = value
	}
	if !hasBody {
		return in, nil
	}
	var err error
	in.Body, err = json.Marshal(body)
	return in, err
}

// operate does an operation. A change starts from what is there now: whoever runs a command has looked already.
func (a *app) operate(c *cobra.Command, to target, id string, in admin.OperationInput) (json.RawMessage, error) {
	if to.url != "" {
		token, err := a.token(to.tokenFile)
		if err != nil {
			return nil, err
		}
		table := admin.NewOperations(nil)
		return steps(table, id, in, func(id string, in admin.OperationInput) (json.RawMessage, string, error) {
			return askServer(c.Context(), table, to.url, token, id, in)
		})
	}
	var body json.RawMessage
	err := a.withConsole(c, func(console *admin.Service) error {
		table := admin.NewOperations(console)
		var err error
		body, err = steps(table, id, in, func(id string, in admin.OperationInput) (json.RawMessage, string, error) {
			return table.Do(c.Context(), id, in)
		})
		return readableProblem(err)
	})
	return body, err
}

// steps does an operation, and before it the one that finds out the version it starts from.
func steps(
	table *admin.Operations, id string, in admin.OperationInput,
	do func(id string, in admin.OperationInput) (json.RawMessage, string, error),
) (json.RawMessage, error) {
	if get := table.Version(id); get != "" {
		_, etag, err := do(get, admin.OperationInput{Path: in.Path})
		if err != nil {
			return nil, err
		}
		in.Match = etag
	}
	body, _, err := do(id, in)
	return body, err
}

// token reads the access token. It is never a flag, since others can see those.
func (a *app) token(file string) (string, error) {
	if file != "" {
		raw, err := os.ReadFile(file)
		if err != nil {
			return "", usageError{"--token-file: " + err.Error()}
		}
		return strings.TrimSpace(string(raw)), nil
	}
	for _, entry := range a.environ {
		if value, ok := strings.CutPrefix(entry, tokenVariable+"="); ok {
			return value, nil
		}
	}
	return "", usageError{"--url needs an access token: --token-file, or $" + tokenVariable}
}

// maxReply bounds what is read of a server's answer.
const maxReply = 16 << 20

// askServer sends an operation to a server.
func askServer(
	ctx context.Context, table *admin.Operations, base, token, id string, in admin.OperationInput,
) (body json.RawMessage, etag string, err error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, "", usageError{"--url is no http or https address"}
	}
	r, err := table.Request(ctx, base, id, in)
	if err != nil {
		return nil, "", err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	client := &http.Client{
		Timeout: 30 * time.Second,
		// The token is for the address that was named, and no other.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := client.Do(r)
	if err != nil {
		return nil, "", unreachable{err}
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxReply))
	if err != nil {
		return nil, "", unreachable{err}
	}
	if res.StatusCode < 300 {
		return raw, res.Header.Get("ETag"), nil
	}
	problem := &admin.OperationError{}
	if json.Unmarshal(raw, &problem.Problem) != nil || problem.Code == "" {
		return nil, "", fmt.Errorf("%s answers %s, and not as the API does", base, res.Status)
	}
	return nil, "", readableProblem(problem)
}

// unreachable is an error of a server that does not answer.
type unreachable struct{ cause error }

func (e unreachable) Error() string { return e.cause.Error() }

func (e unreachable) Unwrap() error { return e.cause }

// readableProblem says what to do about a problem, and tells by its type whether it is about how the command was called.
func readableProblem(err error) error {
	if admin.NeedsServer(err) {
		return usageError{"this needs the server's keys: name a server with --url"}
	}
	e, ok := errors.AsType[*admin.OperationError](err)
	switch {
	case !ok:
		return err
	case e.Status == http.StatusUnprocessableEntity || e.Status == http.StatusBadRequest:
		return usageError{e.Error()}
	case e.Status == http.StatusServiceUnavailable:
		return unreachable{e}
	}
	return e
}

func printJSON(w io.Writer, body json.RawMessage) error {
	if len(body) == 0 {
		return nil
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(body)
}

// printTable shows the items of a list, or one answer as the only row.
func printTable(out io.Writer, columns []string, body json.RawMessage) error {
	if len(body) == 0 {
		_, err := fmt.Fprintln(out, "done")
		return err
	}
	var list struct {
		Items []map[string]any `json:"items"`
		Next  string           `json:"next"`
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if list.Items == nil {
		one := map[string]any{}
		if err := json.Unmarshal(body, &one); err != nil {
			return fmt.Errorf("read answer: %w", err)
		}
		list.Items = []map[string]any{one}
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, strings.ToUpper(strings.Join(columns, "\t")))
	for _, item := range list.Items {
		cells := make([]string, len(columns))
		for i, name := range columns {
			cells[i] = cell(item[name])
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if list.Next != "" {
		_, err := fmt.Fprintln(out, "more: --cursor "+list.Next)
		return err
	}
	return nil
}

// cell is a member as a table shows it. What would move the cursor of a terminal is shown as a space.
func cell(v any) string {
	switch v := v.(type) {
	case nil:
		return "-"
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case []any:
		words := make([]string, len(v))
		for i, one := range v {
			words[i] = cell(one)
		}
		return strings.Join(slices.DeleteFunc(words, func(s string) bool { return s == "" }), ",")
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, fmt.Sprint(v))
}

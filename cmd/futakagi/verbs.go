package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/futakagi/futakagi/admin"
)

// verb is a command that does one operation of the API.
type verb struct {
	use, short, operation string
	// columns are the members that a table shows.
	columns []string
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

// described is the table without anything to do it with.
var described = sync.OnceValue(func() *admin.Operations { return admin.NewOperations(nil) })

func (a *app) addVerbs(parent *cobra.Command, verbs []verb) {
	for _, v := range verbs {
		parent.AddCommand(a.verbCommand(v, described().Fields(v.operation)))
	}
}

// tokenVariable names the environment variable with the access token for --url.
const tokenVariable = "FUTAKAGI_TOKEN"

// target is where a verb does its work, and how or where it shows what came of it.
type target struct {
	url, tokenFile, output string
}

// flags adds the flags that name a server.
func (to *target) flags(c *cobra.Command) {
	c.Flags().StringVar(&to.url, "url", "", "public address of a server (default: the database of the configuration)")
	c.Flags().StringVar(&to.tokenFile, "token-file", "", "file with the access token for --url (default: $"+tokenVariable+")")
}

// secretField is the member that a person types or gives on standard input: it is never a flag, since others can see those.
const secretField = "password"

// verbCommand makes the command of an operation: what its path names are arguments, everything else are flags.
func (a *app) verbCommand(v verb, fields []admin.OperationField) *cobra.Command {
	var to target
	var passwordFile string
	use, args, asksPassword, isFile := v.use, []string{}, false, described().IsFile(v.operation)
	for _, f := range fields {
		if f.Place == "path" {
			args = append(args, f.Name)
			use += " " + strings.ToUpper(f.Name)
		}
		asksPassword = asksPassword || f.Name == secretField
	}
	c := &cobra.Command{
		Use:   use,
		Short: v.short,
		Long: v.short + `.

Works on the database of the configuration, or with --url on a server: with the
access token of a client in the file of --token-file, or in $` + tokenVariable + `.
What concerns second factors and mail needs the server's keys: those of the
configuration, as the server reads them, or --url.`,
		Args: cobra.ExactArgs(len(args)),
	}
	flags := c.Flags()
	for _, f := range fields {
		addFieldFlag(c, f)
	}
	if asksPassword {
		c.Long += `

In a terminal it asks for the password; otherwise that is the first line of
standard input, or of the file named by --password-file.`
		flags.StringVar(&passwordFile, "password-file", "", "file that holds the password (default: ask, or standard input)")
	}
	if isFile {
		flags.StringVarP(&to.output, "output", "o", "", "file to make (default: standard output)")
	} else {
		flags.StringVarP(&to.output, "output", "o", "table", "table or json")
		_ = c.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"table", "json"}, cobra.ShellCompDirectiveNoFileComp))
	}
	to.flags(c)
	c.RunE = action(func(c *cobra.Command, values []string) error {
		if !isFile && to.output != "table" && to.output != "json" {
			return usageError{"--output is table or json"}
		}
		in, err := inputOf(c, fields, values, func() (string, error) { return a.password(c.Context(), passwordFile) })
		if err != nil {
			return err
		}
		if isFile {
			return a.save(c, to, v.operation, in)
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

// addFieldFlag adds the flag of a field, if it is one.
func addFieldFlag(c *cobra.Command, f admin.OperationField) {
	flags, name := c.Flags(), flagName(f.Name)
	switch {
	case f.Place == "path", f.Name == secretField:
		return
	case f.Type == "integer":
		flags.Int(name, 0, f.Usage)
	case f.Type == "boolean":
		flags.Bool(name, false, f.Usage)
	case f.Type == "array":
		flags.StringSlice(name, nil, f.Usage)
	case f.Type == fieldOfFile:
		flags.String(name, "", f.Usage+", in a `file`")
	default:
		flags.String(name, "", f.Usage)
	}
	if f.Required {
		_ = c.MarkFlagRequired(name) // fails for unknown flags only
	}
}

// fieldOfFile is the type of a field whose JSON is in a file.
const fieldOfFile = "object"

// readJSONFile reads the JSON that a flag names the file of.
func readJSONFile(flag, name string) (json.RawMessage, error) {
	const most = 64 << 10
	raw, err := readSmall(name, most)
	if err != nil {
		return nil, err
	}
	if len(raw) > most || !json.Valid(raw) {
		return nil, usageError{fmt.Sprintf("--%s %s: must be JSON, of %d bytes at most", flag, name, most)}
	}
	return raw, nil
}

func flagName(field string) string { return strings.ReplaceAll(field, "_", "-") }

// inputOf reads the arguments, those flags that were given, and the password if there is one.
func inputOf(c *cobra.Command, fields []admin.OperationField, args []string, password func() (string, error)) (admin.OperationInput, error) {
	in := admin.OperationInput{Path: map[string]string{}, Query: url.Values{}}
	body, hasBody := map[string]any{}, false
	for _, f := range fields {
		hasBody = hasBody || f.Place == "body"
		if f.Place == "path" {
			in.Path[f.Name], args = args[0], args[1:]
			continue
		}
		if f.Name == secretField {
			secret, err := password()
			if err != nil {
				return in, err
			}
			body[f.Name] = secret
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
		case fieldOfFile:
			value, err = readJSONFile(flag.Name, flag.Value.String())
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
		r, err := a.remote(to)
		if err != nil {
			return nil, err
		}
		return steps(r.table, id, in, func(id string, in admin.OperationInput) (json.RawMessage, string, error) {
			return r.do(c.Context(), id, in)
		})
	}
	var body json.RawMessage
	err := a.withKeys(c, func(console *admin.Service) error {
		table := admin.NewOperations(console)
		var err error
		body, err = steps(table, id, in, func(id string, in admin.OperationInput) (json.RawMessage, string, error) {
			return table.Do(c.Context(), id, in)
		})
		return readableProblem(err)
	})
	return body, err
}

// save does an operation whose answer is a file.
func (a *app) save(c *cobra.Command, to target, id string, in admin.OperationInput) error {
	return a.intoFile(to.output, func(w io.Writer) error {
		if to.url != "" {
			r, err := a.remote(to)
			if err != nil {
				return err
			}
			return r.save(c.Context(), id, in, w)
		}
		return a.withKeys(c, func(console *admin.Service) error {
			return readableProblem(admin.NewOperations(console).Save(c.Context(), id, in, w))
		})
	})
}

// intoFile has something written into a file that it makes and only its owner can read; without a name, to standard output. What was
// not written whole is taken away.
func (a *app) intoFile(name string, write func(io.Writer) error) error {
	if name == "" {
		return write(a.out)
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return usageError{err.Error()}
	}
	if err := errors.Join(write(f), f.Close()); err != nil {
		return errors.Join(err, os.Remove(name))
	}
	return nil
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

// unreachable is an error of a server that does not answer.
type unreachable struct{ cause error }

func (e unreachable) Error() string { return e.cause.Error() }

func (e unreachable) Unwrap() error { return e.cause }

// readableProblem says what to do about a problem, and tells by its type whether it is about how the command was called.
func readableProblem(err error) error {
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

// printTable shows the items of a list, and below it what is said of the whole, or one answer as the only row.
func printTable(out io.Writer, columns []string, body json.RawMessage) error {
	if len(body) == 0 {
		_, err := fmt.Fprintln(out, "done")
		return err
	}
	var list struct {
		Items []map[string]any `json:"items"`
		Next  string           `json:"next"`
	}
	one := map[string]any{}
	if err := errors.Join(json.Unmarshal(body, &list), json.Unmarshal(body, &one)); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if list.Items == nil {
		list.Items, one = []map[string]any{one}, nil
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
	delete(one, "items")
	delete(one, "next")
	for _, name := range slices.Sorted(maps.Keys(one)) { // what is said of the list as a whole
		fmt.Fprintln(out, name+": "+cell(one[name]))
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
	case map[string]any:
		words := make([]string, 0, len(v))
		for _, name := range slices.Sorted(maps.Keys(v)) {
			words = append(words, name+"="+cell(v[name]))
		}
		return strings.Join(words, " ")
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

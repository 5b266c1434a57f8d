package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/futakagi/futakagi/internal/rpcheck"
)

// checkFlags are those of 'client check'.
type checkFlags struct {
	rpcheck.Config
	listen, page, lang, output string
}

func (a *app) clientCheckCommand() *cobra.Command {
	var f checkFlags
	c := &cobra.Command{
		Use:   "check URL",
		Short: "Find out what an application gets wrong about signing people in",
		Long: `Plays the provider for an application and tells lies to find out which of them it
believes. Configure a test copy of the application with

  issuer         http://localhost:9400 (--issuer)
  client_id      futakagi-check (--client-id)
  client_secret  any, such as: secret

and start the check with the address where its sign-in begins. No server of
Futakagi is needed, and no real account. The test issuer is there for as long as
the check runs, and needs some seconds of waiting (--wait) where the application
asks for it at its own start.

The check has to tell who is signed in. It looks for the name that the test issuer
gave at the page where a sign-in ends, and whether strangers get that page; name a
page that only signed-in people get with --page.

Exit code 1 means that a rule of a standard is broken.`,
		Example: `  futakagi client check http://localhost:3000/login --page http://localhost:3000/account
  futakagi client check https://staging.example.jp/login --issuer https://check.example.jp --listen 127.0.0.1:9400 -o json`,
		Args: cobra.ExactArgs(1),
		RunE: action(func(c *cobra.Command, args []string) error {
			return a.checkClient(c.Context(), f, args[0])
		}),
	}
	flags := c.Flags()
	flags.StringVar(&f.Issuer, "issuer", "http://localhost:9400", "address of the test issuer, as the application is configured with it")
	flags.StringVar(&f.listen, "listen", "", "address to serve the test issuer at (default: the issuer's)")
	flags.StringVar(&f.ClientID, "client-id", "futakagi-check", "client_id the application is configured with")
	flags.StringVar(&f.page, "page", "", "address of the application that only signed-in people get (default: where a sign-in ends)")
	flags.StringVar(&f.Alg, "id-token-alg", "ES256", "how ID tokens are signed: ES256 or RS256")
	flags.DurationVar(&f.Wait, "wait", 15*time.Second, "how long to wait for the application")
	flags.StringVar(&f.lang, "lang", "", "language of the findings: ja or en (default: by $LANG)")
	flags.StringVarP(&f.output, "output", "o", "table", "table or json")
	return c
}

// errRulesBroken makes the exit code.
var errRulesBroken = errors.New("the application breaks rules that are there to be kept")

func (a *app) checkClient(ctx context.Context, f checkFlags, signIn string) error {
	if f.lang == "" {
		f.lang = languageOf(a.environ)
	}
	if f.lang != "ja" && f.lang != "en" {
		return usageError{"--lang is ja or en"}
	}
	if f.output != "table" && f.output != "json" {
		return usageError{"--output is table or json"}
	}
	check, err := rpcheck.New(f.Config)
	if err != nil {
		return usageError{err.Error()}
	}
	if f.listen == "" {
		f.listen = hostAndPort(f.Issuer)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", f.listen)
	if err != nil {
		return fmt.Errorf("serve the test issuer: %w", err)
	}
	issuer := &http.Server{Handler: check.Handler(), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = issuer.Serve(listener) }()
	defer func() { _ = issuer.Close() }()

	results, err := check.Run(ctx, signIn, f.page)
	if errors.Is(err, rpcheck.ErrAddress) {
		return usageError{err.Error()}
	}
	if err != nil {
		return fmt.Errorf("check the application (issuer %s, client_id %s): %w", f.Issuer, f.ClientID, err)
	}
	if err := a.printFindings(results, f); err != nil {
		return err
	}
	for _, r := range results {
		if r.Outcome == rpcheck.Broken && r.Level == rpcheck.Fault {
			return errRulesBroken
		}
	}
	return nil
}

// finding is a result as it is printed.
type finding struct {
	Rule    string `json:"rule"`
	Outcome string `json:"outcome"`
	Level   string `json:"level"`
	Section string `json:"section"`
	Text    string `json:"text,omitempty"`
}

func (a *app) printFindings(results []rpcheck.Result, f checkFlags) error {
	findings := make([]finding, 0, len(results))
	for _, r := range results {
		one := finding{Rule: r.ID, Outcome: string(r.Outcome), Level: string(r.Level), Section: r.Section}
		if r.Outcome == rpcheck.Broken {
			if one.Text = r.En; f.lang == "ja" {
				one.Text = r.Ja
			}
		}
		findings = append(findings, one)
	}
	if f.output == "json" {
		e := json.NewEncoder(a.out)
		e.SetIndent("", "  ")
		return e.Encode(findings)
	}
	width := 0
	for _, one := range findings {
		width = max(width, len(one.Rule))
	}
	for _, one := range findings {
		state := one.Outcome
		if one.Text != "" {
			state = strings.ToUpper(one.Level)
		}
		fmt.Fprintf(a.out, "%-7s  %-*s  %s\n", state, width, one.Rule, one.Section)
		if one.Text != "" {
			fmt.Fprintf(a.out, "         %s\n", one.Text)
		}
	}
	return nil
}

// languageOf reads the language of the terminal as programs do: LC_ALL before LC_MESSAGES before LANG.
func languageOf(environ []string) string {
	set := map[string]string{}
	for _, line := range environ {
		name, value, _ := strings.Cut(line, "=")
		set[name] = value
	}
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if set[name] != "" {
			if strings.HasPrefix(set[name], "ja") {
				return "ja"
			}
			return "en"
		}
	}
	return "en"
}

// hostAndPort is where an address is served.
func hostAndPort(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return address
	}
	if u.Port() != "" {
		return u.Host
	}
	if u.Scheme == "https" {
		return net.JoinHostPort(u.Hostname(), "443")
	}
	return net.JoinHostPort(u.Hostname(), "80")
}

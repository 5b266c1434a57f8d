package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/spf13/cobra"
)

// healthcheckTimeout bounds the whole check; container runtimes repeat it anyway.
const healthcheckTimeout = 3 * time.Second

func (a *app) healthcheckCommand() *cobra.Command {
	var url string
	c := &cobra.Command{
		Use:   "healthcheck",
		Short: "Ask the running server on this machine whether it is alive",
		Long: `Asks /livez on the management listener. Exit code 0 means alive, 1 not.
Made for HEALTHCHECK in an image that has no shell.`,
		Args: cobra.NoArgs,
		RunE: action(func(c *cobra.Command, _ []string) error {
			if url == "" {
				settings, err := a.load()
				if err != nil {
					return err
				}
				url = livezURL(settings.ManagementListen)
			}
			return probe(c.Context(), url)
		}),
	}
	c.Flags().StringVar(&url, "url", "", "address to ask instead, such as http://127.0.0.1:9090/readyz")
	return c
}

// livezURL is where a listener on address is reached from this machine.
func livezURL(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "http://" + address + "/livez"
	}
	if host == "" {
		host = "127.0.0.1"
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsUnspecified() {
		host = "127.0.0.1"
		if ip.Is6() {
			host = "::1"
		}
	}
	return "http://" + net.JoinHostPort(host, port) + "/livez"
}

func probe(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, healthcheckTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return usageError{"--url is not an address: " + url}
	}
	// A transport of its own: a proxy from the environment has no place here.
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		return fmt.Errorf("the server does not answer: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the server answers %s", response.Status)
	}
	return nil
}

package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"time"
)

const (
	// standardTimeout is the longest a request takes, from the look-up of the name to the end of the answer.
	standardTimeout = 3 * time.Second
	// MaxAnswer is how much of an answer's body is read, in bytes; its headers may have as much.
	MaxAnswer = 64 << 10
)

// ErrForbidden says that an address must not be asked: it does not use https, or leads into a network that is not allowed.
var ErrForbidden = errors.New("address is not allowed")

// Config is what a [Client] is made of. The zero Config is a client for the public internet.
type Config struct {
	// Allow are networks besides the public internet that may be reached, such as the one that holds the applications of a house. Where
	// clouds hand out credentials is never reached.
	Allow []netip.Prefix
	// Loopback allows this machine, by https or http, to addresses that name it: for development.
	Loopback bool
	// Timeout is the longest a request may take; 3 s if zero.
	Timeout time.Duration
	// Roots are the certificate authorities; those of the system if nil.
	Roots *x509.CertPool
	// Lookup finds the addresses of a name; the system's resolver if nil.
	Lookup func(ctx context.Context, host string) ([]netip.Addr, error)
}

// Client makes guarded requests. It is safe for concurrent use.
//
// No proxy is used, whatever the environment says: it would look the names up itself, behind the guard.
type Client struct {
	allow    []netip.Prefix
	loopback bool
	timeout  time.Duration
	lookup   func(ctx context.Context, host string) ([]netip.Addr, error)
	http     *http.Client
}

// New returns a Client.
func New(cfg Config) (*Client, error) {
	if cfg.Timeout < 0 {
		return nil, errors.New("make outbound client: negative timeout")
	}
	c := &Client{allow: slices.Clone(cfg.Allow), loopback: cfg.Loopback, timeout: cfg.Timeout, lookup: cfg.Lookup}
	for _, p := range c.allow {
		if !p.IsValid() || p.Addr().Is4In6() {
			return nil, errors.New("make outbound client: a network of the allow list is not valid")
		}
	}
	if c.timeout == 0 {
		c.timeout = standardTimeout
	}
	if c.lookup == nil {
		c.lookup = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	c.http = &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       c.timeout,
		Transport: &http.Transport{
			DialContext:            c.dial,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: cfg.Roots},
			ForceAttemptHTTP2:      true,
			DisableKeepAlives:      true, // an address is checked when it is dialled, so each request dials
			DisableCompression:     true, // a small answer must not become a large one
			MaxResponseHeaderBytes: MaxAnswer,
		},
	}
	return c, nil
}

// Answer is what the other side said.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do sends a request and reads the whole answer; a redirect is an answer like any other. It fails with [ErrForbidden] where nothing was
// sent because of the guard, and for an answer that is too long. Errors name no more of the address than its host.
func (c *Client) Do(r *http.Request) (Answer, error) {
	if err := c.checkURL(r.URL); err != nil {
		return Answer{}, err
	}
	res, err := c.http.Do(r) //nolint:gosec // others chose the address: checkURL and the dialler judge it
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err // the rest of it quotes the address
		}
		return Answer{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, MaxAnswer+1))
	if err != nil {
		return Answer{}, fmt.Errorf("read answer: %w", err)
	}
	if len(body) > MaxAnswer {
		return Answer{}, fmt.Errorf("read answer: it has more than %d bytes", MaxAnswer)
	}
	return Answer{Status: res.StatusCode, Header: res.Header, Body: body}, nil
}

// checkURL judges an address by its spelling; where it leads is judged when it is dialled.
func (c *Client) checkURL(u *url.URL) error {
	host := u.Hostname()
	switch {
	case host == "" || u.User != nil:
		return fmt.Errorf("%w: it is not of the form https://HOST/PATH", ErrForbidden)
	case u.Scheme == "https":
		return nil
	case u.Scheme == "http" && c.loopback && Loopback(host):
		return nil
	}
	return fmt.Errorf("%w: %s must use https", ErrForbidden, u.Host)
}

// Check judges an address before it is kept: its spelling, and where it leads if it names no host but a place in a network. A name is
// looked up when it is dialled.
func (c *Client) Check(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return fmt.Errorf("%w: it cannot be read", ErrForbidden)
	}
	if err := c.checkURL(u); err != nil {
		return err
	}
	if a, err := netip.ParseAddr(u.Hostname()); err == nil && !c.permitted(a.Unmap(), Loopback(u.Hostname())) {
		return fmt.Errorf("%w: %s", ErrForbidden, u.Host)
	}
	return nil
}

// dial connects to the first address of a host that may be reached and answers. The address that was checked is the one that is dialled:
// a name that leads elsewhere a moment later changes nothing.
func (c *Client) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrForbidden, err)
	}
	addresses, err := c.resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	var d net.Dialer
	var failed error
	for i, a := range addresses {
		attempt, cancel := c.share(ctx, len(addresses)-i)
		conn, err := d.DialContext(attempt, network, net.JoinHostPort(a.String(), port))
		cancel()
		if err == nil {
			return conn, nil
		}
		failed = err
	}
	return nil, failed
}

// share gives one of several attempts its part of the time that is left, so that one that hangs leaves some for the others.
func (c *Client) share(ctx context.Context, attempts int) (context.Context, context.CancelFunc) {
	left := c.timeout
	if end, ok := ctx.Deadline(); ok {
		left = min(left, time.Until(end))
	}
	return context.WithTimeout(ctx, left/time.Duration(attempts))
}

// resolve returns the addresses of a host that may be dialled; never none.
func (c *Client) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	var found []netip.Addr
	if a, err := netip.ParseAddr(host); err == nil {
		// An IPv4 address in IPv6's clothes has one purpose in a URL: to be taken for another.
		if a.Is4In6() {
			return nil, fmt.Errorf("%w: %s", ErrForbidden, host)
		}
		found = []netip.Addr{a}
	} else if found, err = c.lookup(ctx, host); err != nil {
		return nil, fmt.Errorf("look up %s: %w", host, err)
	}
	var good []netip.Addr
	for _, a := range found {
		if a = a.Unmap(); c.permitted(a, Loopback(host)) { // resolvers give IPv4 addresses in either form
			good = append(good, a)
		}
	}
	if len(good) == 0 {
		return nil, fmt.Errorf("%w: %s leads into a network that is not allowed", ErrForbidden, host)
	}
	return good, nil
}

package delivery

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

const (
	// gatewayTimeout is the longest wait for a gateway, unless a setting says otherwise.
	gatewayTimeout = 10 * time.Second
	// maxAnswer bounds what is read of an answer.
	maxAnswer = 64 << 10
	// longestRetryAfter bounds what a gateway may ask for.
	longestRetryAfter = 24 * time.Hour
)

// newGatewayClient returns the HTTP client of a gateway. Redirects are answers like any other: a message goes where the operator
// said and nowhere else. Each message has a connection of its own, so that one gone stale never leaves open whether a message
// arrived.
func newGatewayClient() *http.Client {
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            new(net.Dialer).DialContext,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
			DisableKeepAlives:      true,
			DisableCompression:     true,
			MaxResponseHeaderBytes: maxAnswer,
		},
	}
}

// checkEndpoint accepts the address of a gateway: https, or http to this machine.
func checkEndpoint(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return nil, errors.New("it is not an address of the form https://HOST/PATH") // without quoting: a query may hold a key
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return nil, fmt.Errorf("https is needed for %s: http is allowed only to a loopback host", u.Host)
	}
	return u, nil
}

func checkTimeout(d time.Duration) (time.Duration, error) {
	if d < 0 {
		return 0, errors.New("negative timeout")
	}
	if d == 0 {
		d = gatewayTimeout
	}
	return d, nil
}

// exchange is one request to a gateway, and what is known about it when it fails.
type exchange struct {
	client *http.Client
	// reached is whether a connection was made, so that the request may have arrived.
	reached atomic.Bool
	// asked is whether there was a request at all.
	asked bool
	// status is that of the answer, zero without one.
	status int
	// retryAfter is how long the answer asks to wait.
	retryAfter time.Duration
}

// Do sends r. The answer's body ends with an error where it gets too long.
func (x *exchange) Do(r *http.Request) (*http.Response, error) {
	x.asked = true
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { x.reached.Store(true) }}
	res, err := x.client.Do(r.WithContext(httptrace.WithClientTrace(r.Context(), trace)))
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err // the rest of it quotes the address
		}
		return nil, err
	}
	x.status, x.retryAfter = res.StatusCode, retryAfter(res.Header)
	res.Body = http.MaxBytesReader(nil, res.Body, maxAnswer)
	return res, nil
}

// once tells what a gateway makes of the same message sent twice.
type once bool

const (
	// repeatable gateways know a message by its id and send it once.
	repeatable once = false
	// unrepeatable gateways send it twice.
	unrepeatable once = true
)

// maybeSent is what staff read where a message is given up although it may have gone out.
const maybeSent = "; it may have been sent, so it is not tried again"

// unanswered judges a request that got no answer.
func (x *exchange) unanswered(o once, err error) *SendError {
	e := &SendError{Reply: "the connection to the gateway broke", Err: err}
	timeout, ok := errors.AsType[net.Error](err)
	switch {
	case !x.reached.Load():
		e.Reply = "no connection to the gateway"
		return e
	case errors.Is(err, context.DeadlineExceeded) || ok && timeout.Timeout():
		e.Reply = "the gateway did not answer in time"
	}
	if o == unrepeatable {
		e.Permanent, e.Reply = true, e.Reply+maybeSent
	}
	return e
}

// refused judges an answer that does not say that the message was taken over. Own is whether the gateway itself gave it, in the
// form it documents, and not something on the way to it; what says why.
func (x *exchange) refused(o once, own bool, what string) *SendError {
	reply := strings.TrimSpace(strconv.Itoa(x.status) + " " + what)
	e := &SendError{Permanent: true, Reply: reply, RetryAfter: x.retryAfter, Err: fmt.Errorf("the gateway answered with status %d", x.status)}
	switch {
	case x.status >= 300 && x.status < 400:
		e.Reply = reply + " (redirects are not followed)"
	case x.status == http.StatusRequestTimeout, x.status == http.StatusTooEarly, x.status == http.StatusTooManyRequests,
		x.status == http.StatusServiceUnavailable:
		e.Permanent = false // they say that the request was not worked on
	case x.status >= 500 && (own || o == repeatable):
		e.Permanent = false
	case x.status >= 500:
		// Whatever lies between us and the gateway lost its answer, not necessarily the message.
		e.Reply = reply + maybeSent
	}
	return e
}

// retryAfter reads how long an answer asks to wait, zero if it does not. A point in time counts from the answer's own Date.
func retryAfter(h http.Header) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return min(time.Duration(seconds)*time.Second, longestRetryAfter)
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0
	}
	return min(max(at.Sub(date), 0), longestRetryAfter)
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/futakagi/futakagi/admin"
)

const (
	// maxReply bounds what is read of a server's answer that is no file.
	maxReply = 16 << 20
	// askTime is how long a server may take to answer; fileTime is that for files, which are as long as they are.
	askTime  = 30 * time.Second
	fileTime = time.Hour
)

// remote is a server that does operations for the holder of an access token.
type remote struct {
	table       *admin.Operations
	base, token string
}

// remote is the server of a target.
func (a *app) remote(to target) (*remote, error) {
	u, err := url.Parse(to.url)
	// Everybody on the way reads the token where there is no TLS.
	if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !thisMachine(u.Hostname())) {
		return nil, usageError{"--url is no https address, nor an http one of this machine"}
	}
	token, err := a.token(to.tokenFile)
	if err != nil {
		return nil, err
	}
	return &remote{table: described(), base: to.url, token: token}, nil
}

// thisMachine reports whether a host leads nowhere else.
func thisMachine(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
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

// do does an operation.
func (r *remote) do(ctx context.Context, id string, in admin.OperationInput) (body json.RawMessage, etag string, err error) {
	req, err := r.table.Request(ctx, r.base, id, in)
	if err != nil {
		return nil, "", err
	}
	return r.ask(req, askTime)
}

// upload does an operation whose body is a file of a media type.
func (r *remote) upload(ctx context.Context, id string, in admin.OperationInput, kind string, file io.Reader) (body json.RawMessage, err error) {
	req, err := r.table.Request(ctx, r.base, id, in)
	if err != nil {
		return nil, err
	}
	req.Body, req.ContentLength, req.GetBody = io.NopCloser(file), -1, nil
	req.Header.Set("Content-Type", kind)
	body, _, err = r.ask(req, fileTime)
	return body, err
}

// save does an operation whose answer is a file.
func (r *remote) save(ctx context.Context, id string, in admin.OperationInput, to io.Writer) (err error) {
	req, err := r.table.Request(ctx, r.base, id, in)
	if err != nil {
		return err
	}
	res, err := r.send(req, fileTime)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	if _, err := io.Copy(to, res.Body); err != nil {
		return unreachable{fmt.Errorf("the file is not whole: %w", err)}
	}
	return nil
}

// send sends a request and returns a good answer, or what is wrong.
func (r *remote) send(req *http.Request, within time.Duration) (*http.Response, error) {
	req.Header.Set("Authorization", "Bearer "+r.token)
	req.Header.Set("Accept-Language", "en") // as everything the command line says
	client := &http.Client{
		Timeout: within,
		// The token is for the address that was named, and no other.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, unreachable{err}
	}
	if res.StatusCode < 300 {
		return res, nil
	}
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxReply))
	if err := errors.Join(err, res.Body.Close()); err != nil {
		return nil, unreachable{err}
	}
	problem := &admin.OperationError{}
	if json.Unmarshal(raw, &problem.Problem) != nil || problem.Code == "" {
		return nil, fmt.Errorf("%s answers %s, and not as the API does", r.base, res.Status)
	}
	return nil, readableProblem(problem)
}

// ask sends a request and reads a good answer, with its ETag.
func (r *remote) ask(req *http.Request, within time.Duration) (body json.RawMessage, etag string, err error) {
	res, err := r.send(req, within)
	if err != nil {
		return nil, "", err
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	if body, err = io.ReadAll(io.LimitReader(res.Body, maxReply)); err != nil {
		return nil, "", unreachable{err}
	}
	return body, res.Header.Get("ETag"), nil
}

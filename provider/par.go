package provider

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/web"
)

// pathPAR is where clients push their authorization requests (RFC 9126).
const pathPAR = "/par"

const (
	// prefixRequestURI is that of RFC 9126 section 2.2; what follows is as any value that we make.
	prefixRequestURI = "urn:ietf:params:oauth:request_uri:"
	// pushedLife is how long a pushed request may be opened: for a redirect, not for a sign-in, which goes on by itself once it has begun.
	pushedLife = 90 * time.Second
)

// pushEndpoint is PAR as the guard of machine endpoints sees it.
func pushEndpoint() endpoint {
	return endpoint{path: pathPAR, methods: []string{http.MethodPost}, cors: true, client: true, proof: proofTaken}
}

// pushed is the answer of RFC 9126 section 2.2.
type pushed struct {
	RequestURI string `json:"request_uri"`
	ExpiresIn  int64  `json:"expires_in"`
}

// postPushed takes an authorization request, looks at it as the authorization endpoint would, and keeps it for a moment. The client was
// authenticated before.
func (p *Provider) postPushed(w http.ResponseWriter, r *http.Request) {
	x := exchangeOf(r.Context())
	answer, err := p.push(r.Context(), x.client, r.PostForm)
	if err != nil {
		x.failure = err
		return
	}
	body, err := json.Marshal(answer)
	if err != nil {
		x.failure = fmt.Errorf("encode answer: %w", err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_, _ = w.Write(body) // nobody is left to tell
}

func (p *Provider) push(ctx context.Context, c *Client, form url.Values) (*pushed, error) {
	now := p.now()
	if !c.confidential() {
		// Anybody can speak as a public client, and each request is a row (I29).
		if _, ok := p.flowBudget.take(audit.OriginOf(ctx).Network(), now); !ok {
			return nil, &protocolError{code: codeTooMany, reason: "too many requests pushed from this address"}
		}
	}
	if form.Has("request_uri") {
		return nil, refuse("invalid_request", "request_uri cannot be pushed")
	}
	asked := url.Values{}
	for name, values := range form {
		switch name {
		case "client_secret", "client_assertion", "client_assertion_type": // of the authentication
		default:
			asked[name] = values
		}
	}
	// It may be missing beside an assertion or a header, which say it.
	asked.Set("client_id", c.id)
	asked, err := p.resolveRequest(ctx, c, asked, true, now)
	if err != nil {
		return nil, err
	}
	if err := bindRequest(asked, exchangeOf(ctx).key); err != nil {
		return nil, err
	}
	if _, _, err := p.parseAuthRequest(asked, now); err != nil {
		if here, ok := errors.AsType[*unsafeError](err); ok {
			return nil, &here.authError
		}
		return nil, err
	}
	random, key := newRequestURI()
	arg := store.InsertPushedRequestParams{
		Key: key, ClientID: c.id, Parameters: asked.Encode(), Now: now, ExpiresAt: now.Add(c.pushedFor()),
	}
	if err := p.db.Once(ctx, func(q *store.Queries) error { return q.InsertPushedRequest(ctx, arg) }); err != nil {
		return nil, fmt.Errorf("store pushed request: %w", err)
	}
	return &pushed{RequestURI: random, ExpiresIn: seconds(c.pushedFor())}, nil
}

// bindRequest binds the code of a request to the key that the client proved to have as it pushed it (RFC 9449 section 10.1).
func bindRequest(asked url.Values, key string) error {
	if key == "" {
		return nil
	}
	if asked.Has("dpop_jkt") && asked.Get("dpop_jkt") != key {
		return refuse("invalid_request", "dpop_jkt is another key than that of the DPoP proof")
	}
	asked.Set("dpop_jkt", key)
	return nil
}

func newRequestURI() (uri string, key []byte) {
	value, _ := newBearer("")
	return prefixRequestURI + value, hashSecret(prefixRequestURI + value)
}

// openPushed returns the parameters of a pushed request that may be opened still. Whose it is, is said by the client_id beside it; for
// everything that is wrong there is one answer, and nowhere to send it.
func (p *Provider) openPushed(ctx context.Context, c *Client, uri string, now time.Time) (url.Values, []byte, error) {
	unusable := &unsafeError{authError{"invalid_request_uri", "request_uri is unknown, was used, or has expired"}}
	random, ok := strings.CutPrefix(uri, prefixRequestURI)
	if !ok || len(random) != base64.RawURLEncoding.EncodedLen(bearerBytes) {
		return nil, nil, unusable
	}
	key := hashSecret(uri)
	raw, err := p.db.Read().GetPushedRequest(ctx, store.GetPushedRequestParams{Key: key, ClientID: c.id, Now: now})
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil, unusable
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read pushed request: %w", err)
	}
	form, err := url.ParseQuery(raw)
	if err != nil {
		return nil, nil, fmt.Errorf("read pushed request: %w", err)
	}
	return form, key, nil
}

// errPushedUsed says that a pushed request has been answered already.
var errPushedUsed = errors.New("pushed request was used")

// usePushed spends the pushed request behind an authorization request, if there is one: of any number of browsers that were sent here with
// it, one gets a code. Until then it may be opened again, so that a reload or a second tab does no harm (FAPI 2.0 section 5.3.2.2 note).
func usePushed(ctx context.Context, tx *store.Tx, q authRequest, now time.Time) error {
	if len(q.Pushed) == 0 {
		return nil
	}
	n, err := tx.UsePushedRequest(ctx, store.UsePushedRequestParams{Now: &now, Key: q.Pushed})
	if err != nil {
		return fmt.Errorf("use pushed request: %w", err)
	}
	if n == 0 {
		return errPushedUsed
	}
	return nil
}

// refusePushed is what a relying party hears of a request that it had an answer to.
func refusePushed() *authError {
	return refuse("invalid_request", "request_uri was used before")
}

// readAuthRequest finds out what is asked: it opens a pushed request or verifies a signed one, and validates what comes out. Errors are
// those of parseAuthRequest.
func (p *Provider) readAuthRequest(ctx context.Context, form url.Values, now time.Time) (authRequest, *Client, error) {
	c, err := p.requestingClient(form)
	if err != nil {
		return authRequest{}, nil, err
	}
	if uri := form.Get("request_uri"); strings.HasPrefix(uri, prefixRequestURI) {
		if err := atMostOnce(form, "request_uri"); err != nil {
			return authRequest{}, nil, err
		}
		asked, key, err := p.openPushed(ctx, c, uri, now)
		if err != nil {
			return authRequest{ClientID: c.id}, c, err
		}
		q, c, err := p.parseAuthRequest(asked, now)
		q.Pushed = key
		return q, c, err
	}
	asked, err := p.resolveRequest(ctx, c, form, false, now)
	if refused, ok := errors.AsType[*authError](err); ok {
		// Told where the answer was to go, if that is said outside and is registered; else here.
		q, _, here := p.addressOf(form)
		switch {
		case here != nil && form.Has("redirect_uri"):
			return q, c, here
		case here != nil:
			return authRequest{ClientID: c.id}, c, &unsafeError{*refused}
		}
		return q, c, refused
	}
	if err != nil {
		return authRequest{ClientID: c.id}, c, err
	}
	return p.parseAuthRequest(asked, now)
}

// writeRefusal answers a pushed request that the authorization endpoint would refuse (RFC 9126 section 2.3). What it says comes from the
// same words that a relying party gets there.
func (m *machine) writeRefusal(w http.ResponseWriter, r *http.Request, e *authError) {
	web.Event(r.Context()).Add(slog.String("oauth_error", e.code))
	body, err := json.Marshal(struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}{e.code, e.description})
	if err != nil {
		m.writeError(w, r, fmt.Errorf("encode refusal: %w", err))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	_, _ = w.Write(body) // nobody is left to tell
}

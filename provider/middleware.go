package provider

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"
	"github.com/zitadel/oidc/v3/pkg/oidc"
)

// maxMachineBody bounds a request of a machine endpoint. The longest honest one is a code exchange of about 1 KiB.
const maxMachineBody = 16 << 10

// maxField bounds one parameter. None we read is longer than an ID token.
const maxField = 8 << 10

// endpoint is what a machine endpoint allows before it looks at the request.
type endpoint struct {
	path    string
	methods []string
	// cors lets scripts of any origin read the answer. It never allows credentials: no cookie counts here.
	cors bool
	// bearer demands an access token; client demands that a client says who it is.
	bearer, client bool
	// proof is whether the client can prove here that it has a key.
	proof proofRule
}

// proofRule says what becomes of a proof (RFC 9449) at an endpoint.
type proofRule int

const (
	proofIgnored  proofRule = iota
	proofTaken              // one that comes must be right
	proofDemanded           // and one must come from those whose tokens must be bound
)

func endpoints() []endpoint {
	return []endpoint{
		{path: pathToken, methods: []string{http.MethodPost}, cors: true, client: true, proof: proofDemanded},
		{path: pathUserinfo, methods: []string{http.MethodGet, http.MethodPost}, cors: true, bearer: true},
		{path: pathDeviceAuth, methods: []string{http.MethodPost}, client: true},
		{path: pathIntrospect, methods: []string{http.MethodPost}, client: true},
		{path: pathRevoke, methods: []string{http.MethodPost}, client: true},
	}
}

// exchange is one request to a machine endpoint. It travels in the context through the library.
type exchange struct {
	// presented is an access token; client is who sends the request, authenticated. Each endpoint has one of them.
	presented presented
	client    *Client
	// resources are what the request names for its token (RFC 8707), key the thumbprint of the key it proved to have (RFC 9449); none: "".
	resources []string
	key       string
	// accept is what the caller wants to read; signed is the answer if it is a JWT, and replaces the library's.
	accept []string
	signed *signedAnswer
	// failure is why the request is refused; it replaces whatever the library answers.
	failure error
}

type exchangeKey struct{}

func exchangeOf(ctx context.Context) *exchange {
	if x, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		return x
	}
	return &exchange{}
}

// guard closes what the library leaves open around a machine endpoint: methods, parameters sent twice or in the URL, body
// size, caching, cross-origin reading, and the wording and status of errors.
func (m *machine) guard(e endpoint, next http.Handler) http.Handler {
	allow := strings.Join(e.methods, ", ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		// RFC 6749 §5.1: tokens must not stay in a cache, nor must answers about them.
		h.Set("Cache-Control", "no-store")
		h.Set("Pragma", "no-cache")
		if e.cors {
			h.Set("Access-Control-Allow-Origin", "*")
			h.Set("Access-Control-Expose-Headers", "WWW-Authenticate, Retry-After, DPoP-Nonce")
			if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
				h.Set("Access-Control-Allow-Methods", allow)
				h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, DPoP")
				h.Set("Access-Control-Max-Age", "600")
				w.WriteHeader(http.StatusNoContent)
				return
			}
		}
		if !slices.Contains(e.methods, r.Method) {
			h.Set("Allow", allow)
			m.writeError(w, r, &protocolError{code: codeMethod})
			return
		}
		x := &exchange{}
		if err := m.read(x, w, r, e); err != nil {
			m.writeError(w, r, err)
			return
		}
		ctx := context.WithValue(r.Context(), exchangeKey{}, x)
		// The library routes again; without a routing context of its own it would add to the outer one, which names the
		// route for log and metrics.
		ctx = context.WithValue(ctx, chi.RouteCtxKey, (*chi.Context)(nil))
		held := &heldErrors{ResponseWriter: w, exchange: x}
		inner := r.WithContext(ctx)
		if x.presented.bound {
			// The library knows no other scheme and would find no token. It decides nothing: ours was read above.
			inner.Header = r.Header.Clone()
			inner.Header.Set("Authorization", tokenTypeBearer+" "+x.presented.token)
		}
		next.ServeHTTP(held, inner)
		switch {
		case x.failure != nil:
			m.writeError(w, r, x.failure)
		case x.signed != nil:
			x.signed.write(w)
		case held.status != 0:
			m.writeError(w, r, libraryError(held.status, held.body))
		}
	})
}

// read checks the form of the request, parses its body and finds out who sends it.
func (m *machine) read(x *exchange, w http.ResponseWriter, r *http.Request, e endpoint) (err error) {
	if r.URL.RawQuery != "" {
		// Credentials and tokens in a URL end up in logs and histories (RFC 6749 §2.3.1, RFC 6750 §5.3).
		return refuseRequest("parameters in the URL")
	}
	if r.Method == http.MethodPost {
		if err := readForm(w, r, e.bearer); err != nil {
			return err
		}
	}
	switch {
	case e.bearer:
		x.presented, err = m.present(w.Header(), r)
	case e.client:
		if x.client, err = m.authenticate(r.Context(), e.path, r.Header, r.PostForm); err == nil {
			err = checkParameters(e.path, r.PostForm, x.client)
		}
		x.resources, x.accept = r.PostForm["resource"], r.Header.Values("Accept")
		if err == nil && e.proof != proofIgnored {
			x.key, err = m.proveAtClientEndpoint(r, w.Header(), x.client, e.proof)
		}
	}
	return err
}

// checkParameters refuses what the library would: it words and logs such errors on its own.
func checkParameters(path string, form url.Values, c *Client) error {
	required := []string{"token"}
	if path == pathPAR {
		return nil // an authorization request has rules of its own
	}
	switch path {
	case pathDeviceAuth:
		required = nil
		if !c.AllowsGrant(grantDevice) {
			return &protocolError{code: codeUnauthorizedClient}
		}
	case pathToken:
		grantType := form.Get("grant_type")
		switch oidc.GrantType(grantType) {
		case oidc.GrantTypeCode:
			required = []string{"code", "redirect_uri"}
		case oidc.GrantTypeRefreshToken:
			required = []string{"refresh_token"}
		case oidc.GrantTypeClientCredentials:
			required = nil
		case oidc.GrantTypeTokenExchange:
			required = []string{"subject_token", "subject_token_type"}
		case oidc.GrantTypeDeviceCode:
			required = []string{"device_code"}
		case "":
			return refuseRequest("grant_type is missing")
		default:
			return &protocolError{code: codeUnsupportedGrantType}
		}
		if !c.AllowsGrant(grantType) {
			return &protocolError{code: codeUnauthorizedClient}
		}
		if err := checkExchange(form); err != nil && oidc.GrantType(grantType) == oidc.GrantTypeTokenExchange {
			return err
		}
	}
	for _, name := range required {
		if form.Get(name) == "" {
			return refuseRequest(name + " is missing")
		}
	}
	if path == pathIntrospect && !c.confidential() {
		return refuseClient("a public client cannot introspect")
	}
	return nil
}

// readForm parses a form and refuses what could be read in two ways (RFC 6749 §3.2: parameters must not appear twice).
func readForm(w http.ResponseWriter, r *http.Request, optional bool) error {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if optional && r.ContentLength == 0 {
		return nil
	}
	if err != nil || mediaType != "application/x-www-form-urlencoded" {
		return refuseRequest("the body is not a form")
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxMachineBody)
	if err := r.ParseForm(); err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return &protocolError{code: codeTooBig}
		}
		return refuseRequest("the form cannot be parsed")
	}
	for name, values := range r.PostForm {
		if len(values) > repeats(name) {
			return refuseRequest("a parameter appears twice, or too often")
		}
		for _, v := range values {
			if !cleanText(name) || !cleanText(v) {
				return refuseRequest("a parameter holds control characters or is not UTF-8")
			}
			if len(v) > maxField {
				return refuseRequest("a parameter is too long")
			}
		}
	}
	return nil
}

// cleanText reports whether s can be what it claims to be: text without control characters. What gets past here may reach a
// query, and PostgreSQL refuses NUL and broken UTF-8 with an error of its own.
func cleanText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f })
}

// present finds the access token of a request and the proof beside it.
func (m *machine) present(answer http.Header, r *http.Request) (t presented, err error) {
	t.answer = answer
	if t.token, t.bound, err = accessToken(r); err == nil && t.bound {
		t.proof, err = m.proofOf(r)
	}
	return t, err
}

// accessToken finds the access token in the header or in the body, and in one of them only (RFC 6750 §2). Only in the header can
// it be presented as bound (RFC 9449 §7.1).
func accessToken(r *http.Request) (token string, bound bool, err error) {
	inBody := r.PostForm.Get("access_token")
	lines := r.Header.Values("Authorization")
	switch {
	case len(lines) > 1, len(lines) == 1 && inBody != "":
		return "", false, refuseRequest("more than one access token")
	case len(lines) == 1:
		scheme, token, _ := strings.Cut(lines[0], " ")
		bound := strings.EqualFold(scheme, tokenTypeDPoP)
		if !bound && !strings.EqualFold(scheme, tokenTypeBearer) {
			return "", false, &protocolError{code: codeNoToken, reason: "another scheme than Bearer and DPoP"}
		}
		if token = strings.TrimLeft(token, " "); token == "" {
			return "", false, refuseRequest("the Authorization header holds no token")
		}
		return token, bound, nil
	case inBody != "":
		return inBody, false, nil
	default:
		return "", false, &protocolError{code: codeNoToken}
	}
}

// byDPoP reports whether a request presents its access token by the scheme DPoP.
func byDPoP(r *http.Request) bool {
	scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.EqualFold(scheme, tokenTypeDPoP)
}

func bearerEndpoint(r *http.Request) bool { return r.URL.Path == pathUserinfo }

// heldErrors passes a good answer through and holds a bad one back, to be rewritten.
type heldErrors struct {
	http.ResponseWriter
	exchange *exchange
	passed   bool
	status   int
	body     []byte
}

// maxHeld bounds what is kept of a bad answer: enough for an error code.
const maxHeld = 4 << 10

func (w *heldErrors) WriteHeader(status int) {
	switch {
	case w.passed || w.status != 0:
	case status >= http.StatusBadRequest || w.exchange.failure != nil || w.exchange.signed != nil:
		w.status = status
	default:
		w.passed = true
		w.ResponseWriter.WriteHeader(status)
	}
}

func (w *heldErrors) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.status != 0 {
		w.body = append(w.body, p[:min(len(p), maxHeld-len(w.body))]...)
		return len(p), nil
	}
	return w.ResponseWriter.Write(p)
}

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
}

func endpoints() []endpoint {
	return []endpoint{
		{path: pathToken, methods: []string{http.MethodPost}, cors: true, client: true},
		{path: pathUserinfo, methods: []string{http.MethodGet, http.MethodPost}, cors: true, bearer: true},
		{path: pathIntrospect, methods: []string{http.MethodPost}, client: true},
		{path: pathRevoke, methods: []string{http.MethodPost}, client: true},
	}
}

// exchange is one request to a machine endpoint. It travels in the context through the library.
type exchange struct {
	// accessToken is what a bearer presents; client is who sends the request, authenticated. Each endpoint has one of them.
	accessToken string
	client      *Client
	// resources are what the request names for its token (RFC 8707), key the thumbprint of the key it proves to have (RFC 9449); none: "".
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
			h.Set("Access-Control-Expose-Headers", "WWW-Authenticate, Retry-After")
			if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
				h.Set("Access-Control-Allow-Methods", allow)
				h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
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
		next.ServeHTTP(held, r.WithContext(ctx))
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
		x.accessToken, err = bearerToken(r)
	case e.client:
		if x.client, err = m.authenticate(r.Context(), r.Header, r.PostForm); err == nil {
			err = checkParameters(e.path, r.PostForm, x.client)
		}
		x.resources, x.accept = r.PostForm["resource"], r.Header.Values("Accept")
	}
	return err
}

// checkParameters refuses what the library would: it words and logs such errors on its own.
func checkParameters(path string, form url.Values, c *Client) error {
	required := []string{"token"}
	if path == pathToken {
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

// bearerToken finds the access token in the header or in the body, and in one of them only (RFC 6750 §2).
func bearerToken(r *http.Request) (string, error) {
	inBody := r.PostForm.Get("access_token")
	lines := r.Header.Values("Authorization")
	switch {
	case len(lines) > 1, len(lines) == 1 && inBody != "":
		return "", refuseRequest("more than one access token")
	case len(lines) == 1:
		scheme, token, _ := strings.Cut(lines[0], " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return "", &protocolError{code: codeNoToken, reason: "another scheme than Bearer"}
		}
		if token = strings.TrimLeft(token, " "); token == "" {
			return "", refuseRequest("the Authorization header holds no token")
		}
		return token, nil
	case inBody != "":
		return inBody, nil
	default:
		return "", &protocolError{code: codeNoToken}
	}
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

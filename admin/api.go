package admin

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/futakagi/futakagi/internal/seal"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// apiRoot is where the API is; the number changes when something that a program relies on does.
const apiRoot = "/api/v1"

// APIConfig is what an [API] is made of. Every field is required unless it says otherwise.
type APIConfig struct {
	// Service has the use cases.
	Service *Service
	// Issuer is the public base URL, for the document.
	Issuer string
	// ClientToken finds the access token that a client got for itself and presents with a request, or fails with NotToken. It writes
	// into the answer's header what the client must do.
	ClientToken func(answer http.Header, r *http.Request) (store.TokenSetID, error)
	NotToken    error
	// ClientSecret finds the client that proves itself with its secret in a request's header, or fails with NotToken.
	ClientSecret func(ctx context.Context, header http.Header) (id string, err error)
	// DB keeps what was asked for under a key, Box seals the answers.
	DB  *store.DB
	Box *seal.Box
	// Templates has the texts and the reference page.
	Templates *templates.Set
	// Toolkit guards the routes and answers errors.
	Toolkit *web.Toolkit
	// RequestsPerMinute is how many requests one client or operator may send to one server; 600 if zero.
	RequestsPerMinute int
	// Now is the clock.
	Now func() time.Time
}

// API serves the use cases to programs. Everything about it comes from one table of operations.
type API struct {
	service      *Service
	issuer       string
	clientToken  func(http.Header, *http.Request) (store.TokenSetID, error)
	notToken     error
	clientSecret func(context.Context, http.Header) (string, error)
	db           *store.DB
	box          *seal.Box
	templates    *templates.Set
	kit          *web.Toolkit
	limiter      *limiter
	now          func() time.Time

	table table
	// document and reference show it to programs and people.
	document  []byte
	reference templates.APIReferenceView
}

// NewAPI returns an API.
func NewAPI(c APIConfig) (*API, error) {
	if c.Service == nil || c.Issuer == "" || c.ClientToken == nil || c.NotToken == nil || c.ClientSecret == nil || c.DB == nil || c.Box == nil || c.Templates == nil ||
		c.Toolkit == nil || c.Now == nil {
		return nil, errors.New("make API: a part is missing")
	}
	if c.RequestsPerMinute == 0 {
		c.RequestsPerMinute = limitDefault
	}
	a := &API{
		service: c.Service, issuer: c.Issuer, clientToken: c.ClientToken, notToken: c.NotToken, clientSecret: c.ClientSecret, db: c.DB, box: c.Box, templates: c.Templates,
		kit: c.Toolkit, limiter: &limiter{ceiling: c.RequestsPerMinute}, now: c.Now,
	}
	a.fill()
	a.reference = a.referenceView()
	var err error
	a.document, err = a.openAPI()
	return a, err
}

// fill puts every operation into the table.
func (a *API) fill() {
	a.table = table{schemas: schemas{}}
	for _, add := range []func(*table){
		a.customers, a.accounts, a.removals, a.twoFactor, a.consents, a.resets, a.spares, a.switches, a.roles, a.approvals, a.settings, a.rollout, a.logs, a.files, a.clients, a.registrationTokens, a.streams, a.provisioning, a.keys,
	} {
		add(&a.table)
	}
}

// Mount adds the routes of the API and of SCIM.
func (a *API) Mount(r chi.Router) {
	for i := range a.table.operations {
		op := &a.table.operations[i]
		r.Method(op.method, apiRoot+op.path, a.route(op))
	}
	r.Get(apiRoot, a.kit.Handle(a.getReference))
	r.Get(apiRoot+"/openapi.json", a.kit.Handle(a.getDocument))
	newSCIM(a).mount(r)
}

// route lets in a client with a token of its own, or an operator with a session: one who changes something must have proved
// themselves a moment ago, as in the console (I13).
func (a *API) route(op *operation) http.Handler {
	session := a.kit.Handle(func(w http.ResponseWriter, r *http.Request) error {
		s, ok := web.SessionFrom(r.Context())
		if !ok {
			return web.ErrNoSession
		}
		actor, err := a.service.operator(r.Context(), s.Account, s.ID)
		if err != nil {
			return err
		}
		return a.serve(&call{op: op, w: w, r: r, actor: actor})
	})
	var guarded http.Handler = session
	if op.method != http.MethodGet {
		guarded = a.kit.Sessions.RequireFresh(freshFor)(guarded)
	}
	guarded = a.kit.Sessions.Require(web.Operator)(guarded)
	bearer := a.kit.Handle(func(w http.ResponseWriter, r *http.Request) error {
		actor, err := a.bearer(w, r, a.service.ClientActor)
		if err != nil {
			return err
		}
		return a.serve(&call{op: op, w: w, r: r, actor: actor})
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.Header.Values("Authorization")) > 0 {
			bearer(w, r)
			return
		}
		guarded.ServeHTTP(w, r)
	})
}

// bearer is the client whose token a request carries (RFC 6750, RFC 9449), as whom finds it.
func (a *API) bearer(w http.ResponseWriter, r *http.Request, whom func(context.Context, store.TokenSetID) (Actor, error)) (Actor, error) {
	lines := r.Header.Values("Authorization")
	scheme, _, _ := strings.Cut(lines[0], " ")
	if len(lines) > 1 || !strings.EqualFold(scheme, "Bearer") && !strings.EqualFold(scheme, "DPoP") {
		w.Header().Set("WWW-Authenticate", "Bearer")
		return Actor{}, web.ErrNoSession
	}
	set, err := a.clientToken(w.Header(), r)
	var actor Actor
	if err == nil {
		actor, err = whom(r.Context(), set)
	}
	if errors.Is(err, a.notToken) || errors.Is(err, ErrActorGone) {
		if w.Header().Get("WWW-Authenticate") == "" {
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		}
		return Actor{}, &web.Error{Status: http.StatusUnauthorized, Code: codeInvalidToken, Cause: err}
	}
	return actor, err
}

// call is one request to an operation.
type call struct {
	op    *operation
	w     http.ResponseWriter
	r     *http.Request
	actor Actor
	// body is what was sent.
	body []byte
}

// serve answers a request of somebody known.
func (a *API) serve(c *call) error {
	if err := a.limiter.limit(c.w, c.actor, a.now()); err != nil {
		return err
	}
	if cl := c.actor.client; cl != nil && !slices.Contains(cl.scopes, c.op.scope) {
		c.w.Header().Set("WWW-Authenticate", `Bearer error="insufficient_scope", scope="`+c.op.scope+`"`)
		return problem(codeScope)
	}
	in, err := a.read(c)
	if err != nil {
		return a.explain(c, err)
	}
	if c.op.files {
		return a.serveFile(c, in)
	}
	out, err := a.once(c.r.Context(), c, func(ctx context.Context) (reply, error) {
		result, err := c.op.do(ctx, c.actor, in)
		if err != nil {
			return reply{}, err
		}
		return c.op.encode(result)
	})
	if err != nil {
		return a.explain(c, err)
	}
	return c.write(out)
}

// serveFile answers with a file.
func (a *API) serveFile(c *call, in reflect.Value) error {
	result, err := c.op.do(c.r.Context(), c.actor, in)
	if err == nil {
		f, _ := result.(download) // the type of the operation's answer
		err = sendFile(c.w, f)
	}
	if err != nil {
		return a.explain(c, err)
	}
	return nil
}

// known reports whether whoever asks has an answer already (RFC 9110, 13.1.2). A weak ETag is compared as a strong one is.
func (c *call) known(tag string) bool {
	if c.op.method != http.MethodGet || tag == "" {
		return false
	}
	for _, line := range c.r.Header.Values(headerNoneMatch) {
		for held := range strings.SplitSeq(line, ",") {
			held = strings.TrimSpace(held)
			if held == "*" || strings.TrimPrefix(held, "W/") == tag {
				return true
			}
		}
	}
	return false
}

// write sends an answer.
func (c *call) write(out reply) error {
	h := c.w.Header()
	for name, value := range map[string]string{"ETag": out.ETag, "Location": out.Location} {
		if value != "" {
			h.Set(name, value)
		}
	}
	if out.replayed {
		h.Set(headerReplayed, "true")
	}
	if c.known(out.ETag) {
		c.w.WriteHeader(http.StatusNotModified)
		return nil
	}
	if out.Body == nil {
		c.w.WriteHeader(out.Status)
		return nil
	}
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(out.Body)))
	c.w.WriteHeader(out.Status)
	_, err := c.w.Write(out.Body)
	return err
}

// read makes the operation's input of a request, or says everything that is wrong with it.
func (a *API) read(c *call) (reflect.Value, error) {
	in := reflect.New(c.op.in).Elem()
	wrong, err := a.readParameters(c, in)
	if err != nil {
		return in, err
	}
	more, err := a.readBody(c, in)
	if err != nil {
		return in, err
	}
	if wrong = append(wrong, more...); len(wrong) > 0 {
		return in, invalid(wrong...)
	}
	return in, nil
}

func (a *API) readParameters(c *call, in reflect.Value) (wrong []web.FieldProblem, err error) {
	query, err := url.ParseQuery(c.r.URL.RawQuery)
	if err != nil {
		return nil, web.BadRequest(err)
	}
	known := map[string]bool{}
	for _, p := range c.op.parameters {
		var values []string
		switch p.place {
		case "path":
			values = []string{chi.URLParam(c.r, p.name)}
		case "query":
			values, known[p.name] = query[p.name], true
		case "header":
			values = c.r.Header.Values(p.name)
		}
		switch {
		case len(values) == 0 && p.name == headerMatch:
			return nil, problem(codeMatchMissing)
		case len(values) == 0:
		case len(values) > 1:
			wrong = append(wrong, web.FieldProblem{Field: p.name, Reason: reasonDuplicate})
		default:
			if reason := a.set(in.FieldByIndex(p.index), p, values[0]); reason != "" {
				wrong = append(wrong, web.FieldProblem{Field: p.name, Reason: reason})
			}
		}
	}
	for name := range query {
		if !known[name] {
			wrong = append(wrong, web.FieldProblem{Field: clipField(strings.ToValidUTF8(name, "")), Reason: reasonUnknown})
		}
	}
	return wrong, nil
}

// set reads one parameter into its field; reason is why it cannot be.
func (a *API) set(field reflect.Value, p parameter, text string) (reason string) {
	if p.name == headerMatch {
		v, ok := readTag(text)
		if !ok {
			return reasonFormat
		}
		field.Set(reflect.ValueOf(v))
		return ""
	}
	if field.Kind() == reflect.Pointer {
		field.Set(reflect.New(field.Type().Elem()))
		field = field.Elem()
	}
	var value any = text
	switch p.schema.Type {
	case "integer":
		n, err := strconv.Atoi(text)
		if err != nil {
			return reasonType
		}
		value = asNumber(n)
		field.SetInt(int64(n))
	case "boolean":
		b, err := strconv.ParseBool(text)
		if err != nil {
			return reasonType
		}
		value = b
		field.SetBool(b)
	}
	clean := strings.ToValidUTF8(text, "") == text
	if wrong := a.table.schemas.check(p.schema, value, p.name); len(wrong) > 0 || !clean {
		if !clean {
			return reasonFormat
		}
		return wrong[0].Reason
	}
	if p.schema.Type != "string" {
		return ""
	}
	if p.schema.Format == "date-time" {
		t, _ := readTime(text) // checked
		field.Set(reflect.ValueOf(t))
		return ""
	}
	field.SetString(text)
	return ""
}

// readBody reads the body into the field Body.
func (a *API) readBody(c *call, in reflect.Value) ([]web.FieldProblem, error) {
	if c.op.uploads {
		u, err := readUpload(c)
		in.FieldByName("Body").Set(reflect.ValueOf(u))
		return nil, err
	}
	raw, err := io.ReadAll(c.r.Body)
	if err != nil {
		return nil, err
	}
	c.body = raw
	if c.op.body == nil {
		if len(raw) > 0 {
			return []web.FieldProblem{{Field: "body", Reason: reasonUnknown}}, nil
		}
		return nil, nil
	}
	if mt, params, err := mime.ParseMediaType(c.r.Header.Get("Content-Type")); err != nil || mt != "application/json" ||
		params["charset"] != "" && !strings.EqualFold(params["charset"], "utf-8") {
		return nil, problem(codeMediaType)
	}
	v, err := readJSON(raw)
	if err != nil {
		e := problem(codeMalformed)
		e.Fields = []web.FieldProblem{{Field: "body", Reason: reasonFormat}}
		return nil, e
	}
	if wrong := a.table.schemas.check(c.op.body, v, ""); len(wrong) > 0 {
		if wrong[0].Field == "" {
			wrong[0].Field = "body"
		}
		return wrong, nil
	}
	return nil, decode(raw, in.FieldByName("Body"))
}

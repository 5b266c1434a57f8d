package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// Operations is the API's table for the command line: it says what can be asked, makes the request for a server, or does it here,
// as [System].
type Operations struct {
	api *API
}

// NewOperations returns the table. Without a service it can only be asked of a server.
func NewOperations(s *Service) *Operations {
	a := &API{service: s}
	a.fill()
	return &Operations{api: a}
}

// OperationField is one thing that an operation can be told.
type OperationField struct {
	// Name is that of the parameter or of the body's member, Place is path, query or body.
	Name, Place string
	// Type is string, integer, boolean, or array for a list of texts.
	Type     string
	Usage    string
	Required bool
}

// OperationInput is what an operation is told.
type OperationInput struct {
	Path  map[string]string
	Query url.Values
	// Match is the ETag of the answer that a change starts from.
	Match string
	// Body is JSON, or nil.
	Body []byte
}

// An OperationError is a problem as the API words it.
type OperationError struct {
	web.Problem
}

func (e *OperationError) Error() string {
	lines := []string{e.Code}
	if e.Detail != "" {
		lines[0] += ": " + e.Detail
	}
	for _, f := range e.Errors {
		line := f.Field + ": " + f.Reason
		if f.Message != "" {
			line += " (" + f.Message + ")"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func (o *Operations) find(id string) *operation {
	i := slices.IndexFunc(o.api.table.operations, func(op operation) bool { return op.id == id })
	if i < 0 {
		panic("no operation " + id) // the names are constants of the command line
	}
	return &o.api.table.operations[i]
}

// IDs are the names of all operations.
func (o *Operations) IDs() []string {
	ids := make([]string, 0, len(o.api.table.operations))
	for _, op := range o.api.table.operations {
		ids = append(ids, op.id)
	}
	return ids
}

// Fields are what an operation can be told, those of the path first.
func (o *Operations) Fields(id string) (fields []OperationField) {
	op := o.find(id)
	for _, p := range op.parameters {
		if p.place != "header" {
			fields = append(fields, OperationField{Name: p.name, Place: p.place, Type: p.schema.Type, Usage: usage(p.schema), Required: p.required})
		}
	}
	if op.body == nil {
		return fields
	}
	body := o.api.table.schemas.resolve(op.body)
	for _, name := range body.order {
		p := body.Properties[name]
		fields = append(fields, OperationField{
			Name: name, Place: "body", Type: p.Type, Usage: usage(p), Required: slices.Contains(body.Required, name),
		})
	}
	return fields
}

func usage(p *schema) string {
	words := p.Description
	item := p
	if p.Items != nil {
		item = p.Items
	}
	if len(item.Enum) > 0 {
		words = strings.TrimSpace(words + " (" + strings.Join(item.Enum, ", ") + ")")
	}
	if item.Minimum != nil && item.Maximum != nil {
		words = strings.TrimSpace(fmt.Sprintf("%s (%d to %d)", words, *item.Minimum, *item.Maximum))
	}
	return words
}

// Version is the operation whose answer has the ETag that a change by another must name; "" if it needs none.
func (o *Operations) Version(id string) string {
	op := o.find(id)
	if !op.matches {
		return ""
	}
	// Of the thing itself, or of what it is a part of.
	for path := op.path; path != ""; path = path[:strings.LastIndex(path, "/")] {
		for _, other := range o.api.table.operations {
			if other.method == http.MethodGet && other.tagged && other.path == path {
				return other.id
			}
		}
	}
	return ""
}

// Request makes the request for a server; base is its public URL.
func (o *Operations) Request(ctx context.Context, base, id string, in OperationInput) (*http.Request, error) {
	op := o.find(id)
	path := op.path
	for name, value := range in.Path {
		path = strings.Replace(path, "{"+name+"}", url.PathEscape(value), 1)
	}
	target := strings.TrimSuffix(base, "/") + apiRoot + path
	if len(in.Query) > 0 {
		target += "?" + in.Query.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, op.method, target, bytes.NewReader(in.Body))
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	if in.Body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if in.Match != "" {
		r.Header.Set(headerMatch, in.Match)
	}
	if op.keyed() {
		r.Header.Set(headerKey, store.NewID[string]())
	}
	return r, nil
}

// Do does an operation on the database at hand, with the checks of the API. It fails with an [OperationError], or with what stopped
// it.
func (o *Operations) Do(ctx context.Context, id string, in OperationInput) (body json.RawMessage, etag string, err error) {
	result, err := o.do(ctx, id, in)
	if err != nil {
		return nil, "", err
	}
	out, err := o.find(id).encode(result)
	return out.Body, out.ETag, err
}

func (o *Operations) do(ctx context.Context, id string, in OperationInput) (any, error) {
	op := o.find(id)
	r, err := o.Request(ctx, "", id, in)
	if err != nil {
		return nil, err
	}
	route := chi.NewRouteContext()
	for name, value := range in.Path {
		route.URLParams.Add(name, value)
	}
	r = r.WithContext(context.WithValue(ctx, chi.RouteCtxKey, route))
	c := &call{op: op, r: r, actor: System()}
	value, err := o.api.read(c)
	var result any
	if err == nil {
		result, err = op.do(ctx, c.actor, value)
	}
	if err != nil {
		return nil, asOperationError(o.api.explain(c, err))
	}
	return result, nil
}

func asOperationError(err error) error {
	e, ok := errors.AsType[*web.Error](err)
	if !ok {
		return err
	}
	p := web.Problem{Type: web.ProblemType + e.Code, Status: e.Status, Code: e.Code, Detail: e.Description, Errors: e.Fields}
	if e.Message != "" {
		p.Detail = templates.English(e.Message)
	}
	return &OperationError{p}
}

// NeedsServer reports whether an error says that something can only be done where the server's keys are.
func NeedsServer(err error) bool {
	return errors.Is(err, errNoFactors) || errors.Is(err, errNoPasswords)
}

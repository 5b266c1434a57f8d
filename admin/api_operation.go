package admin

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// operation is one line of the table that the API is made of: its routes, its OpenAPI document, its reference page and its tests.
type operation struct {
	// id names it: in the document, and in the catalogue as "api.op." + id.
	id           string
	method, path string
	// scope is what a client's token must have been given. An operator needs none: the use case knows their rights.
	scope string
	// status is that of a good answer.
	status int
	// parameters are from path, query and header; body and out are nil where there is none.
	parameters []parameter
	body, out  *schema
	// codes are the problems that this operation has of its own.
	codes []string
	// matches is whether it needs an If-Match; tagged whether its answer has an ETag.
	matches, tagged bool
	// uploads is whether its body is a file, files whether its answer is one.
	uploads, files bool
	// kinds are the media types of a body that is a file.
	kinds []string

	in reflect.Type
	do func(ctx context.Context, actor Actor, in reflect.Value) (any, error)
}

// parameter is one that a request has outside of its body.
type parameter struct {
	name string
	// place is path, query or header.
	place    string
	required bool
	schema   *schema
	index    []int
}

// versioned is an answer that has a version: its ETag, which a change must name.
type versioned interface{ version() time.Time }

// located is an answer that tells of something new, and where it is.
type located interface{ location() string }

// none is the answer of an operation that has nothing to tell.
type none struct{}

// table collects operations and the schemas they use.
type table struct {
	operations []operation
	schemas    schemas
}

// add puts an operation into the table. In is a struct: its fields with the tags path, query or header are parameters, and the
// field Body, if there is one, is the body: JSON, or an [upload]. Out is the body of the answer, or [none], or a [download].
func add[In, Out any](t *table, scope, method, path, id string, do func(context.Context, Actor, In) (Out, error), codes ...string) {
	op := operation{
		id: id, method: method, path: path, scope: scope, status: http.StatusOK, codes: codes,
		in: reflect.TypeFor[In](),
		do: func(ctx context.Context, actor Actor, in reflect.Value) (any, error) {
			return do(ctx, actor, in.Interface().(In))
		},
	}
	for _, f := range reflect.VisibleFields(op.in) {
		if f.Type == reflect.TypeFor[upload]() {
			op.uploads, op.kinds = true, fileKinds()
			if kinds, ok := f.Tag.Lookup("kinds"); ok {
				op.kinds = strings.Split(kinds, ",")
			}
			continue
		}
		if f.Name == "Body" {
			op.body = t.schemas.of(f.Type)
			continue
		}
		for _, place := range []string{"path", "query", "header"} {
			name, ok := f.Tag.Lookup(place)
			if !ok {
				continue
			}
			p := parameter{name: name, place: place, required: place != "query", index: f.Index}
			if name == headerMatch {
				p.schema = &schema{Type: "string", Description: "the ETag of the answer that the change starts from"}
				op.matches = true
			} else {
				p.schema = t.schemas.of(f.Type)
				constrain(p.schema, f.Tag)
			}
			op.parameters = append(op.parameters, p)
		}
	}
	out := reflect.TypeFor[Out]()
	switch {
	case out == reflect.TypeFor[none]():
		op.status = http.StatusNoContent
	case out == reflect.TypeFor[download]():
		op.files = true
	default:
		op.out = t.schemas.of(out)
		op.tagged = out.Implements(reflect.TypeFor[versioned]())
		if out.Implements(reflect.TypeFor[located]()) && method == http.MethodPost {
			op.status = http.StatusCreated
		}
	}
	t.operations = append(t.operations, op)
}

const (
	headerMatch     = "If-Match"
	headerNoneMatch = "If-None-Match"
)

// etag spells the version and the content of an answer as a strong ETag: there may be more in an answer than its row has, and not
// everybody is shown the same of it.
func etag(v time.Time, body []byte) string {
	sum := sha256.Sum256(body)
	return `"` + version(v) + "-" + base64.RawURLEncoding.EncodeToString(sum[:9]) + `"`
}

// readTag reads the version of an ETag that etag spelled. Any other strong one is a version that no row has.
func readTag(text string) (time.Time, bool) {
	text, opened := strings.CutPrefix(text, `"`)
	text, shut := strings.CutSuffix(text, `"`)
	if !opened || !shut || strings.ContainsAny(text, "\" ,") {
		return time.Time{}, false
	}
	text, _, _ = strings.Cut(text, "-")
	micros, err := strconv.ParseInt(text, 10, 64)
	if err != nil || micros < 0 || micros > maxVersion {
		micros = 0
	}
	return time.UnixMicro(micros).UTC(), true
}

// keyed reports whether a request can have an Idempotency-Key. A file is neither kept to be answered again nor read to be compared.
func (op *operation) keyed() bool { return op.method == http.MethodPost && !op.uploads && !op.files }

// encode turns what an operation returned into an answer.
func (op *operation) encode(result any) (reply, error) {
	out := reply{Status: op.status}
	if op.out == nil {
		return out, nil
	}
	raw, err := json.Marshal(result)
	if err != nil {
		return reply{}, fmt.Errorf("encode answer of %s: %w", op.id, err)
	}
	out.Body = raw
	if v, ok := result.(versioned); ok {
		out.ETag = etag(v.version(), raw)
	}
	if l, ok := result.(located); ok && op.status == http.StatusCreated {
		out.Location = apiRoot + l.location()
	}
	return out, nil
}

package admin

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/futakagi/futakagi/web"
)

// schema is the part of JSON Schema (2020-12) that the API speaks: what the document shows, requests are checked by, and tests
// hold answers against.
type schema struct {
	Ref                  string             `json:"$ref,omitempty"`
	Type                 string             `json:"type,omitempty"`
	Format               string             `json:"format,omitempty"`
	Description          string             `json:"description,omitempty"`
	Enum                 []string           `json:"enum,omitempty"`
	MinLength            *int               `json:"minLength,omitempty"`
	MaxLength            *int               `json:"maxLength,omitempty"`
	Minimum              *int               `json:"minimum,omitempty"`
	Maximum              *int               `json:"maximum,omitempty"`
	MaxItems             *int               `json:"maxItems,omitempty"`
	Items                *schema            `json:"items,omitempty"`
	Properties           map[string]*schema `json:"properties,omitempty"`
	Required             []string           `json:"required,omitempty"`
	AdditionalProperties any                `json:"additionalProperties,omitempty"` // false, or the *schema of values

	order []string // of properties, as the type has them
}

// schemas collects the schemas of named types.
type schemas map[string]*schema

// of returns the schema of a type: a reference for a struct with a name.
func (s schemas) of(t reflect.Type) *schema {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return &schema{Type: "string", Format: "date-time"}
	case t == reflect.TypeFor[json.RawMessage]():
		return &schema{}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return s.of(t.Elem())
	case reflect.String:
		return &schema{Type: "string"}
	case reflect.Bool:
		return &schema{Type: "boolean"}
	case reflect.Int, reflect.Int32, reflect.Int64:
		return &schema{Type: "integer"}
	case reflect.Slice:
		return &schema{Type: "array", Items: s.of(t.Elem())}
	case reflect.Map:
		return &schema{Type: "object", AdditionalProperties: s.of(t.Elem())}
	case reflect.Struct:
		name := schemaName(t)
		if name == "" {
			return s.object(t)
		}
		if s[name] == nil {
			s[name] = &schema{} // for a type that holds itself
			*s[name] = *s.object(t)
		}
		return &schema{Ref: "#/components/schemas/" + name}
	}
	panic(fmt.Sprintf("the API has no schema for %s", t)) // found by any test
}

// object is the schema of a struct: its fields with a json tag, required unless they can be left out.
func (s schemas) object(t reflect.Type) *schema {
	o := &schema{Type: "object", Properties: map[string]*schema{}, AdditionalProperties: false}
	for _, f := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous || name == "" || name == "-" {
			continue
		}
		p := s.of(f.Type)
		constrain(p, f.Tag)
		o.Properties[name] = p
		o.order = append(o.order, name)
		if !strings.Contains(options, "omit") {
			o.Required = append(o.Required, name)
		}
	}
	return o
}

// constrain reads the tags enum, min, max, doc and any of a field. The first three are about the items of a list, whose number max_items
// bounds; any says what kind of JSON is read elsewhere.
func constrain(p *schema, tag reflect.StructTag) {
	p.Description = tag.Get("doc")
	if kind, ok := tag.Lookup("any"); ok {
		p.Type, p.AdditionalProperties = kind, &schema{}
	}
	number := func(name string) *int {
		text, ok := tag.Lookup(name)
		if !ok {
			return nil
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			panic(fmt.Sprintf("tag %s: %v", tag, err)) // found by any test
		}
		return &n
	}
	if p.Type == "array" {
		p.MaxItems = number("max_items")
		p = p.Items
	}
	if words, ok := tag.Lookup("enum"); ok {
		p.Enum = strings.Split(words, ",")
	}
	if p.Type == "integer" {
		p.Minimum, p.Maximum = number("min"), number("max")
	} else {
		p.MinLength, p.MaxLength = number("min"), number("max")
	}
}

var listName = regexp.MustCompile(`^list\[.*\.(\w+)\]$`)

// schemaName is what a struct is called in the document: apiCustomer is Customer, a list of them CustomerList.
func schemaName(t reflect.Type) string {
	name, end := t.Name(), ""
	if m := listName.FindStringSubmatch(name); m != nil {
		name, end = m[1], "List"
	}
	name = strings.TrimPrefix(name, "api") + end
	if name == "" {
		return ""
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

// The reasons of field problems.
const (
	reasonMissing   = "missing"
	reasonUnknown   = "unknown"
	reasonDuplicate = "duplicate"
	reasonType      = "type"
	reasonFormat    = "format"
	reasonShort     = "too_short"
	reasonLong      = "too_long"
	reasonSmall     = "too_small"
	reasonLarge     = "too_large"
	reasonOneOf     = "not_one_of"
)

// check says everything that is wrong with a value, as [readJSON] returns them.
func (s schemas) check(p *schema, v any, path string) []web.FieldProblem {
	if name, ok := strings.CutPrefix(p.Ref, "#/components/schemas/"); ok {
		return s.check(s[name], v, path)
	}
	wrong := func(reason string) []web.FieldProblem {
		return []web.FieldProblem{{Field: path, Reason: reason}}
	}
	switch p.Type {
	case "":
		return nil
	case "string":
		text, ok := v.(string)
		if !ok {
			return wrong(reasonType)
		}
		return p.checkText(text, path)
	case "boolean":
		if _, ok := v.(bool); !ok {
			return wrong(reasonType)
		}
	case "integer":
		n, ok := v.(json.Number)
		if !ok {
			return wrong(reasonType)
		}
		i, err := strconv.Atoi(n.String())
		switch {
		case err != nil:
			return wrong(reasonType)
		case p.Minimum != nil && i < *p.Minimum:
			return wrong(reasonSmall)
		case p.Maximum != nil && i > *p.Maximum:
			return wrong(reasonLarge)
		}
	case "array":
		items, ok := v.([]any)
		if !ok {
			return wrong(reasonType)
		}
		return s.checkItems(p, items, path)
	case "object":
		members, ok := v.(object)
		if !ok {
			return wrong(reasonType)
		}
		return s.checkMembers(p, members, path)
	}
	return nil
}

func (p *schema) checkText(text, path string) []web.FieldProblem {
	reason := ""
	switch n := utf8.RuneCountInString(text); {
	case strings.ContainsRune(text, 0): // no database takes it
		reason = reasonFormat
	case len(p.Enum) > 0 && !slices.Contains(p.Enum, text):
		reason = reasonOneOf
	case p.MinLength != nil && n < *p.MinLength:
		reason = reasonShort
	case p.MaxLength != nil && n > *p.MaxLength:
		reason = reasonLong
	case p.Format == "date-time":
		if _, err := readTime(text); err != nil {
			reason = reasonFormat
		}
	}
	if reason == "" {
		return nil
	}
	return []web.FieldProblem{{Field: path, Reason: reason}}
}

func (s schemas) checkItems(p *schema, items []any, path string) (wrong []web.FieldProblem) {
	if p.MaxItems != nil && len(items) > *p.MaxItems {
		return []web.FieldProblem{{Field: path, Reason: reasonLong}}
	}
	for i, item := range items {
		wrong = append(wrong, s.check(p.Items, item, join(path, strconv.Itoa(i)))...)
	}
	return wrong
}

func (s schemas) checkMembers(p *schema, members object, path string) (wrong []web.FieldProblem) {
	seen := map[string]bool{}
	for _, m := range members {
		at := join(path, m.name)
		values, free := p.AdditionalProperties.(*schema)
		member := p.Properties[m.name]
		switch {
		case seen[m.name]:
			wrong = append(wrong, web.FieldProblem{Field: at, Reason: reasonDuplicate})
		case member != nil:
			wrong = append(wrong, s.check(member, m.value, at)...)
		case free:
			wrong = append(wrong, s.check(values, m.value, at)...)
		default:
			wrong = append(wrong, web.FieldProblem{Field: clipField(at), Reason: reasonUnknown})
		}
		seen[m.name] = true
	}
	for _, name := range p.Required {
		if !seen[name] {
			wrong = append(wrong, web.FieldProblem{Field: join(path, name), Reason: reasonMissing})
		}
	}
	return wrong
}

// join names a member of a member.
func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "/" + name
}

// clipField keeps a name that a request made up to a length that an answer can repeat.
func clipField(name string) string {
	if r := []rune(name); len(r) > 64 {
		return string(r[:64])
	}
	return name
}

// readTime reads a moment that both engines can hold.
func readTime(text string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}, err
	}
	if t.UnixMicro() < 0 || t.UnixMicro() > maxVersion {
		return time.Time{}, fmt.Errorf("time %d out of range", t.Year())
	}
	return t.UTC().Truncate(time.Microsecond), nil
}

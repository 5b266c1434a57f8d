package admin

import (
	"slices"
	"strings"
	"time"
)

// The names of schemas and messages (RFC 7643 section 10, RFC 7644 section 8.2), and of our own extension.
const (
	scimUserSchema       = "urn:ietf:params:scim:schemas:core:2.0:User"
	scimGroupSchema      = "urn:ietf:params:scim:schemas:core:2.0:Group"
	scimEnterpriseSchema = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	scimFutakagiSchema   = "urn:futakagi:scim:schemas:2.0:User"

	scimListMessage   = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
	scimSearchMessage = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
	scimPatchMessage  = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
	scimErrorMessage  = "urn:ietf:params:scim:api:messages:2.0:Error"
)

// The types of attributes that we have (RFC 7643 section 2.3).
const (
	scimText    = "string"
	scimBool    = "boolean"
	scimTime    = "dateTime"
	scimLink    = "reference"
	scimComplex = "complex"
)

// scimAttribute is an attribute of a resource, or of a complex attribute.
type scimAttribute struct {
	name, kind, doc string
	multi, required bool
	// exact is whether capitals matter.
	exact bool
	// fixed is whether clients cannot change it, once whether they can only say it when they create the resource, and never whether it
	// is in no answer.
	fixed, once, never bool
	// unique is "server" or "none".
	unique string
	// always is whether it is in every answer.
	always bool
	words  []string
	sub    []scimAttribute
}

// find finds an attribute of a complex one.
func (a scimAttribute) find(name string) (scimPath, bool) {
	for _, s := range a.sub {
		if strings.EqualFold(s.name, name) {
			return scimPath{steps: []string{s.name}, attributes: []scimAttribute{s}}, true
		}
	}
	return scimPath{}, false
}

// document describes the attribute (RFC 7643 section 7).
func (a scimAttribute) document() map[string]any {
	d := map[string]any{
		"name": a.name, "type": a.kind, "description": a.doc, "multiValued": a.multi, "required": a.required, "caseExact": a.exact,
		"mutability": "readWrite", "returned": "default", "uniqueness": "none",
	}
	switch {
	case a.fixed:
		d["mutability"] = "readOnly"
	case a.once:
		d["mutability"] = "immutable"
	case a.never:
		d["mutability"], d["returned"] = "writeOnly", "never"
	}
	if a.always {
		d["returned"] = "always"
	}
	if a.unique != "" {
		d["uniqueness"] = a.unique
	}
	if len(a.words) > 0 {
		d["canonicalValues"] = a.words
	}
	if a.kind == scimLink {
		d["referenceTypes"] = []string{"User", "Group"}
	}
	if len(a.sub) > 0 {
		subs := make([]any, 0, len(a.sub))
		for _, s := range a.sub {
			subs = append(subs, s.document())
		}
		d["subAttributes"] = subs
	}
	return d
}

// scimPath is where a value is in a resource. A step may be the name of an extension.
type scimPath struct {
	steps []string
	// attributes are those of the steps that name one.
	attributes []scimAttribute
}

// leaf is the attribute that a path ends in.
func (p scimPath) leaf() scimAttribute { return p.attributes[len(p.attributes)-1] }

func (p scimPath) String() string { return strings.Join(p.steps, ".") }

// values are what is at a path, those of multi-valued attributes one by one.
func (p scimPath) values(v any) []any {
	found := []any{v}
	for _, step := range p.steps {
		var next []any
		for _, v := range found {
			m, _ := v.(map[string]any)
			switch v := m[step].(type) {
			case nil:
			case []any:
				next = append(next, v...)
			default:
				next = append(next, v)
			}
		}
		found = next
	}
	return slices.DeleteFunc(found, func(v any) bool { return v == "" })
}

// comparable reports whether an operator can compare the attribute with a value, and returns the value as the attribute has them.
func (p scimPath) comparable(op string, value any) (any, bool) {
	leaf := p.leaf()
	if leaf.kind == scimComplex {
		of, ok := leaf.find("value")
		if !ok || !leaf.multi {
			return nil, false
		}
		leaf = of.leaf()
	}
	if value == nil {
		return nil, op == "eq" || op == "ne"
	}
	switch leaf.kind {
	case scimBool:
		b, ok := asBool(value)
		return b, ok && (op == "eq" || op == "ne")
	case scimTime:
		text, ok := value.(string)
		_, err := time.Parse(time.RFC3339Nano, text)
		return value, ok && err == nil && !slices.Contains([]string{"co", "sw", "ew"}, op)
	}
	_, ok := value.(string)
	return value, ok
}

// asBool reads a boolean, also one that was sent as a text, as Entra does.
func asBool(v any) (bool, bool) {
	switch v := v.(type) {
	case bool:
		return v, true
	case string:
		switch strings.ToLower(v) {
		case "true":
			return true, true
		case "false":
			return false, true
		}
	}
	return false, false
}

// scimSchema is a schema of a resource.
type scimSchema struct {
	id, name, doc string
	attributes    []scimAttribute
}

// scimKind is a kind of resource.
type scimKind struct {
	name, endpoint, doc string
	// schemas are its own and its extensions.
	schemas []scimSchema
	// ignored are attributes of the standard that we take and do not keep, by the name of their schema.
	ignored map[string][]string
}

// common are the attributes that every resource has (RFC 7643 section 3.1).
func common() []scimAttribute {
	return []scimAttribute{
		{name: "id", kind: scimText, exact: true, fixed: true, always: true, unique: "server"},
		{name: "schemas", kind: scimLink, multi: true, exact: true, always: true},
		{name: "externalId", kind: scimText, exact: true},
		{name: "meta", kind: scimComplex, fixed: true, sub: []scimAttribute{
			{name: "resourceType", kind: scimText, exact: true, fixed: true},
			{name: "created", kind: scimTime, fixed: true},
			{name: "lastModified", kind: scimTime, fixed: true},
			{name: "location", kind: scimText, exact: true, fixed: true},
			{name: "version", kind: scimText, exact: true, fixed: true},
		}},
	}
}

// find resolves the name of an attribute, with or without that of its schema, and with or without a sub-attribute.
func (k *scimKind) find(name string) (scimPath, bool) {
	schema, rest, ok := k.split(name)
	if !ok {
		return scimPath{}, false
	}
	attributes := schema.attributes
	if schema.id == k.schemas[0].id {
		attributes = append(common(), attributes...)
	}
	first, second, nested := strings.Cut(rest, ".")
	path, ok := scimAttribute{sub: attributes}.find(first)
	if ok && nested {
		var sub scimPath
		if sub, ok = path.leaf().find(second); ok {
			path = scimPath{append(path.steps, sub.steps...), append(path.attributes, sub.attributes...)}
		}
	}
	if ok && schema.id != k.schemas[0].id {
		path.steps = append([]string{schema.id}, path.steps...)
	}
	return path, ok
}

// split takes the name of a schema off the name of an attribute; without one it is the kind's own. The rest of a schema's mere name is
// empty.
func (k *scimKind) split(name string) (scimSchema, string, bool) {
	if !strings.Contains(name, ":") {
		return k.schemas[0], name, true
	}
	for _, s := range k.schemas {
		if len(name) >= len(s.id) && strings.EqualFold(name[:len(s.id)], s.id) {
			rest := name[len(s.id):]
			if rest == "" {
				return s, "", true
			}
			if rest[0] == ':' {
				return s, rest[1:], true
			}
		}
	}
	return scimSchema{}, "", false
}

// isIgnored reports whether an attribute is one that we take and do not keep.
func (k *scimKind) isIgnored(schema, name string) bool {
	return slices.ContainsFunc(k.ignored[schema], func(s string) bool { return strings.EqualFold(s, name) })
}

func reference(name, doc string) scimAttribute {
	return scimAttribute{name: name, kind: scimLink, exact: true, fixed: true, doc: doc}
}

// scimUsers are the store accounts of a customer (RFC 7643 section 4.1).
func scimUsers() *scimKind {
	fixed := func(name, kind, doc string) scimAttribute {
		return scimAttribute{name: name, kind: kind, doc: doc, fixed: true}
	}
	methods := fixed("methods", scimText, "the methods that are set up, the main one first")
	methods.multi = true
	return &scimKind{
		name: "User", endpoint: "/Users", doc: "A store account",
		schemas: []scimSchema{
			{scimUserSchema, "User", "A store account", []scimAttribute{
				{name: "userName", kind: scimText, required: true, once: true, unique: "server", doc: "The login ID"},
				{name: "name", kind: scimComplex, doc: "The name that is shown", sub: []scimAttribute{
					{name: "formatted", kind: scimText, doc: "The same as displayName"},
				}},
				{name: "displayName", kind: scimText, doc: "The name that is shown"},
				{name: "active", kind: scimBool, doc: "Whether the account can sign in; what it holds ends when it no longer can"},
				{name: "password", kind: scimText, exact: true, never: true, doc: "The password"},
				{name: "preferredLanguage", kind: scimText, fixed: true, doc: "The language of the last sign-in"},
				{name: "emails", kind: scimComplex, multi: true, required: true, doc: "The registered address, one", sub: []scimAttribute{
					{name: "value", kind: scimText, required: true, doc: "The address"},
					{name: "type", kind: scimText, fixed: true, words: []string{"work"}, doc: "Always work"},
					{name: "primary", kind: scimBool, fixed: true, doc: "Always true"},
				}},
				{name: "groups", kind: scimComplex, multi: true, fixed: true, doc: "The user group of the account, one", sub: []scimAttribute{
					{name: "value", kind: scimText, exact: true, fixed: true, doc: "Its id"},
					reference("$ref", "Where it is"),
					fixed("display", scimText, "Its name"),
					{name: "type", kind: scimText, fixed: true, words: []string{"direct"}, doc: "Always direct"},
				}},
			}},
			{scimEnterpriseSchema, "EnterpriseUser", "What an enterprise knows of its people", []scimAttribute{
				fixed("organization", scimText, "The name of the customer"),
			}},
			{scimFutakagiSchema, "Futakagi", "Where the second factor stands", []scimAttribute{
				{name: "twoFactor", kind: scimComplex, fixed: true, doc: "Where the second factor stands", sub: []scimAttribute{
					{name: "switch", kind: scimText, fixed: true, words: []string{"use", "dont_use"}, doc: "The account's own choice"},
					fixed("required", scimBool, "Whether a sign-in demands a second factor, by the choice or by enforcement"),
					methods,
				}},
			}},
		},
		ignored: map[string][]string{
			scimUserSchema: {
				"nickName", "profileUrl", "title", "userType", "locale", "timezone", "phoneNumbers", "ims", "photos", "addresses", "entitlements",
				"roles", "x509Certificates", "name.familyName", "name.givenName", "name.middleName", "name.honorificPrefix",
				"name.honorificSuffix", "emails.display",
			},
			scimEnterpriseSchema: {"employeeNumber", "costCenter", "division", "department", "manager"},
		},
	}
}

// scimGroups are the user groups of a customer (RFC 7643 section 4.2).
func scimGroups() *scimKind {
	return &scimKind{
		name: "Group", endpoint: "/Groups", doc: "A user group",
		schemas: []scimSchema{{scimGroupSchema, "Group", "A user group", []scimAttribute{
			{name: "displayName", kind: scimText, required: true, unique: "server", doc: "The name"},
			{name: "members", kind: scimComplex, multi: true, doc: "The accounts in the group; an account is in one group", sub: []scimAttribute{
				{name: "value", kind: scimText, exact: true, once: true, doc: "The id of the account"},
				reference("$ref", "Where it is"),
				{name: "type", kind: scimText, once: true, words: []string{"User"}, doc: "Always User"},
				{name: "display", kind: scimText, fixed: true, doc: "Its name"},
			}},
		}}},
	}
}

package admin

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/futakagi/futakagi/store"
)

const (
	// maxExternal is how long a client's own name of a resource may be, in characters, and maxOperations how many operations a PATCH
	// may have.
	maxExternal   = 255
	maxOperations = 100
)

// scimTarget is what an operation of PATCH, or a member of a resource, is about.
type scimTarget struct {
	schema string
	// name and sub are in lower case; sub may be empty.
	name, sub string
	// only is which values of a multi-valued attribute are meant; nil for all. byType is whether it asks for their type.
	only   scimFilter
	byType bool
	// named is whether the request names the attribute in a path, rather than as a member of a whole resource.
	named bool
	// ignored is whether the attribute is one that we take and do not keep, and fixed whether it cannot be changed.
	ignored, fixed bool
}

// readTarget reads the path of an operation (RFC 7644 figure 7), or the name of a member.
func readTarget(kind *scimKind, text string) (scimTarget, error) {
	wrong := scimFault(scimInvalidPath, "the path names no attribute of the resource")
	if len(text) > maxFilter || text == "" {
		return scimTarget{}, wrong
	}
	p := &scimParser{text: text, find: kind.find}
	name := p.word()
	schema, rest, ok := kind.split(name)
	if !ok {
		return scimTarget{}, wrong
	}
	t := scimTarget{schema: schema.id}
	if rest == "" {
		if p.at < len(text) {
			return scimTarget{}, wrong
		}
		return t, nil
	}
	t.name, t.sub, _ = strings.Cut(strings.ToLower(rest), ".")
	path, kept := kind.find(schema.id + ":" + t.name)
	if p.at < len(text) && text[p.at] == '[' {
		if !kept { // whatever is asked of what we do not keep
			path = anything(t.name)
		}
		of, err := p.brackets(path, 0)
		if err != nil {
			return scimTarget{}, scimFault(scimInvalidPath, "the path has a filter that cannot be read")
		}
		t.only = of
		compared(of, "", func(path string, _ scimCompare) { t.byType = t.byType || path == "type" })
		if p.at < len(text) && text[p.at] == '.' {
			p.at++
			t.sub = strings.ToLower(p.word())
		}
	}
	if p.at < len(text) {
		return scimTarget{}, wrong
	}
	full := t.name
	if t.sub != "" {
		full += "." + t.sub
	}
	leaf, known := kind.find(schema.id + ":" + full)
	switch {
	case kind.isIgnored(schema.id, t.name), kind.isIgnored(schema.id, full):
		t.ignored = true
	case !known:
		return scimTarget{}, wrong
	default:
		t.fixed = path.leaf().fixed || leaf.leaf().fixed
	}
	return t, nil
}

// anything stands for an attribute that we do not keep, in the filter of a path.
func anything(name string) scimPath {
	a := scimAttribute{name: name, kind: scimComplex, multi: true}
	for _, sub := range []string{
		"value", "type", "display", "$ref", "formatted", "streetAddress", "locality", "region", "postalCode", "country",
	} {
		a.sub = append(a.sub, scimAttribute{name: sub, kind: scimText})
	}
	a.sub = append(a.sub, scimAttribute{name: "primary", kind: scimBool})
	return scimPath{steps: []string{name}, attributes: []scimAttribute{a}}
}

// scimOperation is one operation of a PATCH, or a member of a resource that was sent whole, which replaces what is there.
type scimOperation struct {
	op     string
	target scimTarget
	value  any
	// whole is whether the resource was sent whole.
	whole bool
}

// eachMember calls do for every member of an object as an operation of its own. Their names may be paths.
func eachMember(kind *scimKind, op, schema string, members object, whole bool, do func(scimOperation) error) error {
	for _, m := range members {
		name := m.name
		if schema != "" {
			name = schema + ":" + name
		}
		if whole && strings.ContainsAny(name[strings.LastIndex(name, ":")+1:], ".[") {
			return scimFault(scimInvalidSyntax, "the resource has a member that is no attribute")
		}
		t, err := readTarget(kind, name)
		if err != nil {
			if whole {
				return scimFault(scimInvalidSyntax, "the resource has a member that is no attribute of it: "+clipField(m.name))
			}
			return err
		}
		if t.name == "" {
			of, ok := m.value.(object)
			if !ok || schema != "" {
				return scimFault(scimInvalidSyntax, "an extension must be an object")
			}
			if err := eachMember(kind, op, t.schema, of, whole, do); err != nil {
				return err
			}
			continue
		}
		if t.ignored || t.fixed || t.name == "schemas" {
			continue // what cannot be changed is left alone where it is part of the resource (RFC 7644 section 3.3)
		}
		if err := do(scimOperation{op: op, target: t, value: m.value, whole: whole}); err != nil {
			return err
		}
	}
	return nil
}

// readResource reads a resource that was sent whole.
func readResource(kind *scimKind, body any, do func(scimOperation) error) error {
	members, ok := body.(object)
	if !ok {
		return scimFault(scimInvalidSyntax, "the request is no JSON object")
	}
	if !hasSchema(members, kind.schemas[0].id) {
		return scimFault(scimInvalidSyntax, "schemas must have "+kind.schemas[0].id)
	}
	return eachMember(kind, "replace", "", members, true, do)
}

// readPatch reads the operations of a PATCH (RFC 7644 section 3.5.2).
func readPatch(kind *scimKind, body any, do func(scimOperation) error) error {
	members, _ := body.(object)
	if !hasSchema(members, scimPatchMessage) {
		return scimFault(scimInvalidSyntax, "schemas must have "+scimPatchMessage)
	}
	var operations []any
	for _, m := range members {
		switch strings.ToLower(m.name) {
		case "schemas":
		case "operations":
			operations, _ = m.value.([]any)
		default:
			return scimFault(scimInvalidSyntax, "a PATCH has schemas and Operations alone")
		}
	}
	if len(operations) == 0 || len(operations) > maxOperations {
		return scimFault(scimInvalidSyntax, "Operations must be a list of 1 to 100")
	}
	for _, one := range operations {
		if err := readOperation(kind, one, do); err != nil {
			return err
		}
	}
	return nil
}

func readOperation(kind *scimKind, raw any, do func(scimOperation) error) error {
	members, ok := raw.(object)
	if !ok {
		return scimFault(scimInvalidSyntax, "an operation must be an object")
	}
	o := scimOperation{}
	path, hasPath, hasValue := "", false, false
	for _, m := range members {
		is := false
		switch strings.ToLower(m.name) {
		case "op":
			o.op, is = m.value.(string)
			o.op = strings.ToLower(o.op) // Entra writes Add
		case "path":
			path, is = m.value.(string)
			hasPath = is
			is = is || m.value == nil
		case "value":
			o.value, hasValue, is = m.value, true, true
		}
		if !is {
			return scimFault(scimInvalidSyntax, "an operation has op, path and value alone")
		}
	}
	switch {
	case !slices.Contains([]string{"add", "remove", "replace"}, o.op):
		return scimFault(scimInvalidSyntax, "op must be add, remove or replace")
	case o.op == "remove" && !hasPath:
		return scimFault(scimNoTarget, "remove needs a path")
	case o.op != "remove" && !hasValue:
		return scimFault(scimInvalidValue, o.op+" needs a value")
	}
	if !hasPath {
		of, ok := o.value.(object)
		if !ok {
			return scimFault(scimInvalidValue, "without a path, value must be an object")
		}
		return eachMember(kind, o.op, "", of, false, do)
	}
	t, err := readTarget(kind, path)
	if err != nil {
		return err
	}
	if t.name == "" {
		of, ok := o.value.(object)
		if o.op == "remove" || !ok {
			return scimFault(scimMutability, "the extension has nothing that can be changed")
		}
		return eachMember(kind, o.op, t.schema, of, false, do)
	}
	t.named = true
	o.target = t
	switch {
	case t.ignored:
		return nil
	case t.fixed && t.name != "emails" || t.name == "schemas":
		return scimFault(scimMutability, "the attribute cannot be changed")
	}
	return do(o)
}

// hasSchema reports whether the member schemas has a name.
func hasSchema(members object, name string) bool {
	for _, m := range members {
		list, ok := m.value.([]any)
		if strings.EqualFold(m.name, "schemas") && ok {
			return slices.ContainsFunc(list, func(v any) bool {
				s, ok := v.(string)
				return ok && strings.EqualFold(s, name)
			})
		}
	}
	return false
}

// readText reads a text; nil, which is no value, only where that may be.
func readText(o scimOperation, name string, most int) (string, error) {
	s, ok := o.value.(string)
	switch {
	case !ok:
		return "", scimFault(scimInvalidValue, name+" must be a string")
	case utf8.RuneCountInString(s) > most:
		return "", scimFault(scimInvalidValue, name+" is too long")
	case strings.ContainsRune(s, 0):
		return "", scimFault(scimInvalidValue, name+" has a character that no text has")
	}
	return s, nil
}

// gone reports whether an operation takes an attribute's value away.
func (o scimOperation) gone() bool { return o.op == "remove" || o.value == nil }

// readExternal reads a client's own name of a resource.
func readExternal(o scimOperation) (*string, error) {
	if o.gone() {
		return new(string), nil
	}
	s, err := readText(o, "externalId", maxExternal)
	if err == nil && strings.ContainsFunc(s, unicode.IsControl) {
		err = scimFault(scimInvalidValue, "externalId has a character that no name has")
	}
	return &s, err
}

// userInput collects what a request says of an account.
type userInput struct {
	change UserChange
	// present is the account's address; empty for one to come, and for one that came without.
	present string
	// display and formatted are two attributes that are one to us; family and given are what the name is made of without them.
	display, formatted, family, given string
	// cleared is whether the name was taken away.
	cleared bool
}

func (in *userInput) do(o scimOperation) error {
	switch o.target.name {
	case "username":
		if o.gone() {
			return scimFault(scimMutability, "userName cannot be taken away")
		}
		s, err := readText(o, "userName", maxExternal)
		in.change.LoginID = &s
		return err
	case "displayname":
		in.cleared = o.gone()
		return in.setName(o, &in.display, "displayName")
	case "name":
		return in.name(o)
	case "active":
		b, ok := asBool(o.value)
		if !ok || o.op == "remove" {
			return scimFault(scimInvalidValue, "active must be true or false")
		}
		in.change.Active = &b
		return nil
	case "password":
		if o.gone() {
			return scimFault(scimMutability, "password cannot be taken away")
		}
		s, err := readText(o, "password", 1024)
		in.change.Password = &s
		return err
	case "externalid":
		s, err := readExternal(o)
		in.change.ExternalID = s
		return err
	case "emails":
		return in.email(o)
	}
	return scimFault(scimMutability, "the attribute cannot be changed")
}

// setName notes one of the attributes that a name can be in.
func (in *userInput) setName(o scimOperation, field *string, name string) error {
	if o.gone() {
		*field = ""
		return nil
	}
	s, err := readText(o, name, 1024)
	*field = s
	return err
}

// name reads the complex attribute, or its formatted one.
func (in *userInput) name(o scimOperation) error {
	if o.target.sub == "formatted" || o.gone() {
		return in.setName(o, &in.formatted, "name.formatted")
	}
	parts, ok := o.value.(object)
	if !ok {
		return scimFault(scimInvalidValue, "name must be an object")
	}
	for _, m := range parts {
		part := o
		part.value = m.value
		var err error
		switch strings.ToLower(m.name) {
		case "formatted":
			err = in.setName(part, &in.formatted, "name.formatted")
		case "familyname":
			err = in.part(part, &in.family)
		case "givenname":
			err = in.part(part, &in.given)
		case "middlename", "honorificprefix", "honorificsuffix":
		default:
			err = scimFault(scimInvalidSyntax, "name has a member that is none")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// part reads a part of a name, which counts where the resource was sent whole.
func (in *userInput) part(o scimOperation, field *string) error {
	if o.value == nil || !o.whole {
		return nil
	}
	s, err := readText(o, "name", 1024)
	*field = s
	return err
}

// email reads the registered address. No other one is kept, and what is not kept is taken all the same.
func (in *userInput) email(o scimOperation) error {
	t := o.target
	if t.only != nil && !t.only.match(workAddress(in.present)) {
		switch {
		case t.byType || o.op == "add":
			return nil
		default:
			return scimFault(scimNoTarget, "emails has no such value")
		}
	}
	if o.gone() {
		return scimFault(scimMutability, "emails cannot be taken away")
	}
	switch t.sub {
	case "value":
		return in.setEmail(o)
	case "":
	default:
		return nil // type and primary are what they are
	}
	items, ok := o.value.([]any)
	if !ok {
		items = []any{o.value}
	}
	best, rank := any(nil), 0
	primary := 0
	for _, item := range items {
		value, r, err := readEmail(item)
		if err != nil {
			return err
		}
		if r == 3 {
			primary++
		}
		if r > rank {
			best, rank = value, r
		}
	}
	switch {
	case primary > 1:
		return scimFault(scimInvalidValue, "emails has more than one primary value")
	case rank == 0 && o.op == "add":
		return nil
	case rank == 0:
		return scimFault(scimInvalidValue, "emails must have an address")
	case rank == 1 && o.op == "add":
		return nil // another address beside the one that is kept
	}
	o.value = best
	return in.setEmail(o)
}

func (in *userInput) setEmail(o scimOperation) error {
	s, err := readText(o, "emails.value", maxExternal)
	in.change.Email = &s
	return err
}

// readEmail reads one value of emails, and says how much it is the one to keep: 3 for the primary one, 2 for that of work or of no type,
// 1 for any other, 0 for none.
func readEmail(item any) (value any, rank int, err error) {
	members, ok := item.(object)
	if !ok {
		return nil, 0, scimFault(scimInvalidValue, "emails must be a list of objects")
	}
	rank = 2
	for _, m := range members {
		switch strings.ToLower(m.name) {
		case "value":
			value = m.value
		case "type":
			kind, ok := m.value.(string)
			if !ok && m.value != nil {
				return nil, 0, scimFault(scimInvalidValue, "emails.type must be a string")
			}
			if kind != "" && !strings.EqualFold(kind, "work") && rank == 2 {
				rank = 1
			}
		case "primary":
			primary, ok := asBool(m.value)
			if !ok && m.value != nil {
				return nil, 0, scimFault(scimInvalidValue, "emails.primary must be true or false")
			}
			if primary {
				rank = 3
			}
		case "display", "$ref":
		default:
			return nil, 0, scimFault(scimInvalidSyntax, "emails has a member that is none")
		}
	}
	if value == nil || value == "" {
		return nil, 0, nil
	}
	return value, rank, nil
}

// whole completes what a resource that was sent whole says of an account: what it does not say is taken away, where that can be.
func (in *userInput) whole() (UserChange, error) {
	if in.change.LoginID == nil {
		return UserChange{}, scimFault(scimInvalidValue, "userName is missing")
	}
	if in.change.Email == nil {
		return UserChange{}, scimFault(scimInvalidValue, "emails is missing")
	}
	if in.change.ExternalID == nil {
		in.change.ExternalID = new(string)
	}
	in.change.Name = new(in.fullName(*in.change.LoginID))
	return in.change, nil
}

// partial completes what a PATCH says of an account with a login ID.
func (in *userInput) partial(login string) UserChange {
	if in.cleared || in.display != "" || in.formatted != "" {
		in.change.Name = new(in.fullName(login))
	}
	return in.change
}

// fullName is the name that is shown: as it was sent, or made of its parts, or the login ID.
func (in *userInput) fullName(login string) string {
	for _, name := range []string{in.display, in.formatted, in.madeName(), login} {
		if strings.TrimSpace(name) != "" {
			return name
		}
	}
	return ""
}

// madeName is the name made of its parts: the family name first where it is in a script of East Asia.
func (in *userInput) madeName() string {
	first, second := in.given, in.family
	if strings.ContainsFunc(in.family, eastAsian) {
		first, second = second, first
	}
	return strings.TrimSpace(first + " " + second)
}

func eastAsian(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul)
}

// groupInput collects what a request says of a user group.
type groupInput struct {
	change GroupChange
}

func (in *groupInput) do(o scimOperation) error {
	switch o.target.name {
	case "displayname":
		if o.gone() {
			return scimFault(scimMutability, "displayName cannot be taken away")
		}
		s, err := readText(o, "displayName", 1024)
		in.change.Name = &s
		return err
	case "externalid":
		s, err := readExternal(o)
		in.change.ExternalID = s
		return err
	case "members":
		return in.members(o)
	}
	return scimFault(scimMutability, "the attribute cannot be changed")
}

func (in *groupInput) members(o scimOperation) error {
	t := o.target
	switch {
	case t.sub != "" || t.only != nil && o.op != "remove":
		return scimFault(scimMutability, "a member is put in or taken out as it is")
	case t.only != nil:
		id, ok := exactly(t.only, "value")
		if !ok {
			return scimFault(scimInvalidFilter, "members can be looked for by value alone")
		}
		in.change.Members = append(in.change.Members, MemberChange{"remove", []store.AccountID{store.AccountID(id)}})
		return nil
	case o.op == "remove" && o.value == nil, o.op == "replace" && o.value == nil:
		in.change.Members = append(in.change.Members, MemberChange{Op: "replace"})
		return nil
	}
	ids, err := readMembers(o.value)
	in.change.Members = append(in.change.Members, MemberChange{o.op, ids})
	return err
}

// readMembers reads the ids of members. A client may say more of them, which is ours to know.
func readMembers(value any) ([]store.AccountID, error) {
	items, ok := value.([]any)
	if !ok {
		items = []any{value}
	}
	ids := []store.AccountID{}
	for _, item := range items {
		members, ok := item.(object)
		if !ok {
			return nil, scimFault(scimInvalidValue, "members must be a list of objects")
		}
		id := ""
		for _, m := range members {
			switch strings.ToLower(m.name) {
			case "value":
				id, _ = m.value.(string)
			case "type":
				if kind, ok := m.value.(string); m.value != nil && (!ok || !strings.EqualFold(kind, provisionedUser)) {
					return nil, scimFault(scimInvalidValue, "members can be users alone")
				}
			case "$ref", "display":
			default:
				return nil, scimFault(scimInvalidSyntax, "members has a member that is none")
			}
		}
		if id == "" {
			return nil, scimFault(scimInvalidValue, "members must have a value")
		}
		ids = append(ids, store.AccountID(id))
	}
	return ids, nil
}

// whole completes what a group that was sent whole says: members that it does not have at all stay, as Entra leaves them out.
func (in *groupInput) whole() (GroupChange, error) {
	if in.change.Name == nil {
		return GroupChange{}, scimFault(scimInvalidValue, "displayName is missing")
	}
	if in.change.ExternalID == nil {
		in.change.ExternalID = new(string)
	}
	return in.change, nil
}

package admin

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// The bounds of a filter (RFC 7644 section 3.4.2.2): what it costs is decided before it is used.
const (
	maxFilter      = 2048 // bytes
	maxFilterDepth = 16
	maxFilterTerms = 40
)

// scimFilter is a filter that was read: whether a resource, or a value of a complex attribute, is wanted.
type scimFilter interface {
	match(v map[string]any) bool
}

type (
	scimAnd struct{ left, right scimFilter }
	scimOr  struct{ left, right scimFilter }
	scimNot struct{ of scimFilter }
	// scimCompare compares an attribute; op is pr for its mere presence.
	scimCompare struct {
		path  scimPath
		op    string
		value any
	}
	// scimHas is whether a multi-valued attribute has a value that another filter wants.
	scimHas struct {
		path scimPath
		of   scimFilter
	}
)

func (f scimAnd) match(v map[string]any) bool { return f.left.match(v) && f.right.match(v) }
func (f scimOr) match(v map[string]any) bool  { return f.left.match(v) || f.right.match(v) }
func (f scimNot) match(v map[string]any) bool { return !f.of.match(v) }

func (f scimHas) match(v map[string]any) bool {
	for _, item := range f.path.values(v) {
		if m, ok := item.(map[string]any); ok && f.of.match(m) {
			return true
		}
	}
	return false
}

func (f scimCompare) match(v map[string]any) bool {
	values := f.path.values(v)
	switch {
	case f.op == "pr":
		return len(values) > 0
	case f.op == "ne":
		return !(scimCompare{f.path, "eq", f.value}).match(v)
	case f.value == nil: // eq null: it has none
		return len(values) == 0
	}
	return slices.ContainsFunc(values, f.compare)
}

// compare compares one value of the attribute. The types fit: that was checked when the filter was read.
func (f scimCompare) compare(value any) bool {
	if m, ok := value.(map[string]any); ok {
		value = m["value"]
	}
	if b, ok := value.(bool); ok {
		return b == f.value
	}
	has, ok := value.(string)
	want, isText := f.value.(string)
	if !ok || !isText {
		return false
	}
	order := 0
	switch {
	case f.path.leaf().kind == scimTime:
		order = compareTimes(has, want)
	default:
		if !f.path.leaf().exact {
			has, want = strings.ToLower(has), strings.ToLower(want)
		}
		order = strings.Compare(has, want)
	}
	switch f.op {
	case "eq":
		return order == 0
	case "gt":
		return order > 0
	case "ge":
		return order >= 0
	case "lt":
		return order < 0
	case "le":
		return order <= 0
	case "co":
		return strings.Contains(has, want)
	case "sw":
		return strings.HasPrefix(has, want)
	case "ew":
		return strings.HasSuffix(has, want)
	}
	return false
}

func compareTimes(a, b string) int {
	at, _ := time.Parse(time.RFC3339Nano, a) // ours, and one that was checked
	bt, _ := time.Parse(time.RFC3339Nano, b)
	return at.Compare(bt)
}

// exactly returns the value that a filter demands an attribute to equal, whatever else it demands. The attribute is named in lower case.
func exactly(f scimFilter, name string) (string, bool) {
	switch f := f.(type) {
	case scimAnd:
		if v, ok := exactly(f.left, name); ok {
			return v, true
		}
		return exactly(f.right, name)
	case scimCompare:
		if v, ok := f.value.(string); ok && f.op == "eq" && strings.EqualFold(f.path.String(), name) {
			return v, true
		}
	case scimHas:
		if rest, ok := strings.CutPrefix(name, strings.ToLower(f.path.String())+"."); ok {
			return exactly(f.of, rest)
		}
	}
	return "", false
}

// compared returns every comparison of a filter, with the path in lower case.
func compared(f scimFilter, under string, note func(path string, c scimCompare)) {
	switch f := f.(type) {
	case scimAnd:
		compared(f.left, under, note)
		compared(f.right, under, note)
	case scimOr:
		compared(f.left, under, note)
		compared(f.right, under, note)
	case scimNot:
		compared(f.of, under, note)
	case scimHas:
		compared(f.of, strings.ToLower(f.path.String())+".", note)
	case scimCompare:
		note(under+strings.ToLower(f.path.String()), f)
	}
}

// A scimParser reads filters and the paths of PATCH (RFC 7644 figures 1 and 7).
type scimParser struct {
	text  string
	at    int
	terms int
	// find resolves the name of an attribute.
	find func(name string) (scimPath, bool)
}

// readFilter reads a filter on a kind of resource.
func readFilter(text string, kind *scimKind) (scimFilter, error) {
	if len(text) > maxFilter {
		return nil, scimFault(scimInvalidFilter, "the filter is too long")
	}
	p := &scimParser{text: text, find: kind.find}
	f, err := p.or(0)
	if err == nil && p.skip() < len(p.text) {
		err = p.wrong("there is more after its end")
	}
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (p *scimParser) wrong(what string) error { return scimFault(scimInvalidFilter, what) }

// skip passes over spaces and returns where it is.
func (p *scimParser) skip() int {
	for p.at < len(p.text) && p.text[p.at] == ' ' {
		p.at++
	}
	return p.at
}

// sign passes over a character if it comes next.
func (p *scimParser) sign(c byte) bool {
	if p.skip() < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

// word reads the name of an attribute or operator.
func (p *scimParser) word() string {
	from := p.skip()
	for p.at < len(p.text) {
		c := p.text[p.at]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune(":._$-", rune(c)) {
			break
		}
		p.at++
	}
	return p.text[from:p.at]
}

// keyword passes over a word if it comes next.
func (p *scimParser) keyword(word string) bool {
	from := p.skip()
	if strings.EqualFold(p.word(), word) {
		return true
	}
	p.at = from
	return false
}

func (p *scimParser) or(depth int) (scimFilter, error) {
	left, err := p.and(depth)
	for err == nil && p.keyword("or") {
		var right scimFilter
		right, err = p.and(depth)
		left = scimOr{left, right}
	}
	return left, err
}

func (p *scimParser) and(depth int) (scimFilter, error) {
	left, err := p.term(depth)
	for err == nil && p.keyword("and") {
		var right scimFilter
		right, err = p.term(depth)
		left = scimAnd{left, right}
	}
	return left, err
}

func (p *scimParser) term(depth int) (scimFilter, error) {
	p.terms++
	if depth > maxFilterDepth || p.terms > maxFilterTerms {
		return nil, p.wrong("the filter is too complex")
	}
	if p.keyword("not") {
		if p.skip(); p.at == len(p.text) || p.text[p.at] != '(' {
			return nil, p.wrong("a parenthesis must follow not")
		}
		f, err := p.term(depth + 1)
		return scimNot{f}, err
	}
	if p.sign('(') {
		f, err := p.or(depth + 1)
		if err == nil && !p.sign(')') {
			err = p.wrong("a parenthesis is not closed")
		}
		return f, err
	}
	name := p.word()
	path, ok := p.find(name)
	if !ok {
		return nil, p.wrong("it names an attribute that is not kept")
	}
	if p.at < len(p.text) && p.text[p.at] == '[' {
		return p.valuePath(path, depth)
	}
	return p.comparison(path)
}

// valuePath reads what follows the name in emails[type eq "work"], and in emails[type eq "work"].value eq "…", which the RFC does not
// have and Entra sends.
func (p *scimParser) valuePath(path scimPath, depth int) (scimFilter, error) {
	of, err := p.brackets(path, depth)
	if err != nil {
		return nil, err
	}
	if p.at == len(p.text) || p.text[p.at] != '.' {
		return scimHas{path, of}, nil
	}
	p.at++
	sub, ok := path.leaf().find(p.word())
	if !ok {
		return nil, p.wrong("it names an attribute that is not kept")
	}
	c, err := p.comparison(sub)
	return scimHas{path, scimAnd{of, c}}, err
}

// brackets reads a filter on the values of an attribute.
func (p *scimParser) brackets(path scimPath, depth int) (scimFilter, error) {
	if !p.sign('[') || !path.leaf().multi || path.leaf().kind != scimComplex {
		return nil, p.wrong("brackets follow the name of an attribute that has none")
	}
	outer := p.find
	p.find = path.leaf().find
	of, err := p.or(depth + 1)
	p.find = outer
	if err == nil && !p.sign(']') {
		err = p.wrong("a bracket is not closed")
	}
	return of, err
}

func (p *scimParser) comparison(path scimPath) (scimFilter, error) {
	if path.leaf().never {
		return nil, p.wrong("it names an attribute that cannot be looked for")
	}
	op := strings.ToLower(p.word())
	switch op {
	case "pr":
		return scimCompare{path: path, op: op}, nil
	case "eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le":
	default:
		return nil, p.wrong("it has no operator where one must be")
	}
	value, err := p.value()
	if err != nil {
		return nil, err
	}
	value, ok := path.comparable(op, value)
	if !ok {
		return nil, p.wrong("operator and value do not fit the attribute")
	}
	return scimCompare{path, op, value}, nil
}

// value reads a JSON string, true, false or null. No attribute of ours is a number.
func (p *scimParser) value() (any, error) {
	if p.skip(); p.at < len(p.text) && p.text[p.at] == '"' {
		end := p.at + 1
		for end < len(p.text) && p.text[end] != '"' {
			if p.text[end] == '\\' {
				end++
			}
			end++
		}
		var s string
		if end >= len(p.text) || !utf8.ValidString(p.text[p.at:end+1]) || json.Unmarshal([]byte(p.text[p.at:end+1]), &s) != nil ||
			strings.ContainsRune(s, 0) {
			return nil, p.wrong("it has a text that is none")
		}
		p.at = end + 1
		return s, nil
	}
	switch p.word() {
	case "true":
		return true, nil
	case "false":
		return false, nil
	case "null":
		return nil, nil
	}
	return nil, p.wrong("it has no value where one must be")
}

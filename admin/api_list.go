package admin

import (
	"encoding/base64"
	"encoding/json"
	"strconv"

	"github.com/futakagi/futakagi/web"
)

// list is one page of a list.
type list[T any] struct {
	Items []T `json:"items"`
	// Next is what to send as cursor for the page after this one.
	Next string `json:"next,omitempty" doc:"the cursor of the page after this one; absent at the end"`
}

// paging are the parameters of every list.
type paging struct {
	Limit  int    `query:"limit" min:"1" max:"200" doc:"the most items of a page; 50 if absent"`
	Cursor string `query:"cursor" max:"512" doc:"next of the page before"`
}

// span is where a list in the order of a key goes on. valid says what its keys look like; nil for any.
func (p paging) span(valid func(string) bool) (Span, error) {
	s := Span{Limit: p.limit()}
	if p.Cursor == "" {
		return s, nil
	}
	parts, ok := readCursor(p.Cursor, 1)
	if !ok || parts[0] == "" || valid != nil && !valid(parts[0]) {
		return Span{}, wrongCursor()
	}
	s.After = parts[0]
	return s, nil
}

// numbered is span for a list whose rows are counted.
func (p paging) numbered() (Span, error) {
	return p.span(func(key string) bool {
		n, err := strconv.ParseInt(key, 10, 64)
		return err == nil && n >= 0
	})
}

// number64 spells the key of a row in such a list.
func number64(n int64) string { return cursor(strconv.FormatInt(n, 10)) }

// place is where a list in the order of time and id goes on.
func (p paging) place() (Place, error) {
	if p.Cursor == "" {
		return Place{}, nil
	}
	at, ok := readPlace(p.Cursor)
	if !ok {
		return Place{}, wrongCursor()
	}
	return at, nil
}

func (p paging) limit() int {
	if p.Limit == 0 {
		return pageSize
	}
	return p.Limit
}

func wrongCursor() error { return invalid(web.FieldProblem{Field: "cursor", Reason: reasonFormat}) }

// cursor spells the key of a row. Nobody is kept from making one up: it only says where to go on in what they may see anyway.
func cursor(parts ...string) string {
	raw, err := json.Marshal(parts)
	if err != nil {
		panic(err) // strings only: cannot fail
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

func readCursor(text string, n int) ([]string, bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, false
	}
	v, err := readJSON(raw)
	items, ok := v.([]any)
	if err != nil || !ok || len(items) != n {
		return nil, false
	}
	parts := make([]string, n)
	for i, item := range items {
		text, ok := item.(string)
		if !ok || len((&schema{}).checkText(text, "")) > 0 {
			return nil, false
		}
		parts[i] = text
	}
	return parts, true
}

// listOf is a page of rows; key names the last one if there are more.
func listOf[R, T any](rows []R, more bool, item func(R) T, key func(R) string) list[T] {
	next := ""
	if more {
		next = key(rows[len(rows)-1])
	}
	return listTo(rows, next, item)
}

// listTo is a page of rows with the cursor of the next one.
func listTo[R, T any](rows []R, next string, item func(R) T) list[T] {
	l := list[T]{Items: make([]T, 0, len(rows)), Next: next}
	for _, row := range rows {
		l.Items = append(l.Items, item(row))
	}
	return l
}

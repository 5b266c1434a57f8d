package admin

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/futakagi/futakagi/templates"
)

// getReference shows the table to people. Like the document it is for everybody.
func (a *API) getReference(w http.ResponseWriter, r *http.Request) error {
	return a.templates.APIReference.Render(w, http.StatusOK, a.kit.Frame(w, r), a.reference)
}

// referenceView is the page of the table.
func (a *API) referenceView() templates.APIReferenceView {
	v := templates.APIReferenceView{DocumentURL: apiRoot + "/openapi.json"}
	for _, s := range scopeRights() {
		v.Scopes = append(v.Scopes, templates.APIScope{Name: s.scope})
	}
	var codes []string
	for i := range a.table.operations {
		op := &a.table.operations[i]
		row := templates.APIOperation{
			ID: op.id, Method: op.method, Path: apiRoot + op.path, Scope: op.scope, Status: op.status, Problems: op.problems(),
			Body: a.fields(op.body, ""), Answer: a.fields(op.out, ""),
		}
		for _, p := range op.parameters {
			row.Parameters = append(row.Parameters, templates.APIField{Name: p.name, Type: typeWords(p.schema), Optional: !p.required})
		}
		if op.keyed() {
			row.Parameters = append(row.Parameters, templates.APIField{Name: headerKey, Type: "string", Optional: true})
		}
		if op.uploads {
			row.Body = []templates.APIField{{Name: "(upload)", Type: strings.Join(op.kinds, ", ")}}
		}
		if op.files {
			row.Answer = []templates.APIField{{Name: "(download)", Type: strings.Join(fileKinds(), ", ")}}
		}
		v.Operations = append(v.Operations, row)
		codes = append(codes, row.Problems...)
	}
	slices.Sort(codes)
	for _, code := range slices.Compact(codes) {
		v.Problems = append(v.Problems, templates.APIProblem{Code: code, Status: statusOf(code)})
	}
	return v
}

// fields are the members of a body, those of its members included.
func (a *API) fields(s *schema, path string) (rows []templates.APIField) {
	if s == nil {
		return nil
	}
	s = a.table.schemas.resolve(s)
	for _, name := range s.order {
		member := s.Properties[name]
		rows = append(rows, templates.APIField{
			Name: join(path, name), Type: typeWords(member), Optional: !slices.Contains(s.Required, name),
		})
		if member.Items != nil {
			member = member.Items
		}
		rows = append(rows, a.fields(member, join(path, name))...)
	}
	return rows
}

// resolve follows a reference.
func (s schemas) resolve(p *schema) *schema {
	if name, ok := strings.CutPrefix(p.Ref, "#/components/schemas/"); ok {
		return s[name]
	}
	return p
}

// typeWords says what a member looks like.
func typeWords(s *schema) string {
	name := s.Type
	if ref, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		name = ref
	}
	if s.Format != "" {
		name = s.Format
	}
	if s.Items != nil {
		return "[ " + typeWords(s.Items) + " ]"
	}
	if len(s.Enum) > 0 {
		name = strings.Join(s.Enum, " | ")
	}
	switch {
	case s.MaxLength != nil:
		name += fmt.Sprintf(" ≤ %d", *s.MaxLength)
	case s.Minimum != nil && s.Maximum != nil:
		name += fmt.Sprintf(" %d–%d", *s.Minimum, *s.Maximum)
	}
	return name
}

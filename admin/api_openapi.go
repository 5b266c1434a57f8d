package admin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// openAPI writes the document (OpenAPI 3.1) of the table.
func (a *API) openAPI() ([]byte, error) {
	schemas := a.table.schemas
	problems := schemas.of(reflect.TypeFor[web.Problem]())
	paths := map[string]map[string]any{}
	for i := range a.table.operations {
		op := &a.table.operations[i]
		if paths[op.path] == nil {
			paths[op.path] = map[string]any{}
		}
		paths[op.path][strings.ToLower(op.method)] = a.describe(op, problems)
	}
	scopes := map[string]string{}
	for _, s := range scopeRights() {
		scopes[s.scope] = a.templates.T(templates.En, "api.scope."+s.scope)
	}
	doc := map[string]any{
		"openapi": "3.1.0",
		"info":    map[string]any{"title": "Futakagi", "version": strings.TrimPrefix(apiRoot, "/api/"), "description": a.templates.T(templates.En, "api.lead")},
		"servers": []any{map[string]any{"url": a.issuer + apiRoot}},
		"paths":   paths,
		"components": map[string]any{
			"schemas": schemas,
			"securitySchemes": map[string]any{
				"client":   map[string]any{"type": "oauth2", "flows": map[string]any{"clientCredentials": map[string]any{"tokenUrl": a.issuer + "/token", "scopes": scopes}}},
				"operator": map[string]any{"type": "apiKey", "in": "cookie", "name": "__Host-futakagi-admin"},
			},
		},
	}
	raw, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write OpenAPI document: %w", err)
	}
	return raw, nil
}

// describe is one operation of the document.
func (a *API) describe(op *operation, problems *schema) map[string]any {
	out := map[string]any{
		"operationId": op.id, "summary": a.templates.T(templates.En, "api.op."+op.id),
		"tags":     []string{strings.Split(op.path, "/")[1]},
		"security": []any{map[string]any{"client": []string{op.scope}}, map[string]any{"operator": []string{}}},
	}
	parameters := []any{}
	if op.method == http.MethodGet && op.tagged {
		parameters = append(parameters, parameterObject(headerNoneMatch, "header", false, &schema{
			Type: "string", Description: "ETags that are known already: an answer with one of them is not sent again",
		}))
	}
	for _, p := range op.parameters {
		parameters = append(parameters, parameterObject(p.name, p.place, p.required, p.schema))
	}
	if op.keyed() {
		limit := maxKey
		parameters = append(parameters, parameterObject(headerKey, "header", false, &schema{
			Type: "string", MaxLength: &limit, Description: "a request sent again with the same key within 24 hours is answered as it was, and not done again",
		}))
	}
	if len(parameters) > 0 {
		out["parameters"] = parameters
	}
	if op.uploads {
		out["requestBody"] = map[string]any{"required": true, "content": fileContent(op.kinds)}
	}
	if op.body != nil {
		out["requestBody"] = map[string]any{"required": true, "content": content("application/json", op.body)}
	}
	good := map[string]any{"description": http.StatusText(op.status), "headers": op.headers()}
	if op.files {
		good["content"] = fileContent(fileKinds())
	}
	if op.out != nil {
		good["content"] = content("application/json", op.out)
	}
	responses := map[string]any{
		strconv.Itoa(op.status): good,
		"default":               map[string]any{"description": "a problem", "content": content("application/problem+json", problems)},
	}
	if op.method == http.MethodGet && op.tagged {
		responses[strconv.Itoa(http.StatusNotModified)] = map[string]any{"description": http.StatusText(http.StatusNotModified)}
	}
	byStatus := map[int][]string{}
	for _, code := range op.problems() {
		status := statusOf(code)
		byStatus[status] = append(byStatus[status], code)
	}
	for status, codes := range byStatus {
		responses[strconv.Itoa(status)] = map[string]any{
			"description": strings.Join(slices.Compact(codes), ", "), "content": content("application/problem+json", problems),
		}
	}
	out["responses"] = responses
	return out
}

func parameterObject(name, place string, required bool, s *schema) map[string]any {
	bare := *s
	bare.Description = ""
	out := map[string]any{"name": name, "in": place, "required": required, "schema": &bare}
	if s.Description != "" {
		out["description"] = s.Description
	}
	return out
}

func content(mediaType string, s *schema) map[string]any {
	return map[string]any{mediaType: map[string]any{"schema": s}}
}

// fileContent is a file of any kind.
func fileContent(kinds []string) map[string]any {
	out := map[string]any{}
	for _, kind := range kinds {
		out[kind] = map[string]any{}
	}
	return out
}

// headers are those of a good answer.
func (op *operation) headers() map[string]any {
	text := map[string]any{"schema": &schema{Type: "string"}}
	out := map[string]any{"RateLimit": text, "RateLimit-Policy": text, "X-Request-Id": text}
	if op.tagged {
		out["ETag"] = text
	}
	if op.status == http.StatusCreated {
		out["Location"] = text
	}
	return out
}

// getDocument serves the document to everybody: it says nothing that the source does not.
func (a *API) getDocument(w http.ResponseWriter, _ *http.Request) error {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(a.document)))
	w.WriteHeader(http.StatusOK)
	_, err := w.Write(a.document)
	return err
}

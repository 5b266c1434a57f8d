package admin

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// userDoc is an account as SCIM shows it.
func (s *scim) userDoc(u ProvisionedUser) map[string]any {
	methods := []any{}
	for _, m := range u.Methods {
		methods = append(methods, m)
	}
	doc := map[string]any{
		"schemas":     []any{scimUserSchema, scimEnterpriseSchema, scimFutakagiSchema},
		"id":          string(u.ID),
		"userName":    u.LoginID,
		"name":        map[string]any{"formatted": u.DisplayName},
		"displayName": u.DisplayName,
		"active":      u.DisabledAt == nil,
		"groups": []any{map[string]any{
			"value": string(*u.UserGroupID), "display": u.Group, "type": "direct", "$ref": s.root + "/Groups/" + string(*u.UserGroupID),
		}},
		scimEnterpriseSchema: map[string]any{"organization": u.Customer},
		scimFutakagiSchema: map[string]any{"twoFactor": map[string]any{
			"switch": u.TwoFactor, "required": u.Required, "methods": methods,
		}},
		"meta": s.meta("User", "/Users/"+string(u.ID), u.CreatedAt, u.UpdatedAt, u.version()),
	}
	if u.RegisteredEmail != "" {
		doc["emails"] = []any{workAddress(u.RegisteredEmail)}
	}
	if u.ExternalID != "" {
		doc["externalId"] = u.ExternalID
	}
	if u.Lang != "" {
		doc["preferredLanguage"] = u.Lang
	}
	return doc
}

// workAddress is the registered address, the only one that is kept.
func workAddress(address string) map[string]any {
	return map[string]any{"value": address, "type": "work", "primary": true}
}

// groupDoc is a user group as SCIM shows it.
func (s *scim) groupDoc(g ProvisionedGroup) map[string]any {
	members := []any{}
	for _, m := range g.Members {
		members = append(members, map[string]any{
			"value": string(m.ID), "display": m.DisplayName, "type": "User", "$ref": s.root + "/Users/" + string(m.ID),
		})
	}
	doc := map[string]any{
		"schemas": []any{scimGroupSchema}, "id": string(g.ID), "displayName": g.Name, "members": members,
		"meta": s.meta("Group", "/Groups/"+string(g.ID), g.CreatedAt, g.UpdatedAt, g.version()),
	}
	if g.ExternalID != "" {
		doc["externalId"] = g.ExternalID
	}
	return doc
}

func (s *scim) meta(kind, path string, created, modified time.Time, version string) map[string]any {
	return map[string]any{
		"resourceType": kind, "location": s.root + path, "version": weakTag(version),
		"created": created.UTC().Format(time.RFC3339Nano), "lastModified": modified.UTC().Format(time.RFC3339Nano),
	}
}

// weakTag spells a version as an ETag: two answers of one version may differ in what is not the resource's own, as the name of its group.
func weakTag(version string) string { return `W/"` + version + `"` }

// selection says which attributes an answer has (RFC 7644 section 3.9).
type selection struct {
	kind *scimKind
	// only and without are the names of attributes; at most one of them has any.
	only, without []string
}

// maxNames is how many attributes a request names at most: every one is looked for in every resource of the answer.
const maxNames = 100

// check refuses what nobody needs and what cannot be meant.
func (s selection) check() error {
	switch {
	case len(s.only) > 0 && len(s.without) > 0:
		return scimFault(scimInvalidValue, "attributes and excludedAttributes are not for one request")
	case len(s.only)+len(s.without) > maxNames:
		return scimFault(scimInvalidValue, "attributes or excludedAttributes have too many names")
	}
	return nil
}

// has reports whether an answer has an attribute of the resource.
func (s selection) has(name string) bool {
	named := func(list []string, deepest int) bool {
		return slices.ContainsFunc(list, func(one string) bool {
			path, ok := s.kind.find(one)
			return ok && path.steps[0] == name && len(path.steps) <= deepest
		})
	}
	return (len(s.only) == 0 || named(s.only, 2)) && !named(s.without, 1)
}

// of leaves out of a resource what was not asked for.
func (s selection) of(doc map[string]any) map[string]any {
	if len(s.only) == 0 && len(s.without) == 0 {
		return doc
	}
	out := map[string]any{"id": doc["id"], "schemas": doc["schemas"]}
	if len(s.only) > 0 {
		for _, name := range s.only {
			if schema, rest, ok := s.kind.split(name); ok && rest == "" && doc[schema.id] != nil {
				out[schema.id] = doc[schema.id]
			} else if path, ok := s.kind.find(name); ok {
				keep(out, doc, path.steps)
			}
		}
		return out
	}
	maps.Copy(out, doc)
	for _, name := range s.without {
		if schema, rest, ok := s.kind.split(name); ok && rest == "" {
			delete(out, schema.id)
		} else if path, ok := s.kind.find(name); ok && !path.attributes[0].always {
			drop(out, path.steps)
		}
	}
	return out
}

// keep copies what is at a path from one document into another.
func keep(out, doc map[string]any, steps []string) {
	v, ok := doc[steps[0]]
	if !ok {
		return
	}
	if len(steps) == 1 {
		out[steps[0]] = v
		return
	}
	switch v := v.(type) {
	case map[string]any:
		part, _ := out[steps[0]].(map[string]any)
		if part == nil {
			part = map[string]any{}
		}
		keep(part, v, steps[1:])
		out[steps[0]] = part
	case []any:
		parts, _ := out[steps[0]].([]any)
		for i, item := range v {
			if len(parts) <= i {
				parts = append(parts, map[string]any{})
			}
			keep(parts[i].(map[string]any), item.(map[string]any), steps[1:])
		}
		out[steps[0]] = parts
	}
}

// drop takes what is at a path out of a document, without changing what it shares with others.
func drop(doc map[string]any, steps []string) {
	if len(steps) == 1 {
		delete(doc, steps[0])
		return
	}
	switch v := doc[steps[0]].(type) {
	case map[string]any:
		part := maps.Clone(v)
		drop(part, steps[1:])
		doc[steps[0]] = part
	case []any:
		parts := make([]any, len(v))
		for i, item := range v {
			part := maps.Clone(item.(map[string]any))
			drop(part, steps[1:])
			parts[i] = part
		}
		doc[steps[0]] = parts
	}
}

// names splits a list of attributes as it is in a URL.
func names(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

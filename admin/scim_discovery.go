package admin

import "net/http"

// getConfig says what this server can do (RFC 7643 section 5, RFC 9865 section 4).
func (s *scim) getConfig(c *scimCall) error {
	no := map[string]any{"supported": false}
	yes := map[string]any{"supported": true}
	return s.discover(c, map[string]any{
		"schemas":        []string{"urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"},
		"patch":          yes,
		"bulk":           map[string]any{"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
		"filter":         map[string]any{"supported": true, "maxResults": maxSCIMPage},
		"changePassword": yes,
		"sort":           no,
		"etag":           yes,
		"pagination": map[string]any{
			"cursor": true, "index": true, "defaultPaginationMethod": "index", "defaultPageSize": scimPage, "maxPageSize": maxSCIMPage,
		},
		"authenticationSchemes": []any{map[string]any{
			"type": "oauthbearertoken", "name": "OAuth 2.0 access token", "primary": true,
			"description": "An access token of the client's own, from the grant client_credentials with the scope " + scopeSCIM,
			"specUri":     "https://www.rfc-editor.org/rfc/rfc6750",
		}, map[string]any{
			"type": "httpbasic", "name": "HTTP Basic", "primary": false,
			"description": "The client's id and secret, for clients that cannot ask for tokens",
			"specUri":     "https://www.rfc-editor.org/rfc/rfc7617",
		}},
		"meta": map[string]any{"resourceType": "ServiceProviderConfig", "location": s.root + "/ServiceProviderConfig"},
	})
}

// discover sends a document that describes the server. It can be asked for whole alone (RFC 7644 section 4).
func (s *scim) discover(c *scimCall, doc map[string]any) error {
	if c.r.URL.Query().Has("filter") {
		return &scimError{status: http.StatusForbidden, detail: "this list cannot be filtered"}
	}
	return writeSCIM(c.w, http.StatusOK, doc)
}

// discoverOne sends one of several documents, or all.
func (s *scim) discoverOne(c *scimCall, docs []map[string]any) error {
	if c.id == "" {
		return s.discover(c, map[string]any{
			"schemas": []string{scimListMessage}, "totalResults": len(docs), "startIndex": 1, "itemsPerPage": len(docs), "Resources": docs,
		})
	}
	for _, doc := range docs {
		if doc["id"] == c.id {
			return s.discover(c, doc)
		}
	}
	return errSCIMMissing
}

// types describes the kinds of resource (RFC 7643 section 6).
func (s *scim) types() (docs []map[string]any) {
	for _, kind := range []*scimKind{s.users, s.groups} {
		extensions := []any{}
		for _, e := range kind.schemas[1:] {
			extensions = append(extensions, map[string]any{"schema": e.id, "required": false})
		}
		docs = append(docs, map[string]any{
			"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:ResourceType"},
			"id":      kind.name, "name": kind.name, "endpoint": kind.endpoint, "description": kind.doc,
			"schema": kind.schemas[0].id, "schemaExtensions": extensions,
			"meta": map[string]any{"resourceType": "ResourceType", "location": s.root + "/ResourceTypes/" + kind.name},
		})
	}
	return docs
}

func (s *scim) listTypes(c *scimCall) error { return s.discoverOne(c, s.types()) }
func (s *scim) getType(c *scimCall) error   { return s.discoverOne(c, s.types()) }

// schemas describes the attributes of the resources (RFC 7643 section 7).
func (s *scim) schemas() (docs []map[string]any) {
	for _, kind := range []*scimKind{s.users, s.groups} {
		for _, schema := range kind.schemas {
			attributes := []any{}
			for _, a := range schema.attributes {
				attributes = append(attributes, a.document())
			}
			docs = append(docs, map[string]any{
				"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:Schema"},
				"id":      schema.id, "name": schema.name, "description": schema.doc, "attributes": attributes,
				"meta": map[string]any{"resourceType": "Schema", "location": s.root + "/Schemas/" + schema.id},
			})
		}
	}
	return docs
}

func (s *scim) listSchemas(c *scimCall) error { return s.discoverOne(c, s.schemas()) }
func (s *scim) getSchema(c *scimCall) error   { return s.discoverOne(c, s.schemas()) }

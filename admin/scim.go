package admin

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/futakagi/futakagi/store"
)

const (
	// scimRoot is where SCIM 2.0 is served.
	scimRoot = "/scim/v2"
	// scimMedia is the media type of its documents (RFC 7644 section 3.1).
	scimMedia = "application/scim+json"
	// scimPage is how many resources a page has if nobody says how many, and maxSCIMPage the most.
	scimPage    = 100
	maxSCIMPage = 200
	// scimPace is how many times as many requests as to the API one client may send: directories send one for every account, and Entra
	// demands that 25 a second be taken.
	scimPace = 3
)

// scim serves provisioning (RFC 7643, 7644, 9865): the accounts and user groups of one customer, to a client that keeps them. It is a
// second face of the use cases behind the API, and shares the API's tokens and limits.
type scim struct {
	api     *API
	service *Service
	// root is the public address of scimRoot.
	root          string
	users, groups *scimKind
	limiter       *limiter
}

func newSCIM(a *API) *scim {
	return &scim{
		api: a, service: a.service, root: strings.TrimSuffix(a.issuer, "/") + scimRoot, users: scimUsers(), groups: scimGroups(),
		limiter: &limiter{ceiling: scimPace * a.limiter.ceiling},
	}
}

// scimCall is one request of a client that is known.
type scimCall struct {
	w     http.ResponseWriter
	r     *http.Request
	actor Actor
	id    string
	// want is which attributes the answer is to have, in requests about one resource.
	want selection
}

func (s *scim) mount(r chi.Router) {
	offered := map[string][]string{}
	route := func(method, path string, kind *scimKind, do func(*scimCall) error) {
		offered[path] = append(offered[path], method)
		r.Method(method, scimRoot+path, s.api.kit.Handle(func(w http.ResponseWriter, r *http.Request) error {
			if err := s.serve(w, r, kind, do); err != nil {
				return s.fail(w, r, err)
			}
			return nil
		}))
	}
	route(http.MethodGet, "/Users", s.users, s.listUsers)
	route(http.MethodPost, "/Users", s.users, s.postUser)
	route(http.MethodPost, "/Users/.search", s.users, s.searchUsers)
	route(http.MethodGet, "/Users/{id}", s.users, s.getUser)
	route(http.MethodPut, "/Users/{id}", s.users, s.putUser)
	route(http.MethodPatch, "/Users/{id}", s.users, s.patchUser)
	route(http.MethodDelete, "/Users/{id}", s.users, s.deleteUser)

	route(http.MethodGet, "/Groups", s.groups, s.listGroups)
	route(http.MethodPost, "/Groups", s.groups, s.postGroup)
	route(http.MethodPost, "/Groups/.search", s.groups, s.searchGroups)
	route(http.MethodGet, "/Groups/{id}", s.groups, s.getGroup)
	route(http.MethodPut, "/Groups/{id}", s.groups, s.putGroup)
	route(http.MethodPatch, "/Groups/{id}", s.groups, s.patchGroup)
	route(http.MethodDelete, "/Groups/{id}", s.groups, s.deleteGroup)

	route(http.MethodGet, "/ServiceProviderConfig", nil, s.getConfig)
	route(http.MethodGet, "/ResourceTypes", nil, s.listTypes)
	route(http.MethodGet, "/ResourceTypes/{id}", nil, s.getType)
	route(http.MethodGet, "/Schemas", nil, s.listSchemas)
	route(http.MethodGet, "/Schemas/{id}", nil, s.getSchema)

	absent := func(*scimCall) error {
		return &scimError{status: http.StatusNotImplemented, detail: "this is not offered"}
	}
	methods := []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
	for _, method := range methods {
		route(method, "/Me", nil, absent)
		route(method, "/*", nil, func(*scimCall) error { return errSCIMMissing })
	}
	route(http.MethodPost, "/Bulk", nil, absent)
	route(http.MethodPost, "/.search", nil, absent)
	for path, some := range maps.Clone(offered) {
		for _, method := range methods {
			if !slices.Contains(some, method) {
				route(method, path, nil, func(c *scimCall) error {
					c.w.Header().Set("Allow", strings.Join(some, ", "))
					return &scimError{status: http.StatusMethodNotAllowed, detail: "the resource has no such method"}
				})
			}
		}
	}
}

// serve lets in a client that keeps the accounts of a customer.
func (s *scim) serve(w http.ResponseWriter, r *http.Request, kind *scimKind, do func(*scimCall) error) error {
	actor, err := s.caller(w, r)
	if err != nil {
		return err
	}
	if err := s.limiter.limit(w, actor, s.api.now()); err != nil {
		return err
	}
	if !slices.Contains(actor.client.scopes, scopeSCIM) {
		w.Header().Set("WWW-Authenticate", `Bearer error="insufficient_scope", scope="`+scopeSCIM+`"`)
		return &scimError{status: http.StatusForbidden, detail: "the access token lacks the scope " + scopeSCIM}
	}
	if actor.client.customer == "" {
		return &scimError{status: http.StatusForbidden, detail: "the client was given no customer to keep accounts of"}
	}
	c := &scimCall{w: w, r: r, actor: actor, id: chi.URLParam(r, "id")}
	if kind != nil {
		query, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			return scimFault(scimInvalidSyntax, "the query cannot be read")
		}
		c.want = selection{kind: kind, only: names(query.Get("attributes")), without: names(query.Get("excludedAttributes"))}
		if err := c.want.check(); err != nil {
			return err
		}
	}
	return do(c)
}

// caller is the client that a request comes from: it has a token of its own, or proves itself with the secret that it could get one
// with, for those that cannot ask for tokens, as Okta cannot.
func (s *scim) caller(w http.ResponseWriter, r *http.Request) (Actor, error) {
	header := r.Header.Get("Authorization")
	if header == "" {
		return Actor{}, &scimError{status: http.StatusUnauthorized, detail: "the access token is missing"}
	}
	if scheme, _, _ := strings.Cut(header, " "); !strings.EqualFold(scheme, "Basic") {
		return s.api.bearer(w, r, s.service.Provisioner)
	}
	id, err := s.api.clientSecret(r.Context(), r.Header)
	var actor Actor
	if err == nil {
		actor, err = s.service.ProvisionerByID(r.Context(), id)
	}
	if errors.Is(err, s.api.notToken) || errors.Is(err, ErrActorGone) {
		w.Header().Set("WWW-Authenticate", `Basic realm="SCIM", charset="UTF-8"`)
		return Actor{}, &scimError{status: http.StatusUnauthorized, detail: "client or secret is wrong", cause: err}
	}
	return actor, err
}

// body reads what was sent, unless two members of one object have the same name, which to SCIM is so whatever their capitals.
func (c *scimCall) body() (any, error) {
	media, params, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || media != scimMedia && media != "application/json" ||
		params["charset"] != "" && !strings.EqualFold(params["charset"], "utf-8") {
		return nil, &scimError{status: http.StatusUnsupportedMediaType, detail: "the media type must be " + scimMedia}
	}
	raw, err := io.ReadAll(c.r.Body)
	if err != nil {
		return nil, err
	}
	v, err := readJSON(raw)
	if err != nil || !plain(v) {
		return nil, scimFault(scimInvalidSyntax, "the request is not one JSON value without members of the same name")
	}
	return v, nil
}

// plain reports whether no object has two members of one name.
func plain(v any) bool {
	switch v := v.(type) {
	case object:
		seen := map[string]bool{}
		for _, m := range v {
			name := strings.ToLower(m.name)
			if seen[name] || !plain(m.value) {
				return false
			}
			seen[name] = true
		}
	case []any:
		return !slices.ContainsFunc(v, func(item any) bool { return !plain(item) })
	}
	return true
}

// expected is what a request demands of the version that it changes (RFC 7644 section 3.14); nil for nothing.
func (c *scimCall) expected() Expected {
	lines := c.r.Header.Values("If-Match")
	if len(lines) == 0 {
		return nil
	}
	return func(version string) bool { return hasTag(lines, version) }
}

// hasTag reports whether a list of ETags has that of a version. Ours are weak, and so are compared as such.
func hasTag(lines []string, version string) bool {
	for tag := range strings.SplitSeq(strings.Join(lines, ","), ",") {
		tag = strings.TrimSpace(tag)
		if tag == "*" || strings.TrimPrefix(tag, "W/") == `"`+version+`"` {
			return true
		}
	}
	return false
}

// answer sends one resource.
func (s *scim) answer(c *scimCall, status int, version string, doc map[string]any) error {
	h := c.w.Header()
	h.Set("ETag", weakTag(version))
	meta, _ := doc["meta"].(map[string]any)
	location, _ := meta["location"].(string)
	if status == http.StatusCreated {
		h.Set("Location", location)
	}
	h.Set("Content-Location", location)
	if lines := c.r.Header.Values("If-None-Match"); c.r.Method == http.MethodGet && len(lines) > 0 && hasTag(lines, version) {
		c.w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return writeSCIM(c.w, status, c.want.of(doc))
}

func (s *scim) answerUser(c *scimCall, status int, u ProvisionedUser, err error) error {
	if err != nil {
		return err
	}
	return s.answer(c, status, u.version(), s.userDoc(u))
}

func (s *scim) getUser(c *scimCall) error {
	u, err := s.service.ProvisionedUser(c.r.Context(), c.actor, store.AccountID(c.id))
	return s.answerUser(c, http.StatusOK, u, err)
}

// readUser reads an account that was sent whole.
func (s *scim) readUser(c *scimCall) (UserChange, error) {
	body, err := c.body()
	if err != nil {
		return UserChange{}, err
	}
	in := &userInput{}
	if err := readResource(s.users, body, in.do); err != nil {
		return UserChange{}, err
	}
	return in.whole()
}

func (s *scim) postUser(c *scimCall) error {
	in, err := s.readUser(c)
	if err != nil {
		return err
	}
	u, err := s.service.ProvisionUser(c.r.Context(), c.actor, in)
	return s.answerUser(c, http.StatusCreated, u, err)
}

func (s *scim) putUser(c *scimCall) error {
	in, err := s.readUser(c)
	if err != nil {
		return err
	}
	u, err := s.service.UpdateProvisionedUser(c.r.Context(), c.actor, store.AccountID(c.id), c.expected(), in)
	return s.answerUser(c, http.StatusOK, u, err)
}

func (s *scim) patchUser(c *scimCall) error {
	body, err := c.body()
	if err != nil {
		return err
	}
	ctx, id := c.r.Context(), store.AccountID(c.id)
	former, err := s.service.ProvisionedUser(ctx, c.actor, id)
	if err != nil {
		return err
	}
	in := &userInput{present: former.RegisteredEmail}
	if err := readPatch(s.users, body, in.do); err != nil {
		return err
	}
	u, err := s.service.UpdateProvisionedUser(ctx, c.actor, id, c.expected(), in.partial(former.LoginID))
	return s.answerUser(c, http.StatusOK, u, err)
}

func (s *scim) deleteUser(c *scimCall) error {
	if err := s.service.DeleteProvisionedUser(c.r.Context(), c.actor, store.AccountID(c.id), c.expected()); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *scim) answerGroup(c *scimCall, status int, id store.UserGroupID) error {
	g, err := s.service.ProvisionedGroup(c.r.Context(), c.actor, id, c.want.has("members"))
	if err != nil {
		return err
	}
	return s.answer(c, status, g.version(), s.groupDoc(g))
}

func (s *scim) getGroup(c *scimCall) error {
	return s.answerGroup(c, http.StatusOK, store.UserGroupID(c.id))
}

// readGroup reads a user group that was sent whole.
func (s *scim) readGroup(c *scimCall) (GroupChange, error) {
	body, err := c.body()
	if err != nil {
		return GroupChange{}, err
	}
	in := &groupInput{}
	if err := readResource(s.groups, body, in.do); err != nil {
		return GroupChange{}, err
	}
	return in.whole()
}

func (s *scim) postGroup(c *scimCall) error {
	in, err := s.readGroup(c)
	if err != nil {
		return err
	}
	g, err := s.service.ProvisionGroup(c.r.Context(), c.actor, in)
	if err != nil {
		return err
	}
	return s.answerGroup(c, http.StatusCreated, g.ID)
}

func (s *scim) putGroup(c *scimCall) error {
	in, err := s.readGroup(c)
	if err != nil {
		return err
	}
	g, err := s.service.UpdateProvisionedGroup(c.r.Context(), c.actor, store.UserGroupID(c.id), c.expected(), in)
	if err != nil {
		return err
	}
	return s.answerGroup(c, http.StatusOK, g.ID)
}

// patchGroup answers without the group, which may be long, unless the client says what it wants of it.
func (s *scim) patchGroup(c *scimCall) error {
	body, err := c.body()
	if err != nil {
		return err
	}
	ctx, id := c.r.Context(), store.UserGroupID(c.id)
	if _, err := s.service.ProvisionedGroup(ctx, c.actor, id, false); err != nil {
		return err
	}
	in := &groupInput{}
	if err := readPatch(s.groups, body, in.do); err != nil {
		return err
	}
	g, err := s.service.UpdateProvisionedGroup(ctx, c.actor, id, c.expected(), in.change)
	if err != nil {
		return err
	}
	if len(c.want.only) > 0 || len(c.want.without) > 0 {
		return s.answerGroup(c, http.StatusOK, g.ID)
	}
	c.w.Header().Set("ETag", weakTag(g.version()))
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *scim) deleteGroup(c *scimCall) error {
	if err := s.service.DeleteProvisionedGroup(c.r.Context(), c.actor, store.UserGroupID(c.id), c.expected()); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// search is what a list is asked for (RFC 7644 section 3.4.2), by a URL or a body.
type search struct {
	filter, cursor, sortBy, sortOrder string
	byCursor                          bool
	startIndex, count                 int
	want                              selection
}

// fromURL reads a search from the query.
func (c *scimCall) fromURL() (search, error) {
	query := c.r.URL.Query()
	in := search{startIndex: 1, count: scimPage, want: c.want}
	for name, values := range query {
		if len(values) > 1 {
			return in, scimFault(scimInvalidValue, "the query has a parameter twice")
		}
		value := values[0]
		var err error
		switch name {
		case "filter":
			in.filter = value
		case "cursor":
			in.cursor, in.byCursor = value, true
		case "sortBy":
			in.sortBy = value
		case "sortOrder":
			in.sortOrder = value
		case "startIndex":
			in.startIndex, err = strconv.Atoi(value)
		case "count":
			in.count, err = strconv.Atoi(value)
		}
		if err != nil {
			return in, scimFault(scimInvalidValue, name+" must be a number")
		}
	}
	return in, nil
}

// fromBody reads a search from a SearchRequest (RFC 7644 section 3.4.3).
func (c *scimCall) fromBody() (search, error) {
	in := search{startIndex: 1, count: scimPage, want: c.want}
	body, err := c.body()
	if err != nil {
		return in, err
	}
	members, _ := body.(object)
	if !hasSchema(members, scimSearchMessage) {
		return in, scimFault(scimInvalidSyntax, "schemas must have "+scimSearchMessage)
	}
	for _, m := range members {
		ok := true
		switch strings.ToLower(m.name) {
		case "schemas":
		case "filter":
			in.filter, ok = m.value.(string)
		case "cursor":
			in.cursor, ok = m.value.(string)
			in.byCursor = true
		case "sortby":
			in.sortBy, ok = m.value.(string)
		case "sortorder":
			in.sortOrder, ok = m.value.(string)
		case "startindex":
			in.startIndex, ok = wholeNumber(m.value)
		case "count":
			in.count, ok = wholeNumber(m.value)
		case "attributes":
			in.want.only, ok = textList(m.value)
		case "excludedattributes":
			in.want.without, ok = textList(m.value)
		default:
			ok = false
		}
		if !ok {
			return in, scimFault(scimInvalidSyntax, "the search has a member that does not belong there: "+clipField(m.name))
		}
	}
	return in, in.want.check()
}

func wholeNumber(v any) (int, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	i, err := strconv.Atoi(n.String())
	return i, err == nil
}

func textList(v any) ([]string, bool) {
	items, ok := v.([]any)
	list := make([]string, 0, len(items))
	for _, item := range items {
		s, isText := item.(string)
		ok = ok && isText
		list = append(list, s)
	}
	return list, ok
}

// query checks a search.
func (in search) query(kind *scimKind) (ProvisionQuery, error) {
	q := ProvisionQuery{ByCursor: in.byCursor, Skip: max(in.startIndex, 1) - 1, Count: min(max(in.count, 0), maxSCIMPage)}
	switch {
	case in.sortBy != "" && !strings.EqualFold(in.sortBy, "id"), in.sortOrder != "" && !strings.EqualFold(in.sortOrder, "ascending"):
		return q, scimFault(scimInvalidValue, "lists are in the order of id, ascending, and no other")
	case in.byCursor && in.startIndex != 1:
		return q, scimFault(scimInvalidValue, "cursor and startIndex are not for one request")
	}
	if in.byCursor && in.cursor != "" {
		parts, ok := readCursor(in.cursor, 1)
		if !ok || !store.ValidID(parts[0]) {
			return q, scimFault(scimInvalidCursor, "the cursor is none of ours")
		}
		q.After = parts[0]
	}
	if strings.TrimSpace(in.filter) == "" {
		return q, nil
	}
	var err error
	q.Match, err = readFilter(in.filter, kind)
	return q, err
}

// sendPage sends a page of resources. Pages by cursor are not counted.
func sendPage(c *scimCall, in search, page []any, total int, next string) error {
	doc := map[string]any{"schemas": []string{scimListMessage}, "itemsPerPage": len(page), "Resources": page}
	if total >= 0 && !in.byCursor {
		doc["totalResults"] = total
		doc["startIndex"] = max(in.startIndex, 1)
	}
	if next != "" {
		doc["nextCursor"] = cursor(next)
	}
	return writeSCIM(c.w, http.StatusOK, doc)
}

func (s *scim) listUsers(c *scimCall) error {
	in, err := c.fromURL()
	if err != nil {
		return err
	}
	return s.findUsers(c, in)
}

func (s *scim) searchUsers(c *scimCall) error {
	in, err := c.fromBody()
	if err != nil {
		return err
	}
	return s.findUsers(c, in)
}

func (s *scim) findUsers(c *scimCall, in search) error {
	q, err := in.query(s.users)
	if err != nil {
		return err
	}
	page, err := s.service.ProvisionedUsers(c.r.Context(), c.actor, q, s.userDoc)
	if err != nil {
		return err
	}
	docs := make([]any, len(page.Rows))
	for i, u := range page.Rows {
		docs[i] = in.want.of(s.userDoc(u))
	}
	return sendPage(c, in, docs, page.Total, page.Next)
}

func (s *scim) listGroups(c *scimCall) error {
	in, err := c.fromURL()
	if err != nil {
		return err
	}
	return s.findGroups(c, in)
}

func (s *scim) searchGroups(c *scimCall) error {
	in, err := c.fromBody()
	if err != nil {
		return err
	}
	return s.findGroups(c, in)
}

func (s *scim) findGroups(c *scimCall, in search) error {
	q, err := in.query(s.groups)
	if err != nil {
		return err
	}
	page, err := s.service.ProvisionedGroups(c.r.Context(), c.actor, q, in.want.has("members"), s.groupDoc)
	if err != nil {
		return err
	}
	docs := make([]any, len(page.Rows))
	for i, g := range page.Rows {
		docs[i] = in.want.of(s.groupDoc(g))
	}
	return sendPage(c, in, docs, page.Total, page.Next)
}

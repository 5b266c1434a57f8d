package admin

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/futakagi/futakagi/client"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// registerURL leads to the registration of a client. It is not below the list, where any word could be a client's id.
const registerURL = "/admin/register-client"

func clientURL(id string) string { return templates.PathClients + "/" + id }

func (h *Handler) mountClients(r chi.Router, get mountPage, form mountForm, pages formPages) {
	get(templates.PathClients, h.getClients)
	get(registerURL, h.getClientKinds)
	form(registerURL+"/{kind}", h.getNewClient, h.postNewClient)
	page := templates.PathClients + "/{client}"
	form(page, h.getClient, h.postClient)
	form(page+"/secret", h.getClientSecret, h.postClientSecret)
	get(page+"/secret/issued", h.getClientIssued)
	pages[page+"/former-secret"] = func(r *http.Request) string { return clientURL(chi.URLParam(r, "client")) }
	form(page+"/former-secret", h.toClient, h.postEndFormer)
	h.mountLogo(r, pages, form)
	form(page+"/provisioning", h.getScim, h.postScim)
	pages[page+"/provisioning/end"] = pages[page+"/former-secret"]
	form(page+"/provisioning/end", h.toClient, h.postScimEnd)
	pages[page+"/streams/{stream}"] = func(r *http.Request) string { return clientURL(chi.URLParam(r, "client")) }
	form(page+"/streams/{stream}", h.toClient, h.postStream)
	form(page+"/streams/{stream}/delete", h.getDeleteStream, h.postDeleteStream)
	form(page+"/state", h.getClientSwitch, h.postClientSwitch)
	form(page+"/delete", h.getDeleteClient, h.postDeleteClient)
}

// clientKind is what is proposed for one kind of application. People sign in to all of them but services.
type clientKind struct {
	name, auth string
	grants     []string
	// browser is whether it runs in one, native whether on a device of its own.
	browser, native bool
}

func clientKinds() []clientKind {
	people := []string{grantCode, grantRefresh}
	return []clientKind{
		{name: "web", auth: authBasic, grants: people},
		{name: "browser", auth: authNone, grants: people, browser: true},
		{name: "native", auth: authNone, grants: people, native: true},
		{name: "service", auth: authBasic, grants: []string{grantCredentials}},
		{name: "device", auth: authNone, grants: []string{grantDevice, grantRefresh}, native: true},
	}
}

func (k clientKind) people() bool { return signsIn(k.grants) }

// returns is whether browsers come back to it.
func (k clientKind) returns() bool { return slices.Contains(k.grants, grantCode) }

// proves is whether an application of the kind can prove who it is.
func (k clientKind) proves() bool { return k.auth != authNone }

// methods are how it can prove who it is: one that keeps nothing secret has no choice.
func (k clientKind) methods() []string {
	if k.auth == authNone {
		return []string{authNone}
	}
	return []string{authBasic, authPost, authKey}
}

// anyKind stands for a registration that there is, which can become any kind.
func anyKind() clientKind { return clientKind{grants: clientGrants()} }

// clientKindOf is the kind that a page's address names.
func clientKindOf(r *http.Request) (clientKind, error) {
	i := slices.IndexFunc(clientKinds(), func(k clientKind) bool { return k.name == chi.URLParam(r, "kind") })
	if i < 0 {
		return clientKind{}, store.ErrNotFound
	}
	return clientKinds()[i], nil
}

// The fields of a registration's form, besides those that a [ClientError] names.
const (
	fieldOtherScopes = "other_scopes"
	fieldPKCE        = "pkce"
)

func grantField(grant string) string { return "grant-" + grant }

func scopeField(scope string) string { return "scope-" + scope }

// formScopes are the scopes that a form has boxes for.
func formScopes() []string {
	scopes := personScopes()
	for _, s := range scopeRights() {
		scopes = append(scopes, s.scope)
	}
	return scopes
}

// clientDraft are the fields of a registration that wait while an operator proves who they are.
func clientDraft() []string {
	fields := []string{
		clientFieldID, clientFieldSurface, clientFieldAuth, clientFieldRedirects, clientFieldPostLogout, clientFieldBackchannel, clientFieldAlg,
		clientFieldOverlap, fieldOtherScopes, fieldPKCE,
	}
	for _, g := range clientGrants() {
		fields = append(fields, grantField(g))
	}
	for _, s := range formScopes() {
		fields = append(fields, scopeField(s))
	}
	for _, s := range formSettings() {
		fields = append(fields, s.name)
	}
	return fields
}

// linesOf are the lines of a text, without those that are empty or come twice.
func linesOf(text string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return once(lines)
}

// clientInput reads the fields that both a new registration and one that there is have; typed is what was sent.
func clientInput(typed func(field string) string) NewClient {
	in := NewClient{
		ID: typed(clientFieldID), Name: typed(clientFieldName), Surface: typed(clientFieldSurface), AuthMethod: typed(clientFieldAuth),
		RedirectURIs: linesOf(typed(clientFieldRedirects)), PostLogoutRedirectURIs: linesOf(typed(clientFieldPostLogout)),
		BackchannelLogoutURI: typed(clientFieldBackchannel), IDTokenAlg: typed(clientFieldAlg), NoPKCE: typed(fieldPKCE) == "",
		GrantTypes: []string{}, Scopes: []string{}, Settings: typedSettings(typed),
	}
	for _, g := range clientGrants() {
		if typed(grantField(g)) != "" {
			in.GrantTypes = append(in.GrantTypes, g)
		}
	}
	for _, s := range formScopes() {
		if typed(scopeField(s)) != "" {
			in.Scopes = append(in.Scopes, s)
		}
	}
	in.Scopes = append(in.Scopes, linesOf(typed(fieldOtherScopes))...)
	return in
}

// withOpenID adds the scope without which nobody signs in.
func withOpenID(in NewClient) NewClient {
	if signsIn(in.GrantTypes) && !slices.Contains(in.Scopes, "openid") {
		in.Scopes = append([]string{"openid"}, in.Scopes...)
	}
	return in
}

// newInput is what a form says about a new client of a kind.
func (k clientKind) newInput(typed func(field string) string) NewClient {
	in := clientInput(typed)
	if slices.Contains(k.methods(), in.AuthMethod) {
		k.auth = in.AuthMethod
	}
	in.AuthMethod, in.GrantTypes, in.Browser, in.NoPKCE, in.IDTokenAlg = k.auth, k.grants, k.browser, false, ""
	return withOpenID(in)
}

// clientFields fills the form of a registration of a kind. typed is what was sent, or nil.
func (h *Handler) clientFields(
	actor Actor, lang templates.Lang, in NewClient, k clientKind, typed func(field string) string,
) templates.ClientFields {
	v := templates.ClientFields{
		ID: in.ID, Name: in.Name, People: true, Redirects: strings.Join(in.RedirectURIs, "\n"), PostLogout: strings.Join(in.PostLogoutRedirectURIs, "\n"),
		Backchannel: in.BackchannelLogoutURI, PKCE: !in.NoPKCE || in.AuthMethod == authNone, PKCEFixed: in.AuthMethod == authNone,
		Parts: h.settingParts(lang, in.Settings, k, typed),
	}
	methods := authMethods()
	if k.name != "" {
		methods = k.methods()
	}
	for _, m := range methods {
		v.Methods = append(v.Methods, templates.Option{Value: m, Label: m, Selected: m == in.AuthMethod})
	}
	for _, alg := range signingAlgs() {
		v.Algs = append(v.Algs, templates.Option{Value: alg, Label: alg, Selected: alg == in.IDTokenAlg})
	}
	for _, g := range clientGrants() {
		v.Grants = append(v.Grants, templates.ClientBox{Field: grantField(g), Value: g, Checked: slices.Contains(in.GrantTypes, g)})
	}
	signs := signsIn(in.GrantTypes)
	for _, s := range personScopes() {
		box := templates.ClientBox{Field: scopeField(s), Value: s, Checked: slices.Contains(in.Scopes, s)}
		if s == "openid" && signs {
			box.Checked, box.Fixed = true, true
		}
		v.Scopes = append(v.Scopes, box)
	}
	for _, s := range scopeRights() {
		v.Powers = append(v.Powers, templates.ClientBox{
			Field: scopeField(s.scope), Value: s.scope, Checked: slices.Contains(in.Scopes, s.scope), Fixed: !actor.mayGrant(s.scope),
		})
	}
	var others []string
	for _, s := range in.Scopes {
		if !slices.Contains(formScopes(), s) {
			others = append(others, s)
		}
	}
	v.OtherScopes = strings.Join(others, "\n")
	v.Folded = !slices.Contains(in.GrantTypes, grantCredentials) && !slices.ContainsFunc(v.Powers, func(b templates.ClientBox) bool { return b.Checked })
	return v
}

// surfaceOptions are the surfaces that a client can belong to.
func (h *Handler) surfaceOptions(r *http.Request, lang templates.Lang, chosen string) ([]templates.Option, error) {
	rows, err := h.service.ClientSurfaces(r.Context(), actorOf(r))
	if err != nil {
		return nil, answer(err)
	}
	var options []templates.Option
	for _, id := range rows {
		o := templates.Option{Value: id, Label: id, Selected: id == chosen}
		if id == SurfaceStore || id == SurfaceAdmin {
			o.Label = h.templates.T(lang, "surface."+id)
		}
		options = append(options, o)
	}
	return options, nil
}

func (h *Handler) getClients(w http.ResponseWriter, r *http.Request) error {
	query, err := web.ParseQuery(r)
	if err != nil {
		return err
	}
	in := ClientsQuery{Who: query.Get("q"), State: query.Get("state")}
	if !slices.Contains([]string{"active", "disabled", "rotating", "registered"}, in.State) {
		in.State = ""
	}
	span := Span{After: keyAfter(query), Limit: pageSize}
	if !clientID.MatchString(span.After) {
		span.After = ""
	}
	rows, more, err := h.service.ClientStates(r.Context(), actorOf(r), span, in)
	if err != nil {
		return answer(err)
	}
	v := templates.ClientsView{
		Action: templates.PathClients, Query: in.Who, State: in.State, NewURL: registerURL, TokensURL: registrationTokensURL, Filtered: in != ClientsQuery{} || span.After != "",
	}
	for _, c := range rows {
		row := templates.ClientRow{
			Name: c.Name, ID: c.ID, URL: clientURL(c.ID), LogoURL: templates.LogoURL(c.ID, c.LogoVersion),
			Surface: c.SurfaceID, Method: c.AuthMethod, Disabled: c.DisabledAt != nil,
		}
		row.Registered = c.RegisteredAt != nil
		row.LastAt, row.LastISO = h.at(c.LastSignIn)
		row.FormerUntil, _ = h.at(c.FormerUntil)
		row.FormerUsed, _ = h.at(c.FormerSecretUsedAt)
		v.Rows = append(v.Rows, row)
	}
	filter := url.Values{}
	for name, value := range map[string]string{"q": in.Who, "state": in.State} {
		if value != "" {
			filter.Set(name, value)
		}
	}
	next := ""
	if more {
		next = rows[len(rows)-1].ID
	}
	v.Pager = pager(templates.PathClients, filter, query, keyCursor(next))
	return h.templates.Clients.Render(w, http.StatusOK, h.frame(w, r, templates.NavClients), v)
}

func (h *Handler) getClientKinds(w http.ResponseWriter, r *http.Request) error {
	if !actorOf(r).rights().has(mayManageClients) {
		return answer(ErrForbidden)
	}
	v := templates.ClientKindsView{BackURL: templates.PathClients}
	for _, k := range clientKinds() {
		v.Kinds = append(v.Kinds, templates.ClientKind{Kind: k.name, URL: registerURL + "/" + k.name})
	}
	return h.templates.ClientKinds.Render(w, http.StatusOK, h.frame(w, r, templates.NavClients), v)
}

func (h *Handler) getNewClient(w http.ResponseWriter, r *http.Request) error {
	k, err := clientKindOf(r)
	if err == nil && !actorOf(r).rights().has(mayManageClients) {
		err = answer(ErrForbidden)
	}
	if err != nil {
		return err
	}
	f, d := h.formFrame(w, r, templates.NavClients)
	in := NewClient{GrantTypes: k.grants, AuthMethod: k.auth, Surface: SurfaceStore}
	if k.native {
		in.ApplicationType = client.TypeNative
	}
	var typed func(string) string
	if k.people() {
		in.Scopes = personScopes()
	}
	if len(d.Fields) > 0 {
		typed = func(field string) string { return d.or(field, "") }
		in = k.newInput(typed)
	}
	return h.renderNewClient(w, r, http.StatusOK, f, k, in, typed, nil)
}

func (h *Handler) renderNewClient(
	w http.ResponseWriter, r *http.Request, status int, f templates.Frame, k clientKind, in NewClient, typed func(string) string,
	errs map[string]string,
) error {
	v := templates.ClientFormView{ClientFields: h.clientFields(actorOf(r), f.Lang, in, k, typed)}
	if k.auth == authNone {
		v.Methods = nil
	}
	v.Action, v.BackURL, v.Kind, v.People, v.Errors = registerURL+"/"+k.name, registerURL, k.name, k.people(), errs
	if !v.People {
		v.Scopes = nil
		return h.templates.ClientForm.Render(w, status, f, v)
	}
	v.Powers, v.OtherScopes = nil, "" // nobody but a service has use for them
	var err error
	if v.Surfaces, err = h.surfaceOptions(r, f.Lang, in.Surface); err != nil {
		return err
	}
	return h.templates.ClientForm.Render(w, status, f, v)
}

func (h *Handler) postNewClient(w http.ResponseWriter, r *http.Request) error {
	k, err := clientKindOf(r)
	if err != nil {
		return err
	}
	form, err := web.ParseForm(w, r)
	if err != nil {
		return err
	}
	in := k.newInput(form.Text)
	made, err := h.service.CreateClient(r.Context(), actorOf(r), in)
	if err == nil {
		return h.handOverSecret(w, r, made.ID, NewSecret{Secret: made.Secret}, true)
	}
	f := h.frame(w, r, templates.NavClients)
	texts, ok := h.clientErrors(f.Lang, err)
	if !ok {
		return answer(err)
	}
	return h.renderNewClient(w, r, http.StatusUnprocessableEntity, f, k, in, form.Text, texts)
}

// clientErrors is fieldErrors with what can be wrong with registrations alone.
func (h *Handler) clientErrors(lang templates.Lang, cause error) (map[string]string, bool) {
	if e, ok := errors.AsType[*ClientError](cause); ok {
		return e.texts(func(key string, args ...any) string { return h.templates.T(lang, key, args...) }), true
	}
	return h.fieldErrors(lang, cause)
}

// client is the client that a page's address names.
func (h *Handler) client(r *http.Request) (ClientState, error) {
	c, err := h.service.ClientState(r.Context(), actorOf(r), chi.URLParam(r, "client"))
	return c, answer(err)
}

// changeableClient is client for a page that the actor could do nothing with if they may not change it.
func (h *Handler) changeableClient(r *http.Request) (ClientState, error) {
	c, err := h.client(r)
	if err == nil && !c.Changeable {
		err = answer(ErrForbidden)
	}
	return c, err
}

func (h *Handler) getClient(w http.ResponseWriter, r *http.Request) error {
	c, err := h.client(r)
	if err != nil {
		return err
	}
	f, d := h.formFrame(w, r, templates.NavClients)
	in := c.Registration
	var typed func(string) string
	if len(d.Fields) > 0 {
		typed = func(field string) string { return d.or(field, "") }
		in = withOpenID(clientInput(typed))
		in.ID = c.ID
	}
	return h.renderClient(w, r, http.StatusOK, f, c, in, typed, nil)
}

func (h *Handler) renderClient(
	w http.ResponseWriter, r *http.Request, status int, f templates.Frame, c ClientState, in NewClient, typed func(string) string,
	errs map[string]string,
) error {
	v := templates.ClientView{
		ClientFields: h.clientFields(actorOf(r), f.Lang, in, anyKind(), typed), Title: c.Name, SurfaceID: c.SurfaceID, Connect: h.connectOf(c.Registration),
		LogoURL: templates.LogoURL(c.ID, c.LogoVersion),
	}
	v.Action, v.BackURL, v.Version, v.ReadOnly, v.Errors = clientURL(c.ID), templates.PathClients, version(c.UpdatedAt), !c.Changeable || c.Unreadable, errs
	var err error
	if v.Surfaces, err = h.surfaceOptions(r, f.Lang, in.Surface); err != nil {
		return err
	}
	switch kept, err := h.service.Provisioning(r.Context(), actorOf(r), c.ID); {
	case err == nil:
		v.Customer, v.CustomerURL, v.Group = kept.Customer.Name, customerURL(kept.Customer.ID), kept.Group.Name
	case !errors.Is(err, store.ErrNotFound):
		return answer(err)
	}
	v.RegisteredAt, _ = h.at(c.RegisteredAt)
	v.RegisteredBy = c.RegisteredBy
	if v.Streams, err = h.streamsOf(r, c); err != nil {
		return err
	}
	v.Disabled, _ = h.at(c.DisabledAt)
	v.LastAt, v.LastISO = h.at(c.LastSignIn)
	if hasSecret(c.AuthMethod) {
		v.SecretAt = templates.Time(c.CreatedAt, h.zone)
		if c.SecretMadeAt != nil {
			v.SecretAt = templates.Time(*c.SecretMadeAt, h.zone)
		}
		v.FormerUntil, _ = h.at(c.FormerUntil)
		v.FormerUsed, _ = h.at(c.FormerSecretUsedAt)
	}
	v.Unreadable = c.Unreadable && c.Changeable
	if !c.Changeable {
		return h.templates.Client.Render(w, status, f, v)
	}
	v.SwitchURL, v.DeleteURL = clientURL(c.ID)+"/state", clientURL(c.ID)+"/delete"
	v.LogoPage, v.ScimURL = clientURL(c.ID)+"/logo", clientURL(c.ID)+"/provisioning"
	if hasSecret(c.AuthMethod) {
		v.SecretURL = clientURL(c.ID) + "/secret"
	}
	if c.FormerUntil != nil {
		v.EndAction = clientURL(c.ID) + "/former-secret"
	}
	return h.templates.Client.Render(w, status, f, v)
}

// connectOf is what a client's application is configured with.
func (h *Handler) connectOf(in NewClient) templates.ClientConnect {
	facts := []templates.Fact{
		{Label: "issuer", Value: h.issuer},
		{Label: "client_id", Value: in.ID},
		{Label: "token_endpoint_auth_method", Value: in.AuthMethod},
		{Label: "discovery", Value: h.issuer + "/.well-known/openid-configuration"},
	}
	people, returns, device := signsIn(in.GrantTypes), slices.Contains(in.GrantTypes, grantCode), slices.Contains(in.GrantTypes, grantDevice)
	for _, e := range []struct {
		name, path string
		has        bool
	}{
		{"authorization_endpoint", "/authorize", returns},
		{"device_authorization_endpoint", "/device_authorization", device},
		{"token_endpoint", "/token", true},
		{"userinfo_endpoint", "/userinfo", people},
		{"jwks_uri", "/jwks", people},
		{"end_session_endpoint", "/logout", returns},
		{"introspection_endpoint", "/introspect", true},
		{"revocation_endpoint", "/revoke", true},
	} {
		if e.has {
			facts = append(facts, templates.Fact{Label: e.name, Value: h.issuer + e.path})
		}
	}
	if len(in.Scopes) > 0 {
		facts = append(facts, templates.Fact{Label: "scope", Value: strings.Join(in.Scopes, " ")})
	}
	if returns {
		facts = append(facts, templates.Fact{Label: "response_type", Value: "code"}, templates.Fact{Label: "code_challenge_method", Value: "S256"})
	}
	for _, uri := range in.RedirectURIs {
		facts = append(facts, templates.Fact{Label: "redirect_uri", Value: uri})
	}
	if !people {
		facts = append(facts, templates.Fact{Label: "grant_type", Value: grantCredentials})
	}
	return templates.ClientConnect{Facts: facts, Guide: in.guide()}
}

// guide is the document about applications of its kind.
func (in NewClient) guide() string {
	switch {
	case !signsIn(in.GrantTypes):
		return "docs/tokens.md"
	case !slices.Contains(in.GrantTypes, grantCode):
		return "docs/devices.md"
	case in.AuthMethod == authNone && in.ApplicationType != client.TypeNative:
		return "docs/guides/spa.md"
	}
	return "docs/guides/README.md"
}

func (h *Handler) postClient(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(w, r)
	if err != nil {
		return err
	}
	id := chi.URLParam(r, "client")
	in := withOpenID(clientInput(form.Text))
	in.ID = id
	secret, changed, cause := h.service.UpdateClient(r.Context(), actorOf(r), id, versionOf(form), in.change())
	switch {
	case cause == nil && secret != "":
		return h.handOverSecret(w, r, id, NewSecret{Secret: secret}, false)
	case cause == nil:
		return h.done(w, r, savedOr(changed), clientURL(id))
	}
	f := h.frame(w, r, templates.NavClients)
	texts, ok := h.clientErrors(f.Lang, cause)
	if !ok {
		return answer(cause)
	}
	c, err := h.client(r)
	if err != nil {
		return err
	}
	return h.renderClient(w, r, http.StatusUnprocessableEntity, f, c, in, form.Text, texts)
}

// change is a change to just this registration.
func (in NewClient) change() ClientChange {
	return ClientChange{
		Name: &in.Name, Surface: &in.Surface, AuthMethod: &in.AuthMethod, RedirectURIs: in.RedirectURIs,
		PostLogoutRedirectURIs: in.PostLogoutRedirectURIs, BackchannelLogoutURI: &in.BackchannelLogoutURI, GrantTypes: in.GrantTypes,
		Scopes: in.Scopes, IDTokenAlg: &in.IDTokenAlg, RequirePKCE: new(!in.NoPKCE), SettingsChange: settingsChange(in.Settings),
	}
}

func (h *Handler) getClientSwitch(w http.ResponseWriter, r *http.Request) error {
	c, err := h.changeableClient(r)
	if err != nil {
		return err
	}
	holds, err := h.service.ClientHolds(r.Context(), actorOf(r), c.ID)
	if err != nil {
		return answer(err)
	}
	f, _ := h.formFrame(w, r, templates.NavClients)
	return h.templates.ClientSwitch.Render(w, http.StatusOK, f, templates.ClientSwitchView{
		Action: clientURL(c.ID) + "/state", BackURL: clientURL(c.ID), ID: c.ID, Name: c.Name, Disabled: c.DisabledAt != nil,
		Grants: holds.Grants, Accounts: holds.Accounts,
	})
}

func (h *Handler) postClientSwitch(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(w, r)
	if err != nil {
		return err
	}
	id, do := chi.URLParam(r, "client"), form.Get("do")
	if do != "disable" && do != "enable" {
		return web.BadRequest(nil)
	}
	changed, err := h.service.SetClientDisabled(r.Context(), actorOf(r), id, do == "disable")
	switch {
	case err != nil:
		return answer(err)
	case !changed:
		return h.done(w, r, templates.FlashUnchanged, clientURL(id))
	case do == "disable":
		return h.done(w, r, templates.FlashClientDisabled, clientURL(id))
	}
	return h.done(w, r, templates.FlashClientEnabled, clientURL(id))
}

func (h *Handler) renderDeleteClient(w http.ResponseWriter, r *http.Request, status int, errs map[string]string) error {
	c, err := h.changeableClient(r)
	if err != nil {
		return err
	}
	holds, err := h.service.ClientHolds(r.Context(), actorOf(r), c.ID)
	if err != nil {
		return answer(err)
	}
	f, _ := h.formFrame(w, r, templates.NavClients)
	return h.templates.ClientDelete.Render(w, status, f, templates.ClientDeleteView{
		Action: clientURL(c.ID) + "/delete", BackURL: clientURL(c.ID), ID: c.ID, Name: c.Name, Grants: holds.Grants, Accounts: holds.Accounts,
		Version: version(c.UpdatedAt), Errors: errs,
	})
}

func (h *Handler) getDeleteClient(w http.ResponseWriter, r *http.Request) error {
	return h.renderDeleteClient(w, r, http.StatusOK, nil)
}

func (h *Handler) postDeleteClient(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(w, r)
	if err != nil {
		return err
	}
	err = h.service.DeleteClient(r.Context(), actorOf(r), chi.URLParam(r, "client"), versionOf(form), form.Get(FieldTyped))
	if err == nil {
		return h.done(w, r, templates.FlashDeleted, templates.PathClients)
	}
	texts, ok := h.clientErrors(web.Lang(r), err)
	if !ok {
		return answer(err)
	}
	return h.renderDeleteClient(w, r, http.StatusUnprocessableEntity, texts)
}

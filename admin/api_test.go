package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/internal/seal"
	"github.com/futakagi/futakagi/keys"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
	"github.com/futakagi/futakagi/web"
)

var errNoToken = errors.New("no token")

// program is the API with a program in front of it.
type program struct {
	*world
	api *API
	mux *chi.Mux
	// tokens are those of clients, by their text.
	tokens map[string]store.TokenSetID
	// token and cookie are what the program sends.
	token, cookie string
	// stale is what the next request finds out about its proof.
	stale bool
	stock stock
}

// stock is what samples use up, each time something else.
type stock struct {
	// spare is an account that is exempt, frozen and has a sign-in code, other a user group to move to, and the rest of no use to anybody.
	spare, other string
	customer     store.CustomerID
	group        store.UserGroupID
	role         string
	job          store.ImportID
	// reset, form and message are there from the beginning.
	reset   store.ResetID
	form    store.FormID
	message store.MessageID
	// token is an initial access token that counts.
	token store.RegistrationTokenID
	// stream is one of the client shop.
	stream store.StreamID
	// guarded is an account that takes a second operator, and request asks for one.
	guarded store.AccountID
	request store.ApprovalID
}

func newProgram(t *testing.T, db *store.DB, perMinute int) *program {
	t.Helper()
	p := &program{world: newWorld(t, db), tokens: map[string]store.TokenSetID{}}
	p.anything()
	kit, err := web.New(web.Config{
		Issuer: "https://id.example.jp", DB: p.db, Templates: p.set, Logger: slog.New(slog.DiscardHandler), Now: p.clock.now,
		CustomerIdle: time.Hour, OperatorIdle: 15 * time.Minute,
		Sufficient: func(context.Context, web.Session) (bool, error) { return true, nil },
		Fresh:      func(context.Context, web.Session, time.Duration) (bool, error) { return !p.stale, nil },
	})
	must(t, err)
	master, _ := seal.NewMasterKey()
	wrapped, err := seal.Generate(master)
	must(t, err)
	box, err := seal.New(master, wrapped)
	must(t, err)
	p.api, err = NewAPI(APIConfig{
		Service: p.Service, Issuer: "https://id.example.jp", DB: p.db, Box: box, Templates: p.set, Toolkit: kit, Now: p.clock.now,
		RequestsPerMinute: perMinute, NotToken: errNoToken,
		ClientToken: func(_ http.Header, r *http.Request) (store.TokenSetID, error) {
			_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
			id, ok := p.tokens[token]
			if !ok {
				return "", errNoToken
			}
			return id, nil
		},
		ClientSecret: func(_ context.Context, h http.Header) (string, error) {
			r := http.Request{Header: h}
			if id, secret, ok := r.BasicAuth(); ok && secret == "secret of "+id {
				return id, nil
			}
			return "", errNoToken
		},
	})
	must(t, err)
	p.mux = kit.Mux()
	p.api.Mount(p.mux)
	return p
}

// client registers a client with scopes and makes the program send a token of it.
func (p *program) client(id string, scopes ...string) {
	p.t.Helper()
	list := func(words ...string) json.RawMessage {
		raw, err := json.Marshal(append([]string{}, words...))
		must(p.t, err)
		return raw
	}
	set, now := store.NewID[store.TokenSetID](), p.clock.now()
	p.tx(func(tx *store.Tx) error {
		return errors.Join(
			tx.PutClient(p.t.Context(), store.PutClientParams{
				ID: id, Name: id, SurfaceID: SurfaceStore, AuthMethod: "client_secret_basic", SecretHash: []byte(id), RedirectURIs: list(),
				PostLogoutRedirectURIs: list(), GrantTypes: list(grantCredentials), Scopes: list(scopes...), IDTokenAlg: "ES256", Now: now,
			}),
			tx.InsertClientTokenSet(p.t.Context(), store.InsertClientTokenSetParams{
				ID: set, ClientID: id, Scope: strings.Join(scopes, " "), AccessHash: []byte(set), AccessExpiresAt: now.Add(15 * time.Minute), Now: now,
			}))
	})
	p.token, p.cookie = "token-"+string(set), ""
	p.tokens[p.token] = set
}

// as makes the program send the session of somebody.
func (p *program) as(id store.AccountID) {
	token, hash := web.NewToken()
	p.session(id, hash)
	p.token, p.cookie = "", "__Host-futakagi-admin="+token
}

func allScopes() (scopes []string) {
	for _, s := range scopeRights() {
		scopes = append(scopes, s.scope)
	}
	return scopes
}

// said is an answer.
type said struct {
	*httptest.ResponseRecorder
	problem web.Problem
}

// send sends a request below the API's root. Headers are names and values.
func (p *program) send(method, path, body string, headers ...string) said {
	p.t.Helper()
	r := httptest.NewRequestWithContext(p.t.Context(), method, apiRoot+path, strings.NewReader(body))
	r.Host = "id.example.jp"
	r.Header.Set("Accept-Language", "en")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if p.token != "" {
		r.Header.Set("Authorization", "Bearer "+p.token)
	}
	if p.cookie != "" {
		r.Header.Set("Cookie", p.cookie)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i+1] == "" {
			r.Header.Del(headers[i])
			continue
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	w := said{ResponseRecorder: httptest.NewRecorder()}
	p.mux.ServeHTTP(w, r)
	if w.Code >= 400 {
		if ct := w.Header().Get("Content-Type"); ct != "application/problem+json" {
			p.t.Errorf("%s %s: %d as %s", method, path, w.Code, ct)
		}
		must(p.t, json.Unmarshal(w.Body.Bytes(), &w.problem))
		if w.problem.Type != "urn:futakagi:problem:"+w.problem.Code || w.problem.Status != w.Code || w.problem.Title == "" ||
			w.problem.Instance != w.Header().Get("X-Request-Id") {
			p.t.Errorf("%s %s: problem %s", method, path, w.Body)
		}
	}
	return w
}

// is fails the test unless the answer is a problem of that code that names exactly those fields with their reasons.
func (s said) is(t *testing.T, what, code string, fields ...string) {
	t.Helper()
	var got []string
	for _, f := range s.problem.Errors {
		got = append(got, f.Field+" "+f.Reason)
	}
	if s.problem.Code != code || len(fields) > 0 && !slices.Equal(got, fields) {
		t.Errorf("%s: %d %s, want %s with %v", what, s.Code, s.Body, code, fields)
	}
}

// member reads one member of an answer that is an object.
func (s said) member(t *testing.T, name string) string {
	t.Helper()
	var v map[string]any
	must(t, json.Unmarshal(s.Body.Bytes(), &v))
	return fmt.Sprint(v[name])
}

// sample is a good request to an operation.
type sample struct {
	path, body string
	// match is the path whose ETag it needs.
	match string
	// media is the media type of a body that is a file.
	media string
}

// samples has one for every operation. person is whom those about an account are about: if it is not tanaka, those about others, too.
func (p *program) samples(person store.AccountID) map[string]sample {
	customer, group, account := "/customers/"+string(p.customer), "/user-groups/"+string(p.group), "/accounts/"+string(person)
	device := "none"
	if ids := p.status(p.tanaka).Status.Devices; len(ids) > 0 {
		device = string(ids[0].ID)
	}
	// on is an account that is used up, unless the samples are about somebody else.
	on := func(id string) string {
		if person != p.tanaka {
			id = string(person)
		}
		return "/accounts/" + id
	}
	spare, suzuki, seen := on(p.stock.spare), on(string(p.suzuki)), p.clock.now().Format(time.RFC3339Nano)
	typed := p.row(store.AccountID(spare[len("/accounts/"):])).LoginID
	to := p.stock.other
	if group := p.row(p.tanaka).UserGroupID; group != nil && string(*group) == to {
		to = string(p.group)
	}
	role, job := "/roles/"+p.stock.role, "/imports/"+string(p.stock.job)
	rollout := "/surfaces/store/rollout"
	reason := `{"reason":"lost phone","identity_checked":true}`
	changedClient := `{"client_name":"shop 2","surface":"admin","token_endpoint_auth_method":"client_secret_post","redirect_uris":["https://shop.example.jp/cb2"],
		"post_logout_redirect_uris":[],"backchannel_logout_uri":"https://shop.example.jp/out","grant_types":["authorization_code"],"scopes":["openid"],
		"id_token_signed_response_alg":"RS256","require_pkce":false,` + changedSettings + `}`
	guarded := account
	if person == p.tanaka {
		guarded = "/accounts/" + string(p.stock.guarded)
	}
	policy := `{"methods":["email","totp"],"level":"2fa-email","trust_days":7}`
	return map[string]sample{
		"listCustomers":      {path: "/customers?search=C-1&limit=1"},
		"createCustomer":     {path: "/customers", body: `{"code":"N-1","name":"新しい販売先"}`},
		"getCustomer":        {path: customer},
		"updateCustomer":     {path: customer, body: `{"code":"C-1","name":"変更"}`, match: customer},
		"listUserGroups":     {path: customer + "/user-groups"},
		"createUserGroup":    {path: customer + "/user-groups", body: `{"name":"支社"}`},
		"getUserGroup":       {path: group},
		"updateUserGroup":    {path: group, body: `{"name":"本店"}`, match: group},
		"listAccounts":       {path: "/accounts?customer_id=" + string(p.customer) + "&user_group_id=" + string(p.group) + "&search=tanaka&limit=1"},
		"createAccount":      {path: group + "/accounts", body: `{"login_id":"new","name":"new","email":"new@example.jp","role":"buyer","password":"violet-8-ferry","two_factor":"use"}`},
		"listOperators":      {path: "/operators"},
		"createOperator":     {path: "/operators", body: `{"login_id":"new","name":"new","email":"new@example.jp","role":"support","password":"violet-8-ferry"}`},
		"getAccount":         {path: account},
		"updateAccount":      {path: account, body: `{"name":"変更","email":"tanaka@example.jp","role":"viewer"}`, match: account},
		"disableAccount":     {path: account + "/disabled"},
		"enableAccount":      {path: account + "/disabled"},
		"setPassword":        {path: account + "/password", body: `{"password":"violet-8-ferry"}`},
		"sendPasswordReset":  {path: account + "/password-reset-mail"},
		"getTwoFactor":       {path: account + "/two-factor"},
		"setTwoFactor":       {path: account + "/two-factor", body: `{"two_factor":"dont_use"}`, match: account + "/two-factor"},
		"resetFactors":       {path: account + "/two-factor/reset", body: reason},
		"resetFactor":        {path: account + "/two-factor/factors/email/reset", body: reason},
		"listDevices":        {path: account + "/two-factor/devices"},
		"removeDevices":      {path: account + "/two-factor/devices"},
		"removeDevice":       {path: account + "/two-factor/devices/" + device},
		"listConsents":       {path: account + "/consents"},
		"revokeConsent":      {path: account + "/consents/partner"},
		"endSessions":        {path: account + "/sessions"},
		"listApprovals":      {path: "/approvals?state=open&limit=1"},
		"getApproval":        {path: "/approvals/" + string(p.stock.request)},
		"askApproval":        {path: guarded + "/approvals", body: `{"act":"reset","method":"email","handover":"staff","hours":4,"minutes":30,"email":"n@example.jp","reason":"lost phone","identity_checked":true}`},
		"setAccountApproval": {path: account + "/approval", body: `{"approval":true}`, match: account},
		"setSurfaceApproval": {path: "/surfaces/store/approval", body: `{"approval":"all"}`, match: "/surfaces/store/enforcement"},
		"listSurfaces":       {path: "/surfaces"},
		"getEnforcement":     {path: "/surfaces/store/enforcement"},
		"setEnforcement":     {path: "/surfaces/store/enforcement", body: `{"enforced":true}`, match: "/surfaces/store/enforcement"},
		"getPolicy":          {path: "/surfaces/store/policy"},
		"setPolicy":          {path: "/surfaces/store/policy", body: policy, match: "/surfaces/store/policy"},
		"previewPolicy":      {path: "/surfaces/store/policy/preview", body: policy, match: "/surfaces/store/policy"},
		"listAuditEvents":    {path: "/audit-events?limit=3&kind=account&since=2026-01-01T00:00:00Z&until=2027-01-01T00:00:00%2B09:00&account_id=" + string(person)},
		"listDeliveries":     {path: "/deliveries?state=queued&account_id=" + string(person)},
		"listClients":        {path: "/clients"},
		"getClient":          {path: "/clients/program"},
		"listSigningKeys":    {path: "/signing-keys"},
		"rotateSigningKeys":  {path: "/signing-keys/rotate", body: `{"alg":"ES256"}`},
		"revokeSigningKey":   {path: "/signing-keys/" + firstKey + "/revoke", body: `{"reason":"leaked"}`},
		"getReseal":          {path: "/reseal"},
		"startReseal":        {path: "/reseal"},
		"deleteCustomer":     {path: "/customers/" + string(p.stock.customer)},
		"deleteUserGroup":    {path: "/user-groups/" + string(p.stock.group)},
		"deleteAccount":      {path: spare + "/delete", body: `{"login_id":"` + typed + `"}`},
		"moveAccount":        {path: account + "/user-group", body: `{"user_group_id":"` + to + `"}`, match: account},
		"unmaskAddress":      {path: account + "/unmask", body: `{"field":"registered"}`},
		"planReset":          {path: account + "/two-factor/reset?method=email"},
		"getReset":           {path: "/resets/" + string(p.stock.reset)},
		"listHoldings":       {path: customer + "/two-factor"},
		"resetCustomer":      {path: customer + "/two-factor/reset", body: `{"reason":"lost","identity_checked":true,"checks":["callback"],"inquiry":"1","note":"n","handover":"staff","seen":"` + seen + `","form":""}`},
		"getCustomerReset":   {path: customer + "/two-factor/resets/" + string(p.stock.form)},
		"listExemptions":     {path: "/exemptions?limit=1"},
		"grantExemption":     {path: account + "/two-factor/exemption", body: `{"hours":2,"reason":"lost phone","identity_checked":true}`},
		"endExemption":       {path: spare + "/two-factor/exemption"},
		"issuePass":          {path: account + "/two-factor/pass", body: `{"minutes":15,"reason":"lost phone","identity_checked":true}`},
		"withdrawPass":       {path: spare + "/two-factor/pass"},
		"issueTicket":        {path: suzuki + "/two-factor/ticket", body: `{"handover":"staff"}`},
		"listFreezes":        {path: "/freezes?limit=1"},
		"liftFreeze":         {path: spare + "/two-factor/freeze"},
		"previewSwitches":    {path: customer + "/two-factor/preview", body: `{"two_factor":"dont_use"}`},
		"setSwitches":        {path: customer + "/two-factor", body: `{"two_factor":"dont_use","accounts":["` + string(p.suzuki) + `"]}`},
		"listRoles":          {path: "/roles"},
		"createRole":         {path: "/roles", body: `{"name":"倉庫","rights":["view"]}`},
		"getRole":            {path: role},
		"updateRole":         {path: role, body: `{"name":"窓口","rights":["view"]}`, match: role},
		"deleteRole":         {path: role},
		"getRollout":         {path: rollout},
		"setGrace":           {path: rollout, body: `{"grace_days":7}`, match: rollout},
		"listConcerned":      {path: rollout + "/accounts?limit=1"},
		"exportConcerned":    {path: rollout + "/accounts/export"},

		"announceEnforcement":  {path: "/surfaces/store/announcement", body: `{"on":"2026-12-01"}`},
		"withdrawAnnouncement": {path: "/surfaces/store/announcement"},
		"getDelivery":          {path: "/deliveries/" + string(p.stock.message)},
		"listOperatorActs":     {path: "/operator-acts"},
		"uploadImport":         {path: "/imports?file_name=people.csv&encoding=utf-8", body: "login_id\nyamada\n", media: kindCSV},
		"getImport":            {path: job},
		"startImport":          {path: job + "/start"},
		"listFindings":         {path: job + "/findings?limit=1"},
		"exportAccounts":       {path: "/accounts/export", body: `{"format":"ndjson","operators":true}`},
		"exportAuditEvents":    {path: "/audit-events/export", body: `{"format":"csv","kind":"account","search":"","account_id":"","from":"2026-01-01","to":"2027-01-01"}`},
		"createClient":         {path: "/clients", body: `{"client_name":"shop","redirect_uris":["https://shop.example.jp/cb"],"scopes":["openid"],` + changedSettings + `}`},

		"getProvisioning":    {path: "/clients/program/provisioning"},
		"setProvisioning":    {path: "/clients/program/provisioning", body: `{"user_group_id":"` + string(p.group) + `"}`},
		"removeProvisioning": {path: "/clients/program/provisioning"},
		"setClientLogo":      {path: "/clients/shop/logo", body: tinyPNG(), media: "image/png"},
		"removeClientLogo":   {path: "/clients/shop/logo"},
		"updateClient":       {path: "/clients/shop", body: changedClient, match: "/clients/shop"},
		"deleteClient":       {path: "/clients/shop", match: "/clients/shop"},
		"disableClient":      {path: "/clients/shop/disabled"},
		"enableClient":       {path: "/clients/shop/disabled"},
		"endFormerSecret":    {path: "/clients/shop/former-secret"},
		"listStreams":        {path: "/clients/shop/streams"},
		"pauseStream":        {path: "/clients/shop/streams/" + string(p.stock.stream) + "/paused"},
		"resumeStream":       {path: "/clients/shop/streams/" + string(p.stock.stream) + "/paused"},
		"deleteStream":       {path: "/clients/shop/streams/" + string(p.stock.stream)},

		"listRegistrationTokens":  {path: "/registration-tokens"},
		"createRegistrationToken": {path: "/registration-tokens", body: `{"label":"market","days":7,"uses":2}`},
		"revokeRegistrationToken": {path: "/registration-tokens/" + string(p.stock.token)},

		"rotateClientSecret": {path: "/clients/shop/secret", body: `{"overlap":"24h"}`, match: "/clients/shop"},
	}
}

// The signing keys of the world: one signs, the other waits.
const (
	firstKey  = "01900000-0000-7000-8000-0000000000a1"
	secondKey = "01900000-0000-7000-8000-0000000000a2"
)

// signingKeys makes them, as the provider would.
func (w *world) signingKeys() {
	w.t.Helper()
	w.tx(func(tx *store.Tx) error {
		var errs []error
		_, err := tx.InsertKeyset(w.t.Context(), store.InsertKeysetParams{Name: store.KeysetName, Wrapped: []byte("wrapped"), Now: w.clock.now()})
		errs = append(errs, err)
		for id, from := range map[string]time.Time{firstKey: w.clock.now(), secondKey: keys.Unplanned} {
			_, err := tx.InsertSigningKey(w.t.Context(), store.InsertSigningKeyParams{
				ID: id, Alg: "ES256", PublicJWK: json.RawMessage(`{}`), PrivateSealed: []byte("sealed"), Now: w.clock.now(), SignsFrom: from,
			})
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	})
}

// shop registers the client of the samples, with a secret that was replaced, in place of what was made of it.
func (p *program) shop() {
	p.t.Helper()
	ctx, now := p.t.Context(), p.clock.now()
	p.tx(func(tx *store.Tx) error {
		_, err := tx.DeleteClient(ctx, "shop")
		err = errors.Join(err, tx.InsertClient(ctx, store.InsertClientParams{
			ID: "shop", Name: "shop", SurfaceID: SurfaceStore, AuthMethod: authBasic, SecretHash: []byte("now"), RedirectURIs: jsonList([]string{"https://shop.example.jp/cb"}),
			PostLogoutRedirectURIs: jsonList(nil), GrantTypes: jsonList([]string{grantCode}), Scopes: jsonList([]string{"openid"}), IDTokenAlg: "ES256", RequirePkce: true, Now: now,
		}))
		_, serr := tx.SetClientSecret(ctx, store.SetClientSecretParams{
			ID: "shop", Version: now, Now: &now, SecretHash: []byte("next"), FormerSecretHash: []byte("now"), FormerSecretUntil: new(now.Add(time.Hour)),
		})
		_, lerr := tx.SetClientLogoVersion(ctx, store.SetClientLogoVersionParams{ID: "shop", LogoVersion: "former", Now: now})
		p.stock.stream = store.NewID[store.StreamID]() // the former one went with the client
		return errors.Join(err, serr, lerr, tx.PutClientLogo(ctx, store.PutClientLogoParams{
			ClientID: "shop", MediaType: "image/png", Data: []byte("former"), Sha256: []byte("former"), Now: now,
		}), tx.InsertStream(ctx, store.InsertStreamParams{
			ID: p.stock.stream, ClientID: "shop", Method: store.StreamPoll, Events: store.SignalSessionRevoked, Now: now,
		}))
	})
}

// ready is a program of a client that may do everything, in a world with something of everything.
func ready(t *testing.T) *program {
	t.Helper()
	p := newProgram(t, storetest.SQLite(t), 1_000_000)
	p.stock.form = store.NewID[store.FormID]()
	done, err := p.ResetFactors(t.Context(), System(), p.suzuki, Reason{Text: "r", IdentityChecked: true, Form: p.stock.form})
	must(t, err)
	p.stock.reset = done.ID
	group, err := p.CreateUserGroup(t.Context(), System(), p.customer, "支店")
	must(t, err)
	p.stock.other = string(group.ID)
	p.stocked()
	rows, err := p.db.Read().ListMessages(t.Context(), store.ListMessagesParams{Since: time.Unix(0, 0), BeforeAt: p.clock.now().Add(time.Hour), BeforeID: store.MaxID, PageSize: 1})
	must(t, err)
	p.stock.message = rows[0].ID
	p.signingKeys()
	p.shop()
	guarded := p.person("guarded", account.RoleBuyer)
	p.guard(guarded)
	p.stock.guarded = guarded
	p.stock.request = p.world.ask(p.actor(p.root), guarded, Proposal{Act: ActReset})
	p.client("program", allScopes()...)
	must(t, p.SetProvisioning(t.Context(), System(), "program", p.group))
	return p
}

// stocked gives back what an operation before may have taken away.
func (p *program) stocked() {
	ctx, now := p.t.Context(), p.clock.now()
	p.shop()
	_, err := p.SetDisabled(ctx, System(), p.tanaka, false)
	must(p.t, err)
	if p.row(p.tanaka).Approval {
		must(p.t, ignore(p.SetGuard(ctx, System(), p.tanaka, time.Time{}, false)))
	}
	status := p.status(p.tanaka).Status
	if !status.SetUp() {
		p.enrol(p.tanaka)
	}
	if len(status.Devices) == 0 {
		p.device(p.tanaka)
	}
	p.consent(p.tanaka)
	spare := store.AccountID(p.stock.spare)
	if _, err := p.db.Read().GetAccount(ctx, spare); err != nil {
		spare = p.person("spare-"+store.NewID[string]()[:8]+version(now), account.RoleBuyer)
		p.stock.spare = string(spare)
	}
	p.tx(func(tx *store.Tx) error {
		var errs []error
		did := func(_ int64, err error) { errs = append(errs, err) }
		for _, id := range []store.AccountID{p.tanaka, p.suzuki} {
			did(tx.SetTwoFactor(ctx, store.SetTwoFactorParams{ID: id, TwoFactor: store.TwoFactorUse, Former: account.TwoFactorDont, Now: now}))
			did(tx.EndExemption(ctx, store.EndExemptionParams{ID: id, Now: now}))
		}
		errs = append(errs, tx.SetTicketDemand(ctx, store.SetTicketDemandParams{DemandedAt: &now, ID: p.suzuki}))
		did(tx.SetSurfaceApproval(ctx, store.SetSurfaceApprovalParams{ID: SurfaceStore, Former: true, Now: now}))
		did(tx.SetExemption(ctx, store.SetExemptionParams{ID: spare, Until: now.Add(time.Hour), Now: now, Reason: "r", GrantedBy: "desk"}))
		did(tx.FreezeAccount(ctx, store.FreezeAccountParams{ID: spare, Now: &now, FrozenUntil: new(now.Add(time.Hour))}))
		did(tx.VoidPasses(ctx, store.VoidPassesParams{Now: now, AccountID: spare}))
		acc, err := tx.GetAccount(ctx, spare)
		errs = append(errs, err, tx.InsertPass(ctx, store.InsertPassParams{
			ID: store.NewID[store.PassID](), AccountID: spare, CredentialEpoch: acc.CredentialEpoch, CodeMAC: []byte("x"), Now: now, ExpiresAt: now.Add(time.Hour),
		}))
		did(tx.SetSurfaceAnnounced(ctx, store.SetSurfaceAnnouncedParams{ID: SurfaceStore, AnnouncedFor: &now}))
		return errors.Join(errs...)
	})
	p.restock(now)
}

// restock makes the things that nothing else needs, where there are none.
func (p *program) restock(now time.Time) {
	ctx, q, name := p.t.Context(), p.db.Read(), version(now)
	if _, err := q.GetCustomer(ctx, p.stock.customer); err != nil {
		c, err := p.CreateCustomer(ctx, System(), account.CustomerInput{Code: name, Name: "空"})
		must(p.t, err)
		p.stock.customer = c.ID
	}
	if _, err := q.GetAccountPlace(ctx, p.stock.group); err != nil {
		g, err := p.CreateUserGroup(ctx, System(), p.customer, name)
		must(p.t, err)
		p.stock.group = g.ID
	}
	if _, err := p.Role(ctx, System(), p.stock.role); err != nil {
		r, err := p.CreateRole(ctx, System(), RoleInput{Name: name, Rights: []string{"view"}})
		must(p.t, err)
		p.stock.role = r.ID
	}
	tokens, err := p.RegistrationTokens(ctx, System())
	must(p.t, err)
	if !slices.ContainsFunc(tokens, func(t RegistrationToken) bool { return t.ID == p.stock.token && t.State == TokenLive }) {
		_, made, err := p.CreateRegistrationToken(ctx, System(), NewRegistrationToken{Label: name, Days: 7, Uses: 1})
		must(p.t, err)
		p.stock.token = made.ID
	}
	if run, err := p.ImportRun(ctx, System(), p.stock.job, 0); err != nil || run.State != importChecked {
		p.stock.job = store.NewID[store.ImportID]()
		p.tx(func(tx *store.Tx) error {
			return tx.InsertImportJob(ctx, store.InsertImportJobParams{
				ID: p.stock.job, FileHash: []byte{}, FileName: "people.csv", State: importChecked, ActorID: importerSystem, RowsTotal: 1, Now: now,
			})
		})
	}
}

// ask sends a sample, with the ETag it needs and the program's own credentials.
func (p *program) ask(op *operation, s sample, headers ...string) said {
	p.t.Helper()
	if s.match != "" {
		token, cookie := p.token, p.cookie
		if p.tokens["all"] == "" {
			p.client("all", allScopes()...)
			p.tokens["all"] = p.tokens[p.token]
		}
		p.token, p.cookie = "all", ""
		tag := p.send(http.MethodGet, s.match, "").Header().Get("ETag")
		p.token, p.cookie = token, cookie
		headers = append([]string{headerMatch, tag}, headers...)
	}
	if s.media != "" {
		headers = append([]string{"Content-Type", s.media}, headers...)
	}
	return p.send(op.method, s.path, s.body, headers...)
}

// A good request to every operation is answered as the document says.
func TestAPIAnswersAsDocumented(t *testing.T) {
	p := ready(t)
	operations := p.api.table.operations
	if samples := p.samples(p.tanaka); len(samples) != len(operations) || len(operations) < 30 {
		t.Fatalf("%d samples for %d operations", len(samples), len(operations))
	}
	for i := range operations {
		op := &operations[i]
		p.stocked()
		p.enforce(SurfaceStore, false)
		w := p.ask(op, p.samples(p.tanaka)[op.id])
		if w.Code != op.status {
			t.Errorf("%s: %d %s", op.id, w.Code, w.Body)
			continue
		}
		if op.files {
			if kind, _, _ := strings.Cut(w.Header().Get("Content-Type"), ";"); !slices.Contains(fileKinds(), kind) || w.Body.Len() == 0 {
				t.Errorf("%s: %v %s", op.id, w.Header(), w.Body)
			}
		} else if op.out == nil {
			if w.Body.Len() > 0 {
				t.Errorf("%s: has a body: %s", op.id, w.Body)
			}
		} else {
			v, err := readJSON(w.Body.Bytes())
			must(t, err)
			if wrong := p.api.table.schemas.check(op.out, v, ""); len(wrong) > 0 || w.Header().Get("Content-Type") != "application/json" {
				t.Errorf("%s: %v in %s", op.id, wrong, w.Body)
			}
		}
		if (w.Header().Get("ETag") != "") != op.tagged {
			t.Errorf("%s: ETag %q", op.id, w.Header().Get("ETag"))
		}
		if op.method == http.MethodGet && op.tagged {
			p.known(op, w.Header().Get("ETag"))
		}
		if w.Header().Get("RateLimit") == "" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: headers %v", op.id, w.Header())
		}
		if op.status == http.StatusCreated {
			path, ok := strings.CutPrefix(w.Header().Get("Location"), apiRoot)
			if got := p.send(http.MethodGet, path, ""); !ok || got.Code != http.StatusOK {
				t.Errorf("%s: Location %q answers %d", op.id, w.Header().Get("Location"), got.Code)
			}
		}
		if op.method != http.MethodGet && !strings.HasSuffix(op.path, "/preview") && op.id != "enableAccount" && op.id != "enableClient" && op.id != "setProvisioning" {
			rows := p.events("%")
			if last := rows[len(rows)-1]; last.ActorKind != string(audit.ByClient) || last.ActorID != "program" || last.Result != "success" {
				t.Errorf("%s: audited as %+v", op.id, last)
			}
		}
	}
}

// known asks again for what the program has already.
func (p *program) known(op *operation, tag string) {
	p.t.Helper()
	s := p.samples(p.tanaka)[op.id]
	for _, held := range []string{tag, "W/" + tag, `"x", ` + tag, "*"} {
		if w := p.ask(op, s, headerNoneMatch, held); w.Code != http.StatusNotModified || w.Body.Len() > 0 || w.Header().Get("ETag") != tag {
			p.t.Errorf("%s if none match %s: %d %q %s", op.id, held, w.Code, w.Header().Get("ETag"), w.Body)
		}
	}
	if w := p.ask(op, s, headerNoneMatch, `"1"`); w.Code != http.StatusOK {
		p.t.Errorf("%s if none match another: %d", op.id, w.Code)
	}
	if w := p.send(http.MethodHead, s.path, ""); w.Code != http.StatusOK || w.Header().Get("ETag") != tag {
		p.t.Errorf("HEAD of %s: %d %q", op.id, w.Code, w.Header().Get("ETag"))
	}
}

// wrongBodies are the ways in which a body can be wrong, with the field and the reason that the problem must name.
func (p *program) wrongBodies(s *schema, body string) map[string]string {
	s = p.api.table.schemas.resolve(s)
	v, err := readJSON([]byte(body))
	must(p.t, err)
	good := v.(object)
	write := func(change func(members map[string]any)) string {
		members := map[string]any{}
		must(p.t, json.Unmarshal([]byte(body), &members))
		change(members)
		raw, err := json.Marshal(members)
		must(p.t, err)
		return string(raw)
	}
	out := map[string]string{
		write(func(m map[string]any) { m["is_admin"] = true }): "is_admin unknown",
		body[:len(body)-1] + `,"` + good[0].name + `":1}`:      good[0].name + " duplicate",
	}
	for name, member := range s.Properties {
		wrong := any(map[string]any{})
		if member.Type == "object" {
			wrong = "x"
		}
		out[write(func(m map[string]any) { m[name] = wrong })] = name + " type"
		out[write(func(m map[string]any) { m[name] = nil })] = name + " type"
		if slices.Contains(s.Required, name) {
			out[write(func(m map[string]any) { delete(m, name) })] = name + " missing"
		}
		switch {
		case member.Format == "date-time":
			out[write(func(m map[string]any) { m[name] = "yesterday" })] = name + " format"
		case member.Type == "string" && len(member.Enum) > 0:
			out[write(func(m map[string]any) { m[name] = "nonsense" })] = name + " not_one_of"
		case member.Type == "string" && member.MaxLength != nil:
			out[write(func(m map[string]any) { m[name] = strings.Repeat("x", *member.MaxLength+1) })] = name + " too_long"
			out[write(func(m map[string]any) { m[name] = "a\x00b" })] = name + " format"
		case member.Type == "string":
			p.t.Errorf("%s takes text of any length", name)
		case member.Type == "integer" && member.Maximum != nil && member.Minimum != nil:
			out[write(func(m map[string]any) { m[name] = *member.Maximum + 1 })] = name + " too_large"
			out[write(func(m map[string]any) { m[name] = *member.Minimum - 1 })] = name + " too_small"
			out[write(func(m map[string]any) { m[name] = 1.5 })] = name + " type"
		case member.Type == "array" && member.MaxItems != nil:
			out[write(func(m map[string]any) { m[name] = make([]string, *member.MaxItems+1) })] = name + " too_long"
			out[write(func(m map[string]any) { m[name] = []any{1} })] = name + "/0 type"
		case member.Type == "object" && member.AdditionalProperties == (*schema)(nil), member.Type != "object" && member.Type != "boolean":
			p.t.Errorf("%s has no bound: %+v", name, member)
		}
	}
	return out
}

// What does not fit is refused, named, and changes nothing: for every operation and everything it reads.
func TestAPIRefusesWhatDoesNotFit(t *testing.T) {
	p := ready(t)
	p.client("all", allScopes()...)
	p.tokens["all"] = p.tokens[p.token]
	samples := p.samples(p.tanaka)
	before := len(p.events("%"))
	for i := range p.api.table.operations {
		op := &p.api.table.operations[i]
		s := samples[op.id]
		switch {
		case op.uploads:
			p.ask(op, sample{path: s.path, body: s.body}).is(t, op.id, codeMediaType)
			p.ask(op, s, "Content-Type", "").is(t, op.id, codeMediaType)
		case op.body != nil:
			for body, want := range p.wrongBodies(op.body, s.body) {
				bad := s
				bad.body = body
				p.ask(op, bad).is(t, op.id+" "+body, codeInvalid, want)
			}
			for _, body := range []string{"{", s.body + "{}", "\xff", strings.Repeat("[", 40)} {
				bad := s
				bad.body = body
				p.ask(op, bad).is(t, op.id+" "+body, codeMalformed, "body format")
			}
			bad := s
			bad.body = "[]"
			p.ask(op, bad).is(t, op.id+" []", codeInvalid, "body type")
			p.ask(op, s, "Content-Type", "text/plain").is(t, op.id, codeMediaType)
			bad.body = `{"name":"` + strings.Repeat("x", 1<<20) + `"}`
			p.ask(op, bad).is(t, op.id, codeTooLarge, "body too_long")
			bad.body = ""
			p.ask(op, bad).is(t, op.id, codeMediaType)
		default:
			bad := s
			bad.body = "{}"
			p.ask(op, bad).is(t, op.id, codeInvalid, "body unknown")
		}
		join := "?"
		if strings.Contains(s.path, "?") {
			join = "&"
		}
		query := func(text, want string) {
			t.Helper()
			bad := s
			bad.path += join + text
			p.ask(op, bad).is(t, op.id+" "+text, codeInvalid, want)
		}
		query("nonsense=1", "nonsense unknown")
		query("access_token="+p.token, "access_token unknown")
		bare, _, _ := strings.Cut(s.path, "?")
		for _, param := range op.parameters {
			if param.place != "query" {
				continue
			}
			s := sample{path: bare + "?" + param.name + "=", body: s.body, media: s.media}
			refused := func(value, reason string) {
				t.Helper()
				p.ask(op, sample{path: s.path + value, body: s.body, media: s.media}).is(t, op.id+" "+s.path+value, codeInvalid, param.name+" "+reason)
			}
			switch {
			case param.schema.Type == "integer":
				refused("x", reasonType)
				refused("0", reasonSmall)
				refused("201", reasonLarge)
			case param.schema.Format == "date-time":
				refused("yesterday", reasonFormat)
				refused("9999-12-31T23:59:59-12:00", reasonFormat)
			case len(param.schema.Enum) > 0:
				refused("nonsense", reasonOneOf)
			default:
				refused(strings.Repeat("x", *param.schema.MaxLength+1), reasonLong)
				refused("%00", reasonFormat)
				refused("%ff", reasonFormat)
			}
			refused("1&"+param.name+"=1", reasonDuplicate)
			if param.name == "cursor" {
				for _, bad := range []string{"x", cursor(""), cursor("1", "2", "3"), cursor("x\x00"), cursor("-1", store.MaxID), cursor("1", "x")} {
					refused(bad, reasonFormat)
				}
			}
		}
		if op.matches {
			p.send(op.method, s.path, s.body).is(t, op.id, codeMatchMissing)
			p.send(op.method, s.path, s.body, headerMatch, `"1"`).is(t, op.id, codeMatchFailed)
			p.send(op.method, s.path, s.body, headerMatch, `"99999999999999999999"`).is(t, op.id, codeMatchFailed)
			for _, tag := range []string{"*", `W/"1"`, "1", `"1", "2"`} {
				p.send(op.method, s.path, s.body, headerMatch, tag).is(t, op.id+" "+tag, codeInvalid, "If-Match format")
			}
		}
	}
	if n := len(p.events("%")); n != before {
		t.Errorf("%d audit rows more", n-before)
	}
}

// Every operation, scope and problem has its sentence, and its line in document and page.
func TestAPIDocument(t *testing.T) {
	p := newProgram(t, storetest.SQLite(t), 0)
	var doc struct {
		OpenAPI    string
		Paths      map[string]map[string]struct{ OperationID, Summary string }
		Components struct{ Schemas map[string]any }
	}
	raw := p.send(http.MethodGet, "/openapi.json", "").Body.Bytes()
	must(t, json.Unmarshal(raw, &doc))
	page := p.send(http.MethodGet, "", "").Body.String()
	if doc.OpenAPI != "3.1.0" || doc.Components.Schemas["CustomerList"] == nil || doc.Components.Schemas["Problem"] == nil {
		t.Errorf("document: %.300s", raw)
	}
	if !bytes.Contains(raw, []byte(`"tokenUrl": "https://id.example.jp/token"`)) {
		t.Error("the document does not say where tokens come from")
	}
	seen := map[string]bool{}
	for i := range p.api.table.operations {
		op := &p.api.table.operations[i]
		d := doc.Paths[op.path][strings.ToLower(op.method)]
		if d.OperationID != op.id || d.Summary == "api.op."+op.id || d.Summary == "" || seen[op.id] {
			t.Errorf("%s %s: %+v", op.method, op.path, d)
		}
		seen[op.id] = true
		if !strings.Contains(page, `id="`+op.id+`"`) {
			t.Errorf("the page lacks %s", op.id)
		}
		if !slices.Contains(allScopes(), op.scope) {
			t.Errorf("%s has the unknown scope %q", op.id, op.scope)
		}
		for _, code := range op.problems() {
			if statusOf(code) == 0 {
				t.Errorf("%s: %s has no status", op.id, code)
			}
		}
	}
	if strings.Contains(page, "api.") && strings.Contains(page, ">api.") {
		i := strings.Index(page, ">api.")
		t.Errorf("a sentence is missing: %.60s", page[i:])
	}
}

func decodeInto(t *testing.T, w said, v any) {
	t.Helper()
	if w.Code >= 300 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	must(t, json.Unmarshal(w.Body.Bytes(), v))
}

package admin

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
)

// supportMay are the operations that the support desk may do with its session: what the console lets it do.
func supportMay() []string {
	return []string{
		"listCustomers", "getCustomer", "listUserGroups", "getUserGroup", "listAccounts", "getAccount", "updateAccount", "disableAccount",
		"enableAccount", "sendPasswordReset", "getTwoFactor", "setTwoFactor", "resetFactors", "resetFactor", "listDevices", "removeDevices",
		"removeDevice", "listConsents", "revokeConsent", "endSessions", "unmaskAddress", "planReset", "getReset", "listHoldings", "resetCustomer", "getCustomerReset", "listExemptions",
		"grantExemption", "endExemption", "issuePass", "withdrawPass", "issueTicket", "listFreezes", "previewSwitches", "setSwitches",
		"getRollout", "listConcerned", "getDelivery", "listOperatorActs", "listApprovals", "getApproval", "askApproval", "setAccountApproval", "listSurfaces", "getEnforcement", "getPolicy", "listAuditEvents", "listDeliveries",
	}
}

// caller is one row of the matrix.
type caller struct {
	name string
	sign func(p *program, op *operation)
	// want is the code of the problem that a good request meets; "" for none.
	want func(op *operation) string
	// hides is whether operators' accounts are hidden from them.
	hides bool
}

func callers() []caller {
	always := func(code string) func(*operation) string { return func(*operation) string { return code } }
	return []caller{
		{"nobody", func(p *program, _ *operation) { p.token, p.cookie = "", "" }, always("unauthenticated"), false},
		{"a token that is none", func(p *program, _ *operation) { p.token, p.cookie = "nonsense", "" }, always(codeInvalidToken), false},
		{"a customer", func(p *program, _ *operation) {
			p.as(p.suzuki)
			p.cookie = strings.Replace(p.cookie, "-admin", "", 1)
		}, always("unauthenticated"), false},
		{"a customer's session as an operator's", func(p *program, _ *operation) { p.as(p.suzuki) }, always("unauthenticated"), false},
		{"a client without scopes", func(p *program, _ *operation) { p.client("program") }, always(codeScope), false},
		{"a client with every other scope", func(p *program, op *operation) {
			p.client("program", slices.DeleteFunc(allScopes(), func(s string) bool { return s == op.scope })...)
		}, always(codeScope), false},
		{"a client with its scope alone", func(p *program, op *operation) { p.client("program", op.scope) }, func(op *operation) string {
			switch op.id {
			case "createOperator", "setProvisioning": // who could do more than the client
				return codeForbidden
			case "exportAccounts", "exportAuditEvents": // addresses are in them
				return codeForbidden
			}
			return ""
		}, true},
		{"a client with every scope", func(p *program, _ *operation) { p.client("program", allScopes()...) }, always(""), false},
		{"the support desk", func(p *program, _ *operation) { p.as(p.desk) }, func(op *operation) string {
			if slices.Contains(supportMay(), op.id) {
				return ""
			}
			return codeForbidden
		}, true},
		{"an administrator", func(p *program, _ *operation) { p.as(p.root) }, always(""), false},
		{"an administrator whose proof is old", func(p *program, _ *operation) {
			p.as(p.root)
			p.stale = true
		}, func(op *operation) string {
			if op.method == http.MethodGet {
				return ""
			}
			return codeFresh
		}, false},
	}
}

// Z-1, I14: every caller × operation × object. The object is one they may see, one that does not exist, or an operator's account,
// which is like a missing one to whoever may not see operators.
func TestZ1_APIMatrix(t *testing.T) {
	for _, c := range callers() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := ready(t)
			p.client("all", allScopes()...)
			p.tokens["all"] = p.tokens[p.token]
			for i := range p.api.table.operations {
				op := &p.api.table.operations[i]
				want := c.want(op)
				if want == "" {
					p.stocked() // who is refused uses nothing up
				}
				samples := p.samples(p.tanaka)
				p.enforce(SurfaceStore, false)
				p.stale = false
				c.sign(p, op)
				since := p.clock.now()
				w := p.ask(op, samples[op.id])
				if w.problem.Code != want || want == "" && w.Code != op.status {
					t.Errorf("%s: %d %s, want %q", op.id, w.Code, w.Body, want)
				}
				if want != "" && p.acted(since) {
					t.Errorf("%s: refused, and done", op.id)
				}
				if w.Code == http.StatusUnauthorized && !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Bearer") ||
					want == codeScope && w.Header().Get("WWW-Authenticate") != `Bearer error="insufficient_scope", scope="`+op.scope+`"` {
					t.Errorf("%s: WWW-Authenticate %q", op.id, w.Header().Get("WWW-Authenticate"))
				}
				if !strings.Contains(op.path, "{") {
					continue
				}
				p.objects(op, want, c.hides)
			}
		})
	}
}

// acted reports whether anything was done since a moment.
func (p *program) acted(since time.Time) bool {
	rows, err := p.db.Read().SearchAuditEvents(p.t.Context(), store.SearchAuditEventsParams{
		Since: since, BeforeAt: p.clock.now().Add(time.Hour), BeforeID: store.MaxID, Result: "success", PageSize: 1,
	})
	must(p.t, err)
	return len(rows) > 0
}

// objects sends a request about what does not exist and, where it is about an account, about an operator.
func (p *program) objects(op *operation, want string, hides bool) {
	t := p.t
	t.Helper()
	missing := string(store.NewID[store.AccountID]())
	s := p.samples(p.chief)[op.id]
	hidden := s
	for _, id := range []string{
		string(p.customer), string(p.group), string(p.chief), firstKey, string(p.stock.request), "/surfaces/store", "/clients/program", "/clients/shop", string(p.stock.customer), string(p.stock.group),
		p.stock.role, string(p.stock.token), string(p.stock.reset), string(p.stock.message), string(p.stock.job),
	} {
		with := missing
		if strings.HasPrefix(id, "/") {
			with = id[:strings.LastIndex(id, "/")+1] + missing
		}
		s.path = strings.Replace(s.path, id, with, 1)
	}
	if s.match != "" { // what does not exist has no version
		s.match = "/customers/" + string(p.customer)
	}
	since := p.clock.now()
	gone := p.ask(op, s)
	if want == "" {
		want = codeNotFound
	}
	// Whether somebody may change what they may not see is not said either way.
	if gone.problem.Code != want && (want != codeForbidden || gone.problem.Code != codeNotFound) {
		t.Errorf("%s of what does not exist: %d %s, want %s", op.id, gone.Code, gone.Body, want)
	}
	if strings.HasPrefix(op.path, "/accounts/{id}") && hides {
		if hidden.match != "" {
			hidden.match = s.match
		}
		got := p.ask(op, hidden)
		strip := func(w said) string {
			w.Header().Del("X-Request-Id")
			for _, name := range []string{"RateLimit", "Content-Length"} {
				w.Header().Del(name)
			}
			return strings.ReplaceAll(w.Body.String(), w.problem.Instance, "") + strings.Join(w.Header()["Www-Authenticate"], "")
		}
		if a, b := strip(gone), strip(got); a != b || gone.Code != got.Code {
			t.Errorf("%s of a hidden account: %d %s, of a missing one: %d %s", op.id, got.Code, b, gone.Code, a)
		}
	}
	for _, nonsense := range []string{"x", strings.ToUpper(missing), "%27"} {
		bad := s
		bad.path = strings.Replace(s.path, missing, nonsense, 1)
		if w := p.ask(op, bad); w.problem.Code != want && w.problem.Code != codeNotFound {
			t.Errorf("%s of %q: %d %s", op.id, nonsense, w.Code, w.Body)
		}
	}
	if p.acted(since) {
		t.Errorf("%s: something was done", op.id)
	}
}

// Z-2: nobody registers a client that may do more than they.
func TestZ2_APIClientsGrantNoMoreThanTheyHold(t *testing.T) {
	p := ready(t)
	create := func(scopes string) said {
		return p.send(http.MethodPost, "/clients", `{"client_name":"n","grant_types":["client_credentials"],"scopes":[`+scopes+`]}`)
	}
	p.client("program", scopeClients, scopeAccountsRead)
	create(`"api:accounts.read","stock:read"`).is(t, "what it holds", "")
	create(`"api:accounts.read","api:reset"`).is(t, "more than it holds", codeForbidden)
	create(`"api:nonsense"`).is(t, "no scope", codeInvalid, "scopes invalid")
	p.as(p.root)
	create(`"api:reset","api:operators"`).is(t, "an administrator", "")
	if _, err := p.CreateClient(t.Context(), System(), NewClient{Name: "n", GrantTypes: []string{"client_credentials"}, Scopes: []string{"api:nonsense"}}); err == nil {
		t.Error("a scope of the API that is none was registered")
	}
}

// Z-2: a client acts on an operator's account only if it may do all that the operator may.
func TestZ2_APIActsOnNobodyAboveIt(t *testing.T) {
	p := ready(t)
	reset := func(id store.AccountID) said {
		return p.send(http.MethodPost, "/accounts/"+string(id)+"/two-factor/reset", `{"reason":"r","identity_checked":true}`)
	}
	p.client("program", scopeReset, scopeOperators, scopeAccountsRead)
	reset(p.chief).is(t, "an administrator", codeForbidden)
	reset(p.desk).is(t, "the support desk, which may see addresses", codeForbidden)
	p.client("program", scopeReset, scopeOperators, scopeAccountsWrite, scopeAddresses, scopeAuditRead, scopeDeliveriesRead)
	reset(p.desk).is(t, "the support desk", "")
	reset(p.chief).is(t, "an administrator", codeForbidden)
	p.as(p.root)
	reset(p.root).is(t, "oneself", codeOwnAccount)
}

// A token counts only as long as it, its client and its scope do, to the moment of the commit.
func TestAPITokenIsLookedUpAnew(t *testing.T) {
	p := ready(t)
	get := func() said { return p.send(http.MethodGet, "/customers", "") }
	get().is(t, "a live token", "")
	p.clock.pass(15 * time.Minute)
	get().is(t, "an old token", codeInvalidToken)
	p.client("program", scopeCustomersRead, scopeReset)
	get().is(t, "a new token", "")
	token := p.token
	p.client("program", scopeReset) // the registration shrank, the token did not
	p.token = token
	get().is(t, "a scope that is not registered any more", codeScope)

	p.client("program", allScopes()...)
	set := p.tokens[p.token]
	actor, err := p.ClientActor(t.Context(), set)
	must(t, err)
	p.tx(func(tx *store.Tx) error {
		now := p.clock.now()
		_, err := tx.RevokeAccessToken(t.Context(), store.RevokeAccessTokenParams{AccessHash: []byte(set), ClientID: "program", Now: &now})
		return err
	})
	if _, err := p.SetDisabled(t.Context(), actor, p.tanaka, true); err != ErrActorGone { //nolint:errorlint // the very one
		t.Errorf("acting with a token that was revoked after the request came in: %v", err)
	}
	get().is(t, "a revoked token", codeInvalidToken)
}

// RFC 6750: the header alone, once, and one scheme.
func TestAPITokenComesInOneHeader(t *testing.T) {
	p := ready(t)
	token := p.token
	for _, value := range []string{"Basic " + token, "bearer", "Bearer", token} {
		if w := p.send(http.MethodGet, "/customers", "", "Authorization", value); w.Code != http.StatusUnauthorized || w.Header().Get("WWW-Authenticate") == "" {
			t.Errorf("Authorization %q: %d", value, w.Code)
		}
	}
	p.send(http.MethodGet, "/customers", "", "Authorization", "bearer "+token).is(t, "lower case", "")
	// A session does not help a token that is none.
	p.as(p.root)
	p.send(http.MethodGet, "/customers", "", "Authorization", "Bearer nonsense").is(t, "both", codeInvalidToken)
}

// I25: what another site makes an operator's browser send does nothing.
func TestI25_APIRefusesOtherOrigins(t *testing.T) {
	p := ready(t)
	p.as(p.root)
	for _, h := range [][]string{
		{"Sec-Fetch-Site", "cross-site"},
		{"Sec-Fetch-Site", "same-site"},
		{"Sec-Fetch-Site", "", "Origin", "https://evil.example"},
		{"Sec-Fetch-Site", "", "Origin", "null"},
		{"Sec-Fetch-Site", ""},
	} {
		w := p.send(http.MethodPut, "/accounts/"+string(p.tanaka)+"/disabled", "", h...)
		w.is(t, strings.Join(h, " "), "cross_site")
		if w := p.send(http.MethodGet, "/customers", "", h...); w.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Error("another origin can read an answer")
		}
	}
	if p.row(p.tanaka).DisabledAt != nil {
		t.Error("the account was disabled")
	}
}

// Addresses of second factors are whole for who may see them so.
func TestAPIMasksAddresses(t *testing.T) {
	p := ready(t)
	const whole = "tanaka-2fa@example.jp"
	see := func() string {
		return p.send(http.MethodGet, "/accounts/"+string(p.tanaka)+"/two-factor", "").Body.String()
	}
	p.client("program", scopeAccountsRead)
	if body := see(); strings.Contains(body, whole) || !strings.Contains(body, "@example.jp") {
		t.Errorf("without the scope: %s", body)
	}
	p.client("program", scopeAccountsRead, scopeAddresses)
	if body := see(); !strings.Contains(body, whole) {
		t.Errorf("with the scope: %s", body)
	}

	// Nor are they in what people typed, or found by guesses.
	row := p.row(p.tanaka)
	_, err := p.ResetFactors(t.Context(), p.actor(p.root), p.tanaka, Reason{Text: "was " + row.RegisteredEmail, IdentityChecked: true})
	must(t, err)
	for _, c := range []struct {
		scopes []string
		whole  bool
	}{{[]string{scopeAccountsRead, scopeCustomersRead, scopeAuditRead}, false}, {[]string{scopeAccountsRead, scopeCustomersRead, scopeAuditRead, scopeAddresses}, true}} {
		p.client("program", c.scopes...)
		for _, path := range []string{"/accounts/" + string(p.tanaka), "/accounts", "/audit-events"} {
			body := p.send(http.MethodGet, path, "").Body.String()
			if strings.Contains(body, row.RegisteredEmail) != c.whole {
				t.Errorf("%s with %v: %s", path, c.scopes, body)
			}
		}
		for _, path := range []string{"/accounts?search=", "/customers?search="} {
			body := p.send(http.MethodGet, path+url.QueryEscape(row.RegisteredEmail), "").Body.String()
			if strings.Contains(body, `"id"`) != c.whole {
				t.Errorf("%s with %v: %s", path, c.scopes, body)
			}
		}
	}
}

// Lists go on after a row, whatever was added or removed meanwhile.
func TestAPIListsContinue(t *testing.T) {
	p := newProgram(t, storetest.SQLite(t), 1000)
	p.client("program", allScopes()...)
	for _, login := range []string{"a", "c", "b", "e", "d"} {
		p.person(login, account.RoleBuyer)
	}
	walk := func(path string) (n int) {
		t.Helper()
		seen := map[string]bool{}
		for next := ""; ; {
			w := p.send(http.MethodGet, path+"limit=2"+next, "")
			var page struct {
				Items []struct {
					ID       string
					ClientID string `json:"client_id"`
				}
				Next string
			}
			decodeInto(t, w, &page)
			for _, item := range page.Items {
				if id := item.ID + item.ClientID; id == "" || seen[id] {
					t.Errorf("%s: %q comes twice", path, id)
				} else {
					seen[id] = true
				}
			}
			if len(page.Items) > 2 || page.Next != "" && len(page.Items) != 2 {
				t.Errorf("%s: a page of %d", path, len(page.Items))
			}
			if page.Next == "" {
				return len(seen)
			}
			next = "&cursor=" + page.Next
		}
	}
	p.client("other")
	p.client("program", allScopes()...)
	events := len(p.events("%"))
	for path, want := range map[string]int{
		"/accounts?": 7, "/operators?": 3, "/customers?": 1, "/clients?": 2, "/audit-events?": events,
		"/customers/" + string(p.customer) + "/user-groups?": 1, "/accounts?search=tanaka&": 1, "/accounts?customer_id=x&": 0,
	} {
		if n := walk(path); n != want {
			t.Errorf("%s has %d, want %d", path, n, want)
		}
	}
}

// Whatever can become of a message is in the document, and can be asked for.
func TestAPIKnowsEveryStateOfAMessage(t *testing.T) {
	p := ready(t)
	p.client("program", scopeDeliveriesRead)
	for _, state := range []string{
		delivery.StateQueued, delivery.StateAccepted, delivery.StateDelivered, delivery.StateBounced, delivery.StateFailed,
		delivery.StateExpired, delivery.StateCancelled,
	} {
		if w := p.send(http.MethodGet, "/deliveries?state="+state, ""); w.Code != http.StatusOK {
			t.Errorf("%s: %d %s", state, w.Code, w.Body)
		}
	}
}

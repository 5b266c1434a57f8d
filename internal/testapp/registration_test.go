package testapp_test

import (
	"crypto/x509"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/client"
	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/internal/server"
	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/provider"
	"github.com/futakagi/futakagi/store"
)

// registrar lets clients register themselves, and the server reach a site of theirs.
func registrar(site *httptest.Server, r provider.Registration) testapp.Option {
	return func(c *server.Config) {
		r.Surface = "store"
		c.Registration = r
		c.OutboundAllow = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		c.OutboundRoots = x509.NewCertPool()
		if site != nil {
			c.OutboundRoots.AddCert(site.Certificate())
		}
	}
}

// register sends metadata, with a bearer token if it is not empty.
func register(t testing.TB, a *testapp.App, token, body string) testapp.Reply {
	t.Helper()
	return lookAfter(t, a, http.MethodPost, "/register", token, body)
}

func lookAfter(t testing.TB, a *testapp.App, method, path, token, body string) testapp.Reply {
	t.Helper()
	headers := []string{"Content-Type", "application/json"}
	if token != "" {
		headers = append(headers, "Authorization", "Bearer "+token)
	}
	return a.Ask(t, method, path, body, headers...)
}

// registered is a relying party that registered itself with metadata, whose first redirect URI it uses.
func registered(t testing.TB, a *testapp.App, metadata map[string]any) (*testapp.RelyingParty, testapp.Reply) {
	t.Helper()
	if metadata["redirect_uris"] == nil {
		metadata["redirect_uris"] = []string{testapp.StoreCallback}
	}
	raw, err := json.Marshal(metadata)
	if err != nil {
		t.Fatal(err)
	}
	r := register(t, a, "", string(raw))
	if r.Status != http.StatusCreated {
		t.Fatalf("register %s: %d %s", raw, r.Status, r.Body)
	}
	rp := a.RelyingParty(t, r.Str("client_id"))
	rp.Secret = r.Str("client_secret")
	rp.RedirectURI, _ = r.JSON["redirect_uris"].([]any)[0].(string)
	return rp, r
}

// codeFor signs in to a relying party on the browser's session, or with the password.
func codeFor(t testing.TB, a *testapp.App, b *testapp.Browser, rp *testapp.RelyingParty, changes ...string) string {
	t.Helper()
	return a.CodeOf(t, b, rp.AuthorizeURL(changes...), "suzuki")
}

func tokensFor(t testing.TB, a *testapp.App, b *testapp.Browser, rp *testapp.RelyingParty, changes ...string) testapp.Reply {
	t.Helper()
	r := rp.Redeem(codeFor(t, a, b, rp, changes...))
	if r.Status != http.StatusOK {
		t.Fatalf("redeem: %d %s", r.Status, r.Body)
	}
	return r
}

func initialToken(t testing.TB, a *testapp.App, days, uses int) (string, admin.RegistrationToken) {
	t.Helper()
	token, made, err := a.Admin.CreateRegistrationToken(t.Context(), admin.System(), admin.NewRegistrationToken{Label: "市場", Days: days, Uses: uses})
	if err != nil {
		t.Fatal(err)
	}
	return token, made
}

const smallest = `{"redirect_uris":["https://rp.example.jp/cb"]}`

// An initial access token registers as many clients as staff said, until its day, or until it is taken back; without one nothing is
// looked at.
func TestRegistrationTakesAnInitialAccessToken(t *testing.T) {
	t.Parallel()
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		token, made := initialToken(t, a, 7, 2)
		gone, revoked := initialToken(t, a, 7, 1)
		if err := a.Admin.RevokeRegistrationToken(t.Context(), admin.System(), revoked.ID); err != nil {
			t.Fatal(err)
		}
		foreign := a.RelyingParty(t, "service").Post("/token", url.Values{"grant_type": {"client_credentials"}}).Str("access_token")
		for _, bad := range []string{gone, token + "x", "ia_", "reg_" + token[3:], foreign, "\u3042"} {
			if r := register(t, a, bad, `{"redirect_uris":"nonsense"}`); r.Status != http.StatusUnauthorized || r.Str("error") != "invalid_token" ||
				!strings.HasPrefix(r.Header.Get("WWW-Authenticate"), "Bearer ") {
				t.Errorf("%s: %d %s", bad, r.Status, r.Body)
			}
		}
		if r := register(t, a, "", smallest); r.Status != http.StatusUnauthorized || r.Body != "" || r.Header.Get("WWW-Authenticate") != `Bearer realm="futakagi"` {
			t.Errorf("without a token: %d %q", r.Status, r.Body)
		}
		// What is refused costs nothing.
		if r := register(t, a, token, `{"redirect_uris":["http://rp.example/"]}`); r.Status != http.StatusBadRequest || r.Str("error") != "invalid_redirect_uri" {
			t.Errorf("bad metadata: %d %s", r.Status, r.Body)
		}
		var won sync.WaitGroup
		answers := make(chan testapp.Reply, 8)
		for range 8 {
			won.Go(func() { answers <- register(t, a, token, smallest) })
		}
		won.Wait()
		close(answers)
		counted := map[int]int{}
		var one testapp.Reply
		for r := range answers {
			counted[r.Status]++
			if r.Status == http.StatusCreated {
				one = r
			}
		}
		if counted[http.StatusCreated] != 2 || counted[http.StatusUnauthorized] != 6 {
			t.Errorf("a token of two uses: %v", counted)
		}
		row, err := a.DB.Read().GetClient(t.Context(), one.Str("client_id"))
		if err != nil || row.RegisteredBy != "市場" || row.RegisteredAt == nil || row.SurfaceID != "store" {
			t.Errorf("%+v, %v", row, err)
		}
		settings, err := client.Parse(row.Settings)
		if err != nil || !settings.ThirdParty {
			t.Errorf("%+v, %v", settings, err)
		}
		list, err := a.Admin.RegistrationTokens(t.Context(), admin.System())
		if err != nil || len(list) != 2 || list[1].ID != made.ID || list[1].State != admin.TokenUsedUp || list[0].State != admin.TokenRevoked {
			t.Errorf("%+v, %v", list, err)
		}
		fresh, _ := initialToken(t, a, 1, 5)
		a.Pass(t, 25*time.Hour)
		if r := register(t, a, fresh, smallest); r.Status != http.StatusUnauthorized {
			t.Errorf("after its day: %d", r.Status)
		}
		if strings.Contains(a.Log.String(), token) || strings.Contains(a.Log.String(), one.Str("registration_access_token")) {
			t.Error("a token is in the log")
		}
	}, registrar(nil, provider.Registration{Mode: provider.RegistrationToken}))
}

// A registration is looked after with its own token and nothing else (RFC 7592); every answer to anything else is the same.
func TestRegistrationIsLookedAfterByItsToken(t *testing.T) {
	t.Parallel()
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		rp, made := registered(t, a, map[string]any{
			"grant_types": []string{"authorization_code", "refresh_token"}, "client_name#ja": "外部サービス", "default_max_age": 3600,
			"post_logout_redirect_uris": []string{testapp.StoreLoggedOut}, "contacts": []string{"dev@rp.example.jp"},
		})
		other, second := registered(t, a, map[string]any{})
		token, path := made.Str("registration_access_token"), "/register/"+rp.ID
		if made.Str("registration_client_uri") != a.URL+path || made.JSON["client_secret_expires_at"] != 0.0 || made.JSON["client_id_issued_at"] == 0.0 ||
			made.Header.Get("Cache-Control") != "no-store" || made.Str("client_name") != "外部サービス" || made.JSON["default_max_age"] != 3600.0 || made.JSON["third_party"] != nil {
			t.Errorf("%s", made.Body)
		}
		refused := ""
		for _, c := range []struct{ path, token string }{
			{path, second.Str("registration_access_token")},
			{"/register/nobody", token},
			{"/register/store", token},
			{"/register/a%20b", token},
			{path, token + "x"},
			{path, rp.Secret},
			{path, "ia_" + token[4:]},
			{"/register/" + other.ID, token},
			{"/register/" + strings.Repeat("x", 300), token},
		} {
			for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
				r := lookAfter(t, a, method, c.path, c.token, smallest)
				id := r.Header.Get("X-Request-Id")
				if r.Status != http.StatusUnauthorized || refused != "" && strings.ReplaceAll(r.Body, id, "") != refused {
					t.Errorf("%s %s: %d %s", method, c.path, r.Status, r.Body)
				}
				refused = strings.ReplaceAll(r.Body, id, "")
			}
		}
		got := lookAfter(t, a, http.MethodGet, path, token, "")
		if got.Status != http.StatusOK || got.Str("client_id") != rp.ID || got.Str("client_secret") != "" || got.Str("registration_access_token") != token {
			t.Errorf("get: %d %s", got.Status, got.Body)
		}
		b := a.NewBrowser(t)
		held := tokensFor(t, a, b, rp)
		if !rp.Active(held.Str("access_token")) {
			t.Error("its tokens are not live")
		}

		for body, want := range map[string]string{
			smallest: "client_id", `{"client_id":"` + other.ID + `","redirect_uris":["https://rp.example.jp/cb"]}`: "client_id",
			`{"client_id":"` + rp.ID + `","client_secret":"x","redirect_uris":["https://rp.example.jp/cb"]}`: "client_secret",
		} {
			if r := lookAfter(t, a, http.MethodPut, path, token, body); r.Status != http.StatusBadRequest || r.Str("error") != "invalid_client_metadata" ||
				!strings.Contains(r.Str("error_description"), want) {
				t.Errorf("put %s: %d %s", body, r.Status, r.Body)
			}
		}
		// Staff decided that it is their own, and that stays; what the client does not say any more goes.
		replaced := `{"client_id":"` + rp.ID + `","client_secret":"` + rp.Secret + `","redirect_uris":["` + testapp.StoreCallback + `"],"client_name":"新名称"}`
		put := lookAfter(t, a, http.MethodPut, path, token, replaced)
		next := put.Str("registration_access_token")
		if put.Status != http.StatusOK || next == token || put.Str("client_name") != "新名称" || put.JSON["default_max_age"] != nil || put.Str("scope") != "openid profile email" ||
			put.Str("client_secret") != rp.Secret {
			t.Errorf("put: %d %s", put.Status, put.Body)
		}
		if r := lookAfter(t, a, http.MethodGet, path, token, ""); r.Status != http.StatusUnauthorized {
			t.Errorf("the former token: %d", r.Status)
		}
		if !rp.Active(held.Str("access_token")) {
			t.Error("a change ended what the client holds")
		}
		// What staff let it serve is theirs to say: it stays, is not told, and what does not go with it is refused.
		row, err := a.DB.Read().GetClient(t.Context(), other.ID)
		if err != nil {
			t.Fatal(err)
		}
		serves := admin.ClientChange{SettingsChange: admin.SettingsChange{ResourceServers: []string{"https://rp.example.jp/api"}}}
		if _, _, err := a.Admin.UpdateClient(t.Context(), admin.System(), other.ID, row.UpdatedAt, serves); err != nil {
			t.Fatal(err)
		}
		same := `{"client_id":"` + other.ID + `","redirect_uris":["` + testapp.StoreCallback + `"]`
		if r := lookAfter(t, a, http.MethodPut, "/register/"+other.ID, second.Str("registration_access_token"), same+`,"token_endpoint_auth_method":"none"}`); r.Status != http.StatusBadRequest ||
			r.Str("error") != "invalid_client_metadata" || !strings.HasPrefix(r.Str("error_description"), "resource_servers ") {
			t.Errorf("public: %d %s", r.Status, r.Body)
		}
		kept := lookAfter(t, a, http.MethodPut, "/register/"+other.ID, second.Str("registration_access_token"), same+`}`)
		if row, err = a.DB.Read().GetClient(t.Context(), other.ID); err != nil || kept.Status != http.StatusOK || kept.JSON["resource_servers"] != nil || !strings.Contains(string(row.Settings), "rp.example.jp/api") {
			t.Errorf("%d %s: %s, %v", kept.Status, kept.Body, row.Settings, err)
		}
		// A client that becomes public loses its secret, one that becomes confidential gets one.
		public := lookAfter(t, a, http.MethodPut, path, next, `{"client_id":"`+rp.ID+`","redirect_uris":["`+testapp.StoreCallback+`"],"token_endpoint_auth_method":"none"}`)
		if public.Status != http.StatusOK || public.Str("client_secret") != "" || public.JSON["client_secret_expires_at"] != nil {
			t.Errorf("public: %d %s", public.Status, public.Body)
		}
		if p := b.Get(rp.AuthorizeURL("code_challenge", "", "code_challenge_method", "")); p.Location().Query().Get("error") != "invalid_request" {
			t.Errorf("public without PKCE: %d %s", p.Status, p.Location())
		}
		secret := lookAfter(t, a, http.MethodPut, path, public.Str("registration_access_token"), `{"client_id":"`+rp.ID+`","redirect_uris":["`+testapp.StoreCallback+`"]}`)
		if secret.Status != http.StatusOK || secret.Str("client_secret") == "" || secret.Str("client_secret") == rp.Secret {
			t.Errorf("confidential: %d %s", secret.Status, secret.Body)
		}
		rp.Secret = secret.Str("client_secret")
		last := secret.Str("registration_access_token")

		if _, err := a.Admin.SetClientDisabled(t.Context(), admin.System(), rp.ID, true); err != nil {
			t.Fatal(err)
		}
		if r := lookAfter(t, a, http.MethodGet, path, last, ""); r.Status != http.StatusUnauthorized {
			t.Errorf("disabled: %d", r.Status)
		}
		if _, err := a.Admin.SetClientDisabled(t.Context(), admin.System(), rp.ID, false); err != nil {
			t.Fatal(err)
		}
		if err := a.Provider.ReloadClients(t.Context()); err != nil {
			t.Fatal(err)
		}
		again := tokensFor(t, a, b, rp)
		if r := lookAfter(t, a, http.MethodDelete, path, last, ""); r.Status != http.StatusNoContent || r.Body != "" {
			t.Errorf("delete: %d %s", r.Status, r.Body)
		}
		if r := a.Userinfo(t, again.Str("access_token")); r.Status != http.StatusUnauthorized {
			t.Errorf("userinfo after the end: %d", r.Status)
		}
		if r := lookAfter(t, a, http.MethodGet, path, last, ""); r.Status != http.StatusUnauthorized {
			t.Errorf("after the end: %d", r.Status)
		}
		if p := b.Get(rp.AuthorizeURL()); p.Status != http.StatusBadRequest || p.Header.Get("Location") != "" {
			t.Errorf("authorize after the end: %d %s", p.Status, p.Location())
		}
		rows, err := a.DB.Read().SearchAuditEvents(t.Context(), store.SearchAuditEventsParams{
			Since: time.Unix(0, 0), BeforeAt: a.Clock.Now().Add(time.Hour), BeforeID: store.MaxID, PageSize: 100,
		})
		if err != nil {
			t.Fatal(err)
		}
		acts := map[string]int{}
		for _, row := range rows {
			if row.AuditEvent.ClientID == rp.ID && strings.HasPrefix(row.AuditEvent.Type, "client.") {
				acts[row.AuditEvent.Type+" by "+row.AuditEvent.ActorKind]++
			}
		}
		if acts["client.create by anonymous"] != 1 || acts["client.update by client"] != 3 || acts["client.delete by client"] != 1 {
			t.Errorf("audit: %v", acts)
		}
	}, registrar(nil, provider.Registration{Mode: provider.RegistrationOpen}))
}

// Whoever has a token makes us ask others no more often than clients may register, though what fails uses none of it up.
func TestRegistrationAsksOthersSeldom(t *testing.T) {
	t.Parallel()
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		token, _ := initialToken(t, a, 1, 1)
		for _, want := range []int{http.StatusBadRequest, http.StatusBadRequest, http.StatusTooManyRequests} {
			r := register(t, a, token, `{"redirect_uris":["https://rp.example.jp/cb"],"sector_identifier_uri":"https://127.0.0.1:1/"}`)
			if r.Status != want {
				t.Errorf("%d %s, want %d", r.Status, r.Body, want)
			}
		}
		a.Pass(t, time.Hour)
		if r := register(t, a, token, smallest); r.Status != http.StatusCreated {
			t.Errorf("an hour later: %d %s", r.Status, r.Body)
		}
	}, registrar(nil, provider.Registration{Mode: provider.RegistrationToken, PerHour: 2}))
}

// What staff gave a client beside what it can ask for stays, whether the client says so or not, and nobody asks for more of it.
func TestRegistrationKeepsWhatStaffGave(t *testing.T) {
	t.Parallel()
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		rp, made := registered(t, a, map[string]any{})
		row, err := a.DB.Read().GetClient(t.Context(), rp.ID)
		if err != nil {
			t.Fatal(err)
		}
		change := admin.ClientChange{
			Scopes: []string{"openid", "profile", "stock.read", client.ScopeSignalsRead}, GrantTypes: []string{"authorization_code", "client_credentials"},
		}
		if _, _, err := a.Admin.UpdateClient(t.Context(), admin.System(), rp.ID, row.UpdatedAt, change); err != nil {
			t.Fatal(err)
		}
		path, token := "/register/"+rp.ID, made.Str("registration_access_token")
		told := lookAfter(t, a, http.MethodGet, path, token, "")
		for _, c := range []struct {
			name     string
			metadata func(m map[string]any)
			says     string // what is refused, and else
			scope    string
		}{
			{"what it was told", func(map[string]any) {}, "", "openid profile stock.read ssf.read"},
			{"nothing of it", func(m map[string]any) { m["scope"], m["grant_types"] = nil, nil }, "", "openid profile email stock.read ssf.read"},
			{"more", func(m map[string]any) { m["scope"] = "openid " + client.ScopeSignalsManage }, "scope must not contain", ""},
			{"no secret", func(m map[string]any) { m["token_endpoint_auth_method"] = "none" }, "token_endpoint_auth_method must not be none", ""},
		} {
			m := map[string]any{}
			maps.Copy(m, told.JSON)
			c.metadata(m)
			body, err := json.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			r := lookAfter(t, a, http.MethodPut, path, token, string(body))
			switch {
			case c.says != "":
				if r.Status != http.StatusBadRequest || !strings.HasPrefix(r.Str("error_description"), c.says) {
					t.Errorf("%s: %d %s", c.name, r.Status, r.Body)
				}
				continue
			case r.Status != http.StatusOK:
				t.Fatalf("%s: %d %s", c.name, r.Status, r.Body)
			}
			token = r.Str("registration_access_token")
			if grants, _ := json.Marshal(r.JSON["grant_types"]); r.Str("scope") != c.scope || string(grants) != `["authorization_code","client_credentials"]` {
				t.Errorf("%s: %s", c.name, r.Body)
			}
		}
	}, registrar(nil, provider.Registration{Mode: provider.RegistrationOpen}))
}

// Where anybody may register nobody fills the table: not from one network, not in all, and what nobody uses goes.
func TestRegistrationIsBounded(t *testing.T) {
	t.Parallel()
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		used, made := registered(t, a, map[string]any{})
		codeFor(t, a, a.NewBrowser(t), used)
		for i := range 3 {
			if r := register(t, a, "", smallest); r.Status != http.StatusCreated {
				t.Fatalf("%d: %d %s", i, r.Status, r.Body)
			}
		}
		if r := register(t, a, "", smallest); r.Status != http.StatusTooManyRequests || r.Str("error") != "temporarily_unavailable" {
			t.Errorf("three that nobody uses are there: %d %s", r.Status, r.Body)
		}
		if r := register(t, a, "", smallest); r.Status != http.StatusTooManyRequests {
			t.Errorf("budget of the network: %d %s", r.Status, r.Body)
		}
		same, own := `{"client_id":"`+used.ID+`","redirect_uris":["`+testapp.StoreCallback+`"]}`, made.Str("registration_access_token")
		for i := range 6 {
			r := lookAfter(t, a, http.MethodPut, "/register/"+used.ID, own, same)
			if r.Status != map[bool]int{true: http.StatusOK, false: http.StatusTooManyRequests}[i < 5] {
				t.Fatalf("change %d: %d %s", i, r.Status, r.Body)
			}
			if i < 5 {
				own = r.Str("registration_access_token")
			}
		}
		keep := store.Retention{Flows: time.Hour, Challenges: time.Hour, Sessions: time.Hour, Tokens: time.Hour, Messages: time.Hour, Throttles: time.Hour, ShownCodes: time.Hour}
		a.Pass(t, 31*24*time.Hour)
		removed, err := a.DB.Sweep(t.Context(), a.Clock.Now(), keep)
		if err != nil || removed["clients"] != 3 {
			t.Errorf("swept %v, %v", removed["clients"], err)
		}
		if _, err := a.DB.Read().GetClient(t.Context(), used.ID); err != nil {
			t.Errorf("the client that was used: %v", err)
		}
		if r := register(t, a, "", smallest); r.Status != http.StatusCreated {
			t.Errorf("afterwards: %d %s", r.Status, r.Body)
		}
	}, registrar(nil, provider.Registration{Mode: provider.RegistrationOpen, MaxUnused: 3, PerNetwork: 5, PerHour: 100}))
}

// Who may register nobody has no endpoint, and says so.
func TestRegistrationIsOffUnlessSwitchedOn(t *testing.T) {
	t.Parallel()
	a := testapp.New(t)
	for _, path := range []string{"/register", "/register/store"} {
		if r := a.Ask(t, http.MethodGet, path, ""); r.Status != http.StatusNotFound {
			t.Errorf("%s: %d", path, r.Status)
		}
	}
	if r := a.Ask(t, http.MethodGet, "/.well-known/openid-configuration", ""); r.JSON["registration_endpoint"] != nil {
		t.Errorf("%v", r.JSON["registration_endpoint"])
	}
	if err := startsWith(t, provider.Registration{Mode: provider.RegistrationOpen, Surface: "admin"}); err == nil || !strings.Contains(err.Error(), "surface") {
		t.Errorf("on the operators' surface: %v", err)
	}
	if err := startsWith(t, provider.Registration{Mode: "maybe"}); err == nil {
		t.Error("an unknown mode")
	}
}

func startsWith(t *testing.T, r provider.Registration) error {
	t.Helper()
	c := server.Defaults()
	c.Issuer, c.DatabaseURL, c.MasterKey = "https://id.example.jp", "sqlite:"+t.TempDir()+"/f.db", testapp.MasterKey
	c.Registration, c.Logger, c.AutoMigrate = r, slog.New(slog.DiscardHandler), true
	s, err := server.New(t.Context(), c)
	if err == nil {
		return s.Close()
	}
	return err
}

// The endpoint answers in its own words to requests that are no registration at all.
func TestRegistrationOfNonsense(t *testing.T) {
	t.Parallel()
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		for _, c := range []struct {
			method, path, kind, body string
			status                   int
			code                     string
		}{
			{"POST", "/register", "application/x-www-form-urlencoded", "redirect_uris=x", 400, "invalid_request"},
			{"POST", "/register", "", smallest, 400, "invalid_request"},
			{"POST", "/register", "application/json", "", 400, "invalid_client_metadata"},
			{"POST", "/register", "application/json", `{"redirect_uris":["https://rp.example/cb"],"client_name":"` + strings.Repeat("x", 60<<10) + `"}`, 413, "invalid_request"},
			{"POST", "/register?client_name=x", "application/json", smallest, 400, "invalid_request"},
			{"POST", "/register", "application/json", `{"redirect_uris":["https://rp.example/cb"],"scope":"openid api:clients"}`, 400, "invalid_client_metadata"},
			{"POST", "/register", "application/json", `{"redirect_uris":["https://rp.example/cb"],"client_name":"\ud800"}`, 201, ""},
			{"POST", "/register", "application/json", `{"redirect_uris":["https://rp.example/cb"],"software_statement":"x"}`, 400, "invalid_software_statement"},
			{"POST", "/register", "application/json", `{"redirect_uris":["https://rp.example/cb"],"sector_identifier_uri":"https://169.254.169.254/"}`, 400, "invalid_client_metadata"},
			{"POST", "/register", "application/json", `{"redirect_uris":["https://rp.example/cb"],"sector_identifier_uri":"https://127.0.0.1:1/"}`, 400, "invalid_client_metadata"},
			{"GET", "/register", "", "", 405, "invalid_request"},
			{"PUT", "/register", "application/json", smallest, 405, "invalid_request"},
			{"POST", "/register/store", "application/json", smallest, 405, "invalid_request"},
		} {
			r := a.Ask(t, c.method, c.path, c.body, "Content-Type", c.kind)
			if r.Status != c.status || r.Str("error") != c.code || c.code != "" && r.Str("error_description") == "" {
				t.Errorf("%s %s %.80s: %d %.200s", c.method, c.path, c.body, r.Status, r.Body)
			}
			if strings.Contains(r.Body, "169.254") || strings.Contains(r.Body, "refused") {
				t.Errorf("says what our network answers: %s", r.Body)
			}
		}
	}, registrar(nil, provider.Registration{Mode: provider.RegistrationOpen, PerNetwork: 1000}))
}

// With pairwise subjects clients of different sectors know one person by different names, wherever a name leaves or comes in (OpenID
// Connect Core section 8.1), and those of one sector by the same.
func TestPairwiseSubjects(t *testing.T) {
	t.Parallel()
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		b := a.NewBrowser(t)
		person := string(a.Account(t, "suzuki").ID)
		party := func(uri, kind string) (*testapp.RelyingParty, testapp.Reply) {
			rp, _ := registered(t, a, map[string]any{
				"redirect_uris": []string{uri}, "subject_type": kind, "grant_types": []string{"authorization_code", "refresh_token"},
				"post_logout_redirect_uris": []string{uri + "/bye"}, "backchannel_logout_uri": uri + "/out",
			})
			return rp, tokensFor(t, a, b, rp)
		}
		public, open := party("https://public.example.jp/cb", "public")
		one, first := party("https://one.example.jp/cb", "pairwise")
		_, sister := party("https://one.example.jp/other", "pairwise")
		two, second := party("https://two.example.jp/cb", "pairwise")
		names := map[string]string{}
		for name, r := range map[string]testapp.Reply{"public": open, "one": first, "sister": sister, "two": second} {
			names[name], _ = r.IDToken(t)["sub"].(string)
		}
		if names["public"] != person || names["one"] != names["sister"] || names["one"] == names["two"] || names["one"] == person || len(names["one"]) != 43 {
			t.Errorf("%v", names)
		}
		if first.IDToken(t)["sid"] == second.IDToken(t)["sid"] || first.IDToken(t)["sid"] == open.IDToken(t)["sid"] {
			t.Error("the session ties together what the subjects keep apart")
		}
		if r := a.Userinfo(t, first.Str("access_token")); r.Str("sub") != names["one"] {
			t.Errorf("userinfo: %s", r.Body)
		}
		for _, token := range []string{first.Str("access_token"), first.Str("refresh_token")} {
			if r := one.Introspect(token); r.Str("sub") != names["one"] || r.JSON["sid"] != first.IDToken(t)["sid"] || r.JSON["username"] != nil {
				t.Errorf("introspection: %s", r.Body)
			}
		}
		if r := one.Refresh(first.Str("refresh_token")); r.IDToken(t)["sub"] != names["one"] || r.IDToken(t)["sid"] != first.IDToken(t)["sid"] {
			t.Errorf("refreshed: %s", r.Body)
		}

		session, _ := open.IDToken(t)["sid"].(string)
		for rp, tokens := range map[*testapp.RelyingParty]testapp.Reply{public: open, one: first, two: second} {
			told, err := a.Provider.Push(t.Context(), delivery.Push{
				Kind: delivery.KindSignOut, Recipient: rp.ID, AccountID: store.AccountID(person), SessionID: store.SessionID(session),
			})
			if err != nil {
				t.Fatal(err)
			}
			form, _ := url.ParseQuery(string(told.Body))
			logout := testapp.Reply{JSON: map[string]any{"id_token": form.Get("logout_token")}}.IDToken(t)
			if said := tokens.IDToken(t); logout["sub"] != said["sub"] || logout["sid"] != said["sid"] || told.URL != rp.RedirectURI+"/out" {
				t.Errorf("logout token %v, ID token %v", logout, said)
			}
		}

		claims := func(sub string) string { return `{"id_token":{"sub":{"value":"` + sub + `"}}}` }
		for _, c := range []struct {
			rp          *testapp.RelyingParty
			name, value string
			want        string
		}{
			{one, "id_token_hint", first.Str("id_token"), ""},
			{one, "id_token_hint", sister.Str("id_token"), ""},
			{one, "id_token_hint", second.Str("id_token"), "invalid_request"},
			{one, "id_token_hint", open.Str("id_token"), "invalid_request"},
			{public, "id_token_hint", first.Str("id_token"), "invalid_request"},
			{public, "id_token_hint", open.Str("id_token"), ""},
			{one, "claims", claims(names["one"]), ""},
			{one, "claims", claims(names["two"]), "login_required"},
			{one, "claims", claims(person), "login_required"},
			{two, "claims", claims(names["two"]), ""},
		} {
			p := b.Get(c.rp.AuthorizeURL("prompt", "none", c.name, c.value))
			got := p.Location().Query()
			if got.Get("error") != c.want || (got.Get("code") == "") != (c.want != "") {
				t.Errorf("%s %.60s: %s, want %q", c.name, c.value, p.Location(), c.want)
			}
		}

		// What the subject is changed to for a client ends what it holds: no refreshed ID token names somebody else.
		if r := a.Ask(t, http.MethodPut, "/register/"+two.ID, `{"client_id":"`+two.ID+`","redirect_uris":["`+two.RedirectURI+`"]}`, "Content-Type", "application/json",
			"Authorization", "Bearer "+registrationTokenOf(t, a, two)); r.Status != http.StatusOK {
			t.Errorf("to public: %d %s", r.Status, r.Body)
		}
		if r := two.Refresh(second.Str("refresh_token")); r.Status != http.StatusBadRequest {
			t.Errorf("refresh under another name: %d %s", r.Status, r.Body)
		}

		// The name is stable when everything sealed gets new keys, and signing out by a hint needs it.
		out := b.Get("/logout?" + url.Values{"id_token_hint": {first.Str("id_token")}, "post_logout_redirect_uri": {one.RedirectURI + "/bye"}}.Encode())
		if out.Location().String() != one.RedirectURI+"/bye" {
			t.Errorf("logout: %d %s", out.Status, out.Location())
		}
		again := tokensFor(t, a, a.NewBrowser(t), one)
		if again.IDToken(t)["sub"] != names["one"] {
			t.Error("the name changed with the session")
		}
	}, registrar(nil, provider.Registration{Mode: provider.RegistrationOpen}))
}

// registrationTokenOf gives a client a registration access token that the test knows.
func registrationTokenOf(t testing.TB, a *testapp.App, rp *testapp.RelyingParty) string {
	t.Helper()
	_, made := registered(t, a, map[string]any{})
	donor, err := a.DB.Read().GetClient(t.Context(), made.Str("client_id"))
	if err != nil {
		t.Fatal(err)
	}
	row, err := a.DB.Read().GetClient(t.Context(), rp.ID)
	if err != nil {
		t.Fatal(err)
	}
	err = a.DB.InTx(t.Context(), func(tx *store.Tx) error {
		_, err := tx.ReplaceRegistrationToken(t.Context(), store.ReplaceRegistrationTokenParams{ID: rp.ID, Former: row.RegistrationHash, Fresh: donor.RegistrationHash})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return made.Str("registration_access_token")
}

// sectorSite answers at /N with the N-th of some documents.
func sectorSite(t testing.TB, documents ...string) *httptest.Server {
	t.Helper()
	site := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/"))
		if err != nil || n >= len(documents) {
			http.Redirect(w, r, "/0", http.StatusFound)
			return
		}
		_, _ = w.Write([]byte(documents[n]))
	}))
	t.Cleanup(site.Close)
	return site
}

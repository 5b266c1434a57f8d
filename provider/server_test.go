package provider

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-jose/go-jose/v4"

	"github.com/futakagi/futakagi/internal/seal"
	"github.com/futakagi/futakagi/keys"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
)

const (
	testIssuer   = "https://id.example.com"
	testCallback = "https://shop.example.com/callback"
	// testVerifier and its challenge are those of RFC 7636 appendix B.
	testVerifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	testChallenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

var testStart = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

// machineBench is a machine with a router, a clock and clients in front of a real database.
type machineBench struct {
	*machine
	t      testing.TB
	router http.Handler
	logs   *strings.Builder

	mu      sync.Mutex
	at      time.Time
	secrets map[string]string
	account store.AccountID
}

func (b *machineBench) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.at
}

func (b *machineBench) advance(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.at = b.at.Add(d)
}

func testBox(t testing.TB) *seal.Box {
	t.Helper()
	master := make([]byte, seal.MasterKeySize)
	_, _ = rand.Read(master)
	wrapped, err := seal.Generate(master)
	if err != nil {
		t.Fatal(err)
	}
	box, err := seal.New(master, wrapped)
	if err != nil {
		t.Fatal(err)
	}
	return box
}

// testRules are those of a usual installation.
func testRules() keys.Rules {
	return keys.Rules{Every: 90 * 24 * time.Hour, CacheFor: 5 * time.Minute, TokenLife: 24 * time.Hour, Skew: time.Minute}
}

func newMachineBench(t testing.TB, db *store.DB) *machineBench {
	t.Helper()
	b := &machineBench{t: t, at: testStart, secrets: map[string]string{}, logs: &strings.Builder{}}
	m, err := newMachine(machineConfig{
		Issuer: testIssuer, DB: db, Box: testBox(t), Now: b.clock, Logger: slog.New(slog.NewTextHandler(b.logs, nil)), Keys: testRules(),
		Lifetimes: Lifetimes{
			Code: time.Minute, IDToken: 10 * time.Minute, Access: 15 * time.Minute,
			Refresh: 14 * 24 * time.Hour, RefreshAbsolute: 30 * 24 * time.Hour,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	b.machine = m
	all := []string{"authorization_code", "refresh_token", "client_credentials"}
	scopes := []string{"openid", "profile", "email", "offline_access", "stock.read"}
	b.addClient("shop", "client_secret_basic", algES256, true, all, scopes)
	b.addClient("legacy", "client_secret_post", algRS256, false, all, scopes)
	b.addClient("app", "none", algEdDSA, false, all[:2], scopes)
	b.addClient("codeonly", "client_secret_basic", algES256, false, all[:1], scopes)
	b.account = store.NewID[store.AccountID]()
	b.write(func(ctx context.Context, tx *store.Tx) error {
		return tx.InsertAccount(ctx, store.InsertAccountParams{
			ID: b.account, Kind: "store", LoginID: "Tanaka", LoginKey: "tanaka", DisplayName: "田中 一郎", SearchKey: "tanaka",
			Role: "buyer", PasswordHash: "x", RegisteredEmail: "tanaka@example.jp", TwoFactor: "dont_use", Now: testStart,
		})
	})
	if err := m.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := chi.NewRouter()
	m.mount(r)
	b.router = r
	return b
}

func (b *machineBench) write(f func(context.Context, *store.Tx) error) {
	b.t.Helper()
	if err := b.db.InTx(b.t.Context(), func(tx *store.Tx) error { return f(b.t.Context(), tx) }); err != nil {
		b.t.Fatal(err)
	}
}

func rawList(v []string) json.RawMessage {
	raw, _ := json.Marshal(v)
	return raw
}

func (b *machineBench) addClient(id, method, alg string, pkce bool, grants, scopes []string) {
	b.t.Helper()
	secret, hash := NewClientSecret()
	if method == "none" {
		secret, hash = "", nil
	}
	b.secrets[id] = secret
	b.write(func(ctx context.Context, tx *store.Tx) error {
		return tx.InsertClient(ctx, store.InsertClientParams{
			ID: id, Name: "Client " + id, SurfaceID: "store", AuthMethod: method, SecretHash: hash,
			RedirectURIs: rawList([]string{testCallback}), PostLogoutRedirectURIs: rawList(nil),
			GrantTypes: rawList(grants), Scopes: rawList(scopes), IDTokenAlg: alg, RequirePkce: pkce, Now: testStart,
		})
	})
}

// testGrant is what the authorization endpoint would have written.
type testGrant struct {
	client    string
	scope     string
	challenge string
	nonce     string
	resources string
	claims    string
	session   store.SessionID
	evidence  signin.EvidenceList
}

func passwordOnly() signin.EvidenceList {
	return signin.EvidenceList{{Method: signin.Password, At: testStart.Add(-time.Minute)}}
}

func passwordAndEmail() signin.EvidenceList {
	return passwordOnly().With(signin.Evidence{Method: signin.Email, At: testStart.Add(-30 * time.Second), FactorID: "f"})
}

// authorize stores a grant as the browser side does and returns its code.
func (b *machineBench) authorize(g testGrant) (code string, id store.GrantID) {
	b.t.Helper()
	if g.evidence == nil {
		g.evidence = passwordOnly()
	}
	if g.scope == "" {
		g.scope = "openid profile email offline_access"
	}
	code, hash := newCode()
	id = store.NewID[store.GrantID]()
	account, err := b.db.Read().GetAccount(b.t.Context(), b.account)
	if err != nil {
		b.t.Fatal(err)
	}
	now := b.clock()
	if g.session == "" {
		g.session = store.NewID[store.SessionID]()
	}
	b.write(func(ctx context.Context, tx *store.Tx) error {
		return tx.InsertGrant(ctx, store.InsertGrantParams{
			ID: id, ClientID: g.client, AccountID: b.account, SessionID: g.session, SurfaceID: "store", Resources: g.resources, Claims: g.claims,
			CredentialEpoch: account.CredentialEpoch, SecondFactor: g.evidence.SecondFactor(), Scope: g.scope, Nonce: g.nonce,
			Evidence: g.evidence.Encode(), RedirectURI: testCallback, CodeHash: hash, CodeChallenge: g.challenge,
			CodeExpiresAt: now.Add(b.lifetimes.Code), Now: now, ExpiresAt: now.Add(b.lifetimes.RefreshAbsolute),
		})
	})
	return code, id
}

// request builds a form post that authenticates as the client's registration says.
func (b *machineBench) request(path, client string, form url.Values) *http.Request {
	body := url.Values{}
	maps.Copy(body, form)
	secret := b.secrets[client]
	basic := false
	if c, ok := b.clients.Lookup(client); ok {
		switch c.authMethod {
		case "client_secret_basic":
			basic = true
		case "client_secret_post":
			body.Set("client_id", client)
			body.Set("client_secret", secret)
		default:
			body.Set("client_id", client)
		}
	}
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if basic {
		r.SetBasicAuth(url.QueryEscape(client), url.QueryEscape(secret))
	}
	return r
}

type reply struct {
	*httptest.ResponseRecorder
	json map[string]any
}

func (r reply) str(name string) string {
	s, _ := r.json[name].(string)
	return s
}

func (b *machineBench) do(r *http.Request) reply {
	rec := httptest.NewRecorder()
	b.router.ServeHTTP(rec, r)
	out := reply{ResponseRecorder: rec}
	_ = json.Unmarshal(rec.Body.Bytes(), &out.json) // not every answer has a body
	return out
}

func (b *machineBench) post(path, client string, form url.Values) reply {
	return b.do(b.request(path, client, form))
}

func codeForm(code, verifier string) url.Values {
	f := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {testCallback}}
	if verifier != "" {
		f.Set("code_verifier", verifier)
	}
	return f
}

func (b *machineBench) redeemCode(client, code, verifier string) reply {
	return b.post(pathToken, client, codeForm(code, verifier))
}

func (b *machineBench) refreshWith(client, token string, more ...string) reply {
	f := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
	if len(more) == 2 {
		f.Set(more[0], more[1])
	}
	return b.post(pathToken, client, f)
}

// signIn takes a client all the way to its first tokens.
func (b *machineBench) signIn(client string, g testGrant) (reply, store.GrantID) {
	b.t.Helper()
	g.client = client
	g.challenge = testChallenge
	code, id := b.authorize(g)
	r := b.redeemCode(client, code, testVerifier)
	if r.Code != http.StatusOK {
		b.t.Fatalf("code exchange: %d %s", r.Code, r.Body)
	}
	return r, id
}

func (b *machineBench) getUserinfo(token string) reply {
	r := httptest.NewRequest(http.MethodGet, pathUserinfo, nil)
	r.Header.Set("Authorization", "Bearer "+token)
	return b.do(r)
}

// claims verifies an ID token with an independent library against the published keys.
func (b *machineBench) claims(token, alg string) map[string]any {
	b.t.Helper()
	var set jose.JSONWebKeySet
	res := b.do(httptest.NewRequest(http.MethodGet, PathJWKS, nil))
	if err := json.Unmarshal(res.Body.Bytes(), &set); err != nil {
		b.t.Fatal(err)
	}
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
	if err != nil {
		b.t.Fatalf("parse token: %v", err)
	}
	keys := set.Key(jws.Signatures[0].Header.KeyID)
	if len(keys) != 1 {
		b.t.Fatalf("%d keys for kid %q", len(keys), jws.Signatures[0].Header.KeyID)
	}
	payload, err := jws.Verify(keys[0])
	if err != nil {
		b.t.Fatalf("verify token: %v", err)
	}
	var claims map[string]any
	if err := json.Unmarshal(payload, &claims); err != nil {
		b.t.Fatal(err)
	}
	return claims
}

func wantRefused(t testing.TB, r reply, status int, code string) {
	t.Helper()
	if r.Code != status || r.str("error") != code {
		t.Errorf("got %d %s, want %d %s", r.Code, r.Body, status, code)
	}
	if got := r.Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control = %q", got)
	}
}

func (b *machineBench) auditCount(eventType string) int {
	b.t.Helper()
	return len(storetest.Events(b.t, b.db, eventType))
}

func TestMachineConfigIsChecked(t *testing.T) {
	if _, err := newMachine(machineConfig{}); err == nil {
		t.Error("an empty configuration was accepted")
	}
}

func TestRunPicksUpNewClients(t *testing.T) {
	b := newMachineBench(t, storetest.SQLite(t))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { b.Run(ctx); close(done) }()
	b.addClient("late", "none", algES256, false, []string{"authorization_code"}, []string{"openid"})
	b.write(func(ctx context.Context, tx *store.Tx) error { return tx.Notify(ctx, store.ClientsChannel, "late") })
	for start := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		if _, ok := b.clients.Lookup("late"); ok {
			break
		}
		if time.Since(start) > 15*time.Second {
			t.Fatal("the client was never seen")
		}
	}
	cancel()
	<-done
}

func TestBrokenClientIsNotServed(t *testing.T) {
	b := newMachineBench(t, storetest.SQLite(t))
	b.addClient("odd", "private_key_jwt", algES256, false, nil, nil)
	b.addClient("weird", "client_secret_basic", "HS256", false, nil, nil)
	if err := b.ReloadClients(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"odd", "weird", "", "none"} {
		if _, ok := b.clients.Lookup(id); ok {
			t.Errorf("client %q is served", id)
		}
	}
	if !strings.Contains(b.logs.String(), "client not usable") {
		t.Error("nobody was told")
	}
}

package testapp_test

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/demo"
	"github.com/futakagi/futakagi/internal/server"
	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

const (
	caepEvents = "https://schemas.openid.net/secevent/caep/event-type/"
	ssfEvents  = "https://schemas.openid.net/secevent/ssf/event-type/"
)

// receivers are relying parties that receive security events, pushed over TLS to a path of their own and fetched.
type receivers struct {
	*httptest.Server
	t   *testing.T
	app *testapp.App

	mu     sync.Mutex
	pushed map[string][]map[string]any // by path: the claims
	header http.Header                 // of the last request
	answer func() (status int, body string)
}

func newReceivers(t *testing.T) *receivers {
	r := &receivers{t: t, pushed: map[string][]map[string]any{}}
	r.Server = httptest.NewTLSServer(http.HandlerFunc(r.listen))
	t.Cleanup(r.Close)
	return r
}

func (r *receivers) reach(c *server.Config) {
	c.OutboundAllow = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	c.OutboundRoots = x509.NewCertPool()
	c.OutboundRoots.AddCert(r.Certificate())
}

func (r *receivers) listen(w http.ResponseWriter, q *http.Request) {
	raw, _ := io.ReadAll(q.Body)
	if q.Method != http.MethodPost || q.Header.Get("Content-Type") != "application/secevent+jwt" || q.Header.Get("Accept") != "application/json" {
		r.t.Errorf("%s %v", q.Method, q.Header)
	}
	claims := r.verify(q.Context(), string(raw))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.header = q.Header.Clone()
	if r.answer != nil {
		if status, body := r.answer(); status != 0 {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
			return
		}
	}
	r.pushed[q.URL.Path] = append(r.pushed[q.URL.Path], claims)
	w.WriteHeader(http.StatusAccepted)
}

// verify checks a security event token as a receiver has to (Shared Signals Framework 1.0 section 4.1).
func (r *receivers) verify(ctx context.Context, raw string) map[string]any {
	ctx = context.WithoutCancel(ctx)
	payload, err := oidc.NewRemoteKeySet(ctx, r.app.URL+"/jwks").VerifySignature(ctx, raw)
	if err != nil {
		r.t.Errorf("signature: %v", err)
		return nil
	}
	header, _ := base64.RawURLEncoding.DecodeString(strings.Split(raw, ".")[0])
	var h, claims map[string]any
	if json.Unmarshal(header, &h) != nil || h["typ"] != "secevent+jwt" || h["alg"] != "RS256" {
		r.t.Errorf("header %s", header)
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		r.t.Error(err)
	}
	events, _ := claims["events"].(map[string]any)
	if claims["iss"] != r.app.URL || claims["jti"] == nil || claims["iat"] == nil || claims["sub_id"] == nil || len(events) != 1 {
		r.t.Errorf("claims %s", payload)
	}
	for _, name := range []string{"exp", "sub", "nonce"} { // so that it passes for no other token
		if claims[name] != nil {
			r.t.Errorf("%s in %s", name, payload)
		}
	}
	return claims
}

// spell is a security event in a line.
func spell(claims map[string]any) string {
	var out []string
	about, _ := claims["sub_id"].(map[string]any)
	events, _ := claims["events"].(map[string]any)
	for uri, e := range events {
		said, _ := e.(map[string]any)
		out = append(out, strings.TrimPrefix(strings.TrimPrefix(uri, caepEvents), ssfEvents))
		for _, name := range []string{"change_type", "credential_type", "previous_level", "current_level", "change_direction", "state", "status", "reason", "initiating_entity"} {
			if v, ok := said[name].(string); ok {
				out = append(out, v)
			}
		}
	}
	if session, ok := about["session"].(map[string]any); ok {
		out = append(out, "sid:"+fmt.Sprint(session["id"]))
	}
	return strings.Join(out, " ")
}

// subOf is the account that an event is about.
func subOf(claims map[string]any) string {
	about, _ := claims["sub_id"].(map[string]any)
	if user, ok := about["user"].(map[string]any); ok {
		about = user
	}
	sub, _ := about["sub"].(string)
	return sub
}

// receiver is one relying party with its token.
type receiver struct {
	*testapp.RelyingParty
	t     *testing.T
	app   *testapp.App
	token string
}

// receiver registers a relying party that people sign in to and that may keep streams.
func (r *receivers) receiver(t *testing.T, a *testapp.App, id string, scopes ...string) *receiver {
	t.Helper()
	secret := sha256.Sum256([]byte(testapp.ClientSecret))
	raw := func(values ...string) json.RawMessage {
		out, err := json.Marshal(values)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	a.AddClient(t, id, store.InsertClientParams{
		SurfaceID: "store", AuthMethod: "client_secret_basic", SecretHash: secret[:], RedirectURIs: raw(testapp.StoreCallback),
		PostLogoutRedirectURIs: raw(testapp.StoreLoggedOut), GrantTypes: raw("authorization_code", "refresh_token", "client_credentials"),
		Scopes: raw(append([]string{"openid", "offline_access"}, scopes...)...), IDTokenAlg: "ES256", RequirePkce: true, Now: a.Clock.Now(),
	})
	if err := a.Provider.ReloadClients(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := &receiver{RelyingParty: a.RelyingParty(t, id), t: t, app: a}
	c.token = c.Post("/token", url.Values{"grant_type": {"client_credentials"}, "scope": {strings.Join(scopes, " ")}}).Str("access_token")
	if c.token == "" {
		t.Fatalf("%s got no token", id)
	}
	return c
}

// ask sends a request to the transmitter; body is JSON.
func (c *receiver) ask(method, path, body string) testapp.Reply {
	c.t.Helper()
	return c.app.Ask(c.t, method, path, body, "Authorization", "Bearer "+c.token, "Content-Type", "application/json")
}

// stream makes a stream and returns its id.
func (c *receiver) stream(body string) string {
	c.t.Helper()
	r := c.ask(http.MethodPost, "/ssf/stream", body)
	if r.Status != http.StatusCreated {
		c.t.Fatalf("create stream: %d %s", r.Status, r.Body)
	}
	return r.Str("stream_id")
}

func (r *receivers) pushTo(path string) string {
	return `{"delivery":{"method":"urn:ietf:rfc:8935","endpoint_url":"` + r.URL + path + `","authorization_header":"Bearer of events"}}`
}

// fetch takes what waits on a stream, and acknowledges it.
func (c *receiver) fetch(r *receivers, stream string) []map[string]any {
	c.t.Helper()
	reply := c.ask(http.MethodPost, "/ssf/poll/"+stream, `{"returnImmediately":true}`)
	sets, _ := reply.JSON["sets"].(map[string]any)
	if reply.Status != http.StatusOK || sets == nil {
		c.t.Fatalf("poll: %d %s", reply.Status, reply.Body)
	}
	var out []map[string]any
	ids := []string{}
	for jti, raw := range sets {
		claims := r.verify(c.t.Context(), fmt.Sprint(raw))
		if claims["jti"] != jti {
			c.t.Errorf("jti %v under %s", claims["jti"], jti)
		}
		out, ids = append(out, claims), append(ids, jti)
	}
	ack, _ := json.Marshal(map[string]any{"ack": ids, "maxEvents": 0})
	if reply := c.ask(http.MethodPost, "/ssf/poll/"+stream, string(ack)); reply.Status != http.StatusOK || strings.Contains(reply.Body, "ey") {
		c.t.Fatalf("acknowledge: %d %s", reply.Status, reply.Body)
	}
	return out
}

// taken waits until nothing is to be pushed of an account, and returns what came to a path of it.
func (r *receivers) taken(path string, id store.AccountID) []map[string]any {
	r.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		rows, err := r.app.DB.Read().ListMessagesOfAccount(r.t.Context(), store.ListMessagesOfAccountParams{
			AccountID: &id, State: "queued", Since: time.Unix(0, 0), BeforeAt: r.app.Clock.Now().Add(time.Hour), BeforeID: store.MaxID, PageSize: 10,
		})
		if err != nil {
			r.t.Fatal(err)
		}
		if !slices.ContainsFunc(rows, func(m store.ListMessagesOfAccountRow) bool { return m.Channel == "push" }) {
			break
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("%d messages wait: %+v", len(rows), rows[0])
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.pushed[path]
	delete(r.pushed, path)
	return out
}

// lines spells events, in an order of their own.
func lines(id store.AccountID, list []map[string]any) []string {
	out := []string{}
	for _, claims := range list {
		line := spell(claims)
		if subOf(claims) != string(id) {
			line += " about somebody else"
		}
		out = append(out, line)
	}
	slices.Sort(out)
	return out
}

// TestSignals_EveryChangeIsTold names each change of what an account signs in with and each end of sessions, and holds that exactly those
// receivers hear of it that know the account, pushed and fetched alike.
func TestSignals_EveryChangeIsTold(t *testing.T) {
	t.Parallel()
	r := newReceivers(t)
	const next = "a new pass phrase 2026"
	reason := admin.Reason{Text: "電話で依頼", IdentityChecked: true}
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		r.t, r.app = t, a
		shop, stranger := r.receiver(t, a, "shop", "ssf.manage"), r.receiver(t, a, "stranger", "ssf.manage")
		polled := shop.stream(`{}`)
		shop.stream(r.pushTo("/shop"))
		foreign := stranger.stream(`{}`)
		stranger.stream(r.pushTo("/stranger"))
		ctx := t.Context()
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Error(err)
			}
		}
		only := func(_ any, err error) { t.Helper(); must(err) }
		const email, codes = "urn:futakagi:credential:email", "urn:futakagi:credential:backup-codes"
		lost := "assurance-level-change urn:futakagi:acr:1fa decrease "
		for i, c := range []struct {
			name string
			with bool // a second factor, set up before the shop knows the person
			do   func(id store.AccountID, login string, sid store.SessionID, b *testapp.Browser)
			want []string // S stands for the session
		}{
			{"password changed", false, func(_ store.AccountID, _ string, sid store.SessionID, _ *testapp.Browser) {
				only(a.Passwords.Change(ctx, sid, demo.Password, next, templates.Ja))
			}, []string{"credential-change update password user"}},
			{"password reset by a link", false, func(_ store.AccountID, login string, _ store.SessionID, _ *testapp.Browser) {
				a.ResetPassword(t, a.NewBrowser(t), login, next)
			}, []string{"credential-change update password user", "session-revoked user S"}},
			{"password set by staff", false, func(id store.AccountID, _ string, _ store.SessionID, _ *testapp.Browser) {
				must(a.Admin.SetPassword(ctx, admin.System(), id, next))
			}, []string{"credential-change update password system", "session-revoked system S"}},
			{"factor added in another browser", false, func(_ store.AccountID, login string, _ store.SessionID, _ *testapp.Browser) {
				a.Equip(t, login, testapp.ByApp)
			}, []string{"credential-change create app user", "credential-change create " + codes + " user", "session-revoked user S"}},
			{"factor and codes reset by staff", true, func(id store.AccountID, _ string, _ store.SessionID, _ *testapp.Browser) {
				only(a.Admin.ResetFactors(ctx, admin.System(), id, reason))
			}, []string{lost + "system", "credential-change revoke " + codes + " system", "credential-change revoke " + email + " system", "session-revoked system S"}},
			{"switched off by staff", true, func(id store.AccountID, _ string, _ store.SessionID, _ *testapp.Browser) {
				only(a.Admin.SetTwoFactor(ctx, admin.System(), id, store.TwoFactorUse, store.TwoFactorDontUse))
			}, []string{lost + "system", "credential-change revoke " + codes + " system", "credential-change revoke " + email + " system", "session-revoked system S"}},
			{"new backup codes", true, func(_ store.AccountID, _ string, sid store.SessionID, _ *testapp.Browser) {
				only(a.MFA.RegenerateCodes(ctx, sid, templates.Ja))
			}, []string{"credential-change update " + codes + " user"}},
			{"a pass from staff", true, func(id store.AccountID, _ string, _ store.SessionID, _ *testapp.Browser) {
				only(a.Admin.IssuePass(ctx, admin.System(), id, 30, reason))
			}, []string{"credential-change create urn:futakagi:credential:one-time-pass system"}},
			{"disabled", false, func(id store.AccountID, _ string, _ store.SessionID, _ *testapp.Browser) {
				only(a.Admin.SetDisabled(ctx, admin.System(), id, true))
			}, []string{"session-revoked system S"}},
			{"deleted", false, func(id store.AccountID, login string, _ store.SessionID, _ *testapp.Browser) {
				must(a.Admin.DeleteAccount(ctx, admin.System(), id, login))
			}, []string{"session-revoked system S"}},
			{"logout page", false, func(_ store.AccountID, _ string, _ store.SessionID, b *testapp.Browser) {
				b.Submit("/logout/confirm", value("kind", "store"))
			}, []string{"session-revoked user S"}},
			{"signed in once more", false, func(_ store.AccountID, login string, _ store.SessionID, _ *testapp.Browser) {
				shop.TokensOf(a.NewBrowser(t), login)
			}, nil},
		} {
			login, use := "person-"+string(rune('a'+i)), store.TwoFactorDontUse
			if c.with {
				use = store.TwoFactorUse
			}
			id := a.AddAccount(t, account.KindStore, login, use).ID
			b := a.NewBrowser(t)
			sid, _ := shop.TokensOf(b, login).IDToken(t)["sid"].(string)
			c.do(id, login, store.SessionID(sid), b)
			want := []string{}
			for _, line := range c.want {
				if line, ok := strings.CutSuffix(line, " S"); ok {
					want = append(want, line+" sid:"+sid)
					continue
				}
				want = append(want, line)
			}
			slices.Sort(want)
			fetched, pushed := shop.fetch(r, polled), r.taken("/shop", id)
			if diff := cmp.Diff(want, lines(id, pushed)); diff != "" {
				t.Errorf("%s, pushed (-want +got):\n%s", c.name, diff)
			}
			if diff := cmp.Diff(want, lines(id, fetched)); diff != "" {
				t.Errorf("%s, fetched (-want +got):\n%s", c.name, diff)
			}
			for _, claims := range slices.Concat(pushed, fetched) {
				if claims["aud"] != "shop" || claims["txn"] != pushed[0]["txn"] {
					t.Errorf("%s: aud %v, txn %v and %v", c.name, claims["aud"], claims["txn"], pushed[0]["txn"])
				}
			}
		}
		if got := slices.Concat(stranger.fetch(r, foreign), r.pushed["/stranger"]); len(got) > 0 {
			t.Errorf("a receiver that knows nobody was told of %d events: %v", len(got), got[0])
		}
		if r.header.Get("Authorization") != "Bearer of events" {
			t.Errorf("headers of a push: %v", r.header)
		}
		_ = signin.Email
	}, r.reach)
}

package testapp_test

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
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
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/client"
	"github.com/futakagi/futakagi/demo"
	"github.com/futakagi/futakagi/internal/server"
	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/provider"
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

// queued are the pushes about an account that wait.
func (r *receivers) queued(id store.AccountID) []store.ListMessagesOfAccountRow {
	r.t.Helper()
	rows, err := r.app.DB.Read().ListMessagesOfAccount(r.t.Context(), store.ListMessagesOfAccountParams{
		AccountID: &id, State: "queued", Since: time.Unix(0, 0), BeforeAt: r.app.Clock.Now().Add(time.Hour), BeforeID: store.MaxID, PageSize: 10,
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return slices.DeleteFunc(rows, func(m store.ListMessagesOfAccountRow) bool { return m.Channel != "push" })
}

// until waits for something.
func (r *receivers) until(what string, done func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !done(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("never: %s", what)
		}
	}
}

// taken waits until nothing is to be pushed of an account, and returns what came to a path of it.
func (r *receivers) taken(path string, id store.AccountID) []map[string]any {
	r.t.Helper()
	r.until("everything is pushed", func() bool { return len(r.queued(id)) == 0 })
	return r.came(path)
}

// came is what came to a path.
func (r *receivers) came(path string) []map[string]any {
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
		if got := slices.Concat(stranger.fetch(r, foreign), r.came("/stranger")); len(got) > 0 {
			t.Errorf("a receiver that knows nobody was told of %d events: %v", len(got), got[0])
		}
		if r.header.Get("Authorization") != "Bearer of events" {
			t.Errorf("headers of a push: %v", r.header)
		}
	}, r.reach)
}

// TestSignals_WhoLostConsentHearsNoMore: that it was taken back is the last that an application of others is told of a person, by streams
// and by logout tokens, until it is allowed again. The installation's own applications hear on, and whoever gets the id of a client that
// was deleted knows nobody by it.
func TestSignals_WhoLostConsentHearsNoMore(t *testing.T) {
	t.Parallel()
	r := newReceivers(t)
	reason := admin.Reason{Text: "電話で依頼", IdentityChecked: true}
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		r.t, r.app = t, a
		ctx := t.Context()
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		// listens registers a logout address where nobody answers, so that what is to be told waits.
		listens := func(id string, s client.Settings) {
			t.Helper()
			inTx(t, a, func(tx *store.Tx) error {
				c, err := tx.GetClient(ctx, id)
				if err != nil {
					return err
				}
				_, err = tx.UpdateClient(ctx, store.UpdateClientParams{
					ID: c.ID, Name: c.Name, SurfaceID: c.SurfaceID, AuthMethod: c.AuthMethod, SecretHash: c.SecretHash, RedirectURIs: c.RedirectURIs,
					PostLogoutRedirectURIs: c.PostLogoutRedirectURIs, GrantTypes: c.GrantTypes, Scopes: c.Scopes, IDTokenAlg: c.IDTokenAlg,
					RequirePkce: true, BackchannelLogoutURI: "https://127.0.0.1:1/", Settings: s.Encode(), Now: a.Clock.Now(), Version: c.UpdatedAt,
				})
				return err
			})
			must(a.Provider.ReloadClients(ctx))
		}
		partner, shop := r.receiver(t, a, "partner", "ssf.manage"), r.receiver(t, a, "shop", "ssf.manage")
		listens("partner", client.Settings{ThirdParty: true, SubjectType: client.SubjectPairwise})
		listens("shop", client.Settings{})
		theirs, ours := partner.stream(`{}`), shop.stream(`{}`)
		logouts := func(who store.AccountID, id string) (n int) {
			t.Helper()
			for _, m := range r.queued(who) {
				if m.Kind == store.KindSignOut && m.Recipient == id {
					n++
				}
			}
			return n
		}
		heard := func(to *receiver, stream string) []string {
			t.Helper()
			out := []string{}
			for _, claims := range to.fetch(r, stream) {
				out = append(out, strings.Fields(spell(claims))[0])
			}
			slices.Sort(out)
			return out
		}
		told, known := 0, 0 // logout tokens so far
		wants := func(what string, id store.AccountID, partnerHears, shopHears []string, partnerLogouts, shopLogouts int) {
			t.Helper()
			told, known = told+partnerLogouts, known+shopLogouts
			if diff := cmp.Diff(partnerHears, heard(partner, theirs), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s, the application of others (-want +got):\n%s", what, diff)
			}
			if diff := cmp.Diff(shopHears, heard(shop, ours), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s, our own (-want +got):\n%s", what, diff)
			}
			if p, s := logouts(id, "partner"), logouts(id, "shop"); p != told || s != known {
				t.Errorf("%s: %d and %d logout tokens, want %d and %d", what, p, s, told, known)
			}
		}
		const session, credential = "session-revoked", "credential-change"

		id, b := a.AddAccount(t, account.KindStore, "leaves", store.TwoFactorDontUse).ID, a.NewBrowser(t)
		partner.TokensOf(b, "leaves")
		shop.TokensOf(b, "leaves")
		partner.TokensOf(a.NewBrowser(t), "leaves")
		wants("signed in", id, nil, nil, 0, 0)
		must(a.Admin.RevokeConsent(ctx, admin.System(), id, "partner"))
		wants("taken back", id, []string{session, session}, nil, 2, 0)
		if p := b.Submit("/logout/confirm", value("kind", "store")); p.Status != http.StatusOK {
			t.Errorf("logout: %d", p.Status)
		}
		wants("signed out", id, nil, []string{session}, 0, 1)
		_, err := a.Admin.ResetFactors(ctx, admin.System(), id, reason)
		must(err)
		must(a.Admin.SetPassword(ctx, admin.System(), id, demo.Password))
		wants("password set", id, nil, []string{credential}, 0, 0)
		partner.TokensOf(a.NewBrowser(t), "leaves")
		must(a.Admin.SetPassword(ctx, admin.System(), id, demo.Password))
		wants("allowed again", id, []string{credential, session}, []string{credential}, 1, 0)
		must(a.Admin.RevokeConsent(ctx, admin.System(), id, "partner"))
		shop.TokensOf(a.NewBrowser(t), "leaves")
		must(a.Admin.DeleteAccount(ctx, admin.System(), id, "leaves"))
		wants("deleted", id, nil, []string{session}, 0, 1)

		// The client goes, and another comes by the same name.
		id = a.AddAccount(t, account.KindStore, "stays", store.TwoFactorDontUse).ID
		shop.TokensOf(a.NewBrowser(t), "stays")
		must(a.Admin.EndSessions(ctx, admin.System(), id))
		shop.TokensOf(a.NewBrowser(t), "stays")
		told, known = 0, 0
		wants("signed in to the former", id, nil, []string{session}, 0, 1)
		row, err := a.DB.Read().GetClient(ctx, "shop")
		must(err)
		must(a.Admin.DeleteClient(ctx, admin.System(), "shop", row.UpdatedAt, "shop"))
		shop = r.receiver(t, a, "shop", "ssf.manage")
		listens("shop", client.Settings{})
		ours = shop.stream(`{}`)
		must(a.Admin.SetPassword(ctx, admin.System(), id, demo.Password))
		wants("another of that name", id, nil, nil, 0, -1)
		shop.TokensOf(a.NewBrowser(t), "stays")
		must(a.Admin.SetPassword(ctx, admin.System(), id, demo.Password))
		wants("signed in to the new one", id, nil, []string{credential, session}, 0, 1)
	}, r.reach)
}

// TestSignals_OtherNamesAreLearntBySigningInAlone: a client for which people get other names, by its own request or by staff, is told nothing
// of those whom it knew by the former ones, also of what waited, until they sign in again.
func TestSignals_OtherNamesAreLearntBySigningInAlone(t *testing.T) {
	t.Parallel()
	r := newReceivers(t)
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		r.t, r.app = t, a
		ctx := t.Context()
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		rp, made := registered(t, a, map[string]any{"subject_type": "pairwise"})
		change := func(c admin.ClientChange) {
			t.Helper()
			row, err := a.DB.Read().GetClient(ctx, rp.ID)
			must(err)
			_, _, err = a.Admin.UpdateClient(ctx, admin.System(), rp.ID, row.UpdatedAt, c)
			must(err)
			must(a.Provider.ReloadClients(ctx))
		}
		change(admin.ClientChange{
			Scopes: []string{"openid", client.ScopeSignalsManage}, GrantTypes: []string{"authorization_code", "client_credentials"},
			BackchannelLogoutURI: new("https://127.0.0.1:1/"),
		})
		to := &receiver{RelyingParty: rp, t: t, app: a}
		enter := func() {
			t.Helper()
			to.token = rp.Post("/token", url.Values{"grant_type": {"client_credentials"}, "scope": {client.ScopeSignalsManage}}).Str("access_token")
		}
		enter()
		stream := to.stream(`{}`)
		id := a.AddAccount(t, account.KindStore, "named", store.TwoFactorDontUse).ID
		// hears is whether something is told of the person now, by the stream or by a logout token that waits.
		hears := func(what, sub string, want bool) {
			t.Helper()
			events, logouts := to.fetch(r, stream), 0
			for _, m := range r.queued(id) {
				if m.Kind == store.KindSignOut && m.Recipient == rp.ID {
					logouts++
				}
			}
			if len(events) > 0 != want || logouts > 0 != want {
				t.Errorf("%s: %v, %d logout tokens", what, events, logouts)
			}
			for _, e := range events {
				if subOf(e) != sub {
					t.Errorf("%s: of %s, want %s", what, subOf(e), sub)
				}
			}
		}
		happens := func() {
			t.Helper()
			must(a.Admin.SetPassword(ctx, admin.System(), id, demo.Password))
		}
		signsIn := func() string {
			t.Helper()
			sub, _ := rp.TokensOf(a.NewBrowser(t), "named").IDToken(t)["sub"].(string)
			return sub
		}
		former := signsIn()
		happens()
		told := lookAfter(t, a, http.MethodGet, "/register/"+rp.ID, made.Str("registration_access_token"), "")
		told.JSON["subject_type"] = "public"
		body, err := json.Marshal(told.JSON)
		must(err)
		if got := lookAfter(t, a, http.MethodPut, "/register/"+rp.ID, made.Str("registration_access_token"), string(body)); got.Status != http.StatusOK {
			t.Fatalf("change: %d %s", got.Status, got.Body)
		}
		enter()
		hears("what waited", "", false)
		happens()
		hears("what came after", "", false)
		sub := signsIn()
		happens()
		hears("signed in again", sub, true)
		if sub == former {
			t.Error("the same name")
		}
		signsIn()
		happens()
		change(admin.ClientChange{SettingsChange: admin.SettingsChange{SubjectType: new(client.SubjectPairwise)}})
		enter()
		happens()
		for _, e := range to.fetch(r, stream) {
			t.Errorf("by staff: %v", e)
		}
		signsIn()
		happens()
		for _, e := range to.fetch(r, stream) {
			if subOf(e) != former {
				t.Errorf("back to the former name: %v", e)
			}
		}
	}, registrar(nil, provider.Registration{Mode: provider.RegistrationOpen}))
}

// TestSignals_ResetInTheConsoleReachesPushAndPollAtOnce: one transaction brings both about, or neither.
func TestSignals_ResetInTheConsoleReachesPushAndPollAtOnce(t *testing.T) {
	t.Parallel()
	r := newReceivers(t)
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		r.t, r.app = t, a
		shop := r.receiver(t, a, "shop", "ssf.manage")
		polled := shop.stream(`{}`)
		shop.stream(r.pushTo("/shop"))
		shop.TokensOf(a.NewBrowser(t), "sato")
		id := accountOf(t, a, "sato").ID

		// What is not committed is told to nobody.
		boom := errors.New("boom")
		if err := a.DB.InTx(t.Context(), func(tx *store.Tx) error {
			if err := tx.EndAccess(t.Context(), a.Clock.Now(), id, store.Keep{}); err != nil {
				return err
			}
			return boom
		}); !errors.Is(err, boom) {
			t.Fatal(err)
		}
		staff := a.NewBrowser(t)
		a.SignIn(t, staff, "/admin", "support")
		if got := slices.Concat(r.taken("/shop", id), shop.fetch(r, polled)); len(got) > 0 {
			t.Errorf("told of what was rolled back: %v", got)
		}

		resetBy(t, a, staff, "sato")
		pushed, fetched := r.taken("/shop", id), shop.fetch(r, polled)
		if diff := cmp.Diff(lines(id, pushed), lines(id, fetched)); diff != "" || len(pushed) != 4 {
			t.Errorf("pushed and fetched (-pushed +fetched), %d:\n%s", len(pushed), diff)
		}
		for _, claims := range slices.Concat(pushed, fetched) {
			if claims["txn"] != pushed[0]["txn"] || !strings.Contains(spell(claims), " admin") {
				t.Errorf("%s in %v, not %v", spell(claims), claims["txn"], pushed[0]["txn"])
			}
			events, _ := claims["events"].(map[string]any)
			for _, e := range events {
				said, _ := e.(map[string]any)
				for _, name := range []string{"reason_admin", "reason_user"} {
					why, _ := said[name].(map[string]any)
					if why["ja"] == nil || why["en"] == nil || why["ja"] == why["en"] || strings.Contains(fmt.Sprint(why), "機種変更") {
						t.Errorf("%s: %v", name, why)
					}
				}
				if said["event_timestamp"] != claims["iat"] {
					t.Errorf("%v at %v, issued at %v", said, said["event_timestamp"], claims["iat"])
				}
			}
		}
	}, r.reach)
}

// TestSignals_StepUpIsTold: a receiver with tokens of the session hears that the person is known more surely now.
func TestSignals_StepUpIsTold(t *testing.T) {
	t.Parallel()
	r := newReceivers(t)
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		r.t, r.app = t, a
		shop, other := r.receiver(t, a, "shop", "ssf.manage"), r.receiver(t, a, "other", "ssf.manage")
		polled, others := shop.stream(`{}`), other.stream(`{}`)
		id := a.AddAccount(t, account.KindStore, "mei", store.TwoFactorUse).ID
		a.Equip(t, "mei", testapp.ByApp)
		leaveToPassword(t, a, "mei")
		other.TokensOf(a.NewBrowser(t), "mei") // in a session of its own, which is not about to change
		s := visit(t, a, "shop", "mei", level{acr: acrPassword, way: testapp.ByPassword})
		if got := slices.Concat(shop.fetch(r, polled), other.fetch(r, others)); len(got) > 0 {
			t.Errorf("told of a first sign-in: %v", got)
		}
		a.Pass(t, time.Minute)
		s.take(a.Walk(t, s.b, "mei", testapp.ByApp).From(s.b.Open(s.rp.AuthorizeURL("acr_values", acrFull))))
		want := []string{fmt.Sprintf("assurance-level-change urn:futakagi:acr:1fa urn:futakagi:acr:2fa increase user sid:%s", s.claims["sid"])}
		if diff := cmp.Diff(want, lines(id, shop.fetch(r, polled))); diff != "" {
			t.Errorf("stepped up (-want +got):\n%s", diff)
		}
		if got := other.fetch(r, others); len(got) > 0 {
			t.Errorf("a receiver that has nothing of the session was told: %v", got)
		}
	}, r.reach)
}

// TestSignals_StreamsAreTheirReceiversOwn walks through the life of a stream, with everything that is to be refused on the way.
func TestSignals_StreamsAreTheirReceiversOwn(t *testing.T) {
	t.Parallel()
	r := newReceivers(t)
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		r.t, r.app = t, a
		shop, other := r.receiver(t, a, "shop", "ssf.manage", "ssf.read"), r.receiver(t, a, "other", "ssf.manage")
		reader := *shop
		reader.token = shop.Post("/token", url.Values{"grant_type": {"client_credentials"}, "scope": {"ssf.read"}}).Str("access_token")

		meta := a.Ask(t, http.MethodGet, "/.well-known/ssf-configuration", "")
		for name, want := range map[string]any{
			"spec_version": "1_0", "issuer": a.URL, "jwks_uri": a.URL + "/jwks", "configuration_endpoint": a.URL + "/ssf/stream",
			"status_endpoint": a.URL + "/ssf/status", "verification_endpoint": a.URL + "/ssf/verify", "default_subjects": "ALL",
			"delivery_methods_supported": []any{"urn:ietf:rfc:8935", "urn:ietf:rfc:8936"},
			"authorization_schemes":      []any{map[string]any{"spec_urn": "urn:ietf:rfc:6749"}},
		} {
			if diff := cmp.Diff(want, meta.JSON[name]); diff != "" {
				t.Errorf("metadata %s:\n%s", name, diff)
			}
		}

		made := shop.ask(http.MethodPost, "/ssf/stream", r.pushTo("/shop"))
		id := made.Str("stream_id")
		if made.Status != http.StatusCreated || made.JSON["aud"] != "shop" || made.JSON["iss"] != a.URL || strings.Contains(made.Body, "Bearer of events") {
			t.Fatalf("create: %d %s", made.Status, made.Body)
		}
		if read := reader.ask(http.MethodGet, "/ssf/stream?stream_id="+id, ""); read.Status != 200 || read.Body != made.Body {
			t.Errorf("read: %d %s", read.Status, read.Body)
		}
		// What was read can be sent back. The header that is not in it stays.
		if put := shop.ask(http.MethodPut, "/ssf/stream", made.Body); put.Status != 200 || put.Body != made.Body {
			t.Errorf("replace by the same: %d %s", put.Status, put.Body)
		}
		patch := shop.ask(http.MethodPatch, "/ssf/stream", `{"stream_id":"`+id+`","description":"main","events_requested":["`+caepEvents+`session-revoked","urn:of:others"]}`)
		if patch.JSON["description"] != "main" || len(patch.JSON["events_requested"].([]any)) != 2 ||
			cmp.Diff(patch.JSON["events_delivered"], []any{caepEvents + "session-revoked"}) != "" ||
			cmp.Diff(patch.JSON["delivery"], made.JSON["delivery"]) != "" {
			t.Errorf("change: %d %s", patch.Status, patch.Body)
		}
		if put := shop.ask(http.MethodPut, "/ssf/stream", `{"stream_id":"`+id+`","delivery":{"method":"urn:ietf:rfc:8935","endpoint_url":"`+r.URL+`/shop"}}`); put.JSON["description"] != nil || len(put.JSON["events_delivered"].([]any)) != 3 {
			t.Errorf("replace: %d %s", put.Status, put.Body)
		}

		// Verification, once a minute.
		verify := `{"stream_id":"` + id + `","state":"状態 \"1\""}`
		if got := shop.ask(http.MethodPost, "/ssf/verify", verify); got.Status != http.StatusNoContent {
			t.Errorf("verify: %d %s", got.Status, got.Body)
		}
		if got := shop.ask(http.MethodPost, "/ssf/verify", verify); got.Status != http.StatusTooManyRequests || got.Header.Get("Retry-After") == "" {
			t.Errorf("verify again: %d %s", got.Status, got.Body)
		}
		a.Pass(t, time.Minute)
		said := r.came("/shop")
		if len(said) != 1 || spell(said[0]) != `verification 状態 "1"` || cmp.Diff(said[0]["sub_id"], map[string]any{"format": "opaque", "id": id}) != "" {
			t.Errorf("verification: %v", said)
		}
		if r.header.Get("Authorization") != "Bearer of events" {
			t.Errorf("headers of a push: %v", r.header)
		}

		// Nobody touches what is somebody else's, and it looks like nothing at all.
		missing := string(store.NewID[store.StreamID]())
		for _, c := range []struct{ method, path, body string }{
			{http.MethodGet, "/ssf/stream?stream_id=ID", ""},
			{http.MethodDelete, "/ssf/stream?stream_id=ID", ""},
			{http.MethodPatch, "/ssf/stream", `{"stream_id":"ID","description":"x"}`},
			{http.MethodPut, "/ssf/stream", `{"stream_id":"ID"}`},
			{http.MethodGet, "/ssf/status?stream_id=ID", ""},
			{http.MethodPost, "/ssf/status", `{"stream_id":"ID","status":"disabled"}`},
			{http.MethodPost, "/ssf/verify", `{"stream_id":"ID"}`},
			{http.MethodPost, "/ssf/poll/ID", `{"returnImmediately":true}`},
		} {
			var answers []string
			for _, of := range []string{id, missing, "not-an-id"} {
				got := other.ask(c.method, strings.ReplaceAll(c.path, "ID", of), strings.ReplaceAll(c.body, "ID", of))
				answers = append(answers, fmt.Sprint(got.Status, got.Body))
			}
			if !strings.HasPrefix(answers[0], "404") || answers[0] != answers[1] || answers[0] != answers[2] {
				t.Errorf("%s %s: %v", c.method, c.path, answers)
			}
			if c.method != http.MethodGet {
				got := reader.ask(c.method, strings.ReplaceAll(c.path, "ID", id), strings.ReplaceAll(c.body, "ID", id))
				if got.Status != http.StatusForbidden || !strings.Contains(got.Header.Get("WWW-Authenticate"), `scope="ssf.manage"`) {
					t.Errorf("%s %s with ssf.read: %d %v", c.method, c.path, got.Status, got.Header)
				}
			}
			for _, token := range []string{"", "Bearer ", "Bearer nonsense", "Basic c2hvcDp4"} {
				headers := []string{"Content-Type", "application/json"}
				if token != "" {
					headers = append(headers, "Authorization", token)
				}
				if got := a.Ask(t, c.method, strings.ReplaceAll(c.path, "ID", id), strings.ReplaceAll(c.body, "ID", id), headers...); got.Status != http.StatusUnauthorized || got.Header.Get("WWW-Authenticate") == "" {
					t.Errorf("%s %s as %q: %d", c.method, c.path, token, got.Status)
				}
			}
		}
		theirs := *shop
		theirs.token = shop.TokensOf(a.NewBrowser(t), "sato").Str("access_token")
		if got := theirs.ask(http.MethodGet, "/ssf/stream", ""); got.Status != http.StatusUnauthorized {
			t.Errorf("a token that stands for a person: %d", got.Status)
		}

		// Bad input is told from good, and leaks nothing.
		long := strings.Repeat("x", 3000)
		push := func(endpoint, more string) string {
			return `{"delivery":{"method":"urn:ietf:rfc:8935","endpoint_url":"` + endpoint + `"` + more + `}}`
		}
		same := func(member string) string { return `{"stream_id":"` + id + `",` + member + `}` }
		for _, c := range []struct{ method, path, body string }{
			{http.MethodPost, "/ssf/stream", ``},
			{http.MethodPost, "/ssf/stream", `[]`},
			{http.MethodPost, "/ssf/stream", `null`},
			{http.MethodPost, "/ssf/poll/" + id, `null`},
			{http.MethodPost, "/ssf/stream", `{} {}`},
			{http.MethodPost, "/ssf/stream", "{\"description\":\"\xff\"}"},
			{http.MethodPost, "/ssf/stream", `{"description":"a\u0000b"}`},
			{http.MethodPost, "/ssf/stream", `{"description":"` + long + `"}`},
			{http.MethodPost, "/ssf/stream", `{"description":1}`},
			{http.MethodPost, "/ssf/stream", `{"events_requested":["has space"]}`},
			{http.MethodPost, "/ssf/stream", `{"events_requested":["` + long + `"]}`},
			{http.MethodPost, "/ssf/stream", `{"events_requested":"x"}`},
			{http.MethodPost, "/ssf/stream", `{"delivery":{"method":"urn:other"}}`},
			{http.MethodPost, "/ssf/stream", `{"delivery":{"method":"urn:ietf:rfc:8935"}}`},
			{http.MethodPost, "/ssf/stream", `{"delivery":7}`},
			{http.MethodPost, "/ssf/stream", push("https://169.254.169.254/latest", "")},
			{http.MethodPost, "/ssf/stream", push("https://10.0.0.1/", "")},
			{http.MethodPost, "/ssf/stream", push("https://[::ffff:169.254.169.254]/", "")},
			{http.MethodPost, "/ssf/stream", push("http://rp.example/", "")},
			{http.MethodPost, "/ssf/stream", push("https://u:p@rp.example/", "")},
			{http.MethodPost, "/ssf/stream", push("https://rp.example/#f", "")},
			{http.MethodPost, "/ssf/stream", push("javascript:alert(1)", "")},
			{http.MethodPost, "/ssf/stream", push("https://rp.example/"+long, "")},
			{http.MethodPost, "/ssf/stream", push("https://rp.example/", `,"authorization_header":"a\r\nHost: b"`)},
			{http.MethodPost, "/ssf/stream", push("https://rp.example/", `,"authorization_header":"`+long+long+`"`)},
			{http.MethodPatch, "/ssf/stream", `{"description":"x"}`},
			{http.MethodPatch, "/ssf/stream", same(`"iss":"https://evil.example"`)},
			{http.MethodPatch, "/ssf/stream", same(`"aud":["other"]`)},
			{http.MethodPatch, "/ssf/stream", same(`"events_delivered":[]`)},
			{http.MethodPatch, "/ssf/stream", same(`"events_supported":["x"]`)},
			{http.MethodPatch, "/ssf/stream", same(`"min_verification_interval":1`)},
			{http.MethodPatch, "/ssf/stream", same(`"delivery":{"method":"urn:ietf:rfc:8936","endpoint_url":"https://rp.example/"}`)},
			{http.MethodPut, "/ssf/stream", same(push("https://169.254.169.254/", "")[1 : len(push("https://169.254.169.254/", ""))-1])},
			{http.MethodPost, "/ssf/status", same(`"status":"gone"`)},
			{http.MethodPost, "/ssf/status", same(`"status":"paused","reason":"` + long + `"`)},
			{http.MethodPost, "/ssf/status", same(`"reason":"x"`)},
			{http.MethodPost, "/ssf/status", `{"status":"paused"}`},
			{http.MethodPost, "/ssf/verify", same(`"state":"` + long + `"`)},
			{http.MethodPost, "/ssf/verify", same(`"state":"\u0000"`)},
			{http.MethodGet, "/ssf/status", ""},
			{http.MethodDelete, "/ssf/stream", ""},
			{http.MethodGet, "/ssf/stream?stream_id=a&stream_id=b", ""},
			{http.MethodPost, "/ssf/poll/" + id, `{"maxEvents":-1}`},
			{http.MethodPost, "/ssf/poll/" + id, `{"ack":"x"}`},
			{http.MethodPost, "/ssf/poll/" + id, `{"ack":[` + strings.Repeat(`"x",`, 1000) + `"x"]}`},
			{http.MethodPost, "/ssf/poll/" + id, `null null`},
		} {
			got := shop.ask(c.method, c.path, c.body)
			if got.Status != http.StatusBadRequest || got.Header.Get("Content-Type") != "application/problem+json" || got.Str("code") != "invalid_request" ||
				got.Str("detail") == "" || strings.Contains(got.Body, "xxx") || strings.Contains(got.Body, "evil") {
				t.Errorf("%s %s %.120s: %d %.300s", c.method, c.path, c.body, got.Status, got.Body)
			}
		}
		if got := a.Ask(t, http.MethodPost, "/ssf/stream", "{}", "Authorization", "Bearer "+shop.token, "Content-Type", "text/plain"); got.Status != http.StatusBadRequest {
			t.Errorf("no JSON: %d", got.Status)
		}

		// Three are enough.
		shop.stream(`{}`)
		shop.stream(`{"delivery":{"method":"urn:ietf:rfc:8936","endpoint_url":null}}`)
		if got := shop.ask(http.MethodPost, "/ssf/stream", `{}`); got.Status != http.StatusConflict {
			t.Errorf("a fourth stream: %d %s", got.Status, got.Body)
		}
		if got := shop.ask(http.MethodDelete, "/ssf/stream?stream_id="+id, ""); got.Status != http.StatusNoContent {
			t.Errorf("delete: %d %s", got.Status, got.Body)
		}
		if got := shop.ask(http.MethodGet, "/ssf/stream?stream_id="+id, ""); got.Status != http.StatusNotFound {
			t.Errorf("deleted: %d", got.Status)
		}
		// A scope that the registration lost opens nothing, whatever the token says.
		inTx(t, a, func(tx *store.Tx) error {
			c, err := tx.GetClient(t.Context(), "shop")
			if err != nil {
				return err
			}
			_, err = tx.UpdateClient(t.Context(), store.UpdateClientParams{
				ID: c.ID, Name: c.Name, SurfaceID: c.SurfaceID, AuthMethod: c.AuthMethod, SecretHash: c.SecretHash, RedirectURIs: c.RedirectURIs,
				PostLogoutRedirectURIs: c.PostLogoutRedirectURIs, GrantTypes: c.GrantTypes, Scopes: json.RawMessage(`["openid"]`),
				IDTokenAlg: c.IDTokenAlg, RequirePkce: true, Now: a.Clock.Now(), Version: c.UpdatedAt,
			})
			return err
		})
		if err := a.Provider.ReloadClients(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := shop.ask(http.MethodGet, "/ssf/stream", ""); got.Status != http.StatusForbidden {
			t.Errorf("without the scope: %d", got.Status)
		}
	}, r.reach)
}

// inOrder reports whether events came as they happened: ids of tokens grow with time.
func inOrder(list []map[string]any) bool {
	return slices.IsSortedFunc(list, func(x, y map[string]any) int { return strings.Compare(fmt.Sprint(x["jti"]), fmt.Sprint(y["jti"])) })
}

// TestSignals_WhatWaitsIsKept: a stream that is paused loses nothing, one that is disabled everything, and one that changes its way takes
// what waits with it. What a receiver refuses is seen.
func TestSignals_WhatWaitsIsKept(t *testing.T) {
	t.Parallel()
	r := newReceivers(t)
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		r.t, r.app = t, a
		shop := r.receiver(t, a, "shop", "ssf.manage")
		pushed, polled := shop.stream(r.pushTo("/shop")), shop.stream(`{}`)
		shop.TokensOf(a.NewBrowser(t), "sato")
		id := accountOf(t, a, "sato").ID
		status := func(stream, want string) {
			t.Helper()
			if got := shop.ask(http.MethodPost, "/ssf/status", `{"stream_id":"`+stream+`","status":"`+want+`","reason":"why"}`); got.Status != 200 || got.Str("status") != want || got.Str("reason") != "why" {
				t.Errorf("status %s: %d %s", want, got.Status, got.Body)
			}
		}
		happen := func() {
			t.Helper()
			if err := a.Admin.SetPassword(t.Context(), admin.System(), id, "a new pass phrase 2026"); err != nil {
				t.Fatal(err)
			}
		}
		fetch := func(body string) (n int, more bool, ids []string) {
			t.Helper()
			got := shop.ask(http.MethodPost, "/ssf/poll/"+polled, body)
			sets, _ := got.JSON["sets"].(map[string]any)
			for jti := range sets {
				ids = append(ids, jti)
			}
			more, _ = got.JSON["moreAvailable"].(bool)
			return len(sets), more, ids
		}

		status(pushed, "paused")
		status(polled, "paused")
		happen() // the password, and the session
		if got := shop.ask(http.MethodPost, "/ssf/verify", `{"stream_id":"`+polled+`"}`); got.Status != http.StatusNoContent {
			t.Errorf("verify: %d %s", got.Status, got.Body)
		}
		if n, more, _ := fetch(`{"returnImmediately":true}`); n != 0 || more { // nor a verification, which waits like all others
			t.Errorf("a paused stream: %d tokens, more: %v", n, more)
		}
		if got := r.came("/shop"); len(got) > 0 {
			t.Errorf("pushed on a paused stream: %v", got)
		}
		status(pushed, "enabled")
		status(polled, "enabled")
		if got := r.taken("/shop", id); len(got) != 2 {
			t.Errorf("after the pause: %v", got)
		}
		if n, more, _ := fetch(`{"returnImmediately":true,"maxEvents":2}`); n != 2 || !more {
			t.Errorf("two of three: %d, more: %v", n, more)
		}
		_, _, ids := fetch(`{"returnImmediately":true}`)
		answer, _ := json.Marshal(map[string]any{
			"ack": []string{ids[0], "nonsense"}, "setErrs": map[string]any{ids[1]: map[string]string{"err": "invalid_key", "description": "<b>"}}, "maxEvents": 0,
		})
		shop.ask(http.MethodPost, "/ssf/poll/"+polled, string(answer))
		if n, _, left := fetch(`{"returnImmediately":true}`); n != 1 || left[0] != ids[2] {
			t.Errorf("after two of three: %v of %v", left, ids)
		}
		row, err := a.DB.Read().GetStream(t.Context(), store.StreamID(polled))
		if err != nil || row.Error != "invalid_key" || row.PolledAt == nil {
			t.Errorf("what the receiver said: %+v, %v", row, err)
		}

		// A poll that waits hears at once.
		shop.fetch(r, polled)
		heard := make(chan int, 1)
		go func() {
			n, _, _ := fetch(`{}`)
			heard <- n
		}()
		begun := time.Now()
		for _, body := range []string{`{"maxEvents":0}`, `{"returnImmediately":true}`} {
			if n, _, _ := fetch(body); n != 0 || time.Since(begun) > 10*time.Second {
				t.Errorf("%s: %d tokens after %v", body, n, time.Since(begun))
			}
		}
		inTx(t, a, func(tx *store.Tx) error {
			s, err := tx.GetStream(t.Context(), store.StreamID(polled))
			if err != nil {
				return err
			}
			return tx.TellStream(t.Context(), a.Clock.Now(), s, store.SignalVerification, store.SignalData{})
		})
		select {
		case n := <-heard:
			if n != 1 {
				t.Errorf("the poll that waited got %d", n)
			}
		case <-time.After(15 * time.Second):
			t.Error("the poll that waited heard nothing")
		}
		shop.fetch(r, polled)

		// What waits to be fetched is pushed, once the stream is, and the other way round.
		shop.TokensOf(a.NewBrowser(t), "suzuki")
		id = accountOf(t, a, "suzuki").ID
		status(pushed, "paused")
		happen()
		if got := shop.ask(http.MethodPatch, "/ssf/stream", `{"stream_id":"`+polled+`",`+r.pushTo("/moved")[1:]); got.Status != 200 {
			t.Errorf("change to push: %d %s", got.Status, got.Body)
		}
		if got := shop.ask(http.MethodPatch, "/ssf/stream", `{"stream_id":"`+pushed+`","delivery":{"method":"urn:ietf:rfc:8936"}}`); got.Status != 200 {
			t.Errorf("change to poll: %d %s", got.Status, got.Body)
		}
		status(pushed, "enabled")
		if got := r.taken("/moved", id); len(got) != 2 {
			t.Errorf("pushed after the change: %v", got)
		}
		if got := shop.fetch(r, pushed); len(got) != 2 {
			t.Errorf("fetched after the change: %v", got)
		}

		// A stream that is disabled loses what waits and gets nothing new.
		status(pushed, "paused")
		happen()
		status(pushed, "disabled")
		if got := shop.ask(http.MethodPost, "/ssf/verify", `{"stream_id":"`+pushed+`"}`); got.Status != http.StatusNoContent {
			t.Errorf("verify a stream that is disabled: %d %s", got.Status, got.Body)
		}
		happen()
		status(pushed, "enabled")
		if got := shop.fetch(r, pushed); len(got) != 0 {
			t.Errorf("after it was disabled: %v", got)
		}

		// A receiver that refuses for good is not asked again; one that cannot just now is.
		say := func(status int) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.answer = func() (int, string) { return status, `{"err":"invalid_audience","description":"<script>"}` }
		}
		say(http.StatusBadRequest)
		happen()
		r.taken("/moved", id)
		last, err := a.DB.Read().LastStreamMessage(t.Context(), store.LastStreamMessageParams{StreamID: new(store.StreamID(polled)), State: "failed"})
		if err != nil || last.Number == 0 || last.Reply != "400 invalid_audience" {
			t.Errorf("refused: %+v, %v", last, err)
		}
		say(http.StatusUnauthorized)
		happen()
		happen()
		r.until("a refusal is noted", func() bool {
			rows := r.queued(id)
			return slices.ContainsFunc(rows, func(m store.ListMessagesOfAccountRow) bool { return m.Reply == "401 invalid_audience" })
		})
		// Staff see it, and that what is about the same person waits for it.
		list, err := a.Admin.ClientStreams(t.Context(), admin.System(), "shop")
		if err != nil || list[1].FailedReply != "401 invalid_audience" || list[1].Waiting < 2 || list[1].Failed == 0 {
			t.Errorf("what staff see: %+v, %v", list, err)
		}
		for _, m := range r.queued(id) {
			if m.Attempts > 0 && m.Reply == "" {
				t.Errorf("tried beside the one before it: %+v", m)
			}
		}
		say(0)
		// A pause and its end try everything again at once, and in order.
		status(polled, "paused")
		status(polled, "enabled")
		if got := r.taken("/moved", id); len(got) < 2 || !inOrder(got) {
			t.Errorf("after the receiver was set right: %v", got)
		}
		say(0)
	}, r.reach)
}

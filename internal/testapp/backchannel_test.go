package testapp_test

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
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
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

// parties are relying parties that listen for logout tokens over TLS, each at a path of its own.
type parties struct {
	*httptest.Server
	t   *testing.T
	app *testapp.App

	mu    sync.Mutex
	heard map[string][]string // by sub: client and sid
	raw   []string
}

func newParties(t *testing.T) *parties {
	p := &parties{t: t, heard: map[string][]string{}}
	p.Server = httptest.NewTLSServer(http.HandlerFunc(p.listen))
	t.Cleanup(p.Close)
	return p
}

// reach lets the server reach them: they are in a network of their own, with certificates of their own.
func (p *parties) reach(c *server.Config) {
	c.OutboundAllow = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	c.OutboundRoots = x509.NewCertPool()
	c.OutboundRoots.AddCert(p.Certificate())
}

// register makes fixtures' clients listen.
func (p *parties) register(a *testapp.App, clients ...string) {
	p.t.Helper()
	p.app = a
	if err := a.DB.InTx(p.t.Context(), func(tx *store.Tx) error {
		for _, id := range clients {
			c, err := tx.GetClient(p.t.Context(), id)
			if err != nil {
				return err
			}
			if err := tx.PutClient(p.t.Context(), store.PutClientParams{
				ID: c.ID, Name: c.Name, SurfaceID: c.SurfaceID, AuthMethod: c.AuthMethod, SecretHash: c.SecretHash, RedirectURIs: c.RedirectURIs,
				PostLogoutRedirectURIs: c.PostLogoutRedirectURIs, GrantTypes: c.GrantTypes, Scopes: c.Scopes, IDTokenAlg: c.IDTokenAlg,
				RequirePkce: c.RequirePkce, BackchannelLogoutURI: p.URL + "/" + id, Now: a.Clock.Now(),
			}); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		p.t.Fatal(err)
	}
}

// listen checks what comes as OpenID Connect Back-Channel Logout 1.0 §2.6 has it.
func (p *parties) listen(w http.ResponseWriter, r *http.Request) {
	client, raw := strings.TrimPrefix(r.URL.Path, "/"), r.PostFormValue("logout_token")
	if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" || len(r.PostForm) != 1 {
		p.t.Errorf("%s: %s %v with %d fields", client, r.Method, r.Header, len(r.PostForm))
	}
	ctx := context.WithoutCancel(r.Context())
	provider, err := oidc.NewProvider(ctx, p.app.URL)
	if err != nil {
		p.t.Errorf("discover: %v", err)
		return
	}
	// Any signature but the one its client registered for is refused.
	alg := map[string]string{"rsa": "RS256"}[client]
	if alg == "" {
		alg = "ES256"
	}
	token, err := provider.Verifier(&oidc.Config{ClientID: client, SupportedSigningAlgs: []string{alg}, Now: p.app.Clock.Now}).Verify(ctx, raw)
	if err != nil {
		p.t.Errorf("%s: %v", client, err)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	var claims map[string]any
	if err := token.Claims(&claims); err != nil {
		p.t.Error(err)
	}
	sid, _ := claims["sid"].(string)
	jti, _ := claims["jti"].(string)
	want := map[string]any{
		"iss": p.app.URL, "sub": token.Subject, "aud": client, "iat": claims["iat"], "exp": claims["exp"], "jti": jti,
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
	}
	if sid != "" {
		want["sid"] = sid
	}
	if diff := cmp.Diff(want, claims); diff != "" || jti == "" || token.Expiry.Sub(token.IssuedAt) > 2*time.Minute {
		p.t.Errorf("%s: lives %v; claims:\n%s", client, token.Expiry.Sub(token.IssuedAt), diff)
	}
	header, _ := base64.RawURLEncoding.DecodeString(strings.Split(raw, ".")[0])
	var h map[string]string
	if json.Unmarshal(header, &h) != nil || h["typ"] != "logout+jwt" {
		p.t.Errorf("%s: header %s", client, header)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.raw = append(p.raw, raw)
	p.heard[token.Subject] = append(p.heard[token.Subject], client+" "+sid)
}

// told waits until nothing waits to be told of an account, and returns what was heard of it, in order.
func (p *parties) told(id store.AccountID) []string {
	p.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		rows, err := p.app.DB.Read().ListMessagesOfAccount(p.t.Context(), store.ListMessagesOfAccountParams{
			AccountID: &id, State: "queued", Since: time.Unix(0, 0), BeforeAt: p.app.Clock.Now().Add(time.Hour), BeforeID: store.MaxID, PageSize: 10,
		})
		if err != nil {
			p.t.Fatal(err)
		}
		if len(rows) == 0 {
			break
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("%d messages wait: %+v", len(rows), rows[0])
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	heard := slices.Clone(p.heard[string(id)])
	delete(p.heard, string(id))
	slices.Sort(heard)
	return heard
}

// shopper is a person signed in in two browsers: the first at two relying parties that listen and one that does not, the second at one.
type shopper struct {
	account store.AccountID
	login   string
	browser *testapp.Browser
	idToken string
	refresh string
	here    store.SessionID
	away    store.SessionID
}

func (p *parties) signIn(login string) shopper {
	p.t.Helper()
	a := p.app
	s := shopper{account: a.AddAccount(p.t, account.KindStore, login, store.TwoFactorDontUse).ID, login: login, browser: a.NewBrowser(p.t)}
	first := a.RelyingParty(p.t, "store").TokensOf(s.browser, login)
	a.RelyingParty(p.t, "rsa").TokensOf(s.browser, login)
	a.RelyingParty(p.t, "post").TokensOf(s.browser, login)
	second := a.RelyingParty(p.t, "store").TokensOf(a.NewBrowser(p.t), login)
	sid := func(r testapp.Reply) store.SessionID {
		v, _ := r.IDToken(p.t)["sid"].(string)
		return store.SessionID(v)
	}
	s.here, s.away, s.idToken, s.refresh = sid(first), sid(second), first.Str("id_token"), first.Str("refresh_token")
	return s
}

// TestBackChannel_EveryEndOfSessionsIsTold names each way in which sessions end, and holds that exactly those relying parties hear of it
// that had tokens from them, by the sid of their ID tokens.
func TestBackChannel_EveryEndOfSessionsIsTold(t *testing.T) {
	t.Parallel()
	p := newParties(t)
	const next = "a new pass phrase 2026"
	reason := admin.Reason{Text: "電話で依頼", IdentityChecked: true}
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		p.t = t
		p.register(a, "store", "rsa", "plain")
		rp := a.RelyingParty(t, "store")
		ctx := t.Context()
		here := func(s shopper) []string { return []string{"rsa " + string(s.here), "store " + string(s.here)} }
		away := func(s shopper) []string { return []string{"store " + string(s.away)} }
		all := func(s shopper) []string { return slices.Concat(here(s), away(s)) }
		nobody := func(shopper) []string { return nil }
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Error(err)
			}
		}
		for i, c := range []struct {
			name string
			end  func(s shopper)
			want func(s shopper) []string
		}{
			{"logout at a relying party", func(s shopper) {
				s.browser.Open("/logout?" + url.Values{"id_token_hint": {s.idToken}}.Encode())
			}, here},
			{"logout page", func(s shopper) { s.browser.Submit("/logout/confirm", value("kind", "store")) }, here},
			{"another person in the same browser", func(s shopper) {
				a.Pass(t, time.Second)
				a.SignIn(t, s.browser, rp.AuthorizeURL("prompt", "login"), "suzuki")
			}, here},
			{"one session ended by the person", func(s shopper) { must(a.MFA.EndSession(ctx, s.here, s.away)) }, away},
			{"the other sessions ended by the person", func(s shopper) { must(a.MFA.EndOtherSessions(ctx, s.here)) }, away},
			{"every session ended by the person", func(s shopper) {
				s.browser.Submit("/logout/confirm", value("kind", "store", "everywhere", "yes"))
			}, all},
			{"every session ended by staff", func(s shopper) { must(a.Admin.EndSessions(ctx, admin.System(), s.account)) }, all},
			{"an application disconnected by the person", func(s shopper) {
				inTx(t, a, func(tx *store.Tx) error {
					return tx.PutConsent(ctx, store.PutConsentParams{AccountID: s.account, ClientID: "store", Scope: "openid", Now: a.Clock.Now()})
				})
				must(a.MFA.RevokeApp(ctx, s.here, "store"))
			}, func(s shopper) []string { return []string{"store " + string(s.here), "store " + string(s.away)} }},
			{"password changed", func(s shopper) {
				_, err := a.Passwords.Change(ctx, s.here, demo.Password, next, templates.Ja)
				must(err)
			}, away},
			{"password reset by a link", func(s shopper) { a.ResetPassword(t, a.NewBrowser(t), s.login, next) }, all},
			{"password set by staff", func(s shopper) { must(a.Admin.SetPassword(ctx, admin.System(), s.account, next)) }, all},
			{"switched on by staff", func(s shopper) {
				_, err := a.Admin.SetTwoFactor(ctx, admin.System(), s.account, store.TwoFactorDontUse, store.TwoFactorUse)
				must(err)
			}, all},
			{"reset by staff", func(s shopper) {
				_, err := a.Admin.ResetFactors(ctx, admin.System(), s.account, reason)
				must(err)
			}, all},
			{"disabled", func(s shopper) {
				_, err := a.Admin.SetDisabled(ctx, admin.System(), s.account, true)
				must(err)
			}, all},
			{"deleted", func(s shopper) { must(a.Admin.DeleteAccount(ctx, admin.System(), s.account, s.login)) }, all},
			{"a refresh token used twice", func(s shopper) {
				rp.Refresh(s.refresh)
				rp.Refresh(s.refresh) // ends what the token's grant gave out, not the session
			}, nobody},
			{"all accounts of a customer reset", func(s shopper) {
				group, err := a.DB.Read().GetUserGroup(ctx, *accountOf(t, a, s.login).UserGroupID)
				must(err)
				_, err = a.Admin.ResetCustomer(ctx, admin.System(), group.CustomerID, a.Clock.Now(), reason)
				must(err)
			}, all},
		} {
			s := p.signIn("person-" + string(rune('a'+i)))
			c.end(s)
			want := c.want(s)
			slices.Sort(want)
			if diff := cmp.Diff(want, p.told(s.account)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.name, diff)
			}
		}
		// No token stood for another, and none passes for an ID token.
		p.mu.Lock()
		raw := slices.Clone(p.raw)
		p.mu.Unlock()
		ids := map[string]bool{}
		for _, token := range raw {
			ids[strings.Split(token, ".")[1]] = true
		}
		if len(ids) != len(raw) {
			t.Errorf("%d tokens, %d different ones", len(raw), len(ids))
		}
		s := p.signIn("person-z")
		if got := s.browser.Get("/logout?" + url.Values{"id_token_hint": {raw[0]}}.Encode()); got.Status != http.StatusOK {
			t.Errorf("a logout token as id_token_hint: %d to %s", got.Status, got.Location())
		}
		p.mu.Lock()
		defer p.mu.Unlock() // what is told once more may still arrive
		p.raw = nil
		clear(p.heard)
	}, p.reach)
}

// TestBackChannel_ClientsThatDoNotListenAreNotAsked: nor is one that stopped to, or that is disabled, between the sign-out and the try.
func TestBackChannel_ClientsThatDoNotListenAreNotAsked(t *testing.T) {
	t.Parallel()
	p := newParties(t)
	a := testapp.New(t, p.reach)
	p.register(a, "store")
	s := p.signIn("quiet")
	// The row is there, the address is not any more.
	inTx(t, a, func(tx *store.Tx) error {
		c, err := tx.GetClient(t.Context(), "store")
		if err != nil {
			return err
		}
		if err := tx.EndAccess(t.Context(), a.Clock.Now(), s.account, store.Keep{}); err != nil {
			return err
		}
		return tx.PutClient(t.Context(), store.PutClientParams{
			ID: c.ID, Name: c.Name, SurfaceID: c.SurfaceID, AuthMethod: c.AuthMethod, SecretHash: c.SecretHash, RedirectURIs: c.RedirectURIs,
			PostLogoutRedirectURIs: c.PostLogoutRedirectURIs, GrantTypes: c.GrantTypes, Scopes: c.Scopes, IDTokenAlg: c.IDTokenAlg, Now: a.Clock.Now(),
		})
	})
	if heard := p.told(s.account); heard != nil {
		t.Errorf("told %v", heard)
	}
	rows, err := a.DB.Read().ListMessagesOfAccount(t.Context(), store.ListMessagesOfAccountParams{
		AccountID: &s.account, Since: time.Unix(0, 0), BeforeAt: a.Clock.Now().Add(time.Hour), BeforeID: store.MaxID, PageSize: 10,
	})
	if err != nil || len(rows) != 2 {
		t.Fatalf("%d messages, %v", len(rows), err)
	}
	for _, row := range rows {
		if row.State != "cancelled" || row.Channel != "push" {
			t.Errorf("message %+v", row)
		}
	}
}

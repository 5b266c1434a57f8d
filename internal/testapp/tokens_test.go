package testapp_test

import (
	"slices"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"

	"github.com/futakagi/futakagi/internal/server"
	"github.com/futakagi/futakagi/internal/testapp"
)

// tokenRow is a row of the specification's table of amr and acr, with who signs in so.
type tokenRow struct {
	login string
	way   testapp.Way
	amr   []any
	acr   string
	// method and via are those of the claim urn:futakagi:2fa; without a method there is none.
	method, via string
}

func tokenRows() []tokenRow {
	return []tokenRow{
		{"suzuki", testapp.ByPassword, []any{"pwd"}, acrPassword, "", ""},
		{"sato", testapp.ByDevice, []any{"pwd", "rba"}, acrPassword, "email", "trusted_device"},
		{"tanaka", testapp.ByEmail, []any{"pwd", "mca", "mfa"}, acrEmail, "email", "code"},
		{"tanaka", testapp.BySMS, []any{"pwd", "sms", "mca", "mfa"}, acrFull, "sms", "code"},
		{"tanaka", testapp.ByApp, []any{"pwd", "otp", "mfa"}, acrFull, "totp", "code"},
		{"tanaka", testapp.ByBackup, []any{"pwd", "otp", "mfa"}, acrFull, "backup", "backup"},
		{"tanaka", testapp.ByKey, []any{"pwd", "pop", "user", "mfa"}, acrPasskey, "passkey", "passkey"},
		{"tanaka", testapp.ByPasskey, []any{"pop", "user", "mfa"}, acrPasskey, "passkey", "passkey"},
		{"tanaka", testapp.BySyncedPasskey, []any{"pop", "user", "mfa", "swk"}, acrPasskey, "passkey", "passkey"},
	}
}

// everyFactor are the ways whose factors tanaka has.
func everyFactor() []testapp.Way {
	return []testapp.Way{
		testapp.ByApp, testapp.ByEmail, testapp.BySMS, testapp.ByKey, testapp.ByPasskey, testapp.BySyncedPasskey,
	}
}

// rowWorld is a server at which every row can be walked.
type rowWorld struct {
	*testapp.App
	trusted   *testapp.Browser // sato's
	trustedAt time.Time
}

func newRowWorld(t *testing.T) *rowWorld {
	t.Helper()
	a := testapp.New(t)
	a.Equip(t, "tanaka", everyFactor()...)
	w := &rowWorld{App: a, trusted: a.NewBrowser(t), trustedAt: a.Clock.Now()}
	trust(t, a, w.trusted, "sato")
	return w
}

// signIn signs in as a row says and returns the answer, with what the claims must say of times.
func (w *rowWorld) signIn(t *testing.T, row tokenRow, start string) (p testapp.Page, want map[string]any) {
	t.Helper()
	b := w.NewBrowser(t)
	if row.way == testapp.ByDevice {
		b = w.trusted
	}
	began := w.Clock.Now()
	p = w.SignInBy(t, b, start, row.login, row.way)
	if p.Location().Query().Get("code") == "" {
		t.Fatalf("sign-in ends at %d %s to %s", p.Status, p.URL, p.Location())
	}
	authTime, verified := began.Add(testapp.Pause), w.Clock.Now()
	if row.way == testapp.ByDevice {
		verified = w.trustedAt
	}
	want = map[string]any{"amr": row.amr, "acr": row.acr, "auth_time": float64(authTime.Unix()), "sub": string(accountOf(t, w.App, row.login).ID)}
	if row.method != "" {
		want["urn:futakagi:2fa"] = map[string]any{"method": row.method, "via": row.via, "verified_at": float64(verified.Unix())}
	}
	return p, want
}

// holds compares what an answer says about the authentication, absent claims included.
func holds(t *testing.T, where string, want, answer map[string]any) {
	t.Helper()
	got := map[string]any{}
	for _, name := range []string{"sub", "amr", "acr", "auth_time", "urn:futakagi:2fa"} {
		if v, ok := answer[name]; ok {
			got[name] = v
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", where, diff)
	}
}

// found is what the program made of openid-client tells of one sign-in.
type found struct {
	Alg                                                                                   string
	NonceFits, HashFits                                                                   bool
	Claims, Userinfo, Introspection, Refreshed, RefreshedUserinfo, RefreshedIntrospection map[string]any
}

// hold checks what openid-client found of a sign-in.
func (f found) hold(t *testing.T, a *testapp.App, want map[string]any) {
	t.Helper()
	if f.Alg != "ES256" || !f.NonceFits || !f.HashFits {
		t.Errorf("signed with %s, nonce fits: %v, at_hash fits: %v", f.Alg, f.NonceFits, f.HashFits)
	}
	if f.Claims["iss"] != a.URL || f.Claims["aud"] != "store" || f.Claims["sid"] == "" || f.Refreshed["sid"] != f.Claims["sid"] || f.Refreshed["nonce"] != nil {
		t.Errorf("ID token %v, refreshed %v", f.Claims, f.Refreshed)
	}
	if f.Introspection["active"] != true || f.RefreshedIntrospection["active"] != true || f.Introspection["sid"] != f.Claims["sid"] {
		t.Errorf("introspection %v, after the refresh %v", f.Introspection, f.RefreshedIntrospection)
	}
	for where, answer := range map[string]map[string]any{
		"ID token": f.Claims, "userinfo": f.Userinfo, "introspection": f.Introspection,
		"refreshed ID token": f.Refreshed, "userinfo after the refresh": f.RefreshedUserinfo, "introspection after the refresh": f.RefreshedIntrospection,
	} {
		holds(t, where, want, answer)
	}
}

// openidClient is the program that is a relying party made of openid-client: the client "store".
type openidClient struct {
	*program
	discovered map[string]any
}

func newOpenIDClient(t *testing.T, a *testapp.App) *openidClient {
	t.Helper()
	c := &openidClient{program: talkTo(t, "tokens.mjs")}
	c.write(map[string]string{"issuer": a.URL, "id": "store", "secret": testapp.ClientSecret, "redirect_uri": testapp.StoreCallback})
	c.read(&c.discovered)
	return c
}

// hold lets the library read what a row's sign-in brings, and checks it.
func (c *openidClient) hold(t *testing.T, w *rowWorld, row tokenRow) {
	t.Helper()
	c.write(map[string]any{})
	var begun struct{ URL string }
	c.read(&begun)
	p, want := w.signIn(t, row, begun.URL)
	c.write(map[string]string{"callback": p.Location().String()})
	var f found
	c.read(&f)
	f.hold(t, w.App, want)
}

// TestI1_TokensThroughOpenIDClient is the table of the specification, each row signed in over HTTP and read by openid-client.
func TestI1_TokensThroughOpenIDClient(t *testing.T) {
	t.Parallel()
	w := newRowWorld(t)
	client := newOpenIDClient(t, w.App)
	discovered := client.discovered
	if diff := cmp.Diff([]any{acrPassword, acrEmail, acrFull, acrPasskey}, discovered["acrValues"]); diff != "" || discovered["claimsParameter"] != true {
		t.Errorf("discovery: %v %s", discovered, diff)
	}
	claims, _ := discovered["claims"].([]any)
	prompts, _ := discovered["prompts"].([]any)
	for _, name := range []string{"amr", "acr", "auth_time", "sid", "nonce", "at_hash", "urn:futakagi:2fa"} {
		if !slices.Contains(claims, any(name)) {
			t.Errorf("discovery does not tell of the claim %s: %v", name, claims)
		}
	}
	if !slices.Contains(prompts, any("login")) || !slices.Contains(prompts, any("none")) {
		t.Errorf("discovery tells of the prompts %v", prompts)
	}
	for _, row := range tokenRows() {
		t.Run(string(row.way), func(t *testing.T) {
			client.hold(t, w, row)
		})
	}
	client.end()
}

// TestI1_MailKeptOutOfMFAInTokens is the row of the email code with the setting that leaves mfa out of it: amr changes, acr does not.
func TestI1_MailKeptOutOfMFAInTokens(t *testing.T) {
	t.Parallel()
	a := testapp.New(t, func(c *server.Config) { c.EmailNotMFA = true })
	a.Equip(t, "sato", testapp.ByEmail, testapp.BySMS)
	w := &rowWorld{App: a}
	client := newOpenIDClient(t, a)
	for _, row := range []tokenRow{
		{"sato", testapp.ByEmail, []any{"pwd", "mca"}, acrEmail, "email", "code"},
		{"sato", testapp.BySMS, []any{"pwd", "sms", "mca", "mfa"}, acrFull, "sms", "code"},
	} {
		t.Run(string(row.way), func(t *testing.T) {
			client.hold(t, w, row)
		})
	}
	client.end()
}

// TestI1_TokensThroughGoOIDC is the same table read by go-oidc, with the other signature algorithm and a while before the refresh.
func TestI1_TokensThroughGoOIDC(t *testing.T) {
	t.Parallel()
	w := newRowWorld(t)
	op, err := oidc.NewProvider(t.Context(), w.URL)
	if err != nil {
		t.Fatal(err)
	}
	cfg := oauth2.Config{
		ClientID: "rsa", ClientSecret: testapp.ClientSecret, Endpoint: op.Endpoint(), RedirectURL: testapp.StoreCallback,
		Scopes: []string{oidc.ScopeOpenID, oidc.ScopeOfflineAccess},
	}
	verifier := op.Verifier(&oidc.Config{ClientID: "rsa", SupportedSigningAlgs: []string{oidc.RS256}, Now: w.Clock.Now})
	rp := w.RelyingParty(t, "rsa")
	// read verifies the ID token and returns what every answer about the tokens says.
	read := func(t *testing.T, tokens *oauth2.Token) (*oidc.IDToken, map[string]map[string]any) {
		t.Helper()
		raw, _ := tokens.Extra("id_token").(string)
		id, err := verifier.Verify(t.Context(), raw)
		if err != nil {
			t.Fatal(err)
		}
		if err := id.VerifyAccessToken(tokens.AccessToken); err != nil {
			t.Errorf("at_hash: %v", err)
		}
		var claims, userinfo map[string]any
		if err := id.Claims(&claims); err != nil {
			t.Fatal(err)
		}
		info, err := op.UserInfo(t.Context(), oauth2.StaticTokenSource(tokens))
		if err != nil {
			t.Fatal(err)
		}
		if err := info.Claims(&userinfo); err != nil {
			t.Fatal(err)
		}
		return id, map[string]map[string]any{
			"ID token": claims, "userinfo": userinfo, "introspection": rp.Introspect(tokens.AccessToken).JSON,
			"introspection of the refresh token": rp.Introspect(tokens.RefreshToken).JSON,
		}
	}
	for _, row := range tokenRows() {
		t.Run(string(row.way), func(t *testing.T) {
			pkce := oauth2.GenerateVerifier()
			p, want := w.signIn(t, row, cfg.AuthCodeURL("state", oidc.Nonce("nonce "+string(row.way)), oauth2.S256ChallengeOption(pkce)))
			tokens, err := cfg.Exchange(t.Context(), p.Location().Query().Get("code"), oauth2.VerifierOption(pkce))
			if err != nil {
				t.Fatal(err)
			}
			id, answers := read(t, tokens)
			if id.Nonce != "nonce "+string(row.way) || id.Issuer != w.URL || !slices.Equal(id.Audience, []string{"rsa"}) {
				t.Errorf("ID token: %+v", id)
			}
			for where, answer := range answers {
				holds(t, where, want, answer)
			}
			w.Clock.Advance(10 * time.Minute)
			expired := *tokens
			expired.Expiry = time.Now().Add(-time.Minute)
			refreshed, err := cfg.TokenSource(t.Context(), &expired).Token()
			if err != nil {
				t.Fatal(err)
			}
			id, answers = read(t, refreshed)
			if id.Nonce != "" || !id.IssuedAt.Equal(w.Clock.Now()) {
				t.Errorf("refreshed ID token: %+v", id)
			}
			for where, answer := range answers {
				holds(t, where+" after the refresh", want, answer)
			}
		})
	}
}

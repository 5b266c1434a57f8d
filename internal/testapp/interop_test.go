package testapp_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"

	"github.com/futakagi/futakagi/internal/testapp"
)

// The tests here let client libraries that others wrote judge the protocol.

func TestInteropGo(t *testing.T) {
	t.Parallel()
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		t.Run("first sign-in with set-up", func(t *testing.T) {
			goClient(t, a, "store", "tanaka", oidc.ES256)
		})
		t.Run("later sign-in with challenge", func(t *testing.T) {
			goClient(t, a, "rsa", "sato", oidc.RS256)
		})
		t.Run("step-up", func(t *testing.T) { goStepUp(t, a, "store", "suzuki") })
	})
}

func goClient(t *testing.T, a *testapp.App, client, login, alg string) {
	t.Helper()
	ctx := t.Context()
	op, err := oidc.NewProvider(ctx, a.URL)
	if err != nil {
		t.Fatal(err)
	}
	cfg := oauth2.Config{
		ClientID: client, ClientSecret: testapp.ClientSecret, Endpoint: op.Endpoint(), RedirectURL: testapp.StoreCallback,
		Scopes: []string{oidc.ScopeOpenID, oidc.ScopeOfflineAccess, "profile", "email"},
	}
	pkce := oauth2.GenerateVerifier()
	b := a.NewBrowser(t)
	p := a.SignIn(t, b, cfg.AuthCodeURL("state", oidc.Nonce("nonce"), oauth2.S256ChallengeOption(pkce)), login)
	q := p.Location().Query()
	if q.Get("state") != "state" || q.Get("iss") != a.URL {
		t.Fatalf("answer = %v", q)
	}
	if _, err := cfg.Exchange(ctx, q.Get("code")+"x", oauth2.VerifierOption(pkce)); err == nil {
		t.Error("another code was accepted")
	}
	tokens, err := cfg.Exchange(ctx, q.Get("code"), oauth2.VerifierOption(pkce))
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := tokens.Extra("id_token").(string)
	verifier := op.Verifier(&oidc.Config{ClientID: client, SupportedSigningAlgs: []string{alg}})
	id, err := verifier.Verify(ctx, raw)
	if err != nil {
		t.Fatal(err)
	}
	if err := id.VerifyAccessToken(tokens.AccessToken); err != nil {
		t.Errorf("at_hash: %v", err)
	}
	var claims struct {
		AMR      []string `json:"amr"`
		ACR      string   `json:"acr"`
		AuthTime int64    `json:"auth_time"`
		SID      string   `json:"sid"`
		Name     string   `json:"name"`
		Factor   struct {
			Method     string `json:"method"`
			Via        string `json:"via"`
			VerifiedAt int64  `json:"verified_at"`
		} `json:"urn:futakagi:2fa"`
	}
	if err := id.Claims(&claims); err != nil {
		t.Fatal(err)
	}
	account := accountOf(t, a, login)
	if id.Subject != string(account.ID) || id.Nonce != "nonce" || !slices.Equal(claims.AMR, []string{"pwd", "mca", "mfa"}) || claims.ACR != acrEmail ||
		claims.AuthTime != a.Clock.Now().Unix() || claims.SID == "" || claims.Name != account.DisplayName ||
		claims.Factor.Method != "email" || claims.Factor.Via != "code" || claims.Factor.VerifiedAt != a.Clock.Now().Unix() {
		t.Errorf("ID token: %+v %+v", id, claims)
	}
	info, err := op.UserInfo(ctx, cfg.TokenSource(ctx, tokens))
	if err != nil {
		t.Fatal(err)
	}
	if info.Subject != id.Subject || info.Email != account.RegisteredEmail || info.EmailVerified {
		t.Errorf("userinfo: %+v", info)
	}

	// Refresh, as the library does it when the access token is over.
	expired := *tokens
	expired.Expiry = time.Now().Add(-time.Minute)
	next, err := cfg.TokenSource(ctx, &expired).Token()
	if err != nil {
		t.Fatal(err)
	}
	if next.RefreshToken == tokens.RefreshToken || next.AccessToken == tokens.AccessToken {
		t.Error("refresh rotated nothing")
	}
	raw, _ = next.Extra("id_token").(string)
	again, err := verifier.Verify(ctx, raw)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.VerifyAccessToken(next.AccessToken); err != nil || again.Subject != id.Subject {
		t.Errorf("refreshed ID token: %v %+v", err, again)
	}
	if _, err := cfg.TokenSource(ctx, &expired).Token(); err == nil {
		t.Error("the former refresh token was accepted")
	}

	// Logout by the relying party.
	var meta struct {
		EndSession string `json:"end_session_endpoint"`
	}
	if err := op.Claims(&meta); err != nil {
		t.Fatal(err)
	}
	p = b.Get(meta.EndSession + "?" + url.Values{"id_token_hint": {raw}, "post_logout_redirect_uri": {testapp.StoreLoggedOut}, "state": {"bye"}}.Encode())
	if p.Header.Get("Location") != testapp.StoreLoggedOut+"?state=bye" {
		t.Errorf("logout: %d %q", p.Status, p.Header.Get("Location"))
	}
	if p := b.Open(cfg.AuthCodeURL("state", oauth2.S256ChallengeOption(pkce))); p.URL.Path != "/signin" {
		t.Errorf("after logout: %d %s", p.Status, p.URL)
	}
}

// goStepUp signs somebody in by password and then asks for more, on the same session (RFC 9470).
func goStepUp(t *testing.T, a *testapp.App, client, login string) {
	t.Helper()
	op, err := oidc.NewProvider(t.Context(), a.URL)
	if err != nil {
		t.Fatal(err)
	}
	cfg := oauth2.Config{
		ClientID: client, ClientSecret: testapp.ClientSecret, Endpoint: op.Endpoint(), RedirectURL: testapp.StoreCallback, Scopes: []string{oidc.ScopeOpenID},
	}
	verifier := op.Verifier(&oidc.Config{ClientID: client, SupportedSigningAlgs: []string{oidc.ES256}})
	b := a.NewBrowser(t)
	level := func(more ...oauth2.AuthCodeOption) (acr, subject string) {
		t.Helper()
		pkce := oauth2.GenerateVerifier()
		p := a.SignIn(t, b, cfg.AuthCodeURL("state", append(more, oauth2.S256ChallengeOption(pkce))...), login)
		tokens, err := cfg.Exchange(t.Context(), p.Location().Query().Get("code"), oauth2.VerifierOption(pkce))
		if err != nil {
			t.Fatal(err)
		}
		raw, _ := tokens.Extra("id_token").(string)
		id, err := verifier.Verify(t.Context(), raw)
		if err != nil {
			t.Fatal(err)
		}
		var claims struct {
			ACR string `json:"acr"`
		}
		if err := id.Claims(&claims); err != nil {
			t.Fatal(err)
		}
		return claims.ACR, id.Subject
	}
	first, who := level()
	if first != "urn:futakagi:acr:1fa" {
		t.Fatalf("by password: %s", first)
	}
	if more, again := level(oauth2.SetAuthURLParam("acr_values", acrEmail), oauth2.SetAuthURLParam("max_age", "300")); more != acrEmail || again != who {
		t.Errorf("stepped up: %s of %s, was %s of %s", more, again, first, who)
	}
}

// node returns a command that runs one of the programs in e2e/node, or skips the test aloud.
func node(t *testing.T, script string) *exec.Cmd {
	t.Helper()
	missing := func(what string) {
		if os.Getenv("FUTAKAGI_TEST_NODE") == "1" {
			t.Fatal(what)
		}
		t.Skip("NOT TESTED WITH openid-client: " + what)
	}
	program, err := exec.LookPath("node")
	if err != nil {
		missing("no node found: install the package nodejs (Debian)")
	}
	dir, err := filepath.Abs("../../e2e/node")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "openid-client")); err != nil {
		missing("the libraries are not installed: run npm ci --prefix e2e/node")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, program, script)
	cmd.Dir = dir
	cmd.Stderr = t.Output()
	return cmd
}

// program is one of those in e2e/node, which are spoken to in lines of JSON.
type program struct {
	t     *testing.T
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines *bufio.Scanner
}

// talkTo starts a program, or skips the test aloud.
func talkTo(t *testing.T, script string) *program {
	t.Helper()
	p := &program{t: t, cmd: node(t, script)}
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.lines = bufio.NewScanner(out)
	p.lines.Buffer(nil, 1<<20)
	return p
}

func (p *program) write(v any) {
	p.t.Helper()
	if err := json.NewEncoder(p.in).Encode(v); err != nil {
		p.t.Fatal(err)
	}
}

func (p *program) read(v any) {
	p.t.Helper()
	if !p.lines.Scan() {
		p.t.Fatalf("the program said nothing: %v", p.cmd.Wait())
	}
	if err := json.Unmarshal(p.lines.Bytes(), v); err != nil {
		p.t.Fatalf("%v: %s", err, p.lines.Text())
	}
}

// end closes the program's input and waits for it.
func (p *program) end() {
	p.t.Helper()
	if err := p.in.Close(); err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		p.t.Fatal(err)
	}
}

func TestInteropNode(t *testing.T) {
	t.Parallel()
	type refusal struct {
		Error  string `json:"error"`
		Code   string `json:"code"`
		Status int    `json:"status"`
	}
	for _, c := range []struct {
		name, client, login string
		post, local         bool
	}{
		{name: "basic, set-up", client: "store", login: "tanaka"},
		{name: "post, challenge", client: "post", login: "sato", post: true},
		{name: "RS256", client: "rsa", login: "suzuki"},
		{name: "public on loopback", client: "public", login: "sato", local: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			program := talkTo(t, "openid-client.mjs")
			a := testapp.New(t)
			client := map[string]any{
				"issuer": a.URL, "id": c.client, "secret": testapp.ClientSecret, "post": c.post, "acr_values": acrEmail,
				"redirect_uri": testapp.StoreCallback, "post_logout_redirect_uri": testapp.StoreLoggedOut,
			}
			// A native app opens a port and waits for the browser there.
			arrived := make(chan string, 1)
			if c.local {
				app := newListener(t, func(r *http.Request) { arrived <- r.URL.RequestURI() })
				client["secret"], client["redirect_uri"] = "", app+"/native"
			}
			program.write(client)
			var begun struct {
				URL  string
				PKCE bool
			}
			program.read(&begun)
			if !begun.PKCE {
				t.Error("the library did not learn of PKCE from discovery")
			}
			b := a.NewBrowser(t)
			back := a.SignIn(t, b, begun.URL, c.login).Location()
			if c.local {
				if p := b.Get(back.String()); p.Status != http.StatusOK {
					t.Fatalf("the app answers %d", p.Status)
				}
				if got := <-arrived; got != back.RequestURI() {
					t.Errorf("the app was sent %s", got)
				}
			}
			program.write(map[string]string{"callback": back.String()})
			var got struct {
				Claims, Userinfo, Introspected, FormerAccess, RefreshedClaims                         map[string]any
				Scope, NarrowedScope, TokenType, EndSession                                           string
				ExpiresIn                                                                             int
				Rotated                                                                               bool
				WrongState, WrongIssuer, MissingIssuer, RevokedUserinfo, RevokedRefresh, ReplayedCode refusal
			}
			program.read(&got)
			program.end()
			account := accountOf(t, a, c.login)
			want := map[string]any{"sub": string(account.ID), "acr": acrEmail, "amr": []any{"pwd", "mca", "mfa"}}
			for name, answer := range map[string]map[string]any{"ID token": got.Claims, "refreshed ID token": got.RefreshedClaims, "userinfo": got.Userinfo, "introspection": got.Introspected} {
				if name == "introspection" && c.local {
					continue // not for public clients
				}
				if diff := cmp.Diff(want, map[string]any{"sub": answer["sub"], "acr": answer["acr"], "amr": answer["amr"]}); diff != "" {
					t.Errorf("%s:\n%s", name, diff)
				}
			}
			if got.Claims["iss"] != a.URL || got.Claims["aud"] != c.client || got.Claims["name"] != account.DisplayName || got.RefreshedClaims["nonce"] != nil {
				t.Errorf("claims = %v, refreshed %v", got.Claims, got.RefreshedClaims)
			}
			if !c.local && (got.Introspected["active"] != true || got.FormerAccess["active"] != false) {
				t.Errorf("introspection: %v, of the former token %v", got.Introspected, got.FormerAccess)
			}
			if !got.Rotated || got.TokenType != "bearer" || got.ExpiresIn != 900 || got.NarrowedScope != "openid" || !strings.Contains(got.Scope, "offline_access") {
				t.Errorf("tokens: %+v", got)
			}
			if got.RevokedUserinfo.Status != http.StatusUnauthorized || got.RevokedRefresh.Error != "invalid_grant" || got.ReplayedCode.Error != "invalid_grant" {
				t.Errorf("after revocation: %+v %+v %+v", got.RevokedUserinfo, got.RevokedRefresh, got.ReplayedCode)
			}
			// These the library refuses by itself, thanks to what it was sent.
			for name, r := range map[string]refusal{"state": got.WrongState, "iss": got.WrongIssuer, "no iss": got.MissingIssuer} {
				if r.Code != "OAUTH_INVALID_RESPONSE" {
					t.Errorf("%s: %+v", name, r)
				}
			}
			end, err := url.Parse(got.EndSession)
			if err != nil || end.Path != "/logout" {
				t.Fatalf("end_session URL %q, %v", got.EndSession, err)
			}
			p := b.Follow(b.Get(end.String()))
			if to := p.Header.Get("Location"); to != testapp.StoreLoggedOut+"?state=bye" {
				t.Errorf("logout: %d %s to %q", p.Status, p.URL, to)
			}
		})
	}
}

// TestInteropNodeStepUp lets a resource send somebody who gave a password alone to a step-up (RFC 9470), on the session that there is:
// the second factor is all that is asked for.
func TestInteropNodeStepUp(t *testing.T) {
	t.Parallel()
	program := talkTo(t, "stepup.mjs")
	a := testapp.New(t)
	const login, maxAge = "tanaka", 300
	a.Equip(t, login, testapp.ByApp)
	leaveToPassword(t, a, login)
	rp := a.RelyingParty(t, "store")
	resource := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		seen := rp.Introspect(token).JSON
		at, _ := seen["auth_time"].(float64)
		if seen["acr"] == acrFull && a.Clock.Now().Unix()-int64(at) <= maxAge {
			return
		}
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer error="insufficient_user_authentication", acr_values="%s", max_age="%d"`, acrFull, maxAge))
		w.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(resource.Close)
	program.write(map[string]string{
		"issuer": a.URL, "id": "store", "secret": testapp.ClientSecret, "redirect_uri": testapp.StoreCallback, "resource": resource.URL,
	})
	b := a.NewBrowser(t)
	type found struct {
		Claims, Userinfo, Challenge map[string]any
	}
	signIn := func(begins string, way testapp.Way) found {
		t.Helper()
		var begun struct{ URL string }
		program.read(&begun)
		p := b.Open(begun.URL)
		if p.URL.Path != begins {
			t.Fatalf("asked for %d %s, want %s", p.Status, p.URL, begins)
		}
		program.write(map[string]string{"callback": a.Walk(t, b, login, way).From(p).Location().String()})
		var got found
		program.read(&got)
		return got
	}
	first := signIn("/signin", testapp.ByPassword)
	wantLevel(t, "ID token", first.Claims["acr"], first.Claims["amr"], acrPassword, "pwd")
	if first.Challenge["acr_values"] != acrFull || first.Challenge["max_age"] != "300" {
		t.Fatalf("the library read the challenge as %v", first.Challenge)
	}
	a.Pass(t, time.Minute)
	second := signIn("/signin/challenge", testapp.ByApp)
	program.end()
	for what, claims := range map[string]map[string]any{"ID token": second.Claims, "userinfo": second.Userinfo} {
		wantLevel(t, what, claims["acr"], claims["amr"], acrFull, "pwd", "otp", "mfa")
	}
	// The oldest proof that counts is the password, which was young enough.
	for _, name := range []string{"sub", "sid", "auth_time"} {
		if first.Claims[name] == nil || second.Claims[name] != first.Claims[name] {
			t.Errorf("%s %v became %v", name, first.Claims[name], second.Claims[name])
		}
	}
	verified := second.Claims["urn:futakagi:2fa"].(map[string]any)["verified_at"]
	if verified != float64(a.Clock.Now().Unix()) {
		t.Errorf("the second factor was proved at %v, now is %d", verified, a.Clock.Now().Unix())
	}
	if second.Challenge != nil {
		t.Errorf("the resource still wants more: %v", second.Challenge)
	}
}

// newListener is a native app that waits for its browser, and returns its address.
func newListener(t *testing.T, seen func(r *http.Request)) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen(r) }))
	t.Cleanup(s.Close)
	return s.URL
}

package provider

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/futakagi/futakagi/client"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
)

// exchange asks for a token in exchange, with more parameters as names and values. A name may repeat.
func (b *machineBench) exchange(client, subject string, more ...string) reply {
	b.t.Helper()
	form := url.Values{
		"grant_type": {exchangeGrant}, "subject_token": {subject},
		"subject_token_type": {"urn:ietf:params:oauth:token-type:access_token"},
	}
	for i := 0; i+1 < len(more); i += 2 {
		form.Add(more[i], more[i+1])
	}
	return b.post(pathToken, client, form)
}

// chain registers an application and APIs that call one another: rp shows tokens to api, api to ledger, ledger to archive, and
// archive to api again.
func (b *machineBench) chain(format string) {
	b.t.Helper()
	b.register("rp", algES256, client.Settings{AccessTokenFormat: format, Resources: []string{testAPI, testLedger}})
	b.register("api", algES256, client.Settings{AccessTokenFormat: format, ResourceServers: []string{testAPI}, Resources: []string{testLedger}})
	b.register("ledger", algES256, client.Settings{AccessTokenFormat: format, ResourceServers: []string{testLedger}, Resources: []string{testArchive}})
	b.register("archive", algES256, client.Settings{AccessTokenFormat: format, ResourceServers: []string{testArchive}, Resources: []string{testAPI}})
}

const chainScope = "openid profile offline_access stock.read stock.write"

// RFC 8693 §1.1, §4.1: who goes on with a token acts for its person, in their own name, with no more than the token had.
func TestExchangeDelegates(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newMachineBench(t, db)
		for n, format := range []string{client.FormatOpaque, client.FormatJWT} {
			b.chain(format)
			start := b.clock()
			first, _ := b.signIn("rp", testGrant{scope: chainScope, resources: testAPI, evidence: passwordAndEmail()})
			b.advance(5 * time.Minute)
			second := b.exchange("api", first.str("access_token"), "resource", testLedger, "scope", "stock.read profile")
			want := map[string]any{
				"access_token": second.str("access_token"), "token_type": "Bearer", "expires_in": float64(600), "scope": "stock.read profile",
				"issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
			}
			if diff := cmp.Diff(want, second.json); diff != "" {
				t.Fatalf("(-want +got):\n%s", diff)
			}
			info := b.introspectAs("ledger", second.str("access_token"))
			want = map[string]any{
				"active": true, "sub": string(b.account), "client_id": "api", "aud": testLedger, "iss": testIssuer, "token_type": "Bearer",
				"scope": "stock.read profile", "iat": float64(start.Add(5 * time.Minute).Unix()), "exp": float64(start.Add(15 * time.Minute).Unix()),
				"acr": "urn:futakagi:acr:2fa-email", "amr": []any{"pwd", "mca", "mfa"}, "auth_time": float64(testStart.Add(-time.Minute).Unix()),
				"act": map[string]any{"sub": "api"},
			}
			if diff := cmp.Diff(want, info.json); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if format == client.FormatJWT {
				delete(want, "active")
				delete(want, "token_type")
				claims := b.claims(second.str("access_token"), algES256)
				want["jti"] = claims["jti"]
				if diff := cmp.Diff(want, claims); diff != "" {
					t.Errorf("JWT (-want +got):\n%s", diff)
				}
			}
			if got := b.auditCount("token.exchange"); got != 5*n+1 {
				t.Errorf("%d events", got)
			}
			// Each acts for the one before; the fourth is one too many.
			third := b.exchange("ledger", second.str("access_token"), "resource", testArchive)
			if third.str("scope") != "profile stock.read" && third.str("scope") != "stock.read profile" {
				t.Errorf("scope = %s", third.Body)
			}
			fourth := b.exchange("archive", third.str("access_token"), "audience", testAPI)
			act := b.introspectAs("api", fourth.str("access_token")).json["act"]
			if diff := cmp.Diff(any(map[string]any{"sub": "archive", "act": map[string]any{"sub": "ledger", "act": map[string]any{"sub": "api"}}}), act); diff != "" {
				t.Errorf("act (-want +got):\n%s", diff)
			}
			wantRefused(t, b.exchange("api", fourth.str("access_token"), "resource", testLedger), http.StatusBadRequest, codeInvalidRequest)

			// What was exchanged ends with any one it came from, and not the other way.
			for i, tokens := 0, []string{first.str("access_token"), second.str("access_token"), third.str("access_token"), fourth.str("access_token")}; i < 4; i++ {
				if got := b.introspectAs([]string{"rp", "api", "ledger", "archive"}[i], tokens[i]).json["active"]; got != true {
					t.Fatalf("token %d is dead too early", i)
				}
			}
			b.post(pathRevoke, "ledger", url.Values{"token": {third.str("access_token")}})
			if b.introspectAs("archive", fourth.str("access_token")).json["active"] != false || b.introspectAs("api", second.str("access_token")).json["active"] != true {
				t.Error("revocation in the middle")
			}
			third = b.exchange("ledger", second.str("access_token"), "resource", testArchive)
			fourth = b.exchange("archive", third.str("access_token"), "resource", testAPI)
			b.post(pathRevoke, "rp", url.Values{"token": {first.str("access_token")}})
			for i, r := range []reply{first, second, third, fourth} {
				if got := b.introspectAs([]string{"rp", "api", "ledger", "archive"}[i], r.str("access_token")).json["active"]; got != false {
					t.Errorf("token %d outlives the first", i)
				}
			}
		}
	})
}

// No exchange gives more than there was: the classes of GHSA-vrh8-c9cm-wh8v and its like.
func TestExchangeGainsNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newMachineBench(t, db)
		b.chain(client.FormatJWT)
		b.register("public-api", algES256, client.Settings{ResourceServers: []string{testAPI}, Resources: []string{testLedger}})
		b.register("careful", algES256, client.Settings{
			ResourceServers: []string{testAPI}, Resources: []string{testLedger}, MinACR: signin.Level2FA.ACR(),
		})
		const subject, target, scope = codeInvalidRequest, codeInvalidTarget, codeInvalidScope
		first, _ := b.signIn("rp", testGrant{scope: "openid offline_access stock.read", resources: testAPI})
		token := first.str("access_token")
		unnamed, _ := b.signIn("rp", testGrant{scope: chainScope})
		ledger, _ := b.signIn("rp", testGrant{scope: chainScope, resources: testLedger})
		refreshed, _ := b.signIn("rp", testGrant{scope: chainScope, resources: testAPI})
		b.refreshWith("rp", refreshed.str("refresh_token"))
		more := func(v ...string) []string { return append([]string{"resource", testLedger}, v...) }
		const types = "urn:ietf:params:oauth:token-type:"
		for name, tt := range map[string]struct {
			client, token string
			more          []string
			status        int
			code          string
		}{
			"scope that the token has not":             {"api", token, more("scope", "stock.write"), 400, scope},
			"scope beside one that it has":             {"api", token, more("scope", "stock.read stock.write"), 400, scope},
			"scope of a person that the token has not": {"api", token, more("scope", "profile"), 400, scope},
			"offline access":                           {"api", token, more("scope", "offline_access"), 400, scope},
			"resource of the subject":                  {"api", token, []string{"resource", testAPI}, 400, target},
			"resource of others":                       {"api", token, []string{"resource", testArchive}, 400, target},
			"resource of others beside its own":        {"api", token, more("resource", testArchive), 400, target},
			"audience of others":                       {"api", token, more("audience", testArchive), 400, target},
			"this server":                              {"api", token, []string{"resource", testIssuer}, 400, target},
			"audience is a client":                     {"api", token, []string{"audience", "ledger"}, 400, target},
			"no resource":                              {"api", token, nil, 400, target},
			"two audiences":                            {"api", token, []string{"audience", testLedger, "audience", testLedger}, 400, codeInvalidRequest},
			"token of a resource it does not serve":    {"ledger", token, []string{"resource", testArchive}, 400, subject},
			"token for no resource":                    {"api", unnamed.str("access_token"), more(), 400, subject},
			"token for another resource":               {"api", ledger.str("access_token"), more(), 400, subject},
			"token of its own, as who was issued it":   {"rp", token, more(), 400, subject},
			"token that was refreshed":                 {"api", refreshed.str("access_token"), more(), 400, subject},
			"refresh token":                            {"api", first.str("refresh_token"), more(), 400, subject},
			"ID token":                                 {"api", first.str("id_token"), more(), 400, subject},
			"a client's own token":                     {"api", b.credentialsOf("rp", testAPI).str("access_token"), more(), 400, subject},
			"a token of nobody":                        {"api", "at_" + strings.Repeat("A", 43), more(), 400, subject},
			"less was proved than the client demands":  {"careful", token, more(), 400, subject},
			"subject type ID token":                    {"api", token, more("requested_token_type", types+"id_token"), 400, codeInvalidRequest},
			"refresh token wanted":                     {"api", token, more("requested_token_type", types+"refresh_token"), 400, codeInvalidRequest},
			"unheard-of type wanted":                   {"api", token, more("requested_token_type", "urn:x"), 400, codeInvalidRequest},
			"actor token":                              {"api", token, more("actor_token", token, "actor_token_type", types+"access_token"), 400, codeInvalidRequest},
			"empty actor token":                        {"api", token, more("actor_token", ""), 400, codeInvalidRequest},
			"public client":                            {"public-api", token, more(), 401, codeInvalidClient},
			"client without the grant type":            {"shop", token, more(), 400, codeUnauthorizedClient},
			"no token":                                 {"api", "", more(), 400, codeInvalidRequest},
		} {
			r := b.exchange(tt.client, tt.token, tt.more...)
			if r.Code != tt.status || r.str("error") != tt.code || r.str("access_token") != "" {
				t.Errorf("%s: %d %s", name, r.Code, r.Body)
			}
		}
		for _, typ := range []string{"", types + "id_token", types + "jwt", types + "refresh_token", "urn:x"} {
			form := url.Values{"grant_type": {exchangeGrant}, "subject_token": {token}, "subject_token_type": {typ}, "resource": {testLedger}}
			wantRefused(t, b.post(pathToken, "api", form), http.StatusBadRequest, codeInvalidRequest)
		}
		if n := b.auditCount("token.exchange"); n != 0 {
			t.Errorf("%d events of exchanges that were not", n)
		}

		// One factor stays one factor, and what is left of the scope is what both have.
		got := b.exchange("api", token, "resource", testLedger)
		c := b.claims(got.str("access_token"), algES256)
		if c["acr"] != signin.Level1FA.ACR() || !cmp.Equal(c["amr"], any([]any{"pwd"})) || c["scope"] != "openid stock.read" {
			t.Errorf("claims = %v", c)
		}
		// It is none that userinfo takes, unless it is for userinfo; then it tells what its own scope does.
		wantRefused(t, b.getUserinfo(got.str("access_token")), http.StatusUnauthorized, codeInvalidToken)
		b.register("api", algES256, client.Settings{
			AccessTokenFormat: client.FormatJWT, ResourceServers: []string{testAPI}, Resources: []string{testLedger, testIssuer},
		})
		if r := b.getUserinfo(b.exchange("api", token, "resource", testIssuer).str("access_token")); r.str("sub") != string(b.account) || r.str("name")+r.str("email") != "" {
			t.Errorf("userinfo: %s", r.Body)
		}

		// It lives as long as what it is made of: to the second, also at the end of the grant.
		b.advance(15*time.Minute - time.Second)
		if r := b.exchange("api", token, "resource", testLedger); r.json["expires_in"] != float64(1) {
			t.Errorf("%s", r.Body)
		}
		b.advance(time.Second)
		wantRefused(t, b.exchange("api", token, "resource", testLedger), http.StatusBadRequest, codeInvalidRequest)
		if b.introspectAs("ledger", got.str("access_token")).json["active"] != false {
			t.Error("it outlives what it is made of")
		}
	})
}

// RFC 9449: a token that is bound to a key is exchanged by who has the key, and what comes of it is bound to that too.
func TestExchangeOfABoundToken(t *testing.T) {
	b := newMachineBench(t, storetest.SQLite(t))
	b.chain(client.FormatJWT)
	code, _ := b.authorize(testGrant{client: "rp", challenge: testChallenge, resources: testAPI, scope: chainScope})
	token, hash := newBearer(prefixAccess)
	if _, err := b.db.RedeemCode(t.Context(), store.CodeRedemption{
		CodeHash: hashSecret(code), ClientID: "rp", RedirectURI: testCallback, CodeChallenge: testChallenge, KeyThumbprint: "thumb", Now: b.clock(),
		TokenSetID: store.NewID[store.TokenSetID](), AccessHash: hash, AccessExpiresAt: b.clock().Add(time.Minute),
	}); err != nil {
		t.Fatal(err)
	}
	wantRefused(t, b.exchange("api", token, "resource", testLedger), http.StatusBadRequest, codeInvalidRequest)
	c, _ := b.clients.Lookup("api")
	for key, right := range map[string]bool{"": false, "other": false, "thumb": true} {
		ctx := context.WithValue(t.Context(), exchangeKey{}, &exchange{client: c, key: key, resources: []string{testLedger}})
		resp, err := b.exchangeToken(ctx, c, &oidc.TokenExchangeRequest{SubjectToken: token})
		if (err == nil) != right {
			t.Errorf("key %q: %v", key, err)
		}
		if right && !cmp.Equal(b.claims(resp.AccessToken, algES256)["cnf"], any(map[string]any{"jkt": "thumb"})) {
			t.Error("what comes of it is bound to nothing")
		}
		if right && resp.TokenType != tokenTypeDPoP {
			t.Errorf("it is to be presented as %s", resp.TokenType)
		}
	}
}

// What is exchanged beside a renewal is worth no more than what it was exchanged for: the access token beside a refresh token that stays is
// replaced in its row, and the row goes on living.
func TestExchangeBesideARenewal(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newMachineBench(t, db)
		b.chain(client.FormatOpaque)
		b.asFAPI("rp")
		p := newProver(t)
		nonce := map[string]any{"nonce": b.nonces.now()}
		code, _ := b.authorize(testGrant{client: "rp", challenge: testChallenge, scope: chainScope, resources: testAPI})
		first := b.prove(p, "rp", codeForm(code, testVerifier), nonce)
		if first.Code != http.StatusOK {
			t.Fatalf("code: %d %s", first.Code, first.Body)
		}
		form := url.Values{
			"grant_type": {exchangeGrant}, "subject_token": {first.str("access_token")}, "resource": {testLedger},
			"subject_token_type": {"urn:ietf:params:oauth:token-type:access_token"},
		}
		replies := make([]reply, 24)
		var renewed reply
		var wg sync.WaitGroup
		for i := range replies {
			wg.Go(func() { replies[i] = b.prove(p, "api", form, nonce) })
			if i == len(replies)/2 {
				wg.Go(func() { renewed = b.prove(p, "rp", refreshForm(first.str("refresh_token")), nonce) })
			}
		}
		wg.Wait()
		if renewed.Code != http.StatusOK {
			t.Fatalf("renewal: %d %s", renewed.Code, renewed.Body)
		}
		for _, r := range replies {
			switch {
			case r.Code != http.StatusOK:
				wantRefused(t, r, http.StatusBadRequest, codeInvalidRequest)
			case b.introspectAs("ledger", r.str("access_token")).json["active"] != false:
				t.Error("a token lives longer than what it was exchanged for")
			}
		}

		// Whoever read the row before the renewal writes after it: the row lives, and what was shown does not.
		row, err := db.AccessToken(t.Context(), hashSecret(renewed.str("access_token")), b.clock())
		if err != nil {
			t.Fatal(err)
		}
		c, _ := b.clients.Lookup("api")
		err = b.insertExchanged(t.Context(), c, row, store.InsertExchangedTokenSetParams{
			ID: string(store.NewID[store.TokenSetID]()), ParentID: row.ID, ParentHash: hashSecret(first.str("access_token")), ClientID: "api",
			AccessHash: hashSecret("x"), AccessExpiresAt: row.AccessExpiresAt, Now: b.clock(),
		})
		if e, ok := errors.AsType[*protocolError](err); !ok || e.code != codeSubjectToken {
			t.Errorf("written after the renewal: %v", err)
		}
	})
}

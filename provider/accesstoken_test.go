package provider

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/client"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
)

const (
	testAPI     = "https://api.example.com/"
	testLedger  = "https://ledger.example.com/v1"
	testArchive = "urn:example:archive"
)

// exchangeGrant is that of RFC 8693.
const exchangeGrant = "urn:ietf:params:oauth:grant-type:token-exchange"

// register adds a confidential client with settings, or a public one if its id begins with "public".
func (b *machineBench) register(id, alg string, s client.Settings) {
	b.t.Helper()
	secret, hash := NewClientSecret()
	method := "client_secret_basic"
	if strings.HasPrefix(id, "public") {
		method, secret, hash = "none", "", nil
	}
	b.secrets[id] = secret
	b.write(func(ctx context.Context, tx *store.Tx) error {
		return tx.PutClient(ctx, store.PutClientParams{
			ID: id, Name: "Client " + id, SurfaceID: "store", AuthMethod: method, SecretHash: hash,
			RedirectURIs: rawList([]string{testCallback}), PostLogoutRedirectURIs: rawList(nil),
			GrantTypes: rawList([]string{"authorization_code", "refresh_token", "client_credentials", exchangeGrant}),
			Scopes:     rawList([]string{"openid", "profile", "email", "offline_access", "stock.read", "stock.write"}),
			IDTokenAlg: alg, Settings: s.Encode(), Now: b.clock(),
		})
	})
	if err := b.ReloadClients(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

// header is the JOSE header of a token.
func header(t testing.TB, token string) map[string]string {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[0])
	if err != nil {
		t.Fatal(err)
	}
	var h map[string]string
	if err := json.Unmarshal(raw, &h); err != nil {
		t.Fatal(err)
	}
	return h
}

func (b *machineBench) introspectAs(client, token string) reply {
	b.t.Helper()
	return b.post(pathIntrospect, client, url.Values{"token": {token}})
}

func (b *machineBench) credentialsOf(client string, resources ...string) reply {
	b.t.Helper()
	return b.post(pathToken, client, url.Values{"grant_type": {"client_credentials"}, "scope": {"stock.read"}, "resource": resources})
}

// RFC 9068: what a resource server reads in a token is what introspection says of it, and both are what was proved.
func TestJWTAccessTokensSayWhatIntrospectionSays(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newMachineBench(t, db)
		for _, alg := range signingAlgs() {
			id := "jwt-" + strings.ToLower(alg)
			b.register(id, alg, client.Settings{AccessTokenFormat: client.FormatJWT})
			first, _ := b.signIn(id, testGrant{evidence: passwordAndEmail(), scope: "openid profile offline_access"})
			token := first.str("access_token")
			if h := header(t, token); h["typ"] != "at+jwt" || h["alg"] != alg {
				t.Errorf("header = %v", h)
			}
			got := b.claims(token, alg)
			jti, _ := got["jti"].(string)
			want := map[string]any{
				"iss": testIssuer, "aud": testIssuer, "sub": string(b.account), "client_id": id, "jti": jti,
				"iat": float64(testStart.Unix()), "exp": float64(testStart.Add(15 * time.Minute).Unix()), "scope": "openid profile offline_access",
				"auth_time": float64(testStart.Add(-time.Minute).Unix()), "acr": "urn:futakagi:acr:2fa-email", "amr": []any{"pwd", "mca", "mfa"},
			}
			if diff := cmp.Diff(want, got); diff != "" || len(jti) < 43 {
				t.Errorf("%s (-want +got):\n%s", alg, diff)
			}
			if b.claims(first.str("id_token"), alg)["at_hash"] != halfHash(alg, token) {
				t.Error("at_hash is not of this token")
			}
			info := b.introspectAs(id, token)
			for _, name := range []string{"iss", "aud", "sub", "client_id", "iat", "exp", "scope", "auth_time", "acr", "amr"} {
				if diff := cmp.Diff(want[name], info.json[name]); diff != "" {
					t.Errorf("introspection differs in %s: %s", name, diff)
				}
			}
			if r := b.getUserinfo(token); r.str("name") != "田中 一郎" {
				t.Errorf("userinfo: %d %s", r.Code, r.Body)
			}
			second := b.refreshWith(id, first.str("refresh_token"), "scope", "openid")
			if c := b.claims(second.str("access_token"), alg); c["scope"] != "openid" || c["acr"] != want["acr"] || c["jti"] == jti {
				t.Errorf("refreshed: %v", c)
			}
			if b.introspectAs(id, token).json["active"] != false {
				t.Error("a JWT lives on after its refresh")
			}
			b.post(pathRevoke, id, url.Values{"token": {second.str("access_token")}})
			wantRefused(t, b.getUserinfo(second.str("access_token")), http.StatusUnauthorized, codeInvalidToken)

			own := b.credentialsOf(id)
			c := b.claims(own.str("access_token"), alg)
			if c["sub"] != id || c["client_id"] != id || c["aud"] != testIssuer || c["scope"] != "stock.read" || c["acr"] != nil || c["auth_time"] != nil {
				t.Errorf("client's own: %v", c)
			}
			if info := b.introspectAs(id, own.str("access_token")); info.str("sub") != id || info.json["active"] != true {
				t.Errorf("client's own: %s", info.Body)
			}
		}
	})
}

// I23: each kind of thing that we sign is one thing, at every place that takes a token.
func TestI23_NoKindOfTokenPassesForAnother(t *testing.T) {
	b := newMachineBench(t, storetest.SQLite(t))
	b.register("mixed", algES256, client.Settings{
		AccessTokenFormat: client.FormatJWT, UserinfoAlg: algES256, IntrospectionAlg: algES256,
		Resources: []string{testAPI}, ResourceServers: []string{testAPI, testIssuer},
	})
	first, _ := b.signIn("mixed", testGrant{resources: testIssuer + " " + testAPI})
	access := first.str("access_token")
	c, _ := b.clients.Lookup("mixed")
	logout, err := b.mint.logoutToken(c, b.account, store.NewID[store.SessionID](), b.clock())
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(access, ".")
	jti, _ := b.claims(access, algES256)["jti"].(string)
	stolen := strings.Split(first.str("id_token"), ".")
	// An access token in all but its row.
	forged, err := b.keys.Sign(algES256, typAccessToken, accessClaims{Issuer: testIssuer, ID: prefixJTI + strings.Repeat("A", 43)})
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := b.keys.Sign(algES256, typAccessToken, accessClaims{Issuer: "https://other.example", ID: jti})
	if err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{
		"ID token": first.str("id_token"), "refresh token": first.str("refresh_token"), "logout token": logout,
		"signed userinfo": b.getUserinfo(access).Body.String(), "signed introspection": b.introspectAs("mixed", access).Body.String(),
		"jti": jti, "jti as an opaque token": prefixAccess + strings.TrimPrefix(jti, prefixJTI),
		"another payload": parts[0] + "." + stolen[1] + "." + parts[2], "header of another": stolen[0] + "." + parts[1] + "." + parts[2],
		"truncated": access[:len(access)-1], "extended": access + "A", "unsigned": parts[0] + "." + parts[1] + ".", "two parts": parts[0] + "." + parts[1],
		"none":          base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"at+jwt"}`)) + "." + parts[1] + ".",
		"without a row": forged, "of another issuer": foreign, "empty payload": parts[0] + ".." + parts[2],
	} {
		wantRefused(t, b.getUserinfo(token), http.StatusUnauthorized, codeInvalidToken)
		if name != "refresh token" {
			if got := b.claims(b.introspectAs("mixed", token).Body.String(), algES256)["token_introspection"]; !cmp.Equal(got, any(map[string]any{"active": false})) {
				t.Errorf("%s at introspection: %v", name, got)
			}
			wantRefused(t, b.refreshWith("mixed", token), http.StatusBadRequest, codeInvalidGrant)
			b.post(pathRevoke, "mixed", url.Values{"token": {token}})
		}
		wantRefused(t, b.exchange("mixed", token, "resource", testAPI), http.StatusBadRequest, codeInvalidRequest)
		wantRefused(t, b.redeemCode("mixed", token, testVerifier), http.StatusBadRequest, codeInvalidGrant)
		if name != "ID token" {
			if _, err := b.verifyHint(token, b.clock()); err == nil {
				t.Errorf("%s passed as a hint", name)
			}
		}
	}
	if _, err := b.verifyHint(access, b.clock()); err == nil {
		t.Error("an access token passed as a hint")
	}
	if r := b.getUserinfo(access); r.Code != http.StatusOK {
		t.Errorf("one of those was this token: %s", r.Body)
	}
}

// A token with a key that was revoked is void here too: whoever has the key could have made it.
func TestJWTAccessTokenEndsWithItsKey(t *testing.T) {
	b := newMachineBench(t, storetest.SQLite(t))
	b.register("jwt", algES256, client.Settings{AccessTokenFormat: client.FormatJWT})
	first, _ := b.signIn("jwt", testGrant{})
	if r := b.getUserinfo(first.str("access_token")); r.Code != http.StatusOK {
		t.Fatalf("%d %s", r.Code, r.Body)
	}
	now := b.clock()
	b.write(func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.RevokeSigningKey(ctx, store.RevokeSigningKeyParams{ID: header(t, first.str("access_token"))["kid"], Now: &now})
		return err
	})
	if err := b.keys.load(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantRefused(t, b.getUserinfo(first.str("access_token")), http.StatusUnauthorized, codeInvalidToken)
	if b.introspectAs("jwt", first.str("access_token")).json["active"] != false {
		t.Error("introspection says it lives")
	}
	if r := b.refreshWith("jwt", first.str("refresh_token")); r.Code != http.StatusOK {
		t.Errorf("the grant ended with the key: %s", r.Body)
	}
}

// RFC 8707: a token is for what was granted and asked for, and of use nowhere else.
func TestResourceIndicators(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newMachineBench(t, db)
		all := []string{testAPI, testLedger, testArchive}
		b.register("rp", algES256, client.Settings{AccessTokenFormat: client.FormatJWT, Resources: all})
		b.register("api", algES256, client.Settings{ResourceServers: []string{testAPI}})
		b.register("other", algES256, client.Settings{ResourceServers: []string{testLedger + "/x"}, Resources: all})
		b.register("public-api", algES256, client.Settings{ResourceServers: []string{testAPI}})
		redeem := func(granted string, asked ...string) reply {
			code, _ := b.authorize(testGrant{client: "rp", challenge: testChallenge, resources: granted})
			form := codeForm(code, testVerifier)
			form["resource"] = asked
			r := b.post(pathToken, "rp", form)
			if r.Code != http.StatusOK {
				if again := b.redeemCode("rp", code, testVerifier); again.str("error") != codeInvalidGrant {
					t.Errorf("a code lives on after %s: %s", r.Body, again.Body)
				}
			}
			return r
		}
		aud := func(r reply) any { return b.claims(r.str("access_token"), algES256)["aud"] }

		// What was granted is what a token is for, or what of it is asked for.
		everything := redeem(testAPI + " " + testLedger)
		if diff := cmp.Diff(any([]any{testAPI, testLedger}), aud(everything)); diff != "" {
			t.Error(diff)
		}
		if got := b.introspectAs("rp", everything.str("access_token")).json["aud"]; !cmp.Equal(got, aud(everything)) {
			t.Errorf("introspection: aud = %v", got)
		}
		if c := b.claims(everything.str("id_token"), algES256); c["aud"] != "rp" || c["azp"] != "rp" {
			t.Errorf("the ID token is for %v", c["aud"])
		}
		part := redeem(testAPI+" "+testLedger, testLedger, testLedger)
		if got := aud(part); got != testLedger {
			t.Errorf("a part: aud = %v", got)
		}
		// The next one may be for another part.
		next := b.refreshWith("rp", part.str("refresh_token"), "resource", testAPI)
		if got := aud(next); got != testAPI {
			t.Errorf("after refresh: aud = %v", got)
		}
		wantRefused(t, b.refreshWith("rp", next.str("refresh_token"), "resource", testArchive), http.StatusBadRequest, codeInvalidTarget)
		if r := b.refreshWith("rp", next.str("refresh_token")); !cmp.Equal(aud(r), any([]any{testAPI, testLedger})) {
			t.Errorf("a refused resource spent the token, or narrowed the grant: %s", r.Body)
		}
		for name, r := range map[string]reply{
			"not granted":          redeem(testAPI, testLedger),
			"one too many":         redeem(testAPI, testAPI, testLedger),
			"none was named":       redeem("", testAPI),
			"not registered":       b.credentialsOf("rp", "https://evil.example/"),
			"not quite registered": b.credentialsOf("rp", strings.TrimSuffix(testAPI, "/")),
			"empty":                b.credentialsOf("rp", ""),
		} {
			if wantRefused(t, r, http.StatusBadRequest, codeInvalidTarget); t.Failed() {
				t.Fatal(name)
			}
		}
		wantRefused(t, b.credentialsOf("rp", slices.Repeat([]string{testAPI}, maxResources+1)...), http.StatusBadRequest, codeInvalidRequest)
		if r := b.credentialsOf("rp", testAPI, testArchive); !cmp.Equal(aud(r), any([]any{testAPI, testArchive})) {
			t.Errorf("client's own: %s", r.Body)
		}

		// Who serves the resource is told of the token, and nobody else but the client; what is the client's stays with it.
		for asker, active := range map[string]bool{"rp": true, "api": true, "other": false, "shop": false} {
			r := b.introspectAs(asker, everything.str("access_token"))
			if r.json["active"] != active {
				t.Errorf("%s: %s", asker, r.Body)
			}
			if asker == "api" && (r.str("client_id") != "rp" || r.str("acr") == "" || r.str("username")+r.str("sid") != "") {
				t.Errorf("what an API is told: %s", r.Body)
			}
		}
		wantRefused(t, b.introspectAs("public-api", everything.str("access_token")), http.StatusUnauthorized, codeInvalidClient)
		if b.introspectAs("api", everything.str("refresh_token")).json["active"] != false {
			t.Error("an API is told of a refresh token")
		}
		if r := b.introspectAs("api", b.credentialsOf("rp", testAPI).str("access_token")); r.str("sub") != "rp" {
			t.Errorf("client's own: %s", r.Body)
		}
		b.post(pathRevoke, "api", url.Values{"token": {everything.str("access_token")}})
		if b.introspectAs("rp", everything.str("access_token")).json["active"] != true {
			t.Error("an API revoked what was shown to it")
		}

		// An API that was shown a token reads nothing here, unless the token is for this server too.
		wantRefused(t, b.getUserinfo(everything.str("access_token")), http.StatusUnauthorized, codeInvalidToken)
		if r := b.getUserinfo(redeem(testAPI + " " + testIssuer).str("access_token")); r.Code != http.StatusOK {
			t.Errorf("for both: %s", r.Body)
		}

		// The registration may shrink.
		shrunk := redeem(testAPI + " " + testLedger)
		b.register("rp", algES256, client.Settings{AccessTokenFormat: client.FormatJWT, Resources: []string{testLedger}})
		if shrunk = b.refreshWith("rp", shrunk.str("refresh_token")); aud(shrunk) != testLedger {
			t.Errorf("aud = %v", aud(shrunk))
		}
		b.register("rp", algES256, client.Settings{AccessTokenFormat: client.FormatJWT})
		wantRefused(t, b.refreshWith("rp", shrunk.str("refresh_token")), http.StatusBadRequest, codeInvalidTarget)
	})
}

// OpenID Connect Core §5.3.2 and RFC 9701: an answer that is signed says who it is from and whom for.
func TestSignedAnswers(t *testing.T) {
	b := newMachineBench(t, storetest.SQLite(t))
	b.register("signed", algES256, client.Settings{UserinfoAlg: algRS256, IntrospectionAlg: algEdDSA})
	first, _ := b.signIn("signed", testGrant{scope: "openid email"})
	r := b.getUserinfo(first.str("access_token"))
	got := b.claims(r.Body.String(), algRS256)
	if r.Header().Get("Content-Type") != "application/jwt" || got["iss"] != testIssuer || got["aud"] != "signed" || got["sub"] != string(b.account) ||
		got["email"] != "tanaka@example.jp" || got["email_verified"] != false || r.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("userinfo: %v %v", r.Header(), got)
	}
	r = b.introspectAs("signed", first.str("access_token"))
	got = b.claims(r.Body.String(), algEdDSA)
	info, _ := got["token_introspection"].(map[string]any)
	if r.Header().Get("Content-Type") != mediaIntrospection || header(t, r.Body.String())["typ"] != "token-introspection+jwt" ||
		got["iss"] != testIssuer || got["aud"] != "signed" || got["iat"] != float64(testStart.Unix()) || got["sub"] != nil || got["exp"] != nil ||
		info["active"] != true || info["sub"] != string(b.account) {
		t.Errorf("introspection: %v %v", r.Header(), got)
	}
	// Errors stay what they are.
	wantRefused(t, b.getUserinfo("x"), http.StatusUnauthorized, codeInvalidToken)
	wantRefused(t, b.post(pathIntrospect, "signed", nil), http.StatusBadRequest, codeInvalidRequest)

	// FAPI 2.0 §5.4.1: with what the client's ID tokens are signed, as the profile has no RS256.
	for _, alg := range []string{algES256, algEdDSA} {
		b.register("fapi", alg, client.Settings{})
		b.asFAPI("fapi")
		ask := b.request(pathIntrospect, "fapi", url.Values{"token": {"x"}})
		ask.Header.Set("Accept", mediaIntrospection)
		if got := b.claims(b.do(ask).Body.String(), alg); got["aud"] != "fapi" {
			t.Errorf("FAPI with %s: %v", alg, got)
		}
	}

	// Asked for by who did not register for it: RS256.
	for accept, signed := range map[string]bool{
		mediaIntrospection: true, "application/json, " + mediaIntrospection + ";q=0.9": true, "application/json": false, "*/*": false, ";": false, "": false,
	} {
		ask := b.request(pathIntrospect, "shop", url.Values{"token": {"x"}})
		ask.Header.Set("Accept", accept)
		r := b.do(ask)
		if !signed {
			if r.Header().Get("Content-Type") != "application/json" || r.json["active"] != false {
				t.Errorf("Accept %q: %v %s", accept, r.Header(), r.Body)
			}
			continue
		}
		if got := b.claims(r.Body.String(), algRS256); !cmp.Equal(got["token_introspection"], any(map[string]any{"active": false})) {
			t.Errorf("Accept %q: %v", accept, got)
		}
	}
}

func TestLifetimesOfAClientsOwn(t *testing.T) {
	b := newMachineBench(t, storetest.SQLite(t))
	b.register("brief", algES256, client.Settings{AccessLifetime: 60, RefreshLifetime: 3600, IDTokenLifetime: 30, AccessTokenFormat: client.FormatJWT})
	b.register("long", algES256, client.Settings{AccessLifetime: 1 << 40, RefreshLifetime: 1 << 62, IDTokenLifetime: 1 << 40})
	first, _ := b.signIn("brief", testGrant{})
	if first.json["expires_in"] != float64(60) || b.claims(first.str("id_token"), algES256)["exp"] != float64(testStart.Add(30*time.Second).Unix()) ||
		b.claims(first.str("access_token"), algES256)["exp"] != float64(testStart.Add(time.Minute).Unix()) {
		t.Errorf("%s", first.Body)
	}
	if r := b.credentialsOf("brief"); r.json["expires_in"] != float64(60) {
		t.Errorf("client's own: %s", r.Body)
	}
	b.advance(time.Minute)
	wantRefused(t, b.getUserinfo(first.str("access_token")), http.StatusUnauthorized, codeInvalidToken)
	b.advance(59*time.Minute - time.Second)
	second := b.refreshWith("brief", first.str("refresh_token"))
	if second.json["expires_in"] != float64(60) {
		t.Errorf("%s", second.Body)
	}
	b.advance(time.Hour)
	wantRefused(t, b.refreshWith("brief", second.str("refresh_token")), http.StatusBadRequest, codeInvalidGrant)

	// Nothing signed outlives its key, and nothing at all the grant.
	r, _ := b.signIn("long", testGrant{})
	limit := b.keys.rules.TokenLife
	if r.json["expires_in"] != float64(limit/time.Second) || b.claims(r.str("id_token"), algES256)["exp"] != float64(b.clock().Add(limit).Unix()) {
		t.Errorf("%s", r.Body)
	}
	b.advance(b.lifetimes.RefreshAbsolute - time.Minute)
	if r = b.refreshWith("long", r.str("refresh_token")); r.json["expires_in"] != float64(60) {
		t.Errorf("just before the grant ends: %s", r.Body)
	}
}

// A refresh gives nothing to a client that demands more by now than was proved.
func TestLeastLevelHoldsForRefreshes(t *testing.T) {
	b := newMachineBench(t, storetest.SQLite(t))
	b.register("rp", algES256, client.Settings{})
	weak, _ := b.signIn("rp", testGrant{})
	strong, _ := b.signIn("rp", testGrant{evidence: passwordAndEmail()})
	b.register("rp", algES256, client.Settings{MinACR: signin.Level2FAEmail.ACR()})
	if b.introspectAs("rp", weak.str("refresh_token")).json["active"] != false {
		t.Error("introspection promises a refresh")
	}
	wantRefused(t, b.refreshWith("rp", weak.str("refresh_token")), http.StatusBadRequest, codeInvalidGrant)
	if r := b.refreshWith("rp", strong.str("refresh_token")); r.Code != http.StatusOK {
		t.Errorf("%s", r.Body)
	}
}

// OpenID Connect Core §5.5: what is asked for by name is told where it was asked for, as far as the registration goes.
func TestNamedClaims(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newMachineBench(t, db)
		b.register("rp", algES256, client.Settings{})
		b.register("third", algES256, client.Settings{ThirdParty: true})
		b.addClient("anonymous", "client_secret_basic", algES256, false, []string{"authorization_code"}, []string{"openid"})
		if err := b.ReloadClients(t.Context()); err != nil {
			t.Fatal(err)
		}
		asked := namedClaims{IDToken: []string{"email", "email_verified"}, Userinfo: []string{"name"}}.encode()
		tell := func(r reply, names ...string) {
			t.Helper()
			id, info := b.claims(r.str("id_token"), algES256), b.getUserinfo(r.str("access_token")).json
			var told []string
			for _, name := range []string{"name", "preferred_username", "email", "email_verified"} {
				if _, ok := id[name]; ok {
					told = append(told, "id:"+name)
				}
				if _, ok := info[name]; ok {
					told = append(told, "info:"+name)
				}
			}
			if diff := cmp.Diff(names, told); diff != "" {
				t.Errorf("(-want +told):\n%s", diff)
			}
			if v, ok := id["email_verified"]; ok && v != false {
				t.Error("an address that nobody verified is called verified (I18)")
			}
		}
		first, _ := b.signIn("rp", testGrant{scope: "openid offline_access", claims: asked})
		tell(first, "info:name", "id:email", "id:email_verified")
		tell(b.refreshWith("rp", first.str("refresh_token")), "info:name", "id:email", "id:email_verified")
		for id, want := range map[string][]string{"third": nil, "anonymous": nil} {
			r, _ := b.signIn(id, testGrant{scope: "openid", claims: asked})
			tell(r, want...)
		}
		r, _ := b.signIn("third", testGrant{scope: "openid email", claims: asked})
		tell(r, "id:email", "info:email", "id:email_verified", "info:email_verified")
	})
}

func TestSettingsOfTokensThatAreNotKnownAreRefused(t *testing.T) {
	negative := int64(-1)
	for name, s := range map[string]client.Settings{
		"format": {AccessTokenFormat: "paseto"}, "userinfo": {UserinfoAlg: "none"}, "introspection": {IntrospectionAlg: "HS256"},
		"acr": {MinACR: "urn:example:gold"}, "fragment": {Resources: []string{"https://api.example/#x"}}, "relative": {Resources: []string{"/api"}},
		"two in one": {ResourceServers: []string{testAPI + " " + testLedger}}, "lifetime": {AccessLifetime: -1}, "max age": {DefaultMaxAge: &negative},
	} {
		if err := checkTokenSettings(s); err == nil {
			t.Errorf("%s: %+v was accepted", name, s)
		}
	}
}

func FuzzAccessHash(f *testing.F) {
	// One key that never changes, so that no database is needed.
	private := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	head, err := encodeHeader(algEdDSA, "k", typAccessToken)
	if err != nil {
		f.Fatal(err)
	}
	key := &signingKey{
		kid: "k", alg: algEdDSA, public: private.Public(), private: private, headers: map[string]string{typAccessToken: head},
	}
	b := &machine{issuer: testIssuer, keys: newKeyring(nil, nil, testRules(), func() time.Time { return testStart }, nil)}
	b.keys.current.Store(&keySnapshot{
		signers: map[string][]*signingKey{algEdDSA: {key}}, headers: map[string]headerOf{head: {key, typAccessToken}},
	})
	token, err := b.keys.Sign(algEdDSA, typAccessToken, accessClaims{Issuer: testIssuer, ID: prefixJTI + strings.Repeat("A", 43)})
	if err != nil {
		f.Fatal(err)
	}
	if _, isJWT, ok := b.accessHash(token); !ok || !isJWT {
		f.Fatal("the seed is no access token")
	}
	for _, seed := range []string{token, token[:len(token)-2], prefixAccess + strings.Repeat("A", 43), prefixJTI + strings.Repeat("A", 43), "a.b.c", "..", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		hash, isJWT, ok := b.accessHash(in)
		if ok && isJWT && in != token || ok && len(hash) != 32 || !ok && isJWT && strings.HasPrefix(in, prefixAccess) {
			t.Errorf("%q was read", in)
		}
	})
}

func FuzzTargets(f *testing.F) {
	f.Add(testAPI, testLedger)
	f.Add(testIssuer, "")
	f.Add(testAPI+" ", "%20")
	f.Fuzz(func(t *testing.T, one, two string) {
		named, ok := targets([]string{one, two, one}, []string{testAPI, testArchive, testIssuer})
		if !ok {
			return
		}
		if got := strings.Fields(formatScope(named)); !slices.Equal(got, named) {
			t.Errorf("%q %q: stored as %q", one, two, got)
		}
	})
}

// FAPI 2.0 Security Profile §5.3.2.1: a code lives for a minute at most, however long others do.
func TestCodesOfAProfileAreShort(t *testing.T) {
	bank, shop := &Client{settings: client.Settings{Profile: client.ProfileFAPI2}}, &Client{}
	if got := bank.codeLife(5 * time.Minute); got != time.Minute {
		t.Errorf("%v", got)
	}
	if got := shop.codeLife(5 * time.Minute); got != 5*time.Minute {
		t.Errorf("others: %v", got)
	}
}

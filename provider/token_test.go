package provider

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
)

func TestCodeExchange(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newMachineBench(t, db)
		for client, alg := range map[string]string{"shop": algES256, "legacy": algRS256, "app": algEdDSA} {
			r, id := b.signIn(client, testGrant{nonce: "n-1", evidence: passwordAndEmail()})
			g, err := db.Read().GetGrantByCode(t.Context(), hashSecret("x"))
			if err == nil {
				t.Fatal("found a grant by a code that was never issued", g)
			}
			claims := b.claims(r.str("id_token"), alg)
			sid, _ := claims["sid"].(string)
			want := map[string]any{
				"iss": testIssuer, "sub": string(b.account), "aud": client, "azp": client,
				"iat": float64(testStart.Unix()), "exp": float64(testStart.Add(10 * time.Minute).Unix()),
				"auth_time": float64(testStart.Add(-time.Minute).Unix()), "nonce": "n-1",
				"acr": "urn:futakagi:acr:2fa-email", "amr": []any{"pwd", "mca", "mfa"}, "sid": sid,
				"at_hash": halfHash(alg, r.str("access_token")),
				"urn:futakagi:2fa": map[string]any{
					"method": "email", "via": "code", "verified_at": float64(testStart.Add(-30 * time.Second).Unix()),
				},
				"name": "田中 一郎", "preferred_username": "Tanaka", "email": "tanaka@example.jp", "email_verified": false,
			}
			if diff := cmp.Diff(want, claims); diff != "" {
				t.Errorf("%s: claims (-want +got):\n%s", client, diff)
			}
			if sid == "" || id == "" {
				t.Error("no session id")
			}
			if r.str("token_type") != "Bearer" || r.json["expires_in"] != float64(900) || r.str("scope") != "openid profile email offline_access" {
				t.Errorf("answer: %s", r.Body)
			}
			if !strings.HasPrefix(r.str("access_token"), "at_") || !strings.HasPrefix(r.str("refresh_token"), "rt_") {
				t.Errorf("tokens: %s", r.Body)
			}
		}
	})
}

func TestCodeExchangeWithoutOfflineAccess(t *testing.T) {
	b := newMachineBench(t, storetest.SQLite(t))
	r, _ := b.signIn("shop", testGrant{scope: "openid"})
	if r.str("refresh_token") != "" {
		t.Error("a refresh token nobody asked for")
	}
	claims := b.claims(r.str("id_token"), algES256)
	for _, name := range []string{"name", "preferred_username", "email", "email_verified", "nonce", claimTwoFactor} {
		if _, ok := claims[name]; ok {
			t.Errorf("claim %s without its reason", name)
		}
	}
	if diff := cmp.Diff([]any{"pwd"}, claims["amr"]); diff != "" {
		t.Error(diff)
	}
	// The grant says offline_access but the client may not refresh.
	r, _ = b.signIn("codeonly", testGrant{scope: "openid offline_access"})
	if r.str("refresh_token") != "" {
		t.Error("a refresh token for a client without the grant type")
	}
}

func TestI20_OneWinnerAmongParallelRedemptionsAndReplayKills(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newMachineBench(t, db)
		code, _ := b.authorize(testGrant{client: "shop", challenge: testChallenge})
		replies := make([]reply, 50)
		var wg sync.WaitGroup
		for i := range replies {
			wg.Go(func() { replies[i] = b.redeemCode("shop", code, testVerifier) })
		}
		wg.Wait()
		var winner reply
		won := 0
		for _, r := range replies {
			if r.Code == http.StatusOK {
				winner = r
				won++
				continue
			}
			wantRefused(t, r, http.StatusBadRequest, codeInvalidGrant)
		}
		if won != 1 {
			t.Fatalf("%d redemptions succeeded", won)
		}
		wantRefused(t, b.getUserinfo(winner.str("access_token")), http.StatusUnauthorized, codeInvalidToken)
		wantRefused(t, b.refreshWith("shop", winner.str("refresh_token")), http.StatusBadRequest, codeInvalidGrant)
		if n := b.auditCount("token.reuse"); n != 1 {
			t.Errorf("%d audit rows for the reuse, want 1", n)
		}
	})
}

func TestI20_FailedRedemptionSpendsTheCode(t *testing.T) {
	b := newMachineBench(t, storetest.SQLite(t))
	form := func(code, verifier, redirect string) url.Values {
		f := codeForm(code, verifier)
		f.Set("redirect_uri", redirect)
		return f
	}
	other := strings.Repeat("a", 43)
	tests := map[string]struct {
		challenge string
		client    string
		form      func(code string) url.Values
		before    func()
	}{
		"wrong verifier":      {testChallenge, "shop", func(c string) url.Values { return codeForm(c, other) }, nil},
		"verifier missing":    {testChallenge, "legacy", func(c string) url.Values { return codeForm(c, "") }, nil},
		"verifier required":   {"", "shop", func(c string) url.Values { return codeForm(c, "") }, nil},
		"challenge missing":   {"", "legacy", func(c string) url.Values { return codeForm(c, testVerifier) }, nil},
		"verifier short":      {testChallenge, "shop", func(c string) url.Values { return codeForm(c, testVerifier[:42]) }, nil},
		"verifier long":       {testChallenge, "shop", func(c string) url.Values { return codeForm(c, strings.Repeat("a", 129)) }, nil},
		"verifier characters": {testChallenge, "shop", func(c string) url.Values { return codeForm(c, testVerifier+"+") }, nil},
		"challenge as plain":  {testChallenge, "shop", func(c string) url.Values { return codeForm(c, testChallenge) }, nil},
		"redirect URI":        {testChallenge, "shop", func(c string) url.Values { return form(c, testVerifier, testCallback+"/") }, nil},
		"too late":            {testChallenge, "shop", func(c string) url.Values { return codeForm(c, testVerifier) }, func() { b.advance(time.Minute) }},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			code, _ := b.authorize(testGrant{client: tt.client, challenge: tt.challenge})
			if tt.before != nil {
				tt.before()
			}
			wantRefused(t, b.post(pathToken, tt.client, tt.form(code)), http.StatusBadRequest, codeInvalidGrant)
			verifier := testVerifier
			if tt.challenge == "" {
				verifier = ""
			}
			wantRefused(t, b.redeemCode(tt.client, code, verifier), http.StatusBadRequest, codeInvalidGrant)
		})
	}
}

func TestI20_CodeOfAnotherClient(t *testing.T) {
	b := newMachineBench(t, storetest.SQLite(t))
	code, _ := b.authorize(testGrant{client: "shop", challenge: testChallenge})
	wantRefused(t, b.redeemCode("app", code, testVerifier), http.StatusBadRequest, codeInvalidGrant)
	// It leaked, so it is spent for its owner too.
	wantRefused(t, b.redeemCode("shop", code, testVerifier), http.StatusBadRequest, codeInvalidGrant)
}

func TestI20_CodeDiesWithAccountAndPolicy(t *testing.T) {
	tests := map[string]func(b *machineBench){
		"account disabled": func(b *machineBench) {
			now := b.clock()
			b.write(func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.SetAccountDisabled(ctx, store.SetAccountDisabledParams{DisabledAt: &now, Now: now, ID: b.account})
				return err
			})
		},
		"credentials reset": func(b *machineBench) {
			b.write(func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.RaiseCredentialEpoch(ctx, store.RaiseCredentialEpochParams{Now: b.clock(), ID: b.account})
				return err
			})
		},
		"second factor enforced": (*machineBench).enforce,
		"second factor chosen": func(b *machineBench) {
			b.write(func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.SetTwoFactor(ctx, store.SetTwoFactorParams{TwoFactor: "use", Now: b.clock(), ID: b.account, Former: "dont_use"})
				return err
			})
		},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			b := newMachineBench(t, storetest.SQLite(t))
			code, _ := b.authorize(testGrant{client: "shop", challenge: testChallenge})
			first, _ := b.signIn("shop", testGrant{})
			change(b)
			wantRefused(t, b.redeemCode("shop", code, testVerifier), http.StatusBadRequest, codeInvalidGrant)
			wantRefused(t, b.refreshWith("shop", first.str("refresh_token")), http.StatusBadRequest, codeInvalidGrant)
		})
	}
}

func (b *machineBench) enforce() {
	b.write(func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.SetSurfaceEnforced(ctx, store.SetSurfaceEnforcedParams{Enforced: true, Now: b.clock(), ID: "store", Former: false})
		return err
	})
}

func TestRefresh(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newMachineBench(t, db)
		first, _ := b.signIn("shop", testGrant{nonce: "n", evidence: passwordAndEmail()})
		before := b.claims(first.str("id_token"), algES256)
		b.advance(5 * time.Minute)
		b.enforce() // the grant holds a second factor, so nothing stands against it
		second := b.refreshWith("shop", first.str("refresh_token"))
		if second.Code != http.StatusOK {
			t.Fatalf("refresh: %d %s", second.Code, second.Body)
		}
		after := b.claims(second.str("id_token"), algES256)
		for _, name := range []string{"iss", "sub", "aud", "azp", "auth_time", "acr", "amr", "sid", claimTwoFactor, "name", "email"} {
			if diff := cmp.Diff(before[name], after[name]); diff != "" {
				t.Errorf("%s changed: %s", name, diff)
			}
		}
		if _, ok := after["nonce"]; ok {
			t.Error("a refreshed ID token repeats the nonce")
		}
		if after["iat"] != float64(testStart.Add(5*time.Minute).Unix()) {
			t.Errorf("iat = %v", after["iat"])
		}
		if second.str("refresh_token") == first.str("refresh_token") || second.str("access_token") == first.str("access_token") {
			t.Error("tokens were not rotated")
		}
		if r := b.getUserinfo(second.str("access_token")); r.Code != http.StatusOK {
			t.Errorf("new access token: %d", r.Code)
		}
		third := b.refreshWith("shop", second.str("refresh_token"))
		if third.Code != http.StatusOK {
			t.Errorf("second refresh: %d %s", third.Code, third.Body)
		}
	})
}

func TestI22_ReplayKillsTheFamily(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newMachineBench(t, db)
		first, _ := b.signIn("shop", testGrant{})
		second := b.refreshWith("shop", first.str("refresh_token"))
		wantRefused(t, b.refreshWith("shop", first.str("refresh_token")), http.StatusBadRequest, codeInvalidGrant)
		wantRefused(t, b.refreshWith("shop", second.str("refresh_token")), http.StatusBadRequest, codeInvalidGrant)
		wantRefused(t, b.getUserinfo(second.str("access_token")), http.StatusUnauthorized, codeInvalidToken)
		wantRefused(t, b.refreshWith("shop", first.str("refresh_token")), http.StatusBadRequest, codeInvalidGrant)
		if n := b.auditCount("token.reuse"); n != 1 {
			t.Errorf("%d audit rows for the reuse, want 1", n)
		}
	})
}

func TestI22_OneWinnerAmongParallelRefreshes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newMachineBench(t, db)
		first, _ := b.signIn("app", testGrant{})
		replies := make([]reply, 50)
		var wg sync.WaitGroup
		for i := range replies {
			wg.Go(func() { replies[i] = b.refreshWith("app", first.str("refresh_token")) })
		}
		wg.Wait()
		won := 0
		for _, r := range replies {
			if r.Code == http.StatusOK {
				won++
				continue
			}
			wantRefused(t, r, http.StatusBadRequest, codeInvalidGrant)
		}
		if won != 1 {
			t.Fatalf("%d refreshes succeeded", won)
		}
	})
}

func TestI22_ForeignClientCannotUseOrKill(t *testing.T) {
	b := newMachineBench(t, storetest.SQLite(t))
	first, _ := b.signIn("shop", testGrant{})
	wantRefused(t, b.refreshWith("legacy", first.str("refresh_token")), http.StatusBadRequest, codeInvalidGrant)
	second := b.refreshWith("shop", first.str("refresh_token"))
	if second.Code != http.StatusOK {
		t.Fatalf("the owner's family died: %s", second.Body)
	}
	// Not even with a token that was used.
	wantRefused(t, b.refreshWith("legacy", first.str("refresh_token")), http.StatusBadRequest, codeInvalidGrant)
	if r := b.refreshWith("shop", second.str("refresh_token")); r.Code != http.StatusOK {
		t.Errorf("the owner's family died: %s", r.Body)
	}
}

func TestI22_RefreshLimits(t *testing.T) {
	t.Run("idle", func(t *testing.T) {
		b := newMachineBench(t, storetest.SQLite(t))
		first, _ := b.signIn("shop", testGrant{})
		b.advance(b.lifetimes.Refresh)
		wantRefused(t, b.refreshWith("shop", first.str("refresh_token")), http.StatusBadRequest, codeInvalidGrant)
	})
	t.Run("absolute", func(t *testing.T) {
		b := newMachineBench(t, storetest.SQLite(t))
		r, _ := b.signIn("shop", testGrant{})
		step := b.lifetimes.Refresh - time.Hour
		for range 2 {
			b.advance(step)
			if r = b.refreshWith("shop", r.str("refresh_token")); r.Code != http.StatusOK {
				t.Fatalf("refresh: %s", r.Body)
			}
		}
		b.advance(b.lifetimes.RefreshAbsolute - 2*step - time.Minute)
		if r = b.refreshWith("shop", r.str("refresh_token")); r.Code != http.StatusOK || r.json["expires_in"] != float64(60) {
			t.Fatalf("just before the limit: %s", r.Body)
		}
		b.advance(time.Minute)
		wantRefused(t, b.refreshWith("shop", r.str("refresh_token")), http.StatusBadRequest, codeInvalidGrant)
	})
	t.Run("session ended", func(t *testing.T) {
		b := newMachineBench(t, storetest.SQLite(t))
		first, id := b.signIn("shop", testGrant{})
		now := b.clock()
		b.write(func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.RevokeGrant(ctx, store.RevokeGrantParams{Now: &now, ID: id})
			return err
		})
		wantRefused(t, b.refreshWith("shop", first.str("refresh_token")), http.StatusBadRequest, codeInvalidGrant)
		wantRefused(t, b.getUserinfo(first.str("access_token")), http.StatusUnauthorized, codeInvalidToken)
	})
}

func TestRefreshNarrowsScope(t *testing.T) {
	b := newMachineBench(t, storetest.SQLite(t))
	first, _ := b.signIn("shop", testGrant{scope: "openid email offline_access"})
	wantRefused(t, b.refreshWith("shop", first.str("refresh_token"), "scope", "openid profile"), http.StatusBadRequest, codeInvalidScope)
	narrow := b.refreshWith("shop", first.str("refresh_token"), "scope", "openid")
	if narrow.Code != http.StatusOK || narrow.str("scope") != "openid" {
		t.Fatalf("a refused scope spent the token, or was ignored: %s", narrow.Body)
	}
	if r := b.getUserinfo(narrow.str("access_token")); r.str("email") != "" {
		t.Error("narrowed access token still reads the address")
	}
	if r := b.refreshWith("shop", narrow.str("refresh_token"), "scope", "offline_access"); r.str("id_token") != "" {
		t.Error("ID token without openid")
	} else if wide := b.refreshWith("shop", r.str("refresh_token")); wide.str("scope") != "openid email offline_access" {
		// RFC 6749 §6: narrowing holds for the access token, not for the refresh token.
		t.Errorf("scope after narrowing = %q", wide.str("scope"))
	}
}

func TestClientCredentials(t *testing.T) {
	b := newMachineBench(t, storetest.SQLite(t))
	form := url.Values{"grant_type": {"client_credentials"}}
	r := b.post(pathToken, "legacy", form)
	if r.Code != http.StatusOK || r.str("scope") != "stock.read" || r.str("id_token") != "" || r.str("refresh_token") != "" {
		t.Fatalf("%d %s", r.Code, r.Body)
	}
	wantRefused(t, b.getUserinfo(r.str("access_token")), http.StatusUnauthorized, codeInvalidToken)
	info := b.post(pathIntrospect, "legacy", url.Values{"token": {r.str("access_token")}})
	if info.json["active"] != true || info.str("sub") != "legacy" || info.str("acr") != "" {
		t.Errorf("introspection: %s", info.Body)
	}
	form.Set("scope", "openid")
	wantRefused(t, b.post(pathToken, "legacy", form), http.StatusBadRequest, codeInvalidScope)
	form.Del("scope")
	wantRefused(t, b.post(pathToken, "codeonly", form), http.StatusBadRequest, codeUnauthorizedClient)
	wantRefused(t, b.post(pathToken, "app", form), http.StatusBadRequest, codeUnauthorizedClient)
}

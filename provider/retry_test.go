package provider

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/futakagi/futakagi/client"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
)

const testRetry = 10 * time.Second

// live counts what is active of some answers.
func (b *machineBench) live(client string, replies ...reply) (access, refresh int) {
	b.t.Helper()
	for _, r := range replies {
		for _, name := range []string{"access_token", "refresh_token"} {
			if r.Code != http.StatusOK || b.post(pathIntrospect, client, map[string][]string{"token": {r.str(name)}}).json["active"] != true {
				continue
			}
			if name == "access_token" {
				access++
			} else {
				refresh++
			}
		}
	}
	return access, refresh
}

// I22: whoever lost the answer gets another, and however often that is asked for, and by whom at once, there is one pair of tokens.
func TestI22_RetriesLeaveOnePairOfTokens(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newMachineBench(t, db)
		b.lifetimes.RefreshRetry = testRetry
		first, _ := b.signIn("shop", testGrant{})
		replies := make([]reply, 64)
		var wg sync.WaitGroup
		for i := range replies {
			wg.Go(func() { replies[i] = b.refreshWith("shop", first.str("refresh_token")) })
		}
		wg.Wait()
		for _, r := range replies {
			if r.Code != http.StatusOK {
				t.Fatalf("a retry: %d %s", r.Code, r.Body)
			}
		}
		if access, refresh := b.live("shop", append(replies, first)...); access != 1 || refresh != 1 {
			t.Errorf("%d access tokens and %d refresh tokens are active", access, refresh)
		}
		if n := b.auditCount("token.reuse"); n != 0 {
			t.Errorf("%d reuses written down", n)
		}
		// The family goes on with the pair that is left, and a void one that turns up ends it.
		var last, void reply
		for _, r := range replies {
			if _, refresh := b.live("shop", r); refresh == 1 {
				last = r
			} else {
				void = r
			}
		}
		next := b.refreshWith("shop", last.str("refresh_token"))
		if next.Code != http.StatusOK {
			t.Fatalf("the pair that is left: %d %s", next.Code, next.Body)
		}
		wantRefused(t, b.refreshWith("shop", void.str("refresh_token")), http.StatusBadRequest, codeInvalidGrant)
		if access, refresh := b.live("shop", next); access != 0 || refresh != 0 {
			t.Error("tokens live on after a void refresh token was presented")
		}
		if n := b.auditCount("token.reuse"); n != 1 {
			t.Errorf("%d reuses written down", n)
		}
	})
}

// I22: a retry is one that comes soon, from the same client with the same key and for the same scope, while nothing of the first answer
// was used. Everything else is a replay, and kills the family.
func TestI22_WhatIsNoRetry(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newMachineBench(t, db)
		b.lifetimes.RefreshRetry = testRetry
		p := newProver(t)
		for name, c := range map[string]struct {
			client string
			do     func(used string, next reply) reply
			lives  bool // the family
		}{
			"too late": {"shop", func(used string, _ reply) reply {
				b.advance(testRetry)
				return b.refreshWith("shop", used)
			}, false},
			"after its successor was used": {"shop", func(used string, next reply) reply {
				if r := b.refreshWith("shop", next.str("refresh_token")); r.Code != http.StatusOK {
					t.Errorf("successor: %d %s", r.Code, r.Body)
				}
				return b.refreshWith("shop", used)
			}, false},
			"after the access token was revoked": {"shop", func(used string, next reply) reply {
				b.post(pathRevoke, "shop", map[string][]string{"token": {next.str("access_token")}})
				return b.refreshWith("shop", used)
			}, false},
			"for another scope":         {"shop", func(used string, _ reply) reply { return b.refreshWith("shop", used, "scope", "openid offline_access") }, false},
			"by another client":         {"shop", func(used string, _ reply) reply { return b.refreshWith("legacy", used) }, true},
			"with another key":          {"shop", func(used string, _ reply) reply { return b.prove(p, "shop", refreshForm(used), nil) }, false},
			"with another key (public)": {"app", func(used string, _ reply) reply { return b.prove(p, "app", refreshForm(used), nil) }, false},
			"for a client that demands more now": {"strict", func(used string, _ reply) reply {
				b.register("strict", algES256, client.Settings{MinACR: "urn:futakagi:acr:2fa"})
				return b.refreshWith("strict", used)
			}, false},
			"after the grant was revoked": {"shop", func(used string, next reply) reply {
				b.post(pathRevoke, "shop", map[string][]string{"token": {next.str("refresh_token")}})
				return b.refreshWith("shop", used)
			}, false},
		} {
			if c.client == "strict" {
				b.register("strict", algES256, client.Settings{})
			}
			first, _ := b.signIn(c.client, testGrant{})
			next := b.refreshWith(c.client, first.str("refresh_token"))
			if next.Code != http.StatusOK {
				t.Fatalf("%s: refresh: %d %s", name, next.Code, next.Body)
			}
			if got := c.do(first.str("refresh_token"), next); got.Code != http.StatusBadRequest || got.str("error") != codeInvalidGrant {
				t.Errorf("%s: %d %s", name, got.Code, got.Body)
			}
			if got := b.refreshWith(c.client, next.str("refresh_token")); (got.Code == http.StatusOK) != c.lives {
				t.Errorf("%s: the successor afterwards: %d %s", name, got.Code, got.Body)
			}
		}
	})
}

// A client of the FAPI profile keeps its refresh token; of the access tokens beside it the newest counts.
func TestI22_RefreshTokensOfFAPIStay(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newMachineBench(t, db)
		b.addSettings("fapi", client.Settings{})
		b.asFAPI("fapi")
		p := newProver(t)
		nonce := map[string]any{"nonce": b.nonces.now()}
		code, _ := b.authorize(testGrant{client: "fapi", challenge: testChallenge, scope: "openid offline_access"})
		first := b.prove(p, "fapi", codeForm(code, testVerifier), nonce)
		if first.Code != http.StatusOK {
			t.Fatalf("code: %d %s", first.Code, first.Body)
		}
		token := first.str("refresh_token")
		replies := make([]reply, 8)
		var wg sync.WaitGroup
		for i := range replies {
			wg.Go(func() { replies[i] = b.prove(p, "fapi", refreshForm(token), nonce) })
		}
		wg.Wait()
		for _, r := range replies {
			if r.Code != http.StatusOK || r.str("refresh_token") != token || r.str("token_type") != tokenTypeDPoP {
				t.Fatalf("refresh: %d %s", r.Code, r.Body)
			}
		}
		if access, _ := b.live("fapi", append(replies, first)...); access != 1 {
			t.Errorf("%d access tokens are active", access)
		}
		wantRefused(t, b.refreshWith("fapi", token), http.StatusBadRequest, codeInvalidProof)
		b.advance(b.lifetimes.RefreshAbsolute)
		wantRefused(t, b.prove(p, "fapi", refreshForm(token), map[string]any{"nonce": b.nonces.now()}), http.StatusBadRequest, codeInvalidGrant)
	})
}

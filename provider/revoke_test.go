package provider

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/store/storetest"
)

func TestRevocation(t *testing.T) {
	b := newMachineBench(t, storetest.SQLite(t))
	revoke := func(client, token string) {
		t.Helper()
		if r := b.post(pathRevoke, client, url.Values{"token": {token}, "token_type_hint": {"nonsense"}}); r.Code != http.StatusOK || r.Body.Len() != 0 {
			t.Errorf("revoke: %d %s", r.Code, r.Body)
		}
	}
	first, _ := b.signIn("shop", testGrant{})
	access, refresh := first.str("access_token"), first.str("refresh_token")

	revoke("shop", "unknown")
	revoke("legacy", access)
	revoke("legacy", refresh)
	if r := b.getUserinfo(access); r.Code != http.StatusOK {
		t.Fatalf("somebody else's request revoked the token: %s", r.Body)
	}
	revoke("shop", access)
	wantRefused(t, b.getUserinfo(access), http.StatusUnauthorized, codeInvalidToken)

	second := b.refreshWith("shop", refresh)
	if second.Code != http.StatusOK {
		t.Fatalf("revoking the access token ended the grant: %s", second.Body)
	}
	revoke("shop", second.str("refresh_token"))
	wantRefused(t, b.getUserinfo(second.str("access_token")), http.StatusUnauthorized, codeInvalidToken)
	wantRefused(t, b.refreshWith("shop", second.str("refresh_token")), http.StatusBadRequest, codeInvalidGrant)
	if n := b.auditCount("token.revoke"); n != 2 {
		t.Errorf("%d audit rows, want 2", n)
	}
	wantRefused(t, b.post(pathRevoke, "shop", nil), http.StatusBadRequest, codeInvalidRequest)
}

func TestIntrospection(t *testing.T) {
	b := newMachineBench(t, storetest.SQLite(t))
	first, _ := b.signIn("shop", testGrant{evidence: passwordAndEmail(), scope: "openid offline_access"})
	ask := func(client, token string) reply { return b.post(pathIntrospect, client, url.Values{"token": {token}}) }

	got := ask("shop", first.str("access_token"))
	sid := got.str("sid")
	want := map[string]any{
		"active": true, "scope": "openid offline_access", "client_id": "shop", "username": "Tanaka", "token_type": "Bearer",
		"exp": float64(testStart.Add(15 * time.Minute).Unix()), "iat": float64(testStart.Unix()), "sub": string(b.account),
		"aud": "shop", "iss": testIssuer, "sid": sid,
		"acr": "urn:futakagi:acr:2fa-email", "amr": []any{"pwd", "mca", "mfa"}, "auth_time": float64(testStart.Add(-time.Minute).Unix()),
		"urn:futakagi:2fa": map[string]any{"method": "email", "via": "code", "verified_at": float64(testStart.Add(-30 * time.Second).Unix())},
	}
	if diff := cmp.Diff(want, got.json); diff != "" || sid == "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if r := ask("shop", first.str("refresh_token")); r.json["active"] != true || r.str("token_type") != "" {
		t.Errorf("refresh token: %s", r.Body)
	}
	inactive := map[string]any{"active": false}
	for name, r := range map[string]reply{
		"foreign access":  ask("legacy", first.str("access_token")),
		"foreign refresh": ask("legacy", first.str("refresh_token")),
		"unknown":         ask("shop", "at_unknown"),
		"ID token":        ask("shop", first.str("id_token")),
		"truncated":       ask("shop", first.str("access_token")[:45]),
	} {
		if diff := cmp.Diff(inactive, r.json); diff != "" || r.Code != http.StatusOK {
			t.Errorf("%s: %d %s", name, r.Code, diff)
		}
	}
	wantRefused(t, ask("app", first.str("access_token")), http.StatusUnauthorized, codeInvalidClient)
	b.advance(15 * time.Minute)
	if diff := cmp.Diff(inactive, ask("shop", first.str("access_token")).json); diff != "" {
		t.Error("expired token:", diff)
	}
	b.refreshWith("shop", first.str("refresh_token"))
	if diff := cmp.Diff(inactive, ask("shop", first.str("refresh_token")).json); diff != "" {
		t.Error("used refresh token:", diff)
	}
}

package provider

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/store/storetest"
)

func TestUserinfo(t *testing.T) {
	b := newMachineBench(t, storetest.SQLite(t))
	first, _ := b.signIn("shop", testGrant{evidence: passwordAndEmail()})
	access := first.str("access_token")
	want := map[string]any{
		"sub": string(b.account), "name": "田中 一郎", "preferred_username": "Tanaka", "email": "tanaka@example.jp", "email_verified": false,
		"auth_time": float64(testStart.Add(-time.Minute).Unix()), "acr": "urn:futakagi:acr:2fa-email", "amr": []any{"pwd", "mca", "mfa"},
		"urn:futakagi:2fa": map[string]any{"method": "email", "via": "code", "verified_at": float64(testStart.Add(-30 * time.Second).Unix())},
	}
	post := httptest.NewRequest(http.MethodPost, pathUserinfo, strings.NewReader(url.Values{"access_token": {access}}.Encode()))
	post.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	empty := httptest.NewRequest(http.MethodPost, pathUserinfo, nil)
	empty.Header.Set("Authorization", "bearer "+access)
	for name, r := range map[string]reply{"GET": b.getUserinfo(access), "POST body": b.do(post), "POST header": b.do(empty)} {
		if diff := cmp.Diff(want, r.json); diff != "" || r.Code != http.StatusOK {
			t.Errorf("%s: %d (-want +got):\n%s", name, r.Code, diff)
		}
		if got := r.Header().Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: Cache-Control = %q", name, got)
		}
	}
	slim, _ := b.signIn("shop", testGrant{scope: "openid"})
	if r := b.getUserinfo(slim.str("access_token")); r.str("name") != "" || r.str("email") != "" || r.str("sub") == "" {
		t.Errorf("scope openid alone: %s", r.Body)
	}
}

func TestUserinfoRefusals(t *testing.T) {
	b := newMachineBench(t, storetest.SQLite(t))
	first, _ := b.signIn("shop", testGrant{})
	access := first.str("access_token")
	bare := b.do(httptest.NewRequest(http.MethodGet, pathUserinfo, nil))
	if bare.Code != http.StatusUnauthorized || bare.Header().Get("WWW-Authenticate") != `Bearer realm="futakagi"` || bare.Body.Len() != 0 {
		t.Errorf("without a token: %d %q %s", bare.Code, bare.Header().Get("WWW-Authenticate"), bare.Body)
	}
	both := httptest.NewRequest(http.MethodPost, pathUserinfo, strings.NewReader(url.Values{"access_token": {access}}.Encode()))
	both.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	both.Header.Set("Authorization", "Bearer "+access)
	wantRefused(t, b.do(both), http.StatusBadRequest, codeInvalidRequest)
	wantRefused(t, b.do(httptest.NewRequest(http.MethodGet, pathUserinfo+"?access_token="+access, nil)), http.StatusBadRequest, codeInvalidRequest)

	noOpenID := b.refreshWith("shop", first.str("refresh_token"), "scope", "offline_access")
	wantRefused(t, b.getUserinfo(noOpenID.str("access_token")), http.StatusForbidden, codeInsufficientScope)
	wantRefused(t, b.getUserinfo(access), http.StatusUnauthorized, codeInvalidToken) // rotated away

	second, _ := b.signIn("shop", testGrant{})
	b.advance(15 * time.Minute)
	wantRefused(t, b.getUserinfo(second.str("access_token")), http.StatusUnauthorized, codeInvalidToken)
}

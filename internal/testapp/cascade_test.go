package testapp_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/client"
	"github.com/futakagi/futakagi/demo"
	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

const (
	stockAPI      = "https://stock.example.jp/"
	ledgerAPI     = "https://ledger.example.jp/"
	tokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange"
)

// addAPIs registers an application per format of access tokens, "opaque" and "jwt", the API "gateway" that takes their tokens, and "ledger",
// which the gateway goes on to.
func addAPIs(t *testing.T, a *testapp.App) {
	t.Helper()
	put := func(id string, s client.Settings) {
		row, err := a.DB.Read().GetClient(t.Context(), "store")
		if err != nil {
			t.Fatal(err)
		}
		a.AddClient(t, id, store.InsertClientParams{
			SurfaceID: row.SurfaceID, AuthMethod: row.AuthMethod, SecretHash: row.SecretHash, RedirectURIs: row.RedirectURIs,
			PostLogoutRedirectURIs: row.PostLogoutRedirectURIs, IDTokenAlg: "ES256", RequirePkce: true, Now: a.Clock.Now(),
			GrantTypes: []byte(`["authorization_code","refresh_token","client_credentials","` + tokenExchange + `"]`),
			Scopes:     []byte(`["openid","profile","email","offline_access","stock:read"]`), Settings: s.Encode(),
		})
	}
	put("opaque", client.Settings{Resources: []string{stockAPI}})
	put("jwt", client.Settings{Resources: []string{stockAPI}, AccessTokenFormat: client.FormatJWT})
	put("gateway", client.Settings{ResourceServers: []string{stockAPI}, Resources: []string{ledgerAPI}, AccessTokenFormat: client.FormatJWT})
	put("ledger", client.Settings{ResourceServers: []string{ledgerAPI}})
	if err := a.Provider.ReloadClients(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// holding is what an application has of one sign-in, beside a token of its own and one that an API made of the access token.
type holding struct {
	a                *testapp.App
	rp, gateway      *testapp.RelyingParty
	code, access     string
	refresh, idToken string
	own, exchanged   string
}

func hold(t *testing.T, a *testapp.App, b *testapp.Browser, id, login string) *holding {
	t.Helper()
	h := &holding{a: a, rp: a.RelyingParty(t, id), gateway: a.RelyingParty(t, "gateway")}
	q := h.rp.Request("scope", "openid offline_access stock:read")
	q["resource"] = []string{stockAPI, a.URL}
	h.code = a.CodeOf(t, b, "/authorize?"+q.Encode(), login)
	got := h.rp.Redeem(h.code)
	h.access, h.refresh, h.idToken = got.Str("access_token"), got.Str("refresh_token"), got.Str("id_token")
	h.own = h.rp.Post("/token", url.Values{"grant_type": {"client_credentials"}}).Str("access_token")
	h.exchanged = h.exchange().Str("access_token")
	return h
}

func (h *holding) exchange() testapp.Reply {
	return h.gateway.Post("/token", url.Values{
		"grant_type": {tokenExchange}, "subject_token": {h.access}, "subject_token_type": {"urn:ietf:params:oauth:token-type:access_token"},
		"resource": {ledgerAPI},
	})
}

// lives asks everywhere what lives of it. Asking for a refresh spends the token, so it comes last.
func (h *holding) lives(t *testing.T) string {
	t.Helper()
	var alive []string
	if h.a.Userinfo(t, h.access).Status == http.StatusOK {
		alive = append(alive, "userinfo")
	}
	if h.rp.Active(h.access) {
		alive = append(alive, "client")
	}
	if h.gateway.Active(h.access) {
		alive = append(alive, "API")
	}
	if h.exchange().Status == http.StatusOK {
		alive = append(alive, "exchange")
	}
	if h.a.RelyingParty(t, "ledger").Active(h.exchanged) {
		alive = append(alive, "exchanged")
	}
	if h.rp.Active(h.own) {
		alive = append(alive, "own")
	}
	promised := h.rp.Active(h.refresh)
	if refreshed := h.rp.Refresh(h.refresh).Status == http.StatusOK; refreshed {
		alive = append(alive, "refresh")
	} else if promised {
		alive = append(alive, "a refresh that was promised and not given")
	}
	return strings.Join(alive, " ")
}

// What ends what: each way in which something of a sign-in ends, and what is left then of all that came from it, for access tokens of both
// formats, asked at every place that takes a token.
func TestI11_WhatEndsWhat(t *testing.T) {
	t.Parallel()
	const (
		everything = "userinfo client API exchange exchanged own refresh"
		ownOnly    = "own"
		next       = "a new pass phrase 2026"
	)
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		addAPIs(t, a)
		ctx := t.Context()
		type ending struct {
			name string
			end  func(p store.Account, here store.SessionID, h *holding) error
			left string
		}
		only := func(_ any, err error) error { return err }
		revoke := func(rp *testapp.RelyingParty, token string) error {
			rp.Post("/revoke", value("token", token))
			return nil
		}
		switchOff := func(id string) error {
			for _, off := range []bool{true, false} {
				if _, err := a.Admin.SetClientDisabled(ctx, admin.System(), id, off); err != nil {
					return err
				}
			}
			return a.Provider.ReloadClients(ctx)
		}
		// elsewhere is another session of the same person, from which this one is ended.
		elsewhere := func(p store.Account) store.SessionID {
			sid, _ := a.RelyingParty(t, "store").TokensOf(a.NewBrowser(t), p.LoginID).IDToken(t)["sid"].(string)
			return store.SessionID(sid)
		}
		for i, c := range []ending{
			{"nothing", func(store.Account, store.SessionID, *holding) error { return nil }, everything},
			{"revocation of the access token", func(_ store.Account, _ store.SessionID, h *holding) error {
				return revoke(h.rp, h.access)
			}, "own refresh"},
			{"revocation of the refresh token", func(_ store.Account, _ store.SessionID, h *holding) error {
				return revoke(h.rp, h.refresh)
			}, ownOnly},
			{"revocation of the exchanged token", func(_ store.Account, _ store.SessionID, h *holding) error {
				return revoke(h.gateway, h.exchanged)
			}, "userinfo client API exchange own refresh"},
			{"revocation of the client's own token", func(_ store.Account, _ store.SessionID, h *holding) error {
				return revoke(h.rp, h.own)
			}, "userinfo client API exchange exchanged refresh"},
			{"revocation by others", func(_ store.Account, _ store.SessionID, h *holding) error {
				for _, token := range []string{h.access, h.refresh, h.own, h.exchanged} {
					_ = revoke(a.RelyingParty(t, "ledger"), token)
				}
				return revoke(h.gateway, h.access)
			}, everything},
			{"refresh", func(_ store.Account, _ store.SessionID, h *holding) error {
				h.refresh = h.rp.Refresh(h.refresh).Str("refresh_token")
				return nil
			}, "own refresh"},
			{"reuse of the refresh token", func(_ store.Account, _ store.SessionID, h *holding) error {
				former := h.refresh
				h.refresh = h.rp.Refresh(former).Str("refresh_token")
				h.rp.Refresh(former)
				return nil
			}, ownOnly},
			{"reuse of the code", func(_ store.Account, _ store.SessionID, h *holding) error {
				h.rp.Redeem(h.code)
				return nil
			}, ownOnly},
			{"the session, by the person", func(p store.Account, here store.SessionID, _ *holding) error {
				return a.MFA.EndSession(ctx, elsewhere(p), here)
			}, ownOnly},
			{"all other sessions, by the person", func(p store.Account, _ store.SessionID, _ *holding) error {
				return a.MFA.EndOtherSessions(ctx, elsewhere(p))
			}, ownOnly},
			{"password change elsewhere", func(p store.Account, _ store.SessionID, _ *holding) error {
				return only(a.Passwords.Change(ctx, elsewhere(p), demo.Password, next, templates.Ja))
			}, ownOnly},
			{"password change here", func(_ store.Account, here store.SessionID, _ *holding) error {
				return only(a.Passwords.Change(ctx, here, demo.Password, next, templates.Ja))
			}, everything},
			{"password by staff", func(p store.Account, _ store.SessionID, _ *holding) error {
				return a.Admin.SetPassword(ctx, admin.System(), p.ID, next)
			}, ownOnly},
			{"reset by staff", func(p store.Account, _ store.SessionID, _ *holding) error {
				return only(a.Admin.ResetFactors(ctx, admin.System(), p.ID, admin.Reason{Text: "x", IdentityChecked: true}))
			}, ownOnly},
			{"account disabled", func(p store.Account, _ store.SessionID, _ *holding) error {
				return only(a.Admin.SetDisabled(ctx, admin.System(), p.ID, true))
			}, ownOnly},
			{"account disabled and enabled", func(p store.Account, _ store.SessionID, _ *holding) error {
				if _, err := a.Admin.SetDisabled(ctx, admin.System(), p.ID, true); err != nil {
					return err
				}
				return only(a.Admin.SetDisabled(ctx, admin.System(), p.ID, false))
			}, ownOnly},
			{"application disabled and enabled", func(_ store.Account, _ store.SessionID, h *holding) error { return switchOff(h.rp.ID) }, ""},
			{"API disabled and enabled", func(_ store.Account, _ store.SessionID, h *holding) error {
				return switchOff("gateway")
			}, "userinfo client API exchange own refresh"},
		} {
			for _, id := range []string{"opaque", "jwt"} {
				p := a.AddAccount(t, account.KindStore, id+"-"+string(rune('a'+i)), store.TwoFactorDontUse)
				h := hold(t, a, a.NewBrowser(t), id, p.LoginID)
				here, _ := testapp.Reply{JSON: map[string]any{"id_token": h.idToken}}.IDToken(t)["sid"].(string)
				if err := c.end(p, store.SessionID(here), h); err != nil {
					t.Fatalf("%s: %v", c.name, err)
				}
				if diff := cmp.Diff(c.left, h.lives(t)); diff != "" {
					t.Errorf("%s ends %s (-want +left):\n%s", c.name, id, diff)
				}
			}
		}
		// In a browser.
		for _, id := range []string{"opaque", "jwt"} {
			p := a.AddAccount(t, account.KindStore, id+"-logout", store.TwoFactorDontUse)
			b := a.NewBrowser(t)
			h := hold(t, a, b, id, p.LoginID)
			b.Open("/logout?" + url.Values{"id_token_hint": {h.idToken}}.Encode())
			if got := h.lives(t); got != ownOnly {
				t.Errorf("logout leaves %q of %s", got, id)
			}
		}
		// A secret that is replaced at once ends what was had by it alone.
		for _, c := range []struct{ replaced, left string }{
			{"gateway", "userinfo client API exchange own refresh"}, {"jwt", "userinfo client API exchange exchanged refresh"},
		} {
			p := a.AddAccount(t, account.KindStore, "secret-"+c.replaced, store.TwoFactorDontUse)
			h := hold(t, a, a.NewBrowser(t), "jwt", p.LoginID)
			row, err := a.DB.Read().GetClient(ctx, c.replaced)
			if err != nil {
				t.Fatal(err)
			}
			made, err := a.Admin.RotateSecret(ctx, admin.System(), c.replaced, row.UpdatedAt, "now")
			if err != nil {
				t.Fatal(err)
			}
			if err := a.Provider.ReloadClients(ctx); err != nil {
				t.Fatal(err)
			}
			for _, rp := range []*testapp.RelyingParty{h.rp, h.gateway} {
				if rp.ID == c.replaced {
					rp.Secret = made.Secret
				}
			}
			if diff := cmp.Diff(c.left, h.lives(t)); diff != "" {
				t.Errorf("secret of %s (-want +left):\n%s", c.replaced, diff)
			}
			inTx(t, a, func(tx *store.Tx) error { // as the other tests know it
				store, err := tx.GetClient(ctx, "store")
				if err != nil {
					return err
				}
				now, err := tx.GetClient(ctx, c.replaced)
				if err != nil {
					return err
				}
				_, err = tx.SetClientSecret(ctx, secretOf(c.replaced, store.SecretHash, now.UpdatedAt, a.Clock.Now()))
				return err
			})
			if err := a.Provider.ReloadClients(ctx); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func secretOf(id string, hash []byte, version, now time.Time) store.SetClientSecretParams {
	return store.SetClientSecretParams{ID: id, SecretHash: hash, Version: version, Now: &now}
}

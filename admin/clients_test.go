package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/client"
	"github.com/futakagi/futakagi/provider"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
	"github.com/futakagi/futakagi/web"
)

// shopClient registers the client of these tests.
func (w *world) shopClient(change ...func(*NewClient)) Client {
	w.t.Helper()
	in := NewClient{ID: "shop", Name: "ストア", RedirectURIs: []string{"https://shop.example.jp/cb"}}
	for _, f := range change {
		f(&in)
	}
	c, err := w.CreateClient(w.t.Context(), System(), in)
	must(w.t, err)
	return c
}

func (w *world) clientRow(id string) store.Client {
	w.t.Helper()
	c, err := w.db.Read().GetClient(w.t.Context(), id)
	must(w.t, err)
	return c
}

// update changes the client from where it is.
func (w *world) update(actor Actor, id string, change ClientChange) (string, bool, error) {
	w.t.Helper()
	return w.UpdateClient(w.t.Context(), actor, id, w.clientRow(id).UpdatedAt, change)
}

func (w *world) last(kind audit.Type) (store.AuditEvent, map[string]string) {
	w.t.Helper()
	rows := w.events(kind)
	if len(rows) == 0 {
		return store.AuditEvent{}, nil
	}
	var data map[string]string
	must(w.t, json.Unmarshal(rows[len(rows)-1].Data, &data))
	return rows[len(rows)-1], data
}

// spareClient is a client that nothing depends on.
func (c *console) spareClient() string {
	c.t.Helper()
	if _, err := c.db.Read().GetClient(c.t.Context(), "spare"); err != nil {
		c.shopClient(func(in *NewClient) { in.ID = "spare" })
	}
	return "spare"
}

func TestUpdateClientWritesFromWhatToWhat(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.shopClient()
		before := w.clientRow("shop")
		secret, changed, err := w.update(w.actor(w.root), "shop", ClientChange{
			Name: new(" 新しい  ストア "), RedirectURIs: []string{"https://shop.example.jp/cb2", "https://shop.example.jp/cb2"}, Scopes: []string{"openid"},
			RequirePKCE: new(false),
		})
		after := w.clientRow("shop")
		if err != nil || !changed || secret != "" || after.Name != "新しい ストア" || !slices.Equal(listOfJSON(after.Scopes), []string{"openid"}) ||
			after.RequirePkce || after.AuthMethod != before.AuthMethod || string(after.SecretHash) != string(before.SecretHash) || !after.UpdatedAt.After(before.UpdatedAt) {
			t.Errorf("%v %v %q\n%s", err, changed, secret, cmp.Diff(before, after))
		}
		event, data := w.last(audit.ClientUpdate)
		want := map[string]string{
			"name.from": "ストア", "name.to": "新しい ストア", "redirect_uris.from": "https://shop.example.jp/cb", "redirect_uris.to": "https://shop.example.jp/cb2",
			"scopes.from": "openid profile email offline_access", "scopes.to": "openid", "require_pkce.from": "true", "require_pkce.to": "false",
		}
		if diff := cmp.Diff(want, data); diff != "" || event.ClientID != "shop" {
			t.Errorf("audited as %+v:\n%s", event, diff)
		}
		if _, changed, err := w.update(w.actor(w.root), "shop", ClientChange{Scopes: []string{"openid"}}); changed || err != nil || len(w.events(audit.ClientUpdate)) != 1 {
			t.Errorf("nothing new: %v %v", changed, err)
		}
		if _, _, err := w.UpdateClient(t.Context(), w.actor(w.root), "shop", before.UpdatedAt, ClientChange{Name: new("x")}); !errors.Is(err, ErrConflict) {
			t.Errorf("from a version that is gone: %v", err)
		}
		if _, _, err := w.UpdateClient(t.Context(), w.actor(w.root), "nobody", before.UpdatedAt, ClientChange{}); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a missing client: %v", err)
		}
	})
}

// A registration is checked as a whole, whatever of it is changed.
func TestUpdateClientRefusesWhatDoesNotFit(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	w.shopClient()
	many := make([]string, maxURIs+1)
	for i := range many {
		many[i] = "https://shop.example.jp/" + strings.Repeat("x", i+1)
	}
	for _, c := range []struct {
		field, says string
		change      ClientChange
	}{
		{"name", "1 to", ClientChange{Name: new(" \t")}},
		{"name", "1 to", ClientChange{Name: new(strings.Repeat("あ", account.MaxName+1))}},
		{"surface", "does not exist", ClientChange{Surface: new("nowhere")}},
		{"auth_method", "must be", ClientChange{AuthMethod: new("tls")}},
		{"id_token_alg", "must be", ClientChange{IDTokenAlg: new("none")}},
		{"redirect_uris", "at least one", ClientChange{RedirectURIs: []string{}}},
		{"redirect_uris", "http://", ClientChange{RedirectURIs: []string{"https://shop.example.jp/cb", "http://shop.example.jp/cb"}}},
		{"redirect_uris", "bytes", ClientChange{RedirectURIs: []string{"https://shop.example.jp/" + strings.Repeat("x", maxURI)}}},
		{"redirect_uris", "50 at most", ClientChange{RedirectURIs: many}},
		{"post_logout_redirect_uris", "which must", ClientChange{PostLogoutRedirectURIs: []string{"x"}}},
		{"backchannel_logout_uri", "which must", ClientChange{BackchannelLogoutURI: new("ftp://shop.example.jp/")}},
		{"grant_types", "at least one", ClientChange{GrantTypes: []string{}}},
		{"grant_types", "must be", ClientChange{GrantTypes: []string{"password"}}},
		{"grant_types", "without", ClientChange{GrantTypes: []string{grantRefresh}}},
		{"grant_types", "public", ClientChange{AuthMethod: new(authNone), GrantTypes: []string{grantCode, grantCredentials}}},
		{"scopes", "no scope", ClientChange{Scopes: []string{"a b"}}},
		{"scopes", "no scope", ClientChange{Scopes: []string{"api:everything"}}},
	} {
		_, _, err := w.update(System(), "shop", c.change)
		e, ok := errors.AsType[*ClientError](err)
		if !ok || len(e.Fields) != 1 || !strings.Contains(e.Fields[c.field], c.says) {
			t.Errorf("%s, %s: %v", c.field, c.says, err)
			continue
		}
		say := func(key string, args ...any) string { return w.set.T("ja", key, args...) }
		if text := e.texts(say)[c.field]; text == "" || strings.Contains(text, "error.") || strings.Contains(text, "{") {
			t.Errorf("%s, %s: the console says %q", c.field, c.says, text)
		}
	}
	if n := len(w.events(audit.ClientUpdate)); n != 0 {
		t.Errorf("%d audit rows", n)
	}
}

// RFC 8252: private-use schemes belong to native applications, which keep no secret; a page in a browser has none.
func TestOnlyNativeApplicationsHaveSchemes(t *testing.T) {
	in := func(auth string, browser bool) NewClient {
		return NewClient{Name: "x", AuthMethod: auth, Browser: browser, RedirectURIs: []string{"https://a.example/cb", "jp.example.app:/cb"}}.orDefaults()
	}
	fine := func(string) string { return "" }
	for name, c := range map[string]struct {
		in NewClient
		ok bool
	}{"native": {in(authNone, false), true}, "browser": {in(authNone, true), false}, "web": {in(authBasic, false), false}} {
		_, err := c.in.check(fine)
		e, _ := errors.AsType[*ClientError](err)
		if c.ok != (err == nil) || !c.ok && e.sentences["redirect_uris"][0].args[1] != 2 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A client that needs a secret for the first time is given one, one that needs none loses what it had, and PKCE comes with that.
func TestClientGetsAndLosesItsSecret(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	w.shopClient(func(in *NewClient) { in.NoPKCE = true })
	_, err := w.RotateSecret(t.Context(), System(), "shop", w.clientRow("shop").UpdatedAt, "7d")
	must(t, err)
	secret, _, err := w.update(System(), "shop", ClientChange{AuthMethod: new(authNone)})
	if c := w.clientRow("shop"); err != nil || secret != "" || c.SecretHash != nil || c.FormerSecretHash != nil || c.FormerSecretUntil != nil || !c.RequirePkce {
		t.Errorf("without: %+v %v", c, err)
	}
	if _, err := w.RotateSecret(t.Context(), System(), "shop", w.clientRow("shop").UpdatedAt, "1h"); !strings.Contains(err.Error(), "no secret") {
		t.Errorf("a secret for a public client: %v", err)
	}
	secret, _, err = w.update(System(), "shop", ClientChange{AuthMethod: new(authPost)})
	if c := w.clientRow("shop"); err != nil || string(c.SecretHash) != string(web.HashToken(secret)) || !c.RequirePkce || c.SecretMadeAt == nil {
		t.Errorf("with: %q %+v %v", secret, c, err)
	}
	if again, _, err := w.update(System(), "shop", ClientChange{AuthMethod: new(authBasic)}); err != nil || again != "" {
		t.Errorf("one that has a secret: %q %v", again, err)
	}
}

// I15: a new secret is in nothing that is kept or read, and the former one works for as long as was chosen.
func TestRotateSecret(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, root := t.Context(), w.actor(w.root)
		made := w.shopClient()
		first := w.clientRow("shop")
		got, err := w.RotateSecret(ctx, root, "shop", first.UpdatedAt, "24h")
		now := w.clientRow("shop")
		if err != nil || string(now.SecretHash) != string(web.HashToken(got.Secret)) || string(now.FormerSecretHash) != string(web.HashToken(made.Secret)) ||
			now.FormerSecretUntil.Sub(now.UpdatedAt) != 24*time.Hour || !got.FormerUntil.Equal(*now.FormerSecretUntil) || !got.Version.Equal(now.UpdatedAt) {
			t.Errorf("%+v %v %+v", got, err, now)
		}
		if _, err := w.RotateSecret(ctx, root, "shop", first.UpdatedAt, "24h"); !errors.Is(err, ErrConflict) {
			t.Errorf("pressed twice: %v", err)
		}
		for _, word := range []string{"", "never", "24H", "8d"} {
			e, ok := errors.AsType[*ClientError](errorOf(w.RotateSecret(ctx, root, "shop", now.UpdatedAt, word)))
			if !ok || e.Fields["overlap"] == "" {
				t.Errorf("%q is an overlap", word)
			}
		}
		c, err := w.GetClient(ctx, root, "shop")
		if err != nil || c.SecretHash != nil || c.FormerSecretHash != nil {
			t.Errorf("a hash is shown: %+v %v", c, err)
		}
		rows, _, err := w.ClientsAfter(ctx, root, Span{Limit: 9}, ClientsQuery{State: "rotating"})
		if err != nil || len(rows) != 1 || rows[0].SecretHash != nil || rows[0].FormerSecretHash != nil {
			t.Errorf("%+v %v", rows, err)
		}
		if ended, err := w.EndFormerSecret(ctx, root, "shop"); !ended || err != nil || w.clientRow("shop").FormerSecretHash != nil {
			t.Errorf("end: %v %v", ended, err)
		}
		if ended, err := w.EndFormerSecret(ctx, root, "shop"); ended || err != nil {
			t.Errorf("end again: %v %v", ended, err)
		}
		w.tx(func(tx *store.Tx) error {
			return tx.InsertClientTokenSet(ctx, store.InsertClientTokenSetParams{
				ID: store.NewID[store.TokenSetID](), ClientID: "shop", Scope: "x", AccessHash: web.HashToken("stolen"), AccessExpiresAt: w.clock.now().Add(time.Hour), Now: w.clock.now(),
			})
		})
		held := func() error {
			return errorOf(w.db.Read().GetClientAccessToken(ctx, store.GetClientAccessTokenParams{AccessHash: web.HashToken("stolen"), Now: w.clock.now()}))
		}
		must(t, held())
		last, err := w.RotateSecret(ctx, root, "shop", w.clientRow("shop").UpdatedAt, "now")
		if !errors.Is(held(), store.ErrNotFound) {
			t.Error("what the former secret got works on")
		}
		if c := w.clientRow("shop"); err != nil || last.FormerUntil != nil || c.FormerSecretHash != nil || c.FormerSecretUntil != nil {
			t.Errorf("at once: %+v %v", c, err)
		}
		if n := len(w.events(audit.ClientSecret)) + len(w.events(audit.ClientSecretEnd)); n != 3 {
			t.Errorf("%d audit rows", n)
		}
		for _, e := range w.events("%") {
			for _, secret := range []string{made.Secret, got.Secret, last.Secret} {
				if strings.Contains(string(e.Data)+e.Target+e.Reason, secret) {
					t.Error("a secret is in the audit log")
				}
			}
		}
	})
}

func errorOf[T any](_ T, err error) error { return err }

// What a client holds is void when it is disabled, when it is enabled again, when it moves to another surface, when
// it knows people by other names and when it is deleted.
func TestClientLifeVoidsWhatItHolds(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, root := t.Context(), w.actor(w.root)
		live := func() int64 {
			t.Helper()
			h, err := w.ClientHolds(ctx, root, "shop")
			must(t, err)
			return h.Grants
		}
		for _, step := range []struct {
			name string
			kind audit.Type
			do   func() error
		}{
			{"disable", audit.ClientDisable, func() error { return errorOf(w.SetClientDisabled(ctx, root, "shop", true)) }},
			{"enable", audit.ClientEnable, func() error { return errorOf(w.SetClientDisabled(ctx, root, "shop", false)) }},
			{"other subjects", audit.ClientUpdate, func() error {
				_, _, err := w.update(root, "shop", ClientChange{SettingsChange: SettingsChange{SubjectType: new(client.SubjectPairwise)}})
				return err
			}},
			{"other sector", audit.ClientUpdate, func() error {
				_, _, err := w.update(root, "shop", ClientChange{RedirectURIs: []string{"https://b.example.jp/cb"}})
				return err
			}},
			{"sector by name", audit.ClientUpdate, func() error {
				_, _, err := w.update(root, "shop", ClientChange{SettingsChange: SettingsChange{SectorIdentifierURI: new("https://c.example.jp/s")}})
				return err
			}},
			{"move", audit.ClientUpdate, func() error {
				_, _, err := w.update(root, "shop", ClientChange{Surface: new(SurfaceAdmin)})
				return err
			}},
			{"delete", audit.ClientDelete, func() error { return w.DeleteClient(ctx, root, "shop", w.clientRow("shop").UpdatedAt, "shop") }},
		} {
			w.liveGrant()
			if live() != 1 {
				t.Fatalf("%s: %d live grants before", step.name, live())
			}
			must(t, step.do())
			_, data := w.last(step.kind)
			if live() != 0 || data["grants"] != "1" {
				t.Errorf("%s: %d live grants, audited as %v", step.name, live(), data)
			}
		}
		if _, err := w.GetClient(ctx, root, "shop"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("deleted: %v", err)
		}
		w.shopClient(func(in *NewClient) { in.SubjectType = client.SubjectPairwise })
		w.liveGrant()
		_, _, err := w.update(root, "shop", ClientChange{RedirectURIs: []string{"https://shop.example.jp/b"}, SettingsChange: SettingsChange{SectorIdentifierURI: new("https://SHOP.example.jp/s")}})
		if live() != 1 || err != nil {
			t.Errorf("another document of the same sector: %d live grants, %v", live(), err)
		}
		must(t, w.DeleteClient(ctx, root, "shop", w.clientRow("shop").UpdatedAt, "shop"))
		w.shopClient()
		if changed, err := w.SetClientDisabled(ctx, root, "shop", false); changed || err != nil {
			t.Errorf("enabled already: %v %v", changed, err)
		}
		for _, typed := range []string{"", "Shop", "shop2"} {
			if e, ok := errors.AsType[*account.ValidationError](w.DeleteClient(ctx, root, "shop", w.clientRow("shop").UpdatedAt, typed)); !ok || e.Fields[FieldTyped] == "" {
				t.Errorf("%q deletes it", typed)
			}
		}
	})
}

// liveGrant gives the client of these tests a grant of tanaka's, and is no other change of it.
func (w *world) liveGrant() {
	w.t.Helper()
	ctx, now := w.t.Context(), w.clock.now()
	if _, err := w.db.Read().GetClient(ctx, "shop"); err != nil {
		w.shopClient()
	}
	w.tx(func(tx *store.Tx) error {
		return tx.InsertGrant(ctx, store.InsertGrantParams{
			ID: store.NewID[store.GrantID](), ClientID: "shop", AccountID: w.tanaka, SessionID: store.NewID[store.SessionID](), SurfaceID: SurfaceStore,
			Evidence: []byte(`[]`), CodeHash: []byte(store.NewID[string]()), CodeExpiresAt: now.Add(time.Minute), Now: now, ExpiresAt: now.Add(time.Hour),
		})
	})
}

// Z-2: whoever may manage clients and little else can turn no client, and none they register, into one that may do more than they: not
// by its scopes, not with a secret of theirs for a mightier one, and not by taking such a one away.
func TestZ2_NobodyChangesAMightierClient(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	ctx := t.Context()
	must(t, w.grant(account.RoleSupport, "view", "manage_clients"))
	desk := w.actor(w.desk)
	w.shopClient()
	mighty := w.shopClient(func(in *NewClient) {
		in.ID, in.GrantTypes, in.RedirectURIs, in.Scopes = "mighty", []string{grantCredentials}, nil, []string{scopeOperators, scopePasswords}
	})
	at := w.clientRow(mighty.ID).UpdatedAt
	for name, try := range map[string]func() error{
		"register": func() error {
			return errorOf(w.CreateClient(ctx, desk, NewClient{Name: "x", GrantTypes: []string{grantCredentials}, Scopes: []string{scopePasswords}}))
		},
		"widen": func() error {
			_, _, err := w.update(desk, "shop", ClientChange{GrantTypes: []string{grantCredentials}, Scopes: []string{scopeReset}})
			return err
		},
		"rename": func() error { _, _, err := w.update(desk, "mighty", ClientChange{Name: new("x")}); return err },
		"narrow": func() error { _, _, err := w.update(desk, "mighty", ClientChange{Scopes: []string{"x"}}); return err },
		"rotate": func() error { return errorOf(w.RotateSecret(ctx, desk, "mighty", at, "7d")) },
		"end":    func() error { return errorOf(w.EndFormerSecret(ctx, desk, "mighty")) },
		"turn":   func() error { return errorOf(w.SetClientDisabled(ctx, desk, "mighty", true)) },
		"delete": func() error { return w.DeleteClient(ctx, desk, "mighty", at, "mighty") },
	} {
		refused := len(w.events("client.%"))
		if err := try(); !errors.Is(err, ErrForbidden) {
			t.Errorf("%s: %v", name, err)
		}
		rows := w.events("client.%")
		if len(rows) != refused+1 || rows[len(rows)-1].Result != "refused" || rows[len(rows)-1].ActorName != "desk" {
			t.Errorf("%s: the refusal was not written down: %+v", name, rows)
		}
	}
	if c := w.clientRow("mighty"); !c.UpdatedAt.Equal(at) {
		t.Errorf("changed: %+v", c)
	}
	states, _, err := w.ClientStates(ctx, desk, Span{Limit: 9}, ClientsQuery{})
	if err != nil || len(states) != 2 || states[0].ID != "mighty" || states[0].Changeable || !states[1].Changeable {
		t.Errorf("%+v %v", states, err)
	}
	// What they may, and all of it: a client with the rights they hold.
	if _, err := w.CreateClient(ctx, desk, NewClient{Name: "x", GrantTypes: []string{grantCredentials}, Scopes: []string{scopeClients, scopeAccountsRead}}); err != nil {
		t.Error(err)
	}
	// A token with part of its client's scopes changes that client as little.
	p := ready(t)
	p.client("program", scopeClients, scopeReset)
	p.client("part", scopeClients)
	p.send(http.MethodDelete, "/clients/program", "", headerMatch, etag(p.clientRow("program").UpdatedAt, nil)).is(t, "a mightier client", codeForbidden)
	p.send(http.MethodPut, "/clients/program/disabled", "").is(t, "a mightier client", codeForbidden)
}

func TestClientStatesPageAndFind(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, id := range []string{"a1", "B2", "b3", "c4"} {
			w.shopClient(func(in *NewClient) { in.ID, in.Name = id, "店 "+id })
		}
		w.liveGrant()
		must(t, errorOf(w.SetClientDisabled(t.Context(), System(), "c4", true)))
		for _, c := range []struct {
			in   ClientsQuery
			want string
		}{
			{ClientsQuery{}, "B2 a1 b3 c4 shop"},
			{ClientsQuery{Who: "B"}, "B2 b3"},
			{ClientsQuery{Who: "店"}, "B2 a1 b3 c4"},
			{ClientsQuery{Who: "%"}, ""},
			{ClientsQuery{State: "active"}, "B2 a1 b3 shop"},
			{ClientsQuery{State: "disabled"}, "c4"},
			{ClientsQuery{State: "rotating"}, ""},
		} {
			var ids []string
			span := Span{Limit: 2}
			for pages := 0; ; pages++ {
				rows, more, err := w.ClientStates(t.Context(), w.actor(w.root), span, c.in)
				must(t, err)
				for _, row := range rows {
					ids = append(ids, row.ID)
					if (row.LastSignIn != nil) != (row.ID == "shop") {
						t.Errorf("%s: last sign-in %v", row.ID, row.LastSignIn)
					}
				}
				if !more || pages > 5 {
					break
				}
				span.After = rows[len(rows)-1].ID
			}
			if got := strings.Join(ids, " "); got != c.want {
				t.Errorf("%+v: %s", c.in, got)
			}
		}
	})
}

// The whole life of an application in the console: each secret is shown once, and nowhere else.
func TestConsoleClientLife(t *testing.T) {
	c := newConsole(t, root)
	c.wants(c.get("/admin/clients"), "連携アプリケーションは登録されていません。")
	c.wants(c.get("/admin/register-client"), "Webアプリケーション", "ネイティブアプリケーション", "サービス")
	c.wants(c.get("/admin/register-client/web"), "リダイレクトURI", "offline_access")
	at, _ := c.post("/admin/register-client/web", "id", "shop", "name", "ストア", "surface", "store", "redirect_uris", "https://shop.example.jp/cb\r\n\r\nhttps://shop.example.jp/cb2\r\n", "scope-profile", "yes")
	if at != "/admin/clients/shop/secret/issued" {
		t.Fatalf("leads to %s", at)
	}
	page := c.get(at)
	secret := between(page, `id="secret" translate="no">`, "<")
	if string(web.HashToken(secret)) != string(c.clientRow("shop").SecretHash) {
		t.Fatalf("%q is not the secret", secret)
	}
	c.wants(page, "今だけ表示されます", "issuer=<wbr>https://id.example.jp", "client_id=<wbr>shop", "authorization_endpoint=<wbr>https://id.example.jp/authorize", "docs/guides/README.md")
	if again := c.get(at); strings.Contains(again, secret) || !strings.Contains(again, "もう表示できません") {
		t.Error("the secret is shown twice")
	}
	row := c.clientRow("shop")
	if !slices.Equal(listOfJSON(row.Scopes), []string{"openid", "profile"}) || !row.RequirePkce || row.IDTokenAlg != "ES256" || len(listOfJSON(row.RedirectURIs)) != 2 {
		t.Errorf("%+v", row)
	}

	page = c.get("/admin/clients/shop")
	_, page = c.post("/admin/clients/shop", "version", c.version(page), "name", "ストア2", "surface", "store", "auth_method", authBasic, "id_token_alg", "ES256", "pkce", "yes",
		"grant-authorization_code", "yes", "scope-profile", "yes", "redirect_uris", "https://shop.example.jp/cb\nhttp://shop.example.jp/cb")
	c.wants(page, "2行目の「http://shop.example.jp/cb」は登録できません", "ストア2")
	at, _ = c.post("/admin/clients/shop", "version", c.version(page), "name", "ストア2", "surface", "store", "auth_method", authBasic, "id_token_alg", "RS256", "pkce", "yes",
		"grant-authorization_code", "yes", "scope-profile", "yes", "redirect_uris", "https://shop.example.jp/cb", "other_scopes", "stock.read")
	c.wants(c.get(at), "ストア2", "更新しました。")
	if row := c.clientRow("shop"); row.IDTokenAlg != "RS256" || !slices.Equal(listOfJSON(row.Scopes), []string{"openid", "profile", "stock.read"}) {
		t.Errorf("%+v", row)
	}

	page = c.get("/admin/clients/shop/secret")
	_, refused := c.post("/admin/clients/shop/secret", "version", c.version(page), "overlap", "never")
	c.wants(refused, "現在のシークレットを無効にする時期を選択してください。")
	at, _ = c.post("/admin/clients/shop/secret", "version", c.version(page), "overlap", "7d")
	if next := between(c.get(at), `id="secret" translate="no">`, "<"); string(web.HashToken(next)) != string(c.clientRow("shop").SecretHash) || next == secret {
		t.Errorf("%q is not the new secret", next)
	}
	_, refused = c.post("/admin/clients/shop/secret", "version", c.version(page), "overlap", "7d")
	c.wants(refused, "ほかの担当者が更新しました", "以前のシークレットが 2026-11-29")
	c.wants(c.get("/admin/clients?state=rotating"), "ストア2", "切り替え後は使われていません")
	c.wants(c.get("/admin"), "シークレット切り替え中 1件")
	at, _ = c.post("/admin/clients/shop/former-secret")
	c.wants(c.get(at), "以前のシークレットを無効にしました。")

	_, _, err := c.update(System(), "shop", ClientChange{Scopes: []string{"openid", scopeSCIM}})
	must(t, err)
	stream := string(c.stream("shop"))
	c.wants(c.get("/admin/clients/shop"), "セキュリティイベントの配信", "アプリケーションが取得", "配信中", "待機中 0件")
	at, _ = c.post("/admin/clients/shop/streams/"+stream, "do", "pause")
	c.wants(c.get(at), "更新しました。", "一時停止中", "担当者が設定", "待機中 1件") // its receiver is told
	at, _ = c.post("/admin/clients/shop/streams/"+stream, "do", "resume")
	c.wants(c.get(at), "配信中", "待機中 2件")
	ends := "/admin/clients/shop/streams/" + stream + "/delete"
	c.wants(c.get("/admin/clients/shop"), `href="`+ends+`"`)
	c.wants(c.get(ends), "「ストア2」への配信を削除しますか？", "アプリケーションが取得", "まだ届いていないイベント2件も削除されます。")
	if w := c.do(http.MethodPost, "/admin/clients/shop/streams/"+stream, url.Values{"do": {"delete"}}); w.Code != http.StatusBadRequest {
		t.Errorf("deleted without being asked: %d", w.Code)
	}
	at, _ = c.post(ends)
	if w := c.do(http.MethodGet, ends, nil); w.Code != http.StatusNotFound {
		t.Errorf("asked about a stream that is gone: %d", w.Code)
	}
	if body := c.get(at); strings.Contains(body, "セキュリティイベントの配信") {
		t.Error("the stream that was deleted is shown")
	}

	must(t, c.SetProvisioning(t.Context(), System(), "shop", c.group))
	c.wants(c.get("/admin/clients/shop"), "SCIM プロビジョニング", `href="/admin/customers/`+string(c.customer)+`"`, "標準のユーザーグループ")

	c.wants(c.get("/admin/clients/shop/state"), "「ストア2」の利用を停止しますか？")
	at, _ = c.post("/admin/clients/shop/state", "do", "disable")
	c.wants(c.get(at), "利用を停止しました。", "停止中")
	at, _ = c.post("/admin/clients/shop/state", "do", "enable")
	c.wants(c.get(at), "利用を再開しました。")
	page = c.get("/admin/clients/shop/delete")
	_, refused = c.post("/admin/clients/shop/delete", "version", c.version(page), "typed", "Shop")
	c.wants(refused, "クライアントIDが一致しません。")
	at, _ = c.post("/admin/clients/shop/delete", "version", c.version(page), "typed", "shop")
	c.wants(c.get(at), "連携アプリケーションは登録されていません。")
}

// An operator without the right finds no page of it, and one who may not change a mightier client finds no button for it.
func TestConsoleShowsClientsToWhomeverMayManageThem(t *testing.T) {
	c := newConsole(t, desk)
	c.shopClient(func(in *NewClient) {
		in.ID, in.GrantTypes, in.Scopes = "mighty", []string{grantCredentials}, []string{scopePasswords}
	})
	paths := []string{"/admin/clients", "/admin/clients/mighty", "/admin/register-client", "/admin/register-client/service", "/admin/clients/mighty/secret", "/admin/clients/mighty/state", "/admin/clients/mighty/delete", "/admin/clients/mighty/secret/issued"}
	for _, path := range paths {
		if w := c.do(http.MethodGet, path, nil); w.Code != http.StatusForbidden {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	if strings.Contains(c.get("/admin"), "/admin/clients") {
		t.Error("the menu or the dashboard leads there")
	}
	must(t, c.grant(account.RoleSupport, "view", "manage_clients"))
	page := c.get("/admin/clients/mighty")
	c.wants(page, "この連携アプリケーションは変更できません。")
	for _, word := range []string{"/mighty/secret", "/mighty/state", "/mighty/delete", ">更新<"} {
		if strings.Contains(page, word) {
			t.Errorf("the page has %s", word)
		}
	}
	for _, path := range paths[4:7] {
		if w := c.do(http.MethodGet, path, nil); w.Code != http.StatusForbidden {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

// between is what stands between two texts of a page.
func between(page, before, after string) string {
	_, rest, _ := strings.Cut(page, before)
	text, _, _ := strings.Cut(rest, after)
	return text
}

// The log names clients and accounts alike by their ids: no client takes one that could be an account's.
func TestNoClientIsCalledLikeAnAccount(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	for _, id := range []string{string(w.root), store.NewID[string]()} {
		_, err := w.CreateClient(t.Context(), System(), NewClient{ID: id, Name: "x", RedirectURIs: []string{"https://rp.example.jp/cb"}})
		if e, ok := errors.AsType[*ClientError](err); !ok || e.Fields["id"] == "" {
			t.Errorf("%s: %v", id, err)
		}
	}
}

// stored puts what no rule of today lets through over the row of a client.
func (w *world) stored(id string, change func(p *store.UpdateClientParams)) {
	w.t.Helper()
	row := w.clientRow(id)
	p := store.UpdateClientParams{
		ID: id, Version: row.UpdatedAt, Now: row.UpdatedAt.Add(time.Second), Name: row.Name, SurfaceID: row.SurfaceID, AuthMethod: row.AuthMethod,
		SecretHash: row.SecretHash, RedirectURIs: row.RedirectURIs, PostLogoutRedirectURIs: row.PostLogoutRedirectURIs, GrantTypes: row.GrantTypes,
		Scopes: row.Scopes, IDTokenAlg: row.IDTokenAlg, RequirePkce: row.RequirePkce, Settings: row.Settings,
	}
	change(&p)
	w.tx(func(tx *store.Tx) error { return errorOf(tx.UpdateClient(w.t.Context(), p)) })
}

// A client that breaks rules which came after it is mended step by step: what was wrong before and is left as it was stands in no change's
// way, and nothing that is wrong is added.
func TestClientsOfFormerRulesCanBeChanged(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.shopClient()
		w.stored("shop", func(p *store.UpdateClientParams) {
			p.RedirectURIs = jsonList([]string{"http://a.example.jp/cb", "http://b.example.jp/cb", "http://127.0.0.1/cb"})
			p.IDTokenAlg = "HS256"
			p.Settings = client.Settings{ClientURI: "http://shop.example.jp/", AccessLifetime: 5, Resources: []string{"/a", "/b"}}.Encode()
		})
		uris := func(u ...string) ClientChange { return ClientChange{RedirectURIs: u} }
		set := func(c SettingsChange) ClientChange { return ClientChange{SettingsChange: c} }
		for _, c := range []struct {
			name   string
			change ClientChange
			wrong  string // the fields that are refused
		}{
			{"nothing to do with it", ClientChange{Name: new("新しいストア")}, ""},
			{"another bad one", uris("http://a.example.jp/cb", "http://c.example.jp/cb"), "redirect_uris"},
			{"one more", uris("http://a.example.jp/cb", "http://b.example.jp/cb", "http://127.0.0.1/cb", "http://c.example.jp/cb"), "redirect_uris"},
			{"one mended", uris("http://a.example.jp/cb", "https://b.example.jp/cb", "http://127.0.0.1/cb"), ""},
			{"one taken away", uris("http://a.example.jp/cb", "http://127.0.0.1/cb"), ""},
			{"another algorithm of none", ClientChange{IDTokenAlg: new("none")}, "id_token_alg"},
			{"a good algorithm", ClientChange{IDTokenAlg: new("ES256")}, ""},
			{"not back to the bad one", ClientChange{IDTokenAlg: new("HS256")}, "id_token_alg"},
			{"as bad a lifetime", set(SettingsChange{AccessLifetime: new(int64(6))}), "access_token_lifetime"},
			{"a good one", set(SettingsChange{AccessLifetime: new(int64(600))}), ""},
			{"one resource less", set(SettingsChange{Resources: []string{"/b"}}), ""},
			{"another resource", set(SettingsChange{Resources: []string{"/c"}}), "resources"},
			{"two at once", set(SettingsChange{ClientURI: new("ftp://a/"), Resources: []string{"/c"}}), "client_uri, resources"},
			{"all that is left", ClientChange{
				RedirectURIs:   []string{"https://shop.example.jp/cb"},
				SettingsChange: SettingsChange{ClientURI: new("https://shop.example.jp/"), Resources: []string{}},
			}, ""},
		} {
			_, changed, err := w.update(System(), "shop", c.change)
			e, _ := errors.AsType[*ClientError](err)
			var got []string
			if e != nil {
				got = slices.Sorted(maps.Keys(e.Fields))
			}
			if strings.Join(got, ", ") != c.wrong || changed != (c.wrong == "") || e == nil && err != nil || err != nil && !strings.HasPrefix(err.Error(), "change client: ") {
				t.Errorf("%s: %v %v", c.name, changed, err)
			}
		}
		if in, err := registrationOf(w.clientRow("shop")); err != nil || errorOf(in.check(w.validRedirect)) != nil {
			t.Errorf("%+v %v", in, err)
		}
	})
}

// What was wrong before hides nothing that a change makes worse: not by another rule that is broken beside it, by a value that only begins
// like the former one, or by what the rule looks at beside the field it names.
func TestFormerFaultsHideNoFurtherOnes(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	long := "http://a.example.jp/" + strings.Repeat("a", 80)
	for i, tt := range []struct {
		name   string
		stored func(p *store.UpdateClientParams)
		change ClientChange
		wrong  string
	}{
		{"a grant beside another", func(p *store.UpdateClientParams) {
			p.GrantTypes, p.RedirectURIs = jsonList([]string{grantRefresh, grantCredentials}), jsonList(nil)
		}, ClientChange{AuthMethod: new(authNone)}, clientFieldGrants},
		{"a long address", func(p *store.UpdateClientParams) {
			p.RedirectURIs = jsonList([]string{long + "/1"})
		}, ClientChange{RedirectURIs: []string{long + "/2"}}, clientFieldRedirects},
		{"another loopback address", func(p *store.UpdateClientParams) {
			p.RedirectURIs, p.Settings = jsonList([]string{"http://127.0.0.1/cb"}), client.Settings{SubjectType: client.SubjectPairwise}.Encode()
		}, ClientChange{RedirectURIs: []string{"http://[::1]/cb"}}, "sector_identifier_uri"},
		{"no secret at all", func(p *store.UpdateClientParams) {
			p.Settings = client.Settings{Profile: client.ProfileFAPI2, DPoP: true, RequirePAR: true}.Encode()
		}, ClientChange{AuthMethod: new(authNone)}, "profile"},
		{"one more scope of the API", func(p *store.UpdateClientParams) {
			p.Scopes, p.Settings = jsonList([]string{"openid", scopeAccountsRead}), client.Settings{ThirdParty: true}.Encode()
		}, ClientChange{Scopes: []string{"openid", scopeAccountsRead, scopePasswords}}, "third_party"},
	} {
		id := fmt.Sprintf("shop%d", i)
		w.shopClient(func(in *NewClient) { in.ID = id })
		w.stored(id, tt.stored)
		if _, _, err := w.update(System(), id, ClientChange{Name: new("新しいストア")}); err != nil {
			t.Errorf("%s, left as it was: %v", tt.name, err)
		}
		_, changed, err := w.update(System(), id, tt.change)
		if e, ok := errors.AsType[*ClientError](err); !ok || changed || e.Fields[tt.wrong] == "" {
			t.Errorf("%s: %v %v", tt.name, changed, err)
		}
	}
}

// Too many addresses hide no scheme that a client with a secret must not have.
func TestTooManyAddressesHideNoScheme(t *testing.T) {
	former := NewClient{ID: "shop", Name: "ストア", AuthMethod: authNone, GrantTypes: []string{grantCode}, IDTokenAlg: "ES256"}
	for i := range maxURIs + 1 {
		former.RedirectURIs = append(former.RedirectURIs, fmt.Sprintf("jp.example.app:/%d", i))
	}
	next := former
	next.Name = "新しいストア"
	if _, err := next.checkChange(former, provider.ValidRedirectURI); err != nil {
		t.Errorf("left as it was: %v", err)
	}
	next.AuthMethod = "client_secret_basic"
	if _, err := next.checkChange(former, provider.ValidRedirectURI); err == nil || !strings.Contains(err.Error(), "must use https") {
		t.Errorf("with a secret: %v", err)
	}
}

// Pairwise subjects of a host that is nobody's stay what they are until somebody gives the client a sector: nothing else asks for that.
func TestLoopbackIsNoSectorForNewClients(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	native := NewClient{ID: "native", Name: "x", AuthMethod: authNone, RedirectURIs: []string{"http://127.0.0.1/cb"}}
	native.SubjectType = client.SubjectPairwise
	if e, ok := errors.AsType[*ClientError](errorOf(w.CreateClient(t.Context(), System(), native))); !ok || !strings.Contains(e.Fields["sector_identifier_uri"], "loopback") {
		t.Errorf("registered with nobody's sector: %v", e)
	}
	w.shopClient()
	w.stored("shop", func(p *store.UpdateClientParams) {
		p.RedirectURIs, p.Settings = jsonList(native.RedirectURIs), client.Settings{SubjectType: client.SubjectPairwise}.Encode()
	})
	sector := func() string { return value(registrationOf(w.clientRow("shop"))).sector() }
	if _, changed, err := w.update(System(), "shop", ClientChange{Name: new("y")}); err != nil || !changed || sector() != "127.0.0.1" {
		t.Errorf("another name: %v %v, sector %q", changed, err, sector())
	}
	mend := ClientChange{SettingsChange: SettingsChange{SectorIdentifierURI: new("https://shop.example.jp/sector")}}
	if _, changed, err := w.update(System(), "shop", mend); err != nil || !changed || sector() != "shop.example.jp" {
		t.Errorf("a sector: %v %v, sector %q", changed, err, sector())
	}
	if _, _, err := w.update(System(), "shop", ClientChange{SettingsChange: SettingsChange{SectorIdentifierURI: new("")}}); err == nil || sector() != "shop.example.jp" {
		t.Errorf("back to nobody's: %v, sector %q", err, sector())
	}
}

func value[T any](v T, _ error) T { return v }

// Whatever is stored of a client, it can be taken out of use.
func TestEveryClientCanBeDisabled(t *testing.T) {
	c := newConsole(t, root)
	c.shopClient()
	c.stored("shop", func(p *store.UpdateClientParams) {
		p.AuthMethod, p.IDTokenAlg, p.Settings = "tls", "none", json.RawMessage(`{"of_a_later_version":true}`)
	})
	page := c.get("/admin/clients/shop")
	c.wants(page, "この連携アプリケーションは変更できません。", "設定をこのバージョンでは読み取れない", `href="/admin/clients/shop/state"`, `href="/admin/clients/shop/delete"`)
	c.lacks(page, ">更新<")
	at, _ := c.post("/admin/clients/shop/state", "do", "disable")
	c.wants(c.get(at), "利用を停止しました。", "停止中")
	if _, _, err := c.update(System(), "shop", ClientChange{Name: new("x")}); err == nil {
		t.Error("what cannot be read was changed")
	}
	page = c.get("/admin/clients/shop/delete")
	at, _ = c.post("/admin/clients/shop/delete", "version", c.version(page), "typed", "shop")
	c.wants(c.get(at), "連携アプリケーションは登録されていません。")
}

// Every kind of application is told a document that there is.
func TestWhatAnApplicationIsToldNamesItsDocument(t *testing.T) {
	named := map[string]string{}
	for _, k := range clientKinds() {
		in := NewClient{GrantTypes: k.grants, AuthMethod: k.auth}
		if k.native {
			in.ApplicationType = client.TypeNative
		}
		named[k.name] = in.guide()
		if _, err := os.Stat(filepath.Join("..", in.guide())); err != nil {
			t.Errorf("%s: %v", k.name, err)
		}
	}
	if named["browser"] == named["web"] || named["service"] == named["web"] || named["device"] == named["web"] {
		t.Errorf("%v", named)
	}
}

package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/demo"
	"github.com/futakagi/futakagi/store"
)

// tell posts to the provider as a program does, and reads the answer.
func (v *viewer) tell(address, kind, body string) map[string]any {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	r.Header.Set("Content-Type", kind)
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer reply.Body.Close()
	var out map[string]any
	if err := json.NewDecoder(reply.Body).Decode(&out); err != nil || reply.StatusCode/100 != 2 {
		v.t.Fatalf("%s: %d %v %v", address, reply.StatusCode, out, err)
	}
	return out
}

// appliance looks at how a device without a keyboard is let in.
func (v *viewer) appliance(w *world) {
	const id = "e2e-till"
	ctx, base := v.t.Context(), w.Addresses.Provider
	_, err := w.Server.Admin.CreateClient(ctx, admin.System(), admin.NewClient{
		ID: id, Name: "Minato Till", AuthMethod: "none", GrantTypes: []string{"urn:ietf:params:oauth:grant-type:device_code", "refresh_token"},
		Scopes: []string{"openid", "profile", "email", "offline_access", "stock:read"},
	})
	if err != nil {
		v.t.Fatal(err)
	}
	w.draw(v.t, id)
	if err := w.Server.Provider.ReloadClients(ctx); err != nil {
		v.t.Fatal(err)
	}
	code := func() string {
		v.t.Helper()
		asked := url.Values{"client_id": {id}, "scope": {"openid profile email offline_access stock:read"}}
		user, _ := v.tell(base+"/device_authorization", "application/x-www-form-urlencoded", asked.Encode())["user_code"].(string)
		return user
	}
	b := v.browser(w)
	b.open(base + "/device")
	v.look(b, "device")
	b.hit(submit)
	v.look(b, "device-error")
	b.fill("user_code", code())
	b.hit(submit)
	v.look(b, "device-login")
	v.password(b, w.person(v.t, withoutTwoFactor))
	v.look(b, "device-confirm")
	b.hit("button[value=allow]")
	v.look(b, "device-done")
	b.open(base + "/device?user_code=" + code())
	b.hit(submit)
	b.hit("button[value=deny]")
	v.look(b, "device-denied")
}

// program registers an application that works by itself: it keeps accounts, and has events sent and fetches them.
func (w *world) program(t *testing.T, id, name string) {
	t.Helper()
	ctx := t.Context()
	_, err := w.Server.Admin.CreateClient(ctx, admin.System(), admin.NewClient{
		ID: id, Name: name, GrantTypes: []string{"client_credentials"}, Scopes: []string{"api:scim"},
	})
	if err != nil {
		t.Fatal(err)
	}
	err = w.Server.DB.InTx(ctx, func(tx *store.Tx) error {
		for method, endpoint := range map[string]string{store.StreamPush: "https://directory.minato.example/events", store.StreamPoll: ""} {
			err := tx.InsertStream(ctx, store.InsertStreamParams{
				ID: store.NewID[store.StreamID](), ClientID: id, Method: method, Endpoint: endpoint, Events: store.SignalSessionRevoked,
				Description: "Minato " + method, Now: w.clock.now(),
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// programs looks at the pages of what applications do by themselves: registering, keeping accounts, hearing of events.
func (v *viewer) programs(w *world) {
	const id = "e2e-program"
	base := w.Addresses.Provider + "/admin"
	w.program(v.t, id, "Minato Directory")
	b := v.browser(w)
	b.open(base + "/clients/" + id)
	v.password(b, w.person(v.t, isOperator))
	v.look(b, "admin-client-streams")
	b.hit("form[action*='/streams/'] button[value=pause]")
	v.look(b, "admin-client-stream-paused")
	b.hit("a[href*='/streams/'][href$='/delete']")
	v.look(b, "admin-client-stream-delete")
	b.open(base + "/clients/" + id + "/provisioning")
	v.look(b, "admin-client-scim")
	b.fill("code", demo.CustomerCode)
	b.hit("main form[method=get] button")
	v.look(b, "admin-client-scim-groups")
	b.hit("main form[method=post] button:not(.btn--danger-outline)")
	v.look(b, "admin-client-scim-error")
	js[int](b, `document.querySelector("input[name=group]").click(), 1`)
	b.hit("main form[method=post] button:not(.btn--danger-outline)")
	v.look(b, "admin-client-scim-set")
	b.open(base + "/clients/" + id + "/provisioning")
	v.look(b, "admin-client-scim-change")

	v.tell(w.Addresses.Provider+"/register", "application/json", `{"client_name":"Minato Market","redirect_uris":["https://market.minato.example/cb"]}`)
	b.open(base + "/clients?state=registered")
	v.look(b, "admin-clients-dynamic")
	b.hit("table a")
	v.look(b, "admin-client-dynamic")
	b.open(base + "/registration-tokens")
	v.look(b, "admin-registration-tokens-none")
	b.hit("main form[method=post] button")
	v.look(b, "admin-registration-tokens-error")
	b.fill("label", "Minato Market")
	b.hit("main form[method=post] button:not(.btn--danger-outline)")
	v.look(b, "admin-registration-token-issued")
	b.reload()
	v.look(b, "admin-registration-token-gone")
	b.open(base + "/registration-tokens")
	v.look(b, "admin-registration-tokens")
	b.hit("a[href$='/revoke']")
	v.look(b, "admin-registration-token-revoke")
	b.hit(submit)
	v.look(b, "admin-registration-token-revoked")
}

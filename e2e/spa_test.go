package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/futakagi/futakagi/store"
)

// spaPage is a page without a server behind it: everything happens in the browser.
const spaPage = `<!doctype html><html lang="en"><meta charset="utf-8"><title>SPA</title><link rel="icon" href="data:,">
<script type="importmap">{"imports":{"oidc-client-ts":"/oidc-client-ts.js","jwt-decode":"/jwt-decode.js"}}</script>
<h1>SPA</h1><button id="in">Sign in</button> <button id="up">Step up</button> <button id="out">Sign out</button>
<p id="sub"></p><p id="acr"></p><p id="amr"></p><p id="token"></p><p id="renewals">0</p>
<script type="module" src="/app.js"></script></html>`

const spaApp = `import { newManager, finish, signIn, signOut } from '/spa.js';
const settings = { ...%s, renew: location.search.includes('renew'), renewAhead: location.search.includes('renew') ? 899 : 60 };
const manager = newManager(settings);
const put = (id, text) => { document.getElementById(id).textContent = text; };
const show = (user) => {
  put('sub', user?.profile.sub ?? 'nobody');
  put('acr', user?.profile.acr ?? '');
  put('amr', (user?.profile.amr ?? []).join(' '));
  put('token', user?.access_token ?? '');
};
manager.events.addUserLoaded((user) => {
  show(user);
  put('renewals', Number(document.getElementById('renewals').textContent) + 1);
});
document.getElementById('in').onclick = () => signIn(manager);
document.getElementById('up').onclick = () => signIn(manager, 'urn:futakagi:acr:2fa');
document.getElementById('out').onclick = () => signOut(manager);
show(location.pathname === '/callback' ? await finish(manager) : await manager.getUser());
`

// newSPA serves the page and registers it: an application in the browser has no secret, and PKCE in its place.
func newSPA(t *testing.T, w *world, id string) string {
	t.Helper()
	node := "node/node_modules/"
	files := map[string]string{
		"/oidc-client-ts.js": node + "oidc-client-ts/dist/esm/oidc-client-ts.js", "/jwt-decode.js": node + "jwt-decode/build/esm/index.js",
		"/spa.js": "../docs/guides/spa.js",
	}
	if _, err := os.Stat(files["/oidc-client-ts.js"]); err != nil {
		const missing = "the libraries are not installed: run npm ci --prefix e2e/node"
		if os.Getenv("FUTAKAGI_TEST_NODE") == "1" {
			t.Fatal(missing)
		}
		t.Skip("NOT TESTED WITH oidc-client-ts: " + missing)
	}
	settings, err := json.Marshal(map[string]string{"issuer": w.Addresses.Provider, "clientID": id})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		switch file, ok := files[r.URL.Path]; {
		case ok:
			http.ServeFile(rw, r, filepath.FromSlash(file))
		case r.URL.Path == "/app.js":
			fmt.Fprintf(rw, spaApp, settings)
		default:
			rw.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(rw, spaPage)
		}
	}))
	t.Cleanup(s.Close)
	list := func(values ...string) json.RawMessage {
		raw, err := json.Marshal(values)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	if err := w.Server.DB.InTx(t.Context(), func(tx *store.Tx) error {
		return tx.InsertClient(t.Context(), store.InsertClientParams{
			ID: id, Name: "SPA", SurfaceID: "store", AuthMethod: "none", IDTokenAlg: "ES256", RequirePkce: true,
			RedirectURIs: list(s.URL + "/callback"), PostLogoutRedirectURIs: list(s.URL + "/"),
			GrantTypes: list("authorization_code", "refresh_token"), Scopes: list("openid", "profile", "offline_access"), Now: w.clock.now(),
		})
	}); err != nil {
		t.Fatal(err)
	}
	if err := w.Server.Provider.ReloadClients(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s.URL
}

// An application that is all script signs somebody in through oidc-client-ts, has a second factor proved by a step-up, renews its tokens
// only when told to, and signs out.
func TestSPA(t *testing.T) {
	one(t, func(t *testing.T, w *world) {
		spa := newSPA(t, w, "e2e-spa")
		p := w.person(t, withoutTwoFactor)
		b := w.browser(t)
		b.open(spa)
		b.press("Sign in")
		b.password(p)
		b.origin(spa)
		b.until("signed in", func() bool { return b.text("#acr") == "urn:futakagi:acr:1fa" })
		if b.text("#amr") != "pwd" {
			t.Fatalf("signed in by %q", b.text("#amr"))
		}
		b.press("Step up")
		b.setUpApp()
		b.origin(spa)
		b.until("stepped up", func() bool { return b.text("#acr") == "urn:futakagi:acr:2fa" })
		if b.text("#amr") != "pwd otp mfa" {
			t.Fatalf("stepped up by %q", b.text("#amr"))
		}

		// Nothing is renewed where that is off; a second later each time where it is on.
		token, renewals := b.text("#token"), b.text("#renewals")
		b.open(spa + "/?renew")
		b.until("renewed", func() bool { return b.text("#renewals") != "0" })
		if renewals != "1" || b.text("#token") == token || b.text("#acr") != "urn:futakagi:acr:2fa" {
			t.Errorf("loaded %s times without renewal; afterwards acr %q", renewals, b.text("#acr"))
		}
		b.open(spa)
		b.until("loaded", func() bool { return b.text("#token") != "" })

		// Who has proved enough comes back at once, without a page of the provider.
		b.press("Step up")
		b.until("back", func() bool { return b.text("#acr") == "urn:futakagi:acr:2fa" })
		b.press("Sign out")
		b.until("signed out", func() bool { return b.text("#sub") == "nobody" })
		b.press("Sign in")
		b.on("/signin")
	})
}

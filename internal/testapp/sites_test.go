package testapp_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"html"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/internal/rpcheck"
	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/store"
)

// The tests here let applications sign people in that others wrote: each goes through a sign-in with a second factor, a refresh, a
// step-up and a logout with the browser of one person.

// guest is a person with an authenticator app and codes by mail, in a browser of their own.
type guest struct {
	*testapp.App
	t *testing.T
	b *testapp.Browser
}

const guestLogin = "tanaka"

func newGuest(t *testing.T) *guest {
	t.Helper()
	a := testapp.New(t)
	a.Equip(t, guestLogin, testapp.ByEmail, testapp.ByApp)
	return &guest{App: a, t: t, b: a.NewBrowser(t)}
}

// register makes a confidential client of a site.
func (v *guest) register(id, callback, loggedOut string, changes ...func(*store.InsertClientParams)) {
	v.t.Helper()
	list := func(value string) json.RawMessage {
		raw, err := json.Marshal([]string{value})
		if err != nil {
			v.t.Fatal(err)
		}
		return raw
	}
	secret := sha256.Sum256([]byte(testapp.ClientSecret))
	c := store.InsertClientParams{
		SurfaceID: "store", AuthMethod: "client_secret_basic", SecretHash: secret[:], IDTokenAlg: "ES256", RequirePkce: true,
		RedirectURIs: list(callback), PostLogoutRedirectURIs: list(loggedOut), GrantTypes: json.RawMessage(`["authorization_code","refresh_token"]`),
		Scopes: json.RawMessage(`["openid","profile","email","offline_access"]`), Now: v.Clock.Now(),
	}
	for _, change := range changes {
		change(&c)
	}
	v.AddClient(v.t, id, c)
	if err := v.Provider.ReloadClients(v.t.Context()); err != nil {
		v.t.Fatal(err)
	}
}

// roam follows redirects to any host of this machine.
func (v *guest) roam(p testapp.Page) testapp.Page {
	v.t.Helper()
	for range 20 {
		to := p.Location()
		if p.Status < 300 || p.Status > 399 || to.Hostname() != "127.0.0.1" && to.Hostname() != "localhost" {
			return p
		}
		p = v.b.Get(to.String())
	}
	v.t.Fatalf("redirects go in circles, last at %s", p.URL)
	return p
}

// signIn goes from a page that leads to the provider through the sign-in by one way, and back to the site.
func (v *guest) signIn(p testapp.Page, way testapp.Way) testapp.Page {
	v.t.Helper()
	p = v.roam(p)
	if !strings.HasPrefix(p.URL.String(), v.URL+"/signin") {
		v.t.Fatalf("the provider does not ask for a sign-in: %d %s\n%s", p.Status, p.URL, p.Body)
	}
	return v.roam(v.Walk(v.t, v.b, guestLogin, way).From(p))
}

// signedOut wants the provider's session to be over.
func (v *guest) signedOut() {
	v.t.Helper()
	rp := v.RelyingParty(v.t, "store")
	if p := v.b.Open(rp.AuthorizeURL()); p.URL.Path != "/signin" {
		v.t.Errorf("after logout: %d %s", p.Status, p.URL)
	}
}

// sub is the person's subject.
func (v *guest) sub() string { return string(accountOf(v.t, v.App, guestLogin).ID) }

// wantLevel compares what a site knows of how the person signed in.
func wantLevel(t *testing.T, what string, acr any, amr any, wantACR string, wantAMR ...string) {
	t.Helper()
	var got []string
	switch list := amr.(type) {
	case []any:
		for _, v := range list {
			got = append(got, asText(v))
		}
	case []string:
		got = list
	case string:
		got = strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
	}
	if acr != wantACR || !slices.Equal(got, wantAMR) {
		t.Errorf("%s: acr %v, amr %v, want %s %v", what, acr, amr, wantACR, wantAMR)
	}
}

// freePort is a port of loopback that nobody listens at.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// needed skips a test aloud for want of a tool, or fails where the tools must be there.
func needed(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("FUTAKAGI_TEST_NODE") == "1" {
		t.Fatal(what)
	}
	t.Skip("NOT TESTED: " + what)
}

// runSite starts a site's program and waits until it answers. It ends with the test.
func runSite(t *testing.T, cmd *exec.Cmd, address string) {
	t.Helper()
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = t.Output(), t.Output(), time.Second
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	// A group of its own: what it starts ends with it.
	cmd.SysProcAttr.Setpgid = true
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case err := <-ended:
			t.Logf("%s ended: %v", cmd.Path, err)
		case <-time.After(5 * time.Second):
		}
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	})
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("%s ended: %v", cmd.Path, err)
		default:
		}
		c, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
		if err == nil {
			c.Close()
			return
		}
	}
	t.Fatalf("%s does not listen at %s", cmd.Path, address)
}

func TestInteropOAuth4WebAPI(t *testing.T) {
	t.Parallel()
	program := talkTo(t, "oauth4webapi.mjs")
	v := newGuest(t)
	leaveToPassword(t, v.App, guestLogin)
	program.write(map[string]string{
		"issuer": v.URL, "id": "store", "secret": testapp.ClientSecret, "redirect_uri": testapp.StoreCallback,
		"post_logout_redirect_uri": testapp.StoreLoggedOut,
	})
	for _, c := range []struct {
		ask    map[string]string
		begins string
		way    testapp.Way
		acr    string
		amr    []string
	}{
		{map[string]string{}, "/signin", testapp.ByPassword, acrPassword, []string{"pwd"}},
		// On the session that there is, the second factor alone is asked for.
		{map[string]string{"acr_values": acrFull, "max_age": "300"}, "/signin/challenge", testapp.ByApp, acrFull, []string{"pwd", "otp", "mfa"}},
	} {
		program.write(c.ask)
		var to struct{ URL string }
		program.read(&to)
		p := v.b.Open(to.URL)
		if p.URL.Path != c.begins {
			t.Fatalf("asked for %d %s, want %s", p.Status, p.URL, c.begins)
		}
		back := v.signIn(p, c.way)
		program.write(map[string]string{"callback": back.Location().String()})
		var got struct {
			Claims, Userinfo, Refreshed map[string]any
			Rotated                     bool
		}
		program.read(&got)
		for what, claims := range map[string]map[string]any{"ID token": got.Claims, "userinfo": got.Userinfo, "refreshed": got.Refreshed} {
			wantLevel(t, what, claims["acr"], claims["amr"], c.acr, c.amr...)
			if claims["sub"] != v.sub() {
				t.Errorf("%s is about %v", what, claims["sub"])
			}
		}
		if !got.Rotated {
			t.Error("the refresh token is the same")
		}
	}
	program.write(map[string]bool{"logout": true})
	var end struct{ URL string }
	program.read(&end)
	program.end()
	if p := v.b.Follow(v.b.Get(end.URL)); p.Header.Get("Location") != testapp.StoreLoggedOut+"?state=bye" {
		t.Errorf("logout: %d to %q", p.Status, p.Header.Get("Location"))
	}
	v.signedOut()
}

func TestInteropAuthJS(t *testing.T) {
	t.Parallel()
	program := talkTo(t, "authjs.mjs")
	v := newGuest(t)
	const ahead = 10_000 // seconds: longer than a token lives, so that each look at the session refreshes
	program.write(map[string]any{
		"issuer": v.URL, "id": "authjs", "secret": testapp.ClientSecret, "cookie_secret": strings.Repeat("cookie-secret-", 4), "refresh_ahead": ahead,
	})
	var site struct{ URL string }
	program.read(&site)
	v.register("authjs", site.URL+"/auth/callback/futakagi", site.URL+"/bye")

	begin := func(query string) testapp.Page {
		var csrf struct{ CSRFToken string }
		decode(t, v.b.Get(site.URL+"/auth/csrf"), &csrf)
		return v.b.PostWith(site.URL+"/auth/signin/futakagi"+query, url.Values{"csrfToken": {csrf.CSRFToken}, "callbackUrl": {site.URL + "/home"}}, nil)
	}
	var held struct{ AccessToken, RefreshToken, IDToken string }
	for _, c := range []struct {
		query string
		way   testapp.Way
		acr   string
		amr   []string
	}{
		{"", testapp.ByEmail, acrEmail, []string{"pwd", "mca", "mfa"}},
		{"?" + url.Values{"acr_values": {acrFull}}.Encode(), testapp.ByApp, acrFull, []string{"pwd", "otp", "mfa"}},
	} {
		if p := v.signIn(begin(c.query), c.way); p.URL.String() != site.URL+"/home" {
			t.Fatalf("sign-in ends at %d %s\n%s", p.Status, p.URL, p.Body)
		}
		former := held
		decode(t, v.b.Get(site.URL+"/token"), &held)
		if held.AccessToken == former.AccessToken {
			t.Error("no new tokens")
		}
		former = held
		var session struct {
			User struct {
				ID, ACR string
				AMR     []string
			}
		}
		decode(t, v.b.Get(site.URL+"/auth/session"), &session)
		wantLevel(t, "session", session.User.ACR, session.User.AMR, c.acr, c.amr...)
		if session.User.ID != v.sub() {
			t.Errorf("session of %q", session.User.ID)
		}
		decode(t, v.b.Get(site.URL+"/token"), &held)
		if held.RefreshToken == former.RefreshToken || held.AccessToken == former.AccessToken || held.IDToken == former.IDToken {
			t.Error("the session was not refreshed")
		}
	}
	if p := v.roam(v.b.Get(site.URL + "/logout")); p.URL.String() != site.URL+"/bye" {
		t.Errorf("logout ends at %d %s", p.Status, p.URL)
	}
	v.signedOut()
	var session any
	if decode(t, v.b.Get(site.URL+"/auth/session"), &session); session != nil {
		t.Errorf("the site's session is %v", session)
	}
	program.end()
}

func decode(t *testing.T, p testapp.Page, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(p.Body), into); err != nil {
		t.Fatalf("%s: %d %v\n%s", p.URL, p.Status, err, p.Body)
	}
}

// tool finds a program that .ci/needs put into .tools, or one of the system.
func tool(names ...string) string {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			if absolute, err := filepath.Abs(path); err == nil {
				return absolute
			}
		}
	}
	return ""
}

// startProxy runs oauth2-proxy with the guide's files, and returns its address.
func startProxy(t *testing.T, issuer, clientID, upstream string) string {
	t.Helper()
	path := tool("../../.tools/oauth2-proxy-v7.15.3", "oauth2-proxy")
	if path == "" {
		needed(t, "no oauth2-proxy found: .ci/needs builds it")
	}
	address := freePort(t)
	dir := t.TempDir()
	here := strings.NewReplacer(
		"https://auth.example.jp", issuer, "auth.example.jp", strings.TrimPrefix(issuer, "http://"), "https://app.example.jp", "http://"+address,
		"127.0.0.1:4180", address, "http://127.0.0.1:3000", upstream, "CLIENT-SECRET", testapp.ClientSecret,
		"clientID: oauth2-proxy", "clientID: "+clientID,
		"/etc/oauth2-proxy/cookie-secret", filepath.Join(dir, "cookie-secret"),
		"cookie_secure = true", "cookie_secure = false", // no TLS on loopback
		`cookie_refresh = "10m"`, `cookie_refresh = "1s"`,
	)
	put(t, filepath.Join(dir, "proxy.yaml"), here.Replace(guide(t, "oauth2-proxy.yaml")))
	put(t, filepath.Join(dir, "proxy.cfg"), here.Replace(guide(t, "oauth2-proxy.cfg")))
	put(t, filepath.Join(dir, "cookie-secret"), strings.Repeat("k", 32))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, path, "--config", filepath.Join(dir, "proxy.cfg"), "--alpha-config", filepath.Join(dir, "proxy.yaml"))
	runSite(t, cmd, address)
	return "http://" + address
}

func TestInteropOAuth2Proxy(t *testing.T) {
	t.Parallel()
	v := newGuest(t)
	site := startProxy(t, v.URL, "oauth2-proxy", echo(t))
	v.register("oauth2-proxy", site+"/oauth2/callback", site+"/bye")

	var got struct {
		Header http.Header
	}
	p := v.signIn(v.b.Get(site+"/private"), testapp.ByEmail)
	decode(t, p, &got)
	if got.Header.Get("X-Forwarded-Acr") != acrEmail || got.Header.Get("X-Forwarded-User") != v.sub() {
		t.Errorf("what the application hears: %v", got.Header)
	}
	first := got.Header.Get("X-Forwarded-Access-Token")
	// The next second's request refreshes.
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		decode(t, v.b.Get(site+"/private"), &got)
		if next := got.Header.Get("X-Forwarded-Access-Token"); next != first && next != "" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the session was never refreshed")
		}
	}
	if r := v.Userinfo(t, first); r.Status != http.StatusUnauthorized {
		t.Errorf("the former access token: %d", r.Status)
	}
	p = v.signIn(v.b.Get(site+"/oauth2/start?"+url.Values{"acr_values": {acrFull}, "rd": {"/private"}}.Encode()), testapp.ByApp)
	decode(t, p, &got)
	if got.Header.Get("X-Forwarded-Acr") != acrFull {
		t.Errorf("after step-up: %v", got.Header)
	}
	if p := v.b.Get(site + "/oauth2/start?acr_values=urn:other"); strings.Contains(p.Location().Query().Get("acr_values"), "other") {
		t.Errorf("any level can be asked for: %s", p.Location())
	}

	end := v.URL + "/logout?" + url.Values{"client_id": {"oauth2-proxy"}, "post_logout_redirect_uri": {site + "/bye"}}.Encode()
	p = v.roam(v.b.Get(site + "/oauth2/sign_out?" + url.Values{"rd": {end}}.Encode()))
	if p.URL.Path != "/logout" {
		t.Fatalf("sign-out leads to %d %s", p.Status, p.URL)
	}
	form := url.Values{}
	for _, m := range hiddenField.FindAllStringSubmatch(p.Body, -1) {
		form.Set(m[1], strings.ReplaceAll(m[2], "&#43;", "+"))
	}
	if p := v.b.Post("/logout/confirm", form); p.Header.Get("Location") != site+"/bye" {
		t.Errorf("logout: %d to %q\n%v", p.Status, p.Header.Get("Location"), form)
	}
	v.signedOut()
}

// echo is an application behind a proxy: it answers with the headers it got.
func echo(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"Header": r.Header})
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// guide reads a file of the guides: what they show is what runs here.
func guide(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../docs/guides", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// startHTTPD runs Apache with the guide's file, and returns its address.
func startHTTPD(t *testing.T, issuer, clientID string) string {
	t.Helper()
	const modules = "/usr/lib/apache2/modules"
	path := tool("/usr/sbin/apache2")
	if _, err := os.Stat(modules + "/mod_auth_openidc.so"); path == "" || err != nil {
		if _, err := os.Stat("/etc/debian_version"); err != nil {
			t.Skip("NOT TESTED: mod_auth_openidc where Debian has it")
		}
		needed(t, "no Apache with mod_auth_openidc found: install the packages apache2-bin and libapache2-mod-auth-openidc (Debian)")
	}
	address := freePort(t)
	site := "http://" + address
	dir := openDir(t)
	here := strings.NewReplacer(
		"https://auth.example.jp", issuer, "https://app.example.jp", site, "CLIENT-SECRET", testapp.ClientSecret,
		"OIDCClientID httpd", "OIDCClientID "+clientID,
		"COOKIE-PASSPHRASE", strings.Repeat("p", 32),
	)
	var conf strings.Builder
	for _, m := range []string{"mpm_event", "authn_core", "authz_core", "authz_user", "alias", "headers", "auth_openidc"} {
		fmt.Fprintf(&conf, "LoadModule %s_module %s/mod_%s.so\n", m, modules, m)
	}
	fmt.Fprintf(&conf, "ServerName %s\nListen %s\nPidFile %s/pid\nErrorLog %[3]s/error.log\nDefaultRuntimeDir %[3]s\nDocumentRoot %[3]s/www\n", address, address, dir)
	conf.WriteString("ServerLimit 1\nThreadsPerChild 25\nMaxRequestWorkers 25\nStartServers 1\n<Directory /> \nRequire all granted\n</Directory>\n")
	conf.WriteString("Header always set X-Acr \"%{OIDC_CLAIM_acr}e\"\nHeader always set X-Amr \"%{OIDC_CLAIM_amr}e\"\nHeader always set X-Sub \"%{OIDC_CLAIM_sub}e\"\n")
	conf.WriteString(here.Replace(guide(t, "mod_auth_openidc.conf")))
	put(t, filepath.Join(dir, "httpd.conf"), conf.String())
	for _, page := range []string{"private/index.html", "orders/index.html", "bye"} {
		file := filepath.Join(dir, "www", page)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		put(t, file, page)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, path, "-D", "FOREGROUND", "-f", filepath.Join(dir, "httpd.conf"))
	cmd.SysProcAttr = unprivileged(t, dir)
	t.Cleanup(func() {
		if log, err := os.ReadFile(filepath.Join(dir, "error.log")); err == nil && t.Failed() {
			t.Logf("%s", log)
		}
	})
	runSite(t, cmd, address)
	return site
}

func TestInteropModAuthOpenIDC(t *testing.T) {
	t.Parallel()
	v := newGuest(t)
	site := startHTTPD(t, v.URL, "httpd")
	v.register("httpd", site+"/oidc/callback", site+"/bye")

	p := v.signIn(v.b.Get(site+"/private/index.html"), testapp.ByEmail)
	if p.Body != "private/index.html" || p.Header.Get("X-Sub") != v.sub() {
		t.Fatalf("sign-in ends at %d %s %v\n%s", p.Status, p.URL, p.Header, p.Body)
	}
	wantLevel(t, "httpd", p.Header.Get("X-Acr"), p.Header.Get("X-Amr"), acrEmail, "pwd", "mca", "mfa")

	var before, after struct {
		AccessToken string `json:"access_token"`
	}
	decode(t, v.b.Get(site+"/oidc/callback?info=json"), &before)
	decode(t, v.b.Get(site+"/oidc/callback?info=json&access_token_refresh_interval=0"), &after)
	if before.AccessToken == "" || after.AccessToken == "" || after.AccessToken == before.AccessToken {
		t.Errorf("access token %q was refreshed to %q", before.AccessToken, after.AccessToken)
	}
	if r := v.Userinfo(t, before.AccessToken); r.Status != http.StatusUnauthorized {
		t.Errorf("the former access token: %d", r.Status)
	}

	// The module asks for a step-up by a page that leads on by itself.
	p = v.b.Get(site + "/orders/index.html")
	to := regexp.MustCompile(`content="0; url=([^"]+)"`).FindStringSubmatch(p.Body)
	if to == nil {
		t.Fatalf("no step-up: %d %s\n%s", p.Status, p.URL, p.Body)
	}
	p = v.signIn(v.b.Get(html.UnescapeString(to[1])), testapp.ByApp)
	if p.Body != "orders/index.html" {
		t.Fatalf("step-up ends at %d %s\n%s", p.Status, p.URL, p.Body)
	}
	wantLevel(t, "after step-up", p.Header.Get("X-Acr"), p.Header.Get("X-Amr"), acrFull, "pwd", "otp", "mfa")

	if p := v.roam(v.b.Get(site + "/oidc/callback?" + url.Values{"logout": {site + "/bye"}}.Encode())); p.URL.String() != site+"/bye" || p.Status != http.StatusOK {
		t.Errorf("logout ends at %d %s", p.Status, p.URL)
	}
	v.signedOut()
	if p := v.b.Get(site + "/private/index.html"); p.Status != http.StatusFound || !strings.HasPrefix(p.Location().String(), v.URL) {
		t.Errorf("the site's session goes on: %d %s", p.Status, p.Location())
	}
}

// nobody is the user that servers of tests run as where the test itself is root.
const nobody = 65534

// openDir is a directory that another user can enter.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "futakagi-site") //nolint:usetesting // that of a test is closed to other users
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// unprivileged takes root's rights from a program, and lets it write to a directory.
func unprivileged(t *testing.T, dir string) *syscall.SysProcAttr {
	t.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
}

// TestClientCheckJudgesOthers lets the check judge relying parties that others wrote, as the guides configure them. What it finds is so:
// the guides tell of it. Where nothing is wrong it has to find nothing.
func TestClientCheckJudgesOthers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		start  func(t *testing.T, issuer string) (signIn string)
		broken []string
	}{
		{
			"oauth2-proxy", func(t *testing.T, issuer string) string { return startProxy(t, issuer, "check", echo(t)) + "/private" },
			[]string{"answer.iss_wrong", "answer.iss_missing", "id_token.sub_missing", "id_token.at_hash"},
		},
		{
			"mod_auth_openidc", func(t *testing.T, issuer string) string {
				return startHTTPD(t, issuer, "check") + "/private/index.html"
			},
			[]string{"answer.iss_missing"},
		},
		{
			"Auth.js", func(t *testing.T, issuer string) string {
				program := talkTo(t, "authjs.mjs")
				program.write(map[string]any{
					"issuer": issuer, "id": "check", "secret": testapp.ClientSecret, "cookie_secret": strings.Repeat("cookie-secret-", 4), "refresh_ahead": 0,
				})
				var site struct{ URL string }
				program.read(&site)
				t.Cleanup(func() {
					_ = program.in.Close()
					_ = program.cmd.Wait() // the end of the test ends it
				})
				return site.URL + "/login"
			},
			[]string{"id_token.signature", "id_token.key_unknown", "id_token.at_hash"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			issuer := "http://" + l.Addr().String()
			check, err := rpcheck.New(rpcheck.Config{Issuer: issuer, ClientID: "check", Alg: "ES256"})
			if err != nil {
				t.Fatal(err)
			}
			server := &http.Server{Handler: check.Handler()}
			go func() { _ = server.Serve(l) }()
			t.Cleanup(func() { _ = server.Close() })
			results, err := check.Run(t.Context(), c.start(t, issuer), "")
			if err != nil {
				t.Fatal(err)
			}
			var broken []string
			for _, r := range results {
				if r.Outcome == rpcheck.Broken {
					broken = append(broken, r.ID)
				}
			}
			if diff := cmp.Diff(c.broken, broken); diff != "" {
				t.Errorf("found (-want +got):\n%s", diff)
			}
		})
	}
}

package testapp_test

import (
	"context"
	"html"
	"mime/multipart"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/internal/rpcheck"
	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/store"
)

// framework is a site of e2e/guides: what a guide shows, in the framework that the guide is about. All have the same pages: /me tells
// what the site knows of whoever is signed in, /orders does so from a level on and leads to a step-up, /out signs out.
type framework struct {
	// command starts the site at an address; it is made ready by .ci/needs.
	command func(t *testing.T, ctx context.Context, s site) *exec.Cmd
	// callback and out are where the site takes answers, and where it signs people out.
	callback, out string
	alg           string
	// refreshes is whether the site keeps tokens and renews them; /token tells which it has.
	refreshes bool
	// start begins a sign-in by a redirect, for the check.
	start string
	// broken is what the check finds.
	broken []string
}

// checked is the client of a site that the check judges.
const checked = "check"

// site is what a framework's program has to know.
type site struct{ dir, address, url, issuer, client string }

func frameworks() map[string]framework {
	return map[string]framework{
		"spring": {
			command: func(t *testing.T, ctx context.Context, s site) *exec.Cmd {
				cmd := exec.CommandContext(ctx, built(t, "java"), "-jar", built(t, "target/app.jar", s.dir))
				host, port, _ := strings.Cut(s.address, ":")
				cmd.Env = append(os.Environ(), "SERVER_ADDRESS="+host, "SERVER_PORT="+port, "SERVER_SHUTDOWN=immediate", "FUTAKAGI_SECRET="+testapp.ClientSecret,
					"SPRING_SECURITY_OAUTH2_CLIENT_PROVIDER_FUTAKAGI_ISSUERURI="+s.issuer,
					"SPRING_SECURITY_OAUTH2_CLIENT_REGISTRATION_FUTAKAGI_CLIENTID="+s.client)
				return cmd
			},
			callback: "/login/oauth2/code/futakagi", out: "/logout", alg: "RS256", start: "/oauth2/authorization/futakagi",
			broken: []string{"id_token.at_hash"},
		},
		"nextjs": {
			command: func(t *testing.T, ctx context.Context, s site) *exec.Cmd {
				host, port, _ := strings.Cut(s.address, ":")
				built(t, ".next/BUILD_ID", s.dir)
				cmd := exec.CommandContext(ctx, built(t, "node"), built(t, "node_modules/next/dist/bin/next", s.dir), "start", "-H", host, "-p", port)
				cmd.Env = append(os.Environ(), "NEXT_TELEMETRY_DISABLED=1", "AUTH_URL="+s.url, "AUTH_SECRET="+strings.Repeat("cookie-secret-", 4),
					"AUTH_FUTAKAGI_ISSUER="+s.issuer, "AUTH_FUTAKAGI_ID="+s.client, "AUTH_FUTAKAGI_SECRET="+testapp.ClientSecret)
				if s.client != checked {
					cmd.Env = append(cmd.Env, "REFRESH_AHEAD=10000") // longer than a token lives, so that each request refreshes
				}
				return cmd
			},
			callback: "/api/auth/callback/futakagi", out: "/out", alg: "ES256", start: "/start", refreshes: true,
			broken: []string{"id_token.signature", "id_token.key_unknown", "id_token.at_hash"},
		},
		"laravel": {
			command: func(t *testing.T, ctx context.Context, s site) *exec.Cmd {
				storage := t.TempDir()
				for _, name := range []string{"cache", "sessions", "views"} {
					if err := os.Mkdir(filepath.Join(storage, name), 0o700); err != nil {
						t.Fatal(err)
					}
				}
				cmd := exec.CommandContext(ctx, built(t, "php"), "-S", s.address, "server.php")
				cmd.Env = append(os.Environ(), "APP_URL="+s.url, "APP_KEY="+strings.Repeat("k", 32), "STORAGE="+storage,
					"APP_PACKAGES_CACHE="+storage+"/packages.php", "APP_SERVICES_CACHE="+storage+"/services.php",
					"FUTAKAGI_ISSUER="+s.issuer, "FUTAKAGI_CLIENT="+s.client, "FUTAKAGI_SECRET="+testapp.ClientSecret)
				return cmd
			},
			callback: "/callback", out: "/out", alg: "RS256", start: "/login",
		},
		"rails": {
			command: func(t *testing.T, ctx context.Context, s site) *exec.Cmd {
				cmd := exec.CommandContext(ctx, built(t, "puma"), "--environment", "production", "--bind", "tcp://"+s.address, "config.ru")
				cmd.Env = append(os.Environ(), "APP_URL="+s.url, "FUTAKAGI_ISSUER="+s.issuer, "FUTAKAGI_CLIENT="+s.client, "FUTAKAGI_SECRET="+testapp.ClientSecret,
					"SECRET_KEY_BASE="+strings.Repeat("key-", 16))
				if s.client == checked {
					cmd.Env = append(cmd.Env, "TEST_COPY=1")
				}
				return cmd
			},
			callback: "/auth/futakagi/callback", out: "/out", alg: "ES256", start: "/auth/futakagi",
		},
	}
}

// built finds a program of the system, or a file that .ci/needs makes in a folder.
func built(t *testing.T, name string, dir ...string) string {
	t.Helper()
	if len(dir) == 0 {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	} else if _, err := os.Stat(filepath.Join(dir[0], name)); err == nil {
		return name
	}
	t.Fatalf("no %s found: run make guides", name)
	return ""
}

// guidesWanted skips a test aloud: the frameworks take minutes to install, from registries that need not answer.
func guidesWanted(t *testing.T) {
	t.Helper()
	if os.Getenv("FUTAKAGI_TEST_GUIDES") != "1" {
		t.Skip("NOT TESTED: the guides' sites in their frameworks, which make guides installs and runs")
	}
}

// startFramework starts a site and returns its address.
func startFramework(t *testing.T, name, issuer, client string) string {
	t.Helper()
	dir, err := filepath.Abs("../../e2e/guides/" + name)
	if err != nil {
		t.Fatal(err)
	}
	s := site{dir: dir, address: freePort(t), issuer: issuer, client: client}
	_, port, _ := strings.Cut(s.address, ":")
	s.url = "http://localhost:" + port // what Next.js takes an address of loopback for, whatever it is told
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	cmd := frameworks()[name].command(t, ctx, s)
	cmd.Dir = dir
	runSite(t, cmd, s.address)
	return s.url
}

// press submits the only form of a site's page, as its button does, and goes where that leads.
func (v *guest) press(p testapp.Page) testapp.Page {
	v.t.Helper()
	form := formTag.FindStringSubmatch(p.Body)
	if form == nil {
		v.t.Fatalf("no form: %d %s\n%s", p.Status, p.URL, p.Body)
	}
	attributes := map[string]string{}
	for _, m := range attribute.FindAllStringSubmatch(" "+form[1], -1) {
		attributes[m[1]] = html.UnescapeString(m[2])
	}
	to, err := p.URL.Parse(attributes["action"])
	if err != nil {
		v.t.Fatal(err)
	}
	fields := url.Values{}
	for name, value := range inputs(form[2]) {
		fields.Set(name, value)
	}
	if !strings.Contains(form[1], "multipart/form-data") {
		return v.roam(v.b.Post(to.String(), fields))
	}
	var body strings.Builder
	w := multipart.NewWriter(&body)
	for name := range fields {
		if err := w.WriteField(name, fields.Get(name)); err != nil {
			v.t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		v.t.Fatal(err)
	}
	return v.roam(v.b.Raw(to.String(), w.FormDataContentType(), body.String()))
}

// visit opens a page of a site, and presses the button that leads on to the provider where the site has one.
func (v *guest) visit(page string) testapp.Page {
	v.t.Helper()
	p := v.roam(v.b.Get(page))
	if !strings.HasPrefix(p.URL.String(), v.URL) && formTag.MatchString(p.Body) {
		p = v.press(p)
	}
	return p
}

// TestGuide runs what the guides of frameworks show: a sign-in with a second factor, what the site then knows, a step-up, and a logout.
func TestGuide(t *testing.T) {
	guidesWanted(t)
	for name, f := range frameworks() {
		t.Run(name, func(t *testing.T) {
			v := newGuest(t)
			site := startFramework(t, name, v.URL, name)
			v.register(name, site+f.callback, site+"/bye", func(c *store.InsertClientParams) { c.IDTokenAlg = f.alg })
			me := func(what, acr string, amr ...string) {
				t.Helper()
				var claims map[string]any
				decode(t, v.b.Get(site+"/me"), &claims)
				wantLevel(t, what, claims["acr"], claims["amr"], acr, amr...)
				if account := v.Account(t, guestLogin); claims["sub"] != v.sub() || claims["email"] != account.RegisteredEmail {
					t.Errorf("%s: the site knows of %v", what, claims)
				}
			}
			p := v.signIn(v.visit(site+"/me"), testapp.ByEmail)
			if p.Status != http.StatusOK || !strings.HasPrefix(p.URL.String(), site) {
				t.Fatalf("sign-in ends at %d %s\n%s", p.Status, p.URL, p.Body)
			}
			me("signed in", acrEmail, "pwd", "mca", "mfa")

			p = v.visit(site + "/orders")
			if !strings.HasPrefix(p.URL.Path, "/signin/challenge") {
				t.Fatalf("no step-up: %d %s\n%s", p.Status, p.URL, p.Body)
			}
			v.signIn(p, testapp.ByApp)
			me("stepped up", acrFull, "pwd", "otp", "mfa")
			if p := v.b.Get(site + "/orders"); p.Status != http.StatusOK || !strings.Contains(p.Body, acrFull) {
				t.Errorf("after the step-up: %d\n%s", p.Status, p.Body)
			}

			if f.refreshes {
				var held, next struct{ AccessToken, RefreshToken string }
				decode(t, v.b.Get(site+"/token"), &held)
				decode(t, v.b.Get(site+"/token"), &next)
				if held.AccessToken == "" || next.AccessToken == held.AccessToken || next.RefreshToken == held.RefreshToken {
					t.Errorf("tokens %v were renewed to %v", held, next)
				}
				me("after the refresh", acrFull, "pwd", "otp", "mfa")
				if r := v.Userinfo(t, held.AccessToken); r.Status != http.StatusUnauthorized {
					t.Errorf("the former access token: %d", r.Status)
				}
			}

			if p := v.press(v.b.Get(site + f.out)); p.URL.String() != site+"/bye" || p.Status != http.StatusOK {
				t.Errorf("logout ends at %d %s\n%s", p.Status, p.URL, p.Body)
			}
			v.signedOut()
			if p := v.visit(site + "/me"); p.URL.Path != "/signin" {
				t.Errorf("after logout the site leads to %d %s", p.Status, p.URL)
			}
		})
	}
}

// TestGuideCheck lets the check judge these sites. What it finds is so: the guides tell of it.
func TestGuideCheck(t *testing.T) {
	guidesWanted(t)
	for name, f := range frameworks() {
		t.Run(name, func(t *testing.T) {
			l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			issuer := "http://" + l.Addr().String()
			check, err := rpcheck.New(rpcheck.Config{Issuer: issuer, ClientID: checked, Alg: f.alg})
			if err != nil {
				t.Fatal(err)
			}
			server := &http.Server{Handler: check.Handler()}
			go func() { _ = server.Serve(l) }()
			t.Cleanup(func() { _ = server.Close() })
			site := startFramework(t, name, issuer, checked)
			results, err := check.Run(t.Context(), site+f.start, site+"/me")
			if err != nil {
				t.Fatal(err)
			}
			var broken []string
			for _, r := range results {
				t.Logf("%s %s", r.Outcome, r.ID)
				if r.Outcome == rpcheck.Broken {
					broken = append(broken, r.ID)
				}
			}
			if diff := cmp.Diff(f.broken, broken); diff != "" {
				t.Errorf("found (-want +got):\n%s", diff)
			}
		})
	}
}

package testapp_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/provider"
	"github.com/futakagi/futakagi/store"
)

// answer is everything of a page that a stranger sees, without what differs between any two requests.
func answer(p testapp.Page, username string) string {
	h := p.Header.Clone()
	for _, name := range []string{"Date", "X-Request-Id", "Content-Length"} {
		h.Del(name)
	}
	body := strings.ReplaceAll(p.Body, username, "LOGIN")
	return fmt.Sprintf("%d %v\n%s", p.Status, h, body)
}

func TestI9_UnknownWrongDisabledAreOne(t *testing.T) {
	t.Parallel()
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		rp := a.RelyingParty(t, "store")
		disable(t, a, "suzuki")
		b := a.NewBrowser(t)
		page := b.Open(rp.AuthorizeURL()).URL.RequestURI()
		try := func(login, password string) string {
			return answer(b.Post(page, value("username", login, "password", password)), login)
		}
		// Six tries each: the sixth meets the pause, for everybody alike.
		for i := range 6 {
			want := try("nobody", "futakagi-demo")
			if i == 0 && (!strings.HasPrefix(want, "422 ") || strings.Contains(want, "futakagi-demo")) {
				t.Fatalf("answer to an unknown login ID:\n%s", want)
			}
			if i == 5 && !strings.HasPrefix(want, "429 ") {
				t.Errorf("sixth try: %.3s", want)
			}
			for _, c := range []struct{ name, login, password string }{
				{"wrong, with a factor", "sato", "wrong-password"},
				{"wrong, without a factor", "tanaka", "wrong-password"},
				{"disabled, right", "suzuki", "futakagi-demo"},
				{"of the other kind, right", "operator", "futakagi-demo"},
			} {
				if diff := cmp.Diff(want, try(c.login, c.password)); diff != "" {
					t.Errorf("try %d: %s differs from unknown:\n%s", i+1, c.name, diff)
				}
			}
		}
		// Nobody outside can keep the owner out for long: the pause ends.
		a.Pass(t, 16*time.Minute)
		if p := a.SignIn(t, a.NewBrowser(t), rp.AuthorizeURL(), "tanaka"); p.Location().Query().Get("code") == "" {
			t.Errorf("the owner after the pause: %d %s", p.Status, p.URL)
		}
	})
}

// hostileHeaders are what a client may send to be taken for another one, or to have the server taken for another one.
func hostileHeaders() []http.Header {
	evil := "evil.example"
	var out []http.Header
	for _, name := range []string{
		"X-Forwarded-Host", "X-Original-Host", "X-Host", "X-Forwarded-Server", "X-HTTP-Host-Override", "X-Rewrite-URL", "X-Original-URL",
		"X-Forwarded-Prefix", "X-Forwarded-Path", "X-Script-Name", "X-Envoy-Original-Path", "X-Base-URL", "X-Proxy-URL", "Base-URL",
		"X-Forwarded-Scheme", "X-Url-Scheme", "X-Scheme", "Front-End-Https",
	} {
		out = append(out, http.Header{name: {evil}})
	}
	for _, name := range []string{
		"X-Forwarded-For", "X-Real-IP", "True-Client-IP", "CF-Connecting-IP", "X-Client-IP", "X-Cluster-Client-IP", "Fastly-Client-IP",
		"X-Originating-IP", "X-Remote-IP", "X-Remote-Addr", "Client-IP", "X-ProxyUser-Ip", "Forwarded-For", "X-Azure-ClientIP",
	} {
		out = append(out, http.Header{name: {"203.0.113.9"}})
	}
	return append(
		out,
		http.Header{"X-Forwarded-Proto": {"https"}},
		http.Header{"X-Forwarded-Port": {"444"}},
		http.Header{"X-Forwarded-For": {"203.0.113.9, 127.0.0.1", "127.0.0.1"}},
		http.Header{"Forwarded": {`for=203.0.113.9;host=evil.example;proto=https`}},
		http.Header{"Forwarded": {`host=evil.example`, `for="[2001:db8::1]:4711"`}},
		http.Header{"X-Forwarded-Host": {evil}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-For": {"203.0.113.9"}},
		http.Header{"Via": {"1.1 evil.example"}, "X-Forwarded-Host": {evil + ":443"}},
		http.Header{"Origin": {"https://evil.example"}},
		http.Header{"Referer": {"https://evil.example/"}},
	)
}

func TestI24_HeadersChangeNothing(t *testing.T) {
	t.Parallel()
	a := testapp.New(t)
	rp := a.RelyingParty(t, "store")
	if err := a.Provider.TendKeys(t.Context()); err != nil { // the keys that wait come after the start
		t.Fatal(err)
	}
	variants := append([]http.Header{{}}, hostileHeaders()...)
	if len(variants) < 41 {
		t.Fatalf("%d variants", len(variants))
	}
	changing := regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}|ac_[\w-]{43}|[\w-]{43}|flow-[0-9a-f]{8}|\b\d{6}\b|E-[0-9A-Z-]+`)
	plain := func(p testapp.Page) string {
		p.Header.Del("Date")
		p.Header.Del("X-Request-Id")
		return changing.ReplaceAllString(fmt.Sprintf("%d %v\n%s", p.Status, p.Header, p.Body), "…")
	}
	var want []string
	for _, h := range variants {
		headers := map[string]string{}
		for name, values := range h {
			headers[name] = strings.Join(values, ", ")
		}
		a.Mail.Clear()
		b := a.NewBrowser(t)
		start := a.Clock.Now()
		get := func(path string) testapp.Page { return b.Do(http.MethodGet, path, nil, headers) }
		follow := func(p testapp.Page) testapp.Page {
			for p.Status == http.StatusSeeOther && p.Location().Host == p.URL.Host {
				p = get(p.Location().RequestURI())
			}
			return p
		}
		post := func(path string, form url.Values) testapp.Page {
			all := map[string]string{"Sec-Fetch-Site": "same-origin"}
			maps.Copy(all, headers)
			return b.Do(http.MethodPost, path, form, all)
		}
		got := []string{
			plain(get("/.well-known/openid-configuration")), plain(get("/.well-known/oauth-authorization-server")), plain(get("/jwks")),
			plain(get(rp.AuthorizeURL("prompt", "none"))), plain(get("/account/security")), plain(get("/logout")),
		}
		redirect := get(rp.AuthorizeURL())
		got = append(got, plain(redirect))
		p := follow(redirect)
		got = append(got, plain(p))
		p = post(p.URL.RequestURI(), value("username", "sato", "password", "futakagi-demo"))
		got = append(got, plain(p))
		p = follow(p)
		code := a.Code(t, testapp.FactorAddress("sato"), 0)
		m := a.Mail.Mails("")[0]
		got = append(got, changing.ReplaceAllString(strings.Join([]string{m.From, m.FromName, m.To, m.Subject, m.Text, m.HTML}, "\n"), "…"))
		p = post(p.URL.RequestURI(), value("do", "verify", "code", code))
		p = follow(p)
		got = append(got, plain(p), p.Location().Host, p.Location().Query().Get("iss"))
		claims := rp.Redeem(p.Location().Query().Get("code")).IDToken(t)
		got = append(got, fmt.Sprint(claims["iss"], claims["aud"]))
		if want == nil {
			want = got
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%v:\n%s", h, diff)
		}
		id := accountOf(t, a, "sato").ID
		events, err := a.DB.Read().ListAccountEvents(t.Context(), store.ListAccountEventsParams{AccountID: &id, PageSize: 20})
		if err != nil || len(events) < 3 {
			t.Fatalf("%d audit rows, %v", len(events), err)
		}
		for _, e := range events {
			if e.ClientAddress != "127.0.0.1" && e.ClientAddress != "" {
				t.Errorf("%v: audit names %s", h, e.ClientAddress)
			}
		}
		sessions, err := a.DB.Read().ListSessions(t.Context(), store.ListSessionsParams{
			AccountID: id, Now: a.Clock.Now(), IdleSince: start.Add(-time.Hour), CredentialEpoch: 1,
		})
		if err != nil || len(sessions) == 0 {
			t.Fatalf("%d sessions, %v", len(sessions), err)
		}
		for _, s := range sessions {
			if s.ClientAddress != "127.0.0.1" {
				t.Errorf("%v: session of %s", h, s.ClientAddress)
			}
		}
		a.Pass(t, 24*time.Hour) // the budget of the next day
	}
	if strings.Contains(a.Log.String(), `"client":"203.0.113.9"`) || strings.Contains(a.Log.String(), "2001:db8::1") {
		t.Error("the log names an address that a client chose")
	}
}

func TestI24_UnknownHostIsRefused(t *testing.T) {
	t.Parallel()
	a := testapp.New(t)
	host := strings.TrimPrefix(a.URL, "http://")
	for _, h := range []string{"evil.example", "localhost", host + ".evil.example", "evil.example:80", host + "@evil.example", "127.0.0.1:1", strings.Replace(host, "127.0.0.1", "127.1", 1), "[::1]"} {
		for _, path := range []string{"/.well-known/openid-configuration", "/jwks", a.RelyingParty(t, "store").AuthorizeURL(), "/account/security", "/token"} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.URL+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Host = h
			res, err := http.DefaultTransport.RoundTrip(req)
			if err != nil {
				continue // not even a host name: the client itself refuses
			}
			res.Body.Close()
			if res.StatusCode != http.StatusMisdirectedRequest && res.StatusCode != http.StatusBadRequest || res.Header.Get("Location") != "" || len(res.Header["Set-Cookie"]) != 0 {
				t.Errorf("Host %s: %s answers %d to %q", h, path, res.StatusCode, res.Header.Get("Location"))
			}
		}
	}
}

// signedIn is a browser with everything a cross-site request could abuse: a customer's session, an operator's, and a sign-in
// whose password was accepted.
func signedIn(t *testing.T, a *testapp.App) (b *testapp.Browser, flow string) {
	t.Helper()
	b = a.NewBrowser(t)
	rp := a.RelyingParty(t, "store")
	a.CodeOf(t, b, rp.AuthorizeURL(), "sato")
	a.CodeOf(t, b, a.RelyingParty(t, "staff").AuthorizeURL(), "operator")
	a.Pass(t, 2*time.Minute)
	// What is written down about the use of a session is written now, once a minute.
	b.Get("/account/security")
	b.Get(a.RelyingParty(t, "staff").AuthorizeURL("prompt", "none"))
	return b, a.Password(t, b, rp.AuthorizeURL("prompt", "login"), "sato").Flow()
}

func TestI25_ForeignIntentChangesNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *watched) {
		b, flow := signedIn(t, a.App)
		if flow == "" {
			t.Fatal("no sign-in under way")
		}
		forms := []url.Values{
			value("username", "suzuki", "password", "futakagi-demo", "method", "email", "do", "send", "email", "evil@example.com",
				"code", "123456", "saved", "yes", "kind", "store", "enforced", "on", "two_factor", "dont_use", "reason", "because"),
			value("do", "resend"),
			{},
		}
		open := provider.CrossSitePaths()
		before := a.rows(t)
		refused := 0
		for _, r := range routes(t, a.App) {
			if r.method == http.MethodGet || r.method == http.MethodHead || r.method == http.MethodOptions || r.method == http.MethodTrace || r.method == http.MethodConnect {
				continue
			}
			for name, headers := range map[string]map[string]string{
				"cross-site": {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
				"same-site":  {"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:1"},
				"null":       {"Origin": "null"},
				"other port": {"Origin": "http://127.0.0.1:1"},
				"other name": {"Origin": "https://evil.example"},
				"none":       {},
				"framed":     {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "iframe", "Sec-Fetch-Mode": "navigate", "Origin": "null"},
				"lying":      {"Sec-Fetch-Site": "cross-site", "Origin": a.URL, "Referer": a.URL + "/signin"},
			} {
				for _, form := range forms {
					p := b.Do(r.method, r.path+"?flow="+flow, form, headers)
					switch {
					case p.Status == http.StatusForbidden && len(p.Header["Set-Cookie"]) == 0:
						refused++
					case slices.Contains(open, r.path) && r.path != "/authorize" && r.path != "/logout" && p.Status >= 400:
						// A machine endpoint: no cookie counts there.
					case (r.path == "/authorize" || r.path == "/logout") && r.method == http.MethodPost && p.Status == http.StatusSeeOther && p.Location().Path == r.path:
						// It becomes the same request by GET, which does what a link could do.
					case p.Status == http.StatusMethodNotAllowed:
					default:
						t.Errorf("%s %s, %s: %d to %s", r.method, r.path, name, p.Status, p.Location())
					}
				}
			}
		}
		if refused < 200 {
			t.Errorf("only %d requests were refused", refused)
		}
		if d := difference(before, a.rows(t)); len(d) != 0 {
			t.Errorf("rows changed:\n%s", strings.Join(d, "\n"))
		}
	})
}

func TestI25_SafeMethodsChangeNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *watched) {
		b, flow := signedIn(t, a.App)
		forgetTries(t, a.App) // or their time is up meanwhile, and the server itself sweeps them
		before := a.rows(t)
		for _, r := range routes(t, a.App) {
			if r.method != http.MethodGet {
				continue
			}
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				for _, headers := range []map[string]string{
					{"Sec-Fetch-Site": "cross-site"},
					{"Sec-Fetch-Site": "same-site", "Sec-Fetch-Dest": "image"},
					{"Sec-Fetch-Site": "same-origin", "Sec-Purpose": "prefetch"},
					{"Sec-Fetch-Site": "none", "Purpose": "prefetch"},
				} {
					for _, query := range []string{"?flow=" + flow, "?do=send&email=evil@example.com&saved=yes&kind=store&confirm=1&flow=" + flow} {
						if p := b.Do(method, r.path+query, nil, headers); p.Status >= 500 {
							t.Errorf("%s %s: %d", method, r.path, p.Status)
						}
					}
				}
			}
		}
		// What a link may do is to begin a sign-in, which is nobody's until somebody gives a password.
		for _, line := range difference(before, a.rows(t)) {
			t.Errorf("row changed: %s", line)
		}
		if p := b.Get("/account/security"); p.Status != http.StatusOK {
			t.Errorf("the session is over: %d", p.Status)
		}
	})
}

package testapp_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/delivery/smtptest"
	"github.com/futakagi/futakagi/internal/pgtest"
	"github.com/futakagi/futakagi/internal/server"
	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
)

// wire stands between the server and its database and can be cut.
type wire struct {
	address, network, target string

	mu       sync.Mutex
	listener net.Listener
	conns    []net.Conn
}

// newWire returns a database URL that leads through the wire.
func newWire(t *testing.T, database string) (*wire, string) {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{address: "127.0.0.1:0", network: "tcp", target: u.Host}
	q := u.Query()
	if dir := q.Get("host"); strings.HasPrefix(dir, "/") {
		w.network, w.target = "unix", filepath.Join(dir, ".s.PGSQL.5432")
	} else if u.Port() == "" {
		w.target = net.JoinHostPort(u.Hostname(), "5432")
	}
	w.mend(t)
	t.Cleanup(w.cut)
	q.Del("host")
	q.Set("sslmode", "disable")
	u.Host, u.RawQuery = w.address, q.Encode()
	return w, u.String()
}

// mend listens, at the same address each time.
func (w *wire) mend(t *testing.T) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", w.address)
	if err != nil {
		t.Fatal(err)
	}
	w.mu.Lock()
	w.address, w.listener = l.Addr().String(), l
	w.mu.Unlock()
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial(w.network, w.target)
			if err != nil {
				in.Close()
				continue
			}
			w.mu.Lock()
			w.conns = append(w.conns, in, out)
			w.mu.Unlock()
			go pump(in, out)
			go pump(out, in)
		}
	}()
}

func pump(to, from net.Conn) {
	_, _ = io.Copy(to, from) // it ends when the wire is cut
	to.Close()
}

// cut refuses new connections and breaks those that are open.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.listener.Close()
	for _, c := range w.conns {
		c.Close()
	}
	w.conns = nil
}

// everything is one request to each kind of endpoint that needs the database.
func everything(t *testing.T, a *testapp.App, rp *testapp.RelyingParty, b *testapp.Browser, flow string, tokens testapp.Reply, code string) map[string]func() (int, http.Header, string) {
	page := func(p testapp.Page) (int, http.Header, string) { return p.Status, p.Header, p.Body }
	reply := func(r testapp.Reply) (int, http.Header, string) { return r.Status, r.Header, r.Body }
	return map[string]func() (int, http.Header, string){
		"authorize":    func() (int, http.Header, string) { return page(b.Get(rp.AuthorizeURL())) },
		"sign-in page": func() (int, http.Header, string) { return page(b.Get("/signin?flow=" + flow)) },
		"password": func() (int, http.Header, string) {
			return page(b.Post("/signin?flow="+flow, value("username", "sato", "password", "futakagi-demo")))
		},
		"dispatcher": func() (int, http.Header, string) { return page(b.Get("/signin/continue?flow=" + flow)) },
		"challenge":  func() (int, http.Header, string) { return page(b.Get("/signin/challenge?flow=" + flow)) },
		"factor": func() (int, http.Header, string) {
			return page(b.Post("/signin/challenge?flow="+flow, value("do", "verify", "code", "123456")))
		},
		"self-service":  func() (int, http.Header, string) { return page(b.Get("/account/security")) },
		"sign-out page": func() (int, http.Header, string) { return page(b.Get("/logout")) },
		"code":          func() (int, http.Header, string) { return reply(rp.Redeem(code)) },
		"refresh":       func() (int, http.Header, string) { return reply(rp.Refresh(tokens.Str("refresh_token"))) },
		"userinfo":      func() (int, http.Header, string) { return reply(a.Userinfo(t, tokens.Str("access_token"))) },
		"introspection": func() (int, http.Header, string) { return reply(rp.Introspect(tokens.Str("access_token"))) },
		"revocation": func() (int, http.Header, string) {
			return reply(rp.Post("/revoke", value("token", tokens.Str("access_token"))))
		},
	}
}

// While the database is away every answer is a declared 503; when it is back everything goes on where it stood.
func TestDatabaseAwayAndBack(t *testing.T) {
	t.Parallel()
	wire, url := newWire(t, storetest.PostgreSQLURL(t))
	a := testapp.Start(t, url)
	rp := a.RelyingParty(t, "store")
	b := a.NewBrowser(t)
	tokens := rp.TokensOf(b, "suzuki")
	code := a.CodeOf(t, b, rp.AuthorizeURL(), "suzuki")
	a.Clock.Advance(time.Second)
	p := a.Password(t, b, rp.AuthorizeURL("prompt", "login", "state", "mine"), "sato")
	digits := a.Code(t, testapp.FactorAddress("sato"), 0)
	flow := p.Flow()

	for round := range 2 {
		wire.cut()
		for name, f := range everything(t, a, rp, b, flow, tokens, code) {
			start := time.Now()
			status, header, body := f()
			if status != http.StatusServiceUnavailable {
				t.Errorf("%s: %d\n%s", name, status, body)
				continue
			}
			if n, err := strconv.Atoi(header.Get("Retry-After")); err != nil || n < 1 || n > 60 {
				t.Errorf("%s: Retry-After %q", name, header.Get("Retry-After"))
			}
			if took := time.Since(start); took > 6*time.Second {
				t.Errorf("%s: took %v", name, took)
			}
			for _, secret := range []string{"127.0.0.1", "5432", "PGSQL", "pgx", "SQLSTATE", "dial", "futakagi_test"} {
				if strings.Contains(strings.ReplaceAll(body, a.URL, ""), secret) {
					t.Errorf("%s: the answer holds %q:\n%s", name, secret, body)
				}
			}
			if machine := !strings.HasPrefix(header.Get("Content-Type"), "text/html"); machine && !json.Valid([]byte(body)) {
				t.Errorf("%s: %s", name, body)
			}
			if len(header["Set-Cookie"]) != 0 && name != "authorize" {
				t.Errorf("%s: sets %v", name, header["Set-Cookie"])
			}
		}
		// What needs no database works on.
		for _, path := range []string{"/.well-known/openid-configuration", "/jwks", "/signed-out"} {
			if p := b.Get(path); p.Status != http.StatusOK {
				t.Errorf("%s without database: %d", path, p.Status)
			}
		}
		probe := func(path string) int { return probeOf(a, path) }
		if probe("/livez") != http.StatusOK || probe("/readyz") != http.StatusServiceUnavailable {
			t.Errorf("round %d: livez %d, readyz %d", round, probe("/livez"), probe("/readyz"))
		}
		wire.mend(t)
		ready := probe("/readyz")
		for deadline := time.Now().Add(20 * time.Second); ready != http.StatusOK && time.Now().Before(deadline); ready = probe("/readyz") {
			time.Sleep(20 * time.Millisecond) // a probe that began before gives up after a moment
		}
		if ready != http.StatusOK {
			t.Errorf("round %d: readyz %d when the database is back", round, ready)
		}
	}
	// At once, without a request that fails first.
	if r := rp.Redeem(code); r.Status != http.StatusOK {
		t.Errorf("the code: %d %s", r.Status, r.Body)
	}
	if r := rp.Refresh(tokens.Str("refresh_token")); r.Status != http.StatusOK {
		t.Errorf("refresh: %d %s", r.Status, r.Body)
	}
	p = b.Submit("/signin/challenge?flow="+flow, value("do", "verify", "code", digits))
	if q := p.Location().Query(); q.Get("code") == "" || q.Get("state") != "mine" {
		t.Errorf("the sign-in under way: %d %s to %s", p.Status, p.URL, p.Location())
	}
	if strings.Contains(a.Log.String(), `"status":500`) {
		t.Error("the log has a 500")
	}
	// Mail goes out again.
	p = a.Password(t, a.NewBrowser(t), rp.AuthorizeURL(), "sato")
	if p.URL.Path != "/signin/challenge" {
		t.Fatalf("%d %s", p.Status, p.URL)
	}
	a.Code(t, testapp.FactorAddress("sato"), 1)
}

func probeOf(a *testapp.App, path string) int {
	rec := httptest.NewRecorder()
	a.Management.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, nil))
	return rec.Code
}

// A restart of the database breaks every connection; at most the requests under way may notice.
func TestDatabaseRestart(t *testing.T) {
	t.Parallel()
	url := storetest.PostgreSQLURL(t)
	a := testapp.Start(t, url)
	rp := a.RelyingParty(t, "store")
	b := a.NewBrowser(t)
	tokens := rp.TokensOf(b, "suzuki")
	for range 3 {
		pgtest.Disconnect(t, url)
		// The pools may hand out connections that do not know yet; whoever gets one is told to come again.
		deadline := time.Now().Add(20 * time.Second)
		for {
			r := rp.Refresh(tokens.Str("refresh_token"))
			if r.Status == http.StatusOK {
				tokens = r
				break
			}
			if r.Status != http.StatusServiceUnavailable || r.Header.Get("Retry-After") == "" || time.Now().After(deadline) {
				t.Fatalf("after a restart: %d %s", r.Status, r.Body)
			}
		}
	}
	if strings.Contains(a.Log.String(), `"status":500`) {
		t.Errorf("the log has a 500:\n%s", a.Log)
	}
}

// unhurried is how long the test's mail server may take, and how long whoever waits for it would wait: a page that is there in less
// than half of that did not.
const unhurried = time.Minute

// withMailServer lets the server send by real SMTP.
func withMailServer(t *testing.T, s *smtptest.Server) testapp.Option {
	t.Helper()
	mailer, err := delivery.NewSMTP(delivery.SMTPConfig{Host: s.Host, Port: s.Port, TLS: delivery.TLSNone, Timeout: unhurried})
	if err != nil {
		t.Fatal(err)
	}
	return func(c *server.Config) { c.Mailer = mailer }
}

// codesTo are the codes that arrived for an address, in order.
func codesTo(t *testing.T, s *smtptest.Server, address string) []string {
	t.Helper()
	var out []string
	for _, m := range s.Messages() {
		if len(m.To) != 1 || m.To[0] != address {
			continue
		}
		p, err := m.Parse()
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(p.Text) {
			if line = strings.TrimSpace(line); len(line) == 6 && strings.Trim(line, "0123456789") == "" {
				out = append(out, line)
			}
		}
	}
	return out
}

// awaitCodes waits until n codes have arrived. The clock goes on meanwhile: an attempt that failed waits for the next by it.
func awaitCodes(t *testing.T, a *testapp.App, s *smtptest.Server, address string, n int) []string {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if codes := codesTo(t, s, address); len(codes) >= n {
			return codes
		}
		a.Clock.Advance(time.Second)
		a.Outbox.Wake()
	}
	t.Fatalf("%d codes came to %s, want %d", len(codesTo(t, s, address)), address, n)
	return nil
}

// awaitFailedAttempts waits until every message that waits has been tried in vain, so that no attempt is in hand when the clock
// jumps past its lease or the mail server comes back.
func awaitFailedAttempts(t *testing.T, a *testapp.App) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		rows, err := a.DB.Read().ListMessagesInState(t.Context(), store.ListMessagesInStateParams{State: "queued", Since: time.Unix(0, 0), BeforeAt: time.Unix(1<<33, 0), BeforeID: store.MaxID, PageSize: 100})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(rows, func(m store.ListMessagesInStateRow) bool { return m.Reply == "" }) {
			return
		}
	}
	t.Fatal("a message was never tried")
}

// With the mail server down pages answer as ever, the person can send again, and what waits is delivered when it is back.
func TestMailServerAwayAndBack(t *testing.T) {
	t.Parallel()
	for _, engine := range []string{"sqlite", "postgresql"} {
		t.Run(engine, func(t *testing.T) {
			mails := smtptest.Start(t, smtptest.Config{})
			database := storetest.SQLiteURL
			if engine == "postgresql" {
				database = storetest.PostgreSQLURL
			}
			a := testapp.Start(t, database(t), withMailServer(t, mails))
			rp := a.RelyingParty(t, "store")
			b := a.NewBrowser(t)
			address := testapp.FactorAddress("sato")

			mails.Stop()
			start := time.Now()
			p := a.Password(t, b, rp.AuthorizeURL(), "sato")
			if took := time.Since(start); p.Status != http.StatusOK || p.URL.Path != "/signin/challenge" || took > unhurried/2 {
				t.Fatalf("%d %s after %v", p.Status, p.URL, took)
			}
			here := p.URL.RequestURI()
			// Set-up by somebody else goes on as well.
			other := a.NewBrowser(t)
			p = a.Password(t, other, rp.AuthorizeURL(), "tanaka")
			form := "/signin/two-factor/email?flow=" + p.Flow()
			start = time.Now()
			if p = other.Submit(form, value("do", "send", "email", "t@example.jp")); p.Status != http.StatusOK || time.Since(start) > unhurried/2 {
				t.Errorf("send: %d %s after %v", p.Status, p.URL, time.Since(start))
			}
			// The resend takes back the code that still waits.
			awaitFailedAttempts(t, a)
			a.Clock.Advance(61 * time.Second)
			if p = b.Submit(here, value("do", "resend")); p.Status != http.StatusOK || p.URL.Path != "/signin/challenge" {
				t.Errorf("resend: %d %s", p.Status, p.URL)
			}
			if n := len(mails.Messages()); n != 0 {
				t.Fatalf("%d messages arrived at a server that is down", n)
			}

			awaitFailedAttempts(t, a)
			mails.Restart(t)
			a.Clock.Advance(time.Minute) // the pause before the next attempt
			code := awaitCodes(t, a, mails, "t@example.jp", 1)[0]
			if p = other.Submit(form, value("do", "verify", "email", "t@example.jp", "code", code)); p.URL.Path != "/signin/backup-codes" {
				t.Errorf("the code that waited: %d %s", p.Status, p.URL)
			}
			codes := awaitCodes(t, a, mails, address, 1)
			p = b.Submit(here, value("do", "verify", "code", codes[len(codes)-1]))
			if p.Location().Query().Get("code") == "" {
				t.Errorf("the code that was sent again: %d %s", p.Status, p.URL)
			}
			if len(codes) != 1 {
				t.Errorf("%d codes arrived, the voided one among them", len(codes))
			}
			if strings.Contains(a.Log.String(), `"status":500`) || strings.Contains(a.Log.String(), code) {
				t.Error("the log has a 500 or a code")
			}
		})
	}
}

// A mail server that is up but takes its time must not be felt on the pages either.
func TestMailServerSlow(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	mails := smtptest.Start(t, smtptest.Config{Data: func(int, smtptest.Message) error {
		select {
		case <-release:
			return nil
		case <-time.After(unhurried):
			return errors.New("gave up")
		}
	}})
	a := testapp.New(t, withMailServer(t, mails))
	rp := a.RelyingParty(t, "store")
	start := time.Now()
	for i := range 3 {
		p := a.Password(t, a.NewBrowser(t), rp.AuthorizeURL("state", fmt.Sprint(i)), "sato")
		if p.Status != http.StatusOK {
			t.Errorf("%d %s", p.Status, p.URL)
		}
	}
	if took := time.Since(start); took > unhurried/2 {
		t.Errorf("three sign-ins took %v", took)
	}
	close(release)
	a.Clock.Advance(time.Second)
	awaitCodes(t, a, mails, testapp.FactorAddress("sato"), 1)
}

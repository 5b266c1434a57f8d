package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/config"
	"github.com/futakagi/futakagi/internal/server"
)

// local is the least a server needs.
var local = []string{"FUTAKAGI_ISSUER=http://localhost:8080"}

// executeWith is execute with something on standard input.
func executeWith(t *testing.T, input string, args ...string) result {
	t.Helper()
	var out, errs bytes.Buffer
	a := &app{in: strings.NewReader(input), out: &out, err: &errs, environ: local}
	code := a.run(t.Context(), args)
	return result{code, out.String(), errs.String()}
}

func TestAccountCreate(t *testing.T) {
	t.Chdir(t.TempDir())
	create := []string{"account", "create", "--login-id", "operator", "--name", "管理者", "--email", "operator@example.jp"}
	if got := executeWith(t, "a long pass phrase\n", create...); got.code != exitConfig || !strings.Contains(got.err, "migrate up") {
		t.Errorf("no database: %+v", got)
	}
	if left, err := os.ReadDir("."); err != nil || len(left) != 0 {
		t.Errorf("a command in the wrong folder left %v behind: %v", left, err)
	}
	if got := execute(t, nil, "migrate", "up"); got.code != exitOK {
		t.Fatalf("migrate: %+v", got)
	}
	if got := executeWith(t, "a long pass phrase\n", create...); got.code != exitOK || !strings.Contains(got.out, "created operator account operator (") {
		t.Errorf("create: %+v", got)
	}
	if got := executeWith(t, "a long pass phrase\n", create...); got.code != exitUsage || !strings.Contains(got.err, "login_id: ") {
		t.Errorf("same login id: %+v", got)
	}
	for name, tt := range map[string]struct {
		input string
		args  []string
		says  string
	}{
		"no password":     {"", create, "no password"},
		"short password":  {"short\n", create, "password: "},
		"unknown kind":    {"a long pass phrase", append(create, "--kind", "admin"), "--kind is operator or store"},
		"unknown role":    {"a long pass phrase", append(create, "--role", "king"), "role: "},
		"no group":        {"a long pass phrase", append(create, "--kind", "store"), "--group"},
		"no customer":     {"a long pass phrase", append(create, "--kind", "store", "--group", "本社"), "--customer"},
		"not of a group":  {"a long pass phrase", append(create, "--group", "本社"), "for store accounts"},
		"bad address":     {"a long pass phrase", append(create, "--email", "nobody"), "mail"},
		"missing flag":    {"a long pass phrase", create[:4], "required flag"},
		"password a flag": {"", append(create, "--password", "x"), "unknown flag"},
	} {
		if got := executeWith(t, tt.input, tt.args...); got.code != exitUsage || !strings.Contains(got.err, tt.says) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("a long pass phrase\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := executeWith(t, "", "account", "create", "--login-id", "support", "--name", "s", "--email", "s@example.jp", "--role", "support", "--password-file", file); got.code != exitOK {
		t.Errorf("password file: %+v", got)
	}
	if got := executeWith(t, "", append(create, "--password-file", file+"x")...); got.code != exitFailure {
		t.Errorf("missing password file: %+v", got)
	}
}

// TestStoreAccountIsPlacedByNames: what an operator knows of a group is its customer's code and its name, not an id.
func TestStoreAccountIsPlacedByNames(t *testing.T) {
	t.Chdir(t.TempDir())
	if got := execute(t, nil, "migrate", "up"); got.code != exitOK {
		t.Fatalf("migrate: %+v", got)
	}
	command, err := server.OpenCommand(t.Context(), server.Config{DatabaseURL: "sqlite:futakagi.db", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = command.Close() }()
	for n := range 60 { // more than one page of codes that hold the one looked for
		made, err := command.Admin.CreateCustomer(t.Context(), admin.System(), account.CustomerInput{Code: fmt.Sprintf("A%03d-C-1", n), Name: "株式会社サンプル商事"})
		if err == nil && n == 0 {
			_, err = command.Admin.CreateUserGroup(t.Context(), admin.System(), made.ID, "支社")
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	made, err := command.Admin.CreateCustomer(t.Context(), admin.System(), account.CustomerInput{Code: "C-1", Name: "株式会社サンプル商事"})
	if err == nil {
		_, err = command.Admin.CreateUserGroup(t.Context(), admin.System(), made.ID, "本社")
	}
	if err != nil {
		t.Fatal(err)
	}
	create := []string{"account", "create", "--kind", "store", "--login-id", "buyer", "--name", "担当者", "--email", "buyer@example.jp"}
	if got := executeWith(t, "a long pass phrase\n", append(create, "--customer", "C-1", "--group", "本社")...); got.code != exitOK || !strings.Contains(got.out, "created store account buyer (") {
		t.Errorf("create: %+v", got)
	}
	if got := executeWith(t, "a long pass phrase\n", append(create, "--customer", "C-1", "--group", "支社")...); got.code != exitUsage || !strings.Contains(got.err, "it has: 本社") {
		t.Errorf("another customer's group: %+v", got)
	}
	if got := executeWith(t, "a long pass phrase\n", append(create, "--customer", "C-", "--group", "本社")...); got.code != exitUsage || !strings.Contains(got.err, "no customer") {
		t.Errorf("half a code: %+v", got)
	}
}

func TestClientCreateAndList(t *testing.T) {
	t.Chdir(t.TempDir())
	if got := execute(t, nil, "migrate", "up"); got.code != exitOK {
		t.Fatalf("migrate: %+v", got)
	}
	got := execute(t, local, "client", "create", "--id", "shop", "--name", "ストア", "--redirect-uri", "https://store.example.jp/callback")
	_, secret, found := strings.Cut(got.out, "client_secret: ")
	secret = strings.TrimSpace(secret)
	if got.code != exitOK || !found || len(secret) < 43 {
		t.Fatalf("create: %+v", got)
	}
	if got := execute(t, local, "client", "create", "--id", "app", "--auth-method", "none", "--redirect-uri", "jp.example.app:/callback"); got.code != exitOK || strings.Contains(got.out, "secret") {
		t.Errorf("public client: %+v", got)
	}
	if got := execute(t, local, "client", "create", "--id", "shop", "--redirect-uri", "https://store.example.jp/callback"); got.code != exitUsage || !strings.Contains(got.err, "id: invalid (is taken)") {
		t.Errorf("same id: %+v", got)
	}
	for name, args := range map[string][]string{
		"plain http":          {"--redirect-uri", "http://store.example.jp/callback"},
		"fragment":            {"--redirect-uri", "https://store.example.jp/callback#x"},
		"no redirect":         {},
		"unknown algorithm":   {"--redirect-uri", "https://a.example.jp/", "--id-token-alg", "HS256"},
		"unknown grant":       {"--redirect-uri", "https://a.example.jp/", "--grant-type", "password"},
		"unknown surface":     {"--redirect-uri", "https://a.example.jp/", "--surface", "shop"},
		"machine with no key": {"--grant-type", "client_credentials", "--auth-method", "none"},
		"odd id":              {"--id", "a b", "--redirect-uri", "https://a.example.jp/"},
	} {
		if got := execute(t, local, append([]string{"client", "create", "--id", "x"}, args...)...); got.code != exitUsage {
			t.Errorf("%s: %+v", name, got)
		}
	}
	list := execute(t, local, "client", "list", "--json")
	var rows []listed
	if err := json.Unmarshal([]byte(list.out), &rows); err != nil || len(rows) != 2 || rows[1].ID != "shop" || rows[1].RedirectURIs == nil {
		t.Errorf("list: %+v: %v", list, err)
	}
	if table := execute(t, local, "client", "list"); table.code != exitOK || !strings.Contains(table.out, "https://store.example.jp/callback") || strings.Contains(table.out, secret) {
		t.Errorf("table: %+v", table)
	}
}

// lockedBuffer is a stream that the server writes while the test reads.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// freeAddress returns an address nobody listens on right now.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func TestServe(t *testing.T) {
	t.Chdir(t.TempDir())
	public, management := freeAddress(t), freeAddress(t)
	environ := []string{"FUTAKAGI_ISSUER=http://" + public, "FUTAKAGI_LISTEN=" + public, "FUTAKAGI_MANAGEMENT_LISTEN=" + management}
	ctx, stop := context.WithCancel(t.Context())
	errs := &lockedBuffer{}
	done := make(chan int, 1)
	go func() { done <- (&app{out: errs, err: errs, environ: environ}).run(ctx, []string{"serve"}) }()

	deadline := time.Now().Add(20 * time.Second)
	for execute(t, environ, "healthcheck").code != exitOK {
		if time.Now().After(deadline) {
			stop()
			t.Fatalf("not healthy: %s", errs)
		}
		time.Sleep(20 * time.Millisecond)
	}
	response, err := http.Get("http://" + public + "/.well-known/openid-configuration")
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("discovery answers %s", response.Status)
	}

	// Beside the running server: commands may read and write, a second server may not start.
	if got := execute(t, environ, "client", "create", "--id", "shop", "--redirect-uri", "https://store.example.jp/cb"); got.code != exitOK {
		t.Errorf("client create beside the server: %+v", got)
	}
	if got := execute(t, environ, "serve"); got.code != exitFailure || !strings.Contains(got.err, "listen: "+public+" is already in use") {
		t.Errorf("same port: %+v", got)
	}
	second := append(environ, "FUTAKAGI_LISTEN=127.0.0.1:0", "FUTAKAGI_MANAGEMENT_LISTEN=localhost:0")
	if got := execute(t, second, "serve"); got.code != exitUnavailable || !strings.Contains(got.err, "database.url") {
		t.Errorf("same file: %+v", got)
	}

	stop()
	select {
	case code := <-done:
		if code != exitOK {
			t.Errorf("stopped with %d: %s", code, errs)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("did not stop")
	}
	key := "FUTAKAGI_MASTER_KEY=" + strings.Repeat("QUFB", 10) + "QUE="
	if got := execute(t, append(second, key), "serve"); got.code != exitConfig || !strings.Contains(got.err, "master_key: ") {
		t.Errorf("foreign master key: %+v", got)
	}
	away := append(second, key, "FUTAKAGI_DATABASE__URL=postgres://u:canary@127.0.0.1:1/f")
	if got := execute(t, away, "serve"); got.code != exitUnavailable || !strings.Contains(got.err, "database.url: ") || strings.Contains(got.err, "canary") {
		t.Errorf("no database: %+v", got)
	}
}

// TestServerConfigCarriesEverySetting fails when a setting is added and not
// handed on: each changed setting must change the parts list.
func TestServerConfigCarriesEverySetting(t *testing.T) {
	base := []string{"FUTAKAGI_ISSUER=https://id.example.jp", "FUTAKAGI_SMTP__HOST=smtp.example.jp", "FUTAKAGI_SMTP__FROM=a@example.jp"}
	parts := func(environ ...string) string {
		c, _, err := config.Load("", append(base, environ...), config.ForServe)
		if err != nil {
			t.Fatal(err)
		}
		s, err := serverConfig(t.Context(), c, nil)
		if err != nil {
			t.Fatal(err)
		}
		// What cannot be printed for comparison: functions, and what is behind an interface. Of the gateway, its kind can.
		gateway := fmt.Sprintf("%T", s.SMS)
		s.Now, s.Mailer, s.SMS = nil, nil, nil
		return fmt.Sprintf("%+v %s %s", s, s.Zone, gateway)
	}
	before := parts()
	for _, change := range []string{
		"ISSUER=https://login.example.jp", "ALLOWED_HOSTS=a.example.jp", "TRUSTED_PROXIES=10.0.0.0/8", "FORWARDED_HEADER=Forwarded",
		"DRAIN_DELAY=5s", "MASTER_KEY=" + strings.Repeat("QUFB", 10) + "QUE=", "TIME_ZONE=UTC", "LANGUAGE=en",
		"DATABASE__URL=sqlite:other.db", "DATABASE__MAX_CONNECTIONS=5",
		"SMTP__FROM=b@example.jp", "SMTP__FROM_NAME=x",
		"SMS__FROM=x", "SMS__COUNTRIES=JP,TW", "SMS__MAX_PER_DAY=1000", "SMS__MAX_PER_PREFIX_DAY=10",
		"BRAND__NAME=x", "BRAND__ACCOUNT_NAME_JA=x", "BRAND__ACCOUNT_NAME_EN=x", "BRAND__CONSOLE_NAME_JA=x", "BRAND__CONSOLE_NAME_EN=x",
		"BRAND__HELP_URL=https://x.example.jp", "BRAND__CONTACT_URL=https://x.example.jp", "BRAND__PRIVACY_URL=https://x.example.jp",
		"BRAND__FORGOT_URL=https://x.example.jp", "BRAND__MY_PAGE_URL=https://x.example.jp", "BRAND__ENVIRONMENT=demo",
		"SESSION__IDLE=2h", "SESSION__ABSOLUTE=20h", "SESSION__ADMIN_IDLE=10m", "SESSION__ADMIN_ABSOLUTE=10h", "FLOW__LIFETIME=20m",
		"TOKENS__CODE=30s", "TOKENS__ID=5m", "TOKENS__ACCESS=5m", "TOKENS__REFRESH=10d", "TOKENS__REFRESH_ABSOLUTE=60d",
		"PASSWORD__ARGON2_MEMORY_KIB=65536", "PASSWORD__ARGON2_ITERATIONS=3", "PASSWORD__MAX_CONCURRENT=3", "PASSWORD__QUEUE=3", "PASSWORD__MEMORY_BUDGET_MIB=100",
	} {
		if parts("FUTAKAGI_"+change) == before {
			t.Errorf("%s changes nothing in the server", change)
		}
	}
}

func TestServeUsesTheGatewayOfTheSettings(t *testing.T) {
	sid := strings.Repeat("0", 32)
	for want, environ := range map[string][]string{
		"<nil>":             nil,
		"*delivery.Twilio":  {"GATEWAY=twilio", "FROM=+815012345678", "TWILIO_ACCOUNT_SID=AC" + sid, "TWILIO_AUTH_TOKEN=x"},
		"*delivery.SNS":     {"GATEWAY=sns", "SNS_REGION=ap-northeast-1", "SNS_ACCESS_KEY_ID=x", "SNS_SECRET_ACCESS_KEY=x"},
		"*delivery.Webhook": {"GATEWAY=webhook", "WEBHOOK_URL=https://sms.example.jp", "WEBHOOK_SECRET=" + sid},
	} {
		all := []string{"FUTAKAGI_ISSUER=https://id.example.jp"}
		for _, one := range environ {
			all = append(all, "FUTAKAGI_SMS__"+one)
		}
		c, _, err := config.Load("", all, config.ForServe)
		if err != nil {
			t.Fatal(err)
		}
		parts, err := serverConfig(t.Context(), c, nil)
		if got := fmt.Sprintf("%T", parts.SMS); err != nil || got != want {
			t.Errorf("%v: %s, want %s, %v", environ, got, want, err)
		}
	}
	// An error names the section and the fix.
	_, err := newSMS(t.Context(), config.SMS{Gateway: config.GatewayWebhook, WebhookURL: "http://sms.example.jp/?key=canary"}, "")
	if err == nil || !strings.Contains(err.Error(), "sms: ") || strings.Contains(err.Error(), "canary") || exitCode(err) != exitConfig {
		t.Errorf("err = %v", err)
	}
}

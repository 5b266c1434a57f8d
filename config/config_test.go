package config

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

var update = flag.Bool("update", false, "rewrite the example file")

var testKey = base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32)))

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// problems renders each error as "key: problem", for comparing.
func problems(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	all, ok := errors.AsType[*Errors](err)
	if !ok {
		t.Fatalf("error is %T, want *Errors", err)
	}
	out := make([]string, len(all.List))
	for i, one := range all.List {
		if one.Fix == "" {
			t.Errorf("%s: no fix is named", one.Key)
		}
		out[i] = one.Key + ": " + one.Problem
	}
	return out
}

func TestPasskeyAddresses(t *testing.T) {
	for _, tt := range []struct {
		id, origins string
		want        []string
	}{
		{"", "", nil},
		{"example.jp", "https://id.example.jp,https://login.example.jp", nil},
		{"id.example.jp", "https://id.example.jp:8443", nil},
		{"example.com", "", []string{`passkey.rp_id: "example.com" is neither the issuer's host nor a parent domain of it`}},
		{"ample.jp", "", []string{`passkey.rp_id: "ample.jp" is neither the issuer's host nor a parent domain of it`}},
		{"", "https://other.example.jp", []string{`passkey.origins: entry "https://other.example.jp" is not an address below "id.example.jp"`}},
		{"", "https://id.example.jp/", []string{`passkey.origins: entry "https://id.example.jp/" is not an address below "id.example.jp"`}},
		{"", "id.example.jp", []string{`passkey.origins: entry "id.example.jp" is not an address below "id.example.jp"`}},
	} {
		env := []string{envPrefix + "ISSUER=https://id.example.jp"}
		if tt.id != "" {
			env = append(env, envPrefix+"PASSKEY__RP_ID="+tt.id)
		}
		if tt.origins != "" {
			env = append(env, envPrefix+"PASSKEY__ORIGINS="+tt.origins)
		}
		_, _, err := Load("", env)
		if diff := cmp.Diff(tt.want, problems(t, err)); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", tt.id, tt.origins, diff)
		}
	}
}

func TestDefaults(t *testing.T) {
	c, warnings, err := Load("", nil)
	if err != nil || len(warnings) != 0 {
		t.Fatalf("Load() = %v, %v", warnings, err)
	}
	want := map[string]any{
		"listen": ":8080", "url": "sqlite:futakagi.db", "path": "futakagi.db", "embedded": true,
		"idle": time.Hour, "absolute": 24 * time.Hour, "refresh": 30 * 24 * time.Hour, "code": time.Minute,
		"memory": 19456, "zone": "Asia/Tokyo",
	}
	got := map[string]any{
		"listen": c.Listen, "url": c.Database.URL.Reveal(), "path": c.Database.Path(), "embedded": c.Database.Embedded(),
		"idle": c.Session.Idle, "absolute": c.Session.Absolute, "refresh": c.Tokens.Refresh, "code": c.Tokens.Code,
		"memory": c.Password.Argon2MemoryKiB, "zone": c.Location().String(),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if c.MasterKey.IsSet() || c.Source("listen") != "default" {
		t.Errorf("master key %v, source %q", c.MasterKey, c.Source("listen"))
	}
}

func TestPrecedenceEnvironmentOverFileOverDefault(t *testing.T) {
	path := write(t, "f.yaml", "issuer: https://file.example.jp\nlisten: :1000\nsmtp:\n  host: smtp.example.jp\n  from: a@example.jp\nsession:\n")
	c, warnings, err := Load(path, []string{
		"FUTAKAGI_ISSUER=https://env.example.jp", "FUTAKAGI_SMTP__PORT=2525", "FUTAKAGI_SESSION__IDLE=30m",
		"FUTAKAGI_TRUSTED_PROXIES=10.0.0.0/8, fd00::/8", "FUTAKAGI_LISTEN=", "FUTAKAGI_CONFIG=x", "PATH=/bin",
	}, ForServe)
	if err != nil || len(warnings) != 0 {
		t.Fatalf("Load() = %v, %v", warnings, err)
	}
	got := []string{c.Issuer, c.Listen, c.SMTP.Host, fmt.Sprint(c.SMTP.Port), c.Session.Idle.String(), fmt.Sprint(c.TrustedProxies)}
	want := []string{"https://env.example.jp", ":1000", "smtp.example.jp", "2525", "30m0s", "[10.0.0.0/8 fd00::/8]"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	sources := []string{c.Source("issuer"), c.Source("listen"), c.Source("smtp.port"), c.Source("time_zone")}
	if diff := cmp.Diff([]string{"FUTAKAGI_ISSUER", "f.yaml", "FUTAKAGI_SMTP__PORT", "default"}, sources); diff != "" {
		t.Error(diff)
	}
}

func TestSecretsFromFiles(t *testing.T) {
	key := write(t, "key", testKey+"\n")
	other := write(t, "pw", "from file")
	path := write(t, "f.yaml", "smtp:\n  username: u\n  password_file: "+other+"\n")
	c, _, err := Load(path, []string{"FUTAKAGI_MASTER_KEY_FILE=" + key})
	if err != nil {
		t.Fatal(err)
	}
	if c.MasterKey.Reveal() != testKey || c.SMTP.Password.Reveal() != "from file" {
		t.Errorf("master key and password are not those of the files")
	}
	c, _, err = Load(path, []string{"FUTAKAGI_SMTP__PASSWORD=direct"})
	if err != nil || c.SMTP.Password.Reveal() != "direct" {
		t.Errorf("a variable must win over the file's password_file: %v", err)
	}
	_, _, err = Load("", []string{"FUTAKAGI_MASTER_KEY=" + testKey, "FUTAKAGI_MASTER_KEY_FILE=" + key, "FUTAKAGI_DATABASE__URL_FILE=/nowhere/at/all", "FUTAKAGI_SMTP__PASSWORD_FILE=" + write(t, "empty", "\n")})
	want := []string{
		"master_key: it is given both directly and as a file",
		"database.url: the file cannot be read: no such file or directory",
		"smtp.password: the file is empty",
	}
	if diff := cmp.Diff(want, problems(t, err)); diff != "" {
		t.Error(diff)
	}
	if strings.Contains(err.Error(), "/nowhere") {
		t.Error("the message quotes what was given as a path")
	}
}

func TestEverythingWrongIsReportedTogether(t *testing.T) {
	path := write(t, "f.yaml", `
isuer: https://id.example.jp
issuer: http://id.example.jp
listen: 8080
smtp.host: x
time_zone: Asia/Nowhere
trusted_proxies: [10.0.0.1]
smtp:
  hots: smtp.example.jp
  port: "twenty"
  tls: none
  host: smtp.example.jp
session:
  idle: 3600
  absolute: 2h
database: postgres://u:p@h/d
brand:
  name: {a: b}
log:
  level: loud
`)
	_, warnings, err := Load(path, []string{"FUTAKAGI_PASSWORD__QUEUE=0", "FUTAKAGI_PORT=tcp://10.0.0.1:80", "FUTAKAGI_SMPT__HOST=x"}, ForServe)
	want := []string{
		"database: it is a section and cannot have a value itself",
		"isuer: unknown setting",
		`"smtp.host": unknown setting`,
		"smtp.hots: unknown setting",
		"issuer: http is allowed only on a loopback host",
		"listen: it is not text",
		"trusted_proxies: it is not a list of networks",
		`time_zone: "Asia/Nowhere" is not a known time zone`,
		"smtp.port: it is not a whole number",
		"smtp.tls: mail without TLS is allowed only to a loopback host",
		"smtp.from: it is missing although smtp.host is set",
		"brand.name: it is a single setting and cannot have settings below it",
		"session.idle: it is not a duration",
		"password.queue: 0 is out of range",
		`log.level: "loud" is not known`,
	}
	got := problems(t, err)
	if diff := cmp.Diff(len(want), len(got)); diff != "" {
		t.Error(diff)
	}
	seen := map[string]bool{}
	for _, g := range got {
		seen[g] = true
	}
	for _, w := range want {
		if !seen[w] {
			t.Errorf("not reported: %s", w)
		}
	}
	if t.Failed() {
		t.Log(err)
	}
	var texts []string
	for _, w := range warnings {
		texts = append(texts, w.String())
	}
	wantWarnings := []string{
		"FUTAKAGI_PORT: no such setting; the variable is ignored (Kubernetes service link: set enableServiceLinks: false)",
		"FUTAKAGI_SMPT__HOST: no such setting; the variable is ignored (did you mean FUTAKAGI_SMTP__HOST?)",
	}
	if diff := cmp.Diff(wantWarnings, texts); diff != "" {
		t.Error(diff)
	}
	for _, part := range []string{"did you mean issuer?", "(FUTAKAGI_PASSWORD__QUEUE)", "(f.yaml)", "on lines of their own"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the message lacks %q:\n%v", part, err)
		}
	}
}

func TestServeNeeds(t *testing.T) {
	_, _, err := Load("", []string{"FUTAKAGI_DATABASE__URL=postgres://u:p@db/f"}, ForServe)
	want := []string{"issuer: it is missing", "master_key: it is missing, and with PostgreSQL it cannot be made by itself"}
	if diff := cmp.Diff(want, problems(t, err)); diff != "" {
		t.Error(diff)
	}
	if _, _, err := Load("", []string{"FUTAKAGI_DATABASE__URL=postgres://u:p@db/f"}); err != nil {
		t.Errorf("other commands need neither: %v", err)
	}
	_, warnings, err := Load("", []string{"FUTAKAGI_ISSUER=http://localhost:8080"}, ForServe)
	if err != nil || len(warnings) != 1 || warnings[0].Key != "smtp.host" {
		t.Errorf("SQLite needs no master key and no mail server only warns: %v, %v", warnings, err)
	}
}

func TestValues(t *testing.T) {
	tests := []struct {
		env string // one variable without prefix
		ok  bool
	}{
		{"ISSUER=https://id.example.jp", true},
		{"ISSUER=https://id.example.jp:8443", true},
		{"ISSUER=http://127.0.0.1:8080", true},
		{"ISSUER=http://[::1]:8080", true},
		{"ISSUER=http://id.localhost", false},
		{"ISSUER=https://id.example.jp/", false},
		{"ISSUER=https://id.example.jp/op", false},
		{"ISSUER=https://id.example.jp?x=1", false},
		{"ISSUER=https://id.example.jp?", false},
		{"ISSUER=https://id.example.jp#f", false},
		{"ISSUER=https://u:p@id.example.jp", false},
		{"ISSUER=https://ID.example.jp", false},
		{"ISSUER=https://id.example.jp:443", false},
		{"ISSUER=https://id.example.jp:", false},
		{"ISSUER=https://", false},
		{"ISSUER=id.example.jp", false},
		{"ISSUER=ftp://id.example.jp", false},
		{"ISSUER=http://localhost.example.jp", false},
		{"ISSUER=http://10.0.0.1", false},
		{"REGISTRATION__MODE=token", true},
		{"REGISTRATION__MODE=yes", false},
		{"REGISTRATION__SURFACE=admin", false},
		{"LISTEN=127.0.0.1:0", true},
		{"LISTEN=:99999", false},
		{"LISTEN=8080", false},
		{"LISTEN=:9090", false},
		{"ALLOWED_HOSTS=a.example.jp,localhost:8080", true},
		{"ALLOWED_HOSTS=https://a.example.jp", false},
		{"ALLOWED_HOSTS=*.example.jp", false},
		{"TRUSTED_PROXIES=10.0.0.0/8,::1/128", true},
		{"TRUSTED_PROXIES=0.0.0.0/0", false},
		{"TRUSTED_PROXIES=10.0.0.1", false},
		{"MASTER_KEY=" + testKey, true},
		{"MASTER_KEY=" + strings.TrimRight(testKey, "="), true},
		{"MASTER_KEY=c2hvcnQ=", false},
		{"MASTER_KEY=" + strings.Repeat("A", 43) + "=", false},
		{"MASTER_KEY=not base64 at all", false},
		{"TIME_ZONE=UTC", true},
		{"TIME_ZONE=Local", false},
		{"TIME_ZONE=../etc/passwd", false},
		{"DRAIN_DELAY=5s", true},
		{"DRAIN_DELAY=5m", false},
		{"LANGUAGE=en", true},
		{"LANGUAGE=fr", false},
		{"FORWARDED_HEADER=Forwarded", true},
		{"FORWARDED_HEADER=X-Real-IP", false},
		{"DATABASE__URL=sqlite:/data/f.db", true},
		{"DATABASE__URL=sqlite:", false},
		{"DATABASE__URL=sqlite::memory:", false},
		{"DATABASE__URL=sqlite:///data/f.db", false},
		{"DATABASE__URL=sqlite:f.db?x=1", false},
		{"DATABASE__URL=postgres://u:p@h:5432/d?sslmode=require", true},
		{"DATABASE__URL=postgres:///d?host=/run/postgresql", true},
		{"DATABASE__URL=postgres://u:p@h", false},
		{"DATABASE__URL=postgres://u:p%zz@h/d", false},
		{"DATABASE__URL=mysql://u:p@h/d", false},
		{"DATABASE__MAX_CONNECTIONS=1", false},
		{"DATABASE__MAX_CONNECTIONS=many", false},
		{"SMTP__PORT=0", false},
		{"SMTP__HOST=smtp.example.jp:25", false},
		{"SMTP__TLS=tls", false},
		{"SMTP__USERNAME=only", false},
		{"SMTP__PASSWORD=only", false},
		{"SMTP__FROM=a@example.jp", true},
		{"SMTP__FROM=Shop <a@example.jp>", false},
		{"SMTP__FROM=nobody", false},
		{"SMTP__FROM_NAME=a\nb", false},
		{"SMTP__TIMEOUT=10", false},
		{"SMTP__TIMEOUT=10m", false},
		{"SMS__GATEWAY=fax", false},
		{"SMS__GATEWAY=none", true},
		{"SMS__FROM=+815012345678", true},
		{"SMS__FROM=12345", true},
		{"SMS__FROM=Example 21", true},
		{"SMS__FROM=Example Store", false},
		{"SMS__FROM=+81 50", false},
		{"SMS__FROM=12", false},
		{"SMS__FROM=店", false},
		{"SMS__COUNTRIES=JP,TW,NO", true},
		{"SMS__COUNTRIES=JA", false},
		{"SMS__COUNTRIES=jp", false},
		{"SMS__COUNTRIES=EU", false},
		{"SMS__COUNTRIES=UK", false},
		{"SMS__COUNTRIES=JPN", false},
		{"SMS__COUNTRIES=,", false},
		{"SMS__MAX_PER_DAY=0", false},
		{"SMS__MAX_PER_DAY=99", false},
		{"SMS__MAX_PER_DAY=100", true},
		{"SMS__MAX_PER_PREFIX_DAY=0", false},
		{"SMS__TIMEOUT=30s", false},
		{"SMS__TIMEOUT=5s", true},
		{"SMS__TWILIO_ACCOUNT_SID=AC123", false},
		{"SMS__TWILIO_MESSAGING_SERVICE_SID=AC00000000000000000000000000000000", false},
		{"SMS__TWILIO_URL=http://api.twilio.com", false},
		{"SMS__TWILIO_URL=http://127.0.0.1:8080/twilio", true},
		{"SMS__SNS_REGION=tokyo", false},
		{"SMS__SNS_REGION=us-gov-west-1", true},
		{"SMS__SNS_ENDPOINT=http://sns.example.jp", false},
		{"SMS__SNS_ACCESS_KEY_ID=AKIA", false},
		{"SMS__SNS_SECRET_ACCESS_KEY=x", false},
		{"SMS__WEBHOOK_URL=https://sms.example.jp/in?a=b", true},
		{"SMS__WEBHOOK_URL=http://localhost:8025/api/sms", true},
		{"SMS__WEBHOOK_URL=http://localhost.example.jp", false},
		{"SMS__WEBHOOK_URL=https://u:p@sms.example.jp", false},
		{"SMS__WEBHOOK_URL=https://sms.example.jp/#a", false},
		{"SMS__WEBHOOK_URL=sms.example.jp", false},
		{"SMS__WEBHOOK_SECRET=short", false},
		{"BRAND__NAME=双鍵ストア", true},
		{"BRAND__ACCOUNT_NAME_EN=" + strings.Repeat("x", 61), false},
		{"BRAND__CONSOLE_NAME_JA=\u202eevil", false},
		{"BRAND__ENVIRONMENT=demo", true},
		{"BRAND__ENVIRONMENT=staging", false},
		{"BRAND__HELP_URL=https://www.example.jp/help?x=1", true},
		{"BRAND__HELP_URL=http://www.example.jp", false},
		{"BRAND__HELP_URL=javascript:alert(1)", false},
		{"BRAND__HELP_URL=mailto:a@example.jp", false},
		{"BRAND__CONTACT_URL=mailto:a@example.jp", true},
		{"SESSION__IDLE=2d", false},
		{"SESSION__IDLE=90m", true},
		{"SESSION__ADMIN_IDLE=5h", false},
		{"FLOW__LIFETIME=5m", false},
		{"TOKENS__CODE=2m", false},
		{"TOKENS__ID=1h", false},
		{"TOKENS__REFRESH=91d", false},
		{"TOKENS__REFRESH=1.5d", false},
		{"TOKENS__EMAIL_AMR=mca", true},
		{"TOKENS__EMAIL_AMR=otp", false},
		{"PASSWORD__ARGON2_MEMORY_KIB=7168", false},
		{"PASSWORD__ARGON2_MEMORY_KIB=65536", true},
		{"PASSWORD__ARGON2_ITERATIONS=1", false},
		{"PASSWORD__MEMORY_BUDGET_MIB=10", false},
		{"PASSWORD__MEMORY_BUDGET_MIB=512", true},
		{"PASSWORD__MIN_LENGTH=7", false},
		{"PASSWORD__MIN_LENGTH=64", true},
		{"PASSWORD__MIN_LENGTH=65", false},
		{"PASSWORD__MIN_LENGTH_ALONE=7", false},
		{"PASSWORD__MIN_LENGTH_ALONE=15", true},
		{"PASSWORD__MIN_LENGTH_ALONE=65", false},
		{"LOG__FORMAT=xml", false},
	}
	for _, tt := range tests {
		t.Run(tt.env, func(t *testing.T) {
			_, warnings, err := Load("", []string{envPrefix + tt.env})
			if len(warnings) > 0 {
				t.Errorf("warnings: %v", warnings)
			}
			if (err == nil) != tt.ok {
				t.Errorf("Load() error = %v, want ok %v", err, tt.ok)
			}
			if n := len(problems(t, err)); n > 1 {
				t.Errorf("one mistake is reported %d times: %v", n, err)
			}
		})
	}
}

func TestGatewaysNameWhatTheyNeed(t *testing.T) {
	token, long := write(t, "token", "canary-token\n"), write(t, "secret", strings.Repeat("canary", 10)+"\n")
	for _, tt := range []struct {
		name string
		env  []string
		want []string
	}{
		{"twilio", []string{"GATEWAY=twilio"}, []string{
			"sms.from: it is missing, and no sms.twilio_messaging_service_sid is set",
			"sms.twilio_account_sid: it is missing although sms.gateway asks for it",
			"sms.twilio_auth_token: it is missing although sms.gateway asks for it",
		}},
		{"twilio by number", []string{"GATEWAY=twilio", "FROM=+815012345678", "TWILIO_ACCOUNT_SID=AC00000000000000000000000000000000", "TWILIO_AUTH_TOKEN_FILE=" + token}, nil},
		{"twilio by service", []string{"GATEWAY=twilio", "TWILIO_MESSAGING_SERVICE_SID=MG00000000000000000000000000000000", "TWILIO_ACCOUNT_SID=AC00000000000000000000000000000000", "TWILIO_AUTH_TOKEN=x"}, nil},
		{"sns", []string{"GATEWAY=sns"}, []string{"sms.sns_region: it is missing although sms.gateway asks for it"}},
		{"sns by role", []string{"GATEWAY=sns", "SNS_REGION=ap-northeast-1"}, nil},
		{"sns by key", []string{"GATEWAY=sns", "SNS_REGION=ap-northeast-1", "SNS_ACCESS_KEY_ID=AKIA", "SNS_SECRET_ACCESS_KEY_FILE=" + token}, nil},
		{"webhook", []string{"GATEWAY=webhook"}, []string{
			"sms.webhook_url: it is missing although sms.gateway asks for it", "sms.webhook_secret: it is missing although sms.gateway asks for it",
		}},
		{"webhook in full", []string{"GATEWAY=webhook", "WEBHOOK_URL=https://sms.example.jp/in", "WEBHOOK_SECRET_FILE=" + long}, nil},
		{"webhook in the clear", []string{"GATEWAY=webhook", "WEBHOOK_URL=http://sms.example.jp/in?key=canary", "WEBHOOK_SECRET=canary"}, []string{
			"sms.webhook_url: http is allowed only to a loopback host", "sms.webhook_secret: it is too short to sign with",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var environ []string
			for _, one := range tt.env {
				environ = append(environ, envPrefix+"SMS__"+one)
			}
			c, warnings, err := Load("", environ)
			if diff := cmp.Diff(tt.want, problems(t, err)); diff != "" || len(warnings) > 0 {
				t.Errorf("%v\n%s", warnings, diff)
			}
			if strings.Contains(fmt.Sprint(err), "canary") || err == nil && strings.Contains(string(c.YAML()), "canary") {
				t.Error("a secret was printed")
			}
		})
	}
	c, _, err := Load("", nil)
	if err != nil || c.SMS.Gateway != GatewayNone || !cmp.Equal(c.SMS.Countries, []string{"JP"}) {
		t.Errorf("by default: %+v, %v", c, err)
	}
}

func TestFilesThatCannotBeUsed(t *testing.T) {
	const canary = "hunter2-canary"
	for name, text := range map[string]string{
		"tab":     "smtp:\n\thost: x\n",
		"scalar":  canary,
		"list":    "- " + canary,
		"anchor":  "smtp:\n  password: *" + canary + "\n",
		"twice":   "listen: :1\nlisten: :2\n",
		"control": "a: \x00" + canary,
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := Load(write(t, "f.yaml", text), nil)
			if len(problems(t, err)) != 1 || strings.Contains(err.Error(), canary) {
				t.Errorf("error = %v", err)
			}
		})
	}
	for _, path := range []string{filepath.Join(t.TempDir(), "missing.yaml"), t.TempDir(), write(t, "large", strings.Repeat("#", maxConfigFile+1))} {
		if _, _, err := Load(path, nil); len(problems(t, err)) != 1 {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, _, err := Load(write(t, "empty.yaml", ""), nil); err != nil {
		t.Errorf("an empty file is fine: %v", err)
	}
}

func TestSecretCannotBePrinted(t *testing.T) {
	const canary = "canary-3f9a"
	s := NewSecret(canary)
	hidden := struct{ inner struct{ s Secret } }{struct{ s Secret }{s}}
	c := &Config{MasterKey: s, Database: Database{URL: s}, SMTP: SMTP{Password: s}, SMS: SMS{TwilioAuthToken: s, SNSSecretAccessKey: s, WebhookSecret: s}}

	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"} {
		fmt.Fprintf(&out, verb+verb+verb+verb+verb+"\n", s, &s, *c, c, hidden)
	}
	fmt.Fprintln(&out, s.String(), s.GoString(), s, c, map[string]any{"s": s}, []Secret{s}, errors.Join(fmt.Errorf("x: %v", s)))
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("m", "s", s, "c", c, "db", c.Database, "hidden", hidden)
	}
	for _, v := range []any{s, c, hidden, map[string]any{"s": &s}} {
		j, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(j)
	}
	y, err := yaml.Marshal(map[string]any{"s": s, "db": c.Database})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(y)
	out.Write(c.YAML())
	if strings.Contains(out.String(), canary) || strings.Contains(out.String(), fmt.Sprintf("%x", canary)) {
		t.Errorf("a secret was printed:\n%s", out.String())
	}
	if !strings.Contains(out.String(), redacted) || s.Reveal() != canary {
		t.Error("the secret is neither marked nor readable")
	}
}

func TestExample(t *testing.T) {
	const path = "futakagi.example.yaml"
	got := Example()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s is stale; run go test ./config -run TestExample -update\n%s", path, diff)
	}
	c, _, err := Load(path, nil, ForServe)
	if err != nil {
		t.Fatalf("the example does not load: %v", err)
	}
	c.Issuer = ""
	defaults, _, err := Load("", nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(defaults.YAML()), strings.ReplaceAll(string(c.YAML()), "# "+path, "# default")); diff != "" {
		t.Errorf("the example changes a default:\n%s", diff)
	}
	// Taking every comment mark before a setting away must leave a valid file too.
	full := uncomment(string(got))
	_, _, err = Load(write(t, "full.yaml", full), []string{"FUTAKAGI_MASTER_KEY=" + testKey, "FUTAKAGI_SMTP__PASSWORD=x", "FUTAKAGI_SMS__SNS_SECRET_ACCESS_KEY=x"}, ForServe)
	if err != nil || !strings.Contains(full, "\n  password: ") {
		t.Errorf("the samples are not valid: %v", err)
	}
}

// uncomment turns "# key: value" into "key: value" for known settings.
func uncomment(text string) string {
	leaves := map[string]bool{}
	for _, s := range newSchema().settings {
		leaves[s.key[strings.LastIndex(s.key, ".")+1:]] = true
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		body := strings.TrimLeft(line, " ")
		rest, ok := strings.CutPrefix(body, "# ")
		name, _, found := strings.Cut(rest, ":")
		if ok && found && leaves[name] {
			lines[i] = line[:len(line)-len(body)] + rest
		}
	}
	return strings.Join(lines, "\n")
}

func TestEverySettingIsDocumented(t *testing.T) {
	for _, s := range newSchema().settings {
		if s.doc == "" {
			t.Errorf("%s has no doc tag", s.key)
		}
		if strings.Count(s.key, ".") > 1 {
			t.Errorf("%s is nested deeper than one section", s.key)
		}
	}
	for _, s := range newSchema().sections {
		if s.doc == "" {
			t.Errorf("section %s has no doc tag", s.name)
		}
	}
}

func TestFormatDurationReadsBack(t *testing.T) {
	for _, d := range []time.Duration{0, time.Millisecond, time.Second, 60 * time.Second, 15 * time.Minute, 90 * time.Minute, time.Hour, 24 * time.Hour, 36 * time.Hour, 30 * 24 * time.Hour, time.Hour + time.Second} {
		back, err := parseDuration(formatDuration(d))
		if err != nil || back != d {
			t.Errorf("%v → %q → %v, %v", d, formatDuration(d), back, err)
		}
	}
}

// FuzzLoad feeds arbitrary files and variables to the loader: it must not panic,
// must report through *Errors only, and must not repeat a secret.
func FuzzLoad(f *testing.F) {
	f.Add([]byte("issuer: https://id.example.jp\nsmtp:\n  password: X\n"), "SMTP__PORT=25", "s3cr3t-value")
	f.Add([]byte("master_key: [1, {a: b}]\n? [x]\n: y\n"), "MASTER_KEY_FILE=/key", "aaaaaaaaaaaaaaaaaaaa")
	f.Add([]byte("a: &a [*a]\nsmtp: &b {<<: *b}\n"), "TRUSTED_PROXIES=,,", "postgres://u:p%@h/d")
	f.Add([]byte("database: {url: !!binary aGVsbG8=}\nsession: {idle: 1e9, absolute: 2020-01-01}"), "ISSUER=http://[::1", "%x%s%n")
	f.Fuzz(func(t *testing.T, file []byte, variable, secret string) {
		if strings.ContainsRune(secret, 0) {
			t.Skip("no variable of the environment can hold NUL")
		}
		// The mark makes the secret impossible to confuse with text of the message.
		secret = "«canary»" + secret
		environ := []string{
			envPrefix + variable,
			"FUTAKAGI_MASTER_KEY=" + secret, "FUTAKAGI_DATABASE__URL=" + secret, "FUTAKAGI_SMTP__PASSWORD_FILE=" + secret,
		}
		l := &loader{schema: newSchema(), sources: map[string]string{}, bad: map[string]bool{}}
		l.readFile = func(path string, _ int64) ([]byte, error) {
			switch path {
			case "config":
				return file, nil
			case secret:
				return nil, &os.PathError{Op: "open", Path: path, Err: os.ErrNotExist}
			}
			return []byte(secret), nil
		}
		c, warnings, err := l.load("config", environ, []Need{ForServe})
		text := fmt.Sprint(warnings, err)
		if strings.Contains(text, "«canary»") && !strings.Contains(string(file)+variable, "canary") {
			t.Errorf("a message repeats a secret: %s", text)
		}
		if err == nil {
			t.Fatalf("a bad master key was accepted: %+v", c)
		}
		if reflect.TypeOf(err) != reflect.TypeFor[*Errors]() {
			t.Fatalf("error is %T", err)
		}
	})
}

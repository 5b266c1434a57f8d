package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// result is what one command line left behind.
type result struct {
	code     int
	out, err string
}

func execute(t *testing.T, environ []string, args ...string) result {
	t.Helper()
	var out, errs bytes.Buffer
	a := &app{in: strings.NewReader(""), out: &out, err: &errs, environ: environ}
	code := a.run(t.Context(), args)
	return result{code, out.String(), errs.String()}
}

func TestExitCodes(t *testing.T) {
	t.Chdir(t.TempDir())
	issuer := "FUTAKAGI_ISSUER=http://localhost:8080"
	tests := []struct {
		name    string
		environ []string
		args    []string
		code    int
		says    string // on either stream
	}{
		{"help", nil, nil, exitOK, "Usage:"},
		{"unknown command", nil, []string{"sevre"}, exitUsage, "unknown command"},
		{"unknown flag", nil, []string{"version", "--yaml"}, exitUsage, "unknown flag"},
		{"surplus argument", nil, []string{"config", "check", "x"}, exitUsage, "unknown command"},
		{"valid configuration", []string{issuer}, []string{"config", "check"}, exitOK, "valid"},
		{"missing setting", nil, []string{"config", "check"}, exitConfig, "issuer: it is missing; write"},
		{"missing file", []string{issuer}, []string{"config", "check", "--config", "none.yaml"}, exitConfig, "none.yaml"},
		{"file named by variable", []string{issuer, "FUTAKAGI_CONFIG=none.yaml"}, []string{"config", "print"}, exitConfig, "none.yaml"},
		{"unknown variable", []string{issuer, "FUTAKAGI_PORT=tcp://10.0.0.1:80"}, []string{"config", "check"}, exitOK, "warning: FUTAKAGI_PORT"},
		{"nobody listens", nil, []string{"healthcheck", "--url", "http://127.0.0.1:1/livez"}, exitFailure, "does not answer"},
		{"bad address", nil, []string{"healthcheck", "--url", "http://[::1"}, exitUsage, "not an address"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := execute(t, tt.environ, tt.args...)
			if got.code != tt.code || !strings.Contains(got.out+got.err, tt.says) {
				t.Errorf("got %+v, want code %d and %q", got, tt.code, tt.says)
			}
		})
	}
}

func TestConfigPrintRedacts(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile(defaultConfig, []byte("issuer: http://localhost:8080\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := execute(t, []string{"FUTAKAGI_DATABASE__URL=postgres://u:canary@db/f"}, "config", "print")
	if got.code != exitOK || strings.Contains(got.out, "canary") ||
		!strings.Contains(got.out, "# FUTAKAGI_DATABASE__URL") || !strings.Contains(got.out, "issuer: http://localhost:8080 # "+defaultConfig) {
		t.Errorf("got %+v", got)
	}
}

func TestConfigExampleIsAcceptedByCheck(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.yaml")
	if err := os.WriteFile(path, []byte(execute(t, nil, "config", "example").out), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := execute(t, nil, "config", "check", "-c", path); got.code != exitOK {
		t.Errorf("got %+v", got)
	}
}

func TestMigrate(t *testing.T) {
	t.Chdir(t.TempDir())
	if got := execute(t, nil, "migrate", "status"); got.code != exitConfig || !strings.Contains(got.err, "no such database file") {
		t.Errorf("no file: %+v", got)
	}
	if err := os.WriteFile("futakagi.db", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := execute(t, nil, "migrate", "status"); got.code != exitConfig || !strings.Contains(got.out, "pending 0001") || !strings.Contains(got.err, "run futakagi migrate up") {
		t.Errorf("empty: %+v", got)
	}
	nowhere := []string{"FUTAKAGI_DATABASE__URL=sqlite:none/f.db"}
	if got := execute(t, nowhere, "migrate", "up"); got.code != exitConfig || !strings.Contains(got.err, "database.url: ") || !strings.Contains(got.err, "create the folder") {
		t.Errorf("no folder: %+v", got)
	}
	if got := execute(t, nil, "migrate", "up"); got.code != exitOK || !strings.Contains(got.out, "applied 0001") {
		t.Errorf("first: %+v", got)
	}
	if got := execute(t, nil, "migrate", "up"); got.code != exitOK || !strings.Contains(got.out, "up to date") {
		t.Errorf("second: %+v", got)
	}
	var at, wanted int
	got := execute(t, nil, "migrate", "status")
	if _, err := fmt.Sscanf(got.out, "database %d, program %d", &at, &wanted); err != nil || got.code != exitOK || at < 2 || at != wanted {
		t.Errorf("status: %+v, %v", got, err)
	}
	away := []string{"FUTAKAGI_DATABASE__URL=postgres://u:canary@127.0.0.1:1/f"}
	if got := execute(t, away, "migrate", "up"); got.code != exitUnavailable || strings.Contains(got.err, "canary") {
		t.Errorf("no database: %+v", got)
	}
}

func TestVersionJSON(t *testing.T) {
	got := execute(t, nil, "version", "--json")
	var b build
	if err := json.Unmarshal([]byte(got.out), &b); err != nil || b.Version == "" || b.Go == "" {
		t.Errorf("got %+v: %v", got, err)
	}
}

func TestHealthcheck(t *testing.T) {
	var status atomic.Int32
	status.Store(http.StatusOK)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/livez" {
			status.Store(http.StatusNotFound)
		}
		w.WriteHeader(int(status.Load()))
	}))
	defer server.Close()
	environ := []string{"FUTAKAGI_MANAGEMENT_LISTEN=" + strings.TrimPrefix(server.URL, "http://")}
	if got := execute(t, environ, "healthcheck"); got.code != exitOK {
		t.Errorf("alive: %+v", got)
	}
	status.Store(http.StatusServiceUnavailable)
	if got := execute(t, environ, "healthcheck"); got.code != exitFailure || !strings.Contains(got.err, "503") {
		t.Errorf("dead: %+v", got)
	}
}

func TestLivezURL(t *testing.T) {
	for address, want := range map[string]string{
		":9090":          "http://127.0.0.1:9090/livez",
		"0.0.0.0:9090":   "http://127.0.0.1:9090/livez",
		"[::]:9090":      "http://[::1]:9090/livez",
		"10.1.2.3:9090":  "http://10.1.2.3:9090/livez",
		"localhost:9090": "http://localhost:9090/livez",
	} {
		if got := livezURL(address); got != want {
			t.Errorf("livezURL(%q) = %q, want %q", address, got, want)
		}
	}
}

func TestPanicIsAnInternalError(t *testing.T) {
	var errs bytes.Buffer
	a := &app{err: &errs, out: panicWriter{}}
	if code := a.run(t.Context(), []string{"version"}); code != exitInternal || !strings.Contains(errs.String(), "internal error") {
		t.Errorf("code %d: %s", code, errs.String())
	}
}

type panicWriter struct{}

func (panicWriter) Write([]byte) (int, error) { panic("boom") }

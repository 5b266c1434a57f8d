package main

import (
	"database/sql"
	"encoding/json"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/internal/server"
)

// TestAuditCommands goes through the life of a log: written, listed, exported, signed, and changed behind its back.
func TestAuditCommands(t *testing.T) {
	t.Chdir(t.TempDir())
	c := server.Defaults()
	c.Issuer, c.DatabaseURL, c.Logger = "http://localhost:8080", "sqlite:futakagi.db", slog.New(slog.DiscardHandler)
	c.Hashing = account.HasherConfig{MemoryKiB: 64, Iterations: 1}
	s, err := server.New(t.Context(), c) // makes the keys
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if got := executeWith(t, "a long pass phrase\n", "account", "create", "--login-id", "operator", "--name", "管理者", "--email", "operator@example.jp"); got.code != exitOK {
		t.Fatalf("%+v", got)
	}
	if got := execute(t, nil, "audit", "list", "--kind", "account"); got.code != exitOK || !strings.Contains(got.out, "account.create") || !strings.Contains(got.out, "operator") {
		t.Errorf("list: %+v", got)
	}
	for _, format := range []string{"csv", "ndjson"} {
		if got := execute(t, nil, "audit", "export", "--format", format, "--output", "export."+format); got.code != exitOK || !strings.Contains(got.out, "wrote ") {
			t.Errorf("export: %+v", got)
		}
		if got := execute(t, nil, "audit", "verify", "export."+format); got.code != exitOK || !strings.Contains(got.out, "signed by key ") {
			t.Errorf("verify export: %+v", got)
		}
		if got := execute(t, nil, "audit", "export", "--format", format, "--output", "export."+format); got.code != exitUsage {
			t.Errorf("a file was written over: %+v", got)
		}
		text, err := os.ReadFile("export." + format)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("changed", []byte(strings.Replace(string(text), "operator", "nobody", 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := execute(t, nil, "audit", "verify", "changed"); got.code != exitFailure || !strings.Contains(got.err, "not what was exported") {
			t.Errorf("verify a changed export: %+v", got)
		}
	}
	signed := execute(t, nil, "audit", "checkpoint")
	if signed.code != exitOK || strings.Count(signed.out, "\n") != 1 {
		t.Errorf("checkpoint: %+v", signed)
	}
	if err := os.WriteFile("kept", []byte(signed.out), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := execute(t, nil, "audit", "verify", "--checkpoints", "kept"); got.code != exitOK || !strings.Contains(got.out, " 0 findings") || !strings.Contains(got.out, "signed by key ") {
		t.Errorf("verify: %+v", got)
	}
	for _, args := range [][]string{
		{"audit", "sweep", "--keep", "1h"},
		{"audit", "export", "--format", "xml"},
		{"audit", "verify", "nothing"},
		{"audit", "verify", "--checkpoints", "nothing"},
	} {
		if got := execute(t, nil, args...); got.code != exitUsage {
			t.Errorf("%v: %+v", args, got)
		}
	}
	if got := execute(t, nil, "audit", "sweep", "--keep", "24h"); got.code != exitOK || got.out != "removed 0 rows\n" {
		t.Errorf("sweep: %+v", got)
	}
	if got := execute(t, nil, "migrate", "grant", "--role", "x"); got.code != exitFailure || !strings.Contains(got.err, "SQLite has no roles") {
		t.Errorf("grant: %+v", got)
	}

	db, err := sql.Open("sqlite", "file:futakagi.db?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for _, s := range []string{"DROP TRIGGER audit_events_update", "UPDATE audit_events SET actor_name = 'nobody' WHERE type = 'account.create'"} {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	if got := execute(t, nil, "audit", "verify"); got.code != exitFailure || !strings.Contains(got.out, "changed") || !strings.Contains(got.out, "row 1") {
		t.Errorf("verify a changed log: %+v", got)
	}
	var out checked
	got := execute(t, nil, "audit", "verify", "--json")
	if err := json.Unmarshal([]byte(got.out), &out); err != nil || out.Whole || out.Findings != 1 || out.Found[0].Problem != "changed" || out.Rows < 3 {
		t.Errorf("as JSON: %+v, %v", got, err)
	}
}

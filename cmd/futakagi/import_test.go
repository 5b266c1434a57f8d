package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/futakagi/futakagi/account"
)

// put writes a file into the test's folder.
func put(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// The page that explains the format is right about it.
func TestDocumentedImport(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "import.md"))
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	t.Chdir(t.TempDir())
	if got := execute(t, local, "migrate", "up"); got.code != exitOK {
		t.Fatalf("migrate: %+v", got)
	}
	put(t, "people.csv", fences(t, page, "csv")[0])
	put(t, "people.ndjson", fences(t, page, "ndjson")[0])
	for line := range strings.Lines(fences(t, page, "sh")[0]) {
		if got := execute(t, local, strings.Fields(line)[1:]...); got.code != exitOK {
			t.Errorf("%s: %+v", line, got)
		}
	}
	if got := execute(t, local, "account", "import", "people.ndjson"); got.code != exitOK || got.out != "imported 1 rows: 1 created, 0 updated, 0 unchanged, 0 refused\n" {
		t.Errorf("NDJSON: %+v", got)
	}
	if got := execute(t, local, "account", "import", "people-again.csv"); got.code != exitOK || got.out != "imported 3 rows: 0 created, 0 updated, 3 unchanged, 0 refused\n" {
		t.Errorf("the export: %+v", got)
	}
	for _, column := range account.RecordColumns() {
		name := strings.TrimSuffix(strings.TrimSuffix(column, "_2"), "_3")
		if !strings.Contains(page, "`"+name+"`") {
			t.Errorf("the page does not explain %s", column)
		}
	}
}

func TestAccountImport(t *testing.T) {
	t.Chdir(t.TempDir())
	if got := execute(t, local, "account", "import", "missing.csv"); got.code != exitUsage {
		t.Errorf("no file: %+v", got)
	}
	if got := execute(t, local, "migrate", "up"); got.code != exitOK {
		t.Fatalf("migrate: %+v", got)
	}
	const head = "customer_code,customer_name,user_group,login_id,display_name,registered_email,method,verified_at,totp_secret\n"
	good := head + "C-1,見本,本社,one,一郎,one@example.jp,,,\n"
	put(t, "bad.csv", good+"C-1,,本社,t w o,二郎,canary,,,\nC-1,,本社,app,三郎,app@example.jp,app,2025-09-03 10:00:00,JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\n")
	for name, tt := range map[string]struct {
		input string
		args  []string
		code  int
		says  string
	}{
		"no format":       {good, []string{"-"}, exitUsage, "--format is csv or ndjson"},
		"no encoding":     {good, []string{"bad.csv", "--encoding", "latin1"}, exitUsage, "--encoding is"},
		"broken":          {good + `"`, []string{"-", "--format", "csv"}, exitData, "nothing was taken: line 3"},
		"Shift_JIS":       {head + "C-1,\x8c\xa9\x96{,x,one,x,one@example.jp,,,\n", []string{"-", "--format", "csv"}, exitData, "--encoding shift_jis"},
		"rows refused":    {"", []string{"bad.csv", "--dry-run"}, exitData, "line 3, login_id (5 characters, ASCII): Use letters"},
		"without the key": {"", []string{"bad.csv", "--dry-run"}, exitData, "Without the master key"},
		"report nowhere":  {"", []string{"bad.csv", "--report", "no/such/file"}, exitUsage, "no such file"},
	} {
		got := executeWith(t, tt.input, append([]string{"account", "import"}, tt.args...)...)
		if got.code != tt.code || !strings.Contains(got.err, tt.says) || strings.Contains(got.err+got.out, "canary") {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if got := executeWith(t, good, "account", "import", "-", "--format", "csv", "--dry-run"); got.code != exitOK || got.out != "would import 1 rows: 1 created, 0 updated, 0 unchanged, 0 refused\n" {
		t.Errorf("dry run: %+v", got)
	}
	got := execute(t, local, "account", "import", "bad.csv", "--report", "report.ndjson")
	if got.code != exitData || got.out != "imported 3 rows: 1 created, 0 updated, 0 unchanged, 2 refused\n" {
		t.Errorf("import: %+v", got)
	}
	report, err := os.ReadFile("report.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(report)), "\n")
	var first struct {
		Line                     int
		Row, Column, Value, Text string
	}
	if err := json.Unmarshal([]byte(lines[0]), &first); err != nil || len(lines) != 3 || first.Line != 3 || first.Row != "refused" || first.Column != "login_id" || first.Text == "" || strings.Contains(string(report), "canary") {
		t.Errorf("report %s: %+v, %v", report, first, err)
	}
	if info, err := os.Stat("report.ndjson"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("report: %v, %v", info, err)
	}
	if got := execute(t, local, "account", "import", "bad.csv", "--report", "report.txt"); got.code != exitData || !strings.Contains(got.out, "1 unchanged") {
		t.Errorf("again: %+v", got)
	}
	if report, err := os.ReadFile("report.txt"); err != nil || !strings.HasPrefix(string(report), "line\trow\tcolumn\tvalue\treason\n3\trefused\tlogin_id\t") {
		t.Errorf("report %s, %v", report, err)
	}
	got = execute(t, local, "account", "export")
	if got.code != exitOK || !strings.Contains(got.out, "C-1,見本,本社,store,one,一郎,one@example.jp,buyer,,use,") || got.err != "exported 1 accounts\n" {
		t.Errorf("export: %+v", got)
	}
	if got := execute(t, local, "account", "export", "-o", "out.ndjson"); got.code != exitOK {
		t.Errorf("export: %+v", got)
	}
	if got := execute(t, local, "account", "export", "-o", "out.ndjson"); got.code != exitUsage {
		t.Errorf("export over a file: %+v", got)
	}
	if text, err := os.ReadFile("out.ndjson"); err != nil || !strings.HasPrefix(string(text), `{"customer_code":"C-1",`) {
		t.Errorf("export %s, %v", text, err)
	}
}

// TestProgressIsShownToPeopleAlone: how far an import is, is for whoever sits before a terminal, and nothing for a log.
func TestProgressIsShownToPeopleAlone(t *testing.T) {
	var screen, log strings.Builder
	b := newBar(&log, "rows")
	b.show(5, 10)
	b.end()
	if log.Len() > 0 {
		t.Errorf("a log has %q", log.String())
	}
	b.to = &screen
	b.show(5, 10)
	b.show(10, 10)
	b.end()
	lines := strings.Split(screen.String(), "\r")
	if len(lines) != 3 || !strings.HasPrefix(lines[1], "["+strings.Repeat("#", 15)+strings.Repeat(".", 15)+"]  50 % 5/10 rows, ") ||
		!strings.HasPrefix(lines[2], "["+strings.Repeat("#", 30)+"] 100 % 10/10 rows, ") || !strings.HasSuffix(screen.String(), "/s \n") {
		t.Errorf("%q", screen.String())
	}
}

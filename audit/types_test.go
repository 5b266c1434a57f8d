package audit_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestEveryTypeIsWritten guards the catalogue: what it names happens somewhere, and nothing is written that it does not name.
func TestEveryTypeIsWritten(t *testing.T) {
	declared := regexp.MustCompile(`(?m)^\t(\w+)\s+Type = "([^"]+)"`)
	source, err := os.ReadFile("audit.go")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	err = filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, "audit/audit.go") {
			return err
		}
		text, err := os.ReadFile(path)
		all.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	types := declared.FindAllStringSubmatch(string(source), -1)
	if len(types) < 40 {
		t.Fatalf("found only %d types", len(types))
	}
	values := map[string]string{}
	for _, m := range types {
		name, value := m[1], m[2]
		if values[value] != "" {
			t.Errorf("%s and %s are both %q", name, values[value], value)
		}
		values[value] = name
		if !regexp.MustCompile(`\b(audit\.)?` + name + `\b`).MatchString(all.String()) {
			t.Errorf("nothing writes %s", name)
		}
	}
	// The console's filter knows kinds by the first four characters, which an index holds.
	kinds := map[string]string{}
	for value := range values {
		kind, _, _ := strings.Cut(value, ".")
		if begin := value[:4]; len(kind) < 3 || kinds[begin] != "" && kinds[begin] != kind {
			t.Errorf("the kind %q is too short, or begins as %q does", kind, kinds[begin])
		} else {
			kinds[begin] = kind
		}
	}
	// Types are named, never spelled out.
	if found := regexp.MustCompile(`audit\.Type\("|Type:\s+"[a-z0-9_]+\.[a-z_]+"`).FindString(all.String()); found != "" {
		t.Errorf("a type is spelled out: %s", found)
	}
}

package futakagi_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// documents are the pages a reader meets.
func documents(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	if len(all) < 5 {
		t.Fatalf("found only %v", all)
	}
	return all
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestDocumentsLinkToWhatExists follows every link that stays in the repository.
func TestDocumentsLinkToWhatExists(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for _, document := range documents(t) {
		for _, m := range link.FindAllStringSubmatch(read(t, document), -1) {
			target, _, _ := strings.Cut(m[1], "#")
			if target == "" || strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(document), target)); err != nil {
				t.Errorf("%s links to %s: %v", document, m[1], err)
			}
		}
	}
}

// TestDocumentsNameRealFiles checks the packages in the map's table, and the files that the text of any page names.
func TestDocumentsNameRealFiles(t *testing.T) {
	quoted := regexp.MustCompile("`([^`\\s]+)`")
	rows := 0
	for line := range strings.Lines(read(t, "docs/architecture.md")) {
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		rows++
		for _, m := range quoted.FindAllStringSubmatch(strings.Split(line, "|")[1], -1) {
			if info, err := os.Stat(m[1]); err != nil || !info.IsDir() {
				t.Errorf("docs/architecture.md has a package %s, which does not exist", m[1])
			}
		}
	}
	if rows < 10 {
		t.Errorf("found only %d rows of packages", rows)
	}

	file := regexp.MustCompile(`^[\w.-]+(/[\w.-]+)+\.(go|md|sql|yaml)$`)
	for _, document := range documents(t) {
		for _, m := range quoted.FindAllStringSubmatch(read(t, document), -1) {
			if _, err := os.Stat(m[1]); err != nil && file.MatchString(m[1]) {
				t.Errorf("%s names %s, which does not exist", document, m[1])
			}
		}
	}
}

// TestDocumentsNameRealTests: what a page says a test shows, a test of that name shows.
func TestDocumentsNameRealTests(t *testing.T) {
	tests := map[string]bool{}
	function := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err == nil && entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == ".git"):
			return filepath.SkipDir
		case err != nil || !strings.HasSuffix(path, "_test.go"):
			return err
		}
		for _, m := range function.FindAllStringSubmatch(read(t, path), -1) {
			tests[m[1]] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	named, quoted := 0, regexp.MustCompile("`(Test\\w+)`")
	for _, document := range documents(t) {
		for _, m := range quoted.FindAllStringSubmatch(read(t, document), -1) {
			if named++; !tests[m[1]] {
				t.Errorf("%s names %s, which does not exist", document, m[1])
			}
		}
	}
	if named < 10 {
		t.Errorf("found only %d names of tests", named)
	}
}

// TestMakefileRunsWhatExists asks make what each target would run, and looks for its scripts and packages.
func TestMakefileRunsWhatExists(t *testing.T) {
	if _, err := exec.LookPath("make"); err != nil {
		t.Skip("make is not installed")
	}
	path := regexp.MustCompile(`(?:^|\s)(\./[\w/.-]+|\.ci/[\w-]+)`)
	targets := regexp.MustCompile(`(?m)^\.PHONY: (\S+)$`).FindAllStringSubmatch(read(t, "Makefile"), -1)
	if len(targets) < 5 {
		t.Fatalf("found only %v", targets)
	}
	for _, target := range targets {
		out, err := exec.Command("make", "--dry-run", "--no-print-directory", target[1]).CombinedOutput()
		if err != nil {
			t.Errorf("make %s: %v\n%s", target[1], err, out)
		}
		for _, m := range path.FindAllStringSubmatch(string(out), -1) {
			name := strings.TrimSuffix(m[1], "/...")
			if _, err := os.Stat(name); err != nil && name != "." {
				t.Errorf("make %s runs %s, which does not exist", target[1], m[1])
			}
		}
	}
}

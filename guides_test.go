package futakagi_test

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// block is a code block of a guide with the note before it.
type block struct {
	guide, note, language, text string
}

var fence = regexp.MustCompile("(?m)(?:^ *<!-- ([^\n]+) -->\n)?^( *)```(\\w+)\n((?s:.*?))^ *```$")

// guideBlocks reads the code blocks of all guides.
func guideBlocks(t *testing.T) []block {
	t.Helper()
	guides, err := filepath.Glob("docs/guides/*.md")
	if err != nil || len(guides) < 8 {
		t.Fatalf("found %v, %v", guides, err)
	}
	var blocks []block
	for _, guide := range guides {
		text := read(t, guide)
		found := fence.FindAllStringSubmatch(text, -1)
		if 2*len(found) != strings.Count(text, "```") {
			t.Errorf("%s has code blocks that were not understood", guide)
		}
		for _, m := range found {
			blocks = append(blocks, block{guide, m[1], m[3], m[4]})
		}
	}
	return blocks
}

// TestGuidesShowWhatRuns: a block of code is in a file that a test runs, or the guide says that it is not run. Commands are run by a
// test of cmd/futakagi.
func TestGuidesShowWhatRuns(t *testing.T) {
	for _, b := range guideBlocks(t) {
		file, shown := strings.CutPrefix(b.note, "from: ")
		switch {
		case shown:
			if !strings.Contains(read(t, file), b.text) {
				t.Errorf("%s shows what is not in %s:\n%s", b.guide, file, b.text)
			}
		case b.note == "not run":
		case b.note == "" && b.language == "sh" && strings.HasPrefix(b.text, "futakagi client create "):
		default:
			t.Errorf("%s does not say where its %s block comes from (%q):\n%s", b.guide, b.language, b.note, b.text)
		}
	}
}

// TestGuidesAgreeWithDiscovery: levels are named in many guides, and none that there is not; the page about them knows all.
func TestGuidesAgreeWithDiscovery(t *testing.T) {
	var metadata map[string]any
	if err := json.Unmarshal([]byte(read(t, "provider/testdata/discovery.json")), &metadata); err != nil {
		t.Fatal(err)
	}
	all, _ := metadata["acr_values_supported"].([]any)
	level := regexp.MustCompile(`urn:futakagi:acr:[\w-]+`)
	for _, path := range append(documents(t), "docs/guides/oauth2-proxy.yaml", "docs/guides/mod_auth_openidc.conf") {
		for _, acr := range level.FindAllString(read(t, path), -1) {
			if !slices.Contains(all, any(acr)) {
				t.Errorf("%s names %s", path, acr)
			}
		}
	}
	for _, acr := range all {
		if text, ok := acr.(string); !ok || !strings.Contains(read(t, "docs/guides/assurance.md"), "`"+text+"`") {
			t.Errorf("docs/guides/assurance.md does not tell of %v", acr)
		}
	}
}

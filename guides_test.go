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
		case b.note == "not run", b.note == "keys checked":
		case b.note == "" && b.language == "sh" && strings.HasPrefix(b.text, "futakagi client create "):
		default:
			t.Errorf("%s does not say where its %s block comes from (%q):\n%s", b.guide, b.language, b.note, b.text)
		}
	}
	// What is not run has to be said to whoever reads the guide, not only to this test.
	for _, b := range guideBlocks(t) {
		if b.note == "keys checked" && !strings.Contains(read(t, b.guide), "Not run by a test here") {
			t.Errorf("%s does not say that nothing ran it", b.guide)
		}
	}
}

// TestGuidesAgreeWithDiscovery compares the values in configurations that nothing runs with what the provider says of itself.
func TestGuidesAgreeWithDiscovery(t *testing.T) {
	var metadata map[string]any
	if err := json.Unmarshal([]byte(read(t, "provider/testdata/discovery.json")), &metadata); err != nil {
		t.Fatal(err)
	}
	promised := func(member, value string) bool {
		list, _ := metadata[member].([]any)
		return slices.Contains(list, any(value))
	}
	// How frameworks write what the discovery document lists.
	rules := []struct {
		pattern *regexp.Regexp
		member  string
		names   map[string]string
	}{
		{regexp.MustCompile(`(?m)\.scope=(.+)$`), "scopes_supported", nil},
		{regexp.MustCompile(`'scopes' => '([^']+)'`), "scopes_supported", nil},
		{regexp.MustCompile(`scope: \[([^\]]+)\]`), "scopes_supported", nil},
		{regexp.MustCompile(`(?m)client-authentication-method=(.+)$`), "token_endpoint_auth_methods_supported", nil},
		{regexp.MustCompile(`client_auth_method: :(\w+)`), "token_endpoint_auth_methods_supported", map[string]string{"basic": "client_secret_basic"}},
		{regexp.MustCompile(`(?m)authorization-grant-type=(.+)$`), "grant_types_supported", nil},
		{regexp.MustCompile(`response_type: :(\w+)`), "response_types_supported", nil},
	}
	checked := map[string]int{}
	for _, b := range guideBlocks(t) {
		if b.note != "keys checked" {
			continue
		}
		if !strings.Contains(b.text, "https://auth.example.jp") {
			t.Errorf("%s names no issuer", b.guide)
		}
		for _, r := range rules {
			m := r.pattern.FindStringSubmatch(b.text)
			if m == nil {
				continue
			}
			for _, value := range strings.FieldsFunc(m[1], func(c rune) bool { return strings.ContainsRune(" ,:", c) }) {
				if name, ok := r.names[value]; ok {
					value = name
				}
				if checked[b.guide]++; !promised(r.member, value) {
					t.Errorf("%s uses %s, which is not in %s", b.guide, value, r.member)
				}
			}
		}
	}
	for _, guide := range []string{"spring-security", "laravel", "rails"} {
		if checked["docs/guides/"+guide+".md"] < 3 {
			t.Errorf("of %s only %d values were compared", guide, checked["docs/guides/"+guide+".md"])
		}
	}

	// Levels are named in many guides, and none that there is not; the page about them knows all.
	level := regexp.MustCompile(`urn:futakagi:acr:[\w-]+`)
	for _, path := range append(documents(t), "docs/guides/oauth2-proxy.yaml", "docs/guides/mod_auth_openidc.conf") {
		for _, acr := range level.FindAllString(read(t, path), -1) {
			if !promised("acr_values_supported", acr) {
				t.Errorf("%s names %s", path, acr)
			}
		}
	}
	all, _ := metadata["acr_values_supported"].([]any)
	for _, acr := range all {
		if text, ok := acr.(string); !ok || !strings.Contains(read(t, "docs/guides/assurance.md"), "`"+text+"`") {
			t.Errorf("docs/guides/assurance.md does not tell of %v", acr)
		}
	}
}

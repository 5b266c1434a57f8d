package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestGuidesRegister runs every registration that the guides show.
func TestGuidesRegister(t *testing.T) {
	guides, err := filepath.Glob("../../docs/guides/*.md")
	if err != nil {
		t.Fatal(err)
	}
	var commands []string
	for _, guide := range guides {
		text, err := os.ReadFile(guide)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if command, ok := strings.CutPrefix(strings.TrimSpace(line), "futakagi client create "); ok {
				commands = append(commands, command)
			}
		}
	}
	if len(commands) < 8 {
		t.Fatalf("found only %q", commands)
	}
	t.Chdir(t.TempDir())
	if got := execute(t, nil, "migrate", "up"); got.code != exitOK {
		t.Fatalf("migrate: %+v", got)
	}
	for _, command := range commands {
		args := append([]string{"client", "create"}, strings.Fields(command)...)
		if got := execute(t, nil, args...); got.code != exitOK || !strings.Contains(got.out, "client_id: ") {
			t.Errorf("%s: %+v", command, got)
		}
	}
}

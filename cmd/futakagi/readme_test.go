package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/futakagi/futakagi/internal/pgtest"
	"github.com/futakagi/futakagi/internal/seal"
)

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// fences returns the blocks of one language in a page, without their indentation.
func fences(t *testing.T, page, language string) []string {
	t.Helper()
	var blocks []string
	for _, m := range regexp.MustCompile("(?ms)^( *)```"+language+"\n(.*?)^ *```$").FindAllStringSubmatch(page, -1) {
		blocks = append(blocks, strings.TrimPrefix(strings.ReplaceAll("\n"+m[2], "\n"+m[1], "\n"), "\n"))
	}
	if len(blocks) == 0 {
		t.Fatalf("README.md has no %s", language)
	}
	return blocks
}

// TestREADMEAdoptionPath follows the page word for word, with another database than the one it names.
func TestREADMEAdoptionPath(t *testing.T) {
	page, database := readme(t), pgtest.URL(t)
	t.Chdir(t.TempDir())
	_, key := seal.NewMasterKey()
	for name, text := range map[string]string{
		"futakagi.yaml": fences(t, page, "yaml")[0], "smtp-password": "not used here\n", "password.txt": "a long pass phrase\n",
		"master.key": key + "\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if !strings.Contains(page, "openssl rand -base64 32 > master.key") {
		t.Error("the page does not say how to make the key")
	}
	if got := execute(t, nil, "config", "check"); got.code != exitOK || got.err != "" {
		t.Errorf("the file of the page: %+v", got)
	}

	environ := []string{"FUTAKAGI_DATABASE__URL=" + database}
	var ran []string
	for _, block := range fences(t, page, "sh") {
		for line := range strings.Lines(block) {
			command, input, _ := strings.Cut(strings.TrimSpace(line), " < ")
			args := strings.Fields(command)
			if len(args) < 2 || args[0] != "futakagi" {
				continue
			}
			ran = append(ran, args[1])
			if args[1] == "serve" {
				serveReadme(t, environ)
				continue
			}
			var in []byte
			if input != "" {
				var err error
				if in, err = os.ReadFile(input); err != nil {
					t.Fatal(err)
				}
			}
			var out, errs bytes.Buffer
			if code := (&app{in: bytes.NewReader(in), out: &out, err: &errs, environ: environ}).run(t.Context(), args[1:]); code != exitOK {
				t.Errorf("%s: %d %s", command, code, &errs)
			}
		}
	}
	if want := "config migrate account serve client"; strings.Join(ran, " ") != want {
		t.Errorf("the page runs %v, want %s", ran, want)
	}
}

// serveReadme starts the server and stops it again.
func serveReadme(t *testing.T, environ []string) {
	t.Helper()
	public, management := freeAddress(t), freeAddress(t)
	environ = append(environ, "FUTAKAGI_LISTEN="+public, "FUTAKAGI_MANAGEMENT_LISTEN="+management)
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	errs := &lockedBuffer{}
	done := make(chan int, 1)
	go func() { done <- (&app{out: errs, err: errs, environ: environ}).run(ctx, []string{"serve"}) }()
	for ctx.Err() == nil && execute(t, environ, "healthcheck").code != exitOK {
		time.Sleep(20 * time.Millisecond)
	}
	if ctx.Err() != nil {
		t.Error("not healthy")
	}
	stop()
	if code := <-done; code != exitOK {
		t.Errorf("serve: %d", code)
	}
	if log := errs.String(); strings.Contains(log, "registered route") {
		t.Errorf("libraries talk in the log: %s", log)
	}
	if t.Failed() {
		t.Log(errs.String())
	}
}

// TestREADMEFirstCommand runs the page's first command, built once, on free ports, and ends it as a person would.
func TestREADMEFirstCommand(t *testing.T) {
	if os.Getenv("FUTAKAGI_TEST_BROWSER") != "1" {
		t.Skip("takes a build; runs with FUTAKAGI_TEST_BROWSER=1")
	}
	first := strings.TrimSpace(fences(t, readme(t), "sh")[0])
	args, ok := strings.CutPrefix(first, "go run ./cmd/futakagi ")
	if !ok {
		t.Fatalf("the first command of README.md is %q", first)
	}
	binary := filepath.Join(t.TempDir(), "futakagi")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	demo := exec.CommandContext(t.Context(), binary, append(strings.Fields(args), "--port", "0", "--store-port", "0", "--mypage-port", "0", "--inbox-port", "0")...)
	out, errs := &lockedBuffer{}, &lockedBuffer{}
	demo.Dir, demo.Stdout, demo.Stderr = t.TempDir(), out, errs
	demo.Env = append(os.Environ(), "TMPDIR="+demo.Dir)
	if err := demo.Start(); err != nil {
		t.Fatal(err)
	}
	address := regexp.MustCompile(`(Store|My Page|Console|Inbox) +(http://\S+)`)
	deadline := time.Now().Add(30 * time.Second)
	var found [][]string
	for found = address.FindAllStringSubmatch(out.String(), -1); len(found) < 4 && time.Now().Before(deadline); found = address.FindAllStringSubmatch(out.String(), -1) {
		time.Sleep(20 * time.Millisecond)
	}
	if len(found) != 4 {
		t.Errorf("announced: %v", found)
	}
	for _, m := range found {
		if status, err := status(t, m[2]); err != nil || status >= http.StatusBadRequest {
			t.Errorf("%s %s answers %d, %v", m[1], m[2], status, err)
		}
	}
	if err := demo.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := demo.Wait(); err != nil {
		t.Errorf("Ctrl-C: %v", err)
	}
	if log := errs.String(); log != "" {
		t.Errorf("a demo without trouble logs: %s", log)
	}
	if left, err := os.ReadDir(demo.Dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// status gets a page. Where it leads from there needs a browser.
func status(t *testing.T, address string) (int, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		return 0, fmt.Errorf("make request: %w", err)
	}
	r.Header.Set("Accept", "text/html")
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return 0, fmt.Errorf("get page: %w", err)
	}
	return response.StatusCode, response.Body.Close()
}

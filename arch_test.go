package futakagi_test

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/futakagi/futakagi/"

// own says which of our packages a package may import, its sub-packages included. What is not listed may import none.
var own = map[string][]string{
	"store":  {},
	"signin": {},
	// Reads rows for signin, which itself stays pure.
	"signin/standing": {"store", "signin"},
	"templates":       {},
	"client":          {},
	"audit":           {"store"},
	"delivery":        {"store", "templates", "internal/outbound"},
	"web":             {"store", "templates"},
	"account":         {"store", "audit"},
	"keys":            {"store", "audit"},
	"mfa":             {"store", "audit", "signin", "signin/standing", "delivery", "web", "templates"},
	"provider":        {"internal/outbound", "store", "audit", "account", "client", "keys", "signin", "signin/standing", "delivery", "web", "templates"},
	"signals":         {"client", "store", "audit", "delivery", "internal/outbound", "web", "templates"},
	"password":        {"store", "audit", "account", "signin", "signin/standing", "delivery", "web", "templates"},
	"admin":           {"store", "audit", "account", "client", "keys", "signin", "delivery", "web", "templates", "mfa", "password"},
	"config":          {},

	"internal/seal":     {},
	"internal/outbound": {},
	"internal/rpcheck":  {},
	"internal/server":   {"client", "internal/outbound", "store", "audit", "account", "keys", "signin", "signin/standing", "delivery", "web", "templates", "mfa", "password", "provider", "signals", "admin"},
	"internal/testapp":  {"client", "store", "audit", "account", "keys", "signin", "signin/standing", "delivery", "web", "templates", "mfa", "mfa/webauthntest", "password", "provider", "signals", "admin", "internal/server", "demo", "store/storetest"},
	"internal/pgtest":   {},
	"store/storetest":   {"store", "internal/pgtest"},
	"mfa/webauthntest":  {},
	"demo":              {"client", "store", "audit", "account", "keys", "signin", "delivery", "web", "templates", "mfa", "password", "provider", "admin", "internal/server"},
	"cmd":               {"client", "store", "audit", "account", "keys", "signin", "delivery", "web", "templates", "mfa", "password", "provider", "admin", "config", "demo", "internal/rpcheck", "internal/server"},
	"bench":             {"client", "store", "account", "admin", "audit", "internal/testapp", "internal/pgtest", "internal/server"},
	"e2e":               {"store", "internal/testapp", "internal/pgtest", "demo", "mfa/webauthntest"},
}

// anyone may seal: it is a leaf.
const anyone = "internal/seal"

// oneHome keeps each library in one package, so that replacing it is one package's work.
var oneHome = map[string][]string{
	"github.com/zitadel/oidc/":    {"provider"},
	"github.com/go-jose/":         {"provider"},
	"github.com/jackc/pgx/":       {"store", "internal/pgtest"},
	"modernc.org/sqlite":          {"store"},
	"github.com/pressly/goose/":   {"store"},
	"github.com/wneessen/go-mail": {"delivery"},
	"github.com/aws/":             {"delivery"},
	"github.com/knadh/koanf/":     {"config"},
	"github.com/spf13/cobra":      {"cmd"},
	"github.com/spf13/pflag":      {"cmd"},
	"golang.org/x/term":           {"cmd"},
	"github.com/tink-crypto/":     {"internal/seal"},
	"github.com/pquerna/otp":      {"mfa"},
	"github.com/boombuler/":       {"mfa"},
	"github.com/nyaruka/":         {"mfa"},
	"github.com/go-webauthn/":     {"mfa"},
	"github.com/coreos/go-oidc/":  {"demo"},
	"golang.org/x/oauth2":         {"demo"},
	"github.com/emersion/go-smtp": {"demo", "delivery/smtptest"},
}

type pkg struct {
	ImportPath string
	Doc        string
	Name       string
	Imports    []string
}

// TestArchitecture holds the import direction of docs/architecture.md: cmd, then features, then ground, and nothing upward.
func TestArchitecture(t *testing.T) {
	cmd := exec.Command("go", "list", "-json=ImportPath,Name,Doc,Imports", "./...")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		path, inside := strings.CutPrefix(p.ImportPath, module)
		if !inside {
			continue // the module's root holds this test only
		}
		if p.Doc == "" {
			t.Errorf("%s has no package comment saying what it owns and what it must not know", path)
		}
		home := homeOf(path)
		allowed, listed := own[home]
		if !listed {
			t.Errorf("%s is not in the architecture: add it here and to docs/architecture.md, or move it", path)
		}
		for _, imp := range p.Imports {
			if dep, ours := strings.CutPrefix(imp, module); ours {
				depHome := homeOf(dep)
				if depHome != home && depHome != anyone && !slices.Contains(allowed, depHome) {
					t.Errorf("%s imports %s, which is against the import direction", path, dep)
				}
				continue
			}
			for lib, homes := range oneHome {
				if strings.HasPrefix(imp+"/", lib) && !slices.ContainsFunc(homes, func(h string) bool { return h == home || h == path || strings.HasPrefix(path, h+"/") }) {
					t.Errorf("%s imports %s, which belongs to %v alone", path, imp, homes)
				}
			}
			if (home == "signin" || home == "templates" || home == "client") && strings.Contains(strings.Split(imp, "/")[0], ".") {
				t.Errorf("%s imports %s, but uses the standard library alone", path, imp)
			}
		}
	}
}

// TestArchitectureHasNoGhosts fails for an entry whose package is gone.
func TestArchitectureHasNoGhosts(t *testing.T) {
	for home := range own {
		if info, err := os.Stat(home); err != nil || !info.IsDir() {
			t.Errorf("%s is in the architecture, but not in the repository", home)
		}
	}
}

// ownTime counts the places that look at the clock themselves: deadlines of connections and measurements run in the machine's
// time, and nothing is decided by them.
var ownTime = map[string]int{"web/middleware.go": 3, "web/upload.go": 1, "delivery/smtp.go": 2}

// TestClockIsInjected keeps the machine's clock out of the features: what cannot be given a time cannot be tested at its edges.
func TestClockIsInjected(t *testing.T) {
	clock := regexp.MustCompile(`\btime\.(Now|Since|Until)\(`)
	for _, dir := range []string{"signin", "account", "audit", "keys", "mfa", "password", "provider", "signals", "admin", "delivery", "web"} {
		for _, file := range goFiles(t, dir) {
			if strings.HasPrefix(file, "delivery/smtptest/") {
				continue // a part of tests
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if n := len(clock.FindAll(text, -1)); n > ownTime[file] {
				t.Errorf("%s looks at the clock %d times, %d are known", file, n, ownTime[file])
			}
		}
	}
}

// goFiles are the source files below dir, without tests.
func goFiles(t *testing.T, dir string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			files = append(files, filepath.ToSlash(path))
		}
		return err
	})
	if err != nil || len(files) == 0 {
		t.Fatalf("files in %s: %d, %v", dir, len(files), err)
	}
	return files
}

// homeOf is the entry of the map a package falls under: the longest listed prefix of its path.
func homeOf(path string) string {
	best := path
	found := ""
	for home := range own {
		if (path == home || strings.HasPrefix(path, home+"/")) && len(home) > len(found) {
			found = home
		}
	}
	if found != "" {
		best = found
	}
	return best
}

package futakagi_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/futakagi/futakagi/"

// own says which of our packages a package may import, its sub-packages included. What is not listed may import none.
var own = map[string][]string{
	"store":     {},
	"signin":    {},
	"templates": {},
	"audit":     {"store"},
	"delivery":  {"store", "templates"},
	"web":       {"store", "templates"},
	"account":   {"store", "audit"},
	"mfa":       {"store", "audit", "signin", "delivery", "web", "templates"},
	"provider":  {"store", "audit", "account", "signin", "delivery", "web", "templates"},
	"admin":     {"store", "audit", "account", "signin", "delivery", "web", "templates", "mfa"},
	"config":    {},

	"internal/seal":    {},
	"internal/server":  {"store", "audit", "account", "signin", "delivery", "web", "templates", "mfa", "provider", "admin"},
	"internal/testapp": {"store", "audit", "account", "signin", "delivery", "web", "templates", "mfa", "provider", "admin", "internal/server", "demo", "store/storetest"},
	"internal/pgtest":  {},
	"store/storetest":  {"store", "internal/pgtest"},
	"demo":             {"store", "audit", "account", "signin", "delivery", "web", "templates", "mfa", "provider", "admin", "internal/server"},
	"cmd":              {"store", "audit", "account", "signin", "delivery", "web", "templates", "mfa", "provider", "admin", "config", "demo", "internal/server"},
	"bench":            {"store", "internal/testapp", "internal/pgtest", "internal/server"},
	"e2e":              {"store", "internal/testapp", "internal/pgtest", "demo"},
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
	"github.com/knadh/koanf/":     {"config"},
	"github.com/spf13/cobra":      {"cmd"},
	"github.com/tink-crypto/":     {"internal/seal"},
	"github.com/pquerna/otp":      {"mfa"},
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
			if (home == "signin" || home == "templates") && strings.Contains(strings.Split(imp, "/")[0], ".") {
				t.Errorf("%s imports %s, but uses the standard library alone", path, imp)
			}
		}
	}
}

// TestClockIsInjected keeps time.Now out of the features: what cannot be given a time cannot be tested at its edges.
func TestClockIsInjected(t *testing.T) {
	for _, dir := range []string{"signin", "account", "audit", "mfa", "provider", "admin"} {
		out, err := exec.Command("grep", "-rn", "--include=*.go", "--exclude=*_test.go", `time\.Now()`, dir).CombinedOutput()
		if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == 1 {
			continue // nothing found
		}
		t.Errorf("time.Now in %s:\n%s%v", dir, out, err)
	}
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

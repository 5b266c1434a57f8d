package store_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
)

// statements returns the text of every generated query by name.
func statements(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("*_gen.go")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			g, ok := decl.(*ast.GenDecl)
			if !ok || g.Tok != token.CONST {
				continue
			}
			for _, spec := range g.Specs {
				v := spec.(*ast.ValueSpec)
				if lit, ok := v.Values[0].(*ast.BasicLit); ok && lit.Kind == token.STRING {
					text, err := strconv.Unquote(lit.Value)
					if err != nil {
						t.Fatal(err)
					}
					found[v.Names[0].Name] = text
				}
			}
		}
	}
	if len(found) < 100 {
		t.Fatalf("found only %d statements", len(found))
	}
	return found
}

// banned is what one of the engines does not have, or has with another meaning.
var banned = regexp.MustCompile(`(?i)\bnow\(\)|current_timestamp|\bfor (update|share)\b|skip locked|\bany\s*\(|\bilike\b|gen_random|->|::|\bwith\s+\w+\s+as\b`)

func TestStatementsArePortable(t *testing.T) {
	db := storetest.SQLite(t)
	for name, text := range statements(t) {
		if err := store.Explain(t.Context(), db, text); err != nil {
			t.Errorf("SQLite does not compile %s: %v", name, err)
		}
		_, body, _ := strings.Cut(text, "\n")
		if found := banned.FindString(body); found != "" {
			t.Errorf("%s uses %q", name, found)
		}
	}
}

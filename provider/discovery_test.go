package provider

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/store/storetest"
)

func TestDiscovery(t *testing.T) {
	b := newMachineBench(t, storetest.SQLite(t))
	golden := filepath.Join("testdata", "discovery.json")
	for _, path := range []string{pathDiscovery, pathOAuthMetadata} {
		r := b.do(httptest.NewRequest(http.MethodGet, path, nil))
		var got bytes.Buffer
		if err := json.Indent(&got, r.Body.Bytes(), "", "  "); err != nil {
			t.Fatal(err)
		}
		got.WriteByte('\n')
		if os.Getenv("UPDATE_GOLDEN") != "" {
			if err := os.WriteFile(golden, got.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got.String()); diff != "" {
			t.Errorf("%s (-want +got; UPDATE_GOLDEN=1 rewrites):\n%s", path, diff)
		}
		if ct := r.Header().Get("Content-Type"); ct != "application/json" {
			t.Errorf("Content-Type = %q", ct)
		}
	}
}

func TestDocumentsAreCacheable(t *testing.T) {
	b := newMachineBench(t, storetest.SQLite(t))
	for _, path := range []string{pathDiscovery, pathOAuthMetadata, PathJWKS} {
		first := b.do(httptest.NewRequest(http.MethodGet, path, nil))
		etag := first.Header().Get("ETag")
		if etag == "" || first.Header().Get("Cache-Control") != "public, max-age=300" || first.Header().Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: %v", path, first.Header())
		}
		for _, sent := range []string{etag, "W/" + etag, `"x", ` + etag, "*"} {
			again := httptest.NewRequest(http.MethodGet, path, nil)
			again.Header.Set("If-None-Match", sent)
			if r := b.do(again); r.Code != http.StatusNotModified || r.Body.Len() != 0 {
				t.Errorf("%s If-None-Match %s: %d", path, sent, r.Code)
			}
		}
		if r := b.do(httptest.NewRequest(http.MethodHead, path, nil)); r.Code != http.StatusOK || r.Body.Len() != 0 {
			t.Errorf("HEAD %s: %d", path, r.Code)
		}
	}
}

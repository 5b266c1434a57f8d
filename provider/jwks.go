package provider

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// document is a public answer made once and served as it is: discovery and the key set are asked for more often than
// anything else.
type document struct {
	body         []byte
	etag         string
	cacheControl string
}

func newDocument(body []byte, maxAge time.Duration) *document {
	sum := sha256.Sum256(body)
	return &document{
		body:         body,
		etag:         `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`,
		cacheControl: fmt.Sprintf("public, max-age=%d", int(maxAge.Seconds())),
	}
}

// serveDocument answers with the document that current returns, to scripts of any origin too: it is the same for everybody.
func (m *machine) serveDocument(current func() *document) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", "*")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			h.Set("Allow", "GET, HEAD")
			m.writeError(w, r, &protocolError{code: codeMethod})
			return
		}
		d := current()
		h.Set("Content-Type", "application/json")
		h.Set("Cache-Control", d.cacheControl)
		h.Set("ETag", d.etag)
		if matchesETag(r.Header.Get("If-None-Match"), d.etag) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		if r.Method == http.MethodHead {
			h.Set("Content-Length", fmt.Sprint(len(d.body)))
			w.WriteHeader(http.StatusOK)
			return
		}
		_, _ = w.Write(d.body) // nobody is left to tell
	})
}

// matchesETag compares weakly, as RFC 9110 §13.1.2 wants for If-None-Match.
func matchesETag(header, etag string) bool {
	for v := range strings.SplitSeq(header, ",") {
		v = strings.TrimPrefix(strings.TrimSpace(v), "W/")
		if v == etag || v == "*" {
			return true
		}
	}
	return false
}

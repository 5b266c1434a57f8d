package templates

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

// AssetPrefix is the path under which Set.Assets must be mounted.
const AssetPrefix = "/assets/"

// asset is one static file; its address changes with its content.
type asset struct {
	body        []byte
	contentType string
	hash        string
}

type assets map[string]asset

// stylesheets is the order of the cascade.
func stylesheets() []string {
	return []string{"tokens.css", "base.css", "layout.css", "components.css"}
}

func loadAssets(files fs.FS) (assets, error) {
	var css bytes.Buffer
	for _, name := range stylesheets() {
		part, err := fs.ReadFile(files, "static/css/"+name)
		if err != nil {
			return nil, fmt.Errorf("read style sheet: %w", err)
		}
		css.Write(part)
	}
	js, err := fs.ReadFile(files, "static/js/app.js")
	if err != nil {
		return nil, fmt.Errorf("read script: %w", err)
	}
	passkey, err := fs.ReadFile(files, "static/js/passkey.js")
	if err != nil {
		return nil, fmt.Errorf("read script: %w", err)
	}
	icon, err := fs.ReadFile(files, "static/img/icon.svg")
	if err != nil {
		return nil, fmt.Errorf("read icon: %w", err)
	}
	return assets{
		"app.css": newAsset(css.Bytes(), "text/css; charset=utf-8"),
		"app.js":  newAsset(js, "text/javascript; charset=utf-8"),
		// Of its own, since few pages need it.
		"passkey.js": newAsset(passkey, "text/javascript; charset=utf-8"),
		"icon.svg":   newAsset(icon, "image/svg+xml"),
	}, nil
}

func newAsset(body []byte, contentType string) asset {
	sum := sha256.Sum256(body)
	return asset{body: body, contentType: contentType, hash: hex.EncodeToString(sum[:])[:12]}
}

func (a assets) path(name string) string {
	return AssetPrefix + a[name].hash + "/" + name
}

// AssetPath is the address of a static file: "app.css", "app.js", "passkey.js" or "icon.svg".
func (s *Set) AssetPath(name string) string { return s.assets.path(name) }

// Assets serves the static files under AssetPrefix. The address contains a hash of the content, so a browser
// may keep the file for ever. A page made by another release may still ask for another hash; it gets today's
// file but may not keep it.
func (s *Set) Assets() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
			return
		}
		hash, name := path.Split(strings.TrimPrefix(r.URL.Path, AssetPrefix))
		file, ok := s.assets[name]
		if !ok || len(hash) != len(file.hash)+1 {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Type", file.contentType)
		h.Set("ETag", `"`+file.hash+`"`)
		if strings.TrimSuffix(hash, "/") == file.hash {
			h.Set("Cache-Control", "public, max-age=31536000, immutable")
		} else {
			h.Set("Cache-Control", "no-cache")
		}
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(file.body))
	})
}

package provider

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"

	"github.com/go-chi/chi/v5"

	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// namedClient is what a client_id looks like; nothing else is looked up.
var namedClient = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// getLogo answers with the logo of an application, to anybody: it is on the page that asks people to sign in. A picture that its address
// names never changes.
func (p *Provider) getLogo(w http.ResponseWriter, r *http.Request) error {
	id := chi.URLParam(r, "client")
	if !namedClient.MatchString(id) {
		return web.NotFound(store.ErrNotFound)
	}
	logo, err := p.db.Read().GetClientLogo(r.Context(), id)
	if errors.Is(err, store.ErrNotFound) {
		return web.NotFound(err)
	}
	if err != nil {
		return fmt.Errorf("load logo: %w", err)
	}
	const named = 12 // bytes of the sum that the address has
	version := base64.RawURLEncoding.EncodeToString(logo.Sha256[:min(named, len(logo.Sha256))])
	h := w.Header()
	h.Set("Content-Type", logo.MediaType)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("ETag", `"`+version+`"`)
	h.Set("Cache-Control", "no-cache")
	if r.URL.Query().Get("v") == version {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if matchesETag(r.Header.Get("If-None-Match"), `"`+version+`"`) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	h.Set("Content-Length", strconv.Itoa(len(logo.Data)))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(logo.Data) // nobody is left to tell
	return nil
}

// LogoURL is the address of the client's logo; empty if it has none.
func (c *Client) LogoURL() string { return templates.LogoURL(c.id, c.logoVersion) }

// appLogo is the logo of where the person is signing in to; empty for none.
func (p *Provider) appLogo(flow store.Flow) string {
	if flow.ClientID == nil {
		return ""
	}
	if c, ok := p.clients.Lookup(*flow.ClientID); ok {
		return c.LogoURL()
	}
	return ""
}

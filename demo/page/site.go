package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"path"
	"strings"
)

//go:embed layout.html assets
var files embed.FS

// Config describes one site.
type Config struct {
	// Pages holds the page files, *.html in its root. Each defines "title" and
	// "main", and may define "nav" and "head".
	Pages fs.FS
	// Partials holds template files every page may use, *.html in its root; nil
	// for none.
	Partials fs.FS
	// Texts is the site's catalogue. It must hold "site.name".
	Texts Texts
	// BaseURL is where the site is reached, for instance http://localhost:8081.
	BaseURL string
	// FormTargets lists further origins that a form of this site may end up at.
	// Browsers apply form-action to the redirects after a POST too.
	FormTargets []string
	// Script is the site's only script; empty for none.
	Script []byte
	// Logger receives what went wrong. Required.
	Logger *slog.Logger
}

// Site renders the pages of one site and guards its requests.
type Site struct {
	pages   map[string]*template.Template
	texts   Texts
	assets  map[string]asset
	version string
	script  bool
	host    string
	secure  bool
	policy  string
	log     *slog.Logger
}

type asset struct {
	contentType string
	body        []byte
}

// Frame is what every page file is given.
type Frame struct {
	// L is the language of the page.
	L Language
	// Self holds, per language, the address of this page in that language.
	Self map[string]string
	// Version names the present assets, so that they may be cached for ever.
	Version string
	// Script tells whether the site has a script.
	Script bool
	// View is the page's own data.
	View any
}

// New parses every page file; a page that does not parse fails here.
func New(c Config) (*Site, error) {
	switch {
	case c.Pages == nil:
		return nil, errors.New("new site: Pages is missing")
	case c.Logger == nil:
		return nil, errors.New("new site: Logger is missing")
	}
	if _, ok := c.Texts["site.name"]; !ok {
		return nil, errors.New(`new site: Texts has no "site.name"`)
	}
	base, err := url.Parse(c.BaseURL)
	if err != nil || base.Host == "" {
		return nil, fmt.Errorf("new site: BaseURL %q is not an absolute address", c.BaseURL)
	}
	s := &Site{
		pages:  map[string]*template.Template{},
		texts:  Texts{},
		script: len(c.Script) > 0,
		host:   base.Host,
		secure: base.Scheme == "https",
		policy: contentPolicy(c.FormTargets),
		log:    c.Logger,
	}
	maps.Copy(s.texts, frameTexts)
	maps.Copy(s.texts, c.Texts)
	if err := s.loadAssets(c.Script); err != nil {
		return nil, fmt.Errorf("new site: %w", err)
	}
	if err := s.parse(c.Pages, c.Partials); err != nil {
		return nil, fmt.Errorf("new site: %w", err)
	}
	return s, nil
}

var frameTexts = Texts{
	"frame.skip":     {"本文へ移動", "Skip to main content"},
	"frame.language": {"表示言語", "Language"},
	"frame.demo": {
		"これは手元で動くお試し用のサイトです。実在の店舗ではありません。",
		"This is a sample site running on your own machine. It is not a real shop.",
	},
}

// contentPolicy allows nothing but the site's own files: there is no inline
// script or style anywhere in the demo.
func contentPolicy(formTargets []string) string {
	return strings.Join([]string{
		"default-src 'none'",
		"style-src 'self'",
		"script-src 'self'",
		"img-src 'self'",
		"connect-src 'self'",
		strings.TrimSpace("form-action 'self' " + strings.Join(formTargets, " ")),
		"base-uri 'none'",
		"frame-ancestors 'none'",
	}, "; ")
}

func (s *Site) loadAssets(script []byte) error {
	s.assets = map[string]asset{}
	sum := sha256.New()
	for name, contentType := range map[string]string{
		"demo.css": "text/css; charset=utf-8",
		"icon.svg": "image/svg+xml",
	} {
		body, err := files.ReadFile("assets/" + name)
		if err != nil {
			return fmt.Errorf("read asset: %w", err)
		}
		s.assets[name] = asset{contentType, body}
	}
	if s.script {
		s.assets["site.js"] = asset{"text/javascript; charset=utf-8", script}
	}
	for _, name := range []string{"demo.css", "icon.svg", "site.js"} {
		sum.Write(s.assets[name].body)
	}
	s.version = hex.EncodeToString(sum.Sum(nil))[:16]
	return nil
}

func (s *Site) parse(pages, partials fs.FS) error {
	layout, err := template.New("layout.html").
		Funcs(template.FuncMap{"t": s.texts.lookup}).
		ParseFS(files, "layout.html")
	if err != nil {
		return fmt.Errorf("parse layout: %w", err)
	}
	if partials != nil {
		if layout, err = layout.ParseFS(partials, "*.html"); err != nil {
			return fmt.Errorf("parse partials: %w", err)
		}
	}
	names, err := fs.Glob(pages, "*.html")
	if err != nil {
		return fmt.Errorf("list pages: %w", err)
	}
	for _, name := range names {
		t, err := layout.Clone()
		if err != nil {
			return fmt.Errorf("clone layout: %w", err)
		}
		if t, err = t.ParseFS(pages, name); err != nil {
			return fmt.Errorf("parse page: %w", err)
		}
		s.pages[strings.TrimSuffix(path.Base(name), ".html")] = t
	}
	return nil
}

// Render writes one page. It goes through a buffer: a page that fails half-way
// becomes a plain 500 and never half a document.
func (s *Site) Render(w http.ResponseWriter, r *http.Request, status int, name string, view any) error {
	t, ok := s.pages[name]
	if !ok {
		return fmt.Errorf("render page %q: no such page", name)
	}
	var b bytes.Buffer
	err := t.ExecuteTemplate(&b, "layout.html", Frame{
		L:       LanguageOf(r),
		Self:    selves(r, status),
		Version: s.version,
		Script:  s.script,
		View:    view,
	})
	if err != nil {
		return fmt.Errorf("render page %q: %w", name, err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if _, err := b.WriteTo(w); err != nil {
		return fmt.Errorf("write page %q: %w", name, err)
	}
	return nil
}

// selves builds the language links. An error page may answer an address that
// must not be requested twice (a used authorization response), so its links
// lead to the front page.
func selves(r *http.Request, status int) map[string]string {
	target, query := "/", url.Values{}
	if status < http.StatusBadRequest && r.Method == http.MethodGet {
		target, query = r.URL.Path, r.URL.Query()
	}
	m := map[string]string{}
	for _, l := range []Language{Japanese, English} {
		query.Set("lang", string(l))
		m[string(l)] = (&url.URL{Path: target, RawQuery: query.Encode()}).String()
	}
	return m
}

// Guard wraps the handlers of a site: security headers, no foreign Host (a page
// elsewhere could otherwise reach the site through its own name), no cross-origin
// POST, the language cookie and the assets.
func (s *Site) Guard(next http.Handler) http.Handler {
	protected := http.NewCrossOriginProtection().Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", s.policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if r.Host != s.host {
			http.Error(w, "unknown host", http.StatusMisdirectedRequest)
			return
		}
		if name, ok := strings.CutPrefix(r.URL.Path, "/assets/"); ok {
			s.serveAsset(w, r, path.Base(name))
			return
		}
		if l, ok := parseLanguage(r.URL.Query().Get("lang")); ok {
			http.SetCookie(w, &http.Cookie{
				Name: languageCookie, Value: string(l), Path: "/", MaxAge: 365 * 24 * 60 * 60,
				HttpOnly: true, Secure: s.secure, SameSite: http.SameSiteLaxMode,
			})
		}
		r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
		protected.ServeHTTP(w, r)
	})
}

func (s *Site) serveAsset(w http.ResponseWriter, r *http.Request, name string) {
	a, ok := s.assets[name]
	if !ok || (r.Method != http.MethodGet && r.Method != http.MethodHead) {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", a.contentType)
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	if _, err := w.Write(a.body); err != nil {
		s.log.DebugContext(r.Context(), "write asset", "name", name, "err", err)
	}
}

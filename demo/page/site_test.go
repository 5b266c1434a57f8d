package page

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func newSite(t *testing.T) *Site {
	t.Helper()
	s, err := New(Config{
		Pages: fstest.MapFS{"hello.html": {Data: []byte(
			`{{define "title"}}{{t .L "hello"}}{{end}}{{define "main"}}<h1>{{.View}}</h1>{{end}}`)}},
		Texts:       Texts{"site.name": {"店", "Shop"}, "hello": {"こんにちは", "Hello"}},
		BaseURL:     "http://localhost:8081",
		FormTargets: []string{"http://localhost:8080"},
		Logger:      slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestLanguageOf(t *testing.T) {
	for _, c := range []struct {
		query, cookie, accept string
		want                  Language
	}{
		{"", "", "", Japanese},
		{"", "", "fr-FR,de", Japanese},
		{"", "", "en", English},
		{"", "", "fr, en-US;q=0.7, ja;q=0.3", English},
		{"", "", "ja, en", Japanese},
		{"", "", "en;q=x", Japanese},
		{"", "", "en;q=0", Japanese},
		{"", "en", "ja", English},
		{"?lang=ja", "en", "en", Japanese},
		{"?lang=xx", "xx", "en", English},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/"+c.query, http.NoBody)
		if c.cookie != "" {
			r.AddCookie(&http.Cookie{Name: languageCookie, Value: c.cookie})
		}
		r.Header.Set("Accept-Language", c.accept)
		if got := LanguageOf(r); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

func TestGuardAndRender(t *testing.T) {
	s := newSite(t)
	h := s.Guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := s.Render(w, r, http.StatusOK, "hello", "<x>"); err != nil {
			t.Error(err)
		}
	}))
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost:8081/?lang=en", http.NoBody)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if !strings.Contains(w.Body.String(), "<title>Hello | Shop</title>") || !strings.Contains(w.Body.String(), "<h1>&lt;x&gt;</h1>") {
		t.Errorf("page:\n%s", w.Body)
	}
	policy := w.Header().Get("Content-Security-Policy")
	if !strings.Contains(policy, "form-action 'self' http://localhost:8080;") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy = %q", policy)
	}
	if c := w.Result().Cookies(); len(c) != 1 || c[0].Value != "en" || !c[0].HttpOnly || c[0].SameSite != http.SameSiteLaxMode {
		t.Errorf("cookies = %v", c)
	}

	for name, status := range map[string]int{"demo.css": 200, "icon.svg": 200, "site.js": 404, "layout.html": 404} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost:8081/assets/"+s.version+"/"+name, http.NoBody)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != status {
			t.Errorf("%s: %d, want %d", name, w.Code, status)
		}
	}
}

func TestUnknownTextFailsThePage(t *testing.T) {
	s := newSite(t)
	delete(s.texts, "hello")
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
	if err := s.Render(w, r, http.StatusOK, "hello", nil); err == nil || w.Body.Len() != 0 {
		t.Errorf("err = %v, body = %q; want an error and nothing written", err, w.Body)
	}
}

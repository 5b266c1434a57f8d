package templates

import (
	"bytes"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
)

// Page is one page bound to its view struct. The zero Page cannot render; New makes them all.
type Page[T any] struct {
	layout string
	brand  Brand
	byLang map[Lang]*template.Template
}

// data is what a page template sees.
type data[T any] struct {
	F Frame
	B Brand
	V T
	// Invalid is true when the page answers a refused form.
	Invalid bool
	// Layout names the frame around the page.
	Layout string
}

// Render writes the page. It renders into memory first: on error nothing has been written.
func (p Page[T]) Render(w http.ResponseWriter, status int, f Frame, v T) error {
	body, err := p.Bytes(f, v)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", string(frameLang(f)))
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return nil
}

// Bytes renders the page into memory.
func (p Page[T]) Bytes(f Frame, v T) ([]byte, error) {
	f.Lang = frameLang(f)
	t := p.byLang[f.Lang]
	if t == nil {
		return nil, fmt.Errorf("render page: the page was not made by New")
	}
	d := data[T]{F: f, B: p.brand, V: v, Layout: p.layout}
	if form, ok := any(v).(interface{ Invalid() bool }); ok {
		d.Invalid = form.Invalid()
	}
	var buf bytes.Buffer
	if err := t.ExecuteTemplate(&buf, p.layout, d); err != nil {
		return nil, fmt.Errorf("render page: %w", err)
	}
	return buf.Bytes(), nil
}

func frameLang(f Frame) Lang {
	if f.Lang == En {
		return En
	}
	return Ja
}

// langURL is the page's own address with the language switched. A path that is not local leads to "/", so a
// language link can never leave the site.
func langURL(path string, lang Lang) string {
	u, err := url.Parse(path)
	if err != nil || u.IsAbs() || u.Host != "" || len(u.Path) == 0 || u.Path[0] != '/' {
		u = &url.URL{Path: "/"}
	}
	q := u.Query()
	q.Set("lang", string(lang))
	u.RawQuery = q.Encode()
	u.Fragment = ""
	return u.String()
}

package inbox

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/futakagi/futakagi/demo/page"
)

//go:embed pages inbox.js
var files embed.FS

// tokyo is the display zone. It is a fixed offset: Japan keeps no summer time
// and the binary need not carry a zone database for it.
var tokyo = time.FixedZone("JST", 9*60*60)

// handler serves the page and the API of an inbox.
type handler struct {
	inbox     *Inbox
	site      *page.Site
	smsSecret string
	log       *slog.Logger
}

func newHandler(b *Inbox, c Config) (http.Handler, error) {
	pages, err := fs.Sub(files, "pages")
	if err != nil {
		return nil, fmt.Errorf("open pages: %w", err)
	}
	script, err := files.ReadFile("inbox.js")
	if err != nil {
		return nil, fmt.Errorf("read script: %w", err)
	}
	site, err := page.New(page.Config{
		Pages: pages, Texts: texts, BaseURL: c.BaseURL, Script: script, Logger: c.Logger,
	})
	if err != nil {
		return nil, err
	}
	h := &handler{inbox: b, site: site, smsSecret: c.SMSSecret, log: c.Logger}
	mux := http.NewServeMux()
	for pattern, f := range map[string]func(http.ResponseWriter, *http.Request) error{
		"GET /{$}":                h.getPage,
		"POST /clear":             h.postClear,
		"GET /messages/{id}/html": h.getHTML,
		"GET /api/messages":       h.getMessages,
		"DELETE /api/messages":    h.deleteMessages,
		"POST " + SMSPath:         h.postSMS,
	} {
		mux.HandleFunc(pattern, h.handle(f))
	}
	return site.Guard(mux), nil
}

func (h *handler) handle(f func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := f(w, r); err != nil {
			h.log.ErrorContext(r.Context(), "inbox request failed", "path", r.URL.Path, "err", err)
			http.Error(w, "internal error", http.StatusInternalServerError)
		}
	}
}

// listView is what the page shows.
type listView struct {
	To       string
	Here     string
	Messages []messageView
}

// messageView is one message as the page shows it.
type messageView struct {
	ID                          int64
	Channel, To, Subject        string
	Text, Code, At, Stamp, HTML string
}

func (h *handler) getPage(w http.ResponseWriter, r *http.Request) error {
	to := strings.TrimSpace(r.URL.Query().Get("to"))
	view := listView{To: to, Here: "/"}
	if to != "" {
		view.Here = "/?" + url.Values{"to": {to}}.Encode()
	}
	for _, m := range h.inbox.Messages(to) {
		v := messageView{
			ID: m.id, Channel: string(m.Channel), To: m.To, Subject: m.Subject, Text: m.Text, Code: m.Code(),
			At: m.At.In(tokyo).Format("2006-01-02 15:04:05"), Stamp: m.At.Format(time.RFC3339),
		}
		if m.html != "" {
			v.HTML = fmt.Sprintf("/messages/%d/html", m.id)
		}
		view.Messages = append(view.Messages, v)
	}
	return h.site.Render(w, r, http.StatusOK, "inbox", view)
}

func (h *handler) postClear(w http.ResponseWriter, r *http.Request) error {
	h.inbox.Clear()
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

// getHTML shows the HTML part as a document of its own, in a sandbox: it is
// foreign markup, whoever sent it.
func (h *handler) getHTML(w http.ResponseWriter, r *http.Request) error {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		http.NotFound(w, r)
		return nil //nolint:nilerr // answered
	}
	m, ok := h.inbox.message(id)
	if !ok || m.html == "" {
		http.NotFound(w, r)
		return nil
	}
	w.Header().Set("Content-Security-Policy",
		"sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, err = w.Write([]byte(m.html))
	return err
}

func (h *handler) getMessages(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(h.inbox.Messages(strings.TrimSpace(r.URL.Query().Get("to"))))
}

func (h *handler) deleteMessages(w http.ResponseWriter, _ *http.Request) error {
	h.inbox.Clear()
	w.WriteHeader(http.StatusNoContent)
	return nil
}

package provider

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// kit is the real toolkit around one handler.
type kit struct{ *web.Toolkit }

// testKit returns a toolkit that writes its records to logs.
func testKit(t *testing.T, db *store.DB, logs io.Writer) kit {
	t.Helper()
	pages, err := templates.New(templates.Config{})
	if err != nil {
		t.Fatal(err)
	}
	k, err := web.New(web.Config{
		Issuer: testIssuer, DB: db, Templates: pages, Logger: slog.New(slog.NewTextHandler(logs, nil)), Now: func() time.Time { return testStart },
		CustomerIdle: time.Hour, OperatorIdle: time.Hour,
		Sufficient: func(context.Context, web.Session) (bool, error) { return true, nil },
		Fresh:      func(context.Context, web.Session, time.Duration) (bool, error) { return true, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return kit{k}
}

// ServeHTTP answers a request with a handler behind the whole stack.
func (k kit) ServeHTTP(w http.ResponseWriter, r *http.Request, h http.HandlerFunc) {
	m := k.Mux()
	m.Get(r.URL.Path, h)
	m.ServeHTTP(w, r)
}

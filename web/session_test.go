package web

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

// addAccount writes an account; login must be unique within the kind.
func (f *fixture) addAccount(t *testing.T, kind Kind, login string) store.AccountID {
	t.Helper()
	id := store.NewID[store.AccountID]()
	err := f.db.InTx(t.Context(), func(tx *store.Tx) error {
		return tx.InsertAccount(t.Context(), store.InsertAccountParams{
			ID: id, Kind: string(kind), LoginID: login, LoginKey: login, DisplayName: login, SearchKey: login,
			TwoFactor: "use", Now: f.clock.Now(),
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func (f *fixture) addSession(t *testing.T, kind Kind, account store.AccountID, absolute time.Duration) (store.SessionID, string) {
	t.Helper()
	id := store.NewID[store.SessionID]()
	token, hash := NewToken()
	err := f.db.InTx(t.Context(), func(tx *store.Tx) error {
		a, err := tx.GetAccount(t.Context(), account)
		if err != nil {
			return err
		}
		return tx.InsertSession(t.Context(), store.InsertSessionParams{
			ID: id, TokenHash: hash, AccountID: account, AccountKind: string(kind), CredentialEpoch: a.CredentialEpoch,
			Evidence: []byte(`[{"method":"password"}]`), Now: f.clock.Now(), ExpiresAt: f.clock.Now().Add(absolute),
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return id, token
}

func withSession(r *http.Request, kind Kind, token string) *http.Request {
	r.AddCookie(&http.Cookie{Name: sessionCookie(kind), Value: token})
	return r
}

func TestSessionLoad(t *testing.T) {
	f := newFixture(t)
	account := f.addAccount(t, Customer, "tanaka")
	id, token := f.addSession(t, Customer, account, 24*time.Hour)

	s, err := f.Sessions.Load(withSession(request("GET", "/"), Customer, token), Customer)
	if err != nil {
		t.Fatal(err)
	}
	if s.ID != id || s.AccountID != account || s.Kind != Customer || s.Account.LoginID != "tanaka" || s.Surface.Enforced ||
		!s.ExpiresAt.Equal(f.clock.Now().Add(24*time.Hour)) || string(s.Evidence) != `[{"method":"password"}]` {
		t.Errorf("session %+v", s)
	}

	other, _ := NewToken()
	for name, r := range map[string]*http.Request{
		"no cookie":            request("GET", "/"),
		"other token":          withSession(request("GET", "/"), Customer, other),
		"hash instead":         withSession(request("GET", "/"), Customer, base64.RawURLEncoding.EncodeToString(HashToken(token))),
		"token twice":          withSession(withSession(request("GET", "/"), Customer, token), Customer, token),
		"in the other cookie":  withSession(request("GET", "/"), Operator, token),
		"flow secret as token": withSession(request("GET", "/"), Customer, token[:42]),
	} {
		if _, err := f.Sessions.Load(r, Customer); !errors.Is(err, ErrNoSession) {
			t.Errorf("%s: err = %v, want ErrNoSession", name, err)
		}
	}
	// A customer's token is worth nothing in the console, whatever cookie carries it.
	if _, err := f.Sessions.Load(withSession(request("GET", "/"), Operator, token), Operator); !errors.Is(err, ErrNoSession) {
		t.Errorf("customer's token as operator: err = %v", err)
	}
}

// S-2, at the edges.
func TestSessionLimits(t *testing.T) {
	for _, tt := range []struct {
		kind           Kind
		idle, absolute time.Duration
	}{{Customer, time.Hour, 24 * time.Hour}, {Operator, 15 * time.Minute, 12 * time.Hour}} {
		t.Run(string(tt.kind), func(t *testing.T) {
			f := newFixture(t)
			account := f.addAccount(t, tt.kind, "someone")
			load := func(token string) error {
				_, err := f.Sessions.Load(withSession(request("GET", "/"), tt.kind, token), tt.kind)
				return err
			}
			_, token := f.addSession(t, tt.kind, account, tt.absolute)
			f.clock.Advance(tt.idle - time.Microsecond)
			if err := load(token); err != nil {
				t.Fatalf("just before the idle limit: %v", err)
			}
			f.clock.Advance(tt.idle - time.Microsecond) // the use before counts
			if err := load(token); err != nil {
				t.Fatalf("just before the next idle limit: %v", err)
			}
			f.clock.Advance(tt.idle)
			if err := load(token); !errors.Is(err, ErrNoSession) {
				t.Fatalf("at the idle limit: %v", err)
			}

			_, token = f.addSession(t, tt.kind, account, tt.absolute)
			for left := tt.absolute; ; left -= tt.idle / 2 {
				if left <= tt.idle/2 {
					f.clock.Advance(left - time.Microsecond)
					break
				}
				f.clock.Advance(tt.idle / 2)
				if err := load(token); err != nil {
					t.Fatalf("%v before the end: %v", left, err)
				}
			}
			if err := load(token); err != nil {
				t.Fatalf("just before the absolute limit: %v", err)
			}
			f.clock.Advance(time.Microsecond)
			if err := load(token); !errors.Is(err, ErrNoSession) {
				t.Fatalf("at the absolute limit: %v", err)
			}
		})
	}
}

func TestSessionIsTouchedOnceAMinute(t *testing.T) {
	f := newFixture(t)
	id, token := f.addSession(t, Customer, f.addAccount(t, Customer, "tanaka"), time.Hour)
	seen := func() time.Time {
		t.Helper()
		if _, err := f.Sessions.Load(withSession(request("GET", "/"), Customer, token), Customer); err != nil {
			t.Fatal(err)
		}
		row, err := f.db.Read().GetSession(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return row.SeenAt
	}
	start := f.clock.Now()
	f.clock.Advance(59 * time.Second)
	if got := seen(); !got.Equal(start) {
		t.Errorf("touched after 59 s: %v", got)
	}
	f.clock.Advance(time.Second)
	if got := seen(); !got.Equal(start.Add(time.Minute)) {
		t.Errorf("after a minute seen_at is %v", got)
	}
}

func TestI11_EndedSessionsAreRefused(t *testing.T) {
	for name, end := range map[string]func(tx *store.Tx, f *fixture, a store.AccountID, s store.SessionID) error{
		"ended": func(tx *store.Tx, f *fixture, a store.AccountID, s store.SessionID) error {
			now := f.clock.Now()
			_, err := tx.CloseSession(t.Context(), store.CloseSessionParams{ID: s, AccountID: a, Now: &now})
			return err
		},
		"token rotated": func(tx *store.Tx, f *fixture, a store.AccountID, s store.SessionID) error {
			_, hash := NewToken()
			row, err := tx.GetAccount(t.Context(), a)
			if err != nil {
				return err
			}
			_, err = tx.RaiseSession(t.Context(), store.RaiseSessionParams{
				ID: s, AccountID: a, TokenHash: hash, Evidence: []byte(`[]`), CredentialEpoch: row.CredentialEpoch,
				Now: f.clock.Now(), ExpiresAt: f.clock.Now().Add(time.Hour),
			})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			account := f.addAccount(t, Customer, "tanaka")
			id, token := f.addSession(t, Customer, account, time.Hour)
			if err := f.db.InTx(t.Context(), func(tx *store.Tx) error { return end(tx, f, account, id) }); err != nil {
				t.Fatal(err)
			}
			if _, err := f.Sessions.Load(withSession(request("GET", "/"), Customer, token), Customer); !errors.Is(err, ErrNoSession) {
				t.Errorf("err = %v, want ErrNoSession", err)
			}
		})
	}
}

func TestI13_RequireAndRequireFresh(t *testing.T) {
	f := newFixture(t)
	ran := 0
	h := f.Handle(func(w http.ResponseWriter, r *http.Request) error {
		if s, ok := SessionFrom(r.Context()); !ok || s.Account.LoginID != "operator" {
			t.Errorf("session %+v, %v", s, ok)
		}
		ran++
		return ok(w, r)
	})
	m := f.Mux()
	m.Route("/admin", func(m chi.Router) {
		m.Use(f.Sessions.Require(Operator))
		m.Get("/customers", h)
		m.Group(func(m chi.Router) {
			m.Use(f.Sessions.RequireFresh(5 * time.Minute))
			m.Get("/settings", h)
			m.Post("/settings", h)
			m.Post("/end", h)
		})
	})
	_, token := f.addSession(t, Operator, f.addAccount(t, Operator, "operator"), time.Hour)
	same := "Sec-Fetch-Site: same-origin"

	for _, tt := range []struct {
		name           string
		r              *http.Request
		session, fresh bool
		status         int
		location       string
	}{
		{"anonymous GET", request("GET", "/admin/customers?page=2&lang=en"), false, false, 303, "/signin/start?to=%2Fadmin%2Fcustomers%3Fpage%3D2"},
		{"anonymous POST", request("POST", "/admin/settings", same), false, false, 401, ""},
		{"anonymous program", request("GET", "/admin/customers", "Accept: application/json"), false, false, 401, ""},
		{"session", request("GET", "/admin/customers"), true, false, 200, ""},
		{"stale GET", request("GET", "/admin/settings"), true, false, 303, "/signin/start?fresh=1&to=%2Fadmin%2Fsettings"},
		{"stale POST", request("POST", "/admin/settings", same), true, false, 303, "/signin/start?fresh=1&to=%2Fadmin%2Fsettings"},
		{"stale POST without page", request("POST", "/admin/end", same), true, false, 303, "/signin/start?fresh=1&to=%2Fadmin"},
		{"stale program", request("POST", "/admin/end", same, "Accept: application/json"), true, false, 403, ""},
		{"fresh GET", request("GET", "/admin/settings"), true, true, 200, ""},
		{"fresh POST", request("POST", "/admin/settings", same), true, true, 200, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f.fresh, ran = tt.fresh, 0
			if tt.session {
				withSession(tt.r, Operator, token)
			}
			w := serve(m, tt.r)
			if w.Code != tt.status || w.Header().Get("Location") != tt.location {
				t.Errorf("answer %d %q, want %d %q", w.Code, w.Header().Get("Location"), tt.status, tt.location)
			}
			if (ran == 1) != (tt.status == 200) {
				t.Errorf("handler ran %d times", ran)
			}
		})
	}

	w := serve(m, request("POST", "/admin/settings", same))
	if !strings.Contains(w.Body.String(), "/signin/start?to=%2Fadmin%2Fsettings") {
		t.Errorf("page offers no way on: %s", w.Body)
	}
}

// I16: a session without what its surface demands by now is worth nothing on our own pages.
func TestI16_RequireAsksAgainAfterEnforcement(t *testing.T) {
	f := newFixture(t)
	m := f.Mux()
	m.Route("/", func(m chi.Router) {
		m.Use(f.Sessions.Require(Operator))
		m.Get("/admin/customers", f.Handle(ok))
		m.Post("/admin/customers", f.Handle(ok))
	})
	_, token := f.addSession(t, Operator, f.addAccount(t, Operator, "operator"), time.Hour)
	do := func(r *http.Request) *httptest.ResponseRecorder { return serve(m, withSession(r, Operator, token)) }
	same := "Sec-Fetch-Site: same-origin"
	if w := do(request("GET", "/admin/customers")); w.Code != 200 {
		t.Fatalf("before: %d", w.Code)
	}
	f.insufficient = true
	if w := do(request("GET", "/admin/customers?page=2")); w.Code != 303 || w.Header().Get("Location") != "/signin/start?to=%2Fadmin%2Fcustomers%3Fpage%3D2" {
		t.Errorf("GET: %d %s", w.Code, w.Header().Get("Location"))
	}
	if w := do(request("POST", "/admin/customers", same)); w.Code != 401 || !strings.Contains(w.Body.String(), "/signin/start?to=%2Fadmin%2Fcustomers") {
		t.Errorf("POST: %d %s", w.Code, w.Body)
	}
	f.insufficient = false
	if w := do(request("POST", "/admin/customers", same)); w.Code != 200 {
		t.Errorf("after a second factor: %d", w.Code)
	}
}

func TestSilentStoreIs503(t *testing.T) {
	f := newFixture(t)
	_, token := f.addSession(t, Customer, f.addAccount(t, Customer, "tanaka"), time.Hour)
	m := f.Mux()
	m.With(f.Sessions.Require(Customer)).Get("/account/security", f.Handle(ok))
	m.Get("/signin", f.Handle(func(w http.ResponseWriter, r *http.Request) error {
		if _, err := f.Flows.Load(r); err != nil {
			return err
		}
		return ok(w, r)
	}))
	id, secret := f.addFlow(t, "")
	late, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	gone, leave := context.WithCancel(t.Context())
	leave()
	for _, r := range []*http.Request{
		withSession(request("GET", "/account/security"), Customer, token),
		withFlow(request("GET", "/signin?flow="+string(id)), id, secret),
	} {
		if w := serve(m, r.WithContext(late)); w.Code != 503 || w.Header().Get("Retry-After") == "" {
			t.Errorf("%s: %d; log %s", r.URL.Path, w.Code, f.log)
		}
		// Nobody waits for the answer, and nothing is wrong with us.
		f.log.Reset()
		serve(m, r.WithContext(gone))
		if recs := f.records(t); len(recs) != 1 || recs[0]["status"] != 499.0 || recs[0]["level"] != "INFO" {
			t.Errorf("%s: client gone gives %v", r.URL.Path, recs)
		}
	}
}

func (f *fixture) addFlow(t *testing.T, locale string) (store.FlowID, string) {
	t.Helper()
	id := store.NewID[store.FlowID]()
	secret, hash := NewToken()
	err := f.db.InTx(t.Context(), func(tx *store.Tx) error {
		return tx.InsertFlow(t.Context(), store.InsertFlowParams{
			ID: id, SecretHash: hash, SurfaceID: "store", Request: []byte(`{}`), Locale: locale, Evidence: []byte(`[]`),
			Now: f.clock.Now(), ExpiresAt: f.clock.Now().Add(30 * time.Minute),
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return id, secret
}

func withFlow(r *http.Request, id store.FlowID, secret string) *http.Request {
	r.AddCookie(&http.Cookie{Name: flowCookieName(id), Value: string(id) + "." + secret})
	return r
}

func TestFlowLoad(t *testing.T) {
	f := newFixture(t)
	id, secret := f.addFlow(t, "")
	other, otherSecret := f.addFlow(t, "")
	get := func(q string) *http.Request { return request("GET", "/signin?"+q) }

	flow, err := f.Flows.Load(withFlow(get("flow="+string(id)), id, secret))
	if err != nil || flow.ID != id {
		t.Fatalf("own flow: %v", err)
	}
	if _, err := f.Flows.LoadAccount(withFlow(get("flow="+string(id)), id, secret)); !errors.Is(err, ErrFlowGone) {
		t.Errorf("flow without account: err = %v, want ErrFlowGone", err)
	}
	wrong, _ := NewToken()
	for name, r := range map[string]*http.Request{
		"no id":                 withFlow(get(""), id, secret),
		"no cookie":             get("flow=" + string(id)),
		"wrong secret":          withFlow(get("flow="+string(id)), id, wrong),
		"other flow's secret":   withFlow(get("flow="+string(id)), id, otherSecret),
		"another browser's id":  withFlow(get("flow="+string(other)), id, secret),
		"id twice":              withFlow(get("flow="+string(id)+"&flow="+string(id)), id, secret),
		"not an id":             withFlow(get("flow=%27%20OR%201=1"), id, secret),
		"id in capitals":        withFlow(get("flow="+strings.ToUpper(string(id))), id, secret),
		"session cookie as key": withSession(get("flow="+string(id)), Customer, secret),
	} {
		if _, err := f.Flows.Load(r); !errors.Is(err, ErrFlowGone) {
			t.Errorf("%s: err = %v, want ErrFlowGone", name, err)
		}
	}

	now := f.clock.Now()
	f.clock.Advance(30*time.Minute - time.Microsecond)
	if _, err := f.Flows.Load(withFlow(get("flow="+string(id)), id, secret)); err != nil {
		t.Errorf("just before its end: %v", err)
	}
	f.clock.Advance(time.Microsecond)
	if _, err := f.Flows.Load(withFlow(get("flow="+string(id)), id, secret)); !errors.Is(err, ErrFlowGone) {
		t.Errorf("%v after its start: err = %v", f.clock.Now().Sub(now), err)
	}
}

// A pending session has no power over routes that need a full one.
func TestI2_FlowIsNoSession(t *testing.T) {
	f := newFixture(t)
	id, secret := f.addFlow(t, "")
	m := f.Mux()
	m.With(f.Sessions.Require(Customer)).Get("/account/security", f.Handle(ok))
	r := withSession(withFlow(request("GET", "/account/security?flow="+string(id)), id, secret), Customer, secret)
	if w := serve(m, r); w.Code != 303 {
		t.Errorf("status %d, want 303", w.Code)
	}
}

// The relying party's wish holds until the person chooses otherwise.
func TestFlowLanguage(t *testing.T) {
	f := newFixture(t)
	before := f.clock.Now().Add(-time.Minute)
	id, secret := f.addFlow(t, "en")
	f.clock.Advance(time.Minute)
	after := f.clock.Now()
	m := f.Mux()
	var got templates.Lang
	m.Get("/signin", f.Handle(func(w http.ResponseWriter, r *http.Request) error {
		if _, err := f.Flows.Load(r); err != nil {
			return err
		}
		got = f.Frame(w, r).Lang
		return ok(w, r)
	}))
	for _, tt := range []struct {
		name, query string
		chosen      time.Time
		want        templates.Lang
	}{
		{"asked for", "", time.Time{}, templates.En},
		{"chosen before", "", before, templates.En},
		{"chosen since", "", after, templates.Ja},
		{"chosen now", "&lang=ja", time.Time{}, templates.Ja},
	} {
		r := withFlow(request("GET", "/signin?flow="+string(id)+tt.query), id, secret)
		if !tt.chosen.IsZero() {
			r.AddCookie(&http.Cookie{Name: langCookie, Value: "ja." + strconv.FormatInt(tt.chosen.Unix(), 10)})
		}
		if w := serve(m, r); w.Code != 200 || got != tt.want {
			t.Errorf("%s: %d, language %q, want %q", tt.name, w.Code, got, tt.want)
		}
	}
}

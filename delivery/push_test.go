package delivery

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/futakagi/futakagi/internal/outbound"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
)

// pushing is an outbox whose recipients are paths of one server.
func pushing(t *testing.T, db *store.DB, handler http.HandlerFunc, change func(*Config)) *fixture {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return setup(t, db, nil, func(c *Config) {
		var err error
		if c.Outbound, err = outbound.New(outbound.Config{Loopback: true, Timeout: time.Minute}); err != nil {
			t.Fatal(err)
		}
		made := 0
		var mu sync.Mutex
		c.Push = func(_ context.Context, p Push) (PushRequest, error) {
			mu.Lock()
			defer mu.Unlock()
			made++
			return PushRequest{URL: s.URL + "/" + p.Recipient, ContentType: "text/plain", Body: []byte(strconv.Itoa(made))}, nil
		}
		if change != nil {
			change(c)
		}
	})
}

func (f *fixture) tellParty(t *testing.T, recipient string) store.MessageID {
	t.Helper()
	id, session := store.NewID[store.MessageID](), store.NewID[store.SessionID]()
	if err := f.db.InTx(t.Context(), func(tx *store.Tx) error {
		if err := tx.EnqueuePush(t.Context(), store.EnqueuePushParams{
			ID: id, Kind: KindSignOut, AccountID: &f.account, SessionID: &session, Recipient: recipient, Now: f.now(), Deadline: f.now().Add(24 * time.Hour),
		}); err != nil {
			return err
		}
		return tx.Notify(t.Context(), store.PushChannel, "")
	}); err != nil {
		t.Fatal(err)
	}
	return id
}

// settled waits until a message's state or number of tries is as wanted.
func (f *fixture) settled(t *testing.T, id store.MessageID, when func(store.GetMessageRow) bool) store.GetMessageRow {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		row, err := f.db.Read().GetMessage(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if when(row) {
			return row
		}
		if time.Now().After(deadline) {
			t.Fatalf("message is %+v; log:\n%s", row, f.logged())
		}
	}
}

func finished(row store.GetMessageRow) bool { return row.FinishedAt != nil }

// TestPushAnswers holds Back-Channel Logout 1.0 section 2.8: what is taken over, refused for good, or worth another try.
func TestPushAnswers(t *testing.T) {
	answers := map[string]func(w http.ResponseWriter, r *http.Request){
		"ok":    func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) },
		"empty": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
		"refused": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"error":"invalid_request"}`, http.StatusBadRequest)
		},
		"talks": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"error":"<b>see me</b>"}`, http.StatusForbidden)
		},
		"missing": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) },
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1/", http.StatusFound)
		},
		"busy":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) },
		"broken": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
	}
	f := pushing(t, storetest.SQLite(t), func(w http.ResponseWriter, r *http.Request) {
		answers[strings.TrimPrefix(r.URL.Path, "/")](w, r)
	}, func(c *Config) {
		inner := c.Push
		c.Push = func(ctx context.Context, p Push) (PushRequest, error) {
			switch p.Recipient {
			case "gone":
				return PushRequest{}, ErrMoot
			case "inside":
				return PushRequest{URL: "https://10.0.0.1/", ContentType: "text/plain"}, nil
			case "unmade":
				return PushRequest{}, errors.New("no key")
			}
			return inner(ctx, p)
		}
	})
	run(t, f.Outbox)
	for recipient, want := range map[string]struct{ state, reply string }{
		"ok":       {StateAccepted, "200"},
		"empty":    {StateAccepted, "204"},
		"refused":  {StateFailed, "400 invalid_request"},
		"talks":    {StateFailed, "403"},
		"missing":  {StateFailed, "404"},
		"redirect": {StateFailed, "302 (redirects are not followed)"},
		"busy":     {StateQueued, "429"},
		"broken":   {StateQueued, "500"},
		"gone":     {StateCancelled, ""},
		"inside":   {StateFailed, "the address is not allowed (outbound.allow)"},
		"unmade":   {StateQueued, "the message could not be made"},
	} {
		row := f.settled(t, f.tellParty(t, recipient), func(row store.GetMessageRow) bool { return finished(row) || row.Attempts > 1 })
		if row.State != want.state || row.Reply != want.reply {
			t.Errorf("%s: %s %q, want %s %q", recipient, row.State, row.Reply, want.state, want.reply)
		}
	}
}

// TestPushWithoutAnswer: whoever says nothing is asked again.
func TestPushWithoutAnswer(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	f := pushing(t, storetest.SQLite(t), func(http.ResponseWriter, *http.Request) { <-release }, func(c *Config) {
		var err error
		if c.Outbound, err = outbound.New(outbound.Config{Loopback: true, Timeout: 200 * time.Millisecond}); err != nil {
			t.Fatal(err)
		}
	})
	run(t, f.Outbox)
	row := f.settled(t, f.tellParty(t, "slow"), func(row store.GetMessageRow) bool { return row.Attempts > 1 })
	if row.State != StateQueued || row.Reply != "no answer in time" {
		t.Errorf("%s %q", row.State, row.Reply)
	}
}

// TestPushIsMadeAtEachTry: what was made for the first try may be of no use at the second.
func TestPushIsMadeAtEachTry(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		bodies := make(chan string, 10)
		f := pushing(t, db, func(w http.ResponseWriter, r *http.Request) {
			var b [8]byte
			n, _ := r.Body.Read(b[:])
			bodies <- string(b[:n])
			if len(bodies) == 1 {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		}, nil)
		run(t, f.Outbox)
		row := f.settled(t, f.tellParty(t, "party"), finished)
		if first, second := <-bodies, <-bodies; row.State != StateAccepted || row.Attempts != 2 || first != "1" || second != "2" {
			t.Errorf("%s after %d tries: %q, %q", row.State, row.Attempts, first, second)
		}
	})
}

// TestOneSlowPartyHoldsNobodyUp: it gets two requests at a time and no more, and the others are told meanwhile.
func TestOneSlowPartyHoldsNobodyUp(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		release := make(chan struct{})
		var mu sync.Mutex
		hanging, most := 0, 0
		f := pushing(t, db, func(_ http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/slow" {
				return
			}
			mu.Lock()
			hanging++
			most = max(most, hanging)
			mu.Unlock()
			<-release
			mu.Lock()
			hanging--
			mu.Unlock()
		}, func(c *Config) {
			c.PushWorkers = 3
		})
		var slow, others []store.MessageID
		for range 6 {
			slow = append(slow, f.tellParty(t, "slow"))
		}
		for range 4 {
			others = append(others, f.tellParty(t, "other"))
		}
		run(t, f.Outbox)
		for _, id := range others {
			f.settled(t, id, finished)
		}
		close(release)
		for _, id := range slow {
			f.settled(t, id, finished)
		}
		if most > pushesPerRecipient && db.Engine() == store.SQLite || most > f.cfg.PushWorkers {
			t.Errorf("%d requests to one party at once", most)
		}
	})
}

package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
	"github.com/futakagi/futakagi/templates"
)

const phone = "+819012345678"

// withSMS puts a gateway into a test's outbox.
func withSMS(sms SMS) func(*Config) {
	return func(c *Config) { c.SMS, c.SMSFrom, c.Host = sms, "EXAMPLE", "id.example.co.jp" }
}

func (f *fixture) textCode(t *testing.T, to string) store.ChallengeID {
	t.Helper()
	challenge := store.NewID[store.ChallengeID]()
	if err := f.db.InTx(t.Context(), func(tx *store.Tx) error {
		return f.Code(t.Context(), tx, CodeMessage{
			AccountID: f.account, ChallengeID: challenge, Channel: ChannelSMS, To: to, Code: code, Lang: templates.Ja, ExpiresAt: f.now().Add(10 * time.Minute),
		})
	}); err != nil {
		t.Fatal(err)
	}
	f.Wake()
	return challenge
}

// observed collects what the metrics are told.
type observed struct {
	mu  sync.Mutex
	all []string
}

func (o *observed) note(channel, result string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all = append(o.all, channel+" "+result)
}

func (o *observed) list() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.all)
}

// A gateway that knows a message by its key gets it once, whatever is lost on the way.
func TestSMSTravelsOverHTTP(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var mu sync.Mutex
		taken := map[string]string{} // by key, as a gateway keeps them
		var tries int
		s := gateway(t, func(w http.ResponseWriter, r *http.Request) {
			var m struct{ ID, To, From, Text string }
			if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			tries++
			switch tries {
			case 1:
				w.WriteHeader(http.StatusServiceUnavailable)
				fmt.Fprintf(w, `{"error":"not now, text was %s"}`, code)
			case 2:
				taken[r.Header.Get(WebhookKeyHeader)] = m.To + " " + m.From + " " + m.Text
				panic(http.ErrAbortHandler) // it has the message, but nobody hears of it
			default:
				taken[r.Header.Get(WebhookKeyHeader)] = m.To + " " + m.From + " " + m.Text
				fmt.Fprint(w, `{"id":"theirs"}`)
			}
		})
		var results observed
		f := setup(t, db, &Capture{}, func(c *Config) {
			withSMS(must(NewWebhook(WebhookConfig{URL: s.URL, Secret: canarySecret, Now: time.Now}))(t))(c)
			c.Observe = results.note
		})
		challenge := f.textCode(t, phone)
		if age, err := f.OldestAge(t.Context(), ChannelSMS); err != nil || age < 0 || age > time.Minute {
			t.Errorf("OldestAge = %v, %v", age, err)
		}
		stop := run(t, f.Outbox)
		row := f.wait(t, challenge, StateAccepted)
		stop()
		if row.Attempts != 3 || row.Reply != "200 theirs" {
			t.Errorf("row = %+v", row)
		}
		want := map[string]string{string(row.ID): phone + " EXAMPLE 認証コード：" + code + "（10分間有効）\n@id.example.co.jp #" + code}
		if diff := cmp.Diff(want, taken); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"sms retry", "sms retry", "sms accepted"}, results.list()); diff != "" {
			t.Error(diff)
		}
		if log := f.logged(); strings.Contains(log, code) || strings.Contains(log, canarySecret) || !strings.Contains(log, "503 not now") {
			t.Errorf("log: %s", log)
		}
	})
}

// A gateway that does not know a repeated message gets it once, at the price of one that is perhaps lost.
func TestSMSThatMayHaveLeftIsNotSentAgain(t *testing.T) {
	var tries atomic.Int32
	s := gateway(t, func(http.ResponseWriter, *http.Request) {
		tries.Add(1)
		panic(http.ErrAbortHandler)
	})
	f := setup(t, storetest.SQLite(t), nil, withSMS(adapters()[0].make(t, s.URL, time.Minute)))
	challenge := f.textCode(t, phone)
	stop := run(t, f.Outbox)
	row := f.wait(t, challenge, StateFailed)
	stop()
	if !strings.Contains(row.Reply, "may have been sent") || row.Attempts != 1 || tries.Load() != 1 {
		t.Errorf("%d requests, row %+v", tries.Load(), row)
	}
}

func TestSMSExpires(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for name, sms := range map[string]SMS{
			"without a gateway": nil,
			"gateway away": &CaptureSMS{Refuse: func(Text) error {
				return &SendError{Reply: "no connection to the gateway", Err: errors.New("away")}
			}},
		} {
			t.Run(name, func(t *testing.T) {
				mails, results := &Capture{}, &observed{}
				f := setup(t, db, mails, func(c *Config) {
					withSMS(sms)(c)
					c.Observe = results.note
				})
				if f.Sends(ChannelSMS) != (sms != nil) || !f.Sends(ChannelEmail) || f.Sends("") {
					t.Error("what the outbox says it sends is not so")
				}
				challenge := f.textCode(t, phone)
				mail := f.code(t, "sato-2fa@example.jp")
				stop := run(t, f.Outbox)
				f.wait(t, mail, StateAccepted)
				if sms != nil {
					waitFor(t, func() bool { return f.row(t, challenge).Attempts >= 2 })
				}
				stop()
				if got := f.row(t, challenge); got.State != StateQueued || (sms == nil) != (got.Attempts == 0) {
					t.Errorf("before: %+v", got)
				}
				f.advance(10*time.Minute + time.Second)
				if err := f.expire(t.Context()); err != nil {
					t.Fatal(err)
				}
				if got := f.row(t, challenge); got.State != StateExpired || got.FinishedAt == nil {
					t.Errorf("after: %+v", got)
				}
				if all := results.list(); !slices.Contains(all, "sms expired") || slices.Contains(all, "email expired") || !slices.Contains(all, "email accepted") {
					t.Errorf("observed %v", all)
				}
			})
		}
	})
}

// hanging is a gateway that never answers.
type hanging struct{}

func (hanging) Send(ctx context.Context, _ Text) (Receipt, error) {
	<-ctx.Done()
	return Receipt{}, ctx.Err()
}

func TestASlowGatewayDoesNotHoldUpTheMail(t *testing.T) {
	mails := &Capture{}
	f := setup(t, storetest.SQLite(t), mails, func(c *Config) {
		withSMS(hanging{})(c)
		c.Drain = 10 * time.Millisecond
	})
	var waiting []store.ChallengeID
	for range 5 {
		waiting = append(waiting, f.textCode(t, phone))
	}
	run(t, f.Outbox)
	waitFor(t, func() bool { return f.row(t, waiting[0]).Attempts == 1 })
	f.code(t, "sato-2fa@example.jp")
	waitFor(t, func() bool { return len(mails.Mails("")) == 1 })
}

func TestRetryAfterLengthensThePause(t *testing.T) {
	var tries atomic.Int32
	texts := &CaptureSMS{Refuse: func(Text) error {
		if tries.Add(1) == 1 {
			return &SendError{Reply: "429", RetryAfter: 5 * time.Minute, Err: errors.New("slow down")}
		}
		return nil
	}}
	f := setup(t, storetest.SQLite(t), nil, withSMS(texts))
	challenge := f.textCode(t, phone)
	run(t, f.Outbox)
	waitFor(t, func() bool { return f.row(t, challenge).Reply == "429" })
	f.advance(4 * time.Minute)
	time.Sleep(100 * time.Millisecond) // many looks at the outbox
	if got := f.row(t, challenge); got.Attempts != 1 {
		t.Errorf("tried again before its time: %+v", got)
	}
	f.advance(time.Minute)
	f.wait(t, challenge, StateAccepted)
	if got := texts.Texts(phone); len(got) != 1 || got[0].Valid <= 0 || got[0].Valid > 5*time.Minute {
		t.Errorf("sent %+v", got)
	}
}

// A person waits for the code: that it cannot come any more is said at once.
func TestRetryAfterBeyondTheDeadlineEndsIt(t *testing.T) {
	f := setup(t, storetest.SQLite(t), nil, withSMS(&CaptureSMS{Refuse: func(Text) error {
		return &SendError{Reply: "429 come back tomorrow", RetryAfter: 24 * time.Hour, Err: errors.New("slow down")}
	}}))
	challenge := f.textCode(t, phone)
	run(t, f.Outbox)
	if row := f.wait(t, challenge, StateFailed); row.Attempts != 1 || row.Reply != "429 come back tomorrow" {
		t.Errorf("row = %+v", row)
	}
}

func TestPanickingGatewayIsARetry(t *testing.T) {
	var n atomic.Int32
	f := setup(t, storetest.SQLite(t), nil, withSMS(&CaptureSMS{Refuse: func(Text) error {
		if n.Add(1) == 1 {
			panic("boom")
		}
		return nil
	}}))
	challenge := f.textCode(t, phone)
	run(t, f.Outbox)
	if row := f.wait(t, challenge, StateAccepted); row.Attempts != 2 {
		t.Errorf("row = %+v", row)
	}
}

func TestI26_EachChannelTakesItsOwnAddresses(t *testing.T) {
	f := setup(t, storetest.SQLite(t), nil, withSMS(&CaptureSMS{}))
	queue := func(channel, to string) error {
		return f.db.InTx(t.Context(), func(tx *store.Tx) error {
			return f.Code(t.Context(), tx, CodeMessage{
				AccountID: f.account, ChallengeID: store.NewID[store.ChallengeID](), Channel: channel, To: to, Code: code, Lang: templates.Ja, ExpiresAt: f.now().Add(time.Minute),
			})
		})
	}
	for _, tc := range []struct{ channel, to string }{
		{ChannelSMS, ""},
		{ChannelSMS, "09012345678"},
		{ChannelSMS, "sato@example.jp"},
		{ChannelSMS, phone + "," + phone},
		{ChannelSMS, phone + "\r\n"},
		{ChannelEmail, phone},
		{"", phone},
	} {
		if err := queue(tc.channel, tc.to); !errors.Is(err, ErrRecipient) {
			t.Errorf("%s to %q: err = %v, want ErrRecipient", tc.channel, tc.to, err)
		}
	}
	if err := queue("pigeon", "sato@example.jp"); err == nil {
		t.Error("a message on an unknown channel was queued")
	}
	// Notices go by mail alone.
	err := f.db.InTx(t.Context(), func(tx *store.Tx) error {
		return f.Notice(t.Context(), tx, NoticeMessage{Kind: KindReset, To: phone, Lang: templates.Ja})
	})
	if !errors.Is(err, ErrRecipient) {
		t.Errorf("a notice to a phone: %v", err)
	}
}

func TestSMSNeedsAHost(t *testing.T) {
	f := setup(t, storetest.SQLite(t), nil, nil)
	for host, ok := range map[string]bool{"id.example.co.jp": true, "localhost": true, "": false, "a b": false, "a\n#1": false, "a#b": false, "@": false, "例.jp": false} {
		cfg := f.cfg
		cfg.SMS, cfg.Host = &CaptureSMS{}, host
		if _, err := New(cfg); (err == nil) != ok {
			t.Errorf("host %q: %v", host, err)
		}
	}
	cfg := f.cfg
	cfg.SMS, cfg.Host, cfg.SMSFrom = &CaptureSMS{}, "id.example.co.jp", "a\r\nb"
	if _, err := New(cfg); err == nil {
		t.Error("a sender of two lines was accepted")
	}
	// Also where nothing sends it yet, a code is never written without what binds it.
	err := f.db.InTx(t.Context(), func(tx *store.Tx) error {
		return f.Code(t.Context(), tx, CodeMessage{AccountID: f.account, Channel: ChannelSMS, To: phone, Code: code, Lang: templates.Ja, ExpiresAt: f.now().Add(time.Minute)})
	})
	if err == nil {
		t.Error("a text without host was queued")
	}
}

func TestSMSInBothLanguages(t *testing.T) {
	texts := &CaptureSMS{}
	f := setup(t, storetest.SQLite(t), nil, withSMS(texts))
	for i, lang := range templates.Langs() {
		if err := f.db.InTx(t.Context(), func(tx *store.Tx) error {
			return f.Code(t.Context(), tx, CodeMessage{
				AccountID: f.account, ChallengeID: store.NewID[store.ChallengeID](), Channel: ChannelSMS, To: fmt.Sprint(phone[:12], i), Code: code, Lang: lang,
				ExpiresAt: f.now().Add(10 * time.Minute),
			})
		}); err != nil {
			t.Fatal(err)
		}
	}
	run(t, f.Outbox)
	waitFor(t, func() bool { return len(texts.Texts("")) == 2 })
	var got []string
	for _, m := range texts.Texts("") {
		got = append(got, m.Body)
	}
	slices.Sort(got)
	want := []string{code + " is your code (10 min)\n@id.example.co.jp #" + code, "認証コード：" + code + "（10分間有効）\n@id.example.co.jp #" + code}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

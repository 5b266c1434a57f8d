package inbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/delivery"
)

const smsSecret = "a secret of the tests that is long enough"

// phone is a gateway in front of the inbox, as the provider uses one.
func (b bench) phone(t *testing.T, change func(*delivery.WebhookConfig)) *delivery.Webhook {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host = strings.TrimPrefix(baseURL, "http://")
		b.inbox.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	c := delivery.WebhookConfig{URL: s.URL + SMSPath, Secret: smsSecret, Now: time.Now}
	if change != nil {
		change(&c)
	}
	w, err := delivery.NewWebhook(c)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

var text = delivery.Text{MessageID: "0198-1", From: "Aoba", To: "+819012345678", Body: "認証コード：123456（10分間有効）\n@localhost #123456"}

func TestSMSArrivesOnce(t *testing.T) {
	b := newBench(t, Config{SMSSecret: smsSecret})
	phone := b.phone(t, nil)
	for range 2 { // the second time as after an answer that was lost
		receipt, err := phone.Send(t.Context(), text)
		if err != nil || receipt.Reply != "202 inbox-0198-1" {
			t.Fatalf("%+v, %v", receipt, err)
		}
	}
	got := b.list(t, "+819012345678")
	if len(got) != 1 {
		t.Fatalf("%d messages, want 1", len(got))
	}
	delete(got[0], "at")
	want := map[string]any{"channel": "sms", "to": "+819012345678", "subject": "", "text": text.Body}
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Error(diff)
	}
	if code := b.inbox.Messages("")[0].Code(); code != "123456" {
		t.Errorf("Code() = %q", code)
	}
	other := text
	other.MessageID = "0198-2"
	if _, err := phone.Send(t.Context(), other); err != nil || len(b.list(t, "")) != 2 {
		t.Errorf("another message: %v", err)
	}
	if page := b.do(t, http.MethodGet, "/", nil).Body.String(); !strings.Contains(page, "<h2>SMS</h2>") || strings.Contains(page, "（件名なし）") {
		t.Errorf("page:\n%s", page)
	}
}

func TestSMSOfStrangersIsRefused(t *testing.T) {
	b := newBench(t, Config{SMSSecret: smsSecret})
	for name, change := range map[string]func(*delivery.WebhookConfig){
		"another secret": func(c *delivery.WebhookConfig) { c.Secret = strings.Repeat("x", 32) },
		"an old request": func(c *delivery.WebhookConfig) {
			c.Now = func() time.Time { return time.Now().Add(-smsTolerance - time.Minute) }
		},
		"a request from the future": func(c *delivery.WebhookConfig) {
			c.Now = func() time.Time { return time.Now().Add(smsTolerance + time.Minute) }
		},
	} {
		if _, err := b.phone(t, change).Send(t.Context(), text); err == nil || !strings.Contains(err.Error(), "401 the signature does not match") {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Without a secret there is no gateway.
	if _, err := newBench(t, Config{}).phone(t, nil).Send(t.Context(), text); err == nil {
		t.Error("an inbox without secret took a message")
	}
	// What is signed cannot be exchanged, nor sent without a signature.
	var recorded *http.Request
	var body string
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var raw json.RawMessage
		if err := json.NewDecoder(r.Body).Decode(&raw); err != nil {
			t.Error(err)
		}
		recorded, body = r, string(raw)
	}))
	defer s.Close()
	if _, err := b.phone(t, func(c *delivery.WebhookConfig) { c.URL = s.URL }).Send(t.Context(), text); err != nil {
		t.Fatal(err)
	}
	replay := func(body string, change func(http.Header)) int {
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, baseURL+SMSPath, strings.NewReader(body))
		r.Header = recorded.Header.Clone()
		change(r.Header)
		b.inbox.Handler().ServeHTTP(w, r)
		return w.Code
	}
	same := func(http.Header) {}
	for name, status := range map[string]int{
		"as it was":         replay(body, same),
		"another recipient": replay(strings.ReplaceAll(body, "9012345678", "9087654321"), same),
		"another key":       replay(body, func(h http.Header) { h.Set("Idempotency-Key", "0198-9") }),
		"another time":      replay(body, func(h http.Header) { h.Set("Futakagi-Timestamp", "1"+h.Get("Futakagi-Timestamp")) }),
		"no signature":      replay(body, func(h http.Header) { h.Del("Futakagi-Signature") }),
		"another version": replay(body, func(h http.Header) {
			h.Set("Futakagi-Signature", strings.Replace(h.Get("Futakagi-Signature"), "v1", "v2", 1))
		}),
		"a long body": replay(body+strings.Repeat(" ", 70<<10), same),
	} {
		want := map[string]int{"as it was": http.StatusAccepted, "a long body": http.StatusBadRequest}[name]
		if want == 0 {
			want = http.StatusUnauthorized
		}
		if status != want {
			t.Errorf("%s: status %d, want %d", name, status, want)
		}
	}
	if n := len(b.list(t, "")); n != 1 {
		t.Errorf("%d messages were taken, want the one", n)
	}
}

func TestSMSThatIsNoMessageIsRefused(t *testing.T) {
	b := newBench(t, Config{SMSSecret: smsSecret})
	for name, body := range map[string]string{
		"not JSON": "to=+819012345678", "no id": `{"to":"+819012345678","text":"x"}`, "another id": `{"id":"2","to":"+819012345678","text":"x"}`,
		"a national number": `{"id":"1","to":"09012345678","text":"x"}`, "no text": `{"id":"1","to":"+819012345678"}`, "a list": `[]`,
	} {
		now := strconv.FormatInt(time.Now().Unix(), 10)
		mac := hmac.New(sha256.New, []byte(smsSecret))
		mac.Write([]byte(now + ".1." + body))
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, baseURL+SMSPath, strings.NewReader(body))
		r.Header.Set("Idempotency-Key", "1")
		r.Header.Set("Futakagi-Timestamp", now)
		r.Header.Set("Futakagi-Signature", "v1="+hex.EncodeToString(mac.Sum(nil)))
		b.inbox.Handler().ServeHTTP(w, r)
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), `"error":"the message is not usable`) {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	if n := len(b.list(t, "")); n != 0 {
		t.Errorf("%d messages were taken", n)
	}
}

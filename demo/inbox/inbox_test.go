package inbox

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/smtp"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const baseURL = "http://localhost:8025"

// bench is an inbox with its SMTP server on a free port.
type bench struct {
	inbox *Inbox
	smtp  string
}

func newBench(t *testing.T, c Config) bench {
	t.Helper()
	c.BaseURL, c.Logger = baseURL, slog.New(slog.DiscardHandler)
	b, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.ServeSMTP(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("ServeSMTP: %v", err)
		}
	})
	return bench{inbox: b, smtp: l.Addr().String()}
}

func (b bench) send(t *testing.T, to []string, lines ...string) {
	t.Helper()
	if err := smtp.SendMail(b.smtp, nil, "no-reply@example.jp", to, []byte(strings.Join(lines, "\r\n"))); err != nil {
		t.Fatalf("send mail: %v", err)
	}
}

func (b bench) do(t *testing.T, method, target string, change func(*http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, baseURL+target, http.NoBody)
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	b.inbox.Handler().ServeHTTP(w, r)
	return w
}

func (b bench) list(t *testing.T, to string) []map[string]any {
	t.Helper()
	w := b.do(t, http.MethodGet, "/api/messages?"+url.Values{"to": {to}}.Encode(), nil)
	if w.Code != http.StatusOK {
		t.Fatalf("GET /api/messages = %d", w.Code)
	}
	var got []map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatalf("decode %q: %v", w.Body, err)
	}
	return got
}

func TestMultipartMailArrives(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	b := newBench(t, Config{Now: func() time.Time { return at }})
	b.send(t, []string{"newmail@example.jp"},
		"From: no-reply@example.jp",
		"To: newmail@example.jp",
		"Subject: =?UTF-8?B?44CQQW9iYeOAkeiqjeiovOOCs+ODvOODiSAxMjM0NTY=?=",
		"MIME-Version: 1.0",
		`Content-Type: multipart/mixed; boundary="outer"`,
		"",
		"--outer",
		`Content-Type: multipart/alternative; boundary="inner"`,
		"",
		"--inner",
		"Content-Type: text/plain; charset=UTF-8",
		"Content-Transfer-Encoding: base64",
		"",
		"6KqN6Ki844Kz44O844OJ77yaMTIzNDU2",
		"--inner",
		"Content-Type: text/html; charset=UTF-8",
		"Content-Transfer-Encoding: quoted-printable",
		"",
		"<p style=3D\"color:red\">=E8=AA=8D=E8=A8=BC</p>",
		"--inner--",
		"--outer",
		"Content-Type: text/plain",
		`Content-Disposition: attachment; filename="a.txt"`,
		"",
		"not this",
		"--outer--", "")

	want := []map[string]any{{
		"channel": "email", "to": "newmail@example.jp", "subject": "【Aoba】認証コード 123456",
		"text": "認証コード：123456", "at": "2026-01-02T03:04:05Z",
	}}
	if diff := cmp.Diff(want, b.list(t, "NewMail@example.jp")); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
	if got := b.inbox.Messages("")[0].Code(); got != "123456" {
		t.Errorf("Code() = %q", got)
	}

	w := b.do(t, http.MethodGet, "/messages/1/html", nil)
	if got, want := w.Body.String(), `<p style="color:red">認証</p>`; got != want {
		t.Errorf("HTML part = %q, want %q", got, want)
	}
	if csp := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(csp, "sandbox; default-src 'none'") {
		t.Errorf("HTML part is not sandboxed: %q", csp)
	}
}

func TestPlainAndHTMLOnlyMails(t *testing.T) {
	b := newBench(t, Config{})
	b.send(t, []string{"a@example.jp"}, "Subject: plain", "", "code 111222", "second")
	b.send(t, []string{"a@example.jp"},
		"Subject: html", "Content-Type: text/html; charset=utf-8", "",
		"<html><head><style>p{}</style></head><body><p>one &amp; two</p><p>three</p></body></html>")
	b.send(t, []string{"b@example.jp", "c@example.jp"}, "Subject: both", "", "hello")

	var got []string
	for _, m := range b.inbox.Messages("a@example.jp") {
		got = append(got, m.Subject+": "+strings.TrimSpace(m.Text))
	}
	if diff := cmp.Diff([]string{"html: one & two\nthree", "plain: code 111222\nsecond"}, got); diff != "" {
		t.Errorf("newest first (-want +got):\n%s", diff)
	}
	for _, to := range []string{"b@example.jp", "c@example.jp"} {
		if n := len(b.list(t, to)); n != 1 {
			t.Errorf("messages to %s = %d, want 1", to, n)
		}
	}
	if n := len(b.list(t, "")); n != 4 {
		t.Errorf("messages in all = %d, want 4", n)
	}
	if got := b.list(t, "nobody@example.jp"); got == nil || len(got) != 0 {
		t.Errorf("no messages = %v, want []", got)
	}
}

func TestUnreadableMailIsRefused(t *testing.T) {
	b := newBench(t, Config{})
	for name, body := range map[string]string{
		"broken part": "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nbroken",
		"too large":   "Subject: x\r\n\r\n" + strings.Repeat(strings.Repeat("y", 998)+"\r\n", 1200),
	} {
		err := smtp.SendMail(b.smtp, nil, "no-reply@example.jp", []string{"a@example.jp"}, []byte(body))
		if err == nil || !strings.HasPrefix(err.Error(), "55") {
			t.Errorf("%s: err = %v, want a 55x answer", name, err)
		}
	}
	if n := len(b.inbox.Messages("")); n != 0 {
		t.Errorf("kept %d messages, want 0", n)
	}
}

func TestOnlyTheNewestAreKept(t *testing.T) {
	b := newBench(t, Config{Keep: 3})
	for i := range 5 {
		b.inbox.Add(Message{Channel: SMS, To: "09012345678", Text: fmt.Sprint(i)})
	}
	var got []string
	for _, m := range b.inbox.Messages("") {
		got = append(got, m.Text)
	}
	if diff := cmp.Diff([]string{"4", "3", "2"}, got); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
}

func TestClear(t *testing.T) {
	b := newBench(t, Config{})
	b.inbox.Add(Message{To: "a@example.jp"})
	if w := b.do(t, http.MethodDelete, "/api/messages", nil); w.Code != http.StatusNoContent {
		t.Errorf("DELETE = %d", w.Code)
	}
	b.inbox.Add(Message{To: "a@example.jp"})
	crossSite := func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }
	if w := b.do(t, http.MethodPost, "/clear", crossSite); w.Code != http.StatusForbidden {
		t.Errorf("cross-site POST = %d, want 403", w.Code)
	}
	if n := len(b.inbox.Messages("")); n != 1 {
		t.Fatalf("messages = %d, want 1", n)
	}
	if w := b.do(t, http.MethodPost, "/clear", nil); w.Code != http.StatusSeeOther {
		t.Errorf("POST /clear = %d, want 303", w.Code)
	}
	if n := len(b.inbox.Messages("")); n != 0 {
		t.Errorf("messages = %d, want 0", n)
	}
}

func TestPage(t *testing.T) {
	b := newBench(t, Config{})
	empty := b.do(t, http.MethodGet, "/", nil).Body.String()
	if !strings.Contains(empty, `<html lang="ja">`) || !strings.Contains(empty, "メッセージはまだ届いていません。") {
		t.Errorf("empty page is not the Japanese one:\n%s", empty)
	}
	b.inbox.Add(Message{Channel: Email, To: "a@example.jp", Subject: "<b>code 123456", Text: "<script>"})
	b.inbox.Add(Message{Channel: SMS, To: "09012345678", Text: "654321"})
	english := func(r *http.Request) { r.Header.Set("Accept-Language", "en-GB,ja;q=0.5") }
	got := b.do(t, http.MethodGet, "/?to=a@example.jp", english).Body.String()
	for _, want := range []string{
		`<html lang="en">`, "&lt;b&gt;code 123456", "&lt;script&gt;", `<span class="code">123456</span>`, `href="/?lang=ja&amp;to=a%40example.jp"`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("page has no %q:\n%s", want, got)
		}
	}
	if strings.Contains(got, "654321") {
		t.Error("the filter let another recipient's message through")
	}
}

func TestForeignHostIsRefused(t *testing.T) {
	b := newBench(t, Config{})
	w := b.do(t, http.MethodGet, "/api/messages", func(r *http.Request) { r.Host = "attacker.example:8025" })
	if w.Code != http.StatusMisdirectedRequest {
		t.Errorf("status = %d, want 421", w.Code)
	}
	if body, err := io.ReadAll(w.Body); err != nil || strings.Contains(string(body), "[") {
		t.Errorf("body = %q, %v", body, err)
	}
}

func FuzzParseMail(f *testing.F) {
	f.Add("Subject: =?UTF-8?Q?=E8=AA=8D?=\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n")
	f.Add("Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\nPGI+\r\n")
	f.Fuzz(func(t *testing.T, s string) {
		c, err := parseMail(strings.NewReader(s))
		if err == nil && strings.ToValidUTF8(c.text, "") != c.text {
			t.Errorf("text is not UTF-8: %q", c.text)
		}
	})
}

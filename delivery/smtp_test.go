package delivery

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/delivery/smtptest"
)

func newSMTP(t *testing.T, s *smtptest.Server, cfg SMTPConfig) *SMTP {
	t.Helper()
	cfg.Host, cfg.Port = s.Host, s.Port
	if cfg.TLS == "" {
		cfg.TLS = TLSNone
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = time.Minute
	}
	m, err := NewSMTP(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

var sample = Mail{
	MessageID: "0198-1@example.jp", From: "no-reply@example.jp", FromName: "二鍵ストア", To: "tanaka@example.jp",
	Subject: "【Futakagi】認証コード 123456 とても長い件名がここに続きますので折り返しが必要になります", Text: "認証コード\n\n    123456\n.\n..\nFrom here\n",
	HTML: "<p>認証コード <b>123456</b></p>", Lang: "ja", Date: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC),
}

func TestSMTPMessage(t *testing.T) {
	s := smtptest.Start(t, smtptest.Config{})
	for _, lang := range []string{"ja", "en"} {
		m := sample
		m.Lang = lang
		receipt, err := newSMTP(t, s, SMTPConfig{}).Send(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(receipt.Reply, "250 ") || len(receipt.Reply) < 6 {
			t.Errorf("reply = %q", receipt.Reply)
		}
	}
	for _, got := range s.Messages() {
		if diff := cmp.Diff([]string{"tanaka@example.jp"}, got.To); diff != "" || got.From != "no-reply@example.jp" {
			t.Errorf("envelope from %s: %s", got.From, diff)
		}
		p, err := got.Parse()
		if err != nil {
			t.Fatalf("%v\n%s", err, got.Raw)
		}
		if p.Subject != sample.Subject || p.HTML != sample.HTML {
			t.Errorf("subject %q, html %q", p.Subject, p.HTML)
		}
		if text := strings.ReplaceAll(p.Text, "\r\n", "\n"); text != sample.Text {
			t.Errorf("text = %q", text)
		}
		for name, want := range map[string]string{
			"Message-Id": "<0198-1@example.jp>", "Auto-Submitted": "auto-generated", "To": "<tanaka@example.jp>", "Cc": "", "Bcc": "",
			"Date": "Mon, 02 Nov 2026 09:00:00 +0000", "X-Mailer": "", "User-Agent": "", "Reply-To": "",
		} {
			if got := p.Header.Get(name); got != want {
				t.Errorf("%s = %q, want %q", name, got, want)
			}
		}
		from, err := p.Header.AddressList("From")
		if err != nil || len(from) != 1 || from[0].Address != "no-reply@example.jp" || from[0].Name != "二鍵ストア" {
			t.Errorf("From = %v, %v", from, err)
		}
		for line := range strings.SplitSeq(string(got.Raw), "\r\n") {
			if len(line) > 998 {
				t.Errorf("a line of %d bytes", len(line))
			}
			for _, b := range []byte(line) {
				if b >= 0x80 {
					t.Fatal("raw 8-bit bytes in the message")
				}
			}
		}
	}
}

func TestSMTPTransport(t *testing.T) {
	other := smtptest.Start(t, smtptest.Config{})
	for name, tc := range map[string]struct {
		server smtptest.Config
		client SMTPConfig
		trust  bool
		reply  string // of the failure; empty if it works
	}{
		"starttls":                    {smtptest.Config{StartTLS: true}, SMTPConfig{TLS: TLSStartTLS}, true, ""},
		"implicit":                    {smtptest.Config{Implicit: true}, SMTPConfig{TLS: TLSImplicit}, true, ""},
		"starttls, not offered":       {smtptest.Config{}, SMTPConfig{TLS: TLSStartTLS}, true, "the mail server offers no STARTTLS"},
		"starttls, unknown authority": {smtptest.Config{StartTLS: true}, SMTPConfig{TLS: TLSStartTLS, RootCAs: other.Roots}, false, "no TLS connection to the mail server"},
		"implicit, unknown authority": {smtptest.Config{Implicit: true}, SMTPConfig{TLS: TLSImplicit, RootCAs: other.Roots}, false, "no TLS connection to the mail server"},
		"implicit, speaks plain":      {smtptest.Config{}, SMTPConfig{TLS: TLSImplicit, Timeout: 300 * time.Millisecond}, true, "no TLS connection to the mail server"},
		"sign-in over starttls":       {smtptest.Config{StartTLS: true, Username: "u", Password: "p"}, SMTPConfig{TLS: TLSStartTLS, Username: "u", Password: "p"}, true, ""},
		"sign-in over implicit":       {smtptest.Config{Implicit: true, Username: "u", Password: "p"}, SMTPConfig{TLS: TLSImplicit, Username: "u", Password: "p"}, true, ""},
		"sign-in on loopback":         {smtptest.Config{Username: "u", Password: "p"}, SMTPConfig{TLS: TLSNone, Username: "u", Password: "p"}, true, ""},
		"wrong password":              {smtptest.Config{StartTLS: true, Username: "u", Password: "p"}, SMTPConfig{TLS: TLSStartTLS, Username: "u", Password: "x"}, true, "the mail server refused the sign-in: 535"},
		"sign-in forgotten":           {smtptest.Config{Username: "u", Password: "p"}, SMTPConfig{TLS: TLSNone}, true, "530 "},
		"sign-in not offered":         {smtptest.Config{}, SMTPConfig{TLS: TLSNone, Username: "u", Password: "p"}, true, "the mail server offers no usable sign-in"},
	} {
		t.Run(name, func(t *testing.T) {
			s := smtptest.Start(t, tc.server)
			if tc.trust {
				tc.client.RootCAs = s.Roots
			}
			_, err := newSMTP(t, s, tc.client).Send(t.Context(), sample)
			if tc.reply == "" {
				if err != nil || len(s.Messages()) != 1 {
					t.Errorf("err = %v, %d messages", err, len(s.Messages()))
				}
				return
			}
			e, ok := errors.AsType[*SendError](err)
			if !ok || e.Permanent || !strings.HasPrefix(e.Reply, tc.reply) {
				t.Errorf("err = %v, want a temporary one saying %q", err, tc.reply)
			}
			if len(s.Messages()) != 0 {
				t.Error("a message left all the same")
			}
		})
	}
}

func TestSMTPAnswers(t *testing.T) {
	silent := make(chan struct{})
	t.Cleanup(func() { close(silent) })
	const (
		plenty = time.Minute
		short  = 300 * time.Millisecond
	)
	for name, tc := range map[string]struct {
		cfg       smtptest.Config
		timeout   time.Duration
		permanent bool
		reply     string
	}{
		"recipient later":    {smtptest.Config{Rcpt: func(int, string) error { return smtptest.Refuse(451, "greylisted") }}, plenty, false, "451 4.0.0 greylisted"},
		"recipient unknown":  {smtptest.Config{Rcpt: func(int, string) error { return smtptest.Refuse(550, "no such user") }}, plenty, true, "550 5.0.0 no such user"},
		"mailbox full":       {smtptest.Config{Rcpt: func(int, string) error { return smtptest.Refuse(452, "full") }}, plenty, false, "452 4.0.0 full"},
		"content refused":    {smtptest.Config{Data: func(int, smtptest.Message) error { return smtptest.Refuse(554, "spam") }}, plenty, true, "554 5.0.0 spam"},
		"content later":      {smtptest.Config{Data: func(int, smtptest.Message) error { return smtptest.Refuse(421, "closing") }}, plenty, false, "421 4.0.0 closing"},
		"silent at the end":  {smtptest.Config{Data: func(int, smtptest.Message) error { <-silent; return nil }}, short, false, "the mail server did not answer in time"},
		"silent in between":  {smtptest.Config{Rcpt: func(int, string) error { <-silent; return nil }}, short, false, "the mail server did not answer in time"},
		"sign-in first, 530": {smtptest.Config{Rcpt: func(int, string) error { return smtptest.Refuse(530, "sign in first") }}, plenty, false, "530 5.0.0 sign in first"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := smtptest.Start(t, tc.cfg)
			_, err := newSMTP(t, s, SMTPConfig{Timeout: tc.timeout}).Send(t.Context(), sample)
			e, ok := errors.AsType[*SendError](err)
			if !ok || e.Permanent != tc.permanent || e.Reply != tc.reply {
				t.Errorf("err = %#v, want permanent %v and %q", err, tc.permanent, tc.reply)
			}
		})
	}
}

func TestSMTPEndsWithItsContext(t *testing.T) {
	// A server that takes connections and never says a word.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, mode := range []string{TLSNone, TLSStartTLS, TLSImplicit} {
		m, err := NewSMTP(SMTPConfig{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, TLS: mode, Timeout: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		start := time.Now()
		_, err = m.Send(ctx, sample)
		cancel()
		if e, ok := errors.AsType[*SendError](err); !ok || e.Permanent {
			t.Errorf("%s: err = %v", mode, err)
		}
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("%s: it took %v", mode, d)
		}
	}
}

func TestSMTPServerAway(t *testing.T) {
	s := smtptest.Start(t, smtptest.Config{})
	m := newSMTP(t, s, SMTPConfig{})
	s.Stop()
	_, err := m.Send(t.Context(), sample)
	if e, ok := errors.AsType[*SendError](err); !ok || e.Permanent || e.Reply != "no connection to the mail server" {
		t.Errorf("err = %v", err)
	}
	s.Restart(t)
	if _, err := m.Send(t.Context(), sample); err != nil {
		t.Errorf("after the restart: %v", err)
	}
}

// M-1: nothing that a person typed becomes a header, a recipient or a command.
func TestI26_InjectionIsRefused(t *testing.T) {
	s := smtptest.Start(t, smtptest.Config{})
	m := newSMTP(t, s, SMTPConfig{})
	addresses := []string{
		"", "tanaka", "a@example.jp\r\nBcc: b@example.jp", "a@example.jp\nRCPT TO:<b@example.jp>", "a@example.jp\x00", "a@example.jp, b@example.jp",
		"a@example.jp;b@example.jp", "<a@example.jp>", "A <a@example.jp>", `"a\r\nBcc: b"@example.jp`, `"a b"@example.jp`, "a@example.jp> <b@example.jp",
		"a@example.jp SIZE=1", "a\u2028b@example.jp", "田中@example.jp", "a@[127.0.0.1]", "group:a@example.jp,b@example.jp;", "a(comment)@example.jp",
		strings.Repeat("a", 300) + "@example.jp", "a@b@example.jp", "=?utf-8?q?a?=@x@example.jp",
	}
	for _, to := range addresses {
		mail := sample
		mail.To = to
		if _, err := m.Send(t.Context(), mail); err == nil {
			t.Errorf("recipient %q was sent to", to)
		}
		mail = sample
		mail.From = to
		if _, err := m.Send(t.Context(), mail); err == nil {
			t.Errorf("sender %q was used", to)
		}
	}
	for _, text := range []string{"a\r\nBcc: b@example.jp", "a\nX: y", "a\rX: y", "a\x00b", "a\x7f", "a\x0bb", "a\x0cb", "a\x1bb"} {
		for name, set := range map[string]func(*Mail){
			"subject": func(m *Mail) { m.Subject = text }, "sender name": func(m *Mail) { m.FromName = text },
			"message id": func(m *Mail) { m.MessageID = text }, "language": func(m *Mail) { m.Lang = text },
		} {
			mail := sample
			set(&mail)
			_, err := m.Send(t.Context(), mail)
			if e, ok := errors.AsType[*SendError](err); !ok || !e.Permanent {
				t.Errorf("%s %q: err = %v, want a permanent one", name, text, err)
			}
		}
	}
	if n := s.Connections(); n != 0 {
		t.Errorf("%d connections were made for messages that must not leave", n)
	}

	// Bodies may hold anything; it stays body.
	mail := sample
	mail.Text = ".\r\n.\r\nRCPT TO:<b@example.jp>\r\n\r\n--x\r\nBcc: b@example.jp\r\n"
	mail.FromName = `x" <b@example.jp>, "y`
	if _, err := m.Send(t.Context(), mail); err != nil {
		t.Fatal(err)
	}
	got := s.Messages()
	if len(got) != 1 || len(got[0].To) != 1 {
		t.Fatalf("%d messages", len(got))
	}
	p, err := got[0].Parse()
	if err != nil {
		t.Fatal(err)
	}
	if from, err := p.Header.AddressList("From"); err != nil || len(from) != 1 || from[0].Address != sample.From {
		t.Errorf("From = %v, %v", from, err)
	}
	if p.Header.Get("Bcc") != "" || !strings.HasPrefix(p.Text, ".\r\n.\r\nRCPT") {
		t.Errorf("the body broke out: %q", p.Text)
	}
}

func TestNewSMTPRefusesUnsafeSettings(t *testing.T) {
	for name, cfg := range map[string]SMTPConfig{
		"no host":               {},
		"plain to the world":    {Host: "smtp.example.jp", TLS: TLSNone},
		"plain to a look-alike": {Host: "localhost.example.jp", TLS: TLSNone},
		"unknown mode":          {Host: "smtp.example.jp", TLS: "maybe"},
		"host with commands":    {Host: "a\r\nb"},
		"port":                  {Host: "smtp.example.jp", Port: 70000},
		"hello":                 {Host: "smtp.example.jp", Hello: "a\r\nMAIL FROM:<x@example.jp>"},
	} {
		if _, err := NewSMTP(cfg); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	for _, host := range []string{"localhost", "127.0.0.1", "127.8.8.8", "::1", "[::1]"} {
		if _, err := NewSMTP(SMTPConfig{Host: host, TLS: TLSNone}); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
}

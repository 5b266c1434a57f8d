package delivery

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
)

// postfixDSN is a notification as Postfix writes it.
func postfixDSN(to, action, status, diagnostic, messageID string) string {
	return strings.ReplaceAll(`Return-Path: <>
Received: by mail.example.jp (Postfix) id 4Xk2Lm0WqQz1; Sun, 22 Nov 2026 10:02:44 +0900 (JST)
From: MAILER-DAEMON@mail.example.jp (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: `+to+`
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
	boundary="4Xk2Lm0WqQz1.1732/mail.example.jp"

This is a MIME-encapsulated message.

--4Xk2Lm0WqQz1.1732/mail.example.jp
Content-Description: Notification
Content-Type: text/plain; charset=utf-8

I'm sorry to have to inform you.

--4Xk2Lm0WqQz1.1732/mail.example.jp
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example.jp
X-Postfix-Queue-ID: 4Xk2Lm0WqQz1
Arrival-Date: Sun, 22 Nov 2026 10:02:41 +0900 (JST)

Final-Recipient: rfc822; sato-2fa@example.jp
Original-Recipient: rfc822;sato-2fa@example.jp
Action: `+action+`
Status: `+status+`
Remote-MTA: dns; mx.example.jp
Diagnostic-Code: `+diagnostic+`

--4Xk2Lm0WqQz1.1732/mail.example.jp
Content-Description: Undelivered Message Headers
Content-Type: text/rfc822-headers

From: Futakagi <no-reply@example.jp>
To: sato-2fa@example.jp
Message-ID: <`+messageID+`>

--4Xk2Lm0WqQz1.1732/mail.example.jp--
`, "\n", "\r\n")
}

func TestReadDSN(t *testing.T) {
	tok := token(store.MessageID("01990000-0000-7000-8000-000000000000"), []byte("0123456789"))
	long := "smtp; 550 5.1.1 <sato-2fa@example.jp>: Recipient address rejected:\n    User unknown in virtual mailbox table"
	bounced := reportForm{Token: tok, Outcome: OutcomeBounced, Status: "5.1.1", Reply: "550 5.1.1 <sato-2fa@example.jp>: Recipient address rejected: User unknown in virtual mailbox table", Source: SourceDSN}
	for name, tt := range map[string]struct {
		message, to string
		want        reportForm
	}{
		"by the address it came back to": {postfixDSN("bounce+"+tok+"@example.jp", "failed", "5.1.1", long, "x@y"), "", bounced},
		"by the envelope":                {postfixDSN("bounce@example.jp", "failed", "5.1.1", long, "x@y"), "bounce+" + strings.ToUpper(tok) + "@example.jp", bounced},
		"by the message that came back":  {postfixDSN("bounce@example.jp", "failed", "5.1.1 (no such mailbox)", long, tok+"@example.jp"), "", bounced},
		"with bare line feeds":           {strings.ReplaceAll(postfixDSN("bounce@example.jp", "failed", "5.1.1", long, tok+"@example.jp"), "\r\n", "\n"), "", bounced},
		"delayed": {
			postfixDSN("bounce@example.jp", "delayed", "4.4.1", "X-Postfix; connect to mx.example.jp: Connection timed out", tok+"@example.jp"), "",
			reportForm{Token: tok, Outcome: OutcomeDelayed, Status: "4.4.1", Reply: "connect to mx.example.jp: Connection timed out", Source: SourceDSN},
		},
		"delivered":             {postfixDSN("bounce@example.jp", "delivered", "2.0.0", "smtp; 250 ok", tok+"@example.jp"), "", reportForm{Token: tok, Outcome: OutcomeDelivered, Status: "2.0.0", Reply: "250 ok", Source: SourceDSN}},
		"no status":             {postfixDSN("bounce@example.jp", "failed", "unknown", "", tok+"@example.jp"), "", reportForm{Token: tok, Outcome: OutcomeBounced, Source: SourceDSN}},
		"another's":             {postfixDSN("bounce@example.jp", "failed", "5.1.1", long, "x@y"), "", reportForm{}},
		"relayed":               {postfixDSN("bounce@example.jp", "relayed", "2.0.0", "", tok+"@example.jp"), "", reportForm{}},
		"a holiday notice":      {"From: sato@example.jp\r\nTo: bounce+" + tok + "@example.jp\r\nSubject: away\r\n\r\nI am away.\r\n", "", reportForm{}},
		"a receipt":             {strings.Replace(postfixDSN("bounce+"+tok+"@example.jp", "failed", "5.1.1", long, "x@y"), "delivery-status;", "disposition-notification;", 1), "", reportForm{}},
		"no mail":               {"\x00\xff", "", reportForm{}},
		"cut off in the middle": {postfixDSN("bounce+"+tok+"@example.jp", "failed", "5.1.1", long, "x@y")[:900], "", reportForm{}},
	} {
		got, ok := readDSN(strings.NewReader(tt.message), tt.to)
		if ok != (tt.want.Outcome != "") {
			t.Errorf("%s: %v", name, ok)
			continue
		}
		if diff := cmp.Diff(tt.want, got); ok && diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// What comes back over the pipe marks the message, and the server says what it does not know.
func TestForward(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := hook(t, db, func(c *HooksConfig) { c.Secret = hookSecret })
		cfg := ForwardConfig{URL: h.url + PathReports, Secret: hookSecret, Now: h.now}
		forward := func(cfg ForwardConfig, token string) (bool, error) {
			return Forward(context.Background(), cfg, strings.NewReader(postfixDSN("bounce+"+token+"@example.jp", "failed", "5.1.1", "smtp; 550 5.1.1 gone", "x@y")), "")
		}
		if ours, err := forward(cfg, strings.Repeat("a", tokenLength)); ours || err != nil {
			t.Errorf("a token made up: %v, %v", ours, err)
		}
		if h.state(t) != StateAccepted {
			t.Fatal("a forged notification was heard")
		}
		if ours, err := forward(cfg, h.token); !ours || err != nil || h.state(t) != StateBounced {
			t.Errorf("%v, %v, %s", ours, err, h.state(t))
		}
		cfg.Secret = strings.Repeat("x", 32)
		if _, err := forward(cfg, h.token); !errors.Is(err, ErrNotTaken) {
			t.Errorf("another secret: %v", err)
		}
	})
	away := httptest.NewServer(http.NotFoundHandler())
	away.Close()
	_, err := Forward(t.Context(), ForwardConfig{URL: away.URL, Secret: hookSecret, Now: time.Now},
		strings.NewReader(postfixDSN("bounce+"+strings.Repeat("a", tokenLength)+"@example.jp", "failed", "5.1.1", "", "x@y")), "")
	if !errors.Is(err, ErrNotTaken) {
		t.Errorf("away: %v", err)
	}
}

func FuzzDSN(f *testing.F) {
	tok := strings.Repeat("a", tokenLength)
	f.Add(postfixDSN("bounce+"+tok+"@example.jp", "failed", "5.1.1", "smtp; 550 x", tok+"@example.jp"), "bounce+"+tok+"@example.jp")
	f.Add("Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\nContent-Type: message/delivery-status\nContent-Transfer-Encoding: base64\n\nQWN0aW9uOiBmYWlsZWQK\n--b--", "")
	f.Fuzz(func(t *testing.T, message, to string) {
		got, ok := readDSN(strings.NewReader(message), to)
		if !ok {
			return
		}
		if _, _, fit := readToken(got.Token); !fit || len([]rune(got.Reply)) > maxReply || strings.ContainsAny(got.Reply, "\r\n\x00") {
			t.Errorf("%+v", got)
		}
		if got.Status != "" && !statusForm.MatchString(got.Status) {
			t.Errorf("status %q", got.Status)
		}
	})
}

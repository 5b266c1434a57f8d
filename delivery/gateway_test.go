package delivery

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The secrets of the gateways in these tests. None may appear in what a Send returns.
const (
	canaryToken  = "canary-twilio-token"
	canaryKey    = "canary-aws-secret"
	canarySecret = "canary-webhook-secret-0123456789abcdef"
	canaryQuery  = "canary-query"
)

var sampleText = Text{
	MessageID: "0198-1", From: "EXAMPLE", To: "+819012345678", Body: "認証コード：" + code + "（10分間有効）\n@id.example.co.jp #" + code, Valid: 10 * time.Minute,
}

// adapter is a real gateway adapter, pointed at a server of the test.
type adapter struct {
	name string
	once once
	make func(t *testing.T, url string, timeout time.Duration) SMS
}

func adapters() []adapter {
	return []adapter{
		{"twilio", unrepeatable, func(t *testing.T, url string, timeout time.Duration) SMS {
			return must(NewTwilio(TwilioConfig{AccountSID: accountSID, AuthToken: canaryToken, URL: url, Timeout: timeout}))(t)
		}},
		{"sns", unrepeatable, func(t *testing.T, url string, timeout time.Duration) SMS {
			return must(NewSNS(t.Context(), SNSConfig{
				Region: "ap-northeast-1", Endpoint: url, AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: canaryKey, Timeout: timeout,
			}))(t)
		}},
		{"webhook", repeatable, func(t *testing.T, url string, timeout time.Duration) SMS {
			return must(NewWebhook(WebhookConfig{URL: url + "/in?key=" + canaryQuery, Secret: canarySecret, Timeout: timeout, Now: time.Now}))(t)
		}},
	}
}

func must[T SMS](sms T, err error) func(t *testing.T) SMS {
	return func(t *testing.T) SMS {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return sms
	}
}

// eachGateway runs f once per adapter.
func eachGateway(t *testing.T, f func(t *testing.T, a adapter)) {
	t.Helper()
	for _, a := range adapters() {
		t.Run(a.name, func(t *testing.T) { f(t, a) })
	}
}

// gateway is a server that answers each request with f.
func gateway(t *testing.T, f http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	return s
}

// failure sends the sample and returns why it was not taken, with no secret in it.
func failure(t *testing.T, sms SMS) *SendError {
	t.Helper()
	receipt, err := sms.Send(t.Context(), sampleText)
	e, ok := errors.AsType[*SendError](err)
	if !ok {
		t.Fatalf("receipt %+v, err = %v; want a SendError", receipt, err)
	}
	text := fmt.Sprintf("%v %+v %+v", err, e, errors.Unwrap(err))
	for _, secret := range []string{canaryToken, canaryKey, canarySecret, canaryQuery, code, sampleText.To} {
		if strings.Contains(text, secret) {
			t.Errorf("%q is in %s", secret, text)
		}
	}
	return e
}

// What a gateway's answer makes of a message. An answer of something on the way to the gateway does not tell whether the
// gateway has the message.
func TestGatewayAnswers(t *testing.T) {
	const page = "<html><body><h1>Bad gateway</h1></body></html>"
	for _, tc := range []struct {
		status    int
		header    string // Name: value
		permanent map[once]bool
		after     time.Duration
	}{
		{301, "Location: /elsewhere", map[once]bool{unrepeatable: true, repeatable: true}, 0},
		{307, "Location: /elsewhere", map[once]bool{unrepeatable: true, repeatable: true}, 0},
		{400, "", map[once]bool{unrepeatable: true, repeatable: true}, 0},
		{401, "WWW-Authenticate: Basic", map[once]bool{unrepeatable: true, repeatable: true}, 0},
		{403, "", map[once]bool{unrepeatable: true, repeatable: true}, 0},
		{404, "", map[once]bool{unrepeatable: true, repeatable: true}, 0},
		{422, "Retry-After: 5", map[once]bool{unrepeatable: true, repeatable: true}, 5 * time.Second},
		{408, "", map[once]bool{}, 0},
		{429, "Retry-After: 7", map[once]bool{}, 7 * time.Second},
		{429, "Retry-After: soon", map[once]bool{}, 0},
		{429, "Retry-After: -5", map[once]bool{}, 0},
		{429, "Retry-After: 99999999999999999999", map[once]bool{}, 0},
		{429, "Retry-After: 999999999", map[once]bool{}, 24 * time.Hour},
		{503, "Retry-After: Mon, 02 Nov 2026 09:01:30 GMT", map[once]bool{}, 90 * time.Second},
		{503, "Retry-After: Mon, 02 Nov 2026 08:00:00 GMT", map[once]bool{}, 0},
		{500, "", map[once]bool{unrepeatable: true}, 0},
		{502, "", map[once]bool{unrepeatable: true}, 0},
		{504, "", map[once]bool{unrepeatable: true}, 0},
	} {
		t.Run(fmt.Sprint(tc.status, " ", tc.header), func(t *testing.T) {
			eachGateway(t, func(t *testing.T, a adapter) {
				var requests atomic.Int32
				s := gateway(t, func(w http.ResponseWriter, _ *http.Request) {
					requests.Add(1)
					w.Header().Set("Date", "Mon, 02 Nov 2026 09:00:00 GMT")
					if name, value, ok := strings.Cut(tc.header, ": "); ok {
						w.Header().Set(name, value)
					}
					w.Header().Set("Content-Type", "text/html")
					w.WriteHeader(tc.status)
					fmt.Fprint(w, page)
				})
				e := failure(t, a.make(t, s.URL, time.Minute))
				if e.Permanent != tc.permanent[a.once] || e.RetryAfter != tc.after || !strings.HasPrefix(e.Reply, fmt.Sprint(tc.status)) {
					t.Errorf("permanent %v, after %v, reply %q; want permanent %v, after %v", e.Permanent, e.RetryAfter, e.Reply, tc.permanent[a.once], tc.after)
				}
				if said := strings.Contains(e.Reply, "may have been sent"); said != (tc.status >= 500 && e.Permanent) {
					t.Errorf("reply %q", e.Reply)
				}
				if n := requests.Load(); n != 1 {
					t.Errorf("%d requests for one attempt", n)
				}
			})
		})
	}
}

// A gateway that cannot tell a repeated request from a new message gets no second one once the first may have arrived.
func TestGatewayWithoutAnswer(t *testing.T) {
	hang := make(chan struct{})
	defer close(hang)
	for _, tc := range []struct {
		name, reply string
		handle      http.HandlerFunc
		timeout     time.Duration
	}{
		{"silent", "the gateway did not answer in time", func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-hang:
			case <-r.Context().Done():
			}
		}, 200 * time.Millisecond},
		{"hangs up", "the connection to the gateway broke", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, time.Minute},
		{"speaks another protocol", "the connection to the gateway broke", func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				panic(err)
			}
			fmt.Fprint(conn, "220 smtp.example.jp ESMTP\r\n")
			conn.Close()
		}, time.Minute},
		{"sends headers without end", "the connection to the gateway broke", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Long", strings.Repeat("x", 2*maxAnswer))
			w.WriteHeader(http.StatusOK)
		}, time.Minute},
	} {
		t.Run(tc.name, func(t *testing.T) {
			eachGateway(t, func(t *testing.T, a adapter) {
				var requests atomic.Int32
				s := gateway(t, func(w http.ResponseWriter, r *http.Request) {
					requests.Add(1)
					_, _ = io.Copy(io.Discard, r.Body)
					tc.handle(w, r)
				})
				start := time.Now()
				e := failure(t, a.make(t, s.URL, tc.timeout))
				want := tc.reply
				if a.once == unrepeatable {
					want += maybeSent
				}
				if e.Reply != want || e.Permanent != bool(a.once) {
					t.Errorf("permanent %v, reply %q, want %q", e.Permanent, e.Reply, want)
				}
				if d := time.Since(start); d > 10*time.Second {
					t.Errorf("it took %v", d)
				}
				if n := requests.Load(); n != 1 {
					t.Errorf("%d requests for one attempt", n)
				}
			})
		})
	}
}

// What has not left this machine may always be tried again.
func TestGatewayAway(t *testing.T) {
	eachGateway(t, func(t *testing.T, a adapter) {
		gone := httptest.NewServer(nil)
		gone.Close()
		// A certificate that nobody vouches for.
		strange := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the message was sent to a stranger") }))
		strange.Config.ErrorLog = nil
		defer strange.Close()
		for name, url := range map[string]string{"away": gone.URL, "strange": strange.URL} {
			if e := failure(t, a.make(t, url, 5*time.Second)); e.Permanent || e.Reply != "no connection to the gateway" {
				t.Errorf("%s: permanent %v, reply %q", name, e.Permanent, e.Reply)
			}
		}
		// The end of the attempt while the connection is being made.
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := a.make(t, gone.URL, time.Minute).Send(ctx, sampleText)
		if e, ok := errors.AsType[*SendError](err); !ok || e.Permanent {
			t.Errorf("cancelled: %v", err)
		}
	})
}

// The status says that the message is theirs, whatever else the answer says.
func TestGatewayAnswersThatCannotBeRead(t *testing.T) {
	for name, body := range map[string]string{
		"empty": "", "not what was asked for": "<html>ok</html>", "cut off": `{"sid":"SM1","id":"x`, "other types": `{"sid":{},"status":[1],"id":7,"code":"x"}`,
		"null": "null", "binary": "\x00\xff\xfe",
	} {
		t.Run(name, func(t *testing.T) {
			eachGateway(t, func(t *testing.T, a adapter) {
				s := gateway(t, func(w http.ResponseWriter, _ *http.Request) {
					w.WriteHeader(http.StatusCreated)
					fmt.Fprint(w, body)
				})
				receipt, err := a.make(t, s.URL, time.Minute).Send(t.Context(), sampleText)
				if err != nil || !strings.HasPrefix(receipt.Reply, "20") {
					t.Errorf("receipt %+v, err %v", receipt, err)
				}
			})
		})
	}
}

func TestGatewayAnswersWithoutEnd(t *testing.T) {
	for _, status := range []int{http.StatusOK, http.StatusBadRequest} {
		eachGateway(t, func(t *testing.T, a adapter) {
			var written atomic.Int64
			s := gateway(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(status)
				fmt.Fprint(w, `{"message":"`)
				line := []byte(strings.Repeat("x", 4096))
				for written.Load() < 64<<20 {
					n, err := w.Write(line)
					written.Add(int64(n))
					if err != nil {
						return
					}
				}
			})
			sms := a.make(t, s.URL, time.Minute)
			if status == http.StatusOK {
				if _, err := sms.Send(t.Context(), sampleText); err != nil {
					t.Errorf("a message that was taken over: %v", err)
				}
			} else if e := failure(t, sms); !e.Permanent || len(e.Reply) > 100 {
				t.Errorf("permanent %v, reply of %d bytes", e.Permanent, len(e.Reply))
			}
			s.CloseClientConnections()
			// What the sockets of both sides hold comes on top of what was read.
			if n := written.Load(); n > 32<<20 {
				t.Errorf("%d bytes of an answer were taken", n)
			}
		})
	}
}

// M-1: nothing that a person typed becomes a recipient, a header or a parameter of its own.
func TestI26_GatewaysRefuseWhatIsNoMessage(t *testing.T) {
	eachGateway(t, func(t *testing.T, a adapter) {
		s := gateway(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was made") })
		sms := a.make(t, s.URL, time.Minute)
		for name, change := range map[string]func(*Text){
			"no recipient":         func(m *Text) { m.To = "" },
			"two recipients":       func(m *Text) { m.To += ",+819087654321" },
			"a national number":    func(m *Text) { m.To = "09012345678" },
			"a parameter":          func(m *Text) { m.To += "&Body=x" },
			"a line break":         func(m *Text) { m.To += "\n" },
			"a header in the id":   func(m *Text) { m.MessageID += "\r\nX: y" },
			"no id":                func(m *Text) { m.MessageID = "" },
			"a header in the name": func(m *Text) { m.From += "\r\nX: y" },
			"no text":              func(m *Text) { m.Body = "" },
			"control characters":   func(m *Text) { m.Body += "\x1b[0m" },
			"not UTF-8":            func(m *Text) { m.Body += "\xff" },
		} {
			m := sampleText
			change(&m)
			_, err := sms.Send(t.Context(), m)
			if e, ok := errors.AsType[*SendError](err); !ok || !e.Permanent || e.Reply != "the message could not be composed" {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestGatewaysRefuseUnsafeSettings(t *testing.T) {
	for _, address := range []string{
		"http://sms.example.jp", "http://localhost.example.jp", "http://10.0.0.1", "ftp://127.0.0.1", "sms.example.jp", "https://", "https://u:p@sms.example.jp",
		"https://sms.example.jp/#x", "://", "http://127.0.0.1.example.jp",
	} {
		for name, err := range map[string]error{
			"Twilio sender: URL":      second(NewTwilio(TwilioConfig{AccountSID: accountSID, AuthToken: "x", URL: address})),
			"SNS sender: endpoint":    second(NewSNS(t.Context(), SNSConfig{Region: "ap-northeast-1", Endpoint: address, AccessKeyID: "a", SecretAccessKey: "b"})),
			"webhook sender: URL":     second(NewWebhook(WebhookConfig{URL: address, Secret: canarySecret, Now: time.Now})),
			"webhook sender: URL: it": second(NewWebhook(WebhookConfig{URL: ":" + canaryQuery, Secret: canarySecret, Now: time.Now})),
		} {
			if err == nil || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), canaryQuery) {
				t.Errorf("%s with %s: %v", name, address, err)
			}
		}
	}
	for name, err := range map[string]error{
		"account SID":       second(NewTwilio(TwilioConfig{AccountSID: "AC1/../x", AuthToken: "x"})),
		"account SID of MG": second(NewTwilio(TwilioConfig{AccountSID: serviceSID, AuthToken: "x"})),
		"service SID":       second(NewTwilio(TwilioConfig{AccountSID: accountSID, AuthToken: "x", MessagingServiceSID: accountSID})),
		"auth token":        second(NewTwilio(TwilioConfig{AccountSID: accountSID})),
		"twilio timeout":    second(NewTwilio(TwilioConfig{AccountSID: accountSID, AuthToken: "x", Timeout: -1})),
		"region":            second(NewSNS(t.Context(), SNSConfig{Region: "x.example.jp/"})),
		"half a key":        second(NewSNS(t.Context(), SNSConfig{Region: "ap-northeast-1", AccessKeyID: "a"})),
		"sns timeout":       second(NewSNS(t.Context(), SNSConfig{Region: "ap-northeast-1", Timeout: -1})),
		"short secret":      second(NewWebhook(WebhookConfig{URL: "https://sms.example.jp", Secret: "short", Now: time.Now})),
		"no clock":          second(NewWebhook(WebhookConfig{URL: "https://sms.example.jp", Secret: canarySecret})),
		"webhook timeout":   second(NewWebhook(WebhookConfig{URL: "https://sms.example.jp", Secret: canarySecret, Now: time.Now, Timeout: -1})),
	} {
		if err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestCaptureSMS(t *testing.T) {
	refusal := errors.New("no")
	c := &CaptureSMS{Refuse: func(m Text) error {
		if m.To == "+819000000000" {
			return refusal
		}
		return nil
	}}
	for _, to := range []string{"+819012345678", "+819087654321", "+819000000000"} {
		if _, err := c.Send(t.Context(), Text{To: to}); (err != nil) != (to == "+819000000000") {
			t.Errorf("%s: %v", to, err)
		}
	}
	if got := []int{len(c.Texts("")), len(c.Texts("+819012345678")), len(c.Texts("+819000000000"))}; !cmp.Equal(got, []int{2, 1, 0}) {
		t.Errorf("kept %v", got)
	}
	c.Clear()
	if len(c.Texts("")) != 0 {
		t.Error("not cleared")
	}
}

func TestI26_Numbers(t *testing.T) {
	for number, ok := range map[string]bool{
		"+819012345678": true, "+14155552671": true, "+6591234567": true, "+123456789012345": true,
		"": false, "+": false, "+81": false, "819012345678": false, "09012345678": false, "+8190-1234-5678": false, "+0901234567": false,
		"+1234567890123456": false, "+８１９０１２３４５６７８": false, "+81 9012345678": false, "+819012345678\n": false, "++819012345678": false,
	} {
		if err := checkNumber(number); (err == nil) != ok || err != nil && !errors.Is(err, ErrRecipient) {
			t.Errorf("%q: %v", number, err)
		}
	}
}

// requests keeps what a gateway was sent.
type requests struct {
	mu  sync.Mutex
	all []request
}

type request struct {
	method, target, host, body string
	header                     http.Header
}

func (r *requests) take(t *testing.T, from *http.Request) request {
	t.Helper()
	body, err := io.ReadAll(from.Body)
	if err != nil {
		t.Error(err)
	}
	got := request{from.Method, from.RequestURI, from.Host, string(body), from.Header.Clone()}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, got)
	return got
}

// one returns the only request so far.
func (r *requests) one(t *testing.T) request {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.all) != 1 {
		t.Fatalf("%d requests, want 1", len(r.all))
	}
	return r.all[0]
}

// Redirects must not carry a message elsewhere.
func TestGatewaysFollowNoRedirect(t *testing.T) {
	elsewhere := gateway(t, func(http.ResponseWriter, *http.Request) { t.Error("the message went elsewhere") })
	eachGateway(t, func(t *testing.T, a adapter) {
		for _, status := range []int{301, 302, 303, 307, 308} {
			s := gateway(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, status) })
			if e := failure(t, a.make(t, s.URL, time.Minute)); !e.Permanent || !strings.Contains(e.Reply, "redirects are not followed") {
				t.Errorf("%d: permanent %v, %q", status, e.Permanent, e.Reply)
			}
		}
	})
}

// Each message has a connection of its own.
func TestGatewaysReuseNoConnection(t *testing.T) {
	eachGateway(t, func(t *testing.T, a adapter) {
		var made atomic.Int32
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }))
		s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				made.Add(1)
			}
		}
		s.Start()
		defer s.Close()
		sms := a.make(t, s.URL, time.Minute)
		for range 3 {
			if _, err := sms.Send(t.Context(), sampleText); err != nil {
				t.Fatal(err)
			}
		}
		if n := made.Load(); n != 3 {
			t.Errorf("%d connections for 3 messages", n)
		}
	})
}

package delivery

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/futakagi/futakagi/delivery/smtptest"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
)

const hookSecret = "0123456789abcdef0123456789abcdef"

// hooked is an outbox with a message that was sent, and its hooks behind a server.
type hooked struct {
	*fixture
	row   store.GetMessageRow
	token string
	url   string
	told  *heard
}

func hook(t *testing.T, db *store.DB, change func(*HooksConfig)) *hooked {
	t.Helper()
	s := smtptest.Start(t, smtptest.Config{})
	h := &hooked{told: &heard{}}
	h.fixture = setup(t, db, over(t, s), func(c *Config) { c.BounceTo, c.Heard = "bounce@example.jp", h.told.hear })
	stop := run(t, h.Outbox)
	h.row, h.token = sent(t, h.fixture, s, "sato-2fa@example.jp")
	stop()
	cfg := HooksConfig{Outbox: h.Outbox, Now: h.now}
	change(&cfg)
	hooks, err := NewHooks(cfg)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	for path, f := range hooks.Routes() {
		mux.HandleFunc("POST "+path, f)
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	h.url = server.URL
	return h
}

// post sends a body and returns the status.
func (h *hooked) post(t *testing.T, path, body string, headers ...string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if answer, _ := io.ReadAll(res.Body); len(answer) > 0 && res.StatusCode != http.StatusNotFound {
		t.Errorf("%s answers %q", path, answer)
	}
	return res.StatusCode
}

func (h *hooked) signed(t *testing.T, body string, at time.Time) int {
	t.Helper()
	seconds := strconv.FormatInt(at.Unix(), 10)
	return h.post(t, PathReports, body, WebhookTimeHeader, seconds, WebhookSignatureHeader, "v1="+hex.EncodeToString(reportMAC(hookSecret, seconds, []byte(body))))
}

func (h *hooked) state(t *testing.T) string {
	t.Helper()
	return h.byID(t, h.row.ID).State
}

func TestReportsInOurForm(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := hook(t, db, func(c *HooksConfig) { c.Secret = hookSecret })
		bounced := fmt.Sprintf(`{"token":%q,"outcome":"bounced","status":"5.1.1","source":"dsn"}`, h.token)
		for what, status := range map[string]int{
			"no signature": h.post(t, PathReports, bounced),
			"too old":      h.signed(t, bounced, h.now().Add(-6*time.Minute)),
			"too early":    h.signed(t, bounced, h.now().Add(6*time.Minute)),
			"another body": h.post(t, PathReports, bounced+" ", WebhookTimeHeader, strconv.FormatInt(h.now().Unix(), 10), WebhookSignatureHeader,
				"v1="+hex.EncodeToString(reportMAC(hookSecret, strconv.FormatInt(h.now().Unix(), 10), []byte(bounced)))),
			"another secret": h.post(t, PathReports, bounced, WebhookTimeHeader, strconv.FormatInt(h.now().Unix(), 10), WebhookSignatureHeader,
				"v1="+hex.EncodeToString(reportMAC(hookSecret[1:], strconv.FormatInt(h.now().Unix(), 10), []byte(bounced)))),
		} {
			if status != http.StatusUnauthorized {
				t.Errorf("%s: %d", what, status)
			}
		}
		for _, body := range []string{"", "{", "[]", `{"outcome":"bounced"}`, `{"token":"x","id":"y","outcome":"bounced"}`, fmt.Sprintf(`{"token":%q,"outcome":"lost"}`, h.token), fmt.Sprintf(`{"id":%q,"outcome":"bounced","source":"smtp"}`, h.row.ID)} {
			if status := h.signed(t, body, h.now()); status != http.StatusBadRequest {
				t.Errorf("%s: %d", body, status)
			}
		}
		if status := h.signed(t, `{"token":"`+strings.Repeat("a", tokenLength)+`","outcome":"bounced"}`, h.now()); status != http.StatusNotFound {
			t.Errorf("unknown: %d", status)
		}
		if status := h.signed(t, strings.Repeat(" ", maxReportBody+1), h.now()); status != http.StatusRequestEntityTooLarge {
			t.Errorf("too long: %d", status)
		}
		if h.state(t) != StateAccepted || len(h.told.all) != 0 {
			t.Fatalf("a refused report was heard: %s", h.state(t))
		}
		for range 2 { // the second is a replay
			if status := h.signed(t, bounced, h.now()); status != http.StatusNoContent {
				t.Errorf("status %d", status)
			}
		}
		if h.state(t) != StateBounced || len(h.told.all) != 1 || h.told.all[0].Source != SourceDSN || h.told.all[0].Bounce != HardBounce {
			t.Errorf("%s, told %+v", h.state(t), h.told.all)
		}
		if status := h.post(t, PathReportsTwilio, ""); status != http.StatusNotFound {
			t.Errorf("a hook that is not set answers %d", status)
		}
	})
}

// The example of the documentation is signed with the secret it names.
func TestReportExampleIsRight(t *testing.T) {
	document, err := os.ReadFile("../docs/delivery-reports.md")
	if err != nil || !strings.Contains(string(document), "v1="+reportExample) {
		t.Errorf("the document has another signature: %v", err)
	}
	body := `{"id":"01990000-0000-7000-8000-000000000000","outcome":"bounced","bounce":"hard","reply":"unknown subscriber"}`
	if got := hex.EncodeToString(reportMAC(hookSecret, "1793610000", []byte(body))); got != reportExample {
		t.Errorf("signature %s", got)
	}
}

func TestTwilioCallback(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		const token = "canary-auth-token"
		h := hook(t, db, func(c *HooksConfig) { c.TwilioToken, c.TwilioURL = token, "https://id.example.jp"+PathReportsTwilio })
		post := func(m string, form url.Values, secret string) int {
			address := "https://id.example.jp" + PathReportsTwilio + "?m=" + m
			return h.post(t, PathReportsTwilio+"?m="+m, form.Encode(), "Content-Type", "application/x-www-form-urlencoded",
				"X-Twilio-Signature", base64.StdEncoding.EncodeToString(twilioMAC(secret, address, form)))
		}
		failed := url.Values{"MessageSid": {"SM1"}, "MessageStatus": {"undelivered"}, "ErrorCode": {"30005"}}
		if got := post(h.token, failed, "another"); got != http.StatusUnauthorized {
			t.Errorf("forged: %d", got)
		}
		if got := post("unknown", failed, token); got != http.StatusNoContent || h.state(t) != StateAccepted {
			t.Errorf("another's: %d", got)
		}
		if got := post(h.token, url.Values{"MessageStatus": {"sent"}}, token); got != http.StatusNoContent || h.state(t) != StateAccepted {
			t.Errorf("on its way: %d", got)
		}
		if got := post(h.token, failed, token); got != http.StatusNoContent || h.state(t) != StateBounced {
			t.Errorf("%d, %s", got, h.state(t))
		}
		if len(h.told.all) != 1 || h.told.all[0].Bounce != HardBounce || h.told.all[0].Reply != "undelivered 30005" {
			t.Errorf("told %+v", h.told.all)
		}
	})
	// The example of Twilio's documentation.
	form := url.Values{"CallSid": {"CA1234567890ABCDE"}, "Caller": {"+14158675309"}, "Digits": {"1234"}, "From": {"+14158675309"}, "To": {"+18005551212"}}
	if got := base64.StdEncoding.EncodeToString(twilioMAC("12345", "https://mycompany.com/myapp.php?foo=1&bar=2", form)); got != "RSOYDt4T1cUTdK1PDd93/VVr8B8=" {
		t.Errorf("the documented example signs as %s", got)
	}
}

func TestSendGridEvents(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := hook(t, db, func(c *HooksConfig) { c.SendGridKey = base64.StdEncoding.EncodeToString(der) })
		post := func(body string, at time.Time, tamper string) int {
			seconds := strconv.FormatInt(at.Unix(), 10)
			sum := sha256.Sum256([]byte(seconds + body))
			sig, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
			if err != nil {
				t.Fatal(err)
			}
			return h.post(t, PathReportsSendGrid, body+tamper, sendGridTime, seconds, sendGridSignature, base64.StdEncoding.EncodeToString(sig))
		}
		body := fmt.Sprintf(`[{"event":"open","smtp-id":"<%[1]s@example.jp>"},{"event":"bounce","smtp-id":"<x@y>","status":"5.1.1"},
			{"event":"deferred","smtp-id":"<%[1]s@example.jp>","response":"451 later"},
			{"event":"bounce","type":"bounce","smtp-id":"<%[1]s@example.jp>","status":"5.1.1","reason":"550 no such user"}]`, h.token)
		if got := post(body, h.now(), " "); got != http.StatusUnauthorized {
			t.Errorf("altered: %d", got)
		}
		if got := post(body, h.now().Add(-time.Hour), ""); got != http.StatusUnauthorized {
			t.Errorf("old: %d", got)
		}
		if got := post("{}", h.now(), ""); got != http.StatusBadRequest {
			t.Errorf("malformed: %d", got)
		}
		if h.state(t) != StateAccepted {
			t.Fatal("a refused report was heard")
		}
		if got := post(body, h.now(), ""); got != http.StatusNoContent || h.state(t) != StateBounced {
			t.Errorf("%d, %s", got, h.state(t))
		}
		if reports, err := db.Read().ListMessageReports(t.Context(), h.row.ID); err != nil || len(reports) != 2 {
			t.Errorf("reports %+v, %v", reports, err)
		}
	})
}

// awsStub stands where SNS would be: it hands out a certificate and notes what else is asked for.
type awsStub struct {
	cert  []byte
	asked []string
}

func (a *awsStub) RoundTrip(r *http.Request) (*http.Response, error) {
	a.asked = append(a.asked, r.URL.String())
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(a.cert)), Header: http.Header{}, Request: r}, nil
}

func TestSESNotifications(t *testing.T) {
	const topic = "arn:aws:sns:ap-northeast-1:000000000000:mail-events"
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour)},
		&x509.Certificate{SerialNumber: big.NewInt(1)}, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	certURL := "https://sns.ap-northeast-1.amazonaws.com/SimpleNotificationService-" + strings.Repeat("0a", 16) + ".pem"
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		aws := &awsStub{cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
		h := hook(t, db, func(c *HooksConfig) { c.SESTopics, c.AWS = []string{topic}, aws })
		post := func(change func(m *snsMessage), after func(m *snsMessage)) int {
			m := snsMessage{
				Type: "Notification", MessageID: "1", TopicARN: topic, Timestamp: h.now().Format("2006-01-02T15:04:05.000Z"), SignatureVersion: "2", SigningCertURL: certURL,
				Message: fmt.Sprintf(`{"notificationType":"Bounce","mail":{"messageId":"0106","source":"bounce+%s@example.jp"},"bounce":{"bounceType":"Permanent","bouncedRecipients":[{"status":"5.1.1","diagnosticCode":"smtp; 550 5.1.1 no such user"}]}}`, h.token),
			}
			if change != nil {
				change(&m)
			}
			sum := sha256.Sum256([]byte(m.signed()))
			sig, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
			if err != nil {
				t.Fatal(err)
			}
			m.Signature = base64.StdEncoding.EncodeToString(sig)
			if after != nil {
				after(&m)
			}
			body, err := json.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			return h.post(t, PathReportsSES, string(body))
		}
		for what, change := range map[string]func(m *snsMessage){
			"another topic": func(m *snsMessage) { m.TopicARN = strings.Replace(topic, "mail", "x", 1) },
			"another host": func(m *snsMessage) {
				m.SigningCertURL = strings.Replace(certURL, "amazonaws.com", "amazonaws.com.evil.example", 1)
			},
			"a bucket":       func(m *snsMessage) { m.SigningCertURL = strings.Replace(certURL, "sns.", "s3.", 1) },
			"another region": func(m *snsMessage) { m.SigningCertURL = strings.Replace(certURL, "ap-northeast-1", "us-east-1", 1) },
			"http":           func(m *snsMessage) { m.SigningCertURL = strings.Replace(certURL, "https", "http", 1) },
			"a port":         func(m *snsMessage) { m.SigningCertURL = strings.Replace(certURL, ".com/", ".com:8443/", 1) },
			"a user":         func(m *snsMessage) { m.SigningCertURL = strings.Replace(certURL, "https://", "https://x@", 1) },
			"another path":   func(m *snsMessage) { m.SigningCertURL = strings.Replace(certURL, "/Simple", "/x/../Simple", 1) },
			"SHA-1":          func(m *snsMessage) { m.SignatureVersion = "1" },
			"an old message": func(m *snsMessage) { m.Timestamp = h.now().Add(-2 * time.Hour).Format(time.RFC3339) },
			"confirm elsewhere": func(m *snsMessage) {
				m.Type, m.SubscribeURL = "SubscriptionConfirmation", "https://evil.example/?Action=ConfirmSubscription"
			},
		} {
			before := len(aws.asked)
			if got := post(change, nil); got != http.StatusUnauthorized {
				t.Errorf("%s: %d", what, got)
			}
			if len(aws.asked) > before && what != "confirm elsewhere" {
				t.Errorf("%s: %v was fetched", what, aws.asked[before:])
			}
		}
		if got := post(nil, func(m *snsMessage) { m.Message += " " }); got != http.StatusUnauthorized {
			t.Errorf("altered: %d", got)
		}
		if h.state(t) != StateAccepted {
			t.Fatal("a refused report was heard")
		}
		if got := post(nil, nil); got != http.StatusNoContent || h.state(t) != StateBounced || h.told.all[0].Bounce != HardBounce {
			t.Errorf("%d, %s", got, h.state(t))
		}
		subscribe := "https://sns.ap-northeast-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=" + topic + "&Token=1"
		got := post(func(m *snsMessage) { m.Type, m.SubscribeURL = "SubscriptionConfirmation", subscribe }, nil)
		if got != http.StatusNoContent || aws.asked[len(aws.asked)-1] != subscribe {
			t.Errorf("confirmation: %d, asked %v", got, aws.asked)
		}
		certs := 0
		for _, u := range aws.asked {
			if u == certURL {
				certs++
			}
		}
		if certs != 1 {
			t.Errorf("the certificate was fetched %d times", certs)
		}
	})
}

func FuzzReports(f *testing.F) {
	f.Add([]byte(`{"id":"1","outcome":"bounced"}`))
	f.Add([]byte(`[{"event":"bounce","smtp-id":"<aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@x>","status":"5.1.1"}]`))
	f.Add([]byte(`{"notificationType":"Bounce","mail":{"messageId":"0106"},"bounce":{"bounceType":"Permanent"}}`))
	f.Add([]byte("MessageStatus=undelivered&ErrorCode=30005"))
	f.Fuzz(func(t *testing.T, body []byte) {
		check := func(r Report) {
			t.Helper()
			c, err := r.cleaned()
			if err != nil {
				t.Fatalf("%+v: %v", r, err)
			}
			if len([]rune(c.Reply)) > maxReply+3 || c.Status != "" && !statusForm.MatchString(c.Status) || (c.Outcome == OutcomeBounced) != (c.Bounce != "") {
				t.Errorf("%+v", c)
			}
		}
		if _, r, err := readReport(body); err == nil {
			check(r)
		}
		if events, err := readSendGrid(body); err == nil {
			for _, e := range events {
				check(e.report)
			}
		}
		if e, ok, err := readSES(body); err == nil && ok {
			check(e.report)
		}
		if form, err := url.ParseQuery(string(body)); err == nil {
			if r, ok := twilioReport(form.Get("MessageStatus"), form.Get("ErrorCode")); ok {
				check(r)
			}
		}
	})
}

// reportExample is the signature in docs/delivery-reports.md.
const reportExample = "d01d0fe060f76fa0a62aab816fe096e188e56dcd2c7a562d994df54d6d42eac6"

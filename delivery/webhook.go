package delivery

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// The headers of a webhook request, documented in docs/sms-webhook.md.
const (
	// WebhookKeyHeader is the same at every try of a message.
	WebhookKeyHeader = "Idempotency-Key"
	// WebhookTimeHeader is when the request was made, in seconds since 1970.
	WebhookTimeHeader = "Futakagi-Timestamp"
	// WebhookSignatureHeader signs the time, the key and the body.
	WebhookSignatureHeader = "Futakagi-Signature"
)

// minWebhookSecret is the shortest secret that signs, in bytes.
const minWebhookSecret = 32

// userAgent names us to gateways.
const userAgent = "Futakagi"

// WebhookConfig says where to post text messages.
type WebhookConfig struct {
	// URL takes the requests: https, or http to this machine.
	URL string
	// Secret signs them; at least 32 bytes.
	Secret string
	// Timeout is the longest wait for an answer; 10 s if zero.
	Timeout time.Duration
	// Now is the clock.
	Now func() time.Time
}

// Webhook posts text messages to an address of the operator's choice, signed: to a gateway that speaks this form, or to a few
// lines that translate it for one that does not. It is safe for concurrent use.
//
// Each message carries the same key at every try, by which the other side sends it once; so whatever went wrong on the way is
// worth another try.
type Webhook struct {
	cfg    WebhookConfig
	client *http.Client
}

// NewWebhook returns a Webhook. It does not connect.
func NewWebhook(cfg WebhookConfig) (*Webhook, error) {
	if _, err := checkEndpoint(cfg.URL); err != nil {
		return nil, fmt.Errorf("make webhook sender: URL: %w", err)
	}
	if len(cfg.Secret) < minWebhookSecret {
		return nil, fmt.Errorf("make webhook sender: the secret has fewer than %d bytes", minWebhookSecret)
	}
	if cfg.Now == nil {
		return nil, errors.New("make webhook sender: Now is required")
	}
	var err error
	if cfg.Timeout, err = checkTimeout(cfg.Timeout); err != nil {
		return nil, fmt.Errorf("make webhook sender: %w", err)
	}
	return &Webhook{cfg: cfg, client: newGatewayClient()}, nil
}

// webhookMessage is the body of a request.
type webhookMessage struct {
	ID   string `json:"id"`
	To   string `json:"to"`
	From string `json:"from,omitempty"`
	Text string `json:"text"`
	// ValidSeconds is for how long the message is of use.
	ValidSeconds int `json:"valid_seconds,omitempty"`
}

// Send posts m.
func (w *Webhook) Send(ctx context.Context, m Text) (Receipt, error) {
	ctx, cancel := context.WithTimeout(ctx, w.cfg.Timeout)
	defer cancel()
	r, err := w.request(ctx, m)
	if err != nil {
		return Receipt{}, &SendError{Permanent: true, Reply: "the message could not be composed", Err: err}
	}
	x := &exchange{client: w.client}
	res, err := x.Do(r)
	if err != nil {
		return Receipt{}, x.unanswered(repeatable, err)
	}
	defer res.Body.Close()
	var answer struct {
		ID    string `json:"id"`
		Error string `json:"error"`
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		answer.ID, answer.Error = "", "" // the status has to do
	}
	if x.status >= 200 && x.status < 300 {
		reply := strconv.Itoa(x.status)
		if answer.ID != "" {
			reply += " " + answer.ID
		}
		return Receipt{Reply: reply, ID: answer.ID}, nil
	}
	return Receipt{}, x.refused(repeatable, true, answer.Error)
}

func (w *Webhook) request(ctx context.Context, m Text) (*http.Request, error) {
	if err := checkText(m); err != nil {
		return nil, err
	}
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(webhookMessage{
		ID: m.MessageID, To: m.To, From: m.From, Text: m.Body, ValidSeconds: int(m.Valid / time.Second),
	}); err != nil {
		return nil, err
	}
	signed := bytes.TrimSuffix(body.Bytes(), []byte("\n"))
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.cfg.URL, bytes.NewReader(signed))
	if err != nil {
		return nil, errors.New("the address is not usable") // the error quotes it
	}
	timestamp := strconv.FormatInt(w.cfg.Now().Unix(), 10)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", userAgent)
	r.Header.Set(WebhookKeyHeader, m.MessageID)
	r.Header.Set(WebhookTimeHeader, timestamp)
	r.Header.Set(WebhookSignatureHeader, "v1="+signWebhook(w.cfg.Secret, timestamp, m.MessageID, signed))
	return r, nil
}

// signWebhook is the HMAC-SHA256 of the time, the key and the body with a dot between them, in hexadecimal digits.
func signWebhook(secret, timestamp, key string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%s.%s.%s", timestamp, key, body)
	return hex.EncodeToString(mac.Sum(nil))
}

package delivery

import (
	"context"
	"crypto/ecdsa"
	"crypto/hmac"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The paths that reports come in on. Each is served only where its setting is made.
const (
	PathReports         = "/hooks/reports"
	PathReportsSES      = "/hooks/ses"
	PathReportsSendGrid = "/hooks/sendgrid"
	PathReportsTwilio   = "/hooks/twilio"
)

const (
	// maxReportBody bounds a request with reports.
	maxReportBody = 1 << 20
	// reportSkew is how far the time of a signed request may be from ours.
	reportSkew = 5 * time.Minute
)

// HooksConfig is what [Hooks] are made of. What is left empty is not served.
type HooksConfig struct {
	// Outbox hears the reports.
	Outbox *Outbox
	// Secret signs reports in our own form; at least 32 bytes.
	Secret string
	// SESTopics are the ARNs of the SNS topics that Amazon SES publishes to.
	SESTopics []string
	// SendGridKey verifies SendGrid's events: the key that its settings show, in Base64.
	SendGridKey string
	// TwilioToken is the auth token of the Twilio account, and TwilioURL the address of [PathReportsTwilio] as Twilio calls it.
	TwilioToken, TwilioURL string
	// AWS fetches the certificates of SNS and confirms subscriptions; for tests, a transport that goes nowhere else. Optional.
	AWS http.RoundTripper
	// Now is the clock.
	Now func() time.Time
}

// Hooks takes reports of what became of messages from mail servers and gateways. Nothing is believed that is not signed, and what
// came of a report is told to nobody who could not sign it.
type Hooks struct {
	cfg      HooksConfig
	topics   map[string]bool
	sendGrid *ecdsa.PublicKey
	aws      *http.Client
	certs    sync.Map      // of SNS, by address
	fetching chan struct{} // one at a time
}

// NewHooks checks the settings.
func NewHooks(cfg HooksConfig) (*Hooks, error) {
	if cfg.Outbox == nil || cfg.Now == nil {
		return nil, errors.New("make report hooks: Outbox and Now are required")
	}
	if cfg.Secret != "" && len(cfg.Secret) < minWebhookSecret {
		return nil, fmt.Errorf("make report hooks: the secret has fewer than %d bytes", minWebhookSecret)
	}
	h := &Hooks{cfg: cfg, topics: map[string]bool{}, aws: newGatewayClient(), fetching: make(chan struct{}, 1)}
	if cfg.AWS != nil {
		h.aws.Transport = cfg.AWS
	}
	h.aws.Timeout = gatewayTimeout
	for _, arn := range cfg.SESTopics {
		if !topicForm.MatchString(arn) {
			return nil, errors.New("make report hooks: a topic is not of the form arn:aws:sns:REGION:ACCOUNT:NAME")
		}
		h.topics[arn] = true
	}
	if cfg.SendGridKey != "" {
		var err error
		if h.sendGrid, err = readSendGridKey(cfg.SendGridKey); err != nil {
			return nil, fmt.Errorf("make report hooks: SendGrid's key: %w", err)
		}
	}
	return h, nil
}

// Routes are the handlers of POST requests by path.
func (h *Hooks) Routes() map[string]http.HandlerFunc {
	routes := map[string]http.HandlerFunc{}
	add := func(on bool, path string, f func(r *http.Request, body []byte) error) {
		if on {
			routes[path] = serve(f)
		}
	}
	add(h.cfg.Secret != "", PathReports, h.reports)
	add(len(h.topics) > 0, PathReportsSES, h.ses)
	add(h.sendGrid != nil, PathReportsSendGrid, h.sendGridEvents)
	add(h.cfg.TwilioToken != "", PathReportsTwilio, h.twilio)
	return routes
}

// What a request with reports can be refused for. Everything else is our own fault, and worth another try.
var (
	errUnsigned  = errors.New("the signature or its time is not right")
	errMalformed = errors.New("the body is not of the form that is documented")
)

// serve reads the body and turns the outcome into a status.
func serve(f func(r *http.Request, body []byte) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxReportBody))
		if err != nil {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		err = f(r, body)
		switch {
		case err == nil:
			w.WriteHeader(http.StatusNoContent)
		case errors.Is(err, errUnsigned):
			w.WriteHeader(http.StatusUnauthorized)
		case errors.Is(err, errMalformed):
			w.WriteHeader(http.StatusBadRequest)
		case errors.Is(err, ErrUnknownMessage):
			w.WriteHeader(http.StatusNotFound)
		default:
			w.Header().Set("Retry-After", "60")
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}
}

// recent reports whether a time that was signed, in seconds since 1970, is near ours: a request that somebody kept is of no use
// later. One that comes back sooner changes nothing, as each outcome of a message is heard once.
func (h *Hooks) recent(seconds string) bool {
	n, err := strconv.ParseInt(seconds, 10, 64)
	return err == nil && n > 0 && h.cfg.Now().Sub(time.Unix(n, 0)).Abs() <= reportSkew
}

// reports takes one report in our own form (docs/delivery-reports.md).
func (h *Hooks) reports(r *http.Request, body []byte) error {
	at := r.Header.Get(WebhookTimeHeader)
	given, ok := strings.CutPrefix(r.Header.Get(WebhookSignatureHeader), "v1=")
	sum, err := hex.DecodeString(given)
	if !ok || err != nil || !hmac.Equal(sum, reportMAC(h.cfg.Secret, at, body)) || !h.recent(at) {
		return errUnsigned
	}
	ref, report, err := readReport(body)
	if err != nil {
		return err
	}
	_, err = h.cfg.Outbox.Hear(r.Context(), ref, report)
	return err
}

// hearAny hears a report if it is about one of our messages: services report about others', too.
func (h *Hooks) hearAny(ctx context.Context, ref Ref, report Report) error {
	if _, err := h.cfg.Outbox.Hear(ctx, ref, report); err != nil && !errors.Is(err, ErrUnknownMessage) {
		return err
	}
	return nil
}

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
	"io"
	"net/http"
	"strconv"
	"time"
)

// reportForm is the body of a report in our own form.
type reportForm struct {
	// ID or Token names the message.
	ID    string `json:"id,omitempty"`
	Token string `json:"token,omitempty"`
	// Outcome is one of the Outcome constants.
	Outcome string `json:"outcome"`
	Status  string `json:"status,omitempty"`
	Bounce  Bounce `json:"bounce,omitempty"`
	Reply   string `json:"reply,omitempty"`
	// Source is [SourceDSN] for what was read from a notification; [SourceWebhook] if empty.
	Source string `json:"source,omitempty"`
}

// readReport reads the body of a request that was signed.
func readReport(body []byte) (Ref, Report, error) {
	var f reportForm
	if err := json.Unmarshal(body, &f); err != nil {
		return Ref{}, Report{}, errMalformed
	}
	switch {
	case (f.ID == "") == (f.Token == ""),
		f.Outcome != OutcomeDelayed && f.Outcome != OutcomeDelivered && f.Outcome != OutcomeBounced,
		f.Bounce != "" && f.Bounce != HardBounce && f.Bounce != SoftBounce && f.Bounce != OtherBounce,
		f.Source != "" && f.Source != SourceDSN && f.Source != SourceWebhook:
		return Ref{}, Report{}, errMalformed
	}
	if f.Source == "" {
		f.Source = SourceWebhook
	}
	return Ref{ID: f.ID, Token: f.Token}, Report{Outcome: f.Outcome, Status: f.Status, Bounce: f.Bounce, Reply: f.Reply, Source: f.Source}, nil
}

// reportMAC is the HMAC-SHA256 of the time and the body with a dot between them.
func reportMAC(secret, timestamp string, body []byte) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%s.%s", timestamp, body)
	return mac.Sum(nil)
}

// ErrNotTaken says that the server could not take a report now, and may another time.
var ErrNotTaken = errors.New("the server did not take the report")

// ForwardConfig says where a notification is handed on to.
type ForwardConfig struct {
	// URL is the server's [PathReports], and Secret signs for it.
	URL, Secret string
	// Now is the clock.
	Now func() time.Time
}

// Forward reads one message that came back, as a mail server pipes it, and hands what it says on to the server in our own form. to
// is the address it came back to, if the mail server told. It reports whether the message was a notification about one of ours, and
// fails with [ErrNotTaken] when another try makes sense.
func Forward(ctx context.Context, cfg ForwardConfig, message io.Reader, to string) (bool, error) {
	if _, err := checkEndpoint(cfg.URL); err != nil {
		return false, fmt.Errorf("hand on report: %w", err)
	}
	if len(cfg.Secret) < minWebhookSecret {
		return false, fmt.Errorf("hand on report: the secret has fewer than %d bytes", minWebhookSecret)
	}
	found, ok := readDSN(message, to)
	if !ok {
		return false, nil
	}
	body, err := json.Marshal(found)
	if err != nil {
		return false, fmt.Errorf("hand on report: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, cfg.URL, bytes.NewReader(body))
	if err != nil {
		return false, fmt.Errorf("hand on report: %w", err)
	}
	at := strconv.FormatInt(cfg.Now().Unix(), 10)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", userAgent)
	r.Header.Set(WebhookTimeHeader, at)
	r.Header.Set(WebhookSignatureHeader, "v1="+hex.EncodeToString(reportMAC(cfg.Secret, at, body)))
	client := newGatewayClient()
	client.Timeout = gatewayTimeout
	res, err := client.Do(r)
	if err != nil {
		return false, fmt.Errorf("%w: %w", ErrNotTaken, err)
	}
	defer res.Body.Close()
	switch res.StatusCode {
	case http.StatusNoContent:
		return true, nil
	case http.StatusNotFound, http.StatusBadRequest:
		return false, nil // nobody's, or made up: another try would not change that
	}
	return false, fmt.Errorf("%w: it answered with status %d", ErrNotTaken, res.StatusCode)
}

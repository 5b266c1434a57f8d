package delivery

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
)

// The headers of SendGrid's signed event webhook.
const (
	sendGridSignature = "X-Twilio-Email-Event-Webhook-Signature"
	sendGridTime      = "X-Twilio-Email-Event-Webhook-Timestamp"
)

// readSendGridKey reads the public key as SendGrid's settings show it.
func readSendGridKey(text string) (*ecdsa.PublicKey, error) {
	der, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errors.New("it is not in Base64")
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, errors.New("it is not a public key")
	}
	key, ok := parsed.(*ecdsa.PublicKey)
	if !ok {
		return nil, errors.New("it is not a key for ECDSA")
	}
	return key, nil
}

// sendGridEvents takes SendGrid's events.
func (h *Hooks) sendGridEvents(r *http.Request, body []byte) error {
	at := r.Header.Get(sendGridTime)
	signature, err := base64.StdEncoding.DecodeString(r.Header.Get(sendGridSignature))
	sum := sha256.Sum256(append([]byte(at), body...))
	if err != nil || !ecdsa.VerifyASN1(h.sendGrid, sum[:], signature) || !h.recent(at) {
		return errUnsigned
	}
	events, err := readSendGrid(body)
	if err != nil {
		return err
	}
	for _, e := range events {
		if err := h.hearAny(r.Context(), e.ref, e.report); err != nil {
			return err
		}
	}
	return nil
}

// event is a report of a service and the message it is about.
type event struct {
	ref    Ref
	report Report
}

// readSendGrid reads the events that are about the way of one of our messages.
func readSendGrid(body []byte) ([]event, error) {
	var all []struct {
		Event  string `json:"event"`
		Type   string `json:"type"`
		SMTPID string `json:"smtp-id"`
		Status string `json:"status"`
		Reason string `json:"reason"`
		Answer string `json:"response"`
	}
	if err := json.Unmarshal(body, &all); err != nil {
		return nil, errMalformed
	}
	var events []event
	for _, e := range all {
		token := tokenIn(e.SMTPID)
		if token == "" {
			continue
		}
		r := Report{Status: e.Status, Reply: e.Reason, Source: SourceSendGrid}
		switch e.Event {
		case "delivered":
			r.Outcome, r.Reply = OutcomeDelivered, e.Answer
		case "deferred":
			r.Outcome, r.Reply = OutcomeDelayed, e.Answer
		case "bounce":
			// "blocked" is a refusal that may not last.
			if r.Outcome = OutcomeBounced; e.Type == "blocked" && bounceOf(e.Status) == HardBounce {
				r.Bounce = SoftBounce
			}
		case "dropped":
			// Not even tried: the address bounced before.
			if r.Outcome, r.Bounce = OutcomeBounced, OtherBounce; e.Reason == "Bounced Address" {
				r.Bounce = HardBounce
			}
		default:
			continue
		}
		events = append(events, event{Ref{Token: token}, r})
	}
	return events, nil
}

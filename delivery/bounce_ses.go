package delivery

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// topicForm is that of an SNS topic: its region says where its certificates are.
var topicForm = regexp.MustCompile(`^arn:aws(?:-cn|-us-gov)?:sns:([a-z]{2,}(?:-[a-z]+)+-[0-9]{1,2}):[0-9]{12}:[A-Za-z0-9_-]{1,256}$`)

// certPath is where SNS keeps its certificates.
var certPath = regexp.MustCompile(`^/SimpleNotificationService-[0-9a-f]{32}\.pem$`)

// snsAge is how old a message of SNS may be: it is tried for an hour.
const snsAge = 70 * time.Minute

// snsMessage is a message of Amazon SNS over HTTPS.
type snsMessage struct {
	Type             string `json:"Type"`
	MessageID        string `json:"MessageId"`
	TopicARN         string `json:"TopicArn"`
	Subject          string `json:"Subject"`
	Message          string `json:"Message"`
	Timestamp        string `json:"Timestamp"`
	SignatureVersion string `json:"SignatureVersion"`
	Signature        string `json:"Signature"`
	SigningCertURL   string `json:"SigningCertURL"`
	SubscribeURL     string `json:"SubscribeURL"`
	Token            string `json:"Token"`
}

// signed is the text that SNS signs.
func (m snsMessage) signed() string {
	pairs := []string{"Message", m.Message, "MessageId", m.MessageID}
	if m.Type == "Notification" {
		if m.Subject != "" {
			pairs = append(pairs, "Subject", m.Subject)
		}
		pairs = append(pairs, "Timestamp", m.Timestamp, "TopicArn", m.TopicARN, "Type", m.Type)
	} else {
		pairs = append(pairs, "SubscribeURL", m.SubscribeURL, "Timestamp", m.Timestamp, "Token", m.Token, "TopicArn", m.TopicARN, "Type", m.Type)
	}
	return strings.Join(pairs, "\n") + "\n"
}

// ses takes the notifications of Amazon SES, which come through SNS. Nothing is fetched for a message that names another topic than
// those of the settings, and nothing from anywhere but that topic's own region of SNS.
func (h *Hooks) ses(r *http.Request, body []byte) error {
	var m snsMessage
	if json.Unmarshal(body, &m) != nil {
		return errMalformed
	}
	if !h.topics[m.TopicARN] {
		return errUnsigned
	}
	if err := h.verifySNS(r.Context(), m); err != nil {
		return err
	}
	switch m.Type {
	case "SubscriptionConfirmation":
		return h.confirm(r.Context(), m)
	case "Notification":
		e, ok, err := readSES([]byte(m.Message))
		if err != nil || !ok {
			return err
		}
		for _, ref := range e.refs {
			_, err := h.cfg.Outbox.Hear(r.Context(), ref, e.report)
			if !errors.Is(err, ErrUnknownMessage) {
				return err
			}
		}
	}
	return nil
}

// verifySNS checks the signature, of version 2 alone: version 1 rests on SHA-1.
func (h *Hooks) verifySNS(ctx context.Context, m snsMessage) error {
	at, err := time.Parse(time.RFC3339, m.Timestamp)
	if age := h.cfg.Now().Sub(at); err != nil || age > snsAge || age < -reportSkew {
		return errUnsigned
	}
	signature, err := base64.StdEncoding.DecodeString(m.Signature)
	if err != nil || m.SignatureVersion != "2" {
		return errUnsigned
	}
	u, err := snsURL(m.SigningCertURL, m.TopicARN)
	if err != nil || !certPath.MatchString(u.Path) || u.RawQuery != "" {
		return errUnsigned
	}
	key, err := h.certificate(ctx, u.String())
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(m.signed()))
	if rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature) != nil {
		return errUnsigned
	}
	return nil
}

// snsURL accepts an address of SNS in the region of a topic.
func snsURL(address, topic string) (*url.URL, error) {
	region := topicForm.FindStringSubmatch(topic)
	u, err := url.Parse(address)
	if err != nil || region == nil {
		return nil, errUnsigned
	}
	host := "sns." + region[1] + ".amazonaws.com"
	if strings.HasPrefix(topic, "arn:aws-cn:") {
		host += ".cn"
	}
	if u.Scheme != "https" || u.Host != host || u.User != nil || u.Fragment != "" {
		return nil, errUnsigned
	}
	return u, nil
}

// certificate returns the key at an address of SNS. It is fetched once; of many requests at a time one fetches.
func (h *Hooks) certificate(ctx context.Context, address string) (*rsa.PublicKey, error) {
	if key, ok := h.certs.Load(address); ok {
		return key.(*rsa.PublicKey), nil
	}
	select {
	case h.fetching <- struct{}{}:
		defer func() { <-h.fetching }()
	default:
		return nil, errors.New("another certificate is being fetched")
	}
	text, err := h.fetch(ctx, address)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errUnsigned
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, errUnsigned
	}
	key, ok := cert.PublicKey.(*rsa.PublicKey)
	if now := h.cfg.Now(); !ok || now.Before(cert.NotBefore) || now.After(cert.NotAfter) {
		return nil, errUnsigned
	}
	h.certs.Store(address, key)
	return key, nil
}

// confirm answers the question whether the subscription was wanted. The message was signed by the topic.
func (h *Hooks) confirm(ctx context.Context, m snsMessage) error {
	u, err := snsURL(m.SubscribeURL, m.TopicARN)
	if err != nil || u.Query().Get("Action") != "ConfirmSubscription" || u.Query().Get("TopicArn") != m.TopicARN {
		return errUnsigned
	}
	_, err = h.fetch(ctx, u.String())
	return err
}

// fetch gets what is at an address of SNS; redirects are not followed.
func (h *Hooks) fetch(ctx context.Context, address string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("ask SNS: %w", err)
	}
	res, err := h.aws.Do(r)
	if err != nil {
		return nil, fmt.Errorf("ask SNS: %w", err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil || res.StatusCode != http.StatusOK {
		return nil, errors.Join(fmt.Errorf("ask SNS: it answered with status %d", res.StatusCode), err)
	}
	return body, nil
}

// sesEvent is a notification of SES and what it may call the message, the surest first.
type sesEvent struct {
	refs   []Ref
	report Report
}

// readSES reads a notification about the way of one message. SES gives the message an id of its own, which was in its answer when it
// took it over.
func readSES(body []byte) (sesEvent, bool, error) {
	type recipient struct {
		Status     string `json:"status"`
		Diagnostic string `json:"diagnosticCode"`
	}
	var n struct {
		Notification string `json:"notificationType"`
		Event        string `json:"eventType"`
		Mail         struct {
			MessageID string `json:"messageId"`
			Source    string `json:"source"`
			Headers   struct {
				MessageID string `json:"messageId"`
			} `json:"commonHeaders"`
		} `json:"mail"`
		Bounce struct {
			Type       string      `json:"bounceType"`
			SubType    string      `json:"bounceSubType"`
			Recipients []recipient `json:"bouncedRecipients"`
		} `json:"bounce"`
		Delivery struct {
			Response string `json:"smtpResponse"`
		} `json:"delivery"`
		Delay struct {
			Type       string      `json:"delayType"`
			Recipients []recipient `json:"delayedRecipients"`
		} `json:"deliveryDelay"`
	}
	if json.Unmarshal(body, &n) != nil {
		return sesEvent{}, false, errMalformed
	}
	r := Report{Source: SourceSES}
	first := func(list []recipient, otherwise string) {
		if r.Reply = otherwise; len(list) > 0 {
			r.Status = list[0].Status
			if list[0].Diagnostic != "" {
				r.Reply = strings.TrimPrefix(list[0].Diagnostic, "smtp; ")
			}
		}
	}
	switch n.Notification + n.Event {
	case "Delivery":
		r.Outcome, r.Reply = OutcomeDelivered, n.Delivery.Response
	case "DeliveryDelay":
		r.Outcome = OutcomeDelayed
		first(n.Delay.Recipients, n.Delay.Type)
	case "Bounce":
		r.Outcome = OutcomeBounced
		first(n.Bounce.Recipients, n.Bounce.Type+" "+n.Bounce.SubType)
		switch {
		case n.Bounce.Type == "Permanent":
			r.Bounce = HardBounce
		case n.Bounce.SubType == "MessageTooLarge", n.Bounce.SubType == "ContentRejected", n.Bounce.SubType == "AttachmentRejected":
			r.Bounce = OtherBounce
		default:
			r.Bounce = SoftBounce
		}
	default:
		return sesEvent{}, false, nil // a complaint, a click
	}
	e := sesEvent{report: r}
	for _, text := range []string{n.Mail.Source, n.Mail.Headers.MessageID} {
		if token := tokenIn(text); token != "" {
			e.refs = append(e.refs, Ref{Token: token})
		}
	}
	if id := cleanID(n.Mail.MessageID, ""); id != "" {
		e.refs = append(e.refs, Ref{RemoteID: id, Channel: ChannelEmail})
	}
	return e, len(e.refs) > 0, nil
}

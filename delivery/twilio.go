package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// TwilioURL is where Twilio's REST API is reached.
const TwilioURL = "https://api.twilio.com"

// TwilioConfig says how to send through Twilio.
type TwilioConfig struct {
	// AccountSID and AuthToken sign in.
	AccountSID, AuthToken string
	// MessagingServiceSID names the service that chooses the sender. Without one, the messages name their sender.
	MessagingServiceSID string
	// URL is where the API is reached; [TwilioURL] if empty.
	URL string
	// StatusURL is where Twilio tells what became of a message, see [PathReportsTwilio]; it is not asked to if empty.
	StatusURL string
	// Timeout is the longest wait for an answer; 10 s if zero.
	Timeout time.Duration
}

// Twilio sends text messages through Twilio's REST API. It is safe for concurrent use.
//
// The API has no key by which it would know a repeated request, so a message is tried again only when the failure says that it
// was not taken over: no connection came about, or an answer of the API itself says so.
type Twilio struct {
	cfg      TwilioConfig
	endpoint string
	client   *http.Client
}

// sidForm is that of Twilio's identifiers: two letters for what it is, and a number.
var sidForm = regexp.MustCompile(`^[A-Z]{2}[0-9a-fA-F]{32}$`)

// NewTwilio returns a Twilio. It does not connect.
func NewTwilio(cfg TwilioConfig) (*Twilio, error) {
	if !sidForm.MatchString(cfg.AccountSID) || !strings.HasPrefix(cfg.AccountSID, "AC") {
		return nil, errors.New("make Twilio sender: the account SID is not AC and 32 hexadecimal digits")
	}
	if s := cfg.MessagingServiceSID; s != "" && (!sidForm.MatchString(s) || !strings.HasPrefix(s, "MG")) {
		return nil, errors.New("make Twilio sender: the messaging service SID is not MG and 32 hexadecimal digits")
	}
	if cfg.AuthToken == "" {
		return nil, errors.New("make Twilio sender: the auth token is missing")
	}
	if cfg.URL == "" {
		cfg.URL = TwilioURL
	}
	base, err := checkEndpoint(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("make Twilio sender: URL: %w", err)
	}
	if cfg.Timeout, err = checkTimeout(cfg.Timeout); err != nil {
		return nil, fmt.Errorf("make Twilio sender: %w", err)
	}
	return &Twilio{
		cfg: cfg, client: newGatewayClient(),
		endpoint: base.JoinPath("2010-04-01", "Accounts", cfg.AccountSID, "Messages.json").String(),
	}, nil
}

// Send hands m to Twilio.
func (t *Twilio) Send(ctx context.Context, m Text) (Receipt, error) {
	form, err := t.form(m)
	if err != nil {
		return Receipt{}, &SendError{Permanent: true, Reply: "the message could not be composed", Err: err}
	}
	ctx, cancel := context.WithTimeout(ctx, t.cfg.Timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return Receipt{}, &SendError{Permanent: true, Reply: "the request could not be composed", Err: err}
	}
	r.SetBasicAuth(t.cfg.AccountSID, t.cfg.AuthToken)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", userAgent)

	x := &exchange{client: t.client}
	res, err := x.Do(r)
	if err != nil {
		return Receipt{}, x.unanswered(unrepeatable, err)
	}
	defer res.Body.Close()
	var a twilioAnswer
	if err := json.NewDecoder(res.Body).Decode(&a); err != nil {
		a = twilioAnswer{} // the status has to do
	}
	return a.judge(x)
}

func (t *Twilio) form(m Text) (url.Values, error) {
	if err := checkText(m); err != nil {
		return nil, err
	}
	form := url.Values{"To": {m.To}, "Body": {m.Body}}
	switch {
	case t.cfg.MessagingServiceSID != "":
		form.Set("MessagingServiceSid", t.cfg.MessagingServiceSID)
	case m.From != "":
		form.Set("From", m.From)
	default:
		return nil, errors.New("neither a sender nor a messaging service is set")
	}
	if t.cfg.StatusURL != "" && m.Token != "" {
		form.Set("StatusCallback", t.cfg.StatusURL+"?m="+m.Token)
	}
	if m.Valid > 0 {
		// What is still in their queue then is dropped. The API takes 1 s to 10 h.
		form.Set("ValidityPeriod", strconv.Itoa(int(min(max(m.Valid, time.Second), 10*time.Hour)/time.Second)))
	}
	return form, nil
}

// twilioAnswer is a message resource or an error document. Both have a status, of different kinds.
type twilioAnswer struct {
	SID          string          `json:"sid"`
	Status       json.RawMessage `json:"status"`
	ErrorCode    int             `json:"error_code"`
	ErrorMessage string          `json:"error_message"`

	Code    int    `json:"code"`
	Message string `json:"message"`
}

// Error codes that say more than the status they come with.
const (
	twilioTooManyRequests = 20429
	twilioQueueFull       = 21611 // of this sender
	twilioDailyLimit      = 63038 // of this account; it comes with 429, and does not pass within a code's life
)

// judge reads what became of the message.
func (a twilioAnswer) judge(x *exchange) (Receipt, error) {
	if x.status >= 200 && x.status < 300 {
		state := strings.Trim(string(a.Status), `"`)
		if state == "failed" || state == "undelivered" || a.ErrorCode != 0 {
			return Receipt{}, &SendError{
				Permanent: true, Reply: fmt.Sprintf("%d %s %d %s", x.status, state, a.ErrorCode, a.ErrorMessage),
				Err: errors.New("the message was made and failed at once"),
			}
		}
		// Whatever else is in the answer: the message is theirs.
		return Receipt{Reply: strings.TrimSpace(fmt.Sprintf("%d %s %s", x.status, state, a.SID)), ID: a.SID}, nil
	}
	if a.Code == 0 {
		return Receipt{}, x.refused(unrepeatable, false, "")
	}
	e := x.refused(unrepeatable, true, fmt.Sprintf("%d %s", a.Code, a.Message))
	switch a.Code {
	case twilioTooManyRequests, twilioQueueFull:
		e.Permanent = false
	case twilioDailyLimit:
		e.Permanent = true
	}
	return Receipt{}, e
}

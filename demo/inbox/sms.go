package inbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// SMSPath is where the inbox takes text messages, as docs/sms-webhook.md describes them. It plays the gateway: it reads the
// document and shares no code with the sender.
const SMSPath = "/api/sms"

// smsTolerance is how far the sender's clock may be off.
const smsTolerance = 5 * time.Minute

var (
	errSignature = errors.New("the signature does not match")
	errMessage   = errors.New("the message is not usable")
)

// postSMS takes one text message, once, however often it comes.
func (h *handler) postSMS(w http.ResponseWriter, r *http.Request) error {
	m, err := h.readSMS(r)
	status, answer := http.StatusAccepted, map[string]string{}
	switch {
	case errors.Is(err, errSignature):
		status, answer["error"] = http.StatusUnauthorized, err.Error()
	case err != nil:
		status, answer["error"] = http.StatusBadRequest, err.Error()
	default:
		h.inbox.addOnce(m)
		answer["id"] = "inbox-" + m.key
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	return json.NewEncoder(w).Encode(answer)
}

// readSMS checks who wrote a request, then what it says.
func (h *handler) readSMS(r *http.Request) (Message, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return Message{}, fmt.Errorf("%w: too long or cut off", errMessage)
	}
	key := r.Header.Get("Idempotency-Key")
	if err := h.verify(r.Header, key, body); err != nil {
		return Message{}, err
	}
	var got struct{ ID, To, Text string }
	if err := json.Unmarshal(body, &got); err != nil {
		return Message{}, fmt.Errorf("%w: not JSON", errMessage)
	}
	if got.ID == "" || got.ID != key || !strings.HasPrefix(got.To, "+") || got.Text == "" {
		return Message{}, fmt.Errorf("%w: id, to or text is missing", errMessage)
	}
	return Message{Channel: SMS, To: got.To, Text: got.Text, key: key}, nil
}

// verify accepts what the holder of the secret signed within the last minutes.
func (h *handler) verify(header http.Header, key string, body []byte) error {
	timestamp := header.Get("Futakagi-Timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || h.inbox.now().Sub(time.Unix(seconds, 0)).Abs() > smsTolerance {
		return fmt.Errorf("%w: too old, or from the future", errSignature)
	}
	text, ok := strings.CutPrefix(header.Get("Futakagi-Signature"), "v1=")
	given, err := hex.DecodeString(text)
	if !ok || err != nil || h.smsSecret == "" {
		return errSignature
	}
	mac := hmac.New(sha256.New, []byte(h.smsSecret))
	mac.Write([]byte(timestamp + "." + key + "."))
	mac.Write(body)
	if !hmac.Equal(given, mac.Sum(nil)) {
		return errSignature
	}
	return nil
}

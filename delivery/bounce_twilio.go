package delivery

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the form that Twilio signs with
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// twilio takes Twilio's status callbacks. The message is named by the token in the address, which the signature covers.
func (h *Hooks) twilio(r *http.Request, body []byte) error {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return errMalformed
	}
	// The address is the one that we gave out: what the request says of its host is anybody's.
	address := h.cfg.TwilioURL + "?" + r.URL.RawQuery
	given, err := base64.StdEncoding.DecodeString(r.Header.Get("X-Twilio-Signature"))
	if err != nil || !hmac.Equal(given, twilioMAC(h.cfg.TwilioToken, address, form)) {
		return errUnsigned
	}
	report, ok := twilioReport(form.Get("MessageStatus"), form.Get("ErrorCode"))
	if !ok {
		return nil // on its way
	}
	return h.hearAny(r.Context(), Ref{Token: r.URL.Query().Get("m")}, report)
}

// twilioMAC is how Twilio signs a callback: over the address and every parameter in the order of the names.
func twilioMAC(token, address string, form url.Values) []byte {
	var text strings.Builder
	text.WriteString(address)
	for _, name := range slices.Sorted(maps.Keys(form)) {
		for _, value := range slices.Compact(slices.Sorted(slices.Values(form[name]))) {
			text.WriteString(name + value)
		}
	}
	mac := hmac.New(sha1.New, []byte(token))
	mac.Write([]byte(text.String()))
	return mac.Sum(nil)
}

// Error codes of a message that was not delivered, by what they say of the number.
var twilioBounces = map[string]Bounce{
	"30003": SoftBounce,  // unreachable
	"30004": OtherBounce, // blocked by the carrier or the person
	"30005": HardBounce,  // unknown, or no longer in service
	"30006": HardBounce,  // a land line
	"30007": OtherBounce, // taken for spam
	"21610": OtherBounce, // the person has unsubscribed
}

func twilioReport(status, code string) (Report, bool) {
	switch status {
	case "delivered", "read":
		return Report{Outcome: OutcomeDelivered, Source: SourceTwilio, Reply: status}, true
	case "undelivered", "failed":
		bounce, ok := twilioBounces[code]
		if !ok {
			bounce = SoftBounce
		}
		return Report{Outcome: OutcomeBounced, Bounce: bounce, Source: SourceTwilio, Reply: strings.TrimSpace(status + " " + short(code))}, true
	}
	return Report{}, false
}

// short keeps the error codes that are numbers of five digits readable beside what is blotted out as a possible code.
func short(code string) string {
	if len(code) > 5 || strings.Trim(code, "0123456789") != "" {
		return ""
	}
	return code
}

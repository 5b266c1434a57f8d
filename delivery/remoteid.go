package delivery

import (
	"regexp"
	"strings"
)

// maxRemoteID bounds the id of a message at the other side, in characters.
const maxRemoteID = 128

// queueIDs find what a mail server calls a message in its answer to it. An answer of no known form is just kept as it is.
var queueIDs = []*regexp.Regexp{
	regexp.MustCompile(`(?i)\bqueued as ([0-9A-Za-z_./+=-]+)`),                                         // Postfix, SendGrid, Haraka
	regexp.MustCompile(`\[InternalId=([0-9]+)`),                                                        // Exchange
	regexp.MustCompile(`^250 Ok ([0-9a-f]{16}-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}-[0-9]{6})$`), // Amazon SES
	regexp.MustCompile(`(?i)\bid=([0-9A-Za-z-]+)$`),                                                    // Exim
	regexp.MustCompile(`^250 2\.0\.0 ([0-9A-Za-z]+) Message accepted for delivery`),                    // Sendmail
}

// queueID returns what the mail server that gave this answer calls the message; "" if the answer does not say.
func queueID(reply string) string {
	for _, form := range queueIDs {
		if m := form.FindStringSubmatch(strings.TrimSpace(reply)); m != nil {
			return strings.TrimRight(m[1], ".")
		}
	}
	return ""
}

// cleanID makes the id of a message at the other side fit to be kept: visible ASCII, or nothing. It never holds the code.
func cleanID(id, secret string) string {
	if len(id) > maxRemoteID || secret != "" && strings.Contains(id, secret) ||
		strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return ""
	}
	return id
}

package inbox

import (
	"encoding/base64"
	"fmt"
	"html"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"regexp"
	"strings"
	"time"
)

// Channel tells how a message travelled.
type Channel string

// The channels.
const (
	Email Channel = "email"
	SMS   Channel = "sms"
)

// Message is one message to one recipient, as the API shows it.
type Message struct {
	// Channel is how it travelled.
	Channel Channel `json:"channel"`
	// To is the address it was delivered to (the envelope, not the header).
	To string `json:"to"`
	// Subject is the decoded subject; empty for SMS.
	Subject string `json:"subject"`
	// Text is the plain text; made from the HTML part when there is no other.
	Text string `json:"text"`
	// At is when it arrived.
	At time.Time `json:"at"`

	id   int64
	html string
	key  string // under which an SMS came, the same at every try
}

// content is what a person reads in a mail.
type content struct {
	subject, text, html string
}

// maxParts bounds nesting and number of MIME parts a mail may have.
const maxParts = 50

// parseMail reads a mail as RFC 5322 with MIME parts.
func parseMail(r io.Reader) (content, error) {
	m, err := mail.ReadMessage(r)
	if err != nil {
		return content{}, fmt.Errorf("read mail: %w", err)
	}
	var c content
	decoder := new(mime.WordDecoder)
	c.subject, err = decoder.DecodeHeader(m.Header.Get("Subject"))
	if err != nil { // an unknown charset: better the raw header than no mail
		c.subject = m.Header.Get("Subject")
	}
	w := walker{content: &c, left: maxParts}
	if err := w.part(m.Header.Get("Content-Type"), m.Header.Get("Content-Transfer-Encoding"), m.Body); err != nil {
		return content{}, err
	}
	if c.text == "" {
		c.text = textOf(c.html)
	}
	c.text = strings.ReplaceAll(c.text, "\r\n", "\n")
	return c, nil
}

type walker struct {
	content *content
	left    int
}

// part takes the first text/plain and the first text/html it meets.
func (w *walker) part(contentType, encoding string, body io.Reader) error {
	if w.left--; w.left < 0 {
		return fmt.Errorf("read mail: more than %d parts", maxParts)
	}
	media, params := "text/plain", map[string]string(nil)
	if contentType != "" {
		var err error
		if media, params, err = mime.ParseMediaType(contentType); err != nil {
			return fmt.Errorf("read mail: content type: %w", err)
		}
	}
	if strings.HasPrefix(media, "multipart/") {
		return w.multipart(multipart.NewReader(body, params["boundary"]))
	}
	var into *string
	switch {
	case media == "text/plain" && w.content.text == "":
		into = &w.content.text
	case media == "text/html" && w.content.html == "":
		into = &w.content.html
	default:
		return nil
	}
	b, err := io.ReadAll(decoded(encoding, body))
	if err != nil {
		return fmt.Errorf("read mail: decode %s: %w", media, err)
	}
	*into = strings.ToValidUTF8(string(b), "\uFFFD")
	return nil
}

func (w *walker) multipart(r *multipart.Reader) error {
	for {
		// NextRawPart, for NextPart would undo quoted-printable silently and
		// drop the header that says so.
		p, err := r.NextRawPart()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read mail: next part: %w", err)
		}
		if p.FileName() != "" {
			continue
		}
		if err := w.part(p.Header.Get("Content-Type"), p.Header.Get("Content-Transfer-Encoding"), p); err != nil {
			return err
		}
	}
}

func decoded(encoding string, r io.Reader) io.Reader {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "base64":
		return base64.NewDecoder(base64.StdEncoding, r)
	case "quoted-printable":
		return quotedprintable.NewReader(r)
	default:
		return r
	}
}

var (
	hiddenElements = regexp.MustCompile(`(?is)<(style|script|head)\b.*?</(style|script|head)>`)
	lineBreaks     = regexp.MustCompile(`(?i)<br\s*/?>|</(p|div|tr|h[1-6]|li|table)>`)
	tags           = regexp.MustCompile(`(?s)<[^>]*>`)
	blankLines     = regexp.MustCompile(`\n\s*\n\s*`)
	codes          = regexp.MustCompile(`(?:^|[^0-9])([0-9]{6})(?:[^0-9]|$)`)
)

// textOf is a rough reading of HTML for mails without a plain part. It feeds a
// text node only, so it need not be safe as markup.
func textOf(s string) string {
	s = hiddenElements.ReplaceAllString(s, "")
	s = lineBreaks.ReplaceAllString(s, "\n")
	s = html.UnescapeString(tags.ReplaceAllString(s, ""))
	return strings.TrimSpace(blankLines.ReplaceAllString(s, "\n\n"))
}

// Code finds the six digits in a message, empty when there are none.
func (m Message) Code() string {
	for _, s := range []string{m.Subject, m.Text} {
		if found := codes.FindStringSubmatch(s); found != nil {
			return found[1]
		}
	}
	return ""
}

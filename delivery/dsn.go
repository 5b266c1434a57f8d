package delivery

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"strings"
)

const (
	// maxDSN bounds a message that came back, and maxPart a part of it that is looked at.
	maxDSN  = 1 << 20
	maxPart = 64 << 10
	// maxParts bounds how many parts are looked at. A notification has three (RFC 3462).
	maxParts = 10
)

// readDSN reads a delivery status notification (RFC 3464) about one of our messages: what became of it, and the token that it
// carried. The token is in the address that the notification came back to, or in the id of the message that it returns. It reports
// false for any other message. Whether the token is right is the server's to say.
func readDSN(message io.Reader, to string) (reportForm, bool) {
	m, err := mail.ReadMessage(bufio.NewReader(io.LimitReader(message, maxDSN)))
	if err != nil {
		return reportForm{}, false
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/report" || !strings.EqualFold(params["report-type"], "delivery-status") || params["boundary"] == "" {
		return reportForm{}, false
	}
	found := reportForm{Source: SourceDSN}
	returned := ""
	parts := multipart.NewReader(m.Body, params["boundary"])
	for range maxParts {
		part, err := parts.NextRawPart()
		if err != nil {
			break
		}
		kind, _, err := mime.ParseMediaType(part.Header.Get("Content-Type"))
		if err != nil {
			continue
		}
		body, err := partBody(part)
		if err != nil {
			continue
		}
		switch kind {
		case "message/delivery-status", "message/global-delivery-status":
			if found.Outcome == "" {
				readStatus(body, &found)
			}
		case "message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers":
			if returned == "" {
				returned = returnedID(body)
			}
		}
	}
	if found.Outcome == "" {
		return reportForm{}, false
	}
	for _, text := range []string{to, m.Header.Get("Delivered-To"), m.Header.Get("X-Original-To"), m.Header.Get("To"), returned} {
		if found.Token = tokenIn(text); found.Token != "" {
			return found, true
		}
	}
	return reportForm{}, false
}

// partBody is the beginning of a part, decoded.
func partBody(part *multipart.Part) ([]byte, error) {
	from := io.LimitReader(part, maxPart)
	switch strings.ToLower(part.Header.Get("Content-Transfer-Encoding")) {
	case "base64":
		from = base64.NewDecoder(base64.StdEncoding, from)
	case "quoted-printable":
		from = quotedprintable.NewReader(from)
	}
	body, err := io.ReadAll(from)
	if errors.Is(err, io.ErrUnexpectedEOF) && len(body) > 0 {
		err = nil // cut off by the limit
	}
	return body, err
}

// readStatus reads the groups of fields of a delivery-status: the first is about the message, the others each about a recipient. Our
// messages have one.
func readStatus(body []byte, found *reportForm) {
	fields := textproto.NewReader(bufio.NewReader(bytes.NewReader(body)))
	for range maxParts {
		group, err := fields.ReadMIMEHeader()
		action, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(group.Get("Action"))), " ")
		switch action {
		case "failed":
			found.Outcome = OutcomeBounced
		case "delayed":
			found.Outcome = OutcomeDelayed
		case "delivered":
			found.Outcome = OutcomeDelivered
		}
		if found.Outcome != "" {
			// A comment may follow the code.
			found.Status, _, _ = strings.Cut(strings.TrimSpace(group.Get("Status")), " ")
			if !statusForm.MatchString(found.Status) {
				found.Status = ""
			}
			found.Reply = cleanReply(diagnostic(group), "")
			return
		}
		if err != nil {
			return
		}
	}
}

// diagnostic is the other side's answer, without the word that says whose form it has.
func diagnostic(group textproto.MIMEHeader) string {
	text := group.Get("Diagnostic-Code")
	if kind, rest, ok := strings.Cut(text, ";"); ok && !strings.ContainsAny(kind, " \t") {
		text = rest
	}
	return strings.TrimSpace(text)
}

// returnedID is the id of the message that came back.
func returnedID(body []byte) string {
	header, _ := textproto.NewReader(bufio.NewReader(bytes.NewReader(body))).ReadMIMEHeader()
	return header.Get("Message-Id")
}

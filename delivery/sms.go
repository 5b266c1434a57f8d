package delivery

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Text is one finished text message to one phone.
type Text struct {
	// MessageID is the same at every try.
	MessageID string
	// From is the sender the phone shows: a number or a name, as the gateway allows. Empty leaves the choice to the gateway.
	From string
	// To is the one recipient, in the form of E.164: +819012345678.
	To string
	// Body is the text.
	Body string
	// Token is what a report about the message must know.
	Token string
	// Valid is for how long the message is of use from now on; zero does not say.
	Valid time.Duration
}

// SMS takes text messages out of the house. Send returns nil only when the gateway has taken the message over; a [SendError]
// tells whether another try makes sense, and any other error counts as temporary. A gateway that cannot tell a repeated request
// from a new message must call a failure permanent as soon as the message may have gone out: a person who asks for another code
// is served better than one who gets two. Send must return soon after ctx ends.
type SMS interface {
	Send(ctx context.Context, m Text) (Receipt, error)
}

// checkNumber accepts one number in the form of E.164. Which numbers a person may use is decided where people type them; this
// is the last gate before one becomes part of a request to a gateway.
func checkNumber(number string) error {
	digits, plus := strings.CutPrefix(number, "+")
	if !plus || len(digits) < 7 || len(digits) > 15 || digits[0] == '0' || strings.Trim(digits, "0123456789") != "" {
		return fmt.Errorf("%w: not a number in the form of E.164", ErrRecipient)
	}
	return nil
}

// checkText refuses what must not become part of a request.
func checkText(m Text) error {
	if err := checkNumber(m.To); err != nil {
		return err
	}
	if m.MessageID == "" || !printable(m.MessageID) || !printable(m.From) {
		return errors.New("the message id or the sender is not plain text on one line")
	}
	if m.Body == "" || !utf8.ValidString(m.Body) || !printable(strings.ReplaceAll(m.Body, "\n", "")) {
		return errors.New("the text is empty or holds control characters")
	}
	return nil
}

func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

package delivery

import (
	"context"
	"fmt"
	"net/mail"
	"strings"
	"time"
)

// Mail is one finished message to one person.
type Mail struct {
	// MessageID is the same at every try, without angle brackets.
	MessageID string
	// From is the sender's address, FromName the name shown with it.
	From, FromName string
	// BounceTo is the address that the mail server is to send bounces to; From if empty.
	BounceTo string
	// To is the one recipient.
	To string
	// Subject is one line; Text and HTML say the same.
	Subject, Text, HTML string
	// Lang is the language of the texts.
	Lang string
	// Date is when the message was written.
	Date time.Time
}

// Receipt is what a mail server or gateway said when it took a message over.
type Receipt struct {
	// Reply is its answer, such as "250 2.0.0 OK: queued as 4Xyz".
	Reply string
	// ID is what it calls the message, where it says so.
	ID string
}

// Mailer takes messages out of the house. Send returns nil only when the other side has taken the message over; a [SendError]
// tells whether another try makes sense, and any other error counts as temporary. Send must return soon after ctx ends.
type Mailer interface {
	Send(ctx context.Context, m Mail) (Receipt, error)
}

// A SendError is a message that was not taken over.
type SendError struct {
	// Permanent means that trying again is of no use, or would do harm.
	Permanent bool
	// Reply is what happened in words fit for staff: the other side's answer, or what went wrong before it gave one.
	Reply string
	// RetryAfter is how long the other side asks to be left alone; zero if it does not.
	RetryAfter time.Duration
	// Err is the cause, for the log.
	Err error
}

func (e *SendError) Error() string { return fmt.Sprintf("send message: %s: %v", e.Reply, e.Err) }

// Unwrap returns the cause.
func (e *SendError) Unwrap() error { return e.Err }

// checkAddress accepts one bare address in plain ASCII. Callers check addresses where people type them; this is the last gate
// before one becomes part of a header and of the mail server's protocol.
func checkAddress(address string) error {
	if address == "" || len(address) > 254 {
		return fmt.Errorf("%w: empty or too long", ErrRecipient)
	}
	for _, r := range address {
		if r <= ' ' || r > '~' || strings.ContainsRune(`"(),:;<>[\]`, r) {
			return fmt.Errorf("%w: character not allowed", ErrRecipient)
		}
	}
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Address != address || parsed.Name != "" {
		return fmt.Errorf("%w: not one bare address", ErrRecipient)
	}
	return nil
}

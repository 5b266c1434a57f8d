package delivery

import (
	"context"
	"fmt"
	"time"

	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

// KindReenrolTicket is the kind of the mail with a ticket to set up a factor after a reset. The value is stored.
const KindReenrolTicket = "reenrol_ticket"

// TicketMessage carries a ticket to set up a factor after a reset.
type TicketMessage struct {
	// ID becomes the message's.
	ID        store.MessageID
	AccountID store.AccountID
	LoginID   string
	// To is the registered address.
	To string
	// Ticket is what the person types, Shown how it is written.
	Ticket, Shown string
	Lang          templates.Lang
	// ExpiresAt is when the ticket dies; the message is not sent after it.
	ExpiresAt time.Time
}

// Ticket queues a ticket in the caller's transaction. Call [Outbox.Wake] after the commit. It fails with [ErrRecipient] for an
// address that cannot be sent to.
func (o *Outbox) Ticket(ctx context.Context, tx *store.Tx, m TicketMessage) error {
	now := o.cfg.Now()
	minutes := int((m.ExpiresAt.Sub(now) + time.Minute - 1) / time.Minute)
	text, err := o.cfg.Templates.MailReenrolTicket.Build(m.Lang, templates.TicketMail{LoginID: m.LoginID, Ticket: m.Shown, Minutes: minutes})
	if err != nil {
		return fmt.Errorf("write ticket mail: %w", err)
	}
	return o.enqueue(ctx, tx, envelope{
		id: m.ID, channel: ChannelEmail, kind: KindReenrolTicket, account: m.AccountID, deadline: m.ExpiresAt, now: now,
		content: payload{To: m.To, Subject: text.Subject, Text: text.Text, HTML: text.HTML, Lang: string(m.Lang), Secret: m.Ticket},
	})
}

package admin

import (
	"context"
	"fmt"

	"github.com/futakagi/futakagi/store"
)

// Message is one message and what became of it, without its content.
type Message struct {
	store.GetMessageRow
	// Reports are what was heard of it after it had left, the oldest first.
	Reports []store.MessageReport
}

// Message returns one message. One to an account that the actor may not see is like one that is missing (I14).
func (s *Service) Message(ctx context.Context, actor Actor, id store.MessageID) (Message, error) {
	actor, err := s.viewer(ctx, actor, mayViewDeliveries)
	if err != nil {
		return Message{}, err
	}
	if !store.ValidID(string(id)) {
		return Message{}, store.ErrNotFound
	}
	q := s.db.Read()
	row, err := q.GetMessage(ctx, id)
	if err != nil {
		return Message{}, err
	}
	if hidden := hiddenKind(actor); hidden != "" && row.AccountKind != nil && *row.AccountKind == hidden {
		return Message{}, store.ErrNotFound
	}
	m := Message{GetMessageRow: row}
	if m.Reports, err = q.ListMessageReports(ctx, id); err != nil {
		return Message{}, fmt.Errorf("list reports: %w", err)
	}
	return m, nil
}

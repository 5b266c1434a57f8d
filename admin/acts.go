package admin

import (
	"context"
	"fmt"
	"time"

	"github.com/futakagi/futakagi/store"
)

// The spans over which the acts of operators are counted.
const (
	actsDay   = 24 * time.Hour
	actsWeek  = 7 * actsDay
	actsMonth = 30 * actsDay
)

// OperatorActs returns what each operator did, and what they were refused, over the last day, 7 days and 30 days, without what
// concerns accounts that the actor may not see.
func (s *Service) OperatorActs(ctx context.Context, actor Actor) ([]store.CountOperatorActsRow, error) {
	actor, err := s.viewer(ctx, actor, mayViewAudit)
	if err != nil {
		return nil, err
	}
	now := s.now()
	rows, err := s.db.Read().CountOperatorActs(ctx, store.CountOperatorActsParams{
		Day: now.Add(-actsDay), Week: now.Add(-actsWeek), Since: now.Add(-actsMonth), HiddenKind: hiddenKind(actor),
	})
	if err != nil {
		return nil, fmt.Errorf("count acts: %w", err)
	}
	return rows, nil
}

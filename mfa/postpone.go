package mfa

import (
	"context"
	"fmt"
	"time"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/signin/standing"
	"github.com/futakagi/futakagi/store"
)

// Grace is how long the person of a sign-in may still put the set-up of their first factor off; the zero Grace: not at all, because
// the surface gives no days, they are over, or something else than the surface's enforcement demands the set-up.
func (s *Service) Grace(ctx context.Context, flow store.Flow) (standing.Grace, error) {
	p, err := s.attempted(ctx, s.db.Read(), flow, s.now())
	if err != nil {
		return standing.Grace{}, err
	}
	if err := p.setUp(""); err != nil {
		return standing.Grace{}, err
	}
	return p.grace(), nil
}

func (p attempted) grace() standing.Grace {
	if !p.Policy.OffersPostponing() {
		return standing.Grace{}
	}
	return p.Standing.Grace
}

// Postpone puts the set-up of the first factor off in this sign-in, which goes on with what was proved. The account's days begin
// with the first time. It fails with [ErrWrongStep] where that is not offered.
func (s *Service) Postpone(ctx context.Context, flow store.Flow) error {
	now := s.now()
	return s.db.InTx(ctx, func(tx *store.Tx) error {
		if flow.AccountID == nil {
			return ErrFlowGone
		}
		// Of two sign-ins that put it off for the first time, one begins the days.
		if _, err := tx.HoldAccount(ctx, *flow.AccountID); err != nil {
			return fmt.Errorf("hold account: %w", err)
		}
		p, err := s.attempted(ctx, tx.Queries, flow, now)
		if err != nil {
			return err
		}
		if err := p.setUp(""); err != nil {
			return err
		}
		grace := p.grace()
		if grace.Days == 0 {
			return ErrWrongStep
		}
		until := grace.End(now)
		if !grace.Running() {
			if _, err := tx.BeginGrace(ctx, store.BeginGraceParams{ID: p.account.ID, Now: &now, Until: &until}); err != nil {
				return fmt.Errorf("begin grace: %w", err)
			}
		}
		n, err := tx.PostponeFlow(ctx, store.PostponeFlowParams{
			ID: flow.ID, SecretHash: flow.SecretHash, AccountID: &p.account.ID, Now: now,
		})
		if err != nil {
			return fmt.Errorf("postpone set-up: %w", err)
		}
		if n == 0 {
			return ErrFlowGone
		}
		e := p.event(audit.SetUpPostpone, audit.Success, "")
		e.Target = flow.SurfaceID
		e.Data = map[string]string{"until": until.UTC().Format(time.RFC3339)}
		return audit.Write(ctx, tx, now, e)
	})
}

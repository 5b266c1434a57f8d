package mfa

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/futakagi/futakagi/internal/seal"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
)

// A ceremony is what a person's answer is checked against where the server, not a message, holds the other half: the seed of an
// authenticator app that is being set up, or the challenge of a passkey. An attempt has one per kind and purpose; the next one
// takes its place.

const (
	seedLifetime = 10 * time.Minute // of the seed of an app that is being set up
	// flowCeremonies is how many a sign-in may begin. Nobody has proved anything to begin one, and each can leave a row in the audit
	// log: with the budget of sign-ins this bounds what a stranger can cause (I29).
	flowCeremonies = 50
)

// ceremonyPlace binds what is sealed to its row.
func ceremonyPlace(id store.CeremonyID, account *store.AccountID) seal.Place {
	p := seal.Place{Table: "ceremonies", Row: string(id)}
	if account != nil {
		p.Account = string(*account)
	}
	return p
}

// begin starts a ceremony and ends the attempt's former one of the kind and purpose. The account is nil in a sign-in that nobody
// has begun yet.
func (s *Service) begin(
	ctx context.Context, tx *store.Tx, now time.Time, a attempt, account *store.AccountID, kind signin.Method, purpose string,
	data []byte, life time.Duration,
) (store.Ceremony, error) {
	var err error
	if a.flow != nil {
		err = tx.DropFlowCeremonies(ctx, store.DropFlowCeremoniesParams{FlowID: a.flow, Kind: string(kind), Purpose: purpose})
	} else {
		err = tx.DropSessionCeremonies(ctx, store.DropSessionCeremoniesParams{SessionID: a.session, Kind: string(kind), Purpose: purpose})
	}
	if err != nil {
		return store.Ceremony{}, fmt.Errorf("end former ceremony: %w", err)
	}
	c := store.Ceremony{
		ID: store.NewID[store.CeremonyID](), Kind: string(kind), Purpose: purpose, FlowID: a.flow, SessionID: a.session,
		AccountID: account, CreatedAt: now, ExpiresAt: now.Add(life),
	}
	if c.DataSealed, err = s.box.Seal(data, ceremonyPlace(c.ID, account)); err != nil {
		return store.Ceremony{}, fmt.Errorf("seal ceremony: %w", err)
	}
	if err := tx.InsertCeremony(ctx, store.InsertCeremonyParams{
		ID: c.ID, Kind: c.Kind, Purpose: c.Purpose, FlowID: c.FlowID, SessionID: c.SessionID, AccountID: c.AccountID,
		DataSealed: c.DataSealed, Now: c.CreatedAt, ExpiresAt: c.ExpiresAt,
	}); err != nil {
		return store.Ceremony{}, fmt.Errorf("insert ceremony: %w", err)
	}
	if a.flow == nil {
		return c, nil
	}
	_, err = tx.TakeBudget(ctx, store.TakeBudgetParams{
		Key: "ceremonies:" + string(*a.flow), Now: now, ExpiresAt: now.Add(24 * time.Hour), Ceiling: flowCeremonies,
	})
	if errors.Is(err, store.ErrNotFound) {
		return store.Ceremony{}, ErrTooManyCeremonies
	}
	if err != nil {
		return store.Ceremony{}, fmt.Errorf("take budget: %w", err)
	}
	return c, nil
}

// ceremony returns the attempt's ceremony of a kind and purpose while it can still succeed, else ErrNotBegun.
func (s *Service) ceremony(
	ctx context.Context, q *store.Queries, now time.Time, a attempt, kind signin.Method, purpose string,
) (store.Ceremony, error) {
	var c store.Ceremony
	var err error
	if a.flow != nil {
		c, err = q.GetFlowCeremony(ctx, store.GetFlowCeremonyParams{
			FlowID: a.flow, Kind: string(kind), Purpose: purpose, Now: now, MaxTries: int64(s.limits.CodeTries),
		})
	} else {
		c, err = q.GetSessionCeremony(ctx, store.GetSessionCeremonyParams{
			SessionID: a.session, Kind: string(kind), Purpose: purpose, Now: now, MaxTries: int64(s.limits.CodeTries),
		})
	}
	if errors.Is(err, store.ErrNotFound) {
		return c, ErrNotBegun
	}
	if err != nil {
		return c, fmt.Errorf("load ceremony: %w", err)
	}
	return c, nil
}

// opened is what a ceremony holds.
func (s *Service) opened(c store.Ceremony) ([]byte, error) {
	data, err := s.box.Open(c.DataSealed, ceremonyPlace(c.ID, c.AccountID))
	if err != nil {
		return nil, fmt.Errorf("open ceremony: %w", err)
	}
	return data, nil
}

// take uses a ceremony up: of many answers one is judged by it.
func (s *Service) take(ctx context.Context, tx *store.Tx, now time.Time, id store.CeremonyID) (store.Ceremony, error) {
	c, err := tx.TakeCeremony(ctx, store.TakeCeremonyParams{ID: id, Now: now})
	if errors.Is(err, store.ErrNotFound) {
		return c, ErrNotBegun
	}
	if err != nil {
		return c, fmt.Errorf("take ceremony: %w", err)
	}
	return c, nil
}

package mfa

import (
	"context"
	"errors"
	"fmt"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
)

// An address that nothing arrives at is marked (届きません). The mark changes what is offered first and what is said, and nothing
// else: the factor stays, it can be used, and what a sign-in must prove is the same.

// softBounces is how many bounces in a row that were not for good mark an address.
const softBounces = 3

// Heard notes on a factor what became of a message to its address, in the transaction that writes the report down. Whoever calls
// it vouches that the report is about that very message.
func (s *Service) Heard(ctx context.Context, tx *store.Tx, h delivery.Heard) error {
	kind := string(signin.Email)
	if h.Channel == delivery.ChannelSMS {
		kind = string(signin.SMS)
	}
	switch {
	case h.Outcome == delivery.OutcomeDelivered:
		_, err := tx.ForgetFactorBounces(ctx, store.ForgetFactorBouncesParams{AccountID: h.Account, Kind: kind, Address: h.To})
		if err != nil {
			return fmt.Errorf("forget bounces: %w", err)
		}
		return nil
	case h.Outcome != delivery.OutcomeBounced || h.Bounce == delivery.OtherBounce:
		return nil
	}
	marked, err := markBounced(ctx, tx, kind, h)
	if err != nil || !marked {
		return err
	}
	acc, err := tx.GetAccount(ctx, h.Account)
	if err != nil {
		return fmt.Errorf("load account: %w", err)
	}
	return audit.Write(ctx, tx, h.At, audit.Event{
		Type: audit.FactorBounce, Result: audit.Success, Reason: string(h.Bounce), Actor: audit.System(),
		Account: acc.ID, Target: mask(signin.Method(kind), h.To),
		Data: map[string]string{"method": kind, "message": string(h.MessageID), "status": h.Status, "source": h.Source},
	})
}

// markBounced reports whether the factor is marked from now on.
func markBounced(ctx context.Context, tx *store.Tx, kind string, h delivery.Heard) (bool, error) {
	if h.Bounce == delivery.HardBounce {
		n, err := tx.MarkFactorBounced(ctx, store.MarkFactorBouncedParams{
			Now: &h.At, AccountID: h.Account, Kind: kind, Address: h.To, WrittenAt: h.WrittenAt,
		})
		if err != nil {
			return false, fmt.Errorf("mark factor: %w", err)
		}
		return n == 1, nil
	}
	row, err := tx.NoteSoftBounce(ctx, store.NoteSoftBounceParams{
		Now: h.At, Ceiling: softBounces, AccountID: h.Account, Kind: kind, Address: h.To, WrittenAt: h.WrittenAt,
	})
	if errors.Is(err, store.ErrNotFound) {
		return false, nil // another address by now, or one that was proved since
	}
	if err != nil {
		return false, fmt.Errorf("count bounce: %w", err)
	}
	return row.SoftBounces == softBounces && row.BouncedAt != nil && row.BouncedAt.Equal(h.At), nil
}

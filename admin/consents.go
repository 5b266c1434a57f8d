package admin

import (
	"context"
	"fmt"
	"slices"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/store"
)

// Consents lists what an account allows applications of others, the latest first. It fails like [Service.AccountRow].
func (s *Service) Consents(ctx context.Context, actor Actor, id store.AccountID) ([]store.ListConsentsRow, error) {
	if _, err := s.AccountRow(ctx, actor, id); err != nil {
		return nil, err
	}
	rows, err := s.db.Read().ListConsents(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("list consents: %w", err)
	}
	return rows, nil
}

// RevokeConsent takes back what a person allowed an application, as they could themselves: its tokens are void, it is told, and it asks
// again. It fails with [store.ErrNotFound] for an application that the account allows nothing (I14).
func (s *Service) RevokeConsent(ctx context.Context, actor Actor, id store.AccountID, client string) error {
	_, err := s.act(ctx, actor, mayView, audit.Event{Type: audit.AppRevoke}, func(w *work) error {
		if _, err := w.other(ctx, id, mayReset); err != nil {
			return err
		}
		if _, err := w.tx.HoldAccount(ctx, id); err != nil {
			return fmt.Errorf("hold account: %w", err)
		}
		rows, err := w.tx.ListConsents(ctx, id)
		if err != nil {
			return fmt.Errorf("list consents: %w", err)
		}
		i := slices.IndexFunc(rows, func(c store.ListConsentsRow) bool { return c.Client.ID == client })
		if i < 0 {
			return store.ErrNotFound
		}
		if _, err := w.tx.EndConsent(ctx, w.now, id, client); err != nil {
			return err
		}
		w.event.ClientID, w.event.Data = client, map[string]string{"name": rows[i].Client.Name, "scope": rows[i].Consent.Scope}
		return nil
	})
	return err
}

// EndSessions signs a person out everywhere: sessions, sign-ins in progress, trusted devices and everything that was given out end, and
// relying parties are told. What the person signs in with stays.
func (s *Service) EndSessions(ctx context.Context, actor Actor, id store.AccountID) error {
	_, err := s.act(ctx, actor, mayView, audit.Event{Type: audit.SessionEnd}, func(w *work) error {
		if _, err := w.other(ctx, id, mayReset); err != nil {
			return err
		}
		// The epoch goes up first: whoever signs in beside this waits, and finds nothing.
		if _, err := w.tx.RaiseCredentialEpoch(ctx, store.RaiseCredentialEpochParams{ID: id, Now: w.now}); err != nil {
			return fmt.Errorf("raise credential epoch: %w", err)
		}
		w.event.Data = map[string]string{"all": "true"}
		return w.tx.EndAccount(ctx, w.now, id, store.Keep{})
	})
	return err
}

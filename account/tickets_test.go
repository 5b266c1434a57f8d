package account

import (
	"errors"
	"testing"
	"time"

	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
)

// What outlives a change of credentials does not outlive that the account is disabled, not even when it is enabled again.
func TestI19_DisablingVoidsUndoTickets(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := setup(t, db, cheap)
		a, other := f.account(t, KindStore, "tanaka", "futakagi-demo"), f.account(t, KindStore, "suzuki", "futakagi-demo")
		now := f.now
		f.inTx(t, func(tx *store.Tx) error {
			for i, id := range []store.AccountID{a.ID, other.ID} {
				if err := tx.InsertTicket(t.Context(), store.InsertTicketParams{
					ID: store.NewID[store.TicketID](), Purpose: store.TicketAddressUndo, AccountID: id, SecretHash: []byte{byte(i)},
					Data: []byte("{}"), Now: now, ExpiresAt: now.Add(time.Hour),
				}); err != nil {
					return err
				}
			}
			return nil
		})
		for _, disabled := range []bool{true, false} {
			f.inTx(t, func(tx *store.Tx) error {
				_, err := f.SetDisabled(t.Context(), tx, a.ID, disabled)
				return err
			})
		}
		ticket := func(hash byte) error {
			_, err := db.Read().GetTicket(t.Context(), store.GetTicketParams{
				SecretHash: []byte{hash}, Purpose: store.TicketAddressUndo, Now: now,
			})
			return err
		}
		if err := ticket(0); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("the ticket of the account that was disabled: %v", err)
		}
		if err := ticket(1); err != nil {
			t.Errorf("another account's ticket: %v", err)
		}
	})
}

package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

// Provisioning is which customer's accounts a client keeps through SCIM.
type Provisioning struct {
	ClientID string
	Customer store.Customer
	// Group is where accounts are that the client put into no other.
	Group store.UserGroup
}

// Provisioning returns whose accounts a client keeps, or [store.ErrNotFound] if it keeps none.
func (s *Service) Provisioning(ctx context.Context, actor Actor, client string) (Provisioning, error) {
	if err := s.view(ctx, actor, mayManageClients); err != nil {
		return Provisioning{}, err
	}
	row, err := s.db.Read().GetProvisioner(ctx, client)
	return Provisioning{ClientID: client, Customer: row.Customer, Group: row.UserGroup}, err
}

// SetProvisioning lets a client keep the accounts of the customer that a user group belongs to. It fails with [store.ErrNotFound] for a
// client or a user group that does not exist, with a [ClientError] for a client without the scope api:scim, and with [ErrForbidden] for an
// actor who may do less than the client then can.
func (s *Service) SetProvisioning(ctx context.Context, actor Actor, client string, group store.UserGroupID) error {
	_, err := s.act(ctx, actor, mayManageClients, audit.Event{Type: audit.ClientProvision, ClientID: client}, func(w *work) error {
		if err := w.mayProvision(ctx, client); err != nil {
			return err
		}
		if !store.ValidID(string(group)) {
			return store.ErrNotFound
		}
		place, err := w.tx.GetAccountPlace(ctx, group)
		if err != nil {
			return err
		}
		former, err := w.tx.GetProvisioner(ctx, client)
		switch {
		case errors.Is(err, store.ErrNotFound):
		case err != nil:
			return fmt.Errorf("load customer of client: %w", err)
		case former.UserGroup.ID == group:
			return errUnchanged
		case former.Customer.ID != place.Customer.ID:
			if err := w.tx.ForgetProvisionedIDs(ctx, client); err != nil {
				return fmt.Errorf("forget names by client: %w", err)
			}
		}
		err = w.tx.PutProvisioner(ctx, store.PutProvisionerParams{ClientID: client, UserGroupID: group, Now: w.now})
		if errors.Is(err, store.ErrForeignKey) { // the group went away this moment
			return store.ErrNotFound
		}
		if err != nil {
			return fmt.Errorf("save customer of client: %w", err)
		}
		w.event.Data = map[string]string{"customer": customerName(place.Customer), "group": place.UserGroup.Name}
		return nil
	})
	return err
}

// mayProvision checks that a client exists and that the actor could do themselves what it may do through SCIM.
func (w *work) mayProvision(ctx context.Context, client string) error {
	row, err := w.tx.GetClient(ctx, client)
	if err != nil {
		return err
	}
	w.event.Target = fmt.Sprintf("%s (%s)", row.Name, row.ID)
	var scopes []string
	if err := json.Unmarshal(row.Scopes, &scopes); err != nil {
		return fmt.Errorf("read scopes of client %q: %w", row.ID, err)
	}
	missing := !slices.Contains(scopes, scopeSCIM)
	scopes = append(slices.DeleteFunc(scopes, func(s string) bool { return !isProvisioning(s) }), scopeSCIM)
	for _, scope := range scopes {
		if !w.actor.mayGrant(scope) || !w.actor.rights().has(rightsOfScopes([]string{scope})) {
			return &refusal{err: ErrForbidden, word: wordRight}
		}
	}
	if missing {
		return clientError(clientFieldScopes, "must have "+scopeSCIM+" before the application can keep accounts", templates.MsgClientSCIM)
	}
	return nil
}

// RemoveProvisioning lets a client keep no accounts any more, and forgets what it called them. The accounts stay as they are. It fails
// with [store.ErrNotFound] for a client that keeps none.
func (s *Service) RemoveProvisioning(ctx context.Context, actor Actor, client string) error {
	_, err := s.act(ctx, actor, mayManageClients, audit.Event{Type: audit.ClientProvision, ClientID: client}, func(w *work) error {
		row, err := w.tx.GetClient(ctx, client)
		if err != nil {
			return err
		}
		w.event.Target = fmt.Sprintf("%s (%s)", row.Name, row.ID)
		n, err := w.tx.DeleteProvisioner(ctx, client)
		if err != nil {
			return fmt.Errorf("delete customer of client: %w", err)
		}
		if n == 0 {
			return store.ErrNotFound
		}
		if err := w.tx.ForgetProvisionedIDs(ctx, client); err != nil {
			return fmt.Errorf("forget names by client: %w", err)
		}
		w.event.Data = map[string]string{"removed": "true"}
		return nil
	})
	return err
}

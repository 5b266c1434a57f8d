package admin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

// ErrNotEmpty says that a customer has user groups, or a user group has accounts, and so cannot be deleted.
var ErrNotEmpty = errors.New("not empty")

// FieldTyped is the form field with the login ID that is typed to confirm a deletion.
const FieldTyped = "typed"

// DeleteCustomer deletes a customer without user groups. It fails with [ErrNotEmpty] or [store.ErrNotFound].
func (s *Service) DeleteCustomer(ctx context.Context, actor Actor, id store.CustomerID) error {
	_, err := s.act(ctx, actor, mayManageCustomers, audit.Event{Type: audit.CustomerDelete}, func(w *work) error {
		if !store.ValidID(string(id)) {
			return store.ErrNotFound
		}
		c, err := w.tx.GetCustomer(ctx, id)
		if err != nil {
			return err
		}
		w.event.Target = customerName(c)
		n, err := w.tx.DeleteEmptyCustomer(ctx, id)
		if err := emptied(n, err); err != nil {
			return err
		}
		return w.tx.DeleteSearchTerms(ctx, string(id))
	})
	return err
}

// DeleteUserGroup deletes a user group without accounts. It fails like [Service.DeleteCustomer].
func (s *Service) DeleteUserGroup(ctx context.Context, actor Actor, id store.UserGroupID) error {
	_, err := s.act(ctx, actor, mayManageCustomers, audit.Event{Type: audit.UserGroupDelete}, func(w *work) error {
		return s.deleteUserGroup(ctx, w, id)
	})
	return err
}

// deleteUserGroup is the work of [Service.DeleteUserGroup].
func (s *Service) deleteUserGroup(ctx context.Context, w *work, id store.UserGroupID) error {
	if _, err := w.group(ctx, id); err != nil {
		return err
	}
	if err := emptied(w.tx.DeleteEmptyGroup(ctx, id)); err != nil {
		return err
	}
	return w.tx.EraseProvisionedIDs(ctx, string(id))
}

// emptied turns a deletion that found no empty row into [ErrNotEmpty]; so does a row that somebody put into it this moment.
func emptied(rows int64, err error) error {
	switch {
	case errors.Is(err, store.ErrForeignKey), err == nil && rows == 0:
		return ErrNotEmpty
	case err != nil:
		return fmt.Errorf("delete row: %w", err)
	}
	return nil
}

// DeleteAccount deletes an account for good: everything it holds ends as when it is disabled, and whatever is known of the person is
// erased, up to the rows of the audit log. typed is the login ID as the actor typed it, so that nobody deletes the wrong one. Nobody
// deletes themselves, nor the last administrator who can sign in. It fails with an [account.ValidationError], [ErrLockout] or
// [store.ErrNotFound].
func (s *Service) DeleteAccount(ctx context.Context, actor Actor, id store.AccountID, typed string) error {
	_, err := s.act(ctx, actor, mayView, audit.Event{Type: audit.AccountDelete}, func(w *work) error {
		return s.deleteAccount(ctx, w, id, typed)
	})
	return err
}

// deleteAccount is the work of [Service.DeleteAccount].
func (s *Service) deleteAccount(ctx context.Context, w *work, id store.AccountID, typed string) error {
	acc, err := w.other(ctx, id, mayManageCustomers)
	if err != nil {
		return err
	}
	if key, ok := account.LoginKey(typed); !ok || key != acc.LoginKey {
		return &account.ValidationError{Fields: map[string]string{FieldTyped: templates.MsgTypedWrong}}
	}
	if acc.Kind == account.KindOperator {
		if err := s.holdOperators(ctx, w); err != nil {
			return err
		}
		left, err := w.tx.CountOtherAble(ctx, store.CountOtherAbleParams{Kind: acc.Kind, Role: account.RoleAdministrator, ID: acc.ID})
		if err != nil {
			return fmt.Errorf("count administrators: %w", err)
		}
		if acc.Role == account.RoleAdministrator && left == 0 {
			return &refusal{err: ErrLockout, word: wordLockout}
		}
	}
	w.event.Data = map[string]string{"kind": acc.Kind}
	return erase(ctx, w.tx, acc.ID, w.now)
}

// erase ends everything of an account and deletes what is known of it, in the order of locks.
func erase(ctx context.Context, tx *store.Tx, id store.AccountID, now time.Time) error {
	// The epoch goes up first: whoever signs in beside this waits, and finds nothing.
	if _, err := tx.RaiseCredentialEpoch(ctx, store.RaiseCredentialEpochParams{ID: id, Now: now}); err != nil {
		return fmt.Errorf("raise credential epoch: %w", err)
	}
	if err := tx.EndAccount(ctx, now, id, store.Keep{}); err != nil {
		return err
	}
	for _, step := range []struct {
		what string
		do   func() error
	}{
		{"consents", func() error { return tx.EraseConsents(ctx, id) }},
		{"tickets", func() error { return tx.EraseTickets(ctx, id) }},
		{"tickets of resets", func() error { return tx.EraseReenrolTickets(ctx, id) }},
		{"passes", func() error { return tx.ErasePasses(ctx, id) }},
		{"mark of an import", func() error { return tx.EraseImportMark(ctx, id) }},
		{"challenges", func() error { return tx.EraseChallenges(ctx, id) }},
		{"passkeys", func() error { _, err := tx.DeletePasskeys(ctx, id); return err }},
		{"factors", func() error { _, err := tx.DeleteFactors(ctx, id); return err }},
		{"backup codes", func() error { return tx.EraseBackupBatches(ctx, id) }},
		{"messages", func() error { return tx.EraseMessages(ctx, &id) }},
		{"sessions", func() error { return tx.EraseSessions(ctx, id) }},
		{"sign-ins", func() error { return tx.EraseFlows(ctx, &id) }},
		{"names by clients", func() error { return tx.EraseProvisionedIDs(ctx, string(id)) }},
		{"search terms", func() error { return tx.DeleteSearchTerms(ctx, string(id)) }},
		{"account", func() error { _, err := tx.EraseAccount(ctx, id); return err }},
	} {
		if err := step.do(); err != nil {
			return fmt.Errorf("erase %s: %w", step.what, err)
		}
	}
	return nil
}

// FieldGroup is the form field with the user group that an account moves to.
const FieldGroup = "group"

// MoveAccount moves a store account that the actor saw at a version to another user group, of the same customer or of another. It
// fails with [ErrConflict], or [store.ErrNotFound] for a group that does not exist, and reports whether that was a change. What the
// account holds goes on: it is the same person.
func (s *Service) MoveAccount(ctx context.Context, actor Actor, id store.AccountID, version time.Time, group store.UserGroupID) (bool, error) {
	return s.act(ctx, actor, mayView, audit.Event{Type: audit.AccountMove}, func(w *work) error {
		return s.moveAccount(ctx, w, id, version, group)
	})
}

// moveAccount is the work of [Service.MoveAccount].
func (s *Service) moveAccount(ctx context.Context, w *work, id store.AccountID, version time.Time, group store.UserGroupID) error {
	acc, err := w.target(ctx, id, mayManageCustomers)
	if err != nil {
		return err
	}
	if acc.UserGroupID == nil || !store.ValidID(string(group)) {
		return store.ErrNotFound
	}
	if *acc.UserGroupID == group {
		return errUnchanged
	}
	from, err := w.tx.GetAccountPlace(ctx, *acc.UserGroupID)
	if err != nil {
		return fmt.Errorf("load user group: %w", err)
	}
	to, err := w.tx.GetAccountPlace(ctx, group)
	if err != nil {
		return err
	}
	if err := w.within(to.Customer.ID); err != nil {
		return err
	}
	n, err := w.tx.ClaimAccount(ctx, store.ClaimAccountParams{ID: id, Version: orEpoch(version), Now: w.now})
	if err := claimed(n, err); err != nil {
		return err
	}
	if _, err := w.tx.MoveAccount(ctx, store.MoveAccountParams{ID: id, UserGroupID: &group, Now: w.now}); err != nil {
		if errors.Is(err, store.ErrForeignKey) {
			return store.ErrNotFound
		}
		return fmt.Errorf("move account: %w", err)
	}
	w.event.Data = changes("customer", customerName(from.Customer), customerName(to.Customer), "group", from.UserGroup.Name, to.UserGroup.Name)
	return nil
}

// Destinations are the user groups that an account can move to: those of the customer with a code, or of the account's own customer if
// the code is empty. It fails with [store.ErrNotFound] for a code that no customer has.
func (s *Service) Destinations(ctx context.Context, actor Actor, own store.CustomerID, code string) (store.Customer, []store.UserGroup, error) {
	if err := s.view(ctx, actor, mayManageCustomers); err != nil {
		return store.Customer{}, nil, err
	}
	q := s.db.Read()
	var c store.Customer
	var err error
	if code == "" {
		c, err = q.GetCustomer(ctx, own)
	} else {
		c, err = q.GetCustomerByCode(ctx, code)
	}
	if err != nil {
		return c, nil, err
	}
	groups, err := q.ListUserGroups(ctx, c.ID)
	if err != nil {
		return c, nil, fmt.Errorf("list user groups: %w", err)
	}
	return c, groups, nil
}

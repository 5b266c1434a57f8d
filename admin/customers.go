package admin

import (
	"context"
	"fmt"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/store"
)

// ListCustomers returns a page of customers.
func (s *Service) ListCustomers(ctx context.Context, actor Actor, q account.CustomerQuery) (account.CustomerPage, error) {
	if err := s.view(ctx, actor, mayView); err != nil {
		return account.CustomerPage{}, err
	}
	return s.accounts.Customers(ctx, q)
}

// CustomerByCode returns the customer with exactly that code, or [store.ErrNotFound].
func (s *Service) CustomerByCode(ctx context.Context, actor Actor, code string) (store.Customer, error) {
	if err := s.view(ctx, actor, mayView); err != nil {
		return store.Customer{}, err
	}
	return s.accounts.CustomerByCode(ctx, code)
}

// Customer is one customer with its user groups and their accounts.
type Customer struct {
	store.Customer
	Groups []account.Group
}

// Customer returns one customer, or [store.ErrNotFound], also for an id that cannot exist.
func (s *Service) Customer(ctx context.Context, actor Actor, id store.CustomerID) (Customer, error) {
	if err := s.view(ctx, actor, mayView); err != nil {
		return Customer{}, err
	}
	c, err := s.accounts.CustomerByID(ctx, id)
	if err != nil {
		return Customer{}, err
	}
	groups, err := s.accounts.Groups(ctx, c.ID)
	return Customer{Customer: c, Groups: groups}, err
}

// CreateCustomer adds a customer. It fails with an [account.ValidationError].
func (s *Service) CreateCustomer(ctx context.Context, actor Actor, in account.CustomerInput) (store.Customer, error) {
	var made store.Customer
	_, err := s.act(ctx, actor, mayManageCustomers, audit.Event{Type: audit.CustomerCreate}, func(w *work) (err error) {
		if made, err = s.accounts.CreateCustomer(ctx, w.tx, in); err != nil {
			return err
		}
		w.event.Target = customerName(made)
		return nil
	})
	return made, err
}

// UpdateCustomer changes a customer that the actor saw at a version (its UpdatedAt). It fails with an
// [account.ValidationError], [ErrConflict] or [store.ErrNotFound]. It reports whether anything was changed.
func (s *Service) UpdateCustomer(ctx context.Context, actor Actor, id store.CustomerID, version time.Time, in account.CustomerInput) (bool, error) {
	return s.act(ctx, actor, mayManageCustomers, audit.Event{Type: audit.CustomerUpdate}, func(w *work) error {
		if !store.ValidID(string(id)) {
			return store.ErrNotFound
		}
		former, err := w.tx.GetCustomer(ctx, id)
		if err != nil {
			return err
		}
		w.event.Target = customerName(former)
		n, err := w.tx.ClaimCustomer(ctx, store.ClaimCustomerParams{ID: id, Version: orEpoch(version), Now: w.now})
		if err := claimed(n, err); err != nil {
			return err
		}
		if err := s.accounts.UpdateCustomer(ctx, w.tx, id, in); err != nil {
			return err
		}
		c, err := w.tx.GetCustomer(ctx, id)
		if err != nil {
			return err
		}
		if c.Name == former.Name && c.Code == former.Code {
			return errUnchanged
		}
		w.event.Data = changes("name", former.Name, c.Name, "code", former.Code, c.Code)
		return nil
	})
}

// UserGroup is a user group with its customer.
type UserGroup struct {
	store.UserGroup
	Customer store.Customer
}

// UserGroup returns one user group, or [store.ErrNotFound], also for an id that cannot exist.
func (s *Service) UserGroup(ctx context.Context, actor Actor, id store.UserGroupID) (UserGroup, error) {
	if err := s.view(ctx, actor, mayView); err != nil {
		return UserGroup{}, err
	}
	if !store.ValidID(string(id)) {
		return UserGroup{}, store.ErrNotFound
	}
	row, err := s.db.Read().GetAccountPlace(ctx, id)
	return UserGroup{UserGroup: row.UserGroup, Customer: row.Customer}, err
}

// CreateUserGroup adds a user group to a customer. It fails with an [account.ValidationError] or [store.ErrNotFound].
func (s *Service) CreateUserGroup(ctx context.Context, actor Actor, customer store.CustomerID, name string) (store.UserGroup, error) {
	var made store.UserGroup
	_, err := s.act(ctx, actor, mayManageCustomers, audit.Event{Type: audit.UserGroupCreate}, func(w *work) (err error) {
		made, err = s.createUserGroup(ctx, w, customer, name)
		return err
	})
	return made, err
}

// createUserGroup is the work of [Service.CreateUserGroup].
func (s *Service) createUserGroup(ctx context.Context, w *work, customer store.CustomerID, name string) (store.UserGroup, error) {
	if !store.ValidID(string(customer)) {
		return store.UserGroup{}, store.ErrNotFound
	}
	c, err := w.tx.GetCustomer(ctx, customer)
	if err != nil {
		return store.UserGroup{}, err
	}
	if err := w.within(c.ID); err != nil {
		return store.UserGroup{}, err
	}
	made, err := s.accounts.CreateUserGroup(ctx, w.tx, customer, name)
	if err != nil {
		return store.UserGroup{}, err
	}
	w.event.Target = c.Name + " / " + made.Name
	return made, nil
}

// UpdateUserGroup renames a user group that the actor saw at a version. It fails like [Service.UpdateCustomer].
func (s *Service) UpdateUserGroup(ctx context.Context, actor Actor, id store.UserGroupID, version time.Time, name string) (bool, error) {
	return s.act(ctx, actor, mayManageCustomers, audit.Event{Type: audit.UserGroupUpdate}, func(w *work) error {
		return s.updateUserGroup(ctx, w, id, version, name)
	})
}

// group loads a user group with its customer. That a client tried one that is not its business is written down.
func (w *work) group(ctx context.Context, id store.UserGroupID) (store.GetAccountPlaceRow, error) {
	if !store.ValidID(string(id)) {
		return store.GetAccountPlaceRow{}, store.ErrNotFound
	}
	place, err := w.tx.GetAccountPlace(ctx, id)
	if err != nil {
		return place, err
	}
	w.event.Target = place.Customer.Name + " / " + place.UserGroup.Name
	return place, w.within(place.Customer.ID)
}

// updateUserGroup is the work of [Service.UpdateUserGroup].
func (s *Service) updateUserGroup(ctx context.Context, w *work, id store.UserGroupID, version time.Time, name string) error {
	place, err := w.group(ctx, id)
	if err != nil {
		return err
	}
	n, err := w.tx.ClaimUserGroup(ctx, store.ClaimUserGroupParams{ID: id, Version: orEpoch(version), Now: w.now})
	if err := claimed(n, err); err != nil {
		return err
	}
	if err := s.accounts.UpdateUserGroup(ctx, w.tx, id, name); err != nil {
		return err
	}
	g, err := w.tx.GetUserGroup(ctx, id)
	if err != nil {
		return err
	}
	if g.Name == place.UserGroup.Name {
		return errUnchanged
	}
	w.event.Data = changes("name", place.UserGroup.Name, g.Name)
	return nil
}

func customerName(c store.Customer) string { return fmt.Sprintf("%s (%s)", c.Name, c.Code) }

// claimed turns a claim that found no row into [ErrConflict]: the row exists, but not at that version.
func claimed(rows int64, err error) error {
	switch {
	case err != nil:
		return fmt.Errorf("claim row: %w", err)
	case rows == 0:
		return ErrConflict
	}
	return nil
}

// changes lists what was changed for an audit row: name, former and new value of each field, those that stayed left out.
func changes(triples ...string) map[string]string {
	data := map[string]string{}
	for i := 0; i+2 < len(triples); i += 3 {
		if triples[i+1] != triples[i+2] {
			data[triples[i]+".from"], data[triples[i]+".to"] = triples[i+1], triples[i+2]
		}
	}
	return data
}

// orEpoch gives no time at all, which the store refuses, a value that no row has.
func orEpoch(t time.Time) time.Time {
	if t.IsZero() {
		return time.Unix(0, 0)
	}
	return t
}

package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/futakagi/futakagi/store"
)

// UnusablePassword is a hash that no password belongs to, for an account that comes without one: its owner asks for a new password.
// Trying it takes as long as any other.
func (s *Service) UnusablePassword() PasswordHash {
	return PasswordHash(s.hasher.dummyHash(s.hasher.memory))
}

// NewImported returns the account that a checked record is to become.
func (s *Service) NewImported(id store.AccountID, in ImportedAccount, group store.UserGroupID) store.Account {
	now := s.now().UTC().Truncate(time.Microsecond)
	a := store.Account{
		ID: id, Kind: in.Kind, LoginID: in.LoginID, LoginKey: in.LoginKey, DisplayName: in.Name, SearchKey: searchKey(in.LoginKey, in.Name, in.Email),
		Role: in.Role, PasswordHash: string(in.Password), RegisteredEmail: in.Email, TwoFactor: in.TwoFactor, CredentialEpoch: 1,
		CreatedAt: now, UpdatedAt: now,
	}
	if group != "" {
		a.UserGroupID = &group
	}
	if a.PasswordHash == "" {
		a.PasswordHash = string(s.UnusablePassword())
	}
	if a.TwoFactor == "" {
		a.TwoFactor = TwoFactorUse
	}
	if in.Disabled != nil && *in.Disabled {
		a.DisabledAt = &now
	}
	return a
}

// InsertImported adds such an account. It fails with [store.ErrConflict] if the login ID was taken meanwhile.
func (s *Service) InsertImported(ctx context.Context, tx *store.Tx, a store.Account) error {
	err := tx.InsertImportedAccount(ctx, store.InsertImportedAccountParams{
		ID: a.ID, Kind: a.Kind, LoginID: a.LoginID, LoginKey: a.LoginKey, DisplayName: a.DisplayName, SearchKey: a.SearchKey, Role: a.Role,
		UserGroupID: a.UserGroupID, PasswordHash: a.PasswordHash, RegisteredEmail: a.RegisteredEmail, TwoFactor: a.TwoFactor,
		DisabledAt: a.DisabledAt, Now: a.CreatedAt,
	})
	if err != nil {
		return fmt.Errorf("insert account: %w", err)
	}
	return nil
}

// PlaceImported returns the user group that a record names, and makes it and its customer where there is none yet. made says which.
// It fails with [store.ErrNotFound] for a customer that is not there and has no name to be made with.
func (s *Service) PlaceImported(ctx context.Context, tx *store.Tx, customer CustomerInput, group string) (id store.UserGroupID, made []string, err error) {
	c, err := tx.GetCustomerByCode(ctx, customer.Code)
	if errors.Is(err, store.ErrNotFound) && customer.Name != "" {
		c, err = s.CreateCustomer(ctx, tx, customer)
		made = append(made, ColumnCustomerCode)
	}
	if err != nil {
		return "", nil, fmt.Errorf("find customer: %w", err)
	}
	g, err := tx.GetUserGroupByName(ctx, store.GetUserGroupByNameParams{CustomerID: c.ID, Name: group})
	if errors.Is(err, store.ErrNotFound) {
		g, err = s.CreateUserGroup(ctx, tx, c.ID, group)
		made = append(made, ColumnUserGroup)
	}
	if err != nil {
		return "", nil, fmt.Errorf("find user group: %w", err)
	}
	return g.ID, made, nil
}

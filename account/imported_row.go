package account

import (
	"context"
	"fmt"

	"github.com/futakagi/futakagi/store"
)

// UnusablePassword is a hash that no password belongs to, for an account that comes without one: its owner asks for a new password.
// Trying it takes as long as any other.
func (s *Service) UnusablePassword() PasswordHash {
	return PasswordHash(s.hasher.dummyHash(s.hasher.memory))
}

// NewImported returns the account that a checked record is to become.
func (s *Service) NewImported(id store.AccountID, in ImportedAccount, group store.UserGroupID) store.Account {
	now := s.rowTime()
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

// InsertImportedCustomer adds a customer that [Service.NewCustomer] made; it is found by its words once the background has indexed it.
// It fails with [store.ErrConflict] if the code was taken meanwhile.
func (s *Service) InsertImportedCustomer(ctx context.Context, tx *store.Tx, c store.Customer) error {
	err := tx.InsertCustomer(ctx, store.InsertCustomerParams{ID: c.ID, Code: c.Code, Name: c.Name, SearchKey: c.SearchKey, Now: c.CreatedAt})
	if err != nil {
		return fmt.Errorf("insert customer: %w", err)
	}
	return nil
}

// InsertImportedGroup adds a user group that [Service.NewUserGroup] made. It fails with [store.ErrConflict] if the name was taken
// meanwhile.
func (s *Service) InsertImportedGroup(ctx context.Context, tx *store.Tx, g store.UserGroup) error {
	err := tx.InsertUserGroup(ctx, store.InsertUserGroupParams{ID: g.ID, CustomerID: g.CustomerID, Name: g.Name, Now: g.CreatedAt})
	if err != nil {
		return fmt.Errorf("insert user group: %w", err)
	}
	return nil
}

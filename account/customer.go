package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/futakagi/futakagi/store"
)

// CustomerInput is what a form says of a customer (販売先).
type CustomerInput struct {
	// Code is how the shop numbers its customers.
	Code string
	Name string
}

func (in CustomerInput) check() (CustomerInput, error) {
	c := checks{}
	out := CustomerInput{Code: c.code(in.Code), Name: c.name(in.Name, msgCustomerName)}
	return out, c.err()
}

// CreateCustomer adds a customer. It fails with a [ValidationError] for what a person can correct.
func (s *Service) CreateCustomer(ctx context.Context, tx *store.Tx, in CustomerInput) (store.Customer, error) {
	in, err := in.check()
	if err != nil {
		return store.Customer{}, err
	}
	now := s.now()
	c := store.Customer{
		ID: store.NewID[store.CustomerID](), Code: in.Code, Name: in.Name, SearchKey: searchKey(in.Code, in.Name),
		CreatedAt: now, UpdatedAt: now,
	}
	err = tx.InsertCustomer(ctx, store.InsertCustomerParams{ID: c.ID, Code: c.Code, Name: c.Name, SearchKey: c.SearchKey, Now: now})
	if err := customerError(err); err != nil {
		return store.Customer{}, err
	}
	return c, indexCustomer(ctx, tx, c)
}

// UpdateCustomer changes a customer. It fails with a [ValidationError] or [store.ErrNotFound].
func (s *Service) UpdateCustomer(ctx context.Context, tx *store.Tx, id store.CustomerID, in CustomerInput) error {
	in, err := in.check()
	if err != nil {
		return err
	}
	n, err := tx.UpdateCustomer(ctx, store.UpdateCustomerParams{
		ID: id, Code: in.Code, Name: in.Name, SearchKey: searchKey(in.Code, in.Name), Now: s.now(),
	})
	if err := customerError(changed(n, err)); err != nil {
		return err
	}
	return indexCustomer(ctx, tx, store.Customer{ID: id, Code: in.Code, Name: in.Name})
}

func customerError(err error) error {
	switch {
	case errors.Is(err, store.ErrConflict):
		return invalid(FieldCode, msgCodeTaken)
	case err != nil:
		return fmt.Errorf("save customer: %w", err)
	}
	return nil
}

// CreateUserGroup adds a user group (ユーザーグループ) to a customer. It fails with a [ValidationError] or [store.ErrNotFound].
func (s *Service) CreateUserGroup(ctx context.Context, tx *store.Tx, customer store.CustomerID, name string) (store.UserGroup, error) {
	c := checks{}
	name = c.name(name, msgGroupName)
	if err := c.err(); err != nil {
		return store.UserGroup{}, err
	}
	now := s.now()
	g := store.UserGroup{ID: store.NewID[store.UserGroupID](), CustomerID: customer, Name: name, CreatedAt: now, UpdatedAt: now}
	err := tx.InsertUserGroup(ctx, store.InsertUserGroupParams{ID: g.ID, CustomerID: customer, Name: name, Now: now})
	if errors.Is(err, store.ErrForeignKey) {
		err = store.ErrNotFound
	}
	if err := groupError(err); err != nil {
		return store.UserGroup{}, err
	}
	return g, nil
}

// UpdateUserGroup renames a user group. It fails with a [ValidationError] or [store.ErrNotFound].
func (s *Service) UpdateUserGroup(ctx context.Context, tx *store.Tx, id store.UserGroupID, name string) error {
	c := checks{}
	name = c.name(name, msgGroupName)
	if err := c.err(); err != nil {
		return err
	}
	n, err := tx.UpdateUserGroup(ctx, store.UpdateUserGroupParams{ID: id, Name: name, Now: s.now()})
	return groupError(changed(n, err))
}

func groupError(err error) error {
	switch {
	case errors.Is(err, store.ErrConflict):
		return invalid(FieldName, msgGroupTaken)
	case err != nil:
		return fmt.Errorf("save user group: %w", err)
	}
	return nil
}

// The states that a [CustomerQuery] can ask for: how many of a customer's accounts have a second factor.
const (
	StateSet    = "set"
	StatePartly = "partly"
	StateNone   = "none"
)

// CustomerQuery chooses a page of customers, in the order of their codes.
type CustomerQuery struct {
	// Search is looked for in code and name, and in login ID, name and address of the accounts; empty finds all.
	Search string
	// NoAddresses leaves the accounts' addresses out of the search.
	NoAddresses bool
	// State is one of the states above; anything else finds all.
	State string
	// Page counts from 1. What lies outside of the list is brought to its nearest end.
	Page int
	// Size is the most rows wanted, 1 to 100; 50 if zero.
	Size int
}

// Masked is how queries are told to find nothing by an address.
func Masked(on bool) string {
	if on {
		return "masked"
	}
	return ""
}

// CustomerRow is one customer in a list.
type CustomerRow struct {
	ID         store.CustomerID
	Code, Name string
	// Accounts counts the store accounts, SetUp those with a second factor.
	Accounts, SetUp int64
	// LastSignInAt is the latest sign-in of any of them.
	LastSignInAt *time.Time
}

// CustomerPage is one page of customers.
type CustomerPage struct {
	Paging
	Rows []CustomerRow
}

// Customers returns a page of customers.
func (s *Service) Customers(ctx context.Context, in CustomerQuery) (CustomerPage, error) {
	q := s.db.Read()
	pattern := SearchPattern(in.Search)
	if in.State != StateSet && in.State != StatePartly && in.State != StateNone {
		in.State = ""
	}
	size := pageSize(in.Size)
	total, err := q.CountCustomers(ctx, store.CountCustomersParams{Pattern: pattern, Masked: Masked(in.NoAddresses), State: in.State, Ceiling: PagingCeiling(size)})
	if err != nil {
		return CustomerPage{}, fmt.Errorf("count customers: %w", err)
	}
	page := CustomerPage{Paging: PageOf(total, in.Page, size)}
	rows, err := q.ListCustomers(ctx, store.ListCustomersParams{
		Pattern: pattern, Masked: Masked(in.NoAddresses), State: in.State, PageSize: int32(size), Skip: page.Skip(),
	})
	if err != nil {
		return CustomerPage{}, fmt.Errorf("list customers: %w", err)
	}
	for _, r := range rows {
		page.Rows = append(page.Rows, CustomerRow(r))
	}
	return page, nil
}

// Group is a user group with its accounts.
type Group struct {
	store.UserGroup
	Accounts []store.ListAccountsOfCustomerRow
}

// Groups returns the user groups of a customer in the order they were made, with their accounts.
func (s *Service) Groups(ctx context.Context, customer store.CustomerID) ([]Group, error) {
	q := s.db.Read()
	groups, err := q.ListUserGroups(ctx, customer)
	if err != nil {
		return nil, fmt.Errorf("list user groups: %w", err)
	}
	accounts, err := q.ListAccountsOfCustomer(ctx, customer)
	if err != nil {
		return nil, fmt.Errorf("list accounts: %w", err)
	}
	byGroup := make(map[store.UserGroupID][]store.ListAccountsOfCustomerRow, len(groups))
	for _, a := range accounts {
		if a.UserGroupID != nil {
			byGroup[*a.UserGroupID] = append(byGroup[*a.UserGroupID], a)
		}
	}
	out := make([]Group, 0, len(groups))
	for _, g := range groups {
		out = append(out, Group{UserGroup: g, Accounts: byGroup[g.ID]})
	}
	return out, nil
}

// Operators returns a page of operators in the order of their login IDs, and the login ID to continue after, empty at the end.
func (s *Service) Operators(ctx context.Context, after string, size int) (rows []store.ListAccountsByKindRow, next string, err error) {
	size = pageSize(size)
	key, ok := LoginKey(after)
	if !ok {
		key = ""
	}
	rows, err = s.db.Read().ListAccountsByKind(ctx, store.ListAccountsByKindParams{
		Kind: KindOperator, AfterKey: key, PageSize: int32(size + 1),
	})
	if err != nil {
		return nil, "", fmt.Errorf("list operators: %w", err)
	}
	if len(rows) > size {
		rows = rows[:size]
		next = rows[size-1].LoginID
	}
	return rows, next, nil
}

// ByID returns an account, or [store.ErrNotFound], also for an id that cannot exist.
func (s *Service) ByID(ctx context.Context, id store.AccountID) (store.Account, error) {
	if !store.ValidID(string(id)) {
		return store.Account{}, store.ErrNotFound
	}
	return s.db.Read().GetAccount(ctx, id)
}

// CustomerByID returns a customer, or [store.ErrNotFound], also for an id that cannot exist.
func (s *Service) CustomerByID(ctx context.Context, id store.CustomerID) (store.Customer, error) {
	if !store.ValidID(string(id)) {
		return store.Customer{}, store.ErrNotFound
	}
	return s.db.Read().GetCustomer(ctx, id)
}

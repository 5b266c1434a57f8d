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

// rowTime is the present time as rows keep it, for what is answered before it is read back.
func (s *Service) rowTime() time.Time { return s.now().UTC().Truncate(time.Microsecond) }

// NewCustomer makes a customer that is stored nowhere yet. It fails with a [ValidationError] for what a person can correct.
func (s *Service) NewCustomer(in CustomerInput) (store.Customer, error) {
	in, err := in.check()
	if err != nil {
		return store.Customer{}, err
	}
	now := s.rowTime()
	return store.Customer{
		ID: store.NewID[store.CustomerID](), Code: in.Code, Name: in.Name, SearchKey: searchKey(in.Code, in.Name), CreatedAt: now, UpdatedAt: now,
	}, nil
}

// CreateCustomer adds a customer. It fails with a [ValidationError] for what a person can correct.
func (s *Service) CreateCustomer(ctx context.Context, tx *store.Tx, in CustomerInput) (store.Customer, error) {
	c, err := s.NewCustomer(in)
	if err != nil {
		return store.Customer{}, err
	}
	err = tx.InsertCustomer(ctx, store.InsertCustomerParams{ID: c.ID, Code: c.Code, Name: c.Name, SearchKey: c.SearchKey, Now: c.CreatedAt})
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

// NewUserGroup makes a user group that is stored nowhere yet. It fails with a [ValidationError].
func (s *Service) NewUserGroup(customer store.CustomerID, name string) (store.UserGroup, error) {
	c := checks{}
	name = c.name(name, msgGroupName)
	if err := c.err(); err != nil {
		return store.UserGroup{}, err
	}
	now := s.rowTime()
	return store.UserGroup{ID: store.NewID[store.UserGroupID](), CustomerID: customer, Name: name, CreatedAt: now, UpdatedAt: now}, nil
}

// CreateUserGroup adds a user group (ユーザーグループ) to a customer. It fails with a [ValidationError] or [store.ErrNotFound].
func (s *Service) CreateUserGroup(ctx context.Context, tx *store.Tx, customer store.CustomerID, name string) (store.UserGroup, error) {
	g, err := s.NewUserGroup(customer, name)
	if err != nil {
		return store.UserGroup{}, err
	}
	err = tx.InsertUserGroup(ctx, store.InsertUserGroupParams{ID: g.ID, CustomerID: customer, Name: g.Name, Now: g.CreatedAt})
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
	// State is one of the states above; anything else finds all.
	State string
	// After is the code after which the page begins; empty begins with the first.
	After string
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

const (
	// maxPage is the most rows that a list shows at once.
	maxPage = 100
	// customerCeiling is how far customers are counted.
	customerCeiling = 1000
	// customerLook is how many customers a page looks through for those in a state: each costs a look at all its accounts.
	customerLook = 500
)

// CustomerPage is one page of customers.
type CustomerPage struct {
	Rows []CustomerRow
	// Next is the code to continue after; empty at the end. A page that is not full and has one looked no further.
	Next string
	// Total is how many customers there are in all, zero if nobody counted; Many says that there are more than were counted.
	Total int
	Many  bool
}

// Customers returns a page of customers.
func (s *Service) Customers(ctx context.Context, in CustomerQuery) (CustomerPage, error) {
	q, size := s.db.Read(), pageSize(in.Size)
	p := store.ListCustomersParams{AfterCode: in.After, PageSize: int32(size + 1)}
	var end store.LastOfCustomersRow
	if in.State == StateSet || in.State == StatePartly || in.State == StateNone {
		var err error
		if end, err = lastOfCustomers(ctx, q, in.After, customerLook); err != nil {
			return CustomerPage{}, err
		}
		p.State, p.LastCode = in.State, end.Code
	}
	rows, err := q.ListCustomers(ctx, p)
	if err != nil {
		return CustomerPage{}, fmt.Errorf("list customers: %w", err)
	}
	var page CustomerPage
	switch {
	case len(rows) > size:
		rows = rows[:size]
		page.Next = rows[size-1].Code
	case end.Looked == customerLook:
		page.Next = end.Code
	}
	for _, r := range rows {
		row := CustomerRow{ID: r.ID, Code: r.Code, Name: r.Name, Accounts: r.Accounts, SetUp: r.SetUp}
		if r.SignedIn > 0 {
			row.LastSignInAt = &r.LastSignInAt
		}
		page.Rows = append(page.Rows, row)
	}
	switch {
	case in.After != "":
	case page.Next == "":
		page.Total = len(rows)
	case p.State == "":
		if end, err = lastOfCustomers(ctx, q, "", customerCeiling); err != nil {
			return CustomerPage{}, err
		}
		page.Total, page.Many = int(end.Looked), end.Looked == customerCeiling
	}
	return page, nil
}

// pageSize brings the size asked for into the bounds.
func pageSize(n int) int {
	if n == 0 {
		return maxPage / 2
	}
	return min(max(n, 1), maxPage)
}

// lastOfCustomers is the last of the next so many; zero if there are none.
func lastOfCustomers(ctx context.Context, q *store.Queries, after string, look int32) (store.LastOfCustomersRow, error) {
	end, err := q.LastOfCustomers(ctx, store.LastOfCustomersParams{AfterCode: after, Look: look})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return end, fmt.Errorf("count customers: %w", err)
	}
	return end, nil
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

// CustomerByCode returns the customer with exactly that code, or [store.ErrNotFound].
func (s *Service) CustomerByCode(ctx context.Context, code string) (store.Customer, error) {
	return s.db.Read().GetCustomerByCode(ctx, code)
}

package admin

import (
	"context"
	"fmt"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/store"
)

// maxAfter is the most rows of a list that continues after one of its rows.
const maxAfter = 200

// Span says where a list goes on and how many rows of it are wanted, 1 to 200.
type Span struct {
	// After is the key of the row before the first one wanted: a code, a login ID or an id; empty begins at the start.
	After string
	Limit int
}

// rows is how many rows to read: one more than wanted tells whether there are any.
func (s Span) rows() int32 { return int32(s.limit() + 1) }

func (s Span) limit() int { return min(max(s.Limit, 1), maxAfter) }

// cut takes the row too many away, and reports whether there was one.
func cut[T any](s Span, rows []T, err error, what string) ([]T, bool, error) {
	if err != nil {
		return nil, false, fmt.Errorf("list %s: %w", what, err)
	}
	if n := s.limit(); len(rows) > n {
		return rows[:n], true, nil
	}
	return rows, false, nil
}

// CustomersAfter returns customers in the order of their codes, and whether there are more.
func (s *Service) CustomersAfter(ctx context.Context, actor Actor, span Span, search string) ([]store.Customer, bool, error) {
	actor, err := s.viewer(ctx, actor, mayView)
	if err != nil {
		return nil, false, err
	}
	rows, err := s.db.Read().ListCustomersAfter(ctx, store.ListCustomersAfterParams{
		AfterCode: span.After, Pattern: account.SearchPattern(search), Masked: maskedFor(actor), PageSize: span.rows(),
	})
	return cut(span, rows, err, "customers")
}

// UserGroupsAfter returns the user groups of a customer in the order they were made, and whether there are more. It fails with
// [store.ErrNotFound] for a customer that does not exist.
func (s *Service) UserGroupsAfter(ctx context.Context, actor Actor, span Span, customer store.CustomerID) ([]store.UserGroup, bool, error) {
	if err := s.view(ctx, actor, mayView); err != nil {
		return nil, false, err
	}
	if _, err := s.accounts.CustomerByID(ctx, customer); err != nil {
		return nil, false, err
	}
	if span.After == "" {
		span.After = store.MinID
	}
	rows, err := s.db.Read().ListUserGroupsAfter(ctx, store.ListUserGroupsAfterParams{
		CustomerID: customer, AfterID: store.UserGroupID(span.After), PageSize: span.rows(),
	})
	return cut(span, rows, err, "user groups")
}

// AccountsQuery chooses store accounts.
type AccountsQuery struct {
	// Customer and Group are where they belong; empty for any.
	Customer store.CustomerID
	Group    store.UserGroupID
	// Search is looked for in login ID, name and address.
	Search string
}

// AccountsAfter returns store accounts in the order of their login IDs, and whether there are more.
func (s *Service) AccountsAfter(ctx context.Context, actor Actor, span Span, in AccountsQuery) ([]store.Account, bool, error) {
	actor, err := s.viewer(ctx, actor, mayView)
	if err != nil {
		return nil, false, err
	}
	return s.accountsAfter(ctx, actor, account.KindStore, span, in)
}

// OperatorsAfter returns operators in the order of their login IDs, and whether there are more.
func (s *Service) OperatorsAfter(ctx context.Context, actor Actor, span Span) ([]store.Account, bool, error) {
	actor, err := s.viewer(ctx, actor, mayManageOperators)
	if err != nil {
		return nil, false, err
	}
	return s.accountsAfter(ctx, actor, account.KindOperator, span, AccountsQuery{})
}

func (s *Service) accountsAfter(ctx context.Context, actor Actor, kind string, span Span, in AccountsQuery) ([]store.Account, bool, error) {
	rows, err := s.db.Read().ListAccountsAfter(ctx, store.ListAccountsAfterParams{
		Kind: kind, AfterKey: span.After, CustomerID: string(in.Customer), UserGroupID: string(in.Group),
		Pattern: account.SearchPattern(in.Search), Masked: maskedFor(actor), PageSize: span.rows(),
	})
	for i := range rows {
		rows[i].PasswordHash = ""
	}
	return cut(span, rows, err, "accounts")
}

// upcoming is where a list in the order of an end in the future begins.
func (p Place) upcoming(now time.Time) (at time.Time, id store.AccountID) {
	if p.IsZero() {
		return now, store.MinID
	}
	return p.At, store.AccountID(p.ID)
}

// ExemptionsAfter returns the accounts with a live exemption, the first to end first and without those that the actor may not see, and
// whether there are more.
func (s *Service) ExemptionsAfter(ctx context.Context, actor Actor, after Place, limit int) ([]store.Account, bool, error) {
	actor, err := s.viewer(ctx, actor, mayView)
	if err != nil {
		return nil, false, err
	}
	now := s.now()
	span := Span{Limit: limit}
	at, id := after.upcoming(now)
	rows, err := s.db.Read().ListExemptionsAfter(ctx, store.ListExemptionsAfterParams{
		Now: now, HiddenKind: hiddenKind(actor), After: at, AfterID: id, PageSize: span.rows(),
	})
	return cut(span, rows, err, "exemptions")
}

// FreezesAfter returns the accounts whose security settings are frozen, the first to thaw first and without those that the actor may not
// see, and whether there are more.
func (s *Service) FreezesAfter(ctx context.Context, actor Actor, after Place, limit int) ([]store.Account, bool, error) {
	actor, err := s.viewer(ctx, actor, mayView)
	if err != nil {
		return nil, false, err
	}
	now := s.now()
	span := Span{Limit: limit}
	at, id := after.upcoming(now)
	rows, err := s.db.Read().ListFrozenAfter(ctx, store.ListFrozenAfterParams{
		Now: now, HiddenKind: hiddenKind(actor), After: at, AfterID: id, PageSize: span.rows(),
	})
	return cut(span, rows, err, "frozen accounts")
}

// ConcernedAfter returns the accounts that enforcement of a surface would stop, in the order of their login IDs, and whether there are
// more. It fails with [store.ErrNotFound], also for a surface whose accounts the actor may not see.
func (s *Service) ConcernedAfter(ctx context.Context, actor Actor, span Span, surface string) (store.Surface, []store.ListConcernedRow, bool, error) {
	row, err := s.listable(ctx, actor, surface, mayView)
	if err != nil {
		return row, nil, false, err
	}
	rows, next, err := s.concernedAfter(ctx, row, span.After, span.limit())
	return row, rows, next != "", err
}

// ClientsQuery chooses relying parties.
type ClientsQuery struct {
	// Who is looked for in id and name.
	Who string
	// State is active, disabled, or rotating for those with a former secret that still works; empty finds all.
	State string
}

// ClientsAfter returns relying parties in the order of their ids, without what their secrets are hashed to, and whether there are
// more.
func (s *Service) ClientsAfter(ctx context.Context, actor Actor, span Span, in ClientsQuery) ([]store.Client, bool, error) {
	if err := s.view(ctx, actor, mayManageClients); err != nil {
		return nil, false, err
	}
	rows, err := s.db.Read().ListClientsAfter(ctx, store.ListClientsAfterParams{
		AfterID: span.After, Who: contains(in.Who), State: in.State, Now: new(s.now()), PageSize: span.rows(),
	})
	for i := range rows {
		rows[i] = shown(rows[i])
	}
	return cut(span, rows, err, "clients")
}

// GetClient returns one relying party, without what its secrets are hashed to, or [store.ErrNotFound].
func (s *Service) GetClient(ctx context.Context, actor Actor, id string) (store.Client, error) {
	if err := s.view(ctx, actor, mayManageClients); err != nil {
		return store.Client{}, err
	}
	if !clientID.MatchString(id) {
		return store.Client{}, store.ErrNotFound
	}
	row, err := s.db.Read().GetClient(ctx, id)
	return shown(row), err
}

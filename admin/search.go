package admin

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/store"
)

// The kinds of what a search finds. All but the last are kinds of subjects in the index.
const (
	FoundCustomers = account.KindCustomer
	FoundAccounts  = account.KindStore
	FoundOperators = account.KindOperator
	FoundAddresses = "address" // accounts, by where their second factor sends its codes
)

// SearchQuery looks for customers and accounts.
type SearchQuery struct {
	// Text is a row's id, or up to three words that words of the subject begin with: code and name of a customer; login ID, name and
	// registered address of an account. An account's customer counts for all words but the longest.
	Text string
	// Kind is the kind to find; empty finds a few of every kind.
	Kind string
	// From and After continue a list of one kind: they are those of the page before.
	From, After string
}

// Found is what a search found of one kind.
type Found struct {
	Kind      string
	Customers []store.Customer
	Accounts  []FoundAccount
	// From and After continue the list; empty at its end.
	From, After string
}

// FoundAccount is an account that was found.
type FoundAccount struct {
	store.GetAccountHitRow
	// Address is the second factor's address that it was found by.
	Address string
}

// firstFound is how many of each kind a search of every kind shows.
const firstFound = 10

// Search finds customers and accounts, by kind. Operators are found by those who may see them, addresses of second factors by those who
// may see these.
func (s *Service) Search(ctx context.Context, actor Actor, in SearchQuery) ([]Found, error) {
	actor, err := s.viewer(ctx, actor, mayView)
	if err != nil {
		return nil, err
	}
	kinds := []string{FoundCustomers, FoundAccounts}
	if actor.rights().has(mayManageOperators) {
		kinds = append(kinds, FoundOperators)
	}
	if actor.rights().has(maySeeAddresses) {
		kinds = append(kinds, FoundAddresses)
	}
	text := strings.TrimSpace(in.Text)
	if store.ValidID(strings.ToLower(text)) {
		return s.byID(ctx, actor, strings.ToLower(text))
	}
	var out []Found
	for _, kind := range kinds {
		if in.Kind != "" && in.Kind != kind {
			continue
		}
		f, err := s.find(ctx, actor, kind, text, in)
		if err != nil {
			return nil, err
		}
		if len(f.Customers)+len(f.Accounts) > 0 {
			out = append(out, f)
		}
	}
	return out, nil
}

// byID finds the one thing with an id.
func (s *Service) byID(ctx context.Context, actor Actor, id string) ([]Found, error) {
	q := s.db.Read()
	c, err := q.GetCustomer(ctx, store.CustomerID(id))
	if err == nil {
		return []Found{{Kind: FoundCustomers, Customers: []store.Customer{c}}}, nil
	}
	if !errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("load customer: %w", err)
	}
	a, err := q.GetAccountHit(ctx, store.AccountID(id))
	if errors.Is(err, store.ErrNotFound) || err == nil && a.Kind == hiddenKind(actor) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("load account: %w", err)
	}
	return []Found{{Kind: a.Kind, Accounts: []FoundAccount{{GetAccountHitRow: a}}}}, nil
}

// find finds one kind.
func (s *Service) find(ctx context.Context, actor Actor, kind, search string, in SearchQuery) (Found, error) {
	f := Found{Kind: kind}
	size := firstFound
	if in.Kind != "" {
		size = pageSize
	}
	hits, err := s.hits(ctx, actor, kind, search, in, size+1)
	if err != nil {
		return f, err
	}
	if len(hits) > size {
		hits = hits[:size]
		f.From, f.After = hits[size-1].at, hits[size-1].id
	}
	q := s.db.Read()
	for _, h := range hits {
		if kind == FoundCustomers {
			c, err := q.GetCustomer(ctx, store.CustomerID(h.id))
			if errors.Is(err, store.ErrNotFound) {
				continue // deleted a moment ago
			}
			if err != nil {
				return f, fmt.Errorf("load customer: %w", err)
			}
			f.Customers = append(f.Customers, c)
			continue
		}
		a, err := q.GetAccountHit(ctx, store.AccountID(h.id))
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return f, fmt.Errorf("load account: %w", err)
		}
		if kind != FoundAddresses && !actor.rights().has(maySeeAddresses) && !account.Matches(search, a.LoginID, a.DisplayName, text(a.CustomerName)) {
			continue // found by an address, which must not be guessed letter by letter
		}
		found := FoundAccount{GetAccountHitRow: a}
		if kind == FoundAddresses {
			found.Address = h.at
		}
		f.Accounts = append(f.Accounts, found)
	}
	return f, nil
}

// hit is where in the index something was found.
type hit struct{ at, id string }

func (s *Service) hits(ctx context.Context, actor Actor, kind, text string, in SearchQuery, size int) ([]hit, error) {
	words := account.Words(text)
	if kind == FoundAddresses {
		words = addressWords(text)
	}
	if len(words) == 0 {
		return nil, nil
	}
	var at, second, third string
	if at = words[0]; in.Kind == kind && in.From > at {
		at = in.From
	}
	after := store.MinID
	if in.Kind == kind && store.ValidID(in.After) && in.From == at {
		after = in.After
	}
	q := s.db.Read()
	var hits []hit
	if kind == FoundAddresses {
		rows, err := q.SearchFactorAddresses(ctx, store.SearchFactorAddressesParams{
			Start: at, WordEnd: account.WordEnd(words[0]), AfterID: store.AccountID(after), HiddenKind: hiddenKind(actor), PageSize: int32(size),
		})
		if err != nil {
			return nil, fmt.Errorf("search addresses: %w", err)
		}
		for _, r := range rows {
			hits = append(hits, hit{r.Address, string(r.AccountID)})
		}
		return hits, nil
	}
	if len(words) > 1 {
		second = words[1]
	}
	if len(words) > 2 {
		third = words[2]
	}
	rows, err := q.SearchSubjects(ctx, store.SearchSubjectsParams{
		Kind: kind, Word: words[0], Start: at, WordEnd: account.WordEnd(words[0]), AfterID: after,
		Second: second, SecondEnd: account.WordEnd(second), Third: third, ThirdEnd: account.WordEnd(third), PageSize: int32(size),
	})
	if err != nil {
		return nil, fmt.Errorf("search %ss: %w", kind, err)
	}
	for _, r := range rows {
		hits = append(hits, hit{r.Term, r.SubjectID})
	}
	return hits, nil
}

// addressWords is what the address of a second factor begins with: that of a mail as it is typed, a Japanese number in the form that is
// stored. Fewer than three characters say nothing.
func addressWords(text string) []string {
	text = account.Fold(text)
	if number := strings.NewReplacer("-", "", "(", "", ")", "").Replace(text); len(number) > 1 && strings.Trim(number, "0123456789") == "" && number[0] == '0' {
		text = "+81" + number[1:]
	}
	if len([]rune(text)) < 3 {
		return nil
	}
	return []string{text}
}

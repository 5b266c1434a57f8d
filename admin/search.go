package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	// registered address of an account. Words of an account's customer count as its own, but for one at least.
	Text string
	// Kind is the kind to find; empty finds a few of every kind.
	Kind string
	// After continues a list of one kind: it is what the page before named.
	After SearchPlace
}

// SearchPlace is an entry of the index, behind which a list goes on. Zero is its beginning.
type SearchPlace struct {
	// Apart says that those were listed already who have the words next to each other.
	Apart bool
	// Term and ID are the entry; empty for the first. An ID alone is an account of one of the customers who have a word.
	Term, ID string
}

// Found is what a search found of one kind.
type Found struct {
	Kind      string
	Customers []store.Customer
	Accounts  []FoundAccount
	// Next is where the list goes on; zero at its end.
	Next SearchPlace
	// Cut says that there may be more before Next than was looked at.
	Cut bool
}

// FoundAccount is an account that was found.
type FoundAccount struct {
	store.GetAccountHitRow
	// Address is the second factor's address that it was found by.
	Address string
}

const (
	// firstFound is how many of each kind a search of every kind shows.
	firstFound = 10
	// searchLook is how many entries of the index a search for several words looks at: each costs a look for the other words.
	searchLook = 1000
)

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
		if len(f.Customers)+len(f.Accounts) > 0 || f.Cut {
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
	after := SearchPlace{}
	if in.Kind == kind {
		after = in.After
	}
	var hits []hit
	var err error
	if kind == FoundAddresses {
		hits, f.Next, err = s.addressHits(ctx, actor, search, after, size)
	} else {
		hits, f.Next, f.Cut, err = s.subjectHits(ctx, kind, search, after, size)
	}
	if err != nil {
		return f, err
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
		if kind != FoundAddresses && !actor.rights().has(maySeeAddresses) && !account.Matches(search, a.LoginID, a.DisplayName, text(a.CustomerName), text(a.CustomerCode)) {
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

// addressHits are accounts by the address of a second factor.
func (s *Service) addressHits(ctx context.Context, actor Actor, text string, after SearchPlace, size int) (hits []hit, next SearchPlace, err error) {
	words := addressWords(text)
	if len(words) == 0 {
		return nil, next, nil
	}
	start, id := after.begin(words[0])
	rows, err := s.db.Read().SearchFactorAddresses(ctx, store.SearchFactorAddressesParams{
		Start: start, WordEnd: account.WordEnd(words[0]), AfterID: store.AccountID(id), HiddenKind: hiddenKind(actor), PageSize: int32(size + 1),
	})
	if err != nil {
		return nil, next, fmt.Errorf("search addresses: %w", err)
	}
	for _, r := range rows {
		hits = append(hits, hit{r.Address, string(r.AccountID)})
	}
	if len(hits) > size {
		hits = hits[:size]
		next = SearchPlace{Term: hits[size-1].at, ID: hits[size-1].id}
	}
	return hits, next, nil
}

// begin is where a list of what begins with a word goes on.
func (p SearchPlace) begin(word string) (term, id string) {
	if !strings.HasPrefix(p.Term, word) {
		return word, store.MinID
	}
	if !store.ValidID(p.ID) {
		return p.Term, store.MinID
	}
	return p.Term, p.ID
}

// subjectHits are customers or accounts of a kind: first those who have the words next to each other, which is one range of the index
// however common each word is, then those who have them apart. cut says that it did not look at everybody who may have them.
func (s *Service) subjectHits(ctx context.Context, kind, text string, after SearchPlace, size int) (hits []hit, next SearchPlace, cut bool, err error) {
	words, phrase := account.Words(text), account.Phrase(text)
	if len(words) == 0 {
		return nil, next, false, nil
	}
	p := store.SearchSubjectsParams{Kind: kind, PageSize: int32(size + 1), Look: lookMost}
	if phrase != "" && !after.Apart {
		if hits, err = s.subjects(ctx, p, phrase, after); err != nil {
			return nil, next, false, err
		}
		if len(hits) > size {
			hits = hits[:size]
			return hits, SearchPlace{Term: hits[size-1].at, ID: hits[size-1].id}, false, nil
		}
		after = SearchPlace{Apart: true}
	}
	apart, room := phrase != "", size-len(hits)
	r := route{words: words}
	if len(words) > 1 {
		if r, err = s.route(ctx, kind, words, after); err != nil || r.words == nil {
			return hits, next, false, err
		}
		p.Look = searchLook
		p.Second, p.SecondEnd = r.words[1], account.WordEnd(r.words[1])
	}
	if len(words) > 2 {
		p.Third, p.ThirdEnd = r.words[2], account.WordEnd(r.words[2])
	}
	p.PageSize, p.Phrase, p.PhraseEnd = int32(room+1), phrase, account.WordEnd(phrase)
	var more []hit
	if r.customers {
		more, err = s.atCustomers(ctx, p, r.words[0], after)
	} else {
		more, err = s.subjects(ctx, p, r.words[0], after)
	}
	if err != nil {
		return nil, next, false, err
	}
	switch {
	case len(more) > room && room == 0:
		return hits, after, false, nil
	case len(more) > room:
		more = more[:room]
		next = SearchPlace{Apart: apart, Term: more[room-1].at, ID: more[room-1].id}
	case !r.customers:
		end, err := s.lastSubject(ctx, kind, r.words[0], after, p.Look)
		if err != nil {
			return nil, next, false, err
		}
		if cut = end.Looked == int64(p.Look); cut {
			next = SearchPlace{Apart: apart, Term: end.Term, ID: end.SubjectID}
		}
	}
	return append(hits, more...), next, cut, nil
}

// subjects reads those who have a word, and what else the parameters ask for.
func (s *Service) subjects(ctx context.Context, p store.SearchSubjectsParams, word string, after SearchPlace) (hits []hit, err error) {
	p.Word, p.WordEnd = word, account.WordEnd(word)
	p.Start, p.AfterID = after.begin(word)
	rows, err := s.db.Read().SearchSubjects(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("search %ss: %w", p.Kind, err)
	}
	for _, r := range rows {
		hits = append(hits, hit{r.Term, r.SubjectID})
	}
	return hits, nil
}

// lastSubject is the last of the next so many entries of a word; zero if there are none.
func (s *Service) lastSubject(ctx context.Context, kind, word string, after SearchPlace, look int32) (store.LastOfSubjectsRow, error) {
	start, id := after.begin(word)
	end, err := s.db.Read().LastOfSubjects(ctx, store.LastOfSubjectsParams{
		Kind: kind, Start: start, WordEnd: account.WordEnd(word), AfterID: id, Look: look,
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return end, fmt.Errorf("search %ss: %w", kind, err)
	}
	return end, nil
}

// atCustomers reads the accounts of the customers who have a word, and what else the parameters ask for.
func (s *Service) atCustomers(ctx context.Context, p store.SearchSubjectsParams, word string, after SearchPlace) (hits []hit, err error) {
	id := store.AccountID(after.ID)
	if after.Term != "" || !store.ValidID(after.ID) {
		id = store.MinID
	}
	ids, err := s.db.Read().SearchAtCustomers(ctx, store.SearchAtCustomersParams{
		Kind: p.Kind, Word: word, WordEnd: account.WordEnd(word), Look: p.Look, AfterID: id, PageSize: p.PageSize,
		Second: p.Second, SecondEnd: p.SecondEnd, Third: p.Third, ThirdEnd: p.ThirdEnd, Phrase: p.Phrase, PhraseEnd: p.PhraseEnd,
	})
	if err != nil {
		return nil, fmt.Errorf("search accounts of customers: %w", err)
	}
	for _, id := range ids {
		hits = append(hits, hit{id: string(id)})
	}
	return hits, nil
}

// route is how those are found who have several words apart.
type route struct {
	// words has the one in front that leads; there are none where nobody can have them all.
	words []string
	// customers says that it leads to customers, whose accounts are looked at, and not to the entries of the kind itself.
	customers bool
}

// route chooses the word with the least to look at: the entries of one that the kind has, or, if they are few, the accounts of the customers
// who have one that the kind has not. A list that goes on stays with its word.
func (s *Service) route(ctx context.Context, kind string, words []string, after SearchPlace) (route, error) {
	if after.Term != "" {
		best := slices.IndexFunc(words, func(word string) bool { return strings.HasPrefix(after.Term, word) })
		return route{words: inFront(words, max(best, 0))}, nil
	}
	best, fewest, company := 0, int64(0), -1
	for i, word := range words {
		end, err := s.lastSubject(ctx, kind, word, SearchPlace{}, 2*searchLook)
		if err != nil {
			return route{}, err
		}
		if n := end.Looked; n > 0 {
			if fewest == 0 || n < fewest {
				best, fewest = i, n
			}
			continue
		}
		customers, err := s.lastSubject(ctx, FoundCustomers, word, SearchPlace{}, searchLook)
		if err != nil || customers.Looked == 0 || kind == FoundCustomers {
			return route{}, err
		}
		if company < 0 && customers.Looked < searchLook {
			company = i
		}
	}
	if fewest == 0 { // an account is not found by its customer alone
		return route{}, nil
	}
	if company >= 0 {
		n, err := s.db.Read().CountAtCustomers(ctx, store.CountAtCustomersParams{
			Kind: kind, Word: words[company], WordEnd: account.WordEnd(words[company]), Look: searchLook,
		})
		if err != nil {
			return route{}, fmt.Errorf("count accounts of customers: %w", err)
		}
		if n < min(fewest, searchLook) {
			return route{words: inFront(words, company), customers: true}, nil
		}
	}
	return route{words: inFront(words, best)}, nil
}

// inFront puts one of some words before the others.
func inFront(words []string, i int) []string {
	return slices.Concat(words[i:i+1], words[:i], words[i+1:])
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

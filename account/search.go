package account

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/futakagi/futakagi/store"
)

const (
	// maxTerm is how many characters of a term are kept, and of a word are looked for.
	maxTerm = 32
	// maxTerms is how many terms a customer or an account has at most.
	maxTerms = 64
	// maxWords is how many words a search looks for; more say nothing new.
	maxWords = 3
)

// KindCustomer is the kind of subject that is searched beside the kinds of account.
const KindCustomer = "customer"

// Terms are what somebody is found by: the folded fields from each place where a word begins, so that whatever begins one is a prefix.
// Words begin at the start, after what is neither letter nor digit, where the script changes, and at every character of the scripts
// that write words without a space between them.
func Terms(fields ...string) []string {
	var terms []string
	for _, field := range fields {
		terms = append(terms, chunks(field)...)
	}
	slices.Sort(terms)
	terms = slices.Compact(terms)
	return terms[:min(len(terms), maxTerms)]
}

// chunks are the folded field from each place where a word begins.
func chunks(field string) []string {
	var (
		text   []rune
		starts []int
	)
	for word := range strings.FieldsSeq(field) {
		previous := script(0)
		for _, r := range Fold(word) {
			if is := scriptOf(r); is != symbol && (is != previous || is == dense) {
				starts = append(starts, len(text))
			}
			previous = scriptOf(r)
			text = append(text, r)
		}
	}
	out := make([]string, 0, len(starts))
	for _, at := range starts {
		out = append(out, string(text[at:min(len(text), at+maxTerm)]))
	}
	return out
}

// script is how a character takes part in words.
type script int

const (
	symbol script = iota + 1 // parts words
	letter                   // of words with spaces between them
	digit
	dense // of words without
)

func scriptOf(r rune) script {
	switch {
	case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai) || r == 'ー':
		return dense
	case unicode.IsDigit(r):
		return digit
	case unicode.IsLetter(r) || unicode.IsMark(r):
		return letter
	}
	return symbol
}

// Words are what a search looks for, the longest first.
func Words(search string) []string {
	words := searched(search)
	slices.SortStableFunc(words, func(a, b string) int { return len([]rune(b)) - len([]rune(a)) })
	words = slices.Compact(words)
	return words[:min(len(words), maxWords)]
}

// searched are the words of a search as they were typed, folded.
func searched(search string) (words []string) {
	for word := range strings.FieldsSeq(clipRunes(strings.ToValidUTF8(search, ""), maxSearch)) {
		// What a term never begins with would find nothing.
		word = strings.TrimLeftFunc(Fold(word), func(r rune) bool { return scriptOf(r) == symbol })
		if word = clipRunes(strings.ReplaceAll(word, "\x00", ""), maxTerm); word != "" {
			words = append(words, word)
		}
	}
	return words
}

// Phrase is a search of several words as one term: that of whoever has them next to each other in this order, such as a family name
// before a given one. It is empty for a single word.
func Phrase(search string) string {
	words := searched(search)
	if len(words) < 2 {
		return ""
	}
	return clipRunes(strings.Join(words, ""), maxTerm)
}

// Matches reports whether each word of a search begins a term of the fields.
func Matches(search string, fields ...string) bool {
	terms := Terms(fields...)
	for _, word := range Words(search) {
		if !slices.ContainsFunc(terms, func(term string) bool { return strings.HasPrefix(term, word) }) {
			return false
		}
	}
	return true
}

// WordEnd is the first text after all those that begin with a word.
func WordEnd(word string) string { return word + string(unicode.MaxRune) }

// indexAccount replaces the terms of an account.
func indexAccount(ctx context.Context, tx *store.Tx, a store.Account) error {
	if err := index(ctx, tx, a.Kind, string(a.ID), Terms(a.LoginID, a.DisplayName, a.RegisteredEmail)); err != nil {
		return err
	}
	if err := tx.SetAccountIndexed(ctx, a.ID); err != nil {
		return fmt.Errorf("mark account as indexed: %w", err)
	}
	return nil
}

// indexCustomer replaces the terms of a customer.
func indexCustomer(ctx context.Context, tx *store.Tx, c store.Customer) error {
	if err := index(ctx, tx, KindCustomer, string(c.ID), Terms(c.Code, c.Name)); err != nil {
		return err
	}
	if err := tx.SetCustomerIndexed(ctx, c.ID); err != nil {
		return fmt.Errorf("mark customer as indexed: %w", err)
	}
	return nil
}

func index(ctx context.Context, tx *store.Tx, kind, id string, terms []string) error {
	if err := tx.DeleteSearchTerms(ctx, id); err != nil {
		return fmt.Errorf("delete search terms: %w", err)
	}
	for some := range slices.Chunk(terms, 8) {
		for len(some) < 8 {
			some = append(some[:len(some):len(some)], some[0]) // one that is there already is left alone
		}
		err := tx.InsertSearchTerms(ctx, store.InsertSearchTermsParams{
			Kind: kind, SubjectID: id, T1: some[0], T2: some[1], T3: some[2], T4: some[3], T5: some[4], T6: some[5], T7: some[6], T8: some[7],
		})
		if err != nil {
			return fmt.Errorf("insert search terms: %w", err)
		}
	}
	return nil
}

// indexBatch is how many rows [Service.IndexSome] indexes at once.
const indexBatch = 200

// IndexSome indexes customers and accounts that are not yet: those from before there was an index, and those that were written past
// this service. It reports whether there may be more.
func (s *Service) IndexSome(ctx context.Context) (more bool, err error) {
	err = s.db.InTx(ctx, func(tx *store.Tx) error {
		customers, err := tx.ListCustomersUnindexed(ctx, indexBatch)
		if err != nil {
			return fmt.Errorf("list customers: %w", err)
		}
		for _, c := range customers {
			if err := indexCustomer(ctx, tx, c); err != nil {
				return err
			}
		}
		accounts, err := tx.ListAccountsUnindexed(ctx, indexBatch)
		if err != nil {
			return fmt.Errorf("list accounts: %w", err)
		}
		for _, a := range accounts {
			if err := indexAccount(ctx, tx, a); err != nil {
				return err
			}
		}
		more = len(customers) == indexBatch || len(accounts) == indexBatch
		return nil
	})
	return more, err
}

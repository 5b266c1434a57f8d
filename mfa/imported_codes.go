package mfa

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/futakagi/futakagi/store"
)

// Codes of other systems do not begin with a selector. Theirs is a number, behind a sign that no code can begin with, and each try
// is compared with all of them.
const foreignMark = "#"

const (
	// A code of another system has at least so many characters, without its separators; fewer are guessed.
	minForeignCode = 6
	// maxForeignCode is more than any has.
	maxForeignCode = 64
)

func isForeign(selector string) bool { return strings.HasPrefix(selector, foreignMark) }

// codes reads the hashes of backup codes: those of our own export, which are selector, colon, hash; and those of other systems.
func (i Imports) codes(text string) (out []ImportedCode, reason string) {
	var foreign []string
	for one := range strings.FieldsSeq(text) {
		selector, hash, ok := strings.Cut(one, ":")
		if !ok || len(selector) != selectorLength || strings.Trim(selector, backupAlphabet) != "" {
			foreign = append(foreign, one)
			continue
		}
		if i.CheckHash(hash) != nil || slices.ContainsFunc(out, func(c ImportedCode) bool { return c.Selector == selector }) {
			return nil, ReasonCodes
		}
		out = append(out, ImportedCode{Selector: selector, Hash: hash})
	}
	if len(foreign) > maxImportedCodes {
		return nil, ReasonCodes
	}
	hashes, err := i.ForeignCodes(foreign)
	switch {
	case errors.Is(err, ErrCodesCost):
		return nil, ReasonCodesCost
	case err != nil || len(hashes)+len(out) > maxImportedCodes:
		return nil, ReasonCodes
	}
	slices.Sort(hashes)
	hashes = slices.Compact(hashes)
	for n, hash := range hashes {
		out = append(out, ImportedCode{Selector: foreignSelector(n), Hash: hash})
	}
	slices.SortFunc(out, func(a, b ImportedCode) int { return strings.Compare(a.Selector, b.Selector) })
	return out, ""
}

func foreignSelector(n int) string { return fmt.Sprintf("%s%02d", foreignMark, n) }

// ExportedCode is a backup code as a file has it.
func ExportedCode(selector, hash string) string {
	if isForeign(selector) {
		return hash
	}
	return selector + ":" + hash
}

// plainCodes reads codes of another system, without what is put between their characters for reading.
func plainCodes(text string) (out []string, reason string) {
	for one := range strings.FieldsSeq(text) {
		code := squeeze(one)
		if n := len(code); n < minForeignCode || n > maxForeignCode || slices.Contains(out, code) {
			return nil, ReasonPlainCodes
		}
		out = append(out, code)
	}
	return out, ""
}

// Hash gives the plain codes of a record hashes, and takes those that the account of that ID has already: codes that were used stay
// used. It is slow on purpose and runs outside of any transaction. A dry run hashes nothing.
func (i Imports) Hash(ctx context.Context, q *store.Queries, id store.AccountID, in *Imported, dry bool) error {
	if len(in.Plain) == 0 {
		return nil
	}
	there, err := foreignHashes(ctx, q, id)
	if err != nil {
		return err
	}
	hashes := make([]string, len(in.Plain))
	var missing []string
	for n, code := range in.Plain {
		at := -1
		if len(there) > 0 {
			if at, err = i.CheckCode(ctx, there, []string{code}); err != nil {
				return fmt.Errorf("compare backup code: %w", err)
			}
		}
		if at >= 0 {
			hashes[n] = there[at]
			there = slices.Delete(there, at, at+1)
			continue
		}
		missing = append(missing, code)
	}
	fresh := make([]string, len(missing))
	if len(missing) > 0 && !dry {
		if fresh, err = i.HashCodes(ctx, missing); err != nil {
			return fmt.Errorf("hash backup codes: %w", err)
		}
	}
	for n := range hashes {
		if hashes[n] == "" && len(fresh) > 0 {
			hashes[n], fresh = fresh[0], fresh[1:]
		}
		in.Codes = append(in.Codes, ImportedCode{Selector: foreignSelector(len(in.Codes)), Hash: hashes[n]})
	}
	in.Plain = nil
	return nil
}

// foreignHashes are those of the account's current batch, used ones included.
func foreignHashes(ctx context.Context, q *store.Queries, id store.AccountID) ([]string, error) {
	if id == "" {
		return nil, nil
	}
	b, err := q.GetBackupBatch(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("load backup codes: %w", err)
	}
	codes, err := q.ListBackupCodes(ctx, b.ID)
	if err != nil {
		return nil, fmt.Errorf("load backup codes: %w", err)
	}
	var out []string
	for _, c := range codes {
		if isForeign(c.Selector) {
			out = append(out, c.CodeHash)
		}
	}
	return out, nil
}

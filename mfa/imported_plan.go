package mfa

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
)

// ImportPlan is what an import would do to the second factors of an account.
type ImportPlan struct {
	// Kept says that the record has other factors or codes than the account, which keeps its own: they were proved here.
	Kept bool
	// SeedMissing says that the record has an app without its seed, and the account has none.
	SeedMissing bool
	// Methods are those that are set up or changed, Removed those that go. Codes says that the backup codes are replaced.
	Methods, Removed []signin.Method
	Codes            bool

	fresh      bool
	write      []ImportedFactor
	drop       []store.Factor
	ids        map[signin.Method]store.FactorID
	there      []store.Factor
	main       signin.Method
	reorder    bool // another one becomes the main one
	codes      []ImportedCode
	voidsCodes bool
}

// Changes says whether the plan does anything.
func (p ImportPlan) Changes() bool { return p.factors() || p.Codes }

func (p ImportPlan) factors() bool { return len(p.write)+len(p.drop) > 0 || p.reorder }

// Plan compares a record with an account. Factors that were imported follow the record; those that the person proved here stay, and
// with them everything else, unless replace is set. A record without factors leaves them alone, and so does one without codes the
// codes. fresh says that the account is new and has nothing.
func (i Imports) Plan(ctx context.Context, q *store.Queries, id store.AccountID, in Imported, fresh, replace bool) (ImportPlan, error) {
	p := ImportPlan{fresh: fresh, ids: map[signin.Method]store.FactorID{}}
	if len(in.Factors) == 0 && len(in.Codes) == 0 {
		return p, nil
	}
	var there []store.Factor
	var batch []store.BackupCode
	proved := false // here, by the person
	if !fresh {
		var err error
		if there, err = q.ListFactors(ctx, id); err != nil {
			return p, fmt.Errorf("list factors: %w", err)
		}
		b, err := q.GetBackupBatch(ctx, id)
		if err == nil {
			proved = b.ImportedAt == nil
			batch, err = q.ListBackupCodes(ctx, b.ID)
		}
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return p, fmt.Errorf("load backup codes: %w", err)
		}
	}
	p.there = there
	proved = proved || slices.ContainsFunc(there, func(f store.Factor) bool { return f.ImportedAt == nil })
	if err := i.planFactors(&p, there, in.Factors); err != nil {
		return p, err
	}
	p.Codes = len(in.Codes) > 0 && !sameCodes(batch, in.Codes)
	p.codes = in.Codes
	if p.factors() && len(batch) > 0 && replace && proved && len(in.Codes) == 0 {
		// Codes that came with what is replaced would still open the account to whoever has them.
		p.Codes, p.voidsCodes = true, true
	}
	if proved && !replace && p.Changes() {
		return ImportPlan{Kept: true, fresh: fresh}, nil
	}
	return p, nil
}

// planFactors finds what is to be written and what goes.
func (i Imports) planFactors(p *ImportPlan, there []store.Factor, in []ImportedFactor) error {
	if len(in) == 0 {
		return nil
	}
	p.main = in[0].Method
	for _, f := range in {
		n := slices.IndexFunc(there, func(t store.Factor) bool { return t.Kind == string(f.Method) })
		if n >= 0 {
			p.ids[f.Method] = there[n].ID
			p.reorder = p.reorder || there[n].Main != (f.Method == p.main)
			same, err := i.same(there[n], f)
			if err != nil {
				return err
			}
			if same {
				continue
			}
		}
		if f.Method == signin.TOTP && f.Seed == nil {
			p.SeedMissing = true
			continue
		}
		p.write = append(p.write, f)
		p.Methods = append(p.Methods, f.Method)
	}
	for _, t := range there {
		if !slices.ContainsFunc(in, func(f ImportedFactor) bool { return t.Kind == string(f.Method) }) {
			p.drop = append(p.drop, t)
			p.Removed = append(p.Removed, signin.Method(t.Kind))
		}
	}
	return nil
}

// same says whether a factor is what a record has. When it was proved is no part of that.
func (i Imports) same(there store.Factor, f ImportedFactor) (bool, error) {
	if there.Address != f.Address {
		return false, nil
	}
	if f.Seed == nil || i.Box == nil {
		return true, nil
	}
	seed, err := i.Box.Open(there.SecretSealed, seedPlace(there.ID, there.AccountID))
	if err != nil {
		return false, fmt.Errorf("open seed: %w", err)
	}
	return bytes.Equal(seed, f.Seed), nil
}

// sameCodes says whether a batch, its used codes included, is that of a record.
func sameCodes(batch []store.BackupCode, codes []ImportedCode) bool {
	if len(batch) < len(codes) {
		return false
	}
	// A record that an export wrote after some were used has the rest alone.
	for _, c := range codes {
		if !slices.ContainsFunc(batch, func(b store.BackupCode) bool {
			return b.CodeHash == c.Hash && (b.Selector == c.Selector || isForeign(b.Selector) && isForeign(c.Selector))
		}) {
			return false
		}
	}
	return true
}

// Apply carries a plan out in the transaction that it was made in, between the two halves of [store.Tx.EndAccount].
func (i Imports) Apply(ctx context.Context, tx *store.Tx, now time.Time, id store.AccountID, p ImportPlan) error {
	for _, f := range p.drop {
		if err := dropFactor(ctx, tx, f); err != nil {
			return err
		}
	}
	if !p.fresh && p.factors() {
		if err := tx.ClearMainFactor(ctx, id); err != nil {
			return fmt.Errorf("clear main factor: %w", err)
		}
	}
	for n, f := range p.write {
		row := p.ids[f.Method]
		if row == "" {
			row = store.NewID[store.FactorID]()
			p.ids[f.Method] = row
		}
		sealed, err := i.seal(f, row, id)
		if err != nil {
			return err
		}
		if err := tx.UpsertImportedFactor(ctx, store.UpsertImportedFactorParams{
			ID: row, AccountID: id, Kind: string(f.Method), Address: f.Address, Main: p.fresh && f.Method == p.main, Position: int64(n),
			SecretSealed: sealed, VerifiedAt: f.VerifiedAt, Now: now,
		}); err != nil {
			return fmt.Errorf("store factor: %w", err)
		}
	}
	if !p.fresh && p.factors() {
		if _, err := tx.SetMainFactor(ctx, store.SetMainFactorParams{ID: p.ids[p.main], AccountID: id}); err != nil {
			return fmt.Errorf("set main factor: %w", err)
		}
	}
	if !p.Codes {
		return nil
	}
	if !p.fresh {
		if _, err := tx.VoidBackupBatches(ctx, store.VoidBackupBatchesParams{Now: &now, AccountID: id}); err != nil {
			return fmt.Errorf("void backup codes: %w", err)
		}
	}
	if p.voidsCodes {
		return nil
	}
	batch := store.NewID[store.BatchID]()
	if err := tx.InsertImportedBatch(ctx, store.InsertImportedBatchParams{ID: batch, AccountID: id, Now: now}); err != nil {
		return fmt.Errorf("insert backup codes: %w", err)
	}
	for _, c := range p.codes {
		if err := tx.InsertBackupCode(ctx, store.InsertBackupCodeParams{BatchID: batch, Selector: c.Selector, CodeHash: c.Hash}); err != nil {
			return fmt.Errorf("insert backup code: %w", err)
		}
	}
	return nil
}

// NoteImport tells the owner of an account what an import did to it, in the transaction that did it: at the address that codes went
// to, and at the registered one.
func (s *Service) NoteImport(ctx context.Context, tx *store.Tx, now time.Time, acc store.Account, p ImportPlan) error {
	var notices []notice
	for _, f := range p.write {
		n := notice{kind: delivery.KindSetUp, method: f.Method, address: mask(f.Method, f.Address)}
		if slices.ContainsFunc(p.there, func(t store.Factor) bool { return t.Kind == string(f.Method) && t.Address != f.Address }) {
			n.kind = delivery.KindAddressChanged
		}
		notices = append(notices, n)
	}
	for _, method := range p.Removed {
		notices = append(notices, notice{kind: delivery.KindFactorRemoved, method: method})
	}
	if len(notices) == 0 && p.reorder {
		notices = append(notices, notice{kind: delivery.KindOrderChanged, method: p.main})
	}
	if len(notices) == 0 {
		notices = append(notices, notice{kind: delivery.KindCodesReissued})
	}
	for _, n := range notices {
		n.account, n.lang, n.to, n.always = acc, s.noticeLang, append(mailAddresses(p.there), acc.RegisteredEmail), true
		if _, err := s.notify(ctx, tx, now, n); err != nil {
			return err
		}
	}
	return nil
}

// seal seals the seed of an app for its row; other factors have none.
func (i Imports) seal(f ImportedFactor, row store.FactorID, id store.AccountID) ([]byte, error) {
	if f.Method != signin.TOTP {
		return nil, nil
	}
	if i.Box == nil {
		return nil, errors.New("import factor: no key to seal a seed with")
	}
	sealed, err := i.Box.Seal(f.Seed, seedPlace(row, id))
	if err != nil {
		return nil, fmt.Errorf("seal seed: %w", err)
	}
	return sealed, nil
}

// ErrNoKey says that the seed of an app cannot be opened without the key it was sealed with.
var ErrNoKey = errors.New("no key to open seeds of authenticator apps with")

// Seed is the seed of an app's factor as a file has it.
func (i Imports) Seed(f store.Factor) (string, error) {
	if i.Box == nil {
		return "", ErrNoKey
	}
	seed, err := i.Box.Open(f.SecretSealed, seedPlace(f.ID, f.AccountID))
	if err != nil {
		return "", fmt.Errorf("open seed: %w", err)
	}
	return base32Seed(seed), nil
}

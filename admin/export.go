package admin

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
)

// exportPage is how many accounts an export reads at once.
const exportPage = 500

// ExportOptions say what an export writes.
type ExportOptions struct {
	Format account.Format
	// Operators writes operators as well.
	Operators bool
	// WithSecrets adds what another installation needs to go on without anybody noticing: password hashes, seeds of apps, hashes
	// of backup codes. The console has no such thing (I15): only who holds the database can have them anyway.
	WithSecrets bool
	// Progress hears how many accounts are written.
	Progress func(accounts int64)
}

// Export writes every account in the form that [Service.Import] reads. Passkeys are left out, as they belong to the domain that
// they were made for. It fails with [mfa.ErrNoKey] if a seed is to be written and there is no key to open it with.
func (s *Service) Export(ctx context.Context, actor Actor, to io.Writer, o ExportOptions) (written int64, err error) {
	need := mayManageCustomers | maySeeAddresses
	if o.Operators {
		need |= mayManageOperators
	}
	if o.WithSecrets && !actor.system {
		return 0, s.record(ctx, s.now(), audit.Event{Type: audit.AccountExport, Actor: actor.audit()}, &refusal{err: ErrForbidden, word: wordRight})
	}
	event := audit.Event{Type: audit.AccountExport, Data: map[string]string{
		"operators": strconv.FormatBool(o.Operators), "secrets": strconv.FormatBool(o.WithSecrets),
	}}
	// Written down before the first account leaves.
	if _, err := s.act(ctx, actor, need, event, func(w *work) error { w.event.Data = event.Data; return nil }); err != nil {
		return 0, err
	}
	file, err := account.NewRecordWriter(to, o.Format)
	if err != nil {
		return 0, err
	}
	kinds := []string{account.KindStore}
	if o.Operators {
		kinds = append(kinds, account.KindOperator)
	}
	for _, kind := range kinds {
		for after, more := "", true; more; {
			page, err := s.exportPage(ctx, kind, after, o.WithSecrets)
			if err != nil {
				return written, err
			}
			for i := range page.records {
				if err := file.Write(&page.records[i]); err != nil {
					return written, err
				}
				written++
			}
			if o.Progress != nil {
				o.Progress(written)
			}
			after, more = page.last, len(page.records) == exportPage
		}
	}
	return written, file.Flush()
}

type exportedPage struct {
	records []account.Record
	last    string
}

// exportPage reads accounts of a kind, in the order of their login IDs, with their factors and backup codes.
func (s *Service) exportPage(ctx context.Context, kind, after string, secrets bool) (exportedPage, error) {
	q := s.db.Read()
	rows, err := q.ListExportAccounts(ctx, store.ListExportAccountsParams{Kind: kind, AfterKey: after, PageSize: exportPage})
	if err != nil {
		return exportedPage{}, fmt.Errorf("list accounts: %w", err)
	}
	if len(rows) == 0 {
		return exportedPage{}, nil
	}
	page := exportedPage{last: rows[len(rows)-1].Account.LoginKey}
	factors, err := q.ListExportFactors(ctx, store.ListExportFactorsParams{Kind: kind, AfterKey: after, LastKey: page.last})
	if err != nil {
		return exportedPage{}, fmt.Errorf("list factors: %w", err)
	}
	of := map[store.AccountID][]store.Factor{}
	for _, f := range factors {
		of[f.AccountID] = append(of[f.AccountID], f)
	}
	codes := map[store.AccountID][]string{}
	if secrets {
		list, err := q.ListExportCodes(ctx, store.ListExportCodesParams{Kind: kind, AfterKey: after, LastKey: page.last})
		if err != nil {
			return exportedPage{}, fmt.Errorf("list backup codes: %w", err)
		}
		for _, c := range list {
			codes[c.AccountID] = append(codes[c.AccountID], mfa.ExportedCode(c.Selector, c.CodeHash))
		}
	}
	for _, row := range rows {
		r := exportedAccount(row)
		r.BackupCodeHashes = strings.Join(codes[row.Account.ID], " ")
		if secrets {
			r.PasswordHash = row.Account.PasswordHash
		}
		if err := s.exportFactors(&r, of[row.Account.ID], secrets); err != nil {
			return exportedPage{}, err
		}
		page.records = append(page.records, r)
	}
	return page, nil
}

// exportedAccount is the record of an account without secrets and factors.
func exportedAccount(row store.ListExportAccountsRow) account.Record {
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	a := row.Account
	return account.Record{
		CustomerCode: text(row.CustomerCode), CustomerName: text(row.CustomerName), UserGroup: text(row.UserGroup),
		Kind: a.Kind, LoginID: a.LoginID, DisplayName: a.DisplayName, RegisteredEmail: a.RegisteredEmail, Role: a.Role,
		TwoFactor: a.TwoFactor, Disabled: strconv.FormatBool(a.DisabledAt != nil), ExternalID: text(row.ExternalID),
	}
}

// exportFactors adds the factors of an account, main one first, as far as they can be moved.
func (s *Service) exportFactors(r *account.Record, factors []store.Factor, secrets bool) error {
	n := 0
	for _, f := range factors {
		method := mfa.ImportedMethod(signin.Method(f.Kind))
		if method == "" || n == len(r.Factors) {
			continue
		}
		r.Factors[n] = account.RecordFactor{Method: method, Address: f.Address, VerifiedAt: account.FormatVerifiedAt(f.VerifiedAt)}
		n++
		if signin.Method(f.Kind) != signin.TOTP || !secrets {
			continue
		}
		seed, err := s.imports.Seed(f)
		if err != nil {
			return err
		}
		r.TOTPSecret = seed
	}
	return nil
}

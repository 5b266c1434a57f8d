package admin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

// imported is the part of a row that is about second factors.
type imported = mfa.Imported

// check says everything that is wrong with a row as such.
func (r *importRun) check(row *importRow) {
	record := row.record
	row.in, row.refused = r.accounts.CheckRecord(record, r.o.Operators)
	text := mfa.ImportedText{Seed: record.TOTPSecret, Codes: record.BackupCodeHashes, PlainCodes: record.BackupCodes}
	for i, f := range record.Factors {
		factor := mfa.ImportedFactorText{Method: f.Method, Address: f.Address}
		if f.VerifiedAt != "" {
			at, reason := account.ParseVerifiedAt(f.VerifiedAt, r.zone, r.Service.now())
			if reason != "" {
				row.refused = append(row.refused, record.Finding(account.FactorColumn(account.ColumnVerifiedAt, i), reason))
				at = time.Unix(0, 0) // one reason is enough
			}
			factor.VerifiedAt = at
		}
		text.Factors = append(text.Factors, factor)
	}
	var problems []mfa.ImportProblem
	row.two, problems = r.imports.Check(text)
	for _, p := range problems {
		row.refused = append(row.refused, record.Finding(account.FactorColumn(p.Part, p.Factor), p.Reason))
	}
}

// hash makes hashes of a row's plain backup codes, unless the row is known. People who sign in go first.
func (r *importRun) hash(ctx context.Context, row *importRow) error {
	if len(row.two.Plain) == 0 {
		return nil
	}
	q := r.db.Read()
	var id store.AccountID
	target, err := q.GetImportTarget(ctx, store.GetImportTargetParams{Kind: row.in.Kind, LoginKey: row.in.LoginKey})
	switch {
	case errors.Is(err, store.ErrNotFound):
	case err != nil:
		return fmt.Errorf("look up account: %w", err)
	case bytes.Equal(target.RowDigest, row.record.Digest()):
		return nil
	default:
		id = target.Account.ID
	}
	const tries = 60
	for range tries {
		if err = r.imports.Hash(ctx, q, id, &row.two, r.o.DryRun); !errors.Is(err, account.ErrBusy) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
	return err
}

// rowPlan is what an import would do for a row.
type rowPlan struct {
	refused, notes []account.Finding

	create bool
	// acc is the account as it is, former what the last import said of it.
	acc    store.Account
	former store.GetImportTargetRow
	// What is changed of it.
	profile, move, external, password, on, disable bool
	factors                                        mfa.ImportPlan
}

// changes says whether the plan changes an account.
func (p rowPlan) changes() bool {
	return p.profile || p.move || p.external || p.disable || p.credentials()
}

// credentials says whether it changes what the account signs in with, which ends everything it holds (I11).
func (p rowPlan) credentials() bool { return p.password || p.on || p.factors.Changes() }

// plan compares a row with the account of its login ID.
func (r *importRun) plan(ctx context.Context, q *store.Queries, tx *store.Tx, row *importRow, enforced map[string]bool) (rowPlan, error) {
	in := row.in
	var p rowPlan
	switch target := row.target; {
	case target == nil:
		p.create = true
		p.acc.ID = store.NewID[store.AccountID]()
	case bytes.Equal(target.RowDigest, row.record.Digest()):
		return p, nil
	default:
		p.acc, p.former = target.Account, *target
		if tx != nil {
			// As it is and stays, whoever else is at it.
			var err error
			if p.acc, err = tx.HoldAccount(ctx, target.Account.ID); err != nil {
				return p, fmt.Errorf("hold account: %w", err)
			}
		}
	}
	refuse := func(column, reason string) { p.refused = append(p.refused, row.record.Finding(column, reason)) }
	if !r.planPlace(row, &p) {
		refuse(account.ColumnCustomerName, reasonNoCustomer)
	}
	if p.create && in.TwoFactor == account.TwoFactorDont && enforced[in.Kind] {
		refuse(account.ColumnTwoFactor, reasonEnforced)
	}
	var err error
	if p.factors, err = r.imports.Plan(ctx, q, p.acc.ID, row.two, p.create, r.o.ReplaceFactors); err != nil {
		return p, err
	}
	if p.factors.SeedMissing {
		refuse(account.ColumnTOTPSecret, mfa.ReasonSeedMissing)
	}
	if p.factors.Kept {
		p.notes = append(p.notes, row.record.Note(account.ColumnMethod, reasonFactorsKept))
	}
	if !p.create {
		r.planUpdate(row, &p)
		if err := r.planGuarded(ctx, q, row, &p); err != nil {
			return p, err
		}
		if column := r.beyond(in, p); column != "" {
			refuse(column, reasonNoRight)
		}
		if p.acc.Frozen(r.now) && p.changes() {
			refuse(account.ColumnLoginID, reasonFrozen)
		}
	}
	if r.told(p) && r.imports.Note == nil {
		refuse(account.ColumnMethod, reasonNobodyTold)
	}
	return p, nil
}

// told says whether the owner is to hear of a plan: what they set up here is in nobody's hand but theirs.
func (r *importRun) told(p rowPlan) bool {
	return r.o.ReplaceFactors && !p.create && p.factors.Changes()
}

// planUpdate finds what of an account that exists is to be changed. What opens an account wider than it is now is not.
func (r *importRun) planUpdate(row *importRow, p *rowPlan) {
	in, acc := row.in, p.acc
	keep := func(column, reason string) { p.notes = append(p.notes, row.record.Note(column, reason)) }
	if in.Kind == account.KindOperator && in.Role != acc.Role {
		keep(account.ColumnRole, reasonOperatorKept)
		row.in.Role = acc.Role
	} else if row.record.Role == "" {
		row.in.Role = acc.Role
	}
	p.profile = in.Name != acc.DisplayName || in.Email != acc.RegisteredEmail || row.in.Role != acc.Role
	p.external = in.ExternalID != "" && (p.former.ExternalID == nil || *p.former.ExternalID != in.ExternalID)
	switch {
	case in.TwoFactor == account.TwoFactorUse && acc.TwoFactor != in.TwoFactor:
		p.on = true
	case in.TwoFactor == account.TwoFactorDont && acc.TwoFactor != in.TwoFactor:
		keep(account.ColumnTwoFactor, reasonSwitchKept)
	}
	if in.Password != "" && string(in.Password) != acc.PasswordHash && !bytes.Equal(in.HashDigest(), p.former.HashDigest) {
		// A password that was given or chosen here stays; what an import brought follows the import.
		if p.password = acc.PasswordChangedAt == nil && p.former.RowDigest != nil; !p.password {
			keep(account.ColumnPasswordHash, reasonPasswordKept)
		}
	}
	if in.Disabled != nil && *in.Disabled != (acc.DisabledAt != nil) {
		switch {
		case in.Kind == account.KindOperator:
			keep(account.ColumnDisabled, reasonOperatorKept)
		case *in.Disabled:
			p.disable = true
		default:
			keep(account.ColumnDisabled, reasonDisabledKept)
		}
	}
}

// beyond is the column of what a plan changes of a customer's account and the operator could not change in the console either: a file is no
// way around their rights. Whoever has them imports the row another time.
func (r *importRun) beyond(in account.ImportedAccount, p rowPlan) (column string) {
	if r.actor.system || in.Kind != account.KindStore {
		return ""
	}
	switch may := r.may; {
	case p.password && !may.has(maySetPasswords):
		return account.ColumnPasswordHash
	case p.factors.Changes() && !may.has(mayReset):
		return account.ColumnMethod
	case p.on && !may.has(mayReset):
		return account.ColumnTwoFactor
	case p.disable && !may.has(mayEditAccounts):
		return account.ColumnDisabled
	case p.profile && !may.has(mayEditAccounts):
		return account.ColumnDisplayName
	}
	return ""
}

// planGuarded keeps what a second operator would have to approve of: a file is no way around them.
func (r *importRun) planGuarded(ctx context.Context, q *store.Queries, row *importRow, p *rowPlan) error {
	address := row.in.Email != p.acc.RegisteredEmail
	if r.actor.system || !address && !p.password && !p.factors.Changes() {
		return nil
	}
	surface, err := q.GetSurface(ctx, signin.SurfaceOf(p.acc.Kind))
	if err != nil {
		return fmt.Errorf("load surface: %w", err)
	}
	if !p.acc.Approval && !surface.Approval {
		return nil
	}
	keep := func(column string) { p.notes = append(p.notes, row.record.Note(column, reasonApprovalKept)) }
	if address {
		keep(account.ColumnEmail)
		row.in.Email = p.acc.RegisteredEmail
		p.profile = row.in.Name != p.acc.DisplayName || row.in.Role != p.acc.Role
	}
	if p.password {
		keep(account.ColumnPasswordHash)
		p.password = false
	}
	if p.factors.Changes() {
		keep(account.ColumnMethod)
		p.factors = mfa.ImportPlan{}
	}
	return nil
}

// planPlace finds the user group of a row, and whether the account moves to it. It reports false for a customer that is not there
// and cannot be made.
func (r *importRun) planPlace(row *importRow, p *rowPlan) bool {
	in := row.in
	if in.Kind != account.KindStore {
		return true
	}
	place, known := r.places[placeKey(in)]
	if !known {
		p.move = !p.create
		_, there := r.customers[in.Customer.Code]
		return there || in.Customer.Name != "" || r.planned[in.Customer.Code]
	}
	p.move = !p.create && (p.acc.UserGroupID == nil || *p.acc.UserGroupID != place.group)
	return true
}

// lookUpPlaces finds the customers and user groups of rows: those that are not at hand, the customers at once, then the groups.
func (r *importRun) lookUpPlaces(ctx context.Context, q *store.Queries, tx *store.Tx, rows []importRow) error {
	const most = 10_000 // a file goes through its customers one after the other, so that few are needed at once
	if len(r.places) > most {
		clear(r.places)
	}
	clear(r.customers)
	var customers, groups []func(tx *store.Tx) error
	missing := map[string]account.ImportedAccount{}
	asked := map[string]bool{}
	for _, row := range rows {
		in := row.in
		if _, known := r.places[placeKey(in)]; known || len(row.refused) > 0 || in.Kind != account.KindStore {
			continue
		}
		missing[placeKey(in)] = in
		if asked[in.Customer.Code] {
			continue
		}
		asked[in.Customer.Code] = true
		customers = append(customers, func(tx *store.Tx) error {
			c, err := tx.GetCustomerByCode(ctx, in.Customer.Code)
			if err == nil {
				r.customers[in.Customer.Code] = c
			}
			return unlessMissing(err)
		})
	}
	if err := allAtOnce(ctx, q, tx, customers); err != nil {
		return fmt.Errorf("find customers: %w", err)
	}
	for _, in := range missing {
		c, there := r.customers[in.Customer.Code]
		if !there {
			continue
		}
		groups = append(groups, func(tx *store.Tx) error {
			g, err := tx.GetUserGroupByName(ctx, store.GetUserGroupByNameParams{CustomerID: c.ID, Name: in.Group})
			if err == nil {
				r.places[placeKey(in)] = importPlace{group: g.ID, customer: c.Name}
			}
			return unlessMissing(err)
		})
	}
	if err := allAtOnce(ctx, q, tx, groups); err != nil {
		return fmt.Errorf("find user groups: %w", err)
	}
	return nil
}

// unlessMissing is an error other than that something is not there.
func unlessMissing(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// makePlaces makes the customers and user groups that rows name and that are not there, all at once.
func (r *importRun) makePlaces(ctx context.Context, tx *store.Tx, todo []importStep) error {
	names := map[string]string{} // a row may leave its customer's name to another one
	for _, step := range todo {
		if in := step.row.in; in.Customer.Name != "" {
			names[in.Customer.Code] = in.Customer.Name
		}
	}
	var steps []func(tx *store.Tx) error
	for _, step := range todo {
		in := step.row.in
		if _, known := r.places[placeKey(in)]; known || in.Kind != account.KindStore {
			continue
		}
		c, there := r.customers[in.Customer.Code]
		if !there {
			var err error
			if c, err = r.accounts.NewCustomer(account.CustomerInput{Code: in.Customer.Code, Name: names[in.Customer.Code]}); err != nil {
				return fmt.Errorf("import line %d: %w", step.row.record.Line, err)
			}
			r.customers[in.Customer.Code] = c
			steps = append(steps, func(tx *store.Tx) error { return r.accounts.InsertImportedCustomer(ctx, tx, c) })
			if err := r.audit(ctx, tx, step.row, audit.Event{Type: audit.CustomerCreate, Target: customerName(c)}); err != nil {
				return err
			}
		}
		g, err := r.accounts.NewUserGroup(c.ID, in.Group)
		if err != nil {
			return fmt.Errorf("import line %d: %w", step.row.record.Line, err)
		}
		r.places[placeKey(in)] = importPlace{group: g.ID, customer: c.Name}
		steps = append(steps, func(tx *store.Tx) error { return r.accounts.InsertImportedGroup(ctx, tx, g) })
		if err := r.audit(ctx, tx, step.row, audit.Event{Type: audit.UserGroupCreate, Target: c.Name + " / " + g.Name}); err != nil {
			return err
		}
	}
	if err := tx.Pipeline(ctx, steps...); err != nil {
		return fmt.Errorf("create customers: %w", err)
	}
	return nil
}

// audit writes what was done for a row.
func (r *importRun) audit(ctx context.Context, tx *store.Tx, row *importRow, e audit.Event) error {
	if e.Data == nil {
		e.Data = map[string]string{}
	}
	e.Data["import"], e.Data["line"] = string(r.job), strconv.Itoa(row.record.Line)
	e.Actor, e.Result = r.actor.audit(), audit.Success
	return audit.Write(ctx, tx, r.now, e)
}

// apply carries a plan out. What makes a new account is left to the caller, so that many can be made at once; what is returned is
// the audit row for the account.
func (r *importRun) apply(ctx context.Context, tx *store.Tx, row *importRow, p rowPlan) (create func(tx *store.Tx) error, e audit.Event, err error) {
	place := r.places[placeKey(row.in)]
	acc := p.acc
	e = audit.Event{Type: audit.AccountUpdate, Account: acc.ID, Target: row.in.LoginID, Data: map[string]string{}}
	if place.customer != "" {
		e.Target = place.customer + " / " + row.in.LoginID
	}
	if p.create {
		e.Type = audit.AccountCreate
		acc = r.accounts.NewImported(p.acc.ID, row.in, place.group)
		e.Data["kind"], e.Data["role"], e.Data["two_factor"] = acc.Kind, acc.Role, acc.TwoFactor
	} else if err := r.update(ctx, tx, row, p, place, e.Data); err != nil {
		return nil, e, err
	}
	for name, methods := range map[string][]string{"factors": methodNames(p.factors.Methods), "removed": methodNames(p.factors.Removed)} {
		if len(methods) > 0 {
			e.Data[name] = strings.Join(methods, " ")
		}
	}
	digest := row.in.HashDigest()
	if !p.create && !p.password && p.former.HashDigest != nil {
		digest = p.former.HashDigest
	}
	external := row.in.ExternalID
	if external == "" && p.former.ExternalID != nil {
		external = *p.former.ExternalID
	}
	note := func(tx *store.Tx) error {
		if err := tx.UpsertAccountImport(ctx, store.UpsertAccountImportParams{
			AccountID: acc.ID, ExternalID: external, RowDigest: row.record.Digest(), HashDigest: digest, JobID: r.job, Now: r.now,
		}); err != nil {
			return fmt.Errorf("note import: %w", err)
		}
		return nil
	}
	if !p.create {
		return nil, e, note(tx)
	}
	return func(tx *store.Tx) error {
		if err := r.accounts.InsertImported(ctx, tx, acc); err != nil {
			return err
		}
		if err := r.imports.Apply(ctx, tx, r.now, acc.ID, p.factors); err != nil {
			return err
		}
		return note(tx)
	}, e, nil
}

// update carries a plan out on an account that exists.
func (r *importRun) update(ctx context.Context, tx *store.Tx, row *importRow, p rowPlan, place importPlace, data map[string]string) error {
	in, acc := row.in, p.acc
	if p.credentials() {
		if err := r.changeCredentials(ctx, tx, row, p, data); err != nil {
			return err
		}
	}
	if p.profile {
		after, err := r.accounts.Update(ctx, tx, acc.ID, account.Profile{DisplayName: in.Name, Role: in.Role, RegisteredEmail: in.Email})
		if err != nil {
			return err
		}
		maps.Copy(data, changes("name", acc.DisplayName, in.Name, "email", templates.MaskEmail(acc.RegisteredEmail), templates.MaskEmail(in.Email), "role", acc.Role, in.Role))
		if r.Service.factors != nil {
			if err := r.Service.factors.NoteRegisteredChange(ctx, tx, acc, after, r.now); err != nil {
				return err
			}
		}
	}
	if p.move {
		if _, err := tx.SetAccountGroup(ctx, store.SetAccountGroupParams{UserGroupID: &place.group, Now: r.now, ID: acc.ID}); err != nil {
			return fmt.Errorf("move account: %w", err)
		}
		data["moved"] = "true"
	}
	if p.disable {
		if _, err := r.accounts.SetDisabled(ctx, tx, acc.ID, true); err != nil {
			return err
		}
		data["disabled"] = "true"
	}
	return nil
}

// changeCredentials changes what an account signs in with and ends everything it holds, in the order of locks that
// [store.Tx.EndAccount] names.
func (r *importRun) changeCredentials(ctx context.Context, tx *store.Tx, row *importRow, p rowPlan, data map[string]string) error {
	acc := p.acc
	if _, err := tx.BeginChange(ctx, r.now, acc); err != nil {
		return err
	}
	if p.password {
		if _, err := tx.SetImportedPassword(ctx, store.SetImportedPasswordParams{
			PasswordHash: string(row.in.Password), Now: r.now, ID: acc.ID,
		}); err != nil {
			return fmt.Errorf("set password: %w", err)
		}
		data["password"] = "true"
	}
	if p.on {
		if _, err := tx.SetTwoFactor(ctx, store.SetTwoFactorParams{
			TwoFactor: account.TwoFactorUse, Now: r.now, ID: acc.ID, Former: acc.TwoFactor,
		}); err != nil {
			return fmt.Errorf("set two-factor switch: %w", err)
		}
		data["two_factor.from"], data["two_factor.to"] = acc.TwoFactor, account.TwoFactorUse
	}
	if _, err := tx.VoidAccountTickets(ctx, store.VoidAccountTicketsParams{AccountID: acc.ID, Now: &r.now}); err != nil {
		return fmt.Errorf("void tickets: %w", err)
	}
	if err := tx.EndCodes(ctx, r.now, acc.ID); err != nil {
		return err
	}
	if err := r.imports.Apply(ctx, tx, r.now, acc.ID, p.factors); err != nil {
		return err
	}
	if r.told(p) {
		if err := r.imports.Note(ctx, tx, r.now, acc, p.factors); err != nil {
			return err
		}
	}
	return tx.EndAccess(ctx, r.now, acc.ID, store.Keep{})
}

// methodNames are the methods as the log has them.
func methodNames(methods []signin.Method) []string {
	out := make([]string, 0, len(methods))
	for _, m := range methods {
		out = append(out, string(m))
	}
	return out
}

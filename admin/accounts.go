package admin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

// Account is an account with what its pages show.
type Account struct {
	store.Account
	// Group and Customer are where a store account belongs; nil for operators.
	Group    *store.UserGroup
	Customer *store.Customer
	// Enforced is whether the account's surface demands a second factor whatever its switch says.
	Enforced bool
	// Guarded is whether opening it takes a second operator, by its own choice or that of its surface.
	Guarded bool
	// Status is what is set up, addresses whole (M5 to M7).
	Status mfa.Status
	// Sessions counts the live sessions.
	Sessions int
	// Consents are what the person allows applications of others, the latest first.
	Consents []store.ListConsentsRow
	// Pass is the pass that is still open; nil if there is none.
	Pass *store.Pass
	// Shown is the field whose address the actor was just shown whole; see [Service.Unmask].
	Shown string
}

// Account returns one account, or [store.ErrNotFound], also for an id that cannot exist and for an operator that the actor may
// not see.
func (s *Service) Account(ctx context.Context, actor Actor, id store.AccountID) (Account, error) {
	if s.factors == nil {
		return Account{}, errNoFactors
	}
	acc, err := s.AccountRow(ctx, actor, id)
	if err != nil {
		return Account{}, err
	}
	q, v := s.db.Read(), Account{Account: acc}
	if acc.UserGroupID != nil {
		place, err := q.GetAccountPlace(ctx, *acc.UserGroupID)
		if err != nil {
			return Account{}, fmt.Errorf("load user group: %w", err)
		}
		v.Group, v.Customer = &place.UserGroup, &place.Customer
	}
	surface, err := q.GetSurface(ctx, signin.SurfaceOf(acc.Kind))
	if err != nil {
		return Account{}, fmt.Errorf("load surface: %w", err)
	}
	v.Enforced, v.Guarded = surface.Enforced, acc.Approval || surface.Approval
	if v.Status, err = s.factors.Status(ctx, q, acc.ID); err != nil {
		return Account{}, err
	}
	now := s.now()
	idleSince := orEpoch(time.Time{})
	if idle := s.idle[acc.Kind]; idle > 0 {
		idleSince = now.Add(-idle)
	}
	sessions, err := q.ListSessions(ctx, store.ListSessionsParams{
		AccountID: acc.ID, Now: now, IdleSince: idleSince, CredentialEpoch: acc.CredentialEpoch,
	})
	if err != nil {
		return Account{}, fmt.Errorf("list sessions: %w", err)
	}
	v.Sessions = len(sessions)
	if v.Consents, err = q.ListConsents(ctx, acc.ID); err != nil {
		return Account{}, fmt.Errorf("list consents: %w", err)
	}
	v.Pass, err = s.openPass(ctx, acc.ID)
	return v, err
}

// AccountRow is Account without what is set up; the row lacks the password's hash.
func (s *Service) AccountRow(ctx context.Context, actor Actor, id store.AccountID) (store.Account, error) {
	actor, err := s.viewer(ctx, actor, mayView)
	if err != nil {
		return store.Account{}, err
	}
	acc, err := s.accounts.ByID(ctx, id)
	if err != nil {
		return store.Account{}, err
	}
	if acc.Kind == account.KindOperator {
		if err := s.view(ctx, actor, mayManageOperators); err != nil {
			return store.Account{}, hidden(err)
		}
	}
	acc.PasswordHash = ""
	return acc, nil
}

// hidden makes what may not be seen look like what does not exist.
func hidden(err error) error {
	if errors.Is(err, ErrForbidden) {
		return store.ErrNotFound
	}
	return err
}

// NewAccount is what a form says of a new account.
type NewAccount struct {
	LoginID, DisplayName, RegisteredEmail string
	// Role is one of the roles of the account's kind.
	Role     string
	Password string
	// TwoFactor is the switch; use if empty.
	TwoFactor string
}

// CreateAccount adds a store account to a user group. It fails with an [account.ValidationError], [account.ErrBusy],
// [store.ErrNotFound], or [ErrEnforced] for 利用しない while the account's surface is enforced (M11).
func (s *Service) CreateAccount(ctx context.Context, actor Actor, group store.UserGroupID, in NewAccount) (store.Account, error) {
	return s.create(ctx, actor, mayManageCustomers, account.KindStore, group, in)
}

// CreateOperator adds an operator, who can do no more than the actor can. It fails like [Service.CreateAccount].
func (s *Service) CreateOperator(ctx context.Context, actor Actor, in NewAccount) (store.Account, error) {
	return s.create(ctx, actor, mayManageOperators, account.KindOperator, "", in)
}

func (s *Service) create(ctx context.Context, actor Actor, need rights, kind string, group store.UserGroupID, form NewAccount) (store.Account, error) {
	event := audit.Event{Type: audit.AccountCreate}
	in := account.NewAccount{
		Kind: kind, LoginID: form.LoginID, DisplayName: form.DisplayName, Role: form.Role, RegisteredEmail: form.RegisteredEmail,
		UserGroupID: group, TwoFactor: form.TwoFactor,
	}
	// Hashing takes a while: it is worth nothing to somebody who may not, and is not done inside of a transaction.
	_, err := s.act(ctx, actor, need, event, func(w *work) error {
		if err := mayCreate(ctx, w, in); err != nil {
			return err
		}
		return errUnchanged
	})
	if err != nil {
		return store.Account{}, err
	}
	if err := s.accounts.Check(ctx, in, form.Password); err != nil {
		return store.Account{}, err
	}
	if in.Password, err = s.accounts.HashPassword(ctx, form.Password, in.Owner()); err != nil {
		return store.Account{}, err
	}
	var made store.Account
	_, err = s.act(ctx, actor, need, event, func(w *work) (err error) {
		made, err = s.createAccount(ctx, w, in)
		return err
	})
	if err != nil {
		return store.Account{}, err
	}
	return made, nil
}

// createAccount is the work of [Service.create], with the password hashed.
func (s *Service) createAccount(ctx context.Context, w *work, in account.NewAccount) (store.Account, error) {
	if in.Kind == account.KindOperator {
		if err := s.holdOperators(ctx, w); err != nil {
			return store.Account{}, err
		}
	}
	if err := mayCreate(ctx, w, in); err != nil {
		return store.Account{}, err
	}
	made, err := s.accounts.Create(ctx, w.tx, in)
	if err != nil {
		return store.Account{}, err
	}
	w.event.Account = made.ID
	w.event.Data = map[string]string{"kind": in.Kind, "role": made.Role, "two_factor": made.TwoFactor}
	w.event.Target, err = targetName(ctx, w.tx.Queries, made)
	return made, err
}

// mayCreate checks what a new account's form cannot correct: its place, the actor's power over it, and enforcement.
func mayCreate(ctx context.Context, w *work, in account.NewAccount) error {
	if in.Kind == account.KindOperator && !w.actor.rights().has(w.actor.rightsOf(in.Role)) {
		return &refusal{err: ErrForbidden, word: wordRight}
	}
	if in.Kind == account.KindStore {
		if !store.ValidID(string(in.UserGroupID)) {
			return store.ErrNotFound
		}
		group, err := w.tx.GetUserGroup(ctx, in.UserGroupID)
		if err != nil {
			return fmt.Errorf("load user group: %w", err)
		}
		if err := w.within(group.CustomerID); err != nil {
			return err
		}
	}
	if in.TwoFactor == account.TwoFactorDont {
		return holdOff(ctx, w, in.Kind)
	}
	return nil
}

// holdOff lets an account of a kind do without a second factor until the transaction ends, unless its surface demands one (M11):
// enforcement switched on beside this comes before it or after it, never in between (I16).
func holdOff(ctx context.Context, w *work, kind string) error {
	surface, err := w.tx.HoldSurface(ctx, signin.SurfaceOf(kind))
	if err != nil {
		return fmt.Errorf("hold surface: %w", err)
	}
	if surface.Enforced {
		return &refusal{err: ErrEnforced, word: wordEnforced}
	}
	return nil
}

// UpdateAccount changes the profile of an account that the actor saw at a version. An operator's role can be set to what the
// actor may do, and by nobody for themselves. It fails with an [account.ValidationError], [ErrConflict] or
// [store.ErrNotFound], and reports whether anything was changed.
func (s *Service) UpdateAccount(ctx context.Context, actor Actor, id store.AccountID, version time.Time, in account.Profile) (bool, error) {
	changed, err := s.act(ctx, actor, mayView, audit.Event{Type: audit.AccountUpdate}, func(w *work) error {
		return s.updateAccount(ctx, w, id, version, in)
	})
	if changed && s.outbox != nil {
		s.outbox.Wake()
	}
	return changed, err
}

// updateAccount is the work of [Service.UpdateAccount].
func (s *Service) updateAccount(ctx context.Context, w *work, id store.AccountID, version time.Time, in account.Profile) error {
	former, err := w.target(ctx, id, mayEditAccounts)
	if err != nil {
		return err
	}
	if former.Kind == account.KindOperator && in.Role != former.Role {
		if w.actor.is(id) {
			return &refusal{err: ErrOwnAccount, word: wordOwn}
		}
		if err := s.holdOperators(ctx, w); err != nil {
			return err
		}
		if mine := w.actor.rights(); !mine.has(w.actor.rightsOf(in.Role)) || !mine.has(w.actor.rightsOf(former.Role)) {
			return &refusal{err: ErrForbidden, word: wordRight}
		}
		if err := w.keepManager(ctx, former, in.Role); err != nil {
			return err
		}
	}
	if in.RegisteredEmail == "" && !w.actor.rights().has(maySeeAddresses) {
		in.RegisteredEmail = former.RegisteredEmail // they were not shown it, and left the field alone
	}
	n, err := w.tx.ClaimAccount(ctx, store.ClaimAccountParams{ID: id, Version: orEpoch(version), Now: w.now})
	if err := claimed(n, err); err != nil {
		return err
	}
	acc, err := s.accounts.Update(ctx, w.tx, id, in)
	if err != nil {
		return err
	}
	if acc.DisplayName == former.DisplayName && acc.RegisteredEmail == former.RegisteredEmail && acc.Role == former.Role {
		return errUnchanged
	}
	if acc.RegisteredEmail != former.RegisteredEmail {
		if err := s.allowAddress(ctx, w, former, acc); err != nil {
			return err
		}
	}
	w.event.Data = changes("name", former.DisplayName, acc.DisplayName, "role", former.Role, acc.Role)
	if acc.RegisteredEmail != former.RegisteredEmail {
		// Masked: the log outlives the address, and not everybody who reads it may see addresses.
		w.event.Data["email.from"] = templates.MaskEmail(former.RegisteredEmail)
		w.event.Data["email.to"] = templates.MaskEmail(acc.RegisteredEmail)
	}
	if s.factors == nil {
		return nil
	}
	return s.factors.NoteRegisteredChange(ctx, w.tx, former, acc, w.now)
}

// holdOperators lets nobody else take an operator's power away until the transaction ends, and looks again whether the actor
// still has theirs: two administrators who disable each other at the same moment must not both succeed.
func (s *Service) holdOperators(ctx context.Context, w *work) error {
	if _, err := w.tx.HoldSurface(ctx, SurfaceAdmin); err != nil {
		return fmt.Errorf("hold surface: %w", err)
	}
	var err error
	if w.actor, err = w.actor.present(ctx, w.tx.Queries, w.now); err != nil {
		return err
	}
	if !w.actor.rights().has(mayManageOperators) {
		return &refusal{err: ErrForbidden, word: wordRight}
	}
	return nil
}

// PasswordMin returns the fewest characters of a new password, for the hint beside its field.
func (s *Service) PasswordMin(owner account.PasswordOwner) int { return s.accounts.PasswordMin(owner) }

// SetPassword gives an account a new password, ends everything it holds, and tells its owner. It fails with an
// [account.ValidationError], [account.ErrBusy] or [store.ErrNotFound].
func (s *Service) SetPassword(ctx context.Context, actor Actor, id store.AccountID, password string) error {
	event := audit.Event{Type: audit.PasswordSet}
	// As in create: the right before the work.
	var owner account.PasswordOwner
	_, err := s.act(ctx, actor, mayView, event, func(w *work) error {
		acc, err := w.target(ctx, id, maySetPasswords)
		if err != nil {
			return err
		}
		owner = account.OwnerOf(acc)
		if err := s.allow(ctx, w, id, Proposal{Act: ActPassword}); err != nil {
			return err
		}
		return errUnchanged
	})
	if err != nil {
		return err
	}
	hash, err := s.accounts.HashPassword(ctx, password, owner)
	if err != nil {
		return err
	}
	_, err = s.act(ctx, actor, mayView, event, func(w *work) error {
		return s.setPassword(ctx, w, id, hash)
	})
	if err == nil && s.passwords != nil {
		s.outbox.Wake()
	}
	return err
}

// setPassword is the work of [Service.SetPassword], with the password hashed.
func (s *Service) setPassword(ctx context.Context, w *work, id store.AccountID, hash account.PasswordHash) error {
	acc, err := w.target(ctx, id, maySetPasswords)
	if err != nil {
		return err
	}
	if err := w.unfrozen(ctx, id); err != nil {
		return err
	}
	if err := s.allow(ctx, w, id, Proposal{Act: ActPassword}); err != nil {
		return err
	}
	if err := s.accounts.SetPassword(ctx, w.tx, id, hash); err != nil || s.passwords == nil {
		return err
	}
	return s.passwords.NoteSet(ctx, w.tx, acc, w.now)
}

// SetDisabled disables an account, which ends everything it holds, or enables it again. It reports whether that was a change.
func (s *Service) SetDisabled(ctx context.Context, actor Actor, id store.AccountID, disabled bool) (bool, error) {
	event := audit.Event{Type: audit.AccountEnable}
	if disabled {
		event.Type = audit.AccountDisable
	}
	return s.act(ctx, actor, mayView, event, func(w *work) error {
		return s.setDisabled(ctx, w, id, disabled)
	})
}

// setDisabled is the work of [Service.SetDisabled].
func (s *Service) setDisabled(ctx context.Context, w *work, id store.AccountID, disabled bool) error {
	acc, err := w.other(ctx, id, mayEditAccounts)
	if err != nil {
		return err
	}
	if acc.Kind == account.KindOperator {
		if err := s.holdOperators(ctx, w); err != nil {
			return err
		}
		if disabled {
			if err := w.keepManager(ctx, acc, ""); err != nil {
				return err
			}
		}
	}
	changed, err := s.accounts.SetDisabled(ctx, w.tx, id, disabled)
	if err == nil && !changed {
		return errUnchanged
	}
	return err
}

// OperatorPage is one page of operators.
type OperatorPage struct {
	Rows  []store.ListAccountsByKindRow
	Total int64
	// Next is the login ID to continue after; empty at the end.
	Next string
}

// ListOperators returns a page of operators in the order of their login IDs, starting after one; after "" with the first.
func (s *Service) ListOperators(ctx context.Context, actor Actor, after string) (OperatorPage, error) {
	if err := s.view(ctx, actor, mayManageOperators); err != nil {
		return OperatorPage{}, err
	}
	total, err := s.db.Read().CountAccountsByKind(ctx, account.KindOperator)
	if err != nil {
		return OperatorPage{}, fmt.Errorf("count operators: %w", err)
	}
	rows, next, err := s.accounts.Operators(ctx, after, pageSize)
	return OperatorPage{Rows: rows, Total: total, Next: next}, err
}

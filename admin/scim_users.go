package admin

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/store"
)

var (
	// errRename says that a client wants to change a login ID.
	errRename = errors.New("login ID cannot be changed")
	// errExternalID says that a client gave something the name that it gave something else.
	errExternalID = errors.New("external id is taken")
	// errScan says that what was asked for would take too long to find.
	errScan = errors.New("too many resources to look at: narrow the filter, or go on with cursor")
)

const (
	provisionedUser  = "User"
	provisionedGroup = "Group"
)

// ProvisionedUser is a store account as the client that keeps it sees it.
type ProvisionedUser struct {
	store.Account
	// Group and Customer are the names of where it belongs.
	Group, Customer string
	// ExternalID is what the client calls it; empty if nothing.
	ExternalID string
	// Methods are the second factors that are set up, the main one first.
	Methods []string
	// Required is whether a sign-in demands a second factor.
	Required bool
}

// version names the state of a user.
func (u ProvisionedUser) version() string { return version(u.UpdatedAt) }

// Expected reports whether a resource's version is one that a client will act on; nil for any.
type Expected func(version string) bool

func (e Expected) check(version string) error {
	if e != nil && !e(version) {
		return ErrConflict
	}
	return nil
}

// ProvisionQuery chooses a page of resources.
type ProvisionQuery struct {
	// Match is what is wanted; nil for all.
	Match scimFilter
	// ByCursor is whether the page begins after the resource with the id After, or at the start if that is empty; otherwise it begins
	// after the first Skip resources.
	ByCursor bool
	After    string
	Skip     int
	Count    int
}

// ProvisionPage is a page of resources.
type ProvisionPage[T any] struct {
	Rows []T
	// Total is how many there are; -1 if they were not counted.
	Total int
	// Next is the id to go on after; empty at the end, and where pages are numbered.
	Next string
}

// ProvisionedUsers returns accounts of the actor's customer. The filter is asked about what doc makes of an account.
func (s *Service) ProvisionedUsers(
	ctx context.Context, actor Actor, q ProvisionQuery, doc func(ProvisionedUser) map[string]any,
) (ProvisionPage[ProvisionedUser], error) {
	actor, err := s.provisioner(ctx, actor)
	if err != nil {
		return ProvisionPage[ProvisionedUser]{}, err
	}
	rows := resourcePager[ProvisionedUser]{
		id: func(u ProvisionedUser) string { return string(u.ID) },
		count: func() (int64, error) {
			return s.db.Read().CountProvisionedUsers(ctx, actor.client.customer)
		},
		match: func(u ProvisionedUser) bool { return q.Match == nil || q.Match.match(doc(u)) },
	}
	one, only, err := s.onlyUser(ctx, actor, q.Match)
	if err != nil {
		return ProvisionPage[ProvisionedUser]{}, err
	}
	if only {
		return rows.of(q, one), nil
	}
	email, _ := exactly(q.Match, "emails.value")
	if email == "" {
		email, _ = exactly(q.Match, "emails")
	}
	rows.fetch = func(after string, skip, limit int) ([]ProvisionedUser, error) {
		return s.listUsers(ctx, actor, store.ListProvisionedUsersParams{
			AfterID: store.AccountID(after), Skip: int32(skip), PageSize: int32(limit), Email: strings.ToLower(email),
		})
	}
	return rows.page(q)
}

// provisioner is the actor as they are now, if they keep the accounts of a customer.
func (s *Service) provisioner(ctx context.Context, actor Actor) (Actor, error) {
	actor, err := s.viewer(ctx, actor, mayView|maySeeAddresses)
	if err == nil && !actor.confined() {
		err = ErrForbidden
	}
	return actor, err
}

// onlyUser is the account that a filter can be about at most, where it names one: only is false where it does not.
func (s *Service) onlyUser(ctx context.Context, actor Actor, f scimFilter) (found []ProvisionedUser, only bool, err error) {
	q, id := s.db.Read(), ""
	if name, ok := exactly(f, "username"); ok {
		only = true
		key, valid := account.LoginKey(name)
		if !valid || key != strings.ToLower(name) {
			return nil, true, nil
		}
		acc, err := q.GetAccountByLogin(ctx, store.GetAccountByLoginParams{Kind: account.KindStore, LoginKey: key})
		if errors.Is(err, store.ErrNotFound) {
			return nil, true, nil
		}
		if err != nil {
			return nil, true, fmt.Errorf("look up login ID: %w", err)
		}
		id = string(acc.ID)
	} else if id, only, err = s.onlyID(ctx, actor, f, provisionedUser); err != nil || !only {
		return nil, only, err
	}
	u, err := s.readUser(ctx, q, actor, store.AccountID(id))
	if errors.Is(err, store.ErrNotFound) {
		return nil, only, nil
	}
	return []ProvisionedUser{u}, only, err
}

// onlyID is the id that a filter demands, by itself or by what the client calls the resource.
func (s *Service) onlyID(ctx context.Context, actor Actor, f scimFilter, kind string) (id string, only bool, err error) {
	if id, ok := exactly(f, "id"); ok {
		return id, true, nil
	}
	name, ok := exactly(f, "externalid")
	if !ok {
		return "", false, nil
	}
	id, err = s.db.Read().GetProvisionedID(ctx, store.GetProvisionedIDParams{ClientID: actor.client.id, Kind: kind, ExternalID: name})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return "", true, fmt.Errorf("look up external id: %w", err)
	}
	return id, true, nil
}

// listUsers reads accounts of the actor's customer with what belongs to them.
func (s *Service) listUsers(ctx context.Context, actor Actor, p store.ListProvisionedUsersParams) ([]ProvisionedUser, error) {
	q := s.db.Read()
	p.ClientID, p.CustomerID = actor.client.id, actor.client.customer
	rows, err := q.ListProvisionedUsers(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("list users: %w", err)
	}
	users := make([]ProvisionedUser, len(rows))
	for i, row := range rows {
		users[i] = ProvisionedUser{Account: row.Account, Group: row.GroupName, ExternalID: row.ExternalID}
	}
	return users, s.complete(ctx, q, actor, users)
}

// readUser reads one account of the actor's customer, or fails with [store.ErrNotFound].
func (s *Service) readUser(ctx context.Context, q *store.Queries, actor Actor, id store.AccountID) (ProvisionedUser, error) {
	if !store.ValidID(string(id)) {
		return ProvisionedUser{}, store.ErrNotFound
	}
	row, err := q.GetProvisionedUser(ctx, store.GetProvisionedUserParams{ClientID: actor.client.id, CustomerID: actor.client.customer, ID: id})
	if err != nil {
		return ProvisionedUser{}, err
	}
	users := []ProvisionedUser{{Account: row.Account, Group: row.GroupName, ExternalID: row.ExternalID}}
	err = s.complete(ctx, q, actor, users)
	return users[0], err
}

// complete adds to users, which are in the order of their ids, what is read for all of them at once.
func (s *Service) complete(ctx context.Context, q *store.Queries, actor Actor, users []ProvisionedUser) error {
	if len(users) == 0 {
		return nil
	}
	customer, err := q.GetCustomer(ctx, actor.client.customer)
	if err != nil {
		return fmt.Errorf("load customer: %w", err)
	}
	surface, err := q.GetSurface(ctx, SurfaceStore)
	if err != nil {
		return fmt.Errorf("load surface: %w", err)
	}
	factors, err := q.ListFactorKindsBetween(ctx, store.ListFactorKindsBetweenParams{
		CustomerID: customer.ID, FirstID: users[0].ID, LastID: users[len(users)-1].ID,
	})
	if err != nil {
		return fmt.Errorf("list factors: %w", err)
	}
	for i := range users {
		u := &users[i]
		u.PasswordHash, u.Customer = "", customer.Name
		u.Required = surface.Enforced || u.TwoFactor == account.TwoFactorUse
		for len(factors) > 0 && factors[0].AccountID <= u.ID {
			if factors[0].AccountID == u.ID {
				u.Methods = append(u.Methods, factors[0].Kind)
			}
			factors = factors[1:]
		}
	}
	return nil
}

// ProvisionedUser returns one account of the actor's customer, or [store.ErrNotFound].
func (s *Service) ProvisionedUser(ctx context.Context, actor Actor, id store.AccountID) (ProvisionedUser, error) {
	actor, err := s.provisioner(ctx, actor)
	if err != nil {
		return ProvisionedUser{}, err
	}
	return s.readUser(ctx, s.db.Read(), actor, id)
}

// UserChange is what a client says of an account; nil leaves a field as it is.
type UserChange struct {
	LoginID, Name, Email, Password, ExternalID *string
	Active                                     *bool
}

func orEmpty(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

// ProvisionUser adds an account to the user group in which those of the actor begin. Without a password it has none: its owner asks
// for the link to one. It fails with an [account.ValidationError], [account.ErrBusy] or errExternalID.
func (s *Service) ProvisionUser(ctx context.Context, actor Actor, in UserChange) (ProvisionedUser, error) {
	actor, err := s.provisioner(ctx, actor)
	if err != nil {
		return ProvisionedUser{}, err
	}
	row := account.NewAccount{
		Kind: account.KindStore, LoginID: orEmpty(in.LoginID), DisplayName: orEmpty(in.Name), RegisteredEmail: orEmpty(in.Email),
		Role: account.RoleBuyer, UserGroupID: actor.client.landing,
	}
	row.Password = s.accounts.UnusablePassword()
	if in.Password != nil {
		if err := s.accounts.Check(ctx, row, *in.Password); err != nil {
			return ProvisionedUser{}, err
		}
		if row.Password, err = s.accounts.HashPassword(ctx, *in.Password, row.Owner()); err != nil {
			return ProvisionedUser{}, err
		}
	}
	var made store.Account
	_, err = s.act(ctx, actor, mayManageCustomers, audit.Event{Type: audit.AccountCreate}, func(w *work) error {
		row.UserGroupID = w.actor.client.landing
		err := w.part(ctx, audit.AccountCreate, func(w *work) (err error) {
			made, err = s.createAccount(ctx, w, row)
			return err
		})
		if err != nil {
			return err
		}
		if orEmpty(in.ExternalID) != "" {
			if err := w.name(ctx, provisionedUser, string(made.ID), *in.ExternalID); err != nil {
				return err
			}
		}
		if in.Active == nil || *in.Active {
			return nil
		}
		return w.part(ctx, audit.AccountDisable, func(w *work) error { return s.setDisabled(ctx, w, made.ID, true) })
	})
	if err != nil {
		return ProvisionedUser{}, err
	}
	return s.ProvisionedUser(ctx, actor, made.ID)
}

// name notes what the actor calls a resource; nothing if that is empty.
func (w *work) name(ctx context.Context, kind, id, external string) error {
	client := w.actor.client.id
	if external == "" {
		_, err := w.tx.DeleteProvisionedID(ctx, store.DeleteProvisionedIDParams{ClientID: client, ResourceID: id})
		if err != nil {
			return fmt.Errorf("delete external id: %w", err)
		}
		return nil
	}
	err := w.tx.PutProvisionedID(ctx, store.PutProvisionedIDParams{ClientID: client, Kind: kind, ExternalID: external, ResourceID: id})
	if errors.Is(err, store.ErrConflict) {
		return errExternalID
	}
	if err != nil {
		return fmt.Errorf("save external id: %w", err)
	}
	return nil
}

// UpdateProvisionedUser changes an account of the actor's customer, all of it or nothing. A new password needs a scope of its own. It
// fails with an [account.ValidationError], [ErrConflict], [ErrForbidden], [ErrFrozen], [account.ErrBusy] or [store.ErrNotFound].
func (s *Service) UpdateProvisionedUser(
	ctx context.Context, actor Actor, id store.AccountID, expected Expected, in UserChange,
) (ProvisionedUser, error) {
	actor, err := s.provisioner(ctx, actor)
	if err != nil {
		return ProvisionedUser{}, err
	}
	hash, err := s.hashProvisioned(ctx, actor, id, in.Password)
	if err != nil {
		return ProvisionedUser{}, err
	}
	changed, err := s.act(ctx, actor, mayEditAccounts, audit.Event{Type: audit.AccountUpdate}, func(w *work) error {
		if _, err := w.target(ctx, id, mayEditAccounts); err != nil {
			return err
		}
		acc, err := w.tx.HoldAccount(ctx, id)
		if err != nil {
			return err
		}
		if err := expected.check(version(acc.UpdatedAt)); err != nil {
			return err
		}
		return s.change(ctx, w, acc, in, hash)
	})
	if err != nil {
		return ProvisionedUser{}, err
	}
	if changed && s.outbox != nil {
		s.outbox.Wake()
	}
	return s.ProvisionedUser(ctx, actor, id)
}

// hashProvisioned hashes the new password of an account that the actor may give one; empty if there is none.
func (s *Service) hashProvisioned(ctx context.Context, actor Actor, id store.AccountID, password *string) (account.PasswordHash, error) {
	if password == nil {
		return "", nil
	}
	var owner account.PasswordOwner
	_, err := s.act(ctx, actor, mayView, audit.Event{Type: audit.PasswordSet}, func(w *work) error {
		acc, err := w.target(ctx, id, maySetPasswords)
		if err != nil {
			return err
		}
		owner = account.OwnerOf(acc)
		return errUnchanged
	})
	if err != nil {
		return "", err
	}
	return s.accounts.HashPassword(ctx, *password, owner)
}

// change does what a client says of an account that is held.
func (s *Service) change(ctx context.Context, w *work, acc store.Account, in UserChange, hash account.PasswordHash) error {
	if in.LoginID != nil {
		if key, ok := account.LoginKey(*in.LoginID); !ok || key != acc.LoginKey {
			return errRename
		}
	}
	profiled := in.Name != nil && *in.Name != acc.DisplayName || in.Email != nil && *in.Email != acc.RegisteredEmail
	steps := []struct {
		wanted bool
		kind   audit.Type
		do     func(w *work) error
	}{
		{profiled, audit.AccountUpdate, func(w *work) error {
			profile := account.Profile{DisplayName: acc.DisplayName, RegisteredEmail: acc.RegisteredEmail, Role: acc.Role}
			if in.Name != nil {
				profile.DisplayName = *in.Name
			}
			if in.Email != nil {
				profile.RegisteredEmail = *in.Email
			}
			return s.updateAccount(ctx, w, acc.ID, acc.UpdatedAt, profile)
		}},
		{in.ExternalID != nil, audit.AccountUpdate, func(w *work) error { return s.renameForClient(ctx, w, acc.ID, *in.ExternalID) }},
		{hash != "", audit.PasswordSet, func(w *work) error { return s.setPassword(ctx, w, acc.ID, hash) }},
		{in.Active != nil && *in.Active, audit.AccountEnable, func(w *work) error { return s.setDisabled(ctx, w, acc.ID, false) }},
		{in.Active != nil && !*in.Active, audit.AccountDisable, func(w *work) error { return s.setDisabled(ctx, w, acc.ID, true) }},
	}
	for _, step := range steps {
		if !step.wanted {
			continue
		}
		if err := w.part(ctx, step.kind, step.do); err != nil {
			return err
		}
	}
	if !w.parts {
		return errUnchanged
	}
	return nil
}

// renameForClient changes what the actor calls an account.
func (s *Service) renameForClient(ctx context.Context, w *work, id store.AccountID, external string) error {
	acc, err := w.target(ctx, id, mayEditAccounts)
	if err != nil {
		return err
	}
	former, err := s.readUser(ctx, w.tx.Queries, w.actor, id)
	if err != nil {
		return err
	}
	if former.ExternalID == external {
		return errUnchanged
	}
	if err := w.name(ctx, provisionedUser, string(id), external); err != nil {
		return err
	}
	w.event.Data = changes("external_id", former.ExternalID, external)
	return claimed(w.tx.ClaimAccount(ctx, store.ClaimAccountParams{ID: id, Version: acc.UpdatedAt, Now: w.now}))
}

// DeleteProvisionedUser deletes an account of the actor's customer as [Service.DeleteAccount] does. It fails with [ErrConflict] or
// [store.ErrNotFound].
func (s *Service) DeleteProvisionedUser(ctx context.Context, actor Actor, id store.AccountID, expected Expected) error {
	_, err := s.act(ctx, actor, mayView, audit.Event{Type: audit.AccountDelete}, func(w *work) error {
		acc, err := w.target(ctx, id, mayManageCustomers)
		if err != nil {
			return err
		}
		if expected != nil {
			if acc, err = w.tx.HoldAccount(ctx, id); err != nil {
				return err
			}
		}
		if err := expected.check(version(acc.UpdatedAt)); err != nil {
			return err
		}
		return s.deleteAccount(ctx, w, id, acc.LoginID)
	})
	return err
}

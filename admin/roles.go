package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

// MaxRoles is how many roles there can be: more than that nobody tells apart on one screen.
const MaxRoles = 20

// Role is a role of operators with what it may do.
type Role struct {
	store.Role
	// Names are the names of its rights, in the order of [RightNames].
	Names []string
	// Holders counts the operators who have it.
	Holders int64
	// holds are its rights.
	holds rights
}

// Ours reports whether the role is one of those that always are, which have no name of their own.
func (r Role) Ours() bool { return slices.Contains(account.Roles(account.KindOperator), r.ID) }

// RoleInput is what can be said of a role. The name of one of ours stays as it is.
type RoleInput struct {
	Name   string
	Rights []string
}

// FieldRights is the field that an [account.ValidationError] of a [RoleInput] can name besides [account.FieldName].
const FieldRights = "rights"

// list puts ours first, then the others in the order of their names.
func (s roleSet) list() []store.Role {
	rows := make([]store.Role, 0, len(s))
	for _, row := range s {
		rows = append(rows, row)
	}
	place := func(r store.Role) int {
		ours := account.Roles(account.KindOperator)
		if i := slices.Index(ours, r.ID); i >= 0 {
			return i
		}
		return len(ours)
	}
	slices.SortFunc(rows, func(a, b store.Role) int {
		return cmp.Or(cmp.Compare(place(a), place(b)), strings.Compare(a.NameKey, b.NameKey))
	})
	return rows
}

// Roles returns every role, ours first.
func (s *Service) Roles(ctx context.Context, actor Actor) ([]Role, error) {
	actor, err := s.viewer(ctx, actor, mayManageOperators)
	if err != nil {
		return nil, err
	}
	counts, err := s.db.Read().CountOperatorsByRole(ctx)
	if err != nil {
		return nil, fmt.Errorf("count operators: %w", err)
	}
	holders := map[string]int64{}
	for _, c := range counts {
		holders[c.Role] = c.Holders
	}
	var out []Role
	for _, row := range actor.roles.list() {
		held := actor.rightsOf(row.ID)
		out = append(out, Role{Role: row, Names: held.names(), Holders: holders[row.ID], holds: held})
	}
	return out, nil
}

// Role returns one role, or [store.ErrNotFound].
func (s *Service) Role(ctx context.Context, actor Actor, id string) (Role, error) {
	all, err := s.Roles(ctx, actor)
	if err != nil {
		return Role{}, err
	}
	i := slices.IndexFunc(all, func(r Role) bool { return r.ID == id })
	if i < 0 {
		return Role{}, store.ErrNotFound
	}
	return all[i], nil
}

// check returns the input as it is stored, or says what is wrong with it.
func (in RoleInput) check(named bool) (name, key string, held rights, err error) {
	fields := map[string]string{}
	name = strings.Join(strings.Fields(strings.ToValidUTF8(in.Name, "")), " ")
	key = account.Fold(name)
	switch {
	case !named:
	case key == "":
		fields[account.FieldName] = templates.MsgRoleNameBlank
	case utf8.RuneCountInString(name) > account.MaxName:
		fields[account.FieldName] = templates.MsgNameLong
	case slices.Contains(account.Roles(account.KindOperator), key):
		fields[account.FieldName] = templates.MsgRoleNameTaken
	}
	for _, word := range in.Rights {
		bit := rightsNamed(word)
		if word == allRights || bit == 0 {
			fields[FieldRights] = templates.MsgRightsBlank
		}
		held |= bit
	}
	if held == 0 {
		fields[FieldRights] = templates.MsgRightsBlank
	}
	if len(fields) > 0 {
		err = &account.ValidationError{Fields: fields}
	}
	return name, key, held.closed(), err
}

// CreateRole makes a role, which can do no more than the actor. It fails with an [account.ValidationError].
func (s *Service) CreateRole(ctx context.Context, actor Actor, in RoleInput) (store.Role, error) {
	made := store.Role{ID: store.NewID[string]()}
	_, err := s.act(ctx, actor, mayManageRoles, audit.Event{Type: audit.RoleCreate}, func(w *work) error {
		if err := s.holdRoles(ctx, w); err != nil {
			return err
		}
		name, key, held, err := in.check(true)
		if err != nil {
			return err
		}
		w.event.Target = name
		if !w.actor.rights().has(held) {
			return &refusal{err: ErrForbidden, word: wordRight}
		}
		if len(w.actor.roles) >= MaxRoles {
			return &account.ValidationError{Fields: map[string]string{templates.FormError: templates.MsgRolesEnough}}
		}
		made.Name, made.NameKey, made.Rights = name, key, held.spell()
		err = w.tx.InsertRole(ctx, store.InsertRoleParams{ID: made.ID, Name: name, NameKey: key, Rights: made.Rights, Now: w.now})
		if errors.Is(err, store.ErrConflict) {
			return &account.ValidationError{Fields: map[string]string{account.FieldName: templates.MsgRoleNameTaken}}
		}
		if err != nil {
			return fmt.Errorf("insert role: %w", err)
		}
		w.event.Data = map[string]string{"rights": made.Rights}
		return nil
	})
	if err != nil {
		return store.Role{}, err
	}
	return made, nil
}

// UpdateRole changes a role that the actor saw at a version: what it may do, and the name unless it is one of ours. Nobody gives
// or takes rights that they lack, the administrators' role keeps what undoes a mistake, and somebody who can sign in must be left
// who can manage roles. It fails with an [account.ValidationError], [ErrConflict], [ErrLastManager] or [store.ErrNotFound], and
// reports whether anything was changed.
func (s *Service) UpdateRole(ctx context.Context, actor Actor, id string, version time.Time, in RoleInput) (bool, error) {
	return s.act(ctx, actor, mayManageRoles, audit.Event{Type: audit.RoleUpdate}, func(w *work) error {
		former, err := s.holdRole(ctx, w, id)
		if err != nil {
			return err
		}
		name, key, held, err := in.check(!former.Ours())
		if err != nil {
			return err
		}
		if former.Ours() {
			name, key = former.Name, former.NameKey
		}
		if id == account.RoleAdministrator {
			held |= undoing
		}
		if mine := w.actor.rights(); !mine.has(held) || !mine.has(former.holds) {
			return &refusal{err: ErrForbidden, word: wordRight}
		}
		if !former.UpdatedAt.Equal(version) {
			return ErrConflict
		}
		if name == former.Name && held == former.holds {
			return errUnchanged
		}
		n, err := w.tx.UpdateRole(ctx, store.UpdateRoleParams{
			ID: id, Name: name, NameKey: key, Rights: held.spell(), Version: orEpoch(version), Now: w.now,
		})
		if errors.Is(err, store.ErrConflict) {
			return &account.ValidationError{Fields: map[string]string{account.FieldName: templates.MsgRoleNameTaken}}
		}
		if err := claimed(n, err); err != nil {
			return err
		}
		if w.actor.roles, err = readRoles(ctx, w.tx.Queries); err != nil {
			return err
		}
		if former.holds.has(undoing) && !held.has(undoing) {
			if err := w.keepManager(ctx, store.Account{}, ""); err != nil {
				return err
			}
		}
		w.event.Data = changes("name", former.Name, name, "rights", former.holds.spell(), held.spell())
		return nil
	})
}

// DeleteRole takes away a role that nobody has. It fails with [ErrRoleInUse] or [store.ErrNotFound].
func (s *Service) DeleteRole(ctx context.Context, actor Actor, id string) error {
	_, err := s.act(ctx, actor, mayManageRoles, audit.Event{Type: audit.RoleDelete}, func(w *work) error {
		former, err := s.holdRole(ctx, w, id)
		if err != nil {
			return err
		}
		if former.Ours() || !w.actor.rights().has(former.holds) {
			return &refusal{err: ErrForbidden, word: wordRight}
		}
		counts, err := w.tx.CountOperatorsByRole(ctx) // after the row was held: whoever was given the role before is seen
		if err != nil {
			return fmt.Errorf("count operators: %w", err)
		}
		if slices.ContainsFunc(counts, func(c store.CountOperatorsByRoleRow) bool { return c.Role == id }) {
			return &refusal{err: ErrRoleInUse, word: wordInUse}
		}
		if _, err := w.tx.DeleteRole(ctx, id); err != nil {
			return fmt.Errorf("delete role: %w", err)
		}
		w.event.Data = map[string]string{"rights": former.Rights}
		return nil
	})
	return err
}

// holdRoles lets nobody else change roles, or what operators have, until the transaction ends.
func (s *Service) holdRoles(ctx context.Context, w *work) error {
	if err := s.holdOperators(ctx, w); err != nil {
		return err
	}
	if !w.actor.rights().has(mayManageRoles) {
		return &refusal{err: ErrForbidden, word: wordRight}
	}
	return nil
}

// holdRole is holdRoles for a change of one, which it returns.
func (s *Service) holdRole(ctx context.Context, w *work, id string) (Role, error) {
	if err := s.holdRoles(ctx, w); err != nil {
		return Role{}, err
	}
	if _, known := w.actor.roles[id]; !known {
		return Role{}, store.ErrNotFound
	}
	row, err := w.tx.HoldRole(ctx, id)
	if err != nil {
		return Role{}, err
	}
	w.event.Target = cmp.Or(row.Name, row.ID)
	return Role{Role: row, holds: w.actor.rightsOf(id)}, nil
}

// keepManager fails with [ErrLastManager] if nobody who can sign in could manage roles any more. leaves is an operator who is to
// get another role, or none; the zero account is nobody.
func (w *work) keepManager(ctx context.Context, leaves store.Account, role string) error {
	counts, err := w.tx.CountOperatorsByRole(ctx)
	if err != nil {
		return fmt.Errorf("count operators: %w", err)
	}
	had, left := int64(0), int64(0)
	for _, c := range counts {
		if w.actor.rightsOf(c.Role).has(undoing) {
			had += c.Enabled
		}
	}
	left = had
	if leaves.ID != "" && leaves.DisabledAt == nil {
		before, after := w.actor.rightsOf(leaves.Role).has(undoing), w.actor.rightsOf(role).has(undoing)
		switch {
		case before && !after:
			left--
		case after && !before:
			left++
		}
		if left >= had {
			return nil // it makes nothing worse
		}
	}
	if left < 1 {
		return &refusal{err: ErrLastManager, word: wordLastManager}
	}
	return nil
}

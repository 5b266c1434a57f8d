package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/store"
)

const (
	// maxMembers is how many accounts one request puts into or takes out of groups.
	maxMembers = 500
	// maxListed is how many members one answer lists.
	maxListed = 5000
)

var (
	// errMember says that a client wants to put somebody into a group, or take them out, who is no account of its customer.
	errMember = errors.New("no such member")
	// errLanding says that a client wants to take accounts out of the group that those are in that are in no other, or to delete it.
	errLanding = errors.New("the group that accounts begin in")
	// errMembers says that a request is about more members than can be handled at once.
	errMembers = fmt.Errorf("more than %d members at once", maxMembers)
	// errListed says that an answer would list more members than fit.
	errListed = fmt.Errorf("more than %d members: leave them out with excludedAttributes=members", maxListed)
)

// ProvisionedGroup is a user group as the client that keeps it sees it.
type ProvisionedGroup struct {
	store.UserGroup
	// ExternalID is what the client calls it; empty if nothing.
	ExternalID string
	// Members are its accounts in the order of their ids, where they were asked for.
	Members []store.ListMembersBetweenRow

	stamp string
}

// version names the state of a group and its members.
func (g ProvisionedGroup) version() string { return version(g.UpdatedAt) + "-" + g.stamp }

func groupOf(row store.GetProvisionedGroupRow) ProvisionedGroup {
	return ProvisionedGroup{
		UserGroup: row.UserGroup, ExternalID: row.ExternalID, stamp: fmt.Sprintf("%d-%s", row.Members, version(row.MembersChanged)),
	}
}

// ProvisionedGroups returns user groups of the actor's customer, with their members if those are wanted.
func (s *Service) ProvisionedGroups(
	ctx context.Context, actor Actor, q ProvisionQuery, members bool, doc func(ProvisionedGroup) map[string]any,
) (ProvisionPage[ProvisionedGroup], error) {
	none := ProvisionPage[ProvisionedGroup]{}
	actor, err := s.provisioner(ctx, actor)
	if err != nil {
		return none, err
	}
	asked, err := s.membersAskedFor(ctx, actor, q.Match)
	if err != nil {
		return none, err
	}
	rows := resourcePager[ProvisionedGroup]{
		id:    func(g ProvisionedGroup) string { return string(g.ID) },
		count: func() (int64, error) { return s.db.Read().CountProvisionedGroups(ctx, actor.client.customer) },
		match: func(g ProvisionedGroup) bool {
			g.Members = asked[g.ID]
			return q.Match == nil || q.Match.match(doc(g))
		},
		fetch: func(after string, skip, limit int) ([]ProvisionedGroup, error) {
			rows, err := s.db.Read().ListProvisionedGroups(ctx, store.ListProvisionedGroupsParams{
				ClientID: actor.client.id, CustomerID: actor.client.customer, AfterID: store.UserGroupID(after),
				Skip: int32(skip), PageSize: int32(limit),
			})
			groups := make([]ProvisionedGroup, len(rows))
			for i, row := range rows {
				groups[i] = groupOf(store.GetProvisionedGroupRow(row))
			}
			return groups, err
		},
	}
	page := none
	id, only, err := s.onlyID(ctx, actor, q.Match, provisionedGroup)
	if err != nil {
		return none, err
	}
	if only {
		g, err := s.readGroup(ctx, s.db.Read(), actor, store.UserGroupID(id))
		switch {
		case errors.Is(err, store.ErrNotFound):
			return rows.of(q, nil), nil
		case err != nil:
			return none, err
		}
		page = rows.of(q, []ProvisionedGroup{g})
	} else if page, err = rows.page(q); err != nil {
		return none, err
	}
	if members {
		err = s.addMembers(ctx, actor, page.Rows)
	}
	return page, err
}

// membersAskedFor are those accounts that a filter compares members with, by their groups: to tell whether they are members, no others
// need to be read.
func (s *Service) membersAskedFor(
	ctx context.Context, actor Actor, f scimFilter,
) (map[store.UserGroupID][]store.ListMembersBetweenRow, error) {
	var err error
	asked := map[store.UserGroupID][]store.ListMembersBetweenRow{}
	compared(f, "", func(path string, c scimCompare) {
		if err != nil || path != "members" && !strings.HasPrefix(path, "members.") {
			return
		}
		id, ok := c.value.(string)
		if !ok || c.op != "eq" || path != "members" && path != "members.value" {
			err = scimFault(scimInvalidFilter, "members can be looked for by value with eq alone")
			return
		}
		u, rerr := s.readUser(ctx, s.db.Read(), actor, store.AccountID(id))
		if errors.Is(rerr, store.ErrNotFound) {
			return
		}
		if err = rerr; err == nil {
			asked[*u.UserGroupID] = append(asked[*u.UserGroupID], store.ListMembersBetweenRow{ID: u.ID, UserGroupID: u.UserGroupID})
		}
	})
	return asked, err
}

// addMembers reads the members of groups that are in the order of their ids.
func (s *Service) addMembers(ctx context.Context, actor Actor, groups []ProvisionedGroup) error {
	if len(groups) == 0 {
		return nil
	}
	rows, err := s.db.Read().ListMembersBetween(ctx, store.ListMembersBetweenParams{
		CustomerID: actor.client.customer, FirstID: groups[0].ID, LastID: groups[len(groups)-1].ID, PageSize: maxListed + 1,
	})
	if err != nil {
		return fmt.Errorf("list members: %w", err)
	}
	if len(rows) > maxListed {
		return errListed
	}
	for _, row := range rows {
		i := slices.IndexFunc(groups, func(g ProvisionedGroup) bool { return g.ID == *row.UserGroupID })
		if i >= 0 { // a filter may have left some of the groups between out
			groups[i].Members = append(groups[i].Members, row)
		}
	}
	return nil
}

// readGroup reads one user group of the actor's customer, or fails with [store.ErrNotFound].
func (s *Service) readGroup(ctx context.Context, q *store.Queries, actor Actor, id store.UserGroupID) (ProvisionedGroup, error) {
	if !store.ValidID(string(id)) {
		return ProvisionedGroup{}, store.ErrNotFound
	}
	row, err := q.GetProvisionedGroup(ctx, store.GetProvisionedGroupParams{
		ClientID: actor.client.id, CustomerID: actor.client.customer, ID: id,
	})
	return groupOf(row), err
}

// ProvisionedGroup returns one user group of the actor's customer, or [store.ErrNotFound].
func (s *Service) ProvisionedGroup(ctx context.Context, actor Actor, id store.UserGroupID, members bool) (ProvisionedGroup, error) {
	actor, err := s.provisioner(ctx, actor)
	if err != nil {
		return ProvisionedGroup{}, err
	}
	g, err := s.readGroup(ctx, s.db.Read(), actor, id)
	if err != nil || !members {
		return g, err
	}
	groups := []ProvisionedGroup{g}
	err = s.addMembers(ctx, actor, groups)
	return groups[0], err
}

// GroupChange is what a client says of a user group; nil leaves a field as it is.
type GroupChange struct {
	Name, ExternalID *string
	// Members are done one after another.
	Members []MemberChange
}

// MemberChange puts accounts into a group, takes them out, or says who all are in it.
type MemberChange struct {
	// Op is add, remove or replace.
	Op  string
	IDs []store.AccountID
}

// ProvisionGroup adds a user group to the actor's customer. It fails with an [account.ValidationError], errExternalID or errMember.
func (s *Service) ProvisionGroup(ctx context.Context, actor Actor, in GroupChange) (ProvisionedGroup, error) {
	actor, err := s.provisioner(ctx, actor)
	if err != nil {
		return ProvisionedGroup{}, err
	}
	var made store.UserGroup
	_, err = s.act(ctx, actor, mayManageCustomers, audit.Event{Type: audit.UserGroupCreate}, func(w *work) error {
		err := w.part(ctx, audit.UserGroupCreate, func(w *work) (err error) {
			made, err = s.createUserGroup(ctx, w, w.actor.client.customer, orEmpty(in.Name))
			return err
		})
		if err != nil {
			return err
		}
		if err := w.name(ctx, provisionedGroup, string(made.ID), orEmpty(in.ExternalID)); err != nil {
			return err
		}
		return s.changeMembers(ctx, w, made.ID, in.Members)
	})
	if err != nil {
		return ProvisionedGroup{}, err
	}
	return s.ProvisionedGroup(ctx, actor, made.ID, false)
}

// UpdateProvisionedGroup changes a user group of the actor's customer, all of it or nothing. Whoever leaves it is then where the actor's
// accounts begin. It fails with an [account.ValidationError], [ErrConflict], errExternalID, errMember, errLanding or
// [store.ErrNotFound].
func (s *Service) UpdateProvisionedGroup(
	ctx context.Context, actor Actor, id store.UserGroupID, expected Expected, in GroupChange,
) (ProvisionedGroup, error) {
	_, err := s.act(ctx, actor, mayManageCustomers, audit.Event{Type: audit.UserGroupUpdate}, func(w *work) error {
		g, err := s.holdGroup(ctx, w, id, expected)
		if err != nil {
			return err
		}
		if in.Name != nil && *in.Name != g.Name {
			err := w.part(ctx, audit.UserGroupUpdate, func(w *work) error {
				return s.updateUserGroup(ctx, w, id, g.UpdatedAt, *in.Name)
			})
			if err != nil {
				return err
			}
		}
		if in.ExternalID != nil && *in.ExternalID != g.ExternalID {
			err := w.part(ctx, audit.UserGroupUpdate, func(w *work) error {
				return s.renameGroupForClient(ctx, w, g, *in.ExternalID)
			})
			if err != nil {
				return err
			}
		}
		if err := s.changeMembers(ctx, w, id, in.Members); err != nil {
			return err
		}
		if !w.parts {
			return errUnchanged
		}
		return nil
	})
	if err != nil {
		return ProvisionedGroup{}, err
	}
	return s.ProvisionedGroup(ctx, actor, id, false)
}

// holdGroup loads a user group of the actor's customer and keeps it as it is until the transaction ends. That somebody tried another's is
// written down.
func (s *Service) holdGroup(ctx context.Context, w *work, id store.UserGroupID, expected Expected) (ProvisionedGroup, error) {
	if _, err := w.group(ctx, id); err != nil {
		return ProvisionedGroup{}, err
	}
	if _, err := w.tx.HoldUserGroup(ctx, id); err != nil {
		return ProvisionedGroup{}, err
	}
	g, err := s.readGroup(ctx, w.tx.Queries, w.actor, id)
	if err != nil {
		return ProvisionedGroup{}, err
	}
	return g, expected.check(g.version())
}

// renameGroupForClient changes what the actor calls a user group that is held.
func (s *Service) renameGroupForClient(ctx context.Context, w *work, g ProvisionedGroup, external string) error {
	place, err := w.group(ctx, g.ID)
	if err != nil {
		return err
	}
	if err := w.name(ctx, provisionedGroup, string(g.ID), external); err != nil {
		return err
	}
	w.event.Data = changes("external_id", g.ExternalID, external)
	return claimed(w.tx.ClaimUserGroup(ctx, store.ClaimUserGroupParams{ID: g.ID, Version: place.UserGroup.UpdatedAt, Now: w.now}))
}

// changeMembers puts accounts into a group and takes others out.
func (s *Service) changeMembers(ctx context.Context, w *work, group store.UserGroupID, changes []MemberChange) error {
	total := 0
	for _, c := range changes {
		if total += len(c.IDs); total > maxMembers {
			return errMembers
		}
		joining, leaving := c.IDs, []store.AccountID(nil)
		switch c.Op {
		case "remove":
			joining, leaving = nil, c.IDs
		case "replace":
			present, err := s.members(ctx, w, group)
			if err != nil {
				return err
			}
			leaving = slices.DeleteFunc(present, func(id store.AccountID) bool { return slices.Contains(joining, id) })
		}
		// In one order, so that of two requests that move the same accounts one waits for the other.
		for _, id := range slices.Sorted(slices.Values(slices.Concat(leaving, joining))) {
			var err error
			if slices.Contains(leaving, id) {
				err = s.leave(ctx, w, group, id)
			} else {
				err = s.move(ctx, w, id, group)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// members are all who are in a group, unless they are too many for one request.
func (s *Service) members(ctx context.Context, w *work, group store.UserGroupID) ([]store.AccountID, error) {
	rows, err := w.tx.ListMembersBetween(ctx, store.ListMembersBetweenParams{
		CustomerID: w.actor.client.customer, FirstID: group, LastID: group, PageSize: maxMembers + 1,
	})
	if err != nil {
		return nil, fmt.Errorf("list members: %w", err)
	}
	if len(rows) > maxMembers {
		return nil, errMembers
	}
	ids := make([]store.AccountID, len(rows))
	for i, row := range rows {
		ids[i] = row.ID
	}
	return ids, nil
}

// leave takes an account out of a group. Every account is in one, so it goes to where the actor's begin; one that is elsewhere stays.
func (s *Service) leave(ctx context.Context, w *work, group store.UserGroupID, id store.AccountID) error {
	u, err := s.readUser(ctx, w.tx.Queries, w.actor, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return errMember
	case err != nil:
		return err
	case *u.UserGroupID != group:
		return nil
	case group == w.actor.client.landing:
		return errLanding
	}
	return s.move(ctx, w, id, w.actor.client.landing)
}

// move puts an account into a group. An account that is not the actor's business is like a missing one, and the try is written down.
func (s *Service) move(ctx context.Context, w *work, id store.AccountID, to store.UserGroupID) error {
	err := w.part(ctx, audit.AccountMove, func(w *work) error {
		if _, err := w.target(ctx, id, mayManageCustomers); err != nil {
			return err
		}
		acc, err := w.tx.HoldAccount(ctx, id)
		if err != nil {
			return err
		}
		return s.moveAccount(ctx, w, id, acc.UpdatedAt, to)
	})
	if r, ok := errors.AsType[*refusal](err); ok && errors.Is(r.err, store.ErrNotFound) {
		return &refusal{err: errMember, word: r.word}
	}
	if errors.Is(err, store.ErrNotFound) {
		return errMember
	}
	return err
}

// DeleteProvisionedGroup deletes a user group of the actor's customer. Who is in it is then where the actor's accounts begin. It fails
// with [ErrConflict], errLanding or [store.ErrNotFound].
func (s *Service) DeleteProvisionedGroup(ctx context.Context, actor Actor, id store.UserGroupID, expected Expected) error {
	_, err := s.act(ctx, actor, mayManageCustomers, audit.Event{Type: audit.UserGroupDelete}, func(w *work) error {
		g, err := s.holdGroup(ctx, w, id, expected)
		if err != nil {
			return err
		}
		if g.ID == w.actor.client.landing {
			return errLanding
		}
		if err := s.changeMembers(ctx, w, id, []MemberChange{{Op: "replace"}}); err != nil {
			return err
		}
		return w.part(ctx, audit.UserGroupDelete, func(w *work) error { return s.deleteUserGroup(ctx, w, id) })
	})
	return err
}

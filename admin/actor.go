package admin

import (
	"context"
	"errors"
	"fmt"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/store"
)

// Actor is who acts: an operator in a session, or [System].
type Actor struct {
	// Account is the operator's account as it was when the request came in.
	Account store.Account
	// Session is the operator's session.
	Session store.SessionID

	// roles are what each role may do, as of the last look.
	roles  roleSet
	system bool
}

// System is whoever runs the command line: they hold the database and may do everything.
func System() Actor { return Actor{system: true} }

// rights are what the actor may do.
func (a Actor) rights() rights {
	switch {
	case a.system:
		return everything
	case a.Account.Kind != account.KindOperator:
		return 0
	}
	return a.roles.rights(a.Account.Role)
}

// rightsOf is what operators of a role may do.
func (a Actor) rightsOf(role string) rights { return a.roles.rights(role) }

// operator is an operator with what they may do now.
func (s *Service) operator(ctx context.Context, acc store.Account, session store.SessionID) (Actor, error) {
	roles, err := readRoles(ctx, s.db.Read())
	return Actor{Account: acc, Session: session, roles: roles}, err
}

func (a Actor) is(id store.AccountID) bool { return !a.system && a.Account.ID == id }

func (a Actor) audit() audit.Actor {
	if a.system {
		return audit.System()
	}
	return audit.OfAccount(a.Account)
}

// present returns the actor as the rows say now: the request may have waited while the session was ended, the account disabled
// its role changed or the role's rights taken away, and what commits after that must not count on them.
func (a Actor) present(ctx context.Context, q *store.Queries) (Actor, error) {
	var err error
	if a.roles, err = readRoles(ctx, q); err != nil || a.system {
		return a, err
	}
	now, err := q.GetAccount(ctx, a.Account.ID)
	if errors.Is(err, store.ErrNotFound) {
		return Actor{}, ErrActorGone
	}
	if err != nil {
		return Actor{}, fmt.Errorf("load actor: %w", err)
	}
	session, err := q.GetSession(ctx, a.Session)
	if errors.Is(err, store.ErrNotFound) {
		return Actor{}, ErrActorGone
	}
	if err != nil {
		return Actor{}, fmt.Errorf("load actor's session: %w", err)
	}
	if now.DisabledAt != nil || session.EndedAt != nil || session.AccountID != now.ID || session.CredentialEpoch != now.CredentialEpoch {
		return Actor{}, ErrActorGone
	}
	a.Account = now
	return a, nil
}

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
	return rightsOf(a.Account.Role)
}

func (a Actor) is(id store.AccountID) bool { return !a.system && a.Account.ID == id }

func (a Actor) audit() audit.Actor {
	if a.system {
		return audit.System()
	}
	return audit.OfAccount(a.Account)
}

// present returns the actor as the rows say now: the request may have waited while the session was ended, the account disabled
// or its role changed, and what commits after that must not count on them.
func (a Actor) present(ctx context.Context, q *store.Queries) (Actor, error) {
	if a.system {
		return a, nil
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

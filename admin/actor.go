package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/store"
)

// Actor is who acts: an operator in a session, a client with a token of its own, or [System].
type Actor struct {
	// Account is the operator's account as it was when the request came in.
	Account store.Account
	// Session is the operator's session.
	Session store.SessionID

	// roles are what each role may do, as of the last look.
	roles  roleSet
	system bool
	client *clientActor
	// asking is set while the actor only asks for something; see [Service.AskApproval].
	asking *asking
}

// clientActor is a client that acts for itself.
type clientActor struct {
	// token is the token set it acts with; empty for one that proved itself with its secret.
	token    store.TokenSetID
	id, name string
	// scopes are what the token may be used for and the client's registration still allows.
	scopes []string
	// provisions is whether it acts through SCIM: then for one customer alone, whose accounts begin in landing. Both are empty if it
	// was given none.
	provisions bool
	customer   store.CustomerID
	landing    store.UserGroupID
}

// Provisioner returns the client that acts through SCIM with a token of its own, or [ErrActorGone] if the token is not live any more.
func (s *Service) Provisioner(ctx context.Context, token store.TokenSetID) (Actor, error) {
	return Actor{client: &clientActor{token: token, provisions: true}}.present(ctx, s.db.Read(), s.now())
}

// ProvisionerByID returns the client that acts through SCIM and has proved itself with its secret, or [ErrActorGone] if it was disabled.
func (s *Service) ProvisionerByID(ctx context.Context, id string) (Actor, error) {
	return Actor{client: &clientActor{id: id, provisions: true}}.present(ctx, s.db.Read(), s.now())
}

// rights are what a client's scopes stand for: some through SCIM, all others elsewhere.
func (c *clientActor) rights() rights {
	if c.provisions && c.customer == "" {
		return 0
	}
	return rightsOfScopes(slices.DeleteFunc(slices.Clone(c.scopes), func(s string) bool { return isProvisioning(s) != c.provisions }))
}

// confined reports whether the actor acts for one customer alone.
func (a Actor) confined() bool { return a.client != nil && a.client.provisions }

// keeps reports whether what belongs to a customer is the actor's business.
func (a Actor) keeps(customer store.CustomerID) bool {
	return !a.confined() || a.client.customer == customer
}

// ClientActor returns the client that acts with a token of its own, or [ErrActorGone] if the token is not live any more.
func (s *Service) ClientActor(ctx context.Context, token store.TokenSetID) (Actor, error) {
	return Actor{client: &clientActor{token: token}}.present(ctx, s.db.Read(), s.now())
}

// System is whoever runs the command line: they hold the database and may do everything.
func System() Actor { return Actor{system: true} }

// rights are what the actor may do.
func (a Actor) rights() rights {
	switch {
	case a.system:
		return everything
	case a.client != nil:
		return a.client.rights()
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

func (a Actor) is(id store.AccountID) bool { return a.person() && a.Account.ID == id }

// person reports whether an operator acts, who has an account and factors of their own.
func (a Actor) person() bool { return !a.system && a.client == nil }

// key names the actor among all who are counted and remembered.
func (a Actor) key() string {
	if a.system {
		return keySystem
	}
	if a.client != nil {
		return keyClient + a.client.id
	}
	return keyOperator + string(a.Account.ID)
}

// How keys of actors begin.
const (
	keySystem   = "system"
	keyClient   = "client:"
	keyOperator = "operator:"
)

func (a Actor) audit() audit.Actor {
	if a.system {
		return audit.System()
	}
	if a.client != nil {
		return audit.Actor{Kind: audit.ByClient, ID: a.client.id, Name: a.client.name}
	}
	return audit.OfAccount(a.Account)
}

// present returns the actor as the rows say now: the request may have waited while the session was ended, the account disabled,
// its role changed or the role's rights taken away, and what commits after that must not count on them.
func (a Actor) present(ctx context.Context, q *store.Queries, at time.Time) (Actor, error) {
	var err error
	if a.roles, err = readRoles(ctx, q); err != nil || a.system {
		return a, err
	}
	if a.client != nil {
		now, err := a.client.present(ctx, q, at, a.roles)
		now.asking = a.asking
		return now, err
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

// present returns the client as the rows say now, with those scopes of its token that its registration still has.
func (c *clientActor) present(ctx context.Context, q *store.Queries, at time.Time, roles roleSet) (Actor, error) {
	row, granted, err := c.row(ctx, q, at)
	if errors.Is(err, store.ErrNotFound) {
		return Actor{}, ErrActorGone
	}
	if err != nil {
		return Actor{}, fmt.Errorf("load client: %w", err)
	}
	var scopes []string
	if err := json.Unmarshal(row.Scopes, &scopes); err != nil {
		return Actor{}, fmt.Errorf("read scopes of client %q: %w", row.ID, err)
	}
	if c.token != "" {
		scopes = slices.DeleteFunc(granted, func(s string) bool { return !slices.Contains(scopes, s) })
	}
	now := &clientActor{token: c.token, id: row.ID, name: row.Name, scopes: scopes, provisions: c.provisions}
	if c.provisions {
		place, err := q.GetProvisioner(ctx, now.id)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return Actor{}, fmt.Errorf("load customer of client: %w", err)
		}
		now.customer, now.landing = place.Customer.ID, place.UserGroup.ID
	}
	return Actor{roles: roles, client: now}, nil
}

// row is the client, and what its token was granted; it fails with [store.ErrNotFound] if either does not count any more.
func (c *clientActor) row(ctx context.Context, q *store.Queries, at time.Time) (store.Client, []string, error) {
	if c.token != "" {
		row, err := q.GetClientByToken(ctx, store.GetClientByTokenParams{ID: c.token, Now: at})
		return row.Client, strings.Fields(row.Scope), err
	}
	row, err := q.GetClient(ctx, c.id)
	if err == nil && row.DisabledAt != nil {
		err = store.ErrNotFound
	}
	return row, nil, err
}

package mfa

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/web"
)

// recentEvents is how many events the self-service page lists.
const recentEvents = 10

// Overview is what the self-service page shows (M20, M21).
type Overview struct {
	Account store.Account
	// Company is the name of the customer the account buys for; empty for accounts without one.
	Company string
	// Required is whether the account is asked for a second factor at sign-in, Enforced whether its surface demands that.
	Required, Enforced bool
	// Announced is the day from which enforcement is announced to somebody without a method, GraceUntil until when one who put the
	// set-up off may do without; zero if neither.
	Announced, GraceUntil time.Time
	// OffersTrust is whether the person's surface lets them trust browsers.
	OffersTrust bool
	// Methods are those the person has, in the order they are offered in, and after them those they may set up.
	Methods []signin.Method
	// Settable are those of the methods that can be set up or changed now.
	Settable []signin.Method
	Status   Status
	// Sessions are the account's live sessions, last used first; Current is the one that asks.
	Sessions []store.Session
	Current  store.SessionID
	// Apps are the applications of others that the person allows something.
	Apps []ConnectedApp
	// Events are the account's latest events, newest first.
	Events []store.AuditEvent
}

// Overview describes the self-service page of a session's person.
func (s *Service) Overview(ctx context.Context, session store.SessionID) (Overview, error) {
	now, q := s.now(), s.db.Read()
	p, err := s.acting(ctx, q, session, now)
	if err != nil {
		return Overview{}, err
	}
	v := Overview{
		Account: p.account, Required: p.account.Demands(p.enforced), Enforced: p.enforced, Current: p.session.ID,
		OffersTrust: p.account.Kind == string(web.Customer) && p.TrustDays > 0,
	}
	if v.Status, err = s.Status(ctx, q, p.account.ID); err != nil {
		return Overview{}, err
	}
	if !p.State.Enrolled {
		v.Announced, v.GraceUntil = p.announced, p.Standing.Grace.Until
	}
	for _, f := range p.Factors {
		v.Methods = append(v.Methods, signin.Method(f.Kind))
	}
	for _, m := range signin.FactorMethods() {
		if s.mayAdd(p, m) != nil {
			continue
		}
		v.Settable = append(v.Settable, m)
		if _, had := p.Factor(m); !had {
			v.Methods = append(v.Methods, m)
		}
	}
	if v.Sessions, err = q.ListSessions(ctx, store.ListSessionsParams{
		AccountID: p.account.ID, Now: now, IdleSince: now.Add(-s.idle[web.Kind(p.account.Kind)]), CredentialEpoch: p.account.CredentialEpoch,
	}); err != nil {
		return Overview{}, fmt.Errorf("list sessions: %w", err)
	}
	if v.Apps, err = apps(ctx, q, p.account.ID); err != nil {
		return Overview{}, err
	}
	if v.Events, err = q.ListAccountEvents(ctx, store.ListAccountEventsParams{AccountID: &p.account.ID, PageSize: recentEvents}); err != nil {
		return Overview{}, fmt.Errorf("list events: %w", err)
	}
	v.Company, err = company(ctx, q, p.account)
	return v, err
}

// company names the customer an account buys for.
func company(ctx context.Context, q *store.Queries, acc store.Account) (string, error) {
	if acc.UserGroupID == nil {
		return "", nil
	}
	g, err := q.GetUserGroup(ctx, *acc.UserGroupID)
	if err != nil {
		return "", fmt.Errorf("load user group: %w", err)
	}
	c, err := q.GetCustomer(ctx, g.CustomerID)
	if err != nil {
		return "", fmt.Errorf("load customer: %w", err)
	}
	return c.Name, nil
}

// EndSession ends one of the account's sessions with everything it gave out. A session that is over, unknown or somebody
// else's is store.ErrNotFound, all the same (I14). Sign-ins in progress end with it: one of them may rest on that session.
func (s *Service) EndSession(ctx context.Context, session, target store.SessionID) error {
	now := s.now()
	return s.db.InTx(ctx, func(tx *store.Tx) error {
		p, err := s.actingHeld(ctx, tx, session, now)
		if err != nil {
			return err
		}
		ended, err := tx.EndSession(ctx, now, target, p.account.ID)
		if err != nil {
			return err
		}
		if !ended {
			return fmt.Errorf("end session: %w", store.ErrNotFound)
		}
		if _, err := tx.EndAccountFlows(ctx, store.EndAccountFlowsParams{Now: &now, AccountID: &p.account.ID}); err != nil {
			return fmt.Errorf("end sign-ins: %w", err)
		}
		if _, err := tx.RevokeSessionGrants(ctx, store.RevokeSessionGrantsParams{Now: &now, SessionID: target}); err != nil {
			return fmt.Errorf("revoke grants: %w", err)
		}
		e := p.event(audit.SessionEnd, audit.Success, "")
		e.Data = map[string]string{"session": string(target)}
		return audit.Write(ctx, tx, now, e)
	})
}

// EndOtherSessions ends everything of the account but the acting session: sessions, sign-ins, grants and devices (I11). The
// account's epoch is raised, so that a sign-in that finishes beside it leaves nothing that opens anything. The acting session
// keeps its token: it gains nothing, and a second press of the button must find it.
func (s *Service) EndOtherSessions(ctx context.Context, session store.SessionID) error {
	now := s.now()
	return s.db.InTx(ctx, func(tx *store.Tx) error {
		p, err := s.actingHeld(ctx, tx, session, now)
		if err != nil {
			return err
		}
		epoch, err := beginChange(ctx, tx, now, p.account, ErrSessionGone)
		if err != nil {
			return err
		}
		if err := tx.EndAccount(ctx, now, p.account.ID, store.Keep{Session: p.session.ID, Epoch: epoch}); err != nil {
			return err
		}
		return audit.Write(ctx, tx, now, p.event(audit.SessionEnd, audit.Success, "others"))
	})
}

// actingHeld is acting with the account held, so that nothing changes it any more until the transaction ends.
func (s *Service) actingHeld(ctx context.Context, tx *store.Tx, session store.SessionID, now time.Time) (acting, error) {
	row, err := tx.GetSession(ctx, session)
	if errors.Is(err, store.ErrNotFound) {
		return acting{}, ErrSessionGone
	}
	if err != nil {
		return acting{}, fmt.Errorf("load session: %w", err)
	}
	if err := hold(ctx, tx, row.AccountID, ErrSessionGone); err != nil {
		return acting{}, err
	}
	return s.acting(ctx, tx.Queries, session, now)
}

// actingFreshHeld is actingHeld for changes of security settings (I13).
func (s *Service) actingFreshHeld(ctx context.Context, tx *store.Tx, session store.SessionID, now time.Time) (acting, error) {
	p, err := s.actingHeld(ctx, tx, session, now)
	if err == nil {
		err = p.mayChange(now)
	}
	return p, err
}

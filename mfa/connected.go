package mfa

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/store"
)

// ConnectedApp is an application of somebody else's that a person allows something.
type ConnectedApp struct {
	// ID is its client_id, Name what people are shown.
	ID, Name string
	// LogoVersion names its logo; empty for none.
	LogoVersion string
	// Scopes are what it was allowed.
	Scopes    []string
	GrantedAt time.Time
}

// apps are what an account allows, the latest first.
func apps(ctx context.Context, q *store.Queries, id store.AccountID) ([]ConnectedApp, error) {
	rows, err := q.ListConsents(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("list consents: %w", err)
	}
	var list []ConnectedApp
	for _, row := range rows {
		list = append(list, ConnectedApp{
			ID: row.Client.ID, Name: row.Client.Name, LogoVersion: row.Client.LogoVersion,
			Scopes: strings.Fields(row.Consent.Scope), GrantedAt: row.Consent.GrantedAt,
		})
	}
	return list, nil
}

// Apps are the applications that a session's person allows something, for the page that asks before that is taken back. Like the taking
// back it needs a fresh proof (I13).
func (s *Service) Apps(ctx context.Context, session store.SessionID) ([]ConnectedApp, error) {
	now, q := s.now(), s.db.Read()
	p, err := s.acting(ctx, q, session, now)
	if err != nil {
		return nil, err
	}
	if !p.fresh() {
		return nil, ErrNotFresh
	}
	return apps(ctx, q, p.account.ID)
}

// RevokeApp takes back what the person allowed an application: it keeps nothing that it could use, and is told that its sessions are over.
// It needs a fresh proof as every change of security settings (I13). An application that was allowed nothing is store.ErrNotFound, whether
// there is one or not (I14). The person stays signed in everywhere else.
func (s *Service) RevokeApp(ctx context.Context, session store.SessionID, client string) error {
	now := s.now()
	return s.db.InTx(ctx, func(tx *store.Tx) error {
		p, err := s.actingHeldFresh(ctx, tx, session, now)
		if err != nil {
			return err
		}
		list, err := apps(ctx, tx.Queries, p.account.ID)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(list, func(a ConnectedApp) bool { return a.ID == client })
		if i < 0 {
			return fmt.Errorf("take back consent: %w", store.ErrNotFound)
		}
		if _, err := tx.EndConsent(ctx, now, p.account.ID, client); err != nil {
			return err
		}
		e := p.event(audit.AppRevoke, audit.Success, "")
		e.ClientID, e.Target = client, list[i].Name
		return audit.Write(ctx, tx, now, e)
	})
}

package password

import (
	"context"
	"fmt"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// Reset gives the account that a link was sent to a new password, uses the link up and ends everything the account holds (I11).
// That is all: nobody is signed in by it, no factor changes, and no address counts as verified (I18). It fails with [ErrTicket],
// an [account.ValidationError] or [account.ErrBusy].
func (s *Service) Reset(ctx context.Context, kind web.Kind, secret, password string, lang templates.Lang) error {
	o, err := s.open(ctx, kind, secret)
	if err != nil {
		return err
	}
	hash, err := s.accounts.HashPassword(ctx, password, account.OwnerOf(o.account))
	if err != nil {
		return err
	}
	err = s.db.InTx(ctx, func(tx *store.Tx) error { return s.reset(ctx, tx, o, hash, lang) })
	if err == nil {
		s.outbox.Wake()
	}
	return err
}

// reset does it in one transaction. Of several who hold the same link one comes first to the account's row, and the others find
// the link used.
func (s *Service) reset(ctx context.Context, tx *store.Tx, o opened, hash account.PasswordHash, lang templates.Lang) error {
	acc, err := hold(ctx, tx, o.account.ID, ErrTicket)
	if err != nil {
		return err
	}
	now := s.now()
	n, err := tx.UseTicket(ctx, store.UseTicketParams{Now: &now, ID: o.ticket.ID})
	if err != nil {
		return fmt.Errorf("use ticket: %w", err)
	}
	if n != 1 || !opens(o.ticket, acc) {
		return ErrTicket
	}
	// Tries at the former password say nothing about the new one; its owner must not wait for them.
	if err := s.accounts.RecordSuccess(ctx, tx, acc); err != nil {
		return err
	}
	if err := s.accounts.SetPassword(ctx, tx, acc.ID, hash); err != nil {
		return err
	}
	if err := audit.Write(ctx, tx, now, audit.Event{
		Type: audit.PasswordReset, Result: audit.Success, Actor: audit.Anonymous(), Account: acc.ID, Target: acc.LoginID,
	}); err != nil {
		return err
	}
	return s.notify(ctx, tx, now, acc, lang, mayPass)
}

package mfa

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
)

// ResetResult is what a reset took away.
type ResetResult struct {
	// SetUp is true when anything was set up.
	SetUp bool
	// Factors are the factors that were deleted, main one first.
	Factors []store.Factor
	// Left are the factors that stay, the one that is the main one now first.
	Left []store.Factor
	// Took is what went besides the factors.
	Took Holdings
	// Told are the relying parties that a message was queued for, by client_id: sessions of theirs are over.
	Told []string
	// Notified are the addresses a notice was queued for; Messages are the rows of both.
	Notified []string
	Messages []store.MessageID
	// Account is the account as it is now.
	Account store.Account
	// ExemptionEnded is true when the account was exempt: there is nothing left that it could not use.
	ExemptionEnded bool
}

// Reset takes an account back to where nothing is set up (M3, M8, M9, I17): factors with their passkeys, backup codes, trusted
// devices, open codes and tickets go, every session, sign-in and grant of the account ends, and a notice is queued to every
// address known. The account's switch keeps its value. An account with nothing set up comes to no harm. Where the account's
// surface wants it so, nothing is set up again without a ticket (see [Service.IssueTicket]).
//
// It is part of the caller's transaction; the caller checks the right to do it, records who did it and why, and wakes the outbox
// after the commit.
func (s *Service) Reset(ctx context.Context, tx *store.Tx, acc store.Account, now time.Time) (ResetResult, error) {
	acc, err := tx.HoldAccount(ctx, acc.ID) // what is read of it from here on stays so
	if err != nil {
		return ResetResult{}, fmt.Errorf("hold account: %w", err)
	}
	var r ResetResult
	if r.Took, err = s.holdings(ctx, tx.Queries, acc, now); err != nil {
		return ResetResult{}, err
	}
	if acc.CredentialEpoch, err = tx.BeginChange(ctx, now, acc); err != nil {
		return ResetResult{}, err
	}
	if err := voidTickets(ctx, tx, acc.ID, now); err != nil {
		return ResetResult{}, err
	}
	for _, key := range []string{codeThrottle(acc.ID), backupThrottle(acc.ID)} {
		if err := tx.ClearThrottle(ctx, key); err != nil {
			return ResetResult{}, fmt.Errorf("clear pause: %w", err)
		}
	}
	if err := noteReset(ctx, tx, acc.ID, now); err != nil {
		return ResetResult{}, err
	}
	if err := tx.EndCodes(ctx, now, acc.ID); err != nil {
		return ResetResult{}, err
	}
	ended, err := tx.EndExemption(ctx, store.EndExemptionParams{ID: acc.ID, Now: now})
	if err != nil {
		return ResetResult{}, fmt.Errorf("end exemption: %w", err)
	}
	r.ExemptionEnded = ended > 0
	if _, err := tx.DeletePasskeys(ctx, acc.ID); err != nil {
		return ResetResult{}, fmt.Errorf("delete passkeys: %w", err)
	}
	if r.Factors, err = tx.DeleteFactors(ctx, acc.ID); err != nil {
		return ResetResult{}, fmt.Errorf("delete factors: %w", err)
	}
	slices.SortFunc(r.Factors, offeredBefore)
	batches, err := tx.VoidBackupBatches(ctx, store.VoidBackupBatchesParams{Now: &now, AccountID: acc.ID})
	if err != nil {
		return ResetResult{}, fmt.Errorf("void backup codes: %w", err)
	}
	if err := tx.EndAccess(ctx, now, acc.ID, store.Keep{}); err != nil {
		return ResetResult{}, err
	}
	r.tell(tx.Told(acc.ID))
	r.SetUp = len(r.Factors) > 0 || batches > 0
	if acc.TicketDemandedAt, err = demandTicket(ctx, tx, acc, r.SetUp, now); err != nil {
		return ResetResult{}, err
	}
	r.Account = acc
	if !r.SetUp {
		return r, nil
	}
	r.Notified, err = s.notify(ctx, tx, now, notice{
		kind: delivery.KindReset, account: acc, lang: s.noticeLang, to: append(mailAddresses(r.Factors), acc.RegisteredEmail), always: true,
		queued: func(id store.MessageID) { r.Messages = append(r.Messages, id) },
		stop:   true,
	})
	return r, err
}

// ResetOne takes one factor away and leaves the others as they are: with it go its passkeys, all trusted devices, open codes,
// sessions, sign-ins and grants, and a notice is queued to every address known, the one that went included. When it was the main
// factor, the first of the others becomes that. The last factor takes everything with it, as [Service.Reset] does. An account
// without that factor comes to no harm at all: nothing of it changes.
//
// Like Reset it is part of the caller's transaction.
func (s *Service) ResetOne(ctx context.Context, tx *store.Tx, acc store.Account, method signin.Method, now time.Time) (ResetResult, error) {
	acc, err := tx.HoldAccount(ctx, acc.ID) // nobody else changes the factors from here on
	if err != nil {
		return ResetResult{}, fmt.Errorf("hold account: %w", err)
	}
	factors, err := tx.ListFactors(ctx, acc.ID)
	if err != nil {
		return ResetResult{}, fmt.Errorf("list factors: %w", err)
	}
	i := slices.IndexFunc(factors, func(f store.Factor) bool { return f.Kind == string(method) })
	switch {
	case i < 0:
		return ResetResult{Left: factors, Account: acc}, nil
	case len(factors) == 1:
		return s.Reset(ctx, tx, acc, now)
	}
	r := ResetResult{SetUp: true, Factors: factors[i : i+1 : i+1], Left: slices.Concat(factors[:i], factors[i+1:])}
	if r.Took, err = s.holdings(ctx, tx.Queries, acc, now); err != nil {
		return ResetResult{}, err
	}
	r.Took.BackupCodes = 0 // they stay
	if acc.CredentialEpoch, err = tx.BeginChange(ctx, now, acc); err != nil {
		return ResetResult{}, err
	}
	r.Account = acc
	if method == signin.Email {
		if err := voidTickets(ctx, tx, acc.ID, now); err != nil {
			return ResetResult{}, err
		}
	}
	// The pause was earned with what goes, and whoever asked staff for help is to sign in now. Each factor's own count stays.
	if err := tx.ClearThrottle(ctx, codeThrottle(acc.ID)); err != nil {
		return ResetResult{}, fmt.Errorf("clear pause: %w", err)
	}
	if err := noteReset(ctx, tx, acc.ID, now); err != nil {
		return ResetResult{}, err
	}
	if err := tx.EndCodes(ctx, now, acc.ID); err != nil {
		return ResetResult{}, err
	}
	if err := dropFactor(ctx, tx, r.Factors[0]); err != nil {
		return ResetResult{}, err
	}
	if r.Factors[0].Main {
		if _, err := tx.SetMainFactor(ctx, store.SetMainFactorParams{ID: r.Left[0].ID, AccountID: acc.ID}); err != nil {
			return ResetResult{}, fmt.Errorf("set main factor: %w", err)
		}
		r.Left[0].Main = true
	}
	if err := tx.EndAccess(ctx, now, acc.ID, store.Keep{}); err != nil {
		return ResetResult{}, err
	}
	r.tell(tx.Told(acc.ID))
	r.Notified, err = s.notify(ctx, tx, now, notice{
		kind: delivery.KindReset, account: acc, lang: s.noticeLang, method: method,
		to: append(mailAddresses(factors), acc.RegisteredEmail), always: true, stop: true,
		queued: func(id store.MessageID) { r.Messages = append(r.Messages, id) },
	})
	return r, err
}

// tell notes the relying parties that are told.
func (r *ResetResult) tell(told []store.Told) {
	for _, t := range told {
		r.Told, r.Messages = append(r.Told, t.ClientID), append(r.Messages, t.MessageID)
	}
	r.Told = slices.Compact(r.Told) // they come in order
}

// voidTickets takes back what was mailed to be used later: whoever holds a former address must not bring it back. What stops the
// reset, and others that follow it, stays.
func voidTickets(ctx context.Context, tx *store.Tx, id store.AccountID, now time.Time) error {
	if _, err := tx.VoidAccountTickets(ctx, store.VoidAccountTicketsParams{AccountID: id, But: store.TicketStop, Now: &now}); err != nil {
		return fmt.Errorf("void tickets: %w", err)
	}
	return nil
}

// dropFactor deletes a factor and the passkeys it stands for: those first, as whoever uses one holds it before its factor.
func dropFactor(ctx context.Context, tx *store.Tx, f store.Factor) error {
	if f.Kind == string(signin.Passkey) {
		if _, err := tx.DeletePasskeys(ctx, f.AccountID); err != nil {
			return fmt.Errorf("delete passkeys: %w", err)
		}
	}
	if _, err := tx.DeleteFactor(ctx, store.DeleteFactorParams{ID: f.ID, AccountID: f.AccountID}); err != nil {
		return fmt.Errorf("delete factor: %w", err)
	}
	return nil
}

// mailAddresses are the addresses among factors that mail can be sent to.
func mailAddresses(factors []store.Factor) []string {
	var to []string
	for _, f := range factors {
		if f.Kind == string(signin.Email) {
			to = append(to, f.Address)
		}
	}
	return to
}

// offeredBefore puts factors in the order in which they are offered.
func offeredBefore(a, b store.Factor) int {
	switch {
	case a.Main:
		return -1
	case b.Main:
		return 1
	}
	return cmp.Compare(a.Position, b.Position)
}

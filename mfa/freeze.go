package mfa

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// Whoever talks staff into a reset counts on nobody else noticing in time. So the notice of one carries a link by which its reader
// stops everything that could follow, without signing in: see docs/adr/0017-stop-from-a-notice.md.

const (
	// stopFor is how long a notice's link works.
	stopFor = 72 * time.Hour
	// frozenFor is how long it stops changes.
	frozenFor = 24 * time.Hour
)

// stopTicket is what a ticket knows of the notice it came with.
type stopTicket struct {
	// Address is whose mailbox the notice went to, Notice its kind.
	Address string `json:"address"`
	Notice  string `json:"notice"`
}

// offerStop makes the link by which one reader of a notice stops further changes.
func (s *Service) offerStop(ctx context.Context, tx *store.Tx, now time.Time, id store.AccountID, address, kind string) (string, error) {
	data, err := json.Marshal(stopTicket{Address: address, Notice: kind})
	if err != nil {
		return "", fmt.Errorf("encode ticket: %w", err)
	}
	secret, hash := web.NewToken()
	if err := tx.InsertTicket(ctx, store.InsertTicketParams{
		ID: store.NewID[store.TicketID](), Purpose: store.TicketStop, AccountID: id, SecretHash: hash, Data: data,
		Now: now, ExpiresAt: now.Add(stopFor),
	}); err != nil {
		return "", fmt.Errorf("insert ticket: %w", err)
	}
	return s.issuer + pathStop + "?" + url.Values{fieldTicket: {secret}}.Encode(), nil
}

// Stop returns the account that a ticket would freeze, or ErrTicket.
func (s *Service) Stop(ctx context.Context, secret string) (store.Account, error) {
	_, acc, err := findStop(ctx, s.db.Read(), secret, s.now())
	return acc, err
}

// findStop looks a ticket up, and whose it is.
func findStop(ctx context.Context, q *store.Queries, secret string, now time.Time) (store.Ticket, store.Account, error) {
	t, err := q.GetTicket(ctx, store.GetTicketParams{SecretHash: web.HashToken(secret), Purpose: store.TicketStop, Now: now})
	if errors.Is(err, store.ErrNotFound) {
		return store.Ticket{}, store.Account{}, ErrTicket
	}
	if err != nil {
		return store.Ticket{}, store.Account{}, fmt.Errorf("load ticket: %w", err)
	}
	acc, err := q.GetAccount(ctx, t.AccountID)
	if err != nil {
		return store.Ticket{}, store.Account{}, fmt.Errorf("load account: %w", err)
	}
	if acc.DisabledAt != nil {
		return store.Ticket{}, store.Account{}, ErrTicket
	}
	return t, acc, nil
}

// Freeze stops changes of an account's security settings for a day, and ends every session, sign-in, token and device of the
// account as well as links to new passwords: whoever slipped in is out and finds nothing to change. It returns the account,
// ErrTicket, or ErrJustDone for the second press of the button.
func (s *Service) Freeze(ctx context.Context, secret string, lang templates.Lang) (store.Account, error) {
	now := s.now()
	// Most wrong links end here, before anything is locked.
	if _, _, err := findStop(ctx, s.db.Read(), secret, now); err != nil {
		return justFrozen(ctx, s.db.Read(), secret, now, err)
	}
	var acc store.Account
	err := s.db.InTx(ctx, func(tx *store.Tx) error {
		var err error
		if acc, err = s.freeze(ctx, tx, now, secret, lang); errors.Is(err, ErrTicket) {
			acc, err = justFrozen(ctx, tx.Queries, secret, now, err)
		}
		return err
	})
	if err == nil {
		s.outbox.Wake()
	}
	return acc, err
}

func (s *Service) freeze(ctx context.Context, tx *store.Tx, now time.Time, secret string, lang templates.Lang) (store.Account, error) {
	t, _, err := findStop(ctx, tx.Queries, secret, now)
	if err != nil {
		return store.Account{}, err
	}
	if err := hold(ctx, tx, t.AccountID, ErrTicket); err != nil {
		return store.Account{}, err
	}
	n, err := tx.UseTicket(ctx, store.UseTicketParams{Now: &now, ID: t.ID})
	if err != nil {
		return store.Account{}, fmt.Errorf("use ticket: %w", err)
	}
	if n != 1 {
		return store.Account{}, ErrTicket
	}
	var kept stopTicket
	if err := json.Unmarshal(t.Data, &kept); err != nil {
		return store.Account{}, fmt.Errorf("decode ticket: %w", err)
	}
	acc, err := tx.GetAccount(ctx, t.AccountID)
	if err != nil {
		return store.Account{}, fmt.Errorf("load account: %w", err)
	}
	if acc.DisabledAt != nil {
		return store.Account{}, ErrTicket
	}
	if _, err := beginChange(ctx, tx, now, acc, ErrTicket); err != nil {
		return store.Account{}, err
	}
	until := now.Add(frozenFor)
	if _, err := tx.FreezeAccount(ctx, store.FreezeAccountParams{
		ID: acc.ID, Now: &now, FrozenUntil: &until, FrozenBy: mask(signin.Email, kept.Address),
	}); err != nil {
		return store.Account{}, fmt.Errorf("freeze account: %w", err)
	}
	if _, err := tx.VoidTickets(ctx, store.VoidTicketsParams{Now: &now, AccountID: acc.ID, Purpose: store.TicketPassword}); err != nil {
		return store.Account{}, fmt.Errorf("void tickets: %w", err)
	}
	// Whatever staff was talked into letting through.
	if _, err := tx.EndExemption(ctx, store.EndExemptionParams{ID: acc.ID, Now: now}); err != nil {
		return store.Account{}, fmt.Errorf("end exemption: %w", err)
	}
	if _, err := tx.VoidPasses(ctx, store.VoidPassesParams{Now: now, AccountID: acc.ID}); err != nil {
		return store.Account{}, fmt.Errorf("void passes: %w", err)
	}
	if err := tx.EndCodes(ctx, now, acc.ID); err != nil {
		return store.Account{}, err
	}
	if err := tx.EndAccess(ctx, now, acc.ID, store.Keep{}); err != nil {
		return store.Account{}, err
	}
	// Nobody has signed in: all that is known of whoever did it is that they read the mail.
	if err := audit.Write(ctx, tx, now, audit.Event{
		Type: audit.SettingsFreeze, Result: audit.Success, Actor: audit.Anonymous(), Account: acc.ID, Target: mask(signin.Email, kept.Address),
		Data: map[string]string{"notice": kept.Notice, "until": until.UTC().Format(time.RFC3339)},
	}); err != nil {
		return store.Account{}, err
	}
	return acc, s.noteFreeze(ctx, tx, now, acc, delivery.KindFrozen, lang, kept.Address)
}

// noteFreeze tells every address known that changes are stopped, or allowed again.
func (s *Service) noteFreeze(ctx context.Context, tx *store.Tx, now time.Time, acc store.Account, kind string, lang templates.Lang, more ...string) error {
	factors, err := tx.ListFactors(ctx, acc.ID)
	if err != nil {
		return fmt.Errorf("list factors: %w", err)
	}
	_, err = s.notify(ctx, tx, now, notice{
		kind: kind, account: acc, lang: lang, to: append(append(mailAddresses(factors), acc.RegisteredEmail), more...), always: true,
	})
	return err
}

// Thaw allows changes again before the day is over, in the caller's transaction, and tells every address known. It reports whether
// they were stopped. The caller checks the right to do it, records it, and wakes the outbox after the commit.
func (s *Service) Thaw(ctx context.Context, tx *store.Tx, acc store.Account, now time.Time) (bool, error) {
	n, err := tx.LiftFreeze(ctx, store.LiftFreezeParams{ID: acc.ID, Now: now})
	if err != nil {
		return false, fmt.Errorf("lift freeze: %w", err)
	}
	if n == 0 {
		return false, nil
	}
	return true, s.noteFreeze(ctx, tx, now, acc, delivery.KindFreezeLifted, s.noticeLang)
}

// justFrozen tells the second press of the button, whose first one used the ticket up, from a ticket that opens nothing.
func justFrozen(ctx context.Context, q *store.Queries, secret string, now time.Time, gone error) (store.Account, error) {
	if !errors.Is(gone, ErrTicket) {
		return store.Account{}, gone
	}
	since := now.Add(-pressedTwice)
	t, err := q.GetSpentTicket(ctx, store.GetSpentTicketParams{SecretHash: web.HashToken(secret), Purpose: store.TicketStop, Since: &since})
	if errors.Is(err, store.ErrNotFound) {
		return store.Account{}, ErrTicket
	}
	if err != nil {
		return store.Account{}, fmt.Errorf("load ticket: %w", err)
	}
	acc, err := q.GetAccount(ctx, t.AccountID)
	if err != nil {
		return store.Account{}, fmt.Errorf("load account: %w", err)
	}
	if acc.FrozenAt == nil || acc.FrozenAt.Before(*t.UsedAt) || !acc.Frozen(now) {
		return store.Account{}, ErrTicket
	}
	return acc, ErrJustDone
}

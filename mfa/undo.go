package mfa

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// When the address of an email factor is changed, whoever reads the former one can take that back for some days. It is the one
// place where a mailbox alone changes a factor, and it only ever goes back to what was proved before: see
// docs/adr/0013-undo-from-the-former-address.md.

// undoFor is how long a change of the second factor's address can be undone.
const undoFor = 72 * time.Hour

// undoTicket is what a ticket knows of the change it undoes.
type undoTicket struct {
	// Former is the address that comes back, Factor the row it was in.
	Former string         `json:"former"`
	Factor store.FactorID `json:"factor"`
}

func readUndo(t store.Ticket) (undoTicket, error) {
	var u undoTicket
	if err := json.Unmarshal(t.Data, &u); err != nil {
		return undoTicket{}, fmt.Errorf("decode ticket: %w", err)
	}
	return u, nil
}

// undoLink is a link that goes to one address alone; zero where nothing can be undone.
type undoLink struct{ to, url string }

// offerUndo makes the link by which whoever reads a factor's former address undoes a change to another. Only mail has one. Going
// back to an address that a live link leads to needs none: otherwise whoever slipped in between could take the going back back.
func (s *Service) offerUndo(ctx context.Context, tx *store.Tx, now time.Time, former store.Factor, address string) (undoLink, error) {
	if former.Kind != string(signin.Email) {
		return undoLink{}, nil
	}
	live, err := tx.ListTickets(ctx, store.ListTicketsParams{AccountID: former.AccountID, Purpose: store.TicketAddressUndo, Now: now})
	if err != nil {
		return undoLink{}, fmt.Errorf("list tickets: %w", err)
	}
	for _, t := range live {
		u, err := readUndo(t)
		if err != nil {
			return undoLink{}, err
		}
		if strings.EqualFold(u.Former, address) {
			return undoLink{}, nil
		}
	}
	data, err := json.Marshal(undoTicket{Former: former.Address, Factor: former.ID})
	if err != nil {
		return undoLink{}, fmt.Errorf("encode ticket: %w", err)
	}
	secret, hash := web.NewToken()
	if err := tx.InsertTicket(ctx, store.InsertTicketParams{
		ID: store.NewID[store.TicketID](), Purpose: store.TicketAddressUndo, AccountID: former.AccountID, SecretHash: hash, Data: data,
		Now: now, ExpiresAt: now.Add(undoFor),
	}); err != nil {
		return undoLink{}, fmt.Errorf("insert ticket: %w", err)
	}
	return undoLink{to: former.Address, url: s.issuer + pathUndo + "?" + url.Values{"ticket": {secret}}.Encode()}, nil
}

// Undo is a change of address that can be taken back.
type Undo struct {
	Account store.Account
	// Former is the address that would come back, Present the one in force, both whole; Present is empty when the factor was removed.
	Former, Present string
}

// Undo describes what a ticket undoes, or returns ErrTicket.
func (s *Service) Undo(ctx context.Context, secret string) (Undo, error) {
	q := s.db.Read()
	_, u, err := findUndo(ctx, q, secret, s.now())
	if err != nil {
		return Undo{}, err
	}
	f, err := q.GetFactorByKind(ctx, store.GetFactorByKindParams{AccountID: u.Account.ID, Kind: string(signin.Email)})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return Undo{}, fmt.Errorf("load factor: %w", err)
	}
	u.Present = f.Address
	return u, nil
}

// findUndo looks a ticket up, and whose it is.
func findUndo(ctx context.Context, q *store.Queries, secret string, now time.Time) (store.Ticket, Undo, error) {
	t, err := q.GetTicket(ctx, store.GetTicketParams{SecretHash: web.HashToken(secret), Purpose: store.TicketAddressUndo, Now: now})
	if errors.Is(err, store.ErrNotFound) {
		return store.Ticket{}, Undo{}, ErrTicket
	}
	if err != nil {
		return store.Ticket{}, Undo{}, fmt.Errorf("load ticket: %w", err)
	}
	kept, err := readUndo(t)
	if err != nil {
		return store.Ticket{}, Undo{}, err
	}
	u := Undo{Former: kept.Former}
	if u.Account, err = q.GetAccount(ctx, t.AccountID); err != nil {
		return store.Ticket{}, Undo{}, fmt.Errorf("load account: %w", err)
	}
	if u.Account.DisabledAt != nil {
		return store.Ticket{}, Undo{}, ErrTicket
	}
	return t, u, nil
}

// UndoChange takes a change of address back, once: the former address is the email factor again, whatever became of it meanwhile,
// every session, sign-in, token and device of the account ends, and so does every later link of that kind. It returns what was
// undone, ErrTicket, or ErrJustDone with what the first press of the button undid.
func (s *Service) UndoChange(ctx context.Context, secret string, lang templates.Lang) (Undo, error) {
	now := s.now()
	// Most wrong links end here, before anything is locked.
	if _, _, err := findUndo(ctx, s.db.Read(), secret, now); err != nil {
		return justUndone(ctx, s.db.Read(), secret, now, err)
	}
	var u Undo
	err := s.db.InTx(ctx, func(tx *store.Tx) error {
		var err error
		if u, err = s.undo(ctx, tx, now, secret, lang); errors.Is(err, ErrTicket) {
			u, err = justUndone(ctx, tx.Queries, secret, now, err)
		}
		return err
	})
	if err == nil {
		s.outbox.Wake()
	}
	return u, err
}

func (s *Service) undo(ctx context.Context, tx *store.Tx, now time.Time, secret string, lang templates.Lang) (Undo, error) {
	t, _, err := findUndo(ctx, tx.Queries, secret, now)
	if err != nil {
		return Undo{}, err
	}
	if err := hold(ctx, tx, t.AccountID, ErrTicket); err != nil {
		return Undo{}, err
	}
	n, err := tx.UseTicket(ctx, store.UseTicketParams{Now: &now, ID: t.ID})
	if err != nil {
		return Undo{}, fmt.Errorf("use ticket: %w", err)
	}
	if n != 1 {
		return Undo{}, ErrTicket
	}
	if _, err := tx.VoidNewerTickets(ctx, store.VoidNewerTicketsParams{
		Now: &now, AccountID: t.AccountID, Purpose: t.Purpose, ID: t.ID, CreatedAt: t.CreatedAt,
	}); err != nil {
		return Undo{}, fmt.Errorf("void tickets: %w", err)
	}
	acc, err := tx.GetAccount(ctx, t.AccountID)
	if err != nil {
		return Undo{}, fmt.Errorf("load account: %w", err)
	}
	if acc.DisabledAt != nil {
		return Undo{}, ErrTicket
	}
	if _, err := beginChange(ctx, tx, now, acc, ErrTicket); err != nil {
		return Undo{}, err
	}
	if err := tx.ClearThrottle(ctx, codeThrottle(acc.ID)); err != nil {
		return Undo{}, fmt.Errorf("clear pause: %w", err)
	}
	if err := tx.EndCodes(ctx, now, acc.ID); err != nil {
		return Undo{}, err
	}
	u := Undo{Account: acc}
	if u.Former, u.Present, err = restore(ctx, tx, now, t); err != nil {
		return Undo{}, err
	}
	if err := tx.EndAccess(ctx, now, acc.ID, store.Keep{}); err != nil {
		return Undo{}, err
	}
	// Nobody has signed in: all that is known of whoever did it is that they read the mail.
	e := enrolEvent(audit.Event{
		Type: audit.AddressUndo, Result: audit.Success, Actor: audit.Anonymous(), Account: acc.ID,
	}, signin.Email, u.Former)
	if u.Present != "" {
		e.Data["former"] = mask(signin.Email, u.Present)
	}
	if err := audit.Write(ctx, tx, now, e); err != nil {
		return Undo{}, err
	}
	_, err = s.notify(ctx, tx, now, notice{
		kind: delivery.KindAddressRestored, account: acc, lang: lang, method: signin.Email, address: mask(signin.Email, u.Former),
		to: []string{u.Former, u.Present, acc.RegisteredEmail}, always: true,
	})
	return u, err
}

// restore makes a ticket's former address the email factor again: whoever has the ticket has just shown that they read it.
func restore(ctx context.Context, tx *store.Tx, now time.Time, t store.Ticket) (former, present string, err error) {
	kept, err := readUndo(t)
	if err != nil {
		return "", "", err
	}
	factors, err := tx.ListFactors(ctx, t.AccountID)
	if err != nil {
		return "", "", fmt.Errorf("list factors: %w", err)
	}
	id, position := kept.Factor, int64(0)
	for _, f := range factors {
		position = max(position, f.Position+1)
		if f.Kind == string(signin.Email) {
			id, present = f.ID, f.Address
		}
	}
	if _, err := tx.UpsertFactor(ctx, store.UpsertFactorParams{
		ID: id, AccountID: t.AccountID, Kind: string(signin.Email), Address: kept.Former, Main: len(factors) == 0, Position: position, Now: now,
	}); err != nil {
		return "", "", fmt.Errorf("store factor: %w", err)
	}
	return kept.Former, present, nil
}

// justUndone tells the second press of the button, whose first one used the ticket up, from a ticket that opens nothing.
func justUndone(ctx context.Context, q *store.Queries, secret string, now time.Time, gone error) (Undo, error) {
	if !errors.Is(gone, ErrTicket) {
		return Undo{}, gone
	}
	since := now.Add(-pressedTwice)
	t, err := q.GetSpentTicket(ctx, store.GetSpentTicketParams{
		SecretHash: web.HashToken(secret), Purpose: store.TicketAddressUndo, Since: &since,
	})
	if errors.Is(err, store.ErrNotFound) {
		return Undo{}, ErrTicket
	}
	if err != nil {
		return Undo{}, fmt.Errorf("load ticket: %w", err)
	}
	kept, err := readUndo(t)
	if err != nil {
		return Undo{}, err
	}
	f, err := q.GetFactorByKind(ctx, store.GetFactorByKindParams{AccountID: t.AccountID, Kind: string(signin.Email)})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return Undo{}, fmt.Errorf("load factor: %w", err)
	}
	// It may as well have been voided. What undoes a change verifies the factor in the same moment.
	if f.Address != kept.Former || !f.VerifiedAt.Equal(*t.UsedAt) {
		return Undo{}, ErrTicket
	}
	acc, err := q.GetAccount(ctx, t.AccountID)
	if err != nil {
		return Undo{}, fmt.Errorf("load account: %w", err)
	}
	return Undo{Account: acc, Former: kept.Former}, ErrJustDone
}

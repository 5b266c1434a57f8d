package password

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// purpose is that of our tickets.
const purpose = store.TicketPassword

// ticketLength is that of every secret [web.NewToken] makes.
const ticketLength = 43

// Why no link was sent, for the audit log and for staff.
const (
	ReasonDisabled = "account_disabled"
	ReasonAddress  = "no_address"
	ReasonMoved    = "address_changed" // less than a day ago
	ReasonTooMany  = "too_many"
)

// moveHold is how long no link goes to a registered address that staff changed: the former one was told at once, and its owner
// needs the time to object. Without it, whoever may change addresses could take accounts over.
const moveHold = 24 * time.Hour

// voidLinks makes every link of an account worthless. Each is void with the account's credentials anyway; the rows say so too.
func voidLinks(ctx context.Context, tx *store.Tx, now time.Time, id store.AccountID) error {
	if _, err := tx.VoidTickets(ctx, store.VoidTicketsParams{Now: &now, AccountID: id, Purpose: purpose}); err != nil {
		return fmt.Errorf("void links: %w", err)
	}
	return nil
}

// SendLink sends an account the link to a new password on behalf of staff, who ask for no more than anybody can: it goes to the
// registered address and nowhere else. It returns why nothing was sent, "" if it was. It is part of the caller's transaction; the
// caller checks the right to do it, records who did it, and wakes the outbox after the commit.
func (s *Service) SendLink(ctx context.Context, tx *store.Tx, acc store.Account, now time.Time) (refused string, err error) {
	held, err := hold(ctx, tx, acc.ID, store.ErrNotFound)
	if err != nil {
		return "", err
	}
	return s.sendLink(ctx, tx, now, held, s.staffLang, true)
}

// sendLink sends the link to a new password of an account whose row is held. Only the newest link works.
func (s *Service) sendLink(
	ctx context.Context, tx *store.Tx, now time.Time, acc store.Account, lang templates.Lang, staff bool,
) (refused string, err error) {
	switch {
	case acc.DisabledAt != nil:
		return ReasonDisabled, nil
	case acc.RegisteredEmail == "":
		return ReasonAddress, nil
	case acc.RegisteredEmailChangedAt != nil && now.Before(acc.RegisteredEmailChangedAt.Add(moveHold)):
		return ReasonMoved, nil
	}
	free, err := s.takeLink(ctx, tx, now, acc, staff)
	if err != nil {
		return "", err
	}
	if !free {
		return ReasonTooMany, nil
	}
	secret, hash := web.NewToken()
	expires := now.Add(s.limits.LinkLifetime)
	err = s.outbox.Link(ctx, tx, delivery.LinkMessage{
		AccountID: acc.ID, LoginID: acc.LoginID, To: acc.RegisteredEmail, URL: s.link(acc, secret), Secret: secret, Lang: lang,
		ExpiresAt: expires, ByProvider: staff,
	})
	if errors.Is(err, delivery.ErrRecipient) {
		return ReasonAddress, nil
	}
	if err != nil {
		return "", fmt.Errorf("queue link: %w", err)
	}
	if err := voidLinks(ctx, tx, now, acc.ID); err != nil {
		return "", err
	}
	if err := tx.InsertTicket(ctx, store.InsertTicketParams{
		ID: store.NewID[store.TicketID](), Purpose: purpose, AccountID: acc.ID, SecretHash: hash, CredentialEpoch: &acc.CredentialEpoch,
		Data: json.RawMessage("{}"), Now: now, ExpiresAt: expires,
	}); err != nil {
		return "", fmt.Errorf("insert ticket: %w", err)
	}
	return "", nil
}

// takeLink spends one mail of the account's budgets and its mailbox's; it reports whether all of them had one left. What others
// cause must not keep staff from helping, so theirs is a budget apart.
func (s *Service) takeLink(ctx context.Context, tx *store.Tx, now time.Time, acc store.Account, staff bool) (bool, error) {
	type budget struct {
		key     string
		ceiling int
		window  time.Duration
	}
	budgets := []budget{
		{"password-links:" + string(acc.ID) + ":hour", s.limits.LinksHour, time.Hour},
		{"password-links:" + string(acc.ID) + ":day", s.limits.LinksDay, 24 * time.Hour},
		{"password-links-to:" + delivery.Destination(acc.RegisteredEmail), s.limits.MailboxHour, time.Hour},
	}
	if staff {
		budgets = []budget{{"password-links:" + string(acc.ID) + ":staff", s.limits.LinksHour, time.Hour}}
	}
	for _, b := range budgets {
		slot, err := tx.TakeSlot(ctx, b.key, b.ceiling, b.window, now)
		if err != nil || slot == "" {
			return false, err
		}
	}
	return true, nil
}

// link is the address of the page that takes the new password. It depends on the configuration and on the account alone (I24, I26).
func (s *Service) link(acc store.Account, secret string) string {
	return s.issuer + resetURL(placeOf(web.Kind(acc.Kind)), secret)
}

// opened is what a link opens.
type opened struct {
	ticket  store.Ticket
	account store.Account
}

// open finds what the secret of a link opens on the pages of a kind of account. The secret is compared as a hash, by the statement
// that finds the row.
func (s *Service) open(ctx context.Context, kind web.Kind, secret string) (opened, error) {
	if len(secret) != ticketLength {
		return opened{}, ErrTicket // never made by us: no work for the database
	}
	t, err := s.db.Read().GetTicket(ctx, store.GetTicketParams{SecretHash: web.HashToken(secret), Purpose: purpose, Now: s.now()})
	if errors.Is(err, store.ErrNotFound) {
		return opened{}, ErrTicket
	}
	if err != nil {
		return opened{}, fmt.Errorf("look up ticket: %w", err)
	}
	acc, err := s.accounts.ByID(ctx, t.AccountID)
	if errors.Is(err, store.ErrNotFound) {
		return opened{}, ErrTicket
	}
	if err != nil {
		return opened{}, fmt.Errorf("load account: %w", err)
	}
	if !opens(t, acc) || web.Kind(acc.Kind) != kind {
		return opened{}, ErrTicket
	}
	return opened{ticket: t, account: acc}, nil
}

// opens reports whether a ticket is still good for its account: nothing the account signs in with changed since (I19).
func opens(t store.Ticket, acc store.Account) bool {
	return acc.DisabledAt == nil && t.AccountID == acc.ID && t.CredentialEpoch != nil && *t.CredentialEpoch == acc.CredentialEpoch
}

// Resetting describes the form behind a link. It changes nothing: a program that looks at the links of a mail uses none up. It
// fails with [ErrTicket].
func (s *Service) Resetting(ctx context.Context, kind web.Kind, secret string) (Choosing, error) {
	o, err := s.open(ctx, kind, secret)
	if err != nil {
		return Choosing{}, err
	}
	return s.choosing(o.account), nil
}

package mfa

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/internal/seal"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
)

// A reset leaves an account to whoever sets it up first. Where a surface wants it so, that takes a ticket besides the password: a
// number that staff hand over, or that is mailed to the registered address. It opens the set-up and nothing else.
const (
	ticketDigits = 8
	ticketLife   = 30 * time.Minute
	ticketTries  = 5
)

// Handover is how a ticket gets to the person.
type Handover string

// The ways there are. The values are those of a form's field.
const (
	HandoverStaff Handover = "staff" // staff read it and pass it on
	HandoverMail  Handover = "mail"  // it is mailed to the registered address
)

// ticketMoveHold is how long no ticket goes to a registered address that staff changed: the former one was told at once, and its
// owner needs the time to object. Without it, whoever may change addresses and reset could take accounts over.
const ticketMoveHold = 24 * time.Hour

// A TicketRefusal says why a ticket was not mailed.
type TicketRefusal string

// The refusals there are. The values are stored.
const (
	TicketNoAddress TicketRefusal = "no_address"
	TicketMoved     TicketRefusal = "address_changed" // less than a day ago
	TicketTooMany   TicketRefusal = "too_many"
)

// Error implements error.
func (r TicketRefusal) Error() string { return "ticket cannot be mailed: " + string(r) }

// ErrNoTicketDemanded says that an account needs no ticket.
var ErrNoTicketDemanded = errors.New("account needs no ticket")

func ticketThrottle(id store.AccountID) string { return "ticket:" + string(id) }

// demandsTicket reports whether nothing is to be set up without a ticket after a reset: the surface of the account wants it so, and
// the reset took something away, or an earlier one did and nothing was set up since.
func demandsTicket(ctx context.Context, q *store.Queries, acc store.Account, took bool) (bool, error) {
	surface, err := q.GetSurface(ctx, signin.SurfaceOf(acc.Kind))
	if err != nil {
		return false, fmt.Errorf("load surface: %w", err)
	}
	return surface.Reenrol == store.ReenrolByTicket && (took || acc.TicketDemandedAt != nil), nil
}

// demandTicket writes down, in the transaction of a reset, whether a ticket is needed from here on, and returns since when.
func demandTicket(ctx context.Context, tx *store.Tx, acc store.Account, took bool, now time.Time) (*time.Time, error) {
	wanted, err := demandsTicket(ctx, tx.Queries, acc, took)
	if err != nil || !wanted && acc.TicketDemandedAt == nil {
		return nil, err
	}
	var since *time.Time
	if wanted {
		since = &now
	}
	return since, setTicketDemand(ctx, tx, acc.ID, since)
}

func setTicketDemand(ctx context.Context, tx *store.Tx, id store.AccountID, since *time.Time) error {
	if err := tx.SetTicketDemand(ctx, store.SetTicketDemandParams{DemandedAt: since, ID: id}); err != nil {
		return fmt.Errorf("set ticket demand: %w", err)
	}
	return nil
}

// endTicketDemand is for the transaction in which a factor is set up again: from there on that is asked for.
func (s *Service) endTicketDemand(ctx context.Context, tx *store.Tx, acc store.Account, now time.Time) error {
	if acc.TicketDemandedAt == nil {
		return nil
	}
	if _, err := tx.VoidReenrolTickets(ctx, store.VoidReenrolTicketsParams{Now: &now, AccountID: acc.ID}); err != nil {
		return fmt.Errorf("void tickets: %w", err)
	}
	return setTicketDemand(ctx, tx, acc.ID, nil)
}

// IssuedTicket is a ticket that was just issued.
type IssuedTicket struct {
	// Code is empty where it is mailed.
	Code      string
	By        Handover
	ExpiresAt time.Time
}

// IssueTicket makes a ticket for an account that needs one, and voids the former. The issuer can read it until they say that they
// have it, unless it is mailed. The account's row is held and as it is now. It fails with [ErrNoTicketDemanded] or a
// [TicketRefusal].
//
// It is part of the caller's transaction; the caller checks the right to do it, records who did it, and wakes the outbox after the
// commit.
func (s *Service) IssueTicket(ctx context.Context, tx *store.Tx, acc store.Account, issuer string, by Handover, now time.Time) (IssuedTicket, error) {
	if acc.TicketDemandedAt == nil {
		return IssuedTicket{}, ErrNoTicketDemanded
	}
	if _, err := tx.VoidReenrolTickets(ctx, store.VoidReenrolTicketsParams{Now: &now, AccountID: acc.ID}); err != nil {
		return IssuedTicket{}, fmt.Errorf("void tickets: %w", err)
	}
	if err := tx.ClearThrottle(ctx, ticketThrottle(acc.ID)); err != nil {
		return IssuedTicket{}, fmt.Errorf("clear pause: %w", err)
	}
	code, err := newTicket()
	if err != nil {
		return IssuedTicket{}, err
	}
	t := store.ReenrolTicket{
		ID: store.NewID[store.ReenrolTicketID](), AccountID: acc.ID, CredentialEpoch: acc.CredentialEpoch, ExpiresAt: now.Add(ticketLife),
	}
	out := IssuedTicket{By: by, ExpiresAt: t.ExpiresAt}
	var sealed []byte
	var message *store.MessageID
	if by == HandoverMail {
		id := store.NewID[store.MessageID]()
		message, err = &id, s.mailTicket(ctx, tx, acc, id, code, t.ExpiresAt, now)
	} else {
		out.Code = FormatTicket(code)
		sealed, err = s.box.Seal([]byte(code), ticketPlace(t))
	}
	if err != nil {
		return IssuedTicket{}, err
	}
	if err := tx.InsertReenrolTicket(ctx, store.InsertReenrolTicketParams{
		ID: t.ID, AccountID: t.AccountID, CredentialEpoch: t.CredentialEpoch, CodeMAC: s.box.MAC(ticketMAC, ticketData(t, code)...),
		CodeSealed: sealed, IssuerID: issuer, MessageID: message, Now: now, ExpiresAt: t.ExpiresAt,
	}); err != nil {
		return IssuedTicket{}, fmt.Errorf("insert ticket: %w", err)
	}
	return out, nil
}

func (s *Service) mailTicket(
	ctx context.Context, tx *store.Tx, acc store.Account, id store.MessageID, code string, expires, now time.Time,
) error {
	switch {
	case acc.RegisteredEmail == "":
		return TicketNoAddress
	case acc.RegisteredEmailChangedAt != nil && now.Before(acc.RegisteredEmailChangedAt.Add(ticketMoveHold)):
		return TicketMoved
	}
	slot, err := takeSlot(ctx, tx, delivery.NoticeBudget(acc.RegisteredEmail), s.limits.NoticesHour, time.Hour, now)
	if err != nil {
		return err
	}
	if slot == "" {
		return TicketTooMany
	}
	err = s.outbox.Ticket(ctx, tx, delivery.TicketMessage{
		ID: id, AccountID: acc.ID, LoginID: acc.LoginID, To: acc.RegisteredEmail, Ticket: code, Shown: FormatTicket(code),
		Lang: s.noticeLang, ExpiresAt: expires,
	})
	if errors.Is(err, delivery.ErrRecipient) {
		return TicketNoAddress
	}
	return err
}

const ticketMAC = "reenrol-ticket"

// ticketData binds a ticket to its row, account and credentials.
func ticketData(t store.ReenrolTicket, code string) []string {
	return []string{string(t.ID), string(t.AccountID), strconv.FormatInt(t.CredentialEpoch, 10), code}
}

func ticketPlace(t store.ReenrolTicket) seal.Place {
	return seal.Place{Table: "reenrol_tickets", Row: string(t.ID), Account: string(t.AccountID)}
}

// newTicket draws a ticket, each equally likely.
func newTicket() (string, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(100_000_000))
	if err != nil {
		return "", fmt.Errorf("draw ticket: %w", err)
	}
	return fmt.Sprintf("%0*d", ticketDigits, n.Int64()), nil
}

// FormatTicket groups a ticket as people read it.
func FormatTicket(code string) string { return code[:ticketDigits/2] + " " + code[ticketDigits/2:] }

// NormalizeTicket turns what a person typed or pasted into the eight digits it stands for, as [NormalizeCode] does with codes.
func NormalizeTicket(typed string) (string, error) {
	code := squeeze(typed)
	if code == "" {
		return "", ErrCodeBlank
	}
	if len(code) != ticketDigits || strings.Trim(code, "0123456789") != "" {
		return "", ErrCodeForm
	}
	return code, nil
}

// TicketStatus is how an account stands with tickets, as staff see it.
type TicketStatus struct {
	// Demanded is whether nothing is set up without a ticket.
	Demanded bool
	// Live is whether the newest ticket would be accepted, until ExpiresAt. Spent is whether it was guessed at too often.
	Live, Spent bool
	ExpiresAt   time.Time
	// Code is the ticket for whoever issued it and has not said that they have it; empty for everybody else.
	Code string
	// Mail is the message that carries it, nil when staff hand it over.
	Mail *store.GetMessageRow
}

// TicketStatus reads how an account stands with tickets, through the caller's queries. The viewer is who looks.
func (s *Service) TicketStatus(ctx context.Context, q *store.Queries, acc store.Account, viewer string) (TicketStatus, error) {
	v := TicketStatus{Demanded: acc.TicketDemandedAt != nil}
	t, err := q.GetReenrolTicket(ctx, acc.ID)
	if errors.Is(err, store.ErrNotFound) || err == nil && !v.Demanded {
		return v, nil
	}
	if err != nil {
		return TicketStatus{}, fmt.Errorf("load ticket: %w", err)
	}
	open := t.UsedAt == nil && t.ExpiresAt.After(s.now()) && t.CredentialEpoch == acc.CredentialEpoch
	v.Live, v.Spent, v.ExpiresAt = open && t.Tries < ticketTries, open && t.Tries >= ticketTries, t.ExpiresAt
	if v.Live && len(t.CodeSealed) > 0 && viewer != "" && t.IssuerID == viewer {
		code, err := s.box.Open(t.CodeSealed, ticketPlace(t))
		if err != nil {
			return TicketStatus{}, fmt.Errorf("open ticket: %w", err)
		}
		v.Code = string(code)
	}
	if t.MessageID == nil {
		return v, nil
	}
	m, err := q.GetMessage(ctx, *t.MessageID)
	if errors.Is(err, store.ErrNotFound) {
		return v, nil
	}
	if err != nil {
		return TicketStatus{}, fmt.Errorf("load message: %w", err)
	}
	v.Mail = &m
	return v, nil
}

// ForgetTicket makes the newest ticket of an account unreadable for its issuer, who says that they have it.
func (s *Service) ForgetTicket(ctx context.Context, tx *store.Tx, id store.AccountID, issuer string) error {
	t, err := tx.GetReenrolTicket(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("load ticket: %w", err)
	}
	if _, err := tx.ForgetReenrolTicket(ctx, store.ForgetReenrolTicketParams{ID: t.ID, IssuerID: issuer}); err != nil {
		return fmt.Errorf("forget ticket: %w", err)
	}
	return nil
}

// TicketPage is the state of the page that asks a sign-in for a ticket.
type TicketPage struct {
	// LockedUntil is set while tickets of the account are not looked at.
	LockedUntil *time.Time
	// NearLimit is true when further failures pause them.
	NearLimit bool
}

// TicketPage describes the page that asks a sign-in for a ticket. It says nothing of whether there is one.
func (s *Service) TicketPage(ctx context.Context, flow store.Flow) (v TicketPage, err error) {
	now, q := s.now(), s.db.Read()
	p, err := s.attempted(ctx, q, flow, now)
	if err != nil {
		return v, err
	}
	if p.Next() != signin.StepTicket {
		return v, ErrWrongStep
	}
	v.LockedUntil, v.NearLimit, err = s.pause(ctx, q, ticketThrottle(p.account.ID), now)
	return v, err
}

// VerifyTicket adds a ticket to the sign-in, which may then set up a factor, and spends it. It returns the flow's new secret. A
// wrong one is counted before the answer (I7); after five the ticket is void, and staff have to issue another.
func (s *Service) VerifyTicket(ctx context.Context, flow store.Flow, typed string) (secret string, err error) {
	code, formErr := NormalizeTicket(typed)
	now := s.now()
	var verdict error
	err = s.db.InTx(ctx, func(tx *store.Tx) error {
		if flow.AccountID == nil {
			return ErrFlowGone
		}
		if err := hold(ctx, tx, *flow.AccountID, ErrFlowGone); err != nil {
			return err
		}
		p, err := s.attempted(ctx, tx.Queries, flow, now)
		if err != nil {
			return err
		}
		if p.Next() != signin.StepTicket {
			return ErrWrongStep
		}
		if formErr != nil {
			return formErr
		}
		var t store.ReenrolTicket
		if t, verdict, err = s.judgeTicket(ctx, tx, now, p, code); err != nil || verdict != nil {
			return err
		}
		n, err := tx.UseReenrolTicket(ctx, store.UseReenrolTicketParams{Now: &now, ID: t.ID})
		if err != nil {
			return fmt.Errorf("use ticket: %w", err)
		}
		if n != 1 {
			return ErrWrongCode
		}
		if err := tx.ClearThrottle(ctx, ticketThrottle(p.account.ID)); err != nil {
			return fmt.Errorf("clear pause: %w", err)
		}
		proved := p.evidence().With(signin.Evidence{Method: signin.Ticket, At: now})
		if secret, err = prove(ctx, tx, now, p, proved, *p.flow.CredentialEpoch, p.flow.BackupBatchID); err != nil {
			return err
		}
		return audit.Write(ctx, tx, now, p.event(audit.TicketUse, audit.Success, ""))
	})
	if err == nil {
		err = verdict
	}
	return secret, err
}

// judgeTicket counts a guess at the account's newest ticket and compares it. The verdict is nil when it is right.
func (s *Service) judgeTicket(
	ctx context.Context, tx *store.Tx, now time.Time, p attempted, code string,
) (t store.ReenrolTicket, verdict, err error) {
	fail := func(r audit.Result, reason string, verdict error) (store.ReenrolTicket, error, error) {
		return t, verdict, audit.Write(ctx, tx, now, p.event(audit.TicketUse, r, reason))
	}
	err = s.takeThrottle(ctx, tx, ticketThrottle(p.account.ID), now)
	if locked, ok := errors.AsType[*LockedError](err); ok {
		return fail(audit.Refused, "paused", locked)
	}
	if err != nil {
		return t, nil, fmt.Errorf("count try: %w", err)
	}
	newest, err := tx.GetReenrolTicket(ctx, p.account.ID)
	if errors.Is(err, store.ErrNotFound) {
		return fail(audit.Failure, "no_ticket", ErrWrongCode)
	}
	if err != nil {
		return t, nil, fmt.Errorf("load ticket: %w", err)
	}
	t, err = tx.TryReenrolTicket(ctx, store.TryReenrolTicketParams{
		ID: newest.ID, CredentialEpoch: p.account.CredentialEpoch, Now: now, MaxTries: ticketTries,
	})
	if errors.Is(err, store.ErrNotFound) {
		return fail(audit.Failure, "expired", ErrWrongCode)
	}
	if err != nil {
		return t, nil, fmt.Errorf("count try: %w", err)
	}
	if !s.box.CheckMAC(t.CodeMAC, ticketMAC, ticketData(t, code)...) {
		return fail(audit.Failure, "wrong_code", ErrWrongCode)
	}
	return t, nil, nil
}

package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

// Reset is what a reset did.
type Reset struct {
	mfa.ResetResult
	// ID is the row that says so: see [Service.ResetReport].
	ID store.ResetID
	// Again is true when the same form had done it before and nothing was done now; of the result only SetUp is known then.
	Again bool
	// Ticket is the one that was issued, where one is needed from here on; nil otherwise.
	Ticket *mfa.IssuedTicket
}

// PlanReset says what [Service.ResetFactors] would do to an account, or [Service.ResetFactor] if a method is named.
func (s *Service) PlanReset(ctx context.Context, actor Actor, a Account, method signin.Method) (mfa.ResetPlan, error) {
	if err := s.view(ctx, actor, mayView); err != nil {
		return mfa.ResetPlan{}, err
	}
	return s.factors.PlanReset(ctx, s.db.Read(), a.Account, method, s.now())
}

// resetRecord is what the row of a reset keeps of what was taken away: kinds and numbers, no addresses.
type resetRecord struct {
	SetUp    bool           `json:"set_up"`
	Factors  []string       `json:"factors"`
	Left     []string       `json:"left,omitempty"`
	Codes    int            `json:"codes"`
	Devices  int            `json:"devices"`
	Sessions int            `json:"sessions"`
	Attempts int            `json:"attempts"`
	Clients  []clientRecord `json:"clients,omitempty"`
	// Ticket is how the ticket was handed over; empty where none was issued.
	Ticket mfa.Handover `json:"ticket,omitempty"`
}

type clientRecord struct {
	Name          string `json:"name"`
	RefreshTokens int    `json:"refresh_tokens"`
}

func recordOf(r mfa.ResetResult) resetRecord {
	rec := resetRecord{
		SetUp: r.SetUp, Factors: kindsOf(r.Factors), Left: kindsOf(r.Left),
		Codes: r.Took.BackupCodes, Devices: r.Took.Devices, Sessions: r.Took.Sessions, Attempts: r.Took.Attempts,
	}
	for _, c := range r.Took.Clients {
		rec.Clients = append(rec.Clients, clientRecord{Name: c.Name, RefreshTokens: c.RefreshTokens})
	}
	return rec
}

func kindsOf(factors []store.Factor) []string {
	kinds := make([]string, 0, len(factors))
	for _, f := range factors {
		kinds = append(kinds, f.Kind)
	}
	return kinds
}

// doneBefore finds what the same form did to the account before: somebody pressed the button twice. A form is its operator's and
// about one thing; anything else is [ErrConflict].
func (w *work) doneBefore(ctx context.Context, id store.AccountID, method signin.Method, form store.FormID) (Reset, bool, error) {
	row, err := w.tx.GetResetOfForm(ctx, store.GetResetOfFormParams{FormID: form, AccountID: id})
	if errors.Is(err, store.ErrNotFound) {
		return Reset{}, false, nil
	}
	if err != nil {
		return Reset{}, false, fmt.Errorf("load reset: %w", err)
	}
	if row.ActorID != w.actor.audit().ID || row.Method != string(method) {
		return Reset{}, false, ErrConflict
	}
	var rec resetRecord
	if err := json.Unmarshal(row.Result, &rec); err != nil {
		return Reset{}, false, fmt.Errorf("reset %s: %w", row.ID, err)
	}
	r := Reset{ID: row.ID, Again: true}
	r.SetUp = rec.SetUp
	return r, true, nil
}

// keepReset issues the ticket that the account needs from here on, if it does, and writes down what the reset did: for the audit log,
// and for the page that says so.
func (s *Service) keepReset(ctx context.Context, w *work, method signin.Method, reason Reason, r mfa.ResetResult) (Reset, error) {
	rec := recordOf(r)
	out := Reset{ResetResult: r, ID: store.NewID[store.ResetID]()}
	if r.Account.TicketDemandedAt != nil && len(r.Left) == 0 && (method == "" || r.SetUp) {
		ticket, err := s.issueTicket(ctx, w, r.Account, reason.Handover)
		if err != nil {
			return Reset{}, err
		}
		out.Ticket, rec.Ticket = &ticket, reason.Handover
	}
	result, err := json.Marshal(rec)
	if err != nil {
		return Reset{}, fmt.Errorf("encode reset: %w", err)
	}
	by := w.actor.audit()
	if err := w.tx.InsertReset(ctx, store.InsertResetParams{
		ID: out.ID, AccountID: r.Account.ID, FormID: reason.Form, Method: string(method), ActorID: by.ID, ActorName: by.Name,
		Result: result, Now: w.now,
	}); err != nil {
		return Reset{}, fmt.Errorf("insert reset: %w", err)
	}
	for _, id := range r.Messages {
		if err := w.tx.InsertResetNotice(ctx, store.InsertResetNoticeParams{ResetID: out.ID, MessageID: id}); err != nil {
			return Reset{}, fmt.Errorf("insert notice of reset: %w", err)
		}
	}
	w.event.Reason, w.event.Data = reason.Text, resetData(r)
	reason.describe(w.event.Data)
	if rec.Ticket != "" {
		w.event.Data["ticket"] = string(rec.Ticket)
	}
	if method != "" {
		w.event.Data["method"] = string(method)
	}
	return out, nil
}

// resetData describes what a reset took away. The addresses are not part of it: the log outlives them.
func resetData(r mfa.ResetResult) map[string]string {
	var clients []string
	for _, c := range r.Took.Clients {
		clients = append(clients, c.ID)
	}
	data := map[string]string{
		"set_up": strconv.FormatBool(r.SetUp), "factors": strings.Join(kindsOf(r.Factors), " "), "notices": strconv.Itoa(len(r.Notified)),
		"codes": strconv.Itoa(r.Took.BackupCodes), "devices": strconv.Itoa(r.Took.Devices), "sessions": strconv.Itoa(r.Took.Sessions),
		"attempts": strconv.Itoa(r.Took.Attempts), "clients": strings.Join(clients, " "),
	}
	if len(r.Left) > 0 {
		data["left"] = strings.Join(kindsOf(r.Left), " ")
	}
	if len(r.Told) > 0 {
		data["told"] = strings.Join(r.Told, " ")
	}
	if r.ExemptionEnded {
		data["exemption_ended"] = "true"
	}
	return data
}

// issueTicket issues a ticket in the transaction of an act. It fails with an [account.ValidationError] where none can be mailed.
func (s *Service) issueTicket(ctx context.Context, w *work, acc store.Account, by mfa.Handover) (mfa.IssuedTicket, error) {
	issuer := w.actor.audit().ID
	ticket, err := s.factors.IssueTicket(ctx, w.tx, acc, issuer, by, w.now)
	if refused, ok := errors.AsType[mfa.TicketRefusal](err); ok {
		return ticket, &account.ValidationError{Fields: map[string]string{FieldHandover: ticketMessages[refused]}}
	}
	if err == nil && !w.actor.person() {
		// Operators read it on a page until they have passed it on. Whoever else asked has it in their answer, and nowhere else.
		err = s.factors.ForgetTicket(ctx, w.tx, acc.ID, issuer)
	}
	return ticket, err
}

var ticketMessages = map[mfa.TicketRefusal]string{
	mfa.TicketNoAddress: templates.MsgTicketNoAddress,
	mfa.TicketMoved:     templates.MsgTicketMoved,
	mfa.TicketTooMany:   templates.MsgTicketTooMany,
}

// IssueTicket issues a ticket to an account that needs one to set up a factor; the former is void. It fails with an
// [account.ValidationError] where none can be mailed, with [store.ErrNotFound] and with [mfa.ErrNoTicketDemanded].
func (s *Service) IssueTicket(ctx context.Context, actor Actor, id store.AccountID, by mfa.Handover) (ticket mfa.IssuedTicket, err error) {
	if s.factors == nil {
		return ticket, errNoFactors
	}
	_, err = s.act(ctx, actor, mayView, audit.Event{Type: audit.TicketIssue}, func(w *work) error {
		if _, err := w.other(ctx, id, mayReset); err != nil {
			return err
		}
		if !knownHandover(by) {
			return &account.ValidationError{Fields: map[string]string{FieldHandover: templates.MsgHandoverBlank}}
		}
		if err := w.unfrozen(ctx, id); err != nil {
			return err
		}
		acc, err := w.tx.GetAccount(ctx, id)
		if err != nil {
			return fmt.Errorf("load account: %w", err)
		}
		if acc.TicketDemandedAt == nil {
			return mfa.ErrNoTicketDemanded
		}
		if err := s.allow(ctx, w, id, Proposal{Act: ActTicket, Handover: by}); err != nil {
			return err
		}
		w.event.Data = map[string]string{"ticket": string(by)}
		ticket, err = s.issueTicket(ctx, w, acc, by)
		return err
	})
	if err != nil {
		return mfa.IssuedTicket{}, err
	}
	s.outbox.Wake()
	return ticket, nil
}

// ForgetTicket makes a ticket unreadable for the operator who issued it and has passed it on. It is no change for anybody else, so
// there is nothing to write down.
func (s *Service) ForgetTicket(ctx context.Context, actor Actor, id store.AccountID) error {
	if s.factors == nil {
		return errNoFactors
	}
	if _, err := s.Account(ctx, actor, id); err != nil {
		return err
	}
	return s.db.InTx(ctx, func(tx *store.Tx) error { return s.factors.ForgetTicket(ctx, tx, id, actor.audit().ID) })
}

// TicketStatus is how an account stands with tickets, as the actor may know it.
func (s *Service) TicketStatus(ctx context.Context, actor Actor, a Account) (mfa.TicketStatus, error) {
	actor, err := s.viewer(ctx, actor, mayView)
	if err != nil {
		return mfa.TicketStatus{}, err
	}
	viewer := actor.audit().ID
	if !mayChangeOther(actor, a, mayReset) {
		viewer = ""
	}
	return s.factors.TicketStatus(ctx, s.db.Read(), a.Account, viewer)
}

// ResetReport is what a reset did and what became of its notices.
type ResetReport struct {
	store.Reset

	Record  resetRecord
	Account Account
	// Notices are the notices whose rows are still kept.
	Notices []store.ListNoticesOfFormRow
	// Ticket is how the account stands with tickets now.
	Ticket mfa.TicketStatus
}

// ResetReport returns what a reset did, or [store.ErrNotFound], also for one of an account that the actor may not see.
func (s *Service) ResetReport(ctx context.Context, actor Actor, id store.ResetID) (ResetReport, error) {
	actor, err := s.viewer(ctx, actor, mayView)
	if err != nil {
		return ResetReport{}, err
	}
	if !store.ValidID(string(id)) {
		return ResetReport{}, store.ErrNotFound
	}
	q := s.db.Read()
	row, err := q.GetReset(ctx, id)
	if err != nil {
		return ResetReport{}, err
	}
	v := ResetReport{Reset: row}
	if v.Account, err = s.Account(ctx, actor, row.AccountID); err != nil {
		return ResetReport{}, err
	}
	if err := json.Unmarshal(row.Result, &v.Record); err != nil {
		return ResetReport{}, fmt.Errorf("reset %s: %w", id, err)
	}
	notices, err := q.ListNoticesOfForm(ctx, row.FormID)
	if err != nil {
		return ResetReport{}, fmt.Errorf("list notices: %w", err)
	}
	v.Notices = slices.DeleteFunc(notices, func(n store.ListNoticesOfFormRow) bool { return n.ResetID != id })
	v.Ticket, err = s.TicketStatus(ctx, actor, v.Account)
	return v, err
}

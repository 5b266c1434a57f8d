package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
)

// CustomerHoldings are a customer and what its accounts have set up.
type CustomerHoldings struct {
	store.Customer
	Accounts []AccountHoldings
	// At is when it was read: accounts that are made later are not among them.
	At time.Time
}

// AccountHoldings are an account of a customer and what it has set up.
type AccountHoldings struct {
	store.ListCustomerHoldingsRow // Approval is also set where the surface says so
	// Kinds are its factors, the main one first.
	Kinds []string
}

// CustomerHoldings returns what every account of a customer has set up, or [store.ErrNotFound].
func (s *Service) CustomerHoldings(ctx context.Context, actor Actor, id store.CustomerID) (CustomerHoldings, error) {
	if err := s.view(ctx, actor, mayView); err != nil {
		return CustomerHoldings{}, err
	}
	c, err := s.accounts.CustomerByID(ctx, id)
	if err != nil {
		return CustomerHoldings{}, err
	}
	q, v := s.db.Read(), CustomerHoldings{Customer: c, At: s.now()}
	rows, err := q.ListCustomerHoldings(ctx, store.ListCustomerHoldingsParams{CustomerID: id, Now: v.At})
	if err != nil {
		return CustomerHoldings{}, fmt.Errorf("list accounts: %w", err)
	}
	factors, err := q.ListCustomerFactors(ctx, id)
	if err != nil {
		return CustomerHoldings{}, fmt.Errorf("list factors: %w", err)
	}
	kinds := map[store.AccountID][]string{}
	for _, f := range factors {
		kinds[f.AccountID] = append(kinds[f.AccountID], f.Kind)
	}
	surface, err := q.GetSurface(ctx, SurfaceStore)
	if err != nil {
		return CustomerHoldings{}, fmt.Errorf("load surface: %w", err)
	}
	for _, row := range rows {
		row.Approval = row.Approval || surface.Approval
		v.Accounts = append(v.Accounts, AccountHoldings{ListCustomerHoldingsRow: row, Kinds: kinds[row.ID]})
	}
	return v, nil
}

// CustomerReset is a reset of a customer's accounts.
type CustomerReset struct {
	// Form is by which [Service.CustomerReport] finds what was done.
	Form store.FormID
	// Tickets are those that were issued, where they are needed from here on.
	Tickets map[store.AccountID]mfa.IssuedTicket
}

// ResetCustomer resets every account of a customer that there was when the actor looked, each in its own transaction and by the rules
// of [Service.ResetFactors]. Sending the same form again goes on with the accounts that it has not reset yet. What takes a second
// operator's approval is asked for by the same form. An account that the actor may not reset is left as it is, and the try is written
// down. It fails with an [account.ValidationError], [store.ErrNotFound], or [ErrConflict] if nothing was looked at.
func (s *Service) ResetCustomer(ctx context.Context, actor Actor, id store.CustomerID, seen time.Time, reason Reason) (CustomerReset, error) {
	if s.factors == nil {
		return CustomerReset{}, errNoFactors
	}
	// The right before the work, as for one account.
	_, err := s.act(ctx, actor, mayReset, audit.Event{Type: audit.FactorReset}, func(w *work) error {
		c, err := w.customer(ctx, id)
		if err != nil {
			return err
		}
		w.event.Target = customerName(c)
		if reason, err = reason.check(); err != nil {
			return err
		}
		return errUnchanged
	})
	if err != nil {
		return CustomerReset{}, err
	}
	all, err := s.CustomerHoldings(ctx, actor, id)
	if err != nil {
		return CustomerReset{}, err
	}
	shown, out := 0, CustomerReset{Form: reason.Form, Tickets: map[store.AccountID]mfa.IssuedTicket{}}
	for _, a := range all.Accounts {
		if a.CreatedAt.After(seen) {
			continue
		}
		shown++
		var done Reset
		var err error
		if a.Approval && !actor.system {
			_, err = s.AskApproval(ctx, actor, a.ID, Proposal{Act: ActReset, Handover: reason.Handover}, reason)
		} else {
			done, err = s.reset(ctx, actor, a.ID, "", reason)
		}
		// A frozen account, and one to which no ticket can be mailed, stay as they are, too: the rest of the form was looked at before.
		_, unmailed := errors.AsType[*account.ValidationError](err)
		if unmailed || errors.Is(err, ErrFrozen) || errors.Is(err, ErrForbidden) || errors.Is(err, store.ErrNotFound) || errors.Is(err, ErrApprovalRequired) ||
			errors.Is(err, ErrConflict) && a.Approval {
			continue
		}
		if err != nil {
			return CustomerReset{}, err
		}
		if done.Ticket != nil {
			out.Tickets[a.ID] = *done.Ticket
		}
	}
	if shown == 0 {
		return CustomerReset{}, ErrConflict
	}
	return out, nil
}

func (w *work) customer(ctx context.Context, id store.CustomerID) (store.Customer, error) {
	if !store.ValidID(string(id)) {
		return store.Customer{}, store.ErrNotFound
	}
	return w.tx.GetCustomer(ctx, id)
}

// CustomerReport is what became of the accounts of a customer that were reset by one form.
type CustomerReport struct {
	CustomerHoldings

	// Resets are what was done, Notices who was told of it, by account.
	Resets  map[store.AccountID]store.Reset
	Records map[store.AccountID]resetRecord
	Notices map[store.ResetID][]store.ListNoticesOfFormRow
	// Asked are the requests for those that take a second operator's approval.
	Asked map[store.AccountID]store.Approval
}

// CustomerReport returns what a form did to the accounts of a customer, or [store.ErrNotFound] for one that did nothing to any.
func (s *Service) CustomerReport(ctx context.Context, actor Actor, id store.CustomerID, form store.FormID) (CustomerReport, error) {
	all, err := s.CustomerHoldings(ctx, actor, id)
	if err != nil {
		return CustomerReport{}, err
	}
	if !store.ValidID(string(form)) {
		return CustomerReport{}, store.ErrNotFound
	}
	v := CustomerReport{
		CustomerHoldings: all, Resets: map[store.AccountID]store.Reset{}, Records: map[store.AccountID]resetRecord{},
		Notices: map[store.ResetID][]store.ListNoticesOfFormRow{}, Asked: map[store.AccountID]store.Approval{},
	}
	q := s.db.Read()
	resets, err := q.ListResetsOfForm(ctx, form)
	if err != nil {
		return CustomerReport{}, fmt.Errorf("list resets: %w", err)
	}
	for _, r := range resets {
		var rec resetRecord
		if err := json.Unmarshal(r.Result, &rec); err != nil {
			return CustomerReport{}, fmt.Errorf("reset %s: %w", r.ID, err)
		}
		v.Resets[r.AccountID], v.Records[r.AccountID] = r, rec
	}
	requests, err := q.ListApprovalsOfForm(ctx, form)
	if err != nil {
		return CustomerReport{}, fmt.Errorf("list approvals: %w", err)
	}
	for _, r := range requests {
		if r.AccountID != nil {
			v.Asked[*r.AccountID] = r
		}
	}
	found := 0
	for _, a := range all.Accounts {
		_, done := v.Resets[a.ID]
		_, asked := v.Asked[a.ID]
		if done || asked {
			found++
		}
	}
	if found == 0 {
		return CustomerReport{}, store.ErrNotFound
	}
	notices, err := q.ListNoticesOfForm(ctx, form)
	if err != nil {
		return CustomerReport{}, fmt.Errorf("list notices: %w", err)
	}
	for _, n := range notices {
		v.Notices[n.ResetID] = append(v.Notices[n.ResetID], n)
	}
	return v, nil
}

// resetsAskForTicket reports whether accounts of a kind need a ticket to be set up after a reset.
func (s *Service) resetsAskForTicket(ctx context.Context, kind string) (bool, error) {
	surface, err := s.db.Read().GetSurface(ctx, signin.SurfaceOf(kind))
	if err != nil {
		return false, fmt.Errorf("load surface: %w", err)
	}
	return surface.Reenrol == store.ReenrolByTicket, nil
}

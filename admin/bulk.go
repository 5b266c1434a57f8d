package admin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/store"
)

const (
	// MaxSelection is how many accounts can be picked one by one: as many as one form names.
	MaxSelection = 40
	// bulkBatch is how many switches one request turns: more would outlast it. The rest is left for the next one.
	bulkBatch = 300
	// bulkShown is how many accounts a preview or a result lists; the others are counted.
	bulkShown = 100
)

// BulkSwitch sets the switch of many accounts of a customer.
type BulkSwitch struct {
	Customer store.CustomerID
	// Want is 利用する or 利用しない.
	Want string
	// Accounts are those that were picked; nil means all of the customer's.
	Accounts []store.AccountID
}

// SwitchRow is what a [BulkSwitch] would do to one account.
type SwitchRow struct {
	store.ListCustomerAccountsRow
	// Changes is whether the switch has another value, Resets whether what was set up would be cleared (M3), LeftOut whether it stays
	// as it is because that takes a second operator's approval.
	Changes, Resets, LeftOut bool
}

// SwitchPreview is what a [BulkSwitch] would do.
type SwitchPreview struct {
	Customer store.Customer
	// Total counts the accounts, Changing those that would change, Resetting those of them that would lose what they set up.
	Total, Changing, Resetting int
	// LeftOut counts those that would change and are left as they are, because that takes a second operator's approval.
	LeftOut int
	// Refused is whether none of them can be changed, because 利用しない is not to be had while the store is enforced (M11).
	Refused bool
	// Rows are accounts that would change, as many as a page shows; where some were picked, all of these.
	Rows []SwitchRow
}

// PreviewSwitch says what [Service.SwitchMany] would do. Accounts of somebody else among the picked ones are like none.
func (s *Service) PreviewSwitch(ctx context.Context, actor Actor, in BulkSwitch) (SwitchPreview, error) {
	actor, err := s.viewer(ctx, actor, mayReset)
	if err != nil {
		return SwitchPreview{}, err
	}
	if err := in.check(); err != nil {
		return SwitchPreview{}, err
	}
	c, err := s.accounts.CustomerByID(ctx, in.Customer)
	if err != nil {
		return SwitchPreview{}, err
	}
	q := s.db.Read()
	surface, err := q.GetSurface(ctx, SurfaceStore)
	if err != nil {
		return SwitchPreview{}, fmt.Errorf("load surface: %w", err)
	}
	p := SwitchPreview{Customer: c, Refused: surface.Enforced && in.Want == account.TwoFactorDont}
	guarded := in.guarded(actor, surface)
	if in.Accounts == nil {
		n, err := q.CountCustomerSwitch(ctx, store.CountCustomerSwitchParams{CustomerID: in.Customer, Want: in.Want, Guarded: guarded})
		if err != nil {
			return SwitchPreview{}, fmt.Errorf("count accounts: %w", err)
		}
		p.Total, p.Changing, p.Resetting, p.LeftOut = int(n.Total), int(n.Changing), int(n.Resetting), int(n.LeftOut)
		if surface.Approval && guarded == guardedSkip {
			p.LeftOut, p.Changing, p.Resetting = p.LeftOut+p.Changing, 0, 0
		}
		rows, err := q.ListCustomerAccounts(ctx, store.ListCustomerAccountsParams{CustomerID: in.Customer, Unless: in.Want, PageSize: bulkShown})
		if err != nil {
			return SwitchPreview{}, fmt.Errorf("list accounts: %w", err)
		}
		for _, row := range rows {
			p.Rows = append(p.Rows, in.row(row, guarded, surface))
		}
		return p, nil
	}
	for _, id := range in.Accounts {
		row, err := q.GetCustomerAccount(ctx, store.GetCustomerAccountParams{ID: id, CustomerID: in.Customer})
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return SwitchPreview{}, fmt.Errorf("load account: %w", err)
		}
		r := in.row(store.ListCustomerAccountsRow(row), guarded, surface)
		p.Total++
		if r.LeftOut {
			p.LeftOut++
		}
		if r.Changes {
			p.Changing++
		}
		if r.Resets {
			p.Resetting++
		}
		p.Rows = append(p.Rows, r)
	}
	return p, nil
}

// row says what the switch would do to one account.
func (in BulkSwitch) row(row store.ListCustomerAccountsRow, guarded string, surface store.Surface) SwitchRow {
	other, setUp := row.TwoFactor != in.Want, row.MainFactor != nil
	left := other && guarded != "" && (row.Approval || surface.Approval) && (guarded == guardedSkip || setUp)
	return SwitchRow{ListCustomerAccountsRow: row, Changes: other && !left, Resets: other && !left && setUp, LeftOut: left}
}

// Which accounts that take a second operator's approval queries leave out: all of them, those of them that have something set up, or
// whichever have, where all take it.
const (
	guardedSkip     = "skip"
	guardedSetUp    = "set_up"
	guardedAllSetUp = "all_set_up"
)

// guarded is what tells the queries to leave out the accounts that take a second operator's approval: 利用しない would open them, and so
// would 利用する those that have something set up.
func (in BulkSwitch) guarded(actor Actor, surface store.Surface) string {
	switch {
	case actor.system:
		return ""
	case in.Want == account.TwoFactorDont:
		return guardedSkip
	case surface.Approval:
		return guardedAllSetUp
	}
	return guardedSetUp
}

// check refuses what no form sends.
func (in BulkSwitch) check() error {
	if !store.ValidID(string(in.Customer)) || in.Want != account.TwoFactorUse && in.Want != account.TwoFactorDont || len(in.Accounts) > MaxSelection {
		return store.ErrNotFound
	}
	for _, id := range in.Accounts {
		if !store.ValidID(string(id)) {
			return store.ErrNotFound
		}
	}
	return nil
}

// SwitchMany sets the switch of many accounts, each as [Service.SetTwoFactor] does: in a transaction of its own, with its audit row,
// clearing what was set up (M3), refused where M11 says so. Accounts that take a second operator's approval are left out. An account that
// has the value already is left alone, so that a second press, or one after a failure half way, does only what is missing. It stops after
// as many as a request has time for, and reports how many it changed; the preview tells what is left. It fails with [store.ErrNotFound]
// for a customer that is not there.
func (s *Service) SwitchMany(ctx context.Context, actor Actor, in BulkSwitch) (changed int, err error) {
	actor, err = s.viewer(ctx, actor, mayReset)
	if err != nil {
		return 0, err
	}
	if err := in.check(); err != nil {
		return 0, err
	}
	surface, err := s.db.Read().GetSurface(ctx, SurfaceStore)
	if err != nil {
		return 0, fmt.Errorf("load surface: %w", err)
	}
	guarded := in.guarded(actor, surface)
	if guarded == guardedSkip && surface.Approval && !surface.Enforced {
		return 0, nil
	}
	if _, err := s.accounts.CustomerByID(ctx, in.Customer); err != nil {
		return 0, err
	}
	var ids []store.AccountID
	if in.Accounts == nil {
		rows, err := s.db.Read().ListCustomerAccounts(ctx, store.ListCustomerAccountsParams{
			CustomerID: in.Customer, Unless: in.Want, PageSize: bulkBatch, Guarded: guarded,
		})
		if err != nil {
			return 0, fmt.Errorf("list accounts: %w", err)
		}
		for _, row := range rows {
			ids = append(ids, row.ID)
		}
	} else {
		p, err := s.PreviewSwitch(ctx, actor, in)
		if err != nil {
			return 0, err
		}
		for _, row := range p.Rows {
			if !row.LeftOut {
				ids = append(ids, row.ID)
			}
		}
	}
	for _, id := range ids {
		done, err := s.SetTwoFactor(ctx, actor, id, "", in.Want)
		switch {
		case errors.Is(err, ErrEnforced):
			// Enforcement holds for every account of the surface: one refusal is written down, not one per account.
			return changed, err
		case errors.Is(err, store.ErrNotFound), errors.Is(err, ErrFrozen), errors.Is(err, ErrApprovalRequired):
			// Deleted, moved, or made to take a second operator a moment ago; or stopped from a notice, which was written down and holds
			// up nobody else.
		case err != nil:
			return changed, err
		case done.Changed:
			changed++
		}
	}
	return changed, nil
}

// SwitchOutcome is what became of the switches that an actor set.
type SwitchOutcome struct {
	Customer store.Customer
	Rows     []store.ListSwitchEventsRow
}

// SwitchResults lists what the actor did to the switches of a customer's accounts since a moment, from the audit log.
func (s *Service) SwitchResults(ctx context.Context, actor Actor, id store.CustomerID, since time.Time) (SwitchOutcome, error) {
	actor, err := s.viewer(ctx, actor, mayReset)
	if err != nil {
		return SwitchOutcome{}, err
	}
	c, err := s.accounts.CustomerByID(ctx, id)
	if err != nil {
		return SwitchOutcome{}, err
	}
	rows, err := s.db.Read().ListSwitchEvents(ctx, store.ListSwitchEventsParams{
		CustomerID: id, Since: orEpoch(since), ActorID: actor.audit().ID, PageSize: bulkBatch,
	})
	if err != nil {
		return SwitchOutcome{}, fmt.Errorf("list events: %w", err)
	}
	return SwitchOutcome{Customer: c, Rows: rows}, nil
}

// BulkPage is a page of accounts to pick from.
type BulkPage struct {
	Customer store.Customer
	// Enforced is whether the store demands a second factor whatever the switches say.
	Enforced bool
	Rows     []store.ListCustomerAccountsRow
	// Next is the login ID to continue after; empty at the end.
	Next string
}

// BulkAccounts returns a page of a customer's accounts to pick from, starting after a login ID; after "" with the first.
func (s *Service) BulkAccounts(ctx context.Context, actor Actor, id store.CustomerID, after string) (BulkPage, error) {
	if err := s.view(ctx, actor, mayReset); err != nil {
		return BulkPage{}, err
	}
	c, err := s.accounts.CustomerByID(ctx, id)
	if err != nil {
		return BulkPage{}, err
	}
	q := s.db.Read()
	surface, err := q.GetSurface(ctx, SurfaceStore)
	if err != nil {
		return BulkPage{}, fmt.Errorf("load surface: %w", err)
	}
	key, _ := account.LoginKey(after)
	p := BulkPage{Customer: c, Enforced: surface.Enforced}
	p.Rows, err = q.ListCustomerAccounts(ctx, store.ListCustomerAccountsParams{CustomerID: id, AfterKey: key, PageSize: MaxSelection + 1})
	if err != nil {
		return BulkPage{}, fmt.Errorf("list accounts: %w", err)
	}
	if len(p.Rows) > MaxSelection {
		p.Rows = p.Rows[:MaxSelection]
		p.Next = p.Rows[MaxSelection-1].LoginID
	}
	return p, nil
}

package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

// MaxExemption is the longest that an account can be exempt.
const MaxExemption = 72 * time.Hour

var (
	// ErrExempt says that the account is exempt already: whoever wants another end takes the exemption back first.
	ErrExempt = errors.New("account is exempt already")
	// ErrNotDemanded says that nothing asks the account for a second factor, so that there is nothing to spare it.
	ErrNotDemanded = errors.New("no second factor is asked for")
)

// FieldHours is the field that a [account.ValidationError] of an exemption can name besides those of a [Reason].
const FieldHours = "hours"

// exempt checks the right over an account that is to be spared its second factor, and that there is something to spare. Nobody spares
// themselves, or somebody who may do more than they; an operator is spared by those alone who manage operators.
func (w *work) exempt(ctx context.Context, id store.AccountID, need rights) (store.Account, error) {
	acc, err := w.other(ctx, id, need)
	if err != nil {
		return store.Account{}, err
	}
	if !w.actor.rights().has(need) {
		return store.Account{}, &refusal{err: ErrForbidden, word: wordRight}
	}
	// From here on the account stays as it is: what somebody else does with it comes before this or after it.
	if acc, err = w.tx.HoldAccount(ctx, acc.ID); err != nil {
		return store.Account{}, fmt.Errorf("hold account: %w", err)
	}
	return acc, nil
}

// demanded reports whether any surface asks the account for a second factor.
func demanded(ctx context.Context, q *store.Queries, acc store.Account) (bool, error) {
	surfaces, err := q.ListSurfaces(ctx)
	if err != nil {
		return false, fmt.Errorf("list surfaces: %w", err)
	}
	return slices.ContainsFunc(surfaces, func(s store.Surface) bool {
		return s.AccountKind == acc.Kind && acc.Demands(s.Enforced)
	}), nil
}

// checkSpare checks the forms that spare an account its second factor: the reason, and how long it lasts.
func checkSpare(reason Reason, field string, ok bool, message string) (Reason, error) {
	checked, err := reason.check()
	invalid, isForm := errors.AsType[*account.ValidationError](err)
	if err != nil && !isForm {
		return checked, err
	}
	fields := map[string]string{}
	if isForm {
		fields = invalid.Fields
	}
	if fields[FieldReason] == templates.MsgReasonBlank {
		fields[FieldReason] = templates.MsgSpareReasonBlank // the other names the reset
	}
	if !ok {
		fields[field] = message
	}
	if len(fields) > 0 {
		return checked, &account.ValidationError{Fields: fields}
	}
	return checked, nil
}

// GrantExemption lets an account do without the second factor for some hours, while its surface and its switch stay as they are, and
// tells its owner. It ends by itself: every decision looks at the time. It spares nothing that a relying party asks for, and no
// proof before a change of security settings. It fails with an [account.ValidationError], [ErrExempt], [ErrNotDemanded] or
// [store.ErrNotFound], and returns the end.
func (s *Service) GrantExemption(ctx context.Context, actor Actor, id store.AccountID, hours int, reason Reason) (until time.Time, err error) {
	if s.factors == nil {
		return time.Time{}, errNoFactors
	}
	_, err = s.act(ctx, actor, mayView, audit.Event{Type: audit.ExemptionGrant}, func(w *work) error {
		acc, err := w.exempt(ctx, id, mayExempt)
		if err != nil {
			return err
		}
		if err := w.unfrozen(ctx, acc.ID); err != nil {
			return err
		}
		life := time.Duration(hours) * time.Hour
		checked, err := checkSpare(reason, FieldHours, hours >= 1 && hours <= int(MaxExemption/time.Hour), templates.MsgHoursBlank)
		if err != nil {
			return err
		}
		if asked, err := demanded(ctx, w.tx.Queries, acc); err != nil {
			return err
		} else if !asked {
			return ErrNotDemanded
		}
		if acc.Exempt(w.now) {
			return ErrExempt
		}
		if err := s.allow(ctx, w, id, Proposal{Act: ActExempt, Hours: hours}); err != nil {
			return err
		}
		until = w.now.Add(life)
		n, err := w.tx.SetExemption(ctx, store.SetExemptionParams{
			ID: acc.ID, Until: until, Now: w.now, Reason: checked.Text, GrantedBy: w.actor.audit().Name,
		})
		if err != nil {
			return fmt.Errorf("set exemption: %w", err)
		}
		if n == 0 {
			return ErrExempt
		}
		w.event.Reason = checked.Text
		w.event.Data = map[string]string{"until": until.Format(time.RFC3339), "identity_checked": "true"}
		return s.factors.NoteExemption(ctx, w.tx, acc, until, w.now)
	})
	if err != nil {
		return time.Time{}, err
	}
	s.outbox.Wake()
	return until, nil
}

// EndExemption takes an exemption back before its time. since is when the one the actor saw began, so that a page left open does not
// end another: it fails with [ErrConflict]; the zero time means whichever there is. It reports whether there was one.
func (s *Service) EndExemption(ctx context.Context, actor Actor, id store.AccountID, since time.Time) (bool, error) {
	return s.act(ctx, actor, mayView, audit.Event{Type: audit.ExemptionEnd}, func(w *work) error {
		acc, err := w.exempt(ctx, id, mayExempt)
		if err != nil {
			return err
		}
		if !acc.Exempt(w.now) {
			return errUnchanged // over by itself, or by somebody else
		}
		if !since.IsZero() && !acc.ExemptSince.Equal(since) {
			return ErrConflict
		}
		if _, err := w.tx.EndExemption(ctx, store.EndExemptionParams{ID: acc.ID, Now: w.now}); err != nil {
			return fmt.Errorf("end exemption: %w", err)
		}
		w.event.Data = map[string]string{"until": acc.ExemptUntil.Format(time.RFC3339), "granted_by": text(acc.ExemptBy)}
		return nil
	})
}

// ExemptionPage is one page of the exemptions that are live.
type ExemptionPage struct {
	Rows []store.ListExemptionsRow
	// Next is where the next page begins; zero at the end.
	Next Place
	// Total is how many there are in all, zero if nobody counted; Many says that there are more than were counted.
	Total int
	Many  bool
}

// ListExemptions returns a page of the live exemptions after a place, the first to end first, without those of accounts that the
// actor may not see.
func (s *Service) ListExemptions(ctx context.Context, actor Actor, after Place) (ExemptionPage, error) {
	actor, err := s.viewer(ctx, actor, mayView)
	if err != nil {
		return ExemptionPage{}, err
	}
	q, now, first := s.db.Read(), s.now(), after.IsZero()
	if first {
		after = Place{now, store.MinID}
	}
	p := store.ListExemptionsParams{
		Now: now, AfterUntil: after.At, AfterID: store.AccountID(after.ID), HiddenKind: hiddenKind(actor), PageSize: pageSize + 1,
	}
	rows, err := q.ListExemptions(ctx, p)
	if err != nil {
		return ExemptionPage{}, fmt.Errorf("list exemptions: %w", err)
	}
	var out ExemptionPage
	out.Rows, out.Next = cutPage(rows, pageSize, time.Time{}, func(row store.ListExemptionsRow) Place {
		return Place{*row.Account.ExemptUntil, string(row.Account.ID)}
	})
	switch {
	case !first:
	case out.Next.IsZero():
		out.Total = len(out.Rows)
	default:
		n, err := q.CountExemptions(ctx, store.CountExemptionsParams{Now: now, HiddenKind: p.HiddenKind, Ceiling: listCeiling})
		if err != nil {
			return ExemptionPage{}, fmt.Errorf("count exemptions: %w", err)
		}
		out.Total, out.Many = int(n), n == listCeiling
	}
	return out, nil
}

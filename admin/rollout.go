package admin

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

// recently is how long ago somebody signed in who counts as a person that enforcement would stop soon.
const recently = 30 * 24 * time.Hour

// Rollout is how far a surface is on its way to enforcement.
type Rollout struct {
	Surface
	// Since is when enforcement was switched on; nil while it is off.
	Since *time.Time
	// GraceDays is for how many days each account may put its set-up off.
	GraceDays int
	// Announced is the day from which enforcement was announced; nil if none is.
	Announced *time.Time
	// Count is whom enforcement would stop, as it was CountedAt, which is at most a few minutes ago.
	Count     SurfaceCount
	CountedAt time.Time
	// Announcement is the newest one; nil if there was none.
	Announcement *store.Announcement
}

// Rollout returns how far a surface is, or [store.ErrNotFound].
func (s *Service) Rollout(ctx context.Context, actor Actor, surface string) (Rollout, error) {
	if err := s.view(ctx, actor, mayView); err != nil {
		return Rollout{}, err
	}
	q := s.db.Read()
	row, err := q.GetSurface(ctx, surface)
	if err != nil {
		return Rollout{}, err
	}
	r := Rollout{
		Surface: Surface{ID: row.ID, Kind: row.AccountKind, Enforced: row.Enforced, Reenrol: row.Reenrol, Version: row.UpdatedAt},
		Since:   row.EnforcedSince, GraceDays: int(row.GraceDays), Announced: row.AnnouncedFor,
	}
	t, err := s.tally(ctx)
	if err != nil {
		return Rollout{}, err
	}
	r.Count, r.CountedAt = t.surfaceCount(row.ID), t.at
	r.Unset = r.Count.Unset
	last, err := q.LatestAnnouncement(ctx, row.ID)
	switch {
	case errors.Is(err, store.ErrNotFound):
	case err != nil:
		return Rollout{}, fmt.Errorf("load announcement: %w", err)
	default:
		r.Announcement = &last
	}
	return r, nil
}

// concerned counts whom enforcement of a surface would stop.
func (s *Service) concerned(ctx context.Context, q *store.Queries, row store.Surface) (store.CountConcernedRow, error) {
	n, err := q.CountConcerned(ctx, store.CountConcernedParams{
		Kind: row.AccountKind, Useful: words(policyOf(row).useful()), SeenSince: s.now().Add(-recently),
	})
	if err != nil {
		return n, fmt.Errorf("count accounts: %w", err)
	}
	return n, nil
}

// ConcernedPage is one page of the accounts that enforcement would stop.
type ConcernedPage struct {
	Surface store.Surface
	Rows    []store.ListConcernedRow
	// Next is the login ID to continue after; empty at the end.
	Next string
}

// ListConcerned returns a page of the accounts that enforcement of a surface would stop, in the order of their login IDs, starting
// after one; after "" with the first.
func (s *Service) ListConcerned(ctx context.Context, actor Actor, surface, after string) (ConcernedPage, error) {
	row, err := s.listable(ctx, actor, surface, mayView)
	if err != nil {
		return ConcernedPage{}, err
	}
	p := ConcernedPage{Surface: row}
	p.Rows, p.Next, err = s.concernedAfter(ctx, row, after, pageSize)
	return p, err
}

// listable is a surface whose accounts the actor may see one by one.
func (s *Service) listable(ctx context.Context, actor Actor, surface string, need rights) (store.Surface, error) {
	actor, err := s.viewer(ctx, actor, need)
	if err != nil {
		return store.Surface{}, err
	}
	row, err := s.db.Read().GetSurface(ctx, surface)
	if err != nil {
		return store.Surface{}, err
	}
	if row.AccountKind == account.KindOperator {
		err = hidden(s.view(ctx, actor, mayManageOperators))
	}
	return row, err
}

func (s *Service) concernedAfter(ctx context.Context, row store.Surface, after string, size int) (rows []store.ListConcernedRow, next string, err error) {
	key, ok := account.LoginKey(after)
	if !ok {
		key = ""
	}
	rows, err = s.db.Read().ListConcerned(ctx, store.ListConcernedParams{
		Kind: row.AccountKind, AfterKey: key, Useful: words(policyOf(row).useful()), PageSize: int32(size + 1),
	})
	if err != nil {
		return nil, "", fmt.Errorf("list accounts: %w", err)
	}
	if len(rows) > size {
		rows = rows[:size]
		next = rows[size-1].LoginID
	}
	return rows, next, nil
}

// ExportConcerned returns every account that enforcement of a surface would stop, read as it is consumed; that it was taken is
// written down before.
func (s *Service) ExportConcerned(ctx context.Context, actor Actor, surface string) (iter.Seq2[store.ListConcernedRow, error], error) {
	row, err := s.listable(ctx, actor, surface, mayEnforce)
	if err != nil {
		return nil, err
	}
	_, err = s.act(ctx, actor, mayEnforce, audit.Event{Type: audit.EnforcementList, Target: row.ID}, func(*work) error { return nil })
	if err != nil {
		return nil, err
	}
	const size = 500
	return func(yield func(store.ListConcernedRow, error) bool) {
		for after := ""; ; {
			rows, next, err := s.concernedAfter(ctx, row, after, size)
			if err != nil {
				yield(store.ListConcernedRow{}, err)
				return
			}
			for _, r := range rows {
				if !yield(r, nil) {
					return
				}
			}
			if next == "" {
				return
			}
			after = next
		}
	}, nil
}

// graced reports whether an account's days of grace have begun under the enforcement of a surface.
func graced(surface store.Surface, row store.ListConcernedRow) bool {
	return surface.EnforcedSince != nil && row.GraceFrom != nil && !row.GraceFrom.Before(*surface.EnforcedSince)
}

// writeConcerned writes what [Service.ExportConcerned] returns as CSV, with times in the service's zone.
func (s *Service) writeConcerned(ctx context.Context, actor Actor, surface string, to io.Writer) error {
	row, err := s.listable(ctx, actor, surface, mayView)
	if err != nil {
		return err
	}
	rows, err := s.ExportConcerned(ctx, actor, surface)
	if err != nil {
		return err
	}
	out := csv.NewWriter(to)
	if err := out.Write([]string{
		"\ufeff" + "customer_code", "customer", "group", "login_id", "name", "role", "two_factor", "main_method", "last_sign_in", "grace_until", "undeliverable",
	}); err != nil {
		return fmt.Errorf("write list: %w", err)
	}
	for r, err := range rows {
		if err != nil {
			return err
		}
		last, grace := "", ""
		if r.LastSignInAt != nil {
			last = r.LastSignInAt.In(s.zone).Format(time.RFC3339)
		}
		if graced(row, r) && r.GraceUntil != nil {
			grace = templates.Time(*r.GraceUntil, s.zone)
		}
		fields := []string{
			text(r.CustomerCode), text(r.CustomerName), text(r.GroupName), r.LoginID, r.DisplayName, r.Role, r.TwoFactor, text(r.MainFactor), last, grace,
			strconv.FormatBool(r.Undeliverable),
		}
		for i := range fields {
			fields[i] = audit.Harmless(fields[i])
		}
		if err := out.Write(fields); err != nil {
			return fmt.Errorf("write list: %w", err)
		}
	}
	out.Flush()
	return out.Error()
}

// FieldGrace and FieldDate are the fields that a [account.ValidationError] of the roll-out can name.
const (
	FieldGrace = "grace"
	FieldDate  = "date"
)

// SetGrace sets for how many days each account may put its set-up off once the surface is enforced; days that have begun end as
// they were promised, unless there are none any more. former is the value the actor saw: it fails with [ErrConflict] when somebody
// else changed it meanwhile, with an [account.ValidationError], and with [store.ErrNotFound] for an unknown surface.
func (s *Service) SetGrace(ctx context.Context, actor Actor, surface string, former, days int) (bool, error) {
	return s.act(ctx, actor, mayEnforce, audit.Event{Type: audit.GraceSet, Target: surface}, func(w *work) error {
		row, err := w.tx.HoldSurface(ctx, surface)
		if err != nil {
			return err
		}
		if days < 0 || days > signin.MaxGraceDays {
			return &account.ValidationError{Fields: map[string]string{FieldGrace: templates.MsgGraceForm}}
		}
		if row.GraceDays == int64(days) {
			return errUnchanged
		}
		n, err := w.tx.SetSurfaceGrace(ctx, store.SetSurfaceGraceParams{
			ID: row.ID, GraceDays: int64(days), Former: int64(former), Now: w.now,
		})
		if err := claimed(n, err); err != nil {
			return err
		}
		w.event.Data = map[string]string{"days.from": strconv.Itoa(former), "days.to": strconv.Itoa(days)}
		return nil
	})
}

// Announce announces that a surface will be enforced from a day on: a banner where its people sign in, and, in the background, a
// mail to everybody whom that would stop, in their language and one per account. An announcement under way ends where it stands. It
// fails with an [account.ValidationError] for a day that is over or more than a year away, with [ErrConflict] while the surface is
// enforced, and with [store.ErrNotFound].
func (s *Service) Announce(ctx context.Context, actor Actor, surface string, on time.Time) error {
	if s.outbox == nil {
		return errNoFactors
	}
	_, err := s.act(ctx, actor, mayEnforce, audit.Event{Type: audit.EnforcementTell, Target: surface}, func(w *work) error {
		row, err := w.tx.HoldSurface(ctx, surface)
		if err != nil {
			return err
		}
		if row.Enforced {
			return ErrConflict
		}
		day := s.dayOf(on)
		if today := s.dayOf(w.now); on.IsZero() || day.Before(today) || day.After(today.AddDate(1, 0, 0)) {
			return &account.ValidationError{Fields: map[string]string{FieldDate: templates.MsgAnnounceDate}}
		}
		if _, err := w.tx.StopAnnouncements(ctx, store.StopAnnouncementsParams{SurfaceID: row.ID, Now: &w.now}); err != nil {
			return fmt.Errorf("stop announcement: %w", err)
		}
		n, err := s.concerned(ctx, w.tx.Queries, row)
		if err != nil {
			return err
		}
		concerned := n.Unset + n.Unreachable + n.Unusable
		err = w.tx.InsertAnnouncement(ctx, store.InsertAnnouncementParams{
			ID: store.NewID[store.AnnouncementID](), SurfaceID: row.ID, EnforceOn: day, Total: concerned, Now: w.now,
		})
		if err != nil {
			return fmt.Errorf("insert announcement: %w", err)
		}
		if err := announced(ctx, w.tx, row.ID, &day); err != nil {
			return err
		}
		w.event.Data = map[string]string{"on": day.In(s.zone).Format(time.DateOnly), "accounts": strconv.FormatInt(concerned, 10)}
		return nil
	})
	return err
}

// WithdrawAnnouncement takes the banner away and sends no further mail. It reports whether anything was announced.
func (s *Service) WithdrawAnnouncement(ctx context.Context, actor Actor, surface string) (bool, error) {
	return s.act(ctx, actor, mayEnforce, audit.Event{Type: audit.EnforcementTell, Target: surface}, func(w *work) error {
		row, err := w.tx.HoldSurface(ctx, surface)
		if err != nil {
			return err
		}
		n, err := w.tx.StopAnnouncements(ctx, store.StopAnnouncementsParams{SurfaceID: row.ID, Now: &w.now})
		if err != nil {
			return fmt.Errorf("stop announcement: %w", err)
		}
		if n == 0 && row.AnnouncedFor == nil {
			return errUnchanged
		}
		w.event.Data = map[string]string{"withdrawn": "true"}
		return announced(ctx, w.tx, row.ID, nil)
	})
}

func announced(ctx context.Context, tx *store.Tx, surface string, day *time.Time) error {
	if _, err := tx.SetSurfaceAnnounced(ctx, store.SetSurfaceAnnouncedParams{ID: surface, AnnouncedFor: day}); err != nil {
		return fmt.Errorf("set announcement: %w", err)
	}
	return nil
}

// dayOf is the beginning of a moment's day in the service's zone.
func (s *Service) dayOf(t time.Time) time.Time {
	t = t.In(s.zone)
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, s.zone)
}

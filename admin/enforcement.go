package admin

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/store"
)

// The surfaces there always are.
const (
	SurfaceAdmin = "admin" // 管理画面
	SurfaceStore = "store" // ストア画面: the store and My Page alike (M13)
)

// Surface is one surface's enforcement.
type Surface struct {
	ID string
	// Kind is the kind of account that signs in there.
	Kind     string
	Enforced bool
	// Reenrol is who may set up a factor after a reset: [store.ReenrolOpen] or [store.ReenrolByTicket].
	Reenrol string
	// Approval is whether opening any of its accounts takes a second operator.
	Approval bool
	// Unset counts its accounts that would have to set up a factor, as it was a few minutes ago at most.
	Unset int64
	// Version tells a page that was left open from one that shows how things stand.
	Version time.Time
}

// Enforcement returns every surface, the console's first (M10).
func (s *Service) Enforcement(ctx context.Context, actor Actor) ([]Surface, error) {
	if err := s.view(ctx, actor, mayView); err != nil {
		return nil, err
	}
	rows, err := s.db.Read().ListSurfaces(ctx)
	if err != nil {
		return nil, fmt.Errorf("list surfaces: %w", err)
	}
	t, err := s.tally(ctx)
	if err != nil {
		return nil, err
	}
	surfaces := make([]Surface, 0, len(rows))
	for _, row := range rows {
		unset := t.surfaceCount(row.ID).Unset
		surfaces = append(surfaces, Surface{ID: row.ID, Kind: row.AccountKind, Enforced: row.Enforced, Reenrol: row.Reenrol, Approval: row.Approval, Unset: unset, Version: row.UpdatedAt})
	}
	return surfaces, nil
}

// EnforcementChange sets one surface.
type EnforcementChange struct {
	Surface string
	// Former is the value the actor saw, Enforced the one they want.
	Former, Enforced bool
	// FormerReenrol and Reenrol are the same of who may set up a factor after a reset. An empty Reenrol leaves that as it is, an empty
	// FormerReenrol means whatever it is.
	FormerReenrol, Reenrol string
	// FormerApproval and Approval are the same of whether opening any of its accounts takes a second operator: [ApprovalNone] or
	// [ApprovalAll].
	FormerApproval, Approval string
	// Version, if it is set, is that of the whole surface as the actor saw it; Former does not count then.
	Version time.Time
}

// SetEnforcement sets surfaces to 強制する or 強制しない, and who may set up a factor after a reset, all of them or none (M10). The
// accounts keep their own switch (M12), and those that need a ticket still need it. That opening accounts takes no second operator any
// more needs one who approves of it. It fails with [ErrConflict] when somebody else changed one meanwhile, with [store.ErrNotFound] for an
// unknown surface, and reports whether anything was changed.
func (s *Service) SetEnforcement(ctx context.Context, actor Actor, changes []EnforcementChange) (bool, error) {
	// Always in one order, so that two who change several wait for each other instead of both failing.
	changes = slices.SortedFunc(slices.Values(changes), func(a, b EnforcementChange) int { return cmp.Compare(a.Surface, b.Surface) })
	return s.act(ctx, actor, mayEnforce, audit.Event{Type: audit.EnforcementSet}, func(w *work) error {
		// One row per surface: act writes the last one, the others are written here.
		var events []audit.Event
		for _, c := range changes {
			surface, err := w.tx.HoldSurface(ctx, c.Surface)
			if err != nil {
				return err
			}
			w.event.Target = c.Surface
			e := *w.event
			// What stands so already is no change: a second click, or somebody else who wanted the same.
			if surface.Enforced != c.Enforced {
				if c.Version.IsZero() && surface.Enforced != c.Former || !c.Version.IsZero() && !surface.UpdatedAt.Equal(c.Version) {
					return ErrConflict
				}
				n, err := w.tx.SetSurfaceEnforced(ctx, store.SetSurfaceEnforcedParams{
					ID: c.Surface, Enforced: c.Enforced, Former: surface.Enforced, Now: w.now,
				})
				if err := claimed(n, err); err != nil {
					return err
				}
				e.Data = map[string]string{"from": onOff(surface.Enforced), "to": onOff(c.Enforced)}
				events = append(events, e)
			}
			changed, err := w.setReenrol(ctx, surface, c)
			if err != nil {
				return err
			}
			if changed {
				e.Type, e.Data = audit.ReenrolSet, map[string]string{"from": surface.Reenrol, "to": c.Reenrol}
				events = append(events, e)
			}
			if changed, err = s.setGuard(ctx, w, surface, c); err != nil {
				return err
			}
			if changed {
				e.Type, e.Data = audit.GuardSet, map[string]string{"from": approvalWord(surface.Approval), "to": c.Approval}
				events = append(events, e)
			}
		}
		if len(events) == 0 {
			return errUnchanged
		}
		for _, e := range events[:len(events)-1] {
			e.Result = audit.Success
			if err := audit.Write(ctx, w.tx, w.now, e); err != nil {
				return err
			}
		}
		*w.event = events[len(events)-1]
		return nil
	})
}

// setReenrol sets who may set up a factor after a reset, and reports whether that was a change.
func (w *work) setReenrol(ctx context.Context, surface store.Surface, c EnforcementChange) (bool, error) {
	switch {
	case c.Reenrol == "" || c.Reenrol == surface.Reenrol:
		return false, nil
	case c.Reenrol != store.ReenrolOpen && c.Reenrol != store.ReenrolByTicket:
		return false, fmt.Errorf("set surface: unknown value %q", c.Reenrol)
	case c.FormerReenrol != "" && c.FormerReenrol != surface.Reenrol, !c.Version.IsZero() && !surface.UpdatedAt.Equal(c.Version):
		return false, ErrConflict
	}
	n, err := w.tx.SetSurfaceReenrol(ctx, store.SetSurfaceReenrolParams{
		ID: c.Surface, Reenrol: c.Reenrol, Former: surface.Reenrol, Now: w.now,
	})
	return true, claimed(n, err)
}

// The values of whether opening any account of a surface takes a second operator.
const (
	ApprovalNone = "none"
	ApprovalAll  = "all"
)

func approvalWord(all bool) string {
	if all {
		return ApprovalAll
	}
	return ApprovalNone
}

// setGuard sets whether opening any account of a surface takes a second operator, and reports whether that was a change.
func (s *Service) setGuard(ctx context.Context, w *work, surface store.Surface, c EnforcementChange) (bool, error) {
	switch {
	case c.Approval == "" || c.Approval == approvalWord(surface.Approval):
		return false, nil
	case c.Approval != ApprovalNone && c.Approval != ApprovalAll:
		return false, fmt.Errorf("set surface: unknown value %q", c.Approval)
	case c.FormerApproval != "" && c.FormerApproval != approvalWord(surface.Approval),
		!c.Version.IsZero() && !c.Version.Equal(surface.UpdatedAt):
		return false, ErrConflict
	}
	if c.Approval == ApprovalNone {
		if err := s.allowOn(ctx, w, subject{surface: surface.ID}, true, Proposal{Act: ActUnguardAll}); err != nil {
			return false, err
		}
	}
	n, err := w.tx.SetSurfaceApproval(ctx, store.SetSurfaceApprovalParams{
		ID: surface.ID, Approval: c.Approval == ApprovalAll, Former: surface.Approval, Now: w.now,
	})
	return true, claimed(n, err)
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

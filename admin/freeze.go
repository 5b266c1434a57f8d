package admin

import (
	"context"
	"fmt"
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// unfrozen holds an account and lets staff go on only if nobody stopped changes of its security settings. It comes before
// everything that such a freeze is against: a freeze beside it comes before it or after it, never in between.
func (w *work) unfrozen(ctx context.Context, id store.AccountID) error {
	acc, err := w.tx.HoldAccount(ctx, id)
	if err != nil {
		return fmt.Errorf("hold account: %w", err)
	}
	if acc.Frozen(w.now) {
		return &refusal{err: ErrFrozen, word: wordFrozen}
	}
	return nil
}

// LiftFreeze allows changes of an account's security settings again before the day is over, and tells every address known. It
// reports whether they were stopped. Nobody does so for themselves.
func (s *Service) LiftFreeze(ctx context.Context, actor Actor, id store.AccountID) (bool, error) {
	if s.factors == nil {
		return false, errNoFactors
	}
	changed, err := s.act(ctx, actor, mayView, audit.Event{Type: audit.FreezeLift}, func(w *work) error {
		acc, err := w.other(ctx, id, mayLiftFreeze)
		if err != nil {
			return err
		}
		lifted, err := s.factors.Thaw(ctx, w.tx, acc, w.now)
		if err == nil && !lifted {
			return errUnchanged
		}
		return err
	})
	if changed {
		s.outbox.Wake()
	}
	return changed, err
}

// freezeNotice says on an account's pages that changes are stopped; nil if they are not.
func (h *Handler) freezeNotice(actor Actor, a Account) *templates.FreezeNotice {
	if !a.Frozen(h.now()) {
		return nil
	}
	at, _ := h.at(a.FrozenAt)
	until, _ := h.at(a.FrozenUntil)
	n := &templates.FreezeNotice{At: at, Until: until, By: a.FrozenBy}
	if actor.rights().has(mayLiftFreeze) && mayChangeOther(actor, a, mayLiftFreeze) {
		n.LiftAction = accountURL(a.ID) + "/two-factor/thaw"
	}
	return n
}

func (h *Handler) postThaw(w http.ResponseWriter, r *http.Request) error {
	if _, err := web.ParseForm(w, r); err != nil {
		return err
	}
	id := store.AccountID(chi.URLParam(r, "id"))
	changed, err := h.service.LiftFreeze(r.Context(), actorOf(r), id)
	if err != nil {
		return answer(err)
	}
	flash := templates.FlashFreezeLifted
	if !changed {
		flash = templates.FlashUnchanged
	}
	return h.done(w, r, flash, accountURL(id)+"/two-factor")
}

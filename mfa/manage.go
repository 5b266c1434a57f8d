package mfa

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

// Order returns the account's factors in the order they are offered in, the main one first, for somebody who may change it.
func (s *Service) Order(ctx context.Context, session store.SessionID) ([]FactorStatus, error) {
	p, err := s.actingFresh(ctx, s.db.Read(), session, s.now())
	if err != nil {
		return nil, err
	}
	if !p.State.Enrolled {
		return nil, ErrNothingSetUp
	}
	list := make([]FactorStatus, 0, len(p.Factors))
	for _, f := range p.Factors {
		list = append(list, factorStatus(f))
	}
	return list, nil
}

// SetOrder makes the first of the methods the main one and the others the backup in that order. They must be exactly those the
// account has: ErrOrder. Like any change of what the account signs in with, it ends every other session. It returns the
// session's new token, or ErrJustDone when the order is so already.
func (s *Service) SetOrder(ctx context.Context, session store.SessionID, methods []signin.Method, lang templates.Lang) (token string, err error) {
	now := s.now()
	err = s.db.InTx(ctx, func(tx *store.Tx) error {
		p, err := s.actingFreshHeld(ctx, tx, session, now)
		if err != nil {
			return err
		}
		former := p.methods()
		if !sameMethods(former, methods) {
			return ErrOrder
		}
		if slices.Equal(former, methods) {
			return ErrJustDone
		}
		epoch, err := beginChange(ctx, tx, now, p.account, ErrSessionGone)
		if err != nil {
			return err
		}
		if err := tx.EndCodes(ctx, now, p.account.ID); err != nil {
			return err
		}
		if err := p.arrange(ctx, tx, methods); err != nil {
			return err
		}
		if token, err = carry(ctx, tx, now, p, epoch, p.evidence()); err != nil {
			return err
		}
		e := p.event(audit.FactorOrder, audit.Success, "")
		e.Data = map[string]string{"from": joinMethods(former), "to": joinMethods(methods)}
		if err := audit.Write(ctx, tx, now, e); err != nil {
			return err
		}
		_, err = s.notify(ctx, tx, now, notice{
			kind: delivery.KindOrderChanged, account: p.account, lang: lang, method: methods[0], to: p.mailboxes(),
		})
		return err
	})
	if err != nil {
		return "", err
	}
	s.outbox.Wake()
	return token, nil
}

// methods are the account's factors in the order they are offered in.
func (p subject) methods() []signin.Method {
	list := make([]signin.Method, 0, len(p.Factors))
	for _, f := range p.Factors {
		list = append(list, signin.Method(f.Kind))
	}
	return list
}

// arrange writes the places of the account's factors.
func (p subject) arrange(ctx context.Context, tx *store.Tx, methods []signin.Method) error {
	if err := tx.ClearMainFactor(ctx, p.account.ID); err != nil {
		return fmt.Errorf("clear main factor: %w", err)
	}
	for i, m := range methods {
		f, _ := p.Factor(m)
		if _, err := tx.SetFactorPosition(ctx, store.SetFactorPositionParams{
			Position: int64(i), ID: f.ID, AccountID: p.account.ID,
		}); err != nil {
			return fmt.Errorf("place factor: %w", err)
		}
		if i == 0 {
			if err := setMain(ctx, tx, f); err != nil {
				return err
			}
		}
	}
	return nil
}

func setMain(ctx context.Context, tx *store.Tx, f store.Factor) error {
	n, err := tx.SetMainFactor(ctx, store.SetMainFactorParams{ID: f.ID, AccountID: f.AccountID})
	if err != nil {
		return fmt.Errorf("set main factor: %w", err)
	}
	if n != 1 {
		return fmt.Errorf("set main factor: %w", store.ErrNotFound)
	}
	return nil
}

// sameMethods reports whether two lists name the same methods, each once.
func sameMethods(have, named []signin.Method) bool {
	return slices.Equal(slices.Sorted(slices.Values(have)), slices.Sorted(slices.Values(named)))
}

func joinMethods(methods []signin.Method) string {
	names := make([]string, 0, len(methods))
	for _, m := range methods {
		names = append(names, string(m))
	}
	return strings.Join(names, " ")
}

// Removal is what the removal of a method would do.
type Removal struct {
	Method signin.Method
	// Address is where its codes go, whole.
	Address string
	// NextMain is the method that becomes the main one; empty if that stays as it is.
	NextMain signin.Method
	// Last is whether nothing would be left, so that the backup codes go too.
	Last bool
	// Refused is whether it cannot be removed: two factors are required, and none that would do is left.
	Refused bool
}

// Removal describes the removal of a method by a session's person. A method that is not set up is ErrMethod.
func (s *Service) Removal(ctx context.Context, session store.SessionID, method signin.Method) (Removal, error) {
	p, err := s.actingFresh(ctx, s.db.Read(), session, s.now())
	if err != nil {
		return Removal{}, err
	}
	return p.removal(method)
}

func (p acting) removal(method signin.Method) (Removal, error) {
	f, ok := p.Factor(method)
	if !ok {
		return Removal{}, ErrMethod
	}
	v := Removal{Method: method, Address: f.Address, Last: len(p.Factors) == 1}
	if f.Main && !v.Last {
		v.NextMain = p.methods()[1]
	}
	left := p.State
	left.Factors = slices.DeleteFunc(slices.Clone(left.Factors), func(m signin.Method) bool { return m == method || m == signin.Backup })
	// A factor that is left but closed, or that the surface does not accept, does not let anybody in.
	v.Refused = p.account.Demands(p.enforced) && len(p.Policy.ChallengeMethods(left)) == 0
	return v, nil
}

// RemoveFactor takes a method away from the account, with everything that belongs to it. If it was the main one, the next becomes
// that; if it was the last, the backup codes go too. Like any change of what the account signs in with, it ends every other
// session. It returns the session's new token, ErrLastFactor where the account cannot do without the method, or ErrMethod.
func (s *Service) RemoveFactor(ctx context.Context, session store.SessionID, method signin.Method, lang templates.Lang) (token string, err error) {
	now := s.now()
	var event audit.Event
	err = s.db.InTx(ctx, func(tx *store.Tx) error {
		p, err := s.actingFreshHeld(ctx, tx, session, now)
		if err != nil {
			return err
		}
		r, err := p.removal(method)
		if err != nil {
			return err
		}
		event = enrolEvent(p.event(audit.FactorRemove, audit.Success, ""), method, r.Address)
		if r.Refused {
			return ErrLastFactor
		}
		if r.Last {
			event.Data["last"] = "true"
		}
		epoch, err := beginChange(ctx, tx, now, p.account, ErrSessionGone)
		if err != nil {
			return err
		}
		if err := tx.EndCodes(ctx, now, p.account.ID); err != nil {
			return err
		}
		if err := p.drop(ctx, tx, now, r); err != nil {
			return err
		}
		if token, err = carry(ctx, tx, now, p, epoch, p.evidence()); err != nil {
			return err
		}
		if err := audit.Write(ctx, tx, now, event); err != nil {
			return err
		}
		_, err = s.notify(ctx, tx, now, notice{
			kind: delivery.KindFactorRemoved, account: p.account, lang: lang, method: method, to: p.mailboxes(),
		})
		return err
	})
	if errors.Is(err, ErrLastFactor) {
		event.Result, event.Reason = audit.Refused, "last_factor"
		if werr := s.record(ctx, now, event); werr != nil {
			return "", werr
		}
	}
	if err != nil {
		return "", err
	}
	s.outbox.Wake()
	return token, nil
}

// drop deletes what a removal takes away.
func (p acting) drop(ctx context.Context, tx *store.Tx, now time.Time, r Removal) error {
	f, _ := p.Factor(r.Method)
	if r.Method == signin.Passkey { // before the factor, as whoever uses one holds it first
		if _, err := tx.DeletePasskeys(ctx, p.account.ID); err != nil {
			return fmt.Errorf("delete passkeys: %w", err)
		}
	}
	n, err := tx.DeleteFactor(ctx, store.DeleteFactorParams{ID: f.ID, AccountID: p.account.ID})
	if err != nil {
		return fmt.Errorf("delete factor: %w", err)
	}
	if n != 1 {
		return ErrMethod
	}
	if r.NextMain != "" {
		next, _ := p.Factor(r.NextMain)
		if err := setMain(ctx, tx, next); err != nil {
			return err
		}
	}
	if r.Last {
		if _, err := tx.VoidBackupBatches(ctx, store.VoidBackupBatchesParams{Now: &now, AccountID: p.account.ID}); err != nil {
			return fmt.Errorf("void backup codes: %w", err)
		}
	}
	return nil
}

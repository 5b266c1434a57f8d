package password

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// Why a request came to nothing, besides what SendLink says; for the audit log alone.
const (
	reasonUnknown   = "unknown_account"
	reasonThrottled = "throttled"
	reasonLate      = "too_late"
)

// requestLife is how long after a request somebody still waits for its mail.
const requestLife = 30 * time.Minute

// Request notes that somebody says they forgot the password of a login ID. It looks nothing up, so that its answer and the time it
// takes are the same whether the login ID exists or not, is disabled or has no address (I9): what comes of it is decided later, by
// [Service.Run]. It fails with a [BudgetError], which depends on the client network and on everybody together, never on the login
// ID: too many requests for one of those are passed over without a word.
func (s *Service) Request(ctx context.Context, kind web.Kind, loginID string, lang templates.Lang) error {
	key, wellFormed := account.LoginKey(loginID)
	if !wellFormed {
		key = "" // not written down: people type passwords into the wrong field
	}
	now, origin := s.now(), audit.OriginOf(ctx)
	var refused *BudgetError
	err := s.db.InTx(ctx, func(tx *store.Tx) error {
		var err error
		if refused, err = s.takeRequest(ctx, tx, now, origin.Network()); refused != nil || err != nil {
			return err
		}
		left, err := take(ctx, tx, hourly("password-request-id:"+string(kind)+":"+digest(key), s.limits.LoginHour, now))
		if err != nil || !left {
			return err
		}
		return tx.InsertPasswordRequest(ctx, store.InsertPasswordRequestParams{
			ID: store.NewID[store.RequestID](), AccountKind: string(kind), LoginKey: key, Lang: string(lang),
			ClientAddress: origin.Address, UserAgent: origin.UserAgent, RequestID: origin.RequestID, Now: now,
		})
	})
	switch {
	case err != nil:
		return fmt.Errorf("note forgotten password: %w", err)
	case refused != nil:
		return refused
	}
	return nil
}

// takeRequest spends a request of everybody's budget and of the client network's.
func (s *Service) takeRequest(ctx context.Context, tx *store.Tx, now time.Time, network string) (*BudgetError, error) {
	budgets := []store.TakeBudgetParams{hourly("password-requests", s.limits.GlobalHour, now)}
	if network != "" {
		budgets = append(budgets, hourly("password-requests:"+network, s.limits.NetworkHour, now))
	}
	// The network comes first: whoever is refused there takes nothing from the others.
	for i := len(budgets) - 1; i >= 0; i-- {
		left, err := take(ctx, tx, budgets[i])
		if err != nil {
			return nil, err
		}
		if left {
			continue
		}
		// One row in an hour says so: who is refused already must not be able to fill the log.
		once := budgets[i]
		once.Key, once.Ceiling = once.Key+":refused", 1
		first, err := take(ctx, tx, once)
		if err == nil && first {
			err = audit.Write(ctx, tx, now, audit.Event{
				Type: audit.PasswordForgot, Result: audit.Refused, Reason: reasonThrottled, Actor: audit.Anonymous(),
			})
		}
		return &BudgetError{Wait: once.ExpiresAt.Sub(now), All: i == 0}, err
	}
	return nil, nil
}

// hourly is the budget of a key in the present hour of the clock.
func hourly(key string, ceiling int, now time.Time) store.TakeBudgetParams {
	hour := now.Truncate(time.Hour)
	return store.TakeBudgetParams{
		Key: key + ":" + strconv.FormatInt(hour.Unix(), 10), Now: now, ExpiresAt: hour.Add(time.Hour), Ceiling: int64(ceiling),
	}
}

// take spends one of a budget and reports whether there was one left.
func take(ctx context.Context, tx *store.Tx, b store.TakeBudgetParams) (bool, error) {
	_, err := tx.TakeBudget(ctx, b)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("take budget: %w", err)
	}
	return true, nil
}

// digest gives keys of budgets one length, whatever a login ID holds.
func digest(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:16])
}

// Run answers requests until ctx ends. Any number of servers may do so at once. It looks at its own times and is not told of
// requests: the work that an existing account causes must not fall together with the answer to the request, nor with what its
// sender asks next.
func (s *Service) Run(ctx context.Context) {
	t := time.NewTicker(s.poll)
	defer t.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		err := s.AnswerRequests(ctx)
		if err != nil && ctx.Err() == nil && !failing { // one record per outage, not per try
			s.logger.WarnContext(ctx, "forgotten passwords cannot be answered; trying again", "error", err)
		}
		failing = err != nil
	}
}

// AnswerRequests answers every request that waits.
func (s *Service) AnswerRequests(ctx context.Context) error {
	for ctx.Err() == nil {
		// Looking costs little; taking takes the writer.
		r, err := s.db.Read().OldestPasswordRequest(ctx)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("look up request: %w", err)
		}
		if err := s.answer(ctx, r.ID); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// answer takes a request and does what is to be done about it, in one transaction: it is done once, by one server. A request that
// cannot be answered is dropped, so that it does not keep the others waiting: its sender will ask again.
func (s *Service) answer(ctx context.Context, id store.RequestID) error {
	now := s.now()
	err := s.db.InTx(ctx, func(tx *store.Tx) error {
		r, err := tx.TakePasswordRequest(ctx, id)
		if errors.Is(err, store.ErrNotFound) {
			return nil // another server has it
		}
		if err != nil {
			return fmt.Errorf("take request: %w", err)
		}
		return s.decide(ctx, tx, now, r)
	})
	if err == nil {
		s.outbox.Wake()
		return nil
	}
	if errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrClosed) || ctx.Err() != nil {
		return err
	}
	s.logger.ErrorContext(ctx, "forgotten password cannot be answered; the request is dropped", "request", id, "error", err)
	err = s.db.InTx(ctx, func(tx *store.Tx) error {
		_, err := tx.TakePasswordRequest(ctx, id)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// decide finds out whose password it is and sends the link, or writes down why not.
func (s *Service) decide(ctx context.Context, tx *store.Tx, now time.Time, r store.PasswordRequest) error {
	ctx = audit.WithOrigin(ctx, audit.Origin{Address: r.ClientAddress, UserAgent: r.UserAgent, RequestID: r.RequestID})
	event := audit.Event{
		Type: audit.PasswordForgot, Result: audit.Success, Actor: audit.Anonymous(), Target: r.LoginKey,
		Data: map[string]string{"kind": r.AccountKind},
	}
	lang, _ := templates.ParseLang(r.Lang)
	reason, err := s.sendTo(ctx, tx, now, r, lang, &event.Account)
	if err != nil {
		return err
	}
	if reason != "" {
		event.Result, event.Reason = audit.Refused, reason
	}
	return audit.Write(ctx, tx, now, event)
}

// sendTo sends the link to the account that a request is about, and notes which that is.
func (s *Service) sendTo(
	ctx context.Context, tx *store.Tx, now time.Time, r store.PasswordRequest, lang templates.Lang, whose *store.AccountID,
) (refused string, err error) {
	found, err := tx.GetAccountByLogin(ctx, store.GetAccountByLoginParams{Kind: r.AccountKind, LoginKey: r.LoginKey})
	if errors.Is(err, store.ErrNotFound) {
		return reasonUnknown, nil
	}
	if err != nil {
		return "", fmt.Errorf("look up account: %w", err)
	}
	*whose = found.ID
	if now.Sub(r.CreatedAt) > requestLife {
		return reasonLate, nil
	}
	acc, err := hold(ctx, tx, found.ID, store.ErrNotFound)
	if err != nil {
		return "", err
	}
	return s.sendLink(ctx, tx, now, acc, lang, false)
}

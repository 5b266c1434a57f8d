package mfa

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/futakagi/futakagi/store"
)

// Limits bound how codes are guessed and sent. Zero fields take the values named; none may be more generous than that.
type Limits struct {
	// CodeLifetime is how long a code is accepted: 10 minutes.
	CodeLifetime time.Duration
	// CodeTries is how many tries one code takes: 5.
	CodeTries int
	// ResendAfter is the pause between two codes to one address within one attempt: 60 seconds.
	ResendAfter time.Duration
	// DestinationHour is how many codes one address gets in an hour, whoever asks: 5.
	DestinationHour int
	// AccountDay is how many codes one account sends in a day: 10.
	AccountDay int
	// FactorFailures is after how many wrong codes in a row a factor is disabled, and how many guesses one batch of backup
	// codes takes: 100.
	FactorFailures int
	// PauseAfter wrong codes of an account pause it for PauseShort, LongPauseAfter of them for PauseLong, and PauseLong
	// without a try forgets them: 5, 1 minute, 10, 15 minutes.
	PauseAfter, LongPauseAfter int
	PauseShort, PauseLong      time.Duration
}

// withDefaults fills in the zero fields and refuses what would weaken the rules.
func (l Limits) withDefaults() (Limits, error) {
	var problem error
	atMost := func(name string, field *int, limit int) {
		if *field == 0 {
			*field = limit
		}
		if *field < 1 || *field > limit {
			problem = errors.Join(problem, fmt.Errorf("mfa: limit %s is %d, must be 1 to %d", name, *field, limit))
		}
	}
	between := func(name string, field *time.Duration, def, low, high time.Duration) {
		if *field == 0 {
			*field = def
		}
		if *field < low || *field > high {
			problem = errors.Join(problem, fmt.Errorf("mfa: limit %s is %v, must be %v to %v", name, *field, low, high))
		}
	}
	between("CodeLifetime", &l.CodeLifetime, 10*time.Minute, time.Minute, 10*time.Minute)
	atMost("CodeTries", &l.CodeTries, 5)
	between("ResendAfter", &l.ResendAfter, time.Minute, time.Second, 10*time.Minute)
	atMost("DestinationHour", &l.DestinationHour, 5)
	atMost("AccountDay", &l.AccountDay, 10)
	atMost("FactorFailures", &l.FactorFailures, 100)
	atMost("PauseAfter", &l.PauseAfter, 5)
	atMost("LongPauseAfter", &l.LongPauseAfter, 10)
	between("PauseShort", &l.PauseShort, time.Minute, time.Minute, time.Hour)
	between("PauseLong", &l.PauseLong, 15*time.Minute, 15*time.Minute, 24*time.Hour)
	return l, problem
}

// The keys of counters. Each names what is counted; the account's own id keeps accounts apart whatever they are called.
func codeThrottle(id store.AccountID) string   { return "code:" + string(id) }
func backupThrottle(id store.AccountID) string { return "backup:" + string(id) }
func backupBudget(id store.BatchID) string     { return "backup-guesses:" + string(id) }

func resetBudget(id store.AccountID, now time.Time) string {
	return "resets:" + string(id) + ":" + now.Format(time.DateOnly)
}

// destination keeps addresses out of keys, and keys short.
func destination(address string) string {
	sum := sha256.Sum256([]byte(address))
	return hex.EncodeToString(sum[:16])
}

// takeThrottle counts a try before it is judged, and returns *LockedError while tries are paused. The throttle's row stays
// locked until the transaction ends, so all tries of one account are judged one after another.
func (s *Service) takeThrottle(ctx context.Context, tx *store.Tx, key string, now time.Time) error {
	_, err := tx.TakeThrottle(ctx, store.TakeThrottleParams{
		Key:          key,
		Now:          now,
		ForgetBefore: now.Add(-s.limits.PauseLong),
		ShortAfter:   int64(s.limits.PauseAfter),
		BlockedShort: now.Add(s.limits.PauseShort),
		LongAfter:    int64(s.limits.LongPauseAfter),
		BlockedLong:  now.Add(s.limits.PauseLong),
	})
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	t, err := tx.GetThrottle(ctx, key)
	if err != nil {
		return fmt.Errorf("read pause: %w", err)
	}
	locked := &LockedError{Until: now}
	if t.BlockedUntil != nil {
		locked.Until = *t.BlockedUntil
	}
	return locked
}

// pause describes an account's throttle for a page: until when it is paused (nil: it is not), and whether the next failures
// will pause it.
func (s *Service) pause(ctx context.Context, q *store.Queries, key string, now time.Time) (until *time.Time, near bool, err error) {
	t, err := q.GetThrottle(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read pause: %w", err)
	}
	if t.BlockedUntil != nil && t.BlockedUntil.After(now) {
		return t.BlockedUntil, true, nil
	}
	return nil, t.Failures >= nearLimit && t.LastAt.After(now.Add(-s.limits.PauseLong)), nil
}

// nearLimit is the failure from which on a page warns of the pause.
const nearLimit = 3

// takeSend spends one sending: one per cool-down of the attempt and address, and one of the budgets of the account's day and
// the destination's hour. It returns *WaitError or ErrTooManySends; the transaction must then roll back, so that a refused
// sending costs nothing.
func (s *Service) takeSend(ctx context.Context, tx *store.Tx, a attempt, id store.AccountID, address string, now time.Time) error {
	key := a.cooldown(id, address)
	_, err := tx.TakeCooldown(ctx, store.TakeCooldownParams{
		Key: key, Now: now, ExpiresAt: now.Add(2 * s.limits.ResendAfter), FreeBefore: now.Add(-s.limits.ResendAfter),
	})
	if errors.Is(err, store.ErrNotFound) {
		wait, err := s.wait(ctx, tx.Queries, key, now)
		if err != nil {
			return err
		}
		return &WaitError{Seconds: max(1, wait)}
	}
	if err != nil {
		return fmt.Errorf("take cool-down: %w", err)
	}

	// An operator's reset opens a fresh budget for the day: the old one was spent on the address that died.
	resets := int64(0)
	b, err := tx.GetBudget(ctx, resetBudget(id, now))
	if err == nil {
		resets = b.Used
	} else if !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("count resets: %w", err)
	}
	for _, budget := range []struct {
		key     string
		window  time.Duration
		ceiling int
	}{
		{fmt.Sprintf("send-account:%s:%s:%d", id, now.Format(time.DateOnly), resets), 24 * time.Hour, s.limits.AccountDay},
		{fmt.Sprintf("send-destination:%s:%s", destination(address), now.Format("2006-01-02T15")), time.Hour, s.limits.DestinationHour},
	} {
		_, err := tx.TakeBudget(ctx, store.TakeBudgetParams{
			Key: budget.key, Now: now, ExpiresAt: now.Add(budget.window), Ceiling: int64(budget.ceiling),
		})
		if errors.Is(err, store.ErrNotFound) {
			return ErrTooManySends
		}
		if err != nil {
			return fmt.Errorf("take sending budget: %w", err)
		}
	}
	return nil
}

// wait is how many seconds a cool-down still runs.
func (s *Service) wait(ctx context.Context, q *store.Queries, key string, now time.Time) (int, error) {
	b, err := q.GetBudget(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read cool-down: %w", err)
	}
	left := b.LastAt.Add(s.limits.ResendAfter).Sub(now)
	return int(max(0, left+time.Second-1) / time.Second), nil
}

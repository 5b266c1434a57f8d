package mfa

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
)

// Limits bound how codes are guessed and sent. Zero fields take the values named; none may be more generous than that
// unless it says so.
type Limits struct {
	// CodeLifetime is how long a code is accepted: 10 minutes.
	CodeLifetime time.Duration
	// CodeTries is how many tries one code takes: 5.
	CodeTries int
	// ResendAfter is the pause between two codes of an account to one address, in however many sign-ins, unless the former one
	// was entered: 60 seconds.
	ResendAfter time.Duration
	// DestinationHour is how many codes one address gets in any hour, whoever asks: 5. Codes to an address that is being set up
	// and those to one that is set up are counted apart.
	DestinationHour int
	// AccountDay is how many codes one account sends in any 24 hours: 10.
	AccountDay int
	// NoticesHour is how many notices one address gets in any hour: 20.
	NoticesHour int
	// GlobalPerDay is how many codes the whole service sends in a day (UTC): 100 000. A larger one may be set.
	GlobalPerDay int
	// SMSPerDay is how many codes by SMS the whole service sends in a day (UTC), and SMSPerPrefixDay to one range of numbers:
	// 5 000 and 100. What a stranger can make the service pay for is bounded by these, so larger ones are to be set with care.
	SMSPerDay, SMSPerPrefixDay int
	// ReissuesDay is how often an account's backup codes are replaced in any 24 hours: 5.
	ReissuesDay int
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
	atMost("NoticesHour", &l.NoticesHour, 20)
	atMost("ReissuesDay", &l.ReissuesDay, 5)
	if l.GlobalPerDay == 0 {
		l.GlobalPerDay = 100_000
	}
	if l.SMSPerDay == 0 {
		l.SMSPerDay = 5000
	}
	if l.SMSPerPrefixDay == 0 {
		l.SMSPerPrefixDay = 100
	}
	if l.GlobalPerDay < 0 || l.SMSPerDay < 0 || l.SMSPerPrefixDay < 0 {
		problem = errors.Join(problem, errors.New("mfa: limits GlobalPerDay, SMSPerDay and SMSPerPrefixDay must be positive"))
	}
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

func preparations(id string) string      { return "backup-made:" + id }
func reissues(id store.AccountID) string { return "backup-reissues:" + string(id) }
func resets(id store.AccountID) string   { return "resets:" + string(id) }

func cooldown(id store.AccountID, purpose, address string) string {
	return "send-cooldown:" + string(id) + ":" + sendClass(purpose) + ":" + destination(address)
}

// sendClass separates codes to an address that anybody may have typed from those to one that is proved: whoever sets up a
// stranger's address must not use up the codes that the stranger signs in with.
func sendClass(purpose string) string {
	if purpose == purposeSignIn {
		return "proved"
	}
	return "new"
}

// destination is the key of an address in budgets.
func destination(address string) string { return delivery.Destination(address) }

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

// takeSlot spends one of a key's places; see [store.Tx.TakeSlot].
func takeSlot(ctx context.Context, tx *store.Tx, key string, ceiling int, window time.Duration, now time.Time) (slot string, err error) {
	return tx.TakeSlot(ctx, key, ceiling, window, now)
}

// freeSlot gives back a place, or a cool-down, that was taken for a window.
func freeSlot(ctx context.Context, tx *store.Tx, slot string, window time.Duration, now time.Time) error {
	_, err := tx.TakeCooldown(ctx, store.TakeCooldownParams{Key: slot, Now: now.Add(-window), ExpiresAt: now, FreeBefore: now})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("give back budget: %w", err)
	}
	return nil
}

// takeSend spends one sending: one per cool-down of the account and address, and one each of the budgets of the account's day,
// the destination's hour and everybody's day. It returns *WaitError or ErrTooManySends; the transaction must then roll back, so
// that a refused sending costs nothing.
func (s *Service) takeSend(ctx context.Context, tx *store.Tx, m codeMessage, now time.Time) error {
	id := m.account.ID
	key := cooldown(id, m.purpose, m.address)
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

	// An operator's reset opens a fresh budget: the old one was spent on the address that died.
	generation := int64(0)
	b, err := tx.GetBudget(ctx, resets(id))
	if err == nil {
		generation = b.Used
	} else if !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("count resets: %w", err)
	}
	for _, budget := range []struct {
		key     string
		ceiling int
		window  time.Duration
	}{
		{fmt.Sprintf("send-account:%s:%d", id, generation), s.limits.AccountDay, 24 * time.Hour},
		{"send-destination:" + sendClass(m.purpose) + ":" + destination(m.address), s.limits.DestinationHour, time.Hour},
	} {
		slot, err := takeSlot(ctx, tx, budget.key, budget.ceiling, budget.window, now)
		if err != nil {
			return err
		}
		if slot == "" {
			return ErrTooManySends
		}
	}
	day := now.Format(time.DateOnly)
	budgets := []struct {
		key     string
		ceiling int
	}{{"send-all:" + day, s.limits.GlobalPerDay}}
	if m.method == signin.SMS {
		// Each costs money, and numbers that pay their owner for being sent to come in ranges.
		budgets = append(budgets, []struct {
			key     string
			ceiling int
		}{{"send-prefix:" + phonePrefix(m.address) + ":" + day, s.limits.SMSPerPrefixDay}, {"send-sms:" + day, s.limits.SMSPerDay}}...)
	}
	for _, b := range budgets {
		_, err = tx.TakeBudget(ctx, store.TakeBudgetParams{
			Key: b.key, Now: now, ExpiresAt: now.Add(24 * time.Hour), Ceiling: int64(b.ceiling),
		})
		if errors.Is(err, store.ErrNotFound) {
			return ErrTooManySends
		}
		if err != nil {
			return fmt.Errorf("take budget: %w", err)
		}
	}
	return nil
}

// endCooldown lets the next code to an address leave at once: the person has shown that the last one was read.
func (s *Service) endCooldown(ctx context.Context, tx *store.Tx, c store.Challenge, now time.Time) error {
	return freeSlot(ctx, tx, cooldown(c.AccountID, c.Purpose, c.Address), s.limits.ResendAfter, now)
}

// noteReset opens a fresh sending budget for an account, at most once an hour.
func noteReset(ctx context.Context, tx *store.Tx, id store.AccountID, now time.Time) error {
	_, err := tx.TakeCooldown(ctx, store.TakeCooldownParams{
		// It is not forgotten before every sending of the former budgets is.
		Key: resets(id), Now: now, ExpiresAt: now.AddDate(10, 0, 0), FreeBefore: now.Add(-time.Hour),
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("count reset: %w", err)
	}
	return nil
}

// takePreparation bounds how often backup codes are made for one code that was sent, or one set-up. They are made before the code
// is looked at, so this is what a burst of guesses costs at most.
func (s *Service) takePreparation(ctx context.Context, id string, expires, now time.Time) error {
	return s.db.InTx(ctx, func(tx *store.Tx) error {
		_, err := tx.TakeBudget(ctx, store.TakeBudgetParams{
			Key: preparations(id), Now: now, ExpiresAt: expires.Add(time.Hour), Ceiling: preparationsPerTry * int64(s.limits.CodeTries),
		})
		if errors.Is(err, store.ErrNotFound) {
			return ErrTriesSpent
		}
		if err != nil {
			return fmt.Errorf("take budget: %w", err)
		}
		return nil
	})
}

// preparationsPerTry leaves room for those that end in ErrBusy.
const preparationsPerTry = 4

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

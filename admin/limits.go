package admin

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/futakagi/futakagi/store"
)

// Rate is how often one operator may do something, counted over any hour and any day.
type Rate struct{ Hour, Day int }

// Limits are how often one operator may do what opens accounts: whoever talks somebody at the support desk into it, or is that
// somebody, gets so far and no further before others notice.
type Limits struct {
	// Reset is for resets of second factors, SwitchOff for 利用しない, PasswordLink for links to new passwords, and Unmask for
	// looking at masked addresses.
	Reset, SwitchOff, PasswordLink, Unmask Rate
}

// DefaultLimits are more than a busy support desk needs.
func DefaultLimits() Limits {
	return Limits{Reset: Rate{30, 100}, SwitchOff: Rate{20, 60}, PasswordLink: Rate{30, 100}, Unmask: Rate{30, 100}}
}

func (l Limits) orDefault() Limits {
	d := DefaultLimits()
	for _, r := range []struct{ rate, or *Rate }{
		{&l.Reset, &d.Reset}, {&l.SwitchOff, &d.SwitchOff}, {&l.PasswordLink, &d.PasswordLink}, {&l.Unmask, &d.Unmask},
	} {
		if r.rate.Hour == 0 {
			r.rate.Hour = r.or.Hour
		}
		if r.rate.Day == 0 {
			r.rate.Day = r.or.Day
		}
	}
	return l
}

// A RateError says that an operator did something as often as they may, and when they may again. It was written down.
type RateError struct{ Until time.Time }

func (e *RateError) Error() string {
	return "done too often; possible again at " + e.Until.UTC().Format(time.RFC3339)
}

func isRate(err error) bool {
	_, ok := errors.AsType[*RateError](err)
	return ok
}

// spend counts an act of the operator or client; what is undone with its transaction does not count. Whoever runs the command line is not
// counted: they hold the database.
func (s *Service) spend(ctx context.Context, w *work, act string, rate Rate) error {
	if w.actor.system {
		return nil
	}
	for _, limit := range []struct {
		ceiling int
		window  time.Duration
	}{{rate.Hour, time.Hour}, {rate.Day, 24 * time.Hour}} {
		key := "staff:" + act + ":" + w.actor.key() + ":" + limit.window.String()
		slot, err := w.tx.TakeSlot(ctx, key, limit.ceiling, limit.window, w.now)
		if err != nil {
			return err
		}
		if slot == "" {
			until, err := freeAgain(ctx, w.tx.Queries, key, limit.ceiling, limit.window)
			if err != nil {
				return err
			}
			return &refusal{err: &RateError{Until: until}, word: wordRate}
		}
	}
	return nil
}

// freeAgain is when the first of a key's places is free again.
func freeAgain(ctx context.Context, q *store.Queries, key string, ceiling int, window time.Duration) (time.Time, error) {
	var first time.Time
	for i := range ceiling {
		b, err := q.GetBudget(ctx, key+":"+strconv.Itoa(i))
		if err != nil {
			return time.Time{}, fmt.Errorf("load budget: %w", err)
		}
		if first.IsZero() || b.LastAt.Before(first) {
			first = b.LastAt
		}
	}
	return first.Add(window), nil
}

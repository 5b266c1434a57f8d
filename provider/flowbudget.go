package provider

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	defaultFlowsPerAddress = 120
	flowWindow             = 5 * time.Minute
	// maxFlowNetworks bounds the memory of the budget. Beyond it nobody new is remembered apart: all further networks share
	// one budget until the present ones fall quiet.
	maxFlowNetworks = 50_000
)

// flowBudget bounds how many sign-ins a client network may begin. Each is a row that anybody can cause without having proved
// anything (I29). It is counted in memory, by each server for itself: it protects the database, so it must not need it, and a
// replica more or less does not matter to a bound of this kind.
type flowBudget struct {
	limit rate.Limit
	burst int

	mu     sync.Mutex
	seen   map[string]*flowAllowance
	others *rate.Limiter
	swept  time.Time
}

type flowAllowance struct {
	limiter *rate.Limiter
	last    time.Time
}

func newFlowBudget(perWindow int) *flowBudget {
	if perWindow <= 0 {
		perWindow = defaultFlowsPerAddress
	}
	limit := rate.Limit(float64(perWindow) / flowWindow.Seconds())
	return &flowBudget{
		limit: limit, burst: perWindow, seen: map[string]*flowAllowance{},
		others: rate.NewLimiter(limit*100, perWindow*100),
	}
}

// take spends one, or says how long to wait.
func (b *flowBudget) take(network string, now time.Time) (wait time.Duration, ok bool) {
	r := b.limiter(network, now).ReserveN(now, 1)
	if d := r.DelayFrom(now); d > 0 {
		r.CancelAt(now)
		return d, false
	}
	return 0, true
}

func (b *flowBudget) limiter(network string, now time.Time) *rate.Limiter {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now.Sub(b.swept) >= flowWindow {
		// Whoever has been quiet for a window has the whole budget again, and need not be remembered.
		for k, a := range b.seen {
			if now.Sub(a.last) >= flowWindow {
				delete(b.seen, k)
			}
		}
		b.swept = now
	}
	a, known := b.seen[network]
	if !known {
		if len(b.seen) >= maxFlowNetworks {
			return b.others
		}
		a = &flowAllowance{limiter: rate.NewLimiter(b.limit, b.burst)}
		b.seen[network] = a
	}
	a.last = now
	return a.limiter
}

package signals

import (
	"sync"
	"time"
)

// requestsPerMinute is how many requests of one receiver a server answers.
const requestsPerMinute = 600

// limiter counts requests in memory: it protects this server from a program that runs wild.
type limiter struct {
	mu    sync.Mutex
	began time.Time
	used  map[string]int
}

// take counts one request. It reports whether there was one left, and when there are more.
func (l *limiter) take(client string, now time.Time) (until time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if began := now.Truncate(time.Minute); !began.Equal(l.began) {
		l.began, l.used = began, map[string]int{}
	}
	if l.used[client] >= requestsPerMinute {
		return l.began.Add(time.Minute).Sub(now), false
	}
	l.used[client]++
	return 0, true
}

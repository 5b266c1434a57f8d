package admin

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/futakagi/futakagi/web"
)

const (
	// limitWindow is the time that requests are counted in, and limitDefault how many one client or operator may send in it.
	limitWindow  = time.Minute
	limitDefault = 600
)

// limiter counts the requests of each client and operator in memory: it protects this server from a program that runs wild, and a
// row per request would be more work than most requests. What may be guessed or sent has limits of its own, in the database.
type limiter struct {
	ceiling int

	mu    sync.Mutex
	began time.Time
	used  map[string]int
}

// take counts one request, and says how many are left and for how long.
func (l *limiter) take(key string, now time.Time) (left int, until time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if began := now.Truncate(limitWindow); !began.Equal(l.began) {
		l.began, l.used = began, map[string]int{}
	}
	until = l.began.Add(limitWindow).Sub(now)
	if l.used[key] >= l.ceiling {
		return 0, until, false
	}
	l.used[key]++
	return l.ceiling - l.used[key], until, true
}

// limit counts a request and says so in its answer (draft-ietf-httpapi-ratelimit-headers).
func (l *limiter) limit(w http.ResponseWriter, actor Actor, now time.Time) error {
	left, until, ok := l.take(actor.key(), now)
	seconds := int((until + time.Second - 1) / time.Second)
	w.Header().Set("RateLimit-Policy", fmt.Sprintf(`"default";q=%d;w=%d`, l.ceiling, int(limitWindow/time.Second)))
	w.Header().Set("RateLimit", fmt.Sprintf(`"default";r=%d;t=%d`, left, seconds))
	if !ok {
		return web.TooMany(time.Duration(seconds)*time.Second, nil)
	}
	return nil
}

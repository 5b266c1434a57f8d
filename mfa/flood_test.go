package mfa_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/store"
)

// TestI29_AStrangerCannotFillTheLogByPasskeys: a wrong passkey is written down, and nobody has proved anything before it.
func TestI29_AStrangerCannotFillTheLogByPasskeys(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		f := w.stranger("store")
		begun := 0
		var err error
		for ; err == nil && begun < 200; begun++ {
			_, err = w.PasskeyLogin(t.Context(), f)
		}
		wantErr(t, "without end", err, mfa.ErrTooManyCeremonies)
		if begun < 20 {
			t.Errorf("refused after %d: a page that is opened again and again asks each time", begun)
		}
		if _, err := w.PasskeyLogin(t.Context(), w.stranger("store")); err != nil {
			t.Errorf("another sign-in: %v", err)
		}
	})
}

// TestI9_APauseOfCodesLeadsToTheOtherWays: whoever knows the password can have codes paused, and must not hide the owner's passkey
// with that.
func TestI9_APauseOfCodesLeadsToTheOtherWays(t *testing.T) {
	s := newSite(t)
	id := s.account("sato", "use")
	s.enrol(id, "sato-2fa@example.jp")
	for range 2 {
		s.tx(func(tx *store.Tx) error {
			now := s.clock.now()
			_, err := tx.TakeThrottle(t.Context(), store.TakeThrottleParams{
				Key: "code:" + string(id), Now: now, ForgetBefore: now.Add(-time.Hour), ShortAfter: 2, BlockedShort: now.Add(time.Minute),
				LongAfter: 10, BlockedLong: now.Add(time.Hour),
			})
			return err
		})
	}
	f := s.signIn(id)
	s.get("/signin/challenge?flow="+string(f.ID)).want(t, "paused", http.StatusTooManyRequests,
		`href="/signin/challenge/methods?flow=`+string(f.ID)+`"`)
}

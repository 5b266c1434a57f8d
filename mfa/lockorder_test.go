package mfa_test

import (
	"errors"
	"testing"
	"time"

	"github.com/futakagi/futakagi/store"
)

// TestI30_APasskeyAndAResetDoNotWaitForEachOther: a reset that holds the account's pause takes its passkeys next, while somebody
// signs in by one of them. The order of locks has to be the same for both, or the database stops one.
func TestI30_APasskeyAndAResetDoNotWaitForEachOther(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id := w.account("sato", "use")
		key := plainKey()
		w.enrolPasskey(id, key)
		w.tx(func(tx *store.Tx) error { // a wrong guess, so that there is something to clear
			now := w.clock.now()
			_, err := tx.TakeThrottle(ctx, store.TakeThrottleParams{
				Key: "code:" + string(id), Now: now, ForgetBefore: now.Add(-time.Hour), ShortAfter: 5, BlockedShort: now, LongAfter: 10, BlockedLong: now,
			})
			return err
		})
		f := w.flow(id)
		options, err := w.PasskeyChallenge(ctx, f)
		answer := answerTo(t, key.Get, options, err)

		proved := make(chan error, 1)
		err = w.db.InTx(ctx, func(tx *store.Tx) error {
			acc, err := tx.HoldAccount(ctx, id)
			if err != nil {
				return err
			}
			if err := tx.ClearThrottle(ctx, "code:"+string(id)); err != nil {
				return err
			}
			go func() {
				_, err := w.VerifyPasskey(ctx, f, answer, false)
				proved <- err
			}()
			time.Sleep(300 * time.Millisecond)
			_, err = w.Reset(ctx, tx, acc, w.clock.now())
			return err
		})
		if err != nil {
			t.Errorf("reset: %v", err)
		}
		if err := <-proved; errors.Is(err, store.ErrUnavailable) {
			t.Errorf("sign-in: %v", err)
		}
	})
}

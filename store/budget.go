package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// TakeSlot spends one of a key's places, of which each is free again a window after it was taken. So no span of that length, from
// whenever it is counted, holds more than the ceiling. It returns the place, empty when none was free.
func (tx *Tx) TakeSlot(ctx context.Context, key string, ceiling int, window time.Duration, now time.Time) (slot string, err error) {
	// The places are tried in order, so that two transactions that take from the same key never wait for each other crosswise.
	for i := range ceiling {
		slot := key + ":" + strconv.Itoa(i)
		_, err := tx.TakeCooldown(ctx, TakeCooldownParams{
			Key: slot, Now: now, ExpiresAt: now.Add(2 * window), FreeBefore: now.Add(-window),
		})
		if err == nil {
			return slot, nil
		}
		if !errors.Is(err, ErrNotFound) {
			return "", fmt.Errorf("take budget: %w", err)
		}
	}
	return "", nil
}

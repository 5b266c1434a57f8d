-- name: GetThrottle :one
SELECT * FROM throttles WHERE key = @key;

-- name: TakeThrottle :one
-- Counts a try before it is judged. No row comes back while the key is blocked, so a burst of parallel tries cannot pass the limit.
INSERT INTO throttles (key, failures, last_at) VALUES (@key, 1, @now)
ON CONFLICT (key) DO UPDATE SET
    failures = CASE WHEN throttles.last_at < @forget_before THEN 1 ELSE throttles.failures + 1 END,
    last_at = excluded.last_at,
    blocked_until = CASE
        WHEN throttles.last_at >= @forget_before AND throttles.failures + 1 >= @long_after THEN CAST(@blocked_long AS timestamptz)
        WHEN throttles.last_at >= @forget_before AND throttles.failures + 1 >= @short_after THEN CAST(@blocked_short AS timestamptz)
        ELSE NULL END
WHERE throttles.blocked_until IS NULL OR throttles.blocked_until <= @now
RETURNING failures, blocked_until;

-- name: ClearThrottle :exec
DELETE FROM throttles WHERE key = @key;

-- name: SweepThrottles :execrows
DELETE FROM throttles WHERE key IN (SELECT t.key FROM throttles t WHERE t.last_at < @before ORDER BY t.last_at LIMIT @batch_size);

-- name: TakeBudget :one
-- Spends one from a window's budget; no row comes back once it is used up.
INSERT INTO budgets (key, used, last_at, expires_at) VALUES (@key, 1, @now, @expires_at)
ON CONFLICT (key) DO UPDATE SET used = budgets.used + 1, last_at = excluded.last_at WHERE budgets.used < @ceiling
RETURNING used;

-- name: TakeCooldown :one
-- Succeeds at most once in every cool-down.
INSERT INTO budgets (key, used, last_at, expires_at) VALUES (@key, 1, @now, @expires_at)
ON CONFLICT (key) DO UPDATE SET used = budgets.used + 1, last_at = excluded.last_at, expires_at = excluded.expires_at
WHERE budgets.last_at <= @free_before
RETURNING used;

-- name: GetBudget :one
SELECT * FROM budgets WHERE key = @key;

-- name: SweepBudgets :execrows
DELETE FROM budgets WHERE key IN (SELECT b.key FROM budgets b WHERE b.expires_at < @now ORDER BY b.expires_at LIMIT @batch_size);

-- name: UseOnce :execrows
-- Uses up a value that counts once; none is written for one that was used.
INSERT INTO replays (key, expires_at) VALUES (@key, @expires_at) ON CONFLICT (key) DO NOTHING;

-- name: SweepReplays :execrows
DELETE FROM replays WHERE key IN (SELECT r.key FROM replays r WHERE r.expires_at < @before ORDER BY r.expires_at LIMIT @batch_size);

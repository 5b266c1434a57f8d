-- name: InsertDeviceCode :exec
INSERT INTO device_codes (id, device_hash, user_hash, client_id, scope, poll_interval, next_poll_at, created_at, expires_at)
VALUES (@id, @device_hash, @user_hash, @client_id, @scope, @poll_interval, @now, @now, @expires_at);

-- name: GetDeviceCode :one
-- By the code that the device has, whatever became of it.
SELECT * FROM device_codes WHERE device_hash = @device_hash;

-- name: GetUserCode :one
-- By the code that a person typed, as long as it can be decided about.
SELECT * FROM device_codes WHERE user_hash = @user_hash AND decided_at IS NULL AND expires_at > @now;

-- name: PollDeviceCode :execrows
-- Of two polls that saw the same moment for the next one, one counts.
UPDATE device_codes SET next_poll_at = @next_poll_at, poll_interval = @poll_interval WHERE id = @id AND next_poll_at = @seen;

-- name: DecideDeviceCode :execrows
-- One decision, whatever is pressed twice.
UPDATE device_codes SET decided_at = @now, grant_id = sqlc.narg('grant_id')
WHERE device_codes.id = @id AND decided_at IS NULL AND expires_at > @now
  AND EXISTS (SELECT 1 FROM clients c WHERE c.id = device_codes.client_id AND c.disabled_at IS NULL);

-- name: SweepDeviceCodes :execrows
DELETE FROM device_codes WHERE id IN (SELECT d.id FROM device_codes d WHERE d.expires_at < @before ORDER BY d.expires_at LIMIT @batch_size);

-- name: InsertPushedRequest :exec
INSERT INTO pushed_requests (key, client_id, parameters, created_at, expires_at) VALUES (@key, @client_id, @parameters, @now, @expires_at);

-- name: GetPushedRequest :one
-- One answer for what is unknown, another client's, over or used.
SELECT parameters FROM pushed_requests WHERE key = @key AND client_id = @client_id AND expires_at > @now AND used_at IS NULL;

-- name: UsePushedRequest :execrows
-- Whoever was sent here in time may take longer to sign in than the request may be opened: only the first answer counts.
UPDATE pushed_requests SET used_at = @now WHERE key = @key AND used_at IS NULL;

-- name: SweepPushedRequests :execrows
DELETE FROM pushed_requests WHERE key IN (SELECT r.key FROM pushed_requests r WHERE r.expires_at < @before ORDER BY r.expires_at LIMIT @batch_size);

-- name: InsertTicket :exec
INSERT INTO tickets (id, purpose, account_id, secret_hash, credential_epoch, data, created_at, expires_at)
VALUES (@id, @purpose, @account_id, @secret_hash, @credential_epoch, @data, @now, @expires_at);

-- name: GetTicket :one
-- A ticket that still opens something.
SELECT * FROM tickets WHERE secret_hash = @secret_hash AND purpose = @purpose AND used_at IS NULL AND expires_at > @now;

-- name: UseTicket :execrows
UPDATE tickets SET used_at = @now WHERE id = @id AND used_at IS NULL AND expires_at > @now;

-- name: VoidTickets :execrows
-- Only the newest ticket of a purpose counts, or none any more.
UPDATE tickets SET used_at = @now WHERE account_id = @account_id AND purpose = @purpose AND used_at IS NULL;

-- name: VoidNewerTickets :execrows
-- What was handed out since a ticket is undone with what the ticket undoes.
UPDATE tickets SET used_at = @now
WHERE account_id = @account_id AND purpose = @purpose AND used_at IS NULL AND id <> @id AND created_at >= @created_at;

-- name: ListTickets :many
-- An account's tickets that still open something.
SELECT * FROM tickets WHERE account_id = @account_id AND purpose = @purpose AND used_at IS NULL AND expires_at > @now
ORDER BY created_at, id;

-- name: GetSpentTicket :one
-- A ticket that was used or voided since a time, for somebody who presses a button twice.
SELECT * FROM tickets WHERE secret_hash = @secret_hash AND purpose = @purpose AND used_at >= @since;

-- name: VoidAccountTickets :execrows
-- All but those of a purpose that outlives what voids the others.
UPDATE tickets SET used_at = @now WHERE account_id = @account_id AND purpose <> @but AND used_at IS NULL;

-- name: SweepTickets :execrows
DELETE FROM tickets WHERE id IN (SELECT t.id FROM tickets t WHERE t.expires_at < @before ORDER BY t.expires_at LIMIT @batch_size);

-- name: InsertPasswordRequest :exec
INSERT INTO password_requests (id, account_kind, login_key, lang, client_address, user_agent, request_id, created_at)
VALUES (@id, @account_kind, @login_key, @lang, @client_address, @user_agent, @request_id, @now);

-- name: OldestPasswordRequest :one
SELECT * FROM password_requests ORDER BY created_at, id LIMIT 1;

-- name: TakePasswordRequest :one
-- Of several servers one answers a request; what comes of it is written in the same transaction.
DELETE FROM password_requests WHERE id = @id RETURNING *;

-- Clients that register themselves (RFC 7591, RFC 7592). The row of such a client is made and changed by the statements of all clients.

-- name: CountUnusedClients :one
-- Those that registered themselves and that nobody signed in to yet.
SELECT count(*) FROM clients WHERE registered_at IS NOT NULL AND used_at IS NULL;

-- name: SetRegistration :execrows
-- Makes a new client one that registered itself.
UPDATE clients SET registered_at = @now, registered_by = @registered_by, registration_hash = @registration_hash
WHERE id = @id AND registered_at IS NULL;

-- name: ReplaceRegistrationToken :execrows
-- A new registration access token for the former one, which counts no more: of several requests with one token one comes through.
UPDATE clients SET registration_hash = @fresh
WHERE id = @id AND registration_hash = @former AND registered_at IS NOT NULL AND disabled_at IS NULL;

-- name: NoteClientUsed :execrows
-- That somebody signed in to a client that registered itself. It is no change of the registration, and so no new version.
UPDATE clients SET used_at = @now WHERE id = @id AND registered_at IS NOT NULL AND used_at IS NULL;

-- name: SweepUnusedClients :execrows
DELETE FROM clients
WHERE used_at IS NULL AND id IN (
    SELECT c.id FROM clients c WHERE c.registered_at < @before AND c.used_at IS NULL ORDER BY c.registered_at LIMIT @batch_size
);

-- name: InsertRegistrationToken :exec
INSERT INTO registration_tokens (id, token_hash, label, created_by, max_uses, uses, created_at, expires_at)
VALUES (@id, @token_hash, @label, @created_by, @max_uses, 0, @now, @expires_at);

-- name: ListRegistrationTokens :many
-- Newest first.
SELECT * FROM registration_tokens ORDER BY created_at DESC, id DESC LIMIT @page_size;

-- name: FindRegistrationToken :one
-- Whether a token would let a client register; using it decides.
SELECT * FROM registration_tokens
WHERE token_hash = @token_hash AND revoked_at IS NULL AND expires_at > @now AND uses < max_uses;

-- name: UseRegistrationToken :one
UPDATE registration_tokens SET uses = uses + 1, last_used_at = @now
WHERE token_hash = @token_hash AND revoked_at IS NULL AND expires_at > @now AND uses < max_uses
RETURNING id, label;

-- name: RevokeRegistrationToken :one
UPDATE registration_tokens SET revoked_at = @now WHERE id = @id AND revoked_at IS NULL RETURNING label;

-- name: SweepRegistrationTokens :execrows
DELETE FROM registration_tokens
WHERE id IN (SELECT t.id FROM registration_tokens t WHERE t.expires_at < @before ORDER BY t.expires_at LIMIT @batch_size);

-- name: InsertSalt :execrows
-- The first one stays.
INSERT INTO salts (name, value_sealed, created_at) VALUES (@name, @value_sealed, @now) ON CONFLICT (name) DO NOTHING;

-- name: GetSalt :one
SELECT value_sealed FROM salts WHERE name = @name;

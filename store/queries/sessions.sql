-- name: InsertSession :exec
INSERT INTO sessions (id, token_hash, account_id, account_kind, credential_epoch, evidence, client_address, user_agent, created_at, seen_at, expires_at)
VALUES (@id, @token_hash, @account_id, @account_kind, @credential_epoch, @evidence, @client_address, @user_agent, @now, @now, @expires_at);

-- name: GetLiveSession :one
-- A session with its account, while both are good: not ended, not idle, not too old, account enabled, credentials unchanged.
SELECT sqlc.embed(s), sqlc.embed(a), sqlc.embed(p)
FROM sessions s
JOIN accounts a ON a.id = s.account_id AND a.credential_epoch = s.credential_epoch AND a.disabled_at IS NULL
JOIN surfaces p ON p.id = @surface_id AND p.account_kind = a.kind
WHERE s.token_hash = @token_hash AND s.ended_at IS NULL AND s.expires_at > @now AND s.seen_at > @idle_since;

-- name: GetSession :one
SELECT * FROM sessions WHERE id = @id;

-- name: GetSessionByToken :one
SELECT * FROM sessions WHERE token_hash = @token_hash AND ended_at IS NULL;

-- name: RaiseSession :execrows
-- A rise of privilege: new evidence, new token; the former token is refused from this commit on.
UPDATE sessions SET token_hash = @token_hash, evidence = @evidence, seen_at = @now, expires_at = @expires_at
WHERE id = @id AND account_id = @account_id AND credential_epoch = @credential_epoch AND ended_at IS NULL AND expires_at > @now;

-- name: CarrySessionEpoch :execrows
-- The person's own change raised the epoch: a session that was good until then goes on, and every other one is dead. Its token
-- is nobody's business here; RaiseSession renews it.
UPDATE sessions SET credential_epoch = @credential_epoch
WHERE id = @id AND account_id = @account_id AND credential_epoch = @former_epoch AND ended_at IS NULL;

-- name: TouchSession :exec
UPDATE sessions SET seen_at = @now WHERE id = @id AND seen_at < @now;

-- name: CloseSession :execrows
-- Only Tx.EndSession runs this and the two below, as who had tokens from a session is told of its end.
UPDATE sessions SET ended_at = @now WHERE id = @id AND account_id = @account_id AND ended_at IS NULL;

-- name: CloseAccountSessions :execrows
UPDATE sessions SET ended_at = @now WHERE account_id = @account_id AND ended_at IS NULL;

-- name: CloseOtherSessions :execrows
UPDATE sessions SET ended_at = @now WHERE account_id = @account_id AND ended_at IS NULL AND id <> @keep;

-- name: ListSessionClients :many
-- The relying parties to tell when sessions of an account end: all of them, one of them, or all but one; or one relying party, when it
-- loses what it has of the account. Who had tokens from a session
-- that has not ended is told, also one whose code is still on its way, as it may be redeemed in this very moment; so is who holds a
-- refresh token from a session that ran out so long ago that its row is gone. Who lost the person's consent is not: it was told then.
SELECT DISTINCT g.client_id, c.name, g.session_id, CAST(s.id IS NULL AS boolean) AS gone
FROM grants g
JOIN clients c ON c.id = g.client_id AND c.backchannel_logout_uri <> '' AND c.disabled_at IS NULL
LEFT JOIN sessions s ON s.id = g.session_id
WHERE g.account_id = @account_id AND g.forgotten_at IS NULL
  AND (CAST(sqlc.narg('only') AS uuid) IS NULL OR g.session_id = sqlc.narg('only'))
  AND (CAST(sqlc.narg('keep') AS uuid) IS NULL OR g.session_id <> sqlc.narg('keep'))
  AND (CAST(sqlc.narg('client') AS text) IS NULL OR g.client_id = sqlc.narg('client'))
  AND (g.redemption_id IS NOT NULL OR g.redeemed_at IS NULL AND g.code_expires_at > @now)
  AND (s.id IS NOT NULL AND s.ended_at IS NULL
    OR s.id IS NULL AND g.revoked_at IS NULL AND EXISTS (
      SELECT 1 FROM token_sets t
      WHERE t.grant_id = g.id AND t.refresh_hash IS NOT NULL AND t.refresh_used_at IS NULL AND t.refresh_expires_at > @now))
ORDER BY g.client_id, g.session_id;

-- name: ListSessionGrantees :many
-- The clients that had tokens from a session, or may redeem a code of it in this very moment.
SELECT DISTINCT g.client_id FROM grants g
WHERE g.session_id = @session_id AND g.forgotten_at IS NULL
  AND (g.redemption_id IS NOT NULL OR g.redeemed_at IS NULL AND g.code_expires_at > @now)
ORDER BY g.client_id;

-- name: ListSessions :many
SELECT * FROM sessions
WHERE account_id = @account_id AND ended_at IS NULL AND expires_at > @now AND seen_at > @idle_since AND credential_epoch = @credential_epoch
ORDER BY seen_at DESC, id DESC;

-- name: SweepSessions :execrows
-- The row of an ended session stays as long as a grant it did not revoke: the grant is dead by it.
DELETE FROM sessions WHERE id IN (
    SELECT s.id FROM sessions s
    WHERE s.expires_at < @before
      AND (s.ended_at IS NULL OR NOT EXISTS (
        SELECT 1 FROM grants g WHERE g.session_id = s.id AND g.revoked_at IS NULL AND g.expires_at > @before))
    ORDER BY s.expires_at LIMIT @batch_size);

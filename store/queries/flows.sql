-- name: InsertFlow :exec
INSERT INTO flows (id, secret_hash, surface_id, client_id, request, return_to, locale, login_hint, required_level, evidence_after,
    all_factors, account_id, credential_epoch, session_id, evidence, created_at, expires_at)
VALUES (@id, @secret_hash, @surface_id, @client_id, @request, @return_to, @locale, @login_hint, @required_level, @evidence_after,
    @all_factors, @account_id, @credential_epoch, @session_id, @evidence, @now, @expires_at);

-- name: GetFlow :one
SELECT * FROM flows WHERE id = @id AND secret_hash = @secret_hash AND expires_at > @now AND finished_at IS NULL;

-- name: GetFlowAccount :one
-- A flow with the account it is bound to, as long as the account's credentials are still those it was bound with and the
-- session it would step up has not ended.
SELECT sqlc.embed(f), sqlc.embed(a), sqlc.embed(s)
FROM flows f
JOIN accounts a ON a.id = f.account_id AND a.credential_epoch = f.credential_epoch AND a.disabled_at IS NULL
JOIN surfaces s ON s.id = f.surface_id
WHERE f.id = @id AND f.secret_hash = @secret_hash AND f.expires_at > @now AND f.finished_at IS NULL
  AND (f.session_id IS NULL OR EXISTS (
    SELECT 1 FROM sessions x WHERE x.id = f.session_id AND x.ended_at IS NULL AND x.expires_at > @now));

-- name: BindFlowAccount :execrows
-- The password was right: the flow gets its account and a new secret, and the former secret is worthless from here on.
UPDATE flows SET account_id = @account_id, credential_epoch = @credential_epoch, evidence = @evidence,
    secret_hash = @new_secret_hash, session_id = sqlc.narg('session_id'), backup_batch_id = sqlc.narg('backup_batch_id'), postponed = false,
    consented_scope = ''
WHERE id = @id AND secret_hash = @secret_hash AND expires_at > @now AND finished_at IS NULL;

-- name: SetFlowEvidence :execrows
-- One more proof: the flow gets a new secret with it, so that of two parallel proofs one is told to look again. Setting up a
-- factor raises the account's epoch; new_epoch carries the flow over.
UPDATE flows SET evidence = @evidence, secret_hash = @new_secret_hash, credential_epoch = @new_epoch,
    backup_batch_id = sqlc.narg('backup_batch_id')
WHERE id = @id AND secret_hash = @secret_hash AND expires_at > @now AND finished_at IS NULL
  AND account_id = @account_id AND credential_epoch = @credential_epoch;

-- name: ReleaseFlowAccount :execrows
-- Another person wants to sign in: everything proved so far is dropped.
UPDATE flows SET secret_hash = @new_secret_hash, account_id = NULL, credential_epoch = NULL, session_id = NULL, evidence = '[]', login_hint = '', backup_batch_id = NULL, postponed = false,
    consented_scope = ''
WHERE id = @id AND secret_hash = @secret_hash AND expires_at > @now AND finished_at IS NULL;

-- name: FinishFlow :one
-- One flow ends in one session and one code, whatever is pressed twice.
UPDATE flows SET finished_at = @now
WHERE id = @id AND secret_hash = @secret_hash AND expires_at > @now AND finished_at IS NULL
RETURNING *;

-- name: EndAccountFlows :execrows
UPDATE flows SET finished_at = @now WHERE account_id = @account_id AND finished_at IS NULL;

-- name: EndOtherAccountFlows :execrows
UPDATE flows SET finished_at = @now WHERE account_id = @account_id AND finished_at IS NULL AND id <> @keep;

-- name: EndSessionFlows :execrows
-- A sign-in that steps up a session ends with the session.
UPDATE flows SET finished_at = @now WHERE session_id = @session_id AND finished_at IS NULL;

-- name: SweepFlows :execrows
DELETE FROM flows WHERE id IN (SELECT f.id FROM flows f WHERE f.expires_at < @before ORDER BY f.expires_at LIMIT @batch_size);

-- name: SweepChallenges :execrows
DELETE FROM challenges WHERE id IN (SELECT c.id FROM challenges c WHERE c.expires_at < @before ORDER BY c.expires_at LIMIT @batch_size);

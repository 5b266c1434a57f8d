-- A run puts the keyset's newest key under every sealed column. A sealed value begins with five bytes that name its key.

-- name: InsertReseal :execrows
-- Only while none is under way. Callers hold LockKeyset.
INSERT INTO reseals (id, state, state_at, part, position, found, resealed, unreadable, requested_at)
SELECT CAST(@id AS uuid), 'requested', CAST(@now AS timestamptz), '', '', 0, 0, 0, CAST(@now AS timestamptz)
WHERE NOT EXISTS (SELECT 1 FROM reseals r WHERE r.finished_at IS NULL);

-- name: GetNewestReseal :one
SELECT * FROM reseals ORDER BY requested_at DESC, id DESC LIMIT 1;

-- name: UpdateReseal :execrows
UPDATE reseals
SET state = @state, state_at = @state_at, part = @part, position = @position, found = @found, resealed = @resealed,
    unreadable = @unreadable, finished_at = @finished_at
WHERE id = @id AND finished_at IS NULL;

-- name: ListStaleSigningKeys :many
SELECT id, private_sealed FROM signing_keys
WHERE id > CAST(@after AS text) AND substr(private_sealed, 1, 5) <> CAST(@prefix AS bytea)
ORDER BY id LIMIT @page_size;

-- name: ResealSigningKeys :execrows
UPDATE signing_keys SET private_sealed = @fresh WHERE id = @id AND private_sealed = @stale;

-- name: ListStaleAuditKeys :many
SELECT id, private_sealed FROM audit_keys
WHERE id > CAST(@after AS text) AND substr(private_sealed, 1, 5) <> CAST(@prefix AS bytea)
ORDER BY id LIMIT @page_size;

-- name: ResealAuditKeys :execrows
UPDATE audit_keys SET private_sealed = @fresh WHERE id = @id AND private_sealed = @stale;

-- name: ListStaleFactors :many
SELECT id, account_id, secret_sealed FROM factors
WHERE id > CAST(@after AS uuid) AND substr(secret_sealed, 1, 5) <> CAST(@prefix AS bytea)
ORDER BY id LIMIT @page_size;

-- name: ResealFactors :execrows
UPDATE factors SET secret_sealed = @fresh WHERE id = @id AND secret_sealed = @stale;

-- name: ListStaleBackupBatches :many
SELECT id, account_id, codes_sealed FROM backup_batches
WHERE id > CAST(@after AS uuid) AND substr(codes_sealed, 1, 5) <> CAST(@prefix AS bytea)
ORDER BY id LIMIT @page_size;

-- name: ResealBackupBatches :execrows
UPDATE backup_batches SET codes_sealed = @fresh WHERE id = @id AND codes_sealed = @stale;

-- name: ListStaleCeremonies :many
SELECT id, account_id, data_sealed FROM ceremonies
WHERE id > CAST(@after AS uuid) AND substr(data_sealed, 1, 5) <> CAST(@prefix AS bytea)
ORDER BY id LIMIT @page_size;

-- name: ResealCeremonies :execrows
UPDATE ceremonies SET data_sealed = @fresh WHERE id = @id AND data_sealed = @stale;

-- name: ListStaleReenrolTickets :many
SELECT id, account_id, code_sealed FROM reenrol_tickets
WHERE id > CAST(@after AS uuid) AND substr(code_sealed, 1, 5) <> CAST(@prefix AS bytea)
ORDER BY id LIMIT @page_size;

-- name: ResealReenrolTickets :execrows
UPDATE reenrol_tickets SET code_sealed = @fresh WHERE id = @id AND code_sealed = @stale;

-- name: ListStaleMessages :many
SELECT id, account_id, payload_sealed FROM outbox
WHERE id > CAST(@after AS uuid) AND substr(payload_sealed, 1, 5) <> CAST(@prefix AS bytea)
ORDER BY id LIMIT @page_size;

-- name: ResealMessages :execrows
UPDATE outbox SET payload_sealed = @fresh WHERE id = @id AND payload_sealed = @stale;

-- name: ListStaleAPIAnswers :many
SELECT actor, key, claim_id, answer_sealed FROM api_requests
WHERE (actor, key) > (CAST(@after_actor AS text), CAST(@after_key AS text)) AND substr(answer_sealed, 1, 5) <> CAST(@prefix AS bytea)
ORDER BY actor, key LIMIT @page_size;

-- name: ResealAPIAnswers :execrows
UPDATE api_requests SET answer_sealed = @fresh WHERE actor = @actor AND key = @key AND answer_sealed = @stale;

-- name: ListStaleImportChunks :many
SELECT job_id, number, data_sealed FROM import_chunks
WHERE (job_id, number) > (CAST(@after_job AS uuid), CAST(@after_number AS bigint)) AND substr(data_sealed, 1, 5) <> CAST(@prefix AS bytea)
ORDER BY job_id, number LIMIT @page_size;

-- name: ResealImportChunks :execrows
UPDATE import_chunks SET data_sealed = @fresh WHERE job_id = @job_id AND number = @number AND data_sealed = @stale;

-- name: ListStaleSalts :many
SELECT name, value_sealed FROM salts
WHERE name > CAST(@after AS text) AND substr(value_sealed, 1, 5) <> CAST(@prefix AS bytea)
ORDER BY name LIMIT @page_size;

-- name: ResealSalts :execrows
UPDATE salts SET value_sealed = @fresh WHERE name = @name AND value_sealed = @stale;

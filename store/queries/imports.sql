-- name: GetImportTarget :one
-- The account of a login ID with what the last import said of it; without one, row_digest is null.
SELECT sqlc.embed(a), i.external_id, i.row_digest, i.hash_digest
FROM accounts a LEFT JOIN account_imports i ON i.account_id = a.id
WHERE a.kind = @kind AND a.login_key = @login_key;

-- name: InsertImportedAccount :exec
INSERT INTO accounts (id, kind, login_id, login_key, display_name, search_key, role, user_group_id,
    password_hash, registered_email, two_factor, credential_epoch, disabled_at, created_at, updated_at)
VALUES (@id, @kind, @login_id, @login_key, @display_name, @search_key, @role, @user_group_id,
    @password_hash, @registered_email, @two_factor, 1, sqlc.narg('disabled_at'), @now, @now);

-- name: SetAccountGroup :execrows
UPDATE accounts SET user_group_id = @user_group_id, updated_at = @now WHERE id = @id;

-- name: SetImportedPassword :execrows
-- A hash of another system takes the place of another of it, never of one that was chosen here.
UPDATE accounts SET password_hash = @password_hash, updated_at = @now WHERE id = @id AND password_changed_at IS NULL;

-- name: UpsertAccountImport :exec
INSERT INTO account_imports (account_id, external_id, row_digest, hash_digest, job_id, imported_at)
VALUES (@account_id, @external_id, @row_digest, @hash_digest, @job_id, @now)
ON CONFLICT (account_id) DO UPDATE
SET external_id = excluded.external_id, row_digest = excluded.row_digest, hash_digest = excluded.hash_digest,
    job_id = excluded.job_id, imported_at = excluded.imported_at;

-- name: GetCustomerByCode :one
SELECT * FROM customers WHERE code = @code;

-- name: GetUserGroupByName :one
SELECT * FROM user_groups WHERE customer_id = @customer_id AND name = @name;

-- name: UpsertImportedFactor :exec
-- A factor that another system proved. Its row keeps its id, and what was counted against the former one is over.
INSERT INTO factors (id, account_id, kind, address, main, position, failures, secret_sealed, verified_at, created_at, imported_at)
VALUES (@id, @account_id, @kind, @address, @main, @position, 0, @secret_sealed, @verified_at, @now, CAST(@now AS timestamptz))
ON CONFLICT (account_id, kind) DO UPDATE
SET address = excluded.address, position = excluded.position, main = excluded.main, failures = 0, disabled_at = NULL,
    secret_sealed = excluded.secret_sealed, verified_at = excluded.verified_at, imported_at = excluded.imported_at;

-- name: InsertImportedBatch :exec
INSERT INTO backup_batches (id, account_id, created_at, imported_at) VALUES (@id, @account_id, @now, CAST(@now AS timestamptz));

-- name: ListBackupCodes :many
SELECT * FROM backup_codes WHERE batch_id = @batch_id ORDER BY selector;

-- name: InsertImportJob :exec
INSERT INTO import_jobs (id, file_hash, file_name, options, state, reason, actor_id, rows_total, rows_done,
    created, updated, unchanged, refused, started_at, touched_at)
VALUES (@id, @file_hash, @file_name, @options, @state, '', @actor_id, @rows_total, 0, 0, 0, 0, 0, @now, @now);

-- name: GetImportJob :one
SELECT * FROM import_jobs WHERE id = @id;

-- name: GetOpenImportJob :one
-- The run of a file that was begun and not ended.
SELECT * FROM import_jobs WHERE file_hash = @file_hash AND options = @options AND actor_id = @actor_id AND state = 'running'
ORDER BY started_at DESC, id DESC LIMIT 1;

-- name: AdvanceImportJob :execrows
-- Guarded by how far the run had come, so that of two who work on it only one goes on.
UPDATE import_jobs SET rows_done = @rows_done, created = @created, updated = @updated, unchanged = @unchanged, refused = @refused,
    touched_at = @now
WHERE id = @id AND state = 'running' AND rows_done = @former;

-- name: EndImportJob :execrows
UPDATE import_jobs SET state = @state, reason = @reason, touched_at = @now, finished_at = @now WHERE id = @id AND state = @former;

-- name: ListExportAccounts :many
-- One page of accounts of a kind in the order of their login keys, with where they belong.
SELECT sqlc.embed(a), g.name AS user_group, c.code AS customer_code, c.name AS customer_name, i.external_id
FROM accounts a
LEFT JOIN user_groups g ON g.id = a.user_group_id
LEFT JOIN customers c ON c.id = g.customer_id
LEFT JOIN account_imports i ON i.account_id = a.id
WHERE a.kind = @kind AND a.login_key > @after_key
ORDER BY a.login_key
LIMIT @page_size;

-- name: ListExportFactors :many
-- The factors of such a page, in the same order.
SELECT f.* FROM factors f JOIN accounts a ON a.id = f.account_id
WHERE a.kind = @kind AND a.login_key > @after_key AND a.login_key <= @last_key
ORDER BY a.login_key, f.main DESC, f.position, f.created_at, f.id;

-- name: ListExportCodes :many
-- The backup codes of such a page that are still usable, in the same order.
SELECT b.account_id, c.selector, c.code_hash
FROM backup_codes c
JOIN backup_batches b ON b.id = c.batch_id AND b.voided_at IS NULL
JOIN accounts a ON a.id = b.account_id
WHERE a.kind = @kind AND a.login_key > @after_key AND a.login_key <= @last_key AND c.used_at IS NULL
ORDER BY a.login_key, c.selector;

-- name: InsertImportChunk :exec
INSERT INTO import_chunks (job_id, number, data_sealed) VALUES (@job_id, @number, @data_sealed);

-- name: GetImportChunk :one
SELECT data_sealed FROM import_chunks WHERE job_id = @job_id AND number = @number;

-- name: DeleteImportChunks :execrows
DELETE FROM import_chunks WHERE job_id = @job_id;

-- name: FinishImportUpload :execrows
UPDATE import_jobs SET state = 'uploaded', file_hash = @file_hash, touched_at = @now WHERE id = @id AND state = 'uploading';

-- name: FinishImportCheck :execrows
-- What a dry run found of a file that was uploaded.
UPDATE import_jobs SET state = 'checked', rows_total = @rows_total, rows_done = @rows_total, created = @created, updated = @updated,
    unchanged = @unchanged, refused = @refused, touched_at = @now
WHERE id = @id AND state = 'uploaded';

-- name: StartImportJob :execrows
-- Of two who confirm, one starts it.
UPDATE import_jobs SET state = 'running', actor_id = @actor_id, rows_done = 0, created = 0, updated = 0, unchanged = 0, refused = 0,
    touched_at = @now
WHERE id = @id AND state = 'checked';

-- name: RecheckImportJob :execrows
-- Somebody else is to start it: it is checked by what they may do first.
UPDATE import_jobs SET state = 'uploaded', actor_id = @actor_id, rows_done = 0, created = 0, updated = 0, unchanged = 0, refused = 0,
    touched_at = @now
WHERE id = @id AND state = 'checked';

-- name: ListImportWork :many
-- Runs of the console that nobody works on.
SELECT * FROM import_jobs
WHERE state IN ('uploaded', 'running') AND actor_id <> '' AND touched_at <= @before
ORDER BY started_at, id LIMIT 10;

-- name: ClaimImportJob :execrows
UPDATE import_jobs SET touched_at = @now WHERE id = @id AND state = @state AND touched_at = @former;

-- name: TouchImportJob :exec
UPDATE import_jobs SET touched_at = @now WHERE id = @id;

-- name: ExpireImportJobs :execrows
-- Files that were uploaded and then left.
UPDATE import_jobs SET state = 'stopped', reason = @reason, finished_at = @now, touched_at = @now
WHERE state IN ('uploading', 'uploaded', 'checked') AND started_at < @before;

-- name: SweepImportChunks :execrows
DELETE FROM import_chunks WHERE job_id IN (SELECT j.id FROM import_jobs j WHERE j.state IN ('done', 'stopped'));

-- name: UpsertImportFinding :exec
INSERT INTO import_findings (job_id, number, line, field, refused, reason, detail, value_class)
VALUES (@job_id, @number, @line, @field, @refused, @reason, @detail, @value_class)
ON CONFLICT (job_id, number) DO UPDATE SET reason = excluded.reason;

-- name: ListImportFindings :many
SELECT * FROM import_findings WHERE job_id = @job_id AND number > @after ORDER BY number LIMIT @page_size;

-- name: CountImportFindings :one
SELECT count(*) FROM import_findings WHERE job_id = @job_id;

-- name: DeleteImportFindings :execrows
DELETE FROM import_findings WHERE job_id = @job_id;

-- name: ListFactors :many
SELECT * FROM factors WHERE account_id = @account_id ORDER BY main DESC, position, created_at, id;

-- name: GetFactor :one
SELECT * FROM factors WHERE id = @id AND account_id = @account_id;

-- name: GetFactorByKind :one
SELECT * FROM factors WHERE account_id = @account_id AND kind = @kind;

-- name: InsertFirstFactor :execrows
-- Set-up inside a sign-in is possible only while the account has no factor; the statement itself checks.
INSERT INTO factors (id, account_id, kind, address, main, position, failures, secret_sealed, totp_step, verified_at, last_used_at, created_at)
SELECT CAST(@id AS uuid), a.id, CAST(@kind AS text), CAST(@address AS text), true, 0, 0,
    CAST(sqlc.narg('secret_sealed') AS bytea), CAST(sqlc.narg('totp_step') AS bigint),
    CAST(@now AS timestamptz), CAST(@now AS timestamptz), CAST(@now AS timestamptz)
FROM accounts a
WHERE a.id = @account_id AND a.credential_epoch = @credential_epoch AND a.disabled_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM factors f WHERE f.account_id = a.id);

-- name: UpsertFactor :one
-- Set-up or change by a person who has just proved everything they have.
INSERT INTO factors (id, account_id, kind, address, main, position, failures, secret_sealed, totp_step, verified_at, created_at)
VALUES (@id, @account_id, @kind, @address, @main, @position, 0, @secret_sealed, @totp_step, @now, @now)
ON CONFLICT (account_id, kind) DO UPDATE
SET address = excluded.address, failures = 0, disabled_at = NULL, secret_sealed = excluded.secret_sealed,
    totp_step = excluded.totp_step, verified_at = excluded.verified_at, imported_at = NULL, bounced_at = NULL, soft_bounces = 0
RETURNING *;

-- name: RecordFactorFailure :one
-- Counts a wrong code and disables the factor at the ceiling.
UPDATE factors SET failures = failures + 1,
    disabled_at = CASE WHEN failures + 1 >= @ceiling AND disabled_at IS NULL THEN CAST(@now AS timestamptz) ELSE disabled_at END
WHERE id = @id
RETURNING failures, disabled_at;

-- name: RecordFactorSuccess :execrows
-- A disabled factor stays disabled: the winner of a race must not revive it. A code that was read did arrive.
UPDATE factors SET failures = 0, last_used_at = @now, bounced_at = NULL, soft_bounces = 0 WHERE id = @id AND disabled_at IS NULL;

-- name: UseTOTPStep :execrows
-- A code of an authenticator app: its time step is accepted once, and none before it is again. Of many tries one succeeds.
UPDATE factors SET totp_step = @step, failures = 0, last_used_at = @now
WHERE id = @id AND disabled_at IS NULL AND (totp_step IS NULL OR totp_step < CAST(@step AS bigint));

-- name: ClearMainFactor :exec
UPDATE factors SET main = false WHERE account_id = @account_id AND main;

-- name: SetMainFactor :execrows
UPDATE factors SET main = true WHERE id = @id AND account_id = @account_id;

-- name: SetFactorPosition :execrows
UPDATE factors SET position = @position WHERE id = @id AND account_id = @account_id;

-- name: DeleteFactor :execrows
DELETE FROM factors WHERE id = @id AND account_id = @account_id;

-- name: ListPasskeys :many
SELECT * FROM passkeys WHERE account_id = @account_id ORDER BY created_at, id;

-- name: GetPasskey :one
SELECT * FROM passkeys WHERE id = @id AND account_id = @account_id;

-- name: GetPasskeyByCredential :one
SELECT * FROM passkeys WHERE credential_id = @credential_id;

-- name: InsertPasskey :exec
INSERT INTO passkeys (id, account_id, factor_id, credential_id, record, sign_count, name, created_at, last_used_at)
VALUES (@id, @account_id, @factor_id, @credential_id, @record, @sign_count, @name, @now, @last_used_at);

-- name: UsePasskey :execrows
-- Guarded by the counter it was judged with, so that of two answers with one counter value the second is refused.
UPDATE passkeys SET record = @record, sign_count = @sign_count, last_used_at = @now
WHERE id = @id AND sign_count = @former_count;

-- name: RenamePasskey :execrows
UPDATE passkeys SET name = @name WHERE id = @id AND account_id = @account_id;

-- name: DeletePasskey :execrows
DELETE FROM passkeys WHERE id = @id AND account_id = @account_id;

-- name: DeletePasskeys :execrows
DELETE FROM passkeys WHERE account_id = @account_id;

-- name: InsertCeremony :exec
INSERT INTO ceremonies (id, kind, purpose, flow_id, session_id, account_id, data_sealed, tries, created_at, expires_at)
VALUES (@id, @kind, @purpose, @flow_id, @session_id, @account_id, @data_sealed, 0, @now, @expires_at);

-- name: GetFlowCeremony :one
-- The newest ceremony of a flow that can still succeed.
SELECT * FROM ceremonies
WHERE flow_id = @flow_id AND kind = @kind AND purpose = @purpose AND expires_at > @now AND tries < @max_tries
ORDER BY created_at DESC, id DESC LIMIT 1;

-- name: GetSessionCeremony :one
SELECT * FROM ceremonies
WHERE session_id = @session_id AND kind = @kind AND purpose = @purpose AND expires_at > @now AND tries < @max_tries
ORDER BY created_at DESC, id DESC LIMIT 1;

-- name: CountCeremonyTry :one
-- Takes one of the tries of a ceremony, before the answer is compared.
UPDATE ceremonies SET tries = tries + 1 WHERE id = @id AND expires_at > @now AND tries < @max_tries
RETURNING *;

-- name: TakeCeremony :one
-- Uses a ceremony up, whatever comes of it: of many answers to one challenge the first is judged.
DELETE FROM ceremonies WHERE id = @id AND expires_at > @now RETURNING *;

-- name: DropFlowCeremonies :exec
DELETE FROM ceremonies WHERE flow_id = @flow_id AND kind = @kind AND purpose = @purpose;

-- name: DropSessionCeremonies :exec
DELETE FROM ceremonies WHERE session_id = @session_id AND kind = @kind AND purpose = @purpose;

-- name: DropAccountCeremonies :exec
DELETE FROM ceremonies WHERE account_id = @account_id;

-- name: SweepCeremonies :execrows
DELETE FROM ceremonies WHERE id IN (SELECT c.id FROM ceremonies c WHERE c.expires_at < @before ORDER BY c.expires_at LIMIT @batch_size);

-- name: DeleteFactors :many
DELETE FROM factors WHERE account_id = @account_id RETURNING *;

-- name: InsertChallenge :exec
INSERT INTO challenges (id, account_id, purpose, flow_id, session_id, factor_id, kind, address, code_mac, tries, created_at, expires_at)
VALUES (@id, @account_id, @purpose, @flow_id, @session_id, @factor_id, @kind, @address, @code_mac, 0, @now, @expires_at);

-- name: GetFlowChallenge :one
-- The newest challenge of a flow by one kind of factor, whatever became of it.
SELECT * FROM challenges WHERE flow_id = @flow_id AND account_id = @account_id AND kind = @kind
ORDER BY created_at DESC, id DESC LIMIT 1;

-- name: GetSessionChallenge :one
SELECT * FROM challenges WHERE session_id = @session_id AND account_id = @account_id AND kind = @kind
ORDER BY created_at DESC, id DESC LIMIT 1;

-- name: CountChallengeTry :one
-- Takes one of the tries of a live challenge, before the code is compared.
UPDATE challenges SET tries = tries + 1
WHERE id = @id AND used_at IS NULL AND voided_at IS NULL AND expires_at > @now AND tries < @max_tries
RETURNING *;

-- name: UseChallenge :execrows
UPDATE challenges SET used_at = @now
WHERE id = @id AND used_at IS NULL AND voided_at IS NULL AND expires_at > @now;

-- name: VoidFlowChallenges :exec
UPDATE challenges SET voided_at = @now WHERE flow_id = @flow_id AND kind = @kind AND used_at IS NULL AND voided_at IS NULL;

-- name: VoidSessionChallenges :exec
UPDATE challenges SET voided_at = @now WHERE session_id = @session_id AND kind = @kind AND used_at IS NULL AND voided_at IS NULL;

-- name: VoidAccountChallenges :execrows
UPDATE challenges SET voided_at = @now WHERE account_id = @account_id AND used_at IS NULL AND voided_at IS NULL;

-- name: InsertBackupBatch :exec
INSERT INTO backup_batches (id, account_id, codes_sealed, created_at)
VALUES (@id, @account_id, @codes_sealed, @now);

-- name: InsertBackupCode :exec
INSERT INTO backup_codes (batch_id, selector, code_hash) VALUES (@batch_id, @selector, @code_hash);

-- name: VoidBackupBatches :execrows
UPDATE backup_batches SET voided_at = @now, codes_sealed = NULL WHERE account_id = @account_id AND voided_at IS NULL;

-- name: GetBackupBatch :one
SELECT * FROM backup_batches WHERE account_id = @account_id AND voided_at IS NULL;

-- name: CountBackupCodes :one
-- How many codes of the current batch are still usable.
SELECT count(*) FROM backup_codes c JOIN backup_batches b ON b.id = c.batch_id
WHERE b.account_id = @account_id AND b.voided_at IS NULL AND c.used_at IS NULL;

-- name: ListUsableCodes :many
-- Of the codes that are still usable, the one with a selector and those of other systems, any of which a try may be.
SELECT c.batch_id, c.selector, c.code_hash FROM backup_codes c JOIN backup_batches b ON b.id = c.batch_id
WHERE b.account_id = @account_id AND b.voided_at IS NULL AND c.used_at IS NULL AND (c.selector = @selector OR c.selector LIKE '#%')
ORDER BY c.selector;

-- name: UseBackupCode :execrows
UPDATE backup_codes SET used_at = @now
WHERE batch_id = @batch_id AND selector = @selector AND used_at IS NULL
  AND EXISTS (SELECT 1 FROM backup_batches b
      WHERE b.id = backup_codes.batch_id AND b.account_id = @account_id AND b.voided_at IS NULL);

-- name: ForgetBackupCodes :execrows
-- The person has saved the codes: from now on nobody can read them.
UPDATE backup_batches SET codes_sealed = NULL WHERE id = @id AND account_id = @account_id AND codes_sealed IS NOT NULL;

-- name: ForgetOldBackupCodes :execrows
UPDATE backup_batches SET codes_sealed = NULL WHERE created_at < @before AND codes_sealed IS NOT NULL;

-- name: ListTrustedDevices :many
-- Those that still count: a device does not outlive the credentials it was trusted under.
SELECT d.* FROM trusted_devices d JOIN accounts a ON a.id = d.account_id AND a.credential_epoch = d.credential_epoch
WHERE d.account_id = @account_id AND d.expires_at > @now ORDER BY d.last_used_at DESC, d.id DESC;

-- name: GetTrustedDevice :one
SELECT d.* FROM trusted_devices d JOIN accounts a ON a.id = d.account_id AND a.credential_epoch = d.credential_epoch
WHERE d.id = @id AND d.account_id = @account_id AND d.expires_at > @now;

-- name: InsertTrustedDevice :exec
INSERT INTO trusted_devices (id, account_id, credential_epoch, name, secret_hash, method, client_address, created_at, last_used_at, expires_at)
VALUES (@id, @account_id, @credential_epoch, @name, @secret_hash, @method, @client_address, @now, @now, @expires_at);

-- name: TrimTrustedDevices :execrows
-- Leaves an account its newest devices.
DELETE FROM trusted_devices WHERE trusted_devices.account_id = @account_id AND trusted_devices.id NOT IN (
    SELECT d.id FROM trusted_devices d WHERE d.account_id = @account_id ORDER BY d.created_at DESC, d.id DESC LIMIT @keep);

-- name: RotateTrustedDevice :execrows
-- One use of a device's secret, which is another from then on. Of many uses of one secret the first succeeds.
UPDATE trusted_devices SET former_hash = secret_hash, secret_hash = @new_hash, rotated_at = @now, last_used_at = @now,
    client_address = @client_address
WHERE id = @id AND account_id = @account_id AND credential_epoch = @credential_epoch AND secret_hash = @secret_hash AND expires_at > @now;

-- name: DeleteTrustedDevice :execrows
DELETE FROM trusted_devices WHERE id = @id AND account_id = @account_id;

-- name: DeleteTrustedDevices :execrows
DELETE FROM trusted_devices WHERE account_id = @account_id;

-- name: SweepTrustedDevices :execrows
DELETE FROM trusted_devices WHERE id IN (
    SELECT d.id FROM trusted_devices d WHERE d.expires_at < @before ORDER BY d.expires_at LIMIT @batch_size);

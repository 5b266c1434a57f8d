-- name: SetExemption :execrows
-- The account does without the second factor until a time. One that is live is not replaced: whoever wants another ends it first.
UPDATE accounts SET exempt_until = CAST(@until AS timestamptz), exempt_since = CAST(@now AS timestamptz),
    exempt_reason = CAST(@reason AS text), exempt_by = CAST(@granted_by AS text)
WHERE id = @id AND (exempt_until IS NULL OR exempt_until <= CAST(@now AS timestamptz));

-- name: EndExemption :execrows
UPDATE accounts SET exempt_until = NULL, exempt_since = NULL, exempt_reason = NULL, exempt_by = NULL
WHERE id = @id AND exempt_until > CAST(@now AS timestamptz);

-- name: CountExemptions :one
-- The live ones, without those of accounts of one kind. No more than a ceiling are counted.
SELECT count(*) FROM (
    SELECT a.id FROM accounts a
    WHERE a.exempt_until > CAST(@now AS timestamptz) AND a.kind <> CAST(@hidden_kind AS text)
    LIMIT @ceiling) x;

-- name: ListExemptions :many
-- The live ones, the first to end first, after one of them.
SELECT sqlc.embed(a), c.name AS customer
FROM accounts a
LEFT JOIN user_groups g ON g.id = a.user_group_id
LEFT JOIN customers c ON c.id = g.customer_id
WHERE a.exempt_until > CAST(@now AS timestamptz) AND a.exempt_until >= CAST(@after_until AS timestamptz)
  AND (a.exempt_until > CAST(@after_until AS timestamptz) OR a.id > @after_id)
  AND a.kind <> CAST(@hidden_kind AS text)
ORDER BY a.exempt_until, a.id
LIMIT @page_size;

-- name: ListExemptionsAfter :many
-- The live ones after one of them, the first to end first.
SELECT * FROM accounts
WHERE exempt_until > CAST(@now AS timestamptz) AND kind <> CAST(@hidden_kind AS text)
    AND (exempt_until > CAST(@after AS timestamptz) OR exempt_until = CAST(@after AS timestamptz) AND id > @after_id)
ORDER BY exempt_until, id
LIMIT @page_size;

-- name: ListFrozenAfter :many
-- The accounts whose security settings are frozen, after one of them, the first to thaw first.
SELECT * FROM accounts
WHERE frozen_until > CAST(@now AS timestamptz) AND kind <> CAST(@hidden_kind AS text)
    AND (frozen_until > CAST(@after AS timestamptz) OR frozen_until = CAST(@after AS timestamptz) AND id > @after_id)
ORDER BY frozen_until, id
LIMIT @page_size;

-- name: InsertPass :exec
INSERT INTO passes (id, account_id, credential_epoch, code_mac, issued_by, tries, created_at, expires_at)
VALUES (@id, @account_id, @credential_epoch, @code_mac, @issued_by, 0, @now, @expires_at);

-- name: VoidPasses :execrows
-- Only the newest pass of an account opens anything, or none any more.
UPDATE passes SET voided_at = CAST(@now AS timestamptz) WHERE account_id = @account_id AND used_at IS NULL AND voided_at IS NULL;

-- name: TakePassTry :one
-- Counts a try at the account's pass, before it is compared; the last one that is allowed voids it with the same stroke, unless it is
-- right and used in the same transaction. The row stays locked until that ends, so that tries are judged one after another.
UPDATE passes SET tries = tries + 1,
    voided_at = CASE WHEN tries + 1 >= CAST(@max_tries AS bigint) THEN CAST(@now AS timestamptz) ELSE voided_at END
WHERE account_id = @account_id AND used_at IS NULL AND voided_at IS NULL AND expires_at > CAST(@now AS timestamptz)
  AND EXISTS (SELECT 1 FROM accounts a WHERE a.id = passes.account_id AND a.credential_epoch = passes.credential_epoch AND a.disabled_at IS NULL)
RETURNING *;

-- name: UsePass :execrows
UPDATE passes SET used_at = CAST(@now AS timestamptz), voided_at = NULL WHERE id = @id AND used_at IS NULL;

-- name: GetOpenPass :one
-- The account's pass, while it opens anything.
SELECT p.* FROM passes p JOIN accounts a ON a.id = p.account_id AND a.credential_epoch = p.credential_epoch AND a.disabled_at IS NULL
WHERE p.account_id = @account_id AND p.used_at IS NULL AND p.voided_at IS NULL AND p.expires_at > CAST(@now AS timestamptz);

-- name: SweepPasses :execrows
DELETE FROM passes WHERE id IN (SELECT p.id FROM passes p WHERE p.expires_at < @before ORDER BY p.expires_at LIMIT @batch_size);

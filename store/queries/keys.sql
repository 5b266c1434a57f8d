-- name: InsertSigningKey :execrows
INSERT INTO signing_keys (id, alg, public_jwk, private_sealed, created_at, signs_from)
VALUES (@id, @alg, @public_jwk, @private_sealed, @now, @signs_from)
ON CONFLICT (id) DO NOTHING;

-- name: LockKeyset :execrows
-- Makes servers that change keys at the same time take turns: the row stays locked until the transaction ends.
UPDATE keysets SET wrapped = wrapped WHERE name = @name;

-- name: InsertFirstSigningKey :execrows
-- Only while the algorithm has no key that can sign. Callers hold LockKeyset, so that of several servers that start on an empty
-- database one makes the keys.
INSERT INTO signing_keys (id, alg, public_jwk, private_sealed, created_at, signs_from)
SELECT CAST(@id AS text), CAST(@alg AS text), CAST(@public_jwk AS jsonb), CAST(@private_sealed AS bytea),
    CAST(@now AS timestamptz), CAST(@now AS timestamptz)
WHERE NOT EXISTS (SELECT 1 FROM signing_keys k WHERE k.alg = @alg AND k.retired_at IS NULL);

-- name: ListSigningKeys :many
-- Those that are published. A revoked one is not, whatever the clock of a server says.
SELECT * FROM signing_keys
WHERE revoked_at IS NULL AND (published_until IS NULL OR published_until > @now)
ORDER BY alg, signs_from, id;

-- name: ListNewestSigningKeys :many
-- Those that are no more included.
SELECT * FROM signing_keys ORDER BY created_at DESC, id LIMIT @page_size;

-- name: GetSigningKey :one
SELECT * FROM signing_keys WHERE id = @id;

-- name: PlanSigningKey :execrows
-- When a key takes over, as the schedule has it; an operator's decision stands.
UPDATE signing_keys SET signs_from = @signs_from WHERE id = @id AND retired_at IS NULL AND asked_at IS NULL;

-- name: AskForSigningKey :execrows
UPDATE signing_keys SET signs_from = @signs_from, asked_at = @now WHERE id = @id AND retired_at IS NULL;

-- name: RetireSigningKey :execrows
-- The key signs no more; it stays published for as long as a token it signed may live.
UPDATE signing_keys SET retired_at = @now, published_until = @published_until, private_sealed = NULL
WHERE id = @id AND retired_at IS NULL;

-- name: RevokeSigningKey :execrows
-- The key neither signs nor is published from now on.
UPDATE signing_keys SET retired_at = COALESCE(retired_at, @now), revoked_at = @now, published_until = @now, private_sealed = NULL
WHERE id = @id AND revoked_at IS NULL AND (published_until IS NULL OR published_until > @now);

-- name: InsertKeyset :execrows
INSERT INTO keysets (name, wrapped, created_at) VALUES (@name, @wrapped, @now) ON CONFLICT (name) DO NOTHING;

-- name: GetKeyset :one
SELECT * FROM keysets WHERE name = @name;

-- name: ChangeKeyset :execrows
UPDATE keysets SET wrapped = @wrapped WHERE name = @name AND wrapped = @former;

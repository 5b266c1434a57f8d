-- name: InsertClient :exec
INSERT INTO clients (id, name, surface_id, auth_method, secret_hash, redirect_uris, post_logout_redirect_uris, grant_types, scopes,
    id_token_alg, require_pkce, backchannel_logout_uri, created_at, updated_at)
VALUES (@id, @name, @surface_id, @auth_method, @secret_hash, @redirect_uris, @post_logout_redirect_uris, @grant_types, @scopes,
    @id_token_alg, @require_pkce, @backchannel_logout_uri, @now, @now);

-- name: PutClient :exec
-- Registers a client or replaces its whole registration; a disabled one stays disabled.
INSERT INTO clients (id, name, surface_id, auth_method, secret_hash, redirect_uris, post_logout_redirect_uris, grant_types, scopes,
    id_token_alg, require_pkce, backchannel_logout_uri, created_at, updated_at)
VALUES (@id, @name, @surface_id, @auth_method, @secret_hash, @redirect_uris, @post_logout_redirect_uris, @grant_types, @scopes,
    @id_token_alg, @require_pkce, @backchannel_logout_uri, @now, @now)
ON CONFLICT (id) DO UPDATE
SET name = excluded.name, surface_id = excluded.surface_id, auth_method = excluded.auth_method, secret_hash = excluded.secret_hash,
    redirect_uris = excluded.redirect_uris, post_logout_redirect_uris = excluded.post_logout_redirect_uris,
    grant_types = excluded.grant_types, scopes = excluded.scopes, id_token_alg = excluded.id_token_alg,
    require_pkce = excluded.require_pkce, backchannel_logout_uri = excluded.backchannel_logout_uri, updated_at = excluded.updated_at;

-- name: ListClients :many
SELECT * FROM clients ORDER BY id;

-- name: GetClient :one
SELECT * FROM clients WHERE id = @id;

-- name: InsertSigningKey :execrows
INSERT INTO signing_keys (id, alg, public_jwk, private_sealed, created_at, signs_from)
VALUES (@id, @alg, @public_jwk, @private_sealed, @now, @signs_from)
ON CONFLICT (id) DO NOTHING;

-- name: LockKeyset :execrows
-- Makes servers that start at the same time take turns: the row stays locked until the transaction ends.
UPDATE keysets SET wrapped = wrapped WHERE name = @name;

-- name: InsertFirstSigningKey :execrows
-- Only while the algorithm has no key. Callers hold LockKeyset, so that of several servers that start on an empty database one
-- makes the keys.
INSERT INTO signing_keys (id, alg, public_jwk, private_sealed, created_at, signs_from)
SELECT CAST(@id AS text), CAST(@alg AS text), CAST(@public_jwk AS jsonb), CAST(@private_sealed AS bytea),
    CAST(@now AS timestamptz), CAST(@now AS timestamptz)
WHERE NOT EXISTS (SELECT 1 FROM signing_keys k WHERE k.alg = @alg);

-- name: ListSigningKeys :many
SELECT * FROM signing_keys
WHERE published_until IS NULL OR published_until > @now
ORDER BY alg, signs_from, id;

-- name: RetireSigningKey :execrows
-- The key signs no more; it stays published for as long as a token it signed may live.
UPDATE signing_keys SET retired_at = @now, published_until = @published_until, private_sealed = NULL
WHERE id = @id AND retired_at IS NULL;

-- name: InsertKeyset :execrows
INSERT INTO keysets (name, wrapped, created_at) VALUES (@name, @wrapped, @now) ON CONFLICT (name) DO NOTHING;

-- name: GetKeyset :one
SELECT * FROM keysets WHERE name = @name;

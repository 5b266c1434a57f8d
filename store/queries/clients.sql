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

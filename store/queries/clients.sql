-- name: InsertClient :exec
INSERT INTO clients (id, name, surface_id, auth_method, secret_hash, redirect_uris, post_logout_redirect_uris, grant_types, scopes,
    id_token_alg, require_pkce, backchannel_logout_uri, settings, created_at, updated_at)
VALUES (@id, @name, @surface_id, @auth_method, @secret_hash, @redirect_uris, @post_logout_redirect_uris, @grant_types, @scopes,
    @id_token_alg, @require_pkce, @backchannel_logout_uri, @settings, @now, @now);

-- name: PutClient :exec
-- Registers a client or replaces its whole registration; a disabled one stays disabled.
INSERT INTO clients (id, name, surface_id, auth_method, secret_hash, redirect_uris, post_logout_redirect_uris, grant_types, scopes,
    id_token_alg, require_pkce, backchannel_logout_uri, settings, created_at, updated_at)
VALUES (@id, @name, @surface_id, @auth_method, @secret_hash, @redirect_uris, @post_logout_redirect_uris, @grant_types, @scopes,
    @id_token_alg, @require_pkce, @backchannel_logout_uri, @settings, @now, @now)
ON CONFLICT (id) DO UPDATE
SET name = excluded.name, surface_id = excluded.surface_id, auth_method = excluded.auth_method, secret_hash = excluded.secret_hash,
    redirect_uris = excluded.redirect_uris, post_logout_redirect_uris = excluded.post_logout_redirect_uris,
    grant_types = excluded.grant_types, scopes = excluded.scopes, id_token_alg = excluded.id_token_alg,
    require_pkce = excluded.require_pkce, backchannel_logout_uri = excluded.backchannel_logout_uri, settings = excluded.settings, updated_at = excluded.updated_at,
    secret_made_at = NULL, former_secret_hash = NULL, former_secret_until = NULL, former_secret_used_at = NULL;

-- name: ListClients :many
SELECT * FROM clients ORDER BY id;

-- name: GetClient :one
SELECT * FROM clients WHERE id = @id;

-- name: HoldClient :one
-- The client as it is and stays until the transaction ends.
UPDATE clients SET updated_at = updated_at WHERE id = @id RETURNING *;

-- name: UpdateClient :execrows
-- Callers hold the client.
UPDATE clients SET name = @name, surface_id = @surface_id, auth_method = @auth_method, secret_hash = @secret_hash,
    former_secret_hash = @former_secret_hash, former_secret_until = @former_secret_until, secret_made_at = @secret_made_at,
    redirect_uris = @redirect_uris, post_logout_redirect_uris = @post_logout_redirect_uris, grant_types = @grant_types, scopes = @scopes,
    id_token_alg = @id_token_alg, require_pkce = @require_pkce, backchannel_logout_uri = @backchannel_logout_uri, settings = @settings, updated_at = @now
WHERE id = @id AND updated_at = @version;

-- name: SetClientSecret :execrows
-- A new secret; what is kept of the former one works until then.
UPDATE clients SET secret_hash = @secret_hash, secret_made_at = @now, former_secret_hash = @former_secret_hash,
    former_secret_until = @former_secret_until, former_secret_used_at = NULL, updated_at = @now
WHERE id = @id AND updated_at = @version;

-- name: EndFormerSecret :execrows
UPDATE clients SET former_secret_hash = NULL, former_secret_until = NULL, former_secret_used_at = NULL, updated_at = @now
WHERE id = @id AND former_secret_hash IS NOT NULL;

-- name: FindFormerSecret :one
-- Whether a former secret still works, which decides, and when it was last used.
SELECT former_secret_used_at FROM clients
WHERE id = @id AND disabled_at IS NULL AND former_secret_hash = @former_secret_hash AND former_secret_until > @now;

-- name: NoteFormerSecret :execrows
-- That a former secret was used. It is no change of the registration, and so no new version.
UPDATE clients SET former_secret_used_at = @now WHERE id = @id AND former_secret_hash = @former_secret_hash;

-- name: SetClientDisabled :execrows
UPDATE clients SET disabled_at = @disabled_at, updated_at = @now WHERE id = @id;

-- name: DeleteClient :execrows
DELETE FROM clients WHERE id = @id;

-- name: CountClientGrants :one
-- What a client holds for people: sign-ins that still count, and whose they are.
SELECT count(*) AS grants, count(DISTINCT account_id) AS accounts FROM grants
WHERE client_id = @client_id AND revoked_at IS NULL AND expires_at > @now;

-- name: RevokeClientGrants :execrows
UPDATE grants SET revoked_at = @now WHERE client_id = @client_id AND revoked_at IS NULL AND expires_at > @now;

-- name: ForgetClientGrants :execrows
-- Whoever gets the id of a client that was deleted knows nobody by what that one had, nor does a client by names that are others now.
UPDATE grants SET forgotten_at = @now WHERE client_id = @client_id AND forgotten_at IS NULL;

-- name: RevokeClientTokens :execrows
-- The tokens that a client got by its secret alone: for itself, and in exchange for others.
UPDATE token_sets SET access_revoked_at = @now
WHERE access_revoked_at IS NULL AND access_expires_at > @now AND id IN (
    SELECT o.id FROM token_sets o WHERE o.client_id = @client_id AND o.grant_id IS NULL
    UNION ALL
    SELECT e.id FROM token_sets e WHERE e.client_id = @client_id AND e.parent_id IS NOT NULL);

-- name: CountClients :one
SELECT count(*) AS clients, count(disabled_at) AS disabled, count(CASE WHEN former_secret_until > @now THEN 1 END) AS rotating FROM clients;

-- name: ListLastGrants :many
-- When somebody last signed in to clients, by those of their grants that are still kept.
SELECT g.client_id, g.created_at FROM clients c
JOIN grants g ON g.client_id = c.id AND g.created_at = (SELECT max(m.created_at) FROM grants m WHERE m.client_id = c.id)
WHERE c.id >= @first_id AND c.id <= @last_id;

-- name: ClaimAPIRequest :one
-- Takes a key that is free, expired, or left by a server that stopped before it acted.
INSERT INTO api_requests (actor, key, request_hash, claim_id, claimed_until, expires_at)
VALUES (@actor, @key, @request_hash, @claim_id, @claimed_until, @expires_at)
ON CONFLICT (actor, key) DO UPDATE SET
    request_hash = excluded.request_hash, claim_id = excluded.claim_id, claimed_until = excluded.claimed_until, expires_at = excluded.expires_at,
    acted_at = NULL, status = 0, answer_sealed = NULL
WHERE api_requests.expires_at <= @now
   OR (api_requests.claimed_until <= @now AND api_requests.acted_at IS NULL AND api_requests.request_hash = excluded.request_hash)
RETURNING *;

-- name: GetAPIRequest :one
SELECT * FROM api_requests WHERE actor = @actor AND key = @key;

-- name: MarkAPIRequest :execrows
-- Part of the act's own transaction: of two that work under one key, one commits. What takes several transactions marks it in each:
-- nobody takes over a key once it is marked.
UPDATE api_requests SET acted_at = @now WHERE actor = @actor AND key = @key AND claim_id = @claim_id;

-- name: AnswerAPIRequest :execrows
UPDATE api_requests SET status = @status, answer_sealed = @answer_sealed
WHERE actor = @actor AND key = @key AND claim_id = @claim_id AND status = 0;

-- name: ReleaseAPIRequest :execrows
-- Nothing was done, so the key can be used again.
DELETE FROM api_requests WHERE actor = @actor AND key = @key AND claim_id = @claim_id AND acted_at IS NULL;

-- name: SweepAPIRequests :execrows
DELETE FROM api_requests WHERE (actor, key) IN (
    SELECT r.actor, r.key FROM api_requests r WHERE r.expires_at < @before ORDER BY r.expires_at LIMIT @batch_size);

-- name: GetClientByToken :one
-- The client that a live access token of its own stands for, with what the token may be used for.
SELECT sqlc.embed(c), t.scope
FROM token_sets t JOIN clients c ON c.id = t.client_id AND c.disabled_at IS NULL
WHERE t.id = @id AND t.grant_id IS NULL AND t.access_revoked_at IS NULL AND t.access_expires_at > @now;

-- name: ListCustomersAfter :many
-- In code order, after one of them. The pattern also matches the accounts of a customer; their addresses, with which their search
-- keys end, are not looked at if masked is not empty.
SELECT * FROM customers c
WHERE c.code > @after_code
  AND (c.search_key LIKE CAST(@pattern AS text) ESCAPE '\' OR EXISTS (
        SELECT 1 FROM accounts a JOIN user_groups g ON g.id = a.user_group_id
        WHERE g.customer_id = c.id AND substr(a.search_key, 1, length(a.search_key) - CASE WHEN CAST(@masked AS text) = '' THEN 0 ELSE length(a.registered_email) END) LIKE CAST(@pattern AS text) ESCAPE '\'))
ORDER BY c.code
LIMIT @page_size;

-- name: ListUserGroupsAfter :many
SELECT * FROM user_groups WHERE customer_id = @customer_id AND id > @after_id ORDER BY id LIMIT @page_size;

-- name: ListAccountsAfter :many
-- The accounts of a kind in the order of their login IDs, after one of them; of one customer, or of one user group, if that is named.
SELECT a.* FROM accounts a LEFT JOIN user_groups g ON g.id = a.user_group_id
WHERE a.kind = @kind AND a.login_key > @after_key
  AND (CAST(@customer_id AS text) = '' OR CAST(g.customer_id AS text) = CAST(@customer_id AS text))
  AND (CAST(@user_group_id AS text) = '' OR CAST(a.user_group_id AS text) = CAST(@user_group_id AS text))
  AND substr(a.search_key, 1, length(a.search_key) - CASE WHEN CAST(@masked AS text) = '' THEN 0 ELSE length(a.registered_email) END) LIKE CAST(@pattern AS text) ESCAPE '\'
ORDER BY a.login_key
LIMIT @page_size;

-- name: ListClientsAfter :many
-- In the order of their ids, after one of them: those whose id or name matches, in a state (active, disabled, or rotating while a
-- former secret still works, or registered by itself); an empty one finds all.
SELECT * FROM clients
WHERE id > @after_id
  AND (CAST(@who AS text) = '' OR lower(id) LIKE CAST(@who AS text) ESCAPE '\' OR lower(name) LIKE CAST(@who AS text) ESCAPE '\')
  AND (CAST(@state AS text) = '' OR CAST(@state AS text) = 'active' AND disabled_at IS NULL
    OR CAST(@state AS text) = 'disabled' AND disabled_at IS NOT NULL OR CAST(@state AS text) = 'rotating' AND former_secret_until > @now
    OR CAST(@state AS text) = 'registered' AND registered_at IS NOT NULL)
ORDER BY id
LIMIT @page_size;

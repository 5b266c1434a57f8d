-- name: ListAccountActivity :many
-- What relying parties got for an account, newest first: each token set, with the one that it was got for in exchange.
SELECT t.id, t.created_at, t.client_id, CAST(COALESCE(c.name, t.client_id) AS text) AS client_name, g.redemption_id, t.scope
FROM grants g JOIN token_sets t ON t.grant_id = g.id LEFT JOIN clients c ON c.id = t.client_id
WHERE g.account_id = @account_id AND t.created_at <= @before_at AND (t.created_at < @before_at OR t.id < @before_id)
ORDER BY t.created_at DESC, t.id DESC
LIMIT @page_size;

-- name: ListAccountMessages :many
-- Messages to an account, newest first.
SELECT id, channel, kind, recipient, state, reply, created_at, finished_at FROM outbox
WHERE account_id = @account_id AND created_at <= @before_at AND (created_at < @before_at OR id < @before_id)
ORDER BY created_at DESC, id DESC
LIMIT @page_size;

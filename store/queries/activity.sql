-- name: ListAccountActivity :many
-- What relying parties got for an account, newest first: each token set, with the one that the sign-in gave. One that was exchanged for
-- another's has an event of its own.
SELECT t.id, t.created_at, t.client_id, CAST(COALESCE(c.name, t.client_id) AS text) AS client_name, g.redemption_id, t.scope
FROM grants g JOIN token_sets t ON t.grant_id = g.id LEFT JOIN clients c ON c.id = t.client_id
WHERE g.account_id = @account_id AND t.parent_id IS NULL AND t.created_at <= @before_at AND (t.created_at < @before_at OR t.id < @before_id)
ORDER BY t.created_at DESC, t.id DESC
LIMIT @page_size;

-- name: ListAccountMessages :many
-- Messages to an account, newest first.
SELECT o.id, o.channel, o.kind, o.recipient, o.state, o.reply, o.created_at, o.finished_at, p.name AS party
FROM outbox o LEFT JOIN clients p ON o.channel = 'push' AND p.id = o.recipient
WHERE o.account_id = @account_id AND o.created_at <= @before_at AND (o.created_at < @before_at OR o.id < @before_id)
ORDER BY o.created_at DESC, o.id DESC
LIMIT @page_size;

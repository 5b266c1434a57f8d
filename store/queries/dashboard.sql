-- name: CountFactorsByKind :many
-- How many accounts of each kind have each method set up, of those that are not disabled. Whoever has any has one main one.
SELECT a.kind AS account_kind, f.kind, count(*) AS accounts, count(f.bounced_at) AS bounced, count(*) FILTER (WHERE f.main) AS mains
FROM factors f JOIN accounts a ON a.id = f.account_id
WHERE a.disabled_at IS NULL
GROUP BY a.kind, f.kind
ORDER BY a.kind, f.kind;

-- name: CountAccountsEnabled :one
SELECT count(*) FROM accounts WHERE kind = @kind AND disabled_at IS NULL;

-- name: CountTroubledMessages :many
-- Messages since some time that were not taken over or came back, by the kind of account they were for.
SELECT CAST(COALESCE(a.kind, '') AS text) AS account_kind, o.state, count(*) AS messages
FROM outbox o LEFT JOIN accounts a ON a.id = o.account_id
WHERE o.state IN ('failed', 'bounced') AND o.created_at >= @since
GROUP BY COALESCE(a.kind, ''), o.state
ORDER BY COALESCE(a.kind, ''), o.state;

-- name: CountEventsOf :one
-- How often something happened in a time: from the index alone.
SELECT count(*) FROM audit_events
WHERE type IN ('signin.complete', 'signin.password', 'signin.factor', '2fa.reset')
  AND type = @type AND result = @result AND actor_kind = @actor_kind AND at >= @since AND at < @until;

-- name: InsertAuditEvent :exec
INSERT INTO audit_events (id, at, type, result, reason, actor_kind, actor_id, actor_name, account_id, target, client_id, client_address, user_agent, request_id, data,
    stream, seq, prev_hash, hash)
VALUES (@id, @at, @type, @result, @reason, @actor_kind, @actor_id, @actor_name, @account_id, @target, @client_id, @client_address, @user_agent, @request_id, @data,
    @stream, @seq, @prev_hash, @hash);

-- name: SearchAuditEvents :many
-- Newest first, a page at a time from a place on, with the login ID of the account concerned. Events that concern an account
-- of the hidden kind are left out; an empty kind hides none.
SELECT sqlc.embed(e), a.login_id
FROM audit_events e LEFT JOIN accounts a ON a.id = e.account_id
WHERE e.at >= @since AND e.at <= @before_at AND (e.at < @before_at OR e.id < @before_id)
  AND (CAST(@type_pattern AS text) = '' OR e.type LIKE CAST(@type_pattern AS text))
  AND (CAST(@result AS text) = '' OR e.result = CAST(@result AS text))
  AND (CAST(@actor_kind AS text) = '' OR e.actor_kind = CAST(@actor_kind AS text))
  AND (CAST(@client_id AS text) = '' OR e.client_id = CAST(@client_id AS text))
  AND (CAST(@who AS text) = '' OR lower(e.actor_name) LIKE CAST(@who AS text) ESCAPE '\' OR lower(e.target) LIKE CAST(@who AS text) ESCAPE '\'
    OR a.login_key LIKE CAST(@who AS text) ESCAPE '\')
  AND (a.id IS NULL OR a.kind <> CAST(@hidden_kind AS text))
ORDER BY e.at DESC, e.id DESC
LIMIT @page_size;

-- name: LastOfAuditEvents :one
-- When the last of the next so many events was, and how many there are.
SELECT w.at, count(*) OVER () AS looked
FROM (SELECT x.at FROM audit_events x WHERE x.at >= @since AND x.at <= @before_at AND (x.at < @before_at OR x.id < @before_id)
    ORDER BY x.at DESC, x.id DESC LIMIT @look) w
ORDER BY w.at
LIMIT 1;

-- name: SearchAuditEventsOfKind :many
-- What SearchAuditEvents finds where the types begin with four characters, by which the kinds differ.
SELECT sqlc.embed(e), a.login_id
FROM audit_events e LEFT JOIN accounts a ON a.id = e.account_id
WHERE substr(e.type, 1, 4) = CAST(@kind AS text) AND e.at >= @since AND e.at <= @before_at AND (e.at < @before_at OR e.id < @before_id)
  AND (CAST(@type_pattern AS text) = '' OR e.type LIKE CAST(@type_pattern AS text))
  AND (CAST(@result AS text) = '' OR e.result = CAST(@result AS text))
  AND (CAST(@actor_kind AS text) = '' OR e.actor_kind = CAST(@actor_kind AS text))
  AND (CAST(@client_id AS text) = '' OR e.client_id = CAST(@client_id AS text))
  AND (CAST(@who AS text) = '' OR lower(e.actor_name) LIKE CAST(@who AS text) ESCAPE '\' OR lower(e.target) LIKE CAST(@who AS text) ESCAPE '\'
    OR a.login_key LIKE CAST(@who AS text) ESCAPE '\')
  AND (a.id IS NULL OR a.kind <> CAST(@hidden_kind AS text))
ORDER BY e.at DESC, e.id DESC
LIMIT @page_size;

-- name: LastOfAuditEventsOfKind :one
-- What LastOfAuditEvents finds of those.
SELECT w.at, count(*) OVER () AS looked
FROM (SELECT x.at FROM audit_events x WHERE substr(x.type, 1, 4) = CAST(@kind AS text) AND x.at >= @since AND x.at <= @before_at AND (x.at < @before_at OR x.id < @before_id)
    ORDER BY x.at DESC, x.id DESC LIMIT @look) w
ORDER BY w.at
LIMIT 1;

-- name: SearchAuditEventsOfType :many
-- What SearchAuditEvents finds of one type.
SELECT sqlc.embed(e), a.login_id
FROM audit_events e LEFT JOIN accounts a ON a.id = e.account_id
WHERE e.type = @type AND e.at >= @since AND e.at <= @before_at AND (e.at < @before_at OR e.id < @before_id)
  AND (CAST(@result AS text) = '' OR e.result = CAST(@result AS text))
  AND (CAST(@actor_kind AS text) = '' OR e.actor_kind = CAST(@actor_kind AS text))
  AND (CAST(@client_id AS text) = '' OR e.client_id = CAST(@client_id AS text))
  AND (CAST(@who AS text) = '' OR lower(e.actor_name) LIKE CAST(@who AS text) ESCAPE '\' OR lower(e.target) LIKE CAST(@who AS text) ESCAPE '\'
    OR a.login_key LIKE CAST(@who AS text) ESCAPE '\')
  AND (a.id IS NULL OR a.kind <> CAST(@hidden_kind AS text))
ORDER BY e.at DESC, e.id DESC
LIMIT @page_size;

-- name: LastOfAuditEventsOfType :one
-- What LastOfAuditEvents finds of one type.
SELECT w.at, count(*) OVER () AS looked
FROM (SELECT x.at FROM audit_events x WHERE x.type = @type AND x.at >= @since AND x.at <= @before_at AND (x.at < @before_at OR x.id < @before_id)
    ORDER BY x.at DESC, x.id DESC LIMIT @look) w
ORDER BY w.at
LIMIT 1;

-- name: SearchAuditEventsBy :many
-- What SearchAuditEvents finds of one kind of actor.
SELECT sqlc.embed(e), a.login_id
FROM audit_events e LEFT JOIN accounts a ON a.id = e.account_id
WHERE e.actor_kind = @actor_kind AND e.at >= @since AND e.at <= @before_at AND (e.at < @before_at OR e.id < @before_id)
  AND (CAST(@type_pattern AS text) = '' OR e.type LIKE CAST(@type_pattern AS text))
  AND (CAST(@result AS text) = '' OR e.result = CAST(@result AS text))
  AND (CAST(@client_id AS text) = '' OR e.client_id = CAST(@client_id AS text))
  AND (CAST(@who AS text) = '' OR lower(e.actor_name) LIKE CAST(@who AS text) ESCAPE '\' OR lower(e.target) LIKE CAST(@who AS text) ESCAPE '\'
    OR a.login_key LIKE CAST(@who AS text) ESCAPE '\')
  AND (a.id IS NULL OR a.kind <> CAST(@hidden_kind AS text))
ORDER BY e.at DESC, e.id DESC
LIMIT @page_size;

-- name: LastOfAuditEventsBy :one
-- What LastOfAuditEvents finds of those.
SELECT w.at, count(*) OVER () AS looked
FROM (SELECT x.at FROM audit_events x WHERE x.actor_kind = @actor_kind AND x.at >= @since AND x.at <= @before_at AND (x.at < @before_at OR x.id < @before_id)
    ORDER BY x.at DESC, x.id DESC LIMIT @look) w
ORDER BY w.at
LIMIT 1;

-- name: SearchAccountAuditEvents :many
-- What SearchAuditEvents finds of one account.
SELECT sqlc.embed(e), a.login_id
FROM audit_events e LEFT JOIN accounts a ON a.id = e.account_id
WHERE e.account_id = @account_id AND e.at >= @since AND e.at <= @before_at AND (e.at < @before_at OR e.id < @before_id)
  AND (CAST(@type_pattern AS text) = '' OR e.type LIKE CAST(@type_pattern AS text))
  AND (CAST(@result AS text) = '' OR e.result = CAST(@result AS text))
  AND (CAST(@actor_kind AS text) = '' OR e.actor_kind = CAST(@actor_kind AS text))
  AND (CAST(@client_id AS text) = '' OR e.client_id = CAST(@client_id AS text))
  AND (CAST(@who AS text) = '' OR lower(e.actor_name) LIKE CAST(@who AS text) ESCAPE '\' OR lower(e.target) LIKE CAST(@who AS text) ESCAPE '\'
    OR a.login_key LIKE CAST(@who AS text) ESCAPE '\')
  AND (a.id IS NULL OR a.kind <> CAST(@hidden_kind AS text))
ORDER BY e.at DESC, e.id DESC
LIMIT @page_size;

-- name: LastOfAccountAuditEvents :one
-- What LastOfAuditEvents finds of one account.
SELECT w.at, count(*) OVER () AS looked
FROM (SELECT x.at FROM audit_events x WHERE x.account_id = @account_id AND x.at >= @since AND x.at <= @before_at AND (x.at < @before_at OR x.id < @before_id)
    ORDER BY x.at DESC, x.id DESC LIMIT @look) w
ORDER BY w.at
LIMIT 1;

-- name: SearchRequestAuditEvents :many
-- What SearchAuditEvents finds of one request, which has few.
SELECT sqlc.embed(e), a.login_id
FROM audit_events e LEFT JOIN accounts a ON a.id = e.account_id
WHERE e.request_id = @request_id AND e.at >= @since AND e.at <= @before_at AND (e.at < @before_at OR e.id < @before_id)
  AND (CAST(@type_pattern AS text) = '' OR e.type LIKE CAST(@type_pattern AS text))
  AND (CAST(@result AS text) = '' OR e.result = CAST(@result AS text))
  AND (CAST(@actor_kind AS text) = '' OR e.actor_kind = CAST(@actor_kind AS text))
  AND (CAST(@client_id AS text) = '' OR e.client_id = CAST(@client_id AS text))
  AND (CAST(@who AS text) = '' OR lower(e.actor_name) LIKE CAST(@who AS text) ESCAPE '\' OR lower(e.target) LIKE CAST(@who AS text) ESCAPE '\'
    OR a.login_key LIKE CAST(@who AS text) ESCAPE '\')
  AND (a.id IS NULL OR a.kind <> CAST(@hidden_kind AS text))
ORDER BY e.at DESC, e.id DESC
LIMIT @page_size;

-- name: ListAccountEvents :many
SELECT * FROM audit_events WHERE account_id = @account_id ORDER BY at DESC, id DESC LIMIT @page_size;

-- name: CountOperatorActs :many
-- What each operator did or was refused, to others than themselves, by type: over three spans, the longest of which is since. Events
-- that concern an account of the hidden kind are left out; an empty kind hides none.
SELECT e.actor_id, e.actor_name, e.type, e.result,
    count(CASE WHEN e.at >= @day THEN 1 END) AS in_day, count(CASE WHEN e.at >= @week THEN 1 END) AS in_week, count(*) AS in_all
FROM audit_events e LEFT JOIN accounts a ON a.id = e.account_id
WHERE e.at >= @since AND e.actor_kind = 'operator' AND e.result <> 'failure'
  AND (e.account_id IS NULL OR CAST(e.account_id AS text) <> e.actor_id)
  AND e.type NOT LIKE 'signin.%' AND e.type NOT LIKE 'session.%'
  AND (a.id IS NULL OR a.kind <> CAST(@hidden_kind AS text))
GROUP BY e.actor_id, e.actor_name, e.type, e.result
ORDER BY e.actor_name, e.actor_id, e.type, e.result;

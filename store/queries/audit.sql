-- name: InsertAuditEvent :exec
INSERT INTO audit_events (id, at, type, result, reason, actor_kind, actor_id, actor_name, account_id, target, client_id, client_address, user_agent, request_id, data,
    stream, seq, prev_hash, hash)
VALUES (@id, @at, @type, @result, @reason, @actor_kind, @actor_id, @actor_name, @account_id, @target, @client_id, @client_address, @user_agent, @request_id, @data,
    @stream, @seq, @prev_hash, @hash);

-- name: ListAuditEvents :many
-- Newest first, a page at a time.
SELECT * FROM audit_events
WHERE (at < @before_at OR (at = @before_at AND id < @before_id)) AND at >= @since
  AND (CAST(@type_pattern AS text) = '' OR type LIKE @type_pattern)
  AND (CAST(@who AS text) = '' OR actor_name = @who OR target = @who)
ORDER BY at DESC, id DESC
LIMIT @page_size;

-- name: SearchAuditEvents :many
-- Newest first, a page at a time from a place on, with the login ID of the account concerned. Events that concern an account
-- of the hidden kind are left out; an empty kind hides none.
SELECT sqlc.embed(e), a.login_id
FROM audit_events e LEFT JOIN accounts a ON a.id = e.account_id
WHERE e.at >= @since AND e.at <= @before_at AND (e.at < @before_at OR e.id < @before_id)
  AND (CAST(@type_pattern AS text) = '' OR e.type LIKE CAST(@type_pattern AS text))
  AND (CAST(@result AS text) = '' OR e.result = CAST(@result AS text))
  AND (CAST(@client_id AS text) = '' OR e.client_id = CAST(@client_id AS text))
  AND (CAST(@who AS text) = '' OR lower(e.actor_name) LIKE CAST(@who AS text) ESCAPE '\' OR lower(e.target) LIKE CAST(@who AS text) ESCAPE '\'
    OR a.login_key LIKE CAST(@who AS text) ESCAPE '\')
  AND (a.id IS NULL OR a.kind <> CAST(@hidden_kind AS text))
ORDER BY e.at DESC, e.id DESC
LIMIT @page_size;

-- name: SearchAccountAuditEvents :many
-- What SearchAuditEvents finds of one account.
SELECT sqlc.embed(e), a.login_id
FROM audit_events e LEFT JOIN accounts a ON a.id = e.account_id
WHERE e.account_id = @account_id AND e.at >= @since AND e.at <= @before_at AND (e.at < @before_at OR e.id < @before_id)
  AND (CAST(@type_pattern AS text) = '' OR e.type LIKE CAST(@type_pattern AS text))
  AND (CAST(@result AS text) = '' OR e.result = CAST(@result AS text))
  AND (CAST(@client_id AS text) = '' OR e.client_id = CAST(@client_id AS text))
  AND (CAST(@who AS text) = '' OR lower(e.actor_name) LIKE CAST(@who AS text) ESCAPE '\' OR lower(e.target) LIKE CAST(@who AS text) ESCAPE '\'
    OR a.login_key LIKE CAST(@who AS text) ESCAPE '\')
  AND (a.id IS NULL OR a.kind <> CAST(@hidden_kind AS text))
ORDER BY e.at DESC, e.id DESC
LIMIT @page_size;

-- name: SearchRequestAuditEvents :many
-- What SearchAuditEvents finds of one request.
SELECT sqlc.embed(e), a.login_id
FROM audit_events e LEFT JOIN accounts a ON a.id = e.account_id
WHERE e.request_id = @request_id AND e.at >= @since AND e.at <= @before_at AND (e.at < @before_at OR e.id < @before_id)
  AND (CAST(@type_pattern AS text) = '' OR e.type LIKE CAST(@type_pattern AS text))
  AND (CAST(@result AS text) = '' OR e.result = CAST(@result AS text))
  AND (CAST(@client_id AS text) = '' OR e.client_id = CAST(@client_id AS text))
  AND (CAST(@who AS text) = '' OR lower(e.actor_name) LIKE CAST(@who AS text) ESCAPE '\' OR lower(e.target) LIKE CAST(@who AS text) ESCAPE '\'
    OR a.login_key LIKE CAST(@who AS text) ESCAPE '\')
  AND (a.id IS NULL OR a.kind <> CAST(@hidden_kind AS text))
ORDER BY e.at DESC, e.id DESC
LIMIT @page_size;

-- name: CountAuditEvents :one
-- How many SearchAuditEvents finds, counted no further than the ceiling.
SELECT count(*) FROM (
    SELECT e.id FROM audit_events e LEFT JOIN accounts a ON a.id = e.account_id
    WHERE e.at >= @since AND e.at <= @before_at AND (e.at < @before_at OR e.id < @before_id)
      AND (CAST(@type_pattern AS text) = '' OR e.type LIKE CAST(@type_pattern AS text))
      AND (CAST(@result AS text) = '' OR e.result = CAST(@result AS text))
      AND (CAST(@client_id AS text) = '' OR e.client_id = CAST(@client_id AS text))
      AND (CAST(@who AS text) = '' OR lower(e.actor_name) LIKE CAST(@who AS text) ESCAPE '\' OR lower(e.target) LIKE CAST(@who AS text) ESCAPE '\'
        OR a.login_key LIKE CAST(@who AS text) ESCAPE '\')
      AND (a.id IS NULL OR a.kind <> CAST(@hidden_kind AS text))
    LIMIT @ceiling) AS found;

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

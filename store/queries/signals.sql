-- name: InsertStream :exec
INSERT INTO signal_streams (id, client_id, method, endpoint, authorization_sealed, events, events_requested, description, status, status_by,
    status_reason, error, created_at, updated_at)
VALUES (@id, @client_id, @method, @endpoint, @authorization_sealed, @events, @events_requested, @description, 'enabled', 'receiver', '', '', @now, @now);

-- name: GetStream :one
SELECT * FROM signal_streams WHERE id = @id;

-- name: ListStreams :many
SELECT * FROM signal_streams WHERE client_id = @client_id ORDER BY id;

-- name: HoldStream :one
-- The stream as it is and stays until the transaction ends.
UPDATE signal_streams SET updated_at = updated_at WHERE id = @id AND client_id = @client_id RETURNING *;

-- name: UpdateStream :execrows
-- Callers hold the stream.
UPDATE signal_streams SET method = @method, endpoint = @endpoint, authorization_sealed = @authorization_sealed, events = @events,
    events_requested = @events_requested, description = @description, updated_at = @now
WHERE id = @id;

-- name: SetStreamStatus :execrows
UPDATE signal_streams SET status = @status, status_by = @status_by, status_reason = @status_reason, updated_at = @now WHERE id = @id;

-- name: DeleteStream :execrows
DELETE FROM signal_streams WHERE id = @id AND client_id = @client_id;

-- name: ClaimVerification :execrows
-- Of many requests in a short time one counts.
UPDATE signal_streams SET verified_at = @now WHERE id = @id AND client_id = @client_id AND (verified_at IS NULL OR verified_at <= @before);

-- name: NoteStreamPoll :exec
UPDATE signal_streams SET polled_at = @now WHERE id = @id;

-- name: NoteStreamError :exec
UPDATE signal_streams SET error = @error, error_at = @now WHERE id = @id;

-- name: ListStreamsKnowing :many
-- The streams of receivers that know an account, or a session of it: who was given tokens, whatever became of them since. Whom the
-- person allows nothing any more has to forget them.
SELECT s.id, s.client_id, s.method, s.events
FROM signal_streams s
JOIN clients c ON c.id = s.client_id AND c.disabled_at IS NULL
WHERE s.status <> 'disabled' AND EXISTS (
    SELECT 1 FROM grants g
    WHERE g.account_id = @account_id AND g.client_id = s.client_id AND g.redemption_id IS NOT NULL AND g.forgotten_at IS NULL
      AND (CAST(sqlc.narg('session_id') AS uuid) IS NULL OR g.session_id = sqlc.narg('session_id')))
ORDER BY s.id;

-- name: ListSessionStreams :many
-- The streams to tell when sessions of an account end, or when one client loses what it has of the account, as ListSessionClients finds
-- the relying parties.
SELECT DISTINCT v.id, v.client_id, v.method, g.session_id, CAST(s.id IS NULL AS boolean) AS gone
FROM grants g
JOIN signal_streams v ON v.client_id = g.client_id AND v.status <> 'disabled' AND ' ' || v.events || ' ' LIKE '% session_revoked %'
JOIN clients c ON c.id = g.client_id AND c.disabled_at IS NULL
LEFT JOIN sessions s ON s.id = g.session_id
WHERE g.account_id = @account_id AND g.forgotten_at IS NULL
  AND (CAST(sqlc.narg('only') AS uuid) IS NULL OR g.session_id = sqlc.narg('only'))
  AND (CAST(sqlc.narg('keep') AS uuid) IS NULL OR g.session_id <> sqlc.narg('keep'))
  AND (CAST(sqlc.narg('client') AS text) IS NULL OR g.client_id = sqlc.narg('client'))
  AND (g.redemption_id IS NOT NULL OR g.redeemed_at IS NULL AND g.code_expires_at > @now)
  AND (s.id IS NOT NULL AND s.ended_at IS NULL
    OR s.id IS NULL AND g.revoked_at IS NULL AND EXISTS (
      SELECT 1 FROM token_sets t
      WHERE t.grant_id = g.id AND t.refresh_hash IS NOT NULL AND t.refresh_used_at IS NULL AND t.refresh_expires_at > @now))
ORDER BY v.id, g.session_id;

-- name: InsertSignal :exec
INSERT INTO signals (id, stream_id, kind, account_id, session_id, data, created_at, deadline)
VALUES (@id, @stream_id, @kind, @account_id, @session_id, @data, @now, @deadline);

-- name: EnqueueSignal :exec
-- The message that pushes a signal, under the signal's own id.
INSERT INTO outbox (id, channel, kind, account_id, session_id, stream_id, recipient, state, attempts, available_at, deadline, reply, created_at)
VALUES (@id, 'push', @kind, @account_id, @session_id, @stream_id, @recipient, 'queued', 0, @now, @deadline, '', @now);

-- name: EnqueueWaitingSignals :execrows
-- The messages of a stream that was polled and is pushed from now on.
INSERT INTO outbox (id, channel, kind, account_id, session_id, stream_id, recipient, state, attempts, available_at, deadline, reply, created_at)
SELECT q.id, 'push', CASE WHEN q.kind = 'stream_updated' THEN 'signal_stream' ELSE 'signal' END, q.account_id, q.session_id, q.stream_id,
    CAST(@recipient AS text), 'queued', 0, CAST(@now AS timestamptz), q.deadline, '', q.created_at
FROM signals q WHERE q.stream_id = @stream_id
ON CONFLICT (id) DO NOTHING;

-- name: DropStreamMessages :execrows
-- What is in hand comes to its own end.
DELETE FROM outbox WHERE stream_id = @stream_id AND state = 'queued' AND leased_until IS NULL;

-- name: DropPushedSignals :execrows
-- What a stream that is polled from now on was told already.
DELETE FROM signals WHERE signals.stream_id = @stream_id AND EXISTS (SELECT 1 FROM outbox o WHERE o.id = signals.id AND o.state <> 'queued');

-- name: DropSignals :execrows
DELETE FROM signals WHERE stream_id = @stream_id;

-- name: GetSignal :one
SELECT sqlc.embed(q), sqlc.embed(s) FROM signals q JOIN signal_streams s ON s.id = q.stream_id WHERE q.id = @id;

-- name: ListSignals :many
-- What waits to be fetched, oldest first; of a stream that is not enabled, that it is not.
SELECT * FROM signals
WHERE stream_id = @stream_id AND deadline > @now AND (CAST(@enabled AS boolean) OR kind = 'stream_updated')
ORDER BY id LIMIT @page_size;

-- name: AcknowledgeSignal :execrows
DELETE FROM signals WHERE id = @id AND stream_id = @stream_id;

-- name: CountSignals :one
-- What waits on a stream: for messages that are pushed, those not yet taken.
SELECT count(*) FROM signals q
WHERE q.stream_id = @stream_id AND q.deadline > @now
  AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.id = q.id AND o.state <> 'queued');

-- name: LastStreamMessage :one
-- The last message of a stream in a state, with how many there are.
SELECT m.reply, m.finished_at, (SELECT count(*) FROM outbox n WHERE n.stream_id = @stream_id AND n.state = @state) AS number
FROM outbox m WHERE m.stream_id = @stream_id AND m.state = @state
ORDER BY m.created_at DESC, m.id DESC LIMIT 1;

-- name: StreamFailures :one
-- What was given up of a stream, and what its receiver last answered to what did not arrive, tried again or not.
SELECT (SELECT count(*) FROM outbox n WHERE n.stream_id = @stream_id AND n.state IN ('failed', 'expired')) AS number,
    CAST(coalesce((SELECT m.reply FROM outbox m
        WHERE m.stream_id = @stream_id AND m.state IN ('queued', 'failed', 'expired') AND m.reply <> ''
        ORDER BY m.created_at DESC, m.id DESC LIMIT 1), '') AS text) AS reply;

-- name: HurryStreamMessages :execrows
-- What is to be tried again some time later is tried now.
UPDATE outbox SET available_at = @now WHERE stream_id = @stream_id AND state = 'queued' AND leased_until IS NULL AND available_at > @now;

-- name: DropClientSignals :execrows
-- What waits on the streams of a client about people.
DELETE FROM signals WHERE account_id IS NOT NULL AND stream_id IN (SELECT s.id FROM signal_streams s WHERE s.client_id = @client_id);

-- name: SweepSignals :execrows
-- What is too old, was pushed or given up, or belongs to a stream that is gone.
DELETE FROM signals WHERE id IN (
    SELECT q.id FROM signals q
    WHERE q.deadline <= @now
      OR EXISTS (SELECT 1 FROM outbox o WHERE o.id = q.id AND o.state <> 'queued')
      OR NOT EXISTS (SELECT 1 FROM signal_streams s WHERE s.id = q.stream_id)
    ORDER BY q.id LIMIT @batch_size);

-- name: TrimSignals :execrows
-- A stream holds so many at most; the oldest go.
DELETE FROM signals WHERE id IN (
    SELECT w.id FROM (
        SELECT q.id, row_number() OVER (PARTITION BY q.stream_id ORDER BY q.id DESC) AS place FROM signals q) w
    WHERE w.place > CAST(@most AS bigint) LIMIT @batch_size);

-- name: ListStaleStreams :many
SELECT id, authorization_sealed FROM signal_streams
WHERE id > CAST(@after AS uuid) AND substr(authorization_sealed, 1, 5) <> CAST(@prefix AS bytea)
ORDER BY id LIMIT @page_size;

-- name: ResealStreams :execrows
UPDATE signal_streams SET authorization_sealed = @fresh WHERE id = @id AND authorization_sealed = @stale;

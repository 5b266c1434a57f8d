-- name: EnqueueMessage :exec
INSERT INTO outbox (id, channel, kind, account_id, challenge_id, recipient, payload_sealed, tag_hash, state, attempts, available_at, deadline, reply, created_at)
VALUES (@id, @channel, @kind, @account_id, @challenge_id, @recipient, @payload_sealed, @tag_hash, 'queued', 0, @now, @deadline, '', @now);

-- name: ClaimMessages :many
-- Leases the oldest due messages of a channel to one worker. The guard stands twice, so that a row another worker took meanwhile is left alone.
-- A code that was taken back while its mail was on a first, failing attempt is not tried again.
UPDATE outbox SET lease_owner = @owner, leased_until = @leased_until, attempts = attempts + 1
WHERE id IN (
    SELECT o.id FROM outbox o
    WHERE o.state = 'queued' AND o.channel = @channel AND o.available_at <= @now AND (o.leased_until IS NULL OR o.leased_until < @now)
      AND NOT EXISTS (SELECT 1 FROM challenges c WHERE c.id = o.challenge_id AND c.voided_at IS NOT NULL)
    ORDER BY o.available_at LIMIT @batch_size)
  AND state = 'queued' AND available_at <= @now AND (leased_until IS NULL OR leased_until < @now)
RETURNING *;

-- name: EnqueuePush :exec
-- What is told to a relying party, whose id is the recipient. What to say is in the row and no secret, so nothing is sealed; the
-- message is made and signed at each try.
INSERT INTO outbox (id, channel, kind, account_id, session_id, recipient, state, attempts, available_at, deadline, reply, created_at)
VALUES (@id, 'push', @kind, @account_id, @session_id, @recipient, 'queued', 0, @now, @deadline, '', @now);

-- name: DuePush :one
-- Whether ClaimPushes would find something; looking takes no writer.
SELECT o.id FROM outbox o
WHERE o.state = 'queued' AND o.channel = 'push' AND o.available_at <= @now AND (o.leased_until IS NULL OR o.leased_until < @now)
  AND NOT EXISTS (SELECT 1 FROM signal_streams h WHERE o.kind = 'signal' AND h.id = o.stream_id AND h.status <> 'enabled')
  AND NOT EXISTS (SELECT 1 FROM outbox e
    WHERE o.kind = 'signal' AND e.stream_id = o.stream_id AND e.account_id = o.account_id AND e.state = 'queued' AND e.id < o.id)
  AND (SELECT count(*) FROM outbox b
    WHERE b.state = 'queued' AND b.channel = 'push' AND b.recipient = o.recipient AND b.leased_until >= @now) < CAST(@per_recipient AS bigint)
LIMIT 1;

-- name: ClaimPushes :many
-- ClaimMessages for pushes: a relying party that takes its time has no more than a few of them in hand, and the workers are free for
-- the others. What waits on a stream that is paused goes on waiting, and an event waits for those about the same person before it.
UPDATE outbox SET lease_owner = @owner, leased_until = @leased_until, attempts = attempts + 1
WHERE id IN (
    SELECT o.id FROM outbox o
    WHERE o.state = 'queued' AND o.channel = 'push' AND o.available_at <= @now AND (o.leased_until IS NULL OR o.leased_until < @now)
      AND NOT EXISTS (SELECT 1 FROM signal_streams h WHERE o.kind = 'signal' AND h.id = o.stream_id AND h.status <> 'enabled')
      AND NOT EXISTS (SELECT 1 FROM outbox e
        WHERE o.kind = 'signal' AND e.stream_id = o.stream_id AND e.account_id = o.account_id AND e.state = 'queued' AND e.id < o.id)
      AND (SELECT count(*) FROM outbox b
        WHERE b.state = 'queued' AND b.channel = 'push' AND b.recipient = o.recipient AND b.leased_until >= @now) < CAST(@per_recipient AS bigint)
    ORDER BY o.available_at LIMIT @batch_size)
  AND state = 'queued' AND available_at <= @now AND (leased_until IS NULL OR leased_until < @now)
RETURNING *;

-- name: FinishMessage :execrows
-- Only the holder of the lease may finish a message; its content is erased with that.
UPDATE outbox SET state = @state, reply = @reply, remote_id = @remote_id, payload_sealed = NULL, lease_owner = NULL, leased_until = NULL, finished_at = @now
WHERE id = @id AND lease_owner = @owner AND state = 'queued';

-- name: RetryMessage :execrows
UPDATE outbox SET available_at = @available_at, reply = @reply, lease_owner = NULL, leased_until = NULL
WHERE id = @id AND lease_owner = @owner AND state = 'queued';

-- name: ExpireMessages :execrows
UPDATE outbox SET state = 'expired', payload_sealed = NULL, lease_owner = NULL, leased_until = NULL, finished_at = @now
WHERE state = 'queued' AND channel = @channel AND deadline <= @now AND (leased_until IS NULL OR leased_until < @now);

-- name: CancelFlowMessages :execrows
-- A newer code replaced these: what has not left yet need not.
UPDATE outbox SET state = 'cancelled', payload_sealed = NULL, finished_at = @now
WHERE state = 'queued' AND leased_until IS NULL
  AND challenge_id IN (SELECT c.id FROM challenges c WHERE c.flow_id = @flow_id AND c.kind = @kind);

-- name: CancelSessionMessages :execrows
UPDATE outbox SET state = 'cancelled', payload_sealed = NULL, finished_at = @now
WHERE state = 'queued' AND leased_until IS NULL
  AND challenge_id IN (SELECT c.id FROM challenges c WHERE c.session_id = @session_id AND c.kind = @kind);

-- name: CancelAccountCodes :execrows
-- Links to a new password and tickets are void with the credentials too.
UPDATE outbox SET state = 'cancelled', payload_sealed = NULL, finished_at = @now
WHERE state = 'queued' AND leased_until IS NULL AND account_id = @account_id AND kind IN ('code', 'password_reset_link', 'reenrol_ticket');

-- name: CancelClientPushes :execrows
-- What a client was still to be told of people, and with all of its streams too. What is in hand is not tried again: by then the id of a
-- client that was deleted may be another's.
UPDATE outbox SET state = 'cancelled', lease_owner = NULL, leased_until = NULL, finished_at = @now
WHERE state = 'queued' AND channel = 'push' AND recipient = @recipient AND (account_id IS NOT NULL OR CAST(@everything AS boolean));

-- name: ListMessages :many
-- Newest first, a page at a time from a place on, no further back than since. Messages to accounts of the hidden kind are left out; an
-- empty kind hides none. Nothing is found by its address if masked is not empty: whoever may not see addresses must not guess them
-- letter by letter.
SELECT o.id, o.channel, o.kind, o.account_id, o.recipient, o.state, o.attempts, o.reply, o.created_at, o.finished_at, a.login_id, p.name AS party
FROM outbox o LEFT JOIN accounts a ON a.id = o.account_id LEFT JOIN clients p ON o.channel = 'push' AND p.id = o.recipient
WHERE o.created_at >= @since AND o.created_at <= @before_at AND (o.created_at < @before_at OR o.id < @before_id)
  AND (CAST(@who AS text) = '' OR CAST(@masked AS text) = '' AND lower(o.recipient) LIKE CAST(@who AS text) ESCAPE '\' OR a.login_key LIKE CAST(@who AS text) ESCAPE '\')
  AND (a.id IS NULL OR a.kind <> CAST(@hidden_kind AS text))
ORDER BY o.created_at DESC, o.id DESC
LIMIT @page_size;

-- name: LastOfMessages :one
-- When the last of the next so many messages was made, and how many there are.
SELECT w.created_at, count(*) OVER () AS looked
FROM (SELECT x.created_at FROM outbox x WHERE x.created_at <= @before_at AND (x.created_at < @before_at OR x.id < @before_id)
    ORDER BY x.created_at DESC, x.id DESC LIMIT @look) w
ORDER BY w.created_at
LIMIT 1;

-- name: ListMessagesInState :many
-- What ListMessages finds in one state.
SELECT o.id, o.channel, o.kind, o.account_id, o.recipient, o.state, o.attempts, o.reply, o.created_at, o.finished_at, a.login_id, p.name AS party
FROM outbox o LEFT JOIN accounts a ON a.id = o.account_id LEFT JOIN clients p ON o.channel = 'push' AND p.id = o.recipient
WHERE o.state = @state AND o.created_at >= @since AND o.created_at <= @before_at AND (o.created_at < @before_at OR o.id < @before_id)
  AND (CAST(@who AS text) = '' OR CAST(@masked AS text) = '' AND lower(o.recipient) LIKE CAST(@who AS text) ESCAPE '\' OR a.login_key LIKE CAST(@who AS text) ESCAPE '\')
  AND (a.id IS NULL OR a.kind <> CAST(@hidden_kind AS text))
ORDER BY o.created_at DESC, o.id DESC
LIMIT @page_size;

-- name: LastOfMessagesInState :one
-- What LastOfMessages finds in one state.
SELECT w.created_at, count(*) OVER () AS looked
FROM (SELECT x.created_at FROM outbox x WHERE x.state = @state AND x.created_at <= @before_at AND (x.created_at < @before_at OR x.id < @before_id)
    ORDER BY x.created_at DESC, x.id DESC LIMIT @look) w
ORDER BY w.created_at
LIMIT 1;

-- name: ListMessagesOfAccount :many
-- What ListMessages finds of one account, in one state unless that is empty.
SELECT o.id, o.channel, o.kind, o.account_id, o.recipient, o.state, o.attempts, o.reply, o.created_at, o.finished_at, a.login_id, p.name AS party
FROM outbox o LEFT JOIN accounts a ON a.id = o.account_id LEFT JOIN clients p ON o.channel = 'push' AND p.id = o.recipient
WHERE o.account_id = @account_id AND o.created_at >= @since AND o.created_at <= @before_at AND (o.created_at < @before_at OR o.id < @before_id)
  AND (CAST(@state AS text) = '' OR o.state = CAST(@state AS text))
  AND (CAST(@who AS text) = '' OR CAST(@masked AS text) = '' AND lower(o.recipient) LIKE CAST(@who AS text) ESCAPE '\' OR a.login_key LIKE CAST(@who AS text) ESCAPE '\')
  AND (a.id IS NULL OR a.kind <> CAST(@hidden_kind AS text))
ORDER BY o.created_at DESC, o.id DESC
LIMIT @page_size;

-- name: LastOfMessagesOfAccount :one
-- What LastOfMessages finds of one account.
SELECT w.created_at, count(*) OVER () AS looked
FROM (SELECT x.created_at FROM outbox x WHERE x.account_id = @account_id AND x.created_at <= @before_at AND (x.created_at < @before_at OR x.id < @before_id)
    ORDER BY x.created_at DESC, x.id DESC LIMIT @look) w
ORDER BY w.created_at
LIMIT 1;

-- name: GetChallengeMessage :one
SELECT id, state, attempts, reply, created_at, finished_at FROM outbox WHERE challenge_id = @challenge_id;

-- name: OldestQueuedMessage :one
SELECT created_at FROM outbox WHERE state = 'queued' AND channel = @channel ORDER BY available_at LIMIT 1;

-- name: SweepMessages :execrows
DELETE FROM outbox WHERE id IN (
    SELECT o.id FROM outbox o WHERE o.created_at < @before AND o.state <> 'queued' ORDER BY o.created_at LIMIT @batch_size);

-- name: GetMessage :one
SELECT o.id, o.channel, o.kind, o.account_id, o.recipient, o.state, o.attempts, o.reply, o.remote_id, o.tag_hash, o.deadline,
    o.created_at, o.finished_at, a.login_id, a.kind AS account_kind, p.name AS party
FROM outbox o LEFT JOIN accounts a ON a.id = o.account_id LEFT JOIN clients p ON o.channel = 'push' AND p.id = o.recipient
WHERE o.id = @id;

-- name: GetMessageByRemoteID :one
-- Servers use their ids again after a while: the newest message is meant.
SELECT id FROM outbox WHERE remote_id = @remote_id AND remote_id <> '' AND channel = @channel ORDER BY created_at DESC LIMIT 1;

-- name: InsertMessageReport :execrows
-- The first report of an outcome counts; one that is repeated, or replayed, changes nothing.
INSERT INTO message_reports (message_id, outcome, hard, status, reply, source, at)
VALUES (@message_id, @outcome, @hard, @status, @reply, @source, @now)
ON CONFLICT (message_id, outcome) DO NOTHING;

-- name: ListMessageReports :many
SELECT * FROM message_reports WHERE message_id = @message_id ORDER BY at, outcome;

-- name: SettleMessage :execrows
-- A report is the last word about a message that was tried: whoever has a queue or a lease for it need not go on.
UPDATE outbox SET state = @state, payload_sealed = NULL, lease_owner = NULL, leased_until = NULL,
    finished_at = COALESCE(finished_at, CAST(@now AS timestamptz))
WHERE id = @id AND attempts > 0 AND state <> CAST(@state AS text) AND state <> 'bounced';

-- name: MarkFactorBounced :execrows
-- Messages to a factor's address do not arrive, unless the address was proved after the message was written.
UPDATE factors SET bounced_at = @now
WHERE account_id = @account_id AND kind = @kind AND address = @address AND bounced_at IS NULL
  AND verified_at <= @written_at AND (last_used_at IS NULL OR last_used_at <= CAST(@written_at AS timestamptz));

-- name: NoteSoftBounce :one
-- Counts a bounce that was not for good, and takes the address for one that nothing arrives at when there were too many in a row.
UPDATE factors SET soft_bounces = soft_bounces + 1,
    bounced_at = CASE WHEN soft_bounces + 1 >= @ceiling AND bounced_at IS NULL THEN CAST(@now AS timestamptz) ELSE bounced_at END
WHERE account_id = @account_id AND kind = @kind AND address = @address
  AND verified_at <= @written_at AND (last_used_at IS NULL OR last_used_at <= CAST(@written_at AS timestamptz))
RETURNING id, soft_bounces, bounced_at;

-- name: ForgetFactorBounces :execrows
-- A message arrived. That ends the row of failures; an address that is marked has to be proved again.
UPDATE factors SET soft_bounces = 0
WHERE account_id = @account_id AND kind = @kind AND address = @address AND soft_bounces > 0;

-- name: AdvanceAuditStream :one
-- Takes the next places of a stream, holds it until the transaction ends, and says where it ended before.
INSERT INTO audit_streams (id, seq, hash, signed_seq, base_seq, base)
VALUES (@id, @places, @no_hash, 0, 0, '')
ON CONFLICT (id) DO UPDATE SET seq = audit_streams.seq + excluded.seq
RETURNING seq, hash;

-- name: SetAuditStreamHash :execrows
UPDATE audit_streams SET hash = @hash WHERE id = @id AND seq = @seq;

-- name: GetAuditStream :one
SELECT * FROM audit_streams WHERE id = @id;

-- name: ListAuditStreams :many
SELECT * FROM audit_streams WHERE id > @after ORDER BY id LIMIT @page_size;

-- name: ListAuditChain :many
-- Every row that has a place, stream by stream, a page at a time.
SELECT * FROM audit_events
WHERE stream >= @after_stream AND (stream > @after_stream OR seq > @after_seq)
ORDER BY stream, seq
LIMIT @page_size;

-- name: ListStreamEvents :many
SELECT * FROM audit_events WHERE stream = @stream AND seq > @after_seq AND seq <= @last_seq ORDER BY seq LIMIT @page_size;

-- name: CountUnchainedEvents :one
SELECT count(*) FROM audit_events WHERE stream IS NULL;

-- name: ListUnchainedEvents :many
SELECT * FROM audit_events
WHERE stream IS NULL AND at >= @after_at AND (at > @after_at OR id > @after_id)
ORDER BY at, id
LIMIT @page_size;

-- name: ChainAuditEvent :execrows
UPDATE audit_events SET stream = @stream, seq = @seq, prev_hash = @prev_hash, hash = @hash WHERE id = @id AND stream IS NULL;

-- name: OpenAuditGate :exec
INSERT INTO audit_gate (id, opened_at) VALUES (@id, @opened_at);

-- name: CloseAuditGate :exec
DELETE FROM audit_gate WHERE id = @id;

-- name: ListUnsignedStreams :many
SELECT * FROM audit_streams WHERE seq > signed_seq AND id > @after ORDER BY id LIMIT @page_size;

-- name: SetAuditStreamSigned :exec
UPDATE audit_streams SET signed_seq = @seq WHERE id = @id AND signed_seq < @seq;

-- name: GetLastCheckpoint :one
SELECT * FROM audit_checkpoints ORDER BY number DESC LIMIT 1;

-- name: GetCheckpoint :one
SELECT * FROM audit_checkpoints WHERE number = @number;

-- name: InsertCheckpoint :exec
INSERT INTO audit_checkpoints (number, at, hash, statement) VALUES (@number, @at, @hash, @statement);

-- name: ListCheckpoints :many
SELECT * FROM audit_checkpoints WHERE number > @after ORDER BY number LIMIT @page_size;

-- name: InsertAuditMark :exec
INSERT INTO audit_marks (checkpoint, stream, seq, hash) VALUES (@checkpoint, @stream, @seq, @hash);

-- name: ListAuditMarks :many
-- A checkpoint's marks, each beside the row it speaks of and the place up to which its stream was swept.
SELECT m.stream, m.seq, m.hash, e.hash AS event_hash, s.base_seq
FROM audit_marks m
    LEFT JOIN audit_events e ON e.stream = m.stream AND e.seq = m.seq
    LEFT JOIN audit_streams s ON s.id = m.stream
WHERE m.checkpoint = @checkpoint
ORDER BY m.stream;

-- name: InsertAuditKey :exec
INSERT INTO audit_keys (id, public_key, private_sealed, created_at) VALUES (@id, @public_key, @private_sealed, @now);

-- name: ListAuditKeys :many
SELECT * FROM audit_keys ORDER BY created_at, id;

-- name: ListSweepableStreams :many
-- Streams whose first row is from before a time.
SELECT s.* FROM audit_streams s
WHERE s.id > @after
  AND EXISTS (SELECT 1 FROM audit_events e WHERE e.stream = s.id AND e.seq = s.base_seq + 1 AND e.at < @before)
ORDER BY s.id
LIMIT @page_size;

-- name: SearchSweepEnd :one
-- The last row of the oldest ones of a stream, of which at most so many are looked at, before the first that must be kept.
SELECT e.seq, e.hash FROM audit_events e
WHERE e.stream = @stream AND e.seq > @base_seq AND e.seq <= @last_seq AND e.at < @before
  AND NOT EXISTS (SELECT 1 FROM audit_events k WHERE k.stream = e.stream AND k.seq > @base_seq AND k.seq < e.seq AND k.at >= @before)
ORDER BY e.seq DESC
LIMIT 1;

-- name: SetAuditStreamBase :execrows
UPDATE audit_streams SET base_seq = @base_seq, base = @base WHERE id = @id AND base_seq = @former_seq;

-- name: SweepAuditEvents :execrows
DELETE FROM audit_events WHERE stream = @stream AND seq <= @base_seq;

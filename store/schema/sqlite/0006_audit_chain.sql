-- +goose Up

-- Each account's events are one chain, and so are those of each of a fixed number of streams for what concerns no account: every row
-- carries the hash of the one before it. Rows from before this migration have no place yet; the next start gives them theirs.

ALTER TABLE audit_events ADD COLUMN stream TEXT; -- null: not chained yet
ALTER TABLE audit_events ADD COLUMN seq INTEGER; -- from 1, without gaps
ALTER TABLE audit_events ADD COLUMN prev_hash BLOB; -- hash of the row before; empty for the first
ALTER TABLE audit_events ADD COLUMN hash BLOB; -- over every other column
CREATE UNIQUE INDEX audit_events_stream ON audit_events (stream, seq);
CREATE INDEX audit_events_request ON audit_events (request_id);

CREATE TABLE audit_streams (
    id TEXT NOT NULL PRIMARY KEY,
    seq INTEGER NOT NULL,                      -- of its last row
    hash BLOB NOT NULL,                        -- of its last row
    signed_seq INTEGER NOT NULL,               -- up to here checkpoints vouch for it
    base_seq INTEGER NOT NULL,                 -- up to here its rows were swept
    base TEXT NOT NULL                         -- the signed statement about that; empty: never swept
) STRICT;

CREATE TABLE audit_checkpoints (
    number INTEGER NOT NULL,                   -- from 1, without gaps
    at INTEGER NOT NULL,
    hash BLOB NOT NULL,                        -- of the statement
    statement TEXT NOT NULL                    -- signed: number, time, hash of the former statement and of the marks
) STRICT;
CREATE UNIQUE INDEX audit_checkpoints_number ON audit_checkpoints (number);

-- Where the streams ended that had grown since the checkpoint before.
CREATE TABLE audit_marks (
    checkpoint INTEGER NOT NULL,
    stream TEXT NOT NULL,
    seq INTEGER NOT NULL,
    hash BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX audit_marks_checkpoint ON audit_marks (checkpoint, stream);

CREATE TABLE audit_keys (
    id TEXT NOT NULL PRIMARY KEY,              -- thumbprint of the public key
    public_key BLOB NOT NULL,
    private_sealed BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- Holds a row only within the transaction of a sweep, or of the one that gives old rows their places.
CREATE TABLE audit_gate (
    id TEXT NOT NULL PRIMARY KEY,
    opened_at INTEGER NOT NULL
) STRICT;

-- +goose StatementBegin
CREATE TRIGGER audit_events_update BEFORE UPDATE ON audit_events WHEN NOT EXISTS (SELECT 1 FROM audit_gate)
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_events_delete BEFORE DELETE ON audit_events WHEN NOT EXISTS (SELECT 1 FROM audit_gate)
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_checkpoints_update BEFORE UPDATE ON audit_checkpoints
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_checkpoints_delete BEFORE DELETE ON audit_checkpoints
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_marks_update BEFORE UPDATE ON audit_marks
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_marks_delete BEFORE DELETE ON audit_marks
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_keys_update BEFORE UPDATE ON audit_keys
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_keys_delete BEFORE DELETE ON audit_keys
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_streams_delete BEFORE DELETE ON audit_streams
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_streams_grow BEFORE UPDATE ON audit_streams WHEN NEW.id <> OLD.id OR NEW.seq < OLD.seq OR NEW.base_seq < OLD.base_seq
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
-- +goose StatementEnd

-- +goose Up

-- Each account's events are one chain, and so are those of each of a fixed number of streams for what concerns no account: every row
-- carries the hash of the one before it. Rows from before this migration have no place yet; futakagi migrate up gives them theirs.

ALTER TABLE audit_events
    ADD COLUMN stream text COLLATE "C",        -- null: not chained yet
    ADD COLUMN seq bigint,                     -- from 1, without gaps
    ADD COLUMN prev_hash bytea,                -- hash of the row before; empty for the first
    ADD COLUMN hash bytea;                     -- over every other column
CREATE UNIQUE INDEX audit_events_stream ON audit_events (stream, seq);
CREATE INDEX audit_events_request ON audit_events (request_id);

CREATE TABLE audit_streams (
    id text COLLATE "C" PRIMARY KEY,
    seq bigint NOT NULL,                       -- of its last row
    hash bytea NOT NULL,                       -- of its last row
    signed_seq bigint NOT NULL,                -- up to here checkpoints vouch for it
    base_seq bigint NOT NULL,                  -- up to here its rows were swept
    base text NOT NULL                         -- the signed statement about that; empty: never swept
) WITH (fillfactor = 50);

CREATE TABLE audit_checkpoints (
    number bigint NOT NULL,                    -- from 1, without gaps
    at timestamptz NOT NULL,
    hash bytea NOT NULL,                       -- of the statement
    statement text NOT NULL                    -- signed: number, time, hash of the former statement and of the marks
);
CREATE UNIQUE INDEX audit_checkpoints_number ON audit_checkpoints (number);

-- Where the streams ended that had grown since the checkpoint before.
CREATE TABLE audit_marks (
    checkpoint bigint NOT NULL,
    stream text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    hash bytea NOT NULL
);
CREATE UNIQUE INDEX audit_marks_checkpoint ON audit_marks (checkpoint, stream);

CREATE TABLE audit_keys (
    id text COLLATE "C" PRIMARY KEY,           -- thumbprint of the public key
    public_key bytea NOT NULL,
    private_sealed bytea NOT NULL,
    created_at timestamptz NOT NULL
);

-- Holds a row only within the transaction of a sweep, or of the one that gives old rows their places.
CREATE TABLE audit_gate (
    id uuid PRIMARY KEY,
    opened_at timestamptz NOT NULL
);

-- +goose StatementBegin
CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP IN ('UPDATE', 'DELETE') AND TG_TABLE_NAME = 'audit_events' AND EXISTS (SELECT 1 FROM audit_gate) THEN
        IF TG_OP = 'UPDATE' THEN
            RETURN NEW;
        END IF;
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege';
END
$$;
-- +goose StatementEnd
CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR DELETE ON audit_events FOR EACH ROW EXECUTE FUNCTION audit_append_only();
CREATE TRIGGER audit_checkpoints_append_only BEFORE UPDATE OR DELETE ON audit_checkpoints FOR EACH ROW EXECUTE FUNCTION audit_append_only();
CREATE TRIGGER audit_marks_append_only BEFORE UPDATE OR DELETE ON audit_marks FOR EACH ROW EXECUTE FUNCTION audit_append_only();
CREATE TRIGGER audit_keys_append_only BEFORE UPDATE OR DELETE ON audit_keys FOR EACH ROW EXECUTE FUNCTION audit_append_only();
CREATE TRIGGER audit_streams_keep BEFORE DELETE ON audit_streams FOR EACH ROW EXECUTE FUNCTION audit_append_only();
CREATE TRIGGER audit_streams_grow BEFORE UPDATE ON audit_streams FOR EACH ROW
    WHEN (NEW.id <> OLD.id OR NEW.seq < OLD.seq OR NEW.base_seq < OLD.base_seq) EXECUTE FUNCTION audit_append_only();
CREATE TRIGGER audit_events_truncate BEFORE TRUNCATE ON audit_events EXECUTE FUNCTION audit_append_only();
CREATE TRIGGER audit_streams_truncate BEFORE TRUNCATE ON audit_streams EXECUTE FUNCTION audit_append_only();
CREATE TRIGGER audit_checkpoints_truncate BEFORE TRUNCATE ON audit_checkpoints EXECUTE FUNCTION audit_append_only();
CREATE TRIGGER audit_marks_truncate BEFORE TRUNCATE ON audit_marks EXECUTE FUNCTION audit_append_only();
CREATE TRIGGER audit_keys_truncate BEFORE TRUNCATE ON audit_keys EXECUTE FUNCTION audit_append_only();

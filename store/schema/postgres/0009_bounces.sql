-- +goose Up

-- What became of a message after the other side took it over.

ALTER TABLE outbox
    ADD COLUMN remote_id text COLLATE "C" NOT NULL DEFAULT '',  -- what the mail server or gateway calls it
    ADD COLUMN tag_hash bytea;                                  -- SHA-256 of what a report must know of the message; null: none counts
CREATE INDEX outbox_remote ON outbox (remote_id) WHERE remote_id <> '';
-- What the dashboard counts.
CREATE INDEX outbox_troubled ON outbox (created_at) WHERE state IN ('failed', 'bounced');

-- Each outcome of a message is heard once, however often it is told.
CREATE TABLE message_reports (
    message_id uuid NOT NULL REFERENCES outbox (id) ON DELETE CASCADE,
    outcome text NOT NULL,          -- delayed | delivered | bounced
    hard boolean NOT NULL,          -- bounced, and nothing sent there will arrive
    status text NOT NULL,           -- the enhanced status code (RFC 3463), if one was given
    reply text NOT NULL,            -- the other side's words
    source text NOT NULL,           -- who told: smtp | dsn | webhook | ses | sendgrid | twilio
    at timestamptz NOT NULL,
    PRIMARY KEY (message_id, outcome)
);

ALTER TABLE factors
    ADD COLUMN bounced_at timestamptz,                          -- messages to its address do not arrive
    ADD COLUMN soft_bounces bigint NOT NULL DEFAULT 0;          -- in a row, that were not for good

-- Sign-ins and resets are counted by day without reading their rows.
CREATE INDEX audit_events_counted ON audit_events (type, result, actor_kind, at)
    WHERE type IN ('signin.complete', 'signin.password', 'signin.factor', '2fa.reset');

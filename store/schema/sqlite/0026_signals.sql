-- +goose Up

-- Security events for relying parties (OpenID Shared Signals Framework 1.0).

CREATE TABLE signal_streams (
    id TEXT NOT NULL PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE, -- the receiver
    method TEXT NOT NULL,              -- push (RFC 8935) | poll (RFC 8936)
    endpoint TEXT NOT NULL,            -- push: where events are posted
    authorization_sealed BLOB,         -- push: the Authorization header that the receiver wants; null: none
    events TEXT NOT NULL,              -- what the receiver asked for and is sent, as names of signals.kind, separated by spaces
    events_requested TEXT NOT NULL,    -- what it asked for, in its own words, separated by spaces
    description TEXT NOT NULL,
    status TEXT NOT NULL,              -- enabled | paused | disabled
    status_by TEXT NOT NULL,           -- who set it: receiver | operator
    status_reason TEXT NOT NULL,
    verified_at INTEGER,               -- when a verification was last asked for
    polled_at INTEGER,
    error TEXT NOT NULL,               -- poll: what the receiver last said was wrong
    error_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX signal_streams_client ON signal_streams (client_id, id);

-- What streams are still to be sent. The stream is no foreign key: whoever changes an account waits for no stream.
CREATE TABLE signals (
    id TEXT NOT NULL PRIMARY KEY, -- the jti; push: that of the message in the outbox too
    stream_id TEXT NOT NULL,
    kind TEXT NOT NULL,           -- see signal.go
    account_id TEXT,              -- null: about the stream
    session_id TEXT,
    data TEXT NOT NULL,           -- what the event says
    created_at INTEGER NOT NULL,
    deadline INTEGER NOT NULL
) STRICT;
CREATE INDEX signals_stream ON signals (stream_id, id);
CREATE INDEX signals_deadline ON signals (deadline);

ALTER TABLE outbox ADD COLUMN stream_id TEXT; -- pushes of events: the stream they are sent on
CREATE INDEX outbox_stream ON outbox (stream_id, created_at) WHERE stream_id IS NOT NULL;

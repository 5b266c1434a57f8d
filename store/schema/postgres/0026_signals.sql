-- +goose Up

-- Security events for relying parties (OpenID Shared Signals Framework 1.0).

CREATE TABLE signal_streams (
    id uuid PRIMARY KEY,
    client_id text NOT NULL REFERENCES clients (id) ON DELETE CASCADE, -- the receiver
    method text NOT NULL,              -- push (RFC 8935) | poll (RFC 8936)
    endpoint text NOT NULL,            -- push: where events are posted
    authorization_sealed bytea,        -- push: the Authorization header that the receiver wants; null: none
    events text NOT NULL,              -- what the receiver asked for and is sent, as names of signals.kind, separated by spaces
    events_requested text NOT NULL,    -- what it asked for, in its own words, separated by spaces
    description text NOT NULL,
    status text NOT NULL,              -- enabled | paused | disabled
    status_by text NOT NULL,           -- who set it: receiver | operator
    status_reason text NOT NULL,
    verified_at timestamptz,           -- when a verification was last asked for
    polled_at timestamptz,
    error text NOT NULL,               -- poll: what the receiver last said was wrong
    error_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX signal_streams_client ON signal_streams (client_id, id);

-- What streams are still to be sent. The stream is no foreign key: whoever changes an account waits for no stream.
CREATE TABLE signals (
    id uuid PRIMARY KEY,       -- the jti; push: that of the message in the outbox too
    stream_id uuid NOT NULL,
    kind text NOT NULL,        -- see signal.go
    account_id uuid,           -- null: about the stream
    session_id uuid,
    data jsonb NOT NULL,       -- what the event says
    created_at timestamptz NOT NULL,
    deadline timestamptz NOT NULL
);
CREATE INDEX signals_stream ON signals (stream_id, id);
CREATE INDEX signals_deadline ON signals (deadline);

ALTER TABLE outbox ADD COLUMN stream_id uuid; -- pushes of events: the stream they are sent on
CREATE INDEX outbox_stream ON outbox (stream_id, created_at) WHERE stream_id IS NOT NULL;

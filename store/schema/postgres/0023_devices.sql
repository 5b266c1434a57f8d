-- +goose Up

-- What devices without a browser ask for, until somebody has said yes or no elsewhere (RFC 8628). What is allowed is a grant, whose
-- code is the device code.
CREATE TABLE device_codes (
    id uuid PRIMARY KEY,
    device_hash bytea NOT NULL,
    user_hash bytea NOT NULL,      -- of the code that people type
    client_id text NOT NULL,
    scope text NOT NULL,
    poll_interval bigint NOT NULL, -- seconds
    next_poll_at timestamptz NOT NULL,
    decided_at timestamptz,
    grant_id uuid,                 -- null after the decision: denied
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX device_codes_device ON device_codes (device_hash);
CREATE UNIQUE INDEX device_codes_user ON device_codes (user_hash);
CREATE INDEX device_codes_expiry ON device_codes (expires_at);

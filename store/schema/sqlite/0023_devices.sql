-- +goose Up

-- What devices without a browser ask for, until somebody has said yes or no elsewhere (RFC 8628). What is allowed is a grant, whose
-- code is the device code.
CREATE TABLE device_codes (
    id TEXT NOT NULL PRIMARY KEY,
    device_hash BLOB NOT NULL,
    user_hash BLOB NOT NULL,        -- of the code that people type
    client_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    poll_interval INTEGER NOT NULL, -- seconds
    next_poll_at INTEGER NOT NULL,
    decided_at INTEGER,
    grant_id TEXT,                  -- null after the decision: denied
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX device_codes_device ON device_codes (device_hash);
CREATE UNIQUE INDEX device_codes_user ON device_codes (user_hash);
CREATE INDEX device_codes_expiry ON device_codes (expires_at);

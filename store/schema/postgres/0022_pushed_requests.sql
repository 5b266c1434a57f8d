-- +goose Up

-- Authorization requests that clients pushed (RFC 9126).

CREATE TABLE pushed_requests (
    key bytea PRIMARY KEY,         -- SHA-256 of the request_uri
    client_id text NOT NULL,
    parameters text NOT NULL,      -- as a query; of a signed request, those within its signature
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz            -- a sign-in was answered by it
);
CREATE INDEX pushed_requests_expiry ON pushed_requests (expires_at);

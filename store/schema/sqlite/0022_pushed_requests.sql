-- +goose Up

-- Authorization requests that clients pushed (RFC 9126).

CREATE TABLE pushed_requests (
    key BLOB NOT NULL PRIMARY KEY, -- SHA-256 of the request_uri
    client_id TEXT NOT NULL,
    parameters TEXT NOT NULL,      -- as a query; of a signed request, those within its signature
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER                -- a sign-in was answered by it
) STRICT;
CREATE INDEX pushed_requests_expiry ON pushed_requests (expires_at);

-- +goose Up

-- Clients that registered themselves (RFC 7591, RFC 7592), what lets them, and what makes people's names differ between them.

ALTER TABLE clients ADD COLUMN registered_at INTEGER;                    -- it registered itself; null: staff did
ALTER TABLE clients ADD COLUMN registered_by TEXT NOT NULL DEFAULT '';   -- label of the token that let it; empty: anybody could, or staff did
ALTER TABLE clients ADD COLUMN registration_hash BLOB;                   -- SHA-256 of its registration access token; null: it has none
ALTER TABLE clients ADD COLUMN used_at INTEGER;                          -- when somebody first signed in to one that registered itself
CREATE INDEX clients_unused ON clients (registered_at) WHERE registered_at IS NOT NULL AND used_at IS NULL;

-- Initial access tokens (RFC 7591 section 3).
CREATE TABLE registration_tokens (
    id TEXT PRIMARY KEY NOT NULL,
    token_hash BLOB NOT NULL,
    label TEXT NOT NULL,
    created_by TEXT NOT NULL,      -- whom staff would ask about it
    max_uses INTEGER NOT NULL,
    uses INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    last_used_at INTEGER,
    revoked_at INTEGER
) STRICT;
CREATE UNIQUE INDEX registration_tokens_hash ON registration_tokens (token_hash);
CREATE INDEX registration_tokens_expiry ON registration_tokens (expires_at);

-- Random values that never change and must not be known (OpenID Connect Core section 8.1).
CREATE TABLE salts (
    name TEXT PRIMARY KEY NOT NULL,
    value_sealed BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- +goose Up

-- Clients that registered themselves (RFC 7591, RFC 7592), what lets them, and what makes people's names differ between them.

ALTER TABLE clients ADD COLUMN registered_at timestamptz;                -- it registered itself; null: staff did
ALTER TABLE clients ADD COLUMN registered_by text NOT NULL DEFAULT '';   -- label of the token that let it; empty: anybody could, or staff did
ALTER TABLE clients ADD COLUMN registration_hash bytea;                  -- SHA-256 of its registration access token; null: it has none
ALTER TABLE clients ADD COLUMN used_at timestamptz;                      -- when somebody first signed in to one that registered itself
CREATE INDEX clients_unused ON clients (registered_at) WHERE registered_at IS NOT NULL AND used_at IS NULL;

-- Initial access tokens (RFC 7591 section 3).
CREATE TABLE registration_tokens (
    id uuid PRIMARY KEY,
    token_hash bytea NOT NULL,
    label text NOT NULL,
    created_by text NOT NULL,      -- whom staff would ask about it
    max_uses bigint NOT NULL,
    uses bigint NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    last_used_at timestamptz,
    revoked_at timestamptz
);
CREATE UNIQUE INDEX registration_tokens_hash ON registration_tokens (token_hash);
CREATE INDEX registration_tokens_expiry ON registration_tokens (expires_at);

-- Random values that never change and must not be known (OpenID Connect Core section 8.1).
CREATE TABLE salts (
    name text COLLATE "C" PRIMARY KEY,
    value_sealed bytea NOT NULL,
    created_at timestamptz NOT NULL
);

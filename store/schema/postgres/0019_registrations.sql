-- +goose Up

-- What registrations say beyond what statements look at, and what tokens are bound to.

ALTER TABLE clients ADD COLUMN settings jsonb; -- see package client; null: nothing
ALTER TABLE grants ADD COLUMN key_thumbprint text NOT NULL DEFAULT ''; -- the key that may redeem the code (RFC 9449 section 10); empty: any
ALTER TABLE grants ADD COLUMN resources text NOT NULL DEFAULT ''; -- that tokens may be for (RFC 8707), separated by spaces; empty: none was named
ALTER TABLE token_sets ADD COLUMN key_thumbprint text NOT NULL DEFAULT ''; -- the key the tokens are bound to (RFC 9449); empty: none
ALTER TABLE token_sets ADD COLUMN audience text NOT NULL DEFAULT ''; -- whom the access token is for, separated by spaces; empty: the client

-- Values that count once: identifiers of assertions, proofs and request objects.
CREATE TABLE replays (
    key bytea PRIMARY KEY,
    expires_at timestamptz NOT NULL
);
CREATE INDEX replays_expiry ON replays (expires_at);

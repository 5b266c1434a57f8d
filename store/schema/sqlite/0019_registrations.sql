-- +goose Up

-- What registrations say beyond what statements look at, and what tokens are bound to.

ALTER TABLE clients ADD COLUMN settings TEXT; -- see package client; null: nothing
ALTER TABLE grants ADD COLUMN key_thumbprint TEXT NOT NULL DEFAULT ''; -- the key that may redeem the code (RFC 9449 section 10); empty: any
ALTER TABLE grants ADD COLUMN resources TEXT NOT NULL DEFAULT ''; -- that tokens may be for (RFC 8707), separated by spaces; empty: none was named
ALTER TABLE token_sets ADD COLUMN key_thumbprint TEXT NOT NULL DEFAULT ''; -- the key the tokens are bound to (RFC 9449); empty: none
ALTER TABLE token_sets ADD COLUMN audience TEXT NOT NULL DEFAULT ''; -- whom the access token is for, separated by spaces; empty: the client

-- Values that count once: identifiers of assertions, proofs and request objects.
CREATE TABLE replays (
    key BLOB NOT NULL PRIMARY KEY,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX replays_expiry ON replays (expires_at);

-- +goose Up

-- What was asked for by name, and tokens that were exchanged for others.

ALTER TABLE grants ADD COLUMN claims TEXT NOT NULL DEFAULT ''; -- asked for one by one (OpenID Connect Core section 5.5), as JSON; empty: none
ALTER TABLE token_sets ADD COLUMN parent_id TEXT; -- the tokens this one was exchanged for (RFC 8693); null: it was not
ALTER TABLE token_sets ADD COLUMN actors TEXT NOT NULL DEFAULT ''; -- the clients that act for the person, the present one first, separated by spaces
CREATE INDEX token_sets_exchanged ON token_sets (client_id) WHERE parent_id IS NOT NULL;

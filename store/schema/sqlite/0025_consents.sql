-- +goose Up

-- What people allow applications of others to learn of them.

CREATE TABLE consents (
    account_id TEXT NOT NULL,
    client_id TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    scope TEXT NOT NULL,           -- all that was ever allowed and not taken back, separated by spaces
    granted_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, client_id)
) STRICT;
CREATE INDEX consents_client ON consents (client_id);

ALTER TABLE flows ADD COLUMN consented_scope TEXT NOT NULL DEFAULT ''; -- what the person allowed in this sign-in; empty: not asked yet

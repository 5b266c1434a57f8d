-- +goose Up

-- What people allow applications of others to learn of them.

CREATE TABLE consents (
    account_id uuid NOT NULL,
    client_id text NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    scope text NOT NULL,           -- all that was ever allowed and not taken back, separated by spaces
    granted_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, client_id)
);
CREATE INDEX consents_client ON consents (client_id);

ALTER TABLE flows ADD COLUMN consented_scope text NOT NULL DEFAULT ''; -- what the person allowed in this sign-in; empty: not asked yet

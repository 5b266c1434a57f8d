-- +goose Up

-- What a reset did, for the page that says so, and whom it told.

CREATE TABLE resets (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL,
    form_id uuid NOT NULL,          -- the form that asked for it: one form resets an account once
    method text NOT NULL,           -- the one factor that was reset; empty: everything
    actor_id text NOT NULL,
    actor_name text NOT NULL,
    result jsonb NOT NULL,          -- what it took away, in kinds and numbers
    created_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX resets_form ON resets (form_id, account_id);
CREATE INDEX resets_account ON resets (account_id, created_at);
CREATE INDEX resets_created ON resets (created_at);

CREATE TABLE reset_notices (
    reset_id uuid NOT NULL REFERENCES resets (id) ON DELETE CASCADE,
    message_id uuid NOT NULL,
    PRIMARY KEY (reset_id, message_id)
);

-- Who may set up a factor after a reset: whoever holds the password, or whoever has a ticket besides.

ALTER TABLE surfaces
    ADD COLUMN reenrol text NOT NULL DEFAULT 'open';            -- open | ticket
UPDATE surfaces SET reenrol = 'ticket' WHERE id = 'admin';

ALTER TABLE accounts
    ADD COLUMN ticket_demanded_at timestamptz;                  -- until a factor is set up again

CREATE TABLE reenrol_tickets (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL,
    credential_epoch bigint NOT NULL, -- void once the account's is another
    code_mac bytea NOT NULL,
    code_sealed bytea,                -- for whoever hands it over, until they say that they have it
    issuer_id text NOT NULL,
    message_id uuid,                  -- the mail it went out with; null: staff hand it over
    tries bigint NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz               -- used, or void by a newer one
);
CREATE INDEX reenrol_tickets_account ON reenrol_tickets (account_id, created_at);
CREATE INDEX reenrol_tickets_expiry ON reenrol_tickets (expires_at);

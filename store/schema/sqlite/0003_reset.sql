-- +goose Up

-- What a reset did, for the page that says so, and whom it told.

CREATE TABLE resets (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL,
    form_id TEXT NOT NULL,          -- the form that asked for it: one form resets an account once
    method TEXT NOT NULL,           -- the one factor that was reset; empty: everything
    actor_id TEXT NOT NULL,
    actor_name TEXT NOT NULL,
    result TEXT NOT NULL,           -- what it took away, in kinds and numbers
    created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX resets_form ON resets (form_id, account_id);
CREATE INDEX resets_account ON resets (account_id, created_at);
CREATE INDEX resets_created ON resets (created_at);

CREATE TABLE reset_notices (
    reset_id TEXT NOT NULL REFERENCES resets (id) ON DELETE CASCADE,
    message_id TEXT NOT NULL,
    PRIMARY KEY (reset_id, message_id)
) STRICT;

-- Who may set up a factor after a reset: whoever holds the password, or whoever has a ticket besides.

ALTER TABLE surfaces ADD COLUMN reenrol TEXT NOT NULL DEFAULT 'open'; -- open | ticket
UPDATE surfaces SET reenrol = 'ticket' WHERE id = 'admin';

ALTER TABLE accounts ADD COLUMN ticket_demanded_at INTEGER; -- until a factor is set up again

CREATE TABLE reenrol_tickets (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL,
    credential_epoch INTEGER NOT NULL, -- void once the account's is another
    code_mac BLOB NOT NULL,
    code_sealed BLOB,                  -- for whoever hands it over, until they say that they have it
    issuer_id TEXT NOT NULL,
    message_id TEXT,                   -- the mail it went out with; null: staff hand it over
    tries INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER                    -- used, or void by a newer one
) STRICT;
CREATE INDEX reenrol_tickets_account ON reenrol_tickets (account_id, created_at);
CREATE INDEX reenrol_tickets_expiry ON reenrol_tickets (expires_at);

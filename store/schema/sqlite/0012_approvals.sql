-- +goose Up

-- Accounts whose opening takes two operators: one asks, another approves, and the first then does it once.

ALTER TABLE accounts ADD COLUMN approval INTEGER NOT NULL DEFAULT 0;
ALTER TABLE surfaces ADD COLUMN approval INTEGER NOT NULL DEFAULT 0; -- of every account that signs in here

CREATE TABLE approvals (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT REFERENCES accounts (id) ON DELETE CASCADE, -- null: it is about the surface
    surface_id TEXT NOT NULL,
    act TEXT NOT NULL,
    permit BLOB NOT NULL,              -- SHA-256 of the act, whom it is done to, and those of its parameters that matter
    request TEXT NOT NULL,             -- its parameters, never a secret, and why it is asked for
    form_id TEXT NOT NULL,             -- one form asks once for an account
    credential_epoch INTEGER NOT NULL, -- void once the account's is another
    registered_at INTEGER NOT NULL,    -- since when the account had its registered address; void once it has another
    asker TEXT NOT NULL,               -- operator:… or client:…
    asker_name TEXT NOT NULL,
    state TEXT NOT NULL,               -- waiting | approved | refused | withdrawn | used
    decider TEXT NOT NULL DEFAULT '',
    decider_name TEXT NOT NULL DEFAULT '',
    decision TEXT NOT NULL DEFAULT '', -- why it was refused
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,       -- of the request, then of what was approved
    decided_at INTEGER,
    used_at INTEGER
) STRICT;
CREATE INDEX approvals_created ON approvals (created_at, id);
CREATE INDEX approvals_expiry ON approvals (expires_at);
CREATE INDEX approvals_open ON approvals (expires_at) WHERE state IN ('waiting', 'approved');
CREATE INDEX approvals_account ON approvals (account_id);
CREATE INDEX approvals_form ON approvals (form_id);
CREATE INDEX approvals_permit ON approvals (permit);

-- +goose Up

-- Accounts whose opening takes two operators: one asks, another approves, and the first then does it once.

ALTER TABLE accounts ADD COLUMN approval boolean NOT NULL DEFAULT false;
ALTER TABLE surfaces ADD COLUMN approval boolean NOT NULL DEFAULT false; -- of every account that signs in here

CREATE TABLE approvals (
    id uuid PRIMARY KEY,
    account_id uuid REFERENCES accounts (id) ON DELETE CASCADE, -- null: it is about the surface
    surface_id text COLLATE "C" NOT NULL,
    act text NOT NULL,
    permit bytea NOT NULL,             -- SHA-256 of the act, whom it is done to, and those of its parameters that matter
    request jsonb NOT NULL,            -- its parameters, never a secret, and why it is asked for
    form_id uuid NOT NULL,             -- one form asks once for an account
    credential_epoch bigint NOT NULL,  -- void once the account's is another
    registered_at timestamptz NOT NULL, -- since when the account had its registered address; void once it has another
    asker text NOT NULL,               -- operator:… or client:…
    asker_name text NOT NULL,
    state text NOT NULL,               -- waiting | approved | refused | withdrawn | used
    decider text NOT NULL DEFAULT '',
    decider_name text NOT NULL DEFAULT '',
    decision text NOT NULL DEFAULT '', -- why it was refused
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,   -- of the request, then of what was approved
    decided_at timestamptz,
    used_at timestamptz
);
CREATE INDEX approvals_created ON approvals (created_at, id);
CREATE INDEX approvals_expiry ON approvals (expires_at);
CREATE INDEX approvals_open ON approvals (expires_at) WHERE state IN ('waiting', 'approved');
CREATE INDEX approvals_account ON approvals (account_id);
CREATE INDEX approvals_form ON approvals (form_id);
CREATE INDEX approvals_permit ON approvals (permit);

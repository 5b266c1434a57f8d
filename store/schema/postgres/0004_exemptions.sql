-- +goose Up

-- One account that does without the second factor for a while. What decides is on the row that every decision reads; there is one at
-- most, and who had which is in the audit log.

ALTER TABLE accounts
    ADD COLUMN exempt_until timestamptz,   -- not after this: the end needs nobody
    ADD COLUMN exempt_since timestamptz,
    ADD COLUMN exempt_reason text,         -- what the operator wrote
    ADD COLUMN exempt_by text;             -- the operator's login id, for people to read
CREATE INDEX accounts_exempt ON accounts (exempt_until) WHERE exempt_until IS NOT NULL;

-- Codes that staff hand over, each to be typed once in the place of a second factor.
CREATE TABLE passes (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES accounts (id),
    credential_epoch bigint NOT NULL,      -- void once the account's is another
    code_mac bytea NOT NULL,
    issued_by text NOT NULL,               -- the operator's login id, for people to read
    tries bigint NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    voided_at timestamptz                  -- too many wrong tries, or a newer one
);
CREATE UNIQUE INDEX passes_open ON passes (account_id) WHERE used_at IS NULL AND voided_at IS NULL;
CREATE INDEX passes_expiry ON passes (expires_at);

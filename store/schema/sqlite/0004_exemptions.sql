-- +goose Up

-- One account that does without the second factor for a while. What decides is on the row that every decision reads; there is one at
-- most, and who had which is in the audit log.

ALTER TABLE accounts ADD COLUMN exempt_until INTEGER; -- not after this: the end needs nobody
ALTER TABLE accounts ADD COLUMN exempt_since INTEGER;
ALTER TABLE accounts ADD COLUMN exempt_reason TEXT; -- what the operator wrote
ALTER TABLE accounts ADD COLUMN exempt_by TEXT; -- the operator's login id, for people to read
CREATE INDEX accounts_exempt ON accounts (exempt_until) WHERE exempt_until IS NOT NULL;

-- Codes that staff hand over, each to be typed once in the place of a second factor.
CREATE TABLE passes (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    credential_epoch INTEGER NOT NULL,     -- void once the account's is another
    code_mac BLOB NOT NULL,
    issued_by TEXT NOT NULL,               -- the operator's login id, for people to read
    tries INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER,
    voided_at INTEGER                      -- too many wrong tries, or a newer one
) STRICT;
CREATE UNIQUE INDEX passes_open ON passes (account_id) WHERE used_at IS NULL AND voided_at IS NULL;
CREATE INDEX passes_expiry ON passes (expires_at);

-- +goose Up

-- What a surface lets people prove themselves with.

ALTER TABLE surfaces ADD COLUMN allowed_methods TEXT NOT NULL DEFAULT ''; -- kinds of factor, separated by spaces; empty: all
ALTER TABLE surfaces ADD COLUMN second_level INTEGER NOT NULL DEFAULT 20; -- what two factors must reach together where they are demanded
ALTER TABLE surfaces ADD COLUMN trust_days INTEGER NOT NULL DEFAULT 30; -- how long a browser can be trusted; 0: never

-- The console takes no code by mail or SMS, unless staff rely on one already.
UPDATE surfaces SET allowed_methods = 'totp passkey'
WHERE id = 'admin' AND NOT EXISTS (SELECT 1 FROM factors f JOIN accounts a ON a.id = f.account_id WHERE a.kind = 'operator');
UPDATE surfaces SET trust_days = 0 WHERE id = 'admin';

ALTER TABLE accounts ADD COLUMN password_changed_at INTEGER;
ALTER TABLE accounts ADD COLUMN registered_email_changed_at INTEGER;

-- Second factors of every kind. An account has one row per kind; the row of kind passkey stands for all its passkeys.

ALTER TABLE factors ADD COLUMN position INTEGER NOT NULL DEFAULT 0; -- order of those that are not the main one
ALTER TABLE factors ADD COLUMN secret_sealed BLOB; -- the seed of an authenticator app
ALTER TABLE factors ADD COLUMN totp_step INTEGER; -- the last time step accepted; none older is again
CREATE UNIQUE INDEX factors_main ON factors (account_id) WHERE main;

CREATE TABLE passkeys (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    factor_id TEXT NOT NULL,
    credential_id BLOB NOT NULL,
    record BLOB NOT NULL,          -- public key and what the authenticator said of itself
    sign_count INTEGER NOT NULL,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER
) STRICT;
CREATE UNIQUE INDEX passkeys_credential ON passkeys (credential_id);
CREATE INDEX passkeys_account ON passkeys (account_id);

-- A proof or set-up in progress that the browser's answer is checked against: a passkey's challenge, an app's new seed.
CREATE TABLE ceremonies (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,             -- totp | passkey
    purpose TEXT NOT NULL,          -- login | signin | enrol | change
    flow_id TEXT,                   -- the attempt it belongs to: a flow …
    session_id TEXT,                -- … or a session, never both
    account_id TEXT,                -- null: a sign-in that nobody has begun yet
    data_sealed BLOB NOT NULL,
    tries INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX ceremonies_flow ON ceremonies (flow_id);
CREATE INDEX ceremonies_session ON ceremonies (session_id);
CREATE INDEX ceremonies_account ON ceremonies (account_id);
CREATE INDEX ceremonies_expiry ON ceremonies (expires_at);

ALTER TABLE trusted_devices ADD COLUMN former_hash BLOB; -- the secret before the last use
ALTER TABLE trusted_devices ADD COLUMN rotated_at INTEGER;
ALTER TABLE trusted_devices ADD COLUMN method TEXT NOT NULL DEFAULT 'email'; -- what was proved when it was trusted
ALTER TABLE trusted_devices ADD COLUMN client_address TEXT NOT NULL DEFAULT '';
ALTER TABLE trusted_devices ADD COLUMN credential_epoch INTEGER NOT NULL DEFAULT 0; -- dead once the account's is another

-- Secrets that are handed out to be used once: a new password, the undoing of a change.
CREATE TABLE tickets (
    id TEXT NOT NULL PRIMARY KEY,
    purpose TEXT NOT NULL,
    account_id TEXT NOT NULL,
    secret_hash BLOB NOT NULL,
    credential_epoch INTEGER,        -- void once the account's is another; null: outlives changes
    data TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT;
CREATE UNIQUE INDEX tickets_secret ON tickets (secret_hash);
CREATE INDEX tickets_account ON tickets (account_id, purpose);
CREATE INDEX tickets_expiry ON tickets (expires_at);

-- Forgotten passwords: what was typed, looked at after the answer, so that the answer tells nothing.
CREATE TABLE password_requests (
    id TEXT NOT NULL PRIMARY KEY,
    account_kind TEXT NOT NULL,
    login_key TEXT NOT NULL,
    lang TEXT NOT NULL,
    client_address TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    request_id TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX password_requests_created ON password_requests (created_at);
